//! What there is to review: the files, where they are read from, and how to say it.

use std::collections::BTreeMap;

use skep_actors::Tools as _;
use skep_actors::tools::files::{Entry, Listing};
use skep_actors::tools::git::{self, Git, Repository};
use skep_runtime::{AgentError, Context, EffectError};

use super::Order;
use super::specialist::over_budget;
use crate::review::touched::Edit;
use crate::review::{Listed, Note, Touched, plan};

/// What is to be done.
#[derive(Debug)]
pub(super) struct Survey {
    /// In words, for the report.
    pub(super) scope: String,
    pub(super) origin: Origin,
    pub(super) batches: Vec<Vec<Listed>>,
    pub(super) notes: Vec<Note>,
    /// What could not be listed, and why.
    pub(super) unread: Vec<Note>,
    /// Folders with a manifest, for findings about a change as a whole.
    pub(super) crates: Vec<String>,
    /// Whether only what changed is reviewed, and all of it: of one file nobody can say what else changed.
    pub(super) of_a_change: bool,
    /// Which lines the change touches, by file.
    pub(super) touched: BTreeMap<String, Touched>,
}

/// Where the contents of files come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The folder.
    Folder,
    /// A commit of the repository around the folder, which lies at `prefix` in it.
    Commit { commit: String, prefix: String },
}

impl Survey {
    pub(super) fn files(&self) -> usize {
        self.batches.iter().map(Vec::len).sum()
    }

    /// Which lines of a file the change touches; all of them where there is no change.
    pub(super) fn touched(&self, path: &str) -> &Touched {
        self.touched.get(path).unwrap_or(&Touched::Whole)
    }
}

/// Finds out what there is to do.
pub(super) async fn survey(cx: &Context, order: &Order) -> Result<Survey, AgentError> {
    look(cx, order).await.map_err(|error| match error {
        Failure::Tool(EffectError::OverBudget { refusal, .. }) => AgentError::message(over_budget(&refusal)),
        Failure::Tool(error) => error.into(),
        Failure::Asked(error) => error,
    })
}

/// A tool that did not run, or something that was asked and cannot be.
enum Failure {
    Tool(EffectError),
    Asked(AgentError),
}

impl From<EffectError> for Failure {
    fn from(error: EffectError) -> Self {
        Self::Tool(error)
    }
}

impl From<AgentError> for Failure {
    fn from(error: AgentError) -> Self {
        Self::Asked(error)
    }
}

