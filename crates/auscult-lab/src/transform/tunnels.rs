//! Frames and packets inside tunnels.
//!
//! Sources: RFC 2003 (IP in IP), RFC 2784 and RFC 2890 (GRE), RFC 7637 (NVGRE), RFC 2637 (PPTP),
//! draft-foschiano-erspan-03, RFC 7348 (VXLAN), RFC 8926 (Geneve), RFC 5415 (CAPWAP), RFC 3378
//! (EtherIP), RFC 3032, RFC 4023 and RFC 4448 (MPLS), RFC 2516 (PPPoE), 3GPP TS 29.281 (GTP-U),
//! the TZSP description of the tcpdump sources. Both ends of a tunnel are invented.

use std::net::Ipv4Addr;

use auscult_model::MacAddr;

use super::upward;
use crate::frame::{Frame, Scene};
use crate::wire::view::View;
use crate::wire::{ethernet, ip, udp};

/// What the packets of a scene are wrapped in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tunnel {
    /// Frames over UDP, port 4789.
    Vxlan,
    /// The same on Linux' port, 8472.
    VxlanLinux,
    /// Frames over UDP with options.
    Geneve,
    /// Frames in GRE.
    GreEthernet,
    /// Frames in GRE, the key being a virtual subnet.
    Nvgre,
    /// Mirrored frames without header.
    ErspanI,
    /// Mirrored frames with a header and a number.
    ErspanIi,
    /// Mirrored frames with the header of version 2, and a platform's.
    ErspanIii,
    /// Frames between access point and controller.
    Capwap,
    /// Frames from a sniffer.
    Tzsp,
    /// Frames in IP.
    EtherIp,
    /// Frames under two labels and a control word.
    Pseudowire,
    /// Frames under a label alone.
    BarePseudowire,
    /// Packets in GRE with checksum, key and number.
    Gre,
    /// Packets in GRE of version 1 with PPP.
    Pptp,
    /// IPv4 in IPv4.
    IpInIp,
    /// IPv4 in IPv6.
    IpInIpv6,
    /// Packets of a mobile network, with an extension header.
    GtpU,
    /// Packets under three labels.
    Mpls,
    /// Packets under a label in IP.
    MplsInIp,
    /// Packets in a PPP session over Ethernet.
    Pppoe,
}

impl Tunnel {
    /// All.
    pub const ALL: [Tunnel; 21] = [
        Tunnel::Vxlan,
        Tunnel::VxlanLinux,
        Tunnel::Geneve,
        Tunnel::GreEthernet,
        Tunnel::Nvgre,
        Tunnel::ErspanI,
        Tunnel::ErspanIi,
        Tunnel::ErspanIii,
        Tunnel::Capwap,
        Tunnel::Tzsp,
        Tunnel::EtherIp,
        Tunnel::Pseudowire,
        Tunnel::BarePseudowire,
        Tunnel::Gre,
        Tunnel::Pptp,
        Tunnel::IpInIp,
        Tunnel::IpInIpv6,
        Tunnel::GtpU,
        Tunnel::Mpls,
        Tunnel::MplsInIp,
        Tunnel::Pppoe,
    ];

    /// Whether it carries whole frames; others carry IPv4 packets, and leave ARP outside.
    pub fn carries_frames(self) -> bool {
        (self as usize) < (Tunnel::Gre as usize)
    }

    /// Whether the link addresses are those of the packets' hosts.
    pub fn keeps_stations(self) -> bool {
        self.carries_frames() || self == Tunnel::Pppoe
    }
}

const STATIONS: [MacAddr; 2] = [
    MacAddr([0x00, 0x1b, 0x17, 0x55, 0x00, 0x01]),
    MacAddr([0x00, 0x1b, 0x17, 0x55, 0x00, 0x02]),
];
const ENDS: [Ipv4Addr; 2] = [Ipv4Addr::new(10, 254, 17, 1), Ipv4Addr::new(10, 254, 99, 2)];
const IPV6_ENDS: [[u8; 16]; 2] = [
    [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x17, 1],
    [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x99, 2],
];
const NETWORK: [u8; 3] = [0x00, 0x13, 0x88];

/// One wrapping in the making.
struct Wrapping {
    up: bool,
    number: u32,
}

