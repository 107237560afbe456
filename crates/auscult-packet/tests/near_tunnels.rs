//! Ordinary datagrams on the ports of tunnels are no tunnels; what lies in true ones is found at
//! its place in the original frame; frames of IEEE 802.2 are told apart by their headers.

use auscult_model::LinkType;
use auscult_packet::{Layers, Network, StopReason, Tunnel, decode};

const PORTS: [u16; 8] = [2152, 3544, 4789, 4790, 5247, 6081, 8472, 37008];

/// The payload of the innermost datagram.
const MARK: &[u8] = b"a patient's name would stand here";

fn udp(src: u16, dst: u16, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() + 8) as u16;
    let mut bytes = [src, dst, length, 0].map(u16::to_be_bytes).concat();
    bytes.extend(payload);
    bytes
}

fn ipv4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x45, 0];
    bytes.extend(((payload.len() + 20) as u16).to_be_bytes());
    bytes.extend([0, 1, 0, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    bytes.extend(payload);
    bytes
}

/// From a link-local address to another.
fn ipv6(payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x60, 0, 0, 0];
    bytes.extend((payload.len() as u16).to_be_bytes());
    bytes.extend([17, 64]);
    for last in [1, 2] {
        bytes.extend([0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]);
    }
    bytes.extend(payload);
    bytes
}

fn ethernet(ethertype: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0x1b, 0x21, 0, 0, 1, 0, 0x1b, 0x21, 0, 0, 2];
    bytes.extend(ethertype.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// A datagram to a port, in a frame.
fn sent(port: u16, payload: &[u8]) -> Vec<u8> {
    ethernet(0x0800, &ipv4(17, &udp(40_000, port, payload)))
}

fn layers(frame: &[u8]) -> Layers {
    decode(LinkType::ETHERNET, frame, frame.len() as u32)
}

fn tunnel(port: u16, payload: &[u8]) -> Option<Tunnel> {
    let frame = sent(port, payload);
    layers(&frame)
        .carried(&frame)
        .map(|carried| carried.tunnel())
}

/// Headers of each tunnel over UDP with the packet in it.
fn tunnels() -> Vec<(Tunnel, u16, Vec<u8>)> {
    let datagram = ipv4(17, &udp(50_000, 50_001, MARK));
    let frame = ethernet(0x0800, &datagram);
    let of = |head: &[u8], rest: &[u8]| [head, rest].concat();
    let length = (datagram.len() as u16).to_be_bytes();
    let with_extension = (datagram.len() as u16 + 8).to_be_bytes();
    vec![
        (Tunnel::Vxlan, 4789, of(&[8, 0, 0, 0, 0, 0, 7, 0], &frame)),
        (Tunnel::Vxlan, 8472, of(&[8, 0, 0, 0, 0, 0, 7, 0], &frame)),
        (
            Tunnel::Vxlan,
            4790,
            of(&[12, 0, 0, 1, 0, 0, 7, 0], &datagram),
        ),
        (
            Tunnel::Geneve,
            6081,
            of(&[0, 0, 0x65, 0x58, 0, 0, 7, 0], &frame),
        ),
        (
            Tunnel::Geneve,
            6081,
            of(&[1, 0, 0x08, 0, 0, 0, 7, 0, 1, 2, 3, 0], &datagram),
        ),
        (
            Tunnel::GtpU,
            2152,
            of(&[0x30, 255, length[0], length[1], 0, 0, 0, 9], &datagram),
        ),
        (
            Tunnel::GtpU,
            2152,
            of(
                &[
                    0x34,
                    255,
                    with_extension[0],
                    with_extension[1],
                    0,
                    0,
                    0,
                    9,
                    0,
                    0,
                    0,
                    0x85,
                    1,
                    0,
                    1,
                    0,
                ],
                &datagram,
            ),
        ),
        (Tunnel::Tzsp, 37008, of(&[1, 0, 0, 1, 10, 1, 0, 1], &frame)),
        (
            Tunnel::Capwap,
            5247,
            of(&[0, 0x10, 0, 0, 0, 0, 0, 0], &frame),
        ),
        (Tunnel::Teredo, 3544, ipv6(&udp(50_000, 50_001, MARK))),
    ]
}

#[test]
fn what_lies_in_a_tunnel_is_found_at_its_place_in_the_frame() {
    for (name, port, payload) in tunnels() {
        let frame = sent(port, &payload);
        let outer = layers(&frame);
        let carried = outer
            .carried(&frame)
            .unwrap_or_else(|| panic!("{name:?} is opened"));
        assert_eq!(carried.tunnel(), name);
        let inner = carried.decode(&frame, &outer);
        assert_eq!(inner.ports(), Some((50_000, 50_001)), "{name:?}");
        let at = frame.len() - MARK.len();
        assert_eq!(inner.payload.start as usize, at, "{name:?}");
        assert_eq!(inner.payload_of(&frame), MARK, "{name:?}");
        // Two tunnels around it: still the bytes of the outermost frame.
        let twice = sent(4789, &[&[8, 0, 0, 0, 0, 0, 9, 0][..], &frame].concat());
        let mut layers = layers(&twice);
        for _ in 0..2 {
            layers = layers
                .carried(&twice)
                .expect("two tunnels")
                .decode(&twice, &layers);
        }
        assert_eq!(layers.payload_of(&twice), MARK, "{name:?}");
        assert_eq!(layers.payload.end as usize, twice.len());
    }
}

#[test]
fn ordinary_datagrams_on_the_ports_of_tunnels_are_not_opened() {
    let query = [
        &[0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0][..],
        b"\x03www\x07example\x03com\0\0\x01\0\x01",
    ]
    .concat();
    let rtp = [&[0x80, 0, 0, 1, 0, 0, 0, 160, 1, 2, 3, 4][..], &[0xd5; 160]].concat();
    let ordinary: [&[u8]; 9] = [
        b"",
        b"\x00",
        &[0; 60],
        &[0xff; 60],
        b"OPTIONS sip:ward@10.0.0.9 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1\r\n\r\n",
        b"<134>Jan 31 08:00:00 gateway: a line of a log that says nothing",
        &query,
        &rtp,
        MARK,
    ];
    for port in PORTS {
        for payload in ordinary {
            assert_eq!(tunnel(port, payload), None, "{port} {payload:?}");
        }
    }
}

#[test]
fn random_datagrams_on_the_ports_of_tunnels_are_not_opened() {
    let mut state = 7_u64;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as u8
    };
    for port in PORTS {
        for length in (0..20_000).map(|n| n % 120) {
            let payload: Vec<u8> = (0..length).map(|_| next()).collect();
            assert_eq!(tunnel(port, &payload), None, "{port} {payload:02x?}");
        }
    }
}

