//! The walk of a stop: it fences a subtree from the top down and lists whom the plan is to stop.

use std::sync::Arc;

use super::{Purpose, Stopper, StoppingSeat};
use crate::decide::place::{Life, Presence};
use crate::decide::stopping::{Node, RequestId, SeatKey};
use crate::engine::Engine;
use crate::engine::pause::Released;
use crate::engine::seat::Seat;
use crate::engine::seat::family::Family;
use crate::engine::turn::Turn;
use crate::env::theirs::Sleeper;
use crate::words::event::{Role, What};
use crate::words::orphan::{Dealt, Found};
use crate::words::policy::Shutdown;
use crate::words::state::{AgentState, StopReason};

/// A walk over a subtree that is being fenced.
#[derive(Default)]
pub(super) struct StopWalk {
    pub(super) nodes: Vec<Node>,
    pub(super) seats: Vec<Arc<Seat>>,
    pub(super) cancelled: Vec<Arc<Turn>>,
    pub(super) released: Vec<Released>,
}

impl StopWalk {
    /// How many agents were alive at the fence; the root and scopes are places.
    pub(super) fn agents(&self) -> usize {
        self.seats.iter().filter(|seat| seat.body.has_behaviour()).count()
    }
}

/// A seat on the way, and how it is stopped: read in its supervisor's table, with that one's list of children where it is on
/// it.
struct Listed {
    seat: Arc<Seat>,
    shutdown: Shutdown,
}

impl Listed {
    /// One that is not found by way of its supervisor.
    fn above_all(seat: Arc<Seat>) -> Self {
        // The root is nobody's child, and has the whole time.
        let of_root = || if seat.parent.is_none() { Shutdown::UntilDeadline } else { Shutdown::default() };
        let shutdown = seat.as_child().map_or_else(of_root, |policy| policy.shutdown);
        Self { seat, shutdown }
    }

    fn all_in(family: &Family) -> Vec<Self> {
        let listed = |(number, seat): (&u32, &Arc<Seat>)| {
            let shutdown = family.core.shutdown(*number).unwrap_or_default();
            Self { seat: Arc::clone(seat), shutdown }
        };
        family.seats.iter().map(listed).collect()
    }
}

impl Stopper {
    /// Fences the subtree top-down and lists whom the plan does not know yet, parents before children.
    pub(super) fn walk(
        &mut self,
        root: &Arc<Seat>,
        purpose: &Purpose,
        request: RequestId,
        engine: &Engine,
    ) -> StopWalk {
        let mut walk = StopWalk::default();
        let ends = matches!(purpose, Purpose::Ordered { .. });
        let spares_root = matches!(purpose, Purpose::Children { .. });
        let mut open = Vec::new();
        if ends {
            // An ordered stop takes the whole subtree by id, whoever supervises what is in it.
            let adopted = engine.adopted_below(root).into_iter();
            open.extend(adopted.map(|adopted| (Listed::above_all(adopted), true)));
        }
        open.push((Listed::above_all(Arc::clone(root)), ends));
        while let Some((listed, for_good)) = open.pop() {
            let is_spared = spares_root && Arc::ptr_eq(&listed.seat, root);
            let children = self.fence(&listed, for_good, is_spared, request, &mut walk);
            for child in children.into_iter().rev() {
                let child_for_good = for_good || child.seat.role != Role::Static || child.seat.is_adopted();
                open.push((child, child_for_good));
            }
        }
        walk
    }

