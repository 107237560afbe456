//! Other links than Ethernet, through the whole analysis: aggregates reach the shards of their
//! packets, encrypted frames are told, access points say which network they offer.

#![expect(
    clippy::unwrap_used,
    reason = "a test may stop at what it did not expect"
)]

use std::path::{Path, PathBuf};

use auscult_engine::{Options, Unwatched, Watch, analyze};
use auscult_model::FlowRecord;
use auscult_model::report::Report;

#[derive(Default)]
struct Flows(Vec<(String, u64)>);

impl Watch for Flows {
    fn flow(&mut self, record: &FlowRecord) {
        let flow = format!("{} {}", record.originator.ip, record.responder.ip);
        self.0.push((flow, record.packets.iter().sum()));
    }
}

const AP: [u8; 6] = [2, 0, 0, 0, 0, 0xa0];

/// A UDP packet from 10.0.0.`from` to 10.0.0.`to`.
fn packet(from: u8, to: u8) -> Vec<u8> {
    let mut packet = vec![0x45, 0, 0, 32, 0, from, 0, 0, 64, 17, 0, 0];
    packet.extend([10, 0, 0, from, 10, 0, 0, to]);
    packet.extend([0x12, 0x34, 0x30, 0x39, 0, 12, 0, 0, 1, 2, 3, 4]);
    packet
}

/// One frame with packets from two stations' addresses, answered in a frame of its own.
fn aggregate() -> Vec<u8> {
    let mut frame = vec![0x88, 2, 0, 0];
    frame.extend([[2, 0, 0, 0, 0, 9], AP, AP].concat());
    frame.extend([0, 0, 0x80, 0]);
    for from in 1..=40 {
        frame.extend([[2, 0, 0, 0, 0, 9], [2, 0, 0, 0, 0, from]].concat());
        frame.extend([0, 40, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0]);
        frame.extend(packet(from, 200));
        frame.resize((frame.len() - 26).next_multiple_of(4) + 26, 0);
    }
    frame
}

/// A pcap of bare wireless frames, ten milliseconds apart.
fn capture(name: &str, frames: &[Vec<u8>]) -> PathBuf {
    let words: [u32; 6] = [0xa1b2_c3d4, 0x0004_0002, 0, 0, 65_535, 105];
    let mut bytes = words.map(u32::to_le_bytes).concat();
    for (index, frame) in frames.iter().enumerate() {
        let length = frame.len() as u32;
        let head = [1_000, index as u32 * 10_000, length, length];
        bytes.extend(head.map(u32::to_le_bytes).concat());
        bytes.extend(frame);
    }
    let file = std::env::temp_dir().join(format!("auscult-{name}-{}.pcap", std::process::id()));
    std::fs::write(&file, bytes).unwrap();
    file
}

fn read(file: &Path, threads: usize, watch: &mut dyn Watch) -> Report {
    let options = Options {
        threads,
        single_flows: true,
        ..Options::default()
    };
    analyze(&[file.to_owned()], &options, watch).unwrap()
}

#[test]
fn packets_of_aggregates_reach_their_flows() {
    let answers = (1..=40).map(|to| {
        let mut frame = vec![0x08, 1, 0, 0];
        frame.extend([AP, [2, 0, 0, 0, 0, 9], [2, 0, 0, 0, 0, to]].concat());
        frame.extend([0, 0, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0]);
        let mut back = packet(200, to);
        back.splice(20..24, [0x30, 0x39, 0x12, 0x34]);
        frame.extend(back);
        frame
    });
    let frames: Vec<Vec<u8>> = std::iter::once(aggregate()).chain(answers).collect();
    let file = capture("aggregate", &frames);
    let mut first = None;
    for threads in [1, 3] {
        let mut flows = Flows::default();
        let report = read(&file, threads, &mut flows);
        assert_eq!(report.captures[0].packets, 41);
        assert_eq!(report.health.packets, 41);
        assert_eq!(report.health.undecoded, 0);
        assert_eq!(flows.0.len(), 40, "{:?}", flows.0);
        assert!(flows.0.iter().all(|(_, packets)| *packets == 2));
        let text = format!("{report:?}");
        assert_eq!(first.get_or_insert_with(|| text.clone()), &text);
    }
    std::fs::remove_file(file).unwrap();
}

#[test]
fn the_encrypted_share_is_told_and_the_network_named() {
    let mut beacon = vec![0x80, 0, 0, 0];
    beacon.extend([[0xff; 6], AP, AP].concat());
    beacon.extend([0; 12]);
    beacon.extend([0x11, 0, 0, 4, b'w', b'a', b'r', b'd']);
    let mut secret = vec![0x08, 0x41, 0, 0];
    secret.extend([AP, [2, 0, 0, 0, 0, 9], [2, 0, 0, 0, 0, 8]].concat());
    secret.extend([0, 0, 1, 0, 0, 0x20, 0, 0, 0, 0]);
    secret.extend([0x5a; 60]);
    let mut frames = vec![beacon];
    frames.extend(std::iter::repeat_n(secret, 5));
    let file = capture("encrypted", &frames);
    let report = read(&file, 1, &mut Unwatched);
    std::fs::remove_file(file).unwrap();
    let health = &report.health;
    let counts = (health.link_own, health.radio_frames, health.radio_encrypted);
    assert_eq!(counts, (1, 5, 5));
    assert_eq!(health.undecoded, 5);
    let leaves = report
        .coverage
        .iter()
        .find(|c| c.id == "patient-data-leaves");
    assert!(leaves.unwrap().because.contains("wireless controller"));
    let point = &report.devices[0];
    let claim = |attribute: &str| {
        let claim = point.claims.iter().find(|c| c.attribute == attribute);
        claim.map(|claim| claim.value.as_str())
    };
    assert_eq!(claim("ssid"), Some("ward"));
    assert_eq!(claim("wireless_security"), Some("wep"));
    assert_eq!(point.role.word(), "network-device");
    assert!(point.ips.is_empty(), "{:?}", point.ips);
}
