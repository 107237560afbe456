//! GE Unity: numbers, alarms and requests between monitors and stations.
//!
//! Sources: Vocera, Understanding GE Carescape Networks; the driver for GE monitors of MD PnP
//! (OpenICE). Told apart by the header of 60 bytes; that measurements cross is said, they are not
//! read. Curves have no header, and are not told apart.

use std::ops::Range;

use auscult_model::{Meaning, PhiKind, Transport};

use crate::first::First;
use crate::opening::be_u16;
use crate::{Output, Probe, Protocol, Record, Seen, Session, Start, Tier, sides, text};

static RECORD: Record = Record {
    name: "ge-unity",
    title: "GE Unity monitor network",
    tier: Tier::Identity,
    transports: &[Transport::Udp],
    ports: &[2000, 7001],
    sources: &[
        "Vocera, Understanding GE Carescape Networks (adapter 1.3.0)",
        "MD PnP (OpenICE), GE serial driver",
    ],
    reads: &["unit and bed", "that a patient's measurements cross"],
    leaves_out: "Numbers, alarms, limits, curves.",
    attributes: &[],
    ..Record::RECOGNISED
};

const HEADER: usize = 60;
const LOCATION: Range<usize> = 24..56;
const REQUEST: u16 = 0xca;
const DATA: u16 = 0xc9;
/// Kinds of requests and of data that are known.
const KINDS: &[u16] = &[0x04, 0x14, 0x21, 0x22, 0x23, 0x29, 0x60];
const NUMBERS: u16 = 0x14;
/// Datagrams of each side that are read.
const MESSAGES: u32 = 16;

/// See [`RECORD`].
pub struct GeUnity;

impl Protocol for GeUnity {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        sides::judge(seen, of)
    }

    fn is_medical(&self) -> bool {
        true
    }

    fn start(&self, _: &Start) -> Box<dyn Session> {
        First::datagrams(MESSAGES, read)
    }
}

/// A function, a kind, a version, a place with a bar in it, and how many bytes follow.
fn of(bytes: &[u8]) -> Probe {
    let is_function = matches!(be_u16(bytes, 12), Some(REQUEST | DATA));
    let is_kind = be_u16(bytes, 14).is_some_and(|kind| KINDS.contains(&kind));
    let is_version = matches!(be_u16(bytes, 16), Some(0 | 6));
    let has_place = bytes.get(LOCATION).is_some_and(|place| {
        place.contains(&b'|')
            && place
                .iter()
                .all(|byte| *byte == 0 || (32..127).contains(byte))
    });
    let is_whole =
        be_u16(bytes, 58).is_some_and(|count| HEADER + usize::from(count) == bytes.len());
    match is_function && is_kind && is_version && has_place && is_whole {
        true => Probe::Certain,
        false => Probe::No,
    }
}

fn read(message: &[u8], out: &mut Output<'_>) {
    let place = out.place(0..message.len());
    let is_data = be_u16(message, 12) == Some(DATA);
    if !is_data {
        return;
    }
    let location = text::lenient(message.get(LOCATION).unwrap_or_default());
    if let Some((unit, bed)) = location.split_once('|') {
        for (attribute, value) in [("unit", unit), ("bed", bed)] {
            out.claim(place, attribute, value.trim().to_owned());
        }
    }
    if be_u16(message, 14) == Some(NUMBERS) {
        let mut ranges = Vec::new();
        out.phi(HEADER..message.len(), PhiKind::VitalSigns, &mut ranges);
        out.say(
            place,
            Meaning::PatientData {
                kinds: vec![PhiKind::VitalSigns],
                patient: None,
                ranges,
                values: Vec::new(),
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drive::{Piece, drive, without_places};
    use auscult_model::Direction;

    fn message(function: u8, kind: u8, data: usize) -> Vec<u8> {
        let mut bytes = vec![0; HEADER + data];
        bytes[13] = function;
        bytes[15] = kind;
        bytes[24..33].copy_from_slice(b"HOME|B-01");
        bytes[59] = u8::try_from(data).unwrap_or_default();
        bytes
    }

    #[test]
    fn a_header_with_a_place_and_a_count() {
        let alarm = message(0xc9, 4, 24);
        assert_eq!(of(&alarm), Probe::Certain);
        assert_eq!(of(&alarm[..83]), Probe::No);
        let mut other = alarm.clone();
        other[28] = b'-';
        assert_eq!(of(&other), Probe::No);
    }

    #[test]
    fn numbers_are_patient_data() {
        let start = Start {
            transport: Transport::Udp,
            from_start: true,
            ports: [2000; 2],
        };
        let bytes = message(0xc9, 0x14, 74);
        let pieces = [Piece::Bytes(Direction::FromOriginator, &bytes)];
        let said = without_places(&drive(&GeUnity, &start, &pieces).said).join("\n");
        assert!(
            said.contains("PatientData [VitalSigns]") && said.contains("B-01"),
            "{said}"
        );
    }
}
