//! RTP: sound and pictures. Seven fixed bits: both directions must look alike, or one sender's
//! datagrams follow each other.
//!
//! Sources: RFC 3550, RFC 3551.

use auscult_model::Transport;

use crate::{Probe, Protocol, Record, Seen, sides};

static RECORD: Record = Record {
    name: "rtp",
    title: "Real-time Transport Protocol",
    transports: &[Transport::Udp],
    weak: true,
    sources: &["RFC 3550", "RFC 3551"],
    false_likely: "4 of 100 random datagrams; both directions must look like it, or one's number \
                   and source go on (44 bits)",
    ..Record::RECOGNISED
};

/// See [`RECORD`].
pub struct Rtp;

impl Protocol for Rtp {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        probe(seen)
    }

    /// The same source and payload, a sequence number soon after.
    fn goes_on(&self, first: &[u8], next: &[u8]) -> bool {
        let header = |bytes: &[u8]| Some((of(bytes), *bytes.first_chunk::<12>()?));
        let Some(((Probe::Likely, first), (Probe::Likely, next))) = header(first).zip(header(next))
        else {
            return false;
        };
        let number = |[_, _, high, low, ..]: [u8; 12]| u16::from_be_bytes([high, low]);
        let step = number(next).wrapping_sub(number(first));
        let kind = |header: [u8; 12]| header[1] & 0x7f;
        kind(first) == kind(next) && first[8..] == next[8..] && (1..=SOON).contains(&step)
    }
}

/// Numbers within which a datagram follows another.
const SOON: u16 = 8;

/// Version 2, at most four contributors, a payload type in use, bytes behind the header. Types 72
/// to 76 are those of RTCP.
fn of(bytes: &[u8]) -> Probe {
    let [first, second, ..] = *bytes else {
        return Probe::No;
    };
    let is_in_use = matches!(second & 0x7f, 0..=34 | 96..=127);
    let header = 12 + 4 * usize::from(first & 0x0f);
    match first & 0xc0 == 0x80 && first & 0x0f <= 4 && is_in_use && bytes.len() > header {
        true => Probe::Likely,
        false => Probe::No,
    }
}

/// Both sides speak of the same kind of payload.
fn probe(seen: &Seen<'_>) -> Probe {
    let kind = |bytes: &[u8]| bytes.get(1).map(|byte| byte & 0x7f);
    let (one, other) = (kind(seen.originator), kind(seen.responder));
    match one.zip(other) {
        Some((one, other)) if one != other => Probe::No,
        _ => sides::judge(seen, of),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_of_a_known_payload_is_likely() {
        let mut bytes = [0u8; 172];
        bytes[0] = 0x80;
        bytes[1] = 8;
        assert_eq!(of(&bytes), Probe::Likely);
        assert_eq!(of(&bytes[..12]), Probe::No);
        bytes[1] = 73;
        assert_eq!(of(&bytes), Probe::No);
    }

    #[test]
    fn one_sender_is_known_by_what_follows() {
        let packet = |kind: u8, number: u16, source: u8| {
            let mut bytes = [source; 172];
            bytes[..2].copy_from_slice(&[0x80, kind]);
            bytes[2..4].copy_from_slice(&number.to_be_bytes());
            bytes
        };
        let first = packet(8, u16::MAX, 7);
        assert!(Rtp.goes_on(&first, &packet(0x88, 1, 7)));
        assert!(!Rtp.goes_on(&first, &first));
        assert!(!Rtp.goes_on(&first, &packet(8, 9, 7)));
        assert!(!Rtp.goes_on(&first, &packet(8, 0, 9)));
        assert!(!Rtp.goes_on(&first, &packet(18, 0, 7)));
        assert!(!Rtp.goes_on(&first, &packet(8, 0, 7)[..11]));
    }
}
