//! Whether first bytes are the Vista 120's: the beacon, the clear stream or the masked one.
//!
//! `Certain` needs a greeting whose clock agrees with its weekday, a known block and a following
//! header, three frames in a row, or the masked hello. Limits: in flows picked up in the middle
//! the first [`SEARCH`] octets are searched.

use super::wire::{self, Clock, Header, Masked};
use crate::{Probe, Seen};

/// How far a frame is searched when the flow was picked up in the middle.
const SEARCH: usize = 4096;

/// The beacon is one datagram: nothing is open after it.
pub(super) fn datagram(seen: &Seen<'_>) -> Probe {
    let sides = [seen.originator, seen.responder].map(|datagram| {
        if datagram.len() != wire::BEACON_SIZE || !datagram.starts_with(&wire::BEACON) {
            return Probe::No;
        }
        match wire::clock(datagram) {
            Clock::Consistent => Probe::Certain,
            Clock::WrongWeekday => Probe::Likely,
            Clock::Impossible => Probe::No,
        }
    });
    let [one, other] = sides;
    match one.max(other) {
        Probe::No if seen.originator.is_empty() && seen.responder.is_empty() => Probe::Maybe,
        probe => probe,
    }
}

/// Either side may be the monitor, and the central speaks first.
pub(super) fn stream(seen: &Seen<'_>) -> Probe {
    let [one, other] = [seen.originator, seen.responder].map(|bytes| {
        if bytes.len() < wire::HEADER {
            None
        } else if seen.from_start {
            Some(judge(bytes))
        } else {
            search(bytes)
        }
    });
    match (one, other) {
        (None, None) => Probe::Maybe,
        (Some(one), None) | (None, Some(one)) => one,
        (Some(one), Some(other)) => one.max(other),
    }
}

/// The surest place of the first octets; `None` while they are too few.
fn search(bytes: &[u8]) -> Option<Probe> {
    let best = (0..SEARCH.min(bytes.len()))
        .filter_map(|at| bytes.get(at..))
        .filter(|rest| rest.len() >= wire::HEADER)
        .map(judge)
        .max();
    match best {
        Some(Probe::No) | None if bytes.len() < SEARCH + wire::HEADER => None,
        best => best,
    }
}

/// Judges at least [`wire::HEADER`] octets that begin with a message.
fn judge(bytes: &[u8]) -> Probe {
    if bytes.starts_with(&wire::MASKED) {
        masked(bytes)
    } else if bytes.starts_with(&wire::GREETING) {
        match wire::clock(bytes) {
            Clock::Consistent => Probe::Certain,
            Clock::WrongWeekday => Probe::Likely,
            Clock::Impossible if bytes.len() < wire::GREETING_SIZE => Probe::Maybe,
            Clock::Impossible => Probe::No,
        }
    } else {
        frames(bytes)
    }
}

fn frames(bytes: &[u8]) -> Probe {
    let mut at = 0;
    let mut complete = 0;
    let mut after_known = false;
    let mut grade = Probe::Maybe;
    while let Some(rest) = bytes.get(at..)
        && let Some(header) = Header::read(rest)
    {
        if !header.is_frame() {
            return Probe::No;
        }
        if after_known {
            return Probe::Certain;
        }
        if rest.len() < header.total() {
            break;
        }
        complete += 1;
        if complete >= 3 {
            return Probe::Certain;
        }
        after_known = header.telemetry().is_some();
        if after_known {
            grade = Probe::Likely;
        }
        at += header.total();
    }
    grade
}

fn masked(bytes: &[u8]) -> Probe {
    let mut at = 0;
    while let Some(rest) = bytes.get(at..)
        && rest.len() >= Masked::HEADER
    {
        let Some(header) = Masked::read(rest) else {
            return Probe::No;
        };
        if at > 0 {
            return Probe::Certain;
        }
        let Some(frame) = rest.get(..usize::from(header.total)) else {
            return Probe::Maybe;
        };
        if !wire::adds_up(frame) {
            return Probe::No;
        }
        if header.is_hello() {
            return Probe::Certain;
        }
        at += frame.len();
    }
    if at > 0 { Probe::Likely } else { Probe::Maybe }
}
