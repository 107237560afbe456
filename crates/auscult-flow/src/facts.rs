//! What is known of a flow besides its bytes: who, when, how much, how it went.

use auscult_model::{
    ConversationKey, ConversationSum, Direction, Endpoint, FlowRecord, LEGS_MAX, Leg, MacAddr,
    Outcome, PacketRef, Timestamp, Transport,
};

use auscult_packet::Tunnel;

use crate::community_id::community_id;

/// Openings less than this apart are no retransmission of an opening (old kernels wait 3 s, new
/// ones 1 s).
const PACE: i64 = 800 * Timestamp::MILLISECOND;

/// Things that happened in a flow, a bit each; the responder's are shifted by [`Happened::SHIFT`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Happened(u32);

impl Happened {
    /// An opening SYN.
    pub const SYN: u32 = 1;
    /// A SYN with ACK.
    pub const SYN_ACK: u32 = 1 << 1;
    /// Payload.
    pub const DATA: u32 = 1 << 2;
    /// A FIN.
    pub const FIN: u32 = 1 << 3;
    /// A reset.
    pub const RESET: u32 = 1 << 4;
    /// A segment sent again.
    pub const AGAIN: u32 = 1 << 5;
    /// Bytes missing.
    pub const GAP: u32 = 1 << 6;
    /// Different bytes for the same place.
    pub const CONFLICT: u32 = 1 << 7;
    /// An ICMP error quoted this side's packet.
    pub const ICMP_ERROR: u32 = 1 << 8;
    /// Acknowledged what the other side sent, in neither an opening nor a reset. Without a letter.
    pub const HEARD: u32 = 1 << 9;
    /// Frames came from another card than the first one. Without a letter.
    pub const MOVED: u32 = 1 << 10;
    const LETTERS: [char; 9] = ['S', 'H', 'D', 'F', 'R', 'T', 'G', 'C', 'I'];
    const SHIFT: u32 = 16;

    /// Notes that it happened on a side.
    pub fn note(&mut self, direction: Direction, what: u32) {
        self.0 |= what << (Self::SHIFT * direction.index() as u32);
    }

    /// Whether any of `what` happened on a side.
    pub fn saw(self, direction: Direction, what: u32) -> bool {
        self.0 & (what << (Self::SHIFT * direction.index() as u32)) != 0
    }

    /// As letters: upper case for the originator's, lower case for the responder's.
    pub fn letters(self) -> String {
        let mut text = String::new();
        for (bit, letter) in Self::LETTERS.into_iter().enumerate() {
            if self.saw(Direction::FromOriginator, 1 << bit) {
                text.push(letter);
            }
            if self.saw(Direction::FromResponder, 1 << bit) {
                text.push(letter.to_ascii_lowercase());
            }
        }
        text
    }
}

/// Bytes that came twice, differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// Who sent them.
    pub direction: Direction,
    /// Digests (XXH3, 64 bits) of what came first, which is what was read, and of what came later.
    pub versions: (u64, u64),
    /// The packet that contradicted.
    pub packet: PacketRef,
}

