//! What is known of one connection: shares, open files, and requests that wait for their answer.
//!
//! The two generations of the protocol differ in layout, not in what they ask: both are told
//! here. What is asked is remembered by its number; only an answer gives a file its own.
//! Limits: [`REQUESTS`], [`HANDLES`], [`SHARES`].

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use auscult_model::{Bound, Direction};

use super::files::{About, FileKey, Files};
use crate::Output;

pub(super) static REQUESTS: Bound = Bound::settable(
    "smb-requests",
    512,
    "requests of one flow that wait for their answer",
    "the oldest is forgotten, and its answer is not read",
);
pub(super) static HANDLES: Bound = Bound::settable(
    "smb-handles",
    1024,
    "open files of one flow whose names are known",
    "the oldest loses its name",
);
pub(super) static SHARES: Bound = Bound::settable(
    "smb-shares",
    256,
    "shares of one flow whose names are known",
    "one of them loses its name",
);

/// The number under which a server opens a file.
pub(super) type FileId = [u8; 16];

/// A file by its number, or by the request to open it when the answer is to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Handle {
    Known(FileId),
    Asked(u64),
}

/// A share by the numbers of its session and of itself.
pub(super) type ShareId = (u64, u32);

/// What a request asked, as far as its answer needs it.
#[derive(Debug)]
pub(super) enum Asked {
    Connect(Arc<str>),
    Open { name: Arc<str>, share: ShareId },
    Read(Range),
    Write(Handle),
    Close(Handle),
}

/// Bytes of an open file that are asked for or sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Range {
    pub(super) handle: Handle,
    pub(super) offset: u64,
    pub(super) length: u32,
}

/// What an answer says of a file that it opens.
pub(super) struct Opened {
    pub(super) id: FileId,
    pub(super) size: u64,
    /// It was made or emptied.
    pub(super) is_new: bool,
    /// A directory, a pipe: nothing to read a file from.
    pub(super) is_no_file: bool,
}

/// Bytes of a file that a message carries.
#[derive(Clone, Copy, Debug)]
pub(super) struct Data {
    pub(super) key: FileKey,
    pub(super) offset: u64,
    pub(super) length: usize,
    /// Where the file ends, when they show it.
    pub(super) end: Option<u64>,
}

struct Share {
    name: Arc<str>,
    is_pipe: bool,
}

struct OpenHandle {
    /// `None`: nothing to read a file from.
    about: Option<About>,
    serial: u64,
}

/// One connection.
#[derive(Default)]
pub(super) struct Connection {
    requests: BTreeMap<u64, Asked>,
    shares: BTreeMap<ShareId, Share>,
    handles: HashMap<FileId, OpenHandle>,
    /// Handles in the order in which they were opened.
    order: BTreeMap<u64, FileId>,
    serial: u64,
    /// Bytes were left out of a file whose opening was not seen, or not yet.
    left_out: bool,
    /// A question for an implant waits for its answer.
    pub(super) implant_asked: bool,
    pub(super) files: Files,
}

impl Connection {
    /// What it takes beside the bounded tables of names.
    pub(super) fn held(&self) -> usize {
        self.files.held()
    }

    /// Request `number` waits for its answer.
    pub(super) fn asked(&mut self, number: u64, asked: Asked, out: &mut Output<'_>) {
        if self.requests.len() >= out.bound(&REQUESTS) && !self.requests.contains_key(&number) {
            out.reached(&REQUESTS);
            self.requests.pop_first();
        }
        self.requests.insert(number, asked);
    }

    /// Whether it may be a file: it is not known to be a pipe or a directory.
    pub(super) fn is_file(&self, handle: &Handle) -> bool {
        match handle {
            Handle::Asked(_) => true,
            Handle::Known(id) => self.handles.get(id).is_none_or(|open| open.about.is_some()),
        }
    }

    /// The answer to `number` refuses.
    pub(super) fn refused(&mut self, number: u64) {
        match self.requests.remove(&number) {
            Some(Asked::Open { .. }) => self.files.forget(&FileKey {
                handle: Handle::Asked(number),
                written: true,
            }),
            Some(Asked::Write(handle)) => self.files.spoil(&FileKey {
                handle,
                written: true,
            }),
            _ => {}
        }
    }

    /// A share was opened. `is_pipe` as far as the answer tells.
    pub(super) fn connected(
        &mut self,
        number: u64,
        id: ShareId,
        is_pipe: bool,
        out: &mut Output<'_>,
    ) {
        let Some(Asked::Connect(name)) = self.requests.remove(&number) else {
            return;
        };
        if self.shares.len() >= out.bound(&SHARES) && !self.shares.contains_key(&id) {
            out.reached(&SHARES);
            self.shares.pop_first();
        }
        let is_pipe = is_pipe || name.to_ascii_uppercase().ends_with("\\IPC$");
        self.shares.insert(id, Share { name, is_pipe });
    }

