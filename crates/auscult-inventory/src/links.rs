//! What each card does on each segment: which addresses are its own, and whether it passes
//! packets on for others.
//!
//! A routed packet shows a router's MAC beside somebody else's IP; taking the two for one device
//! merges half a hospital. So an address is a card's own only on direct evidence: it asked or
//! announced itself by ARP, was leased it, broadcast from it, answered for it, or sent from it
//! with a hop limit that no router has lowered (32, 64, 128, 255). A card that sends lowered hop
//! limits, or gets frames for addresses it never answered for, is a *next hop*.
//!
//! Sources: RFC 826 (ARP), RFC 1027 (proxy ARP), RFC 4861 (ND), RFC 9568 (VRRP; its
//! advertisements carry the real IP with the virtual MAC). Limits: a card behind a bridge that
//! rewrites MACs, or a router that does not lower hop limits, can be misread.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use auscult_model::{
    Assignment, ConversationKey, ConversationSum, Direction, Leg, MacAddr, Outcome, Segment,
    Timestamp,
};
use foldhash::quality::RandomState;

use crate::facts::real;
use crate::ledger::{Described, Ledger};
use crate::site::{factory_range, is_group, is_link_local, is_private, is_somebody, usual_network};

/// A card answers ARP for so many addresses that it never sends from: it does so for others.
const ANSWERS_FOR_OTHERS: usize = 5;
/// A card sends from addresses of so many networks without having answered for one of them.
const NETWORKS_OF_A_ROUTER: usize = 4;

/// A card calls public addresses of so many networks its own.
const OWN_NETWORKS_OF_A_ROUTER: usize = 3;

/// Who passes packets on for so few private addresses, unasked, may only share its connection.
const SHARES_WITH: usize = 2;

/// Hop limits of packets from one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HopLimits {
    min: u8,
    max: u8,
}

impl HopLimits {
    /// `None` when no packet was seen.
    pub(crate) fn new(min: u8, max: u8) -> Option<Self> {
        (min <= max).then_some(HopLimits { min, max })
    }

    /// Both.
    pub(crate) fn merge(&mut self, other: HopLimits) {
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    /// No router lowered it: the largest is one that stacks begin with.
    pub(crate) fn is_initial(self) -> bool {
        matches!(self.max, 32 | 64 | 128 | 255)
    }

    /// Routers lowered it. Below 32 too little is left to tell it from a trace of the route.
    pub(crate) fn is_lowered(self) -> bool {
        !self.is_initial() && self.max > 32
    }

    /// Routers passed on the way here, at least: from the nearest usual start above the largest.
    pub(crate) fn hops(self) -> u8 {
        let start = [32, 64, 128, 255].into_iter().find(|s| *s >= self.max);
        start.unwrap_or(255) - self.max
    }
}

/// Packets that a card sent from one address.
#[derive(Clone, Copy, Debug, Default)]
struct Sourced {
    /// Their hop limits, where those mean something.
    limits: Option<HopLimits>,
    /// The latest.
    last: Timestamp,
}

/// What one card was seen doing on one segment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Card {
    /// Addresses it said are its own, or was leased.
    announced: BTreeSet<IpAddr>,
    /// Addresses it answered for when asked.
    answered: BTreeSet<IpAddr>,
    /// Addresses it sent packets from.
    sourced: BTreeMap<IpAddr, Sourced>,
    /// Addresses that frames to it were for.
    received: BTreeSet<IpAddr>,
    /// It was seen passing a packet on.
    forwarded: bool,
    /// When it was there.
    pub(crate) first: Option<Timestamp>,
    /// See `first`.
    pub(crate) last: Option<Timestamp>,
    /// It passes packets on for others.
    pub(crate) router: bool,
    /// It does so for a neighbour or two whose packets nobody answered through it: a device that
    /// is being set up, a laptop that shares its connection.
    shares: bool,
}

/// How an address is known to be a card's own, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Hold {
    /// It sent from it with a hop limit that no router lowered.
    Sent,
    /// It answered for it.
    Answered,
    /// It said so, or was leased it.
    Announced,
}

impl Card {
    /// It sent at least one frame, so that it is there.
    pub(crate) fn spoke(&self) -> bool {
        self.first.is_some()
    }

