//! SMB: shares of files and printers. Read as far as hosts introduce themselves.
//!
//! Sources: MS-SMB (version 1), MS-SMB2 (versions 2 and 3), RFC 1002 (framing), MS-NLMP.

use super::{implant, ntlm};
use crate::first::{End, First};
use crate::opening::Byte::{Any, In, Is};
use crate::opening::{Byte, be_u32, le_u16, shape};
use crate::{Output, Probe, Protocol, Record, Seen, Session, Start, Tier, sides, text};

static RECORD: Record = Record {
    name: "smb",
    title: "Server Message Block, versions 1 to 3",
    tier: Tier::Identity,
    ports: &[445, 139],
    sources: &["MS-SMB", "MS-SMB2", "MS-NLMP", "RFC 1002"],
    reads: &[
        "the dialect agreed on, and whether messages are signed",
        "names, domain and version of the system (NTLM, and SMB 1's own words)",
        "accounts that log in with NTLM",
        "questions for an implant by a sub-command that nothing else uses, and their answers",
    ],
    leaves_out: "Shares, files, printing, pipes; log-ons with Kerberos; what is enciphered.",
    attributes: &[],
    ..Record::RECOGNISED
};

/// Messages of each side that are read.
const MESSAGES: u32 = 6;
const HEADER_1: &[u8] = b"\xffSMB";
const HEADER_2: &[u8] = b"\xfeSMB";

/// See [`RECORD`].
pub struct Smb;

impl Protocol for Smb {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        sides::judge(seen, of)
    }

    fn start(&self, start: &Start) -> Box<dyn Session> {
        First::start(MESSAGES, start.from_start, end, read)
    }
}

/// A length and a header; over NetBIOS a session is asked for, and granted, first.
fn of(bytes: &[u8]) -> Probe {
    const MESSAGE: &[Byte] = &[
        Is(0),
        Any,
        Any,
        Any,
        In(&[0xff, 0xfe, 0xfd, 0xfc]),
        Is(b'S'),
        Is(b'M'),
        Is(b'B'),
    ];
    let message = match bytes.first() {
        Some(0x81) => match be_u32(bytes, 0).map(|head| 4 + (head & 0xffff) as usize) {
            Some(length @ 72..=76) => bytes.get(length..).unwrap_or_default(),
            Some(_) => return Probe::No,
            None => return Probe::Maybe,
        },
        Some(0x82) if b"\x82\0\0\0".starts_with(bytes.get(..4).unwrap_or(bytes)) => {
            bytes.get(4..).unwrap_or_default()
        }
        _ => bytes,
    };
    shape(message, MESSAGE, Probe::Certain)
}

fn end(bytes: &[u8]) -> End {
    match (bytes.first(), be_u32(bytes, 0)) {
        (Some(0 | 0x81..=0x85), Some(head)) => End::At(4 + (head & 0x00ff_ffff) as usize),
        (Some(0 | 0x81..=0x85), None) => End::Open,
        _ => End::None,
    }
}

fn read(message: &[u8], out: &mut Output<'_>) {
    let Some(smb) = message.get(4..) else {
        return;
    };
    if smb.starts_with(HEADER_2) {
        match (le_u16(smb, 12), smb.get(16).map(|flags| flags & 1)) {
            (Some(0), Some(1)) => negotiated(smb, message.len(), out),
            (Some(1), _) => ntlm::read(message, out),
            _ => {}
        }
    } else if let Some(meaning) = smb
        .starts_with(HEADER_1)
        .then(|| implant::said(smb))
        .flatten()
    {
        out.say(out.place(0..message.len()), meaning);
    } else if smb.starts_with(HEADER_1) && smb.get(4) == Some(&0x73) {
        ntlm::read(message, out);
        if smb.get(9).is_some_and(|flags| flags & 0x80 != 0) {
            words_of_1(smb, message.len(), out);
        }
    }
}

/// The answer to a negotiation: security mode and dialect.
fn negotiated(smb: &[u8], length: usize, out: &mut Output<'_>) {
    let dialect = match le_u16(smb, 68) {
        Some(0x0202) => "2.0.2",
        Some(0x0210) => "2.1",
        Some(0x0300) => "3.0",
        Some(0x0302) => "3.0.2",
        Some(0x0311) => "3.1.1",
        _ => return,
    };
    let signing = match le_u16(smb, 66).map(|mode| mode & 3) {
        Some(0) => "off",
        Some(1) => "possible",
        _ => "required",
    };
    let place = out.place(0..length);
    out.claim(place, "smb_dialect", dialect.to_owned());
    out.claim(place, "smb_signing", signing.to_owned());
}

/// The answer to a log-on in version 1 ends with the system's name in words, behind a token whose
/// length is the fourth parameter where there are four.
fn words_of_1(smb: &[u8], length: usize, out: &mut Output<'_>) {
    let words = || {
        let is_wide = le_u16(smb, 10)? & 0x8000 != 0;
        let count = usize::from(*smb.get(32)?);
        let token = match count {
            4 => usize::from(le_u16(smb, 33 + 6)?),
            3 => 0,
            _ => return None,
        };
        let start = 33 + 2 * count + 2 + token;
        // Wide letters begin at an even place.
        let system = smb.get(start + usize::from(is_wide && start % 2 == 1)..)?;
        Some(match is_wide {
            true => ntlm::wide(system),
            false => text::lenient(system),
        })
    };
    let place = out.place(0..length);
    out.claim(place, "smb_dialect", "1".to_owned());
    if let Some(system) = words() {
        out.claim(place, "smb_os", system);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drive::{Piece, drive, without_places};
    use auscult_model::{Direction, Transport};

    #[test]
    fn a_header_behind_its_length() {
        assert_eq!(of(b"\0\0\0\x85\xffSMBr"), Probe::Certain);
        assert_eq!(of(b"\0\0\0\x85\xfbSMBr"), Probe::No);
        assert_eq!(of(b"\0\0\0"), Probe::Maybe);
        let mut request = b"\x81\0\0\x44".to_vec();
        request.extend([b'A'; 68]);
        assert_eq!(of(&request), Probe::Maybe);
        request.extend(b"\0\0\0\x85\xfeSMB");
        assert_eq!(of(&request), Probe::Certain);
        assert_eq!(of(b"\x82\0\0\0\0\0\0\x51\xffSMB"), Probe::Certain);
        assert_eq!(of(b"\x82\x01"), Probe::No);
    }

    #[test]
    fn a_negotiation_tells_dialect_and_signing() {
        let mut smb = [0u8; 72];
        smb[..4].copy_from_slice(HEADER_2);
        smb[16] = 1;
        smb[64] = 65;
        smb[66] = 3;
        smb[68..70].copy_from_slice(&[0x11, 0x03]);
        let message = [&[0, 0, 0, 72], &smb[..]].concat();
        let start = Start {
            transport: Transport::Tcp,
            from_start: true,
            ports: [40_000, 445],
        };
        let pieces = [Piece::Bytes(Direction::FromResponder, &message)];
        let said = without_places(&drive(&Smb, &start, &pieces).said).join("\n");
        assert!(
            said.contains("3.1.1") && said.contains("required"),
            "{said}"
        );
    }
}
