//! The ignore files of a tree, read through the handles of the folders that contain them.
//!
//! Ignore files above the walked folder count too: up to the repository's root, or all of them if there is no repository.
//! They can only leave files out.

use std::borrow::Cow;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::super::beneath::regular;
use super::super::wanted::Wanted;
use super::Passed;

/// The most bytes of an ignore file that are read. The longest that people write have some thousand lines.
const LONGEST: u64 = 1 << 20;

/// The rules that apply in one folder.
#[derive(Debug)]
pub(super) struct Rules {
    here: Where,
    /// `.ignore`, which takes precedence.
    ignore: Gitignore,
    /// `.gitignore`.
    git: Gitignore,
    /// `.git/info/exclude`.
    exclude: Gitignore,
    /// Git's rules do not apply inside another repository.
    is_repository: bool,
    outer: Outer,
}

/// Where a folder is, relative to the one that is walked.
#[derive(Debug)]
enum Where {
    /// Above it: the path from here to the walked folder, with a slash at its end.
    Above(String),
    /// At it or below it: this many bytes of a path lead here.
    Below(usize),
}

#[derive(Debug)]
enum Outer {
    Folder(Arc<Rules>),
    /// No folder further up; the user's own rules for all repositories.
    User(Gitignore),
}

impl Rules {
    /// The rules that apply above a folder to be walked.
    pub(super) fn above(root: &Path, wanted: &Wanted) -> Outermost {
        let (user, _) = Gitignore::global();
        let mut outer = Outer::User(user);
        // If its path cannot be resolved, no folder above it counts.
        let whole = root.canonicalize().unwrap_or_default();
        let folders: Vec<&Path> = whole.ancestors().skip(1).collect();
        for folder in folders.into_iter().rev() {
            let Ok(dir) = Dir::open_ambient_dir(folder, ambient_authority()) else { continue };
            let way =
                whole.strip_prefix(folder).unwrap_or(Path::new("")).to_string_lossy().replace('\\', "/");
            // Errors in them are not reported: they are not among this folder's files.
            let rules = Self::read(&dir, Where::Above(format!("{way}/")), outer, wanted, &mut |_, _| {});
            outer = Outer::Folder(Arc::new(rules));
        }
        Outermost(outer)
    }

    /// The rules that apply in a folder below: those of the folder around it, and its own.
    pub(super) fn within(
        self: &Arc<Self>,
        dir: &Dir,
        path: &str,
        wanted: &Wanted,
        passed: &mut Vec<Passed>,
    ) -> Arc<Self> {
        let outer = Outer::Folder(Arc::clone(self));
        Arc::new(Self::read(dir, Where::Below(path.len() + 1), outer, wanted, &mut said(path, passed)))
    }

    fn read(
        dir: &Dir,
        here: Where,
        outer: Outer,
        wanted: &Wanted,
        wrong: &mut dyn FnMut(&str, String),
    ) -> Self {
        Self {
            here,
            ignore: rules(dir, ".ignore", wanted, wrong),
            git: rules(dir, ".gitignore", wanted, wrong),
            exclude: rules(dir, ".git/info/exclude", wanted, wrong),
            is_repository: dir.symlink_metadata(".git").is_ok(),
            outer,
        }
    }

    /// Whether a path is left out. It is relative to the walked folder, and directly in this one.
    pub(super) fn leave_out(&self, path: &str, is_dir: bool) -> bool {
        let (mut by_git, mut by_exclude) = (None, None);
        let mut is_inside = true;
        let mut rules = self;
        let by_user = loop {
            let seen = rules.here.seen(path);
            let verdict = |rules: &Gitignore| match rules.matched(&*seen, is_dir) {
                Match::None => None,
                other => Some(other.is_ignore()),
            };
            if let Some(is_out) = verdict(&rules.ignore) {
                return is_out;
            }
            if is_inside {
                by_git = by_git.or_else(|| verdict(&rules.git));
                by_exclude = by_exclude.or_else(|| verdict(&rules.exclude));
            }
            is_inside &= !rules.is_repository;
            match &rules.outer {
                Outer::Folder(outer) => rules = outer,
                Outer::User(user) => break user.matched(path, is_dir).is_ignore(),
            }
        };
        by_git.or(by_exclude).unwrap_or(by_user)
    }
}

/// The rules from above the walked folder.
pub(super) struct Outermost(Outer);

impl Outermost {
    /// The rules that apply in the walked folder itself.
    pub(super) fn within(self, dir: &Dir, wanted: &Wanted, passed: &mut Vec<Passed>) -> Arc<Rules> {
        Arc::new(Rules::read(dir, Where::Below(0), self.0, wanted, &mut said("", passed)))
    }
}

impl Where {
    /// A path below the walked folder, relative to here.
    fn seen<'p>(&self, path: &'p str) -> Cow<'p, str> {
        match self {
            Self::Above(way) => Cow::Owned(format!("{way}{path}")),
            Self::Below(bytes) => Cow::Borrowed(path.get(*bytes..).unwrap_or(path)),
        }
    }
}

fn said<'p>(folder: &str, passed: &'p mut Vec<Passed>) -> impl FnMut(&str, String) + use<'p> {
    let folder = if folder.is_empty() { String::new() } else { format!("{folder}/") };
    move |name, why| passed.push(Passed { path: format!("{folder}{name}"), why })
}

/// The rules of one file. Like git, this does not follow a symlink: its lines would show up in error messages.
fn rules(dir: &Dir, name: &str, wanted: &Wanted, wrong: &mut dyn FnMut(&str, String)) -> Gitignore {
    match dir.symlink_metadata(name) {
        Ok(found) if found.is_file() => {}
        _ => return Gitignore::empty(),
    }
    let mut text = Vec::new();
    let file = match regular(dir, name) {
        Ok(file) if file.size <= LONGEST => file,
        Ok(file) => {
            wrong(name, format!("{} bytes are too many for an ignore file: not heeded", file.size));
            return Gitignore::empty();
        }
        Err(error) => {
            wrong(name, format!("cannot be read: {error}"));
            return Gitignore::empty();
        }
    };
    if let Err(error) = file.reader(LONGEST, wanted).read_to_end(&mut text) {
        wrong(name, format!("cannot be read: {error}"));
    }
    let text = String::from_utf8_lossy(&text);
    let mut builder = GitignoreBuilder::new("");
    for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        if let Err(error) = builder.add_line(None, line) {
            wrong(name, format!("line {}: {error}", number + 1));
        }
    }
    builder.build().unwrap_or_else(|error| {
        wrong(name, error.to_string());
        Gitignore::empty()
    })
}
