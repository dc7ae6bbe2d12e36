//! Paths that are resolved once, stated, and then opened as they are.
//!
//! What a call acts on has to be known before it runs, and what it opens has to be the same. So the links of a path are
//! resolved first ([`Way`]), and then it is opened part by part, and no part may be a symlink: one that was swapped in
//! meanwhile is an error, not another file.

use std::collections::VecDeque;
use std::io;
use std::path::{Component, Path};

use cap_std::fs::Dir;

use super::{Beneath, Regular, in_words, not_regular, opened, real};

/// Linux follows this many symlinks in one path.
const LINKS: usize = 40;

/// Where a path leads: names below the folder. None of them was a symlink when it was resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::tools) struct Way {
    names: Vec<String>,
    /// How many of them existed.
    there: usize,
}

impl Way {
    /// The names, none for the folder itself.
    pub(in crate::tools) fn names(&self) -> &[String] {
        &self.names
    }

    /// The names with `/` between them; empty for the folder itself.
    pub(in crate::tools) fn text(&self) -> String {
        self.names.join("/")
    }

    /// Whether the whole path existed.
    pub(in crate::tools) const fn is_there(&self) -> bool {
        self.there == self.names.len()
    }

    /// The folders above it that did not exist, the outermost first, each by its names.
    pub(in crate::tools) fn missing(&self) -> impl Iterator<Item = &[String]> {
        (self.there + 1..self.names.len()).map(|end| &self.names[..end])
    }
}

/// What a path's last part may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::tools) enum Last {
    /// A symlink there is followed, and it has to lead to something.
    Followed,
    /// It may be missing, and must not be a symlink.
    Made,
}

impl Beneath {
    /// Where a path leads, given by its parts. Only links are read, and nothing is opened.
    pub(in crate::tools) fn way(&self, parts: &[String], last: Last) -> io::Result<Way> {
        let mut left: VecDeque<String> = parts.iter().cloned().collect();
        let (mut way, mut links) = (Way { names: Vec::new(), there: 0 }, 0);
        // How many of the parts that are left come from a symlink.
        let mut linked = 0_usize;
        while let Some(part) = left.pop_front() {
            let is_linked = linked > 0;
            linked = linked.saturating_sub(1);
            if part == ".." {
                way.names.pop().ok_or_else(leads_out)?;
                way.there = way.names.len();
                continue;
            }
            way.names.push(part);
            let is_last = left.is_empty();
            let found = match self.0.symlink_metadata(way.text()) {
                Ok(found) => found,
                Err(error) if error.kind() == io::ErrorKind::NotFound && last == Last::Made => {
                    // Nothing below it exists either.
                    if is_linked || left.iter().any(|part| part == "..") {
                        return Err(io::Error::other("a symlink in it leads to nothing"));
                    }
                    way.names.extend(left);
                    return Ok(way);
                }
                Err(error) => return Err(in_words(error)),
            };
            if !found.is_symlink() {
                way.there = way.names.len();
                continue;
            }
            if is_last && links == 0 && last == Last::Made {
                return Err(io::Error::other("it is a symlink: name what it leads to"));
            }
            links += 1;
            if links > LINKS {
                return Err(io::Error::other("its symlinks lead on without end"));
            }
            let target = self.0.read_link_contents(way.text())?;
            way.names.pop();
            let said = parts_of(&target)?;
            linked += said.len();
            for part in said.into_iter().rev() {
                left.push_front(part);
            }
        }
        Ok(way)
    }

    /// Whether a way leads to a folder.
    pub(in crate::tools) fn is_folder(&self, way: &Way) -> io::Result<bool> {
        Ok(way.names.is_empty() || self.0.symlink_metadata(way.text())?.is_dir())
    }

    /// The folder that a way leads to, or through.
    pub(in crate::tools) fn still_folder(&self, names: &[String]) -> io::Result<Dir> {
        let mut dir = real(self.0.try_clone()?)?;
        for name in names {
            dir = real(folder_in(&dir, name)?)?;
        }
        Ok(dir)
    }

