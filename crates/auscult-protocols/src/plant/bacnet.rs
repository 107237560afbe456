//! BACnet/IP: heating, air, theatres: building plant that announces itself.
//!
//! Source: ANSI/ASHRAE 135 clause 20 (messages), annex J (BACnet/IP). Read: who a device says it
//! is.
//! Of devices behind a router nothing is said, for the sender is the router.

use auscult_model::Transport;

use crate::first::{First, claim};
use crate::opening::{be_u16, is_all};
use crate::{Cursor, Output, Probe, Protocol, Record, Seen, Session, Start, Tier, sides};

static RECORD: Record = Record {
    name: "bacnet",
    title: "BACnet/IP",
    tier: Tier::Identity,
    transports: &[Transport::Udp],
    ports: &[47808],
    sources: &["ANSI/ASHRAE 135-2020"],
    reads: &[
        "number and maker's number of a device that announces itself (I-Am)",
        "model, maker, firmware and software of a device that was asked",
    ],
    leaves_out: "Values and settings, alarms, files, devices behind routers.",
    attributes: &[],
    ..Record::RECOGNISED
};

/// Datagrams of each side that are read.
const MESSAGES: u32 = 64;
/// Kind of object: device.
const DEVICE: u32 = 8;

/// See [`RECORD`].
pub struct Bacnet;

impl Protocol for Bacnet {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        sides::judge(seen, of)
    }

    fn start(&self, _: &Start) -> Box<dyn Session> {
        First::datagrams(MESSAGES, read)
    }
}

/// 81, a function, the datagram's length; where a network message follows, its version 1.
fn of(bytes: &[u8]) -> Probe {
    let [0x81, function @ 0..=0x0b, ..] = *bytes else {
        return Probe::No;
    };
    let version = match function {
        0x04 => bytes.get(10),
        0x09..=0x0b => bytes.get(4),
        _ => Some(&1),
    };
    match version == Some(&1) && is_all(be_u16(bytes, 2), bytes) {
        true if function >= 4 => Probe::Certain,
        true => Probe::Likely,
        false => Probe::No,
    }
}

fn read(message: &[u8], out: &mut Output<'_>) {
    let Some(service) = service(message) else {
        return;
    };
    let length = message.len();
    match service {
        // Unconfirmed, I-Am: object, longest message, segmentation, maker.
        [0x10, 0x00, rest @ ..] => {
            if let Some((device, maker)) = i_am(rest) {
                claim(
                    out,
                    length,
                    "bacnet_device",
                    Some(device.to_string().as_bytes()),
                );
                claim(
                    out,
                    length,
                    "bacnet_vendor_id",
                    Some(maker.to_string().as_bytes()),
                );
            }
        }
        // An answer to ReadProperty: object, property, [array index], value.
        [0x30, _, 0x0c, rest @ ..] => {
            if let Some((attribute, value)) = property(rest) {
                claim(out, length, attribute, Some(value));
            }
        }
        _ => {}
    }
}

/// The service in a network message of the sender's own.
fn service(message: &[u8]) -> Option<&[u8]> {
    let mut cursor = Cursor::new(message);
    cursor.u8()?;
    match cursor.u8()? {
        0x0a | 0x0b => cursor.take(2)?,
        _ => return None,
    };
    cursor.u8()?;
    let control = cursor.u8()?;
    // A message of the network layer, or from behind a router.
    if control & 0x88 != 0 {
        return None;
    }
    if control & 0x20 != 0 {
        cursor.be_u16()?;
        let address = cursor.u8()?;
        cursor.take(usize::from(address) + 1)?;
    }
    Some(cursor.rest())
}

fn i_am(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut cursor = Cursor::new(bytes);
    let object = (cursor.u8()? == 0xc4).then(|| cursor.be_u32())??;
    unsigned(&mut cursor)?;
    (cursor.u8()? == 0x91).then(|| cursor.u8())??;
    let maker = unsigned(&mut cursor)?;
    (object >> 22 == DEVICE).then_some((object & 0x003f_ffff, maker))
}

/// An unsigned number of one to four bytes.
fn unsigned(cursor: &mut Cursor<'_>) -> Option<u32> {
    let tag = cursor.u8()?;
    let count = matches!(tag, 0x21..=0x24).then_some(usize::from(tag & 7))?;
    let bytes = cursor.take(count)?;
    Some(
        bytes
            .iter()
            .fold(0, |sum, byte| (sum << 8) | u32::from(*byte)),
    )
}

/// What a property of the device object says, when it is text that names the device.
fn property(bytes: &[u8]) -> Option<(&'static str, &[u8])> {
    let mut cursor = Cursor::new(bytes);
    let object = (cursor.u8()? == 0x0c).then(|| cursor.be_u32())??;
    let number = (cursor.u8()? == 0x19).then(|| cursor.u8())??;
    let attribute = match number {
        12 => "bacnet_software",
        44 => "firmware",
        70 => "model",
        77 => "hostname",
        121 => "vendor",
        _ => return None,
    };
    (object >> 22 == DEVICE && cursor.u8()? == 0x3e).then_some(())?;
    // A character string, its length in the tag or behind it; charset 0 is UTF-8.
    let length = match cursor.u8()? {
        0x75 => usize::from(cursor.u8()?),
        tag @ 0x72..=0x74 => usize::from(tag & 7),
        _ => return None,
    };
    let (charset, text) = cursor.take(length)?.split_first()?;
    (*charset == 0).then_some((attribute, text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drive::{Piece, drive, without_places};
    use auscult_model::Direction;

    const I_AM: &[u8] =
        b"\x81\x0b\0\x14\x01\0\x10\x00\xc4\x02\0\x04\xd2\x22\x05\xc4\x91\x03\x21\x08";

    fn said(bytes: &[u8]) -> String {
        let start = Start {
            transport: Transport::Udp,
            from_start: true,
            ports: [47_808; 2],
        };
        let pieces = [Piece::Bytes(Direction::FromOriginator, bytes)];
        without_places(&drive(&Bacnet, &start, &pieces).said).join("\n")
    }

    #[test]
    fn the_length_is_the_datagrams() {
        assert_eq!(of(I_AM), Probe::Certain);
        assert_eq!(of(&I_AM[..19]), Probe::No);
        assert_eq!(of(b"\x81\x0b\0\x06\x02\0"), Probe::No);
        assert_eq!(of(b"\x81\0\0\x06\0\x30"), Probe::Likely);
    }

    #[test]
    fn a_device_announces_itself() {
        let text = said(I_AM);
        assert!(
            text.contains("\"1234\"") && text.contains("\"8\""),
            "{text}"
        );
        // From behind a router: network 5, address 1.
        let routed = b"\x81\x0b\0\x18\x01\x08\0\x05\x01\x01\x10\x00\xc4\x02\0\x04\xd2\x22\x05\xc4\
              \x91\x03\x21\x08";
        assert_eq!(said(routed), "");
    }

    #[test]
    fn a_device_is_asked_for_its_model() {
        let model =
            b"\x81\x0a\0\x1b\x01\0\x30\x01\x0c\x0c\x02\0\x04\xd2\x19\x46\x3e\x75\x07\0VAV-20\x3f";
        assert!(said(model).contains("VAV-20"));
    }
}
