//! A bounded map of facts that gives the same rows whatever the order in which facts came.
//!
//! When it is full the *largest* keys go. The set of the smallest n keys of all that were ever
//! added does not depend on order, splitting or merging, and neither does the number of
//! observations that were dropped; an eviction by age or chance would depend on them.
//! Limit: keys must be chosen so that what matters most sorts first.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::OnceLock;

use foldhash::quality::RandomState;

/// A fact that can be merged with another about the same key.
pub(crate) trait Fact {
    /// Adds the other: commutative and associative.
    fn merge(&mut self, other: &Self);
    /// How many observations it stands for, for the count of what was dropped.
    fn weight(&self) -> u64;
}

/// At most `cap` facts by key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Table<K, V> {
    rows: BTreeMap<K, V>,
    cap: usize,
    dropped: u64,
}

impl<K: Ord + Clone, V: Fact + Clone> Table<K, V> {
    /// An empty table for `cap` keys.
    pub(crate) fn new(cap: usize) -> Self {
        Table {
            rows: BTreeMap::new(),
            cap,
            dropped: 0,
        }
    }

    /// Merges a fact in.
    pub(crate) fn add(&mut self, key: K, fact: V) {
        if let Some(row) = self.rows.get_mut(&key) {
            row.merge(&fact);
            return;
        }
        if self.rows.len() >= self.cap {
            let too_large = self
                .rows
                .last_key_value()
                .is_none_or(|(last, _)| key > *last);
            if too_large {
                self.dropped = self.dropped.saturating_add(fact.weight());
                return;
            }
        }
        self.rows.insert(key, fact);
        if self.rows.len() > self.cap
            && let Some((_, evicted)) = self.rows.pop_last()
        {
            self.dropped = self.dropped.saturating_add(evicted.weight());
        }
    }

    /// The fact of a key, to merge into.
    pub(crate) fn known(&mut self, key: &K) -> Option<&mut V> {
        self.rows.get_mut(key)
    }

    /// Merges another table in.
    pub(crate) fn merge(&mut self, other: Table<K, V>) {
        self.dropped = self.dropped.saturating_add(other.dropped);
        for (key, fact) in other.rows {
            self.add(key, fact);
        }
    }

    /// Observations that found no room.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// The rows, in order of their keys.
    pub(crate) fn rows(&self) -> &BTreeMap<K, V> {
        &self.rows
    }
}

impl<K: Ord + Clone, L: Ord + Clone, V: Fact + Clone> Table<K, Few<L, V>> {
    /// Merges a fact in under two keys; at most `each` facts under the first.
    pub(crate) fn add_within(&mut self, key: K, each: usize, inner: L, fact: V) {
        match self.rows.get_mut(&key) {
            Some(few) => few.add(inner, fact),
            None => {
                let mut few = Few::new(each);
                few.add(inner, fact);
                self.add(key, few);
            }
        }
    }
}

/// A [`Table`] of small facts that are added often and read at the end: hashed as long as there is
/// room, in order once somebody reads or it is full.
#[derive(Clone, Debug)]
pub(crate) struct Gathered<K, V> {
    hashed: HashMap<K, V, RandomState>,
    in_order: OnceLock<BTreeMap<K, V>>,
    /// Takes everything from the moment when it is full.
    full: Option<Table<K, V>>,
    cap: usize,
}

impl<K: Ord + Hash + Clone, V: Fact + Clone> Gathered<K, V> {
    /// An empty table for `cap` keys.
    pub(crate) fn new(cap: usize) -> Self {
        Gathered {
            hashed: HashMap::default(),
            in_order: OnceLock::new(),
            full: None,
            cap,
        }
    }

    /// Merges a fact in.
    pub(crate) fn add(&mut self, key: K, fact: V) {
        self.in_order.take();
        if let Some(table) = &mut self.full {
            return table.add(key, fact);
        }
        if let Some(row) = self.hashed.get_mut(&key) {
            return row.merge(&fact);
        }
        if self.hashed.len() < self.cap {
            self.hashed.insert(key, fact);
            return;
        }
        self.full().add(key, fact);
    }

    /// From now on in order.
    fn full(&mut self) -> &mut Table<K, V> {
        let Gathered {
            hashed, full, cap, ..
        } = self;
        full.get_or_insert_with(|| Table {
            rows: hashed.drain().collect(),
            cap: *cap,
            dropped: 0,
        })
    }

    /// Merges another table in.
    pub(crate) fn merge(&mut self, other: Gathered<K, V>) {
        let dropped = other.dropped();
        match other.full {
            Some(table) => table
                .rows
                .into_iter()
                .for_each(|(key, fact)| self.add(key, fact)),
            None => other
                .hashed
                .into_iter()
                .for_each(|(key, fact)| self.add(key, fact)),
        }
        if dropped > 0 {
            let table = self.full();
            table.dropped = table.dropped.saturating_add(dropped);
        }
    }

    /// Observations that found no room.
    pub(crate) fn dropped(&self) -> u64 {
        self.full.as_ref().map_or(0, Table::dropped)
    }

    /// The rows, in order of their keys.
    pub(crate) fn rows(&self) -> &BTreeMap<K, V> {
        match &self.full {
            Some(table) => table.rows(),
            None => self.in_order.get_or_init(|| {
                let rows = self.hashed.iter();
                rows.map(|(key, fact)| (key.clone(), fact.clone()))
                    .collect()
            }),
        }
    }
}

impl<K: Ord + Hash + Clone, V: Fact + Clone + PartialEq> PartialEq for Gathered<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.rows() == other.rows() && self.dropped() == other.dropped()
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

    /// Observations that found no room.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
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
}

/// Large facts live beside the tree, so that its nodes stay small.
impl<V: Fact> Fact for Box<V> {
    fn merge(&mut self, other: &Self) {
        self.as_mut().merge(other);
    }

    fn weight(&self) -> u64 {
        self.as_ref().weight()
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
        fn gathered_are_a_table(keys in prop::collection::vec(0u8..12, 0..60), cut in 0usize..60) {
            let gathered = |keys: &[u8]| {
                let mut gathered = Gathered::new(4);
                for &key in keys {
                    gathered.add(key, Count(1));
                }
                gathered
            };
            let (table, whole) = (table(&keys), gathered(&keys));
            prop_assert_eq!(table.rows(), whole.rows());
            prop_assert_eq!(table.dropped(), whole.dropped());
            let (a, b) = keys.split_at(cut.min(keys.len()));
            let mut merged = gathered(b);
            // Reading in between changes nothing.
            prop_assert!(merged.rows().len() <= 4);
            merged.merge(gathered(a));
            prop_assert_eq!(whole, merged);
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
