//! Cuts one direction into frames and segments, whatever variant of MLLP its sender speaks.
//!
//! Sources: HL7 v2 Transport: MLLP release 1 and 2; variants as field software (HAPI, Mirth,
//! interface logs) sends them.
//! ```text
//! 0B message 1C 0D           release 1       0B 06 1C 0D / 0B 15 1C 0D   release 2 commit ack
//! 0B 1C 0D                   empty frame     MSH...0D PID...0D           no frame bytes at all
//! ... 1C | 1C 0A | 1C 0D 0A  other ends      00 0B 00 4D | 0B 00 4D 00   UTF-16
//! ```
//! Limits: a segment longer than [`SEGMENT_MAX`] is handed on in opaque pieces. After a gap the
//! byte order of UTF-16 cannot be told apart by ASCII text alone; the order seen before is kept.

use std::ops::Range;

use auscult_model::Bound;

use super::syntax::{Header, header};

pub(super) static SEGMENT: Bound = Bound::constant(
    "hl7-long-segment",
    64 << 10,
    "bytes of one segment",
    "it is not read, and counts as patient data as a whole",
);
pub(super) const SEGMENT_MAX: usize = SEGMENT.default as usize;

/// Width and order of a code unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Width {
    #[default]
    Narrow,
    LittleEndian,
    BigEndian,
}

impl Width {
    pub(super) fn unit(self, bytes: &[u8], at: usize) -> Option<(u16, usize)> {
        let first = *bytes.get(at)?;
        if self == Width::Narrow {
            return Some((first.into(), at + 1));
        }
        let pair = [first, *bytes.get(at + 1)?];
        let unit = match self {
            Width::BigEndian => u16::from_be_bytes(pair),
            _ => u16::from_le_bytes(pair),
        };
        Some((unit, at + 2))
    }

    fn size(self) -> usize {
        if self == Width::Narrow { 1 } else { 2 }
    }
}

/// A way of framing that differs from `0B message 1C 0D` with CR after each segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quirk {
    NoFrameStart,
    NoFrameEnd,
    NoFinalCr,
    EndsFsLf,
    EndsFsCrLf,
    EmptyFrame,
    CommitAck,
    LfSegments,
    CrLfSegments,
    ByteOrderMark,
    Utf16,
}

impl Quirk {
    /// The value of the claim `mllp_quirk`.
    pub(super) fn word(self) -> &'static str {
        match self {
            Quirk::NoFrameStart => "no-frame-start",
            Quirk::NoFrameEnd => "no-frame-end",
            Quirk::NoFinalCr => "no-final-cr",
            Quirk::EndsFsLf => "ends-fs-lf",
            Quirk::EndsFsCrLf => "ends-fs-cr-lf",
            Quirk::EmptyFrame => "empty-frame",
            Quirk::CommitAck => "commit-ack",
            Quirk::LfSegments => "lf-segments",
            Quirk::CrLfSegments => "cr-lf-segments",
            Quirk::ByteOrderMark => "byte-order-mark",
            Quirk::Utf16 => "utf-16",
        }
    }
}

/// Whether a start byte was seen before a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framed {
    Yes,
    No,
    /// Picked up after a loss.
    Unknown,
}

/// What the next bytes are; ranges lie in the presented slice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// A message, or a batch of them, begins.
    Start(Framed),
    /// One segment without its terminator.
    Segment(Range<usize>),
    /// A piece of a segment that is too long, the first one with its name.
    Long {
        piece: Range<usize>,
        head: bool,
    },
    /// The end byte.
    End,
    /// A start byte stands where a segment or the end byte should, or inside a segment (torn).
    Interrupted {
        torn: bool,
    },
    /// Release 2 acknowledgement.
    Commit(bool),
    Quirk(Quirk),
    /// Bytes that no frame holds; a message is searched for from here on.
    Garbage,
}

