//! A device talks to a service that collects data about the use of programs and devices.
//!
//! Source: a list of such services by name, the same for all countries. Limit: services that are
//! not listed, and names that were not seen.

use std::collections::{BTreeMap, BTreeSet};

use auscult_inventory::{KnownService, ServiceKind, known_service};
use auscult_model::report::{Finding, Severity};

use super::outbound::{Outbound, by_device_and_peer};
use crate::draft::Draft;
use crate::grade::Grade;
use crate::stake::{Stake, stake};
use crate::words::list;
use crate::{Detector, Facts, RuleRecord, View};

static RECORD: RuleRecord = RuleRecord {
    rule: "data-collecting-service",
    title: "A device talks to a service that collects data",
    when: "A medical, embedded or unknown device had answered conversations with a service that is \
           listed, by name, as one that collects data about use.",
    worst: Severity::Low,
    innocent: &[
        "Guests and office computers: nothing.",
        "Faults that a maker lets another firm collect: ask the maker which data.",
    ],
    attack: &[],
    cves: &[],
    sources: &["names answered or used in the capture"],
};

/// The detector.
pub(super) struct DataCollectingService;

impl Detector for DataCollectingService {
    fn record(&self) -> &'static RuleRecord {
        &RECORD
    }

    fn conclude(&self, _facts: &Facts, view: &View<'_>) -> Vec<Finding> {
        let talks = by_device_and_peer(view, |talk| {
            talk.answered
                && stake(view.role(talk.local)) != Stake::Office
                && !view.inventory.options().is_guest(talk.local.ip)
        });
        let mut by_device: BTreeMap<String, Vec<(Outbound<'_>, KnownService)>> = BTreeMap::new();
        for ((who, peer), talks) in talks {
            let services = view.names(peer).into_iter().filter_map(known_service);
            let collects = services
                .filter(|s| s.kind == ServiceKind::Telemetry)
                .min_by_key(|s| s.name);
            if let Some(service) = collects {
                let told = by_device.entry(who).or_default();
                told.extend(talks.iter().map(|talk| (*talk, service)));
            }
        }
        by_device
            .values()
            .filter_map(|told| finding(view, told))
            .collect()
    }
}

fn finding(view: &View<'_>, told: &[(Outbound<'_>, KnownService)]) -> Option<Finding> {
    let (first, _) = told.first()?;
    let stake = stake(view.role(first.local));
    let severity = match stake.is_medical() {
        true => Severity::Low,
        false => Severity::Info,
    };
    let grade = Grade::new(severity, format!("{} talks to it", stake.words()));
    let services: BTreeSet<String> = told
        .iter()
        .map(|(_, service)| format!("{} ({})", service.name, service.operator))
        .collect();
    let device = view.device(first.local);
    let mut draft = Draft::about(&RECORD, device, first.local.ip, "services")
        .peer(first.peer, None)
        .texts("services", services.iter().cloned());
    for (talk, _) in told.iter().take(3) {
        draft = draft.talk(view, (talk.key, talk.sum));
    }
    Some(
        draft
            .words(
                format!(
                    "{} talks to services that collect data",
                    view.name(first.local)
                ),
                "Nothing to do at the bedside.",
                "Ask the maker which data goes there; close the way if nobody needs it.",
            )
            .seen(format!("{}.", list(&services)))
            .innocent("Faults that are reported. What is sent cannot be seen.")
            .finish(grade, 0.85),
    )
}

#[cfg(test)]
mod tests {
    use auscult_model::Meaning;

    use super::*;
    use crate::scene::{Scene, Talk, far, host};

    const RULE: &str = "data-collecting-service";

    fn scene(name: &str) -> Scene {
        let (device, outside) = (host([10, 20, 3, 14]), far([198, 18, 7, 9]));
        let named = Meaning::NameAnswered {
            name: name.to_owned(),
            addresses: vec![outside.ip],
        };
        Scene::new()
            .say(host([10, 20, 0, 2]), device, "dns", named)
            .talk(device, outside, 443, "tls", Talk::ANSWERED)
    }

    #[test]
    fn a_listed_service_and_near_misses() {
        assert_eq!(scene("api.mixpanel.com").one(RULE).severity, Severity::Info);
        assert_eq!(
            scene("www.msftconnecttest.com").of(RULE),
            [],
            "another kind"
        );
        assert_eq!(scene("mixpanel.example").of(RULE), [], "another name");
        let office = scene("api.mixpanel.com").office(host([10, 20, 3, 14]));
        assert_eq!(office.of(RULE), []);
        let mut guest = scene("api.mixpanel.com");
        guest
            .site
            .guest_networks
            .push("10.20.3.0/24".parse().unwrap());
        assert_eq!(guest.of(RULE), []);
    }

    #[test]
    fn near_miss_nobody_answers() {
        let (device, outside) = (host([10, 20, 3, 14]), far([198, 18, 7, 9]));
        let named = Meaning::NameAnswered {
            name: "api.mixpanel.com".to_owned(),
            addresses: vec![outside.ip],
        };
        let scene = Scene::new()
            .say(host([10, 20, 0, 2]), device, "dns", named)
            .talk(device, outside, 443, "tls", Talk::UNANSWERED);
        assert_eq!(scene.of(RULE), []);
    }
}
