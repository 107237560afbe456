//! What would let a receiver tell who made a file, or that it came unchanged, as far as packets
//! show: nothing of it is verified.
//!
//! Sources: PE Format (Authenticode), MS-SMB2 3.1.4.1 (signing: both sides know the key of the
//! log-on, which a guest has not).

use std::collections::BTreeSet;

use auscult_model::report::Severity;
use auscult_model::{Artifact, Event};

use crate::grade::Grade;
use crate::words::list;
use crate::{Fact, FactKey};

/// The value under which facts of files keep it.
const NAME: &str = "protection";
const NONE: &str = "none seen";

/// Keeps what was seen of a file's protection.
pub(crate) fn observe(mut fact: Fact, event: &Event, file: &Artifact) -> Fact {
    let signed = event.attribute("smb_signed") == Some("yes");
    let kinds = [signed.then_some("SMB signing"), file.signature];
    if kinds == [None, None] {
        return fact.value(NAME, NONE);
    }
    for kind in kinds.into_iter().flatten() {
        fact = fact.value(NAME, kind);
    }
    fact
}

/// What was seen of several files: nothing where one of them had nothing.
pub(crate) struct Protection<'a>(BTreeSet<&'a str>);

impl<'a> Protection<'a> {
    /// Of all these facts.
    pub(crate) fn of(facts: impl IntoIterator<Item = &'a (&'a FactKey, &'a Fact)>) -> Self {
        let facts = facts.into_iter();
        let kinds: BTreeSet<&str> = facts.flat_map(|(_, fact)| fact.texts(NAME)).collect();
        match kinds.contains(NONE) {
            true => Protection(BTreeSet::new()),
            false => Protection(kinds),
        }
    }

    /// All had some.
    pub(crate) fn is_some(&self) -> bool {
        !self.0.is_empty()
    }

    /// A signature in the file, or of the messages that carried it, makes it less grave: whoever
    /// sends it has a key that somebody trusts, if the device looks.
    pub(crate) fn cap(&self, grade: &mut Grade, most: Severity) {
        if self.is_some() {
            grade.cap(most, format!("seen: {}", self.words()));
        }
    }

    /// `SMB signing and Authenticode, not checked`.
    pub(crate) fn words(&self) -> String {
        match self.is_some() {
            true => format!("{}, not checked", list(&self.0)),
            false => NONE.to_owned(),
        }
    }
}
