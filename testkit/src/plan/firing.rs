//! A plan at work: it decides at each arrival, and remembers where anything arrived.
#![allow(clippy::disallowed_methods, reason = "the window of a rule is on the clock that the swarm has")]

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use parking_lot::Mutex;
use skep_runtime::AgentId;
use skep_runtime::fault::{Fault, Faults, Phase, Site};
use tokio::time::Instant;

use super::blind::Blind;
use super::{FaultPlan, Rule};
use crate::dice::Dice;

/// A plan at work in one swarm. It is what the swarm's environment is given.
pub struct Firing {
    rules: Vec<Rule>,
    began: Instant,
    state: Mutex<State>,
}

struct State {
    dice: Dice,
    /// Of each rule, and of each agent alone where it counts so.
    counts: Vec<BTreeMap<Option<AgentId>, Count>>,
    hits: BTreeMap<(String, Phase, String), u64>,
    /// By how much the clock has jumped in all.
    jumped: Duration,
    blind: Blind,
}

/// The arrivals that a rule's selectors matched, and how often it fired.
#[derive(Clone, Copy, Default)]
struct Count {
    hits: u64,
    fired: u64,
}

/// A point that was arrived at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The agent's name.
    pub agent: String,
    /// The kind of place.
    pub phase: Phase,
    /// What [`Phase::detail`] says.
    pub detail: String,
    /// How often.
    pub times: u64,
}

impl Firing {
    /// A plan that begins now. `seed` is the world's; the plan's own is mixed in.
    #[must_use]
    pub fn new(plan: &FaultPlan, seed: u64) -> Self {
        let dice = Dice::seeded(seed ^ plan.seed.rotate_left(32));
        let counts = vec![BTreeMap::new(); plan.rules.len()];
        let state = Mutex::new(State {
            dice,
            counts,
            hits: BTreeMap::new(),
            jumped: Duration::ZERO,
            blind: Blind::default(),
        });
        Self { rules: plan.rules.clone(), began: Instant::now(), state }
    }

    /// The points that were arrived at, by agent.
    #[must_use]
    pub fn hits(&self) -> Vec<Hit> {
        let hits = &self.state.lock().hits;
        let hit = |((agent, phase, detail), times): (&(String, Phase, String), &u64)| Hit {
            agent: agent.clone(),
            phase: *phase,
            detail: detail.clone(),
            times: *times,
        };
        hits.iter().map(hit).collect()
    }

    /// By how much the plan has moved the clock in all: so much later than promised may anything be.
    pub(crate) fn jumped(&self) -> Duration {
        self.state.lock().jumped
    }

    /// A line for each place at which the clock may have jumped over something real.
    pub(crate) fn outside(&self) -> Vec<String> {
        self.state.lock().blind.lines(self.began.elapsed())
    }

    /// How often each rule fired.
    #[must_use]
    pub fn fired(&self) -> Vec<u64> {
        let state = self.state.lock();
        state.counts.iter().map(|counts| counts.values().map(|count| count.fired).sum()).collect()
    }

    /// A line for each rule that had to fire and never did.
    #[must_use]
    pub fn idle(&self) -> Vec<String> {
        let fired = self.fired();
        let idle = self.rules.iter().zip(fired).filter(|(rule, fired)| *fired == 0 && !rule.may_rest);
        idle.map(|(rule, _)| format!("never fired: {rule}")).collect()
    }
}

impl Faults for Firing {
    fn at(&self, site: &Site<'_>) -> Option<(usize, Fault)> {
        let since = self.began.elapsed();
        let mut state = self.state.lock();
        let place = (site.name.to_owned(), site.phase, site.detail.to_owned());
        *state.hits.entry(place).or_default() += 1;
        let mut chosen = None;
        for (number, rule) in self.rules.iter().enumerate().filter(|(_, rule)| rule.selects(site)) {
            let State { dice, counts, .. } = &mut *state;
            let whose = rule.per_agent.then(|| site.agent.clone());
            let count = counts[number].entry(whose).or_default();
            count.hits += 1;
            let fits = rule.nth.is_none_or(|nth| nth == count.hits)
                && rule.times.is_none_or(|most| count.fired < most)
                && rule.window.is_none_or(|(from, until)| (from..until).contains(&since));
            // Thrown at every arrival that fits, so that one rule's firing does not change another's chances.
            let fires = fits && rule.permille.is_none_or(|permille| dice.chance(permille));
            if fires && chosen.is_none() {
                count.fired += 1;
                chosen = Some((number, rule.action.clone()));
            }
        }
        chosen
    }

