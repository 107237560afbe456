//! What must hold for any bytes, and agreement with etherparse on well-formed packets.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod captures;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use auscult_model::LinkType;
use auscult_packet::{
    Layers, NeighbourMessage, Network, StopReason, Transport, decode, decode_ip, dispatch,
    dispatch_key, shard_of,
};
use captures::check_ranges;
use etherparse::{PacketBuilder, SlicedPacket, TcpOptionElement, TransportSlice, VlanId};
use proptest::prelude::*;

const LINKS: [u16; 34] = [
    0, 1, 6, 8, 9, 10, 12, 14, 50, 51, 100, 101, 104, 105, 107, 108, 109, 113, 117, 119, 122, 127,
    149, 163, 166, 192, 204, 206, 226, 228, 229, 239, 258, 276,
];

fn every_length(link: LinkType, frame: &[u8], original_len: u32) -> Layers {
    let whole = decode(link, frame, original_len);
    for len in 0..=frame.len() {
        let cut = &frame[..len];
        let layers = decode(link, cut, original_len);
        check_ranges(&layers, len);
        if layers.fragment.is_some() {
            assert!(dispatch(link, cut, original_len).fragment);
        }
        layers.quoted(cut);
        layers.neighbour_discovery(cut);
        // What a shorter cut shows is what the whole shows.
        if layers.is_ip() {
            assert_eq!((layers.src, layers.dst), (whole.src, whole.dst));
            assert_eq!(layers.vlan, whole.vlan);
        }
        if layers.transport != Transport::None && layers.stop.is_none() {
            assert_eq!(layers.transport, whole.transport);
            assert_eq!(layers.payload_on_wire, whole.payload_on_wire);
            assert_eq!(layers.payload.start, whole.payload.start);
        }
        if let (Some(stop), None) = (layers.stop, whole.stop) {
            assert_eq!(stop.why, StopReason::CutByCapture);
        }
    }
    whole
}

/// Addresses that IPv4 ICMP errors of the test come from.
const ROUTER: [u8; 4] = [10, 9, 8, 7];

#[derive(Clone, Debug)]
struct Packet {
    v6: bool,
    src: [u8; 16],
    dst: [u8; 16],
    ttl: u8,
    tags: Vec<u16>,
    tcp: bool,
    ports: (u16, u16),
    seq: u32,
    ack: u32,
    window: u16,
    flags: u8,
    mss: Option<u16>,
    scale: Option<u8>,
    timestamp: Option<(u32, u32)>,
    payload: Vec<u8>,
    padding: usize,
}

prop_compose! {
    fn packet()(
        (v6, tcp, ttl) in any::<(bool, bool, u8)>(), (src, dst) in any::<([u8; 16], [u8; 16])>(),
        tags in prop::collection::vec(0u16..4096, 0..3),
        (seq, ack, window, flags) in any::<(u32, u32, u16, u8)>(),
        ports in any::<(u16, u16)>(),
        (mss, scale, timestamp) in any::<(Option<u16>, Option<u8>, Option<(u32, u32)>)>(),
        payload in prop::collection::vec(any::<u8>(), 0..200), padding in 0usize..20,
    ) -> Packet {
        Packet {
            v6, src, dst, ttl, tags, tcp, ports, seq, ack, window, flags, mss, scale, timestamp,
            payload, padding,
        }
    }
}

impl Packet {
    fn v4(address: &[u8; 16]) -> [u8; 4] {
        [address[0], address[1], address[2], address[3]]
    }

    fn reversed(&self) -> Packet {
        let (src, dst) = (self.dst, self.src);
        let ports = (self.ports.1, self.ports.0);
        Packet {
            src,
            dst,
            ports,
            ..self.clone()
        }
    }

    fn options(&self) -> Vec<TcpOptionElement> {
        let mut options = Vec::new();
        options.extend(self.mss.map(TcpOptionElement::MaximumSegmentSize));
        options.extend(self.scale.map(TcpOptionElement::WindowScale));
        options.extend(
            self.timestamp
                .map(|(a, b)| TcpOptionElement::Timestamp(a, b)),
        );
        options
    }

