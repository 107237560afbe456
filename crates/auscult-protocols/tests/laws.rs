//! The laws, over the whole table: a new protocol is covered by being listed.
//!
//! Streams come from the lab, whose encoders were written from the published layouts without
//! looking at these parsers.

#![expect(
    clippy::unwrap_used,
    reason = "a test may stop at what it did not expect"
)]

use std::collections::BTreeSet;

use auscult_lab::{Options, Stream, generate, scenarios};
use auscult_model::{Direction, Transport};
use auscult_protocols::drive::{Piece, drive, without_places};
use auscult_protocols::{ALL, PACKET_RECORDS, Probe, Protocol, Seen, Start, Tier};
use proptest::prelude::*;

/// Streams longer than this are cut there: laws need messages, not hours.
const STREAM_MAX: usize = 12_000;

/// Protocols over streams that have no encoder: covered by the laws on any bytes and by goldens in
/// their own files. Those over datagrams, and those that are recognised only, need not be listed.
const WITHOUT_STREAM: &[&str] = &[
    "dhcpv6",
    "dns",
    "enip",
    "imap",
    "kerberos",
    "ldap",
    "llmnr",
    "mdns",
    "mount",
    "mqtt",
    "nbds",
    "nbns",
    "ntp",
    "pop3",
    "portmap",
    "rdp",
    "rtsp",
    "sip",
    "smb",
    "smtp",
    "snmp",
    "ssdp",
    "stun",
    "syslog",
    "telnet",
    "tls",
    "vnc",
    "ws-discovery",
];

fn streams() -> Vec<Stream> {
    let mut streams = Vec::new();
    for scenario in scenarios() {
        if scenario.name == "ward" {
            continue;
        }
        let scene = generate(scenario.name, 7, &Options::default()).unwrap();
        for mut stream in scene.streams() {
            stream.out.truncate(STREAM_MAX);
            stream.back.truncate(STREAM_MAX);
            if !stream.out.is_empty() || !stream.back.is_empty() {
                streams.push(stream);
            }
        }
    }
    assert!(
        streams.len() > 20,
        "the lab has too few streams: {}",
        streams.len()
    );
    streams
}

fn start(stream: &Stream) -> Start {
    Start {
        transport: Transport::Tcp,
        from_start: true,
        ports: [stream.originator.1, stream.responder.1],
    }
}

fn seen<'a>(out: &'a [u8], back: &'a [u8]) -> Seen<'a> {
    Seen {
        transport: Transport::Tcp,
        originator: out,
        responder: back,
        from_start: true,
    }
}

/// The protocols that recognise a stream.
fn recognised(stream: &Stream) -> Vec<&'static dyn Protocol> {
    let prefix = |bytes: &'_ [u8]| bytes[..bytes.len().min(4096)].to_vec();
    let (out, back) = (prefix(&stream.out), prefix(&stream.back));
    ALL.iter()
        .copied()
        .filter(|protocol| protocol.record().transports.contains(&Transport::Tcp))
        .filter(|protocol| protocol.probe(&seen(&out, &back)) >= Probe::Likely)
        .collect()
}

/// Each stream with each protocol that recognises it.
fn pairs() -> Vec<(&'static dyn Protocol, Stream)> {
    streams()
        .into_iter()
        .flat_map(|stream| {
            recognised(&stream)
                .into_iter()
                .map(move |protocol| (protocol, stream.clone()))
        })
        .collect()
}

/// Both directions, out before back, the way conversations begin here.
fn whole(protocol: &dyn Protocol, stream: &Stream) -> Vec<String> {
    let pieces = [
        Piece::Bytes(Direction::FromOriginator, &stream.out),
        Piece::Bytes(Direction::FromResponder, &stream.back),
    ];
    without_places(&drive(protocol, &start(stream), &pieces).said)
}

