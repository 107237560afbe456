//! The program from outside: exit codes, streams, formats, on captures of the lab.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

fn auscult() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_auscult"));
    command
        .current_dir(folder())
        .stdin(Stdio::null())
        .env_remove("NO_COLOR");
    command
}

fn run(arguments: &[&str]) -> Output {
    auscult().args(arguments).output().unwrap()
}

fn code(arguments: &[&str]) -> i32 {
    run(arguments).status.code().unwrap()
}

fn out(arguments: &[&str]) -> String {
    let output = run(arguments);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {complaint}");
    assert!(complaint.is_empty(), "{arguments:?}: {complaint}");
    String::from_utf8(output.stdout).unwrap()
}

fn complaint(arguments: &[&str], expected: i32) -> String {
    let output = run(arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        output.status.code(),
        Some(expected),
        "{arguments:?}: {said}"
    );
    said
}

/// A folder with what the tests read: two captures of the lab, damaged and wrong files.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli");
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("site")).unwrap();
        let write = |scenario: &str, file: &str| {
            let status = Command::new(env!("CARGO_BIN_EXE_auscult"))
                .args(["lab", "write", scenario, "--seed", "7", "-o", file])
                .current_dir(&folder)
                .status()
                .unwrap();
            assert!(status.success());
        };
        write("leak-through-gateway", "leak.pcapng");
        write("benign-office", "office.pcap");
        let leak = fs::read(folder.join("leak.pcapng")).unwrap();
        fs::write(folder.join("cut.pcapng"), &leak[..leak.len() - 10]).unwrap();
        fs::write(folder.join("notes.txt"), "no capture at all\n").unwrap();
        // A valid capture without packets: the header of a classic file.
        let office = fs::read(folder.join("office.pcap")).unwrap();
        fs::write(folder.join("empty.pcap"), &office[..24]).unwrap();
        folder
    })
}

#[test]
fn exit_codes() {
    assert_eq!(code(&["office.pcap"]), 0);
    assert_eq!(code(&["empty.pcap"]), 0);
    assert_eq!(code(&["notes.txt"]), 1);
    assert_eq!(code(&["missing.pcap"]), 1);
    assert_eq!(code(&["site"]), 1);
    assert_eq!(code(&[]), 2);
    assert_eq!(code(&["--no-such-option", "office.pcap"]), 2);
    assert_eq!(code(&["office.pcap", "--site-net", "10.0.0.0/99"]), 2);
    assert_eq!(code(&["leak.pcapng", "--fail-on", "critical"]), 3);
    assert_eq!(code(&["leak.pcapng", "--fail-on", "info"]), 3);
    assert_eq!(code(&["office.pcap", "--fail-on", "info"]), 0);
    assert_eq!(code(&["cut.pcapng"]), 4);
    assert_eq!(code(&["cut.pcapng", "--fail-on", "high"]), 3);
    for command in ["devices", "findings", "flows", "analyze"] {
        assert_eq!(code(&[command, "cut.pcapng"]), 4, "{command}");
    }
    assert_eq!(code(&["--help"]), 0);
    assert_eq!(code(&["--version"]), 0);
}

#[test]
fn complaints_say_what_where_and_what_to_do() {
    let said = complaint(&["notes.txt"], 1);
    assert!(
        said.contains("notes.txt") && said.contains(".pcap"),
        "{said}"
    );
    let said = complaint(&["missing.pcap"], 1);
    assert!(said.contains("missing.pcap"), "{said}");
    let said = complaint(&["analyse", "leak.pcapng"], 1);
    assert!(
        said.contains("analyse") && said.contains("auscult --help"),
        "{said}"
    );
    let said = complaint(&["leak.pcapng", "--state", "x.db"], 2);
    assert_eq!(said, "auscult: --state comes later\n");
    let said = complaint(&["serve"], 2);
    assert_eq!(said, "auscult: `serve` comes later\n");
    let said = complaint(
        &[
            "leak.pcapng",
            "--since",
            "2026-01-02",
            "--until",
            "2026-01-01",
        ],
        2,
    );
    assert!(said.contains("--since"), "{said}");
    let said = complaint(&["device", "mac-nobody", "leak.pcapng"], 2);
    assert!(
        said.contains("mac-nobody") && said.contains("there are: "),
        "{said}"
    );
    let said = complaint(&["lab", "write", "no-such", "-o", "x.pcap"], 2);
    assert!(
        said.contains("no-such") && said.contains("benign-office"),
        "{said}"
    );
}

#[test]
fn json_goes_to_standard_output_alone() {
    let report: Value =
        serde_json::from_str(&out(&["analyze", "leak.pcapng", "--format", "json"])).unwrap();
    assert_eq!(report["schema"], 1);
    assert_eq!(report["captures"][0]["file"], "leak.pcapng");
    assert_eq!(report["findings"][0]["rule"], "phi-cleartext-outside");
    assert_eq!(report["findings"][0]["severity"], "critical");
    let short: Value = serde_json::from_str(&out(&["leak.pcapng", "--format=json"])).unwrap();
    assert!(report == short, "`auscult PATH` is `auscult analyze PATH`");
    let devices: Value =
        serde_json::from_str(&out(&["devices", "leak.pcapng", "--format", "json"])).unwrap();
    assert!(devices["devices"] == report["devices"]);
    let id = report["findings"][0]["id"].as_str().unwrap();
    let finding: Value =
        serde_json::from_str(&out(&["finding", id, "leak.pcapng", "--format", "json"])).unwrap();
    assert!(finding["findings"][0] == report["findings"][0]);
}

