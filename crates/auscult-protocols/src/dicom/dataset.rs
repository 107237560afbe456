//! A data set as it streams by (PS3.5 section 7): its identity elements are picked out, what is
//! long and opaque is left out, nothing is kept but one element at a time.
//!
//! ```text
//! implicit VR  group (2), element (2), length (4), value
//! explicit VR  group (2), element (2), VR (2), length (2), value
//!              group (2), element (2), VR (2), reserved (2), length (4), value   (long VRs)
//! sequences    items FFFE,E000 with their length; length FFFFFFFF: until FFFE,E00D or FFFE,E0DD
//! ```
//!
//! How it is written is told by the first element, whatever was negotiated: some senders do not
//! keep to it, and one side alone does not show it. Limit: deflated data sets are not read.

use std::cmp::Ordering;

use auscult_model::{Bound, PhiKind, PhiRange};
use encoding_rs::Encoding;

use super::charset;
use super::elements::{self, PIXELS, Use};
use super::patient::Patient;
use crate::Output;

pub(super) static NESTING: Bound = Bound::settable(
    "dicom-nesting",
    32,
    "sequences and items inside each other in a DICOM data set",
    "what lies deeper is not read",
);

/// Longer values of an element are not kept.
const KEPT_MAX: u32 = 16 * 1024;
/// Longer values are not even marked.
const MARKED_MAX: u32 = 256 * 1024;
/// Most claims of one data set: the table has fewer.
const CLAIMS_MAX: usize = 16;
/// A length that is not stated.
const UNDEFINED: u32 = u32::MAX;

const ITEM: u32 = 0xfffe_e000;
const ITEM_END: u32 = 0xfffe_e00d;
const SEQUENCE_END: u32 = 0xfffe_e0dd;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Syntax {
    Implicit,
    Explicit,
    ExplicitBig,
}

/// An open sequence or item.
#[derive(Debug)]
struct Level {
    /// Where it ends, when that was stated.
    end: Option<u64>,
    /// Inside, values have no VR (PS3.5 section 6.2.2, UN of undefined length).
    implicit: bool,
    /// Items are fragments of pixel data, not elements.
    fragments: bool,
}

#[derive(Debug)]
enum State {
    /// Within the head of an element.
    Head,
    /// Within a value that is read.
    Value {
        tag: u32,
        of: Use,
        left: u32,
        keep: bool,
    },
    /// Within a value that is not.
    Opaque(u64),
    /// Nothing more is wanted.
    Ended,
}

/// One data set.
#[derive(Debug)]
pub(super) struct DataSet {
    syntax: Option<Syntax>,
    state: State,
    head: [u8; 12],
    /// Bytes of `head` that are there.
    filled: usize,
    /// Bytes of `head` that are needed.
    need: usize,
    /// Bytes that went by.
    position: u64,
    levels: Vec<Level>,
    /// A value that is not complete.
    value: Vec<u8>,
    /// Where it lies.
    places: Vec<PhiRange>,
    encoding: Option<&'static Encoding>,
    /// What it says of the equipment, in order.
    pub(super) claims: Vec<(&'static str, String)>,
    pub(super) patient: Patient,
    /// It could not be read, or not to its end.
    pub(super) is_broken: bool,
}

impl DataSet {
    pub(super) fn new() -> Self {
        DataSet {
            syntax: None,
            state: State::Head,
            head: [0; 12],
            filled: 0,
            need: 8,
            position: 0,
            levels: Vec::new(),
            value: Vec::new(),
            places: Vec::new(),
            encoding: None,
            claims: Vec::new(),
            patient: Patient::default(),
            is_broken: false,
        }
    }

    /// Nothing more is wanted of it.
    pub(super) fn has_ended(&self) -> bool {
        matches!(self.state, State::Ended)
    }

    /// So many bytes that follow are opaque.
    pub(super) fn opaque(&self) -> u64 {
        match self.state {
            State::Opaque(left) => left,
            State::Ended => u64::MAX,
            _ => 0,
        }
    }

    /// So many bytes went by without being seen; no more than [`DataSet::opaque`].
    pub(super) fn skip(&mut self, bytes: u64) {
        self.position = self.position.saturating_add(bytes);
        if let State::Opaque(left) = &mut self.state {
            *left = left.saturating_sub(bytes);
            if *left == 0 {
                self.next();
            }
        }
    }

    /// Takes the next bytes, which lie at `base` in the presented slice; all of them, or up to
    /// where enough was gathered to be said. Returns how many.
    pub(super) fn feed(&mut self, bytes: &[u8], base: usize, out: &mut Output<'_>) -> usize {
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            at += match self.state {
                State::Head => self.head(rest, out),
                State::Value {
                    tag,
                    of,
                    left,
                    keep,
                } => {
                    let taken = rest.len().min(left as usize);
                    self.take(
                        of,
                        rest.get(..taken).unwrap_or_default(),
                        keep,
                        base + at,
                        out,
                    );
                    self.position += taken as u64;
                    let left = left - taken as u32;
                    self.state = State::Value {
                        tag,
                        of,
                        left,
                        keep,
                    };
                    if left == 0 {
                        self.finish(tag, of, keep);
                    }
                    taken
                }
                State::Opaque(left) => {
                    let taken = usize::try_from(left).map_or(rest.len(), |n| n.min(rest.len()));
                    out.withhold(base + at..base + at + taken);
                    self.skip(taken as u64);
                    taken
                }
                State::Ended => return at,
            };
            if self.patient.is_full() {
                break;
            }
        }
        at
    }

