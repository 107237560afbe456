//! A device that was watched for days has begun to talk to somebody new.
//!
//! Source: the device's own conversations before. Limits: told only where the device was known at
//! least three days before; what was learnt is its peers, not its amounts or hours.

use std::collections::BTreeMap;
use std::net::IpAddr;

use auscult_inventory::{Party, is_group};
use auscult_model::report::{Finding, Severity};
use auscult_model::{ConversationKey, ConversationSum, Outcome, Timestamp};

use crate::draft::Draft;
use crate::grade::Grade;
use crate::stake::{Stake, stake};
use crate::view::{originator, responder};
use crate::words::{duration, list, protocol_words};
use crate::{Detector, Facts, RuleRecord, View};

static RECORD: RuleRecord = RuleRecord {
    rule: "new-peer",
    title: "A device talks to somebody new",
    when: "A device beside the patient, known for at least three days, had its first answered \
           conversation with an address that it never talked to before.",
    worst: Severity::Low,
    innocent: &[
        "A new central station, a new address of the old one, maintenance.",
        "A device whose earlier days were captured in part only.",
    ],
    attack: &["T0886"],
    cves: &[],
    sources: &["the device's own conversations"],
};

/// Known so long before.
const LEARNT: i64 = 3 * 86_400 * Timestamp::SECOND;

/// The detector.
pub(super) struct NewPeer;

type Talks<'a> = Vec<(&'a ConversationKey, &'a ConversationSum)>;

