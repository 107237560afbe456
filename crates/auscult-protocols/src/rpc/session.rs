//! Reads one RPC flow: takes messages from datagrams or records, joins replies with their calls,
//! and hands arguments and results to the reader of their program.

use auscult_model::{About, Direction, Meaning, Transport};

use super::calls::CALLS;
use super::calls::{Asked, Call, Calls};
use super::lane::{Bulk, FRAGMENT_MAX, Lane, MESSAGE, Message, Stage, find_record};
use super::message::{CallHeader, Header, caller, header};
use super::speaker::{Here, Once, Speaker};
use super::xdr::padding;
use super::{MOUNT, NFS, PORTMAP};
use crate::nfs::{self, FileKey, Share, v4};
use crate::{Mark, Output, Progress, Session, Start, mount, portmap};

/// Reads any of the three programs.
pub(crate) struct RpcSession {
    stream: bool,
    lanes: [Lane; 2],
    readers: Readers,
}

/// What is known of the flow beside the message that is being read.
#[derive(Default)]
struct Readers {
    calls: Calls,
    share: Share,
    once: Once,
    /// The latest credential of each side.
    callers: [Vec<u8>; 2],
    confidence: f32,
}

/// How a message goes on.
enum Step {
    /// More of it is needed.
    Wait,
    /// So many bytes are done with.
    Used(usize),
    /// So many bytes are done with, and file data follow.
    Bulk(usize, Bulk),
    /// Not an RPC message, as so many bytes tell.
    Broken(usize),
}

/// The part of a message that can be read now.
#[derive(Clone, Copy)]
struct Part<'a> {
    bytes: &'a [u8],
    /// The message ends with it.
    whole: bool,
    direction: Direction,
    here: Here,
}

impl Part<'_> {
    /// The packet with its last byte.
    fn now(&self, out: &Output<'_>) -> Mark {
        self.here.mark(self.bytes.len(), out)
    }
}

impl RpcSession {
    pub(crate) fn new(start: &Start) -> Self {
        let stream = start.transport == Transport::Tcp;
        let mut session = RpcSession {
            stream,
            lanes: Default::default(),
            readers: Readers::default(),
        };
        if stream && !start.from_start {
            session.lanes.iter_mut().for_each(Lane::lose);
        }
        session
    }

    /// At most 0.9 until two messages fitted, in this direction and the one it answers to.
    fn confidence(&self, direction: Direction) -> f32 {
        let doubted = |lane: &Lane| lane.doubt.is_some();
        let [this, other] = [direction, direction.opposite()].map(|d| &self.lanes[d.index()]);
        if doubted(this) || (other.proven && doubted(other)) {
            0.9
        } else {
            1.0
        }
    }

    /// One record mark; `None` when it cannot be one.
    fn record_mark(&mut self, direction: Direction, mark: [u8; 4], at: Mark) -> Option<()> {
        let word = u32::from_be_bytes(mark);
        let length = word & 0x7fff_ffff;
        let lane = self.lanes.get_mut(direction.index())?;
        if length > FRAGMENT_MAX || (!lane.inside && length < 24 && word >> 31 == 1) {
            return None;
        }
        if !lane.inside {
            lane.message.first = at;
        }
        lane.inside = true;
        lane.left = length as usize;
        lane.last = word >> 31 == 1;
        Some(())
    }

