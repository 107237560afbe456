//! Hostile captures: every table and buffer that an input can fill is full once, and the report
//! says so by name. Made frame by frame, mostly by hand; nothing here measures time, but work
//! that grew with the square of the input would never end.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod cases;

use std::net::Ipv4Addr;

use auscult_engine::Options;
use auscult_lab::speak::dhcp;
use auscult_lab::wire::{arp, ethernet, ip, tcp, udp};
use auscult_model::report::{Answer, Report};
use auscult_model::{LinkType, MacAddr, Timestamp};

const SYN: u8 = tcp::SYN;
const ACK: u8 = tcp::ACK;
const PUSH: u8 = tcp::ACK | tcp::PSH;

/// An address and a port.
type End = (Ipv4Addr, u16);

/// A capture that is being written: classic pcap with nanoseconds, Ethernet.
struct Wire {
    bytes: Vec<u8>,
    /// Time of the next frame.
    clock: i64,
    /// Time between frames.
    step: i64,
    frames: u32,
}

impl Wire {
    fn new() -> Self {
        let mut bytes = Vec::new();
        for word in [0xa1b2_3c4d_u32, 0x0004_0002, 0, 0, 262_144, 1] {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        Wire {
            bytes,
            clock: 1_760_000_000 * Timestamp::SECOND,
            step: 10_000,
            frames: 0,
        }
    }

    fn frame(&mut self, frame: &[u8]) {
        let (seconds, rest) = (
            self.clock / Timestamp::SECOND,
            self.clock % Timestamp::SECOND,
        );
        let length = frame.len() as u32;
        for word in [seconds as u32, rest as u32, length, length] {
            self.bytes.extend_from_slice(&word.to_le_bytes());
        }
        self.bytes.extend_from_slice(frame);
        self.clock += self.step;
        self.frames += 1;
    }

    fn ip(&mut self, from: Ipv4Addr, to: Ipv4Addr, protocol: u8, payload: &[u8]) {
        let header = ip::Header {
            from,
            to,
            ttl: 64,
            id: self.frames as u16,
            dont_fragment: false,
            protocol,
        };
        let packet = header.whole(payload);
        let frame = ethernet::frame(card(to), card(from), &[], ethernet::IPV4, &packet);
        self.frame(&frame);
    }

    fn udp(&mut self, from: End, to: End, payload: &[u8]) {
        self.ip(from.0, to.0, ip::UDP, &udp::datagram(from, to, payload));
    }

    /// A segment; `at` is its sequence and acknowledgement number.
    fn tcp(&mut self, from: End, to: End, at: (u32, u32), flags: u8, payload: &[u8]) {
        let segment = tcp::Segment {
            from: from.1,
            to: to.1,
            seq: at.0,
            ack: at.1,
            flags,
            window: 8192,
            options: Vec::new(),
            payload: payload.to_vec(),
        };
        self.ip(from.0, to.0, ip::TCP, &segment.encode(from.0, to.0));
    }

    /// Opens a connection; the next bytes of either side have number 1.
    fn open(&mut self, client: End, server: End) {
        self.tcp(client, server, (0, 0), SYN, &[]);
        self.tcp(server, client, (0, 1), SYN | ACK, &[]);
        self.tcp(client, server, (1, 1), ACK, &[]);
    }

    fn report(&self, options: &Options) -> Report {
        let report = cases::Capture::of(&self.bytes, "pcap").report(options);
        assert_eq!(report.health.packets, u64::from(self.frames));
        assert!(report.captures.iter().all(|capture| capture.complete));
        report
    }
}

/// The card of an address.
fn card(ip: Ipv4Addr) -> MacAddr {
    let [a, b, c, d] = ip.octets();
    MacAddr([2, 0, a, b, c, d])
}

/// The host of this number.
fn host(number: u32) -> Ipv4Addr {
    Ipv4Addr::from(0x0a00_0001 + number)
}

fn reached(report: &Report, name: &str) -> u64 {
    let limits = &report.health.limits;
    let count = limits.get(name).copied().unwrap_or(0);
    assert!(count > 0, "{name} is not among {limits:?}");
    count
}

/// An admission of a patient whose every text holds `tag`; all invented.
fn admission(tag: &str) -> Vec<u8> {
    let text = format!(
        "\u{b}MSH|^~\\&|ADT|HOUSE|LAB|HOUSE|20260101120000||ADT^A01|C{tag}|P|2.3\r\
         PID|1||INV{tag}^^^HOUSE||ERFUNDEN{tag}^NIEMAND{tag}||19500101|F\r\u{1c}\r"
    );
    text.into_bytes()
}

/// Letters that differ for each number.
fn letters(mut number: u32) -> String {
    let mut text = String::new();
    for _ in 0..5 {
        text.push(char::from(b'A' + (number % 26) as u8));
        number /= 26;
    }
    text
}

#[test]
fn flows_that_nobody_answers() {
    // A scan of so many public hosts that flows, openings and conversations find no room.
    const ATTEMPTS: u32 = 310_000;
    let mut wire = Wire::new();
    for number in 0..ATTEMPTS {
        let to = Ipv4Addr::from(0x0900_0000 + number);
        let from = (host(0), 1024 + (number % 60_000) as u16);
        wire.tcp(from, (to, 104), (number, 0), SYN, &[]);
    }
    let options = Options {
        max_flows: Some(1024),
        ..Options::default()
    };
    let report = wire.report(&options);
    assert_eq!(report.health.flows, u64::from(ATTEMPTS));
    assert_eq!(reached(&report, "flows"), report.health.flows_evicted);
    assert!(report.health.flows_evicted >= u64::from(ATTEMPTS) - 1024);
    assert_eq!(
        reached(&report, "inventory flow starts"),
        u64::from(ATTEMPTS) - 100_000
    );
    assert_eq!(
        reached(&report, "inventory conversations"),
        u64::from(ATTEMPTS) - 300_000
    );
    assert!(report.devices.len() as u64 <= report.devices_total as u64);
}

#[test]
fn an_opening_repeated_for_ever() {
    let mut wire = Wire::new();
    wire.step = Timestamp::SECOND;
    for _ in 0..100 {
        let (from, to) = ((host(1), 40_000), (Ipv4Addr::new(9, 0, 0, 1), 104));
        wire.tcp(from, to, (7, 0), SYN, &[]);
    }
    let report = wire.report(&Options::default());
    reached(&report, "inventory flow starts alike");
}

#[test]
fn half_open_flows_within_the_budget_are_all_kept() {
    let mut wire = Wire::new();
    for number in 0..100_000 {
        let from = (host(1 + number % 1000), 1024 + (number / 1000) as u16);
        wire.tcp(from, (host(0), 104), (number, 0), SYN, &[]);
    }
    let report = wire.report(&Options::default());
    assert_eq!(report.health.flows, 100_000);
    assert_eq!(report.health.flows_evicted, 0, "{:?}", report.health.limits);
}

#[test]
fn bytes_behind_a_hole() {
    let (client, server) = ((host(1), 40_000), (host(0), 2575));
    let mut wire = Wire::new();
    wire.open(client, server);
    for number in 0..100 {
        // The first 1,400 bytes never come.
        wire.tcp(
            client,
            server,
            (1 + (number + 1) * 1400, 1),
            PUSH,
            &[b'x'; 1400],
        );
    }
    let options = Options {
        max_memory: 16 << 20,
        ..Options::default()
    };
    let report = wire.report(&options);
    reached(&report, "out-of-order-bytes");
    assert_eq!(report.health.gaps, 1);
    assert_eq!(report.health.bytes_missing, 1400);
}

#[test]
fn bytes_that_wait_for_a_name() {
    // A record mark of RPC and nothing that decides: many flows of one pair wait.
    let mut wire = Wire::new();
    for number in 0..1200 {
        let (client, server) = ((host(1), 10_000 + number), (host(0), 2575));
        wire.open(client, server);
        wire.tcp(client, server, (1, 1), PUSH, &[b'A'; 1400]);
    }
    let report = wire.report(&Options::default());
    reached(&report, "probing-bytes");
}

#[test]
fn fragments_that_never_become_whole() {
    let mut wire = Wire::new();
    for _ in 0..1500 {
        let header = ip::Header {
            from: host(1),
            to: host(0),
            ttl: 64,
            id: wire.frames as u16,
            dont_fragment: false,
            protocol: ip::UDP,
        };
        let pieces = header.fragments(&[7; 1200], 1000);
        let frame = ethernet::frame(card(host(0)), card(host(1)), &[], 0x0800, &pieces[0]);
        wire.frame(&frame);
    }
    let report = wire.report(&Options::default());
    let kept = 1500 - reached(&report, "fragments");
    assert!(kept > 0);
    // Half a minute later the rest is given up.
    wire.clock += 31 * Timestamp::SECOND;
    let header = ip::Header {
        from: host(1),
        to: host(0),
        ttl: 64,
        id: 60_000,
        dont_fragment: false,
        protocol: ip::UDP,
    };
    let piece = &header.fragments(&[7; 1200], 1000)[0];
    wire.frame(&ethernet::frame(
        card(host(0)),
        card(host(1)),
        &[],
        0x0800,
        piece,
    ));
    let report = wire.report(&Options::default());
    assert_eq!(report.health.fragments_expired, kept);
}

#[test]
fn neighbours_of_one_shard() {
    // Whoever knows how packets are spread can aim at one shard.
    let mut wire = Wire::new();
    let mut number = 0;
    while wire.frames < 2048 + 100 {
        number += 1;
        let question = arp::request((card(host(number)), host(number)), host(0));
        let to = MacAddr::BROADCAST;
        let frame = ethernet::frame(to, card(host(number)), &[], ethernet::ARP, &question);
        let key = auscult_packet::dispatch_key(LinkType::ETHERNET, &frame);
        if auscult_packet::shard_of(key, auscult_engine::SHARDS) == 0 {
            wire.frame(&frame);
        }
    }
    // They are reported early; nothing is lost.
    let report = wire.report(&Options::default());
    assert_eq!(report.health.limits.keys().next(), None);
}

#[test]
fn neighbours_in_all() {
    let mut wire = Wire::new();
    for number in 1..=201_000 {
        let question = arp::request((card(host(number)), host(number)), host(0));
        let to = MacAddr::BROADCAST;
        let frame = ethernet::frame(to, card(host(number)), &[], ethernet::ARP, &question);
        wire.frame(&frame);
    }
    let report = wire.report(&Options::default());
    reached(&report, "inventory neighbours");
}

#[test]
fn files_asked_for_and_files_that_crossed() {
    // Requests for files whose flows never come, all between two hosts; then more files, each
    // between others, than a report lists.
    const FILES: u32 = 10_050;
    let mut wire = Wire::new();
    for number in 0..1200_u16 {
        let asked = format!("\0\u{1}file-{number}\0octet\0");
        wire.udp((host(1), 10_000 + number), (host(0), 69), asked.as_bytes());
    }
    let report = wire.report(&Options::default());
    assert_eq!(reached(&report, "announced-flows"), 1200 - 1024);
    reached(&report, "inventory objects of one request");
    for number in 0..FILES {
        let (client, server) = ((host(2 + number), 1069), (host(0), 69));
        wire.udp(client, server, b"\0\x01picture\0octet\0");
        let data = format!("\0\u{3}\0\u{1}file {number}");
        wire.udp((host(0), 40_000), client, data.as_bytes());
        wire.udp(client, (host(0), 40_000), b"\0\x04\0\x01");
    }
    let report = wire.report(&Options::default());
    assert_eq!(report.artifacts_total, FILES as usize);
    assert_eq!(reached(&report, "artifacts"), u64::from(FILES) - 10_000);
    assert_eq!(report.artifacts.len(), 10_000);
}

#[test]
fn a_file_full_of_holes() {
    let (client, server) = ((host(1), 1069), (host(0), 40_000));
    let mut wire = Wire::new();
    wire.udp(client, (host(0), 69), b"\0\x01firmware\0octet\0");
    for block in (1..=10_000_u16).filter(|block| *block == 1 || block % 2 == 0) {
        let mut data = vec![0, 3];
        data.extend_from_slice(&block.to_be_bytes());
        data.extend_from_slice(&[b'x'; 512]);
        wire.udp(server, client, &data);
    }
    let report = wire.report(&Options::default());
    reached(&report, "file-pending");
    assert!(report.artifacts.iter().all(|artifact| !artifact.complete));
}

/// A host says its name, then admits so many patients, each with other names.
fn admissions(count: u32, name: &str) -> Wire {
    let (client, server) = ((host(1), 40_000), (host(0), 2575));
    let mut wire = Wire::new();
    let lease = dhcp::Lease {
        ip: host(1),
        prefix: 8,
        router: host(9),
        dns: host(9),
        server: host(9),
    };
    let named = dhcp::Client {
        host_name: Some(name.to_owned()),
        ..dhcp::Client::default()
    };
    let ask = dhcp::message(dhcp::Kind::Request, 7, card(host(1)), &named, &lease);
    wire.udp((host(1), 68), (Ipv4Addr::BROADCAST, 67), &ask);
    wire.open(client, server);
    let mut next = 1;
    for number in 0..count {
        let message = admission(&letters(number));
        wire.tcp(client, server, (next, 1), PUSH, &message);
        next += message.len() as u32;
    }
    wire
}

/// A report in small letters.
fn lower(report: &Report) -> String {
    serde_json::to_string(report).unwrap().to_lowercase()
}

const PATIENTS: u32 = 10_050;

#[test]
fn more_patients_than_can_be_masked() {
    let few = admissions(3, "room-seven").report(&Options::default());
    assert!(lower(&few).contains("\"hostname\":\"room-seven\""));
    assert!(!few.health.limits.contains_key("masked-values"));
    let report = admissions(PATIENTS, "room-seven").report(&Options::default());
    reached(&report, "masked-values");
    assert!(report.health.texts_withheld > 0);
    let text = lower(&report);
    assert!(!text.contains("\"hostname\":\"room-seven\""));
    for number in [0, 5000, 9999, 10_000, PATIENTS - 1] {
        let tag = letters(number).to_lowercase();
        for value in [
            format!("erfunden{tag}"),
            format!("niemand{tag}"),
            format!("inv{tag}"),
        ] {
            assert!(!text.contains(&value), "{value} of patient {number}");
        }
    }
}

/// A host is named after the last of them, whom the mask has no room for.
#[test]
fn sentences_withhold_names_of_patients_without_room() {
    let name = format!("erfunden{}", letters(PATIENTS - 1).to_lowercase());
    let report = admissions(PATIENTS, &name).report(&Options::default());
    reached(&report, "masked-values");
    let text = lower(&report);
    let shown = text
        .find(&name)
        .map(|at| &text[at.saturating_sub(80)..at + 20]);
    assert_eq!(shown, None);
}

#[test]
fn patients_of_many_pairs() {
    // A message each from so many senders that neither ledger nor detectors have room.
    let mut wire = Wire::new();
    let message = admission("X");
    for number in 1..=50_200 {
        wire.tcp(
            (host(number), 40_000),
            (host(0), 2575),
            (1, 1),
            PUSH,
            &message,
        );
    }
    let report = wire.report(&Options::default());
    assert_eq!(reached(&report, "inventory patient data"), 200);
    reached(&report, "facts");
}

#[test]
fn requests_of_many_parties() {
    let mut wire = Wire::new();
    for number in 1..=50_200 {
        wire.udp(
            (host(number), 1069),
            (host(0), 69),
            b"\0\x01picture\0octet\0",
        );
    }
    let report = wire.report(&Options::default());
    assert_eq!(reached(&report, "inventory requests"), 200);
}

#[test]
fn leases_of_a_crowd() {
    const CROWD: u32 = 101_000;
    let mut wire = Wire::new();
    for number in 1..=CROWD {
        // Each has a server of its own.
        let server = Ipv4Addr::from(0x0ac0_0000 + number);
        let lease = dhcp::Lease {
            ip: host(number),
            prefix: 8,
            router: Ipv4Addr::from(0x0a80_0000 + number),
            dns: server,
            server,
        };
        let client = dhcp::Client {
            host_name: Some(format!("host-{}", letters(number))),
            vendor_class: Some(format!("class-{}", letters(number))),
            ..dhcp::Client::default()
        };
        let card = card(host(number));
        let ask = dhcp::message(dhcp::Kind::Request, number, card, &client, &lease);
        wire.udp((Ipv4Addr::UNSPECIFIED, 68), (Ipv4Addr::BROADCAST, 67), &ask);
        let give = dhcp::message(dhcp::Kind::Ack, number, card, &client, &lease);
        wire.udp((server, 67), (host(number), 68), &give);
    }
    let report = wire.report(&Options::default());
    for name in ["claims", "assignments", "networks", "services"] {
        reached(&report, &format!("inventory {name}"));
    }
}

#[test]
fn names_of_one_card() {
    let mut wire = Wire::new();
    for number in 0..40 {
        let lease = dhcp::Lease {
            ip: host(1),
            prefix: 8,
            router: host(9),
            dns: host(9),
            server: host(9),
        };
        let client = dhcp::Client {
            host_name: Some(format!("host-{}", letters(number))),
            ..dhcp::Client::default()
        };
        let ask = dhcp::message(dhcp::Kind::Request, number, card(host(1)), &client, &lease);
        wire.udp((host(1), 68), (Ipv4Addr::BROADCAST, 67), &ask);
    }
    let report = wire.report(&Options::default());
    assert_eq!(
        reached(&report, "inventory values of one attribute"),
        40 - 16
    );
}

/// A DNS answer (RFC 1035): one name, these addresses.
fn answer(id: u16, name: &str, addresses: &[Ipv4Addr]) -> Vec<u8> {
    let mut out = Vec::new();
    for word in [id, 0x8180, 1, addresses.len() as u16, 0, 0] {
        out.extend_from_slice(&word.to_be_bytes());
    }
    for label in name.split('.') {
        out.push(label.len() as u8);
        out.extend_from_slice(label.as_bytes());
    }
    out.extend_from_slice(&[0, 0, 1, 0, 1]);
    for address in addresses {
        out.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 0, 0, 4]);
        out.extend_from_slice(&address.octets());
    }
    out
}

