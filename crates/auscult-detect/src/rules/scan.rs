//! A device tries many others, most of whom do not answer.
//!
//! Source: ATT&CK T1046, T0846. Limits: slow scans below the bound are not told; who is tried by
//! packets that no flow is made of (ARP) counts only on the same segment.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use auscult_inventory::{Party, is_group};
use auscult_model::report::{Finding, Severity};
use auscult_model::{ConversationKey, ConversationSum, Outcome};

use crate::draft::Draft;
use crate::grade::Grade;
use crate::stake::{Stake, stake};
use crate::view::originator;
use crate::words::{count, list};
use crate::{Detector, Facts, RuleRecord, View};

static RECORD: RuleRecord = RuleRecord {
    rule: "scan",
    title: "A device tries many others",
    when: "A device of ours opened conversations with at least 30 doors (addresses with ports), of \
           which at least four in five did not answer, refused, or got no payload.",
    worst: Severity::Medium,
    innocent: &[
        "Vulnerability scanners, inventory and monitoring servers: info; declare them.",
        "A program that looks for its server after a move: some dozens of doors.",
        "Office computers and servers: info.",
        "An archive or a station that asks its modalities or beds, most of them switched off: all \
         doors are of a clinical protocol that it speaks: info.",
    ],
    attack: &["T1046", "T0846"],
    cves: &[],
    sources: &["ATT&CK T1046", "ATT&CK T0846"],
};

/// Doors at least.
const DOORS: usize = 30;
/// Of five doors, so many are closed.
const CLOSED: usize = 4;

/// Protocols by which clinical systems ask each other whether they are there.
const CLINICAL: [&str; 9] = [
    "astm",
    "contec-cms",
    "dicom",
    "ge-unity",
    "hl7",
    "intellivue",
    "poct1-a",
    "rwhat",
    "vista-cms",
];

/// The detector.
pub(super) struct Scan;

#[derive(Default)]
struct Tried<'a> {
    party: Option<Party>,
    doors: BTreeSet<(IpAddr, u16)>,
    open: BTreeSet<(IpAddr, u16)>,
    /// Ports on which it speaks a clinical protocol.
    clinical: BTreeSet<u16>,
    talks: Vec<(&'a ConversationKey, &'a ConversationSum)>,
}

/// Conversations kept as evidence.
const SHOWN: usize = 3;

impl Detector for Scan {
    fn record(&self) -> &'static RuleRecord {
        &RECORD
    }

    fn conclude(&self, _facts: &Facts, view: &View<'_>) -> Vec<Finding> {
        let mut tried: BTreeMap<(auscult_model::Segment, IpAddr), Tried<'_>> = BTreeMap::new();
        for (key, sum) in view.ledger.conversations() {
            if key.port == 0 || is_group(key.responder) || is_answer_of_datagrams(key) {
                continue;
            }
            let one = tried.entry((key.segment, key.originator)).or_default();
            one.party.get_or_insert(originator(key));
            let door = (key.responder, key.port);
            one.doors.insert(door);
            if CLINICAL.contains(&key.protocol) {
                one.clinical.insert(key.port);
            }
            if key.outcome == Outcome::Answered && sum.payload.iter().all(|bytes| *bytes > 0) {
                one.open.insert(door);
            } else if one.talks.len() < SHOWN {
                one.talks.push((key, sum));
            }
        }
        tried
            .values()
            .filter_map(|one| finding(view, one))
            .collect()
    }
}

/// Logs, traps and flow records go by datagrams that nobody answers: no door is tried.
fn is_answer_of_datagrams(key: &ConversationKey) -> bool {
    key.transport == auscult_model::Transport::Udp && matches!(key.port, 514 | 162 | 2055 | 4739)
}

