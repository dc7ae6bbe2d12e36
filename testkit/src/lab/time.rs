//! The lab's time in a test's hands, and waiting for what happens.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use skep_runtime::{Event, Filter};

use super::{Lab, failure};

/// Events that are shown where the one that was waited for has not come.
const SHOWN: usize = 8;

/// An event that a test waited for did not happen.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotSeen {
    /// How long it was waited for, on the lab's clock.
    pub within: Duration,
    /// Whether the swarm has ended, so that nothing more can come.
    pub is_over: bool,
    /// Events that came instead.
    pub count: usize,
    /// The last of them, a line each.
    pub last: String,
}

impl fmt::Display for NotSeen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let over = if self.is_over { ", and the swarm has ended" } else { "" };
        write!(f, "no such event came within {:?}{over}", self.within)?;
        match self.count {
            0 => f.write_str("; nor did any other"),
            count => write!(f, "; the last of {count} others:\n{}", self.last),
        }
    }
}

/// As in words, since that is what a test shows that returns it.
impl fmt::Debug for NotSeen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for NotSeen {}

impl Lab {
    /// Lets this much time pass for the swarm. In a simulated world this takes no real time: the clock jumps from timer to
    /// timer, and everything due on the way happens in order.
    #[allow(clippy::disallowed_methods, reason = "the lab's clock is tokio's")]
    pub async fn advance(&self, by: Duration) {
        tokio::time::sleep(by).await;
        // What is due at the very moment happens too.
        for _ in 0..super::SETTLING {
            tokio::task::yield_now().await;
        }
    }

    /// Waits for the first matching event after the one that the previous `until` found; the first `until` begins with the
    /// session. The event may have happened already.
    ///
    /// # Errors
    /// [`NotSeen`] says what happened instead. The next `until` begins where this one began.
    ///
    /// # Panics
    /// If no swarm was started in this lab.
    pub async fn until(
        &self,
        is_it: impl Fn(&Event) -> bool,
        within: Duration,
    ) -> Result<Arc<Event>, NotSeen> {
        let running = self.inside.running.lock().clone();
        let running = running.unwrap_or_else(|| panic!("{}", super::ended::NOT_STARTED));
        let from = running.found.load(Ordering::Relaxed);
        let mut seen = Vec::new();
        let mut events = running.witness.history(Filter::all());
        let found = async {
            while let Some(next) = events.next().await {
                // What a short journal has let go of is not found.
                let Ok(event) = next else { continue };
                if event.seq > from && is_it(&event) {
                    return Some(event);
                }
                if event.seq > from {
                    seen.push(event);
                }
            }
            None
        };
        let found = tokio::time::timeout(within, found).await;
        if let Ok(Some(event)) = found {
            running.found.store(event.seq, Ordering::Relaxed);
            return Ok(event);
        }
        let last = &seen[seen.len().saturating_sub(SHOWN)..];
        let last = last.iter().map(|event| failure::line(event)).collect::<Vec<_>>().join("\n");
        Err(NotSeen { within, is_over: running.witness.is_over(), count: seen.len(), last })
    }
}