/// The counts and marks of one flow. Pairs are `[originator, responder]`.
#[derive(Clone, Debug)]
pub struct FlowFacts {
    /// Protocol above IP.
    pub transport: Transport,
    /// Both ends.
    pub ends: [Endpoint; 2],
    /// First packet's time.
    pub first: Timestamp,
    /// Last packet's time.
    pub last: Timestamp,
    /// First packet.
    pub first_packet: PacketRef,
    /// Last packet.
    pub last_packet: PacketRef,
    /// First packet with payload, each way.
    pub first_payload: [Option<PacketRef>; 2],
    /// First packet of the responder.
    pub first_answer: Option<PacketRef>,
    /// Packets.
    pub packets: [u64; 2],
    /// Frame bytes on the wire.
    pub bytes: [u64; 2],
    /// Transport payload bytes.
    pub payload: [u64; 2],
    /// Payload bytes of each side that the other acknowledged.
    pub acknowledged: [u64; 2],
    /// Smallest hop limit.
    pub ttl_min: [u8; 2],
    /// Largest hop limit.
    pub ttl_max: [u8; 2],
    /// Shortest time from a side's packet to the answer to it; `i64::MAX` when not measured.
    pub round_trip: [i64; 2],
    /// Openings seen, repeats included.
    pub attempts: u32,
    /// Repeats of the opening at retransmission pace.
    pub paced_repeats: u32,
    /// Time of the last opening.
    last_attempt: Timestamp,
    /// Segments sent again.
    pub retransmissions: [u32; 2],
    /// Resets.
    pub resets: [u32; 2],
    /// ICMP errors that quote the flow.
    pub icmp_errors: u32,
    /// Smallest maximum segment size offered, 0 for none.
    pub mss_min: u16,
    /// Holes, and those of which the receiver had the bytes.
    pub gaps: u32,
    /// Copies seen elsewhere.
    pub legs: Vec<Leg>,
    /// Source of the responder's frames.
    pub answer_mac: Option<MacAddr>,
    /// The tunnel that its packets are of.
    pub tunnel: Option<Tunnel>,
    /// What happened.
    pub happened: Happened,
    /// Digests of the first two versions of bytes that differ.
    pub conflict: Option<Conflict>,
}

impl FlowFacts {
    /// Of a flow that begins with `packet`.
    pub fn new(
        transport: Transport,
        ends: [Endpoint; 2],
        time: Timestamp,
        packet: PacketRef,
    ) -> Self {
        FlowFacts {
            transport,
            ends,
            first: time,
            last: time,
            first_packet: packet,
            last_packet: packet,
            first_payload: [None; 2],
            first_answer: None,
            packets: [0; 2],
            bytes: [0; 2],
            payload: [0; 2],
            acknowledged: [0; 2],
            ttl_min: [255; 2],
            ttl_max: [0; 2],
            round_trip: [i64::MAX; 2],
            attempts: 0,
            paced_repeats: 0,
            last_attempt: Timestamp::MIN,
            retransmissions: [0; 2],
            resets: [0; 2],
            icmp_errors: 0,
            mss_min: 0,
            gaps: 0,
            legs: Vec::new(),
            answer_mac: None,
            tunnel: None,
            happened: Happened::default(),
            conflict: None,
        }
    }

    /// The sending end of a direction.
    pub fn sender(&self, direction: Direction) -> &Endpoint {
        &self.ends[direction.index()]
    }

    /// An opening: a SYN, or a datagram while nobody has answered.
    pub(crate) fn attempt(&mut self, time: Timestamp) {
        if self.attempts > 0 && time.since(self.last_attempt) >= PACE {
            self.paced_repeats = self.paced_repeats.saturating_add(1);
        }
        self.attempts = self.attempts.saturating_add(1);
        self.last_attempt = time;
    }

    /// Remembers where copies of this flow's packets were seen.
    pub(crate) fn leg(&mut self, leg: Leg) {
        if self.legs.len() < LEGS_MAX && !self.legs.contains(&leg) {
            self.legs.push(leg);
        }
    }

    /// A time from a packet to the answer to it.
    pub(crate) fn answered_in(&mut self, sender: Direction, nanoseconds: i64) {
        let best = &mut self.round_trip[sender.index()];
        if nanoseconds >= 0 && nanoseconds < *best {
            *best = nanoseconds;
        }
    }

    /// Whether packets went both ways.
    pub fn is_answered(&self) -> bool {
        self.packets[0] > 0 && self.packets[1] > 0
    }

    /// How the flow went.
    pub fn outcome(&self) -> Outcome {
        let no_payload = self.payload == [0, 0];
        let refused = self.happened.saw(Direction::FromOriginator, Happened::SYN)
            && self.happened.saw(Direction::FromResponder, Happened::RESET)
            && !self
                .happened
                .saw(Direction::FromResponder, Happened::SYN_ACK);
        if (refused && no_payload) || (self.icmp_errors > 0 && self.packets[1] == 0) {
            Outcome::Refused
        } else if self.packets[1] > 0 {
            Outcome::Answered
        } else {
            Outcome::Unanswered
        }
    }

