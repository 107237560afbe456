//! A second card uses an address while its holder is still there.
//!
//! Sources: RFC 5227 (address conflicts), RFC 826; McKee, DEF CON 26 (2018) on a monitor whose
//! address is taken over towards its station; Dameff and others, Black Hat (2018). Limits: seen by
//! link addresses only, on the segments that were captured; who is the real one is not told.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::IpAddr;

use auscult_inventory::Party;
use auscult_model::report::{Finding, Severity};
use auscult_model::{
    Assignment, MacAddr, NeighbourKey, NeighbourTimes, PacketRef, Segment, Timestamp,
};

use crate::draft::Draft;
use crate::grade::Grade;
use crate::stake::{Stake, stake};
use crate::view::look_at;
use crate::words::protocol_words;
use crate::{Detector, Facts, RuleRecord, View};

static RECORD: RuleRecord = RuleRecord {
    rule: "impostor",
    title: "A second card uses the address of a device",
    when: "On one segment, two cards used one address, each at least twice, and the first was \
           still there while the second used it.",
    worst: Severity::Critical,
    innocent: &[
        "Addresses of router groups (VRRP, CARP, HSRP, GLBP) and of balanced servers (NLB): \
         nothing.",
        "Routers, proxies and VPN gateways that answer for many addresses: nothing.",
        "Network cards of one maker in one machine (teaming), or a pair that takes over: info.",
        "An address that was given to another device later, or moved with it, or goes round among \
         devices by short leases: nothing.",
        "Network access control that answers for the router: low.",
        "Cards that take turns, as the cable and the radio of one device: low.",
        "A question whether an address is free (probe): nothing.",
    ],
    attack: &["T0830", "T1557.002"],
    cves: &[],
    sources: &[
        "RFC 5227",
        "RFC 826",
        "McKee, DEF CON 26 (2018)",
        "Dameff, Bland, Levchenko, Tully, Black Hat USA (2018)",
    ],
};

/// A card that claims so many addresses of one segment answers for others.
const ANSWERS_FOR_OTHERS: usize = 4;
/// Two uses nearer to each other than this are one moment.
const APART: i64 = Timestamp::SECOND;
/// A flow with a packet at least so often shows that its sender was there all the time.
const STEADY: i64 = 30 * Timestamp::SECOND;
/// Slots of ten seconds in which both said that the address is theirs: a change of hands has two.
const TOGETHER: i64 = 3;
/// Cards at one address that are compared.
const CARDS: usize = 4;
/// Signs kept of one card at one address.
const SIGNS: usize = 64;

/// The detector.
pub(super) struct Impostor;

/// When a card was seen to use an address.
#[derive(Debug, Default)]
struct Use {
    /// Moments, with a packet.
    at: BTreeSet<(Timestamp, PacketRef)>,
    /// When it said that the address is its own.
    said: NeighbourTimes,
    /// Times during which it sent steadily.
    steady: Vec<(Timestamp, Timestamp)>,
}

/// How surely two cards used one address at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Overlap {
    /// One was there at some moment between two of the other: they may take turns.
    Turns,
    /// One was there while the other was, without a pause between.
    AtOnce,
}

impl Use {
    fn add(&mut self, time: Timestamp, packet: PacketRef) {
        if self.at.len() < SIGNS || self.at.last().is_some_and(|last| time < last.0) {
            self.at.insert((time, packet));
        }
        while self.at.len() > SIGNS {
            self.at.pop_last();
        }
    }

    fn span(&self) -> Option<(Timestamp, Timestamp)> {
        Some((self.at.first()?.0, self.at.last()?.0))
    }

    /// Whether and how it was there well between the first and the last use of another card.
    fn overlap(&self, other: &Use) -> Option<Overlap> {
        let (from, to) = other.span()?;
        let (from, to) = (from.plus(APART), to.plus(-APART));
        let through = |(first, last): &(Timestamp, Timestamp)| *first < to && from < *last;
        let at_once = self.steady.iter().any(through)
            || self.said.contains_some_of(&other.said)
            || other.said.contains_some_of(&self.said)
            || self.said.together(&other.said) >= TOGETHER;
        let between = self.at.iter().any(|(time, _)| from < *time && *time < to)
            || self.said.has_between(from, to);
        match at_once {
            _ if from >= to => None,
            true => Some(Overlap::AtOnce),
            false => between.then_some(Overlap::Turns),
        }
    }
}