#[test]
fn names_without_end() {
    let (client, server) = ((host(1), 40_000), (host(0), 53));
    let mut wire = Wire::new();
    for number in 0..40 {
        let name = format!("{}.example", letters(number));
        wire.udp(
            server,
            client,
            &answer(number as u16, &name, &[Ipv4Addr::new(8, 0, 0, 1)]),
        );
    }
    for number in 0..2100_u32 {
        let addresses: Vec<Ipv4Addr> = (0..50)
            .map(|other| Ipv4Addr::from(0x0900_0000 + number * 50 + other))
            .collect();
        let name = format!("{}.example", letters(number));
        wire.udp(server, client, &answer(number as u16, &name, &addresses));
    }
    let report = wire.report(&Options::default());
    assert_eq!(reached(&report, "inventory names of one address"), 40 - 16);
    assert_eq!(reached(&report, "inventory names"), 2100 * 50 + 1 - 100_000);
}

#[test]
fn a_record_of_four_gigabytes() {
    let mut wire = Wire::new();
    wire.tcp((host(1), 40_000), (host(0), 104), (0, 0), SYN, &[]);
    for word in [1_760_000_001_u32, 0, u32::MAX, u32::MAX] {
        wire.bytes.extend_from_slice(&word.to_le_bytes());
    }
    wire.bytes.extend_from_slice(&[0; 1000]);
    let report = cases::Capture::of(&wire.bytes, "pcap").report(&Options::default());
    assert_eq!(reached(&report, "record-length"), 1);
    assert_eq!(report.health.packets, 1, "what came before is told");
    assert!(!report.captures[0].complete);
    let stopped = report.captures[0].stopped_at.as_deref().unwrap();
    assert!(stopped.contains("after packet 1"), "{stopped}");
}

