//! A device reports to its own maker: who, how often, how much, readable or not.
//!
//! Source: names of services and owners of networks beside the device's maker. Limit: makers are
//! compared by words of their names; a maker that uses another's cloud without a name is not told.

use auscult_inventory::{OwnerKind, owner};
use auscult_model::report::{Finding, Severity};

use super::outbound::{Outbound, Pair, for_each_pair};
use crate::grade::Grade;
use crate::stake::{Stake, stake};
use crate::words::{count, list, protocol_words};
use crate::{Detector, Facts, RuleRecord, View};

static RECORD: RuleRecord = RuleRecord {
    rule: "reports-to-maker",
    title: "A device reports to its maker",
    when: "A device of ours had answered conversations with a service whose name, or whose \
           network's owner, is its maker's.",
    worst: Severity::Info,
    innocent: &["Remote service and updates under a contract: that is what it is."],
    attack: &[],
    cves: &[],
    sources: &["RIR delegated statistics", "names answered in the capture"],
};

/// The detector.
pub(super) struct ReportsToMaker;

impl Detector for ReportsToMaker {
    fn record(&self) -> &'static RuleRecord {
        &RECORD
    }

    fn conclude(&self, _facts: &Facts, view: &View<'_>) -> Vec<Finding> {
        let reports = |talk: &Outbound<'_>| {
            talk.answered
                && stake(view.role(talk.local)) != Stake::Office
                && !view.inventory.options().is_guest(talk.local.ip)
        };
        for_each_pair(view, reports, finding)
    }
}

/// Words of a maker's name that tell it from others.
fn words(maker: &str) -> impl Iterator<Item = String> {
    const COMMON: [&str; 14] = [
        "medical",
        "healthcare",
        "health",
        "systems",
        "technologies",
        "technology",
        "electronics",
        "international",
        "corporation",
        "company",
        "group",
        "inc",
        "ltd",
        "gmbh",
    ];
    maker
        .split(|c: char| !c.is_alphanumeric())
        .map(str::to_lowercase)
        .filter(|word| word.len() >= 4 && !COMMON.contains(&word.as_str()))
        .collect::<Vec<_>>()
        .into_iter()
}

fn finding(pair: &Pair<'_, '_>) -> Option<Finding> {
    let device = pair.view.device(pair.local)?;
    let maker = device.vendor.as_deref()?;
    let names = pair.view.names(pair.peer);
    let holder = owner(pair.peer).filter(|owner| owner.kind == OwnerKind::Vendor);
    let organisation = holder
        .and_then(|owner| owner.organisation)
        .unwrap_or_default();
    let is_makers = words(maker).any(|word| {
        let mut labels = names.iter().flat_map(|name| name.split('.'));
        labels.any(|label| label.to_lowercase().contains(&word))
            || organisation.to_lowercase().contains(&word)
    });
    if !is_makers {
        return None;
    }
    let reach = pair.reach();
    let grade = Grade::new(Severity::Info, "told, not judged");
    let protocols = pair.protocols();
    let clear = protocols
        .iter()
        .any(|p| matches!(*p, "http" | "ftp" | "mqtt" | "smtp"));
    let [sent, received] = pair.payload();
    let flows: u64 = pair.talks.iter().map(|talk| talk.sum.flows).sum();
    let whom = names
        .first()
        .map_or_else(|| pair.peer.to_string(), |name| (*name).to_owned());
    Some(
        pair.draft(&RECORD, &reach, 2)
            .texts("names", names.iter().copied())
            .text("readable", if clear { "yes" } else { "not seen to be" })
            .number("flows", flows)
            .number("sent_bytes", sent)
            .number("received_bytes", received)
            .words(
                format!("{} reports to its maker", pair.name()),
                "Nothing to do at the bedside.",
                "Compare with the service contract; allow these addresses alone.",
            )
            .seen(format!(
                "{} to {whom} by {}, {sent} bytes out and {received} back.",
                count(
                    usize::try_from(flows).unwrap_or(usize::MAX),
                    "conversation",
                    "conversations"
                ),
                list(protocols.iter().map(|protocol| protocol_words(protocol))),
            ))
            .finish(grade, reach.confidence * 0.85),
    )
}

#[cfg(test)]
mod tests {
    use auscult_model::{About, Meaning};

    use super::*;
    use crate::scene::{Scene, Talk, far, host};

    const RULE: &str = "reports-to-maker";

    fn scene(name: &str) -> Scene {
        let (device, outside) = (host([10, 20, 3, 14]), far([198, 18, 7, 9]));
        let vendor = Meaning::Claim {
            about: About::Sender,
            attribute: "vendor",
            value: "Brainlab".to_owned(),
        };
        let named = Meaning::NameAnswered {
            name: name.to_owned(),
            addresses: vec![outside.ip],
        };
        Scene::new()
            .say(device, host([10, 20, 0, 9]), "snmp", vendor)
            .say(host([10, 20, 0, 2]), device, "dns", named)
            .talk(device, outside, 443, "tls", Talk::ANSWERED)
    }

    #[test]
    fn the_makers_name_in_the_services() {
        assert_eq!(
            scene("iot.brainlab.example").one(RULE).severity,
            Severity::Info
        );
        assert_eq!(scene("iot.other.example").of(RULE), []);
    }

    fn of_maker(vendor: &str, name: Option<&str>, outside: crate::scene::Host) -> Scene {
        let device = host([10, 20, 3, 14]);
        let vendor = Meaning::Claim {
            about: About::Sender,
            attribute: "vendor",
            value: vendor.to_owned(),
        };
        let scene = Scene::new()
            .say(device, host([10, 20, 0, 9]), "snmp", vendor)
            .talk(device, outside, 443, "tls", Talk::ANSWERED);
        match name {
            None => scene,
            Some(name) => {
                let named = Meaning::NameAnswered {
                    name: name.to_owned(),
                    addresses: vec![outside.ip],
                };
                scene.say(host([10, 20, 0, 2]), device, "dns", named)
            }
        }
    }

    #[test]
    fn near_misses_words_that_many_makers_share() {
        let outside = far([198, 18, 7, 9]);
        let of = |vendor, name| of_maker(vendor, Some(name), outside).of(RULE);
        assert_eq!(of("Brainlab Medical", "www.brainlab.example").len(), 1);
        assert_eq!(of("Brainlab Medical", "www.medical.example"), []);
        assert_eq!(of("GE Healthcare", "www.getting.example"), []);
    }

    #[test]
    fn near_miss_a_cloud_that_bears_the_makers_name() {
        let cloud = far([8, 8, 4, 4]);
        assert_eq!(of_maker("Google", None, cloud).of(RULE), []);
    }

    #[test]
    fn near_misses_computers_guests_and_silence() {
        let device = host([10, 20, 3, 14]);
        assert_eq!(scene("iot.brainlab.example").office(device).of(RULE), []);
        let guests = scene("iot.brainlab.example").guests("10.20.3.0/24");
        assert_eq!(guests.of(RULE), []);
        let named = Meaning::NameAnswered {
            name: "iot.brainlab.example".to_owned(),
            addresses: vec![far([198, 18, 7, 9]).ip],
        };
        let silent = of_maker("Brainlab", None, far([198, 18, 8, 8]))
            .say(host([10, 20, 0, 2]), device, "dns", named)
            .talk(device, far([198, 18, 7, 9]), 443, "tls", Talk::UNANSWERED);
        assert_eq!(silent.of(RULE), []);
    }
}
