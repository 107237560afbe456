//! The TCP checksum (RFC 9293 section 3.1, RFC 1071), to tell bytes that a receiver took from bytes
//! that it threw away: whoever wants to hide something sends wrong ones in front of the right ones.

use std::net::IpAddr;

use auscult_packet::checksum::{fold, words};

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
