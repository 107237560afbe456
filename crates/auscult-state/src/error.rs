//! What can be wrong with a state, and what to do.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;
use thiserror::Error;

/// Why a state could not be used; each says what to do.
#[derive(Debug, Error)]
pub enum StateError {
    /// There is no such file.
    #[error(
        "{}: there is no state of this name; `auscult analyze --state FILE PATH…` makes \
         one",
        .0.display()
    )]
    Missing(PathBuf),
    /// A folder.
    #[error("{}: this is a folder; a state is one file, name that", .0.display())]
    Folder(PathBuf),
    /// It could not be made.
    #[error("{}: the state could not be made: {}", .0.display(), .1)]
    Create(PathBuf, io::Error),
    /// Something else.
    #[error(
        "{}: this is no state of Auscult ({}); it was left as it is: give another name",
        .0.display(), .1
    )]
    Foreign(PathBuf, &'static str),
    /// A later version wrote it.
    #[error(
        "{}: a newer Auscult wrote this state (layout {}, this version knows {}); it \
         was left as it is: use that version",
        .0.display(), .1, .2
    )]
    Newer(PathBuf, i64, i64),
    /// Another process writes.
    #[error("{}: another process is adding to this state; try again when it is done", .0.display())]
    InUse(PathBuf),
    /// No room.
    #[error(
        "{}: the disk is full, nothing was saved; what was saved before is whole",
        .0.display()
    )]
    Full(PathBuf),
    /// The system could not read or write; a log that cannot grow for want of room is told so.
    #[error(
        "{}: the disk is full or fails ({}), nothing was saved; what was saved before is whole",
        .0.display(), .1
    )]
    Disk(PathBuf, rusqlite::Error),
    /// What was taken out may still rest in the file.
    #[error(
        "{}: forgotten, but the file could not be written anew while others read it or the disk is \
         full: its old bytes may still be in it; do it again",
        .0.display()
    )]
    NotCompacted(PathBuf),
    /// Not allowed.
    #[error("{}: the state cannot be written here; what was saved before is whole", .0.display())]
    ReadOnly(PathBuf),
    /// The file does not hold together.
    #[error("{}: the state is damaged ({}); restore it from a copy", .0.display(), .1)]
    Damaged(PathBuf, String),
    /// A device or finding that is not in it.
    #[error("{0}")]
    Unknown(String),
    /// Anything else.
    #[error("{}: {}", .0.display(), .1)]
    Other(PathBuf, rusqlite::Error),
}

impl StateError {
    pub(crate) fn new(path: &Path, error: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StateError::InUse(path),
            Some(ErrorCode::DiskFull) => StateError::Full(path),
            Some(ErrorCode::SystemIoFailure) => StateError::Disk(path, error),
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                StateError::ReadOnly(path)
            }
            Some(ErrorCode::NotADatabase) => StateError::Foreign(path, "not a database"),
            Some(ErrorCode::DatabaseCorrupt) => StateError::Damaged(path, error.to_string()),
            _ => StateError::Other(path, error),
        }
    }

    pub(crate) fn is_read_only(error: &rusqlite::Error) -> bool {
        matches!(
            error.sqlite_error_code(),
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied)
        )
    }
}
