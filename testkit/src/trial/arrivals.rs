//! What a plan did, each time with the arrival at which it did it, so that the same can be asked for exactly.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use skep_runtime::AgentId;
use skep_runtime::fault::{Fault, Faults, Phase, Site};

use crate::plan::Rule;

/// One thing that a plan did.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fired {
    agent: AgentId,
    name: String,
    phase: Phase,
    detail: String,
    nth: u64,
    action: Fault,
}

impl Fired {
    /// The rule that does this and nothing else. By name where only one agent is called so, since a person knows names.
    fn rule(&self, all: &[Self]) -> Rule {
        let is_namesake = |other: &Self| other.name == self.name && other.agent != self.agent;
        let agent =
            if all.iter().any(is_namesake) { self.agent.as_str().to_owned() } else { self.name.clone() };
        Rule {
            agent,
            phase: self.phase,
            detail: if self.detail.is_empty() { "*".to_owned() } else { self.detail.clone() },
            nth: Some(self.nth),
            times: None,
            per_agent: false,
            permille: None,
            window: None,
            may_rest: true,
            action: self.action.clone(),
        }
    }

    /// The rules that do just what was done, arrival by arrival, and leave nothing to chance.
    pub(crate) fn rules(all: &[Self]) -> Vec<Rule> {
        all.iter().map(|fired| fired.rule(all)).collect()
    }
}

/// A plan at work, looked at: it counts the arrivals at each place and keeps what was done.
pub(crate) struct Arrivals {
    faults: Arc<dyn Faults>,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    counts: BTreeMap<(AgentId, Phase, String), u64>,
    fired: Vec<Fired>,
}

impl Arrivals {
    pub(super) fn new(faults: Arc<dyn Faults>) -> Self {
        Self { faults, seen: Mutex::default() }
    }

    pub(super) fn fired(&self) -> Vec<Fired> {
        self.seen.lock().fired.clone()
    }
}

impl Faults for Arrivals {
    fn at(&self, site: &Site<'_>) -> Option<(usize, Fault)> {
        let mut seen = self.seen.lock();
        let place = (site.agent.clone(), site.phase, site.detail.to_owned());
        let count = seen.counts.entry(place).or_default();
        *count += 1;
        let nth = *count;
        let done = self.faults.at(site);
        if let Some((_, action)) = &done {
            let (agent, name) = (site.agent.clone(), site.name.to_owned());
            let (phase, detail, action) = (site.phase, site.detail.to_owned(), action.clone());
            seen.fired.push(Fired { agent, name, phase, detail, nth, action });
        }
        done
    }

    fn jump_clock(&self, by: Duration) {
        self.faults.jump_clock(by);
    }
}
