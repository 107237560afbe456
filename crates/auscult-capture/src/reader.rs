//! One capture, from any source of bytes: blocks in, batches of packets out.

use std::io::{self, Read};

use auscult_model::{FileIndex, Timestamp};

use crate::batch::Batch;
use crate::bounds;
use crate::compression::{self, Compression, Limits, TooMuch};
use crate::fingerprint::Fingerprint;
use crate::info::{CaptureInfo, Format, StoppedAt};
use crate::minutes::Minutes;
use crate::netmon::{self, NetMon};
use crate::pcap::{self, Pcap};
use crate::pcapng::Pcapng;
use crate::recognise::{NotACapture, recognise};
use crate::record::{Step, Tally, Window};
use crate::snoop::{self, Snoop};
use crate::stop::INTERRUPTED;
use crate::stream::Stream;
use crate::trail::{Resume, Trail};

/// How to read.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Bytes read at a time (at least 4 KiB).
    pub block: usize,
    /// Longest record that is believed; a longer one is damage.
    pub max_record: usize,
    /// Most bytes that a compressed input may become.
    pub max_decompressed: u64,
    /// Most times that a compressed input may grow, after its first 16 MiB.
    pub max_ratio: u64,
    /// Whether to compute fingerprints; without, they are all zero.
    pub fingerprint: bool,
    /// Whether to sum what each minute holds; needs fingerprints.
    pub minutes: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            block: 256 << 10,
            max_record: bounds::RECORD_LENGTH.default as usize,
            max_decompressed: bounds::DECOMPRESSED.default,
            max_ratio: bounds::RATIO.default,
            fingerprint: true,
            minutes: false,
        }
    }
}

impl Options {
    /// With block and record sizes that the reader can work with.
    fn sound(self) -> Self {
        Options {
            block: self.block.clamp(PREFIX, LARGEST),
            max_record: self.max_record.clamp(PREFIX, LARGEST),
            ..self
        }
    }
}

/// Bytes looked at to tell what a file is.
const PREFIX: usize = 4096;
/// Blocks and records are addressed by 32-bit offsets within a batch.
const LARGEST: usize = 1 << 30;

/// What reads the records.
#[derive(Clone, Debug)]
pub(crate) enum Parser {
    Pcap(Pcap),
    Pcapng(Pcapng),
    Snoop(Snoop),
    NetMon(NetMon),
    /// Nothing more can be read.
    Stopped,
}

impl Parser {
    /// Interfaces that records can refer to.
    pub(crate) fn interfaces(&self) -> usize {
        match self {
            Parser::Pcapng(pcapng) => pcapng.interfaces(),
            _ => 0,
        }
    }

    /// Changes when what records refer to changes.
    pub(crate) fn generation(&self) -> u64 {
        match self {
            Parser::Pcapng(pcapng) => pcapng.generation(),
            _ => 0,
        }
    }
}

/// Reads one capture.
pub struct CaptureReader {
    stream: Stream,
    parser: Parser,
    tally: Tally,
    info: CaptureInfo,
    options: Options,
    fingerprint: Fingerprint,
    minutes: Minutes,
    /// Length that the record at the front of the stream claims.
    need: usize,
    /// Time of the packet before.
    before: Timestamp,
    trail: Trail,
    done: bool,
}

impl CaptureReader {
    /// Begins to read: tells compression and format by the first bytes.
    ///
    /// `name` is what the input is called in reports, `file` its index.
    pub fn new(
        name: &str,
        file: FileIndex,
        mut source: Box<dyn Read + Send>,
        options: Options,
    ) -> Result<CaptureReader, NotACapture> {
        let options = options.sound();
        let limits = Limits {
            total: options.max_decompressed,
            ratio: options.max_ratio,
        };
        let (raw, raw_error) = read_prefix(&mut source);
        let (compression, mut source) = compression::decompress(&raw, source, limits);
        let (prefix, error) = read_prefix(&mut source);
        let mut tally = Tally {
            file,
            max_record: options.max_record,
            ..Tally::default()
        };
        let mut info = CaptureInfo::new(name, Format::Pcap, compression);
        let Some((format, used, opened)) = open(&prefix, &mut tally) else {
            return Err(match raw_error.or(error) {
                Some(error) => NotACapture::unreadable(&error),
                None => recognise(&prefix),
            });
        };
        info.format = format;
        let parser = opened.unwrap_or_else(|why| {
            info.stopped_at = Some(StoppedAt {
                offset: 0,
                after_packet: 0,
                why,
            });
            Parser::Stopped
        });
        let used = if matches!(parser, Parser::Stopped) {
            0
        } else {
            used
        };
        let carry = prefix.get(used..).unwrap_or_default().to_vec();
        let mut stream = Stream::new(carry, source, used as u64);
        if let Some(error) = raw_error.or(error) {
            stream.end_with(error);
        }
        Ok(CaptureReader {
            stream,
            parser,
            tally,
            info,
            options,
            fingerprint: Fingerprint::default(),
            minutes: Minutes::default(),
            need: 0,
            before: Timestamp::MIN,
            trail: Trail::default(),
            done: false,
        })
    }

