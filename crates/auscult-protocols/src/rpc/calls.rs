//! Calls that wait for their reply, found again by transaction id.
//!
//! Answered calls stay until they are pushed out, so that repeated calls and replies (UDP clients
//! retransmit) are known as such. Limit: [`CALLS_MAX`] calls a flow, the oldest gives way.

use std::collections::VecDeque;

use auscult_model::Direction;

use super::message::CallHeader;
use crate::{Mark, mount, nfs, portmap};

/// Most calls that are remembered.
pub(crate) const CALLS_MAX: usize = 512;

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

/// The calls of one flow, oldest first.
#[derive(Default)]
pub(crate) struct Calls {
    seen: VecDeque<Call>,
}

impl Calls {
    /// Whether this call was seen before: still without an answer, or asking the same.
    pub(crate) fn is_repeat(&self, from: Direction, header: &CallHeader, asked: &Asked) -> bool {
        self.find(from, header.xid).is_some_and(|call| {
            let of = |h: &CallHeader| (h.program, h.version, h.procedure);
            of(&call.header) == of(header) && (!call.answered || call.asked == *asked)
        })
    }

    /// Whether a reply with this transaction id could belong to a call of this side.
    pub(crate) fn knows(&self, from: Direction, xid: u32) -> bool {
        self.find(from, xid).is_some()
    }

    fn find(&self, from: Direction, xid: u32) -> Option<&Call> {
        let same = |call: &&Call| call.header.xid == xid && call.from == from;
        self.seen.iter().rev().find(same)
    }

    /// Remembers a call; gives back the one that had to give way.
    pub(crate) fn insert(&mut self, call: Call) -> Option<Call> {
        let pushed_out = if self.seen.len() >= CALLS_MAX {
            self.seen.pop_front()
        } else {
            None
        };
        self.seen.push_back(call);
        pushed_out
    }

    /// The call that a reply answers, when it is the first answer; `Err` when the answer repeats
    /// an earlier one, `Ok(None)` when no call was seen.
    pub(crate) fn answer(&mut self, from: Direction, xid: u32) -> Result<Option<Call>, Repeated> {
        let same = |call: &&mut Call| call.header.xid == xid && call.from == from;
        match self.seen.iter_mut().rev().find(same) {
            None => Ok(None),
            Some(call) if call.answered => Err(Repeated),
            Some(call) => {
                call.answered = true;
                Ok(Some(call.clone()))
            }
        }
    }

    /// Calls that nobody answered, oldest first.
    pub(crate) fn unanswered(&mut self) -> impl Iterator<Item = Call> {
        std::mem::take(&mut self.seen)
            .into_iter()
            .filter(|call| !call.answered)
    }
}

/// The reply was seen before.
pub(crate) struct Repeated;
