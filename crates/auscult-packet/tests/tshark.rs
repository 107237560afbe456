//! Field by field agreement with tshark over other people's captures.
//!
//! `cargo test -p auscult-packet --test tshark -- --ignored` compares every capture there is.

mod captures;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use auscult_model::{LinkType, MacAddr};
use auscult_packet::{Icmp, Layers, Network, StopReason, Transport, decode, is_wireless};

const FIELDS: &[&str] = &[
    "frame.protocols",
    "eth.src",
    "eth.dst",
    "vlan.id",
    "ieee8021ad.id",
    "arp.opcode",
    "arp.src.proto_ipv4",
    "arp.dst.proto_ipv4",
    "arp.src.hw_mac",
    "ip.src",
    "ip.dst",
    "ip.ttl",
    "ip.id",
    "ip.flags.df",
    "ip.frag_offset",
    "ip.proto",
    "ipv6.src",
    "ipv6.dst",
    "ipv6.hlim",
    "tcp.srcport",
    "tcp.dstport",
    "tcp.seq",
    "tcp.seq_raw",
    "tcp.ack_raw",
    "tcp.flags",
    "tcp.window_size_value",
    "tcp.checksum",
    "tcp.urgent_pointer",
    "tcp.len",
    "tcp.hdr_len",
    "tcp.options.mss_val",
    "tcp.options.wscale.shift",
    "tcp.options.timestamp.tsval",
    "tcp.options.timestamp.tsecr",
    "udp.srcport",
    "udp.dstport",
    "udp.length",
    "udp.checksum",
    "icmp.type",
    "icmp.code",
    "icmp.checksum",
    "icmpv6.type",
    "icmpv6.code",
    "icmpv6.nd.ns.target_address",
    "icmpv6.nd.na.target_address",
    "icmpv6.opt.linkaddr",
    "icmpv6.opt.prefix",
    "sctp.srcport",
    "sctp.dstport",
    "sll.src.eth",
    "wlan.sa",
    "wlan.da",
    "fddi.src",
];

/// One frame as tshark shows it: for each field all its values, outermost first.
struct Row(BTreeMap<&'static str, Vec<String>>);

impl Row {
    fn all(&self, field: &str) -> &[String] {
        self.0.get(field).map_or(&[], Vec::as_slice)
    }

    fn first(&self, field: &str) -> &str {
        self.all(field).first().map_or("", String::as_str)
    }

    /// A number in decimal or with 0x, or `True`/`False`.
    fn number(&self, field: &str) -> Option<u64> {
        match self.first(field) {
            "True" => Some(1),
            "False" => Some(0),
            text => match text.strip_prefix("0x") {
                Some(hex) => u64::from_str_radix(hex, 16).ok(),
                None => text.parse().ok(),
            },
        }
    }
}

fn tshark(path: &Path) -> Option<Vec<Row>> {
    let mut command = Command::new("tshark");
    command
        .arg("-r")
        .arg(path)
        .args(["-n", "-T", "fields", "-E", "aggregator=;"]);
    for preference in [
        "ip.defragment:FALSE",
        "ipv6.defragment:FALSE",
        "tcp.relative_sequence_numbers:FALSE",
        "tcp.desegment_tcp_streams:FALSE",
        "tcp.analyze_sequence_numbers:FALSE",
        "udp.process_info:FALSE",
    ] {
        command.args(["-o", preference]);
    }
    for field in FIELDS {
        command.args(["-e", field]);
    }
    let output = command.output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let rows = text.lines().map(|line| {
        let values = line.split('\t').map(|value| {
            value
                .split(';')
                .filter(|v| !v.is_empty())
                .map(str::to_owned)
                .collect::<Vec<_>>()
        });
        Row(FIELDS.iter().copied().zip(values).collect())
    });
    Some(rows.collect())
}

/// Differences of one frame, as text.
struct Differences<'a> {
    frame: usize,
    original_len: u32,
    row: &'a Row,
    found: Vec<String>,
    compared: usize,
}

