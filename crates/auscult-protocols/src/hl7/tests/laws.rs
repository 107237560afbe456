//! Cuts, gaps, streams joined in their middle, probes, any bytes.

use proptest::prelude::*;

use super::*;

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

/// A line without its confidence and its answer.
fn bare_line(line: &str) -> String {
    let line = line.replace("granted: Some(true)", "granted: None");
    line.split(' ')
        .enumerate()
        .filter(|(n, _)| *n != 1)
        .map(|(_, word)| word)
        .collect()
}

#[test]
fn with_a_gap_it_says_less_and_is_less_sure() {
    let bytes = EXAMPLE.repeat(5);
    let whole: Vec<_> = without_places(&one(&bytes).said)
        .iter()
        .map(|l| bare_line(l))
        .collect();
    for at in (1..EXAMPLE.len()).step_by(3) {
        for lost in [1, 7, 40, EXAMPLE.len()] {
            let pieces = [
                Piece::Bytes(Client, &bytes[..at]),
                Piece::Gap(Client, Some(lost as u64)),
                Piece::Bytes(Client, &bytes[at + lost..]),
            ];
            let said = run(&pieces).said;
            for line in without_places(&said) {
                let partial = line.contains("\"partial\": \"true\"");
                assert!(
                    partial || whole.contains(&bare_line(&line)),
                    "{at} {lost}: {line}"
                );
            }
            // Said with every message, unlike claims.
            let patients = said
                .iter()
                .filter(|said| matches!(said.meaning, Meaning::PatientData { .. }));
            let sure: Vec<_> = patients.map(|said| said.confidence).collect();
            assert_eq!(
                sure.last(),
                Some(&1.0),
                "{at} {lost}: trusted again in the end"
            );
            assert_eq!(
                sure.iter().filter(|sure| **sure <= 0.9).count(),
                2,
                "{at} {lost}"
            );
        }
    }
}

#[test]
fn picked_up_in_the_middle() {
    let bytes = EXAMPLE.repeat(2);
    for at in [0, 1, 5, 100, 300] {
        let pieces = [Piece::Bytes(Client, &bytes[at..])];
        let said = drive(&Hl7, &start(false), &pieces).said;
        let expected = if at <= 1 { 2 } else { 1 };
        assert_eq!(requests(&said).len(), expected, "{at}");
        assert!(said.iter().all(|said| said.confidence <= 0.9));
        assert!(malformed(&said).is_empty());
    }
}

fn probe(originator: &[u8], responder: &[u8], from_start: bool) -> Probe {
    Hl7.probe(&Seen {
        transport: Transport::Tcp,
        originator,
        responder,
        from_start,
    })
}

#[test]
fn probes_prefixes() {
    for length in 0..EXAMPLE.len() {
        let expected = if length < 10 {
            Probe::Maybe
        } else {
            Probe::Certain
        };
        assert_eq!(probe(&EXAMPLE[..length], b"", true), expected, "{length}");
        assert_eq!(probe(b"", &EXAMPLE[..length], true), expected, "{length}");
    }
    assert_eq!(probe(&EXAMPLE[1..], b"", true), Probe::Certain);
    assert_eq!(probe(b"\x0b\x1c\r", b"", true), Probe::Likely);
    let http = [b"POST /x HTTP/1.1\r\n\r\n".as_slice(), &EXAMPLE[1..]].concat();
    assert_eq!(probe(&http, b"HTTP/1.1 200 OK\r\n", true), Probe::No);
    assert_ne!(probe(&http, b"", true), Probe::Certain);
    assert_eq!(
        probe(b"<?xml version=\"1.0\"?><MSH>", b"<ACK>", true),
        Probe::No
    );
    assert_eq!(probe(b"MSHA", b"x", true), Probe::No);
    assert_eq!(probe(&EXAMPLE[50..], b"", false), Probe::Maybe);
    assert_eq!(probe(&EXAMPLE.repeat(2)[50..], b"", false), Probe::Certain);
}

