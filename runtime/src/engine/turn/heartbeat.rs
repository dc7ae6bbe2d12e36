//! Looks at open turns and ends those that show no progress.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::decide::delivery::Dropped;
use crate::decide::supervision::Started;
use crate::engine::Engine;
use crate::engine::pause::HeldNow;
use crate::engine::seat::{Gate, Seat};
use crate::engine::turn::{Cancel, Turn};
use crate::env::fault::Phase;
use crate::words::event::What;
use crate::words::policies::OnStale;
use crate::words::policy::{Exit, FailureClass};
use crate::words::time::Time;

/// A heart beats so often between two looks at a turn, so that standing still is seen as soon.
const BEATS: u32 = 4;

/// The least time between two beats: a spec that wants to be looked at more often than that does not keep the control thread.
const BEAT_MIN: Duration = Duration::from_millis(1);

/// The time between two beats for an agent that is to be looked at so often.
fn beat_of(heartbeat: Duration) -> Duration {
    (heartbeat / BEATS).max(BEAT_MIN)
}

impl Engine {
    /// Has the heartbeat look at a turn, as often as its agent's spec says.
    pub(crate) fn watch(self: &Arc<Self>, turn: &Arc<Turn>) {
        self.turns.lock().enter(turn);
        self.look_by(turn.began() + beat_of(turn.seat.policies.heartbeat));
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
        if old.is_none() {
            self.standstill.lock().begin(self.env.now());
        }
        drop(old);
    }

    /// Looks at all turns whose look is due, and sets the next beat.
    fn look(self: &Arc<Self>) {
        let now = self.env.now();
        let fired = self.heartbeat.lock().take();
        let open = self.turns.lock().open();
        let Some(beat) = open.iter().map(|turn| beat_of(turn.seat.policies.heartbeat)).min() else {
            self.standstill.lock().rest();
            return;
        };
        if let Some((due, timer)) = fired {
            drop(timer);
            self.beat(now, due, beat, &open);
        }
        for turn in open {
            let looked = Time::from_nanos(turn.looked.load(Ordering::Relaxed));
            if now >= looked + turn.seat.policies.heartbeat {
                turn.looked.store(now.as_nanos(), Ordering::Relaxed);
                self.judge(&turn, now);
            }
        }
        self.look_by(now + beat);
    }

    /// Notes whether the beat came late, and sends a probe to where the turns run.
    fn beat(self: &Arc<Self>, now: Time, due: Time, every: Duration, open: &[Arc<Turn>]) {
        let mut standstill = self.standstill.lock();
        let sends = standstill.beat(now, due, every);
        standstill.forget_before(open.iter().map(|turn| turn.last_progress()).min().unwrap_or(now));
        drop(standstill);
        if sends {
            let engine = Arc::downgrade(self);
            self.env.spawn_work(async move {
                if let Some(engine) = engine.upgrade() {
                    let now = engine.env.now();
                    engine.standstill.lock().probed(now);
                }
            });
        }
    }

    fn judge(self: &Arc<Self>, turn: &Arc<Turn>, now: Time) {
        if turn.seat.held() != HeldNow::Not {
            // What is held is not silent.
            return;
        }
        let Some(since) = turn.silent_since() else { return };
        let silent = self.standstill.lock().silence(since, now, turn.holds_its_thread());
        let policies = &turn.seat.policies;
        // Who is cancelled is on the way out, unless the cancel does not reach it. A stop looks after its own.
        let is_leaving = match turn.cancelled() {
            None => false,
            Some(Cancel::Stop | Cancel::Over) => true,
            Some(Cancel::Interrupt | Cancel::Withdrawn | Cancel::Expired) => !turn.holds_its_thread(),
        };
        if silent < policies.stale_after || is_leaving {
            return;
        }
        let ends = policies.on_stale == OnStale::End;
        if ends && turn.is_condemned.swap(true, Ordering::AcqRel) {
            return;
        }
        turn.note(What::TurnStale { silent });
        if ends {
            let number = turn.number;
            turn.seat.order(|orders| orders.drop_turn = Some((number, Dropped::Stale)));
            let message = format!("a turn showed no progress for {silent:?}");
            turn.give_up_after_grace(Exit::failed(FailureClass::Stale, message), false);
        }
    }
}

impl Turn {
    /// Has the turn given up if it still holds its thread when the grace is over: no order reaches it there.
    pub(crate) fn give_up_after_grace(self: &Arc<Self>, exit: Exit, brutal: bool) {
        let engine = &self.seat.engine;
        let late = Arc::downgrade(self);
        let grace = engine.env.after(engine.interrupt_grace, move || {
            if let Some(turn) = late.upgrade() {
                turn.seat.give_up_turn(&turn, exit, brutal);
            }
        });
        self.keep_patience(grace);
    }
}

impl Seat {
    /// Gives a turn up that holds its thread, with its runner: the incarnation is over, and the agent may be restarted. One critical
    /// section with the turn's own end: whichever comes first is the end.
    fn give_up_turn(self: &Arc<Self>, turn: &Arc<Turn>, exit: Exit, brutal: bool) {
        let is_on = |gate: &Gate| {
            let is_its = gate.turn.as_ref().is_some_and(|on| on.number == turn.number);
            self.is_up() && is_its && turn.holds_its_thread()
        };
        if !self.give_up_runner_if(is_on, None) {
            return;
        }
        match (turn.phase, exit) {
            (Phase::Start, Exit::Failed { message, .. }) => self.not_started(None, Started::Failed(message)),
            (_, exit) => self.exited(exit, true, brutal),
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
    pub(in crate::engine) fn len(&mut self) -> usize {
        self.sweep();
        self.turns.len()
    }

    fn open(&mut self) -> Vec<Arc<Turn>> {
        self.sweep();
        self.turns.iter().filter_map(Weak::upgrade).collect()
    }
}
