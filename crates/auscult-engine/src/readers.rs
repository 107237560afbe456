//! What becomes of the bytes of flows in one shard: named, read, turned into events and sums.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use auscult_flow::{At, FlowFacts, Happened, Readers};
use auscult_model::{
    Bound, Bounds, ConversationKey, ConversationSum, Direction, Event, Meaning, PacketRef,
    Transport,
};
use auscult_packet::{Part, Tunnel};
use auscult_protocols::{
    ALL, Collected, Expectation, Limits, Mark, Origin, PatientKey, Reading, Reads, Said, Sample,
    SampleSink, Seen, Source, Start, UnreadBytes,
};

use crate::bounds;
use crate::emission::{Conflict, Emission};
use crate::expected::Announced;
use crate::identify::{Candidates, PREFIX_MAX, Question, Verdict, identify, index_of};
use crate::marks::Marking;
use crate::options::SHARDS;
use crate::probing::{Announcement, Piece, Probing, later, prefix_of};
use crate::shard::ShardOptions;
use crate::statement::{FlowStatement, Statement};
use crate::suppress::Suppressor;

/// Name of flows that nobody recognised.
pub(crate) const UNKNOWN: &str = "unknown";

/// Pieces that wait for a flow to be named; more are not kept apart but joined by probes' limit.
const PIECES_MAX: usize = 2 * PREFIX_MAX;
/// Datagrams that may name a flow: the first may be one that keeps an address translator's entry,
/// or damaged.
const DATAGRAM_TRIES: u8 = 4;

/// What a shard keeps for each flow.
#[derive(Default)]
pub(crate) enum FlowReader {
    /// No payload yet.
    #[default]
    Fresh,
    /// No datagram so far is of the table; so many more may be.
    Again(u8),
    /// Not named yet.
    Probing(Box<Probing>),
    /// Named and read.
    Reading(Box<ActiveReading>),
    /// Named, read as far as wanted.
    Named(usize, f32),
    /// Not in the table.
    Unknown,
}

/// A named flow with its session.
pub(crate) struct ActiveReading {
    protocol: usize,
    confidence: f32,
    /// Its part of `session_bytes`.
    held: usize,
    reading: Reading,
}

impl FlowReader {
    /// Protocol name and how sure it is.
    pub(crate) fn name(&self) -> (&'static str, f32) {
        let (index, confidence) = match self {
            FlowReader::Reading(active) => (active.protocol, active.confidence),
            FlowReader::Named(index, confidence) => (*index, *confidence),
            FlowReader::Fresh
            | FlowReader::Again(_)
            | FlowReader::Probing(_)
            | FlowReader::Unknown => return (UNKNOWN, 0.0),
        };
        (
            ALL.get(index)
                .map_or(UNKNOWN, |protocol| protocol.record().name),
            confidence,
        )
    }
}

/// Waveforms and readings stay here: nothing that is reported needs them.
struct NoSamples;

impl SampleSink for NoSamples {
    fn sample(&mut self, _: Direction, _: Mark, _: &Sample<'_>) {}

    fn wants_samples(&self) -> bool {
        false
    }
}

/// The readers of one shard and what they have to say.
pub(crate) struct ShardReaders {
    announced: Announced,
    suppressor: Suppressor,
    said: Vec<Said>,
    expected: Vec<Expectation>,
    full: Vec<Event>,
    key: PatientKey,
    conversations: HashMap<ConversationKey, ConversationSum, foldhash::quality::RandomState>,
    probing_bytes: usize,
    probing_max: usize,
    /// Bytes of unfinished messages and files.
    session_bytes: usize,
    session_max: usize,
    bounds: Arc<Bounds>,
    conversations_max: usize,
    single_flows: bool,
    /// Packets of which it is wanted where patient data lie in them; none in nearly all runs.
    marked: Arc<BTreeSet<PacketRef>>,
    /// Bytes that sessions left out, while that is wanted.
    unread: Vec<UnreadBytes>,
    /// Names by which clients called, by the first packet of their flow; kept while flows are told
    /// one by one.
    server_names: BTreeMap<PacketRef, String>,
    samples: NoSamples,
    limits: Limits,
    /// What goes to the world, in order.
    pub(crate) out: Vec<Emission>,
}

impl ShardReaders {
    pub(crate) fn new(options: &ShardOptions) -> Self {
        let bounds = Arc::clone(&options.bounds);
        ShardReaders {
            suppressor: Suppressor::new(bounds.of(&bounds::REMEMBERED)),
            probing_max: bounds.of(&bounds::PROBING) / SHARDS,
            session_bytes: 0,
            session_max: bounds.of(&bounds::SESSIONS) / SHARDS,
            conversations_max: bounds.of(&bounds::SUMS),
            bounds,
            key: options.patient_key,
            single_flows: options.single_flows,
            marked: Arc::clone(&options.marked),
            unread: Vec::new(),
            server_names: BTreeMap::new(),
            announced: Announced::default(),
            said: Vec::new(),
            expected: Vec::new(),
            full: Vec::new(),
            conversations: HashMap::default(),
            probing_bytes: 0,
            samples: NoSamples,
            limits: Limits::new(),
            out: Vec::new(),
        }
    }

