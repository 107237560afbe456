//! Which cards and addresses are one device.
//!
//! Within a segment a card with its own addresses is one device. Across segments one MAC is one
//! device only when nothing contradicts: the same MAC on several units (boards that leave the
//! factory alike, copies of a segment in two VLANs) must not merge two patients' monitors.
//! Addresses without a card of their own (behind a router, on links without MACs) are devices
//! by address. Limits: units that share a MAC *and* never say who they are stay one device;
//! randomised MACs never join segments.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use auscult_model::{MacAddr, Segment, Timestamp};
use foldhash::quality::RandomState;

use crate::bond::{self, Apart, Bond, Joined};
use crate::facts::{Party, Subject};
use crate::ledger::Ledger;
use crate::links::Links;
use crate::site::{Site, is_link_local, is_somebody};

/// Something that can be a device, or part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Node {
    /// A card on a segment.
    Card(Segment, MacAddr),
    /// One of several units that share a MAC on a segment.
    Unit(Segment, MacAddr, IpAddr),
    /// An address on a link without MACs.
    Bare(Segment, IpAddr),
    /// An address of ours that was only seen through routers.
    Routed(IpAddr),
    /// A card that others spoke of.
    Mac(MacAddr),
    /// An address that is not ours, behind the other side of the capture point.
    Behind(IpAddr),
}

/// The parts of one device.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cluster {
    pub(crate) nodes: BTreeSet<Node>,
    pub(crate) macs: BTreeSet<MacAddr>,
    /// Cards where it was seen.
    pub(crate) cards: BTreeSet<(Segment, MacAddr)>,
    /// Addresses it holds, with the segment where it holds them.
    pub(crate) addresses: BTreeSet<(Segment, IpAddr)>,
    pub(crate) router: bool,
    pub(crate) inside: bool,
    /// Several units share its MAC, so that the MAC names none of them.
    pub(crate) shared_mac: bool,
    /// Why its parts are one, and others are not.
    pub(crate) bonds: Vec<Bond>,
}

impl Cluster {
    /// It is one of several units with one MAC on one segment: only its address tells it.
    pub(crate) fn is_unit(&self) -> bool {
        // A unit has no card's node, which would come before its own.
        matches!(self.nodes.first(), Some(Node::Unit(..)))
    }

    /// All its addresses, without the segments.
    pub(crate) fn ips(&self) -> BTreeSet<IpAddr> {
        self.addresses.iter().map(|(_, ip)| *ip).collect()
    }
}

/// All clusters, and how to find them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clusters {
    pub(crate) all: Vec<Cluster>,
    /// Who holds an address on a segment.
    pub(crate) by_address: HashMap<(Segment, IpAddr), usize, RandomState>,
    /// The only device with an address of ours, whatever the segment.
    by_ip: HashMap<IpAddr, Option<usize>, RandomState>,
    pub(crate) by_mac: HashMap<(Segment, MacAddr), usize, RandomState>,
    /// Addresses that several devices had on a segment, one after the other or at once.
    shared: BTreeSet<(IpAddr, Segment)>,
    /// Devices of a MAC on any segment.
    of_mac: HashMap<MacAddr, BTreeSet<usize>, RandomState>,
    /// What could have been a device, and found no room.
    pub(crate) left_out: u64,
}

/// Words that tell one unit from another, by what holds the address.
type Identities = BTreeMap<(Segment, MacAddr, IpAddr), BTreeMap<&'static str, Spans>>;
/// Values, and when each was said.
type Spans = BTreeMap<String, (Timestamp, Timestamp)>;

/// Addresses that say who they are, and groups of segments, of one MAC that are compared with each
/// other: whoever spoofs thousands would else cost the square of their number.
const COMPARED: usize = 64;
/// Segments of one device that a further one is compared with.
const SEGMENTS_COMPARED: usize = 16;

/// Attributes of which a unit has one value at a time.
const ONE_AT_A_TIME: [&str; 3] = ["serial", "bed", "device_id"];

impl Clusters {
    /// Clusters of everything that is ours or spoke on our segments, and of addresses behind
    /// the capture point that `behind` names.
    pub(crate) fn resolve(
        ledger: &Ledger,
        links: &Links,
        site: &Site,
        behind: &BTreeSet<IpAddr>,
    ) -> Clusters {
        let identities = identities(ledger);
        let mut made = Making {
            links,
            site,
            clusters: Clusters::default(),
            held: BTreeMap::new(),
            most: ledger.most_devices(),
            ledger,
        };
        made.cards(ledger, &identities);
        made.bare_and_routed();
        made.spoken_of(ledger);
        made.behind(behind);
        made.clusters.find_shared();
        made.clusters
    }

