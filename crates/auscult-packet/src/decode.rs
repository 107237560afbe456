//! From the first byte of a frame to its transport header.
//!
//! Ethernet II and IEEE 802.3 with LLC/SNAP (IEEE 802.2, RFC 1042), VLAN tags (IEEE 802.1Q,
//! 802.1ad and the older 0x9100), ARP (RFC 826), IPv4 (RFC 791), IPv6 and its extension headers
//! (RFC 8200, RFC 4302); other link headers are read in `link.rs` and `wireless.rs`, labels and
//! sessions between link and network in `shim.rs`, what packets carry in `tunnel.rs`.
//! Limits: 4 VLAN tags, 8 extension headers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use auscult_model::{LinkType, MacAddr};

use crate::bounds;
use crate::layers::{Arp, Fragment, Layers, Network, Range32, StopReason};
use crate::link::{Next, read_link};
use crate::shim;
use crate::transport::{decode_transport, set_payload};
use crate::wireless::part_end;

/// VLAN tags that are walked.
pub(crate) const TAGS_MAX: usize = bounds::TAGS.default as usize;
/// IPv6 extension headers that are walked.
pub(crate) const EXTENSIONS_MAX: usize = bounds::EXTENSIONS.default as usize;
/// Headers between link and network that are walked.
const SHIMS_MAX: u8 = bounds::SHIMS.default as u8;

pub(crate) const ETHERTYPE_IPV4: u16 = 0x0800;
pub(crate) const ETHERTYPE_ARP: u16 = 0x0806;
pub(crate) const ETHERTYPE_IPV6: u16 = 0x86dd;
/// EtherTypes from here on; below it the field is an 802.3 length.
pub(crate) const ETHERTYPE_FIRST: u16 = 0x0600;
/// Largest 802.3 length.
const LENGTH_8023_MAX: u16 = 1500;

/// IP protocol numbers (IANA) that are headers in front of others.
pub(crate) mod extension {
    pub(crate) const HOP_BY_HOP: u8 = 0;
    pub(crate) const ROUTING: u8 = 43;
    pub(crate) const FRAGMENT: u8 = 44;
    pub(crate) const AUTHENTICATION: u8 = 51;
    pub(crate) const NO_NEXT: u8 = 59;
    pub(crate) const DESTINATION: u8 = 60;
}

/// The captured bytes of a frame, and where the packet ended by the headers read so far.
///
/// Offsets are always those of the frame. `bytes` may be cut at its end as lengths become known
/// (padding and trailers go), never at its front.
#[derive(Clone, Copy)]
pub(crate) struct Extent<'a> {
    pub(crate) bytes: &'a [u8],
    /// End by the headers; larger than `bytes.len()` when the capture cut the packet.
    pub(crate) declared_end: usize,
}

impl<'a> Extent<'a> {
    /// `N` bytes from `at` on.
    #[inline(always)]
    pub(crate) fn chunk<const N: usize>(self, at: usize) -> Option<&'a [u8; N]> {
        self.bytes
            .get(at..)
            .and_then(|rest| rest.first_chunk::<N>())
    }

    /// The same packet, known to end at `declared_end` at the latest.
    #[inline(always)]
    fn bounded(self, declared_end: usize) -> Self {
        let end = declared_end.min(self.bytes.len());
        Extent {
            bytes: self.bytes.get(..end).unwrap_or(self.bytes),
            declared_end,
        }
    }

    /// Whether the capture took some of the `len` bytes at `at` by which a choice is made: what
    /// is left could look like something else.
    pub(crate) fn is_undecided(self, at: usize, len: usize) -> bool {
        self.bytes.len() < self.declared_end.min(at + len)
    }

    /// Why `len` bytes at `at` are not there.
    pub(crate) fn missing(self, at: usize, len: usize) -> StopReason {
        if at + len <= self.declared_end {
            StopReason::CutByCapture
        } else {
            StopReason::EndsInHeader
        }
    }
}

/// Reads the headers of one frame. `original_len` is the length on the wire, which the capture
/// may have cut.
#[inline]
pub fn decode(link: LinkType, frame: &[u8], original_len: u32) -> Layers {
    let mut layers = Layers::new(link);
    decode_into(&mut layers, link, frame, original_len);
    layers
}

