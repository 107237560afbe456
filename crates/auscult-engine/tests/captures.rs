//! Every capture of the collection is read: no panic, the right number of packets, and flows that
//! agree with tshark's.

#![expect(
    clippy::unwrap_used,
    reason = "a test may stop at what it did not expect"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use auscult_engine::{Options, Unwatched, Watch, analyze};
use auscult_model::report::Role;
use auscult_model::{FlowRecord, Transport};
use serde_json::Value;

fn collection() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/captures");
    if folder.join("manifest.jsonl").is_file() {
        return Some(folder);
    }
    eprintln!(
        "SKIPPED: the collection of captures is absent: {}",
        folder.display()
    );
    None
}

fn lines(path: &Path) -> Vec<Value> {
    let bytes = if path.extension().is_some_and(|extension| extension == "zst") {
        let output = Command::new("zstd").arg("-dcq").arg(path).output().unwrap();
        output.stdout
    } else {
        std::fs::read(path).unwrap()
    };
    String::from_utf8_lossy(&bytes)
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

type Key = (String, (String, u64), (String, u64));

fn key(transport: &str, a: (String, u64), b: (String, u64)) -> Key {
    if a <= b {
        (transport.to_owned(), a, b)
    } else {
        (transport.to_owned(), b, a)
    }
}

/// Packets and bytes of each TCP and UDP conversation.
#[derive(Default)]
struct Flows(BTreeMap<Key, (u64, u64)>);

impl Watch for Flows {
    fn flow(&mut self, record: &FlowRecord) {
        if !matches!(record.transport, Transport::Tcp | Transport::Udp) {
            return;
        }
        let end = |end: &auscult_model::Endpoint| (end.ip.to_string(), u64::from(end.port));
        let key = key(
            &record.transport.to_string(),
            end(&record.originator),
            end(&record.responder),
        );
        let sum = self.0.entry(key).or_default();
        sum.0 += record.packets.iter().sum::<u64>();
        sum.1 += record.bytes.iter().sum::<u64>();
    }
}

fn theirs(oracle: &Path) -> BTreeMap<Key, (u64, u64)> {
    let mut flows: BTreeMap<Key, (u64, u64)> = BTreeMap::new();
    for line in lines(oracle) {
        if line["src"] != "tshark" || line["kind"] != "flow" {
            continue;
        }
        let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
        let number = |name: &str| line[name].as_u64().unwrap_or_default();
        let transport = text("l4");
        if transport == "tcp" || transport == "udp" {
            let ends = ((text("a"), number("ap")), (text("b"), number("bp")));
            let sum = flows.entry(key(&transport, ends.0, ends.1)).or_default();
            sum.0 += number("pa") + number("pb");
            sum.1 += number("ba") + number("bb");
        }
    }
    flows
}

#[test]
fn every_capture_is_read_and_flows_agree_with_tshark() {
    let Some(folder) = collection() else { return };
    if Command::new("zstd").arg("--version").output().is_err() {
        eprintln!("SKIPPED: zstd is not installed, compressed oracles cannot be read");
        return;
    }
    let mut bad = Vec::new();
    let (mut agreeing, mut compared, mut read, mut refused) = (0u64, 0u64, 0u32, 0u32);
    for entry in lines(&folder.join("manifest.jsonl")) {
        let Some(name) = entry["capture"].as_str() else {
            continue;
        };
        let options = Options {
            single_flows: true,
            ..Options::default()
        };
        let mut flows = Flows::default();
        match analyze(&[folder.join(name)], &options, &mut flows) {
            Ok(report) => {
                read += 1;
                let packets = report.captures[0].packets;
                if Some(packets) != entry["packets"].as_u64() {
                    bad.push(format!(
                        "{name}: {packets} packets, tshark {}",
                        entry["packets"]
                    ));
                }
                let undecoded = report.health.undecoded;
                let Some(oracle) = entry["oracle"].as_str() else {
                    continue;
                };
                // Link types and tunnels that are not decoded yet are not compared, only read.
                if undecoded > 0 {
                    continue;
                }
                for (key, sum) in theirs(&folder.join(oracle)) {
                    compared += 1;
                    agreeing += u64::from(flows.0.get(&key) == Some(&sum));
                }
            }
            Err(error) => {
                refused += 1;
                let text = error.to_string();
                if !text.contains("not a packet capture") {
                    bad.push(format!("{name}: {text}"));
                }
            }
        }
    }
    eprintln!(
        "{read} captures read, {refused} refused with a reason; flows: {agreeing} of {compared} \
         agree with tshark"
    );
    assert!(bad.is_empty(), "{}", bad.join("\n"));
    assert!(read > 400, "only {read} captures were read");
    // The rest are copies, which tshark counts twice, fragments, which it counts once, and
    // tunnels inside of which it looks.
    assert!(agreeing * 100 >= compared * 95, "{agreeing} of {compared}");
}

/// Switches tell the other end of their cable who they are.
#[test]
fn switches_are_known_by_what_they_tell_their_neighbour() {
    let Some(folder) = collection() else { return };
    for (capture, hostname, model) in [
        ("arkime/wireshark-lldp.pcap", "Summit300-48", None),
        (
            "wireshark-wiki/cdp_v2.pcap",
            "myswitch",
            Some("WS-C2950-12"),
        ),
    ] {
        let report = analyze(&[folder.join(capture)], &Options::default(), &mut Unwatched).unwrap();
        let device = report
            .devices
            .iter()
            .find(|device| device.hostname.as_deref() == Some(hostname))
            .unwrap_or_else(|| panic!("{capture}: {:#?}", report.devices));
        assert_eq!(device.role, Role::NetworkDevice, "{capture}");
        assert_eq!(device.model.as_deref(), model, "{capture}");
    }
}

/// Real tunnels in names (iodine, dnscat2), beside captures of ordinary name services.
#[test]
fn tunnels_in_names_are_found() {
    let Some(folder) = collection() else { return };
    let zones = |capture: &str| -> Vec<String> {
        let options = Options::default();
        let report = analyze(&[folder.join(capture)], &options, &mut Unwatched).unwrap();
        let tunnels = report.findings.iter().filter(|one| one.rule == "tunnel");
        tunnels.map(|one| one.title.clone()).collect()
    };
    for (capture, zone) in [
        ("ndpi/dns-tunnel-iodine.pcap.zst", "pirate.sea"),
        ("ndpi/bad-dns-traffic.pcap.gz", "skullseclabs.org"),
    ] {
        let found = zones(capture);
        assert!(
            found.iter().any(|title| title.contains(zone)),
            "{capture}: {found:?}"
        );
    }
}
