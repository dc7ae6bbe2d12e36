//! The targets of an effect, for ceilings and permissions: stated before it runs, in one canonical form.

mod pattern;

use std::fmt;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use self::pattern::Targets;
pub(crate) use self::pattern::{Pattern, check_command, check_host, check_model, check_path, covers_words};
use crate::words::text::one_line;

/// One target of an effect.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Target {
    /// A file or a folder: absolute, without `.` and `..`, with symlinks resolved.
    Path(String),
    /// A folder and everything below it, written like a path: for a search, or a listing. A rule that allows must cover all of it; a
    /// rule that denies or asks applies if it covers any part of it.
    Tree(String),
    /// A host in lower case, with its port unless that is the scheme's default: `example.com`, `localhost:8080`.
    Host(String),
    /// A model, by the name that its provider uses.
    Model(String),
    /// A program and its arguments.
    Command(Vec<String>),
}

/// All targets of an effect.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// These and nothing else; an empty list means nothing that a rule could name.
    Only(Vec<Target>),
    /// The targets are unknown; this is the default. No ceiling on targets and no `allow` that names targets lets it pass,
    /// and every `deny` that names targets applies to it.
    #[default]
    Unknown,
}

/// A target of more bytes cannot be named: no path or host is longer, and every rule looks at every byte while others wait.
const LONGEST: usize = 4_096;

/// More targets at once cannot be named either.
const MOST: usize = 256;

impl Target {
    /// Whether it is written as its variant requires, in at most 4,096 bytes. Otherwise it counts as unknown, because rules would
    /// be compared with something other than the real target.
    #[must_use]
    pub fn is_canonical(&self) -> bool {
        self.bytes() <= LONGEST && self.is_written_well()
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Path(text) | Self::Tree(text) | Self::Host(text) | Self::Model(text) => text.len(),
            Self::Command(words) => words.iter().map(|word| word.len() + 1).sum(),
        }
    }

    fn is_written_well(&self) -> bool {
        match self {
            Self::Path(path) | Self::Tree(path) => is_plain(Path::new(path)),
            Self::Host(host) => {
                !host.is_empty() && !host.chars().any(|c| c.is_uppercase() || c.is_whitespace())
            }
            Self::Model(name) => !name.is_empty(),
            Self::Command(words) => words.first().is_some_and(|program| !program.is_empty()),
        }
    }
}

/// Absolute, and every component names something below the one before.
fn is_plain(path: &Path) -> bool {
    let is_name = |component: Component<'_>| matches!(component, Component::RootDir | Component::Normal(_));
    // `components` drops what is not written canonically, such as `/a/./b` and `/a//b`.
    let rebuilt: PathBuf = path.components().collect();
    path.is_absolute() && path.components().all(is_name) && rebuilt.as_os_str() == path.as_os_str()
}

impl Reach {
    /// Nothing that a rule could name: a computation, a clock.
    pub const NOTHING: Self = Self::Only(Vec::new());

    /// A file or a folder. A name that is not Unicode counts as unknown, since no rule could name it.
    #[must_use]
    pub fn path(path: impl AsRef<Path>) -> Self {
        path.as_ref().to_str().map_or(Self::Unknown, |path| Self::Only(vec![Target::Path(path.to_owned())]))
    }

    /// A folder and all that is below it. One whose name is no Unicode is unknown.
    #[must_use]
    pub fn tree(folder: impl AsRef<Path>) -> Self {
        let folder = folder.as_ref().to_str();
        folder.map_or(Self::Unknown, |folder| Self::Only(vec![Target::Tree(folder.to_owned())]))
    }

    /// A host.
    #[must_use]
    pub fn host(host: impl Into<String>) -> Self {
        Self::Only(vec![Target::Host(host.into())])
    }

    /// A model.
    #[must_use]
    pub fn model(name: impl Into<String>) -> Self {
        Self::Only(vec![Target::Model(name.into())])
    }

    /// A program and its arguments.
    #[must_use]
    pub fn command(words: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::Only(vec![Target::Command(words.into_iter().map(Into::into).collect())])
    }

    /// The targets, if they are known, at most 256, and all of them written as they should be.
    #[must_use]
    pub fn targets(&self) -> Option<&[Target]> {
        match self {
            Self::Only(targets) if targets.len() <= MOST && targets.iter().all(Target::is_canonical) => {
                Some(targets)
            }
            Self::Only(_) | Self::Unknown => None,
        }
    }

    /// The same, as unknown where no rule could name it.
    pub(crate) fn or_unknown(self) -> Self {
        if self.targets().is_some() { self } else { Self::Unknown }
    }
}

/// Such as `path /repo/src/lib.rs`, on one line.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => write!(f, "path {}", one_line(path)),
            Self::Tree(path) => write!(f, "all below {}", one_line(path)),
            Self::Host(host) => write!(f, "host {}", one_line(host)),
            Self::Model(name) => write!(f, "model {}", one_line(name)),
            Self::Command(words) => write!(f, "command {}", one_line(&words.join(" "))),
        }
    }
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Only(targets) = self else { return f.write_str("its targets are unknown") };
        for (at, target) in targets.iter().enumerate() {
            write!(f, "{}{target}", if at == 0 { "" } else { ", " })?;
        }
        if targets.is_empty() { f.write_str("nothing") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_written_canonically_is_unknown() {
        for path in ["/", "/a", "/a/b.c", "/a/...", "/a b"] {
            assert!(Reach::path(path).targets().is_some() && Reach::tree(path).targets().is_some(), "{path}");
        }
        for path in ["", "a", "./a", "/a/../b", "/..", "/a/./b", "/a//b", "/a/"] {
            assert!(Reach::path(path).targets().is_none() && Reach::tree(path).targets().is_none(), "{path}");
        }
        assert!(Reach::host("Example.com").targets().is_none() && Reach::host("").targets().is_none());
        assert!(Reach::host("[::1]:80").targets().is_some());
        assert!(Reach::command([""]).targets().is_none() && Reach::command([""; 0]).targets().is_none());
        assert_eq!(Reach::NOTHING.targets(), Some(&[][..]));
        assert_eq!(Reach::Unknown.targets(), None);
        let mixed = Reach::Only(vec![Target::Path("/a".into()), Target::Path("../a".into())]);
        assert_eq!(mixed.targets(), None, "one that cannot be compared is enough");
        let path = |bytes: usize| Reach::path(format!("/{}", "a".repeat(bytes - 1)));
        assert!(path(LONGEST).targets().is_some() && path(LONGEST + 1).targets().is_none());
        let many = |count| Reach::Only(vec![Target::Host("h".into()); count]);
        assert!(many(MOST).targets().is_some() && many(MOST + 1).targets().is_none());
        assert_eq!(path(1 << 20).or_unknown(), Reach::Unknown);
        assert!(Reach::command(vec!["a"; LONGEST]).targets().is_none());
    }

    #[test]
    fn it_is_said_on_one_line() {
        let all = Reach::Only(vec![
            Target::Path("/a\nb".into()),
            Target::Tree("/c".into()),
            Target::Host("h".into()),
            Target::Model("m".into()),
            Target::Command(vec!["git".into(), "log".into()]),
        ]);
        assert_eq!(all.to_string(), "path /a\\nb, all below /c, host h, model m, command git log");
        assert_eq!(
            (Reach::NOTHING.to_string(), Reach::Unknown.to_string().lines().count()),
            ("nothing".into(), 1)
        );
    }
}
