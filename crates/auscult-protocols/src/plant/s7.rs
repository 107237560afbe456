//! S7 communication, and its successor S7comm-plus: programmable controllers of Siemens.
//!
//! Sources: RFC 1006 (TPKT), ISO 8073 (the connection), Wireshark's dissectors s7comm and
//! s7comm_plus;
//! the maker publishes no format. The connection request alone is that of many ISO protocols.

use crate::opening::Byte::{Any, Between, In, Is};
use crate::opening::{Byte, be_u16, shape};
use crate::{Probe, Protocol, Record, Seen, sides};

static RECORD: Record = Record {
    name: "s7",
    title: "Siemens S7 communication",
    ports: &[102],
    sources: &[
        "RFC 1006",
        "ISO 8073",
        "Wireshark, packet-s7comm.c and packet-s7comm_plus.c",
    ],
    ..Record::RECOGNISED
};

/// See [`RECORD`].
pub struct S7;

impl Protocol for S7 {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        sides::judge(seen, of)
    }
}

/// Connection messages are passed over; the first data message has the mark 32 or 72.
fn of(bytes: &[u8]) -> Probe {
    const CONNECT: &[Byte] = &[Is(3), Is(0), Is(0), Between(11, 40), Any, In(&[0xe0, 0xd0])];
    const CLASSIC: &[Byte] = &[
        Is(3),
        Is(0),
        Any,
        Any,
        Is(2),
        Is(0xf0),
        Is(0x80),
        Is(0x32),
        In(&[1, 2, 3, 7]),
        Is(0),
        Is(0),
    ];
    const PLUS: &[Byte] = &[
        Is(3),
        Is(0),
        Any,
        Any,
        Is(2),
        Is(0xf0),
        Is(0x80),
        Is(0x72),
        In(&[1, 2, 3, 0xfe, 0xff]),
    ];
    let data = |bytes: &[u8]| {
        shape(bytes, CLASSIC, Probe::Certain).max(shape(bytes, PLUS, Probe::Certain))
    };
    match (shape(bytes, CONNECT, Probe::Likely), be_u16(bytes, 2)) {
        (Probe::Likely, Some(length)) => match bytes.get(usize::from(length)..) {
            None | Some([]) => Probe::Maybe,
            Some(behind) => data(behind),
        },
        (Probe::Maybe, _) => Probe::Maybe,
        _ => data(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_data_message_decides() {
        let connect = b"\x03\0\0\x16\x11\xe0\0\0\0\x01\0\xc0\x01\x0a\xc1\x02\x01\0\xc2\x02\x01\x02";
        let setup = b"\x03\0\0\x19\x02\xf0\x80\x32\x01\0\0\0\0\0\x08";
        let whole = [&connect[..], setup].concat();
        assert_eq!(of(connect), Probe::Maybe);
        assert_eq!(of(&whole), Probe::Certain);
        for length in 1..whole.len() {
            assert!(of(&whole[..length]) > Probe::No, "{length}");
        }
        let other = [&connect[..], b"\x03\0\0\x19\x02\xf0\x80\x0d"].concat();
        assert_eq!(of(&other), Probe::No);
    }
}
