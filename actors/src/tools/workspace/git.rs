//! `git_status`, `git_diff`, `git_log`, `git_show` and `git_changed`: questions to git, none of which writes or runs
//! anything.
//!
//! Only the part of the repository below the workspace's root is asked about, even if the repository is larger than the
//! root. A path is one that git knows, now or in the past: no symlink in it is followed.

mod questions;

use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use skep_runtime::{Call, EffectError, Reach};

use self::questions::{Changed, Diff, Log, Show, Status};
use super::inside::parts;
use super::{Place, reads};
use crate::tool::{Card, PlannedTool, ToolError, Toolset};
use crate::tools::git::{Answer, Git};

/// All of these tools, for one workspace.
pub(super) fn all(place: &Arc<Place>) -> Toolset {
    Toolset::new()
        .planned(Asking::<Status>::new(place))
        .planned(Asking::<Diff>::new(place))
        .planned(Asking::<Log>::new(place))
        .planned(Asking::<Show>::new(place))
        .planned(Asking::<Changed>::new(place))
}

/// A question that a model can ask.
trait Question: DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// The tool's name.
    const NAME: &'static str;
    /// What it is for, for the model.
    const ABOUT: &'static str;

    /// The file or folder that it is about; all of the root if none.
    fn path(&self) -> Option<&str>;

    /// Asks it about a path below the root, with at most this many bytes of answer.
    fn ask(
        &self,
        git: Git<'static>,
        path: &str,
        most: usize,
    ) -> impl Future<Output = Result<Answer<String>, EffectError>> + Send;
}

/// What it will ask.
struct Plan<Q> {
    question: Q,
    path: String,
}

struct Asking<Q> {
    card: Card,
    place: Arc<Place>,
    asks: PhantomData<fn(Q)>,
}

impl<Q: Question> Asking<Q> {
    fn new(place: &Arc<Place>) -> Self {
        Self { card: reads(Q::NAME, "git", Q::ABOUT), place: Arc::clone(place), asks: PhantomData }
    }
}

impl<Q: Question> PlannedTool for Asking<Q> {
    type Input = Q;
    type Plan = Plan<Q>;
    type Output = String;

    fn card(&self) -> &Card {
        &self.card
    }

    fn plan(&self, question: Q) -> Result<(Reach, Plan<Q>), ToolError> {
        let names = parts(&[&self.place.root, &self.place.given], question.path().unwrap_or_default())?;
        // It may be a file or a folder, or may have been one in the past.
        let reach = Reach::tree(self.place.path(&names));
        Ok((reach, Plan { question, path: names.join("/") }))
    }

    async fn carry_out(&self, plan: Arc<Plan<Q>>, call: Call) -> Result<String, ToolError> {
        let git = Git::within(call, &self.place.root);
        match plan.question.ask(git, &plan.path, self.card.most_output).await? {
            Ok(text) if text.trim().is_empty() => Ok("[nothing]".to_owned()),
            Ok(text) => Ok(text),
            Err(why) => Err(ToolError::said(format!("git: {why}"))),
        }
    }
}
