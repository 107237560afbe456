//! FHIR: an invented patient, what is no patient, and laws.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;
use crate::cuts::{self, Talk, pieces};
use crate::drive::{drive, without_places};
use crate::http::Http;
use crate::{Said, Start};

const CLIENT: Direction = Direction::FromOriginator;
const SERVER: Direction = Direction::FromResponder;
const START: Start = Start {
    transport: auscult_model::Transport::Tcp,
    from_start: true,
    ports: [50_002, 8080],
};

/// Invented, as all are here.
const PATIENT: &str = r#"{"resourceType":"Patient","id":"p-17",
    "text":{"status":"generated","div":"<div>Testfall, Erika</div>"},
    "identifier":[{"system":"urn:oid:1.2.3","value":"MRN-4711"}],
    "name":[{"use":"official","family":"Testfall","given":["Erika","M\u00fcnze"]}],
    "telecom":[{"system":"phone","value":"+49 30 1234567"}],"gender":"female",
    "birthDate":"1961-02-03","address":[{"line":["Probeweg 1"],"city":"Musterstadt"}],
    "contact":[{"name":{"family":"Beistand"}}],
    "generalPractitioner":[{"display":"Dr. Probe"}]}"#;
const PULSE: &str = r#"{"resourceType":"Observation","status":"final","code":{"coding":[
    {"system":"http://loinc.org","code":"8867-4","display":"Heart rate"}],"text":"pulse"},
    "subject":{"reference":"http://fhir.example/r4/Patient/p-17/_history/2",
    "display":"Erika Testfall"},"valueQuantity":{"value":88.5,"unit":"/min"}}"#;

fn answer(kind: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

const ASKED: &[u8] = b"GET /r4/metadata HTTP/1.1\r\n\r\n";

fn said(talk: &Talk<'_>) -> Vec<Said> {
    drive(&Http, &START, &pieces(talk)).said
}

/// Kinds, digest, the marked bytes and the values to mask, of each statement.
type Told = (Vec<PhiKind>, Option<u64>, Vec<String>, Vec<String>);

fn patients(said: Vec<Said>, packet: &[u8]) -> Vec<Told> {
    said.into_iter()
        .filter_map(|said| match said.meaning {
            Meaning::PatientData {
                kinds,
                patient,
                ranges,
                values,
            } => {
                let marked = ranges.iter().map(|range| {
                    let bytes = range.bytes.start as usize - 54..range.bytes.end as usize - 54;
                    packet[bytes].escape_ascii().to_string()
                });
                Some((kinds, patient, marked.collect(), values))
            }
            _ => None,
        })
        .collect()
}

#[test]
fn a_patient_and_what_was_measured_on_him() {
    use PhiKind::*;
    let packet = answer("application/fhir+json", PATIENT.as_bytes());
    let told = patients(said(&[(CLIENT, ASKED), (SERVER, &packet[..])]), &packet);
    let [(kinds, Some(_), marked, values)] = &told[..] else {
        panic!("{told:?}");
    };
    assert_eq!(
        kinds,
        &[
            Name,
            PatientNumber,
            BirthDate,
            PostalAddress,
            Contact,
            Relative,
            Demographics,
            Clinician
        ]
    );
    assert_eq!(
        marked,
        &[
            "p-17",
            "<div>Testfall, Erika</div>",
            "MRN-4711",
            "Testfall",
            "Erika",
            r"M\\u00fcnze",
            "+49 30 1234567",
            "female",
            "1961-02-03",
            "Probeweg 1",
            "Musterstadt",
            "Beistand",
            "Dr. Probe"
        ]
    );
    for value in [
        "MRN-4711",
        "Testfall",
        "Erika",
        "Münze",
        "1961-02-03",
        "Beistand",
    ] {
        assert!(
            values.iter().any(|known| known == value),
            "{value} in {values:?}"
        );
    }

    let bundle = format!(
        r#"{{"resourceType":"Bundle","type":"searchset","entry":[{{"resource":{PATIENT}}},
        {{"resource":{PULSE}}}]}}"#
    );
    let packet = answer("application/json;charset=utf-8", bundle.as_bytes());
    let told = patients(said(&[(CLIENT, ASKED), (SERVER, &packet[..])]), &packet);
    let [patient, (kinds, whose, marked, _)] = &told[..] else {
        panic!("{told:?}");
    };
    assert_eq!(*whose, patient.1, "one patient by his local name");
    assert_eq!(kinds, &[Name, PatientNumber, ClinicalData, VitalSigns]);
    assert!(marked.contains(&"88.5".to_owned()), "{marked:?}");
    assert!(!marked.contains(&"final".to_owned()));
}

#[test]
fn behind_gzip_the_same_without_places() {
    let mut coder = GzEncoder::new(Vec::new(), Compression::default());
    coder.write_all(PATIENT.as_bytes()).unwrap();
    let coded = coder.finish().unwrap();
    let kind = "application/fhir+json\r\nContent-Encoding: gzip";
    let packet = answer(kind, &coded);
    let told = patients(said(&[(CLIENT, ASKED), (SERVER, &packet[..])]), &packet);
    let [(kinds, Some(_), marked, values)] = &told[..] else {
        panic!("{told:?}");
    };
    assert!(kinds.contains(&PhiKind::BirthDate) && marked.is_empty());
    assert!(values.contains(&"MRN-4711".to_owned()));
}