type Uses = BTreeMap<(Segment, IpAddr), BTreeMap<MacAddr, Use>>;

impl Detector for Impostor {
    fn record(&self) -> &'static RuleRecord {
        &RECORD
    }

    fn conclude(&self, _facts: &Facts, view: &View<'_>) -> Vec<Finding> {
        let uses = uses(view);
        let mut held: BTreeMap<(Segment, MacAddr), BTreeSet<IpAddr>> = BTreeMap::new();
        for ((segment, ip), cards) in &uses {
            for mac in cards.keys() {
                held.entry((*segment, *mac)).or_default().insert(*ip);
            }
        }
        let mut findings = Vec::new();
        for ((segment, ip), cards) in &uses {
            let is_own = |mac: &&MacAddr| {
                let many = held
                    .get(&(*segment, **mac))
                    .is_some_and(|ips| ips.len() >= ANSWERS_FOR_OTHERS);
                !many && is_one_machine(**mac)
            };
            // Of a crowd at one address two say as much as all.
            let own: Vec<&MacAddr> = cards.keys().filter(is_own).take(CARDS).collect();
            for (at, first) in own.iter().enumerate() {
                for second in own.iter().skip(at + 1) {
                    findings.extend(pair(view, (*segment, *ip), cards, [**first, **second]));
                }
            }
        }
        findings
    }
}

/// Not the address of a group of routers, nor that of balanced servers.
fn is_one_machine(mac: MacAddr) -> bool {
    let balanced = matches!(mac.0, [0x02 | 0x03, 0xbf, ..] | [0x02, 0x01..=0x20, ..]);
    !mac.is_virtual_router() && !mac.is_group() && mac != MacAddr::NONE && !balanced
}

/// Whose address a question or an answer says is whose.
fn said(key: &NeighbourKey) -> Option<(IpAddr, MacAddr)> {
    let (ip, mac) = match key.answered_by {
        Some(mac) => (key.target, mac),
        None => (key.asker_ip, key.asker_mac),
    };
    let is_own = !ip.is_unspecified() && !auscult_inventory::is_group(ip);
    is_own.then_some((ip, mac))
}

/// Who used which address when: by their own word and by their frames. What a router passes on
/// bears its card and the addresses of others.
fn uses(view: &View<'_>) -> Uses {
    // Nearly every address has one card, of which no more needs to be known.
    let mut one: HashMap<(Segment, IpAddr), MacAddr> = HashMap::new();
    let mut disputed: HashSet<(Segment, IpAddr)> = HashSet::new();
    for key in view.ledger.neighbours().keys() {
        if let Some((ip, mac)) = said(key)
            && *one.entry((key.segment, ip)).or_insert(mac) != mac
        {
            disputed.insert((key.segment, ip));
        }
    }
    let mut uses = Uses::new();
    if disputed.is_empty() {
        return uses;
    }
    // Whoever answers for many is known by all addresses.
    for (key, sum) in view.ledger.neighbours() {
        if let Some((ip, mac)) = said(key) {
            let cards = uses.entry((key.segment, ip)).or_default();
            let card: &mut Use = cards.entry(mac).or_default();
            if disputed.contains(&(key.segment, ip)) {
                card.add(sum.first, sum.packet);
                card.add(sum.last, sum.packet);
                card.said.merge(&sum.times);
            }
        }
    }
    for (key, sum) in view.ledger.conversations() {
        let sides = [
            (key.originator, key.originator_mac, 0),
            (key.responder, sum.answer_mac.or(key.responder_mac), 1),
        ];
        for (ip, mac, side) in sides {
            let Some(mac) = mac.filter(|_| sum.packets[side] > 0) else {
                continue;
            };
            let Some(card) = disputed
                .contains(&(key.segment, ip))
                .then(|| uses.get_mut(&(key.segment, ip))?.get_mut(&mac))
                .flatten()
            else {
                continue;
            };
            card.add(sum.first, sum.first_packet);
            // Whose the later packets are is not known.
            if sum.moved > 0 {
                continue;
            }
            let length = sum.last.since(sum.first);
            let packets = i64::try_from(sum.packets[side]).unwrap_or(i64::MAX);
            if sum.flows == 1 && length / packets.max(1) <= STEADY {
                card.steady.push((sum.first, sum.last));
            }
            card.add(sum.last, sum.first_packet);
        }
    }
    uses
}