    /// Ethernet to payload by etherparse, with padding behind.
    fn frame(&self) -> Vec<u8> {
        let link = PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]);
        let id = |at: usize| VlanId::try_new(self.tags[at]).unwrap();
        let (v4_src, v4_dst) = (Self::v4(&self.src), Self::v4(&self.dst));
        let network = match (self.tags.len(), self.v6) {
            (0, false) => link.ipv4(v4_src, v4_dst, self.ttl),
            (0, true) => link.ipv6(self.src, self.dst, self.ttl),
            (1, false) => link.single_vlan(id(0)).ipv4(v4_src, v4_dst, self.ttl),
            (1, true) => link.single_vlan(id(0)).ipv6(self.src, self.dst, self.ttl),
            (_, false) => link
                .double_vlan(id(0), id(1))
                .ipv4(v4_src, v4_dst, self.ttl),
            (_, true) => link
                .double_vlan(id(0), id(1))
                .ipv6(self.src, self.dst, self.ttl),
        };
        let mut frame = Vec::new();
        if self.tcp {
            let mut step = network
                .tcp(self.ports.0, self.ports.1, self.seq, self.window)
                .options(&self.options())
                .unwrap();
            if self.flags & 1 != 0 {
                step = step.ack(self.ack);
            }
            if self.flags & 2 != 0 {
                step = step.syn();
            }
            if self.flags & 4 != 0 {
                step = step.fin();
            }
            if self.flags & 8 != 0 {
                step = step.psh();
            }
            if self.flags & 16 != 0 {
                step = step.rst();
            }
            step.write(&mut frame, &self.payload).unwrap();
        } else {
            network
                .udp(self.ports.0, self.ports.1)
                .write(&mut frame, &self.payload)
                .unwrap();
        }
        frame.resize(frame.len() + self.padding, 0xee);
        frame
    }

    /// The IP packet alone.
    fn ip(&self) -> Vec<u8> {
        let frame = self.frame();
        frame[14 + 4 * self.tags.len()..frame.len() - self.padding].to_vec()
    }

    /// An ICMP error from elsewhere to the sender, quoting `len` bytes of this packet.
    fn error(&self, len: usize) -> Vec<u8> {
        let ip = self.ip();
        let quote = &ip[..ip.len().min(len)];
        let mut frame = Vec::new();
        let link = PacketBuilder::ethernet2([2, 0, 0, 0, 0, 9], [2, 0, 0, 0, 0, 1]);
        if self.v6 {
            let mut router = [0; 16];
            router[15] = 7;
            link.ipv6(router, self.src, 64)
                .icmpv6_raw(1, 4, [0; 4])
                .write(&mut frame, quote)
                .unwrap();
        } else {
            link.ipv4(ROUTER, Self::v4(&self.src), 64)
                .icmpv4_raw(3, 3, [0; 4])
                .write(&mut frame, quote)
                .unwrap();
        }
        frame
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_bytes(
        link in prop::sample::select(&LINKS[..]),
        bytes in prop::collection::vec(any::<u8>(), 0..160),
        more in 0u32..100,
    ) {
        let layers = decode(LinkType(link), &bytes, bytes.len() as u32 + more);
        check_ranges(&layers, bytes.len());
        layers.quoted(&bytes);
        layers.neighbour_discovery(&bytes);
        prop_assert!(shard_of(dispatch_key(LinkType(link), &bytes), 64) < 64);
    }

    /// Random bytes behind a plausible beginning get deeper.
    #[test]
    fn any_bytes_behind_ethertype(
        ethertype in prop::sample::select(&[0x0800u16, 0x86dd, 0x8100, 0x88a8, 0x0806, 40][..]),
        first: u8,
        protocol in prop::sample::select(&[0u8, 1, 6, 17, 43, 44, 51, 58, 59, 60, 132][..]),
        mut bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let version = if ethertype == 0x86dd { 0x60 } else { 0x40 };
        if bytes.len() > 10 {
            bytes[0] = version | (first & 0x0f);
            bytes[if version == 0x60 { 6 } else { 9 }] = protocol;
            bytes[2] = 0;
            bytes[4] = 0;
        }
        let mut frame = vec![0; 12];
        frame.extend(ethertype.to_be_bytes());
        frame.extend(bytes);
        let len = frame.len() as u32;
        every_length(LinkType::ETHERNET, &frame, len);
    }

    /// Options of any form end, and those after an odd one that is whole are still read.
    #[test]
    fn any_tcp_options(
        options in prop::collection::vec(
            prop_oneof![0u8..12, any::<u8>()], 40..=40),
        words in 0usize..=10,
    ) {
        let mut packet = vec![0x45, 0, 0, 0, 0, 0, 0, 0, 64, 6, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2];
        packet.extend([0, 1, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4]);
        packet.extend([(5 + words as u8) << 4, 2, 0, 5, 0, 0, 0, 0]);
        packet.extend(&options[..words * 4]);
        packet.push(0x77);
        let layers = decode_ip(&packet, packet.len() as u32);
        prop_assert_eq!(layers.payload_of(&packet), [0x77]);
        let Transport::Tcp(tcp) = layers.transport else { panic!("{layers:?}") };
        let known = etherparse::TcpOptionsIterator::from_slice(&options[..words * 4]);
        let (mut mss, mut scale, mut timestamp, mut sack) = (None, None, None, false);
        for option in known.map_while(Result::ok) {
            match option {
                TcpOptionElement::MaximumSegmentSize(value) => mss = Some(value),
                TcpOptionElement::WindowScale(value) => scale = Some(value),
                TcpOptionElement::Timestamp(a, b) => timestamp = Some((a, b)),
                TcpOptionElement::SelectiveAcknowledgementPermitted => sack = true,
                _ => {}
            }
        }
        // etherparse gives up at the first option that it does not know; ours goes on.
        prop_assert!(mss.is_none() || tcp.mss.is_some());
        prop_assert!(scale.is_none() || tcp.window_scale.is_some());
        prop_assert!(timestamp.is_none() || tcp.timestamp.is_some());
        prop_assert!(!sack || tcp.sack_permitted);
    }

    #[test]
    fn agrees_with_etherparse(packet in packet()) {
        let frame = packet.frame();
        let layers = every_length(LinkType::ETHERNET, &frame, frame.len() as u32);
        let sliced = SlicedPacket::from_ethernet(&frame).unwrap();
        prop_assert_eq!(layers.stop, None);
        let ids: Vec<u16> = packet.tags.iter().copied().filter(|&id| id != 0).collect();
        prop_assert_eq!(usize::from(layers.vlan_depth), ids.len());
        prop_assert!(layers.vlan.starts_with(&ids));
        prop_assert_eq!(layers.ttl, packet.ttl);
        let (src, dst): (IpAddr, IpAddr) = if packet.v6 {
            (Ipv6Addr::from(packet.src).into(), Ipv6Addr::from(packet.dst).into())
        } else {
            let (src, dst) = (Packet::v4(&packet.src), Packet::v4(&packet.dst));
            (Ipv4Addr::from(src).into(), Ipv4Addr::from(dst).into())
        };
        prop_assert_eq!((layers.src, layers.dst), (src, dst));
        prop_assert_eq!(layers.payload_of(&frame), &packet.payload[..]);
        prop_assert_eq!(layers.payload_on_wire as usize, packet.payload.len());
        match (layers.transport, sliced.transport.unwrap()) {
            (Transport::Tcp(ours), TransportSlice::Tcp(theirs)) => {
                prop_assert_eq!(ours.src_port, theirs.source_port());
                prop_assert_eq!(ours.dst_port, theirs.destination_port());
                prop_assert_eq!(ours.seq, theirs.sequence_number());
                prop_assert_eq!(ours.ack, theirs.acknowledgment_number());
                prop_assert_eq!(ours.flags.syn(), theirs.syn());
                prop_assert_eq!(ours.flags.ack(), theirs.ack());
                prop_assert_eq!(ours.flags.fin(), theirs.fin());
                prop_assert_eq!(ours.flags.rst(), theirs.rst());
                prop_assert_eq!(ours.flags.psh(), theirs.psh());
                prop_assert_eq!(ours.flags.urg(), theirs.urg());
                prop_assert_eq!(ours.window, theirs.window_size());
                prop_assert_eq!(ours.checksum, theirs.checksum());
                prop_assert_eq!(usize::from(ours.header_len), theirs.header_slice().len());
                prop_assert_eq!(ours.mss, packet.mss);
                prop_assert_eq!(ours.window_scale, packet.scale);
                prop_assert_eq!(ours.timestamp, packet.timestamp);
            }
            (Transport::Udp(ours), TransportSlice::Udp(theirs)) => {
                prop_assert_eq!(ours.src_port, theirs.source_port());
                prop_assert_eq!(ours.dst_port, theirs.destination_port());
                prop_assert_eq!(ours.length, theirs.length());
                prop_assert_eq!(ours.checksum, theirs.checksum());
            }
            (ours, theirs) => prop_assert!(false, "{:?} {:?}", ours, theirs),
        }
    }

    #[test]
    fn both_directions_and_errors_share_a_key(packet in packet(), quote in 40usize..120) {
        let key = |frame: &[u8]| dispatch_key(LinkType::ETHERNET, frame);
        let own = key(&packet.frame());
        prop_assert_eq!(own, key(&packet.reversed().frame()));
        prop_assert_eq!(own, dispatch_key(LinkType::RAW, &packet.ip()));
        let error = packet.error(quote);
        prop_assert_eq!(own, key(&error));
        let layers = decode(LinkType::ETHERNET, &error, error.len() as u32);
        let quoted = layers.quoted(&error).unwrap();
        let plain = decode_ip(&packet.ip(), packet.ip().len() as u32);
        prop_assert_eq!((quoted.src, quoted.dst), (plain.src, plain.dst));
        prop_assert_eq!(quoted.ip_protocol, plain.ip_protocol);
        if quote >= 48 {
            prop_assert_eq!((quoted.src_port, quoted.dst_port), plain.ports().unwrap());
            prop_assert_eq!(quoted.tcp_seq, packet.tcp.then_some(packet.seq));
        }
        // Other people's packets go elsewhere, with a chance of 2^-64.
        let mut other = packet.clone();
        other.dst[0] ^= 1;
        if (packet.src[0] ^ 1, &packet.src[1..]) != (packet.dst[0], &packet.dst[1..]) {
            prop_assert_ne!(own, key(&other.frame()));
        }
    }
}