fn pieces_of<'a>(direction: Direction, bytes: &'a [u8], size: usize) -> Vec<Piece<'a>> {
    bytes
        .chunks(size)
        .map(|chunk| Piece::Bytes(direction, chunk))
        .collect()
}

#[test]
fn law_every_protocol_with_streams_is_exercised() {
    let exercised: BTreeSet<&str> = pairs()
        .iter()
        .map(|(protocol, _)| protocol.record().name)
        .collect();
    let missing: Vec<&str> = ALL
        .iter()
        .map(|protocol| protocol.record())
        .filter(|record| record.transports.contains(&Transport::Tcp))
        .filter(|record| record.tier > Tier::Recognised)
        .map(|record| record.name)
        .filter(|name| !exercised.contains(name) && !WITHOUT_STREAM.contains(name))
        .collect();
    assert!(missing.is_empty(), "the lab has no stream for {missing:?}");
}

#[test]
fn law_the_table_is_in_order_and_names_are_the_contracts() {
    let names: Vec<&str> = ALL.iter().map(|protocol| protocol.record().name).collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(names, sorted);
    for record in ALL
        .iter()
        .map(|protocol| protocol.record())
        .chain(PACKET_RECORDS.iter().copied())
    {
        assert!(
            !record.title.is_empty() && !record.sources.is_empty(),
            "{}",
            record.name
        );
        assert!(
            !record.reads.is_empty() && !record.leaves_out.is_empty(),
            "{}",
            record.name
        );
        let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        assert!(record.name.chars().all(word), "{}", record.name);
    }
}

/// What is said does not depend on how a stream was cut.
#[test]
fn law_chunking() {
    for (protocol, stream) in pairs() {
        let expected = whole(protocol, &stream);
        for size in [1, 2, 3, 7, 64, 536, 1448] {
            let mut pieces = pieces_of(Direction::FromOriginator, &stream.out, size);
            pieces.extend(pieces_of(Direction::FromResponder, &stream.back, size));
            let cut = without_places(&drive(protocol, &start(&stream), &pieces).said);
            assert_eq!(
                cut,
                expected,
                "{} in pieces of {size}",
                protocol.record().name
            );
        }
    }
}

/// Each statement names packets that carried its bytes: the last one is the one that was needed.
#[test]
fn law_provenance() {
    for (protocol, stream) in pairs() {
        let mut pieces = pieces_of(Direction::FromOriginator, &stream.out, 100);
        let out = pieces.len() as u64;
        pieces.extend(pieces_of(Direction::FromResponder, &stream.back, 100));
        let total = pieces.len() as u64;
        for said in drive(protocol, &start(&stream), &pieces).said {
            let (first, last) = (
                said.place.first.packet.number,
                said.place.last.packet.number,
            );
            assert!(
                first >= 1 && first <= last && last <= total,
                "{first}..{last} of {total}"
            );
            if said.direction == Direction::FromOriginator && out > 0 && stream.back.is_empty() {
                assert!(last <= out);
            }
        }
    }
}

/// A hole takes statements away, it adds none but partial ones and malformed marks.
#[test]
fn law_gap() {
    for (protocol, stream) in pairs() {
        let expected: BTreeSet<String> = whole(protocol, &stream)
            .into_iter()
            .map(|line| without_confidence(&line))
            .collect();
        let length = stream.out.len();
        for (from, to) in (1..12).map(|i| (length * i / 13, length * i / 13 + 5 + i)) {
            if to >= length {
                continue;
            }
            let pieces = [
                Piece::Bytes(Direction::FromOriginator, &stream.out[..from]),
                Piece::Gap(Direction::FromOriginator, Some((to - from) as u64)),
                Piece::Bytes(Direction::FromOriginator, &stream.out[to..]),
                Piece::Bytes(Direction::FromResponder, &stream.back),
            ];
            for line in without_places(&drive(protocol, &start(&stream), &pieces).said) {
                let bare = without_confidence(&line);
                let partial = line.contains("\"partial\"")
                    || bare.contains("Malformed")
                    || bare.contains("granted: None")
                    || bare.contains("accepted: None")
                    || bare.contains("complete: false")
                    // The message that named it fell into the hole.
                    || bare.contains("object: \"\"")
                    || bare.contains("File \"\"");
                assert!(
                    expected.contains(&bare) || partial,
                    "{}: a hole at {from}..{to} added {line}",
                    protocol.record().name
                );
            }
        }
    }
}

