//! What fires on the labelled captures.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use anyhow::Result;
use serde_json::Value;

/// Rules that may fire on a benign capture: what they say is true of it, and not of infection.
const EXCEPTED: &[&str] = &[];

/// Findings at or above medium are what a benign capture must not have.
const TELLING: &[&str] = &["medium", "high", "critical"];

/// A label: of a class, and about these hosts.
pub(super) struct Label {
    class: String,
    hosts: Vec<String>,
}

/// A finding, and the addresses that it is about.
struct Found {
    rule: String,
    severity: String,
    confidence: f64,
    title: String,
    addresses: BTreeSet<String>,
}

/// A labelled capture with what the program finds in it.
pub(super) struct Labelled {
    capture: String,
    class: String,
    hosts: Vec<String>,
    findings: Vec<Found>,
    /// For how long each device of the site was seen, summed.
    device_hours: f64,
}

/// Labels by capture.
pub(super) fn labels(folder: &Path) -> Result<BTreeMap<String, Label>> {
    let text = std::fs::read_to_string(folder.join("labels.jsonl"))?;
    let mut labels = BTreeMap::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line)?;
        let word = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
        let label = Label {
            class: word("cls"),
            hosts: texts(&line["hosts"]).collect(),
        };
        labels.insert(word("capture"), label);
    }
    Ok(labels)
}

fn texts(list: &Value) -> impl Iterator<Item = String> {
    let list = list.as_array().into_iter().flatten();
    list.filter_map(Value::as_str).map(str::to_owned)
}

/// What a report on a labelled capture says.
pub(super) fn labelled(capture: &str, label: &Label, report: &Value) -> Labelled {
    let devices = report["devices"].as_array().cloned().unwrap_or_default();
    let list = report["findings"].as_array().cloned().unwrap_or_default();
    let word = |finding: &Value, key: &str| finding[key].as_str().unwrap_or_default().to_owned();
    let finding = |finding: &Value| {
        let ids: BTreeSet<String> = texts(&finding["devices"]).collect();
        let about = devices.iter().filter(|it| ids.contains(&word(it, "id")));
        Found {
            rule: word(finding, "rule"),
            severity: word(finding, "severity"),
            confidence: finding["confidence"].as_f64().unwrap_or_default(),
            title: word(finding, "title"),
            addresses: about.flat_map(|device| texts(&device["ips"])).collect(),
        }
    };
    let ours = devices.iter().filter(|it| it["inside"] == true);
    let captures = report["captures"].as_array().into_iter().flatten();
    let packets: u64 = captures.filter_map(|it| it["packets"].as_u64()).sum();
    let hours = |device: &Value| {
        let time = |key: &str| word(device, key).parse::<jiff::Timestamp>().ok();
        let seconds = time("last_seen")?.duration_since(time("first_seen")?);
        // Few packets that were put together from days are no days that were watched.
        let watched = seconds.as_secs_f64().min(packets as f64 * 10.0);
        Some(watched / 3600.0)
    };
    Labelled {
        capture: capture.to_owned(),
        class: label.class.clone(),
        hosts: label.hosts.clone(),
        findings: list.iter().map(finding).collect(),
        device_hours: ours.filter_map(hours).sum(),
    }
}

impl Labelled {
    /// Whether something is found, info included, at a host that the label names; `None` where it
    /// names none by its address.
    fn is_told(&self) -> Option<bool> {
        let is_address = |host: &&String| host.parse::<std::net::IpAddr>().is_ok();
        let mut hosts = self.hosts.iter().filter(is_address).peekable();
        hosts.peek()?;
        let told: BTreeSet<&String> = self.findings.iter().flat_map(|it| &it.addresses).collect();
        Some(hosts.any(|host| told.contains(host)))
    }

    /// Its findings in short.
    fn told(&self) -> String {
        let told: BTreeSet<String> = self
            .findings
            .iter()
            .map(|it| format!("{} {}", it.rule, it.severity))
            .collect();
        match told.is_empty() {
            true => "none".to_owned(),
            false => told.into_iter().collect::<Vec<_>>().join(", "),
        }
    }
}

