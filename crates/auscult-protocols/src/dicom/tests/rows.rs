//! Rows of the layouts that the visit does not have.

use super::*;

/// What is said of one data set that a modality stores.
fn stored(set: &[u8]) -> Driven {
    let talk: Owned = vec![
        (CLIENT, request("CTRAD1", "PACS", &[(1, CT)])),
        (SERVER, accept("CTRAD1", "PACS", &[(1, 0)])),
        (CLIENT, store_request(1, 1)),
        (CLIENT, data(1, set, true)),
    ];
    let talk = borrowed(&talk);
    let driven = run(&talk);
    let bytewise: Vec<_> = talk
        .iter()
        .flat_map(|(direction, bytes)| bytes.chunks(1).map(|byte| (*direction, byte)))
        .collect();
    assert_eq!(lines(&bytewise), without_places(&driven.said));
    driven
}

fn said_of(set: &[u8]) -> String {
    without_places(&stored(set).said).join("\n")
}

#[test]
fn three_ways_to_write_a_data_set() {
    let elements = [
        element(0x0008_0070, b"LO", b"Sonowerk"),
        (0x0009_1001, *b"UN", vec![0xfe, 0xff, 0, 1, 2, 3, 4, 5]),
        element(0x0010_0020, b"LO", b"INV-9"),
        element(0x0018_1020, b"LO", b"2.0\\7"),
        (0x0028_3010, *b"OW", vec![1; 70_000]),
        element(0x0040_0241, b"AE", b"US1"),
    ];
    for set in [explicit(&elements), implicit(&elements), big(&elements)] {
        let said = said_of(&set);
        for value in [
            "Sonowerk",
            "2.0, 7",
            "[PatientNumber] [\"INV-9\"] 6 bytes",
            "US1",
        ] {
            assert!(said.contains(value), "{value}: {said}");
        }
        assert!(!said.contains("not-read"));
    }
    // The group of printing reads like another one the wrong way round.
    let film = explicit(&[
        element(0x2000_0010, b"IS", b"1"),
        element(0x2010_0010, b"ST", b"STANDARD"),
    ]);
    assert!(stored(&film).limits.is_empty());
}

/// Sequences with and without length, in each other, and values without representation inside.
#[test]
fn sequences() {
    let inner = explicit(&[
        element(0x0008_0070, b"LO", b"Other maker"),
        element(0x0010_0010, b"PN", b"Inmitten^Eva"),
    ]);
    let undefined = |tag: u32, vr: Option<&[u8; 2]>, items: &[u8]| {
        let mut bytes = ((tag >> 16) as u16).to_le_bytes().to_vec();
        bytes.extend((tag as u16).to_le_bytes());
        if let Some(vr) = vr {
            bytes.extend([vr[0], vr[1], 0, 0]);
        }
        bytes.extend([0xff; 4]);
        bytes.extend(items);
        bytes.extend([0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0]);
        bytes
    };
    let open_item = |content: &[u8]| {
        let mut bytes = vec![0xfe, 0xff, 0x00, 0xe0, 0xff, 0xff, 0xff, 0xff];
        bytes.extend(content);
        bytes.extend([0xfe, 0xff, 0x0d, 0xe0, 0, 0, 0, 0]);
        bytes
    };
    let first = explicit(&[element(0x0008_0060, b"CS", b"US")]);
    let last = explicit(&[element(0x0018_1000, b"LO", b"EL5-0931")]);
    let plain = [element(0x0010_0010, b"PN", b"Inmitten^Eva")];
    let nested = sequence(0x0008_1115, &[&[sequence(0x0008_1199, &[&plain, &[]])]]);
    for middle in [
        undefined(0x0008_1110, Some(b"SQ"), &open_item(&inner)),
        undefined(0x0009_1010, Some(b"UN"), &open_item(&implicit(&plain))),
        explicit(&[nested]),
    ] {
        let said = said_of(&[&first[..], &middle, &last].concat());
        assert!(said.contains("[Name] [\"Inmitten Eva\""), "{said}");
        assert!(
            said.contains("EL5-0931") && !said.contains("Other maker"),
            "{said}"
        );
    }
    // Without representations only the value tells that it is a sequence.
    let item = [
        &[0xfe, 0xff, 0x00, 0xe0, 20, 0, 0, 0][..],
        &implicit(&plain),
    ]
    .concat();
    let set = implicit(&[
        element(0x0008_0060, b"CS", b"US"),
        (0x0008_1115, *b"SQ", item.clone()),
        (0x0008_1199, *b"SQ", vec![]),
        (0x0018_1000, *b"LO", b"EL5-0931".to_vec()),
    ]);
    let said = said_of(&set);
    assert!(
        said.contains("Inmitten") && said.contains("EL5-0931"),
        "{said}"
    );
    // Pixels of a small picture inside are fragments, not elements.
    let icon = undefined(0x7fe0_0010, Some(b"OB"), &{
        let mut bytes = vec![0xfe, 0xff, 0x00, 0xe0, 0, 0, 0, 0];
        bytes.extend([0xfe, 0xff, 0x00, 0xe0, 3, 0, 0, 0, 9, 9, 9]);
        bytes
    });
    let set = [
        &first[..],
        &undefined(0x0088_0200, Some(b"SQ"), &open_item(&icon)),
        &explicit(&[element(0x0010_0020, b"LO", b"INV-3")]),
    ]
    .concat();
    assert!(said_of(&set).contains("INV-3"));
}

