//! Which items begin when, and when it is enough: pure.
//!
//! # Invariants
//! 1. Items begin in their order, each once.
//! 2. At most `at_most` work at once, and all that work are of one batch.
//! 3. Once it is enough nothing begins.

use super::Limits;
use super::cut::Cut;

pub(super) struct Pace {
    items: usize,
    at_most: usize,
    batch: usize,
    failures: usize,
    begun: usize,
    ended: usize,
    failed: usize,
}

impl Pace {
    pub(super) const fn new(items: usize, limits: &Limits) -> Self {
        let Limits { at_most, batch, failures, .. } = *limits;
        Self { items, at_most, batch, failures, begun: 0, ended: 0, failed: 0 }
    }

    /// The next item that may begin now.
    pub(super) const fn begin(&mut self) -> Option<usize> {
        let working = self.begun - self.ended;
        let waits_for_batch = working > 0 && self.begun.is_multiple_of(self.batch);
        if self.begun == self.items || working == self.at_most || waits_for_batch || self.is_enough() {
            return None;
        }
        self.begun += 1;
        Some(self.begun - 1)
    }

    /// An item has ended; says whether that is enough.
    pub(super) fn end(&mut self, has_failed: bool) -> Option<Cut> {
        self.ended += 1;
        self.failed += usize::from(has_failed);
        // After the last item there is nothing left to be cut.
        (self.is_enough() && self.ended < self.items).then_some(Cut::Failures(self.failed))
    }

    const fn is_enough(&self) -> bool {
        self.failed >= self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(items: usize, at_most: usize, batch: usize, failures: usize) -> Pace {
        Pace::new(items, &Limits { at_most, batch, failures, ..Limits::default() })
    }

    fn begin_all(pace: &mut Pace) -> Vec<usize> {
        std::iter::from_fn(|| pace.begin()).collect()
    }

    #[test]
    fn a_place_that_is_free_is_taken_by_the_next_item() {
        let mut pace = pace(4, 2, usize::MAX, usize::MAX);
        assert_eq!(begin_all(&mut pace), [0, 1]);
        assert_eq!(pace.end(false), None);
        assert_eq!(begin_all(&mut pace), [2]);
    }

    #[test]
    fn a_batch_begins_when_the_one_before_is_over() {
        let mut pace = pace(5, 3, 2, usize::MAX);
        assert_eq!(begin_all(&mut pace), [0, 1]);
        assert_eq!(pace.end(true), None);
        assert_eq!(begin_all(&mut pace), [0; 0]);
        assert_eq!(pace.end(false), None);
        assert_eq!(begin_all(&mut pace), [2, 3]);
    }

    #[test]
    fn enough_failures_let_nothing_begin() {
        let mut pace = pace(5, 2, usize::MAX, 2);
        assert_eq!(begin_all(&mut pace), [0, 1]);
        assert_eq!(pace.end(true), None);
        assert_eq!(begin_all(&mut pace), [2]);
        assert_eq!(pace.end(true), Some(Cut::Failures(2)));
        assert_eq!(begin_all(&mut pace), [0; 0]);
    }

    #[test]
    fn a_failure_of_the_last_item_cuts_nothing() {
        let mut pace = pace(1, 6, usize::MAX, 1);
        assert_eq!((pace.begin(), pace.end(true), pace.begin()), (Some(0), None, None));
    }
}
