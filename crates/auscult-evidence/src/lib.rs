//! Findings as evidence: packets cut out of captures without the patients in them, and bundles that
//! others can check and run again.
//!
//! Data goes in and comes out: whoever calls reads captures, runs the analysis and writes files.
//! [`Selector`] finds the packets that show a finding, [`mask`] takes patients out of them,
//! [`Cut`] writes them with comments; [`Case`] packs them with what the findings rest on,
//! [`open`] checks such a bundle. The format and what it proves are in docs/evidence.md.

mod bounds;
mod bundle;
mod cut;
mod facts;
mod frame;
mod key;
mod mask;
pub mod merkle;
mod open;
mod page;
pub mod pcapng;
mod pseudonym;
mod select;
mod timestamp;
mod tool;
mod words;

pub use bounds::ALL as BOUNDS;
pub use bundle::{
    Bundle, BundleError, Case, FORMAT, Manifest, Member, Origin, Sealed, SealedPacket, Sealing,
    Tree, pseudonym_key, seal,
};
pub use cut::{Cut, Named, Piece};
pub use facts::{Configuration, Custody, Facts, Partner, Proof, Standing, least};
pub use frame::{Frame, Taken};
pub use key::{Key, PublicKey};
pub use mask::{Change, mask};
pub use open::{Fault, Opened, open};
pub use pseudonym::Pseudonyms;
pub use select::{Level, Selected, Selection, Selector, Subject};
pub use tool::{digest, tools};

/// 256 random bits of the system.
pub fn random() -> Result<[u8; 32], String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)
        .map_err(|error| format!("the system gives no random numbers: {error}"))?;
    Ok(bytes)
}
