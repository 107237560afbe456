//! The defragmenter against a simple model, at its limits, and on real fragments.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod captures;

use std::collections::BTreeMap;

use auscult_model::{FileIndex, LinkType, PacketRef, Timestamp};
use auscult_packet::{
    Datagram, Defragmenter, Limits, Outcome, Refusal, Transport, decode, decode_ip, dispatch_key,
};
use proptest::prelude::*;

const SECOND: i64 = Timestamp::SECOND;

fn packet_ref(number: u64) -> PacketRef {
    PacketRef {
        file: FileIndex(0),
        number,
    }
}

/// A raw IPv4 fragment of protocol 17.
fn v4(id: u16, offset: usize, more: bool, data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x45, 0];
    bytes.extend((20 + data.len() as u16).to_be_bytes());
    bytes.extend(id.to_be_bytes());
    bytes.extend((u16::from(more) << 13 | (offset / 8) as u16).to_be_bytes());
    bytes.extend([64, 17, 0xab, 0xcd, 10, 0, 0, 1, 10, 0, 0, 2]);
    bytes.extend(data);
    bytes
}

/// A raw IPv6 fragment behind a hop-by-hop header of one unit.
fn v6(id: u32, offset: usize, more: bool, data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x60, 0, 0, 0];
    bytes.extend((16 + data.len() as u16).to_be_bytes());
    bytes.extend([0, 64]);
    bytes.extend([0xfd; 16]);
    bytes.extend([0xfe; 16]);
    bytes.extend([44, 0, 1, 4, 0, 0, 0, 0]);
    bytes.extend([17, 0]);
    bytes.extend((offset as u16 | u16::from(more)).to_be_bytes());
    bytes.extend(id.to_be_bytes());
    bytes.extend(data);
    bytes
}

fn push(defragmenter: &mut Defragmenter, frame: &[u8], number: u64, clock: i64) -> Outcome {
    let layers = decode_ip(frame, frame.len() as u32);
    defragmenter.push(&layers, frame, packet_ref(number), Timestamp(clock))
}

fn complete(outcome: Outcome) -> Datagram {
    match outcome {
        Outcome::Complete(datagram) => *datagram,
        other => panic!("not complete: {other:?}"),
    }
}

/// A UDP datagram of `len` bytes in all, with bytes that tell their place.
fn udp(len: usize) -> Vec<u8> {
    let mut bytes = vec![0x12, 0x34, 0x00, 0x35];
    bytes.extend((len as u16).to_be_bytes());
    bytes.extend([0, 0]);
    bytes.extend((8..len).map(|at| (at * 7 + at / 256) as u8));
    bytes
}

/// Every byte of a datagram is where its part says that it came from.
fn check_parts(datagram: &Datagram, frames: &BTreeMap<u64, Vec<u8>>, changed: &[u32]) {
    let mut at = 0;
    for part in &datagram.parts {
        assert_eq!(part.range.start, at);
        at = part.range.end;
    }
    assert_eq!(at as usize, datagram.bytes.len());
    for (at, byte) in datagram.bytes.iter().enumerate() {
        let (packet, offset) = datagram.origin(at as u32).unwrap();
        if !changed.contains(&(at as u32)) {
            assert_eq!(frames[&packet.number][offset as usize], *byte, "byte {at}");
        }
    }
    assert_eq!(datagram.origin(datagram.bytes.len() as u32), None);
}

#[derive(Clone, Debug)]
struct Cut {
    start: usize,
    end: usize,
    /// Another byte in the middle than the datagram has.
    damaged: bool,
}

