//! Places for values that are as large as a flow: growing moves none of them.

/// Values in a chunk.
const CHUNK: usize = 64;

/// Values by number; numbers of values that were taken out are used again.
pub(crate) struct Slab<T> {
    chunks: Vec<Vec<Option<T>>>,
    free: Vec<u32>,
    len: usize,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Slab {
            chunks: Vec::new(),
            free: Vec::new(),
            len: 0,
        }
    }
}

impl<T> Slab<T> {
    /// Number of values.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Puts a value in; its number.
    pub(crate) fn insert(&mut self, value: T) -> u32 {
        self.len += 1;
        if let Some(index) = self.free.pop()
            && let Some(place) = self.place(index)
        {
            *place = Some(value);
            return index;
        }
        if self.chunks.last().is_none_or(|last| last.len() == CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        let before = (self.chunks.len() - 1) * CHUNK;
        let last = &mut self.chunks[before / CHUNK];
        last.push(Some(value));
        (before + last.len() - 1) as u32
    }

    fn place(&mut self, index: u32) -> Option<&mut Option<T>> {
        let index = index as usize;
        self.chunks.get_mut(index / CHUNK)?.get_mut(index % CHUNK)
    }

    /// The value of a number.
    pub(crate) fn get(&self, index: u32) -> Option<&T> {
        let index = index as usize;
        self.chunks.get(index / CHUNK)?.get(index % CHUNK)?.as_ref()
    }

    /// See [`Slab::get`].
    pub(crate) fn get_mut(&mut self, index: u32) -> Option<&mut T> {
        self.place(index)?.as_mut()
    }

    /// Takes a value out.
    pub(crate) fn take(&mut self, index: u32) -> Option<T> {
        let value = self.place(index)?.take()?;
        self.free.push(index);
        self.len -= 1;
        Some(value)
    }

    /// All values with their numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        let places = self.chunks.iter().flatten();
        (0..)
            .zip(places)
            .filter_map(|(index, value)| Some((index, value.as_ref()?)))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_slab_is_a_map(steps in prop::collection::vec(prop::option::of(0u32..150), 0..400)) {
            let mut slab = Slab::default();
            let mut model = BTreeMap::new();
            for (value, step) in steps.into_iter().enumerate() {
                match step {
                    None => {
                        let index = slab.insert(value);
                        prop_assert_eq!(model.insert(index, value), None);
                    }
                    Some(index) => prop_assert_eq!(slab.take(index), model.remove(&index)),
                }
                prop_assert_eq!(slab.len(), model.len());
            }
            prop_assert!(slab.iter().eq(model.iter().map(|(index, value)| (*index, value))));
            for (index, value) in model {
                prop_assert_eq!(slab.get(index), Some(&value));
                prop_assert_eq!(slab.get_mut(index).copied(), Some(value));
            }
        }
    }
}