    fn find_shared(&mut self) {
        let mut had = BTreeSet::new();
        for (segment, ip) in self.all.iter().flat_map(|cluster| &cluster.addresses) {
            if !had.insert((*ip, *segment)) {
                self.shared.insert((*ip, *segment));
            }
        }
    }

    /// Whether an address stood for several devices: on a segment where somebody has it, else
    /// anywhere.
    pub(crate) fn is_shared(&self, segment: Segment, ip: IpAddr) -> bool {
        if self.by_address.contains_key(&(segment, ip)) {
            return self.shared.contains(&(ip, segment));
        }
        let mut from = self.shared.range((ip, Segment::default())..);
        from.next().is_some_and(|(shared, _)| *shared == ip)
    }

    /// The device with an address: on its segment, else the only one of ours that has it.
    pub(crate) fn at(&self, segment: Segment, ip: IpAddr) -> Option<usize> {
        let here = self.by_address.get(&(segment, ip)).copied();
        here.or_else(|| self.by_ip.get(&ip).copied().flatten())
    }

    /// The device that a party of a message is.
    pub(crate) fn of_party(&self, links: &Links, party: Party) -> Option<usize> {
        let mac = party
            .mac
            .filter(|mac| !is_somebody(party.ip) || links.holds(party.segment, *mac, party.ip));
        let by_mac = mac.and_then(|mac| self.by_mac.get(&(party.segment, mac)).copied());
        match by_mac {
            Some(device) if !self.all.get(device).is_some_and(Cluster::is_unit) => Some(device),
            _ => self.at(party.segment, party.ip),
        }
    }

    /// The devices that a claim is about.
    pub(crate) fn of_subject(&self, links: &Links, subject: Subject) -> Vec<usize> {
        match subject {
            Subject::Party(party) => self.of_party(links, party).into_iter().collect(),
            // Said of a MAC that several devices have, it says nothing about one of them.
            Subject::Mac(mac) => match self.of_mac.get(&mac) {
                Some(devices) if devices.len() == 1 => devices.iter().copied().collect(),
                _ => Vec::new(),
            },
        }
    }

    fn push(&mut self, cluster: Cluster) -> usize {
        let at = self.all.len();
        for key in &cluster.cards {
            self.by_mac.entry(*key).or_insert(at);
        }
        for mac in &cluster.macs {
            self.of_mac.entry(*mac).or_default().insert(at);
        }
        self.all.push(cluster);
        at
    }

    fn give(&mut self, device: usize, segment: Segment, ip: IpAddr) {
        if let Some(cluster) = self.all.get_mut(device) {
            cluster.addresses.insert((segment, ip));
        }
    }
}

/// Segments on which one MAC is one device.
struct Group {
    segments: Vec<Segment>,
    /// Why, and why those before it are others.
    bonds: Vec<Bond>,
}

/// The clusters while they are made.
struct Making<'a> {
    links: &'a Links,
    site: &'a Site,
    clusters: Clusters,
    /// Which cluster an address on a card went to.
    held: BTreeMap<(Segment, IpAddr, MacAddr), usize>,
    /// Devices that there may be.
    most: usize,
    ledger: &'a Ledger,
}

