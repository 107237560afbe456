//! Whom a device talks to, and how many those are, inside and outside.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{Device, Where};
use crate::{PacketRef, Timestamp};

/// One line of a device's conversations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TalksTo {
    /// The peer's address.
    pub peer: IpAddr,
    /// A name for it, from name answers or from its own announcements.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Id of the device that it was; absent for addresses of nobody here, and where several had the
    /// address and the frames do not tell which.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// Where it is.
    #[serde(rename = "where")]
    pub place: Where,
    /// Application protocol.
    pub protocol: String,
    /// Port of the service.
    pub port: u16,
    /// `out`: the device began; `in`: the peer began.
    pub direction: Cow<'static, str>,
    /// Number of flows.
    pub flows: u64,
    /// Frame bytes, originator's and responder's.
    pub bytes: [u64; 2],
    /// Whether the responder answered.
    pub answered: bool,
    /// Who the peer's address is registered to, for addresses outside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// When and in which packet first; not part of what is written.
    #[serde(skip)]
    pub seen: Option<LineSeen>,
}

/// When a line of conversations was seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LineSeen {
    /// Its first packet.
    pub packet: PacketRef,
    /// When.
    pub first: Timestamp,
    /// Time of its last packet.
    pub last: Timestamp,
}

impl Device {
    /// How many peers it has inside the site, and how many outside, partners among them. Groups
    /// are nobody. Where no conversation is listed, as was counted when they were.
    pub fn peers(&self) -> (usize, usize) {
        if self.talks_to.is_empty() {
            return (self.talks_to_inside, self.talks_to_outside);
        }
        let mut inside = BTreeSet::new();
        let mut outside = BTreeSet::new();
        for line in &self.talks_to {
            match line.place {
                Where::Group => {}
                place if place.is_outside() || place == Where::Partner => {
                    outside.insert(line.peer);
                }
                _ => {
                    inside.insert(line.peer);
                }
            }
        }
        (inside.len(), outside.len())
    }

    /// Counts the peers that are listed.
    pub fn count_peers(&mut self) {
        (self.talks_to_inside, self.talks_to_outside) = self.peers();
    }
}
