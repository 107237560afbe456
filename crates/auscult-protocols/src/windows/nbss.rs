//! NetBIOS Session Service: who calls whom by NetBIOS names, before what it carries (SMB) begins.
//!
//! Source: RFC 1002 section 4.3.

use crate::opening::Byte::Is;
use crate::opening::{Byte, shape};
use crate::{Probe, Protocol, Record, Seen, sides};

static RECORD: Record = Record {
    name: "nbss",
    title: "NetBIOS Session Service",
    ports: &[139],
    sources: &["RFC 1002"],
    ..Record::RECOGNISED
};

/// See [`RECORD`].
pub struct Nbss;

impl Protocol for Nbss {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        sides::judge(seen, of)
    }
}

/// A session request: the called and the calling name, 32 letters from A to P each.
fn of(bytes: &[u8]) -> Probe {
    const REQUEST: &[Byte] = &[Is(0x81), Is(0), Is(0), Is(0x44), Is(0x20)];
    let open = shape(bytes, REQUEST, Probe::Likely);
    let name = bytes.get(REQUEST.len()..).unwrap_or_default();
    let name = name.get(..32).unwrap_or(name);
    match name.iter().all(|letter| (b'A'..=b'P').contains(letter)) {
        // What follows tells more: SMB is named by its own header.
        true if name.len() < 32 => open.min(Probe::Maybe),
        true => open,
        false => Probe::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_request_is_likely_until_what_it_carries_is_seen() {
        let mut request = b"\x81\0\0\x44\x20".to_vec();
        request.extend([b'C'; 32]);
        assert_eq!(of(&request), Probe::Likely);
        assert_eq!(of(&request[..20]), Probe::Maybe);
        request[10] = b'Q';
        assert_eq!(of(&request), Probe::No);
    }
}
