//! Captures made by an encoder that shares nothing with this crate, and captures without the
//! stream, which must not match.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::*;

/// A flow's direction: link addresses, then sender's and receiver's address and port.
type Way = ([u8; 12], [u8; 6], [u8; 6]);

/// Payload of each direction from its first segment on. For captures in order: a segment that
/// does not follow is left out.
fn streams(file: &str) -> Option<BTreeMap<Way, Vec<u8>>> {
    let path = PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/cases"
    ))
    .join(file);
    let Ok(bytes) = std::fs::read(&path) else {
        eprintln!("SKIPPED: {} is absent", path.display());
        return None;
    };
    let mut streams = BTreeMap::new();
    let mut at = 24;
    while let Some(header) = bytes.get(at..at + 16) {
        let length = u32::from_le_bytes(header[8..12].try_into().expect("four")) as usize;
        add_segment(&bytes[at + 16..at + 16 + length], &mut streams);
        at += 16 + length;
    }
    let payloads = streams.into_iter().map(|(way, (_, bytes))| (way, bytes));
    Some(payloads.collect())
}

fn add_segment(frame: &[u8], streams: &mut BTreeMap<Way, (u32, Vec<u8>)>) {
    let mut at = 12;
    while frame.get(at..at + 2) == Some(&[0x81, 0x00]) {
        at += 4;
    }
    let Some(ip) = frame.get(at + 2..) else {
        return;
    };
    if frame.get(at..at + 2) != Some(&[0x08, 0x00]) || ip.len() < 40 || ip[9] != 6 {
        return;
    }
    let total = usize::from(u16::from_be_bytes([ip[2], ip[3]])).min(ip.len());
    let tcp = &ip[usize::from(ip[0] & 15) * 4..total];
    let side = |address: &[u8], port: &[u8]| -> [u8; 6] {
        [address, port].concat().try_into().expect("six")
    };
    let way = (
        frame[..12].try_into().expect("twelve"),
        side(&ip[12..16], &tcp[0..2]),
        side(&ip[16..20], &tcp[2..4]),
    );
    let sequence = u32::from_be_bytes(tcp[4..8].try_into().expect("four"));
    let payload = &tcp[usize::from(tcp[12] >> 4) * 4..];
    if payload.is_empty() {
        return;
    }
    let (next, bytes) = streams.entry(way).or_insert((sequence, Vec::new()));
    if *next == sequence {
        bytes.extend(payload);
        *next = sequence.wrapping_add(payload.len() as u32);
    }
}

/// Counts beside the file are of its blocks, taken with tshark and a walk over the framing.
#[test]
fn reads_streams_of_another_encoder() {
    for (file, beds, cycles, temperatures) in [
        ("c01_leak_through_gateway.pcap", &["7"][..], 12, 3),
        ("c02_station_on_link.pcap", &["7"], 12, 3),
        ("c09_relabelled_custom_server.pcap", &["2"], 12, 3),
        ("c31_two_segments_same_addresses.pcap", &["10", "20"], 12, 3),
        ("c40_station_present_advice.pcap", &["2"], 30, 6),
    ] {
        let Some(streams) = streams(file) else {
            continue;
        };
        let found: Vec<_> = streams
            .iter()
            .filter(|((_, _, receiver), _)| receiver[4..] == [2, 3])
            .collect();
        assert_eq!(found.len(), beds.len(), "{file}");
        for (way, bytes) in found {
            let what = format!("{file} {way:?}");
            assert_eq!(probe_one(bytes, true), Probe::Certain, "{what}");
            assert_eq!(probe_one(&bytes[300..], false), Probe::Certain, "{what}");
            let driven = read(bytes);
            let lines = without_places(&driven.said);
            assert!(driven.limits.is_empty(), "{what} {:?}", driven.limits);
            let count = |start: &str| {
                let samples = driven.samples.iter();
                samples.filter(|line| line.starts_with(start)).count()
            };
            for wave in ["ecg1 [", "ecg2 [", "ecg3 [", "resp [", "pleth ["] {
                assert_eq!(count(wave), cycles, "{what} {wave}");
            }
            assert_eq!(count("t1 3"), temperatures, "{what}");
            let claimed = |bed: &&&str| {
                let claim = format!(r#"attribute: "bed", value: "{bed}""#);
                lines.iter().filter(|line| line.contains(&claim)).count() == 2
            };
            assert_eq!(beds.iter().filter(claimed).count(), 1, "{what}");
            assert!(
                lines.iter().any(|line| line.contains(
                    "PatientData [Name, PatientNumber, BirthDate, AdmissionDate, Demographics, \
                     Clinician, Location] [\"TESTINA EXEMPLARIA\", \"INV-000417\", \"Dr. Test\", \
                     \"1961-04-09\", \"19610409\", \"2025-11-20\", \"20251120\"]"
                )),
                "{what}: {lines:#?}"
            );
            let waves = lines
                .iter()
                .filter(|line| line.contains("[VitalSigns, Waveform]"));
            assert_eq!(waves.count(), 2 * cycles, "{what}");
            assert!(
                lines.iter().all(|line| !line.contains("Malformed")),
                "{what}"
            );
        }
    }
}

/// Streams sent over real TCP connections, recorded with frames above the MTU.
#[test]
fn reads_streams_of_real_connections() {
    let Some(streams) = streams("monitor-onlink.pcap") else {
        return;
    };
    let mut found = Vec::new();
    for ((_, _, receiver), bytes) in &streams {
        if receiver[4..] != [2, 3] {
            assert_ne!(probe_one(bytes, false), Probe::Certain);
            continue;
        }
        assert_eq!(probe_one(bytes, true), Probe::Certain);
        let driven = read(bytes);
        assert!(driven.limits.is_empty(), "{:?}", driven.limits);
        let count = |start: &str| {
            let samples = driven.samples.iter();
            samples.filter(|line| line.starts_with(start)).count()
        };
        let lines = without_places(&driven.said).concat();
        let patient = ["AUSGEDACHTA", "ERSONNENUS"]
            .into_iter()
            .find(|name| lines.contains(name));
        found.push((count("ecg1 ["), count("pleth ["), count("t1 3"), patient));
    }
    found.sort();
    // Blocks counted with tshark and a walk over the framing.
    let expected = [
        (50, 50, 10, Some("AUSGEDACHTA")),
        (120, 120, 24, Some("ERSONNENUS")),
    ];
    assert_eq!(found, expected);
}

#[test]
fn other_traffic_does_not_match() {
    for file in [
        "c08_print_job_on_515.pcap",
        "c11_hl7_inside.pcap",
        "c22_cleartext_logins.pcap",
        "c27_benign_office.pcap",
        "imaging.pcap",
        "it-noise.pcap",
    ] {
        let Some(found) = streams(file) else { continue };
        assert!(!found.is_empty(), "{file}");
        for ((_, from, _), bytes) in found {
            if bytes.len() >= 4 {
                assert_eq!(probe_one(&bytes, true), Probe::No, "{file} {from:?}");
            }
            assert_ne!(probe_one(&bytes, false), Probe::Certain, "{file} {from:?}");
        }
    }
}
