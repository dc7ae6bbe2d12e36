//! Finds and deals with orphans: the sweep, and the adoption of those whose supervisor has ended without a stop.
//!
//! # Invariants
//! 1. An adoption is one critical section of three gates, an ancestor's before its descendant's: the new supervisor's, which
//!    is open; the old one's, over which no stop has come; the agent's own, whose incarnation is up. So an exit is heard by
//!    the supervisor that the agent has at that moment, and a stop of either finds it in exactly one table.
//! 2. The ledger path, the id and the seat's parent stay. A stop takes the whole subtree by id: see
//!    [`Engine::adopted_below`]. A pause goes by supervisors: what holds the agent is what its new one passes on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::decide::orphans::{SeatFacts, dealt, judge};
use crate::decide::place::Life;
use crate::decide::supervision::{Event, Started};
use crate::engine::Engine;
use crate::engine::seat::Seat;
use crate::engine::seat::family::Family;
use crate::env::theirs::Sleeper;
use crate::words::event::{Role, What};
use crate::words::orphan::{Dealt, Found, Swept};
use crate::words::policy::{Orphans, Restart};
use crate::words::state::{AgentState, StopReason};

/// Who supervises an agent that its parent no longer does, and under which number.
pub(crate) struct Adoption {
    by: Arc<Seat>,
    number: u32,
    until_done: bool,
}

/// Between the two looks of a sweep: what is on its way has arrived by then.
const SECOND_LOOK: Duration = Duration::from_millis(100);

/// So many seats are looked at before others on the control thread come first.
const AT_ONCE: usize = 256;

impl Engine {
    /// Sweeps now and then, from the first time on.
    pub(crate) fn sweep_every(self: &Arc<Self>, every: Duration) {
        let engine = Arc::downgrade(self);
        let timer = self.env.after(every, move || {
            let Some(engine) = engine.upgrade() else { return };
            let env = engine.env.clone();
            env.spawn_control(async move {
                engine.sweep().await;
                if !engine.over.is_raised() {
                    engine.sweep_every(every);
                }
            });
        });
        let old = self.sweeping.lock().replace(timer);
        drop(old);
    }

    /// Looks twice, and deals with what both looks have found.
    pub(crate) async fn sweep(self: &Arc<Self>) -> Vec<Swept> {
        let first = self.look_at_all().await;
        if first.is_empty() {
            return Vec::new();
        }
        let first: BTreeMap<_, _> = first.into_iter().map(|(seat, found, _)| (seat.key, found)).collect();
        self.env.sleep_until(self.env.now() + SECOND_LOOK).await;
        let mut swept = Vec::new();
        for (seat, found, _) in self.look_at_all().await {
            let was_there = first.get(&seat.key) == Some(&found);
            // Looked at once more, for what was done about another may have changed it.
            if was_there && let Some((found, dealt)) = judge(&seat.facts()) {
                let dealt = seat.deal_with(&found, dealt);
                swept.push(Swept { agent: seat.id.clone(), found, dealt });
            }
        }
        swept
    }

    async fn look_at_all(&self) -> Vec<(Arc<Seat>, Found, Dealt)> {
        let mut found = Vec::new();
        let Some(root) = self.root() else { return found };
        for (at, seat) in root.subtree().into_iter().enumerate() {
            if at % AT_ONCE == AT_ONCE - 1 {
                tokio::task::yield_now().await;
            }
            if let Some((what, dealt)) = judge(&seat.facts()) {
                found.push((seat, what, dealt));
            }
        }
        found
    }

    /// Those below an agent by their ids that somebody above it has adopted.
    pub(crate) fn adopted_below(&self, root: &Seat) -> Vec<Arc<Seat>> {
        let mut found = Vec::new();
        let mut above = root.parent.as_ref();
        while let Some(seat) = above {
            if let Some(family) = &seat.gate.lock().family {
                let is_below = |child: &&Arc<Seat>| child.key != root.key && child.id.is_within(&root.id);
                found.extend(family.adopted().filter(is_below).cloned());
            }
            above = seat.parent.as_ref();
        }
        found
    }
}

impl Seat {
    /// Who supervises it, and its number there; none for the root.
    pub(crate) fn supervisor(&self) -> Option<(Arc<Self>, u32)> {
        match &*self.adoption.lock() {
            Some(adoption) => Some((Arc::clone(&adoption.by), adoption.number)),
            None => Some((Arc::clone(self.parent.as_ref()?), self.number)),
        }
    }

    pub(crate) fn is_adopted(&self) -> bool {
        self.adoption.lock().is_some()
    }

    /// Whether it ends with the task that it works on.
    pub(crate) fn ends_with_its_task(&self) -> bool {
        self.adoption.lock().as_ref().is_some_and(|adoption| adoption.until_done)
    }

    /// Whether it may go on without its parent: what belongs to a task or a scope ends with that, and what the parent's spec
    /// declares comes and goes with the parent.
    fn policy_as_orphan(&self) -> Orphans {
        match self.role {
            Role::Static | Role::Dynamic if !self.keeps_spec => self.policies.orphans,
            _ => Orphans::Stop,
        }
    }

    fn has_started(&self) -> bool {
        let state = self.state();
        state.is_working() || matches!(state, AgentState::Idle | AgentState::Paused)
    }

