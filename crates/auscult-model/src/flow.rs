//! Who talked to whom: endpoints, transports, directions, sums of conversations, flow records.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::address::{hash_ip, hash_mac};
use crate::{MacAddr, PacketRef, Segment, Slots, Timestamp};

/// The protocol above IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Transport {
    /// TCP (RFC 9293).
    Tcp,
    /// UDP (RFC 768).
    Udp,
    /// ICMP for IPv4 (RFC 792).
    Icmp,
    /// ICMP for IPv6 (RFC 4443).
    Icmpv6,
    /// SCTP (RFC 9260).
    Sctp,
    /// Any other, by IANA's protocol number.
    Other(u8),
}

impl Transport {
    /// From IANA's protocol number.
    pub fn from_ip_protocol(number: u8) -> Self {
        match number {
            1 => Transport::Icmp,
            6 => Transport::Tcp,
            17 => Transport::Udp,
            58 => Transport::Icmpv6,
            132 => Transport::Sctp,
            other => Transport::Other(other),
        }
    }

    /// IANA's protocol number.
    pub fn ip_protocol(self) -> u8 {
        match self {
            Transport::Icmp => 1,
            Transport::Tcp => 6,
            Transport::Udp => 17,
            Transport::Icmpv6 => 58,
            Transport::Sctp => 132,
            Transport::Other(number) => number,
        }
    }
}

/// IANA's keyword in lower case, or the number.
impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keyword = match self {
            Transport::Tcp => "tcp",
            Transport::Udp => "udp",
            Transport::Icmp => "icmp",
            Transport::Icmpv6 => "icmpv6",
            Transport::Sctp => "sctp",
            Transport::Other(2) => "igmp",
            Transport::Other(4) => "ipv4",
            Transport::Other(41) => "ipv6",
            Transport::Other(46) => "rsvp",
            Transport::Other(47) => "gre",
            Transport::Other(50) => "esp",
            Transport::Other(51) => "ah",
            Transport::Other(88) => "eigrp",
            Transport::Other(89) => "ospf",
            Transport::Other(103) => "pim",
            Transport::Other(112) => "vrrp",
            Transport::Other(number) => return write!(f, "{number}"),
        };
        f.write_str(keyword)
    }
}

/// Which way bytes went in a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Direction {
    /// From the side that began the flow (or sent the first packet seen) to the other.
    FromOriginator,
    /// The answers.
    FromResponder,
}

impl Direction {
    /// 0 for the originator's bytes, 1 for the responder's: the order of pairs in reports.
    pub fn index(self) -> usize {
        match self {
            Direction::FromOriginator => 0,
            Direction::FromResponder => 1,
        }
    }

    /// The other way.
    pub fn opposite(self) -> Self {
        match self {
            Direction::FromOriginator => Direction::FromResponder,
            Direction::FromResponder => Direction::FromOriginator,
        }
    }
}

/// One end of a message, as the packet that carried it showed it.
///
/// `mac` is the link-layer address seen on that side: the device's own on its segment, a router's
/// behind it. Which of the two is for the inventory to decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Endpoint {
    /// Where it was seen.
    pub segment: Segment,
    /// Link-layer address on that side, when the link has one.
    pub mac: Option<MacAddr>,
    /// Network address.
    pub ip: IpAddr,
    /// Port, 0 for transports without.
    pub port: u16,
}

impl Hash for Endpoint {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.segment.hash(state);
        hash_mac(self.mac, state);
        hash_ip(self.ip, state);
        state.write_u16(self.port);
    }
}

/// How a flow ended, or was left: part of the key of sums, so that refused and answered
/// attempts are never added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Outcome {
    /// Packets in one direction only, and no refusal.
    Unanswered,
    /// A reset to the opening, or an ICMP error that quotes it.
    Refused,
    /// Packets in both directions.
    Answered,
}

