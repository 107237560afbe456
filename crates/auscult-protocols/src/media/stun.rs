//! STUN and TURN: a host asks how it looks from outside, to be called through a translator.
//!
//! Sources: RFC 8489, RFC 8656; RFC 3489 for messages before the magic cookie.

use auscult_model::Transport;

use crate::first::{End, First, claim};
use crate::opening::{be_u16, be_u32};
use crate::{Output, Probe, Protocol, Record, Seen, Session, Start, Tier, sides};

static RECORD: Record = Record {
    name: "stun",
    title: "Session Traversal Utilities for NAT",
    tier: Tier::Identity,
    transports: &[Transport::Udp, Transport::Tcp],
    ports: &[3478],
    sources: &["RFC 8489", "RFC 8656", "RFC 3489"],
    reads: &["what programs call themselves (SOFTWARE)"],
    leaves_out: "Addresses, log-ins, what is relayed.",
    attributes: &[],
    ..Record::RECOGNISED
};

const MESSAGES: u32 = 2;
const HEADER: usize = 20;
const COOKIE: u32 = 0x2112_a442;
const SOFTWARE: u16 = 0x8022;

/// See [`RECORD`].
pub struct Stun;

impl Protocol for Stun {
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
            Transport::Tcp => First::start(MESSAGES, start.from_start, end, read),
            _ => First::datagrams(MESSAGES, read),
        }
    }
}

/// A kind of two zero bits and a known method, a length in words, the cookie.
fn of_stream(bytes: &[u8]) -> Probe {
    use crate::opening::Byte::{Any, Between, Is};
    let start = &[
        Between(0, 1),
        Any,
        Between(0, 8),
        Any,
        Is(0x21),
        Is(0x12),
        Is(0xa4),
        Is(0x42),
    ];
    crate::opening::shape(bytes, start, Probe::Certain)
}

fn of(bytes: &[u8]) -> Probe {
    let length = be_u16(bytes, 2).map(usize::from);
    if !matches!(bytes.first(), Some(0 | 1)) || length != bytes.len().checked_sub(HEADER) {
        return Probe::No;
    }
    match (be_u32(bytes, 4), be_u16(bytes, 0)) {
        (Some(COOKIE), _) => Probe::Certain,
        // The older form: binding, its answer, its refusal.
        (_, Some(0x0001 | 0x0101 | 0x0111)) => Probe::Likely,
        _ => Probe::No,
    }
}

fn end(bytes: &[u8]) -> End {
    match be_u16(bytes, 2) {
        Some(length) => End::At(HEADER + usize::from(length)),
        None => End::Open,
    }
}

fn read(message: &[u8], out: &mut Output<'_>) {
    let mut rest = message.get(HEADER..).unwrap_or_default();
    while let (Some(kind), Some(length)) = (be_u16(rest, 0), be_u16(rest, 2).map(usize::from)) {
        if kind == SOFTWARE {
            let software = rest.get(4..4 + length);
            claim(out, message.len(), "stun_software", software);
            return;
        }
        // Attributes are padded to words.
        rest = rest
            .get(4 + length.next_multiple_of(4)..)
            .unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_and_the_length() {
        let mut bytes = vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
        bytes.extend([7; 12]);
        assert_eq!(of(&bytes), Probe::Certain);
        assert_eq!(of_stream(&bytes), Probe::Certain);
        bytes[4] = 9;
        assert_eq!(of(&bytes), Probe::Likely);
        bytes.push(0);
        assert_eq!(of(&bytes), Probe::No);
    }
}
