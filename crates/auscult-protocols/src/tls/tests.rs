//! TLS: real captures against tshark and JA4's own results; laws; near misses.

use std::collections::BTreeMap;
use std::path::Path;

use auscult_model::Meaning;
use proptest::prelude::*;

use super::certificate::Certificate;
use auscult_model::hex;

use super::hello::{ClientHello, ServerHello};
use super::*;
use crate::cuts::{self, pieces};
use crate::drive::{Piece, drive, without_places};
use crate::oracle::{self, Agreement};

const CLIENT: Direction = Direction::FromOriginator;
const SERVER: Direction = Direction::FromResponder;
const START: Start = Start {
    transport: Transport::Tcp,
    from_start: true,
    ports: [50_002, 443],
};

fn record(kind: u8, content: &[u8]) -> Vec<u8> {
    let length = (content.len() as u16).to_be_bytes();
    [&[kind, 3, 3], &length[..], content].concat()
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let [_, a, b, c] = (body.len() as u32).to_be_bytes();
    [&[kind, a, b, c], body].concat()
}

fn extension(kind: u16, content: &[u8]) -> Vec<u8> {
    [
        &kind.to_be_bytes()[..],
        &(content.len() as u16).to_be_bytes(),
        content,
    ]
    .concat()
}

fn client_hello() -> Vec<u8> {
    let name = b"Pump7.Example";
    let mut sni = ((name.len() + 3) as u16).to_be_bytes().to_vec();
    sni.push(0);
    sni.extend((name.len() as u16).to_be_bytes());
    sni.extend(name);
    let extensions = [
        extension(0x0a0a, &[]),
        extension(0, &sni),
        extension(16, &[0, 3, 2, b'h', b'2']),
    ]
    .concat();
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.extend([0, 0, 4, 0x1a, 0x1a, 0xc0, 0x2f, 1, 0]);
    body.extend((extensions.len() as u16).to_be_bytes());
    body.extend(extensions);
    message(1, &body)
}

fn server_hello(version: [u8; 2]) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend([9; 32]);
    body.extend([0, 0xc0, 0x2f, 0]);
    let extension = extension(43, &version);
    body.extend((extension.len() as u16).to_be_bytes());
    body.extend(extension);
    message(2, &body)
}

type Owned = Vec<(Direction, Vec<u8>)>;

/// A handshake of TLS 1.2: a message over two records, two messages in one record.
fn talk() -> Owned {
    let hello = client_hello();
    let certificate = message(11, &[0, 0, 3, 0, 0, 0]);
    let answer = [server_hello([3, 3]), certificate, message(14, &[])].concat();
    vec![
        (CLIENT, record(22, &hello[..20])),
        (CLIENT, record(22, &hello[20..])),
        (SERVER, record(22, &answer)),
        (CLIENT, record(20, &[1])),
        (CLIENT, record(22, &[0xaa; 40])),
        (SERVER, record(20, &[1])),
        (SERVER, record(22, &[0xbb; 40])),
        (CLIENT, record(23, &[1; 400])),
        (SERVER, b"never looked at".to_vec()),
    ]
}

fn borrowed(talk: &Owned) -> Vec<(Direction, &[u8])> {
    talk.iter().map(|(d, bytes)| (*d, &bytes[..])).collect()
}

fn lines(talk: &cuts::Talk<'_>) -> Vec<String> {
    without_places(&drive(&Tls, &START, &pieces(talk)).said)
}

#[test]
fn a_handshake_in_words() {
    let said = lines(&borrowed(&talk()));
    let expected = [
        "ja4\", value: \"t12d0102h2_",
        "ja3\", value: \"",
        "0.70 Claim { about: Receiver, attribute: \"server_name\", value: \"pump7.example\" } \
         {\"alpn\": \"h2\"}",
        "FromResponder 1.00 Claim { about: Sender, attribute: \"tls_version\", value: \"TLS 1.2\"",
    ];
    assert_eq!(said.len(), expected.len(), "{said:#?}");
    for (said, expected) in said.iter().zip(expected) {
        assert!(said.contains(expected), "{said}\n{expected}");
    }
}

