//! Stop hooks: a waiting runner is told to run its own; those of dormant agents are polled in place, on the embedder's
//! runtime, one after another.
//!
//! # Invariants
//! 1. At most one driver is current, and only that one takes hooks. One that is found in the same hook after a while blocks
//!    its thread: another becomes current, and the blocked one ends when it comes back.
//! 2. Where the runtime has ended no hook runs, and none is waited for.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::decide::place::Presence;
use crate::decide::stopping::HookEnd;
use crate::engine::Engine;
use crate::engine::seat::Seat;
use crate::engine::seat::line::NextOrder;
use crate::engine::seat::presence::PresenceGuard;
use crate::env::Timer;
use crate::words::time::Time;

/// Hooks of dormant agents that wait for their poll, and who is about it.
#[derive(Default)]
pub(in crate::engine) struct DormantHooks {
    seats: VecDeque<Arc<Seat>>,
    driver: Option<Driver>,
    drivers: u64,
}

struct Driver {
    number: u64,
    /// Hooks that it has taken.
    taken: u64,
    look: Timer,
}

/// A poll that takes longer blocks its thread. Each waiting hook has at least so much of the stop's time.
const BLOCKS: Duration = Duration::from_millis(20);

/// Begins a seat's stop hook.
pub(in crate::engine) fn begin(seat: &Arc<Seat>, until: Time) {
    let is_dormant = {
        let mut line = seat.line.lock();
        line.hook_until = until;
        line.place.presence() != Presence::Open
    };
    if !is_dormant {
        seat.order(|orders| orders.next = Some(NextOrder::Hook(until)));
        return;
    }
    let engine = &seat.engine;
    if engine.env.ground_was_lost() {
        engine.hook_ended(seat, HookEnd::Dropped);
        return;
    }
    let has_driver = {
        let mut stopper = engine.stopper.lock();
        stopper.hooks.seats.push_back(Arc::clone(seat));
        stopper.hooks.driver.is_some()
    };
    if !has_driver {
        drive(engine);
    }
}

/// Takes a dormant agent's hook back that has not begun: its time is over, and nothing of it runs.
pub(in crate::engine) fn take_back(seat: &Arc<Seat>) -> bool {
    let seats = &mut seat.engine.stopper.lock().hooks.seats;
    let place = seats.iter().position(|waiting| Arc::ptr_eq(waiting, seat));
    place.and_then(|place| seats.remove(place)).is_some()
}

/// Makes a new driver the current one. Only who performs the plan and the timer of the current driver call this.
fn drive(engine: &Arc<Engine>) {
    if engine.env.ground_was_lost() {
        abandon(engine);
        return;
    }
    let number = {
        let mut stopper = engine.stopper.lock();
        stopper.hooks.drivers += 1;
        stopper.hooks.drivers
    };
    let look = look_later(engine, number, 0);
    let driver = Driver { number, taken: 0, look };
    let former = engine.stopper.lock().hooks.driver.replace(driver);
    drop(former);
    let driven = Arc::clone(engine);
    engine.env.spawn_work(async move {
        while let Some((seat, taken)) = take(&driven, number) {
            poll_in_place(&seat);
            if taken.is_multiple_of(64) {
                tokio::task::yield_now().await;
            }
        }
    });
}

/// The runtime that hooks run on has ended, and with it whoever drove them.
fn abandon(engine: &Arc<Engine>) {
    let (seats, driver) = {
        let hooks = &mut engine.stopper.lock().hooks;
        (std::mem::take(&mut hooks.seats), hooks.driver.take())
    };
    drop(driver);
    for seat in seats {
        engine.hook_ended(&seat, HookEnd::Dropped);
    }
}

/// The next hook for a driver and how many it has had; none if another is current, or nothing is left and none is.
fn take(engine: &Engine, number: u64) -> Option<(Arc<Seat>, u64)> {
    let over = {
        let hooks = &mut engine.stopper.lock().hooks;
        let driver = hooks.driver.as_mut().filter(|driver| driver.number == number)?;
        if let Some(seat) = hooks.seats.pop_front() {
            driver.taken += 1;
            return Some((seat, driver.taken));
        }
        hooks.driver.take()
    };
    drop(over);
    None
}

fn look_later(engine: &Arc<Engine>, number: u64, taken: u64) -> Timer {
    let later = Arc::downgrade(engine);
    engine.env.after(BLOCKS, move || {
        if let Some(engine) = later.upgrade() {
            look(&engine, number, taken);
        }
    })
}

/// Looks whether a driver has come on since it had taken so many.
fn look(engine: &Arc<Engine>, number: u64, taken: u64) {
    let now_taken = {
        let hooks = &engine.stopper.lock().hooks;
        match &hooks.driver {
            Some(driver) if driver.number == number => driver.taken,
            _ => return,
        }
    };
    if now_taken == taken {
        drive(engine);
        return;
    }
    let next = look_later(engine, number, now_taken);
    let fired = {
        let hooks = &mut engine.stopper.lock().hooks;
        match &mut hooks.driver {
            Some(driver) if driver.number == number => std::mem::replace(&mut driver.look, next),
            _ => next,
        }
    };
    drop(fired);
}

fn poll_in_place(seat: &Arc<Seat>) {
    let generation = seat.line.lock().place.hooks_in_place();
    let Some(generation) = generation else {
        // It was killed in mid-stop: the plan waits for no hook of it.
        seat.engine.hook_ended(seat, HookEnd::Dropped);
        return;
    };
    let presence = PresenceGuard::new(seat, generation);
    let Some(mut hook) = seat.body.dormant_hook(Arc::clone(seat)) else {
        ended(seat, presence, HookEnd::Done);
        return;
    };
    let polled = {
        let _poll = seat.poll(generation);
        hook.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    };
    match polled {
        Poll::Ready(end) => ended(seat, presence, end),
        Poll::Pending => {
            let seat_of_hook = Arc::clone(seat);
            seat.engine.env.spawn_work(async move {
                let end = seat_of_hook.polled(generation, hook.as_mut()).await;
                ended(&seat_of_hook, presence, end);
            });
        }
    }
}

fn ended(seat: &Arc<Seat>, presence: PresenceGuard, end: HookEnd) {
    presence.leave();
    seat.engine.hook_ended(seat, end);
}

impl Seat {
    /// When its stop hook has to be over.
    pub(crate) fn hook_until(&self) -> Time {
        self.line.lock().hook_until
    }
}