async fn look(cx: &Context, order: &Order) -> Result<Survey, Failure> {
    let tools = if order.thinks() { cx.tools().free() } else { cx.tools() };
    let git = tools.git(&order.root);
    let repository = git.repository().await?;
    let prefix = match (&repository, order.base.as_ref().or(order.head.as_ref())) {
        (Repository::Here(prefix), _) => prefix.clone(),
        (_, None) => String::new(),
        (Repository::None(why), Some(_)) => {
            let advice = "leave out --base and --head to review the whole tree";
            let what =
                format!("--base and --head need a git repository, and {} is not in one ({why})", order.named);
            return Err(asked(&what, advice).into());
        }
        (Repository::NoGit(why), Some(_)) => {
            let what = format!("--base and --head need git: {why}");
            return Err(asked(&what, "install it, or leave them out").into());
        }
    };
    let base = resolve(&git, "--base", order.base.as_deref()).await?;
    let head = resolve(&git, "--head", order.head.as_deref()).await?;
    let only = order.only.as_ref().map(|only| &*only.path);
    let touched = match &base {
        None => None,
        Some(base) => {
            let touched = git.touched(base, head.as_deref(), only).await?;
            Some(touched.map_err(AgentError::message)?)
        }
    };
    let (listing, origin) = match (head, &order.only) {
        // A file that was named is meant, whatever the ignore files say, and what lies beside it is not looked at.
        (None, Some(Listed { path, bytes })) => {
            let files = vec![Entry { path: path.clone(), bytes: *bytes }];
            (Listing { files, ..Listing::default() }, Origin::Folder)
        }
        (None, None) => (tools.files(&order.root).list().await?, Origin::Folder),
        (Some(commit), _) => {
            let files = git.list(&commit).await?.map_err(AgentError::message)?;
            (Listing { files, ..Listing::default() }, Origin::Commit { commit, prefix })
        }
    };
    let Listing { mut files, passed, symlinks } = listing;
    let crates = crates(&files);
    files.retain(|file| only.is_none_or(|only| file.path == only));
    let changed: Option<Vec<String>> =
        touched.as_ref().map(|touched| touched.iter().map(|file| file.path.clone()).collect());
    let listed: Vec<Listed> = files.into_iter().map(|Entry { path, bytes }| Listed { path, bytes }).collect();
    let planned = plan(&listed, changed.as_deref(), &order.config);
    let passed = passed.into_iter().map(|passed| Note { file: passed.path, why: passed.why });
    let (unread, mut notes): (Vec<Note>, Vec<Note>) = passed.partition(is_unread);
    notes.extend(planned.notes);
    if symlinks > 0 {
        let noun = if symlinks == 1 { "symlink is" } else { "symlinks are" };
        notes.push(Note { file: String::new(), why: format!("{symlinks} {noun} not followed") });
    }
    if planned.batches.is_empty() {
        let why = if changed.is_some() { "nothing has changed" } else { "there are no files to review" };
        notes.push(Note { file: String::new(), why: why.to_owned() });
    }
    Ok(Survey {
        scope: scope(order, &repository),
        origin,
        batches: planned.batches,
        notes,
        unread,
        crates,
        of_a_change: changed.is_some() && only.is_none(),
        touched: touched.into_iter().flatten().map(lines).collect(),
    })
}

async fn resolve(git: &Git<'_>, option: &str, revision: Option<&str>) -> Result<Option<String>, Failure> {
    let Some(revision) = revision else { return Ok(None) };
    match git.resolve(revision).await? {
        Ok(commit) => Ok(Some(commit)),
        Err(_) => {
            let advice = "give a branch, a tag or a commit that `git log` knows";
            Err(asked(&format!("{option} {revision}: there is no such revision"), advice).into())
        }
    }
}

fn asked(what: &str, advice: &str) -> AgentError {
    AgentError::message(format!("{what}; {advice}"))
}

/// Whether something may lie there that nobody has seen; a loop of symlinks or a pipe is only said.
fn is_unread(note: &Note) -> bool {
    let why = &note.why;
    let is_loop = why.starts_with("symlink");
    !is_loop && ["cannot be", "os error", "not UTF-8", "not listed"].iter().any(|words| why.contains(words))
}

/// The lines of a file as a review knows them.
fn lines(file: git::Touched) -> (String, Touched) {
    let edit = |edit: git::Edit| Edit { first: edit.first, added: edit.added, removed: edit.removed };
    let touched =
        file.edits.map_or(Touched::Whole, |edits| Touched::Lines(edits.into_iter().map(edit).collect()));
    (file.path, touched)
}

fn crates(files: &[Entry]) -> Vec<String> {
    let folder = |file: &Entry| match file.path.strip_suffix("Cargo.toml")? {
        "" => Some(String::new()),
        folder => folder.strip_suffix('/').map(str::to_owned),
    };
    files.iter().filter_map(folder).collect()
}

fn scope(order: &Order, repository: &Repository) -> String {
    let whole = if order.only.is_some() { "one file" } else { "the whole tree" };
    match (&order.base, &order.head, repository) {
        (Some(base), Some(head), _) => format!("changed from {base} to {head}"),
        (Some(base), None, _) => format!("changed since {base}"),
        (None, Some(head), _) => format!("{whole} at {head}"),
        (None, None, Repository::Here(_)) => whole.to_owned(),
        (None, None, Repository::None(_)) => format!("not a git repository: {whole}"),
        (None, None, Repository::NoGit(why)) => format!("{why}: {whole}"),
    }
}
