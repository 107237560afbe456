//! Worked examples, framing variants, character sets, device identity, acknowledgements.
//!
//! All patients are invented.

mod captures;
mod laws;

use auscult_model::PhiKind;

use super::*;
use crate::Said;
use crate::cuts;
use crate::drive::{Driven, Piece, drive, without_places};

use Direction::{FromOriginator as Client, FromResponder as Server};

const EXAMPLE: &[u8] = b"\x0bMSH|^~\\&|ACME^0012210000000001^EUI-64|WARD1|GW|HOSP|\
20250130120000+0000||ORU^R01^ORU_R01|42|P|2.6|||NE|AL|||||\
IHE_PCD_001^IHE PCD^1.3.6.1.4.1.19376.1.6.1.1.1^ISO\r\
PID|||T0001^^^HOSP^MR||TEST^PATIENT||19550312\rPV1||I|ICU^R1^B12\r\
OBR|1|||69965^MDC_DEV_MON_PHYSIO_MULTI_PARAM_MDS^MDC|||20250130120000+0000\r\
OBX|1||69965^MDC_DEV_MON_PHYSIO_MULTI_PARAM_MDS^MDC|1.0.0.0|||||||X|||||||\
0012210000000001^^0012210000000001^EUI-64\r\
OBX|2|ST|531969^MDC_ID_MODEL_NUMBER^MDC|1.0.0.1|M9||||||F\r\
OBX|3|NM|147842^MDC_ECG_HEART_RATE^MDC|1.1.1.1|80|264864^MDC_DIM_BEAT_PER_MIN^MDC|||||F\r\
OBX|4|NM|150456^MDC_PULS_OXIM_SAT_O2^MDC|1.2.1.1|97|262688^MDC_DIM_PERCENT^MDC|||||F\r\x1c\r";

const ACK: &[u8] = b"\x0bMSH|^~\\&|GW|HOSP|ACME|WARD1|20250130120001||ACK^R01^ACK|43|P|2.6\r\
MSA|AA|42\r\x1c\r";

fn start(from_start: bool) -> Start {
    Start {
        transport: Transport::Tcp,
        from_start,
        ports: [40_000, 2575],
    }
}

fn run(pieces: &[Piece<'_>]) -> Driven {
    drive(&Hl7, &start(true), pieces)
}

fn one(bytes: &[u8]) -> Driven {
    run(&[Piece::Bytes(Client, bytes)])
}

fn claims(said: &[Said], wanted: &str) -> Vec<(About, String)> {
    let claim = |said: &Said| match &said.meaning {
        Meaning::Claim {
            about,
            attribute,
            value,
        } if *attribute == wanted => Some((*about, value.clone())),
        _ => None,
    };
    said.iter().filter_map(claim).collect()
}

fn claimed(said: &[Said], wanted: &str) -> Vec<String> {
    claims(said, wanted)
        .into_iter()
        .map(|(_, value)| value)
        .collect()
}

fn requests(said: &[Said]) -> Vec<(String, Option<bool>)> {
    let request = |said: &Said| match &said.meaning {
        Meaning::Request {
            object, granted, ..
        } => Some((object.clone(), *granted)),
        _ => None,
    };
    said.iter().filter_map(request).collect()
}

fn malformed(said: &[Said]) -> Vec<&'static str> {
    let what = |said: &Said| match said.meaning {
        Meaning::Malformed { what } => Some(what),
        _ => None,
    };
    said.iter().filter_map(what).collect()
}

/// Kinds, values, and the marked bytes of a message that came in one packet.
fn patient(said: &[Said], bytes: &[u8]) -> (Vec<PhiKind>, Vec<String>, Vec<String>) {
    let mut all = (Vec::new(), Vec::new(), Vec::new());
    for said in said {
        let Meaning::PatientData {
            kinds,
            values,
            ranges,
            ..
        } = &said.meaning
        else {
            continue;
        };
        all.0.extend(kinds.iter().copied());
        all.1.extend(values.iter().cloned());
        for range in ranges {
            let at = range.bytes.start as usize - 54..range.bytes.end as usize - 54;
            all.2.push(String::from_utf8_lossy(&bytes[at]).into_owned());
        }
    }
    all
}

