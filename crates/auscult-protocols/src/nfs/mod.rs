//! NFS: files read and written over the network, by name and content.
//!
//! Versions 2 and 3 ask one thing a call, version 4 a list of operations ([`v4`]). File data are
//! hashed as they pass and never kept. Names come from the answers that gave a file handle; a
//! path starts at the first directory that was seen, the export's root when the mount crossed in
//! the same flow, `/` with version 4.
//!
//! Sources: RFC 1094 (version 2), RFC 1813 (3), RFC 7530 (4.0), RFC 8881 (4.1). Limits: 256 open
//! files a flow ([`files`]), 4096 names ([`names`]).

pub(crate) mod files;
pub(crate) mod names;
mod v2;
mod v3;
pub(crate) mod v4;

use std::sync::Arc;

use auscult_model::{Direction, Transport};

pub(crate) use files::FileKey;
use files::Files;
use names::Names;

use crate::rpc::speaker::{Once, Speaker};
use crate::rpc::{self, xdr::Xdr};
use crate::{Mark, Probe, Protocol, Record, Seen, Session, Start, Tier, text};

static RECORD: Record = Record {
    name: "nfs",
    title: "Network File System",
    tier: Tier::Decoded,
    transports: &[Transport::Tcp, Transport::Udp],
    ports: &[2049],
    weak: false,
    sources: &["RFC 1094", "RFC 1813", "RFC 7530", "RFC 8881", "RFC 5531"],
    reads: &[
        "files read and written: name, size, type, SHA-256",
        "requests by name and whether they were granted",
        "the caller's machine name and user id, the client's and server's own identification",
    ],
    leaves_out: "lists of directories of version 4, file attributes but the size, locks, layouts \
        and data served by other machines (pNFS), messages protected by Kerberos",
    attributes: &[
        ("nfs_version", "version of the protocol"),
        ("uid", "user id under which the caller works (AUTH_SYS)"),
    ],
    bounds: &[&files::OPEN, &files::PARTS, &files::WAITING, &names::NAMES],
    false_likely: "a call has 76 fixed bits or more and is Certain; Likely only without \
        the other side",
};

/// The `nfs` line of the table.
pub struct Nfs;

impl Protocol for Nfs {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        rpc::probe(seen, &[rpc::NFS, rpc::NFS_ACL])
    }

    fn start(&self, start: &Start) -> Box<dyn Session> {
        rpc::start(start)
    }
}

/// A file handle: opaque, at most 128 bytes.
pub(crate) type Handle = Arc<[u8]>;

/// Longest name of a file.
const NAME_MAX: usize = 1024;

/// What is known of the file systems that cross in one flow.
#[derive(Default)]
pub(crate) struct Share {
    pub(crate) names: Names,
    pub(crate) files: Files,
}

impl Share {
    /// Data of a file are about to come from `sender`, the first of them at `offset`.
    pub(crate) fn begin(
        &mut self,
        key: &FileKey,
        offset: u64,
        sender: Direction,
        version: &'static str,
        speaker: &mut Speaker<'_, '_>,
    ) {
        let name = self.names.path(&key.handle).unwrap_or_default();
        let opened = files::Opened {
            name: &name,
            sender,
            version,
        };
        self.files.open(key, offset, &opened, speaker);
    }
}

/// What a call of version 2 or 3 asked.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Query {
    /// Something about a name in a directory.
    Named {
        operation: &'static str,
        directory: Handle,
        name: String,
    },
    /// `rename` or `link` to another name.
    Moved {
        operation: &'static str,
        from: Result<(Handle, String), Handle>,
        to: (Handle, String),
    },
    Attributes(Handle),
    Read {
        file: Handle,
        offset: u64,
    },
    Write {
        file: Handle,
        offset: u64,
        length: usize,
    },
    List {
        directory: Handle,
        /// Handles are asked for, too (READDIRPLUS).
        plus: bool,
    },
}

/// What a reply of version 2 or 3 says.
#[derive(Default)]
pub(crate) struct Answer {
    granted: bool,
    /// Handle of what was asked for.
    handle: Option<Handle>,
    /// Size of the file.
    size: Option<u64>,
    /// Names and handles in a directory.
    entries: Vec<(String, Handle)>,
}

impl Answer {
    /// Nothing was done.
    pub(crate) fn refused() -> Self {
        Answer::default()
    }
}

/// What precedes the data of a READ reply.
#[derive(Clone, Copy)]
pub(crate) struct ReadHead {
    pub(crate) granted: bool,
    pub(crate) size: Option<u64>,
    pub(crate) eof: bool,
    /// Bytes of data that follow.
    pub(crate) length: usize,
    /// Bytes before the data.
    pub(crate) used: usize,
}

/// What precedes the data of a WRITE call.
pub(crate) struct WriteHead {
    pub(crate) file: Handle,
    pub(crate) offset: u64,
    pub(crate) length: usize,
    pub(crate) used: usize,
}

/// The arguments of a call, when they are read.
pub(crate) fn query(version: u32, procedure: u32, arguments: &[u8]) -> Option<Query> {
    match version {
        2 => v2::query(procedure, arguments),
        3 => v3::query(procedure, arguments),
        _ => None,
    }
}

/// The results of a call.
pub(crate) fn answer(version: u32, query: &Query, results: &[u8]) -> Answer {
    let read = if version == 2 { v2::answer } else { v3::answer };
    read(query, results).unwrap_or_default()
}

