//! A bounded map of facts that gives the same rows whatever the order in which facts came.
//!
//! When it is full the *largest* keys go. The set of the smallest n keys of all that were ever
//! added does not depend on order, splitting or merging, and neither does the number of
//! observations that were dropped; an eviction by age or chance would depend on them.
//! Limit: keys must be chosen so that what matters most sorts first.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::hash::Hash;
use std::sync::OnceLock;

use auscult_model::Window;
use foldhash::quality::RandomState;
use indexmap::IndexMap;

/// A fact that can be merged with another about the same key.
pub(crate) trait Fact {
    /// Adds the other: commutative and associative.
    fn merge(&mut self, other: &Self);
    /// How many observations it stands for, for the count of what was dropped.
    fn weight(&self) -> u64;
    /// Whether some of it was seen in a window of time; parts that were not are taken out.
    fn narrow(&mut self, window: Window) -> bool;
}

/// At most `cap` facts by key. Facts are added often and read at the end, so keys are hashed, and
/// put in order when somebody reads them.
#[derive(Clone, Debug)]
pub(crate) struct Table<K, V> {
    rows: IndexMap<K, V, RandomState>,
    /// Slots of the rows in order of their keys.
    order: OnceLock<Vec<u32>>,
    /// All keys, from the moment when there is no more room.
    largest: BinaryHeap<K>,
    cap: usize,
    dropped: u64,
}

impl<K: Ord + Hash + Clone, V: Fact> Table<K, V> {
    /// An empty table for `cap` keys.
    pub(crate) fn new(cap: usize) -> Self {
        Table {
            rows: IndexMap::default(),
            order: OnceLock::new(),
            largest: BinaryHeap::new(),
            cap,
            dropped: 0,
        }
    }

    /// Merges a fact in.
    pub(crate) fn add(&mut self, key: K, fact: V) {
        match self.rows.get_mut(&key) {
            Some(row) => row.merge(&fact),
            None => self.add_new(key, fact),
        }
    }

    /// The fact of a key, to merge into.
    pub(crate) fn known(&mut self, key: &K) -> Option<&mut V> {
        self.rows.get_mut(key)
    }

    /// Takes in a fact whose key is not known.
    fn add_new(&mut self, key: K, fact: V) {
        self.order.take();
        if self.rows.len() >= self.cap {
            if self.largest.is_empty() {
                self.largest = self.rows.keys().cloned().collect();
            }
            if self.largest.peek().is_none_or(|largest| key > *largest) {
                self.dropped = self.dropped.saturating_add(fact.weight());
                return;
            }
            let evicted = self
                .largest
                .pop()
                .and_then(|key| self.rows.swap_remove(&key));
            let weight = evicted.map_or(0, |fact| fact.weight());
            self.dropped = self.dropped.saturating_add(weight);
            self.largest.push(key.clone());
        }
        self.rows.insert(key, fact);
    }

    /// Merges another table in.
    pub(crate) fn merge(&mut self, other: Table<K, V>) {
        // What comes into nothing is taken as it is: most of a state's first capture.
        if self.rows.is_empty() && self.dropped == 0 && other.rows.len() <= self.cap {
            let cap = self.cap;
            *self = Table { cap, ..other };
            if self.rows.len() < cap {
                self.largest.clear();
            }
            return;
        }
        self.dropped = self.dropped.saturating_add(other.dropped);
        for (key, fact) in other.rows {
            self.add(key, fact);
        }
    }

    /// Changes every fact; keys stay.
    pub(crate) fn each(&mut self, change: impl FnMut(&mut V)) {
        self.rows.values_mut().for_each(change);
    }

    /// Keeps what was seen in a window of time.
    pub(crate) fn narrow(&mut self, window: Window) {
        self.order.take();
        self.largest.clear();
        self.rows.retain(|_, fact| fact.narrow(window));
    }

    /// Observations that found no room.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Adds to those: what found no room elsewhere.
    pub(crate) fn drop_more(&mut self, observations: u64) {
        self.dropped = self.dropped.saturating_add(observations);
    }

    /// The row in a slot, as [`Rows::with_slots`] gave it.
    pub(crate) fn at(&self, slot: u32) -> Option<(&K, &V)> {
        self.rows.get_index(slot as usize)
    }

