//! One shard: everything that happens to the packets of its address pairs, in packet order.

use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use auscult_capture::PacketMeta;
use auscult_flow::{FlowTable, Limits as FlowLimits, Packet};
use auscult_model::{
    Bound, Bounds, Endpoint, Event, FlowStart, LinkType, MacAddr, Meaning, NeighbourKey,
    NeighbourSum, PacketRef, Segment,
};
use auscult_packet::{
    Datagram, Defragmenter, Layers, Limits as FragmentLimits, Network, Outcome, Part, StopReason,
    TUNNELS, Transport, Tunnel, decode_into, decode_part_into,
};
use auscult_protocols::icmp::Said;
use auscult_protocols::neighbour::Neighbour;
use auscult_protocols::{Limits, Mark, PatientKey, arp, cdp, icmp, igmp, lldp, odd_headers};

use crate::bounds;
use crate::emission::Emission;
use crate::radio::{self, LinkCounts};
use crate::readers::{ShardReaders, may_be_elsewhere};
use crate::spread::DEPTH_MAX;
use crate::statement::packet_event;
use crate::steady::Steady;

/// Counts packets of tunnels that cannot be looked into (known to the detectors by this name).
const ENCRYPTED_TUNNELS: &str = "packets of tunnels that are encrypted";

/// How a shard works.
#[derive(Clone, Debug)]
pub(crate) struct ShardOptions {
    pub(crate) flows: FlowLimits,
    pub(crate) fragments: FragmentLimits,
    pub(crate) bounds: Arc<Bounds>,
    pub(crate) single_flows: bool,
    pub(crate) interfaces_apart: bool,
    pub(crate) patient_key: PatientKey,
    pub(crate) marked: Arc<BTreeSet<PacketRef>>,
}

/// Counts at the end.
#[derive(Clone, Debug, Default)]
pub(crate) struct ShardCounts {
    /// Packets that a capture before holds already; counted by the reader.
    pub(crate) left_out: u64,
    pub(crate) undecoded: u64,
    pub(crate) links: LinkCounts,
    pub(crate) flow: auscult_flow::Counters,
    pub(crate) fragments: auscult_packet::Counters,
    pub(crate) suppressed: u64,
    pub(crate) limits: Limits,
}

impl ShardCounts {
    /// Adds another shard's.
    pub(crate) fn add(&mut self, other: &ShardCounts) {
        self.undecoded += other.undecoded;
        self.links.add(&other.links);
        self.flow.add(&other.flow);
        self.add_fragments(&other.fragments);
        self.fragments.expired += other.fragments.expired;
        self.fragments.conflicts += other.fragments.conflicts;
        self.suppressed += other.suppressed;
        for (name, count) in &other.limits {
            *self.limits.entry(name).or_default() += count;
        }
    }
}

impl ShardCounts {
    /// Adds the limits that joining fragments reached.
    pub(crate) fn add_fragments(&mut self, other: &auscult_packet::Counters) {
        self.fragments.evicted += other.evicted;
        self.fragments.over_bytes += other.over_bytes;
        self.fragments.over_pieces += other.over_pieces;
    }
}

/// Sender and receiver of a packet without ports.
fn ends(packet: &Packet<'_>) -> [Endpoint; 2] {
    let layers = packet.layers;
    let end = |mac, ip| Endpoint {
        segment: packet.segment,
        mac,
        ip,
        port: 0,
    };
    [
        end(layers.src_mac, layers.src),
        end(layers.dst_mac, layers.dst),
    ]
}

/// One of the fixed number of shards.
pub(crate) struct Shard {
    table: FlowTable<ShardReaders>,
    readers: ShardReaders,
    fragments: Defragmenter,
    neighbours: HashMap<NeighbourKey, NeighbourSum, foldhash::quality::RandomState>,
    neighbours_max: usize,
    /// Segments seen without receivers' link addresses, at most a few.
    cooked: Vec<Segment>,
    interfaces_apart: bool,
    steady: Steady,
    undecoded: u64,
    links: LinkCounts,
    limits: Limits,
}

