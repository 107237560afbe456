//! Detectors: folds over events that conclude what is wrong.
//!
//! To add one: write its file with its record and cases, add a line to [`ALL`]. A detector sees
//! meanings and declared attributes, never a protocol's types, and draws its conclusions from
//! facts that merge in any order.

mod contract;
mod coverage;
mod draft;
mod grade;
mod incident;
mod points;
mod protection;
mod related;
mod rules;
#[cfg(test)]
mod scene;
mod stake;
mod stored;
mod view;
mod words;

pub use contract::{Context, Detector, FACTS, Fact, FactKey, Facts, RuleRecord};
pub use coverage::{coverage, questions};
pub use draft::{finding_id, unwritten};
pub use incident::incidents;
pub use points::capture_points;
pub use related::unrelated;
pub use rules::ALL;
pub use stored::StoredFacts;
pub use view::View;
pub use words::call_name;

use std::collections::BTreeSet;

use auscult_model::report::Finding;
use auscult_model::{Event, FlowStart};

/// Lets every detector see an event.
pub fn observe(event: &Event, facts: &mut Facts) {
    for detector in ALL {
        detector.observe(event, facts);
    }
}

/// Lets every detector see the opening of a connection towards elsewhere.
pub fn opened(start: &FlowStart, facts: &mut Facts) {
    for detector in ALL {
        detector.opened(start, facts);
    }
}

/// What all detectors conclude, worst first.
pub fn conclude(facts: &Facts, view: &View<'_>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = ALL
        .iter()
        .flat_map(|detector| detector.conclude(facts, view))
        .collect();
    put_in_order(&mut findings);
    findings
}

/// Puts findings in order, worst first, and shortens their ids.
pub fn put_in_order(findings: &mut [Finding]) {
    findings.sort_by(|a, b| {
        (b.severity, b.confidence.to_bits())
            .cmp(&(a.severity, a.confidence.to_bits()))
            .then_with(|| (&a.rule, &a.id).cmp(&(&b.rule, &b.id)))
    });
    shorten_ids(findings);
}

/// Hexadecimal digits of an id that nothing else needs.
const ID_DIGITS: usize = 8;

/// Cuts ids to a length that a person can type; the few that would then be alike stay longer.
fn shorten_ids(findings: &mut [Finding]) {
    let short = |id: &str| id.get(.."F-".len() + ID_DIGITS).unwrap_or(id).to_owned();
    let mut seen = BTreeSet::new();
    let mut alike = BTreeSet::new();
    for finding in findings.iter() {
        if !seen.insert(short(&finding.id)) {
            alike.insert(short(&finding.id));
        }
    }
    for finding in findings {
        let id = short(&finding.id);
        if !alike.contains(&id) {
            finding.id = id;
        }
        for alias in &mut finding.aliases {
            *alias = short(alias);
        }
    }
}

#[cfg(test)]
mod tests {
    use auscult_inventory::Ledger;
    use auscult_model::{FileClass, Meaning};
    use proptest::prelude::*;

    use super::*;
    use crate::scene::{Scene, Talk, far, host};

    fn hospital() -> Scene {
        let (monitor, station) = (host([10, 20, 3, 14]), host([10, 20, 3, 5]));
        let outside = far([202, 114, 4, 119]);
        let login = |account: &str| Meaning::Login {
            method: "ftp-password",
            account: account.to_owned(),
            clear: true,
            accepted: Some(true),
        };
        Scene::new()
            .talk(monitor, outside, 515, "contec-cms", Talk::ANSWERED)
            .talk(monitor, outside, 2049, "nfs", Talk::ANSWERED)
            .talk(monitor, station, 515, "contec-cms", Talk::ANSWERED)
            .patient(monitor, outside, "contec-cms")
            .patient(monitor, station, "contec-cms")
            .mount(monitor, outside, "/pm", Some(true))
            .file(outside, monitor, "nfs", FileClass::Executable)
            .say(station, monitor, "ftp", login("service"))
            .say(station, monitor, "ftp", login("admin"))
            .patient(monitor, outside, "contec-cms")
    }

    fn parts(events: &[auscult_model::Event]) -> (Facts, Ledger) {
        let (mut facts, mut ledger) = (Facts::default(), Ledger::default());
        for event in events {
            observe(event, &mut facts);
            ledger.event(event);
        }
        (facts, ledger)
    }

