//! The clock: tokio's, so that a paused one is followed.
#![allow(clippy::disallowed_methods, reason = "this is the clock's one home")]

use std::future::Future;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::{Env, known};
use crate::words::time::Time;

/// A session's clock: it starts at zero.
#[derive(Clone, Copy)]
pub(crate) struct Clock {
    began: Instant,
    unix_ms: u64,
}

impl Clock {
    pub(super) fn real() -> Self {
        let unix = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        Self { began: Instant::now(), unix_ms: u64::try_from(unix.as_millis()).unwrap_or(u64::MAX) }
    }

    /// A simulation began at the epoch, so that two runs have the same journal.
    pub(super) fn simulated() -> Self {
        Self { began: Instant::now(), unix_ms: 0 }
    }

    pub(crate) fn now(&self) -> Time {
        Time::from(self.began.elapsed())
    }

    pub(crate) const fn unix_ms(&self) -> u64 {
        self.unix_ms
    }

    /// Sleeps until a moment; a moment that never comes is slept for thirty years.
    pub(crate) async fn sleep_until(&self, at: Time) {
        let far = Duration::from_secs(30 * 365 * 24 * 3600);
        known(tokio::time::sleep_until(self.began + at.since(Time::ZERO).min(far))).await;
    }
}

/// Whether the runtime that this is called in has a clock. Nothing but a sleep says it.
pub(super) fn ticks_here() -> bool {
    crate::env::quiet::caught(|| drop(tokio::time::sleep(Duration::ZERO))).is_ok()
}

/// From where the moments are counted that swarms share. It is the program's own, since sessions begin at different times; a paused
/// clock may begin a little before, so there is room below.
static EPOCH: OnceLock<std::time::Instant> = OnceLock::new();
const ROOM: Duration = Duration::from_secs(365 * 24 * 3600);

fn shared_now() -> Time {
    let epoch = *EPOCH.get_or_init(std::time::Instant::now);
    let now = Instant::now().into_std();
    let since = match now.checked_duration_since(epoch) {
        Some(after) => ROOM.saturating_add(after),
        None => ROOM.saturating_sub(epoch.duration_since(now)),
    };
    Time::from(since)
}

impl Env {
    /// The moment now, counted from the session's begin.
    #[must_use]
    pub fn now(&self) -> Time {
        self.0.clock.now()
    }

    /// The moment now on a clock that all swarms of the program have in common, for what several of them share, such as a rate. Only
    /// the time between two such moments means anything. It is as paused as the session's own.
    #[must_use]
    pub fn shared_now(&self) -> Time {
        shared_now()
    }

    pub(crate) fn unix_ms(&self) -> u64 {
        self.0.clock.unix_ms()
    }

    /// A moment of the session by the wall clock, since 1970. The session's own clock goes on from where it began: one that is
    /// set meanwhile changes nothing.
    pub(crate) fn wall(&self, at: Time) -> Duration {
        Duration::from_millis(self.unix_ms()).saturating_add(at.since(Time::ZERO))
    }

    /// Sleeps until a moment of the session.
    pub async fn sleep_until(&self, at: Time) {
        self.0.clock.sleep_until(at).await;
    }
}

impl Env {
    /// Awaits something for so long at most, by the real clock. It is for what runs in [`Env::outside`], where a simulated clock
    /// stands meanwhile; whatever else has a limit has it by the swarm's own.
    ///
    /// # Errors
    /// None if the time was up first; the future is dropped then.
    pub async fn at_most_outside<F: Future>(limit: Duration, future: F) -> Option<F::Output> {
        tokio::time::timeout(limit, future).await.ok()
    }
}
