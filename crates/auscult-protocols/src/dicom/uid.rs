//! Names of unique identifiers: services (PS3.4, PS3.6 annex A) and implementations.
//!
//! Limits: storage classes that are not in the table are named by their number. An implementation
//! class UID names the toolkit, which is often not the device's maker.

/// Deflated explicit VR little endian.
pub(super) const DEFLATED: &[u8] = b"1.2.840.10008.1.2.1.99";

const ROOT: &str = "1.2.840.10008.";

/// What a service class is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    Storage,
    /// Query and retrieve of images.
    Query,
    Worklist,
    /// Modality performed procedure step.
    Performed,
    Commitment,
    Print,
    Other,
}

use Service::{Commitment, Other, Performed, Print, Query, Storage, Worklist};

/// Under `1.2.840.10008.`, sorted by nothing: some sixty lines, asked once a message.
static CLASSES: &[(&str, &str, Service)] = &[
    ("1.1", "Verification", Other),
    ("1.20.1", "Storage Commitment", Commitment),
    ("3.1.2.3.3", "Modality Performed Procedure Step", Performed),
    ("5.1.1.1", "Film Session", Print),
    ("5.1.1.2", "Film Box", Print),
    ("5.1.1.4", "Grayscale Image Box", Print),
    ("5.1.1.4.1", "Color Image Box", Print),
    ("5.1.1.9", "Grayscale Print", Print),
    ("5.1.1.18", "Color Print", Print),
    ("5.1.1.16", "Printer", Print),
    ("5.1.4.1.1.1", "CR Image Storage", Storage),
    ("5.1.4.1.1.1.1", "Digital X-Ray Image Storage", Storage),
    (
        "5.1.4.1.1.1.1.1",
        "Digital X-Ray Image Storage, for processing",
        Storage,
    ),
    ("5.1.4.1.1.1.2", "Mammography Image Storage", Storage),
    (
        "5.1.4.1.1.1.2.1",
        "Mammography Image Storage, for processing",
        Storage,
    ),
    ("5.1.4.1.1.1.3", "Intra-Oral X-Ray Image Storage", Storage),
    ("5.1.4.1.1.2", "CT Image Storage", Storage),
    ("5.1.4.1.1.2.1", "Enhanced CT Image Storage", Storage),
    (
        "5.1.4.1.1.3.1",
        "Ultrasound Multi-frame Image Storage",
        Storage,
    ),
    ("5.1.4.1.1.4", "MR Image Storage", Storage),
    ("5.1.4.1.1.4.1", "Enhanced MR Image Storage", Storage),
    ("5.1.4.1.1.6.1", "Ultrasound Image Storage", Storage),
    ("5.1.4.1.1.7", "Secondary Capture Image Storage", Storage),
    ("5.1.4.1.1.9.1.1", "12-lead ECG Waveform Storage", Storage),
    ("5.1.4.1.1.9.1.2", "General ECG Waveform Storage", Storage),
    (
        "5.1.4.1.1.9.1.3",
        "Ambulatory ECG Waveform Storage",
        Storage,
    ),
    (
        "5.1.4.1.1.9.3.1",
        "Cardiac Electrophysiology Waveform Storage",
        Storage,
    ),
    (
        "5.1.4.1.1.9.4.1",
        "Basic Voice Audio Waveform Storage",
        Storage,
    ),
    (
        "5.1.4.1.1.11.4",
        "Blending Presentation State Storage",
        Storage,
    ),
    ("5.1.4.1.1.9.2.1", "Hemodynamic Waveform Storage", Storage),
    (
        "5.1.4.1.1.11.1",
        "Grayscale Presentation State Storage",
        Storage,
    ),
    (
        "5.1.4.1.1.12.1",
        "X-Ray Angiographic Image Storage",
        Storage,
    ),
    (
        "5.1.4.1.1.12.2",
        "X-Ray Radiofluoroscopic Image Storage",
        Storage,
    ),
    ("5.1.4.1.1.20", "Nuclear Medicine Image Storage", Storage),
    ("5.1.4.1.1.77.1.1", "VL Endoscopic Image Storage", Storage),
    ("5.1.4.1.1.77.1.2", "VL Microscopic Image Storage", Storage),
    ("5.1.4.1.1.77.1.4", "VL Photographic Image Storage", Storage),
    ("5.1.4.1.1.88.11", "Basic Text SR Storage", Storage),
    ("5.1.4.1.1.88.22", "Enhanced SR Storage", Storage),
    ("5.1.4.1.1.88.33", "Comprehensive SR Storage", Storage),
    ("5.1.4.1.1.88.59", "Key Object Selection Storage", Storage),
    (
        "5.1.4.1.1.88.67",
        "X-Ray Radiation Dose SR Storage",
        Storage,
    ),
    ("5.1.4.1.1.104.1", "Encapsulated PDF Storage", Storage),
    ("5.1.4.1.1.128", "PET Image Storage", Storage),
    ("5.1.4.1.1.481.1", "RT Image Storage", Storage),
    ("5.1.4.1.1.481.2", "RT Dose Storage", Storage),
    ("5.1.4.1.1.481.3", "RT Structure Set Storage", Storage),
    ("5.1.4.1.1.481.5", "RT Plan Storage", Storage),
    ("5.1.4.1.2.1.1", "Patient Root Query", Query),
    ("5.1.4.1.2.1.2", "Patient Root Move", Query),
    ("5.1.4.1.2.1.3", "Patient Root Get", Query),
    ("5.1.4.1.2.2.1", "Study Root Query", Query),
    ("5.1.4.1.2.2.2", "Study Root Move", Query),
    ("5.1.4.1.2.2.3", "Study Root Get", Query),
    ("5.1.4.1.2.3.1", "Patient/Study Only Query", Query),
    ("5.1.4.1.2.3.2", "Patient/Study Only Move", Query),
    ("5.1.4.1.2.3.3", "Patient/Study Only Get", Query),
    ("5.1.4.31", "Modality Worklist", Worklist),
    ("5.1.4.34.6.1", "Unified Procedure Step Push", Other),
];

