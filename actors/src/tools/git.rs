//! Git as a subprocess: it reads a repository and does nothing else.
//!
//! Nothing of the repository is executed (hooks, filters, monitors, external diffs, remotes), nothing is written, nothing
//! is asked at a terminal, and no lock is taken. A revision may be any text, even one that looks like an option. What is
//! listed and read is below the folder, even if the repository is larger than the folder.

mod answers;
mod question;
#[cfg(feature = "agent")]
mod told;
mod touched;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use skep_runtime::{Call, EffectError, Tried};

use self::answers::{blobs, entries, filters, is_below, object, paths, prefix};
use self::question::{Asked, Question};
pub use self::touched::{Edit, Touched};
use super::files::{Content, Entry};
use super::{Toolbox, price};
use crate::process::Leash;

/// What a command is reserved for, and billed for at most, if the size of its output is not known before.
const USUAL: u64 = 256 << 10;

/// The repository around one folder.
#[derive(Clone, Debug)]
pub struct Git<'c> {
    by: By<'c>,
    folder: PathBuf,
}

/// How git is called.
#[derive(Clone)]
enum By<'c> {
    /// Each question is an effect of its own.
    Effects(Toolbox<'c>),
    /// All questions are part of this call.
    #[cfg(feature = "agent")]
    Call(Call),
}

/// Whether there is a repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Repository {
    /// There is one; the folder's path in it, empty or with a slash at its end.
    Here(String),
    /// There is none; git's message.
    None(String),
    /// Git cannot be run; the system's message.
    NoGit(String),
}

/// What git answered, or its complaint.
pub type Answer<T> = Result<T, String>;

impl<'c> Git<'c> {
    pub(super) fn new(tools: Toolbox<'c>, folder: &Path) -> Self {
        Self { by: By::Effects(tools), folder: folder.to_owned() }
    }