/// DEFLATE (RFC 1951) of `first` and then zeros without end: one block with a code of its own in
/// which "258 bytes as before" takes two bits, written by hand as far as `zeros` go.
fn bomb(first: &[u8], zeros: usize) -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    // What comes first is stored.
    out.push(0);
    out.extend_from_slice(&(first.len() as u16).to_le_bytes());
    out.extend_from_slice(&(!(first.len() as u16)).to_le_bytes());
    out.extend_from_slice(first);
    let mut bits = Bits {
        out,
        held: 0,
        count: 0,
    };
    // The last block, dynamic: 286 literals and lengths, 1 distance, 18 code lengths sent.
    bits.put(1, 1);
    bits.put(2, 2);
    bits.put(286 - 257, 5);
    bits.put(0, 5);
    bits.put(18 - 4, 4);
    // Lengths of the code for code lengths, in the order 16 17 18 0 8 7 9 6 10 5 11 4 12 3 13 2 14
    // 1: symbols 18 (one bit), 2 and 1 (two bits each).
    for symbol in [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1] {
        let length = match symbol {
            18 => 1,
            1 | 2 => 2,
            _ => 0,
        };
        bits.put(length, 3);
    }
    // Codes, first bit first: 18 is 0, 1 is 10, 2 is 11. Zeros of 138 at most come by 18.
    let zero_lengths = |bits: &mut Bits, count: u32| {
        bits.put(0, 1);
        bits.put(count - 11, 7);
    };
    // Literal 0: two bits. End of block (256): two bits. Length 258 (285): one bit.
    bits.put(0b11, 2);
    zero_lengths(&mut bits, 138);
    zero_lengths(&mut bits, 117);
    bits.put(0b11, 2);
    zero_lengths(&mut bits, 28);
    bits.put(0b01, 2);
    // Distance 1: one bit.
    bits.put(0b01, 2);
    // The codes are: 285 is 0, literal 0 is 10, end is 11; the distance is 0.
    bits.put(0b01, 2);
    for _ in 0..zeros / 258 {
        bits.put(0, 2);
    }
    bits.put(0b11, 2);
    bits.put(0, 7);
    bits.out
}