/// Each of these bytes of a tunnel's header, changed, makes it an ordinary datagram.
#[test]
fn near_misses_of_each_header() {
    let changes: &[&[(usize, u8)]] = &[
        &[(0, 0), (0, 9), (1, 1), (7, 1)],
        &[(0, 0), (7, 1)],
        &[(0, 8), (3, 9), (7, 1), (8, 0x35)],
        &[(0, 0x40), (1, 1), (2, 0x66), (7, 1)],
        &[(0, 2), (3, 1), (12, 0x75)],
        &[(0, 0x20), (0, 0x50), (1, 254), (3, 1), (8, 0x35)],
        &[(0, 0x20), (3, 1), (12, 0)],
        &[(0, 2), (1, 5), (3, 9), (7, 99)],
        &[(0, 2), (1, 0), (3, 1), (7, 8)],
        &[(0, 0x70), (4, 0x7f), (8, 0x20)],
    ];
    for ((name, port, payload), changes) in tunnels().into_iter().zip(changes) {
        assert_eq!(tunnel(port, &payload), Some(name));
        for (at, byte) in *changes {
            let mut changed = payload.clone();
            changed[*at] = *byte;
            if name == Tunnel::Teredo && *at == 8 {
                // Neither address is of Teredo or of the link.
                changed[24] = 0x20;
            }
            assert_eq!(tunnel(port, &changed), None, "{name:?}: {byte} at {at}");
        }
        // One byte short of its inner header.
        assert_eq!(tunnel(port, &payload[..8]), None, "{name:?}");
    }
}

/// A frame whose third field is a length (IEEE 802.3).
fn of_length(llc: &[u8], packet: &[u8]) -> Layers {
    let payload = [llc, packet].concat();
    let mut frame = ethernet(payload.len() as u16, &payload);
    // Padding that is no payload.
    frame.extend([0xee; 10]);
    layers(&frame)
}

#[test]
fn logical_link_control() {
    let packet = ipv4(17, &udp(50_000, 50_001, MARK));
    let headers: [&[u8]; 3] = [
        &[0xaa, 0xaa, 3, 0, 0, 0, 8, 0],
        &[0xaa, 0xaa, 3, 0, 0, 0xf8, 8, 0],
        &[6, 6, 3],
    ];
    for llc in headers {
        let layers = of_length(llc, &packet);
        assert_eq!(layers.network, Network::Ipv4, "{llc:02x?}");
        assert_eq!(layers.payload_on_wire as usize, MARK.len());
        assert_eq!(layers.stop, None);
    }
    // Others' protocols in SNAP, another control field, spanning tree, NetWare, a null SAP.
    let others: [&[u8]; 5] = [
        &[0xaa, 0xaa, 3, 0, 0, 0x0c, 0x20, 0],
        &[0xaa, 0xaa, 0, 0, 0, 0, 8, 0],
        &[0x42, 0x42, 3],
        &[0xff, 0xff],
        &[0, 0, 3],
    ];
    for llc in others {
        let layers = of_length(llc, &packet);
        assert_eq!(layers.network, Network::None, "{llc:02x?}");
        assert_eq!(
            layers.stop.map(|stop| stop.why),
            Some(StopReason::EtherType)
        );
    }
}
