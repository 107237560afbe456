//! Several devices prove who they are with one and the same key: whoever has one has all.
//!
//! Sources: RFC 4253 (host keys), RFC 5280 (certificates). Limits: only keys that are shown in
//! clear; TLS 1.3 hides certificates.

use std::collections::{BTreeMap, BTreeSet};

use auscult_inventory::{ClaimFact, Party, Subject};
use auscult_model::report::{Finding, Severity};

use crate::draft::Draft;
use crate::grade::Grade;
use crate::stake::{Stake, stake};
use crate::view::look_at;
use crate::words::{count, list};
use crate::{Detector, Facts, RuleRecord, View};

static RECORD: RuleRecord = RuleRecord {
    rule: "shared-key",
    title: "Several devices share one key",
    when: "At least two devices of ours showed the same SSH host key or the same certificate.",
    worst: Severity::Medium,
    innocent: &[
        "Servers behind a balancer, or with a wildcard certificate: info.",
        "One machine with several addresses: nothing.",
        "Inspection of TLS at the edge, which shows its own certificates for others: nothing.",
    ],
    attack: &["T1557", "T1552.004"],
    cves: &[],
    sources: &["RFC 4253", "RFC 5280"],
};

/// Claims that name a key.
const KEYS: [&str; 2] = ["ssh_host_key", "certificate_sha256"];

/// Devices that show one key.
type Holders<'a> = BTreeMap<String, (Party, &'a ClaimFact)>;

/// The detector.
pub(super) struct SharedKey;

impl Detector for SharedKey {
    fn record(&self) -> &'static RuleRecord {
        &RECORD
    }

    fn conclude(&self, _facts: &Facts, view: &View<'_>) -> Vec<Finding> {
        let mut keys: BTreeMap<(&str, &str), Holders<'_>> = BTreeMap::new();
        for (subject, attribute, value, _, fact) in view.ledger.claims() {
            let Subject::Party(party) = subject else {
                continue;
            };
            if !KEYS.contains(&attribute) {
                continue;
            }
            // A router's card shows the keys of others.
            let own = party
                .mac
                .is_some_and(|mac| !view.inventory.is_router(party.segment, mac));
            if own && view.is_local(party) && view.device(party).is_some() {
                let devices = keys.entry((attribute, value)).or_default();
                devices.entry(view.who(party)).or_insert((party, fact));
            }
        }
        keys.iter()
            .filter(|(_, devices)| devices.len() > 1)
            .map(|((kind, value), devices)| finding(view, kind, value, devices))
            .collect()
    }
}

fn finding(view: &View<'_>, kind: &str, value: &str, devices: &Holders<'_>) -> Finding {
    let stakes = devices.values().map(|(party, _)| stake(view.role(*party)));
    let severity = match stakes.min().unwrap_or(Stake::Office) {
        Stake::Bedside | Stake::Medical => Severity::Medium,
        Stake::Embedded | Stake::Unknown => Severity::Low,
        Stake::Office => Severity::Info,
    };
    let what = if kind == KEYS[0] {
        "SSH host key"
    } else {
        "certificate"
    };
    let mut grade = Grade::new(severity, format!("one {what} opens them all"));
    let ips: Vec<_> = devices.values().map(|(party, _)| party.ip).collect();
    grade.cap_by_network(view, &ips);
    let mut draft = Draft::new(&RECORD, kind, value).text("key", value);
    let mut names = BTreeSet::new();
    for (party, fact) in devices.values() {
        let device = view.device(*party);
        names.insert(view.name_and_address(*party));
        draft = draft
            .device(device)
            .times(fact.seen.first, fact.seen.last, fact.seen.count)
            .packet(
                view,
                fact.seen.packets[1],
                "shows the key",
                &look_at(party.ip),
            );
    }
    draft
        .words(
            format!(
                "{} share one {what}",
                count(devices.len(), "device", "devices")
            ),
            "Nothing to do at the bedside.",
            "Ask the maker how each device gets a key of its own; until then let nobody but \
             their manager reach them this way.",
        )
        .seen(format!("{}.", list(&names)))
        .innocent("Servers that stand for each other. Looked at: what the devices are.")
        .finish(grade, 0.95)
}

#[cfg(test)]
mod tests {
    use auscult_model::{About, Meaning};

    use super::*;
    use crate::scene::{Scene, host, monitor, pc, ward};

    const RULE: &str = "shared-key";

    fn keys(first: &str, second: &str) -> Scene {
        let two = host([10, 20, 3, 15]);
        let claim = |value: &str| Meaning::Claim {
            about: About::Sender,
            attribute: "ssh_host_key",
            value: value.to_owned(),
        };
        ward()
            .say(monitor(), pc(), "ssh", claim(first))
            .say(two, pc(), "ssh", claim(second))
    }

    #[test]
    fn one_key_on_two_devices() {
        assert_eq!(
            keys("SHA256:a", "SHA256:a").one(RULE).severity,
            Severity::Medium
        );
        assert_eq!(
            keys("SHA256:a", "SHA256:b").of(RULE),
            [],
            "near miss: two keys"
        );
    }

    #[test]
    fn near_miss_guests() {
        let scene = keys("SHA256:a", "SHA256:a").guests("10.20.3.0/24");
        assert_eq!(scene.one(RULE).severity, Severity::Info);
    }

    #[test]
    fn near_miss_two_keys() {
        assert_eq!(keys("SHA256:a", "SHA256:b").of(RULE), []);
    }

    #[test]
    fn near_misses_behind_a_router_and_outside() {
        let claim = || Meaning::Claim {
            about: About::Sender,
            attribute: "ssh_host_key",
            value: "SHA256:a".to_owned(),
        };
        let hold = |holders: [crate::scene::Host; 2]| {
            let scene = ward().way_out(monitor());
            holders.into_iter().fold(scene, |scene, holder| {
                scene.say(holder, pc(), "ssh", claim())
            })
        };
        assert_eq!(hold([monitor(), host([10, 20, 3, 15])]).of(RULE).len(), 1);
        let beyond = [5, 6].map(|n| crate::scene::far([10, 30, 0, n]));
        assert_eq!(hold(beyond).of(RULE), []);
        let outside = [5, 6].map(|n| crate::scene::far([198, 18, 7, n]));
        assert_eq!(hold(outside).of(RULE), []);
    }

    #[test]
    fn near_miss_neighbours_in_the_providers_network() {
        let claim = || Meaning::Claim {
            about: About::Sender,
            attribute: "ssh_host_key",
            value: "SHA256:a".to_owned(),
        };
        let gate = crate::scene::Host {
            mac: crate::scene::ROUTER,
            ..host([198, 18, 7, 1])
        };
        let two = [5, 6].map(|n| host([198, 18, 7, n]));
        let scene = ward()
            .way_out(monitor())
            .asked(gate, monitor().ip, (5, 60), None);
        let scene = two.into_iter().fold(scene, |scene, holder| {
            scene
                .asked(holder, gate.ip, (5, 60), Some(gate))
                .say(holder, pc(), "ssh", claim())
        });
        assert_eq!(scene.of(RULE), []);
    }
}
