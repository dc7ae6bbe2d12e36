//! Ends a part before its time.

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use futures_util::task::AtomicWaker;

/// Tells one part to end. What it has begun it stops, and so it ends as one that was stopped, with its bill.
#[derive(Clone, Default)]
pub(crate) struct Halt(Arc<Raised>);

#[derive(Default)]
struct Raised {
    part: AtomicBool,
    run: AtomicBool,
    /// A part waits in one place at a time.
    waker: AtomicWaker,
}

impl Halt {
    /// This part is to end, and the others go on.
    pub(crate) fn raise(&self) {
        self.0.part.store(true, Ordering::Release);
        self.0.waker.wake();
    }

    /// The run was cut. Its scope is stopped, so this is for parts that wait for something outside of it.
    pub(crate) fn raise_all(&self) {
        self.0.run.store(true, Ordering::Release);
        self.0.waker.wake();
    }

    /// Until this part is to end.
    pub(crate) fn raised(&self) -> impl Future<Output = ()> + '_ {
        self.when(|raised| raised.part.load(Ordering::Acquire))
    }

    /// Until this part is to end, or all of them.
    pub(crate) fn raised_at_all(&self) -> impl Future<Output = ()> + '_ {
        self.when(|raised| raised.part.load(Ordering::Acquire) || raised.run.load(Ordering::Acquire))
    }

    fn when(&self, is_raised: fn(&Raised) -> bool) -> impl Future<Output = ()> + '_ {
        poll_fn(move |cx| {
            self.0.waker.register(cx.waker());
            if is_raised(&self.0) { Poll::Ready(()) } else { Poll::Pending }
        })
    }
}
