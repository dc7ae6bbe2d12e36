//! What a crashed turn had asked is withdrawn neither before its next attempt nor begun after the end of its task.

use std::collections::{BTreeMap, BTreeSet};

use skep_runtime::TaskId;
use skep_runtime::event::{Outcome, What};

use super::Evidence;

/// See the module.
#[must_use]
pub fn asks(evidence: &Evidence<'_>) -> Vec<String> {
    if evidence.threads {
        // A task's end and what follows from it stand a little apart there.
        return Vec::new();
    }
    let mut wrong = Vec::new();
    // Tasks whose turn has ended and which wait for another, and those that are over.
    let mut waits: BTreeSet<TaskId> = BTreeSet::new();
    let mut over: BTreeMap<TaskId, u64> = BTreeMap::new();
    let mut detached: BTreeSet<TaskId> = BTreeSet::new();
    let mut askers: BTreeMap<TaskId, TaskId> = BTreeMap::new();
    for event in evidence.events {
        let Some(task) = &event.task else { continue };
        // One that is told, or cannot be written down, goes on without its asker: it has an id of its own.
        if let What::TaskAccepted { asker: Some(asker), .. } = &event.what
            && task.to_string().contains('/')
        {
            askers.insert(task.clone(), asker.clone());
        }
        let asker = askers.get(task).cloned();
        match &event.what {
            What::TaskRedelivered { .. } => drop(waits.insert(task.clone())),
            What::TaskDetached => drop(detached.insert(task.clone())),
            What::TaskEnded { outcome } => {
                waits.remove(task);
                over.insert(task.clone(), event.seq);
                if let Some(asker) =
                    asker.filter(|asker| *outcome == Outcome::Withdrawn && waits.contains(asker))
                {
                    wrong.push(format!(
                        "event {}: {task} is withdrawn while {asker} waits for its next attempt",
                        event.seq
                    ));
                }
            }
            What::TurnBegan { .. } => {
                waits.remove(task);
                if let Some(ended) = asker.as_ref().and_then(|asker| over.get(asker))
                    && !detached.contains(task)
                {
                    wrong.push(format!(
                        "event {}: a turn of {task} begins, whose asker has had its outcome since event {ended}",
                        event.seq
                    ));
                }
            }
            _ => {}
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::super::forged::Forged;
    use skep_runtime::Outcome;

    #[test]
    fn a_task_that_is_withdrawn_too_early_or_begun_too_late_is_found() {
        let asked = || {
            Forged::tree(&["s.1", "s.2"])
                .accepted("s.1", 1)
                .turn_began("s.1", 1, 1)
                .asked("s.2", "s.1#1/ask-00-1")
        };
        let sound =
            asked().redelivered("s.1", 1).turn_began("s.1", 1, 2).asked_began("s.2", "s.1#1/ask-00-1");
        assert!(sound.judged(super::asks).is_empty());
        let early = asked().redelivered("s.1", 1).asked_ended("s.2", "s.1#1/ask-00-1", Outcome::Withdrawn);
        assert!(early.judged(super::asks)[0].contains("s.1#1 waits for its next attempt"));
        let late = asked().ended("s.1", 1, Outcome::Poisoned).asked_began("s.2", "s.1#1/ask-00-1");
        assert!(late.judged(super::asks)[0].contains("has had its outcome since event"));
    }
}