    /// The regular file that a way leads to.
    pub(in crate::tools) fn still_file(&self, way: &Way) -> io::Result<Regular> {
        let Some((name, folders)) = way.names.split_last() else { return Err(not_regular()) };
        file_in(&self.still_folder(folders)?, name)
    }
}

/// The parts of a symlink's target.
fn parts_of(target: &Path) -> io::Result<Vec<String>> {
    let mut parts = Vec::new();
    for component in target.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => parts.push("..".to_owned()),
            Component::Normal(name) => {
                let name = name.to_str().ok_or_else(|| io::Error::other("a symlink in it is not UTF-8"))?;
                parts.push(name.to_owned());
            }
            Component::RootDir | Component::Prefix(_) => return Err(leads_out()),
        }
    }
    Ok(parts)
}

fn leads_out() -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, "a symlink in it leads out of the folder, or is absolute")
}

fn swapped() -> io::Error {
    io::Error::other("a part of it has become a symlink meanwhile")
}

/// For a name that has become a symlink, the system's error is too many links or not a folder.
#[cfg(unix)]
fn opened_here(dir: &Dir, name: &str, flags: rustix::fs::OFlags) -> io::Result<std::fs::File> {
    use rustix::fs::{Mode, OFlags, openat};
    let flags = flags | OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match openat(dir, name, flags, Mode::empty()) {
        Ok(file) => Ok(file.into()),
        Err(_) if dir.symlink_metadata(name).is_ok_and(|found| found.is_symlink()) => Err(swapped()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(unix)]
fn folder_in(dir: &Dir, name: &str) -> io::Result<Dir> {
    opened_here(dir, name, rustix::fs::OFlags::DIRECTORY).map(Dir::from_std_file)
}

/// A regular file in a folder; a symlink is refused.
#[cfg(unix)]
pub(in crate::tools) fn file_in(dir: &Dir, name: &str) -> io::Result<Regular> {
    use rustix::fs::OFlags;
    is_regular(dir, name)?;
    let file = opened_here(dir, name, OFlags::NONBLOCK | OFlags::NOCTTY)?;
    opened(cap_std::fs::File::from_std(file))
}

/// Here the check for a symlink comes first: one that is swapped in right after it leads elsewhere below the folder.
#[cfg(not(unix))]
fn folder_in(dir: &Dir, name: &str) -> io::Result<Dir> {
    match dir.symlink_metadata(name)?.is_symlink() {
        true => Err(swapped()),
        false => dir.open_dir(name),
    }
}

#[cfg(not(unix))]
pub(in crate::tools) fn file_in(dir: &Dir, name: &str) -> io::Result<Regular> {
    is_regular(dir, name)?;
    opened(dir.open(name)?)
}

/// Opening a device may have effects, so its type is checked first.
fn is_regular(dir: &Dir, name: &str) -> io::Result<()> {
    let found = dir.symlink_metadata(name)?;
    match (found.is_file(), found.is_symlink()) {
        (true, _) => Ok(()),
        (_, true) => Err(swapped()),
        _ => Err(not_regular()),
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    use proptest::prelude::*;

    fn parts(path: &str) -> Vec<String> {
        path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect()
    }

    fn tree() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("a/b")).unwrap();
        fs::write(root.join("a/b/file"), "inside").unwrap();
        symlink("a/b", root.join("short")).unwrap();
        symlink("../../short/file", root.join("a/b/round")).unwrap();
        symlink("../..", root.join("a/out")).unwrap();
        symlink("/etc", root.join("absolute")).unwrap();
        symlink("nothing", root.join("dangling")).unwrap();
        symlink("loop", root.join("loop")).unwrap();
        folder
    }

    #[test]
    fn links_are_resolved_below_the_folder_and_none_leads_out() {
        let folder = tree();
        let beneath = Beneath::open(folder.path()).unwrap();
        let way = |path: &str| beneath.way(&parts(path), Last::Followed).map(|way| way.text());
        assert_eq!(way("short/file").unwrap(), "a/b/file");
        assert_eq!(way("a/b/round").unwrap(), "a/b/file");
        assert_eq!(way("short").unwrap(), "a/b");
        assert_eq!(way("").unwrap(), "");
        for path in
            ["a/out", "a/out/x", "absolute", "absolute/passwd", "dangling", "loop", "missing", "a/b/file/x"]
        {
            assert!(way(path).is_err(), "{path}: {:?}", way(path));
        }
    }

    #[test]
    fn what_is_made_may_be_missing_with_its_folders_and_is_never_a_symlink() {
        let folder = tree();
        let beneath = Beneath::open(folder.path()).unwrap();
        let way = |path: &str| beneath.way(&parts(path), Last::Made);
        let new = way("short/x/y/new").unwrap();
        assert_eq!(new.text(), "a/b/x/y/new");
        let missing: Vec<_> = new.missing().map(|names| names.join("/")).collect();
        assert_eq!(missing, ["a/b/x", "a/b/x/y"]);
        assert!(!new.is_there() && way("short/file").unwrap().is_there());
        assert_eq!(way("short/new").unwrap().missing().count(), 0);
        for path in ["short", "dangling", "dangling/x", "a/b/round", "a/out/x", "absolute/x", "loop"] {
            assert!(way(path).is_err(), "{path}: {:?}", way(path));
        }
    }

    #[test]
    fn a_part_that_becomes_a_symlink_after_it_was_resolved_is_an_error() {
        let folder = tree();
        let root = folder.path();
        let beneath = Beneath::open(root).unwrap();
        let way = beneath.way(&parts("a/b/file"), Last::Followed).unwrap();
        assert_eq!(beneath.still_file(&way).unwrap().size, 6);
        fs::create_dir(root.join("secret")).unwrap();
        fs::write(root.join("secret/file"), "secret").unwrap();
        fs::rename(root.join("a/b"), root.join("a/was")).unwrap();
        symlink("../secret", root.join("a/b")).unwrap();
        assert_eq!(beneath.still_file(&way).unwrap_err().to_string(), swapped().to_string());
        assert_eq!(beneath.still_folder(&parts("a/b")).unwrap_err().to_string(), swapped().to_string());
        fs::remove_file(root.join("a/b")).unwrap();
        fs::rename(root.join("a/was"), root.join("a/b")).unwrap();
        fs::rename(root.join("a/b/file"), root.join("a/b/was")).unwrap();
        symlink("../../secret/file", root.join("a/b/file")).unwrap();
        assert_eq!(beneath.still_file(&way).unwrap_err().to_string(), swapped().to_string());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        /// Compared with the system's own resolution.
        #[test]
        fn a_way_is_where_the_system_says_that_the_path_leads(
            links in proptest::collection::vec(("[ab]", "(\\.\\./){0,2}[abc](/[abc]){0,1}"), 0..5),
            path in "[abc](/[abc]){0,3}",
        ) {
            let folder = tempfile::tempdir().unwrap();
            let root = folder.path().canonicalize().unwrap().join("root");
            for made in ["a/b/c", "b/a", "c/c"] {
                fs::create_dir_all(root.join(made)).unwrap();
            }
            for (at, (name, target)) in links.iter().enumerate() {
                // Each link in another folder, if there is room for it.
                let places = ["", "a", "a/b", "b", "c"];
                symlink(target, root.join(places[at]).join(format!("{name}{name}"))).ok();
                fs::rename(root.join(places[at]).join(format!("{name}{name}")), root.join(places[at]).join("c")).ok();
            }
            let way = Beneath::open(&root).unwrap().way(&parts(&path), Last::Followed);
            match (root.join(&path).canonicalize(), way) {
                (Ok(leads), Ok(way)) => prop_assert_eq!(leads, way.names().iter().fold(root, |path, name| path.join(name))),
                // A path that leads out on its way is refused, even if it comes back in.
                (Ok(_), Err(error)) => prop_assert_eq!(error.kind(), io::ErrorKind::PermissionDenied),
                (Err(_), way) => prop_assert!(way.is_err(), "{:?}", way),
            }
        }
    }
}
