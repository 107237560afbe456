//! Ties acknowledgements to the messages they answer.
//!
//! Source: HL7 v2.5 chapter 2.9 (MSA-1 AA AE AR CA CE CR, MSA-2 = MSH-10), MLLP release 2. Limits:
//! the first answer counts; at most [`UNANSWERED`] messages of a connection wait.

use std::collections::VecDeque;

use auscult_model::{Attribute, Bound, Direction, Meaning};

use crate::{Output, Place};

pub(super) static UNANSWERED: Bound = Bound::settable(
    "hl7-unanswered",
    64,
    "messages of one flow that wait for their answer",
    "the oldest is told without one",
);

/// A message that was sent.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) direction: Direction,
    pub(super) place: Place,
    pub(super) confidence: f32,
    pub(super) control_id: String,
    /// Type and trigger.
    pub(super) object: String,
    /// It programs a pump.
    pub(super) sets_infusion: bool,
    pub(super) attributes: Vec<Attribute>,
}

impl Sent {
    /// Says what was asked and what came of it.
    pub(super) fn say(self, granted: Option<bool>, out: &mut Output<'_>) {
        let request = Meaning::Request {
            operation: "hl7-message",
            object: self.object,
            granted,
        };
        let said = out.say(self.place, request);
        said.from_side(self.direction).sure(self.confidence);
        said.attributes = self.attributes;
        if self.sets_infusion {
            let setting = Meaning::SettingChanged {
                setting: "infusion order".to_owned(),
                acknowledged: granted,
            };
            out.say(self.place, setting)
                .from_side(self.direction)
                .sure(self.confidence);
        }
    }
}

/// Messages of both directions that wait for an answer, oldest first.
#[derive(Debug, Default)]
pub(super) struct Answers {
    waiting: VecDeque<Sent>,
}

impl Answers {
    /// A message was sent. One with the same id before it will not be answered any more.
    pub(super) fn wait(&mut self, sent: Sent, out: &mut Output<'_>) {
        let same =
            |other: &Sent| other.direction == sent.direction && other.control_id == sent.control_id;
        let evicted = match self.waiting.iter().position(same) {
            Some(repeated) => self.waiting.remove(repeated),
            None if self.waiting.len() >= out.bound(&UNANSWERED) => {
                out.reached(&UNANSWERED);
                self.waiting.pop_front()
            }
            None => None,
        };
        if let Some(evicted) = evicted {
            evicted.say(None, out);
        }
        self.waiting.push_back(sent);
    }

    /// The side `by` answered the message `control_id`, or with `None` the oldest one.
    /// Returns whether that message waited.
    pub(super) fn answer(
        &mut self,
        by: Direction,
        control_id: Option<&str>,
        granted: bool,
        out: &mut Output<'_>,
    ) -> bool {
        let asked =
            |sent: &Sent| sent.direction != by && control_id.is_none_or(|id| sent.control_id == id);
        let found = self.waiting.iter().position(asked);
        let sent = found.and_then(|found| self.waiting.remove(found));
        let is_known = sent.is_some();
        if let Some(sent) = sent {
            sent.say(Some(granted), out);
        }
        is_known
    }

    /// No answer will come.
    pub(super) fn end(&mut self, out: &mut Output<'_>) {
        for sent in self.waiting.drain(..) {
            sent.say(None, out);
        }
    }
}

/// Whether an acknowledgement code accepts.
pub(super) fn accepts(code: &str) -> Option<bool> {
    match code {
        "AA" | "CA" => Some(true),
        "AE" | "AR" | "CE" | "CR" => Some(false),
        _ => None,
    }
}
