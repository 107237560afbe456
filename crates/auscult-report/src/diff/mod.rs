//! What differs between two reports: devices, what they do and say, findings.
//!
//! A pure function of both reports. What is new was seen; what is gone was only not seen, so
//! each side says what it watched, and what is gone stands apart from what changed.

mod alike;
mod changes;
mod csv;
mod findings;
mod moves;
mod text;

use std::fmt;

use auscult_model::report::{Capture, CapturePoint, Device, Report, Severity};
use auscult_model::{Segment, Timestamp};
use serde::Serialize;

pub use changes::Change;
pub use csv::diff_csv;
pub use moves::Move;
pub use text::diff_text;

use crate::json::escaped;
use crate::terminal::words;

/// Everything that differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Diff {
    /// Version of the contract.
    pub schema: u32,
    /// What the first report rests on.
    pub before: Watch,
    /// What the second report rests on.
    pub after: Watch,
    /// Why what is gone may not be gone, beyond what always holds.
    pub cautions: Vec<String>,
    /// Addresses and cards that went from one device to another.
    pub moves: Vec<Move>,
    /// Devices.
    pub devices: Devices,
    /// Findings.
    pub findings: Findings,
}

/// What one side watched.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Watch {
    /// Files.
    pub files: Vec<String>,
    /// Packets.
    pub packets: u64,
    /// Time of the earliest packet.
    pub first: Option<String>,
    /// Time of the latest packet.
    pub last: Option<String>,
    /// Where it was captured.
    pub points: Vec<CapturePoint>,
    /// Segments with devices.
    pub segments: Vec<String>,
    /// Every file was read to its end.
    pub complete: bool,
    /// Estimated loss, packets in a million.
    pub loss_ppm: u64,
    /// Seconds that the captures cover; between them nobody watched.
    pub watched: i64,
    #[serde(skip)]
    span: Option<(Timestamp, Timestamp)>,
}

/// `ward.pcapng, 2026-03-14 18:02-18:41 UTC, on the devices' own segment`.
impl fmt::Display for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.files.as_slice() {
            [] => f.write_str("no capture")?,
            [one] => f.write_str(one)?,
            [first, more @ ..] => write!(f, "{first} and {} more", more.len())?,
        }
        write!(f, ", {}", self.when_and_where())
    }
}

impl Watch {
    /// When and where, without the files.
    pub fn when_and_where(&self) -> String {
        let points: Vec<String> = self
            .points
            .iter()
            .map(|point| words::point(*point).to_owned())
            .collect();
        format!("{}, {}", self.when(), words::joined(&points))
    }

    /// From when to when, and how much of that time the captures cover, where not all.
    pub fn when(&self) -> String {
        let Some((first, last)) = self.span else {
            return "no time".to_owned();
        };
        let time = auscult_model::span(first, last);
        let whole = last.since(first) / Timestamp::SECOND;
        if self.watched >= whole - whole / 100 {
            return time;
        }
        let watched = words::duration(self.watched.saturating_mul(Timestamp::SECOND));
        format!("{time} ({watched} of that)")
    }

    /// What a report rests on.
    pub fn of(report: &Report) -> Watch {
        let captures = &report.captures;
        let first = captures.iter().filter_map(|capture| capture.first).min();
        let last = captures.iter().filter_map(|capture| capture.last).max();
        let mut points: Vec<CapturePoint> = Vec::new();
        for Capture { point, .. } in captures {
            if !points.contains(point) {
                points.push(*point);
            }
        }
        let mut segments: Vec<Segment> = report
            .devices
            .iter()
            .flat_map(|device| device.segments.iter().copied())
            .collect();
        segments.sort_unstable();
        segments.dedup();
        Watch {
            files: captures.iter().map(|c| c.file.clone()).collect(),
            packets: captures.iter().map(|c| c.packets).sum(),
            first: first.map(|time| time.to_string()),
            last: last.map(|time| time.to_string()),
            points,
            segments: segments.iter().map(ToString::to_string).collect(),
            complete: captures.iter().all(|capture| capture.complete),
            loss_ppm: report.health.loss_ppm,
            watched: auscult_model::covered(captures.iter().filter_map(|c| c.first.zip(c.last)))
                / Timestamp::SECOND,
            span: first.zip(last),
        }
    }

