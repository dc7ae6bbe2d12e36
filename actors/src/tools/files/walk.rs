//! Walks a folder as git would, through handles: a folder that is swapped for a symlink meanwhile does not lead
//! elsewhere.

use std::path::Path;
use std::sync::Arc;

use cap_std::fs::DirEntry;
use serde::{Deserialize, Serialize};

use super::super::beneath::Beneath;
use super::super::wanted::Wanted;
use super::rules::Rules;

/// A file that was found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Entry {
    /// Its path below the folder, with `/` on every system.
    pub path: String,
    /// Its size in bytes.
    pub bytes: u64,
}

/// Something that was skipped, and why.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Passed {
    /// Its path below the folder; empty if it is not known.
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
    /// Symlinks that were not followed, except circles.
    pub symlinks: u64,
}

/// Whether a name is that of a folder that version control keeps for itself, on any file system: some ignore case, or
/// drop invisible characters.
#[cfg(any(feature = "agent", test))]
pub(in crate::tools) fn is_control(name: &str) -> bool {
    // What HFS+ drops from names, and what Windows drops at their ends.
    let is_unseen = |c: char| matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}');
    let seen: String = name.chars().filter(|c| !is_unseen(*c)).collect();
    let seen = seen.split(':').next().unwrap_or_default().trim_end_matches([' ', '.']).to_ascii_lowercase();
    CONTROL.contains(&seen.as_str()) || seen == "git~1"
}

/// The folders that version control keeps for itself.
const CONTROL: [&str; 5] = [".git", ".hg", ".svn", ".jj", ".pijul"];

/// More than this is not a source tree. The limit keeps a listing below half a gigabyte.
const MOST: usize = 1_000_000;

pub(super) fn walk(root: &Path, wanted: &Wanted) -> Listing {
    match Beneath::open(root) {
        Ok(beneath) => walk_below(&beneath, root, wanted),
        Err(error) => {
            let mut listing = Listing::default();
            listing.pass("", error.to_string());
            listing
        }
    }
}

/// The same for an open folder; its path says where to find the ignore files above it.
pub(in crate::tools) fn walk_below(beneath: &Beneath, root: &Path, wanted: &Wanted) -> Listing {
    let mut listing = Listing::default();
    if let Err(error) = listing.below(beneath, root, wanted) {
        listing.pass("", error.to_string());
    }
    listing.files.sort();
    listing.passed.sort();
    listing
}

/// A folder still to be listed, and the rules of the folder around it.
struct Folder {
    path: String,
    around: Arc<Rules>,
}

impl Listing {
    fn below(&mut self, beneath: &Beneath, root: &Path, wanted: &Wanted) -> std::io::Result<()> {
        let top = beneath.folder("")?;
        let rules = Rules::above(root, wanted).within(&top, wanted, &mut self.passed);
        let mut folders = Vec::new();
        self.folder(beneath, "", &top, &rules, &mut folders);
        // One handle is open at a time, however deep the tree is.
        while let Some(Folder { path, around }) = folders.pop() {
            if !wanted.still() {
                break;
            }
            if self.files.len() + self.passed.len() > MOST {
                self.pass("", format!("more than {MOST} files: the rest is not listed"));
                break;
            }
            match beneath.folder(&path) {
                Ok(dir) => {
                    let rules = around.within(&dir, &path, wanted, &mut self.passed);
                    self.folder(beneath, &path, &dir, &rules, &mut folders);
                }
                Err(error) => self.pass(&path, format!("cannot be listed: {error}")),
            }
        }
        Ok(())
    }

    fn folder(
        &mut self,
        beneath: &Beneath,
        folder: &str,
        dir: &cap_std::fs::Dir,
        rules: &Arc<Rules>,
        folders: &mut Vec<Folder>,
    ) {
        let entries = match dir.entries() {
            Ok(entries) => entries,
            Err(error) => return self.pass(folder, format!("cannot be listed: {error}")),
        };
        for entry in entries {
            match entry {
                Ok(entry) => self.add(beneath, folder, &entry, rules, folders),
                Err(error) => return self.pass(folder, format!("cannot be listed to its end: {error}")),
            }
        }
    }

    fn add(
        &mut self,
        beneath: &Beneath,
        folder: &str,
        entry: &DirEntry,
        rules: &Arc<Rules>,
        folders: &mut Vec<Folder>,
    ) {
        let name = entry.file_name();
        let slash = if folder.is_empty() { "" } else { "/" };
        let Some(name) = name.to_str() else {
            let path = format!("{folder}{slash}{}", name.to_string_lossy());
            return self.pass(&path, "its name is not UTF-8".to_owned());
        };
        let path = format!("{folder}{slash}{name}");
        let kind = match entry.file_type() {
            Ok(kind) => kind,
            Err(error) => return self.pass(&path, format!("cannot be read: {error}")),
        };
        // Hidden files are source too: workflows and settings, where secrets may be.
        if CONTROL.contains(&name) || rules.leave_out(&path, kind.is_dir()) {
            return;
        }
        if kind.is_dir() {
            folders.push(Folder { path, around: Arc::clone(rules) });
        } else if kind.is_symlink() {
            match beneath.circle(&path) {
                Some(why) => self.pass(&path, why),
                None => self.symlinks += 1,
            }
        } else if kind.is_file() {
            match entry.metadata() {
                Ok(found) if found.is_file() => self.files.push(Entry { path, bytes: found.len() }),
                // It is something else by now.
                Ok(_) => self.pass(&path, "it is no regular file".to_owned()),
                Err(error) => self.pass(&path, format!("cannot be read: {error}")),
            }
        } else {
            self.pass(&path, "it is no regular file".to_owned());
        }
    }

