//! Where a turn is held: the one thing that every await on a context passes, and what is out meanwhile.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;

use crate::engine::pause::HeldNow;
use crate::engine::seat::Seat;
use crate::engine::seat::line::Line;
use crate::engine::turn::Turn;
use crate::engine::turn::parking::Parked;
use crate::env::fault::Phase;
use crate::words::pause::Doing;

/// Something of a turn that goes on while the turn is not polled, or that has to be polled to come to its end.
pub(crate) struct Out {
    turn: Arc<Turn>,
    number: u64,
}

impl Drop for Out {
    fn drop(&mut self) {
        self.turn.out.lock().retain(|(number, _)| *number != self.number);
        self.turn.seat.rest_if_quiet();
    }
}

impl Turn {
    /// Whether it is to be held; a stop hook is not.
    pub(super) fn is_held(&self) -> bool {
        self.phase != Phase::Stop && self.seat.held() != HeldNow::Not
    }

    /// Passes while the turn may go on or is cancelled.
    pub(crate) async fn parked(&self) {
        if self.is_held() {
            self.through(std::future::ready(())).await;
        }
    }

    /// Awaits something of the turn that is not polled while it is held: neither in nor out.
    pub(crate) async fn through<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        let mut parked = Parked::new(self);
        poll_fn(|cx| match parked.poll(cx) {
            Poll::Ready(()) => future.as_mut().poll(cx),
            Poll::Pending => Poll::Pending,
        })
        .await
    }

    /// Something goes out, unless the turn is held: read and entered in one critical section.
    pub(crate) fn go_out(self: &Arc<Self>, doing: Doing) -> Option<Out> {
        let gate = self.seat.gate.lock();
        if gate.hold.is_some() && self.phase != Phase::Stop {
            return None;
        }
        let number = self.seat.engine.number();
        self.out.lock().push((number, doing));
        drop(gate);
        Some(Out { turn: Arc::clone(self), number })
    }

    /// Waits until the seat is held so firmly.
    pub(crate) async fn braked(&self, held: HeldNow) {
        if self.phase == Phase::Stop {
            return std::future::pending().await;
        }
        self.brake.until(|| (self.seat.held() >= held).then_some(())).await;
    }

    /// Has what is out see how firmly its seat is held.
    pub(in crate::engine) fn brake(&self) {
        self.brake.ring();
    }

    /// The turn's future is about to be polled. False if it is held, with nothing of it out.
    pub(in crate::engine) fn begin_poll(&self) -> bool {
        // Said before it is looked whether the seat is held, as a pause holds before it looks whether this is said.
        self.is_polled.store(true, Ordering::SeqCst);
        let goes = !self.is_held() || self.cancel.is_raised() || !self.out.lock().is_empty();
        if !goes {
            self.end_poll();
        }
        goes
    }

    /// The turn's future has been polled and is pending.
    pub(in crate::engine) fn end_poll(&self) {
        self.is_polled.store(false, Ordering::SeqCst);
        if self.is_held() {
            self.seat.rest_if_quiet();
        }
    }

    /// Whether it is being polled, blocks its thread, or has something out.
    pub(in crate::engine) fn is_moving(&self) -> bool {
        self.phase == Phase::Stop
            || self.is_polled.load(Ordering::SeqCst)
            || self.is_blocked()
            || !self.out.lock().is_empty()
    }

    /// What keeps it from being quiet.
    pub(in crate::engine) fn doing(&self) -> Doing {
        self.out.lock().first().map_or(Doing::Computing, |(_, doing)| doing.clone())
    }
}

/// Whether a runner that waited while its seat was held may go on.
pub(crate) enum Waited {
    Go,
    /// It has to end its incarnation instead.
    Exit,
    /// A stop has come by, or another runner has its place.
    Over,
}

impl Seat {
    /// Waits as its runner, between two pieces of work, while the seat is held. An order ends the waiting.
    pub(crate) async fn while_held(&self, generation: u64) -> Waited {
        let look = |line: &mut Line| {
            if line.place.is_fenced() || line.orders.abort {
                return Some(Waited::Over);
            }
            if self.held() == HeldNow::Not {
                return Some(Waited::Go);
            }
            line.orders.exit.is_some().then_some(Waited::Exit)
        };
        let rests = || {
            self.rest_if_quiet();
            None
        };
        self.at_line(generation, look, rests).await.unwrap_or(Waited::Over)
    }
}
