//! Whether a server still answers: which calls are waiting, and which were given up.
//!
//! A server that hangs keeps its process and its pipes, so only its silence shows that it hangs. It is asked for a sign
//! of life when a call was given up and no earlier call is still waiting: otherwise it may be busy with those.

use std::collections::BTreeSet;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

/// The calls of a server.
#[derive(Default)]
pub(super) struct Calls {
    counts: Mutex<Counts>,
    given_up: Notify,
}

#[derive(Default)]
struct Counts {
    next: u64,
    waiting: BTreeSet<u64>,
    answered: u64,
}

/// The time at which a call was given up.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    next: u64,
    answered: u64,
}

/// What happened to the calls since a mark.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Since {
    /// A call was answered.
    Answered,
    /// Earlier calls are still waiting: it may be busy.
    Busy,
    /// Nothing came, and all earlier calls were given up.
    Silent,
}

impl Calls {
    /// A call starts.
    pub(super) fn begin(self: &Arc<Self>) -> Waiting {
        let mut counts = self.counts.lock();
        let number = counts.next;
        counts.next += 1;
        counts.waiting.insert(number);
        Waiting { calls: Arc::clone(self), number, is_answered: false }
    }

    /// Waits until a call is given up.
    pub(super) async fn given_up(&self) -> Mark {
        self.given_up.notified().await;
        let counts = self.counts.lock();
        Mark { next: counts.next, answered: counts.answered }
    }

    pub(super) fn since(&self, mark: Mark) -> Since {
        let counts = self.counts.lock();
        if counts.answered != mark.answered {
            return Since::Answered;
        }
        let is_busy = counts.waiting.first().is_some_and(|first| *first < mark.next);
        if is_busy { Since::Busy } else { Since::Silent }
    }
}

/// A waiting call. If it is dropped without an answer, it was given up.
pub(super) struct Waiting {
    calls: Arc<Calls>,
    number: u64,
    is_answered: bool,
}

impl Waiting {
    pub(super) fn answered(mut self) {
        self.is_answered = true;
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut counts = self.calls.counts.lock();
        counts.waiting.remove(&self.number);
        if self.is_answered {
            counts.answered += 1;
            return;
        }
        drop(counts);
        self.calls.given_up.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    #[test]
    fn a_server_is_silent_when_all_calls_from_before_were_given_up_and_none_was_answered() {
        let calls = Arc::new(Calls::default());
        let (first, second) = (calls.begin(), calls.begin());
        assert!(calls.given_up().now_or_never().is_none());
        drop(second);
        let mark = calls.given_up().now_or_never().unwrap();
        assert_eq!(calls.since(mark), Since::Busy);
        let later = calls.begin();
        drop(first);
        assert_eq!(calls.since(mark), Since::Silent);
        later.answered();
        assert_eq!(calls.since(mark), Since::Answered);
    }
}
