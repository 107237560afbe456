//! HL7 version 2 over MLLP: the messages of monitors, gateways, laboratories and records.
//!
//! Sources: HL7 v2.3-v2.8 chapters 2-7, HL7 "Transport: MLLP" release 1 and 2, IHE DEV technical
//! framework (PCD-01, -03, -04, -10), ISO/IEEE 11073-10101. Delimiter injection: the class of
//! CISA ICSMA-21-007-01. Limits: 16 MiB a message, 64 KiB a segment (longer ones are opaque);
//! HL7 over HTTP and files is not read here.

mod answers;
mod charset;
mod device;
mod framing;
mod mdc;
mod message;
mod patient;
mod probe;
mod syntax;
#[cfg(test)]
mod tests;

use std::ops::Range;

use auscult_model::{About, Bound, Direction, Meaning, Transport};
use encoding_rs::Encoding;

use self::answers::{Answers, accepts};
use self::charset::{Charset, transcode};
use self::framing::{Framed, Framing, Item, Quirk, Step};
use self::message::{Message, Teller, parties};
use self::patient::{Whereabouts, kind_of_long};
use self::syntax::{Delimiters, Reader, Segment, split_fields};
use crate::{Output, Probe, Progress, Protocol, Record, Seen, Session, Start, Tier};

pub use self::patient::VALUES as PATIENT_VALUES;

static MESSAGE: Bound = Bound::settable(
    "hl7-long-message",
    16 << 20,
    "bytes of one message",
    "it is told as far as it was read, and the next is searched for",
);

/// Until so many messages fit after a loss, nothing is sure.
const TRUST_AFTER: u8 = 2;

/// How sure a statement is until then.
const DISTRUSTED: f32 = 0.9;

/// Longest text of sender and receiver that is recognised again, in bytes.
const PARTIES_MAX: usize = 1024;

/// So many entries of memory are kept between segments.
const SCRATCH_KEPT: usize = 4096;

static RECORD: Record = Record {
    name: "hl7",
    title: "HL7 version 2 (MLLP)",
    tier: Tier::Decoded,
    transports: &[Transport::Tcp],
    ports: &[
        2575, 2576, 3200, 4601, 5000, 5001, 5100, 6661, 7777, 7788, 8000, 10_000, 20_000, 60_000,
    ],
    weak: false,
    sources: &[
        "HL7 v2.5.1, v2.7",
        "HL7 Transport Specification: MLLP, release 1 and 2",
        "IHE Devices technical framework (PCD)",
        "ISO/IEEE 11073-10101",
        "CISA ICSMA-21-007-01",
    ],
    reads: &[
        "framing and its variants, delimiters, escapes, character sets",
        "who sends and receives, software, device identity",
        "patient, visit, kin, insurance, orders, results, each with its place",
        "vital signs, alarms, infusion orders, acknowledgements",
        "segments injected through values",
    ],
    leaves_out: "waveform samples, embedded documents, scheduling, billing, documents' authors, \
                 HL7 over HTTP, segments before the first header of a stream joined in its middle",
    attributes: &[
        ("control_id", "MSH-10"),
        ("processing_id", "MSH-11: P, T or D"),
        ("version", "MSH-12"),
        ("structure", "MSH-9.3"),
        ("profile", "MSH-21"),
        ("charset", "MSH-18"),
        ("z_segments", "names of the maker's own segments"),
        ("partial", "true when the end of the message was not seen"),
        (
            "universal_id",
            "second component of a sender's or receiver's name",
        ),
        ("universal_id_type", "third component of it"),
        (
            "describes",
            "sender, behind (a device behind it) or unknown",
        ),
        (
            "device_instance",
            "identifier of the device that a claim or an alarm is about",
        ),
        ("alarm_source", "what raised it"),
        ("alarm_phase", "start, continue, end, ..."),
        ("alarm_state", "inactive, active, latched"),
        (
            "alarm_inactivation",
            "enabled, alarm-paused, audio-off, ...",
        ),
        ("alarm_priority", "PN, PL, PM or PH"),
        ("alarm_type", "SP physiological, ST technical, SA advisory"),
    ],
    bounds: &[
        &framing::SEGMENT,
        &MESSAGE,
        &answers::UNANSWERED,
        &patient::VALUES,
    ],
    false_likely: "1 in 2^23 random prefixes (an empty frame alone)",
};

