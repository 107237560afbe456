//! docs/protocols.md, docs/findings.md and the tables of docs/limits.md are made from the records,
//! so that they cannot say something else than the program: this test compares them, `UPDATE=1`
//! writes them.

#![expect(
    clippy::unwrap_used,
    reason = "a test may stop at what it did not expect"
)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use auscult_detect::RuleRecord;
use auscult_model::{Bound, BoundKind};
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

/// A number as `--limit` takes it.
fn number(value: u64) -> String {
    for (shift, unit) in [(40, "T"), (30, "G"), (20, "M"), (10, "K")] {
        if value >= 1 << shift && value.is_multiple_of(1 << shift) {
            return format!("{}{unit}", value >> shift);
        }
    }
    value.to_string()
}

/// The sources of all tests, by their path in the repository.
fn tests(folder: &Path, under: &str, into: &mut Vec<(String, String)>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        let name = format!("{under}/{}", path.file_name().unwrap().to_string_lossy());
        if path.is_dir() {
            tests(&path, &name, into);
        } else if name.contains("/tests/") && name.ends_with(".rs") {
            into.push((name, std::fs::read_to_string(&path).unwrap()));
        }
    }
}

/// Where a bound is reached: the tests that ask for its counter.
fn reached_in(bound: &Bound, tests: &[(String, String)]) -> String {
    // Every table of the inventory is reached by one test, whatever it is called.
    const TABLES: &str = "crates/auscult-engine/tests/limits/inventory.rs";
    let quoted = format!("\"{}\"", bound.name);
    let asks = |text: &str| {
        text.match_indices(&quoted).any(|(at, _)| {
            let before = &text[..at];
            let start = before.len().saturating_sub(200);
            let near = before.get(start..).unwrap_or(before);
            [
                "reached(",
                "reached_by(",
                "limit(",
                "limits.get(",
                "limits().get(",
            ]
            .iter()
            .any(|word| near.contains(word))
        })
    };
    let found: Vec<&str> = tests
        .iter()
        .filter(|(name, text)| !name.ends_with("docs.rs") && asks(text))
        .map(|(name, _)| name.as_str())
        .collect();
    let is_table = bound.name.starts_with("inventory-") || bound.name == "facts";
    match found.first() {
        Some(first) => format!("[{}](../{first})", first.trim_start_matches("crates/")),
        None if is_table && bound.kind == BoundKind::WithMemory => {
            format!("[{}](../{TABLES})", TABLES.trim_start_matches("crates/"))
        }
        None => panic!("no test reaches {}", bound.name),
    }
}

#[test]
fn limits_are_described_by_their_bounds() {
    const BEGIN: &str = "<!-- bounds: written by UPDATE=1 cargo test -p auscult --test docs -->";
    const END: &str = "<!-- end of bounds -->";
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut sources = Vec::new();
    tests(&crates, "crates", &mut sources);
    let mut text = String::from(BEGIN);
    for (title, kind) in [
        ("Follow `--max-memory` and `--limit`", BoundKind::WithMemory),
        ("Follow `--limit`", BoundKind::Settable),
        ("Always the same", BoundKind::Constant),
    ] {
        writeln!(text, "\n\n### {title}\n").unwrap();
        writeln!(text, "| name | default | what | beyond it | reached in |").unwrap();
        write!(text, "|---|--:|---|---|---|").unwrap();
        let mut bounds = auscult_engine::bounds();
        bounds.extend(auscult_evidence::BOUNDS);
        for bound in bounds.iter().filter(|bound| bound.kind == kind) {
            write!(
                text,
                "\n| `{}` | {} | {} | {} | {} |",
                bound.name,
                number(bound.default),
                bound.of,
                bound.beyond,
                reached_in(bound, &sources)
            )
            .unwrap();
        }
    }
    write!(text, "\n\n{END}").unwrap();
    let old = std::fs::read_to_string(docs("limits.md")).unwrap();
    let (before, rest) = old.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    hold("limits.md", &format!("{before}{text}{after}"));
}
