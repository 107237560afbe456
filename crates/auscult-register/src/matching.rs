//! Rows of the register and devices of a report: which are one.
//!
//! By MAC address, serial number, host name. A sign that several rows or several devices have
//! decides nothing. A row whose signs contradict each other, or point at two devices, is shown as
//! a contradiction. What is left is counted by model and unit and never assigned.

mod counted;
mod signs;

use std::collections::{BTreeMap, BTreeSet};

use auscult_model::report::{Device, Report};
use serde::Serialize;

use crate::walk::{Walk, walk_list};
use crate::{Register, Row};
use signs::{DeviceSigns, RowSigns, Same};

/// By what a row and a device are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Key {
    /// A MAC address.
    Mac,
    /// The serial number.
    Serial,
    /// The host name.
    Host,
}

impl Key {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Key::Mac => "MAC address",
            Key::Serial => "serial number",
            Key::Host => "host name",
        }
    }
}

/// A row and the device that it is; several devices where it has several network cards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// Place in [`Register::rows`].
    pub row: usize,
    /// Places in [`Report::devices`].
    pub devices: Vec<usize>,
    /// By what.
    pub by: Vec<Key>,
    /// What does not agree, and does not contradict either.
    pub notes: Vec<String>,
}

/// A row that something speaks for and something against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// Place in [`Register::rows`].
    pub row: usize,
    /// Places in [`Report::devices`].
    pub devices: Vec<usize>,
    /// What contradicts what.
    pub why: String,
}

/// Alike units that cannot be told apart: so many rows, so many devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// What they are.
    pub model: String,
    /// Where, when both sides know.
    pub unit: Option<String>,
    /// Places in [`Register::rows`].
    pub rows: Vec<usize>,
    /// Places in [`Report::devices`].
    pub devices: Vec<usize>,
}

/// A row that was not found on the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmatched {
    /// Place in [`Register::rows`].
    pub row: usize,
    /// A device that has an address of the row: addresses move, so this is a hint only.
    pub hint: Option<usize>,
}

/// A register against a report.
#[derive(Clone, Debug)]
pub struct Check<'a> {
    /// The register.
    pub register: &'a Register,
    /// Rows that an advisory names.
    pub walk: Vec<Walk>,
    /// The report, when there is one.
    pub report: Option<&'a Report>,
    /// In both.
    pub both: Vec<Match>,
    /// In both, and only counted.
    pub counted: Vec<Counted>,
    /// Neither matched nor unmatched.
    pub contradictions: Vec<Contradiction>,
    /// Places in [`Report::devices`] of those that no row is.
    pub only_network: Vec<usize>,
    /// Rows that no device is, without those that are retired.
    pub only_register: Vec<Unmatched>,
    /// Places of retired rows that no device is.
    pub retired: Vec<usize>,
    /// Values that several rows have: what, and the rows' places.
    pub duplicates: Vec<(Key, String, Vec<usize>)>,
}

/// Compares a register with a report; without one there is the walk list only.
pub fn check<'a>(register: &'a Register, report: Option<&'a Report>) -> Check<'a> {
    let rows: Vec<RowSigns> = register.rows.iter().map(RowSigns::of).collect();
    let mut check = Check {
        register,
        walk: walk_list(register),
        report,
        both: Vec::new(),
        counted: Vec::new(),
        contradictions: Vec::new(),
        only_network: Vec::new(),
        only_register: Vec::new(),
        retired: Vec::new(),
        duplicates: signs::duplicates(&rows),
    };
    let Some(report) = report else {
        return check;
    };
    let devices: Vec<DeviceSigns> = report.devices.iter().map(DeviceSigns::of).collect();
    let matching = Matching {
        register,
        report,
        index: signs::Index::of(&rows, &devices).with_addresses(&report.devices),
        rows,
        devices,
    };
    let mut outcomes: Vec<Outcome> = (0..register.rows.len())
        .map(|row| matching.row(row))
        .collect();
    matching.rivals(&mut outcomes);
    matching.sort(outcomes, &mut check);
    check
}

enum Outcome {
    Nothing,
    Match(Match),
    Contradiction(Contradiction),
}

struct Matching<'a> {
    register: &'a Register,
    report: &'a Report,
    rows: Vec<RowSigns>,
    devices: Vec<DeviceSigns>,
    index: signs::Index,
}