/// [`decode`] into layers that the caller keeps: whatever they held is gone. The way for loops
/// over many packets, since returning a struct of this size costs a copy.
pub fn decode_into(layers: &mut Layers, link: LinkType, frame: &[u8], original_len: u32) {
    *layers = Layers::new(link);
    let extent = Extent {
        bytes: frame,
        declared_end: (original_len as usize).max(frame.len()),
    };
    if link == LinkType::ETHERNET {
        decode_ethernet(layers, extent);
    } else {
        decode_other_link(layers, extent);
    }
}

/// [`decode_into`] for the packet at `at` of an aggregate: one of
/// [`further_parts`](crate::further_parts). Offsets are those of the frame.
pub fn decode_part_into(layers: &mut Layers, link: LinkType, frame: &[u8], at: u32) {
    *layers = Layers::new(link);
    let extent = Extent {
        bytes: frame,
        declared_end: frame.len(),
    };
    decode_part(layers, extent, (at as usize).min(frame.len()));
}

/// Reads a packet that begins with an IPv4 or IPv6 header, as a reassembled datagram does.
pub fn decode_ip(packet: &[u8], original_len: u32) -> Layers {
    decode(LinkType::RAW, packet, original_len)
}

#[inline(always)]
fn decode_ethernet(layers: &mut Layers, extent: Extent<'_>) {
    let Some(&[d0, d1, d2, d3, d4, d5, s0, s1, s2, s3, s4, s5, t0, t1]) = extent.chunk::<14>(0)
    else {
        return layers.stop_at(extent.missing(0, 14), 0);
    };
    layers.dst_mac = Some(MacAddr([d0, d1, d2, d3, d4, d5]));
    layers.src_mac = Some(MacAddr([s0, s1, s2, s3, s4, s5]));
    let ethertype = u16::from_be_bytes([t0, t1]);
    if ethertype == ETHERTYPE_IPV4 {
        layers.ethertype = ethertype;
        return decode_ipv4(layers, extent, 14);
    }
    decode_tagged(layers, extent, ethertype, 14);
}

/// Link types other than Ethernet.
fn decode_other_link(layers: &mut Layers, extent: Extent<'_>) {
    let link = read_link(layers.link, extent);
    layers.src_mac = link.src_mac;
    layers.dst_mac = link.dst_mac;
    let extent = match link.trailer {
        0 => extent,
        trailer => extent.bounded(extent.declared_end.saturating_sub(trailer)),
    };
    follow(layers, extent, link.next);
}

/// Decodes what stands behind a header.
pub(crate) fn follow(layers: &mut Layers, extent: Extent<'_>, next: Next) {
    let at = next.at();
    if at > extent.bytes.len() {
        return layers.stop_at(extent.missing(at, 1), extent.bytes.len());
    }
    match next {
        Next::Ethernet(_) => decode_inner_ethernet(layers, extent, at),
        Next::Part(_) => decode_part(layers, extent, at),
        Next::EtherType(ethertype, _) => decode_tagged(layers, extent, ethertype, at),
        Next::Llc(_) => decode_llc(layers, extent, at),
        Next::Ip(_) => match extent.chunk::<1>(at).map(|[byte]| byte >> 4) {
            Some(4) => decode_network(layers, extent, ETHERTYPE_IPV4, at),
            Some(6) => decode_network(layers, extent, ETHERTYPE_IPV6, at),
            Some(_) => layers.stop_at(StopReason::IpVersion, at),
            None => layers.stop_at(extent.missing(at, 1), at),
        },
        Next::Stop(why, _) => layers.stop_at(why, at),
    }
}

/// An Ethernet frame behind something else.
fn decode_inner_ethernet(layers: &mut Layers, extent: Extent<'_>, at: usize) {
    let Some(h) = extent.chunk::<14>(at) else {
        return layers.stop_at(extent.missing(at, 14), at);
    };
    (layers.dst_mac, layers.src_mac) = ethernet_pair(h);
    decode_tagged(layers, extent, u16::from_be_bytes([h[12], h[13]]), at + 14);
}

