//! DICOM: an association of every kind of message, written by hand from the standard; laws on it;
//! real captures against tshark.

mod build;
mod captures;
mod rows;

use auscult_model::{Direction, Meaning, Transport};
use proptest::prelude::*;

use self::build::*;
use super::Dicom;
use crate::cuts::{self, Talk, pieces};
use crate::drive::{Driven, Piece, drive, without_places};
use crate::{Probe, Protocol, Seen, Start};

const CLIENT: Direction = Direction::FromOriginator;
const SERVER: Direction = Direction::FromResponder;
const START: Start = Start {
    transport: Transport::Tcp,
    from_start: true,
    ports: [50_002, 104],
};

type Owned = Vec<(Direction, Vec<u8>)>;

fn borrowed(talk: &Owned) -> Vec<(Direction, &[u8])> {
    talk.iter().map(|(d, bytes)| (*d, &bytes[..])).collect()
}

fn run(talk: &Talk<'_>) -> Driven {
    drive(&Dicom, &START, &pieces(talk))
}

fn lines(talk: &Talk<'_>) -> Vec<String> {
    without_places(&run(talk).said)
}

/// A modality stores an image and asks for work; all names are invented.
fn visit() -> Owned {
    let image = explicit(&[
        element(0x0008_0005, b"CS", b"ISO_IR 100"),
        element(0x0008_0060, b"CS", b"CT"),
        element(0x0008_0070, b"LO", b"Nordlicht Imaging"),
        sequence(0x0008_1140, &[&[element(0x0008_1155, b"UI", b"1.2.3")]]),
        element(0x0010_0010, b"PN", b"Erfunden^Niem\xe4nd"),
        element(0x0010_0020, b"LO", b"INV-7"),
        element(0x0018_1000, b"LO", b"SN1\\SN2"),
    ]);
    let pixels = [&image[..], &pixel_data(&[7; 600])].concat();
    let wish = implicit(&[
        element(0x0010_0010, b"PN", b"*"),
        element(0x0040_0001, b"AE", b"CTRAD1"),
    ]);
    let work = implicit(&[
        element(0x0008_0050, b"SH", b"INV-A1"),
        element(0x0010_0010, b"PN", b"Ausgedacht^Emma"),
    ]);
    vec![
        (CLIENT, request("CTRAD1", "PACS", &[(1, CT), (3, WORKLIST)])),
        (SERVER, accept("CTRAD1", "PACS", &[(1, 0), (3, 0)])),
        (CLIENT, store_request(1, 1)),
        (CLIENT, data(1, &pixels[..200], false)),
        (CLIENT, data(1, &pixels[200..], true)),
        (SERVER, response(1, 0x8001, 1, 0, false)),
        (CLIENT, find_request(3, 2)),
        (CLIENT, data(3, &wish, true)),
        (SERVER, response(3, 0x8020, 2, 0xff00, true)),
        (SERVER, data(3, &work, true)),
        (SERVER, response(3, 0x8020, 2, 0, false)),
        (CLIENT, vec![5, 0, 0, 0, 0, 4, 0, 0, 0, 0]),
        (SERVER, vec![6, 0, 0, 0, 0, 4, 0, 0, 0, 0]),
    ]
}

#[test]
fn a_visit_in_words() {
    let said = lines(&borrowed(&visit()));
    let expected = [
        "ae_title\", value: \"CTRAD1\" } {\"called_ae\": \"PACS\"}",
        "dicom_implementation_uid\", value: \"1.2.826.0.1.3680043.9.3811.3.0.4\" } \
         {\"max_pdu\": \"16382\"}",
        "dicom_implementation_version\", value: \"TEST_1",
        "dicom_toolkit\", value: \"pynetdicom",
        "dicom_asks_for\", value: \"CT Image Storage, Modality Worklist",
        "ae_title\", value: \"PACS",
        "dicom_implementation_uid",
        "dicom_implementation_version",
        "dicom_toolkit",
        "FromResponder 1.00 Claim { about: Sender, attribute: \"dicom_accepts\", value: \"CT Image \
         Storage, Modality Worklist",
        "modality\", value: \"CT",
        "vendor\", value: \"Nordlicht Imaging",
        "serial\", value: \"SN1, SN2",
        "PatientData [Name, PatientNumber, Image] [\"Erfunden Niemänd\", \"Niemänd Erfunden\", \
         \"Erfunden^Niemänd\", \"Erfunden\", \"Niemänd\", \"INV-7\"] 22 bytes, patient known: \
         true",
        "operation: \"store\", object: \"CT Image Storage\", granted: Some(true) } {\"status\": \
         \"0000\"}",
        "FromResponder 1.00 PatientData [Name, PatientNumber] [\"INV-A1\", \"Ausgedacht Emma\"",
        "FromOriginator 1.00 Request { operation: \"worklist\", object: \"Modality Worklist\", \
         granted: Some(true)",
    ];
    assert_eq!(said.len(), expected.len(), "{said:#?}");
    for (said, expected) in said.iter().zip(expected) {
        assert!(said.contains(expected), "{said}\n{expected}");
    }
}

