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
        // One per process: a test runner may start each test in its own.
        let name = format!("cli-{}", std::process::id());
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
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
    let said = complaint(&["leak.pcapng", "--html", "x.html"], 2);
    assert_eq!(said, "auscult: --html comes later\n");
    let said = complaint(
        &["diff", "leak.pcapng", "leak.pcapng", "--state", "x.state"],
        2,
    );
    assert!(
        said.contains("--state is not read by this command"),
        "{said}"
    );
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
        let report: Value = serde_json::from_slice(&run(arguments).stdout).unwrap();
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

/// A ward, written once.
fn ward() -> &'static str {
    static WARD: OnceLock<()> = OnceLock::new();
    WARD.get_or_init(|| {
        auscult_lab::write("ward", 7, &folder().join("ward.pcapng")).unwrap();
    });
    "ward.pcapng"
}

#[test]
fn what_is_no_capture_is_named() {
    // The head of a Windows event trace: a logfile header event in the first buffer.
    let mut trace = vec![0_u8; 4096];
    trace[0..4].copy_from_slice(&4096_u32.to_le_bytes());
    trace[72..76].copy_from_slice(&[0, 0, 2, 0xc0]);
    fs::write(folder().join("trace.etl"), trace).unwrap();
    let said = complaint(&["trace.etl"], 1);
    assert!(
        said.contains("trace.etl") && said.contains("pktmon etl2pcap"),
        "{said}"
    );
    fs::write(folder().join("nothing.pcap"), "").unwrap();
    let said = complaint(&["nothing.pcap"], 1);
    assert!(said.contains("nothing.pcap"), "{said}");
    // One input that can be read does not hide one that cannot.
    let said = complaint(&["office.pcap", "notes.txt"], 1);
    assert!(said.contains("notes.txt"), "{said}");
}

#[test]
fn everything_planned_says_that_it_comes_later() {
    for option in ["--html", "--extract", "--filter", "--flows", "--sha256"] {
        let said = complaint(&["office.pcap", option, "x"], 2);
        assert_eq!(said, format!("auscult: {option} comes later\n"));
    }
    for command in ["serve", "watch", "listen"] {
        let said = complaint(&[command, "office.pcap"], 2);
        assert_eq!(said, format!("auscult: `{command}` comes later\n"));
    }
}

#[test]
fn damage_is_told_wherever_it_is() {
    let whole = fs::read(folder().join("leak.pcapng")).unwrap();
    let mut broken = whole.clone();
    // The length of a block in the middle becomes nonsense.
    let mut block = 0;
    while block < whole.len() / 2 {
        let length = whole[block + 4..].first_chunk().unwrap();
        block += u32::from_le_bytes(*length) as usize;
    }
    broken[block + 4..block + 8].fill(0xff);
    fs::write(folder().join("broken.pcapng"), &broken).unwrap();
    assert_eq!(code(&["broken.pcapng"]), 4);
    let text = run(&["broken.pcapng"]);
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.contains("broken.pcapng"), "{text}");
    let report = run(&["broken.pcapng", "--format", "json"]);
    let report: Value = serde_json::from_slice(&report.stdout).unwrap();
    assert_eq!(report["captures"][0]["complete"], false);
    let stopped = report["captures"][0]["stopped_at"].as_str().unwrap();
    assert!(
        stopped.contains("byte ") && stopped.contains("after packet "),
        "{stopped}"
    );
    // A whole capture beside it is read all the same.
    assert_eq!(code(&["broken.pcapng", "office.pcap"]), 4);
}

