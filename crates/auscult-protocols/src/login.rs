//! A login that waits for its answer: what the text protocols with passwords have in common.
//!
//! The secret is never passed in. Limit: account names are cut like all text from traffic.

use auscult_model::{Attribute, Direction, Meaning};

use crate::{Output, Place};

/// Name and secret were sent; the answer was not seen yet.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    /// `ftp-password` and the like.
    pub(crate) method: &'static str,
    pub(crate) account: String,
    /// Name and secret could be read.
    pub(crate) clear: bool,
    /// Which side is the client.
    pub(crate) client: Direction,
    /// From the name to the secret.
    pub(crate) place: Place,
    pub(crate) confidence: f32,
    pub(crate) attributes: Vec<Attribute>,
}

impl Attempt {
    /// Says it, answered by the message that ends at `at`.
    pub(crate) fn answered(mut self, accepted: bool, at: usize, out: &mut Output<'_>) {
        self.place = out.place_since(self.place.first, at);
        self.say(Some(accepted), out);
    }

    /// Says it, the place being complete.
    pub(crate) fn decided(self, accepted: bool, out: &mut Output<'_>) {
        self.say(Some(accepted), out);
    }

    /// Says it without an answer.
    pub(crate) fn unanswered(self, out: &mut Output<'_>) {
        self.say(None, out);
    }

    fn say(self, accepted: Option<bool>, out: &mut Output<'_>) {
        let meaning = Meaning::Login {
            method: self.method,
            account: self.account,
            clear: self.clear,
            accepted,
        };
        let said = out.say(self.place, meaning);
        said.from_side(self.client).sure(self.confidence);
        said.attributes = self.attributes;
    }
}
