//! The children's table: policies, lives, and counts that never need a walk.
//!
//! # Invariants
//! 1. Key order is the order of the list of specs. Children with a spec and dynamic ones are kept apart, so a round over
//!    the former costs nothing for the latter.
//! 2. `sums` is the sum of all children's `weight`: a life changes through `set` alone.
//! 3. An idle child is one `TableChild`, 40 bytes, and nothing beside it; what is rare is boxed.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::aside::ChildAffairs;
use crate::words::child::{ChildKey, ChildPolicy, Decision, by_restart};
use crate::words::policy::{Backoff, Exit, FailureClass, Intensity, Restart, Shutdown};

/// Who began a start or a stop, and so who goes on when it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// The spawn that entered the child.
    Spawn,
    /// The interface.
    Interface,
    /// The restart of this child alone.
    Itself,
    /// The round that is under way.
    Round,
    /// A late answer: the child ran when nothing was to run.
    Stray,
}

/// Where a child is in its life, in more detail than the states that can be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChildLife {
    /// Nothing runs, and nothing is owed.
    Nothing,
    /// Nothing runs; a round has stopped it and means to start it again.
    Held,
    /// A start is to be answered.
    Starting(By),
    /// It runs.
    Running,
    /// It has ended, and its exit waits in the backlog.
    Gone,
    /// It waits for its next attempt.
    Restarting,
    /// A stop is to be answered.
    Stopping(By),
}

/// One child.
#[derive(Debug)]
pub(super) struct TableChild {
    pub(super) shutdown: Shutdown,
    rare: Option<Box<Rare>>,
    pub(super) aside: Option<Box<ChildAffairs>>,
    pub(super) restart: Restart,
    pub(super) supervisor: bool,
    pub(super) significant: bool,
    pub(super) dynamic: bool,
    pub(super) counted: bool,
    /// It came after the declared ones, and comes back with its supervisor all the same.
    pub(super) added: bool,
    life: ChildLife,
}

/// The part of a policy that most children do not have.
#[derive(Debug)]
struct Rare {
    backoff: Option<Backoff>,
    limit: Option<Intensity>,
    on_failure: Vec<(FailureClass, Decision)>,
}

impl TableChild {
    fn new(policy: ChildPolicy, added: bool, life: ChildLife) -> Self {
        let ChildPolicy {
            restart,
            shutdown,
            supervisor,
            significant,
            backoff,
            limit,
            dynamic,
            counted,
            on_failure,
        } = policy;
        let plain = backoff.is_none() && limit.is_none() && on_failure.is_empty();
        let rare = (!plain).then(|| Box::new(Rare { backoff, limit, on_failure }));
        Self { shutdown, rare, aside: None, restart, supervisor, significant, dynamic, counted, added, life }
    }

    pub(super) fn policy(&self) -> ChildPolicy {
        ChildPolicy {
            restart: self.restart,
            shutdown: self.shutdown,
            supervisor: self.supervisor,
            significant: self.significant,
            backoff: self.backoff().copied(),
            limit: self.limit(),
            dynamic: self.dynamic,
            counted: self.counted,
            on_failure: self.rare.as_ref().map(|rare| rare.on_failure.clone()).unwrap_or_default(),
        }
    }

    pub(super) const fn life(&self) -> ChildLife {
        self.life
    }

    pub(super) fn backoff(&self) -> Option<&Backoff> {
        self.rare.as_ref()?.backoff.as_ref()
    }

    pub(super) fn limit(&self) -> Option<Intensity> {
        self.rare.as_ref()?.limit
    }

    /// What follows from an end of it: the decision for its class of failure, else what `restart` says.
    pub(super) fn decision(&self, exit: &Exit) -> Decision {
        if let (Exit::Failed { class, .. }, Some(rare)) = (exit, &self.rare)
            && let Some((_, decision)) = rare.on_failure.iter().find(|(named, _)| named == class)
        {
            return *decision;
        }
        by_restart(self.restart, exit)
    }

