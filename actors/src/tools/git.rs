//! Git, spawned: no hook runs, nothing is asked at a terminal, no lock is taken in the repository.

mod answers;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use skep_runtime::{Call, EffectError, Tried};

use self::answers::{blobs, entries, paths, prefix};
use super::files::{Content, Entry};
use super::process::{Ended, Program, run};
use super::{Toolbox, price};

/// What one command may print: a listing of a million files.
const MOST: u64 = 256 << 20;

/// What a command is reserved for, and billed for at most, where nobody knows before what it prints.
const USUAL: u64 = 256 << 10;

/// The repository around one folder.
#[derive(Clone, Debug)]
pub struct Git<'c> {
    tools: Toolbox<'c>,
    folder: PathBuf,
}

/// Whether there is a repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Repository {
    /// There is one; the folder's path in it, empty or with a slash at its end.
    Here(String),
    /// There is none, in git's words.
    None(String),
    /// Git cannot be run, in the system's words.
    NoGit(String),
}

/// What git answered, or its complaint.
pub type Answer<T> = Result<T, String>;

impl<'c> Git<'c> {
    pub(super) fn new(tools: Toolbox<'c>, folder: &Path) -> Self {
        Self { tools, folder: folder.to_owned() }
    }

    /// Whether the folder lies in a work tree.
    ///
    /// # Errors
    /// [`EffectError`] if the tool did not run, as all of these.
    pub async fn repository(&self) -> Result<Repository, EffectError> {
        let asked = self.ask(&["rev-parse", "--is-inside-work-tree", "--show-prefix"], Vec::new(), USUAL);
        Ok(match asked.await? {
            Asked::Answered(printed) => prefix(&printed)
                .map_or_else(|| Repository::None("it has no work tree".to_owned()), Repository::Here),
            Asked::Complained(complaint) => Repository::None(complaint),
            Asked::NotRun(why) => Repository::NoGit(why),
        })
    }

    /// The commit that a revision names.
    ///
    /// # Errors
    /// [`EffectError`] if the tool did not run.
    pub async fn resolve(&self, revision: &str) -> Result<Answer<String>, EffectError> {
        let commit = format!("{revision}^{{commit}}");
        let arguments = ["rev-parse", "--verify", "--quiet", "--end-of-options", &commit];
        Ok(match self.ask(&arguments, Vec::new(), USUAL).await?.printed() {
            Ok(printed) => Ok(String::from_utf8_lossy(&printed).trim().to_owned()),
            Err(complaint) if complaint.is_empty() => Err(format!("it names no commit: {revision}")),
            Err(complaint) => Err(complaint),
        })
    }

    /// Files below the folder that are not the same at `head` as where it parted from `base`, without those that are gone;
    /// `None` is the work tree, with the files that git does not know yet. Paths are relative to the folder.
    ///
    /// # Errors
    /// [`EffectError`] if the tool did not run.
    pub async fn changed(&self, base: &str, head: Option<&str>) -> Result<Answer<Vec<String>>, EffectError> {
        let tip = head.unwrap_or("HEAD");
        // Without a common ancestor the base itself is what is compared with.
        let parted = self.ask(&["merge-base", base, tip], Vec::new(), USUAL).await?.printed();
        let parted = parted.map(|printed| String::from_utf8_lossy(&printed).trim().to_owned());
        let from = parted.ok().filter(|commit| !commit.is_empty()).unwrap_or_else(|| base.to_owned());
        let mut arguments =
            vec!["diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", "--no-textconv"];
        arguments.extend(["--diff-filter=d", "--relative", &from]);
        arguments.extend(head);
        arguments.push("--");
        let mut changed = match self.ask(&arguments, Vec::new(), USUAL).await?.printed() {
            Ok(printed) => paths(&printed),
            Err(complaint) => return Ok(Err(complaint)),
        };
        if head.is_none() {
            let unknown = ["ls-files", "--others", "--exclude-standard", "-z"];
            match self.ask(&unknown, Vec::new(), USUAL).await?.printed() {
                Ok(printed) => changed.extend(paths(&printed)),
                Err(complaint) => return Ok(Err(complaint)),
            }
        }
        changed.sort();
        changed.dedup();
        Ok(Ok(changed))
    }

