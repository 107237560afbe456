//! A device of ours talks to a pool for digging coins.
//!
//! Source: the Stratum protocol by its first messages. Limit: pools inside TLS are not seen.

use auscult_model::report::{Finding, Severity};

use super::outbound::{Outbound, Pair, for_each_pair};
use crate::grade::Grade;
use crate::stake::Stake;
use crate::{Detector, Facts, RuleRecord, View};

static RECORD: RuleRecord = RuleRecord {
    rule: "mining",
    title: "A device digs coins for others",
    when: "A device of ours was answered by a pool that speaks Stratum.",
    worst: Severity::High,
    innocent: &[
        "Guests on their own devices: info.",
        "A page that mines in a browser: medium.",
    ],
    attack: &["T1496.001"],
    cves: &[],
    sources: &["Stratum mining protocol"],
};

/// The detector.
pub(super) struct Mining;

impl Detector for Mining {
    fn record(&self) -> &'static RuleRecord {
        &RECORD
    }

    fn conclude(&self, _facts: &Facts, view: &View<'_>) -> Vec<Finding> {
        let digs = |talk: &Outbound<'_>| talk.answered && talk.key.protocol == "stratum";
        for_each_pair(view, digs, |pair| Some(finding(pair)))
    }
}

fn finding(pair: &Pair<'_, '_>) -> Finding {
    let stake = pair.stake();
    let severity = match stake {
        Stake::Bedside | Stake::Medical | Stake::Embedded => Severity::High,
        Stake::Unknown | Stake::Office => Severity::Medium,
    };
    let mut grade = Grade::new(
        severity,
        format!(
            "{} runs a program that its owner did not install",
            stake.words()
        ),
    );
    let reach = pair.reach();
    let confidence = reach.confidence * 0.9;
    grade.cap_by_confidence(confidence);
    grade.cap_by_network(pair.view, &[pair.local.ip]);
    pair.draft(&RECORD, &reach, 3)
        .words(
            format!("{} digs coins at {}", pair.name(), pair.peer),
            "Nothing to do at the bedside.",
            "Find out what runs there and how it came; treat the device as not to be trusted \
             until then.",
        )
        .innocent("A browser page that mines. Looked at: the messages, what the device is.")
        .finish(grade, confidence)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::{Scene, Talk, far, host, monitor, ward};

    const RULE: &str = "mining";

    #[test]
    fn a_pool_is_told_and_guests_are_let_be() {
        let (pc, pool) = (host([10, 20, 9, 77]), far([198, 18, 7, 9]));
        let mut scene = Scene::new()
            .talk(pc, pool, 3333, "stratum", Talk::ANSWERED)
            .way_out(pc);
        assert_eq!(scene.one(RULE).severity, Severity::Medium);
        scene
            .site
            .guest_networks
            .push("10.20.9.0/24".parse().unwrap());
        assert_eq!(scene.one(RULE).severity, Severity::Info);
    }

    #[test]
    fn near_misses_other_protocols_and_silence() {
        let (pc, pool) = (host([10, 20, 9, 77]), far([198, 18, 7, 9]));
        let scene = Scene::new().talk(pc, pool, 3333, "tls", Talk::ANSWERED);
        assert_eq!(scene.of(RULE), []);
        let scene = Scene::new().talk(pc, pool, 3333, "stratum", Talk::UNANSWERED);
        assert_eq!(scene.of(RULE), []);
    }

    #[test]
    fn near_miss_that_a_pool_was_reached_is_not_sure() {
        let (pc, pool) = (monitor(), far([198, 18, 7, 9]));
        let sure = ward()
            .talk(pc, pool, 3333, "stratum", Talk::ANSWERED)
            .way_out(pc);
        assert_eq!(sure.one(RULE).severity, Severity::High);
        let by_gateway = Talk {
            ttl: 64,
            ..Talk::ANSWERED
        };
        let doubtful = ward()
            .talk(pc, pool, 3333, "stratum", by_gateway)
            .way_out(pc);
        assert_eq!(doubtful.one(RULE).severity, Severity::Medium);
    }

    #[test]
    fn near_miss_guests() {
        let (pc, pool) = (host([10, 20, 9, 77]), far([198, 18, 7, 9]));
        let scene = Scene::new()
            .talk(pc, pool, 3333, "stratum", Talk::ANSWERED)
            .way_out(pc);
        assert_eq!(
            scene.guests("10.20.9.0/24").one(RULE).severity,
            Severity::Info
        );
    }
}
