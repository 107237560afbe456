//! Devices of real captures whose kind is known: roles, makers and systems, and how often what is
//! claimed with some confidence is right.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// Capture, device, role, maker, system; `#` begins a comment.
const LABELS: &str = include_str!("devices.tsv");
/// Confidence from which a claim has to be right.
const SURE: f64 = 0.9;
/// Quantile of the normal distribution for intervals of 95 %.
const Z: f64 = 1.96;

/// What is known of one device.
struct Label<'a> {
    capture: &'a str,
    device: &'a str,
    /// Role, maker, system.
    right: [&'a str; 3],
}

const ATTRIBUTES: [&str; 3] = ["role", "maker", "system"];

/// Answers to one question.
#[derive(Default)]
struct Answers {
    labelled: u64,
    right: u64,
    wrong: Vec<String>,
    none: u64,
}

/// The section.
pub(super) fn section(program: &Path, folder: &Path) -> Result<String> {
    let labels: Vec<Label<'_>> = LABELS
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(label)
        .collect::<Result<_>>()?;
    let mut answers: [Answers; 3] = Default::default();
    // By tenth of confidence: claims, right ones.
    let mut tenths: BTreeMap<usize, [u64; 2]> = BTreeMap::new();
    let mut sure = [0, 0];
    let captures: BTreeSet<&str> = labels.iter().map(|label| label.capture).collect();
    for capture in captures {
        let devices = devices(program, &folder.join(capture))?;
        for label in labels.iter().filter(|label| label.capture == capture) {
            let device = devices
                .iter()
                .find(|device| names(device).any(|name| name == label.device));
            for (which, answers) in answers.iter_mut().enumerate() {
                let right = label.right[which];
                if right.is_empty() {
                    continue;
                }
                answers.labelled += 1;
                let Some((said, confidence)) = device.and_then(|device| said(device, which)) else {
                    answers.none += 1;
                    continue;
                };
                let is_right = match which {
                    0 => said == right,
                    _ => said.to_lowercase().contains(&right.to_lowercase()),
                };
                let Label {
                    capture, device, ..
                } = label;
                match is_right {
                    true => answers.right += 1,
                    false => answers.wrong.push(format!(
                        "`{capture}` {device}: {} {said} ({confidence:.2}) for {right}",
                        ATTRIBUTES[which]
                    )),
                }
                let tenth = tenths.entry((confidence * 10.0) as usize).or_default();
                tenth[0] += 1;
                tenth[1] += u64::from(is_right);
                if confidence >= SURE {
                    sure[0] += 1;
                    sure[1] += u64::from(is_right);
                }
            }
        }
    }
    written(&labels, &answers, &tenths, sure)
}

