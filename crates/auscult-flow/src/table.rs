//! The flows of one shard: which flow a packet belongs to, when flows begin and end.
//!
//! Flows are found by their 5-tuple; flows with the same one in different segments form a chain.
//! A packet joins the flow of its own segment, else one in another segment when it is a copy of a
//! packet of it or its numbers fit (UDP: an answer within two seconds), since taps and SPAN ports
//! may tag the two directions differently.

#[cfg(test)]
mod flooding;

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher};
use std::net::IpAddr;

use auscult_model::{
    ByDigest, Direction, Endpoint, Leg, MacAddr, PacketRef, Segment, Timestamp, Transport,
};
use auscult_packet::{Layers, Part, Quoted, Tcp, Tunnel};
use foldhash::quality::RandomState;

use crate::bounds;
use crate::copies::Copies;
use crate::facts::{FlowFacts, Happened};
use crate::queue::{Entry, Queues};
use crate::slab::Slab;
use crate::tcp::{Context, TcpTrack};
use crate::{At, Counters, Limits, Rank, Readers, checksum, tcp};

/// A datagram in another segment answers one that is at most this old.
const ANSWER_WITHIN: i64 = 2 * Timestamp::SECOND;

/// One packet on its way into the table.
#[derive(Clone, Copy)]
pub struct Packet<'a> {
    /// Its layers.
    pub layers: &'a Layers,
    /// The bytes that the layers' offsets are into: the frame, or a datagram put together.
    pub bytes: &'a [u8],
    /// Where the bytes of a datagram put together came from; empty for a packet as captured.
    pub parts: &'a [Part],
    /// The packet (of a fragmented datagram: the one that completed it).
    pub reference: PacketRef,
    /// Packet time.
    pub time: Timestamp,
    /// Analysis time.
    pub clock: Timestamp,
    /// How many packets and frame bytes it stands for.
    pub packets: u32,
    /// Frame bytes on the wire.
    pub wire_bytes: u64,
    /// Where it was seen.
    pub segment: Segment,
    /// The tunnel that it is of: what it carries comes as a packet of its own.
    pub tunnel: Option<Tunnel>,
}

/// Which flow, seen from the packet's sender.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Tuple {
    transport: Transport,
    src: IpAddr,
    dst: IpAddr,
    src_port: u16,
    dst_port: u16,
}

struct Flow<R> {
    facts: FlowFacts,
    tcp: Option<Box<TcpTrack>>,
    reader: R,
    rank: Rank,
    generation: u32,
    last_clock: Timestamp,
    key: u64,
    /// Next flow with the same key, plus one.
    next: u32,
}

/// All flows of a shard.
pub struct FlowTable<R: Readers> {
    heads: HashMap<u64, u32, ByDigest>,
    flows: Slab<Flow<R::Reader>>,
    queues: Queues,
    copies: Copies,
    hash: RandomState,
    limits: Limits,
    counters: Counters,
    held: usize,
    generation: u32,
}

impl<R: Readers> FlowTable<R> {
    /// Without flows.
    pub fn new(limits: Limits) -> Self {
        FlowTable {
            heads: HashMap::default(),
            flows: Slab::default(),
            queues: Queues::default(),
            copies: Copies::new(),
            hash: RandomState::default(),
            limits,
            counters: Counters::default(),
            held: 0,
            generation: 0,
        }
    }

    /// What happened so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Number of flows at the moment.
    pub fn len(&self) -> usize {
        self.flows.len()
    }

    /// Whether there is no flow.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes an IP packet that is whole.
    pub fn packet(&mut self, packet: &Packet<'_>, readers: &mut R) {
        self.expire(packet.clock, readers);
        let layers = packet.layers;
        let tuple = Tuple::of(layers);
        let key = self.key(&tuple);
        let original = match packet.parts {
            [] => self.copies.check(layers, packet.segment, packet.time),
            _ => None,
        };
        let tcp = match &layers.transport {
            auscult_packet::Transport::Tcp(tcp) => Some(tcp),
            _ => None,
        };
        let found = self.find(key, &tuple, packet, tcp, original.is_some());
        if let Some(original) = original {
            self.counters.copies += 1;
            if let Some((index, direction)) = found
                && let Some(flow) = self.flows.get_mut(index)
            {
                flow.facts.leg(Leg {
                    segment: packet.segment,
                    src_mac: layers.src_mac,
                    dst_mac: layers.dst_mac,
                    ttl_step: i16::from(layers.ttl) - i16::from(original.ttl),
                    direction,
                });
            }
            return;
        }
        let again = found
            .and_then(|(index, direction)| self.begins_again(index, direction, tcp, readers))
            .map(|(by, sequence)| (found.is_some_and(|(_, from)| from == by), sequence));
        let (index, direction) = match found.filter(|_| again.is_none()) {
            Some(found) => found,
            None => self.begin(key, &tuple, packet, tcp, readers),
        };
        if let Some((sent_it, sequence)) = again
            && let Some(flow) = self.flows.get_mut(index)
            && let Some(track) = &mut flow.tcp
        {
            let opener = if sent_it {
                direction
            } else {
                direction.opposite()
            };
            track.adopt(opener, sequence);
        }
        self.count(index, direction, packet, tcp, readers);
    }

