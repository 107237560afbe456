//! One direction of an RPC flow: record marking on streams, the message that is being read.
//!
//! ```text
//! record  = fragment+        fragment = u32 (bit 31: last of the record; length) · bytes
//! ```
//!
//! A message needs not lie in one piece: only what is not yet read of it is kept, and file data
//! pass through without being kept at all. Sources: RFC 5531 §11. Limits: fragments of up to
//! [`FRAGMENT_MAX`] bytes; after a loss the next record that begins with a known call, or with
//! the reply to one, is looked for.

use super::calls::{Call, Calls};
use super::message::{CallHeader, Looks, looks};
use crate::Mark;
use crate::nfs::{self, FileKey};
use auscult_model::{Bound, Direction};

/// Longest fragment that is believed.
pub(crate) const FRAGMENT_MAX: u32 = 16 * 1024 * 1024;
/// Most bytes of a message that are kept; file data do not count.
pub(crate) static MESSAGE: Bound = Bound::settable(
    "rpc-message",
    128 << 10,
    "bytes of one message that wait to be understood, without the content of files",
    "the message is not read",
);

/// What is being read.
#[derive(Default)]
pub(crate) enum Stage {
    /// The message's header.
    #[default]
    Header,
    /// Arguments that are read at once when they are complete.
    Arguments(CallHeader),
    /// Results that are read at once when they are complete.
    Results(Box<Call>),
    /// What precedes the data of a WRITE call.
    WriteHead(CallHeader),
    /// What precedes the data of a READ reply.
    ReadHead(Box<Call>),
    /// The operations of an NFSv4 call.
    Operations(CallHeader, Box<nfs::v4::CallWalk>),
    /// The results of an NFSv4 reply.
    OperationResults(Box<Call>, Box<nfs::v4::ReplyWalk>),
    /// Nothing more of this message is wanted.
    Ignore,
}

/// File data that pass through.
pub(crate) struct Bulk {
    /// The file; `None` when it cannot be told.
    pub(crate) file: Option<FileKey>,
    /// Where in the file the next byte belongs.
    pub(crate) offset: u64,
    /// Bytes to come.
    pub(crate) left: usize,
    /// Padding to leave out after them.
    pub(crate) padding: usize,
}

/// A message that is being read.
#[derive(Default)]
pub(crate) struct Message {
    pub(crate) stage: Stage,
    /// Bytes that wait for more.
    pub(crate) head: Vec<u8>,
    pub(crate) bulk: Option<Bulk>,
    /// Packet with the first byte.
    pub(crate) first: Mark,
}

impl Message {
    /// Ready for the next message; keeps the buffer.
    pub(crate) fn reset(&mut self) {
        self.stage = Stage::Header;
        self.head.clear();
        self.bulk = None;
    }
}

/// One direction.
#[derive(Default)]
pub(crate) struct Lane {
    pub(crate) message: Message,
    /// Bytes of the current fragment still to come.
    pub(crate) left: usize,
    /// The current fragment is its record's last.
    pub(crate) last: bool,
    /// In the middle of a record.
    pub(crate) inside: bool,
    /// No record border is known.
    pub(crate) lost: bool,
    /// The border was guessed or bytes were lost, and so many messages have fitted since.
    pub(crate) doubt: Option<u8>,
    /// Some message was read.
    pub(crate) proven: bool,
}

impl Lane {
    /// A message's header fitted.
    pub(crate) fn fitted(&mut self) {
        self.proven = true;
        self.doubt = match self.doubt {
            Some(0) => Some(1),
            _ => None,
        };
    }

    /// The border is not known any more.
    pub(crate) fn lose(&mut self) {
        self.message.reset();
        self.left = 0;
        self.inside = false;
        self.lost = true;
        self.doubt = Some(0);
    }

    /// Takes note of lost bytes; the border stays known when all of them belong to this fragment.
    pub(crate) fn skip(&mut self, length: Option<u64>) {
        match length.and_then(|length| usize::try_from(length).ok()) {
            Some(length) if length <= self.left && !self.lost => {
                self.doubt = Some(0);
                self.left -= length;
                match &mut self.message.bulk {
                    Some(bulk) if length <= bulk.left => {
                        bulk.left -= length;
                        bulk.offset += length as u64;
                    }
                    _ => {
                        self.message.bulk = None;
                        self.message.head.clear();
                        self.message.stage = Stage::Ignore;
                    }
                }
                if self.left == 0 && self.last {
                    self.message.reset();
                    self.inside = false;
                }
            }
            _ => self.lose(),
        }
    }
}

/// Where the next record begins: found, or nothing before so many bytes.
pub(crate) fn find_record(bytes: &[u8], from: Direction, calls: &Calls) -> Result<usize, usize> {
    for at in 0..bytes.len() {
        let rest = bytes.get(at..).unwrap_or_default();
        let Some((mark, message)) = rest.split_first_chunk::<4>() else {
            return Err(at);
        };
        let length = u32::from_be_bytes(*mark) & 0x7fff_ffff;
        if !(24..=FRAGMENT_MAX).contains(&length) {
            continue;
        }
        match looks(message) {
            Looks::Call { .. } => return Ok(at),
            Looks::Reply => {
                let xid = message.first_chunk().map(|four| u32::from_be_bytes(*four));
                if xid.is_some_and(|xid| calls.knows(from.opposite(), xid)) {
                    return Ok(at);
                }
            }
            Looks::Open => return Err(at),
            Looks::Neither => {}
        }
    }
    Err(bytes.len())
}