    /// Fences one seat and gives its children.
    fn fence(
        &mut self,
        Listed { seat, shutdown }: &Listed,
        for_good: bool,
        is_spared: bool,
        request: RequestId,
        walk: &mut StopWalk,
    ) -> Vec<Listed> {
        let shutdown = if is_spared { Shutdown::UntilDeadline } else { *shutdown };
        // Its own end may come by meanwhile: what is said of the stop is said in one critical section with the look for that.
        let (children, before, works, is_over, waiting) = {
            let mut gate = seat.gate.lock();
            let before = {
                let place = &mut seat.line.lock().place;
                if is_spared { place.life() } else { place.fence(for_good) }
            };
            if let Some(turn) = gate.turn.as_ref().filter(|_| !is_spared) {
                walk.cancelled.push(Arc::clone(turn));
            }
            if for_good {
                walk.released.extend(seat.ungrip(&mut gate));
            } else if !is_spared && seat.state() == AgentState::Paused {
                // For its end: the hold stands, and the next life waits for the resume.
                seat.note(What::AgentResumed);
            }
            let children = gate.family.as_mut().map_or_else(Vec::new, |family| {
                family.pauses.clear();
                Listed::all_in(family)
            });
            let is_over = seat.is_stopped();
            let mut waiting = Vec::new();
            if for_good && !before.is_closed() && !is_over {
                waiting = seat.body.close(seat.engine.why_stopped());
                seat.note(What::AgentStopping { stop: request });
            }
            (children, before, gate.turn.is_some(), is_over, waiting)
        };
        Sleeper::wake_all(waiting);
        if is_over && !seat.lives_below() {
            // Nothing runs for it; only its spec stood.
            if for_good {
                seat.end(StopReason::Stopped, None);
            }
            return children;
        }
        if is_over {
            // Nobody should live below it. It is the place that they end under, so that they end before those above it.
            note_orphans(seat, &children);
        }
        if !is_spared && !is_over {
            walk.seats.push(Arc::clone(seat));
        }
        match self.nodes.get_mut(&seat.key) {
            Some(known) => {
                debug_assert!(self.plan.is_stopping(seat.key), "invariant 2");
                known.for_good |= for_good;
                if seat.is_adopted() {
                    // It may be stopping by itself, below a parent that this stop is not about.
                    walk.nodes.push(self.node(seat, Presence::Gone, false, false, shutdown));
                }
            }
            None => {
                let is_place = is_spared || is_over;
                let presence = if is_place { Presence::Gone } else { tell_fenced(seat) };
                // Up with nobody there it has lost its behaviour with the runtime: it is owed a hook that cannot run.
                let has_hook = !is_place && (presence != Presence::Gone || before == Life::Up);
                walk.nodes.push(self.node(seat, presence, has_hook, works, shutdown));
                self.nodes.insert(seat.key, StoppingSeat { seat: Arc::clone(seat), for_good });
            }
        }
        children
    }

    /// What the plan is told of a seat.
    fn node(
        &self,
        seat: &Arc<Seat>,
        presence: Presence,
        has_hook: bool,
        works: bool,
        shutdown: Shutdown,
    ) -> Node {
        let is_adopted = seat.is_adopted();
        let place = seat.supervisor();
        let above = place.as_ref().map(|(supervisor, _)| supervisor.key);
        let by_id = seat.parent.as_ref().map(|parent| parent.key);
        // An adopted one belongs to a stop of its parent as well, which may come later. Where that is no part of a stop yet,
        // its supervisor may be; where neither is, it ends before its parent all the same.
        let is_known = |key: &SeatKey| self.nodes.contains_key(key);
        let parent =
            if is_adopted { by_id.filter(is_known).or(above.filter(is_known)).or(by_id) } else { above };
        Node {
            key: seat.key,
            parent,
            ordered: seat.role == Role::Static && !is_adopted,
            order: place.map_or(seat.number, |(_, number)| number),
            shutdown,
            busy: matches!(presence, Presence::Open | Presence::Starting),
            works,
            hook: seat.body.has_behaviour() && has_hook,
        }
    }
}

/// Its runner is told of the fence.
fn tell_fenced(seat: &Seat) -> Presence {
    let (presence, waker) = {
        let mut line = seat.line.lock();
        line.orders.next = None;
        (line.place.tell_fenced(), line.take_waker())
    };
    if let Some(waker) = waker {
        waker.wake();
    }
    presence
}

/// Says of those who live below an agent that has ended that they were found.
fn note_orphans(of: &Seat, children: &[Listed]) {
    for orphan in children.iter().map(|child| &child.seat).filter(|child| !child.is_stopped()) {
        let found = Found::Orphan { of: of.id.clone() };
        orphan.note(What::OrphanFound { found, dealt: Dealt::Stopped });
    }
}
