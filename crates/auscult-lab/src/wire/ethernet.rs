//! Ethernet II frames with VLAN tags and minimum padding (IEEE 802.3, 802.1Q).
//!
//! The frame check sequence is left out, as captures leave it out.

use auscult_model::MacAddr;

/// EtherType of IPv4.
pub const IPV4: u16 = 0x0800;
/// EtherType of ARP.
pub const ARP: u16 = 0x0806;
/// Tag protocol of a customer VLAN tag.
pub const VLAN: u16 = 0x8100;
/// Tag protocol of a service (outer) VLAN tag.
pub const SERVICE_VLAN: u16 = 0x88a8;
/// The least size of a frame without its check sequence.
pub const MINIMUM: usize = 60;

/// A frame; `tags` are (tag protocol, VLAN id), outermost first.
pub fn frame(
    to: MacAddr,
    from: MacAddr,
    tags: &[(u16, u16)],
    ethertype: u16,
    payload: &[u8],
) -> Vec<u8> {
    let mut out = Vec::with_capacity(18 + payload.len());
    out.extend_from_slice(&to.0);
    out.extend_from_slice(&from.0);
    for (protocol, id) in tags {
        out.extend_from_slice(&protocol.to_be_bytes());
        out.extend_from_slice(&id.to_be_bytes());
    }
    out.extend_from_slice(&ethertype.to_be_bytes());
    out.extend_from_slice(payload);
    if out.len() < MINIMUM {
        out.resize(MINIMUM, 0);
    }
    out
}
