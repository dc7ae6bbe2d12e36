//! The line to a seat's runner: whether there is one, what it is to do, and the bell that wakes it.
//!
//! # Invariants
//! 1. What the place says of runners is said and done under the line's lock; a runner whose generation is gone returns without
//!    touching anything.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::decide::delivery::Dropped;
use crate::decide::place::{Place, Restarts, Ring};
use crate::engine::seat::Seat;
use crate::engine::supervise::first_start::FirstStart;
use crate::env::signal::Signal;
use crate::words::policy::Exit;
use crate::words::time::Time;

#[derive(Default)]
pub(crate) struct Line {
    pub(crate) place: Place,
    pub(crate) orders: Orders,
    /// When the stop hook has to be over.
    pub(crate) hook_until: Time,
    /// What is dropped elsewhere of its incarnations and of what they held: raised when that is over.
    pub(crate) dropping: Vec<Arc<Signal>>,
    /// Set while a first start is under way that somebody waits for.
    first_start: Option<Arc<FirstStart>>,
    waker: Option<Waker>,
}

/// What the runner is to do. It looks here whenever it is woken.
#[derive(Default)]
pub(crate) struct Orders {
    /// End the incarnation with this exit, dropping the turn.
    pub(crate) exit: Option<(Exit, Dropped)>,
    /// Drop the turn of this number.
    pub(crate) drop_turn: Option<(u64, Dropped)>,
    /// Drop whatever is being done: a stop's patience is over.
    pub(crate) abort: bool,
    pub(crate) next: Option<NextOrder>,
}

/// What a runner waits for between incarnations, and at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NextOrder {
    /// Build the behaviour anew and start it.
    Restart,
    /// The static children have started: take tasks.
    Serve,
    /// Run the stop hook, for at most until then.
    Hook(Time),
    /// Return.
    End,
}

impl Line {
    /// A line whose seat only holds children.
    pub(crate) fn bare() -> Self {
        Self { place: Place::bare(), ..Self::default() }
    }

    /// Whether a runner of this generation has another in its place.
    pub(crate) const fn is_superseded(&self, generation: u64) -> bool {
        self.place.generation() != generation
    }

    /// Where the result of the first start will be.
    pub(crate) fn first_start(&mut self) -> Arc<FirstStart> {
        Arc::clone(self.first_start.get_or_insert_default())
    }

    /// That start is over; another may have been begun since.
    pub(crate) fn end_first_start(&mut self, ended: &Arc<FirstStart>) {
        self.first_start.take_if(|first| Arc::ptr_eq(first, ended));
    }

    pub(crate) fn take_first_start(&mut self) -> Option<Arc<FirstStart>> {
        self.first_start.take()
    }

    /// Remembers whom to wake, unless another runner has this one's place: it must not take that one's bell. Says whether it is current.
    #[must_use]
    pub(crate) fn listen(&mut self, generation: u64, cx: &Context<'_>) -> bool {
        if self.is_superseded(generation) {
            return false;
        }
        match &mut self.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            None => self.waker = Some(cx.waker().clone()),
        }
        true
    }

    /// Why the turn of this number is to be dropped, if it is.
    pub(crate) fn drop_reason(&self, turn: u64) -> Option<Dropped> {
        if self.orders.abort {
            return Some(Dropped::Stop);
        }
        if let Some((_, dropped)) = &self.orders.exit {
            return Some(*dropped);
        }
        self.orders.drop_turn.and_then(|(number, dropped)| (number == turn).then_some(dropped))
    }

    pub(crate) fn take_waker(&mut self) -> Option<Waker> {
        self.waker.take()
    }
}

impl Seat {
    /// Gives the runner an order and wakes it.
    pub(crate) fn order(&self, give: impl FnOnce(&mut Orders)) {
        let waker = {
            let mut line = self.line.lock();
            give(&mut line.orders);
            line.take_waker()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// A task has come: wakes the runner, or opens one where the agent has been dormant.
    pub(crate) fn ring(self: &Arc<Self>) {
        let generation = {
            let mut line = self.line.lock();
            match line.place.rings() {
                Ring::Opens(generation) => generation,
                Ring::Wakes => {
                    let waker = line.take_waker();
                    drop(line);
                    if let Some(waker) = waker {
                        waker.wake();
                    }
                    return;
                }
                Ring::Waits => return,
            }
        };
        self.engine.env.spawn_work(self.body.runner_of_dormant(Arc::clone(self), generation));
    }

    /// Waits as its runner of this generation until something is found at the line, or elsewhere when the line is let go; nothing if
    /// another runner has its place. Whoever rings finds it listening, or is found.
    pub(crate) async fn at_line<T>(
        &self,
        generation: u64,
        mut look: impl FnMut(&mut Line) -> Option<T>,
        mut elsewhere: impl FnMut() -> Option<T>,
    ) -> Option<T> {
        poll_fn(|cx| {
            {
                let mut line = self.line.lock();
                if !line.listen(generation, cx) {
                    return Poll::Ready(None);
                }
                if let Some(found) = look(&mut line) {
                    return Poll::Ready(Some(found));
                }
            }
            elsewhere().map_or(Poll::Pending, |found| Poll::Ready(Some(found)))
        })
        .await
    }

    /// Begins a runner that builds the behaviour anew, unless one is there: then it is told to.
    pub(crate) fn restart(self: &Arc<Self>) {
        let generation = {
            let mut line = self.line.lock();
            let restarts = line.place.restarts();
            if restarts == Restarts::Never {
                return;
            }
            (line.orders.abort, line.orders.exit) = (false, None);
            match restarts {
                Restarts::Opens(generation) => {
                    line.orders.next = None;
                    generation
                }
                Restarts::Runner | Restarts::Never => {
                    line.orders.next = Some(NextOrder::Restart);
                    let waker = line.take_waker();
                    drop(line);
                    if let Some(waker) = waker {
                        waker.wake();
                    }
                    return;
                }
            }
        };
        self.engine.env.spawn_work(self.body.runner(Arc::clone(self), generation));
    }
}