/// What became of the bytes.
pub(super) enum Step {
    /// More bytes are needed from here on.
    Wait,
    /// Read up to here.
    To(usize, Option<Item>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Between,
    /// After the start byte.
    Opened,
    /// After the end byte, and after the CR that follows it.
    Closed {
        cr: bool,
    },
    Segments,
    Long,
    /// Searching for a message; the byte before.
    Lost(u8),
}

/// The reader of one direction.
#[derive(Debug)]
pub(super) struct Framing {
    state: State,
    width: Width,
    /// Set by the first segment of a message.
    terminator: Option<u8>,
    /// So many bytes of the current segment hold no end.
    scanned: usize,
    /// The last segment was cut by a start byte.
    torn: bool,
}

/// Where a segment ends.
enum End {
    At(usize),
    /// More bytes are needed to tell whether this is the end.
    Unsure(usize),
    NotYet,
}

const CR: u16 = 0x0d;
const LF: u16 = 0x0a;
const VT: u16 = 0x0b;
const FS: u16 = 0x1c;

impl Framing {
    pub(super) fn new(from_start: bool) -> Self {
        Framing {
            state: if from_start {
                State::Between
            } else {
                State::Lost(0)
            },
            width: Width::Narrow,
            terminator: None,
            scanned: 0,
            torn: false,
        }
    }

    pub(super) fn width(&self) -> Width {
        self.width
    }

    /// Bytes are missing here.
    pub(super) fn lose(&mut self) {
        self.state = State::Lost(0);
        self.scanned = 0;
    }

    /// The stream ended right after an end byte.
    pub(super) fn ends_bare(&self) -> bool {
        self.state == State::Closed { cr: false }
    }

    /// Reads the bytes from `at` on.
    pub(super) fn step(&mut self, bytes: &[u8], at: usize) -> Step {
        match self.state {
            State::Between => self.between(bytes, at),
            State::Opened => self.opened(bytes, at),
            State::Closed { cr } => self.closed(bytes, at, cr),
            State::Segments => self.segment(bytes, at),
            State::Long => self.long(bytes, at),
            State::Lost(before) => self.search(bytes, at, before),
        }
    }

    fn between(&mut self, bytes: &[u8], at: usize) -> Step {
        let rest = bytes.get(at..).unwrap_or_default();
        match rest {
            [0x0b] | [0x00] | [0xef] | [0xef, 0xbb] | [0xfe] | [0xff] | [b'M'] => Step::Wait,
            [0x0b, 0x00, ..] => self.open(at + 2, Width::LittleEndian),
            [0x00, 0x0b, ..] => self.open(at + 2, Width::BigEndian),
            [0x0b, ..] => self.open(at + 1, Width::Narrow),
            [0xef, 0xbb, 0xbf, ..] => Step::To(at + 3, Some(Item::Quirk(Quirk::ByteOrderMark))),
            [0xff, 0xfe, ..] => self.marked(at + 2, Width::LittleEndian),
            [0xfe, 0xff, ..] => self.marked(at + 2, Width::BigEndian),
            [0x00, b'M', ..] => self.begin(bytes, at, Width::BigEndian, Framed::No),
            [b'M', 0x00, ..] => self.begin(bytes, at, Width::LittleEndian, Framed::No),
            [b'M' | b'F' | b'B', ..] => self.begin(bytes, at, Width::Narrow, Framed::No),
            [0x0d | 0x0a | 0x1c | 0x20, ..] => Step::To(at + 1, None),
            [0x00, ..] if self.width != Width::Narrow => Step::To(at + 1, None),
            _ => self.garbage(at),
        }
    }

    fn marked(&mut self, to: usize, width: Width) -> Step {
        self.width = width;
        Step::To(to, Some(Item::Quirk(Quirk::ByteOrderMark)))
    }

    fn open(&mut self, to: usize, width: Width) -> Step {
        self.width = width;
        self.state = State::Opened;
        let quirk = (width != Width::Narrow).then_some(Item::Quirk(Quirk::Utf16));
        Step::To(to, quirk)
    }

    fn begin(&mut self, bytes: &[u8], at: usize, width: Width, framed: Framed) -> Step {
        match header(bytes, at, width) {
            Header::Good => {
                self.width = width;
                self.state = State::Segments;
                self.terminator = None;
                self.scanned = 0;
                Step::To(at, Some(Item::Start(framed)))
            }
            Header::Short => Step::Wait,
            Header::Bad => self.garbage(at),
        }
    }

    fn garbage(&mut self, at: usize) -> Step {
        self.state = State::Lost(0);
        Step::To(at, Some(Item::Garbage))
    }

