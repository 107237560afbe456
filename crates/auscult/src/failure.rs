//! How a run ends: exit codes and the words that go with them.
//!
//! 0 done, 1 failed and nothing analysed, 2 wrong usage, 3 done with a finding at or above
//! `--fail-on`, 4 analysed though an input was cut short or damaged. 3 wins over 4.

use std::fmt;
use std::io;

use auscult_engine::{EngineError, StateError};
use auscult_model::report::{Report, Severity};

/// A run that came to its end; the last one is the one that counts among several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// Done.
    Done,
    /// An input was cut short or damaged.
    Incomplete,
    /// A finding is as bad as the user asked to be told.
    Found,
}

impl Outcome {
    /// The outcome of an analysis.
    pub(crate) fn of(report: &Report, fail_on: Option<Severity>) -> Self {
        let found = fail_on.is_some_and(|least| {
            report
                .findings
                .iter()
                .any(|finding| finding.is_open() && finding.severity >= least)
        });
        if found {
            Outcome::Found
        } else if report.captures.iter().any(|capture| !capture.complete) {
            Outcome::Incomplete
        } else {
            Outcome::Done
        }
    }

    /// The exit code.
    pub(crate) fn code(self) -> u8 {
        match self {
            Outcome::Done => 0,
            Outcome::Found => 3,
            Outcome::Incomplete => 4,
        }
    }
}

/// A run that did not.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Nothing could be analysed or written.
    Failed(String),
    /// The arguments or the site file are wrong.
    Usage(String),
    /// Whoever read the output has seen enough.
    Closed,
}

impl Failure {
    /// The exit code.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Failure::Failed(_) => 1,
            Failure::Usage(_) => 2,
            Failure::Closed => 0,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Failed(words) | Failure::Usage(words) => f.write_str(words),
            Failure::Closed => f.write_str("the output was closed"),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Failure::Closed
        } else {
            Failure::Failed(format!("cannot write the output: {error}"))
        }
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        Failure::Failed(error.to_string())
    }
}

impl From<StateError> for Failure {
    fn from(error: StateError) -> Self {
        Failure::Failed(error.to_string())
    }
}
