//! Plans that break agents while they work and that the work survives.
//!
//! # Invariants
//! 1. An agent gets at most one fault fewer that uses an attempt up (a panic, a hang) than its tasks have attempts, over the
//!    whole plan. So every task is left one attempt, whichever tasks the faults hit.
//! 2. No fault makes an effect return an error, and no pause is longer than an effect may take: what an agent answers with
//!    is what it would have answered.

use std::time::Duration;

use skep_runtime::defaults;
use skep_runtime::fault::Fault;

use super::point::Point;
use super::{FaultPlan, Rule};
use crate::dice::Dice;

/// What a chaos plan needs to know about its swarm.
///
/// A hang ends when its turn is found stale, so agents that hang need a heartbeat of a few seconds. A kill is a restart: it
/// counts in the window of a supervisor, not for children of scopes and tasks. Agents have to be restarted after a failure
/// (not `Temporary`), and no effect that may happen only once may be among `effects`.
#[derive(Clone, Debug)]
pub struct Chaos {
    /// The agents, by name or glob; each gets its share.
    pub agents: Vec<String>,
    /// Kinds of the effects in which they are hit, as one glob.
    pub effects: String,
    /// How many effects a task has at least, so that faults fall within them; those that are not reached do not fire.
    pub effects_per_task: u64,
    /// The number of attempts at a task.
    pub attempts: u32,
    /// The longest pause; well below the effects' own deadline.
    pub pause: Duration,
}

impl Chaos {
    /// For agents of these names, whose tasks have three attempts and some ten effects.
    #[must_use]
    pub fn of<S: Into<String>>(agents: impl IntoIterator<Item = S>) -> Self {
        Self {
            agents: agents.into_iter().map(Into::into).collect(),
            effects: "*".to_owned(),
            effects_per_task: 10,
            attempts: defaults::ATTEMPTS,
            pause: Duration::from_millis(400),
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Panic,
    Hang,
    Kill,
    LoseCell,
    Slow,
}

const KINDS: [Kind; 5] = [Kind::Panic, Kind::Hang, Kind::Kill, Kind::LoseCell, Kind::Slow];

impl FaultPlan {
    /// A plan of a seed that crashes, hangs, slows and kills agents and loses their cells while they work, so that the result
    /// is still the same: see [`Chaos`] for what it asks of the swarm. [`FaultPlan::describe`] says what it will do.
    ///
    /// Each agent gets two faults and a pause. Over three agents or more, every kind of fault is among them.
    #[must_use]
    pub fn chaos(seed: u64, chaos: &Chaos) -> Self {
        let mut dice = Dice::seeded(seed);
        let mut deck: Vec<Kind> = Vec::new();
        let mut plan = Self { seed, rules: Vec::new() };
        for agent in &chaos.agents {
            let mut spare = chaos.attempts.saturating_sub(1);
            for _ in 0..2 {
                let kind = deal(&mut deck, &mut dice, spare > 0);
                spare -= u32::from(costs_an_attempt(kind));
                plan.rules.push(rule(kind, agent, chaos, &mut dice));
            }
            plan.rules.push(rule(Kind::Slow, agent, chaos, &mut dice));
        }
        plan
    }
}

const fn costs_an_attempt(kind: Kind) -> bool {
    matches!(kind, Kind::Panic | Kind::Hang)
}

/// The next kind from a shuffled deck, skipping those that use an attempt up where none is to spare.
fn deal(deck: &mut Vec<Kind>, dice: &mut Dice, has_spare: bool) -> Kind {
    loop {
        let fits = |kind: &Kind| *kind != Kind::Slow && (has_spare || !costs_an_attempt(*kind));
        if let Some(place) = deck.iter().position(fits) {
            return deck.remove(place);
        }
        let mut fresh = KINDS.to_vec();
        dice.shuffle(&mut fresh);
        deck.extend(fresh);
    }
}

fn rule(kind: Kind, agent: &str, chaos: &Chaos, dice: &mut Dice) -> Rule {
    let nth = dice.between(1, chaos.effects_per_task);
    let in_effect = Point::effect(&chaos.effects).of(agent).nth(nth);
    let least = chaos.pause / 4;
    let rule = match kind {
        Kind::Panic => in_effect.panics(),
        Kind::Kill => in_effect.kills(),
        Kind::LoseCell => in_effect.loses_cell(),
        Kind::Slow => {
            let more = u64::try_from((chaos.pause - least).as_millis()).unwrap_or(u64::MAX);
            in_effect.does(Fault::Slow(least + Duration::from_millis(dice.below(more))))
        }
        // In an effect its deadline would make an error of it.
        Kind::Hang => Point::turn().of(agent).nth(dice.between(1, 2)).hangs(),
    };
    rule.times(1).may_rest()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn every_task_is_left_an_attempt_and_every_kind_of_fault_is_there() {
        for seed in 0..500 {
            for attempts in 1..4 {
                let chaos = Chaos { attempts, ..Chaos::of(["a", "b", "c", "d"]) };
                let plan = FaultPlan::chaos(seed, &chaos);
                let mut costly: BTreeMap<&str, u32> = BTreeMap::new();
                let mut names = std::collections::BTreeSet::new();
                for rule in &plan.rules {
                    let is_costly = matches!(rule.action, Fault::Panic | Fault::Hang);
                    *costly.entry(&rule.agent).or_default() +=
                        u32::from(is_costly) * u32::from(rule.times == Some(1));
                    assert!(!matches!(rule.action, Fault::Error(_)) && rule.times == Some(1), "{rule}");
                    names.insert(rule.action.name());
                }
                assert!(costly.values().all(|count| *count < attempts), "seed {seed}: {plan:?}");
                let kinds = if attempts > 1 { 5 } else { 3 };
                assert_eq!(names.len(), kinds, "seed {seed}: {names:?}");
            }
        }
    }

    #[test]
    fn a_seed_is_one_plan() {
        let plan = |seed| FaultPlan::chaos(seed, &Chaos::of(["a", "b"]));
        assert_eq!(plan(1), plan(1));
        assert_ne!(plan(1).rules, plan(2).rules);
        assert!(plan(1).describe().iter().all(|line| line.contains(" of a") || line.contains(" of b")));
    }
}