#[test]
fn what_breaks_is_counted() {
    let good = explicit(&[element(0x0008_0060, b"CS", b"US")]);
    for bad in [
        [&good[..], &[0x10, 0, 0x10, 0, b'p', b'n', 2, 0, b'A', b'B']].concat(),
        [&good[..], &[0xfe, 0xff, 0x0d, 0xe0, 0, 0, 0, 0]].concat(),
        vec![0xff; 40],
        explicit(&[(
            0x0008_1115,
            *b"SQ",
            vec![
                0xfe, 0xff, 0x00, 0xe0, 0xf0, 0, 0, 0, 8, 0, 0x60, 0, b'C', b'S', 2, 0, b'U', b'S',
            ],
        )]),
    ] {
        let driven = stored(&[&bad[..], &good].concat());
        assert_eq!(
            driven.limits.get("dicom-data-sets-not-read"),
            Some(&1),
            "{bad:?}"
        );
    }
}

#[test]
fn nobody_is_in_dates_staff_and_wildcards() {
    let set = explicit(&[
        element(0x0008_0020, b"DA", b"20260101"),
        element(0x0008_0090, b"PN", b"Doctor^Some"),
        element(0x0010_0010, b"PN", b"*"),
        element(0x0010_0040, b"CS", b"F"),
    ]);
    assert!(!said_of(&set).contains("PatientData"));
}

#[test]
fn deflated_data_sets_are_counted() {
    let talk: Owned = vec![
        (CLIENT, request("CTRAD1", "PACS", &[(1, CT)])),
        (
            SERVER,
            accept_as("CTRAD1", "PACS", &[(1, 0)], "1.2.840.10008.1.2.1.99"),
        ),
        (CLIENT, store_request(1, 1)),
        (CLIENT, data(1, &[0x4b, 0x4c, 0x4a, 6, 0, 1], true)),
    ];
    let driven = run(&borrowed(&talk));
    assert_eq!(driven.limits.get("dicom-deflated-data-sets"), Some(&1));
    let said = without_places(&driven.said).join("\n");
    assert!(said.contains("PatientData [ClinicalData] []"), "{said}");
}

