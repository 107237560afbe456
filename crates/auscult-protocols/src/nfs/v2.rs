//! NFS version 2 (RFC 1094): handles of 32 bytes, 32-bit offsets.
//!
//! ```text
//!  1 getattr  handle → status, attributes     11 rename  handle, name, handle, name → status
//!  4 lookup   handle, name → status, handle,  12 link    handle, handle, name → status
//!             attributes                      13 symlink handle, name, path, attributes → status
//!  6 read     handle, offset, count, total    14 mkdir   as create
//!             → status, attributes, data<>    15 rmdir   handle, name → status
//!  8 write    handle, begin, offset, total,   16 readdir handle, cookie, count → no handles
//!             data<> → status, attributes
//!  9 create   handle, name, attributes → as lookup
//! 10 remove   handle, name → status
//! attributes: type mode nlink uid gid SIZE blocksize rdev blocks fsid fileid atime mtime ctime,
//!             17 words
//! ```

use super::{Answer, Handle, Query, ReadHead, WriteHead, name};
use crate::rpc::xdr::Xdr;

const HANDLE: usize = 32;

fn handle(xdr: &mut Xdr<'_>) -> Option<Handle> {
    xdr.fixed(HANDLE).map(Handle::from)
}

/// The size in a file's attributes.
fn attributes(xdr: &mut Xdr<'_>) -> Option<u64> {
    xdr.fixed(5 * 4)?;
    let size = xdr.word()?;
    xdr.fixed(11 * 4)?;
    Some(u64::from(size))
}

pub(super) fn query(procedure: u32, arguments: &[u8]) -> Option<Query> {
    let xdr = &mut Xdr::new(arguments);
    let operation = match procedure {
        1 => return Some(Query::Attributes(handle(xdr)?)),
        4 => "lookup",
        6 => {
            return Some(Query::Read {
                file: handle(xdr)?,
                offset: u64::from(xdr.word()?),
            });
        }
        9 => "create",
        10 => "remove",
        11 => {
            return Some(Query::Moved {
                operation: "rename",
                from: Ok((handle(xdr)?, name(xdr)?)),
                to: (handle(xdr)?, name(xdr)?),
            });
        }
        12 => {
            return Some(Query::Moved {
                operation: "link",
                from: Err(handle(xdr)?),
                to: (handle(xdr)?, name(xdr)?),
            });
        }
        13 => "symlink",
        14 => "mkdir",
        15 => "rmdir",
        16 => {
            return Some(Query::List {
                directory: handle(xdr)?,
                plus: false,
            });
        }
        _ => return None,
    };
    Some(Query::Named {
        operation,
        directory: handle(xdr)?,
        name: name(xdr)?,
    })
}

pub(super) fn answer(query: &Query, results: &[u8]) -> Option<Answer> {
    let xdr = &mut Xdr::new(results);
    let mut answer = Answer {
        granted: xdr.word()? == 0,
        ..Answer::default()
    };
    if answer.granted {
        match query {
            Query::Named {
                operation: "lookup" | "create" | "mkdir",
                ..
            } => {
                answer.handle = handle(xdr);
            }
            Query::Attributes(_) | Query::Write { .. } => answer.size = attributes(xdr),
            _ => {}
        }
    }
    Some(answer)
}

pub(super) fn read_head(results: &[u8]) -> Option<ReadHead> {
    let xdr = &mut Xdr::new(results);
    let granted = xdr.word()? == 0;
    let mut head = ReadHead {
        granted,
        size: None,
        eof: false,
        length: 0,
        used: xdr.at(),
    };
    if granted {
        head.size = Some(attributes(xdr)?);
        head.length = xdr.word()? as usize;
        head.used = xdr.at();
    }
    Some(head)
}

pub(super) fn write_head(arguments: &[u8]) -> Option<WriteHead> {
    let xdr = &mut Xdr::new(arguments);
    let file = handle(xdr)?;
    xdr.word()?;
    let offset = u64::from(xdr.word()?);
    xdr.word()?;
    let length = xdr.word()? as usize;
    Some(WriteHead {
        file,
        offset,
        length,
        used: xdr.at(),
    })
}