#[test]
fn keys_spread_over_shards() {
    let mut shards = [0usize; 64];
    for host in 0..=255u8 {
        for peer in 0..64u8 {
            let mut ip = [0u8; 20];
            ip[0] = 0x45;
            ip[12..20].copy_from_slice(&[10, 0, 0, host, 10, 0, 1, peer]);
            shards[shard_of(dispatch_key(LinkType::RAW, &ip), 64)] += 1;
        }
    }
    // 256 expected in each, standard deviation 16.
    assert!(
        shards.iter().all(|&count| (156..=356).contains(&count)),
        "{shards:?}"
    );
    assert_eq!(shard_of(u64::MAX, 64), 63);
    assert_eq!(shard_of(7, 0), 0);
}

/// Behind IPv4 and its authentication header, what IPv6 calls extensions is payload.
#[test]
fn ipv4_has_no_ipv6_extensions() {
    let mut packet = vec![0x45, 0, 0, 40, 0, 0, 0, 0, 64, 51, 0, 0];
    packet.extend([10, 0, 0, 1, 10, 0, 0, 2]);
    packet.extend([0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2]);
    packet.extend([6, 0, 1, 4, 0, 0, 0, 0]);
    let layers = decode_ip(&packet, packet.len() as u32);
    assert_eq!((layers.ip_protocol, layers.payload.start), (0, 32));
    assert_eq!(layers.transport, Transport::Other);
}