    /// The rows, in order of their keys.
    pub(crate) fn rows(&self) -> Rows<'_, K, V> {
        let order = self.order.get_or_init(|| {
            let mut order: Vec<(&K, u32)> = self.rows.keys().zip(0..).collect();
            order.sort_unstable();
            order.into_iter().map(|(_, slot)| slot).collect()
        });
        Rows {
            rows: &self.rows,
            order,
        }
    }
}

impl<K: Ord + Hash + Clone, L: Ord + Clone, V: Fact + Clone> Table<K, Few<L, V>> {
    /// Merges a fact in under two keys; at most `each` facts under the first.
    pub(crate) fn add_within(&mut self, key: K, each: usize, inner: L, fact: V) {
        match self.rows.get_mut(&key) {
            Some(few) => few.add(inner, fact),
            None => {
                let mut few = Few::new(each);
                few.add(inner, fact);
                self.add_new(key, few);
            }
        }
    }
}

impl<K: Ord + Hash + Clone, V: Fact + PartialEq> PartialEq for Table<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.dropped == other.dropped && self.rows().iter().eq(other.rows().iter())
    }
}

/// The rows of a table, in order of their keys.
#[derive(Debug)]
pub struct Rows<'a, K, V> {
    rows: &'a IndexMap<K, V, RandomState>,
    order: &'a [u32],
}

impl<'a, K: Hash + Eq, V> Rows<'a, K, V> {
    /// Keys and facts.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&'a K, &'a V)> + use<'a, K, V> {
        self.with_slots().map(|(_, key, fact)| (key, fact))
    }

    /// Keys with the slots in which their facts are found while nothing is added.
    pub(crate) fn with_slots(
        &self,
    ) -> impl DoubleEndedIterator<Item = (u32, &'a K, &'a V)> + use<'a, K, V> {
        let rows = self.rows;
        self.order.iter().filter_map(move |slot| {
            let (key, fact) = rows.get_index(*slot as usize)?;
            Some((*slot, key, fact))
        })
    }

    /// Keys.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &'a K> + use<'a, K, V> {
        self.iter().map(|(key, _)| key)
    }

    /// Facts.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &'a V> + use<'a, K, V> {
        self.iter().map(|(_, fact)| fact)
    }

    /// The fact of a key.
    pub fn get(&self, key: &K) -> Option<&'a V> {
        self.rows.get(key)
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }
}

impl<'a, K: Hash + Eq, V> IntoIterator for Rows<'a, K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = Box<dyn Iterator<Item = (&'a K, &'a V)> + 'a>;

    fn into_iter(self) -> Self::IntoIter {
        Box::new(self.iter())
    }
}

/// A [`Table`] of a few facts: most keys have one, which a tree would take a kilobyte for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Few<K, V> {
    /// In order of their keys.
    rows: Vec<(K, V)>,
    cap: usize,
    dropped: u64,
}

impl<K: Ord + Clone, V: Fact + Clone> Few<K, V> {
    /// An empty table for `cap` keys.
    pub(crate) fn new(cap: usize) -> Self {
        Few {
            rows: Vec::new(),
            cap,
            dropped: 0,
        }
    }

    /// Merges a fact in.
    pub(crate) fn add(&mut self, key: K, fact: V) {
        if self.rows.len() >= self.cap && self.rows.last().is_none_or(|(last, _)| key > *last) {
            self.dropped = self.dropped.saturating_add(fact.weight());
            return;
        }
        let place = match self.rows.binary_search_by(|(known, _)| known.cmp(&key)) {
            Ok(place) => {
                if let Some((_, row)) = self.rows.get_mut(place) {
                    row.merge(&fact);
                }
                return;
            }
            Err(place) => place,
        };
        if self.rows.len() >= self.cap
            && let Some((_, evicted)) = self.rows.pop()
        {
            self.dropped = self.dropped.saturating_add(evicted.weight());
        }
        if self.rows.is_empty() {
            self.rows.reserve_exact(1);
        }
        self.rows.insert(place, (key, fact));
    }

    /// Merges a fact in if there is a row of its key, as compared; else it has to be added.
    pub(crate) fn again(&mut self, mut compare: impl FnMut(&K) -> Ordering, fact: &V) -> bool {
        let place = self.rows.binary_search_by(|(known, _)| compare(known));
        match place.ok().and_then(|place| self.rows.get_mut(place)) {
            Some((_, row)) => {
                row.merge(fact);
                true
            }
            None => false,
        }
    }

