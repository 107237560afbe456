//! A device goes to a public address that no name, lease or page was seen to give it.
//!
//! Sources: CISA ICSMA-25-030-01 (a fixed public address in a monitor's firmware), found there by
//! traffic of that kind. Limits: a rule of absence: names that were looked up before the capture,
//! or over an encrypted channel, look the same, and so does an address that somebody typed in.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use auscult_inventory::{Party, factory_range};
use auscult_model::report::{Finding, Severity, Where};
use auscult_model::{Assignment, MacAddr, Timestamp, Transport};

use super::outbound::{Outbound, by_device_and_peer};
use crate::draft::{Draft, watched_words};
use crate::grade::Grade;
use crate::stake::{Stake, stake};
use crate::words::{count, list};
use crate::{Detector, Facts, RuleRecord, View};

static RECORD: RuleRecord = RuleRecord {
    rule: "hardcoded-destination",
    title: "A device goes to a public address that nothing gave it",
    when: "A medical, embedded or unknown device sent to a public address that no answer of a name \
           service, no lease and no client's words named, and the capture holds the device's \
           start, or lookups of other names. The more devices do so, and over a restart, \
           the surer it is.",
    worst: Severity::Medium,
    innocent: &[
        "An address that an administrator typed in (archive, HL7, time, names).",
        "A name that was looked up before the capture, or over an encrypted channel.",
        "Public name, time and relay services (DNS, NTP, STUN): nothing.",
        "A device that goes to more than eight such places: its names come by a way that is not \
         seen, or it talks from peer to peer. Factory addresses count all the same.",
        "Guests, computers, telephones behind a proxy or a zero-trust client: nothing.",
    ],
    attack: &["T1071", "T0862"],
    cves: &[],
    sources: &["CISA ICSMA-25-030-01 Update A (2025-02-25)"],
};

/// Services whose addresses are known to everybody, by port.
const COMMON: [u16; 6] = [53, 67, 123, 853, 3478, 5353];
/// A device heard of first at least so long after the capture began was seen to start.
const LATE: i64 = 60 * Timestamp::SECOND;

/// So many places nobody wrote into a device.
const WRITTEN: usize = 8;

/// The detector.
pub(super) struct HardcodedDestination;

impl Detector for HardcodedDestination {
    fn record(&self) -> &'static RuleRecord {
        &RECORD
    }

    fn conclude(&self, _facts: &Facts, view: &View<'_>) -> Vec<Finding> {
        let bare = by_device_and_peer(view, |talk| {
            matches!(talk.key.transport, Transport::Tcp | Transport::Udp)
                && !COMMON.contains(&talk.key.port)
                && stake(view.role(talk.local)) != Stake::Office
                && view.names(talk.peer).is_empty()
        });
        let mut places: BTreeMap<&str, usize> = BTreeMap::new();
        for (who, _) in bare.keys() {
            *places.entry(who).or_default() += 1;
        }
        let mut peers: BTreeMap<IpAddr, Goers<'_>> = BTreeMap::new();
        for ((who, peer), talks) in &bare {
            let is_many = places.get(who.as_str()).is_some_and(|n| *n > WRITTEN);
            if is_many && factory_range(*peer).is_none() {
                continue;
            }
            let goers = peers.entry(*peer).or_default();
            goers.ports.extend(talks.iter().map(|talk| talk.key.port));
            // Of each device the conversation that lasted longest.
            let longest = |talk: &&Outbound<'_>| talk.sum.last.since(talk.sum.first);
            goers.talks.extend(talks.iter().max_by_key(longest));
        }
        let known = Known::new(view);
        let finding = |(peer, goers): (&IpAddr, &Goers<'_>)| finding(view, &known, *peer, goers);
        peers.iter().filter_map(finding).collect()
    }
}

/// Who goes to one address, by which ports.
#[derive(Default)]
struct Goers<'a> {
    talks: Vec<Outbound<'a>>,
    ports: BTreeSet<u16>,
}

/// What shows that the address was not simply asked for unseen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Ground {
    /// Nothing does.
    None,
    /// Names were looked up by others.
    Names,
    /// It looked up other names.
    OtherNames,
    /// It was seen to start.
    Start,
    /// It did so again after a further lease.
    Restart,
}

