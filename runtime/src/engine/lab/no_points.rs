//! The fault points as they are without the feature `lab`: nothing at all.

use std::cell::Cell;
use std::future::{Future, Ready, ready};
use std::sync::Arc;

use crate::engine::seat::Seat;
use crate::engine::turn::Turn;
use crate::env::fault::Phase;
use crate::env::marks::Spoil;
use crate::words::error::AgentError;
use crate::words::time::Time;
use crate::words::usage::Usage;

#[derive(Default)]
pub(crate) struct Passed {
    pub(crate) spike: Usage,
    pub(crate) spoil: Spoil,
}

#[derive(Default)]
pub(crate) struct Bent(());

#[allow(clippy::unused_self, reason = "it stands for one that has something to say")]
impl Bent {
    pub(crate) const fn is_blocked(&self, _: impl Fn() -> Time + Copy) -> bool {
        false
    }

    pub(crate) const fn is_mute(&self) -> bool {
        false
    }
}

pub(crate) fn pass(_: &Arc<Turn>, _: Phase, _: &str) -> Ready<Result<Passed, AgentError>> {
    ready(Ok(Passed::default()))
}

pub(crate) fn seeing<F: Future>(_: &Arc<Turn>, _: Phase, _: &str, future: F) -> F {
    future
}

/// How a task gets into the queue.
pub(crate) enum Delivery {
    Straight,
}

pub(crate) const fn deliver(_: &Arc<Seat>, _: &'static str, _: &Cell<Spoil>) -> Delivery {
    Delivery::Straight
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::marks::Marks;

    #[test]
    fn without_the_lab_a_turn_carries_nothing_for_it() {
        assert_eq!((size_of::<Bent>(), size_of::<Delivery>(), size_of::<Marks>()), (0, 0, 0));
    }

    /// The program that runs this test has the whole runtime in it, compiled without the lab.
    #[test]
    fn without_the_lab_no_word_of_a_fault_is_in_the_program() {
        let program = std::env::current_exe().and_then(std::fs::read).unwrap();
        let has = |word: &str| program.windows(word.len()).any(|bytes| bytes == word.as_bytes());
        // Put together here, so that the test does not find itself.
        assert!(!has(&["a fault plan", "'s panic"].concat()));
        assert!(has(&["a new behaviour could", " not be built"].concat()), "it finds what is there");
    }
}