/// A fragment header that cuts nothing may stand before one that does.
#[test]
fn a_fragment_behind_an_atomic_one_is_dispatched_as_one() {
    let mut packet = vec![0x60, 0, 0, 0, 0, 24, 44, 64];
    packet.extend([0xfd; 16]);
    packet.extend([0xfe; 16]);
    packet.extend([44, 0, 0, 0, 0, 0, 0, 1]);
    packet.extend([17, 0, 0, 8, 0, 0, 0, 2]);
    packet.extend([7; 8]);
    let layers = decode_ip(&packet, packet.len() as u32);
    assert_eq!(layers.fragment.unwrap().offset, 8);
    assert!(dispatch(LinkType::RAW, &packet, packet.len() as u32).fragment);
}

/// Every offset of every header field survives every cut, in real frames too.
#[test]
fn every_truncation_of_real_frames() {
    let Some(folder) = captures::folder() else {
        return;
    };
    let mut frames = 0;
    for name in [
        "formats/ip6_fragments.pcap",
        "formats/sll2.pcap",
        "arkime/ah-esp.pcap",
        "arkime/dot1ad.pcap",
        "ndpi/sctp.cap",
        "ndpi/fuzz-2006-09-29-28586.pcap",
        "ndpi/dns_fragmented.pcap",
    ] {
        for frame in captures::frames(&folder.join(name))
            .expect(name)
            .iter()
            .take(200)
        {
            frames += 1;
            let head = &frame.bytes[..frame.bytes.len().min(400)];
            let link = LinkType(frame.link);
            every_length(link, head, frame.original_len);
            check_ranges(
                &decode(link, &frame.bytes, frame.original_len),
                frame.bytes.len(),
            );
        }
    }
    assert!(frames > 200, "{frames}");
}

