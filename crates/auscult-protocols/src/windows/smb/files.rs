//! Files that are being read from or written to shares, by the number under which they are open.
//!
//! A file that is read is told when all its bytes were seen, else when it is closed; one that is
//! written when it is closed, or with the flow. Limits: [`OPEN`], [`TOLD`], [`WAITING`].

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use auscult_model::{Bound, Direction, FileClass, Meaning};

use super::share::Handle;
use crate::file::{self, FileAssembler};
use crate::records::Contents;
use crate::{Mark, Output};

pub(super) static OPEN: Bound = Bound::settable(
    "smb-open-files",
    256,
    "files of one flow of which bytes are followed at once",
    "the one that was used longest ago is told in part",
);
pub(super) static TOLD: Bound = Bound::settable(
    "smb-told",
    4096,
    "files of one flow of which is remembered that they were told",
    "all are forgotten, so that they may be told again",
);
pub(super) static WAITING: Bound = Bound::settable(
    "smb-waiting-bytes",
    16 << 20,
    "bytes of all files of one flow that wait for earlier ones",
    "further ones are left out, and their file counts as incomplete",
);

/// The size of a file of which bytes crossed that lie behind its end as that was known: any.
const GROWN: u64 = u64::MAX;

/// An open file and the way its bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct FileKey {
    pub(super) handle: Handle,
    /// The client sends them.
    pub(super) written: bool,
}

/// What is known of a file when it is opened.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct About {
    /// Path in its share, empty when it was opened before the capture began.
    pub(super) name: Arc<str>,
    /// `\\server\share`.
    pub(super) share: Option<Arc<str>>,
    /// Bytes that it had when it was opened.
    pub(super) size: Option<u64>,
}

struct OpenFile {
    assembler: FileAssembler,
    /// Medical records in it, as far as it crosses in order, and up to where that was.
    contents: Contents,
    read_to: u64,
    /// The latest bytes were among those.
    was_looked_at: bool,
    about: About,
    sender: Direction,
    /// All messages that carried its bytes were signed.
    signed: bool,
    /// Where the bytes end that were seen.
    end: u64,
    opened: u64,
    used: u64,
}

impl OpenFile {
    fn new(about: About, sender: Direction, clock: u64) -> Self {
        let mut file = OpenFile {
            assembler: FileAssembler::sparing(&*about.name, "smb"),
            contents: Contents::default(),
            read_to: 0,
            was_looked_at: false,
            about,
            sender,
            signed: true,
            end: 0,
            opened: clock,
            used: clock,
        };
        file.know();
        file
    }

    /// Looks into bytes that follow those before.
    fn look(&mut self, part: &Bytes<'_>, out: &mut Output<'_>) {
        self.was_looked_at = part.offset == self.read_to;
        if self.was_looked_at {
            self.contents.feed(part.bytes, out);
            self.read_to = self.read_to.saturating_add(part.bytes.len() as u64);
        }
    }

    /// Bytes that it takes, roughly.
    fn held(&self) -> usize {
        self.assembler.held() + self.contents.held()
    }

    /// Tells the assembler what is known.
    fn know(&mut self) {
        self.assembler.set_name(&*self.about.name);
        if let Some(size) = self.about.size {
            self.assembler
                .know_size(if size < self.end { GROWN } else { size });
        }
    }
}

/// Bytes of a file in one message.
pub(super) struct Bytes<'a> {
    pub(super) key: FileKey,
    /// Where in the file they belong.
    pub(super) offset: u64,
    pub(super) bytes: &'a [u8],
    /// Packet with the last of them.
    pub(super) at: Mark,
}

/// The files of one flow.
#[derive(Default)]
pub(super) struct Files {
    open: HashMap<FileKey, OpenFile>,
    /// Digests of what was told: name, way and content, or name and way alone.
    told: HashSet<u64>,
    key: RandomState,
    clock: u64,
    /// Sum of what waits.
    waiting: usize,
    /// Sum of what the assemblers take.
    held: usize,
    /// Messages were lost: what is told is less sure, and a file may hold more than was seen.
    pub(super) doubted: bool,
}

impl Files {
    /// What they take, roughly.
    pub(super) fn held(&self) -> usize {
        self.held
    }

    /// Bytes of this file are followed.
    pub(super) fn is_open(&self, key: &FileKey) -> bool {
        self.open.contains_key(key)
    }

    /// Bytes of the file are about to come from `sender`, in a message that is signed or not.
    pub(super) fn begin(
        &mut self,
        key: FileKey,
        about: Option<&About>,
        (sender, signed): (Direction, bool),
        out: &mut Output<'_>,
    ) {
        self.clock += 1;
        let clock = self.clock;
        if !self.open.contains_key(&key) && self.open.len() >= out.bound(&OPEN) {
            let oldest = self.open.iter().min_by_key(|(_, file)| file.used);
            if let Some((&oldest, _)) = oldest {
                out.reached(&OPEN);
                self.close(&oldest, None, out);
            }
        }
        let file = self
            .open
            .entry(key)
            .or_insert_with(|| OpenFile::new(about.cloned().unwrap_or_default(), sender, clock));
        file.used = clock;
        file.signed &= signed;
    }

    /// The latest bytes are for people to read, or nobody knows what they are; nor is it told where
    /// they hold patient data.
    pub(super) fn is_document(&self, key: &FileKey) -> bool {
        let file = self.open.get(key);
        file.is_none_or(|file| {
            let is_told = file.was_looked_at && file.contents.are_read();
            file.assembler.is_document() && !is_told
        })
    }

