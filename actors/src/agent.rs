//! An agent driven by a model: it thinks, calls tools, thinks again, and answers.
//!
//! ```text
//! task ──▶ request ──▶ model ──▶ tool calls? ──yes──▶ side by side, each an effect ──┐
//!              ▲                      │ no                                            │
//!              │                      ▼                                               │
//!              │              of the type asked for? ──no──▶ say what is wrong ──┐    │
//!              │                      │ yes                                      │    │
//!              └──────────────────────┼──────────────────────────────────────────┴────┘
//!                                     ▼
//!                                  output
//! ```
//!
//! Everything it does is an effect of its turn, so with the restart mode "resume" an attempt after a crash pays for
//! nothing twice.
//!
//! # Invariants
//! 1. In an attempt it makes at most [`ModelAgent::max_turns`] calls of its model, and one for each earlier answer that was not
//!    accepted, each with at most two more tries.
//! 2. Mistakes that the model can fix are reported to the model; any other error ends the turn.
//! 3. Whatever is left out of a conversation that has become too long, the model never reads a result without its call.

mod context;
#[cfg(feature = "persona")]
mod kit;
#[cfg(feature = "persona")]
mod order;
#[cfg(feature = "persona")]
pub(crate) mod persona;
mod piece;
mod structured;
mod summary;
mod tag;
mod talk;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use skep_runtime::{
    Agent, AgentError, AgentSpec, Answer, Ask, AskStream, Budget, Ceiling, Context, Question, RestartMode,
};

pub use self::context::ContextPolicy;
#[cfg(feature = "persona")]
pub use self::kit::{Kit, KitError};
#[cfg(feature = "persona")]
pub use self::order::{Order, OrderError};
#[cfg(feature = "persona")]
pub use self::persona::{Persona, PersonaError, Personas};
pub use self::piece::Piece;
pub use self::structured::Structured;
use self::talk::Talk;
use crate::defaults;
use crate::model::{ContextCache, Message, Request};
use crate::tool::{TakesUp, Tool, Toolset, take_up};

/// The input of a model agent: a text, and the conversation before it, if there was one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Prompt {
    /// What is asked.
    pub text: String,
    /// The conversation before it, oldest first.
    pub before: Vec<Message>,
}

impl<T: Into<String>> From<T> for Prompt {
    fn from(text: T) -> Self {
        Self { text: text.into(), before: Vec::new() }
    }
}

/// An agent driven by a model. It answers with an `O`: text by default.
///
/// ```
/// use skep_actors::ModelAgent;
///
/// let guide = ModelAgent::new("fast").system("You are a guide. Be brief.").max_turns(5);
/// let spec = guide.spec("guide");
/// assert_eq!(spec.name(), "guide");
/// ```
pub struct ModelAgent<O = String> {
    plan: Arc<Plan>,
    gives: PhantomData<fn() -> O>,
}

/// The agent's definition.
#[derive(Clone, Debug)]
struct Plan {
    model: String,
    system: Option<String>,
    tools: Toolset,
    max_turns: u32,
    max_output_tokens: u64,
    repairs: u32,
    settings: Vec<(String, Value)>,
    context: Option<ContextPolicy>,
    result_tag: bool,
    bounds: Bounds,
    desk: Option<Arc<dyn MakeTools>>,
    context_cache: Option<ContextCache>,
    role: Option<String>,
    hands_up: bool,
    takes_up: bool,
}

/// Limits from the agent's own description; a spec may override them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bounds {
    pub(crate) budget: Option<Budget>,
    pub(crate) ceiling: Option<Ceiling>,
    pub(crate) grants: Option<Ceiling>,
    pub(crate) max_children: Option<u32>,
}

/// Tools that are made anew for each task, because they keep state about the task.
pub(crate) trait MakeTools: fmt::Debug + Send + Sync {
    /// The tools for one task.
    fn tools(&self) -> Toolset;

    /// Checks whether they can be offered.
    ///
    /// # Errors
    /// What is wrong, as text.
    fn check(&self) -> Result<(), String>;

    /// Their definition, for the agent's fingerprint.
    fn made_of(&self) -> Value;
}

impl<O> fmt::Debug for ModelAgent<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModelAgent")
            .field("model", &self.plan.model)
            .field("tools", &self.plan.tools)
            .finish_non_exhaustive()
    }
}

impl<O> Clone for ModelAgent<O> {
    fn clone(&self) -> Self {
        Self { plan: Arc::clone(&self.plan), gives: PhantomData }
    }
}

