//! Tells HL7 v2 by its first bytes: `0B` and `MSH` with delimiters that fit, or `MSH` alone.
//!
//! `MSH`, a separator, four or five distinct punctuation marks and the separator again are at
//! least 24 + 8 fixed bits besides the classes of six more bytes. XML, HTTP and other text that
//! only holds a message further on are something else.

use auscult_model::Transport;

use super::framing::{Width, framed_header_inside};
use super::syntax::{Header, header};
use crate::{Probe, Seen};

/// So many bytes of a stream picked up in its middle are searched.
const SEARCHED: usize = 8 * 1024;

/// Each side alone can prove the format; only both together can exclude it, since either may
/// speak first in a way of its own.
pub(super) fn probe(seen: &Seen<'_>) -> Probe {
    if seen.transport != Transport::Tcp {
        return Probe::No;
    }
    let [first, second] = [seen.originator, seen.responder].map(|bytes| {
        if seen.from_start {
            at_start(bytes)
        } else {
            inside(bytes)
        }
    });
    match (first, second) {
        (Probe::No, Probe::No) => Probe::No,
        (Probe::No, other) | (other, Probe::No) if other != Probe::Certain => Probe::Maybe,
        _ => first.max(second),
    }
}

fn at_start(bytes: &[u8]) -> Probe {
    let mut at = 0;
    let mut opened = false;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        match rest {
            [] => return Probe::Maybe,
            [0xef, 0xbb, 0xbf, ..] if at <= 1 => at += 3,
            [0x0d | 0x0a, ..] if at < 4 => at += 1,
            [0x00, 0x0b, 0x00, ..] if !opened => return wide(bytes, at + 2, Width::BigEndian),
            [0x0b, 0x00, ..] if !opened => return wide(bytes, at + 2, Width::LittleEndian),
            [0x0b, ..] if !opened => {
                opened = true;
                at += 1;
            }
            [0x06 | 0x15, 0x1c, ..] | [0x1c, 0x0d | 0x0a, ..] if opened => return Probe::Likely,
            [0x06 | 0x15 | 0x1c] if opened => return Probe::Maybe,
            [0x00] | [0x00, 0x0b] | [0xef] | [0xef, 0xbb] => return Probe::Maybe,
            _ => return narrow(bytes, at),
        }
    }
}

fn narrow(bytes: &[u8], at: usize) -> Probe {
    match header(bytes, at, Width::Narrow) {
        Header::Good => Probe::Certain,
        Header::Short => Probe::Maybe,
        Header::Bad => Probe::No,
    }
}

fn wide(bytes: &[u8], at: usize, width: Width) -> Probe {
    let marked = match (width, bytes.get(at..at + 2)) {
        (Width::LittleEndian, Some([0xff, 0xfe])) | (Width::BigEndian, Some([0xfe, 0xff])) => {
            at + 2
        }
        _ => at,
    };
    match header(bytes, marked, width) {
        Header::Good => Probe::Certain,
        Header::Short => Probe::Maybe,
        Header::Bad => Probe::No,
    }
}

/// A stream picked up in its middle.
fn inside(bytes: &[u8]) -> Probe {
    let bytes = bytes.get(..SEARCHED).unwrap_or(bytes);
    if at_start(bytes) == Probe::Certain || framed_header_inside(bytes) {
        Probe::Certain
    } else {
        Probe::Maybe
    }
}
