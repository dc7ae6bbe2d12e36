//! What a pattern would take, before anything is spent: pure.
//!
//! # Invariants
//! 1. A run takes no more agents, calls and levels than its estimate says, whatever fails in it.
//! 2. Where the estimate has a cost, a budget holds each part to its share of it.

use std::fmt;

use serde::{Deserialize, Serialize};
use skep_runtime::{Budget, Usage};

use crate::work::Bounds;

/// What a pattern takes at most, before anything is spent.
///
/// It counts the agents that the pattern begins and not those that they begin themselves; its cost counts these too, because a
/// part's budget does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[must_use]
pub struct Estimate {
    /// Agents that are begun.
    pub agents: u64,
    /// Of those, how many live at the same time.
    pub at_once: u64,
    /// Attempts at tasks: each is a call of a model, if the agents are model agents.
    pub calls: u64,
    /// Levels of agents below the owner, for [`Budget::depth`].
    pub depth: u32,
    /// The worst cost. None if some part has no bound: `unbounded` and `unknown` name them.
    pub cost: Option<Usage>,
    /// Parts without a budget of money, if the whole has none either.
    pub unbounded: Vec<String>,
    /// Patterns that are built of what an earlier part gives. Nothing of them is counted but the budget that they have.
    pub unknown: Vec<String>,
}

impl Estimate {
    /// Nothing at all.
    pub(crate) fn nothing() -> Self {
        Self { cost: Some(Usage::ZERO), ..Self::default() }
    }

    /// An agent that is asked once, in so many attempts.
    pub(crate) fn agent(name: &str, attempts: u32, budget: Option<&Budget>) -> Self {
        let cost = budget.and_then(most);
        let unbounded = if cost.is_none() { vec![name.to_owned()] } else { Vec::new() };
        Self { agents: 1, at_once: 1, calls: attempts.into(), depth: 1, cost, unbounded, unknown: Vec::new() }
    }

    /// A part of which nothing is known yet, but what a budget says.
    pub(crate) fn unknown(name: &str, budget: Option<&Budget>) -> Self {
        Self { cost: budget.and_then(most), unknown: vec![name.to_owned()], ..Self::default() }
    }

