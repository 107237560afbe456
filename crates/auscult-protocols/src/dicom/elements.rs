//! Which elements of a data set are read (PS3.6), and as what.

use auscult_model::PhiKind;

use PhiKind::{
    AdmissionDate, BirthDate, ClinicalData, Clinician, Contact, Demographics, Location, Name,
    NationalNumber, PatientNumber, PostalAddress, Relative, Waveform,
};
use Use::{Charset, Claim, Patient};
use What::{Address, Contacts, Date, Ids, Names, Plain};

/// Pixel data, integer, float and double: opaque, and the last that is wanted of a data set.
pub(super) const PIXELS: [u32; 3] = [0x7fe0_0008, 0x7fe0_0009, 0x7fe0_0010];

/// How patient data are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// Names of persons: `family^given^middle`, up to three spellings divided by `=`.
    Names,
    /// Numbers, several divided by `\`.
    Ids,
    /// `YYYYMMDD`.
    Date,
    /// Words of it recur as they are.
    Address,
    /// Telephone numbers.
    Contacts,
    /// Marked only.
    Plain,
}

/// What an element is read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// Says something about the equipment.
    Claim(&'static str),
    /// Is patient data.
    Patient(What, PhiKind),
    /// Says how texts are written.
    Charset,
}

/// Group and element, in ascending order.
static ELEMENTS: &[(u32, Use)] = &[
    (0x0008_0005, Charset),
    (0x0008_0020, Patient(Plain, AdmissionDate)),
    (0x0008_0050, Patient(Ids, PatientNumber)),
    (0x0008_0060, Claim("modality")),
    (0x0008_0070, Claim("vendor")),
    (0x0008_0080, Claim("institution")),
    (0x0008_0090, Patient(Plain, Clinician)),
    (0x0008_1010, Claim("station_name")),
    (0x0008_1030, Patient(Plain, ClinicalData)),
    (0x0008_1040, Claim("department")),
    (0x0008_1048, Patient(Plain, Clinician)),
    (0x0008_1050, Patient(Plain, Clinician)),
    (0x0008_1060, Patient(Plain, Clinician)),
    (0x0008_1070, Patient(Plain, Clinician)),
    (0x0008_1080, Patient(Plain, ClinicalData)),
    (0x0008_1090, Claim("model")),
    (0x0010_0010, Patient(Names, Name)),
    (0x0010_0020, Patient(Ids, PatientNumber)),
    (0x0010_0030, Patient(Date, BirthDate)),
    (0x0010_0040, Patient(Plain, Demographics)),
    (0x0010_0050, Patient(Ids, NationalNumber)),
    (0x0010_1000, Patient(Ids, PatientNumber)),
    (0x0010_1001, Patient(Names, Name)),
    (0x0010_1005, Patient(Names, Name)),
    (0x0010_1010, Patient(Plain, Demographics)),
    (0x0010_1020, Patient(Plain, Demographics)),
    (0x0010_1030, Patient(Plain, Demographics)),
    (0x0010_1040, Patient(Address, PostalAddress)),
    (0x0010_1050, Patient(Ids, NationalNumber)),
    (0x0010_1060, Patient(Names, Relative)),
    (0x0010_1090, Patient(Ids, PatientNumber)),
    (0x0010_2000, Patient(Plain, ClinicalData)),
    (0x0010_2110, Patient(Plain, ClinicalData)),
    (0x0010_2154, Patient(Contacts, Contact)),
    (0x0010_2160, Patient(Plain, Demographics)),
    (0x0010_21b0, Patient(Plain, ClinicalData)),
    (0x0010_2297, Patient(Names, Relative)),
    (0x0010_2298, Patient(Plain, Relative)),
    (0x0010_2299, Patient(Address, Relative)),
    (0x0010_4000, Patient(Plain, ClinicalData)),
    (0x0018_1000, Claim("serial")),
    (0x0018_1002, Claim("device_uid")),
    (0x0018_1008, Claim("gantry_id")),
    (0x0018_1009, Claim("udi")),
    (0x0018_1020, Claim("firmware")),
    (0x0018_1030, Patient(Plain, ClinicalData)),
    (0x0020_4000, Patient(Plain, ClinicalData)),
    (0x0032_1032, Patient(Plain, Clinician)),
    (0x0032_1060, Patient(Plain, ClinicalData)),
    (0x0038_0010, Patient(Ids, PatientNumber)),
    (0x0038_0020, Patient(Plain, AdmissionDate)),
    (0x0038_0060, Patient(Ids, PatientNumber)),
    (0x0038_0300, Patient(Plain, Location)),
    (0x0038_0400, Patient(Plain, Location)),
    (0x0038_0500, Patient(Plain, ClinicalData)),
    (0x0038_4000, Patient(Plain, ClinicalData)),
    (0x0040_0006, Patient(Plain, Clinician)),
    (0x0040_0007, Patient(Plain, ClinicalData)),
    (0x0040_0241, Claim("ae_title")),
    (0x0040_0242, Claim("station_name")),
    (0x0040_0254, Patient(Plain, ClinicalData)),
    (0x0040_1002, Patient(Plain, ClinicalData)),
    (0x0040_2016, Patient(Ids, PatientNumber)),
    (0x0040_2017, Patient(Ids, PatientNumber)),
    (0x0040_a123, Patient(Plain, Clinician)),
    (0x0040_a160, Patient(Plain, ClinicalData)),
    (0x0042_0010, Patient(Plain, ClinicalData)),
];

/// What an element is read for; nothing for most.
pub(super) fn use_of(tag: u32) -> Option<Use> {
    let at = ELEMENTS
        .binary_search_by_key(&tag, |(known, _)| *known)
        .ok()?;
    ELEMENTS.get(at).map(|(_, of)| *of)
}

/// A patient's data that is not text: curves, and documents that were put into the data set.
pub(super) fn body(tag: u32) -> Option<PhiKind> {
    match tag {
        0x5400_0100 => Some(Waveform),
        0x0042_0011 | 0x0040_a730 => Some(ClinicalData),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_in_order() {
        assert!(ELEMENTS.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert_eq!(use_of(0x0010_0010), Some(Patient(Names, Name)));
        assert_eq!(use_of(0x0010_0011), None);
    }
}
