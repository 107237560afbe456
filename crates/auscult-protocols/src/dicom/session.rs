//! One connection: finds messages and fragments, puts commands together, lets data sets stream by.

use auscult_model::{Bound, Direction, Meaning};

use super::command::{BEGIN, Command};
use super::dataset::DataSet;
use super::pdu::{Associate, HEADER, Header, Kind, VALUE_HEADER, Value, rejection};
use super::probe::data_begins;
use super::talk::{Purpose, Talk};
use crate::{Mark, Output, Place, Progress, Session, text};

pub(super) static ASSOCIATION: Bound = Bound::settable(
    "dicom-association",
    128 << 10,
    "bytes of a DICOM association message",
    "it is left out",
);

pub(super) static COMMAND: Bound = Bound::settable(
    "dicom-command",
    16 << 10,
    "bytes of a DICOM command set",
    "it is left out, and its data set with it",
);

pub(super) static OPEN: Bound = Bound::settable(
    "dicom-open-messages",
    8,
    "DICOM messages of one direction whose fragments come mixed",
    "the oldest is told as far as it was read",
);

pub(super) static REQUESTS: Bound = Bound::settable(
    "dicom-requests",
    64,
    "DICOM requests of one connection that wait for their answer",
    "the oldest is told without one",
);

pub(super) static CLAIMS: Bound = Bound::settable(
    "dicom-claims",
    64,
    "different claims of one DICOM connection that are remembered",
    "further ones may be told again",
);

/// Until so many messages fit after a loss, nothing is sure.
const TRUST_AFTER: u8 = 2;
/// How sure a statement is until then.
const DISTRUSTED: f32 = 0.9;
/// What is needed to find a message again: two heads and the beginning of a command set.
const FOUND_BY: usize = HEADER + VALUE_HEADER + BEGIN.len();

/// Where one side is.
#[derive(Clone, Copy, Debug)]
enum Frame {
    /// A message begins.
    Message,
    /// Within P-DATA-TF: so many bytes of it are to come.
    Data(u32),
    /// Within a fragment: bytes of it, and bytes of the message behind it, that are to come.
    Fragment {
        value: Value,
        left: u32,
        behind: u32,
    },
    /// A message has to be found.
    Lost,
}

/// A command with its data set, in fragments.
struct Message {
    context: u8,
    first: Mark,
    command: Vec<u8>,
    /// Bytes of the command were lost, or it is too long.
    is_spoiled: bool,
    /// The command is complete: this is what the data set is about.
    purpose: Option<Purpose>,
    data: Option<Box<DataSet>>,
}

impl Message {
    fn new(context: u8, first: Mark) -> Self {
        Message {
            context,
            first,
            command: Vec::new(),
            is_spoiled: false,
            purpose: None,
            data: None,
        }
    }
}

struct Side {
    frame: Frame,
    open: Vec<Message>,
    /// Messages that have to fit before the side is trusted again.
    distrust: u8,
    /// A message fitted.
    began: bool,
}

impl Side {
    fn new(from_start: bool) -> Self {
        Side {
            frame: if from_start {
                Frame::Message
            } else {
                Frame::Lost
            },
            open: Vec::new(),
            distrust: if from_start { 0 } else { TRUST_AFTER },
            began: false,
        }
    }

    fn confidence(&self) -> f32 {
        if self.distrust > 0 { DISTRUSTED } else { 1.0 }
    }

    fn fits(&mut self) {
        self.began = true;
        self.distrust = self.distrust.saturating_sub(1);
    }

    /// The message of a context, which may begin here.
    fn message(&mut self, context: u8, mark: Mark) -> &mut Message {
        let known = self.open.iter().position(|open| open.context == context);
        let at = known.unwrap_or(self.open.len());
        if known.is_none() {
            self.open.push(Message::new(context, mark));
        }
        &mut self.open[at]
    }
}

/// What comes of one step.
enum Step {
    /// So many bytes are done with.
    Used(usize),
    /// So many are needed.
    Need(usize),
    /// So many are done with, and so many behind them are opaque.
    Skip {
        used: usize,
        skip: u64,
    },
    End(Progress),
}

/// One connection, which carries one association.
pub(super) struct Association {
    sides: [Side; 2],
    talk: Talk,
}