#[test]
fn associations() {
    let mut more = sub(0x53, &[0, 5, 0, 3]);
    let role = [&[0, CT.len() as u8][..], CT.as_bytes(), &[0, 1]].concat();
    more.extend(sub(0x54, &role));
    let identity = [&[2, 1, 0, 4][..], b"dora", &[0, 6], b"secret"].concat();
    more.extend(sub(0x58, &identity));
    let asked = request_with("WS1", "PACS", &[(1, CT), (3, STUDY_ROOT_MOVE)], &more);
    let refusal = |source: u8, reason: u8| pdu(3, &[0, 1, source, reason]);
    let accepted: Owned = vec![
        (CLIENT, asked.clone()),
        (SERVER, accept("WS1", "PACS", &[(1, 3), (3, 0)])),
        (
            CLIENT,
            command(
                3,
                &ask(
                    STUDY_ROOT_MOVE,
                    0x21,
                    7,
                    false,
                    &[element(0x0000_0600, b"AE", b"ELSEWHERE")],
                ),
            ),
        ),
        (SERVER, response(3, 0x8021, 7, 0xff00, false)),
        (SERVER, response(3, 0x8021, 7, 0xa801, false)),
        (CLIENT, pdu(7, &[0, 0, 0, 0])),
        (CLIENT, b"anything".to_vec()),
    ];
    let said = lines(&borrowed(&accepted)).join("\n");
    for expected in [
        "\"window\": \"5/3\"",
        "\"scp_roles\": \"CT Image Storage\"",
        "dicom_accepts\", value: \"Study Root Move\" } {\"refused\": \"1:3\"}",
        "Login { method: \"dicom-password\", account: \"dora\", clear: true, accepted: \
         Some(true) }",
        "operation: \"move\", object: \"ELSEWHERE\", granted: Some(false) } {\"status\": \"a801\"}",
    ] {
        assert!(said.contains(expected), "{expected}\n{said}");
    }
    assert!(
        !said.contains("secret") && !said.contains("Malformed"),
        "{said}"
    );
    let rejected: Owned = vec![(CLIENT, asked), (SERVER, refusal(1, 7))];
    let said = lines(&borrowed(&rejected)).join("\n");
    assert!(
        said.contains(
            "FromOriginator 1.00 Request { operation: \"associate\", object: \"PACS\", granted: \
             Some(false) } {\"reason\": \"called AE title not recognised\", \"result\": \
             \"permanent\"}"
        ),
        "{said}"
    );
    assert!(said.contains("accepted: Some(false)"), "{said}");
}

/// Images that come by a move, or over the association of who asked, are not of the sender.
#[test]
fn images_that_are_passed_on() {
    let set = explicit(&[element(0x0008_0070, b"LO", b"Sonowerk")]);
    let by_move = command(
        1,
        &ask(CT, 1, 1, true, &[element(0x0000_1030, b"AE", b"WS1")]),
    );
    let moved: Owned = vec![(CLIENT, by_move), (CLIENT, data(1, &set, true))];
    let got: Owned = vec![
        (CLIENT, request("WS1", "PACS", &[(1, CT)])),
        (SERVER, accept("WS1", "PACS", &[(1, 0)])),
        (SERVER, store_request(1, 1)),
        (SERVER, data(1, &set, true)),
    ];
    for talk in [moved, got] {
        let said = lines(&borrowed(&talk)).join("\n");
        assert!(
            said.contains("0.30 Claim { about: Sender, attribute: \"vendor\"")
                && said.contains("\"describes\": \"behind\""),
            "{said}"
        );
    }
}

/// Fragments of two messages come mixed, two in one P-DATA-TF.
#[test]
fn mixed_fragments() {
    let set = implicit(&[element(0x0010_0020, b"LO", b"INV-1")]);
    let other = implicit(&[element(0x0010_0020, b"LO", b"INV-2")]);
    let commands = [1_u8, 3].map(|context| {
        value(
            context,
            3,
            &command_set(&ask(CT, 1, context.into(), true, &[])),
        )
    });
    let talk: Owned = vec![
        (CLIENT, pdu(4, &commands.concat())),
        (
            CLIENT,
            pdu(
                4,
                &[value(1, 0, &set[..9]), value(3, 0, &other[..3])].concat(),
            ),
        ),
        (
            CLIENT,
            pdu(4, &[value(3, 2, &other[3..]), value(1, 0, &[])].concat()),
        ),
        (CLIENT, data(1, &set[9..], true)),
    ];
    let said = lines(&borrowed(&talk)).join("\n");
    assert!(
        said.contains("[\"INV-1\"]") && said.contains("[\"INV-2\"]"),
        "{said}"
    );
}
