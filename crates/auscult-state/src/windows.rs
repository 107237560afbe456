//! Files on Windows: who may read them follows from the folder.

use std::fs::OpenOptions;
use std::path::Path;

/// An empty file.
pub(crate) fn private_file(path: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    options.open(path).map(|_| ())
}
