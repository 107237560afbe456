//! All conversations between two addresses, added up from the local side's point of view.

use std::net::IpAddr;

use auscult_model::{
    ConversationKey, ConversationSum, Direction, MacAddr, Outcome, PacketRef, Segment, Timestamp,
    Transport,
};

use crate::facts::real;
use crate::inventory::Inventory;
use crate::ledger::Ledger;
use crate::links::HopLimits;
use crate::reach::{Ends, Filter};
use crate::site::is_private;

/// Repeats of an opening at the pace of retransmission are at least so far apart.
const PACE: i64 = 800 * Timestamp::MILLISECOND;
/// Packets kept as evidence.
const EVIDENCE: usize = 6;

/// Sums from the local side's point of view. Pairs are `[to the peer, from the peer]`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Traffic {
    pub(crate) flows: u64,
    /// Flows with packets both ways.
    pub(crate) answered: u64,
    /// At least one of them shows that what the local side sent arrives.
    pub(crate) two_way: bool,
    /// Flows that were reset at once, or that an ICMP error quotes.
    pub(crate) refused: u64,
    pub(crate) icmp_errors: u64,
    pub(crate) one_sided: u64,
    /// Packets that the local side sent.
    pub(crate) sent: u64,
    pub(crate) payload: [u64; 2],
    /// Of the local side's payload.
    pub(crate) acknowledged: u64,
    pub(crate) retransmissions: u64,
    pub(crate) attempts: u64,
    pub(crate) paced_repeats: u64,
    /// From the local side's packets to the peer's answers.
    pub(crate) round_trip_ms: Option<f64>,
    pub(crate) hops: Option<u8>,
    pub(crate) mss_min: u16,
    pub(crate) span: Option<(Timestamp, Timestamp)>,
    pub(crate) packets: Vec<(PacketRef, &'static str)>,
    pub(crate) to_group: bool,
    pub(crate) only_datagrams: bool,
    pub(crate) inbound: bool,
    pub(crate) next_hop: Option<MacAddr>,
    pub(crate) behind_gateway: bool,
    /// Answers with a hop limit that no router lowered, though the peer does not live here.
    pub(crate) answered_by_gateway: bool,
    /// Where the same packets were seen further out; from which address if that was changed.
    pub(crate) outer_leg: Option<(Segment, Option<IpAddr>)>,
    /// Answered flows to others by the same way.
    pub(crate) path_answered: u64,
    /// Questions on the link for the peer, unanswered.
    pub(crate) asked_here: u64,
    /// They were repeated at the pace of retransmission.
    pub(crate) asked_paced: bool,
    limits: Option<HopLimits>,
    pub(crate) peer: Option<IpAddr>,
    /// Conversations that were not added up, to bound the work.
    pub(crate) left_out: usize,
}

/// Answers after so long, over so many routers, come from no network of the place.
const FAR_MS: f64 = 20.0;
/// See `FAR_MS`.
const FAR_HOPS: u8 = 5;
/// Conversations that are added up for one question, at most.
const CONVERSATIONS_MAX: usize = 1024;

impl Traffic {
    /// Adds up the conversations that the filter lets through.
    pub(crate) fn gather(
        inventory: &Inventory,
        ledger: &Ledger,
        ends: Ends,
        filter: Filter<'_>,
    ) -> Traffic {
        let mut traffic = Traffic {
            only_datagrams: true,
            peer: Some(ends.peer),
            left_out: inventory
                .paths
                .between(ends.local.1, ends.peer)
                .len()
                .saturating_sub(CONVERSATIONS_MAX),
            ..Traffic::default()
        };
        for (key, sum) in conversations(inventory, ledger, ends, filter) {
            traffic.add(inventory, ends, key, sum);
            if key.originator == ends.local.1 {
                traffic.translated(inventory, ends, key);
            }
        }
        traffic.conclude(inventory, ends);
        traffic.asked(inventory, ledger, ends);
        traffic.packets.sort();
        traffic.packets.dedup_by_key(|(packet, _)| *packet);
        traffic.packets.truncate(EVIDENCE);
        traffic
    }