    /// Goes on in the middle of an uncompressed file. What [`CaptureReader::info`] then says
    /// covers only what is read.
    pub(crate) fn resume(
        name: &str,
        file: FileIndex,
        source: Box<dyn Read + Send>,
        options: Options,
        resume: Resume,
    ) -> CaptureReader {
        let Resume {
            number,
            offset,
            parser,
        } = resume;
        let options = options.sound();
        let max_record = options.max_record;
        CaptureReader {
            stream: Stream::new(Vec::new(), source, offset),
            parser,
            tally: Tally {
                file,
                max_record,
                number,
                ..Tally::default()
            },
            info: CaptureInfo::new(name, Format::Pcap, Compression::None),
            options,
            fingerprint: Fingerprint::default(),
            minutes: Minutes::default(),
            need: 0,
            before: Timestamp::MIN,
            trail: Trail::default(),
            done: false,
        }
    }

    /// What is known of the capture; final once [`CaptureReader::next_batch`] returned `false`.
    pub fn info(&self) -> &CaptureInfo {
        &self.info
    }

    /// Landmarks of what was read so far.
    pub(crate) fn take_trail(&mut self) -> Trail {
        std::mem::take(&mut self.trail)
    }

    /// Ends the reading before the end of the source.
    pub(crate) fn interrupt(&mut self) {
        if !self.done {
            self.stop(INTERRUPTED.to_owned());
            self.account(&mut Batch::new());
        }
    }

    /// Fills `batch` with the next packets, at least one; `false` when there are no more.
    pub fn next_batch(&mut self, batch: &mut Batch) -> bool {
        batch.clear();
        while !self.done && batch.packets.is_empty() {
            self.read_block(batch);
        }
        self.account(batch);
        !batch.packets.is_empty()
    }

    fn read_block(&mut self, batch: &mut Batch) {
        let range = self
            .stream
            .fill(&mut batch.bytes, self.options.block, self.need);
        let last = self.stream.ended();
        let bytes = batch.bytes.get(..range.end).unwrap_or_default();
        let mut window = Window {
            bytes,
            start: range.start,
            last,
            packets: &mut batch.packets,
        };
        let step = match &mut self.parser {
            Parser::Pcap(pcap) => pcap.parse(&mut window, &mut self.tally),
            Parser::Pcapng(pcapng) => pcapng.parse(&mut window, &mut self.tally),
            Parser::Snoop(snoop) => snoop.parse(&mut window, &mut self.tally),
            Parser::NetMon(netmon) => netmon.parse(&mut window, &mut self.tally),
            Parser::Stopped => {
                self.finish();
                return;
            }
        };
        let (at, skip) = match &step {
            Step::More { at, .. } | Step::Damage { at, .. } => (*at, 0),
            Step::Skip { at, length } => (*at, *length),
        };
        let block = bytes.get(range.start..).unwrap_or_default();
        self.stream
            .keep(block, at.saturating_sub(range.start), skip);
        match step {
            Step::Damage { why, .. } => self.stop(why),
            Step::More { need, .. } => {
                self.need = need;
                if last {
                    self.end_of_source();
                } else if self.info.compression == Compression::None {
                    self.trail
                        .mark(self.tally.number, self.stream.offset(), &self.parser);
                }
            }
            Step::Skip { .. } => self.need = 0,
        }
    }

