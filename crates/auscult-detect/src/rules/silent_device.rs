//! A device beside the patient talked steadily and then no more, while its partner went on.
//!
//! Source: the device's own traffic. Limits: switched off, unplugged, taken along or broken look
//! the same from here.

use auscult_model::report::{Finding, Severity};

use super::silence::{Silent, goes_on, silent};
use crate::draft::Draft;
use crate::grade::Grade;
use crate::words::{call_name, duration};
use crate::{Detector, Facts, RuleRecord, View};

static RECORD: RuleRecord = RuleRecord {
    rule: "silent-device",
    title: "A device fell silent",
    when: "A device beside the patient talked steadily for at least two minutes, was then not \
           heard for a minute or more until the capture's end, and its partner went on talking.",
    worst: Severity::Info,
    innocent: &[
        "Switched off, unplugged, or taken along with the patient: the usual reasons.",
        "The whole segment fell silent (a switch that starts again, an outage): nothing.",
    ],
    attack: &[],
    cves: &[],
    sources: &["the device's own traffic"],
};

/// The detector.
pub(super) struct SilentDevice;

impl Detector for SilentDevice {
    fn record(&self) -> &'static RuleRecord {
        &RECORD
    }

    fn conclude(&self, _facts: &Facts, view: &View<'_>) -> Vec<Finding> {
        let alone = silent(view).into_iter();
        alone
            .filter(|silent| goes_on(view, silent.segment, silent.last))
            .map(|silent| finding(view, &silent))
            .collect()
    }
}

fn finding(view: &View<'_>, silent: &Silent<'_>) -> Finding {
    let device = silent.device;
    let since = view
        .span()
        .map_or_else(String::new, |(_, end)| duration(end.since(silent.last)));
    let grade = Grade::new(Severity::Info, "told for somebody at the bed to judge");
    let ip = silent.talk.0.originator;
    Draft::about(&RECORD, Some(device), ip, "silence")
        .talk(view, silent.talk)
        .words(
            format!("{} has not been heard for {since}", call_name(device)),
            "Look whether the device is meant to be off.",
            "If it is meant to be on: look at its cable, its port and its log.",
        )
        .innocent("Switched off or taken along. Looked at: whether the others went on.")
        .finish(grade, 0.6)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::{Scene, Talk, host};

    const RULE: &str = "silent-device";

    /// A monitor that streams for so many seconds of a capture of an hour.
    fn streams(seconds: i64, others: bool) -> Scene {
        let (monitor, station) = (host([10, 20, 3, 14]), host([10, 20, 3, 5]));
        let talk = Talk {
            seconds,
            payload: [500_000, 10],
            ..Talk::ANSWERED
        };
        let mut scene = Scene::new()
            .talk(monitor, station, 515, "contec-cms", talk)
            .patient(monitor, station, "contec-cms");
        let keys: Vec<_> = scene.ledger.conversations().map(|(key, _)| *key).collect();
        for key in keys {
            let mut sum = scene.ledger.sum(&key).unwrap().clone();
            sum.packets = [seconds as u64, 20];
            scene.ledger.conversation(&key, &sum);
        }
        let rest = Talk {
            seconds: 3500,
            ..Talk::ANSWERED
        };
        match others {
            true => scene.talk(host([10, 20, 3, 9]), station, 443, "tls", rest),
            false => scene,
        }
    }

    #[test]
    fn a_monitor_that_stops() {
        assert_eq!(streams(600, true).one(RULE).severity, Severity::Info);
    }

    #[test]
    fn near_misses() {
        assert_eq!(streams(600, false).of(RULE), [], "all are silent");
        assert_eq!(streams(3590, true).of(RULE), [], "to the end");
        assert_eq!(streams(60, true).of(RULE), [], "too short to be steady");
    }

    /// A device that began conversations with the station, each with its packets and the seconds
    /// it took; others go on to the end.
    fn device_with(device: crate::scene::Host, talks: &[(u64, i64)], patient: bool) -> Scene {
        let station = host([10, 20, 3, 5]);
        let protocol = if patient { "contec-cms" } else { "tls" };
        let mut scene = Scene::new();
        for (n, (packets, seconds)) in talks.iter().enumerate() {
            let talk = Talk {
                seconds: *seconds,
                packets: *packets,
                ..Talk::ANSWERED
            };
            scene = scene.talk(device, station, 515 + n as u16, protocol, talk);
        }
        if patient {
            scene = scene.patient(device, station, "contec-cms");
        }
        let rest = Talk {
            seconds: 3500,
            ..Talk::ANSWERED
        };
        scene.talk(host([10, 20, 3, 9]), station, 443, "tls", rest)
    }

    #[test]
    fn near_misses_a_visitor_outside_and_a_computer() {
        let monitor = host([10, 20, 3, 14]);
        assert_eq!(device_with(monitor, &[(600, 600)], true).of(RULE).len(), 1);
        let computer = device_with(monitor, &[(600, 600)], false).office(monitor);
        assert_eq!(computer.of(RULE), []);
        let outside = crate::scene::outside();
        assert_eq!(device_with(outside, &[(600, 600)], true).of(RULE), []);
    }

    #[test]
    fn near_misses_a_word_now_and_then() {
        let monitor = host([10, 20, 3, 14]);
        assert_eq!(
            device_with(monitor, &[(5, 600)], true).of(RULE),
            [],
            "few packets"
        );
        let early = device_with(monitor, &[(300, 300)], true);
        let word = Talk {
            seconds: 1,
            ..Talk::ANSWERED
        };
        let station = host([10, 20, 3, 5]);
        let early = early.later(600).talk(monitor, station, 8080, "http", word);
        assert_eq!(early.of(RULE), [], "the stream had ended before");
    }

    #[test]
    fn near_miss_a_server_that_never_answered() {
        let monitor = host([10, 20, 3, 14]);
        let tries = Talk {
            seconds: 900,
            attempts: 900,
            ..Talk::UNANSWERED
        };
        let scene = device_with(monitor, &[(10, 10)], true);
        let scene = scene.talk(monitor, host([10, 20, 3, 77]), 443, "unknown", tries);
        assert_eq!(scene.of(RULE), []);
    }
}
