//! Writing a rule as a sentence: `Point::effect("model").of("editor").nth(1).panics()`.

use std::time::Duration;

use skep_runtime::fault::{Fault, Phase};
use skep_runtime::{AgentError, Usage};

use super::Rule;

/// A place that a rule is about, before it is said what is done there.
#[derive(Clone, Debug)]
#[must_use = "a point is no rule until it says what is done there"]
pub struct Point {
    agent: String,
    phase: Phase,
    detail: String,
    nth: Option<u64>,
    permille: Option<u64>,
    window: Option<(Duration, Duration)>,
}

impl Point {
    fn new(phase: Phase, detail: &str) -> Self {
        let (agent, detail) = ("*".to_owned(), detail.to_owned());
        Self { agent, phase, detail, nth: None, permille: None, window: None }
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

    /// Only of agents with this id or name, as a glob.
    pub fn of(mut self, agent: impl Into<String>) -> Self {
        self.agent = agent.into();
        self
    }

    /// Only at the n-th arrival, from 1, counted over all agents that are meant.
    pub const fn nth(mut self, nth: u64) -> Self {
        self.nth = Some(nth);
        self
    }

    /// With this chance at each arrival, in thousandths.
    pub const fn chance(mut self, permille: u64) -> Self {
        self.permille = Some(permille);
        self
    }

    /// Only in this window, counted from the swarm's begin.
    pub const fn between(mut self, from: Duration, until: Duration) -> Self {
        self.window = Some((from, until));
        self
    }

    /// The rule that does this here.
    #[must_use]
    pub fn does(self, action: Fault) -> Rule {
        let Self { agent, phase, detail, nth, permille, window } = self;
        Rule { agent, phase, detail, nth, times: None, permille, window, may_rest: false, action }
    }

    /// Panics.
    #[must_use]
    pub fn panics(self) -> Rule {
        self.does(Fault::Panic)
    }

    /// Fails with this error.
    #[must_use]
    pub fn fails(self, error: AgentError) -> Rule {
        self.does(Fault::Error(error))
    }

    /// Never returns, and unwinds when it is cancelled.
    #[must_use]
    pub fn hangs(self) -> Rule {
        self.does(Fault::Hang)
    }

    /// Never returns and does not listen to its cancel.
    #[must_use]
    pub fn hangs_deaf(self) -> Rule {
        self.does(Fault::HangDeaf)
    }

    /// Goes on after a pause.
    #[must_use]
    pub fn slows(self, pause: Duration) -> Rule {
        self.does(Fault::Slow(pause))
    }

    /// Blocks its thread for so long; simulated, it is deaf to everything meanwhile.
    #[must_use]
    pub fn blocks(self, span: Duration) -> Rule {
        self.does(Fault::Block(span))
    }

    /// The cell that serves the agent is lost.
    #[must_use]
    pub fn loses_cell(self) -> Rule {
        self.does(Fault::LoseCell)
    }

    /// The cell that serves the agent is lost and nobody notices.
    #[must_use]
    pub fn mislays_cell(self) -> Rule {
        self.does(Fault::MislayCell)
    }

    /// The agent is lost: its place ends, and nothing below it is told.
    #[must_use]
    pub fn vanishes(self) -> Rule {
        self.does(Fault::Vanish)
    }

    /// The agent is killed.
    #[must_use]
    pub fn kills(self) -> Rule {
        self.does(Fault::Kill)
    }

    /// The agent tries to spawn a child.
    #[must_use]
    pub fn spawns(self) -> Rule {
        self.does(Fault::Spawn)
    }

    /// The provider bills this on top.
    #[must_use]
    pub fn costs(self, usage: Usage) -> Rule {
        self.does(Fault::CostSpike(usage))
    }
}
