//! Writing a rule as a sentence: `Point::effect("model").of("editor").nth(1).panics()`.

use std::time::Duration;

use skep_runtime::fault::{Fault, Phase};

use super::Rule;

/// A place for a rule, before the fault is chosen.
#[derive(Clone, Debug)]
#[must_use = "a point becomes a rule when it says what fault happens there"]
pub struct Point {
    agent: String,
    phase: Phase,
    detail: String,
    nth: Option<u64>,
    per_agent: bool,
    permille: Option<u64>,
    window: Option<(Duration, Duration)>,
}

impl Point {
    fn new(phase: Phase, detail: &str) -> Self {
        let (agent, detail) = ("*".to_owned(), detail.to_owned());
        Self { agent, phase, detail, nth: None, per_agent: false, permille: None, window: None }
    }

    /// Before an agent's start.
    pub fn start() -> Self {
        Self::new(Phase::Start, "*")
    }

    /// Before a turn handles its task.
    pub fn turn() -> Self {
        Self::new(Phase::Turn, "*")
    }

    /// At a step of this name, as a glob.
    pub fn step(name: &str) -> Self {
        Self::new(Phase::Step, name)
    }

    /// In an effect of this kind, as a glob: after all checks and before the call, once a try.
    pub fn effect(kind: &str) -> Self {
        Self::new(Phase::Effect, kind)
    }

    /// Before an agent's stop hook.
    pub fn stop() -> Self {
        Self::new(Phase::Stop, "*")
    }

    /// Before an agent's `on_question` looks at a question about this, as a glob.
    pub fn question(about: &str) -> Self {
        Self::new(Phase::Question, about)
    }

    /// Where a task is put into a mailbox: `ask`, `tell`, or `*` for either. The agent is the one that is asked.
    pub fn deliver(kind: &str) -> Self {
        Self::new(Phase::Deliver, kind)
    }

    /// In a call of a model of this name, as a glob, that the lab has or that the app's `Models` have: once a try.
    pub fn model(name: &str) -> Self {
        Self::new(Phase::Model, name)
    }

    /// Only of agents with this id or name, as a glob.
    pub fn of(mut self, agent: impl Into<String>) -> Self {
        self.agent = agent.into();
        self
    }

    /// Only at the n-th arrival, from 1, counted over all selected agents; see [`Point::per_agent`].
    pub const fn nth(mut self, nth: u64) -> Self {
        self.nth = Some(nth);
        self
    }

    /// Counts arrivals and firings for each agent separately.
    pub const fn per_agent(mut self) -> Self {
        self.per_agent = true;
        self
    }

    /// With this probability at each arrival, in thousandths.
    pub const fn chance(mut self, permille: u64) -> Self {
        self.permille = Some(permille);
        self
    }

    /// Only in this window, counted from the swarm's start.
    pub const fn between(mut self, from: Duration, until: Duration) -> Self {
        self.window = Some((from, until));
        self
    }

    /// The rule that injects this fault here.
    #[must_use]
    pub fn does(self, action: Fault) -> Rule {
        let Self { agent, phase, detail, nth, per_agent, permille, window } = self;
        Rule { agent, phase, detail, nth, times: None, per_agent, permille, window, may_rest: false, action }
    }
}
