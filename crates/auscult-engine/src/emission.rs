//! What shards send to the world, and the order in which the world takes it.

use auscult_flow::FlowFacts;
use auscult_model::{
    ConversationKey, ConversationSum, Endpoint, Event, FlowRecord, FlowStart, NeighbourKey,
    NeighbourSum, PacketRef, Segment,
};

use crate::marks::Marking;

/// One thing a shard reports.
#[derive(Clone, Debug)]
pub(crate) enum Emission {
    /// A protocol said something, new or again.
    Event(Box<Event>),
    /// Sums of a conversation since the last report.
    Conversation(Box<(ConversationKey, ConversationSum)>),
    /// Sums of questions and answers about link-layer addresses since the last report.
    Neighbour(Box<(NeighbourKey, NeighbourSum)>),
    /// What a flow towards elsewhere began with.
    FlowStart(Box<FlowStart>),
    /// Frames of this segment were captured without their receivers' link addresses.
    WithoutDestinations(Segment),
    /// A flow of which bytes contradicted each other.
    Conflict(Box<Conflict>),
    /// An ended flow, when single flows are asked for.
    Flow(Box<FlowRecord>),
    /// What is patient data in packets that somebody wants to show.
    Marking(Box<Marking>),
}

/// Bytes of a flow that came twice, differently.
#[derive(Clone, Debug)]
pub(crate) struct Conflict {
    pub(crate) protocol: &'static str,
    pub(crate) from: Endpoint,
    pub(crate) to: Endpoint,
    pub(crate) packet: PacketRef,
    /// Digests of what came first and of what came later; not of patient data.
    pub(crate) versions: Option<(u64, u64)>,
}

impl Conflict {
    pub(crate) fn new(
        facts: &FlowFacts,
        conflict: &auscult_flow::Conflict,
        protocol: &'static str,
        is_private: bool,
    ) -> Self {
        Conflict {
            protocol,
            from: *facts.sender(conflict.direction),
            to: *facts.sender(conflict.direction.opposite()),
            packet: conflict.packet,
            versions: (!is_private).then_some(conflict.versions),
        }
    }
}

/// An emission with its place in the order: packet sequence, then the sums of all shards, then what
/// the packet brought. Emissions of one shard at one packet keep the order in which it made them.
#[derive(Clone, Debug)]
pub(crate) struct Emitted {
    /// Sequence number of the packet over all inputs.
    pub(crate) sequence: u64,
    /// The shard for sums and at the end, [`SHARDS`](crate::options::SHARDS) for the packet.
    pub(crate) place: usize,
    /// What.
    pub(crate) emission: Emission,
}
