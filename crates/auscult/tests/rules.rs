//! Rules of one's own: checked, tried, found, decided about by `--fail-on`, and handed on.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

#[expect(dead_code, reason = "some helpers are for other tests")]
mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const RULES: &str = r#"
[[rule]]
id = "monitor-goes-out"
title = "a bedside monitor talks to the outside"
severity = "medium"
because = "monitors belong on the closed network of their ward"
[rule.devices]
role = ["patient-monitor"]
[rule.holds]
conversation = { outside = true, direction = "out", answered = true }
[[rule.test]]
capture = "ward.pcapng"
finds = ["10.98.118.70"]

[[rule]]
id = "shell-on-the-lab-network"
title = "Telnet is used here"
severity = "low"
because = "it is switched off by order"
[rule.devices]
network = ["172.23.0.0/16"]
[rule.holds]
conversation = { protocol = ["telnet"] }
[[rule.test]]
capture = "ward.pcapng"
finds = []
"#;

fn auscult(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_auscult"))
        .args(words)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A folder with the sample and a file of rules.
fn scene(name: &str, rules: &str) -> (PathBuf, String, String) {
    let folder = support::folder(name);
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples/ward.pcapng");
    let (capture, file) = (folder.join("ward.pcapng"), folder.join("rules.toml"));
    fs::copy(sample, &capture).unwrap();
    fs::write(&file, rules).unwrap();
    let [capture, file] = [capture, file].map(|path| path.to_str().unwrap().to_owned());
    (folder, capture, file)
}

#[test]
fn tests_stand_beside_their_rule() {
    let (folder, _, file) = scene("rules-tests", RULES);
    let output = auscult(&["rules", &file]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert_eq!(said.matches("ward.pcapng: as told").count(), 2, "{said}");

    let wrong = RULES.replace("finds = []", "finds = [\"172.23.178.60\"]");
    fs::write(&file, wrong.replace("10.98.118.70", "10.98.118.20")).unwrap();
    let output = auscult(&["rules", &file]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("FAILED, not found at 10.98.118.20, found at 10.98.118.70"),
        "{said}"
    );
    assert!(
        said.contains("FAILED, not found at 172.23.178.60"),
        "{said}"
    );
    assert!(text(&output.stderr).contains("2 of 2 tests failed"));
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn what_holds_is_a_finding() {
    let (folder, capture, file) = scene("rules-found", RULES);
    let output = auscult(&[
        "analyze", &capture, "--rules", &file, "--format", "json", "--quiet",
    ]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let findings = report["findings"].as_array().unwrap();
    let own: Vec<_> = findings
        .iter()
        .filter(|it| it["rule"] == "monitor-goes-out")
        .collect();
    assert_eq!(own.len(), 1);
    assert_eq!(own[0]["severity"], "medium");
    assert_eq!(own[0]["peer"], "202.114.4.119");
    assert!(own[0]["title"].as_str().unwrap().starts_with("CCU-13: "));
    assert!(!own[0]["evidence"].as_array().unwrap().is_empty());
    assert!(
        findings
            .iter()
            .all(|it| it["rule"] != "shell-on-the-lab-network")
    );
    let ids: Vec<_> = findings.iter().map(|it| &it["id"]).collect();
    let without = auscult(&["analyze", &capture, "--format", "json", "--quiet"]);
    let without: serde_json::Value = serde_json::from_slice(&without.stdout).unwrap();
    for finding in without["findings"].as_array().unwrap() {
        assert!(ids.contains(&&finding["id"]), "ids of others stay");
    }
    assert_eq!(
        report["devices"][0]["talks_to"],
        without["devices"][0]["talks_to"]
    );
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn evidence_carries_the_rules_that_it_needs() {
    let (folder, capture, file) = scene("rules-evidence", RULES);
    let list = folder.join("list.txt");
    fs::write(&list, "202.114.4.0/24\n198.51.100.1\n").unwrap();
    let list = list.to_str().unwrap();
    let how = ["--rules", &file, "--indicators", list];
    let words = [&["findings", &capture, "--format", "json"], &how[..]].concat();
    let findings: serde_json::Value = serde_json::from_slice(&auscult(&words).stdout).unwrap();
    let id = |rule: &str| {
        let mut all = findings["findings"].as_array().unwrap().iter();
        let found = all.find(|it| it["rule"] == rule).unwrap();
        found["id"].as_str().unwrap().to_owned()
    };
    let (own, listed) = (id("monitor-goes-out"), id("indicator"));
    let [zip, key] = ["case.zip", "own.key"].map(|name| {
        let path = folder.join(name);
        path.to_str().unwrap().to_owned()
    });
    let more = ["--key", &key, "-o", &zip, "--quiet"];
    let words = [
        &["evidence", "export", &own, &listed, &capture],
        &how[..],
        &more,
    ]
    .concat();
    let output = auscult(&words);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let output = auscult(&["evidence", "verify", &zip]);
    let said = text(&output.stdout);
    assert!(output.status.success(), "{said}{}", text(&output.stderr));
    assert!(said.contains(&own) && said.contains(&listed), "{said}");
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn mistakes_are_told_with_their_line() {
    let (folder, capture, file) = scene("rules-wrong", &RULES.replace("telnet", "tellnet"));
    for words in [
        vec!["rules", &file],
        vec![capture.as_str(), "--rules", &file],
    ] {
        let output = auscult(&words);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("rules.toml: line 23"), "{said}");
        assert!(said.contains("`tellnet` is no protocol"), "{said}");
    }
    fs::write(&file, RULES).unwrap();
    let output = auscult(&[&capture, "--rules", &file, "--rules", &file]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("stands in another file too"), "{said}");
    fs::remove_dir_all(folder).unwrap();
}
