//! Messages of the three versions, borrowed from the datagram.
//!
//! Sources: RFC 1157 §4 (version 1), RFC 1901 §3 (community-based version 2), RFC 3416 §3 (PDUs),
//! RFC 3412 §6 (version 3), RFC 3414 §2.4 (user-based security), RFC 3411 §5 (engine id).
//!
//! ```text
//! SEQUENCE { version 0 or 1, community OCTETS, pdu [0xa0..=0xa8] }
//! SEQUENCE { version 3, SEQUENCE { id, size, flags OCTETS, model },
//!            OCTETS { SEQUENCE { engine OCTETS, boots, time, user OCTETS, OCTETS, OCTETS } },
//!            SEQUENCE { engine OCTETS, name OCTETS, pdu }  or, encrypted,  OCTETS }
//! pdu: { request INTEGER, error INTEGER, index INTEGER, bindings }
//! trap of version 1 (0xa4): { enterprise OID, agent [0x40], generic, specific, time [0x43],
//!            bindings }
//! bindings: SEQUENCE { SEQUENCE { name OID, value }... }
//! ```

use auscult_model::MacAddr;

use super::ber::{Ber, NoHead, head, tag};
use crate::Probe;

/// Kinds of PDUs, by tag.
pub(super) mod pdu {
    pub(crate) const RESPONSE: u8 = 0xa2;
    pub(crate) const SET: u8 = 0xa3;
    pub(crate) const TRAP_V1: u8 = 0xa4;
    pub(crate) const INFORM: u8 = 0xa6;
    pub(crate) const TRAP: u8 = 0xa7;
}

/// A message.
#[derive(Debug)]
pub(super) struct Message<'a> {
    /// Who may ask.
    pub(super) security: Security<'a>,
    /// What is asked or answered; `None` when it is encrypted.
    pub(super) pdu: Option<Pdu<'a>>,
}

/// Who may ask.
#[derive(Debug)]
pub(super) enum Security<'a> {
    /// Whoever knows this word, which is never kept.
    Community(&'a [u8]),
    /// A user.
    User(User<'a>),
    /// Another model of version 3.
    Other,
}

/// The user-based model.
#[derive(Debug)]
pub(super) struct User<'a> {
    /// Of the side that is asked.
    pub(super) engine: &'a [u8],
    /// Name.
    pub(super) name: &'a [u8],
    /// 1 authenticated, 2 encrypted, 4 an answer is wanted.
    pub(super) flags: u8,
}

/// What is asked or answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pdu<'a> {
    /// Its tag.
    pub(super) kind: u8,
    /// Number of the request; of traps of version 1 none.
    pub(super) request: i64,
    /// Status of the answer, 0 is good.
    pub(super) error: i64,
    /// What a trap of version 1 is about.
    pub(super) trap: Option<Trap<'a>>,
    bindings: Ber<'a>,
}

/// Head of a trap of version 1.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trap<'a> {
    pub(super) enterprise: &'a [u8],
    pub(super) generic: i64,
    pub(super) specific: i64,
}

/// A name, and its value's tag and bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Binding<'a> {
    pub(super) name: &'a [u8],
    pub(super) tag: u8,
    pub(super) value: &'a [u8],
}

impl<'a> Message<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut message = Ber::new(bytes).enter(tag::SEQUENCE)?;
        let version = message.integer()?;
        if version != 3 {
            let security = Security::Community(message.value(tag::OCTETS)?);
            let pdu = Pdu::read(&mut message);
            return Some(Message { security, pdu });
        }
        let mut global = message.enter(tag::SEQUENCE)?;
        let _id = global.integer()?;
        let _size = global.integer()?;
        let flags = global.value(tag::OCTETS)?.first().copied()?;
        let model = global.integer()?;
        let mut parameters = message.enter(tag::OCTETS)?;
        let user = parameters.enter(tag::SEQUENCE).filter(|_| model == 3);
        let security = match user.and_then(|user| User::read(user, flags)) {
            Some(user) => Security::User(user),
            None => Security::Other,
        };
        let scoped = message.enter(tag::SEQUENCE);
        let pdu = scoped.and_then(|mut scoped| {
            scoped.value(tag::OCTETS)?;
            scoped.value(tag::OCTETS)?;
            Pdu::read(&mut scoped)
        });
        Some(Message { security, pdu })
    }
}

impl<'a> User<'a> {
    fn read(mut ber: Ber<'a>, flags: u8) -> Option<Self> {
        let engine = ber.value(tag::OCTETS)?;
        let _boots = ber.integer()?;
        let _time = ber.integer()?;
        let name = ber.value(tag::OCTETS)?;
        Some(User {
            engine,
            name,
            flags,
        })
    }