impl Differences<'_> {
    fn text(&mut self, field: &str, ours: &str) {
        self.compared += 1;
        let theirs = self.row.first(field);
        if theirs != ours {
            self.found.push(format!(
                "#{} {field}: tshark {theirs:?}, ours {ours:?}",
                self.frame
            ));
        }
    }

    fn number(&mut self, field: &str, ours: impl Into<u64>) {
        self.optional(field, Some(ours.into()));
    }

    fn optional(&mut self, field: &str, ours: Option<u64>) {
        self.compared += 1;
        let theirs = self.row.number(field);
        if theirs != ours {
            let frame = self.frame;
            self.found.push(format!(
                "#{frame} {field}: tshark {theirs:?}, ours {ours:?}"
            ));
        }
    }

    fn link(&mut self, layers: &Layers) {
        if layers.link == LinkType::ETHERNET {
            self.text(
                "eth.src",
                &layers.src_mac.map_or(String::new(), |mac| mac.to_string()),
            );
            self.text(
                "eth.dst",
                &layers.dst_mac.map_or(String::new(), |mac| mac.to_string()),
            );
        } else if is_wireless(layers.link) {
            let shown = |mac: Option<MacAddr>| mac.map_or(String::new(), |mac| mac.to_string());
            // Aggregates have addresses of their own, frames of control only some.
            if layers.network != Network::None {
                self.text("wlan.sa", &shown(layers.src_mac));
                self.text("wlan.da", &shown(layers.dst_mac));
            }
        } else if layers.src_mac.is_some() && !self.row.all("sll.src.eth").is_empty() {
            self.text(
                "sll.src.eth",
                &layers.src_mac.map_or(String::new(), |mac| mac.to_string()),
            );
        }
        // 802.1ad tags come first; what tunnels hold comes last and is not ours to see.
        let tags = ["ieee8021ad.id", "vlan.id"]
            .iter()
            .flat_map(|f| self.row.all(f));
        let theirs: Vec<u16> = tags
            .filter_map(|id| id.parse().ok())
            .filter(|&id| id != 0)
            .collect();
        let ours: Vec<u16> = layers.vlan.iter().copied().filter(|&id| id != 0).collect();
        self.compared += 1;
        let outer = self.outer_protocols();
        let tunnelled = self.row.first("frame.protocols").len() > outer.len() + 40;
        if !theirs.starts_with(&ours)
            || (!tunnelled && theirs.len() != usize::from(layers.vlan_depth))
        {
            self.found.push(format!(
                "#{} vlan: tshark {theirs:?}, ours {ours:?}",
                self.frame
            ));
        }
    }

    /// The protocols up to the first transport.
    fn outer_protocols(&self) -> String {
        let mut outer = String::new();
        for protocol in self.row.first("frame.protocols").split(':') {
            outer += protocol;
            if matches!(protocol, "tcp" | "udp" | "icmp" | "icmpv6" | "sctp") {
                break;
            }
            outer += ":";
        }
        outer
    }

    /// The transport that tshark names straight above the first IP header.
    fn outer_transport(&self) -> Option<&str> {
        let mut above = self.row.first("frame.protocols").split(':');
        above.find(|p| matches!(*p, "ip" | "ipv6"))?;
        above
            .find(|p| {
                !matches!(
                    *p,
                    "ipv6.hopopts" | "ipv6.routing" | "ipv6.dstopts" | "ipv6.fraghdr" | "ah"
                )
            })
            .filter(|p| matches!(*p, "tcp" | "udp" | "icmp" | "icmpv6" | "sctp"))
    }

    fn network(&mut self, layers: &Layers) {
        match layers.network {
            Network::Arp(arp) => {
                self.number("arp.opcode", arp.operation);
                self.text("arp.src.proto_ipv4", &arp.sender_ip.to_string());
                self.text("arp.dst.proto_ipv4", &arp.target_ip.to_string());
                self.text("arp.src.hw_mac", &arp.sender_mac.to_string());
            }
            Network::Ipv4 => {
                self.text("ip.src", &layers.src.to_string());
                self.text("ip.dst", &layers.dst.to_string());
                self.number("ip.ttl", layers.ttl);
                self.number("ip.id", layers.ip_id);
                self.number("ip.flags.df", layers.dont_fragment);
                let stopped = matches!(
                    layers.stop.map(|stop| stop.why),
                    Some(StopReason::HeaderLength | StopReason::TotalLength)
                );
                if !stopped || layers.fragment.is_some() {
                    // This version shows it in units of eight bytes, as the header has it.
                    let offset = layers.fragment.map_or(0, |fragment| fragment.offset);
                    self.number("ip.frag_offset", offset / 8);
                }
            }
            Network::Ipv6 => {
                self.text("ipv6.src", &layers.src.to_string());
                self.text("ipv6.dst", &layers.dst.to_string());
                self.number("ipv6.hlim", layers.ttl);
            }
            Network::None => {
                let first = self.row.first("frame.protocols").split(':').take(6);
                let network = first.clone().find(|p| matches!(*p, "arp" | "ip" | "ipv6"));
                let explained = match layers.stop {
                    // Other links than Ethernet are to be read wherever tshark reads them.
                    Some(stop) if layers.link != LinkType::ETHERNET => !matches!(
                        stop.why,
                        StopReason::LinkType
                            | StopReason::LinkOwn
                            | StopReason::EtherType
                            | StopReason::Encrypted
                    ),
                    stop => stop.is_some(),
                };
                self.compared += 1;
                if let (Some(network), false) = (network, explained) {
                    let stop = layers.stop;
                    self.found
                        .push(format!("#{} {network} missed: {stop:?}", self.frame));
                }
            }
        }
    }

    fn transport(&mut self, layers: &Layers) {
        let ours = match layers.transport {
            Transport::Tcp(_) => Some("tcp"),
            Transport::Udp(_) => Some("udp"),
            Transport::Icmp(_) => Some("icmp"),
            Transport::Icmpv6(_) => Some("icmpv6"),
            Transport::Sctp(_) => Some("sctp"),
            Transport::None | Transport::Other => None,
        };
        self.compared += 1;
        let theirs = self.outer_transport();
        // tshark shows a transport whose header it cannot read to its end.
        if ours != theirs && layers.stop.is_none() && layers.network != Network::None {
            let text = format!(
                "#{} transport: tshark {theirs:?}, ours {ours:?}",
                self.frame
            );
            self.found.push(text);
            return;
        }
        match layers.transport {
            Transport::Tcp(_) => self.tcp(layers),
            Transport::Udp(udp) => {
                self.number("udp.srcport", udp.src_port);
                self.number("udp.dstport", udp.dst_port);
                self.number("udp.length", udp.length);
                self.number("udp.checksum", udp.checksum);
            }
            Transport::Icmp(icmp) => {
                self.number("icmp.type", icmp.kind);
                self.number("icmp.code", icmp.code);
                self.number("icmp.checksum", icmp.checksum);
            }
            Transport::Icmpv6(icmp) => {
                self.number("icmpv6.type", icmp.kind);
                self.number("icmpv6.code", icmp.code);
            }
            Transport::Sctp(sctp) => {
                self.number("sctp.srcport", sctp.src_port);
                self.number("sctp.dstport", sctp.dst_port);
            }
            Transport::None | Transport::Other => {}
        }
    }

    fn tcp(&mut self, layers: &Layers) {
        let Transport::Tcp(tcp) = layers.transport else {
            return;
        };
        self.number("tcp.srcport", tcp.src_port);
        self.number("tcp.dstport", tcp.dst_port);
        self.number("tcp.seq_raw", tcp.seq);
        // With a bogus header length tshark shows no more than that.
        self.number("tcp.hdr_len", tcp.header_len);
        if tcp.header_len < 20 {
            return;
        }
        self.number("tcp.ack_raw", tcp.ack);
        self.number("tcp.flags", tcp.flags.0);
        self.number("tcp.window_size_value", tcp.window);
        self.number("tcp.checksum", tcp.checksum);
        if layers.stop.is_none() {
            self.number("tcp.urgent_pointer", tcp.urgent);
            // tshark does not believe an IP length beyond the frame's length on the wire.
            let longest = self.original_len.saturating_sub(layers.payload.start);
            // Nor does it tell the length of a part.
            if layers.fragment.is_none() {
                self.number("tcp.len", layers.payload_on_wire.min(longest));
            }
            self.optional("tcp.options.mss_val", tcp.mss.map(u64::from));
            self.optional("tcp.options.wscale.shift", tcp.window_scale.map(u64::from));
            self.optional(
                "tcp.options.timestamp.tsval",
                tcp.timestamp.map(|t| u64::from(t.0)),
            );
            self.optional(
                "tcp.options.timestamp.tsecr",
                tcp.timestamp.map(|t| u64::from(t.1)),
            );
        }
    }

    /// What an ICMP error quotes is what tshark shows second.
    fn quoted(&mut self, layers: &Layers, frame: &[u8]) {
        let Some(quoted) = layers.quoted(frame) else {
            return;
        };
        let (src, dst) = if quoted.src.is_ipv4() {
            ("ip.src", "ip.dst")
        } else {
            ("ipv6.src", "ipv6.dst")
        };
        for (field, ours) in [(src, quoted.src), (dst, quoted.dst)] {
            self.compared += 1;
            let theirs = self.row.all(field).get(1).map_or("", String::as_str);
            if theirs != ours.to_string() {
                let frame = self.frame;
                self.found.push(format!(
                    "#{frame} quoted {field}: tshark {theirs}, ours {ours}"
                ));
            }
        }
        // Ports of 0 stand for none here.
        let port = |port: u16| (port != 0).then_some(u64::from(port));
        match quoted.ip_protocol {
            6 => {
                self.optional("tcp.srcport", port(quoted.src_port));
                self.optional("tcp.dstport", port(quoted.dst_port));
                // In a quote tshark shows the raw number under this name.
                self.optional("tcp.seq", quoted.tcp_seq.map(u64::from));
            }
            17 => {
                self.optional("udp.srcport", port(quoted.src_port));
                self.optional("udp.dstport", port(quoted.dst_port));
            }
            _ => {}
        }
    }

    fn neighbours(&mut self, layers: &Layers, frame: &[u8]) {
        let Some(said) = layers.neighbour_discovery(frame) else {
            return;
        };
        match layers.transport {
            Transport::Icmpv6(Icmp { kind: 135, .. }) => {
                self.text("icmpv6.nd.ns.target_address", &said.target.to_string());
            }
            Transport::Icmpv6(Icmp { kind: 136, .. }) => {
                self.text("icmpv6.nd.na.target_address", &said.target.to_string());
            }
            _ => {}
        }
        self.text(
            "icmpv6.opt.linkaddr",
            &said.link_address.map_or(String::new(), |m| m.to_string()),
        );
        if let Some((prefix, _)) = said.on_link().first() {
            self.text("icmpv6.opt.prefix", &prefix.to_string());
        }
    }
}

