//! `check`: what advisories claim, against captures of the lab and of others.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

#[expect(dead_code, reason = "some helpers are for other tests")]
mod support;

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Output};

use serde_json::Value;
use support::Case;

fn auscult(words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_auscult"));
    command.args(words).output().unwrap()
}

/// The verdict of each claim, by its name.
fn verdicts(case: &Case, advisory: &str, devices: &[String]) -> BTreeMap<String, String> {
    let mut words = vec!["check", advisory];
    // The advisory comes first, then the capture, then options.
    let file = case.file.to_str().unwrap();
    words.extend([file, "--format", "json"]);
    for device in devices {
        words.extend(["--device", device]);
    }
    words.extend(case.args.iter().map(String::as_str));
    let output = auscult(&words);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {complaint}", case.name);
    let text = String::from_utf8(output.stdout).unwrap();
    for planted in &case.planted {
        assert!(!text.contains(planted), "{}: {planted}", case.name);
    }
    let check: Value = serde_json::from_str(&text).unwrap();
    for claim in check["claims"].as_array().unwrap() {
        let decided = claim["verdict"] != "not tested";
        let seen = claim["seen"].as_array().unwrap();
        assert_eq!(decided, !seen.is_empty(), "{}: {claim}", case.name);
        // What decides can be looked at: a packet, or a filter that shows it.
        for proof in seen {
            let packets = proof["packets"].as_array().unwrap();
            let rests_on_sums = proof["device"].is_null();
            let to_see = !packets.is_empty() || proof["filter"].is_string();
            assert!(to_see || rests_on_sums, "{}: {proof}", case.name);
        }
    }
    let claims = check["claims"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    claims
        .map(|claim| (text(&claim["id"]), text(&claim["verdict"])))
        .collect()
}

/// A case of others, where they are at hand.
fn shared(name: &str) -> Option<Case> {
    support::shared_cases()
        .into_iter()
        .find(|case| case.name == name)
}

#[track_caller]
fn hold(case: &Case, advisory: &str, devices: &[String], expected: &[(&str, &str)]) {
    let verdicts = verdicts(case, advisory, devices);
    for (claim, verdict) in expected {
        let found = verdicts.get(*claim).map(String::as_str);
        assert_eq!(found, Some(*verdict), "{}: {advisory}: {claim}", case.name);
    }
}

const CMS8000: &str = "ICSMA-25-030-01";

#[test]
fn the_cms8000_case_by_captures_that_others_made() {
    let expected: [(&str, &[(&str, &str)]); 6] = [
        (
            "c01_leak_through_gateway",
            &[
                ("clear", "holds"),
                ("fields", "holds"),
                ("fixed-address", "holds"),
                ("leaves", "holds"),
                ("documented-default", "refuted"),
                ("mounts", "not tested"),
                ("copies-programs", "not tested"),
                ("block", "refuted"),
                ("local-only", "refuted"),
                ("trigger-menu", "not tested"),
                ("versions", "not tested"),
            ],
        ),
        (
            "c02_station_on_link",
            &[
                ("clear", "holds"),
                ("fixed-address", "holds"),
                ("leaves", "refuted"),
                ("documented-default", "holds"),
            ],
        ),
        (
            "c03_attempts_only",
            &[
                ("clear", "not tested"),
                ("leaves", "not tested"),
                ("block", "holds"),
                ("mounts", "not tested"),
            ],
        ),
        (
            "c05_nfs_tcp_outside",
            &[
                ("clear", "not tested"),
                ("mounts", "holds"),
                ("copies-programs", "holds"),
                ("no-check", "not tested"),
                ("block", "refuted"),
            ],
        ),
        (
            "c09_relabelled_custom_server",
            &[
                ("clear", "holds"),
                ("fixed-address", "refuted"),
                ("leaves", "refuted"),
            ],
        ),
        ("c08_print_job_on_515", &[("clear", "not tested")]),
    ];
    for (name, verdicts) in expected {
        if let Some(case) = shared(name) {
            hold(&case, CMS8000, &[], verdicts);
        }
    }
}

/// A story of the lab, and the device that it is about.
fn story(name: &str) -> (Case, String) {
    let folder = support::folder(&format!("check-{name}"));
    let case = support::scene(name, 1, &folder);
    let truth = fs::read(case.file.with_extension("pcapng.truth.json")).unwrap();
    let truth: Value = serde_json::from_slice(&truth).unwrap();
    let addresses = truth[name]["must"][0][1].as_str().unwrap();
    let first = addresses.split('|').next();
    (case, first.unwrap().to_owned())
}

#[test]
fn each_advisory_holds_where_the_lab_shows_it() {
    for (advisory, name, is_told, expected) in [
        (
            CMS8000,
            "cms8000-update",
            false,
            &[("mounts", "holds"), ("copies-programs", "holds")][..],
        ),
        (
            CMS8000,
            "cms8000-leak",
            false,
            &[("clear", "holds"), ("leaves", "holds")],
        ),
        (
            CMS8000,
            "false-station-update",
            false,
            &[("mounts", "holds"), ("leaves", "refuted")],
        ),
        (
            "ICSMA-22-244-01",
            "datagram-of-death",
            false,
            &[
                ("udp-crash", "holds"),
                ("udp-broadcast", "holds"),
                ("usb", "not tested"),
            ],
        ),
        (
            CMS8000,
            "false-station-update",
            false,
            &[("anybody-at-the-address", "holds")],
        ),
        (
            "ICSMA-25-037-02",
            "archive-default-password",
            false,
            &[
                ("factory-login", "holds"),
                ("no-login", "refuted"),
                ("version", "not tested"),
            ],
        ),
        // From here on whoever asks says which device it is.
        (
            "ICSMA-25-037-02",
            "archive-open-to-the-internet",
            true,
            &[("from-outside", "holds")],
        ),
        (
            "ICSMA-20-023-01",
            "one-key-for-all",
            true,
            &[("shared-key", "holds"), ("desktop", "not tested")],
        ),
        (
            "ICSMA-19-164-01",
            "firmware-without-a-signature",
            true,
            &[("update", "holds"), ("open-pages", "not tested")],
        ),
        (
            "ICSMA-17-250-02A",
            "pump-by-telnet",
            true,
            &[("ftp-open", "not tested"), ("certificate", "not tested")],
        ),
        (
            "ICSMA-17-250-02A",
            "service-account-of-the-maker",
            true,
            &[("ftp-credentials", "holds"), ("ftp-open", "not tested")],
        ),
        (
            "ICSMA-20-170-04",
            "service-account-of-the-maker",
            true,
            &[("ftp", "holds"), ("ftp-stays", "not tested")],
        ),
        (
            "ICSMA-20-170-04",
            "pump-by-telnet",
            true,
            &[("clear", "holds"), ("keypad", "not tested")],
        ),
        (
            "ICSMA-21-215-01",
            "firmware-without-a-signature",
            true,
            &[("update", "holds"), ("version", "not tested")],
        ),
        (
            "ICSMA-19-255-01",
            "firmware-without-a-signature",
            true,
            &[("download", "holds"), ("ftp", "not tested")],
        ),
        (
            "ICSMA-21-294-01",
            "settings-by-snmp",
            true,
            &[("clear", "holds"), ("no-authentication", "not tested")],
        ),
    ] {
        let (case, device) = story(name);
        let told: Vec<String> = is_told.then_some(device).into_iter().collect();
        hold(&case, advisory, &told, expected);
    }
}

#[test]
fn nothing_is_tested_by_an_office() {
    let Some(case) = shared("c27_benign_office") else {
        return;
    };
    let list = auscult(&["check", "--format", "json"]);
    let list: Value = serde_json::from_slice(&list.stdout).unwrap();
    for advisory in list.as_array().unwrap() {
        let id = advisory["advisory"].as_str().unwrap();
        for (claim, verdict) in verdicts(&case, id, &[]) {
            assert_eq!(verdict, "not tested", "{id}: {claim}");
        }
    }
}

#[test]
fn advisories_are_listed_named_and_read_from_files() {
    let output = auscult(&["check"]);
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains(CMS8000), "{text}");

    let output = auscult(&["check", "icsma-25-030-01"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("mount.path == \"/pm\""), "{text}");

    let output = auscult(&["check", "ICSMA-99-001-01", "x.pcap"]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains(CMS8000), "{text}");

    let folder = support::folder("check-own");
    let own = folder.join("own.toml");
    let shipped = "../auscult-advisory/advisories/icsma-25-030-01.toml";
    let text = fs::read_to_string(shipped).unwrap();
    fs::write(&own, text.replace("ICSMA-25-030-01", "OWN-1")).unwrap();
    let scene = support::scene("cms8000-update", 1, &folder);
    let name = own.to_str().unwrap();
    hold(&scene, name, &[], &[("mounts", "holds")]);
    fs::write(&own, text.replace("remote-code-share", "remote-code")).unwrap();
    let output = auscult(&["check", name]);
    assert_eq!(output.status.code(), Some(1));
    let complaint = String::from_utf8(output.stderr).unwrap();
    let told = complaint.contains(": rule: `remote-code` is no rule");
    assert!(told, "{complaint}");

    let file = scene.file.to_str().unwrap();
    let output = auscult(&["check", CMS8000, file, "--device", "10.255.255.1"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_state_is_checked_as_captures_are() {
    let folder = support::folder("check-state");
    let scene = support::scene("cms8000-update", 1, &folder);
    let state = folder.join("ward.state");
    let state = state.to_str().unwrap();
    let file = scene.file.to_str().unwrap();
    assert!(
        auscult(&["analyze", file, "--state", state])
            .status
            .success()
    );
    let output = auscult(&["check", CMS8000, "--state", state, "--format", "json"]);
    let check: Value = serde_json::from_slice(&output.stdout).unwrap();
    let claims = check["claims"].as_array().unwrap();
    let mounts = claims.iter().find(|claim| claim["id"] == "mounts").unwrap();
    assert_eq!(mounts["verdict"], "holds");
}

/// Every filter that is shipped is one that Wireshark takes.
#[test]
fn filters_are_wiresharks() {
    let folder = support::folder("check-filters");
    let scene = support::scene("cms8000-update", 1, &folder);
    let list = auscult(&["check", "--format", "json"]);
    let list: Value = serde_json::from_slice(&list.stdout).unwrap();
    for advisory in list.as_array().unwrap() {
        for claim in advisory["claims"].as_array().unwrap() {
            let filter = claim["filter"].as_str().unwrap();
            let mut tshark = Command::new("tshark");
            tshark
                .arg("-r")
                .arg(&scene.file)
                .args(["-c", "1", "-Y", filter]);
            let Ok(output) = tshark.output() else {
                eprintln!("SKIPPED: no tshark; the filters of advisories are not tried");
                return;
            };
            let complaint = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{filter}: {complaint}");
        }
    }
}