    fn next(&mut self) {
        (self.state, self.filled, self.need) = (State::Head, 0, 8);
    }

    fn give_up(&mut self) {
        self.is_broken = true;
        self.state = State::Ended;
    }

    /// Takes bytes of an element's head. Returns how many.
    fn head(&mut self, bytes: &[u8], out: &mut Output<'_>) -> usize {
        if self.filled == 0 {
            while let Some(end) = self.levels.last().and_then(|level| level.end)
                && end <= self.position
            {
                if end < self.position {
                    self.give_up();
                    return 0;
                }
                self.levels.pop();
            }
        }
        let taken = bytes.len().min(self.need - self.filled);
        let room = self.head.get_mut(self.filled..self.filled + taken);
        if let (Some(room), Some(bytes)) = (room, bytes.get(..taken)) {
            room.copy_from_slice(bytes);
        }
        self.filled += taken;
        self.position += taken as u64;
        if self.filled == self.need {
            self.element(out);
        }
        taken
    }

    /// The head of an element is there, or the first eight bytes of a longer one.
    fn element(&mut self, out: &mut Output<'_>) {
        let [g0, g1, e0, e1, a, b, c, d, rest @ ..] = self.head;
        let Some(syntax) = self.syntax.or_else(|| told(&self.head)) else {
            return self.give_up();
        };
        self.syntax = Some(syntax);
        let tag = match syntax {
            Syntax::ExplicitBig => u32::from_be_bytes([g0, g1, e0, e1]),
            _ => u32::from_le_bytes([e0, e1, g0, g1]),
        };
        let long = |bytes: [u8; 4]| match syntax {
            Syntax::ExplicitBig => u32::from_be_bytes(bytes),
            _ => u32::from_le_bytes(bytes),
        };
        if matches!(tag, ITEM | ITEM_END | SEQUENCE_END) {
            return self.item(tag, long([a, b, c, d]), out);
        }
        let implicit =
            syntax == Syntax::Implicit || self.levels.last().is_some_and(|level| level.implicit);
        if implicit {
            let length = long([a, b, c, d]);
            let is_plain = length < 8 || length == UNDEFINED || elements::use_of(tag).is_some();
            if !is_plain && !PIXELS.contains(&tag) && self.need == 8 {
                // Only its value tells whether this is a sequence.
                self.need = 12;
                return;
            }
            if self.need == 12 {
                return self.peeked(tag, length, rest, out);
            }
            return self.begin(tag, None, length, out);
        }
        let vr = [a, b];
        if !vr.iter().all(u8::is_ascii_uppercase) {
            return self.give_up();
        }
        if !is_long(vr) {
            let length = match syntax {
                Syntax::ExplicitBig => u16::from_be_bytes([c, d]),
                _ => u16::from_le_bytes([c, d]),
            };
            self.begin(tag, Some(vr), length.into(), out);
        } else if self.need == 8 {
            self.need = 12;
        } else {
            self.begin(tag, Some(vr), long(rest), out);
        }
    }

    /// An element without VR of which the first four bytes of the value are there.
    fn peeked(&mut self, tag: u32, length: u32, first: [u8; 4], out: &mut Output<'_>) {
        if first != [0xfe, 0xff, 0x00, 0xe0] {
            self.state = State::Opaque(u64::from(length) - 4);
            return;
        }
        let end = self.position - 4 + u64::from(length);
        self.body(tag);
        if self.levels.len() < out.bound(&NESTING) {
            self.levels.push(Level {
                end: Some(end),
                implicit: false,
                fragments: false,
            });
            // They are the head of the first item.
            if let Some(head) = self.head.get_mut(..4) {
                head.copy_from_slice(&first);
            }
            (self.filled, self.need) = (4, 8);
        } else {
            out.reached(&NESTING);
            self.state = State::Opaque(u64::from(length) - 4);
        }
    }

    fn body(&mut self, tag: u32) {
        if let Some(kind) = elements::body(tag) {
            self.patient.has(kind);
        }
    }

    /// A value begins.
    fn begin(&mut self, tag: u32, vr: Option<[u8; 2]>, length: u32, out: &mut Output<'_>) {
        let pixels = PIXELS.contains(&tag);
        if pixels && self.levels.is_empty() {
            self.patient.has(PhiKind::Image);
            self.state = State::Ended;
            return;
        }
        let unknown = vr.is_some_and(|vr| vr == *b"UN");
        if length == UNDEFINED || vr.is_some_and(|vr| vr == *b"SQ") {
            self.body(tag);
            let level = Level {
                end: (length != UNDEFINED).then(|| self.position + u64::from(length)),
                implicit: unknown || self.levels.last().is_some_and(|level| level.implicit),
                fragments: pixels,
            };
            return self.enter(level, length, out);
        }
        if length > 0 {
            self.body(tag);
        }
        let wanted = elements::use_of(tag).filter(|of| {
            // Equipment in sequences is other equipment, but for its own identifier.
            !matches!(of, Use::Claim(name) if *name != "udi" && !self.levels.is_empty())
        });
        match wanted {
            Some(of) if length > 0 && length <= MARKED_MAX => {
                let keep = length <= KEPT_MAX;
                let left = length;
                self.state = State::Value {
                    tag,
                    of,
                    left,
                    keep,
                };
            }
            _ if length > 0 => self.state = State::Opaque(length.into()),
            _ => self.next(),
        }
    }

