//! PostgreSQL: a database, told by its client's first message.
//!
//! Source: PostgreSQL documentation, message formats: StartupMessage, SSLRequest, GSSENCRequest,
//! CancelRequest.

use crate::opening::Byte::{Any, Between, In, Is};
use crate::opening::{Byte, shape};
use crate::{Probe, Protocol, Record, Seen, sides};

static RECORD: Record = Record {
    name: "postgres",
    title: "PostgreSQL",
    ports: &[5432],
    sources: &["PostgreSQL documentation, Message Formats"],
    ..Record::RECOGNISED
};

/// See [`RECORD`].
pub struct Postgres;

impl Protocol for Postgres {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        probe(seen)
    }
}

fn of(bytes: &[u8]) -> Probe {
    const STARTUP: &[Byte] = &[
        Is(0),
        Is(0),
        Between(0, 3),
        Any,
        Is(0),
        Is(3),
        Is(0),
        In(&[0, 2]),
    ];
    const REQUEST: &[Byte] = &[
        Is(0),
        Is(0),
        Is(0),
        In(&[8, 16]),
        Is(4),
        Is(0xd2),
        Is(0x16),
        Between(0x2e, 0x30),
    ];
    match shape(bytes, STARTUP, Probe::Likely) {
        // A user is always named, mostly first.
        Probe::Likely => {
            let look = bytes.get(8..136.min(bytes.len())).unwrap_or_default();
            match memchr::memmem::find(look, b"user\0") {
                Some(_) => Probe::Certain,
                None if look.len() < 128 => Probe::Maybe,
                None => Probe::No,
            }
        }
        open => open.max(shape(bytes, REQUEST, Probe::Certain)),
    }
}

/// The client speaks first.
fn probe(seen: &Seen<'_>) -> Probe {
    match seen.sides().map(|(_, bytes)| sides::of_seen(bytes, of)) {
        [Probe::Certain, _] | [_, Probe::Certain] => Probe::Certain,
        [Probe::No, _] => Probe::No,
        _ => Probe::Maybe,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn told_by_its_opening() {
        assert_eq!(of(b"\0\0\0\x08\x04\xd2\x16\x2f"), Probe::Certain);
        assert_eq!(of(b"\0\0\0\x24\0\x03\0\0user\0mary\0"), Probe::Certain);
        assert_eq!(of(b"\0\0\0\x24\0\x03\0\0"), Probe::Maybe);
        assert_eq!(of(b"\0\0\0\x24\0\x04\0\0"), Probe::No);
    }
}