impl Making<'_> {
    /// Whether there is no room for a further device, which is then counted.
    fn is_full(&mut self) -> bool {
        let is_full = self.clusters.all.len() >= self.most;
        self.clusters.left_out += u64::from(is_full);
        is_full
    }

    /// The cards that become devices when there are too many: those that spoke a protocol first.
    /// Some room stays for devices behind routers.
    fn chosen(
        &mut self,
        ledger: &Ledger,
        of_mac: &BTreeMap<MacAddr, Vec<Segment>>,
    ) -> Option<BTreeSet<MacAddr>> {
        let room = self.most - self.most / 4;
        if of_mac.len() <= room {
            return None;
        }
        let speakers: BTreeSet<MacAddr> = ledger
            .spoken()
            .keys()
            .filter(|(protocol, ..)| !matches!(*protocol, "arp" | "icmpv6"))
            .filter_map(|(_, from, _)| from.mac)
            .filter(|mac| of_mac.contains_key(mac))
            .collect();
        let silent = of_mac.keys().filter(|mac| !speakers.contains(mac));
        let chosen: BTreeSet<MacAddr> = speakers.iter().chain(silent).take(room).copied().collect();
        self.clusters.left_out += (of_mac.len() - chosen.len()) as u64;
        Some(chosen)
    }

    /// Cards that sent something, with the addresses they hold.
    fn cards(&mut self, ledger: &Ledger, identities: &Identities) {
        let mut of_card: BTreeMap<(Segment, MacAddr), BTreeSet<IpAddr>> = BTreeMap::new();
        for ((segment, ip), holders) in &self.links.holders {
            for mac in holders.keys() {
                of_card.entry((*segment, *mac)).or_default().insert(*ip);
            }
        }
        let mut of_mac: BTreeMap<MacAddr, Vec<Segment>> = BTreeMap::new();
        for ((segment, mac), _) in self.links.cards.iter().filter(|(_, card)| card.spoke()) {
            of_mac.entry(*mac).or_default().push(*segment);
        }
        let none = BTreeSet::new();
        if let Some(chosen) = self.chosen(ledger, &of_mac) {
            of_mac.retain(|mac, _| chosen.contains(mac));
        }
        for (mac, segments) in &of_mac {
            let groups = self.groups(*mac, segments, &of_card, identities);
            let shared = groups.len() > 1;
            for group in groups {
                let ips: BTreeSet<(Segment, IpAddr)> = group
                    .segments
                    .iter()
                    .flat_map(|s| {
                        let ips = of_card.get(&(*s, *mac)).unwrap_or(&none);
                        ips.iter().map(|ip| (*s, *ip))
                    })
                    .collect();
                self.card(*mac, &group, ips, shared, identities);
            }
        }
        self.assign_holders();
    }

    /// The segments of a MAC, those of one device together.
    fn groups(
        &self,
        mac: MacAddr,
        segments: &[Segment],
        of_card: &BTreeMap<(Segment, MacAddr), BTreeSet<IpAddr>>,
        identities: &Identities,
    ) -> Vec<Group> {
        let mut groups: Vec<Group> = Vec::new();
        for segment in segments {
            let mut apart = Vec::new();
            let mut fitting = None;
            for (at, group) in groups.iter().enumerate().take(COMPARED) {
                let some = group.segments.iter().take(SEGMENTS_COMPARED);
                let all: Result<Vec<Bond>, Bond> = some
                    .map(|other| {
                        self.joins(mac, *segment, *other, of_card, identities)
                            .map(|why| Bond::Same(*other, *segment, why))
                            .map_err(|why| Bond::Other(*segment, *other, why))
                    })
                    .collect();
                match all {
                    Ok(bonds) => {
                        fitting = Some((at, bonds));
                        break;
                    }
                    Err(bond) if apart.len() < bond::MOST_OTHERS => apart.push(bond),
                    Err(_) => {}
                }
            }
            match fitting.and_then(|(at, bonds)| Some((groups.get_mut(at)?, bonds))) {
                Some((group, bonds)) => {
                    group.segments.push(*segment);
                    // One reason for each segment is enough.
                    let room = bond::MOST.saturating_sub(group.bonds.len());
                    group.bonds.extend(bonds.first().into_iter().take(room));
                }
                None => groups.push(Group {
                    segments: vec![*segment],
                    bonds: apart,
                }),
            }
        }
        groups
    }

    /// One card, or several units behind one MAC when their own words differ at the same time.
    fn card(
        &mut self,
        mac: MacAddr,
        group: &Group,
        ips: BTreeSet<(Segment, IpAddr)>,
        shared: bool,
        identities: &Identities,
    ) {
        let said = |(segment, ip): &(Segment, IpAddr)| identities.get(&(*segment, mac, *ip));
        // Most addresses say nothing of the kind, and some cards spoof ever so many.
        let telling: Vec<_> = ips
            .iter()
            .filter_map(|at| Some((at.1, said(at)?)))
            .take(COMPARED)
            .collect();
        let differ = telling.iter().find_map(|a| {
            let others = telling.iter().filter(|b| a.0 != b.0);
            others.clone().find_map(|b| contradict(a.1, b.1))
        });
        let several = differ.is_some();
        let segments = &group.segments;
        let bonds = group.bonds.iter().copied();
        let bonds: Vec<Bond> = bonds.chain(differ.map(Bond::Units)).collect();
        let router = segments.iter().any(|s| self.links.is_router(*s, mac));
        let cluster = |nodes: BTreeSet<Node>| Cluster {
            nodes,
            macs: BTreeSet::from([mac]),
            cards: segments.iter().map(|s| (*s, mac)).collect(),
            inside: true,
            router,
            shared_mac: several || shared,
            bonds: bonds.clone(),
            ..Cluster::default()
        };
        if several {
            for (segment, ip) in ips {
                if self.is_full() {
                    continue;
                }
                let node = Node::Unit(segment, mac, ip);
                let at = self.clusters.push(cluster(BTreeSet::from([node])));
                self.clusters.give(at, segment, ip);
                self.held.insert((segment, ip, mac), at);
            }
        } else if !self.is_full() {
            let nodes = segments.iter().map(|s| Node::Card(*s, mac)).collect();
            let at = self.clusters.push(cluster(nodes));
            for (segment, ip) in ips {
                self.clusters.give(at, segment, ip);
                self.held.insert((segment, ip, mac), at);
            }
        }
    }

    /// Whether one MAC on two segments is one device.
    fn joins(
        &self,
        mac: MacAddr,
        a: Segment,
        b: Segment,
        of_card: &BTreeMap<(Segment, MacAddr), BTreeSet<IpAddr>>,
        identities: &Identities,
    ) -> Result<Joined, Apart> {
        if mac.is_local() {
            return Err(Apart::MadeUp);
        }
        if mac.is_virtual_router() {
            return Err(Apart::VirtualRouter);
        }
        let none = BTreeSet::new();
        let (ips_a, ips_b) = (
            of_card.get(&(a, mac)).unwrap_or(&none),
            of_card.get(&(b, mac)).unwrap_or(&none),
        );
        let said = |segment: Segment, ips: &BTreeSet<IpAddr>| -> Vec<_> {
            let said = ips
                .iter()
                .filter_map(|ip| identities.get(&(segment, mac, *ip)));
            said.take(COMPARED).collect()
        };
        let (said_a, said_b) = (said(a, ips_a), said(b, ips_b));
        let differ = said_a
            .iter()
            .find_map(|x| said_b.iter().find_map(|y| contradict(x, y)));
        if let Some(attribute) = differ {
            return Err(Apart::Attribute(attribute));
        }
        let (Some(card_a), Some(card_b)) = (
            self.links.cards.get(&(a, mac)),
            self.links.cards.get(&(b, mac)),
        ) else {
            return Err(Apart::Together);
        };
        let times = |segment| self.ledger.presence(segment, mac);
        let to_and_fro =
            || matches!((times(a), times(b)), (Some(a), Some(b)) if a.alternates_with(b));
        if let Some(ip) = ips_a.intersection(ips_b).next() {
            Ok(Joined::Address(*ip))
        } else if ips_a.is_empty() || ips_b.is_empty() {
            Ok(Joined::NoAddress)
        } else if card_a.last < card_b.first || card_b.last < card_a.first {
            Ok(Joined::Moved)
        } else if card_a.router || card_b.router {
            Ok(Joined::Router)
        } else if to_and_fro() {
            Ok(Joined::ToAndFro)
        } else {
            Err(Apart::Together)
        }
    }

    /// Finds each address's device: of several holders the surest.
    fn assign_holders(&mut self) {
        for (segment, ip) in self.links.holders.keys() {
            let Some(mac) = self.links.holder(*segment, *ip) else {
                continue;
            };
            if let Some(device) = self.held.get(&(*segment, *ip, mac)).copied() {
                self.found(*segment, *ip, device);
            }
        }
    }

    fn found(&mut self, segment: Segment, ip: IpAddr, device: usize) {
        self.clusters.by_address.insert((segment, ip), device);
        if self.site.contains(ip) {
            self.clusters
                .by_ip
                .entry(ip)
                .and_modify(|known| {
                    if *known != Some(device) {
                        *known = None;
                    }
                })
                .or_insert(Some(device));
        }
    }

    /// Addresses of ours without a card: on links without MACs, or behind routers.
    fn bare_and_routed(&mut self) {
        for (segment, ip) in &self.links.bare {
            let known = self.clusters.by_address.contains_key(&(*segment, *ip));
            if !known && self.site.contains(*ip) && !self.is_full() {
                let at = self.by_address(Node::Bare(*segment, *ip), true);
                self.clusters.give(at, *segment, *ip);
                self.found(*segment, *ip, at);
            }
        }
        for (ip, segment) in &self.links.spoke {
            let known = self.clusters.by_ip.contains_key(ip);
            if !known && self.site.contains(*ip) && !is_link_local(*ip) && !self.is_full() {
                let at = self.by_address(Node::Routed(*ip), true);
                self.clusters.give(at, *segment, *ip);
                self.clusters.by_ip.insert(*ip, Some(at));
            }
        }
    }

    fn by_address(&mut self, node: Node, inside: bool) -> usize {
        self.clusters.push(Cluster {
            nodes: BTreeSet::from([node]),
            inside,
            ..Cluster::default()
        })
    }

    /// Cards that a DHCP server spoke of; their lease ties them to an address behind a router.
    fn spoken_of(&mut self, ledger: &Ledger) {
        let said = ledger.claims().filter_map(|(subject, ..)| match subject {
            Subject::Mac(mac) => Some(mac),
            Subject::Party(_) => None,
        });
        let macs: BTreeSet<MacAddr> = said.chain(self.links.leases.iter().map(|l| l.0)).collect();
        for mac in macs {
            if self.clusters.of_mac.contains_key(&mac) {
                continue;
            }
            let leased = self.links.leases.range((mac, LOWEST)..);
            let routed = leased
                .take_while(|(holder, _)| *holder == mac)
                .find_map(|(_, ip)| self.clusters.by_ip.get(ip).copied().flatten());
            let at = match routed {
                Some(at) => at,
                None if self.is_full() => continue,
                None => self.clusters.push(Cluster {
                    inside: true,
                    ..Cluster::default()
                }),
            };
            if let Some(cluster) = self.clusters.all.get_mut(at) {
                if let Some((_, ip)) = cluster.addresses.first() {
                    cluster.bonds.push(Bond::Lease(mac, *ip));
                }
                cluster.nodes.insert(Node::Mac(mac));
                cluster.macs.insert(mac);
            }
            self.clusters.of_mac.entry(mac).or_default().insert(at);
        }
    }

    /// Addresses of others that matter though they are not on our segments.
    fn behind(&mut self, behind: &BTreeSet<IpAddr>) {
        let held: BTreeSet<IpAddr> = self.clusters.by_address.keys().map(|(_, ip)| *ip).collect();
        for ip in behind {
            if held.contains(ip) || self.clusters.by_ip.contains_key(ip) {
                continue;
            }
            if self.is_full() {
                continue;
            }
            let at = self.by_address(Node::Behind(*ip), false);
            let from = (*ip, Segment::default());
            if let Some((spoke, segment)) = self.links.spoke.range(from..).next()
                && spoke == ip
            {
                self.clusters.give(at, *segment, *ip);
            }
            self.clusters.by_ip.insert(*ip, Some(at));
        }
    }
}

