//! Every link header in front of the same packet: what it carries is read the same, goes to the
//! same shard, and offsets are those of the frame. The headers are written out by hand from the
//! registry of link types and IEEE 802.11.

use auscult_model::{LinkType, MacAddr};
use auscult_packet::{
    Layers, Network, StopReason, Transport, decode, decode_part_into, dispatch, dispatch_key,
    dispatch_part, further_parts,
};

/// 10.0.0.1:4660 → 10.0.0.2:53 over UDP, four bytes.
const IP: [u8; 32] = [
    0x45, 0, 0, 32, 0, 1, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, // IPv4
    0x12, 0x34, 0, 53, 0, 12, 0, 0, b'w', b'a', b'r', b'd',
];
const SNAP: [u8; 8] = [0xaa, 0xaa, 3, 0, 0, 0, 8, 0];
const AP: [u8; 6] = [2, 0, 0, 0, 0, 0xa0];
const STATION: [u8; 6] = [2, 0, 0, 0, 0, 1];
const SERVER: [u8; 6] = [2, 0, 0, 0, 0, 2];
const RELAY: [u8; 6] = [2, 0, 0, 0, 0, 0xa1];

fn read(link: u16, frame: &[u8]) -> Layers {
    let layers = decode(LinkType(link), frame, frame.len() as u32);
    for len in 0..frame.len() {
        let cut = frame.get(..len).expect("shorter");
        let part = decode(LinkType(link), cut, frame.len() as u32);
        assert!(part.stop.is_none_or(|stop| stop.at as usize <= len));
        assert!(part.payload.end as usize <= len, "{part:?}");
        dispatch(LinkType(link), cut, frame.len() as u32);
        assert!(further_parts(LinkType(link), cut).count() <= len);
    }
    layers
}

fn is_the_packet(link: u16, frame: &[u8]) -> Layers {
    let layers = read(link, frame);
    assert_eq!(layers.stop, None, "link {link}: {layers:?}");
    assert_eq!(layers.network, Network::Ipv4, "link {link}");
    assert_eq!(layers.ports(), Some((0x1234, 53)), "link {link}");
    assert_eq!(layers.payload_of(frame), b"ward", "link {link}");
    let key = dispatch_key(LinkType::RAW, &IP);
    assert_eq!(dispatch_key(LinkType(link), frame), key, "link {link}");
    layers
}

fn with(header: &[u8]) -> Vec<u8> {
    [header, &IP].concat()
}

