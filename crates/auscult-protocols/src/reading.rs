//! Presents the bytes of one flow to its session: keeps what was left unused, traces every byte
//! back to its packet, leaves out what the session skips.
//!
//! In-order bytes are presented where they lie; only an unused rest is copied. Limit: at most
//! 256 KiB wait per direction, beyond that they are dropped, counted, and told as a
//! gap.

use std::ops::Range;

use auscult_model::{Bound, Direction, PacketRef, Timestamp};

use crate::output::{Collected, Origin, Output};
use crate::{Progress, Session};

pub(crate) static UNREAD: Bound = Bound::settable(
    "unread-bytes",
    256 << 10,
    "bytes of one direction that wait for the rest of their message",
    "they are dropped and told to the session as a gap",
);

/// Beyond so many waiting bytes, a session is asked again only when they grew by an eighth, so
/// that byte-wise segments cost no quadratic time.
const PATIENT_FROM: usize = 4 * 1024;

/// A skip that is as long as this has no end.
const FOREVER: u64 = u64::MAX / 2;

/// Whether a flow still wants its bytes read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// More is wanted.
    Open,
    /// Nothing more is wanted.
    Done,
    /// The session found that the flow was named wrongly.
    NotThis,
}

/// Where a piece of bytes came from.
#[derive(Clone, Copy, Debug)]
pub struct Source {
    /// The packet.
    pub packet: PacketRef,
    /// Its time.
    pub time: Timestamp,
    /// Offset of the first byte in the frame as captured.
    pub frame_offset: Option<u32>,
}

impl Source {
    fn origin(self, start: usize) -> Origin {
        Origin {
            start,
            packet: self.packet,
            time: self.time,
            frame_offset: self.frame_offset,
        }
    }
}

/// A session with the bytes it has not used yet.
pub struct Reading {
    session: Box<dyn Session>,
    sides: [Side; 2],
    state: Reads,
}

#[derive(Default)]
struct Side {
    waiting: Vec<u8>,
    origins: Vec<Origin>,
    /// Ask again at so many waiting bytes.
    ask_at: usize,
    skip: u64,
}

impl Reading {
    /// Starts with nothing read.
    pub fn new(session: Box<dyn Session>) -> Self {
        Reading {
            session,
            sides: Default::default(),
            state: Reads::Open,
        }
    }

    /// Whether more is wanted.
    pub fn state(&self) -> Reads {
        self.state
    }

    /// Bytes held for later, for the budget.
    pub fn held(&self) -> usize {
        let [a, b] = &self.sides;
        a.waiting.capacity() + b.waiting.capacity() + self.session.held()
    }

    /// Bytes that follow what was given before in this direction.
    pub fn bytes(
        &mut self,
        direction: Direction,
        mut bytes: &[u8],
        mut source: Source,
        mut to: Collected<'_>,
    ) -> Reads {
        if self.state != Reads::Open || bytes.is_empty() {
            return self.state;
        }
        let Reading {
            session,
            sides,
            state,
        } = self;
        let side = &mut sides[direction.index()];
        if side.skip > 0 {
            let left_out = side.skip.min(bytes.len() as u64) as usize;
            to.left_out(0..left_out, &[source.origin(0)]);
            side.skip -= left_out as u64;
            bytes = &bytes[left_out..];
            source.frame_offset = source.frame_offset.map(|at| at + left_out as u32);
            if bytes.is_empty() {
                return Reads::Open;
            }
        }
        if side.waiting.is_empty() {
            let mut used_in_all = 0;
            while used_in_all < bytes.len() {
                let rest = &bytes[used_in_all..];
                let mut origin = source.origin(0);
                origin.frame_offset = origin.frame_offset.map(|at| at + used_in_all as u32);
                let origins = [origin];
                let mut out = Output::new(direction, &origins, to.again());
                let progress = session.data(direction, rest, &mut out);
                to.left_out(left_out(&progress, rest.len()), &origins);
                match side.note(progress, rest.len()) {
                    Step::Again(used) => used_in_all += used,
                    Step::Wait(used) => {
                        used_in_all += used;
                        break;
                    }
                    Step::End(end) => {
                        *state = end;
                        return end;
                    }
                }
            }
            side.keep(&bytes[used_in_all..], source, used_in_all);
        } else {
            side.keep(bytes, source, 0);
            if side.waiting.len() < side.ask_at {
                return Reads::Open;
            }
            *state = side.ask(session.as_mut(), direction, &mut to);
            if *state != Reads::Open {
                return *state;
            }
        }
        if side.waiting.len() > to.bounds.of(&UNREAD) {
            *to.limits.entry(UNREAD.name).or_default() += 1;
            let lost = side.waiting.len() as u64;
            let origins = [source.origin(0)];
            side.lose_waiting(&mut to);
            let mut out = Output::new(direction, &origins, to.again());
            session.gap(direction, Some(lost), &mut out);
        }
        Reads::Open
    }

