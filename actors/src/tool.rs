//! Tools that models call: typed, with a schema of their input. What each call can do is stated before it runs.
//!
//! A function becomes a tool in three lines; if that is not enough, implement [`Tool`]. A call of a tool is an effect of
//! the turn that makes it: it is permitted, budgeted, limited, cancelled and journaled like any other.
//!
//! ```
//! use schemars::JsonSchema;
//! use serde::Deserialize;
//! use skep_actors::tool::{Toolset, tool};
//!
//! #[derive(Deserialize, JsonSchema)]
//! struct City {
//!     name: String,
//! }
//!
//! let weather = tool("weather", "The weather in a city.", |city: City, _| async move {
//!     Ok(format!("{}: sun", city.name))
//! });
//! let tools = Toolset::new().with(weather.pure());
//! assert_eq!(tools.names().collect::<Vec<_>>(), ["weather"]);
//! ```
//!
//! # Invariants
//! 1. A mistake that the model can fix becomes an output that says so; an error ends the turn.
//! 2. What a call reaches is known before it runs, from its parsed input; a tool that does not state it may reach anything.
//! 3. A tool whose reach depends on the world (a path with symlinks) is a [`PlannedTool`]: it looks once, and does only what it
//!    stated.

mod card;
mod function;
mod hand_up;
mod planned;
mod schema;
mod set;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use skep_runtime::text::one_line;
use skep_runtime::{AgentError, Call, Context, EffectError, Reach};

pub use self::card::Card;
pub use self::function::{FnTool, tool};
pub(crate) use self::hand_up::{TakesUp, take_up};
pub use self::planned::PlannedTool;
pub use self::schema::{Misfit, fits, schema_of};
pub use self::set::{BadTool, Toolset};

/// What a tool returns instead of a result.
#[derive(Debug)]
#[non_exhaustive]
pub enum ToolError {
    /// It says why it did not do it, as text for the model, and the conversation goes on.
    Said(String),
    /// It failed: it is tried again if its repeat class allows that; after that the model is told.
    Failed(AgentError),
}

impl ToolError {
    /// A message for the model.
    pub fn said(text: impl Into<String>) -> Self {
        Self::Said(text.into())
    }
}

/// Any error is reported to the model, as its text.
impl<E: std::error::Error> From<E> for ToolError {
    fn from(error: E) -> Self {
        Self::Said(error.to_string())
    }
}

/// What the model reads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// The text: the result itself if it is a string, else the result as JSON.
    pub text: String,
    /// How many further bytes were cut off; the text says so too.
    #[serde(default)]
    pub cut: usize,
    /// Whether the text is about a failure.
    #[serde(default)]
    pub is_error: bool,
}

impl Output {
    pub(crate) fn error(text: impl Into<String>) -> Self {
        Self { text: text.into(), cut: 0, is_error: true }
    }
}

/// Something that a model can call.
pub trait Tool: Send + Sync + 'static {
    /// What it takes; the model is given its schema.
    type Input: DeserializeOwned + JsonSchema + Send + 'static;
    /// What it returns.
    type Output: Serialize + Send;

    /// Its name, its description, and the terms of its calls.
    fn card(&self) -> &Card;

    /// What a call with this input acts on. Unknown by default: then every ceiling that limits targets refuses it.
    ///
    /// # Errors
    /// [`ToolError::Said`] if the target does not exist.
    fn reach(&self, input: &Self::Input) -> Result<Reach, ToolError> {
        let _ = input;
        Ok(Reach::Unknown)
    }

    /// Does the work, once for each try.
    ///
    /// # Errors
    /// [`ToolError`]: its variant decides whether the model is told, or the call is tried again.
    fn call(
        &self,
        input: Self::Input,
        call: Call,
    ) -> impl Future<Output = Result<Self::Output, ToolError>> + Send;
}

/// A tool as a [`Toolset`] holds it, whatever its types. Its schema may be known only at run time.
pub trait AnyTool: Send + Sync + 'static {
    /// Its name, its description, and the terms of its calls.
    fn card(&self) -> &Card;

    /// The schema of its input.
    fn schema(&self) -> Value;

    /// Reads the arguments as a model wrote them, and says what the call will act on.
    ///
    /// # Errors
    /// [`ToolError::Said`], for the model, if the arguments do not fit.
    fn prepare(self: Arc<Self>, arguments: &str) -> Result<Prepared, ToolError>;
}

