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
use std::time::Duration;

use parking_lot::Mutex;

use super::balance::AtomicBalance;
use super::{Balance, Crew, Limits, NoRoom, OnRefusal, Refusal, Spending};
use crate::event::What;
use crate::id::AgentId;
use crate::usage::Usage;

/// The meter of one seat.
#[derive(Debug)]
pub struct Meter {
    id: AgentId,
    parent: Option<Arc<Meter>>,
    /// Boxed, since few seats have any, and few stand deep.
    bounds: Option<Box<Bounds>>,
    /// Made with the first amount, since most agents of a large swarm are idle.
    amounts: OnceLock<Box<Amounts>>,
    /// Levels of agents above it.
    depth: u32,
    is_scope: bool,
    /// Agents below it that live, if it counts them.
    live: AtomicU32,
    /// Of those its children, also by way of scopes.
    children: AtomicU32,
}

/// Whoever stands no deeper counts who lives below it, as does whoever has a bound: in a chain a spawn would cost as much as it is long.
const COUNTS_TO: u32 = 16;

#[derive(Debug)]
struct Bounds {
    /// With all that was granted. A leaf, as the next.
    limits: Mutex<Limits>,
    /// What counts in the budget's window, if it has one. A leaf: nothing is locked while it is held.
    spending: Mutex<Spending>,
    /// The nearest ancestor that counts who lives below it, unless that is the parent.
    counting: Option<Arc<Meter>>,
}

impl Bounds {
    fn limits(&self) -> Limits {
        *self.limits.lock()
    }

