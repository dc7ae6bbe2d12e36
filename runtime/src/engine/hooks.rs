//! Stop hooks: a waiting runner is told to run its own; those of dormant agents are polled in place, on the embedder's
//! runtime, one after another.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::Engine;
use super::line::{Next, Presence};
use super::runner::PresenceGuard;
use super::seat::Seat;
use crate::stopping::HookEnd;
use crate::time::Time;

/// Begins a seat's stop hook.
pub(super) fn begin(seat: &Arc<Seat>, until: Time) {
    let is_dormant = {
        let mut line = seat.line.lock();
        line.hook_until = until;
        line.presence != Presence::Open
    };
    if !is_dormant {
        seat.order(|orders| orders.next = Some(Next::Hook(until)));
        return;
    }
    let engine = &seat.engine;
    let must_drive = {
        let mut stopper = engine.stopper.lock();
        stopper.hooks.push_back(Arc::clone(seat));
        !std::mem::replace(&mut stopper.is_driving, true)
    };
    if must_drive {
        engine.env.spawn_work(drive(Arc::clone(engine)));
    }
}

/// Takes a dormant agent's hook back that has not begun: its time is over, and nothing of it runs.
pub(super) fn take_back(seat: &Arc<Seat>) -> bool {
    let mut stopper = seat.engine.stopper.lock();
    let place = stopper.hooks.iter().position(|waiting| Arc::ptr_eq(waiting, seat));
    place.and_then(|place| stopper.hooks.remove(place)).is_some()
}

async fn drive(engine: Arc<Engine>) {
    let mut done = 0_u32;
    loop {
        let seat = {
            let mut stopper = engine.stopper.lock();
            match stopper.hooks.pop_front() {
                Some(seat) => seat,
                None => {
                    stopper.is_driving = false;
                    return;
                }
            }
        };
        poll_in_place(&seat);
        done += 1;
        if done.is_multiple_of(64) {
            tokio::task::yield_now().await;
        }
    }
}

fn poll_in_place(seat: &Arc<Seat>) {
    let generation = {
        let mut line = seat.line.lock();
        if line.presence == Presence::Gone {
            return;
        }
        line.generation += 1;
        line.presence = Presence::Open;
        line.generation
    };
    let presence = PresenceGuard::new(seat, generation);
    let Some(mut hook) = seat.body.dormant_hook(Arc::clone(seat)) else {
        ended(seat, presence, HookEnd::Done);
        return;
    };
    match hook.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(end) => ended(seat, presence, end),
        Poll::Pending => {
            let seat_of_hook = Arc::clone(seat);
            seat.engine.env.spawn_work(async move {
                let end = hook.await;
                ended(&seat_of_hook, presence, end);
            });
        }
    }
}

fn ended(seat: &Arc<Seat>, presence: PresenceGuard, end: HookEnd) {
    drop(presence);
    seat.engine.hook_ended(seat, end);
}

impl Seat {
    /// When its stop hook has to be over.
    pub(crate) fn hook_until(&self) -> Time {
        self.line.lock().hook_until
    }
}
