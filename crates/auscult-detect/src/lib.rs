//! Detectors: folds over events that conclude what is wrong.
//!
//! To add one: write its file with its record and cases, add a line to [`ALL`]. A detector sees
//! meanings and declared attributes, never a protocol's types, and draws its conclusions from
//! facts that merge in any order.

mod contract;
mod coverage;

pub use contract::{Context, Detector, Fact, FactKey, Facts, RuleRecord};
pub use coverage::{capture_points, coverage};

use auscult_model::Event;
use auscult_model::report::Finding;

/// Every detector, in alphabetical order of its rule.
pub static ALL: &[&dyn Detector] = &[];

/// Lets every detector see an event.
pub fn observe(event: &Event, facts: &mut Facts) {
    for detector in ALL {
        detector.observe(event, facts);
    }
}

/// What all detectors conclude, worst first.
pub fn conclude(facts: &Facts, context: &Context<'_>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = ALL
        .iter()
        .flat_map(|detector| detector.conclude(facts, context))
        .collect();
    findings.sort_by(|a, b| {
        (b.severity, b.confidence.to_bits())
            .cmp(&(a.severity, a.confidence.to_bits()))
            .then_with(|| (a.rule, &a.id).cmp(&(b.rule, &b.id)))
    });
    findings
}
