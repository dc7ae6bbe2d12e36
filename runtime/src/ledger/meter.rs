//! The meter of a seat: what it and its subtree have spent and reserved, right now.
//!
//! # Invariants
//! 1. Of every amount, a meter's subtree is its own and that of all meters ever made below it. Whatever is written is
//!    written at the meter and all its ancestors, so nothing has to be handed up when an agent ends.
//! 2. `admit` changes nothing. What is admitted and then reserved in the same critical section fits every budget above it:
//!    spent + reserved ≤ cap + overruns, at each budgeted meter, always.
//! 3. There is one writer at a time: `admit` with the `apply` that follows, and every other `apply`, are called under the
//!    journal's lock. Reading needs no lock: each number read is one that was true; several read together may be from
//!    before and after an event.

use std::iter::successors;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use super::balance::AtomicBalance;
use super::limits::Exceeded;
use super::{Balance, Limits, OnRefusal, Refusal};
use crate::event::What;
use crate::id::AgentId;
use crate::usage::Usage;

/// The meter of one seat.
#[derive(Debug)]
pub struct Meter {
    id: AgentId,
    parent: Option<Arc<Meter>>,
    /// Boxed, since few seats have any.
    limits: Option<Box<Limits>>,
    /// Made with the first amount, since most agents of a large swarm are idle.
    amounts: OnceLock<Box<Amounts>>,
    /// Levels of agents above it.
    depth: u32,
    is_scope: bool,
    /// Agents below it that live.
    live: AtomicU32,
}

/// A budget whose warning share has just been passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The agent whose budget it is.
    pub agent: AgentId,
    /// The share, in thousandths.
    pub permille: u32,
}

impl Meter {
    /// The meter of a session's root.
    #[must_use]
    pub fn root(id: AgentId, limits: Limits) -> Arc<Self> {
        Self::new(id, None, limits, 0, false)
    }

    /// The meter of an agent below `parent`.
    #[must_use]
    pub fn child(parent: &Arc<Self>, id: AgentId, limits: Limits) -> Arc<Self> {
        Self::new(id, Some(Arc::clone(parent)), limits, parent.depth.saturating_add(1), false)
    }

    /// The meter of a scope below `parent`: no level of depth, and no living agent.
    #[must_use]
    pub fn scope(parent: &Arc<Self>, id: AgentId, limits: Limits) -> Arc<Self> {
        Self::new(id, Some(Arc::clone(parent)), limits, parent.depth, true)
    }

    fn new(id: AgentId, parent: Option<Arc<Self>>, limits: Limits, depth: u32, is_scope: bool) -> Arc<Self> {
        let limits = (!limits.is_none()).then(|| Box::new(limits));
        Arc::new(Self {
            id,
            parent,
            limits,
            amounts: OnceLock::new(),
            depth,
            is_scope,
            live: AtomicU32::new(0),
        })
    }

    /// Whose meter it is.
    #[must_use]
    pub const fn id(&self) -> &AgentId {
        &self.id
    }

    /// Its budget, if it has one.
    #[must_use]
    pub fn limits(&self) -> Option<&Limits> {
        self.limits.as_deref()
    }

    /// What the agent itself spends.
    #[must_use]
    pub fn own(&self) -> Balance {
        self.amounts.get().map_or_else(Balance::default, |amounts| amounts.own.get())
    }

    /// What the agent and everything below it, living or ended, spend.
    #[must_use]
    pub fn subtree(&self) -> Balance {
        self.amounts.get().map_or_else(Balance::default, |amounts| amounts.subtree.get())
    }

    /// Agents below it that live, scopes not counted.
    #[must_use]
    pub fn live_agents(&self) -> u32 {
        self.live.load(Relaxed)
    }

    /// Levels of agents above it, scopes not counted.
    #[must_use]
    pub const fn depth(&self) -> u32 {
        self.depth
    }

