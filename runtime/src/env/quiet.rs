//! A user's code runs here where it may panic: what it panics with is a value, with its place.
//!
//! # Invariants
//! 1. Nothing unwinds out of [`caught`]: neither the code's panic nor that of its payload's own drop.
//! 2. A panic's place is that of the panic whose payload was caught, never that of another which the code had caught itself.

mod hook;
mod listen;
#[cfg(test)]
mod tests;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

pub(crate) use self::hook::install;
pub(crate) use self::listen::simulates;
use self::listen::{HeardPanic, hear, listen};
use crate::words::error::Panic;

/// Runs a user's code and gives its panic back instead of unwinding.
pub(crate) fn caught<R>(run: impl FnOnce() -> R) -> Result<R, Panic> {
    let (mut run, mut done) = (Some(run), None);
    caught_once(&mut || done = run.take().map(|run| run()))?;
    Ok(done.unwrap_or_else(|| unreachable!("it was run, and did not panic")))
}

/// Compiled once, and not again for each type of agent and each place where its code is run.
fn caught_once(run: &mut dyn FnMut()) -> Result<(), Panic> {
    let listening = listen(hook::wants_backtraces());
    catch_unwind(AssertUnwindSafe(run)).map_err(|payload| {
        let heard = listening.heard(&*payload);
        if heard.is_none() {
            // Somebody has replaced the hook, or the panic was resumed from elsewhere.
            hook::look_again();
        }
        let (place, backtrace) = heard.map_or((None, None), |heard| (Some(heard.place), heard.backtrace));
        let panic = Panic::new(&*payload, place, backtrace);
        let_go(payload);
        panic
    })
}

/// Whether a panic on this thread becomes a value.
#[cfg(feature = "lab")]
pub(crate) fn is_caught() -> bool {
    self::listen::listener().is_some()
}

/// A payload's drop is a user's code as well. What that panics with is forgotten: its drop might never come to an end.
fn let_go(payload: Box<dyn Any + Send>) {
    if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(again);
    }
}

/// A panic on its way to another thread.
pub(crate) struct Thrown {
    payload: Option<Box<dyn Any + Send>>,
    heard: Option<HeardPanic>,
}

/// Wraps a user's work for another thread. Its panic is for whoever waits there, who goes on with it by [`Thrown::resume`].
pub(crate) fn for_another_thread<R>(work: impl FnOnce() -> R) -> impl FnOnce() -> Result<R, Thrown> {
    let (wish, is_simulated) = (hook::wants_backtraces(), listen::is_simulated());
    move || {
        let (listening, was_simulated) = (listen(wish), listen::is_simulated());
        simulates(is_simulated);
        let done = catch_unwind(AssertUnwindSafe(work)).map_err(|payload| {
            let heard = listening.heard(&*payload);
            Thrown { payload: Some(payload), heard }
        });
        simulates(was_simulated);
        done
    }
}

impl Thrown {
    /// Goes on with it here.
    pub(crate) fn resume(mut self) -> ! {
        if let Some(heard) = self.heard.take() {
            hear(heard);
        }
        resume_unwind(self.payload.take().unwrap_or_else(|| Box::new("a panic that was let go of")))
    }
}

impl Drop for Thrown {
    fn drop(&mut self) {
        // Nobody waits for it any more.
        if let Some(payload) = self.payload.take() {
            let _listening = listen(None);
            let_go(payload);
        }
    }
}
