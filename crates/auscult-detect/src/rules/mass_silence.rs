//! Several devices beside patients fell silent in one moment, while the segment went on.
//!
//! Source: CVE-2022-38100 (CISA ICSMA-22-244-01): one broadcast datagram stops all units of a
//! family until each is started again by hand. Limit: the cause is not seen, the moment is.

use auscult_model::report::{Finding, Severity};
use auscult_model::{ConversationKey, ConversationSum, Segment, Timestamp, Transport};

use super::silence::{Silent, goes_on, silent};
use crate::draft::Draft;
use crate::grade::Grade;
use crate::words::{call_name, count, list};
use crate::{Detector, Facts, RuleRecord, View};

static RECORD: RuleRecord = RuleRecord {
    rule: "mass-silence",
    title: "Several devices fell silent at once",
    when: "At least three devices beside patients of one segment talked steadily, and fell silent \
           within ten seconds of each other until the capture's end, while others of the segment \
           went on.",
    worst: Severity::High,
    innocent: &[
        "A switch that starts again or an outage, which silences the whole segment: nothing.",
        "A station that was stopped for maintenance: it falls silent too; nothing.",
        "A change of the clock: times of the capture are used, not those of devices.",
    ],
    attack: &["T0814", "T0815"],
    cves: &["CVE-2022-38100"],
    sources: &["CISA ICSMA-22-244-01 Update A (2025-01-30)"],
};

/// Devices at least.
const DEVICES: usize = 3;
/// Within so long of each other.
const MOMENT: i64 = 10 * Timestamp::SECOND;
/// A datagram to everybody so long before may be the cause.
const BEFORE: i64 = 5 * Timestamp::SECOND;

/// The detector.
pub(super) struct MassSilence;

impl Detector for MassSilence {
    fn record(&self) -> &'static RuleRecord {
        &RECORD
    }

    fn conclude(&self, _facts: &Facts, view: &View<'_>) -> Vec<Finding> {
        let mut all = silent(view);
        all.sort_by_key(|silent| (silent.segment, silent.last, &silent.device.id));
        let mut findings = Vec::new();
        let mut rest = all.as_slice();
        while let Some(first) = rest.first() {
            let is_near = |silent: &Silent<'_>| {
                silent.segment == first.segment && silent.last.since(first.last) <= MOMENT
            };
            let near = rest
                .iter()
                .take_while(|silent| is_near(silent))
                .count()
                .max(1);
            let (group, later) = rest.split_at(near);
            findings.extend(finding(view, group));
            rest = later;
        }
        findings
    }
}

fn finding(view: &View<'_>, group: &[Silent<'_>]) -> Option<Finding> {
    let (first, last) = (group.first()?, group.last()?);
    // Those they talked to went on: else their partner or the network failed.
    let partner_goes_on = group.iter().any(|silent| {
        let (key, _) = silent.talk;
        let partner = view.device_at(key.segment, key.responder);
        partner.is_none_or(|device| {
            device
                .last_seen
                .is_some_and(|seen| seen.since(silent.last) > MOMENT)
        })
    });
    if group.len() < DEVICES || !partner_goes_on || !goes_on(view, first.segment, last.last) {
        return None;
    }
    let told = to_everybody(view, first.segment, first.last);
    let family = group.iter().all(|silent| {
        let signature = silent.device.signature.as_deref();
        signature
            .and_then(auscult_inventory::signature)
            .is_some_and(|s| s.dangerous)
    });
    let mut grade = match (family, told.is_some()) {
        (true, true) => Grade::new(
            Severity::High,
            "a family that a broadcast datagram can stop, after a datagram to everybody",
        ),
        _ => Grade::new(Severity::Medium, "several devices beside patients at once"),
    };
    grade.cap_by_loss(view, false, false);
    let ips: Vec<_> = group
        .iter()
        .map(|silent| silent.talk.0.originator)
        .collect();
    grade.cap_by_network(view, &ips);
    let mut draft = Draft::new(&RECORD, &first.segment.to_string(), &first.last.to_string());
    if family {
        draft = draft.cves(&["CVE-2022-38100"]);
    }
    let mut names = Vec::new();
    for silent in group {
        names.push(call_name(silent.device));
        draft = draft.device(Some(silent.device)).talk(view, silent.talk);
    }
    if let Some(talk) = told {
        draft = draft.talk(view, talk).seen(format!(
            "A datagram to everybody, port {}, from {} came before.",
            talk.0.port, talk.0.originator
        ));
    }
    Some(
        draft
            .words(
                format!(
                    "{} fell silent at once",
                    count(group.len(), "device", "devices")
                ),
                "Look at these patients now: central monitoring does not see them.",
                "Start the devices again one by one; keep the capture; look for what was sent to \
                 all of them just before.",
            )
            .seen(format!("{}.", list(&names)))
            .innocent(
                "A group that was switched off together, for maintenance. Looked at: whether \
                 their partner and the rest of the segment went on.",
            )
            .finish(grade, 0.75),
    )
}

