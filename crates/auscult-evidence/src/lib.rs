//! Findings as evidence: packets cut out of captures without the patients in them, and bundles that
//! others can check and run again.
//!
//! Data goes in and comes out: whoever calls reads captures, runs the analysis and writes files.
//! [`Selector`] finds the packets that show a finding, [`mask`] takes patients out of them,
//! [`Cut`] writes them with comments.

mod bounds;
mod cut;
mod frame;
mod mask;
pub mod pcapng;
mod pseudonym;
mod select;
mod words;

pub use bounds::ALL as BOUNDS;
pub use cut::{Cut, Named, Piece};
pub use frame::{Frame, Taken};
pub use mask::{Change, mask};
pub use pseudonym::Pseudonyms;
pub use select::{Level, Selected, Selection, Selector, Subject};

/// 256 random bits of the system.
pub fn random() -> Result<[u8; 32], String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)
        .map_err(|error| format!("the system gives no random numbers: {error}"))?;
    Ok(bytes)
}