/// Two cards at one address.
fn pair(
    view: &View<'_>,
    (segment, ip): (Segment, IpAddr),
    cards: &BTreeMap<MacAddr, Use>,
    macs: [MacAddr; 2],
) -> Option<Finding> {
    let [a, b] = [cards.get(&macs[0])?, cards.get(&macs[1])?];
    let (span_a, span_b) = (a.span()?, b.span()?);
    // The later one is the second.
    let (first, second) = match span_a.0 <= span_b.0 {
        true => ((macs[0], a), (macs[1], b)),
        false => ((macs[1], b), (macs[0], a)),
    };
    let overlap = first.1.overlap(second.1)?;
    // By turns, as short leases go round.
    if is_leased(view, first.0, ip) && is_leased(view, second.0, ip) {
        return None;
    }
    if view.inventory.is_router(segment, second.0) && view.inventory.is_router(segment, first.0) {
        return None;
    }
    let holder = Party {
        segment,
        ip,
        mac: Some(first.0),
    };
    if !view.is_local(holder) {
        return None;
    }
    Some(finding(view, holder, (first, second), overlap))
}

/// Whether a server of addresses gave the address to a card.
fn is_leased(view: &View<'_>, mac: MacAddr, ip: IpAddr) -> bool {
    let mut leases = view.ledger.assignments().keys();
    leases.any(|(card, address, how, _)| (*card, *address, *how) == (mac, ip, Assignment::Leased))
}

fn finding(
    view: &View<'_>,
    holder: Party,
    (first, second): ((MacAddr, &Use), (MacAddr, &Use)),
    overlap: Overlap,
) -> Finding {
    let ip = holder.ip;
    let role = view.role(holder);
    let data = data_to(view, ip, second.0);
    let mut grade = match stake(role) {
        _ if view.inventory.is_router(holder.segment, first.0) => Grade::new(
            Severity::Low,
            "it answers for the router, as network access control does",
        ),
        Stake::Bedside | Stake::Medical if data.is_some() => Grade::new(
            Severity::Critical,
            "the address of a device that patients depend on, its holder contradicted, and \
             patient data goes to the second card",
        ),
        Stake::Bedside | Stake::Medical => Grade::new(
            Severity::High,
            "the address of a device that patients depend on, its holder contradicted",
        ),
        _ => Grade::new(Severity::Medium, "its holder is contradicted"),
    };
    if overlap == Overlap::Turns {
        grade.cap(
            Severity::Low,
            "one of them was there between uses of the other, not at once: a device that goes \
             between its dock and its radio looks the same",
        );
    }
    if first.0.0[..3] == second.0.0[..3] {
        grade.cap(
            Severity::Info,
            "both cards are of one maker, as those of a team or of a pair that takes over",
        );
    }
    grade.cap_by_loss(view, false, false);
    grade.cap_by_network(view, &[ip]);
    let confidence = match overlap {
        Overlap::AtOnce => 0.85,
        Overlap::Turns => 0.4,
    };
    let device = view.device(holder);
    let name = view.name(holder);
    let maker = |mac: MacAddr| {
        auscult_inventory::mac_vendor(mac).map_or_else(String::new, |maker| format!(" ({maker})"))
    };
    let mut draft = Draft::about(&RECORD, device, ip, &second.0.to_string())
        .device(
            view.inventory
                .device_by_mac(holder.segment, second.0)
                .and_then(|at| view.inventory.devices.get(at)),
        )
        .peer(ip, None)
        .text("first_card", first.0.to_string())
        .text("second_card", second.0.to_string());
    for (card, note) in [(first.1, "the first card"), (second.1, "the second card")] {
        let packets: BTreeSet<PacketRef> = card.at.iter().map(|(_, packet)| *packet).collect();
        for packet in packets.into_iter().take(2) {
            draft = draft.packet(view, packet, note, &look_at(ip));
        }
    }
    if let Some((from, to)) = second.1.span() {
        draft = draft.times(from, to, second.1.at.len() as u64);
    }
    if let Some(protocol) = data {
        draft = draft.seen(format!(
            "Patient data went to the second card by {}.",
            protocol_words(protocol)
        ));
    }
    draft
        .words(
            format!("Two cards use {ip}, the address of {name}"),
            "If readings at the station look wrong, go by the device at the bed.",
            "Find the second card at its switch port. If nobody knows it, take it off the \
             network and keep the capture.",
        )
        .seen(format!(
            "{}{} and, {}, {}{}.",
            first.0,
            maker(first.0),
            match overlap {
                Overlap::AtOnce => "while it was there",
                Overlap::Turns => "between its uses",
            },
            second.0,
            maker(second.0),
        ))
        .innocent(
            "A typing error in an address, a device that is being replaced, a program that takes \
             over for another. Looked at: router groups, balanced servers, cards of one maker, \
             who answers for many, whether both were there at once.",
        )
        .finish(grade, confidence)
}

