//! Messages of SMB 2 and 3: what opens, reads, writes and closes files.
//!
//! Source: MS-SMB2 2.2. Several messages may follow one another in a frame; those that say so name
//! the share and the file by the message before them (3.2.4.1.4).

use std::sync::Arc;

use super::super::ntlm::wide;
use super::share::{Asked, Connection, Data, FileId, Handle, Opened, Range, ShareId};
use crate::Output;
use crate::opening::{le_u16, le_u32, le_u64};

/// Bytes of a header.
pub(super) const HEADER: usize = 64;
const MAGIC: &[u8] = b"\xfeSMB\x40\0";
/// Longest path that is kept, in bytes of UTF-16.
pub(super) const PATH_MAX: usize = 1024;

const NEGOTIATE: u16 = 0;
const SESSION_SETUP: u16 = 1;
const TREE_CONNECT: u16 = 3;
const CREATE: u16 = 5;
const CLOSE: u16 = 6;
const READ: u16 = 8;
const WRITE: u16 = 9;
const SET_INFO: u16 = 17;

/// Stands for the file of the message before.
const SAME: FileId = [0xff; 16];
/// The answer is given later, under the same number.
const PENDING: u32 = 0x0000_0103;
/// More messages of a log-on follow.
const MORE: u32 = 0xc000_0016;
/// There was more than the answer has room for.
const OVERFLOW: u32 = 0x8000_0005;

/// What a header says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub(super) command: u16,
    pub(super) status: u32,
    pub(super) is_answer: bool,
    is_async: bool,
    is_related: bool,
    pub(super) is_signed: bool,
    /// Bytes of the message.
    pub(super) length: usize,
    number: u64,
    share: ShareId,
}

impl Header {
    /// The header that `bytes` begin with, of a message of at most `left` bytes.
    pub(super) fn of(bytes: &[u8], left: usize) -> Option<Header> {
        if !bytes.starts_with(MAGIC) {
            return None;
        }
        let flags = le_u32(bytes, 16)?;
        let next = le_u32(bytes, 20)? as usize;
        if next > 0 && !(HEADER..=left).contains(&next) {
            return None;
        }
        Some(Header {
            command: le_u16(bytes, 12)?,
            status: le_u32(bytes, 8)?,
            is_answer: flags & 1 != 0,
            is_async: flags & 2 != 0,
            is_related: flags & 4 != 0,
            is_signed: flags & 8 != 0,
            length: if next > 0 { next } else { left },
            number: le_u64(bytes, 24)?,
            share: (le_u64(bytes, 40)?, le_u32(bytes, 36)?),
        })
    }

    /// It introduces a host, and is read as a whole.
    pub(super) fn is_introduction(&self) -> bool {
        matches!(self.command, NEGOTIATE | SESSION_SETUP)
    }

    /// How much of the message is looked at.
    pub(super) fn wanted(&self) -> usize {
        let body = match (self.command, self.is_answer) {
            _ if self.is_refused() => 0,
            (NEGOTIATE | SESSION_SETUP, _) => return self.length,
            (TREE_CONNECT, false) => 8 + PATH_MAX,
            (TREE_CONNECT, true) => 16,
            (CREATE, false) => 56 + PATH_MAX,
            (CREATE, true) => 80,
            (CLOSE, false) => 24,
            (CLOSE, true) => 60,
            (READ, false) => 48,
            (READ, true) => 16,
            (WRITE, false) => 48,
            (SET_INFO, false) => 40,
            _ => 0,
        };
        self.length.min(HEADER + body)
    }

    fn is_refused(&self) -> bool {
        let is_fine = matches!(self.status, 0 | MORE | OVERFLOW);
        self.is_answer && !is_fine && !self.is_introduction()
    }
}

/// What the messages before it in a frame were about.
#[derive(Default)]
pub(super) struct Chain {
    handle: Option<Handle>,
    share: Option<ShareId>,
}

/// Data in a message, and where in it they begin.
pub(super) type DataAt = (Data, usize);

/// Reads what is wanted of one message; says where bytes of a file follow.
pub(super) fn read(
    header: &Header,
    message: &[u8],
    (chain, connection): (&mut Chain, &mut Connection),
    out: &mut Output<'_>,
) -> Option<DataAt> {
    if header.is_answer {
        return answer(header, message, connection, out);
    }
    let share = match chain.share.filter(|_| header.is_related) {
        Some(share) => share,
        None => header.share,
    };
    if !header.is_related {
        *chain = Chain::default();
    }
    chain.share = Some(share);
    request(header, message, (chain, connection), share, out)
}

