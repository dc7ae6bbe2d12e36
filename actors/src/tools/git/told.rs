//! What a model asks git, answered in git's own words, and bounded.

use std::path::Path;

use skep_runtime::{Call, EffectError};

use super::{Answer, By, Git};

/// Options by which nothing that a repository or a user has set changes what is printed, or runs.
const PLAIN: [&str; 7] = [
    "--no-color",
    "--no-ext-diff",
    "--no-textconv",
    "--ignore-submodules=all",
    "--relative",
    "--src-prefix=a/",
    "--dst-prefix=b/",
];

/// The same where commits are shown: no signature is looked at, since that runs a program.
const COMMITS: [&str; 4] = ["--no-show-signature", "--no-notes", "--no-mailmap", "--date=short"];

/// All below the folder, or what was asked for of it.
fn of(path: &str) -> &str {
    if path.is_empty() { "." } else { path }
}

impl Git<'static> {
    /// All that it is asked is part of one call.
    pub(in crate::tools) fn within(call: Call, folder: &Path) -> Self {
        Self { by: By::Call(call), folder: folder.to_owned() }
    }

    /// The branch, and what is not as it was committed.
    pub(in crate::tools) async fn status(
        &self,
        path: &str,
        most: usize,
    ) -> Result<Answer<String>, EffectError> {
        let settings = match self.without_filters().await? {
            Ok(settings) => settings,
            Err(why) => return Ok(Err(why)),
        };
        let arguments = [
            "-c",
            "status.relativePaths=true",
            "-c",
            "status.showStash=false",
            "-c",
            "color.status=false",
            "status",
            "--short",
            "--branch",
            "--untracked-files=all",
            "--ignore-submodules=all",
            "--",
            of(path),
        ];
        Ok(self.told(&arguments, settings, most).await)
    }

    /// What has changed from where `head`, or the work tree, parted from `base`.
    pub(in crate::tools) async fn diff(
        &self,
        base: &str,
        head: Option<&str>,
        path: &str,
        most: usize,
    ) -> Result<Answer<String>, EffectError> {
        let ends = match self.ends(base, head).await? {
            Ok(ends) => ends,
            Err(why) => return Ok(Err(why)),
        };
        let settings = match head {
            Some(_) => Vec::new(),
            None => match self.without_filters().await? {
                Ok(settings) => settings,
                Err(why) => return Ok(Err(why)),
            },
        };
        let mut arguments = vec!["diff", "--find-renames"];
        arguments.extend(PLAIN);
        arguments.push("--end-of-options");
        arguments.extend(ends.iter().map(String::as_str));
        arguments.extend(["--", of(path)]);
        Ok(self.told(&arguments, settings, most).await)
    }

    /// The commits that led to a revision and changed something of the path, the latest first.
    pub(in crate::tools) async fn log(
        &self,
        revision: &str,
        path: &str,
        commits: usize,
        most: usize,
    ) -> Result<Answer<String>, EffectError> {
        let commit = match self.resolve(revision).await? {
            Ok(commit) => commit,
            Err(why) => return Ok(Err(why)),
        };
        let number = format!("--max-count={commits}");
        let mut arguments = vec!["log", "--no-color", "--no-patch", "--format=%h %ad %an: %s", &number];
        arguments.extend(COMMITS);
        arguments.extend(["--end-of-options", &commit, "--", of(path)]);
        Ok(self.told(&arguments, Vec::new(), most).await)
    }

    /// A commit: who made it, what they say, and what of the path it changed.
    pub(in crate::tools) async fn show(
        &self,
        revision: &str,
        path: &str,
        most: usize,
    ) -> Result<Answer<String>, EffectError> {
        let commit = match self.resolve(revision).await? {
            Ok(commit) => commit,
            Err(why) => return Ok(Err(why)),
        };
        let mut arguments =
            vec!["show", "--patch", "--find-renames", "--format=commit %H%n%an <%ae> %ad%n%n%B"];
        arguments.extend(PLAIN);
        arguments.extend(COMMITS);
        arguments.extend(["--end-of-options", &commit, "--", of(path)]);
        Ok(self.told(&arguments, Vec::new(), most).await)
    }

    /// Git's answer as it is, of which so many bytes are wanted.
    async fn told(
        &self,
        arguments: &[&str],
        settings: Vec<(String, &'static str)>,
        most: usize,
    ) -> Answer<String> {
        let By::Call(call) = &self.by else { return Err("there is no call to ask it in".to_owned()) };
        let mut question = self.question(arguments, settings, Vec::new());
        question.most = Some(most);
        let printed = super::asked(call, question.into()).await.printed()?;
        Ok(String::from_utf8_lossy(&printed).into_owned())
    }
}
