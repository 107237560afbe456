//! Other people's captures, beside Wireshark's opinion of them.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use super::*;
use crate::oracle::{captures_with, name_of, shared, tshark};

/// The payloads of a capture's connection to port 6661, with frame numbers. The captures used
/// hold one connection each, in order.
fn payloads(capture: &Path) -> Vec<(u64, Direction, Vec<u8>)> {
    let fields = ["frame.number", "tcp.dstport", "tcp.payload"];
    let rows = tshark(capture, "tcp.len > 0", &fields);
    let payload = |row: &crate::oracle::Row| {
        let direction = if row.one("tcp.dstport") == "6661" {
            Client
        } else {
            Server
        };
        let frame = row.one("frame.number").parse().expect("a number");
        (frame, direction, row.bytes("tcp.payload"))
    };
    rows.iter().map(payload).collect()
}

#[test]
fn agrees_with_wireshark() {
    let (mut pairs, mut equal) = (0_u32, 0_u32);
    let mut captures = captures_with("hl7");
    captures.extend(shared("captures/medical/tapirx__HL7-ADT-UDI-PRT.pcap"));
    captures.extend(shared("cases/c11_hl7_inside.pcap"));
    captures.dedup();
    for capture in captures {
        let mut ours = BTreeMap::new();
        let mut framings = [Framing::new(true), Framing::new(true)];
        let mut waiting: [Vec<u8>; 2] = Default::default();
        let mut segments: [Vec<String>; 2] = Default::default();
        for (frame, direction, payload) in payloads(&capture) {
            let side = direction.index();
            waiting[side].extend(payload);
            let bytes = std::mem::take(&mut waiting[side]);
            let mut at = 0;
            while let Step::To(to, item) = framings[side].step(&bytes, at) {
                at = to;
                match item {
                    Some(Item::Segment(range)) => {
                        let text = String::from_utf8_lossy(&bytes[range]).into_owned();
                        segments[side].push(text);
                    }
                    Some(Item::End) => {
                        ours.insert(frame, std::mem::take(&mut segments[side]));
                    }
                    _ => {}
                }
            }
            waiting[side] = bytes[at..].to_vec();
        }
        let theirs = tshark_hl7(&capture);
        for (frame, segments) in ours {
            let header = segments.first().cloned().unwrap_or_default();
            let of_type = header.split('|').nth(8).unwrap_or_default();
            let mut parts = of_type.split('^').map(str::to_owned);
            let shown = [
                parts.next().into_iter().collect(),
                parts.next().into_iter().collect(),
                segments
                    .iter()
                    .map(|segment| format!("{segment}\\r"))
                    .collect(),
                fields_of(&segments),
            ];
            let row = theirs.get(&frame).cloned().unwrap_or_default();
            for (ours, theirs) in shown.iter().zip(&row) {
                let ours: &Vec<String> = ours;
                if ours.is_empty() && theirs.is_empty() {
                    continue;
                }
                pairs += 1;
                equal += u32::from(ours == theirs);
                if ours != theirs {
                    println!("{} #{frame}: {theirs:?}, here {ours:?}", name_of(&capture));
                }
            }
        }
    }
    println!("hl7: {equal} of {pairs} pairs agree");
    assert!(f64::from(equal) >= 0.99 * f64::from(pairs));
}

/// Type, trigger, segments and fields by frame; Wireshark finds HL7 on a site's own port only
/// when it is told to.
fn tshark_hl7(capture: &Path) -> BTreeMap<u64, [Vec<String>; 4]> {
    let fields = [
        "hl7.message.type",
        "hl7.event.type",
        "hl7.segment",
        "hl7.field",
    ];
    let mut command = Command::new("tshark");
    command.args([
        "-n",
        "-d",
        "tcp.port==6661,hl7",
        "-Y",
        "hl7.message.type",
        "-T",
        "fields",
    ]);
    command.args([
        "-E",
        "occurrence=a",
        "-E",
        "aggregator=\u{1f}",
        "-e",
        "frame.number",
    ]);
    fields.iter().for_each(|field| {
        command.args(["-e", field]);
    });
    let output = command
        .arg("-r")
        .arg(capture)
        .output()
        .expect("tshark ran before");
    let row = |line: &str| {
        let mut cells = line.split('\t');
        let frame = cells.next()?.parse().ok()?;
        let row = [(); 4].map(|()| {
            let cell = cells.next().unwrap_or_default();
            let values = cell.split('\u{1f}').filter(|value| !value.is_empty());
            values.map(str::to_owned).collect()
        });
        Some((frame, row))
    };
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(row)
        .collect()
}

/// Fields that are not empty, as split here.
fn fields_of(segments: &[String]) -> Vec<String> {
    let mut all = Vec::new();
    let mut ranges = Vec::new();
    let header = segments.first().map(String::as_bytes).unwrap_or_default();
    let delimiters = Delimiters::read(header).expect("a header");
    for segment in segments {
        split_fields(segment.as_bytes(), &delimiters, &mut ranges);
        let header = segment.starts_with("MSH");
        let shown = ranges
            .iter()
            .enumerate()
            .filter(|(n, range)| !(range.is_empty() || header && *n == 1));
        all.extend(shown.map(|(_, range)| segment[range.clone()].to_owned()));
    }
    all
}

#[test]
fn invented_patients_of_real_captures() {
    let expected = [
        ("captures/ndpi/hl7.pcap", "MOUSE MICKEY", "ADT^A01"),
        (
            "captures/medical/tapirx__HL7-ORU.pcap",
            "MOUSE MINNIE",
            "ORU^R01",
        ),
        (
            "captures/medical/tapirx__HL7-ORM.pcap",
            "MOUSE MICKEY",
            "ORM^O01",
        ),
        ("cases/c11_hl7_inside.pcap", "EXEMPLARIUS CASUS", "ORU^R01"),
    ];
    for (capture, name, object) in expected {
        let Some(capture) = shared(capture) else {
            continue;
        };
        let payloads = payloads(&capture);
        if payloads.is_empty() {
            continue;
        }
        let pieces: Vec<_> = payloads
            .iter()
            .map(|(_, side, bytes)| Piece::Bytes(*side, bytes))
            .collect();
        let driven = run(&pieces);
        let all = requests(&driven.said);
        assert_eq!(
            all.first(),
            Some(&(object.to_owned(), Some(true))),
            "{capture:?}"
        );
        let named = driven.said.iter().any(|said| match &said.meaning {
            Meaning::PatientData { values, .. } => values.contains(&name.to_owned()),
            _ => false,
        });
        assert!(named, "{capture:?}");
        assert!(malformed(&driven.said).is_empty());
        assert!(claimed(&driven.said, "mllp_quirk").is_empty());
    }
}