    fn there(&mut self, first: Timestamp, last: Timestamp) {
        self.first = Some(self.first.map_or(first, |t| t.min(first)));
        self.last = Some(self.last.map_or(last, |t| t.max(last)));
    }

    fn source(&mut self, ip: IpAddr, limits: Option<HopLimits>, last: Timestamp) {
        let sourced = self.sourced.entry(ip).or_default();
        match (&mut sourced.limits, limits) {
            (Some(known), Some(new)) => known.merge(new),
            (known @ None, new) => *known = new,
            (Some(_), None) => {}
        }
        sourced.last = sourced.last.max(last);
    }

    /// When it last sent from an address.
    fn last_sent(&self, ip: IpAddr) -> Option<Timestamp> {
        self.sourced.get(&ip).map(|sourced| sourced.last)
    }

    fn sends(&self, ip: IpAddr, as_is: fn(HopLimits) -> bool) -> bool {
        let limits = self.sourced.get(&ip).and_then(|sourced| sourced.limits);
        limits.is_some_and(as_is)
    }

    /// Whether the card passes packets on, by what it did: whom it sends for, and what else shows
    /// it.
    fn passes_on(&self, mac: MacAddr, described: &BTreeSet<IpAddr>) -> (BTreeSet<IpAddr>, bool) {
        let own = |ip: &IpAddr| self.announced.contains(ip) || self.answered.contains(ip);
        let lowered =
            |ip: &IpAddr| !self.announced.contains(ip) && self.sends(*ip, HopLimits::is_lowered);
        let unasked: BTreeSet<_> = self
            .sourced
            .keys()
            .filter(|ip| !own(ip))
            .map(|ip| wide_network(*ip))
            .collect();
        let silent_answers = self
            .answered
            .iter()
            .filter(|ip| !self.announced.contains(ip) && !self.sourced.contains_key(ip))
            .count();
        let own_networks: BTreeSet<_> = self
            .announced
            .iter()
            .filter(|ip| !is_private(**ip))
            .map(|ip| wide_network(*ip))
            .collect();
        let shown = mac.is_virtual_router()
            || self.forwarded
            || own_networks.len() >= OWN_NETWORKS_OF_A_ROUTER
            || described.iter().any(own)
            || self.is_asked_for_others()
            || unasked.len() >= NETWORKS_OF_A_ROUTER
            || silent_answers >= ANSWERS_FOR_OTHERS;
        let sends_for = self.sourced.keys().copied().filter(lowered).collect();
        (sends_for, shown)
    }

    /// Frames to it were for addresses that are not its own.
    fn is_asked_for_others(&self) -> bool {
        let initial = |ip: &IpAddr| self.sends(*ip, HopLimits::is_initial);
        let own =
            |ip: &IpAddr| self.announced.contains(ip) || self.answered.contains(ip) || initial(ip);
        let others: BTreeSet<&IpAddr> = self.received.iter().filter(|ip| !own(ip)).collect();
        let networks: BTreeSet<_> = others.iter().map(|ip| wide_network(**ip)).collect();
        let has_own = self.announced.iter().chain(&self.answered).next().is_some()
            || self.sourced.keys().any(initial);
        // One more private or IPv6 address may be an alias that was never asked for.
        let outside = others.iter().any(|ip| ip.is_ipv4() && !is_private(**ip));
        (has_own && outside) || networks.len() > 1
    }

    /// How an address is this card's own, if it is.
    fn holds(&self, mac: MacAddr, ip: IpAddr, described: &BTreeSet<IpAddr>) -> Option<Hold> {
        if self.announced.contains(&ip) && !mac.is_virtual_router() {
            return Some(Hold::Announced);
        }
        let initial = self.sends(ip, HopLimits::is_initial);
        if self.answered.contains(&ip) {
            // A router answers for itself, and as a proxy for what lies behind it: hop limits
            // tell, and a public address that never spoke is taken to be behind.
            let behind = self.sends(ip, HopLimits::is_lowered)
                || (self.router && !initial && !is_private(ip) && !described.contains(&ip))
                || (!initial && self.answered.len() >= 2 * ANSWERS_FOR_OTHERS);
            return (!behind).then_some(Hold::Answered);
        }
        // A firewall answers for the far end with its own hop limit: a public address beside
        // addresses known by ARP counts only when it is of their network.
        let known: Vec<_> = self.announced.iter().chain(&self.answered).collect();
        let fits = is_private(ip)
            || known.is_empty()
            || known
                .iter()
                .any(|own| usual_network(**own) == usual_network(ip));
        (initial && fits && !self.router).then_some(Hold::Sent)
    }
}

