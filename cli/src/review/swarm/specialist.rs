//! A specialist: reads each file of a batch and applies the rules of its own category.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use skep_actors::tools::files::Content;
use skep_actors::tools::price::Price;
use skep_actors::{Terms, Toolbox, Tools as _};
use skep_runtime::ledger::Refusal;
use skep_runtime::{Agent, AgentError, AgentSpec, Budget, Context, EffectError, NanoUsd, PicoUsd, Restart};

use super::shelf::Shelf;
use super::survey::{Origin, Survey};
use super::sweep;
use super::tally::Tally;
#[cfg(feature = "http")]
use super::thinker::Thinker;
use super::{FILE_EVENT, Order};
use crate::review::coverage::Written;
use crate::review::source::{Language, MAX_BYTES};
use crate::review::{Category, ChangedFile, Finding, Listed, Note, RuleSet, Source, Touched, apply_to};

/// Attempts that a batch has: one more than by default, so that a plan that breaks things has two to spoil.
pub(super) const ATTEMPTS: u32 = 4;

/// How often a specialist's progress is looked at, and after how long without any its turn is ended.
const LOOK: Duration = Duration::from_millis(500);
const STALE: Duration = Duration::from_secs(2);

/// One try of an effect; what is longer is tried again.
const EFFECT: Terms = Terms { within: Duration::from_secs(1), tries: 3 };
/// A search takes what the machine gives it, and each try goes on with the work of the one before. So a call that hangs costs a second,
/// and a machine that is busy has ten.
const SEARCHING: Terms = Terms { tries: 10, ..EFFECT };

/// Searching a source by structure, rule after rule. Simulated, as the prices of the tools are.
const SEARCH: Price = Price { call: PicoUsd(2_000_000), kib: PicoUsd(1_000_000) };

/// Some files to review.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Batch {
    /// Files in the batches before this one, for progress.
    pub(super) before: usize,
    pub(super) files: Vec<Listed>,
}

/// What a specialist has to say about a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Batched {
    /// Files that were reviewed.
    pub(super) files: u64,
    pub(super) findings: Vec<Finding>,
    pub(super) notes: Vec<Note>,
    /// Files that could not be read or searched, and why: nobody knows what is in them.
    pub(super) unread: Vec<Note>,
    /// What the reviewed files are written in.
    pub(super) written: Written,
    /// What the files tell about the change that they are part of.
    pub(super) changed: Vec<ChangedFile>,
    /// Why the rest of the batch was not reviewed, if it was not.
    pub(super) cut: Option<String>,
}

/// A reviewer with the rules of one category. It holds nothing that a restart would miss.
#[derive(Debug)]
pub(crate) struct Specialist {
    category: Category,
    order: Arc<Order>,
    survey: Arc<Survey>,
    shelf: Arc<Shelf>,
    tally: Arc<Tally>,
}

/// What a search of one source gives.
#[derive(Clone, Serialize, Deserialize)]
struct Searched {
    findings: Vec<Finding>,
    caveat: Option<Note>,
    changed: Option<ChangedFile>,
}

impl Specialist {
    /// How it is built, and the terms of its life.
    pub(super) fn spec(
        category: Category,
        order: &Arc<Order>,
        survey: &Arc<Survey>,
        shelf: &Arc<Shelf>,
        tally: &Arc<Tally>,
    ) -> AgentSpec<Self> {
        let share = NanoUsd(order.budget.0 / Category::ALL.len() as u64);
        let (order, survey) = (Arc::clone(order), Arc::clone(survey));
        let (shelf, tally) = (Arc::clone(shelf), Arc::clone(tally));
        let build = move || Self {
            category,
            order: Arc::clone(&order),
            survey: Arc::clone(&survey),
            shelf: Arc::clone(&shelf),
            tally: Arc::clone(&tally),
        };
        AgentSpec::new(category.word(), build)
            .restart(Restart::Transient)
            .budget(Budget::new().money(share))
            .attempts(ATTEMPTS)
            .heartbeat(LOOK, STALE)
    }

