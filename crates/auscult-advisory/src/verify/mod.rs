//! Whether a measure took: is a family gone, does a block work.
//!
//! *Yes* is said only of what was watched, and says what that was: a family is silent when it is
//! off, unplugged or without a patient, and a block is tried only by who tries to get through.

mod absent;
mod blocked;
mod view;

#[cfg(test)]
mod tests;

use serde::Serialize;

use crate::condition::Proof;

pub use absent::absent;
pub use blocked::blocked;
pub use view::{verified_csv, verified_json, verified_text};

/// What a question came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// It is so, in what was watched.
    Holds,
    /// The contrary was seen.
    DoesNotHold,
    /// Too little was watched, or nobody tried.
    CannotTell,
}

impl Answer {
    /// The word in every format.
    pub fn word(self) -> &'static str {
        match self {
            Answer::Holds => "holds",
            Answer::DoesNotHold => "does not hold",
            Answer::CannotTell => "cannot tell",
        }
    }
}

/// A question and what it came to.
#[derive(Clone, Debug, Serialize)]
pub struct Verified {
    /// What was asked, as a statement.
    pub statement: String,
    /// Whether it holds.
    pub answer: Answer,
    /// Why.
    pub because: Vec<String>,
    /// What was watched, a line each.
    pub watched: Vec<String>,
    /// What shows it.
    pub seen: Vec<Proof>,
    /// What belongs to it and decides nothing.
    pub besides: Vec<Proof>,
    /// What remains possible.
    pub remains: String,
}
