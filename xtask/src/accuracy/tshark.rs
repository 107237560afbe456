//! tshark's names of conversations: the layers of its frames. Frames that it finds malformed name
//! nothing. What it says is kept beside the build, for it takes minutes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::IpAddr;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::flow::{Key, Said};
use super::names;

const FIELDS: &[&str] = &[
    "frame.protocols",
    "ip.src",
    "ip.dst",
    "ipv6.src",
    "ipv6.dst",
    "tcp.srcport",
    "tcp.dstport",
    "udp.srcport",
    "udp.dstport",
    "sctp.srcport",
    "sctp.dstport",
    "_ws.malformed",
];

/// What a row of a frame with a layer that ends too soon has, as a layer or in its own column.
const MALFORMED: &str = "_ws.malformed";

/// Runs tshark over a plain capture, or reads what it said before.
///
/// Also the conversations of which it finds no frame whole that it names.
pub(super) fn said(capture: &Path, kept: &Path) -> Result<(Said, BTreeSet<Key>)> {
    let text = match fs::read_to_string(kept) {
        Ok(text) => text,
        Err(_) => {
            let text = run(capture)?;
            fs::write(kept, &text)?;
            text
        }
    };
    Ok(of_rows(&text))
}

fn run(capture: &Path) -> Result<String> {
    let mut command = Command::new("tshark");
    command.arg("-n").arg("-r").arg(capture);
    for heuristic in ["hl7_tcp", "dicom_tcp"] {
        command.args(["--enable-heuristic", heuristic]);
    }
    for preference in [
        "tcp.desegment_tcp_streams:TRUE",
        "tcp.reassemble_out_of_order:TRUE",
        "ip.defragment:TRUE",
    ] {
        command.args(["-o", preference]);
    }
    command.args(["-T", "fields", "-E", "occurrence=a", "-E", "aggregator=,"]);
    for field in FIELDS {
        command.args(["-e", field]);
    }
    // A capture that is cut short still has rows.
    let output = command.output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    // The same row for every packet of a conversation: each once.
    let mut rows: Vec<&str> = text.lines().collect();
    rows.sort_unstable();
    rows.dedup();
    Ok(rows.join("\n"))
}

fn of_rows(text: &str) -> (Said, BTreeSet<Key>) {
    let mut said = Said::new();
    let mut damaged = BTreeSet::new();
    for row in text.lines() {
        for (key, names) in of_row(row) {
            if row.contains(MALFORMED) {
                damaged.insert(key.clone());
            }
            let known = said.entry(key).or_default();
            for name in names {
                if !known.contains(&name) {
                    known.push(name);
                }
            }
        }
    }
    damaged.retain(|key| said.get(key).is_none_or(Vec::is_empty));
    (said, damaged)
}

type Names = Vec<&'static [&'static str]>;

/// The conversations of one frame, the outermost first, with what their layers are called.
fn of_row(row: &str) -> Vec<(Key, Names)> {
    let is_malformed = row.contains(MALFORMED);
    let mut cells = row.split('\t');
    let layers = cells.next().unwrap_or_default();
    let columns: Vec<Vec<&str>> = cells.map(|cell| cell.split(',').collect()).collect();
    let column = |index: usize, nth: usize| columns.get(index).and_then(|c| c.get(nth)).copied();
    let mut found: Vec<(Key, Names)> = Vec::new();
    let mut met: BTreeMap<&str, usize> = BTreeMap::new();
    let mut addresses = None;
    for layer in layers.split(':') {
        let nth = *met.get(layer).unwrap_or(&0);
        *met.entry(layer).or_default() += 1;
        let address = |index| column(index, nth).and_then(|text| text.parse::<IpAddr>().ok());
        match layer {
            "ip" => addresses = address(0).zip(address(1)),
            "ipv6" => addresses = address(2).zip(address(3)),
            _ => {}
        }
        let Some((a, b)) = addresses else {
            continue;
        };
        let ports = |index| -> Option<(u16, u16)> {
            let port = |index| column(index, nth)?.parse().ok();
            Some((port(index)?, port(index + 1)?))
        };
        let carried = match layer {
            "tcp" => ports(4),
            "udp" => ports(6),
            "sctp" => ports(8),
            "icmp" | "icmpv6" | "esp" | "ah" | "gre" | "igmp" => Some((0, 0)),
            _ => None,
        };
        // Within UDP it is a layer like others.
        let carried = carried.filter(|_| layer != "esp" || !layers.contains("udpencap"));
        if let Some((from, to)) = carried {
            found.push((Key::new(layer, (a, from), (b, to)), Vec::new()));
        }
        if let (false, Some((_, names)), Some(name)) =
            (is_malformed, found.last_mut(), names::of_tshark(layer))
            && !names.contains(&name)
        {
            names.push(name);
        }
        // An error quotes a packet of another conversation.
        if layer.starts_with("icmp") {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_conversation_of_a_frame_has_its_own_layers() {
        let row = "eth:ethertype:ip:udp:vxlan:eth:ethertype:ip:tcp:tls\t1.1.1.1,10.0.0.1\t\
                   2.2.2.2,10.0.0.2\t\t\t40\t443\t5000\t4789\t\t";
        let found = of_row(row);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].0.to_string(), "udp 1.1.1.1#5000 2.2.2.2#4789");
        assert_eq!(found[0].1, [&["vxlan"][..]]);
        assert_eq!(found[1].0.to_string(), "tcp 10.0.0.1#40 10.0.0.2#443");
        assert_eq!(found[1].1, [&["tls"][..]]);
    }
}
