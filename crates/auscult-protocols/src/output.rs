//! Where sessions say what they read, and how bytes are traced back to packets.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::hash::Hasher;
use std::ops::Range;
use std::sync::Arc;

use auscult_model::{
    About, Attribute, Bound, Bounds, Direction, Meaning, PacketRef, PhiKind, PhiRange, Timestamp,
    Transport,
};

use crate::PatientKey;
use crate::reading::Source;

/// Bytes of the presented slice from `start` on (up to the next origin) came from this packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// First byte in the presented slice.
    pub start: usize,
    /// The packet.
    pub packet: PacketRef,
    /// Its time.
    pub time: Timestamp,
    /// Where that first byte lies in the frame as captured; `None` when it cannot be told
    /// (datagrams put together from fragments of which this is not the first).
    pub frame_offset: Option<u32>,
}

/// A packet and its time, kept by a session to say later where a message began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// Time of the packet.
    pub time: Timestamp,
    /// The packet.
    pub packet: PacketRef,
}

/// Where a message lies: the packet with its first byte and the one that completed it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Packet with the first byte.
    pub first: Mark,
    /// Packet with the last byte.
    pub last: Mark,
}

/// One statement of a session; the engine adds who and whom.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// Which side sent the message.
    pub direction: Direction,
    /// Where it lies.
    pub place: Place,
    /// How sure, 0 to 1.
    pub confidence: f32,
    /// What was said.
    pub meaning: Meaning,
    /// Declared attributes.
    pub attributes: Vec<Attribute>,
}

impl Said {
    /// Adds a declared attribute.
    pub fn with(&mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> &mut Self {
        self.attributes.push((name, value.into()));
        self
    }

    /// Sets how sure it is.
    pub fn sure(&mut self, confidence: f32) -> &mut Self {
        self.confidence = confidence;
        self
    }

    /// Says that the other side is the sender.
    pub fn from_side(&mut self, direction: Direction) -> &mut Self {
        self.direction = direction;
        self
    }
}

/// A flow that this one announced, between the same two hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// What will carry it.
    pub transport: Transport,
    /// Which side of this flow will be spoken to.
    pub server: Direction,
    /// On which port.
    pub port: u16,
    /// What it will speak, by record name.
    pub protocol: &'static str,
    /// What its session should know (the name of the file that will cross).
    pub note: Option<Arc<str>>,
}

/// Numbers and curves measured on a patient: they stay near the parser, few facts about them
/// travel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sample<'a> {
    /// Consecutive samples of one channel, without scale.
    Wave {
        /// Channel (`ecg1`, `resp`, `pleth`, …).
        channel: &'static str,
        /// The samples.
        values: &'a [u8],
    },
    /// One number.
    Number {
        /// Quantity (`heart-rate`, `spo2`, …).
        quantity: &'static str,
        /// Value in the unit.
        value: f64,
        /// Unit (`/min`, `%`, `mmHg`, `Cel`).
        unit: &'static str,
    },
    /// Samples were lost here.
    Discontinuity,
}

/// Takes samples.
pub trait SampleSink {
    /// One sample or block of samples, of the sender `direction`, at a packet.
    fn sample(&mut self, direction: Direction, at: Mark, sample: &Sample<'_>);

    /// Whether anybody takes them: else protocols need not make them.
    fn wants_samples(&self) -> bool {
        true
    }
}

/// Counts limits that were reached and oddities that were met, by name.
pub type Limits = BTreeMap<&'static str, u64>;

pub(crate) static STATEMENTS: Bound = Bound::settable(
    "statements",
    65_536,
    "statements on one packet",
    "the last one counts for all that follow",
);

/// What a session writes to while it reads one presented slice.
pub struct Output<'a> {
    /// Which side sent the bytes that are being read.
    pub direction: Direction,
    /// Origins of the presented bytes, in order, the first at 0. Never empty.
    origins: &'a [Origin],
    said: &'a mut Vec<Said>,
    expected: &'a mut Vec<Expectation>,
    samples: &'a mut dyn SampleSink,
    limits: &'a mut Limits,
    bounds: &'a Bounds,
    key: &'a PatientKey,
    unread: Option<&'a mut Vec<UnreadBytes>>,
}

/// What outlives one presented slice.
pub struct Collected<'a> {
    /// Statements.
    pub said: &'a mut Vec<Said>,
    /// Announced flows.
    pub expected: &'a mut Vec<Expectation>,
    /// Where samples go.
    pub samples: &'a mut dyn SampleSink,
    /// Limits reached, and oddities met.
    pub limits: &'a mut Limits,
    /// The bounds to keep.
    pub bounds: &'a Bounds,
    /// Key of patient digests, random per run.
    pub key: &'a PatientKey,
    /// Bytes that no session looked at, where somebody wants to know.
    pub unread: Option<&'a mut Vec<UnreadBytes>>,
}

