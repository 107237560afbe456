//! The probe: what it must know, what it must refuse, and that it keeps its word.

use proptest::prelude::*;

use super::*;

const LPD: &[u8] = b"\x02lp\n\x02123 cfA001host\nHhost\nProot\n\0\x03999 dfA001host\n%!PS\n";
const HTTP: &[u8] = b"GET / HTTP/1.1\r\nHost: printer.example\r\n\r\n";
const TLS: &[u8] = &[
    0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03,
];
const PJL: &[u8] = b"\x1b%-12345X@PJL JOB\r\n@PJL ENTER LANGUAGE=POSTSCRIPT\r\n";
const SIBLING: &str = "1c 00 01 12 0c 00 56 00 75 00 46 00 6e 00 3c 00 02 00 a0 00 5a 00 02 00
                       5a 00 32 00 02 00";

fn both(originator: &[u8], responder: &[u8]) -> Probe {
    ContecCms.probe(&Seen {
        transport: Transport::Tcp,
        originator,
        responder,
        from_start: true,
    })
}

#[test]
fn examples_as_tried() {
    let stream = stream();
    for (length, expected) in [
        (3, Probe::Maybe),
        (8, Probe::Maybe),
        (100, Probe::Maybe),
        (400, Probe::Certain),
        (2000, Probe::Certain),
        (stream.len(), Probe::Certain),
    ] {
        assert_eq!(probe_one(&stream[..length], true), expected, "{length}");
        assert_eq!(both(&[], &stream[..length]), expected, "responder {length}");
    }
    for other in [LPD, HTTP, TLS, PJL, &hex(SIBLING), b"\x02default\n"] {
        assert_eq!(probe_one(other, true), Probe::No, "{other:02x?}");
        // What a server says does not decide before its client has spoken.
        assert_eq!(both(&[], other), Probe::Maybe, "{other:02x?}");
        assert_eq!(both(b"GET / HTTP/1.1", other), Probe::No, "{other:02x?}");
    }
    assert_eq!(probe_one(b"\x01\n", true), Probe::Maybe);
}

#[test]
fn the_other_side_speaks() {
    assert_eq!(both(b"\x01\n", b"\0"), Probe::No, "a printer acknowledges");
    let hello = &stream()[..100];
    // Whoever receives the stream may say anything, and must not hide it by that.
    for greeting in [b"220 ftp ready\r\n".as_slice(), b"HTTP/1.1 400", TLS] {
        assert_eq!(both(hello, greeting), Probe::Maybe);
        assert_eq!(both(&stream(), greeting), Probe::Certain);
    }
    assert_eq!(both(hello, &[0x00, 0x11]), Probe::Maybe);
    assert_eq!(both(&stream(), b"\x01\x02\x03\x04\x05"), Probe::Certain);
}

#[test]
fn only_tcp() {
    let stream = stream();
    let seen = Seen {
        transport: Transport::Udp,
        originator: &stream,
        responder: &[],
        from_start: true,
    };
    assert_eq!(ContecCms.probe(&seen), Probe::No);
}

#[test]
fn grades() {
    let quiet = [hex("02 00 05 43"), bed_7(), cycle_end(), cycle_end()].concat();
    assert_eq!(probe_one(&quiet[..4], true), Probe::Maybe);
    assert_eq!(probe_one(&cycle_end().repeat(9), true), Probe::Maybe);
    assert_eq!(probe_one(&cuff(), true), Probe::Likely);
    assert_eq!(probe_one(&ecg()[..900], true), Probe::Maybe);
    assert_eq!(
        probe_one(&[cuff(), cycle_end()].concat(), true),
        Probe::Certain
    );
    let three = [cycle_end(), bed_7(), cycle_end()].concat();
    assert_eq!(probe_one(&three, true), Probe::Certain);
    assert_eq!(
        probe_one(&[bed_7(), patient()].concat(), true),
        Probe::Certain
    );
    assert_eq!(
        probe_one(&[patient(), cycle_end()].concat(), true),
        Probe::Certain
    );
    assert_eq!(probe_one(&[cuff(), vec![0; 4]].concat(), true), Probe::No);
    let unknown_between = [cuff(), block(0x4a, b"x"), cuff(), cuff()].concat();
    assert_eq!(probe_one(&unknown_between[..46], true), Probe::Likely);
    assert_eq!(probe_one(&unknown_between, true), Probe::Certain);
    assert_eq!(probe_one(&block(0x4a, b"x"), true), Probe::No);
}

/// Octets to put at offsets.
type Changes = &'static [(usize, u8)];

