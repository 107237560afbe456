//! A device that patients depend on talks to a network whose owner has no visible tie to it.
//!
//! Source: owners of networks by data sets that the program carries. Limits: an owner is who
//! announces a range, never who rents a machine in it; a country is where a range is registered and
//! is never judged.

use auscult_inventory::{OwnerKind, factory_range, owner};
use auscult_model::report::{Finding, Severity};

use super::outbound::{Outbound, by_device_and_peer};
use crate::draft::Draft;
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
        let talks = by_device_and_peer(view, |talk| {
            talk.answered
                && stake(view.role(talk.local)).is_medical()
                && view.names(talk.peer).is_empty()
                && factory_range(talk.peer).is_none()
        });
        let finding = |talks: &Vec<Outbound<'_>>| finding(view, talks);
        talks.values().filter_map(finding).collect()
    }
}

fn finding(view: &View<'_>, talks: &[Outbound<'_>]) -> Option<Finding> {
    let first = talks.first()?;
    let holder = owner(first.peer)?;
    if !matches!(
        holder.kind,
        OwnerKind::Carrier | OwnerKind::Research | OwnerKind::Vendor
    ) {
        return None;
    }
    let organisation = holder.organisation?;
    let device = view.device(first.local)?;
    let maker = device.vendor.as_deref().unwrap_or_default().to_lowercase();
    let tied = maker
        .split(' ')
        .any(|word| word.len() >= 4 && organisation.to_lowercase().contains(word));
    let reach = view.reach(first.local, first.peer, None);
    if tied || !arrived(reach.place) {
        return None;
    }
    let mut grade = Grade::new(
        Severity::Low,
        "told for somebody who knows the device to judge",
    );
    grade.cap_by_network(view, &[first.local.ip]);
    let mut draft = Draft::about(
        &RECORD,
        Some(device),
        first.local.ip,
        &first.peer.to_string(),
    )
    .peer(first.peer, Some(&reach))
    .reach(&reach)
    .text("organisation", organisation)
    .text("kind", holder.kind.as_str());
    for talk in talks.iter().take(2) {
        draft = draft.talk(view, (talk.key, talk.sum));
    }
    let name = crate::words::call_name(device);
    Some(
        draft
            .words(
                format!(
                    "{name} talks to {}, in a network without a visible tie to it",
                    first.peer
                ),
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
    use crate::scene::{Host, Scene, Talk, far, host};

    const RULE: &str = "owner-unrelated";

    fn talks_to(outside: Host) -> Scene {
        let (monitor, station) = (host([10, 20, 3, 14]), host([10, 20, 3, 5]));
        Scene::new()
            .talk(monitor, station, 515, "contec-cms", Talk::ANSWERED)
            .patient(monitor, station, "contec-cms")
            .way_out(monitor)
            .talk(monitor, outside, 443, "tls", Talk::ANSWERED)
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
}