/// Differences and number of comparisons for one capture.
fn compare(path: &Path) -> Option<(Vec<String>, usize)> {
    let frames = captures::frames(path)?;
    let rows = tshark(path)?;
    let mut found = Vec::new();
    let mut compared = 0;
    for (index, (frame, row)) in frames.iter().zip(&rows).enumerate() {
        let layers = decode(LinkType(frame.link), &frame.bytes, frame.original_len);
        captures::check_ranges(&layers, frame.bytes.len());
        let mut differences = Differences {
            frame: index + 1,
            original_len: frame.original_len,
            row,
            found: Vec::new(),
            compared: 0,
        };
        differences.link(&layers);
        differences.network(&layers);
        differences.transport(&layers);
        differences.quoted(&layers, &frame.bytes);
        differences.neighbours(&layers, &frame.bytes);
        found.append(&mut differences.found);
        compared += differences.compared;
    }
    Some((found, compared))
}

#[test]
fn agrees_with_tshark() {
    let Some(folder) = captures::folder() else {
        return;
    };
    if Command::new("tshark").arg("--version").output().is_err() {
        eprintln!("SKIPPED: tshark is not installed");
        return;
    }
    let mut total = 0;
    for name in [
        "arkime/dot1ad.pcap",
        "arkime/ah-esp.pcap",
        "arkime/wireshark-dhcp.pcap",
        "formats/ip6_fragments.pcap",
        "formats/raw_ip.pcap",
        "formats/sll2.pcap",
        "formats/linktype_ipv4.pcap",
        "ndpi/dns_fragmented.pcap",
        "ndpi/sctp.cap",
        "ndpi/synscan.pcap.zst",
        "ndpi/fuzz-2006-09-29-28586.pcap",
    ] {
        let (found, compared) = compare(&folder.join(name)).expect(name);
        assert!(
            found.is_empty(),
            "{name}: {:#?}",
            found.get(..20).unwrap_or(&found)
        );
        assert!(compared > 5, "{name}: only {compared} comparisons");
        total += compared;
    }
    assert!(total > 10_000, "only {total} comparisons");
}

