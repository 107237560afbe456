//! A tunnel in names: a device asks for ever new long names of one zone, and data come back.
//!
//! Of each device and zone the different names are counted, as far as they are long (52 characters
//! or more, as Farnham's rule has it), look drawn by lot (3 bits of Shannon's entropy a character
//! in front of the zone; hexadecimal digits have 3.7, base32 4.5), and are no reverse or service
//! names; names of which NULL records were asked count whatever they are. Only 64 slots are kept
//! of them: with `k` of `m` = 64 slots used there were about `-m ln(1 - k/m)` names (linear
//! counting).
//!
//! Sources: G. Farnham, Detecting DNS Tunneling (SANS, 2013); K. Born and D. Gustafson, Detecting
//! DNS Tunnels Using Character Frequency Analysis (2010); Whang, Vander-Zanden and Taylor, A
//! Linear-Time Probabilistic Counting Algorithm (1990). Limits: names that nobody answers, tunnels
//! of short names, names asked by DNS in TLS or HTTPS; a server that asks for others hides them.

use std::collections::BTreeSet;
use std::net::IpAddr;

use auscult_inventory::Party;
use auscult_model::report::{Finding, Severity};
use auscult_model::{Event, Meaning, Timestamp, Transport};

use crate::draft::{Draft, fnv_1a};
use crate::grade::Grade;
use crate::stake::{Stake, stake};
use crate::words::{count, list};
use crate::{Fact, FactKey, Facts, RuleRecord, View};

/// Names from here on are long.
const LONG: usize = 52;
/// Types of records that nothing but tunnels asks for: NULL, and iodine's own.
const TUNNELS: [&str; 2] = ["NULL", "TYPE65399"];
/// Some label of a name that carries data is at least so long: reverse names have short ones.
const LABEL: usize = 16;
/// Bits of entropy a character that carried data have at least.
const BITS: f64 = 3.0;
/// Slots of the count of different names.
const SLOTS: usize = 64;
/// Different names, in all and in an hour, when answers hold data.
const NAMES: u64 = 100;
/// The same when answers are addresses or refusals, which carry little.
const NAMES_OF_ADDRESSES: u64 = 300;

/// Zones in which protection programs ask for verdicts on files, senders and addresses.
const VERDICTS: [&str; 14] = [
    "barracudacentral.org",
    "bitdefender.net",
    "dnswl.org",
    "e5.sk",
    "kaspersky-labs.com",
    "mailshell.net",
    "mcafee.com",
    "sophosxl.net",
    "spamcop.net",
    "spamhaus.net",
    "spamhaus.org",
    "surbl.org",
    "trendmicro.com",
    "uribl.com",
];
/// Zones in which hosting services make long names of machines.
const HOSTS: [&str; 8] = [
    "akamaihd.net",
    "amazonaws.com",
    "azure.com",
    "cloudfront.net",
    "googleusercontent.com",
    "googlevideo.com",
    "gstatic.com",
    "windows.net",
];

/// Marks the zone in a fact's object.
const ZONE: &str = "zone ";

/// Takes note of a long name.
pub(super) fn observe(record: &RuleRecord, event: &Event, facts: &mut Facts) {
    let Meaning::NameAnswered { name, addresses } = &event.meaning else {
        return;
    };
    if event.protocol != "dns" {
        return;
    }
    let kind = event.attribute("qtype").unwrap_or_default();
    if !TUNNELS.contains(&kind) && (name.len() < LONG || !carries_data(name)) {
        return;
    }
    let answer = match addresses.first() {
        _ if !matches!(kind, "A" | "AAAA" | "ANY") => "data",
        Some(address) if address.is_loopback() => "verdict",
        Some(_) => "address",
        None => "nothing",
    };
    let key = FactKey {
        from: event.to.into(),
        to: event.from.into(),
        port: 0,
        protocol: "dns",
        object: format!("{ZONE}{}", zone(name)),
    };
    let fact = Fact::of(event, "answers a long name")
        .value("slot", slot(name).to_string())
        .value("type", kind)
        .value("answer", answer)
        .maximum("longest", i64::try_from(name.len()).unwrap_or(i64::MAX));
    facts.add(record.rule, key, fact);
}

