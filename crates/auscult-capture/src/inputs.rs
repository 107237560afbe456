//! All inputs as one sequence of packets in the order of time.
//!
//! A merge by (packet time, order of arguments) that keeps the order within each file. Each file's
//! first packet time is looked up beforehand; a file is opened when its turn comes and closed at
//! its end, so that thousands of rotated files need one open file at a time. While a block of one
//! file lies wholly before every other file it is handed on as it is; only blocks of files that
//! overlap in time are copied, packet by packet. The sequence does not depend on how many bytes a
//! read returns.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use auscult_model::report::ClockOffset;
use auscult_model::{FileIndex, PacketRef, Timestamp};

use crate::batch::Batch;
use crate::clock::{Clock, ClockSteps};
use crate::fetch::{FetchedPacket, by_file, fetch_file};
use crate::info::{CaptureInfo, StoppedAt};
use crate::listing::{Entry, OpenError, list};
use crate::reader::{CaptureReader, Options};
use crate::recognise::NotACapture;
use crate::series::series;
use crate::source::Origin;
use crate::stop::{INTERRUPTED, Stop};
use crate::trail::Trail;

/// Bytes read at a time when only a file's first packet is wanted.
const PEEK_BLOCK: usize = 16 << 10;
/// With more inputs than this, files are not kept open between two reads.
const MAX_KEPT_OPEN: usize = 100;

/// A file in a folder, or an empty file, that is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The name as given.
    pub name: String,
    /// What it is.
    pub reason: NotACapture,
}

/// A file that is being read, or may be.
pub(crate) struct Input {
    pub(crate) entry: Entry,
    /// Open between its first and last packet.
    reader: Option<CaptureReader>,
    /// Packets read and not handed on yet, from `next` on.
    held: Batch,
    next: usize,
    begun: bool,
    /// The time of its first packet, as the file says.
    begins: Timestamp,
    /// What is added to the file's times.
    offset: Option<ClockOffset>,
    /// Where to find packets again; filled at the end.
    pub(crate) trail: Trail,
}

impl Input {
    /// Moves the times of the packets that were just read.
    fn move_held(&mut self) {
        if let Some(offset) = &self.offset {
            let by = offset.nanoseconds;
            for meta in &mut self.held.packets {
                meta.time = meta.time.plus(by);
            }
            self.held.latest = self.held.latest.plus(by);
        }
    }

    /// Says of the whole file what was done to its packets.
    fn tell_moved(&self, info: &mut CaptureInfo) {
        if let Some(offset) = &self.offset {
            info.first = info.first.map(|time| time.plus(offset.nanoseconds));
            info.last = info.last.map(|time| time.plus(offset.nanoseconds));
            info.clock_offset = Some(offset.clone());
        }
    }
}

/// How far the inputs were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of the files (as they are, compressed or not).
    pub read: u64,
    /// Bytes of all files; `None` when one of them is a stream.
    pub total: Option<u64>,
}

/// All inputs, merged by time.
pub struct Inputs {
    inputs: Vec<Input>,
    captures: Vec<CaptureInfo>,
    skipped: Vec<Skipped>,
    options: Options,
    /// The time of the next packet of every file that is not at its end, except `turn`.
    order: BinaryHeap<Reverse<(Timestamp, u32)>>,
    /// The file whose next block is to be read.
    turn: Option<u32>,
    /// Files with a reader.
    open: usize,
    clock: Clock,
    read: Arc<AtomicU64>,
    keep_open: bool,
    stop: Stop,
}

impl Inputs {
    /// Opens captures, folders of captures and `-` (standard input).
    pub fn open(paths: &[PathBuf], options: Options) -> Result<Inputs, OpenError> {
        Self::open_until(paths, options, Stop::default())
    }

    /// Opens a capture that lies in memory; complaints call it `name`.
    pub fn of_bytes(name: &str, bytes: Arc<[u8]>, options: Options) -> Result<Inputs, OpenError> {
        let entry = Entry {
            name: name.to_owned(),
            size: Some(bytes.len() as u64),
            origin: Origin::Memory(bytes),
            folder: None,
            reopens: true,
        };
        Self::of(vec![entry], &[], options, Stop::default())
    }

