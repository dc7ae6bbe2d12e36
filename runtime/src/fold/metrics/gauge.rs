//! What is open at one agent, so that its spans can be timed, and what its events count for.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::names::NameId;
use super::tally::{Clock, Ending, Series, Tally, Tokens, bucket};
use crate::event::{Event, What};
use crate::policy::Exit;
use crate::time::Time;
use crate::usage::Usage;

/// The counts of one agent and of what has ended below it, and what is open in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Gauge {
    pub(super) tally: Tally,
    /// In the order of their numbers, which is that of their acceptance.
    tasks: VecDeque<OpenTask>,
    turn: Option<Time>,
    effects: Vec<OpenEffect>,
    stops: Vec<(u64, Time)>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct OpenTask {
    number: u64,
    accepted: Time,
    /// Since when it waits for its turn; none while it has one.
    waits: Option<Time>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct OpenEffect {
    number: u64,
    kind: NameId,
    began: Time,
}

/// What one event adds to an agent's counts. Few events time more than one thing.
#[derive(Default)]
pub(super) struct Added([Option<(Series, u64)>; 9]);

impl Added {
    fn one(series: Series) -> Self {
        Self::default().and(series, 1)
    }

    fn and(mut self, series: Series, count: u64) -> Self {
        if count == 0 {
            return self;
        }
        if let Some(free) = self.0.iter_mut().find(|slot| slot.is_none()) {
            *free = Some((series, count));
        }
        self
    }

    fn timed(self, clock: Clock, began: Option<Time>, event: &Event) -> Self {
        let Some(began) = began else { return self };
        let span = event.at.since(began);
        let nanos = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        self.and(Series::Bucket(clock, bucket(span)), 1).and(Series::Nanos(clock), nanos)
    }

    fn used(self, used: &Usage) -> Self {
        self.and(Series::SpentNanoUsd, used.money.0)
            .and(Series::Tokens(Tokens::Input), used.input_tokens)
            .and(Series::Tokens(Tokens::Output), used.output_tokens)
            .and(Series::Tokens(Tokens::Cached), used.cached_tokens)
            .and(Series::Calls, used.calls)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Series, u64)> {
        self.0.iter().flatten().copied()
    }
}

/// Whether an event counts for its own agent. What an idle agent's life is made of does not, so that it has no gauge.
pub(super) fn counts(event: &Event) -> bool {
    match &event.what {
        What::AgentStarted => event.incarnation > 1,
        What::AgentExited { exit } => exit.is_abnormal(),
        What::AgentStartFailed { .. }
        | What::TaskAccepted { .. }
        | What::TurnBegan { .. }
        | What::TaskRedelivered { .. }
        | What::TaskEnded { .. }
        | What::TurnEnded
        | What::EffectBegan { .. }
        | What::EffectRetried { .. }
        | What::EffectEnded { .. }
        | What::EffectRefused { .. }
        | What::Overrun { .. }
        | What::TurnInterrupted
        | What::TurnStale { .. }
        | What::CellLost
        | What::StopBegan { .. }
        | What::StopEnded { .. } => true,
        _ => false,
    }
}

/// What an event counts for at its agent's parent: that an agent has come or gone.
pub(super) fn counts_above(what: &What) -> Option<Series> {
    match what {
        What::AgentSpawned { .. } => Some(Series::Spawned),
        What::AgentStopped { reason, .. } => Some(Series::Ended(Ending::from(reason))),
        _ => None,
    }
}

impl Gauge {
    /// Takes an event of the agent in, and says what it adds to the counts. `name` is the place of the name in it, if one is.
    pub(super) fn take(&mut self, event: &Event, name: NameId) -> Added {
        match &event.what {
            What::AgentStarted => Added::one(Series::Restarts),
            What::AgentStartFailed { .. } => Added::one(Series::StartFailures),
            What::AgentExited { exit: Exit::Failed { class, .. } } => Added::one(Series::Failures(*class)),
            What::AgentExited { exit: Exit::Escalated { .. } } => Added::one(Series::Escalations),
            What::TaskAccepted { .. } => {
                let number = event.task.as_ref().map_or(0, crate::id::TaskId::number);
                let task = OpenTask { number, accepted: event.at, waits: Some(event.at) };
                self.tasks.push_back(task);
                Added::one(Series::Accepted)
            }
            What::TurnBegan { .. } => {
                self.turn = Some(event.at);
                let waits = self.task(event).and_then(|at| self.tasks[at].waits.take());
                Added::default().timed(Clock::Wait, waits, event)
            }
            What::TaskRedelivered { .. } => {
                if let Some(at) = self.task(event) {
                    self.tasks[at].waits = Some(event.at);
                }
                Added::one(Series::Redelivered)
            }
            What::TaskEnded { outcome } => {
                let task = self.task(event).and_then(|at| self.tasks.remove(at));
                Added::one(Series::Tasks(*outcome)).timed(Clock::Task, task.map(|task| task.accepted), event)
            }
            What::TurnEnded => Added::default().timed(Clock::Turn, self.turn.take(), event),
            What::TurnInterrupted => Added::one(Series::Interrupts),
            What::TurnStale { .. } => Added::one(Series::StaleTurns),
            What::CellLost => Added::one(Series::LostCells),
            What::StopBegan { stop, .. } => {
                self.stops.push((*stop, event.at));
                Added::default()
            }
            What::StopEnded { stop, stuck, .. } => {
                let at = self.stops.iter().position(|(number, _)| number == stop);
                let began = at.map(|at| self.stops.swap_remove(at).1);
                Added::default().and(Series::Stuck, *stuck as u64).timed(Clock::Stop, began, event)
            }
            _ => self.take_effect(event, name),
        }
    }

    fn take_effect(&mut self, event: &Event, name: NameId) -> Added {
        match &event.what {
            What::EffectBegan { effect, reserved, .. } => {
                self.effects.push(OpenEffect { number: *effect, kind: name, began: event.at });
                Added::one(Series::EffectsBegun(name)).and(Series::ReservedNanoUsd, reserved.money.0)
            }
            What::EffectEnded { effect, end, used, reserved, .. } => {
                let booked = Added::default().used(used).and(Series::FreedNanoUsd, reserved.money.0);
                let Some(at) = self.effects.iter().position(|open| open.number == *effect) else {
                    return booked;
                };
                let OpenEffect { kind, began, .. } = self.effects.swap_remove(at);
                booked.and(Series::Effects(kind, *end), 1).timed(Clock::Effect(kind), Some(began), event)
            }
            What::EffectRetried { .. } => Added::one(Series::Retries),
            What::EffectRefused { .. } => Added::one(Series::Refusals(name)),
            What::Overrun { .. } => Added::one(Series::Overruns),
            _ => Added::default(),
        }
    }

    fn task(&self, event: &Event) -> Option<usize> {
        let number = event.task.as_ref()?.number();
        self.tasks.binary_search_by_key(&number, |task| task.number).ok()
    }

    /// Tasks that wait for their turn.
    pub(super) fn queued(&self) -> u64 {
        self.tasks.iter().filter(|task| task.waits.is_some()).count() as u64
    }

    /// Whether something of it will still be timed.
    pub(super) fn is_open(&self) -> bool {
        !self.tasks.is_empty() || !self.effects.is_empty() || !self.stops.is_empty()
    }
}
