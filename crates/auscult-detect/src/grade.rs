//! How bad a finding is: a severity with its reasons, and the caps that all rules share.
//!
//! Severity is harm if true; how sure it is stands beside it. The caps keep a weak proof from
//! waking people at night.

use std::net::IpAddr;

use auscult_model::report::Severity;

use crate::View;
use crate::words::percent;

/// Below this confidence nothing is worse than medium.
const SURE: f32 = 0.7;

/// A severity, with what raised and what capped it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Grade {
    pub(crate) severity: Severity,
    pub(crate) reasons: Vec<String>,
    /// Losses or one-sidedness of the capture lowered it.
    pub(crate) weakened_by_loss: bool,
}

impl Grade {
    pub(crate) fn new(severity: Severity, reason: impl Into<String>) -> Self {
        Grade {
            severity,
            reasons: vec![reason.into()],
            weakened_by_loss: false,
        }
    }

    /// Says something that does not change the severity.
    pub(crate) fn note(&mut self, reason: impl Into<String>) {
        self.reasons.push(reason.into());
    }

    /// At least `least`; the reason is told in any case.
    pub(crate) fn raise(&mut self, least: Severity, reason: impl Into<String>) {
        self.severity = self.severity.max(least);
        self.reasons.push(reason.into());
    }

    /// At most `most`; the reason is told when that lowers it.
    pub(crate) fn cap(&mut self, most: Severity, reason: impl Into<String>) {
        if self.severity > most {
            self.severity = most;
            self.reasons.push(reason.into());
        }
    }

    /// Too little is sure.
    pub(crate) fn cap_by_confidence(&mut self, confidence: f32) {
        if confidence < SURE {
            let reason = format!("only {} sure", percent(confidence));
            self.cap(Severity::Medium, reason);
        }
    }

    /// The capture lost packets or saw one direction, and no payload proves the point.
    pub(crate) fn cap_by_loss(&mut self, view: &View<'_>, one_sided: bool, payload_proves: bool) {
        let reason = match (view.is_lossy(), one_sided) {
            (true, _) => "more than 1 % of the packets are missing",
            (false, true) => "only one direction was captured",
            (false, false) => return,
        };
        self.weakened_by_loss = true;
        if !payload_proves {
            self.cap(Severity::High, reason);
        }
    }

    /// Everything happens in networks of guests or of test benches.
    pub(crate) fn cap_by_network(&mut self, view: &View<'_>, local: &[IpAddr]) {
        if let Some(why) = view.inventory.options().for_information(local) {
            self.cap(Severity::Info, why);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::Scene;

    fn graded(lossy: bool, change: impl FnOnce(&mut Grade, &View<'_>)) -> Grade {
        let mut scene = Scene::new();
        scene.health.loss_ppm = if lossy { 20_000 } else { 9_000 };
        scene.look(|context| {
            let mut grade = Grade::new(Severity::Critical, "harm");
            change(&mut grade, &View::new(context));
            grade
        })
    }

    #[test]
    fn losses_cap_at_high_unless_payload_proves_it() {
        let grade = graded(true, |grade, view| grade.cap_by_loss(view, false, false));
        assert_eq!(grade.severity, Severity::High);
        assert_eq!(grade.reasons.len(), 2);
        let grade = graded(true, |grade, view| grade.cap_by_loss(view, false, true));
        assert_eq!(
            (grade.severity, grade.weakened_by_loss),
            (Severity::Critical, true)
        );
        let grade = graded(false, |grade, view| grade.cap_by_loss(view, true, false));
        assert_eq!(grade.severity, Severity::High);
        let grade = graded(false, |grade, view| grade.cap_by_loss(view, false, false));
        assert_eq!(
            (grade.severity, grade.weakened_by_loss),
            (Severity::Critical, false)
        );
    }

    #[test]
    fn doubt_caps_at_medium() {
        let grade = graded(false, |grade, _| grade.cap_by_confidence(0.69));
        assert_eq!(grade.severity, Severity::Medium);
        let grade = graded(false, |grade, _| grade.cap_by_confidence(0.7));
        assert_eq!(grade.severity, Severity::Critical);
    }
}