impl ModelAgent {
    /// An agent whose model has this name among the swarm's [`Models`](crate::Models).
    #[must_use]
    pub fn new(model: impl Into<String>) -> Self {
        let plan = Plan {
            model: model.into(),
            system: None,
            tools: Toolset::new(),
            max_turns: defaults::AGENT_TURNS,
            max_output_tokens: defaults::MODEL_OUTPUT,
            repairs: defaults::AGENT_REPAIRS,
            settings: Vec::new(),
            context: None,
            result_tag: false,
            bounds: Bounds::default(),
            desk: None,
            context_cache: None,
            role: None,
            hands_up: false,
            takes_up: false,
        };
        Self { plan: Arc::new(plan), gives: PhantomData }
    }
}

impl<O: Structured> ModelAgent<O> {
    fn plan(&mut self) -> &mut Plan {
        Arc::make_mut(&mut self.plan)
    }

    /// Its limits.
    #[cfg(feature = "persona")]
    pub(crate) fn bounds(&mut self) -> &mut Bounds {
        &mut self.plan().bounds
    }

    /// The same, with this text after its other instructions.
    #[cfg(feature = "persona")]
    pub(crate) fn also_told(mut self, text: &str) -> Self {
        let told = self.plan().system.take().filter(|told| !told.is_empty());
        self.plan().system = Some(told.map_or_else(|| text.to_owned(), |told| format!("{told}\n\n{text}")));
        self
    }

    /// The same with tools that are made for each task.
    #[cfg(feature = "persona")]
    pub(crate) fn with_desk(mut self, desk: Arc<dyn MakeTools>) -> Self {
        self.plan().desk = Some(desk);
        self
    }

    /// The instructions that come before the conversation.
    #[must_use]
    pub fn system(mut self, text: impl Into<String>) -> Self {
        self.plan().system = Some(text.into());
        self
    }

    /// Adds a tool that the model may call.
    #[must_use]
    pub fn tool(mut self, tool: impl Tool) -> Self {
        let plan = self.plan();
        plan.tools = std::mem::take(&mut plan.tools).with(tool);
        self
    }

    /// Adds tools that the model may call.
    #[must_use]
    pub fn tools(mut self, tools: Toolset) -> Self {
        let plan = self.plan();
        plan.tools = std::mem::take(&mut plan.tools).and(tools);
        self
    }

    /// How often the model may be called for one task; 20 by default. If the task has no answer by then, it fails.
    #[must_use]
    pub fn max_turns(mut self, most: u32) -> Self {
        self.plan().max_turns = most.max(1);
        self
    }

    /// The most tokens of one call's answer; 4,096 by default.
    #[must_use]
    pub fn max_output_tokens(mut self, most: u64) -> Self {
        self.plan().max_output_tokens = most;
        self
    }

    /// How often the model is told that its answer is not of the requested type; once by default.
    #[must_use]
    pub fn repairs(mut self, most: u32) -> Self {
        self.plan().repairs = most;
        self
    }

    /// A sampling setting, by the provider's own name for it: `("temperature", 0.2)`.
    #[must_use]
    pub fn setting(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.plan().settings.push((name.into(), value.into()));
        self
    }

    /// How it makes room when its conversation becomes long. Without a policy it prunes to its model's window,
    /// if that is known; see [`ContextPolicy`].
    #[must_use]
    pub fn context(mut self, policy: ContextPolicy) -> Self {
        self.plan().context = Some(policy);
        self
    }

    /// For how long the provider should cache the context of its requests: see [`ContextCache`].
    #[must_use]
    pub fn context_cache(mut self, cache: ContextCache) -> Self {
        self.plan().context_cache = Some(cache);
        self
    }

    /// What it is, in a word, such as its persona's name. It is a label of metrics, so there should be few; `agent` by
    /// default.
    #[must_use]
    pub fn role(mut self, role: impl Into<String>) -> Self {
        self.plan().role = Some(role.into());
        self
    }

    /// Hands up calls of tools that it has no grant for. The first agent above it that [takes them up](Self::takes_up),
    /// has a tool of that name and holds the grant makes the call, under its own name and on its own bill. Calls that
    /// this agent's ceiling forbids are never made for it. Off by default.
    #[must_use]
    pub fn hands_up(mut self) -> Self {
        self.plan().hands_up = true;
        self
    }

