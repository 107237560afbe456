//! Files that only their owner may read: keys, and what ties masked packets to patients.

#[cfg(unix)]
mod unix;

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// Writes a file that only its owner may read; `anew`: none of the name may be there.
pub(crate) fn write(path: &Path, bytes: &[u8], anew: bool) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true);
    match anew {
        true => options.create_new(true),
        false => options.create(true).truncate(true),
    };
    let mut file = open(&mut options, path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(unix)]
fn open(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    unix::open(options, path)
}

/// Elsewhere a file has the permissions of its folder.
#[cfg(not(unix))]
fn open(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    options.open(path)
}