/// Smaller than every other address.
const LOWEST: IpAddr = IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED);

fn identities(ledger: &Ledger) -> Identities {
    let mut identities = Identities::new();
    for (subject, attribute, value, _, fact) in ledger.claims() {
        if let Subject::Party(Party {
            segment,
            ip,
            mac: Some(mac),
        }) = subject
            && ONE_AT_A_TIME.contains(&attribute)
        {
            let said = identities.entry((segment, mac, ip)).or_default();
            let spans = said.entry(attribute).or_default();
            let span = (fact.seen.first, fact.seen.last);
            spans
                .entry(value.to_owned())
                .and_modify(|known| *known = (known.0.min(span.0), known.1.max(span.1)))
                .or_insert(span);
        }
    }
    identities
}

/// Both say an attribute of which one unit has one value at a time, differ in it, and do so at
/// the same time. Whoever says several values at once speaks of others (an interface engine).
fn contradict(
    a: &BTreeMap<&'static str, Spans>,
    b: &BTreeMap<&'static str, Spans>,
) -> Option<&'static str> {
    let differ = a.iter().find(|(attribute, ours)| {
        b.get(*attribute).is_some_and(|theirs| {
            let disjoint = ours.keys().all(|value| !theirs.contains_key(value));
            let together = ours
                .values()
                .any(|x| theirs.values().any(|y| overlap(*x, *y)));
            disjoint && together && one_at_a_time(ours) && one_at_a_time(theirs)
        })
    });
    differ.map(|(attribute, _)| *attribute)
}

fn overlap(a: (Timestamp, Timestamp), b: (Timestamp, Timestamp)) -> bool {
    a.0 <= b.1 && b.0 <= a.1
}

fn one_at_a_time(spans: &Spans) -> bool {
    let spans: Vec<_> = spans.values().collect();
    spans
        .iter()
        .enumerate()
        .all(|(at, a)| spans.iter().skip(at + 1).all(|b| !overlap(**a, **b)))
}