/// Cuts that together cover 0..len, with extra ones that overlap, in any order.
fn cuts(units: usize) -> impl Strategy<Value = Vec<Cut>> {
    let borders = prop::collection::btree_set(1..units, 1..6);
    let extra = prop::collection::vec((0..units, 1..units - 1, prop::bool::weighted(0.3)), 0..6);
    (borders, extra)
        .prop_map(move |(borders, extra)| {
            let mut edges: Vec<usize> = borders.into_iter().collect();
            edges.insert(0, 0);
            edges.push(units);
            let mut cuts: Vec<Cut> = edges
                .windows(2)
                .map(|pair| Cut {
                    start: pair[0] * 8,
                    end: pair[1] * 8,
                    damaged: false,
                })
                .collect();
            for (start, len, damaged) in extra {
                let end = (start + len).min(units);
                cuts.push(Cut {
                    start: start * 8,
                    end: end * 8,
                    damaged,
                });
            }
            cuts
        })
        .prop_shuffle()
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// The model: a byte array with "already there" marks, written first come first served.
    #[test]
    fn agrees_with_model(tail in 1usize..8, cuts in cuts(20), is_v6: bool) {
        let whole = udp(19 * 8 + tail);
        let mut model: Vec<Option<u8>> = vec![None; whole.len()];
        let (mut end_known, mut first_seen, mut conflict) = (false, false, false);
        let mut defragmenter = Defragmenter::new(Limits::default());
        let mut frames = BTreeMap::new();
        let mut done = false;
        for (number, cut) in cuts.iter().enumerate() {
            let end = cut.end.min(whole.len());
            let mut data = whole[cut.start..end].to_vec();
            if cut.damaged {
                let middle = data.len() / 2;
                data[middle] ^= 0x55;
            }
            let more = end < whole.len();
            let frame = if is_v6 { v6(7, cut.start, more, &data) }
                else { v4(7, cut.start, more, &data) };
            frames.insert(number as u64, frame.clone());
            let outcome = push(&mut defragmenter, &frame, number as u64, number as i64);
            if done {
                prop_assert_eq!(outcome, Outcome::Held);
                continue;
            }
            for (at, &byte) in data.iter().enumerate() {
                let slot = &mut model[cut.start + at];
                conflict |= slot.is_some_and(|had| had != byte);
                slot.get_or_insert(byte);
            }
            end_known |= !more;
            first_seen |= cut.start == 0;
            if !(end_known && first_seen && model.iter().all(Option::is_some)) {
                prop_assert_eq!(outcome, Outcome::Held);
                continue;
            }
            done = true;
            let datagram = complete(outcome);
            let expected: Vec<u8> = model.iter().flatten().copied().collect();
            let header = if is_v6 { 48 } else { 20 };
            prop_assert_eq!(&datagram.bytes[header..], &expected[..]);
            prop_assert_eq!(datagram.conflicting, conflict);
            prop_assert_eq!(datagram.layers.fragment, None);
            prop_assert_eq!(datagram.layers.stop, None);
            prop_assert_eq!(datagram.layers.ip_id, 7);
            prop_assert!(matches!(datagram.layers.transport, Transport::Udp(_)));
            let length_field = if is_v6 { &datagram.bytes[4..6] } else { &datagram.bytes[2..4] };
            let length = expected.len() + if is_v6 { header - 40 } else { header };
            prop_assert_eq!(length_field, (length as u16).to_be_bytes());
            captures::check_ranges(&datagram.layers, datagram.bytes.len());
            let changed: &[u32] = if is_v6 { &[4, 5, 40] } else { &[2, 3, 6, 7] };
            check_parts(&datagram, &frames, changed);
            prop_assert_eq!(dispatch_key(LinkType::RAW, &datagram.bytes),
                dispatch_key(LinkType::RAW, &frame));
        }
        prop_assert!(done);
        let counters = defragmenter.counters();
        prop_assert_eq!(counters.completed, 1);
        prop_assert_eq!(counters.conflicts > 0, conflict);
        prop_assert_eq!((defragmenter.in_flight(), defragmenter.held()), (0, 0));
    }

    /// Whatever comes, the limits hold and nothing is left when all has expired.
    #[test]
    fn limits_hold(
        fragments in prop::collection::vec(
            (0u16..12, 0usize..40, any::<bool>(), 1usize..200, any::<bool>()), 1..200),
    ) {
        let limits = Limits { datagrams: 4, bytes: 3000, pieces: 5, timeout: 50 };
        let mut defragmenter = Defragmenter::new(limits);
        for (number, (id, offset, more, len, is_v6)) in fragments.iter().enumerate() {
            let data = vec![*offset as u8; *len];
            let frame = if *is_v6 { v6(u32::from(*id), offset * 8, *more, &data) }
                else { v4(*id, offset * 8, *more, &data) };
            push(&mut defragmenter, &frame, number as u64, number as i64);
            prop_assert!(defragmenter.in_flight() <= limits.datagrams);
            prop_assert!(defragmenter.held() <= limits.bytes);
        }
        defragmenter.expire(Timestamp(10_000));
        prop_assert_eq!((defragmenter.in_flight(), defragmenter.held()), (0, 0));
    }
}

