//! What is at stake at a device, by its role: most rules weigh the same event by it.

use auscult_model::report::Role;

/// What is at stake, most first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stake {
    /// Beside the patient: monitors, pumps, analysers.
    Bedside,
    /// Patients depend on it, from a distance: stations, archives, modalities, engines.
    Medical,
    /// Nobody sits before it and nobody updates it: printers, telephones, cameras, controls.
    Embedded,
    /// Nothing tells what it is.
    Unknown,
    /// Looked after as ordinary IT is.
    Office,
}

/// By role.
pub(crate) fn stake(role: Role) -> Stake {
    match role {
        Role::PatientMonitor | Role::InfusionPump | Role::LabAnalyser | Role::MedicalOther => {
            Stake::Bedside
        }
        Role::CentralStation
        | Role::ImagingModality
        | Role::ImagingArchive
        | Role::ImagingWorkstation
        | Role::InterfaceEngine => Stake::Medical,
        Role::Printer | Role::Phone | Role::Camera | Role::Other => Stake::Embedded,
        Role::Unknown => Stake::Unknown,
        Role::Gateway | Role::Server | Role::Workstation | Role::NetworkDevice => Stake::Office,
    }
}

impl Stake {
    /// Patients depend on it.
    pub(crate) fn is_medical(self) -> bool {
        self <= Stake::Medical
    }

    /// A device that does one thing, for which nobody needs what computers of offices have.
    pub(crate) fn is_device(self) -> bool {
        self <= Stake::Embedded
    }

    /// `beside the patient`, …: completes "a device".
    pub(crate) fn words(self) -> &'static str {
        match self {
            Stake::Bedside => "a device beside the patient",
            Stake::Medical => "a device that patients depend on",
            Stake::Embedded => "an embedded device",
            Stake::Unknown => "a device of which nothing is known",
            Stake::Office => "a computer or network device",
        }
    }
}
