//! Sentences that call devices as people call them.
//!
//! Findings and answers are written when conclusions are drawn, by the names that the traffic gave.
//! What people said since, that a device is another one or lies in another bed, changes names: each
//! is put in where the old one stands as a whole word. Limit: answers keep a name that several
//! devices had.

use std::collections::BTreeMap;

use auscult_detect::call_name;
use auscult_model::report::{Device, Report};

/// What devices were called before people's words were put in, by id.
pub(crate) struct Names(BTreeMap<String, String>);

/// An old name and the new one.
type Renamed = (String, String);

impl Names {
    /// As devices are called now.
    pub(crate) fn of(report: &Report) -> Names {
        let devices = report.devices.iter();
        Names(
            devices
                .map(|device| (device.id.clone(), call_name(device)))
                .collect(),
        )
    }

    /// Puts new names for old ones in all sentences.
    pub(crate) fn renew(self, report: &mut Report) {
        let mut renamed: BTreeMap<String, Vec<Renamed>> = BTreeMap::new();
        for device in &report.devices {
            let new = call_name(device);
            for id in ids(device) {
                if let Some(old) = self.0.get(id).filter(|old| **old != new) {
                    let names = renamed.entry(device.id.clone()).or_default();
                    names.push((old.clone(), with_address(device, old, &new)));
                }
            }
        }
        if renamed.is_empty() {
            return;
        }
        for finding in &mut report.findings {
            let names: Vec<Renamed> = finding
                .devices
                .iter()
                .filter_map(|id| renamed.get(id))
                .flatten()
                .cloned()
                .collect();
            let texts = [&mut finding.title, &mut finding.impact, &mut finding.action];
            let lists = finding.seen.iter_mut().chain(&mut finding.reasons);
            let maybe = finding.director.iter_mut().chain(&mut finding.innocent);
            for text in texts.into_iter().chain(lists).chain(maybe) {
                renew(text, &names);
            }
        }
        // A name that several had says of nobody who it is.
        let mut had: BTreeMap<&str, usize> = BTreeMap::new();
        for name in self.0.values() {
            *had.entry(name).or_default() += 1;
        }
        let all = renamed.into_values().flatten();
        let all: Vec<Renamed> = all
            .filter(|(old, _)| had.get(old.as_str()) == Some(&1))
            .collect();
        for answer in &mut report.coverage {
            renew(&mut answer.because, &all);
            renew(&mut answer.short, &all);
        }
    }
}

/// The new name, with the address that stood in the old one.
fn with_address(device: &Device, old: &str, new: &str) -> String {
    let addresses = device.ips.iter().map(ToString::to_string);
    let mut lost = addresses.filter(|ip| old.ends_with(ip.as_str()) && !new.contains(ip.as_str()));
    match lost.next() {
        Some(ip) => format!("{new} ({ip})"),
        None => new.to_owned(),
    }
}

fn ids(device: &Device) -> impl Iterator<Item = &String> {
    std::iter::once(&device.id).chain(&device.aliases)
}

/// Puts new names in at once, so that two devices may change their names for each other's.
fn renew(text: &mut String, names: &[Renamed]) {
    let is_inside = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    let mut renewed = String::with_capacity(text.len());
    let mut rest = text.as_str();
    let mut before = ' ';
    while let Some(next) = rest.chars().next() {
        let found = names
            .iter()
            .filter(|_| !is_inside(before) && !matches!(before, '.' | ':'))
            .filter_map(|(old, new)| {
                let behind = rest
                    .strip_prefix(old.as_str())
                    .filter(|_| !old.is_empty())?;
                let mut following = behind.chars();
                let ends = match following.next() {
                    // The end of a sentence, not the middle of an address or name.
                    Some('.') => following.next().is_none_or(|c| !is_inside(c)),
                    Some(':') => following.next().is_none_or(char::is_whitespace),
                    Some(c) => !is_inside(c),
                    None => true,
                };
                ends.then_some((old, new, behind))
            })
            .max_by_key(|(old, ..)| old.len());
        let behind = match found {
            Some((old, new, behind)) => {
                renewed.push_str(new);
                before = old.chars().next_back().unwrap_or(next);
                behind
            }
            None => {
                renewed.push(next);
                before = next;
                rest.get(next.len_utf8()..).unwrap_or_default()
            }
        };
        rest = behind;
    }
    *text = renewed;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_renewed_as_whole_words() {
        let names = [
            ("ICU-7", "ICU-9"),
            ("ICU-9", "ICU-7"),
            ("10.0.0.5", "the pump"),
        ];
        let names = names.map(|(old, new)| (old.to_owned(), new.to_owned()));
        for (text, want) in [
            ("ICU-7 sends to ICU-9.", "ICU-9 sends to ICU-7."),
            (
                "ICU-7: ICU-77, xICU-7, ICU-7.local",
                "ICU-9: ICU-77, xICU-7, ICU-7.local",
            ),
            (
                "(ICU-7, 10.0.0.5), 10.0.0.51",
                "(ICU-9, the pump), 10.0.0.51",
            ),
        ] {
            let mut text = text.to_owned();
            renew(&mut text, &names);
            assert_eq!(text, want);
        }
    }
}
