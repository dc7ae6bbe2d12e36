//! Which part of a project a file belongs to, by its path.

/// Which part of a project a file belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Code that others link to.
    Library,
    /// Code that runs as a program: `main.rs`, `src/bin/`.
    Program,
    /// Tests and what they feed on.
    Tests,
    /// Examples, benches, build scripts and developers' tools.
    Workshop,
}

impl Part {
    /// The part by the path, relative to the root, with `/`.
    #[must_use]
    pub fn of(path: &str) -> Self {
        let mut folders: Vec<&str> = path.split('/').collect();
        let name = folders.pop().unwrap_or("");
        let stem = name.split('.').next().unwrap_or("");
        let is_test = |folder: &str| {
            matches!(
                folder,
                "tests"
                    | "test"
                    | "__tests__"
                    | "spec"
                    | "specs"
                    | "fixtures"
                    | "testdata"
                    | "test-data"
                    | "test_data"
                    | "testing"
                    | "__mocks__"
                    | "mocks"
            ) || folder.ends_with("-tests")
                || folder.ends_with("_tests")
        };
        if folders.iter().any(|folder| is_test(folder))
            || matches!(stem, "tests" | "test" | "conftest")
            || stem.starts_with("test_")
            || stem.ends_with("_test")
            || stem.ends_with("_tests")
            || name.contains(".test.")
            || name.contains(".spec.")
        {
            Self::Tests
        } else if folders.iter().any(|folder| {
            matches!(
                *folder,
                "examples" | "example" | "benches" | "bench" | "benchmarks" | "fuzz" | "xtask" | "docs"
            )
        }) || name == "build.rs"
        {
            Self::Workshop
        } else if name == "main.rs" || folders.contains(&"bin") {
            Self::Program
        } else {
            Self::Library
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_tells_the_part() {
        for (path, part) in [
            ("src/lib.rs", Part::Library),
            ("src/contest.rs", Part::Library),
            ("crates/a/tests/it.rs", Part::Tests),
            ("src/foo/tests.rs", Part::Tests),
            ("src/app.test.ts", Part::Tests),
            ("pkg/server_test.go", Part::Tests),
            ("tests-build/src/lib.rs", Part::Library),
            ("examples/a.rs", Part::Workshop),
            ("build.rs", Part::Workshop),
            ("src/bin/tool.rs", Part::Program),
        ] {
            assert_eq!(Part::of(path), part, "{path}");
        }
    }
}
