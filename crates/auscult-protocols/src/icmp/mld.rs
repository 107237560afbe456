//! Multicast listener discovery: IGMP for IPv6.
//!
//! ```text
//! 1  type · code · checksum u16 · delay u16 · 0000 · group 16     82 query, 83 report, 84 done
//! 2  82 as above, then flags · interval · sources n u16 · n × 16
//!    8f · 00 · checksum u16 · 0000 · records u16; each: type · words of more · sources n u16 ·
//!    group 16 · n × 16 · more
//! ```
//!
//! Sources: RFC 2710, RFC 3810. Limits: those of `igmp.rs`; a message counts only with the hop
//! limit of 1 that both demand.

use std::net::{IpAddr, Ipv6Addr};

use auscult_packet::{Layers, Transport};

use crate::igmp::Membership;

/// What a message says; `None` for all others of ICMPv6.
pub(super) fn read(layers: &Layers, frame: &[u8]) -> Option<Membership> {
    let Transport::Icmpv6(icmp) = layers.transport else {
        return None;
    };
    if !matches!(icmp.kind, 130..=132 | 143) || layers.ttl != 1 {
        return None;
    }
    let rest = layers.payload_of(frame);
    if icmp.kind == 143 {
        let address = |octets: [u8; 16]| IpAddr::V6(octets.into());
        return Membership::new(2, false).with_records(icmp.seq, rest, address);
    }
    let (group, more) = rest.split_first_chunk::<16>()?;
    let group = Ipv6Addr::from(*group);
    match icmp.kind {
        130 => {
            let query = Membership::new(if more.len() >= 4 { 2 } else { 1 }, true);
            Some(match group.is_unspecified() {
                true => query,
                false => query.with(group.into(), true),
            })
        }
        kind => group
            .is_multicast()
            .then(|| Membership::new(1, false).with(group.into(), kind == 131)),
    }
}
