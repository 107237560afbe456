//! What shards send to the world, and the order in which the world takes it.

use auscult_model::{
    ConversationKey, ConversationSum, Event, FlowRecord, FlowStart, NeighbourKey, NeighbourSum,
    Segment,
};

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
    /// An ended flow, when single flows are asked for.
    Flow(Box<FlowRecord>),
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
