//! From what the user named to a list of files: arguments in order, folders sorted by name.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::recognise::NotACapture;

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

/// Where an input's bytes come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Stdin,
    File(PathBuf),
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
}

impl Entry {
    /// Opens the bytes.
    pub(crate) fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(match &self.origin {
            Origin::Stdin => Box::new(io::stdin()),
            Origin::File(path) => Box::new(File::open(path)?),
        })
    }
}

/// Lists the files that the arguments stand for.
pub(crate) fn list(paths: &[PathBuf]) -> Result<Vec<Entry>, OpenError> {
    let mut entries = Vec::new();
    for (index, path) in paths.iter().enumerate() {
        let name = path.to_string_lossy().into_owned();
        if path.as_os_str() == "-" {
            entries.push(Entry {
                name,
                origin: Origin::Stdin,
                folder: None,
                reopens: false,
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
            entries.extend(files.into_iter().map(|file| Entry {
                name: file.to_string_lossy().into_owned(),
                origin: Origin::File(file),
                folder: Some(index),
                reopens: true,
            }));
        } else {
            let reopens = metadata.is_file();
            entries.push(Entry {
                name,
                origin: Origin::File(path.clone()),
                folder: None,
                reopens,
            });
        }
    }
    if entries.is_empty() {
        Err(OpenError::Nothing)
    } else {
        Ok(entries)
    }
}

/// Regular files of a folder, sorted by name; folders in it are left alone.
fn folder(path: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(path)? {
        let file = entry?.path();
        // A broken link or a file that vanished meanwhile is no input.
        if fs::metadata(&file).is_ok_and(|metadata| metadata.is_file()) {
            files.push(file);
        }
    }
    files.sort_by(|a, b| a.file_name().cmp(&b.file_name()));
    Ok(files)
}
