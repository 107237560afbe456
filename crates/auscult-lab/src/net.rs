//! Hosts, the paths between them, and the recorder that sees their packets at the capture point.
//!
//! The capture point is a mirror of a switch: it sees every leg of a path that crosses one of its
//! VLANs. Times are those at the capture point.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use auscult_model::{MacAddr, Timestamp};

use crate::frame::Frame;
use crate::wire::tcp::{Segment, Stack};
use crate::wire::{arp, ethernet, ip, udp};

/// Nanoseconds in a millisecond.
pub const MS: i64 = Timestamp::MILLISECOND;
/// Nanoseconds in a second.
pub const SECOND: i64 = Timestamp::SECOND;
/// Nanoseconds in a microsecond.
pub const US: i64 = 1_000;

/// Something with a network card.
#[derive(Clone, Debug)]
pub struct Host {
    /// Its MAC.
    pub mac: MacAddr,
    /// Its address.
    pub ip: Ipv4Addr,
    /// The VLAN it sits in, when tagged.
    pub vlan: Option<u16>,
    /// How its TCP and IP look.
    pub stack: Stack,
}

/// One layer-2 hop on which the capture point sees the packets of a path.
#[derive(Clone, Debug)]
pub struct Leg {
    /// The VLAN tag of packets from a to b.
    pub vlan: Option<u16>,
    /// MAC that stands for a.
    pub a_mac: MacAddr,
    /// MAC that stands for b.
    pub b_mac: MacAddr,
    /// Time to live of packets from a, as seen here.
    pub a_ttl: u8,
    /// Time to live of packets from b, as seen here.
    pub b_ttl: u8,
    /// The address that stands for a here (source NAT).
    pub a_as: Option<Ipv4Addr>,
}

/// How packets travel between two addresses.
#[derive(Clone, Debug)]
pub struct Path {
    /// The originator's address.
    pub a: Ipv4Addr,
    /// The other address.
    pub b: Ipv4Addr,
    /// The legs seen, from a to b.
    pub legs: Vec<Leg>,
    /// Round trip from the capture point to a, in nanoseconds.
    pub rtt_a: i64,
    /// Round trip from the capture point to b, in nanoseconds.
    pub rtt_b: i64,
}

impl Path {
    /// Both on the same segment.
    pub fn on_link(a: &Host, b: &Host) -> Path {
        let leg = Leg {
            vlan: a.vlan,
            a_mac: a.mac,
            b_mac: b.mac,
            a_ttl: a.stack.ttl,
            b_ttl: b.stack.ttl,
            a_as: None,
        };
        Path {
            a: a.ip,
            b: b.ip,
            legs: vec![leg],
            rtt_a: 180 * US,
            rtt_b: 260 * US,
        }
    }

    /// From a host to an address behind its gateway.
    pub fn through(a: &Host, gateway: &Host, far: Ipv4Addr, far_ttl: u8, rtt: i64) -> Path {
        let leg = Leg {
            vlan: a.vlan,
            a_mac: a.mac,
            b_mac: gateway.mac,
            a_ttl: a.stack.ttl,
            b_ttl: far_ttl,
            a_as: None,
        };
        Path {
            a: a.ip,
            b: far,
            legs: vec![leg],
            rtt_a: 180 * US,
            rtt_b: rtt,
        }
    }

    /// Between two segments that are both mirrored: every packet is seen on both.
    pub fn routed(a: &Host, a_gateway: MacAddr, b_gateway: MacAddr, b: &Host) -> Path {
        let near = Leg {
            vlan: a.vlan,
            a_mac: a.mac,
            b_mac: a_gateway,
            a_ttl: a.stack.ttl,
            b_ttl: b.stack.ttl.wrapping_sub(1),
            a_as: None,
        };
        let far = Leg {
            vlan: b.vlan,
            a_mac: b_gateway,
            b_mac: b.mac,
            a_ttl: a.stack.ttl.wrapping_sub(1),
            b_ttl: b.stack.ttl,
            a_as: None,
        };
        Path {
            a: a.ip,
            b: b.ip,
            legs: vec![near, far],
            rtt_a: 220 * US,
            rtt_b: 400 * US,
        }
    }
}

/// Which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the originator.
    Out,
    /// From the responder.
    Back,
}

