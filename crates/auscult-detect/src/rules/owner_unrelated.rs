//! A device that patients depend on talks to a network whose owner has no visible tie to it.
//!
//! Source: owners of networks by data sets that the program carries. Limits: an owner is who
//! announces a range, never who rents a machine in it; a country is where a range is registered and
//! is never judged.

use auscult_inventory::{OwnerKind, factory_range, owner};
use auscult_model::report::{Finding, Severity};

use super::outbound::{Outbound, Pair, for_each_pair};
use crate::grade::Grade;
use crate::stake::stake;
use crate::view::arrived;
use crate::{Detector, Facts, RuleRecord, View};

static RECORD: RuleRecord = RuleRecord {
    rule: "owner-unrelated",
    title: "A medical device talks to a network without a visible tie to it",
    when: "A medical device was answered from an address without a name, in a network whose owner \
           is known, is no cloud and no rented server, and is not the device's maker.",
    worst: Severity::Low,
    innocent: &[
        "A service that the maker or the hospital runs at an access provider.",
        "Clouds, hosting, content networks: neutral, nothing.",
        "Factory addresses of medical products: other rules say more of them.",
        "The hospital's own or its carrier's range: declare it with --site-net.",
    ],
    attack: &["T1071"],
    cves: &[],
    sources: &["RouteViews and RIR data by their dates"],
};

/// The detector.
pub(super) struct OwnerUnrelated;

impl Detector for OwnerUnrelated {
    fn record(&self) -> &'static RuleRecord {
        &RECORD
    }

    fn conclude(&self, _facts: &Facts, view: &View<'_>) -> Vec<Finding> {
        let nameless = |talk: &Outbound<'_>| {
            talk.answered
                && stake(view.role(talk.local)).is_medical()
                && view.names(talk.peer).is_empty()
                && factory_range(talk.peer).is_none()
        };
        for_each_pair(view, nameless, finding)
    }
}

fn finding(pair: &Pair<'_, '_>) -> Option<Finding> {
    let holder = owner(pair.peer)?;
    if !matches!(
        holder.kind,
        OwnerKind::Carrier | OwnerKind::Research | OwnerKind::Vendor
    ) {
        return None;
    }
    let organisation = holder.organisation?;
    let device = pair.view.device(pair.local)?;
    let maker = device.vendor.as_deref().unwrap_or_default().to_lowercase();
    let tied = maker
        .split(' ')
        .any(|word| word.len() >= 4 && organisation.to_lowercase().contains(word));
    let reach = pair.reach();
    if tied || !arrived(reach.place) {
        return None;
    }
    let mut grade = Grade::new(
        Severity::Low,
        "told for somebody who knows the device to judge",
    );
    grade.cap_by_network(pair.view, &[pair.local.ip]);
    let (name, peer) = (pair.name(), pair.peer);
    Some(
        pair.draft(&RECORD, &reach, 2)
            .text("organisation", organisation)
            .text("kind", holder.kind.as_str())
            .words(
                format!("{name} talks to {peer}, in a network without a visible tie to it"),
                "Nothing to do at the bedside.",
                "Ask the maker whether this address is his; close the way until it is known.",
            )
            .innocent(
                "A service that runs at an access provider. Looked at: names, the owner, the \
                 maker.",
            )
            .finish(grade, reach.confidence * 0.8),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::{Host, Scene, Talk, far, monitor, ward};

    const RULE: &str = "owner-unrelated";

    fn talks_to(outside: Host) -> Scene {
        ward()
            .way_out(monitor())
            .talk(monitor(), outside, 443, "tls", Talk::ANSWERED)
    }

    #[test]
    fn a_research_network_is_told_and_a_cloud_is_not() {
        let finding = talks_to(far([202, 112, 80, 9])).one(RULE);
        assert_eq!(finding.severity, Severity::Low);
        assert!(finding.owner.is_some());
        assert_eq!(talks_to(far([8, 8, 4, 4])).of(RULE), [], "cloud");
        assert_eq!(talks_to(far([202, 114, 4, 119])).of(RULE), [], "factory");
        assert_eq!(talks_to(far([198, 18, 7, 9])).of(RULE), [], "set aside");
    }

    fn research() -> Host {
        far([202, 112, 80, 9])
    }

    #[test]
    fn near_miss_nobody_answers() {
        let scene = ward()
            .way_out(monitor())
            .talk(monitor(), research(), 443, "tls", Talk::ONE_WAY)
            .talk(monitor(), research(), 444, "tls", Talk::UNANSWERED);
        assert_eq!(scene.of(RULE), []);
    }

    #[test]
    fn near_miss_a_computer() {
        let pc = crate::scene::pc();
        let scene = Scene::new().office(pc).way_out(pc);
        let scene = scene.talk(pc, research(), 443, "tls", Talk::ANSWERED);
        assert_eq!(scene.of(RULE), []);
    }

    #[test]
    fn near_miss_a_name_was_answered() {
        let named = auscult_model::Meaning::NameAnswered {
            name: "update.maker.example".to_owned(),
            addresses: vec![research().ip],
        };
        let server = crate::scene::host([10, 20, 0, 2]);
        let scene = talks_to(research()).say(server, monitor(), "dns", named);
        assert_eq!(scene.of(RULE), []);
    }

    #[test]
    fn near_miss_a_proxy_answers() {
        let by_gateway = Talk {
            ttl: 64,
            ..Talk::ANSWERED
        };
        let scene = ward()
            .way_out(monitor())
            .talk(monitor(), research(), 443, "tls", by_gateway);
        assert_eq!(scene.of(RULE), []);
    }

    #[test]
    fn near_miss_guests() {
        let scene = talks_to(research()).guests("10.20.3.0/24");
        assert_eq!(scene.one(RULE).severity, Severity::Info);
    }

    #[test]
    fn near_miss_it_left_and_nobody_answered() {
        let leg = Talk::ONE_WAY.left().leg.unwrap();
        let outer = |ip, mac: Option<auscult_model::MacAddr>| Host {
            mac: mac.unwrap(),
            segment: leg.segment,
            ..far(ip)
        };
        let left = |talk: Talk| {
            let scene = ward().talk(monitor(), research(), 443, "tls", talk.left());
            [80, 81].into_iter().fold(scene, |scene, n| {
                let inner = outer([10, 20, 3, 77], leg.src_mac);
                let edge = outer([198, 51, 100, n], leg.dst_mac);
                scene.talk(inner, edge, 443, "tls", Talk::ANSWERED)
            })
        };
        assert_eq!(left(Talk::ANSWERED).of(RULE).len(), 1);
        assert_eq!(left(Talk::ONE_WAY).of(RULE), []);
    }

    #[test]
    fn near_miss_the_network_bears_the_makers_name() {
        let organisation = owner(research().ip).and_then(|holder| holder.organisation);
        let mut words = organisation.unwrap_or_default().split(' ');
        let word = words.find(|word| word.len() >= 4).unwrap();
        let vendor = auscult_model::Meaning::Claim {
            about: auscult_model::About::Sender,
            attribute: "vendor",
            value: format!("{word} Instruments"),
        };
        let scene = talks_to(research()).say(monitor(), crate::scene::pc(), "snmp", vendor);
        assert_eq!(scene.of(RULE), []);
    }

    #[test]
    fn near_misses_a_cloud_and_a_factory_address() {
        assert_eq!(talks_to(far([8, 8, 4, 4])).of(RULE), []);
        assert_eq!(talks_to(far([202, 114, 4, 119])).of(RULE), []);
    }
}