#[test]
fn folders_and_compressed_captures_are_read_alike() {
    let many = folder().join("many");
    fs::create_dir_all(&many).unwrap();
    fs::copy(folder().join("leak.pcapng"), many.join("a.pcapng")).unwrap();
    fs::copy(folder().join("office.pcap"), many.join("b.pcap")).unwrap();
    let report: Value = serde_json::from_str(&out(&["many", "--format", "json"])).unwrap();
    let files: Vec<&str> = report["captures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|capture| capture["file"].as_str().unwrap())
        .collect();
    assert!(
        matches!(files[..], [a, b] if a.ends_with("a.pcapng") && b.ends_with("b.pcap")),
        "{files:?}"
    );
    let told = |file: &str| -> (Value, Value, Value) {
        let report: Value = serde_json::from_str(&out(&[file, "--format", "json"])).unwrap();
        let capture = &report["captures"][0];
        let fingerprint = capture["fingerprint"].clone();
        (
            fingerprint,
            capture["packets"].clone(),
            report["devices"].clone(),
        )
    };
    let plain = told("leak.pcapng");
    for (program, ending) in [("gzip", "gz"), ("zstd", "zst")] {
        let packed = Command::new(program)
            .args(["-q", "-c"])
            .arg(folder().join("leak.pcapng"))
            .output();
        let Ok(packed) = packed else {
            eprintln!("SKIPPED: no {program}; captures compressed by it are not read");
            continue;
        };
        let name = format!("leak.pcapng.{ending}");
        fs::write(folder().join(&name), &packed.stdout).unwrap();
        let unpacked = told(&name);
        assert_eq!(
            unpacked.0, plain.0,
            "{name}: the fingerprint is that of the content"
        );
        assert_eq!(unpacked.1, plain.1, "{name}");
        let ids = |devices: &Value| -> Vec<Value> {
            let devices = devices.as_array().unwrap().iter();
            devices.map(|device| device["id"].clone()).collect()
        };
        assert_eq!(ids(&unpacked.2), ids(&plain.2), "{name}");
        // A cut gzip file gives what it held up to there; a zstd frame of one block nothing.
        let cut = &packed.stdout[..packed.stdout.len() - 20];
        fs::write(folder().join(format!("cut.{ending}")), cut).unwrap();
        let expected = if ending == "gz" { 4 } else { 1 };
        assert_eq!(code(&[&format!("cut.{ending}")]), expected, "{program}");
    }
}

#[test]
fn every_form_is_the_same_for_any_number_of_threads() {
    let ward = ward();
    for words in [
        &["analyze", ward, "--all"][..],
        &["analyze", ward, "--format", "json"],
        &["devices", ward, "--format", "csv"],
        &["findings", ward],
        &["flows", ward, "--format", "json"],
    ] {
        let with = |threads: &str| out(&[words, &["--threads", threads]].concat());
        let one = with("1");
        assert!(one == with("2"), "{words:?} with 2 threads");
        assert!(one == with("4"), "{words:?} with 4 threads");
    }
}

#[test]
fn tables_are_eighty_columns_wide() {
    let ward = ward();
    let report: Value = serde_json::from_str(&out(&[ward, "--format", "json"])).unwrap();
    let mut runs: Vec<Vec<&str>> = vec![
        vec!["analyze", ward],
        vec!["analyze", ward, "--all"],
        vec!["devices", ward],
        vec!["devices", ward, "--all"],
        vec!["findings", ward],
        vec!["explain"],
    ];
    for device in report["devices"].as_array().unwrap() {
        runs.push(vec![
            "device",
            device["id"].as_str().unwrap(),
            ward,
            "--why",
        ]);
    }
    for finding in report["findings"].as_array().unwrap() {
        runs.push(vec!["finding", finding["id"].as_str().unwrap(), ward]);
    }
    for words in runs {
        let text = out(&words);
        for line in text.lines() {
            // What cannot be broken (a filter to copy, an address) may stand out.
            let breakable = line.trim().contains(' ') && !line.contains(" == ");
            assert!(
                line.chars().count() <= 80 || !breakable,
                "{words:?}: {} columns: {line}",
                line.chars().count()
            );
        }
    }
}

#[test]
fn help_names_every_command() {
    let help = out(&["--help"]);
    for command in [
        "analyze",
        "devices",
        "device",
        "findings",
        "finding",
        "flows",
        "explain",
        "lab",
        "completions",
    ] {
        assert!(
            help.contains(&format!("\n  {command} ")),
            "{command}: {help}"
        );
        let own = out(&[command, "--help"]);
        assert!(own.contains("Usage: auscult "), "{own}");
        if command != "lab" {
            assert!(own.contains("Examples:"), "{command}: {own}");
        }
    }
    assert!(out(&["lab", "write", "--help"]).contains("--seed"));
    for promised in [
        "--fail-on",
        "--site-net",
        "--threads",
        "--format",
        "Exit codes",
    ] {
        assert!(help.contains(promised), "{promised}");
    }
    let version = out(&["--version"]);
    assert_eq!(version, format!("auscult {}\n", env!("CARGO_PKG_VERSION")));
}

/// A capture in which a host gives this name to a DHCP server.
fn named(file: &str, name: &str) {
    use auscult_lab::speak::dhcp;
    use auscult_lab::wire::{ethernet, ip, udp};
    use auscult_model::{MacAddr, Timestamp};
    let mac = MacAddr([0x3c, 0x8c, 0xf8, 1, 2, 3]);
    let lease = dhcp::Lease {
        ip: "192.168.7.9".parse().unwrap(),
        prefix: 24,
        router: "192.168.7.1".parse().unwrap(),
        dns: "192.168.7.1".parse().unwrap(),
        server: "192.168.7.1".parse().unwrap(),
    };
    let client = dhcp::Client {
        host_name: Some(name.to_owned()),
        vendor_class: Some(name.to_owned()),
        ..dhcp::Client::default()
    };
    let message = dhcp::message(dhcp::Kind::Request, 7, mac, &client, &lease);
    let (from, to) = (lease.ip, "255.255.255.255".parse().unwrap());
    let header = ip::Header {
        from,
        to,
        ttl: 64,
        id: 1,
        dont_fragment: false,
        protocol: ip::UDP,
    };
    let packet = header.whole(&udp::datagram((from, 68), (to, 67), &message));
    let bytes = ethernet::frame(MacAddr::BROADCAST, mac, &[], ethernet::IPV4, &packet);
    let frame = auscult_lab::Frame {
        time: Timestamp(1_760_000_000 * Timestamp::SECOND),
        interface: 0,
        wire_len: bytes.len() as u32,
        bytes,
    };
    let scene = auscult_lab::Scene::ethernet(vec![frame], auscult_lab::Truth::default());
    let bytes = auscult_lab::files::pcap(&scene);
    fs::write(folder().join(file), bytes).unwrap();
}

#[test]
fn names_from_traffic_cannot_steer_the_terminal() {
    let hostile = "wa\u{1b}[2Jrd\u{7}\u{9b}31m\r\n\u{202e}evil\u{8}";
    named("hostile.pcap", hostile);
    let report: Value = serde_json::from_str(&out(&["hostile.pcap", "--format", "json"])).unwrap();
    let id = report["devices"][0]["id"].as_str().unwrap().to_owned();
    let name = report["devices"][0]["hostname"].as_str().unwrap();
    assert!(name.contains("evil"), "the name is taken in: {name:?}");
    for words in [
        &["analyze", "hostile.pcap", "--all"][..],
        &["devices", "hostile.pcap", "--all"],
        &["device", &id, "hostile.pcap", "--why"],
        &["flows", "hostile.pcap"],
        &["devices", "hostile.pcap", "--format", "csv"],
        &["analyze", "hostile.pcap", "--format", "csv"],
        &["analyze", "hostile.pcap", "--format", "json"],
    ] {
        // Lines of CSV end as RFC 4180 has it.
        let text = out(words).replace("\r\n", "\n");
        let steers =
            |c: char| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c);
        let bad: Vec<char> = text.chars().filter(|c| steers(*c)).collect();
        assert!(bad.is_empty(), "{words:?}: {bad:?}");
    }
}

