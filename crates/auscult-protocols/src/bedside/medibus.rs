//! MEDIBUS: ventilators and anaesthesia machines of Dräger, over converters from serial lines.
//!
//! Source: Dräger, MEDIBUS for ventilators (9037426), as read by MD PnP (OpenICE): ESC or SOH, a
//! command, data, a check sum of two digits, CR.

use crate::opening::word;
use crate::{Probe, Protocol, Record, Seen, sides};

static RECORD: Record = Record {
    name: "medibus",
    title: "Dräger MEDIBUS",
    ports: &[],
    sources: &[
        "Dräger, MEDIBUS documents 9037426 and 9052607",
        "MD PnP (OpenICE), Medibus driver",
    ],
    ..Record::RECOGNISED
};

/// Bytes in which the first message must end.
const LOOK: usize = 1024;

/// See [`RECORD`].
pub struct Medibus;

impl Protocol for Medibus {
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
    if !matches!(bytes.first(), None | Some(0x1b | 0x01)) {
        return Probe::No;
    }
    // Both sides begin with this: "initialise", and its answer.
    if word(bytes, b"\x1bQ6C\r", Probe::Certain) == Probe::Certain {
        return Probe::Certain;
    }
    let look = bytes.get(..LOOK).unwrap_or(bytes);
    match memchr::memchr(b'\r', look).and_then(|end| look.get(..end)) {
        Some([message @ .., high, low]) if !message.is_empty() => {
            let sum = message
                .iter()
                .fold(0u8, |sum, byte| sum.wrapping_add(*byte));
            match digits(sum) == [*high, *low] && message.iter().all(u8::is_ascii) {
                true => Probe::Certain,
                false => Probe::No,
            }
        }
        Some(_) => Probe::No,
        None if look.len() < LOOK && look.iter().all(u8::is_ascii) => Probe::Maybe,
        None => Probe::No,
    }
}

/// Two hexadecimal digits in capitals.
fn digits(byte: u8) -> [u8; 2] {
    [byte >> 4, byte & 0x0f].map(|nibble| match nibble {
        0..=9 => b'0' + nibble,
        _ => b'A' + nibble - 10,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_sums_are_right() {
        assert_eq!(of(b"\x1bQ6C\r"), Probe::Certain);
        assert_eq!(of(b"\x01Q52\r"), Probe::Certain);
        assert_eq!(of(b"\x1b04B\r"), Probe::Certain);
        assert_eq!(of(b"\x1b04C\r"), Probe::No);
        assert_eq!(of(b"\x1bQ"), Probe::Maybe);
        // Printers are told to reset with the same byte.
        assert_eq!(of(b"\x1b%-12345X@PJL JOB\r\n"), Probe::No);
    }
}