/// The files of a bundle (a tar archive under zstd) by name.
fn bundle(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let bytes = captures::unpacked(path).unwrap_or_default();
    let mut files = BTreeMap::new();
    let mut rest = bytes.as_slice();
    while let Some((header, after)) = rest.split_first_chunk::<512>() {
        let text = |range: std::ops::Range<usize>| {
            let field = header.get(range).unwrap_or_default();
            let end = field.iter().position(|b| *b == 0).unwrap_or(field.len());
            String::from_utf8_lossy(field.get(..end).unwrap_or_default()).into_owned()
        };
        let size = usize::from_str_radix(text(124..136).trim(), 8).unwrap_or(0);
        if let Some(content) = after.get(..size) {
            files.insert(text(0..100), content.to_vec());
        }
        rest = after.get(size.next_multiple_of(512)..).unwrap_or_default();
    }
    files
}

/// Captures of a bundle, compared; how many comparisons each gave.
fn compare_bundle(folder: &Path, name: &str, names: &[&str]) -> usize {
    let files = bundle(&folder.join("bundles").join(name));
    let mut total = 0;
    for name in names {
        let bytes = files.get(&format!("cap/{name}")).expect(name);
        let path = std::env::temp_dir().join(format!("auscult-{}-{name}", std::process::id()));
        std::fs::write(&path, bytes).expect("room for a file");
        let result = compare(&path);
        std::fs::remove_file(&path).expect("it was there");
        let (found, compared) = result.expect(name);
        assert!(
            found.is_empty(),
            "{name}: {:#?}",
            found.get(..20).unwrap_or(&found)
        );
        assert!(compared > 5, "{name}: only {compared} comparisons");
        total += compared;
    }
    total
}

