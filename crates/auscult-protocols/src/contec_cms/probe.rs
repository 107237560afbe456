//! Whether first bytes are a CMS8000 stream: a walk over blocks that stops at the first misfit.
//!
//! The checks are those of the strict probe that was worked out from the two public decoders; a
//! `Certain` rests on at least two blocks that keep every constant. Limits: an anchor is searched
//! in the first [`SEARCH`] octets only, and each octet is looked at a bounded number of times.

use memchr::memmem;

use super::wire;
use crate::{Probe, Seen};

/// How far the anchor is searched when the flow was picked up in the middle.
const SEARCH: usize = 4096;

/// No block is longer, padding included.
const LARGEST: usize = 1100;

/// What one direction looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    /// Nothing seen, or too little.
    Unknown,
    /// Not a stream of blocks.
    Misfit,
    /// Blocks, and how sure.
    Fits(Probe),
}

/// Either direction may carry the stream: captures tag directions differently, and a flow that
/// was picked up in the middle may have its sides swapped.
///
/// A stream that is certain on one side stays so whatever the other side says, since nothing is
/// known of what a station may answer.
pub(super) fn probe(seen: &Seen<'_>) -> Probe {
    let sides = [seen.originator, seen.responder].map(|bytes| judge_side(bytes, seen.from_start));
    if sides.contains(&Side::Fits(Probe::Certain)) {
        return Probe::Certain;
    }
    if seen.from_start && is_print_job(seen.originator, seen.responder) {
        return Probe::No;
    }
    match sides {
        // Whoever receives the stream may say anything, and must not hide it by that.
        [Side::Unknown, Side::Misfit] if seen.from_start => Probe::Maybe,
        [Side::Fits(one), Side::Fits(other)] => one.max(other),
        [Side::Fits(one), _] | [_, Side::Fits(one)] => one,
        [Side::Misfit, _] | [_, Side::Misfit] => Probe::No,
        [Side::Unknown, Side::Unknown] => Probe::Maybe,
    }
}

/// A print server acknowledges with single zero octets what ended in a line feed.
fn is_print_job(asked: &[u8], answer: &[u8]) -> bool {
    let prints =
        asked.len() < wire::HEADER && matches!(asked, [1..=5, rest @ ..] if rest.contains(&b'\n'));
    prints && !answer.is_empty() && answer.iter().all(|&b| b == 0)
}

fn judge_side(bytes: &[u8], from_start: bool) -> Side {
    if bytes.len() < wire::HEADER {
        return Side::Unknown;
    }
    let at_start = judge(bytes);
    if from_start || at_start == Side::Fits(Probe::Certain) {
        return at_start;
    }
    let mut best = Side::Unknown;
    let first = bytes.get(..SEARCH.min(bytes.len())).unwrap_or_default();
    for anchor in memmem::find_iter(first, &wire::ANCHOR) {
        let Some(block) = anchor.checked_sub(2).and_then(|at| bytes.get(at..)) else {
            continue;
        };
        match judge(block) {
            // Behind more foreign octets than the largest block has, the stream was not aligned
            // when it began: blocks may lie inside something else.
            Side::Fits(Probe::Certain) if anchor > LARGEST => {
                best = Side::Fits(Probe::Likely);
            }
            Side::Fits(Probe::Certain) => return Side::Fits(Probe::Certain),
            Side::Fits(fit) if best == Side::Unknown || Side::Fits(fit).is_surer(best) => {
                best = Side::Fits(fit);
            }
            _ => {}
        }
    }
    match (best, at_start) {
        (Side::Unknown, Side::Fits(fit)) => Side::Fits(fit),
        (Side::Unknown, _) if bytes.len() >= SEARCH => Side::Misfit,
        _ => best,
    }
}

impl Side {
    fn is_surer(self, than: Side) -> bool {
        matches!((self, than), (Side::Fits(one), Side::Fits(other)) if one > other)
    }
}

/// Walks the blocks from the start of `bytes` on.
fn judge(bytes: &[u8]) -> Side {
    let mut at = 0;
    let mut in_a_row = 0_u32;
    let mut telling_in_a_row = false;
    let mut before: Option<u8> = None;
    let mut grade = Probe::Maybe;
    while let Some(rest) = bytes.get(at..)
        && let Some(header) = wire::header(rest)
    {
        let end = header.total().min(rest.len()).max(wire::HEADER);
        let data = rest.get(wire::HEADER..end).unwrap_or_default();
        // The header decides, since data still to come must not take back what was certain.
        let follows_telling = matches!(before, Some(wire::TELEMETRY | wire::PATIENT));
        if follows_telling && matches!(fit(header, &[], true), Fit::Fits) {
            return Side::Fits(Probe::Certain);
        }
        match fit(header, data, at > 0) {
            Fit::Misfit => return Side::Misfit,
            Fit::NotJudged => {
                (in_a_row, telling_in_a_row, before) = (0, false, None);
            }
            Fit::Fits => {
                if rest.len() < header.total() {
                    break;
                }
                in_a_row += 1;
                telling_in_a_row |= !matches!(header.kind, wire::UNKNOWN_43 | wire::CYCLE_END);
                let patient_and_any = header.kind == wire::PATIENT && before.is_some();
                if patient_and_any || (in_a_row >= 3 && telling_in_a_row) {
                    return Side::Fits(Probe::Certain);
                }
                if matches!(header.kind, wire::TELEMETRY | wire::PATIENT) {
                    grade = Probe::Likely;
                }
                before = Some(header.kind);
            }
        }
        at += header.total();
    }
    Side::Fits(grade)
}

enum Fit {
    Fits,
    Misfit,
    /// A type or sub-type without a known layout, after blocks that fit.
    NotJudged,
}

/// Judges one block, of which `data` may be a prefix.
fn fit(header: wire::Header, data: &[u8], follows_another: bool) -> Fit {
    if !header.is_frame() {
        return Fit::Misfit;
    }
    let telemetry = header.kind == wire::TELEMETRY;
    let sub_type = data.get(2).copied().filter(|_| telemetry);
    let Some((least, greatest)) = wire::lengths(header.kind, sub_type) else {
        let zeros = !telemetry || wire::misfit(wire::TELEMETRY, data).is_none();
        return if follows_another && zeros {
            Fit::NotJudged
        } else {
            Fit::Misfit
        };
    };
    if !(least..=greatest).contains(&header.length) || wire::misfit(header.kind, data).is_some() {
        return Fit::Misfit;
    }
    Fit::Fits
}