/// What is known of starts and of names, by address.
struct Known {
    /// First and last lease of a card's address.
    leases: BTreeMap<(MacAddr, IpAddr), (Timestamp, Timestamp)>,
    /// Who was answered by name servers.
    asked: BTreeSet<IpAddr>,
    /// Answers of name services were seen at all.
    names: bool,
}

impl Known {
    fn new(view: &View<'_>) -> Self {
        let assigned = view.ledger.assignments().into_iter();
        let leases = assigned.filter(|((_, _, how, _), _)| *how == Assignment::Leased);
        let spoken = view.ledger.spoken().keys();
        let asked = spoken.filter(|(protocol, ..)| *protocol == "dns");
        Known {
            leases: leases
                .map(|((mac, ip, ..), seen)| ((*mac, *ip), (seen.first, seen.last)))
                .collect(),
            asked: asked.map(|(_, _, to)| to.ip).collect(),
            names: view.ledger.name_answers().keys().next().is_some(),
        }
    }

    fn ground(&self, view: &View<'_>, talk: &Outbound<'_>) -> Ground {
        let local = talk.local;
        let lease = local.mac.and_then(|mac| self.leases.get(&(mac, local.ip)));
        if let Some((first, last)) = lease.copied() {
            if first < last && talk.sum.first < last && last < talk.sum.last {
                return Ground::Restart;
            }
            if first <= talk.sum.first {
                return Ground::Start;
            }
        }
        let began = view.span().map(|(first, _)| first);
        let late = view
            .device(local)
            .and_then(|device| Some(device.first_seen?.since(began?) >= LATE));
        if late == Some(true) {
            return Ground::Start;
        }
        match (self.asked.contains(&local.ip), self.names) {
            (true, _) => Ground::OtherNames,
            (false, true) => Ground::Names,
            (false, false) => Ground::None,
        }
    }
}

fn finding(view: &View<'_>, known: &Known, peer: IpAddr, goers: &Goers<'_>) -> Option<Finding> {
    let talks = goers.talks.as_slice();
    let first = talks.first()?;
    let ground = talks.iter().map(|talk| known.ground(view, talk)).max()?;
    if ground == Ground::None {
        return None;
    }
    let reach = view.reach(first.local, peer, None);
    if !matches!(
        reach.place,
        Where::Left
            | Where::AnsweredFar
            | Where::AnsweredNear
            | Where::TowardsOutside
            | Where::Attempted
            | Where::Blocked
            | Where::CannotTell
    ) {
        return None;
    }
    let surest = talks
        .iter()
        .map(|talk| stake(view.role(talk.local)))
        .min()?;
    let devices = talks.len();
    let mut grade = match (surest.is_medical(), devices > 1) {
        _ if factory_range(peer).is_some() && surest.is_medical() => Grade::new(
            Severity::Medium,
            "a factory address of medical products, which nothing here gave the device",
        ),
        (true, true) => Grade::new(
            Severity::Low,
            "several medical devices go to the same place",
        ),
        (true, false) => Grade::new(Severity::Low, "a medical device goes there"),
        (false, _) => Grade::new(Severity::Info, format!("{} goes there", surest.words())),
    };
    grade.note(match ground {
        Ground::Restart => "it went there before and after a further lease",
        Ground::Start => "its start was captured, and no name was asked for",
        Ground::OtherNames => "it looked up other names, and not this one",
        _ => "names that others looked up were seen, this one was not",
    });
    if reach.place == Where::Blocked {
        grade.cap(Severity::Info, "refused: the block works");
    }
    let mut confidence = match (ground, devices) {
        (Ground::Restart, _) => 0.85,
        (_, 3..) => 0.85,
        (Ground::Start, _) => 0.75,
        (Ground::OtherNames, _) => 0.65,
        _ => 0.5 + 0.1 * (devices.min(2) as f32 - 1.0),
    };
    if view.is_lossy() {
        confidence *= 0.8;
    }
    let locals: Vec<IpAddr> = talks.iter().map(|talk| talk.local.ip).collect();
    grade.cap_by_network(view, &locals);
    Some(sentences(view, peer, goers, &reach).finish(grade, confidence))
}