    /// As [`Inputs::open`]; once `stop` is requested nothing more is read, what was read is handed
    /// on, and the captures that were not read to their ends say so.
    pub fn open_until(
        paths: &[PathBuf],
        options: Options,
        stop: Stop,
    ) -> Result<Inputs, OpenError> {
        Self::of(list(paths)?, paths, options, stop)
    }

    /// Opens what was listed for these arguments.
    pub(crate) fn of(
        entries: Vec<Entry>,
        paths: &[PathBuf],
        options: Options,
        stop: Stop,
    ) -> Result<Inputs, OpenError> {
        let alone = entries.len() == 1;
        let mut inputs = Inputs {
            inputs: Vec::new(),
            captures: Vec::new(),
            skipped: Vec::new(),
            options,
            order: BinaryHeap::new(),
            turn: None,
            open: 0,
            clock: Clock::default(),
            read: Arc::new(AtomicU64::new(0)),
            keep_open: entries.len() <= MAX_KEPT_OPEN,
            stop,
        };
        for entry in entries {
            let folder = entry.folder;
            let name = entry.name.clone();
            match inputs.add(entry, alone) {
                Ok(()) => {}
                Err(OpenError::NotACapture { name, reason })
                    if folder.is_some() || (reason.is_empty_file() && !alone) =>
                {
                    inputs.skipped.push(Skipped { name, reason });
                }
                Err(OpenError::Unreadable { error, .. }) if folder.is_some() => {
                    inputs.skipped.push(Skipped {
                        name,
                        reason: NotACapture::unreadable(&error),
                    });
                }
                Err(error) => return Err(error),
            }
        }
        if inputs.inputs.is_empty() {
            let name = paths
                .first()
                .map(|path| path.to_string_lossy().into_owned());
            let files = inputs.skipped.len();
            return Err(OpenError::NoCaptures {
                name: name.unwrap_or_default(),
                files,
            });
        }
        Ok(inputs)
    }

    /// Fills `batch` with the next packets, at least one; `false` at the end of all inputs.
    pub fn next_batch(&mut self, batch: &mut Batch) -> bool {
        batch.clear();
        self.merge(batch);
        let mut file = None;
        for meta in &mut batch.packets {
            let mut border = false;
            if file != Some(meta.file) {
                file = Some(meta.file);
                if let Some(input) = self.inputs.get_mut(meta.file.0 as usize) {
                    border = !std::mem::replace(&mut input.begun, true);
                }
            }
            meta.clock = self.clock.tick(meta.time, border);
        }
        !batch.packets.is_empty()
    }

    /// What is known of each capture, by file index; final after the end.
    pub fn captures(&self) -> &[CaptureInfo] {
        &self.captures
    }

    /// Where the captures are, by file index.
    pub(crate) fn paths(&self) -> impl Iterator<Item = PathBuf> {
        self.inputs.iter().map(|input| input.entry.path())
    }

    /// Whether all files are pieces of one capture, by their names.
    pub fn are_rotated(&self) -> bool {
        let mut names = self.captures.iter().map(|info| series(&info.name));
        let first = names.next().flatten();
        first.is_some() && names.all(|name| name == first)
    }

    /// The time of a file's first packet; the latest there is when it has none, or cannot be read
    /// twice.
    pub fn begins(&self, file: usize) -> Timestamp {
        let input = self.inputs.get(file).filter(|input| input.entry.reopens);
        input.map_or(Timestamp::MAX, |input| input.begins)
    }

    /// Reads a file from its start, beside the reading that goes on; `None` for what cannot be read
    /// twice, and for what cannot be read.
    pub fn reader_again(&self, file: FileIndex) -> Option<CaptureReader> {
        let input = self.inputs.get(file.0 as usize)?;
        if !input.entry.reopens {
            return None;
        }
        let source = input.entry.open(true, Arc::default(), &self.stop).ok()?;
        let options = Options {
            fingerprint: false,
            ..self.options
        };
        CaptureReader::new(&input.entry.name, file, source, options).ok()
    }

