//! Which findings are new, gone, or of another severity.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;

use auscult_model::report::{Finding, Report};

use super::alike::Pairs;
use super::{FindingBrief, FindingChange, Findings};

fn brief(finding: &Finding) -> FindingBrief {
    FindingBrief {
        id: finding.id.clone(),
        rule: finding.rule.to_string(),
        severity: finding.severity,
        confidence: finding.confidence,
        title: finding.title.clone(),
        devices: finding.devices.clone(),
        open: finding.is_open(),
    }
}

/// By which a finding of the other report may be found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Sign<'r> {
    /// Its id or an alias.
    Alias(&'r str),
    /// What it is about: rule, peer, ids of the devices in the first report.
    Subject(&'r str, Option<IpAddr>, BTreeSet<&'r str>),
}

/// The findings of the first report by one kind of sign; a sign of several is none.
fn index<'r>(
    findings: &[&'r Finding],
    signs: impl Fn(&'r Finding) -> Vec<Sign<'r>>,
) -> BTreeMap<Sign<'r>, usize> {
    let mut index: BTreeMap<Sign<'r>, Option<usize>> = BTreeMap::new();
    for (place, finding) in findings.iter().enumerate() {
        for sign in signs(finding) {
            let known = index.entry(sign).or_insert(Some(place));
            if *known != Some(place) {
                *known = None;
            }
        }
    }
    index
        .into_iter()
        .filter_map(|(sign, place)| place.map(|place| (sign, place)))
        .collect()
}

fn aliases(finding: &Finding) -> Vec<Sign<'_>> {
    let all = std::iter::once(&finding.id).chain(&finding.aliases);
    all.map(|id| Sign::Alias(id)).collect()
}

fn subject<'r>(finding: &'r Finding, then: impl Fn(&'r str) -> Option<&'r str>) -> Vec<Sign<'r>> {
    let devices: Option<BTreeSet<&str>> = finding.devices.iter().map(|id| then(id)).collect();
    match devices {
        Some(devices) if !devices.is_empty() => {
            vec![Sign::Subject(&finding.rule, finding.peer, devices)]
        }
        _ => Vec::new(),
    }
}

fn sorted(findings: &[Finding]) -> Vec<&Finding> {
    let mut findings: Vec<&Finding> = findings.iter().collect();
    findings.sort_by(|a, b| a.id.cmp(&b.id));
    findings
}

/// Compares the findings; worst first.
pub(super) fn between(pairs: &Pairs<'_>, before: &Report, after: &Report) -> Findings {
    let (old, new) = (sorted(&before.findings), sorted(&after.findings));
    let ids_then = pairs.ids_then();
    let mut taken = vec![false; old.len()];
    let mut was: Vec<Option<usize>> = vec![None; new.len()];
    // Equal ids first, so that nobody else takes their partner. A written report may give an id to
    // several: the first goes with the first.
    let mut then: BTreeMap<&str, VecDeque<usize>> = BTreeMap::new();
    for (place, finding) in old.iter().enumerate() {
        then.entry(&finding.id).or_default().push_back(place);
    }
    for (now, was) in new.iter().zip(&mut was) {
        let place = then.get_mut(now.id.as_str()).and_then(VecDeque::pop_front);
        if let Some(taken) = place.and_then(|place| taken.get_mut(place)) {
            *taken = true;
            *was = place;
        }
    }
    let indices = [
        index(&old, aliases),
        index(&old, |finding| subject(finding, Some)),
    ];
    for (way, index) in indices.iter().enumerate() {
        for (now, was) in new.iter().zip(&mut was) {
            if was.is_some() {
                continue;
            }
            let signs = match way {
                0 => aliases(now),
                _ => subject(now, |id| ids_then.get(id).copied()),
            };
            let found = signs.iter().find_map(|sign| {
                let place = index.get(sign).copied()?;
                let then = old.get(place)?;
                (taken.get(place) == Some(&false) && then.rule == now.rule).then_some(place)
            });
            if let Some(taken) = found.and_then(|place| taken.get_mut(place)) {
                *taken = true;
                *was = found;
            }
        }
    }
    let joined = |then: &Finding, now: &Finding| -> Vec<String> {
        let before: BTreeSet<&str> = then.devices.iter().map(String::as_str).collect();
        let is_new = |id: &&String| {
            // A report may list not all of its devices.
            let then = ids_then.get(id.as_str()).copied().unwrap_or(id.as_str());
            !before.contains(then)
        };
        now.devices.iter().filter(is_new).cloned().collect()
    };
    let mut findings = told(&old, &new, &was, joined);
    let gone = old.iter().zip(&taken).filter(|(_, taken)| !**taken);
    findings.gone = gone.map(|(finding, _)| brief(finding)).collect();
    findings.gone.sort_by(worst);
    findings
}

/// Worst first.
fn worst(a: &FindingBrief, b: &FindingBrief) -> std::cmp::Ordering {
    b.severity.cmp(&a.severity).then_with(|| a.id.cmp(&b.id))
}

/// What is new and what changed.
fn told(
    old: &[&Finding],
    new: &[&Finding],
    was: &[Option<usize>],
    joined: impl Fn(&Finding, &Finding) -> Vec<String>,
) -> Findings {
    let mut findings = Findings {
        new: Vec::new(),
        gone: Vec::new(),
        changed: Vec::new(),
        alike: 0,
    };
    for (now, was) in new.iter().zip(was) {
        let Some(then) = was.and_then(|place| old.get(place)) else {
            findings.new.push(brief(now));
            continue;
        };
        let joined = joined(then, now);
        if then.severity == now.severity && joined.is_empty() {
            findings.alike += 1;
            continue;
        }
        findings.changed.push(FindingChange {
            finding: brief(now),
            was: then.severity,
            reasons: now.reasons.clone(),
            joined,
        });
    }
    findings.new.sort_by(worst);
    findings
        .changed
        .sort_by(|a, b| worst(&a.finding, &b.finding));
    findings
}