fn sentences(
    view: &View<'_>,
    peer: IpAddr,
    goers: &Goers<'_>,
    reach: &auscult_inventory::Reach,
) -> Draft {
    let talks = goers.talks.as_slice();
    let parties: Vec<Party> = talks.iter().map(|talk| talk.local).collect();
    let device = parties.first().and_then(|party| view.device(*party));
    let object = peer.to_string();
    let ports: Vec<String> = goers.ports.iter().map(ToString::to_string).collect();
    let mut draft = match talks {
        [one] => Draft::about(&RECORD, view.device(one.local), one.local.ip, &object),
        _ => Draft::new(&RECORD, "devices", &object),
    };
    draft = draft
        .peer(peer, Some(reach))
        .reach(reach)
        .texts("ports", ports.iter().cloned())
        .number("units", talks.len() as u64);
    let mut names = BTreeSet::new();
    for talk in talks {
        let device = view.device(talk.local);
        names.insert(view.name_and_address(talk.local));
        draft = draft.device(device);
    }
    for talk in talks.iter().take(3) {
        draft = draft.talk(view, (talk.key, talk.sum));
    }
    let who = match (talks.len(), device) {
        (1, Some(device)) => crate::words::call_name(device),
        (1, None) => talks
            .first()
            .map_or_else(String::new, |talk| talk.local.ip.to_string()),
        (several, _) => count(several, "device", "devices"),
    };
    let goes = if talks.len() == 1 { "goes" } else { "go" };
    draft
        .words(
            format!("{who} {goes} to {peer}, which nothing seen here named"),
            "Nothing to do at the bedside.",
            "Look for the address in the device's settings. If it is not there, ask the maker \
             what it is for; until then give the device no way there.",
        )
        .seen(format!("{}: port {}.", list(&names), list(&ports)))
        .seen(format!("Watched {}.", watched_words(&reach.watched)))
        .innocent(
            "An address that somebody typed in, or a name that was looked up before the capture. \
             Looked for: answers of name services, leases, names that clients used for it.",
        )
}

#[cfg(test)]
mod tests {
    use auscult_model::Meaning;

    use super::*;
    use crate::scene::{Scene, Talk, far, host, monitor, outside, ward};

    const RULE: &str = "hardcoded-destination";

    fn named(name: &str, ip: IpAddr) -> Meaning {
        Meaning::NameAnswered {
            name: name.to_owned(),
            addresses: vec![ip],
        }
    }

    fn at_work() -> Scene {
        let other = named("other.example", IpAddr::from([198, 51, 100, 80]));
        ward()
            .say(host([10, 20, 0, 2]), monitor(), "dns", other)
            .way_out(monitor())
    }

    #[test]
    fn a_monitor_that_asks_for_other_names_only() {
        let scene = at_work().talk(monitor(), outside(), 8090, "unknown", Talk::ANSWERED);
        let finding = scene.one(RULE);
        assert_eq!(finding.severity, Severity::Low, "{:?}", finding.reasons);
        assert!(finding.details.contains_key("watched"));
    }

    #[test]
    fn a_factory_address_is_medium() {
        let factory = far([202, 114, 4, 119]);
        let scene = at_work().talk(monitor(), factory, 515, "contec-cms", Talk::ANSWERED);
        assert_eq!(scene.one(RULE).severity, Severity::Medium);
    }

    #[test]
    fn one_place_is_one_finding() {
        let scene = at_work()
            .talk(monitor(), outside(), 8090, "unknown", Talk::ANSWERED)
            .talk(monitor(), outside(), 8091, "unknown", Talk::ANSWERED)
            .talk(
                host([10, 20, 3, 15]),
                outside(),
                8090,
                "unknown",
                Talk::ANSWERED,
            );
        let finding = scene.one(RULE);
        assert_eq!(finding.devices.len(), 2, "{:?}", finding.devices);
    }

    #[test]
    fn near_miss_more_places_than_anybody_writes_down() {
        let scene = (1..=9).fold(at_work(), |scene, n| {
            scene.talk(
                monitor(),
                far([198, 51, 100, n]),
                443,
                "tls",
                Talk::ANSWERED,
            )
        });
        assert_eq!(scene.of(RULE), []);
        let factory = far([202, 114, 4, 119]);
        let scene = scene.talk(monitor(), factory, 515, "contec-cms", Talk::ANSWERED);
        assert_eq!(scene.one(RULE).severity, Severity::Medium);
    }

