//! Packets become flows, segments become ordered bytes.
//!
//! A [`FlowTable`] belongs to one shard: all packets of an address pair come to the same one, in
//! order. It finds the flow of a packet (also across segments, when taps or SPAN tag the two
//! directions differently), counts, tracks TCP, and hands bytes in order to the engine's
//! [`Readers`]. Everything is bounded by [`Limits`], and what a limit cost is in [`Counters`].

mod bounds;
mod checksum;
mod community_id;
mod copies;
mod facts;
mod pending;
mod queue;
mod slab;
mod table;
mod tcp;

use std::collections::BTreeMap;

use auscult_model::{Bound, Direction, PacketRef, Timestamp};
use auscult_packet::Part;

pub use bounds::ALL as BOUNDS;
pub use community_id::community_id;
pub use facts::{Conflict, FlowFacts, Happened};
pub use table::{FlowTable, Packet};

/// The packet that bytes came from, and where the first of them lies in its frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    /// The packet.
    pub packet: PacketRef,
    /// Its time.
    pub time: Timestamp,
    /// Offset in the frame as captured.
    pub frame_offset: Option<u32>,
}

/// How dear a flow is when memory is short; the least dear are forgotten first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// A SYN without answer.
    HalfOpen,
    /// Packets one way only.
    Unanswered,
    /// A connection that both sides closed, or that was reset.
    Closed,
    /// Datagrams that were answered.
    Datagrams,
    /// A connection read to the end of interest.
    Done,
    /// Being read.
    Open,
    /// Being read, and medical.
    Medical,
}

impl Rank {
    /// All, least dear first.
    pub const ALL: [Rank; 7] = [
        Rank::HalfOpen,
        Rank::Unanswered,
        Rank::Closed,
        Rank::Datagrams,
        Rank::Done,
        Rank::Open,
        Rank::Medical,
    ];

    /// Place in [`Rank::ALL`].
    pub fn index(self) -> usize {
        self as usize
    }
}

/// What the engine does with the bytes of flows.
pub trait Readers {
    /// What it keeps for each flow.
    type Reader: Default;

    /// Whether the bytes of this flow are still wanted. When not, it costs counting only.
    fn wants(&self, reader: &Self::Reader) -> bool;

    /// Bytes of a stream, in order.
    fn bytes(
        &mut self,
        facts: &FlowFacts,
        reader: &mut Self::Reader,
        direction: Direction,
        bytes: &[u8],
        at: At,
        from_start: bool,
    );

    /// Bytes of a stream are missing.
    fn gap(
        &mut self,
        facts: &FlowFacts,
        reader: &mut Self::Reader,
        direction: Direction,
        missing: Option<u64>,
        at: At,
    );

    /// A datagram. `parts` says where its bytes came from when it was fragmented.
    fn datagram(
        &mut self,
        facts: &FlowFacts,
        reader: &mut Self::Reader,
        direction: Direction,
        bytes: &[u8],
        at: At,
        parts: &[Part],
    );

    /// Whether the flow is medical, for [`Rank`].
    fn is_medical(&self, reader: &Self::Reader) -> bool;

    /// The flow is over, or forgotten.
    fn ended(&mut self, facts: &FlowFacts, reader: Self::Reader);
}

/// Bounds of one shard.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Flows at a time.
    pub flows: usize,
    /// Bytes out of order in one flow and direction, with what it costs to keep their pieces.
    pub out_of_order_per_flow: usize,
    /// Bytes out of order in the shard.
    pub out_of_order_per_shard: usize,
    /// Time without packets after which a flow ends, by rank, in nanoseconds.
    pub idle: [i64; 7],
}

impl Limits {
    /// A shard's share of bounds for the whole program, of which there are `shards`.
    pub fn share(flows: usize, out_of_order_bytes: usize, shards: usize) -> Self {
        Limits {
            flows: (flows / shards).max(1),
            out_of_order_per_flow: (out_of_order_bytes / shards).clamp(4096, 1 << 20),
            out_of_order_per_shard: (out_of_order_bytes / shards).max(4096),
            idle: [120, 120, 15, 60, 300, 3600, 3600].map(|seconds| seconds * Timestamp::SECOND),
        }
    }
}

/// What happened, and what limits cost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Flows begun.
    pub flows: u64,
    /// Flows forgotten before they ended.
    pub flows_evicted: u64,
    /// TCP flows of which one direction only was captured.
    pub one_sided_flows: u64,
    /// Flows with different bytes for the same place.
    pub conflicting_flows: u64,
    /// Holes in streams.
    pub gaps: u64,
    /// Holes of which the receiver had the bytes.
    pub gaps_upstream: u64,
    /// Bytes in holes.
    pub bytes_missing: u64,
    /// TCP segments that were not read because their checksum was wrong where others' are right.
    pub wrong_checksums: u64,
    /// TCP segments with payload, the base for loss.
    pub payload_segments: u64,
    /// Copies of packets.
    pub copies: u64,
    /// Limits reached, by name.
    pub limits: BTreeMap<&'static str, u64>,
}

impl Counters {
    pub(crate) fn reached(&mut self, bound: &Bound) {
        *self.limits.entry(bound.name).or_default() += 1;
    }

    /// Adds another shard's.
    pub fn add(&mut self, other: &Counters) {
        self.flows += other.flows;
        self.flows_evicted += other.flows_evicted;
        self.one_sided_flows += other.one_sided_flows;
        self.conflicting_flows += other.conflicting_flows;
        self.gaps += other.gaps;
        self.gaps_upstream += other.gaps_upstream;
        self.bytes_missing += other.bytes_missing;
        self.wrong_checksums += other.wrong_checksums;
        self.payload_segments += other.payload_segments;
        self.copies += other.copies;
        for (name, count) in &other.limits {
            *self.limits.entry(name).or_default() += count;
        }
    }
}
