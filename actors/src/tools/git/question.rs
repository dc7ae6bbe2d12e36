//! One git command, run so that neither the repository nor the caller's environment decides what is executed, written or
//! looked at.
//!
//! # Invariants
//! 1. Every command passes [`SETTINGS`] and [`ENVIRONMENT`], which override the settings of the user and of the repository: no
//!    hook, no pager, no monitor, no transport and no question at a terminal.
//! 2. Only the folder decides which repository it is: `GIT_DIR` and the like are not passed on.
//! 3. A caller's text is never an option: commands get the ids of objects, and the one that looks up a text is told where options
//!    end.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Answer;
use crate::process::{Keep, Leash, Program, run};

/// The most bytes that one command may print: a listing of a million files.
const MOST: u64 = 256 << 20;

const SETTINGS: [&str; 12] = [
    "--no-pager",
    "--literal-pathspecs",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.quotePath=false",
    "-c",
    "diff.orderFile=/dev/null",
    "-c",
    // Files in a repository that look like a bare repository do not count as one.
    "safe.bareRepository=explicit",
];

const ENVIRONMENT: [(&str, &str); 5] = [
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    // A missing object is not fetched: a remote's address may be a command. The second setting is for older versions of
    // git.
    ("GIT_NO_LAZY_FETCH", "1"),
    ("GIT_ALLOW_PROTOCOL", "none"),
    ("LC_ALL", "C"),
];

/// Which of git's own variables are passed on: where the user's settings are, and how far up to look for a repository.
/// The others name a repository, or something to execute or to write.
const HANDED_ON: [&str; 4] =
    ["GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "GIT_CEILING_DIRECTORIES"];

/// How much of git's complaints is kept.
const LAST_WORDS: usize = 16 << 10;

/// One command.
#[derive(Default)]
pub(super) struct Question {
    pub(super) folder: PathBuf,
    pub(super) arguments: Vec<String>,
    /// Settings for this command alone.
    pub(super) settings: Vec<(String, &'static str)>,
    pub(super) input: Vec<u8>,
    /// The most bytes of the answer that are wanted, all if not given; with a limit, the answer says how many were cut.
    pub(super) most: Option<usize>,
}

/// The outcome of a command.
#[derive(Serialize, Deserialize)]
pub(super) enum Asked {
    Answered(Vec<u8>),
    Complained(String),
    NotRun(String),
}

impl Asked {
    pub(super) fn printed(self) -> Answer<Vec<u8>> {
        match self {
            Self::Answered(printed) => Ok(printed),
            Self::Complained(why) | Self::NotRun(why) => Err(why),
        }
    }
}

impl Question {
    /// Asks it; the process is killed when whatever holds the leash is dropped.
    pub(super) async fn ask(&self, leash: Leash) -> Asked {
        let arguments = SETTINGS.into_iter().chain(self.arguments.iter().map(String::as_str));
        let program = Program {
            name: OsStr::new("git"),
            arguments: arguments.map(OsStr::new).collect(),
            folder: &self.folder,
            environment: self.environment(),
            withheld: &|name| name.starts_with("GIT_") && !HANDED_ON.contains(&name),
            input: self.input.clone(),
            stdout: self.most.map_or(Keep::All(MOST), |most| Keep::Ends(most, 0)),
            stderr: Keep::Ends(0, LAST_WORDS),
            within: None,
            // It ends on its own once its output has no reader.
            is_watched: false,
        };
        match run(program, leash).await {
            Ok(ended) if ended.success() && self.most.is_some() => {
                Asked::Answered(ended.stdout.text().into_bytes())
            }
            Ok(ended) if ended.success() => Asked::Answered(ended.stdout.into_bytes()),
            Ok(ended) => {
                let complaint = ended.stderr.last_line();
                Asked::Complained(complaint.strip_prefix("fatal: ").unwrap_or(&complaint).to_owned())
            }
            // The system reports the same error if the folder to run it in does not exist.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && self.folder.is_dir() => {
                Asked::NotRun("git is not installed".to_owned())
            }
            Err(error) => Asked::NotRun(format!("git cannot be run: {error}")),
        }
    }

    /// Settings are passed through the environment here, since their names may contain anything.
    fn environment(&self) -> Vec<(OsString, OsString)> {
        let mut all: Vec<(String, String)> =
            ENVIRONMENT.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        all.push(("GIT_CONFIG_COUNT".to_owned(), self.settings.len().to_string()));
        for (number, (key, value)) in self.settings.iter().enumerate() {
            all.push((format!("GIT_CONFIG_KEY_{number}"), key.clone()));
            all.push((format!("GIT_CONFIG_VALUE_{number}"), (*value).to_owned()));
        }
        all.into_iter().map(|(name, value)| (name.into(), value.into())).collect()
    }
}