impl Association {
    pub(super) fn new(from_start: bool) -> Self {
        Association {
            sides: [Side::new(from_start), Side::new(from_start)],
            talk: Talk::default(),
        }
    }

    fn step(&mut self, bytes: &[u8], at: usize, out: &mut Output<'_>) -> Step {
        let side = &mut self.sides[out.direction.index()];
        let rest = bytes.get(at..).unwrap_or_default();
        match side.frame {
            Frame::Lost => search(side, rest),
            Frame::Data(0) => {
                side.frame = Frame::Message;
                Step::Used(0)
            }
            Frame::Data(_) | Frame::Message if rest.len() < HEADER => Step::Need(HEADER),
            Frame::Message => self.message(rest, at, out),
            Frame::Data(left) => {
                let Some(value) = Value::read(rest, left) else {
                    return self.lose("a fragment that is longer than its message", at, out);
                };
                side.fits();
                let behind = left - 4 - 2 - value.length;
                let left = value.length;
                side.frame = Frame::Fragment {
                    value,
                    left,
                    behind,
                };
                let mark = out.mark(at);
                self.make_room(value, out);
                self.sides[out.direction.index()].message(value.context, mark);
                if left == 0 {
                    self.after(at + VALUE_HEADER, out);
                }
                Step::Used(VALUE_HEADER)
            }
            Frame::Fragment {
                value,
                left,
                behind,
            } => {
                let here = rest.len().min(left as usize);
                let piece = rest.get(..here).unwrap_or_default();
                let (used, skip) = self.fragment(value, piece, at, left, out);
                let done = used as u64 + skip;
                let left = left - u32::try_from(done).unwrap_or(left).min(left);
                let side = &mut self.sides[out.direction.index()];
                side.frame = Frame::Fragment {
                    value,
                    left,
                    behind,
                };
                if left == 0 {
                    self.after(at + used, out);
                }
                if skip > 0 {
                    Step::Skip { used, skip }
                } else {
                    Step::Used(used)
                }
            }
        }
    }

    /// A message other than data; the head is there.
    fn message(&mut self, rest: &[u8], at: usize, out: &mut Output<'_>) -> Step {
        let side = &mut self.sides[out.direction.index()];
        let Some(header) = Header::read(rest) else {
            if !side.began {
                return Step::End(Progress::NotThis);
            }
            return self.lose("no message where one begins", at, out);
        };
        if header.kind == Kind::Data {
            side.frame = Frame::Data(header.length);
            return Step::Used(HEADER);
        }
        let length = header.length as usize;
        if length > out.bound(&ASSOCIATION) {
            out.reached(&ASSOCIATION);
            let skip = (HEADER + length) as u64;
            return Step::Skip { used: 0, skip };
        }
        let Some(content) = rest.get(HEADER..HEADER + length) else {
            return Step::Need(HEADER + length);
        };
        side.fits();
        let confidence = side.confidence();
        let place = out.place(at..at + HEADER + length);
        match header.kind {
            Kind::Request | Kind::Accept => {
                let associate = Associate::read(content);
                if let Some(identity) = &associate.identity {
                    out.withhold_within(content, at + HEADER, identity.secret);
                }
                if !associate.is_whole {
                    let what = "an association message whose items do not fit";
                    out.say(place, Meaning::Malformed { what });
                }
                if header.kind == Kind::Request {
                    self.talk.request(&associate, place, confidence, out);
                } else {
                    self.talk.accept(&associate, place, confidence, out);
                }
            }
            Kind::Reject => {
                self.talk.reject(rejection(content), place, confidence, out);
                return Step::End(Progress::Done);
            }
            Kind::Abort | Kind::ReleaseResponse => {
                self.conclude_all(out);
                return Step::End(Progress::Done);
            }
            Kind::ReleaseRequest | Kind::Data => {}
        }
        Step::Used(HEADER + length)
    }

    fn lose(&mut self, what: &'static str, at: usize, out: &mut Output<'_>) -> Step {
        out.say(out.place(at..at + 1), Meaning::Malformed { what });
        let side = &mut self.sides[out.direction.index()];
        (side.frame, side.distrust) = (Frame::Lost, TRUST_AFTER);
        self.conclude_side(out);
        Step::Used(0)
    }