/// One octet changed, and the probe refuses: each condition counts.
#[test]
fn each_condition_counts() {
    let cases: [(&str, Vec<u8>, Changes); 7] = [
        (
            "43",
            hex("02 00 05 43"),
            &[(0, 3), (0, 1), (1, 1), (2, 4), (3, 0x42)],
        ),
        ("45", bed_7(), &[(0, 7), (4, 1), (5, 1), (7, 0xfe)]),
        (
            "ECG",
            ecg(),
            &[
                (0, 0xd4),
                (1, 4),
                (4, 1),
                (5, 1),
                (6, 0x13),
                (7, 1),
                (4 + 0x385, 1),
            ],
        ),
        (
            "SpO2",
            pleth(&curve(1)),
            &[(0, 0x15), (4 + 0x105, 1), (4 + 0x107, 0xfe)],
        ),
        (
            "NIBP",
            cuff(),
            &[
                (0, 0x24),
                (10, 13),
                (10, 0),
                (11, 32),
                (12, 24),
                (13, 60),
                (14, 60),
            ],
        ),
        ("TEMP", temperatures(), &[(0, 0x2f), (11, 0x7f), (15, 0x46)]),
        (
            "3E",
            patient(),
            &[
                (0, 0xae),
                (0, 0xf0),
                (4 + 0x20, 1),
                (4 + 0x63, b'x'),
                (4 + 0x6e, 1),
                (4 + 0x7c, b'-'),
                (4 + 0x8a, 1),
            ],
        ),
    ];
    for (name, good, changes) in cases {
        let mut good = good;
        good.extend(cuff());
        assert_ne!(probe_one(&good, true), Probe::No, "{name}");
        for &(at, octet) in changes {
            let mut bad = good.clone();
            bad[at] = octet;
            assert_eq!(
                probe_one(&bad, true),
                Probe::No,
                "{name} {at:#x} {octet:#x}"
            );
        }
    }
    let mut text = sensor_off();
    text[8] = 0x07;
    assert_eq!(probe_one(&text, true), Probe::No);
    let mut no_time = cuff();
    no_time[8..15].fill(0);
    assert_eq!(probe_one(&no_time, true), Probe::Likely);
}

#[test]
fn picked_up_in_the_middle() {
    let stream = stream();
    for from in 0..stream.len() {
        let rest = &stream[from..];
        // The last telemetry block that another follows.
        let expect = stream.len() - from >= temperatures().len() + cycle_end().len();
        let probed = probe_one(rest, false);
        assert_eq!(probed == Probe::Certain, expect, "{from}");
        assert_ne!(
            probed,
            Probe::No,
            "{from}: short of 4 kB nothing is excluded"
        );
    }
    assert_eq!(probe_one(&[0x41; 4095], false), Probe::Maybe);
    assert_eq!(probe_one(&[0x41; 4096], false), Probe::No);
    let mut late = vec![0x41; 4096];
    late.extend(&stream);
    assert_eq!(probe_one(&late, false), Probe::No);
}

#[test]
fn random_inputs_are_refused() {
    // xorshift64: reproducible, nothing of ours in it.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut input = [0_u8; 64];
    for _ in 0..300_000 {
        for octet in &mut input {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            *octet = state as u8;
        }
        assert_eq!(probe_one(&input, true), Probe::No, "{input:02x?}");
        assert!(probe_one(&input, false) <= Probe::Maybe, "{input:02x?}");
    }
}

/// A header behind a telling block makes certain, so data behind it that misfit change nothing.
#[test]
fn what_a_header_made_certain_stays() {
    let mut bytes = [cuff(), cuff()].concat();
    let second = cuff().len();
    assert_eq!(probe_one(&bytes[..second + 4], true), Probe::Certain);
    bytes[second + 10] = 13;
    assert_keeps_its_word(&bytes, true);
    assert_keeps_its_word(&bytes, false);
}

fn assert_keeps_its_word(bytes: &[u8], from_start: bool) {
    let mut last = Probe::Maybe;
    for length in 0..=bytes.len() {
        let probed = probe_one(&bytes[..length], from_start);
        if matches!(last, Probe::No | Probe::Certain) {
            assert_eq!(probed, last, "{length} of {bytes:02x?}");
        }
        last = probed;
    }
}

#[test]
fn answers_are_final() {
    let stream = stream();
    assert_keeps_its_word(&stream, true);
    assert_keeps_its_word(&stream, false);
    assert_keeps_its_word(&stream[500..], false);
    for other in [LPD, HTTP, TLS, PJL, &hex(SIBLING)] {
        assert_keeps_its_word(other, true);
    }
}

proptest! {
    #[test]
    fn answers_are_final_after_changes(
        at in 0_usize..400, octet: u8, from in 0_usize..300, from_start: bool
    ) {
        let mut changed = stream();
        changed[at] = octet;
        assert_keeps_its_word(&changed[from..from + 700], from_start);
    }
}