    fn stream(&mut self, direction: Direction, bytes: &[u8], out: &mut Output<'_>) -> Progress {
        let mut at = 0;
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            let lane = &mut self.lanes[direction.index()];
            if lane.lost {
                match find_record(rest, direction, &self.readers.calls) {
                    Ok(border) => at += border,
                    Err(nothing) => return Progress::Used(at + nothing),
                }
                lane.lost = false;
                continue;
            }
            if lane.left > 0 {
                let part = rest.get(..lane.left.min(rest.len())).unwrap_or_default();
                if part.is_empty() {
                    return Progress::Used(at);
                }
                lane.left -= part.len();
                let end = lane.left == 0 && lane.last;
                match self.payload(direction, part, at, end, out) {
                    Ok(()) => at += part.len(),
                    Err(_) if !self.broken(direction) => return Progress::NotThis,
                    Err(used) => at += used,
                }
                continue;
            }
            let Some(mark) = rest.first_chunk::<4>() else {
                return Progress::Used(at);
            };
            if self.record_mark(direction, *mark, out.mark(at)).is_none() {
                if !self.broken(direction) {
                    return Progress::NotThis;
                }
                at += 1;
                continue;
            }
            at += 4;
            let lane = &self.lanes[direction.index()];
            if lane.left == 0
                && lane.last
                && self.payload(direction, &[], at - 1, true, out).is_err()
                && !self.broken(direction)
            {
                return Progress::NotThis;
            }
        }
    }

    /// The stream does not go on as it should; false when it never did.
    fn broken(&mut self, direction: Direction) -> bool {
        let known = self
            .lanes
            .iter()
            .any(|lane| lane.proven || lane.lost || lane.doubt.is_some());
        self.lanes[direction.index()].lose();
        known
    }

    /// Bytes of a message, beginning at `base` of what was presented. `Err` when it is none: after
    /// so many of them the next one is looked for, wherever the stream was cut.
    fn payload(
        &mut self,
        direction: Direction,
        bytes: &[u8],
        base: usize,
        end: bool,
        out: &mut Output<'_>,
    ) -> Result<(), usize> {
        let mut message = std::mem::take(&mut self.lanes[direction.index()].message);
        let mut kept = std::mem::take(&mut message.head);
        let held = kept.len();
        if held > 0 {
            kept.extend_from_slice(bytes);
        }
        let work: &[u8] = if held > 0 { &kept } else { bytes };
        let mut at = 0;
        let sound = loop {
            let rest = work.get(at..).unwrap_or_default();
            let here = Here {
                base,
                before: at,
                held,
            };
            self.readers.confidence = self.confidence(direction);
            if let Some(bulk) = &mut message.bulk {
                let now = here.mark(bulk.left.min(rest.len()), out);
                let passed = self.readers.pass(bulk, rest, now, direction, out);
                let file = bulk.file.as_ref();
                if file.is_none_or(|file| self.readers.share.files.is_document(file)) {
                    let place = |at: usize| base + at.saturating_sub(held);
                    out.withhold(place(at)..place(at + passed));
                }
                at += passed;
                if bulk.left + bulk.padding == 0 {
                    message.bulk = None;
                } else if at == work.len() {
                    break Ok(());
                }
                continue;
            }
            if matches!(message.stage, Stage::Ignore) {
                at = work.len();
                break Ok(());
            }
            let part = Part {
                bytes: rest,
                whole: end,
                direction,
                here,
            };
            let fresh = matches!(message.stage, Stage::Header);
            let step = self.readers.step(&mut message, part, out);
            match step {
                Step::Wait if end && fresh => break Err(bytes.len()),
                Step::Wait if end => break Ok(()),
                Step::Wait if rest.len() > out.bound(&MESSAGE) => {
                    out.reached(&MESSAGE);
                    message.stage = Stage::Ignore;
                }
                Step::Wait => break Ok(()),
                Step::Broken(told_by) => break Err(told_by.saturating_sub(held)),
                Step::Used(used) => at += used,
                Step::Bulk(used, bulk) => {
                    at += used;
                    message.bulk = Some(bulk);
                }
            }
            if fresh {
                self.lanes[direction.index()].fitted();
            }
        };
        message.head = if held > 0 {
            kept.drain(..at.min(kept.len()));
            kept
        } else {
            kept.extend_from_slice(bytes.get(at..).unwrap_or_default());
            kept
        };
        if end {
            message.reset();
        }
        let lane = &mut self.lanes[direction.index()];
        lane.message = message;
        lane.inside &= !end;
        sound
    }
}

impl Readers {
    fn speaker<'o, 'a>(&self, now: Mark, out: &'o mut Output<'a>) -> Speaker<'o, 'a> {
        Speaker {
            out,
            now,
            confidence: self.confidence,
        }
    }

    /// Passes file data on; says how many bytes of `rest` they and their padding took.
    fn pass(
        &mut self,
        bulk: &mut Bulk,
        rest: &[u8],
        now: Mark,
        sender: Direction,
        out: &mut Output<'_>,
    ) -> usize {
        let data = rest.get(..bulk.left.min(rest.len())).unwrap_or_default();
        if let Some(key) = &bulk.file {
            self.share.files.add(key, bulk.offset, data, now, out);
        }
        let was_left = bulk.left;
        bulk.left -= data.len();
        // Whoever names the last byte there can be is told no further place.
        bulk.offset = bulk.offset.saturating_add(data.len() as u64);
        if bulk.left == 0
            && was_left > 0
            && let Some(key) = &bulk.file
        {
            let mut speaker = self.speaker(now, out);
            self.share.files.arrived(key, sender, &mut speaker);
        }
        if bulk.left > 0 {
            return data.len();
        }
        let padding = bulk.padding.min(rest.len() - data.len());
        bulk.padding -= padding;
        data.len() + padding
    }