impl Detector for NewPeer {
    fn record(&self) -> &'static RuleRecord {
        &RECORD
    }

    fn conclude(&self, _facts: &Facts, view: &View<'_>) -> Vec<Finding> {
        let mut peers: BTreeMap<(String, IpAddr), (Party, Talks<'_>)> = BTreeMap::new();
        for (key, sum) in view.ledger.conversations() {
            if key.outcome != Outcome::Answered || is_group(key.responder) {
                continue;
            }
            let sides = [
                (originator(key), key.responder),
                (responder(key), key.originator),
            ];
            for (party, peer) in sides {
                if stake(view.role(party)) == Stake::Bedside && view.is_local(party) {
                    let fresh = || (party, Vec::new());
                    let (_, talks) = peers.entry((view.who(party), peer)).or_insert_with(fresh);
                    talks.push((key, sum));
                }
            }
        }
        let finding = |((_, peer), (party, talks)): (&(String, IpAddr), &(Party, Talks<'_>))| {
            finding(view, *party, *peer, talks)
        };
        peers.iter().filter_map(finding).collect()
    }
}

fn finding(view: &View<'_>, party: Party, peer: IpAddr, talks: &Talks<'_>) -> Option<Finding> {
    let device = view.device(party)?;
    let since = device.first_seen?;
    let first = talks.iter().map(|(_, sum)| sum.first).min()?;
    let learnt = first.since(since);
    if learnt < LEARNT {
        return None;
    }
    let outside = !view.inventory.is_site(peer);
    let other = Party {
        segment: party.segment,
        ip: peer,
        mac: None,
    };
    let severity = match outside || view.role(other) == auscult_model::report::Role::Unknown {
        true => Severity::Low,
        false => Severity::Info,
    };
    let mut grade = Grade::new(
        severity,
        format!("not among its peers of {} before", duration(learnt)),
    );
    grade.cap_by_network(view, &[party.ip]);
    let reach = view.reach(party, peer, None);
    let mut draft = Draft::about(&RECORD, Some(device), party.ip, &peer.to_string())
        .peer(peer, outside.then_some(&reach))
        .number(
            "days_learnt",
            u64::try_from(learnt / (86_400 * Timestamp::SECOND)).unwrap_or(0),
        );
    for talk in talks.iter().take(3) {
        draft = draft.talk(view, *talk);
    }
    let name = crate::words::call_name(device);
    let protocols: std::collections::BTreeSet<&str> = talks
        .iter()
        .map(|(key, _)| protocol_words(key.protocol))
        .collect();
    Some(
        draft
            .words(
                format!("{name} talks to {peer} since {}", first),
                "Nothing to do at the bedside.",
                "Ask what changed. If nobody knows, look at what the two say to each other.",
            )
            .seen(format!(
                "By {}; known for {}.",
                list(&protocols),
                duration(learnt)
            ))
            .innocent("A change that was planned. Looked at: all conversations before.")
            .finish(grade, 0.7),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::{Scene, Talk, host};

    const RULE: &str = "new-peer";

    fn known_for(days: i64) -> Scene {
        let (monitor, station) = (host([10, 20, 3, 14]), host([10, 20, 3, 5]));
        let stream = Talk {
            seconds: days * 86_400,
            ..Talk::ANSWERED
        };
        let mut scene = Scene::new()
            .talk(monitor, station, 515, "contec-cms", stream)
            .patient(monitor, station, "contec-cms")
            .talk(host([10, 20, 9, 77]), monitor, 80, "http", Talk::ANSWERED);
        // The visitor comes at the end.
        let keys: Vec<_> = scene.ledger.conversations().map(|(key, _)| *key).collect();
        let mut moved = auscult_inventory::Ledger::default();
        for event in &scene.events {
            moved.event(event);
        }
        for key in keys {
            let mut sum = scene.ledger.sum(&key).unwrap().clone();
            if key.protocol == "http" {
                sum.first = sum.first.plus(days * 86_400 * Timestamp::SECOND);
                sum.last = sum.first;
            }
            moved.conversation(&key, &sum);
        }
        scene.ledger = moved;
        scene
    }

    #[test]
    fn somebody_new_after_days() {
        assert_eq!(known_for(5).one(RULE).severity, Severity::Low);
        assert_eq!(known_for(2).of(RULE), [], "near miss: known too short");
    }

    /// The same with another visitor at the end.
    fn visited(by: crate::scene::Host, to: crate::scene::Host, outcome: Outcome) -> Scene {
        let mut scene = known_for(2);
        let talk = Talk {
            outcome,
            ..Talk::ANSWERED
        };
        scene = scene.later(5 * 86_400).talk(by, to, 8080, "http", talk);
        scene
    }

    #[test]
    fn near_misses_unanswered_or_to_everybody() {
        let (monitor, visitor) = (host([10, 20, 3, 14]), host([10, 20, 9, 78]));
        assert_eq!(
            visited(visitor, monitor, Outcome::Answered).of(RULE).len(),
            1
        );
        assert_eq!(visited(visitor, monitor, Outcome::Unanswered).of(RULE), []);
        let group = host([239, 1, 2, 3]);
        assert_eq!(visited(monitor, group, Outcome::Answered).of(RULE), []);
    }

    #[test]
    fn near_miss_guests() {
        let scene = known_for(5).guests("10.20.3.0/24");
        assert_eq!(scene.one(RULE).severity, Severity::Info);
    }

    #[test]
    fn near_miss_a_station_gets_a_new_peer() {
        let (station, visitor) = (host([10, 20, 3, 5]), host([10, 20, 9, 78]));
        assert_eq!(visited(visitor, station, Outcome::Answered).of(RULE), []);
    }

    #[test]
    fn near_miss_a_device_of_somebody_else() {
        let station = host([10, 20, 3, 5]);
        let known = |monitor| {
            let stream = Talk {
                seconds: 5 * 86_400,
                ..Talk::ANSWERED
            };
            Scene::new()
                .talk(monitor, station, 515, "contec-cms", stream)
                .patient(monitor, station, "contec-cms")
                .later(5 * 86_400)
                .talk(host([10, 20, 9, 78]), monitor, 8080, "http", Talk::ANSWERED)
        };
        assert_eq!(known(host([10, 20, 3, 14])).of(RULE).len(), 1);
        assert_eq!(known(crate::scene::outside()).of(RULE), []);
    }
}
