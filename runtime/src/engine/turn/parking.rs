//! A turn that is held, among those who wait until it is not.

use std::sync::Arc;
use std::task::{Context, Poll};

use crate::engine::turn::Turn;
use crate::env::signal::Signal;

/// A place among those who wait until a turn is not held any more, or is cancelled.
#[derive(Default)]
pub(crate) struct Parking {
    over: Option<(Arc<Signal>, Option<u64>)>,
    cancel: Option<u64>,
}

impl Parking {
    /// Ready while the turn may go on.
    pub(crate) fn poll(&mut self, turn: &Turn, cx: &mut Context<'_>) -> Poll<()> {
        if !turn.is_held() {
            self.leave(turn);
            return Poll::Ready(());
        }
        loop {
            if turn.cancel.poll_raised(&mut self.cancel, cx).is_ready() {
                self.leave(turn);
                return Poll::Ready(());
            }
            if let Some((over, place)) = &mut self.over
                && over.poll_raised(place, cx).is_pending()
            {
                return Poll::Pending;
            }
            let gate = turn.seat.gate.lock();
            match &gate.hold {
                Some(hold) => self.over = Some((Arc::clone(&hold.over), None)),
                None => {
                    drop(gate);
                    self.leave(turn);
                    return Poll::Ready(());
                }
            }
        }
    }

    /// Gives the places up.
    pub(crate) fn leave(&mut self, turn: &Turn) {
        turn.cancel.leave(&mut self.cancel);
        if let Some((over, mut place)) = self.over.take() {
            over.leave(&mut place);
        }
    }
}

/// A place in a future, which is given up with it.
pub(super) struct Parked<'a>(&'a Turn, Parking);

impl<'a> Parked<'a> {
    pub(super) fn new(turn: &'a Turn) -> Self {
        Self(turn, Parking::default())
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.1.poll(self.0, cx)
    }
}

impl Drop for Parked<'_> {
    fn drop(&mut self) {
        self.1.leave(self.0);
    }
}
