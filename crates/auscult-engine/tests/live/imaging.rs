//! Images: dcmtk's archive, workstation and modality, and a modality of pynetdicom.

use std::path::Path;

use auscult_lab::Truth;
use auscult_model::report::Role;

use super::ward::{Line, Ward};
use super::{Bad, at, cases, claims, devices, must};

const MODALITY: (&str, &str) = ("10.20.30.60", "02:00:00:00:30:60");
const TOMOGRAPH: (&str, &str) = ("10.20.30.61", "02:00:00:00:30:61");
const ARCHIVE: (&str, &str) = ("10.20.30.62", "02:00:00:00:30:62");
const VIEWER: (&str, &str) = ("10.20.30.63", "02:00:00:00:30:63");

/// What an ultrasound stores, as dcmtk's dump2dcm takes it.
const IMAGE: &str = "(0008,0005) CS [ISO_IR 100]
(0008,0016) UI [1.2.840.10008.5.1.4.1.1.6.1]
(0008,0018) UI [1.2.826.0.1.3680043.10.1.1]
(0008,0020) DA [20261125]
(0008,0060) CS [US]
(0008,0070) LO [Invented Imaging]
(0008,1010) SH [USTEST]
(0008,1090) LO [Echo Nought]
(0010,0010) PN [FICTIVALDI^TESTO]
(0010,0020) LO [INV-70114402]
(0010,0030) DA [19490203]
(0018,1000) LO [EN-0001]
(0018,1020) LO [9.8.7]
(0020,000d) UI [1.2.826.0.1.3680043.10.1.2]
(0020,000e) UI [1.2.826.0.1.3680043.10.1.3]
(0028,0002) US 1
(0028,0004) CS [MONOCHROME2]
(0028,0010) US 2
(0028,0011) US 2
(0028,0100) US 8
(0028,0101) US 8
(0028,0102) US 7
(0028,0103) US 0
(7fe0,0010) OW 0000\\0000
";

fn archive(ward: &mut Ward) {
    let folder = ward.dir().join("images");
    std::fs::create_dir_all(&folder).unwrap();
    let config = format!(
        "NetworkTCPPort = 104\nMaxPDUSize = 16384\nMaxAssociations = 16\n\
         HostTable BEGIN\nviewer = (WSTEST, {}, 11112)\nHostTable END\n\
         VendorTable BEGIN\nVendorTable END\n\
         AETable BEGIN\nTESTPACS {} RW (9, 1024mb) ANY\nAETable END\n",
        VIEWER.0,
        folder.display()
    );
    let config = ward.file("dcmqrscp.cfg", config.as_bytes());
    ward.serve(
        "archive",
        104,
        &["dcmqrscp", "--disable-host-lookup", "-c", &config],
    );
}

/// The words of a query of the whole study.
fn query<'a>(program: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut words = vec![program, "-S", "-aet", "WSTEST", "-aec", "TESTPACS"];
    words.extend(more);
    words.extend(["-k", "QueryRetrieveLevel=STUDY", "-k", "PatientName="]);
    words.extend(["-k", "StudyInstanceUID=1.2.826.0.1.3680043.10.1.2"]);
    words.extend([ARCHIVE.0, "104"]);
    words
}