    /// One datagram, whole.
    pub fn datagram(
        &mut self,
        direction: Direction,
        bytes: &[u8],
        origins: &[Origin],
        mut to: Collected<'_>,
    ) -> Reads {
        if self.state == Reads::Open {
            let mut out = Output::new(direction, origins, to.again());
            match self.session.data(direction, bytes, &mut out) {
                Progress::Done => self.state = Reads::Done,
                Progress::NotThis => self.state = Reads::NotThis,
                Progress::Used(_) | Progress::Need { .. } | Progress::Skip { .. } => {}
            }
        }
        self.state
    }

    /// Bytes of this direction are missing before the next ones.
    pub fn gap(
        &mut self,
        direction: Direction,
        length: Option<u64>,
        source: Source,
        mut to: Collected<'_>,
    ) {
        if self.state != Reads::Open {
            return;
        }
        let Reading {
            session,
            sides,
            state,
        } = self;
        let side = &mut sides[direction.index()];
        let mut missing = length;
        if let Some(length) = missing
            && side.waiting.is_empty()
            && side.skip >= length
        {
            side.skip -= length;
            return;
        }
        if !side.waiting.is_empty() {
            *state = side.ask(session.as_mut(), direction, &mut to);
            side.lose_waiting(&mut to);
        } else if side.skip > 0 {
            missing = missing.map(|length| length - side.skip);
        }
        side.skip = 0;
        if *state == Reads::Open {
            let origins = [source.origin(0)];
            let mut out = Output::new(direction, &origins, to.again());
            session.gap(direction, missing, &mut out);
        }
    }

    /// This side sent everything that it had to send; `source` is a packet that shows it.
    pub fn finished(&mut self, direction: Direction, source: Source, mut to: Collected<'_>) {
        let side = &self.sides[direction.index()];
        let is_whole = side.waiting.is_empty() && matches!(side.skip, 0 | FOREVER..);
        if self.state == Reads::Open && is_whole {
            let origins = [source.origin(0)];
            let mut out = Output::new(direction, &origins, to.again());
            self.session.finished(direction, &mut out);
        }
    }

    /// The flow ended; `source` is its last packet.
    pub fn end(&mut self, source: Source, mut to: Collected<'_>) {
        let Reading {
            session,
            sides,
            state,
        } = self;
        if *state == Reads::NotThis {
            return;
        }
        if *state == Reads::Open {
            for direction in [Direction::FromOriginator, Direction::FromResponder] {
                let side = &mut sides[direction.index()];
                if !side.waiting.is_empty() {
                    *state = side.ask(session.as_mut(), direction, &mut to);
                    side.lose_waiting(&mut to);
                    if *state != Reads::Open {
                        break;
                    }
                }
            }
        }
        if *state != Reads::NotThis {
            let origins = [source.origin(0)];
            let mut out = Output::new(Direction::FromOriginator, &origins, to.again());
            session.end(&mut out);
            *state = Reads::Done;
        }
    }
}

