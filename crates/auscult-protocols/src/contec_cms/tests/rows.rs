//! Every row of the layout, as text goldens.

use auscult_model::{Meaning, PhiKind};

use super::*;

fn samples(bytes: &[u8]) -> Vec<String> {
    read(bytes)
        .samples
        .into_iter()
        .filter(|line| !line.contains('['))
        .collect()
}

#[test]
fn bed_and_patient() {
    let bytes = [hex("02 00 05 43"), bed_7(), patient()].concat();
    let patient = "FromOriginator 1.00 PatientData [Name, PatientNumber, BirthDate, \
                   AdmissionDate, Demographics, Clinician, Location] [\"TEST^PATIENT\", \
                   \"0000000001\", \"DR TEST\", \"1970-01-02\", \"19700102\", \"2026-03-14\", \
                   \"20260314\"] 159 bytes, patient known: true {}";
    assert_eq!(
        said(&bytes),
        [
            claim("Sender", "bed", "7"),
            claim("Sender", "bed", "7"),
            claim("Sender", "department", "ICU"),
            patient.to_owned(),
        ]
    );
}

#[test]
fn patient_fields() {
    let block = patient();
    let read = super::super::patient::Patient::read(&block[4..]);
    assert_eq!((read.height_mm, read.weight_hg), (Some(1720), Some(705)));
    assert_eq!((read.blood, read.bed), (None, Some(7)));
    let mut typed = block;
    typed[4 + 0x8c] = 3;
    let read = super::super::patient::Patient::read(&typed[4..]);
    assert_eq!(read.blood, Some(3));
}

/// The ranges name exactly the octets of each field in its frame (payload at 54).
#[test]
fn patient_ranges() {
    let driven = read(&patient());
    let Some(Meaning::PatientData { ranges, .. }) = driven.said.last().map(|s| &s.meaning) else {
        panic!("no patient data");
    };
    let found: Vec<_> = ranges
        .iter()
        .map(|range| (range.bytes.start - 58, range.bytes.end - 58, range.kind))
        .collect();
    assert_eq!(
        found,
        [
            (0x00, 0x20, PhiKind::Location),
            (0x22, 0x23, PhiKind::Location),
            (0x23, 0x43, PhiKind::Name),
            (0x43, 0x63, PhiKind::PatientNumber),
            (0x63, 0x6e, PhiKind::AdmissionDate),
            (0x74, 0x7c, PhiKind::Demographics),
            (0x7c, 0x87, PhiKind::BirthDate),
            (0x8d, 0xad, PhiKind::Clinician),
        ]
    );
}

#[test]
fn only_what_is_filled_in() {
    let mut empty = patient();
    empty[4 + 0x23..4 + 0xad].fill(0);
    let lines = said(&empty);
    assert_eq!(lines.len(), 2, "bed and department, no patient: {lines:?}");

    let mut spaces = patient();
    spaces[4 + 0x23..4 + 0x43].fill(b' ');
    spaces[4 + 0x7c..4 + 0x87].copy_from_slice(b"0000\x0000\x0000\0");
    spaces[4 + 0x63..4 + 0x6e].copy_from_slice(b"2026\x00 3\x00  \0");
    let lines = said(&spaces);
    let last = lines.last().expect("said");
    assert!(last.contains("[PatientNumber, AdmissionDate, Demographics, Clinician, Location]"));
    assert!(last.contains("\"2026-03\""), "{last}");

    let mut chinese = patient();
    chinese[4 + 0x23..4 + 0x43].fill(0);
    chinese[4 + 0x23..4 + 0x27].copy_from_slice(&[0xd6, 0xd0, 0xce, 0xc4]);
    assert!(said(&chinese).last().expect("said").contains("\"中文\""));
}

