//! Writes a file whole or not at all: first under another name beside it, then moved into place in one step.
//!
//! # Invariants
//! 1. Whoever reads the file sees the old content or the new, never a part of it.
//! 2. The old file is replaced, not written to: nothing is written through a symlink or a hard link of that name.
//! 3. If nobody waits for the result any more, the file is not put in place.

use std::io::{self, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};

use cap_std::fs::{Dir, OpenOptions, Permissions};

use crate::tools::wanted::Wanted;

/// Numbers the temporary files of this process.
static NUMBER: AtomicU64 = AtomicU64::new(0);

/// How often a name is skipped that a file of an earlier process has taken.
const TRIES: u32 = 100;

/// What to write, in which folder and under which name.
pub(super) struct Landing<'a> {
    pub(super) dir: &'a Dir,
    pub(super) name: &'a str,
    pub(super) bytes: &'a [u8],
}

impl Landing<'_> {
    /// Puts it there, and says whether something was there before. That has to be a regular file; the new one gets its
    /// mode.
    pub(super) fn land(&self, wanted: &Wanted) -> io::Result<bool> {
        let before = match self.dir.symlink_metadata(self.name) {
            Ok(found) if found.is_file() => Some(found.permissions()),
            Ok(found) if found.is_symlink() => {
                return Err(io::Error::other("it is a symlink: name what it leads to"));
            }
            Ok(found) if found.is_dir() => return Err(io::Error::other("it is a folder")),
            Ok(_) => return Err(io::Error::other("it is no regular file")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let is_new = before.is_none();
        let beside = self.beside(before)?;
        let landed = if wanted.still() {
            self.dir.rename(&beside, self.dir, self.name)
        } else {
            Err(io::Error::other("nobody waits for it any more, so it was not written"))
        };
        if landed.is_err() {
            self.dir.remove_file(&beside).ok();
        }
        landed.map(|()| !is_new)
    }

    /// Writes it to a temporary file, and returns that file's name.
    fn beside(&self, permissions: Option<Permissions>) -> io::Result<String> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        let mut tries = 0;
        let (name, mut file) = loop {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let name = format!(".skep-{}-{number}.tmp", std::process::id());
            match self.dir.open_with(&name, &options) {
                Ok(file) => break (name, file),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && tries < TRIES => tries += 1,
                Err(error) => return Err(error),
            }
        };
        let mode = permissions.map_or(Ok(()), |permissions| file.set_permissions(plain(&permissions)));
        if let Err(error) = mode.and_then(|()| file.write_all(self.bytes)) {
            self.dir.remove_file(&name).ok();
            return Err(error);
        }
        Ok(name)
    }
}

/// The permissions to read, write and execute; set-user-id and the like are not copied.
#[cfg(unix)]
fn plain(permissions: &Permissions) -> Permissions {
    use cap_std::fs::PermissionsExt as _;
    Permissions::from_mode(permissions.mode() & 0o777)
}

#[cfg(not(unix))]
fn plain(permissions: &Permissions) -> Permissions {
    permissions.clone()
}
