//! ASTM E1381 (LIS01-A2): laboratory analysers and the system that collects their results.
//!
//! Source: CLSI LIS01-A2, LIS02-A2. Told by the first frame: its number, its record, its check sum.

use crate::{Probe, Protocol, Record, Seen, sides};

static RECORD: Record = Record {
    name: "astm",
    title: "ASTM E1381 and E1394, laboratory analysers",
    ports: &[],
    sources: &["CLSI LIS01-A2", "CLSI LIS02-A2"],
    ..Record::RECOGNISED
};

const ENQUIRY: u8 = 0x05;
const START: u8 = 0x02;
/// Bytes in which the first frame must end.
const LOOK: usize = 4096;

/// See [`RECORD`].
pub struct Astm;

impl Protocol for Astm {
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

/// An enquiry, then a frame: start, number, text, its end, two digits of sum, CR.
fn of(bytes: &[u8]) -> Probe {
    let frame = match bytes {
        [ENQUIRY, rest @ ..] => rest,
        // The collector only acknowledges.
        [0x06] => return Probe::Maybe,
        _ => bytes,
    };
    match frame {
        [] | [START] | [START, b'0'..=b'7'] => return Probe::Maybe,
        [
            START,
            b'0'..=b'7',
            b'H' | b'P' | b'O' | b'R' | b'Q' | b'C' | b'L' | b'M',
            ..,
        ] => {}
        _ => return Probe::No,
    }
    let look = frame.get(1..LOOK.min(frame.len())).unwrap_or_default();
    let Some(end) = look.iter().position(|byte| matches!(byte, 0x03 | 0x17)) else {
        return match look.len() + 1 < LOOK {
            true => Probe::Maybe,
            false => Probe::No,
        };
    };
    let text = look.get(..=end).unwrap_or_default();
    let sum = text.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
    crate::opening::word(
        look.get(end + 1..).unwrap_or_default(),
        format!("{sum:02X}\r").as_bytes(),
        Probe::Certain,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_frame_sums_up() {
        let frame = b"\x05\x021H|\\^&\r\x03E5\r\n";
        assert_eq!(of(frame), Probe::Certain);
        for length in 1..frame.len() {
            assert!(of(&frame[..length]) > Probe::No, "{length}");
        }
        assert_eq!(of(b"\x05\x021H|\\^&\r\x03E6\r\n"), Probe::No);
        assert_eq!(of(b"\x05\x01\x00"), Probe::No);
        assert_eq!(of(b"\x06"), Probe::Maybe);
    }
}
