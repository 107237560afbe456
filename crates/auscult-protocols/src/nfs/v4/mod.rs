//! NFS version 4: one procedure, COMPOUND, with a list of operations on a current file.
//!
//! ```text
//! call   tag<> · minor version u32 · count u32 · (operation u32 · arguments)*
//! reply  status u32 · tag<> · count u32 · (operation u32 · status u32 · results if ok)*
//! ```
//!
//! An operation that is not known, or whose layout is open-ended, ends the reading of its
//! message (`nfs4-operation`): what follows it cannot be found. Sources: RFC 7530 §16,
//! RFC 7531 (XDR of 4.0), RFC 8881 §18, RFC 5662 (XDR of 4.1). Limits: [`OPERATIONS_MAX`]
//! operations a message.

mod call;
mod layout;
mod reply;

use std::sync::Arc;

use auscult_model::Direction;

pub(crate) use call::CallWalk;
pub(crate) use reply::ReplyWalk;

use super::names::join;
use super::{FileKey, Handle, Share, version_word};
use crate::Mark;
use crate::rpc::speaker::{Once, Speaker};

/// Most operations of a message that are followed.
const OPERATIONS_MAX: usize = 128;
/// Longest handle.
const HANDLE_MAX: usize = 128;
/// Longest opaque item that is believed.
const OPAQUE_MAX: usize = 32 * 1024;

/// How the walk over a message goes on.
pub(crate) enum Step {
    /// The next operation is not all there.
    Wait,
    /// So many bytes were read.
    Used(usize),
    /// So many bytes were read, and file data follow.
    Bulk {
        used: usize,
        file: Option<FileKey>,
        offset: u64,
        length: usize,
    },
    /// Nothing more of the message can or need be read.
    Stop,
}

/// What an operation asked, as far as its result needs it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Operation {
    /// PUTFH.
    Put(Handle),
    /// PUTROOTFH, PUTPUBFH.
    Root,
    /// SAVEFH.
    Save,
    /// RESTOREFH.
    Restore,
    /// LOOKUP; OPEN of a name: the name becomes the current file.
    Enter(&'static str, String),
    /// OPEN of the current file, or by other means.
    OpenHere,
    /// CREATE: the new directory or special file becomes the current file.
    Create(String),
    /// GETFH.
    Handle,
    /// GETATTR.
    Attributes,
    Read(u64),
    Write,
    /// REMOVE, and LINK to a name in the current directory.
    Named(&'static str, String),
    Rename(String, String),
    List,
    Close,
    /// LOOKUPP, OPENATTR: something whose path is not known becomes the current file.
    Elsewhere,
    /// Anything else.
    Other,
}

/// The exchange that a reply ends.
pub(crate) struct Exchange<'a> {
    pub(crate) caller: (Mark, Direction),
    pub(crate) share: &'a mut Share,
    pub(crate) once: &'a mut Once,
}

/// The current file.
#[derive(Clone, Default)]
struct Position {
    handle: Option<Handle>,
    path: Option<Arc<str>>,
}

impl Position {
    fn at(handle: &Handle, share: &Share) -> Self {
        Position {
            path: share.names.path(handle),
            handle: Some(handle.clone()),
        }
    }

    fn root() -> Self {
        Position {
            handle: None,
            path: Some("/".into()),
        }
    }

    fn child(&self, name: &str) -> Arc<str> {
        join(self.path.as_deref(), name)
    }

    fn enter(&mut self, name: &str) {
        *self = Position {
            handle: None,
            path: Some(self.child(name)),
        };
    }

    fn path(&self) -> Arc<str> {
        self.path.clone().unwrap_or_default()
    }
}

/// The current and the saved file, as operations move them.
#[derive(Clone, Default)]
struct Track {
    here: Position,
    saved: Position,
}

impl Track {
    /// What the operation does to the current file when it succeeds.
    fn follow(&mut self, operation: &Operation, share: &Share) {
        match operation {
            Operation::Put(handle) => self.here = Position::at(handle, share),
            Operation::Root => self.here = Position::root(),
            Operation::Save => self.saved = self.here.clone(),
            Operation::Restore => self.here = self.saved.clone(),
            Operation::Enter(_, name) | Operation::Create(name) => self.here.enter(name),
            Operation::Elsewhere => self.here = Position::default(),
            _ => {}
        }
    }

    /// Which request the operation is, and of what.
    fn request(&self, operation: &Operation) -> Option<(&'static str, Arc<str>)> {
        Some(match operation {
            Operation::Enter(word, name) | Operation::Named(word, name) => {
                (word, self.here.child(name))
            }
            Operation::Create(name) => ("create", self.here.child(name)),
            Operation::OpenHere => ("open", self.here.path()),
            Operation::Read(_) => ("read", self.here.path()),
            Operation::Write => ("write", self.here.path()),
            Operation::List => ("readdir", self.here.path()),
            Operation::Rename(old, new) => {
                let old = join(self.saved.path.as_deref(), old);
                let new = self.here.child(new);
                ("rename", format!("{old} -> {new}").into())
            }
            _ => return None,
        })
    }
}

/// Says what was asked when no answer was seen.
pub(crate) fn unanswered(
    operations: &[Operation],
    minor: u32,
    exchange: Exchange<'_>,
    speaker: &mut Speaker<'_, '_>,
) {
    let Exchange {
        caller,
        share,
        once,
    } = exchange;
    let mut track = Track::default();
    for operation in operations {
        if let Some((word, object)) = track.request(operation)
            && let Some(said) = speaker.request(once, caller, word, &object, None)
        {
            said.with("nfs_version", version_word(4, minor));
        }
        track.follow(operation, share);
    }
}
