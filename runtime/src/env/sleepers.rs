//! Those who wait for something to be said, in the order in which they came.

use std::collections::VecDeque;

use crate::env::theirs::Sleeper;

/// A list under somebody's lock. Who is given back is woken or dropped when that lock is not held.
#[derive(Default)]
pub(super) struct Sleepers {
    /// The number of the last that came.
    last: u64,
    /// By their numbers, which only grow.
    waiting: VecDeque<(u64, Option<Sleeper>)>,
}

impl Sleepers {
    /// Has a sleeper at its place, or at a new one at the end. Gives back whoever was there before.
    #[must_use]
    pub(super) fn listen(&mut self, place: &mut Option<u64>, sleeper: Sleeper) -> Option<Sleeper> {
        let there = place.and_then(|mine| self.find(mine));
        let at = there.unwrap_or_else(|| {
            self.last += 1;
            *place = Some(self.last);
            self.waiting.push_back((self.last, None));
            self.waiting.len() - 1
        });
        sleeper.replace(&mut self.waiting[at].1)
    }

    /// Gives a place up, and whoever slept there back.
    #[must_use]
    pub(super) fn leave(&mut self, place: &mut Option<u64>) -> Option<Sleeper> {
        let at = self.find(place.take()?)?;
        self.waiting.remove(at)?.1
    }

    /// All of them, to be woken.
    pub(super) fn take(&mut self) -> impl Iterator<Item = Sleeper> + use<> {
        std::mem::take(&mut self.waiting).into_iter().filter_map(|(_, sleeper)| sleeper)
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    fn find(&self, mine: u64) -> Option<usize> {
        self.waiting.binary_search_by_key(&mine, |(number, _)| *number).ok()
    }
}