    /// A file was opened.
    pub(super) fn opened(&mut self, number: u64, opened: &Opened, out: &mut Output<'_>) {
        let Some(Asked::Open { name, share }) = self.requests.remove(&number) else {
            return;
        };
        let share = self.shares.get(&share);
        let is_pipe = match share {
            Some(share) => share.is_pipe,
            // A pipe has no end, and is never made.
            None => opened.size == 0 && !opened.is_new,
        };
        let about = (!is_pipe && !opened.is_no_file).then(|| About {
            name,
            share: share.map(|share| share.name.clone()),
            size: Some(opened.size),
        });
        let known = Handle::Known(opened.id);
        let asked = Handle::Asked(number);
        // Requests behind it in one message name the file by the request that opened it.
        for (_, later) in self.requests.range_mut(number..) {
            match later {
                Asked::Read(Range { handle, .. }) | Asked::Write(handle) | Asked::Close(handle)
                    if *handle == asked =>
                {
                    *handle = known;
                }
                _ => break,
            }
        }
        let [written, read] = [true, false].map(|written| FileKey {
            handle: known,
            written,
        });
        let from = FileKey {
            handle: asked,
            written: true,
        };
        self.files.rename(&from, written);
        for key in [written, read] {
            match &about {
                Some(about) => {
                    self.files.learn(&key, about);
                    if self.left_out {
                        self.files.spoil(&key);
                    }
                }
                None => self.files.forget(&key),
            }
        }
        self.keep(opened.id, about, out);
    }

    fn keep(&mut self, id: FileId, about: Option<About>, out: &mut Output<'_>) {
        self.drop_handle(&id);
        if self.handles.len() >= out.bound(&HANDLES)
            && let Some((_, oldest)) = self.order.pop_first()
        {
            out.reached(&HANDLES);
            self.handles.remove(&oldest);
        }
        self.serial += 1;
        let serial = self.serial;
        self.order.insert(serial, id);
        self.handles.insert(id, OpenHandle { about, serial });
    }

    fn drop_handle(&mut self, id: &FileId) {
        if let Some(open) = self.handles.remove(id) {
            self.order.remove(&open.serial);
        }
    }

    /// Bytes that `number` asked for follow, `length` of them: where they belong.
    pub(super) fn read(
        &mut self,
        number: u64,
        length: usize,
        by: (Direction, bool),
        out: &mut Output<'_>,
    ) -> Option<Data> {
        let Some(Asked::Read(range)) = self.requests.remove(&number) else {
            return None;
        };
        let end = range.offset.checked_add(length as u64)?;
        let is_short = (length as u64) < u64::from(range.length);
        let key = FileKey {
            handle: range.handle,
            written: false,
        };
        self.follow(key, range.offset, by, out).then_some(Data {
            key,
            offset: range.offset,
            length,
            end: is_short.then_some(end),
        })
    }

    /// Bytes of a file follow that the client sends.
    pub(super) fn write(
        &mut self,
        number: u64,
        range: Range,
        by: (Direction, bool),
        out: &mut Output<'_>,
    ) -> Option<Data> {
        let key = FileKey {
            handle: range.handle,
            written: true,
        };
        if !self.follow(key, range.offset, by, out) {
            return None;
        }
        self.asked(number, Asked::Write(range.handle), out);
        Some(Data {
            key,
            offset: range.offset,
            length: range.length as usize,
            end: None,
        })
    }

    /// Whether bytes at `offset` are followed: of a file whose opening was not seen only when they
    /// are its first.
    fn follow(
        &mut self,
        key: FileKey,
        offset: u64,
        by: (Direction, bool),
        out: &mut Output<'_>,
    ) -> bool {
        let known = match &key.handle {
            Handle::Known(id) => self.handles.get(id),
            Handle::Asked(_) => None,
        };
        let about = match known {
            Some(OpenHandle { about: None, .. }) => return false,
            Some(OpenHandle { about, .. }) => about.as_ref(),
            None if offset > 0 && !self.files.is_open(&key) => {
                self.left_out = true;
                return false;
            }
            None => None,
        };
        self.files.begin(key, about, by, out);
        true
    }

    /// The bytes that `number` sent were taken.
    pub(super) fn wrote(&mut self, number: u64) {
        self.requests.remove(&number);
    }

    /// A request sets a file's end.
    pub(super) fn resized(&mut self, handle: Handle, size: u64) {
        if let Handle::Known(id) = &handle
            && let Some(about) = self
                .handles
                .get_mut(id)
                .and_then(|open| open.about.as_mut())
        {
            about.size = Some(size);
        }
        let key = FileKey {
            handle,
            written: true,
        };
        self.files.resize(&key, size);
    }

    /// The file that `number` asked to close is closed, and holds so much by then.
    pub(super) fn closed(&mut self, number: u64, size: Option<u64>, out: &mut Output<'_>) {
        let Some(Asked::Close(handle)) = self.requests.remove(&number) else {
            return;
        };
        for written in [false, true] {
            self.files.close(&FileKey { handle, written }, size, out);
        }
        if let Handle::Known(id) = handle {
            self.drop_handle(&id);
        }
    }
}
