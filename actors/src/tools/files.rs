//! Files below a folder: listing them as git sees them, and reading one, with an outcome for everything that it may be.
//!
//! Nothing outside the folder is ever listed or read, whatever a path says and wherever a symlink leads: paths are
//! resolved through the folder's handle. A symlink that stays below the folder may be read through.

mod rules;
mod walk;

use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use skep_runtime::EffectError;

pub use self::walk::{Entry, Listing, Passed};
#[cfg(feature = "agent")]
pub(super) use self::walk::{is_control, walk_below};
use super::beneath::{Beneath, Regular};
use super::wanted::Wanted;
use super::{Toolbox, price};

/// The most that one read returns, whatever is asked for: larger values are of no use.
const WHOLE: u64 = 256 << 20;

/// How many bytes an entry of a listing counts as, for its price.
const ENTRY: u64 = 64;

/// How many entries a listing is reserved for, and billed for at most: their number is not known before.
const ENTRIES: u64 = 20_000;

/// The files below one folder.
#[derive(Clone, Debug)]
pub struct Files<'c> {
    tools: Toolbox<'c>,
    root: PathBuf,
}

/// What a file turned out to contain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// UTF-8 text.
    Text(String),
    /// Not text: there is a NUL at this byte.
    Binary(u64),
    /// Text in UTF-16, judging by its first two bytes.
    Utf16,
    /// Valid UTF-8 up to this byte only.
    NotUtf8(u64),
    /// Larger than the limit that was given; its size.
    TooLarge(u64),
    /// It could not be read; the system's message.
    Unreadable(String),
}

impl Content {
    /// What kind of content these bytes are.
    #[must_use]
    pub fn of(bytes: Vec<u8>) -> Self {
        if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
            return Self::Utf16;
        }
        if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
            return Self::Binary(at as u64);
        }
        match String::from_utf8(bytes) {
            Ok(text) => Self::Text(text),
            Err(error) => Self::NotUtf8(error.utf8_error().valid_up_to() as u64),
        }
    }
}

impl<'c> Files<'c> {
    pub(super) fn new(tools: Toolbox<'c>, root: &Path) -> Self {
        Self { tools, root: root.to_owned() }
    }

    /// The files below the folder, sorted by path. Ignore files count whether or not there is a repository; hidden files
    /// are listed, the folders of version control are not; no symlink is followed. What was skipped is reported.
    ///
    /// # Errors
    /// [`EffectError`] if the tool did not run; an unreadable folder is in the listing.
    pub async fn list(&self) -> Result<Listing, EffectError> {
        let root = self.root.clone();
        let work = move |wanted: &Wanted| {
            let listing = walk::walk(&root, wanted);
            let bytes = listing.files.len() as u64 * ENTRY;
            Ok((listing, bytes))
        };
        self.tools.run_wanted(("files.list", price::LIST), &self.root, ENTRIES * ENTRY, work).await
    }

    /// Reads one regular file, given by its path below the folder, if it has at most `most` bytes, and never more than
    /// 256 MiB. `size` is its known size, which is reserved for the call.
    ///
    /// # Errors
    /// [`EffectError`] if the tool did not run. An unreadable file is a [`Content`] too, and so is a path that leads out
    /// of the folder, a pipe or a device.
    pub async fn read(&self, path: &str, size: u64, most: u64) -> Result<Content, EffectError> {
        let (root, file) = (self.root.clone(), path.to_owned());
        let most = most.min(WHOLE);
        let work = move |wanted: &Wanted| Ok(read(&root, &file, most, wanted));
        self.tools.run_wanted(("files.read", price::READ), path, size.min(most), work).await
    }
}

/// The content, and how many bytes were read for it.
fn read(root: &Path, path: &str, most: u64, wanted: &Wanted) -> (Content, u64) {
    let unreadable = |error: std::io::Error| (Content::Unreadable(error.to_string()), 0);
    let file = match Beneath::open(root).and_then(|beneath| beneath.file(path)) {
        Ok(file) => file,
        Err(error) => return unreadable(error),
    };
    content(file, most, wanted)
}

/// The content of an open file, and how many bytes were read for it.
pub(super) fn content(file: Regular, most: u64, wanted: &Wanted) -> (Content, u64) {
    if file.size > most {
        return (Content::TooLarge(file.size), 0);
    }
    let mut bytes = Vec::with_capacity(usize::try_from(file.size).unwrap_or(0));
    // It may grow while it is read.
    match file.reader(most.saturating_add(1), wanted).read_to_end(&mut bytes) {
        Err(error) => (Content::Unreadable(error.to_string()), 0),
        Ok(read) if read as u64 > most => (Content::TooLarge(read as u64), read as u64),
        Ok(read) => (Content::of(bytes), read as u64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::wanted::Waiter;

    fn read(root: &Path, path: &str) -> Content {
        super::read(root, path, 12, &Waiter::default().wanted()).0
    }

    #[test]
    fn what_a_file_may_be_is_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes, expected) in [
            ("a.rs", "fn é() {}".as_bytes(), Content::Text("fn é() {}".into())),
            ("b.png", b"\x89PNG\0", Content::Binary(4)),
            ("c.txt", b"\xff\xfea\0", Content::Utf16),
            ("d.rs", b"ok \xff", Content::NotUtf8(3)),
            ("e.rs", b"0123456789abc", Content::TooLarge(13)),
        ] {
            std::fs::write(folder.path().join(name), bytes).unwrap();
            assert_eq!(read(folder.path(), name), expected, "{name}");
        }
        assert!(matches!(read(folder.path(), "."), Content::Unreadable(_)));
        assert!(matches!(read(folder.path(), "none"), Content::Unreadable(_)));
    }
}
