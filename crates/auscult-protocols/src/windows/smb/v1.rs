//! Messages of SMB 1: what opens, reads, writes and closes files.
//!
//! Source: MS-CIFS 2.2.3 and 2.2.4 (NT_CREATE_ANDX, READ_ANDX, WRITE_ANDX, CLOSE,
//! TREE_CONNECT_ANDX). Limits: a second command behind the first (AndX) is not read, nor are the
//! commands of older dialects.

use std::sync::Arc;

use super::super::implant::TRANSACTION_2;
use super::super::ntlm::wide;
use super::share::{Asked, Connection, FileId, Handle, Opened, Range, ShareId};
use super::v2::{DataAt, PATH_MAX};
use crate::opening::{le_u16, le_u32, le_u64};
use crate::{Output, text};

/// Bytes of a header, with the count of words behind it.
pub(super) const HEADER: usize = 33;
const MAGIC: &[u8] = b"\xffSMB";

const CLOSE: u8 = 0x04;
const READ: u8 = 0x2e;
const WRITE: u8 = 0x2f;
const SESSION_SETUP: u8 = 0x73;
const TREE_CONNECT: u8 = 0x75;
const CREATE: u8 = 0xa2;

/// What a header says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub(super) command: u8,
    is_refused: bool,
    pub(super) is_answer: bool,
    is_signed: bool,
    is_wide: bool,
    /// Bytes of the message.
    pub(super) length: usize,
    /// Of the request and its answer: the numbers of message and process.
    number: u64,
    tree: u16,
    words: usize,
}

impl Header {
    /// The header that a message of `length` bytes begins with.
    pub(super) fn of(bytes: &[u8], length: usize) -> Option<Header> {
        if !bytes.starts_with(MAGIC) {
            return None;
        }
        let flags = le_u16(bytes, 10)?;
        let pair = |high: usize, low: usize| {
            Some(u64::from(le_u16(bytes, high)?) << 16 | u64::from(le_u16(bytes, low)?))
        };
        Some(Header {
            command: *bytes.get(4)?,
            // Errors of DOS have their class in the same place.
            is_refused: !matches!(le_u32(bytes, 5)?, 0 | 0x8000_0005),
            is_answer: bytes.get(9)? & 0x80 != 0,
            is_signed: flags & 4 != 0,
            is_wide: flags & 0x8000 != 0,
            length,
            number: 1 << 63 | pair(26, 30)?,
            tree: le_u16(bytes, 24)?,
            words: usize::from(*bytes.get(32)?),
        })
    }

    /// How much of the message is looked at.
    pub(super) fn wanted(&self) -> usize {
        let more = match self.command {
            SESSION_SETUP => self.length,
            TREE_CONNECT | CREATE => 2 * self.words + 4 + PATH_MAX,
            CLOSE | READ | WRITE => 2 * self.words,
            // Up to its sub-command.
            TRANSACTION_2 => 30,
            _ => 0,
        };
        self.length.min(HEADER + more)
    }

    /// It introduces a host, and is read as a whole.
    pub(super) fn is_introduction(&self) -> bool {
        self.command == SESSION_SETUP
    }

    fn share(&self) -> ShareId {
        (1 << 63, u32::from(self.tree))
    }

    /// Files are counted from small numbers; this is how they are told from those of SMB 2.
    fn file(&self, message: &[u8], at: usize) -> Option<FileId> {
        let number = le_u16(message, HEADER + at)?;
        let mut id = *b"SMB 1 file      ";
        let [.., a, b] = &mut id;
        [*a, *b] = number.to_le_bytes();
        Some(id)
    }
}

