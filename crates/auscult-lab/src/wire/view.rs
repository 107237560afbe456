//! A look at frames that this crate made, for the transformations: addresses, ports, offsets.
//!
//! Not a decoder of foreign traffic: Ethernet with any VLAN tags, IPv4, TCP and UDP headers.

use std::net::Ipv4Addr;

use auscult_model::MacAddr;

use super::{ethernet, ip};

/// Where the parts of a frame are.
#[derive(Clone, Debug)]
pub struct View {
    /// Destination MAC.
    pub to: MacAddr,
    /// Source MAC.
    pub from: MacAddr,
    /// VLAN tags, outermost first: (tag protocol, tag control).
    pub tags: Vec<(u16, u16)>,
    /// EtherType after the tags.
    pub ethertype: u16,
    /// Offset of the layer-3 header.
    pub network: usize,
    /// The IPv4 header, when there is one.
    pub ipv4: Option<Ipv4View>,
}

/// Fields of an IPv4 header and what follows.
#[derive(Clone, Copy, Debug)]
pub struct Ipv4View {
    /// Source address.
    pub from: Ipv4Addr,
    /// Destination address.
    pub to: Ipv4Addr,
    /// Protocol number.
    pub protocol: u8,
    /// Time to live.
    pub ttl: u8,
    /// True for any fragment of a larger datagram.
    pub fragment: bool,
    /// Offset of the layer-4 header in the frame.
    pub transport: usize,
    /// Offset behind the datagram in the frame (padding begins there).
    pub end: usize,
    /// Source and destination port (TCP and UDP, first fragments only).
    pub ports: Option<(u16, u16)>,
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from(u16_at(bytes, at)?) << 16 | u32::from(u16_at(bytes, at + 2)?))
}

fn mac_at(bytes: &[u8], at: usize) -> Option<MacAddr> {
    Some(MacAddr(bytes.get(at..at + 6)?.try_into().ok()?))
}

impl View {
    /// Looks at an Ethernet frame.
    pub fn of(bytes: &[u8]) -> Option<View> {
        let (to, from) = (mac_at(bytes, 0)?, mac_at(bytes, 6)?);
        let mut tags = Vec::new();
        let mut at = 12;
        let mut ethertype = u16_at(bytes, at)?;
        while ethertype == ethernet::VLAN || ethertype == ethernet::SERVICE_VLAN {
            tags.push((ethertype, u16_at(bytes, at + 2)?));
            at += 4;
            ethertype = u16_at(bytes, at)?;
        }
        let network = at + 2;
        let ipv4 = if ethertype == ethernet::IPV4 {
            Ipv4View::of(bytes, network)
        } else {
            None
        };
        Some(View {
            to,
            from,
            tags,
            ethertype,
            network,
            ipv4,
        })
    }

    /// The frame again, with other tags.
    pub fn with_tags(&self, bytes: &[u8], tags: &[(u16, u16)]) -> Vec<u8> {
        let end = self.ipv4.map_or(bytes.len(), |v| v.end.min(bytes.len()));
        let end = if self.ethertype == ethernet::ARP {
            (self.network + 28).min(end)
        } else {
            end
        };
        let payload = bytes.get(self.network..end).unwrap_or_default();
        ethernet::frame(self.to, self.from, tags, self.ethertype, payload)
    }

    /// The other address when `ip` is one end.
    pub fn involves(&self, ip: Ipv4Addr) -> bool {
        self.ipv4.is_some_and(|v| v.from == ip || v.to == ip)
    }
}

impl Ipv4View {
    fn of(bytes: &[u8], at: usize) -> Option<Ipv4View> {
        let header = usize::from(bytes.get(at)? & 0x0f) * 4;
        let total = usize::from(u16_at(bytes, at + 2)?);
        let fragmenting = u16_at(bytes, at + 6)?;
        let protocol = *bytes.get(at + 9)?;
        let transport = at + header;
        let first = fragmenting & 0x1fff == 0;
        let ports = (first && (protocol == ip::TCP || protocol == ip::UDP))
            .then(|| Some((u16_at(bytes, transport)?, u16_at(bytes, transport + 2)?)))
            .flatten();
        Some(Ipv4View {
            from: Ipv4Addr::from(u32_at(bytes, at + 12)?),
            to: Ipv4Addr::from(u32_at(bytes, at + 16)?),
            protocol,
            ttl: *bytes.get(at + 8)?,
            fragment: fragmenting & 0x3fff != 0,
            transport,
            end: at + total,
            ports,
        })
    }

    /// Sequence number, flags and payload offset of a whole TCP segment.
    pub fn tcp(&self, bytes: &[u8]) -> Option<(u32, u8, usize)> {
        if self.protocol != ip::TCP || self.fragment {
            return None;
        }
        let header = usize::from(bytes.get(self.transport + 12)? >> 4) * 4;
        let flags = *bytes.get(self.transport + 13)?;
        Some((
            u32_at(bytes, self.transport + 4)?,
            flags,
            self.transport + header,
        ))
    }
}
