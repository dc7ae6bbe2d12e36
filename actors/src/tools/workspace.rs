//! The built-in tools for models: files below a folder, search, git and commands, all of which state what they reach.
//!
//! ```
//! use skep_actors::ModelAgent;
//! use skep_actors::tools::{Commands, Workspace};
//!
//! # fn agent() -> Result<ModelAgent, Box<dyn std::error::Error>> {
//! let repo = Workspace::at(".")?;
//! let tests = Commands::only([["cargo", "test", "**"]]);
//! Ok(ModelAgent::new("smart").tools(repo.writing()).tools(repo.command(tests)))
//! # }
//! ```
//!
//! # Invariants
//! 1. What a tool states as its reach is what it touches. A path's links are resolved before it is stated, and what is
//!    opened is that path with no link in it ([`Beneath`]). So no symlink leads out of a ceiling on `/repo/src/**`, not
//!    even one that is created between the permission and the call.
//! 2. A tool that walks a folder states the folder with everything below it.
//! 3. A path that leaves the root is reported to the model: nothing is opened for it, and no effect starts.
//! 4. Files of version control are neither read nor written: their settings name programs and may hold keys.

mod below;
mod command;
mod commands;
mod edit;
mod git;
mod globs;
mod grep;
mod inside;
mod landing;
mod list;
mod page;
mod read;
mod write;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use skep_runtime::effect::Tier;
use skep_runtime::text::one_line;
use skep_runtime::{Call, Repeat, Retry};
use thiserror::Error;

pub use self::below::{Below, Found};
pub use self::commands::Commands;
use self::inside::parts;
use super::beneath::{Beneath, Last, Way};
use super::wanted::{Waiter, Wanted};
use crate::tool::{Card, ToolError, Toolset};

/// A folder whose files models may work on. Clones are the same workspace.
#[derive(Clone, Debug)]
pub struct Workspace(Arc<Place>);

/// Why a folder cannot be a workspace.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BadWorkspace {
    /// It cannot be opened.
    #[error("the workspace's root {root:?} cannot be opened: {error}; name a folder that is there")]
    Root {
        /// The path that was given.
        root: PathBuf,
        /// The system's message.
        error: io::Error,
    },
    /// Its path is not Unicode, so no rule could name it.
    #[error("the workspace's root {0:?} is not UTF-8; rules about paths could not name it")]
    NotUnicode(PathBuf),
}

impl Workspace {
    /// The workspace of a folder. Its path is resolved here, once, and the folder stays open: a folder that replaces it
    /// later is another folder.
    ///
    /// # Errors
    /// [`BadWorkspace`].
    pub fn at(root: impl AsRef<Path>) -> Result<Self, BadWorkspace> {
        let given = root.as_ref();
        let bad = |error| BadWorkspace::Root { root: given.to_owned(), error };
        let root = given.canonicalize().map_err(bad)?;
        if root.to_str().is_none() {
            return Err(BadWorkspace::NotUnicode(root));
        }
        let beneath = Beneath::open(&root).map_err(bad)?;
        Ok(Self(Arc::new(Place { given: given.to_owned(), root, beneath, writing: Mutex::default() })))
    }

    /// Its root, absolute and without links: rules about paths start with it.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.0.root
    }

    /// The tools that change nothing: `files_list`, `files_read`, `grep`, `git_status`, `git_diff`, `git_log`, `git_show` and
    /// `git_changed`.
    #[must_use]
    pub fn reading(&self) -> Toolset {
        let place = || Arc::clone(&self.0);
        Toolset::new()
            .planned(list::List::new(place()))
            .planned(read::Read::new(place()))
            .planned(grep::Grep::new(place()))
            .and(git::all(&self.0))
    }

    /// The reading tools, and `files_write` and `files_edit`.
    #[must_use]
    pub fn writing(&self) -> Toolset {
        let place = || Arc::clone(&self.0);
        self.reading().planned(write::Write::new(place())).planned(edit::Edit::new(place()))
    }

    /// The tool `command`, for these commands in folders of the workspace; and `shell`, if they include it.
    #[must_use]
    pub fn command(&self, commands: Commands) -> Toolset {
        let has_shell = commands.has_shell();
        if let Err(why) = commands.check() {
            return Toolset::new().without("command", why);
        }
        let shell = has_shell.then(|| command::Shell::new(Arc::clone(&self.0), commands.clone()));
        let tools = Toolset::new().planned(command::Argv::new(Arc::clone(&self.0), commands));
        match shell {
            Some(shell) => tools.planned(shell),
            None => tools,
        }
    }
}

/// An open folder.
#[derive(Debug)]
struct Place {
    /// Its path as it was given, which a model may repeat.
    given: PathBuf,
    /// The same in canonical form.
    root: PathBuf,
    beneath: Beneath,
    /// Only one call at a time reads a file in order to rewrite it.
    writing: Mutex<()>,
}

impl Place {
    /// Where a path that a model wrote leads.
    fn way(&self, given: &str, last: Last) -> Result<Way, ToolError> {
        let parts = parts(&[&self.root, &self.given], given)?;
        let way = self.beneath.way(&parts, last).map_err(|error| about(given, &error))?;
        inside::is_files(way.names())?;
        Ok(way)
    }

    /// The absolute path of names below the root.
    fn path(&self, names: &[String]) -> PathBuf {
        names.iter().fold(self.root.clone(), |path, name| path.join(name))
    }

    /// The folder that a way leads to, as a root of its own.
    fn below(&self, way: &Way) -> io::Result<Beneath> {
        self.beneath.still_folder(way.names()).map(Beneath::of)
    }
}

/// What is wrong with a path, as text for the model.
fn about(path: &str, error: &dyn std::fmt::Display) -> ToolError {
    ToolError::said(format!("{}: {error}", if path.is_empty() { ".".to_owned() } else { one_line(path) }))
}

/// Runs blocking work on a thread. It ends soon after nobody waits for it any more.
async fn aside<T: Send + 'static>(call: &Call, work: impl FnOnce(&Wanted) -> T + Send + 'static) -> T {
    let waiter = Waiter::default();
    let wanted = waiter.wanted();
    let done = call.blocking(move || work(&wanted)).await;
    drop(waiter);
    done
}

/// The card of a tool that reads.
fn reads(name: &str, kind: &str, about: &str) -> Card {
    let card = Card::new(name, about);
    Card {
        kind: kind.to_owned(),
        repeat: Repeat::Pure,
        tier: Tier::Reads,
        modifies: false,
        retry: Retry::times(3).if_advised(),
        ..card
    }
}

/// The card of a tool that writes. It is idempotent, which each writing tool has to ensure.
fn writes(name: &str, kind: &str, about: &str) -> Card {
    let card = Card::new(name, about);
    Card {
        kind: kind.to_owned(),
        repeat: Repeat::Idempotent,
        tier: Tier::Writes,
        retry: Retry::times(3).if_advised(),
        ..card
    }
}