    fn opened(&mut self, bytes: &[u8], at: usize) -> Step {
        let width = self.width;
        let Some((unit, next)) = width.unit(bytes, at) else {
            return Step::Wait;
        };
        match unit {
            FS => {
                self.state = State::Closed { cr: false };
                Step::To(next, Some(Item::Quirk(Quirk::EmptyFrame)))
            }
            0x06 | 0x15 => match width.unit(bytes, next) {
                None => Step::Wait,
                Some((FS, end)) => {
                    self.state = State::Closed { cr: false };
                    Step::To(end, Some(Item::Commit(unit == 0x06)))
                }
                Some(_) => self.garbage(at),
            },
            CR | LF | VT => Step::To(next, None),
            0xfeff => Step::To(next, Some(Item::Quirk(Quirk::ByteOrderMark))),
            0xef if width == Width::Narrow => match bytes.get(at..at + 3) {
                None => Step::Wait,
                Some([0xef, 0xbb, 0xbf]) => {
                    Step::To(at + 3, Some(Item::Quirk(Quirk::ByteOrderMark)))
                }
                Some(_) => self.garbage(at),
            },
            _ => self.begin(bytes, at, width, Framed::Yes),
        }
    }

    fn closed(&mut self, bytes: &[u8], at: usize, cr: bool) -> Step {
        let Some((unit, next)) = self.width.unit(bytes, at) else {
            return Step::Wait;
        };
        self.state = match (cr, unit) {
            (false, CR) => State::Closed { cr: true },
            _ => State::Between,
        };
        match (cr, unit) {
            (false, CR) => Step::To(next, None),
            (false, LF) => Step::To(next, Some(Item::Quirk(Quirk::EndsFsLf))),
            (true, LF) => Step::To(next, Some(Item::Quirk(Quirk::EndsFsCrLf))),
            (false, _) => Step::To(at, Some(Item::Quirk(Quirk::NoFinalCr))),
            (true, _) => Step::To(at, None),
        }
    }

    fn segment(&mut self, bytes: &[u8], at: usize) -> Step {
        let Some((unit, next)) = self.width.unit(bytes, at) else {
            return Step::Wait;
        };
        match unit {
            FS => {
                self.state = State::Closed { cr: false };
                return Step::To(next, Some(Item::End));
            }
            VT => {
                self.state = State::Opened;
                return Step::To(next, Some(Item::Interrupted { torn: self.torn }));
            }
            LF if self.terminator == Some(0x0d) => {
                return Step::To(next, Some(Item::Quirk(Quirk::CrLfSegments)));
            }
            LF if self.terminator == Some(0x0a) => {
                return Step::To(next, Some(Item::Quirk(Quirk::LfSegments)));
            }
            CR | LF => return Step::To(next, None),
            _ => {}
        }
        match self.end_of_segment(bytes, at) {
            End::At(end) if end - at <= SEGMENT_MAX => self.whole_segment(bytes, at, end),
            End::Unsure(end) if end - at <= SEGMENT_MAX => {
                self.scanned = end - at;
                Step::Wait
            }
            End::NotYet if bytes.len() - at <= SEGMENT_MAX => {
                let unit = self.width.size();
                self.scanned = (bytes.len() - at) / unit * unit;
                Step::Wait
            }
            _ => {
                self.state = State::Long;
                self.scanned = 0;
                let piece = at..at + SEGMENT_MAX;
                Step::To(piece.end, Some(Item::Long { piece, head: true }))
            }
        }
    }

    fn whole_segment(&mut self, bytes: &[u8], at: usize, end: usize) -> Step {
        self.scanned = 0;
        let mut to = end;
        let stop = self.width.unit(bytes, end);
        self.torn = stop.is_some_and(|(unit, _)| unit == VT);
        if let Some((unit @ (CR | LF), next)) = stop {
            let is_first = self.terminator.is_none();
            self.terminator = self.terminator.or(Some(unit as u8));
            // The first LF is told as a quirk in the next step.
            to = if is_first && unit == LF { end } else { next };
        }
        Step::To(to, Some(Item::Segment(at..end)))
    }

