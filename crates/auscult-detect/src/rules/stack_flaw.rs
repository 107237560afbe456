//! Somebody sends a device what known flaws of small network stacks need, or asks for the stack.
//!
//! Sources: URGENT/11 (CISA ICSMA-19-274-01), Ripple20 (CISA ICSA-20-168-01), AMNESIA:33 and
//! NAME:WRECK (Forescout Research, 2020 and 2021). Limits: the marks are of packets that no stack
//! sends by itself, so that flaws behind well-formed packets are not told; whether the device is
//! of a stack with the flaw is known of Treck alone, which answers a question of its own.

use std::collections::{BTreeMap, BTreeSet};

use auscult_inventory::Party;
use auscult_model::report::{Finding, Severity};
use auscult_model::{ConversationKey, ConversationSum, Event, Meaning, Transport};

use crate::draft::Draft;
use crate::grade::Grade;
use crate::stake::{Stake, stake};
use crate::view::{originator, responder};
use crate::words::{count, list};
use crate::{Detector, Fact, FactKey, Facts, RuleRecord, View};

static RECORD: RuleRecord = RuleRecord {
    rule: "stack-flaw",
    title: "Packets that flaws of network stacks need",
    when: "A device was sent, at least three times by one sender, TCP segments whose urgent \
           pointer leads nowhere, openings or IP headers with options that cannot be, or answers \
           of a name service whose pointers, labels or lengths lie, or group messages (IGMP) in \
           fragments; or IP packets inside IP, which only routers take; or somebody asked by ICMP \
           type 165 whether a device's stack is Treck's.",
    worst: Severity::Medium,
    innocent: &[
        "One broken packet or answer: info; boxes on the way break some.",
        "A name server or a box on the way that answers everybody so: low.",
        "Vulnerability scanners ask for the stack: low, for one of ours.",
        "Tunnels of routers (IP in IP) end in routers: nothing.",
        "Telnet and FTP mark a break as urgent, with a pointer into their data: nothing.",
    ],
    attack: &["T0866", "T0814", "T1592"],
    cves: &[
        "CVE-2019-12255",
        "CVE-2019-12256",
        "CVE-2019-12258",
        "CVE-2019-12265",
        "CVE-2020-11896",
    ],
    sources: &[
        "CISA ICSMA-19-274-01",
        "CISA ICSA-20-168-01",
        "Forescout Research, AMNESIA:33 (2020)",
        "Forescout Research, NAME:WRECK (2021)",
        "RFC 9267",
    ],
};

/// Marks in so many packets to one device are no chance.
const REPEATED: u64 = 3;
/// Answers to so many devices are a server's habit.
const EVERYBODY: usize = 4;

/// What the packets are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// The question that tells the stack.
    Question,
    Urgent,
    Options,
    Fragments,
    Names,
}

impl Kind {
    fn of(what: &str) -> Option<Kind> {
        match what {
            STACK_ASKED => Some(Kind::Question),
            "urgent pointer of zero" | "urgent pointer beyond the data" => Some(Kind::Urgent),
            "TCP option of impossible length"
            | "IP option of impossible length"
            | "broken source route" => Some(Kind::Options),
            "group message in fragments" => Some(Kind::Fragments),
            ENDS_EARLY
            | NOT_BACKWARDS
            | "name too long"
            | "unknown label type"
            | "record of a wrong length" => Some(Kind::Names),
            _ => None,
        }
    }

    /// What was sent, and what it was seen in.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Kind::Question => ("asked which network stack is in use", "question"),
            Kind::Urgent => ("sent urgent segments that lead nowhere", "segment"),
            Kind::Options => ("sent headers with options that cannot be", "packet"),
            Kind::Fragments => ("sent group messages in fragments", "message"),
            Kind::Names => ("sent broken answers to names", "answer"),
        }
    }

    fn cves(self) -> &'static [&'static str] {
        match self {
            Kind::Question => &["CVE-2020-11896"],
            Kind::Urgent => &["CVE-2019-12255"],
            Kind::Options => &["CVE-2019-12256", "CVE-2019-12258"],
            Kind::Fragments => &["CVE-2019-12265"],
            Kind::Names => &[],
        }
    }
}

