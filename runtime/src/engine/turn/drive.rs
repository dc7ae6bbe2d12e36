//! Polls a piece of an agent's work until it returns, panics or has to be dropped.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use crate::decide::delivery::Dropped;
use crate::engine::lab::points;
use crate::engine::turn::{Turn, within};
use crate::env::quiet::caught;
use crate::words::error::{AgentError, Panic};

/// How a piece of work ended.
pub(crate) enum Driven {
    Returned(Result<(), AgentError>),
    Panicked(Panic),
    Dropped(Dropped),
}

/// A piece of work. What it gives besides an error it leaves with whoever made it, so that what drives it is compiled once, and not
/// again for each type of agent.
pub(crate) type WorkPiece<'a> = Pin<Box<dyn Future<Output = Result<(), AgentError>> + Send + 'a>>;

/// The future of a piece of work, which is dropped as a part of its turn, also where the runner is dropped with it; what it
/// panics with then ends nothing else.
struct DrivenWork<'a, F> {
    turn: &'a Arc<Turn>,
    future: Pin<&'a mut Option<F>>,
}

impl<F> DrivenWork<'_, F> {
    fn end(&mut self) -> Result<(), Panic> {
        within(self.turn, || caught(|| self.future.set(None)))
    }
}

impl<F> Drop for DrivenWork<'_, F> {
    fn drop(&mut self) {
        if self.future.is_some() {
            self.end().ok();
        }
    }
}

/// Drives a part of the agent's code, a future of the turn, on the line of its seat. It is dropped before this returns, also by a
/// panic of its own.
pub(crate) async fn drive(turn: &Arc<Turn>, generation: u64, part: &str, future: WorkPiece<'_>) -> Driven {
    let slot = pin!(Some(points::seeing(turn, turn.phase, "", future)));
    let mut work = DrivenWork { turn, future: slot };
    let driven = poll_fn(|cx| {
        if let Some(dropped) = drop_reason(turn, generation, cx) {
            // A thread that blocks is deaf to its abort; so is a simulated one.
            if turn.is_blocked() { Poll::Pending } else { Poll::Ready(Driven::Dropped(dropped)) }
        } else if turn.is_blocked() || !turn.begin_poll() {
            Poll::Pending
        } else {
            let future = work.future.as_mut().as_pin_mut().expect("polled until it is ready, and no further");
            turn.polled.store(true, Ordering::Release);
            let polled = within(turn, || caught(|| future.poll(cx)));
            turn.polled.store(false, Ordering::Release);
            match polled {
                Ok(Poll::Ready(output)) => Poll::Ready(Driven::Returned(output)),
                Ok(Poll::Pending) => {
                    turn.end_poll();
                    Poll::Pending
                }
                Err(panic) => {
                    turn.note_panic(part, &panic);
                    Poll::Ready(Driven::Panicked(panic))
                }
            }
        }
    })
    .await;
    match &driven {
        Driven::Panicked(_) => turn.leave_asks(),
        Driven::Dropped(dropped) if *dropped != Dropped::Interrupt => turn.leave_asks(),
        Driven::Returned(_) | Driven::Dropped(_) => {}
    }
    let dropped = work.end();
    if let Err(panic) = &dropped {
        turn.note_panic(part, panic);
    }
    match (driven, dropped) {
        (Driven::Returned(_), Err(panic)) => Driven::Panicked(panic),
        (driven, _) => driven,
    }
}

fn drop_reason(turn: &Turn, generation: u64, cx: &Context<'_>) -> Option<Dropped> {
    let mut line = turn.seat.line.lock();
    if line.listen(generation, cx) { line.drop_reason(turn.number) } else { Some(Dropped::CellLost) }
}

impl Turn {
    /// Whether it holds its thread: seen from another one, it does not come back from a poll.
    pub(crate) fn holds_its_thread(&self) -> bool {
        self.polled.load(Ordering::Acquire) || self.is_blocked()
    }

    /// Whether a simulated block is on; its end wakes the runner.
    pub(crate) fn is_blocked(&self) -> bool {
        self.bent.is_blocked(|| self.seat.engine.env.now())
    }
}
