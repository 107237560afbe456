//! The header of an ONC RPC message: call or reply, credentials.
//!
//! ```text
//! call   xid u32 · 0 · 2 · program · version · procedure · credential · verifier · arguments
//! reply  xid u32 · 1 · 0 accepted · verifier · status (0 = success) · results
//!                    · 1 denied · reason (0 version: low, high; 1 credentials: status)
//! credential, verifier   flavor u32 · length u32 (at most 400) · body
//! AUTH_SYS body (flavor 1)  stamp u32 · machine name<255> · uid u32 · gid u32 · gids<16>
//! ```
//!
//! Sources: RFC 5531; flavors: IANA "RPC Authentication Flavor Numbers". Limits: RPCSEC_GSS
//! messages with protected arguments (RFC 2203) are followed but their content is not read.

use super::xdr::Xdr;
use crate::{Cursor, text};

/// Longest credential or verifier body.
const AUTH_MAX: usize = 400;
/// Bytes of the longest header.
pub(crate) const HEADER_MAX: usize = 24 + 2 * (8 + AUTH_MAX);

/// What the caller says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) machine: String,
    pub(crate) uid: u32,
}

/// A call's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CallHeader {
    pub(crate) xid: u32,
    pub(crate) program: u32,
    pub(crate) version: u32,
    pub(crate) procedure: u32,
    /// Arguments and results lie in clear and unwrapped.
    pub(crate) readable: bool,
}

/// A header, read from its first bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Header<'a> {
    /// A call, its AUTH_SYS body, and how many bytes its header takes.
    Call(CallHeader, Option<&'a [u8]>, usize),
    /// A reply, whether the call was accepted and carried out, and how many bytes it takes.
    Reply(u32, bool, usize),
    /// Not all there yet.
    Short,
    /// Not an RPC message, as so many bytes tell.
    Broken(usize),
}

/// Reads the header at the front of a message.
pub(crate) fn header(bytes: &[u8]) -> Header<'_> {
    let mut xdr = Xdr::new(bytes);
    let (Some(xid), Some(kind), Some(next)) = (xdr.word(), xdr.word(), xdr.word()) else {
        return Header::Short;
    };
    let found = match (kind, next) {
        (0, 2) => call(&mut xdr, xid),
        (1, 0) => reply(&mut xdr, xid, true),
        (1, 1) => reply(&mut xdr, xid, false),
        _ => return Header::Broken(xdr.at()),
    };
    match found {
        Some(header) => header,
        // Every part is bounded, so a long rest means that a part breaks its bound.
        None if bytes.len() >= HEADER_MAX => Header::Broken(HEADER_MAX),
        None => Header::Short,
    }
}

fn call<'a>(xdr: &mut Xdr<'a>, xid: u32) -> Option<Header<'a>> {
    let (program, version, procedure) = (xdr.word()?, xdr.word()?, xdr.word()?);
    let (flavor, body) = (xdr.word()?, xdr.opaque(AUTH_MAX)?);
    xdr.word()?;
    xdr.opaque(AUTH_MAX)?;
    let header = CallHeader {
        xid,
        program,
        version,
        procedure,
        readable: flavor != RPCSEC_GSS || gss_is_clear(body),
    };
    let caller = (flavor == AUTH_SYS).then_some(body);
    Some(Header::Call(header, caller, xdr.at()))
}

fn reply<'a>(xdr: &mut Xdr<'a>, xid: u32, accepted: bool) -> Option<Header<'a>> {
    let carried_out = if accepted {
        xdr.word()?;
        xdr.opaque(AUTH_MAX)?;
        xdr.word()? == 0
    } else {
        xdr.word()?;
        false
    };
    Some(Header::Reply(xid, carried_out, xdr.at()))
}

const AUTH_SYS: u32 = 1;
const RPCSEC_GSS: u32 = 6;

/// Reads an AUTH_SYS body.
pub(crate) fn caller(body: &[u8]) -> Option<Caller> {
    let mut xdr = Xdr::new(body);
    xdr.word()?;
    let machine = text::lenient(xdr.opaque(255)?);
    Some(Caller {
        machine,
        uid: xdr.word()?,
    })
}