    fn long(&mut self, bytes: &[u8], at: usize) -> Step {
        let (end, finished) = match self.end_of_segment(bytes, at) {
            End::At(end) => (end, true),
            End::Unsure(end) => (end, false),
            End::NotYet => {
                let unit = self.width.size();
                (at + (bytes.len() - at) / unit * unit, false)
            }
        };
        if finished {
            self.state = State::Segments;
            return Step::To(
                end,
                Some(Item::Long {
                    piece: at..end,
                    head: false,
                }),
            );
        }
        if end == at {
            return Step::Wait;
        }
        Step::To(
            end,
            Some(Item::Long {
                piece: at..end,
                head: false,
            }),
        )
    }

    /// Finds the terminator, the end byte, or a start byte with a header behind it.
    fn end_of_segment(&self, bytes: &[u8], at: usize) -> End {
        let mut from = at + self.scanned;
        while let Some(found) = self.next_control(bytes, from) {
            let Some((unit, next)) = self.width.unit(bytes, found) else {
                return End::NotYet;
            };
            if unit != VT {
                return End::At(found);
            }
            match header(bytes, next, self.width) {
                Header::Good => return End::At(found),
                Header::Short => return End::Unsure(found),
                Header::Bad => from = next,
            }
        }
        End::NotYet
    }

    fn next_control(&self, bytes: &[u8], from: usize) -> Option<usize> {
        let rest = bytes.get(from..)?;
        if self.width == Width::Narrow {
            let found = match self.terminator {
                Some(terminator) => memchr::memchr3(terminator, 0x1c, 0x0b, rest),
                None => rest
                    .iter()
                    .position(|b| matches!(b, 0x0d | 0x0a | 0x1c | 0x0b)),
            };
            return found.map(|found| from + found);
        }
        let mut at = from;
        while let Some((unit, next)) = self.width.unit(bytes, at) {
            let ends = match self.terminator {
                Some(terminator) => unit == u16::from(terminator),
                None => unit == CR || unit == LF,
            };
            if ends || unit == FS || unit == VT {
                return Some(at);
            }
            at = next;
        }
        None
    }

    fn search(&mut self, bytes: &[u8], at: usize, before: u8) -> Step {
        let kept = usize::from(self.width == Width::BigEndian);
        let mut from = at;
        while let Some(found) = find_m(bytes, from) {
            let wide = match self.width {
                Width::BigEndian => Width::BigEndian,
                _ => Width::LittleEndian,
            };
            // Where the M would begin in wide units: that byte is kept until both are decided.
            let first = found.saturating_sub(kept).max(at);
            for (start, width) in [(found, Width::Narrow), (first, wide)] {
                match header(bytes, start, width) {
                    Header::Good => return self.found(bytes, at, start, width, before),
                    Header::Short if first > at => {
                        self.state = State::Lost(byte_before(bytes, at, first, before));
                        return Step::To(first, None);
                    }
                    Header::Short => return Step::Wait,
                    Header::Bad => {}
                }
            }
            from = found + 1;
        }
        let end = bytes.len().saturating_sub(kept);
        if end <= at {
            return Step::Wait;
        }
        self.state = State::Lost(byte_before(bytes, at, end, before));
        Step::To(end, None)
    }

    fn found(&mut self, bytes: &[u8], at: usize, start: usize, width: Width, before: u8) -> Step {
        let opened = byte_before(bytes, at, start, before) == 0x0b;
        let framed = if opened { Framed::Yes } else { Framed::Unknown };
        self.width = width;
        self.state = State::Segments;
        self.terminator = None;
        self.scanned = 0;
        Step::To(start, Some(Item::Start(framed)))
    }
}

/// The first letter of MSH, FHS or BHS.
fn find_m(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    memchr::memchr3(b'M', b'F', b'B', rest).map(|found| from + found)
}

fn byte_before(bytes: &[u8], at: usize, start: usize, before: u8) -> u8 {
    if start > at {
        bytes.get(start - 1).copied().unwrap_or_default()
    } else {
        before
    }
}

/// Whether these bytes of a stream picked up in its middle hold a framed header; for the probe.
pub(super) fn framed_header_inside(bytes: &[u8]) -> bool {
    memchr::memchr_iter(0x0b, bytes)
        .any(|start| header(bytes, start + 1, Width::Narrow) == Header::Good)
}