#[test]
fn cuts_change_nothing() {
    let talk = visit();
    cuts::change_nothing_in_talk(&borrowed(&talk), lines);
    let whole = lines(&borrowed(&talk));
    for size in [1, 2, 3, 5, 7, 64] {
        let pieces: Vec<_> = talk
            .iter()
            .flat_map(|(direction, bytes)| bytes.chunks(size).map(|piece| (*direction, piece)))
            .collect();
        assert_eq!(lines(&pieces), whole, "pieces of {size}");
    }
}

#[test]
fn each_side_alone_says_a_part() {
    let talk = visit();
    let whole = lines(&borrowed(&talk));
    for side in [CLIENT, SERVER] {
        let alone: Vec<_> = talk
            .iter()
            .filter(|(direction, _)| *direction == side)
            .map(|(direction, bytes)| (*direction, &bytes[..]))
            .collect();
        let said = lines(&alone);
        assert!(said.len() > 4);
        for line in said {
            assert!(
                whole.contains(&line) || line.contains("granted: None"),
                "{line}"
            );
        }
    }
}

/// A hole takes away; only what is marked partial or unanswered may differ.
#[test]
fn gaps_take_away() {
    let talk = visit();
    let bare = |line: &str| line.replace(" 0.90 ", " 1.00 ");
    let whole: Vec<String> = lines(&borrowed(&talk)).iter().map(|l| bare(l)).collect();
    for lost in 0..talk.len() {
        for length in [None, Some(0)] {
            for at in [0, talk[lost].1.len() / 2] {
                let mut pieces = pieces(&borrowed(&talk)).clone();
                let (direction, bytes) = &talk[lost];
                let gap = Piece::Gap(*direction, length.map(|_| (bytes.len() - at) as u64));
                pieces[lost] = gap;
                pieces.insert(lost, Piece::Bytes(*direction, &bytes[..at]));
                for line in without_places(&drive(&Dicom, &START, &pieces).said) {
                    let open = line.contains("partial")
                        || line.contains("None")
                        || line.contains("Malformed");
                    // Without the answer of the other side its part is not named.
                    let same = whole
                        .iter()
                        .any(|known| known.starts_with(&bare(&line)[..40]));
                    assert!(
                        whole.contains(&bare(&line)) || open || same,
                        "{lost}: {line}"
                    );
                }
            }
        }
    }
}

#[test]
fn finds_its_way_in_the_middle_and_after_a_gap() {
    let talk = visit();
    let middle: Vec<_> = borrowed(&talk).split_off(3);
    let start = Start {
        from_start: false,
        ..START
    };
    let said = drive(&Dicom, &start, &pieces(&middle)).said;
    let text = format!("{said:#?}");
    assert!(
        text.contains("Ausgedacht") && text.contains("worklist"),
        "{text}"
    );
    assert!(
        !text.contains("Erfunden"),
        "its command was not seen: {text}"
    );
    assert!(said.iter().all(|said| said.confidence >= 0.9));
    // A hole within pixel data of known length changes nothing else.
    let whole = lines(&borrowed(&talk));
    let (direction, bytes) = &talk[4];
    let mut with_hole = pieces(&borrowed(&talk));
    with_hole[4] = Piece::Bytes(*direction, &bytes[..150]);
    with_hole.insert(5, Piece::Gap(*direction, Some(300)));
    with_hole.insert(6, Piece::Bytes(*direction, &bytes[450..]));
    assert_eq!(
        without_places(&drive(&Dicom, &START, &with_hole).said),
        whole
    );
}