#[test]
fn other_links_agree_with_tshark() {
    let Some(folder) = captures::folder() else {
        return;
    };
    if Command::new("tshark").arg("--version").output().is_err() {
        eprintln!("SKIPPED: tshark is not installed");
        return;
    }
    let mut total = 0;
    for name in [
        "medical/tapirx__dicom_arq_1_find_testclient.pcap",
        "ndpi/selfsigned.pcap",
        "wireshark-wiki/snmp_usm.pcap",
        "zeek/radius__radius_localhost.pcap",
        "zeek/quic__interop__quic-go_quic-go__zerortt.pcap",
        "ppa/3e80211_wpaauth.pcapng",
        "ppa/ppa1__80211traffic.pcap",
        "wireshark/wpa-Induction.pcap.gz",
        "wireshark-wiki/wpa-eap-tls.pcap.gz",
        "wireshark-wiki/Network_Join_Nokia_Mobile.pcap.gz",
        "wireshark-wiki/http_PPI.cap.gz",
        "zeek/arp-who-has-radiotap.pcap",
        "zeek/radiotap.pcap",
        "zeek/wlanmon.pcap",
        "wireshark/nfs.pcap",
        "wireshark/tftp.pcap",
    ] {
        let (found, compared) = compare(&folder.join(name)).expect(name);
        assert!(
            found.is_empty(),
            "{name}: {:#?}",
            found.get(..20).unwrap_or(&found)
        );
        total += compared;
    }
    total += compare_bundle(folder, "zeek-rest.tar.zst", &["nflog-http.pcap"]);
    eprintln!("{total} comparisons");
    assert!(total > 5_000, "only {total} comparisons");
}

/// Too slow for every day, and some captures are damaged in ways that tshark reads its own way:
/// prints what differs.
#[test]
#[ignore = "minutes long; prints differences for a person to judge"]
fn every_capture_against_tshark() {
    let Some(folder) = captures::folder() else {
        return;
    };
    let (mut files, mut total, mut differing) = (0, 0, 0);
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("readable").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if let Some((found, compared)) = compare(&path) {
                files += 1;
                total += compared;
                differing += found.len();
                for difference in found.iter().take(5) {
                    eprintln!("{}: {difference}", path.display());
                }
            }
        }
    }
    eprintln!("{files} captures, {total} comparisons, {differing} differences");
    assert!(total > 0);
}
