//! What an ICMP error quotes, and what IPv6 neighbour discovery says, read on demand.
//!
//! RFC 792, RFC 4443, RFC 4861. Limits: 4 prefixes and 16 options a message; redirects are not
//! read.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use auscult_model::MacAddr;

use crate::decode::{decode_ip, ipv6_pair};
use crate::layers::{Layers, Network, Transport};
use crate::transport::{ICMP, ICMPV6};

/// Prefixes kept of one router advertisement.
pub const PREFIXES_MAX: usize = 4;
/// Options walked in one message.
const OPTIONS_MAX: usize = 16;

/// The packet that an ICMP error is about, as far as the error quotes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quoted {
    /// Source address of the quoted packet.
    pub src: IpAddr,
    /// Destination address of the quoted packet.
    pub dst: IpAddr,
    /// Its IP protocol.
    pub ip_protocol: u8,
    /// Its source port; 0 when it has none or the quote ends before.
    pub src_port: u16,
    /// Its destination port; 0 likewise.
    pub dst_port: u16,
    /// Its TCP sequence number.
    pub tcp_seq: Option<u32>,
}

/// The messages of neighbour discovery that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NeighbourMessage {
    /// Type 133.
    RouterSolicitation,
    /// Type 134.
    RouterAdvertisement,
    /// Type 135.
    NeighbourSolicitation,
    /// Type 136.
    NeighbourAdvertisement,
}

/// What a message of neighbour discovery says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NeighbourDiscovery {
    /// Which message.
    pub kind: NeighbourMessage,
    /// Address asked for or answered; unspecified in router messages.
    pub target: Ipv6Addr,
    /// Source (solicitations, router advertisement) or target (neighbour advertisement)
    /// link-layer address option.
    pub link_address: Option<MacAddr>,
    /// On-link prefixes of a router advertisement; the first `prefix_count` count.
    pub prefixes: [(Ipv6Addr, u8); PREFIXES_MAX],
    /// Number of prefixes kept.
    pub prefix_count: u8,
    /// The sender is a router: R flag, or an advertisement with a lifetime.
    pub router: bool,
}

impl NeighbourDiscovery {
    /// The on-link prefixes with their lengths.
    pub fn on_link(&self) -> &[(Ipv6Addr, u8)] {
        self.prefixes
            .get(..usize::from(self.prefix_count))
            .unwrap_or_default()
    }
}

/// True when a message of this type quotes the packet that caused it.
pub(crate) fn is_error(protocol: u8, kind: u8) -> bool {
    match protocol {
        ICMP => matches!(kind, 3 | 4 | 5 | 11 | 12),
        // RFC 4443 §2.1: types below 128 are errors; 0 is reserved.
        ICMPV6 => matches!(kind, 1..=127),
        _ => false,
    }
}

/// The addresses at the front of a quoted packet, by its version.
pub(crate) fn quoted_pair(quote: &[u8]) -> Option<(IpAddr, IpAddr)> {
    match quote.first()? >> 4 {
        4 => {
            let h = quote.first_chunk::<20>()?;
            let src = Ipv4Addr::new(h[12], h[13], h[14], h[15]);
            let dst = Ipv4Addr::new(h[16], h[17], h[18], h[19]);
            Some((IpAddr::V4(src), IpAddr::V4(dst)))
        }
        6 => {
            let (src, dst) = ipv6_pair(quote.first_chunk::<40>()?);
            Some((IpAddr::V6(src), IpAddr::V6(dst)))
        }
        _ => None,
    }
}

