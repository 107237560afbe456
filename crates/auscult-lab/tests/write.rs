//! What is written to disk: both file formats, the truth beside them, errors that say why.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;

use auscult_lab::monitor::{Cut, Habits};
use auscult_lab::scenes::{Parameters, custom_server};
use auscult_lab::{LabError, generate, scenarios, write};

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("auscult-lab-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn the_extension_chooses_the_format_and_truth_is_beside() {
    let folder = Folder::new("formats");
    for (name, magic) in [
        ("w.pcapng", [0x0a, 0x0d, 0x0d, 0x0a]),
        ("w.pcap", [0x4d, 0x3c, 0xb2, 0xa1]),
    ] {
        let out = folder.0.join(name);
        let truth = write("leak-through-gateway", 3, &out).unwrap();
        assert_eq!(truth.file, name);
        assert_eq!(std::fs::read(&out).unwrap()[..4], magic);
        let text = std::fs::read(folder.0.join(format!("{name}.truth.json"))).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&text).unwrap();
        let case = &json["leak-through-gateway"];
        assert_eq!(case["file"], name);
        assert_eq!(case["signature"]["10.20.3.14"], "contec-cms8000");
        let must = case["must"].as_array().unwrap();
        assert!(
            must.iter()
                .any(|m| m[0] == "phi-cleartext-outside" && m[2] == "critical")
        );
        for key in [
            "must_not",
            "no_signature",
            "artifacts",
            "private",
            "secrets",
            "flows",
        ] {
            assert!(case[key].is_array(), "{key}");
        }
        for key in ["roles", "identity", "coverage"] {
            assert!(case[key].is_object(), "{key}");
        }
    }
}

#[test]
fn unknown_scenarios_name_the_known_ones() {
    let error = write("wart", 1, &PathBuf::from("never.pcapng")).unwrap_err();
    let LabError::Unknown(name, known) = error else {
        panic!("{error}")
    };
    assert_eq!(name, "wart");
    assert!(known.contains("ward") && known.contains("benign-office"));
    assert_eq!(scenarios()[0].name, "ward");
}

#[test]
fn constants_of_a_scene_can_be_varied() {
    let habits = Habits {
        order: vec![0x17, 0x16, 0x15, 0x14],
        restless: false,
        padding: [0, 1, 2, 3, 4],
        cut: Cut::Blocks,
        cycle: 500_000_000,
        repeat_patient: None,
        hello: false,
    };
    let parameters = Parameters {
        port: 5150,
        monitor_vendor: [0xaa, 0xbb, 0xcc],
        habits: Some(habits),
        vlan: Some(99),
        ..Parameters::private_segment(4)
    };
    let scene = custom_server(&parameters);
    let stream = scene
        .streams()
        .into_iter()
        .find(|s| s.responder.1 == 5150)
        .unwrap();
    assert_eq!(stream.vlan, Some(99));
    assert!(
        scene
            .truth
            .devices
            .iter()
            .any(|d| d.mac.starts_with("aa:bb:cc"))
    );
    let first = stream
        .out
        .windows(4)
        .find(|w| w[0] == 5 && w[1] == 0x46)
        .unwrap();
    assert_eq!(first, [5, 0x46, 0, 0]);
    let sub_types: Vec<u8> = stream
        .out
        .windows(6)
        .filter(|w| w[..4] == [5, 0x46, 0, 0] && w[5] == 0)
        .map(|w| w[4])
        .take(4)
        .collect();
    assert_eq!(sub_types, [0x17, 0x16, 0x15, 0x14]);
}

#[test]
fn every_scenario_says_what_it_shows() {
    for scenario in scenarios() {
        assert!(!scenario.summary.is_empty());
        let scene = generate(scenario.name, 1, &auscult_lab::Options::default()).unwrap();
        assert!(
            !scene.truth.note.is_empty() && !scene.frames.is_empty(),
            "{}",
            scenario.name
        );
    }
}