    /// Reads the next part of a message.
    fn step(&mut self, message: &mut Message, part: Part<'_>, out: &mut Output<'_>) -> Step {
        match std::mem::take(&mut message.stage) {
            Stage::Header => self.header(message, part, out),
            Stage::Arguments(header) => {
                if !part.whole || part.bytes.len() > out.bound(&MESSAGE) {
                    message.stage = Stage::Arguments(header);
                    return Step::Wait;
                }
                let asked = arguments(&header, part.bytes);
                self.remember(message, header, asked, part.direction, out);
                Step::Used(part.bytes.len())
            }
            Stage::Results(call) => {
                if !part.whole || part.bytes.len() > out.bound(&MESSAGE) {
                    message.stage = Stage::Results(call);
                    return Step::Wait;
                }
                let now = part.now(out);
                self.results(&call, Some(part.bytes), now, out);
                message.stage = Stage::Ignore;
                Step::Used(part.bytes.len())
            }
            Stage::WriteHead(header) => self.write_head(message, header, part, out),
            Stage::ReadHead(call) => self.read_head(message, call, part, out),
            Stage::Operations(header, walk) => self.operations(message, header, walk, part, out),
            Stage::OperationResults(call, mut walk) => {
                let mut speaker = self.speaker(Mark::default(), out);
                let exchange = v4::Exchange {
                    caller: (call.first, call.from),
                    share: &mut self.share,
                    once: &mut self.once,
                };
                let step = walk.step((part.bytes, part.here), exchange, &mut speaker);
                let stage = Stage::OperationResults(call, walk);
                walked(message, step, stage)
            }
            Stage::Ignore => {
                message.stage = Stage::Ignore;
                Step::Used(part.bytes.len())
            }
        }
    }

    fn header(&mut self, message: &mut Message, part: Part<'_>, out: &mut Output<'_>) -> Step {
        let now = part.now(out);
        match header(part.bytes) {
            Header::Short => Step::Wait,
            Header::Broken(told_by) => Step::Broken(told_by),
            Header::Call(header, caller, used) => {
                if let Some(body) = caller {
                    self.introduce(message.first, body, part.direction, now, out);
                }
                message.stage = match (header.program, header.version, header.procedure) {
                    _ if !header.readable => Stage::Ignore,
                    (NFS, 4, 1) => Stage::Operations(header, Box::default()),
                    (NFS, 2, 8) | (NFS, 3, 7) => Stage::WriteHead(header),
                    (NFS | MOUNT | PORTMAP, ..) => Stage::Arguments(header),
                    _ => Stage::Ignore,
                };
                Step::Used(used)
            }
            Header::Reply(xid, carried_out, used) => {
                message.stage = Stage::Ignore;
                match self.calls.answer(part.direction.opposite(), xid) {
                    Ok(None) => out.odd("rpc-reply-without-call"),
                    Err(_) => {}
                    Ok(Some(call)) if !carried_out => self.results(&call, None, now, out),
                    Ok(Some(call)) => {
                        message.stage = match &call.asked {
                            Asked::Nothing => Stage::Ignore,
                            Asked::Nfs(nfs::Query::Read { .. }) => Stage::ReadHead(call.into()),
                            Asked::Compound(operations, minor) => {
                                let walk = v4::ReplyWalk::new(operations, *minor);
                                Stage::OperationResults(call.into(), Box::new(walk))
                            }
                            _ => Stage::Results(call.into()),
                        };
                    }
                }
                Step::Used(used)
            }
        }
    }

    /// What a caller says about itself, when it is new.
    fn introduce(
        &mut self,
        first: Mark,
        body: &[u8],
        from: Direction,
        now: Mark,
        out: &mut Output<'_>,
    ) {
        // The stamp in front may change with every call.
        let body_after_stamp = body.get(4..).unwrap_or_default();
        let known = &mut self.callers[from.index()];
        if known == body_after_stamp {
            return;
        }
        known.clear();
        known.extend_from_slice(body_after_stamp);
        let Some(caller) = caller(body).filter(|caller| !caller.machine.is_empty()) else {
            return;
        };
        let uid = caller.uid.to_string();
        if !self.once.is_new((from, &caller.machine, &uid, None), out) {
            return;
        }
        let claim = Meaning::Claim {
            about: About::Sender,
            attribute: "rpc_machine_name",
            value: caller.machine,
        };
        self.speaker(now, out)
            .say(first, from, claim)
            .with("uid", uid);
    }

