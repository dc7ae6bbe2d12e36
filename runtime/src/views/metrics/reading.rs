//! What a swarm comes to in numbers, as a value.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::names::Names;
use super::tally::{BOUNDS_MS, Series, Tally, TimedThing, Tokens};
use crate::words::event::Outcome;
use crate::words::money::NanoUsd;
use crate::words::policy::FailureClass;
use crate::words::usage::Usage;

/// The numbers of a swarm, or of a subtree since its top was spawned. Counts only grow, but for those of an agent that its
/// supervisor spawned again: what it had counted is its parent's, and it begins anew.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metrics {
    /// Agents that live, by the name of their state; the root and scopes are none.
    pub agents: BTreeMap<String, u64>,
    /// Agents that were spawned below the top.
    pub spawned: u64,
    /// Agents below the top that ended for good: `done`, `stopped`, `failed`, `escalated`.
    pub ended: BTreeMap<String, u64>,
    /// Starts after the first of an agent.
    pub restarts: u64,
    /// Incarnations that failed, by class.
    pub failures: BTreeMap<FailureClass, u64>,
    /// Supervisors whose children failed more often than they allow.
    pub escalations: u64,
    /// Starts that failed.
    pub start_failures: u64,
    /// Tasks accepted by a mailbox.
    pub accepted: u64,
    /// Tasks that came again after a crash or by the agent's wish.
    pub redelivered: u64,
    /// Tasks by their outcome.
    pub tasks: BTreeMap<Outcome, u64>,
    /// Tasks that wait for their turn, right now.
    pub queued: u64,
    /// The longest queue of one agent, right now.
    pub longest_queue: u64,
    /// Effects by kind: the first 32 kinds that the swarm met, the rest as `other`.
    pub effects: BTreeMap<String, EffectMetrics>,
    /// Tries of effects that failed and were followed by another.
    pub retries: u64,
    /// Effects that were refused, by the link of the chain that did: `budget`, or one's own.
    pub refusals: BTreeMap<String, u64>,
    /// How the links of the chain stand, right now, by their names: the sum of each of their numbers over all keys. It is no fold of
    /// events, and only a whole swarm's metrics have it.
    #[serde(default)]
    pub limits: BTreeMap<String, BTreeMap<String, u64>>,
    /// Effects that were billed above their stated worst case.
    pub overruns: u64,
    /// Turns that were interrupted.
    pub interrupts: u64,
    /// Turns that were found without progress.
    pub stale_turns: u64,
    /// Cells that were lost.
    pub lost_cells: u64,
    /// Agents that a stop could not end.
    pub stuck: u64,
    /// What is booked: money, tokens, calls.
    pub spent: Usage,
    /// Money that effects in flight may still cost.
    pub reserved: NanoUsd,
    /// How long tasks waited before each of their turns.
    pub wait: Histogram,
    /// How long turns took.
    pub turn: Histogram,
    /// How long tasks took from acceptance to outcome: what an ask waits, once there is room.
    pub task: Histogram,
    /// How long ordered stops took.
    pub stop: Histogram,
}

/// The numbers of one kind of effect.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EffectMetrics {
    /// Effects in flight, right now.
    pub open: u64,
    /// Effects that are over, by how: `done`, `failed`, `expired`, `cancelled`.
    pub ended: BTreeMap<String, u64>,
    /// How long they took, from their admission on.
    pub time: Histogram,
}

/// How long things took, in fixed buckets from 1 ms to 600 s.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Histogram {
    /// How many fell into each bucket, and last how many lie above them all.
    counts: Vec<u64>,
    /// All of them together.
    total: Duration,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: vec![0; BOUNDS_MS.len() + 1], total: Duration::ZERO }
    }
}

impl Histogram {
    /// How many there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// All of them together.
    #[must_use]
    pub const fn total(&self) -> Duration {
        self.total
    }