/// The front of a READ reply, when all of it is there.
pub(crate) fn read_head(version: u32, results: &[u8]) -> Option<ReadHead> {
    let read = if version == 2 {
        v2::read_head
    } else {
        v3::read_head
    };
    read(results)
}

/// The front of a WRITE call, when all of it is there.
pub(crate) fn write_head(version: u32, arguments: &[u8]) -> Option<WriteHead> {
    let read = if version == 2 {
        v2::write_head
    } else {
        v3::write_head
    };
    read(arguments)
}

/// The word for a version.
pub(crate) fn version_word(version: u32, minor: u32) -> &'static str {
    match (version, minor) {
        (2, _) => "2",
        (3, _) => "3",
        (_, 0) => "4.0",
        (_, 1) => "4.1",
        _ => "4.2",
    }
}

/// A file name.
fn name(xdr: &mut Xdr<'_>) -> Option<String> {
    xdr.opaque(NAME_MAX).map(text::lenient)
}

fn is_relative(name: &str) -> bool {
    matches!(name, "." | "..")
}

/// A READ reply of any version.
pub(crate) struct Read<'a> {
    pub(crate) file: &'a Handle,
    pub(crate) offset: u64,
    pub(crate) head: ReadHead,
    pub(crate) version: &'static str,
}

impl Read<'_> {
    /// Says that the file is read and gets ready for its data.
    pub(crate) fn begin(
        &self,
        share: &mut Share,
        once: &mut Once,
        caller: (Mark, Direction),
        speaker: &mut Speaker<'_, '_>,
    ) -> Option<FileKey> {
        let head = &self.head;
        let path = share.names.path(self.file).unwrap_or_default();
        if let Some(said) = speaker.request(once, caller, "read", &path, Some(head.granted)) {
            said.with("nfs_version", self.version);
        }
        if !head.granted {
            return None;
        }
        let key = FileKey::read(self.file.clone());
        let sender = caller.1.opposite();
        if head.length > 0 {
            share.begin(&key, self.offset, sender, self.version, speaker);
        }
        let end = self.offset.saturating_add(head.length as u64);
        let size = if head.eof { Some(end) } else { head.size };
        if let Some(size) = size {
            share.files.know_size(&key, size);
        }
        if head.length == 0 {
            share.files.arrived(&key, sender, speaker);
        }
        Some(key)
    }
}

/// An exchange of version 2 or 3.
pub(crate) struct Said<'a> {
    pub(crate) query: &'a Query,
    pub(crate) version: u32,
}

impl Said<'_> {
    /// Says what was asked and answered, and learns names and sizes from it.
    pub(crate) fn answered(
        &self,
        answer: Answer,
        share: &mut Share,
        once: &mut Once,
        caller: (Mark, Direction),
        speaker: &mut Speaker<'_, '_>,
    ) {
        self.request(share, once, caller, Some(answer.granted), speaker);
        match self.query {
            Query::Named {
                directory, name, ..
            } => {
                // "." and ".." have other names, or none that is known.
                if let Some(handle) = answer.handle
                    && !is_relative(name)
                {
                    let path = share.names.child(directory, name);
                    share.names.learn(handle, path, speaker.out);
                }
            }
            Query::Moved { .. } => {}
            Query::Attributes(file) | Query::Read { file, .. } => {
                if let Some(size) = answer.size {
                    share.files.know_size(&FileKey::read(file.clone()), size);
                }
            }
            Query::Write { file, .. } => {
                let key = FileKey::written(file.clone());
                match answer.size {
                    Some(size) => share.files.know_size(&key, size),
                    None if !answer.granted => share.files.spoil(&key),
                    None => {}
                }
            }
            Query::List { directory, .. } => {
                for (name, handle) in answer.entries {
                    let path = share.names.child(directory, &name);
                    share.names.learn(handle, path, speaker.out);
                }
            }
        }
    }

    /// Says what was asked when no answer was seen.
    pub(crate) fn unanswered(
        &self,
        share: &Share,
        once: &mut Once,
        caller: (Mark, Direction),
        speaker: &mut Speaker<'_, '_>,
    ) {
        self.request(share, once, caller, None, speaker);
    }

    fn request(
        &self,
        share: &Share,
        once: &mut Once,
        caller: (Mark, Direction),
        granted: Option<bool>,
        speaker: &mut Speaker<'_, '_>,
    ) {
        let path = |file: &Handle| share.names.path(file).unwrap_or_default();
        let (operation, object) = match self.query {
            Query::Named { name, .. } if is_relative(name) => return,
            Query::Named {
                operation,
                directory,
                name,
            } => (*operation, share.names.child(directory, name)),
            Query::Moved {
                operation,
                from,
                to,
            } => {
                let old = match from {
                    Ok((directory, name)) => share.names.child(directory, name),
                    Err(file) => path(file),
                };
                let new = share.names.child(&to.0, &to.1);
                (*operation, format!("{old} -> {new}").into())
            }
            Query::Attributes(_) => return,
            Query::Read { file, .. } => ("read", path(file)),
            Query::Write { file, .. } => ("write", path(file)),
            Query::List { directory, .. } => ("readdir", path(directory)),
        };
        if let Some(said) = speaker.request(once, caller, operation, &object, granted) {
            said.with("nfs_version", version_word(self.version, 0));
        }
    }
}
