//! Segments that came before the bytes in front of them: held until the hole is filled.
//!
//! Offsets count from the start of the stream as captured. Bytes received first stay; later ones
//! only fill what is still empty, and are compared where they overlap.

use std::collections::BTreeMap;

use crate::At;

/// Bytes out of order, by stream offset, never overlapping.
#[derive(Default)]
pub(crate) struct Pending {
    pieces: BTreeMap<u64, (Vec<u8>, At)>,
    bytes: usize,
}

/// A piece with its place in the tree, besides its bytes.
const PIECE_COST: usize = 128;

/// Two versions of the same bytes.
pub(crate) struct Differing<'a> {
    pub(crate) first: &'a [u8],
    pub(crate) second: &'a [u8],
}

impl Pending {
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// What they take, roughly: a million pieces of one byte are more than a million bytes.
    pub(crate) fn cost(&self) -> usize {
        self.bytes + self.pieces.len() * PIECE_COST
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.pieces.len()
    }

    /// Offset of the first byte held.
    pub(crate) fn first(&self) -> Option<u64> {
        self.pieces.first_key_value().map(|(offset, _)| *offset)
    }

    /// Holds `bytes` at `offset`; calls `conflict` for overlapping bytes that differ.
    pub(crate) fn insert(
        &mut self,
        offset: u64,
        bytes: &[u8],
        at: At,
        mut conflict: impl FnMut(Differing<'_>),
    ) {
        let end = offset + bytes.len() as u64;
        let before = self
            .pieces
            .range(..offset)
            .next_back()
            .map(|(start, _)| *start);
        let from = before.unwrap_or(offset);
        let mut empty_from = offset;
        let mut fills = Vec::new();
        for (&start, (held, _)) in self.pieces.range(from..end) {
            let held_end = start + held.len() as u64;
            if held_end <= offset {
                continue;
            }
            let (low, high) = (start.max(offset), held_end.min(end));
            let first = &held[(low - start) as usize..(high - start) as usize];
            let second = &bytes[(low - offset) as usize..(high - offset) as usize];
            if first != second {
                conflict(Differing { first, second });
            }
            if empty_from < start {
                fills.push(empty_from..start);
            }
            empty_from = empty_from.max(held_end);
        }
        if empty_from < end {
            fills.push(empty_from..end);
        }
        for fill in fills {
            let within = (fill.start - offset) as usize..(fill.end - offset) as usize;
            let mut from = at;
            from.frame_offset = at.frame_offset.map(|frame| frame + within.start as u32);
            self.bytes += within.len();
            self.pieces
                .insert(fill.start, (bytes[within].to_vec(), from));
        }
    }

    /// Takes the piece at `offset`, or the rest of one that begins before it.
    pub(crate) fn take_at(&mut self, offset: u64) -> Option<(Vec<u8>, At)> {
        while let Some(entry) = self.pieces.first_entry() {
            let start = *entry.key();
            if start > offset {
                return None;
            }
            let (mut bytes, mut at) = entry.remove();
            self.bytes -= bytes.len();
            let known = (offset - start) as usize;
            if known < bytes.len() {
                bytes.drain(..known);
                at.frame_offset = at.frame_offset.map(|frame| frame + known as u32);
                return Some((bytes, at));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use auscult_model::{PacketRef, Timestamp};
    use proptest::prelude::*;

    use super::*;

    const AT: At = At {
        packet: PacketRef {
            file: auscult_model::FileIndex(0),
            number: 1,
        },
        time: Timestamp(0),
        frame_offset: Some(0),
    };

    proptest! {
        /// Against a plain array in which the first writer of a byte wins.
        #[test]
        fn first_received_wins(
            pieces in prop::collection::vec((0u64..60, 1usize..20, any::<u8>()), 1..20),
        ) {
            let mut model = [None; 100];
            let mut pending = Pending::default();
            let mut conflicts = 0;
            let mut expected_conflict = false;
            for (offset, length, value) in pieces {
                let bytes = vec![value; length];
                for i in 0..length {
                    let place = &mut model[offset as usize + i];
                    match *place {
                        None => *place = Some(value),
                        Some(old) => expected_conflict |= old != value,
                    }
                }
                pending.insert(offset, &bytes, AT, |_| conflicts += 1);
            }
            prop_assert_eq!(conflicts > 0, expected_conflict);
            let held: usize = model.iter().flatten().count();
            prop_assert_eq!(pending.bytes(), held);
            let mut at = 0u64;
            while let Some(first) = pending.first() {
                prop_assert!(first >= at);
                at = first;
                let (bytes, _) = pending.take_at(at).unwrap();
                for byte in bytes {
                    prop_assert_eq!(model[at as usize], Some(byte));
                    model[at as usize] = None;
                    at += 1;
                }
            }
            prop_assert!(model.iter().all(Option::is_none));
        }
    }
}
