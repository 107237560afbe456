//! Each piece of evidence is that frame in Wireshark: tshark finds every packet that a report
//! names, and the display filter that goes with it shows that packet and no other.
//!
//! One run of tshark per capture answers for many filters: joined by `||` they must show exactly
//! the packets they name, each packet once. Where they do not, each filter is tried alone, so
//! that the complaint names it.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

#[expect(dead_code, reason = "what may not be shown is for other tests")]
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use support::Case;

/// A packet that a report names, and by what.
struct Entry {
    /// Rule, artifact or attribute.
    of: String,
    file: String,
    packet: u64,
    filter: Option<String>,
}

/// Every piece of evidence of a report: findings', artifacts', claims'.
fn entries(report: &Value) -> Vec<Entry> {
    let mut all = Vec::new();
    let mut add = |of: &str, evidence: &Value| {
        for entry in evidence.as_array().unwrap() {
            all.push(Entry {
                of: of.to_owned(),
                file: entry["file"].as_str().unwrap().to_owned(),
                packet: entry["packet"].as_u64().unwrap(),
                filter: entry["filter"].as_str().map(str::to_owned),
            });
        }
    };
    for finding in report["findings"].as_array().unwrap() {
        add(finding["rule"].as_str().unwrap(), &finding["evidence"]);
    }
    for artifact in report["artifacts"].as_array().unwrap() {
        add("artifact", &artifact["evidence"]);
    }
    for device in report["devices"].as_array().unwrap() {
        for claim in device["claims"].as_array().unwrap() {
            let of = format!("claim {}", claim["attribute"].as_str().unwrap());
            add(&of, &claim["evidence"]);
        }
    }
    all
}

/// The frames that a display filter shows.
fn shown(file: &Path, filter: &str) -> Result<Vec<u64>, String> {
    let output = Command::new("tshark")
        .args(["-n", "-r"])
        .arg(file)
        .args(["-T", "fields", "-e", "frame.number", "-Y", filter])
        .output()
        .unwrap();
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned());
    }
    let text = String::from_utf8(output.stdout).unwrap();
    Ok(text.lines().map(|line| line.parse().unwrap()).collect())
}

/// Whether a filter names its frame, as the reports' do.
fn names_frame(filter: &str, packet: u64) -> bool {
    let exact = format!("frame.number == {packet}");
    filter == exact || filter.starts_with(&format!("{exact} && "))
}

/// Rounds of filters in which no packet comes twice; packets without filter join the first.
fn rounds(entries: &[Entry]) -> Vec<BTreeMap<u64, String>> {
    let filters: BTreeSet<(u64, &str)> = entries
        .iter()
        .filter_map(|entry| Some((entry.packet, entry.filter.as_deref()?)))
        .filter(|(packet, filter)| names_frame(filter, *packet))
        .collect();
    let mut rounds: Vec<BTreeMap<u64, String>> = vec![BTreeMap::new()];
    for (packet, filter) in filters {
        let free = rounds.iter().position(|round| !round.contains_key(&packet));
        let round = free.unwrap_or(rounds.len());
        if round == rounds.len() {
            rounds.push(BTreeMap::new());
        }
        rounds[round].insert(packet, filter.to_owned());
    }
    for entry in entries {
        rounds[0]
            .entry(entry.packet)
            .or_insert_with(|| format!("frame.number == {}", entry.packet));
    }
    rounds
}