/// RFC 2203 §5: version, procedure (0 = data), sequence number, service (1 = none protected).
fn gss_is_clear(body: &[u8]) -> bool {
    let mut xdr = Xdr::new(body);
    let words = [xdr.word(), xdr.word(), xdr.word(), xdr.word()];
    matches!(words, [Some(1), Some(0), Some(_), Some(1)])
}

/// What the first bytes of a message could be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Looks {
    /// A call: 76 bits or more of it are fixed.
    Call { program: u32 },
    /// A reply: message type, status and an empty or known verifier fit.
    Reply,
    /// As far as it goes, it could be one.
    Open,
    /// Neither.
    Neither,
}

/// Where a word lies, and what it may hold.
type Bound = (usize, fn(u32) -> bool);

/// Judges the first bytes of a message. `Neither`, `Call` and `Reply` hold for every longer
/// prefix, too.
pub(crate) fn looks(bytes: &[u8]) -> Looks {
    let word = |at: usize| Cursor::new(bytes.get(at..)?).be_u32();
    match word(4) {
        None => Looks::Open,
        Some(0) => {
            let bounds: [Bound; 6] = [
                (8, |version| version == 2),
                (12, known_program),
                (16, |version| version <= 10),
                (20, |procedure| procedure <= 100),
                (24, known_flavor),
                (28, |length| length <= AUTH_MAX as u32 && length % 4 == 0),
            ];
            judge(&bounds, word).unwrap_or_else(|| Looks::Call {
                program: word(12).unwrap_or_default(),
            })
        }
        Some(1) => match word(8) {
            None => Looks::Open,
            Some(0) => {
                let bounds: [Bound; 2] = [
                    (12, known_flavor),
                    (16, |length| length <= AUTH_MAX as u32 && length % 4 == 0),
                ];
                judge(&bounds, word).unwrap_or(Looks::Reply)
            }
            Some(1) => judge(&[(12, |reason| reason <= 1)], word).unwrap_or(Looks::Reply),
            Some(_) => Looks::Neither,
        },
        Some(_) => Looks::Neither,
    }
}

/// `None` when all bounds hold.
fn judge(bounds: &[Bound], word: impl Fn(usize) -> Option<u32>) -> Option<Looks> {
    for (at, holds) in bounds {
        match word(*at) {
            None => return Some(Looks::Open),
            Some(value) if holds(value) => {}
            Some(_) => return Some(Looks::Neither),
        }
    }
    None
}

/// Numbers that IANA and vendors have given out (RFC 5531 §13), callbacks of NFSv4 (transient,
/// 0x4…) and VxWorks' debug agent.
fn known_program(program: u32) -> bool {
    matches!(
        program,
        100_000..=100_499
            | 150_000..=150_099
            | 200_000..=200_999
            | 300_000..=300_999
            | 390_000..=400_499
            | 0x2000_0000..=0x5fff_ffff
    )
}

fn known_flavor(flavor: u32) -> bool {
    matches!(flavor, 0..=7 | 390_000..=390_020)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_credentials() {
        let bytes = b"\0\0\0\x0b\0\0\0\0\0\0\0\x02\0\x01\x86\xa5\0\0\0\x03\0\0\0\x01\
            \0\0\0\x01\0\0\0\x20\x11\x22\x33\x44\0\0\0\x07cms8000\0\0\0\0\0\0\0\0\0\0\0\0\x01\
            \0\0\0\0\0\0\0\0\0\0\0\0";
        let Header::Call(call, Some(body), length) = header(bytes) else {
            panic!("not read");
        };
        assert_eq!(length, bytes.len());
        assert_eq!(
            (call.program, call.version, call.procedure),
            (100_005, 3, 1)
        );
        let caller = caller(body).expect("AUTH_SYS");
        assert_eq!((caller.machine.as_str(), caller.uid), ("cms8000", 0));
        for cut in 0..bytes.len() {
            assert_eq!(header(&bytes[..cut]), Header::Short, "{cut}");
        }
    }

    #[test]
    fn protected_arguments_are_not_read() {
        for (service, clear) in [(1, true), (2, false), (3, false)] {
            let body = [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, service];
            assert_eq!(gss_is_clear(&body), clear);
        }
    }
}