    /// Only one direction was captured though the other must exist: a handshake went on, or data
    /// followed it, without a packet from the other side.
    pub fn is_one_sided(&self) -> bool {
        if self.transport != Transport::Tcp || self.is_answered() {
            return false;
        }
        self.packets[0] == 0
            || self.payload[0] > 0
            || self.happened.saw(
                Direction::FromOriginator,
                Happened::SYN_ACK | Happened::FIN | Happened::HEARD,
            )
            || (self.packets[0] > 0
                && !self
                    .happened
                    .saw(Direction::FromOriginator, Happened::SYN | Happened::RESET))
    }

    /// The card that a side's first frame came from.
    pub(crate) fn card(&self, direction: Direction) -> Option<MacAddr> {
        match direction {
            Direction::FromOriginator => self.ends[0].mac,
            Direction::FromResponder => self.answer_mac.filter(|mac| *mac != MacAddr::NONE),
        }
    }

    /// Frames of a side came from more than one card: a router pair, a team, a device that
    /// changes between cable and radio, or somebody else.
    fn has_moved(&self) -> bool {
        let moved = |direction| self.happened.saw(direction, Happened::MOVED);
        moved(Direction::FromOriginator) || moved(Direction::FromResponder)
    }

    /// What the flow adds to the sums of its conversation.
    pub fn conversation(&self, protocol: &'static str) -> (ConversationKey, ConversationSum) {
        let [originator, responder] = self.ends;
        let key = ConversationKey {
            segment: originator.segment,
            originator: originator.ip,
            originator_mac: originator.mac,
            responder: responder.ip,
            responder_mac: responder.mac,
            transport: self.transport,
            port: responder.port,
            protocol,
            outcome: self.outcome(),
            hour: self.first.hour(),
        };
        let mut sum = ConversationSum::new(self.first, self.first_packet);
        sum.flows = 1;
        sum.packets = self.packets;
        sum.bytes = self.bytes;
        sum.payload = self.payload;
        sum.acknowledged = self.acknowledged;
        sum.flows_with_payload = self.payload.map(|bytes| u64::from(bytes > 0));
        sum.ttl_min = self.ttl_min;
        sum.ttl_max = self.ttl_max;
        [sum.round_trip, sum.round_trip_back] = self.round_trip;
        sum.attempts = u64::from(self.attempts);
        sum.paced_repeats = u64::from(self.paced_repeats);
        sum.retransmissions = self.retransmissions.map(u64::from);
        sum.resets = self.resets.map(u64::from);
        sum.icmp_errors = u64::from(self.icmp_errors);
        sum.moved = u64::from(self.has_moved());
        sum.one_sided = u64::from(self.is_one_sided());
        sum.mss_min = self.mss_min;
        sum.last = self.last;
        sum.first_payload = self.first_payload[0];
        sum.first_answer = self.first_answer;
        sum.answer_mac = self.answer_mac.filter(|mac| Some(*mac) != responder.mac);
        for leg in &self.legs {
            sum.add_leg(*leg);
        }
        (key, sum)
    }

    /// The flow as `flows` prints it; the world gives it its id.
    pub fn record(&self, protocol: &'static str, confidence: f32) -> FlowRecord {
        let [originator, responder] = self.ends;
        FlowRecord {
            id: 0,
            first: self.first,
            last: self.last,
            transport: self.transport,
            originator,
            responder,
            protocol,
            protocol_confidence: confidence,
            packets: self.packets,
            bytes: self.bytes,
            history: self.happened.letters(),
            community_id: community_id(&originator, &responder, self.transport),
            server_name: None,
            first_packet: self.first_packet,
        }
    }
}
