//! Modbus: controllers and meters, read and written by register.
//!
//! Source: MODBUS Messaging on TCP/IP Implementation Guide 1.0b. A request alone has few fixed bits;
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
    let Some(function) = bytes.get(7).map(|function| function & 0x7f) else {
        return shape(bytes, HEADER, Probe::Maybe);
    };
    let is_known = matches!(function, 1..=8 | 11 | 12 | 15..=17 | 20..=24 | 43 | 90);
    let is_exact = match (function, bytes.get(5)) {
        // Reads and single writes have one length as requests; as answers the writes do.
        (5 | 6, Some(length)) => *length == 6,
        _ => true,
    };
    match is_known && is_exact {
        true => shape(bytes, HEADER, Probe::Likely),
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
        Probe::Likely if is_answer => Probe::Certain,
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
        assert_eq!(of(b"\0\x01\0\0\0\x06\xff\x60"), Probe::No);
    }
}