/// Bytes of a packet that came to a session, and that are not to be shown: it left them out, so
/// that nobody knows what they are, or they are a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadBytes {
    /// The packet.
    pub packet: PacketRef,
    /// The bytes in its frame as captured; all of them when it cannot be told.
    pub bytes: Range<u32>,
}

impl Collected<'_> {
    /// The same places, borrowed for one call.
    pub fn again(&mut self) -> Collected<'_> {
        Collected {
            said: self.said,
            expected: self.expected,
            samples: self.samples,
            limits: self.limits,
            bounds: self.bounds,
            key: self.key,
            unread: self.unread.as_deref_mut(),
        }
    }

    /// Notes that the presented bytes of `range`, which have these origins, were not looked at.
    pub(crate) fn left_out(&mut self, range: Range<usize>, origins: &[Origin]) {
        leave_out(self.unread.as_deref_mut(), range, origins);
    }
}

/// Where a part of a message begins in it; `None` when it is none.
pub(crate) fn offset_in(message: &[u8], part: &[u8]) -> Option<usize> {
    let start = part.as_ptr().addr().wrapping_sub(message.as_ptr().addr());
    (start <= message.len()).then_some(start)
}

fn leave_out(unread: Option<&mut Vec<UnreadBytes>>, range: Range<usize>, origins: &[Origin]) {
    if let Some(unread) = unread {
        for_each_place(origins, range, |origin, offset, length| {
            let bytes = offset.map_or(0..u32::MAX, |start| {
                start..start.saturating_add(length as u32)
            });
            let packet = origin.packet;
            unread.push(UnreadBytes { packet, bytes });
        });
    }
}

/// Calls for each packet that carried bytes of `range`: its origin, where they begin in its frame,
/// how many they are.
fn for_each_place(
    origins: &[Origin],
    range: Range<usize>,
    mut take: impl FnMut(&Origin, Option<u32>, usize),
) {
    let mut at = range.start;
    while at < range.end {
        let index = origins.partition_point(|origin| origin.start <= at);
        let Some(origin) = origins.get(index.saturating_sub(1)) else {
            return;
        };
        let next = origins.get(index).map_or(usize::MAX, |origin| origin.start);
        let end = range.end.min(next);
        let offset = origin
            .frame_offset
            .map(|offset| offset.saturating_add((at - origin.start) as u32));
        take(origin, offset, end - at);
        at = end;
    }
}

impl<'a> Output<'a> {
    /// For bytes of `direction` with these origins (at least one).
    pub fn new(direction: Direction, origins: &'a [Origin], collected: Collected<'a>) -> Self {
        debug_assert!(!origins.is_empty());
        let Collected {
            said,
            expected,
            samples,
            limits,
            bounds,
            key,
            unread,
        } = collected;
        Output {
            direction,
            origins,
            said,
            expected,
            samples,
            limits,
            bounds,
            key,
            unread,
        }
    }

    /// The packet that carried byte `at` of the presented slice.
    pub fn mark(&self, at: usize) -> Mark {
        let index = self
            .origins
            .partition_point(|origin| origin.start <= at)
            .saturating_sub(1);
        self.origins
            .get(index)
            .map_or_else(Mark::default, |origin| Mark {
                time: origin.time,
                packet: origin.packet,
            })
    }

    /// Where the presented bytes of `range` lie; for an empty range, where it starts.
    pub fn place(&self, range: Range<usize>) -> Place {
        let last = range.end.saturating_sub(1).max(range.start);
        Place {
            first: self.mark(range.start),
            last: self.mark(last),
        }
    }

    /// As [`Output::place`], for a message that began in an earlier call.
    pub fn place_since(&self, first: Mark, end: usize) -> Place {
        Place {
            first,
            last: self.mark(end.saturating_sub(1)),
        }
    }

    /// The packets that carried the presented bytes of `range`, with their parts of it.
    pub(crate) fn sources(&self, range: Range<usize>) -> Vec<(Range<usize>, Source)> {
        let mut sources = Vec::new();
        let mut at = range.start;
        for_each_place(self.origins, range, |origin, frame_offset, length| {
            let source = Source {
                packet: origin.packet,
                time: origin.time,
                frame_offset,
            };
            sources.push((at..at + length, source));
            at += length;
        });
        sources
    }