#[test]
fn headers_of_lines() {
    let mut relay_snap = vec![0x18, 0x41, 3, 0, 0x80, 0, 0, 0, 8, 0];
    relay_snap.extend(IP);
    let mut ring = vec![0x10, 0x40];
    ring.extend([[0xff; 6], [0x82, 0, 0, 0, 0, 1]].concat());
    ring.extend([6, 0x30, 0, 1, 0, 2]);
    ring.extend(SNAP);
    let fddi = [&[0x57][..], &AP, &STATION, &SNAP].concat();
    let ethernet = [&SERVER[..], &STATION, &[8, 0]].concat();
    let rows: Vec<(u16, Vec<u8>)> = vec![
        (0, vec![2, 0, 0, 0]),
        (0, vec![0, 0, 0, 2]),
        (108, vec![0, 0, 0, 2]),
        (9, vec![0xff, 3, 0, 0x21]),
        (9, vec![0, 0x21]),
        (9, vec![0x21]),
        (9, vec![0xff, 3, 0x21]),
        (50, vec![0xff, 3, 0, 0x21]),
        (50, vec![0x0f, 0, 8, 0]),
        (51, vec![0x11, 0, 0, 1, 0, 34, 0, 0x21]),
        (166, vec![1, 3, 0, 0x21]),
        (204, vec![1, 0xff, 3, 0, 0x21]),
        (104, vec![0x8f, 0, 8, 0]),
        (205, vec![0, 0x0f, 0, 8, 0]),
        (107, vec![0x18, 0x41, 3, 0xcc]),
        (107, vec![0x18, 0x41, 8, 0]),
        (206, vec![0, 0x18, 0x41, 3, 0xcc]),
        (107, relay_snap.get(..10).expect("long").to_vec()),
        (8, vec![0; 16]),
        (100, SNAP.to_vec()),
        (122, [&[0; 16][..], &SNAP].concat()),
        (10, fddi),
        (6, ring),
        (
            274,
            [
                &[0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0xd5][..],
                &ethernet,
            ]
            .concat(),
        ),
        (226, vec![0; 24]),
        (109, vec![2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        (117, [&[61, 2, 0, 0][..], &[0; 60]].concat()),
        (101, Vec::new()),
        (12, Vec::new()),
        (228, Vec::new()),
    ];
    for (link, header) in rows {
        let layers = is_the_packet(link, &with(&header));
        assert_eq!(layers.ip_start as usize, header.len(), "link {link}");
    }
}

/// Netfilter's log in both byte orders, with the sender's address in front of the packet.
#[test]
fn fields_of_nflog() {
    for little in [true, false] {
        let number = |n: u16| {
            if little {
                n.to_le_bytes()
            } else {
                n.to_be_bytes()
            }
        };
        let field = |kind: u16, value: &[u8]| {
            let mut field = [number(4 + value.len() as u16), number(kind)].concat();
            field.extend(value);
            field.resize(field.len().next_multiple_of(4), 0);
            field
        };
        let address = [&[0, 6, 0, 0][..], &STATION, &[0, 0]].concat();
        let frame = [
            vec![2, 0, 0, 5],
            field(1, &[8, 0, 1, 0]),
            field(10, b"ward\0"),
            field(8, &address),
            field(9, &IP),
        ]
        .concat();
        assert_eq!(is_the_packet(239, &frame).src_mac, Some(MacAddr(STATION)));
    }
}

#[test]
fn headers_around_headers() {
    let ethernet = [&SERVER[..], &STATION, &[8, 0], &IP].concat();
    let pktap = |inner: u8, frame: &[u8]| {
        let mut header = vec![0; 108];
        header.splice(0..12, [108, 0, 0, 0, 1, 0, 0, 0, inner, 0, 0, 0]);
        header.extend(frame);
        header
    };
    for link in [258, 149] {
        let layers = is_the_packet(link, &pktap(1, &ethernet));
        assert_eq!(layers.src_mac, Some(MacAddr(STATION)));
        assert_eq!(layers.dst_mac, Some(MacAddr(SERVER)));
        is_the_packet(link, &pktap(101, &IP));
    }
    let ppi = [&[0, 0, 8, 0, 1, 0, 0, 0][..], &ethernet].concat();
    is_the_packet(192, &ppi);
    // A header that names itself ends.
    let mut endless = Vec::new();
    for _ in 0..8 {
        endless.extend([8, 0, 0, 0, 1, 0, 0, 0, 2, 1, 0, 0]);
    }
    assert!(read(258, &endless).stop.is_some());
}

/// Frame control, duration, three addresses, sequence control.
fn radio(kind: u8, flags: u8, addresses: [[u8; 6]; 3]) -> Vec<u8> {
    let mut frame = vec![kind, flags, 0, 0];
    frame.extend(addresses.concat());
    frame.extend([0, 0]);
    frame
}

#[test]
fn directions_of_wireless_frames() {
    let to_ds = radio(8, 1, [AP, STATION, SERVER]);
    let from_ds = radio(8, 2, [SERVER, AP, STATION]);
    let direct = radio(8, 0, [SERVER, STATION, AP]);
    let mut relayed = radio(8, 3, [RELAY, AP, SERVER]);
    relayed.extend(STATION);
    let mut quality = radio(0x88, 1, [AP, STATION, SERVER]);
    quality.extend([0, 0]);
    let mut high_throughput = radio(0x88, 0x81, [AP, STATION, SERVER]);
    high_throughput.extend([0, 0, 1, 2, 3, 4]);
    let mut mesh = radio(0x88, 3, [RELAY, AP, SERVER]);
    mesh.extend(STATION);
    mesh.extend([0, 1, 0, 31, 1, 0, 0, 0]);
    for header in [
        to_ds,
        from_ds,
        direct,
        relayed,
        quality,
        high_throughput,
        mesh,
    ] {
        let layers = is_the_packet(105, &[&header[..], &SNAP, &IP].concat());
        assert_eq!(layers.src_mac, Some(MacAddr(STATION)), "{header:x?}");
        assert_eq!(layers.dst_mac, Some(MacAddr(SERVER)), "{header:x?}");
    }
}

#[test]
fn what_receivers_put_in_front() {
    let plain = [&radio(8, 1, [AP, STATION, SERVER])[..], &SNAP, &IP].concat();
    let mut padded = radio(0x88, 1, [AP, STATION, SERVER]);
    padded.extend([0, 0, 0, 0]);
    let padded = [&padded[..], &SNAP, &IP].concat();
    let mut checked = plain.clone();
    checked.extend([1, 2, 3, 4]);
    // A time of eight bytes stands before the flags; a second word of presence moves both.
    let flags = |flags: u8| [vec![0, 0, 17, 0, 3, 0, 0, 0], vec![0; 8], vec![flags]].concat();
    let twice = [
        vec![0, 0, 25, 0, 3, 0, 0, 0x80, 0, 0, 0, 0],
        vec![0; 12],
        vec![0x10],
    ]
    .concat();
    let mut prism = vec![0x44, 0, 0, 0, 144, 0, 0, 0];
    prism.resize(144, 0);
    let mut avs = vec![0x80, 0x21, 0x10, 1, 0, 0, 0, 64];
    avs.resize(64, 0);
    let mut ppi = vec![0, 0, 32, 0, 105, 0, 0, 0, 2, 0, 20, 0];
    ppi.resize(20, 0);
    ppi.push(1);
    ppi.resize(32, 0);
    let rows: Vec<(u16, Vec<u8>)> = vec![
        (127, [&[0, 0, 8, 0, 0, 0, 0, 0][..], &plain].concat()),
        (127, [&flags(0)[..], &plain].concat()),
        (127, [&flags(0x10)[..], &checked].concat()),
        (127, [&flags(0x20)[..], &padded].concat()),
        (127, [&twice[..], &checked].concat()),
        (119, [&prism[..], &plain].concat()),
        (119, [&avs[..], &plain].concat()),
        (163, [&avs[..], &plain].concat()),
        (192, [&ppi[..], &checked].concat()),
    ];
    for (link, frame) in rows {
        is_the_packet(link, &frame);
    }
    let damaged = [&flags(0x40)[..], &plain].concat();
    let stop = read(127, &damaged).stop.expect("damaged");
    assert_eq!(stop.why, StopReason::Damaged);
}

/// A frame check sequence is no payload, where the IP header does not say where it ends.
#[test]
fn check_sequences_are_no_payload() {
    let mut endless = IP;
    endless[2..4].copy_from_slice(&[0, 0]);
    let frame = [
        &[0, 0, 9, 0, 2, 0, 0, 0, 0x10][..],
        &radio(8, 1, [AP, STATION, SERVER]),
        &SNAP,
        &endless,
        &[1, 2, 3, 4],
    ]
    .concat();
    let layers = read(127, &frame);
    assert_eq!(layers.ip_payload.of(&frame).len(), 12);
}

#[test]
fn encrypted_frames_and_those_that_only_say_so() {
    let header = radio(8, 0x41, [AP, STATION, SERVER]);
    let key = [1, 0, 0, 0x20, 0, 0, 0, 0];
    let secret = [&header[..], &key, &[0x5a; 40]].concat();
    let layers = read(105, &secret);
    assert_eq!(
        layers.stop.map(|stop| stop.why),
        Some(StopReason::Encrypted)
    );
    assert_eq!(layers.src_mac, Some(MacAddr(STATION)));
    assert_ne!(dispatch_key(LinkType(105), &secret), 0);
    // What was cut could have told that it is readable.
    for kept in header.len()..header.len() + 16 {
        let cut = decode(LinkType(105), &secret[..kept], secret.len() as u32);
        let why = cut.stop.map(|stop| stop.why);
        assert_eq!(why, Some(StopReason::CutByCapture), "{kept}");
    }
    for left in [0, 4, 8] {
        let key = key.get(..left).expect("short");
        is_the_packet(105, &[&header[..], key, &SNAP, &IP].concat());
    }
}

#[test]
fn what_is_no_packet() {
    let beacon = [&radio(0x80, 0, [[0xff; 6], AP, AP])[..], &[0; 12]].concat();
    let null = radio(0x48, 1, [AP, STATION, AP]);
    let quality_null = [&radio(0xc8, 1, [AP, STATION, AP])[..], &[0, 0]].concat();
    let acknowledgement = vec![0xd4, 0, 0, 0, 2, 0, 0, 0, 0, 1];
    for frame in [beacon, null, quality_null, acknowledgement] {
        let stop = read(105, &frame).stop.expect("no packet");
        assert_eq!(stop.why, StopReason::LinkOwn, "{frame:x?}");
        assert_eq!(stop.at, 0);
    }
    let keep_alive = [0x8f, 0, 0x80, 0x35, 0, 0, 0, 2];
    let negotiation = [0xff, 3, 0xc0, 0x21, 1, 1, 0, 4];
    for (link, frame) in [(104, keep_alive), (9, negotiation)] {
        let stop = read(link, &frame).stop.expect("no packet");
        assert_eq!(stop.why, StopReason::LinkOwn);
    }
    let mut later = radio(8, 1, [AP, STATION, SERVER]);
    later[22] = 1;
    let stop = read(105, &[&later[..], &SNAP, &IP].concat()).stop;
    assert_eq!(stop.map(|stop| stop.why), Some(StopReason::LinkFragment));
}

/// A packet of an aggregate: its own addresses, its length, padding to four bytes.
fn part(source: [u8; 6], packet: &[u8], last: bool) -> Vec<u8> {
    let mut part = [SERVER, source].concat();
    part.extend((packet.len() as u16 + 8).to_be_bytes());
    part.extend(SNAP);
    part.extend(packet);
    if !last {
        part.resize(part.len().next_multiple_of(4), 0);
    }
    part
}

#[test]
fn aggregates_are_taken_apart() {
    let mut other = IP;
    other[15] = 9;
    let mut header = radio(0x88, 1, [AP, STATION, AP]);
    header.extend([0x80, 0]);
    let frame = [
        header,
        part(STATION, &IP, false),
        part(RELAY, &other, false),
        part(STATION, &IP, true),
    ]
    .concat();
    is_the_packet(105, &frame);
    let parts: Vec<u32> = further_parts(LinkType(105), &frame).collect();
    assert_eq!(parts.len(), 2);
    let mut layers = Layers::new(LinkType(105));
    let second = *parts.first().expect("two");
    decode_part_into(&mut layers, LinkType(105), &frame, second);
    assert_eq!(layers.src.to_string(), "10.0.0.9");
    assert_eq!(layers.src_mac, Some(MacAddr(RELAY)));
    assert_eq!(layers.payload_of(&frame), b"ward");
    assert_eq!(
        dispatch_part(&frame, second),
        dispatch_key(LinkType::RAW, &other)
    );
    let third = *parts.get(1).expect("two");
    decode_part_into(&mut layers, LinkType(105), &frame, third);
    assert!(matches!(layers.transport, Transport::Udp(_)));
    assert_eq!(
        dispatch_part(&frame, third),
        dispatch_key(LinkType::RAW, &IP)
    );
    for at in 0..frame.len() as u32 + 4 {
        decode_part_into(&mut layers, LinkType(105), &frame, at);
        dispatch_part(&frame, at);
    }
}

/// With so many bytes kept, the frame is cut, not of another kind.
fn reads_as_cut(frame: &[u8], original: u32, kept: std::ops::Range<usize>) {
    for kept in kept {
        let layers = decode(LinkType::ETHERNET, &frame[..kept], original);
        let why = layers.stop.map(|stop| stop.why);
        assert_eq!(why, Some(StopReason::CutByCapture), "{kept}");
    }
}

/// An 802.3 frame that the capture cut inside its SNAP header is cut, not of another kind.
#[test]
fn a_cut_snap_header_is_cut() {
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0, 40];
    frame.extend([0xaa, 0xaa, 3, 0, 0, 0, 8, 0]);
    reads_as_cut(&frame, 54, 14..22);
}

/// A control word and the first bytes behind it look like a frame of length 0 when the rest of
/// the real one is cut.
#[test]
fn a_control_word_before_a_cut_frame_is_no_frame() {
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0x47];
    frame.extend([0, 0x12, 0x31, 64, 0, 0, 0, 0]);
    frame.extend([0, 0, 0, 2, 0x88, 0xa8, 0x30, 0, 0, 0, 0, 0, 8, 0]);
    frame.extend(IP);
    let original = frame.len() as u32;
    assert!(decode(LinkType::ETHERNET, &frame, original).is_ip());
    reads_as_cut(&frame, original, 20..62);
}