    /// Lets it make calls of its own tools that agents below it hand up. Off by default.
    #[must_use]
    pub fn takes_up(mut self) -> Self {
        self.plan().takes_up = true;
        self
    }

    /// Reads only the text between the last `<result>` and `</result>` as the answer, so that the model may think aloud
    /// around it. An answer without the tags is asked for again, like an answer of the wrong type. Off by default.
    #[must_use]
    pub fn result_tag(mut self) -> Self {
        self.plan().result_tag = true;
        self
    }

    /// Answers with a value of this type instead; the model is told its schema.
    #[must_use]
    pub fn output<T: Structured>(self) -> ModelAgent<T> {
        ModelAgent { plan: self.plan, gives: PhantomData }
    }

    /// The spec of this agent. It resumes: an attempt after a crash gets the answers that were already paid for. Another
    /// prompt or other tools make it another agent.
    #[must_use]
    pub fn spec(self, name: impl Into<String>) -> AgentSpec<Self> {
        let Plan { model, system, tools, max_turns, max_output_tokens, repairs, settings, .. } = &*self.plan;
        let Plan { context, result_tag, bounds, desk, .. } = &*self.plan;
        let made_of = (model, system, tools.declared(), max_turns, max_output_tokens, repairs, settings);
        let Plan { context_cache, role, hands_up, takes_up, .. } = &*self.plan;
        let more = (context, result_tag, desk.as_ref().map(|desk| desk.made_of()));
        let more = (more, context_cache, role, hands_up, takes_up);
        let (of, schema) = (std::any::type_name::<O>(), O::schema());
        let fingerprint = (made_of, more, of, schema);
        let spec = AgentSpec::new(name, {
            let agent = self.clone();
            move || agent.clone()
        });
        let spec = spec.resource(TakesUp(self.plan.takes_up.then(|| self.plan.tools.clone())));
        bounds.on(spec.restart_mode(RestartMode::Resume).fingerprint(&fingerprint))
    }
}

impl Bounds {
    fn on<A: Agent>(&self, mut spec: AgentSpec<A>) -> AgentSpec<A> {
        let Self { budget, ceiling, grants, max_children } = self.clone();
        spec = budget.into_iter().fold(spec, AgentSpec::budget);
        spec = ceiling.into_iter().fold(spec, AgentSpec::ceiling);
        spec = grants.into_iter().fold(spec, AgentSpec::grants);
        max_children.into_iter().fold(spec, AgentSpec::max_children)
    }
}

impl Plan {
    /// All tools that the model may call in one task.
    fn tools_for_a_task(&self) -> Toolset {
        let tools = self.tools.clone().handing_up(self.hands_up);
        self.desk.iter().fold(tools, |tools, desk| tools.and(desk.tools()))
    }
}

impl<O: Structured> Agent for ModelAgent<O> {
    type Task = Prompt;
    type Output = O;

    async fn start(&mut self, _: &Context) -> Result<(), AgentError> {
        if let Some(desk) = &self.plan.desk {
            desk.check().map_err(AgentError::message)?;
        }
        self.plan.tools_for_a_task().check().map_err(AgentError::failed)
    }

    async fn on_question(question: Question, cx: Context) -> Result<Option<Answer>, AgentError> {
        take_up(question, cx).await
    }

    async fn handle(&mut self, prompt: &Prompt, cx: &Context) -> Result<O, AgentError> {
        let Plan { system, max_output_tokens, settings, .. } = &*self.plan;
        let tools = self.plan.tools_for_a_task();
        let mut request = Request { messages: prompt.before.clone(), ..Request::new() };
        request.messages.push(Message::user(&prompt.text));
        request.context_cache = self.plan.context_cache;
        request.system = structured::told(system.as_deref(), O::schema().as_ref(), self.plan.result_tag);
        request.tools = tools.declared();
        request.max_output_tokens = Some(*max_output_tokens);
        request.settings.extend(settings.iter().cloned());
        Talk::new(cx, &self.plan, &tools, request).answer().await
    }
}

/// What can be read of a model agent while it works.
pub trait StreamPieces<O: Structured> {
    /// The answer as it comes: words, calls of tools, tries that start over.
    fn pieces(self) -> AskStream<ModelAgent<O>, Piece>;
}

impl<O: Structured> StreamPieces<O> for Ask<ModelAgent<O>> {
    fn pieces(self) -> AskStream<ModelAgent<O>, Piece> {
        self.stream()
    }
}
