//! What is open at one agent, so that its spans can be timed, and what its events count for.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::names::NameId;
use super::tally::{Ending, Series, Tally, TimedThing, Tokens, bucket};
use crate::words::event::{Event, What};
use crate::words::id::TaskId;
use crate::words::policy::Exit;
use crate::words::time::Time;
use crate::words::usage::Usage;

/// The counts of one agent and of what has ended below it, and what is open in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Gauge {
    pub(super) tally: Tally,
    open: OpenNow,
}

/// What is open at an agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct OpenNow {
    /// In the order of their acceptance.
    tasks: VecDeque<OpenTask>,
    turn: Option<Time>,
    effects: Vec<OpenEffect>,
    stops: Vec<(u64, Time)>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct OpenTask {
    id: TaskId,
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

/// Where an event is counted: at its agent and, if that has ended, apart for those above it.
struct GaugeCounts<'a> {
    own: &'a mut Tally,
    above: Option<&'a mut Tally>,
}

impl GaugeCounts<'_> {
    fn one(&mut self, series: Series) {
        self.add(series, 1);
    }

    fn add(&mut self, series: Series, count: u64) {
        if count > 0 {
            self.own.add(series, count);
            if let Some(above) = &mut self.above {
                above.add(series, count);
            }
        }
    }

    fn time(&mut self, clock: TimedThing, began: Option<Time>, event: &Event) {
        let Some(began) = began else { return };
        let span = event.at.since(began);
        self.one(Series::Bucket(clock, bucket(span)));
        self.add(Series::Nanos(clock), u64::try_from(span.as_nanos()).unwrap_or(u64::MAX));
    }

    fn used(&mut self, used: &Usage) {
        self.add(Series::SpentNanoUsd, used.money.0);
        self.add(Series::Tokens(Tokens::Input), used.input_tokens);
        self.add(Series::Tokens(Tokens::Output), used.output_tokens);
        self.add(Series::Tokens(Tokens::Cached), used.cached_tokens);
        self.add(Series::Calls, used.calls);
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
        | What::TryBegan { .. }
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
    /// Takes an event of the agent in. `name` is the place of the name in it, if one is. Gives what it counted, if the agent
    /// has ended: that is for those above it.
    pub(super) fn take(&mut self, event: &Event, name: NameId, has_ended: bool) -> Option<Tally> {
        let mut above = has_ended.then(Tally::default);
        let mut counts = GaugeCounts { own: &mut self.tally, above: above.as_mut() };
        self.open.take(event, name, &mut counts);
        above
    }

    /// Tasks that wait for their turn.
    pub(super) fn queued(&self) -> u64 {
        self.open.tasks.iter().filter(|task| task.waits.is_some()).count() as u64
    }

    /// Whether something of it will still be timed.
    pub(super) fn is_open(&self) -> bool {
        let OpenNow { tasks, turn, effects, stops } = &self.open;
        !tasks.is_empty() || turn.is_some() || !effects.is_empty() || !stops.is_empty()
    }
}

impl OpenNow {
    fn take(&mut self, event: &Event, name: NameId, counts: &mut GaugeCounts<'_>) {
        match &event.what {
            What::AgentStarted => counts.one(Series::Restarts),
            What::AgentStartFailed { .. } => counts.one(Series::StartFailures),
            What::AgentExited { exit: Exit::Failed { class, .. } } => counts.one(Series::Failures(*class)),
            What::AgentExited { exit: Exit::Escalated { .. } } => counts.one(Series::Escalations),
            What::TurnEnded => counts.time(TimedThing::Turn, self.turn.take(), event),
            What::TurnInterrupted => counts.one(Series::Interrupts),
            What::TurnStale { .. } => counts.one(Series::StaleTurns),
            What::CellLost => counts.one(Series::LostCells),
            What::StopBegan { stop, .. } => self.stops.push((*stop, event.at)),
            What::StopEnded { stop, stuck, .. } => {
                let at = self.stops.iter().position(|(number, _)| number == stop);
                let began = at.map(|at| self.stops.swap_remove(at).1);
                counts.add(Series::Stuck, *stuck as u64);
                counts.time(TimedThing::Stop, began, event);
            }
            What::TaskAccepted { .. }
            | What::TurnBegan { .. }
            | What::TaskRedelivered { .. }
            | What::TaskEnded { .. } => self.take_task(event, counts),
            _ => self.take_effect(event, name, counts),
        }
    }

    fn take_task(&mut self, event: &Event, counts: &mut GaugeCounts<'_>) {
        let Some(id) = &event.task else { return };
        if matches!(event.what, What::TaskAccepted { .. }) {
            self.tasks.push_back(OpenTask { id: id.clone(), accepted: event.at, waits: Some(event.at) });
            counts.one(Series::Accepted);
            return;
        }
        // Mostly the first: tasks are worked off in their order.
        let known = self.tasks.iter().position(|task| task.id == *id);
        match &event.what {
            What::TurnBegan { .. } => {
                self.turn = Some(event.at);
                let waits = known.and_then(|at| self.tasks[at].waits.take());
                counts.time(TimedThing::Wait, waits, event);
            }
            What::TaskRedelivered { .. } => {
                if let Some(at) = known {
                    self.tasks[at].waits = Some(event.at);
                }
                counts.one(Series::Redelivered);
            }
            What::TaskEnded { outcome } => {
                let task = known.and_then(|at| self.tasks.remove(at));
                counts.one(Series::Tasks(*outcome));
                counts.time(TimedThing::Task, task.map(|task| task.accepted), event);
            }
            _ => {}
        }
    }

    fn take_effect(&mut self, event: &Event, name: NameId, counts: &mut GaugeCounts<'_>) {
        if let Some((_, reserved)) = event.what.reserves() {
            counts.add(Series::ReservedNanoUsd, reserved.money.0);
        }
        if let Some(settled) = event.what.settles() {
            counts.used(&settled.used);
            counts.add(Series::FreedNanoUsd, settled.freed.money.0);
        }
        match &event.what {
            What::EffectBegan { effect, .. } => {
                self.effects.push(OpenEffect { number: *effect, kind: name, began: event.at });
                counts.one(Series::EffectsBegun(name));
            }
            What::EffectEnded { effect, end, .. } => {
                if let Some(at) = self.effects.iter().position(|open| open.number == *effect) {
                    let OpenEffect { kind, began, .. } = self.effects.swap_remove(at);
                    counts.one(Series::Effects(kind, *end));
                    counts.time(TimedThing::Effect(kind), Some(began), event);
                }
            }
            What::EffectRetried { .. } => counts.one(Series::Retries),
            What::EffectRefused { .. } => counts.one(Series::Refusals(name)),
            What::Overrun { .. } => counts.one(Series::Overruns),
            _ => {}
        }
    }
}