#[test]
fn cuts_change_nothing_and_gaps_take_away() {
    let talk = talk();
    cuts::change_nothing_in_talk(&borrowed(&talk), lines);
    let whole = drive(&Tls, &START, &pieces(&borrowed(&talk)));
    for lost in 0..talk.len() {
        let mut with_gap = pieces(&borrowed(&talk));
        with_gap[lost] = Piece::Gap(talk[lost].0, None);
        cuts::assert_subset(&drive(&Tls, &START, &with_gap), &whole, "a gap");
    }
    for side in [CLIENT, SERVER] {
        let alone: Vec<_> = borrowed(&talk)
            .into_iter()
            .filter(|(d, _)| *d == side)
            .collect();
        let driven = drive(&Tls, &START, &pieces(&alone));
        assert!(!driven.said.is_empty());
        cuts::assert_subset(&driven, &whole, "one side");
    }
}

#[test]
fn reading_ends_where_encryption_begins() {
    let start = |state: &mut dyn Session, talk: &Owned| {
        let mut driven = Vec::new();
        for (direction, bytes) in talk {
            driven.push(crate::drive::step(state, *direction, bytes));
        }
        driven
    };
    // TLS 1.3: with the server's hello.
    let talk: Owned = vec![
        (CLIENT, record(22, &client_hello())),
        (SERVER, record(22, &server_hello([3, 4]))),
    ];
    let mut session = Tls.start(&START);
    let ends = start(session.as_mut(), &talk);
    assert_eq!(ends.last(), Some(&Progress::Done), "{ends:?}");
    // One side alone: after some records.
    let alone: Owned = std::iter::once((CLIENT, record(22, &client_hello())))
        .chain((0..80).map(|_| (CLIENT, record(23, &[0; 20]))))
        .collect();
    let mut session = Tls.start(&START);
    let ends = start(session.as_mut(), &alone);
    assert!(ends.contains(&Progress::Done), "{ends:?}");
}

#[test]
fn refusals_and_old_hellos() {
    let talk: Owned = vec![
        (CLIENT, record(22, &client_hello())),
        (SERVER, record(21, &[2, 48])),
    ];
    let said = lines(&borrowed(&talk)).join("\n");
    assert!(
        said.contains(
            "FromOriginator 1.00 Request { operation: \"handshake\", object: \"pump7.example\", \
             granted: Some(false) } {\"alert\": \"48\"}"
        ),
        "{said}"
    );
    let mut old = vec![0x80, 9 + 3 + 16, 1, 3, 0, 0, 3, 0, 0, 0, 16, 0, 0, 5];
    old.extend([4; 16]);
    let said = lines(&[(CLIENT, &old)]).join("\n");
    assert!(said.contains("ssl2_hello\", value: \"SSL 3.0"), "{said}");
    assert_eq!(probed(&old, &[], true), Probe::Certain);
}

fn probed(originator: &[u8], responder: &[u8], from_start: bool) -> Probe {
    Tls.probe(&Seen {
        transport: Transport::Tcp,
        originator,
        responder,
        from_start,
    })
}

#[test]
fn the_probe_and_its_near_misses() {
    let good = record(22, &client_hello());
    assert_eq!(probed(&good, &[], true), Probe::Certain);
    for end in 1..11 {
        assert_eq!(probed(&good[..end], &[], true), Probe::Maybe, "{end}");
    }
    for (at, wrong) in [(0, 23), (1, 2), (2, 9), (3, 0xff), (5, 11), (6, 1), (9, 1)] {
        let mut bad = good.clone();
        bad[at] = wrong;
        assert_eq!(probed(&bad, &bad, true), Probe::No, "{at}");
    }
    let inside = [record(23, &[5; 30]), record(23, &[6; 30])].concat();
    assert_eq!(probed(&inside, &[], false), Probe::Certain);
    assert_eq!(probed(&inside[..40], &[], false), Probe::Certain);
    assert_eq!(probed(&inside[..35], &[], false), Probe::Likely);
    let mut bad = inside.clone();
    bad[36] = 2;
    assert_eq!(probed(&bad, &bad, false), Probe::No);
}

