//! The orchestrator: a model that directs agents and does none of the work itself.
//!
//! ```text
//!             ┌─ create_agent, delete_agent        children of its task: they end with it, however it ends
//! its model ──┼─ command_agent                     asks one, and waits for the answer or does not
//!             ├─ check_agent_status, list_agents, read_agent_logs, report_cost
//!             └─ interrupt_agent
//! ```
//!
//! Each of these is an effect `manage.NAME` of its turn: permitted, granted, journaled and visible as an event like any
//! other. What a created agent does is its own affair: it has its own budget, ceiling and grants, below those of the
//! orchestrator.
//!
//! | | what limits it |
//! |---|---|
//! | which personas it may use | [`Orchestrator::may_create`]; a persona brings its own model and tools |
//! | how many | [`Orchestrator::children`]: at once, and in all for one task |
//! | what each may spend | the least of [`Orchestrator::each`], the persona's budget, and what the model says |
//! | what all may spend, how deep | the budget of its spec |
//! | what each may do | its ceiling, and the grants of the persona; never the model's words |
//!
//! # Invariants
//! 1. If the model asks for more than its limits allow, it is told so, and nothing is created.
//! 2. The agents it creates are children of its task: none of them outlives the answer, a crash or a stop of the
//!    orchestrator.
//! 3. An attempt after a crash creates its agents again, and gets the answers that they had given.

mod book;
mod desk;
mod managed;
mod staff;
mod tools;

use std::time::Duration;

use serde_json::Value;
use skep_runtime::{AgentSpec, Budget, Ceiling};

pub(crate) use self::staff::Staff;
use crate::agent::{ContextPolicy, Kit, ModelAgent};

/// An orchestrator, before it is spawned.
///
/// ```
/// use skep_actors::agent::Persona;
/// use skep_actors::tool::Toolset;
/// use skep_actors::{Kit, Models, Orchestrator, Personas, Scripted};
/// use skep_runtime::{Budget, Ceiling};
///
/// let models = Models::new().with("fast", Scripted::new()).with("smart", Scripted::new());
/// let writer = Persona::parse("writer", "+++\nmodel = \"fast\"\ndescription = \"Writes prose.\"\n+++\nYou write.")?;
/// let kit = Kit::new(&models, &Toolset::new(), &Personas::new().and(writer)?)?;
/// let lead = Orchestrator::new("smart", &kit)
///     .mission("Write the release notes.")
///     .may_create(["writer"])
///     .each(Budget::usd("0.25"))
///     .children(4, 12)
///     .spec("lead")
///     .budget(Budget::usd("2.00").depth(2))
///     .ceiling(Ceiling::only(["manage.*", "model"]));
/// assert_eq!(lead.policies().max_children, Some(4));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "an orchestrator does nothing until its spec is spawned"]
pub struct Orchestrator {
    agent: ModelAgent,
    mission: String,
    staff: Staff,
}

impl Orchestrator {
    /// An orchestrator whose model has this name among the swarm's, and which creates agents with this kit. It may create
    /// none until [`Orchestrator::may_create`] names personas.
    pub fn new(model: impl Into<String>, kit: &Kit) -> Self {
        Self { agent: ModelAgent::new(model), mission: String::new(), staff: Staff::new(kit) }
    }

    /// What it is for, as text for its model.
    pub fn mission(mut self, text: impl Into<String>) -> Self {
        self.mission = text.into();
        self
    }

    /// The personas that it may create agents from.
    pub fn may_create(mut self, personas: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.staff.may_create.extend(personas.into_iter().map(Into::into));
        self
    }

    /// The models that it may give to an agent instead of its persona's; none by default.
    pub fn models(mut self, models: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.staff.models.extend(models.into_iter().map(Into::into));
        self
    }

    /// What each agent may spend, including all agents below it; its persona's budget and the model's words only narrow
    /// that. By default limited only by what the orchestrator itself may spend.
    pub fn each(mut self, budget: Budget) -> Self {
        self.staff.each = Some(budget);
        self
    }

    /// How many agents it may have at once, and how many it may create in all for one task; 4 and 12 by default.
    pub const fn children(mut self, alive: u32, in_all: u32) -> Self {
        self.staff.alive = alive;
        self.staff.in_all = in_all;
        self
    }

    /// How long an agent may work on one command; by default 600 s, or what is left of the orchestrator's own deadline if
    /// that is less.
    pub const fn command_within(mut self, limit: Duration) -> Self {
        self.staff.within = limit;
        self
    }

    /// How often its model may be called for one task: see [`ModelAgent::max_turns`].
    pub fn max_turns(mut self, most: u32) -> Self {
        self.agent = self.agent.max_turns(most);
        self
    }

    /// The most tokens in one answer of its model: see [`ModelAgent::max_output_tokens`].
    pub fn max_output_tokens(mut self, most: u64) -> Self {
        self.agent = self.agent.max_output_tokens(most);
        self
    }

    /// A sampling setting for its model: see [`ModelAgent::setting`].
    pub fn setting(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.agent = self.agent.setting(name, value);
        self
    }

    /// How it makes room when its model's conversation becomes long: see [`ModelAgent::context`].
    pub fn context(mut self, policy: ContextPolicy) -> Self {
        self.agent = self.agent.context(policy);
        self
    }

    /// Its spec. By default it is granted to manage agents and to call models, and nothing else: what its agents may do
    /// is up to their own grants, below its ceiling.
    pub fn spec(self, name: impl Into<String>) -> AgentSpec<ModelAgent> {
        let Self { mut agent, mission, staff } = self;
        agent.bounds().grants = Some(Ceiling::only(["manage.*", "model"]));
        staff.lead(agent.system(mission)).spec(name)
    }
}
