//! TeamViewer: remote control through its maker's relays.
//!
//! Source: marks in nDPI's and Wireshark's descriptions of it; the maker publishes no format.
//! Connections over TLS are TLS.

use auscult_model::Transport;

use crate::opening::Byte::{Any, Between, In, Is};
use crate::opening::{Byte, shape};
use crate::{Probe, Protocol, Record, Seen, sides};

static RECORD: Record = Record {
    name: "teamviewer",
    title: "TeamViewer remote control",
    transports: &[Transport::Tcp, Transport::Udp],
    ports: &[5938],
    weak: true,
    sources: &["nDPI, teamviewer.c"],
    ..Record::RECOGNISED
};

/// See [`RECORD`].
pub struct TeamViewer;

impl Protocol for TeamViewer {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        probe(seen)
    }
}

/// Over TCP both sides begin with 17 24 or 11 30 and a command; over UDP the mark is at the
/// twelfth byte.
fn of_stream(bytes: &[u8]) -> Probe {
    const OLD: &[Byte] = &[Is(0x17), Is(0x24), Between(0x0a, 0x3f), In(&[0, 1, 0x20])];
    const NEW: &[Byte] = &[Is(0x11), Is(0x30), Between(0x0a, 0x7f), In(&[0, 1, 0x20])];
    shape(bytes, OLD, Probe::Likely).max(shape(bytes, NEW, Probe::Likely))
}

fn of_datagram(bytes: &[u8]) -> Probe {
    const MARKED: &[Byte] = &[
        Is(0),
        Any,
        Any,
        Any,
        Any,
        Any,
        Any,
        Any,
        Any,
        Any,
        Any,
        Is(0x17),
        Is(0x24),
    ];
    match shape(bytes, MARKED, Probe::Likely) {
        Probe::Likely => Probe::Likely,
        _ => Probe::No,
    }
}

fn probe(seen: &Seen<'_>) -> Probe {
    match seen.transport {
        Transport::Tcp => sides::judge(seen, of_stream),
        _ => sides::judge(seen, of_datagram),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_is_weak() {
        assert_eq!(of_stream(b"\x17\x24\x0a\x20"), Probe::Likely);
        assert_eq!(of_stream(b"\x17\x03\x03\x00"), Probe::No);
        assert_eq!(of_datagram(b"\0abcdefghij\x17\x24"), Probe::Likely);
        assert_eq!(of_datagram(b"\0abcdefghij\x17\x25"), Probe::No);
    }
}