/// The protocol.
pub struct Hl7;

impl Protocol for Hl7 {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        probe::probe(seen)
    }

    fn is_medical(&self) -> bool {
        true
    }

    fn start(&self, start: &Start) -> Box<dyn Session> {
        Box::new(Conversation {
            sides: [Side::new(start.from_start), Side::new(start.from_start)],
            answers: Answers::default(),
            scratch: Scratch::default(),
        })
    }
}

/// One connection.
struct Conversation {
    sides: [Side; 2],
    answers: Answers,
    scratch: Scratch,
}

/// Memory that is used again for every segment.
#[derive(Debug, Default)]
struct Scratch {
    text: Vec<u8>,
    map: Vec<u32>,
    fields: Vec<Range<usize>>,
}

impl Scratch {
    /// After a segment of many fields or much decoded text, gives the memory back.
    fn trim(&mut self) {
        if self.fields.capacity() > SCRATCH_KEPT || self.map.capacity() > SCRATCH_KEPT {
            *self = Scratch::default();
        }
    }
}

/// What one side sends.
struct Side {
    framing: Framing,
    framed: Framed,
    /// A batch header came in this frame: several messages are legitimate.
    batch: bool,
    message: Option<Box<Message>>,
    /// Messages that have to fit before the side is trusted again.
    distrust: u8,
    /// Bit per quirk that was claimed.
    quirks: u16,
    delimiters: Option<Delimiters>,
    told: Option<Box<Told>>,
}

/// Who sends and who receives, as last claimed: a connection is mostly between the same two, and
/// need not say so with every message.
struct Told {
    delimiters: Delimiters,
    /// MSH-3 to MSH-6, cut: what is longer is never the same again.
    parties: Vec<u8>,
    confidence: f32,
    /// EUI-64 of the sender.
    sender: Option<String>,
}

impl Told {
    fn new(msh: &Segment<'_>, confidence: f32, sender: Option<String>) -> Self {
        let parties = Told::parties(msh);
        Told {
            delimiters: msh.reader.delimiters,
            parties: parties.get(..PARTIES_MAX).unwrap_or(parties).to_vec(),
            confidence,
            sender,
        }
    }

    fn parties<'a>(msh: &Segment<'a>) -> &'a [u8] {
        let fields = msh.fields.get(3..).unwrap_or_default();
        match fields.get(..4).unwrap_or(fields) {
            [first, .., last] => msh.text.get(first.start..last.end),
            [only] => msh.text.get(only.clone()),
            [] => None,
        }
        .unwrap_or_default()
    }

    fn covers(&self, msh: &Segment<'_>, confidence: f32) -> bool {
        self.confidence >= confidence
            && self.delimiters == msh.reader.delimiters
            && self.parties == Told::parties(msh)
    }
}

impl Side {
    fn new(from_start: bool) -> Self {
        Side {
            framing: Framing::new(from_start),
            framed: Framed::Unknown,
            batch: false,
            message: None,
            distrust: if from_start { 0 } else { TRUST_AFTER },
            quirks: 0,
            delimiters: None,
            told: None,
        }
    }

    fn confidence(&self) -> f32 {
        if self.distrust > 0 { DISTRUSTED } else { 1.0 }
    }

    fn teller<'o, 'p>(&self, range: Range<usize>, out: &'o mut Output<'p>) -> Teller<'o, 'p> {
        let place = match &self.message {
            Some(message) => out.place_since(message.first(), range.end),
            None => out.place(range.clone()),
        };
        let confidence = self
            .message
            .as_ref()
            .map_or(self.confidence(), |m| m.confidence());
        let direction = out.direction;
        Teller {
            out,
            direction,
            place,
            confidence,
            at: range.start,
        }
    }

    fn quirk(&mut self, quirk: Quirk, range: Range<usize>, out: &mut Output<'_>) {
        let bit = 1 << quirk as u16;
        if self.quirks & bit == 0 {
            self.quirks |= bit;
            let (about, attribute) = (About::Sender, "mllp_quirk");
            let value = quirk.word().to_owned();
            self.teller(range, out).say(Meaning::Claim {
                about,
                attribute,
                value,
            });
        }
    }