    fn jump_clock(&self, by: Duration) {
        let mut state = self.state.lock();
        state.jumped = state.jumped.saturating_add(by);
        drop(state);
        // It has jumped with its first poll; the rest of it only lets others run.
        let jump = pin!(tokio::time::advance(by));
        let _ = jump.poll(&mut Context::from_waker(Waker::noop()));
    }

    fn waits_blindly(&self, site: &Site<'_>, waits: bool) {
        let now = self.began.elapsed();
        self.state.lock().blind.change(site, waits, now);
    }
}

/// Such as `effect model of editor, 3 times`.
impl fmt::Display for Hit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.phase)?;
        if !self.detail.is_empty() {
            write!(f, " {}", self.detail)?;
        }
        write!(f, " of {}, {} time{}", self.agent, self.times, if self.times == 1 { "" } else { "s" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Point;

    fn arrivals(plan: &FaultPlan, seed: u64, count: usize) -> Vec<Option<usize>> {
        let firing = Firing::new(plan, seed);
        let id = AgentId::root("lab").child(1);
        let site = Site { agent: &id, name: "a", phase: Phase::Effect, detail: "model" };
        (0..count).map(|_| firing.at(&site).map(|(rule, _)| rule)).collect()
    }

    #[test]
    fn a_rule_fires_at_its_nth_arrival_and_as_often_as_it_may() {
        let plan = FaultPlan::default().rule(Point::effect("model").nth(2).panics());
        assert_eq!(arrivals(&plan, 0, 4), [None, Some(0), None, None]);
        let twice =
            FaultPlan::default().rule(Point::effect("*").kills().times(2)).rule(Point::effect("*").panics());
        assert_eq!(arrivals(&twice, 0, 4), [Some(0), Some(0), Some(1), Some(1)]);
    }

    #[test]
    fn a_rule_can_count_for_each_agent_alone() {
        let firing = Firing::new(&FaultPlan::default().rule(Point::turn().per_agent().nth(2).panics()), 0);
        let fires = |child| {
            let id = AgentId::root("lab").child(child);
            firing.at(&Site { agent: &id, name: "a", phase: Phase::Turn, detail: "" }).is_some()
        };
        assert_eq!([1, 2, 1, 2, 1, 2].map(fires), [false, false, true, true, false, false]);
        assert_eq!(firing.fired(), [2]);
    }

    #[test]
    fn chances_are_thrown_by_the_seed() {
        let plan = FaultPlan::default().rule(Point::effect("*").chance(300).panics());
        let fired = arrivals(&plan, 5, 1_000);
        assert_eq!(fired, arrivals(&plan, 5, 1_000));
        assert_ne!(fired, arrivals(&plan, 6, 1_000));
        let share = fired.iter().flatten().count();
        assert!((250..350).contains(&share), "{share} of 1000");
    }

    #[tokio::test(start_paused = true)]
    async fn a_window_is_on_the_swarms_clock() {
        let (from, until) = (Duration::from_secs(5), Duration::from_secs(6));
        let plan = FaultPlan::default().rule(Point::turn().between(from, until).hangs());
        let firing = Firing::new(&plan, 0);
        let id = AgentId::root("lab");
        let site = Site { agent: &id, name: "a", phase: Phase::Turn, detail: "" };
        assert!(firing.at(&site).is_none());
        tokio::time::advance(from).await;
        assert!(firing.at(&site).is_some());
        tokio::time::advance(from).await;
        assert!(firing.at(&site).is_none());
    }

    #[test]
    fn a_rule_that_never_fired_is_named_and_so_are_the_points_that_were_hit() {
        let plan = FaultPlan::default()
            .rule(Point::effect("grep").of("b").panics())
            .rule(Point::stop().hangs().may_rest());
        let firing = Firing::new(&plan, 0);
        let id = AgentId::root("lab");
        firing.at(&Site { agent: &id, name: "a", phase: Phase::Effect, detail: "model" });
        assert_eq!(firing.idle(), ["never fired: a panic in each effect grep of b"]);
        assert_eq!(firing.hits()[0].to_string(), "effect model of a, 1 time");
    }
}
