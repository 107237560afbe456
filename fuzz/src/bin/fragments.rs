//! Fragments of IPv4 and IPv6 datagrams in any order, doubled, overlapping, contradicting: what
//! comes out against a simple reference in which each byte is the one received first.
#![no_main]

use auscult_model::{FileIndex, LinkType, PacketRef, Timestamp};
use auscult_packet::{Datagram, Defragmenter, Limits, Outcome, decode};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Clone, Copy, Debug)]
struct Piece {
    /// Which of two datagrams at a time.
    second: bool,
    /// In units of eight bytes.
    offset: u8,
    length: u8,
    more: bool,
    other: u8,
    wait: u8,
}

#[derive(Arbitrary, Debug)]
struct Input {
    v6: bool,
    few: bool,
    pieces: Vec<Piece>,
}

/// What is received of one datagram.
#[derive(Default)]
struct Reference {
    bytes: Vec<Option<u8>>,
    end: Option<usize>,
}

impl Reference {
    /// A fragment that contradicts the end that was told, or bytes beyond its own, does not count.
    fn put(&mut self, offset: usize, data: &[u8], more: bool) {
        let end = offset + data.len();
        let other_end = self
            .end
            .is_some_and(|known| end > known || (!more && end != known));
        if other_end || (!more && self.bytes.len() > end) {
            return;
        }
        if !more {
            self.end = Some(end);
        }
        self.bytes.resize(self.bytes.len().max(end), None);
        for (place, byte) in self.bytes[offset..].iter_mut().zip(data) {
            place.get_or_insert(*byte);
        }
    }
}

fn v4(id: u16, piece: &Piece, data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x45, 0];
    bytes.extend((20 + data.len() as u16).to_be_bytes());
    bytes.extend(id.to_be_bytes());
    bytes.extend((u16::from(piece.more) << 13 | u16::from(piece.offset)).to_be_bytes());
    bytes.extend([64, 253, 0xab, 0xcd, 10, 0, 0, 1, 10, 0, 0, 2]);
    bytes.extend(data);
    bytes
}

fn v6(id: u16, piece: &Piece, data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x60, 0, 0, 0];
    bytes.extend((8 + data.len() as u16).to_be_bytes());
    bytes.extend([44, 64]);
    bytes.extend([0xfd; 16]);
    bytes.extend([0xfe; 16]);
    bytes.extend([253, 0]);
    bytes.extend((u16::from(piece.offset) << 3 | u16::from(piece.more)).to_be_bytes());
    bytes.extend(u32::from(id).to_be_bytes());
    bytes.extend(data);
    bytes
}

/// The datagram holds what was received first, and each part says where from.
fn check(datagram: &Datagram, reference: &Reference, frames: &[Vec<u8>]) {
    let header = datagram.layers.ip_payload.start as usize;
    let body = &datagram.bytes[header..];
    assert_eq!(reference.end, Some(body.len()));
    for (byte, first) in body.iter().zip(&reference.bytes) {
        assert_eq!(Some(*byte), *first);
    }
    assert!(datagram.layers.fragment.is_none());
    let mut at = 0;
    for part in &datagram.parts {
        assert_eq!(part.range.start, at);
        at = part.range.end;
        // Lengths and fragment fields of the header were mended.
        if part.range.start as usize >= header {
            let frame = &frames[part.packet.number as usize];
            let from = part.frame_offset as usize;
            let range = part.range.start as usize..part.range.end as usize;
            assert_eq!(frame[from..from + range.len()], datagram.bytes[range]);
        }
    }
    assert_eq!(at as usize, datagram.bytes.len());
}

fuzz_target!(|input: Input| {
    let mut limits = Limits::default();
    if input.few {
        limits = Limits {
            datagrams: 1,
            bytes: 600,
            pieces: 4,
            ..limits
        };
    }
    let mut defragmenter = Defragmenter::new(limits);
    let mut references = [Reference::default(), Reference::default()];
    // A datagram that was made whole, or forgotten, begins anew under another number.
    let mut ids = [1u16, 2];
    let mut frames = vec![Vec::new()];
    let mut clock = 0;
    let mut fragments = 0;
    let mut given_up = 0;
    for piece in input.pieces.iter().take(40) {
        clock += i64::from(piece.wait) * Timestamp::MILLISECOND;
        let which = usize::from(piece.second);
        let offset = usize::from(piece.offset) * 8;
        let data: Vec<u8> = (offset..offset + usize::from(piece.length))
            .map(|place| (place as u8).wrapping_mul(31) ^ piece.other)
            .collect();
        let build = if input.v6 { v6 } else { v4 };
        let frame = build(ids[which], piece, &data);
        let layers = decode(LinkType::RAW, &frame, frame.len() as u32);
        let reference = PacketRef {
            file: FileIndex(0),
            number: frames.len() as u64,
        };
        let outcome = defragmenter.push(&layers, &frame, reference, Timestamp(clock));
        frames.push(frame);
        fragments += u64::from(layers.fragment.is_some());
        match outcome {
            Outcome::NotAFragment => assert!(layers.fragment.is_none()),
            Outcome::Refused(_) => {}
            Outcome::Held => references[which].put(offset, &data, piece.more),
            Outcome::Complete(datagram) => {
                references[which].put(offset, &data, piece.more);
                check(&datagram, &references[which], &frames);
                references[which] = Reference::default();
                ids[which] += 2;
            }
        }
        let counters = defragmenter.counters();
        assert_eq!(counters.fragments, fragments);
        assert!(defragmenter.in_flight() <= limits.datagrams);
        assert!(defragmenter.held() <= limits.bytes);
        let gone = counters.evicted + counters.expired + counters.over_bytes;
        if gone > given_up {
            given_up = gone;
            references = Default::default();
            ids = ids.map(|id| id + 2);
        }
    }
});
