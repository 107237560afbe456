//! One shard: everything that happens to the packets of its address pairs, in packet order.

use std::collections::HashMap;
use std::hash::RandomState;
use std::net::IpAddr;
use std::sync::Arc;

use auscult_capture::PacketMeta;
use auscult_flow::{FlowTable, Limits as FlowLimits, Packet};
use auscult_model::{
    Assignment, Endpoint, FlowStart, MacAddr, Meaning, NeighbourKey, NeighbourSum, Segment,
};
use auscult_packet::{
    Defragmenter, Layers, Limits as FragmentLimits, NeighbourMessage, Network, Outcome, Transport,
    decode,
};
use auscult_protocols::{Limits, Mark};

use crate::emission::Emission;
use crate::readers::{SampleCounts, ShardReaders, may_be_elsewhere, packet_event};

/// Questions about link-layer addresses summed between two ticks, per shard.
const NEIGHBOURS_MAX: usize = 8192;

/// How a shard works.
#[derive(Clone, Debug)]
pub(crate) struct ShardOptions {
    pub(crate) flows: FlowLimits,
    pub(crate) fragments: FragmentLimits,
    pub(crate) single_flows: bool,
    pub(crate) interfaces_apart: bool,
    pub(crate) digest_key: Arc<RandomState>,
}

/// Counts at the end.
#[derive(Clone, Debug, Default)]
pub(crate) struct ShardCounts {
    pub(crate) undecoded: u64,
    pub(crate) flow: auscult_flow::Counters,
    pub(crate) fragments: auscult_packet::Counters,
    pub(crate) events: u64,
    pub(crate) suppressed: u64,
    pub(crate) limits: Limits,
    pub(crate) samples: SampleCounts,
}

impl ShardCounts {
    /// Adds another shard's.
    pub(crate) fn add(&mut self, other: &ShardCounts) {
        self.undecoded += other.undecoded;
        self.flow.add(&other.flow);
        self.fragments.expired += other.fragments.expired;
        self.fragments.evicted += other.fragments.evicted;
        self.fragments.over_limit += other.fragments.over_limit;
        self.fragments.conflicts += other.fragments.conflicts;
        self.events += other.events;
        self.suppressed += other.suppressed;
        for (name, count) in &other.limits {
            *self.limits.entry(name).or_default() += count;
        }
        self.samples.add(&other.samples);
    }
}

/// One of the fixed number of shards.
pub(crate) struct Shard {
    table: FlowTable<ShardReaders>,
    readers: ShardReaders,
    fragments: Defragmenter,
    neighbours: HashMap<NeighbourKey, NeighbourSum, foldhash::quality::RandomState>,
    interfaces_apart: bool,
    undecoded: u64,
    limits: Limits,
}

impl Shard {
    pub(crate) fn new(options: &ShardOptions) -> Self {
        Shard {
            table: FlowTable::new(options.flows),
            readers: ShardReaders::new(Arc::clone(&options.digest_key), options.single_flows),
            fragments: Defragmenter::new(options.fragments),
            neighbours: HashMap::default(),
            interfaces_apart: options.interfaces_apart,
            undecoded: 0,
            limits: Limits::new(),
        }
    }

