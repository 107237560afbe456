//! What a patient information block (0x3E) tells: who lies in which bed, under whose care.
//!
//! One public decoder gives the layout; the advisory names the same fields. Dates are read
//! leniently, since blank ones are not documented.

use std::ops::Range;

use auscult_model::{About, Meaning, PhiKind, PhiRange};

use super::wire;
use crate::{Output, Place, text};

/// Text fields: where, and what they hold.
const DEPARTMENT: Range<usize> = 0x00..0x20;
const NAME: Range<usize> = 0x23..0x43;
const NUMBER: Range<usize> = 0x43..0x63;
const DOCTOR: Range<usize> = 0x8d..0xad;
/// Octets of other fields.
const BED: usize = 0x22;
const ADMITTED: usize = 0x63;
const BORN: usize = 0x7c;
const HEIGHT: usize = 0x74;
const WEIGHT: usize = 0x76;
const BLOOD: usize = 0x8c;
/// Octets of a date: year with NUL, month with NUL, day with NUL.
const DATE: usize = 5 + 3 + 3;
/// Data of a whole block, without zeros behind it.
pub(super) const WHOLE: usize = 0xad;

/// Every field that can identify, with its kind. What is empty but not zero (left over behind a
/// NUL) is marked as well, so that no view of the bytes shows it.
const FIELDS: [(Range<usize>, PhiKind); 9] = [
    (DEPARTMENT, PhiKind::Location),
    (BED..BED + 1, PhiKind::Location),
    (NAME, PhiKind::Name),
    (NUMBER, PhiKind::PatientNumber),
    (ADMITTED..ADMITTED + DATE, PhiKind::AdmissionDate),
    (HEIGHT..0x7c, PhiKind::Demographics),
    (BORN..BORN + DATE, PhiKind::BirthDate),
    (0x8b..BLOOD + 1, PhiKind::Demographics),
    (DOCTOR, PhiKind::Clinician),
];

/// The fields of a block, empty where not filled in.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Patient {
    pub(super) department: String,
    pub(super) bed: Option<u8>,
    pub(super) name: String,
    pub(super) number: String,
    pub(super) admitted: Option<String>,
    pub(super) born: Option<String>,
    pub(super) height_mm: Option<u16>,
    pub(super) weight_hg: Option<u16>,
    pub(super) blood: Option<u8>,
    pub(super) doctor: String,
}

impl Patient {
    /// Reads the fields that `data` reaches; the last text may be cut.
    pub(super) fn read(data: &[u8]) -> Patient {
        let text_in = |field: Range<usize>| {
            let end = field.end.min(data.len());
            text::lenient(data.get(field.start..end).unwrap_or_default())
        };
        Patient {
            department: text_in(DEPARTMENT),
            bed: wire::u8_at(data, BED).filter(|&bed| bed != 0),
            name: text_in(NAME),
            number: text_in(NUMBER),
            admitted: wire::date(data, ADMITTED),
            born: wire::date(data, BORN),
            height_mm: wire::u16_at(data, HEIGHT).filter(|&height| height != 0),
            weight_hg: wire::u16_at(data, WEIGHT).filter(|&weight| weight != 0),
            blood: wire::u8_at(data, BLOOD).filter(|&blood| blood != 0),
            doctor: text_in(DOCTOR),
        }
    }

    /// Kinds of data that are filled in, sorted.
    pub(super) fn kinds(&self) -> Vec<PhiKind> {
        let body = self.height_mm.or(self.weight_hg).is_some() || self.blood.is_some();
        let located = !self.department.is_empty() || self.bed.is_some();
        let mut kinds: Vec<PhiKind> = [
            (!self.name.is_empty(), PhiKind::Name),
            (!self.number.is_empty(), PhiKind::PatientNumber),
            (self.born.is_some(), PhiKind::BirthDate),
            (self.admitted.is_some(), PhiKind::AdmissionDate),
            (body, PhiKind::Demographics),
            (!self.doctor.is_empty(), PhiKind::Clinician),
            (located, PhiKind::Location),
        ]
        .into_iter()
        .filter_map(|(filled, kind)| filled.then_some(kind))
        .collect();
        kinds.sort();
        kinds
    }

    /// Texts to mask wherever they recur. Dates also without hyphens, as other systems write them.
    fn values(&self) -> Vec<String> {
        let mut values = Vec::new();
        for value in [&self.name, &self.number, &self.doctor] {
            if !value.is_empty() {
                values.push(value.clone());
            }
        }
        for date in [&self.born, &self.admitted].into_iter().flatten() {
            values.push(date.clone());
            if date.contains('-') {
                values.push(date.replace('-', ""));
            }
        }
        values
    }

    /// Says where the monitor stands, and what of a patient crossed. `start` is where the block's
    /// data begin in the presented bytes.
    pub(super) fn say(
        &self,
        data: &[u8],
        start: usize,
        place: Place,
        confidence: f32,
        out: &mut Output<'_>,
    ) {
        let partial = data.len() < WHOLE;
        let bed = self.bed.map(|bed| bed.to_string());
        let department = Some(self.department.clone()).filter(|text| !text.is_empty());
        // A text that was cut would be another value of the same attribute.
        let whole = data.len() >= DEPARTMENT.end;
        for (attribute, value) in [("bed", bed), ("department", department.filter(|_| whole))] {
            if let Some(value) = value {
                let about = About::Sender;
                let claim = Meaning::Claim {
                    about,
                    attribute,
                    value,
                };
                out.say(place, claim).sure(confidence);
            }
        }
        let kinds = self.kinds();
        // A place alone is a property of the device: no patient is admitted.
        if kinds.iter().all(|&kind| kind == PhiKind::Location) {
            return;
        }
        let meaning = Meaning::PatientData {
            patient: self.digest(data, out),
            ranges: ranges(data, start, out),
            values: self.values(),
            kinds,
        };
        let said = out.say(place, meaning).sure(confidence);
        if partial {
            said.with("partial", "yes");
        }
    }

    /// Tells patients apart by number and name; not when one of them was cut.
    fn digest(&self, data: &[u8], out: &Output<'_>) -> Option<u64> {
        let known = !(self.name.is_empty() && self.number.is_empty());
        (known && data.len() >= NUMBER.end)
            .then(|| out.patient_digest(&[self.number.as_bytes(), self.name.as_bytes()]))
    }
}

fn ranges(data: &[u8], start: usize, out: &Output<'_>) -> Vec<PhiRange> {
    let mut ranges = Vec::new();
    for (field, kind) in FIELDS {
        let end = field.end.min(data.len());
        let filled = data
            .get(field.start..end)
            .is_some_and(|octets| octets.iter().any(|&b| b != 0));
        if filled {
            out.phi(start + field.start..start + end, kind, &mut ranges);
        }
    }
    ranges
}