/// What tshark sees otherwise in one capture.
fn complaints(case: &Case) -> (usize, Vec<String>) {
    let report = case.report();
    let entries = entries(&report);
    let mut bad = Vec::new();
    for entry in &entries {
        if Path::new(&entry.file) != case.file {
            bad.push(format!(
                "{}: {}: no such input {}",
                case.name, entry.of, entry.file
            ));
        }
        // A filter that names no frame must show the packet at least.
        if let Some(filter) = &entry.filter
            && !names_frame(filter, entry.packet)
        {
            let packets = shown(&case.file, filter);
            if !packets
                .as_ref()
                .is_ok_and(|all| all.contains(&entry.packet))
            {
                bad.push(complaint(case, entry, filter, &packets));
            }
        }
    }
    for round in rounds(&entries) {
        if round.is_empty() {
            continue;
        }
        let joined: Vec<String> = round.values().map(|filter| format!("({filter})")).collect();
        let expected: Vec<u64> = round.keys().copied().collect();
        if shown(&case.file, &joined.join(" || ")) == Ok(expected) {
            continue;
        }
        let before = bad.len();
        for (packet, filter) in &round {
            let packets = shown(&case.file, filter);
            if packets.as_deref() != Ok(&[*packet]) {
                let entry = entries.iter().find(|entry| {
                    entry.packet == *packet && entry.filter.as_ref().is_none_or(|own| own == filter)
                });
                bad.push(complaint(case, entry.unwrap(), filter, &packets));
            }
        }
        assert!(
            bad.len() > before,
            "{}: joined filters fail, none alone",
            case.name
        );
    }
    (entries.len(), bad)
}

fn complaint(case: &Case, entry: &Entry, filter: &str, shown: &Result<Vec<u64>, String>) -> String {
    let Entry { of, packet, .. } = entry;
    format!(
        "{}: {of}: packet {packet}: `{filter}` shows {shown:?}",
        case.name
    )
}

/// Checks cases; `least` pieces of evidence must have been there to check.
fn hold(cases: impl IntoIterator<Item = Case>, least: usize) {
    let version = Command::new("tshark").arg("--version").output();
    let Ok(version) = version else {
        eprintln!("SKIPPED: no tshark; the evidence of reports is not checked");
        return;
    };
    assert!(String::from_utf8_lossy(&version.stdout).contains("TShark"));
    let (mut checked, mut bad) = (0, Vec::new());
    for case in cases {
        let (count, complaints) = complaints(&case);
        checked += count;
        bad.extend(complaints);
    }
    assert!(
        bad.is_empty(),
        "{} of {checked}:\n{}",
        bad.len(),
        bad.join("\n")
    );
    assert!(checked >= least, "only {checked} pieces of evidence");
}

fn scenes(seed: u64) -> impl Iterator<Item = Case> {
    let folder = support::folder(&format!("evidence-{seed}"));
    let scenarios = auscult_lab::scenarios().iter();
    scenarios.map(move |scenario| support::scene(scenario.name, seed, &folder))
}

#[test]
fn tshark_shows_what_is_named_in_scenes() {
    hold(scenes(3), 300);
}

#[test]
fn tshark_shows_what_is_named_in_scenes_of_another_seed() {
    hold(scenes(11), 300);
}

#[test]
fn tshark_shows_what_is_named_in_captures_others_made() {
    let cases = support::shared_cases();
    if cases.is_empty() {
        return;
    }
    hold(cases, 100);
}

#[test]
fn joined_filters_name_each_packet_once() {
    let entry = |packet, filter: Option<&str>| Entry {
        of: String::new(),
        file: String::new(),
        packet,
        filter: filter.map(str::to_owned),
    };
    let rounds = rounds(&[
        entry(1, Some("frame.number == 1 && tcp")),
        entry(1, Some("frame.number == 1 && udp")),
        entry(2, None),
        entry(1, None),
        entry(3, Some("tcp.port == 515")),
    ]);
    let all: Vec<(u64, &str)> = rounds
        .iter()
        .flatten()
        .map(|(packet, filter)| (*packet, filter.as_str()))
        .collect();
    assert_eq!(
        all,
        [
            (1, "frame.number == 1 && tcp"),
            (2, "frame.number == 2"),
            (3, "frame.number == 3"),
            (1, "frame.number == 1 && udp"),
        ]
    );
    assert!(!names_frame("frame.number == 11", 1));
}
