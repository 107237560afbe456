//! In which order flows time out and are forgotten: a queue per rank, oldest first.
//!
//! Entries are not moved when a flow gets a packet; one that comes to the front too early goes to
//! the back again, so keeping order costs nothing per packet.

use std::collections::VecDeque;

use auscult_model::Timestamp;

use crate::Rank;

/// A flow in a queue; stale when the flow's generation or rank has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) flow: u32,
    pub(crate) generation: u32,
    pub(crate) due: Timestamp,
}

#[derive(Default)]
pub(crate) struct Queues([VecDeque<Entry>; 5]);

impl Queues {
    pub(crate) fn push(&mut self, rank: Rank, entry: Entry) {
        self.0[rank.index()].push_back(entry);
    }

    /// The oldest entry of `rank` if it is due.
    pub(crate) fn pop_due(&mut self, rank: Rank, clock: Timestamp) -> Option<Entry> {
        let queue = &mut self.0[rank.index()];
        if queue.front()?.due > clock {
            return None;
        }
        queue.pop_front()
    }

    /// The oldest entry of `rank`.
    pub(crate) fn pop(&mut self, rank: Rank) -> Option<Entry> {
        self.0[rank.index()].pop_front()
    }
}
