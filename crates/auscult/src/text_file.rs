//! Reads files of text that people write: advisories and rules.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use auscult_advisory::BYTES_MAX;

/// The text of a file; `Err` says with its name what is wrong.
pub(crate) fn read(path: &Path) -> Result<String, String> {
    let wrong = |why: &dyn ToString| format!("{}: {}", path.display(), why.to_string());
    let file = File::open(path).map_err(|error| wrong(&error))?;
    let mut text = String::new();
    let read = file.take(BYTES_MAX + 1).read_to_string(&mut text);
    read.map_err(|error| wrong(&error))?;
    match text.len() as u64 {
        0..=BYTES_MAX => Ok(text),
        _ => Err(wrong(&"more than 1 MiB is not read")),
    }
}
