//! What the stages work on: the lab's ward and the conversations of its small scenes.

use std::collections::BTreeMap;
use std::net::IpAddr;

use auscult_lab::wire::view::View;
use auscult_lab::{Options, Scene, generate, scenarios};
use auscult_model::{Direction, Endpoint, Event, MacAddr, Segment, Transport};
use auscult_protocols::drive::{Driven, Piece, drive};
use auscult_protocols::{ALL, Probe, Protocol, Seen, Start};

/// Payload of a full segment.
const SEGMENT: usize = 1448;
/// What a probe is shown of a stream.
const PREFIX: usize = 4096;
const SEED: u64 = 1;

/// The ward.
pub(crate) fn scene() -> Scene {
    generate("ward", SEED, &Options::default()).expect("the lab has a ward")
}

/// A conversation without packets.
pub(crate) struct Talk {
    transport: Transport,
    ends: [(IpAddr, u16); 2],
    pieces: Vec<(Direction, Vec<u8>)>,
    /// What each side sent first: a prefix of its stream, or its first datagram.
    first: [Vec<u8>; 2],
}

impl Talk {
    fn new(
        transport: Transport,
        ends: [(IpAddr, u16); 2],
        pieces: Vec<(Direction, Vec<u8>)>,
    ) -> Talk {
        let shown = match transport {
            Transport::Tcp => PREFIX.div_ceil(SEGMENT),
            _ => 1,
        };
        let sides = [Direction::FromOriginator, Direction::FromResponder];
        let first = sides.map(|side| {
            let of_side = pieces.iter().filter(|piece| piece.0 == side);
            let bytes = of_side.take(shown).flat_map(|piece| &piece.1);
            bytes.copied().collect()
        });
        Talk {
            transport,
            ends,
            pieces,
            first,
        }
    }

    /// Payload of both sides.
    pub(crate) fn bytes(&self) -> u64 {
        self.pieces.iter().map(|piece| piece.1.len() as u64).sum()
    }

    /// What a protocol makes of the beginning.
    pub(crate) fn probe(&self, protocol: &dyn Protocol) -> Probe {
        if !protocol.record().transports.contains(&self.transport) {
            return Probe::No;
        }
        let [originator, responder] = &self.first;
        protocol.probe(&Seen {
            transport: self.transport,
            originator,
            responder,
            from_start: true,
        })
    }

    /// All of it, read by a protocol.
    pub(crate) fn read(&self, protocol: &dyn Protocol) -> Driven {
        let start = Start {
            transport: self.transport,
            from_start: true,
            ports: self.ends.map(|end| end.1),
        };
        let pieces: Vec<Piece<'_>> = self
            .pieces
            .iter()
            .map(|(direction, bytes)| Piece::Bytes(*direction, bytes))
            .collect();
        drive(protocol, &start, &pieces)
    }

    fn endpoint(&self, end: usize) -> Endpoint {
        let (ip, port) = self.ends[end];
        let [a, b, c, d] = match ip {
            IpAddr::V4(ip) => ip.octets(),
            IpAddr::V6(_) => [0; 4],
        };
        Endpoint {
            segment: Segment::UNTAGGED,
            // A card for each address, so that there are devices.
            mac: Some(MacAddr([2, 0, a, b, c, d])),
            ip,
            port,
        }
    }
}

/// Every conversation of every scene.
pub(crate) fn talks() -> Vec<Talk> {
    let mut talks = Vec::new();
    for scenario in scenarios() {
        let scene = generate(scenario.name, SEED, &Options::default());
        let scene = scene.expect("the lab knows its own scenarios");
        for stream in scene.streams() {
            let side = |direction, bytes: &[u8]| -> Vec<(Direction, Vec<u8>)> {
                let pieces = bytes.chunks(SEGMENT);
                pieces.map(|piece| (direction, piece.to_vec())).collect()
            };
            let mut pieces = side(Direction::FromOriginator, &stream.out);
            pieces.extend(side(Direction::FromResponder, &stream.back));
            let ends = [stream.originator, stream.responder];
            let ends = ends.map(|(ip, port)| (ip.into(), port));
            talks.push(Talk::new(Transport::Tcp, ends, pieces));
        }
        talks.extend(datagrams(&scene));
    }
    talks.retain(|talk| talk.bytes() > 0);
    talks
}

/// The conversations by datagrams, as far as they were not fragmented.
fn datagrams(scene: &Scene) -> Vec<Talk> {
    let mut talks: BTreeMap<_, (_, Vec<_>)> = BTreeMap::new();
    for frame in &scene.frames {
        let Some(v) = View::of(&frame.bytes).and_then(|view| view.ipv4) else {
            continue;
        };
        let (17, false, Some(ports)) = (v.protocol, v.fragment, v.ports) else {
            continue;
        };
        let (from, to) = ((v.from, ports.0), (v.to, ports.1));
        let payload = frame.bytes.get(v.transport + 8..v.end).unwrap_or_default();
        let (ends, pieces) = talks
            .entry((from.min(to), from.max(to)))
            .or_insert_with(|| ([from, to], Vec::new()));
        let direction = if ends[0] == from {
            Direction::FromOriginator
        } else {
            Direction::FromResponder
        };
        pieces.push((direction, payload.to_vec()));
    }
    let talks = talks.into_values();
    talks
        .map(|(ends, pieces)| {
            let ends = ends.map(|(ip, port)| (ip.into(), port));
            Talk::new(Transport::Udp, ends, pieces)
        })
        .collect()
}

/// What the likeliest protocol of each conversation says, with who and whom.
pub(crate) fn events() -> Vec<Event> {
    let mut events = Vec::new();
    for talk in talks() {
        let likeliest = ALL.iter().max_by_key(|protocol| talk.probe(**protocol));
        let Some(protocol) = likeliest.filter(|one| talk.probe(**one) >= Probe::Likely) else {
            continue;
        };
        for said in talk.read(*protocol).said {
            let (from, to) = match said.direction {
                Direction::FromOriginator => (0, 1),
                Direction::FromResponder => (1, 0),
            };
            events.push(Event {
                protocol: protocol.record().name,
                from: talk.endpoint(from),
                to: talk.endpoint(to),
                first_packet: said.place.first.packet,
                last_packet: said.place.last.packet,
                first: said.place.last.time,
                last: said.place.last.time,
                count: 1,
                confidence: said.confidence,
                meaning: said.meaning,
                attributes: said.attributes,
            });
        }
    }
    events
}
