//! Kerberos: log-ons to a domain, and which host asks for which service.
//!
//! Source: RFC 4120 (messages in section 5, TCP framing in 7.2.2). Names are read from requests for
//! tickets; keys and tickets are not.

use auscult_model::{About, Meaning, Transport};

use super::der;
use crate::first::{End, First};
use crate::opening::be_u32;
use crate::{Output, Probe, Protocol, Record, Seen, Session, Start, Tier, sides, text};

static RECORD: Record = Record {
    name: "kerberos",
    title: "Kerberos, version 5",
    tier: Tier::Identity,
    transports: &[Transport::Tcp, Transport::Udp],
    ports: &[88],
    sources: &["RFC 4120"],
    reads: &[
        "accounts that ask for their first ticket",
        "host names, of the accounts of machines",
        "the realm",
    ],
    leaves_out: "Tickets, services asked for, answers.",
    attributes: &[("realm", "the realm of the account")],
    ..Record::RECOGNISED
};

/// Messages of each side that are looked at.
const MESSAGES: u32 = 4;

/// See [`RECORD`].
pub struct Kerberos;

impl Protocol for Kerberos {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        match seen.transport {
            Transport::Tcp => sides::judge(seen, of_stream),
            _ => sides::judge(seen, of),
        }
    }

    fn start(&self, start: &Start) -> Box<dyn Session> {
        match start.transport {
            Transport::Tcp => First::start(MESSAGES, start.from_start, end, |message, out| {
                read(message.get(4..).unwrap_or_default(), message.len(), out);
            }),
            _ => First::datagrams(MESSAGES, |message, out| read(message, message.len(), out)),
        }
    }
}

/// Over TCP a length of four bytes stands before each message.
fn of_stream(bytes: &[u8]) -> Probe {
    match bytes {
        [0, 0, ..] => match bytes.get(4..) {
            Some(message) => of(message),
            None => Probe::Maybe,
        },
        [] | [0] => Probe::Maybe,
        _ => Probe::No,
    }
}

/// An application tag from 10 to 30, a sequence, version 5, and the tag's number once more.
fn of(bytes: &[u8]) -> Probe {
    let Some(tag) = bytes.first() else {
        return Probe::Maybe;
    };
    let version = match tag {
        // Requests for tickets count from 1.
        0x6a | 0x6c => 0xa1,
        0x6b | 0x6d | 0x6e | 0x6f | 0x74 | 0x75 | 0x76 | 0x7e => 0xa0,
        _ => return Probe::No,
    };
    let open = |rest: &[u8]| match rest.len() {
        0..6 => Probe::Maybe,
        _ => Probe::No,
    };
    let rest = bytes.get(1..).unwrap_or_default();
    let Some((_, inner)) = der::length(rest) else {
        return open(rest);
    };
    let fields = match inner {
        [] => return Probe::Maybe,
        [0x30, rest @ ..] => match der::length(rest) {
            Some((_, fields)) => fields,
            None => return open(rest),
        },
        _ => return Probe::No,
    };
    let head = [version, 3, 2, 1, 5, version + 1, 3, 2, 1, tag & 0x1f];
    crate::opening::word(fields, &head, Probe::Certain)
}

fn end(bytes: &[u8]) -> End {
    match be_u32(bytes, 0) {
        Some(length @ 1..=0xffff) => End::At(4 + length as usize),
        Some(_) => End::None,
        None => End::Open,
    }
}

/// A request for a first ticket: `[4] { options, [1] { [1] { names } }, [2] realm, … }`.
fn read(message: &[u8], length: usize, out: &mut Output<'_>) {
    let who = || {
        let (request, _) = der::tagged(message, 0x6a)?;
        let (fields, _) = der::tagged(request, 0x30)?;
        let (body, _) = der::tagged(der::among(fields, 0xa4)?, 0x30)?;
        let (realm, _) = der::tagged(der::among(body, 0xa2)?, 0x1b)?;
        let (principal, _) = der::tagged(der::among(body, 0xa1)?, 0x30)?;
        let (names, _) = der::tagged(der::among(principal, 0xa1)?, 0x30)?;
        let (name, _) = der::tagged(names, 0x1b)?;
        Some((text::lenient(name), text::lenient(realm)))
    };
    let Some((name, realm)) = who() else {
        return;
    };
    let place = out.place(0..length);
    let meaning = match name.strip_suffix('$') {
        Some(host) => Meaning::Claim {
            about: About::Sender,
            attribute: "netbios_name",
            value: host.to_owned(),
        },
        None => Meaning::Login {
            method: "kerberos",
            account: name,
            clear: false,
            accepted: None,
        },
    };
    out.say(place, meaning).with("realm", realm);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drive::{Piece, drive, without_places};
    use auscult_model::Direction;

    /// A request of `name` in the realm WARD.
    fn request(name: &[u8]) -> Vec<u8> {
        let wrap = |tag: u8, value: &[u8]| {
            let length = u8::try_from(value.len()).unwrap_or_default();
            [&[tag, length][..], value].concat()
        };
        let names = wrap(0x30, &wrap(0x1b, name));
        let principal = wrap(0x30, &[wrap(0xa0, &[2, 1, 1]), wrap(0xa1, &names)].concat());
        let options = wrap(0xa0, &[3, 5, 0, 0x40, 0x81, 0, 0x10]);
        let realm = wrap(0xa2, &wrap(0x1b, b"WARD"));
        let body = wrap(0x30, &[options, wrap(0xa1, &principal), realm].concat());
        let head = [wrap(0xa1, &[2, 1, 5]), wrap(0xa2, &[2, 1, 10])].concat();
        wrap(0x6a, &wrap(0x30, &[head, wrap(0xa4, &body)].concat()))
    }

    fn said(name: &[u8]) -> Vec<String> {
        let start = Start {
            transport: Transport::Udp,
            from_start: true,
            ports: [40_000, 88],
        };
        let bytes = request(name);
        let pieces = [Piece::Bytes(Direction::FromOriginator, &bytes)];
        without_places(&drive(&Kerberos, &start, &pieces).said)
    }

    #[test]
    fn version_and_kind_are_fixed() {
        let bytes = request(b"mary");
        assert_eq!(of(&bytes), Probe::Certain);
        for length in 1..bytes.len() {
            assert!(of(&bytes[..length]) > Probe::No, "{length}");
        }
        let mut other = bytes.clone();
        other[8] = 4;
        assert_eq!(of(&other), Probe::No);
    }

    #[test]
    fn accounts_of_machines_are_host_names() {
        assert!(said(b"MONITOR7$")[0].contains("\"MONITOR7\""));
        let login = &said(b"mary")[0];
        assert!(login.contains("Login") && login.contains("WARD"), "{login}");
    }
}
