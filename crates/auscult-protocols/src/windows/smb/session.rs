//! Reads one SMB connection: frames, messages in them, and the bytes of files that pass through.
//!
//! ```text
//! frame    = kind u8 · length u24 · message+     message = header · body · bytes of a file
//! ```
//!
//! Only the front of a message is waited for; bytes of files are passed on as they come, and
//! everything else is skipped. After a loss the next header is looked for. Source: RFC 1002 4.3,
//! MS-SMB2 2.1.

use auscult_model::Direction;
use memchr::memmem;

use super::share::{Connection, Data};
use super::{v1, v2};
use crate::first::FIRST;
use crate::{Output, Progress, Session, Start};

/// Kind and length.
const FRAME: usize = 4;
/// A frame's head with as much of a header as tells that it is one.
const SIGN: usize = 10;

/// The header of a message of either generation.
enum Header {
    One(v1::Header),
    Two(v2::Header),
}

impl Header {
    /// How much of the message is looked at, and its length.
    fn sizes(&self) -> (usize, usize) {
        match self {
            Header::One(header) => (header.wanted(), header.length),
            Header::Two(header) => (header.wanted(), header.length),
        }
    }

    /// It introduces a host, and is read as a whole.
    fn is_introduction(&self) -> bool {
        match self {
            Header::One(header) => header.is_introduction(),
            Header::Two(header) => header.is_introduction(),
        }
    }
}

/// What comes next in one direction.
#[derive(Default)]
enum Stage {
    /// A frame.
    #[default]
    Frame,
    /// A message of the current frame.
    Message,
    /// Bytes of a file, and how much of the message follows them.
    Bytes(Data, usize),
    /// No border is known.
    Lost,
}

#[derive(Default)]
struct Lane {
    stage: Stage,
    /// Bytes of the frame from the next message on.
    left: usize,
    chain: v2::Chain,
}

impl Lane {
    /// `length` bytes of the frame belong to the message that was read.
    fn pass(&mut self, length: usize) {
        self.left = self.left.saturating_sub(length);
        self.stage = match self.left {
            0 => Stage::Frame,
            _ => Stage::Message,
        };
    }
}

/// Reads a connection of any version.
pub(super) struct Smb {
    lanes: [Lane; 2],
    connection: Connection,
    /// That messages are enciphered was said.
    is_enciphered: bool,
}

impl Smb {
    pub(super) fn start(start: &Start) -> Box<dyn Session> {
        let mut smb = Smb {
            lanes: Default::default(),
            connection: Connection::default(),
            is_enciphered: false,
        };
        if !start.from_start {
            smb.lose(Direction::FromOriginator);
            smb.lose(Direction::FromResponder);
        }
        Box::new(smb)
    }

    fn lane(&mut self, direction: Direction) -> &mut Lane {
        &mut self.lanes[direction.index()]
    }

    fn lose(&mut self, direction: Direction) {
        self.lane(direction).stage = Stage::Lost;
        self.connection.files.doubted = true;
    }

    fn frame(&mut self, bytes: &[u8], out: &mut Output<'_>) -> Progress {
        let Some((&head, rest)) = bytes.split_first_chunk::<FRAME>() else {
            return need(bytes, FRAME);
        };
        let [kind, upper, ..] = head;
        let length = (u32::from_be_bytes(head) & 0x00ff_ffff) as usize;
        match kind {
            0 if length == 0 => return Progress::Used(FRAME),
            0 => {}
            // A NetBIOS session is asked for, granted, and kept up.
            0x81..=0x85 if upper <= 1 => {
                return Progress::Skip {
                    used: FRAME,
                    skip: length as u64,
                };
            }
            _ => return self.broken(out),
        }
        let Some(mark) = rest.get(..4) else {
            return need(bytes, FRAME + 4);
        };
        match mark {
            b"\xfeSMB" | b"\xffSMB" => {}
            b"\xfdSMB" => {
                if !self.is_enciphered {
                    self.is_enciphered = true;
                    let place = out.place(0..FRAME + 4);
                    out.claim(place, "smb_enciphered", "yes".to_owned());
                }
                return opaque(length);
            }
            b"\xfcSMB" => {
                out.odd("smb-compressed");
                return opaque(length);
            }
            _ => return self.broken(out),
        }
        let lane = self.lane(out.direction);
        lane.left = length;
        lane.chain = v2::Chain::default();
        lane.stage = Stage::Message;
        Progress::Used(FRAME)
    }

    /// What should be a frame is none: the next one is looked for.
    fn broken(&mut self, out: &mut Output<'_>) -> Progress {
        out.odd("smb-border-lost");
        self.lose(out.direction);
        Progress::Used(1)
    }