/// Captures that are labelled as an infection or an attack: what is found in each.
fn harmful(all: &[Labelled]) -> String {
    let mut text = String::from(
        "What is found in captures of infected hosts, of attacks, and of what a \
         policy forbids. *Host* says whether a finding is about a host that the label names by its \
         address; that is no statement on infection, which no rule makes: the rules look at \
         medical devices, and are silent or say info about computers, which these hosts are.\n\n\
         | capture | label | host | found |\n|---|---|---|---|\n",
    );
    for class in ["malicious", "attack", "policy"] {
        let of_class: Vec<&Labelled> = all.iter().filter(|it| it.class == class).collect();
        for one in &of_class {
            let host = match one.is_told() {
                Some(true) => "yes",
                Some(false) => "no",
                None => "",
            };
            let (capture, found) = (&one.capture, one.told());
            let _ = writeln!(text, "| `{capture}` | {class} | {host} | {found} |");
        }
        let judged: Vec<bool> = of_class.iter().filter_map(|it| it.is_told()).collect();
        let some = of_class.iter().filter(|it| it.told() != "none").count();
        let _ = writeln!(
            text,
            "| **{class}** | {} captures | {} of {} | something in {some} |",
            of_class.len(),
            judged.iter().filter(|told| **told).count(),
            judged.len(),
        );
    }
    text.push('\n');
    text
}

/// How long benign devices were seen, and what that allows to say.
fn watched(benign: &[&Labelled], told: u64) -> String {
    let (made, real): (Vec<&&Labelled>, Vec<_>) = benign
        .iter()
        .partition(|it| it.capture.starts_with("synthetic/"));
    let hours = |list: &[&&Labelled]| -> f64 { list.iter().map(|it| it.device_hours).sum() };
    let (made, real) = (hours(&made), hours(&real));
    let mut text = format!(
        "Devices of the site were seen for {real:.1} device-hours in real captures of homes and \
         laboratories, ten seconds a packet at most, and for {made:.1} in a made-up one. "
    );
    // Garwood's bound for nothing seen is -ln(0.05).
    let bound = match told {
        0 => format!(
            "With nothing told, the rate of false findings is below {:.0} in 1,000 device-hours \
             at 95 % by the real ones alone: too few hours to say that it is below one.",
            3.0 / real * 1000.0
        ),
        _ => "The rate is not bounded here: look at the list.".to_owned(),
    };
    text.push_str(&bound);
    text.push_str(" Networks of hospitals: not measured.\n\n");
    text
}

/// The section on labels.
pub(super) fn section(all: &[Labelled]) -> String {
    let mut text = String::from("## Findings on labelled captures\n\n");
    type Fired<'a> = BTreeMap<(&'a str, &'a str), u64>;
    let mut classes: BTreeMap<&str, (u64, Fired<'_>)> = BTreeMap::new();
    for one in all {
        let (captures, fired) = classes.entry(&one.class).or_default();
        *captures += 1;
        for found in &one.findings {
            *fired.entry((&found.rule, &found.severity)).or_default() += 1;
        }
    }
    text.push_str("| label | captures | findings: rule, severity, how many |\n|---|---|---|\n");
    for (class, (captures, fired)) in classes {
        let fired: Vec<String> = fired
            .iter()
            .map(|((rule, severity), count)| format!("{rule} {severity} {count}"))
            .collect();
        let fired = match fired.is_empty() {
            true => "none".to_owned(),
            false => fired.join(", "),
        };
        let _ = writeln!(text, "| {class} | {captures} | {fired} |");
    }
    text.push('\n');
    let benign: Vec<&Labelled> = all.iter().filter(|one| one.class == "benign").collect();
    let mut told = 0;
    let mut lines = String::new();
    for one in &benign {
        for found in &one.findings {
            let is_excepted = EXCEPTED.contains(&found.rule.as_str());
            if TELLING.contains(&found.severity.as_str()) && !is_excepted {
                told += 1;
                let _ = writeln!(
                    lines,
                    "- `{}`: {}, {}, {:.2}: {}",
                    one.capture, found.rule, found.severity, found.confidence, found.title
                );
            }
        }
    }
    let excepted = match EXCEPTED.is_empty() {
        true => "none".to_owned(),
        false => EXCEPTED.join(", "),
    };
    let _ = writeln!(
        text,
        "Findings of medium or above on the {} benign captures: {told} (rules excepted: \
         {excepted}).\n",
        benign.len()
    );
    if !lines.is_empty() {
        text.push_str(&lines);
        text.push('\n');
    }
    text.push_str(&watched(&benign, told));
    text.push_str(&harmful(all));
    text
}
