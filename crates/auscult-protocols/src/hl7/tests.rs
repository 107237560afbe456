//! Worked examples, framing variants, character sets, laws, and Wireshark's opinion.
//!
//! All patients are invented.

use auscult_model::PhiKind;

use super::*;
use crate::Said;
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
fn cut_anywhere_it_says_the_same() {
    let whole = run(&[Piece::Bytes(Client, EXAMPLE), Piece::Bytes(Server, ACK)]);
    let whole_said = without_places(&whole.said);
    for at in 1..EXAMPLE.len() {
        let (first, second) = EXAMPLE.split_at(at);
        let (ack, rest) = ACK.split_at(at % ACK.len());
        let pieces = [
            Piece::Bytes(Client, first),
            Piece::Bytes(Client, second),
            Piece::Bytes(Server, ack),
            Piece::Bytes(Server, rest),
        ];
        let cut = run(&pieces);
        assert_eq!(without_places(&cut.said), whole_said, "cut at {at}");
        assert_eq!(cut.samples, whole.samples);
    }
    let bytewise: Vec<_> = EXAMPLE
        .chunks(1)
        .map(|byte| Piece::Bytes(Client, byte))
        .collect();
    let alone = without_places(&one(EXAMPLE).said);
    assert_eq!(without_places(&run(&bytewise).said), alone);
}