/// A datagram to everybody, shortly before.
fn to_everybody<'a>(
    view: &View<'a>,
    segment: Segment,
    at: Timestamp,
) -> Option<(&'a ConversationKey, &'a ConversationSum)> {
    const ORDINARY: [u16; 6] = [67, 68, 137, 138, 1900, 5353];
    view.ledger.conversations().find(|(key, sum)| {
        let broadcast = key.responder_mac == Some(auscult_model::MacAddr::BROADCAST);
        let near = sum.first <= at.plus(Timestamp::SECOND) && sum.last >= at.plus(-BEFORE);
        key.segment == segment
            && key.transport == Transport::Udp
            && broadcast
            && near
            && !ORDINARY.contains(&key.port)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::{Scene, Talk, host};

    const RULE: &str = "mass-silence";

    fn ward(monitors: u8, station_goes_on: bool) -> Scene {
        let station = host([10, 20, 3, 5]);
        let mut scene = Scene::new();
        for n in 0..monitors {
            let monitor = host([10, 20, 3, 20 + n]);
            let talk = Talk {
                seconds: 600,
                ..Talk::ANSWERED
            };
            scene = scene
                .talk(monitor, station, 515, "contec-cms", talk)
                .patient(monitor, station, "contec-cms");
        }
        let keys: Vec<_> = scene.ledger.conversations().map(|(key, _)| *key).collect();
        for key in keys {
            let mut sum = scene.ledger.sum(&key).unwrap().clone();
            sum.packets = [600, 20];
            scene.ledger.conversation(&key, &sum);
        }
        let rest = Talk {
            seconds: 3400,
            ..Talk::ANSWERED
        };
        match station_goes_on {
            true => scene.talk(station, host([10, 20, 3, 9]), 443, "tls", rest),
            false => scene.talk(host([10, 20, 3, 8]), host([10, 20, 3, 9]), 443, "tls", rest),
        }
    }

    #[test]
    fn three_at_once() {
        assert_eq!(ward(3, true).one(RULE).severity, Severity::Medium);
    }

    #[test]
    fn near_misses_two_or_a_station_that_stopped() {
        assert_eq!(ward(2, true).of(RULE), []);
        assert_eq!(ward(3, false).of(RULE), []);
    }

    /// Monitors that stream, each on its segment, for so many seconds; the station goes on.
    fn streams(monitors: &[(auscult_model::Segment, i64)]) -> Scene {
        let station = host([10, 20, 3, 5]);
        let mut scene = Scene::new();
        for (n, (segment, seconds)) in monitors.iter().enumerate() {
            let monitor = crate::scene::Host {
                segment: *segment,
                ..host([10, 20, 3, 20 + n as u8])
            };
            let talk = Talk {
                seconds: *seconds,
                packets: 600,
                ..Talk::ANSWERED
            };
            scene = scene
                .talk(monitor, station, 515, "contec-cms", talk)
                .patient(monitor, station, "contec-cms");
        }
        let rest = Talk {
            seconds: 3400,
            ..Talk::ANSWERED
        };
        for segment in [Segment::UNTAGGED, Segment::vlan(9)] {
            let other = crate::scene::Host {
                segment,
                ..host([10, 20, 3, 9])
            };
            scene = scene.talk(other, station, 443, "tls", rest);
        }
        scene
    }

    #[test]
    fn near_misses_two_segments_or_three_moments() {
        let (here, there) = (Segment::UNTAGGED, Segment::vlan(9));
        let at_once = streams(&[(here, 600), (here, 600), (here, 600)]);
        assert_eq!(at_once.of(RULE).len(), 1);
        let apart = streams(&[(here, 600), (here, 600), (there, 600)]);
        assert_eq!(apart.of(RULE), []);
        let by_turns = streams(&[(here, 600), (here, 700), (here, 800)]);
        assert_eq!(by_turns.of(RULE), []);
    }

    #[test]
    fn near_miss_guests() {
        assert_eq!(
            ward(3, true).guests("10.20.3.0/24").one(RULE).severity,
            Severity::Info
        );
    }

    #[test]
    fn near_miss_what_was_lost_may_be_what_is_missed() {
        assert!(!ward(3, true).one(RULE).weakened_by_loss);
        assert!(ward(3, true).lossy().one(RULE).weakened_by_loss);
    }

    #[test]
    fn near_miss_a_switch_that_starts_again() {
        let there = crate::scene::far([202, 114, 4, 119]);
        let talk = Talk {
            seconds: 600,
            packets: 600,
            ..Talk::ANSWERED
        };
        let streams = (0..3).fold(Scene::new(), |scene, n| {
            let monitor = host([10, 20, 3, 20 + n]);
            scene.talk(monitor, there, 515, "contec-cms", talk).patient(
                monitor,
                there,
                "contec-cms",
            )
        });
        let rest = Talk {
            seconds: 3400,
            ..Talk::ANSWERED
        };
        let on = |segment| crate::scene::Host {
            segment,
            ..host([10, 21, 0, 9])
        };
        let elsewhere = on(Segment::vlan(9));
        let scene = streams.talk(elsewhere, on(Segment::vlan(9)), 443, "tls", rest);
        assert_eq!(scene.of(RULE), []);
        let scene = scene.talk(host([10, 20, 3, 9]), host([10, 20, 3, 8]), 443, "tls", rest);
        assert_eq!(scene.of(RULE).len(), 1);
    }
}
