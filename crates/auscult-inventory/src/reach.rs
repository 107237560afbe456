//! Where traffic went: the grades of proof for traffic to an address that is not the site's.
//!
//! In order of proof: left, answered from afar, answered near, towards the outside, attempted,
//! blocked, cannot tell. What would make it legitimate is said beside it.

use std::net::IpAddr;

use auscult_model::report::Where;
use auscult_model::{MacAddr, PacketRef, Segment, Timestamp, Transport};

use crate::owner::Owner;

/// Which conversations between two addresses are meant; empty: all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filter<'a> {
    /// Only of this application protocol.
    pub protocol: Option<&'a str>,
    /// Only with this port of the responder.
    pub port: Option<u16>,
    /// Only over this transport.
    pub transport: Option<Transport>,
}

/// What was watched, for statements that rest on absence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Watched {
    /// Earliest and latest packet of anything in the ledger.
    pub first: Option<Timestamp>,
    /// See `first`.
    pub last: Option<Timestamp>,
    /// Flows to the peer, and how many of them were answered.
    pub flows: u64,
    /// See `flows`.
    pub answered: u64,
    /// Flows of which only one direction was captured.
    pub one_sided: u64,
    /// Answered flows to other addresses by the same way: answers would have been seen.
    pub path_answered: u64,
    /// Answers of name services seen.
    pub name_answers: u64,
    /// Answers that named the peer's address.
    pub names: u64,
}

/// Where traffic of a local address to a peer went.
#[derive(Clone, Debug, PartialEq)]
pub struct Reach {
    /// The grade.
    pub place: Where,
    /// Why this grade.
    pub reasons: Vec<String>,
    /// What would make it legitimate or limits the statement.
    pub notes: Vec<String>,
    /// Packets that show it, with what to see there.
    pub packets: Vec<(PacketRef, &'static str)>,
    /// What was watched.
    pub watched: Watched,
    /// Payload bytes to the peer and from it.
    pub payload: [u64; 2],
    /// Payload bytes that the peer acknowledged.
    pub acknowledged: u64,
    /// Segments sent to the peer again.
    pub retransmissions: u64,
    /// Shortest round trip in milliseconds.
    pub round_trip_ms: Option<f64>,
    /// Bound of the distance from the round trip, in kilometres; `None` where it means nothing.
    pub distance_km: Option<f64>,
    /// Routers that the peer's packets passed, by their hop limit.
    pub hops: Option<u8>,
    /// Attempts to begin, with repeats.
    pub attempts: u64,
    /// First and last packet between the two.
    pub first: Option<Timestamp>,
    /// See `first`.
    pub last: Option<Timestamp>,
    /// The way to the peer goes through a router.
    pub behind_gateway: bool,
    /// The router, or the card that took the frames.
    pub next_hop: Option<MacAddr>,
    /// The peer began at least one of the flows.
    pub inbound: bool,
    /// The partner whose network it is.
    pub partner: Option<String>,
    /// A declared sinkhole or station: medium at most.
    pub sinkhole: bool,
    /// Who the address is registered to.
    pub owner: Option<Owner>,
    /// How sure the grade is, 0 to 1: falls with one-sidedness.
    pub confidence: f32,
}

/// The two ends of a question about reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ends {
    /// Segment and address of the local side.
    pub local: (Segment, IpAddr),
    /// The other side.
    pub peer: IpAddr,
}