/// The size at which addresses are taken to be of different networks.
fn wide_network(ip: IpAddr) -> ipnet::IpNet {
    let length = if ip.is_ipv4() { 16 } else { 48 };
    ipnet::IpNet::new(ip, length).map_or_else(|_| ip.into(), |network| network.trunc())
}

/// All cards on all segments.
#[derive(Clone, Debug, Default)]
pub(crate) struct Links {
    pub(crate) cards: BTreeMap<(Segment, MacAddr), Card>,
    /// Addresses that were sent from without a MAC (links that have none).
    pub(crate) bare: BTreeSet<(Segment, IpAddr)>,
    /// All addresses that were sent from, and where.
    pub(crate) spoke: BTreeSet<(IpAddr, Segment)>,
    /// Addresses whose packets came through a router.
    through: BTreeSet<IpAddr>,
    /// Which cards hold which address, and how that is known.
    pub(crate) holders: BTreeMap<(Segment, IpAddr), BTreeMap<MacAddr, Hold>>,
    /// The surest of them.
    holder: HashMap<(Segment, IpAddr), MacAddr, RandomState>,
    /// Leases seen, whose holder may be on a segment that was not captured.
    pub(crate) leases: BTreeSet<(MacAddr, IpAddr)>,
    /// Segments with cards that pass nothing on and hold an address.
    homes: BTreeSet<Segment>,
    /// Segments whose frames show no destination.
    pub(crate) cooked: BTreeSet<Segment>,
}

impl Links {
    /// Reads the ledger.
    pub(crate) fn resolve(ledger: &Ledger) -> Links {
        let mut links = Links::default();
        links.find_cooked(ledger);
        for (key, sum) in ledger.conversations() {
            links.conversation(key, sum);
        }
        links.neighbours(ledger);
        links.parties(ledger);
        links.assignments(ledger);
        links.conclude(ledger);
        links
    }

    /// Links without destination MACs: the engine's word, or senders with a MAC that talk to
    /// nobody with one.
    fn find_cooked(&mut self, ledger: &Ledger) {
        for (key, _) in ledger.conversations() {
            let half = real(key.originator_mac).is_some() && key.responder_mac.is_none();
            if half || ledger.is_cooked(key.segment) {
                self.cooked.insert(key.segment);
            }
        }
    }

    fn card(
        &mut self,
        segment: Segment,
        mac: MacAddr,
        first: Timestamp,
        last: Timestamp,
    ) -> &mut Card {
        let card = self.cards.entry((segment, mac)).or_default();
        card.there(first, last);
        card
    }

    fn sender(
        &mut self,
        (segment, mac, ip): (Segment, Option<MacAddr>, IpAddr),
        limits: Option<HopLimits>,
        sum: &ConversationSum,
    ) {
        if !is_somebody(ip) {
            return;
        }
        self.spoke.insert((ip, segment));
        match real(mac) {
            Some(mac) => self
                .card(segment, mac, sum.first, sum.last)
                .source(ip, limits, sum.last),
            None => {
                self.bare.insert((segment, ip));
            }
        }
    }

