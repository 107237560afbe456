//! Members of a bundle of evidence as one input: one behind another, with a mark between them.

use std::path::Path;

use auscult_engine::{Options, Unwatched, analyze, each_packet};
use auscult_evidence::{
    Case, Configuration, Custody, Cut, Facts, Frame, Key, Level, Named, Proof, Selected, Selection,
};
use auscult_model::report::Finding;

/// The members that a manifest lists, in order.
pub const MEMBERS: [&str; 6] = [
    "README.txt",
    "facts.json",
    "findings.json",
    "packets.json",
    "packets.pcapng",
    "report.html",
];

/// Stands between two members.
pub const MARK: &[u8] = b"\n--next--\n";

/// The members of an input.
pub fn parts(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    while let Some(at) = bytes.windows(MARK.len()).position(|window| window == MARK) {
        parts.push(&bytes[..at]);
        bytes = &bytes[at + MARK.len()..];
    }
    parts.push(bytes);
    parts
}

/// A bundle of all findings of a capture, with all of its packets; none when it has no findings.
pub fn of(path: &Path) -> Option<Vec<u8>> {
    let paths = [path.to_owned()];
    let options = Options::default();
    let report = analyze(&paths, &options, &mut Unwatched).ok()?;
    let findings: Vec<&Finding> = report.findings.iter().collect();
    findings.first()?;
    let mut packets = Vec::new();
    each_packet(&paths, &options, |meta, data| {
        packets.push(Selected {
            frame: Frame {
                packet: meta.reference(),
                time: meta.time,
                interface: meta.interface,
                link: meta.link,
                original: meta.original,
                data: data.to_vec(),
            },
            level: Level::Device,
        });
    })
    .ok()?;
    let originals: Vec<Frame> = packets.iter().map(|kept| kept.frame.clone()).collect();
    let selection = Selection {
        packets,
        ..Selection::default()
    };
    let files: Vec<String> = report.captures.iter().map(|it| it.file.clone()).collect();
    let cut = Cut::new(selection, &Named::new(&report, &findings), None, &files);
    let proofs = findings
        .iter()
        .map(|finding| Proof::new(finding, &report.devices, &report));
    let facts = Facts {
        custody: Custody::default(),
        configuration: Configuration::default(),
        proofs: proofs.collect(),
        captures: report.captures.clone(),
        site: report.site.clone(),
        devices: report.devices.clone(),
        coverage: report.coverage.clone(),
        health: report.health.clone(),
        data_sets: report.data_sets.clone(),
    };
    let case = Case {
        findings: &findings,
        facts: &facts,
        cut: &cut,
        originals: &originals,
        seed: [5; 32],
        key: &Key::new([7; 32]),
        timestamp: None,
        version: "0",
    };
    Some(case.bundle().ok()?.zip)
}

/// The contents of the members that a manifest lists, in a bundle that is whole.
pub fn members(zip: &[u8]) -> Vec<Vec<u8>> {
    let mut members = Vec::new();
    let mut at = 0;
    while members.len() < MEMBERS.len() && zip[at..].starts_with(b"PK\x03\x04") {
        let number = |from: usize, bytes: usize| {
            let bytes = &zip[at + from..at + from + bytes];
            bytes
                .iter()
                .rev()
                .fold(0, |sum, byte| sum << 8 | usize::from(*byte))
        };
        let start = at + 30 + number(26, 2) + number(28, 2);
        let end = start + number(18, 4);
        members.push(zip[start..end].to_vec());
        at = end;
    }
    members
}