#[test]
fn the_worked_example() {
    let driven = run(&[Piece::Bytes(Client, EXAMPLE), Piece::Bytes(Server, ACK)]);
    let said = &driven.said;
    let mine = |value: &str| (About::Sender, value.to_owned());
    let theirs = |value: &str| (About::Receiver, value.to_owned());
    let applications = [mine("ACME"), theirs("GW"), mine("GW"), theirs("ACME")];
    assert_eq!(claims(said, "hl7_application"), applications);
    assert_eq!(claimed(said, "eui64"), ["0012210000000001"]);
    assert_eq!(claimed(said, "model"), ["M9"]);
    assert_eq!(claimed(said, "unit"), ["ICU"]);
    assert_eq!(claimed(said, "bed"), ["B12"]);
    assert_eq!(requests(said), [("ORU^R01".to_owned(), Some(true))]);
    assert_eq!(driven.samples, ["heart-rate 80.00 /min", "spo2 97.00 %"]);
    let (kinds, values, bytes) = patient(said, EXAMPLE);
    let expected = [
        PhiKind::Name,
        PhiKind::PatientNumber,
        PhiKind::BirthDate,
        PhiKind::Location,
        PhiKind::VitalSigns,
    ];
    assert_eq!(kinds, expected);
    let expected = [
        "T0001",
        "TEST PATIENT",
        "PATIENT TEST",
        "TEST^PATIENT",
        "TEST",
        "PATIENT",
        "1955-03-12",
    ];
    assert_eq!(values[..7], expected);
    assert_eq!(values[7], "19550312");
    assert_eq!(
        bytes,
        [
            "T0001",
            "TEST^PATIENT",
            "19550312",
            "ICU^R1^B12",
            "80",
            "97"
        ]
    );
    assert!(malformed(said).is_empty());
    assert!(claimed(said, "mllp_quirk").is_empty());
}

#[test]
fn every_variant_of_the_framing() {
    let message = |tail: &str| format!("MSH|^~\\&|A|B|C|D|||ADT^A01|1|P|2.3\rPID|1||77\r{tail}");
    let lf = message("").replace('\r', "\n");
    let crlf = message("").replace('\r', "\r\n");
    let cases: [(String, &[&str]); 12] = [
        (format!("\x0b{}", message("\x1c\r")), &[]),
        (format!("\x0b{}", message("\x1c")), &["no-final-cr"]),
        (format!("\x0b{}", message("\x1c\n")), &["ends-fs-lf"]),
        (format!("\x0b{}", message("\x1c\r\n")), &["ends-fs-cr-lf"]),
        (message("\x1c\r"), &["no-frame-start"]),
        (message(""), &["no-frame-start"]),
        (
            format!("\x0b\x1c\r\x0b{}", message("\x1c\r")),
            &["empty-frame"],
        ),
        (format!("\x0b{lf}\x1c\r"), &["lf-segments"]),
        (format!("\x0b{crlf}\x1c\r"), &["cr-lf-segments"]),
        (
            format!("\x0b\u{feff}{}", message("\x1c\r")),
            &["byte-order-mark"],
        ),
        (
            format!("\u{feff}{}", message("")),
            &["byte-order-mark", "no-frame-start"],
        ),
        (
            format!("\x0b{}\x0b{}", message(""), message("\x1c\r")),
            &["no-frame-end"],
        ),
    ];
    for (bytes, quirks) in &cases {
        let said = one(bytes.as_bytes()).said;
        assert_eq!(&claimed(&said, "mllp_quirk"), quirks, "{bytes:?}");
        let messages = bytes.matches("MSH").count();
        assert_eq!(requests(&said).len(), messages, "{bytes:?}");
        assert_eq!(
            patient(&said, bytes.as_bytes()).2,
            vec!["77"; messages],
            "{bytes:?}"
        );
        assert!(malformed(&said).is_empty(), "{bytes:?}");
        assert!(
            said.iter()
                .all(|said| !said.attributes.contains(&("partial", "true".into())))
        );
    }
}

