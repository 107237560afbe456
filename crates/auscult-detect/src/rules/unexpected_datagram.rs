//! A datagram reached a monitor of a family that malformed datagrams can stop or take over.
//!
//! Sources: CVE-2022-38100 (a malformed UDP request stops the CMS8000, a broadcast stops all),
//! CVE-2024-12248 (code by UDP requests), CISA ICSMA-22-244-01, ICSMA-25-030-01. Limits: the port
//! and the form of such a request are not public, so that any datagram counts that no ordinary
//! service explains.

use std::collections::BTreeMap;

use auscult_inventory::Party;
use auscult_model::report::{Finding, Severity};
use auscult_model::{ConversationKey, ConversationSum, Transport};

use crate::draft::Draft;
use crate::grade::Grade;
use crate::stake::{Stake, stake};
use crate::view::{originator, responder};
use crate::words::{count, list};
use crate::{Detector, Facts, RuleRecord, View};

static RECORD: RuleRecord = RuleRecord {
    rule: "unexpected-datagram",
    title: "A datagram went to a monitor that datagrams can stop",
    when: "A device of a family with such a flaw was sent a UDP datagram that no ordinary service \
           of networks explains.",
    worst: Severity::Medium,
    innocent: &[
        "Leases, names, time, discovery: nothing.",
        "A vulnerability scanner or a watching server: low; keep it away from these monitors.",
    ],
    attack: &["T0814"],
    cves: &["CVE-2022-38100", "CVE-2024-12248"],
    sources: &[
        "CISA ICSMA-22-244-01 Update A (2025-01-30)",
        "CISA ICSMA-25-030-01 Update A (2025-02-25)",
    ],
};

/// Ports of services that every network has.
const ORDINARY: [u16; 10] = [53, 67, 68, 123, 137, 138, 1900, 3702, 5353, 5355];
/// The family whose flaw it is.
const FAMILY: &str = "contec-cms8000";

/// The detector.
pub(super) struct UnexpectedDatagram;

type Talks<'a> = Vec<(&'a ConversationKey, &'a ConversationSum)>;

impl Detector for UnexpectedDatagram {
    fn record(&self) -> &'static RuleRecord {
        &RECORD
    }

    fn conclude(&self, _facts: &Facts, view: &View<'_>) -> Vec<Finding> {
        let mut groups: BTreeMap<(String, String), (Party, Party, Talks<'_>)> = BTreeMap::new();
        for (key, sum) in view.ledger.conversations() {
            let (from, to) = (originator(key), responder(key));
            let is_family = || {
                let device = view.device(to);
                device.is_some_and(|device| device.signature.as_deref() == Some(FAMILY))
            };
            if key.transport == Transport::Udp && !ORDINARY.contains(&key.port) && is_family() {
                let (.., talks) = groups
                    .entry((view.who(to), view.who(from)))
                    .or_insert_with(|| (from, to, Vec::new()));
                talks.push((key, sum));
            }
        }
        groups
            .values()
            .map(|(from, to, talks)| finding(view, *from, *to, talks))
            .collect()
    }
}

fn finding(view: &View<'_>, from: Party, to: Party, talks: &Talks<'_>) -> Finding {
    let sender = stake(view.role(from));
    let mut grade = match (view.is_local(from), sender) {
        (false, _) => Grade::new(Severity::Medium, "from outside"),
        (true, Stake::Office | Stake::Medical) => Grade::new(
            Severity::Low,
            "by a computer, a station or a network device: a scanner or a watching server?",
        ),
        (true, _) => Grade::new(Severity::Medium, format!("by {}", sender.words())),
    };
    let confidence = 0.75;
    grade.cap_by_network(view, &[to.ip]);
    let device = view.device(to);
    let name = view.name(to);
    let mut draft = Draft::about(&RECORD, device, to.ip, &from.ip.to_string())
        .device(view.device(from).filter(|_| view.is_local(from)))
        .peer(from.ip, None)
        .cves(&["CVE-2022-38100", "CVE-2024-12248"]);
    let mut ports: Vec<u16> = talks.iter().map(|(key, _)| key.port).collect();
    ports.sort_unstable();
    ports.dedup();
    let packets: u64 = talks.iter().map(|(_, sum)| sum.packets[0]).sum();
    for talk in talks.iter().take(3) {
        draft = draft.talk(view, *talk);
    }
    draft
        .texts("ports", ports.iter().map(ToString::to_string))
        .words(
            format!("{name} was sent datagrams by {}", view.name(from)),
            "If this monitor stops, watch the patient without it and call biomedical engineering.",
            "Ask what the sender wants from a monitor, and keep it away from this family.",
        )
        .seen(format!(
            "{} to port {}.",
            count(
                usize::try_from(packets).unwrap_or(usize::MAX),
                "datagram",
                "datagrams"
            ),
            list(ports.iter().map(ToString::to_string))
        ))
        .innocent(
            "A scanner or a watching server. Whether the datagram is of the harmful form cannot \
             be told: that form is not public.",
        )
        .finish(grade, confidence)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::{Host, Scene, Talk, host};

    const RULE: &str = "unexpected-datagram";

    fn datagram(to: Host, port: u16) -> Scene {
        let (monitor, station) = (host([10, 20, 3, 14]), host([10, 20, 3, 5]));
        let talk = Talk {
            transport: Transport::Udp,
            payload: [64, 0],
            ..Talk::UNANSWERED
        };
        let family = auscult_model::Meaning::Claim {
            about: auscult_model::About::Sender,
            attribute: "contec_cms_role",
            value: "monitor".to_owned(),
        };
        Scene::new()
            .talk(monitor, station, 515, "contec-cms", Talk::ANSWERED)
            .say(monitor, station, "contec-cms", family)
            .patient(monitor, station, "contec-cms")
            .talk(host([10, 20, 9, 77]), to, port, "unknown", talk)
    }

    #[test]
    fn any_datagram_that_no_service_explains() {
        let scene = datagram(host([10, 20, 3, 14]), 9000);
        assert_eq!(scene.one(RULE).severity, Severity::Medium);
    }

    #[test]
    fn near_misses_ordinary_services_and_others() {
        assert_eq!(datagram(host([10, 20, 3, 14]), 137).of(RULE), []);
        assert_eq!(
            datagram(host([10, 20, 3, 5]), 9000).of(RULE),
            [],
            "the station"
        );
        let office = datagram(host([10, 20, 3, 14]), 9000).office(host([10, 20, 9, 77]));
        assert_eq!(office.one(RULE).severity, Severity::Low);
    }

    #[test]
    fn near_miss_guests() {
        let scene = datagram(host([10, 20, 3, 14]), 9000).guests("10.20.3.0/24");
        assert_eq!(scene.one(RULE).severity, Severity::Info);
    }

    #[test]
    fn near_miss_a_connection() {
        let family = auscult_model::Meaning::Claim {
            about: auscult_model::About::Sender,
            attribute: "contec_cms_role",
            value: "monitor".to_owned(),
        };
        let (monitor, station) = (host([10, 20, 3, 14]), host([10, 20, 3, 5]));
        let scene = Scene::new()
            .talk(monitor, station, 515, "contec-cms", Talk::ANSWERED)
            .say(monitor, station, "contec-cms", family)
            .patient(monitor, station, "contec-cms")
            .talk(
                host([10, 20, 9, 77]),
                monitor,
                9000,
                "unknown",
                Talk::UNANSWERED,
            );
        assert_eq!(scene.of(RULE), []);
    }
}
