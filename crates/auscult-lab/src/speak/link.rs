//! What network gear says on a segment: LLDP (IEEE 802.1AB), CDP, VRRP (RFC 3768, RFC 5798), HSRP
//! (RFC 2281), membership of groups (RFC 2236), RARP (RFC 903).

use std::net::Ipv4Addr;

use auscult_model::MacAddr;

use crate::wire::checksum;

/// EtherType and group of LLDP.
pub const LLDP: (u16, MacAddr) = (0x88cc, MacAddr([0x01, 0x80, 0xc2, 0, 0, 0x0e]));
/// Group of CDP; its frames have a length in the place of an EtherType.
pub const CDP: MacAddr = MacAddr([0x01, 0x00, 0x0c, 0xcc, 0xcc, 0xcc]);
/// EtherType of RARP.
pub const RARP: u16 = 0x8035;
/// Group and protocol number of VRRP.
pub const VRRP: (Ipv4Addr, u8) = (Ipv4Addr::new(224, 0, 0, 18), 112);
/// Group and port of HSRP.
pub const HSRP: (Ipv4Addr, u16) = (Ipv4Addr::new(224, 0, 0, 2), 1985);

/// What a neighbour says of itself.
#[derive(Clone, Debug)]
pub struct Neighbour {
    /// Its MAC.
    pub mac: MacAddr,
    /// The port it sends from.
    pub port: String,
    /// Its name.
    pub name: String,
    /// What it is, in words.
    pub description: String,
    /// The model, for CDP.
    pub platform: String,
    /// Its management address.
    pub address: Ipv4Addr,
    /// Capabilities of LLDP: 0x04 bridge, 0x10 router, 0x20 telephone.
    pub capabilities: u16,
}

fn tlv(out: &mut Vec<u8>, kind: u16, body: &[u8]) {
    out.extend_from_slice(&((kind << 9) | body.len() as u16).to_be_bytes());
    out.extend_from_slice(body);
}

impl Neighbour {
    /// An LLDP frame's content.
    pub fn lldp(&self) -> Vec<u8> {
        let mut out = Vec::new();
        tlv(&mut out, 1, &[&[4], &self.mac.0[..]].concat());
        tlv(&mut out, 2, &[&[5], self.port.as_bytes()].concat());
        tlv(&mut out, 3, &[0, 120]);
        tlv(&mut out, 5, self.name.as_bytes());
        tlv(&mut out, 6, self.description.as_bytes());
        let bits = self.capabilities.to_be_bytes();
        tlv(&mut out, 7, &[bits, bits].concat());
        let mut address = vec![5, 1];
        address.extend_from_slice(&self.address.octets());
        address.extend_from_slice(&[2, 0, 0, 0, 1, 0]);
        tlv(&mut out, 8, &address);
        tlv(&mut out, 0, &[]);
        out
    }

    /// A CDP frame's content, from the LLC header on.
    pub fn cdp(&self) -> Vec<u8> {
        let mut body = vec![2, 180, 0, 0];
        let mut put = |kind: u16, value: &[u8]| {
            body.extend_from_slice(&kind.to_be_bytes());
            body.extend_from_slice(&(value.len() as u16 + 4).to_be_bytes());
            body.extend_from_slice(value);
        };
        put(1, self.name.as_bytes());
        let mut address = vec![0, 0, 0, 1, 1, 1, 0xcc, 0, 4];
        address.extend_from_slice(&self.address.octets());
        put(2, &address);
        put(3, self.port.as_bytes());
        // Layer-2 switch, IGMP; or a telephone.
        let bits: u32 = if self.capabilities & 0x20 != 0 {
            0x90
        } else {
            0x28
        };
        put(4, &bits.to_be_bytes());
        put(5, self.description.as_bytes());
        // The checksum of an odd number of bytes has a rule of its own; an even one has not.
        let odd = (body.len() + self.platform.len()) % 2 == 1;
        let platform = format!("{}{}", self.platform, if odd { " " } else { "" });
        body.extend_from_slice(&6_u16.to_be_bytes());
        body.extend_from_slice(&(platform.len() as u16 + 4).to_be_bytes());
        body.extend_from_slice(platform.as_bytes());
        let sum = checksum::internet(&body);
        body[2..4].copy_from_slice(&sum.to_be_bytes());
        [&[0xaa, 0xaa, 3, 0, 0, 0x0c, 0x20, 0][..], &body].concat()
    }
}

/// The MAC of a virtual router of VRRP.
pub fn vrrp_mac(id: u8) -> MacAddr {
    MacAddr([0, 0, 0x5e, 0, 1, id])
}

/// The MAC of a virtual router of HSRP.
pub fn hsrp_mac(group: u8) -> MacAddr {
    MacAddr([0, 0, 0x0c, 0x07, 0xac, group])
}

/// The MAC of a forwarder of GLBP.
pub fn glbp_mac(group: u8, forwarder: u8) -> MacAddr {
    MacAddr([0, 0x07, 0xb4, 0, group, forwarder])
}

/// An advertisement of VRRP, version 2 or 3, from the router at `from`.
pub fn vrrp(version: u8, from: Ipv4Addr, (id, priority): (u8, u8), shared: Ipv4Addr) -> Vec<u8> {
    let mut out = vec![version << 4 | 1, id, priority, 1];
    out.extend_from_slice(if version == 2 { &[0, 1] } else { &[0, 100] });
    out.extend_from_slice(&[0, 0]);
    out.extend_from_slice(&shared.octets());
    let sum = if version == 2 {
        out.extend_from_slice(&[0; 8]);
        checksum::internet(&out)
    } else {
        checksum::transport(from, VRRP.0, VRRP.1, &out)
    };
    out[6..8].copy_from_slice(&sum.to_be_bytes());
    out
}

/// A hello of HSRP; the active router says state 16, the standby 8.
pub fn hsrp(state: u8, priority: u8, group: u8, shared: Ipv4Addr) -> Vec<u8> {
    let mut out = vec![0, 0, state, 3, 10, priority, group, 0];
    out.extend_from_slice(b"cisco\0\0\0");
    out.extend_from_slice(&shared.octets());
    out
}

/// A report of IGMP version 2: the sender listens to this group.
pub fn membership(group: Ipv4Addr) -> Vec<u8> {
    let mut out = vec![0x16, 0, 0, 0];
    out.extend_from_slice(&group.octets());
    let sum = checksum::internet(&out);
    out[2..4].copy_from_slice(&sum.to_be_bytes());
    out
}

/// What a hypervisor sends when a machine has moved to it, for the switches to learn its place.
pub fn moved(mac: MacAddr) -> Vec<u8> {
    let mut out = vec![0, 1, 8, 0, 6, 4, 0, 3];
    for _ in 0..2 {
        out.extend_from_slice(&mac.0);
        out.extend_from_slice(&[0; 4]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_come_out() {
        let from = Ipv4Addr::new(10, 0, 0, 2);
        let two = vrrp(2, from, (7, 100), Ipv4Addr::new(10, 0, 0, 1));
        assert_eq!((two.len(), checksum::internet(&two)), (20, 0));
        let three = vrrp(3, from, (7, 100), Ipv4Addr::new(10, 0, 0, 1));
        assert_eq!(checksum::transport(from, VRRP.0, VRRP.1, &three), 0);
        assert_eq!(checksum::internet(&membership(VRRP.0)), 0);
    }
}