#[test]
fn a_server_says_what_it_runs() {
    let body = br#"{"resourceType":"CapabilityStatement","status":"active","fhirVersion":
        "4.0.1","software":{"name":"Beispiel FHIR","version":"6.2"},"contact":[{"name":"a"}]}"#;
    let packet = answer("application/fhir+json", body);
    let lines = without_places(&said(&[(CLIENT, ASKED), (SERVER, &packet[..])]));
    let text = lines.join("\n");
    assert!(
        text.contains("fhir_software\", value: \"Beispiel FHIR 6.2"),
        "{text}"
    );
    assert!(
        text.contains("ServiceOffered") && text.contains("\"fhir\""),
        "{text}"
    );
    assert!(!text.contains("PatientData"), "{text}");
}

#[test]
fn near_miss_resources_about_no_patient_and_other_json() {
    let of_device = PULSE.replace("Patient/p-17/_history/2", "Device/9");
    for body in [
        of_device.as_str(),
        r#"{"resourceType":"ValueSet","name":"x","description":"list of names"}"#,
        r#"{"name":[{"family":"Testfall"}],"birthDate":"1961-02-03"}"#,
        r#"{"resourceType":"Patient"}"#,
        r#"{"resourceType":"Practitioner","name":[{"family":"Probe"}]}"#,
    ] {
        let packet = answer("application/fhir+json", body.as_bytes());
        let talk = [(CLIENT, ASKED), (SERVER, packet.as_slice())];
        let told = patients(said(&talk), &packet);
        assert!(told.is_empty(), "{body}: {told:?}");
    }
}

#[test]
fn what_breaks_off_tells_what_was_read() {
    let half = PATIENT.split_at(PATIENT.find("\"birthDate").unwrap()).0;
    let broken = format!("{half} <html>");
    for body in [half, &broken] {
        let mut packet = answer("application/fhir+json", PATIENT.as_bytes());
        packet.truncate(packet.len() - PATIENT.len());
        packet.extend(body.bytes());
        let told = patients(said(&[(CLIENT, ASKED), (SERVER, &packet[..])]), &packet);
        assert_eq!(told.len(), 1);
        assert!(!told[0].0.contains(&PhiKind::BirthDate));
    }
}

#[test]
fn cuts_and_chunks_change_nothing() {
    let whole = answer("application/fhir+json", PATIENT.as_bytes());
    let talk = [(CLIENT, ASKED), (SERVER, &whole[..])];
    cuts::change_nothing_in_talk(&talk, |talk| without_places(&said(talk)));
    let mut chunked = b"HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\n\
          Transfer-Encoding: chunked\r\n\r\n"
        .to_vec();
    for piece in PATIENT.as_bytes().chunks(300) {
        chunked.extend(format!("{:x}\r\n", piece.len()).bytes());
        chunked.extend(piece);
        chunked.extend(b"\r\n");
    }
    chunked.extend(b"0\r\n\r\n");
    let lines = |packet: &[u8]| {
        let said = said(&[(CLIENT, ASKED), (SERVER, packet)]);
        without_places(&said)
    };
    assert_eq!(lines(&chunked), lines(&whole));
}

#[test]
fn who_is_asked_for_is_the_patient_of_the_answer() {
    let asked = b"GET  /r4/Patient/p-17?_pretty=true HTTP/1.1\r\n\r\n";
    let packet = answer("application/fhir+json", PATIENT.as_bytes());
    let said = said(&[(CLIENT, asked), (SERVER, &packet[..])]);
    let about: Vec<_> = said
        .iter()
        .filter_map(|said| match &said.meaning {
            Meaning::PatientData {
                patient, ranges, ..
            } => Some((said.direction, *patient, ranges[0].bytes.clone())),
            _ => None,
        })
        .collect();
    let [(CLIENT, asked_for, bytes), (SERVER, answered, _)] = &about[..] else {
        panic!("{about:?}");
    };
    assert_eq!(asked_for, answered);
    let bytes = bytes.start as usize - 54..bytes.end as usize - 54;
    assert_eq!(&asked[bytes], b"p-17");
}

/// Bytes of the packet that neither a range nor a note covers: what evidence would show.
fn shown(packet: &[u8]) -> String {
    let driven = drive(&Http, &START, &pieces(&[(CLIENT, ASKED), (SERVER, packet)]));
    let mut shown = packet.to_vec();
    let ranges = driven.said.iter().flat_map(|said| match &said.meaning {
        Meaning::PatientData { ranges, .. } => ranges.clone(),
        _ => Vec::new(),
    });
    let noted = driven
        .unread
        .iter()
        .filter(|unread| unread.packet.number == 2);
    for bytes in ranges
        .filter(|range| range.packet.number == 2)
        .map(|range| range.bytes)
        .chain(noted.map(|unread| unread.bytes.clone()))
    {
        let end = (bytes.end as usize - 54).min(shown.len());
        shown[bytes.start as usize - 54..end].fill(b'~');
    }
    shown.escape_ascii().to_string()
}