#[test]
fn gives_up_after_the_time_out() {
    let mut defragmenter = Defragmenter::new(Limits::default());
    let first = v4(1, 0, true, &udp(24)[..16]);
    let last = v4(1, 16, false, &udp(24)[16..]);
    assert_eq!(push(&mut defragmenter, &first, 1, 0), Outcome::Held);
    assert_eq!(
        push(&mut defragmenter, &last, 2, 30 * SECOND + 1),
        Outcome::Held
    );
    assert_eq!(defragmenter.counters().expired, 1);
    let datagram = complete(push(&mut defragmenter, &first, 3, 60 * SECOND));
    assert_eq!(datagram.bytes.len(), 44);
}

#[test]
fn the_oldest_makes_room_and_is_counted() {
    let limits = Limits {
        datagrams: 2,
        ..Limits::default()
    };
    let mut defragmenter = Defragmenter::new(limits);
    let whole = udp(16);
    for id in 1..=3 {
        push(
            &mut defragmenter,
            &v4(id, 0, true, &whole[..8]),
            u64::from(id),
            0,
        );
    }
    assert_eq!(defragmenter.counters().evicted, 1);
    assert_eq!(defragmenter.in_flight(), 2);
    complete(push(&mut defragmenter, &v4(2, 8, false, &whole[8..]), 4, 0));
    complete(push(&mut defragmenter, &v4(3, 8, false, &whole[8..]), 5, 0));
    assert_eq!(
        push(&mut defragmenter, &v4(1, 8, false, &whole[8..]), 6, 0),
        Outcome::Held
    );
}

#[test]
fn bytes_and_pieces_are_bounded_and_counted() {
    let limits = Limits {
        bytes: 2000,
        ..Limits::default()
    };
    let mut defragmenter = Defragmenter::new(limits);
    let outcome = push(&mut defragmenter, &v4(1, 0, true, &[0; 4000]), 1, 0);
    assert_eq!(outcome, Outcome::Refused(Refusal::OverLimit));
    assert_eq!(defragmenter.held(), 0);
    assert_eq!(defragmenter.counters().over_bytes, 1);

    let mut defragmenter = Defragmenter::new(Limits {
        pieces: 2,
        ..Limits::default()
    });
    for at in 0..3 {
        let outcome = push(&mut defragmenter, &v4(1, at * 16, true, &[0; 8]), 1, 0);
        let expected = if at < 2 {
            Outcome::Held
        } else {
            Outcome::Refused(Refusal::OverLimit)
        };
        assert_eq!(outcome, expected);
    }
    assert_eq!(defragmenter.counters().over_pieces, 1);
}

#[test]
fn what_cannot_be_a_fragment_is_refused_and_counted() {
    let mut defragmenter = Defragmenter::new(Limits::default());
    let odd = v4(1, 0, true, &[0; 9]);
    let empty = v4(1, 8, false, &[]);
    // The ping of death: ends beyond 65,535 bytes.
    let beyond = v4(1, 65_528, false, &[0; 100]);
    for frame in [odd, empty, beyond] {
        let outcome = push(&mut defragmenter, &frame, 1, 0);
        assert_eq!(outcome, Outcome::Refused(Refusal::Malformed));
    }
    let whole = v4(1, 0, true, &[0; 64]);
    let layers = decode_ip(&whole[..60], whole.len() as u32);
    let outcome = defragmenter.push(&layers, &whole[..60], packet_ref(1), Timestamp(0));
    assert_eq!(outcome, Outcome::Refused(Refusal::Cut));
    assert_eq!(
        (
            defragmenter.counters().malformed,
            defragmenter.counters().cut
        ),
        (3, 1)
    );
    assert_eq!(defragmenter.in_flight(), 0);
}

#[test]
fn two_ends_conflict_and_the_first_told_stands() {
    let mut defragmenter = Defragmenter::new(Limits::default());
    let whole = udp(32);
    push(&mut defragmenter, &v4(1, 16, false, &whole[16..32]), 1, 0);
    push(&mut defragmenter, &v4(1, 16, false, &whole[16..24]), 2, 0);
    push(&mut defragmenter, &v4(1, 32, true, &whole[16..24]), 3, 0);
    let datagram = complete(push(&mut defragmenter, &v4(1, 0, true, &whole[..16]), 4, 0));
    assert!(datagram.conflicting);
    assert_eq!(datagram.bytes.get(20..), Some(&whole[..]));
    assert_eq!(defragmenter.counters().conflicts, 2);
}

