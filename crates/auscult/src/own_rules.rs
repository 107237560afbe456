//! Reads the files of `--rules`.

use std::path::{Path, PathBuf};

use auscult_advisory::OwnRules;

use crate::failure::Failure;
use crate::text_file;

/// Reads one file.
fn load(path: &Path) -> Result<OwnRules, Failure> {
    let text = text_file::read(path).map_err(Failure::Usage)?;
    OwnRules::read(&text).map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))
}

/// Reads several as one; `each` sees every file.
pub(crate) fn load_all(
    paths: &[PathBuf],
    mut each: impl FnMut(&Path, &OwnRules),
) -> Result<OwnRules, Failure> {
    let mut rules = OwnRules::default();
    for path in paths {
        let more = load(path)?;
        each(path, &more);
        rules.join(more).map_err(|name| {
            let path = path.display();
            Failure::Usage(format!("{path}: rule `{name}` stands in another file too"))
        })?;
    }
    Ok(rules)
}
