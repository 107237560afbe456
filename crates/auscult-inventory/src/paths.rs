//! Which conversations two addresses had, and by which ways answers come back at all.
//!
//! "Nobody answered" means something only where an answer would have been seen: where other
//! flows by the same way were answered.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::ops::Range;

use auscult_model::{MacAddr, NeighbourKey, Outcome, PacketRef, Segment, Timestamp, Transport};
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
    /// An address, a peer of it, and a conversation between the two: in order, each conversation
    /// once from either side.
    conversations: Vec<(IpAddr, IpAddr, u32)>,
    /// Where the conversations of an address lie.
    of: HashMap<IpAddr, Range<usize>, RandomState>,
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
        for (slot, key, sum) in ledger.placed_conversations() {
            let (one, other) = (key.originator, key.responder);
            paths.conversations.push((one, other, slot));
            if one != other {
                paths.conversations.push((other, one, slot));
            }
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
        paths.sort();
        paths
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

    fn sort(&mut self) {
        // Stable: the conversations of a pair keep the order of the ledger.
        self.conversations.sort_by_key(|(ip, peer, _)| (*ip, *peer));
        let mut start = 0;
        for of_one in self.conversations.chunk_by(|a, b| a.0 == b.0) {
            let end = start + of_one.len();
            if let Some((ip, ..)) = of_one.first() {
                self.of.insert(*ip, start..end);
            }
            start = end;
        }
    }

    /// The conversations of an address.
    fn of(&self, ip: IpAddr) -> &[(IpAddr, IpAddr, u32)] {
        let range = self.of.get(&ip).cloned();
        range
            .and_then(|range| self.conversations.get(range))
            .unwrap_or_default()
    }

    /// The places of the conversations between two addresses.
    pub(crate) fn between(&self, a: IpAddr, b: IpAddr) -> &[(IpAddr, IpAddr, u32)] {
        let all = self.of(a);
        let start = all.partition_point(|(_, peer, _)| *peer < b);
        let rest = all.get(start..).unwrap_or_default();
        let end = rest.partition_point(|(_, peer, _)| *peer == b);
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
