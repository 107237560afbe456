//! Which shard a packet belongs to: a symmetric fixed-key hash of its innermost address pair.
//!
//! Both directions of a conversation, all fragments of a datagram, and ICMP errors with the
//! packets that they quote give the same key, on every machine and in every run. Frames without
//! a readable pair of IP addresses go by their MAC addresses.

use std::net::IpAddr;

use auscult_model::{LinkType, MacAddr};

use crate::decode::{
    ETHERTYPE_ARP, ETHERTYPE_FIRST, ETHERTYPE_IPV4, ETHERTYPE_IPV6, EXTENSIONS_MAX, Extent,
    TAGS_MAX, decode, extension, ipv6_pair, is_tag, read_arp, read_llc,
};
use crate::icmp::{is_error, quoted_pair};
use crate::layers::{Layers, Network};
use crate::link::{Next, read_link};
use crate::shim::{ETHERTYPE_MPLS, ETHERTYPE_MPLS_MULTICAST, ETHERTYPE_PPPOE};
use crate::transport::{ICMP, ICMPV6, TCP, UDP};
use crate::tunnel::{by_ports, may_carry};

/// Digits of π (fractional part, as in foldhash and Blowfish): arbitrary and fixed.
const KEY_A: u64 = 0x243f_6a88_85a3_08d3;
const KEY_B: u64 = 0x1319_8a2e_0370_7345;

/// Multiplies to 128 bits and folds the halves, so that every bit of the input reaches every bit
/// of the result.
#[inline(always)]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product as u64) ^ ((product >> 64) as u64)
}

/// Key of an unordered pair of numbers up to 64 bits.
#[inline(always)]
fn pair(a: u64, b: u64) -> u64 {
    let (low, high) = if a <= b { (a, b) } else { (b, a) };
    fold(low ^ KEY_A, high.rotate_left(32) ^ KEY_B)
}

/// Key of an unordered pair of IPv6 addresses.
fn pair_v6(a: u128, b: u128) -> u64 {
    let (low, high) = if a <= b { (a, b) } else { (b, a) };
    let low = fold(low as u64 ^ KEY_A, (low >> 64) as u64 ^ KEY_B);
    let high = fold(high as u64 ^ KEY_B, (high >> 64) as u64 ^ KEY_A);
    fold(low ^ KEY_A, high.rotate_left(32) ^ KEY_B)
}

fn pair_ip(a: IpAddr, b: IpAddr) -> u64 {
    match (a, b) {
        (IpAddr::V4(a), IpAddr::V4(b)) => pair(u64::from(u32::from(a)), u64::from(u32::from(b))),
        (IpAddr::V6(a), IpAddr::V6(b)) => pair_v6(u128::from(a), u128::from(b)),
        _ => 0,
    }
}

/// Where a frame goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dispatch {
    /// Equal for both directions; 0 when the frame names nobody.
    pub key: u64,
    /// An IP fragment, to be joined before anything else looks at it. True for each frame whose
    /// [`Layers::fragment`](crate::Layers::fragment) is set, and for a few malformed ones.
    pub fragment: bool,
    /// The packet may be a tunnel's: see [`Layers::carried`](crate::Layers::carried).
    pub may_carry: bool,
}

/// The key of a whole frame alone: see [`dispatch`].
pub fn dispatch_key(link: LinkType, frame: &[u8]) -> u64 {
    dispatch(link, frame, frame.len() as u32).key
}

/// The key of a frame's address pair, and whether it is a fragment. `original_len` is the length
/// on the wire, as for [`decode`]: what lies under labels is told by it.
pub fn dispatch(link: LinkType, frame: &[u8], original_len: u32) -> Dispatch {
    let start = network_start(link, frame);
    if let Some((ETHERTYPE_MPLS | ETHERTYPE_MPLS_MULTICAST | ETHERTYPE_PPPOE, _)) = start {
        return behind_shim(link, frame, original_len);
    }
    by_network(start, frame).unwrap_or_else(|| whole(link_key(link, frame)))
}

/// [`dispatch_key`] for the packet at `at` of an aggregate: see
/// [`further_parts`](crate::further_parts).
pub fn dispatch_part(frame: &[u8], at: u32) -> u64 {
    let part = frame.get(at as usize..).unwrap_or_default();
    by_network(read_llc(part, 14), part)
        .unwrap_or_else(|| whole(link_key(LinkType::ETHERNET, part)))
        .key
}

