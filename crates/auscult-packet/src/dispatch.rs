//! Which shard a packet belongs to: a symmetric fixed-key hash of its innermost address pair.
//!
//! Both directions of a conversation, all fragments of a datagram, and ICMP errors with the
//! packets that they quote give the same key, on every machine and in every run. Frames without
//! a readable pair of IP addresses go by their MAC addresses.

use std::net::IpAddr;

use auscult_model::LinkType;

use crate::decode::{
    ETHERTYPE_ARP, ETHERTYPE_IPV4, ETHERTYPE_IPV6, EXTENSIONS_MAX, Extent, ipv6_pair, is_tag,
    read_arp, read_cooked, read_llc,
};
use crate::icmp::{is_error, quoted_pair};
use crate::transport::{ICMP, ICMPV6};

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

/// The key of a frame. Equal for both directions; 0 when the frame names nobody.
pub fn dispatch_key(link: LinkType, frame: &[u8]) -> u64 {
    let extent = Extent {
        bytes: frame,
        declared_end: frame.len(),
    };
    let (ethertype, at) = match link {
        LinkType::ETHERNET => match frame.get(12..14) {
            Some(&[t0, t1]) => skip_tags(frame, u16::from_be_bytes([t0, t1]), 14),
            _ => return 0,
        },
        LinkType::LINUX_SLL | LinkType::LINUX_SLL2 => match read_cooked(link, frame) {
            Some(cooked) => skip_tags(frame, cooked.protocol, cooked.end),
            None => return 0,
        },
        LinkType::RAW | LinkType::RAW_BSD | LinkType::RAW_OPENBSD => match frame.first() {
            Some(0x60..=0x6f) => (ETHERTYPE_IPV6, 0),
            _ => (ETHERTYPE_IPV4, 0),
        },
        LinkType::IPV4 => (ETHERTYPE_IPV4, 0),
        LinkType::IPV6 => (ETHERTYPE_IPV6, 0),
        _ => return 0,
    };
    let key = match ethertype {
        ETHERTYPE_IPV4 => ipv4_key(extent, at),
        ETHERTYPE_IPV6 => ipv6_key(extent, at),
        ETHERTYPE_ARP => read_arp(extent, at)
            .ok()
            .map(|arp| pair_ip(IpAddr::V4(arp.sender_ip), IpAddr::V4(arp.target_ip))),
        _ => None,
    };
    key.unwrap_or_else(|| link_key(link, frame))
}

/// Which of `shards` shards a key belongs to; 0 when there are none.
pub fn shard_of(key: u64, shards: usize) -> usize {
    ((u128::from(key) * shards as u128) >> 64) as usize
}

/// The EtherType behind VLAN tags and LLC, and the offset after it.
#[inline(always)]
fn skip_tags(frame: &[u8], mut ethertype: u16, mut at: usize) -> (u16, usize) {
    let mut tags = 0;
    while is_tag(ethertype) && tags < 4 {
        let Some(&[_, _, t0, t1]) = frame.get(at..at + 4) else {
            return (0, at);
        };
        ethertype = u16::from_be_bytes([t0, t1]);
        at += 4;
        tags += 1;
    }
    if ethertype < 0x0600 {
        read_llc(frame, at).unwrap_or((0, at))
    } else {
        (ethertype, at)
    }
}

#[inline(always)]
fn ipv4_key(extent: Extent<'_>, at: usize) -> Option<u64> {
    let h = extent.chunk::<20>(at)?;
    if h[0] >> 4 != 4 {
        return None;
    }
    // Fragments of an error go by the outer pair, since only the first holds the quote.
    let fragment = u16::from_be_bytes([h[6], h[7]]) & 0x3fff != 0;
    if h[9] == ICMP && !fragment {
        let message = extent.bytes.get(at + usize::from(h[0] & 0x0f) * 4..)?;
        if let Some((src, dst)) = pair_in_error(ICMP, message) {
            return Some(pair_ip(src, dst));
        }
    }
    let src = u32::from_be_bytes([h[12], h[13], h[14], h[15]]);
    let dst = u32::from_be_bytes([h[16], h[17], h[18], h[19]]);
    Some(pair(u64::from(src), u64::from(dst)))
}

fn ipv6_key(extent: Extent<'_>, at: usize) -> Option<u64> {
    let h = extent.chunk::<40>(at)?;
    if h[0] >> 4 != 6 {
        return None;
    }
    if let Some(message) = icmpv6_message(extent, h[6], at + 40)
        && let Some((src, dst)) = pair_in_error(ICMPV6, message)
    {
        return Some(pair_ip(src, dst));
    }
    let (src, dst) = ipv6_pair(h);
    Some(pair_v6(u128::from(src), u128::from(dst)))
}

/// The ICMPv6 message of a packet that is no fragment, behind extension headers if need be.
#[inline(always)]
fn icmpv6_message<'a>(extent: Extent<'a>, mut next: u8, mut at: usize) -> Option<&'a [u8]> {
    for _ in 0..=EXTENSIONS_MAX {
        match next {
            ICMPV6 => return extent.bytes.get(at..),
            // Hop-by-hop, routing and destination options.
            0 | 43 | 60 => {
                let &[following, len] = extent.chunk::<2>(at)?;
                next = following;
                at += (usize::from(len) + 1) * 8;
            }
            _ => return None,
        }
    }
    None
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
    let number = |m: &[u8; 6]| u64::from_be_bytes([0, 0, m[0], m[1], m[2], m[3], m[4], m[5]]);
    match link {
        LinkType::ETHERNET => {
            let Some((dst, rest)) = frame.split_first_chunk::<6>() else {
                return 0;
            };
            rest.first_chunk::<6>()
                .map_or(0, |src| pair(number(src), number(dst)))
        }
        LinkType::LINUX_SLL | LinkType::LINUX_SLL2 => read_cooked(link, frame)
            .and_then(|cooked| cooked.src_mac)
            .map_or(0, |mac| pair(number(&mac.0), 0)),
        _ => 0,
    }
}