enum Step {
    /// Used so many; ask again with the rest.
    Again(usize),
    /// Used so many; wait for more.
    Wait(usize),
    End(Reads),
}

impl Side {
    /// Notes what a session wants next, having been presented `presented` bytes.
    fn note(&mut self, progress: Progress, presented: usize) -> Step {
        self.ask_at = 0;
        match progress {
            Progress::Used(0) => {
                self.ask_at = if presented >= PATIENT_FROM {
                    presented + presented / 8
                } else {
                    0
                };
                Step::Wait(0)
            }
            Progress::Used(used) => Step::Again(used.min(presented)),
            Progress::Need { used, need } => {
                let used = used.min(presented);
                if need <= presented - used && used > 0 {
                    return Step::Again(used);
                }
                self.ask_at = need.max(presented - used + 1);
                Step::Wait(used)
            }
            Progress::Skip { used, skip } => {
                let used = used.min(presented);
                let here = skip.min((presented - used) as u64) as usize;
                self.skip = skip - here as u64;
                if used + here == 0 {
                    Step::Wait(0)
                } else {
                    Step::Again(used + here)
                }
            }
            Progress::Done => Step::End(Reads::Done),
            Progress::NotThis => Step::End(Reads::NotThis),
        }
    }

    /// Presents what waits until the session wants more.
    fn ask(
        &mut self,
        session: &mut dyn Session,
        direction: Direction,
        to: &mut Collected<'_>,
    ) -> Reads {
        while !self.waiting.is_empty() {
            let progress = {
                let mut out = Output::new(direction, &self.origins, to.again());
                session.data(direction, &self.waiting, &mut out)
            };
            to.left_out(left_out(&progress, self.waiting.len()), &self.origins);
            match self.note(progress, self.waiting.len()) {
                Step::Again(used) => self.forget(used),
                Step::Wait(used) => {
                    self.forget(used);
                    break;
                }
                Step::End(end) => {
                    self.drop_waiting();
                    return end;
                }
            }
        }
        Reads::Open
    }

    fn keep(&mut self, bytes: &[u8], source: Source, used_before: usize) {
        if bytes.is_empty() {
            return;
        }
        let mut origin = source.origin(self.waiting.len());
        origin.frame_offset = origin.frame_offset.map(|at| at + used_before as u32);
        self.origins.push(origin);
        self.waiting.extend_from_slice(bytes);
    }

    /// Drops the first `used` waiting bytes.
    fn forget(&mut self, used: usize) {
        if used == 0 {
            return;
        }
        if used >= self.waiting.len() {
            return self.drop_waiting();
        }
        self.waiting.drain(..used);
        let first = self.origins.partition_point(|origin| origin.start <= used) - 1;
        self.origins.drain(..first);
        for origin in &mut self.origins {
            if origin.start < used {
                let into = (used - origin.start) as u32;
                origin.frame_offset = origin.frame_offset.map(|at| at + into);
                origin.start = 0;
            } else {
                origin.start -= used;
            }
        }
    }

    /// Drops what waits, of which nobody knows what it is.
    fn lose_waiting(&mut self, to: &mut Collected<'_>) {
        to.left_out(0..self.waiting.len(), &self.origins);
        self.drop_waiting();
    }

    fn drop_waiting(&mut self) {
        // A session that waited long keeps no large buffer for the rest of its flow.
        if self.waiting.capacity() > PATIENT_FROM {
            self.waiting = Vec::new();
        } else {
            self.waiting.clear();
        }
        self.origins.clear();
        self.ask_at = 0;
    }
}

/// What of the presented bytes a session skipped, or refused.
fn left_out(progress: &Progress, presented: usize) -> Range<usize> {
    match *progress {
        Progress::Skip { used, skip } => {
            let start = used.min(presented);
            let skip = usize::try_from(skip).unwrap_or(usize::MAX);
            start..start.saturating_add(skip).min(presented)
        }
        Progress::NotThis => 0..presented,
        Progress::Used(_) | Progress::Need { .. } | Progress::Done => 0..0,
    }
}