    /// Gives up what a new message supersedes: its predecessor in the same context when the data
    /// set of that did not end; beyond the bound, the oldest.
    fn make_room(&mut self, value: Value, out: &mut Output<'_>) {
        let side = &mut self.sides[out.direction.index()];
        let known = side
            .open
            .iter()
            .position(|open| open.context == value.context);
        let given_up = match known.map(|at| (at, &side.open[at])) {
            Some((at, open)) if value.is_command && open.purpose.is_some() => Some(at),
            None if side.open.len() >= out.bound(&OPEN).max(1) => {
                out.reached(&OPEN);
                Some(0)
            }
            _ => None,
        };
        if let Some(at) = given_up {
            let confidence = side.confidence();
            let message = side.open.remove(at);
            conclude(&mut self.talk, message, None, confidence, out);
        }
    }

    /// Reads a piece of a fragment. Returns how many bytes were used, and how many behind them
    /// are opaque, within the fragment.
    fn fragment(
        &mut self,
        value: Value,
        piece: &[u8],
        at: usize,
        left: u32,
        out: &mut Output<'_>,
    ) -> (usize, u64) {
        let side = &mut self.sides[out.direction.index()];
        let confidence = side.confidence();
        let message = side.message(value.context, out.mark(at));
        if value.is_command {
            let room = out.bound(&COMMAND).saturating_sub(message.command.len());
            if !message.is_spoiled && piece.len() > room {
                out.reached(&COMMAND);
                message.is_spoiled = true;
            }
            if message.is_spoiled {
                return (0, left.into());
            }
            message.command.extend_from_slice(piece);
            return (piece.len(), 0);
        }
        let Some(data) = &mut message.data else {
            return (0, left.into());
        };
        let used = data.feed(piece, at, out);
        if (data.has_ended() || data.patient.is_full())
            && let Some(purpose) = &message.purpose
        {
            let place = out.place_since(message.first, at + used);
            self.talk
                .data(data, purpose, (place, confidence, true), out);
        }
        let rest = u64::from(left) - used as u64;
        let skip = if used < piece.len() && !data.has_ended() {
            0
        } else {
            data.opaque().min(rest)
        };
        if !data.has_ended() {
            data.skip(skip);
        }
        (used, skip)
    }

    /// A fragment ended at `end`.
    fn after(&mut self, end: usize, out: &mut Output<'_>) {
        let side = &mut self.sides[out.direction.index()];
        let Frame::Fragment { value, behind, .. } = side.frame else {
            return;
        };
        side.frame = Frame::Data(behind);
        if !value.is_last {
            return;
        }
        let confidence = side.confidence();
        let Some(at) = side
            .open
            .iter()
            .position(|open| open.context == value.context)
        else {
            return;
        };
        let mut message = side.open.remove(at);
        let place = out.place_since(message.first, end);
        if !value.is_command {
            conclude(&mut self.talk, message, Some(place), confidence, out);
            return;
        }
        let command = std::mem::take(&mut message.command);
        let command = Some(command).filter(|_| !message.is_spoiled);
        let Some(command) = command.as_deref().and_then(Command::read) else {
            if !message.is_spoiled {
                let what = "a command set that does not fit";
                out.say(place, Meaning::Malformed { what });
            }
            return;
        };
        let purpose = self
            .talk
            .command(&command, value.context, place, confidence, out);
        if command.has_data {
            message.data = (!purpose.is_deflated).then(|| Box::new(DataSet::new()));
            message.purpose = Some(purpose);
            self.sides[out.direction.index()].open.push(message);
        }
    }

    /// What is open of one side is told as far as it was read.
    fn conclude_side(&mut self, out: &mut Output<'_>) {
        let side = &mut self.sides[out.direction.index()];
        let confidence = side.confidence();
        for message in std::mem::take(&mut side.open) {
            conclude(&mut self.talk, message, None, confidence, out);
        }
    }

    fn conclude_all(&mut self, out: &mut Output<'_>) {
        let ended_by = out.direction;
        for direction in [Direction::FromOriginator, Direction::FromResponder] {
            out.direction = direction;
            self.conclude_side(out);
        }
        out.direction = ended_by;
        self.talk.end(out);
    }
}