    /// Limits reached, and oddities met.
    pub(crate) fn limits(&self) -> Limits {
        let mut limits = self.limits.clone();
        let forgotten = self.suppressor.forgotten();
        if forgotten > 0 {
            limits.insert(bounds::REMEMBERED.name, forgotten);
        }
        limits
    }

    fn reached(&mut self, bound: &Bound) {
        *self.limits.entry(bound.name).or_default() += 1;
    }

    /// Events that repeat others.
    pub(crate) fn suppressed(&self) -> u64 {
        self.suppressor.suppressed()
    }

    /// Reports counts and sums since the last time.
    pub(crate) fn tick(&mut self) {
        self.suppressor.report(&mut self.full);
        self.send_full();
        self.send_sums();
    }

    /// Sums of conversations since the last time, in order of their keys.
    fn send_sums(&mut self) {
        let mut sums: Vec<_> = self.conversations.drain().collect();
        sums.sort_unstable_by_key(|sum| sum.0);
        let sums = sums
            .into_iter()
            .map(|sum| Emission::Conversation(Box::new(sum)));
        self.out.extend(sums);
    }

    /// Passes an event on if it is new.
    pub(crate) fn event(&mut self, statement: impl Statement) {
        let new = self.suppressor.pass(statement, &mut self.full);
        self.send_full();
        if let Some(event) = new {
            self.out.push(Emission::Event(Box::new(event)));
        }
    }

    fn send_full(&mut self) {
        let repeats = self
            .full
            .drain(..)
            .map(|event| Emission::Event(Box::new(event)));
        self.out.extend(repeats);
    }

    /// Turns what sessions said into events.
    fn collect(&mut self, facts: &FlowFacts, name: &'static str, confidence: f32) {
        let mut said = std::mem::take(&mut self.said);
        for said in said.drain(..) {
            if !self.marked.is_empty()
                && let Meaning::PatientData { ranges, .. } = &said.meaning
            {
                self.mark(Marking::Patient(ranges.clone()));
            }
            if self.single_flows
                && let Meaning::Claim {
                    attribute: "server_name",
                    value,
                    ..
                } = &said.meaning
            {
                self.server_names.insert(facts.first_packet, value.clone());
            }
            self.event(FlowStatement::new(said, facts, name, confidence));
        }
        self.said = said;
        for expectation in self.expected.drain(..) {
            let Some(protocol) = index_of(expectation.protocol) else {
                continue;
            };
            let server = &facts.ends[expectation.server.index()];
            let client = &facts.ends[expectation.server.opposite().index()];
            let most = self.bounds.of(&bounds::ANNOUNCED);
            let now = facts.last;
            if self
                .announced
                .add(&expectation, client, server, protocol, now, most)
            {
                *self.limits.entry(bounds::ANNOUNCED.name).or_default() += 1;
            }
        }
    }

    /// Passes on what was found about packets that somebody wants to show.
    fn mark(&mut self, marking: Marking) {
        if marking.is_of(&self.marked) {
            self.out.push(Emission::Marking(Box::new(marking)));
        }
    }

