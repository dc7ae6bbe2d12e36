//! The orchestrator: a model that directs agents and does none of the work itself.
//!
//! ```text
//!             ┌─ create_agent, delete_agent        children of its task: they end with it, however it ends
//! its model ──┼─ command_agent                     asks one, and waits for the answer or does not
//!             ├─ check_agent_status, list_agents, read_agent_logs, report_cost
//!             └─ interrupt_agent
//! ```
//!
//! Each of them is an effect `manage.NAME` of its turn: permitted, granted, journaled and seen as an event like any other. What an agent
//! does that it has made is the agent's own: with its own budget, ceiling and grants, below those of the orchestrator.
//!
//! | | what bounds it |
//! |---|---|
//! | which personas it may make | [`Orchestrator::may_create`]; their models and tools are theirs |
//! | how many | [`Orchestrator::children`]: at once, and in all for one task |
//! | what each may spend | [`Orchestrator::each`], the persona's budget, what the model says, whichever is least |
//! | what all may spend, how deep | the budget of its spec |
//! | what each may do | its ceiling, and the grants of the persona; never the model's words |
//!
//! # Invariants
//! 1. What the model asks for beyond its bounds it is told, and nothing is made of it.
//! 2. What it has made are children of its task: none of them outlives the answer, a crash or a stop of the orchestrator.
//! 3. An attempt after a crash makes its agents again, and has what they had answered.

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

/// An orchestrator before it is spawned.
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
    /// One whose model has this name among the swarm's, and which makes agents with this kit. It may make none until it is told which.
    pub fn new(model: impl Into<String>, kit: &Kit) -> Self {
        Self { agent: ModelAgent::new(model), mission: String::new(), staff: Staff::new(kit) }
    }

    /// What it is for, in the words that its model is told.
    pub fn mission(mut self, text: impl Into<String>) -> Self {
        self.mission = text.into();
        self
    }

    /// Which personas it may make agents of.
    pub fn may_create(mut self, personas: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.staff.may_create.extend(personas.into_iter().map(Into::into));
        self
    }

    /// Which models it may give to an agent in the place of its persona's; none by default.
    pub fn models(mut self, models: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.staff.models.extend(models.into_iter().map(Into::into));
        self
    }

    /// What each agent may spend with all below it; its persona's budget and the model's words only narrow that. Not bounded by default,
    /// but for what the orchestrator itself may spend.
    pub fn each(mut self, budget: Budget) -> Self {
        self.staff.each = Some(budget);
        self
    }

    /// How many agents it has at once, and how many it makes in all for one task; 4 and 12 by default.
    pub const fn children(mut self, alive: u32, in_all: u32) -> Self {
        self.staff.alive = alive;
        self.staff.in_all = in_all;
        self
    }

    /// How long an agent may work on one command; 600 s or what is left of the orchestrator's own deadline, whichever is less, unless
    /// told.
    pub const fn command_within(mut self, limit: Duration) -> Self {
        self.staff.within = limit;
        self
    }

    /// How often its model may be called for one task: see [`ModelAgent::max_turns`].
    pub fn max_turns(mut self, most: u32) -> Self {
        self.agent = self.agent.max_turns(most);
        self
    }

    /// The most tokens of one answer of its model: see [`ModelAgent::max_output_tokens`].
    pub fn max_output_tokens(mut self, most: u64) -> Self {
        self.agent = self.agent.max_output_tokens(most);
        self
    }

    /// How its model samples: see [`ModelAgent::setting`].
    pub fn setting(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.agent = self.agent.setting(name, value);
        self
    }

    /// How it makes room when its conversation becomes long: see [`ModelAgent::context`].
    pub fn context(mut self, policy: ContextPolicy) -> Self {
        self.agent = self.agent.context(policy);
        self
    }

    /// A spec of it. It is granted to manage agents and to call models, and nothing else, unless its spec says otherwise: what its agents
    /// may do is theirs, below its ceiling.
    pub fn spec(self, name: impl Into<String>) -> AgentSpec<ModelAgent> {
        let Self { mut agent, mission, staff } = self;
        agent.bounds().grants = Some(Ceiling::only(["manage.*", "model"]));
        staff.lead(agent.system(mission)).spec(name)
    }
}
