//! Files that are being read or written, by handle.
//!
//! A file that is read ends when all its bytes were seen. One that is written ends when it is
//! closed, written again from its start, or with the flow. Limits: [`OPEN`], [`PARTS`],
//! [`WAITING`].

use std::collections::{HashMap, HashSet};

use auscult_model::{Bound, Direction, Meaning};

use super::Handle;
use crate::file::{self, FileAssembler};
use crate::rpc::speaker::Speaker;
use crate::{Mark, Output};

pub(super) static OPEN: Bound = Bound::settable(
    "nfs-open-files",
    256,
    "files of one flow that are followed at once",
    "the one that was used longest ago is told in part",
);
pub(super) static PARTS: Bound = Bound::settable(
    "nfs-parts",
    4096,
    "files of one flow of which is remembered that a part was told",
    "all are forgotten, so that a part may be told again",
);
pub(super) static WAITING: Bound = Bound::settable(
    "nfs-waiting-bytes",
    16 << 20,
    "bytes of all files of one flow that wait for earlier ones",
    "further ones are left out, and their file counts as incomplete",
);

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
    /// Sum of what waits.
    waiting: usize,
    /// Sum of what the assemblers take.
    held: usize,
}

impl Files {
    /// What they take, roughly.
    pub(crate) fn held(&self) -> usize {
        self.held
    }

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
                self.held -= old.held();
                file.opened = self.clock;
                file.tell(old, speaker);
            }
            return;
        }
        if self.open.len() >= speaker.out.bound(&OPEN) {
            let oldest = self.open.iter().min_by_key(|(_, file)| file.used);
            if let Some(key) = oldest.map(|(key, _)| key.clone()) {
                speaker.out.reached(&OPEN);
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

    /// What crosses is for people to read, or nobody knows what it is.
    pub(crate) fn is_document(&self, key: &FileKey) -> bool {
        let file = self.open.get(key);
        file.is_none_or(|file| file.assembler.is_document())
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
            let (before, held) = (file.assembler.pending_bytes(), file.assembler.held());
            let together = before + out.bound(&WAITING).saturating_sub(self.waiting);
            let alone = out.bound(&file::PENDING);
            if !file.assembler.add(offset, bytes, alone.min(together), at) {
                let is_alone = alone <= together;
                out.reached(if is_alone { &file::PENDING } else { &WAITING });
            }
            self.waiting = self.waiting + file.assembler.pending_bytes() - before;
            self.held = self.held + file.assembler.held() - held;
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
            self.held -= complete.held();
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
            self.held -= last.held();
            // With more files in turn than can be open, each part would be told again and again.
            if self.parts.len() >= speaker.out.bound(&PARTS) {
                speaker.out.reached(&PARTS);
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
