//! Which fields hold patient data, and where their bytes are.
//!
//! Source: HL7 v2.5.1 chapters 3 (PID, PV1, NK1, AL1, MRG), 4 (ORC, OBR, pharmacy), 6 (DG1, GT1,
//! IN1), 7 (OBX), 5 (QRD, QPD). Limits: fields not in the table (scheduling, billing, documents'
//! authors) are not marked; a Z segment is marked whole, as clinical data.

use std::ops::Range;

use auscult_model::{Bound, Meaning, PhiKind, PhiRange};

use super::syntax::{Segment, Value};
use crate::Output;

/// So many values are gathered before they are said.
const VALUES_ENOUGH: usize = 128;

/// Beyond it a message is no longer one patient's.
pub static VALUES: Bound = Bound::constant(
    "hl7-patient-values",
    1024,
    "values of patient data of one message that are remembered to be masked",
    "all texts learnt from traffic are withheld",
);

/// So many places are gathered before they are said.
const MARKS_ENOUGH: usize = 1024;

/// How a field is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    /// Names of persons: family, given, further ones.
    Names,
    /// Identifiers: the first component of each repeat.
    Ids,
    /// A date.
    Date,
    /// Address: the street names somebody, the town does not.
    Address,
    /// Telephone numbers and mail addresses.
    Contacts,
    /// Marked only.
    Plain,
}

type Rule = (usize, What, PhiKind);

use PhiKind::{
    AdmissionDate, BirthDate, ClinicalData, Clinician, Contact, Demographics, Location, Name,
    NationalNumber, PatientNumber, PostalAddress, Relative,
};
use What::{Address, Contacts, Date, Ids, Names, Plain};

static PID: &[Rule] = &[
    (2, Ids, PatientNumber),
    (3, Ids, PatientNumber),
    (4, Ids, PatientNumber),
    (5, Names, Name),
    (6, Names, Relative),
    (7, Date, BirthDate),
    (8, Plain, Demographics),
    (9, Names, Name),
    (10, Plain, Demographics),
    (11, Address, PostalAddress),
    (12, Plain, PostalAddress),
    (13, Contacts, Contact),
    (14, Contacts, Contact),
    (15, Plain, Demographics),
    (16, Plain, Demographics),
    (17, Plain, Demographics),
    (18, Ids, PatientNumber),
    (19, Ids, NationalNumber),
    (20, Ids, NationalNumber),
    (21, Ids, Relative),
    (22, Plain, Demographics),
    (23, Plain, PostalAddress),
    (26, Plain, Demographics),
    (28, Plain, Demographics),
    (29, Date, AdmissionDate),
];

static PV1: &[Rule] = &[
    (3, Plain, Location),
    (5, Ids, PatientNumber),
    (6, Plain, Location),
    (7, Plain, Clinician),
    (8, Plain, Clinician),
    (9, Plain, Clinician),
    (11, Plain, Location),
    (17, Plain, Clinician),
    (19, Ids, PatientNumber),
    (42, Plain, Location),
    (43, Plain, Location),
    (44, Date, AdmissionDate),
    (45, Date, AdmissionDate),
    (50, Ids, PatientNumber),
    (52, Plain, Clinician),
];

static NK1: &[Rule] = &[
    (2, Names, Relative),
    (4, Address, Relative),
    (5, Contacts, Relative),
    (6, Contacts, Relative),
    (16, Date, Relative),
    (30, Names, Relative),
    (31, Contacts, Relative),
    (32, Address, Relative),
    (37, Ids, Relative),
];

static GT1: &[Rule] = &[
    (2, Ids, Relative),
    (3, Names, Relative),
    (4, Names, Relative),
    (5, Address, Relative),
    (6, Contacts, Relative),
    (7, Contacts, Relative),
    (8, Date, Relative),
    (12, Ids, Relative),
];

static IN1: &[Rule] = &[
    (16, Names, Relative),
    (18, Date, Relative),
    (19, Address, Relative),
    (36, Ids, NationalNumber),
    (49, Ids, NationalNumber),
];

