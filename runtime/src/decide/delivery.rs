//! What becomes of a task and of its agent when a turn is over: pure.
//!
//! # Invariants
//! 1. A task that is redelivered has an attempt left, and no effect of it that may happen only once has begun.
//! 2. An error that the agent returns is its answer, unless the agent itself or whoever asks wants another attempt; and none
//!    that another attempt cannot change is tried again.
//! 3. Only an exit that the turn itself caused counts as an attempt.
//! 4. All crashes of one task count once in the restart window: its first one. So a task does not take a supervisor down, and
//!    a stream of tasks that crash whoever takes them up does.

use crate::words::error::{AgentError, Panic};
use crate::words::policy::{Exit, FailureClass, Restart};

/// How a turn ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum TurnOver {
    /// `handle` returned an output.
    Output,
    /// `handle` returned an error.
    Error(AgentError),
    /// It panicked.
    Panic(Panic),
    /// It was dropped at its await.
    Dropped(Dropped),
}

impl TurnOver {
    /// Whether the agent crashed in it.
    pub(crate) fn is_crash(&self) -> bool {
        match self {
            Self::Error(error) => error.is_crash(),
            Self::Panic(_) | Self::Dropped(Dropped::Stale) => true,
            Self::Output | Self::Dropped(_) => false,
        }
    }
}

/// Why a turn was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dropped {
    /// Its interrupt's grace passed.
    Interrupt,
    /// Its agent has to end: it was killed, or it is a supervisor that gives up.
    Exit,
    /// It showed no progress.
    Stale,
    /// The cell that served its agent was lost, which is no fault of the agent.
    CellLost,
    /// A stop.
    Stop,
}

/// What the verdict depends on besides.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TurnFacts {
    /// The attempt that this was, from 1.
    pub(crate) attempt: u32,
    /// Attempts in all.
    pub(crate) attempts: u32,
    /// Whether whoever asks wants another attempt after an error too.
    pub(crate) retries: bool,
    /// Whether an effect that may happen only once has begun in the task.
    pub(crate) once_begun: bool,
    /// Whether the turn was interrupted.
    pub(crate) interrupted: bool,
    /// Whether a stop has come by.
    pub(crate) stopping: StopSeen,
    /// Whether the task crashed its agent in an earlier attempt.
    pub(crate) crashed_before: bool,
    /// When the agent is restarted; asked for only after a crash.
    pub(crate) restart: Restart,
}

/// Whether a stop has come by while the turn was on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StopSeen {
    No,
    /// A supervisor stops it to start it again: its work is not lost.
    ComesBack,
    ForGood,
}

/// What becomes of the task.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Fate {
    Done,
    Failed(AgentError),
    Poisoned(AgentError),
    Interrupted,
    Stopped,
    /// It goes back to the head of the queue; `counts` is whether this attempt is used up.
    Redelivered {
        error: AgentError,
        counts: bool,
    },
}

/// What becomes of the agent.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum AgentNext {
    /// It takes the next task.
    GoesOn,
    /// Its behaviour is torn and is built anew; that is no restart.
    Rebuilds,
    /// Its incarnation ends; `counted` is whether a restart for it counts in the window.
    Exits { exit: Exit, counted: bool },
    /// It is being stopped, and its behaviour is torn.
    Stops,
    /// It is being stopped, with its behaviour whole.
    StopsWhole,
}

/// The verdict on a turn.
pub(crate) fn decide(over: TurnOver, facts: TurnFacts) -> (Fate, AgentNext) {
    let whole = if facts.stopping == StopSeen::No { AgentNext::GoesOn } else { AgentNext::StopsWhole };
    match over {
        TurnOver::Output => (Fate::Done, whole),
        TurnOver::Error(error) if error.is_crash() => crashed(error, facts),
        TurnOver::Error(_) if facts.interrupted => (Fate::Interrupted, whole),
        TurnOver::Error(_) if facts.stopping != StopSeen::No => (stopped(facts), whole),
        TurnOver::Error(error) if error.wants_redelivery() => (again(error, facts), whole),
        TurnOver::Error(error) => (retried(error, facts), whole),
        TurnOver::Panic(panic) => crashed(AgentError::panicked(panic), facts),
        TurnOver::Dropped(Dropped::Interrupt) => (Fate::Interrupted, AgentNext::Rebuilds),
        TurnOver::Dropped(Dropped::Stale) => crashed(
            AgentError::new(FailureClass::Stale, "no progress for longer than the spec allows"),
            facts,
        ),
        TurnOver::Dropped(Dropped::Exit) => {
            let exit = Exit::failed(FailureClass::Killed, "killed");
            (cut_short("killed", facts), AgentNext::Exits { exit, counted: true })
        }
        TurnOver::Dropped(Dropped::CellLost) => {
            (cut_short("the cell that served the agent was lost", facts), AgentNext::Rebuilds)
        }
        TurnOver::Dropped(Dropped::Stop) => (stopped(facts), AgentNext::Stops),
    }
}

