//! Tools that models call: typed, with a schema of their input, and what each call can do said before it runs.
//!
//! A function is a tool in three lines; whoever wants more implements [`Tool`]. A call of a tool is an effect of the turn that makes it:
//! it is permitted, budgeted, limited, cancelled and journaled like any other.
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
//! 1. What the model can mend is an output that says so; an error ends the turn.
//! 2. What a call reaches is known before it runs, from its parsed input; a tool that does not say is taken to reach anything.
//! 3. A tool whose reach depends on the world (a path with symlinks) is a [`PlannedTool`]: it looks once, and goes by what it said.

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

/// What a tool gives instead of a result.
#[derive(Debug)]
#[non_exhaustive]
pub enum ToolError {
    /// It said why it did not do it, in words for the model, which goes on with them.
    Said(String),
    /// It failed: it is tried again where its repeat class allows that, and then told to the model.
    Failed(AgentError),
}

impl ToolError {
    /// Words for the model.
    pub fn said(text: impl Into<String>) -> Self {
        Self::Said(text.into())
    }
}

/// Any error is said to the model, in its words.
impl<E: std::error::Error> From<E> for ToolError {
    fn from(error: E) -> Self {
        Self::Said(error.to_string())
    }
}

/// What the model gets to read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// The text: the result itself if it is one, else the result as JSON.
    pub text: String,
    /// How many bytes more there were, which were cut; the text says so too.
    #[serde(default)]
    pub cut: usize,
    /// Whether it says what went wrong.
    #[serde(default)]
    pub is_error: bool,
}

impl Output {
    pub(crate) fn error(text: impl Into<String>) -> Self {
        Self { text: text.into(), cut: 0, is_error: true }
    }
}

/// Something that a model may call.
pub trait Tool: Send + Sync + 'static {
    /// What it takes; its schema is what the model is told.
    type Input: DeserializeOwned + JsonSchema + Send + 'static;
    /// What it gives.
    type Output: Serialize + Send;

    /// What it is.
    fn card(&self) -> &Card;

    /// What a call with this input is done to. Unknown unless it says so: then no ceiling that bounds targets lets it pass.
    ///
    /// # Errors
    /// [`ToolError::Said`] if there is no such thing.
    fn reach(&self, input: &Self::Input) -> Result<Reach, ToolError> {
        let _ = input;
        Ok(Reach::Unknown)
    }

    /// Does it, once a try.
    ///
    /// # Errors
    /// [`ToolError`] says whether the model is told, or it is tried again.
    fn call(
        &self,
        input: Self::Input,
        call: Call,
    ) -> impl Future<Output = Result<Self::Output, ToolError>> + Send;
}

/// A tool as a [`Toolset`] holds it, whatever its types; also one whose schema is known at run time only.
pub trait AnyTool: Send + Sync + 'static {
    /// What it is.
    fn card(&self) -> &Card;

    /// The schema of its input.
    fn schema(&self) -> Value;

    /// Reads the arguments as a model wrote them, and says what the call will be done to.
    ///
    /// # Errors
    /// [`ToolError::Said`], for the model, if they are not what it takes.
    fn prepare(self: Arc<Self>, arguments: &str) -> Result<Prepared, ToolError>;
}

type Running = Pin<Box<dyn Future<Output = Result<Output, ToolError>> + Send>>;
type InTurn = Pin<Box<dyn Future<Output = Result<Output, EffectError>> + Send>>;

/// A call that is ready to be made.
pub struct Prepared {
    /// What it is done to.
    pub reach: Reach,
    pub(crate) run: Run,
}

/// How a call is made.
pub(crate) enum Run {
    /// As one effect of the kind that the tool's card says, once a try.
    Effect(Box<dyn Fn(Call) -> Running + Send + Sync>),
    /// In the turn itself, which makes whatever effects it takes.
    Turn(Box<dyn FnOnce(Context) -> InTurn + Send>),
}

impl Prepared {
    /// One that does this, once a try.
    pub fn new<F, Fut>(reach: Reach, run: F) -> Self
    where
        F: Fn(Call) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Output, ToolError>> + Send + 'static,
    {
        Self { reach, run: Run::Effect(Box::new(move |call| Box::pin(run(call)))) }
    }

    /// One that needs the turn: it spawns, asks, or waits for longer than an effect should. It is no effect by itself, so whatever of it
    /// touches the world it makes an effect of with the context that it is given, and an attempt after a crash makes the call anew.
    ///
    /// An [`EffectError`] is told to the model where it can be, and ends the turn where it cannot.
    pub fn in_turn<F, Fut>(run: F) -> Self
    where
        F: FnOnce(Context) -> Fut + Send + 'static,
        Fut: Future<Output = Result<Output, EffectError>> + Send + 'static,
    {
        Self { reach: Reach::NOTHING, run: Run::Turn(Box::new(move |cx| Box::pin(run(cx)))) }
    }
}

/// A tool with its types left out, and the schema of its input, which every call is checked by.
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
            // Parsed anew for each try, so that an input need not be clonable.
            let (typed, input) = (Arc::clone(&self), self.parse(&text));
            async move {
                let output = typed.tool.call(input?, call).await?;
                Ok(shown(&output, typed.tool.card().most_output))
            }
        }))
    }
}

/// A result as the model reads it, cut where it is too long.
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