#[inline(always)]
fn by_network(start: Option<(u16, usize)>, frame: &[u8]) -> Option<Dispatch> {
    let (ethertype, at) = start?;
    let extent = whole_frame(frame);
    match ethertype {
        ETHERTYPE_IPV4 => by_ipv4(extent, at),
        ETHERTYPE_IPV6 => by_ipv6(extent, at),
        ETHERTYPE_ARP => read_arp(extent, at).ok().map(|arp| {
            // By who speaks, whomever it asks for: what a station says of itself all day is then
            // known in one shard.
            let speaker = IpAddr::V4(arp.sender_ip);
            whole(pair_ip(speaker, speaker))
        }),
        _ => None,
    }
}

/// [`dispatch`] by layers that are decoded already: what the rare ways of carrying a packet cost
/// no other.
pub fn dispatch_layers(layers: &Layers, frame: &[u8]) -> Dispatch {
    let fragment = layers.fragment.is_some();
    let key = match layers.network {
        Network::Arp(arp) => {
            let speaker = IpAddr::V4(arp.sender_ip);
            pair_ip(speaker, speaker)
        }
        Network::Ipv4 | Network::Ipv6 => {
            let quoted = layers.quoted(frame).filter(|_| !fragment);
            let (src, dst) = quoted.map_or((layers.src, layers.dst), |q| (q.src, q.dst));
            pair_ip(src, dst)
        }
        Network::None => pair_mac(layers.src_mac, layers.dst_mac),
    };
    Dispatch {
        key,
        fragment,
        may_carry: layers.may_carry(),
    }
}

/// Behind labels or in a PPPoE session.
#[cold]
fn behind_shim(link: LinkType, frame: &[u8], original_len: u32) -> Dispatch {
    let layers = decode(link, frame, original_len);
    dispatch_layers(&layers, frame)
}

/// No fragment.
fn whole(key: u64) -> Dispatch {
    Dispatch {
        key,
        ..Dispatch::default()
    }
}

/// EtherType and offset of what the link carries.
#[inline(always)]
fn network_start(link: LinkType, frame: &[u8]) -> Option<(u16, usize)> {
    match link {
        LinkType::ETHERNET => match *frame.get(12..14)? {
            [0x08, 0x00] => Some((ETHERTYPE_IPV4, 14)),
            [t0, t1] => Some(skip_tags(frame, u16::from_be_bytes([t0, t1]), 14)),
            _ => None,
        },
        _ => other_start(link, frame),
    }
}

/// The same for other links than Ethernet.
fn other_start(link: LinkType, frame: &[u8]) -> Option<(u16, usize)> {
    match read_link(link, whole_frame(frame)).next {
        Next::Ethernet(at) => {
            let &[t0, t1] = frame.get(at + 12..)?.first_chunk()?;
            Some(skip_tags(frame, u16::from_be_bytes([t0, t1]), at + 14))
        }
        Next::Part(at) => read_llc(frame, at + 14),
        Next::EtherType(ethertype, at) => Some(skip_tags(frame, ethertype, at)),
        Next::Llc(at) => read_llc(frame, at),
        Next::Ip(at) => match frame.get(at)? {
            0x60..=0x6f => Some((ETHERTYPE_IPV6, at)),
            _ => Some((ETHERTYPE_IPV4, at)),
        },
        Next::Stop(..) => None,
    }
}

fn whole_frame(frame: &[u8]) -> Extent<'_> {
    Extent {
        bytes: frame,
        declared_end: frame.len(),
    }
}

/// Which of `shards` shards a key belongs to; 0 when there are none.
pub fn shard_of(key: u64, shards: usize) -> usize {
    ((u128::from(key) * shards as u128) >> 64) as usize
}

/// The EtherType behind VLAN tags and LLC, and the offset after it.
fn skip_tags(frame: &[u8], mut ethertype: u16, mut at: usize) -> (u16, usize) {
    let mut tags = 0;
    while is_tag(ethertype) && tags < TAGS_MAX {
        let Some(&[_, _, t0, t1]) = frame.get(at..at + 4) else {
            return (0, at);
        };
        ethertype = u16::from_be_bytes([t0, t1]);
        at += 4;
        tags += 1;
    }
    if ethertype < ETHERTYPE_FIRST {
        read_llc(frame, at).unwrap_or((0, at))
    } else {
        (ethertype, at)
    }
}