    /// Takes one packet.
    pub(crate) fn packet(&mut self, meta: &PacketMeta, frame: &[u8]) {
        let layers = decode(meta.link, frame, meta.original);
        let mut segment = layers.segment();
        if self.interfaces_apart {
            segment.interface = meta.interface.saturating_add(1);
        }
        match layers.network {
            Network::Arp(arp) => return self.arp(meta, segment, &arp),
            Network::None => {
                self.undecoded += 1;
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
            clock: meta.clock,
            packets: 1,
            wire_bytes: u64::from(meta.original),
            segment,
        };
        if layers.fragment.is_none() {
            return self.ip(&whole);
        }
        match self
            .fragments
            .push(&layers, frame, meta.reference(), meta.clock)
        {
            Outcome::NotAFragment | Outcome::Refused(_) => self.ip(&whole),
            Outcome::Held => {}
            Outcome::Complete(datagram) => {
                let pieces = datagram.parts.len() as u32;
                let headers =
                    u64::from(meta.original).saturating_sub(layers.ip_payload.len() as u64);
                let payload = datagram.layers.ip_payload.len() as u64;
                self.ip(&Packet {
                    layers: &datagram.layers,
                    bytes: &datagram.bytes,
                    parts: &datagram.parts,
                    packets: pieces,
                    wire_bytes: payload + u64::from(pieces) * headers,
                    ..whole
                });
            }
        }
    }

    fn ip(&mut self, packet: &Packet<'_>) {
        let layers = packet.layers;
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
        self.table.packet(packet, &mut self.readers);
    }

    fn icmp(&mut self, packet: &Packet<'_>) {
        if let Some(quoted) = packet.layers.quoted(packet.bytes) {
            self.table.quoted(&quoted);
            return;
        }
        let Some(said) = packet.layers.neighbour_discovery(packet.bytes) else {
            return;
        };
        let layers = packet.layers;
        let at = Mark {
            time: packet.time,
            packet: packet.reference,
        };
        let from = sender(layers, packet.segment);
        let to = receiver(layers, packet.segment);
        let mac = said
            .link_address
            .or(layers.src_mac)
            .unwrap_or(MacAddr::NONE);
        match said.kind {
            NeighbourMessage::NeighbourSolicitation => {
                let key = NeighbourKey {
                    segment: packet.segment,
                    asker_mac: mac,
                    asker_ip: layers.src,
                    target: IpAddr::V6(said.target),
                    answered_by: None,
                };
                self.neighbour(key, at);
            }
            NeighbourMessage::NeighbourAdvertisement => {
                let ip = IpAddr::V6(said.target);
                let key = NeighbourKey {
                    segment: packet.segment,
                    asker_mac: layers.dst_mac.unwrap_or(MacAddr::NONE),
                    asker_ip: layers.dst,
                    target: ip,
                    answered_by: Some(mac),
                };
                self.neighbour(key, at);
                let meaning = Meaning::AddressAssigned {
                    mac,
                    ip,
                    how: Assignment::Announced,
                };
                self.readers
                    .event(packet_event("icmpv6", from, to, at, meaning));
            }
            NeighbourMessage::RouterAdvertisement => {
                for (prefix, length) in said.on_link() {
                    let meaning = Meaning::NetworkDescribed {
                        prefix: Some((IpAddr::V6(*prefix), *length)),
                        routers: if said.router {
                            vec![layers.src]
                        } else {
                            Vec::new()
                        },
                        name_servers: Vec::new(),
                    };
                    self.readers
                        .event(packet_event("icmpv6", from, to, at, meaning));
                }
            }
            NeighbourMessage::RouterSolicitation => {}
        }
    }

    /// Requests ask; replies and gratuitous requests answer (RFC 826, RFC 5227).
    fn arp(&mut self, meta: &PacketMeta, segment: Segment, arp: &auscult_packet::Arp) {
        let at = Mark {
            time: meta.time,
            packet: meta.reference(),
        };
        let is_announcement = arp.sender_ip == arp.target_ip;
        let answers = arp.operation == 2 || is_announcement;
        let (asker_mac, asker_ip) = match arp.operation == 2 && !is_announcement {
            true => (arp.target_mac, arp.target_ip),
            false => (arp.sender_mac, arp.sender_ip),
        };
        let key = NeighbourKey {
            segment,
            asker_mac,
            asker_ip: IpAddr::V4(asker_ip),
            target: IpAddr::V4(if answers {
                arp.sender_ip
            } else {
                arp.target_ip
            }),
            answered_by: answers.then_some(arp.sender_mac),
        };
        self.neighbour(key, at);
        if answers && !arp.sender_ip.is_unspecified() {
            let end = |mac, ip| Endpoint {
                segment,
                mac: Some(mac),
                ip: IpAddr::V4(ip),
                port: 0,
            };
            let from = end(arp.sender_mac, arp.sender_ip);
            let to = end(arp.target_mac, arp.target_ip);
            let meaning = Meaning::AddressAssigned {
                mac: arp.sender_mac,
                ip: IpAddr::V4(arp.sender_ip),
                how: Assignment::Announced,
            };
            self.readers
                .event(packet_event("arp", from, to, at, meaning));
        }
    }

    fn neighbour(&mut self, key: NeighbourKey, at: Mark) {
        let sum = NeighbourSum {
            count: 1,
            first: at.time,
            last: at.time,
            packet: at.packet,
        };
        if let Some(known) = self.neighbours.get_mut(&key) {
            known.merge(&sum);
        } else if self.neighbours.len() < NEIGHBOURS_MAX {
            self.neighbours.insert(key, sum);
        } else {
            *self.limits.entry("neighbours").or_default() += 1;
        }
    }

    /// Reports sums and counts since the last tick.
    pub(crate) fn tick(&mut self) {
        let mut sums: Vec<_> = self.neighbours.drain().collect();
        sums.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        let sums = sums
            .into_iter()
            .map(|sum| Emission::Neighbour(Box::new(sum)));
        self.readers.out.extend(sums);
        self.readers.tick();
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
        for (name, count) in self
            .readers
            .limits
            .iter()
            .chain(&self.table.counters().limits)
        {
            *limits.entry(name).or_default() += count;
        }
        ShardCounts {
            undecoded: self.undecoded,
            flow: self.table.counters().clone(),
            fragments: self.fragments.counters(),
            events: self.readers.events,
            suppressed: self.readers.suppressed(),
            limits,
            samples: self.readers.samples.clone(),
        }
    }
}

fn sender(layers: &Layers, segment: Segment) -> Endpoint {
    Endpoint {
        segment,
        mac: layers.src_mac,
        ip: layers.src,
        port: 0,
    }
}

fn receiver(layers: &Layers, segment: Segment) -> Endpoint {
    Endpoint {
        segment,
        mac: layers.dst_mac,
        ip: layers.dst,
        port: 0,
    }
}