impl Shard {
    pub(crate) fn new(options: &ShardOptions) -> Self {
        Shard {
            table: FlowTable::new(options.flows),
            readers: ShardReaders::new(options),
            neighbours_max: options.bounds.of(&bounds::NEIGHBOURS),
            fragments: Defragmenter::new(options.fragments),
            neighbours: HashMap::default(),
            cooked: Vec::new(),
            interfaces_apart: options.interfaces_apart,
            steady: Steady::default(),
            undecoded: 0,
            links: LinkCounts::default(),
            limits: Limits::new(),
        }
    }

    /// Takes one packet.
    pub(crate) fn packet(&mut self, meta: &PacketMeta, frame: &[u8]) {
        let mut layers = Layers::new(meta.link);
        match meta.part {
            0 => decode_into(&mut layers, meta.link, frame, meta.original),
            part => decode_part_into(&mut layers, meta.link, frame, part),
        }
        if let Some(stop) = layers.stop {
            match stop.why {
                StopReason::TooManyTags => self.reached(&auscult_packet::TAGS),
                StopReason::TooManyLabels => self.reached(&auscult_packet::LABELS),
                StopReason::TooManyShims => self.reached(&auscult_packet::SHIMS),
                StopReason::TooManyExtensions => self.reached(&auscult_packet::EXTENSIONS),
                _ => {}
            }
        }
        let mut segment = layers.segment();
        if self.interfaces_apart {
            segment.interface = meta.interface.saturating_add(1);
        }
        if meta.link != LinkType::ETHERNET {
            self.other_link(meta, frame, &layers, segment);
        }
        match layers.network {
            Network::Arp(arp) => return self.arp(meta, segment, &arp),
            Network::None => {
                let own = layers
                    .stop
                    .is_some_and(|stop| stop.why == StopReason::LinkOwn);
                if !own && !self.neighbourhood(meta, segment, &layers, frame) {
                    self.undecoded += 1;
                }
                return;
            }
            Network::Ipv4 | Network::Ipv6 => {}
        }
        let whole = Packet {
            layers: &layers,
            bytes: frame,
            parts: &[],
            reference: meta.reference(),
            time: meta.time,
            clock: self.steady.at(meta.clock, meta.file),
            packets: 1,
            wire_bytes: u64::from(meta.original),
            segment,
            tunnel: None,
        };
        self.whole_or_piece(&whole, 0);
    }

    /// Takes the packet that another one carries, `depth` tunnels deep; `carrier` is that other
    /// one when it came in fragments, of which `frame` was the last.
    pub(crate) fn inner(
        &mut self,
        meta: &PacketMeta,
        frame: &[u8],
        carrier: Option<&Datagram>,
        depth: u8,
    ) {
        let mut layers = Layers::new(meta.link);
        let (bytes, length) = match carrier {
            Some(datagram) => {
                layers = datagram.layers;
                (&datagram.bytes[..], datagram.bytes.len() as u32)
            }
            None => {
                decode_into(&mut layers, meta.link, frame, meta.original);
                (frame, meta.original)
            }
        };
        let mut offset = 0;
        for _ in 0..depth {
            let Some(carried) = layers.carried(bytes) else {
                return;
            };
            offset = carried.offset();
            layers = carried.decode(bytes, &layers);
        }
        let mut segment = layers.segment();
        if self.interfaces_apart {
            segment.interface = meta.interface.saturating_add(1);
        }
        if let Network::Arp(arp) = layers.network {
            return self.arp(meta, segment, &arp);
        }
        if !layers.is_ip() {
            return;
        }
        let parts = carrier.map_or_else(Vec::new, |carrier| until(&carrier.parts, &layers));
        let whole = Packet {
            layers: &layers,
            bytes,
            parts: &parts,
            reference: meta.reference(),
            time: meta.time,
            clock: self.steady.at(meta.clock, meta.file),
            packets: 1,
            wire_bytes: u64::from(length.saturating_sub(offset)),
            segment,
            tunnel: None,
        };
        self.whole_or_piece(&whole, depth);
    }