/// The part of a name that somebody registered: two labels, or three where the second is one
/// of the short ones under which countries register.
fn zone(name: &str) -> &str {
    let mut labels = name.rsplit('.');
    let (last, second) = (labels.next(), labels.next());
    let short = |label: Option<&str>, most: usize| label.is_some_and(|label| label.len() <= most);
    let labels = if short(last, 2) && short(second, 3) {
        3
    } else {
        2
    };
    let before = name.rmatch_indices('.').nth(labels - 1);
    before
        .and_then(|(at, _)| name.get(at + 1..))
        .unwrap_or(name)
}

/// A long name that looks drawn by lot, and is no reverse or service name.
fn carries_data(name: &str) -> bool {
    let front = name.strip_suffix(zone(name)).unwrap_or_default();
    let labels = || front.split('.');
    !name.ends_with(".arpa")
        && !labels().any(|label| label.starts_with('_'))
        && labels().any(|label| label.len() >= LABEL)
        && entropy(front) >= BITS
}

/// Shannon's entropy of a text's bytes, in bits a byte.
fn entropy(text: &str) -> f64 {
    let mut counts = [0u32; 256];
    for byte in text.bytes() {
        counts[usize::from(byte)] += 1;
    }
    let all = text.len() as f64;
    let of = |count: &u32| {
        let share = f64::from(*count) / all;
        -share * share.log2()
    };
    counts.iter().filter(|count| **count > 0).map(of).sum()
}

/// The slot of a name: FNV-1a.
fn slot(name: &str) -> u64 {
    let hash = fnv_1a(name.bytes());
    (hash ^ (hash >> 32)) % SLOTS as u64
}

/// About how many different names there were, by the slots that they use; when all are used no
/// more than were answered.
fn estimate(slots: usize, answers: u64) -> u64 {
    let free = SLOTS.saturating_sub(slots) as f64 / SLOTS as f64;
    match free > 0.0 {
        true => ((-free.ln() * SLOTS as f64).round() as u64).min(answers),
        false => answers,
    }
}

/// The findings, one for each device and zone.
pub(super) fn conclude(
    record: &'static RuleRecord,
    facts: &Facts,
    view: &View<'_>,
) -> Vec<Finding> {
    let groups = facts.grouped(record.rule, |key| (view.who(key.from), key.object.as_str()));
    let found = groups.filter_map(|group| finding(record, view, &group));
    found.collect()
}

/// What all facts of a device and a zone come to.
struct Asked<'f> {
    party: Party,
    zone: &'f str,
    names: u64,
    in_an_hour: u64,
    types: BTreeSet<&'f str>,
    answers: BTreeSet<&'f str>,
}

impl<'f> Asked<'f> {
    fn of(group: &[(&'f FactKey, &'f Fact)]) -> Option<Asked<'f>> {
        let (key, _) = group.first()?;
        let texts = |name: &'static str| -> BTreeSet<&'f str> {
            group
                .iter()
                .flat_map(|(_, fact)| fact.texts(name))
                .collect()
        };
        let answered: u64 = group.iter().map(|(_, fact)| fact.count).sum();
        let first = group.iter().map(|(_, fact)| fact.first).min()?;
        let last = group.iter().map(|(_, fact)| fact.last).max()?;
        let names = estimate(texts("slot").len(), answered);
        let seconds = u64::try_from(last.since(first) / Timestamp::SECOND).unwrap_or(0);
        Some(Asked {
            party: key.from,
            zone: key.object.strip_prefix(ZONE)?,
            names,
            in_an_hour: names.saturating_mul(3600) / seconds.max(3600),
            types: texts("type"),
            answers: texts("answer"),
        })
    }

    fn serves_tunnels_alone(&self) -> bool {
        self.types.iter().any(|kind| TUNNELS.contains(kind))
    }

    fn is_of(&self, zones: &[&str]) -> bool {
        zones.contains(&self.zone)
    }

    fn is_tunnel(&self) -> bool {
        let least = match self.answers.contains("data") {
            true => NAMES,
            false => NAMES_OF_ADDRESSES,
        };
        let only_verdicts = self
            .answers
            .iter()
            .all(|a| matches!(*a, "verdict" | "nothing"))
            && self.answers.contains("verdict");
        let only_hosts = self.is_of(&HOSTS) && !self.answers.contains("data");
        // Of all names there are never fewer.
        self.in_an_hour >= least && !only_verdicts && !only_hosts && !self.is_of(&VERDICTS)
    }
}

