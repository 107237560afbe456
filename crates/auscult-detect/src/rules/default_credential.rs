//! Somebody logged in with the account that the factory sets, and it was accepted.
//!
//! Sources: RFC 1157 (communities), CISA ICSMA-25-037-02 (Orthanc), ICSMA-22-244-01 and
//! ICSMA-17-250-02A (fixed logins). Limits: only pairs that are widely known, and only where name
//! and secret crossed readably; the secret is compared where it is read and never kept.

use auscult_inventory::Party;
use auscult_model::report::{Finding, Severity};
use auscult_model::{Event, Meaning};

use crate::draft::Draft;
use crate::grade::Grade;
use crate::stake::{Stake, stake};
use crate::words::protocol_words;
use crate::{Detector, Fact, FactKey, Facts, RuleRecord, View};

static RECORD: RuleRecord = RuleRecord {
    rule: "default-credential",
    title: "A factory login is still accepted",
    when: "A login with a widely known factory account and secret, or a factory community of SNMP, \
           was accepted. One finding for each server and way.",
    worst: Severity::High,
    innocent: &[
        "Read-only SNMP of printers and switches with the community public: info.",
        "A login that was refused: nothing.",
    ],
    attack: &["T0812", "T1078.001"],
    cves: &[],
    sources: &["CISA ICSMA-25-037-02", "CISA ICSMA-17-250-02A", "RFC 1157"],
};

/// The attribute by which protocols say that a login is a factory's.
const DEFAULT: &str = "default";
const SNMP: &str = "snmp";

/// The detector.
pub(super) struct DefaultCredential;

impl Detector for DefaultCredential {
    fn record(&self) -> &'static RuleRecord {
        &RECORD
    }

    fn observe(&self, event: &Event, facts: &mut Facts) {
        let Meaning::Login {
            method,
            accepted: Some(true),
            ..
        } = &event.meaning
        else {
            return;
        };
        if event.attribute(DEFAULT).is_none() {
            return;
        }
        let key = FactKey {
            from: event.from.into(),
            to: event.to.into(),
            port: event.to.port,
            protocol: event.protocol,
            object: (*method).to_owned(),
        };
        facts.add(RECORD.rule, key, Fact::of(event, "a factory login"));
    }

    fn conclude(&self, facts: &Facts, view: &View<'_>) -> Vec<Finding> {
        let groups = facts.grouped(RECORD.rule, |key| (view.who(key.to), key.protocol));
        groups.filter_map(|group| finding(view, &group)).collect()
    }
}

fn finding(view: &View<'_>, group: &[(&FactKey, &Fact)]) -> Option<Finding> {
    let (key, _) = group.first()?;
    let server = key.to;
    if !view.is_local(server) {
        return None;
    }
    let mut grade = grade(view, server, key.protocol);
    let confidence = group.iter().map(|(_, f)| f.confidence).fold(0.0, f32::max);
    grade.cap_by_confidence(confidence);
    grade.cap_by_network(view, &[server.ip]);
    let device = view.device(server);
    let name = view.name(server);
    let draft = Draft::about(&RECORD, device, server.ip, key.protocol)
        .text("protocol", key.protocol)
        .text("method", &key.object)
        .number("port", u64::from(key.port))
        .facts(view, group);
    Some(
        draft
            .words(
                format!(
                    "{name} still takes the factory login by {}",
                    protocol_words(key.protocol)
                ),
                "Nothing to do at the bedside.",
                "Change it. Where the device cannot, allow this way from its manager alone.",
            )
            .innocent("None is left: it was accepted. Looked at: what the device is.")
            .finish(grade, confidence),
    )
}

fn grade(view: &View<'_>, server: Party, protocol: &str) -> Grade {
    let severity = match (stake(view.role(server)), protocol) {
        (Stake::Bedside, SNMP) => Severity::Medium,
        (Stake::Medical, SNMP) => Severity::Low,
        (_, SNMP) => Severity::Info,
        (Stake::Bedside | Stake::Medical, _) => Severity::High,
        (Stake::Embedded | Stake::Unknown, _) => Severity::Low,
        (Stake::Office, _) => Severity::Low,
    };
    let stake = stake(view.role(server)).words();
    Grade::new(
        severity,
        format!("{stake} can be entered by whoever knows the manual"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::{Scene, Talk, monitor, outside, pc, ward};

    const RULE: &str = "default-credential";

    fn scene(protocol: &'static str, accepted: bool, default: bool) -> Scene {
        let login = Meaning::Login {
            method: "password",
            account: "admin".to_owned(),
            clear: true,
            accepted: Some(accepted),
        };
        let mut scene = ward().say(pc(), monitor(), protocol, login);
        let mut event = scene.events.last().unwrap().clone();
        if default {
            event.attributes.push(("default", "factory".into()));
        }
        DefaultCredential.observe(&event, &mut scene.facts);
        scene
    }

    #[test]
    fn an_accepted_factory_login_is_high_on_a_monitor() {
        assert_eq!(scene("http", true, true).one(RULE).severity, Severity::High);
        assert_eq!(
            scene("snmp", true, true).one(RULE).severity,
            Severity::Medium
        );
    }

    #[test]
    fn near_misses_refused_or_own() {
        assert_eq!(scene("http", false, true).of(RULE), []);
        assert_eq!(scene("http", true, false).of(RULE), []);
    }

    #[test]
    fn near_miss_guests() {
        let guests = scene("http", true, true).guests("10.20.3.0/24");
        assert_eq!(guests.one(RULE).severity, Severity::Info);
    }

    #[test]
    fn near_miss_a_login_that_was_read_with_doubt() {
        let mut doubtful = ward();
        let mut event = scene("http", true, true).events.last().unwrap().clone();
        event.attributes.push(("default", "factory".into()));
        event.confidence = 0.5;
        DefaultCredential.observe(&event, &mut doubtful.facts);
        assert_eq!(doubtful.one(RULE).severity, Severity::Medium);
    }

    #[test]
    fn near_miss_a_device_of_somebody_else() {
        let mut elsewhere = ward().talk(pc(), outside(), 80, "http", Talk::ANSWERED);
        let mut event = scene("http", true, true).events.last().unwrap().clone();
        event.attributes.push(("default", "factory".into()));
        event.to.ip = outside().ip;
        DefaultCredential.observe(&event, &mut elsewhere.facts);
        assert_eq!(elsewhere.of(RULE), []);
    }
}