    /// Whether nothing of it stays when nothing runs for it any more.
    pub(super) fn fleeting(&self) -> bool {
        self.dynamic || self.restart == Restart::Temporary
    }

    pub(super) fn aside(&mut self) -> &mut ChildAffairs {
        self.aside.get_or_insert_default()
    }

    fn weight(&self) -> TableSums {
        use ChildLife::{Held, Nothing, Restarting, Running, Starting, Stopping};
        let fixed = !self.dynamic;
        TableSums {
            active: matches!(self.life, Running | Stopping(_)).into(),
            supervisors: self.supervisor.into(),
            significant: (self.significant && !matches!(self.life, Nothing | Held | Stopping(_))).into(),
            restarting: (fixed && self.life == Restarting).into(),
            held: (self.life == Held).into(),
            solo: (fixed
                && matches!(self.life, Starting(By::Spawn | By::Interface) | Stopping(By::Interface)))
            .into(),
        }
    }
}

/// What is counted, so that no question needs a walk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct TableSums {
    /// Children that run.
    pub(super) active: usize,
    /// Children that are supervisors.
    pub(super) supervisors: usize,
    /// Significant children that run or are being restarted (S9).
    pub(super) significant: usize,
    /// Children with a spec that wait for their next attempt.
    pub(super) restarting: usize,
    /// Children that a round owes a start.
    pub(super) held: usize,
    /// Children with a spec that a spawn or the interface is starting or stopping.
    pub(super) solo: usize,
}

impl TableSums {
    fn each(&mut self, other: &Self, apply: fn(&mut usize, usize)) {
        apply(&mut self.active, other.active);
        apply(&mut self.supervisors, other.supervisors);
        apply(&mut self.significant, other.significant);
        apply(&mut self.restarting, other.restarting);
        apply(&mut self.held, other.held);
        apply(&mut self.solo, other.solo);
    }
}

/// All children of one supervisor.
#[derive(Debug, Default)]
pub(super) struct Table {
    fixed: BTreeMap<ChildKey, TableChild>,
    dynamic: BTreeMap<ChildKey, TableChild>,
    sums: TableSums,
    /// No child below is held; none if none is.
    held_from: Option<ChildKey>,
    #[cfg(test)]
    pub(super) visits: std::sync::atomic::AtomicU64,
}

impl Table {
    pub(super) fn insert(&mut self, key: ChildKey, policy: ChildPolicy, added: bool, life: ChildLife) {
        let child = TableChild::new(policy, added, life);
        self.sums.each(&child.weight(), |sum, one| *sum += one);
        let half = if child.dynamic { &mut self.dynamic } else { &mut self.fixed };
        half.insert(key, child);
    }

    pub(super) fn remove(&mut self, key: ChildKey) -> Option<TableChild> {
        self.visit();
        let child = self.fixed.remove(&key).or_else(|| self.dynamic.remove(&key))?;
        self.sums.each(&child.weight(), |sum, one| *sum -= one);
        Some(child)
    }

    pub(super) fn get(&self, key: ChildKey) -> Option<&TableChild> {
        self.visit();
        self.fixed.get(&key).or_else(|| self.dynamic.get(&key))
    }

    /// For everything but the life, which `set` changes.
    pub(super) fn get_mut(&mut self, key: ChildKey) -> Option<&mut TableChild> {
        self.visit();
        self.fixed.get_mut(&key).or_else(|| self.dynamic.get_mut(&key))
    }

    pub(super) fn life(&self, key: ChildKey) -> Option<ChildLife> {
        self.get(key).map(TableChild::life)
    }

