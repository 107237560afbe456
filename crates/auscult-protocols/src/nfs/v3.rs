//! NFS version 3 (RFC 1813): handles of up to 64 bytes, 64-bit offsets.
//!
//! ```text
//!  1 getattr  handle → status, attributes     12 remove  handle, name → status, …
//!  3 lookup   handle, name → status, handle,  13 rmdir   handle, name
//!             [attributes], …                 14 rename  handle, name, handle, name
//!  6 read     handle, offset u64, count       15 link    handle, handle, name
//!             → status, [attributes], count,  16 readdir handle, cookie u64, verifier 8, count
//!               eof, data<>                   17 readdirplus  handle, cookie u64, verifier 8,
//!  7 write    handle, offset u64, count,              dircount, maxcount → status,
//!             stable, data<> → status,                [attributes], verifier 8, (1, fileid u64,
//!             [size, mtime, ctime],                   name, cookie u64, [attributes],
//!             [attributes], …                         [handle])*, 0, eof
//!  8 create   handle, name, … → status, [handle], [attributes]
//!  9 mkdir  10 symlink  11 mknod   as create
//! [x]: a flag, then x if it is 1
//! attributes: type mode nlink uid gid, SIZE u64, used u64, rdev 2, fsid u64, fileid u64,
//!             atime 2, mtime 2, ctime 2: 84 bytes
//! ```

use super::{Answer, Handle, Query, ReadHead, WriteHead, is_relative, name};
use crate::rpc::xdr::Xdr;

const HANDLE_MAX: usize = 64;
/// Most entries of one directory listing that are read; a reply cannot hold more.
const ENTRIES_MAX: usize = 4096;

fn handle(xdr: &mut Xdr<'_>) -> Option<Handle> {
    xdr.opaque(HANDLE_MAX).map(Handle::from)
}

/// The size in a file's attributes.
fn attributes(xdr: &mut Xdr<'_>) -> Option<u64> {
    xdr.fixed(5 * 4)?;
    let size = xdr.hyper()?;
    xdr.fixed(84 - 5 * 4 - 8)?;
    Some(size)
}

/// The size in attributes that may be left out.
fn maybe_attributes(xdr: &mut Xdr<'_>) -> Option<Option<u64>> {
    if xdr.flag()? {
        attributes(xdr).map(Some)
    } else {
        Some(None)
    }
}

pub(super) fn query(procedure: u32, arguments: &[u8]) -> Option<Query> {
    let xdr = &mut Xdr::new(arguments);
    let operation = match procedure {
        1 => return Some(Query::Attributes(handle(xdr)?)),
        3 => "lookup",
        6 => {
            return Some(Query::Read {
                file: handle(xdr)?,
                offset: xdr.hyper()?,
            });
        }
        8 => "create",
        9 => "mkdir",
        10 => "symlink",
        11 => "mknod",
        12 => "remove",
        13 => "rmdir",
        14 => {
            return Some(Query::Moved {
                operation: "rename",
                from: Ok((handle(xdr)?, name(xdr)?)),
                to: (handle(xdr)?, name(xdr)?),
            });
        }
        15 => {
            return Some(Query::Moved {
                operation: "link",
                from: Err(handle(xdr)?),
                to: (handle(xdr)?, name(xdr)?),
            });
        }
        16 | 17 => {
            return Some(Query::List {
                directory: handle(xdr)?,
                plus: procedure == 17,
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
        details(query, xdr, &mut answer);
    }
    Some(answer)
}

/// What follows the status; what is cut short is left out.
fn details(query: &Query, xdr: &mut Xdr<'_>, answer: &mut Answer) -> Option<()> {
    match query {
        Query::Named {
            operation: "lookup",
            ..
        } => {
            answer.handle = Some(handle(xdr)?);
        }
        Query::Named {
            operation: "create" | "mkdir" | "symlink" | "mknod",
            ..
        } => {
            answer.handle = if xdr.flag()? {
                Some(handle(xdr)?)
            } else {
                None
            };
        }
        Query::Attributes(_) => answer.size = Some(attributes(xdr)?),
        Query::Write { .. } => {
            if xdr.flag()? {
                xdr.fixed(24)?;
            }
            answer.size = maybe_attributes(xdr)?;
        }
        Query::List { plus: true, .. } => {
            maybe_attributes(xdr)?;
            xdr.fixed(8)?;
            while answer.entries.len() < ENTRIES_MAX && xdr.flag()? {
                xdr.hyper()?;
                let name = name(xdr)?;
                xdr.hyper()?;
                maybe_attributes(xdr)?;
                if xdr.flag()? {
                    let handle = handle(xdr)?;
                    if !is_relative(&name) {
                        answer.entries.push((name, handle));
                    }
                }
            }
        }
        _ => {}
    }
    Some(())
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
        head.size = maybe_attributes(xdr)?;
        xdr.word()?;
        head.eof = xdr.flag()?;
        head.length = xdr.word()? as usize;
        head.used = xdr.at();
    }
    Some(head)
}

pub(super) fn write_head(arguments: &[u8]) -> Option<WriteHead> {
    let xdr = &mut Xdr::new(arguments);
    let file = handle(xdr)?;
    let offset = xdr.hyper()?;
    xdr.word()?;
    xdr.word()?;
    let length = xdr.word()? as usize;
    Some(WriteHead {
        file,
        offset,
        length,
        used: xdr.at(),
    })
}
