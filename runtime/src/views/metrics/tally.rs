//! What is counted, and a sparse table of it: an agent that does one kind of thing has a dozen entries.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::names::NameId;
use crate::words::event::{EffectEnd, Outcome};
use crate::words::policy::FailureClass;
use crate::words::state::StopReason;

/// One count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    Bucket(TimedThing, u8),
    /// Their sum in nanoseconds.
    Nanos(TimedThing),
}

/// Which way tokens went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Tokens {
    Input,
    Output,
    Cached,
}

/// How an agent ended for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum TimedThing {
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

impl Series {
    /// Its place in the order: one number, since every event looks a few series up, and nested enums compare step by step.
    /// The first byte is of the kind, the second of what it is told apart by.
    const fn place(self) -> u32 {
        const fn at(kind: u8, first: u8, second: u8) -> u32 {
            u32::from_be_bytes([0, kind, first, second])
        }
        match self {
            Self::Spawned => at(0, 0, 0),
            Self::Ended(ending) => at(1, ending as u8, 0),
            Self::Restarts => at(2, 0, 0),
            Self::Failures(class) => at(3, class as u8, 0),
            Self::Escalations => at(4, 0, 0),
            Self::StartFailures => at(5, 0, 0),
            Self::Accepted => at(6, 0, 0),
            Self::Redelivered => at(7, 0, 0),
            Self::Tasks(outcome) => at(8, outcome as u8, 0),
            Self::EffectsBegun(kind) => at(9, kind, 0),
            Self::Effects(kind, end) => at(10, kind, end as u8),
            Self::Retries => at(11, 0, 0),
            Self::Refusals(link) => at(12, link, 0),
            Self::Overruns => at(13, 0, 0),
            Self::Interrupts => at(14, 0, 0),
            Self::StaleTurns => at(15, 0, 0),
            Self::LostCells => at(16, 0, 0),
            Self::Stuck => at(17, 0, 0),
            Self::SpentNanoUsd => at(18, 0, 0),
            Self::ReservedNanoUsd => at(19, 0, 0),
            Self::FreedNanoUsd => at(20, 0, 0),
            Self::Tokens(tokens) => at(21, tokens as u8, 0),
            Self::Calls => at(22, 0, 0),
            Self::Bucket(clock, bucket) => at(23 + clock.place().0, clock.place().1, bucket),
            Self::Nanos(clock) => at(28 + clock.place().0, clock.place().1, 0),
        }
    }
}
impl TimedThing {
    const fn place(self) -> (u8, u8) {
        match self {
            Self::Wait => (0, 0),
            Self::Turn => (1, 0),
            Self::Task => (2, 0),
            Self::Stop => (3, 0),
            Self::Effect(kind) => (4, kind),
        }
    }
}

/// What a task that is done at once counts for, in the order of their places: these have a fixed one, for they are most of all
/// that is counted.
const COMMON: [Series; 8] = [
    Series::Accepted,
    Series::Tasks(Outcome::Done),
    Series::Bucket(TimedThing::Wait, 0),
    Series::Bucket(TimedThing::Turn, 0),
    Series::Bucket(TimedThing::Task, 0),
    Series::Nanos(TimedThing::Wait),
    Series::Nanos(TimedThing::Turn),
    Series::Nanos(TimedThing::Task),
];

const fn common(series: Series) -> Option<usize> {
    match series {
        Series::Accepted => Some(0),
        Series::Tasks(Outcome::Done) => Some(1),
        Series::Bucket(TimedThing::Wait, 0) => Some(2),
        Series::Bucket(TimedThing::Turn, 0) => Some(3),
        Series::Bucket(TimedThing::Task, 0) => Some(4),
        Series::Nanos(TimedThing::Wait) => Some(5),
        Series::Nanos(TimedThing::Turn) => Some(6),
        Series::Nanos(TimedThing::Task) => Some(7),
        _ => None,
    }
}

/// Counts, by series; a series that was never counted has no entry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<(Series, u64)>", into = "Vec<(Series, u64)>")]
pub(super) struct Tally {
    common: [u64; COMMON.len()],
    rest: Vec<TallyEntry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct TallyEntry {
    place: u32,
    series: Series,
    count: u64,
}

impl Tally {
    pub(super) fn add(&mut self, series: Series, count: u64) {
        if let Some(at) = common(series) {
            self.common[at] = self.common[at].saturating_add(count);
            return;
        }
        let place = series.place();
        match self.rest.binary_search_by_key(&place, |entry| entry.place) {
            Ok(at) => self.rest[at].count = self.rest[at].count.saturating_add(count),
            Err(at) => self.rest.insert(at, TallyEntry { place, series, count }),
        }
    }

