//! The fixed questions that every report answers, with what was watched and what to do next.
//!
//! `no` is said only where a `yes` would have been seen: both directions, few losses, and the
//! traffic in question in view. `docs/capture.md` has the places to capture that `next` names.

mod questions;
mod sight;

use auscult_model::report::{Answer, Coverage, Finding};

use crate::{Context, View};
use sight::Sight;

/// Answers the fixed questions.
pub fn coverage(context: &Context<'_>, findings: &[Finding]) -> Vec<Coverage> {
    let view = View::new(context);
    let sight = Sight::of(context, &view);
    QUESTIONS
        .iter()
        .map(|(id, question, answer)| {
            let reply = answer(&view, &sight, findings);
            Coverage {
                id,
                question,
                answer: reply.answer,
                because: reply.because,
                next: reply.next,
                short: reply.short,
            }
        })
        .collect()
}

/// What a question comes to.
struct Reply {
    answer: Answer,
    short: String,
    because: String,
    next: Option<String>,
}

impl Reply {
    fn new(answer: Answer, short: impl Into<String>, because: impl Into<String>) -> Self {
        Reply {
            answer,
            short: short.into(),
            because: because.into(),
            next: None,
        }
    }

    fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }
}

type Question = fn(&View<'_>, &Sight, &[Finding]) -> Reply;

static QUESTIONS: [(&str, &str, Question); 8] = [
    (
        "contec-cms8000-present",
        "CMS8000 family on the network?",
        questions::family_present,
    ),
    (
        "patient-data-leaves",
        "Does patient data leave?",
        questions::patient_data_leaves,
    ),
    (
        "code-fetched",
        "Was code fetched into a device?",
        questions::code_fetched,
    ),
    (
        "devices-reach-internet",
        "Can devices reach the Internet?",
        questions::devices_reach_internet,
    ),
    (
        "internet-reaches-devices",
        "Can the Internet reach devices?",
        questions::internet_reaches_devices,
    ),
    (
        "unknown-devices-reach-outside",
        "Do unknown devices reach outside?",
        questions::unknown_devices_reach_outside,
    ),
    (
        "remote-monitoring",
        "Who monitors remotely?",
        questions::remote_monitoring,
    ),
    (
        "readings-true",
        "Are the readings true?",
        questions::readings_true,
    ),
];