/// The name services that share one form of messages.
const NAME_SERVICES: [&str; 4] = ["dns", "llmnr", "mdns", "nbns"];
/// A message whose counts or lengths tell of more than there is.
const ENDS_EARLY: &str = "message ends early";
/// A compression pointer forwards, to itself or beyond the message: no box makes that by accident.
const NOT_BACKWARDS: &str = "compression pointer not backwards";
/// Somebody asks by ICMP which stack it is.
const STACK_ASKED: &str = "stack-asked";
/// A device said which stack it has.
const ANSWERED: &str = "answered";

/// The number of IP in IP.
const IP_IN_IP: u8 = 4;

const IMPACT: &str = "If a device stops or starts again, watch the patient directly and call \
                      biomedical engineering.";
const ACTION: &str = "Find out what the sender is and stop it. Ask the maker which network stack \
                      the devices have and whether it is corrected; until then let only known \
                      peers reach them.";

/// The detector.
pub(super) struct StackFlaw;

/// Facts of one sender and kind.
type Sent<'f> = Vec<(&'f FactKey, &'f Fact)>;

impl Detector for StackFlaw {
    fn record(&self) -> &'static RuleRecord {
        &RECORD
    }

    fn observe(&self, event: &Event, facts: &mut Facts) {
        let (from, to) = (Party::from(event.from), Party::from(event.to));
        let (from, to, object, note) = match &event.meaning {
            Meaning::Malformed { what } => match event.protocol {
                "tcp" | "ipv4" => (from, to, *what, *what),
                protocol if NAME_SERVICES.contains(&protocol) => (from, to, *what, *what),
                _ => return,
            },
            Meaning::Request { operation, .. } if *operation == STACK_ASKED => {
                (from, to, *operation, "asks for the stack")
            }
            Meaning::Claim {
                attribute: "network_stack",
                ..
            } => (to, from, ANSWERED, "answers"),
            _ => return,
        };
        let key = FactKey {
            from,
            to,
            port: 0,
            protocol: event.protocol,
            object: object.to_owned(),
        };
        let mut fact = Fact::of(event, note);
        if event.to.port != 0 && event.protocol == "tcp" {
            fact = fact.value("port", event.to.port.to_string());
        }
        facts.add(RECORD.rule, key, fact);
    }

    fn conclude(&self, facts: &Facts, view: &View<'_>) -> Vec<Finding> {
        let mut sent: BTreeMap<(String, Kind), Sent<'_>> = BTreeMap::new();
        let mut answers: BTreeSet<(String, String)> = BTreeSet::new();
        for (key, fact) in facts.of(RECORD.rule) {
            if key.object == ANSWERED {
                answers.insert((view.who(key.from), view.who(key.to)));
            }
            // Where captures cut packets, every long answer ends early.
            let is_cut = key.object == ENDS_EARLY && view.health.cut_by_snaplen > 0;
            if let Some(kind) = Kind::of(&key.object).filter(|_| !is_cut) {
                let sent = sent.entry((view.who(key.from), kind)).or_default();
                sent.push((key, fact));
            }
        }
        let findings = sent.iter().filter_map(|((sender, kind), sent)| {
            let answered = |to: &String| answers.contains(&(sender.clone(), to.clone()));
            finding(view, *kind, sent, answered)
        });
        findings.chain(carried(view)).collect()
    }
}

/// IP packets in IP packets for devices that are no routers.
fn carried(view: &View<'_>) -> Vec<Finding> {
    let mut groups: BTreeMap<(String, String), Vec<_>> = BTreeMap::new();
    for (key, sum) in view.ledger.conversations() {
        let to = responder(key);
        let minded =
            key.transport == Transport::Other(IP_IN_IP) && stake(view.role(to)).is_device();
        if minded {
            let pair = (view.who(originator(key)), view.who(to));
            groups.entry(pair).or_default().push((key, sum));
        }
    }
    groups
        .values()
        .filter_map(|talks| of_carried(view, talks))
        .collect()
}