#[inline(always)]
fn by_ipv4(extent: Extent<'_>, at: usize) -> Option<Dispatch> {
    let h = extent.chunk::<20>(at)?;
    if h[0] >> 4 != 4 {
        return None;
    }
    // Fragments of an error go by the outer pair, since only the first holds the quote.
    let fragment = u16::from_be_bytes([h[6], h[7]]) & 0x3fff != 0;
    let mut may_carry = false;
    if h[9] != TCP && !fragment {
        let payload_at = at + usize::from(h[0] & 0x0f) * 4;
        if h[9] == ICMP {
            let message = extent.bytes.get(payload_at..)?;
            if let Some((src, dst)) = pair_in_error(ICMP, message) {
                return Some(whole(pair_ip(src, dst)));
            }
        }
        may_carry = carries(h[9], extent, payload_at);
    }
    let src = u32::from_be_bytes([h[12], h[13], h[14], h[15]]);
    let dst = u32::from_be_bytes([h[16], h[17], h[18], h[19]]);
    Some(Dispatch {
        key: pair(u64::from(src), u64::from(dst)),
        fragment,
        may_carry,
    })
}

fn by_ipv6(extent: Extent<'_>, at: usize) -> Option<Dispatch> {
    let h = extent.chunk::<40>(at)?;
    if h[0] >> 4 != 6 {
        return None;
    }
    let (upper, upper_at) = skip_extensions(extent, h[6], at + 40);
    if upper == ICMPV6
        && let Some(message) = extent.bytes.get(upper_at..)
        && let Some((src, dst)) = pair_in_error(ICMPV6, message)
    {
        return Some(whole(pair_ip(src, dst)));
    }
    let (src, dst) = ipv6_pair(h);
    let key = pair_v6(u128::from(src), u128::from(dst));
    let fragment = upper == extension::FRAGMENT && is_atomic(extent, upper_at) == Some(false);
    Some(Dispatch {
        key,
        fragment,
        may_carry: upper != TCP && carries(upper, extent, upper_at),
    })
}

/// Whether a protocol, or a datagram's ports, stand for a tunnel. Behind IPv4's authentication
/// header anything may.
#[inline(always)]
fn carries(protocol: u8, extent: Extent<'_>, at: usize) -> bool {
    match (protocol, extent.chunk::<4>(at)) {
        (UDP, Some(&[s0, s1, d0, d1])) => {
            let src = u16::from_be_bytes([s0, s1]);
            by_ports(src, u16::from_be_bytes([d0, d1])).is_some()
        }
        (extension::AUTHENTICATION, _) => true,
        (protocol, _) => may_carry(protocol),
    }
}

/// Whether an IPv6 fragment header is that of a whole datagram (RFC 6946); `None` when it is cut.
fn is_atomic(extent: Extent<'_>, at: usize) -> Option<bool> {
    let &[_, _, o0, o1] = extent.chunk::<4>(at)?;
    Some((o0, o1 & 0xf9) == (0, 0))
}

/// The first header that is neither options nor routing, and its offset.
#[inline(always)]
fn skip_extensions(extent: Extent<'_>, mut next: u8, mut at: usize) -> (u8, usize) {
    for _ in 0..EXTENSIONS_MAX {
        let header_len = match (next, extent.chunk::<2>(at)) {
            (
                extension::HOP_BY_HOP | extension::ROUTING | extension::DESTINATION,
                Some(&[_, len]),
            ) => (usize::from(len) + 1) * 8,
            (extension::AUTHENTICATION, Some(&[_, len])) => (usize::from(len) + 2) * 4,
            (extension::FRAGMENT, _) if is_atomic(extent, at) == Some(true) => 8,
            _ => break,
        };
        next = extent.bytes.get(at).copied().unwrap_or(extension::NO_NEXT);
        at += header_len;
    }
    (next, at)
}

fn pair_in_error(protocol: u8, message: &[u8]) -> Option<(IpAddr, IpAddr)> {
    let (&[kind, ..], quote) = message.split_first_chunk::<8>()?;
    if is_error(protocol, kind) {
        quoted_pair(quote)
    } else {
        None
    }
}

fn link_key(link: LinkType, frame: &[u8]) -> u64 {
    let number = |mac: &[u8; 6]| MacAddr(*mac).to_bits();
    match link {
        LinkType::ETHERNET => {
            let Some((dst, rest)) = frame.split_first_chunk::<6>() else {
                return 0;
            };
            rest.first_chunk::<6>()
                .map_or(0, |src| pair(number(src), number(dst)))
        }
        _ => {
            let read = read_link(link, whole_frame(frame));
            if let Next::Ethernet(at) | Next::Part(at) = read.next {
                let inner = frame.get(at..).unwrap_or_default();
                return link_key(LinkType::ETHERNET, inner);
            }
            pair_mac(read.src_mac, read.dst_mac)
        }
    }
}

/// Key of two link addresses of which either may be missing.
fn pair_mac(a: Option<MacAddr>, b: Option<MacAddr>) -> u64 {
    let bits = |mac: Option<MacAddr>| mac.map_or(0, MacAddr::to_bits);
    match (a, b) {
        (None, None) => 0,
        (a, b) => pair(bits(a), bits(b)),
    }
}
