//! Where bytes come from: standard input and files, opened only while they are read.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Where an input's bytes come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Stdin,
    File(PathBuf),
    /// Bytes of a capture that lies in memory.
    Memory(Arc<[u8]>),
}

/// A file that may be read with or without keeping it open.
///
/// Thousands of files that overlap in time cannot all be open at once (systems allow 256 to 1,024
/// a process), so with many inputs a file is opened for each block and closed after it: some
/// microseconds for hundreds of packets.
pub(crate) struct FileSource {
    path: PathBuf,
    position: u64,
    file: Option<File>,
    keep_open: bool,
    /// Length of the file when it was opened, for regular files.
    length: Option<u64>,
    read: Arc<AtomicU64>,
}

/// What is said of a file that somebody is still writing.
const GROWS: &str = "the file grew while it was read; what it held at first was read";

impl FileSource {
    /// Opens a file at an offset; `read` counts the bytes taken from it.
    pub(crate) fn open(
        path: PathBuf,
        position: u64,
        keep_open: bool,
        read: Arc<AtomicU64>,
    ) -> io::Result<FileSource> {
        let mut source = FileSource {
            path,
            position,
            file: None,
            keep_open,
            length: None,
            read,
        };
        let file = source.reopen()?;
        let metadata = file.metadata()?;
        // Some file systems make up their files while they are read and tell no length.
        source.length = Some(metadata.len()).filter(|length| metadata.is_file() && *length > 0);
        source.file = Some(file);
        Ok(source)
    }

    fn reopen(&self) -> io::Result<File> {
        let mut file = File::open(&self.path)?;
        if self.position > 0 {
            file.seek(SeekFrom::Start(self.position))?;
        }
        Ok(file)
    }
}

impl Read for FileSource {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut file = match self.file.take() {
            Some(file) => file,
            None => self.reopen()?,
        };
        // A file that is written as fast as it is read would have no end.
        let room = self
            .length
            .map(|length| length.saturating_sub(self.position));
        let result = match room {
            Some(0) if file.metadata()?.len() > self.position => Err(io::Error::other(GROWS)),
            Some(0) => Ok(0),
            Some(room) => {
                let room = usize::try_from(room)
                    .unwrap_or(usize::MAX)
                    .min(buffer.len());
                file.read(buffer.get_mut(..room).unwrap_or_default())
            }
            None => file.read(buffer),
        };
        if self.keep_open {
            self.file = Some(file);
        }
        let count = result?;
        self.position += count as u64;
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// Standard input, counted.
pub(crate) struct StdinSource {
    pub(crate) read: Arc<AtomicU64>,
}

impl Read for StdinSource {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = io::stdin().lock().read(buffer)?;
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}