    /// Whether an effect of this agent may begin: its worst case must fit every budget from here to the root. None is an
    /// effect without a finite worst case, which no budget of money or tokens takes.
    ///
    /// # Errors
    /// The nearest budget that has no room, or is overrun and so closed to all effects. Nothing is changed either way.
    pub fn admit(&self, worst: Option<&Usage>) -> Result<(), Refusal> {
        self.ask_all(|limits, meter| limits.admit(&meter.subtree(), worst))
    }

    /// Whether an agent may be spawned right below this one, as far as depth and living agents go.
    ///
    /// # Errors
    /// The nearest budget that does not allow it. Nothing is changed either way.
    pub fn admit_spawn(&self) -> Result<(), Refusal> {
        let depth = self.depth.saturating_add(1);
        self.ask_all(|limits, meter| limits.admit_spawn(depth - meter.depth, meter.live_agents()))
    }

    /// Takes an event of this agent in: effects that begin and end, its own spawn and end. Any other changes nothing.
    ///
    /// Gives the budgets whose warning share this event has passed, nearest first; each share is passed once in a life of
    /// the meter. Must be called once for each such event, under the lock of invariant 3.
    #[must_use = "a warning is an event that has to be written"]
    pub fn apply(&self, what: &What) -> Vec<Warning> {
        match what {
            What::EffectBegan { reserved, .. } => {
                self.write(|balance| Balance { reserved: balance.reserved + *reserved, ..balance })
            }
            What::EffectEnded { used, reserved, .. } => self.write(|balance| Balance {
                spent: balance.spent + *used,
                reserved: balance.reserved.above(reserved),
            }),
            What::AgentSpawned { .. } if !self.is_scope => self.count(|live| live.saturating_add(1)),
            What::AgentStopped { .. } if !self.is_scope => self.count(|live| live.saturating_sub(1)),
            _ => Vec::new(),
        }
    }

    fn ask_all(&self, allows: impl Fn(&Limits, &Self) -> Result<(), Exceeded>) -> Result<(), Refusal> {
        for meter in self.and_above() {
            let Some(limits) = meter.limits().filter(|limits| limits.on_refusal != OnRefusal::Warn) else {
                continue;
            };
            allows(limits, meter).map_err(|(amount, wanted, left)| Refusal {
                ancestor: meter.id.clone(),
                amount,
                wanted,
                left,
                policy: limits.on_refusal,
            })?;
        }
        Ok(())
    }

    fn write(&self, change: impl Fn(Balance) -> Balance) -> Vec<Warning> {
        self.amounts.get_or_init(Box::default).own.change(&change);
        let mut warnings = Vec::new();
        for meter in self.and_above() {
            let (before, after) = meter.amounts.get_or_init(Box::default).subtree.change(&change);
            let passed = meter.limits().and_then(|limits| limits.passed(&before.spent, &after.spent));
            warnings.extend(passed.map(|permille| Warning { agent: meter.id.clone(), permille }));
        }
        warnings
    }

    fn count(&self, change: impl Fn(u32) -> u32) -> Vec<Warning> {
        for above in self.and_above().skip(1) {
            above.live.store(change(above.live.load(Relaxed)), Relaxed);
        }
        Vec::new()
    }

    fn and_above(&self) -> impl Iterator<Item = &Self> {
        successors(Some(self), |meter| meter.parent.as_deref())
    }
}

/// A chain of meters may be long: it is let go link by link, not by recursion.
impl Drop for Meter {
    fn drop(&mut self) {
        let mut above = self.parent.take();
        while let Some(mut meter) = above.and_then(Arc::into_inner) {
            above = meter.parent.take();
        }
    }
}

#[derive(Debug, Default)]
struct Amounts {
    own: AtomicBalance,
    subtree: AtomicBalance,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{EffectEnd, Role};
    use crate::ledger::{Amount, Budget};
    use crate::lifecycle::StopReason;

    fn calls(count: u64) -> What {
        What::EffectBegan { effect: 1, kind: "call".into(), reserved: Usage::calls(count) }
    }