fn written(
    labels: &[Label<'_>],
    answers: &[Answers; 3],
    tenths: &BTreeMap<usize, [u64; 2]>,
    sure: [u64; 2],
) -> Result<String> {
    let mut text = String::from("## Devices and roles\n\n");
    writeln!(
        text,
        "{} devices of real captures whose kind is known from the capture's name, its \
         description or their own words (`xtask/src/accuracy/devices.tsv`). *None*: nothing is \
         claimed, or the device is not listed. The labels outside of iot-sentinel were made from \
         devices that the program had given a role, so that the shares of roles are flattered; \
         of the 25 devices under test in iot-sentinel none gets a role, of their 23 gateways 22 \
         the right one. Signatures are written by hand from standards and documents, none is \
         fitted to these captures, so that there is no family to leave out. The maker is that of \
         the network card as a claim says it, which a device with a bought module does not \
         share.\n\n\
         | of | labelled | right | wrong | none | right of those claimed |\n\
         |---|---|---|---|---|---|",
        labels.len()
    )?;
    for (attribute, answers) in ATTRIBUTES.iter().zip(answers) {
        let wrong = answers.wrong.len() as u64;
        writeln!(
            text,
            "| {attribute} | {} | {} | {wrong} | {} | {} |",
            answers.labelled,
            answers.right,
            answers.none,
            share(answers.right, answers.right + wrong)
        )?;
    }
    text.push_str(
        "\nHow often a claim is right, by its confidence (95 % interval of Wilson):\n\n\
         | confidence | claims | right | share |\n|---|---|---|---|\n",
    );
    for (tenth, [claims, right]) in tenths {
        let from = *tenth as f64 / 10.0;
        let share = share(*right, *claims);
        writeln!(
            text,
            "| {from:.1} to {:.1} | {claims} | {right} | {share} |",
            from + 0.1
        )?;
    }
    let [claims, right] = sure;
    match claims {
        0 => writeln!(
            text,
            "\nNo role, maker or system was claimed with a confidence of {SURE} or more: of those \
             nothing is measured here."
        )?,
        _ => writeln!(
            text,
            "\nFrom {SURE} on: {right} of {claims}, {}.",
            share(right, claims)
        )?,
    }
    text.push('\n');
    for line in answers.iter().flat_map(|answers| &answers.wrong) {
        writeln!(text, "- {line}")?;
    }
    text.push('\n');
    Ok(text)
}

fn label(line: &str) -> Result<Label<'_>> {
    let cells: Vec<&str> = line.split('\t').collect();
    let [capture, device, role, maker, system] = cells[..] else {
        bail!("devices.tsv: five cells a line: {line}");
    };
    Ok(Label {
        capture,
        device,
        right: [role, maker, system],
    })
}

fn devices(program: &Path, path: &Path) -> Result<Vec<Value>> {
    let report = super::report(program, path)?;
    let report = report.with_context(|| path.display().to_string())?;
    Ok(report["devices"].as_array().cloned().unwrap_or_default())
}

/// All names that a device answers to.
fn names(device: &Value) -> impl Iterator<Item = &str> {
    let aliases = device["aliases"].as_array().into_iter().flatten();
    std::iter::once(&device["id"])
        .chain(aliases)
        .filter_map(Value::as_str)
}

/// What is said of a device, and how sure.
fn said(device: &Value, which: usize) -> Option<(String, f64)> {
    let claim = |attribute: &str| {
        let claims = device["claims"].as_array()?.iter();
        let claims = claims.filter(|claim| claim["attribute"] == attribute);
        let of = |claim: &Value| {
            Some((
                claim["value"].as_str()?.to_owned(),
                claim["confidence"].as_f64()?,
            ))
        };
        claims.filter_map(of).max_by(|a, b| a.1.total_cmp(&b.1))
    };
    match which {
        0 => {
            let role = device["role"].as_str().filter(|role| *role != "unknown")?;
            Some((role.to_owned(), device["confidence"].as_f64()?))
        }
        1 => claim("vendor").or_else(|| claim("mac_vendor")),
        _ => claim("os"),
    }
}

/// A share with its interval.
pub(super) fn share(right: u64, all: u64) -> String {
    if all == 0 {
        return "none".to_owned();
    }
    let (low, high) = wilson(right as f64, all as f64);
    format!("{:.2} ({low:.2} to {high:.2})", right as f64 / all as f64)
}

/// Bounds of the score interval of Wilson.
fn wilson(right: f64, all: f64) -> (f64, f64) {
    let share = right / all;
    let middle = share + Z * Z / (2.0 * all);
    let half = Z * (share * (1.0 - share) / all + Z * Z / (4.0 * all * all)).sqrt();
    let scale = 1.0 + Z * Z / all;
    ((middle - half).max(0.0) / scale, (middle + half) / scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_those_of_wilson() {
        let (low, high) = wilson(10.0, 10.0);
        assert!((low - 0.722).abs() < 0.001 && (high - 1.0).abs() < 1e-9);
        assert_eq!(share(0, 0), "none");
    }

    #[test]
    fn labels_have_five_cells() {
        let lines = LABELS.lines().filter(|line| !line.starts_with('#'));
        assert!(lines.map(label).all(|label| label.is_ok()));
    }
}
