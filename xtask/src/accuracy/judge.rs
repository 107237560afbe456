//! Who agrees with whom: recall by protocol, names that nobody else gives, and what a person found
//! in the bytes where programs disagree.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};

use super::flow::{Key, Seen};

/// Disagreements that were looked at, one a line: capture, conversation, name, who is right, why.
/// `*` for the conversation: each of the capture was looked at, and all are alike.
const JUDGED: &str = include_str!("judged.tsv");

/// What one protocol's row counts against one program.
#[derive(Clone, Default)]
pub(super) struct Count {
    pub(super) flows: u64,
    pub(super) named: u64,
    /// Flows that the other program names wrongly, by their bytes.
    pub(super) excused: u64,
    /// What we said instead, how often.
    pub(super) instead: BTreeMap<String, u64>,
}

impl Count {
    /// Named flows of those that are what they are called.
    pub(super) fn recall(&self) -> Option<f64> {
        let flows = self.flows - self.excused;
        (flows > 0).then(|| self.named as f64 / flows as f64)
    }

    /// Named flows of all.
    pub(super) fn raw_recall(&self) -> Option<f64> {
        (self.flows > 0).then(|| self.named as f64 / self.flows as f64)
    }
}

/// A name of ours that nobody else gives.
pub(super) struct Alone {
    pub(super) capture: String,
    pub(super) key: String,
    pub(super) name: String,
    /// Whether the bytes bear it out; `None`: nobody looked.
    pub(super) right: Option<bool>,
    pub(super) why: String,
}

/// All results over flows.
#[derive(Default)]
pub(super) struct Verdicts {
    /// By protocol: against nDPI, against tshark.
    pub(super) rows: BTreeMap<&'static str, [Count; 2]>,
    /// Conversations over TCP, UDP and SCTP that we name.
    pub(super) named: u64,
    pub(super) alone: Vec<Alone>,
    /// Every miss: program, row, capture, conversation, what we said.
    pub(super) misses: Vec<String>,
}

type Judged = BTreeMap<(String, String, String), (String, String)>;

fn judged() -> Result<Judged> {
    let mut judged = Judged::new();
    for line in JUDGED.lines().filter(|line| !line.starts_with('#')) {
        let cells: Vec<&str> = line.split('\t').collect();
        let [capture, key, name, verdict, why] = cells[..] else {
            bail!("judged.tsv: five cells a line: {line}");
        };
        if !["right", "wrong", "theirs-wrong", "within"].contains(&verdict) {
            bail!("judged.tsv: {verdict} is no verdict");
        }
        let place = (capture.into(), key.into(), name.into());
        judged.insert(place, (verdict.into(), why.into()));
    }
    Ok(judged)
}

/// Counts over all captures.
pub(super) fn judge(all: &[Seen]) -> Result<Verdicts> {
    let judged = judged()?;
    let mut verdicts = Verdicts::default();
    for seen in all {
        for (which, said) in [&seen.ndpi, &seen.tshark].into_iter().enumerate() {
            for (key, names) in said {
                let ours = seen.ours.get(key);
                let is_named = ours.is_some_and(|ours| agree(ours, names));
                let rows: BTreeSet<&str> = names.iter().map(|names| names[0]).collect();
                for row in rows {
                    let count = &mut verdicts.rows.entry(row).or_default()[which];
                    count.flows += 1;
                    if is_named {
                        count.named += 1;
                        continue;
                    }
                    let verdict = found(&judged, seen, key, row);
                    let verdict = verdict.map(|(verdict, _)| verdict.as_str());
                    let is_excused = matches!(verdict, Some("theirs-wrong" | "within"));
                    if is_excused || seen.damaged.contains(key) {
                        count.excused += 1;
                        continue;
                    }
                    let instead = match ours {
                        None => "no such conversation".to_owned(),
                        Some(ours) => joined(ours),
                    };
                    let program = ["ndpi", "tshark"][which];
                    let capture = &seen.capture;
                    verdicts
                        .misses
                        .push(format!("{program}\t{row}\t{capture}\t{key}\t{instead}"));
                    *count.instead.entry(instead).or_default() += 1;
                }
            }
        }
        alone(seen, &judged, &mut verdicts);
    }
    verdicts.misses.sort();
    Ok(verdicts)
}

fn alone(seen: &Seen, judged: &Judged, verdicts: &mut Verdicts) {
    for (key, ours) in &seen.ours {
        if !matches!(key.transport.as_str(), "tcp" | "udp" | "sctp") {
            continue;
        }
        for name in ours.iter().filter(|name| *name != "unknown") {
            verdicts.named += 1;
            let theirs = [&seen.ndpi, &seen.tshark];
            let mut said = theirs.iter().filter_map(|said| said.get(key)).flatten();
            if said.any(|names| names.contains(&name.as_str())) {
                continue;
            }
            let found = found(judged, seen, key, name);
            verdicts.alone.push(Alone {
                capture: seen.capture.clone(),
                key: key.to_string(),
                name: name.clone(),
                right: found.map(|(verdict, _)| verdict == "right"),
                why: found.map(|(_, why)| why.clone()).unwrap_or_default(),
            });
        }
    }
}

/// What was found of one conversation's name, or of all of its capture.
fn found<'a>(
    judged: &'a Judged,
    seen: &Seen,
    key: &Key,
    name: &str,
) -> Option<&'a (String, String)> {
    [key.to_string(), "*".to_owned()]
        .into_iter()
        .find_map(|key| judged.get(&(seen.capture.clone(), key, name.to_owned())))
}

fn agree(ours: &BTreeSet<String>, theirs: &[&[&str]]) -> bool {
    theirs
        .iter()
        .flat_map(|names| names.iter())
        .any(|name| ours.contains(*name))
}

fn joined(names: &BTreeSet<String>) -> String {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    names.join("+")
}