fn finding(view: &View<'_>, tried: &Tried<'_>) -> Option<Finding> {
    let party = tried.party?;
    let closed = tried.doors.difference(&tried.open).count();
    if tried.doors.len() < DOORS || closed * 5 < tried.doors.len() * CLOSED {
        return None;
    }
    if !view.is_local(party) {
        return None;
    }
    let stake = stake(view.role(party));
    let severity = match stake {
        Stake::Bedside | Stake::Medical | Stake::Embedded => Severity::Medium,
        Stake::Unknown | Stake::Office => Severity::Info,
    };
    let hosts: BTreeSet<IpAddr> = tried.doors.iter().map(|(ip, _)| *ip).collect();
    let ports: BTreeSet<u16> = tried.doors.iter().map(|(_, port)| *port).collect();
    let mut grade = Grade::new(severity, format!("{} tries them", stake.words()));
    if ports.is_subset(&tried.clinical) {
        grade.cap(
            Severity::Info,
            "it asks for others of its kind, by a clinical protocol that it speaks",
        );
    }
    grade.cap_by_loss(view, false, false);
    grade.cap_by_network(view, &[party.ip]);
    let device = view.device(party);
    let name = view.name(party);
    let mut draft = Draft::about(&RECORD, device, party.ip, "doors")
        .number("doors", tried.doors.len() as u64)
        .number("closed", closed as u64)
        .number("hosts", hosts.len() as u64)
        .texts("ports", ports.iter().take(20).map(ToString::to_string));
    for talk in &tried.talks {
        draft = draft.talk(view, *talk);
    }
    Some(
        draft
            .words(
                format!(
                    "{name} tries {} at {}",
                    count(tried.doors.len(), "door", "doors"),
                    count(hosts.len(), "address", "addresses")
                ),
                "Nothing to do at the bedside.",
                "If this is your scanner, keep it away from medical devices: some stop working \
                 when they are scanned. If it is not, find out what runs there.",
            )
            .seen(format!(
                "{closed} did not answer or got nothing; ports {}.",
                list(ports.iter().map(ToString::to_string))
            ))
            .innocent("A scanner or a watching server of yours. Looked at: what the device is.")
            .finish(grade, 0.9),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::{Host, Scene, Talk, host, monitor, ward};

    const RULE: &str = "scan";

    fn tries(scene: Scene, by: Host, doors: u16, talk: Talk) -> Scene {
        (0..doors).fold(scene, |scene, n| {
            let target = host([10, 20, 7, (n % 50) as u8 + 1]);
            scene.talk(by, target, 445 + n / 50, "unknown", talk)
        })
    }

    #[test]
    fn a_monitor_that_tries_many_is_medium() {
        let scene = tries(ward(), monitor(), 60, Talk::UNANSWERED);
        assert_eq!(scene.one(RULE).severity, Severity::Medium);
    }

    #[test]
    fn near_miss_few_doors_or_doors_that_answer() {
        let few = tries(ward(), monitor(), 20, Talk::UNANSWERED);
        assert_eq!(few.of(RULE), []);
        let open = tries(ward(), monitor(), 60, Talk::ANSWERED);
        assert_eq!(open.of(RULE), []);
    }

    /// Forty others at one port, two of whom answer by DICOM.
    fn asks_for_its_kind(protocol: &'static str) -> Scene {
        let silent = |scene: Scene, n| {
            let target = host([10, 20, 7, n]);
            scene.talk(monitor(), target, 104, "unknown", Talk::UNANSWERED)
        };
        let asked = (1..40).fold(ward(), silent);
        let awake = host([10, 20, 7, 50]);
        asked.talk(monitor(), awake, 104, protocol, Talk::ANSWERED)
    }

    #[test]
    fn near_miss_it_asks_for_others_of_its_kind() {
        let clinical = asks_for_its_kind("dicom");
        assert_eq!(clinical.one(RULE).severity, Severity::Info);
        let other = asks_for_its_kind("smb");
        assert_eq!(other.one(RULE).severity, Severity::Medium);
    }

    #[test]
    fn near_miss_a_scanner_of_ours() {
        let scanner = host([10, 20, 9, 77]);
        let scene = tries(ward(), scanner, 200, Talk::UNANSWERED).office(scanner);
        assert_eq!(scene.one(RULE).severity, Severity::Info);
    }
}
