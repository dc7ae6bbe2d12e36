//! Paths as models write them: their parts below a root, judged by the text alone.

use std::path::{Component, Path};

use thiserror::Error;

use crate::tools::files::is_control;

/// No path in a source tree has more parts than this; looking up each of them takes time.
const DEEPEST: usize = 128;

/// No system accepts a longer path.
const LONGEST: usize = 4_096;

/// Why a path does not belong to a workspace.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(super) enum NoPath {
    #[error("{path:?} is outside of {root}: give a path below it, such as `src/main.rs`")]
    Outside { path: String, root: String },
    #[error("a path has at most 4,096 bytes and 128 parts")]
    TooLong,
    #[error("a path has no NUL in it")]
    Nul,
    #[error("{0:?} belongs to version control, and its files are neither read nor written; ask git")]
    Control(String),
}

/// The parts of a path below the first of these roots. The path is relative to it, or starts with any of them.
pub(super) fn parts(roots: &[&Path], given: &str) -> Result<Vec<String>, NoPath> {
    if given.len() > LONGEST {
        return Err(NoPath::TooLong);
    }
    if given.contains('\0') {
        return Err(NoPath::Nul);
    }
    let outside = || NoPath::Outside {
        path: given.to_owned(),
        root: roots.first().map(|root| root.display().to_string()).unwrap_or_default(),
    };
    let path = Path::new(given);
    let path = if path.is_absolute() {
        roots.iter().find_map(|root| path.strip_prefix(root).ok()).ok_or_else(outside)?
    } else {
        path
    };
    let mut parts = Vec::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            // A path that goes out and comes back in is refused: what it is called out there is not known.
            Component::ParentDir => drop(parts.pop().ok_or_else(outside)?),
            Component::Normal(name) => parts.push(name.to_string_lossy().into_owned()),
            Component::RootDir | Component::Prefix(_) => return Err(outside()),
        }
    }
    if parts.len() > DEEPEST {
        return Err(NoPath::TooLong);
    }
    is_files(&parts)?;
    Ok(parts)
}

/// Whether none of these names belongs to version control.
pub(super) fn is_files(names: &[String]) -> Result<(), NoPath> {
    names.iter().find(|name| is_control(name)).map_or(Ok(()), |name| Err(NoPath::Control(name.clone())))
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn below(given: &str) -> Result<String, NoPath> {
        parts(&[Path::new("/real/repo"), Path::new("/repo")], given).map(|parts| parts.join("/"))
    }

    #[test]
    fn a_path_is_relative_to_the_root_or_begins_with_it() {
        for (given, expected) in [
            ("src/a.rs", "src/a.rs"),
            ("./src//a.rs/", "src/a.rs"),
            ("/repo/src/a.rs", "src/a.rs"),
            ("/real/repo", ""),
            ("", ""),
            (".", ""),
            ("src/../a.rs", "a.rs"),
            ("--output=x", "--output=x"),
            ("-", "-"),
            ("a\nb", "a\nb"),
            ("a b/é/…", "a b/é/…"),
            ("...", "..."),
            ("C:\\x", "C:\\x"),
        ] {
            assert_eq!(below(given).as_deref(), Ok(expected), "{given:?}");
        }
    }

    #[test]
    fn what_leaves_the_root_is_no_path_also_where_it_comes_back() {
        for given in [
            "..",
            "../repo/a",
            "a/../../b",
            "/etc/passwd",
            "/",
            "/repository/a",
            "/repo/../etc",
            "/proc/self/environ",
        ] {
            assert!(matches!(below(given), Err(NoPath::Outside { .. })), "{given:?}: {:?}", below(given));
        }
        assert_eq!(below("a\0b"), Err(NoPath::Nul));
        assert_eq!(below(&"a/".repeat(2_000)), Err(NoPath::TooLong));
        assert_eq!(below(&"a".repeat(5_000)), Err(NoPath::TooLong));
        for given in [".git/config", ".git", "a/.GIT/hooks/x", "/repo/.git", "sub/.hg/hgrc"] {
            assert!(matches!(below(given), Err(NoPath::Control(_))), "{given:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]
        #[test]
        fn whatever_is_written_the_parts_are_names_and_written_out_they_are_themselves(
            given in "(/?(repo|real|a|\\.\\.|\\.|-x|é|\n)){0,6}/?",
        ) {
            if let Ok(found) = parts(&[Path::new("/real/repo"), Path::new("/repo")], &given) {
                for name in &found {
                    prop_assert!(!matches!(name.as_str(), "" | "." | "..") && !name.contains('/'), "{given:?}: {found:?}");
                }
                prop_assert_eq!(below(&found.join("/")), Ok(found.join("/")));
                prop_assert_eq!(below(&format!("/real/repo/{}", found.join("/"))), Ok(found.join("/")));
            }
        }
    }
}
