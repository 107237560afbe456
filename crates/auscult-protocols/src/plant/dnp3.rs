//! DNP3: telecontrol of power, water and building plant.
//!
//! Source: IEEE 1815 (data link layer): 05 64, length, control, addresses, and a check sum over
//! them.

use auscult_model::Transport;

use crate::opening::Byte::{Between, Is};
use crate::opening::{Byte, le_u16, shape};
use crate::{Probe, Protocol, Record, Seen, sides};

static RECORD: Record = Record {
    name: "dnp3",
    title: "Distributed Network Protocol 3",
    transports: &[Transport::Tcp, Transport::Udp],
    ports: &[20000],
    sources: &["IEEE 1815"],
    ..Record::RECOGNISED
};

/// See [`RECORD`].
pub struct Dnp3;

impl Protocol for Dnp3 {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        sides::judge(seen, of)
    }
}

fn of(bytes: &[u8]) -> Probe {
    const START: &[Byte] = &[Is(0x05), Is(0x64), Between(5, 255)];
    match (
        shape(bytes, START, Probe::Maybe),
        bytes.get(..8),
        le_u16(bytes, 8),
    ) {
        (Probe::No, _, _) => Probe::No,
        (_, Some(header), Some(sum)) if check(header) == sum => Probe::Certain,
        (_, Some(_), Some(_)) => Probe::No,
        _ => Probe::Maybe,
    }
}

/// The CRC of the data link layer: polynomial 3D65, bits reflected, the result inverted.
fn check(bytes: &[u8]) -> u16 {
    let mut sum = 0u16;
    for byte in bytes {
        sum ^= u16::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 {
                sum >> 1 ^ 0xa6bc
            } else {
                sum >> 1
            };
        }
    }
    !sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn told_by_its_opening() {
        assert_eq!(
            of(b"\x05\x64\x05\xc0\x01\x00\x00\x04\xe9\x21"),
            Probe::Certain
        );
        assert_eq!(of(b"\x05\x64\x05\xc0\x01\x00\x00\x04\xe9\x22"), Probe::No);
        assert_eq!(of(b"\x05\x64\x05"), Probe::Maybe);
    }
}