    /// What the limits are held against.
    fn balance(&self, meter: &Meter, wall: Duration) -> Balance {
        if self.limits().window.is_some() { self.spending.lock().at(wall) } else { meter.subtree() }
    }
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
        let counting = parent.as_ref().filter(|parent| !parent.counts_living());
        let counting =
            counting.and_then(|parent| parent.counting().or(parent.parent.as_ref()).map(Arc::clone));
        let bounds = (!limits.is_none() || counting.is_some())
            .then(|| Box::new(Bounds { limits: Mutex::new(limits), spending: Mutex::default(), counting }));
        Arc::new(Self {
            id,
            parent,
            bounds,
            amounts: OnceLock::new(),
            depth,
            is_scope,
            live: AtomicU32::new(0),
            children: AtomicU32::new(0),
        })
    }

    /// Whose meter it is.
    #[must_use]
    pub const fn id(&self) -> &AgentId {
        &self.id
    }

    /// Its budget, if it has one, with all that was granted.
    #[must_use]
    pub fn limits(&self) -> Option<Limits> {
        self.bounds.as_deref().map(Bounds::limits).filter(|limits| !limits.is_none())
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

    /// What counts in its budget's window, if that has one.
    #[must_use]
    pub fn spending(&self) -> Option<Spending> {
        let windowed = self.bounds.as_ref().filter(|bounds| bounds.limits().window.is_some());
        windowed.map(|bounds| bounds.spending.lock().clone())
    }

    /// Agents below it that live, scopes not counted; none where nobody counts them, which is deep down and without a bound.
    #[must_use]
    pub fn live_agents(&self) -> Option<u32> {
        self.counts_living().then(|| self.live.load(Relaxed))
    }

    fn counting(&self) -> Option<&Arc<Self>> {
        self.bounds.as_ref()?.counting.as_ref()
    }

    fn counts_living(&self) -> bool {
        self.depth <= COUNTS_TO || self.limits().is_some()
    }

    /// Levels of agents above it, scopes not counted.
    #[must_use]
    pub const fn depth(&self) -> u32 {
        self.depth
    }

    /// Whether an effect of this agent may begin: its worst case must fit every budget from here to the root. None is an
    /// effect without a finite worst case, which no budget of money or tokens takes. `wall` is now, since 1970, for windows.
    ///
    /// # Errors
    /// The nearest budget that has no room, or is overrun and so closed to all effects. Nothing is changed either way.
    pub fn admit(&self, worst: Option<&Usage>, wall: Duration) -> Result<(), Refusal> {
        for meter in self.and_counting() {
            let Some(bounds) = meter.bounds.as_deref() else { continue };
            let limits = bounds.limits();
            if limits.on_refusal == OnRefusal::Warn {
                continue;
            }
            limits.admit(&bounds.balance(meter, wall), worst).map_err(|(amount, wanted, left)| {
                let turning = limits.window.filter(|_| limits.could_fit(amount, wanted));
                let turns_in = turning.map(|window| window.around(wall).end.saturating_sub(wall));
                let (ancestor, policy) = (meter.id.clone(), limits.on_refusal);
                Refusal { ancestor, amount, wanted, left, policy, turns_in }
            })?;
        }
        Ok(())
    }

    /// Whether there is room for a crew right below this agent or scope, at every agent from here to the root.
    ///
    /// # Errors
    /// The nearest one that has no room. Nothing is changed either way.
    pub fn admit_spawn(&self, crew: Crew) -> Result<(), NoRoom> {
        let depth = self.depth.saturating_add(crew.levels);
        let mut is_parent = true;
        for meter in self.and_counting() {
            // Only the crew's top is anybody's child here, and that the nearest agent's.
            is_parent &= meter.depth == self.depth;
            let children = meter.children.load(Relaxed).saturating_add(u32::from(is_parent));
            is_parent &= meter.is_scope;
            let live = meter.live.load(Relaxed).saturating_add(crew.agents);
            let room = |limits: Limits| limits.room(depth - meter.depth, live, children);
            let room = meter.limits().map_or(Ok(()), room);
            room.map_err(|(bound, limit)| NoRoom { ancestor: meter.id.clone(), bound, limit })?;
        }
        Ok(())
    }

    /// Whether the agent's own bounds have room for the children that its spec declares.
    ///
    /// # Errors
    /// As [`Meter::admit_spawn`]. `below` is the crew without the agent itself.
    pub fn admit_declared(&self, below: Crew, children: u32) -> Result<(), NoRoom> {
        let room = |limits: Limits| limits.room(below.levels, below.agents, children);
        let room = self.limits().map_or(Ok(()), room);
        room.map_err(|(bound, limit)| NoRoom { ancestor: self.id.clone(), bound, limit })
    }

    /// Takes an event of this agent in: effects that begin and end, its own spawn and end. Any other changes nothing.
    ///
    /// Gives the budgets whose warning share this event has passed, nearest first; each share is passed once in a life of
    /// the meter, or in a window. `wall` is the event's moment since 1970. Must be called once for each such event, under the lock of invariant 3.
    #[must_use = "a warning is an event that has to be written"]
    pub fn apply(&self, what: &What, wall: Duration) -> Vec<Warning> {
        match what {
            What::EffectBegan { reserved, .. } => {
                let change = |balance: Balance| Balance { reserved: balance.reserved + *reserved, ..balance };
                self.write(what, wall, change)
            }
            What::EffectEnded { used, reserved, .. } => self.write(what, wall, |balance| Balance {
                spent: balance.spent + *used,
                reserved: balance.reserved.above(reserved),
            }),
            What::BudgetGranted { more } => {
                if let (Some(bounds), Ok(more)) = (&self.bounds, more.check()) {
                    bounds.limits.lock().grant(&more);
                }
                Vec::new()
            }
            What::AgentSpawned { .. } if !self.is_scope => self.count(|count| count.saturating_add(1)),
            What::AgentStopped { .. } if !self.is_scope => self.count(|count| count.saturating_sub(1)),
            _ => Vec::new(),
        }
    }

    fn write(&self, what: &What, wall: Duration, change: impl Fn(Balance) -> Balance) -> Vec<Warning> {
        self.amounts.get_or_init(Box::default).own.change(&change);
        let mut warnings = Vec::new();
        for meter in self.and_above() {
            let (before, after) = meter.amounts.get_or_init(Box::default).subtree.change(&change);
            let Some(bounds) = meter.bounds.as_deref() else { continue };
            let limits = bounds.limits();
            let (before, after) = match limits.window {
                Some(window) => bounds.spending.lock().apply(window, what, wall),
                None => (before.spent, after.spent),
            };
            let passed = limits.passed(&before, &after);
            warnings.extend(passed.map(|permille| Warning { agent: meter.id.clone(), permille }));
        }
        warnings
    }

    fn count(&self, change: impl Fn(u32) -> u32) -> Vec<Warning> {
        let set = |count: &AtomicU32| count.store(change(count.load(Relaxed)), Relaxed);
        for above in self.and_counting().skip(1) {
            set(&above.live);
        }
        for above in self.and_above().skip(1) {
            set(&above.children);
            if !above.is_scope {
                break;
            }
        }
        Vec::new()
    }

    /// This one and those above it that count or bound, nearest first.
    fn and_counting(&self) -> impl Iterator<Item = &Self> {
        successors(Some(self), |meter| {
            #[cfg(test)]
            chains::step();
            meter.counting().or(meter.parent.as_ref()).map(|above| &**above)
        })
    }

    fn and_above(&self) -> impl Iterator<Item = &Self> {
        successors(Some(self), |meter| meter.parent.as_deref())
    }
}

