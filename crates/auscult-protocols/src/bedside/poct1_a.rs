//! POCT1-A: point-of-care meters (glucose, blood gas) and what collects their results.
//!
//! Source: CLSI POCT1-A2, the device messaging layer: XML with one of a few roots.

use crate::opening::words;
use crate::{Probe, Protocol, Record, Seen, sides};

static RECORD: Record = Record {
    name: "poct1-a",
    title: "POCT1-A, point-of-care testing",
    ports: &[3001],
    sources: &["CLSI POCT1-A2"],
    ..Record::RECOGNISED
};

/// Bytes in which the root must stand.
const LOOK: usize = 512;

/// See [`RECORD`].
pub struct Poct1A;

impl Protocol for Poct1A {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        sides::judge(seen, of)
    }

    fn is_medical(&self) -> bool {
        true
    }
}

fn of(bytes: &[u8]) -> Probe {
    const ROOTS: &[&[u8]] = &[
        b"<HEL.R01",
        b"<OBS.R01",
        b"<OBS.R02",
        b"<DST.R01",
        b"<ACK.R01",
        b"<REQ.R01",
        b"<EOT.R01",
        b"<END.R01",
        b"<DTV.R01",
    ];
    let root = words(bytes, ROOTS, Probe::Certain);
    if root > Probe::No {
        return root;
    }
    match words(bytes, &[b"<?xml"], Probe::Likely) {
        Probe::Likely => {
            let look = bytes.get(..LOOK).unwrap_or(bytes);
            // The first element that is neither the declaration nor a comment.
            let mut elements = look.split(|byte| *byte == b'<').skip(2);
            match elements.find(|element| !element.starts_with(b"!") && !element.starts_with(b"?"))
            {
                Some(element) => {
                    let element = [b"<", element].concat();
                    match words(&element, ROOTS, Probe::Certain) {
                        Probe::Maybe if look.len() == LOOK => Probe::No,
                        answer => answer,
                    }
                }
                None if look.len() < LOOK => Probe::Maybe,
                None => Probe::No,
            }
        }
        answer => answer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_decides() {
        assert_eq!(of(b"<HEL.R01><HDR>"), Probe::Certain);
        let declared = b"<?xml version=\"1.0\"?>\r\n<!-- x --><OBS.R01 a=\"1\">";
        assert_eq!(of(declared), Probe::Certain);
        for length in 1..declared.len() {
            assert!(of(&declared[..length]) > Probe::No, "{length}");
        }
        assert_eq!(of(b"<?xml version=\"1.0\"?><soap:Envelope>"), Probe::No);
        assert_eq!(of(b"<34>Oct 11 22:14:15 host su: x"), Probe::No);
    }
}