type Running = Pin<Box<dyn Future<Output = Result<Output, ToolError>> + Send>>;
type InTurn = Pin<Box<dyn Future<Output = Result<Output, EffectError>> + Send>>;

/// A call that is ready to be made.
pub struct Prepared {
    /// What it acts on.
    pub reach: Reach,
    pub(crate) run: Run,
}

/// How a call is made.
pub(crate) enum Run {
    /// As one effect of the kind on the tool's card, run once for each try.
    Effect(Box<dyn Fn(Call) -> Running + Send + Sync>),
    /// In the turn itself, which makes the effects that are needed.
    Turn(Box<dyn FnOnce(Context) -> InTurn + Send>),
}

impl Prepared {
    /// A call that does this, once for each try.
    pub fn new<F, Fut>(reach: Reach, run: F) -> Self
    where
        F: Fn(Call) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Output, ToolError>> + Send + 'static,
    {
        Self { reach, run: Run::Effect(Box::new(move |call| Box::pin(run(call)))) }
    }

    /// A call that needs the turn: it spawns, asks, or waits longer than an effect should. It is not an effect itself, so
    /// it must wrap whatever touches the world in effects of the context that it is given. An attempt after a crash makes
    /// the call again.
    ///
    /// An [`EffectError`] is reported to the model if possible, and otherwise ends the turn.
    pub fn in_turn<F, Fut>(run: F) -> Self
    where
        F: FnOnce(Context) -> Fut + Send + 'static,
        Fut: Future<Output = Result<Output, EffectError>> + Send + 'static,
    {
        Self { reach: Reach::NOTHING, run: Run::Turn(Box::new(move |cx| Box::pin(run(cx)))) }
    }
}

/// A tool with its types erased, and the schema of its input, which checks every call.
struct Typed<T> {
    tool: T,
    schema: Value,
}

impl<T: Tool> Typed<T> {
    fn new(tool: T) -> Self {
        Self { tool, schema: schema_of::<T::Input>() }
    }

    fn parse(&self, arguments: &str) -> Result<T::Input, ToolError> {
        read_input(arguments, &self.schema)
    }
}

/// Reads the arguments as a model wrote them.
pub(crate) fn read_input<I: DeserializeOwned>(arguments: &str, schema: &Value) -> Result<I, ToolError> {
    let text = if arguments.trim().is_empty() { "{}" } else { arguments };
    let value: Value = serde_json::from_str(text).map_err(|error| {
        ToolError::said(format!("the arguments are not JSON: {}", one_line(&error.to_string())))
    })?;
    if let Err(misfit) = fits(&value, schema) {
        return Err(ToolError::said(format!("the arguments are not what it takes: {misfit}")));
    }
    serde_json::from_value(value)
        .map_err(|error| ToolError::said(format!("the arguments are not what it takes: {error}")))
}

impl<T: Tool> AnyTool for Typed<T> {
    fn card(&self) -> &Card {
        self.tool.card()
    }

    fn schema(&self) -> Value {
        self.schema.clone()
    }

    fn prepare(self: Arc<Self>, arguments: &str) -> Result<Prepared, ToolError> {
        let reach = self.tool.reach(&self.parse(arguments)?)?;
        let text: Arc<str> = arguments.into();
        Ok(Prepared::new(reach, move |call| {
            // Parsed again for each try, so that inputs need not be clonable.
            let (typed, input) = (Arc::clone(&self), self.parse(&text));
            async move {
                let output = typed.tool.call(input?, call).await?;
                Ok(shown(&output, typed.tool.card().most_output))
            }
        }))
    }
}

/// A result as the model reads it, cut if it is too long.
pub(crate) fn shown(output: &impl Serialize, most: usize) -> Output {
    let text = match serde_json::to_value(output) {
        Ok(Value::String(text)) => text,
        Ok(value) => value.to_string(),
        Err(error) => return Output::error(format!("its result cannot be written down: {error}")),
    };
    if text.len() <= most {
        return Output { text, cut: 0, is_error: false };
    }
    let at = (0..=most).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let cut = text.len() - at;
    Output { text: format!("{}\n[{cut} bytes more were cut]", &text[..at]), cut, is_error: false }
}
