//! The laws on RPC flows: cuts, gaps, one side, any bytes, honest probes; and what no public
//! capture shows (records in fragments, NFSv4 reads), by messages written from the standards.

use auscult_model::{Direction, Meaning, Transport};
use proptest::prelude::*;

use super::tests::{
    Flow, GETPORT, MNT, READ, READ_REPLY, cut_anywhere, files, flows, hex, requests, start,
};
use crate::drive::{Driven, Piece, drive, without_places};
use crate::nfs::Nfs;
use crate::oracle::shared;
use crate::{Probe, Protocol, Seen, Start, mount, portmap};

use Direction::{FromOriginator, FromResponder};

/// XDR of words and opaque items.
enum Xdr<'a> {
    Words(&'a [u32]),
    Opaque(&'a [u8]),
}
use Xdr::{Opaque, Words};

fn xdr(items: &[Xdr<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for item in items {
        match item {
            Words(words) => words
                .iter()
                .for_each(|word| bytes.extend(word.to_be_bytes())),
            Opaque(data) => {
                bytes.extend((data.len() as u32).to_be_bytes());
                bytes.extend_from_slice(data);
                bytes.resize(bytes.len().next_multiple_of(4), 0);
            }
        }
    }
    bytes
}

fn call(xid: u32, version: u32, procedure: u32, arguments: &[Xdr<'_>]) -> Vec<u8> {
    let header = [xid, 0, 2, 100_003, version, procedure, 0, 0, 0, 0];
    [xdr(&[Words(&header)]), xdr(arguments)].concat()
}

fn reply(xid: u32, results: &[Xdr<'_>]) -> Vec<u8> {
    [xdr(&[Words(&[xid, 1, 0, 0, 0, 0])]), xdr(results)].concat()
}

/// A record in fragments of at most `size` bytes.
fn record(message: &[u8], size: usize) -> Vec<u8> {
    let count = message.len().div_ceil(size);
    let mut bytes = Vec::new();
    for (index, fragment) in message.chunks(size).enumerate() {
        let last = u32::from(index + 1 == count) << 31;
        bytes.extend((last | fragment.len() as u32).to_be_bytes());
        bytes.extend_from_slice(fragment);
    }
    bytes
}

fn content(length: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..length).map(|i| (i * 31 + i / 256) as u8).collect();
    bytes[..4].copy_from_slice(b"\x7fELF");
    bytes
}

/// A v3 flow that looks up and reads a file of `length` bytes, `step` at a time.
fn reading_flow(length: usize, step: usize, fragment: usize) -> Flow {
    let bytes = content(length);
    let mut flow = Flow::default();
    let mut exchange = |question: Vec<u8>, answer: Vec<u8>| {
        flow.pieces
            .push((FromOriginator, record(&question, fragment)));
        flow.pieces.push((FromResponder, record(&answer, fragment)));
    };
    exchange(
        call(1, 3, 3, &[Opaque(b"root"), Opaque(b"monitor")]),
        reply(1, &[Words(&[0]), Opaque(b"file"), Words(&[0, 0])]),
    );
    for (index, data) in bytes.chunks(step).enumerate() {
        let xid = 2 + index as u32;
        let at = (index * step) as u32;
        let eof = u32::from(at as usize + data.len() == length);
        exchange(
            call(xid, 3, 6, &[Opaque(b"file"), Words(&[0, at, step as u32])]),
            reply(xid, &[Words(&[0, 0, data.len() as u32, eof]), Opaque(data)]),
        );
    }
    flow
}

fn run(flow: &Flow) -> Driven {
    drive(&Nfs, &start(Transport::Tcp), &flow.pieces())
}

#[test]
fn records_in_fragments() {
    for fragment in [24, 100, 1000, 100_000] {
        let flow = reading_flow(5000, 1400, fragment);
        let driven = run(&flow);
        assert!(files(&driven.said)[0].complete, "{fragment}");
        let expected = [
            ("lookup", "monitor", Some(true)),
            ("read", "monitor", Some(true)),
        ];
        assert_eq!(requests(&driven.said), expected);
        cut_anywhere(&flow);
    }
}

/// A record of a megabyte is not kept: its data pass through.
#[test]
fn a_large_read_streams() {
    let flow = reading_flow(1 << 20, 1 << 20, 1 << 21);
    let driven = run(&flow);
    assert!(files(&driven.said)[0].complete);
    assert!(driven.limits.is_empty(), "{:?}", driven.limits);
}

#[test]
fn a_gap_takes_away_and_adds_nothing() {
    let flow = reading_flow(6000, 700, 100_000);
    let whole = without_places(&run(&flow).said);
    for lost in 0..flow.pieces.len() {
        for known in [true, false] {
            let mut pieces = flow.pieces();
            let (direction, bytes) = &flow.pieces[lost];
            let length = known.then_some(bytes.len() as u64);
            pieces[lost] = Piece::Gap(*direction, length);
            let driven = drive(&Nfs, &start(Transport::Tcp), &pieces);
            for file in files(&driven.said) {
                assert!(lost < 2 || !file.complete, "piece {lost}");
            }
            for said in &driven.said {
                assert!(said.confidence <= 1.0);
                if let Meaning::Request {
                    granted: Some(_), ..
                } = said.meaning
                {
                    let mut sure = said.clone();
                    sure.confidence = 1.0;
                    let line = &without_places(&[sure])[0];
                    // Without the answer to LOOKUP the file has no name.
                    assert!(lost < 2 || whole.contains(line), "piece {lost}: {line}");
                }
            }
        }
    }
}

/// A hole inside the data of one reply costs that hole, not the following messages.
#[test]
fn a_hole_in_data_keeps_the_border() {
    let flow = reading_flow(6000, 3000, 100_000);
    let mut pieces = flow.pieces();
    let (direction, bytes) = &flow.pieces[3];
    let (front, rest) = bytes.split_at(1000);
    let (lost, back) = rest.split_at(800);
    pieces[3] = Piece::Bytes(*direction, front);
    pieces.insert(4, Piece::Gap(*direction, Some(lost.len() as u64)));
    pieces.insert(5, Piece::Bytes(*direction, back));
    let driven = drive(&Nfs, &start(Transport::Tcp), &pieces);
    let [file] = files(&driven.said)[..] else {
        panic!("{:?}", driven.said);
    };
    assert_eq!((file.size, file.complete), (5200, false));
    assert!(!driven.limits.contains_key("rpc-resynchronised"));
}

/// A stream that is picked up in the middle is read from the next call on, with less certainty
/// at first.
#[test]
fn a_border_is_found() {
    let flow = reading_flow(6000, 700, 100_000);
    let mut pieces = flow.pieces();
    let (direction, bytes) = &flow.pieces[0];
    pieces[0] = Piece::Bytes(*direction, &bytes[5..]);
    let middle = Start {
        from_start: false,
        ..start(Transport::Tcp)
    };
    let driven = drive(&Nfs, &middle, &pieces);
    assert_eq!(requests(&driven.said), [("read", "", Some(true))]);
    assert!(driven.said[0].confidence <= 0.9, "{:?}", driven.said[0]);
    assert!(files(&driven.said)[0].complete);
}

/// A byte too many makes a record of eight megabytes that is none: what lies in it is read.
#[test]
fn a_record_that_is_none_hides_nothing() {
    let flow = reading_flow(2000, 700, 100_000);
    let side = |side: Direction| -> Vec<u8> {
        let of_it = flow.pieces.iter().filter(|(of, _)| *of == side);
        of_it.flat_map(|(_, bytes)| bytes.clone()).collect()
    };
    let mut answers = side(FromResponder);
    answers.insert(0, 0);
    let mut talk = Flow::default();
    talk.pieces = vec![
        (FromOriginator, side(FromOriginator)),
        (FromResponder, answers),
    ];
    let granted = [("read", "", Some(true)), ("lookup", "monitor", None)];
    assert_eq!(requests(&run(&talk).said), granted);
    cut_anywhere(&talk);
}

#[test]
fn each_side_alone_contradicts_nothing() {
    let flow = reading_flow(3000, 700, 100_000);
    for side in [FromOriginator, FromResponder] {
        let mut one = Flow::default();
        let of_side = flow
            .pieces
            .iter()
            .filter(|(direction, _)| *direction == side);
        one.pieces.extend(of_side.cloned());
        let driven = run(&one);
        assert!(files(&driven.said).is_empty());
        let expected: &[_] = match side {
            FromOriginator => &[("lookup", "monitor", None), ("read", "", None)],
            FromResponder => &[],
        };
        assert_eq!(requests(&driven.said), expected);
    }
}

/// RFC 7530: the path is the chain of LOOKUPs from the root; the file is hashed from READ.
#[test]
fn version_4_reads_a_file_by_its_path() {
    let bytes = content(3000);
    let mut flow = Flow::default();
    let mut exchange = |question: Vec<u8>, answer: Vec<u8>| {
        flow.pieces
            .push((FromOriginator, record(&question, 1 << 20)));
        flow.pieces.push((FromResponder, record(&answer, 1 << 20)));
    };
    let id = b"Linux NFSv4.0 ward7/10.0.0.5";
    exchange(
        call(
            1,
            4,
            1,
            &[
                Opaque(b""),
                Words(&[0, 1, 35, 1, 2]),
                Opaque(id),
                Words(&[0x4000_0000]),
                Opaque(b"tcp"),
                Opaque(b"10.0.0.5.3.9"),
                Words(&[1]),
            ],
        ),
        reply(
            1,
            &[Words(&[0]), Opaque(b""), Words(&[1, 35, 0, 1, 2, 3, 4])],
        ),
    );
    exchange(
        call(
            2,
            4,
            1,
            &[
                Opaque(b"t"),
                Words(&[0, 4, 24, 15]),
                Opaque(b"pm"),
                Words(&[15]),
                Opaque(b"monitor"),
                Words(&[10]),
            ],
        ),
        reply(
            2,
            &[
                Words(&[0]),
                Opaque(b"t"),
                Words(&[4, 24, 0, 15, 0, 15, 0, 10, 0]),
                Opaque(b"handle"),
            ],
        ),
    );
    exchange(
        call(
            3,
            4,
            1,
            &[
                Opaque(b""),
                Words(&[0, 3, 22]),
                Opaque(b"handle"),
                Words(&[25, 0, 0, 0, 0, 0, 0, 4096, 9, 1, 0x10]),
            ],
        ),
        reply(
            3,
            &[
                Words(&[0]),
                Opaque(b""),
                Words(&[3, 22, 0, 25, 0, 1]),
                Opaque(&bytes),
                Words(&[9, 0, 1, 0x10]),
                Opaque(&[0, 0, 0, 0, 0, 0, 11, 184]),
            ],
        ),
    );
    let driven = run(&flow);
    assert_eq!(
        requests(&driven.said),
        [
            ("lookup", "/pm", Some(true)),
            ("lookup", "/pm/monitor", Some(true)),
            ("read", "/pm/monitor", Some(true)),
        ]
    );
    let file = files(&driven.said)[0];
    assert!(file.complete && file.name == "/pm/monitor", "{file:?}");
    let Meaning::Claim {
        attribute, value, ..
    } = &driven.said[0].meaning
    else {
        panic!("{:?}", driven.said[0]);
    };
    assert_eq!((*attribute, value.as_bytes()), ("nfs_client_id", &id[..]));
    cut_anywhere(&flow);
}

/// Version 4 written, closed and measured in one message: the file is complete.
#[test]
fn version_4_writes_a_file() {
    let mut flow = Flow::default();
    let put = [Opaque(b""), Words(&[0, 2, 22]), Opaque(b"h")];
    let write = [Words(&[38, 0, 0, 0, 0, 0, 0, 2]), Opaque(b"#!/bin/sh\n")];
    let close = [
        Words(&[0, 3, 22]),
        Opaque(b"h"),
        Words(&[4, 1, 0, 0, 0, 0, 9, 1, 0x10]),
    ];
    let question = [call(1, 4, 1, &put), xdr(&write)].concat();
    let answer = reply(
        1,
        &[
            Words(&[0]),
            Opaque(b""),
            Words(&[2, 22, 0, 38, 0, 10, 2, 1, 2]),
        ],
    );
    flow.pieces
        .push((FromOriginator, record(&question, 1 << 20)));
    flow.pieces.push((FromResponder, record(&answer, 1 << 20)));
    let question = [call(2, 4, 1, &[Opaque(b"")]), xdr(&close)].concat();
    let answer = reply(
        2,
        &[
            Words(&[0]),
            Opaque(b""),
            Words(&[3, 22, 0, 4, 0, 0, 0, 0, 0, 9, 0, 1, 0x10]),
            Opaque(&[0, 0, 0, 0, 0, 0, 0, 10]),
        ],
    );
    flow.pieces
        .push((FromOriginator, record(&question, 1 << 20)));
    flow.pieces.push((FromResponder, record(&answer, 1 << 20)));
    let driven = run(&flow);
    let [file] = files(&driven.said)[..] else {
        panic!("{:?}", driven.said);
    };
    assert!(file.complete && file.kind == "script", "{file:?}");
    assert_eq!(
        driven.said.last().map(|said| said.direction),
        Some(FromOriginator)
    );
}

#[test]
fn captures_cut_anywhere() {
    for name in ["suricata/nfs4-01.pcap", "zeek/mount__mount_base.pcap"] {
        let Some(path) = shared("captures").map(|folder| folder.join(name)) else {
            return;
        };
        flows(&path, Transport::Tcp).iter().for_each(cut_anywhere);
    }
}

fn seen<'a>(transport: Transport, originator: &'a [u8], responder: &'a [u8]) -> Seen<'a> {
    Seen {
        transport,
        originator,
        responder,
        from_start: true,
    }
}

const ALL: [&dyn Protocol; 3] = [&portmap::Portmap, &mount::Mount, &Nfs];

#[test]
fn the_program_names_the_flow() {
    for (message, index) in [(GETPORT, 0), (MNT, 1), (READ, 2)] {
        let datagram = hex(message);
        let stream = record(&datagram, 1 << 20);
        for (transport, bytes) in [(Transport::Udp, &datagram), (Transport::Tcp, &stream)] {
            for (at, protocol) in ALL.iter().enumerate() {
                let expected = if at == index {
                    Probe::Certain
                } else {
                    Probe::No
                };
                assert_eq!(protocol.probe(&seen(transport, bytes, &[])), expected);
            }
        }
        for cut in 0..stream.len() {
            let probe = ALL[index].probe(&seen(Transport::Tcp, &stream[..cut], &[]));
            assert!(matches!(probe, Probe::Maybe | Probe::Certain), "{cut}");
        }
    }
    let reply = hex(READ_REPLY);
    assert_eq!(Nfs.probe(&seen(Transport::Udp, &[], &reply)), Probe::Maybe);
    assert_eq!(
        Nfs.probe(&seen(Transport::Udp, &reply, &hex(READ))),
        Probe::Certain
    );
}

proptest! {
    #[test]
    fn random_bytes_are_never_certain(
        bytes in prop::collection::vec(any::<u8>(), 64),
        tcp in any::<bool>(),
        from_start in any::<bool>(),
    ) {
        let transport = if tcp { Transport::Tcp } else { Transport::Udp };
        for protocol in ALL {
            let seen = Seen { from_start, ..seen(transport, &bytes, &bytes) };
            prop_assert!(protocol.probe(&seen) != Probe::Certain);
        }
    }

    /// `No` and `Certain` hold for every longer prefix, also of damaged calls.
    #[test]
    fn probes_are_final(
        at in 0usize..60,
        value in any::<u8>(),
        from_start in any::<bool>(),
        other in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let mut bytes = record(&hex(MNT), 1 << 20);
        bytes[at] = value;
        for protocol in ALL {
            let mut last = Probe::Maybe;
            for cut in 0..=bytes.len() {
                let known = other.get(..cut / 2).unwrap_or(&other);
                let seen = Seen { from_start, ..seen(Transport::Tcp, &bytes[..cut], known) };
                let now = protocol.probe(&seen);
                if matches!(last, Probe::No | Probe::Certain) {
                    prop_assert_eq!(now, last);
                }
                last = now;
            }
        }
    }

    /// Damaged streams, cut at random: no panic, and nothing depends on the cuts.
    #[test]
    fn damaged_streams(
        damage in prop::collection::vec((0usize..6, 0usize..900, any::<u8>()), 0..4),
        size in 1usize..200,
        from_start in any::<bool>(),
    ) {
        let mut flow = reading_flow(1500, 700, 333);
        for (piece, at, value) in damage {
            let count = flow.pieces.len();
            if let Some(byte) = flow.pieces[piece % count].1.get_mut(at) {
                *byte = value;
            }
        }
        let start = Start { from_start, ..start(Transport::Tcp) };
        let whole = drive(&Nfs, &start, &flow.pieces());
        let cut: Vec<Piece<'_>> = flow
            .pieces
            .iter()
            .flat_map(|(side, bytes)| bytes.chunks(size).map(|part| Piece::Bytes(*side, part)))
            .collect();
        let driven = drive(&Nfs, &start, &cut);
        prop_assert_eq!(without_places(&driven.said), without_places(&whole.said));
    }

    #[test]
    fn any_bytes(
        pieces in prop::collection::vec(
            (any::<bool>(), 0u32..4, prop::collection::vec(any::<u8>(), 0..300)),
            0..20,
        ),
        tcp in any::<bool>(),
        version in 2u32..5,
        procedure in 0u32..22,
    ) {
        // Real headers before random arguments and results.
        let messages: Vec<(Direction, Vec<u8>)> = pieces
            .into_iter()
            .map(|(question, xid, rest)| {
                let procedure = if version == 4 { 1 } else { procedure };
                let (side, header) = if question {
                    (FromOriginator, call(xid, version, procedure, &[]))
                } else {
                    (FromResponder, reply(xid, &[]))
                };
                let message = [header, rest].concat();
                (side, if tcp { record(&message, 90) } else { message })
            })
            .collect();
        let pieces: Vec<Piece<'_>> =
            messages.iter().map(|(side, bytes)| Piece::Bytes(*side, bytes)).collect();
        let transport = if tcp { Transport::Tcp } else { Transport::Udp };
        drive(&Nfs, &start(transport), &pieces);
    }
}
