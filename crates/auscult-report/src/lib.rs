//! Views of a report: terminal, JSON, CSV, and what differs between two. Each is a pure function
//! of the [`Report`].

mod csv;
mod diff;
mod flows;
mod json;
mod printable;
mod read;
mod terminal;

use std::net::IpAddr;

use auscult_model::report::{Device, Finding, Overlap, Report};

pub use csv::{csv_beside, csv_devices, csv_findings, csv_record};
pub use diff::{
    Brief, Change, Changed, Devices, Diff, FindingBrief, FindingChange, Findings, Move, Vanished,
    Watch, diff, diff_csv, diff_json, diff_text,
};
pub use flows::{flow_csv, flow_line, flow_text};
pub use json::{Part, escaped, json, json_part, write_json};
pub use printable::printable_lines;
pub use read::{Unreadable, looks_like_json, read_json};
pub use terminal::{Options, Page, View, terminal};

/// The device that a name stands for; `None` where it stands for several, too.
pub fn find_device<'r>(report: &'r Report, id: &str) -> Option<&'r Device> {
    match find_devices(report, id).as_slice() {
        [device] => Some(device),
        _ => None,
    }
}

/// The device with this id, else this alias; else those with this IP or MAC address, else those
/// that are called so.
pub fn find_devices<'r>(report: &'r Report, id: &str) -> Vec<&'r Device> {
    let ip: Option<IpAddr> = id.parse().ok();
    let mac = id.to_ascii_lowercase();
    let is_alias = |device: &Device| device.aliases.iter().any(|alias| alias == id);
    let one = |is: &dyn Fn(&Device) -> bool| report.devices.iter().find(|device| is(device));
    if let Some(device) = one(&|device| device.id == id).or_else(|| one(&is_alias)) {
        return vec![device];
    }
    let kinds: [&dyn Fn(&Device) -> bool; 3] = [
        &|device| ip.is_some_and(|ip| device.ips.contains(&ip)),
        &|device| device.macs.iter().any(|own| own.to_string() == mac),
        &|device| {
            device
                .label()
                .is_some_and(|label| label.eq_ignore_ascii_case(id))
        },
    ];
    let found = kinds.iter().map(|is| {
        let devices = report.devices.iter();
        devices.filter(|device| is(device)).collect::<Vec<_>>()
    });
    let mut found = found.skip_while(Vec::is_empty);
    found.next().unwrap_or_default()
}

/// The finding with this id or alias, or the only one whose id begins so; the leading `F-` may be
/// left out.
pub fn find_finding<'r>(report: &'r Report, id: &str) -> Option<&'r Finding> {
    let bare = |id: &str| {
        id.trim_start_matches("F-")
            .trim_start_matches("f-")
            .to_ascii_lowercase()
    };
    let wanted = bare(id);
    let findings = &report.findings;
    findings
        .iter()
        .find(|finding| bare(&finding.id) == wanted)
        .or_else(|| {
            findings
                .iter()
                .find(|f| f.aliases.iter().any(|a| bare(a) == wanted))
        })
        .or_else(|| {
            let mut begun = findings.iter().filter(|f| bare(&f.id).starts_with(&wanted));
            begun
                .next()
                .filter(|_| begun.next().is_none() && !wanted.is_empty())
        })
}

/// Says that captures were read together which look as if they were of different networks.
pub fn unrelated(report: &Report) -> Option<String> {
    const NAMED: usize = 4;
    let groups = &report.health.unrelated;
    if groups.is_empty() {
        return None;
    }
    let mut names: Vec<String> = groups
        .iter()
        .take(NAMED)
        .filter_map(|group| {
            let first = group.files.first()?;
            Some(match group.files_total {
                1 => first.clone(),
                more => format!("{first} and {} more", more - 1),
            })
        })
        .collect();
    if groups.len() > NAMED {
        names.push("...".to_owned());
    }
    Some(format!(
        "these captures look like {} networks that have nothing to do with each other ({}): no \
         link address is in two of them, and at least 12 hours lie between them. Read together, \
         two devices with one address count as one",
        groups.len(),
        names.join("; ")
    ))
}

/// Says what a capture shares with one that a state had taken in before.
pub fn overlap(file: &str, overlap: &Overlap) -> String {
    let minutes = |count: u64| match count {
        1 => "1 minute".to_owned(),
        more => format!("{more} minutes"),
    };
    let mut words = format!(
        "{file} overlaps with {}: {} hold the same packets and count once",
        overlap.with,
        minutes(overlap.equal)
    );
    if overlap.partly > 0 {
        words += &format!(
            ", of {} more the one with more packets counts",
            minutes(overlap.partly)
        );
    }
    if overlap.twice > 0 {
        words += &format!(
            " ({} of them count twice: the other was there first)",
            minutes(overlap.twice)
        );
    }
    words
}

/// Says that nothing of the time asked for is in the captures, and which time they cover.
pub fn outside(report: &Report) -> Option<String> {
    const NAMED: usize = 4;
    let captures = &report.captures;
    let spans: Vec<String> = captures
        .iter()
        .filter_map(|capture| {
            let outside = capture.outside?;
            let (first, last) = outside.first.zip(outside.last)?;
            Some(format!(
                "{} covers {}",
                capture.file,
                auscult_model::span(first, last)
            ))
        })
        .collect();
    if spans.is_empty() || spans.len() < captures.len() {
        return None;
    }
    let more = match spans.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    let named = spans.get(..NAMED).unwrap_or(&spans).join("; ");
    Some(format!(
        "nothing was captured in the time asked for (--since, --until): {named}{more}"
    ))
}

/// The findings about a device, worst first.
pub fn findings_of<'r>(report: &'r Report, device: &str) -> impl Iterator<Item = &'r Finding> {
    let device = device.to_owned();
    report
        .findings
        .iter()
        .filter(move |finding| finding.devices.contains(&device))
}