    /// Prices of tools are simulated: where models are paid for, they would spoil the bill.
    fn tools<'c>(&self, cx: &'c Context, terms: Terms) -> Toolbox<'c> {
        let tools = cx.tools().on(terms);
        if self.order.thinks() { tools.free() } else { tools }
    }

    async fn review(&self, cx: &Context, batch: &Batch, done: &mut Batched) -> Result<(), EffectError> {
        let mut ready = self.read_commit(cx, batch).await?.into_iter();
        let mut sources = Vec::new();
        for (number, file) in batch.files.iter().enumerate() {
            let content = ready.next();
            let reached = batch.before + number + 1;
            let content = match content {
                Some(content) => content,
                None => self.read(cx, file).await?,
            };
            let bytes = if let Content::Text(text) = &content { text.len() } else { 0 };
            self.tally.read(self.category, bytes as u64);
            cx.record(FILE_EVENT, 1, json!({ "reached": reached }));
            cx.progress(&*file.path);
            match content {
                Content::Text(text) => sources.extend(self.search(cx, &file.path, text, done).await?),
                Content::TooLarge(size) => self.sweep(cx, &file.path, size, done).await?,
                other => done.put_aside(note(&file.path, &other), &other),
            }
        }
        #[cfg(feature = "http")]
        if let Some(thinker) = cx.get::<Thinker>() {
            Box::pin(thinker.think(cx, sources, &self.order, &self.survey, done)).await;
        }
        Ok(())
    }

    /// The contents of a batch at a commit, all at once; none where the files are read from a folder.
    async fn read_commit(&self, cx: &Context, batch: &Batch) -> Result<Vec<Content>, EffectError> {
        let Origin::Commit { commit, prefix } = &self.survey.origin else { return Ok(Vec::new()) };
        let fits = |file: &&Listed| file.bytes <= MAX_BYTES as u64;
        let (paths, sizes): (Vec<_>, Vec<_>) =
            batch.files.iter().filter(fits).map(|file| (file.path.clone(), file.bytes)).unzip();
        let git = self.tools(cx, EFFECT).git(&self.order.root);
        let mut read = match git.read(commit, prefix, &paths, sizes.iter().sum()).await? {
            Ok(read) => read.into_iter(),
            Err(why) => vec![Content::Unreadable(why); paths.len()].into_iter(),
        };
        let missing = || Content::Unreadable("git has no such file".to_owned());
        let content = |file: &Listed| match fits(&file) {
            true => read.next().unwrap_or_else(missing),
            false => Content::TooLarge(file.bytes),
        };
        Ok(batch.files.iter().map(content).collect())
    }

    async fn read(&self, cx: &Context, file: &Listed) -> Result<Content, EffectError> {
        let files = self.tools(cx, EFFECT).files(&self.order.root);
        match files.read(&file.path, file.bytes, MAX_BYTES as u64).await {
            Err(error) => Ok(Content::Unreadable(passing(error)?)),
            content => content,
        }
    }

    async fn search(
        &self,
        cx: &Context,
        path: &str,
        text: String,
        done: &mut Batched,
    ) -> Result<Option<Arc<Source>>, EffectError> {
        let source = match self.shelf.source(path, text) {
            Ok(source) => source,
            Err(note) => {
                done.notes.push(note);
                return Ok(None);
            }
        };
        let searched_source = self.order.thinks().then(|| Arc::clone(&source));
        let bytes = source.text().len() as u64;
        let wants_change = self.survey.of_a_change && self.category == Category::Tests;
        let (category, order, survey) = (self.category, Arc::clone(&self.order), Arc::clone(&self.survey));
        // A try that is cut short goes on unseen on its thread: the next one waits for it instead of beginning anew.
        let searched = OnceLock::new();
        let search = move || {
            let touched = survey.touched(source.path());
            let wanted = if order.whole_files { &Touched::Whole } else { touched };
            Searched {
                findings: apply_to(category, RuleSet::embedded(), &order.config, &source, wanted),
                caveat: source.caveat(),
                changed: wants_change.then(|| ChangedFile::of(&source, touched)),
            }
        };
        let work = move || Ok((searched.get_or_init(&search).clone(), bytes));
        match self.tools(cx, SEARCHING).run(("structure.search", SEARCH), path, bytes, work).await {
            Ok(searched) => {
                done.files += 1;
                *done.written.entry(Language::name_of(path).to_owned()).or_default() += 1;
                done.findings.extend(searched.findings);
                done.notes.extend(searched.caveat);
                done.changed.extend(searched.changed);
            }
            Err(error) => {
                let why = format!("could not be searched: {}", passing(error)?);
                done.unread.push(Note { file: path.to_owned(), why });
            }
        }
        Ok(searched_source)
    }

    /// A file that is too large to be reviewed may still hold a key.
    async fn sweep(
        &self,
        cx: &Context,
        path: &str,
        size: u64,
        done: &mut Batched,
    ) -> Result<(), EffectError> {
        let can = self.survey.origin == Origin::Folder && size <= sweep::MAX_BYTES;
        done.notes.push(sweep::note(path, size, can));
        if !can || self.category != Category::Security {
            return Ok(());
        }
        let grep = self.tools(cx, EFFECT).grep(&self.order.root);
        match grep.search(&sweep::pattern(), path, size, sweep::MATCHES).await {
            Ok(searched) => done.findings.extend(sweep::findings(path, &searched, &self.order.config)),
            Err(error) => {
                let why = format!("the search for keys failed: {}", passing(error)?);
                done.unread.push(Note { file: path.to_owned(), why });
            }
        }
        Ok(())
    }
}

