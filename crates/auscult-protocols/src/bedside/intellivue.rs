//! Philips IntelliVue Data Export: monitors that are asked for their readings.
//!
//! Source: Philips, Data Export Interface Programming Guide, 4535 642 59271. Told apart by the
//! session layer; that readings or names cross is said, they are not read.

use auscult_model::{Meaning, PhiKind, Transport};

use crate::first::First;
use crate::opening::be_u16;
use crate::{Output, Probe, Protocol, Record, Seen, Session, Start, Tier, sides};

static RECORD: Record = Record {
    name: "intellivue",
    title: "Philips IntelliVue Data Export",
    tier: Tier::Identity,
    transports: &[Transport::Udp],
    ports: &[24105, 24005],
    sources: &["Philips, IntelliVue Data Export Interface Programming Guide, 4535 642 59271"],
    reads: &["that a patient's readings, curves or names cross"],
    leaves_out: "Readings, curves, alarms, names, models and serial numbers.",
    attributes: &[],
    ..Record::RECOGNISED
};

/// An association is asked for: session options and version, session requirements.
const ASSOCIATE: &[u8] = &[
    0x05, 0x08, 0x13, 0x01, 0x00, 0x16, 0x01, 0x02, 0x80, 0x00, 0x14, 0x02, 0x00, 0x02,
];
const SESSION: &[u8] = &[0xe1, 0, 0, 2];
/// Datagrams of each side that are read.
const MESSAGES: u32 = 64;

/// See [`RECORD`].
pub struct IntelliVue;

impl Protocol for IntelliVue {
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

fn of(bytes: &[u8]) -> Probe {
    let counts = |at: usize, before: usize| {
        be_u16(bytes, at).is_some_and(|length| before + usize::from(length) == bytes.len())
    };
    let fits = match bytes {
        // Asked for, accepted: the length in one byte or in three.
        [0x0d | 0x0e, 0xff, _, _, rest @ ..] | [0x0d | 0x0e, _, rest @ ..] => {
            rest.starts_with(ASSOCIATE)
        }
        // A message of the session: its kind and the rest of the datagram.
        [0xe1, ..] => {
            bytes.starts_with(SESSION)
                && matches!(be_u16(bytes, 4), Some(1 | 2 | 3 | 5))
                && counts(6, 8)
        }
        // The monitor says where it can be asked: 0, version, 1, the rest of the datagram.
        [0, 0, _, _, 0, 1, ..] => {
            counts(6, 8)
                && bytes.get(8..12) == Some(&[0; 4])
                && matches!(be_u16(bytes, 14), Some(0x21 | 0x23))
                && be_u16(bytes, 22) == Some(0x0d17)
        }
        _ => false,
    };
    match fits {
        true => Probe::Certain,
        false => Probe::No,
    }
}

/// An answer to a poll names what was polled for.
fn read(message: &[u8], out: &mut Output<'_>) {
    let Some(kind) = polled(message) else {
        return;
    };
    let place = out.place(0..message.len());
    let mut ranges = Vec::new();
    out.phi(8..message.len(), kind, &mut ranges);
    out.say(
        place,
        Meaning::PatientData {
            kinds: vec![kind],
            patient: None,
            ranges,
            values: Vec::new(),
        },
    );
}

fn polled(message: &[u8]) -> Option<PhiKind> {
    // A single answer, or one of several, which has two bytes more.
    let at = match (message.starts_with(SESSION), be_u16(message, 4)?) {
        (true, 2) => 8,
        (true, 5) => 10,
        _ => return None,
    };
    // Invocation, command, length, object; then the action and its length.
    let action = at + 6 + 6;
    // The extended answer has a sequence number behind the poll's.
    let extra = match be_u16(message, action)? {
        0x0c16 => 0,
        0xf13b => 2,
        _ => return None,
    };
    // The poll's number, relative and absolute time; then partition and code.
    let what = action + 4 + 2 + extra + 12;
    match (be_u16(message, what)?, be_u16(message, what + 2)?) {
        (1, 0x06) => Some(PhiKind::VitalSigns),
        (1, 0x09) => Some(PhiKind::Waveform),
        (1, 0x2a) => Some(PhiKind::Name),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drive::{Piece, drive, without_places};
    use auscult_model::Direction;

    /// Heart rate and oxygen saturation, made from the published layout.
    const POLL: &[u8] = b"\xe1\0\0\x02\0\x02\0\x6c\0\x01\0\x07\0\x66\0\x21\0\0\0\0\x0c\x16\0\x5c\
        \0\x01\0\x12\x4f\0\xff\xff\xff\xff\xff\xff\xff\xff\0\x01\0\x06\0\0\
        \0\x01\0\x44\0\0\0\x02\0\x3e\x01\x01\0\x03\0\x1c\x09\x21\0\x02\x01\x01\x09\x24\0\x04\0\x02\
        \x41\x82\x09\x50\0\x0a\x41\x82\0\0\x0a\xa0\0\0\0\x50\x01\x02\0\x02\0\x16\x09\x24\0\x04\0\
        \x02\x4b\xb8\x09\x50\0\x0a\x4b\xb8\0\0\x02\x20\xff\0\x03\xca";

    #[test]
    fn messages_and_associations_are_told() {
        assert_eq!(of(POLL), Probe::Certain);
        assert_eq!(of(&POLL[..POLL.len() - 1]), Probe::No);
        let ask = [&[0x0d, 0xec], ASSOCIATE, b"\xc1\xdc"].concat();
        assert_eq!(of(&ask), Probe::Certain);
        let long = [&[0x0e, 0xff, 1, 0x16], ASSOCIATE].concat();
        assert_eq!(of(&long), Probe::Certain);
        assert_eq!(of(b"\x0d\xec\x05\x08\x13\x01\x00\x17"), Probe::No);
    }

    #[test]
    fn numbers_that_were_polled_are_patient_data() {
        let start = Start {
            transport: Transport::Udp,
            from_start: true,
            ports: [40_000, 24_105],
        };
        let pieces = [Piece::Bytes(Direction::FromResponder, POLL)];
        let said = without_places(&drive(&IntelliVue, &start, &pieces).said).join("\n");
        assert!(said.contains("PatientData [VitalSigns]"), "{said}");
    }
}