    /// Bytes of an open file, all that are presented.
    pub(super) fn add(&mut self, part: &Bytes<'_>, out: &mut Output<'_>) {
        let Some(file) = self.open.get_mut(&part.key) else {
            return;
        };
        let (before, held) = (file.assembler.pending_bytes(), file.held());
        file.look(part, out);
        let together = before + out.bound(&WAITING).saturating_sub(self.waiting);
        let alone = out.bound(&file::PENDING);
        let allowance = alone.min(together);
        if !file
            .assembler
            .add(part.offset, part.bytes, allowance, part.at)
        {
            let is_alone = alone <= together;
            out.reached(if is_alone { &file::PENDING } else { &WAITING });
        }
        file.end = file
            .end
            .max(part.offset.saturating_add(part.bytes.len() as u64));
        if file.assembler.size().is_some_and(|size| size < file.end) {
            file.assembler.know_size(GROWN);
        }
        self.waiting = self.waiting + file.assembler.pending_bytes() - before;
        self.held = self.held + file.held() - held;
    }

    /// All bytes of one message were passed on; `end` is the file's end, where they showed it.
    /// Tells the file when all of it was read.
    pub(super) fn arrived(&mut self, key: &FileKey, end: Option<u64>, out: &mut Output<'_>) {
        let Some(file) = self.open.get_mut(key) else {
            return;
        };
        if let Some(end) = end
            && matches!(file.assembler.size(), None | Some(GROWN))
        {
            file.assembler.know_size(end.max(file.end));
        }
        if !key.written && file.assembler.is_complete() {
            self.close(key, None, out);
        }
    }

    /// Something is learnt of a file of which bytes came before.
    pub(super) fn learn(&mut self, key: &FileKey, about: &About) {
        if let Some(file) = self.open.get_mut(key) {
            file.about = about.clone();
            file.know();
        }
    }

    /// The file gets another end.
    pub(super) fn resize(&mut self, key: &FileKey, size: u64) {
        if let Some(file) = self.open.get_mut(key) {
            file.about.size = Some(size);
            file.know();
        }
    }

    /// The file is known by another number from now on.
    pub(super) fn rename(&mut self, from: &FileKey, to: FileKey) {
        if let Some(file) = self.open.remove(from) {
            self.forget(&to);
            self.open.insert(to, file);
        }
    }

    /// Bytes that were passed on did not become part of the file.
    pub(super) fn spoil(&mut self, key: &FileKey) {
        if let Some(file) = self.open.get_mut(key) {
            file.assembler.spoil();
        }
    }

    /// What crossed was no file.
    pub(super) fn forget(&mut self, key: &FileKey) {
        if let Some(file) = self.open.remove(key) {
            self.waiting -= file.assembler.pending_bytes();
            self.held -= file.held();
        }
    }

    /// Nothing more of the file will come; `size` is what it holds by then.
    pub(super) fn close(&mut self, key: &FileKey, size: Option<u64>, out: &mut Output<'_>) {
        let Some(mut file) = self.open.remove(key) else {
            return;
        };
        self.waiting -= file.assembler.pending_bytes();
        self.held -= file.held();
        if key.written {
            // Its last bytes may be among those that were lost.
            let seen = file.about.size.map(|size| size.max(file.end));
            let whole = size.or(seen.filter(|_| !self.doubted));
            file.assembler.know_size(whole.unwrap_or(GROWN));
        }
        self.tell(file, key.written, out);
    }

    /// Nothing more of any file will come.
    pub(super) fn close_all(&mut self, out: &mut Output<'_>) {
        let mut keys: Vec<(u64, FileKey)> = self
            .open
            .iter()
            .map(|(key, file)| (file.opened, *key))
            .collect();
        keys.sort_unstable_by_key(|(opened, _)| *opened);
        for (_, key) in keys {
            self.close(&key, None, out);
        }
    }

    /// Tells a file, unless its content, or that a part of it crossed, was told before.
    fn tell(&mut self, mut file: OpenFile, written: bool, out: &mut Output<'_>) {
        let Some(place) = file.assembler.place() else {
            return;
        };
        file.contents.finish(file.sender, place.last, out);
        let Some(artifact) = file.assembler.finish() else {
            return;
        };
        // What has no name may be a pipe, unless its first bytes tell what it is.
        if artifact.name.is_empty() && artifact.class == FileClass::Other {
            return;
        }
        if self.told.len() + 2 > out.bound(&TOLD) && !self.told.is_empty() {
            out.reached(&TOLD);
            self.told.clear();
        }
        let what = (&file.about.share, &artifact.name, written);
        let part = self.key.hash_one(what);
        let is_new = match &artifact.sha256 {
            Some(digest) => {
                let is_new = self.told.insert(self.key.hash_one((what, digest)));
                self.told.insert(part);
                is_new
            }
            None => self.told.insert(part),
        };
        if !is_new {
            return;
        }
        let sureness = if self.doubted { 0.9 } else { 1.0 };
        let said = out
            .say(place, Meaning::File(Box::new(artifact)))
            .from_side(file.sender)
            .sure(sureness)
            .with("smb_signed", if file.signed { "yes" } else { "no" });
        if let Some(share) = &file.about.share {
            said.with("smb_share", share.to_string());
        }
    }
}