    /// What a sweep sees of it.
    fn facts(&self) -> SeatFacts {
        let is_live = !self.is_stopped();
        let (has_runner, lacks_cell) = {
            let has_runner = self.line.lock().place.has_runner();
            (has_runner, self.control.lock().lacks_cell())
        };
        let over = self.supervisor().map(|(supervisor, _)| supervisor).filter(|above| above.is_stopped());
        SeatFacts {
            is_live,
            is_up: self.has_started(),
            lost: over
                .map(|supervisor| supervisor.id.clone())
                .filter(|_| self.state() != AgentState::Stopping),
            has_heir: self.heirs().next().is_some(),
            policy: self.policy_as_orphan(),
            has_runner: has_runner && !is_live,
            lacks_cell,
            holds: !is_live && self.has_holdings(),
        }
    }

    /// Its supervisor, the supervisor of that, and so on up to the root.
    pub(crate) fn supervisors(&self) -> impl Iterator<Item = Arc<Self>> {
        std::iter::successors(self.supervisor(), |(seat, _)| seat.supervisor()).map(|(seat, _)| seat)
    }

    /// Those above its supervisor that live, the nearest first.
    fn heirs(&self) -> impl Iterator<Item = Arc<Self>> {
        self.supervisors().skip(1).filter(|seat| !seat.is_stopped() && seat.is_up())
    }

    fn deal_with(self: &Arc<Self>, found: &Found, wanted: Dealt) -> Dealt {
        let done = match wanted {
            Dealt::Adopted | Dealt::AdoptedUntilDone if self.adopt(found, wanted) => return wanted,
            Dealt::Adopted | Dealt::AdoptedUntilDone | Dealt::Stopped => Dealt::Stopped,
            other => other,
        };
        self.note(What::OrphanFound { found: found.clone(), dealt: done });
        match done {
            Dealt::Ended => self.order(|orders| {
                orders.abort = true;
                orders.next = Some(crate::engine::seat::line::NextOrder::End);
            }),
            Dealt::Served => self.open_cell(),
            Dealt::Released => self.release_holdings_aside(),
            _ => self.engine.stop_in_background(self),
        }
        done
    }

    /// Its supervision has ended by itself: children whose spec says so go on under the nearest ancestor that lives.
    pub(crate) fn leave_orphans(self: &Arc<Self>) {
        for child in self.children() {
            let dealt = dealt(child.policy_as_orphan(), true);
            if dealt != Dealt::Stopped {
                // Where it cannot be adopted it is stopped with the other children.
                child.adopt(&Found::Orphan { of: self.id.clone() }, dealt);
            }
        }
    }

    fn adopt(self: &Arc<Self>, found: &Found, dealt: Dealt) -> bool {
        let Some((from, _)) = self.supervisor() else { return false };
        let until_done = dealt == Dealt::AdoptedUntilDone;
        let heirs: Vec<_> = self.heirs().collect();
        let is_adopted = heirs.iter().any(|by| self.adopted_by(by, &from, until_done, found, dealt));
        if is_adopted && until_done {
            self.finish();
        }
        is_adopted
    }

    /// Invariant 1.
    fn adopted_by(
        self: &Arc<Self>,
        by: &Arc<Self>,
        from: &Arc<Self>,
        until_done: bool,
        found: &Found,
        dealt: Dealt,
    ) -> bool {
        let mut actions = Vec::new();
        let released = {
            let env = &self.engine.env;
            // A walk of a pause may have the agent on its list, under the one that it had.
            let _walking = self.engine.pausing.lock();
            let mut by_gate = by.gate.lock();
            let mut from_gate = from.gate.lock();
            let mut own_gate = self.gate.lock();
            let is_lost = from.is_stopped() || from.life() == Life::Down;
            if !by.is_up() || !is_lost || !self.is_up() || !self.has_started() {
                return false;
            }
            let Some((_, old)) = self.supervisor() else { return false };
            let Some(mut policy) = from_gate.family.as_ref().and_then(|family| family.core.policy(old))
            else {
                return false;
            };
            (policy.dynamic, policy.significant) = (true, false);
            if until_done {
                policy.restart = Restart::Temporary;
                policy.on_failure.clear();
            }
            let family =
                by_gate.family.get_or_insert_with(|| Box::new(Family::new(by.policies.supervision())));
            let Some(number) = family.next_number() else { return false };
            if family.core.insert(number, policy).is_err() {
                return false;
            }
            if let Some(left) = from_gate.family.as_mut() {
                left.leave(old);
                left.core.remove(old);
            }
            family.adopt(number, Arc::clone(self));
            let noise = u32::try_from(env.random() >> 32).unwrap_or_default();
            family.core.decide(
                Event::Started { key: number, result: Started::Ok },
                env.now(),
                noise,
                &mut actions,
            );
            let adoption = Adoption { by: Arc::clone(by), number, until_done };
            let before = self.adoption.lock().replace(Box::new(adoption));
            drop(before);
            let cause = self.note(What::OrphanFound { found: found.clone(), dealt });
            self.note_because(cause, What::AgentAdopted { by: by.id.clone() });
            self.hold_under(&mut own_gate, by_gate.grip())
        };
        for action in actions {
            by.perform(action);
        }
        if let Some(released) = released {
            released.let_go();
        }
        true
    }

    /// It takes no more tasks. What waits is ended; the turn that it is in is its last.
    fn finish(self: &Arc<Self>) {
        Sleeper::wake_all(self.body.close(StopReason::Stopped));
        self.body.end_queued(self, &StopReason::Stopped);
        if self.gate.lock().turn.is_none() {
            self.engine.stop_in_background(self);
        }
    }
}