#[test]
fn text_names_the_leak_in_plain_columns() {
    let text = out(&["leak.pcapng"]);
    assert!(text.contains("Does patient data leave?"), "{text}");
    assert!(text.contains("\nCRITICAL  "), "{text}");
    assert!(text.contains("leak.pcapng #"), "{text}");
    assert!(!text.contains('\x1b'), "no colour where no terminal is");
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    let quiet = out(&["office.pcap"]);
    assert!(
        quiet.contains("Findings  none") && quiet.contains("\nNext "),
        "{quiet}"
    );
    let report: Value = serde_json::from_str(&out(&["leak.pcapng", "--format", "json"])).unwrap();
    let (device, address) = (&report["devices"][0]["id"], &report["devices"][0]["ips"][0]);
    let why = out(&["device", address.as_str().unwrap(), "leak.pcapng", "--why"]);
    assert!(
        why.contains(device.as_str().unwrap()) && why.contains("Why: "),
        "{why}"
    );
}

#[test]
fn flows_are_lines() {
    let lines = out(&["flows", "leak.pcapng", "--format", "json"]);
    let flows: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(
        flows.iter().any(|flow| flow["protocol"] == "contec-cms"),
        "{lines}"
    );
    for flow in &flows {
        assert!(
            flow["originator"]["ip"].is_string() && flow["bytes"][1].is_u64(),
            "{flow}"
        );
    }
    let csv = out(&["flows", "leak.pcapng", "--format", "csv"]);
    assert_eq!(csv.lines().count(), flows.len() + 1);
    assert_eq!(
        out(&["flows", "leak.pcapng"]).lines().count(),
        flows.len() + 1
    );
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let one = out(&[
        "leak.pcapng",
        "office.pcap",
        "--format",
        "json",
        "--threads",
        "1",
    ]);
    let four = out(&[
        "leak.pcapng",
        "office.pcap",
        "--format",
        "json",
        "--threads",
        "4",
    ]);
    assert!(one == four);
}

#[test]
fn standard_input_is_a_capture() {
    let mut child = auscult()
        .args(["findings", "-", "--format", "csv"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let bytes = fs::read(folder().join("leak.pcapng")).unwrap();
    child.stdin.take().unwrap().write_all(&bytes).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("phi-cleartext-outside") && text.contains("- #"),
        "{text}"
    );
}

#[test]
fn a_closed_pipe_is_no_failure() {
    for arguments in [
        &["leak.pcapng", "--all"][..],
        &["flows", "leak.pcapng"],
        &["explain"],
    ] {
        let mut child = auscult()
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let mut said = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut said)
            .unwrap();
        assert_eq!(
            child.wait().unwrap().code(),
            Some(0),
            "{arguments:?}: {said}"
        );
        assert!(said.is_empty(), "{arguments:?}: {said}");
    }
}

#[test]
fn the_site_file_is_read_and_checked() {
    let site = folder().join("site");
    let partner = "[[partner]]\nname = \"Maker\"\nnetworks = [\"202.114.4.0/24\"]\n";
    fs::write(site.join("partner.toml"), partner).unwrap();
    fs::write(site.join("wrong.toml"), "[site]\ncountry = 7\n").unwrap();
    let report: Value = serde_json::from_str(&out(&[
        "leak.pcapng",
        "--format",
        "json",
        "--config",
        "site/partner.toml",
    ]))
    .unwrap();
    assert_eq!(report["site"]["partners"][0], "Maker");
    let rules: Vec<&Value> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| &f["rule"])
        .collect();
    assert!(
        !rules.iter().any(|rule| *rule == "phi-cleartext-outside"),
        "{rules:?}"
    );
    let said = complaint(&["leak.pcapng", "--config", "site/wrong.toml"], 2);
    assert!(
        said.contains("site/wrong.toml") && said.contains("line 2"),
        "{said}"
    );
    complaint(&["leak.pcapng", "--config", "site/none.toml"], 2);
}

#[test]
fn what_is_outside_the_time_does_not_count() {
    let flows = |arguments: &[&str]| -> u64 {
        let report: Value = serde_json::from_str(&out(arguments)).unwrap();
        report["health"]["flows"].as_u64().unwrap()
    };
    let whole = flows(&["leak.pcapng", "--format", "json"]);
    let before = flows(&["leak.pcapng", "--format", "json", "--until", "2001-01-01"]);
    let after = flows(&["leak.pcapng", "--format", "json", "--since", "2001-01-01"]);
    assert!(whole > 0);
    assert_eq!((before, after), (0, whole));
}

#[test]
fn every_record_is_explained() {
    let table = out(&["explain"]);
    for name in [
        "contec-cms",
        "arp",
        "phi-cleartext-outside",
        "contec-cms8000",
    ] {
        assert!(table.contains(&format!("\n  {name} ")), "{table}");
        assert!(out(&["explain", name]).starts_with(&format!("{name}: ")));
    }
    let said = complaint(&["explain", "contec-cmz"], 2);
    assert!(said.contains("did you mean contec-cms"), "{said}");
}

#[test]
fn completions_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(out(&["completions", shell]).contains("findings"), "{shell}");
    }
    assert!(out(&["lab", "list"]).contains("benign-office"));
}
