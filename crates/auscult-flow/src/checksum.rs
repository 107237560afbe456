//! The TCP checksum (RFC 9293 section 3.1, RFC 1071), to tell bytes that a receiver took from bytes
//! that it threw away: whoever wants to hide something sends wrong ones in front of the right ones.

use std::net::IpAddr;

use crate::Packet;

const TCP: u8 = 6;

/// Whether a segment's checksum is right; `None` when the capture does not hold all of it, or holds
/// the sum of the pseudo-header alone: what sending hosts leave to their network card, and what
/// receiving ones write when they join segments.
pub(crate) fn is_right(packet: &Packet<'_>) -> Option<bool> {
    let layers = packet.layers;
    let segment = layers.ip_payload.of(packet.bytes);
    let header = segment.len().checked_sub(layers.payload.len())?;
    let whole = layers.payload.len() == layers.payload_on_wire as usize;
    if !whole || !packet.parts.is_empty() || header < 20 {
        return None;
    }
    let field = segment.get(16..18).map(words)?;
    let mut sum = u64::from(TCP) + segment.len() as u64;
    match (layers.src, layers.dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => {
            sum += words(&src.octets()) + words(&dst.octets());
        }
        (IpAddr::V6(src), IpAddr::V6(dst)) => {
            sum += words(&src.octets()) + words(&dst.octets());
        }
        _ => return None,
    }
    if fold(sum) == field {
        return None;
    }
    Some(fold(sum + words(segment)) == 0xffff)
}

fn fold(mut sum: u64) -> u64 {
    while sum >> 16 != 0 {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum
}

/// Sum of the big-endian 16-bit words, of which only the folded value counts; a last odd byte is
/// padded with zero. Eight bytes at a time: the sum does not care how wide the words are that
/// are added, nor in which order of bytes (RFC 1071 §2).
fn words(bytes: &[u8]) -> u64 {
    let (wide, rest) = bytes.as_chunks::<8>();
    let (mut low, mut high) = (0_u64, 0_u64);
    for word in wide {
        let word = u64::from_be_bytes(*word);
        low += word & 0xffff_ffff;
        high += word >> 32;
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let last = u64::from_be_bytes(last);
    fold(low + high + (last >> 32) + (last & 0xffff_ffff))
}
