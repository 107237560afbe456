//! RWHAT: monitors and stations on GE's Unity network announce themselves, their bed and, when one
//! is admitted, their patient.
//!
//! Sources: Vocera, Understanding GE Carescape Networks; GE Dash service manual 2000966-542,
//! appendix C; two public programs that read it agree on the layout. Limits: services are not read.

use std::ops::Range;

use auscult_model::{Meaning, PhiKind, Transport};

use crate::first::First;
use crate::{Output, Probe, Protocol, Record, Seen, Session, Start, Tier, sides, text};

static RECORD: Record = Record {
    name: "rwhat",
    title: "GE Unity announcement",
    tier: Tier::Identity,
    transports: &[Transport::Udp],
    ports: &[7000],
    sources: &[
        "Vocera, Understanding GE Carescape Networks (adapter 1.3.0)",
        "GE Dash 3000/4000/5000 service manual 2000966-542D, appendix C",
    ],
    reads: &["unit and bed", "the patient's name, as patient data"],
    leaves_out: "Services and their ports, the device's clock.",
    attributes: &[],
    ..Record::RECOGNISED
};

const LENGTH: usize = 88;
const PLACE: Range<usize> = 12..28;
const PATIENT: Range<usize> = 28..42;
const TABLE: usize = 44;
/// Announcements of a flow that are read.
const MESSAGES: u32 = u32::MAX;

/// See [`RECORD`].
pub struct Rwhat;

impl Protocol for Rwhat {
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

/// 88 bytes: a mark, a place with a bar in it, up to eleven services, and zeros behind them.
fn of(bytes: &[u8]) -> Probe {
    let has_bar = |place: &[u8]| place.iter().filter(|byte| **byte == b'|').count() == 1;
    let is_empty = |services: u8| {
        let behind = bytes.get(TABLE + 4 * usize::from(services)..);
        behind.is_some_and(|rest| rest.iter().all(|byte| *byte == 0))
    };
    let fits = bytes.len() == LENGTH
        && bytes.starts_with(&[1, 4, 0, 0])
        && bytes.get(PLACE).is_some_and(has_bar)
        && matches!(bytes.get(42..TABLE), Some([0, services @ 1..=11]) if is_empty(*services));
    match fits {
        true => Probe::Certain,
        false => Probe::No,
    }
}

fn read(message: &[u8], out: &mut Output<'_>) {
    let place = out.place(0..message.len());
    let location = text::lenient(message.get(PLACE).unwrap_or_default());
    if let Some((unit, bed)) = location.split_once('|') {
        for (attribute, value) in [("unit", unit), ("bed", bed)] {
            out.claim(place, attribute, value.trim().to_owned());
        }
    }
    let name = text::lenient(message.get(PATIENT).unwrap_or_default());
    if name.is_empty() {
        return;
    }
    let mut ranges = Vec::new();
    out.phi(PATIENT, PhiKind::Name, &mut ranges);
    out.say(
        place,
        Meaning::PatientData {
            kinds: vec![PhiKind::Name],
            patient: Some(out.patient_digest(&[name.as_bytes()])),
            ranges,
            values: vec![name],
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drive::{Piece, drive, without_places};
    use auscult_model::Direction;

    /// The published example of a B450 at OT, BED3, without a patient.
    fn announcement() -> Vec<u8> {
        let mut bytes = b"\x01\x04\0\0\xc0\xa8\x01\x0a\x62\x0a\x40\x7bOT|BED3".to_vec();
        bytes.resize(43, 0);
        bytes.push(8);
        for service in [
            0x0001u16, 0x001f, 0x0011, 0x0013, 0x000c, 0x000d, 0x001c, 0x000e,
        ] {
            bytes.extend(service.to_be_bytes());
            bytes.extend(2000u16.to_be_bytes());
        }
        bytes.resize(LENGTH, 0);
        bytes
    }

    fn said(bytes: &[u8]) -> Vec<String> {
        let start = Start {
            transport: Transport::Udp,
            from_start: true,
            ports: [7000; 2],
        };
        let pieces = [Piece::Bytes(Direction::FromOriginator, bytes)];
        without_places(&drive(&Rwhat, &start, &pieces).said)
    }

    #[test]
    fn the_layout_is_exact() {
        let bytes = announcement();
        assert_eq!(of(&bytes), Probe::Certain);
        for (at, value) in [(0, 2), (14, b'x'), (42, 1), (43, 12), (87, 1)] {
            let mut other = bytes.clone();
            other[at] = value;
            assert_eq!(of(&other), Probe::No, "{at}");
        }
    }

    #[test]
    fn a_place_is_claimed_and_a_patient_is_patient_data() {
        let mut bytes = announcement();
        assert_eq!(said(&bytes).len(), 2);
        bytes[28..38].copy_from_slice(b"DOE,JOHNNY");
        let lines = said(&bytes);
        assert_eq!(lines.len(), 3);
        assert!(lines[2].contains("PatientData [Name]"), "{lines:?}");
        assert!(!lines[..2].concat().contains("DOE"));
    }
}