    /// Says which bytes sessions left out.
    fn mark_unread(&mut self) {
        for unread in std::mem::take(&mut self.unread) {
            self.mark(Marking::Unread(unread));
        }
    }

    /// Says of these packets that a session got their bytes.
    fn mark_read(&mut self, at: At, parts: &[Part]) {
        if self.marked.is_empty() {
            return;
        }
        self.mark(Marking::Read(at.packet));
        for part in parts {
            self.mark(Marking::Read(part.packet));
        }
    }

    fn session(&mut self) -> Collected<'_> {
        Collected {
            unread: (!self.marked.is_empty()).then_some(&mut self.unread),
            said: &mut self.said,
            expected: &mut self.expected,
            samples: &mut self.samples,
            limits: &mut self.limits,
            bounds: &self.bounds,
            key: &self.key,
        }
    }

    /// Starts a session of `protocol`.
    fn begin_reading(
        &mut self,
        facts: &FlowFacts,
        (protocol, confidence): (usize, f32),
        expected: Option<&Announcement>,
        from_start: bool,
    ) -> FlowReader {
        let Some(entry) = ALL.get(protocol) else {
            return FlowReader::Unknown;
        };
        let start = Start {
            transport: facts.transport,
            from_start,
            ports: [facts.ends[0].port, facts.ends[1].port],
        };
        let session = match expected {
            Some((_, Some(note))) => entry.start_expected(&start, note),
            _ => entry.start(&start),
        };
        FlowReader::Reading(Box::new(ActiveReading {
            protocol,
            confidence,
            held: 0,
            reading: Reading::new(session),
        }))
    }

    /// Starts a session and gives it what waited for a name.
    fn begin_with(
        &mut self,
        facts: &FlowFacts,
        named: (usize, f32),
        probing: &Probing,
    ) -> FlowReader {
        self.probing_bytes -= probing.held();
        let expected = probing.expected.as_ref();
        let mut reader = self.begin_reading(facts, named, expected, probing.from_start);
        for piece in &probing.pieces {
            match piece.gap {
                Some(missing) => {
                    self.read_gap(facts, &mut reader, piece.direction, missing, piece.at);
                }
                None => {
                    let bytes = &piece.bytes;
                    self.read(facts, &mut reader, piece.direction, bytes, piece.at, &[]);
                }
            }
        }
        reader
    }

    fn read(
        &mut self,
        facts: &FlowFacts,
        reader: &mut FlowReader,
        direction: Direction,
        bytes: &[u8],
        at: At,
        parts: &[Part],
    ) {
        let FlowReader::Reading(active) = reader else {
            return;
        };
        let state = if facts.transport == Transport::Tcp {
            active
                .reading
                .bytes(direction, bytes, source(at), self.session())
        } else {
            let whole = [Origin {
                start: 0,
                packet: at.packet,
                time: at.time,
                frame_offset: at.frame_offset,
            }];
            let several = origins(at, parts, bytes.len());
            let origins = if several.is_empty() {
                &whole
            } else {
                &several[..]
            };
            active
                .reading
                .datagram(direction, bytes, origins, self.session())
        };
        self.mark_read(at, parts);
        let state = self.weigh(active, state, at);
        let (name, confidence) = reader.name();
        self.collect(facts, name, confidence);
        self.settle(reader, state);
    }

    /// Notes what a session holds. One that grows when the shard has no more room is ended: what
    /// it knows is told in part.
    fn weigh(&mut self, active: &mut ActiveReading, state: Reads, at: At) -> Reads {
        let before = active.held;
        active.held = active.reading.held();
        self.session_bytes = self.session_bytes + active.held - before;
        if active.held <= before || self.session_bytes <= self.session_max || state != Reads::Open {
            return state;
        }
        self.reached(&bounds::SESSIONS);
        active.reading.end(source(at), self.session());
        Reads::Done
    }

    fn read_gap(
        &mut self,
        facts: &FlowFacts,
        reader: &mut FlowReader,
        direction: Direction,
        missing: Option<u64>,
        at: At,
    ) {
        let FlowReader::Reading(active) = reader else {
            return;
        };
        active
            .reading
            .gap(direction, missing, source(at), self.session());
        let state = active.reading.state();
        let state = self.weigh(active, state, at);
        let (name, confidence) = reader.name();
        self.collect(facts, name, confidence);
        self.settle(reader, state);
    }

