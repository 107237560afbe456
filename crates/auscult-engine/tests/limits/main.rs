//! Hostile captures: every table and buffer that an input can fill is full once, and the report
//! says so by name. Made frame by frame, mostly by hand; nothing here measures time, but work
//! that grew with the square of the input would never end.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod captures;
#[path = "../cases/mod.rs"]
mod cases;
mod flows;
mod inventory;
mod patients;
mod sessions;

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
        let segment = tcp::Segment::plain((from.1, to.1), at, flags, payload);
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

/// What one host is given by a server.
fn lease() -> dhcp::Lease {
    dhcp::Lease {
        ip: host(1),
        prefix: 8,
        router: host(9),
        dns: host(9),
        server: host(9),
    }
}

/// With these bounds.
fn limited(limits: &[(&str, u64)]) -> Options {
    let mut options = Options::default();
    for (name, value) in limits {
        assert!(options.limit(name, *value), "{name} can be set");
    }
    options
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
