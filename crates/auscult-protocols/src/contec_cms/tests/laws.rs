//! The laws: any cut gives the same events, a gap gives fewer, one side is enough, and no bytes
//! break anything.

use proptest::prelude::*;

use super::*;
use crate::cuts::{self, assert_same, assert_subset};

const TO: Direction = Direction::FromOriginator;
const BACK: Direction = Direction::FromResponder;

#[test]
fn cuts_change_nothing() {
    let stream = stream();
    for from in [0, 1, 250, 2700] {
        let bytes = &stream[from..];
        cuts::change_nothing(TO, bytes, &[1, 2, 3, 7, 536, 1460], |pieces| {
            run(pieces, from == 0)
        });
    }
}

#[test]
fn gaps_only_take_away() {
    let stream = stream();
    let whole = read(&stream);
    for lost in [1, 37, 983] {
        for at in 0..stream.len() - lost {
            let pieces = [
                Piece::Bytes(TO, &stream[..at]),
                Piece::Gap(TO, Some(lost as u64)),
                Piece::Bytes(TO, &stream[at + lost..]),
            ];
            let part = run(&pieces, true);
            assert_subset(&part, &whole, &format!("{lost} lost at {at}"));
            if at + lost < stream.len() - 120 {
                let cuffs = part
                    .samples
                    .iter()
                    .filter(|s| s.starts_with("nibp-sys 121"));
                assert!(
                    cuffs.count() >= 1,
                    "found a later block: {lost} lost at {at}"
                );
            }
        }
    }
}

/// Bytes missing that nobody noticed: the border is lost and found.
#[test]
fn resynchronises_by_itself() {
    let cycles = [stream(), ecg(), pleth(&curve(5)), cycle_end()].concat();
    let whole = read(&cycles);
    for at in 200..1100 {
        let bytes = [&cycles[..at], &cycles[at + 3..]].concat();
        let part = read(&bytes);
        let claims = |driven: &Driven| {
            driven
                .samples
                .iter()
                .filter(|s| s.starts_with("spo2 97"))
                .count()
        };
        assert!(claims(&part) + 1 >= claims(&whole), "{at}");
        assert!(
            part.limits.get("contec-cms-border-lost") <= Some(&3),
            "{at}"
        );
    }
}

/// A length octet pair is never borrowed from the block before.
#[test]
fn a_lost_length_is_not_made_up() {
    let mut ends_like_a_length = cuff();
    let end = ends_like_a_length.len();
    ends_like_a_length[end - 2..].copy_from_slice(&[0x25, 0]);
    let mut other = cuff();
    other[14] = 59;
    let bytes = [
        &ends_like_a_length[..],
        &other[2..],
        &temperatures(),
        &cycle_end(),
    ]
    .concat();
    let whole = read(&bytes);
    let pressures = whole
        .samples
        .iter()
        .filter(|line| line.starts_with("nibp-sys 121"));
    assert_eq!(pressures.count(), 1);
    assert!(whole.samples.contains(&"t1 36.50 Cel".to_owned()));
    for at in 0..bytes.len() {
        let (one, rest) = bytes.split_at(at);
        let cut = run(&[Piece::Bytes(TO, one), Piece::Bytes(TO, rest)], true);
        assert_same(&cut, &whole, &format!("{at}"));
    }
}

#[test]
fn unsure_until_two_blocks_fitted() {
    let stream = stream();
    let driven = run(&[Piece::Bytes(TO, &stream[10..])], false);
    let confidences: Vec<f32> = driven.said.iter().map(|said| said.confidence).collect();
    // ECG: measurements, two roles, a service, limits.
    assert_eq!(confidences[..5], [0.9; 5]);
    assert!(
        confidences[5..].iter().all(|&c| c == 1.0),
        "{confidences:?}"
    );

    let gap = [
        Piece::Bytes(TO, &stream[..189]),
        Piece::Gap(TO, None),
        Piece::Bytes(TO, &ecg()),
    ];
    let driven = run(&gap, true);
    assert_eq!(driven.said.first().map(|said| said.confidence), Some(1.0));
    assert_eq!(driven.said.last().map(|said| said.confidence), Some(0.9));
    assert_eq!(
        driven.samples.first().map(String::as_str),
        Some("discontinuity")
    );
}

#[test]
fn either_side_may_be_the_monitor() {
    let stream = stream();
    let forth = read(&stream);
    let back = run(&[Piece::Bytes(BACK, &stream)], true);
    let swapped: Vec<String> = without_places(&back.said)
        .iter()
        .map(|line| {
            line.replace("FromResponder", "FromOriginator")
                .replace("40000", "515")
        })
        .collect();
    assert_eq!(swapped, without_places(&forth.said));
    // What a station may answer is not known: it takes nothing away.
    let with_answers = run(
        &[
            Piece::Bytes(TO, &stream[..300]),
            Piece::Bytes(BACK, b"\x01\x02\x03\x04 no block of this kind"),
            Piece::Bytes(TO, &stream[300..]),
        ],
        true,
    );
    assert_same(&with_answers, &forth, "answers");
}

#[test]
fn what_never_fits_is_given_up() {
    use crate::drive::drive;
    let text = vec![b'x'; 70_000];
    let driven = read(&text);
    assert!(driven.said.is_empty() && driven.limits.is_empty());
    // A stream that begins behind the search is not found any more, wherever it is cut.
    let late = [vec![b'x'; 65_600], stream()].concat();
    for size in [1000, 65_599, 70_000] {
        let pieces: Vec<_> = late.chunks(size).map(|c| Piece::Bytes(TO, c)).collect();
        assert!(drive(&ContecCms, &start(true), &pieces).said.is_empty());
    }
    let early = [vec![b'x'; 65_000], stream()].concat();
    for size in [1000, 65_001, 70_000] {
        let pieces: Vec<_> = early.chunks(size).map(|c| Piece::Bytes(TO, c)).collect();
        assert!(!drive(&ContecCms, &start(true), &pieces).said.is_empty());
    }
}

proptest! {
    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..2000), cut in 0_usize..2000,
                 from_start: bool) {
        let (one, other) = bytes.split_at(cut.min(bytes.len()));
        let whole = run(&[Piece::Bytes(TO, &bytes)], from_start);
        let parts = run(&[Piece::Bytes(TO, one), Piece::Bytes(TO, other)], from_start);
        assert_same(&parts, &whole, "any bytes");
    }

    /// Bytes that look like blocks, to get behind the framing.
    #[test]
    fn any_blocks(
        blocks in prop::collection::vec(
            (prop::sample::select(vec![0x3e, 0x43, 0x45, 0x46, 0x47, 0x49, 0x4a, 0x20]),
             prop::option::of(0x13_u8..0x19),
             prop::collection::vec(any::<u8>(), 0..1100)),
            1..6),
        cut in 0_usize..4000, changed in 0_usize..4000, octet: u8)
    {
        let mut bytes = Vec::new();
        for (kind, sub_type, mut data) in blocks {
            if let Some(sub_type) = sub_type {
                data.splice(0..0, [0, 0, sub_type, 0]);
            }
            bytes.extend(block(kind, &data));
        }
        if let Some(one) = bytes.get_mut(changed) {
            *one = octet;
        }
        let (one, other) = bytes.split_at(cut.min(bytes.len()));
        let whole = read(&bytes);
        let parts = run(&[Piece::Bytes(TO, one), Piece::Bytes(TO, other)], true);
        assert_same(&parts, &whole, "any blocks");
    }
}