    /// A session that wants no more is given up; its flow keeps the name.
    fn settle(&mut self, reader: &mut FlowReader, state: Reads) {
        self.mark_unread();
        let FlowReader::Reading(active) = &reader else {
            return;
        };
        if state != Reads::Open {
            self.session_bytes -= active.held;
        }
        match state {
            Reads::Open => {}
            Reads::Done => *reader = FlowReader::Named(active.protocol, active.confidence),
            Reads::NotThis => *reader = FlowReader::Unknown,
        }
    }

    /// The first bytes of a flow: most are named, or given up, without keeping anything.
    fn first(
        &mut self,
        facts: &FlowFacts,
        direction: Direction,
        bytes: &[u8],
        at: At,
        parts: &[Part],
        from_start: bool,
    ) -> FlowReader {
        let is_stream = facts.transport == Transport::Tcp;
        let expected = self.announced.find(facts.transport, &facts.ends);
        let announced = expected.as_ref().map(|(protocol, _)| *protocol);
        let mut candidates = Candidates::over(facts.transport).with(announced);
        let prefix = prefix_of(bytes, is_stream);
        let (originator, responder): (&[u8], &[u8]) = match direction {
            Direction::FromOriginator => (prefix, &[]),
            Direction::FromResponder => (&[], prefix),
        };
        let question = Question {
            seen: Seen {
                transport: facts.transport,
                originator,
                responder,
                from_start: from_start || !is_stream,
            },
            ports: [facts.ends[0].port, facts.ends[1].port],
            expected: announced,
            is_all: is_stream && prefix.len() >= PREFIX_MAX,
        };
        match identify(&mut candidates, &question) {
            Verdict::Named(protocol, confidence) => {
                let named = (protocol, confidence);
                let mut reader = self.begin_reading(facts, named, expected.as_ref(), from_start);
                self.read(facts, &mut reader, direction, bytes, at, parts);
                reader
            }
            Verdict::Unknown => FlowReader::Unknown,
            Verdict::Wait => {
                let mut prefixes = [Vec::new(), Vec::new()];
                prefixes[direction.index()] = prefix.to_vec();
                let probing = Box::new(Probing {
                    candidates,
                    expected,
                    from_start,
                    pieces: Vec::new(),
                    prefixes,
                    tries: u8::from(!is_stream),
                });
                self.wait(probing, direction, bytes, at)
            }
        }
    }

    /// Keeps a piece until the flow is named, within the budget.
    fn wait(
        &mut self,
        mut probing: Box<Probing>,
        direction: Direction,
        bytes: &[u8],
        at: At,
    ) -> FlowReader {
        let too_many = probing.pieces.len() >= PIECES_MAX;
        if too_many || self.probing_bytes + bytes.len() > self.probing_max {
            self.reached(&bounds::PROBING);
            self.probing_bytes -= probing.held();
            return FlowReader::Unknown;
        }
        self.probing_bytes += bytes.len();
        probing.pieces.push(Piece {
            direction,
            bytes: bytes.to_vec(),
            at,
            gap: None,
        });
        FlowReader::Probing(probing)
    }

    /// Asks the probes with `bytes` as the newest of `direction`.
    fn probe(
        &mut self,
        facts: &FlowFacts,
        mut probing: Box<Probing>,
        direction: Direction,
        bytes: &[u8],
        at: At,
        parts: &[Part],
    ) -> FlowReader {
        let is_stream = facts.transport == Transport::Tcp;
        probing.tries += u8::from(!is_stream);
        if !is_stream && let Some(named) = later(facts, &probing, direction, bytes) {
            let mut reader = self.begin_with(facts, named, &probing);
            self.read(facts, &mut reader, direction, bytes, at, parts);
            return reader;
        }
        let prefix = &mut probing.prefixes[direction.index()];
        if is_stream || prefix.is_empty() {
            let room = if is_stream {
                PREFIX_MAX - prefix.len()
            } else {
                bytes.len()
            };
            prefix.extend_from_slice(bytes.get(..room.min(bytes.len())).unwrap_or_default());
        }
        let is_all = match is_stream {
            true => probing
                .prefixes
                .iter()
                .any(|prefix| prefix.len() >= PREFIX_MAX),
            false => probing.tries >= DATAGRAM_TRIES,
        };
        match probing.ask(facts, is_stream, is_all) {
            Verdict::Named(protocol, confidence) => {
                let mut reader = self.begin_with(facts, (protocol, confidence), &probing);
                self.read(facts, &mut reader, direction, bytes, at, parts);
                reader
            }
            Verdict::Unknown => {
                self.probing_bytes -= probing.held();
                FlowReader::Unknown
            }
            Verdict::Wait => self.wait(probing, direction, bytes, at),
        }
    }
}

