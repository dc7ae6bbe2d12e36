//! The events that are kept, without a gap.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::words::defaults;
use crate::words::event::Event;
use crate::words::id::Seq;
use crate::words::time::Time;

/// How much of its past a journal keeps in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    /// Everything: for tests, and for swarms that end. Memory grows with every event.
    All,
    /// This many of the latest events, and a snapshot of the state before them.
    Last(usize),
}

/// [`defaults::JOURNAL`] events.
impl Default for Keep {
    fn default() -> Self {
        Self::Last(defaults::JOURNAL)
    }
}

/// So many events lie together and are cut at once: few enough that nobody who needs the views or the thread meanwhile waits for
/// long.
const CHUNK: usize = 64;

/// # Invariant
/// All chunks are full but the last, so an event is found by its seq.
pub(super) struct Log {
    /// Events lie in them as they are: one of its own on the heap for each would be made by one thread and freed by another.
    chunks: VecDeque<Vec<Event>>,
    length: usize,
    /// The room of what was cut last.
    spare: Option<Vec<Event>>,
    /// The last event that was appended; 0 before the first.
    last: Seq,
    at: Time,
    most: usize,
    /// From so many on it is to be cut, and by whoever appends. Well above `most`, so that a cut is worth waking a thread for.
    long: usize,
    too_long: usize,
}

/// Whether a log is longer than it should be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    Fits,
    Long,
    /// It grows faster than it is cut.
    TooLong,
}

/// An event was asked for that is no longer kept.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct WasCut;

impl Log {
    pub(super) fn new(keep: Keep) -> Self {
        let most = match keep {
            Keep::All => usize::MAX - CHUNK,
            Keep::Last(most) => most.min(usize::MAX - CHUNK),
        };
        let long = most.saturating_add((most / 64).max(CHUNK));
        let too_long = most.saturating_add((most / 16).max(4 * CHUNK));
        Self {
            chunks: VecDeque::new(),
            length: 0,
            spare: None,
            last: 0,
            at: Time::ZERO,
            most,
            long,
            too_long,
        }
    }

    pub(super) const fn last(&self) -> Seq {
        self.last
    }

    /// The last event's moment.
    pub(super) const fn at(&self) -> Time {
        self.at
    }

    pub(super) fn push(&mut self, event: Event) {
        (self.last, self.at) = (event.seq, event.at);
        self.length += 1;
        match self.chunks.back_mut().filter(|chunk| chunk.len() < CHUNK) {
            Some(chunk) => chunk.push(event),
            None => {
                let mut chunk = self.spare.take().unwrap_or_else(|| Vec::with_capacity(CHUNK));
                chunk.push(event);
                self.chunks.push_back(chunk);
            }
        }
    }

    /// Whether it is time to cut.
    pub(super) const fn length(&self) -> Length {
        match self.length {
            length if length >= self.too_long => Length::TooLong,
            length if length >= self.long => Length::Long,
            _ => Length::Fits,
        }
    }

    /// Takes the oldest events out, if there are a chunk more than are to be kept, and says whether there still are.
    pub(super) fn take_oldest(&mut self) -> (Vec<Event>, bool) {
        let over = |length: usize| length.saturating_sub(self.most) >= CHUNK;
        if !over(self.length) {
            return (Vec::new(), false);
        }
        let oldest = self.chunks.pop_front().unwrap_or_default();
        self.length -= oldest.len();
        (oldest, self.length.saturating_sub(self.most) >= CHUNK)
    }

    /// Takes the room of what was cut for what comes.
    pub(super) fn reuse(&mut self, empty: Vec<Event>) {
        self.spare = Some(empty).filter(|empty| empty.capacity() >= CHUNK);
    }

    pub(super) fn read(&self, from: Seq, most: usize) -> Result<Vec<Arc<Event>>, WasCut> {
        let from = from.max(1);
        let first = self.last + 1 - self.length as Seq;
        let skipped = usize::try_from(from.checked_sub(first).ok_or(WasCut)?).unwrap_or(usize::MAX);
        let chunks = self.chunks.iter().skip(skipped / CHUNK);
        let events = chunks.flatten().skip(skipped % CHUNK).take(most);
        Ok(events.map(|event| Arc::new(event.clone())).collect())
    }

    pub(super) fn all(&self) -> Vec<Arc<Event>> {
        self.chunks.iter().flatten().map(|event| Arc::new(event.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::event::What;
    use crate::words::id::AgentId;
    use proptest::prelude::*;

    fn event(seq: Seq) -> Event {
        let agent = AgentId::root("s");
        let what = What::SessionEnded;
        Event { seq, at: Time::from_nanos(seq), agent, incarnation: 1, task: None, cause: None, what }
    }

    proptest! {
        #[test]
        fn what_is_not_cut_is_read_without_a_gap(
            most in 1..100_usize, count in 0..500_u64, from in 0..600_u64, batch in 0..50_usize,
        ) {
            let mut log = Log::new(Keep::Last(most));
            let mut cut = Vec::new();
            for seq in 1..=count {
                log.push(event(seq));
                if log.length() != Length::Fits {
                    let (mut oldest, _) = log.take_oldest();
                    cut.extend(oldest.drain(..).map(|event| event.seq));
                    log.reuse(oldest);
                }
            }
            prop_assert_eq!(log.last(), count);
            prop_assert!(cut.iter().copied().eq(1..=cut.len() as Seq), "cut in order, once each");
            let kept: Vec<_> = log.all().iter().map(|event| event.seq).collect();
            prop_assert!(kept.len() < log.long && (kept.len() >= most || cut.is_empty()));
            prop_assert!(kept.iter().copied().eq(cut.len() as Seq + 1..=count));
            let read = log.read(from, batch).map(|read| read.iter().map(|event| event.seq).collect::<Vec<_>>());
            if from.max(1) <= cut.len() as Seq {
                prop_assert_eq!(read, Err(WasCut));
            } else {
                let wanted: Vec<_> = kept.into_iter().filter(|seq| *seq >= from).take(batch).collect();
                prop_assert_eq!(read, Ok(wanted));
            }
        }
    }
}
