//! The facts that a ledger keeps: what was seen, how often, when, and in which packets.
//!
//! Every fact merges commutatively, so that neither the order of inputs nor the cutting of a
//! capture into files changes what is concluded.

use std::collections::BTreeSet;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;

use auscult_model::{
    ConversationSum, Endpoint, Event, MacAddr, NeighbourSum, PacketRef, PhiKind, Segment,
    Timestamp, Window, hash_ip, hash_mac,
};

use serde::{Deserialize, Serialize};

use crate::bounds;
use crate::table::Fact;

/// One side of a message, without its port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Party {
    /// Where it was seen.
    pub segment: Segment,
    /// Network address.
    pub ip: IpAddr,
    /// Link-layer address on that side: its own, or a router's. `None` where the link has none.
    pub mac: Option<MacAddr>,
}

impl Hash for Party {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.segment.hash(state);
        hash_ip(self.ip, state);
        hash_mac(self.mac, state);
    }
}

impl From<Endpoint> for Party {
    fn from(endpoint: Endpoint) -> Self {
        Party {
            segment: endpoint.segment,
            ip: endpoint.ip,
            mac: real(endpoint.mac),
        }
    }
}

/// The address if it can name one card: not absent, zero, broadcast or multicast.
pub(crate) fn real(mac: Option<MacAddr>) -> Option<MacAddr> {
    mac.filter(|mac| *mac != MacAddr::NONE && !mac.is_group())
}

/// Whom a claim is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Subject {
    /// The holder of an address, as seen on one side of a message.
    Party(Party),
    /// The holder of a link-layer address, wherever it is.
    Mac(MacAddr),
}

/// How often something was seen, when, and in which packets first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Seen {
    /// First time.
    pub first: Timestamp,
    /// First and last packet of the earliest occurrence.
    pub packets: [PacketRef; 2],
    /// Last time.
    pub last: Timestamp,
    /// How often.
    #[serde(deserialize_with = "auscult_model::plausible_count")]
    pub count: u64,
}

impl Seen {
    /// Of one event, with its repeats.
    pub fn of(event: &Event) -> Self {
        Seen {
            first: event.first,
            packets: [event.first_packet, event.last_packet],
            last: event.last,
            count: event.count,
        }
    }
}

impl Fact for Seen {
    fn merge(&mut self, other: &Self) {
        if (other.first, other.packets) < (self.first, self.packets) {
            (self.first, self.packets) = (other.first, other.packets);
        }
        self.last = self.last.max(other.last);
        self.count = self.count.saturating_add(other.count);
    }

    fn weight(&self) -> u64 {
        self.count
    }

    fn narrow(&mut self, window: Window) -> bool {
        window.touches(self.first, self.last)
    }
}

/// A value was claimed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClaimFact {
    /// When and where.
    pub seen: Seen,
    /// The surest reading of it.
    pub confidence: f32,
}

impl Fact for ClaimFact {
    fn merge(&mut self, other: &Self) {
        self.seen.merge(&other.seen);
        self.confidence = self.confidence.max(other.confidence);
    }

    fn weight(&self) -> u64 {
        self.seen.count
    }

    fn narrow(&mut self, window: Window) -> bool {
        self.seen.narrow(window)
    }
}

/// Messages of one protocol went from one party to another.
pub type SpokenFact = ClaimFact;

/// Patient data went from one party to another in one protocol.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PatientDataFact {
    /// When and where.
    pub seen: Seen,
    /// The surest reading of it.
    pub confidence: f32,
    /// Kinds that were filled in.
    pub kinds: BTreeSet<PhiKind>,
    /// Distinct patients by keyed digest, at most [`PatientDataFact::PATIENTS`]; never shown.
    pub patients: BTreeSet<u64>,
}

impl PatientDataFact {
    /// So many distinct patients are told apart; beyond it is "at least".
    pub const PATIENTS: usize = 256;

