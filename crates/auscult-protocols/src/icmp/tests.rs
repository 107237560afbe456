//! ICMP against Wireshark.

use std::net::Ipv6Addr;

use auscult_model::LinkType;
use auscult_packet::decode;

use super::*;
use crate::oracle::{self, Agreement, Row};

/// `fe80::1` (00:40:9d:00:00:01) to all nodes: type, eight header bytes, options.
fn icmpv6(destination: Ipv6Addr, message: &[u8]) -> Vec<u8> {
    let source: Ipv6Addr = "fe80::1".parse().unwrap();
    let mut frame = vec![
        0x33, 0x33, 0, 0, 0, 1, 0x00, 0x40, 0x9d, 0, 0, 1, 0x86, 0xdd,
    ];
    frame.extend_from_slice(&[0x60, 0, 0, 0, 0, message.len() as u8, 58, 255]);
    frame.extend_from_slice(&source.octets());
    frame.extend_from_slice(&destination.octets());
    frame.extend_from_slice(message);
    frame
}

fn said_by(frame: &[u8]) -> Option<Said> {
    said(
        &decode(LinkType::ETHERNET, frame, frame.len() as u32),
        frame,
    )
}

const MAC: MacAddr = MacAddr([0x00, 0x40, 0x9d, 0, 0, 1]);

#[test]
fn a_router_describes_its_link() {
    let all_nodes: Ipv6Addr = "ff02::1".parse().unwrap();
    let prefix: Ipv6Addr = "2001:db8:7::".parse().unwrap();
    let mut message = vec![134, 0, 0, 0, 64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0];
    message.extend_from_slice(&[3, 4, 64, 0xc0, 0, 0, 0, 9, 0, 0, 0, 9, 0, 0, 0, 0]);
    message.extend_from_slice(&prefix.octets());
    let said = said_by(&icmpv6(all_nodes, &message)).unwrap();
    let expected = Meaning::NetworkDescribed {
        prefix: Some((IpAddr::V6(prefix), 64)),
        routers: vec!["fe80::1".parse().unwrap()],
        name_servers: Vec::new(),
    };
    assert_eq!(said.meanings(), [expected]);
    message[6..8].fill(0);
    let no_default = said_by(&icmpv6(all_nodes, &message)).unwrap();
    assert!(format!("{:?}", no_default.meanings()).contains("routers: []"));
}

#[test]
fn advertisements_unasked_are_announcements() {
    let ip: Ipv6Addr = "fe80::7".parse().unwrap();
    let mut message = vec![136, 0, 0, 0, 0x20, 0, 0, 0];
    message.extend_from_slice(&ip.octets());
    let ip = IpAddr::V6(ip);
    for (to, expected) in [
        ("ff02::1", Neighbour::Announcement { mac: MAC, ip }),
        ("fe80::9", Neighbour::Answer { mac: MAC, ip }),
    ] {
        let frame = icmpv6(to.parse().unwrap(), &message);
        assert_eq!(said_by(&frame), Some(Said::Neighbour(expected)));
    }
}

fn ours(field: &str, layers: &Layers, frame: &[u8]) -> Vec<String> {
    let icmp = match (&layers.transport, field.starts_with("icmp.")) {
        (Transport::Icmp(icmp), true) | (Transport::Icmpv6(icmp), false) => icmp,
        _ => return Vec::new(),
    };
    let target = || {
        let said = layers.neighbour_discovery(frame)?;
        (!said.target.is_unspecified()).then(|| said.target.to_string())
    };
    match field {
        "icmp.type" | "icmpv6.type" => vec![icmp.kind.to_string()],
        "icmp.code" | "icmpv6.code" => vec![icmp.code.to_string()],
        "icmpv6.nd.ns.target_address" if icmp.kind == 135 => target().into_iter().collect(),
        "icmpv6.nd.na.target_address" if icmp.kind == 136 => target().into_iter().collect(),
        _ => Vec::new(),
    }
}

const FIELDS: [&str; 6] = [
    "icmp.type",
    "icmp.code",
    "icmpv6.type",
    "icmpv6.code",
    "icmpv6.nd.ns.target_address",
    "icmpv6.nd.na.target_address",
];

/// What an error quotes: the second of everything that tshark shows.
fn quote_agrees(place: &str, row: &Row, said: Option<Said>, agreement: &mut Agreement) {
    for (source, destination) in [("ip.src", "ip.dst"), ("ipv6.src", "ipv6.dst")] {
        if row.all(source).len() != 2 {
            continue;
        }
        let Some(Said::Error { quoted, .. }) = said else {
            agreement.compare(place, row, source, Vec::new());
            continue;
        };
        let inner = [(source, quoted.src), (destination, quoted.dst)];
        for (field, ip) in inner {
            let outer = row.one(field).to_owned();
            agreement.compare(place, row, field, vec![outer, ip.to_string()]);
        }
        if !row.all("udp.dstport").is_empty() {
            let port = quoted.dst_port.to_string();
            agreement.compare(place, row, "udp.dstport", vec![port]);
        }
    }
}