/// The protocol by which patient data went to a card at an address.
fn data_to(view: &View<'_>, ip: IpAddr, mac: MacAddr) -> Option<&'static str> {
    let mut data = view.ledger.patient_data().keys();
    data.find(|(_, _, to)| to.ip == ip && to.mac == Some(mac))
        .map(|(protocol, ..)| *protocol)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::{Host, Scene, Talk, monitor, station};

    const RULE: &str = "impostor";

    /// Somebody with the station's address and a card of another maker.
    fn other() -> Host {
        Host {
            mac: MacAddr([0xd8, 0xbb, 0xc1, 1, 2, 3]),
            ..station()
        }
    }

    /// A ward whose monitor asks for the station and streams to it.
    fn ward(second: Host) -> Scene {
        let stream = Talk {
            seconds: 600,
            ..Talk::ANSWERED
        };
        let mut scene = Scene::new()
            .asked(monitor(), station().ip, (20, 600), Some(station()))
            .talk(monitor(), station(), 515, "contec-cms", stream)
            .patient(monitor(), station(), "contec-cms");
        // The stream's packets are dense.
        let keys: Vec<_> = scene.ledger.conversations().map(|(key, _)| *key).collect();
        for key in keys {
            let mut sum = scene.ledger.sum(&key).unwrap().clone();
            sum.flows = 0;
            sum.packets = [600, 600];
            scene.ledger.conversation(&key, &sum);
        }
        scene.asked(second, monitor().ip, (5, 60), None)
    }

    #[test]
    fn a_second_station_is_high_and_with_data_critical() {
        let finding = ward(other()).one(RULE);
        assert_eq!(finding.severity, Severity::High, "{:?}", finding.reasons);
        let taken = ward(other()).patient(monitor(), other(), "contec-cms");
        assert_eq!(taken.one(RULE).severity, Severity::Critical);
    }

    #[test]
    fn near_miss_a_team_of_cards() {
        let second = Host {
            mac: MacAddr([0x00, 0x0c, 0xc6, 9, 9, 9]),
            ..station()
        };
        assert_eq!(ward(second).one(RULE).severity, Severity::Info);
    }

    #[test]
    fn near_miss_router_groups_and_balanced_servers() {
        for mac in [[0x00, 0x00, 0x5e, 0, 1, 7], [0x02, 0xbf, 10, 20, 3, 5]] {
            let second = Host {
                mac: MacAddr(mac),
                ..station()
            };
            assert_eq!(ward(second).of(RULE), [], "{mac:x?}");
        }
    }

    #[test]
    fn near_miss_somebody_who_answers_for_many() {
        let mut scene = ward(other());
        for last in 30..34 {
            let alias = Host {
                ip: IpAddr::from([10, 20, 3, last]),
                ..other()
            };
            scene = scene.asked(alias, monitor().ip, (5, 60), None);
        }
        assert_eq!(scene.of(RULE), []);
    }

    /// Hosts that ask for the monitor at these seconds.
    fn asking(hosts: &[(Host, &[i64])]) -> Scene {
        let mut scene = Scene::new();
        for (host, seconds) in hosts {
            for second in *seconds {
                let key = auscult_model::NeighbourKey {
                    segment: host.segment,
                    asker_mac: host.mac,
                    asker_ip: host.ip,
                    target: monitor().ip,
                    answered_by: None,
                };
                let time = Timestamp(second * Timestamp::SECOND);
                let sum = auscult_model::NeighbourSum::of(time, PacketRef::default());
                scene.ledger.neighbour(&key, &sum);
            }
        }
        scene
    }

    #[test]
    fn two_who_ask_at_once() {
        let both: &[i64] = &[5, 15, 25, 35, 45];
        let scene = asking(&[(station(), both), (other(), both)]);
        assert_eq!(scene.one(RULE).severity, Severity::Medium);
        let scene = asking(&[(station(), &[25, 28]), (other(), both)]);
        assert_eq!(
            scene.one(RULE).severity,
            Severity::Medium,
            "one moment between"
        );
    }

    #[test]
    fn near_miss_cable_and_radio_take_turns() {
        let scene = asking(&[(station(), &[0, 90, 180]), (other(), &[45, 135])]);
        let finding = scene.one(RULE);
        assert_eq!(finding.severity, Severity::Low, "{:?}", finding.reasons);
        assert!(finding.confidence < 0.5);
    }

    #[test]
    fn near_miss_the_address_was_given_on() {
        let scene = asking(&[(station(), &[0, 30, 60]), (other(), &[120, 150, 180])]);
        assert_eq!(scene.of(RULE), []);
    }

    #[test]
    fn near_miss_short_leases_go_round() {
        let leased = |scene: Scene, to: Host| {
            let assigned = auscult_model::Meaning::AddressAssigned {
                mac: to.mac,
                ip: to.ip,
                how: Assignment::Leased,
            };
            scene.say(to, monitor(), "dhcp", assigned)
        };
        let one = leased(ward(other()), other());
        assert_eq!(
            one.one(RULE).severity,
            Severity::High,
            "one of them has a lease"
        );
        assert_eq!(leased(one, station()).of(RULE), []);
    }

    #[test]
    fn near_miss_one_probe() {
        let scene = ward(other());
        let mut scene = scene;
        let keys: Vec<_> = scene.ledger.neighbours().keys().copied().collect();
        let mut ledger = auscult_inventory::Ledger::default();
        for key in keys {
            let sum = scene.ledger.neighbours().get(&key).cloned().unwrap();
            let mut key = key;
            if key.asker_mac == other().mac {
                key.asker_ip = IpAddr::from([0, 0, 0, 0]);
                key.target = station().ip;
            }
            ledger.neighbour(&key, &sum);
        }
        scene.ledger = ledger;
        assert_eq!(scene.of(RULE), []);
    }

    /// The second that the scenes begin with.
    const BEGIN: i64 = 1_763_900_000;

    /// Two who take turns, and the first is busy for twenty seconds, so many after the beginning.
    fn turns_and_a_stream(after: u64) -> Scene {
        let at = |seconds: [i64; 3]| seconds.map(|second| BEGIN + second);
        let first = at([0, 90, 180]);
        let second = at([45, 135, 136]);
        let busy = Talk {
            seconds: 20,
            ..Talk::ANSWERED
        };
        asking(&[(station(), &first), (other(), &second)])
            .later(after)
            .talk(station(), monitor(), 80, "http", busy)
    }

    #[test]
    fn near_miss_a_stream_before_or_after_the_others_turn() {
        assert_eq!(turns_and_a_stream(50).one(RULE).severity, Severity::Medium);
        assert_eq!(turns_and_a_stream(5).one(RULE).severity, Severity::Low);
        assert_eq!(turns_and_a_stream(150).one(RULE).severity, Severity::Low);
    }

    #[test]
    fn near_miss_a_card_that_is_only_spoken_to() {
        let given_on = || {
            let at = |seconds: [i64; 3]| seconds.map(|second| BEGIN + second);
            let (first, second) = (at([0, 30, 60]), at([120, 150, 180]));
            asking(&[(station(), &first), (other(), &second)]).later(20)
        };
        let answers = given_on().talk(monitor(), other(), 80, "http", Talk::ANSWERED);
        assert_eq!(answers.of(RULE).len(), 1);
        let silent = given_on().talk(monitor(), other(), 80, "http", Talk::UNANSWERED);
        assert_eq!(silent.of(RULE), []);
    }

    #[test]
    fn near_miss_cards_of_groups_or_of_nobody() {
        for mac in [[0x01, 0x00, 0x5e, 1, 2, 3], [0; 6]] {
            let second = Host {
                mac: MacAddr(mac),
                ..station()
            };
            assert_eq!(ward(second).of(RULE), [], "{mac:x?}");
        }
    }

    #[test]
    fn near_miss_two_who_have_no_address_yet() {
        let both: &[i64] = &[5, 15, 25, 35, 45];
        let ip = IpAddr::from([0, 0, 0, 0]);
        let [one, two] = [station(), other()].map(|host| Host { ip, ..host });
        assert_eq!(asking(&[(one, both), (two, both)]).of(RULE), []);
    }

    #[test]
    fn near_miss_two_routers_at_one_address() {
        let second = MacAddr([0xd8, 0xbb, 0xc1, 7, 7, 7]);
        let (first, gate) = (crate::scene::ROUTER, IpAddr::from([10, 20, 3, 1]));
        let at = |mac| Host {
            ip: gate,
            mac,
            ..station()
        };
        let both: &[i64] = &[5, 15, 25, 35, 45];
        let beyond = |mac, n| Host {
            mac,
            ..crate::scene::far([198, 51, 100, n])
        };
        let scene = |second| {
            (1..9).fold(
                asking(&[(at(first), both), (at(second), both)]),
                |scene, n| {
                    scene
                        .talk(monitor(), beyond(first, n), 443, "tls", Talk::ANSWERED)
                        .talk(
                            monitor(),
                            beyond(second, 100 + n),
                            443,
                            "tls",
                            Talk::ANSWERED,
                        )
                },
            )
        };
        assert_eq!(scene(second).of(RULE), []);
    }

    #[test]
    fn near_miss_guests() {
        let scene = ward(other()).guests("10.20.3.0/24");
        assert_eq!(scene.one(RULE).severity, Severity::Info);
    }

    #[test]
    fn near_miss_what_was_lost_may_tell_otherwise() {
        assert!(!ward(other()).one(RULE).weakened_by_loss);
        assert!(ward(other()).lossy().one(RULE).weakened_by_loss);
    }

    #[test]
    fn near_miss_an_address_of_the_providers_network() {
        let both: &[i64] = &[5, 15, 25, 35, 45];
        let at = |ip: [u8; 4], mac| Host {
            ip: IpAddr::from(ip),
            mac,
            ..station()
        };
        let theirs = [station().mac, other().mac].map(|mac| at([198, 18, 7, 9], mac));
        let disputed = || asking(&[(theirs[0], both), (theirs[1], both)]);
        assert_eq!(disputed().of(RULE).len(), 1, "they live here");
        let gate = at([198, 18, 7, 1], crate::scene::ROUTER);
        let scene = (1..9).fold(disputed(), |scene, n| {
            let far = crate::scene::far([198, 51, 100, n]);
            scene.talk(monitor(), far, 443, "tls", Talk::ANSWERED)
        });
        let scene = scene.asked(gate, monitor().ip, (5, 60), None);
        assert_eq!(scene.of(RULE), [], "a router's network");
    }

    #[test]
    fn near_miss_a_word_now_and_then_is_no_stream() {
        let at = |seconds: [i64; 3]| seconds.map(|second| BEGIN + second);
        let (first, second) = (at([0, 90, 180]), at([45, 135, 136]));
        let seldom = Talk {
            seconds: 100,
            packets: 2,
            ..Talk::ANSWERED
        };
        let scene = asking(&[(station(), &first), (other(), &second)]).later(40);
        let scene = scene.talk(station(), monitor(), 80, "http", seldom);
        assert_eq!(scene.one(RULE).severity, Severity::Low);
    }
}
