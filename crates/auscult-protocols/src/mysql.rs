//! MySQL: a database, greeted by its server.
//!
//! Source: MySQL client/server protocol, Protocol::HandshakeV10.

use crate::opening::Byte::{Between, In, Is};
use crate::opening::{Byte, shape};
use crate::{Probe, Protocol, Record, Seen, sides};

static RECORD: Record = Record {
    name: "mysql",
    title: "MySQL and MariaDB",
    ports: &[3306],
    sources: &["MySQL, Protocol::HandshakeV10"],
    ..Record::RECOGNISED
};

/// See [`RECORD`].
pub struct MySql;

impl Protocol for MySql {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        probe(seen)
    }
}

/// A packet of less than 256 bytes, number 0, protocol 10, a version that begins with digits.
fn of(bytes: &[u8]) -> Probe {
    const GREETING: &[Byte] = &[
        Between(0x20, 0xff),
        Is(0),
        Is(0),
        Is(0),
        Is(10),
        Between(b'3', b'9'),
        In(b".0123456789"),
        In(b".0123456789"),
    ];
    const LATER: &[Byte] = &[
        Between(0x20, 0xff),
        Is(0),
        Is(0),
        Is(0),
        Is(10),
        Between(b'1', b'2'),
        In(b"0123456789"),
        Is(b'.'),
    ];
    shape(bytes, GREETING, Probe::Certain).max(shape(bytes, LATER, Probe::Certain))
}

/// The server speaks first.
fn probe(seen: &Seen<'_>) -> Probe {
    match seen.sides().map(|(_, bytes)| sides::of_seen(bytes, of)) {
        [Probe::Certain, _] | [_, Probe::Certain] => Probe::Certain,
        [_, Probe::No] => Probe::No,
        _ => Probe::Maybe,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn told_by_its_opening() {
        assert_eq!(of(b"\x4a\0\0\0\x0a5.7.26\0"), Probe::Certain);
        assert_eq!(of(b"\x4a\0\0\0\x0a10.5.8-MariaDB\0"), Probe::Certain);
        assert_eq!(of(b"\x4a\0\0\0\x09"), Probe::No);
    }
}