proptest! {
    #[test]
    fn damage_is_survived(
        changes in proptest::collection::vec((0usize..200, any::<u8>()), 1..10),
        cut in 1usize..100,
    ) {
        let talk = talk();
        let mut bytes = [&talk[0].1[..], &talk[1].1, &talk[3].1].concat();
        for (at, value) in changes {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = value;
            }
        }
        let whole = drive(&Tls, &START, &[Piece::Bytes(CLIENT, &bytes)]);
        let pieces: Vec<_> = bytes.chunks(cut).map(|piece| Piece::Bytes(CLIENT, piece)).collect();
        prop_assert_eq!(
            without_places(&drive(&Tls, &START, &pieces).said),
            without_places(&whole.said)
        );
    }

    #[test]
    fn any_certificate(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Certificate::read(&bytes);
        let _ = ClientHello::read(&bytes, Carrier::Dtls);
        let _ = ServerHello::read(&bytes);
    }
}

/// What tshark calls what is compared: server names, JA3, JA3S.
const FIELDS: [&str; 3] = [
    "tls.handshake.extensions_server_name",
    "tls.handshake.ja3",
    "tls.handshake.ja3s",
];

/// What sessions say against what tshark shows, in every connection that begins with TLS: inside
/// of other protocols the outer name stays.
/// `cargo nextest run -p auscult-protocols tls_agrees --run-ignored all --no-capture`
#[test]
#[ignore = "asks tshark about many captures"]
fn tls_agrees_with_tshark() {
    let mut agreement = Agreement::default();
    for capture in oracle::captures_with("tls") {
        compare(&capture, &mut agreement);
    }
    agreement.at_least("tls", 0.99);
}

fn compare(capture: &Path, agreement: &mut Agreement) {
    let mut begins: BTreeMap<String, bool> = BTreeMap::new();
    for row in oracle::tshark(capture, "tcp.len > 0", &["tcp.stream", "tcp.payload"]) {
        let first = row.bytes("tcp.payload").first().copied();
        begins
            .entry(row.one("tcp.stream").to_owned())
            .or_insert(matches!(first, Some(21 | 22 | 0x80..)));
    }
    let mut theirs: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut fields = vec!["tcp.stream"];
    fields.extend(FIELDS);
    let filter = "tcp && (tls.handshake.type == 1 || tls.handshake.type == 2)";
    for row in oracle::tshark(capture, filter, &fields) {
        if begins.get(row.one("tcp.stream")) == Some(&true) {
            for field in &FIELDS {
                let values = row
                    .all(field)
                    .iter()
                    .map(|value| value.to_ascii_lowercase());
                theirs.entry(field).or_default().extend(values);
            }
        }
    }
    let mut ours: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for said in oracle::read_streams(&Tls, capture, "tls.handshake") {
        let Meaning::Claim {
            attribute, value, ..
        } = said.meaning
        else {
            continue;
        };
        let mut attributes = said.attributes.into_iter();
        let (field, value) = match attribute {
            "server_name" => (FIELDS[0], value),
            "ja3" => (FIELDS[1], value),
            "tls_version" => match attributes.find(|(name, _)| *name == "ja3s") {
                Some((_, ja3s)) => (FIELDS[2], ja3s.into_owned()),
                None => continue,
            },
            _ => continue,
        };
        ours.entry(field).or_default().push(value);
    }
    for field in &FIELDS {
        let mut here = ours.remove(field).unwrap_or_default();
        let mut missing = theirs.remove(field).unwrap_or_default();
        agreement.pairs += missing.len() as u64;
        missing.retain(|value| match here.iter().position(|known| known == value) {
            Some(at) => {
                here.swap_remove(at);
                agreement.equal += 1;
                false
            }
            None => true,
        });
        agreement.pairs += here.len() as u64;
        if !missing.is_empty() || !here.is_empty() {
            let name = oracle::name_of(capture);
            let line = format!("{name} {field}: tshark alone {missing:?}, here alone {here:?}");
            agreement.wrong.push(line);
        }
    }
}

