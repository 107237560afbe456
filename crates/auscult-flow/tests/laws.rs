//! The law of order: segments permuted, repeated and overlapping give the same bytes, against a
//! plain array; and a flow is one flow however its directions were tagged.

use std::net::Ipv4Addr;

use auscult_flow::{At, FlowFacts, FlowTable, Limits, Packet, Readers};
use auscult_model::{Direction, FileIndex, LinkType, PacketRef, Segment, Timestamp};
use auscult_packet::{Part, decode};
use proptest::prelude::*;

#[derive(Default)]
struct Collect {
    bytes: [Vec<u8>; 2],
    gaps: Vec<(Direction, Option<u64>)>,
    ended: Vec<FlowFacts>,
}

impl Readers for Collect {
    type Reader = ();
    fn wants(&self, (): &()) -> bool {
        true
    }
    fn bytes(
        &mut self,
        _: &FlowFacts,
        (): &mut (),
        direction: Direction,
        bytes: &[u8],
        _: At,
        _: bool,
    ) {
        self.bytes[direction.index()].extend_from_slice(bytes);
    }
    fn gap(
        &mut self,
        _: &FlowFacts,
        (): &mut (),
        direction: Direction,
        missing: Option<u64>,
        _: At,
    ) {
        self.gaps.push((direction, missing));
    }
    fn datagram(
        &mut self,
        _: &FlowFacts,
        (): &mut (),
        direction: Direction,
        bytes: &[u8],
        _: At,
        _: &[Part],
    ) {
        self.bytes[direction.index()].extend_from_slice(bytes);
    }
    fn is_medical(&self, (): &()) -> bool {
        false
    }
    fn ended(&mut self, facts: &FlowFacts, (): ()) {
        self.ended.push(facts.clone());
    }
}

const CLIENT: (u8, u16) = (1, 40_000);
const SERVER: (u8, u16) = (2, 515);
const FIN: u8 = 1;
const SYN: u8 = 2;
const ACK: u8 = 16;

/// An Ethernet frame with a TCP segment, each with its own IP id.
fn frame(
    from: (u8, u16),
    to: (u8, u16),
    flags: u8,
    (seq, ack): (u32, u32),
    payload: &[u8],
    id: u16,
) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, to.0, 2, 0, 0, 0, 0, from.0, 8, 0, 0x45, 0];
    frame.extend((40 + payload.len() as u16).to_be_bytes());
    frame.extend(id.to_be_bytes());
    frame.extend([0x40, 0, 64, 6, 0, 0]);
    frame.extend(Ipv4Addr::new(10, 0, 0, from.0).octets());
    frame.extend(Ipv4Addr::new(10, 0, 0, to.0).octets());
    frame.extend(from.1.to_be_bytes());
    frame.extend(to.1.to_be_bytes());
    frame.extend(seq.to_be_bytes());
    frame.extend(ack.to_be_bytes());
    frame.extend([0x50, flags, 0x10, 0, 0, 0, 0, 0]);
    frame.extend(payload);
    let sum = checksum(&frame);
    frame[50..52].copy_from_slice(&sum.to_be_bytes());
    frame
}

