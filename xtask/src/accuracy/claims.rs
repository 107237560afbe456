//! Claims of great confidence beside the frame that they came from, as tshark shows it.
//!
//! A claim of 0.9 or more is something that a device says of itself. It is right when tshark shows
//! its value in that frame, and the frame was sent, or received where the protocol speaks of the
//! other side, by the device that it is claimed of.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::devices::share;

/// Confidence from which claims are looked at.
const SURE: f64 = 0.9;

/// Attributes whose values are words of ours for numbers or parts of the frame.
const OURS: &[&str] = &["cdp_capabilities", "lldp_capabilities"];

/// Answers for one source.
#[derive(Default)]
struct Answers {
    right: u64,
    wrong: Vec<String>,
    /// In words of ours, or without a frame.
    not_judged: u64,
}

/// Answers by source.
#[derive(Default)]
pub(super) struct Claims(BTreeMap<String, Answers>);

impl Claims {
    /// Judges the claims of a report on one capture.
    pub(super) fn judge(&mut self, capture: &str, path: &Path, report: &Value) -> Result<()> {
        for device in report["devices"].as_array().into_iter().flatten() {
            for claim in device["claims"].as_array().into_iter().flatten() {
                let confidence = claim["confidence"].as_f64().unwrap_or_default();
                if confidence >= SURE {
                    self.one(capture, path, device, claim)?;
                }
            }
        }
        Ok(())
    }

    fn one(&mut self, capture: &str, path: &Path, device: &Value, claim: &Value) -> Result<()> {
        let word = |key: &str| claim[key].as_str().unwrap_or_default();
        let (attribute, value) = (word("attribute"), word("value"));
        let answers = self.0.entry(word("source").to_owned()).or_default();
        let packets = claim["evidence"].as_array().into_iter().flatten();
        let packets: Vec<u64> = packets.filter_map(|it| it["packet"].as_u64()).collect();
        if OURS.contains(&attribute) || packets.is_empty() {
            answers.not_judged += 1;
            return Ok(());
        }
        let mut is_right = false;
        for packet in packets {
            let shown = shown(path, packet)?;
            is_right |= has(&shown, value) && is_of(&shown, device);
        }
        match is_right {
            true => answers.right += 1,
            false => {
                let id = device["id"].as_str().unwrap_or_default();
                let line = format!("`{capture}` {id}: {attribute} {value}");
                answers.wrong.push(line);
            }
        }
        Ok(())
    }

    /// The section.
    pub(super) fn section(&self) -> Result<String> {
        let mut text = String::from(
            "Claims of every kind from 0.9 on, in all captures of the collection, against what \
             tshark shows of the frame that each rests on: the value stands there, and the frame \
             is one of the device's. Not judged are values in words of ours.\n\n\
             | source | claims | right | not judged | share |\n|---|---|---|---|---|\n",
        );
        let (mut right, mut wrong) = (0, Vec::new());
        for (source, answers) in &self.0 {
            let claims = answers.right + answers.wrong.len() as u64;
            writeln!(
                text,
                "| {source} | {claims} | {} | {} | {} |",
                answers.right,
                answers.not_judged,
                share(answers.right, claims)
            )?;
            right += answers.right;
            wrong.extend(&answers.wrong);
        }
        let claims = right + wrong.len() as u64;
        let share = share(right, claims);
        writeln!(text, "\nTogether {right} of {claims}, {share}.\n")?;
        for line in &wrong {
            writeln!(text, "- {line}")?;
        }
        text.push('\n');
        Ok(text)
    }
}

/// Everything that tshark shows of a frame.
fn shown(path: &Path, packet: u64) -> Result<String> {
    let output = Command::new("tshark")
        .args(["-n", "-V", "-c"])
        .arg(packet.to_string())
        .arg("-Y")
        .arg(format!("frame.number == {packet}"))
        .arg("-r")
        .arg(path)
        .output()
        .context("tshark")?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Letters and digits alone: tshark writes octets with colons, and breaks lines its own way.
fn plain(text: &str) -> String {
    let text = text.replace("\\n", " ").replace("\\r", " ");
    let letters = text.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

fn has(shown: &str, value: &str) -> bool {
    let (shown, value) = (plain(shown), plain(value));
    !value.is_empty() && shown.contains(&value)
}

/// One of the device's addresses is one of the frame's.
fn is_of(shown: &str, device: &Value) -> bool {
    let list = |key: &str| device[key].as_array().into_iter().flatten();
    let mut addresses = list("macs").chain(list("ips")).filter_map(Value::as_str);
    addresses.any(|address| shown.contains(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_compared_by_letters_and_digits() {
        let shown = "  System Name: Summit-300\n  Engine ID: 80:00:1f:88\n";
        assert!(has(shown, "summit-300") && has(shown, "80001f88"));
        assert!(!has(shown, "summit-301") && !has(shown, ""));
    }
}
