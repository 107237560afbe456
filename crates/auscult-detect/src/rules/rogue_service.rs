//! A host hands out addresses, routes or names that it has no business to hand out.
//!
//! Sources: RFC 2131, RFC 4795, RFC 1002; ATT&CK T1557.001, T1557.003. Limits: which server is the
//! right one is not known; told only where two contradict each other on one segment, or where one
//! host answers for names of everybody.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use auscult_inventory::Party;
use auscult_model::report::{Finding, Severity};
use auscult_model::{Event, Meaning, Segment};

use crate::draft::Draft;
use crate::grade::Grade;
use crate::words::{count, list};
use crate::{Detector, Fact, FactKey, Facts, RuleRecord, View};

static RECORD: RuleRecord = RuleRecord {
    rule: "rogue-service",
    title: "A host hands out routes or names that are not its own",
    when: "Two DHCP servers of one segment name different routers or name servers, and one of them \
           names itself; or one host answered for three names or more of others by LLMNR or \
           NetBIOS.",
    worst: Severity::High,
    innocent: &[
        "A pair of DHCP servers, a relay, a wireless controller in between: they name the same, \
         or each names itself.",
        "A server for network boot (PXE), which names no router: nothing.",
        "A monitoring server that serves its own monitors, and names no router: nothing.",
        "A computer that answers for its own names: nothing.",
    ],
    attack: &["T1557.001", "T1557.003", "T0830"],
    cves: &[],
    sources: &["RFC 2131", "RFC 4795", "RFC 1002"],
};

/// Marks facts about routers, name servers, names.
const ROUTER: &str = "router";
const NAME_SERVER: &str = "name-server";
const NAME: &str = "name";
/// So many names of others are no coincidence.
const NAMES: usize = 3;
/// Servers of one segment that one is compared with.
const SERVERS: usize = 16;
/// Name services in which everybody answers for himself.
const OWN_NAMES: [&str; 2] = ["llmnr", "nbns"];

/// The detector.
pub(super) struct RogueService;

impl Detector for RogueService {
    fn record(&self) -> &'static RuleRecord {
        &RECORD
    }

    fn observe(&self, event: &Event, facts: &mut Facts) {
        let mut add = |object: &str, note: &'static str, name: &'static str, texts: Vec<String>| {
            if texts.is_empty() {
                return;
            }
            let key = FactKey {
                from: event.from.into(),
                to: event.from.into(),
                port: 0,
                protocol: event.protocol,
                object: object.to_owned(),
            };
            let fact = Fact::of(event, note);
            let add = |fact: Fact, text| fact.value(name, text);
            facts.add(RECORD.rule, key, texts.into_iter().fold(fact, add));
        };
        let texts = |ips: &[IpAddr]| ips.iter().map(ToString::to_string).collect();
        match &event.meaning {
            Meaning::NetworkDescribed {
                routers,
                name_servers,
                ..
            } if event.protocol == "dhcp" => {
                add(ROUTER, "names a router", "address", texts(routers));
                add(
                    NAME_SERVER,
                    "names a name server",
                    "address",
                    texts(name_servers),
                );
            }
            Meaning::NameAnswered { name, addresses }
                if OWN_NAMES.contains(&event.protocol) && addresses.contains(&event.from.ip) =>
            {
                add(NAME, "answers for a name", "name", vec![name.clone()]);
            }
            _ => {}
        }
    }

    fn conclude(&self, facts: &Facts, view: &View<'_>) -> Vec<Finding> {
        let mut findings = names(facts, view);
        findings.extend(servers(facts, view));
        findings
    }
}

type Told<'f> = Vec<(&'f FactKey, &'f Fact)>;

/// Those who answer for everybody.
fn names(facts: &Facts, view: &View<'_>) -> Vec<Finding> {
    let mut by_host: BTreeMap<String, (Party, BTreeSet<&str>, Told<'_>)> = BTreeMap::new();
    for (key, fact) in facts.of(RECORD.rule).filter(|(key, _)| key.object == NAME) {
        let fresh = || (key.from, BTreeSet::new(), Vec::new());
        let (_, names, told) = by_host.entry(view.who(key.from)).or_insert_with(fresh);
        names.extend(fact.texts("name"));
        told.push((key, fact));
    }
    let found = by_host.into_values().filter_map(|(host, names, told)| {
        let own: BTreeSet<String> = view
            .device(host)
            .into_iter()
            .flat_map(|device| &device.claims)
            .filter(|claim| claim.attribute != "llmnr_name")
            .map(|claim| claim.value.to_ascii_lowercase())
            .collect();
        let is_own = |name: &&&str| {
            let first = name.split('.').next().unwrap_or(name).to_ascii_lowercase();
            own.iter().any(|value| value.contains(&first))
        };
        let others: BTreeSet<&str> = names.iter().filter(|name| !is_own(name)).copied().collect();
        if others.len() < NAMES || !view.is_local(host) {
            return None;
        }
        let mut grade = Grade::new(
            Severity::High,
            "who asks for these names logs in at the one who answers",
        );
        let confidence = 0.85;
        grade.cap_by_network(view, &[host.ip]);
        let name = view.name(host);
        let draft = Draft::about(&RECORD, view.device(host), host.ip, NAME)
            .texts("answered_names", others.iter().copied())
            .facts(view, &told);
        Some(
            draft
                .words(
                    format!(
                        "{name} answers for {} of others",
                        count(others.len(), "name", "names")
                    ),
                    "Nothing to do at the bedside.",
                    "Find this host and ask who runs it. Switch LLMNR and NetBIOS names off in \
                     the domain.",
                )
                .seen(format!("Says that it is {}.", list(&others)))
                .innocent(
                    "A test of the own security, or a server with many names. Looked at: names \
                     that the host is known by.",
                )
                .finish(grade, confidence),
        )
    });
    found.collect()
}

/// What one server of a segment names.
struct Server<'f> {
    party: Party,
    named: BTreeMap<&'f str, BTreeSet<&'f str>>,
    told: Told<'f>,
}

