//! What the turns of one task have begun, by key, for the next attempt to find: what they asked, and what they were given.
//!
//! # Invariants
//! 1. What was asked outlives the turn that asked it only while the asker's task is open: with its outcome all that is
//!    still open is withdrawn, but for what was detached.
//! 2. The list is locked before any task, and none of a user's code runs under it: what is let go of is dropped after.
//! 3. A key is given once, so that no two tasks have one id.

use std::any::Any;
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::decide::key::{About, Key, Numbers, Standing};

/// The list of one task, made with its first ask.
#[derive(Default)]
pub(crate) struct Asked(Mutex<AskList>);

#[derive(Default)]
struct AskList {
    numbers: Numbers,
    tasks: BTreeMap<Key, AskEntry>,
    /// The asker's task has its outcome.
    is_over: bool,
}

struct AskEntry {
    /// None if nobody may have it again.
    task: Option<Arc<dyn Remembered>>,
    /// It goes on without an asker.
    is_detached: bool,
}

/// A task that was asked, or an effect that was made, whatever its types.
pub(crate) trait Remembered: Send + Sync {
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
        fits: impl Fn(&dyn Remembered) -> bool,
    ) -> (Key, Option<Arc<dyn Remembered>>) {
        let mut list = self.0.lock();
        let AskList { numbers, tasks, .. } = &mut *list;
        let (key, holds) = numbers.next(about, |key| {
            let entry = tasks.get(key)?;
            let task = entry.task.as_ref().filter(|task| fits(&***task));
            Some(task.map_or(Standing::Spent, |task| task.standing()))
        });
        let held = if holds { tasks.get(&key).and_then(|entry| entry.task.clone()) } else { None };
        (key, held)
    }

    /// What an earlier attempt left under any key about this; the next key, if it left nothing.
    pub(crate) fn next_of_any(
        &self,
        about: &About,
        fits: impl Fn(&dyn Remembered) -> bool,
    ) -> (Key, Option<Arc<dyn Remembered>>) {
        let held = {
            let list = self.0.lock();
            let first = Key { about: about.clone(), nth: 0 };
            let all = list.tasks.range(first..).take_while(|(key, _)| key.about == *about);
            let mut held = all.filter_map(|(key, entry)| Some((key, entry.task.as_ref()?)));
            held.find(|(_, task)| fits(&***task)).map(|(key, task)| (key.clone(), Arc::clone(task)))
        };
        match held {
            Some((key, task)) => (key, Some(task)),
            None => self.next(about, fits),
        }
    }

    /// Enters what was asked. False if the asker's task has its outcome already.
    pub(crate) fn enter(&self, key: Key, task: Arc<dyn Remembered>) -> bool {
        let mut list = self.0.lock();
        if !list.is_over {
            list.tasks.insert(key, AskEntry { task: Some(task), is_detached: false });
        }
        !list.is_over
    }

    /// What stands under a key cannot be had again.
    pub(crate) fn spend(&self, key: &Key) {
        let spent = self.0.lock().tasks.get_mut(key).and_then(|entry| entry.task.take());
        drop(spent);
    }

    /// What stands under a key goes on whatever becomes of the asker.
    pub(crate) fn detach(&self, key: &Key) {
        if let Some(entry) = self.0.lock().tasks.get_mut(key) {
            entry.is_detached = true;
        }
    }

    /// Another attempt begins. One that was asked for tries anew what had failed; after a crash that is an answer too.
    pub(crate) fn begin_again(&self, was_asked_for: bool) {
        let failed: Vec<_> = {
            let mut list = self.0.lock();
            list.numbers.begin_again();
            let entries = list.tasks.values_mut().filter(|_| was_asked_for);
            entries.filter_map(|entry| entry.task.take_if(|task| task.has_failed())).collect()
        };
        drop(failed);
    }

    /// The asker's task has its outcome. Its keys stay taken: a turn of it that goes on may ask the same again, in vain.
    pub(crate) fn end(&self) {
        let all: Vec<_> = {
            let mut list = self.0.lock();
            list.is_over = true;
            list.tasks.values_mut().map(|entry| (entry.task.take(), entry.is_detached)).collect()
        };
        withdraw(all.into_iter().filter(|(_, is_detached)| !is_detached).filter_map(|(task, _)| task));
    }
}

thread_local! {
    /// What is still to be withdrawn by this thread, while it is at that.
    static WITHDRAWN: RefCell<Option<VecDeque<Arc<dyn Remembered>>>> = const { RefCell::new(None) };
}

/// Withdraws tasks one after the other, and then what those had asked: a chain of asks may be long, and a stack is not.
fn withdraw(tasks: impl IntoIterator<Item = Arc<dyn Remembered>>) {
    struct AlreadyOver;
    impl Drop for AlreadyOver {
        fn drop(&mut self) {
            let left = WITHDRAWN.take();
            drop(left);
        }
    }
    // What is not withdrawn is dropped before the list is taken.
    let tasks: Vec<_> = tasks.into_iter().collect();
    if tasks.is_empty() {
        return;
    }
    let is_first = WITHDRAWN.with_borrow_mut(|list| {
        let is_first = list.is_none();
        list.get_or_insert_default().extend(tasks);
        is_first
    });
    if !is_first {
        return;
    }
    let _over = AlreadyOver;
    while let Some(task) = WITHDRAWN.with_borrow_mut(|list| list.as_mut().and_then(VecDeque::pop_front)) {
        task.withdraw();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::key::Digest;

    struct Open;

    impl Remembered for Open {
        fn as_any(&self) -> &dyn Any {
            self
        }

        fn standing(&self) -> Standing {
            Standing::Holds
        }

        fn has_failed(&self) -> bool {
            false
        }

        fn withdraw(&self) {}
    }

    #[test]
    fn a_key_is_not_given_again_when_the_askers_task_is_over() {
        let asked = Asked::default();
        let about = About { branch: None, kind: "ask", digest: Digest::of("ask", &1).unwrap() };
        let (first, _) = asked.next(&about, |_| true);
        assert!(asked.enter(first.clone(), Arc::new(Open)));
        asked.begin_again(false);
        assert!(asked.next(&about, |_| true).1.is_some(), "the next attempt finds it");
        asked.begin_again(false);
        asked.end();
        let (late, held) = asked.next(&about, |_| true);
        assert!(late != first && held.is_none() && !asked.enter(late, Arc::new(Open)));
    }
}