fn probed(originator: &[u8], responder: &[u8], from_start: bool) -> Probe {
    Dicom.probe(&Seen {
        transport: Transport::Tcp,
        originator,
        responder,
        from_start,
    })
}

#[test]
fn the_probe_and_its_near_misses() {
    let good = request("CTRAD1", "PACS", &[(1, CT)]);
    let answer = accept("CTRAD1", "PACS", &[(1, 0)]);
    assert_eq!(probed(&good, &[], true), Probe::Certain);
    assert_eq!(probed(&[], &answer, true), Probe::Certain);
    assert_eq!(probed(b"GET /", &answer, true), Probe::Maybe);
    for end in 0..98 {
        assert_eq!(probed(&good[..end], &[], true), Probe::Maybe, "{end}");
    }
    for (at, wrong) in [(0, 3), (1, 1), (7, 0), (8, 1), (12, 0x07), (74, 0x11)] {
        let mut bad = good.clone();
        bad[at] = wrong;
        assert_eq!(probed(&bad, &bad, true), Probe::No, "{at}");
    }
    let mut other = good.clone();
    other[78] = b'9';
    assert_eq!(probed(&other, &[], true), Probe::Likely, "another context");
    // In the middle of a stream the beginning of a command set tells.
    let inside = [&[9; 77][..], &store_request(1, 1)].concat();
    assert_eq!(probed(&inside, &[], false), Probe::Certain);
    assert_eq!(probed(&inside, &inside, true), Probe::No);
    let mut bad = inside.clone();
    bad[77 + 12] = 1;
    assert_eq!(probed(&bad, &[], false), Probe::Maybe);
}

proptest! {
    /// Any damage: no panic, and the same however it is cut.
    #[test]
    fn damage_is_survived(
        changes in proptest::collection::vec((0usize..1500, any::<u8>()), 1..10),
        cut in 1usize..400,
        from_start: bool,
    ) {
        let mut bytes: Vec<u8> = visit()
            .into_iter()
            .filter(|(direction, _)| *direction == CLIENT)
            .flat_map(|(_, bytes)| bytes)
            .collect();
        for (at, value) in changes {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = value;
            }
        }
        let start = Start { from_start, ..START };
        let whole = drive(&Dicom, &start, &[Piece::Bytes(CLIENT, &bytes)]);
        let pieces: Vec<_> = bytes.chunks(cut).map(|piece| Piece::Bytes(CLIENT, piece)).collect();
        let cut = drive(&Dicom, &start, &pieces);
        prop_assert_eq!(without_places(&cut.said), without_places(&whole.said));
        prop_assert_eq!(cut.limits, whole.limits);
    }

    #[test]
    fn random_bytes_are_nothing(bytes in proptest::collection::vec(any::<u8>(), 1..200)) {
        prop_assert!(probed(&bytes, &[], true) < Probe::Likely);
        prop_assert!(probed(&bytes, &[], false) < Probe::Likely);
    }
}

#[test]
fn what_is_read_of_whom() {
    let said = run(&borrowed(&visit())).said;
    let ranges: Vec<_> = said
        .iter()
        .filter_map(|said| match &said.meaning {
            Meaning::PatientData { ranges, .. } => Some(ranges.clone()),
            _ => None,
        })
        .flatten()
        .collect();
    let talk = visit();
    let marked: Vec<String> = ranges
        .iter()
        .map(|range| {
            // Pieces are packets, their bytes begin at 54.
            let (_, bytes) = &talk[range.packet.number as usize - 1];
            let part = &bytes[range.bytes.start as usize - 54..range.bytes.end as usize - 54];
            String::from_utf8_lossy(part).into_owned()
        })
        .collect();
    let joined = marked.concat();
    assert_eq!(
        joined, "Erfunden^Niem\u{fffd}ndINV-7 INV-A1Ausgedacht^Emma ",
        "{marked:?}"
    );
}