    /// Whether it wants an answer: then the engine is the receiver's, else the sender's
    /// (RFC 3412 §6.4, RFC 3414 §1.5.1).
    pub(super) fn wants_answer(&self) -> bool {
        self.flags & 4 != 0
    }

    /// Level of security, in the words of RFC 3411 §3.4.3.
    pub(super) fn level(&self) -> &'static str {
        match self.flags & 3 {
            0 => "noAuthNoPriv",
            1 => "authNoPriv",
            _ => "authPriv",
        }
    }
}

impl<'a> Pdu<'a> {
    fn read(ber: &mut Ber<'a>) -> Option<Self> {
        let kind = ber.tag().filter(|kind| matches!(kind, 0xa0..=0xa8))?;
        let mut pdu = ber.enter(kind)?;
        let (mut request, mut error, mut trap) = (0, 0, None);
        if kind == pdu::TRAP_V1 {
            let enterprise = pdu.value(tag::OBJECT_ID)?;
            let _agent = pdu.any()?;
            let (generic, specific) = (pdu.integer()?, pdu.integer()?);
            let _time = pdu.any()?;
            trap = Some(Trap {
                enterprise,
                generic,
                specific,
            });
        } else {
            request = pdu.integer()?;
            error = pdu.integer()?;
            let _index = pdu.integer()?;
        }
        Some(Pdu {
            kind,
            request,
            error,
            trap,
            bindings: pdu.enter(tag::SEQUENCE)?,
        })
    }

    /// Names with their values, as far as they are whole.
    pub(super) fn bindings(&self) -> impl Iterator<Item = Binding<'a>> + use<'a> {
        let mut bindings = self.bindings;
        std::iter::from_fn(move || {
            let mut binding = bindings.enter(tag::SEQUENCE)?;
            let name = binding.value(tag::OBJECT_ID)?;
            let (tag, value) = binding.any()?;
            Some(Binding { name, tag, value })
        })
    }
}

/// What an engine id says (RFC 3411 §5, SnmpEngineID): number of the enterprise, and the MAC
/// address that it was made from.
pub(super) fn engine(id: &[u8]) -> Option<(u32, Option<MacAddr>)> {
    let (number, rest) = id.split_first_chunk::<4>()?;
    let number = u32::from_be_bytes(*number);
    let mac = match *rest {
        // Cisco writes seven bytes, the first of them zero.
        [3, a, b, c, d, e, f] | [3, 0, a, b, c, d, e, f] if number >> 31 == 1 => {
            Some(MacAddr([a, b, c, d, e, f]))
        }
        _ => None,
    };
    Some((number & 0x7fff_ffff, mac))
}

/// Judges by the nesting up to the first number of the PDU: tags of fixed value, a version and
/// lengths that fit into each other, over 48 bits together.
pub(super) fn probe(bytes: &[u8]) -> Probe {
    match nesting(bytes) {
        Ok(()) => Probe::Certain,
        Err(NoHead::Short) => Probe::Maybe,
        Err(NoHead::Bad) => Probe::No,
    }
}

fn nesting(bytes: &[u8]) -> Result<(), NoHead> {
    let (first, message, used) = head(bytes)?;
    let fits = |fits: bool| if fits { Ok(()) } else { Err(NoHead::Bad) };
    // Three bytes of version, two of the next head, and a PDU.
    fits(first == tag::SEQUENCE && (11..0x1_0000).contains(&message))?;
    let end = used + message;
    let version = bytes.get(used..).unwrap_or_default();
    match *version {
        [tag::INTEGER, 1, 0 | 1 | 3, ..] => {}
        [] | [tag::INTEGER] | [tag::INTEGER, 1] => return Err(NoHead::Short),
        _ => return Err(NoHead::Bad),
    }
    let at = used + 3;
    let next = bytes.get(at..).unwrap_or_default();
    let (second, length, used) = head(next)?;
    if version.get(2) == Some(&3) {
        fits(second == tag::SEQUENCE && at + used + length < end && length < 0x80)?;
        let (id, length, _) = head(next.get(used..).unwrap_or_default())?;
        return fits(id == tag::INTEGER && (1..=5).contains(&length));
    }
    fits(second == tag::OCTETS && at + used + length + 2 < end)?;
    let at = at + used + length;
    let rest = bytes.get(at..).unwrap_or_default();
    let (kind, length, used) = head(rest)?;
    fits(matches!(kind, 0xa0..=0xa8) && at + used + length == end)?;
    let (inner, length, _) = head(rest.get(used..).unwrap_or_default())?;
    fits(match kind {
        pdu::TRAP_V1 => inner == tag::OBJECT_ID && length < 0x80,
        _ => inner == tag::INTEGER && (1..=5).contains(&length),
    })
}