fn of_carried(view: &View<'_>, talks: &[(&ConversationKey, &ConversationSum)]) -> Option<Finding> {
    let (key, _) = talks.first()?;
    let (from, to) = (originator(key), responder(key));
    let stake = stake(view.role(to));
    let severity = match stake {
        Stake::Bedside | Stake::Medical => Severity::Medium,
        _ => Severity::Low,
    };
    let mut grade = Grade::new(severity, format!("{} gets them", stake.words()));
    grade.cap_by_network(view, &[from.ip]);
    let packets: u64 = talks.iter().map(|(_, sum)| sum.packets[0]).sum();
    let object = format!("ip-in-ip {}", from.ip);
    let mut draft = Draft::about(&RECORD, view.device(to), to.ip, &object)
        .device(view.device(from))
        .peer(from.ip, None)
        .cves(&["CVE-2020-11896"])
        .number("packets", packets);
    for talk in talks.iter().take(3) {
        draft = draft.talk(view, *talk);
    }
    Some(
        draft
            .words(
                format!("{} was sent IP packets inside IP", view.name(to)),
                IMPACT,
                ACTION,
            )
            .seen(format!(
                "{} sent {}; only routers take such packets, and some small stacks by mistake.",
                view.name_and_address(from),
                count(
                    usize::try_from(packets).unwrap_or(usize::MAX),
                    "packet",
                    "packets"
                )
            ))
            .innocent("A router's tunnel with a wrong end. Looked at: what the device is.")
            .finish(grade, 0.8),
    )
}

/// How often a device was sent something, and what is at stake at it.
struct Target {
    party: Party,
    times: u64,
    stake: Stake,
}

fn targets(view: &View<'_>, sent: &Sent<'_>) -> BTreeMap<String, Target> {
    let mut targets: BTreeMap<String, Target> = BTreeMap::new();
    for (key, fact) in sent {
        let target = targets.entry(view.who(key.to)).or_insert(Target {
            party: key.to,
            times: 0,
            stake: stake(view.role(key.to)),
        });
        target.times = target.times.saturating_add(fact.count);
    }
    targets
}

fn finding(
    view: &View<'_>,
    kind: Kind,
    sent: &Sent<'_>,
    answered: impl Fn(&String) -> bool,
) -> Option<Finding> {
    let (first, _) = sent.first()?;
    let sender = first.from;
    let targets = targets(view, sent);
    let answered = targets.keys().filter(|to| answered(to)).count();
    let leads_astray = sent.iter().any(|(key, _)| key.object == NOT_BACKWARDS);
    let mut grade = grade(view, (kind, leads_astray), sender, &targets);
    grade.cap_by_network(view, &[sender.ip]);
    let of: Vec<String> = targets
        .values()
        .map(|target| view.name_and_address(target.party))
        .collect();
    let whats: BTreeSet<&str> = sent.iter().map(|(key, _)| key.object.as_str()).collect();
    let ports: BTreeSet<&str> = sent
        .iter()
        .flat_map(|(_, fact)| fact.texts("port"))
        .collect();
    let (done, unit) = kind.words();
    let times: u64 = targets.values().map(|target| target.times).sum();
    let whom = match &of[..] {
        [one] => one.clone(),
        many => count(many.len(), "device", "devices"),
    };
    let mut draft = Draft::about(
        &RECORD,
        view.device(sender),
        sender.ip,
        &format!("{kind:?}"),
    )
    .peer(sender.ip, None)
    .cves(kind.cves())
    .facts(view, sent)
    .number("packets", times)
    .number("stack_known", answered as u64)
    .texts("ports", ports);
    if kind != Kind::Question {
        draft = draft.texts("marks", whats.iter().copied());
    }
    for target in targets.values() {
        draft = draft.device(view.device(target.party));
    }
    draft = draft.seen(format!(
        "{} sent {} to {}.",
        view.name_and_address(sender),
        count(
            usize::try_from(times).unwrap_or(usize::MAX),
            unit,
            &format!("{unit}s")
        ),
        list(&of)
    ));
    draft = match kind {
        Kind::Question if answered > 0 => draft.seen(format!(
            "{} answered as the Treck stack does.",
            count(answered, "device", "devices")
        )),
        Kind::Question => draft,
        _ => draft.seen(format!("No stack sends this by itself: {}.", list(whats))),
    };
    let innocent = match kind {
        Kind::Question => "A vulnerability scanner that takes stock. Looked at: who asks whom.",
        Kind::Names => {
            "A name server or a box on the way that breaks answers. Looked at: how often, and how \
             many get them."
        }
        Kind::Urgent | Kind::Options | Kind::Fragments => {
            "A tester of yours, or a faulty network card. Looked at: how often."
        }
    };
    Some(
        draft
            .words(
                format!(
                    "{whom} {} {done}",
                    if of.len() == 1 { "was" } else { "were" }
                ),
                IMPACT,
                ACTION,
            )
            .innocent(innocent)
            .finish(grade, 0.85),
    )
}

