//! `register check` on wards of the lab: a register that is made of the truth matches, one of
//! strangers does not.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

#[expect(dead_code, reason = "other tests use the rest")]
mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn run(arguments: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_auscult"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

fn json(arguments: &[&str], folder: &Path) -> Value {
    let output = run(arguments, folder);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn wards_match_their_own_register_and_no_other() {
    for seed in [7, 8, 9] {
        let folder = support::folder(&format!("register-{seed}"));
        let case = support::scene("ward", seed, &folder);
        let report = case.report();
        fs::write(folder.join("report.json"), report.to_string()).unwrap();
        let mut own = "Asset;Type;MAC\r\n".to_owned();
        let mut strangers = own.clone();
        let mut devices = 0;
        for device in report["devices"].as_array().unwrap() {
            let Some(mac) = device["macs"][0].as_str() else {
                continue;
            };
            let only = report["devices"].as_array().unwrap().iter();
            let only = only
                .filter(|other| other["macs"].to_string().contains(mac))
                .count()
                == 1;
            if !only || mac.starts_with("00:00:5e") {
                continue;
            }
            devices += 1;
            let id = device["id"].as_str().unwrap();
            own.push_str(&format!(
                "{id};x;{}\r\n",
                mac.replace(':', "").to_uppercase()
            ));
            let (front, last) = mac.rsplit_once(':').unwrap();
            let other = u8::from_str_radix(last, 16).unwrap() ^ 0x55;
            strangers.push_str(&format!("{id};x;{front}:{other:02x}\r\n"));
        }
        assert!(devices > 5, "seed {seed}");
        fs::write(folder.join("own.csv"), own).unwrap();
        fs::write(folder.join("strangers.csv"), strangers).unwrap();
        let words = [
            "register",
            "check",
            "own.csv",
            "report.json",
            "--format",
            "json",
        ];
        let check = json(&words, &folder);
        let both = check["network"]["both"].as_array().unwrap();
        assert_eq!(both.len(), devices, "seed {seed}");
        for found in both {
            assert_eq!(found["row"]["asset"], found["devices"][0]["id"]);
        }
        let words = [
            "register",
            "check",
            "strangers.csv",
            "report.json",
            "--format",
            "json",
        ];
        let check = json(&words, &folder);
        assert_eq!(check["network"]["both"].as_array().unwrap().len(), 0);
        assert_eq!(check["network"]["counted"].as_array().unwrap().len(), 0);
    }
}

#[test]
fn complaints_and_exit_codes() {
    let folder = support::folder("register-complaints");
    fs::write(folder.join("a.csv"), "Asset,Model\n1,CMS8000\n").unwrap();
    fs::write(folder.join("a.xlsx"), b"PK\x03\x04rest").unwrap();
    for (arguments, code, word) in [
        (&["register", "check", "a.csv"][..], 0, ""),
        (
            &["register", "check", "a.xlsx"][..],
            1,
            "save or export it as CSV",
        ),
        (&["register", "check", "none.csv"][..], 1, "none.csv"),
        (
            &["register", "check", "a.csv", "--column", "colour=x"][..],
            2,
            "no column holds",
        ),
        (
            &["register", "check", "a.csv", "--column", "serial=x"][..],
            1,
            "Asset, Model",
        ),
        (&["register"][..], 2, "check"),
    ] {
        let output = run(arguments, &folder);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(said.contains(word), "{arguments:?}: {said}");
    }
}

/// A register is kept in a state and checked against what the state knows; then all is forgotten.
#[test]
fn a_register_in_a_state() {
    let folder = support::folder("register-state");
    let ward = support::scene("ward", 3, &folder);
    let export = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../auscult-register/tests/exports/us-biomed.csv");
    let in_state = |words: &[&str]| {
        let output = run(&[words, &["--state", "ward.state"]].concat(), &folder);
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        (output.status.code(), text)
    };
    let (code, text) = in_state(&["register", "import", export.to_str().unwrap()]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("Saved: 9 rows"), "{text}");
    let capture = ward.file.to_str().unwrap();
    assert_eq!(in_state(&["analyze", "--quiet", capture]).0, Some(0));
    let (code, text) = in_state(&["register", "check"]);
    assert_eq!(code, Some(0), "{text}");
    for words in ["Walk list: 3 named", "Only on the network", "STATION 3B-17"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let (code, text) = in_state(&["forget", "--before", "2999-01-01"]);
    assert_eq!(code, Some(2), "{text}");
    let (code, text) = in_state(&["forget", "--before", "2026-07-01"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("Devices: 21 gone, 0 left"), "{text}");
}