/// What sums are kept by: one line per device address, peer, service, direction, outcome, hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConversationKey {
    /// Segment in which the flow was first seen.
    pub segment: Segment,
    /// Address of the side that began.
    pub originator: IpAddr,
    /// Link-layer source of the originator's frames.
    pub originator_mac: Option<MacAddr>,
    /// Address of the side that was spoken to.
    pub responder: IpAddr,
    /// Link-layer destination of the originator's frames, or source of the responder's.
    pub responder_mac: Option<MacAddr>,
    /// Protocol above IP.
    pub transport: Transport,
    /// Port of the responder.
    pub port: u16,
    /// Name of the application protocol, `unknown` when not identified.
    pub protocol: &'static str,
    /// How the flows ended.
    pub outcome: Outcome,
    /// Hour of the first packet, since the epoch.
    pub hour: i64,
}

impl Hash for ConversationKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.segment.hash(state);
        hash_ip(self.originator, state);
        hash_mac(self.originator_mac, state);
        hash_ip(self.responder, state);
        hash_mac(self.responder_mac, state);
        let service = u64::from(self.port) << 16
            | u64::from(self.transport.ip_protocol()) << 8
            | self.outcome as u64;
        state.write_u64(service);
        state.write(self.protocol.as_bytes());
        state.write_i64(self.hour);
    }
}

/// The same packets seen once more elsewhere: a mirrored or routed copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Leg {
    /// Where the copy was seen.
    pub segment: Segment,
    /// Link-layer source of the copy.
    pub src_mac: Option<MacAddr>,
    /// Link-layer destination of the copy.
    pub dst_mac: Option<MacAddr>,
    /// Hop limit of the copy minus that of the packet first seen (negative: further along).
    pub ttl_step: i16,
    /// Which way the copied packets went.
    pub direction: Direction,
}

/// At most this many legs are kept per conversation; more are counted only.
pub const LEGS_MAX: usize = 8;

/// Sums over the flows of one [`ConversationKey`]. Pairs are `[originator, responder]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversationSum {
    /// Number of flows.
    #[serde(deserialize_with = "crate::plausible_count")]
    pub flows: u64,
    /// Packets each way.
    #[serde(deserialize_with = "crate::plausible_count")]
    pub packets: [u64; 2],
    /// Frame bytes each way, as on the wire.
    #[serde(deserialize_with = "crate::plausible_count")]
    pub bytes: [u64; 2],
    /// Transport payload bytes each way.
    #[serde(deserialize_with = "crate::plausible_count")]
    pub payload: [u64; 2],
    /// Payload bytes that the other side acknowledged (TCP), each way.
    #[serde(deserialize_with = "crate::plausible_count")]
    pub acknowledged: [u64; 2],
    /// Flows in which that side sent payload.
    #[serde(deserialize_with = "crate::plausible_count")]
    pub flows_with_payload: [u64; 2],
    /// Smallest and largest hop limit seen from each side (255, 0 when none).
    pub ttl_min: [u8; 2],
    /// See `ttl_min`.
    pub ttl_max: [u8; 2],
    /// Shortest time from the originator's packet to the responder's answer to it, handshake
    /// and payload acknowledgements alike, in nanoseconds; `i64::MAX` when none was measured.
    pub round_trip: i64,
    /// The same for the responder's packets and the originator's answers to them.
    pub round_trip_back: i64,
    /// Attempts to begin: SYNs with their repeats, or first datagrams without answer.
    #[serde(deserialize_with = "crate::plausible_count")]
    pub attempts: u64,
    /// Repeats of the opening at the pace of retransmission (≥ 0.8 s apart).
    #[serde(deserialize_with = "crate::plausible_count")]
    pub paced_repeats: u64,
    /// Segments sent again.
    #[serde(deserialize_with = "crate::plausible_count")]
    pub retransmissions: [u64; 2],
    /// Resets seen from each side.
    #[serde(deserialize_with = "crate::plausible_count")]
    pub resets: [u64; 2],
    /// ICMP errors that quote these flows.
    #[serde(deserialize_with = "crate::plausible_count")]
    pub icmp_errors: u64,
    /// Flows in which a side's frames came from more than one card.
    #[serde(deserialize_with = "crate::plausible_count")]
    pub moved: u64,
    /// Flows of which only one direction was captured though the other must exist.
    #[serde(deserialize_with = "crate::plausible_count")]
    pub one_sided: u64,
    /// Smallest maximum segment size offered (0: none seen).
    pub mss_min: u16,
    /// First packet time.
    pub first: Timestamp,
    /// Last packet time.
    pub last: Timestamp,
    /// Evidence: the first packet, the first with the originator's payload, the first answer.
    pub first_packet: PacketRef,
    /// See `first_packet`.
    pub first_payload: Option<PacketRef>,
    /// See `first_packet`.
    pub first_answer: Option<PacketRef>,
    /// Where copies of the packets were seen.
    pub legs: Vec<Leg>,
    /// Link-layer source of the responder's frames when it differs from the key's.
    pub answer_mac: Option<MacAddr>,
}

