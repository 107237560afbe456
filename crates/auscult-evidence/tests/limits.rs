//! What is kept of captures and read of bundles ends at its bounds, and says so.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::collections::BTreeSet;
use std::io::{Cursor, Write};

use auscult_evidence::{BOUNDS, Fault, Level, Selection, Selector, Subject, Taken, open};
use auscult_model::{FileIndex, LinkType, PacketRef, Timestamp};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// A frame of a connection between 10.0.0.1 and 10.0.0.2 (Ethernet, IPv4, TCP).
fn segment(flags: u8, payload: usize) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0];
    let length = (40 + payload) as u16;
    frame.extend([0x45, 0]);
    frame.extend(length.to_be_bytes());
    frame.extend([0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    frame.extend([
        4, 0, 2, 3, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, flags, 16, 0, 0, 0, 0, 0,
    ]);
    frame.resize(frame.len() + payload, b'a');
    frame
}

const SYN: u8 = 2;
const ACK: u8 = 16;

/// A connection of so many packets, of which the last is named.
fn selection(count: u64, payload: usize, most: Level) -> Selection {
    let packet = |number| PacketRef {
        file: FileIndex(0),
        number,
    };
    let subject = Subject {
        devices: BTreeSet::from(["10.0.0.1".parse().unwrap()]),
        peers: BTreeSet::from(["10.0.0.2".parse().unwrap()]),
        ..Subject::default()
    };
    let mut selector = Selector::new(BTreeSet::from([packet(count)]), subject, most);
    let (first, other) = (segment(SYN, 0), segment(ACK, payload));
    selector.locate(LinkType::ETHERNET, &other, other.len() as u32);
    for number in 1..=count {
        let data = if number == 1 { &first } else { &other };
        selector.offer(&Taken {
            packet: packet(number),
            time: Timestamp(number as i64),
            interface: 0,
            link: LinkType::ETHERNET,
            original: data.len() as u32,
            data,
        });
    }
    selector.finish()
}

fn bound(name: &str) -> u64 {
    BOUNDS
        .iter()
        .find(|bound| bound.name == name)
        .unwrap()
        .default
}

/// Whether a selection says that a bound was reached.
fn reached(name: &str, selection: &Selection) -> bool {
    selection.reached.contains(name)
}

/// Whether a fault names a bound.
fn reached_by(name: &str, fault: &Fault) -> bool {
    fault.to_string().contains(name)
}

#[test]
fn of_a_long_connection_the_beginning_is_kept() {
    let few = selection(100, 1, Level::Opening);
    // The opening, and the named packet.
    let limit = |name| bound(name) as usize + 1;
    assert_eq!(few.packets.len(), limit("evidence-opening"));
    let most = bound("evidence-connection");
    let whole = selection(most + 10, 1, Level::Connection);
    assert!(reached("evidence-connection", &whole));
    assert_eq!(whole.packets.len() as u64, most + 1, "and the named packet");
    assert!(!reached("evidence-connection", &few));
}

#[test]
fn no_more_packets_and_bytes_than_there_is_room_for() {
    let most = bound("evidence-packets");
    let many = selection(most + 5, 1, Level::Pair);
    assert!(reached("evidence-packets", &many) && many.dropped >= 5);
    assert_eq!(many.packets.len() as u64, most);
    let large = selection(bound("evidence-bytes") / 9000 + 5, 9000, Level::Pair);
    assert!(reached("evidence-bytes", &large) && large.dropped > 0);
}

fn zip_of(members: &[(String, Vec<u8>)], method: CompressionMethod) -> Vec<u8> {
    let options = SimpleFileOptions::default().compression_method(method);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        zip.start_file(name.as_str(), options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn fault(members: &[(String, Vec<u8>)], method: CompressionMethod) -> Fault {
    open(&zip_of(members, method), None).unwrap_err()
}

#[test]
fn bundles_that_are_too_large_are_not_read() {
    let stored = CompressionMethod::Stored;
    let many = (0..=bound("evidence-members")).map(|number| (number.to_string(), Vec::new()));
    let many: Vec<(String, Vec<u8>)> = many.collect();
    assert!(reached_by("evidence-members", &fault(&many, stored)));
    let size = bound("evidence-member-bytes") as usize + 1;
    let large = [("facts.json".to_owned(), vec![b'0'; size])];
    assert!(reached_by("evidence-member-bytes", &fault(&large, stored)));
    let bomb = [("facts.json".to_owned(), vec![b'0'; 1 << 20])];
    let fault = fault(&bomb, CompressionMethod::Deflated);
    assert!(reached_by("evidence-expansion", &fault), "{fault}");
    assert!(fault.to_string().starts_with("facts.json"), "{fault}");
}
