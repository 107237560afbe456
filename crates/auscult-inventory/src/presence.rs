//! When a card was heard on a segment, in slots of ten minutes.
//!
//! First and last time do not tell a device that goes to and fro between two wards from two that
//! share a MAC; the slots do.

use auscult_model::{Timestamp, Window};
use serde::{Deserialize, Serialize};

use crate::bounds;
use crate::table::Fact;

/// Length of a slot in nanoseconds.
const SLOT: i64 = 600 * 1_000_000_000;

/// Ranges of slots, first and last included, in order, none touching the next.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Presence {
    ranges: Vec<(i64, i64)>,
    /// How often it was heard.
    #[serde(deserialize_with = "auscult_model::plausible_count")]
    heard: u64,
}

impl Presence {
    /// Ranges kept for one card on one segment: some years of days with a pause each.
    const RANGES: usize = bounds::PRESENCE_RANGES.default as usize;

    /// From one time to another.
    pub(crate) fn between(first: Timestamp, last: Timestamp) -> Self {
        Presence {
            ranges: vec![slots(first, last)],
            heard: 1,
        }
    }

    /// Heard again, from one time to another: mostly where it was heard last.
    pub(crate) fn hear(&mut self, first: Timestamp, last: Timestamp) {
        let (from, to) = slots(first, last);
        match self.ranges.last_mut() {
            Some((begin, end)) if *begin <= from && from <= *end + 1 => {
                *end = (*end).max(to);
                self.heard = self.heard.saturating_add(1);
            }
            _ => self.merge(&Presence::between(first, last)),
        }
    }

    /// As it was kept; ranges that no times make are left out.
    pub(crate) fn restored(kept: Self) -> Self {
        let possible = |(first, last): &(i64, i64)| {
            first <= last && i64::MIN / SLOT <= *first && *last <= i64::MAX / SLOT
        };
        let mut presence = Presence::default();
        presence.merge(&Presence {
            ranges: kept.ranges.into_iter().filter(possible).collect(),
            heard: kept.heard,
        });
        presence
    }

    /// There may have been more.
    pub(crate) fn is_full(&self) -> bool {
        self.ranges.len() >= Self::RANGES
    }

    fn slots(&self) -> i64 {
        self.ranges
            .iter()
            .map(|(first, last)| last - first + 1)
            .sum()
    }

    fn together(&self, other: &Presence) -> i64 {
        let (mut ours, mut theirs) = (
            self.ranges.iter().peekable(),
            other.ranges.iter().peekable(),
        );
        let mut together = 0;
        while let (Some(a), Some(b)) = (ours.peek(), theirs.peek()) {
            together += (a.1.min(b.1) - a.0.max(b.0) + 1).max(0);
            if a.1 < b.1 {
                ours.next();
            } else {
                theirs.next();
            }
        }
        together
    }

    /// Whether both are of one device that is now here, now there: they are heard in one slot only
    /// where it went from one to the other, and mostly apart.
    pub(crate) fn alternates_with(&self, other: &Presence) -> bool {
        let together = self.together(other);
        let moves = (self.ranges.len() + other.ranges.len()) as i64;
        together <= moves && together * 2 < self.slots().min(other.slots())
    }
}

/// First and last slot.
fn slots(first: Timestamp, last: Timestamp) -> (i64, i64) {
    let (first, last) = (first.0.div_euclid(SLOT), last.0.div_euclid(SLOT));
    (first.min(last), first.max(last))
}

impl Fact for Presence {
    fn merge(&mut self, other: &Self) {
        self.heard = self.heard.saturating_add(other.heard);
        let mut all = std::mem::take(&mut self.ranges);
        all.extend(&other.ranges);
        all.sort_unstable();
        for (first, last) in all {
            match self.ranges.last_mut() {
                Some((_, end)) if first <= *end + 1 => *end = (*end).max(last),
                _ => self.ranges.push((first, last)),
            }
        }
        // What is latest goes, so that the order in which they came does not matter.
        self.ranges.truncate(Self::RANGES);
    }

    fn weight(&self) -> u64 {
        self.heard
    }

    fn narrow(&mut self, window: Window) -> bool {
        self.ranges.retain(|(first, last)| {
            let begin = Timestamp(first.saturating_mul(SLOT));
            let end = Timestamp(
                last.saturating_add(1)
                    .saturating_mul(SLOT)
                    .saturating_sub(1),
            );
            window.touches(begin, end)
        });
        !self.ranges.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(ranges: &[(i64, i64)]) -> Presence {
        let mut presence = Presence::default();
        for (first, last) in ranges {
            presence.merge(&Presence::between(
                Timestamp(first * SLOT),
                Timestamp(last * SLOT),
            ));
        }
        presence
    }

    proptest! {
        #[test]
        fn order_does_not_matter(
            mut ranges in prop::collection::vec((0i64..60, 0i64..8), 0..20),
            seed in any::<prop::sample::Index>(),
        ) {
            for range in &mut ranges {
                range.1 += range.0;
            }
            let whole = of(&ranges);
            let mut slots = std::collections::BTreeSet::new();
            for (first, last) in &ranges {
                slots.extend(*first..=*last);
            }
            prop_assert_eq!(whole.slots(), slots.len() as i64);
            if !ranges.is_empty() {
                let at = seed.index(ranges.len());
                ranges.rotate_left(at);
            }
            prop_assert_eq!(whole, of(&ranges));
        }
    }

    #[test]
    fn ranges_that_no_times_make_are_not_restored() {
        let made_up = Presence {
            ranges: vec![(i64::MIN, i64::MAX), (7, 3), (20, 29), (0, 9)],
            heard: 4,
        };
        let restored = Presence::restored(made_up);
        assert_eq!(restored.ranges, [(0, 9), (20, 29)]);
        assert_eq!(Presence::restored(restored.clone()), restored);
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