#[test]
fn a_short_patient_block_gives_what_fits() {
    let short = block(0x3e, &patient()[4..4 + 0x4d]);
    let lines = said(&[cuff(), short].concat());
    let last = lines.last().expect("said");
    assert!(last.contains("[Name, PatientNumber, Location]"), "{last}");
    assert!(
        last.contains("known: false") && last.contains(r#""partial": "yes""#),
        "{last}"
    );
    assert!(
        lines
            .iter()
            .any(|line| line.contains("block shorter than its layout"))
    );
}

#[test]
fn ecg_and_respiration() {
    let driven = read(&ecg());
    let channels: Vec<_> = driven
        .samples
        .iter()
        .filter(|line| line.contains('['))
        .map(|line| {
            let (channel, values) = line.split_once(' ').expect("channel");
            (channel, values.split(',').count())
        })
        .collect();
    assert_eq!(
        channels,
        [("ecg1", 256), ("ecg2", 256), ("ecg3", 256), ("resp", 128)]
    );
    assert_eq!(
        samples(&ecg()),
        [
            "heart-rate 72.00 /min",
            "respiratory-rate 14.00 /min",
            "st1 0.10 mV",
            "st3 0.05 mV",
            "heart-rate-limit-high 120.00 /min",
            "heart-rate-limit-low 50.00 /min",
            "heart-rate-limit-setting 2.00 ",
            "respiratory-rate-limit-high 30.00 /min",
            "respiratory-rate-limit-low 8.00 /min",
            "respiratory-rate-limit-setting 2.00 ",
            "st1-limit-high 0.25 mV",
            "st1-limit-low -0.25 mV",
            "st1-limit-setting 2.00 ",
            "st2-limit-high 0.25 mV",
            "st2-limit-low -0.25 mV",
            "st2-limit-setting 2.00 ",
            "st3-limit-high 0.25 mV",
            "st3-limit-low -0.25 mV",
            "st3-limit-setting 2.00 ",
            "pvc-limit-high 10.00 /min",
            "pvc-limit-low 0.00 /min",
            "pvc-limit-setting 2.00 ",
        ]
    );
    let measured = "FromOriginator 1.00 PatientData [VitalSigns, Waveform] [] 0 bytes, patient \
                    known: false {}";
    let service = "FromOriginator 1.00 ServiceOffered { about: Receiver, transport: Tcp, port: \
                   515, protocol: \"contec-cms\" } {}";
    let limits = "heart-rate 120/50/2, respiratory-rate 30/8/2, st1 0.25/-0.25/2, \
                  st2 0.25/-0.25/2, st3 0.25/-0.25/2, pvc 10/0/2";
    assert_eq!(
        said(&ecg()),
        [
            measured.to_owned(),
            claim("Sender", "contec_cms_role", "patient-monitor"),
            claim("Receiver", "contec_cms_role", "central-station"),
            service.to_owned(),
            claim("Sender", "alarm_limits", limits),
        ]
    );
}

#[test]
fn flags_tell_what_counts() {
    let kinds = |bytes: &[u8]| {
        said(bytes)
            .iter()
            .find(|line| line.contains("PatientData"))
            .map(|line| line.contains("Waveform"))
    };
    let flat = [127; 896];
    assert_eq!(
        kinds(&ecg_with(&curve(0), [0xff, 0xff], 0)),
        None,
        "leads off"
    );
    assert_eq!(
        kinds(&ecg_with(&flat, [0, 0xff], 0)),
        Some(false),
        "flat line, rate shown"
    );
    let mut zero = ecg_with(&flat, [0, 0], 0);
    (zero[4 + 0x384], zero[4 + 0x386]) = (0, 0);
    assert_eq!(kinds(&zero), None, "all zero is nothing");
    let mut fibrillation = ecg_with(&curve(0), [0, 0xff], 0);
    fibrillation[4 + 0x384] = 0;
    assert_eq!(
        kinds(&fibrillation),
        Some(true),
        "rate zero over a moving curve"
    );
    assert!(samples(&fibrillation).contains(&"heart-rate 0.00 /min".to_owned()));

    let mut bad = ecg();
    bad[4 + 0x387] = 0x01;
    let lines = said(&[cuff(), bad.clone(), bad].concat());
    let broken: Vec<_> = lines
        .iter()
        .filter(|line| line.contains("Malformed"))
        .collect();
    assert_eq!(broken.len(), 1, "once a flow: {lines:?}");
    assert!(broken[0].contains("a flag is neither 00 nor FF"));
    assert_eq!(
        lines
            .iter()
            .filter(|line| line.contains("PatientData"))
            .count(),
        1
    );
}

#[test]
fn saturation() {
    assert_eq!(
        samples(&pleth(&[0x3c; 256])),
        [
            "spo2 97.00 %",
            "pulse-rate 72.00 /min",
            "spo2-limit-high 100.00 %",
            "spo2-limit-low 90.00 %",
            "spo2-limit-setting 2.00 ",
            "pulse-rate-limit-high 120.00 /min",
            "pulse-rate-limit-low 50.00 /min",
            "pulse-rate-limit-setting 2.00 ",
        ]
    );
    let lines = said(&pleth(&[0x3c; 256]));
    assert!(lines[0].contains("[VitalSigns] []"), "{lines:?}");
    let limits = lines.last().expect("limits");
    assert!(
        limits.contains("spo2 90/100/2, pulse-rate 50/120/2"),
        "wire order: {limits}"
    );
    let mut off = pleth(&curve(0));
    off[4 + 0x104..4 + 0x108].fill(0xff);
    assert!(said(&off).iter().all(|line| !line.contains("PatientData")));
    // With zeros behind it, as one of the public stations implies.
    let mut padded = pleth(&curve(0));
    padded[0] = 0x1e;
    padded.extend([0; 8]);
    assert_eq!(said(&padded), said(&pleth(&curve(0))));
    assert!(read(&padded).limits.is_empty());
    *padded.last_mut().expect("padding") = 1;
    let driven = read(&padded);
    assert_eq!(driven.limits.get("contec-cms-padding"), Some(&1));
}

#[test]
fn cuff_pressure_counts_when_its_time_changes() {
    let mut second = cuff();
    second[13] = 0x1b;
    second[15] = 0x82;
    let mut none = cuff();
    none[8..15].fill(0xff);
    let bytes = [none, cuff(), cuff(), second.clone(), second].concat();
    assert_eq!(
        samples(&bytes)
            .iter()
            .filter(|line| !line.contains("limit"))
            .collect::<Vec<_>>(),
        [
            "nibp-sys 121.00 mmHg",
            "nibp-dia 78.00 mmHg",
            "nibp-map 92.00 mmHg",
            "nibp-sys 130.00 mmHg",
            "nibp-dia 78.00 mmHg",
            "nibp-map 92.00 mmHg",
        ]
    );
    let measured: Vec<_> = said(&bytes)
        .into_iter()
        .filter(|line| line.contains("PatientData"))
        .map(|line| line.split_once(" {").expect("attributes").1.to_owned())
        .collect();
    assert_eq!(
        measured,
        [
            r#""measured": "2026-03-14 09:26:53"}"#,
            r#""measured": "2026-03-14 09:27:53"}"#,
        ]
    );
    assert!(said(&bytes).iter().all(|line| !line.contains("Malformed")));
    let limits = "nibp-sys 160/90/2, nibp-dia 90/50/2, nibp-map 110/60/2";
    assert_eq!(
        said(&bytes)
            .iter()
            .filter(|line| line.contains("alarm_limits"))
            .collect::<Vec<_>>(),
        [&claim("Sender", "alarm_limits", limits)]
    );
    assert_eq!(
        samples(&cuff())[3..],
        [
            "nibp-sys-limit-high 160.00 mmHg",
            "nibp-sys-limit-low 90.00 mmHg",
            "nibp-sys-limit-setting 2.00 ",
            "nibp-dia-limit-high 90.00 mmHg",
            "nibp-dia-limit-low 50.00 mmHg",
            "nibp-dia-limit-setting 2.00 ",
            "nibp-map-limit-high 110.00 mmHg",
            "nibp-map-limit-low 60.00 mmHg",
            "nibp-map-limit-setting 2.00 ",
        ]
    );
}

#[test]
fn temperature() {
    assert_eq!(
        samples(&temperatures()),
        [
            "t1 36.50 Cel",
            "t2 37.00 Cel",
            "td 0.50 Cel",
            "t1-limit-high 39.00 Cel",
            "t1-limit-low 36.00 Cel",
            "t1-limit-setting 2.00 ",
            "t2-limit-high 39.00 Cel",
            "t2-limit-low 36.00 Cel",
            "t2-limit-setting 2.00 ",
            "td-limit-high 2.00 Cel",
            "td-limit-low 0.00 Cel",
            "td-limit-setting 2.00 ",
        ]
    );
    let mut detached = temperatures();
    for at in [8, 12, 16] {
        detached[at..at + 4].copy_from_slice(&(-1000.0_f32).to_le_bytes());
    }
    assert!(
        said(&detached)
            .iter()
            .all(|line| !line.contains("PatientData"))
    );
    assert!(samples(&detached).iter().all(|line| line.contains("limit")));
    let mut broken = temperatures();
    broken[8..12].copy_from_slice(&f32::NAN.to_le_bytes());
    let lines = said(&[cuff(), broken].concat());
    assert!(
        lines
            .iter()
            .any(|line| line.contains("a temperature is not a number"))
    );
}

#[test]
fn technical_messages() {
    assert_eq!(
        said(&sensor_off()),
        [r#"FromOriginator 1.00 Alarm { text: "SPO2 SENSOR OFF" } {"code": "3"}"#]
    );
    let terminated = block(0x49, b"\x04T1 OFF\0\0");
    assert_eq!(
        said(&terminated),
        [r#"FromOriginator 1.00 Alarm { text: "T1 OFF" } {"code": "4"}"#]
    );
}

#[test]
fn breaks_of_the_format_are_said_once() {
    for (what, bad) in [
        (
            "bed announcement is not 00 00 bed FF",
            block(0x45, &[0, 0, 9, 0]),
        ),
        ("block without data has data", block(0x47, &[1])),
        (
            "telemetry sub-type is not 00 00 ST 00",
            block(0x46, &[0, 0, 0x17, 1]),
        ),
        (
            "block shorter than its layout",
            block(0x46, &temperatures()[4..20]),
        ),
        (
            "technical message holds control characters",
            block(0x49, b"\x01a\x07b"),
        ),
    ] {
        let lines = said(&[cuff(), bad.clone(), bad, temperatures()].concat());
        let broken = lines.iter().filter(|line| line.contains(what)).count();
        assert_eq!(broken, 1, "{what}: {lines:?}");
        assert!(
            lines.iter().all(|line| !line.contains(r#"value: "9""#)),
            "{what}"
        );
    }
    let mut reserved = patient();
    reserved[4 + 0x70] = 1;
    let lines = said(&[cuff(), reserved].concat());
    assert!(
        lines
            .iter()
            .any(|line| line.contains("reserved octets are not zero"))
    );
    assert!(
        lines.iter().any(|line| line.contains("TEST^PATIENT")),
        "still patient data"
    );
}

/// A monitor without a patient tells who it is and nothing of anybody.
#[test]
fn idle_monitor() {
    let mut nobody = patient();
    nobody[4 + 0x23..].fill(0);
    let mut off = pleth(&[0; 256]);
    off[4 + 0x104..4 + 0x108].fill(0xff);
    let mut no_cuff = cuff();
    no_cuff[8..21].fill(0);
    let mut cold = temperatures();
    for at in [8, 12, 16] {
        cold[at..at + 4].copy_from_slice(&(-1000.0_f32).to_le_bytes());
    }
    let idle = ecg_with(&[127; 896], [0xff, 0xff], 0);
    let lines = said(&[bed_7(), nobody, idle, off, no_cuff, cold, cycle_end()].concat());
    assert!(
        lines.iter().all(|line| !line.contains("PatientData")),
        "{lines:?}"
    );
    assert!(lines.iter().any(|line| line.contains("patient-monitor")));
    assert!(
        lines.iter().all(|line| !line.contains("Malformed")),
        "{lines:?}"
    );
}

#[test]
fn unknown_blocks_are_counted() {
    let driven = read(&stream());
    assert_eq!(driven.limits.get("contec-cms-unknown-block"), Some(&2));
    assert!(!driven.limits.contains_key("contec-cms-border-lost"));
}