/// `cargo test -p auscult-protocols agrees_with_tshark -- --ignored --nocapture`
#[test]
#[ignore = "asks tshark about every capture, which takes minutes"]
fn agrees_with_tshark() {
    let mut agreement = Agreement::default();
    let more = [
        "frame.number",
        "frame.protocols",
        "ip.src",
        "ip.dst",
        "ipv6.src",
        "ipv6.dst",
        "udp.dstport",
    ];
    let fields = [&more[..], &FIELDS].concat();
    let mut captures = oracle::captures_with("icmp");
    captures.extend(oracle::captures_with("icmpv6"));
    captures.sort();
    captures.dedup();
    for capture in captures {
        let rows = oracle::tshark(&capture, "icmp || icmpv6", &fields);
        let frames = oracle::frames(&capture);
        for row in rows {
            let protocols = row.one("frame.protocols");
            // What tunnels carry, and errors inside errors, is not decoded.
            let before = protocols.split(":icmp").next().unwrap_or_default();
            let inside =
                before.matches(":ip").count() != 1 || protocols.matches("icmp").count() > 1;
            let tunnels = ["wlan", "mpls", "ppp", "data"];
            if inside || tunnels.iter().any(|word| before.contains(word)) {
                continue;
            }
            let number: usize = row.one("frame.number").parse().expect("a number");
            let (link, wire, frame) = &frames[number - 1];
            let layers = decode(*link, frame, *wire);
            let place = format!("{}#{number}", oracle::name_of(&capture));
            for field in FIELDS {
                agreement.compare(&place, &row, field, ours(field, &layers, frame));
            }
            quote_agrees(&place, &row, said(&layers, frame), &mut agreement);
        }
    }
    agreement.at_least("icmp", 0.99);
}

/// The groups that tshark shows in other people's reports of multicast listener discovery.
#[test]
fn listeners_agree_with_tshark() {
    use crate::oracle::{self, Agreement};
    let Some(folder) = oracle::shared("captures") else {
        return;
    };
    let fields = [
        "frame.number",
        "icmpv6.mldr.mar.multicast_address",
        "icmpv6.mldr.mar.record_type",
        "icmpv6.mldr.mar.nb_sources",
    ];
    let mut agreement = Agreement::default();
    for name in [
        "iot-sentinel/WeMoSwitch2__Setup-C-3-STA.pcap.zst",
        "malware/agenttesla-f9421792-7d2c-47d3-90e0-07eb54ae12fa.pcap",
        "ndpi/android.pcap.gz",
        "zeek/dns__mdns.pcap",
    ] {
        let capture = folder.join(name);
        let frames = oracle::frames(&capture);
        for row in oracle::tshark(&capture, "icmpv6.type == 143", &fields) {
            let number: usize = row.one("frame.number").parse().expect("a number");
            let (link, wire, frame) = &frames[number - 1];
            let layers = auscult_packet::decode(*link, frame, *wire);
            let place = format!("{name}#{number}");
            let Some(Said::Listener(listener)) = said(&layers, frame) else {
                panic!("{place} is not read");
            };
            let kinds = row.all("icmpv6.mldr.mar.record_type");
            let sources = row.all("icmpv6.mldr.mar.nb_sources");
            let groups = row.all("icmpv6.mldr.mar.multicast_address").iter();
            let theirs: Vec<String> = groups
                .zip(kinds.iter().zip(sources))
                .map(|(group, (kind, sources))| {
                    let joined = !matches!(kind.as_str(), "1" | "3") || sources != "0";
                    format!("{group} {joined}")
                })
                .collect();
            let ours: Vec<String> = listener
                .changes()
                .iter()
                .map(|(group, joined)| format!("{group} {joined}"))
                .collect();
            agreement.compare_values(&place, "groups", &theirs, &ours);
        }
    }
    agreement.at_least("mld", 0.99);
}

/// An ICMPv6 message to all routers, with this hop limit.
fn listener(hops: u8, message: &[u8]) -> Option<Said> {
    let mut packet = vec![0x60, 0, 0, 0, 0, message.len() as u8, 58, hops];
    packet.extend([0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9]);
    packet.extend([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
    packet.extend(message);
    let layers = auscult_packet::decode_ip(&packet, packet.len() as u32);
    said(&layers, &packet)
}

#[test]
fn queries_and_first_versions_of_listener_discovery() {
    let group = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xfb];
    let message = |kind: u8, rest: &[u8]| [&[kind, 0, 0, 0, 0, 10, 0, 0], rest].concat();
    let told = |hops, bytes: &[u8]| match listener(hops, bytes)? {
        Said::Listener(listener) => Some((
            listener.version,
            listener.is_query,
            listener.changes().to_vec(),
        )),
        _ => None,
    };
    let address = IpAddr::from(group);
    let joined = Some((1, false, vec![(address, true)]));
    let left = Some((1, false, vec![(address, false)]));
    assert_eq!(told(1, &message(131, &group)), joined);
    assert_eq!(told(1, &message(132, &group)), left);
    assert_eq!(told(1, &message(130, &[0; 16])), Some((1, true, vec![])));
    assert_eq!(told(1, &message(130, &[0; 20])), Some((2, true, vec![])));
    assert_eq!(
        told(64, &message(131, &group)),
        None,
        "from beyond a router"
    );
    assert_eq!(told(1, &message(131, &[0; 16])), None, "no group");
    assert_eq!(told(1, &message(131, &group[1..])), None, "cut");
}

#[test]
fn the_question_of_one_stack() {
    let message = |kind, code| {
        let header = [
            0x45, 0, 0, 28, 0, 0, 0, 0, 64, 1, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
        ];
        let packet = [&header[..], &[kind, code, 0, 0, 0, 0, 0, 0]].concat();
        said(&decode(LinkType::RAW, &packet, 28), &packet)
    };
    assert_eq!(message(165, 0), Some(Said::StackAsked));
    assert_eq!(message(166, 0), Some(Said::StackAnswered));
    assert_eq!(message(165, 1), None);
    assert_eq!(message(13, 0), None);
}
