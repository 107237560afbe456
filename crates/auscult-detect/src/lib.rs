//! Detectors: folds over events that conclude what is wrong.
//!
//! To add one: write its file with its record and cases, add a line to [`ALL`]. A detector sees
//! meanings and declared attributes, never a protocol's types, and draws its conclusions from
//! facts that merge in any order.

mod contract;
mod coverage;
mod draft;
mod grade;
mod points;
mod rules;
#[cfg(test)]
mod scene;
mod view;
mod words;

pub use contract::{Context, Detector, Fact, FactKey, Facts, RuleRecord};
pub use coverage::coverage;
pub use points::capture_points;
pub use rules::ALL;
pub use view::View;
pub use words::call_name;

use std::collections::BTreeSet;

use auscult_model::Event;
use auscult_model::report::Finding;

/// Lets every detector see an event.
pub fn observe(event: &Event, facts: &mut Facts) {
    for detector in ALL {
        detector.observe(event, facts);
    }
}

/// What all detectors conclude, worst first.
pub fn conclude(facts: &Facts, context: &Context<'_>) -> Vec<Finding> {
    let view = View::new(context);
    let mut findings: Vec<Finding> = ALL
        .iter()
        .flat_map(|detector| detector.conclude(facts, &view))
        .collect();
    findings.sort_by(|a, b| {
        (b.severity, b.confidence.to_bits())
            .cmp(&(a.severity, a.confidence.to_bits()))
            .then_with(|| (a.rule, &a.id).cmp(&(b.rule, &b.id)))
    });
    shorten_ids(&mut findings);
    findings
}

/// Hexadecimal digits of an id that nothing else needs.
const ID_DIGITS: usize = 8;

/// Cuts ids to a length that a person can type; the few that would then be alike stay longer.
fn shorten_ids(findings: &mut [Finding]) {
    let short = |id: &str| id.get(.."F-".len() + ID_DIGITS).unwrap_or(id).to_owned();
    let mut seen = BTreeSet::new();
    let mut alike = BTreeSet::new();
    for finding in findings.iter() {
        if !seen.insert(short(&finding.id)) {
            alike.insert(short(&finding.id));
        }
    }
    for finding in findings {
        let id = short(&finding.id);
        if !alike.contains(&id) {
            finding.id = id;
        }
        for alias in &mut finding.aliases {
            *alias = short(alias);
        }
    }
}
