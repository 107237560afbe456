//! When something was there, in slots of time.
//!
//! First and last time do not tell two things that take turns from two that are there at once; the
//! slots do.

use serde::{Deserialize, Serialize};

use crate::{Timestamp, Window};

/// Ranges of slots of so many seconds, first and last included, in order, none touching the next;
/// at most so many of them. What is latest goes, so that the order of additions does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<(i64, i64)>", into = "Vec<(i64, i64)>")]
pub struct Slots<const SECONDS: i64, const MOST: usize>(Vec<(i64, i64)>);

impl<const SECONDS: i64, const MOST: usize> Slots<SECONDS, MOST> {
    /// So many ranges are kept.
    pub const MOST: usize = MOST;
    /// Length of a slot in nanoseconds.
    pub const LENGTH: i64 = SECONDS * Timestamp::SECOND;

    /// From one time to another.
    pub fn between(first: Timestamp, last: Timestamp) -> Self {
        Slots(vec![Self::range(first, last)])
    }

    fn range(first: Timestamp, last: Timestamp) -> (i64, i64) {
        let [first, last] = [first, last].map(|time| time.0.div_euclid(Self::LENGTH));
        (first.min(last), first.max(last))
    }

    /// Adds what is from one time to another: mostly where the latest ends.
    pub fn add(&mut self, first: Timestamp, last: Timestamp) {
        let (from, to) = Self::range(first, last);
        match self.0.last_mut() {
            Some((begin, end)) if *begin <= from && from <= *end + 1 => *end = (*end).max(to),
            _ => self.insert([(from, to)]),
        }
    }

    /// Adds all of another.
    pub fn merge(&mut self, other: &Self) {
        self.insert(other.0.iter().copied());
    }

    fn insert(&mut self, ranges: impl IntoIterator<Item = (i64, i64)>) {
        let mut all = std::mem::take(&mut self.0);
        all.extend(ranges);
        all.sort_unstable();
        for (first, last) in all {
            match self.0.last_mut() {
                Some((_, end)) if first <= *end + 1 => *end = (*end).max(last),
                _ => self.0.push((first, last)),
            }
        }
        self.0.truncate(MOST);
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// There may have been more.
    pub fn is_full(&self) -> bool {
        self.0.len() >= MOST
    }

    /// Number of ranges.
    pub fn ranges(&self) -> usize {
        self.0.len()
    }

    /// Number of slots.
    pub fn len(&self) -> i64 {
        self.0.iter().map(|(first, last)| last - first + 1).sum()
    }

    /// Number of slots in which both were there.
    pub fn together(&self, other: &Self) -> i64 {
        let (mut ours, mut theirs) = (self.0.iter().peekable(), other.0.iter().peekable());
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

    /// Whether the other was there while this one was, which was there just before and just after.
    pub fn contains_some_of(&self, other: &Self) -> bool {
        let mut theirs = other.0.iter().peekable();
        self.0.iter().any(|(first, last)| {
            while theirs.next_if(|(from, _)| from <= first).is_some() {}
            theirs.peek().is_some_and(|(_, to)| to < last)
        })
    }

    /// Whether something was there in a slot that begins and ends between two times.
    pub fn has_between(&self, from: Timestamp, to: Timestamp) -> bool {
        let (from, to) = Self::range(from, to);
        let later = self.0.iter().find(|(_, last)| *last > from);
        later.is_some_and(|(first, _)| (*first).max(from + 1) < to)
    }

    /// Keeps the ranges that touch a window.
    pub fn narrow(&mut self, window: Window) {
        self.0.retain(|(first, last)| {
            let begin = first.saturating_mul(Self::LENGTH);
            let end = last.saturating_add(1).saturating_mul(Self::LENGTH);
            window.touches(Timestamp(begin), Timestamp(end.saturating_sub(1)))
        });
    }
}

/// As it was kept; ranges that no times make are left out.
impl<const SECONDS: i64, const MOST: usize> From<Vec<(i64, i64)>> for Slots<SECONDS, MOST> {
    fn from(kept: Vec<(i64, i64)>) -> Self {
        let possible = i64::MIN / Self::LENGTH..=i64::MAX / Self::LENGTH;
        let mut slots = Slots(Vec::new());
        slots.insert(kept.into_iter().filter(|(first, last)| {
            first <= last && possible.contains(first) && possible.contains(last)
        }));
        slots
    }
}

impl<const SECONDS: i64, const MOST: usize> From<Slots<SECONDS, MOST>> for Vec<(i64, i64)> {
    fn from(slots: Slots<SECONDS, MOST>) -> Self {
        slots.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Tens = Slots<10, 64>;

    fn of(ranges: &[(i64, i64)]) -> Tens {
        let mut slots = Tens::default();
        for (first, last) in ranges {
            let [first, last] = [first, last].map(|slot| Timestamp(slot * Tens::LENGTH));
            slots.add(first, last);
        }
        slots
    }

    #[test]
    fn order_does_not_matter() {
        let mut ranges = vec![(0, 3), (5, 5), (4, 4), (9, 12), (11, 20), (30, 30), (2, 6)];
        let whole = of(&ranges);
        assert_eq!(whole.0, [(0, 6), (9, 20), (30, 30)]);
        assert_eq!(whole.len(), 20);
        for _ in 0..ranges.len() {
            ranges.rotate_left(1);
            assert_eq!(of(&ranges), whole);
            let (one, other) = ranges.split_at(3);
            let mut merged = of(other);
            merged.merge(&of(one));
            assert_eq!(merged, whole);
        }
    }

    #[test]
    fn the_latest_goes_when_there_are_too_many() {
        let mut few = Slots::<10, 2>::default();
        for slot in [40, 0, 20] {
            let time = Timestamp(slot * Tens::LENGTH);
            few.add(time, time);
        }
        assert_eq!(few.0, [(0, 0), (20, 20)]);
        assert!(few.is_full());
    }

    #[test]
    fn what_is_there_meanwhile() {
        let steady = of(&[(0, 9), (20, 29)]);
        assert!(steady.contains_some_of(&of(&[(4, 4)])));
        assert!(steady.contains_some_of(&of(&[(10, 10), (21, 28)])));
        assert!(!steady.contains_some_of(&of(&[(9, 20)])));
        assert!(!steady.contains_some_of(&of(&[(0, 3), (29, 40)])));
        assert!(!of(&[(4, 4), (12, 12)]).contains_some_of(&of(&[(4, 4), (8, 8)])));
        assert_eq!(steady.together(&of(&[(8, 21)])), 4);
        let between = |from, to| {
            let [from, to] = [from, to].map(|slot| Timestamp(slot * Tens::LENGTH));
            steady.has_between(from, to)
        };
        assert!(between(-1, 30) && between(3, 5) && between(19, 21));
        assert!(!between(9, 20) && !between(3, 4) && !between(29, 40));
    }

    #[test]
    fn ranges_that_no_times_make_are_left_out() {
        let made_up = vec![(i64::MIN, i64::MAX), (7, 3), (20, 29), (0, 9)];
        let restored = Tens::from(made_up);
        assert_eq!(restored.0, [(0, 9), (20, 29)]);
        let text = serde_json::to_string(&restored).unwrap();
        assert_eq!(serde_json::from_str::<Tens>(&text).unwrap(), restored);
    }
}