    /// Ends the message that is being read, if any. Its end is in the packet with byte `end`.
    fn finish(
        &mut self,
        end: Option<usize>,
        whole: bool,
        answers: &mut Answers,
        out: &mut Output<'_>,
    ) {
        if let Some(message) = self.message.take() {
            let end = end.map(|end| out.mark(end));
            message.finish(end, whole, answers, out);
            if whole {
                self.distrust = self.distrust.saturating_sub(1);
            }
        }
    }

    /// The character set that has to be decoded before delimiters can be told apart.
    fn hiding(&self, raw: &[u8], fields: &mut Vec<Range<usize>>) -> Option<&'static Encoding> {
        if let wide @ Some(_) = Charset::wide(self.framing.width()) {
            return wide;
        }
        if raw.is_ascii() && memchr::memchr(0x1b, raw).is_none() {
            return None;
        }
        let charset = match Delimiters::read(raw) {
            Some(delimiters) => declared(raw, delimiters, fields),
            None => self.message.as_ref()?.reader.charset,
        };
        charset.hides_delimiters()
    }

    /// A header segment: MSH begins a message, FHS and BHS a batch.
    fn header(
        &mut self,
        msh: &Segment<'_>,
        declared: Charset,
        range: Range<usize>,
        answers: &mut Answers,
        out: &mut Output<'_>,
    ) {
        if self.message.is_some() {
            if self.framed == Framed::Yes && !self.batch {
                self.teller(range.clone(), out)
                    .malformed("two MSH segments in one frame");
            }
            self.finish(Some(range.start), true, answers, out);
        }
        if msh.name() != b"MSH" {
            self.batch = true;
            return;
        }
        let delimiters = msh.reader.delimiters;
        let is_new = self
            .told
            .as_ref()
            .is_none_or(|told| !told.covers(msh, self.confidence()));
        let mut teller = self.teller(range, out);
        if self.delimiters.is_some_and(|before| before != delimiters) {
            teller.malformed("delimiters changed within a connection");
        }
        let first = teller.place.first;
        if is_new {
            let sender = parties(msh, &mut teller);
            self.told = Some(Box::new(Told::new(msh, teller.confidence, sender)));
        }
        let sender = self.told.as_ref().and_then(|told| told.sender.clone());
        let mut message = Message::begin(msh, first, sender, &teller);
        message.reader.charset = declared;
        self.delimiters = Some(delimiters);
        self.message = Some(Box::new(message));
    }
}

/// MSH-18 of a header that is still raw.
fn declared(raw: &[u8], delimiters: Delimiters, fields: &mut Vec<Range<usize>>) -> Charset {
    split_fields(raw, &delimiters, fields);
    let reader = Reader {
        delimiters,
        charset: Charset::default(),
    };
    let msh = Segment {
        text: raw,
        fields,
        reader,
    };
    Charset::declared(msh.field(18).repeats().map(|name| name.bytes))
}

impl Conversation {
    fn item(&mut self, item: Item, bytes: &[u8], range: Range<usize>, out: &mut Output<'_>) {
        let Conversation {
            sides: [first, second],
            answers,
            scratch,
        } = self;
        let (side, other) = match out.direction {
            Direction::FromOriginator => (first, second),
            Direction::FromResponder => (second, first),
        };
        match item {
            Item::Segment(segment) => {
                let raw = bytes.get(segment.clone()).unwrap_or_default();
                let answer = read_segment(side, raw, segment, answers, scratch, out);
                scratch.trim();
                if let Some((control_id, code)) = answer
                    && let Some(granted) = accepts(&code)
                    && !answers.answer(out.direction, Some(&control_id), granted, out)
                    && let Some(message) = &mut other.message
                    && message.control_id == control_id
                {
                    message.answered = message.answered.or(Some(granted));
                }
            }
            Item::Start(framed) => {
                side.finish(None, framed == Framed::No, answers, out);
                side.framed = framed;
                side.batch = false;
                if framed == Framed::No {
                    side.quirk(Quirk::NoFrameStart, range, out);
                }
            }
            Item::Long { piece, head } => long_segment(side, bytes, piece, head, answers, out),
            Item::End => side.finish(Some(range.start), true, answers, out),
            Item::Interrupted { torn } => {
                if !torn && side.message.is_some() {
                    side.quirk(Quirk::NoFrameEnd, range, out);
                }
                side.finish(None, !torn, answers, out);
                if torn {
                    side.distrust = TRUST_AFTER;
                }
            }
            Item::Commit(granted) => {
                side.quirk(Quirk::CommitAck, range, out);
                answers.answer(out.direction, None, granted, out);
            }
            Item::Quirk(quirk) => side.quirk(quirk, range, out),
            Item::Garbage => {
                side.teller(range, out)
                    .malformed("bytes outside of a frame");
                side.distrust = TRUST_AFTER;
            }
        }
    }
}