    /// Payload went by a router, and what answered it is far away by time and by hop limit.
    pub(crate) fn comes_from_far(&self, inventory: &Inventory, ends: Ends) -> bool {
        let by_router = self
            .next_hop
            .is_some_and(|hop| inventory.links.is_router(ends.local.0, hop));
        self.answered > 0
            && self.two_way
            && by_router
            && self.round_trip_ms.is_some_and(|ms| ms >= FAR_MS)
            && self.hops.is_some_and(|hops| hops >= FAR_HOPS)
    }

    fn add(
        &mut self,
        inventory: &Inventory,
        ends: Ends,
        key: &ConversationKey,
        sum: &ConversationSum,
    ) {
        let out = key.originator == ends.local.1;
        let (us, them) = if out { (0, 1) } else { (1, 0) };
        let side = |pair: &[u64; 2], side: usize| pair.get(side).copied().unwrap_or(0);
        self.flows += sum.flows;
        self.one_sided += sum.one_sided;
        self.sent += side(&sum.packets, us);
        self.payload[0] += side(&sum.payload, us);
        self.payload[1] += side(&sum.payload, them);
        self.acknowledged += side(&sum.acknowledged, us);
        self.retransmissions += side(&sum.retransmissions, us);
        self.icmp_errors += sum.icmp_errors;
        self.only_datagrams &= key.transport != Transport::Tcp;
        self.to_group |= out && key.responder_mac.is_some_and(MacAddr::is_group);
        self.inbound |= !out;
        if out {
            self.attempts += sum.attempts;
            self.paced_repeats += sum.paced_repeats;
        }
        // Outward from the capture point: from the local side's packets to the peer's answers.
        let round_trip = if out {
            sum.round_trip
        } else {
            sum.round_trip_back
        };
        if round_trip != i64::MAX {
            let ms = round_trip as f64 / Timestamp::MILLISECOND as f64;
            self.round_trip_ms = Some(self.round_trip_ms.map_or(ms, |known| known.min(ms)));
        }
        match key.outcome {
            Outcome::Answered => {
                self.answered += sum.flows.max(1);
                // A datagram from outside may bear any sender; a handshake cannot.
                self.two_way |= out
                    || key.transport == Transport::Tcp
                        && (side(&sum.payload, them) > 0 || side(&sum.acknowledged, us) > 0);
            }
            Outcome::Refused if out => self.refused += sum.flows.max(1),
            Outcome::Refused | Outcome::Unanswered => {}
        }
        self.mss_min = match (self.mss_min, sum.mss_min) {
            (0, mss) | (mss, 0) => mss,
            (a, b) => a.min(b),
        };
        let (first, last) = self.span.unwrap_or((sum.first, sum.last));
        self.span = Some((first.min(sum.first), last.max(sum.last)));
        self.evidence(sum);
        self.way(inventory, ends, key, sum, them);
    }

    fn evidence(&mut self, sum: &ConversationSum) {
        self.packets.push((sum.first_packet, "first packet"));
        if let Some(packet) = sum.first_payload {
            self.packets.push((packet, "first payload"));
        }
        if let Some(packet) = sum.first_answer {
            self.packets.push((packet, "first answer"));
        }
        // The earliest few of a long list are enough; the list must not grow with it.
        if self.packets.len() > 8 * EVIDENCE {
            self.packets.sort();
            self.packets.truncate(EVIDENCE);
        }
    }

    /// Which way the frames took.
    fn way(
        &mut self,
        inventory: &Inventory,
        ends: Ends,
        key: &ConversationKey,
        sum: &ConversationSum,
        them: usize,
    ) {
        let links = &inventory.links;
        let out = them == 1;
        let hop = real(if out {
            key.responder_mac
        } else {
            key.originator_mac
        });
        if let Some(hop) = hop {
            self.next_hop = Some(self.next_hop.map_or(hop, |known| known.min(hop)));
            if !links.holds(key.segment, hop, ends.peer) {
                self.behind_gateway |= links.is_router(key.segment, hop);
            }
        }
        let packets = sum.packets.get(them).copied().unwrap_or(0);
        if packets > 0
            && let (Some(&min), Some(&max)) = (sum.ttl_min.get(them), sum.ttl_max.get(them))
            && let Some(limits) = HopLimits::new(min, max)
        {
            match &mut self.limits {
                Some(known) => known.merge(limits),
                None => self.limits = Some(limits),
            }
        }
        let path = inventory.paths.answered_by_way(key.segment, hop);
        self.path_answered = self.path_answered.max(path);
        let further = sum.legs.iter().find(|leg| {
            let direction = if out {
                Direction::FromOriginator
            } else {
                Direction::FromResponder
            };
            leg.direction == direction
                && leg.ttl_step < 0
                && links.is_outer(leg.segment, leg.dst_mac, ends.local.1)
        });
        if let Some(leg) = further {
            self.outer_leg.get_or_insert((leg.segment, None));
        }
    }