impl Layers {
    /// The packet quoted by an ICMP error; `None` when this is no error or the quote holds no
    /// whole IP header. `frame` is the frame that was decoded.
    pub fn quoted(&self, frame: &[u8]) -> Option<Quoted> {
        let (Transport::Icmp(icmp) | Transport::Icmpv6(icmp)) = self.transport else {
            return None;
        };
        if !is_error(self.ip_protocol, icmp.kind) {
            return None;
        }
        let quote = self.payload_of(frame);
        let (src, dst) = quoted_pair(quote)?;
        // Errors may quote as few as eight bytes of the transport header, so the quote is always
        // cut; the declared length is the longest there is, lest it looks malformed.
        let inner = decode_ip(quote, u32::from(u16::MAX));
        let transport = if inner.transport == Transport::None && !is_later_fragment(&inner) {
            inner.ip_payload.of(quote)
        } else {
            &[]
        };
        let mut quoted = Quoted {
            src,
            dst,
            ip_protocol: inner.ip_protocol,
            src_port: 0,
            dst_port: 0,
            tcp_seq: None,
        };
        if let Some((src_port, dst_port)) = inner.ports() {
            (quoted.src_port, quoted.dst_port) = (src_port, dst_port);
        } else if let (6 | 17 | 132, &[s0, s1, d0, d1, ..]) = (inner.ip_protocol, transport) {
            quoted.src_port = u16::from_be_bytes([s0, s1]);
            quoted.dst_port = u16::from_be_bytes([d0, d1]);
        }
        if let Transport::Tcp(tcp) = inner.transport {
            quoted.tcp_seq = Some(tcp.seq);
        } else if let (6, &[_, _, _, _, q0, q1, q2, q3, ..]) = (inner.ip_protocol, transport) {
            quoted.tcp_seq = Some(u32::from_be_bytes([q0, q1, q2, q3]));
        }
        Some(quoted)
    }

    /// What a message of IPv6 neighbour discovery says; `None` for any other packet, and for
    /// one whose hop limit is not 255, which came from beyond the link (RFC 4861 §7.1).
    pub fn neighbour_discovery(&self, frame: &[u8]) -> Option<NeighbourDiscovery> {
        let Transport::Icmpv6(icmp) = self.transport else {
            return None;
        };
        if self.network != Network::Ipv6 || self.ttl != 255 {
            return None;
        }
        let body = self.payload_of(frame);
        let mut said = NeighbourDiscovery {
            kind: NeighbourMessage::RouterSolicitation,
            target: Ipv6Addr::UNSPECIFIED,
            link_address: None,
            prefixes: [(Ipv6Addr::UNSPECIFIED, 0); PREFIXES_MAX],
            prefix_count: 0,
            router: false,
        };
        let (options, link_option) = match icmp.kind {
            133 => (body, 1),
            134 => {
                said.kind = NeighbourMessage::RouterAdvertisement;
                // Bytes 6 and 7 of the message: the lifetime as default router.
                said.router = icmp.seq != 0;
                (body.get(8..)?, 1)
            }
            135 | 136 => {
                said.target = Ipv6Addr::from(*body.first_chunk::<16>()?);
                if icmp.kind == 135 {
                    said.kind = NeighbourMessage::NeighbourSolicitation;
                } else {
                    said.kind = NeighbourMessage::NeighbourAdvertisement;
                    said.router = icmp.id & 0x8000 != 0;
                }
                (body.get(16..)?, if icmp.kind == 135 { 1 } else { 2 })
            }
            _ => return None,
        };
        read_options(&mut said, options, link_option);
        Some(said)
    }
}

fn is_later_fragment(layers: &Layers) -> bool {
    layers.fragment.is_some_and(|fragment| fragment.offset != 0)
}

fn read_options(said: &mut NeighbourDiscovery, mut options: &[u8], link_option: u8) {
    for _ in 0..OPTIONS_MAX {
        let &[kind, units, ..] = options else { return };
        let len = usize::from(units) * 8;
        if len == 0 {
            return;
        }
        let Some((option, rest)) = options.split_at_checked(len) else {
            return;
        };
        match *option {
            [_, 1, a, b, c, d, e, f] if kind == link_option => {
                said.link_address = Some(MacAddr([a, b, c, d, e, f]));
            }
            // Prefix information with the on-link flag.
            [3, 4, prefix_len @ 0..=128, flags, ..] if flags & 0x80 != 0 => {
                let prefix = option.get(16..).and_then(|rest| rest.first_chunk::<16>());
                let slot = said.prefixes.get_mut(usize::from(said.prefix_count));
                if let (Some(prefix), Some(slot)) = (prefix, slot) {
                    *slot = (Ipv6Addr::from(*prefix), prefix_len);
                    said.prefix_count += 1;
                }
            }
            _ => {}
        }
        options = rest;
    }
}
