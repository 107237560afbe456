//! The nouns of Auscult: what every other crate talks about.
//!
//! No logic beyond construction, merging and display, no I/O. The vocabulary is fixed in
//! ARCHITECTURE.md; one word per idea, the same word in code, JSON and prose.

mod address;
mod artifact;
mod bound;
mod count;
mod digested;
mod event;
mod flow;
mod hex;
mod marks;
mod minutes;
mod phi;
pub mod report;
mod segment;
mod slots;
mod time;
mod trace;
mod word;

pub use address::{MacAddr, hash_ip, hash_mac};
pub use artifact::{Artifact, FileClass};
pub use bound::{Bound, BoundKind, Bounds};
pub use count::{Counts, plausible_count};
pub use digested::{ByDigest, Digested};
pub use event::{About, Assignment, Attribute, Event, Meaning, PhiRange};
pub use flow::{
    ConversationKey, ConversationSum, Direction, Endpoint, FlowRecord, FlowStart, LEGS_MAX, Leg,
    NeighbourKey, NeighbourSum, NeighbourTimes, Outcome, Transport,
};
pub use hex::hex;
pub use marks::Marks;
pub use minutes::MinuteSum;
pub use phi::PhiKind;
pub use segment::Segment;
pub use slots::Slots;
pub use time::{Timestamp, Window, covered, span};
pub use trace::{FileIndex, LinkType, PacketRef};
pub use word::Word;