    fn settled(used: u64, reserved: u64) -> What {
        let (used, reserved) = (Usage::calls(used), Usage::calls(reserved));
        What::EffectEnded { effect: 1, end: EffectEnd::Done, used, reserved, estimated: false, late: false }
    }

    fn spawned() -> What {
        What::AgentSpawned { name: "a".into(), agent_type: "A".into(), role: Role::Dynamic, budget: None }
    }

    fn limits(budget: &Budget) -> Limits {
        budget.check().unwrap()
    }

    #[test]
    fn an_effect_is_reserved_and_settled_at_every_ancestor() {
        let root = Meter::root(AgentId::root("s"), limits(&Budget::new().calls(10).warn_at(500)));
        let middle = Meter::child(&root, root.id().child(1), Limits::default());
        let leaf = Meter::child(&middle, middle.id().child(1), Limits::default());

        assert_eq!(leaf.apply(&calls(4)), []);
        assert_eq!(root.subtree().reserved, Usage::calls(4));
        let refusal = middle.admit(Some(&Usage::calls(7))).unwrap_err();
        assert_eq!((refusal.ancestor, refusal.amount, refusal.left), (root.id().clone(), Amount::Calls, 6));

        let warned = leaf.apply(&settled(5, 4));
        assert_eq!(warned, [Warning { agent: root.id().clone(), permille: 500 }]);
        assert_eq!(leaf.apply(&settled(1, 0)), [], "a share is passed once");
        for meter in [&leaf, &middle, &root] {
            assert_eq!(meter.subtree(), Balance { spent: Usage::calls(6), reserved: Usage::ZERO });
        }
        assert_eq!((leaf.own().spent, root.own().spent), (Usage::calls(6), Usage::ZERO));
    }

    #[test]
    fn depth_and_living_agents_are_counted_from_the_budget_and_without_scopes() {
        let root = Meter::root(AgentId::root("s"), limits(&Budget::new().depth(2).live_agents(2)));
        let scope = Meter::scope(&root, root.id().child(1), Limits::default());
        let child = Meter::child(&scope, scope.id().child(1), Limits::default());
        let grandchild = Meter::child(&child, child.id().child(1), Limits::default());
        for meter in [&scope, &child] {
            meter.admit_spawn().unwrap();
            let _ = meter.apply(&spawned());
        }
        assert_eq!((root.live_agents(), scope.live_agents(), child.live_agents()), (1, 1, 0));

        let refusal = grandchild.admit_spawn().unwrap_err();
        assert_eq!((refusal.amount, refusal.wanted, refusal.left), (Amount::Depth, Some(3), 2));

        let _ = grandchild.apply(&spawned());
        let refusal = child.admit_spawn().unwrap_err();
        assert_eq!((refusal.amount, refusal.left), (Amount::LiveAgents, 0));
        let _ =
            grandchild.apply(&What::AgentStopped { reason: StopReason::Done, end: None, spec_stands: false });
        child.admit_spawn().unwrap();
    }

    #[test]
    fn a_mark_refuses_nothing_and_warns_when_it_is_reached() {
        let root =
            Meter::root(AgentId::root("s"), limits(&Budget::new().calls(2).on_refusal(OnRefusal::Warn)));
        assert_eq!(root.admit(Some(&Usage::calls(3))), Ok(()));
        let _ = root.apply(&calls(3));
        assert_eq!(root.apply(&settled(3, 3)), [Warning { agent: root.id().clone(), permille: 1000 }]);
        assert_eq!(root.admit(None), Ok(()));
    }

    #[test]
    fn an_idle_agents_meter_is_small() {
        assert!(size_of::<Meter>() <= 64, "{} bytes", size_of::<Meter>());
    }

    #[test]
    fn a_very_deep_chain_is_let_go_without_recursion() {
        let mut meter = Meter::root(AgentId::root("s"), Limits::default());
        for _ in 0..200_000 {
            meter = Meter::child(&meter, AgentId::root("s"), Limits::default());
        }
        drop(meter);
    }
}
