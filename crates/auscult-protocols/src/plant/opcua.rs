//! OPC UA: the common tongue of industrial and laboratory plant, in its binary form.
//!
//! Source: IEC 62541-6 section 7.1: HEL, ACK, ERR or RHE, F, a length.

use crate::opening::Byte::{Any, Is};
use crate::opening::{shape, words};
use crate::{Probe, Protocol, Record, Seen, sides};

static RECORD: Record = Record {
    name: "opcua",
    title: "OPC Unified Architecture, binary",
    ports: &[4840],
    sources: &["IEC 62541-6"],
    ..Record::RECOGNISED
};

/// See [`RECORD`].
pub struct OpcUa;

impl Protocol for OpcUa {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        sides::judge(seen, of)
    }
}

fn of(bytes: &[u8]) -> Probe {
    const WORDS: &[&[u8]] = &[b"HELF", b"ACKF", b"ERRF", b"RHEF"];
    match words(bytes, WORDS, Probe::Likely) {
        Probe::Likely => shape(
            bytes,
            &[Any, Any, Any, Any, Any, Any, Is(0), Is(0)],
            Probe::Certain,
        ),
        answer => answer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn told_by_its_opening() {
        assert_eq!(of(b"HELF\x38\0\0\0"), Probe::Certain);
        assert_eq!(of(b"HELF\x38\0\0\x01"), Probe::No);
        assert_eq!(of(b"HEL"), Probe::Maybe);
        assert_eq!(of(b"HELP ME"), Probe::No);
    }
}
