//! Tells DICOM by its first bytes: an association request or its acceptance.
//!
//! Fixed are the kind with its reserved byte (16 bits), a length of which at least one byte is 0,
//! the reserved bytes behind the version (16), the first item's head (16) and the application
//! context's 21 characters; AE titles are printable. A stream that is joined in its middle is
//! known by a fragment that begins a command set.

use auscult_model::Transport;

use super::command;
use super::pdu::{APPLICATION_CONTEXT, HEADER, Header, ITEMS, Kind, VALUE_HEADER, Value};
use crate::{Probe, Seen, sides};

/// So many bytes of a stream picked up in its middle are searched.
const SEARCHED: usize = 6 * 1024;

pub(super) fn probe(seen: &Seen<'_>) -> Probe {
    match seen.transport {
        Transport::Tcp if seen.from_start => sides::judge(seen, at_start),
        Transport::Tcp => {
            let found = seen.sides().iter().any(|(_, bytes)| {
                let bytes = bytes.get(..SEARCHED).unwrap_or(bytes);
                at_start(bytes) == Probe::Certain
                    || (0..bytes.len()).any(|at| begins_command(bytes, at))
            });
            if found { Probe::Certain } else { Probe::Maybe }
        }
        _ => Probe::No,
    }
}

fn at_start(bytes: &[u8]) -> Probe {
    let fits = |range: std::ops::Range<usize>, of: fn(u8) -> bool| {
        let end = range.end.min(bytes.len());
        let part = bytes.get(range.start..end).unwrap_or_default();
        part.iter().all(|byte| of(*byte))
    };
    let titles = 10..42;
    let plausible = fits(0..1, |byte| matches!(byte, 1 | 2))
        && fits(1..3, |byte| byte == 0)
        && fits(7..8, |byte| byte & 1 == 1)
        && fits(8..10, |byte| byte == 0)
        && fits(titles, |byte| byte == 0 || (0x20..0x7f).contains(&byte));
    if !plausible || bytes.len() >= HEADER && Header::read(bytes).is_none() {
        return Probe::No;
    }
    let Some(item) = bytes.get(HEADER + ITEMS..) else {
        return Probe::Maybe;
    };
    let name = item.get(4..).unwrap_or_default();
    if !matches!(item.first(), None | Some(0x10 | 0x20 | 0x50)) {
        Probe::No
    } else if item.first() == Some(&0x10) && name.starts_with(APPLICATION_CONTEXT) {
        Probe::Certain
    } else if name.len() < APPLICATION_CONTEXT.len() {
        Probe::Maybe
    } else {
        Probe::Likely
    }
}

/// Whether a P-DATA-TF with the beginning of a command set lies here.
fn begins_command(bytes: &[u8], at: usize) -> bool {
    let rest = bytes.get(at..).unwrap_or_default();
    rest.starts_with(&[4, 0])
        && data_begins(rest).is_some_and(|value| value.is_command)
        && rest
            .get(HEADER + VALUE_HEADER..)
            .is_some_and(|set| set.starts_with(command::BEGIN))
}

/// The first fragment of the P-DATA-TF at the front of these bytes.
pub(super) fn data_begins(bytes: &[u8]) -> Option<Value> {
    let header = Header::read(bytes).filter(|header| header.kind == Kind::Data)?;
    Value::read(bytes.get(HEADER..)?, header.length)
}