impl Readers for ShardReaders {
    type Reader = FlowReader;

    fn wants(&self, reader: &FlowReader) -> bool {
        !matches!(reader, FlowReader::Named(..) | FlowReader::Unknown)
    }

    fn bytes(
        &mut self,
        facts: &FlowFacts,
        reader: &mut FlowReader,
        direction: Direction,
        bytes: &[u8],
        at: At,
        from_start: bool,
    ) {
        self.take(facts, reader, direction, bytes, at, &[], from_start);
    }

    fn gap(
        &mut self,
        facts: &FlowFacts,
        reader: &mut FlowReader,
        direction: Direction,
        missing: Option<u64>,
        at: At,
    ) {
        match reader {
            FlowReader::Reading(_) => self.read_gap(facts, reader, direction, missing, at),
            FlowReader::Probing(probing) => {
                if probing.prefixes[direction.index()].is_empty() {
                    // Nothing before the hole: what follows is picked up in the middle.
                    probing.from_start = false;
                } else if probing.pieces.len() < PIECES_MAX {
                    let gap = Some(missing);
                    probing.pieces.push(Piece {
                        direction,
                        bytes: Vec::new(),
                        at,
                        gap,
                    });
                }
            }
            FlowReader::Fresh => {
                *reader = FlowReader::Probing(Box::new(Probing {
                    candidates: Candidates::over(facts.transport),
                    expected: self.announced.find(facts.transport, &facts.ends),
                    from_start: false,
                    pieces: Vec::new(),
                    prefixes: [Vec::new(), Vec::new()],
                    tries: 0,
                }));
            }
            FlowReader::Again(_) | FlowReader::Named(..) | FlowReader::Unknown => {}
        }
    }

    fn datagram(
        &mut self,
        facts: &FlowFacts,
        reader: &mut FlowReader,
        direction: Direction,
        bytes: &[u8],
        at: At,
        parts: &[Part],
    ) {
        self.take(facts, reader, direction, bytes, at, parts, true);
    }

    fn is_medical(&self, reader: &FlowReader) -> bool {
        match reader {
            FlowReader::Reading(active) => ALL
                .get(active.protocol)
                .is_some_and(|protocol| protocol.is_medical()),
            _ => false,
        }
    }

    fn ended(&mut self, facts: &FlowFacts, mut reader: FlowReader) {
        let end = At {
            packet: facts.last_packet,
            time: facts.last,
            frame_offset: None,
        };
        if let FlowReader::Probing(mut probing) = reader {
            reader = match probing.ask(facts, facts.transport == Transport::Tcp, true) {
                Verdict::Named(protocol, confidence) => {
                    self.begin_with(facts, (protocol, confidence), &probing)
                }
                Verdict::Unknown | Verdict::Wait => {
                    self.probing_bytes -= probing.held();
                    FlowReader::Unknown
                }
            };
        }
        if let FlowReader::Reading(active) = &mut reader {
            self.session_bytes -= active.held;
            for direction in [Direction::FromOriginator, Direction::FromResponder] {
                if facts.happened.saw(direction, Happened::FIN) {
                    let end = source(end);
                    active.reading.finished(direction, end, self.session());
                }
            }
            active.reading.end(source(end), self.session());
            self.mark_unread();
            let (name, confidence) = reader.name();
            self.collect(facts, name, confidence);
        }
        let (name, confidence) = name_of(facts, &reader);
        let (key, sum) = facts.conversation(name);
        match self.conversations.get_mut(&key) {
            Some(known) => known.merge(&sum),
            None => {
                if self.conversations.len() >= self.conversations_max {
                    self.reached(&bounds::SUMS);
                    self.send_sums();
                }
                self.conversations.insert(key, sum);
            }
        }
        if let Some(conflict) = &facts.conflict {
            // Digests of patient data would tell whoever guesses it right.
            let is_private = self.is_medical(&reader);
            let conflict = Conflict::new(facts, conflict, name, is_private);
            self.out.push(Emission::Conflict(Box::new(conflict)));
        }
        if self.single_flows {
            let mut record = facts.record(name, confidence);
            record.server_name = self.server_names.remove(&facts.first_packet);
            self.out.push(Emission::Flow(Box::new(record)));
        }
    }
}