/// A packet of an aggregate.
fn decode_part(layers: &mut Layers, extent: Extent<'_>, at: usize) {
    let (Some(h), Some(end)) = (extent.chunk::<14>(at), part_end(extent, at)) else {
        return layers.stop_at(extent.missing(at, 14), at);
    };
    (layers.dst_mac, layers.src_mac) = ethernet_pair(h);
    decode_llc(
        layers,
        extent.bounded(end.min(extent.declared_end)),
        at + 14,
    );
}

/// Receiver and sender of an Ethernet header.
fn ethernet_pair(h: &[u8; 14]) -> (Option<MacAddr>, Option<MacAddr>) {
    let dst = MacAddr([h[0], h[1], h[2], h[3], h[4], h[5]]);
    let src = MacAddr([h[6], h[7], h[8], h[9], h[10], h[11]]);
    (Some(dst), Some(src))
}

/// True for the EtherTypes of VLAN tags.
pub(crate) fn is_tag(ethertype: u16) -> bool {
    matches!(ethertype, 0x8100 | 0x88a8 | 0x9100)
}

/// Walks VLAN tags, then whatever they tag. `at` is the offset after the EtherType.
fn decode_tagged(layers: &mut Layers, extent: Extent<'_>, mut ethertype: u16, mut at: usize) {
    for _ in 0..TAGS_MAX {
        if !is_tag(ethertype) {
            break;
        }
        let Some(&[c0, c1, t0, t1]) = extent.chunk::<4>(at) else {
            return layers.stop_at(extent.missing(at, 4), at);
        };
        let id = u16::from_be_bytes([c0, c1]) & 0x0fff;
        if id != 0 {
            if let Some(slot) = layers.vlan.get_mut(usize::from(layers.vlan_depth)) {
                *slot = id;
            }
            layers.vlan_depth += 1;
        }
        ethertype = u16::from_be_bytes([t0, t1]);
        at += 4;
    }
    if is_tag(ethertype) {
        return layers.stop_at(StopReason::TooManyTags, at);
    }
    if ethertype >= ETHERTYPE_FIRST {
        decode_network(layers, extent, ethertype, at);
    } else if ethertype <= LENGTH_8023_MAX {
        decode_llc(layers, extent.bounded(at + usize::from(ethertype)), at);
    } else {
        layers.stop_at(StopReason::EtherType, at);
    }
}

/// The EtherType behind an LLC header and the offset after it; `None` when it carries no IP.
pub(crate) fn read_llc(bytes: &[u8], at: usize) -> Option<(u16, usize)> {
    match bytes.get(at..)? {
        // SNAP with the OUI of EtherTypes, or of RFC 1042's bridge tunnel.
        [0xaa, 0xaa, 0x03, 0, 0, 0 | 0xf8, t0, t1, ..] => {
            Some((u16::from_be_bytes([*t0, *t1]), at + 8))
        }
        // DSAP and SSAP 6: IPv4 straight in LLC.
        [0x06, 0x06, 0x03, ..] => Some((ETHERTYPE_IPV4, at + 3)),
        _ => None,
    }
}

fn decode_llc(layers: &mut Layers, extent: Extent<'_>, at: usize) {
    match read_llc(extent.bytes, at) {
        Some((ethertype, at)) => decode_network(layers, extent, ethertype, at),
        None if at + 8 > extent.bytes.len() => layers.stop_at(extent.missing(at, 8), at),
        None => layers.stop_at(StopReason::EtherType, at),
    }
}

/// Decodes what an EtherType names. A tunnel that carries a network header comes back to here.
fn decode_network(layers: &mut Layers, extent: Extent<'_>, ethertype: u16, at: usize) {
    layers.ethertype = ethertype;
    match ethertype {
        ETHERTYPE_IPV4 => decode_ipv4(layers, extent, at),
        ETHERTYPE_IPV6 => decode_ipv6(layers, extent, at),
        ETHERTYPE_ARP => decode_arp(layers, extent, at),
        _ => decode_shim(layers, extent, ethertype, at),
    }
}

