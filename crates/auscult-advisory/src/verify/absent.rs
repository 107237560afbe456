//! Is a family gone?

use std::collections::BTreeSet;

use auscult_inventory::Signature;
use auscult_model::report::{CapturePoint, Device, Report};
use auscult_model::{Segment, Timestamp, covered};

use super::{Answer, Verified};
use crate::condition::Proof;
use crate::view::called;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
/// A day counts as watched from this many seconds of captures on: a monitor that is on says
/// something every second, and one hour meets each shift's round of patients somewhere.
const LEAST: i64 = HOUR;

/// Whether no device of a family was heard for so many days before the last packet.
pub fn absent(report: &Report, family: &Signature, days: u16) -> Verified {
    let name = family.family.as_deref().unwrap_or(&family.id);
    let statement = match days {
        1 => format!("{name}: none for one day"),
        days => format!("{name}: none for {days} days"),
    };
    let mut verified = Verified {
        statement,
        answer: Answer::CannotTell,
        because: Vec::new(),
        watched: Vec::new(),
        seen: Vec::new(),
        besides: Vec::new(),
        remains: "A unit that is off, unplugged or without a patient says nothing, and a segment \
                  that was not captured is not known: walk the asset register, too."
            .to_owned(),
    };
    let Some(end) = report.captures.iter().filter_map(|it| it.last).max() else {
        verified.because.push("nothing was captured".to_owned());
        return verified;
    };
    let window = Window { end, days };
    let (heard, unheard): (Vec<&Device>, Vec<&Device>) = members(report, family)
        .partition(|device| device.last_seen.is_some_and(|last| last > window.begin()));
    let hints: Vec<&Device> = report
        .devices
        .iter()
        .filter(|device| is_hinted(device, name) && window.has(device))
        .collect();
    let mut doubts = days_unwatched(report, window, &mut verified.watched);
    doubts.extend(segments_unwatched(
        report,
        window,
        &unheard,
        &mut verified.watched,
    ));
    doubts.extend(hints.iter().map(|device| {
        let device = called(device);
        format!("{device} may be one: it goes where this family goes")
    }));
    if report.devices_total > report.devices.len() {
        doubts.push("not all devices are listed in this report".to_owned());
    }
    verified.seen = heard.iter().map(|it| sighting(report, it)).collect();
    verified.besides = unheard
        .iter()
        .chain(&hints)
        .map(|it| sighting(report, it))
        .collect();
    (verified.answer, verified.because) = match (heard.len(), doubts.is_empty()) {
        (0, true) => (
            Answer::Holds,
            vec!["none was heard, and every day was watched".to_owned()],
        ),
        (0, false) => (Answer::CannotTell, doubts),
        (1, _) => (Answer::DoesNotHold, vec!["one was heard".to_owned()]),
        (count, _) => (Answer::DoesNotHold, vec![format!("{count} were heard")]),
    };
    verified
}

/// The last days of what was captured.
#[derive(Clone, Copy)]
struct Window {
    end: Timestamp,
    days: u16,
}

impl Window {
    /// The end of the day that lies so many days before the last one.
    fn end_of(self, back: u16) -> Timestamp {
        self.end.plus(-i64::from(back) * DAY * Timestamp::SECOND)
    }

    fn begin(self) -> Timestamp {
        self.end_of(self.days)
    }

    fn has(self, device: &Device) -> bool {
        device.last_seen.is_some_and(|last| last > self.begin())
    }
}

fn members<'r>(report: &'r Report, family: &Signature) -> impl Iterator<Item = &'r Device> {
    let devices = report.devices.iter();
    devices.filter(|device| device.signature.as_deref() == Some(family.id.as_str()))
}

fn is_hinted(device: &Device, family: &str) -> bool {
    let mut claims = device.claims.iter();
    claims.any(|claim| claim.attribute == "family_hint" && claim.value == family)
}

/// A device's stream to its station is heard there. An ordinary switch port hears broadcasts alone,
/// and behind address translation nothing is heard that stays inside.
fn could_hear(point: CapturePoint) -> bool {
    match point {
        CapturePoint::BroadcastOnly | CapturePoint::OneDirection | CapturePoint::Wan => false,
        CapturePoint::Access
        | CapturePoint::Core
        | CapturePoint::MirroredTwice
        | CapturePoint::Unknown => true,
    }
}

/// How long was captured on each day, for people; what keeps a *yes* back.
fn days_unwatched(report: &Report, window: Window, watched: &mut Vec<String>) -> Vec<String> {
    let mut doubts = Vec::new();
    for back in (0..window.days).rev() {
        let (from, to) = (window.end_of(back + 1), window.end_of(back));
        let hearing = report.captures.iter().filter(|it| could_hear(it.point));
        let parts = hearing.filter_map(|capture| {
            let (first, last) = (capture.first?.max(from), capture.last?.min(to));
            (first < last).then_some((first, last))
        });
        let seconds = covered(parts) / Timestamp::SECOND;
        let minutes = seconds / 60;
        watched.push(format!(
            "{from} to {to}: {} h {:02} min watched",
            minutes / 60,
            minutes % 60
        ));
        if seconds < LEAST {
            doubts.push(format!(
                "less than an hour was captured where such devices are heard, from {from} to {to}"
            ));
        }
    }
    doubts
}

/// Which segments were heard; those where the family was before and that were not heard since.
fn segments_unwatched(
    report: &Report,
    window: Window,
    gone: &[&Device],
    watched: &mut Vec<String>,
) -> Vec<String> {
    let segments = |devices: &mut dyn Iterator<Item = &Device>| -> BTreeSet<Segment> {
        devices.flat_map(|device| device.segments.clone()).collect()
    };
    let heard = segments(&mut report.devices.iter().filter(|device| window.has(device)));
    let names: Vec<String> = heard.iter().map(ToString::to_string).collect();
    watched.push(match names.is_empty() {
        true => "no segment was heard".to_owned(),
        false => format!("segments heard: {}", names.join(", ")),
    });
    let before = segments(&mut gone.iter().copied());
    let mut doubts: Vec<String> = before
        .difference(&heard)
        .map(|segment| format!("{segment}, where the family was before, was not heard since"))
        .collect();
    if heard.is_empty() {
        doubts.push("no segment was heard".to_owned());
    }
    doubts
}

/// A device, when it was heard last, and the packets by which it is known.
fn sighting(report: &Report, device: &Device) -> Proof {
    const PACKETS: usize = 4;
    let last = device.last_seen.map_or_else(
        || "at a time that is not known".to_owned(),
        |last| last.to_string(),
    );
    let what = format!("{}: last heard {last}", called(device));
    let about = report.findings.iter().filter(|finding| {
        finding.rule == "advisory-device-present" && finding.devices.contains(&device.id)
    });
    let shown = about.flat_map(|finding| &finding.evidence);
    let said = device.claims.iter().flat_map(|claim| &claim.evidence);
    Proof {
        packets: shown.chain(said).take(PACKETS).cloned().collect(),
        ..Proof::new(Some(device), what)
    }
}
