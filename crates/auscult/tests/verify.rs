//! `verify`: exit codes and words for measures that took, that did not, and of which nobody can
//! tell.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

#[expect(dead_code, reason = "some helpers are for other tests")]
mod support;

use std::process::Command;

use serde_json::Value;
use support::Case;

/// The exit code and the answer as JSON.
fn verify(words: &[&str]) -> (i32, Value) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_auscult"));
    let output = command.arg("verify").args(words).args(["--format", "json"]);
    let output = output.output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    let answer = serde_json::from_slice(&output.stdout);
    let answer = answer.unwrap_or_else(|_| panic!("{words:?}: {complaint}"));
    (output.status.code().unwrap(), answer)
}

const RANGE: &str = "202.114.4.0/24";

fn shared(name: &str) -> Option<Case> {
    let mut cases = support::shared_cases().into_iter();
    cases.find(|case| case.name == name)
}

#[test]
fn blocks_by_captures_that_others_made() {
    for (name, code, word) in [
        ("c01_leak_through_gateway", 3, "does-not-hold"),
        ("c03_attempts_only", 0, "holds"),
        ("c02_station_on_link", 4, "cannot-tell"),
        ("c27_benign_office", 4, "cannot-tell"),
    ] {
        let Some(case) = shared(name) else {
            continue;
        };
        let (exit, answer) = verify(&["blocked", RANGE, case.file.to_str().unwrap()]);
        assert_eq!(
            (exit, answer["answer"].as_str()),
            (code, Some(word)),
            "{name}"
        );
        // What was answered, or not, is named with packets.
        if word != "cannot-tell" {
            let packets = answer["seen"][0]["packets"].as_array().unwrap();
            assert!(!packets.is_empty(), "{answer}");
        }
    }
}

#[test]
fn a_family_that_talks_is_not_gone() {
    let folder = support::folder("verify-absent");
    let scene = support::scene("cms8000-leak", 1, &folder);
    let file = scene.file.to_str().unwrap();
    for family in ["contec-cms8000", "ICSMA-25-030-01", "epsimed mn-120"] {
        let (exit, answer) = verify(&["absent", family, file, "--days", "7"]);
        assert_eq!(exit, 3, "{answer}");
        let packets = answer["seen"][0]["packets"].as_array().unwrap();
        assert!(!packets.is_empty(), "{answer}");
    }
    // Another family is not there, but a few minutes are no day.
    let (exit, answer) = verify(&["absent", "ge-unity", file]);
    assert_eq!(exit, 4, "{answer}");
    let because = answer["because"][0].as_str().unwrap();
    assert!(because.contains("less than an hour"), "{because}");
}

#[test]
fn a_state_tells_what_came_after_the_block() {
    let (Some(leak), Some(tried)) = (
        shared("c01_leak_through_gateway"),
        shared("c03_attempts_only"),
    ) else {
        return;
    };
    let folder = support::folder("verify-state");
    let state = folder.join("ward.state");
    let state = state.to_str().unwrap();
    for case in [&leak, &tried] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_auscult"));
        command.arg("analyze").arg(&case.file);
        let output = command.args(["--state", state]).output().unwrap();
        assert!(output.status.success());
    }
    let (exit, answer) = verify(&["blocked", RANGE, "--state", state]);
    assert_eq!(exit, 3, "{answer}");
    let since = "2025-11-23T12:14:00Z";
    let (exit, answer) = verify(&["blocked", RANGE, "--state", state, "--since", since]);
    assert_eq!(exit, 0, "{answer}");
}
