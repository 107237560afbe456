//! IGMP on other people's captures beside what tshark shows of them, and by hand.

use super::*;
use crate::drive::{Piece, drive, without_places};
use crate::oracle::{self, Agreement};

/// A message with its checksum.
fn summed(mut message: Vec<u8>) -> Vec<u8> {
    let pairs = message.as_chunks::<2>().0.iter();
    let mut sum: u32 = pairs.map(|pair| u32::from(u16::from_be_bytes(*pair))).sum();
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    message[2..4].copy_from_slice(&(!(sum as u16)).to_be_bytes());
    message
}

fn said(messages: &[&[u8]]) -> Vec<String> {
    let start = Start {
        transport: IGMP,
        from_start: true,
        ports: [0, 0],
    };
    let pieces: Vec<_> = messages
        .iter()
        .map(|bytes| Piece::Bytes(Direction::FromOriginator, bytes))
        .collect();
    without_places(&drive(&Igmp, &start, &pieces).said)
}

fn probe(bytes: &[u8]) -> Probe {
    Igmp.probe(&Seen {
        transport: IGMP,
        originator: bytes,
        responder: &[],
        from_start: true,
    })
}

#[test]
fn each_version_says_who_listens_and_who_asks() {
    let report = summed(vec![0x16, 0, 0, 0, 239, 255, 255, 250]);
    let leave = summed(vec![0x17, 0, 0, 0, 239, 255, 255, 250]);
    let lines = said(&[&report, &report, &leave]);
    assert_eq!(lines.len(), 2, "{lines:#?}");
    assert!(lines[0].contains("239.255.255.250") && lines[0].contains("joined"));
    assert!(lines[1].contains("left"));
    let first = summed(vec![0x12, 0, 0, 0, 224, 0, 0, 251]);
    assert!(said(&[&first])[0].contains("224.0.0.251"));
    for (time, rest, version) in [(0, 0, "igmp 1"), (100, 0, "igmp 2"), (100, 4, "igmp 3")] {
        let mut query = vec![0x11, time, 0, 0, 0, 0, 0, 0];
        query.resize(8 + rest, 0);
        let lines = said(&[&summed(query)]);
        assert!(lines[0].contains("multicast_querier") && lines[0].contains(version));
    }
    // All but no sources: joined; only no sources: left; only one source: joined; more words.
    let third = summed(vec![
        0x22, 0, 0, 0, 0, 0, 0, 3, 4, 1, 0, 0, 239, 0, 0, 1, 9, 9, 9, 9, 3, 0, 0, 0, 239, 0, 0, 2,
        1, 0, 0, 1, 239, 0, 0, 3, 10, 0, 0, 1,
    ]);
    let lines = said(&[&third]);
    assert_eq!(lines.len(), 3, "{lines:#?}");
    assert!(
        lines[0].contains("joined") && lines[1].contains("left") && lines[2].contains("joined")
    );
}

#[test]
fn a_report_of_many_groups_is_read_as_far_as_the_bound() {
    let mut message = vec![0x22, 0, 0, 0, 0, 0, 0, 20];
    for group in 0..20 {
        message.extend([2, 0, 0, 0, 239, 1, 0, group]);
    }
    assert_eq!(said(&[&summed(message)]).len(), RECORDS);
}

#[test]
fn near_misses() {
    let report = summed(vec![0x16, 0, 0, 0, 239, 255, 255, 250]);
    assert_eq!(probe(&report), Probe::Certain);
    let with = |at: usize, byte: u8| {
        let mut message = report.clone();
        message[at] = byte;
        message
    };
    assert_eq!(probe(&with(7, 251)), Probe::No, "a wrong checksum");
    assert_eq!(probe(&summed(with(0, 0x13))), Probe::No, "another type");
    assert_eq!(probe(&summed(with(4, 10))), Probe::No, "no group");
    assert_eq!(probe(&report[..7]), Probe::No);
    let short = summed(vec![0x22, 0, 0, 0, 0, 0, 0, 2, 4, 0, 0, 0, 239, 0, 0, 1]);
    assert_eq!(probe(&short), Probe::No, "fewer records than it claims");
}

/// Captures with IGMP of all versions.
const CAPTURES: [&str; 6] = [
    "arkime/igmp.pcap",
    "zeek/igmp__igmp.pcap",
    "zeek/igmp__igmp-many-groups.pcap",
    "zeek/igmp__igmp-many-sources.pcap",
    "iot-sentinel/EdimaxCam1__Setup-A-4-STA.pcap",
    "iot-sentinel/MAXGateway__Setup-C-3-STA.pcap",
];

#[test]
fn fields_agree_with_tshark() {
    let Some(folder) = oracle::shared("captures") else {
        return;
    };
    let fields = [
        "frame.number",
        "igmp.version",
        "igmp.type",
        "igmp.maddr",
        "igmp.record_type",
        "igmp.num_src",
    ];
    let mut agreement = Agreement::default();
    for name in CAPTURES {
        let capture = folder.join(name);
        let frames = oracle::frames(&capture);
        for row in oracle::tshark(&capture, "igmp && !icmp", &fields) {
            let number: usize = row.one("frame.number").parse().expect("a number");
            let (link, wire, frame) = &frames[number - 1];
            let layers = auscult_packet::decode(*link, frame, *wire);
            let bytes = layers.ip_payload.of(frame);
            let place = format!("{name}#{number}");
            let message = Membership::igmp(bytes).unwrap_or_else(|| panic!("{place} is not read"));
            let kinds = row.all("igmp.record_type");
            let sources = row.all("igmp.num_src");
            let theirs: Vec<String> = row
                .all("igmp.maddr")
                .iter()
                .enumerate()
                .filter(|(_, group)| *group != "0.0.0.0")
                .map(|(at, group)| {
                    let joined = match (row.one("igmp.type"), kinds.get(at).map(String::as_str)) {
                        (_, Some("1" | "3")) => sources.get(at).is_some_and(|it| it != "0"),
                        ("0x17", _) => false,
                        _ => true,
                    };
                    format!("{group} {joined}")
                })
                .collect();
            let ours: Vec<String> = message
                .changes()
                .iter()
                .map(|(group, joined)| format!("{group} {joined}"))
                .collect();
            agreement.compare_values(&place, "groups", &theirs, &ours);
            agreement.compare(
                &place,
                &row,
                "igmp.version",
                vec![message.version.to_string()],
            );
            let is_query = vec![message.is_query.to_string()];
            let theirs = vec![(row.one("igmp.type") == "0x11").to_string()];
            agreement.compare_values(&place, "query", &theirs, &is_query);
        }
    }
    agreement.at_least("igmp", 0.99);
}