/// Of the TCP segment in an Ethernet frame with an IPv4 header of twenty octets (RFC 9293 3.1).
fn checksum(frame: &[u8]) -> u16 {
    let segment = &frame[34..];
    let words = |bytes: &[u8]| -> u32 {
        let padded = bytes
            .chunks(2)
            .map(|pair| [pair[0], *pair.get(1).unwrap_or(&0)]);
        padded.map(|pair| u32::from(u16::from_be_bytes(pair))).sum()
    };
    let mut sum = 6 + segment.len() as u32 + words(&frame[26..34]) + words(segment);
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

struct Wire {
    table: FlowTable<Collect>,
    collect: Collect,
    number: u64,
}

impl Wire {
    fn new(limits: Limits) -> Self {
        Wire {
            table: FlowTable::new(limits),
            collect: Collect::default(),
            number: 0,
        }
    }

    fn put(&mut self, frame: &[u8], segment: Segment) {
        self.put_cut(frame, frame.len(), segment);
    }

    /// The capture kept the first `kept` bytes.
    fn put_cut(&mut self, frame: &[u8], kept: usize, segment: Segment) {
        self.number += 1;
        let original = frame.len() as u32;
        let frame = &frame[..kept];
        let layers = decode(LinkType::ETHERNET, frame, original);
        let time = Timestamp(self.number as i64 * Timestamp::MILLISECOND);
        let packet = Packet {
            layers: &layers,
            bytes: frame,
            parts: &[],
            reference: PacketRef {
                file: FileIndex(0),
                number: self.number,
            },
            time,
            clock: time,
            packets: 1,
            wire_bytes: frame.len() as u64,
            segment,
            tunnel: None,
        };
        self.table.packet(&packet, &mut self.collect);
    }

    fn handshake(&mut self) {
        self.put(
            &frame(CLIENT, SERVER, SYN, (99, 0), &[], 1),
            Segment::UNTAGGED,
        );
        self.put(
            &frame(SERVER, CLIENT, SYN | ACK, (499, 100), &[], 2),
            Segment::UNTAGGED,
        );
        self.put(
            &frame(CLIENT, SERVER, ACK, (100, 500), &[], 3),
            Segment::UNTAGGED,
        );
    }

    fn finish(mut self) -> Collect {
        self.table.finish(&mut self.collect);
        self.collect
    }
}

fn limits() -> Limits {
    Limits::share(1000, 1 << 20, 1)
}

proptest! {
    #[test]
    fn law_order(
        stream in prop::collection::vec(any::<u8>(), 1..400),
        pieces in prop::collection::vec((0usize..400, 1usize..60), 0..30),
        order in any::<u64>(),
    ) {
        // Pieces at random, overlapping at will, and enough to cover everything.
        let mut segments: Vec<(usize, usize)> = pieces
            .into_iter()
            .map(|(at, length)| {
                let at = at % stream.len();
                (at, (at + length).min(stream.len()))
            })
            .collect();
        segments.extend((0..stream.len()).step_by(50).map(|at| (at, (at + 50).min(stream.len()))));
        let mut state = order | 1;
        for i in (1..segments.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            segments.swap(i, (state >> 33) as usize % (i + 1));
        }
        let mut wire = Wire::new(limits());
        wire.handshake();
        for (number, (from, to)) in segments.into_iter().enumerate() {
            let id = 10 + number as u16;
            let seq = (100 + from as u32, 500);
            wire.put(&frame(CLIENT, SERVER, ACK, seq, &stream[from..to], id), Segment::UNTAGGED);
        }
        let collected = wire.finish();
        prop_assert_eq!(&collected.bytes[0], &stream);
        prop_assert!(collected.gaps.is_empty());
        prop_assert_eq!(collected.ended.len(), 1);
        prop_assert!(collected.ended[0].conflict.is_none());
    }

    /// With segments missing, what is handed on is the stream without them, and the holes are
    /// told with their lengths.
    #[test]
    fn law_gaps_are_told(lost in prop::collection::btree_set(0usize..20, 0..19)) {
        let stream: Vec<u8> = (0..200u32).map(|i| i as u8).collect();
        let mut wire = Wire::new(limits());
        wire.handshake();
        let mut expected = Vec::new();
        for (number, chunk) in stream.chunks(10).enumerate() {
            if !lost.contains(&number) {
                expected.extend_from_slice(chunk);
                let seq = (100 + 10 * number as u32, 500);
                let sent = frame(CLIENT, SERVER, ACK, seq, chunk, 10 + number as u16);
                wire.put(&sent, Segment::UNTAGGED);
            }
        }
        let collected = wire.finish();
        prop_assert_eq!(&collected.bytes[0], &expected);
        let missing: u64 = collected.gaps.iter().filter_map(|(_, missing)| *missing).sum();
        let last_kept = (0..20).rev().find(|number| !lost.contains(number)).unwrap();
        let inner = lost.iter().filter(|number| **number < last_kept).count() as u64;
        prop_assert_eq!(missing, inner * 10);
    }
}

#[test]
fn first_received_bytes_win_and_conflicts_are_marked() {
    let mut wire = Wire::new(limits());
    wire.handshake();
    wire.put(
        &frame(CLIENT, SERVER, ACK, (100, 500), b"original", 10),
        Segment::UNTAGGED,
    );
    wire.put(
        &frame(CLIENT, SERVER, ACK, (100, 500), b"replaced", 11),
        Segment::UNTAGGED,
    );
    let collected = wire.finish();
    assert_eq!(collected.bytes[0], b"original");
    let (first, second) = collected.ended[0].conflict.unwrap().versions;
    assert_ne!(first, second);
}

/// A segment in order that reaches over bytes that came before it fills the hole and no more.
#[test]
fn bytes_that_wait_win_over_a_later_segment_in_order() {
    for again in [0, 4] {
        let mut wire = Wire::new(limits());
        wire.handshake();
        let mut put = |seq: u32, bytes: &[u8], id: u16| {
            let sent = frame(CLIENT, SERVER, ACK, (100 + seq, 500), bytes, id);
            wire.put(&sent, Segment::UNTAGGED);
        };
        put(0, &b"0123"[..again], 9);
        put(6, b"first", 10);
        put(0, b"012345OTHERtail", 11);
        let collected = wire.finish();
        assert_eq!(collected.bytes[0], b"012345firsttail");
        assert!(collected.gaps.is_empty());
        assert!(collected.ended[0].conflict.is_some());
    }
}

/// What is new in it lies behind what the capture kept.
#[test]
fn a_cut_segment_that_begins_with_known_bytes_is_a_gap_of_its_new_ones() {
    let mut wire = Wire::new(limits());
    wire.handshake();
    let long = frame(CLIENT, SERVER, ACK, (100, 500), b"0123456789abcdefghij", 11);
    wire.put(
        &frame(CLIENT, SERVER, ACK, (100, 500), b"0123456789", 10),
        Segment::UNTAGGED,
    );
    wire.put_cut(&long, long.len() - 16, Segment::UNTAGGED);
    wire.put(
        &frame(CLIENT, SERVER, ACK, (120, 500), b"klm", 12),
        Segment::UNTAGGED,
    );
    let collected = wire.finish();
    assert_eq!(collected.bytes[0], b"0123456789klm");
    assert_eq!(collected.gaps, [(Direction::FromOriginator, Some(10))]);
}

#[test]
fn an_identical_retransmission_is_no_conflict() {
    let mut wire = Wire::new(limits());
    wire.handshake();
    wire.put(
        &frame(CLIENT, SERVER, ACK, (100, 500), b"original", 10),
        Segment::UNTAGGED,
    );
    wire.put(
        &frame(CLIENT, SERVER, ACK, (100, 500), b"original", 11),
        Segment::UNTAGGED,
    );
    let collected = wire.finish();
    assert_eq!(collected.bytes[0], b"original");
    assert!(collected.ended[0].conflict.is_none());
    assert_eq!(collected.ended[0].retransmissions, [1, 0]);
}

#[test]
fn directions_under_different_tags_are_one_flow() {
    let mut wire = Wire::new(limits());
    let (a, b) = (Segment::vlan(20), Segment::vlan(21));
    wire.put(&frame(CLIENT, SERVER, SYN, (99, 0), &[], 1), a);
    wire.put(&frame(SERVER, CLIENT, SYN | ACK, (499, 100), &[], 2), b);
    wire.put(&frame(CLIENT, SERVER, ACK, (100, 500), b"to", 3), a);
    wire.put(&frame(SERVER, CLIENT, ACK, (500, 102), b"back", 4), b);
    let collected = wire.finish();
    assert_eq!(collected.ended.len(), 1);
    assert_eq!(collected.bytes, [b"to".to_vec(), b"back".to_vec()]);
}

/// Who acknowledges heard the other side, also where nobody captured it; a reset needs no answer.
#[test]
fn one_direction_shows_whether_it_went_on() {
    let ends = [(ACK, true), (4, false), (4 | ACK, false), (FIN | ACK, true)];
    for (flags, went_on) in ends {
        let mut wire = Wire::new(limits());
        let opening = frame(CLIENT, SERVER, SYN, (99, 0), &[], 1);
        let next = frame(CLIENT, SERVER, flags, (100, 500), &[], 2);
        wire.put(&opening, Segment::UNTAGGED);
        wire.put(&next, Segment::UNTAGGED);
        let collected = wire.finish();
        assert_eq!(collected.ended[0].is_one_sided(), went_on, "{flags:#x}");
    }
}

#[test]
fn the_same_ports_in_two_segments_are_two_flows() {
    let mut wire = Wire::new(limits());
    for (segment, seq) in [(Segment::vlan(20), 99), (Segment::vlan(30), 70_000_099)] {
        wire.put(&frame(CLIENT, SERVER, SYN, (seq, 0), &[], 1), segment);
        wire.put(
            &frame(SERVER, CLIENT, SYN | ACK, (seq + 5, seq + 1), &[], 2),
            segment,
        );
    }
    assert_eq!(wire.finish().ended.len(), 2);
}

#[test]
fn ports_used_again_begin_another_flow() {
    let mut wire = Wire::new(limits());
    wire.handshake();
    wire.put(
        &frame(CLIENT, SERVER, FIN | ACK, (100, 500), &[], 4),
        Segment::UNTAGGED,
    );
    wire.put(
        &frame(CLIENT, SERVER, SYN, (9_000, 0), &[], 5),
        Segment::UNTAGGED,
    );
    assert_eq!(wire.finish().ended.len(), 2);
}

#[test]
fn copies_are_counted_once_and_remembered_as_legs() {
    let mut wire = Wire::new(limits());
    wire.handshake();
    let sent = frame(CLIENT, SERVER, ACK, (100, 500), b"once", 10);
    wire.put(&sent, Segment::UNTAGGED);
    let mut routed = sent.clone();
    routed[22] -= 1;
    routed[6] = 0x0e;
    wire.put(&routed, Segment::vlan(30));
    assert_eq!(wire.table.counters().copies, 1);
    let collected = wire.finish();
    assert_eq!(collected.bytes[0], b"once");
    let facts = &collected.ended[0];
    assert_eq!(facts.packets, [3, 1]);
    assert_eq!(facts.legs.len(), 1);
    assert_eq!(facts.legs[0].ttl_step, -1);
}

#[test]
fn a_full_table_forgets_half_open_flows_first_and_counts_them() {
    let mut wire = Wire::new(Limits::share(8, 1 << 20, 1));
    wire.handshake();
    wire.put(
        &frame(CLIENT, SERVER, ACK, (100, 500), b"dear", 10),
        Segment::UNTAGGED,
    );
    for port in 0..100u16 {
        let sent = frame((3, 10_000 + port), SERVER, SYN, (1, 0), &[], 20 + port);
        wire.put(&sent, Segment::UNTAGGED);
    }
    assert_eq!(wire.table.len(), 8);
    assert_eq!(wire.table.counters().flows_evicted, 93);
    assert_eq!(wire.table.counters().limits["flows"], 93);
    wire.put(
        &frame(CLIENT, SERVER, ACK, (104, 500), b"est", 200),
        Segment::UNTAGGED,
    );
    assert_eq!(wire.finish().bytes[0], b"dearest");
}

#[test]
fn out_of_order_bytes_are_bounded_and_the_hole_is_told() {
    let mut tight = Limits::share(8, 1 << 20, 1);
    tight.out_of_order_per_flow = 1000;
    let mut wire = Wire::new(tight);
    wire.handshake();
    for number in 0..30u32 {
        let seq = (200 + number * 100, 500);
        let sent = frame(CLIENT, SERVER, ACK, seq, &[7; 100], 10 + number as u16);
        wire.put(&sent, Segment::UNTAGGED);
    }
    assert!(wire.table.counters().limits["out-of-order-bytes-of-one-flow"] >= 1);
    let collected = wire.finish();
    assert_eq!(collected.bytes[0].len(), 3000);
    assert_eq!(collected.gaps, [(Direction::FromOriginator, Some(100))]);
}

/// Anybody can send a SYN, or a segment far ahead, into a living connection.
#[test]
fn forged_openings_and_jumps_hide_nothing() {
    let mut wire = Wire::new(limits());
    wire.handshake();
    wire.put(
        &frame(CLIENT, SERVER, ACK, (100, 500), b"be", 10),
        Segment::UNTAGGED,
    );
    wire.put(
        &frame(CLIENT, SERVER, SYN, (77_000, 0), &[], 11),
        Segment::UNTAGGED,
    );
    wire.put(
        &frame(CLIENT, SERVER, ACK, (102 + 0x7ff0_0000, 500), b"XX", 12),
        Segment::UNTAGGED,
    );
    wire.put(
        &frame(CLIENT, SERVER, ACK, (102, 500), b"fore", 13),
        Segment::UNTAGGED,
    );
    let collected = wire.finish();
    assert_eq!(collected.bytes[0], b"before");
    assert_eq!(collected.ended.len(), 1);
    assert!(collected.gaps.is_empty());
}

/// A new connection on the same ports is believed when it is answered, and read from its start.
#[test]
fn a_second_connection_begins_when_it_is_answered() {
    let mut wire = Wire::new(limits());
    wire.handshake();
    wire.put(
        &frame(CLIENT, SERVER, ACK, (100, 500), b"old", 10),
        Segment::UNTAGGED,
    );
    wire.put(
        &frame(CLIENT, SERVER, SYN, (70_000, 0), &[], 11),
        Segment::UNTAGGED,
    );
    wire.put(
        &frame(SERVER, CLIENT, SYN | ACK, (90_000, 70_001), &[], 12),
        Segment::UNTAGGED,
    );
    wire.put(
        &frame(CLIENT, SERVER, ACK, (70_001, 90_001), b"new", 13),
        Segment::UNTAGGED,
    );
    let collected = wire.finish();
    assert_eq!(collected.ended.len(), 2);
    assert_eq!(collected.bytes[0], b"oldnew");
    assert!(collected.gaps.is_empty());
}

/// The frame with a TCP checksum that is off by one.
fn forged(mut frame: Vec<u8>) -> Vec<u8> {
    frame[51] ^= 1;
    frame
}

/// What the receiver threw away does not take the place of what it took.
#[test]
fn bytes_with_a_wrong_checksum_do_not_win() {
    let mut wire = Wire::new(limits());
    let mut put = |frame: Vec<u8>| wire.put(&frame, Segment::UNTAGGED);
    put(frame(CLIENT, SERVER, SYN, (99, 0), &[], 1));
    put(frame(SERVER, CLIENT, SYN | ACK, (499, 100), &[], 2));
    put(forged(frame(CLIENT, SERVER, ACK, (100, 500), b"GET /", 3)));
    put(frame(CLIENT, SERVER, ACK, (100, 500), b"truth", 4));
    assert_eq!(wire.table.counters().wrong_checksums, 1);
    assert_eq!(wire.finish().bytes[0], b"truth");
}

/// A host whose sums are all wrong (the capture was taken before its card mends them) is read.
#[test]
fn a_capture_before_the_network_card_is_read() {
    let mut wire = Wire::new(limits());
    for (flags, seq, payload) in [(SYN, 99, b"".as_slice()), (ACK, 100, b"still here")] {
        let sent = forged(frame(CLIENT, SERVER, flags, (seq, 0), payload, 1));
        wire.put(&sent, Segment::UNTAGGED);
    }
    assert_eq!(wire.finish().bytes[0], b"still here");
}

/// Both SYNs have the number of the first byte behind them, and are acknowledged so.
#[test]
fn connections_that_give_their_syn_no_number_are_read_whole() {
    let handshake = |wire: &mut Wire, acknowledged: u32| {
        let frames = [
            frame(CLIENT, SERVER, SYN, (100, 0), b"", 1),
            frame(SERVER, CLIENT, SYN | ACK, (900, acknowledged), b"", 2),
            frame(CLIENT, SERVER, ACK, (100, 900), b"", 3),
        ];
        for frame in frames {
            wire.put(&frame, Segment::UNTAGGED);
        }
    };
    let mut wire = Wire::new(limits());
    handshake(&mut wire, 100);
    wire.put(
        &frame(CLIENT, SERVER, ACK, (100, 900), b"GET /", 4),
        Segment::UNTAGGED,
    );
    wire.put(
        &frame(CLIENT, SERVER, ACK, (105, 900), b" HTTP", 5),
        Segment::UNTAGGED,
    );
    wire.put(
        &frame(SERVER, CLIENT, ACK, (900, 110), b"HTTP/1.1", 6),
        Segment::UNTAGGED,
    );
    assert_eq!(
        wire.collect.bytes,
        [b"GET / HTTP".to_vec(), b"HTTP/1.1".to_vec()]
    );
    assert!(wire.collect.gaps.is_empty());
    // A receiver that counts the SYN takes the byte in its place for none of the stream.
    let mut wire = Wire::new(limits());
    handshake(&mut wire, 101);
    wire.put(
        &frame(CLIENT, SERVER, ACK, (100, 900), b"?GET /", 4),
        Segment::UNTAGGED,
    );
    assert_eq!(wire.collect.bytes[0], b"GET /");
}
