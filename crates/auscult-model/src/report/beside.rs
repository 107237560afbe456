//! What a report says of a capture beside its packets: its clock, its author's words, its company.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::written;
use crate::Timestamp;

/// How a capture's clock differs from another's, by packets that both hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockOffset {
    /// Nanoseconds that were added to the times in the file.
    pub nanoseconds: i64,
    /// The capture whose clock it agrees with since.
    pub beside: String,
    /// Packets found in both that say so.
    pub packets: u64,
}

/// A comment in a capture file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    /// The packet that it stands with; absent for one on the whole capture or an interface.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packet: Option<u64>,
    /// What it says, cut to a reasonable length.
    pub text: String,
}

/// A name that a capture file gives to an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorsName {
    /// The address.
    pub ip: IpAddr,
    /// The name.
    pub name: String,
}

/// What a capture shares with one that a state had taken in before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overlap {
    /// The other capture.
    pub with: String,
    /// Minutes that hold the same packets in both: they count once.
    pub equal: u64,
    /// Minutes that differ, at the ends of one of them or by losses: the one with more packets
    /// counts.
    pub partly: u64,
    /// How many of these count twice, for the other had fewer packets and was there first.
    pub twice: u64,
}

/// Captures that belong together, apart from others in the same run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaptureGroup {
    /// The first few of them, as given.
    pub files: Vec<String>,
    /// How many they are.
    pub files_total: usize,
    /// Time of the earliest packet.
    #[serde(with = "written::time")]
    pub first: Option<Timestamp>,
    /// Time of the latest packet.
    #[serde(with = "written::time")]
    pub last: Option<Timestamp>,
}

/// The time that a capture covers, of which nothing was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outside {
    /// Time of its earliest packet.
    #[serde(with = "written::time")]
    pub first: Option<Timestamp>,
    /// Time of its latest packet.
    #[serde(with = "written::time")]
    pub last: Option<Timestamp>,
}