/// Each direction alone says less, never something else.
#[test]
fn law_one_sided() {
    for (protocol, stream) in pairs() {
        let expected: BTreeSet<String> = whole(protocol, &stream)
            .into_iter()
            .map(|line| without_confidence(&line))
            .collect();
        for (direction, bytes) in [
            (Direction::FromOriginator, &stream.out),
            (Direction::FromResponder, &stream.back),
        ] {
            let pieces = [Piece::Bytes(direction, bytes)];
            for line in without_places(&drive(protocol, &start(&stream), &pieces).said) {
                let bare = without_confidence(&line);
                let open = bare.contains("None")
                    || bare.contains("complete: false")
                    || bare.contains("Malformed");
                assert!(
                    expected.contains(&bare) || open,
                    "{}: {direction:?} alone said {line}",
                    protocol.record().name
                );
            }
        }
    }
}

/// A statement without its confidence and attributes, which a hole may lower or leave out.
fn without_confidence(line: &str) -> String {
    let rest = line.splitn(3, ' ').nth(2).unwrap_or(line);
    match rest.rfind(" {") {
        Some(at) => rest[..at].to_owned(),
        None => rest.to_owned(),
    }
}

/// No probe is certain of another protocol's stream.
#[test]
fn law_probes_do_not_claim_each_other() {
    for stream in streams() {
        let certain: Vec<&str> = recognised(&stream)
            .iter()
            .filter(|protocol| {
                protocol.probe(&seen(
                    &stream.out[..stream.out.len().min(4096)],
                    &stream.back[..stream.back.len().min(4096)],
                )) == Probe::Certain
            })
            .map(|protocol| protocol.record().name)
            .collect();
        // The programs of one remote procedure call family share a connection's format.
        let families: BTreeSet<&str> = certain
            .iter()
            .map(|name| {
                if ["mount", "nfs", "portmap"].contains(name) {
                    "rpc"
                } else {
                    name
                }
            })
            .collect();
        assert!(families.len() <= 1, "{certain:?} all claim {stream:?}");
    }
}

/// `No` and `Certain` stay what they are when more bytes come.
#[test]
fn law_final_answers_are_final() {
    for stream in streams() {
        let out = &stream.out[..stream.out.len().min(600)];
        for protocol in ALL {
            if !protocol.record().transports.contains(&Transport::Tcp) {
                continue;
            }
            let mut last = Probe::Maybe;
            for length in 1..=out.len() {
                let now = protocol.probe(&seen(&out[..length], &[]));
                if matches!(last, Probe::No | Probe::Certain) {
                    assert_eq!(now, last, "{} at {length}", protocol.record().name);
                }
                last = now;
            }
        }
    }
}

/// How often each protocol may look likely in 100,000 random inputs, where its record says that it
/// does.
const LIKELY_BY_CHANCE: &[(&str, u32)] = &[
    ("coap", 10),
    ("ntp", 10),
    ("radius", 10),
    ("rtp", 20_000),
    ("telnet", 10),
    ("tftp", 10),
];