    fn enter(&mut self, level: Level, length: u32, out: &mut Output<'_>) {
        let around = self.levels.iter().rev().find_map(|level| level.end);
        if around
            .zip(level.end)
            .is_some_and(|(around, end)| end > around)
        {
            return self.give_up();
        }
        if self.levels.len() < out.bound(&NESTING) {
            self.levels.push(level);
            self.next();
            return;
        }
        out.reached(&NESTING);
        match length {
            UNDEFINED => self.state = State::Ended,
            0 => self.next(),
            length => self.state = State::Opaque(length.into()),
        }
    }

    /// An item, or the end of one or of a sequence.
    fn item(&mut self, tag: u32, length: u32, out: &mut Output<'_>) {
        let Some(level) = self.levels.last() else {
            return self.give_up();
        };
        let (implicit, fragments) = (level.implicit, level.fragments);
        if tag != ITEM {
            self.levels.pop();
            return self.next();
        }
        if fragments {
            return match length {
                UNDEFINED => self.give_up(),
                0 => self.next(),
                length => self.state = State::Opaque(length.into()),
            };
        }
        let level = Level {
            end: (length != UNDEFINED).then(|| self.position + u64::from(length)),
            implicit,
            fragments: false,
        };
        self.enter(level, length, out);
    }

    /// Bytes of a value that is read.
    fn take(&mut self, of: Use, bytes: &[u8], keep: bool, at: usize, out: &Output<'_>) {
        if keep {
            self.value.extend_from_slice(bytes);
        }
        if let Use::Patient(_, kind) = of {
            out.phi(at..at + bytes.len(), kind, &mut self.places);
        }
    }

    /// A value that is read is complete.
    fn finish(&mut self, tag: u32, of: Use, keep: bool) {
        let mut value = std::mem::take(&mut self.value);
        let mut places = std::mem::take(&mut self.places);
        match of {
            Use::Charset => self.encoding = charset::declared(&value),
            Use::Claim(attribute) => {
                let text = charset::text(&value, self.encoding).replace('\\', ", ");
                if !text.is_empty() && self.claims.len() < CLAIMS_MAX {
                    self.claims.push((attribute, text));
                }
            }
            Use::Patient(what, kind) => {
                let kept = keep.then_some(value.as_slice());
                if kept.is_none_or(is_filled) {
                    if self.levels.is_empty() {
                        self.patient.key(tag, &value);
                    }
                    self.patient
                        .add((what, kind), kept, self.encoding, &mut places);
                }
            }
        }
        value.clear();
        places.clear();
        (self.value, self.places) = (value, places);
        self.next();
    }
}

/// Says more than blanks and the wildcards of a query.
fn is_filled(value: &[u8]) -> bool {
    value
        .iter()
        .any(|byte| !matches!(byte, b' ' | 0 | b'*' | b'?' | b'\\' | b'^' | b'='))
}

/// Representations with a length of four bytes.
fn is_long(vr: [u8; 2]) -> bool {
    matches!(
        &vr,
        b"OB"
            | b"OD"
            | b"OF"
            | b"OL"
            | b"OV"
            | b"OW"
            | b"SQ"
            | b"SV"
            | b"UC"
            | b"UN"
            | b"UR"
            | b"UT"
            | b"UV"
    )
}

/// How a data set is written, by its first element: its group is even and small, its length too.
/// Where no VR is, there is a length, which has no capital letters in its low bytes.
fn told(head: &[u8; 12]) -> Option<Syntax> {
    const FIRST_MAX: u32 = 1 << 20;
    let [g0, g1, _, _, a, b, c, d, ..] = *head;
    let is_group = |group: u16| group.is_multiple_of(2) && (0x0002..=0x4010).contains(&group);
    let [little, big] = [u16::from_le_bytes([g0, g1]), u16::from_be_bytes([g0, g1])];
    if a.is_ascii_uppercase() && b.is_ascii_uppercase() {
        let lengths = (u16::from_le_bytes([c, d]), u16::from_be_bytes([c, d]));
        let is_little = match lengths.0.cmp(&lengths.1) {
            Ordering::Equal => little <= big,
            order => order == Ordering::Less,
        };
        return match is_little {
            true if is_group(little) => Some(Syntax::Explicit),
            false if is_group(big) => Some(Syntax::ExplicitBig),
            _ => None,
        };
    }
    let length = u32::from_le_bytes([a, b, c, d]);
    (is_group(little) && length <= FIRST_MAX).then_some(Syntax::Implicit)
}
