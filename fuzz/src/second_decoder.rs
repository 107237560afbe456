//! Our layers of a frame beside those of etherparse, written by others from the same standards.
//!
//! Compared is what both read: link types Ethernet, Linux cooked and raw IP, and frames that
//! etherparse accepts as a whole; it is stricter, and ends at the first header that it dislikes.

use std::net::IpAddr;

use auscult_model::{LinkType, MacAddr};
use auscult_packet::{Layers, Network, StopReason, Transport};
use etherparse::{
    ArpPacketSlice, IpPayloadSlice, LinkExtSlice, NetSlice, SlicedPacket, TransportSlice,
};

/// The IPv6 next header that says that nothing follows.
const NO_NEXT_HEADER: u8 = 59;

/// The header of RFC 4302.
const AUTHENTICATION: u8 = 51;

/// What etherparse makes of a frame.
fn decoded(link: LinkType, frame: &[u8]) -> Option<SlicedPacket<'_>> {
    match link {
        LinkType::ETHERNET => SlicedPacket::from_ethernet(frame).ok(),
        LinkType::LINUX_SLL => SlicedPacket::from_linux_sll(frame).ok(),
        LinkType::RAW => SlicedPacket::from_ip(frame).ok(),
        _ => None,
    }
}

/// Compares; `frame` is whole, as it was on the wire.
///
/// # Panics
///
/// When they differ.
pub fn compare(ours: &Layers, frame: &[u8]) {
    let Some(theirs) = decoded(ours.link, frame) else {
        return;
    };
    let mut ids = Vec::new();
    for extension in &theirs.link_exts {
        match extension {
            LinkExtSlice::Vlan(tag) => ids.push(tag.vlan_identifier().value()),
            LinkExtSlice::Macsec(_) => return,
        }
    }
    let Some(net) = &theirs.net else { return };
    ids.retain(|id| *id != 0);
    assert_eq!(usize::from(ours.vlan_depth), ids.len(), "{ours:?}");
    ids.resize(ids.len().max(2), 0);
    assert_eq!(ours.vlan[..], ids[..2], "{ours:?}");
    match net {
        NetSlice::Arp(arp) => compare_arp(ours, arp),
        NetSlice::Ipv4(ip) => {
            let header = ip.header();
            let pair = (
                header.source_addr().into(),
                header.destination_addr().into(),
            );
            assert_eq!(ours.network, Network::Ipv4, "{ours:?}");
            assert_eq!(ours.dont_fragment, header.dont_fragment());
            assert_eq!(ours.ip_id, u32::from(header.identification()));
            compare_ip(ours, pair, header.ttl(), ip.payload());
        }
        NetSlice::Ipv6(ip) => {
            let header = ip.header();
            let pair = (
                header.source_addr().into(),
                header.destination_addr().into(),
            );
            assert_eq!(ours.network, Network::Ipv6, "{ours:?}");
            compare_ip(ours, pair, header.hop_limit(), ip.payload());
        }
    }
    if let Some(transport) = &theirs.transport
        && !gave_up(ours)
    {
        compare_transport(ours, frame, transport);
    }
}

/// Ours walks a fixed number of extension headers.
fn gave_up(ours: &Layers) -> bool {
    ours.stop
        .is_some_and(|stop| stop.why == StopReason::TooManyExtensions)
}

fn compare_arp(ours: &Layers, theirs: &ArpPacketSlice<'_>) {
    let Network::Arp(arp) = ours.network else {
        // Ours reads IPv4 on Ethernet only.
        assert_eq!(
            ours.stop.map(|stop| stop.why),
            Some(StopReason::ArpAddresses)
        );
        return;
    };
    assert_eq!(arp.operation, theirs.operation().0);
    assert_eq!(arp.sender_mac.0[..], *theirs.sender_hw_addr());
    assert_eq!(arp.sender_ip.octets()[..], *theirs.sender_protocol_addr());
    assert_eq!(arp.target_mac.0[..], *theirs.target_hw_addr());
    assert_eq!(arp.target_ip.octets()[..], *theirs.target_protocol_addr());
    assert!(
        ours.src_mac
            .is_none_or(|mac| mac != MacAddr::NONE || ours.link.0 == 1)
    );
}