    /// Adds `nanoseconds` to the times of a file of which nothing was handed on yet, since
    /// `packets` packets say that its clock then agrees with that of the file `beside`.
    pub fn move_clock(
        &mut self,
        file: FileIndex,
        nanoseconds: i64,
        packets: u64,
        beside: FileIndex,
    ) {
        let name = |of: FileIndex| {
            self.captures
                .get(of.0 as usize)
                .map(|info| info.name.clone())
        };
        let (Some(beside), Some(input)) = (name(beside), self.inputs.get_mut(file.0 as usize))
        else {
            return;
        };
        input.offset = Some(ClockOffset {
            nanoseconds,
            beside,
            packets,
        });
        input.move_held();
        let moved = |(time, index): (Timestamp, u32)| match index == file.0 {
            true => Reverse((time.plus(nanoseconds), index)),
            false => Reverse((time, index)),
        };
        self.order = self.order.drain().map(|Reverse(at)| moved(at)).collect();
        if let (Some(info), Some(input)) = (
            self.captures.get_mut(file.0 as usize),
            self.inputs.get(file.0 as usize),
        ) {
            input.tell_moved(info);
        }
    }

    /// Files that were not read, and why.
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// What the clock met so far.
    pub fn clock_steps(&self) -> ClockSteps {
        self.clock.steps
    }

    /// How far the inputs were read.
    pub fn progress(&self) -> Progress {
        let sizes = self.inputs.iter().map(|input| input.entry.size);
        let total = sizes.into_iter().sum();
        Progress {
            read: self.read.load(Ordering::Relaxed),
            total,
        }
    }

    /// Reads packets again: those that are wanted and can be had, by file and number.
    ///
    /// Nothing comes from standard input or a pipe. Uncompressed files are entered near the
    /// packet, compressed ones are read from their start to the last packet wanted.
    pub fn fetch(&self, wanted: &[PacketRef]) -> Vec<FetchedPacket> {
        let mut found = Vec::new();
        for (file, numbers) in by_file(wanted) {
            if let Some(input) = self.inputs.get(file.0 as usize)
                && input.entry.reopens
            {
                fetch_file(input, file, &numbers, self.options, &mut found);
            }
        }
        found
    }

    /// Adds an input; keeps it open when it cannot be opened again or is the only one.
    fn add(&mut self, entry: Entry, alone: bool) -> Result<(), OpenError> {
        let index = self.inputs.len() as u32;
        let keep = alone || !entry.reopens;
        let block = if keep { self.options.block } else { PEEK_BLOCK };
        let options = Options {
            block,
            ..self.options
        };
        let read = if keep {
            self.read.clone()
        } else {
            Arc::default()
        };
        let source = entry
            .open(true, read, &self.stop)
            .map_err(|error| OpenError::Unreadable {
                name: entry.name.clone(),
                error,
            })?;
        let mut reader = CaptureReader::new(&entry.name, FileIndex(index), source, options)
            .map_err(|reason| OpenError::NotACapture {
                name: entry.name.clone(),
                reason,
            })?;
        let mut held = Batch::new();
        let first = reader
            .next_batch(&mut held)
            .then(|| held.packets.first())
            .flatten();
        let begins = first.map_or(Timestamp::MAX, |meta| meta.time);
        if first.is_some() {
            self.order.push(Reverse((begins, index)));
        }
        let kept = keep && first.is_some();
        if first.is_none() && !keep {
            // Read to its end already.
            self.read
                .fetch_add(entry.size.unwrap_or(0), Ordering::Relaxed);
        }
        let mut info = reader.info().clone();
        if !kept && first.is_some() {
            info = CaptureInfo::new(&entry.name, info.format, info.compression);
            held = Batch::new();
        }
        self.captures.push(info);
        self.open += usize::from(kept);
        let reader = kept.then_some(reader);
        self.inputs.push(Input {
            entry,
            reader,
            held,
            next: 0,
            begun: false,
            begins,
            offset: None,
            trail: Trail::default(),
        });
        Ok(())
    }