/// Says what a data set held, at its end, or where the rest of it was lost.
fn conclude(
    talk: &mut Talk,
    message: Message,
    place: Option<Place>,
    confidence: f32,
    out: &mut Output<'_>,
) {
    if let (Some(purpose), Some(mut data)) = (&message.purpose, message.data) {
        let whole = place.is_some();
        let place = place.unwrap_or(Place {
            first: message.first,
            last: out.mark(0).max(message.first),
        });
        talk.data(&mut data, purpose, (place, confidence, whole), out);
    }
}

/// Looks for a message: a fragment that fits its message, the beginning of a command above all,
/// or the fixed bytes of a release or an abort.
fn search(side: &mut Side, bytes: &[u8]) -> Step {
    let begins = |rest: &[u8]| {
        data_begins(rest).is_some_and(|value| {
            let set = rest.get(HEADER + VALUE_HEADER..).unwrap_or_default();
            !value.is_command || value.length < 8 || set.starts_with(BEGIN)
        })
    };
    // An association: the bytes around the version, and the first of a name.
    let opens = |rest: &[u8]| {
        matches!(rest, [1 | 2, _, _, _, _, _, _, version, 0, 0, ..] if version & 1 == 1)
            && Header::read(rest).is_some()
            && rest.get(10..).is_some_and(text::is_printable_ascii)
    };
    let ends = |rest: &[u8]| {
        matches!(
            rest,
            [5 | 6, 0, 0, 0, 0, 4, 0, 0, 0, 0, ..] | [7, 0, 0, 0, 0, 4, 0, 0, 0..=2, ..]
        )
    };
    let last = bytes.len().saturating_sub(FOUND_BY - 1);
    let found = (0..last).find(|at| {
        let rest = bytes.get(*at..).unwrap_or_default();
        matches!(rest, [1..=7, 0, ..])
            && (begins(rest) || ends(rest) || opens(rest.get(..FOUND_BY).unwrap_or_default()))
    });
    match found {
        Some(at) => {
            side.frame = Frame::Message;
            Step::Used(at)
        }
        None if last > 0 => Step::Used(last),
        None => Step::Need(FOUND_BY),
    }
}

impl Session for Association {
    fn data(&mut self, direction: Direction, bytes: &[u8], out: &mut Output<'_>) -> Progress {
        let mut at = 0;
        out.direction = direction;
        while at < bytes.len() {
            match self.step(bytes, at, out) {
                Step::Used(used) => at += used,
                Step::Need(need) => return Progress::Need { used: at, need },
                Step::Skip { used, skip } => {
                    at += used;
                    match usize::try_from(skip) {
                        Ok(here) if here <= bytes.len() - at => {
                            out.withhold(at..at + here);
                            at += here;
                        }
                        _ => return Progress::Skip { used: at, skip },
                    }
                }
                Step::End(progress) => return progress,
            }
        }
        Progress::Used(at)
    }

    fn gap(&mut self, direction: Direction, length: Option<u64>, out: &mut Output<'_>) {
        out.direction = direction;
        let side = &mut self.sides[direction.index()];
        if let Frame::Fragment {
            value,
            left,
            behind,
        } = side.frame
            && let Some(length) = length.and_then(|length| u32::try_from(length).ok())
            && length < left
        {
            // The borders are known; only what this fragment belongs to is lost.
            let left = left - length;
            side.frame = Frame::Fragment {
                value,
                left,
                behind,
            };
            let confidence = side.confidence();
            let open = side.open.iter_mut();
            if let Some(message) = open.into_iter().find(|open| open.context == value.context) {
                let rest = Message {
                    is_spoiled: true,
                    ..Message::new(value.context, message.first)
                };
                let lost = std::mem::replace(message, rest);
                conclude(&mut self.talk, lost, None, confidence, out);
            }
            return;
        }
        (side.frame, side.distrust) = (Frame::Lost, TRUST_AFTER);
        self.conclude_side(out);
    }

    fn held(&self) -> usize {
        let open = self.sides.iter().flat_map(|side| &side.open);
        open.map(|open| open.command.capacity()).sum()
    }

    fn end(&mut self, out: &mut Output<'_>) {
        self.conclude_all(out);
    }
}