#[test]
fn a_copy_within_twenty_milliseconds_starts_nothing() {
    let whole = udp(24);
    let (first, last) = (v4(1, 0, true, &whole[..16]), v4(1, 16, false, &whole[16..]));
    let mut defragmenter = Defragmenter::new(Limits::default());
    for (number, frame) in [&first, &first, &last].into_iter().enumerate() {
        let outcome = push(&mut defragmenter, frame, number as u64, 0);
        assert_eq!(matches!(outcome, Outcome::Complete(_)), number == 2);
    }
    assert_eq!(
        push(&mut defragmenter, &last, 4, SECOND / 100),
        Outcome::Held
    );
    assert_eq!(defragmenter.in_flight(), 0);
    assert_eq!(defragmenter.counters().duplicates, 2);
    // The identification again, later: another datagram.
    push(&mut defragmenter, &first, 5, SECOND);
    complete(push(&mut defragmenter, &last, 6, SECOND));
}

/// A tag and a MAC address, so that the parts of the link show up in the result.
#[test]
fn keeps_the_link_of_the_first_fragment() {
    let whole = udp(24);
    let mut defragmenter = Defragmenter::new(Limits::default());
    let mut last = Outcome::Held;
    for (number, ip) in [v4(1, 16, false, &whole[16..]), v4(1, 0, true, &whole[..16])]
        .iter()
        .enumerate()
    {
        let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x81, 0, 0, 20, 8, 0];
        frame.extend(ip);
        frame.resize(64, 0xee);
        let layers = decode(LinkType::ETHERNET, &frame, 64);
        last = defragmenter.push(&layers, &frame, packet_ref(number as u64), Timestamp(0));
    }
    let datagram = complete(last);
    assert_eq!(datagram.layers.vlan, [20, 0]);
    assert_eq!(
        datagram.layers.src_mac.unwrap().to_string(),
        "02:00:00:00:00:02"
    );
    assert_eq!(datagram.layers.payload_of(&datagram.bytes), &whole[8..]);
    assert_eq!(datagram.origin(20), Some((packet_ref(1), 38)));
    assert_eq!(datagram.origin(36), Some((packet_ref(0), 38)));
}

/// Two legs of one routed datagram, seen at one place, are two datagrams.
#[test]
fn legs_stay_apart() {
    let whole = udp(24);
    let mut defragmenter = Defragmenter::new(Limits::default());
    let mut completed = 0;
    for ip in [v4(1, 0, true, &whole[..16]), v4(1, 16, false, &whole[16..])] {
        for (vlan, mac) in [(20, 2), (30, 2), (30, 3)] {
            let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, mac, 0x81, 0, 0, vlan, 8, 0];
            frame.extend(&ip);
            let layers = decode(LinkType::ETHERNET, &frame, frame.len() as u32);
            let outcome = defragmenter.push(&layers, &frame, packet_ref(1), Timestamp(0));
            if let Outcome::Complete(datagram) = outcome {
                completed += 1;
                assert_eq!(datagram.layers.vlan, [u16::from(vlan), 0]);
            }
        }
    }
    assert_eq!((completed, defragmenter.counters().duplicates), (3, 0));
}

/// Lengths of reassembled UDP payloads in captures, as tshark 4.0 tells them.
#[test]
fn real_fragments_become_whole() {
    let Some(folder) = captures::folder() else {
        return;
    };
    for (name, datagrams) in REAL {
        let mut defragmenter = Defragmenter::new(Limits::default());
        let mut completed = Vec::new();
        for (index, frame) in captures::frames(&folder.join(name))
            .expect(name)
            .iter()
            .enumerate()
        {
            let layers = decode(LinkType(frame.link), &frame.bytes, frame.original_len);
            let packet = packet_ref(index as u64 + 1);
            if let Outcome::Complete(datagram) =
                defragmenter.push(&layers, &frame.bytes, packet, Timestamp(0))
            {
                completed.push((packet.number, datagram.layers.payload.len()));
                let key = dispatch_key(LinkType::RAW, &datagram.bytes);
                assert_eq!(key, dispatch_key(LinkType(frame.link), &frame.bytes));
            }
        }
        assert_eq!(
            &completed.get(..datagrams.len()),
            &Some(*datagrams),
            "{name}"
        );
    }
}

/// Capture, then completing frame and UDP payload length of its first reassembled datagrams.
const REAL: &[(&str, &[(u64, usize)])] = &[
    (
        "formats/ip6_fragments.pcap",
        &[(7, 729), (20, 1440), (29, 991), (36, 774)],
    ),
    (
        "ndpi/dns_fragmented.pcap",
        &[(3, 1702), (6, 1501), (9, 1490), (12, 1490), (17, 1702)],
    ),
    (
        "formats/ip4_fragments.pcap.zst",
        &[(6, 8312), (12, 8312), (18, 8312), (28, 8312), (40, 8312)],
    ),
];
