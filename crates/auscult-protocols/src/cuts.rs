//! Laws that protocols' own tests check on their own examples: cuts change nothing, gaps only take
//! away.

use std::collections::BTreeMap;

use auscult_model::Direction;

use crate::drive::{Driven, Piece, without_places};

/// Messages in order: who said what.
pub(crate) type Talk<'a> = [(Direction, &'a [u8])];

pub(crate) fn pieces<'a>(talk: &Talk<'a>) -> Vec<Piece<'a>> {
    talk.iter()
        .map(|(direction, bytes)| Piece::Bytes(*direction, bytes))
        .collect()
}

/// Each message in turn is cut in two, everywhere.
pub(crate) fn change_nothing_in_talk(talk: &Talk<'_>, lines: impl Fn(&Talk<'_>) -> Vec<String>) {
    let whole = lines(talk);
    for (index, (direction, bytes)) in talk.iter().enumerate() {
        for at in 0..bytes.len() {
            let (one, other) = bytes.split_at(at);
            let halves = [(*direction, one), (*direction, other)];
            let mut cut = talk.to_vec();
            cut.splice(index..=index, halves);
            assert_eq!(lines(&cut), whole, "piece {index} cut at {at}");
        }
    }
}

/// What one side says is cut in two, everywhere, and into pieces of these sizes.
pub(crate) fn change_nothing(
    side: Direction,
    bytes: &[u8],
    sizes: &[usize],
    run: impl Fn(&[Piece<'_>]) -> Driven,
) {
    let whole = run(&[Piece::Bytes(side, bytes)]);
    assert!(!whole.said.is_empty());
    for at in 0..=bytes.len() {
        let (one, other) = bytes.split_at(at);
        let cut = run(&[Piece::Bytes(side, one), Piece::Bytes(side, other)]);
        assert_same(&cut, &whole, &format!("cut at {at} of {}", bytes.len()));
    }
    for size in sizes {
        let chunks = bytes.chunks(*size);
        let pieces: Vec<_> = chunks.map(|chunk| Piece::Bytes(side, chunk)).collect();
        assert_same(
            &run(&pieces),
            &whole,
            &format!("pieces of {size} of {}", bytes.len()),
        );
    }
}

pub(crate) fn assert_same(part: &Driven, whole: &Driven, what: &str) {
    assert_eq!(
        without_places(&part.said),
        without_places(&whole.said),
        "{what}"
    );
    assert_eq!(part.samples, whole.samples, "{what}");
    assert_eq!(part.limits, whole.limits, "{what}");
}

/// A gap may only take away.
pub(crate) fn assert_subset(part: &Driven, whole: &Driven, what: &str) {
    let whole = counted(whole);
    for (line, count) in counted(part) {
        let most = whole.get(&line).copied().unwrap_or_default();
        assert!(count <= most, "{what}: {count} × {line}");
    }
}

/// Statements without confidence, and samples, counted.
fn counted(driven: &Driven) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    let said = without_places(&driven.said);
    let said = said.iter().map(|line| line.replace(" 0.90 ", " 1.00 "));
    let samples = driven
        .samples
        .iter()
        .filter(|line| *line != "discontinuity");
    for line in said.chain(samples.cloned()) {
        *counts.entry(line).or_default() += 1;
    }
    counts
}
