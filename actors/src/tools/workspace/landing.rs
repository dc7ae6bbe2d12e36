//! Writes a file whole or not at all: beside its place first, and then in one step in it.
//!
//! # Invariants
//! 1. Whoever reads the file sees what was there or what is written, never a part of it.
//! 2. The file that was there is replaced, not written to: a symlink or a hard link of that name is not written through.
//! 3. What nobody waits for any more is not put in its place.

use std::io::{self, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};

use cap_std::fs::{Dir, OpenOptions, Permissions};

use crate::tools::wanted::Wanted;

/// Names of such files within one process.
static NUMBER: AtomicU64 = AtomicU64::new(0);

/// A name that is taken by what an earlier process has left is passed over, so often.
const TRIES: u32 = 100;

/// What is to stand in a folder under a name.
pub(super) struct Landing<'a> {
    pub(super) dir: &'a Dir,
    pub(super) name: &'a str,
    pub(super) bytes: &'a [u8],
}

impl Landing<'_> {
    /// Puts it there, and says whether something was there before. What was there has to be a regular file; the new one has its mode.
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

    /// Writes it to a file of its own, and gives that one's name.
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

/// Who may read, write and run it; that it runs as somebody else is not handed on.
#[cfg(unix)]
fn plain(permissions: &Permissions) -> Permissions {
    use cap_std::fs::PermissionsExt as _;
    Permissions::from_mode(permissions.mode() & 0o777)
}

#[cfg(not(unix))]
fn plain(permissions: &Permissions) -> Permissions {
    permissions.clone()
}
