//! Walks a folder as git would.

use std::path::Path;

use ignore::{DirEntry, WalkBuilder};
use serde::{Deserialize, Serialize};

/// A file that was found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Entry {
    /// Its path below the folder, with `/` on every system.
    pub path: String,
    /// Its size in bytes.
    pub bytes: u64,
}

/// Something that was passed over, and why.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Passed {
    /// Its path below the folder; empty where it is not known.
    pub path: String,
    /// Why, as a short clause.
    pub why: String,
}

/// What is below a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// Regular files, sorted by path.
    pub files: Vec<Entry>,
    /// What could not be listed or leads in a circle, sorted by path.
    pub passed: Vec<Passed>,
    /// Symlinks that were not followed, the circles aside.
    pub symlinks: u64,
}

/// Folders that version control keeps for itself.
const CONTROL: [&str; 5] = [".git", ".hg", ".svn", ".jj", ".pijul"];

pub(super) fn walk(root: &Path) -> Listing {
    let mut listing = Listing::default();
    let mut builder = WalkBuilder::new(root);
    // Hidden files are source too: workflows and settings are where secrets lie.
    builder.hidden(false).follow_links(false).require_git(false).filter_entry(|entry| {
        entry.depth() == 0 || !CONTROL.iter().any(|control| entry.file_name() == *control)
    });
    for entry in builder.build() {
        match entry {
            Ok(entry) => listing.add(root, &entry),
            Err(error) => listing.passed.push(Passed { path: String::new(), why: error.to_string() }),
        }
    }
    listing.files.sort();
    listing.passed.sort();
    listing
}

impl Listing {
    fn add(&mut self, root: &Path, entry: &DirEntry) {
        let path = below(root, entry.path());
        let Some(kind) = entry.file_type() else { return };
        if kind.is_symlink() && entry.depth() > 0 {
            match circle(entry.path()) {
                Some(why) => self.passed.push(Passed { path, why }),
                None => self.symlinks += 1,
            }
        } else if kind.is_file() {
            match entry.metadata() {
                Ok(found) => self.files.push(Entry { path, bytes: found.len() }),
                Err(error) => self.passed.push(Passed { path, why: format!("cannot be read: {error}") }),
            }
        }
        if let Some(error) = entry.error() {
            self.passed.push(Passed { path: below(root, entry.path()), why: error.to_string() });
        }
    }
}

/// Why a symlink would never end, if it would not.
fn circle(link: &Path) -> Option<String> {
    match link.canonicalize() {
        Ok(target) => {
            let around = link.parent()?.canonicalize().ok()?;
            let leads_back = target.is_dir() && around.starts_with(&target);
            leads_back.then(|| "symlink loop, it leads to a folder around it: not followed".to_owned())
        }
        // The system gave up following it. A link to nothing is no loop.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => Some(format!("symlink loop ({error}): not followed")),
    }
}

fn below(root: &Path, path: &Path) -> String {
    let path = path.strip_prefix(root).unwrap_or(path);
    path.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn paths(listing: &Listing) -> Vec<&str> {
        listing.files.iter().map(|file| &*file.path).collect()
    }

    #[test]
    fn ignored_files_and_version_control_are_left_out_and_hidden_files_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for (path, text) in [
            (".gitignore", "target/\n*.log\n"),
            (".git/config", ""),
            (".github/workflows/ci.yml", "a"),
            ("target/x.rs", ""),
            ("src/a.rs", "abc"),
            ("b.log", ""),
        ] {
            fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
            fs::write(root.join(path), text).unwrap();
        }
        let listing = walk(root);
        assert_eq!(paths(&listing), [".github/workflows/ci.yml", ".gitignore", "src/a.rs"]);
        assert_eq!(listing.files[2].bytes, 3);
    }

    #[cfg(unix)]
    #[test]
    fn loops_of_symlinks_are_said_and_other_symlinks_counted() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir(root.join("a")).unwrap();
        fs::write(root.join("a/x.rs"), "").unwrap();
        symlink("..", root.join("a/up")).unwrap();
        symlink("self", root.join("self")).unwrap();
        symlink("x.rs", root.join("a/y.rs")).unwrap();
        symlink("nothing", root.join("dangling")).unwrap();
        let listing = walk(root);
        assert_eq!(paths(&listing), ["a/x.rs"]);
        let loops: Vec<_> = listing.passed.iter().map(|passed| &*passed.path).collect();
        assert_eq!(loops, ["a/up", "self"]);
        assert_eq!(listing.symlinks, 2);
    }
}
