//! Patients are taken out of packets: bytes, lengths, checksums, copies, pieces.

use auscult_evidence::{Change, Frame, Pseudonyms, mask};
use auscult_model::{FileIndex, LinkType, Marks, PacketRef, PhiKind, PhiRange, Timestamp};
use auscult_packet::checksum::{fold, words};

const PAYLOAD: u32 = 54;

fn packet(number: u64) -> PacketRef {
    PacketRef {
        file: FileIndex(0),
        number,
    }
}

/// Ethernet, IPv4, TCP with a right checksum.
fn segment(number: u64, payload: &[u8]) -> Frame {
    let mut data = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0];
    data.extend((40 + payload.len() as u16).to_be_bytes());
    data.extend([0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    data.extend([
        4, 0, 2, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 24, 16, 0, 0, 0, 0, 0,
    ]);
    data.extend(payload);
    let sum = !(tcp_sum(&data) as u16);
    data[50..52].copy_from_slice(&sum.to_be_bytes());
    Frame {
        packet: packet(number),
        time: Timestamp(number as i64),
        interface: 0,
        link: LinkType::ETHERNET,
        original: data.len() as u32,
        data,
    }
}

/// The folded sum over pseudo header and segment: 0xffff when the checksum is right.
fn tcp_sum(frame: &[u8]) -> u64 {
    let length = (frame.len() - 34) as u64;
    fold(words(&frame[26..34]) + 6 + length + words(&frame[34..]))
}

fn range(number: u64, from: u32, to: u32) -> PhiRange {
    PhiRange {
        packet: packet(number),
        bytes: PAYLOAD + from..PAYLOAD + to,
        kind: PhiKind::Name,
    }
}

fn masked(frames: &mut [Frame], marks: &Marks) -> Vec<Change> {
    mask(frames, marks, &Pseudonyms::new([9; 32]))
}

fn payload(frame: &Frame) -> &[u8] {
    &frame.data[PAYLOAD as usize..]
}

#[test]
fn values_are_replaced_and_checksums_follow() {
    let mut frames = [
        segment(1, b"PID|1|INVENTA^ROSA|x"),
        segment(2, b"PID|1|INVENTA^ROSA|x"),
    ];
    // The second was wrong before, as captures of a sending machine are.
    frames[1].data[50] ^= 0x55;
    let before = tcp_sum(&frames[1].data);
    let marks = Marks {
        patient: vec![vec![range(1, 6, 18)], vec![range(2, 6, 18)]],
        read: [packet(1), packet(2)].into(),
        ..Marks::default()
    };
    let changes = masked(&mut frames, &marks);
    for frame in &frames {
        assert!(payload(frame).starts_with(b"PID|1|") && payload(frame).ends_with(b"|x"));
        assert_eq!(payload(frame)[13], b'^');
        assert!(!payload(frame).windows(7).any(|text| text == b"INVENTA"));
    }
    assert_eq!(
        payload(&frames[0]),
        payload(&frames[1]),
        "the same word, the same pseudonym"
    );
    assert_eq!(tcp_sum(&frames[0].data), 0xffff);
    assert_eq!(tcp_sum(&frames[1].data), before, "as wrong as it was");
    assert_eq!(
        (changes[0].masked.len(), &changes[0].checksums[..]),
        (1, &[50][..])
    );
}

#[test]
fn what_nobody_read_ends_at_its_headers() {
    let mut frames = [segment(1, b"who knows what this is"), segment(2, b"")];
    let length = frames[0].original;
    let changes = masked(&mut frames, &Marks::default());
    assert_eq!(frames[0].data.len(), PAYLOAD as usize);
    assert_eq!(frames[0].original, length, "the length on the wire stays");
    assert_eq!(
        (changes[0].cut_at, changes[1].cut_at),
        (Some(PAYLOAD), None)
    );
}

#[test]
fn a_copy_of_what_was_read_is_masked_like_it() {
    let mut frames = [segment(1, b"name=INVENTA;"), segment(2, b"name=INVENTA;")];
    // Another router passed it on.
    frames[1].data[22] -= 1;
    let marks = Marks {
        patient: vec![vec![range(1, 5, 12)]],
        read: [packet(1)].into(),
        ..Marks::default()
    };
    let changes = masked(&mut frames, &marks);
    assert_eq!(changes[1].cut_at, None);
    assert_eq!(payload(&frames[0]), payload(&frames[1]));
    assert_ne!(payload(&frames[0]), b"name=INVENTA;");
}

#[test]
fn a_value_that_goes_on_in_the_next_packet_has_one_pseudonym() {
    let mut frames = [
        segment(1, b"name=INV"),
        segment(2, b"ENTA;"),
        segment(3, b"name=INVENTA;"),
    ];
    let marks = Marks {
        patient: vec![vec![range(1, 5, 8), range(2, 0, 4)], vec![range(3, 5, 12)]],
        read: [packet(1), packet(2), packet(3)].into(),
        ..Marks::default()
    };
    masked(&mut frames, &marks);
    let joined = [&payload(&frames[0])[5..], &payload(&frames[1])[..4]].concat();
    assert_eq!(joined, payload(&frames[2])[5..12]);
}

#[test]
fn words_recur_and_secrets_do_not_show() {
    let mut frames = [
        segment(1, b"GET /scan/inventa.pdf HTTP/1.1"),
        segment(2, b"PASS geheim\r\n"),
    ];
    let secret = PAYLOAD + 5..PAYLOAD + 11;
    let marks = Marks {
        read: [packet(1), packet(2)].into(),
        unread: [(packet(2), vec![secret])].into(),
        words: vec!["inventa".to_owned()],
        ..Marks::default()
    };
    masked(&mut frames, &marks);
    assert!(
        !payload(&frames[0])
            .windows(7)
            .any(|text| text == b"inventa")
    );
    assert!(payload(&frames[0]).starts_with(b"GET /scan/"));
    assert_eq!(payload(&frames[1]), b"PASS xxxxxx\r\n");
    assert!(frames.iter().all(|frame| tcp_sum(&frame.data) == 0xffff));
}

#[test]
fn when_not_all_words_are_known_only_what_names_its_bytes_stays() {
    let mut frames = [
        segment(1, b"GET /scan/who.pdf"),
        segment(2, b"name=INVENTA;"),
    ];
    let marks = Marks {
        patient: vec![vec![range(2, 5, 12)]],
        read: [packet(1), packet(2)].into(),
        words_missing: true,
        ..Marks::default()
    };
    let changes = masked(&mut frames, &marks);
    assert_eq!(
        (changes[0].cut_at, changes[1].cut_at),
        (Some(PAYLOAD), None)
    );
}

#[test]
fn padding_and_bytes_behind_a_packet_are_zero() {
    let mut frame = segment(1, b"");
    frame.data.extend(b"memory of the card");
    frame.original = frame.data.len() as u32;
    let mut frames = [frame];
    masked(&mut frames, &Marks::default());
    assert_eq!(payload(&frames[0]), [0; 18]);
}

/// A datagram in two fragments: the checksum in the first follows what changed in the second.
#[test]
fn the_checksum_of_a_datagram_in_fragments_follows() {
    let text = b"12345678name=INVENTA;";
    let mut udp = vec![4, 0, 4, 1, 0, (8 + text.len()) as u8, 0, 0];
    udp.extend(text);
    let pseudo = [10, 0, 0, 1, 10, 0, 0, 2, 0, 17, 0, udp.len() as u8];
    let sum = !(fold(words(&pseudo) + words(&udp)) as u16);
    udp[6..8].copy_from_slice(&sum.to_be_bytes());
    let piece = |number: u64, flags: [u8; 2], part: &[u8]| {
        let mut frame = segment(number, b"");
        frame.data.truncate(14);
        frame.data.extend([
            0x45,
            0,
            0,
            (20 + part.len()) as u8,
            0,
            7,
            flags[0],
            flags[1],
        ]);
        frame.data.extend([64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
        frame.data.extend(part);
        frame.original = frame.data.len() as u32;
        frame
    };
    let mut frames = [
        piece(1, [0x20, 0], &udp[..16]),
        piece(2, [0, 2], &udp[16..]),
    ];
    let name = PhiRange {
        packet: packet(2),
        bytes: 34 + 5..34 + 12,
        kind: PhiKind::Name,
    };
    let marks = Marks {
        patient: vec![vec![name]],
        read: [packet(1), packet(2)].into(),
        ..Marks::default()
    };
    let changes = masked(&mut frames, &marks);
    assert_eq!(changes[0].checksums, [40]);
    let whole = [&frames[0].data[34..], &frames[1].data[34..]].concat();
    assert!(!whole.windows(7).any(|text| text == b"INVENTA"));
    assert_eq!(fold(words(&pseudo) + words(&whole)), 0xffff);
}