    pub(super) fn set(&mut self, key: ChildKey, life: ChildLife) {
        self.visit();
        let Some(child) = self.fixed.get_mut(&key).or_else(|| self.dynamic.get_mut(&key)) else { return };
        self.sums.each(&child.weight(), |sum, one| *sum -= one);
        child.life = life;
        self.sums.each(&child.weight(), |sum, one| *sum += one);
        if self.sums.held == 0 {
            self.held_from = None;
        } else if life == ChildLife::Held {
            self.held_from = Some(self.held_from.map_or(key, |from| from.min(key)));
        }
    }

    /// Gives a child another policy; its life goes on.
    pub(super) fn change(&mut self, key: ChildKey, policy: ChildPolicy) -> bool {
        let Some(old) = self.remove(key) else { return false };
        self.insert(key, policy, old.added, old.life);
        if let Some(child) = self.get_mut(key) {
            child.aside = old.aside;
        }
        true
    }

    pub(super) const fn sums(&self) -> TableSums {
        self.sums
    }

    pub(super) fn specs(&self) -> usize {
        self.fixed.len()
    }

    pub(super) fn len(&self) -> usize {
        self.fixed.len() + self.dynamic.len()
    }

    /// The first and the last key of the children with a spec.
    pub(super) fn ends(&self) -> Option<(ChildKey, ChildKey)> {
        Some((*self.fixed.first_key_value()?.0, *self.fixed.last_key_value()?.0))
    }

    /// The first child with a spec in a range.
    pub(super) fn first_in(&self, keys: RangeInclusive<ChildKey>) -> Option<(ChildKey, &TableChild)> {
        self.visit();
        if keys.is_empty() { None } else { self.fixed.range(keys).next().map(|(key, child)| (*key, child)) }
    }

    /// The last child with a spec in a range.
    pub(super) fn last_in(&self, keys: RangeInclusive<ChildKey>) -> Option<(ChildKey, &TableChild)> {
        self.visit();
        if keys.is_empty() {
            None
        } else {
            self.fixed.range(keys).next_back().map(|(key, child)| (*key, child))
        }
    }

    /// Children with a spec, in order.
    pub(super) fn fixed(&self) -> impl DoubleEndedIterator<Item = (ChildKey, &TableChild)> {
        self.fixed.iter().map(|(key, child)| (*key, child))
    }

    /// Dynamic children, in order.
    pub(super) fn dynamic(&self) -> impl DoubleEndedIterator<Item = (ChildKey, &TableChild)> {
        self.dynamic.iter().map(|(key, child)| (*key, child))
    }

    /// All children, in order.
    pub(super) fn all(&self) -> Vec<(ChildKey, &TableChild)> {
        let mut all: Vec<_> = self.fixed().chain(self.dynamic()).collect();
        // Two sorted runs: a merge, not a sort.
        all.sort_by_key(|(key, _)| *key);
        all
    }

    /// Takes what is kept beside the children, in order of keys.
    pub(super) fn take_asides(&mut self) -> impl Iterator<Item = (ChildKey, ChildLife, Box<ChildAffairs>)> {
        let children = self.fixed.iter_mut().chain(&mut self.dynamic);
        children.filter_map(|(key, child)| Some((*key, child.life, child.aside.take()?)))
    }

    /// The keys of those that are held, from the lowest that has been since this was asked last.
    pub(super) fn take_held(&mut self) -> Vec<ChildKey> {
        let from = self.held_from.take().unwrap_or_default();
        let held = self.fixed.range(from..).filter(|(_, child)| child.life == ChildLife::Held);
        held.map(|(key, _)| *key).collect()
    }

    /// Children with a spec stay with nothing running, dynamic ones are gone.
    pub(super) fn reset(&mut self) {
        self.dynamic.clear();
        self.sums = TableSums::default();
        self.held_from = None;
        for child in self.fixed.values_mut() {
            child.life = ChildLife::Nothing;
            child.aside = None;
            self.sums.each(&child.weight(), |sum, one| *sum += one);
        }
    }

    #[cfg_attr(not(test), expect(clippy::unused_self, reason = "counts in tests only"))]
    fn visit(&self) {
        #[cfg(test)]
        self.visits.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
}
