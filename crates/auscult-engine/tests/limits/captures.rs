//! Captures that claim more than they hold.

use crate::*;

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
    assert_eq!(reached(&report, "decompression-ratio"), 1);
    assert!(!report.captures[0].complete);
    assert!(report.captures[0].bytes < 32 << 20);
}

/// A pcapng block.
fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u32 + 12).to_le_bytes();
    [&kind.to_le_bytes(), &length[..], body, &length].concat()
}

/// An option or record of a block.
fn option(code: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = code.to_le_bytes().to_vec();
    bytes.extend((value.len() as u16).to_le_bytes());
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

#[test]
fn an_author_who_writes_a_lot() {
    let mut section = vec![0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0];
    section.extend([0xff; 8]);
    section.extend((0..70).flat_map(|_| option(1, b"a comment")));
    let mut file = block(0x0a0d_0d0a, &section);
    let names = (0..1100_u32).flat_map(|host| {
        let mut name = (0x0a00_0000 + host).to_be_bytes().to_vec();
        name.extend(b"host\0");
        option(1, &name)
    });
    file.extend(block(4, &names.collect::<Vec<u8>>()));
    let report = cases::Capture::of(&file, "pcapng").report(&Options::default());
    assert_eq!(reached(&report, "capture-comments"), 6);
    assert_eq!(reached(&report, "capture-names"), 76);
    assert_eq!(report.captures[0].comments.len(), 64);
    assert_eq!(report.captures[0].names.len(), 1024);
}

/// A packet a minute, for longer than minutes are told apart.
#[test]
fn minutes_for_months() {
    let mut bytes = Wire::new().bytes;
    for minute in 0..100_003_u32 {
        for word in [minute * 60, 0, 14, 14] {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        bytes.extend_from_slice(&[0x02; 14]);
    }
    let options = Options {
        hours: true,
        ..Options::default()
    };
    let report = cases::Capture::of(&bytes, "pcap").report(&options);
    assert_eq!(reached(&report, "capture-minutes"), 3);
}