#[test]
fn utf_16_in_both_orders() {
    let narrow = "\x0bMSH|^~\\&|A|B|C|D|||ADT^A01|1|P|2.3||||||UNICODE UTF-16\r\
                  PID|1||77||Müller^张\r\x1c\r";
    let little: Vec<u8> = narrow.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = narrow.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for bytes in [little, big] {
        let driven = one(&bytes);
        assert_eq!(claimed(&driven.said, "mllp_quirk"), ["utf-16"]);
        assert_eq!(claimed(&driven.said, "hl7_application"), ["A", "C"]);
        let (_, values, marked) = patient(&driven.said, &bytes);
        assert!(values.contains(&"Müller 张".to_owned()), "{values:?}");
        assert_eq!(marked.iter().map(String::len).collect::<Vec<_>>().len(), 2);
        cuts::change_nothing(Client, &bytes, &[], run);
        let seen = Seen {
            transport: Transport::Tcp,
            originator: &bytes,
            responder: &[],
            from_start: true,
        };
        assert_eq!(Hl7.probe(&seen), Probe::Certain);
    }
}

#[test]
fn a_character_may_hold_a_delimiter() {
    // 0x81 0x7C is one character of GB 18030; 0x7C is the field separator.
    let mut bytes = b"\x0bMSH|^~\\&|A|B|C|D|||ADT^A01|1|P|2.4||||||GB 18030-2000\r".to_vec();
    bytes.extend_from_slice(b"PID|1||77||\x81\x7c^\xd5\xc5||19550312\r\x1c\r");
    let (kinds, values, _) = patient(&one(&bytes).said, &bytes);
    assert_eq!(
        kinds,
        [PhiKind::Name, PhiKind::PatientNumber, PhiKind::BirthDate]
    );
    assert!(values.contains(&"19550312".to_owned()));
    assert!(values.iter().any(|value| value.contains('张')));
}

#[test]
fn own_delimiters_escapes_and_repeats() {
    let bytes = b"\x0bMSH#!@$%#A#B#C#D###ADT!A01#1#P#2.5\r\
        PID#1##77!!!H!MR@123456789!!!GOV!NI##O$T$BRIEN!ANNE@SMITH!ANNE\r\x1c\r";
    let said = one(bytes).said;
    let (kinds, values, marked) = patient(&said, bytes);
    assert_eq!(
        kinds,
        [
            PhiKind::Name,
            PhiKind::PatientNumber,
            PhiKind::NationalNumber
        ]
    );
    assert_eq!(marked, ["77", "123456789", "O$T$BRIEN!ANNE@SMITH!ANNE"]);
    for value in ["O%BRIEN ANNE", "SMITH", "123456789"] {
        assert!(values.contains(&value.to_owned()), "{value} in {values:?}");
    }
}

#[test]
fn empty_and_deleted_fields_are_not_patient_data() {
    let bytes = b"\x0bMSH|^~\\&|A|B|C|D|||ADT^A01|1|P|2.3\r\
        PID|1||\"\"||^^^||\"\"|U|||^^^ |||||\r\
        PV1|1|O|ICU^1^2||||^^^^^^^^|7^Doctor\r\x1c\r";
    let (kinds, ..) = patient(&one(bytes).said, bytes);
    assert_eq!(kinds, [], "a bed and a physician without a patient");
}

