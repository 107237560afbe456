//! What people decided and said, put into a report.

use std::collections::BTreeMap;

use auscult_model::Timestamp;
use auscult_model::report::{Claim, Decision, Device, Report, Role};

use crate::{Case, Status, UserWord};

/// Puts decisions beside the findings that they are about. A decision on a whole rule holds for
/// findings without one of their own.
pub fn apply_cases(report: &mut Report, cases: &[Case], now: Timestamp) {
    let own: BTreeMap<&str, &Case> = cases.iter().map(|case| (&*case.finding, case)).collect();
    let of_rule: BTreeMap<&str, &Case> = cases
        .iter()
        .filter(|case| case.triage.whole_rule)
        .map(|case| (&*case.rule, case))
        .collect();
    for finding in &mut report.findings {
        let names = std::iter::once(&finding.id).chain(&finding.aliases);
        let case = names
            .filter_map(|name| own.get(name.as_str()))
            .max_by_key(|case| case.changed)
            .or_else(|| of_rule.get(&*finding.rule));
        finding.decision = case.map(|case| decision(case, finding.last_seen, now));
    }
}

fn decision(case: &Case, last_seen: Option<Timestamp>, now: Timestamp) -> Decision {
    let triage = &case.triage;
    let is_over = triage.until.is_some_and(|until| until <= now);
    let (status, is_open) = match triage.status {
        // Captures may be taken in long after they were made: what counts is what was known.
        Status::Closed if last_seen > case.seen.or(Some(case.changed)) => {
            ("seen-again".to_owned(), true)
        }
        Status::Accepted if is_over => ("expired".to_owned(), true),
        Status::Accepted | Status::Closed => (triage.status.to_string(), false),
        Status::Open | Status::Acknowledged => (triage.status.to_string(), true),
    };
    Decision {
        status,
        is_open,
        until: triage.until,
        reason: triage.reason.clone(),
        at: Some(case.changed),
    }
}

/// Puts the user's word into devices: it is a claim like others, and wins where it is shown.
pub fn apply_words(report: &mut Report, words: &[UserWord]) {
    let mut of: BTreeMap<&str, Vec<&UserWord>> = BTreeMap::new();
    for word in words {
        of.entry(&word.device).or_default().push(word);
    }
    if of.is_empty() {
        return;
    }
    for device in &mut report.devices {
        let names: Vec<String> = std::iter::once(&device.id)
            .chain(&device.aliases)
            .cloned()
            .collect();
        // The last one set is shown: that of the device itself.
        for word in names
            .iter()
            .rev()
            .filter_map(|name| of.get(name.as_str()))
            .flatten()
        {
            set(device, word);
        }
    }
}

fn set(device: &mut Device, word: &UserWord) {
    let value = Some(word.value.clone());
    match word.attribute.as_str() {
        "role" => {
            if let Some(role) = Role::from_word(&word.value) {
                device.role = role;
                device.confidence = 1.0;
            }
        }
        "vendor" => device.vendor = value,
        "model" => device.model = value,
        "serial" => device.serial = value,
        "name" | "hostname" => device.hostname = value,
        "bed" => device.bed = value,
        "unit" => device.unit = value,
        _ => {}
    }
    let claim = Claim {
        attribute: word.attribute.clone(),
        value: word.value.clone(),
        confidence: 1.0,
        source: "user".to_owned(),
        evidence: Vec::new(),
    };
    device.claims.insert(0, claim);
}