    /// A part whose task is not known yet, by what work of its type takes.
    pub(crate) fn later(takes: fn(&Bounds<'_>) -> Option<Self>, bounds: &Bounds<'_>) -> Self {
        takes(bounds).unwrap_or_else(|| Self::unknown(bounds.name, bounds.costing))
    }

    /// This and then that: both are paid, and one at a time lives.
    pub(crate) fn then(self, next: Self) -> Self {
        let at_once = self.at_once.max(next.at_once);
        Self { at_once, ..self.and(next) }
    }

    /// This and that at the same time.
    pub(crate) fn and(mut self, other: Self) -> Self {
        add_names(&mut self.unbounded, other.unbounded);
        add_names(&mut self.unknown, other.unknown);
        Self {
            agents: self.agents.saturating_add(other.agents),
            at_once: self.at_once.saturating_add(other.at_once),
            calls: self.calls.saturating_add(other.calls),
            depth: self.depth.max(other.depth),
            cost: self.cost.zip(other.cost).map(|(one, other)| one + other),
            unbounded: self.unbounded,
            unknown: self.unknown,
        }
    }

    /// Either this or that, whichever takes more.
    pub(crate) fn or(mut self, other: Self) -> Self {
        add_names(&mut self.unbounded, other.unbounded);
        add_names(&mut self.unknown, other.unknown);
        let dearer = |(one, other): (Usage, Usage)| if one.money < other.money { other } else { one };
        Self {
            agents: self.agents.max(other.agents),
            at_once: self.at_once.max(other.at_once),
            calls: self.calls.max(other.calls),
            depth: self.depth.max(other.depth),
            cost: self.cost.zip(other.cost).map(dearer),
            unbounded: self.unbounded,
            unknown: self.unknown,
        }
    }

    /// All of these, so many at the same time.
    pub(crate) fn side_by_side(parts: impl IntoIterator<Item = Self>, at_most: usize) -> Self {
        let mut most: Vec<u64> = Vec::new();
        let all = parts.into_iter().fold(Self::nothing(), |all, part| {
            most.push(part.at_once);
            all.and(part)
        });
        most.sort_unstable_by(|one, other| other.cmp(one));
        Self { at_once: most.iter().take(at_most).sum(), ..all }
    }

    /// The same, so many times over, one after the other.
    pub(crate) fn times(self, count: u64) -> Self {
        Self {
            agents: self.agents.saturating_mul(count),
            calls: self.calls.saturating_mul(count),
            cost: self.cost.map(|cost| cost.times(u32::try_from(count).unwrap_or(u32::MAX))),
            ..self
        }
    }

    /// Under a budget of the whole.
    pub(crate) fn within(self, budget: Option<&Budget>) -> Self {
        match (self.cost, budget.and_then(most)) {
            (Some(parts), Some(whole)) if parts.money <= whole.money => self,
            (_, Some(whole)) => Self { cost: Some(whole), unbounded: Vec::new(), ..self },
            (_, None) => self,
        }
    }

    /// What it would cost if every call were such a one: to compare tiers, such as all of it on the dear model.
    #[must_use]
    pub fn if_each_cost(&self, each: Usage) -> Usage {
        each.times(u32::try_from(self.calls).unwrap_or(u32::MAX))
    }
}

/// Neighbours of one name are named once.
fn add_names(names: &mut Vec<String>, more: Vec<String>) {
    for name in more {
        if names.last() != Some(&name) {
            names.push(name);
        }
    }
}

/// What a budget lets be spent at most, if it bounds money for good.
fn most(budget: &Budget) -> Option<Usage> {
    let limits = budget.check().ok().filter(|limits| limits.window.is_none())?;
    limits.money.map(Usage::money)
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { agents, at_once, calls, .. } = self;
        let s = |count: u64| if count == 1 { "" } else { "s" };
        write!(f, "{agents} agent{}, {at_once} at once, {calls} call{}", s(*agents), s(*calls))?;
        match &self.cost {
            Some(cost) => write!(f, ", at most {}", cost.money)?,
            None => write!(f, ", no bound of cost")?,
        }
        if !self.unbounded.is_empty() {
            write!(f, " (without a budget: {})", self.unbounded.join(", "))?;
        }
        if !self.unknown.is_empty() {
            write!(f, ", and besides what comes of {}", self.unknown.join(", "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_after_is_paid_too_and_lives_later() {
        let (cheap, dear) = (Budget::usd("0.10"), Budget::usd("1"));
        let one = Estimate::agent("a", 3, Some(&cheap));
        let two = Estimate::side_by_side((0..4).map(|_| Estimate::agent("b", 1, Some(&dear))), 2);
        let both = one.then(two);
        assert_eq!((both.agents, both.at_once, both.calls, both.depth), (5, 2, 7, 1));
        assert_eq!(both.to_string(), "5 agents, 2 at once, 7 calls, at most $4.10");
        assert_eq!(both.within(Some(&dear)).cost, Some(Usage::money("1".parse().unwrap())));
    }

    #[test]
    fn a_part_without_a_bound_is_named() {
        let bounded = Estimate::agent("a", 1, Some(&Budget::usd("1")));
        let all = bounded.and(Estimate::agent("b", 1, None)).and(Estimate::unknown("c", None));
        assert_eq!((all.cost, all.unbounded.join(""), all.unknown.join("")), (None, "b".into(), "c".into()));
        assert_eq!(
            all.to_string(),
            "2 agents, 2 at once, 2 calls, no bound of cost (without a budget: b), and besides what comes of c"
        );
        assert_eq!(all.within(Some(&Budget::usd("2"))).unbounded, [""; 0], "the whole has one");
        let hourly = Budget::usd("1").every(std::time::Duration::from_secs(3600));
        assert_eq!(Estimate::agent("a", 1, Some(&hourly)).cost, None, "a window turns");
    }
}