/// The first half of an IPv6 header under labels looks like a frame of length 0.
#[test]
fn a_cut_header_under_labels_is_no_frame() {
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0x47];
    frame.extend([0, 0x12, 0x31, 64, 0x60, 0, 0, 0, 0, 2, 59, 64]);
    frame.extend([0; 34]);
    let original = frame.len() as u32;
    assert!(decode(LinkType::ETHERNET, &frame, original).is_ip());
    reads_as_cut(&frame, original, 20..58);
}

/// Under labels a frame is told by its whole header: before it, the capture may have been cut.
#[test]
fn a_pseudowire_cut_before_its_header_is_cut() {
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0x47];
    frame.extend([0, 0x12, 0x31, 64]);
    // The second half of a frame's addresses has nothing by which to tell it.
    frame.extend([0x2c, 0, 0, 0, 0, 3, 2, 0, 0, 0, 0, 4, 8, 0]);
    frame.extend(IP);
    let original = frame.len() as u32;
    let whole = decode(LinkType::ETHERNET, &frame, original);
    assert!(whole.is_ip() && whole.stop.is_none(), "{whole:?}");
    reads_as_cut(&frame, original, 20..58);
}

/// Under labels a header may be read in two ways, told apart by the length on the wire: what
/// decoding takes for a fragment, dispatch takes for one.
#[test]
fn a_cut_fragment_under_labels_is_dispatched_as_one() {
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0x47];
    frame.extend([0, 0x12, 0x31, 64]);
    // 200 bytes of a fragmented datagram: as a frame, its protocol would be its type.
    frame.extend([
        0x45, 0, 0, 200, 0, 1, 0x20, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
    ]);
    let original = frame.len() as u32 + 180;
    frame.extend([0; 20]);
    let layers = decode(LinkType::ETHERNET, &frame, original);
    assert!(layers.fragment.is_some(), "{layers:?}");
    assert!(dispatch(LinkType::ETHERNET, &frame, original).fragment);
}