    /// Looks for the same opening from another address: address translation on the way out.
    fn translated(&mut self, inventory: &Inventory, ends: Ends, key: &ConversationKey) {
        let (client, server) = (ends.local.1, key.responder);
        if let Some((_, from, segment, packet)) =
            inventory.paths.translation(client, server, key.port)
        {
            self.outer_leg = Some((segment, Some(from)));
            self.packets
                .push((packet, "the same opening beyond address translation"));
        }
    }

    fn conclude(&mut self, inventory: &Inventory, ends: Ends) {
        if let Some(limits) = self.limits {
            self.hops = Some(limits.hops());
            let lives = inventory.links.holder(ends.local.0, ends.peer).is_some();
            self.behind_gateway |= limits.is_lowered() && !lives;
            self.answered_by_gateway = limits.is_initial() && !lives;
        }
        // The flows themselves are no witness of other flows.
        self.path_answered = self.path_answered.saturating_sub(self.answered);
    }

    /// Questions for the peer on the local link that nobody answered.
    fn asked(&mut self, inventory: &Inventory, ledger: &Ledger, ends: Ends) {
        let Some(asked) = inventory.paths.asked(ends.local.0, ends.peer) else {
            return;
        };
        let mut span: Option<(Timestamp, Timestamp)> = None;
        for key in asked.by.get(&ends.local.1).into_iter().flatten() {
            if let Some(sum) = ledger.neighbours().get(key) {
                self.asked_here += sum.count;
                let (first, last) = span.unwrap_or((sum.first, sum.last));
                span = Some((first.min(sum.first), last.max(sum.last)));
                self.packets.push((sum.packet, "asked for on the link"));
            }
        }
        if asked.is_answered {
            self.asked_here = 0;
            return;
        }
        if let Some((first, last)) = span {
            let repeats = self.asked_here.saturating_sub(1);
            let long = i64::try_from(repeats)
                .unwrap_or(i64::MAX)
                .saturating_mul(PACE);
            self.asked_paced = repeats > 0 && last.since(first) >= long;
            let (earliest, latest) = self.span.unwrap_or((first, last));
            self.span = Some((earliest.min(first), latest.max(last)));
        }
    }
}

/// The conversations of the local side: on its segment, or copied there; all of them when the
/// address lives on one segment only.
fn conversations<'a>(
    inventory: &'a Inventory,
    ledger: &'a Ledger,
    ends: Ends,
    filter: Filter<'a>,
) -> impl Iterator<Item = (&'a ConversationKey, &'a ConversationSum)> {
    let (segment, ip) = ends.local;
    let between = inventory.paths.between(ip, ends.peer);
    let few = between.iter().take(CONVERSATIONS_MAX);
    few.filter_map(move |(_, slot)| {
        let (key, sum) = ledger.conversation_at(*slot)?;
        let wanted = filter
            .protocol
            .is_none_or(|protocol| protocol == key.protocol)
            && filter.port.is_none_or(|port| port == key.port)
            && filter
                .transport
                .is_none_or(|transport| transport == key.transport);
        let here = key.segment == segment
            || sum.legs.iter().any(|leg| leg.segment == segment)
            || inventory.links.holder(key.segment, ip).is_none();
        (wanted && here).then_some((key, sum))
    })
}

impl crate::links::Links {
    /// Whether a copy seen on a segment, sent to a card, is on its way out of the site: its
    /// source can be routed beyond, or the segment is no home of ours.
    fn is_outer(&self, segment: Segment, to: Option<MacAddr>, from: IpAddr) -> bool {
        let to_router = real(to).is_some_and(|mac| self.is_router(segment, mac));
        !is_private(from) || to_router && !self.is_home(segment)
    }
}