/// Servers of one segment that contradict each other.
fn servers(facts: &Facts, view: &View<'_>) -> Vec<Finding> {
    let mut segments: BTreeMap<Segment, BTreeMap<String, Server<'_>>> = BTreeMap::new();
    for (key, fact) in facts.of(RECORD.rule).filter(|(key, _)| key.object != NAME) {
        let servers = segments.entry(key.from.segment).or_default();
        let fresh = || Server {
            party: key.from,
            named: BTreeMap::new(),
            told: Vec::new(),
        };
        let server = servers.entry(view.who(key.from)).or_insert_with(fresh);
        let named = server.named.entry(key.object.as_str()).or_default();
        named.extend(fact.texts("address"));
        server.told.push((key, fact));
    }
    let mut findings = Vec::new();
    for servers in segments.values() {
        for (who, server) in servers {
            let rest = servers.iter().filter(|(other, _)| *other != who);
            let others: Vec<&Server<'_>> = rest.map(|(_, other)| other).take(SERVERS).collect();
            findings.extend(contradicts(view, server, &others));
        }
    }
    findings
}

/// How often a server was heard, and since when: the one that is heard less is told.
fn weight(server: &Server<'_>) -> (u64, std::cmp::Reverse<Option<auscult_model::Timestamp>>) {
    let facts = || server.told.iter().map(|(_, fact)| fact);
    let times = facts().map(|fact| fact.count).sum();
    (
        times,
        std::cmp::Reverse(facts().map(|fact| fact.first).min()),
    )
}

