//! RTP: sound and pictures. Seven fixed bits: both directions must look alike.
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
    false_likely: "4 of 100 random datagrams; both directions must look like it",
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
}

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
}