/// Bits, the lowest first.
struct Bits {
    out: Vec<u8>,
    held: u32,
    count: u32,
}

impl Bits {
    fn put(&mut self, value: u32, count: u32) {
        self.held |= value << self.count;
        self.count += count;
        while self.count >= 8 {
            self.out.push(self.held as u8);
            self.held >>= 8;
            self.count -= 8;
        }
    }
}

#[test]
fn a_file_that_unpacks_to_far_more() {
    // Zeros after a classic header are records without bytes: only the ratio stops them.
    let mut wire = Wire::new();
    wire.tcp((host(1), 40_000), (host(0), 104), (0, 0), SYN, &[]);
    let capture = cases::Capture::of(&bomb(&wire.bytes, 64 << 20), "pcap.gz");
    let report = capture.report(&Options::default());
    assert_eq!(reached(&report, "decompressed-bytes"), 1);
    assert!(!report.captures[0].complete);
    assert!(report.captures[0].bytes < 32 << 20);
}

#[test]
fn a_million_segments_of_one_byte() {
    const SEGMENTS: usize = 1_000_000;
    let (client, server) = ((host(1), 40_000), (host(0), 2575));
    let mut wire = Wire::new();
    wire.open(client, server);
    let message = admission("X");
    let text: Vec<u8> = message.iter().copied().cycle().take(SEGMENTS).collect();
    for (number, byte) in text.iter().enumerate() {
        wire.tcp(client, server, (1 + number as u32, 1), PUSH, &[*byte]);
    }
    let report = wire.report(&Options::default());
    assert_eq!(report.health.gaps, 0);
    assert_eq!(report.health.flows, 1);
    let findings: Vec<_> = report.findings.iter().map(|finding| finding.rule).collect();
    assert!(findings.contains(&"phi-cleartext-inside"), "{findings:?}");
    let messages = (SEGMENTS / message.len()) as u64;
    let count: Vec<u64> = report
        .findings
        .iter()
        .map(|finding| finding.count)
        .collect();
    assert!(count.contains(&messages), "{count:?}, not {messages}");
}

