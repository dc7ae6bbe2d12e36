//! What the swarm has come to so far, by item.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::specialist::Batched;
use super::survey::Survey;
use crate::review::Category;

/// What was gathered. It outlives the lead, so that a review that is cut short has what was found by then.
#[derive(Debug, Default)]
pub(super) struct Tally(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    survey: Option<Arc<Survey>>,
    done: BTreeMap<Category, BTreeMap<usize, Batched>>,
    failed: BTreeMap<Category, Vec<String>>,
    /// Files and bytes, those that were read twice counted twice.
    read: BTreeMap<Category, (u64, u64)>,
}

impl Tally {
    pub(super) fn begin(&self, survey: Arc<Survey>) {
        self.0.lock().survey = Some(survey);
    }

    pub(super) fn survey(&self) -> Option<Arc<Survey>> {
        self.0.lock().survey.clone()
    }

    pub(super) fn put(&self, category: Category, batch: usize, done: Batched) {
        self.0.lock().done.entry(category).or_default().insert(batch, done);
    }

    pub(super) fn fail(&self, category: Category, why: String) {
        self.0.lock().failed.entry(category).or_default().push(why);
    }

    /// A file was read.
    pub(super) fn read(&self, category: Category, bytes: u64) {
        let mut state = self.0.lock();
        let (files, all) = state.read.entry(category).or_default();
        *files += 1;
        *all += bytes;
    }

    /// How many files and bytes the specialist of this name has read.
    pub(super) fn was_read(&self, name: &str) -> (u64, u64) {
        let category = Category::ALL.into_iter().find(|category| category.word() == name);
        category.and_then(|category| self.0.lock().read.get(&category).copied()).unwrap_or_default()
    }

    /// Gives away what a specialist answered, by batch, and why batches of it failed.
    pub(super) fn take(&self, category: Category) -> (BTreeMap<usize, Batched>, Vec<String>) {
        let mut state = self.0.lock();
        (state.done.remove(&category).unwrap_or_default(), state.failed.remove(&category).unwrap_or_default())
    }
}
