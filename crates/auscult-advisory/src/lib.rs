//! Advisories as data that can be run: claim, what would show it, packets found, verdict.
//!
//! A verdict is a function of a [`Report`](auscult_model::report::Report): *holds* and *refuted*
//! rest on what was seen, and everything else was *not tested*. What was not seen decides nothing.
//! Beside that: whether a measure took, a family gone or a network blocked; and rules of one's own,
//! whose conditions are the same.

mod condition;
mod file;
mod judge;
mod names;
mod own;
mod verify;
mod view;

#[cfg(test)]
mod tests;

pub use condition::Proof;
pub use file::{
    Advisory, ArtifactIs, BYTES_MAX, Begun, Claim, Condition, ConversationIs, CoverageIs,
    FindingIs, Members, OneOf, Reading, Said, Scope, ServiceIs, Unreadable,
};
pub use judge::{Check, Judged, Member, Membership, Verdict, check};
pub use names::{Family, Kind, Protocol, Question, Rule};
pub use own::{DeviceIs, OwnRule, OwnRules, OwnTest};
pub use verify::{Answer, Verified, absent, blocked, verified_csv, verified_json, verified_text};
pub use view::{check_csv, check_json, check_text, list_json, list_text, plan_text};

/// The advisories that come with the program, each by its file.
const FILES: &[&str] = &[
    include_str!("../advisories/icsma-25-037-02.toml"),
    include_str!("../advisories/icsma-25-030-01.toml"),
    include_str!("../advisories/icsma-22-244-01.toml"),
    include_str!("../advisories/icsma-21-294-01.toml"),
    include_str!("../advisories/icsma-21-215-01.toml"),
    include_str!("../advisories/icsma-20-170-04.toml"),
    include_str!("../advisories/icsma-20-023-01.toml"),
    include_str!("../advisories/icsma-19-255-01.toml"),
    include_str!("../advisories/icsma-19-164-01.toml"),
    include_str!("../advisories/icsma-17-250-02a.toml"),
];

/// The advisories that come with the program, newest first.
///
/// # Errors
///
/// A file that cannot be read, which a test excludes.
pub fn shipped() -> Result<Vec<Advisory>, Unreadable> {
    FILES.iter().map(|text| Advisory::read(text)).collect()
}
