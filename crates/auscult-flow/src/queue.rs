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

pub(crate) struct Queues {
    by_rank: [VecDeque<Entry>; 7],
    /// No entry is due before.
    next_due: Timestamp,
}

impl Default for Queues {
    fn default() -> Self {
        Queues {
            by_rank: Default::default(),
            next_due: NEVER,
        }
    }
}

/// Later than any packet.
const NEVER: Timestamp = Timestamp(i64::MAX);

impl Queues {
    pub(crate) fn push(&mut self, rank: Rank, entry: Entry) {
        self.next_due = self.next_due.min(entry.due);
        self.by_rank[rank.index()].push_back(entry);
    }

    /// Entries, stale ones included.
    pub(crate) fn len(&self) -> usize {
        self.by_rank.iter().map(VecDeque::len).sum()
    }

    /// Drops the stale ones.
    pub(crate) fn retain(&mut self, is_current: impl Fn(Entry, Rank) -> bool) {
        for (queue, rank) in self.by_rank.iter_mut().zip(Rank::ALL) {
            queue.retain(|entry| is_current(*entry, rank));
        }
    }

    /// Whether the front of a queue may be due: asked for every packet.
    pub(crate) fn may_be_due(&self, clock: Timestamp) -> bool {
        self.next_due <= clock
    }

    /// To be called when all that was due is taken.
    pub(crate) fn all_due_taken(&mut self) {
        let fronts = self.by_rank.iter().filter_map(VecDeque::front);
        self.next_due = fronts.map(|entry| entry.due).min().unwrap_or(NEVER);
    }

    /// The oldest entry of `rank` if it is due.
    pub(crate) fn pop_due(&mut self, rank: Rank, clock: Timestamp) -> Option<Entry> {
        let queue = &mut self.by_rank[rank.index()];
        if queue.front()?.due > clock {
            return None;
        }
        queue.pop_front()
    }

    /// The oldest entry of `rank`.
    pub(crate) fn pop(&mut self, rank: Rank) -> Option<Entry> {
        self.by_rank[rank.index()].pop_front()
    }
}