    /// Where a session inside this one writes to, with statements and announcements of its own.
    pub(crate) fn within<'b>(
        &'b mut self,
        said: &'b mut Vec<Said>,
        expected: &'b mut Vec<Expectation>,
    ) -> Collected<'b> {
        Collected {
            said,
            expected,
            samples: self.samples,
            limits: self.limits,
            bounds: self.bounds,
            key: self.key,
            unread: self.unread.as_deref_mut(),
        }
    }

    /// Says something with full confidence; change it on the returned statement.
    pub fn say(&mut self, place: Place, meaning: Meaning) -> &mut Said {
        if self.said.len() >= self.bound(&STATEMENTS) {
            self.reached(&STATEMENTS);
            self.said.pop();
        }
        self.said.push(Said {
            direction: self.direction,
            place,
            confidence: 1.0,
            meaning,
            attributes: Vec::new(),
        });
        let newest = self.said.len() - 1;
        &mut self.said[newest]
    }

    /// Says that the sender offers a service at `port`.
    pub(crate) fn offer(
        &mut self,
        place: Place,
        transport: Transport,
        port: u16,
        protocol: &'static str,
    ) -> &mut Said {
        let offer = Meaning::ServiceOffered {
            about: About::Sender,
            transport,
            port,
            protocol,
        };
        self.say(place, offer)
    }

    /// Says what the sender claims of itself; nothing when the value is empty.
    pub(crate) fn claim(
        &mut self,
        place: Place,
        attribute: &'static str,
        value: String,
    ) -> Option<&mut Said> {
        let claim = Meaning::Claim {
            about: About::Sender,
            attribute,
            value: Some(value).filter(|value| !value.is_empty())?,
        };
        Some(self.say(place, claim))
    }

    /// Where the presented bytes of `range` lie in their frames, a range a packet.
    pub fn phi(&self, range: Range<usize>, kind: PhiKind, into: &mut Vec<PhiRange>) {
        for_each_place(self.origins, range, |origin, offset, length| {
            if let Some(start) = offset {
                into.push(PhiRange {
                    packet: origin.packet,
                    bytes: start..start.saturating_add(length as u32),
                    kind,
                });
            }
        });
    }

    /// The presented bytes of `range` are a secret, or were not looked at: whoever shows the packet
    /// withholds them.
    pub(crate) fn withhold(&mut self, range: Range<usize>) {
        leave_out(self.unread.as_deref_mut(), range, self.origins);
    }

    /// As [`Output::withhold`], for places that were noted before.
    pub(crate) fn withhold_noted(&mut self, places: impl IntoIterator<Item = PhiRange>) {
        if let Some(unread) = self.unread.as_deref_mut() {
            unread.extend(places.into_iter().map(|place| UnreadBytes {
                packet: place.packet,
                bytes: place.bytes,
            }));
        }
    }

    /// As [`Output::withhold`], for a part of the message that is presented from its first byte on.
    pub(crate) fn withhold_part(&mut self, message: &[u8], part: &[u8]) {
        self.withhold_within(message, 0, part);
    }

    /// The same, for a message that begins at byte `at` of what is presented.
    pub(crate) fn withhold_within(&mut self, message: &[u8], at: usize, part: &[u8]) {
        if let Some(start) = offset_in(message, part).filter(|_| !part.is_empty()) {
            self.withhold(at + start..at + start + part.len());
        }
    }

    /// Announces a flow between the same two hosts.
    pub fn expect(&mut self, expectation: Expectation) {
        self.expected.push(expectation);
    }

    /// Whether samples are passed on to anybody.
    pub fn wants_samples(&self) -> bool {
        self.samples.wants_samples()
    }

    /// Passes samples on.
    pub fn sample(&mut self, at: usize, sample: &Sample<'_>) {
        let mark = self.mark(at);
        self.samples.sample(self.direction, mark, sample);
    }

    /// How many there may be.
    pub fn bound(&self, bound: &Bound) -> usize {
        self.bounds.of(bound)
    }

    /// Counts a bound that was reached.
    pub fn reached(&mut self, bound: &Bound) {
        *self.limits.entry(bound.name).or_default() += 1;
    }

    /// Counts something that is not as it should be, and no bound.
    pub fn odd(&mut self, name: &'static str) {
        *self.limits.entry(name).or_default() += 1;
    }

    /// Keyed digest that tells patients apart within this run; never shown or kept.
    pub fn patient_digest(&self, parts: &[&[u8]]) -> u64 {
        let mut hasher = self.key.hasher();
        for part in parts {
            hasher.write_usize(part.len());
            hasher.write(part);
        }
        hasher.finish()
    }
}