/// What a station says by ARP goes to one place, and cooked frames where Ethernet's go.
#[test]
fn keys_agree_over_links() {
    let mut ip = [0u8; 20];
    ip[0] = 0x45;
    ip[12..20].copy_from_slice(&[10, 0, 0, 5, 10, 0, 1, 9]);
    let key = dispatch_key(LinkType::RAW, &ip);
    let mut arp = vec![0xff; 6];
    arp.extend([2, 0, 0, 0, 0, 1, 0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1]);
    arp.extend([2, 0, 0, 0, 0, 1, 10, 0, 1, 9, 0, 0, 0, 0, 0, 0, 10, 0, 0, 5]);
    let speaker = dispatch_key(LinkType::ETHERNET, &arp);
    let mut answer = arp.clone();
    answer[21] = 2;
    answer[38..42].copy_from_slice(&[10, 0, 0, 77]);
    assert_eq!(dispatch_key(LinkType::ETHERNET, &answer), speaker);
    let mut cooked = vec![0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 8, 0];
    cooked.extend(ip);
    assert_eq!(dispatch_key(LinkType::LINUX_SLL, &cooked), key);
    let mut cooked2 = vec![8, 0, 0, 0, 0, 0, 0, 1, 0, 1, 4, 6, 2, 0, 0, 0, 0, 1, 0, 0];
    cooked2.extend(ip);
    assert_eq!(dispatch_key(LinkType::LINUX_SLL2, &cooked2), key);
    let mut snap = vec![2; 12];
    snap.extend([0, 28, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0]);
    snap.extend(ip);
    assert_eq!(dispatch_key(LinkType::ETHERNET, &snap), key);
    let mut tagged = vec![2; 12];
    tagged.extend([0x88, 0xa8, 0, 100, 0x81, 0, 0, 20, 8, 0]);
    tagged.extend(ip);
    assert_eq!(dispatch_key(LinkType::ETHERNET, &tagged), key);
    for (link, frame) in [
        (1, &arp),
        (113, &cooked),
        (276, &cooked2),
        (1, &snap),
        (1, &tagged),
    ] {
        assert_eq!(decode(LinkType(link), frame, frame.len() as u32).stop, None);
    }
    assert!(!dispatch(LinkType::RAW, &ip, ip.len() as u32).fragment);
    ip[6] = 0x20;
    assert_eq!(dispatch(LinkType::RAW, &ip, ip.len() as u32).key, key);
    assert!(dispatch(LinkType::RAW, &ip, ip.len() as u32).fragment);
}

