//! Where patient data lie in packets that are to be shown to others.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::{PacketRef, PhiRange};

/// What is known of the bytes of some packets. In memory only: the words are patients' own.
#[derive(Clone, Debug, Default)]
pub struct Marks {
    /// Identifying bytes, statement by statement; also in packets that were not asked for where a
    /// value goes on in one that was.
    pub patient: Vec<Vec<PhiRange>>,
    /// Packets whose payload a reader got. Of others nobody knows what they carry.
    pub read: BTreeSet<PacketRef>,
    /// Bytes of those that were left out all the same, as offsets in the frame.
    pub unread: BTreeMap<PacketRef, Vec<Range<u32>>>,
    /// Words seen as patient data anywhere, in small letters: to be masked wherever they recur.
    pub words: Vec<String>,
    /// Not all such words are known.
    pub words_missing: bool,
}