/// The name of a service class in words, and what it is for.
pub(super) fn class(uid: &str) -> Option<(&'static str, Service)> {
    let rest = uid.strip_prefix(ROOT)?;
    let known = CLASSES.iter().find(|(known, ..)| *known == rest);
    known.map(|(_, name, service)| (*name, *service))
}

/// What a service class is for, also one whose name is not known.
pub(super) fn service(uid: &str) -> Service {
    class(uid).map_or_else(
        || {
            let rest = uid.strip_prefix(ROOT).unwrap_or_default();
            if rest.starts_with("5.1.4.1.1.") {
                Storage
            } else if rest.starts_with("5.1.1.") {
                Print
            } else {
                Other
            }
        },
        |(_, service)| service,
    )
}

/// A toolkit by the root of its implementation class UID, and how sure that is: confirmed by the
/// toolkit's own sources or by files that it wrote, else reported.
pub(super) fn toolkit(uid: &str) -> Option<(&'static str, f32)> {
    static ROOTS: &[(&str, &str, f32)] = &[
        ("1.2.276.0.7230010.3.0.3", "OFFIS DCMTK", 0.95),
        ("1.2.276.0.7238010.5.0.3", "OsiriX", 0.95),
        ("1.2.40.0.13.1.3", "dcm4che", 0.95),
        ("1.2.40.0.13.1.1", "dcm4che", 0.95),
        ("1.2.826.0.1.3680043.9.3811", "pynetdicom", 0.95),
        ("1.2.826.0.1.3680043.8.498.1", "pydicom", 0.95),
        ("1.2.826.0.1.3680043.9.7433.1.1", "highdicom", 0.95),
        ("1.2.826.0.1.3680043.2.1143", "GDCM", 0.95),
        (
            "1.2.826.0.1.3680043.2.135.1066.101",
            "Conquest DICOM server",
            0.95,
        ),
        ("1.3.6.1.4.1.5962.2", "PixelMed", 0.95),
        ("2.16.840.1.113669.2.1.1", "Merge MergeCOM-3", 0.95),
        ("1.2.840.114340.3", "SonoSite", 0.95),
        ("1.3.12.2.1107.5", "Siemens", 0.9),
        ("1.3.6.1.4.1.30071.8", "fo-dicom", 0.7),
        ("1.3.6.1.4.1.25403", "ClearCanvas", 0.7),
        ("1.3.6.1.4.1.9590.100.1", "MATLAB", 0.7),
        ("1.2.840.113619.6", "GE Healthcare", 0.7),
        ("1.2.840.113663", "Philips Ultrasound (ATL)", 0.7),
        ("1.2.840.113704", "Philips CT (Picker, Elscint)", 0.7),
        ("1.3.46.670589", "Philips", 0.7),
        ("1.2.840.114257", "LEAD Technologies", 0.7),
        ("1.2.840.113564", "Carestream (Eastman Kodak)", 0.7),
        ("1.2.840.113680", "Siemens Ultrasound (Acuson)", 0.7),
        ("1.2.392.200036.9116", "Canon Medical (Toshiba)", 0.7),
        ("1.2.392.200036.9125", "Fujifilm", 0.7),
        ("1.2.392.200036.9107", "Konica Minolta", 0.7),
        ("1.2.392.200036.9110", "Shimadzu", 0.7),
        ("1.2.392.200046.100", "Canon", 0.7),
        ("1.3.51.0.1.1", "Agfa HealthCare", 0.7),
        ("1.2.840.113845", "Merge Cedara", 0.7),
        ("1.2.250.1.59", "Etiam", 0.7),
    ];
    let under = |root: &str| {
        uid.strip_prefix(root)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let fits = ROOTS.iter().filter(|(root, ..)| under(root));
    fits.max_by_key(|(root, ..)| root.len())
        .map(|(_, name, sure)| (*name, *sure))
}
