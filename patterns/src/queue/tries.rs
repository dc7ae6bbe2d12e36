//! What becomes of a task and of its worker when the worker has had it: pure.
//!
//! # Invariants
//! 1. An error is tried again by the runtime, in the same worker ([`Ask::retries`](skep_runtime::Ask::retries)), with what
//!    is left of the task's attempts. What ends a worker is tried again here, in another: the workers are temporary, so the
//!    runtime restarts none and redelivers nothing. So no attempt is counted or made twice.
//! 2. A task has no more attempts than it was given, and each worker that it is taken from is at least one. So a task that
//!    ends its workers ends only as many.

use skep_runtime::{AgentError, FailureClass};

/// How it ended that a worker had a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// It gave its answer.
    Answered,
    /// It said that it cannot.
    Failed,
    /// A budget refused it, which may be the worker's own.
    Refused,
    /// The worker ended: it crashed, was killed, stopped, or stale.
    Lost,
    /// The lease ran out.
    Late,
    /// The time of the task, or of the whole, ran out.
    TooLate,
    /// The turn that it is done for was cancelled.
    Cancelled,
}

impl Ending {
    /// What an error of the worker's says of it.
    pub(super) const fn of(error: &AgentError) -> Self {
        match error.class() {
            FailureClass::OverBudget => Self::Refused,
            FailureClass::Stale | FailureClass::Killed => Self::Lost,
            _ if error.is_crash() => Self::Lost,
            _ => Self::Failed,
        }
    }

    /// Whether another worker may do it.
    const fn gives_back(self) -> bool {
        matches!(self, Self::Lost | Self::Late)
    }

    /// Whether another takes the worker's place.
    pub(super) const fn ends_worker(self, has_budget: bool) -> bool {
        match self {
            Self::Lost | Self::Late | Self::TooLate => true,
            Self::Refused => has_budget,
            Self::Answered | Self::Failed | Self::Cancelled => false,
        }
    }
}

/// The attempts at one task.
#[derive(Clone, Debug, Default)]
pub(super) struct Tries {
    pub(super) begun: u32,
    /// Workers that it was taken from.
    pub(super) lost: u32,
    /// What they failed with, in order.
    pub(super) errors: Vec<AgentError>,
}

impl Tries {
    /// How often the next worker may try again, of so many attempts in all.
    pub(super) const fn retries(&self, attempts: u32) -> u32 {
        attempts.saturating_sub(self.begun).saturating_sub(1)
    }

    /// A worker has had it, with so many attempts. Says whether it goes to another.
    pub(super) fn end(&mut self, ending: Ending, begun: u32, attempts: u32) -> bool {
        let gives_back = ending.gives_back();
        self.begun = self.begun.saturating_add(if gives_back { begun.max(1) } else { begun });
        self.lost = self.lost.saturating_add(u32::from(gives_back));
        gives_back && self.begun < attempts
    }

    /// The last error of a task that ended several workers: it is poisonous, whatever each of them said.
    pub(super) fn poison(&self, last: AgentError) -> AgentError {
        if self.lost < 2 {
            return last;
        }
        let text = format!("it ended {} workers; the last error: {last}", self.lost);
        AgentError::new(FailureClass::Poisoned, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Ending; 7] = [
        Ending::Answered,
        Ending::Failed,
        Ending::Refused,
        Ending::Lost,
        Ending::Late,
        Ending::TooLate,
        Ending::Cancelled,
    ];

    #[test]
    fn only_what_ended_its_worker_or_outstayed_its_lease_goes_to_another() {
        let goes = ALL.map(|ending| Tries::default().end(ending, 1, 3));
        assert_eq!(goes, [false, false, false, true, true, false, false]);
        let ends = ALL.map(|ending| ending.ends_worker(false));
        assert_eq!(ends, [false, false, false, true, true, true, false]);
        assert!(Ending::Refused.ends_worker(true) && !Ending::Failed.ends_worker(true));
    }

    #[test]
    fn a_crash_is_told_from_an_error() {
        let of = |class| Ending::of(&AgentError::new(class, "no"));
        assert_eq!(Ending::of(&AgentError::crash("no")), Ending::Lost);
        assert_eq!([of(FailureClass::Stale), of(FailureClass::Bug)], [Ending::Lost, Ending::Failed]);
        assert_eq!(
            [of(FailureClass::OverBudget), of(FailureClass::Failed)],
            [Ending::Refused, Ending::Failed]
        );
    }

    /// However tasks end, whatever attempts the runtime counts.
    #[test]
    fn a_task_has_no_more_attempts_than_it_was_given() {
        for attempts in 1..5 {
            for how in 0..1_000_u32 {
                let (mut tries, mut made, mut how) = (Tries::default(), 0, how);
                loop {
                    let may = tries.retries(attempts) + 1;
                    let begun = how % (may + 1);
                    how /= 3;
                    made += begun;
                    let ending = if how % 2 == 0 { Ending::Lost } else { Ending::Late };
                    if !tries.end(ending, begun, attempts) {
                        break;
                    }
                }
                assert!(made <= attempts && tries.begun <= attempts && tries.lost <= attempts);
                assert_eq!(tries.begun, attempts, "it was tried to the last");
            }
        }
    }

    #[test]
    fn a_task_that_ended_several_workers_is_poisonous() {
        let mut tries = Tries::default();
        tries.end(Ending::Lost, 1, 3);
        let last = AgentError::crash("out of its depth");
        assert_eq!(tries.poison(last.clone()), last);
        tries.end(Ending::Late, 0, 3);
        let error = tries.poison(last);
        assert_eq!(error.class(), FailureClass::Poisoned);
        assert_eq!(error.to_string(), "it ended 2 workers; the last error: out of its depth");
    }
}