    fn conversation(&mut self, key: &ConversationKey, sum: &ConversationSum) {
        let limits = |side: usize| match (sum.ttl_min.get(side), sum.ttl_max.get(side)) {
            (Some(&min), Some(&max)) => HopLimits::new(min, max),
            _ => None,
        };
        let [sent, answered] = sum.packets;
        if sent > 0 {
            let group = is_group(key.responder);
            let side = (key.segment, key.originator_mac, key.originator);
            self.sender(side, if group { None } else { limits(0) }, sum);
            let mac = real(key.originator_mac).filter(|m| !m.is_virtual_router());
            if never_forwarded(key.responder)
                && is_somebody(key.originator)
                && let Some(mac) = mac
            {
                let card = self.card(key.segment, mac, sum.first, sum.last);
                card.announced.insert(key.originator);
            }
            if !group
                && !self.cooked.contains(&key.segment)
                && let Some(mac) = real(key.responder_mac)
            {
                self.cards
                    .entry((key.segment, mac))
                    .or_default()
                    .received
                    .insert(key.responder);
            }
        }
        if answered > 0 {
            let segment = responder_segment(key, sum);
            let mac = sum.answer_mac.or(key.responder_mac);
            // A refusal may be a filter's, in the name of the far end: its hop limit tells
            // nothing about where that end is.
            let own = key.outcome != Outcome::Refused;
            self.sender(
                (segment, mac, key.responder),
                limits(1).filter(|_| own),
                sum,
            );
        }
        for leg in &sum.legs {
            self.leg(key, sum, leg);
        }
    }

    /// A copy seen elsewhere: whoever sent the later one of the two passed it on.
    fn leg(&mut self, key: &ConversationKey, sum: &ConversationSum, leg: &Leg) {
        let (first_seen, from, to) = match leg.direction {
            Direction::FromOriginator => (key.originator_mac, key.originator, key.responder),
            Direction::FromResponder => (answer_mac(key, sum), key.responder, key.originator),
        };
        if leg.ttl_step == 0 {
            return;
        }
        self.through.insert(from);
        let (segment, router) = match leg.ttl_step {
            step if step < 0 => (leg.segment, leg.src_mac),
            _ => (key.segment, first_seen),
        };
        if let Some(mac) = real(router) {
            self.card(segment, mac, sum.first, sum.last).forwarded = true;
        }
        if leg.ttl_step < 0
            && !is_group(to)
            && let Some(mac) = real(leg.dst_mac)
        {
            self.cards
                .entry((leg.segment, mac))
                .or_default()
                .received
                .insert(to);
        }
    }

    fn neighbours(&mut self, ledger: &Ledger) {
        for (key, sum) in ledger.neighbours() {
            if let Some(asker) = real(Some(key.asker_mac)) {
                let card = self.card(key.segment, asker, sum.first, sum.last);
                // Of an answer, the asker is known by the answerer's word only.
                if is_somebody(key.asker_ip) && key.answered_by.is_none() {
                    card.announced.insert(key.asker_ip);
                    self.spoke.insert((key.asker_ip, key.segment));
                }
            }
            if let Some(answerer) = real(key.answered_by)
                && is_somebody(key.target)
            {
                let card = self.card(key.segment, answerer, sum.first, sum.last);
                card.answered.insert(key.target);
                self.spoke.insert((key.target, key.segment));
            }
        }
    }

    fn assignments(&mut self, ledger: &Ledger) {
        let mut known: BTreeMap<MacAddr, Vec<Segment>> = BTreeMap::new();
        for ((segment, mac), _) in self.cards.iter().filter(|(_, card)| card.spoke()) {
            known.entry(*mac).or_default().push(*segment);
        }
        for ((mac, ip, how, segment), seen) in ledger.assignments() {
            if *how == Assignment::Leased {
                // A relayed acknowledgement is seen on the server's segment, not the holder's.
                self.leases.insert((*mac, *ip));
                for segment in known.get(mac).into_iter().flatten() {
                    let card = self.card(*segment, *mac, seen.first, seen.last);
                    card.announced.insert(*ip);
                }
            } else {
                let card = self.card(*segment, *mac, seen.first, seen.last);
                card.answered.insert(*ip);
                self.spoke.insert((*ip, *segment));
            }
        }
    }

    /// Senders of messages that no conversation shows (from 0.0.0.0, say).
    fn parties(&mut self, ledger: &Ledger) {
        for ((_, from, _), fact) in ledger.spoken() {
            match from.mac {
                Some(mac) if !is_somebody(from.ip) => {
                    self.card(from.segment, mac, fact.seen.first, fact.seen.last);
                }
                Some(mac) => {
                    self.card(from.segment, mac, fact.seen.first, fact.seen.last)
                        .source(from.ip, None, fact.seen.last);
                    self.spoke.insert((from.ip, from.segment));
                }
                None if is_somebody(from.ip) => {
                    self.bare.insert((from.segment, from.ip));
                    self.spoke.insert((from.ip, from.segment));
                }
                None => {}
            }
        }
    }