static ORDER: &[Rule] = &[
    (2, Plain, ClinicalData),
    (3, Plain, ClinicalData),
    (10, Plain, Clinician),
    (11, Plain, Clinician),
    (12, Plain, Clinician),
];

static OBR: &[Rule] = &[
    (2, Plain, ClinicalData),
    (3, Plain, ClinicalData),
    (10, Plain, Clinician),
    (13, Plain, ClinicalData),
    (16, Plain, Clinician),
    (28, Plain, Clinician),
    (31, Plain, ClinicalData),
    (32, Plain, Clinician),
    (33, Plain, Clinician),
    (34, Plain, Clinician),
    (35, Plain, Clinician),
];

static MERGED: &[Rule] = &[
    (1, Ids, PatientNumber),
    (2, Ids, PatientNumber),
    (3, Ids, PatientNumber),
    (4, Ids, PatientNumber),
    (5, Ids, PatientNumber),
    (6, Ids, PatientNumber),
    (7, Names, Name),
];

/// Rules by segment.
static SEGMENTS: &[(&[u8; 3], &[Rule])] = &[
    (b"PID", PID),
    (b"PV1", PV1),
    (
        b"PV2",
        &[(3, Plain, ClinicalData), (8, Date, AdmissionDate)],
    ),
    (b"PD1", &[(4, Plain, Clinician)]),
    (b"NK1", NK1),
    (b"GT1", GT1),
    (b"IN1", IN1),
    (
        b"IN2",
        &[
            (2, Ids, NationalNumber),
            (6, Ids, NationalNumber),
            (8, Ids, NationalNumber),
        ],
    ),
    (b"MRG", MERGED),
    (
        b"DG1",
        &[
            (3, Plain, ClinicalData),
            (4, Plain, ClinicalData),
            (16, Plain, Clinician),
        ],
    ),
    (
        b"AL1",
        &[(3, Plain, ClinicalData), (5, Plain, ClinicalData)],
    ),
    (
        b"IAM",
        &[(3, Plain, ClinicalData), (5, Plain, ClinicalData)],
    ),
    (
        b"PR1",
        &[
            (3, Plain, ClinicalData),
            (4, Plain, ClinicalData),
            (11, Plain, Clinician),
        ],
    ),
    (b"NTE", &[(3, Plain, ClinicalData)]),
    (b"ORC", ORDER),
    (b"OBR", OBR),
    (b"OBX", &[(16, Plain, Clinician)]),
    (b"PRT", &[(5, Plain, Clinician)]),
    (b"EVN", &[(5, Plain, Clinician)]),
    (b"RXO", &[(1, Plain, ClinicalData)]),
    (b"RXE", &[(2, Plain, ClinicalData)]),
    (b"RXD", &[(2, Plain, ClinicalData)]),
    (b"RXG", &[(4, Plain, ClinicalData)]),
    (b"RXA", &[(5, Plain, ClinicalData)]),
    (b"QRD", &[(8, Ids, PatientNumber)]),
];

/// Where the text of a segment lies in the presented bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Whereabouts<'a> {
    /// Offset of the segment.
    pub(super) base: usize,
    /// For decoded text, where each byte's character began.
    pub(super) map: Option<&'a [u32]>,
}

impl Whereabouts<'_> {
    fn presented(&self, at: usize) -> usize {
        match self.map {
            None => self.base + at,
            Some(map) => {
                let at = map.get(at).or(map.last()).copied().unwrap_or_default();
                self.base + at as usize
            }
        }
    }
}

/// The patient data of one message, gathered segment by segment.
#[derive(Debug, Default)]
pub(super) struct Patient {
    /// Bit `kind as u16`.
    kinds: u16,
    ranges: Vec<PhiRange>,
    /// Calls that marked bytes; unlike `ranges` it does not depend on packets.
    marked: usize,
    values: Vec<String>,
    /// A value did not fit.
    dropped: bool,
    /// Raw PID-3, PID-5, PID-7.
    key: [Vec<u8>; 3],
}