/// Reads what is wanted of a message; says where bytes of a file follow.
pub(super) fn read(
    header: &Header,
    message: &[u8],
    connection: &mut Connection,
    out: &mut Output<'_>,
) -> Option<DataAt> {
    let number = header.number;
    match (header.is_answer, header.command) {
        (_, TRANSACTION_2) => super::implant(message, connection, out),
        (false, _) => return request(header, message, connection, out),
        (true, TREE_CONNECT | CREATE | CLOSE | READ | WRITE) if header.is_refused => {
            connection.refused(number);
        }
        (true, TREE_CONNECT) => {
            let service = message.get(HEADER + 2 * header.words + 2..);
            let is_pipe = service.is_some_and(|service| service.starts_with(b"IPC"));
            connection.connected(number, header.share(), is_pipe, out);
        }
        (true, CREATE) => {
            let opened = Opened {
                id: header.file(message, 5)?,
                size: le_u64(message, HEADER + 55)?,
                is_new: le_u32(message, HEADER + 7)? != 1,
                // A directory, or neither disk nor printer.
                is_no_file: le_u32(message, HEADER + 43)? & 0x10 != 0
                    || matches!(le_u16(message, HEADER + 63)?, 1 | 2),
            };
            connection.opened(number, &opened, out);
        }
        (true, READ) => {
            let length = length(message, 10, 14)?;
            let at = usize::from(le_u16(message, HEADER + 12)?);
            let by = (out.direction, header.is_signed);
            if fits(header, at, length) {
                let data = connection.read(number, length as usize, by, out)?;
                return Some((data, at));
            }
        }
        (true, WRITE) => connection.wrote(number),
        (true, CLOSE) => connection.closed(number, None, out),
        _ => {}
    }
    None
}

fn request(
    header: &Header,
    message: &[u8],
    connection: &mut Connection,
    out: &mut Output<'_>,
) -> Option<DataAt> {
    let number = header.number;
    let handle = |at| header.file(message, at).map(Handle::Known);
    match header.command {
        TREE_CONNECT => {
            let skipped = usize::from(le_u16(message, HEADER + 6)?);
            let at = HEADER + 2 * header.words + 2 + skipped;
            let name = name(header, message, at, None)?;
            connection.asked(number, Asked::Connect(name), out);
        }
        CREATE => {
            let length = usize::from(le_u16(message, HEADER + 5)?);
            let at = HEADER + 2 * header.words + 2;
            let asked = Asked::Open {
                name: name(header, message, at, Some(length))?,
                share: header.share(),
            };
            connection.asked(number, asked, out);
        }
        CLOSE => connection.asked(number, Asked::Close(handle(0)?), out),
        READ => {
            let range = Range {
                handle: handle(4)?,
                offset: offset(header, message, 6, (10, 20))?,
                length: length(message, 10, 14)?,
            };
            if connection.is_file(&range.handle) {
                connection.asked(number, Asked::Read(range), out);
            }
        }
        WRITE => {
            let range = Range {
                handle: handle(4)?,
                offset: offset(header, message, 6, (12, 24))?,
                length: length(message, 20, 18)?,
            };
            let at = usize::from(le_u16(message, HEADER + 22)?);
            let by = (out.direction, header.is_signed);
            if fits(header, at, range.length) {
                let data = connection.write(number, range, by, out)?;
                return Some((data, at));
            }
        }
        _ => {}
    }
    None
}

/// A length in two halves. Where the upper one is all ones it says something else.
fn length(message: &[u8], low: usize, high: usize) -> Option<u32> {
    let low = u32::from(le_u16(message, HEADER + low)?);
    let high = u32::from(le_u16(message, HEADER + high)?);
    Some(if high == 0xffff {
        low
    } else {
        high << 16 | low
    })
}

/// An offset, of which the upper half comes where there are more words than so many.
fn offset(header: &Header, message: &[u8], at: usize, more: (usize, usize)) -> Option<u64> {
    let low = u64::from(le_u32(message, HEADER + at)?);
    let high = match header.words > more.0 {
        true => u64::from(le_u32(message, HEADER + more.1)?),
        false => 0,
    };
    Some(high << 32 | low)
}

/// Data of this length at `at` lie behind the words and end within the message.
fn fits(header: &Header, at: usize, length: u32) -> bool {
    let end = at.checked_add(length as usize);
    at >= HEADER + 2 * header.words && end.is_some_and(|end| end <= header.length)
}

/// A path at `at`, of so many bytes or up to its end.
fn name(header: &Header, message: &[u8], at: usize, length: Option<usize>) -> Option<Arc<str>> {
    // Wide letters begin at an even place.
    let at = at + usize::from(header.is_wide && !at.is_multiple_of(2));
    let rest = message.get(at..)?;
    let bytes = match length {
        Some(length) => rest.get(..length.min(PATH_MAX))?,
        None => rest,
    };
    Some(match header.is_wide {
        true => wide(bytes).into(),
        false => text::lenient(bytes).into(),
    })
}
