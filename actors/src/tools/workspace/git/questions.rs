//! What a model can ask git, each question with its input.

use schemars::JsonSchema;
use serde::Deserialize;
use skep_runtime::EffectError;
use skep_runtime::text::one_line;

use super::Question;
use crate::defaults;
use crate::tools::git::{Answer, Git};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Status {
    /// Only this file or folder, relative to the root.
    path: Option<String>,
}

impl Question for Status {
    const NAME: &'static str = "git_status";
    const ABOUT: &'static str =
        "The branch of the repository, and the files that are not as they were committed.";

    fn path(&self) -> Option<&str> {
        self.path.as_deref()
    }

    async fn ask(&self, git: Git<'static>, path: &str, most: usize) -> Result<Answer<String>, EffectError> {
        git.status(path, most).await
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Diff {
    /// The revision to compare with, such as `main`; `HEAD` if not given.
    base: Option<String>,
    /// The revision to compare; the files as they are if not given.
    head: Option<String>,
    /// Only this file or folder, relative to the root.
    path: Option<String>,
}

impl Question for Diff {
    const NAME: &'static str = "git_diff";
    const ABOUT: &'static str = "The lines that have changed since `head`, or the files as they are, parted from `base`. New files that git does not know are not in it.";

    fn path(&self) -> Option<&str> {
        self.path.as_deref()
    }

    async fn ask(&self, git: Git<'static>, path: &str, most: usize) -> Result<Answer<String>, EffectError> {
        git.diff(self.base.as_deref().unwrap_or("HEAD"), self.head.as_deref(), path, most).await
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Log {
    /// The last commit, such as `HEAD~2`, a branch or an id; `HEAD` if not given.
    revision: Option<String>,
    /// Only commits that changed this file or folder, relative to the root.
    path: Option<String>,
    /// At most this many commits; 20 if not given.
    #[schemars(range(min = 1, max = 1_000))]
    most: Option<usize>,
}

impl Question for Log {
    const NAME: &'static str = "git_log";
    const ABOUT: &'static str =
        "The commits that led to a revision, the latest first: id, date, author and subject.";

    fn path(&self) -> Option<&str> {
        self.path.as_deref()
    }

    async fn ask(&self, git: Git<'static>, path: &str, most: usize) -> Result<Answer<String>, EffectError> {
        let commits = self.most.unwrap_or(defaults::TOOL_COMMITS);
        git.log(self.revision.as_deref().unwrap_or("HEAD"), path, commits, most).await
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Show {
    /// The commit, such as `HEAD~2`, a branch or an id; `HEAD` if not given.
    revision: Option<String>,
    /// Only what it changed of this file or folder, relative to the root.
    path: Option<String>,
}

impl Question for Show {
    const NAME: &'static str = "git_show";
    const ABOUT: &'static str = "A commit: its author, its message and the lines that it changed.";

    fn path(&self) -> Option<&str> {
        self.path.as_deref()
    }

    async fn ask(&self, git: Git<'static>, path: &str, most: usize) -> Result<Answer<String>, EffectError> {
        git.show(self.revision.as_deref().unwrap_or("HEAD"), path, most).await
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Changed {
    /// The revision to compare with, such as `main`; `HEAD` if not given.
    base: Option<String>,
    /// The revision to compare; the files as they are if not given.
    head: Option<String>,
    /// Only this file or folder, relative to the root.
    path: Option<String>,
}

impl Question for Changed {
    const NAME: &'static str = "git_changed";
    const ABOUT: &'static str = "The paths of files that have changed since they parted from `base`, new ones that git does not know among them.";

    fn path(&self) -> Option<&str> {
        self.path.as_deref()
    }

    async fn ask(&self, git: Git<'static>, path: &str, _: usize) -> Result<Answer<String>, EffectError> {
        let changed = git.changed(self.base.as_deref().unwrap_or("HEAD"), self.head.as_deref()).await?;
        Ok(changed.map(|paths| {
            let is_in = |found: &&String| {
                let rest = found.strip_prefix(path);
                path.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            let lines: Vec<_> = paths.iter().filter(is_in).map(|path| one_line(path)).collect();
            lines.join("\n")
        }))
    }
}