    /// Takes packets in order until `batch` is full or is a whole block of one file.
    fn merge(&mut self, batch: &mut Batch) {
        loop {
            let turn = self.turn.take();
            let Some(index) = turn.or_else(|| self.order.pop().map(|Reverse((_, it))| it)) else {
                return;
            };
            if !self.load(index) {
                continue;
            }
            let limit = self.order.peek().map(|Reverse(limit)| *limit);
            let others = self.open > 1;
            let Some(input) = self.inputs.get_mut(index as usize) else {
                return;
            };
            let before = |time: Timestamp| limit.is_none_or(|limit| (time, index) <= limit);
            if batch.packets.is_empty() && input.next == 0 && before(input.held.latest) {
                std::mem::swap(batch, &mut input.held);
                input.held.clear();
                self.turn = Some(index);
                return;
            }
            let full = !copy_while(input, batch, self.options.block, before);
            match input.held.packets.get(input.next) {
                Some(meta) => self.order.push(Reverse((meta.time, index))),
                None => self.turn = Some(index),
            }
            // With no other file open the next block can go the short way.
            if full || (self.turn.is_some() && !others) {
                return;
            }
        }
    }

    /// Smaller blocks when many files are open, so that together they hold some 64 MiB.
    fn block_for(&self, open: usize) -> Options {
        let block = match open {
            0..256 => self.options.block,
            256..1024 => self.options.block.min(64 << 10),
            _ => self.options.block.min(16 << 10),
        };
        Options {
            block,
            ..self.options
        }
    }

    /// Makes sure that a file holds packets; opens it when its turn has come, closes it and
    /// returns `false` at its end.
    fn load(&mut self, index: u32) -> bool {
        let place = index as usize;
        let options = self.block_for(self.open);
        let Some(input) = self.inputs.get_mut(place) else {
            return false;
        };
        if input.held.packets.len() > input.next {
            return true;
        }
        // A stream that is being read tells itself, behind what it had read ahead.
        let tells_itself = !input.entry.reopens && input.reader.is_some();
        if self.stop.is_requested() && !tells_itself {
            self.interrupt(place);
            return false;
        }
        if input.reader.is_none() {
            let name = &input.entry.name;
            let source = input
                .entry
                .open(self.keep_open, self.read.clone(), &self.stop);
            let opened = source
                .map_err(|error| error.to_string())
                .and_then(|source| {
                    CaptureReader::new(name, FileIndex(index), source, options)
                        .map_err(|changed| changed.to_string())
                });
            match opened {
                Ok(reader) => input.reader = Some(reader),
                Err(why) => {
                    if let Some(info) = self.captures.get_mut(place) {
                        info.stopped_at = Some(StoppedAt {
                            offset: 0,
                            after_packet: 0,
                            why,
                        });
                    }
                    return false;
                }
            }
            self.open += 1;
        }
        input.next = 0;
        let Some(reader) = &mut input.reader else {
            return false;
        };
        let more = reader.next_batch(&mut input.held);
        if more {
            input.move_held();
        } else {
            let (trail, read) = (reader.take_trail(), reader.info().clone());
            if let Some(info) = self.captures.get_mut(place) {
                *info = read;
                input.tell_moved(info);
            }
            input.trail = trail;
            input.reader = None;
            input.held = Batch::new();
            self.open -= 1;
        }
        more
    }

    /// Ends a file where it is.
    fn interrupt(&mut self, place: usize) {
        let (Some(input), Some(info)) = (self.inputs.get_mut(place), self.captures.get_mut(place))
        else {
            return;
        };
        match input.reader.take() {
            Some(mut reader) => {
                reader.interrupt();
                info.clone_from(reader.info());
                input.tell_moved(info);
                self.open -= 1;
            }
            None => {
                info.stopped_at = Some(StoppedAt {
                    offset: 0,
                    after_packet: 0,
                    why: INTERRUPTED.to_owned(),
                });
            }
        }
        input.held = Batch::new();
    }
}

/// Copies packets of an input while they are in order; `false` when the batch is full.
fn copy_while(
    input: &mut Input,
    batch: &mut Batch,
    room: usize,
    before: impl Fn(Timestamp) -> bool,
) -> bool {
    while let Some(meta) = input.held.packets.get(input.next) {
        if !before(meta.time) {
            return true;
        }
        if !batch.push_copy(meta, input.held.data(meta), room) {
            return false;
        }
        input.next += 1;
    }
    true
}
