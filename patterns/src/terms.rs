//! What every pattern is told in the same words.

use std::sync::Arc;
use std::time::Duration;

use skep_runtime::{Budget, ScopeOwner, Stop};

use crate::defaults;
use crate::failures::Failures;
use crate::progress::Progress;
use crate::work::Bounds;

/// Whoever hears how far a pattern is.
pub(crate) type Heard<'a> = Arc<dyn Fn(&Progress) + Send + Sync + 'a>;

/// The terms of a pattern.
#[derive(Clone)]
pub(crate) struct Terms<'a> {
    pub(crate) owner: ScopeOwner,
    pub(crate) name: String,
    pub(crate) within: Duration,
    pub(crate) each_within: Option<Duration>,
    pub(crate) expecting: Option<Duration>,
    pub(crate) at_most: usize,
    pub(crate) retries: u32,
    pub(crate) failures: Failures,
    pub(crate) budget: Option<Budget>,
    pub(crate) stop: Stop,
    pub(crate) heard: Option<Heard<'a>>,
}

impl Terms<'_> {
    /// What bounds a part of this name, before it is done.
    pub(crate) const fn bounds<'b>(&'b self, name: &'b str, costing: Option<&'b Budget>) -> Bounds<'b> {
        Bounds { name, retries: self.retries, costing, owner: &self.owner }
    }

    pub(crate) fn new(owner: impl Into<ScopeOwner>, name: &str, failures: Failures) -> Self {
        Self {
            owner: owner.into(),
            name: name.to_owned(),
            within: defaults::WITHIN,
            each_within: None,
            expecting: None,
            at_most: defaults::AT_MOST,
            retries: defaults::RETRIES,
            failures,
            budget: None,
            stop: Stop::default(),
            heard: None,
        }
    }
}

/// The methods that say the terms: inherent in each pattern and its unfinished builders, so that no trait has to be imported.
macro_rules! terms {
    () => {
        /// Its name in trees, bills and reports, which must differ from other open patterns of the same turn; by default that of
        /// its function.
        pub fn named(mut self, name: impl Into<String>) -> Self {
            self.terms.name = name.into();
            self
        }

        /// Its deadline, from its beginning; 30 s by default, unless its function says another. What is not over by then is
        /// stopped, which may take as long as `stop` says.
        pub fn within(mut self, limit: std::time::Duration) -> Self {
            self.terms.within = limit;
            self
        }

        /// The deadline of each part, from its beginning to its answer, over all attempts; by default that of the whole.
        pub fn each_within(mut self, limit: std::time::Duration) -> Self {
            self.terms.each_within = Some(limit);
            self
        }

        /// How long a part takes as a rule. When no part has ended for twice as long, that is reported as a stall; nothing is
        /// stopped. By default it is the mean of those that have ended.
        pub fn expecting(mut self, each: std::time::Duration) -> Self {
            self.terms.expecting = Some(each);
            self
        }

        /// How many parts work at the same time; 6 by default, at least 1.
        pub fn at_most(mut self, parts: usize) -> Self {
            self.terms.at_most = parts.max(1);
            self
        }

        /// How often a part that failed is tried again, in the same agent, which finds the error in
        /// [`Context::last_error`](skep_runtime::Context::last_error); 2 by default, unless its function says another number, and
        /// never more than the agent's spec allows.
        pub fn retries(mut self, again: u32) -> Self {
            self.terms.retries = again;
            self
        }

        /// The first failure ends it: what works is stopped, and nothing more is begun.
        pub fn fail_fast(mut self) -> Self {
            self.terms.failures = $crate::failures::Failures::FAST;
            self
        }

        /// So many failures (at least 1) end it: what works is stopped, and nothing more is begun.
        pub fn give_up_after(mut self, failures: usize) -> Self {
            self.terms.failures = $crate::failures::Failures::number(failures, true);
            self
        }

        /// This share of failures among the parts that have ended, from 0 to 1, ends it, from the third failure on.
        pub fn give_up_at(mut self, share: f64) -> Self {
            self.terms.failures = $crate::failures::Failures::share(share, true);
            self
        }

        /// After so many failures (at least 1) nothing more is begun; what works goes on to its end.
        pub fn begin_none_after(mut self, failures: usize) -> Self {
            self.terms.failures = $crate::failures::Failures::number(failures, false);
            self
        }

        /// From this share of failures on (from 0 to 1, and at least three of them) nothing more is begun; what works goes on.
        pub fn begin_none_at(mut self, share: f64) -> Self {
            self.terms.failures = $crate::failures::Failures::share(share, false);
            self
        }

        /// No number of failures ends it.
        pub fn gather_all(mut self) -> Self {
            self.terms.failures = $crate::failures::Failures::GATHER;
            self
        }

        /// What all of it may spend together.
        pub fn budget(mut self, budget: skep_runtime::Budget) -> Self {
            self.terms.budget = Some(budget);
            self
        }

        /// How its agents are stopped, each when its answer has arrived and all of them at the end; by default in order, within
        /// 10 s.
        pub fn stop(mut self, stop: skep_runtime::Stop) -> Self {
            self.terms.stop = stop;
            self
        }

        /// Hears how far it is, whenever a part has ended and when it stalls. Runs where the pattern is awaited, so it should be
        /// quick.
        pub fn on_progress(mut self, hear: impl Fn(&$crate::progress::Progress) + Send + Sync + 'a) -> Self {
            self.terms.heard = Some(std::sync::Arc::new(hear));
            self
        }
    };
}
pub(crate) use terms;
