//! Several captures in one run: apart or together, rotated, taken at two places.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// 2025-01-30T08:00:00Z.
const MORNING: u64 = 1_738_224_000;
const DAY: u64 = 86_400;

/// An empty folder for a test.
fn folder(name: &str) -> PathBuf {
    let name = format!("several-{name}-{}", std::process::id());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_auscult"))
        .current_dir(folder)
        .args(arguments)
        .output()
        .unwrap()
}

fn json(folder: &Path, arguments: &[&str]) -> Value {
    let output = run(folder, &[arguments, &["--format", "json"]].concat());
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {complaint}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What a host sends to another: Ethernet, IPv4, UDP to an unused port.
fn datagram(from: u8, to: u8, site: u8, id: u16) -> Vec<u8> {
    let mut frame = vec![
        0x00, 0x1b, 0x21, site, 0, to, 0x00, 0x1b, 0x21, site, 0, from, 8, 0,
    ];
    frame.extend([0x45, 0, 0, 44]);
    frame.extend(id.to_be_bytes());
    frame.extend([0, 0, 64, 17, 0, 0, 10, 0, 0, from, 10, 0, 0, to]);
    frame.extend([0x9c, 0x40, 0x9c, 0x41, 0, 24, 0, 0]);
    frame.extend(id.to_be_bytes().repeat(8));
    frame
}

/// A classic capture of frames and their times in microseconds.
fn pcap(frames: &[(u64, Vec<u8>)]) -> Vec<u8> {
    let words = [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 1];
    let mut bytes = words.map(u32::to_le_bytes).concat();
    for (time, frame) in frames {
        let length = frame.len() as u64;
        for word in [time / 1_000_000, time % 1_000_000, length, length] {
            bytes.extend((word as u32).to_le_bytes());
        }
        bytes.extend(frame);
    }
    bytes
}

/// Two hosts of a site talk to a third for some seconds.
fn talk(site: u8, from: u64, seconds: u64) -> Vec<(u64, Vec<u8>)> {
    let frames = (0..seconds * 4).map(|n| {
        let sender = 10 + (n % 2) as u8;
        let time = from * 1_000_000 + n * 250_000;
        (time, datagram(sender, 9, site, (from + n) as u16))
    });
    frames.collect()
}

fn complaint(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn unrelated_captures_are_told_and_read_apart() {
    let folder = folder("unrelated");
    fs::write(folder.join("east.pcap"), pcap(&talk(1, MORNING, 9))).unwrap();
    fs::write(
        folder.join("west.pcap"),
        pcap(&talk(2, MORNING + 400 * DAY, 9)),
    )
    .unwrap();
    fs::write(folder.join("notes.txt"), "of two hospitals\n").unwrap();
    let output = run(&folder, &["."]);
    assert!(output.status.success());
    let said = complaint(&output);
    assert!(
        said.contains("2 networks") && said.contains("east.pcap") && said.contains("--each"),
        "{said}"
    );
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("2 networks"), "{text}");
    let report = json(&folder, &["analyze", "."]);
    assert_eq!(report["health"]["unrelated"][1]["files_total"], 1);

    let reports = json(&folder, &["analyze", ".", "--each"]);
    let files: Vec<&str> = (0..2)
        .map(|at| reports[at]["captures"][0]["file"].as_str().unwrap())
        .collect();
    assert!(files[0].ends_with("east.pcap") && files[1].ends_with("west.pcap"));
    assert_eq!(reports.as_array().unwrap().len(), 2);
    for report in reports.as_array().unwrap() {
        assert_eq!(report["captures"].as_array().unwrap().len(), 1);
        assert!(report["health"].get("unrelated").is_none());
    }
    // Each is what the capture alone gives.
    let mut alone = json(&folder, &["analyze", "east.pcap"]);
    alone["captures"][0]["file"] = reports[0]["captures"][0]["file"].clone();
    assert_eq!(reports[0]["devices"][0]["id"], alone["devices"][0]["id"]);
    assert_eq!(reports[0]["captures"], alone["captures"]);

    let output = run(&folder, &["devices", "--each", ".", "--format", "csv"]);
    assert!(complaint(&output).contains("not read: ./notes.txt"));
    let table = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[0].starts_with("capture,id,"), "{table}");
    assert!(lines[1].starts_with("./east.pcap,"), "{table}");
    assert!(lines.last().unwrap().starts_with("./west.pcap,"), "{table}");
    assert_eq!(
        lines.iter().filter(|line| line.contains(",role,")).count(),
        1
    );
    let text = String::from_utf8(run(&folder, &["--each", "."]).stdout).unwrap();
    assert_eq!(text.matches(&"=".repeat(80)).count(), 1);
}