    /// An ICMP error quotes a packet: notes it on that packet's flow.
    pub fn quoted(&mut self, quoted: &Quoted) {
        let tuple = Tuple {
            transport: Transport::from_ip_protocol(quoted.ip_protocol),
            src: quoted.src,
            dst: quoted.dst,
            src_port: quoted.src_port,
            dst_port: quoted.dst_port,
        };
        let mut next = self.heads.get(&self.key(&tuple)).copied().unwrap_or(0);
        while let Some(flow) = next.checked_sub(1).and_then(|i| self.flows.get_mut(i)) {
            if let Some(direction) = tuple.direction_in(&flow.facts) {
                flow.facts.icmp_errors = flow.facts.icmp_errors.saturating_add(1);
                flow.facts.happened.note(direction, Happened::ICMP_ERROR);
            }
            next = flow.next;
        }
    }

    /// Ends all flows, in the order in which they began.
    pub fn finish(&mut self, readers: &mut R) {
        let mut order: Vec<(u32, u32)> = self
            .flows
            .iter()
            .map(|(index, flow)| (flow.generation, index))
            .collect();
        order.sort_unstable();
        for (_, index) in order {
            self.end(index, readers);
        }
    }

    fn key(&self, tuple: &Tuple) -> u64 {
        let mut hasher = self.hash.build_hasher();
        let swap = (tuple.src, tuple.src_port) > (tuple.dst, tuple.dst_port);
        let (low, low_port, high, high_port) = if swap {
            (tuple.dst, tuple.dst_port, tuple.src, tuple.src_port)
        } else {
            (tuple.src, tuple.src_port, tuple.dst, tuple.dst_port)
        };
        match (low, high) {
            (IpAddr::V4(low), IpAddr::V4(high)) => {
                hasher.write_u64(u64::from(low.to_bits()) << 32 | u64::from(high.to_bits()));
            }
            (low, high) => {
                for ip in [low, high] {
                    match ip {
                        IpAddr::V4(ip) => hasher.write_u32(ip.to_bits()),
                        IpAddr::V6(ip) => hasher.write_u128(ip.to_bits()),
                    }
                }
            }
        }
        hasher.write_u64(
            u64::from(low_port) << 32
                | u64::from(high_port) << 16
                | u64::from(tuple.transport.ip_protocol()),
        );
        hasher.finish()
    }

    fn find(
        &self,
        key: u64,
        tuple: &Tuple,
        packet: &Packet<'_>,
        tcp: Option<&Tcp>,
        is_copy: bool,
    ) -> Option<(u32, Direction)> {
        let mut elsewhere = None;
        let mut next = self.heads.get(&key).copied().unwrap_or(0);
        while let Some(index) = next.checked_sub(1) {
            let flow = self.flows.get(index)?;
            next = flow.next;
            let Some(direction) = tuple.direction_in(&flow.facts) else {
                continue;
            };
            if flow
                .facts
                .ends
                .iter()
                .any(|end| end.segment == packet.segment)
            {
                return Some((index, direction));
            }
            let joins = is_copy
                || match (tcp, &flow.tcp) {
                    (Some(tcp), Some(track)) => track.fits(direction, tcp),
                    _ => {
                        direction == Direction::FromResponder
                            && flow.facts.packets[1] == 0
                            && packet.time.since(flow.facts.last).abs() <= ANSWER_WITHIN
                    }
                };
            if joins && elsewhere.is_none() {
                elsewhere = Some((index, direction));
            }
        }
        elsewhere
    }

