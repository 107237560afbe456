//! Checks every scene with another program: tshark finds no bad checksum, no malformed message,
//! and the messages that the truth speaks of.
//!
//! Skips with a loud line where tshark is missing.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;

use auscult_lab::{Options, Side, Split, Transform, generate, play, scenarios, write_scene};

fn tshark_is_there() -> bool {
    let there = Command::new("tshark")
        .arg("--version")
        .output()
        .is_ok_and(|o| o.status.success());
    if !there {
        eprintln!("SKIPPED: tshark is not installed, the captures are not checked by it");
    }
    there
}

struct File(PathBuf);

impl File {
    fn of(label: &str, scenario: &str, seed: u64, options: &Options) -> File {
        let folder = std::env::temp_dir().join(format!("auscult-lab-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join(format!("{label}-{scenario}-{seed}.pcapng"));
        write_scene(scenario, generate(scenario, seed, options).unwrap(), &path).unwrap();
        File(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
        let mut truth = self.0.as_os_str().to_owned();
        truth.push(".truth.json");
        let _ = std::fs::remove_file(Path::new(&truth));
    }
}

/// The lines that tshark prints for a display filter, with checksums verified and the printer
/// dissector off, which takes the stream on 515 for print jobs.
fn shown(file: &File, filter: &str, fields: &[&str]) -> Vec<String> {
    let mut command = Command::new("tshark");
    for check in [
        "ip.check_checksum",
        "tcp.check_checksum",
        "udp.check_checksum",
    ] {
        command.args(["-o", &format!("{check}:TRUE")]);
    }
    command
        .args(["-d", "tcp.port==515,data", "-d", "tcp.port==2049,rpc"])
        .args(["-Y", filter, "-r"])
        .arg(&file.0);
    if !fields.is_empty() {
        command.args(["-T", "fields"]);
        for field in fields {
            command.args(["-e", field]);
        }
    }
    let out = command.output().unwrap();
    assert!(
        out.status.success(),
        "tshark: {}",
        String::from_utf8_lossy(&out.stderr)
    );
    String::from_utf8_lossy(&out.stdout)
        .lines()
        .map(str::to_owned)
        .collect()
}

const WRONG: &str = "_ws.expert.severity >= error or _ws.malformed";

fn clean(file: &File, filter: &str) {
    let bad = shown(file, filter, &[]);
    let head = &bad[..bad.len().min(4)];
    assert!(
        bad.is_empty(),
        "{}: {} bad frames: {head:#?}",
        file.0.display(),
        bad.len()
    );
}

#[test]
fn all_scenarios_are_well_formed() {
    if !tshark_is_there() {
        return;
    }
    for scenario in scenarios() {
        for seed in [1, 2] {
            clean(
                &File::of("plain", scenario.name, seed, &Options::default()),
                WRONG,
            );
        }
    }
}

/// Stories in which something breaks its own format on purpose, or is cut short.
const BROKEN: &[&str] = &["broken-name-answer"];

#[test]
fn all_stories_are_well_formed() {
    if !tshark_is_there() {
        return;
    }
    let mut bad = Vec::new();
    for story in play::stories() {
        if BROKEN.contains(&story.name.as_str()) {
            continue;
        }
        let file = File::of("story", &story.name, 1, &Options::default());
        for line in shown(&file, WRONG, &[]).iter().take(3) {
            bad.push(format!("{}: {line}", story.name));
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

#[test]
fn transformed_wards_are_well_formed() {
    if !tshark_is_there() {
        return;
    }
    let station = auscult_lab::ward::STATION;
    let all = [
        ("stripped", Transform::Plain),
        ("qinq", Transform::DoubleTagged(700)),
        ("sll", Transform::CookedV1),
        ("sll2", Transform::CookedV2),
        ("two", Transform::TwoInterfaces(Split::Alternating)),
        ("taps", Transform::TwoInterfaces(Split::Directions)),
        ("tags", Transform::DirectionalTags(1000)),
        ("fragments", Transform::Fragmented(576)),
        ("late", Transform::SkipSeconds(30)),
        ("midstream", Transform::NoHandshakes),
        ("from", Transform::OneSided(vec![station], Side::From)),
        ("to", Transform::OneSided(vec![station], Side::To)),
        ("broadcast", Transform::BroadcastOnly),
        ("twice", Transform::Twice),
        ("routed", Transform::RoutedCopies(900)),
        ("small", Transform::SmallSegments(7)),
        ("shorter", Transform::SmallSegments(400)),
        ("reordered", Transform::Reordered(3)),
        ("again", Transform::Retransmitted(10)),
        ("jump", Transform::ClockJump),
        ("step", Transform::ClockStep(-7200)),
        ("wan", Transform::WanSide([192, 0, 2, 77].into())),
        ("lossy", Transform::Loss(30)),
    ];
    for (label, transform) in all {
        let options = Options {
            transforms: vec![transform],
            ..Options::default()
        };
        let file = File::of(label, "ward", 3, &options);
        let sums = ["ip", "tcp", "udp"]
            .map(|p| format!("{p}.checksum.status == 0"))
            .join(" or ");
        // tshark's own RPC dissector loses the record border in segments of a few bytes.
        let filter = if label == "small" {
            sums
        } else {
            format!("{sums} or _ws.malformed")
        };
        clean(&file, &filter);
    }
}

#[test]
fn the_messages_of_the_ward_are_found() {
    if !tshark_is_there() {
        return;
    }
    for seed in 1..=4 {
        let scene = generate("ward", seed, &Options::default()).unwrap();
        let file = File::of("found", "ward", seed, &Options::default());
        assert_eq!(
            shown(&file, "mount.path", &["mount.path"]).len(),
            2,
            "MNT and UMNT"
        );
        assert_eq!(
            shown(&file, "nfs.procedure_v2 == 4 or nfs.procedure_v3 == 3", &[]).len() % 2,
            0
        );
        for filter in [
            "dhcp.option.dhcp == 5",
            "dns.flags.response == 1",
            "hl7 && tcp contains \"MSA|AA\"",
        ] {
            assert!(
                !shown(&file, filter, &[]).is_empty(),
                "seed {seed}: nothing for {filter}"
            );
        }
        let telemetry = "tcp.dstport >= 515 && tcp.dstport <= 520 && tcp contains 05:46:00:00";
        let senders = shown(&file, telemetry, &["ip.src"]);
        for (ip, family) in &scene.truth.signature {
            assert_eq!(family, "contec-cms8000");
            assert!(senders.contains(ip), "seed {seed}: no telemetry of {ip}");
        }
        let lost = "tcp.analysis.lost_segment or tcp.analysis.out_of_order";
        assert!(shown(&file, lost, &[]).is_empty(), "seed {seed}: holes");
    }
}

#[test]
fn defaults_of_the_advisories_are_on_the_wire() {
    if !tshark_is_there() {
        return;
    }
    let file = File::of("advisory", "nfs-update-outside", 5, &Options::default());
    assert_eq!(shown(&file, "mount.path == \"/pm\"", &[]).len(), 2);
    assert!(!shown(&file, "nfs.name == \"monitor\"", &[]).is_empty());
    assert!(!shown(&file, "rpc.auth.machinename", &[]).is_empty());
    assert_eq!(
        shown(&file, "frame contains 7f:45:4c:46:01:01:01", &[]).len(),
        1
    );
    let file = File::of("advisory", "attempts-arp-only", 5, &Options::default());
    assert!(shown(&file, "arp.dst.proto_ipv4 == 202.114.4.119", &[]).len() >= 6);
    let file = File::of("advisory", "attempts-only", 5, &Options::default());
    let times = shown(&file, "tcp.dstport == 515", &["frame.time_relative"]);
    let first: f64 = times[0].parse().unwrap();
    let offsets: Vec<i64> = times
        .iter()
        .map(|t| (t.parse::<f64>().unwrap() - first).round() as i64)
        .collect();
    assert_eq!(offsets, [0, 3, 9, 21, 45, 93]);
}

#[test]
fn tshark_takes_the_same_file_out_of_the_share() {
    if !tshark_is_there() {
        return;
    }
    // Seeds chosen so that both versions, both transports and small records occur.
    for (scenario, seeds) in [("nfs-update-outside", 1..5), ("nfs-update-squatted", 5..9)] {
        for seed in seeds {
            let scene = generate(scenario, seed, &Options::default()).unwrap();
            let file = File::of("share", scenario, seed, &Options::default());
            let read = "(nfs.procedure_v2 == 6 or nfs.procedure_v3 == 6) and rpc.msgtyp == 1";
            let hex: String = shown(&file, read, &["nfs.data"]).concat();
            let digits: Vec<u32> = hex.chars().filter_map(|c| c.to_digit(16)).collect();
            let bytes: Vec<u8> = digits.chunks(2).map(|d| (d[0] * 16 + d[1]) as u8).collect();
            let got = auscult_lab::truth::sha256(&bytes);
            assert_eq!(
                vec![got],
                scene.truth.artifacts,
                "{scenario} {seed}: {} bytes",
                bytes.len()
            );
        }
    }
}

#[test]
fn logins_prints_and_leases_are_what_tshark_reads() {
    if !tshark_is_there() {
        return;
    }
    let logins = generate("clear-logins", 2, &Options::default()).unwrap();
    let file = File::of("logins", "clear-logins", 2, &Options::default());
    let ftp = shown(
        &file,
        "ftp.request.command == \"PASS\"",
        &["ftp.request.arg"],
    );
    assert_eq!(ftp, logins.truth.secrets[..1]);
    let basic = shown(&file, "http.authbasic", &["http.authbasic"]);
    assert_eq!(basic, [format!("technik:{}", logins.truth.secrets[2])]);
    let file = File::of("office", "benign-office", 2, &Options::default());
    let names = shown(&file, "dhcp.option.dhcp == 3", &["dhcp.option.hostname"]);
    assert_eq!(names, ["pc-office0", "pc-office1", "pc-office2"]);
    let names = shown(
        &file,
        "tls.handshake.type == 1",
        &["tls.handshake.extensions_server_name"],
    );
    assert_eq!(names, ["journal.example"; 3]);
}
