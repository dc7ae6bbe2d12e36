//! Futures that an incarnation drives beside its turns: a connection, a watcher of a process. Such a future ends with the
//! incarnation, and the incarnation with it.
//!
//! # Invariants
//! 1. It is a holding: with that it is dropped, where a user's code may run, and what a stop says of the agent waits for it.
//! 2. Only the incarnation that began it ends with it, however late that comes.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use tracing::{Instrument, Span};

use crate::engine::seat::Seat;
use crate::engine::seat::holding::Holding;
use crate::env::known;
use crate::env::quiet::caught;
use crate::env::signal::Signal;
use crate::words::ends::Left;
use crate::words::error::AgentError;
use crate::words::policy::Exit;

/// What is held: dropped, it lets go of the future.
struct Attends(Arc<Signal>);

impl Drop for Attends {
    fn drop(&mut self) {
        self.0.raise();
    }
}

impl Seat {
    /// The holding, and what has to be begun when the gate is let go of, which the caller holds with its turn open: a runtime that has
    /// ended drops it at once, and a user's drop with it.
    pub(crate) fn attend(
        self: &Arc<Self>,
        name: &str,
        span: Span,
        future: impl Future<Output = Exit> + Send + 'static,
    ) -> (Holding, impl Future<Output = ()> + Send + 'static) {
        let since = self.holdings.lock().since();
        let let_go = Arc::new(Signal::default());
        let (until, seat) = (Arc::clone(&let_go), Arc::clone(self));
        let remains = self.remains(Left::Holding(name.to_owned()));
        let mut future: Option<Pin<Box<dyn Future<Output = Exit> + Send>>> = Some(Box::pin(future));
        let driven = async move {
            let ended = {
                let driven = poll_fn(|cx| {
                    let Some(future) = &mut future else { return Poll::Ready(None) };
                    match caught(|| future.as_mut().poll(cx)) {
                        Ok(Poll::Pending) => Poll::Pending,
                        Ok(Poll::Ready(exit)) => Poll::Ready(Some(exit)),
                        Err(panic) => {
                            let error = AgentError::panicked_in("what it attends to", panic);
                            Poll::Ready(Some(Exit::failed(error.class(), error.to_string())))
                        }
                    }
                });
                tokio::select! {
                    biased;
                    () = until.raised() => None,
                    exit = known(driven) => exit,
                }
            };
            // A user's drop.
            drop(caught(|| drop(future.take())));
            if let Some(exit) = ended {
                seat.end_incarnation_since(since, exit);
            }
            drop(remains);
        };
        (self.hold(name, Box::new(Attends(let_go))), driven.instrument(span))
    }
}