#[test]
fn each_says_the_worst_exit_code_and_goes_on() {
    let folder = folder("codes");
    let whole = pcap(&talk(1, MORNING, 9));
    fs::write(folder.join("a.pcap"), &whole[..whole.len() - 7]).unwrap();
    fs::write(folder.join("b.pcap"), &whole).unwrap();
    let output = run(&folder, &["--each", "a.pcap", "b.pcap", "--format", "json"]);
    assert_eq!(output.status.code(), Some(4));
    let reports: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(reports.as_array().unwrap().len(), 2);
    fs::write(folder.join("c.pcap"), "no capture").unwrap();
    let output = run(&folder, &["--each", "b.pcap", "c.pcap"]);
    assert_eq!(
        output.status.code(),
        Some(1),
        "a named file that is no capture"
    );
    assert!(output.stdout.is_empty());
}

/// Mornings of one place, pieces of one capture, and two places on one day.
#[test]
fn related_captures_are_not_called_unrelated() {
    for (name, captures) in [
        (
            "days",
            vec![
                talk(1, MORNING, 5),
                talk(1, MORNING + DAY, 5),
                talk(1, MORNING + 9 * DAY, 5),
            ],
        ),
        (
            "places",
            vec![talk(1, MORNING, 5), talk(2, MORNING + 3600, 5)],
        ),
        (
            "pieces",
            (0..4).map(|n| talk(1, MORNING + n * 5, 5)).collect(),
        ),
    ] {
        let folder = folder(name);
        for (index, frames) in captures.iter().enumerate() {
            fs::write(folder.join(format!("{index}.pcap")), pcap(frames)).unwrap();
        }
        let output = run(&folder, &["."]);
        assert_eq!(complaint(&output), "", "{name}");
    }
}

#[test]
fn rotated_files_are_one_capture_apart_from_others() {
    let folder = folder("ring");
    for piece in 0..3 {
        let name = format!("ward_0000{piece}_2025013008000{piece}.pcap");
        fs::write(folder.join(name), pcap(&talk(1, MORNING + piece * 5, 5))).unwrap();
    }
    fs::write(folder.join("x.pcap"), pcap(&talk(2, MORNING + 90 * DAY, 5))).unwrap();
    let reports = json(&folder, &["analyze", "--each", "."]);
    assert_eq!(reports.as_array().unwrap().len(), 2);
    assert_eq!(reports[0]["captures"].as_array().unwrap().len(), 3);
    assert_eq!(reports[1]["captures"].as_array().unwrap().len(), 1);
}

/// What is the same however a capture was cut into files: everything but names of files, numbers of
/// packets, and what is told of files.
fn without_files(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for name in ["captures", "evidence", "packet", "file", "filter"] {
                fields.remove(name);
            }
            fields.values_mut().for_each(without_files);
        }
        Value::Array(items) => items.iter_mut().for_each(without_files),
        _ => {}
    }
}