#[test]
fn kin_insurance_orders_and_results() {
    let bytes = b"\x0bMSH|^~\\&|A|B|C|D|||ORU^R01|1|P|2.3\rPID|1||77\r\
        NK1|1|KIN^NEXT|WIFE|1 Street^^Town|(555)1234567\rIN1|1|P||||||||||||||INSURED^X\r\
        DG1|1||I10\rOBR|1|O1|F1|hgb^Hgb\rOBX|1|NM|hgb^Hgb^Local||13.7|g/dl\r\
        OBX|2|TX|note||free text\rNTE|1||a comment\rZPD|1|own field\r\x1c\r";
    let said = one(bytes).said;
    let (kinds, values, marked) = patient(&said, bytes);
    assert_eq!(
        kinds,
        [
            PhiKind::PatientNumber,
            PhiKind::Relative,
            PhiKind::ClinicalData
        ]
    );
    for value in ["KIN NEXT", "1 Street", "(555)1234567", "INSURED"] {
        assert!(values.contains(&value.to_owned()), "{value} in {values:?}");
    }
    for bytes in [
        "I10",
        "O1",
        "F1",
        "hgb^Hgb",
        "13.7",
        "free text",
        "a comment",
        "|1|own field",
    ] {
        assert!(marked.contains(&bytes.to_owned()), "{bytes} in {marked:?}");
    }
    let z = said
        .iter()
        .flat_map(|said| &said.attributes)
        .find(|(name, _)| *name == "z_segments");
    assert_eq!(z.map(|(_, value)| value.as_ref()), Some("ZPD"));
}

#[test]
fn a_gateway_speaks_for_another_device() {
    let own = "ACME^0012210000000001^EUI-64";
    let text = String::from_utf8_lossy(EXAMPLE).replace(own, "GATE^00122100000000FF^EUI-64");
    let said = one(text.as_bytes()).said;
    let model = said.iter().find(|said| {
        matches!(
            &said.meaning,
            Meaning::Claim {
                attribute: "model",
                ..
            }
        )
    });
    let model = model.expect("a model");
    assert!(model.attributes.contains(&("describes", "behind".into())));
    assert!(
        model
            .attributes
            .contains(&("device_instance", "0012210000000001".into()))
    );
    assert!(model.confidence < 0.5);
    assert!(
        claimed(&said, "bed").is_empty(),
        "the bed is the monitor's, not the gateway's"
    );
}

#[test]
fn pump_facts_software_and_participation() {
    let bytes = b"\x0bMSH|^~\\&|A|B|C|D|||ORU^R42|1|P|2.7\rSFT|Maker Inc|1.2|Product|77\r\
        OBX|1|ST|0^MDCX_INFUSER^MDC|1.0.0.0|InfuserType=PLUM_360~Infuser Software=15.11.00.018\r\
        PRT|A|B|C|D|E|F|G|H|I|||||||Pump A+||||SN9\r\x1c\r";
    let said = one(bytes).said;
    assert_eq!(claimed(&said, "model"), ["PLUM_360", "Pump A+"]);
    assert_eq!(claimed(&said, "firmware"), ["15.11.00.018"]);
    assert_eq!(claimed(&said, "software_vendor"), ["Maker Inc"]);
    assert_eq!(claimed(&said, "software_version"), ["1.2"]);
    assert_eq!(claimed(&said, "serial"), ["SN9"]);
}

#[test]
fn alarms_with_their_facets() {
    let bytes = b"\x0bMSH|^~\\&|A|B|C|D|||ORU^R40|1|P|2.6\r\
        OBX|1|CWE|196616^MDC_EVT_ALARM^MDC|1.1.1.1|196670^MDC_EVT_LO^MDC|||PM~SP\r\
        OBX|2|ST|68480^MDC_ATTR_ALERT_SOURCE^MDC|1.1.1.2|SpO2\r\
        OBX|3|ST|68165^MDC_ATTR_EVENT_PHASE^MDC|1.1.1.3|start\r\x1c\r";
    let said = one(bytes).said;
    let alarm = said
        .iter()
        .find(|said| matches!(said.meaning, Meaning::Alarm { .. }));
    let alarm = alarm.expect("an alarm");
    assert_eq!(
        alarm.meaning,
        Meaning::Alarm {
            text: "MDC_EVT_LO".to_owned()
        }
    );
    let expected = [
        ("alarm_priority", "PM"),
        ("alarm_type", "SP"),
        ("alarm_source", "SpO2"),
        ("alarm_phase", "start"),
    ];
    assert_eq!(
        alarm.attributes,
        expected.map(|(name, value)| (name, value.into()))
    );
}

