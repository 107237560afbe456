//! Kinds of patient data, as reports name them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A kind of patient data (HIPAA Safe Harbor identifiers, 45 CFR 164.514(b)(2), and health data).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PhiKind {
    /// Patient's name.
    Name,
    /// Patient, record, account or visit number.
    PatientNumber,
    /// National or insurance number.
    NationalNumber,
    /// Date of birth.
    BirthDate,
    /// Street, town, postal code.
    PostalAddress,
    /// Telephone, e-mail.
    Contact,
    /// Next of kin, guarantor.
    Relative,
    /// Date of admission, discharge, death.
    AdmissionDate,
    /// Sex, height, weight, blood type.
    Demographics,
    /// Name of a physician or nurse in charge.
    Clinician,
    /// Department, room, bed.
    Location,
    /// Diagnosis, order, result, report text.
    ClinicalData,
    /// Numbers measured on a patient.
    VitalSigns,
    /// Curves measured on a patient.
    Waveform,
    /// Medical image.
    Image,
}

impl PhiKind {
    /// All kinds, in the order of the contract.
    pub const ALL: [PhiKind; 15] = [
        PhiKind::Name,
        PhiKind::PatientNumber,
        PhiKind::NationalNumber,
        PhiKind::BirthDate,
        PhiKind::PostalAddress,
        PhiKind::Contact,
        PhiKind::Relative,
        PhiKind::AdmissionDate,
        PhiKind::Demographics,
        PhiKind::Clinician,
        PhiKind::Location,
        PhiKind::ClinicalData,
        PhiKind::VitalSigns,
        PhiKind::Waveform,
        PhiKind::Image,
    ];

    /// Whether the kind says who the patient is.
    pub fn identifies(self) -> bool {
        matches!(
            self,
            PhiKind::Name
                | PhiKind::PatientNumber
                | PhiKind::NationalNumber
                | PhiKind::BirthDate
                | PhiKind::PostalAddress
                | PhiKind::Contact
                | PhiKind::Relative
        )
    }

    /// The word of the JSON contract.
    pub fn word(self) -> &'static str {
        match self {
            PhiKind::Name => "name",
            PhiKind::PatientNumber => "patient-number",
            PhiKind::NationalNumber => "national-number",
            PhiKind::BirthDate => "birth-date",
            PhiKind::PostalAddress => "postal-address",
            PhiKind::Contact => "contact",
            PhiKind::Relative => "relative",
            PhiKind::AdmissionDate => "admission-date",
            PhiKind::Demographics => "demographics",
            PhiKind::Clinician => "clinician",
            PhiKind::Location => "location",
            PhiKind::ClinicalData => "clinical-data",
            PhiKind::VitalSigns => "vital-signs",
            PhiKind::Waveform => "waveform",
            PhiKind::Image => "image",
        }
    }

    /// From the word of the JSON contract.
    pub fn from_word(word: &str) -> Option<PhiKind> {
        PhiKind::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

impl fmt::Display for PhiKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
