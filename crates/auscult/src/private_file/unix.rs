//! Permissions as Unix has them.

use std::fs::{File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

const OWNER_ONLY: u32 = 0o600;

/// Opens a file for its owner alone, also one that was there with wider permissions.
pub(super) fn open(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let file = options.mode(OWNER_ONLY).open(path)?;
    file.set_permissions(Permissions::from_mode(OWNER_ONLY))?;
    Ok(file)
}