    /// Keeps a call until its reply comes.
    fn remember(
        &mut self,
        message: &mut Message,
        header: CallHeader,
        asked: Asked,
        from: Direction,
        out: &mut Output<'_>,
    ) {
        message.stage = Stage::Ignore;
        if self.calls.is_repeat(from, &header, &asked) {
            return;
        }
        let call = Call {
            from,
            header,
            asked,
            first: message.first,
            answered: false,
        };
        if let Some(pushed_out) = self.calls.insert(call, out.bound(&CALLS))
            && !pushed_out.answered
        {
            out.reached(&CALLS);
            self.unanswered(&pushed_out, out);
        }
    }

    fn write_head(
        &mut self,
        message: &mut Message,
        header: CallHeader,
        part: Part<'_>,
        out: &mut Output<'_>,
    ) -> Step {
        let Some(head) = nfs::write_head(header.version, part.bytes) else {
            message.stage = Stage::WriteHead(header);
            return Step::Wait;
        };
        message.stage = Stage::Ignore;
        let asked = Asked::Nfs(nfs::Query::Write {
            file: head.file.clone(),
            offset: head.offset,
            length: head.length,
        });
        if self.calls.is_repeat(part.direction, &header, &asked) {
            return Step::Used(head.used);
        }
        let version = nfs::version_word(header.version, 0);
        self.remember(message, header, asked, part.direction, out);
        let key = FileKey::written(head.file);
        let mut speaker = self.speaker(Mark::default(), out);
        self.share
            .begin(&key, head.offset, part.direction, version, &mut speaker);
        Step::Bulk(head.used, bulk(Some(key), head.offset, head.length))
    }

    fn read_head(
        &mut self,
        message: &mut Message,
        call: Box<Call>,
        part: Part<'_>,
        out: &mut Output<'_>,
    ) -> Step {
        let Some(head) = nfs::read_head(call.header.version, part.bytes) else {
            message.stage = Stage::ReadHead(call);
            return Step::Wait;
        };
        message.stage = Stage::Ignore;
        let Asked::Nfs(nfs::Query::Read { file, offset }) = &call.asked else {
            return Step::Used(head.used);
        };
        let version = nfs::version_word(call.header.version, 0);
        let mut speaker = self.speaker(part.here.mark(head.used, out), out);
        let caller = (call.first, call.from);
        let said = nfs::Read {
            file,
            offset: *offset,
            head,
            version,
        };
        let key = said.begin(&mut self.share, &mut self.once, caller, &mut speaker);
        Step::Bulk(head.used, bulk(key, *offset, head.length))
    }

    fn operations(
        &mut self,
        message: &mut Message,
        header: CallHeader,
        mut walk: Box<v4::CallWalk>,
        part: Part<'_>,
        out: &mut Output<'_>,
    ) -> Step {
        if !walk.has_begun()
            && self
                .calls
                .is_repeat(part.direction, &header, &Asked::Nothing)
        {
            message.stage = Stage::Ignore;
            return Step::Used(part.bytes.len());
        }
        let mut speaker = self.speaker(Mark::default(), out);
        let from = (message.first, part.direction);
        let step = walk.step((part.bytes, part.here), from, &mut self.share, &mut speaker);
        let over = walk.is_over() || matches!(step, v4::Step::Stop);
        if over || (part.whole && matches!(step, v4::Step::Wait)) {
            let asked = walk.take_asked();
            self.remember(message, header, asked, part.direction, out);
            return walked(message, step, Stage::Ignore);
        }
        walked(message, step, Stage::Operations(header, walk))
    }