/// JA4 of every client whose result its authors publish with the capture.
#[test]
fn ja4_as_published() {
    let Some(folder) = oracle::shared("captures/ja4") else {
        return;
    };
    let mut compared = 0;
    for name in ["browsers-x509.pcapng", "tls12.pcap", "badcurveball.pcap"] {
        let results = folder.join("../oracle/ja4").join(format!("{name}.jsonl"));
        let results = std::fs::read_to_string(results).expect("results");
        let said = oracle::read_streams(&Tls, &folder.join(name), "tls.handshake");
        if said.is_empty() {
            return;
        }
        let ours: Vec<_> = said
            .iter()
            .filter_map(|said| match &said.meaning {
                Meaning::Claim {
                    attribute: "ja4",
                    value,
                    ..
                } => Some(value.as_str()),
                _ => None,
            })
            .collect();
        for line in results
            .lines()
            .filter(|line| line.contains("\"JA4.1\": \"t"))
        {
            let value = line
                .split("\"JA4.1\": \"")
                .nth(1)
                .and_then(|rest| rest.split('"').next());
            let value = value.expect("a fingerprint");
            assert!(ours.contains(&value), "{name}: {value} is not in {ours:?}");
            compared += 1;
        }
    }
    assert!(compared >= 5, "{compared}");
    println!("{compared} fingerprints");
}

/// The first certificates of captures, as openssl would show them.
#[test]
fn certificates_of_captures() {
    let Some(folder) = oracle::shared("captures") else {
        return;
    };
    let said = oracle::read_streams(
        &Tls,
        &folder.join("ja4/browsers-x509.pcapng"),
        "tls.handshake",
    );
    let text = without_places(&said).join("\n");
    if text.is_empty() {
        return;
    }
    for word in [
        "certificate_subject\", value: \"",
        "CN=",
        "certificate_key\", value: \"RSA 2048",
    ] {
        assert!(text.contains(word), "{word}: {text}");
    }
    assert_eq!(hex(&[0x0a, 0xff]), "0aff");
}

/// Datagrams of two captures, each of its own flow: what tshark shows of them.
#[test]
fn datagrams_of_captures() {
    let Some(folder) = oracle::shared("captures/ndpi") else {
        return;
    };
    let start = Start {
        transport: Transport::Udp,
        ..START
    };
    let said = |name: &str| {
        let rows = oracle::tshark(&folder.join(name), "dtls", &["udp.payload"]);
        let lines = rows.iter().flat_map(|row| {
            let bytes = row.bytes("udp.payload");
            without_places(&drive(&Dtls, &start, &[Piece::Bytes(CLIENT, &bytes)]).said)
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    for (name, words) in [
        (
            "dtls_certificate.pcapng",
            &[
                "CN=www.update.microsoft.com",
                "330000001cb679b5ba072f73f300000000001c",
                "953c1507994f72697446de4eff6e300b",
            ][..],
        ),
        (
            "dtls.pcap",
            &[
                "bd743610892cec1efed851b2b5efd4f5",
                "b2a6643b6798940d25020cb4abe9e2aa",
            ],
        ),
    ] {
        let said = said(name);
        for word in words {
            assert!(
                said.is_empty() || said.contains(word),
                "{name} {word}: {said}"
            );
        }
    }
}
