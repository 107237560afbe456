//! A device sends far more to the outside than such devices do.
//!
//! Source: ATT&CK T1041, T1048. Limits: what was sent is not told; the bound is a share of what
//! the device sends in all and an amount, not a learnt habit.

use auscult_model::report::{Finding, Severity};

use super::outbound::{Outbound, Pair, for_each_pair};
use crate::grade::Grade;
use crate::stake::Stake;
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
        let sends = |talk: &Outbound<'_>| talk.answered && talk.sum.payload[0] > 0;
        for_each_pair(view, sends, finding)
    }
}

fn finding(pair: &Pair<'_, '_>) -> Option<Finding> {
    let stake = pair.stake();
    let [sent, received] = pair.payload();
    if sent <= MOST || sent < RATIO.saturating_mul(received) {
        return None;
    }
    let severity = match stake {
        Stake::Bedside => Severity::Medium,
        Stake::Embedded => Severity::Low,
        Stake::Medical | Stake::Unknown | Stake::Office => return None,
    };
    let reach = pair.reach();
    if !arrived(reach.place) {
        return None;
    }
    let mut grade = Grade::new(severity, format!("{} sent it", stake.words()));
    grade.cap_by_network(pair.view, &[pair.local.ip]);
    let (name, megabytes) = (pair.name(), sent / 1_000_000);
    Some(
        pair.draft(&RECORD, &reach, 3)
            .number("sent_bytes", sent)
            .number("received_bytes", received)
            .words(
                format!("{name} sent {megabytes} MB to {}", pair.peer),
                "Nothing to do at the bedside.",
                "Ask what this device has to send there. If nobody knows, close the way at the \
                 edge and keep the capture.",
            )
            .seen(format!(
                "By {}; what it was cannot be told.",
                list(pair.protocols())
            ))
            .innocent("A service of the maker, an archive elsewhere. Looked at: amounts, roles.")
            .finish(grade, reach.confidence * 0.8),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::{Scene, Talk, host, monitor, outside, ward};

    const RULE: &str = "exfiltration";

    fn sent(payload: [u64; 2]) -> Scene {
        let talk = Talk {
            payload,
            ..Talk::ANSWERED
        };
        ward()
            .way_out(monitor())
            .talk(monitor(), outside(), 443, "tls", talk)
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

    #[test]
    fn near_miss_what_nobody_took() {
        let unanswered = Talk {
            payload: [60_000_000, 0],
            ..Talk::ONE_WAY
        };
        let scene = sent([1_000_000, 9_000]).talk(monitor(), outside(), 9000, "tls", unanswered);
        assert_eq!(scene.of(RULE), []);
    }

    #[test]
    fn near_miss_a_station_behind_a_static_route() {
        let near = Talk {
            payload: [60_000_000, 9_000],
            round_trip: auscult_model::Timestamp::MILLISECOND,
            ttl: 63,
            ..Talk::ANSWERED
        };
        let scene = ward()
            .way_out(monitor())
            .talk(monitor(), outside(), 443, "tls", near);
        assert_eq!(scene.of(RULE), []);
    }

    #[test]
    fn near_miss_on_the_bench() {
        let scene = sent([60_000_000, 9_000]).bench("10.20.3.0/24");
        assert_eq!(scene.one(RULE).severity, Severity::Info);
    }

    #[test]
    fn near_misses_little_or_as_much_back() {
        assert_eq!(sent([19_000_000, 9_000]).of(RULE), []);
        assert_eq!(sent([60_000_000, 30_000_000]).of(RULE), []);
    }
}