    fn end_of_source(&mut self) {
        if let Some(error) = self.stream.error() {
            match compression::limit_reached(error) {
                Some(TooMuch::Total(_)) => self.tally.oddities.decompression_limit += 1,
                Some(TooMuch::Ratio(_)) => self.tally.oddities.ratio_limit += 1,
                None => {}
            }
            let why = match error.kind() {
                io::ErrorKind::UnexpectedEof => "the file was cut short".to_owned(),
                _ => error.to_string(),
            };
            self.stop(why);
        } else if self.stream.carried() > 0 {
            self.stop("the file ends within a record".to_owned());
        } else {
            self.finish();
        }
    }

    fn stop(&mut self, why: String) {
        let (offset, after_packet) = (self.stream.offset(), self.tally.number);
        self.info.stopped_at = Some(StoppedAt {
            offset,
            after_packet,
            why,
        });
        self.finish();
    }

    fn finish(&mut self) {
        self.done = true;
        self.info.complete = self.info.stopped_at.is_none();
    }

    /// Counts the packets of a batch.
    fn account(&mut self, batch: &mut Batch) {
        let mut before = self.before;
        let info = &mut self.info;
        let mut link = info.link_types.last().copied();
        let (mut first, mut latest) = (Timestamp::MAX, Timestamp::MIN);
        for meta in &batch.packets {
            info.bytes += u64::from(meta.original);
            info.captured_bytes += u64::from(meta.captured);
            info.cut_by_snaplen += u64::from(meta.is_cut());
            first = first.min(meta.time);
            latest = latest.max(meta.time);
            if meta.time < before {
                info.steps_back += 1;
                info.largest_step_back = info.largest_step_back.max(before.since(meta.time));
            }
            before = meta.time;
            if link != Some(meta.link) {
                link = Some(meta.link);
                if let Err(place) = info.link_types.binary_search(&meta.link) {
                    info.link_types.insert(place, meta.link);
                }
            }
        }
        self.before = before;
        if self.options.fingerprint {
            for (meta, data) in batch.iter() {
                let digest = self.fingerprint.add(meta, data);
                if self.options.minutes {
                    self.minutes.add(meta.time, digest);
                }
            }
        }
        if !batch.packets.is_empty() {
            info.packets += batch.packets.len() as u64;
            info.first = Some(info.first.map_or(first, |known| known.min(first)));
            info.last = Some(info.last.map_or(latest, |known| known.max(latest)));
        }
        batch.latest = latest;
        if self.done {
            if self.options.fingerprint {
                info.fingerprint = self.fingerprint.digest();
            }
            info.oddities = self.tally.oddities;
            (info.minutes, info.oddities.minute_limit) = self.minutes.finish();
            info.interfaces.clone_from(&self.tally.interfaces);
            info.comments.clone_from(&self.tally.comments);
            info.names.clone_from(&self.tally.names);
        }
    }
}

/// Format, length of the file header, and the parser of a capture that begins so, or what is wrong
/// with its header; `None` when it is no capture.
fn open(prefix: &[u8], tally: &mut Tally) -> Option<(Format, usize, Result<Parser, String>)> {
    if Pcapng::detect(prefix) {
        return Some((Format::Pcapng, 0, Ok(Parser::Pcapng(Pcapng::default()))));
    }
    if let Some((_, format)) = Pcap::detect(prefix) {
        let opened = Pcap::open(prefix, tally).map(Parser::Pcap);
        return Some((format, pcap::FILE_HEADER, opened));
    }
    if Snoop::detect(prefix) {
        let opened = Snoop::open(prefix, tally).map(Parser::Snoop);
        return Some((Format::Snoop, snoop::FILE_HEADER, opened));
    }
    if NetMon::detect(prefix) {
        let opened = NetMon::open(prefix, tally).map(Parser::NetMon);
        return Some((Format::NetMon, netmon::FILE_HEADER, opened));
    }
    None
}

/// Reads the first bytes of a source, and the error that ended them.
fn read_prefix(source: &mut impl Read) -> (Vec<u8>, Option<io::Error>) {
    let mut prefix = Vec::with_capacity(PREFIX);
    let error = source.take(PREFIX as u64).read_to_end(&mut prefix).err();
    (prefix, error)
}