    fn conclude(&mut self, ledger: &Ledger) {
        let mut described: BTreeMap<Segment, BTreeSet<IpAddr>> = BTreeMap::new();
        for (segment, part) in ledger.networks().keys() {
            if let Described::Router(ip) = part {
                described.entry(*segment).or_default().insert(*ip);
            }
        }
        let none = BTreeSet::new();
        for ((segment, mac), card) in &mut self.cards {
            let described = described.get(segment).unwrap_or(&none);
            let (sends_for, shown) = card.passes_on(*mac, described);
            card.router = shown || !sends_for.is_empty();
            let few = sends_for.len() <= SHARES_WITH;
            let unanswered = |ip: &IpAddr| is_private(*ip) && !card.received.contains(ip);
            card.shares = !shown && few && sends_for.iter().all(unanswered);
            let candidates: BTreeSet<IpAddr> = card
                .announced
                .iter()
                .chain(&card.answered)
                .chain(card.sourced.keys())
                .copied()
                .collect();
            for ip in candidates {
                if let Some(hold) = card.holds(*mac, ip, described) {
                    if !card.router {
                        self.homes.insert(*segment);
                    }
                    let holders = self.holders.entry((*segment, ip)).or_default();
                    holders.insert(*mac, hold);
                }
            }
        }
        self.drop_voices_of_gateways();
        self.find_surest();
        self.find_guests();
    }

    /// Addresses that also spoke where nobody holds them: by a router.
    fn find_guests(&mut self) {
        let guests = self.spoke.iter().filter(|(ip, segment)| {
            let at = (*segment, *ip);
            !self.holders.contains_key(&at) && !self.bare.contains(&at)
        });
        let guests: Vec<IpAddr> = guests.map(|(ip, _)| *ip).collect();
        self.through.extend(guests);
    }

    /// A proxy, or the address translation of a virtual machine's host, gives far answers its
    /// own hop limit. So among private hosts a public address that is known by hop limits alone,
    /// and that nobody else of its network is here with, is not taken to live here.
    fn drop_voices_of_gateways(&mut self) {
        let mut company: BTreeMap<_, usize> = BTreeMap::new();
        for (ip, segment) in &self.spoke {
            *company.entry((*segment, usual_network(*ip))).or_default() += 1;
        }
        let private: BTreeSet<Segment> = self
            .holders
            .keys()
            .filter(|(_, ip)| is_private(*ip) && !is_link_local(*ip))
            .map(|(segment, _)| *segment)
            .collect();
        self.holders.retain(|(segment, ip), holders| {
            let alone = company.get(&(*segment, usual_network(*ip))) <= Some(&1);
            let heard_only = holders.values().all(|hold| *hold == Hold::Sent);
            let gateway = !is_private(*ip)
                && factory_range(*ip).is_none()
                && private.contains(segment)
                && heard_only
                && alone;
            !gateway
        });
    }

    /// Of several holders one that sends from the address, the surest, the one that did so last
    /// (an address that changed hands is its new holder's), the smallest.
    fn find_surest(&mut self) {
        let Links {
            cards,
            holders,
            holder,
            ..
        } = self;
        *holder = holders
            .iter()
            .filter_map(|((segment, ip), holders)| {
                let last = |mac: &MacAddr| cards.get(&(*segment, *mac))?.last_sent(*ip);
                let surest = holders.iter().max_by_key(|(mac, hold)| {
                    let last = last(mac);
                    (last.is_some(), **hold, last, std::cmp::Reverse(**mac))
                });
                Some(((*segment, *ip), *surest?.0))
            })
            .collect();
    }

    /// The card that holds an address on a segment.
    pub(crate) fn holder(&self, segment: Segment, ip: IpAddr) -> Option<MacAddr> {
        self.holder.get(&(segment, ip)).copied()
    }