impl ShardReaders {
    #[expect(
        clippy::too_many_arguments,
        reason = "streams and datagrams come the same way"
    )]
    fn take(
        &mut self,
        facts: &FlowFacts,
        reader: &mut FlowReader,
        direction: Direction,
        bytes: &[u8],
        at: At,
        parts: &[Part],
        from_start: bool,
    ) {
        match std::mem::take(reader) {
            FlowReader::Fresh => {
                *reader = self.first(facts, direction, bytes, at, parts, from_start);
                if facts.transport == Transport::Udp && matches!(reader, FlowReader::Unknown) {
                    *reader = FlowReader::Again(DATAGRAM_TRIES - 1);
                }
            }
            FlowReader::Again(left) => {
                *reader = self.first(facts, direction, bytes, at, parts, from_start);
                if left > 1 && matches!(reader, FlowReader::Unknown) {
                    *reader = FlowReader::Again(left - 1);
                }
            }
            FlowReader::Probing(probing) => {
                *reader = self.probe(facts, probing, direction, bytes, at, parts);
            }
            FlowReader::Reading(active) => {
                *reader = FlowReader::Reading(active);
                self.read(facts, reader, direction, bytes, at, parts);
            }
            done => *reader = done,
        }
    }
}

fn name_of(facts: &FlowFacts, reader: &FlowReader) -> (&'static str, f32) {
    match facts.transport {
        Transport::Icmp => ("icmp", 1.0),
        Transport::Icmpv6 => ("icmpv6", 1.0),
        Transport::Other(2) => ("igmp", 1.0),
        Transport::Other(47) => (Tunnel::Gre.name(), 1.0),
        Transport::Other(50) => ("esp", 1.0),
        Transport::Other(51) => ("ah", 1.0),
        _ => match (facts.tunnel, reader.name()) {
            // What is in it named it.
            (Some(tunnel), (UNKNOWN, _)) => (tunnel.name(), 0.99),
            (_, named) => named,
        },
    }
}

fn source(at: At) -> Source {
    Source {
        packet: at.packet,
        time: at.time,
        frame_offset: at.frame_offset,
    }
}

/// Origins of the payload of a datagram that came in fragments; empty when it came whole.
fn origins(at: At, parts: &[Part], length: usize) -> Vec<Origin> {
    let Some(last) = parts.last() else {
        return Vec::new();
    };
    // The payload is the end of the datagram.
    let total = last.range.end as usize;
    let payload_start = total.saturating_sub(length);
    parts
        .iter()
        .filter(|part| part.range.end as usize > payload_start)
        .map(|part| {
            let skipped = payload_start.saturating_sub(part.range.start as usize);
            Origin {
                start: (part.range.start as usize + skipped) - payload_start,
                packet: part.packet,
                time: at.time,
                frame_offset: Some(part.frame_offset + skipped as u32),
            }
        })
        .collect()
}

/// Whether an address could be another organisation's: the flows whose translated leg is looked
/// for.
pub(crate) fn may_be_elsewhere(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            !(ip.is_private()
                || ip.is_link_local()
                || ip.is_loopback()
                || ip.is_multicast()
                || ip.is_broadcast()
                || ip.is_unspecified())
        }
        IpAddr::V6(_) => false,
    }
}
