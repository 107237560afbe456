//! What tunnels carry, field by field as tshark shows it: the innermost packet of every frame of
//! other people's captures; and datagrams that only look like tunnels.

mod captures;

use std::path::Path;
use std::process::Command;

use auscult_model::LinkType;
use auscult_packet::{Layers, Transport, Tunnel, decode, dispatch, dispatch_layers};

/// Captures with tunnels, and how many frames have a packet in a packet.
const CAPTURES: &[(&str, usize)] = &[
    ("zeek/tunnels__vxlan.pcap", 10),
    ("ndpi/vxlan.pcap", 127),
    ("zeek/tunnels__geneve.pcap", 6),
    ("ndpi/gre.pcapng", 1),
    ("zeek/erspanI.pcap", 10),
    ("zeek/erspanII.pcap", 4),
    ("suricata/decode-erspan-typeI-02.pcap", 42),
    ("suricata/decode-erspan-typeII-01.pcap", 6),
    ("ndpi/4in6tunnel.pcap", 4),
    ("ndpi/6in4tunnel.pcap", 127),
    ("ndpi/capwap.pcap.zst", 16),
    (
        "zeek/tunnels__gtp__gtp1_gn_normal_incl_fragmentation.pcap",
        32,
    ),
    ("zeek/tunnels__gtp__gtp8_teredo.pcap", 10),
    ("zeek/tunnels__Teredo.pcap", 4),
    ("ndpi/teredo.pcap", 24),
    ("zeek/mpls-in-vlan.pcap", 0),
    ("arkime/mpls-basic.pcap", 0),
    ("wireshark-wiki/mpls-twolevel.cap", 0),
    ("zeek/pppoe.pcap", 0),
    ("zeek/pppoe-over-qinq.pcap", 0),
    ("wireshark-wiki/DTMFsipinfo.pcap", 0),
];

/// The innermost packet of IP, and the tunnels around it.
fn innermost(layers: Layers, frame: &[u8]) -> (Layers, Vec<Tunnel>) {
    let (mut innermost, mut layers, mut tunnels) = (layers, layers, Vec::new());
    while let Some(carried) = layers.carried(frame) {
        if carried.closed().is_some() {
            break;
        }
        tunnels.push(carried.tunnel());
        layers = carried.decode(frame, &layers);
        captures::check_ranges(&layers, frame.len());
        if layers.is_ip() {
            innermost = layers;
        }
    }
    (innermost, tunnels)
}

/// The innermost addresses and ports by tshark, a line a frame; `None` when an error of ICMP is in
/// the frame, since what it quotes would count as innermost.
fn told(path: &Path) -> Vec<Option<String>> {
    let mut command = Command::new("tshark");
    command
        .arg("-r")
        .arg(path)
        .args(["-n", "-T", "fields", "-E", "occurrence=l"]);
    for preference in [
        "ip.defragment:FALSE",
        "ipv6.defragment:FALSE",
        "tcp.desegment_tcp_streams:FALSE",
    ] {
        command.args(["-o", preference]);
    }
    for field in [
        "frame.protocols",
        "ip.src",
        "ip.dst",
        "ipv6.src",
        "ipv6.dst",
        "tcp.srcport",
        "tcp.dstport",
        "udp.srcport",
        "udp.dstport",
    ] {
        command.args(["-e", field]);
    }
    let output = command.output().expect("tshark");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().map(line).collect()
}

fn line(row: &str) -> Option<String> {
    let fields: Vec<&str> = row.split('\t').collect();
    let protocols: Vec<&str> = fields[0].split(':').collect();
    let message = protocols.iter().position(|name| name.starts_with("icmp"));
    let behind = message.map_or(&[][..], |at| &protocols[at..]);
    if behind.iter().any(|name| matches!(*name, "ip" | "ipv6")) {
        return None;
    }
    let last = |names: &[&str]| {
        let at = protocols.iter().rposition(|name| names.contains(name));
        at.map_or("", |at| protocols[at])
    };
    let after_ip = protocols
        .iter()
        .rposition(|name| matches!(*name, "ip" | "ipv6"));
    let (src, dst) = match last(&["ip", "ipv6"]) {
        "ip" => (fields[1], fields[2]),
        "ipv6" => (fields[3], fields[4]),
        _ => return Some(String::new()),
    };
    let transport = protocols
        .iter()
        .rposition(|name| matches!(*name, "tcp" | "udp"));
    let ports = match transport
        .filter(|at| Some(*at) > after_ip)
        .map(|at| protocols[at])
    {
        Some("tcp") => format!(" {} {}", fields[5], fields[6]),
        Some("udp") => format!(" {} {}", fields[7], fields[8]),
        _ => String::new(),
    };
    Some(format!("{src} {dst}{ports}"))
}

fn ours(layers: &Layers) -> String {
    if !layers.is_ip() {
        return String::new();
    }
    let ports = match (layers.transport, layers.ports()) {
        (Transport::Tcp(_) | Transport::Udp(_), Some((src, dst))) => format!(" {src} {dst}"),
        _ => String::new(),
    };
    format!("{} {}{ports}", layers.src, layers.dst)
}

#[test]
fn the_innermost_packet_is_tsharks() {
    let Some(folder) = captures::folder() else {
        return;
    };
    let mut bad = Vec::new();
    for (name, tunnelled) in CAPTURES {
        let path = folder.join(name);
        let frames = captures::frames(&path).expect("a capture");
        let told = told(&path);
        let (mut differ, mut opened, mut compared) = (0, 0, 0);
        for (number, (frame, told)) in frames.iter().zip(&told).enumerate() {
            let outer = decode(LinkType(frame.link), &frame.bytes, frame.original_len);
            let (layers, tunnels) = innermost(outer, &frame.bytes);
            opened += usize::from(!tunnels.is_empty());
            check_dispatch(
                LinkType(frame.link),
                &frame.bytes,
                &outer,
                !tunnels.is_empty(),
            );
            // Of what a carrier holds in fragments tshark shows the start.
            let Some(told) = told.as_ref().filter(|_| layers.fragment.is_none()) else {
                continue;
            };
            compared += 1;
            if ours(&layers) != *told {
                differ += 1;
                if differ <= 3 {
                    bad.push(format!(
                        "{name} frame {}: {:?}, tshark {told:?} {tunnels:?}",
                        number + 1,
                        ours(&layers)
                    ));
                }
            }
        }
        eprintln!(
            "{name}: {} frames, {opened} tunnelled, {compared} compared, {differ} differ",
            frames.len()
        );
        if opened != *tunnelled {
            bad.push(format!(
                "{name}: {opened} tunnelled frames, want {tunnelled}"
            ));
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

/// Dispatching sees each tunnel that decoding opens, and both give one key.
fn check_dispatch(link: LinkType, frame: &[u8], outer: &Layers, opened: bool) {
    let fast = dispatch(link, frame, frame.len() as u32);
    assert!(fast.may_carry || !opened, "{outer:?}");
    if outer.is_ip() && outer.stop.is_none() {
        assert_eq!(fast.key, dispatch_layers(outer, frame).key, "{outer:?}");
    }
}