    fn pass(&mut self, path: &str, why: String) {
        self.passed.push(Passed { path: path.to_owned(), why });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::wanted::Waiter;
    use std::fs;

    fn list(root: &Path) -> Listing {
        walk(root, &Waiter::default().wanted())
    }

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    fn paths(listing: &Listing) -> Vec<&str> {
        listing.files.iter().map(|file| &*file.path).collect()
    }

    #[test]
    fn ignored_files_and_version_control_are_left_out_and_hidden_files_are_not() {
        let folder = tree(&[
            (".gitignore", "target/\n*.log\n"),
            (".git/config", ""),
            (".github/workflows/ci.yml", "a"),
            ("target/x.rs", ""),
            ("src/a.rs", "abc"),
            ("b.log", ""),
        ]);
        let listing = list(folder.path());
        assert_eq!(paths(&listing), [".github/workflows/ci.yml", ".gitignore", "src/a.rs"]);
        assert_eq!(listing.files[2].bytes, 3);
    }

    #[test]
    fn version_control_is_known_by_whatever_name_a_file_system_takes_for_it() {
        for name in
            [".git", ".GIT", ".Git ", ".git.", ".g\u{200c}it", "GIT~1", ".git::$INDEX_ALLOCATION", ".hg"]
        {
            assert!(is_control(name), "{name:?}");
        }
        for name in [".github", ".gitignore", "git", "a.git", ".", ""] {
            assert!(!is_control(name), "{name:?}");
        }
    }

    #[test]
    fn rules_of_folders_add_up_and_the_inner_ones_are_stronger() {
        let folder = tree(&[
            (".gitignore", "*.log\n/a.rs\nsub/deep/x.rs\n"),
            (".git/info/exclude", "secret\n"),
            ("a.rs", ""),
            ("secret", ""),
            ("sub/.gitignore", "!keep.log\n"),
            ("sub/a.rs", ""),
            ("sub/b.log", ""),
            ("sub/keep.log", ""),
            ("sub/deep/x.rs", ""),
            ("sub/deep/y.rs", ""),
            ("sub/.ignore", "y.rs\n"),
            // Another repository: rules from outside do not count.
            ("other/.git/HEAD", ""),
            ("other/c.log", ""),
        ]);
        let expected =
            [".gitignore", "other/c.log", "sub/.gitignore", "sub/.ignore", "sub/a.rs", "sub/keep.log"];
        assert_eq!(paths(&list(folder.path())), expected);
        // The rules above a folder apply in it, up to its repository's root.
        assert_eq!(paths(&list(&folder.path().join("sub"))), [".gitignore", ".ignore", "a.rs", "keep.log"]);
        assert_eq!(paths(&list(&folder.path().join("other"))), ["c.log"]);
    }

    #[test]
    fn what_is_wrong_in_an_ignore_file_is_said_and_the_rest_of_it_holds() {
        let folder = tree(&[("sub/.gitignore", "[z-a]\n*.log\n"), ("sub/b.log", ""), ("sub/c", "")]);
        let listing = list(folder.path());
        assert_eq!(paths(&listing), ["sub/.gitignore", "sub/c"]);
        assert_eq!(listing.passed.len(), 1, "{:?}", listing.passed);
        assert_eq!(listing.passed[0].path, "sub/.gitignore");
        assert!(listing.passed[0].why.starts_with("line 1: "), "{:?}", listing.passed);
    }

    #[test]
    fn a_tree_that_is_deeper_than_a_path_may_be_is_listed_as_far_as_it_goes() {
        let folder = tree(&[("a.rs", "")]);
        let name = "d".repeat(200);
        let mut dir =
            cap_std::fs::Dir::open_ambient_dir(folder.path(), cap_std::ambient_authority()).unwrap();
        for _ in 0..30 {
            dir.create_dir(&name).unwrap();
            dir = dir.open_dir(&name).unwrap();
        }
        let listing = list(folder.path());
        assert_eq!(paths(&listing), ["a.rs"]);
        assert_eq!(listing.passed.len(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn loops_of_symlinks_are_said_and_other_symlinks_counted() {
        use std::os::unix::fs::symlink;
        let folder = tree(&[("a/x.rs", "")]);
        let root = folder.path();
        symlink("..", root.join("a/up")).unwrap();
        symlink("self", root.join("self")).unwrap();
        symlink("x.rs", root.join("a/y.rs")).unwrap();
        symlink("nothing", root.join("dangling")).unwrap();
        symlink("/etc", root.join("out")).unwrap();
        let listing = list(root);
        assert_eq!(paths(&listing), ["a/x.rs"]);
        let loops: Vec<_> = listing.passed.iter().map(|passed| &*passed.path).collect();
        assert_eq!(loops, ["a/up", "self"]);
        assert_eq!(listing.symlinks, 3);
    }
}