fn request(
    header: &Header,
    message: &[u8],
    (chain, connection): (&mut Chain, &mut Connection),
    share: ShareId,
    out: &mut Output<'_>,
) -> Option<DataAt> {
    let number = header.number;
    let mut handle = |at: usize| match file_id(message, at)? {
        // The file of the message before.
        SAME if header.is_related && chain.handle.is_some() => chain.handle,
        id => {
            chain.handle = Some(Handle::Known(id));
            chain.handle
        }
    };
    match header.command {
        TREE_CONNECT => {
            let name = path(message, HEADER + 4)?;
            connection.asked(number, Asked::Connect(name), out);
        }
        CREATE => {
            let name = path(message, HEADER + 44)?;
            chain.handle = Some(Handle::Asked(number));
            connection.asked(number, Asked::Open { name, share }, out);
        }
        CLOSE => {
            let handle = handle(HEADER + 8)?;
            connection.asked(number, Asked::Close(handle), out);
        }
        READ | WRITE => {
            let range = Range {
                handle: handle(HEADER + 16)?,
                offset: le_u64(message, HEADER + 8)?,
                length: le_u32(message, HEADER + 4)?,
            };
            if header.command == READ {
                if connection.is_file(&range.handle) {
                    connection.asked(number, Asked::Read(range), out);
                }
                return None;
            }
            let at = usize::from(le_u16(message, HEADER + 2)?);
            let by = (out.direction, header.is_signed);
            if at >= HEADER + 48 && fits(header, at, range.length) {
                let data = connection.write(number, range, by, out)?;
                return Some((data, at));
            }
        }
        SET_INFO => {
            // Of a file: its end (MS-FSCC 2.4.14).
            let handle = handle(HEADER + 16)?;
            let at = usize::from(le_u16(message, HEADER + 8)?);
            if message.get(HEADER + 2..HEADER + 4) == Some(&[1, 20]) {
                connection.resized(handle, le_u64(message, at)?);
            }
        }
        _ => {}
    }
    None
}

fn answer(
    header: &Header,
    message: &[u8],
    connection: &mut Connection,
    out: &mut Output<'_>,
) -> Option<DataAt> {
    let number = header.number;
    if header.status == PENDING {
        return None;
    }
    if header.is_refused() {
        connection.refused(number);
        return None;
    }
    match header.command {
        TREE_CONNECT if !header.is_async => {
            let is_pipe = message.get(HEADER + 2) == Some(&2);
            connection.connected(number, header.share, is_pipe, out);
        }
        CREATE => {
            let opened = Opened {
                id: file_id(message, HEADER + 64)?,
                size: le_u64(message, HEADER + 48)?,
                is_new: le_u32(message, HEADER + 4)? != 1,
                is_no_file: le_u32(message, HEADER + 56)? & 0x10 != 0,
            };
            connection.opened(number, &opened, out);
        }
        CLOSE => {
            // The attributes after closing are told where they were asked for.
            let is_told = le_u16(message, HEADER + 2)? & 1 != 0;
            let size = le_u64(message, HEADER + 48).filter(|_| is_told);
            connection.closed(number, size, out);
        }
        READ => {
            let at = usize::from(*message.get(HEADER + 2)?);
            let length = le_u32(message, HEADER + 4)?;
            let by = (out.direction, header.is_signed);
            if at >= HEADER + 16 && fits(header, at, length) {
                let data = connection.read(number, length as usize, by, out)?;
                return Some((data, at));
            }
        }
        WRITE => connection.wrote(number),
        _ => {}
    }
    None
}

/// Data of this length at `at` end within the message.
fn fits(header: &Header, at: usize, length: u32) -> bool {
    at.checked_add(length as usize)
        .is_some_and(|end| end <= header.length)
}

fn file_id(message: &[u8], at: usize) -> Option<FileId> {
    message.get(at..)?.first_chunk().copied()
}

/// A path of which offset and length stand at `at`.
fn path(message: &[u8], at: usize) -> Option<Arc<str>> {
    let start = usize::from(le_u16(message, at)?);
    let length = usize::from(le_u16(message, at + 2)?).min(PATH_MAX);
    let path = message.get(start..start.checked_add(length)?)?;
    Some(wide(path).into())
}
