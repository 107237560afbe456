//! HL7 v2 messages in bodies and files: what is told of them, and what is none.

use auscult_model::PhiKind;

use super::*;
use crate::cuts::{self, pieces};
use crate::drive::{Driven, Piece, drive, without_places};
use crate::ftp_data::FtpData;
use crate::http::Http;

const CLIENT: Direction = Direction::FromOriginator;
const SERVER: Direction = Direction::FromResponder;
const START: Start = Start {
    transport: Transport::Tcp,
    from_start: true,
    ports: [50_002, 8080],
};

/// Two invented patients in a batch.
const BATCH: &str = "FHS|^~\\&|LAB|H\rBHS|^~\\&|LAB|H\r\
    MSH|^~\\&|LAB|H|KIS|H|20260101||ORU^R01|1|P|2.5\rPID|1||MRN-1^^^H||Testfall^Erika||19610203|F\r\
    OBX|1|NM|718-7^Hemoglobin^LN||13.1|g/dl\r\
    MSH|^~\\&|LAB|H|KIS|H|20260101||ORU^R01|2|P|2.5\rPID|1||MRN-2^^^H||Probe^Otto||19550101|M\r\
    BTS|2\rFTS|1\r";

/// Kinds of patient data, and the bytes that hold them when all came in one packet.
fn patients(driven: &Driven, packet: &[u8]) -> Vec<(Vec<PhiKind>, Vec<String>)> {
    let told = driven.said.iter().filter_map(|said| match &said.meaning {
        Meaning::PatientData { kinds, ranges, .. } => {
            assert_eq!(said.attributes[0].0, "resource");
            let bytes = ranges.iter().map(|range| {
                let bytes = range.bytes.start as usize - 54..range.bytes.end as usize - 54;
                packet[bytes].escape_ascii().to_string()
            });
            Some((kinds.clone(), bytes.collect()))
        }
        _ => None,
    });
    told.collect()
}

fn posted(kind: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let head =
        format!("POST /in HTTP/1.1\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n");
    (head + body).into_bytes()
}

#[test]
fn messages_that_a_web_service_takes() {
    let packet = posted("x-application/hl7-v2+er7", BATCH);
    let driven = drive(&Http, &START, &[Piece::Bytes(CLIENT, &packet)]);
    let told = patients(&driven, &packet);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].0.contains(&PhiKind::Name) && told[0].0.contains(&PhiKind::ClinicalData));
    assert!(told[0].1.contains(&"Testfall^Erika".to_owned()), "{told:?}");
    assert!(told[1].1.contains(&"MRN-2".to_owned()), "{told:?}");
    let lines = without_places(&driven.said).join("\n");
    assert!(
        !lines.contains("hl7_application"),
        "its writer is not its sender: {lines}"
    );
    let talk = [(CLIENT, &packet[..])];
    cuts::change_nothing_in_talk(&talk, |talk| {
        without_places(&drive(&Http, &START, &pieces(talk)).said)
    });
}

#[test]
fn messages_in_a_file_by_ftp() {
    let file = BATCH.replace('\r', "\r\n");
    let sent = |file: &str, step: usize| {
        let pieces: Vec<_> = file.as_bytes().chunks(step).collect();
        let mut pieces: Vec<_> = pieces
            .iter()
            .map(|piece| Piece::Bytes(SERVER, piece))
            .collect();
        pieces.push(Piece::End(SERVER));
        drive(&FtpData, &START, &pieces)
    };
    let driven = sent(&file, file.len());
    let told = patients(&driven, file.as_bytes());
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].1.contains(&"Testfall^Erika".to_owned()), "{told:?}");
    let whole = without_places(&driven.said);
    assert!(whole.iter().any(|line| line.contains("complete: true")));
    for step in [1, 2, 5, 11, 12, 13, 40, 200] {
        assert_eq!(without_places(&sent(&file, step).said), whole, "{step}");
    }
}

#[test]
fn near_miss_texts_that_begin_alike() {
    for body in [
        "MSH is the first segment of a message, as everybody knows who has seen one.",
        "MSHMSHMSHMSHMSHMSH",
        "BHS,FHS,MSH\r\n1,2,3\r\n",
        "\u{b}MSH|^~\\&|LAB|H\rPID|1||1||A^B\r",
        "{\"resource\":\"Patient\"}",
    ] {
        let packet = posted("text/plain", body);
        let driven = drive(&Http, &START, &[Piece::Bytes(CLIENT, &packet)]);
        assert!(patients(&driven, &packet).is_empty(), "{body}");
        let file = drive(&FtpData, &START, &[Piece::Bytes(SERVER, body.as_bytes())]);
        assert!(patients(&file, body.as_bytes()).is_empty(), "{body}");
    }
}

#[test]
fn records_sent_as_a_form_and_words_behind_messages() {
    let packet = posted("application/x-www-form-urlencoded", BATCH);
    let driven = drive(&Http, &START, &[Piece::Bytes(CLIENT, &packet)]);
    assert_eq!(patients(&driven, &packet).len(), 2);
    let packet = posted(
        "text/plain",
        &format!("{BATCH}Dear Dr, Otto Klartext is well\r"),
    );
    let driven = drive(&Http, &START, &[Piece::Bytes(CLIENT, &packet)]);
    let told = patients(&driven, &packet);
    let marked = told.iter().flat_map(|(_, bytes)| bytes);
    assert!(
        marked.into_iter().any(|bytes| bytes.contains("Klartext")),
        "{told:?}"
    );
}

#[test]
fn a_search_that_is_sent_as_a_form() {
    let body = "family=Testfall&birthdate=1961-02-03&_count=5";
    let packet = posted("application/x-www-form-urlencoded", body);
    let packet = String::from_utf8(packet)
        .unwrap()
        .replace("/in ", "/r4/Patient/_search ");
    let driven = drive(&Http, &START, &[Piece::Bytes(CLIENT, packet.as_bytes())]);
    let told = patients(&driven, packet.as_bytes());
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].1, ["Testfall", "1961-02-03"]);
    // A form of any page is no search, and not shown either.
    let packet = posted("application/x-www-form-urlencoded", body);
    let driven = drive(&Http, &START, &[Piece::Bytes(CLIENT, &packet)]);
    assert!(patients(&driven, &packet).is_empty());
    assert_eq!(driven.unread.len(), 3);
}

#[test]
fn addresses_in_fields_are_not_shown_with_their_parameters() {
    let packet = b"GET / HTTP/1.1\r\nReferer: http://h/r4/Patient?family=Testfall\r\n\
        If-None-Exist: identifier=http://h|MRN-1\r\nHost: h\r\n\r\n";
    let driven = drive(&Http, &START, &[Piece::Bytes(CLIENT, packet)]);
    let withheld: Vec<_> = driven
        .unread
        .iter()
        .map(|it| &packet[it.bytes.start as usize - 54..it.bytes.end as usize - 54])
        .collect();
    assert_eq!(
        withheld,
        [&b"?family=Testfall"[..], b"identifier=http://h|MRN-1"]
    );
}
