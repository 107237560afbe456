//! Calls that wait for their reply, found again by transaction id.
//!
//! Answered calls stay until they are pushed out, so that repeated calls and replies (UDP clients
//! retransmit) are known as such. Limit: [`CALLS`] calls a flow, the oldest gives way.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};

use auscult_model::{Bound, Direction};

use super::message::CallHeader;
use crate::{Mark, mount, nfs, portmap};

/// Most calls that are remembered.
pub(crate) static CALLS: Bound = Bound::settable(
    "rpc-calls",
    512,
    "calls of one flow that wait for their answer",
    "the oldest counts as unanswered",
);

/// What a call asked, as far as its reply needs it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Asked {
    /// A program or procedure that is not read.
    Nothing,
    Portmap(portmap::Query),
    Mount(mount::Query),
    Nfs(nfs::Query),
    /// Operations of NFSv4, and its minor version.
    Compound(Vec<nfs::v4::Operation>, u32),
}

/// A call that was seen.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) from: Direction,
    pub(crate) header: CallHeader,
    pub(crate) asked: Asked,
    /// Packet with its first byte.
    pub(crate) first: Mark,
    pub(crate) answered: bool,
}

/// Who called, and the transaction id.
type Key = (Direction, u32);

/// The calls of one flow.
#[derive(Default)]
pub(crate) struct Calls {
    seen: HashMap<Key, (u64, Call)>,
    /// Keys with the number of their call, oldest first; a key comes again when it is reused.
    order: VecDeque<(u64, Key)>,
    count: u64,
}

impl Calls {
    /// Whether this call was seen before: still without an answer, or asking the same.
    pub(crate) fn is_repeat(&self, from: Direction, header: &CallHeader, asked: &Asked) -> bool {
        self.seen.get(&(from, header.xid)).is_some_and(|(_, call)| {
            let of = |h: &CallHeader| (h.program, h.version, h.procedure);
            of(&call.header) == of(header) && (!call.answered || call.asked == *asked)
        })
    }

    /// Whether a reply with this transaction id could belong to a call of this side.
    pub(crate) fn knows(&self, from: Direction, xid: u32) -> bool {
        self.seen.contains_key(&(from, xid))
    }

    /// Remembers a call, at most `max` in all; gives back the one that had to give way.
    pub(crate) fn insert(&mut self, call: Call, max: usize) -> Option<Call> {
        let key = (call.from, call.header.xid);
        self.count += 1;
        self.order.push_back((self.count, key));
        let replaced = self.seen.insert(key, (self.count, call));
        let pushed_out = if self.order.len() > max {
            self.order
                .pop_front()
                .and_then(|(number, key)| self.remove(number, key))
        } else {
            None
        };
        replaced.map(|(_, call)| call).or(pushed_out)
    }

    fn remove(&mut self, number: u64, key: Key) -> Option<Call> {
        match self.seen.entry(key) {
            Entry::Occupied(entry) if entry.get().0 == number => Some(entry.remove().1),
            _ => None,
        }
    }

    /// The call that a reply answers, when it is the first answer; `Err` when the answer repeats
    /// an earlier one, `Ok(None)` when no call was seen.
    pub(crate) fn answer(&mut self, from: Direction, xid: u32) -> Result<Option<Call>, Repeated> {
        match self.seen.get_mut(&(from, xid)) {
            None => Ok(None),
            Some((_, call)) if call.answered => Err(Repeated),
            Some((_, call)) => {
                call.answered = true;
                Ok(Some(call.clone()))
            }
        }
    }

    /// Calls that nobody answered, oldest first.
    pub(crate) fn unanswered(&mut self) -> Vec<Call> {
        let order = std::mem::take(&mut self.order);
        order
            .into_iter()
            .filter_map(|(number, key)| self.remove(number, key))
            .filter(|call| !call.answered)
            .collect()
    }
}

/// The reply was seen before.
pub(crate) struct Repeated;
