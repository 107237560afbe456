//! Finds the site file `auscult.toml`; what it may hold is in [`SiteOptions::from_toml`].

use std::fs;
use std::io;
use std::path::Path;

use auscult_inventory::SiteOptions;

use crate::failure::Failure;

const DEFAULT: &str = "auscult.toml";

/// Reads the site file; without a name the default one, if there is one.
pub(crate) fn load(named: Option<&Path>) -> Result<SiteOptions, Failure> {
    let path = named.unwrap_or(Path::new(DEFAULT));
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if named.is_none() && error.kind() == io::ErrorKind::NotFound => {
            return Ok(SiteOptions::default());
        }
        Err(error) => return Err(Failure::Usage(format!("{}: {error}", path.display()))),
    };
    SiteOptions::from_toml(&text)
        .map_err(|error| Failure::Usage(format!("{}: {}", path.display(), error.trim_end())))
}
