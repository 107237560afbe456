//! What a flow of datagrams said before: repeats carry no news and are not read again.
//!
//! Limit: [`HEARD`]; of more the oldest is forgotten.

use std::hash::{BuildHasher, Hash};

use auscult_model::Bound;
use foldhash::quality::RandomState;

use crate::Output;

pub(crate) static HEARD: Bound = Bound::constant(
    "heard",
    256,
    "different messages or values of one flow of datagrams that are remembered",
    "the oldest is forgotten, and read again when it comes again",
);
const HEARD_MAX: usize = HEARD.default as usize;

/// Digests of what was heard, the newest in place of the oldest.
#[derive(Default)]
pub(crate) struct Heard {
    digests: Vec<u64>,
    oldest: usize,
    key: RandomState,
}

impl Heard {
    /// Whether this was not heard before; it counts as heard from now on.
    pub(crate) fn is_new(&mut self, what: impl Hash, out: &mut Output<'_>) -> bool {
        let digest = self.key.hash_one(what);
        if self.digests.contains(&digest) {
            return false;
        }
        if self.digests.len() < HEARD_MAX {
            self.digests.push(digest);
        } else if let Some(oldest) = self.digests.get_mut(self.oldest) {
            *oldest = digest;
            self.oldest = (self.oldest + 1) % HEARD_MAX;
            out.reached(&HEARD);
        }
        true
    }
}
