//! Files that are being read or written, by handle.
//!
//! A file that is read ends when all its bytes were seen. One that is written ends when it is
//! closed, written again from its start, or with the flow. Limits: [`OPEN_MAX`] files a flow, the
//! least recently used is ended in part (`nfs-open-files`); [`WAITING_MAX`] bytes wait for
//! earlier ones in all of them together (`file-pending`).

use std::collections::{HashMap, HashSet};

use auscult_model::{Direction, Meaning};

use super::Handle;
use crate::file::FileAssembler;
use crate::rpc::speaker::Speaker;
use crate::{Mark, Output};

/// Most files that are followed at once.
const OPEN_MAX: usize = 256;
/// Most files of which is remembered that a part was told.
const PARTS_MAX: usize = 4096;
/// Most bytes that wait for earlier ones, over all files of a flow.
const WAITING_MAX: usize = 16 * 1024 * 1024;

/// A file and the way its bytes go.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FileKey {
    pub(crate) handle: Handle,
    written: bool,
}

impl FileKey {
    /// Bytes that the server sends.
    pub(crate) fn read(handle: Handle) -> Self {
        FileKey {
            handle,
            written: false,
        }
    }

    /// Bytes that the client sends.
    pub(crate) fn written(handle: Handle) -> Self {
        FileKey {
            handle,
            written: true,
        }
    }
}

/// What is known of a file when its bytes begin to come.
pub(crate) struct Opened<'a> {
    pub(crate) name: &'a str,
    pub(crate) sender: Direction,
    pub(crate) version: &'static str,
}

struct OpenFile {
    assembler: FileAssembler,
    sender: Direction,
    written: bool,
    version: &'static str,
    /// The content that was already told, so that a second reading of it is not told again.
    told: Option<[u8; 32]>,
    opened: u64,
    used: u64,
}

/// The files of one flow.
#[derive(Default)]
pub(crate) struct Files {
    open: HashMap<FileKey, OpenFile>,
    /// Files of which a part was told.
    parts: HashSet<FileKey>,
    clock: u64,
    waiting: usize,
}

impl Files {
    /// Bytes of the file are about to come, the first of them at `offset`.
    pub(crate) fn open(
        &mut self,
        key: &FileKey,
        offset: u64,
        opened: &Opened<'_>,
        speaker: &mut Speaker<'_, '_>,
    ) {
        self.clock += 1;
        if let Some(file) = self.open.get_mut(key) {
            file.used = self.clock;
            if file.assembler.name().is_empty() {
                file.assembler.set_name(opened.name);
            }
            // A file that is written from its start again gets new content.
            if key.written && offset == 0 && file.assembler.frontier() > 0 {
                let fresh = FileAssembler::new(opened.name, "nfs");
                let old = std::mem::replace(&mut file.assembler, fresh);
                self.waiting -= old.pending_bytes();
                file.opened = self.clock;
                file.tell(old, speaker);
            }
            return;
        }
        if self.open.len() >= OPEN_MAX {
            let oldest = self.open.iter().min_by_key(|(_, file)| file.used);
            if let Some(key) = oldest.map(|(key, _)| key.clone()) {
                speaker.out.limit("nfs-open-files");
                self.close(&key, speaker);
            }
        }
        let file = OpenFile {
            assembler: FileAssembler::new(opened.name, "nfs"),
            sender: opened.sender,
            written: key.written,
            version: opened.version,
            told: None,
            opened: self.clock,
            used: self.clock,
        };
        self.open.insert(key.clone(), file);
    }

    /// Bytes of an open file.
    pub(crate) fn add(
        &mut self,
        key: &FileKey,
        offset: u64,
        bytes: &[u8],
        at: Mark,
        out: &mut Output<'_>,
    ) {
        if let Some(file) = self.open.get_mut(key) {
            let before = file.assembler.pending_bytes();
            let allowance = WAITING_MAX.saturating_sub(self.waiting);
            if !file.assembler.add(offset, bytes, allowance, at) {
                out.limit("file-pending");
            }
            self.waiting = self.waiting + file.assembler.pending_bytes() - before;
        }
    }

    /// All bytes of one request were passed on: tells the file when it is complete.
    pub(crate) fn arrived(
        &mut self,
        key: &FileKey,
        sender: Direction,
        speaker: &mut Speaker<'_, '_>,
    ) {
        if key.written {
            return;
        }
        if let Some(file) = self.open.get_mut(key)
            && file.assembler.is_complete()
            && file.assembler.place().is_some()
        {
            file.sender = sender;
            let fresh = FileAssembler::new(file.assembler.name(), "nfs");
            let complete = std::mem::replace(&mut file.assembler, fresh);
            file.tell(complete, speaker);
        }
    }

    /// The file's size, when it is open.
    pub(crate) fn know_size(&mut self, key: &FileKey, size: u64) {
        if let Some(file) = self.open.get_mut(key) {
            file.assembler.know_size(size);
        }
    }

    /// Bytes that were passed on did not become part of the file.
    pub(crate) fn spoil(&mut self, key: &FileKey) {
        if let Some(file) = self.open.get_mut(key) {
            file.assembler.spoil();
        }
    }

    /// Nothing more of the file will come.
    pub(crate) fn close(&mut self, key: &FileKey, speaker: &mut Speaker<'_, '_>) {
        if let Some(mut file) = self.open.remove(key) {
            let fresh = FileAssembler::new("", "nfs");
            let last = std::mem::replace(&mut file.assembler, fresh);
            self.waiting -= last.pending_bytes();
            // With more files in turn than can be open, each part would be told again and again.
            if self.parts.len() >= PARTS_MAX {
                self.parts.clear();
            }
            if last.is_complete() || self.parts.insert(key.clone()) {
                file.tell(last, speaker);
            }
        }
    }

    /// Nothing more of any file will come.
    pub(crate) fn close_all(&mut self, speaker: &mut Speaker<'_, '_>) {
        let mut keys: Vec<(u64, FileKey)> = self
            .open
            .iter()
            .map(|(key, file)| (file.opened, key.clone()))
            .collect();
        keys.sort_unstable_by_key(|(opened, _)| *opened);
        for (_, key) in keys {
            self.close(&key, speaker);
        }
    }
}

impl OpenFile {
    /// Tells a file, unless its content, or a part of it, is known from an earlier reading.
    fn tell(&mut self, assembler: FileAssembler, speaker: &mut Speaker<'_, '_>) {
        let Some(place) = assembler.place() else {
            return;
        };
        let Some(artifact) = assembler.finish() else {
            return;
        };
        let known = if artifact.complete {
            artifact.sha256 == self.told
        } else {
            self.told.is_some() && !self.written
        };
        if known {
            return;
        }
        if artifact.complete {
            self.told = artifact.sha256;
        }
        speaker
            .out
            .say(place, Meaning::File(Box::new(artifact)))
            .from_side(self.sender)
            .sure(speaker.confidence)
            .with("nfs_version", self.version);
    }
}
