//! A capture that is written frame by frame: classic pcap with nanoseconds, Ethernet.

use std::io::Write;
use std::net::Ipv4Addr;

use auscult_lab::wire::{checksum, ethernet, ip, tcp};
use auscult_model::MacAddr;

pub(crate) const SYN: u8 = tcp::SYN;
pub(crate) const ACK: u8 = tcp::ACK;
pub(crate) const PUSH: u8 = tcp::ACK | tcp::PSH;

/// An address and a port.
pub(crate) type End = (Ipv4Addr, u16);

pub(crate) struct Wire<'o> {
    out: &'o mut dyn Write,
    /// Time of the next frame, in nanoseconds.
    pub(crate) clock: u64,
    /// Time between frames.
    pub(crate) step: u64,
    pub(crate) frames: u64,
}

/// The head of such a file.
pub(crate) fn head() -> Vec<u8> {
    [0xa1b2_3c4d_u32, 0x0004_0002, 0, 0, 262_144, 1]
        .map(u32::to_le_bytes)
        .concat()
}

impl<'o> Wire<'o> {
    pub(crate) fn new(out: &'o mut dyn Write) -> Self {
        out.write_all(&head()).unwrap();
        Wire {
            out,
            clock: 1_760_000_000_000_000_000,
            step: 10_000,
            frames: 0,
        }
    }

    pub(crate) fn frame(&mut self, frame: &[u8]) {
        let (seconds, rest) = (self.clock / 1_000_000_000, self.clock % 1_000_000_000);
        let length = frame.len() as u32;
        let head = [seconds as u32, rest as u32, length, length].map(u32::to_le_bytes);
        self.out.write_all(head.as_flattened()).unwrap();
        self.out.write_all(frame).unwrap();
        self.clock = self.clock.wrapping_add(self.step);
        self.frames += 1;
    }

    pub(crate) fn ip(&mut self, from: Ipv4Addr, to: Ipv4Addr, protocol: u8, payload: &[u8]) {
        let packet = header(from, to, protocol, self.frames as u16).whole(payload);
        let frame = ethernet::frame(card(to), card(from), &[], ethernet::IPV4, &packet);
        self.frame(&frame);
    }

    /// A datagram without a checksum, as RFC 768 allows.
    pub(crate) fn udp(&mut self, from: End, to: End, payload: &[u8]) {
        self.ip(from.0, to.0, ip::UDP, &datagram(from, to, payload));
    }

    /// A segment; `at` is its sequence and acknowledgement number.
    pub(crate) fn tcp(&mut self, from: End, to: End, at: (u32, u32), flags: u8, payload: &[u8]) {
        let segment = tcp::Segment::plain((from.1, to.1), at, flags, payload);
        self.ip(from.0, to.0, ip::TCP, &segment.encode(from.0, to.0));
    }

    /// Opens a connection; the next bytes of either side have number 1.
    pub(crate) fn open(&mut self, client: End, server: End) {
        self.tcp(client, server, (0, 0), SYN, &[]);
        self.tcp(server, client, (0, 1), SYN | ACK, &[]);
        self.tcp(client, server, (1, 1), ACK, &[]);
    }

    /// Bytes of a client from number `at` on, in segments; returns the number after them.
    pub(crate) fn send(&mut self, client: End, server: End, mut at: u32, bytes: &[u8]) -> u32 {
        for piece in bytes.chunks(1400) {
            self.tcp(client, server, (at, 1), PUSH, piece);
            at = at.wrapping_add(piece.len() as u32);
        }
        at
    }
}

pub(crate) fn header(from: Ipv4Addr, to: Ipv4Addr, protocol: u8, id: u16) -> ip::Header {
    ip::Header {
        from,
        to,
        ttl: 64,
        id,
        dont_fragment: false,
        protocol,
    }
}

pub(crate) fn datagram(from: End, to: End, payload: &[u8]) -> Vec<u8> {
    let length = 8 + payload.len() as u16;
    let mut out = [from.1, to.1, length, 0].map(u16::to_be_bytes).concat();
    out.extend_from_slice(payload);
    out
}

/// The card of an address.
pub(crate) fn card(ip: Ipv4Addr) -> MacAddr {
    let [a, b, c, d] = ip.octets();
    MacAddr([2, 0, a, b, c, d])
}

/// The host of this number.
pub(crate) fn host(number: u32) -> Ipv4Addr {
    Ipv4Addr::from(0x0a00_0001 + number)
}

/// A frame of IPv4 as it is, behind these tags.
pub(crate) fn tagged(from: Ipv4Addr, to: Ipv4Addr, tags: &[(u16, u16)], packet: &[u8]) -> Vec<u8> {
    ethernet::frame(card(to), card(from), tags, ethernet::IPV4, packet)
}

/// Letters that differ for each number.
pub(crate) fn letters(mut number: u32) -> String {
    let mut text = String::new();
    for _ in 0..6 {
        text.push(char::from(b'a' + (number % 26) as u8));
        number /= 26;
    }
    text
}

/// The right sum of an IPv6 segment is of no interest here.
pub(crate) fn sum(bytes: &[u8]) -> [u8; 2] {
    checksum::internet(bytes).to_be_bytes()
}
