//! What goes with a value without the feature `lab`: nothing at all.

use crate::env::Job;
use crate::env::census::Counted;

#[derive(Default)]
pub(crate) struct Spoil(());

impl Spoil {
    #[allow(clippy::unused_self, reason = "it stands for one that has something to say")]
    pub(crate) const fn is_any(&self) -> bool {
        false
    }
}

#[derive(Default)]
pub(crate) struct Marks(());

#[allow(clippy::unused_self, reason = "it stands for one that has something to say")]
impl Marks {
    pub(crate) fn count(&mut self, _: Counted) {}

    pub(crate) fn spoil(&mut self, _: Spoil) {}

    pub(crate) const fn takes_time(&self) -> bool {
        false
    }

    pub(crate) const fn later(&mut self) -> Option<Later> {
        None
    }

    pub(crate) fn drop<T>(self, value: T) {
        drop(value);
    }
}

/// Never.
pub(crate) enum Later {}

impl Later {
    pub(crate) fn run(self, _: Job) {
        match self {}
    }
}
