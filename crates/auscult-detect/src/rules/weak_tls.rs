//! A device speaks a version of TLS, or shows a certificate, that no longer protects.
//!
//! Sources: RFC 8996 (TLS 1.0 and 1.1 deprecated), RFC 7568 (SSL 3.0), RFC 6176 (SSL 2.0), RFC 5280
//! (validity). Limits: in TLS 1.3 certificates are not seen; whether clients check is not seen.

use std::collections::{BTreeMap, BTreeSet};

use auscult_inventory::{ClaimFact, Party, Subject};
use auscult_model::report::{Finding, Severity};

use crate::draft::Draft;
use crate::grade::Grade;
use crate::stake::stake;
use crate::view::look_at;
use crate::words::list;
use crate::{Detector, Facts, RuleRecord, View};

static RECORD: RuleRecord = RuleRecord {
    rule: "weak-tls",
    title: "A device protects its talk with an outdated TLS",
    when: "A medical or embedded device of ours, as server, agreed on SSL or on TLS before 1.2, or \
           showed a certificate that had expired when it was shown.",
    worst: Severity::Low,
    innocent: &[
        "Old devices that know no newer one: it is still better than none.",
        "A device whose clock the capture does not show: the certificate is judged by the \
         capture's time.",
    ],
    attack: &["T1557"],
    cves: &[],
    sources: &["RFC 8996", "RFC 7568", "RFC 6176", "RFC 5280"],
};

/// The detector.
pub(super) struct WeakTls;

/// What is weak about a claim of a server; `None` when nothing is.
fn weakness(attribute: &str, value: &str, fact: &ClaimFact) -> Option<String> {
    match attribute {
        "tls_version" => {
            let old = value.starts_with("SSL") || value == "TLS 1.0" || value == "TLS 1.1";
            old.then(|| value.to_owned())
        }
        "certificate_validity" => {
            let (_, until) = value.split_once('/')?;
            // Both begin with the day, as year, month and day.
            let shown = fact.seen.first.to_string();
            let day = shown.get(..10)?;
            (until < day).then(|| format!("a certificate that expired on {until}"))
        }
        _ => None,
    }
}

impl Detector for WeakTls {
    fn record(&self) -> &'static RuleRecord {
        &RECORD
    }

    fn conclude(&self, _facts: &Facts, view: &View<'_>) -> Vec<Finding> {
        let mut weak: BTreeMap<String, (Party, BTreeSet<String>, Vec<&ClaimFact>)> =
            BTreeMap::new();
        for (subject, attribute, value, _, fact) in view.ledger.claims() {
            let Subject::Party(party) = subject else {
                continue;
            };
            let Some(what) = weakness(attribute, value, fact) else {
                continue;
            };
            if view.is_local(party) && stake(view.role(party)).is_device() {
                let fresh = || (party, BTreeSet::new(), Vec::new());
                let (_, all, facts) = weak.entry(view.who(party)).or_insert_with(fresh);
                all.insert(what);
                facts.push(fact);
            }
        }
        weak.values()
            .map(|(party, what, facts)| finding(view, *party, what, facts))
            .collect()
    }
}

fn finding(
    view: &View<'_>,
    party: Party,
    what: &BTreeSet<String>,
    facts: &[&ClaimFact],
) -> Finding {
    let stake = stake(view.role(party));
    let severity = match stake.is_medical() {
        true => Severity::Low,
        false => Severity::Info,
    };
    let mut grade = Grade::new(severity, format!("{} uses it", stake.words()));
    grade.cap_by_network(view, &[party.ip]);
    let device = view.device(party);
    let mut draft =
        Draft::about(&RECORD, device, party.ip, "tls").texts("weak", what.iter().cloned());
    for fact in facts {
        let seen = &fact.seen;
        draft = draft.times(seen.first, seen.last, seen.count).packet(
            view,
            seen.packets[1],
            "says so",
            &look_at(party.ip),
        );
    }
    let confidence = facts.iter().map(|fact| fact.confidence).fold(0.0, f32::max);
    draft
        .words(
            format!("{} protects its talk with {}", view.name(party), list(what)),
            "Nothing to do at the bedside.",
            "Ask the maker for TLS 1.2 or newer, and renew the certificate.",
        )
        .innocent("An old device that knows nothing newer. Looked at: what was agreed on.")
        .finish(grade, confidence)
}

#[cfg(test)]
mod tests {
    use auscult_model::{About, Meaning};

    use super::*;
    use crate::scene::{Scene, monitor, pc, ward};

    const RULE: &str = "weak-tls";

    fn said(attribute: &'static str, value: &str) -> Scene {
        let claim = Meaning::Claim {
            about: About::Sender,
            attribute,
            value: value.to_owned(),
        };
        ward().say(monitor(), pc(), "tls", claim)
    }

    #[test]
    fn old_versions_and_expired_certificates() {
        assert_eq!(
            said("tls_version", "TLS 1.0").one(RULE).severity,
            Severity::Low
        );
        let expired = said("certificate_validity", "2015-01-01/2020-01-01");
        assert_eq!(expired.one(RULE).severity, Severity::Low);
    }

    #[test]
    fn near_misses() {
        assert_eq!(said("tls_version", "TLS 1.2").of(RULE), []);
        assert_eq!(
            said("certificate_validity", "2015-01-01/2040-01-01").of(RULE),
            []
        );
    }

    #[test]
    fn near_miss_guests() {
        let scene = said("tls_version", "TLS 1.0").guests("10.20.3.0/24");
        assert_eq!(scene.one(RULE).severity, Severity::Info);
    }

    #[test]
    fn near_misses_a_computer_and_somebody_outside() {
        let old = |by| {
            let claim = Meaning::Claim {
                about: About::Sender,
                attribute: "tls_version",
                value: "TLS 1.0".to_owned(),
            };
            ward().office(pc()).say(by, monitor(), "tls", claim)
        };
        assert_eq!(old(pc()).of(RULE), []);
        let theirs = crate::scene::outside();
        let scene = old(theirs)
            .talk(
                theirs,
                crate::scene::station(),
                515,
                "contec-cms",
                crate::scene::Talk::ANSWERED,
            )
            .patient(theirs, crate::scene::station(), "contec-cms");
        assert_eq!(scene.of(RULE), []);
    }
}
