//! Looks at open turns and ends those that show no progress.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use super::Engine;
use super::pause::Held;
use super::turn::Turn;
use crate::delivery::Dropped;
use crate::event::What;
use crate::spec::OnStale;
use crate::time::Time;

impl Engine {
    /// Has the heartbeat look at a turn, as often as its agent's spec says.
    pub(crate) fn watch(self: &Arc<Self>, turn: &Arc<Turn>) {
        self.turns.lock().enter(turn);
        self.look_by(turn.began() + turn.seat.policies.heartbeat);
    }

    fn look_by(self: &Arc<Self>, at: Time) {
        let mut heartbeat = self.heartbeat.lock();
        if heartbeat.as_ref().is_some_and(|(due, _)| *due <= at) {
            return;
        }
        let engine = Arc::downgrade(self);
        let timer = self.env.at(at, move || {
            if let Some(engine) = engine.upgrade() {
                engine.look();
            }
        });
        let old = heartbeat.replace((at, timer));
        drop(heartbeat);
        drop(old);
    }

    /// Looks at all turns whose look is due, and sets the next.
    fn look(self: &Arc<Self>) {
        let now = self.env.now();
        let fired = self.heartbeat.lock().take();
        drop(fired);
        let open = self.turns.lock().open();
        let mut next = Time::NEVER;
        for turn in open {
            let every = turn.seat.policies.heartbeat;
            let mut looked = Time::from_nanos(turn.looked.load(Ordering::Relaxed));
            if now >= looked + every {
                turn.looked.store(now.as_nanos(), Ordering::Relaxed);
                looked = now;
                judge(&turn, now);
            }
            next = next.min(looked + every);
        }
        if next != Time::NEVER {
            self.look_by(next);
        }
    }
}

/// The turns that are being worked on. Those that are over are let go when they have become half of the list.
#[derive(Default)]
pub(crate) struct OpenTurns {
    turns: Vec<Weak<Turn>>,
    sweep_at: usize,
}

/// Below so many turns it is not worth sweeping.
const SWEEP_MIN: usize = 1_024;

impl OpenTurns {
    fn enter(&mut self, turn: &Arc<Turn>) {
        self.turns.push(Arc::downgrade(turn));
        if self.turns.len() > self.sweep_at.max(SWEEP_MIN) {
            self.sweep();
            self.sweep_at = self.turns.len() * 2;
        }
    }

    fn sweep(&mut self) {
        self.turns.retain(|turn| turn.upgrade().is_some_and(|turn| turn.is_open()));
    }

    #[cfg(feature = "lab")]
    pub(super) fn len(&mut self) -> usize {
        self.sweep();
        self.turns.len()
    }

    fn open(&mut self) -> Vec<Arc<Turn>> {
        self.sweep();
        self.turns.iter().filter_map(Weak::upgrade).collect()
    }
}

fn judge(turn: &Turn, now: Time) {
    if turn.seat.held() != Held::Not {
        // What is held is not silent.
        return;
    }
    let Some(since) = turn.silent_since() else { return };
    let silent = now.since(since);
    let policies = &turn.seat.policies;
    if silent < policies.stale_after || turn.cancel.is_raised() {
        return;
    }
    turn.note(What::TurnStale { silent });
    if policies.on_stale == OnStale::End {
        let number = turn.number;
        turn.seat.order(|orders| orders.drop_turn = Some((number, Dropped::Stale)));
    }
}