fn grade(
    view: &View<'_>,
    (kind, leads_astray): (Kind, bool),
    sender: Party,
    targets: &BTreeMap<String, Target>,
) -> Grade {
    let is_ours = view.is_local(sender);
    let is_telling = |target: &&Target| kind == Kind::Question || target.times >= REPEATED;
    let stake = targets
        .values()
        .filter(is_telling)
        .map(|target| target.stake)
        .min();
    let Some(stake) = stake else {
        return Grade::new(Severity::Info, "too few to be no chance");
    };
    let severity = match (kind, stake) {
        (Kind::Question, Stake::Office) => Severity::Info,
        (Kind::Question, _) if !is_ours => Severity::Medium,
        (Kind::Question, _) => Severity::Low,
        (_, Stake::Bedside | Stake::Medical | Stake::Embedded) => Severity::Medium,
        (Kind::Fragments, Stake::Unknown) => Severity::Low,
        (Kind::Names, Stake::Unknown) if !leads_astray => Severity::Low,
        (_, Stake::Unknown) => Severity::Medium,
        (Kind::Names, Stake::Office) => Severity::Info,
        (_, Stake::Office) => Severity::Low,
    };
    let mut grade = Grade::new(severity, format!("{} gets them", stake.words()));
    if !is_ours {
        grade.note("from outside");
    }
    if kind == Kind::Names && targets.len() >= EVERYBODY {
        grade.cap(Severity::Low, "it answers many so");
    }
    grade
}

#[cfg(test)]
mod tests {
    use auscult_model::About;

    use super::*;
    use crate::scene::{Host, Scene, Talk, host, monitor, outside, pc, station, ward};

    const RULE: &str = "stack-flaw";

    fn odd(scene: Scene, to: Host, protocol: &'static str, what: &'static str, n: u8) -> Scene {
        let say = |scene: Scene, _| scene.say(pc(), to, protocol, Meaning::Malformed { what });
        (0..n).fold(scene, say)
    }

    fn asked(scene: Scene, from: Host, to: Host) -> Scene {
        let question = Meaning::Request {
            operation: STACK_ASKED,
            object: "Treck".to_owned(),
            granted: None,
        };
        scene.say(from, to, "icmp", question)
    }

    #[test]
    fn urgent_segments_into_a_monitor_are_medium() {
        let scene = odd(ward(), monitor(), "tcp", "urgent pointer of zero", 3);
        let finding = scene.one(RULE);
        assert_eq!(finding.severity, Severity::Medium);
        assert_eq!(finding.cves, ["CVE-2019-12255"]);
        assert_eq!(finding.devices.len(), 2, "sender and monitor");
    }

