//! What the turns of one task have begun, by key, for the next attempt to find: what they asked, and what they were given.
//!
//! # Invariants
//! 1. What was asked outlives the turn that asked it only while the asker's task is open: with its outcome all that is
//!    still open is withdrawn, but for what was detached.
//! 2. The list is locked before any task, and none of a user's code runs under it.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::key::{About, Key, Numbers, Standing};

/// The list of one task, made with its first ask.
#[derive(Default)]
pub(crate) struct Asked(Mutex<List>);

#[derive(Default)]
struct List {
    numbers: Numbers,
    tasks: BTreeMap<Key, Entry>,
    /// The asker's task has its outcome.
    is_over: bool,
}

struct Entry {
    task: Arc<dyn Begun>,
    /// Nobody may have it again.
    is_spent: bool,
    /// It goes on without an asker.
    is_detached: bool,
}

/// A task that was asked, or an effect that was made, whatever its types.
pub(crate) trait Begun: Send + Sync {
    fn as_any(&self) -> &dyn Any;

    /// Whether it goes on or has an answer.
    fn standing(&self) -> Standing;

    /// Whether its answer is an error of its agent.
    fn has_failed(&self) -> bool;

    /// Ends it, if it is a task and open.
    fn withdraw(&self);
}

impl Asked {
    /// The key of the next ask about this, and what an earlier attempt left under it. What does not fit is passed over.
    pub(crate) fn next(
        &self,
        about: &About,
        fits: impl Fn(&dyn Begun) -> bool,
    ) -> (Key, Option<Arc<dyn Begun>>) {
        let mut list = self.0.lock();
        let List { numbers, tasks, .. } = &mut *list;
        let (key, holds) = numbers.next(about, |key| {
            let entry = tasks.get(key)?;
            Some(if entry.is_spent || !fits(&*entry.task) { Standing::Spent } else { entry.task.standing() })
        });
        let held = if holds { tasks.get(&key).map(|entry| Arc::clone(&entry.task)) } else { None };
        (key, held)
    }

    /// Enters what was asked. False if the asker's task has its outcome already.
    pub(crate) fn enter(&self, key: Key, task: Arc<dyn Begun>) -> bool {
        let mut list = self.0.lock();
        if !list.is_over {
            list.tasks.insert(key, Entry { task, is_spent: false, is_detached: false });
        }
        !list.is_over
    }

    /// What stands under a key cannot be had again.
    pub(crate) fn spend(&self, key: &Key) {
        if let Some(entry) = self.0.lock().tasks.get_mut(key) {
            entry.is_spent = true;
        }
    }

    /// What stands under a key goes on whatever becomes of the asker.
    pub(crate) fn detach(&self, key: &Key) {
        if let Some(entry) = self.0.lock().tasks.get_mut(key) {
            entry.is_detached = true;
        }
    }

    /// Another attempt begins. One that was asked for tries anew what had failed; after a crash that is an answer too.
    pub(crate) fn begin_again(&self, was_asked_for: bool) {
        let mut list = self.0.lock();
        list.numbers.begin_again();
        if was_asked_for {
            for entry in list.tasks.values_mut() {
                entry.is_spent |= entry.task.has_failed();
            }
        }
    }

    /// The asker's task has its outcome.
    pub(crate) fn end(&self) {
        let tasks = {
            let mut list = self.0.lock();
            list.is_over = true;
            std::mem::take(&mut list.tasks)
        };
        for entry in tasks.into_values().filter(|entry| !entry.is_detached) {
            entry.task.withdraw();
        }
    }
}