#[test]
fn thousands_of_rotated_files_say_what_the_whole_says() {
    const FILES: usize = 5000;
    let folder = folder("thousands");
    let frames: Vec<_> = (0..4)
        .flat_map(|n| talk(1, MORNING + n * 700, 700))
        .collect();
    fs::write(folder.join("whole.pcap"), pcap(&frames)).unwrap();
    let ring = folder.join("ring");
    fs::create_dir(&ring).unwrap();
    // Names whose order is not that of time, as tcpdump -C gives them.
    for (index, piece) in frames.chunks(frames.len().div_ceil(FILES)).enumerate() {
        let counter = if index == 0 {
            String::new()
        } else {
            index.to_string()
        };
        fs::write(ring.join(format!("ward.pcap{counter}")), pcap(piece)).unwrap();
    }
    assert!(fs::read_dir(&ring).unwrap().count() > FILES / 2);
    let mut whole = json(&folder, &["analyze", "whole.pcap"]);
    let mut pieces = json(&folder, &["analyze", "ring"]);
    let together = json(&folder, &["analyze", "ring", "--each"]);
    assert_eq!(together.as_array().unwrap().len(), 1);
    assert_eq!(together[0], pieces);
    without_files(&mut whole);
    without_files(&mut pieces);
    assert_eq!(whole, pieces);
}

/// What a second capture point beyond a router has of these packets, by a clock of its own.
fn beyond_a_router(frames: &[(u64, Vec<u8>)], ahead: i64) -> Vec<(u64, Vec<u8>)> {
    let seen = frames.iter().enumerate().map(|(n, (time, frame))| {
        let mut frame = frame.clone();
        frame[..12].copy_from_slice(&[0, 0x1b, 0x21, 7, 0, 1, 0, 0x1b, 0x21, 7, 0, 2]);
        frame[22] -= 1;
        let way = 300 + n as i64 % 5 * 100;
        ((*time as i64 + ahead + way) as u64, frame)
    });
    seen.collect()
}

#[test]
fn clocks_of_two_places_are_brought_together() {
    let folder = folder("clocks");
    let near = talk(1, MORNING, 20);
    fs::write(folder.join("near.pcap"), pcap(&near)).unwrap();
    let near_alone = json(&folder, &["analyze", "near.pcap"]);
    for ahead in [-7_000_000, 5_000_000, 90_000, 86_400_000_000] {
        fs::write(
            folder.join("far.pcap"),
            pcap(&beyond_a_router(&near, ahead)),
        )
        .unwrap();
        let report = json(&folder, &["analyze", "near.pcap", "far.pcap"]);
        let offset = &report["captures"][1]["clock_offset"];
        let nanoseconds = offset["nanoseconds"].as_i64().unwrap();
        assert!(
            (nanoseconds + ahead * 1000).abs() < 1_000_000,
            "{ahead}: {offset}"
        );
        assert_eq!(offset["packets"], near.len());
        assert_eq!(offset["beside"], "near.pcap");
        assert!(report["captures"][0].get("clock_offset").is_none());
        // No packet counts twice.
        assert_eq!(report["health"]["copies"], near.len());
        assert_eq!(report["health"]["flows"], near_alone["health"]["flows"]);
        let output = run(&folder, &["near.pcap", "far.pcap"]);
        assert_eq!(complaint(&output), "");
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("The clock of far.pcap was"), "{text}");
    }
}

#[test]
fn clocks_that_agree_or_cannot_be_compared_are_left() {
    let folder = folder("clocks-left");
    let near = talk(1, MORNING, 20);
    fs::write(folder.join("near.pcap"), pcap(&near)).unwrap();
    // The same clock; others' packets; fewer packets than it takes; half of them at another time.
    let mut half = beyond_a_router(&near, 5_000_000);
    half.iter_mut()
        .step_by(2)
        .for_each(|(time, _)| *time += 60_000_000);
    for (name, other) in [
        ("same", beyond_a_router(&near, 0)),
        ("others", talk(2, MORNING + 2000, 20)),
        ("few", beyond_a_router(&near[..19], 5_000_000)),
        ("half", half),
    ] {
        fs::write(folder.join("far.pcap"), pcap(&other)).unwrap();
        let report = json(&folder, &["analyze", "near.pcap", "far.pcap"]);
        for capture in report["captures"].as_array().unwrap() {
            assert!(capture.get("clock_offset").is_none(), "{name}");
        }
    }
}
