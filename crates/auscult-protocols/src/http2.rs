//! HTTP/2 in clear: told by its preface.
//!
//! Source: RFC 9113 section 3.4.

use crate::opening::word;
use crate::{Probe, Protocol, Record, Seen, sides};

static RECORD: Record = Record {
    name: "http2",
    title: "Hypertext Transfer Protocol, version 2, in clear",
    sources: &["RFC 9113"],
    ..Record::RECOGNISED
};

/// See [`RECORD`].
pub struct Http2;

impl Protocol for Http2 {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        sides::judge(seen, of)
    }
}

fn of(bytes: &[u8]) -> Probe {
    word(bytes, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Probe::Certain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn told_by_its_opening() {
        assert_eq!(of(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0"), Probe::Certain);
        assert_eq!(of(b"PRI * "), Probe::Maybe);
        assert_eq!(of(b"PRINT"), Probe::No);
    }
}