fn finding(
    record: &'static RuleRecord,
    view: &View<'_>,
    group: &[(&FactKey, &Fact)],
) -> Option<Finding> {
    let asked = Asked::of(group).filter(Asked::is_tunnel)?;
    let stake = stake(view.role(asked.party));
    let severity = match stake {
        Stake::Bedside | Stake::Medical | Stake::Embedded => Severity::Medium,
        Stake::Unknown | Stake::Office if asked.serves_tunnels_alone() => Severity::Medium,
        Stake::Unknown | Stake::Office => Severity::Low,
    };
    let mut grade = Grade::new(severity, format!("{} asks for them", stake.words()));
    let answers_names = |(party, _, _, protocol): &&(Party, Transport, u16, &'static str)| {
        *protocol == "dns" && party.ip == asked.party.ip
    };
    if view
        .ledger
        .services()
        .keys()
        .any(|service| answers_names(&service))
    {
        grade.cap(Severity::Info, "it asks for others, as name servers do");
    }
    grade.cap_by_network(view, &[asked.party.ip]);
    let servers: BTreeSet<IpAddr> = group.iter().map(|(key, _)| key.to.ip).collect();
    let bytes = volume(view, asked.party.ip, &servers);
    let name = view.name(asked.party);
    let zone = asked.zone;
    let kinds = list(&asked.types);
    let mut draft = Draft::about(record, view.device(asked.party), asked.party.ip, zone)
        .facts(view, group)
        .text("zone", zone)
        .texts("record_types", asked.types.iter().copied())
        .number("names", asked.names)
        .number("names_in_an_hour", asked.in_an_hour)
        .number("bytes_asked", bytes[0])
        .number("bytes_answered", bytes[1]);
    if let Some(server) = servers.first() {
        draft = draft.peer(*server, None);
    }
    let many = usize::try_from(asked.names).unwrap_or(usize::MAX);
    Some(
        draft
            .words(
                format!(
                    "{name} asks for about {} of {zone} that look like data",
                    count(many, "name", "names")
                ),
                "Nothing to do at the bedside.",
                "Find the program that asks for them, and ask who holds the zone. If nobody knows \
                 it, refuse the zone on the name server and look at what else the device does.",
            )
            .seen(format!(
                "About {} different names in an hour ({kinds}); {} bytes of questions and {} of \
                 answers with the name server in all.",
                asked.in_an_hour, bytes[0], bytes[1]
            ))
            .innocent(
                "Look-ups of a protection program, or of a service that counts visits, in a zone \
                 that is not known here. Looked at: how many different names, of which type, what \
                 is answered.",
            )
            .finish(grade, 0.85),
    )
}