proptest! {
    #[test]
    fn random_bytes_are_never_hl7(bytes in proptest::collection::vec(any::<u8>(), 64)) {
        for from_start in [true, false] {
            // An empty frame alone is likely; its record says how often chance makes one.
            prop_assert!(probe(&bytes, &bytes, from_start) < Probe::Certain);
        }
    }

    #[test]
    fn any_bytes_in_any_pieces_say_the_same(
        words in proptest::collection::vec(0..WORDS.len(), 0..40),
        cut in 1_usize..7,
    ) {
        let bytes: Vec<u8> = words.iter().flat_map(|&word| WORDS[word].to_vec()).collect();
        for from_start in [true, false] {
            let whole = drive(&Hl7, &start(from_start), &[Piece::Bytes(Client, &bytes)]);
            let pieces: Vec<_> = bytes.chunks(cut).map(|p| Piece::Bytes(Client, p)).collect();
            let parts = drive(&Hl7, &start(from_start), &pieces);
            prop_assert_eq!(without_places(&whole.said), without_places(&parts.said));
            prop_assert_eq!(whole.samples, parts.samples);
        }
    }

    #[test]
    fn certain_and_no_are_final(
        words in proptest::collection::vec(0..WORDS.len(), 0..12),
        from_start in any::<bool>(),
    ) {
        let bytes: Vec<u8> = words.iter().flat_map(|&word| WORDS[word].to_vec()).collect();
        let mut verdict = Probe::Maybe;
        for length in 0..=bytes.len() {
            let now = probe(&bytes[..length], b"\x00\x01", from_start);
            if matches!(verdict, Probe::No | Probe::Certain) {
                prop_assert_eq!(now, verdict);
            }
            verdict = now;
        }
    }
}

/// What streams that are nearly HL7 are made of.
const WORDS: &[&[u8]] = &[
    b"\x0b",
    b"\x1c",
    b"\r",
    b"\n",
    b"\x00",
    b"\x06\x1c",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"MSH|^~\\&|A|B|C|D|||ORU^R01|1|P|2.3\r",
    b"MSH|^~\\&|A|B|C|D|||ADT^A01|2|P|2.3||||||GB 18030-2000\r",
    b"MSH|^~\\&|A|B|C|D|||ACK|3|P|2.3\n",
    b"M\0S\0H\0|\0^\0~\0\\\0&\0|\0A\0\r\0",
    b"MSH|^",
    b"M",
    b"PID|1||77||A^B\r",
    b"PID|1||\x81\x7c\x81\r",
    b"MSA|AA|1\r",
    b"OBX|1|NM|101^HR||80\\\r",
    b"OBX|1|NM|101^HR||80",
    b"\x0bMSH|^~\\&|A|B|C|D|||ORU^R01|4|P|2.3\r",
    b"\x1c\r",
    b"garbage",
];

/// The byte in front of a wide M is not lost with what was searched before it.
#[test]
fn a_message_in_wide_units_is_found_wherever_the_stream_is_cut() {
    let bytes: Vec<u8> = [4, 0, 11, 11].map(|word| WORDS[word]).concat();
    let whole = drive(&Hl7, &start(true), &[Piece::Bytes(Client, &bytes)]);
    for cut in 1..bytes.len() {
        let pieces: Vec<_> = bytes.chunks(cut).map(|p| Piece::Bytes(Client, p)).collect();
        let parts = drive(&Hl7, &start(true), &pieces);
        assert_eq!(
            without_places(&whole.said),
            without_places(&parts.said),
            "{cut}"
        );
    }
    let found = whole.said.iter().any(|said| said.confidence < 1.0);
    assert!(found, "{:?}", whole.said);
}

#[test]
fn parties_are_said_once_until_they_change() {
    let other = String::from_utf8_lossy(EXAMPLE).replace("EUI-64|", "EUI-64|OTHER");
    assert_ne!(other.as_bytes(), EXAMPLE);
    let count = |messages: &[&[u8]]| {
        let said = one(&messages.concat()).said;
        let is_party = |said: &&Said| {
            matches!(
                &said.meaning,
                Meaning::Claim {
                    attribute: "hl7_application" | "hl7_facility",
                    ..
                }
            )
        };
        said.iter().filter(is_party).count()
    };
    let (same, changed) = (EXAMPLE, other.as_bytes());
    let each = count(&[same]);
    assert!(each > 0);
    assert_eq!(count(&[same, same, same]), each);
    let both = count(&[changed]) + each;
    assert_eq!(count(&[same, changed, changed]), both);
    assert_eq!(count(&[same, changed, same]), both + each);
}
