//! What is said of an ask before its answer is there: until when, what is accepted, how often it is tried.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use super::{Ask, AskState, At, sent};
use crate::agent::Agent;
use crate::agent::task::Check;
use crate::engine::seat::rights::Rights;
use crate::words::id::TaskId;

impl<A: Agent> Ask<A> {
    /// Its deadline, counted from when it was sent or first polled; 30 s by default. Set later, it replaces the earlier
    /// deadline, even of a queued or running task; a deadline that has already passed ends the task now. What the task's turn
    /// has begun by then keeps the deadline that it inherited.
    pub fn within(mut self, limit: Duration) -> Self {
        self.within = limit;
        if let AskState::Sent(cell) = &self.state {
            sent::move_deadline::<A>(&self.seat, cell, self.deadline());
        }
        self
    }

    /// Accepts only an output that passes `check`. An output that does not pass is a failed attempt; the next attempt finds the
    /// reason in [`Context::last_error`](crate::Context::last_error), and the agent lives on. After the last attempt the task is
    /// poisoned. The check runs where the agent works; a check that panics rejects the output. Set after the task was sent, it
    /// applies to later outputs. If the answer is already there, there is no further attempt, and an output that does not pass is
    /// [`AskError::Failed`](crate::AskError::Failed) with the reason.
    pub fn accept<E: Display>(
        mut self,
        check: impl Fn(&A::Output) -> Result<(), E> + Send + Sync + 'static,
    ) -> Self {
        let check: Check<A::Output> =
            Box::new(move |output| check(output).map_err(|reason| reason.to_string()));
        let accept = Arc::new(self.seat.home.keep(check));
        if let AskState::Sent(cell) = &self.state {
            cell.set_accept(Arc::clone(&accept));
        }
        self.accept = Some(accept);
        self
    }

    /// Tries again in the same agent: this many more attempts after the first has failed, whether by an error, a crash or an
    /// output that is not accepted, and never more than the agent's spec allows. Each finds the error of the one before in
    /// [`Context::last_error`](crate::Context::last_error), and begins when that error's advice says. What another attempt cannot
    /// change (over budget, poisoned, once an effect that may happen only once has begun) is not tried again.
    ///
    /// By default an error is the answer, and a crash is tried again as often as the spec says. Must be said before it is sent.
    pub fn retries(mut self, again: u32) -> Self {
        self.retries = Some(again);
        self
    }

    /// Says which dead letter its task was.
    pub(crate) fn replaying(mut self, letter: TaskId) -> Self {
        self.replay_of = Some(letter);
        self
    }

    /// Says for whom it is asked, besides the turn that asks.
    pub(crate) fn bounded(mut self, rights: Rights) -> Self {
        self.bound = rights;
        self
    }

    /// Says where in its turn it is asked.
    pub(crate) fn at(mut self, at: At) -> Self {
        self.at = at;
        self
    }
}
