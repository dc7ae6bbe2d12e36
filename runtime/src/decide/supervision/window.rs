//! The restart window (S4).
//!
//! # Invariants
//! 1. Times are in order of their restarts, and there are never more of them than the intensity allowed when they were
//!    added.
//! 2. A time enters once and leaves once, so a restart costs O(1) over the life of the window.

use std::collections::VecDeque;

use crate::words::policy::Intensity;
use crate::words::time::Time;

/// The times of recent restarts.
#[derive(Debug, Default)]
pub(super) struct RecentRestarts(VecDeque<Time>);

impl RecentRestarts {
    /// Notes a restart. False if that is one more than the intensity allows; it is not noted then.
    pub(super) fn bears(&mut self, now: Time, intensity: Intensity) -> bool {
        while self.0.front().is_some_and(|then| now.since(*then) > intensity.period) {
            self.0.pop_front();
        }
        let bears = self.0.len() < intensity.restarts as usize;
        if bears {
            self.0.push_back(now);
        }
        bears
    }

    /// Forgets all restarts.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
