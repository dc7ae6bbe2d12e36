//! What a plan did, each time with the arrival at which it did it, so that the same can be asked for exactly.

use std::collections::{BTreeMap, BTreeSet};
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
    /// Whether another agent that is called so arrived anywhere: a rule by name would count its arrivals too.
    has_namesake: bool,
}

impl Fired {
    /// The rule that does this and nothing else. By name where only one agent is called so, since a person knows names.
    fn rule(&self) -> Rule {
        let agent = if self.has_namesake { self.agent.as_str() } else { &self.name };
        Rule {
            agent: agent.to_owned(),
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
        all.iter().map(Self::rule).collect()
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
    /// Who is called so.
    called: BTreeMap<String, BTreeSet<AgentId>>,
    fired: Vec<Fired>,
}

impl Arrivals {
    pub(super) fn new(faults: Arc<dyn Faults>) -> Self {
        Self { faults, seen: Mutex::default() }
    }

    pub(super) fn fired(&self) -> Vec<Fired> {
        let seen = self.seen.lock();
        let mut fired = seen.fired.clone();
        for one in &mut fired {
            one.has_namesake = seen.called.get(&one.name).is_some_and(|agents| agents.len() > 1);
        }
        fired
    }
}

impl Faults for Arrivals {
    fn at(&self, site: &Site<'_>) -> Option<(usize, Fault)> {
        let mut seen = self.seen.lock();
        let place = (site.agent.clone(), site.phase, site.detail.to_owned());
        let count = seen.counts.entry(place).or_default();
        *count += 1;
        let nth = *count;
        seen.called.entry(site.name.to_owned()).or_default().insert(site.agent.clone());
        let done = self.faults.at(site);
        if let Some((_, action)) = &done {
            let (agent, name) = (site.agent.clone(), site.name.to_owned());
            let (phase, detail, action) = (site.phase, site.detail.to_owned(), action.clone());
            seen.fired.push(Fired { agent, name, phase, detail, nth, action, has_namesake: false });
        }
        done
    }

    fn jump_clock(&self, by: Duration) {
        self.faults.jump_clock(by);
    }

    fn waits_blindly(&self, site: &Site<'_>, waits: bool) {
        self.faults.waits_blindly(site, waits);
    }
}
