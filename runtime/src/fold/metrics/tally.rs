//! What is counted, and a sparse table of it: an agent that does one kind of thing has a dozen entries.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::names::NameId;
use crate::event::{EffectEnd, Outcome};
use crate::lifecycle::StopReason;
use crate::policy::FailureClass;

/// One count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Series {
    Spawned,
    Ended(Ending),
    Restarts,
    Failures(FailureClass),
    Escalations,
    StartFailures,
    Accepted,
    Redelivered,
    Tasks(Outcome),
    EffectsBegun(NameId),
    Effects(NameId, EffectEnd),
    Retries,
    Refusals(NameId),
    Overruns,
    Interrupts,
    StaleTurns,
    LostCells,
    Stuck,
    SpentNanoUsd,
    /// What effects reserved at their begin, and what they freed at their end.
    ReservedNanoUsd,
    FreedNanoUsd,
    Tokens(Tokens),
    Calls,
    /// How many spans of a clock fell into a bucket.
    Bucket(Clock, u8),
    /// Their sum in nanoseconds.
    Nanos(Clock),
}

/// Which way tokens went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Tokens {
    Input,
    Output,
    Cached,
}

/// How an agent ended for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Ending {
    Done,
    Stopped,
    Failed,
    Escalated,
}

impl Ending {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
            Self::Escalated => "escalated",
        }
    }
}

impl From<&StopReason> for Ending {
    fn from(reason: &StopReason) -> Self {
        match reason {
            StopReason::Done => Self::Done,
            StopReason::Stopped => Self::Stopped,
            StopReason::Failed { .. } => Self::Failed,
            StopReason::Escalated { .. } => Self::Escalated,
        }
    }
}

/// What is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Clock {
    /// A task in the queue, before each of its turns.
    Wait,
    /// A turn.
    Turn,
    /// A task from its acceptance to its outcome.
    Task,
    /// A stop of a subtree.
    Stop,
    /// An effect from its admission to its end, by kind.
    Effect(NameId),
}

/// The upper bounds of the buckets, in milliseconds: from an answer out of a cache to a turn that is about to be stale.
pub(super) const BOUNDS_MS: [u64; 15] =
    [1, 5, 25, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 120_000, 300_000, 600_000];

/// Counts, by series; a series that was never counted has no entry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Tally(Vec<(Series, u64)>);

impl Tally {
    pub(super) fn add(&mut self, series: Series, count: u64) {
        match self.0.binary_search_by(|(known, _)| known.cmp(&series)) {
            Ok(at) => self.0[at].1 = self.0[at].1.saturating_add(count),
            Err(at) => self.0.insert(at, (series, count)),
        }
    }

    pub(super) fn add_all(&mut self, other: &Self) {
        for (series, count) in other.iter() {
            self.add(series, count);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Series, u64)> {
        self.0.iter().copied()
    }
}

/// The bucket that a span falls into: the first whose bound is not below it.
pub(super) fn bucket(span: Duration) -> u8 {
    let at = BOUNDS_MS.partition_point(|bound| Duration::from_millis(*bound) < span);
    u8::try_from(at).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_falls_into_the_first_bucket_that_holds_it() {
        assert_eq!(bucket(Duration::ZERO), 0);
        assert_eq!(bucket(Duration::from_millis(1)), 0);
        assert_eq!(bucket(Duration::from_nanos(1_000_001)), 1);
        assert_eq!(bucket(Duration::from_secs(600)), 14);
        assert_eq!(bucket(Duration::from_secs(601)), 15);
        assert!(BOUNDS_MS.is_sorted());
    }

    #[test]
    fn an_entry_is_small() {
        assert!(size_of::<(Series, u64)>() <= 16);
    }
}