#[test]
fn what_no_rule_knows_is_not_shown() {
    let late =
        r#"{"birthDate":"1961-02-03","name":[{"family":"Testfall"}],"resourceType":"Patient"}"#;
    let foreign = PULSE.replace(
        "http://fhir.example/r4/Patient/p-17/_history/2",
        "urn:uuid:0c31",
    );
    let broken = r#"{"resourceType":"Patient","id":"p-17", NaN, "name":[{"family":"Testfall"}]}"#;
    let twice =
        r#"{"resourceType":"Patient","resourceType":"Basic","name":[{"family":"Testfall"}]}"#;
    let other =
        r#"{"resourceType":"OperationOutcome","issue":[{"diagnostics":"Testfall is there"}]}"#;
    for body in [late, &foreign, broken, twice, other] {
        let packet = answer("application/fhir+json", body.as_bytes());
        let shown = shown(&packet);
        assert!(
            !shown.contains("Testfall") && !shown.contains("1961"),
            "{shown}"
        );
        assert!(shown.contains("resourceType") || body == broken, "{shown}");
    }
    let half = PATIENT.split_at(PATIENT.find(", Erika").unwrap()).0;
    let mut packet = answer("application/fhir+json", PATIENT.as_bytes());
    packet.truncate(packet.len() - PATIENT.len());
    packet.extend(half.bytes());
    assert!(!shown(&packet).contains("Testfall"));
}

#[test]
fn a_type_that_comes_last_tells_of_what_came_before() {
    let sorted = r#"{"birthDate":"1961-02-03","id":"p-17","name":[{"family":"Testfall"}],
        "resourceType":"Patient","telecom":[{"value":"+49 30 1234567"}]}"#;
    let bundle = format!(
        r#"{{"resourceType":"Bundle","entry":[{{"fullUrl":"urn:uuid:1","resource":{sorted}}},
        {{"resource":{sorted}}}]}}"#
    );
    for (body, count) in [(sorted, 1), (&bundle, 2)] {
        let packet = answer("application/fhir+json", body.as_bytes());
        let told = patients(said(&[(CLIENT, ASKED), (SERVER, &packet[..])]), &packet);
        assert_eq!(told.len(), count);
        for (kinds, _, marked, values) in told {
            assert!(kinds.contains(&PhiKind::Name) && kinds.contains(&PhiKind::BirthDate));
            assert!(kinds.contains(&PhiKind::Contact) && marked.contains(&"Testfall".to_owned()));
            assert!(values.contains(&"1961-02-03".to_owned()));
        }
        let talk = [(CLIENT, ASKED), (SERVER, &packet[..])];
        cuts::change_nothing_in_talk(&talk, |talk| without_places(&said(talk)));
    }
}

#[test]
fn a_subject_of_another_server_is_somebody() {
    for subject in [
        "urn:uuid:0c31",
        "Patient?identifier=http://h/mrn|MRN-4711",
        "#p1",
    ] {
        let body = PULSE.replace("http://fhir.example/r4/Patient/p-17/_history/2", subject);
        let packet = answer("application/fhir+json", body.as_bytes());
        let told = patients(said(&[(CLIENT, ASKED), (SERVER, &packet[..])]), &packet);
        assert_eq!(told.len(), 1, "{subject}");
        assert!(told[0].0.contains(&PhiKind::VitalSigns));
    }
}

#[test]
fn a_type_said_again_and_again_is_one_resource() {
    let body = format!(
        "{{{}\"id\":\"p-1\"}}",
        "\"resourceType\":\"Patient\",".repeat(50_000)
    );
    let packet = answer("application/fhir+json", body.as_bytes());
    let told = patients(said(&[(CLIENT, ASKED), (SERVER, &packet[..])]), &packet);
    assert_eq!(told.len(), 1);
}

#[test]
fn of_a_compressed_body_so_much_is_read_and_no_more() {
    let mut body = PATIENT.trim_end_matches('}').to_owned() + ",\"x\":[";
    let mut number = 1u32;
    while body.len() < 17 << 20 {
        number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        body += &format!("\"{number}{number}{number}\",");
    }
    let mut coder = GzEncoder::new(Vec::new(), Compression::fast());
    coder.write_all(body.as_bytes()).unwrap();
    let coded = coder.finish().unwrap();
    let kind = "application/fhir+json\r\nContent-Encoding: gzip";
    let packet = answer(kind, &coded);
    let driven = drive(
        &Http,
        &START,
        &pieces(&[(CLIENT, ASKED), (SERVER, &packet)]),
    );
    assert_eq!(driven.limits.get("http-records-expansion"), Some(&1));
    assert_eq!(patients(driven.said, &packet).len(), 1);
}
