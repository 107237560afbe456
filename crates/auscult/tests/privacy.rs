//! No planted patient and no planted secret appears in any output.
//!
//! The lab writes names, numbers and birth dates of invented patients into every place where
//! they may turn up, and says which; every format of every command is searched for them,
//! letters in either case.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("privacy");
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Standard output and error together.
fn said(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_auscult"))
        .args(arguments)
        .current_dir(folder())
        .output()
        .unwrap();
    assert!(
        output.status.code().is_some_and(|code| code != 2),
        "{arguments:?}"
    );
    String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
}

fn texts(truth: &Value, name: &str) -> Vec<String> {
    let list = truth[name].as_array().unwrap();
    list.iter()
        .map(|text| text.as_str().unwrap().to_owned())
        .collect()
}

/// All that is printed about a capture.
fn everything(file: &str) -> String {
    let json = said(&["analyze", file, "--format", "json"]);
    let report: Value = serde_json::from_str(&json).unwrap();
    let mut all = json;
    for arguments in [
        &["analyze", file, "--all"][..],
        &["devices", file, "--format", "csv"],
        &["findings", file, "--format", "csv"],
        &["flows", file],
        &["flows", file, "--format", "json"],
        &["flows", file, "--format", "csv"],
    ] {
        all += &said(arguments);
    }
    for device in report["devices"].as_array().unwrap() {
        all += &said(&[
            "device",
            device["id"].as_str().unwrap(),
            file,
            "--why",
            "--all",
        ]);
    }
    for finding in report["findings"].as_array().unwrap() {
        all += &said(&["finding", finding["id"].as_str().unwrap(), file]);
    }
    all
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window.eq_ignore_ascii_case(text.as_bytes()))
}

#[test]
fn no_planted_patient_and_no_secret_is_shown() {
    let scenarios = said(&["lab", "list"]);
    let names: Vec<&str> = scenarios
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    let mut complaints = Vec::new();
    let (mut searched, mut in_the_bytes) = (0, 0);
    for name in names {
        let file = format!("{name}.pcapng");
        assert_eq!(
            said(&["lab", "write", name, "--seed", "5", "-o", &file]),
            "",
            "{name}"
        );
        let path = folder().join(&file);
        let truth = fs::read(path.with_extension("pcapng.truth.json")).unwrap();
        let truth: Value = serde_json::from_slice(&truth).unwrap();
        let mut planted = texts(&truth[name], "private");
        planted.extend(texts(&truth[name], "secrets"));
        if planted.is_empty() {
            continue;
        }
        let capture = fs::read(&path).unwrap();
        let output = everything(&file);
        for text in planted {
            searched += 1;
            in_the_bytes += usize::from(contains(&capture, &text));
            if contains(output.as_bytes(), &text) {
                let line = output.lines().find(|line| contains(line.as_bytes(), &text));
                complaints.push(format!(
                    "{name}: {text}: {}",
                    line.unwrap_or_default().trim()
                ));
            }
        }
    }
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
    // Else the search would prove nothing.
    assert!(
        searched >= 20 && in_the_bytes >= 20,
        "{searched} searched, {in_the_bytes} there"
    );
}
