//! The nouns of Auscult: what every other crate talks about.
//!
//! No logic beyond construction and display, no I/O. The vocabulary is fixed in ARCHITECTURE.md;
//! one word per idea, the same word in code, JSON and prose.

mod address;
mod segment;
mod time;
mod trace;

pub use address::MacAddr;
pub use segment::Segment;
pub use time::Timestamp;
pub use trace::{FileIndex, LinkType, PacketRef};
