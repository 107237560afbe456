//! Segments of one connection in any order, doubled, overlapping, lost, cut, contradicting,
//! forged, between SYN, FIN and RST: what is handed on against a simple reference.
//!
//! The reference is an array of the stream's places, each holding the byte that was received
//! first. Bytes handed on and the lengths of the gaps walk that array from its start to its end;
//! nothing that was received is left out unless a hole was given up before it came.
#![no_main]

use std::collections::BTreeMap;

use auscult_flow::{At, FlowFacts, FlowTable, Limits, Packet, Readers};
use auscult_fuzz::frames::{Tcp, has_pseudo_sum, tcp_frame};
use auscult_model::{Direction, FileIndex, LinkType, PacketRef, Segment, Timestamp};
use auscult_packet::{Part, decode};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;

/// Places of a stream that segments lie in; more than 64 KiB would only be slower.
const PLACES: usize = 4096;

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Flaw {
    None,
    /// The capture keeps so many bytes less.
    Cut(u8),
    /// Other bytes than were sent before.
    Other(u8),
    /// A checksum that is wrong.
    Forged,
    /// The same packet twice, as a mirror port may give it.
    Copied,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
struct Sent {
    back: bool,
    at: u16,
    length: u8,
    /// Acknowledges the other side's bytes up to here.
    ack: Option<u16>,
    fin: bool,
    rst: bool,
    flaw: Flaw,
    /// Milliseconds since the one before.
    wait: u8,
}

#[derive(Arbitrary, Debug)]
struct Input {
    initial: [u32; 2],
    /// Whether each side's SYN was captured.
    syn: [bool; 2],
    /// How much may wait out of order.
    room: u16,
    sent: Vec<Sent>,
}

/// The reference for one direction.
struct Reference {
    places: Vec<Option<u8>>,
    /// Place of the first segment that was seen; nothing before it is part of the stream.
    begins: Option<usize>,
    contradicted: bool,
    sums_right: bool,
}

/// Something handed on.
enum Handed {
    Bytes(Vec<u8>, bool),
    Gap(Option<u64>),
}

#[derive(Default)]
struct Collect {
    handed: [Vec<Handed>; 2],
    frames: BTreeMap<u64, Vec<u8>>,
    ended: Vec<FlowFacts>,
}

impl Readers for Collect {
    type Reader = ();
    fn wants(&self, (): &()) -> bool {
        true
    }
    fn bytes(
        &mut self,
        facts: &FlowFacts,
        (): &mut (),
        direction: Direction,
        bytes: &[u8],
        at: At,
        from_start: bool,
    ) {
        if bytes.is_empty() {
            return;
        }
        // The named packet carried the bytes, at the named place.
        let frame = &self.frames[&at.packet.number];
        let offset = at.frame_offset.expect("captured as it is") as usize;
        assert_eq!(&frame[offset..offset + bytes.len()], bytes);
        let side = side(facts, direction);
        self.handed[side].push(Handed::Bytes(bytes.to_vec(), from_start));
    }
    fn gap(
        &mut self,
        facts: &FlowFacts,
        (): &mut (),
        direction: Direction,
        missing: Option<u64>,
        _: At,
    ) {
        let side = side(facts, direction);
        self.handed[side].push(Handed::Gap(missing));
    }
    fn datagram(&mut self, _: &FlowFacts, (): &mut (), _: Direction, _: &[u8], _: At, _: &[Part]) {
        panic!("a segment is no datagram");
    }
    fn is_medical(&self, (): &()) -> bool {
        false
    }
    fn ended(&mut self, facts: &FlowFacts, (): ()) {
        self.ended.push(facts.clone());
    }
}

/// 0 for what the client of this target sent, whoever the table takes for the originator.
fn side(facts: &FlowFacts, direction: Direction) -> usize {
    usize::from(facts.ends[direction.index()].port != 40_000)
}

/// A byte of a stream.
fn content(side: usize, place: usize, version: u8) -> u8 {
    let mixed = (place as u32 + 1).wrapping_mul(0x9e37_79b1 ^ side as u32);
    (mixed >> 24) as u8 ^ version
}

struct Run {
    table: FlowTable<Collect>,
    collect: Collect,
    references: [Reference; 2],
    initial: [u32; 2],
    time: i64,
    number: u64,
    /// A hole may have been given up before its bytes came.
    gave_up: bool,
}

impl Run {
    /// How many payload bytes the capture kept, and whether the checksum tells something.
    fn put(&mut self, tcp: &Tcp, payload: &[u8], flaw: Flaw) -> (usize, bool) {
        self.number += 1;
        let mut frame = tcp_frame(tcp, payload, self.number as u16);
        let original = frame.len();
        let mut kept = original;
        match flaw {
            Flaw::Cut(less) => kept -= usize::from(less).min(payload.len()),
            Flaw::Forged => frame[50] ^= 0x55,
            _ => {}
        }
        frame.truncate(kept);
        let layers = decode(LinkType::ETHERNET, &frame, original as u32);
        let time = Timestamp(self.time);
        let packet = Packet {
            layers: &layers,
            bytes: &frame,
            parts: &[],
            reference: PacketRef {
                file: FileIndex(0),
                number: self.number,
            },
            time,
            clock: time,
            packets: 1,
            wire_bytes: original as u64,
            segment: Segment::UNTAGGED,
            tunnel: None,
        };
        self.collect.frames.insert(self.number, frame.clone());
        self.table.packet(&packet, &mut self.collect);
        if matches!(flaw, Flaw::Copied) {
            self.table.packet(&packet, &mut self.collect);
        }
        let kept_of_payload = payload.len() - (original - kept);
        let telling = original == kept && !has_pseudo_sum(&frame);
        (kept_of_payload, telling)
    }

    fn syn(&mut self, side: usize) {
        let tcp = Tcp {
            back: side == 1,
            seq: self.initial[side].wrapping_sub(1),
            ack: self.initial[1 - side],
            flags: if side == 1 { 0x12 } else { 0x02 },
        };
        let (_, telling) = self.put(&tcp, &[], Flaw::None);
        self.references[side].begins = Some(0);
        self.references[side].sums_right = telling;
    }

    fn send(&mut self, sent: &Sent) {
        self.time += i64::from(sent.wait) * Timestamp::MILLISECOND;
        let side = usize::from(sent.back);
        let at = usize::from(sent.at) % PLACES;
        let length = usize::from(sent.length);
        let version = if let Flaw::Other(version) = sent.flaw {
            version
        } else {
            0
        };
        let payload: Vec<u8> = (at..at + length)
            .map(|place| content(side, place, version))
            .collect();
        let ack = sent.ack.map(|ack| u32::from(ack) % PLACES as u32);
        let mut flags = if ack.is_some() { 0x10 } else { 0 };
        flags |= u8::from(sent.fin) | u8::from(sent.rst) << 2;
        let tcp = Tcp {
            back: sent.back,
            seq: self.initial[side].wrapping_add(at as u32),
            ack: self.initial[1 - side].wrapping_add(ack.unwrap_or(0)),
            flags,
        };
        let (kept, telling) = self.put(&tcp, &payload, sent.flaw);
        let cut = kept < length;
        let reference = &mut self.references[side];
        // A segment without payload is not checked.
        let checked = length > 0 && telling;
        if checked {
            let right = !matches!(sent.flaw, Flaw::Forged);
            if reference.sums_right && !right {
                return;
            }
            reference.sums_right |= right;
        }
        self.gave_up |= ack.is_some() || cut || sent.wait > 0;
        let begins = *reference.begins.get_or_insert(at);
        if sent.rst {
            return;
        }
        for (place, byte) in (at..at + kept).zip(payload) {
            match &mut reference.places[place] {
                _ if place < begins => {}
                Some(first) => reference.contradicted |= *first != byte,
                empty => *empty = Some(byte),
            }
        }
    }
}

/// Walks what was handed on along the reference.
fn check(reference: &Reference, handed: &[Handed], from_start: bool, strict: bool) {
    let mut at = reference.begins.unwrap_or(0);
    let mut left_out = Vec::new();
    for it in handed {
        match it {
            Handed::Bytes(bytes, told_from_start) => {
                assert_eq!(*told_from_start, from_start);
                for byte in bytes {
                    assert_eq!(reference.places[at], Some(*byte), "place {at}");
                    at += 1;
                }
            }
            Handed::Gap(missing) => {
                let missing = missing.expect("nothing is so far ahead") as usize;
                left_out.extend(at..at + missing);
                at += missing;
            }
        }
    }
    let received = reference.places.iter().rposition(Option::is_some);
    assert!(
        received.is_none_or(|last| last < at),
        "bytes after {at} were kept back"
    );
    if strict {
        let lost = left_out
            .iter()
            .find(|place| reference.places[**place].is_some());
        assert_eq!(lost, None, "received and not handed on");
    }
}

fuzz_target!(|input: Input| {
    let mut limits = Limits::share(8, 1 << 20, 1);
    // Little room gives up holes; zero stands for enough.
    let roomy = input.room == 0;
    if !roomy {
        limits.out_of_order_per_flow = usize::from(input.room);
    }
    let reference = || Reference {
        places: vec![None; PLACES + 256],
        begins: None,
        contradicted: false,
        sums_right: false,
    };
    let mut run = Run {
        table: FlowTable::new(limits),
        collect: Collect::default(),
        references: [reference(), reference()],
        initial: input.initial,
        time: 0,
        number: 0,
        gave_up: !roomy,
    };
    for side in 0..2 {
        if input.syn[side] {
            run.syn(side);
        }
    }
    // The flow must not end for want of packets.
    for sent in input.sent.iter().take(50) {
        run.send(sent);
    }
    run.table.finish(&mut run.collect);
    let Run {
        collect,
        references,
        gave_up,
        ..
    } = run;
    assert!(collect.ended.len() <= 1);
    for (side, reference) in references.iter().enumerate() {
        check(reference, &collect.handed[side], input.syn[side], !gave_up);
    }
    if let Some(facts) = collect.ended.first() {
        let contradicted = references.iter().any(|it| it.contradicted);
        assert!(
            facts.conflict.is_none() || contradicted,
            "no bytes differed"
        );
    }
});
