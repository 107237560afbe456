//! Which conversations two addresses had, and by which ways answers come back at all.
//!
//! "Nobody answered" means something only where an answer would have been seen: where other
//! flows by the same way were answered.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use auscult_model::{
    ConversationKey, MacAddr, NeighbourKey, Outcome, PacketRef, Segment, Timestamp, Transport,
};
use foldhash::quality::RandomState;

use crate::facts::real;
use crate::ledger::Ledger;
use crate::links::{Links, responder_segment};
use crate::site::is_private;

/// IP protocol numbers of IPsec (RFC 4303, RFC 4302).
const ESP: u8 = 50;
/// See `ESP`.
const AH: u8 = 51;
/// Protocols that carry others past the capture point.
const TUNNELS: [&str; 4] = ["esp", "ah", "openvpn", "wireguard"];

/// Two legs of one flow are at most so far apart.
const LEGS_APART: i64 = 20 * Timestamp::MILLISECOND;

/// One opening of a flow: when, from which address, where, in which packet.
pub(crate) type Opening = (Timestamp, IpAddr, Segment, PacketRef);

/// Questions on a segment for one address.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    /// One of them was answered.
    pub(crate) is_answered: bool,
    /// Those that were not, by who asked.
    pub(crate) by: BTreeMap<IpAddr, Vec<NeighbourKey>>,
}

/// See the module's words.
#[derive(Clone, Debug, Default)]
pub(crate) struct Paths {
    /// Numbers of the addresses that took part in conversations.
    numbers: HashMap<IpAddr, u32, RandomState>,
    /// Peer, by its number, and place of each conversation, each from either side: those of an
    /// address side by side, those of a pair in the order of the ledger.
    conversations: Vec<(u32, u32)>,
    /// Where the conversations of an address end, by its number.
    ends: Vec<usize>,
    /// Answered flows to addresses behind a next hop of a segment.
    ways: BTreeMap<(Segment, Option<MacAddr>), u64>,
    /// Addresses on a segment that were answered by public addresses behind a router.
    answered_from_outside: BTreeSet<(Segment, IpAddr)>,
    /// Questions on a segment for an address.
    asked: BTreeMap<(Segment, IpAddr), Asked>,
    /// The same opening seen from another address: by client, server and port, the earliest.
    translated: BTreeMap<(IpAddr, IpAddr, u16), Opening>,
    /// Segments that tunnels leave: ESP, AH, IKE's NAT traversal, and the like.
    tunnels: BTreeSet<Segment>,
    /// Earliest and latest packet of all conversations.
    pub(crate) span: Option<(Timestamp, Timestamp)>,
}

impl Paths {
    /// Reads the ledger.
    pub(crate) fn resolve(ledger: &Ledger, links: &Links) -> Paths {
        let mut paths = Paths::default();
        for key in ledger.neighbours().keys() {
            let asked = paths.asked.entry((key.segment, key.target)).or_default();
            match key.answered_by {
                Some(_) => asked.is_answered = true,
                None => asked.by.entry(key.asker_ip).or_default().push(*key),
            }
        }
        paths.find_translations(ledger);
        for (_, key, sum) in ledger.placed_conversations() {
            let (first, last) = paths.span.unwrap_or((sum.first, sum.last));
            paths.span = Some((first.min(sum.first), last.max(sum.last)));
            let tunnel = TUNNELS.contains(&key.protocol)
                || matches!(key.transport, Transport::Other(ESP | AH));
            if tunnel && !(is_private(key.originator) && is_private(key.responder)) {
                paths.tunnels.insert(key.segment);
            }
            if key.outcome != Outcome::Answered {
                continue;
            }
            if links.holder(key.segment, key.responder).is_none() {
                let way = (key.segment, real(key.responder_mac));
                *paths.ways.entry(way).or_default() += sum.flows.max(1);
                if !is_private(key.responder) && sum.payload.iter().any(|bytes| *bytes > 0) {
                    let local = (key.segment, key.originator);
                    paths.answered_from_outside.insert(local);
                }
            } else if !is_private(key.originator) {
                let segment = responder_segment(key, sum);
                if links.holder(segment, key.originator).is_none() {
                    paths.answered_from_outside.insert((segment, key.responder));
                }
            }
        }
        paths.place_conversations(ledger);
        paths
    }