impl Batched {
    /// A file that is not reviewed: by what it is, or because it could not be read.
    fn put_aside(&mut self, note: Note, content: &Content) {
        match content {
            Content::Unreadable(_) => self.unread.push(note),
            _ => self.notes.push(note),
        }
    }
}

impl Agent for Specialist {
    type Task = Batch;
    type Output = Batched;

    async fn handle(&mut self, batch: &Batch, cx: &Context) -> Result<Batched, AgentError> {
        let mut done = Batched::default();
        match Box::pin(self.review(cx, batch, &mut done)).await {
            // What was found for the money is worth having.
            Err(EffectError::OverBudget { refusal, .. }) => done.cut = Some(over_budget(&refusal)),
            other => other?,
        }
        Ok(done)
    }
}

/// What the reader is told, who knows no ids.
pub(super) fn over_budget(refusal: &Refusal) -> String {
    let of = if refusal.ancestor.depth() < 2 { "the budget" } else { "its quarter of the budget" };
    let left = NanoUsd(refusal.left);
    let wanted = NanoUsd(refusal.wanted.unwrap_or_default());
    format!("{of} has {left} left, and {wanted} may be needed next; give more with --budget")
}

/// An error that concerns one file, in words; another goes on up.
fn passing(error: EffectError) -> Result<String, EffectError> {
    match error {
        EffectError::Expired { .. } | EffectError::Failed { .. } => Ok(error.to_string()),
        other => Err(other),
    }
}

/// The words for a file that cannot be reviewed.
fn note(path: &str, content: &Content) -> Note {
    let why = match content {
        Content::Binary(at) => format!("binary (NUL at byte {at}): skipped"),
        Content::Utf16 => "UTF-16, not UTF-8: skipped".to_owned(),
        Content::NotUtf8(at) => format!("not UTF-8 from byte {at} on: skipped"),
        Content::Unreadable(why) => format!("cannot be read ({why}): skipped"),
        Content::Text(_) | Content::TooLarge(_) => "skipped".to_owned(),
    };
    Note { file: path.to_owned(), why }
}