/// A file by TFTP cannot be rewritten, one by NFS over TCP can: the bytes of a copied program
/// come twice, differently, before the hole in front of them is filled.
#[test]
fn bytes_that_contradict() {
    use auscult_lab::wire::{checksum, view::View};
    let mut scene =
        auscult_lab::generate("nfs-update-outside", 3, &auscult_lab::Options::default()).unwrap();
    let honest = cases::report(&scene);
    assert_eq!(honest.health.conflicting_flows, 0);
    assert!(honest.artifacts.iter().any(|artifact| artifact.complete));
    let payload = |bytes: &[u8]| -> Option<(Ipv4Addr, u16, usize, usize)> {
        let view = View::of(bytes)?.ipv4?;
        let (_, _, at) = view.tcp(bytes)?;
        Some((view.from, view.ports?.0, at, view.end))
    };
    // Two segments of the server, one after the other.
    let full = |frame: usize| {
        let place = payload(&scene.frames[frame].bytes);
        place.filter(|(_, port, at, end)| *port == 2049 && end - at > 200)
    };
    let large: Vec<usize> = (0..scene.frames.len())
        .filter(|frame| full(*frame).is_some())
        .collect();
    let [first, second] = large[large.len() / 2 - 1..=large.len() / 2] else {
        panic!("two segments");
    };
    let mut other = scene.frames[second].clone();
    let (_, _, at, end) = payload(&other.bytes).unwrap();
    other.bytes[at + 150..end].fill(b'!');
    // Another packet than the honest one, not a copy of it.
    let id = View::of(&other.bytes).unwrap().network + 4;
    other.bytes[id] ^= 0x55;
    // With the right checksum: a receiver would throw away the other bytes otherwise.
    let view = View::of(&other.bytes).unwrap().ipv4.unwrap();
    other.bytes[view.transport + 16..view.transport + 18].fill(0);
    let segment = &other.bytes[view.transport..view.end];
    let sum = checksum::transport(view.from, view.to, view.protocol, segment);
    other.bytes[view.transport + 16..view.transport + 18].copy_from_slice(&sum.to_be_bytes());
    let late = scene.frames.remove(first);
    scene.frames.insert(second, other);
    scene.frames.insert(second + 1, late);
    for (frame, number) in scene.frames.iter_mut().zip(0..) {
        frame.time = Timestamp(1_760_000_000 * Timestamp::SECOND + number * 1_000_000);
    }
    let report = cases::report(&scene);
    assert_eq!(report.health.conflicting_flows, 1);
    let spoilt: Vec<bool> = report.artifacts.iter().map(|file| file.complete).collect();
    assert!(spoilt.contains(&false), "{spoilt:?}");
}