    /// Joins fragments. Pieces within a datagram that was itself joined are left as they are.
    fn whole_or_piece(&mut self, packet: &Packet<'_>, depth: u8) {
        let layers = packet.layers;
        if layers.fragment.is_none() || !packet.parts.is_empty() {
            return self.ip(packet, depth);
        }
        match self
            .fragments
            .push(layers, packet.bytes, packet.reference, packet.clock)
        {
            Outcome::NotAFragment | Outcome::Refused(_) => self.ip(packet, depth),
            Outcome::Held => {}
            Outcome::Complete(datagram) => {
                let pieces = datagram.parts.len() as u32;
                let headers = packet
                    .wire_bytes
                    .saturating_sub(layers.ip_payload.len() as u64);
                let payload = datagram.layers.ip_payload.len() as u64;
                let whole = Packet {
                    layers: &datagram.layers,
                    bytes: &datagram.bytes,
                    parts: &datagram.parts,
                    packets: pieces,
                    wire_bytes: payload + u64::from(pieces) * headers,
                    ..*packet
                };
                if datagram.layers.ip_protocol == odd_headers::IGMP {
                    self.odd(&whole, odd_headers::IPV4.name, odd_headers::GROUP_MESSAGE);
                }
                self.ip(&whole, depth);
            }
        }
    }

    fn other_link(&mut self, meta: &PacketMeta, frame: &[u8], layers: &Layers, segment: Segment) {
        self.links.count(layers);
        if layers.is_ip() && layers.dst_mac.is_none() {
            self.without_destinations(segment);
        }
        radio::spoken(meta, frame, layers, segment, |event| {
            self.readers.event(event)
        });
    }

    fn without_destinations(&mut self, segment: Segment) {
        if self.cooked.contains(&segment) {
            return;
        }
        if self.cooked.len() >= bounds::COOKED.default as usize {
            return self.reached(&bounds::COOKED);
        }
        self.cooked.push(segment);
        self.readers
            .out
            .push(Emission::WithoutDestinations(segment));
    }

    fn ip(&mut self, packet: &Packet<'_>, depth: u8) {
        let layers = packet.layers;
        let packet = &Packet {
            tunnel: self.tunnel(packet, depth),
            ..*packet
        };
        match layers.transport {
            Transport::Icmp(_) | Transport::Icmpv6(_) => self.icmp(packet),
            Transport::Tcp(tcp)
                if tcp.flags.syn() && !tcp.flags.ack() && may_be_elsewhere(layers.dst) =>
            {
                self.readers
                    .out
                    .push(Emission::FlowStart(Box::new(FlowStart {
                        responder: layers.dst,
                        port: tcp.dst_port,
                        sequence: tcp.seq,
                        tcp_timestamp: tcp.timestamp.map_or(0, |(value, _)| value),
                        originator: layers.src,
                        segment: packet.segment,
                        time: packet.time,
                        packet: packet.reference,
                    })));
            }
            _ => {}
        }
        if odd_headers::are_possible(layers)
            && let Some((protocol, what)) = odd_headers::said(layers, packet.bytes)
        {
            self.odd(packet, protocol, what);
        }
        self.table.packet(packet, &mut self.readers);
    }

    /// Says what is odd about a packet.
    #[cold]
    fn odd(&mut self, packet: &Packet<'_>, protocol: &'static str, what: &'static str) {
        let [from, to] = ends(packet);
        let (from_port, to_port) = packet.layers.ports().unwrap_or((0, 0));
        let at = Mark {
            time: packet.time,
            packet: packet.reference,
        };
        let from = Endpoint {
            port: from_port,
            ..from
        };
        let to = Endpoint {
            port: to_port,
            ..to
        };
        let odd = Meaning::Malformed { what };
        self.readers
            .event(packet_event(protocol, from, to, at, odd));
    }

