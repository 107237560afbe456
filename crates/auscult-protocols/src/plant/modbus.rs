//! Modbus: controllers and meters, read and written by register.
//!
//! Source: MODBUS Messaging on TCP/IP Implementation Guide 1.0b. A request alone has few fixed
//! bits;
//! an answer with its transaction, unit and function makes it certain.

use crate::opening::Byte::{Any, Between, Is};
use crate::opening::{Byte, shape};
use crate::{Probe, Protocol, Record, Seen, sides};

static RECORD: Record = Record {
    name: "modbus",
    title: "Modbus over TCP",
    ports: &[502],
    sources: &["MODBUS Messaging on TCP/IP Implementation Guide 1.0b"],
    ..Record::RECOGNISED
};

/// See [`RECORD`].
pub struct Modbus;

impl Protocol for Modbus {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        probe(seen)
    }
}

/// Transaction, protocol 0, a length of at most 254, unit, function.
fn of(bytes: &[u8]) -> Probe {
    const HEADER: &[Byte] = &[Any, Any, Is(0), Is(0), Is(0), Between(2, 254), Any, Any];
    let header = shape(bytes, HEADER, Probe::Maybe);
    let (Probe::Maybe, Some([length, _, function])) = (header, bytes.get(5..8)) else {
        return header;
    };
    let count = bytes.get(8).map(|count| usize::from(*count));
    let fits = match (function, *length) {
        // Reads: an address and how many; what was read, behind its length.
        (1..=4, 6) | (5 | 6, 6) | (15 | 16, 6) => true,
        (1..=4, length) => match count {
            Some(count) => count + 3 == usize::from(length),
            None => return Probe::Maybe,
        },
        (15 | 16, 8..) | (7 | 11 | 12 | 17, 2..) | (8 | 20..=24 | 43 | 90, 3..) => true,
        // A refusal, of whatever function: its reason.
        (0x80..=0xff, 3) | (0x80..=0xda, 4) => true,
        _ => return Probe::Maybe,
    };
    match fits {
        true => Probe::Likely,
        false => Probe::No,
    }
}

fn probe(seen: &Seen<'_>) -> Probe {
    let (one, other) = (seen.originator, seen.responder);
    let is_answer = match (one.first_chunk::<8>(), other.first_chunk::<8>()) {
        (Some(one), Some(other)) => {
            one[..2] == other[..2] && one[6] == other[6] && one[7] & 0x7f == other[7] & 0x7f
        }
        _ => false,
    };
    match sides::judge(seen, of) {
        Probe::Likely if is_answer && of(one).min(of(other)) > Probe::No => Probe::Certain,
        answer => answer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_makes_it_certain() {
        let request = b"\0\x01\0\0\0\x06\xff\x03\0\0\0\x02";
        let answer = b"\0\x01\0\0\0\x07\xff\x03\x04\0\0\0\0";
        let seen = |originator, responder| {
            probe(&Seen {
                transport: auscult_model::Transport::Tcp,
                originator,
                responder,
                from_start: true,
            })
        };
        assert_eq!(seen(request, &[]), Probe::Likely);
        assert_eq!(seen(request, answer), Probe::Certain);
        assert_eq!(of(b"\0\x01\0\x01\0\x06\xff\x03"), Probe::No);
        assert_eq!(of(b"\0\x01\0\0\0\x06\xff\x60"), Probe::Maybe);
        // An association of DICOM.
        assert_eq!(of(b"\x01\0\0\0\0\xcd\0\x01\0\0"), Probe::No);
    }
}
