//! A child is restarted within its supervisor's intensity, in every window of that length.
//!
//! Counted is what surely counts: a child that is restarted alone, for an exit that is no second crash at a task that had one
//! (that uses up an attempt instead), decided by its supervisor in one of its lives. Retries of a start that failed count in
//! the runtime as well, and are not looked at here: their moment is no event. Nor are children of tasks and scopes, which
//! count alone and not for each exit, nor those for whom somebody changed the policy in the run.

use std::collections::{BTreeMap, BTreeSet};

use skep_runtime::event::What;
use skep_runtime::supervision::report::Context;
use skep_runtime::{AgentId, Bears, Event, Exit, FailureClass, TaskId, Time};

use super::Evidence;

/// See the module.
#[must_use]
pub fn restarts(evidence: &Evidence<'_>) -> Vec<String> {
    let Some(bears) = evidence.bears.filter(|_| !evidence.threads) else { return Vec::new() };
    let changed = evidence.events.iter().filter(|event| is_change(&event.what));
    let mut seen = Seen::new(bears, changed.map(|event| event.agent.clone()).collect());
    evidence.events.iter().for_each(|event| seen.apply(event));
    seen.wrong
}

/// What was borne before is not known then: nobody may have looked.
const fn is_change(what: &What) -> bool {
    matches!(what, What::PolicyChanged(_) | What::ChildPolicyChanged(_))
}

/// An exit that a restart may follow.
#[derive(Clone, Copy)]
enum Pending {
    /// It counts, and its supervisor has not spoken.
    Exited,
    /// Its supervisor has dealt with it then.
    Decided(Time),
}

/// Whether a window is that of one child.
type Alone = bool;

struct Seen<'a> {
    bears: &'a BTreeMap<AgentId, Bears>,
    /// The task of a child's last turn that is over, until the child exits or begins another.
    left: BTreeMap<AgentId, TaskId>,
    /// Tasks with an exit behind them.
    crashed: BTreeSet<TaskId>,
    pending: BTreeMap<AgentId, Pending>,
    /// When there were restarts: of a supervisor's children together, or of a child that counts alone.
    windows: BTreeMap<(AgentId, Alone), Vec<Time>>,
    /// They have another supervisor than their parent, or another policy than at first.
    others: BTreeSet<AgentId>,
    wrong: Vec<String>,
}

impl<'a> Seen<'a> {
    const fn new(bears: &'a BTreeMap<AgentId, Bears>, others: BTreeSet<AgentId>) -> Self {
        Self {
            bears,
            left: BTreeMap::new(),
            crashed: BTreeSet::new(),
            pending: BTreeMap::new(),
            windows: BTreeMap::new(),
            others,
            wrong: Vec::new(),
        }
    }

    fn apply(&mut self, event: &Event) {
        let agent = &event.agent;
        match &event.what {
            What::TurnBegan { .. } => drop(self.left.remove(agent)),
            What::TaskRedelivered { .. } | What::TaskHelped | What::TaskEnded { .. } => {
                self.left.extend(event.task.clone().map(|task| (agent.clone(), task)));
            }
            What::AgentExited { exit } => {
                self.forget_below(agent);
                if self.counts(agent, exit) && self.bears.contains_key(agent) {
                    self.pending.insert(agent.clone(), Pending::Exited);
                }
            }
            What::SupervisorReport(report) if report.context == Context::ChildTerminated => {
                if let Some(pending @ Pending::Exited) = self.pending.get_mut(&report.child) {
                    *pending = Pending::Decided(event.at);
                }
            }
            What::AgentStarted | What::AgentRestarting { .. } => self.comes_back(agent),
            What::AgentStartFailed { .. } => {
                self.comes_back(agent);
                self.forget_below(agent);
            }
            What::AgentStopped { .. } => {
                self.forget_below(agent);
                self.pending.remove(agent);
                // Its own window goes with it; that of its parent stays.
                self.windows.remove(&(agent.clone(), true));
            }
            What::AgentAdopted { .. } => {
                self.pending.remove(agent);
                self.others.insert(agent.clone());
            }
            _ => {}
        }
    }

    /// Whether the exit surely counts.
    fn counts(&mut self, agent: &AgentId, exit: &Exit) -> bool {
        let left = self.left.remove(agent);
        match exit {
            Exit::Shutdown => false,
            Exit::Failed { class: FailureClass::Killed, .. } => true,
            _ => left.is_none_or(|task| self.crashed.insert(task)),
        }
    }