    pub(super) fn add_all(&mut self, other: &Self) {
        for (series, count) in other.iter() {
            self.add(series, count);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Series, u64)> {
        let common = COMMON.into_iter().zip(self.common).filter(|(_, count)| *count > 0);
        common.chain(self.rest.iter().map(|entry| (entry.series, entry.count)))
    }
}

impl From<Vec<(Series, u64)>> for Tally {
    fn from(counts: Vec<(Series, u64)>) -> Self {
        let mut tally = Self::default();
        for (series, count) in counts {
            tally.add(series, count);
        }
        tally
    }
}

impl From<Tally> for Vec<(Series, u64)> {
    fn from(tally: Tally) -> Self {
        tally.iter().collect()
    }
}

/// The bucket that a span falls into: the first whose bound is not below it.
pub(super) fn bucket(span: Duration) -> u8 {
    let nanos = span.as_nanos();
    if nanos <= u128::from(BOUNDS_MS[0]) * 1_000_000 {
        return 0;
    }
    let at = BOUNDS_MS.partition_point(|bound| u128::from(*bound) * 1_000_000 < nanos);
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
    fn what_is_common_has_its_own_place_and_no_other() {
        for (at, series) in COMMON.into_iter().enumerate() {
            assert_eq!(common(series), Some(at));
        }
        let mut tally = Tally::default();
        tally.add(Series::Tasks(Outcome::Done), 3);
        tally.add(Series::Tasks(Outcome::Failed), 2);
        tally.add(Series::Tasks(Outcome::Done), 1);
        let counts: Vec<_> = tally.iter().collect();
        assert_eq!(counts, [(Series::Tasks(Outcome::Done), 4), (Series::Tasks(Outcome::Failed), 2)]);
        assert_eq!(Tally::from(counts), tally);
    }

    #[test]
    fn no_two_series_have_one_place() {
        let clocks = || {
            [TimedThing::Wait, TimedThing::Turn, TimedThing::Task, TimedThing::Stop]
                .into_iter()
                .chain((0..40).map(TimedThing::Effect))
        };
        let timed = clocks().flat_map(|clock| {
            (0..16).map(move |bucket| Series::Bucket(clock, bucket)).chain([Series::Nanos(clock)])
        });
        let kinds = (0..40).flat_map(|kind| {
            let ends = [
                EffectEnd::Done,
                EffectEnd::Failed,
                EffectEnd::Expired,
                EffectEnd::Cancelled,
                EffectEnd::Paused,
            ];
            let effects = ends.map(|end| Series::Effects(kind, end));
            effects.into_iter().chain([Series::EffectsBegun(kind), Series::Refusals(kind)])
        });
        let tokens = [Tokens::Input, Tokens::Output, Tokens::Cached].map(Series::Tokens);
        let endings = [Ending::Done, Ending::Stopped, Ending::Failed, Ending::Escalated].map(Series::Ended);
        let plain = [
            Series::Spawned,
            Series::Restarts,
            Series::Escalations,
            Series::StartFailures,
            Series::Accepted,
            Series::Redelivered,
            Series::Retries,
            Series::Overruns,
            Series::Interrupts,
            Series::StaleTurns,
            Series::LostCells,
            Series::Stuck,
            Series::SpentNanoUsd,
            Series::ReservedNanoUsd,
            Series::FreedNanoUsd,
            Series::Calls,
            Series::Failures(FailureClass::Failed),
            Series::Failures(FailureClass::Bug),
            Series::Tasks(Outcome::Done),
            Series::Tasks(Outcome::Failed),
        ];
        let all: Vec<Series> = timed.chain(kinds).chain(tokens).chain(endings).chain(plain).collect();
        let places: std::collections::BTreeSet<u32> = all.iter().map(|series| series.place()).collect();
        assert_eq!(places.len(), all.len());
    }

    #[test]
    fn an_entry_is_small() {
        assert!(size_of::<TallyEntry>() <= 16);
    }
}