impl Patient {
    /// Marks a value that is filled in.
    pub(super) fn mark(
        &mut self,
        value: Value<'_>,
        kind: PhiKind,
        place: Whereabouts<'_>,
        out: &Output<'_>,
    ) {
        let range = value.range();
        let presented = place.presented(range.start)..place.presented(range.end);
        self.mark_bytes(presented, kind, out);
    }

    fn mark_bytes(&mut self, presented: Range<usize>, kind: PhiKind, out: &Output<'_>) {
        self.kinds |= 1 << kind as u16;
        self.marked += 1;
        out.phi(presented, kind, &mut self.ranges);
    }

    /// Marks a piece of a segment that is not read; only its head counts, since the number of
    /// pieces depends on how the bytes came.
    pub(super) fn mark_long(
        &mut self,
        piece: Range<usize>,
        kind: PhiKind,
        head: bool,
        out: &Output<'_>,
    ) {
        self.mark_bytes(piece, kind, out);
        if !head {
            self.marked -= 1;
        }
    }

    /// Reads the fields of a segment that the table names.
    pub(super) fn read(&mut self, segment: &Segment<'_>, place: Whereabouts<'_>, out: &Output<'_>) {
        let name = segment.name();
        if name == b"PID" {
            self.key = [3, 5, 7].map(|n| segment.field(n).bytes.to_vec());
        }
        if name == b"QPD" {
            return self.query(segment, place, out);
        }
        if name.first() == Some(&b'Z') {
            return self.whole(segment, place, out);
        }
        // No segment: somebody's own words, in a file or behind an unescaped line end.
        let is_named = name.len() == 3 && name.iter().all(u8::is_ascii_alphanumeric);
        if !is_named && !segment.text.is_empty() {
            let (bytes, reader) = (segment.text, segment.reader);
            let words = Value {
                bytes,
                start: 0,
                reader,
            };
            return self.mark(words, ClinicalData, place, out);
        }
        let rules = <&[u8; 3]>::try_from(name)
            .ok()
            .and_then(|name| SEGMENTS.iter().find(|(known, _)| *known == name));
        for &(n, what, kind) in rules.map(|(_, rules)| *rules).unwrap_or_default() {
            let field = segment.field(n);
            if field.filled() {
                self.field(field, what, kind, place, out);
            }
        }
    }

    fn field(
        &mut self,
        field: Value<'_>,
        what: What,
        kind: PhiKind,
        place: Whereabouts<'_>,
        out: &Output<'_>,
    ) {
        match what {
            Ids => {
                for repeat in field.repeats() {
                    let id = repeat.component(1);
                    if id.filled() {
                        self.mark(id, id_kind(repeat, kind), place, out);
                        self.keep(&id.first_sub().text());
                    }
                }
            }
            Names => {
                self.mark(field, kind, place, out);
                field.repeats().for_each(|name| self.name(name));
            }
            Date => {
                self.mark(field, kind, place, out);
                if matches!(kind, BirthDate | Relative) {
                    self.date(&field.component(1).text());
                }
            }
            Address => {
                self.mark(field, kind, place, out);
                for address in field.repeats() {
                    self.keep(&address.component(1).first_sub().text());
                }
            }
            Contacts => {
                self.mark(field, kind, place, out);
                for contact in field.repeats() {
                    (1..=12).for_each(|n| self.contact(&contact.component(n).text()));
                }
            }
            Plain if kind == Demographics && field.bytes == b"U" => {}
            Plain => self.mark(field, kind, place, out),
        }
    }

    fn name(&mut self, name: Value<'_>) {
        let family = name.component(1).first_sub().text();
        let given = name.component(2).text();
        let second = name.component(3).text();
        if !family.is_empty() && !given.is_empty() {
            self.keep(&format!("{family} {given}"));
            self.keep(&format!("{given} {family}"));
            self.keep(&format!("{family}^{given}"));
        }
        self.keep(&family);
        self.keep(&given);
        self.keep(&second);
    }

