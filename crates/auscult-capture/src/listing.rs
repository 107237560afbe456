//! From what the user named to a list of files: arguments in order, folders sorted by name.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use thiserror::Error;

use crate::recognise::NotACapture;
use crate::source::{FileSource, Origin, StdinSource};
use crate::stop::{Stop, Stoppable};

/// Why nothing can be read.
#[derive(Debug, Error)]
pub enum OpenError {
    /// A named file is missing or may not be read.
    #[error("{name}: {error}")]
    Unreadable {
        /// The name as given.
        name: String,
        /// What the system says.
        error: io::Error,
    },
    /// A named file is something else.
    #[error("{name}: {reason}")]
    NotACapture {
        /// The name as given.
        name: String,
        /// What it is.
        reason: NotACapture,
    },
    /// A folder without a capture in it.
    #[error("{name}: no capture in this folder ({files} files looked at)")]
    NoCaptures {
        /// The name as given.
        name: String,
        /// Files in the folder.
        files: usize,
    },
    /// No input was named.
    #[error("no capture was named")]
    Nothing,
}

/// A file to look at.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) origin: Origin,
    /// Index of the folder argument it came from; `None` when it was named itself.
    pub(crate) folder: Option<usize>,
    /// Whether it can be opened again and gives the same bytes.
    pub(crate) reopens: bool,
    /// Bytes in it, where known.
    pub(crate) size: Option<u64>,
}

impl Entry {
    /// The argument that names this input alone.
    pub(crate) fn path(&self) -> PathBuf {
        match &self.origin {
            Origin::Stdin => PathBuf::from("-"),
            Origin::File(path) => path.clone(),
            Origin::Memory(_) => PathBuf::from(&self.name),
        }
    }

    /// Opens the bytes; `read` counts those taken.
    pub(crate) fn open(
        &self,
        keep_open: bool,
        read: Arc<AtomicU64>,
        stop: &Stop,
    ) -> io::Result<Box<dyn Read + Send>> {
        let source: Box<dyn Read + Send> = match &self.origin {
            Origin::Stdin => Box::new(StdinSource { read }),
            Origin::File(path) => {
                let keep_open = keep_open || !self.reopens;
                Box::new(FileSource::open(path.clone(), 0, keep_open, read)?)
            }
            Origin::Memory(bytes) => Box::new(io::Cursor::new(Arc::clone(bytes))),
        };
        if self.reopens {
            return Ok(source);
        }
        Ok(Box::new(Stoppable::new(source, stop.clone())?))
    }
}

/// Lists the files that the arguments stand for.
pub(crate) fn list(paths: &[PathBuf]) -> Result<Vec<Entry>, OpenError> {
    let mut entries = Vec::new();
    for (index, path) in paths.iter().enumerate() {
        let name = path.to_string_lossy().into_owned();
        if path.as_os_str() == "-" {
            let origin = Origin::Stdin;
            entries.push(Entry {
                name,
                origin,
                folder: None,
                reopens: false,
                size: None,
            });
            continue;
        }
        let unreadable = |error| OpenError::Unreadable {
            name: name.clone(),
            error,
        };
        let metadata = fs::metadata(path).map_err(unreadable)?;
        if metadata.is_dir() {
            let files = folder(path).map_err(unreadable)?;
            if files.is_empty() {
                return Err(OpenError::NoCaptures { name, files: 0 });
            }
            entries.extend(files.into_iter().map(|(file, size)| Entry {
                name: file.to_string_lossy().into_owned(),
                origin: Origin::File(file),
                folder: Some(index),
                reopens: true,
                size: Some(size),
            }));
        } else {
            let reopens = metadata.is_file();
            let size = reopens.then_some(metadata.len());
            let origin = Origin::File(path.clone());
            entries.push(Entry {
                name,
                origin,
                folder: None,
                reopens,
                size,
            });
        }
    }
    if entries.is_empty() {
        Err(OpenError::Nothing)
    } else {
        Ok(entries)
    }
}

/// Regular files of a folder with their sizes, sorted by name; folders in it are left alone.
fn folder(path: &Path) -> io::Result<Vec<(PathBuf, u64)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(path)? {
        let file = entry?.path();
        // A broken link or a file that vanished meanwhile is no input.
        if let Ok(metadata) = fs::metadata(&file)
            && metadata.is_file()
        {
            files.push((file, metadata.len()));
        }
    }
    files.sort_by(|(a, _), (b, _)| a.file_name().cmp(&b.file_name()));
    Ok(files)
}