/// A turn that a stop ended: lost, unless the agent comes back.
fn stopped(facts: TurnFacts) -> Fate {
    match facts.stopping {
        StopSeen::ComesBack => cut_short("its supervisor restarts the agent", facts),
        StopSeen::No | StopSeen::ForGood => Fate::Stopped,
    }
}

/// A turn that ended for no reason of its own: no attempt.
fn cut_short(why: &str, facts: TurnFacts) -> Fate {
    if facts.interrupted {
        return Fate::Interrupted;
    }
    unless_once(AgentError::new(FailureClass::Killed, why), facts, false)
}

/// An exit that the turn caused.
fn crashed(error: AgentError, facts: TurnFacts) -> (Fate, AgentNext) {
    let exit = Exit::failed(error.class(), error.to_string());
    if facts.interrupted {
        // The task has its end; the crash is the agent's alone.
        return (Fate::Interrupted, AgentNext::Exits { exit, counted: true });
    }
    if facts.stopping == StopSeen::ForGood {
        return (Fate::Stopped, AgentNext::Exits { exit, counted: true });
    }
    let fate = if facts.restart == Restart::Temporary { Fate::Failed(error) } else { again(error, facts) };
    (fate, AgentNext::Exits { exit, counted: !facts.crashed_before })
}

/// Another attempt, if there is one left.
fn again(error: AgentError, facts: TurnFacts) -> Fate {
    if error.is_final() {
        Fate::Failed(error)
    } else if facts.attempt >= facts.attempts {
        Fate::Poisoned(error)
    } else {
        unless_once(error, facts, true)
    }
}

/// An error that whoever asks may want tried again, and which else is the answer.
fn retried(error: AgentError, facts: TurnFacts) -> Fate {
    let is_last = !facts.retries || facts.attempt >= facts.attempts || facts.once_begun || error.is_final();
    if is_last {
        Fate::Failed(error)
    } else {
        Fate::Redelivered { error: AgentError::redeliver(error), counts: true }
    }
}

