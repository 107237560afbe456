//! Changes to finished frames that keep their checksums right (RFC 1624).

use std::net::Ipv4Addr;

use auscult_model::MacAddr;

use super::view::{Ipv4View, View};
use super::{checksum, ip};

/// Puts `value` at `at`, when that is inside.
pub fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    if let Some(slot) = bytes.get_mut(at..at + value.len()) {
        slot.copy_from_slice(value);
    }
}

/// Replaces two bytes and corrects the checksum at `sum_at` for it.
fn substitute(bytes: &mut [u8], at: usize, value: [u8; 2], sums: &[usize]) {
    let Some(old) = bytes
        .get(at..at + 2)
        .map(|b| u16::from_be_bytes([b[0], b[1]]))
    else {
        return;
    };
    let new = u16::from_be_bytes(value);
    put(bytes, at, &value);
    for sum_at in sums {
        let Some(sum) = bytes
            .get(*sum_at..sum_at + 2)
            .map(|b| u16::from_be_bytes([b[0], b[1]]))
        else {
            continue;
        };
        let mut total = u32::from(!sum) + u32::from(!old) + u32::from(new);
        while total > 0xffff {
            total = (total & 0xffff) + (total >> 16);
        }
        put(bytes, *sum_at, &(!(total as u16)).to_be_bytes());
    }
}

/// Sets the time to live.
pub fn set_ttl(bytes: &mut [u8], view: &View, ttl: u8) {
    if let Some(v) = view.ipv4 {
        substitute(
            bytes,
            view.network + 8,
            [ttl, v.protocol],
            &[view.network + 10],
        );
    }
}

/// Replaces the source or the destination address.
pub fn set_address(bytes: &mut [u8], view: &View, source: bool, to: Ipv4Addr) {
    let Some(v) = view.ipv4 else { return };
    let mut sums = vec![view.network + 10];
    match (v.protocol, v.ports) {
        (ip::TCP, Some(_)) => sums.push(v.transport + 16),
        (ip::UDP, Some(_)) => sums.push(v.transport + 6),
        _ => {}
    }
    let at = view.network + if source { 12 } else { 16 };
    let [a, b, c, d] = to.octets();
    substitute(bytes, at, [a, b], &sums);
    substitute(bytes, at + 2, [c, d], &sums);
}

/// Sets both MACs.
pub fn set_macs(bytes: &mut [u8], from: MacAddr, to: MacAddr) {
    put(bytes, 0, &to.0);
    put(bytes, 6, &from.0);
}

/// Writes length and header checksum of an IPv4 packet that begins at 0.
pub fn seal_ipv4(packet: &mut [u8]) {
    let length = (packet.len() as u16).to_be_bytes();
    put(packet, 2, &length);
    put(packet, 10, &[0, 0]);
    let sum = checksum::internet(packet.get(..20).unwrap_or_default());
    put(packet, 10, &sum.to_be_bytes());
}

/// A TCP segment's piece: payload bytes `from..to`, sequence number moved, checksums right.
/// Returns the IPv4 packet.
pub fn tcp_piece(
    bytes: &[u8],
    view: &View,
    v: Ipv4View,
    (from, to): (usize, usize),
    last: bool,
) -> Option<Vec<u8>> {
    let (seq, flags, payload) = v.tcp(bytes)?;
    let mut packet = bytes.get(view.network..payload)?.to_vec();
    packet.extend_from_slice(bytes.get(payload + from..payload + to)?);
    seal_ipv4(&mut packet);
    let transport = v.transport - view.network;
    put(
        &mut packet,
        transport + 4,
        &seq.wrapping_add(from as u32).to_be_bytes(),
    );
    let flags = if last { flags } else { flags & !0x09 };
    put(&mut packet, transport + 13, &[flags]);
    put(&mut packet, transport + 16, &[0, 0]);
    let sum = checksum::transport(v.from, v.to, ip::TCP, packet.get(transport..)?);
    put(&mut packet, transport + 16, &sum.to_be_bytes());
    Some(packet)
}
