//! RTCP: reports on the quality of RTP.
//!
//! Source: RFC 3550 section 6. Told by packets that fill the datagram to the byte.

use auscult_model::Transport;

use crate::opening::be_u16;
use crate::{Probe, Protocol, Record, Seen, sides};

static RECORD: Record = Record {
    name: "rtcp",
    title: "RTP Control Protocol",
    transports: &[Transport::Udp],
    sources: &["RFC 3550"],
    ..Record::RECOGNISED
};

/// See [`RECORD`].
pub struct Rtcp;

impl Protocol for Rtcp {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        sides::judge(seen, of)
    }
}

/// A report (200 or 201) first; each further packet says its kind and its length.
fn of(bytes: &[u8]) -> Probe {
    let (mut rest, mut packets) = (bytes, 0);
    while let [first, kind, ..] = *rest {
        let Some(words) = be_u16(rest, 2) else {
            return Probe::No;
        };
        let is_report = matches!(kind, 200 | 201);
        if first & 0xc0 != 0x80 || !(200..=207).contains(&kind) || packets == 0 && !is_report {
            return Probe::No;
        }
        let Some(behind) = rest.get(4 * (usize::from(words) + 1)..) else {
            return Probe::No;
        };
        rest = behind;
        packets += 1;
    }
    match (packets, rest.is_empty()) {
        (2.., true) => Probe::Certain,
        (1, true) => Probe::Likely,
        _ => Probe::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_fill_the_datagram() {
        let mut bytes = vec![0x80, 201, 0, 1, 1, 2, 3, 4];
        assert_eq!(of(&bytes), Probe::Likely);
        bytes.extend([0x81, 202, 0, 2, 1, 2, 3, 4, 1, 2, b'm', b'e']);
        assert_eq!(of(&bytes), Probe::Certain);
        bytes.push(0);
        assert_eq!(of(&bytes), Probe::No);
    }
}