    /// Says what an answered call meant; `None` for results when it was not carried out.
    fn results(&mut self, call: &Call, results: Option<&[u8]>, now: Mark, out: &mut Output<'_>) {
        let mut speaker = self.speaker(now, out);
        let caller = (call.first, call.from);
        let version = call.header.version;
        match &call.asked {
            Asked::Nothing => {}
            Asked::Portmap(query) => {
                portmap::answered(query, results, caller, &mut self.once, &mut speaker);
            }
            Asked::Mount(query) => {
                let root = mount::answered(
                    (query, version),
                    results,
                    caller,
                    &mut self.once,
                    &mut speaker,
                );
                if let Some((handle, path)) = root {
                    self.share.names.learn(handle, path.into(), speaker.out);
                }
            }
            Asked::Nfs(query) => {
                let answer = results.map_or_else(nfs::Answer::refused, |results| {
                    nfs::answer(version, query, results)
                });
                let said = nfs::Said { query, version };
                said.answered(
                    answer,
                    &mut self.share,
                    &mut self.once,
                    caller,
                    &mut speaker,
                );
            }
            Asked::Compound(..) => self.unanswered(call, out),
        }
    }

    /// Says what a call asked whose answer was not seen.
    fn unanswered(&mut self, call: &Call, out: &mut Output<'_>) {
        let mut speaker = self.speaker(call.first, out);
        let caller = (call.first, call.from);
        let version = call.header.version;
        match &call.asked {
            Asked::Nothing => {}
            Asked::Portmap(query) => {
                portmap::unanswered(query, caller, &mut self.once, &mut speaker);
            }
            Asked::Mount(query) => {
                mount::unanswered((query, version), caller, &mut self.once, &mut speaker);
            }
            Asked::Nfs(query) => {
                let said = nfs::Said { query, version };
                said.unanswered(&self.share, &mut self.once, caller, &mut speaker);
            }
            Asked::Compound(operations, minor) => {
                let exchange = v4::Exchange {
                    caller,
                    share: &mut self.share,
                    once: &mut self.once,
                };
                v4::unanswered(operations, *minor, exchange, &mut speaker);
            }
        }
    }
}

fn bulk(file: Option<FileKey>, offset: u64, length: usize) -> Bulk {
    Bulk {
        file,
        offset,
        left: length,
        padding: padding(length),
    }
}

/// Reads the arguments of a call.
fn arguments(header: &CallHeader, bytes: &[u8]) -> Asked {
    let asked = match header.program {
        PORTMAP => portmap::query(header.version, header.procedure, bytes).map(Asked::Portmap),
        MOUNT => mount::query(header.procedure, bytes).map(Asked::Mount),
        NFS => nfs::query(header.version, header.procedure, bytes).map(Asked::Nfs),
        _ => None,
    };
    asked.unwrap_or(Asked::Nothing)
}

/// Takes over how the walk over a compound goes on.
fn walked(message: &mut Message, step: v4::Step, stage: Stage) -> Step {
    message.stage = stage;
    match step {
        v4::Step::Wait => Step::Wait,
        v4::Step::Used(used) => Step::Used(used),
        v4::Step::Bulk {
            used,
            file,
            offset,
            length,
        } => Step::Bulk(used, bulk(file, offset, length)),
        v4::Step::Stop => {
            message.stage = Stage::Ignore;
            Step::Used(0)
        }
    }
}

impl Session for RpcSession {
    fn held(&self) -> usize {
        self.readers.share.files.held()
    }

    fn data(&mut self, direction: Direction, bytes: &[u8], out: &mut Output<'_>) -> Progress {
        if self.stream {
            return self.stream(direction, bytes, out);
        }
        self.lanes[direction.index()].message.first = out.mark(0);
        let sound = self.payload(direction, bytes, 0, true, out);
        if sound.is_err() && !self.lanes.iter().any(|lane| lane.proven) {
            return Progress::NotThis;
        }
        Progress::Used(bytes.len())
    }

    fn gap(&mut self, direction: Direction, length: Option<u64>, out: &mut Output<'_>) {
        let lane = &mut self.lanes[direction.index()];
        if lane.left == 0 || length.is_none_or(|length| length > lane.left as u64) {
            out.odd("rpc-resynchronised");
        }
        lane.skip(length);
    }

    fn end(&mut self, out: &mut Output<'_>) {
        let by_side =
            [Direction::FromOriginator, Direction::FromResponder].map(|side| self.confidence(side));
        self.readers.confidence = by_side.into_iter().fold(1.0, f32::min);
        let calls = self.readers.calls.unanswered();
        for call in &calls {
            self.readers.unanswered(call, out);
        }
        let mut speaker = self.readers.speaker(out.mark(0), out);
        self.readers.share.files.close_all(&mut speaker);
    }
}
