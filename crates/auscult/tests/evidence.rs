//! Each piece of evidence is that frame in Wireshark: the display filter that goes with it,
//! given to tshark, shows exactly the packet that it names.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Starting tshark takes a second where the machine is busy.
const FILTERS_MAX: usize = 40;

/// `(packet, filter)` of every piece of evidence below a value.
fn collect(value: &Value, into: &mut BTreeSet<(u64, String)>) {
    match value {
        Value::Object(fields) => {
            if let (Some(packet), Some(filter)) =
                (value["packet"].as_u64(), value["filter"].as_str())
            {
                into.insert((packet, filter.to_owned()));
            }
            fields.values().for_each(|field| collect(field, into));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, into)),
        _ => {}
    }
}

#[test]
fn filters_show_the_packets_they_name() {
    if Command::new("tshark").arg("--version").output().is_err() {
        eprintln!("SKIPPED: no tshark; the display filters of the evidence are not checked");
        return;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("evidence");
    fs::create_dir_all(&folder).unwrap();
    let auscult = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_auscult"));
        let output = command
            .args(arguments)
            .current_dir(&folder)
            .output()
            .unwrap();
        assert!(output.status.success(), "{arguments:?}");
        output.stdout
    };
    let mut checked = 0;
    for scenario in ["ward", "attempts-only", "attempts-arp-only", "clear-logins"] {
        let file = format!("{scenario}.pcapng");
        auscult(&["lab", "write", scenario, "--seed", "3", "-o", &file]);
        let report = auscult(&["analyze", &file, "--format", "json"]);
        let report: Value = serde_json::from_slice(&report).unwrap();
        let mut evidence = BTreeSet::new();
        collect(&report["findings"], &mut evidence);
        assert!(!evidence.is_empty(), "{scenario}");
        for (packet, filter) in evidence.into_iter().take(FILTERS_MAX - checked) {
            let output = Command::new("tshark")
                .args([
                    "-r",
                    &file,
                    "-T",
                    "fields",
                    "-e",
                    "frame.number",
                    "-Y",
                    &filter,
                ])
                .current_dir(&folder)
                .output()
                .unwrap();
            let complaint = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{scenario}: {filter}: {complaint}");
            let shown = String::from_utf8(output.stdout).unwrap();
            assert_eq!(shown.trim(), packet.to_string(), "{scenario}: {filter}");
            checked += 1;
        }
    }
    assert!(checked >= 10, "{checked}");
}