fn unless_once(error: AgentError, facts: TurnFacts, counts: bool) -> Fate {
    if facts.once_begun { Fate::Failed(error) } else { Fate::Redelivered { error, counts } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn facts() -> impl Strategy<Value = TurnFacts> {
        let restart =
            prop_oneof![Just(Restart::Permanent), Just(Restart::Transient), Just(Restart::Temporary)];
        let stopping = prop_oneof![Just(StopSeen::No), Just(StopSeen::ComesBack), Just(StopSeen::ForGood)];
        let flags = any::<[bool; 4]>();
        (1_u32..5, 1_u32..5, flags, stopping, restart).prop_map(
            |(attempt, attempts, [retries, once_begun, interrupted, crashed_before], stopping, restart)| {
                TurnFacts {
                    retries,
                    stopping,
                    attempt: attempt.min(attempts),
                    attempts,
                    once_begun,
                    interrupted,
                    crashed_before,
                    restart,
                }
            },
        )
    }

    fn over() -> impl Strategy<Value = TurnOver> {
        prop_oneof![
            Just(TurnOver::Output),
            Just(TurnOver::Error(AgentError::message("no"))),
            Just(TurnOver::Error(AgentError::crash("torn"))),
            Just(TurnOver::Error(AgentError::redeliver(AgentError::message("again")))),
            Just(TurnOver::Error(AgentError::new(FailureClass::OverBudget, "no money"))),
            Just(TurnOver::Panic(Panic::new(&"oh", None, None))),
            Just(TurnOver::Dropped(Dropped::Interrupt)),
            Just(TurnOver::Dropped(Dropped::Exit)),
            Just(TurnOver::Dropped(Dropped::Stale)),
            Just(TurnOver::Dropped(Dropped::CellLost)),
            Just(TurnOver::Dropped(Dropped::Stop)),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn a_task_comes_again_only_with_an_attempt_left_and_nothing_unrepeatable_begun(facts in facts(), over in over()) {
            if let (Fate::Redelivered { counts, .. }, _) = decide(over, facts) {
                prop_assert!(!facts.once_begun);
                prop_assert!(!counts || facts.attempt < facts.attempts);
            }
        }

        #[test]
        fn the_first_crash_of_a_task_counts_in_the_restart_window_and_no_other(facts in facts(), over in over()) {
            let is_kill = over == TurnOver::Dropped(Dropped::Exit) || facts.stopping == StopSeen::ForGood;
            if let (_, AgentNext::Exits { counted, .. }) = decide(over, facts) {
                prop_assert_eq!(counted, !facts.crashed_before || is_kill || facts.interrupted);
            }
        }

        #[test]
        fn an_interrupted_task_is_never_attempted_again(facts in facts(), over in over()) {
            let (fate, _) = decide(over, TurnFacts { interrupted: true, ..facts });
            let is_redelivered = matches!(fate, Fate::Redelivered { .. });
            prop_assert!(!is_redelivered);
        }
    }

    const FIRST: TurnFacts = TurnFacts {
        attempt: 1,
        attempts: 3,
        retries: false,
        once_begun: false,
        interrupted: false,
        stopping: StopSeen::No,
        crashed_before: false,
        restart: Restart::Permanent,
    };

    #[test]
    fn an_error_of_handle_leaves_the_agent_alive() {
        let error = AgentError::message("no such file");
        assert_eq!(decide(TurnOver::Error(error.clone()), FIRST), (Fate::Failed(error), AgentNext::GoesOn));
    }

    #[test]
    fn an_error_is_tried_again_where_whoever_asks_wants_it_but_not_for_ever_and_not_in_vain() {
        let (wants, error) = (TurnFacts { retries: true, ..FIRST }, AgentError::message("no such file"));
        let over = || TurnOver::Error(error.clone());
        let again = Fate::Redelivered { error: AgentError::redeliver(error.clone()), counts: true };
        assert_eq!(decide(over(), wants), (again, AgentNext::GoesOn));
        for last in [TurnFacts { attempt: 3, ..wants }, TurnFacts { once_begun: true, ..wants }] {
            assert_eq!(decide(over(), last), (Fate::Failed(error.clone()), AgentNext::GoesOn), "{last:?}");
        }
        let broke = AgentError::new(FailureClass::OverBudget, "no money");
        assert_eq!(decide(TurnOver::Error(broke.clone()), wants), (Fate::Failed(broke), AgentNext::GoesOn));
    }

    #[test]
    fn an_error_that_asks_for_another_attempt_has_one_and_the_agent_goes_on() {
        let error = AgentError::redeliver(AgentError::message("not yet"));
        let again = Fate::Redelivered { error: error.clone(), counts: true };
        assert_eq!(decide(TurnOver::Error(error), FIRST), (again, AgentNext::GoesOn));
    }

    #[test]
    fn an_error_that_says_crash_is_one() {
        let error = AgentError::crash("torn");
        let exit = Exit::failed(error.class(), "torn");
        let again = Fate::Redelivered { error: error.clone(), counts: true };
        assert_eq!(decide(TurnOver::Error(error), FIRST), (again, AgentNext::Exits { exit, counted: true }));
    }

    #[test]
    fn what_a_stop_has_unwound_is_stopped_or_waits_for_the_next_life() {
        let unwound = || TurnOver::Error(AgentError::message("cancelled"));
        let for_good = TurnFacts { stopping: StopSeen::ForGood, ..FIRST };
        assert_eq!(decide(unwound(), for_good), (Fate::Stopped, AgentNext::StopsWhole));
        let comes_back = TurnFacts { stopping: StopSeen::ComesBack, ..FIRST };
        let (fate, next) = decide(unwound(), comes_back);
        let waits = matches!(&fate, Fate::Redelivered { error, counts: false } if error.class() == FailureClass::Killed);
        assert!(waits && next == AgentNext::StopsWhole, "{fate:?} {next:?}");
    }

    #[test]
    fn a_crash_under_a_stop_for_good_leaves_the_task_stopped_and_any_other_an_attempt() {
        let fate = |stopping| {
            decide(TurnOver::Panic(Panic::new(&"oh", None, None)), TurnFacts { stopping, ..FIRST }).0
        };
        assert_eq!(fate(StopSeen::ForGood), Fate::Stopped);
        for stopping in [StopSeen::No, StopSeen::ComesBack] {
            assert!(matches!(fate(stopping), Fate::Redelivered { counts: true, .. }), "{stopping:?}");
        }
    }
}