    /// A SYN with another number on a flow that had one: the ports are used again. Returns who
    /// sent that SYN, by the old flow, and its number.
    fn begins_again(
        &mut self,
        index: u32,
        direction: Direction,
        tcp: Option<&Tcp>,
        readers: &mut R,
    ) -> Option<(Direction, u32)> {
        let flow = self.flows.get_mut(index)?;
        let track = flow.tcp.as_mut()?;
        let is_living = !track.closed && flow.facts.is_answered();
        let opening = track.begins_again(direction, tcp?, is_living)?;
        self.end(index, readers);
        Some(opening)
    }

    fn begin(
        &mut self,
        key: u64,
        tuple: &Tuple,
        packet: &Packet<'_>,
        tcp: Option<&Tcp>,
        readers: &mut R,
    ) -> (u32, Direction) {
        if self.len() >= self.limits.flows {
            self.forget_one(readers);
        }
        self.forget_alike(key, readers);
        let layers = packet.layers;
        let sender = Endpoint {
            segment: packet.segment,
            mac: layers.src_mac.filter(|mac| *mac != MacAddr::NONE),
            ip: tuple.src,
            port: tuple.src_port,
        };
        let receiver = Endpoint {
            segment: packet.segment,
            mac: layers.dst_mac.filter(|mac| *mac != MacAddr::NONE),
            ip: tuple.dst,
            port: tuple.dst_port,
        };
        // Picked up at an answer: the other side began.
        let direction = if is_answer(tuple, tcp) {
            Direction::FromResponder
        } else {
            Direction::FromOriginator
        };
        let ends = match direction {
            Direction::FromOriginator => [sender, receiver],
            Direction::FromResponder => [receiver, sender],
        };
        let facts = FlowFacts::new(tuple.transport, ends, packet.time, packet.reference);
        self.generation = self.generation.wrapping_add(1);
        let rank = if tcp.is_some() {
            Rank::HalfOpen
        } else {
            Rank::Unanswered
        };
        let flow = Flow {
            facts,
            tcp: tcp.map(|_| Box::default()),
            reader: R::Reader::default(),
            rank,
            generation: self.generation,
            last_clock: packet.clock,
            key,
            next: self.heads.get(&key).copied().unwrap_or(0),
        };
        let index = self.flows.insert(flow);
        self.heads.insert(key, index + 1);
        self.queue(index, rank, packet.clock);
        self.tidy_queues();
        self.counters.flows += 1;
        (index, direction)
    }

    fn queue(&mut self, index: u32, rank: Rank, last: Timestamp) {
        let due = last.plus(self.limits.idle[rank.index()]);
        let generation = self.flows.get(index).map_or(0, |flow| flow.generation);
        self.queues.push(
            rank,
            Entry {
                flow: index,
                generation,
                due,
            },
        );
    }

    fn count(
        &mut self,
        index: u32,
        direction: Direction,
        packet: &Packet<'_>,
        tcp: Option<&Tcp>,
        readers: &mut R,
    ) {
        let Some(flow) = self.flows.get_mut(index) else {
            return;
        };
        let layers = packet.layers;
        let side = direction.index();
        let facts = &mut flow.facts;
        facts.packets[side] += u64::from(packet.packets);
        facts.bytes[side] += packet.wire_bytes;
        facts.payload[side] += u64::from(layers.payload_on_wire);
        facts.ttl_min[side] = facts.ttl_min[side].min(layers.ttl);
        facts.ttl_max[side] = facts.ttl_max[side].max(layers.ttl);
        facts.last = facts.last.max(packet.time);
        facts.last_packet = packet.reference;
        flow.last_clock = packet.clock;
        if layers.payload_on_wire > 0 {
            facts.happened.note(direction, Happened::DATA);
            if facts.first_payload[side].is_none() {
                facts.first_payload[side] = Some(packet.reference);
            }
        }
        if direction == Direction::FromResponder && facts.first_answer.is_none() {
            facts.first_answer = Some(packet.reference);
            facts.answer_mac = layers.src_mac;
            facts.ends[1].segment = packet.segment;
            if facts.ends[1].mac.is_none() {
                facts.ends[1].mac = layers.src_mac;
            }
        }
        if facts.card(direction) != layers.src_mac.filter(|mac| *mac != MacAddr::NONE) {
            facts.happened.note(direction, Happened::MOVED);
        }
        let payload = layers.payload_of(packet.bytes);
        let at = At {
            packet: packet.reference,
            time: packet.time,
            frame_offset: packet.parts.is_empty().then_some(layers.payload.start),
        };
        match (tcp, &mut flow.tcp) {
            (Some(tcp), Some(track)) => {
                self.counters.payload_segments += u64::from(layers.payload_on_wire > 0);
                let segment = tcp::Segment {
                    tcp,
                    payload,
                    length: layers.payload_on_wire,
                    at,
                    clock: packet.clock,
                };
                let matters =
                    tcp.flags.syn() || (layers.payload_on_wire > 0 && readers.wants(&flow.reader));
                let sum = matters.then(|| checksum::is_right(packet)).flatten();
                if track.is_believed(direction, sum) {
                    let mut context = Context {
                        facts,
                        reader: &mut flow.reader,
                        readers,
                        counters: &mut self.counters,
                        limits: &self.limits,
                        held: &mut self.held,
                    };
                    track.segment(direction, &segment, &mut context);
                } else {
                    self.counters.wrong_checksums += 1;
                }
            }
            _ => datagram(flow, direction, packet, payload, at, readers),
        }
        let rank = flow.rank_now(readers);
        if rank != flow.rank {
            flow.rank = rank;
            self.queue(index, rank, packet.clock);
        }
    }

