//! Answers to a model's questions in git's own words, limited in size.

use std::path::Path;

use skep_runtime::{Call, EffectError};

use super::{Answer, By, Git};

/// Options that keep settings of the repository or the user from changing the output or running anything.
const PLAIN: [&str; 7] = [
    "--no-color",
    "--no-ext-diff",
    "--no-textconv",
    "--ignore-submodules=all",
    "--relative",
    "--src-prefix=a/",
    "--dst-prefix=b/",
];

/// More of these for showing commits: signatures are not checked, since that runs a program.
const COMMITS: [&str; 4] = ["--no-show-signature", "--no-notes", "--no-mailmap", "--date=short"];

/// The path to ask about; all below the folder if it is empty.
fn of(path: &str) -> &str {
    if path.is_empty() { "." } else { path }
}

impl Git<'static> {
    /// A git whose questions are all part of one call.
    pub(in crate::tools) fn within(call: Call, folder: &Path) -> Self {
        Self { by: By::Call(call), folder: folder.to_owned() }
    }

    /// The branch, and what differs from the last commit.
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

    /// What has changed in `head`, or in the work tree, since it branched off `base`.
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

    /// The commits up to a revision that changed something in the path, the latest first.
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

    /// A commit: its author, its message, and its changes in the path.
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

    /// Git's answer as it is, limited to this many bytes.
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
