//! A device sends far more to the outside than such devices do.
//!
//! Source: ATT&CK T1041, T1048. Limits: what was sent is not told; the bound is a share of what
//! the device sends in all and an amount, not a learnt habit.

use auscult_model::report::{Finding, Severity};

use super::outbound::{Outbound, by_device_and_peer};
use crate::draft::Draft;
use crate::grade::Grade;
use crate::stake::{Stake, stake};
use crate::view::arrived;
use crate::words::list;
use crate::{Detector, Facts, RuleRecord, View};

static RECORD: RuleRecord = RuleRecord {
    rule: "exfiltration",
    title: "A device sends large amounts to the outside",
    when: "A device beside the patient, or an embedded one, sent more than 20 MB of payload to an \
           address outside, at least ten times what it received.",
    worst: Severity::Medium,
    innocent: &[
        "Archives and modalities that send images out, backups, replication: nothing.",
        "Cameras that are watched from outside: low.",
        "Streams of a monitor to a far station: phi-cleartext-outside says more.",
    ],
    attack: &["T1041", "T1048"],
    cves: &[],
    sources: &["ATT&CK T1041", "ATT&CK T1048"],
};

/// Payload in bytes below which nothing is said.
const MOST: u64 = 20_000_000;
/// Times what came back.
const RATIO: u64 = 10;

/// The detector.
pub(super) struct Exfiltration;

impl Detector for Exfiltration {
    fn record(&self) -> &'static RuleRecord {
        &RECORD
    }

    fn conclude(&self, _facts: &Facts, view: &View<'_>) -> Vec<Finding> {
        let sent = by_device_and_peer(view, |talk| talk.answered && talk.sum.payload[0] > 0);
        let finding = |talks: &Vec<Outbound<'_>>| finding(view, talks);
        sent.values().filter_map(finding).collect()
    }
}

fn finding(view: &View<'_>, talks: &[Outbound<'_>]) -> Option<Finding> {
    let first = talks.first()?;
    let stake = stake(view.role(first.local));
    let total = |side: usize| -> u64 { talks.iter().map(|talk| talk.sum.payload[side]).sum() };
    let (sent, received) = (total(0), total(1));
    if sent <= MOST || sent < RATIO.saturating_mul(received) {
        return None;
    }
    let severity = match stake {
        Stake::Bedside => Severity::Medium,
        Stake::Embedded => Severity::Low,
        Stake::Medical | Stake::Unknown | Stake::Office => return None,
    };
    let reach = view.reach(first.local, first.peer, None);
    if !arrived(reach.place) {
        return None;
    }
    let mut grade = Grade::new(severity, format!("{} sent it", stake.words()));
    grade.cap_by_confidence(reach.confidence);
    grade.cap_by_network(view, &[first.local.ip]);
    let device = view.device(first.local);
    let name = view.name(first.local);
    let mut draft = Draft::about(&RECORD, device, first.local.ip, &first.peer.to_string())
        .peer(first.peer, Some(&reach))
        .reach(&reach)
        .number("sent_bytes", sent)
        .number("received_bytes", received);
    for talk in talks.iter().take(3) {
        draft = draft.talk(view, (talk.key, talk.sum));
    }
    let protocols = talks.iter().map(|talk| talk.key.protocol);
    let protocols: std::collections::BTreeSet<&str> = protocols.collect();
    Some(
        draft
            .words(
                format!("{name} sent {} MB to {}", sent / 1_000_000, first.peer),
                "Nothing to do at the bedside.",
                "Ask what this device has to send there. If nobody knows, close the way at the \
                 edge and keep the capture.",
            )
            .seen(format!(
                "By {}; what it was cannot be told.",
                list(&protocols)
            ))
            .innocent("A service of the maker, an archive elsewhere. Looked at: amounts, roles.")
            .finish(grade, reach.confidence * 0.8),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::{Host, Scene, Talk, far, host};

    const RULE: &str = "exfiltration";

    fn sent(payload: [u64; 2]) -> Scene {
        let (monitor, station) = (host([10, 20, 3, 14]), host([10, 20, 3, 5]));
        let talk = Talk {
            payload,
            ..Talk::ANSWERED
        };
        Scene::new()
            .talk(monitor, station, 515, "contec-cms", Talk::ANSWERED)
            .patient(monitor, station, "contec-cms")
            .way_out(monitor)
            .talk(monitor, outside(), 443, "tls", talk)
    }

    fn outside() -> Host {
        far([198, 18, 7, 9])
    }

    #[test]
    fn much_out_and_little_back() {
        assert_eq!(
            sent([60_000_000, 9_000]).one(RULE).severity,
            Severity::Medium
        );
        assert_eq!(sent([19_000_000, 9_000]).of(RULE), [], "too little");
        assert_eq!(sent([60_000_000, 30_000_000]).of(RULE), [], "as much back");
    }

    #[test]
    fn near_miss_an_archive_moves_house() {
        let (archive, modality) = (host([10, 20, 5, 5]), host([10, 20, 5, 6]));
        let talk = Talk {
            payload: [9_000_000_000, 9_000],
            ..Talk::ANSWERED
        };
        let scene = Scene::new()
            .talk(modality, archive, 104, "dicom", Talk::ANSWERED)
            .talk(archive, outside(), 443, "tls", talk);
        assert_eq!(scene.of(RULE), []);
    }
}