    /// Ends flows that had no packet for the time of their rank.
    /// Entries of flows that ended stay in their queue until they are due, an hour maybe: without
    /// this, short flows without end would fill the queues however few live at a time.
    fn tidy_queues(&mut self) {
        const SLACK: usize = 1024;
        if self.queues.len() > 4 * self.len() + SLACK {
            let flows = &self.flows;
            self.queues.retain(|entry, rank| {
                let flow = flows.get(entry.flow);
                flow.is_some_and(|flow| flow.generation == entry.generation && flow.rank == rank)
            });
        }
    }

    fn expire(&mut self, clock: Timestamp, readers: &mut R) {
        if !self.queues.may_be_due(clock) {
            return;
        }
        for rank in Rank::ALL {
            while let Some(entry) = self.queues.pop_due(rank, clock) {
                let Some(flow) = self.current(entry, rank) else {
                    continue;
                };
                let due = flow.last_clock.plus(self.limits.idle[rank.index()]);
                if due <= clock {
                    self.end(entry.flow, readers);
                } else {
                    self.queues.push(rank, Entry { due, ..entry });
                }
            }
        }
        self.queues.all_due_taken();
    }

    fn current(&self, entry: Entry, rank: Rank) -> Option<&Flow<R::Reader>> {
        let flow = self.flows.get(entry.flow)?;
        (flow.generation == entry.generation && flow.rank == rank).then_some(flow)
    }

    /// Makes room: the oldest flow of the least dear rank goes.
    fn forget_one(&mut self, readers: &mut R) {
        for rank in Rank::ALL {
            while let Some(entry) = self.queues.pop(rank) {
                if self.current(entry, rank).is_some() {
                    self.counters.flows_evicted += 1;
                    self.counters.reached(&bounds::FLOWS);
                    return self.end(entry.flow, readers);
                }
            }
        }
    }

    /// Makes room among the flows with this key: the oldest goes. A sender who varies the VLAN
    /// alone would else make every packet of these ports walk through all its flows.
    fn forget_alike(&mut self, key: u64, readers: &mut R) {
        let (mut alike, mut oldest) = (0, None);
        let mut next = self.heads.get(&key).copied().unwrap_or(0);
        while let Some(index) = next.checked_sub(1) {
            let Some(flow) = self.flows.get(index) else {
                break;
            };
            (alike, oldest, next) = (alike + 1, Some(index), flow.next);
        }
        if let Some(oldest) = oldest
            && alike >= bounds::ALIKE.default
        {
            self.counters.flows_evicted += 1;
            self.counters.reached(&bounds::ALIKE);
            self.end(oldest, readers);
        }
    }

    fn end(&mut self, index: u32, readers: &mut R) {
        let Some(mut flow) = self.flows.take(index) else {
            return;
        };
        if let Some(mut track) = flow.tcp.take() {
            let at = At {
                packet: flow.facts.last_packet,
                time: flow.facts.last,
                frame_offset: None,
            };
            let mut context = Context {
                facts: &mut flow.facts,
                reader: &mut flow.reader,
                readers,
                counters: &mut self.counters,
                limits: &self.limits,
                held: &mut self.held,
            };
            track.finish(at, &mut context);
        }
        self.counters.one_sided_flows += u64::from(flow.facts.is_one_sided());
        self.unlink(flow.key, index, flow.next);
        readers.ended(&flow.facts, flow.reader);
    }

