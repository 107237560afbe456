//! BitTorrent: files from and to strangers.
//!
//! Sources: BEP 3 (peers), BEP 5 (the distributed table), BEP 14 (local search), BEP 15 (trackers),
//! BEP 29 (uTP).

use auscult_model::Transport;

use crate::opening::word;
use crate::{Probe, Protocol, Record, Seen, sides};

static RECORD: Record = Record {
    name: "bittorrent",
    title: "BitTorrent",
    transports: &[Transport::Tcp, Transport::Udp],
    ports: &[6881],
    sources: &["BEP 3", "BEP 5", "BEP 14", "BEP 15", "BEP 29"],
    ..Record::RECOGNISED
};

/// See [`RECORD`].
pub struct BitTorrent;

impl Protocol for BitTorrent {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        probe(seen)
    }
}

const PEER: &[u8] = b"\x13BitTorrent protocol";
const TABLE: &[&[u8]] = &[b"d1:ad2:id20:", b"d1:rd2:id20:", b"d1:eli20", b"d2:ip6:"];
const SEARCH: &[u8] = b"BT-SEARCH * HTTP/1.1\r\n";
/// What a tracker is greeted with.
const TRACKER: &[u8] = &[0, 0, 4, 0x17, 0x27, 0x10, 0x19, 0x80, 0, 0, 0, 0];

fn of_datagram(bytes: &[u8]) -> Probe {
    let is_sure = match bytes.first() {
        Some(b'd') => TABLE.iter().any(|table| bytes.starts_with(table)),
        Some(0) => bytes.starts_with(TRACKER) && bytes.len() == 16,
        Some(b'B') => bytes.starts_with(SEARCH),
        // uTP: a connection is asked for, or data; the peers' greeting behind the header.
        Some(0x01 | 0x11 | 0x21 | 0x31 | 0x41) => {
            bytes.get(20..).is_some_and(|data| data.starts_with(PEER))
        }
        _ => false,
    };
    match (is_sure, bytes) {
        (true, _) => Probe::Certain,
        // A connection is asked for: version 1, no extension, sequence number 1, no data.
        (_, [0x41, 0, ..]) if bytes.len() == 20 && bytes.get(16..18) == Some(&[0, 1]) => {
            Probe::Likely
        }
        _ => Probe::No,
    }
}

fn probe(seen: &Seen<'_>) -> Probe {
    match seen.transport {
        Transport::Tcp => sides::judge(seen, |bytes| word(bytes, PEER, Probe::Certain)),
        _ => sides::judge(seen, of_datagram),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peers_table_and_trackers() {
        assert_eq!(of_datagram(b"d1:ad2:id20:abcdefghij"), Probe::Certain);
        assert_eq!(of_datagram(b"d1:zd2:id20:abcdefghij"), Probe::No);
        let tracker = [TRACKER, &[1, 2, 3, 4]].concat();
        assert_eq!(of_datagram(&tracker), Probe::Certain);
        assert_eq!(of_datagram(&tracker[..15]), Probe::No);
    }
}