    /// The files below the folder at a revision, symlinks and submodules aside. Paths are relative to the folder.
    ///
    /// # Errors
    /// [`EffectError`] if the tool did not run.
    pub async fn list(&self, revision: &str) -> Result<Answer<Vec<Entry>>, EffectError> {
        let arguments = ["ls-tree", "-r", "-z", "-l", revision, "--", "."];
        let asked = self.ask(&arguments, Vec::new(), USUAL).await?;
        Ok(asked.printed().map(|printed| entries(&printed)))
    }

    /// The contents of files at a revision, in the order of `paths`, which are relative to the folder. `prefix` is the
    /// folder's path in the repository, `size` what they hold together.
    ///
    /// # Errors
    /// [`EffectError`] if the tool did not run.
    pub async fn read(
        &self,
        revision: &str,
        prefix: &str,
        paths: &[String],
        size: u64,
    ) -> Result<Answer<Vec<Content>>, EffectError> {
        // The names go by line, and a name with a line break in it cannot.
        let names = paths.iter().map(|path| format!("{revision}:{prefix}{}\n", path.replace('\n', "?")));
        let input = names.collect::<String>().into_bytes();
        let asked = self.ask(&["cat-file", "--batch"], input, size + 256 * paths.len() as u64).await?;
        Ok(asked.printed().map(|printed| blobs(&printed, paths.len())))
    }

    async fn ask(&self, arguments: &[&str], input: Vec<u8>, most: u64) -> Result<Asked, EffectError> {
        let question = Arc::new(Question {
            folder: self.folder.clone(),
            arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
            input,
        });
        let call = move |call: Call| {
            let question = Arc::clone(&question);
            async move {
                let asked = call.outside(async move { question.ask().await }).await;
                let printed = if let Asked::Answered(printed) = &asked { printed.len() as u64 } else { 0 };
                call.used(price::GIT.of(printed.min(most)));
                Tried::Ok(asked)
            }
        };
        self.tools.tried("git", arguments, price::GIT.of(most), call).await
    }
}

/// One command to git.
struct Question {
    folder: PathBuf,
    arguments: Vec<String>,
    input: Vec<u8>,
}

/// How a command went.
#[derive(Serialize, Deserialize)]
enum Asked {
    Answered(Vec<u8>),
    Complained(String),
    NotRun(String),
}

impl Asked {
    fn printed(self) -> Answer<Vec<u8>> {
        match self {
            Self::Answered(printed) => Ok(printed),
            Self::Complained(why) | Self::NotRun(why) => Err(why),
        }
    }
}

/// Settings that hold whatever the user's and the repository's say: nothing of the repository is executed.
const SETTINGS: [&str; 8] = [
    "--no-pager",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.quotePath=false",
    "--literal-pathspecs",
];

const ENVIRONMENT: [(&str, &str); 3] =
    [("GIT_TERMINAL_PROMPT", "0"), ("GIT_OPTIONAL_LOCKS", "0"), ("LC_ALL", "C")];

impl Question {
    async fn ask(&self) -> Asked {
        let arguments = SETTINGS.into_iter().chain(self.arguments.iter().map(String::as_str));
        let program = Program {
            name: "git",
            arguments: arguments.map(OsStr::new).collect(),
            folder: &self.folder,
            environment: &ENVIRONMENT,
            input: self.input.clone(),
            most: MOST,
        };
        match run(program).await {
            Ok(Ended { success: true, stdout, .. }) => Asked::Answered(stdout),
            Ok(Ended { complaint, .. }) => {
                Asked::Complained(complaint.strip_prefix("fatal: ").unwrap_or(&complaint).to_owned())
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Asked::NotRun("git is not installed".to_owned())
            }
            Err(error) => Asked::NotRun(format!("git cannot be run: {error}")),
        }
    }
}
