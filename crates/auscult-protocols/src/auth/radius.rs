//! RADIUS: a network device asks whether a user or device may join.
//!
//! Sources: RFC 2865, RFC 2866, RFC 5176. Told by a length that is the datagram's and attributes
//! that
//! fill it to the byte.

use auscult_model::Transport;

use crate::opening::be_u16;
use crate::{Probe, Protocol, Record, Seen, sides};

static RECORD: Record = Record {
    name: "radius",
    title: "Remote Authentication Dial In User Service",
    transports: &[Transport::Udp],
    ports: &[1812, 1813, 1645, 1646],
    sources: &["RFC 2865", "RFC 2866", "RFC 5176"],
    false_likely: "1 of 100,000 random datagrams of 1 to 304 bytes",
    ..Record::RECOGNISED
};

/// See [`RECORD`].
pub struct Radius;

impl Protocol for Radius {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        probe(seen)
    }
}

/// Codes of requests and answers: access, accounting, status, disconnect, change.
const CODES: &[u8] = &[1, 2, 3, 4, 5, 11, 12, 13, 40, 41, 42, 43, 44, 45];

fn probe(seen: &Seen<'_>) -> Probe {
    let (one, other) = (seen.originator, seen.responder);
    let is_pair = one.get(1) == other.get(1) && one.first() != other.first();
    match sides::judge(seen, of) {
        // The answer carries the question's identifier.
        Probe::Likely if is_pair && of(one) == of(other) => Probe::Certain,
        answer => answer,
    }
}

fn of(bytes: &[u8]) -> Probe {
    let fits = bytes.first().is_some_and(|code| CODES.contains(code));
    let Some(length) = be_u16(bytes, 2).map(usize::from) else {
        return Probe::No;
    };
    let Some(mut attributes) = bytes.get(20..length) else {
        return Probe::No;
    };
    // Some devices pad.
    if !fits || bytes.len() - length > 3 {
        return Probe::No;
    }
    let mut fitting = 0;
    while let [kind, length, ..] = *attributes {
        match attributes.get(usize::from(length)..) {
            Some(rest) if kind != 0 && length >= 2 => attributes = rest,
            // What is damaged further on was RADIUS at its beginning.
            _ if fitting >= 2 => return Probe::Likely,
            _ => return Probe::No,
        }
        fitting += 1;
    }
    match attributes.is_empty() {
        true => Probe::Likely,
        false => Probe::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_fill_the_datagram() {
        let mut bytes = vec![1, 7, 0, 26];
        bytes.extend([9; 16]);
        bytes.extend(b"\x01\x06mary");
        assert_eq!(of(&bytes), Probe::Likely);
        bytes[21] = 5;
        assert_eq!(of(&bytes), Probe::No);
        bytes[21] = 6;
        bytes[0] = 99;
        assert_eq!(of(&bytes), Probe::No);
    }

    #[test]
    fn question_and_answer_together_are_certain() {
        let of = |code, id| {
            let mut bytes = vec![code, id, 0, 23];
            bytes.extend([9; 16]);
            bytes.extend([6, 3, 1]);
            bytes
        };
        let seen = |one: &[u8], other: &[u8]| {
            probe(&Seen {
                transport: Transport::Udp,
                originator: one,
                responder: other,
                from_start: true,
            })
        };
        assert_eq!(seen(&of(1, 7), &of(2, 7)), Probe::Certain);
        assert_eq!(seen(&of(1, 7), &of(2, 8)), Probe::Likely);
    }
}
