//! Bounds: what every table, buffer and queue may hold, by name.

use std::collections::BTreeMap;

/// A bound that the analysis keeps. Its name is the one under which `health.limits` counts how
/// often it was reached, and the one by which `--limit` sets it.
#[derive(Debug, PartialEq, Eq)]
pub struct Bound {
    /// Its name.
    pub name: &'static str,
    /// Most of them.
    pub default: u64,
    /// What the value depends on.
    pub kind: BoundKind,
    /// What it counts, and of what.
    pub of: &'static str,
    /// What happens to the rest.
    pub beyond: &'static str,
}

/// What the value of a bound depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BoundKind {
    /// Nothing: a larger one would say nothing more, or the format knows no larger one.
    Constant,
    /// `--limit`.
    Settable,
    /// `--limit`; the default grows and shrinks with the memory that may be used, and is stated
    /// for [`Bounds::USUAL_MEMORY`].
    WithMemory,
}

impl Bound {
    /// One that nothing changes.
    pub const fn constant(
        name: &'static str,
        default: u64,
        of: &'static str,
        beyond: &'static str,
    ) -> Self {
        Bound {
            name,
            default,
            kind: BoundKind::Constant,
            of,
            beyond,
        }
    }

    /// One that can be set, and is else the same for any memory.
    pub const fn settable(
        name: &'static str,
        default: u64,
        of: &'static str,
        beyond: &'static str,
    ) -> Self {
        let constant = Bound::constant(name, default, of, beyond);
        Bound {
            kind: BoundKind::Settable,
            ..constant
        }
    }

    /// One that can be set, and whose default follows the memory that may be used.
    pub const fn with_memory(
        name: &'static str,
        default: u64,
        of: &'static str,
        beyond: &'static str,
    ) -> Self {
        let constant = Bound::constant(name, default, of, beyond);
        Bound {
            kind: BoundKind::WithMemory,
            ..constant
        }
    }
}

/// The values of bounds in one analysis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds {
    memory: u64,
    set: BTreeMap<&'static str, u64>,
}

impl Default for Bounds {
    fn default() -> Self {
        Bounds::within(Self::USUAL_MEMORY)
    }
}

impl Bounds {
    /// The memory for which defaults are stated.
    pub const USUAL_MEMORY: u64 = 1 << 30;

    /// Defaults for so many bytes.
    pub fn within(memory: u64) -> Self {
        Bounds {
            memory,
            set: BTreeMap::new(),
        }
    }

    /// Sets one to something else than its default; a constant stays what it is.
    pub fn set(&mut self, bound: &'static Bound, value: u64) {
        if bound.kind != BoundKind::Constant {
            self.set.insert(bound.name, value);
        }
    }

    /// For so many bytes, with what was set here.
    pub fn with_memory(&self, memory: u64) -> Self {
        Bounds {
            memory,
            set: self.set.clone(),
        }
    }

    /// How many of them there may be.
    pub fn of(&self, bound: &Bound) -> usize {
        usize::try_from(self.value(bound)).unwrap_or(usize::MAX)
    }

    /// As [`Bounds::of`], where the number may exceed what memory can hold.
    pub fn value(&self, bound: &Bound) -> u64 {
        if !self.set.is_empty()
            && let Some(value) = self.set.get(bound.name)
        {
            return *value;
        }
        if bound.kind != BoundKind::WithMemory || self.memory == Self::USUAL_MEMORY {
            return bound.default;
        }
        let scaled =
            u128::from(bound.default) * u128::from(self.memory) / u128::from(Self::USUAL_MEMORY);
        u64::try_from(scaled).unwrap_or(u64::MAX).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static ROWS: Bound = Bound::with_memory("rows", 1000, "rows", "the last go");
    static FIELDS: Bound = Bound::settable("fields", 200, "fields", "the rest is not read");

    #[test]
    fn what_is_set_counts_before_what_memory_allows() {
        let usual = Bounds::default();
        assert_eq!((usual.of(&ROWS), usual.of(&FIELDS)), (1000, 200));
        let mut quarter = Bounds::within(256 << 20);
        assert_eq!((quarter.of(&ROWS), quarter.of(&FIELDS)), (250, 200));
        quarter.set(&ROWS, 7);
        assert_eq!((quarter.of(&ROWS), quarter.of(&FIELDS)), (7, 200));
        assert_eq!(Bounds::within(1).of(&ROWS), 1, "never nothing at all");
    }
}
