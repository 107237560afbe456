//! Whom a request is about, by its target: FHIR and DICOMweb name patients in paths and searches.
//!
//! Sources: HL7 FHIR R4 (RESTful API, search parameters of Patient), DICOM PS3.18 §10.6 (QIDO-RS).
//! Limit: parameters of the same names on other paths are none, since every page has a `name`.

use std::ops::Range;

use auscult_model::{Meaning, PhiKind};

use super::body::percent_decoded;
use crate::output::offset_in;
use crate::records::local_name;
use crate::{Output, text};

/// A part of a target that is about a patient.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Part {
    kind: PhiKind,
    /// Its bytes in the target.
    range: Range<usize>,
    value: String,
    /// How the server names the patient: the same as in its resources.
    is_local: bool,
}

/// Names of parameters, and what their values are.
pub(super) type Names = &'static [(&'static str, PhiKind)];

/// Parameters of searches for patients in FHIR; those that name one in any other search.
const PATIENT: [(&str, PhiKind); 12] = [
    ("family", PhiKind::Name),
    ("given", PhiKind::Name),
    ("name", PhiKind::Name),
    ("phonetic", PhiKind::Name),
    ("birthdate", PhiKind::BirthDate),
    ("identifier", PhiKind::PatientNumber),
    ("_id", PhiKind::PatientNumber),
    ("phone", PhiKind::Contact),
    ("email", PhiKind::Contact),
    ("telecom", PhiKind::Contact),
    ("address", PhiKind::PostalAddress),
    ("address-postalcode", PhiKind::PostalAddress),
];
const SUBJECT: [(&str, PhiKind); 2] = [
    ("patient", PhiKind::PatientNumber),
    ("subject", PhiKind::PatientNumber),
];
/// Attributes that DICOMweb searches by, by keyword and by tag.
const IMAGES: [(&str, PhiKind); 8] = [
    ("PatientName", PhiKind::Name),
    ("00100010", PhiKind::Name),
    ("PatientID", PhiKind::PatientNumber),
    ("00100020", PhiKind::PatientNumber),
    ("PatientBirthDate", PhiKind::BirthDate),
    ("00100030", PhiKind::BirthDate),
    ("AccessionNumber", PhiKind::ClinicalData),
    ("00080050", PhiKind::ClinicalData),
];

/// What a request target tells of a patient; `head` holds it, and is presented from its first byte
/// on.
pub(super) fn patient(target: &[u8], head: &[u8], out: &Output<'_>) -> Option<Meaning> {
    tell(parts(target), offset_in(head, target)?, out)
}

/// What a form of search parameters tells of a patient, which is presented from its first byte on.
pub(super) fn searched(form: &[u8], names: Names, out: &Output<'_>) -> Option<Meaning> {
    let mut parts = Vec::new();
    in_query(form, 0, names, &mut parts);
    tell(parts, 0, out)
}

