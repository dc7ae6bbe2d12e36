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

mod cells;

use std::iter::successors;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::Mutex;

use self::cells::AtomicBalance;
use crate::words::balance::Balance;
use crate::words::budget::OnRefusal;
use crate::words::event::{Settled, What};
use crate::words::id::AgentId;
use crate::words::limits::{Limits, Warning};
use crate::words::refusal::{Amount, Refusal};
use crate::words::room::{Crew, NoRoom};
use crate::words::usage::Usage;
use crate::words::window::Spending;

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
    /// Shut since an effect that had said it was free was billed for such an amount, until the window turns. A leaf.
    shut: Mutex<Option<(Amount, Duration)>>,
}

impl Bounds {
    fn limits(&self) -> Limits {
        *self.limits.lock()
    }

    /// What the limits are held against.
    fn balance(&self, meter: &Meter, wall: Duration) -> Balance {
        if self.limits().window.is_some() { self.spending.lock().at(wall) } else { meter.subtree() }
    }

    /// The amount because of which it is shut.
    fn shut(&self, wall: Duration) -> Option<Amount> {
        self.shut.lock().filter(|(_, until)| wall < *until).map(|(amount, _)| amount)
    }

    fn shut_for(&self, over: &Usage, wall: Duration) {
        let limits = self.limits();
        if let Some(amount) = limits.bounds(over) {
            let until = limits.window.map_or(Duration::MAX, |window| window.around(wall).end);
            *self.shut.lock() = Some((amount, until));
        }
    }
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
        let bounds = (!limits.is_none() || counting.is_some()).then(|| {
            let (limits, spending, shut) = (Mutex::new(limits), Mutex::default(), Mutex::default());
            Box::new(Bounds { limits, spending, shut, counting })
        });
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
    /// effect that states no worst case, which no budget of money or tokens takes. `wall` is now, since 1970, for windows.
    ///
    /// # Errors
    /// The nearest budget that has no room, or is overrun and so closed to all effects, with advice that heeds the others:
    /// to come again makes sense when all of them may have room. Nothing is changed either way.
    pub fn admit(&self, worst: Option<&Usage>, wall: Duration) -> Result<(), Refusal> {
        self.admit_at(worst, true, wall)
    }

    /// The same of an effect whose tokens and calls are bounded and whose price is not known: no budget of money takes it.
    ///
    /// # Errors
    /// As [`Meter::admit`].
    pub fn admit_unpriced(&self, worst: &Usage, wall: Duration) -> Result<(), Refusal> {
        self.admit_at(Some(worst), false, wall)
    }

    fn admit_at(&self, worst: Option<&Usage>, is_priced: bool, wall: Duration) -> Result<(), Refusal> {
        let mut nearest: Option<Refusal> = None;
        for meter in self.and_counting() {
            let Some(bounds) = meter.bounds.as_deref() else { continue };
            let limits = bounds.limits();
            if limits.on_refusal == OnRefusal::Warn {
                continue;
            }
            let Err(exceeded) =
                limits.admit(&bounds.balance(meter, wall), bounds.shut(wall), worst, is_priced)
            else {
                continue;
            };
            let turns_in = limits.window.map(|window| window.around(wall).end.saturating_sub(wall));
            let refusal = Refusal::of(meter.id.clone(), limits.on_refusal, &exceeded, turns_in);
            match &mut nearest {
                Some(nearest) => nearest.heed(&refusal),
                None => nearest = Some(refusal),
            }
        }
        nearest.map_or(Ok(()), Err)
    }

    /// Whether a budget from here to the root bounds calls.
    pub(crate) fn bounds_calls(&self) -> bool {
        let bounds = |limits: Limits| limits.calls.is_some() && limits.on_refusal != OnRefusal::Warn;
        self.and_counting().any(|meter| meter.limits().is_some_and(bounds))
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

    /// Takes an event of this agent in: effects that begin and end, overruns, grants, its own spawn and end. Any other changes
    /// nothing.
    ///
    /// Gives the budgets whose warning share this event has passed, nearest first; each share is passed once in a life of
    /// the meter, or in a window. `wall` is the event's moment since 1970. Must be called once for each such event, under the lock of invariant 3.
    #[must_use = "a warning is an event that has to be written"]
    pub fn apply(&self, what: &What, wall: Duration) -> Vec<Warning> {
        if let Some((_, reserved)) = what.reserves() {
            let change = |balance: Balance| Balance { reserved: balance.reserved + reserved, ..balance };
            return self.write(what, wall, change);
        }
        if let Some(Settled { used, freed, .. }) = what.settles() {
            return self.write(what, wall, |balance| Balance {
                spent: balance.spent + used,
                reserved: balance.reserved.above(&freed),
            });
        }
        match what {
            What::BudgetGranted { more } => {
                if let (Some(bounds), Ok(more)) = (&self.bounds, more.check()) {
                    bounds.limits.lock().grant(&more);
                    // Whoever grants more knows of the overrun.
                    *bounds.shut.lock() = None;
                }
                Vec::new()
            }
            What::Overrun { over, free: true, .. } => {
                for bounds in self.and_counting().filter_map(|meter| meter.bounds.as_deref()) {
                    bounds.shut_for(over, wall);
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
mod tests;