fn compare_ip(ours: &Layers, pair: (IpAddr, IpAddr), ttl: u8, payload: &IpPayloadSlice<'_>) {
    assert_eq!(
        (ours.src, ours.dst, ours.ttl),
        (pair.0, pair.1, ttl),
        "{ours:?}"
    );
    if gave_up(ours) {
        return;
    }
    assert_eq!(ours.fragment.is_some(), payload.fragmented, "{ours:?}");
    if payload.fragmented {
        // etherparse reads on in a fragment, whose bytes need not be headers.
        return;
    }
    if payload.ip_number.0 == AUTHENTICATION {
        // Of these, etherparse takes one.
        return;
    }
    assert_eq!(ours.ip_protocol, payload.ip_number.0, "{ours:?}");
    // etherparse takes length 0 for "to the end" also where no header follows.
    if ours.ip_protocol != NO_NEXT_HEADER {
        assert_eq!(ours.ip_payload.len(), payload.payload.len(), "{ours:?}");
    }
}

fn compare_transport(ours: &Layers, frame: &[u8], theirs: &TransportSlice<'_>) {
    match (ours.transport, theirs) {
        (Transport::Tcp(tcp), TransportSlice::Tcp(theirs)) => {
            assert_eq!(tcp.src_port, theirs.source_port());
            assert_eq!(tcp.dst_port, theirs.destination_port());
            assert_eq!(tcp.seq, theirs.sequence_number());
            assert_eq!(tcp.ack, theirs.acknowledgment_number());
            let flags = [
                theirs.fin(),
                theirs.syn(),
                theirs.rst(),
                theirs.psh(),
                theirs.ack(),
            ];
            let ours_too = [
                tcp.flags.fin(),
                tcp.flags.syn(),
                tcp.flags.rst(),
                tcp.flags.psh(),
                tcp.flags.ack(),
            ];
            assert_eq!(ours_too, flags);
            assert_eq!(tcp.window, theirs.window_size());
            assert_eq!(tcp.checksum, theirs.checksum());
            assert_eq!(tcp.urgent, theirs.urgent_pointer());
            assert_eq!(usize::from(tcp.header_len), theirs.header_slice().len());
            assert_eq!(ours.payload_of(frame), theirs.payload());
        }
        (Transport::Udp(udp), TransportSlice::Udp(theirs)) => {
            assert_eq!(udp.src_port, theirs.source_port());
            assert_eq!(udp.dst_port, theirs.destination_port());
            assert_eq!(udp.length, theirs.length());
            assert_eq!(udp.checksum, theirs.checksum());
            assert_eq!(ours.payload_of(frame), theirs.payload());
        }
        (Transport::Icmp(icmp), TransportSlice::Icmpv4(theirs)) => {
            assert_eq!((icmp.kind, icmp.code), (theirs.type_u8(), theirs.code_u8()));
            assert_eq!(icmp.checksum, theirs.checksum());
        }
        (Transport::Icmpv6(icmp), TransportSlice::Icmpv6(theirs)) => {
            assert_eq!((icmp.kind, icmp.code), (theirs.type_u8(), theirs.code_u8()));
            assert_eq!(icmp.checksum, theirs.checksum());
        }
        // Not decoded by ours; nor is ICMP of the other IP version.
        (_, TransportSlice::Igmp(_)) => assert_eq!(ours.transport, Transport::Other),
        (Transport::Other, TransportSlice::Icmpv4(_) | TransportSlice::Icmpv6(_)) => {}
        _ => panic!("{ours:?} beside {theirs:?}"),
    }
}