    /// The tunnel that a packet is of; counts what is not looked into.
    fn tunnel(&mut self, packet: &Packet<'_>, depth: u8) -> Option<Tunnel> {
        let carried = packet.layers.carried(packet.bytes)?;
        match carried.closed() {
            Some(StopReason::Encrypted) => self.oddity(ENCRYPTED_TUNNELS),
            Some(StopReason::LinkFragment) => self.oddity("later pieces of frames cut by a tunnel"),
            Some(_) => {}
            None if depth >= DEPTH_MAX => self.reached(&TUNNELS),
            None => {}
        }
        Some(carried.tunnel())
    }

    fn icmp(&mut self, packet: &Packet<'_>) {
        let layers = packet.layers;
        let Some(said) = icmp::said(layers, packet.bytes) else {
            return;
        };
        let at = Mark {
            time: packet.time,
            packet: packet.reference,
        };
        match said {
            Said::Error {
                refused: true,
                quoted,
                ..
            } => self.table.quoted(&quoted),
            Said::Error { .. } => {}
            Said::Neighbour(neighbour) => {
                let asker = (layers.dst_mac.unwrap_or(MacAddr::NONE), layers.dst);
                self.neighbour(packet.segment, &neighbour, asker, at, "icmpv6");
            }
            Said::Router { ip, mac, .. } => {
                let [_, to] = ends(packet);
                let from = Endpoint {
                    mac,
                    ip,
                    ..ends(packet)[0]
                };
                for meaning in said.meanings() {
                    self.readers
                        .event(packet_event("icmpv6", from, to, at, meaning));
                }
            }
            Said::StackAsked | Said::StackAnswered => {
                let [from, to] = ends(packet);
                for meaning in said.meanings() {
                    self.readers
                        .event(packet_event("icmp", from, to, at, meaning));
                }
            }
            Said::Listener(listener) => {
                let [from, to] = ends(packet);
                for _ in 0..listener.left_out {
                    self.reached(&igmp::MEMBERSHIPS);
                }
                for (meaning, attributes) in listener.claims("mld") {
                    self.readers.event(Event {
                        attributes,
                        ..packet_event("icmpv6", from, to, at, meaning)
                    });
                }
            }
        }
    }

    /// What a station tells the other end of its cable, if this frame is of that kind.
    fn neighbourhood(
        &mut self,
        meta: &PacketMeta,
        segment: Segment,
        layers: &Layers,
        frame: &[u8],
    ) -> bool {
        let (Some(stop), Some(mac)) = (layers.stop, layers.src_mac) else {
            return false;
        };
        let body = frame.get(stop.at as usize..).unwrap_or_default();
        let (protocol, said) = if layers.ethertype == lldp::ETHERTYPE {
            (lldp::RECORD.name, lldp::said(body))
        } else if let Some(body) = body.strip_prefix(&cdp::SNAP) {
            (cdp::RECORD.name, cdp::said(body))
        } else {
            return false;
        };
        let at = Mark {
            time: meta.time,
            packet: meta.reference(),
        };
        let end = |mac| Endpoint {
            segment,
            mac,
            ip: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            port: 0,
        };
        let (from, to) = (end(Some(mac)), end(layers.dst_mac));
        for (attribute, value) in said {
            let claim = Meaning::ClaimByMac {
                mac,
                attribute,
                value,
            };
            self.readers
                .event(packet_event(protocol, from, to, at, claim));
        }
        true
    }

    fn arp(&mut self, meta: &PacketMeta, segment: Segment, arp: &auscult_packet::Arp) {
        let Some(neighbour) = arp::neighbour(arp) else {
            return;
        };
        let at = Mark {
            time: meta.time,
            packet: meta.reference(),
        };
        let asker = (arp.target_mac, IpAddr::V4(arp.target_ip));
        self.neighbour(segment, &neighbour, asker, at, "arp");
    }