#[test]
fn tables_of_values_are_safe_in_a_spreadsheet() {
    for name in ["=2+3", "+2", "-2+3", "@SUM(1)", "\t=2"] {
        named("formula.pcap", name);
        for form in [
            &["devices", "formula.pcap", "--format", "csv"][..],
            &["analyze", "formula.pcap", "--format", "csv"],
        ] {
            let text = out(form);
            for cell in text.lines().flat_map(|line| line.split(',')) {
                let cell = cell.trim_start_matches('"');
                let number = cell.trim_end_matches('"').parse::<f64>().is_ok();
                assert!(
                    number || !cell.starts_with(['=', '+', '-', '@', '\t', '\r']),
                    "{form:?}: {cell:?} of {name:?}"
                );
            }
        }
    }
}

#[test]
fn colour_only_on_a_terminal_that_wants_it() {
    let terminal = |declined: bool| -> Option<String> {
        let program = env!("CARGO_BIN_EXE_auscult");
        let mut command = Command::new("script");
        command
            .args([
                "-q",
                "-e",
                "-c",
                &format!("{program} leak.pcapng --quiet"),
                "/dev/null",
            ])
            .current_dir(folder())
            .stdin(Stdio::null())
            .env("TERM", "xterm")
            .env_remove("NO_COLOR");
        if declined {
            command.env("NO_COLOR", "1");
        }
        let output = command.output().ok()?;
        assert!(output.status.success());
        Some(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (Some(coloured), Some(plain)) = (terminal(false), terminal(true)) else {
        eprintln!("SKIPPED: no `script`; output on a terminal is not checked");
        return;
    };
    assert!(coloured.contains("\u{1b}["), "{coloured}");
    assert!(
        !plain.contains("\u{1b}[") && plain.contains("CRITICAL"),
        "{plain}"
    );
}

#[test]
fn two_reports_are_compared() {
    let leak = out(&["analyze", "leak.pcapng", "--format", "json"]);
    fs::write(folder().join("leak.json"), leak).unwrap();
    assert!(out(&["diff", "leak.json", "leak.pcapng"]).contains("Nothing differs"));
    assert_eq!(
        code(&["diff", "leak.json", "leak.pcapng", "--fail-on", "info"]),
        0
    );
    assert_eq!(
        code(&["diff", "office.pcap", "leak.json", "--fail-on", "critical"]),
        3
    );
    assert_eq!(
        code(&["diff", "leak.json", "office.pcap", "--fail-on", "info"]),
        0
    );
    assert_eq!(code(&["diff", "leak.json", "cut.pcapng"]), 4);
    let diff: Value = serde_json::from_str(&out(&[
        "diff",
        "office.pcap",
        "leak.json",
        "--format",
        "json",
    ]))
    .unwrap();
    assert!(!diff["findings"]["new"].as_array().unwrap().is_empty());
    assert!(diff["before"]["first"].is_string());
    fs::write(
        folder().join("part.json"),
        out(&["devices", "leak.pcapng", "--format", "json"]),
    )
    .unwrap();
    let said = complaint(&["diff", "part.json", "leak.json"], 1);
    assert!(said.contains("part.json: not a whole report"), "{said}");
    let said = complaint(&["diff", "leak.json", "missing.json"], 1);
    assert!(said.contains("missing.json"), "{said}");
}
