//! What the user said of whole devices: that two of them are one.
//!
//! Facts are left as they are. The two are put together where they are shown, so that taking the
//! word back shows them as they were.

use std::collections::BTreeSet;

use auscult_model::Timestamp;
use auscult_model::report::{Bond, Device, Isolation, Report, Role};
use rusqlite::params;

use crate::{State, StateError};

/// Two devices that somebody called one, by their ids when it was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Join {
    /// The one whose id stays.
    pub device: String,
    /// The other.
    pub other: String,
}

impl State {
    /// Notes that two devices are one.
    pub fn join(&mut self, join: &Join, now: Timestamp) -> Result<(), StateError> {
        self.change(|connection| {
            connection.execute(
                "INSERT OR REPLACE INTO user_join VALUES (?1, ?2, ?3)",
                params![join.device, join.other, now.0],
            )?;
            Ok(())
        })
    }

    /// Takes such a word back; says whether there was one, whichever of the two was named first.
    pub fn part(&mut self, join: &Join) -> Result<bool, StateError> {
        self.change(|connection| {
            let gone = connection.execute(
                "DELETE FROM user_join
                 WHERE (device = ?1 AND other = ?2) OR (device = ?2 AND other = ?1)",
                params![join.device, join.other],
            )?;
            Ok(gone > 0)
        })
    }

    /// All such words, the oldest first.
    pub fn joins(&self) -> Result<Vec<Join>, StateError> {
        let read = || -> rusqlite::Result<Vec<Join>> {
            if !self.has_table("user_join")? {
                return Ok(Vec::new());
            }
            let mut query = self
                .connection
                .prepare("SELECT device, other FROM user_join ORDER BY at, device, other")?;
            let rows = query.query_map([], |row| {
                Ok(Join {
                    device: row.get(0)?,
                    other: row.get(1)?,
                })
            })?;
            rows.collect()
        };
        read().map_err(|error| self.error(error))
    }
}

/// Puts devices together that somebody called one.
pub fn apply_joins(report: &mut Report, joins: &[Join]) {
    for join in joins {
        let at = |name: &str| {
            let mut devices = report.devices.iter();
            devices.position(|device| {
                device.id == name || device.aliases.iter().any(|alias| alias == name)
            })
        };
        let (one, other) = match (at(&join.device), at(&join.other)) {
            (Some(one), Some(other)) => (one, other),
            // Where only the other was seen, it goes by the id of both.
            (None, Some(other)) => {
                rename(report, other, &join.device);
                continue;
            }
            (_, None) => continue,
        };
        if one == other {
            continue;
        }
        let taken = report.devices.remove(other);
        let one = if other < one { one - 1 } else { one };
        let Some(device) = report.devices.get_mut(one) else {
            continue;
        };
        let id = device.id.clone();
        let old = taken.id.clone();
        take_in(device, taken);
        report.devices_total = report.devices_total.saturating_sub(1);
        call(report, &old, &id);
    }
}

fn rename(report: &mut Report, at: usize, id: &str) {
    let Some(device) = report.devices.get_mut(at) else {
        return;
    };
    let old = std::mem::replace(&mut device.id, id.to_owned());
    device.aliases.insert(0, old.clone());
    call(report, &old, id);
}

/// Calls a device by another id wherever it is spoken of.
fn call(report: &mut Report, old: &str, id: &str) {
    for finding in &mut report.findings {
        let mut seen = BTreeSet::new();
        for name in &mut finding.devices {
            if *name == old {
                id.clone_into(name);
            }
        }
        finding.devices.retain(|name| seen.insert(name.clone()));
    }
    for line in report
        .devices
        .iter_mut()
        .flat_map(|device| &mut device.talks_to)
    {
        if line.device.as_deref() == Some(old) {
            line.device = Some(id.to_owned());
        }
    }
}

fn take_in(device: &mut Device, other: Device) {
    device.bonds.push(Bond {
        joined: true,
        what: format!("{} and {}", device.id, other.id),
        because: "you said so; `device … split …` takes it back".into(),
    });
    device.bonds.extend(other.bonds);
    device.aliases.push(other.id);
    device.aliases.extend(other.aliases);
    if device.role == Role::Unknown {
        device.role = other.role;
        device.confidence = other.confidence;
        device.signature = device.signature.take().or(other.signature);
        device.labelled_as = device.labelled_as.take().or(other.labelled_as);
    }
    let known = [
        (&mut device.vendor, other.vendor),
        (&mut device.model, other.model),
        (&mut device.serial, other.serial),
        (&mut device.firmware, other.firmware),
        (&mut device.os, other.os),
        (&mut device.hostname, other.hostname),
        (&mut device.bed, other.bed),
        (&mut device.unit, other.unit),
    ];
    for (ours, theirs) in known {
        *ours = ours.take().or(theirs);
    }
    together(&mut device.macs, other.macs);
    together(&mut device.ips, other.ips);
    together(&mut device.segments, other.segments);
    together(&mut device.patient_data, other.patient_data);
    device.first_seen = earliest(device.first_seen, other.first_seen);
    device.last_seen = device.last_seen.max(other.last_seen);
    device.inside |= other.inside;
    device.isolation = further(device.isolation, other.isolation);
    device.services.extend(other.services);
    device.talks_to_total += other.talks_to_total;
    device.talks_to_inside += other.talks_to_inside;
    device.talks_to_outside += other.talks_to_outside;
    device.talks_to.extend(other.talks_to);
    device
        .talks_to
        .sort_by_key(|line| std::cmp::Reverse(line.bytes.iter().sum::<u64>()));
    device.count_peers();
    device.worst = device.worst.max(other.worst);
    device.claims.extend(other.claims);
}

fn together<T: Ord>(ours: &mut Vec<T>, theirs: Vec<T>) {
    ours.extend(theirs);
    ours.sort_unstable();
    ours.dedup();
}

fn earliest(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    [a, b].into_iter().flatten().min()
}

/// Of two reaches the one that goes further.
fn further(a: Isolation, b: Isolation) -> Isolation {
    let rank = |isolation| match isolation {
        Isolation::CannotTell => 0,
        Isolation::LocalOnly => 1,
        Isolation::CrossesSegment => 2,
        Isolation::ReachesOutside => 3,
    };
    if rank(b) > rank(a) { b } else { a }
}