/// Greetings, images stored in three ways of writing, a query, images moved.
#[test]
fn images() {
    let bin = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/python/bin");
    let python = format!("{bin}/python");
    let packages = Path::new(bin).with_file_name("lib");
    let has_pynetdicom = std::fs::read_dir(&packages).is_ok_and(|mut versions| {
        versions.any(|version| {
            let version = version.unwrap().path();
            version.join("site-packages/pynetdicom").is_dir()
        })
    });
    if !has_pynetdicom {
        eprintln!("SKIPPED: images: no pynetdicom in {bin}, which `cargo xtask test` installs");
        return;
    }
    let needed = [("dcmqrscp", "dcmtk"), ("dump2dcm", "dcmtk")];
    let Some(mut ward) = Ward::ready("images", &needed, Line::default()) else {
        return;
    };
    for (name, (ip, mac)) in [
        ("modality", MODALITY),
        ("tomograph", TOMOGRAPH),
        ("archive", ARCHIVE),
        ("viewer", VIEWER),
    ] {
        ward.host(name, mac, Some(ip));
    }
    archive(&mut ward);
    let dump = ward.file("image.dump", IMAGE.as_bytes());
    ward.good("modality", &["dump2dcm", &dump, "image.dcm"]);

    let capturing = ward.capture();
    let titles = ["-aet", "USTEST", "-aec", "TESTPACS", ARCHIVE.0, "104"];
    ward.good("modality", &[&["echoscu"][..], &titles].concat());
    ward.good(
        "modality",
        &[&["storescu"][..], &titles, &["image.dcm"]].concat(),
    );
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/live/modality.py");
    for written in ["implicit", "explicit", "big"] {
        let words = [
            &python, script, ARCHIVE.0, "104", "TESTPACS", "CTTEST", written,
        ];
        ward.good("tomograph", &words);
    }
    let found = ward.good("viewer", &query("findscu", &[]));
    assert!(found.contains("FICTIVALDI"), "{found}");
    ward.good(
        "viewer",
        &query(
            "movescu",
            &["--disable-host-lookup", "-aem", "WSTEST", "+P", "11112"],
        ),
    );
    let report = ward.report(&capturing);

    let mut truth = Truth::new("images stored, found and moved inside, in clear");
    truth.must = [MODALITY, TOMOGRAPH, ARCHIVE, VIEWER]
        .map(|(ip, _)| must("phi-cleartext-inside", ip, "low"))
        .to_vec();
    truth.must_not = vec!["phi-cleartext-outside".to_owned()];
    truth.private = [
        "FICTIVALDI",
        "INV-70114402",
        "19490203",
        "SYNTHETISA",
        "INV-70114403",
        "INV-70114404",
        "19870915",
    ]
    .map(str::to_owned)
    .to_vec();
    let mut bad = Bad(cases::shortfalls(&report, &truth));
    let macs = [MODALITY.1, TOMOGRAPH.1, ARCHIVE.1, VIEWER.1];
    devices(&report, &macs, &mut bad);
    for ((ip, _), role, title) in [
        (MODALITY, Role::ImagingModality, "USTEST"),
        (TOMOGRAPH, Role::ImagingModality, "CTTEST"),
        (ARCHIVE, Role::ImagingArchive, "TESTPACS"),
        (VIEWER, Role::ImagingWorkstation, "WSTEST"),
    ] {
        let device = at(&report, ip);
        let named = claims(device, "ae_title");
        bad.unless(named == [title], || format!("{ip}: titles {named:?}"));
        bad.unless(device.role == role, || format!("{ip}: {:?}", device.role));
        let kinds: Vec<&str> = device.patient_data.iter().map(|kind| kind.word()).collect();
        bad.unless(kinds.contains(&"image"), || format!("{ip}: {kinds:?}"));
    }
    for ((ip, _), vendor, model, serial, firmware) in [
        (
            MODALITY,
            "Invented Imaging",
            "Echo Nought",
            "EN-0001",
            "9.8.7",
        ),
        (
            TOMOGRAPH,
            "Invented Tomography",
            "Slice Nought",
            "SN-0002",
            "4.4.1",
        ),
    ] {
        let device = at(&report, ip);
        let said = [
            &device.vendor,
            &device.model,
            &device.serial,
            &device.firmware,
        ];
        let said = said.map(|value| value.as_deref().unwrap_or_default());
        let want = [vendor, model, serial, firmware];
        bad.unless(said == want, || format!("{ip}: {said:?}"));
    }
    bad.unless(at(&report, ARCHIVE.0).vendor.is_none(), || {
        "maker of the archive".to_owned()
    });
    bad.none();
}