    /// Observations that found no room.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Adds to those: what found no room elsewhere.
    pub(crate) fn drop_more(&mut self, observations: u64) {
        self.dropped = self.dropped.saturating_add(observations);
    }

    /// The rows, in order of their keys.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (&K, &V)> {
        self.rows.iter().map(|(key, fact)| (key, fact))
    }
}

/// A table of facts is a fact itself: the values of one key, bounded a second time.
impl<K: Ord + Clone, V: Fact + Clone> Fact for Few<K, V> {
    fn merge(&mut self, other: &Self) {
        self.dropped = self.dropped.saturating_add(other.dropped);
        for (key, fact) in other.rows() {
            self.add(key.clone(), fact.clone());
        }
    }

    fn weight(&self) -> u64 {
        self.rows.iter().fold(self.dropped, |sum, (_, fact)| {
            sum.saturating_add(fact.weight())
        })
    }

    fn narrow(&mut self, window: Window) -> bool {
        self.rows.retain_mut(|(_, fact)| fact.narrow(window));
        !self.rows.is_empty()
    }
}

/// Large facts live beside the tree, so that its nodes stay small.
impl<V: Fact> Fact for Box<V> {
    fn merge(&mut self, other: &Self) {
        self.as_mut().merge(other);
    }

    fn weight(&self) -> u64 {
        self.as_ref().weight()
    }

    fn narrow(&mut self, window: Window) -> bool {
        self.as_mut().narrow(window)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Debug, PartialEq)]
    struct Count(u64);

    impl Fact for Count {
        fn merge(&mut self, other: &Self) {
            self.0 += other.0;
        }
        fn weight(&self) -> u64 {
            self.0
        }
        fn narrow(&mut self, _: Window) -> bool {
            true
        }
    }

    fn table(keys: &[u8]) -> Table<u8, Count> {
        let mut table = Table::new(4);
        for &key in keys {
            table.add(key, Count(1));
        }
        table
    }

    fn weight(table: &Table<u8, Count>) -> u64 {
        let kept: u64 = table.rows().values().map(Fact::weight).sum();
        kept + table.dropped()
    }

    fn few(keys: &[u8]) -> Few<u8, Count> {
        let mut few = Few::new(4);
        for &key in keys {
            few.add(key, Count(1));
        }
        few
    }

    proptest! {
        #[test]
        fn order_and_splits_do_not_matter(
            keys in prop::collection::vec(0u8..12, 0..60), cut in 0usize..60,
        ) {
            let whole = table(&keys);
            let (a, b) = keys.split_at(cut.min(keys.len()));
            let mut merged = table(b);
            Table::merge(&mut merged, table(a));
            prop_assert_eq!(&whole, &merged);
            let mut backwards = keys.clone();
            backwards.reverse();
            prop_assert_eq!(&whole, &table(&backwards));
            prop_assert_eq!(weight(&whole), keys.len() as u64);
        }

        #[test]
        fn the_smallest_keys_are_kept(keys in prop::collection::vec(0u8..12, 0..60)) {
            let mut model = std::collections::BTreeMap::new();
            for key in &keys {
                *model.entry(*key).or_insert(0) += 1;
            }
            let table = table(&keys);
            let kept = table.rows().iter().map(|(key, count)| (*key, count.0));
            prop_assert!(kept.eq(model.into_iter().take(4)));
        }

        #[test]
        fn few_are_a_table(keys in prop::collection::vec(0u8..12, 0..60), cut in 0usize..60) {
            let (table, whole) = (table(&keys), few(&keys));
            prop_assert!(table.rows().iter().eq(whole.rows()));
            prop_assert_eq!(table.dropped(), whole.dropped());
            prop_assert_eq!(whole.weight(), keys.len() as u64);
            let (a, b) = keys.split_at(cut.min(keys.len()));
            let mut merged = few(b);
            merged.merge(&few(a));
            prop_assert_eq!(&whole, &merged);
        }

        #[test]
        fn two_keys_at_once_are_one_after_the_other(
            keys in prop::collection::vec((0u8..6, 0u8..6), 0..60),
        ) {
            let mut at_once = Table::new(4);
            let mut after = Table::new(4);
            for (outer, inner) in keys {
                at_once.add_within(outer, 3, inner, Count(1));
                let mut one = Few::new(3);
                one.add(inner, Count(1));
                after.add(outer, one);
            }
            prop_assert_eq!(at_once, after);
        }
    }
}