    fn date(&mut self, date: &str) {
        let day = date.get(..8).unwrap_or(date);
        if day.len() == 8 && day.bytes().all(|b| b.is_ascii_digit()) {
            let (year, rest) = day.split_at(4);
            let (month, day) = rest.split_at(2);
            self.keep(&format!("{year}-{month}-{day}"));
        }
        self.keep(day);
    }

    /// A telephone number or a mail address; kinds and country codes are neither.
    fn contact(&mut self, text: &str) {
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        if digits >= 5 || text.contains('@') {
            self.keep(text);
        }
    }

    fn keep(&mut self, value: &str) {
        if value.is_empty() || self.values.iter().any(|known| known == value) {
            return;
        }
        if self.values.len() < VALUES.default as usize {
            self.values.push(value.to_owned());
        } else {
            self.dropped = true;
        }
    }

    /// `QPD|query|tag|@PID.5.1^SMITH~@PID.7^19600101`.
    fn query(&mut self, segment: &Segment<'_>, place: Whereabouts<'_>, out: &Output<'_>) {
        for repeat in segment.field(3).repeats() {
            let asked = repeat.component(1).text();
            let value = repeat.component(2);
            let kind = match asked.get(..6) {
                Some("@PID.3") => PatientNumber,
                Some("@PID.5") => Name,
                Some("@PID.7") => BirthDate,
                _ => continue,
            };
            if value.filled() {
                self.mark(value, kind, place, out);
                self.keep(&value.text());
            }
        }
    }

    fn whole(&mut self, segment: &Segment<'_>, place: Whereabouts<'_>, out: &Output<'_>) {
        let start = segment.field(0).range().end;
        let bytes = segment.text.get(start..).unwrap_or_default();
        let rest = Value {
            bytes,
            start,
            reader: segment.reader,
        };
        if rest.filled() {
            self.mark(rest, ClinicalData, place, out);
        }
    }

    /// Whether so much is gathered that it has to be said.
    pub(super) fn is_full(&self) -> bool {
        self.marked >= MARKS_ENOUGH || self.values.len() >= VALUES_ENOUGH
    }

    /// What is gathered, as a statement: sorted kinds, the patient's digest, ranges, values.
    /// Nothing when only places and staff are named.
    pub(super) fn take(&mut self, out: &mut Output<'_>) -> Option<Meaning> {
        let kinds: Vec<_> = PhiKind::ALL
            .into_iter()
            .filter(|&kind| self.kinds & (1 << kind as u16) != 0)
            .collect();
        let ranges = std::mem::take(&mut self.ranges);
        let values = std::mem::take(&mut self.values);
        (self.kinds, self.marked) = (0, 0);
        if std::mem::take(&mut self.dropped) {
            out.reached(&VALUES);
        }
        if kinds
            .iter()
            .all(|kind| matches!(kind, Location | Clinician))
        {
            return None;
        }
        let [number, name, birth] = &self.key;
        let known = self.key.iter().any(|part| !part.is_empty());
        let patient = known.then(|| out.patient_digest(&[number, name, birth]));
        Some(Meaning::PatientData {
            kinds,
            patient,
            ranges,
            values,
        })
    }
}

/// An identifier's type (CX-5) may say that it is a national one.
fn id_kind(id: Value<'_>, kind: PhiKind) -> PhiKind {
    let national = |code: &[u8]| {
        matches!(code, b"NI" | b"NH" | b"SS" | b"PPN" | b"DL") || code.starts_with(b"NN")
    };
    if kind == PatientNumber && national(id.component(5).bytes) {
        NationalNumber
    } else {
        kind
    }
}

/// What a segment that is too long to be read holds.
pub(super) fn kind_of_long(name: &[u8]) -> PhiKind {
    match name {
        b"PID" => Name,
        b"NK1" | b"GT1" | b"IN1" => Relative,
        b"PV1" => Location,
        _ => ClinicalData,
    }
}