    /// Whole minutes that were watched.
    fn minutes(&self) -> i64 {
        self.watched / 60
    }
}

/// What differs in devices.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Devices {
    /// Seen in the second report only.
    pub new: Vec<Brief>,
    /// Seen in the first report only.
    pub vanished: Vec<Vanished>,
    /// Seen in both, and not alike.
    pub changed: Vec<Changed>,
    /// Number of devices that are in both and alike.
    pub alike: usize,
}

/// A device in a few words.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Brief {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it is, in words.
    pub what: String,
    /// It touches patients or their data.
    pub medical: bool,
    /// Link-layer addresses.
    pub macs: Vec<String>,
    /// Network addresses.
    pub ips: Vec<String>,
    /// Segments.
    pub segments: Vec<String>,
    /// Severity of its worst finding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worst: Option<Severity>,
}

impl Brief {
    /// Of a device.
    pub fn of(device: &Device) -> Brief {
        let role = words::role(device.role);
        let what = match words::make(device) {
            Some(make) => format!("{make}, {role}"),
            None => role.to_owned(),
        };
        Brief {
            id: device.id.clone(),
            name: words::name(device),
            what,
            medical: device.role.is_medical(),
            macs: device.macs.iter().map(ToString::to_string).collect(),
            ips: device.ips.iter().map(ToString::to_string).collect(),
            segments: device.segments.iter().map(ToString::to_string).collect(),
            worst: device.worst,
        }
    }
}

/// A device that was not seen again.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Vanished {
    /// As the first report knew it.
    #[serde(flatten)]
    pub device: Brief,
    /// When it was last seen.
    pub last_seen: Option<String>,
    /// Others of its segments were seen in the second report: the capture reaches there.
    pub segment_watched: bool,
}

/// A device that is not as it was.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Changed {
    /// As the second report knows it.
    #[serde(flatten)]
    pub device: Brief,
    /// Its id in the first report, when that was another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub was: Option<String>,
    /// What differs.
    pub changes: Vec<Change>,
}

/// What differs in findings.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Findings {
    /// In the second report only.
    pub new: Vec<FindingBrief>,
    /// In the first report only.
    pub gone: Vec<FindingBrief>,
    /// In both, with another severity or about more devices.
    pub changed: Vec<FindingChange>,
    /// Number of findings that are in both and alike.
    pub alike: usize,
}

/// A finding in a few words.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FindingBrief {
    /// Its id.
    pub id: String,
    /// Name of the rule.
    pub rule: String,
    /// Harm if true.
    pub severity: Severity,
    /// How sure, 0 to 1.
    pub confidence: f32,
    /// One line.
    pub title: String,
    /// Ids of the devices concerned.
    pub devices: Vec<String>,
    /// Nobody decided that it needs no more work.
    pub open: bool,
}

/// A finding whose severity is another one, or that is about more devices.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FindingChange {
    /// As it is now.
    #[serde(flatten)]
    pub finding: FindingBrief,
    /// The severity that it had.
    pub was: Severity,
    /// Why it has the severity that it has now.
    pub reasons: Vec<String>,
    /// Ids of the devices that it was not about before.
    pub joined: Vec<String>,
}

impl Diff {
    /// Whether a finding that is new, graver than it was, or about more devices has at least this
    /// severity, and nobody accepted or closed it.
    pub fn worse(&self, least: Severity) -> bool {
        let new = self.findings.new.iter();
        let graver = self
            .findings
            .changed
            .iter()
            .filter(|change| change.finding.severity > change.was || !change.joined.is_empty());
        new.chain(graver.map(|change| &change.finding))
            .any(|finding| finding.open && finding.severity >= least)
    }

    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        let (devices, findings) = (&self.devices, &self.findings);
        self.moves.is_empty()
            && devices.new.is_empty()
            && devices.vanished.is_empty()
            && devices.changed.is_empty()
            && findings.new.is_empty()
            && findings.gone.is_empty()
            && findings.changed.is_empty()
    }
}

