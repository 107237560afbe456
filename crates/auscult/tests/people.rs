//! What people say to a state and ask of it, from outside: names, decisions, slips.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// A folder with a capture and a state of it.
fn bench(name: &str) -> PathBuf {
    let folder = format!("people-{name}-{}", std::process::id());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("leak.pcapng");
    auscult_lab::write("leak-through-gateway", 7, &file).unwrap();
    out(
        &folder,
        &["leak.pcapng", "--quiet", "--state", "ward.state"],
    );
    folder
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_auscult"));
    command.current_dir(folder).stdin(Stdio::null());
    command.args(arguments).output().unwrap()
}

fn out(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {complaint}");
    String::from_utf8(output.stdout).unwrap()
}

fn complaint(folder: &Path, arguments: &[&str], code: i32) -> String {
    let output = run(folder, arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    said
}

/// Ids and first addresses of the devices.
fn devices(folder: &Path) -> Vec<(String, String)> {
    let text = out(
        folder,
        &["devices", "--state", "ward.state", "--format", "json"],
    );
    let list: Value = serde_json::from_str(&text).unwrap();
    let list = list["devices"].as_array().or(list.as_array()).unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    list.iter()
        .map(|device| (text(&device["id"]), text(&device["ips"][0])))
        .collect()
}

#[test]
fn a_name_of_two_devices_lists_both() {
    let folder = bench("twins");
    let all = devices(&folder);
    let [(one, _), (two, _), ..] = all.as_slice() else {
        panic!("{all:?}");
    };
    for id in [one, two] {
        out(
            &folder,
            &[
                "device",
                id,
                "set",
                "name=twin",
                "bed=",
                "--state",
                "ward.state",
            ],
        );
        out(
            &folder,
            &["device", id, "set", "role=server", "--state", "ward.state"],
        );
    }
    let said = complaint(&folder, &["device", "twin", "--state", "ward.state"], 2);
    assert!(
        said.contains("is 2 devices") && said.contains(one) && said.contains(two),
        "{said}"
    );
}

#[test]
fn devices_are_split_by_any_name_of_the_other() {
    let folder = bench("split");
    let all = devices(&folder);
    let [(one, _), .., (other, address)] = all.as_slice() else {
        panic!("{all:?}");
    };
    for name in [address, other] {
        out(
            &folder,
            &["device", one, "merge", address, "--state", "ward.state"],
        );
        assert_eq!(devices(&folder).len(), all.len() - 1);
        out(
            &folder,
            &["device", one, "split", name, "--state", "ward.state"],
        );
        assert_eq!(devices(&folder).len(), all.len());
    }
    let said = complaint(
        &folder,
        &["device", one, "split", address, "--state", "ward.state"],
        2,
    );
    assert!(said.contains("nobody merged"), "{said}");
}

/// One rule for all commands: what was accepted or closed fails nothing.
#[test]
fn decided_findings_fail_nothing() {
    let folder = bench("decided");
    let state = ["--state", "ward.state"];
    let text = out(
        &folder,
        &[&["findings", "--format", "json"], &state[..]].concat(),
    );
    let list: Value = serde_json::from_str(&text).unwrap();
    let list = list["findings"].as_array().or(list.as_array()).unwrap();
    let ways: [&[&str]; 3] = [
        &["analyze", "--fail-on", "info"],
        &["findings", "--fail-on", "info"],
        &["diff", "--since", "2001-01-01", "--fail-on", "info"],
    ];
    for way in ways {
        complaint(&folder, &[way, &state[..]].concat(), 3);
    }
    for finding in list {
        let id = finding["id"].as_str().unwrap();
        let accept = [
            "finding",
            id,
            "accept",
            "--until",
            "2200-01-01",
            "--reason",
            "known",
        ];
        out(&folder, &[&accept[..], &state[..]].concat());
    }
    for way in ways {
        complaint(&folder, &[way, &state[..]].concat(), 0);
    }
}

#[test]
fn the_time_that_captures_cover_is_told_where_another_was_asked_for() {
    let folder = bench("outside");
    for option in ["--since=2200-01-01", "--until=2001-01-01"] {
        let said = complaint(&folder, &["leak.pcapng", "--quiet", option], 0);
        assert!(
            said.contains("leak.pcapng covers 20") && said.contains("UTC"),
            "{said}"
        );
        let output = run(&folder, &["leak.pcapng", "--format", "json", option]);
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(
            report["captures"][0]["first"].is_null(),
            "{}",
            report["captures"]
        );
        assert!(report["captures"][0]["outside"]["first"].is_string());
    }
}

#[test]
fn a_state_for_a_capture_and_a_folder_for_a_state_are_told() {
    let folder = bench("slips");
    let said = complaint(&folder, &["devices", "ward.state"], 1);
    assert!(
        said.contains("a state of Auscult") && said.contains("--state FILE"),
        "{said}"
    );
    for words in [&["devices"][..], &["leak.pcapng", "--quiet"]] {
        let said = complaint(&folder, &[words, &["--state", "."]].concat(), 1);
        assert!(
            said.contains("a folder") && !said.contains("disk"),
            "{said}"
        );
    }
}

/// Patients' digests lie in the file: it is its owner's alone, whoever made it empty before.
#[cfg(unix)]
#[test]
fn an_empty_file_becomes_private_as_a_state() {
    use std::os::unix::fs::PermissionsExt;
    let folder = bench("private");
    let file = folder.join("made.state");
    fs::write(&file, "").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    out(
        &folder,
        &["leak.pcapng", "--quiet", "--state", "made.state"],
    );
    let mode = file.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