#[test]
fn infusion_orders_change_settings() {
    let order = |kind: &str, profile: &str, receiver: &str| {
        format!(
            "\x0bMSH|^~\\&|BCMA|H|{receiver}|D|||{kind}^O15|42|P|2.6|||||||||{profile}\r\
             PID|1||77\rRXG|1||20250101|DRUG\r\x1c\r"
        )
    };
    let settings = |message: &str, code: &str| {
        let ack = String::from_utf8_lossy(ACK).replace("MSA|AA", &format!("MSA|{code}"));
        let pieces = [
            Piece::Bytes(Client, message.as_bytes()),
            Piece::Bytes(Server, ack.as_bytes()),
        ];
        let said = run(&pieces).said;
        let setting = |said: &Said| match &said.meaning {
            Meaning::SettingChanged { acknowledged, .. } => Some(*acknowledged),
            _ => None,
        };
        said.iter().filter_map(setting).collect::<Vec<_>>()
    };
    assert_eq!(settings(&order("RGV", "", "PUMP"), "AA"), [Some(true)]);
    assert_eq!(settings(&order("RGV", "", "PUMP"), "AE"), [Some(false)]);
    assert_eq!(settings(&order("RGV", "", "PUMP"), "XX"), [None]);
    assert_eq!(
        settings(&order("RDE", "", "PHARMACY"), "AA"),
        [],
        "an order among systems"
    );
    assert_eq!(
        settings(&order("RDE", "IHE_PCD_003", "X"), "CA"),
        [Some(true)]
    );
    assert_eq!(
        settings(&order("OMP", "", "P^0012210000000001^EUI-64"), "CR"),
        [Some(false)]
    );
    assert_eq!(settings(&order("ORU", "", "PUMP"), "AA"), []);
}

#[test]
fn acknowledgements() {
    let message = |id: &str| format!("\x0bMSH|^~\\&|A|B|C|D|||ORU^R01|{id}|P|2.3\r\x1c\r");
    let (first, second) = (message("1"), message("2"));
    let both = [first.as_bytes(), second.as_bytes()].concat();
    let commits = b"\x0b\x06\x1c\r\x0b\x15\x1c\r";
    let said = run(&[Piece::Bytes(Server, &both), Piece::Bytes(Client, commits)]).said;
    let granted = |said: &[Said]| {
        requests(said)
            .into_iter()
            .map(|(_, g)| g)
            .collect::<Vec<_>>()
    };
    assert_eq!(granted(&said), [Some(true), Some(false)]);
    assert_eq!(claimed(&said, "mllp_quirk"), ["commit-ack"]);
    assert_eq!(
        granted(&run(&[Piece::Bytes(Server, &both)]).said),
        [None, None]
    );
    // An acknowledgement from the same side is none.
    let own = String::from_utf8_lossy(ACK).replace("MSA|AA|42", "MSA|AA|1");
    let said = run(&[
        Piece::Bytes(Server, &both),
        Piece::Bytes(Server, own.as_bytes()),
    ])
    .said;
    assert_eq!(granted(&said), [None, None]);
    // Without frames the answer comes before the end of the message can be seen.
    let bare = b"MSH|^~\\&|A|B|C|D|||ORU^R01|1|P|2.3\r";
    let said = run(&[
        Piece::Bytes(Client, bare),
        Piece::Bytes(Server, own.as_bytes()),
    ])
    .said;
    assert_eq!(granted(&said), [Some(true)]);
}

#[test]
fn a_constant_control_id_is_answered_in_order() {
    let beat = b"\x0bMSH|^~\\&|Mindray||||||ORU^R01|106|P|2.3.1\r\x1c\r".repeat(200);
    let driven = one(&beat);
    assert_eq!(requests(&driven.said).len(), 200);
    assert!(driven.limits.is_empty(), "the same id again ends the wait");
    let many: Vec<u8> = (0..200)
        .flat_map(|id| format!("\x0bMSH|^~\\&|A||||||ORU^R01|{id}|P|2.3\r\x1c\r").into_bytes())
        .collect();
    let driven = one(&many);
    assert_eq!(requests(&driven.said).len(), 200);
    assert_eq!(driven.limits.get("hl7-unanswered"), Some(&136));
}