/// Layer-4 content, encoded per leg because addresses are part of the checksum.
pub enum Transport<'a> {
    /// A TCP segment.
    Tcp(&'a Segment),
    /// A UDP datagram: source port, destination port, payload.
    Udp(u16, u16, &'a [u8]),
    /// An ICMP message.
    Icmp(&'a [u8]),
    /// Anything else: protocol number, content.
    Other(u8, &'a [u8]),
}

/// Collects frames.
#[derive(Debug, Default)]
pub struct Recorder {
    frames: Vec<Frame>,
    ids: BTreeMap<Ipv4Addr, u16>,
}

/// The MTU that UDP is fragmented to.
const MTU: usize = 1500;

impl Recorder {
    /// An empty recorder.
    pub fn new() -> Self {
        Self::default()
    }

    /// One frame as it is.
    pub fn frame(&mut self, at: Timestamp, bytes: Vec<u8>) {
        let wire_len = bytes.len() as u32;
        self.frames.push(Frame {
            time: at,
            interface: 0,
            bytes,
            wire_len,
        });
    }

    /// One Ethernet frame.
    pub fn ethernet(
        &mut self,
        at: Timestamp,
        vlan: Option<u16>,
        (from, to): (MacAddr, MacAddr),
        ethertype: u16,
        payload: &[u8],
    ) {
        let tag = vlan.map(|id| (ethernet::VLAN, id));
        self.frame(
            at,
            ethernet::frame(to, from, tag.as_slice(), ethertype, payload),
        );
    }

    fn next_id(&mut self, ip: Ipv4Addr) -> u16 {
        let seed = u32::from(ip).wrapping_mul(0x9e37_79b1) as u16;
        let id = self.ids.entry(ip).or_insert(seed);
        *id = id.wrapping_add(1);
        *id
    }

    /// One IPv4 datagram on every leg of a path; returns the datagram of the first leg.
    pub fn ipv4(&mut self, at: Timestamp, path: &Path, way: Way, what: &Transport<'_>) -> Vec<u8> {
        let id = self.next_id(if way == Way::Out { path.a } else { path.b });
        let mut first = Vec::new();
        for (index, leg) in path.legs.iter().enumerate() {
            let order = if way == Way::Out {
                index
            } else {
                path.legs.len() - 1 - index
            };
            let time = at.plus(order as i64 * 35 * US);
            let a = leg.a_as.unwrap_or(path.a);
            let (from, to) = if way == Way::Out {
                (a, path.b)
            } else {
                (path.b, a)
            };
            let (macs, ttl) = match way {
                Way::Out => ((leg.a_mac, leg.b_mac), leg.a_ttl),
                Way::Back => ((leg.b_mac, leg.a_mac), leg.b_ttl),
            };
            let (protocol, body) = match what {
                Transport::Tcp(segment) => (ip::TCP, segment.encode(from, to)),
                Transport::Udp(source, target, payload) => (
                    ip::UDP,
                    udp::datagram((from, *source), (to, *target), payload),
                ),
                Transport::Icmp(message) => (ip::ICMP, message.to_vec()),
                Transport::Other(protocol, content) => (*protocol, content.to_vec()),
            };
            let dont_fragment = protocol == ip::TCP;
            let header = ip::Header {
                from,
                to,
                ttl,
                id,
                dont_fragment,
                protocol,
            };
            // What is longer than the wire allows, an offloading card will cut.
            let mtu = if dont_fragment { usize::MAX } else { MTU };
            for (n, packet) in header.fragments(&body, mtu).iter().enumerate() {
                let time = time.plus(n as i64 * 12 * US);
                self.ethernet(time, leg.vlan, macs, ethernet::IPV4, packet);
            }
            if first.is_empty() {
                first = header.whole(&body);
            }
        }
        first
    }

    /// One UDP datagram.
    pub fn udp(&mut self, at: Timestamp, path: &Path, way: Way, ports: (u16, u16), data: &[u8]) {
        let (source, target) = if way == Way::Out {
            ports
        } else {
            (ports.1, ports.0)
        };
        self.ipv4(at, path, way, &Transport::Udp(source, target, data));
    }

    /// One UDP datagram to everybody on the sender's segment.
    pub fn broadcast(
        &mut self,
        at: Timestamp,
        from: &Host,
        to: Ipv4Addr,
        ports: (u16, u16),
        data: &[u8],
    ) {
        let everybody = Host {
            mac: MacAddr::BROADCAST,
            ip: to,
            ..from.clone()
        };
        self.udp(at, &Path::on_link(from, &everybody), Way::Out, ports, data);
    }

    /// One datagram to an IPv4 group on the sender's segment.
    pub fn multicast(
        &mut self,
        at: Timestamp,
        from: &Host,
        (group, ttl): (Ipv4Addr, u8),
        what: &Transport<'_>,
    ) {
        let [_, b, c, d] = group.octets();
        let listeners = Host {
            mac: MacAddr([0x01, 0x00, 0x5e, b & 0x7f, c, d]),
            ip: group,
            ..from.clone()
        };
        let mut path = Path::on_link(from, &listeners);
        path.legs[0].a_ttl = ttl;
        self.ipv4(at, &path, Way::Out, what);
    }

    /// An ARP request of `asker` for `wanted`, and the answer when someone gives it.
    pub fn resolve(
        &mut self,
        at: Timestamp,
        asker: &Host,
        wanted: Ipv4Addr,
        answer: Option<MacAddr>,
    ) -> Timestamp {
        let request = arp::request((asker.mac, asker.ip), wanted);
        let macs = (asker.mac, MacAddr::BROADCAST);
        self.ethernet(at, asker.vlan, macs, ethernet::ARP, &request);
        let Some(mac) = answer else { return at };
        let after = at.plus(210 * US);
        let reply = arp::reply((mac, wanted), (asker.mac, asker.ip));
        self.ethernet(after, asker.vlan, (mac, asker.mac), ethernet::ARP, &reply);
        after.plus(60 * US)
    }

    /// A gratuitous announcement of a host's own address.
    pub fn announce(&mut self, at: Timestamp, host: &Host) {
        let message = arp::request((host.mac, host.ip), host.ip);
        self.ethernet(
            at,
            host.vlan,
            (host.mac, MacAddr::BROADCAST),
            ethernet::ARP,
            &message,
        );
    }

    /// Frames recorded and not taken.
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// Whether nothing is recorded.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// The frames recorded since the last call, in that order: for captures that are written
    /// while they are made.
    pub fn take(&mut self) -> std::vec::Drain<'_, Frame> {
        self.frames.drain(..)
    }

    /// The frames in order of time; frames of equal time keep the order of recording.
    pub fn finish(mut self) -> Vec<Frame> {
        self.frames.sort_by_key(|f| f.time);
        self.frames
    }
}