    /// Of one message.
    pub(crate) fn new(fact: ClaimFact, kinds: &[PhiKind], patient: Option<u64>) -> Self {
        PatientDataFact {
            seen: fact.seen,
            confidence: fact.confidence,
            kinds: kinds.iter().copied().collect(),
            patients: patient.into_iter().collect(),
        }
    }
}

impl PatientDataFact {
    /// Takes in another message, as if merged with a fact of it.
    pub(crate) fn again(&mut self, fact: ClaimFact, kinds: &[PhiKind], patient: Option<u64>) {
        self.take(&fact.seen, fact.confidence, kinds, patient);
    }

    fn take<'k>(
        &mut self,
        seen: &Seen,
        confidence: f32,
        kinds: impl IntoIterator<Item = &'k PhiKind>,
        patients: impl IntoIterator<Item = u64>,
    ) {
        self.seen.merge(seen);
        self.confidence = self.confidence.max(confidence);
        self.kinds.extend(kinds);
        self.patients.extend(patients);
        while self.patients.len() > Self::PATIENTS {
            self.patients.pop_last();
        }
    }
}

impl Fact for PatientDataFact {
    fn merge(&mut self, other: &Self) {
        let patients = other.patients.iter().copied();
        self.take(&other.seen, other.confidence, &other.kinds, patients);
    }

    fn weight(&self) -> u64 {
        self.seen.count
    }

    fn narrow(&mut self, window: Window) -> bool {
        self.seen.narrow(window)
    }
}

/// Something was asked of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestFact {
    /// When and where.
    pub seen: Seen,
    /// How often it was granted.
    #[serde(deserialize_with = "auscult_model::plausible_count")]
    pub granted: u64,
    /// How often it was refused.
    #[serde(deserialize_with = "auscult_model::plausible_count")]
    pub refused: u64,
}

impl Fact for RequestFact {
    fn merge(&mut self, other: &Self) {
        self.seen.merge(&other.seen);
        self.granted = self.granted.saturating_add(other.granted);
        self.refused = self.refused.saturating_add(other.refused);
    }

    fn weight(&self) -> u64 {
        self.seen.count
    }

    fn narrow(&mut self, window: Window) -> bool {
        self.seen.narrow(window)
    }
}

impl Fact for ConversationSum {
    fn merge(&mut self, other: &Self) {
        ConversationSum::merge(self, other);
    }

    fn weight(&self) -> u64 {
        self.flows
    }

    fn narrow(&mut self, window: Window) -> bool {
        window.touches(self.first, self.last)
    }
}

impl Fact for NeighbourSum {
    fn merge(&mut self, other: &Self) {
        NeighbourSum::merge(self, other);
    }

    fn weight(&self) -> u64 {
        self.count
    }

    fn narrow(&mut self, window: Window) -> bool {
        window.touches(self.first, self.last)
    }
}

/// Openings of flows that may be legs of one flow.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StartFact {
    /// Client's address, where, when, in which packet; the smallest few.
    pub legs: BTreeSet<(Timestamp, IpAddr, Segment, PacketRef)>,
    /// Openings that found no room.
    #[serde(deserialize_with = "auscult_model::plausible_count")]
    pub dropped: u64,
}

impl StartFact {
    /// So many openings with one sequence number are kept: two legs with repeats.
    pub const LEGS: usize = bounds::LEGS.default as usize;
}

impl Fact for StartFact {
    fn merge(&mut self, other: &Self) {
        self.legs.extend(&other.legs);
        self.dropped = self.dropped.saturating_add(other.dropped);
        while self.legs.len() > Self::LEGS {
            self.legs.pop_last();
            self.dropped = self.dropped.saturating_add(1);
        }
    }

    fn weight(&self) -> u64 {
        self.dropped.saturating_add(self.legs.len() as u64)
    }

    fn narrow(&mut self, window: Window) -> bool {
        self.legs.retain(|(time, ..)| window.touches(*time, *time));
        !self.legs.is_empty()
    }
}