/// A chain of meters may be long: it is let go link by link, not by recursion.
impl Drop for Meter {
    fn drop(&mut self) {
        let above_of = |meter: &mut Self| {
            let counting = meter.bounds.as_mut().and_then(|bounds| bounds.counting.take());
            meter.parent.take().into_iter().chain(counting)
        };
        let mut above: Vec<_> = above_of(self).collect();
        while let Some(meter) = above.pop() {
            above.extend(Arc::into_inner(meter).iter_mut().flat_map(above_of));
        }
    }
}

#[derive(Debug, Default)]
struct Amounts {
    own: AtomicBalance,
    subtree: AtomicBalance,
}

#[cfg(test)]
mod chains;
#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{EffectEnd, Role};
    use crate::ledger::{Amount, Bound, Budget};
    use crate::lifecycle::StopReason;

    const WALL: Duration = Duration::ZERO;

    fn calls(count: u64) -> What {
        What::EffectBegan { effect: 1, kind: "call".into(), reserved: Usage::calls(count) }
    }

    fn settled(used: u64, reserved: u64) -> What {
        let (used, reserved) = (Usage::calls(used), Usage::calls(reserved));
        What::EffectEnded { effect: 1, end: EffectEnd::Done, used, reserved, estimated: false, late: false }
    }

    fn spawned() -> What {
        What::AgentSpawned {
            name: "a".into(),
            agent_type: "A".into(),
            role: Role::Dynamic,
            budget: None,
            ceiling: None,
        }
    }

    fn limits(budget: &Budget) -> Limits {
        budget.check().unwrap()
    }

    #[test]
    fn an_effect_is_reserved_and_settled_at_every_ancestor() {
        let root = Meter::root(AgentId::root("s"), limits(&Budget::new().calls(10).warn_at(500)));
        let middle = Meter::child(&root, root.id().child(1), Limits::default());
        let leaf = Meter::child(&middle, middle.id().child(1), Limits::default());

        assert_eq!(leaf.apply(&calls(4), WALL), []);
        assert_eq!(root.subtree().reserved, Usage::calls(4));
        let refusal = middle.admit(Some(&Usage::calls(7)), WALL).unwrap_err();
        assert_eq!((refusal.ancestor, refusal.amount, refusal.left), (root.id().clone(), Amount::Calls, 6));

        let warned = leaf.apply(&settled(5, 4), WALL);
        assert_eq!(warned, [Warning { agent: root.id().clone(), permille: 500 }]);
        assert_eq!(leaf.apply(&settled(1, 0), WALL), [], "a share is passed once");
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
            meter.admit_spawn(Crew::ONE).unwrap();
            let _ = meter.apply(&spawned(), WALL);
        }
        assert_eq!(
            (root.live_agents(), scope.live_agents(), child.live_agents()),
            (Some(1), Some(1), Some(0))
        );
        let no_room = |bound, limit| Err(NoRoom { ancestor: root.id().clone(), bound, limit });

        assert_eq!(grandchild.admit_spawn(Crew::ONE), no_room(Bound::Depth, 2));
        assert_eq!(scope.admit_spawn(Crew { agents: 1, levels: 3 }), no_room(Bound::Depth, 2));
        assert_eq!(scope.admit_spawn(Crew { agents: 2, levels: 2 }), no_room(Bound::LiveAgents, 2));
        scope.admit_spawn(Crew::ONE).unwrap();

        let _ = grandchild.apply(&spawned(), WALL);
        assert_eq!(child.admit_spawn(Crew::ONE), no_room(Bound::LiveAgents, 2));
        let _ = grandchild
            .apply(&What::AgentStopped { reason: StopReason::Done, end: None, spec_stands: false }, WALL);
        child.admit_spawn(Crew::ONE).unwrap();
        let _ = scope
            .apply(&What::AgentStopped { reason: StopReason::Done, end: None, spec_stands: false }, WALL);
        assert_eq!(root.live_agents(), Some(1), "a scope's own end is nobody's");
    }

    #[test]
    fn levels_are_counted_from_whoever_bounds_them() {
        let root = Meter::root(AgentId::root("s"), Limits::default());
        let middle = Meter::child(&root, root.id().child(1), Limits::default());
        let bounded = Meter::child(&middle, middle.id().child(1), limits(&Budget::new().depth(1)));
        assert_eq!((root.depth(), middle.depth(), bounded.depth()), (0, 1, 2));
        bounded.admit_spawn(Crew::ONE).unwrap();
        assert!(bounded.admit_spawn(Crew { agents: 2, levels: 2 }).is_err());
    }

    #[test]
    fn what_is_granted_is_there_for_the_next_effect() {
        let root = Meter::root(AgentId::root("s"), limits(&Budget::new().calls(1)));
        root.admit(Some(&Usage::calls(3)), WALL).unwrap_err();
        let _ = root.apply(&What::BudgetGranted { more: Box::new(Budget::new().calls(2)) }, WALL);
        root.admit(Some(&Usage::calls(3)), WALL).unwrap();
        assert_eq!(root.spending(), None, "it has no window");
    }

    #[test]
    fn children_are_those_of_its_scopes_too_and_nobody_elses() {
        let most = Limits { max_children: Some(2), on_refusal: OnRefusal::Warn, ..Limits::default() };
        let root = Meter::root(AgentId::root("s"), Limits::default());
        let parent = Meter::child(&root, root.id().child(1), most);
        let scope = Meter::scope(&parent, parent.id().child(1), Limits::default());
        let inner = Meter::scope(&scope, scope.id().child(1), Limits::default());
        let first = Meter::child(&parent, parent.id().child(2), Limits::default());
        let second = Meter::child(&inner, inner.id().child(1), Limits::default());
        let below = Meter::child(&first, first.id().child(1), Limits::default());
        for meter in [&parent, &scope, &inner, &first, &below] {
            let _ = meter.apply(&spawned(), WALL);
        }
        inner.admit_spawn(Crew { agents: 9, levels: 3 }).unwrap();
        let _ = second.apply(&spawned(), WALL);
        for place in [&parent, &scope, &inner] {
            let no_room = NoRoom { ancestor: parent.id().clone(), bound: Bound::Children, limit: 2 };
            assert_eq!(place.admit_spawn(Crew::ONE), Err(no_room));
        }
        first.admit_spawn(Crew::ONE).unwrap();
        let _ = second
            .apply(&What::AgentStopped { reason: StopReason::Done, end: None, spec_stands: false }, WALL);
        scope.admit_spawn(Crew::ONE).unwrap();
        assert!(parent.admit_declared(Crew { agents: 3, levels: 1 }, 3).is_err());
        parent.admit_declared(Crew { agents: 3, levels: 2 }, 2).unwrap();
    }

    #[test]
    fn a_mark_refuses_nothing_and_warns_when_it_is_reached() {
        let root =
            Meter::root(AgentId::root("s"), limits(&Budget::new().calls(2).on_refusal(OnRefusal::Warn)));
        assert_eq!(root.admit(Some(&Usage::calls(3)), WALL), Ok(()));
        let _ = root.apply(&calls(3), WALL);
        assert_eq!(root.apply(&settled(3, 3), WALL), [Warning { agent: root.id().clone(), permille: 1000 }]);
        assert_eq!(root.admit(None, WALL), Ok(()));
    }

    #[test]
    fn a_window_that_has_turned_has_room_again_and_says_when_it_does() {
        let every = Budget::new().calls(10).warn_at(500).every(Duration::from_secs(60));
        let root = Meter::root(AgentId::root("s"), limits(&every));
        let leaf = Meter::child(&root, root.id().child(1), Limits::default());
        let at = |seconds: u64| Duration::from_secs(600 + seconds);
        let numbered = |effect, what: What| match what {
            What::EffectBegan { kind, reserved, .. } => What::EffectBegan { effect, kind, reserved },
            What::EffectEnded { end, used, reserved, estimated, late, .. } => {
                What::EffectEnded { effect, end, used, reserved, estimated, late }
            }
            other => other,
        };
        let _ = leaf.apply(&numbered(1, calls(6)), at(10));
        assert_eq!(root.spending().unwrap().at(at(10)).reserved, Usage::calls(6));
        let _ = leaf.apply(&numbered(2, calls(4)), at(50));
        let refusal = leaf.admit(Some(&Usage::calls(1)), at(55)).unwrap_err();
        assert_eq!((refusal.left, refusal.turns_in), (0, Some(Duration::from_secs(5))));
        let refusal = leaf.admit(Some(&Usage::calls(11)), at(55)).unwrap_err();
        assert_eq!(refusal.turns_in, None, "that would never fit");

        let warned = leaf.apply(&numbered(1, settled(6, 6)), at(56));
        assert_eq!(warned.len(), 1);
        leaf.admit(Some(&Usage::calls(10)), at(60)).unwrap();
        // What began before the turn is settled there, whatever it comes to.
        let _ = leaf.apply(&numbered(3, calls(3)), at(61));
        assert_eq!(leaf.apply(&numbered(2, settled(40, 4)), at(62)), []);
        leaf.admit(Some(&Usage::calls(7)), at(63)).unwrap();
        leaf.admit(Some(&Usage::calls(8)), at(63)).unwrap_err();
        assert_eq!(root.subtree(), Balance { spent: Usage::calls(46), reserved: Usage::calls(3) });
        assert_eq!(
            leaf.apply(&numbered(3, settled(5, 3)), at(64)).len(),
            1,
            "a share is passed once a window"
        );
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