#[test]
fn segments_injected_through_values() {
    let said = |text: &str| malformed(&one(text.as_bytes()).said);
    let msh = "\x0bMSH|^~\\&|A|B|C|D|||ORU^R01|1|P|2.3\r";
    let decoded = "a value decodes to a segment of its own";
    let value = format!("{msh}PID|1||7\\X0D\\OBX\\F\\1\\F\\NM\r\x1c\r");
    assert_eq!(said(&value), [decoded]);
    assert_eq!(
        said(&format!("{msh}PID|1||7\nOBX|1|NM|X\r\x1c\r")),
        [decoded]
    );
    assert_eq!(
        said(&format!("{msh}PID|1||7\\\rOBX|1|NM|X||9\r\x1c\r")),
        ["a segment follows an unfinished escape sequence"]
    );
    let bare = msh.trim_start_matches('\x0b');
    assert_eq!(
        said(&format!("{msh}PID|1||7\r{bare}PID|1||8\r\x1c\r")),
        ["two MSH segments in one frame"]
    );
    let batch = format!("\x0bBHS|^~\\&|A\r{bare}PID|1||7\r{bare}PID|1||8\rBTS|2\r\x1c\r");
    assert_eq!(said(&batch), Vec::<&str>::new(), "a batch may hold many");
    let other = msh.replace('^', "!");
    assert_eq!(
        said(&format!("{msh}\x1c\r{other}\x1c\r")),
        ["delimiters changed within a connection"]
    );
    let innocent = "PID|1||7||O\\T\\X\rOBX|1|TX|n||a\\.br\\b\\X0D\\c\r\x1c\r";
    assert_eq!(said(&format!("{msh}{innocent}")), Vec::<&str>::new());
}

#[test]
fn long_segments_are_opaque_and_marked() {
    let mut bytes = b"\x0bMSH|^~\\&|A|B|C|D|||ORU^R01|1|P|2.3\rPID|1||77\rOBX|1|ED|d||".to_vec();
    bytes.extend(std::iter::repeat_n(b'A', 200_000));
    bytes.extend_from_slice(b"\rOBX|2|NM|x^HR||80\r\x1c\r");
    let driven = one(&bytes);
    assert_eq!(driven.limits.get("hl7-long-segment"), Some(&1));
    assert_eq!(driven.samples, ["heart-rate 80.00 /min"]);
    let ranges = driven.said.iter().find_map(|said| match &said.meaning {
        Meaning::PatientData { ranges, .. } => Some(ranges.clone()),
        _ => None,
    });
    let marked: u32 = ranges
        .unwrap_or_default()
        .iter()
        .map(|r| r.bytes.end - r.bytes.start)
        .sum();
    assert_eq!(marked as usize, 2 + 12 + 200_000 + 2);
    let pieces: Vec<_> = bytes
        .chunks(1460)
        .map(|piece| Piece::Bytes(Client, piece))
        .collect();
    assert_eq!(
        without_places(&run(&pieces).said),
        without_places(&driven.said)
    );
}

#[test]
fn a_message_beyond_the_cap_is_given_up() {
    let mut bytes = b"\x0bMSH|^~\\&|A|B|C|D|||ORU^R01|1|P|2.3\r".to_vec();
    let line = [b"OBX|1|ED|d||".as_slice(), &[b'A'; 60_000], b"\r"].concat();
    while bytes.len() < 17 * 1024 * 1024 {
        bytes.extend_from_slice(&line);
    }
    bytes.extend_from_slice(b"\x1c\r\x0bMSH|^~\\&|A|B|C|D|||ADT^A01|2|P|2.3\r\x1c\r");
    let driven = one(&bytes);
    assert_eq!(driven.limits.get("hl7-long-message"), Some(&1));
    let objects: Vec<_> = requests(&driven.said)
        .into_iter()
        .map(|(object, _)| object)
        .collect();
    assert_eq!(objects, ["ORU^R01", "ADT^A01"]);
}
