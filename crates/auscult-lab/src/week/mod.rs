//! The scenario `week`: seven days of a small hospital, a capture or two a day, few packets each.
//!
//! What a memory must follow: a renumbered office, a tablet between two segments, two monitors
//! that change beds, an address that changes hands, a server that is first seen behind a router
//! and later itself, a phone that makes up its MAC, hours that nobody captured, and a leak that
//! begins on the third day and is mended on the fifth. The truth says what each unit is on each
//! day, and what one capture after another must tell.

mod story;
mod traffic;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use auscult_model::Timestamp;
use serde::Serialize;

use crate::frame::{Frame, Scene};
use crate::{LabError, Scenario, write_scene};

/// As it is listed beside the scenarios of one capture.
pub const SCENARIO: Scenario = Scenario {
    name: "week",
    summary: "seven days, a folder: moves, swaps, a gap, a leak that is mended",
    whole: true,
};

/// Seven days, as captures in order of time.
#[derive(Clone, Debug)]
pub struct Week {
    /// Name and scene of each capture.
    pub captures: Vec<(String, Scene)>,
    /// What is true of all of them.
    pub truth: WeekTruth,
}

/// Where and as what a unit was seen in one capture.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Stay {
    /// Its MAC, where frames of its own were seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mac: Option<String>,
    /// Its address.
    pub ip: String,
    /// VLAN on which it was seen.
    pub vlan: Option<u16>,
}

/// What one unit was in one capture.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Appearance {
    /// Where it was.
    pub stays: BTreeSet<Stay>,
    /// Where it stands, as it says itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bed: Option<u8>,
    /// The serial number that it tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// A host name that it tells on some days only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// Units and addresses outside that it talks to.
    pub peers: BTreeSet<String>,
    /// How far it talks.
    pub reach: Reach,
}

/// How far a unit talks, in ascending order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    /// Within its segment.
    #[default]
    LocalOnly,
    /// Through a router, inside.
    CrossesSegment,
    /// Outside.
    ReachesOutside,
}

impl Appearance {
    /// Its addresses.
    pub fn ips(&self) -> BTreeSet<&str> {
        self.stays.iter().map(|stay| stay.ip.as_str()).collect()
    }

    /// Its MACs.
    pub fn macs(&self) -> BTreeSet<&str> {
        self.stays.iter().filter_map(|s| s.mac.as_deref()).collect()
    }

    /// Its VLANs.
    pub fn vlans(&self) -> BTreeSet<u16> {
        self.stays.iter().filter_map(|stay| stay.vlan).collect()
    }
}

/// One unit over the week.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Unit {
    /// Short name.
    pub name: String,
    /// Role, in the vocabulary of reports; alternatives by `|`.
    pub role: String,
    /// It makes up its MAC: what is seen under two of them may be taken for two.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub made_up_mac: bool,
    /// Capture to what it was there; where it was not seen, nothing.
    pub seen: BTreeMap<String, Appearance>,
}

/// A finding that is open for a part of the week.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Case {
    /// Rule.
    pub rule: String,
    /// The unit that it is about.
    pub unit: String,
    /// The first capture that shows it.
    pub from: String,
    /// The last capture that shows it.
    pub until: String,
}

/// One thing that differs between a capture and the next.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Change {
    /// The unit.
    pub unit: String,
    /// `new`, `vanished`, or as comparisons of reports name it: `ip`, `mac`, `segment`, `bed`,
    /// `serial`, `hostname`, `peer`, `reach`.
    pub what: String,
}

/// What is true of the whole week.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct WeekTruth {
    /// What it shows, in a sentence.
    pub note: String,
    /// Captures in order of time.
    pub captures: Vec<String>,
    /// The units.
    pub units: Vec<Unit>,
    /// Findings that come and go.
    pub cases: Vec<Case>,
    /// For each capture but the first what differs from the one before.
    pub changes: BTreeMap<String, BTreeSet<Change>>,
}

impl WeekTruth {
    fn note_changes(&mut self) {
        let pairs: Vec<_> = self.captures.windows(2).map(<[String]>::to_vec).collect();
        for pair in pairs {
            let [then, now] = pair.as_slice() else {
                continue;
            };
            let mut changes = BTreeSet::new();
            for unit in &self.units {
                let kinds: Vec<&str> = match (unit.seen.get(then), unit.seen.get(now)) {
                    (None, None) => Vec::new(),
                    (None, Some(_)) => vec!["new"],
                    (Some(_), None) => vec!["vanished"],
                    // Nothing on the wire says that it is the same phone.
                    (Some(then), Some(now)) if unit.made_up_mac && then.macs() != now.macs() => {
                        vec!["new", "vanished"]
                    }
                    (Some(then), Some(now)) => differing(then, now),
                };
                changes.extend(kinds.into_iter().map(|what| Change {
                    unit: unit.name.clone(),
                    what: what.to_owned(),
                }));
            }
            self.changes.insert(now.clone(), changes);
        }
    }
}

fn differing(then: &Appearance, now: &Appearance) -> Vec<&'static str> {
    let kinds = [
        ("ip", then.ips() != now.ips()),
        ("mac", then.macs() != now.macs()),
        ("segment", then.vlans() != now.vlans()),
        ("bed", then.bed != now.bed),
        ("serial", then.serial != now.serial),
        ("hostname", then.hostname != now.hostname),
        ("peer", then.peers != now.peers),
        ("reach", then.reach != now.reach),
    ];
    let differ = kinds.into_iter().filter(|(_, differs)| *differs);
    differ.map(|(what, _)| what).collect()
}

/// Makes the week of a seed.
pub fn week(seed: u64) -> Week {
    story::tell(seed)
}

/// Writes the week into a folder: each capture with its truth beside it as other scenarios have
/// it, and `week.json` with what is true of all of them.
pub fn write(seed: u64, folder: &Path) -> Result<WeekTruth, LabError> {
    let failed = |error| LabError::Write(folder.to_owned(), error);
    std::fs::create_dir_all(folder).map_err(failed)?;
    let week = week(seed);
    for (name, scene) in week.captures {
        write_scene(&name, scene, &folder.join(format!("{name}.pcapng")))?;
    }
    let mut json = serde_json::to_vec_pretty(&week.truth)?;
    json.push(b'\n');
    let path = folder.join("week.json");
    std::fs::write(&path, json).map_err(|error| LabError::Write(path, error))?;
    Ok(week.truth)
}

/// The frames between two times.
fn part(frames: &[Frame], from: Timestamp, until: Timestamp) -> Vec<Frame> {
    let inside = |frame: &&Frame| frame.time >= from && frame.time < until;
    frames.iter().filter(inside).cloned().collect()
}