    #[test]
    fn near_miss_one_is_chance() {
        for (protocol, what) in [
            ("tcp", "urgent pointer beyond the data"),
            ("ipv4", "broken source route"),
            ("dns", "compression pointer not backwards"),
        ] {
            let scene = odd(ward(), monitor(), protocol, what, 2);
            assert_eq!(scene.one(RULE).severity, Severity::Info, "{what}");
        }
    }

    #[test]
    fn near_miss_other_messages_that_break_their_form() {
        let scene = odd(ward(), monitor(), "hl7", "no header", 9);
        assert_eq!(scene.of(RULE), []);
        let cut = odd(ward(), monitor(), "hl7", ENDS_EARLY, 9);
        assert_eq!(cut.of(RULE), []);
    }

    #[test]
    fn broken_answers_of_several_kinds_are_one_matter() {
        let scene = odd(
            ward(),
            monitor(),
            "dns",
            "compression pointer not backwards",
            2,
        );
        let mut scene = odd(scene, monitor(), "dns", ENDS_EARLY, 1);
        assert_eq!(scene.one(RULE).severity, Severity::Medium);
        scene.health.cut_by_snaplen = 1;
        assert_eq!(
            scene.one(RULE).severity,
            Severity::Info,
            "cut by the capture"
        );
    }

    #[test]
    fn near_miss_lengths_that_lie_to_nobody_in_particular() {
        let scene = odd(Scene::new(), host([10, 20, 9, 8]), "dns", ENDS_EARLY, 4);
        assert_eq!(scene.one(RULE).severity, Severity::Low);
        let scene = odd(Scene::new(), host([10, 20, 9, 8]), "dns", NOT_BACKWARDS, 4);
        assert_eq!(scene.one(RULE).severity, Severity::Medium);
    }

    #[test]
    fn near_miss_a_server_that_answers_everybody_so() {
        let four = [11, 12, 13, 14].map(|n| host([10, 20, 9, n]));
        let answered = |scene, to| odd(scene, to, "dns", "unknown label type", 5);
        let scene = four.into_iter().fold(ward(), answered);
        let scene = odd(scene, monitor(), "dns", "unknown label type", 5);
        assert_eq!(scene.one(RULE).severity, Severity::Low);
    }

    #[test]
    fn packets_inside_packets() {
        let carried = |to: Host, number| {
            let talk = Talk {
                transport: Transport::Other(number),
                ..Talk::UNANSWERED
            };
            ward().talk(pc(), to, 0, "ip-in-ip", talk)
        };
        assert_eq!(carried(monitor(), 4).one(RULE).severity, Severity::Medium);
        assert_eq!(
            carried(host([10, 20, 9, 1]), 4).of(RULE),
            [],
            "a router maybe"
        );
        assert_eq!(carried(monitor(), 47).of(RULE), [], "GRE");
    }

    #[test]
    fn a_question_for_the_stack() {
        let answer = Meaning::Claim {
            about: About::Sender,
            attribute: "network_stack",
            value: "Treck".to_owned(),
        };
        let scene = asked(asked(ward(), pc(), monitor()), pc(), station());
        let finding = scene.say(monitor(), pc(), "icmp", answer).one(RULE);
        assert_eq!(finding.severity, Severity::Low);
        assert!(
            finding.seen[1].starts_with("1 device answered"),
            "{finding:?}"
        );
        let outside = Host {
            segment: monitor().segment,
            ..outside()
        };
        let far = asked(ward(), outside, monitor());
        assert_eq!(far.one(RULE).severity, Severity::Medium);
    }

    #[test]
    fn near_miss_guests() {
        let scene = odd(ward(), monitor(), "tcp", "urgent pointer of zero", 3);
        assert_eq!(
            scene.guests("10.20.9.0/24").one(RULE).severity,
            Severity::Info
        );
        let talk = Talk {
            transport: Transport::Other(4),
            ..Talk::UNANSWERED
        };
        let scene = ward().talk(pc(), monitor(), 0, "ip-in-ip", talk);
        assert_eq!(
            scene.guests("10.20.9.0/24").one(RULE).severity,
            Severity::Info
        );
    }
}