    /// Whether packets from an address came to a segment of cards where no card holds it: by a
    /// router.
    pub(crate) fn is_guest(&self, segment: Segment, ip: IpAddr) -> bool {
        self.spoke.contains(&(ip, segment))
            && !self.bare.contains(&(segment, ip))
            && !self.holders.contains_key(&(segment, ip))
    }

    /// Whether packets from an address that is held somewhere came through routers: they were seen
    /// on both sides, or on a segment where nobody holds the address.
    pub(crate) fn is_seen_through_routers(&self, ip: IpAddr) -> bool {
        self.through.contains(&ip)
    }

    /// Whether a card holds an address as its own.
    pub(crate) fn holds(&self, segment: Segment, mac: MacAddr, ip: IpAddr) -> bool {
        // Most addresses have one holder.
        self.holder(segment, ip) == Some(mac) || self.hold(segment, mac, ip).is_some()
    }

    /// How an address is known to be a card's own.
    pub(crate) fn hold(&self, segment: Segment, mac: MacAddr, ip: IpAddr) -> Option<Hold> {
        self.holders.get(&(segment, ip))?.get(&mac).copied()
    }

    /// Whether an address was sent from on a link without MACs.
    pub(crate) fn is_bare(&self, segment: Segment, ip: IpAddr) -> bool {
        self.bare.contains(&(segment, ip))
    }

    /// Whether a card passes packets on for others.
    pub(crate) fn is_router(&self, segment: Segment, mac: MacAddr) -> bool {
        self.cards
            .get(&(segment, mac))
            .is_some_and(|card| card.router)
    }

    /// Whether passing packets on is what the card is there for, as far as one can see.
    pub(crate) fn routes(&self, key: &(Segment, MacAddr)) -> bool {
        self.cards
            .get(key)
            .is_some_and(|card| card.router && !card.shares)
    }

    /// Whether hosts live on a segment, not only routers.
    pub(crate) fn is_home(&self, segment: Segment) -> bool {
        self.homes.contains(&segment)
    }

    /// Addresses that routers answer for or call their own, unless they do so for many.
    pub(crate) fn router_addresses(&self) -> impl Iterator<Item = (Segment, IpAddr)> {
        self.cards
            .iter()
            .filter(|(_, card)| card.router)
            .flat_map(|((segment, _), card)| {
                let few = card.answered.len() < ANSWERS_FOR_OTHERS;
                let answered = card.answered.iter().filter(move |_| few);
                card.announced
                    .iter()
                    .chain(answered)
                    .map(|ip| (*segment, *ip))
            })
    }

    /// A card that lives there uses the address as an end: it sends from it, or claims it, and
    /// passes nothing on.
    pub(crate) fn lives_at(&self, segment: Segment, ip: IpAddr) -> bool {
        let Some(mac) = self.holder(segment, ip) else {
            return false;
        };
        self.cards.get(&(segment, mac)).is_some_and(|card| {
            let uses = card.announced.contains(&ip) || card.sends(ip, HopLimits::is_initial);
            uses && !card.router
        })
    }
}

/// A destination whose packets no router passes on: what they come from is on the segment.
fn never_forwarded(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_broadcast() || matches!(ip.octets(), [224, 0, 0, _]),
        IpAddr::V6(ip) => matches!(ip.segments(), [0xff01 | 0xff02, ..]),
    }
}

/// The card of whoever sent the responder's frames, as far as was seen.
pub(crate) fn answer_mac(key: &ConversationKey, sum: &ConversationSum) -> Option<MacAddr> {
    sum.answer_mac.or(key.responder_mac)
}

/// The segment the responder's frames were first seen on: not the key's when their copies were
/// seen there, lowered by a router.
pub(crate) fn responder_segment(key: &ConversationKey, sum: &ConversationSum) -> Segment {
    let copies_here = sum.legs.iter().any(|leg| {
        leg.direction == Direction::FromResponder && leg.ttl_step < 0 && leg.segment == key.segment
    });
    let furthest = sum
        .legs
        .iter()
        .filter(|leg| leg.direction == Direction::FromOriginator && leg.ttl_step < 0)
        .min_by_key(|leg| (leg.ttl_step, **leg));
    match furthest {
        Some(leg) if copies_here => leg.segment,
        _ => key.segment,
    }
}
