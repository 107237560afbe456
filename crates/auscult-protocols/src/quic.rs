//! QUIC: enciphered transport over UDP, mostly of the web.
//!
//! Sources: RFC 9000, RFC 9369 (version 2), RFC 8999 (what all versions share); Google's own
//! versions
//! before them. The name of the server is enciphered by a key that anybody can derive, and not
//! read.

use auscult_model::Transport;

use crate::opening::be_u32;
use crate::{Probe, Protocol, Record, Seen, sides};

static RECORD: Record = Record {
    name: "quic",
    title: "QUIC",
    transports: &[Transport::Udp],
    ports: &[443],
    sources: &["RFC 9000", "RFC 9369", "RFC 8999"],
    false_likely: "1 of 100,000 random inputs",
    ..Record::RECOGNISED
};

/// See [`RECORD`].
pub struct Quic;

impl Protocol for Quic {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        sides::judge(seen, of)
    }
}

/// A long header with a known version, and two connection identifiers that fit.
fn of(bytes: &[u8]) -> Probe {
    let first = bytes.first().copied().unwrap_or_default();
    match be_u32(bytes, 1) {
        Some(version) if first & 0xc0 == 0xc0 && is_version(version) => match ids_fit(bytes) {
            true => Probe::Certain,
            false => Probe::No,
        },
        // A server names the versions that it speaks; others are invented to keep parsers honest.
        Some(version) if version & 0x0f0f_0f0f == 0x0a0a_0a0a && ids_fit(bytes) => Probe::Likely,
        Some(0) if first & 0x80 == 0x80 && ids_fit(bytes) => Probe::Likely,
        // Google's first versions: flags, eight bytes of connection, the version in letters.
        _ if matches!(first, 0x08 | 0x0c) && is_refusal(bytes) => Probe::Certain,
        _ if matches!(first, 0x09 | 0x0d) && bytes.get(9..11) == Some(b"Q0") => Probe::Likely,
        _ => Probe::No,
    }
}

/// The first answer of Google's versions: a message of tags that refuses, behind number and digest.
fn is_refusal(bytes: &[u8]) -> bool {
    let look = bytes.get(20..64).unwrap_or_default();
    bytes.len() >= 1000 && memchr::memmem::find(look, b"REJ\0").is_some()
}

fn is_version(version: u32) -> bool {
    let [a, b, third, last] = version.to_be_bytes();
    match [a, b] {
        [0, 0] => version == 1,
        // Drafts, and Facebook's.
        [0xff, 0] => version & 0xff00 == 0 && (22..=34).contains(&last),
        [0xfa, 0xce] => version & 0xff00 == 0xb000,
        [b'Q' | b'T', b'0'] => matches!(third, b'4' | b'5') && last.is_ascii_digit(),
        _ => version == 0x6b33_43cf,
    }
}

fn ids_fit(bytes: &[u8]) -> bool {
    // Google's versions before the standard pack both lengths into one byte.
    if let Some(b'Q' | b'T') = bytes.get(1) {
        return matches!(bytes.get(5), Some(0x50 | 0x05 | 0x55));
    }
    let Some(destination) = bytes.get(5).map(|length| usize::from(*length)) else {
        return false;
    };
    let Some(source) = bytes
        .get(6 + destination)
        .map(|length| usize::from(*length))
    else {
        return false;
    };
    destination <= 20 && source <= 20 && bytes.len() > 7 + destination + source
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_header_of_a_known_version() {
        let mut bytes = vec![0xc3, 0, 0, 0, 1, 8];
        bytes.extend([9; 8]);
        bytes.extend([0, 0, 0x44, 0x9e]);
        bytes.resize(1200, 7);
        assert_eq!(of(&bytes), Probe::Certain);
        bytes[4] = 3;
        assert_eq!(of(&bytes), Probe::No);
        bytes[4] = 1;
        bytes[5] = 30;
        assert_eq!(of(&bytes), Probe::No);
    }
}
