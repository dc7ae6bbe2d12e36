//! Every accepted task has exactly one outcome, and nothing happens to it afterwards.

use std::collections::BTreeSet;

use skep_runtime::TaskId;
use skep_runtime::event::What;
use skep_runtime::fold::{Fold, TaskState, Tasks};

use super::Evidence;

/// See the module.
#[must_use]
pub fn outcomes(evidence: &Evidence<'_>) -> Vec<String> {
    let tasks = Tasks::of(evidence.events.iter().map(|event| &**event));
    let fault = |fault: &skep_runtime::fold::TaskFault| {
        format!("event {}: {} is {} and becomes {:?}", fault.seq, fault.task, fault.had, fault.then)
    };
    let mut wrong: Vec<String> = tasks.faults().iter().map(fault).collect();
    let mut accepted: BTreeSet<&TaskId> = BTreeSet::new();
    for event in evidence.events {
        let Some(task) = &event.task else { continue };
        match event.what {
            What::TaskAccepted { .. } if !accepted.insert(task) => {
                wrong.push(format!("event {}: {task} is accepted twice", event.seq));
            }
            What::TurnBegan { .. } | What::TaskEnded { .. } if !accepted.contains(task) => {
                wrong.push(format!("event {}: {task} was never accepted", event.seq));
            }
            _ => {}
        }
    }
    if evidence.is_over() {
        let open = tasks.iter().filter(|row| !matches!(row.state, TaskState::Ended(_)));
        wrong.extend(open.map(|row| format!("{} is {:?} when all is over", row.id, row.state)));
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::super::forged::Forged;
    use skep_runtime::Outcome;

    #[test]
    fn a_second_outcome_and_none_at_all_are_found() {
        let task = || Forged::tree(&["s.1"]).accepted("s.1", 1).turn_began("s.1", 1, 1);
        let sound = task().ended("s.1", 1, Outcome::Done).session_ended();
        assert!(sound.judged(super::outcomes).is_empty());
        let twice = task().ended("s.1", 1, Outcome::Done).ended("s.1", 1, Outcome::Stopped);
        assert_eq!(twice.judged(super::outcomes).len(), 1);
        let none = task().session_ended();
        assert_eq!(none.judged(super::outcomes), ["s.1#1 is Running when all is over"]);
        let unasked = Forged::tree(&["s.1"]).turn_began("s.1", 1, 1);
        assert_eq!(unasked.judged(super::outcomes), ["event 3: s.1#1 was never accepted"]);
    }
}
