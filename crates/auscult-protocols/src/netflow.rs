//! NetFlow and IPFIX: a router tells a collector what passed it.
//!
//! Sources: Cisco NetFlow version 5 format, RFC 3954 (version 9), RFC 7011 (IPFIX). Told by counts
//! and
//! lengths that fill the datagram to the byte.

use auscult_model::Transport;

use crate::opening::{be_u16, is_all};
use crate::{Probe, Protocol, Record, Seen, sides};

static RECORD: Record = Record {
    name: "netflow",
    title: "NetFlow and IPFIX",
    transports: &[Transport::Udp],
    ports: &[2055, 4739, 9995],
    sources: &[
        "Cisco, NetFlow Export Datagram Format",
        "RFC 3954",
        "RFC 7011",
    ],
    ..Record::RECOGNISED
};

/// See [`RECORD`].
pub struct NetFlow;

impl Protocol for NetFlow {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        sides::judge(seen, of)
    }
}

fn of(bytes: &[u8]) -> Probe {
    let is_whole = match (be_u16(bytes, 0), be_u16(bytes, 2)) {
        (Some(5), Some(count @ 1..=30)) => bytes.len() == 24 + 48 * usize::from(count),
        (Some(9), Some(1..=60)) => bytes.get(20..).is_some_and(are_sets),
        (Some(10), length) => is_all(length, bytes) && bytes.get(16..).is_some_and(are_sets),
        _ => false,
    };
    match is_whole {
        true => Probe::Certain,
        false => Probe::No,
    }
}

/// Sets with an identifier and a length each, to the end.
fn are_sets(mut rest: &[u8]) -> bool {
    if rest.is_empty() {
        return false;
    }
    while let (Some(id), Some(length)) = (be_u16(rest, 0), be_u16(rest, 2)) {
        let is_known = matches!(id, 0..=3 | 256..);
        match rest.get(usize::from(length)..) {
            Some(behind) if is_known && length >= 4 => rest = behind,
            _ => return false,
        }
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_fill_the_datagram() {
        let mut five = vec![0, 5, 0, 1];
        five.resize(72, 0);
        assert_eq!(of(&five), Probe::Certain);
        assert_eq!(of(&five[..71]), Probe::No);
        let mut nine = vec![0, 9, 0, 1];
        nine.resize(20, 0);
        nine.extend([1, 4, 0, 8, 1, 2, 3, 4]);
        assert_eq!(of(&nine), Probe::Certain);
        nine.push(0);
        assert_eq!(of(&nine), Probe::No);
    }
}
