//! ICMP destination unreachable (RFC 792, RFC 1812).

use super::checksum;

/// Code: communication administratively prohibited.
pub const PROHIBITED: u8 = 13;
/// Code: host unreachable.
pub const HOST: u8 = 1;

/// Destination unreachable that quotes the first 28 bytes of `datagram`.
pub fn unreachable(code: u8, datagram: &[u8]) -> Vec<u8> {
    let mut out = vec![3, code, 0, 0, 0, 0, 0, 0];
    out.extend_from_slice(datagram.get(..28).unwrap_or(datagram));
    let sum = checksum::internet(&out);
    out[2..4].copy_from_slice(&sum.to_be_bytes());
    out
}
