//! Which paths are wanted, by a pattern in the syntax of `.gitignore`.

use ignore::overrides::{Override, OverrideBuilder};

use crate::tool::ToolError;

/// The wanted paths.
pub(super) struct Globs(Override);

impl Globs {
    /// Those that match: `*.rs` in any folder, `src/**/*.rs` below one, `!*.lock` for all others. Without a pattern, all.
    pub(super) fn read(glob: Option<&str>) -> Result<Self, ToolError> {
        let mut builder = OverrideBuilder::new("");
        if let Some(glob) = glob.filter(|glob| !glob.is_empty()) {
            builder
                .add(glob)
                .map_err(|error| ToolError::said(format!("the glob {glob:?} cannot be read: {error}")))?;
        }
        Ok(Self(builder.build()?))
    }

    /// Whether this path, relative to the walked folder, is wanted.
    pub(super) fn take(&self, path: &str) -> bool {
        !self.0.matched(path, false).is_ignore()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glob_is_for_any_folder_unless_it_names_one() {
        let takes = |glob: &str, path: &str| Globs::read(Some(glob)).is_ok_and(|globs| globs.take(path));
        for (glob, path) in [
            ("*.rs", "a/b.rs"),
            ("src/**/*.rs", "src/a/b.rs"),
            ("/a.rs", "a.rs"),
            ("", "x"),
            ("!*.rs", "a.py"),
        ] {
            assert!(takes(glob, path), "{glob} {path}");
        }
        for (glob, path) in [("*.rs", "a.py"), ("src/**", "a/src.rs"), ("/a.rs", "b/a.rs"), ("!*.rs", "a.rs")]
        {
            assert!(!takes(glob, path), "{glob} {path}");
        }
        assert!(
            Globs::read(Some("[z-a]")).is_err() && Globs::read(None).is_ok_and(|globs| globs.take("any"))
        );
    }
}
