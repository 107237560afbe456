//! What `cut` writes: every packet that a finding names, with comments, readable by Wireshark, with
//! right checksums and without a planted patient.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

#[expect(dead_code, reason = "some helpers are for other tests")]
mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use support::Case;

/// Ids of all findings of a case.
fn findings(case: &Case) -> Vec<String> {
    let report = case.report();
    let findings = report["findings"].as_array().unwrap().iter();
    findings
        .map(|it| it["id"].as_str().unwrap().to_owned())
        .collect()
}

fn cut(case: &Case, ids: &[String], output: &Path, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_auscult"))
        .arg("cut")
        .args(ids)
        .arg(&case.file)
        .args(&case.args)
        .arg("-o")
        .arg(output)
        .args(more)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// Fields of every frame, as tshark reads them; `None` where there is no tshark.
fn fields(file: &Path, names: &[&str]) -> Option<Vec<Vec<String>>> {
    let mut command = Command::new("tshark");
    command.args([
        "-n",
        "-o",
        "tcp.check_checksum:TRUE",
        "-o",
        "udp.check_checksum:TRUE",
    ]);
    command.arg("-r").arg(file).args(["-T", "fields"]);
    for name in names {
        command.args(["-e", name]);
    }
    let Ok(output) = command.output() else {
        eprintln!("SKIPPED: no tshark; cuts are not read by it");
        return None;
    };
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    Some(
        text.lines()
            .map(|line| line.split('\t').map(str::to_owned).collect())
            .collect(),
    )
}

fn cases(folder: &str, seed: u64) -> (PathBuf, Vec<(Case, Vec<String>)>) {
    let folder = support::folder(folder);
    let all = auscult_lab::scenarios().iter();
    let cases: Vec<_> = all
        .map(|scenario| support::scene(scenario.name, seed, &folder))
        .map(|case| {
            let ids = findings(&case);
            (case, ids)
        })
        .filter(|(_, ids)| !ids.is_empty())
        .collect();
    (folder, cases)
}

#[test]
fn cuts_hold_what_is_named_and_no_patient() {
    let (folder, cases) = cases("cut", 5);
    assert!(
        cases.len() > 20,
        "only {} scenes have findings",
        cases.len()
    );
    let (mut there, mut masked) = (0, 0);
    for (case, ids) in &cases {
        let file = folder.join("cut.pcapng");
        let output = cut(case, ids, &file, &[]);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{}: {complaint}", case.name);
        masked += usize::from(said.contains("masked"));
        let bytes = fs::read(&file).unwrap();
        let whole = fs::read(&case.file).unwrap();
        for text in &case.planted {
            there += usize::from(support::holds(&whole, text));
            assert!(
                !support::holds(&bytes, text),
                "{}: {text} in {said}",
                case.name
            );
        }
        let Some(rows) = fields(&file, &["frame.comment", "tcp.checksum.status"]) else {
            continue;
        };
        for row in &rows {
            assert!(row[0].contains(" packet "), "{}: {row:?}", case.name);
            assert_ne!(
                row.get(1).map(String::as_str),
                Some("0"),
                "{}: {row:?}",
                case.name
            );
        }
        for evidence in case.report()["findings"].as_array().unwrap() {
            for packet in evidence["evidence"].as_array().unwrap() {
                let wanted = format!("packet {}", packet["packet"]);
                let is_there = rows.iter().any(|row| {
                    let place = row[0].find(&wanted).map(|at| at + wanted.len());
                    place
                        .is_some_and(|end| !row[0][end..].starts_with(|c: char| c.is_ascii_digit()))
                });
                assert!(is_there, "{}: {wanted}", case.name);
            }
        }
    }
    assert!(
        there >= 50 && masked >= 5,
        "{there} planted, {masked} masked"
    );
}

#[test]
fn unmasked_packets_are_the_originals() {
    let folder = support::folder("cut-unmasked");
    let case = support::scene("leak-through-gateway", 2, &folder);
    let file = folder.join("cut.pcapng");
    let output = cut(&case, &findings(&case), &file, &["--unmasked"]);
    assert_eq!(output.status.code(), Some(0));
    let bytes = fs::read(&file).unwrap();
    assert!(case.planted.iter().any(|text| support::holds(&bytes, text)));
}

#[test]
fn wrong_words_are_told() {
    let folder = support::folder("cut-words");
    let case = support::scene("leak-through-gateway", 2, &folder);
    let ids = findings(&case);
    let told = |output: Output| {
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stderr).unwrap()
    };
    let file = folder.join("cut.pcapng");
    assert!(told(cut(&case, &[], &file, &[])).contains("by their ids"));
    assert!(told(cut(&case, &["F-nothing".to_owned()], &file, &[])).contains("there are: F-"));
    assert!(told(cut(&case, &ids, &case.file, &[])).contains("is one of the captures"));
    let state = folder.join("x.state");
    let state = ["--state", state.to_str().unwrap()];
    assert!(told(cut(&case, &ids, &file, &state)).contains("keeps no packets"));
}
