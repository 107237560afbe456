//! Every bound of an analysis, and those that the engine itself keeps.

use auscult_model::Bound;

pub(crate) static NEIGHBOURS: Bound = Bound::settable(
    "neighbours",
    2048,
    "sums of questions about link-layer addresses that wait for a report, each shard",
    "all are reported at once",
);
pub(crate) static SUMS: Bound = Bound::settable(
    "conversation-sums",
    2048,
    "sums of conversations that wait for a report, each shard",
    "all are reported at once",
);
pub(crate) static COOKED: Bound = Bound::constant(
    "cooked-segments",
    64,
    "segments without link addresses of receivers that are told apart, each shard",
    "further ones are taken for others",
);
pub(crate) static ANNOUNCED: Bound = Bound::settable(
    "announced-flows",
    1024,
    "flows that were announced by others, each shard",
    "the one announced first is forgotten",
);
pub(crate) static REMEMBERED: Bound = Bound::settable(
    "remembered-statements",
    4096,
    "statements that are remembered to tell repeats, each shard",
    "all are forgotten, so that each may be told once more",
);
pub(crate) static PROBING: Bound = Bound::with_memory(
    "probing-bytes",
    64 << 20,
    "bytes that wait for their flow to be named, all shards together",
    "the flow stays unknown",
);
pub(crate) static SESSIONS: Bound = Bound::with_memory(
    "session-bytes",
    256 << 20,
    "bytes of unfinished messages and files, all shards together",
    "the flow that brings more is read no further",
);
pub(crate) static CONFLICTS: Bound = Bound::settable(
    "conflicts-listed",
    100,
    "flows with contradicting bytes that the report lists",
    "further ones are counted only",
);
pub(crate) static HOURS: Bound = Bound::with_memory(
    "conversation-hours",
    1_000_000,
    "sums of conversations by hour, with a state",
    "further ones are counted as flows only",
);
pub(crate) static DEVICES: Bound = Bound::settable(
    "devices-listed",
    20_000,
    "devices that the report lists",
    "the least medical and harmless are counted only",
);
pub(crate) static FINDINGS: Bound = Bound::settable(
    "findings-listed",
    2_000,
    "findings that the report lists",
    "the least severe are counted only",
);
pub(crate) static ARTIFACTS: Bound = Bound::settable(
    "artifacts",
    10_000,
    "files that crossed and are listed",
    "later ones are counted only",
);
pub(crate) static MASKED: Bound = Bound::settable(
    "masked-values",
    10_000,
    "words of patient data that are masked wherever they recur",
    "all texts learnt from traffic are withheld",
);

static OWN: &[&Bound] = &[
    &NEIGHBOURS,
    &SUMS,
    &COOKED,
    &ANNOUNCED,
    &REMEMBERED,
    &PROBING,
    &SESSIONS,
    &CONFLICTS,
    &HOURS,
    &DEVICES,
    &FINDINGS,
    &ARTIFACTS,
    &MASKED,
];

/// Every bound, sorted by name.
pub fn bounds() -> Vec<&'static Bound> {
    let records = auscult_protocols::ALL
        .iter()
        .map(|protocol| protocol.record())
        .chain(auscult_protocols::PACKET_RECORDS.iter().copied());
    let mut all: Vec<&'static Bound> = [
        auscult_capture::BOUNDS,
        auscult_packet::BOUNDS,
        auscult_flow::BOUNDS,
        auscult_protocols::BOUNDS,
        auscult_inventory::BOUNDS,
        &[&auscult_detect::FACTS],
        OWN,
    ]
    .into_iter()
    .flatten()
    .copied()
    .chain(records.flat_map(|record| record.bounds.iter().copied()))
    .collect();
    all.sort_unstable_by_key(|bound| bound.name);
    // Protocols of one family keep a bound together.
    all.dedup_by(|a, b| std::ptr::eq(*a, *b));
    all
}

#[cfg(test)]
mod tests {
    use super::bounds;

    #[test]
    fn every_name_stands_once() {
        let names: Vec<&str> = bounds().iter().map(|bound| bound.name).collect();
        assert!(names.len() > 40, "{names:?}");
        for pair in names.windows(2) {
            assert_ne!(pair[0], pair[1]);
        }
        let fit = |name: &&str| name.bytes().all(|b| b == b'-' || b.is_ascii_alphanumeric());
        assert!(names.iter().all(fit), "{names:?}");
    }
}
