//! When a card was heard on a segment.
//!
//! First and last time do not tell a device that goes to and fro between two wards from two that
//! share a MAC; the slots do.

use auscult_model::{Slots, Timestamp, Window};
use serde::{Deserialize, Serialize};

use crate::bounds;
use crate::table::Fact;

/// Slots of ten minutes.
type Times = Slots<600, { bounds::PRESENCE_RANGES.default as usize }>;

/// Times of one card on one segment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Presence {
    times: Times,
    /// How often it was heard.
    #[serde(deserialize_with = "auscult_model::plausible_count")]
    heard: u64,
}

impl Presence {
    /// From one time to another.
    pub(crate) fn between(first: Timestamp, last: Timestamp) -> Self {
        Presence {
            times: Times::between(first, last),
            heard: 1,
        }
    }

    /// Heard again, from one time to another.
    pub(crate) fn hear(&mut self, first: Timestamp, last: Timestamp) {
        self.times.add(first, last);
        self.heard = self.heard.saturating_add(1);
    }

    /// There may have been more.
    pub(crate) fn is_full(&self) -> bool {
        self.times.is_full()
    }

    /// Whether both are of one device that is now here, now there: they are heard in one slot only
    /// where it went from one to the other, and mostly apart.
    pub(crate) fn alternates_with(&self, other: &Presence) -> bool {
        let together = self.times.together(&other.times);
        let moves = (self.times.ranges() + other.times.ranges()) as i64;
        together <= moves && together * 2 < self.times.len().min(other.times.len())
    }
}

impl Fact for Presence {
    fn merge(&mut self, other: &Self) {
        self.heard = self.heard.saturating_add(other.heard);
        self.times.merge(&other.times);
    }

    fn weight(&self) -> u64 {
        self.heard
    }

    fn narrow(&mut self, window: Window) -> bool {
        self.times.narrow(window);
        !self.times.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOT: i64 = 600 * Timestamp::SECOND;

    fn of(ranges: &[(i64, i64)]) -> Presence {
        let mut presence = Presence::default();
        for (first, last) in ranges {
            presence.hear(Timestamp(first * SLOT), Timestamp(last * SLOT));
        }
        presence
    }

    #[test]
    fn to_and_fro_is_one_device_and_at_once_is_two() {
        let (ward, theatre) = (of(&[(0, 9), (20, 29)]), of(&[(9, 20)]));
        assert!(ward.alternates_with(&theatre));
        assert!(theatre.alternates_with(&ward));
        assert!(!of(&[(0, 9)]).alternates_with(&of(&[(0, 9)])));
        assert!(!of(&[(3, 3)]).alternates_with(&of(&[(3, 3)])));
        assert!(!of(&[(0, 30)]).alternates_with(&theatre));
    }
}