/// Reads one segment. Returns the answer that it holds: control id and code.
fn read_segment(
    side: &mut Side,
    raw: &[u8],
    range: Range<usize>,
    answers: &mut Answers,
    scratch: &mut Scratch,
    out: &mut Output<'_>,
) -> Option<(String, String)> {
    let Scratch {
        text: decoded,
        map,
        fields,
    } = scratch;
    let hiding = side.hiding(raw, fields);
    let is_decoded = hiding.is_some_and(|encoding| transcode(encoding, raw, decoded, map));
    let text = if is_decoded { decoded.as_slice() } else { raw };
    if let Some(delimiters) = Delimiters::read(text) {
        let declared = declared(text, delimiters, fields);
        let charset = if is_decoded { Charset::UTF_8 } else { declared };
        let msh = Segment {
            text,
            fields,
            reader: Reader {
                delimiters,
                charset,
            },
        };
        side.header(&msh, declared, range, answers, out);
        return None;
    }
    let message = side.message.as_mut()?;
    message.length += raw.len() as u64;
    if message.length > out.bound(&MESSAGE) as u64 {
        too_long(side, answers, out);
        return None;
    }
    let mut reader = message.reader;
    if is_decoded {
        reader.charset = Charset::UTF_8;
    }
    split_fields(text, &reader.delimiters, fields);
    let segment = Segment {
        text,
        fields,
        reader,
    };
    let map = is_decoded.then_some(map.as_slice());
    let whereabouts = Whereabouts {
        base: range.start,
        map,
    };
    let mut teller = side.teller(range, out);
    let message = side.message.as_mut()?;
    message.segment(&segment, whereabouts, &mut teller)
}

/// A piece of a segment that is too long to be read: marked whole.
fn long_segment(
    side: &mut Side,
    bytes: &[u8],
    piece: Range<usize>,
    head: bool,
    answers: &mut Answers,
    out: &mut Output<'_>,
) {
    if head {
        out.reached(&framing::SEGMENT);
    }
    let Some(message) = side.message.as_mut() else {
        return;
    };
    message.length += piece.len() as u64;
    if message.length > out.bound(&MESSAGE) as u64 {
        return too_long(side, answers, out);
    }
    let name = bytes.get(piece.start..piece.start + 3).unwrap_or_default();
    message.long_piece(head.then(|| kind_of_long(name)), piece, out);
}

/// Gives a message up and searches for the next.
fn too_long(side: &mut Side, answers: &mut Answers, out: &mut Output<'_>) {
    out.reached(&MESSAGE);
    side.finish(None, false, answers, out);
    side.framing.lose();
}

impl Session for Conversation {
    fn data(&mut self, direction: Direction, bytes: &[u8], out: &mut Output<'_>) -> Progress {
        let mut at = 0;
        while at < bytes.len() {
            match self.sides[direction.index()].framing.step(bytes, at) {
                Step::Wait => {
                    let need = bytes.len() - at + 1;
                    return Progress::Need { used: at, need };
                }
                Step::To(to, item) => {
                    if let Some(item) = item {
                        self.item(item, bytes, at..to, out);
                    }
                    at = to;
                }
            }
        }
        Progress::Used(at)
    }

    fn gap(&mut self, direction: Direction, _: Option<u64>, out: &mut Output<'_>) {
        let side = &mut self.sides[direction.index()];
        side.framing.lose();
        side.finish(None, false, &mut self.answers, out);
        side.distrust = TRUST_AFTER;
    }

    fn end(&mut self, out: &mut Output<'_>) {
        for direction in [Direction::FromOriginator, Direction::FromResponder] {
            let side = &mut self.sides[direction.index()];
            if side.framing.ends_bare() {
                out.direction = direction;
                side.quirk(Quirk::NoFinalCr, 0..0, out);
            }
            // Without frames only the end of the stream ends the last message.
            let whole = side.framed == Framed::No;
            side.finish(None, whole, &mut self.answers, out);
        }
        self.answers.end(out);
    }
}