impl Wrapping {
    fn pick<T: Copy>(&self, ends: [T; 2]) -> (T, T) {
        let [a, b] = ends;
        if self.up { (a, b) } else { (b, a) }
    }

    /// An outer Ethernet frame between the ends.
    fn frame(&self, tags: &[(u16, u16)], ethertype: u16, payload: &[u8]) -> Vec<u8> {
        let (from, to) = self.pick(STATIONS);
        ethernet::frame(to, from, tags, ethertype, payload)
    }

    fn in_ip(&self, tags: &[(u16, u16)], protocol: u8, payload: &[u8]) -> Vec<u8> {
        let (from, to) = self.pick(ENDS);
        let header = ip::Header {
            from,
            to,
            ttl: 62,
            id: self.number as u16,
            dont_fragment: false,
            protocol,
        };
        self.frame(tags, ethernet::IPV4, &header.whole(payload))
    }

    fn in_udp(&self, ports: (u16, u16), header: &[u8], frame: &[u8]) -> Vec<u8> {
        let (from, to) = self.pick(ENDS);
        let payload = [header, frame].concat();
        let datagram = udp::datagram((from, ports.0), (to, ports.1), &payload);
        self.in_ip(&[], ip::UDP, &datagram)
    }

    /// Numbers that differ by direction: labels, keys, tunnel ids.
    fn label(&self) -> u32 {
        if self.up { 0x1_2345 } else { 0x0_0abc }
    }

    /// A label stack entry (RFC 3032).
    fn entry(&self, by: u32, last: bool) -> [u8; 4] {
        ((self.label() + by) << 12 | u32::from(last) << 8 | 61).to_be_bytes()
    }

    fn whole_frame(&self, tunnel: Tunnel, frame: &[u8]) -> Vec<u8> {
        const GRE: u8 = 47;
        let [a, b, c] = NETWORK;
        let number = self.number.to_be_bytes();
        let hashed = 49_152 + (self.number % 7) as u16;
        match tunnel {
            Tunnel::Vxlan => self.in_udp((hashed, 4789), &[8, 0, 0, 0, a, b, c, 0], frame),
            Tunnel::VxlanLinux => self.in_udp((hashed, 8472), &[8, 0, 0, 0, a, b, c, 0], frame),
            Tunnel::Geneve => {
                let head = [2, 0, 0x65, 0x58, a, b, c, 0, 1, 2, 3, 1, 9, 9, 9, 9];
                self.in_udp((hashed, 6081), &head, frame)
            }
            Tunnel::GreEthernet => self.in_ip(&[], GRE, &[&[0, 0, 0x65, 0x58], frame].concat()),
            Tunnel::Nvgre => {
                let head = [0x20, 0, 0x65, 0x58, a, b, c, number[3]];
                self.in_ip(&[], GRE, &[&head, frame].concat())
            }
            Tunnel::ErspanI => self.in_ip(&[], GRE, &[&[0, 0, 0x88, 0xbe], frame].concat()),
            Tunnel::ErspanIi => {
                let head = [
                    &[0x10, 0, 0x88, 0xbe],
                    &number[..],
                    &[0x10, 0, 0x18, 7, 0, 0, 0, 3],
                ];
                self.in_ip(&[], GRE, &[head.concat().as_slice(), frame].concat())
            }
            Tunnel::ErspanIii => {
                let head = [
                    &[0x10, 0, 0x22, 0xeb],
                    &number[..],
                    &[
                        0x20, 0, 0, 7, 1, 2, 3, 4, 0, 0, 0, 1, 0x0c, 0, 0, 0, 0, 0, 0, 0,
                    ],
                ];
                self.in_ip(&[], GRE, &[head.concat().as_slice(), frame].concat())
            }
            Tunnel::Capwap => {
                let ports = if self.up {
                    (40_000, 5247)
                } else {
                    (5247, 40_000)
                };
                self.in_udp(ports, &[0, 0x10, 0x02, 0, 0, 0, 0, 0], frame)
            }
            Tunnel::Tzsp => self.in_udp((hashed, 37_008), &[1, 0, 0, 1, 10, 1, 7, 0, 1], frame),
            Tunnel::EtherIp => self.in_ip(&[], 97, &[&[0x30, 0], frame].concat()),
            Tunnel::Pseudowire => {
                let stack = [self.entry(0, false), self.entry(9, true), [0, 0, 0, 0]].concat();
                self.frame(&[], 0x8847, &[stack.as_slice(), frame].concat())
            }
            _ => {
                let stack = self.entry(0, true);
                self.frame(&[], 0x8847, &[stack.as_slice(), frame].concat())
            }
        }
    }