    proptest! {
        #[test]
        fn any_order_and_any_split_give_the_same_findings(
            order in Just((0..7usize).collect::<Vec<_>>()).prop_shuffle(),
            cut in 0usize..=7,
        ) {
            let whole = hospital();
            let mut shuffled = hospital();
            let events: Vec<_> = order.iter().map(|at| shuffled.events[*at].clone()).collect();
            let (a, b) = events.split_at(cut);
            let (mut facts, ledger) = parts(b);
            let (first, more) = parts(a);
            facts.merge(&first);
            let mut talks = Ledger::default();
            for (key, sum) in shuffled.ledger.conversations() {
                talks.conversation(key, sum);
            }
            talks.merge(ledger);
            talks.merge(more);
            shuffled.facts = facts;
            shuffled.ledger = talks;
            prop_assert_eq!(whole.findings(), shuffled.findings());
            prop_assert_eq!(whole.answers(), shuffled.answers());
        }
    }

    #[test]
    fn sentences_keep_the_tone() {
        let findings = hospital().findings();
        let rules: BTreeSet<&str> = findings
            .iter()
            .map(|finding| finding.rule.as_ref())
            .collect();
        assert!(rules.len() >= 6, "{rules:?}");
        for finding in &findings {
            assert!(
                !finding.impact.to_lowercase().contains("unplug"),
                "{}",
                finding.impact
            );
            let said = format!("{finding:?}").to_lowercase();
            for word in ["backdoor", "attacker", "infected", "chinese"] {
                assert!(!said.contains(word), "{word}: {said}");
            }
            assert!(!finding.evidence.is_empty() && !finding.reasons.is_empty());
            let title = format!("{} {}", finding.title, finding.impact).to_lowercase();
            assert!(
                !title.contains("china") && !title.contains("chinese"),
                "{title}"
            );
        }
    }

    #[test]
    fn wireshark_knows_the_filters() {
        use std::process::{Command, Stdio};

        if Command::new("tshark").arg("--version").output().is_err() {
            eprintln!("SKIPPED: tshark is not installed, filters are not checked");
            return;
        }
        let (a, b) = (host([10, 1, 1, 5]), host([202, 114, 4, 119]));
        let six = crate::scene::Host {
            ip: "2001:db8::5".parse().unwrap(),
            ..host([10, 1, 1, 6])
        };
        let scene = hospital()
            .asked(a, b.ip, (9, 60), Some(b))
            .talk(a, b, 445, "smb", Talk::ANSWERED)
            .asked(six, "2001:db8:1::9".parse().unwrap(), (9, 60), None)
            .talk(six, b, 21, "ftp", Talk::ANSWERED);
        let findings = scene.findings();
        let shown = findings.iter().flat_map(|finding| &finding.evidence);
        let filters: BTreeSet<&str> = shown.filter_map(|e| e.filter.as_deref()).collect();
        assert!(filters.len() > 5, "{filters:?}");
        // A capture without packets: only the syntax is judged.
        let mut empty = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0];
        empty.extend([0; 8]);
        empty.extend([0, 0, 4, 0, 1, 0, 0, 0]);
        let file = std::env::temp_dir().join(format!("auscult-filters-{}", std::process::id()));
        std::fs::write(&file, empty).unwrap();
        for filter in filters {
            let status = Command::new("tshark")
                .args(["-r", file.to_str().unwrap(), "-Y", filter])
                .stderr(Stdio::null())
                .status()
                .unwrap();
            assert!(status.success(), "{filter}");
            assert!(filter.starts_with("frame.number == "), "{filter}");
        }
        std::fs::remove_file(&file).unwrap();
    }

    #[test]
    fn ids_are_unique_stable_and_short() {
        let findings = hospital().findings();
        let ids: BTreeSet<&str> = findings.iter().map(|f| f.id.as_str()).collect();
        assert_eq!(ids.len(), findings.len());
        assert!(
            ids.iter().all(|id| id.len() == 10 && id.starts_with("F-")),
            "{ids:?}"
        );
        let mut twice = vec![findings[0].clone(), findings[0].clone()];
        for (finding, last) in twice.iter_mut().zip(["0", "1"]) {
            finding.id = format!("F-0123456789abcde{last}");
        }
        shorten_ids(&mut twice);
        assert_ne!(twice[0].id, twice[1].id);
    }

    #[test]
    fn rules_are_in_order_and_say_what_they_need() {
        let rules: Vec<&str> = ALL.iter().map(|detector| detector.record().rule).collect();
        assert!(rules.is_sorted(), "{rules:?}");
        for detector in ALL {
            let record = detector.record();
            assert!(!record.innocent.is_empty() && !record.sources.is_empty());
        }
    }
}