fn tell(parts: Vec<Part>, at: usize, out: &Output<'_>) -> Option<Meaning> {
    let mut kinds: Vec<PhiKind> = parts.iter().map(|part| part.kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    if kinds.is_empty() {
        return None;
    }
    let patient = match parts.iter().find(|part| part.is_local) {
        Some(part) => out.patient_digest(&[part.value.as_bytes()]),
        None => {
            let values: Vec<&[u8]> = parts.iter().map(|part| part.value.as_bytes()).collect();
            out.patient_digest(&values)
        }
    };
    let mut ranges = Vec::new();
    for part in &parts {
        let range = at + part.range.start..at + part.range.end;
        out.phi(range, part.kind, &mut ranges);
    }
    let named = parts
        .into_iter()
        .filter(|part| part.kind != PhiKind::ClinicalData);
    Some(Meaning::PatientData {
        kinds,
        patient: Some(patient),
        ranges,
        values: named.map(|part| part.value).collect(),
    })
}

/// The parameters that a form names which is sent to this target; none unless it is a search.
pub(super) fn names_of_search(target: &[u8]) -> Names {
    match target.ends_with(b"/_search") {
        true => in_path(target, &mut Vec::new()),
        false => &[],
    }
}

/// The parts of a request target that are about a patient.
fn parts(target: &[u8]) -> Vec<Part> {
    let mark = memchr::memchr(b'?', target).unwrap_or(target.len());
    let mut parts = Vec::new();
    let names = in_path(target.get(..mark).unwrap_or_default(), &mut parts);
    in_query(target, mark + 1, names, &mut parts);
    parts
}

/// Adds the parts of a path; returns the parameters that count behind it.
fn in_path(path: &[u8], parts: &mut Vec<Part>) -> Names {
    let mut names: Names = &[];
    let mut last: &[u8] = b"";
    let mut at = 0;
    for segment in path.split(|byte| *byte == b'/') {
        let range = at..at + segment.len();
        at = range.end + 1;
        if last == b"Patient" && is_identifier(segment) {
            parts.push(part(path, range, PhiKind::PatientNumber, true));
        }
        match segment {
            b"Patient" => names = &PATIENT,
            b"studies" | b"series" | b"instances" => names = &IMAGES,
            _ if is_type(segment) => names = &SUBJECT,
            _ => {}
        }
        last = segment;
    }
    names
}

/// Adds the parts of the parameters that begin at byte `at`.
fn in_query(target: &[u8], mut at: usize, names: Names, parts: &mut Vec<Part>) {
    if names.is_empty() {
        return;
    }
    let query = target.get(at..).unwrap_or_default();
    for pair in query.split(|byte| *byte == b'&') {
        let equals = memchr::memchr(b'=', pair);
        let range = equals.map(|equals| at + equals + 1..at + pair.len());
        at += pair.len() + 1;
        let Some((range, equals)) = range.zip(equals).filter(|(range, _)| !range.is_empty()) else {
            continue;
        };
        let name = text::lenient(&percent_decoded(pair.get(..equals).unwrap_or_default()));
        // `name:exact`, `subject:Patient.family`.
        let (first, chained) = name.split_once('.').unwrap_or((&name, ""));
        let plain = |name: &str| name.split(':').next().unwrap_or_default().to_owned();
        let (first, chained) = (plain(first), plain(chained));
        let is_subject = SUBJECT.iter().any(|(known, _)| *known == first);
        let (table, plain) = match !chained.is_empty() && is_subject {
            true => (&PATIENT[..], chained),
            false => (names, first),
        };
        if let Some((_, kind)) = table.iter().find(|(known, _)| *known == plain) {
            let is_local = matches!(plain.as_str(), "_id" | "patient" | "subject");
            parts.push(part(target, range, *kind, is_local));
        }
    }
}

/// An identifier that a server gave, not a page of an application that calls its folder so.
fn is_identifier(segment: &[u8]) -> bool {
    segment.len() <= 64
        && segment.iter().any(u8::is_ascii_digit)
        && segment
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
}

/// Named as resources are: `Observation`.
fn is_type(segment: &[u8]) -> bool {
    segment.first().is_some_and(u8::is_ascii_uppercase)
        && segment.iter().all(u8::is_ascii_alphabetic)
        && segment.iter().any(u8::is_ascii_lowercase)
}

fn part(target: &[u8], range: Range<usize>, kind: PhiKind, is_local: bool) -> Part {
    let raw = target.get(range.clone()).unwrap_or_default();
    let value = text::lenient(&percent_decoded(raw));
    let value = match local_name(&value).filter(|_| is_local) {
        Some(local) => local.to_owned(),
        None => value,
    };
    Part {
        kind,
        range,
        value,
        is_local,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(target: &str) -> Vec<(PhiKind, &str, String, bool)> {
        parts(target.as_bytes())
            .into_iter()
            .map(|part| (part.kind, &target[part.range], part.value, part.is_local))
            .collect()
    }

    #[test]
    fn patients_in_paths_and_searches() {
        use PhiKind::{BirthDate, ClinicalData, Name, PatientNumber};
        assert_eq!(
            found("/r4/Patient/p-17/_history/2"),
            [(PatientNumber, "p-17", "p-17".to_owned(), true)]
        );
        assert_eq!(
            found("/r4/Patient?family:exact=Test%20fall&birthdate=1961-02-03&_count=5"),
            [
                (Name, "Test%20fall", "Test fall".to_owned(), false),
                (BirthDate, "1961-02-03", "1961-02-03".to_owned(), false)
            ]
        );
        assert_eq!(
            found("http://h/Observation?code=8867-4&subject=Patient/p-17"),
            [(PatientNumber, "Patient/p-17", "p-17".to_owned(), true)]
        );
        assert_eq!(
            found("/Observation?subject:Patient.family=Testfall"),
            [(Name, "Testfall", "Testfall".to_owned(), false)]
        );
        assert_eq!(
            found("/dicom-web/studies?PatientID=7&00080050=A1"),
            [
                (PatientNumber, "7", "7".to_owned(), false),
                (ClinicalData, "A1", "A1".to_owned(), false)
            ]
        );
    }

    #[test]
    fn near_miss_pages_with_names() {
        for target in [
            "/",
            "/search?name=Testfall&birthdate=1961-02-03",
            "/Patient/$everything",
            "/Patient/Index",
            "/Patient/site2.css",
            "/r4/Patient",
            "/studies?name=x",
            "/PATIENTS?subject=x",
            "/Observation?subject=",
            "?&=&",
        ] {
            assert!(parts(target.as_bytes()).is_empty(), "{target}");
        }
    }
}