    fn unlink(&mut self, key: u64, index: u32, after: u32) {
        let Some(head) = self.heads.get_mut(&key) else {
            return;
        };
        if *head == index + 1 {
            if after == 0 {
                self.heads.remove(&key);
            } else {
                *head = after;
            }
            return;
        }
        let mut next = *head;
        while let Some(at) = next.checked_sub(1) {
            let Some(flow) = self.flows.get_mut(at) else {
                return;
            };
            if flow.next == index + 1 {
                flow.next = after;
                return;
            }
            next = flow.next;
        }
    }
}

impl<S> Flow<S> {
    fn rank_now<R: Readers<Reader = S>>(&self, readers: &R) -> Rank {
        let facts = &self.facts;
        let closed = self.tcp.as_ref().is_some_and(|track| track.closed);
        if closed {
            Rank::Closed
        } else if readers.is_medical(&self.reader) {
            Rank::Medical
        } else if !facts.is_answered() {
            match facts.transport == Transport::Tcp && facts.payload[0] == 0 {
                true => Rank::HalfOpen,
                false => Rank::Unanswered,
            }
        } else if facts.transport != Transport::Tcp {
            Rank::Datagrams
        } else if readers.wants(&self.reader) {
            Rank::Open
        } else {
            Rank::Done
        }
    }
}

fn datagram<R: Readers>(
    flow: &mut Flow<R::Reader>,
    direction: Direction,
    packet: &Packet<'_>,
    payload: &[u8],
    at: At,
    readers: &mut R,
) {
    let facts = &mut flow.facts;
    facts.tunnel = facts.tunnel.or(packet.tunnel);
    if direction == Direction::FromOriginator && facts.packets[1] == 0 {
        facts.attempt(packet.time);
    } else if direction == Direction::FromResponder && facts.packets[1] == 1 {
        facts.answered_in(Direction::FromOriginator, packet.time.since(facts.first));
    }
    if readers.wants(&flow.reader) && !payload.is_empty() && packet.tunnel.is_none() {
        readers.datagram(
            facts,
            &mut flow.reader,
            direction,
            payload,
            at,
            packet.parts,
        );
    }
}

/// Whether the first packet seen of a flow answers one that was not: a SYN with ACK, or, where no
/// handshake tells, a sender whose port looks more like a service's than the receiver's.
fn is_answer(tuple: &Tuple, tcp: Option<&Tcp>) -> bool {
    match tcp {
        Some(tcp) if tcp.flags.syn() => tcp.flags.ack(),
        _ => {
            matches!(tuple.transport, Transport::Tcp | Transport::Udp)
                && looks_like_a_service(tuple.src_port, tcp.is_some())
                    > looks_like_a_service(tuple.dst_port, tcp.is_some())
        }
    }
}

/// Well-known ports more than registered ones of common services, those more than others. Ports
/// from 512 to 1023 are also taken by privileged clients (NFS, LPD, rlogin): of datagrams, whose
/// first packet seen is most often the question, they tell nothing.
fn looks_like_a_service(port: u16, is_stream: bool) -> u8 {
    match port {
        1..=511 => 3,
        512..=1023 if is_stream => 2,
        2049 | 2575 | 3306 | 3389 | 5060 | 5432 | 5900 | 8000 | 8080 | 8443 | 11112 | 24105 => 2,
        _ => 0,
    }
}

impl Tuple {
    fn of(layers: &Layers) -> Self {
        let (src_port, dst_port) = layers.ports().unwrap_or((0, 0));
        Tuple {
            transport: Transport::from_ip_protocol(layers.ip_protocol),
            src: layers.src,
            dst: layers.dst,
            src_port,
            dst_port,
        }
    }

    fn direction_in(&self, facts: &FlowFacts) -> Option<Direction> {
        if self.transport != facts.transport {
            return None;
        }
        let [originator, responder] = &facts.ends;
        let from = |a: &Endpoint, b: &Endpoint| {
            a.ip == self.src
                && a.port == self.src_port
                && b.ip == self.dst
                && b.port == self.dst_port
        };
        if from(originator, responder) {
            Some(Direction::FromOriginator)
        } else if from(responder, originator) {
            Some(Direction::FromResponder)
        } else {
            None
        }
    }
}