#[test]
fn times_that_cannot_be() {
    let scene =
        auscult_lab::generate("leak-through-gateway", 2, &auscult_lab::Options::default()).unwrap();
    let start = scene.frames[0].time;
    let timed = |time: fn(i64) -> i64| {
        let mut scene = scene.clone();
        for (frame, number) in scene.frames.iter_mut().zip(0..) {
            frame.time = start.plus(time(number));
        }
        let capture = cases::Capture::scene(&scene);
        let alone = capture.report(&Options::default());
        let together = capture.report(&Options {
            threads: 3,
            ..Options::default()
        });
        let text = |report: &Report| serde_json::to_string(report).unwrap();
        assert_eq!(text(&alone), text(&together));
        assert_eq!(alone.health.packets, scene.frames.len() as u64);
        let leaves = alone
            .coverage
            .iter()
            .find(|row| row.id == "patient-data-leaves");
        assert_eq!(leaves.unwrap().answer, Answer::Yes);
        alone
    };
    let equal = timed(|_| 0);
    assert_eq!(equal.health.time_steps, 0);
    let backwards = timed(|number| -number * Timestamp::SECOND);
    assert!(backwards.health.time_steps > 0);
    // A day to and fro every ten packets, and a jump of years that nothing confirms.
    let jumping = timed(|number| match number % 23 {
        3 => 20 * 365 * 86_400 * Timestamp::SECOND,
        _ => number / 10 % 2 * 86_400 * Timestamp::SECOND + number * Timestamp::MILLISECOND,
    });
    assert!(jumping.health.time_steps > 0);
}
