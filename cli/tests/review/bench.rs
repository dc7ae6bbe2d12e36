//! A folder to review, and the command run on it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// A folder that is gone after the test.
pub(crate) struct Bench(tempfile::TempDir);

/// What the command said, and how it ended.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A folder with some files that hold findings of every specialist but one.
    pub(crate) fn with_findings() -> Self {
        let bench = Self::new();
        bench.write("src/lib.rs", "pub fn a() {\n    todo!()\n}\n");
        bench.write("src/raw.rs", "pub fn b(p: *const u8) -> u8 {\n    unsafe { *p }\n}\n");
        bench.write(
            "src/slow.rs",
            "pub async fn c() {\n    std::thread::sleep(std::time::Duration::from_secs(1));\n}\n",
        );
        bench.write("tests/t.rs", "#[test]\nfn t() {\n    std::thread::sleep(std::time::Duration::from_secs(1));\n    assert!(x());\n}\n");
        bench
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    pub(crate) fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    /// The command to be, in this folder, its output piped.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(skep());
        command.arg("review").args(arguments).current_dir(self.0.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn review(&self, arguments: &[&str]) -> Ran {
        Ran::of(&self.command(arguments).output().unwrap())
    }

    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let ran = self.review(&[arguments, &["--format", "json"]].concat());
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        serde_json::from_str(&ran.out).unwrap()
    }

    pub(crate) fn git(&self, arguments: &[&str]) {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"])
            .args(arguments);
        let output = git.current_dir(self.0.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Commits everything.
    pub(crate) fn commit(&self, message: &str) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-qm", message]);
    }
}

impl Ran {
    pub(crate) fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// It could not run, and said so with these words and nothing else.
    pub(crate) fn could_not(&self, words: &[&str]) {
        assert_eq!((self.code, &*self.out), (Some(2), ""), "{}", self.err);
        assert!(words.iter().all(|word| self.err.contains(word)), "{}", self.err);
    }
}

pub(crate) fn skep() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_skep"))
}

/// Of each finding its rule, file and line.
pub(crate) fn findings(report: &Value) -> Vec<String> {
    let words = |finding: &Value| {
        let word = |field: &str| finding[field].as_str().unwrap().to_owned();
        format!("{} {}:{}", word("rule"), word("file"), finding["line"])
    };
    report["findings"].as_array().unwrap().iter().map(words).collect()
}

/// The reason that a report gives for a file.
pub(crate) fn why<'r>(report: &'r Value, file: &str) -> &'r str {
    let notes = report["notes"].as_array().unwrap();
    let note = notes.iter().find(|note| note["file"] == file).unwrap_or_else(|| panic!("{file}: {notes:?}"));
    note["why"].as_str().unwrap()
}