fn contradicts(view: &View<'_>, server: &Server<'_>, others: &[&Server<'_>]) -> Option<Finding> {
    if others.iter().any(|other| weight(other) < weight(server)) {
        return None;
    }
    let own = server.party.ip.to_string();
    // It names itself, and every other server of the segment names somebody else.
    let object = [ROUTER, NAME_SERVER].into_iter().find(|object| {
        let named = server.named.get(object);
        let others: Vec<_> = others.iter().filter_map(|o| o.named.get(object)).collect();
        named.is_some_and(|named| named.contains(own.as_str()))
            && !others.is_empty()
            && others.iter().all(|other| !other.contains(own.as_str()))
    })?;
    // Two servers that each name themselves share the work, or are both routers.
    let alike = others.iter().all(|other| {
        let own = other.party.ip.to_string();
        other
            .named
            .get(object)
            .is_some_and(|named| named.contains(own.as_str()))
    });
    if alike {
        return None;
    }
    let mut grade = match view.is_clinical(server.party.segment) {
        true => Grade::new(Severity::High, "medical devices are on this segment"),
        false => Grade::new(Severity::Medium, "it names itself against another server"),
    };
    grade.cap_by_network(view, &[server.party.ip]);
    let name = view.name(server.party);
    let rivals = others.iter().map(|other| view.name(other.party));
    let rivals: BTreeSet<String> = rivals.collect();
    let what = if object == ROUTER {
        "router"
    } else {
        "name server"
    };
    let draft = Draft::about(&RECORD, view.device(server.party), server.party.ip, object)
        .texts("other_servers", rivals.iter().cloned())
        .text("names_itself_as", what)
        .facts(view, &server.told);
    Some(
        draft
            .words(
                format!("{name} hands out addresses and names itself as {what}"),
                "Nothing to do at the bedside.",
                "Find this host at its switch port and ask who runs it; let switches pass answers \
                 of known DHCP servers only (DHCP snooping).",
            )
            .seen(format!(
                "{} on the same segment names others.",
                list(&rivals)
            ))
            .innocent(
                "A small router that somebody plugged in, a server that is being replaced. Looked \
                 at: what each server names, and who passes packets on.",
            )
            .finish(grade, 0.85),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::{Host, Scene, everybody, host};

    const RULE: &str = "rogue-service";

    fn dhcp(router: Option<[u8; 4]>, server: [u8; 4]) -> Meaning {
        Meaning::NetworkDescribed {
            prefix: None,
            routers: router.into_iter().map(IpAddr::from).collect(),
            name_servers: vec![IpAddr::from(server)],
        }
    }

    fn known() -> Host {
        host([10, 20, 0, 2])
    }

    fn second() -> Host {
        host([10, 20, 0, 66])
    }

    fn segment() -> Scene {
        let told = dhcp(Some([10, 20, 0, 1]), [10, 20, 0, 2]);
        Scene::new().say(known(), everybody(), "dhcp", told)
    }

    #[test]
    fn a_second_server_that_names_itself() {
        let told = dhcp(Some([10, 20, 0, 66]), [10, 20, 0, 66]);
        let finding = segment().say(second(), everybody(), "dhcp", told).one(RULE);
        assert_eq!(finding.severity, Severity::Medium, "{:?}", finding.reasons);
    }

    #[test]
    fn near_miss_a_pair_that_names_the_same() {
        let told = dhcp(Some([10, 20, 0, 1]), [10, 20, 0, 2]);
        let scene = segment().say(second(), everybody(), "dhcp", told);
        assert_eq!(scene.of(RULE), []);
    }

    #[test]
    fn near_miss_a_pair_of_which_each_names_itself() {
        let told = dhcp(Some([10, 20, 0, 1]), [10, 20, 0, 66]);
        let scene = segment().say(second(), everybody(), "dhcp", told);
        assert_eq!(scene.of(RULE), []);
    }

    #[test]
    fn near_miss_network_boot_names_no_router() {
        let told = Meaning::NetworkDescribed {
            prefix: None,
            routers: Vec::new(),
            name_servers: Vec::new(),
        };
        let scene = segment().say(second(), everybody(), "dhcp", told);
        assert_eq!(scene.of(RULE), []);
    }

    fn answers(names: &[&str], from: Host) -> Scene {
        names.iter().fold(Scene::new(), |scene, name| {
            let answered = Meaning::NameAnswered {
                name: (*name).to_owned(),
                addresses: vec![from.ip],
            };
            scene.say(from, host([10, 20, 0, 9]), "llmnr", answered)
        })
    }

    #[test]
    fn a_host_that_answers_for_everybody() {
        let finding = answers(&["wpad", "fileserv", "printsrv"], second()).one(RULE);
        assert_eq!(finding.severity, Severity::High);
    }

    #[test]
    fn near_miss_two_names() {
        assert_eq!(answers(&["pc-17", "pc-17-alt"], second()).of(RULE), []);
    }

    #[test]
    fn near_miss_network_boot_that_is_heard_more() {
        let told = || Meaning::NetworkDescribed {
            prefix: None,
            routers: Vec::new(),
            name_servers: Vec::new(),
        };
        let scene = segment().say(second(), everybody(), "dhcp", told()).say(
            second(),
            everybody(),
            "dhcp",
            told(),
        );
        assert_eq!(scene.of(RULE), []);
    }

    #[test]
    fn near_miss_a_pair_beside_a_host_that_answers_for_its_name() {
        let answered = || Meaning::NameAnswered {
            name: "pc-17".to_owned(),
            addresses: vec![host([10, 20, 0, 17]).ip],
        };
        let (holder, asker) = (host([10, 20, 0, 17]), host([10, 20, 0, 9]));
        // It is heard more than the servers.
        let before = (0..5).fold(Scene::new(), |scene, _| {
            scene.say(holder, asker, "llmnr", answered())
        });
        let own = dhcp(Some([10, 20, 0, 1]), [10, 20, 0, 2]);
        let told = dhcp(Some([10, 20, 0, 1]), [10, 20, 0, 66]);
        let scene =
            before
                .say(known(), everybody(), "dhcp", own)
                .say(second(), everybody(), "dhcp", told);
        assert_eq!(scene.of(RULE), []);
    }

    #[test]
    fn near_miss_the_server_that_is_heard_more() {
        let own = || dhcp(Some([10, 20, 0, 1]), [10, 20, 0, 2]);
        let other = dhcp(Some([10, 20, 0, 1]), [10, 20, 0, 99]);
        let scene = segment().say(known(), everybody(), "dhcp", own()).say(
            second(),
            everybody(),
            "dhcp",
            other,
        );
        assert_eq!(scene.of(RULE), []);
    }

    #[test]
    fn near_miss_answers_from_outside() {
        let outside = crate::scene::outside();
        assert_eq!(
            answers(&["wpad", "fileserv", "printsrv"], outside).of(RULE),
            []
        );
    }

    #[test]
    fn near_miss_guests() {
        let told = dhcp(Some([10, 20, 0, 66]), [10, 20, 0, 66]);
        let scene = segment().say(second(), everybody(), "dhcp", told);
        assert_eq!(
            scene.guests("10.20.0.0/24").one(RULE).severity,
            Severity::Info
        );
        let scene = answers(&["wpad", "fileserv", "printsrv"], second());
        assert_eq!(
            scene.guests("10.20.0.0/24").one(RULE).severity,
            Severity::Info
        );
    }
}
