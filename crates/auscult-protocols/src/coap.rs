//! CoAP: small devices, asked and told.
//!
//! Source: RFC 7252. The header has few fixed bits: options must parse to the end, and those that
//! are
//! text must be text.

use auscult_model::Transport;

use crate::opening::be_u16;
use crate::{Probe, Protocol, Record, Seen, sides};

static RECORD: Record = Record {
    name: "coap",
    title: "Constrained Application Protocol",
    transports: &[Transport::Udp],
    ports: &[5683],
    sources: &["RFC 7252", "RFC 7959"],
    false_likely: "2 of 100,000 random datagrams of 1 to 304 bytes",
    ..Record::RECOGNISED
};

/// See [`RECORD`].
pub struct Coap;

impl Protocol for Coap {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        probe(seen)
    }
}

fn probe(seen: &Seen<'_>) -> Probe {
    let (one, other) = (seen.originator, seen.responder);
    // An answer has its question's number, and the class of an answer.
    let class = |bytes: &[u8]| bytes.get(1).map(|code| code >> 5);
    let is_pair = one
        .get(2..4)
        .is_some_and(|number| other.get(2..4) == Some(number))
        && matches!(
            (class(one), class(other)),
            (Some(0), Some(0 | 2..=5)) | (Some(2..=5), Some(0))
        );
    match sides::judge(seen, of) {
        Probe::Maybe | Probe::Likely if is_pair && of(one).min(of(other)) > Probe::No => {
            Probe::Likely
        }
        answer => answer,
    }
}

fn of(bytes: &[u8]) -> Probe {
    let [first, code, _, _, rest @ ..] = bytes else {
        return Probe::No;
    };
    let token = usize::from(first & 0x0f);
    let is_code = matches!(code, 0..=7 | 0x41..=0x45 | 0x5f | 0x80..=0x8f | 0xa0..=0xa5);
    let Some(rest) = rest.get(token..) else {
        return Probe::No;
    };
    if first & 0xc0 != 0x40 || token > 8 || !is_code {
        return Probe::No;
    }
    // An empty message acknowledges, and is nothing but its header.
    if *code == 0 {
        return match (token, rest) {
            (0, []) => Probe::Maybe,
            _ => Probe::No,
        };
    }
    // Drafts before the standard counted options in the header: told by the path of every server.
    if memchr::memmem::find(rest, b".well-known\x04core").is_some() && rest.len() < 64 {
        return Probe::Likely;
    }
    let (mut rest, mut number, mut told) = (rest, 0, 0);
    while let Some((head, behind)) = rest.split_first() {
        if *head == 0xff {
            rest = &[];
            break;
        }
        let Some((delta, behind)) = extended(head >> 4, behind) else {
            return Probe::No;
        };
        let Some((length, behind)) = extended(head & 0x0f, behind) else {
            return Probe::No;
        };
        let Some(value) = behind.get(..length) else {
            return Probe::No;
        };
        number += delta;
        told += match option(number, value) {
            Some(told) => told,
            None => return Probe::No,
        };
        rest = behind.get(length..).unwrap_or_default();
    }
    // A request names a path; without one, or without any option, too little is fixed.
    match told {
        _ if !rest.is_empty() => Probe::No,
        0..2 => Probe::Maybe,
        _ => Probe::Likely,
    }
}

/// A nibble that may say that its number stands in one or two bytes more.
fn extended(nibble: u8, bytes: &[u8]) -> Option<(usize, &[u8])> {
    match nibble {
        0..13 => Some((usize::from(nibble), bytes)),
        13 => bytes
            .split_first()
            .map(|(more, rest)| (13 + usize::from(*more), rest)),
        14 => Some((269 + usize::from(be_u16(bytes, 0)?), bytes.get(2..)?)),
        _ => None,
    }
}

/// How much an option tells by being what its number says; numbers that are not in use tell
/// nothing.
fn option(number: usize, value: &[u8]) -> Option<usize> {
    let fits = match number {
        3 | 8 | 11 | 15 | 20 | 35 | 39 => {
            return crate::text::is_printable_ascii(value).then_some(value.len().min(4));
        }
        1 | 4 => value.len() <= 8,
        5 => value.is_empty(),
        6 | 14 | 23 | 27 | 28 | 60 => value.len() <= 4,
        7 | 12 | 17 | 258 => value.len() <= 2,
        9 | 252 | 292 => true,
        0 => false,
        _ => number < 2048,
    };
    fits.then_some(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn told_by_its_opening() {
        assert_eq!(
            of(b"\x40\x01\x12\x34\xbb.well-known\x04core"),
            Probe::Likely
        );
        assert_eq!(of(b"\x40\x01\x12\x34"), Probe::Maybe);
        assert_eq!(of(b"\x40\x01\x12\x34\xbb.well-kno\x01n\x04core"), Probe::No);
        assert_eq!(of(b"\x80\x01\x12\x34\xb1a"), Probe::No);
    }
}
