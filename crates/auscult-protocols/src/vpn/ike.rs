//! IKE: the keys of an IPsec tunnel are agreed on.
//!
//! Sources: RFC 2408 and RFC 2409 (version 1), RFC 7296 (version 2), RFC 3948 (behind four zero
//! bytes
//! on port 4500).

use auscult_model::Transport;

use crate::opening::{be_u32, is_all};
use crate::{Probe, Protocol, Record, Seen, sides};

static RECORD: Record = Record {
    name: "ike",
    title: "Internet Key Exchange",
    transports: &[Transport::Udp],
    ports: &[500, 4500],
    sources: &["RFC 2408", "RFC 7296", "RFC 3948"],
    ..Record::RECOGNISED
};

/// See [`RECORD`].
pub struct Ike;

impl Protocol for Ike {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        sides::judge(seen, of)
    }
}

/// Two identifiers of eight bytes, a payload, version 1.0 or 2.0, an exchange, flags, a message
/// number and the datagram's length.
fn of(bytes: &[u8]) -> Probe {
    let bytes = bytes.strip_prefix(&[0; 4]).unwrap_or(bytes);
    let is_version = match bytes.get(17..19) {
        Some([0x10, exchange]) => matches!(exchange, 1..=6 | 32 | 33),
        Some([0x20, exchange]) => matches!(exchange, 34..=44),
        _ => false,
    };
    let is_begun = bytes.get(..8).is_some_and(|id| id != [0; 8]);
    match is_version && is_begun && is_all(be_u32(bytes, 24), bytes) {
        true => Probe::Certain,
        false => Probe::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_is_the_datagrams() {
        let mut bytes = [0u8; 40];
        bytes[..8].copy_from_slice(b"initiate");
        bytes[16..20].copy_from_slice(&[33, 0x20, 34, 8]);
        bytes[27] = 40;
        assert_eq!(of(&bytes), Probe::Certain);
        assert_eq!(of(&[&[0; 4], &bytes[..]].concat()), Probe::Certain);
        bytes[27] = 41;
        assert_eq!(of(&bytes), Probe::No);
    }
}
