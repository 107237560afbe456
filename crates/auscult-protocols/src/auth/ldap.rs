//! LDAP: directories, asked by hosts and by log-ons. Over UDP it is how hosts look for their domain
//! controller.
//!
//! Source: RFC 4511. Of a simple bind the account is read, never the password.

use auscult_model::{Meaning, Transport};

use super::der;
use crate::first::{End, First};
use crate::{Output, Probe, Protocol, Record, Seen, Session, Start, Tier, sides, text};

static RECORD: Record = Record {
    name: "ldap",
    title: "Lightweight Directory Access Protocol",
    tier: Tier::Identity,
    transports: &[Transport::Tcp, Transport::Udp],
    ports: &[389, 3268],
    sources: &["RFC 4511"],
    reads: &["accounts of simple binds, whose passwords cross in clear"],
    leaves_out: "Searches and their answers, SASL binds, everything after StartTLS.",
    ..Record::RECOGNISED
};

/// Messages of each side among which a bind is looked for.
const MESSAGES: u32 = 8;

/// See [`RECORD`].
pub struct Ldap;

impl Protocol for Ldap {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        sides::judge(seen, of)
    }

    fn start(&self, start: &Start) -> Box<dyn Session> {
        match start.transport {
            Transport::Tcp => First::start(MESSAGES, start.from_start, end, read),
            _ => First::datagrams(MESSAGES, read),
        }
    }
}

/// A sequence with a message number and an operation, whose own first elements are fixed.
fn of(bytes: &[u8]) -> Probe {
    match bytes {
        [0x30] => return Probe::Maybe,
        [0x30, ..] => {}
        _ => return Probe::No,
    }
    let Some((_, message)) = bytes.get(1..).and_then(der::length) else {
        return match bytes {
            [0x30, 0x81..=0x84, ..] if bytes.len() < 6 => Probe::Maybe,
            _ => Probe::No,
        };
    };
    let (number, rest) = match message {
        [] | [0x02] => return Probe::Maybe,
        [0x02, count @ 1..=4, rest @ ..] => match rest.get(usize::from(*count)..) {
            Some(behind) => (rest, behind),
            None => return Probe::Maybe,
        },
        _ => return Probe::No,
    };
    let (Some(operation), false) = (rest.first(), number.is_empty()) else {
        return Probe::Maybe;
    };
    let opening: &[u8] = match operation {
        // Bind: version 2 or 3 and a name.
        0x60 => &[0x02, 0x01],
        // Answers: a code of one byte.
        0x61 | 0x65 | 0x67 | 0x69 | 0x6b | 0x78 => &[0x0a, 0x01],
        // Searches, entries, changes: a name.
        0x63 | 0x64 | 0x66 | 0x68 => &[0x04],
        // Extended: the number of the operation.
        0x77 => &[0x80],
        _ => return Probe::No,
    };
    let Some((_, inner)) = rest.get(1..).and_then(der::length) else {
        return match rest.len() {
            0..6 => Probe::Maybe,
            _ => Probe::No,
        };
    };
    match crate::opening::word(inner, opening, Probe::Likely) {
        Probe::Likely => fixed(*operation, inner),
        answer => answer,
    }
}

/// What follows the first element of an operation; where that is fixed enough, it is certain.
fn fixed(operation: u8, inner: &[u8]) -> Probe {
    match (operation, inner) {
        (0x60, [_, _, 2..=3, 0x04, ..]) => Probe::Certain,
        (0x60, [_, _, 2..=3] | [_, _]) => Probe::Maybe,
        (0x60, _) => Probe::No,
        (0x61 | 0x65, [_, _, 0..=80, 0x04, ..]) => Probe::Certain,
        (0x61 | 0x65, [_, _, 0..=80] | [_, _]) => Probe::Maybe,
        (0x61 | 0x65, _) => Probe::No,
        // A search: the name, then scope and the handling of aliases.
        (0x63, _) => match der::element(inner) {
            Some((_, _, rest)) => {
                use crate::opening::Byte::{Between, Is};
                const SCOPE: &[crate::opening::Byte] = &[
                    Is(0x0a),
                    Is(1),
                    Between(0, 3),
                    Is(0x0a),
                    Is(1),
                    Between(0, 3),
                ];
                crate::opening::shape(rest, SCOPE, Probe::Certain)
            }
            None => Probe::Maybe,
        },
        (0x77, _) => crate::opening::word(
            inner.get(2..).unwrap_or_default(),
            b"1.3.6.1.4.1.",
            Probe::Certain,
        ),
        _ => Probe::Likely,
    }
}

fn end(bytes: &[u8]) -> End {
    match (bytes.first(), der::size(bytes)) {
        (Some(0x30), Some(size)) => End::At(size),
        (Some(0x30), None) if bytes.len() < 6 => End::Open,
        _ => End::None,
    }
}

/// A simple bind with a password: `[APPLICATION 0] { version, name, [0] password }`.
fn read(message: &[u8], out: &mut Output<'_>) {
    let bind = || {
        let (message, _) = der::tagged(message, 0x30)?;
        let bind = der::among(message, 0x60)?;
        let (_, rest) = der::tagged(bind, 0x02)?;
        let (name, rest) = der::tagged(rest, 0x04)?;
        let (password, _) = der::tagged(rest, 0x80)?;
        (!name.is_empty() && !password.is_empty()).then_some((name, password))
    };
    let Some((name, password)) = bind() else {
        return;
    };
    out.withhold_part(message, password);
    let place = out.place(0..message.len());
    out.say(
        place,
        Meaning::Login {
            method: "ldap-simple",
            account: text::lenient(name),
            clear: true,
            accepted: None,
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drive::{Piece, drive};
    use auscult_model::Direction;

    const BIND: &[u8] =
        b"\x30\x1d\x02\x01\x01\x60\x18\x02\x01\x03\x04\x0bcn=printers\x80\x06secret";

    #[test]
    fn operations_have_fixed_beginnings() {
        assert_eq!(of(BIND), Probe::Certain);
        for length in 1..BIND.len() {
            assert!(of(&BIND[..length]) > Probe::No, "{length}");
        }
        let root = b"\x30\x25\x02\x01\x02\x63\x20\x04\0\x0a\x01\0\x0a\x01\0\x02\x01\0";
        assert_eq!(of(root), Probe::Certain);
        // SNMP has a community there.
        assert_eq!(of(b"\x30\x26\x02\x01\x01\x04\x06public"), Probe::No);
    }

    #[test]
    fn a_simple_bind_names_its_account_and_no_password() {
        let start = Start {
            transport: Transport::Tcp,
            from_start: true,
            ports: [40_000, 389],
        };
        let pieces = [Piece::Bytes(Direction::FromOriginator, BIND)];
        let said = drive(&Ldap, &start, &pieces).said;
        let text = format!("{said:?}");
        assert!(
            text.contains("cn=printers") && !text.contains("secret"),
            "{text}"
        );
    }
}
