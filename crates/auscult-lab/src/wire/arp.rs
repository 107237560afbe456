//! ARP requests, replies and announcements (RFC 826, RFC 5227).

use std::net::Ipv4Addr;

use auscult_model::MacAddr;

fn message(operation: u8, from: (MacAddr, Ipv4Addr), to: (MacAddr, Ipv4Addr)) -> Vec<u8> {
    let mut out = vec![0, 1, 8, 0, 6, 4, 0, operation];
    out.extend_from_slice(&from.0.0);
    out.extend_from_slice(&from.1.octets());
    out.extend_from_slice(&to.0.0);
    out.extend_from_slice(&to.1.octets());
    out
}

/// "Who has `wanted`? Tell `from`."
pub fn request(from: (MacAddr, Ipv4Addr), wanted: Ipv4Addr) -> Vec<u8> {
    message(1, from, (MacAddr::NONE, wanted))
}

/// "`from.1` is at `from.0`", told to `to`.
pub fn reply(from: (MacAddr, Ipv4Addr), to: (MacAddr, Ipv4Addr)) -> Vec<u8> {
    message(2, from, to)
}
