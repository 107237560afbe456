//! TACACS+: a network device asks who may log in. What is said is enciphered.
//!
//! Source: RFC 8907.

use crate::opening::Byte::{Any, Between, In, Is};
use crate::opening::{Byte, shape};
use crate::{Probe, Protocol, Record, Seen, sides};

static RECORD: Record = Record {
    name: "tacacs",
    title: "Terminal Access Controller Access-Control System Plus",
    ports: &[49],
    sources: &["RFC 8907"],
    ..Record::RECOGNISED
};

/// See [`RECORD`].
pub struct Tacacs;

impl Protocol for Tacacs {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        sides::judge(seen, of)
    }
}

/// The first packet of a session: version 12.0 or 12.1, one of three kinds, sequence number 1 or 2,
/// flags, an identifier and a length of less than 64 KiB.
fn of(bytes: &[u8]) -> Probe {
    const HEADER: &[Byte] = &[
        Between(0xc0, 0xc1),
        Between(1, 3),
        Between(1, 2),
        In(&[0, 1, 4, 5]),
        Any,
        Any,
        Any,
        Any,
        Is(0),
        Is(0),
        Any,
        Any,
    ];
    shape(bytes, HEADER, Probe::Certain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn told_by_its_opening() {
        assert_eq!(of(b"\xc0\x01\x01\x00abcd\0\0\0\x20"), Probe::Certain);
        assert_eq!(of(b"\xc0\x01\x09\x00abcd\0\0\0\x20"), Probe::No);
        assert_eq!(of(b"\xc1\x02"), Probe::Maybe);
    }
}
