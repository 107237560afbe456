//! EtherNet/IP: controllers and drives that speak CIP.
//!
//! Source: ODVA, The CIP Networks Library volume 2, chapter 2. All numbers are little endian but
//! for
//! the socket address.

use auscult_model::Transport;

use crate::first::{End, First, claim};
use crate::opening::Byte::{Any, In, Is};
use crate::opening::{Byte, le_u16, shape};
use crate::{Cursor, Output, Probe, Protocol, Record, Seen, Session, Start, Tier, sides};

static RECORD: Record = Record {
    name: "enip",
    title: "EtherNet/IP",
    tier: Tier::Identity,
    transports: &[Transport::Tcp, Transport::Udp],
    ports: &[44818, 2222],
    sources: &["ODVA, The CIP Networks Library, volume 2"],
    reads: &["the identity that a device lists: maker's number, model, revision, serial number"],
    leaves_out: "Everything that is read from devices or written to them.",
    attributes: &[],
    ..Record::RECOGNISED
};

/// Messages of each side that are read.
const MESSAGES: u32 = 8;
const HEADER: usize = 24;

/// See [`RECORD`].
pub struct Enip;

impl Protocol for Enip {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        match seen.transport {
            Transport::Tcp => sides::judge(seen, of),
            _ => sides::judge(seen, of_datagram),
        }
    }

    fn start(&self, start: &Start) -> Box<dyn Session> {
        match start.transport {
            Transport::Tcp => First::start(MESSAGES, start.from_start, end, read),
            _ => First::datagrams(MESSAGES, read),
        }
    }
}

/// A command, a length, a session, a status of one byte, the sender's own eight bytes, no options.
fn of(bytes: &[u8]) -> Probe {
    const SHAPE: &[Byte] = &[
        In(&[0x04, 0x63, 0x64, 0x65, 0x66, 0x6f, 0x70]),
        Is(0),
        Any,
        In(&[0, 1, 2, 3, 4, 5]),
        Any,
        Any,
        Any,
        Any,
        Any,
        Is(0),
        Is(0),
        Is(0),
        Any,
        Any,
        Any,
        Any,
        Any,
        Any,
        Any,
        Any,
        Is(0),
        Is(0),
        Is(0),
        Is(0),
    ];
    shape(bytes, SHAPE, Probe::Certain)
}

fn of_datagram(bytes: &[u8]) -> Probe {
    // Cyclic data: two items, a connection with a count, connected data that fills the datagram.
    const CYCLIC: &[Byte] = &[Is(2), Is(0), Is(2), Is(0x80), Is(8), Is(0)];
    let is_whole = |at: usize, before: usize| {
        le_u16(bytes, at).is_some_and(|length| before + usize::from(length) == bytes.len())
    };
    let answer = match bytes.first() {
        Some(2) if is_whole(16, 18) => shape(bytes, CYCLIC, Probe::Certain),
        Some(_) if is_whole(2, HEADER) => of(bytes),
        _ => Probe::No,
    };
    match answer {
        Probe::Certain => answer,
        _ => Probe::No,
    }
}

fn end(bytes: &[u8]) -> End {
    match le_u16(bytes, 2) {
        Some(length) => End::At(HEADER + usize::from(length)),
        None => End::Open,
    }
}

struct Identity<'a> {
    maker: u16,
    revision: [u8; 2],
    serial: u32,
    model: &'a [u8],
}

fn read(message: &[u8], out: &mut Output<'_>) {
    if message.first() != Some(&0x63) {
        return;
    }
    let Some(identity) = identity(message) else {
        return;
    };
    let length = message.len();
    let [major, minor] = identity.revision;
    claim(
        out,
        length,
        "enip_vendor_id",
        Some(identity.maker.to_string().as_bytes()),
    );
    claim(out, length, "model", Some(identity.model));
    claim(
        out,
        length,
        "firmware",
        Some(format!("{major}.{minor:03}").as_bytes()),
    );
    if identity.serial != 0 {
        claim(
            out,
            length,
            "serial",
            Some(format!("{:08x}", identity.serial).as_bytes()),
        );
    }
}

/// The first item of a list of identities.
fn identity(message: &[u8]) -> Option<Identity<'_>> {
    let mut cursor = Cursor::new(message.get(HEADER..)?);
    let (count, kind) = (cursor.le_u16()?, cursor.le_u16()?);
    (count > 0 && kind == 0x0c).then_some(())?;
    // Length, version, and the socket address.
    cursor.take(2 + 2 + 16)?;
    let maker = cursor.le_u16()?;
    // Kind of device and code of the product.
    cursor.take(4)?;
    let revision = [cursor.u8()?, cursor.u8()?];
    cursor.take(2)?;
    let serial = cursor.le_u32()?;
    let length = cursor.u8()?;
    Some(Identity {
        maker,
        revision,
        serial,
        model: cursor.take(usize::from(length))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drive::{Piece, drive, without_places};
    use auscult_model::Direction;

    #[test]
    fn a_header_without_options() {
        let mut register = [0u8; 28];
        register[0] = 0x65;
        register[2] = 4;
        register[24] = 1;
        assert_eq!(of(&register), Probe::Certain);
        assert_eq!(of_datagram(&register), Probe::Certain);
        assert_eq!(of(&register[..20]), Probe::Maybe);
        register[20] = 1;
        assert_eq!(of(&register), Probe::No);
    }

    #[test]
    fn a_listed_identity_is_read() {
        let mut bytes = vec![0x63, 0, 47, 0];
        bytes.extend([0; 20]);
        bytes.extend([1, 0, 0x0c, 0, 41, 0, 1, 0]);
        bytes.extend([0; 16]);
        bytes.extend([
            1, 0, 14, 0, 96, 0, 20, 11, 0x30, 0, 0x78, 0x56, 0x34, 0x12, 7,
        ]);
        bytes.extend(b"PLC-500\x03");
        let start = Start {
            transport: Transport::Udp,
            from_start: true,
            ports: [40_000, 44_818],
        };
        let pieces = [Piece::Bytes(Direction::FromResponder, &bytes)];
        let said = without_places(&drive(&Enip, &start, &pieces).said).join("\n");
        for part in ["PLC-500", "20.011", "12345678"] {
            assert!(said.contains(part), "{part}: {said}");
        }
    }
}