/// The figures that the records state.
#[test]
fn law_random_bytes_are_hardly_ever_likely() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut likely = vec![0u32; ALL.len()];
    let mut bytes = [0u8; 304];
    for _ in 0..100_000 {
        for chunk in bytes.chunks_exact_mut(8) {
            chunk.copy_from_slice(&random().to_le_bytes());
        }
        let length = 1 + (random() % 304) as usize;
        for (protocol, likely) in ALL.iter().zip(&mut likely) {
            // What another flow must announce is not asked about others.
            if protocol.is_announced_only() {
                continue;
            }
            let is_likely = protocol.record().transports.iter().any(|transport| {
                let seen = Seen {
                    transport: *transport,
                    originator: &bytes[..length],
                    responder: &[],
                    from_start: true,
                };
                protocol.probe(&seen) >= Probe::Likely
            });
            *likely += u32::from(is_likely);
        }
    }
    for (protocol, likely) in ALL.iter().zip(likely) {
        let name = protocol.record().name;
        let stated = LIKELY_BY_CHANCE.iter().find(|(known, _)| *known == name);
        let most = stated.map_or(0, |(_, most)| *most);
        if likely > 0 {
            println!("{name}: {likely} of 100,000");
        }
        assert!(
            likely <= most,
            "{name}: {likely} of 100,000 random inputs look like it"
        );
    }
}

proptest! {
    /// Any bytes, cut anywhere, in any order of directions: no panic, the same statements.
    #[test]
    fn law_total(
        which in 0..ALL.len(),
        bytes in prop::collection::vec(any::<u8>(), 0..600),
        cut in 0usize..600,
        from_start: bool,
        responder: bool,
    ) {
        let protocol = ALL[which];
        let direction =
            if responder { Direction::FromResponder } else { Direction::FromOriginator };
        for transport in protocol.record().transports {
            let start = Start { transport: *transport, from_start, ports: [40_000, 515] };
            let (a, b) = bytes.split_at(cut.min(bytes.len()));
            let pieces = [Piece::Bytes(direction, a), Piece::Bytes(direction, b)];
            let cut = drive(protocol, &start, &pieces);
            if *transport == Transport::Tcp {
                let whole = drive(protocol, &start, &[Piece::Bytes(direction, &bytes)]);
                prop_assert_eq!(without_places(&cut.said), without_places(&whole.said));
            }
        }
    }

    /// Real streams with bytes changed: no panic, the same statements however cut.
    #[test]
    fn law_total_on_damaged_streams(
        which in 0usize..200,
        changes in prop::collection::vec((0usize..4000, any::<u8>()), 1..8),
        cut in 0usize..4000,
    ) {
        use std::sync::OnceLock;
        static PAIRS: OnceLock<Vec<(usize, Stream)>> = OnceLock::new();
        let pairs = PAIRS.get_or_init(|| {
            pairs()
                .into_iter()
                .map(|(protocol, stream)| {
                    let name = protocol.record().name;
                    (ALL.iter().position(|p| p.record().name == name).unwrap(), stream)
                })
                .collect()
        });
        let (index, stream) = &pairs[which % pairs.len()];
        let protocol = ALL[*index];
        let mut out = stream.out[..stream.out.len().min(4000)].to_vec();
        for (at, value) in changes {
            if let Some(byte) = out.get_mut(at) {
                *byte = value;
            }
        }
        let (a, b) = out.split_at(cut.min(out.len()));
        let direction = Direction::FromOriginator;
        let whole = drive(protocol, &start(stream), &[Piece::Bytes(direction, &out)]);
        let pieces = [Piece::Bytes(direction, a), Piece::Bytes(direction, b)];
        let cut = drive(protocol, &start(stream), &pieces);
        prop_assert_eq!(without_places(&cut.said), without_places(&whole.said));
    }

    /// Random bytes are never certain.
    #[test]
    fn law_probe_honesty(bytes in prop::collection::vec(any::<u8>(), 1..200)) {
        for protocol in ALL {
            for transport in protocol.record().transports {
                let seen = Seen {
                    transport: *transport,
                    originator: &bytes,
                    responder: &[],
                    from_start: true,
                };
                let answer = protocol.probe(&seen);
                prop_assert!(answer < Probe::Certain, "{}", protocol.record().name);
            }
        }
    }
}
