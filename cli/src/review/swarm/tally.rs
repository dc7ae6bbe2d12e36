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
    done: BTreeMap<(Category, usize), Batched>,
    failed: BTreeMap<Category, Vec<String>>,
}

impl Tally {
    pub(super) fn begin(&self, survey: Arc<Survey>) {
        self.0.lock().survey = Some(survey);
    }

    pub(super) fn survey(&self) -> Option<Arc<Survey>> {
        self.0.lock().survey.clone()
    }

    pub(super) fn put(&self, category: Category, batch: usize, done: Batched) {
        self.0.lock().done.insert((category, batch), done);
    }

    pub(super) fn fail(&self, category: Category, why: String) {
        self.0.lock().failed.entry(category).or_default().push(why);
    }

    /// What a specialist answered, by batch, and why batches of it failed.
    pub(super) fn of(&self, category: Category) -> (BTreeMap<usize, Batched>, Vec<String>) {
        let state = self.0.lock();
        let done = state.done.iter().filter(|((of, _), _)| *of == category);
        let done = done.map(|((_, batch), done)| (*batch, done.clone())).collect();
        (done, state.failed.get(&category).cloned().unwrap_or_default())
    }
}
