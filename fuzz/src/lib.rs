//! What the fuzz targets share: pieces of input, a second decoder, a scratch file, seeds.

pub mod bundle;
pub mod conversation;
pub mod frames;
pub mod second_decoder;
pub mod seeds;

use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Whether a view let a control character through, beyond the line ends that it makes itself.
pub fn has_controls(text: &str) -> bool {
    text.chars().any(|c| c.is_control() && c != '\n')
}

/// A file for one call of a target, gone afterwards.
pub struct Scratch(PathBuf);

impl Scratch {
    /// Writes the file in memory where the system has a place for that, and lends it.
    ///
    /// # Panics
    ///
    /// When it cannot be written: a target that reads nothing finds nothing.
    pub fn with<T>(data: &[u8], run: impl FnOnce(&Path) -> T) -> T {
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() {
            memory.to_owned()
        } else {
            std::env::temp_dir()
        };
        let scratch = Scratch(folder.join(format!("auscult-fuzz-{}", std::process::id())));
        let written = std::fs::File::create(&scratch.0).and_then(|mut file| file.write_all(data));
        written.expect("the scratch file can be written");
        run(&scratch.0)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