/// A header between link and network, or nothing that is decoded.
#[cold]
fn decode_shim(layers: &mut Layers, extent: Extent<'_>, ethertype: u16, at: usize) {
    let Some((next, end)) = shim::read(ethertype, extent, at) else {
        return layers.stop_at(StopReason::EtherType, at);
    };
    if layers.shims >= SHIMS_MAX {
        return layers.stop_at(StopReason::TooManyShims, at);
    }
    layers.shims += 1;
    match next {
        // The frame in a pseudowire is of a link of its own.
        Next::Ethernet(_) => (layers.vlan, layers.vlan_depth) = ([0; 2], 0),
        // Labels are for routers: their addresses are not those of the packet's hosts.
        Next::Ip(_) => (layers.src_mac, layers.dst_mac) = (None, None),
        _ => {}
    }
    follow(layers, extent.bounded(end.min(extent.declared_end)), next);
}

/// An ARP message; `Err` says why there is none.
pub(crate) fn read_arp(extent: Extent<'_>, at: usize) -> Result<Arp, StopReason> {
    let header = extent
        .chunk::<8>(at)
        .ok_or_else(|| extent.missing(at, 28))?;
    // Hardware types 1 (Ethernet) and 6 (IEEE 802) both have six-byte addresses.
    let [0, 1 | 6, 0x08, 0x00, 6, 4, o0, o1] = *header else {
        return Err(StopReason::ArpAddresses);
    };
    let a = extent
        .chunk::<20>(at + 8)
        .ok_or_else(|| extent.missing(at, 28))?;
    Ok(Arp {
        operation: u16::from_be_bytes([o0, o1]),
        sender_mac: MacAddr([a[0], a[1], a[2], a[3], a[4], a[5]]),
        sender_ip: Ipv4Addr::new(a[6], a[7], a[8], a[9]),
        target_mac: MacAddr([a[10], a[11], a[12], a[13], a[14], a[15]]),
        target_ip: Ipv4Addr::new(a[16], a[17], a[18], a[19]),
    })
}

fn decode_arp(layers: &mut Layers, extent: Extent<'_>, at: usize) {
    match read_arp(extent, at) {
        Ok(arp) => layers.network = Network::Arp(arp),
        Err(why) => layers.stop_at(why, at),
    }
}

#[inline(always)]
fn decode_ipv4(layers: &mut Layers, extent: Extent<'_>, at: usize) {
    let Some(h) = extent.chunk::<20>(at) else {
        return layers.stop_at(extent.missing(at, 20), at);
    };
    if h[0] >> 4 != 4 {
        return layers.stop_at(StopReason::IpVersion, at);
    }
    layers.network = Network::Ipv4;
    layers.ip_start = at as u32;
    layers.src = IpAddr::V4(Ipv4Addr::new(h[12], h[13], h[14], h[15]));
    layers.dst = IpAddr::V4(Ipv4Addr::new(h[16], h[17], h[18], h[19]));
    layers.ttl = h[8];
    layers.ip_protocol = h[9];
    let id = u32::from(u16::from_be_bytes([h[4], h[5]]));
    layers.ip_id = id;
    let flags_offset = u16::from_be_bytes([h[6], h[7]]);
    layers.dont_fragment = flags_offset & 0x4000 != 0;

    let header_len = usize::from(h[0] & 0x0f) * 4;
    if header_len < 20 {
        return layers.stop_at(StopReason::HeaderLength, at);
    }
    let total_len = usize::from(u16::from_be_bytes([h[2], h[3]]));
    let extent = if total_len == 0 {
        // Segmentation offload: the card would have filled it in.
        extent
    } else if total_len < header_len {
        return layers.stop_at(StopReason::TotalLength, at);
    } else {
        extent.bounded(at + total_len)
    };
    let data_at = at + header_len;
    if data_at > extent.bytes.len() {
        return layers.stop_at(extent.missing(at, header_len), at);
    }
    if flags_offset & 0x3fff != 0 {
        layers.fragment = Some(Fragment {
            offset: u32::from(flags_offset & 0x1fff) * 8,
            id,
            protocol: h[9],
            more: flags_offset & 0x2000 != 0,
            named_at: (at + 9) as u32,
            header_at: data_at as u32,
            data_at: data_at as u32,
            data_on_wire: (extent.declared_end - data_at) as u32,
        });
        if flags_offset & 0x1fff != 0 {
            return rest_is_payload(layers, extent, data_at);
        }
    }
    if h[9] == extension::AUTHENTICATION {
        return decode_extensions(layers, extent, data_at, (at + 9) as u32);
    }
    decode_transport(layers, extent, data_at);
}