    /// A supervisor's life is over, and with it what it knew of its children.
    fn forget_below(&mut self, supervisor: &AgentId) {
        let is_child = |child: &AgentId| child.parent().as_ref() == Some(supervisor);
        self.pending.retain(|child, _| !is_child(child));
        self.windows.retain(|(whose, alone), _| if *alone { !is_child(whose) } else { whose != supervisor });
    }

    fn is_other(&self, child: &AgentId) -> bool {
        let parent = child.parent();
        [Some(child), parent.as_ref()].into_iter().flatten().any(|agent| self.others.contains(agent))
    }

    /// It is restarted, or its restart is under way, if that was decided.
    fn comes_back(&mut self, agent: &AgentId) {
        if let Some(Pending::Decided(at)) = self.pending.remove(agent) {
            self.restarted(agent, at);
        }
    }

    fn restarted(&mut self, child: &AgentId, at: Time) {
        let Some(bears) = self.bears.get(child).filter(|_| !self.is_other(child)) else { return };
        let Some(whose) = (if bears.is_alone { Some(child.clone()) } else { child.parent() }) else { return };
        let times = self.windows.entry((whose.clone(), bears.is_alone)).or_default();
        times.insert(times.partition_point(|time| *time <= at), at);
        let intensity = bears.intensity;
        let too_many = |times: &&[Time]| times[times.len() - 1].since(times[0]) <= intensity.period;
        if let Some(times) = times.windows(intensity.restarts as usize + 1).find(too_many) {
            self.wrong.push(format!(
                "{child} is restarted: {} restarts at {whose} from {} to {}, and {} in {:?} are borne",
                times.len(),
                times[0],
                times[times.len() - 1],
                intensity.restarts,
                intensity.period
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use skep_runtime::{Bears, Intensity, Outcome};

    use super::super::forged::{Forged, id};

    /// A supervisor that bears two restarts in five seconds, all in all or of each child.
    fn judged(forged: &Forged, is_alone: bool) -> usize {
        let intensity = Intensity { restarts: 2, period: Duration::from_secs(5) };
        let bears = ["s.1.1", "s.1.2"].map(|child| (id(child), Bears { intensity, is_alone }));
        forged.judged_with(super::restarts, &BTreeMap::from(bears)).len()
    }

    fn tree() -> Forged {
        Forged::tree(&["s.1", "s.1.1", "s.1.2"])
    }

    fn crash(forged: Forged, child: &str, life: u32) -> Forged {
        forged.exited(child, life).terminated("s.1", child).started(child, life + 1)
    }

    #[test]
    fn one_restart_too_many_in_a_window_is_found() {
        let two = crash(crash(tree(), "s.1.1", 1).after_ms(2_000), "s.1.2", 1).after_ms(3_000);
        assert_eq!(judged(&two.clone(), false), 0);
        let third = crash(two.clone(), "s.1.1", 2);
        assert_eq!(judged(&third, false), 1, "three in five seconds to the end");
        assert_eq!(judged(&third, true), 0, "of one child there were two");
        let later = crash(two.after_ms(1), "s.1.1", 2);
        assert_eq!(judged(&later, false), 0);
    }

    #[test]
    fn what_does_not_count_is_not_counted() {
        let two = || crash(crash(tree(), "s.1.1", 1), "s.1.2", 1);
        let given_up = two().exited("s.1.1", 2).terminated("s.1", "s.1.1").stop("s.1.1", 7, &["s.1.1"]);
        assert_eq!(judged(&given_up, false), 0, "it was not restarted");
        let again = |forged: Forged, life| {
            let torn = forged.turn_began("s.1.1", 1, life).redelivered("s.1.1", 1);
            crash(torn, "s.1.1", life)
        };
        let one_task = again(again(again(tree().accepted("s.1.1", 1), 1), 2), 3);
        assert_eq!(judged(&one_task, false), 0, "one task has crashed it three times: that is its attempts");
        let poisoned =
            two().accepted("s.1.1", 1).turn_began("s.1.1", 1, 1).ended("s.1.1", 1, Outcome::Poisoned);
        assert_eq!(
            judged(&crash(poisoned, "s.1.1", 2), false),
            1,
            "the first crash of a task counts, also its last"
        );
        let tried_in_vain = crash(crash(tree(), "s.1.1", 1), "s.1.2", 1).start_failed("s.1", 1);
        assert_eq!(judged(&crash(tried_in_vain, "s.1.1", 2), false), 0, "nor that of a start that failed");
        let another_life = crash(crash(tree(), "s.1.1", 1), "s.1.2", 1).exited("s.1", 1).started("s.1", 2);
        assert_eq!(judged(&crash(another_life, "s.1.1", 2), false), 0, "its supervisor has begun anew");
    }
}