impl ConversationSum {
    /// Nothing summed yet; `packet` is the first packet of the first flow.
    pub fn new(first: Timestamp, packet: PacketRef) -> Self {
        ConversationSum {
            flows: 0,
            packets: [0; 2],
            bytes: [0; 2],
            payload: [0; 2],
            acknowledged: [0; 2],
            flows_with_payload: [0; 2],
            ttl_min: [255; 2],
            ttl_max: [0; 2],
            round_trip: i64::MAX,
            round_trip_back: i64::MAX,
            attempts: 0,
            paced_repeats: 0,
            retransmissions: [0; 2],
            resets: [0; 2],
            icmp_errors: 0,
            moved: 0,
            one_sided: 0,
            mss_min: 0,
            first,
            last: first,
            first_packet: packet,
            first_payload: None,
            first_answer: None,
            legs: Vec::new(),
            answer_mac: None,
        }
    }

    /// Adds another sum of the same key. Commutative and associative.
    pub fn merge(&mut self, other: &ConversationSum) {
        self.flows = self.flows.saturating_add(other.flows);
        for side in 0..2 {
            self.packets[side] = self.packets[side].saturating_add(other.packets[side]);
            self.bytes[side] = self.bytes[side].saturating_add(other.bytes[side]);
            self.payload[side] = self.payload[side].saturating_add(other.payload[side]);
            self.acknowledged[side] =
                self.acknowledged[side].saturating_add(other.acknowledged[side]);
            self.flows_with_payload[side] =
                self.flows_with_payload[side].saturating_add(other.flows_with_payload[side]);
            self.ttl_min[side] = self.ttl_min[side].min(other.ttl_min[side]);
            self.ttl_max[side] = self.ttl_max[side].max(other.ttl_max[side]);
            self.retransmissions[side] =
                self.retransmissions[side].saturating_add(other.retransmissions[side]);
            self.resets[side] = self.resets[side].saturating_add(other.resets[side]);
        }
        self.round_trip = self.round_trip.min(other.round_trip);
        self.round_trip_back = self.round_trip_back.min(other.round_trip_back);
        self.attempts = self.attempts.saturating_add(other.attempts);
        self.paced_repeats = self.paced_repeats.saturating_add(other.paced_repeats);
        self.icmp_errors = self.icmp_errors.saturating_add(other.icmp_errors);
        self.moved = self.moved.saturating_add(other.moved);
        self.one_sided = self.one_sided.saturating_add(other.one_sided);
        self.mss_min = match (self.mss_min, other.mss_min) {
            (0, mss) | (mss, 0) => mss,
            (a, b) => a.min(b),
        };
        if (other.first, other.first_packet) < (self.first, self.first_packet) {
            self.first_packet = other.first_packet;
        }
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.first_payload = earliest(self.first_payload, other.first_payload);
        self.first_answer = earliest(self.first_answer, other.first_answer);
        self.answer_mac = earliest(self.answer_mac, other.answer_mac);
        for leg in &other.legs {
            self.add_leg(*leg);
        }
    }

    /// Remembers a leg; the smallest [`LEGS_MAX`] are kept, sorted.
    pub fn add_leg(&mut self, leg: Leg) {
        if let Err(at) = self.legs.binary_search(&leg) {
            self.legs.insert(at, leg);
            self.legs.truncate(LEGS_MAX);
        }
    }
}

