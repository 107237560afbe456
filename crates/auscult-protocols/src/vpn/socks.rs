//! SOCKS: connections through another host.
//!
//! Sources: RFC 1928 (version 5); the description of version 4. A greeting alone is a few bytes:
//! both
//! sides must look like it, or the request must follow.

use crate::opening::Byte::{Between, In, Is};
use crate::opening::shape;
use crate::{Probe, Protocol, Record, Seen, sides};

static RECORD: Record = Record {
    name: "socks",
    title: "SOCKS proxy",
    ports: &[1080],
    sources: &[
        "RFC 1928",
        "SOCKS: A protocol for TCP proxy across firewalls (Koblas)",
    ],
    false_likely: "0 of 100,000 random inputs: both sides are needed",
    ..Record::RECOGNISED
};

/// See [`RECORD`].
pub struct Socks;

impl Protocol for Socks {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        probe(seen)
    }
}

/// Version 5: methods, then a request of three commands and three kinds of address.
fn client(bytes: &[u8]) -> Probe {
    match *bytes {
        [5] | [5, 1..=9] | [4] => Probe::Maybe,
        [5, methods @ 1..=9, ref rest @ ..] => {
            let count = usize::from(methods);
            let known = |method: &u8| *method <= 9 || *method >= 0x80;
            match rest.get(..count) {
                None => Probe::Maybe,
                Some(listed) if !listed.iter().all(known) => Probe::No,
                Some(_) => {
                    let request = rest.get(count..).unwrap_or_default();
                    let start = &[Is(5), Between(1, 3), Is(0), In(&[1, 3, 4])];
                    match request.first() {
                        None | Some(1) => Probe::Likely,
                        _ => shape(request, start, Probe::Certain),
                    }
                }
            }
        }
        // Version 4: command, port, address, a user that ends.
        [4, 1..=2, ref rest @ ..] => {
            let rest = rest.get(6..).unwrap_or_default();
            let end = rest.iter().position(|byte| *byte == 0);
            let user = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
            match end {
                _ if !crate::text::is_printable_ascii(user) => Probe::No,
                Some(_) => Probe::Likely,
                None => Probe::Maybe,
            }
        }
        _ => Probe::No,
    }
}

/// A chosen method, or what became of a request of version 4.
fn server(bytes: &[u8]) -> Probe {
    match *bytes {
        [5] | [0] => Probe::Maybe,
        [5, 0..=9 | 0xff] => Probe::Likely,
        [5, 0..=9, ref rest @ ..] => shape(rest, &[In(&[1, 5])], Probe::Certain),
        [0, 0x5a..=0x5d, ..] => Probe::Likely,
        _ => Probe::No,
    }
}

fn probe(seen: &Seen<'_>) -> Probe {
    let one = sides::of_seen(seen.originator, client);
    let other = sides::of_seen(seen.responder, server);
    match (one, other) {
        (Probe::No, _) | (_, Probe::No) => Probe::No,
        // One side alone could be anybody's.
        (Probe::Maybe, _) | (_, Probe::Maybe) => Probe::Maybe,
        (one, other) => one.min(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_are_needed() {
        let seen = |originator, responder| {
            probe(&Seen {
                transport: auscult_model::Transport::Tcp,
                originator,
                responder,
                from_start: true,
            })
        };
        assert_eq!(seen(b"\x05\x01\x00", b""), Probe::Maybe);
        assert_eq!(seen(b"\x05\x01\x00", b"\x05\x00"), Probe::Likely);
        let request = b"\x05\x01\x00\x05\x01\x00\x03\x0bexample.org\0\x50";
        assert_eq!(seen(request, b"\x05\x00\x05\x00\x00\x01"), Probe::Certain);
        assert_eq!(
            seen(b"\x04\x01\0\x50\x01\x02\x03\x04\0", b"\0\x5a\0\0"),
            Probe::Likely
        );
        assert_eq!(seen(request, b"HTTP"), Probe::No);
        // What is no user's name does not become one by its end.
        let user = b"\x04\x02\0\x50\x01\x02\x03\x04\xff\xff";
        assert_eq!(seen(user, b""), Probe::No);
        let ended = [&user[..], b"\0"].concat();
        assert_eq!(seen(&ended, b""), Probe::No);
        // A method is not yet an answer to the request.
        assert_eq!(seen(request, b"\x05\x00"), Probe::Likely);
        assert_eq!(seen(request, b"\x05\x00\x09"), Probe::No);
    }
}