/// A router advertisement with a link address, an on-link and an off-link prefix (RFC 4861 §4.2).
#[test]
fn reads_router_advertisements() {
    let prefix = |flags: u8, third: u8| {
        let mut option = vec![3, 4, 64, flags, 0, 0, 0, 9, 0, 0, 0, 9, 0, 0, 0, 0];
        option.extend([
            0x20, 0x01, 0x0d, 0xb8, 0, third, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        ]);
        option
    };
    let mut message = vec![134, 0, 0, 0, 64, 0, 0x07, 0x08, 0, 0, 0, 0, 0, 0, 0, 0];
    message.extend([1, 1, 2, 0, 0, 0, 0, 9]);
    message.extend(prefix(0xc0, 1));
    message.extend(prefix(0x40, 2));
    let mut packet = vec![0x60, 0, 0, 0, 0, message.len() as u8, 58, 255];
    packet.extend([0xfe; 32]);
    packet.extend(message);
    let layers = every_length(LinkType::RAW, &packet, packet.len() as u32);
    let said = layers.neighbour_discovery(&packet).unwrap();
    assert_eq!(said.kind, NeighbourMessage::RouterAdvertisement);
    assert!(said.router);
    assert_eq!(said.link_address.unwrap().to_string(), "02:00:00:00:00:09");
    assert_eq!(said.on_link(), [("2001:db8:1::".parse().unwrap(), 64)]);
    // From beyond the link it says nothing.
    packet[7] = 254;
    let layers = decode_ip(&packet, packet.len() as u32);
    assert_eq!(layers.neighbour_discovery(&packet), None);
}

/// An advertisement gives the target's address, not the sender's (RFC 4861 §4.4).
#[test]
fn reads_neighbour_advertisements() {
    for (flags, router) in [(0x60, false), (0xa0, true)] {
        let mut packet = vec![0x60, 0, 0, 0, 0, 40, 58, 255];
        packet.extend([0xfe; 32]);
        packet.extend([136, 0, 0, 0, flags, 0, 0, 0]);
        packet.extend([0xfd; 16]);
        packet.extend([1, 1, 2, 0, 0, 0, 0, 1, 2, 1, 2, 0, 0, 0, 0, 2]);
        packet[5] += 8;
        let layers = decode_ip(&packet, packet.len() as u32);
        let said = layers.neighbour_discovery(&packet).unwrap();
        assert_eq!(said.kind, NeighbourMessage::NeighbourAdvertisement);
        assert_eq!(said.target, Ipv6Addr::from([0xfd; 16]));
        assert_eq!(said.link_address.unwrap().to_string(), "02:00:00:00:00:02");
        assert_eq!(said.router, router);
    }
}

/// An option of length 0 ends the options instead of being read for ever, in TCP and in
/// neighbour discovery.
#[test]
fn options_without_a_length_end() {
    let mut tcp = vec![
        0x45, 0, 0, 44, 0, 0, 0, 0, 64, 6, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2,
    ];
    tcp.extend([
        0, 1, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0x60, 2, 0, 5, 0, 0, 0, 0,
    ]);
    tcp.extend([99, 0, 4, 2]);
    let layers = decode_ip(&tcp, 44);
    assert!(matches!(layers.transport, Transport::Tcp(tcp) if !tcp.sack_permitted));
    let mut solicitation = vec![0x60, 0, 0, 0, 0, 16, 58, 255];
    solicitation.extend([0xfe; 32]);
    solicitation.extend([133, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2, 0, 0, 0, 0, 1]);
    let layers = decode_ip(&solicitation, 56);
    assert_eq!(
        layers
            .neighbour_discovery(&solicitation)
            .unwrap()
            .link_address,
        None
    );
}