    fn packet(&self, tunnel: Tunnel, view: &View, packet: &[u8]) -> Vec<u8> {
        let tags = view.tags.as_slice();
        let number = self.number.to_be_bytes();
        let length = (packet.len() as u16).to_be_bytes();
        match tunnel {
            Tunnel::Gre => {
                let key = self.label().to_be_bytes();
                let head = [&[0xb0, 0, 8, 0, 0, 0, 0, 0], &key[..], &number[..]].concat();
                self.in_ip(tags, 47, &[head.as_slice(), packet].concat())
            }
            Tunnel::Pptp => {
                let [l0, l1] = (packet.len() as u16 + 4).to_be_bytes();
                let call = self.label().to_be_bytes();
                let head = [0x30, 0x81, 0x88, 0x0b, l0, l1, call[2], call[3]];
                let behind = [&number[..], &[0, 0, 0, 1], &[0xff, 3, 0, 0x21]].concat();
                self.in_ip(tags, 47, &[&head, behind.as_slice(), packet].concat())
            }
            Tunnel::IpInIp => self.in_ip(tags, 4, packet),
            Tunnel::IpInIpv6 => {
                let (from, to) = self.pick(IPV6_ENDS);
                let head = [0x60, 0, 0, 0, length[0], length[1], 4, 63];
                self.frame(tags, 0x86dd, &[&head, &from[..], &to[..], packet].concat())
            }
            Tunnel::GtpU => {
                let whole = (packet.len() as u16 + 8).to_be_bytes();
                let id = self.label().to_be_bytes();
                let head = [&[0x34, 255], &whole[..], &id[..], &[0, 0, 0, 0x85]].concat();
                let payload = [head.as_slice(), &[1, 0x10, 9, 0], packet].concat();
                let (from, to) = self.pick(ENDS);
                let datagram = udp::datagram((from, 2152), (to, 2152), &payload);
                self.in_ip(tags, ip::UDP, &datagram)
            }
            Tunnel::Mpls => {
                let stack = [
                    self.entry(0, false),
                    self.entry(5, false),
                    self.entry(1, true),
                ];
                self.frame(tags, 0x8847, &[stack.concat().as_slice(), packet].concat())
            }
            Tunnel::MplsInIp => self.in_ip(tags, 137, &[&self.entry(0, true), packet].concat()),
            _ => {
                let [l0, l1] = (packet.len() as u16 + 2).to_be_bytes();
                let head = [0x11, 0, 0, 5, l0, l1, 0, 0x21];
                ethernet::frame(view.to, view.from, tags, 0x8864, &[&head, packet].concat())
            }
        }
    }
}

/// Everything through one tunnel.
pub(super) fn tunnelled(mut scene: Scene, tunnel: Tunnel) -> Scene {
    for (number, frame) in scene.frames.iter_mut().enumerate() {
        if let Some(bytes) = wrapped(frame, number as u32, tunnel) {
            frame.wire_len = bytes.len() as u32;
            frame.bytes = bytes;
        }
    }
    scene
}

fn wrapped(frame: &Frame, number: u32, tunnel: Tunnel) -> Option<Vec<u8>> {
    let view = View::of(&frame.bytes)?;
    let up = upward(&view);
    let wrapping = Wrapping { up, number };
    if tunnel.carries_frames() {
        return Some(wrapping.whole_frame(tunnel, &frame.bytes));
    }
    let v = view.ipv4?;
    let packet = frame.bytes.get(view.network..v.end)?;
    // Whoever has no address yet is not behind a tunnel.
    let is_local = v.from.is_unspecified() || v.to.is_broadcast() || v.to.is_multicast();
    (!is_local).then(|| wrapping.packet(tunnel, &view, packet))
}