    /// Whether the folder is in a work tree. Only the folder decides which one: `GIT_DIR` and the like are ignored, and a
    /// folder that merely looks like a bare repository does not count.
    ///
    /// # Errors
    /// [`EffectError`] if the tool did not run, as with all of these methods.
    pub async fn repository(&self) -> Result<Repository, EffectError> {
        Ok(match self.ask(&["rev-parse", "--is-inside-work-tree", "--show-prefix"]).await? {
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
        self.peel(revision, "commit").await
    }

    /// Files below the folder that differ between `head` and the point where it branched off `base`, without those that
    /// are gone; `None` is the work tree, with the files that git does not know yet. Paths are relative to the folder.
    ///
    /// No filter of the repository runs, so a file that has one (git-lfs) may be listed although only its filtered form
    /// is the same.
    ///
    /// # Errors
    /// [`EffectError`] if the tool did not run.
    pub async fn changed(&self, base: &str, head: Option<&str>) -> Result<Answer<Vec<String>>, EffectError> {
        let ends = match self.ends(base, head).await? {
            Ok(ends) => ends,
            Err(why) => return Ok(Err(why)),
        };
        let mut arguments = vec!["diff", "--name-only", "-z", "--no-renames", "--no-ext-diff"];
        // Inside a submodule, git would use the submodule's own settings.
        arguments.extend(["--no-textconv", "--ignore-submodules=all", "--diff-filter=d", "--relative"]);
        arguments.push("--end-of-options");
        arguments.extend(ends.iter().map(String::as_str));
        arguments.push("--");
        let settings = match head {
            Some(_) => Vec::new(),
            None => match self.without_filters().await? {
                Ok(settings) => settings,
                Err(why) => return Ok(Err(why)),
            },
        };
        let mut changed = match self.ask_by(&arguments, settings, Vec::new(), USUAL).await?.printed() {
            Ok(printed) => paths(&printed),
            Err(complaint) => return Ok(Err(complaint)),
        };
        if head.is_none() {
            match self.ask(&["ls-files", "--others", "--exclude-standard", "-z", "--"]).await?.printed() {
                Ok(printed) => changed.extend(paths(&printed)),
                Err(complaint) => return Ok(Err(complaint)),
            }
        }
        changed.sort();
        changed.dedup();
        Ok(Ok(changed))
    }

    /// The files below the folder at a revision, except symlinks and submodules. Paths are relative to the folder.
    ///
    /// # Errors
    /// [`EffectError`] if the tool did not run.
    pub async fn list(&self, revision: &str) -> Result<Answer<Vec<Entry>>, EffectError> {
        let tree = match self.peel(revision, "tree").await? {
            Ok(tree) => tree,
            Err(why) => return Ok(Err(why)),
        };
        let arguments = ["ls-tree", "-r", "-z", "-l", "--end-of-options", &tree, "--", "."];
        Ok(self.ask(&arguments).await?.printed().map(|printed| entries(&printed)))
    }

    /// The contents of files at a revision, in the order of `paths`, which are relative to the folder. `prefix` is the
    /// folder's path in the repository as [`Git::repository`] gave it, and any other is an error; `size` is the total
    /// size of the files. A path that leads out of the folder is [`Content::Unreadable`].
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
        let wanted = format!("{revision}^{{tree}}");
        let arguments = ["rev-parse", "--show-prefix", "--verify", "--quiet", "--end-of-options", &wanted];
        let (place, tree) = match self.ask(&arguments).await?.printed() {
            Ok(printed) => match answers::place(&printed) {
                Some(found) => found,
                None => return Ok(Err(no_such(revision, "tree"))),
            },
            Err(complaint) => return Ok(Err(or(complaint, || no_such(revision, "tree")))),
        };
        if place != prefix {
            return Ok(Err(format!("the folder is {place:?} in its repository, not {prefix:?}")));
        }
        // Names are sent one per line, so a name with a line break cannot be sent.
        let sent: Vec<bool> = paths.iter().map(|path| is_below(path) && !path.contains('\n')).collect();
        let names = paths.iter().zip(&sent).filter(|(_, is_sent)| **is_sent);
        let input = names.map(|(path, _)| format!("{tree}:{prefix}{path}\n")).collect::<String>();
        let most = size.saturating_add(256 * paths.len() as u64);
        let asked = self.ask_by(&["cat-file", "--batch"], Vec::new(), input.into_bytes(), most).await?;
        Ok(asked.printed().map(|printed| {
            let count = sent.iter().filter(|is_sent| **is_sent).count();
            let mut read = blobs(&printed, count).into_iter();
            let refused = || Content::Unreadable("git cannot be asked for such a path".to_owned());
            sent.iter()
                .map(|is_sent| if *is_sent { read.next() } else { None }.unwrap_or_else(refused))
                .collect()
        }))
    }

    /// The point where `head` branched off `base`, and `head` if there is one, as objects.
    async fn ends(&self, base: &str, head: Option<&str>) -> Result<Answer<Vec<String>>, EffectError> {
        let mut ends = Vec::new();
        for revision in [Some(base), head].into_iter().flatten() {
            // A tree has no history, but can be compared.
            let found = match self.resolve(revision).await? {
                Err(_) => self.peel(revision, "tree").await?,
                commit => commit,
            };
            match found {
                Ok(object) => ends.push(object),
                Err(why) => return Ok(Err(why)),
            }
        }
        let tip = ends.get(1).map_or("HEAD", String::as_str);
        // Without a common ancestor, the base itself is compared.
        let parted = self.ask(&["merge-base", "--end-of-options", &ends[0], tip]).await?.printed();
        if let Some(parted) = parted.ok().and_then(|printed| object(&printed)) {
            ends[0] = parted;
        }
        Ok(Ok(ends))
    }

    /// The object of this kind that a revision names.
    async fn peel(&self, revision: &str, kind: &str) -> Result<Answer<String>, EffectError> {
        let wanted = format!("{revision}^{{{kind}}}");
        let asked = self.ask(&["rev-parse", "--verify", "--quiet", "--end-of-options", &wanted]).await?;
        Ok(match asked.printed() {
            // `^main` means everything except main: git answers, but not with an object.
            Ok(printed) => object(&printed).ok_or_else(|| no_such(revision, kind)),
            Err(complaint) => Err(or(complaint, || no_such(revision, kind))),
        })
    }

    /// Settings that disable all filters: filters are commands, and git would run them to compare a file of the work
    /// tree.
    async fn without_filters(&self) -> Result<Answer<Vec<(String, &'static str)>>, EffectError> {
        let arguments = ["config", "-z", "--name-only", "--get-regexp", r"^filter\."];
        Ok(match self.ask(&arguments).await? {
            Asked::Answered(printed) => filters(&printed),
            // An empty complaint means that there are none.
            Asked::Complained(complaint) if complaint.is_empty() => Ok(Vec::new()),
            other => other.printed().map(|_| Vec::new()),
        })
    }

    async fn ask(&self, arguments: &[&str]) -> Result<Asked, EffectError> {
        self.ask_by(arguments, Vec::new(), Vec::new(), USUAL).await
    }

    async fn ask_by(
        &self,
        arguments: &[&str],
        settings: Vec<(String, &'static str)>,
        input: Vec<u8>,
        most: u64,
    ) -> Result<Asked, EffectError> {
        let question = Arc::new(self.question(arguments, settings, input));
        #[cfg_attr(
            not(feature = "agent"),
            allow(clippy::infallible_destructuring_match, reason = "with `agent` there are two ways")
        )]
        let tools = match &self.by {
            By::Effects(tools) => tools,
            #[cfg(feature = "agent")]
            By::Call(call) => return Ok(asked(call, question).await),
        };
        let price = tools.price(price::GIT);
        let call = move |call: Call| {
            let question = Arc::clone(&question);
            async move {
                let asked = asked(&call, question).await;
                let printed = if let Asked::Answered(printed) = &asked { printed.len() as u64 } else { 0 };
                call.used(price.of(printed.min(most)));
                Tried::Ok(asked)
            }
        };
        tools.tried("git", arguments, price.of(most), call).await
    }

    fn question(
        &self,
        arguments: &[&str],
        settings: Vec<(String, &'static str)>,
        input: Vec<u8>,
    ) -> Question {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        Question { folder: self.folder.clone(), arguments, settings, input, most: None }
    }
}

/// Asks git as part of a call, whose agent holds the process.
async fn asked(call: &Call, question: Arc<Question>) -> Asked {
    let leash = Leash::default();
    let held = call.hold("git", leash.held());
    let asked = call.outside(async move { question.ask(leash).await }).await;
    drop(held);
    asked
}

/// Without the call, which has nothing to show.
impl fmt::Debug for By<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            By::Effects(tools) => f.debug_tuple("Effects").field(tools).finish(),
            #[cfg(feature = "agent")]
            By::Call(_) => f.write_str("Call"),
        }
    }
}

fn no_such(revision: &str, kind: &str) -> String {
    format!("it names no {kind}: {revision}")
}

/// Git's complaint, or our words if it is empty.
fn or(complaint: String, words: impl Fn() -> String) -> String {
    if complaint.is_empty() { words() } else { complaint }
}
