//! What fires on the labelled captures.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::Result;
use serde_json::Value;

/// Rules that may fire on a benign capture: what they say is true of it, and not of infection.
const EXCEPTED: &[&str] = &[];

/// Findings at or above medium are what a benign capture must not have.
const TELLING: &[&str] = &["medium", "high", "critical"];

/// A labelled capture with what the program finds in it.
pub(super) struct Labelled {
    pub(super) capture: String,
    pub(super) class: String,
    /// Rule, severity, confidence and title of each finding.
    pub(super) findings: Vec<(String, String, f64, String)>,
}

/// Labels by capture.
pub(super) fn labels(folder: &Path) -> Result<BTreeMap<String, String>> {
    let text = std::fs::read_to_string(folder.join("labels.jsonl"))?;
    let mut labels = BTreeMap::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line)?;
        let word = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
        labels.insert(word("capture"), word("cls"));
    }
    Ok(labels)
}

/// Analyses one labelled capture.
pub(super) fn findings(program: &Path, path: &Path) -> Result<Vec<(String, String, f64, String)>> {
    let Some(report) = super::report(program, path)? else {
        return Ok(Vec::new());
    };
    let list = report["findings"].as_array().cloned().unwrap_or_default();
    let word = |finding: &Value, key: &str| finding[key].as_str().unwrap_or_default().to_owned();
    let finding = |finding: &Value| {
        (
            word(finding, "rule"),
            word(finding, "severity"),
            finding["confidence"].as_f64().unwrap_or_default(),
            word(finding, "title"),
        )
    };
    Ok(list.iter().map(finding).collect())
}

/// The section on labels.
pub(super) fn section(all: &[Labelled]) -> String {
    let mut text = String::from("## Findings on labelled captures\n\n");
    type Fired<'a> = BTreeMap<(&'a str, &'a str), u64>;
    let mut classes: BTreeMap<&str, (u64, Fired<'_>)> = BTreeMap::new();
    for one in all {
        let (captures, fired) = classes.entry(&one.class).or_default();
        *captures += 1;
        for (rule, severity, _, _) in &one.findings {
            *fired.entry((rule, severity)).or_default() += 1;
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
        for (rule, severity, confidence, title) in &one.findings {
            let is_excepted = EXCEPTED.contains(&rule.as_str());
            if TELLING.contains(&severity.as_str()) && !is_excepted {
                told += 1;
                let capture = &one.capture;
                let _ = writeln!(
                    lines,
                    "- `{capture}`: {rule}, {severity}, {confidence:.2}: {title}"
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
    text
}