    /// Counts the conversations of each address, then puts each in its place: no list grows, and
    /// nothing large is sorted.
    fn place_conversations(&mut self, ledger: &Ledger) {
        let mut counts: Vec<usize> = Vec::new();
        for (_, key, _) in ledger.placed_conversations() {
            for ip in sides(key) {
                let next = counts.len() as u32;
                let number = *self.numbers.entry(ip).or_insert(next);
                match counts.get_mut(number as usize) {
                    Some(count) => *count += 1,
                    None => counts.push(1),
                }
            }
        }
        let mut total = 0;
        let mut next: Vec<usize> = counts
            .iter()
            .map(|count| {
                total += count;
                total - count
            })
            .collect();
        self.conversations = vec![(0, 0); total];
        for (slot, key, _) in ledger.placed_conversations() {
            for (ip, peer) in sides(key).zip([key.responder, key.originator]) {
                let (Some(number), Some(peer)) = (self.numbers.get(&ip), self.numbers.get(&peer))
                else {
                    continue;
                };
                if let Some(at) = next.get_mut(*number as usize) {
                    if let Some(place) = self.conversations.get_mut(*at) {
                        *place = (*peer, slot);
                    }
                    *at += 1;
                }
            }
        }
        let mut start = 0;
        for end in &next {
            if let Some(own) = self.conversations.get_mut(start..*end) {
                // Stable: the conversations of a pair keep the order of the ledger.
                own.sort_by_key(|(peer, _)| *peer);
            }
            start = *end;
        }
        self.ends = next;
    }

    /// Address translation changes addresses and ports, not the sequence number.
    fn find_translations(&mut self, ledger: &Ledger) {
        for ((server, port, ..), start) in ledger.starts() {
            for ours in &start.legs {
                let other = start
                    .legs
                    .iter()
                    .find(|leg| leg.1 != ours.1 && leg.0.since(ours.0).abs() <= LEGS_APART);
                if let Some(other) = other {
                    self.translated
                        .entry((ours.1, *server, *port))
                        .and_modify(|known| *known = *other.min(known))
                        .or_insert(*other);
                }
            }
        }
    }

    /// The opening beyond address translation of flows from a client to a server's port.
    pub(crate) fn translation(&self, client: IpAddr, server: IpAddr, port: u16) -> Option<Opening> {
        self.translated.get(&(client, server, port)).copied()
    }

    /// Questions on a segment for an address.
    pub(crate) fn asked(&self, segment: Segment, target: IpAddr) -> Option<&Asked> {
        self.asked.get(&(segment, target))
    }

    /// The conversations between two addresses: the number of the second, and their places.
    pub(crate) fn between(&self, a: IpAddr, b: IpAddr) -> &[(u32, u32)] {
        let (Some(a), Some(b)) = (self.numbers.get(&a), self.numbers.get(&b)) else {
            return &[];
        };
        let before = (*a as usize).checked_sub(1);
        let start = before.and_then(|before| self.ends.get(before));
        let end = self.ends.get(*a as usize).copied().unwrap_or_default();
        let range = start.copied().unwrap_or_default()..end;
        let all = self.conversations.get(range).unwrap_or_default();
        let start = all.partition_point(|(peer, _)| peer < b);
        let rest = all.get(start..).unwrap_or_default();
        let end = rest.partition_point(|(peer, _)| peer == b);
        rest.get(..end).unwrap_or_default()
    }

    /// Answered flows to addresses behind a next hop.
    pub(crate) fn answered_by_way(&self, segment: Segment, next_hop: Option<MacAddr>) -> u64 {
        self.ways.get(&(segment, next_hop)).copied().unwrap_or(0)
    }

    /// A tunnel to a public address leaves this segment.
    pub(crate) fn tunnels(&self, segment: Segment) -> bool {
        self.tunnels.contains(&segment)
    }

    /// Answers came back to this address from public addresses behind a router.
    pub(crate) fn answered_from_outside(&self, segment: Segment, ip: IpAddr) -> bool {
        self.answered_from_outside.contains(&(segment, ip))
    }
}

/// Both ends of a conversation, or the one.
fn sides(key: &ConversationKey) -> impl Iterator<Item = IpAddr> {
    let several = usize::from(key.originator != key.responder);
    [key.originator, key.responder]
        .into_iter()
        .take(1 + several)
}