/// An IPv4 error may quote no more than eight bytes of TCP: ports and sequence number.
#[test]
fn reads_the_shortest_quote() {
    let mut packet = vec![
        0x45, 0, 0, 56, 0, 0, 0, 0, 64, 1, 0, 0, 10, 0, 0, 9, 10, 0, 0, 1,
    ];
    packet.extend([11, 0, 0, 0, 0, 0, 0, 0]);
    packet.extend([
        0x45, 0, 5, 0xdc, 0, 1, 0, 0, 1, 6, 0, 0, 10, 0, 0, 1, 192, 0, 2, 1,
    ]);
    packet.extend([0xc0, 0x00, 0x02, 0x03, 0xde, 0xad, 0xbe, 0xef]);
    let layers = decode_ip(&packet, packet.len() as u32);
    let quoted = layers.quoted(&packet).unwrap();
    assert_eq!((quoted.src_port, quoted.dst_port), (0xc000, 0x0203));
    assert_eq!(quoted.tcp_seq, Some(0xdead_beef));
    assert_eq!(quoted.dst.to_string(), "192.0.2.1");
    // A quoted later fragment has no ports.
    packet[28 + 7] = 1;
    let quoted = layers.quoted(&packet).unwrap();
    assert_eq!((quoted.src_port, quoted.tcp_seq), (0, None));
}

/// Nine extension headers stop the walk, eight do not; offload lengths reach to the end.
#[test]
fn bounds_and_offload() {
    for (count, stop) in [(8, None), (9, Some(StopReason::TooManyExtensions))] {
        let mut packet = vec![0x60, 0, 0, 0, 0, 8 * count + 8, 60, 64];
        packet.extend([0; 32]);
        for at in 1..=count {
            packet.extend([if at == count { 17 } else { 60 }, 0, 1, 4, 0, 0, 0, 0]);
        }
        packet.extend([0, 1, 0, 2, 0, 8, 0, 0]);
        let layers = decode_ip(&packet, packet.len() as u32);
        assert_eq!(layers.stop.map(|stop| stop.why), stop);
        assert_eq!(
            layers.ports(),
            if stop.is_none() { Some((1, 2)) } else { None }
        );
    }
    for (count, stop) in [(4, None), (5, Some(StopReason::TooManyTags))] {
        let mut frame = vec![2; 12];
        for tag in 1..=count {
            frame.extend([0x81, 0, 0, tag]);
        }
        frame.extend([
            8, 0, 0x45, 0, 0, 0, 0, 0, 0, 0, 64, 99, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 7, 7, 7,
        ]);
        let layers = decode(LinkType::ETHERNET, &frame, frame.len() as u32 + 5);
        assert_eq!(layers.stop.map(|stop| stop.why), stop);
        assert_eq!(layers.vlan, [1, 2]);
        if stop.is_none() {
            assert_eq!(layers.vlan_depth, 4);
            assert_eq!(layers.transport, Transport::Other);
            // Total length 0: all that was on the wire.
            assert_eq!((layers.payload.len(), layers.payload_on_wire), (3, 8));
        }
    }
}

