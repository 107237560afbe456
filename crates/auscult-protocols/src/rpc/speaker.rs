//! How the readers of RPC messages say what they read: where, how sure, and once only.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use auscult_model::{Bound, Direction, Meaning};

use crate::{Mark, Output, Place, Said};

/// Where the bytes that are being read lie in what was presented.
#[derive(Clone, Copy)]
pub(crate) struct Here {
    /// Where the presented part of the message begins.
    pub(crate) base: usize,
    /// Bytes of the message that are done with.
    pub(crate) before: usize,
    /// Bytes of the message that were kept from earlier calls.
    pub(crate) held: usize,
}

impl Here {
    /// The packet with the last of the next `used` bytes.
    pub(crate) fn mark(self, used: usize, out: &Output<'_>) -> Mark {
        out.mark(self.base + (self.before + used).saturating_sub(self.held + 1))
    }
}

pub(crate) static ONCE: Bound = Bound::settable(
    "rpc-requests",
    4096,
    "different requests of one flow that are remembered",
    "all are forgotten, so that they may be told again",
);

/// Requests that were said already: one statement per file and operation is enough.
#[derive(Default)]
pub(crate) struct Once {
    said: HashSet<u64>,
    key: RandomState,
}

impl Once {
    /// Whether this was not said before; it counts as said from now on.
    pub(crate) fn is_new(
        &mut self,
        what: (Direction, &str, &str, Option<bool>),
        out: &mut Output<'_>,
    ) -> bool {
        if self.said.len() >= out.bound(&ONCE) {
            out.reached(&ONCE);
            self.said.clear();
        }
        self.said.insert(self.key.hash_one(what))
    }
}

/// Says what one exchange means.
pub(crate) struct Speaker<'o, 'a> {
    pub(crate) out: &'o mut Output<'a>,
    /// The packet that completes what is said.
    pub(crate) now: Mark,
    pub(crate) confidence: f32,
}

impl Speaker<'_, '_> {
    /// Says something that `from` sent, begun in `first`.
    pub(crate) fn say(&mut self, first: Mark, from: Direction, meaning: Meaning) -> &mut Said {
        let place = Place {
            first,
            last: self.now,
        };
        self.out
            .say(place, meaning)
            .from_side(from)
            .sure(self.confidence)
    }

    /// Says that `caller` asked for something, unless that was said.
    pub(crate) fn request(
        &mut self,
        once: &mut Once,
        (first, caller): (Mark, Direction),
        operation: &'static str,
        object: &str,
        granted: Option<bool>,
    ) -> Option<&mut Said> {
        if !once.is_new((caller, operation, object, granted), self.out) {
            return None;
        }
        let meaning = Meaning::Request {
            operation,
            object: object.to_owned(),
            granted,
        };
        Some(self.say(first, caller, meaning))
    }
}
