//! Headers within headers: 64 of each kind, of which a bounded number is walked.

use std::net::Ipv4Addr;

use auscult_lab::wire::{ethernet, ip};

use crate::stream;
use crate::wire::*;

const DEEP: usize = 64;
const MANY: u64 = 10_000;

fn inner() -> Vec<u8> {
    let (from, to) = ((host(1), 1024), (host(0), 9));
    header(from.0, to.0, ip::UDP, 1).whole(&datagram(from, to, b"?"))
}

fn frame_of(ethertype: u16, payload: &[u8]) -> Vec<u8> {
    ethernet::frame(card(host(0)), card(host(1)), &[], ethertype, payload)
}

#[test]
fn sixty_four_vlan_tags() {
    let tags: Vec<(u16, u16)> = (1..=DEEP as u16).map(|id| (ethernet::VLAN, id)).collect();
    let frame = tagged(host(1), host(0), &tags, &inner());
    let told = stream("10,000 frames of 64 VLAN tags", &[], |wire| {
        (0..MANY).for_each(|_| wire.frame(&frame));
    });
    assert_eq!(told.reached("vlan-tags"), MANY);
    assert_eq!(told.number("/health/undecoded"), MANY);
}

#[test]
fn sixty_four_extension_headers() {
    // Destination options that hold nothing, each naming the next (RFC 8200 §4.6).
    let mut packet = vec![0x60, 0, 0, 0, 0, (DEEP * 8 + 8) as u8, 60, 64];
    packet[4..6].copy_from_slice(&((DEEP * 8 + 8) as u16).to_be_bytes());
    packet.extend([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    packet.extend([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
    for number in 1..=DEEP {
        let next = if number == DEEP { ip::UDP } else { 60 };
        packet.extend([next, 0, 1, 4, 0, 0, 0, 0]);
    }
    packet.extend(datagram((host(1), 1024), (host(0), 9), b""));
    let frame = frame_of(0x86dd, &packet);
    let told = stream("10,000 packets of 64 IPv6 extension headers", &[], |wire| {
        (0..MANY).for_each(|_| wire.frame(&frame));
    });
    assert_eq!(told.reached("ipv6-extension-headers"), MANY);
    assert!(told.number("/health/flows") <= 1, "addresses only");
}

#[test]
fn sixty_four_mpls_labels() {
    let mut stack: Vec<u8> = (0..DEEP)
        .flat_map(|label| {
            let last = u32::from(label == DEEP - 1);
            ((label as u32 + 16) << 12 | last << 8 | 64).to_be_bytes()
        })
        .collect();
    stack.extend(inner());
    let frame = frame_of(0x8847, &stack);
    let told = stream("10,000 frames of 64 MPLS labels", &[], |wire| {
        (0..MANY).for_each(|_| wire.frame(&frame));
    });
    assert_eq!(told.reached("mpls-labels"), MANY);
    assert_eq!(told.number("/health/undecoded"), MANY);
    assert_eq!(told.number("/health/flows"), 0);
}

#[test]
fn sixty_four_pseudowires() {
    let mut frame = frame_of(0x0800, &inner());
    for label in 16..16 + DEEP as u32 {
        let entry = (label << 12 | 1 << 8 | 64).to_be_bytes();
        frame = frame_of(0x8847, &[&entry, &frame[..]].concat());
    }
    let told = stream(
        "10,000 frames of 64 pseudowires in each other",
        &[],
        |wire| {
            (0..MANY).for_each(|_| wire.frame(&frame));
        },
    );
    assert_eq!(told.reached("shims"), MANY);
    assert_eq!(told.number("/health/undecoded"), MANY);
}

/// Wraps a packet so many times by `wrap`, the innermost first.
fn nested(protocol: u8, between: &[u8]) -> Vec<u8> {
    let mut packet = inner();
    for level in 0..DEEP as u32 {
        let ends = [host(100 + level), host(200 + level)];
        let payload = [between, &packet[..]].concat();
        packet = header(ends[0], ends[1], protocol, 1).whole(&payload);
    }
    packet
}

#[test]
fn sixty_four_tunnels() {
    // A flow for the carrier and one for each tunnel that is entered, however deep they go.
    const FLOWS: u64 = 1 + 8;
    for (what, protocol, between) in [
        ("10,000 packets of IPv4 in IPv4, 64 deep", 4, &[][..]),
        ("10,000 packets of GRE in GRE, 64 deep", 47, &[0, 0, 8, 0]),
    ] {
        let frame = tagged(host(163), host(263), &[], &nested(protocol, between));
        let told = stream(what, &[], |wire| {
            (0..MANY).for_each(|_| wire.frame(&frame));
        });
        assert_eq!(told.number("/health/flows"), FLOWS);
        assert_eq!(told.reached("tunnels"), MANY);
        assert_eq!(told.number("/health/undecoded"), 0);
    }
    // VXLAN in VXLAN (RFC 7348).
    let mut packet = inner();
    for level in 0..DEEP as u32 {
        let ends = [(host(100 + level), 5000), (host(200 + level), 4789)];
        let tunnelled = [&[8, 0, 0, 0, 0, 0, 7, 0][..], &frame_of(0x0800, &packet)].concat();
        let payload = datagram(ends[0], ends[1], &tunnelled);
        packet = header(ends[0].0, ends[1].0, ip::UDP, 1).whole(&payload);
    }
    let frame = tagged(host(163), host(263), &[], &packet);
    let told = stream("10,000 packets of VXLAN in VXLAN, 64 deep", &[], |wire| {
        (0..MANY).for_each(|_| wire.frame(&frame));
    });
    assert_eq!(told.number("/health/flows"), FLOWS);
    assert_eq!(told.reached("tunnels"), MANY);
}

#[test]
fn errors_that_quote_errors() {
    // ICMP errors within ICMP errors, as deep as a frame holds.
    let mut packet = inner();
    for level in 0..DEEP as u32 {
        let error = auscult_lab::wire::icmp::unreachable(1, &packet);
        let (from, to): (Ipv4Addr, Ipv4Addr) = (host(100 + level), host(1));
        packet = header(from, to, ip::ICMP, 1).whole(&error);
    }
    let frame = tagged(host(163), host(1), &[], &packet);
    let told = stream("10,000 ICMP errors that quote errors", &[], |wire| {
        (0..MANY).for_each(|_| wire.frame(&frame));
    });
    assert!(told.number("/health/flows") <= 2);
}
