//! Who is compared: the same few things, done with each.

// By path, since another bench takes this file by its path too.
#[path = "sides/bare.rs"]
mod bare;
#[path = "sides/on_kameo.rs"]
mod on_kameo;
#[path = "sides/on_ractor.rs"]
mod on_ractor;
#[path = "sides/on_skep.rs"]
mod on_skep;

use std::future::Future;
use std::time::Duration;

pub(crate) use bare::Bare;
pub(crate) use on_kameo::OnKameo;
pub(crate) use on_ractor::OnRactor;
pub(crate) use on_skep::{Crashing, Ends, OnSkep, Task};

/// A parent with children below it, and what is done with them.
pub(crate) trait Side: Sized + Send + 'static {
    /// The address of one.
    type One: Clone + Send + Sync + 'static;

    fn start() -> impl Future<Output = Self> + Send;
    /// One more child of the parent.
    fn spawn(&mut self) -> impl Future<Output = Self::One> + Send;
    /// One more below one that is `depth` levels below the parent.
    fn spawn_below(&mut self, depth: usize, above: &Self::One) -> impl Future<Output = Self::One> + Send;
    /// Asks for a number and one more.
    fn ask(one: &Self::One, number: u64) -> impl Future<Output = u64> + Send;
    /// Tells a number; nobody waits.
    fn tell(one: &Self::One, number: u64);
    /// Has somebody else ask `one` so many times, each time waiting for the answer, within one piece of its own work.
    fn ask_inside(&mut self, one: &Self::One, times: u64) -> impl Future<Output = Duration> + Send;
    /// Stops all, those below before those above, and says how many there were.
    fn stop(self) -> impl Future<Output = usize> + Send;
    /// Has each of so many children crash so many times; from the first crash to the last start.
    fn restarts(children: usize, each: usize) -> impl Future<Output = Duration> + Send {
        let _ = (children, each);
        // Of a side that is not asked for this.
        async { Duration::ZERO }
    }
}

/// Counts starts, and tells whoever waits for the last.
pub(crate) struct Starts {
    left: std::sync::atomic::AtomicUsize,
    last: tokio::sync::Notify,
}

impl Starts {
    pub(crate) fn new(left: usize) -> std::sync::Arc<Self> {
        std::sync::Arc::new(Self { left: left.into(), last: tokio::sync::Notify::new() })
    }

    pub(crate) fn one(&self) {
        if self.left.fetch_sub(1, std::sync::atomic::Ordering::AcqRel) == 1 {
            self.last.notify_one();
        }
    }

    pub(crate) async fn all(&self) {
        self.last.notified().await;
    }
}

/// A panic is a part of what is measured, and its words on stderr are not.
pub(crate) fn silence() {
    std::panic::set_hook(Box::new(|_| {}));
}
