//! A bounded map of facts that gives the same rows whatever the order in which facts came.
//!
//! When it is full the *largest* keys go. The set of the smallest n keys of all that were ever
//! added does not depend on order, splitting or merging, and neither does the number of
//! observations that were dropped; an eviction by age or chance would depend on them.
//! Limit: keys must be chosen so that what matters most sorts first.

use std::collections::BTreeMap;

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

/// A table of facts is a fact itself: the values of one key, bounded a second time.
impl<K: Ord + Clone, V: Fact + Clone> Fact for Table<K, V> {
    fn merge(&mut self, other: &Self) {
        self.dropped = self.dropped.saturating_add(other.dropped);
        for (key, fact) in &other.rows {
            self.add(key.clone(), fact.clone());
        }
    }

    fn weight(&self) -> u64 {
        self.rows
            .values()
            .fold(self.dropped, |sum, fact| sum.saturating_add(fact.weight()))
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
            prop_assert_eq!(whole.weight(), keys.len() as u64);
        }
    }
}
