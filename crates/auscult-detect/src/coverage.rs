//! The fixed questions that every report answers, and where the captures were taken.

use auscult_model::report::{CapturePoint, Coverage, Finding};

use crate::Context;

/// Answers the fixed questions.
pub fn coverage(_context: &Context<'_>, _findings: &[Finding]) -> Vec<Coverage> {
    Vec::new()
}

/// Where each capture was taken, as inferred.
pub fn capture_points(context: &Context<'_>) -> Vec<CapturePoint> {
    context
        .captures
        .iter()
        .map(|_| CapturePoint::Unknown)
        .collect()
}
