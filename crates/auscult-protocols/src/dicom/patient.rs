//! The patient data of one data set: kinds, places, and the values to be masked.

use auscult_model::{Bound, Meaning, PhiKind, PhiRange};
use encoding_rs::Encoding;

use super::charset;
use super::elements::What;
use crate::Output;

/// Beyond it a data set is no longer one patient's.
pub static VALUES: Bound = Bound::constant(
    "dicom-patient-values",
    1024,
    "values of patient data of one data set that are remembered to be masked",
    "all texts learnt from traffic are withheld",
);

/// So many values are gathered before they are said.
const VALUES_ENOUGH: usize = 128;
/// So many bytes are marked before they are said.
const MARKED_ENOUGH: usize = 256 * 1024;

/// Gathered element by element.
#[derive(Debug, Default)]
pub(super) struct Patient {
    /// Bit `kind as u16`.
    kinds: u16,
    ranges: Vec<PhiRange>,
    /// Bytes in `ranges` of values that were kept.
    marked: usize,
    values: Vec<String>,
    /// A value did not fit.
    dropped: bool,
    /// Number, name and date of birth as sent.
    key: [Vec<u8>; 3],
}

impl Patient {
    /// Something of this kind is there.
    pub(super) fn has(&mut self, kind: PhiKind) {
        self.kinds |= 1 << kind as u16;
    }

    /// An element that is filled in, with its places. Without its `value`, it was too long to be
    /// kept.
    pub(super) fn add(
        &mut self,
        (what, kind): (What, PhiKind),
        value: Option<&[u8]>,
        encoding: Option<&'static Encoding>,
        ranges: &mut Vec<PhiRange>,
    ) {
        self.has(kind);
        self.ranges.append(ranges);
        let Some(value) = value else {
            self.dropped |= what != What::Plain;
            self.marked = MARKED_ENOUGH;
            return;
        };
        self.marked += value.len();
        let parts = value.split(|byte| *byte == b'\\');
        match what {
            What::Names => {
                // Characters of some sets hold the divider's byte.
                let text = charset::text(value, encoding);
                text.split(['\\', '=']).for_each(|name| self.name(name));
            }
            What::Date => self.date(&charset::text(value, None)),
            What::Ids | What::Contacts => {
                parts.for_each(|part| self.keep(&charset::text(part, encoding)));
            }
            What::Address => self.keep(&charset::text(value, encoding)),
            What::Plain => {}
        }
    }

    /// So much is gathered that it has to be said.
    pub(super) fn is_full(&self) -> bool {
        self.marked >= MARKED_ENOUGH || self.values.len() >= VALUES_ENOUGH
    }

    /// The patient's own number, name and date of birth, by their element.
    pub(super) fn key(&mut self, tag: u32, value: &[u8]) {
        let at = match tag {
            0x0010_0020 => 0,
            0x0010_0010 => 1,
            0x0010_0030 => 2,
            _ => return,
        };
        if let Some(part) = self.key.get_mut(at)
            && part.is_empty()
        {
            *part = value.trim_ascii().to_vec();
        }
    }

    fn name(&mut self, name: &str) {
        let mut parts = name.split('^').map(str::trim);
        let family = parts.next().unwrap_or_default();
        let given = parts.next().unwrap_or_default();
        if !family.is_empty() && !given.is_empty() {
            self.keep(&format!("{family} {given}"));
            self.keep(&format!("{given} {family}"));
            self.keep(&format!("{family}^{given}"));
        }
        self.keep(family);
        self.keep(given);
        self.keep(parts.next().unwrap_or_default());
    }

    fn date(&mut self, date: &str) {
        if date.len() == 8
            && let (Some(year), Some(month), Some(day)) =
                (date.get(..4), date.get(4..6), date.get(6..))
        {
            self.keep(&format!("{year}-{month}-{day}"));
        }
        self.keep(date);
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

    /// What was gathered, as a statement. Nothing when only places, staff, dates and measures of
    /// the body are named: they are about nobody.
    pub(super) fn take(&mut self, out: &mut Output<'_>) -> Option<Meaning> {
        let found = std::mem::replace(
            self,
            Patient {
                key: self.key.clone(),
                ..Patient::default()
            },
        );
        if found.dropped {
            out.reached(&VALUES);
        }
        let kinds: Vec<_> = PhiKind::ALL
            .into_iter()
            .filter(|&kind| found.kinds & (1 << kind as u16) != 0)
            .collect();
        let is_about_nobody = kinds.iter().all(|kind| {
            use PhiKind::{AdmissionDate, Clinician, Demographics, Location};
            matches!(kind, AdmissionDate | Clinician | Demographics | Location)
        });
        if is_about_nobody {
            return None;
        }
        let [number, name, birth] = &found.key;
        // One patient's name is written in several ways, the number hardly.
        let patient = match found.key.iter().any(|part| !part.is_empty()) {
            _ if !number.is_empty() => Some(out.patient_digest(&[number])),
            true => Some(out.patient_digest(&[name, birth])),
            false => None,
        };
        Some(Meaning::PatientData {
            kinds,
            patient,
            ranges: found.ranges,
            values: found.values,
        })
    }
}