/// No transport header is to be had (a later fragment, a stop before it): the rest is payload.
fn rest_is_payload(layers: &mut Layers, extent: Extent<'_>, at: usize) {
    layers.ip_payload = Range32 {
        start: at as u32,
        end: extent.bytes.len() as u32,
    };
    set_payload(layers, extent, at);
}

fn decode_ipv6(layers: &mut Layers, extent: Extent<'_>, at: usize) {
    let Some(h) = extent.chunk::<40>(at) else {
        return layers.stop_at(extent.missing(at, 40), at);
    };
    if h[0] >> 4 != 6 {
        return layers.stop_at(StopReason::IpVersion, at);
    }
    let (src, dst) = ipv6_pair(h);
    layers.network = Network::Ipv6;
    layers.ip_start = at as u32;
    layers.src = IpAddr::V6(src);
    layers.dst = IpAddr::V6(dst);
    layers.ip_protocol = h[6];
    layers.ttl = h[7];
    let payload_len = usize::from(u16::from_be_bytes([h[4], h[5]]));
    let extent = if payload_len == 0 && h[6] != extension::NO_NEXT {
        // A jumbogram (RFC 2675) or segmentation offload.
        extent
    } else {
        extent.bounded(at + 40 + payload_len)
    };
    decode_extensions(layers, extent, at + 40, (at + 6) as u32);
}

/// Source and destination of an IPv6 header.
pub(crate) fn ipv6_pair(header: &[u8; 40]) -> (Ipv6Addr, Ipv6Addr) {
    let [_, _, _, _, _, _, _, _, addresses @ ..] = header;
    let mut src = [0; 16];
    let mut dst = [0; 16];
    let (first, second) = addresses.split_at(16);
    src.copy_from_slice(first);
    dst.copy_from_slice(second);
    (Ipv6Addr::from(src), Ipv6Addr::from(dst))
}

/// Walks extension headers from `at` on, then the transport. `layers.ip_protocol` says what is
/// at `at`, and was read from the byte at `named_at`.
fn decode_extensions(layers: &mut Layers, extent: Extent<'_>, mut at: usize, mut named_at: u32) {
    for _ in 0..=EXTENSIONS_MAX {
        let step = match layers.ip_protocol {
            extension::AUTHENTICATION => 4,
            // Behind IPv4 these numbers are payload like any other.
            _ if layers.network == Network::Ipv4 => {
                return decode_transport(layers, extent, at);
            }
            extension::HOP_BY_HOP | extension::ROUTING | extension::DESTINATION => 8,
            extension::FRAGMENT => 0,
            _ => return decode_transport(layers, extent, at),
        };
        let Some(&[next, len, o0, o1, i0, i1, i2, i3]) = extent.chunk::<8>(at) else {
            rest_is_payload(layers, extent, at);
            return layers.stop_at(extent.missing(at, 8), at);
        };
        let header_len = match step {
            0 => 8,
            4 => (usize::from(len) + 2) * 4,
            _ => (usize::from(len) + 1) * 8,
        };
        if at + header_len > extent.bytes.len() {
            rest_is_payload(layers, extent, at);
            return layers.stop_at(extent.missing(at, header_len), at);
        }
        layers.ip_protocol = next;
        if step == 0 {
            let offset_flags = u16::from_be_bytes([o0, o1]);
            let id = u32::from_be_bytes([i0, i1, i2, i3]);
            layers.ip_id = id;
            // Offset 0 without more: an atomic fragment is a whole datagram (RFC 6946).
            if offset_flags & 0xfff9 != 0 && layers.fragment.is_none() {
                layers.fragment = Some(Fragment {
                    offset: u32::from(offset_flags & 0xfff8),
                    id,
                    protocol: next,
                    more: offset_flags & 1 != 0,
                    named_at,
                    header_at: at as u32,
                    data_at: (at + 8) as u32,
                    data_on_wire: (extent.declared_end - at - 8) as u32,
                });
            }
            if offset_flags & 0xfff8 != 0 {
                return rest_is_payload(layers, extent, at + 8);
            }
        }
        named_at = at as u32;
        at += header_len;
    }
    rest_is_payload(layers, extent, at);
    layers.stop_at(StopReason::TooManyExtensions, at);
}