/// Payload of all questions and answers of the device with these name servers.
fn volume(view: &View<'_>, device: IpAddr, servers: &BTreeSet<IpAddr>) -> [u64; 2] {
    let talks = servers
        .iter()
        .flat_map(|server| view.between(device, *server));
    let of_names = talks.filter(|(key, _)| key.protocol == "dns" && key.originator == device);
    of_names.fold([0, 0], |[out, back], (_, sum)| {
        [
            out.saturating_add(sum.payload[0]),
            back.saturating_add(sum.payload[1]),
        ]
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::{Host, Scene, Talk, host, monitor, pc, ward};

    const RULE: &str = "tunnel";

    /// `count` names under `zone`, each with `digits` drawn by lot.
    fn asked(by: Host, zone: &str, kind: &'static str, count: u64, answer: &[u8; 4]) -> Scene {
        let server = host([10, 20, 0, 53]);
        let scene = ward().talk(by, server, 53, "dns", Talk::ANSWERED);
        let name = |n: u64| {
            let lot = |n: u64| format!("{:016x}", slot_free(n));
            format!(
                "{}{}.{}{}.{zone}",
                lot(n),
                lot(n + 7),
                lot(n + 70),
                lot(n + 700)
            )
        };
        (0..count).fold(scene, |scene, n| {
            let addresses = match kind {
                "A" => vec![IpAddr::from(*answer)],
                _ => Vec::new(),
            };
            let meaning = Meaning::NameAnswered {
                name: name(n),
                addresses,
            };
            scene.say_with(server, by, ("dns", 1.0), meaning, &[("qtype", kind)])
        })
    }

    /// A number that looks drawn by lot.
    fn slot_free(n: u64) -> u64 {
        (n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (n + 3).wrapping_mul(0xd6e8_feb8_6659_fd93)
    }

    const FAR: [u8; 4] = [198, 51, 100, 7];

    #[test]
    fn a_monitor_that_asks_without_end() {
        let finding = asked(monitor(), "stat.example", "TXT", 250, &FAR).one(RULE);
        assert_eq!(finding.severity, Severity::Medium);
        let of_addresses = asked(monitor(), "stat.example", "A", 700, &FAR);
        assert_eq!(of_addresses.one(RULE).severity, Severity::Medium);
        let unknown = asked(pc(), "stat.example", "TXT", 250, &FAR);
        assert_eq!(unknown.one(RULE).severity, Severity::Low);
        let by_null = asked(pc(), "stat.example", "NULL", 250, &FAR);
        assert_eq!(by_null.one(RULE).severity, Severity::Medium);
    }

    #[test]
    fn short_names_for_records_that_serve_tunnels_alone() {
        let of = |kind: &'static str| {
            let say = |scene: Scene, n: u64| {
                let meaning = Meaning::NameAnswered {
                    name: format!("paa{n:05x}.stat.example"),
                    addresses: Vec::new(),
                };
                let server = host([10, 20, 0, 53]);
                scene.say_with(server, monitor(), ("dns", 1.0), meaning, &[("qtype", kind)])
            };
            (0..250).fold(ward(), say)
        };
        assert_eq!(of("NULL").one(RULE).severity, Severity::Medium);
        assert_eq!(of("TXT").of(RULE), []);
    }

    #[test]
    fn near_misses() {
        let few = asked(monitor(), "stat.example", "TXT", 40, &FAR);
        assert_eq!(few.of(RULE), []);
        let addresses = asked(monitor(), "stat.example", "A", 200, &FAR);
        assert_eq!(addresses.of(RULE), []);
        let verdicts = asked(monitor(), "antivirus.example", "A", 700, &[127, 0, 0, 4]);
        assert_eq!(verdicts.of(RULE), []);
        let protection = asked(monitor(), "sophosxl.net", "TXT", 700, &FAR);
        assert_eq!(protection.of(RULE), []);
        let machines = asked(monitor(), "amazonaws.com", "A", 700, &FAR);
        assert_eq!(machines.of(RULE), []);
        let reverse = asked(monitor(), "ip6.arpa", "TXT", 700, &FAR);
        assert_eq!(reverse.of(RULE), []);
        let keys = asked(monitor(), "_domainkey.stat.example", "TXT", 700, &FAR);
        assert_eq!(keys.of(RULE), []);
    }

    #[test]
    fn near_miss_a_name_server_asks_for_others() {
        let scene = asked(monitor(), "stat.example", "TXT", 250, &FAR);
        let offers = Meaning::ServiceOffered {
            about: auscult_model::About::Sender,
            transport: Transport::Udp,
            port: 53,
            protocol: "dns",
        };
        let scene = scene.say(monitor(), pc(), "dns", offers);
        assert_eq!(scene.one(RULE).severity, Severity::Info);
    }

    #[test]
    fn zones_as_they_are_registered() {
        assert_eq!(zone("a.b.stat.example"), "stat.example");
        assert_eq!(zone("a.stat.co.uk"), "stat.co.uk");
        assert_eq!(zone("co.uk"), "co.uk");
        assert_eq!(zone("a.b.klinik.de"), "klinik.de");
        assert_eq!(zone("host"), "host");
    }

    #[test]
    fn names_are_counted_by_their_slots() {
        let mut slots = BTreeSet::new();
        for n in 0..150 {
            slots.insert(slot(&format!("{:x}.example", slot_free(n))));
        }
        let about = estimate(slots.len(), 150);
        assert!((110..=150).contains(&about), "{about}");
        assert_eq!(estimate(1, 900), 1);
        assert_eq!(estimate(SLOTS, 900), 900);
    }

    #[test]
    fn what_looks_drawn_by_lot() {
        assert!(entropy("6f1a9c03b7e25d48") > 3.0);
        assert!(entropy("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaabbbb") < 1.0);
        assert!(!carries_data(
            "selector1.klinik-am-see._domainkey.klinik-am-see.example"
        ));
    }

    /// Names that are made by a pattern, each asked for once.
    fn pattern(protocol: &'static str, zone: &str, name: impl Fn(u64) -> String) -> Scene {
        let server = host([10, 20, 0, 53]);
        (0..250).fold(ward(), |scene, n| {
            let meaning = Meaning::NameAnswered {
                name: format!("{}.{zone}", name(n)),
                addresses: Vec::new(),
            };
            let kind = [("qtype", "TXT")];
            scene.say_with(server, monitor(), (protocol, 1.0), meaning, &kind)
        })
    }

    fn lot(n: u64) -> String {
        format!(
            "{:016x}{:016x}{:016x}",
            slot_free(n),
            slot_free(n + 7),
            slot_free(n + 70)
        )
    }

    #[test]
    fn near_miss_names_on_the_link() {
        assert!(!pattern("dns", "stat.example", lot).of(RULE).is_empty());
        assert_eq!(pattern("mdns", "stat.example", lot).of(RULE), []);
    }

    #[test]
    fn near_miss_long_names_of_short_or_plain_labels() {
        let short = |n| {
            lot(n)
                .as_bytes()
                .chunks(8)
                .map(String::from_utf8_lossy)
                .fold(String::new(), |name, label| match name.as_str() {
                    "" => label.into_owned(),
                    _ => format!("{name}.{label}"),
                })
        };
        assert_eq!(pattern("dns", "stat.example", short).of(RULE), []);
        let plain = |n| format!("{}{}", "a".repeat(50), "b".repeat(n as usize % 10));
        let plain = |n: u64| format!("{}.{}", plain(n), "a".repeat(n as usize / 10 + 1));
        assert_eq!(pattern("dns", "stat.example", plain).of(RULE), []);
    }

    #[test]
    fn near_miss_one_long_name_again_and_again() {
        let same = |n| lot(n % 5);
        assert_eq!(pattern("dns", "stat.example", same).of(RULE), []);
    }

    #[test]
    fn near_miss_many_names_over_days() {
        let server = host([10, 20, 0, 53]);
        let scene = (0..150).fold(ward(), |scene, n| {
            let meaning = Meaning::NameAnswered {
                name: format!("{}.stat.example", lot(n)),
                addresses: Vec::new(),
            };
            let kind = [("qtype", "TXT")];
            let scene = scene.say_with(server, monitor(), ("dns", 1.0), meaning, &kind);
            scene.later(600)
        });
        assert_eq!(scene.of(RULE), []);
    }

    #[test]
    fn near_miss_guests() {
        let scene = asked(monitor(), "stat.example", "TXT", 250, &FAR).guests("10.20.3.0/24");
        assert_eq!(scene.one(RULE).severity, Severity::Info);
    }

    #[test]
    fn a_web_server_asks_for_itself() {
        let scene = asked(monitor(), "stat.example", "TXT", 250, &FAR);
        let offers = Meaning::ServiceOffered {
            about: auscult_model::About::Sender,
            transport: Transport::Tcp,
            port: 80,
            protocol: "http",
        };
        let scene = scene.say(monitor(), pc(), "http", offers);
        assert_eq!(scene.one(RULE).severity, Severity::Medium);
    }
}
