//! Oracles that a user adds to ours: what their own swarm promises.

use std::fmt;
use std::sync::Arc;

use skep_runtime::Event;
use skep_runtime::fold::{Costs, States};

use super::Lab;
use crate::oracle::Evidence;

type AtEnd = dyn Fn(&Evidence<'_>) -> Vec<String> + Send + Sync;
type Always = dyn Fn(&Look<'_>) -> Vec<String> + Send + Sync;

/// What an oracle sees while the swarm runs.
#[derive(Clone, Copy)]
pub struct Look<'a> {
    /// All that has happened so far, in order.
    pub events: &'a [Arc<Event>],
    /// What has happened since the last look: the end of `events`.
    pub fresh: &'a [Arc<Event>],
    /// The state of every agent that ever existed.
    pub states: &'a States,
    /// What everything has cost so far.
    pub costs: &'a Costs,
}

impl fmt::Debug for Look<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Look({} events, {} of them fresh)", self.events.len(), self.fresh.len())
    }
}

/// The added ones, by name.
#[derive(Clone, Default)]
pub(super) struct Own {
    at_end: Vec<(String, Arc<AtEnd>)>,
    always: Vec<(String, Arc<Always>)>,
}

impl Own {
    pub(super) fn judge(&self, evidence: &Evidence<'_>) -> Vec<String> {
        let judged = |(name, oracle): &(String, Arc<AtEnd>)| named(name, oracle(evidence));
        self.at_end.iter().flat_map(judged).collect()
    }

    pub(super) fn look(&self, look: &Look<'_>) -> Vec<String> {
        let judged = |(name, oracle): &(String, Arc<Always>)| named(name, oracle(look));
        self.always.iter().flat_map(judged).collect()
    }
}

fn named(name: &str, wrong: Vec<String>) -> Vec<String> {
    wrong.into_iter().map(|what| format!("{name}: {what}")).collect()
}

impl Lab {
    /// Adds an oracle that runs when the swarm has ended: it reads the whole history and returns a line for each thing that
    /// is wrong.
    ///
    /// ```
    /// use skep_testkit::Lab;
    ///
    /// let lab = Lab::seed(7).oracle("nobody is killed", |evidence| {
    ///     let kills = evidence.events.iter().filter(|event| event.what.name() == "turn_interrupted");
    ///     kills.map(|event| format!("{} was interrupted at {}", event.agent, event.at)).collect()
    /// });
    /// ```
    #[must_use]
    pub fn oracle(
        mut self,
        name: impl Into<String>,
        oracle: impl Fn(&Evidence<'_>) -> Vec<String> + Send + Sync + 'static,
    ) -> Self {
        self.own.at_end.push((name.into(), Arc::new(oracle)));
        self
    }

    /// Adds an oracle that runs while the swarm runs: after each event that lets others run, and once at the end. It gets
    /// everything that it may see, and must not ask the lab or the swarm itself.
    #[must_use]
    pub fn always(
        mut self,
        name: impl Into<String>,
        oracle: impl Fn(&Look<'_>) -> Vec<String> + Send + Sync + 'static,
    ) -> Self {
        self.own.always.push((name.into(), Arc::new(oracle)));
        self
    }
}