/// An authentication header counts its length in units of four bytes (RFC 4302), in both
/// versions of IP.
#[test]
fn walks_authentication_headers() {
    let mut ah = vec![17, 4, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
    ah.extend([0xcc; 12]);
    ah.extend([0, 1, 0, 2, 0, 9, 0, 0, 0x77]);
    let mut v4 = vec![
        0x45, 0, 0, 53, 0, 0, 0, 0, 64, 51, 0, 0, 10, 0, 0, 9, 10, 0, 0, 1,
    ];
    v4.extend(&ah);
    let mut v6 = vec![0x60, 0, 0, 0, 0, 33, 51, 64];
    v6.extend([0xfd; 32]);
    v6.extend(&ah);
    for packet in [v4, v6] {
        let layers = every_length(LinkType::RAW, &packet, packet.len() as u32);
        assert_eq!((layers.ip_protocol, layers.ports()), (17, Some((1, 2))));
        assert_eq!(layers.payload_of(&packet), [0x77]);
    }
}

/// A priority tag names no VLAN, whether outside or inside another (IEEE 802.1Q §9.6).
#[test]
fn priority_tags_do_not_count() {
    let vlans = |tags: &[[u8; 2]]| {
        let mut frame = vec![2; 12];
        for tag in tags {
            frame.extend([0x81, 0]);
            frame.extend(tag);
        }
        frame.extend([0x88, 0xb5]);
        let layers = decode(LinkType::ETHERNET, &frame, frame.len() as u32);
        (layers.vlan, layers.vlan_depth)
    };
    assert_eq!(vlans(&[[0xe0, 0]]), ([0, 0], 0));
    assert_eq!(vlans(&[[0xe0, 0], [0x20, 5]]), ([5, 0], 1));
    assert_eq!(vlans(&[[0x01, 5], [0xe0, 0], [0x20, 6]]), ([0x105, 6], 2));
}

/// A captured cooked header without an address tells no sender.
#[test]
fn cooked_sender_only_when_given() {
    for (len, address, given) in [(6, 2, true), (0, 0, false), (6, 0, false), (4, 2, false)] {
        let frame = [0, 0, 0, 1, 0, len, address, 0, 0, 0, 0, 0, 0, 0, 8, 0];
        let layers = decode(LinkType::LINUX_SLL, &frame, 16);
        assert_eq!((layers.src_mac.is_some(), layers.dst_mac), (given, None));
    }
}

/// Bytes behind the 802.3 length are padding, and so are those behind the UDP length.
#[test]
fn padding_is_no_payload() {
    let mut frame = vec![2; 12];
    frame.extend([0, 38, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0]);
    frame.extend([
        0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2,
    ]);
    frame.extend([0, 1, 0, 2, 0, 9, 0, 0, 0x77, 0x88, 0x99, 0x99]);
    let layers = decode(LinkType::ETHERNET, &frame, frame.len() as u32);
    assert_eq!(layers.ip_payload.len(), 10);
    assert_eq!(layers.payload_of(&frame), [0x77]);
    assert_eq!(layers.payload_on_wire, 1);
}

/// Payload length 0 is a jumbogram or offload, unless there is no next header.
#[test]
fn ipv6_without_a_length() {
    for (next, payload) in [(17, 4), (59, 0)] {
        let mut packet = vec![0x60, 0, 0, 0, 0, 0, next, 64];
        packet.extend([0xfd; 32]);
        packet.extend([0, 1, 0, 2, 0, 0, 0, 0, 7, 7, 7, 7]);
        let layers = decode_ip(&packet, packet.len() as u32);
        assert_eq!(layers.payload.len(), payload);
        assert_eq!(layers.stop, None);
    }
}

#[test]
fn no_ip_is_no_reason_to_stop_at_the_link() {
    let mut stp = vec![
        1, 0x80, 0xc2, 0, 0, 0, 2, 0, 0, 0, 0, 1, 0, 38, 0x42, 0x42, 3,
    ];
    stp.resize(60, 0);
    let layers = decode(LinkType::ETHERNET, &stp, 60);
    assert_eq!(layers.network, Network::None);
    assert_eq!(layers.stop.unwrap().why, StopReason::EtherType);
    assert!(layers.src_mac.is_some() && layers.dst_mac.is_some());
    assert_ne!(dispatch_key(LinkType::ETHERNET, &stp), 0);
}