    /// Sums a question or answer; says who holds an address. `asker` is whom an answer went to.
    fn neighbour(
        &mut self,
        segment: Segment,
        said: &Neighbour,
        asker: (MacAddr, IpAddr),
        at: Mark,
        protocol: &'static str,
    ) {
        let (asker, target, answered_by) = match *said {
            Neighbour::Question { mac, ip, target } => ((mac, ip), target, None),
            Neighbour::Probe { mac, target } => ((mac, unspecified(target)), target, None),
            Neighbour::Answer { mac, ip } => (asker, ip, Some(mac)),
            Neighbour::Announcement { mac, ip } => ((mac, ip), ip, Some(mac)),
        };
        let (asker_mac, asker_ip) = asker;
        self.sum(
            NeighbourKey {
                segment,
                asker_mac,
                asker_ip,
                target,
                answered_by,
            },
            at,
        );
        if let (Some((mac, ip)), Some(meaning)) = (said.holder(), said.meaning()) {
            let end = |mac, ip| Endpoint {
                segment,
                mac: Some(mac),
                ip,
                port: 0,
            };
            let to = match said {
                Neighbour::Answer { .. } => end(asker_mac, asker_ip),
                // Whom a question is for differs from question to question; the holder does not.
                _ => end(MacAddr::BROADCAST, ip),
            };
            self.readers
                .event(packet_event(protocol, end(mac, ip), to, at, meaning));
        }
    }

    fn sum(&mut self, key: NeighbourKey, at: Mark) {
        if let Some(known) = self.neighbours.get_mut(&key) {
            return known.add(at.time, at.packet);
        }
        if self.neighbours.len() >= self.neighbours_max {
            self.reached(&bounds::NEIGHBOURS);
            self.send_neighbours();
        }
        self.neighbours
            .insert(key, NeighbourSum::of(at.time, at.packet));
    }

    fn reached(&mut self, bound: &Bound) {
        self.oddity(bound.name);
    }

    fn oddity(&mut self, name: &'static str) {
        *self.limits.entry(name).or_default() += 1;
    }

    /// Reports sums and counts since the last tick.
    pub(crate) fn tick(&mut self) {
        self.send_neighbours();
        self.readers.tick();
    }

    fn send_neighbours(&mut self) {
        let mut sums: Vec<_> = self.neighbours.drain().collect();
        sums.sort_unstable_by_key(|sum| sum.0);
        let sums = sums
            .into_iter()
            .map(|sum| Emission::Neighbour(Box::new(sum)));
        self.readers.out.extend(sums);
    }

    /// Ends all flows and reports what is left.
    pub(crate) fn finish(&mut self) {
        self.table.finish(&mut self.readers);
        self.tick();
    }

    /// What was reported since the last call.
    pub(crate) fn take_emissions(&mut self) -> std::vec::Drain<'_, Emission> {
        self.readers.out.drain(..)
    }

    /// Whether something is reported.
    pub(crate) fn has_emissions(&self) -> bool {
        !self.readers.out.is_empty()
    }

    pub(crate) fn counts(&self) -> ShardCounts {
        let mut limits = self.limits.clone();
        for (name, count) in self.readers.limits() {
            *limits.entry(name).or_default() += count;
        }
        self.links.oddities(&mut limits);
        ShardCounts {
            left_out: 0,
            undecoded: self.undecoded,
            links: self.links,
            flow: self.table.counters().clone(),
            fragments: self.fragments.counters(),
            suppressed: self.readers.suppressed(),
            limits,
        }
    }
}

/// Where the bytes of a joined datagram came from, up to the end of the payload of one of the
/// packets in it: readers of datagrams count from that end.
fn until(parts: &[Part], layers: &Layers) -> Vec<Part> {
    let end = layers.payload.end;
    let mut kept: Vec<Part> = parts
        .iter()
        .take_while(|part| part.range.start < end)
        .copied()
        .collect();
    if let Some(last) = kept.last_mut() {
        last.range.end = last.range.end.min(end);
    }
    kept
}

/// The unspecified address of the same family.
fn unspecified(like: IpAddr) -> IpAddr {
    match like {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    }
}