impl Matching<'_> {
    /// What one row is, whatever the others are.
    fn row(&self, row: usize) -> Outcome {
        let Some(signs) = self.rows.get(row) else {
            return Outcome::Nothing;
        };
        let mut hits: BTreeMap<usize, BTreeSet<Key>> = BTreeMap::new();
        let mut unsure: BTreeMap<usize, String> = BTreeMap::new();
        for (key, value) in signs.all() {
            let Some(holders) = self.index.get(key, &value) else {
                continue;
            };
            match (holders.rows.as_slice(), holders.devices.as_slice()) {
                ([_], [device]) => {
                    hits.entry(*device).or_default().insert(key);
                }
                (rows, devices) => {
                    let why = if rows.len() > 1 {
                        format!("{} {value} stands in {} rows", key.words(), rows.len())
                    } else {
                        format!("{} devices have the {} {value}", devices.len(), key.words())
                    };
                    for device in devices {
                        unsure.entry(*device).or_insert_with(|| why.clone());
                    }
                }
            }
        }
        if hits.is_empty() {
            return match unsure.is_empty() {
                true => Outcome::Nothing,
                false => Outcome::Contradiction(Contradiction {
                    row,
                    devices: unsure.keys().copied().collect(),
                    why: unsure.into_values().next().unwrap_or_default(),
                }),
            };
        }
        self.weigh(row, signs, &hits)
    }

    fn weigh(
        &self,
        row: usize,
        signs: &RowSigns,
        hits: &BTreeMap<usize, BTreeSet<Key>>,
    ) -> Outcome {
        let contradiction = |devices: Vec<usize>, why: String| {
            Outcome::Contradiction(Contradiction { row, devices, why })
        };
        let strong = |keys: &BTreeSet<Key>| keys.contains(&Key::Mac) || keys.contains(&Key::Serial);
        let any_strong = hits.values().any(strong);
        let mut found = Match {
            row,
            devices: Vec::new(),
            by: Vec::new(),
            notes: Vec::new(),
        };
        let mut by: BTreeSet<Key> = BTreeSet::new();
        for (place, keys) in hits {
            let Some(device) = self.devices.get(*place) else {
                continue;
            };
            if any_strong && !strong(keys) {
                let name = signs.host.as_deref().unwrap_or_default();
                let holder = self
                    .report
                    .devices
                    .get(*place)
                    .map(called)
                    .unwrap_or_default();
                found
                    .notes
                    .push(format!("host name {name} is that of {holder}"));
                continue;
            }
            if let Some(why) = self.against(row, signs, device, keys) {
                return contradiction(vec![*place], why);
            }
            found.devices.push(*place);
            by.extend(keys);
        }
        let by_mac = |place: &usize| hits.get(place).is_some_and(|keys| keys.contains(&Key::Mac));
        // Several cards of one asset are several devices; two signs that point apart are not.
        if found.devices.len() > 1 && !found.devices.iter().all(by_mac) {
            let why = "its serial number and its other signs point at different devices";
            return contradiction(found.devices, why.to_owned());
        }
        found.by = by.into_iter().collect();
        self.remarks(row, signs, &mut found);
        Outcome::Match(found)
    }

    /// What speaks against a row being a device by these keys.
    fn against(
        &self,
        row: usize,
        signs: &RowSigns,
        device: &DeviceSigns,
        keys: &BTreeSet<Key>,
    ) -> Option<String> {
        let row = self.register.rows.get(row)?;
        let (by_mac, by_serial) = (keys.contains(&Key::Mac), keys.contains(&Key::Serial));
        if !by_serial && device.serial(signs) == Same::No {
            let by = if by_mac { Key::Mac } else { Key::Host };
            let other = device.serials.values().next().cloned().unwrap_or_default();
            return Some(format!(
                "the {} agrees, the serial number does not: register {}, network {other}",
                by.words(),
                row.serial.as_deref().unwrap_or_default(),
            ));
        }
        if !by_mac && !by_serial && device.mac(signs) == Same::No {
            return Some("the host name agrees, the MAC address does not".to_owned());
        }
        if by_serial && !by_mac {
            // Makers number alike: a serial number alone must not cross makers.
            if let Some((ours, theirs)) = signs::makers_differ(row, device) {
                return Some(format!(
                    "the serial number agrees, the maker does not: register {ours}, network \
                     {theirs}"
                ));
            }
            if signs.is_short_serial() && !signs::makers_agree(row, device) {
                return Some(
                    "the serial number agrees, but is too short to tell one maker's device from \
                     another's"
                        .to_owned(),
                );
            }
        }
        None
    }

    /// What does not agree on a device that is a row all the same.
    fn remarks(&self, row: usize, signs: &RowSigns, found: &mut Match) {
        let Some(row) = self.register.rows.get(row) else {
            return;
        };
        for place in &found.devices {
            let Some(device) = self.devices.get(*place) else {
                continue;
            };
            if !found.by.contains(&Key::Mac) && device.mac(signs) == Same::No {
                found
                    .notes
                    .push("the network shows another MAC address".to_owned());
            }
            if device.serial(signs) == Same::ZerosApart {
                found
                    .notes
                    .push("serial numbers agree but for leading zeros".to_owned());
            }
            if let Some((ours, theirs)) = signs::makers_differ(row, device) {
                found.notes.push(format!(
                    "the register says {ours}, the network {theirs}: another label, or a wrong row"
                ));
            }
        }
        if row.retired {
            let status = row.status.as_deref().unwrap_or("retired");
            found.notes.push(format!(
                "the register says {status}, and it is on the network"
            ));
        }
    }

    /// Devices that several rows claim: stronger signs win, equal ones contradict.
    fn rivals(&self, outcomes: &mut [Outcome]) {
        let mut claims: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (row, outcome) in outcomes.iter().enumerate() {
            if let Outcome::Match(found) = outcome {
                for device in &found.devices {
                    claims.entry(*device).or_default().push(row);
                }
            }
        }
        for (device, rows) in claims.into_iter().filter(|(_, rows)| rows.len() > 1) {
            let by_name_only = |row: &usize| match outcomes.get(*row) {
                Some(Outcome::Match(found)) => found.by == [Key::Host],
                _ => false,
            };
            let strong = rows.iter().filter(|row| !by_name_only(row)).count();
            let names: Vec<String> = rows.iter().map(|row| self.name(*row)).collect();
            let losers: Vec<usize> = rows
                .iter()
                .copied()
                .filter(|row| strong != 1 || by_name_only(row))
                .collect();
            for row in losers {
                let others: Vec<&String> = names.iter().filter(|n| **n != self.name(row)).collect();
                let others = others
                    .iter()
                    .map(|n| n.as_str())
                    .collect::<Vec<_>>()
                    .join(", ");
                if let Some(outcome) = outcomes.get_mut(row) {
                    *outcome = Outcome::Contradiction(Contradiction {
                        row,
                        devices: vec![device],
                        why: format!("this device is also what {others} describes"),
                    });
                }
            }
        }
    }

    fn name(&self, row: usize) -> String {
        self.register
            .rows
            .get(row)
            .map(Row::name)
            .unwrap_or_default()
    }

    /// Puts each row and each device into its list.
    fn sort(&self, outcomes: Vec<Outcome>, check: &mut Check<'_>) {
        let mut taken: BTreeSet<usize> = BTreeSet::new();
        let mut left: Vec<usize> = Vec::new();
        for (row, outcome) in outcomes.into_iter().enumerate() {
            match outcome {
                Outcome::Nothing => left.push(row),
                Outcome::Match(found) => {
                    taken.extend(&found.devices);
                    check.both.push(found);
                }
                Outcome::Contradiction(found) => {
                    taken.extend(&found.devices);
                    check.contradictions.push(found);
                }
            }
        }
        let (retired, mut left): (Vec<usize>, Vec<usize>) = left
            .into_iter()
            .partition(|row| self.register.rows.get(*row).is_some_and(|row| row.retired));
        check.retired = retired;
        let mut free: Vec<usize> = (0..self.report.devices.len())
            .filter(|device| !taken.contains(device))
            .collect();
        check.counted = counted::groups(self.register, self.report, &mut left, &mut free);
        check.only_network = free;
        check.only_register = left
            .into_iter()
            .map(|row| Unmatched {
                row,
                hint: self.same_address(row),
            })
            .collect();
    }

    /// The only device that has an address of this row.
    fn same_address(&self, row: usize) -> Option<usize> {
        let row = self.register.rows.get(row)?;
        let ip = row
            .ips
            .iter()
            .find(|ip| self.index.by_ip.contains_key(*ip))?;
        self.index.by_ip.get(ip).copied().flatten()
    }
}

/// What people call a device.
pub(crate) fn called(device: &Device) -> String {
    device
        .label()
        .or_else(|| device.ips.first().map(ToString::to_string))
        .or_else(|| device.macs.first().map(ToString::to_string))
        .unwrap_or_else(|| device.id.clone())
}