fn earliest<T: Ord>(a: Option<T>, b: Option<T>) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// Questions and answers about link-layer addresses (ARP, neighbour discovery), summed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NeighbourKey {
    /// Where.
    pub segment: Segment,
    /// Who asked, or announced itself.
    pub asker_mac: MacAddr,
    /// The address the asker says it has; unspecified for probes.
    pub asker_ip: IpAddr,
    /// The address asked for.
    pub target: IpAddr,
    /// Who answered; `None` for questions.
    pub answered_by: Option<MacAddr>,
}

impl Hash for NeighbourKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.segment.hash(state);
        self.asker_mac.hash(state);
        hash_ip(self.asker_ip, state);
        hash_ip(self.target, state);
        hash_mac(self.answered_by, state);
    }
}

/// Times kept of one [`NeighbourKey`].
pub type NeighbourTimes = Slots<10, 64>;

/// Sums over one [`NeighbourKey`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NeighbourSum {
    /// Packets.
    #[serde(deserialize_with = "crate::plausible_count")]
    pub count: u64,
    /// First and last time.
    pub first: Timestamp,
    /// See `first`.
    pub last: Timestamp,
    /// First packet.
    pub packet: PacketRef,
    /// When, in slots of ten seconds; the earliest of them.
    pub times: NeighbourTimes,
}

impl NeighbourSum {
    /// Of one packet.
    pub fn of(time: Timestamp, packet: PacketRef) -> Self {
        NeighbourSum {
            count: 1,
            first: time,
            last: time,
            packet,
            times: NeighbourTimes::between(time, time),
        }
    }

    /// Adds a packet of the same key.
    pub fn add(&mut self, time: Timestamp, packet: PacketRef) {
        self.count = self.count.saturating_add(1);
        self.seen(time, time, packet);
        self.times.add(time, time);
    }

    /// Adds another sum of the same key.
    pub fn merge(&mut self, other: &NeighbourSum) {
        self.count = self.count.saturating_add(other.count);
        self.seen(other.first, other.last, other.packet);
        self.times.merge(&other.times);
    }

    fn seen(&mut self, first: Timestamp, last: Timestamp, packet: PacketRef) {
        if (first, packet) < (self.first, self.packet) {
            self.packet = packet;
        }
        self.first = self.first.min(first);
        self.last = self.last.max(last);
    }
}

/// What a TCP flow towards elsewhere began with, so that its translated leg can be found:
/// network address translation changes addresses and ports, not these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowStart {
    /// Server's address.
    pub responder: IpAddr,
    /// Server's port.
    pub port: u16,
    /// Initial sequence number of the client.
    pub sequence: u32,
    /// Time stamp option of the SYN, 0 when absent.
    pub tcp_timestamp: u32,
    /// Client's address on this leg.
    pub originator: IpAddr,
    /// Where.
    pub segment: Segment,
    /// When.
    pub time: Timestamp,
    /// Which packet.
    pub packet: PacketRef,
}

/// One ended flow, as `flows` prints it.
#[derive(Clone, Debug, PartialEq)]
pub struct FlowRecord {
    /// Sequence number in world order.
    pub id: u64,
    /// First and last packet time.
    pub first: Timestamp,
    /// See `first`.
    pub last: Timestamp,
    /// Protocol above IP.
    pub transport: Transport,
    /// Who began.
    pub originator: Endpoint,
    /// Who was spoken to.
    pub responder: Endpoint,
    /// Application protocol, `unknown` when not identified.
    pub protocol: &'static str,
    /// How sure the protocol is, 0 to 1.
    pub protocol_confidence: f32,
    /// Packets each way.
    pub packets: [u64; 2],
    /// Frame bytes each way.
    pub bytes: [u64; 2],
    /// What happened, a letter an event: S SYN, H SYN-ACK, D data, F FIN, R reset,
    /// T retransmission, G gap, C conflicting overlap, I ICMP error; upper case from the
    /// originator, lower from the responder; each at most once.
    pub history: String,
    /// Community ID, version 1, seed 0.
    pub community_id: String,
    /// Server name that the client asked for, when one was seen.
    pub server_name: Option<String>,
    /// First packet.
    pub first_packet: PacketRef,
}