    /// Each bucket's upper bound with how many took no longer; none is no bound.
    pub fn cumulated(&self) -> impl Iterator<Item = (Option<Duration>, u64)> {
        let bounds = BOUNDS_MS.iter().map(|bound| Some(Duration::from_millis(*bound))).chain([None]);
        bounds.zip(&self.counts).scan(0, |sum, (bound, count)| {
            *sum += count;
            Some((bound, *sum))
        })
    }

    /// The bound below which so many thousandths of them lie; none if that is above 600 s, or there were none.
    #[must_use]
    pub fn quantile(&self, permille: u64) -> Option<Duration> {
        let wanted = u128::from(self.count()) * u128::from(permille.min(1_000));
        let mut reached = self.cumulated().filter(|(_, count)| *count > 0);
        reached.find(|(_, count)| u128::from(*count) * 1_000 >= wanted)?.0
    }
}

impl Metrics {
    pub(super) fn of(tally: &Tally, names: &Names) -> Self {
        let mut metrics = Self::default();
        for (series, count) in tally.iter() {
            metrics.take(series, count, names);
        }
        for effect in metrics.effects.values_mut() {
            // Counted at their begin: what has ended is not open.
            effect.open = effect.open.saturating_sub(effect.ended.values().sum());
        }
        metrics
    }

    fn take(&mut self, series: Series, count: u64, names: &Names) {
        match series {
            Series::Spawned => self.spawned = count,
            Series::Ended(ending) => *self.ended.entry(ending.name().to_owned()).or_default() += count,
            Series::Restarts => self.restarts = count,
            Series::Failures(class) => *self.failures.entry(class).or_default() += count,
            Series::Escalations => self.escalations = count,
            Series::StartFailures => self.start_failures = count,
            Series::Accepted => self.accepted = count,
            Series::Redelivered => self.redelivered = count,
            Series::Tasks(outcome) => *self.tasks.entry(outcome).or_default() += count,
            Series::EffectsBegun(kind) => self.effect(names.kinds.name(kind)).open += count,
            Series::Effects(kind, end) => {
                let effect = self.effect(names.kinds.name(kind));
                *effect.ended.entry(end.name().to_owned()).or_default() += count;
            }
            Series::Retries => self.retries = count,
            Series::Refusals(link) => {
                *self.refusals.entry(names.links.name(link).to_owned()).or_default() += count;
            }
            Series::Overruns => self.overruns = count,
            Series::Interrupts => self.interrupts = count,
            Series::StaleTurns => self.stale_turns = count,
            Series::LostCells => self.lost_cells = count,
            Series::Stuck => self.stuck = count,
            Series::SpentNanoUsd => self.spent.money = NanoUsd(count),
            Series::ReservedNanoUsd => self.reserved = NanoUsd(count),
            Series::FreedNanoUsd => self.reserved = self.reserved.saturating_sub(NanoUsd(count)),
            Series::Tokens(Tokens::Input) => self.spent.input_tokens = count,
            Series::Tokens(Tokens::Output) => self.spent.output_tokens = count,
            Series::Tokens(Tokens::Cached) => self.spent.cached_tokens = count,
            Series::Calls => self.spent.calls = count,
            Series::Bucket(clock, at) => {
                if let Some(bucket) = self.clock(clock, names).counts.get_mut(usize::from(at)) {
                    *bucket += count;
                }
            }
            Series::Nanos(clock) => self.clock(clock, names).total += Duration::from_nanos(count),
        }
    }

    fn effect(&mut self, kind: &str) -> &mut EffectMetrics {
        self.effects.entry(kind.to_owned()).or_default()
    }

    fn clock(&mut self, clock: TimedThing, names: &Names) -> &mut Histogram {
        match clock {
            TimedThing::Wait => &mut self.wait,
            TimedThing::Turn => &mut self.turn,
            TimedThing::Task => &mut self.task,
            TimedThing::Stop => &mut self.stop,
            TimedThing::Effect(kind) => &mut self.effect(names.kinds.name(kind)).time,
        }
    }
}
