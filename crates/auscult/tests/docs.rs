//! docs/protocols.md and docs/findings.md are made from the records, so that they cannot say
//! something else than the program: this test compares them, `UPDATE=1` writes them.

#![expect(
    clippy::unwrap_used,
    reason = "a test may stop at what it did not expect"
)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use auscult_detect::RuleRecord;
use auscult_protocols::{Record, Tier};

fn docs(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs")
        .join(name)
}

fn hold(name: &str, text: &str) {
    let path = docs(name);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let now = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        now == text,
        "docs/{name} differs from the records: UPDATE=1 cargo test -p auscult --test docs"
    );
}

fn tier(tier: Tier) -> &'static str {
    match tier {
        Tier::Decoded => "decoded",
        Tier::Identity => "identity: only what names devices, people or secrets",
        Tier::Recognised => "recognised: told apart, nothing read",
    }
}

fn protocol(text: &mut String, record: &Record) {
    writeln!(text, "\n## {}\n", record.name).unwrap();
    writeln!(text, "{}. Tier: {}.\n", record.title, tier(record.tier)).unwrap();
    if !record.ports.is_empty() {
        let ports: Vec<String> = record.ports.iter().map(ToString::to_string).collect();
        writeln!(
            text,
            "- Tried first on port {}, decided by bytes.",
            ports.join(", ")
        )
        .unwrap();
    }
    writeln!(
        text,
        "- Reads: {}.",
        record.reads.join("; ").trim_end_matches('.')
    )
    .unwrap();
    writeln!(
        text,
        "- Leaves out: {}.",
        record.leaves_out.trim_end_matches('.')
    )
    .unwrap();
    for (name, what) in record.attributes {
        writeln!(text, "- Attribute `{name}`: {what}").unwrap();
    }
    writeln!(
        text,
        "- Looks likely by chance: {}.",
        record.false_likely.trim_end_matches('.')
    )
    .unwrap();
    writeln!(text, "- Sources: {}.", record.sources.join("; ")).unwrap();
}

#[test]
fn protocols_are_described_by_their_records() {
    let mut records: Vec<&Record> = auscult_protocols::ALL
        .iter()
        .map(|protocol| protocol.record())
        .collect();
    records.extend(auscult_protocols::PACKET_RECORDS);
    records.sort_by_key(|record| record.name);
    let mut text = String::from(
        "# Protocols\n\nMade from the records of the code; `auscult explain NAME` says the same. \
         What is not listed here is not read.\n",
    );
    for record in records {
        protocol(&mut text, record);
    }
    hold("protocols.md", &text);
}

fn rule(text: &mut String, record: &RuleRecord) {
    writeln!(text, "\n## {}\n", record.rule).unwrap();
    writeln!(
        text,
        "{}. At worst {}.\n",
        record.title.trim_end_matches('.'),
        record.worst
    )
    .unwrap();
    writeln!(text, "{}\n", record.when).unwrap();
    for innocent in record.innocent {
        writeln!(text, "- Not: {innocent}").unwrap();
    }
    for (label, list) in [
        ("ATT&CK", record.attack),
        ("Advisories", record.cves),
        ("Sources", record.sources),
    ] {
        if !list.is_empty() {
            writeln!(text, "- {label}: {}", list.join("; ")).unwrap();
        }
    }
}

#[test]
fn findings_are_described_by_their_records() {
    let mut text = String::from(
        "# Findings\n\nMade from the records of the code; `auscult explain NAME` says the same. \
         Severity is the harm if the finding is true; how sure it is stands beside it.\n",
    );
    for detector in auscult_detect::ALL {
        rule(&mut text, detector.record());
    }
    hold("findings.md", &text);
}
