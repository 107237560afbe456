//! No planted patient and no planted secret appears in any output: every format of every command,
//! results and complaints, letters in either case.
//!
//! The lab writes names, numbers and birth dates of invented patients into every place where
//! they may turn up, and says which; the cases that others made say theirs.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

#[expect(dead_code, reason = "how bytes are searched is for other tests")]
mod support;

use std::fs;

use serde_json::Value;
use support::Case;

/// Runs with a name and all that they printed.
type Printed = Vec<(String, Vec<u8>)>;

/// All that is printed about a capture.
fn everything(case: &Case) -> Printed {
    let mut printed = Printed::new();
    let mut take = |words: &[&str], codes: &[i32]| {
        let output = case.run(words);
        let code = output.status.code();
        assert!(
            code.is_some_and(|code| codes.contains(&code)),
            "{}: {words:?}: {code:?} {}",
            case.name,
            String::from_utf8_lossy(&output.stderr)
        );
        printed.push((words.join(" "), [output.stdout, output.stderr].concat()));
    };
    for command in ["analyze", "devices", "findings", "flows"] {
        for form in ["table", "json", "csv"] {
            take(&[command, "--format", form], &[0]);
        }
        // Reports can be long or short; flows have one length.
        if command != "flows" {
            take(&[command, "--all"], &[0]);
        }
    }
    take(&["--quiet"], &[0]);
    take(&["analyze", "--fail-on", "info"], &[0, 3]);
    take(&["device", "nobody"], &[2]);
    take(&["finding", "F-none"], &[2]);
    let report = case.report();
    for device in report["devices"].as_array().unwrap() {
        let id = device["id"].as_str().unwrap();
        take(&["device", id, "--why", "--all"], &[0]);
        take(&["device", id, "--format", "csv"], &[0]);
    }
    for finding in report["findings"].as_array().unwrap() {
        let id = finding["id"].as_str().unwrap();
        for form in ["table", "json", "csv"] {
            take(&["finding", id, "--format", form], &[0]);
        }
    }
    printed.push(("the state".to_owned(), state(case)));
    printed
}

/// Every byte of a state that remembers the capture.
fn state(case: &Case) -> Vec<u8> {
    let folder = support::folder(&format!("privacy-state-{}", case.name.replace(' ', "-")));
    let file = folder.join("ward.state");
    let output = case.run(&[
        "analyze".as_ref(),
        "--quiet".as_ref(),
        "--state".as_ref(),
        file.as_os_str(),
    ]);
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(words.contains("saved: 1 capture"), "{}: {words}", case.name);
    let files = fs::read_dir(&folder).unwrap();
    files
        .flat_map(|file| fs::read(file.unwrap().path()).unwrap())
        .collect()
}

/// The same capture, cut in the middle of a packet: told as damaged.
fn cut(case: &Case) -> Printed {
    let bytes = fs::read(&case.file).unwrap();
    let folder = support::folder(&format!("privacy-cut-{}", case.name.replace(' ', "-")));
    let cut = Case {
        file: folder.join("cut.pcapng"),
        name: format!("{} cut", case.name),
        args: case.args.clone(),
        planted: Vec::new(),
    };
    fs::write(&cut.file, &bytes[..bytes.len() - 5]).unwrap();
    let output = cut.run(&["analyze", "--all"]);
    assert_eq!(output.status.code(), Some(4), "{}", cut.name);
    vec![("cut".to_owned(), [output.stdout, output.stderr].concat())]
}

fn place(bytes: &[u8], text: &str) -> Option<usize> {
    let mut windows = bytes.windows(text.len().max(1));
    windows.position(|window| window.eq_ignore_ascii_case(text.as_bytes()))
}

/// The line of an output that shows a text.
fn line(bytes: &[u8], at: usize) -> String {
    let start = bytes[..at]
        .iter()
        .rposition(|b| *b == b'\n')
        .map_or(0, |n| n + 1);
    let end = bytes[at..]
        .iter()
        .position(|b| *b == b'\n')
        .map_or(bytes.len(), |n| at + n);
    let (start, end) = (start.max(at.saturating_sub(80)), end.min(at + 80));
    String::from_utf8_lossy(&bytes[start..end])
        .trim()
        .to_owned()
}

/// Searches cases; `least` of the planted texts must stand in the captures as they are, else the
/// search would prove nothing.
fn hold(cases: impl IntoIterator<Item = Case>, least: usize) {
    let (mut complaints, mut there) = (Vec::new(), 0);
    for case in cases {
        let capture = fs::read(&case.file).unwrap();
        let mut printed = everything(&case);
        printed.extend(cut(&case));
        for text in &case.planted {
            there += usize::from(place(&capture, text).is_some());
            for (words, bytes) in &printed {
                if let Some(at) = place(bytes, text) {
                    let line = line(bytes, at);
                    complaints.push(format!("{}: {words}: {text}: {line}", case.name));
                }
            }
        }
    }
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
    assert!(
        there >= least,
        "only {there} planted texts are in the captures"
    );
}

#[test]
fn wards_show_no_patient() {
    let folder = support::folder("privacy-wards");
    hold((1..4).map(|seed| support::scene("ward", seed, &folder)), 30);
}

#[test]
fn scenes_show_no_patient_and_no_secret() {
    let folder = support::folder("privacy-scenes");
    let scenarios = auscult_lab::scenarios().iter().filter(|s| !s.whole);
    let cases = scenarios.map(|scenario| support::scene(scenario.name, 5, &folder));
    hold(cases.filter(|case| !case.planted.is_empty()), 50);
}

#[test]
fn names_planted_in_hosts_jobs_and_paths_are_masked() {
    let folder = support::folder("privacy-planted");
    let cases: Vec<Case> = (1..6)
        .map(|seed| support::scene("planted-names", seed, &folder))
        .collect();
    // What is masked was really taken in: the place where it stood says so.
    for case in &cases {
        let report: Value = case.report();
        let text = serde_json::to_string(&report["devices"]).unwrap();
        assert!(text.contains("[patient]"), "{}: nothing masked", case.name);
    }
    hold(cases, 10);
}

#[test]
fn captures_others_made_show_no_patient_and_no_secret() {
    let cases = support::shared_cases();
    if cases.is_empty() {
        return;
    }
    hold(cases, 20);
}