/// Compares two reports. The order of devices and findings in them does not matter.
pub fn diff(before: &Report, after: &Report) -> Diff {
    let pairs = alike::pairs(&before.devices, &after.devices);
    let (watched_before, watched_after) = (Watch::of(before), Watch::of(after));
    let mut new: Vec<Brief> = pairs.arrived().map(Brief::of).collect();
    let mut vanished: Vec<Vanished> = pairs
        .gone()
        .map(|device| Vanished {
            device: Brief::of(device),
            last_seen: device.last_seen.map(|time| time.to_string()),
            segment_watched: device
                .segments
                .iter()
                .any(|segment| watched_after.segments.contains(&segment.to_string())),
        })
        .collect();
    let mut changed = Vec::new();
    let mut alike = 0;
    for (then, now) in pairs.both() {
        let changes = changes::between(&pairs, then, now);
        if changes.is_empty() {
            alike += 1;
            continue;
        }
        changed.push(Changed {
            device: Brief::of(now),
            was: (then.id != now.id).then(|| then.id.clone()),
            changes,
        });
    }
    let mut cautions = cautions(before, after, &watched_before, &watched_after);
    if alike == 0 && changed.is_empty() && !new.is_empty() && !vanished.is_empty() {
        cautions.push("No device is in both: these may be two places, not two times.".to_owned());
    }
    new.sort_by(order);
    vanished.sort_by(|a, b| order(&a.device, &b.device));
    changed.sort_by(|a, b| order(&a.device, &b.device));
    Diff {
        schema: auscult_model::report::SCHEMA,
        cautions,
        before: watched_before,
        after: watched_after,
        moves: moves::between(&pairs),
        devices: Devices {
            new,
            vanished,
            changed,
            alike,
        },
        findings: findings::between(&pairs, before, after),
    }
}

/// Medical ones first, then by name.
fn order(a: &Brief, b: &Brief) -> std::cmp::Ordering {
    let key = |brief: &Brief| (!brief.medical, brief.name.clone(), brief.id.clone());
    key(a).cmp(&key(b))
}

fn cautions(before: &Report, after: &Report, then: &Watch, now: &Watch) -> Vec<String> {
    let mut cautions = Vec::new();
    let known = |watch: &Watch| -> Vec<CapturePoint> {
        let points = watch.points.iter().copied();
        points
            .filter(|point| *point != CapturePoint::Unknown)
            .collect()
    };
    let (there, here) = (known(then), known(now));
    if !there.is_empty() && !here.is_empty() && there != here {
        cautions.push(
            "The captures were taken in different places: each shows what the other could not."
                .to_owned(),
        );
    }
    let (was, is) = (then.minutes(), now.minutes());
    if is < was / 2 {
        cautions.push(format!(
            "The second side watched {is} min, the first {was} min: what is rare is likely to be \
             missed."
        ));
    }
    if !now.complete {
        cautions.push("A capture of the second side was cut short or damaged.".to_owned());
    }
    let unlisted = |report: &Report| {
        report.devices_total > report.devices.len() || report.findings_total > report.findings.len()
    };
    if unlisted(before) || unlisted(after) {
        cautions.push(
            "A report lists not all of its devices or findings: some that seem new or gone may \
             only be unlisted."
                .to_owned(),
        );
    }
    cautions
}

/// The difference as JSON, ending in a newline.
pub fn diff_json(diff: &Diff) -> Result<String, serde_json::Error> {
    let mut text = escaped(serde_json::to_string_pretty(diff)?);
    text.push('\n');
    Ok(text)
}