    fn message(&mut self, bytes: &[u8], out: &mut Output<'_>) -> Progress {
        let left = self.lane(out.direction).left;
        let is_first = bytes.first() == Some(&0xff);
        let front = left.min(if is_first { v1::HEADER } else { v2::HEADER });
        let Some(front) = bytes.get(..front) else {
            return need(bytes, front);
        };
        let header = match is_first {
            true => v1::Header::of(front, left).map(Header::One),
            false => v2::Header::of(front, left).map(Header::Two),
        };
        let Some(header) = header else {
            return self.leave(0, left, out);
        };
        let (wanted, length) = header.sizes();
        let is_introduction = header.is_introduction();
        if is_introduction && wanted > out.bound(&FIRST) {
            out.reached(&FIRST);
            return self.leave(0, length, out);
        }
        let Some(message) = bytes.get(..wanted) else {
            return need(bytes, wanted);
        };
        if is_introduction {
            super::introduced(message, out);
        }
        let connection = &mut self.connection;
        let read = match &header {
            Header::One(header) => v1::read(header, message, connection, out),
            Header::Two(header) => {
                let chain = &mut self.lanes[out.direction.index()].chain;
                v2::read(header, message, (chain, connection), out)
            }
        };
        self.data_or_next(read, wanted, length, out)
    }

    /// `used` bytes of a message of `length` were read, and nothing more of it is wanted.
    fn leave(&mut self, used: usize, length: usize, out: &Output<'_>) -> Progress {
        self.lane(out.direction).pass(length);
        skip(used, length - used)
    }

    /// Goes on with the bytes of a file behind the `used` bytes that were read, or with the next
    /// message.
    fn data_or_next(
        &mut self,
        read: Option<v2::DataAt>,
        used: usize,
        length: usize,
        out: &mut Output<'_>,
    ) -> Progress {
        let Some((data, at)) = read.filter(|(data, at)| *at >= used && data.length > 0) else {
            if let Some((data, _)) = read {
                self.connection.files.arrived(&data.key, data.end, out);
            }
            return self.leave(used, length, out);
        };
        let behind = length.saturating_sub(at + data.length);
        let lane = self.lane(out.direction);
        lane.left = lane.left.saturating_sub(at + data.length);
        lane.stage = Stage::Bytes(data, behind);
        skip(used, at - used)
    }

    fn bytes(
        &mut self,
        mut data: Data,
        behind: usize,
        bytes: &[u8],
        out: &mut Output<'_>,
    ) -> Progress {
        let length = data.length.min(bytes.len());
        let (bytes, _) = bytes.split_at(length);
        let part = super::files::Bytes {
            key: data.key,
            offset: data.offset,
            bytes,
            at: out.mark(length.saturating_sub(1)),
        };
        let files = &mut self.connection.files;
        files.add(&part, out);
        if files.is_document(&data.key) {
            out.withhold(0..length);
        }
        data.offset = data.offset.saturating_add(length as u64);
        data.length -= length;
        if data.length > 0 {
            self.lane(out.direction).stage = Stage::Bytes(data, behind);
            return Progress::Used(length);
        }
        files.arrived(&data.key, data.end, out);
        self.lane(out.direction).pass(behind);
        skip(length, behind)
    }
}

impl Session for Smb {
    fn data(&mut self, direction: Direction, bytes: &[u8], out: &mut Output<'_>) -> Progress {
        match self.lane(direction).stage {
            Stage::Frame => self.frame(bytes, out),
            Stage::Message => self.message(bytes, out),
            Stage::Bytes(data, behind) => self.bytes(data, behind, bytes, out),
            Stage::Lost => match find(bytes) {
                Ok(at) => {
                    self.lane(direction).stage = Stage::Frame;
                    match at {
                        0 => self.frame(bytes, out),
                        _ => Progress::Used(at),
                    }
                }
                Err(none) => Progress::Used(none),
            },
        }
    }

    fn gap(&mut self, direction: Direction, length: Option<u64>, _: &mut Output<'_>) {
        let length = length.and_then(|length| usize::try_from(length).ok());
        let lane = self.lane(direction);
        if let (Stage::Bytes(data, _), Some(length)) = (&mut lane.stage, length)
            && length < data.length
        {
            data.length -= length;
            data.offset = data.offset.saturating_add(length as u64);
            return;
        }
        self.lose(direction);
    }

    fn held(&self) -> usize {
        self.connection.held()
    }

    fn end(&mut self, out: &mut Output<'_>) {
        self.connection.files.close_all(out);
    }
}

/// A frame of which nothing can be read.
fn opaque(length: usize) -> Progress {
    skip(FRAME, length)
}

fn skip(used: usize, skip: usize) -> Progress {
    match skip {
        0 => Progress::Used(used),
        _ => Progress::Skip {
            used,
            skip: skip as u64,
        },
    }
}

/// So many bytes are wanted, and are not there.
fn need(bytes: &[u8], need: usize) -> Progress {
    debug_assert!(bytes.len() < need);
    Progress::Need { used: 0, need }
}

/// Where the next frame begins: found, or nothing before so many bytes.
fn find(bytes: &[u8]) -> Result<usize, usize> {
    for at in memmem::find_iter(bytes, b"SMB") {
        let Some(start) = at.checked_sub(FRAME + 1) else {
            continue;
        };
        match bytes.get(start..start + SIGN) {
            Some([0, _, _, _, 0xfe, _, _, _, 64, 0] | [0, _, _, _, 0xff, ..]) => return Ok(start),
            Some(_) => {}
            None => break,
        }
    }
    Err(bytes.len().saturating_sub(SIGN - 1))
}