    #[test]
    fn near_miss_a_name_was_answered() {
        let scene = at_work()
            .talk(monitor(), outside(), 8090, "unknown", Talk::ANSWERED)
            .say(
                host([10, 20, 0, 2]),
                monitor(),
                "dns",
                named("a.example", outside().ip),
            );
        assert_eq!(scene.of(RULE), []);
    }

    #[test]
    fn near_miss_the_client_said_a_name() {
        let claim = Meaning::Claim {
            about: auscult_model::About::Receiver,
            attribute: "server_name",
            value: "cloud.example".to_owned(),
        };
        let scene = at_work()
            .talk(monitor(), outside(), 443, "tls", Talk::ANSWERED)
            .say(monitor(), outside(), "tls", claim);
        assert_eq!(scene.of(RULE), []);
    }

    #[test]
    fn near_miss_nothing_shows_that_names_would_be_seen() {
        let scene = Scene::new()
            .talk(monitor(), outside(), 8090, "unknown", Talk::ANSWERED)
            .way_out(monitor());
        assert_eq!(scene.of(RULE), []);
    }

    #[test]
    fn near_miss_public_time_and_names() {
        let scene = at_work().talk(monitor(), outside(), 123, "ntp", Talk::ANSWERED);
        assert_eq!(scene.of(RULE), []);
    }

    #[test]
    fn near_miss_a_computer() {
        let pc = host([10, 20, 9, 77]);
        let scene = at_work()
            .office(pc)
            .say(
                host([10, 20, 0, 2]),
                pc,
                "dns",
                named("b.example", IpAddr::from([198, 51, 100, 81])),
            )
            .talk(pc, outside(), 8090, "unknown", Talk::ANSWERED);
        assert_eq!(scene.of(RULE), []);
    }

    #[test]
    fn near_miss_only_pinged() {
        let ping = Talk {
            transport: Transport::Icmp,
            ..Talk::ANSWERED
        };
        let scene = at_work().talk(monitor(), outside(), 0, "icmp", ping);
        assert_eq!(scene.of(RULE), []);
    }

    #[test]
    fn near_miss_an_announced_address_is_no_start() {
        let assigned = |how| Meaning::AddressAssigned {
            mac: monitor().mac,
            ip: monitor().ip,
            how,
        };
        let start = |how| {
            Scene::new()
                .say(host([10, 20, 0, 2]), monitor(), "dhcp", assigned(how))
                .talk(monitor(), outside(), 8090, "unknown", Talk::ANSWERED)
                .way_out(monitor())
        };
        assert!(!start(Assignment::Leased).of(RULE).is_empty());
        assert_eq!(start(Assignment::Announced).of(RULE), []);
    }

    #[test]
    fn near_miss_it_was_told_something_else_than_names() {
        let claim = Meaning::Claim {
            about: auscult_model::About::Sender,
            attribute: "model",
            value: "station".to_owned(),
        };
        let scene = Scene::new()
            .say(host([10, 20, 3, 5]), monitor(), "http", claim)
            .talk(monitor(), outside(), 8090, "unknown", Talk::ANSWERED)
            .way_out(monitor());
        assert_eq!(scene.of(RULE), []);
    }

    #[test]
    fn near_miss_the_block_works() {
        let refused = Talk {
            outcome: auscult_model::Outcome::Refused,
            icmp_errors: 3,
            ..Talk::UNANSWERED
        };
        let scene = at_work().talk(monitor(), outside(), 8090, "unknown", refused);
        let finding = scene.one(RULE);
        assert_eq!(finding.severity, Severity::Info, "{:?}", finding.reasons);
    }

    #[test]
    fn near_miss_guests() {
        let scene = at_work().talk(monitor(), outside(), 8090, "unknown", Talk::ANSWERED);
        let finding = scene.guests("10.20.3.0/24").one(RULE);
        assert_eq!(finding.severity, Severity::Info);
    }

    #[test]
    fn near_miss_a_neighbour_in_the_providers_network() {
        let gate = crate::scene::Host {
            mac: crate::scene::ROUTER,
            ..host([198, 18, 7, 1])
        };
        let neighbour = host([198, 18, 7, 9]);
        let scene = at_work()
            .asked(monitor(), gate.ip, (3, 30), Some(gate))
            .asked(monitor(), neighbour.ip, (3, 30), Some(neighbour))
            .talk(monitor(), neighbour, 8090, "unknown", Talk::ANSWERED);
        assert_eq!(scene.of(RULE), []);
    }
}
