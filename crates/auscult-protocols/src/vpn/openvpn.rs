//! OpenVPN: a tunnel to another network.
//!
//! Source: OpenVPN's protocol description (doc/doxygen, network protocol). A client's first packet
//! is a
//! reset: without protection all behind the session's number is zero; with a shared key a digest
//! and a
//! packet number stand between.

use auscult_model::Transport;

use crate::opening::Byte::{Between, In, Is};
use crate::opening::{Byte, be_u16, shape};
use crate::{Probe, Protocol, Record, Seen, sides};

static RECORD: Record = Record {
    name: "openvpn",
    title: "OpenVPN",
    transports: &[Transport::Tcp, Transport::Udp],
    ports: &[1194],
    sources: &["OpenVPN, doc/doxygen/doc_protocol_overview.h"],
    ..Record::RECOGNISED
};

/// See [`RECORD`].
pub struct OpenVpn;

impl Protocol for OpenVpn {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        probe(seen)
    }
}

/// Digests in use: none, MD5 to SHA-512.
const DIGESTS: &[usize] = &[16, 20, 28, 32, 48, 64];

fn probe(seen: &Seen<'_>) -> Probe {
    match seen.transport {
        Transport::Tcp => sides::judge(seen, of_stream),
        _ => sides::judge(seen, of),
    }
}

/// Over TCP a length of two bytes stands before each packet.
fn of_stream(bytes: &[u8]) -> Probe {
    const START: &[Byte] = &[Is(0), Between(14, 160), In(&[0x38, 0x40, 0x50])];
    let start = shape(bytes, START, Probe::Maybe);
    let packet = be_u16(bytes, 0).and_then(|length| bytes.get(2..2 + usize::from(length)));
    match (start, packet) {
        (Probe::No, _) => Probe::No,
        (_, None) => Probe::Maybe,
        (_, Some(packet)) => of(packet),
    }
}

/// Opcode and key number; the session's number; digest and packet number with its time; how many
/// packets are acknowledged (none); the number 0 of the first message.
fn of(bytes: &[u8]) -> Probe {
    let Some((opcode, rest)) = bytes.split_first() else {
        return Probe::Maybe;
    };
    let rest = rest.get(8..).unwrap_or_default();
    match (*opcode, rest.len()) {
        (0x38, 5) if rest == [0; 5] => Probe::Certain,
        // Nothing is acknowledged, this is packet 1, or it is enciphered behind its number.
        (0x38 | 0x50, _) if rest.starts_with(&[0, 0, 0, 1]) && rest.len() >= 40 => Probe::Certain,
        (0x38, length) if DIGESTS.iter().any(|digest| length == digest + 13) => {
            let digest = length - 13;
            let number = rest.get(digest..digest + 4);
            match number == Some(&[0, 0, 0, 1]) && rest.ends_with(&[0; 5]) {
                true => Probe::Certain,
                false => Probe::No,
            }
        }
        // The server acknowledges the client's reset, number 0, with its own, number 0 as well.
        (0x40, 17) if acknowledges(rest) => Probe::Certain,
        (0x40, length) if DIGESTS.iter().any(|digest| length == digest + 25) => {
            match rest.get(length - 17..).is_some_and(acknowledges) {
                true => Probe::Certain,
                false => Probe::Maybe,
            }
        }
        (0x28, _) => Probe::Maybe,
        _ => Probe::No,
    }
}

/// One packet, number 0, of the session that follows; then this packet's own number, 0.
fn acknowledges(bytes: &[u8]) -> bool {
    bytes.starts_with(&[1, 0, 0, 0, 0]) && bytes.ends_with(&[0; 4])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reset_with_and_without_protection() {
        let plain = b"\x38sessioni\0\0\0\0\0";
        assert_eq!(of(plain), Probe::Certain);
        assert_eq!(of(b"\x38sessioni\0\0\0\0\x01"), Probe::No);
        let answer = b"\x40sessions\x01\0\0\0\0sessioni\0\0\0\0";
        assert_eq!(of(answer), Probe::Certain);
        let mut signed = b"\x38sessioni".to_vec();
        signed.extend([7; 20]);
        signed.extend(b"\0\0\0\x01time\0\0\0\0\0");
        assert_eq!(of(&signed), Probe::Certain);
        signed[30] ^= 1;
        assert_eq!(of_stream(&[&[0, 14], &plain[..]].concat()), Probe::Certain);
        assert_eq!(of_stream(b"\0\x0e\x38se"), Probe::Maybe);
        assert_eq!(of_stream(b"\0\x0e\x39se"), Probe::No);
    }
}
