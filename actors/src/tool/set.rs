//! Tools by name: what an agent can offer to its model.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde_json::Value;
use skep_runtime::{Call, Context, EffectError, Reach, Tried, Usage};
use thiserror::Error;

use super::hand_up::hand_up;
use super::planned::Planned;
use super::{AnyTool, Output, PlannedTool, Prepared, Run, Running, Tool, ToolError, Typed};
use crate::{defaults, model, telemetry};

/// Tools by name, sorted, so that requests are the same each time. Clones share them.
#[derive(Clone, Default)]
pub struct Toolset {
    tools: BTreeMap<String, Arc<dyn AnyTool>>,
    bad: Option<BadTool>,
    hands_up: bool,
}

/// A tool that cannot be offered.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the tool {name:?} cannot be offered: {why}")]
pub struct BadTool {
    /// Its name.
    pub name: String,
    /// What is wrong with it.
    pub why: &'static str,
}

impl Toolset {
    /// No tools yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a tool.
    #[must_use]
    pub fn with(self, tool: impl Tool) -> Self {
        self.any(Arc::new(Typed::new(tool)))
    }

    /// Adds a tool that looks up once what its input means and does only that.
    #[must_use]
    pub fn planned(self, tool: impl PlannedTool) -> Self {
        self.any(Arc::new(Planned::new(tool)))
    }

    /// Adds a tool, whatever its types.
    #[must_use]
    pub fn any(mut self, tool: Arc<dyn AnyTool>) -> Self {
        let name = tool.card().name.clone();
        let why = match tool.card().check() {
            Err(why) => Some(why),
            Ok(()) if tool.schema()["type"] != "object" => {
                Some("its input is no object, which models cannot call")
            }
            Ok(()) if self.tools.contains_key(&name) => Some("there is another of its name"),
            Ok(()) => None,
        };
        match why {
            Some(why) => drop(self.bad.get_or_insert(BadTool { name, why })),
            None => drop(self.tools.insert(name, tool)),
        }
        self
    }

    /// These tools, with the reason why another one cannot be offered.
    #[cfg(feature = "tools")]
    pub(crate) fn without(mut self, name: &str, why: &'static str) -> Self {
        self.bad = self.bad.or_else(|| Some(BadTool { name: name.to_owned(), why }));
        self
    }

    /// Sets whether calls that the agent has no grant for are handed up, for an agent above it to make.
    pub(crate) const fn handing_up(mut self, hands_up: bool) -> Self {
        self.hands_up = hands_up;
        self
    }

    /// These tools and the others.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.bad = self.bad.or(other.bad);
        other.tools.into_values().fold(self, Self::any)
    }

    /// Whether each tool can be offered: an agent with a bad one does not start.
    ///
    /// # Errors
    /// The first [`BadTool`].
    pub fn check(&self) -> Result<(), BadTool> {
        self.bad.clone().map_or(Ok(()), Err)
    }

    /// Only the tools with these names.
    ///
    /// # Errors
    /// The first name without a tool.
    pub fn only<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Result<Self, &'n str> {
        let mut only = Self { tools: BTreeMap::new(), bad: self.bad.clone(), hands_up: self.hands_up };
        for name in names {
            let tool = self.tools.get(name).ok_or(name)?;
            only.tools.insert(name.to_owned(), Arc::clone(tool));
        }
        Ok(only)
    }

    /// The kinds of their effects, each once.
    #[must_use]
    pub fn kinds(&self) -> BTreeSet<String> {
        self.tools.values().map(|tool| tool.card().kind.clone()).collect()
    }

    /// Their names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tools.keys().map(String::as_str)
    }

    /// The tools as they are declared to a model.
    #[must_use]
    pub fn declared(&self) -> Vec<model::Tool> {
        let declared = |tool: &Arc<dyn AnyTool>| {
            let card = tool.card();
            model::Tool::new(&card.name, &card.about, tool.schema())
        };
        self.tools.values().map(declared).collect()
    }

    /// Calls a tool by its name, with the arguments as a model wrote them. Whatever can be reported to the model becomes
    /// an output.
    ///
    /// # Errors
    /// [`EffectError`] that ends the turn: over budget, or cancelled with the turn.
    pub async fn call(&self, cx: &Context, name: &str, arguments: &str) -> Result<Output, EffectError> {
        match self.make(cx, name, arguments).await {
            Err(EffectError::NotGranted { why, .. }) if self.hands_up => {
                let within = self.tools.get(name).map_or(defaults::TOOL_WITHIN, |tool| tool.card().within);
                Ok(hand_up(cx, (name, within), arguments, &why.to_string()).await)
            }
            made => Self::told(made),
        }
    }

    /// Makes the call.
    ///
    /// # Errors
    /// Any error of its effect.
    pub(super) async fn make(
        &self,
        cx: &Context,
        name: &str,
        arguments: &str,
    ) -> Result<Output, EffectError> {
        let Some(tool) = self.tools.get(name) else { return Ok(Output::error(self.unknown(name))) };
        let prepared = match Arc::clone(tool).prepare(arguments) {
            Ok(prepared) => prepared,
            Err(ToolError::Said(text)) => return Ok(Output::error(text)),
            Err(ToolError::Failed(error)) => return Ok(Output::error(error.to_string())),
        };
        match prepared {
            Prepared { run: Run::Turn(run), .. } => run(cx.clone()).await,
            Prepared { run: Run::Effect(run), reach } => {
                effect(cx, tool.as_ref(), arguments, reach, &run).await
            }
        }
    }

    /// What can be reported to the model about a call.
    ///
    /// # Errors
    /// [`EffectError`] that ends the turn: over budget, or cancelled with the turn.
    pub(super) fn told(made: Result<Output, EffectError>) -> Result<Output, EffectError> {
        match made {
            Err(error @ (EffectError::OverBudget { .. } | EffectError::Cancelled { .. })) => Err(error),
            Err(EffectError::BeyondCeiling { why, .. } | EffectError::NotGranted { why, .. }) => {
                Ok(Output::error(format!("you may not do that: {why}")))
            }
            Err(EffectError::Refused { message, .. }) => {
                Ok(Output::error(format!("that was refused: {message}")))
            }
            Err(EffectError::Expired { .. }) => {
                Ok(Output::error("it took too long, and what became of it is unknown"))
            }
            Err(EffectError::Failed { error, .. }) => Ok(Output::error(error.to_string())),
            Err(error) => Ok(Output::error(error.to_string())),
            Ok(output) => Ok(output),
        }
    }

    fn unknown(&self, name: &str) -> String {
        let names: Vec<_> = self.names().collect();
        match &names[..] {
            [] => format!("there is no tool {name:?}, nor any other"),
            names => format!("there is no tool {name:?}; there is {}", names.join(", ")),
        }
    }
}

async fn effect(
    cx: &Context,
    tool: &dyn AnyTool,
    arguments: &str,
    reach: Reach,
    run: &(dyn Fn(Call) -> Running + Send + Sync),
) -> Result<Output, EffectError> {
    let card = tool.card();
    // Parsed, so that blanks and the order of fields do not make it another call.
    let input: Value = serde_json::from_str(arguments).unwrap_or(Value::Null);
    let mut effect = cx
        .effect(card.kind.as_str(), &input)
        .subject(&card.name)
        .on(reach)
        .tier(card.tier)
        .modifies(card.modifies)
        .repeat(card.repeat)
        .deadline(card.within)
        .retry(card.retry);
    effect = match card.worst_case {
        Some(worst) => effect.worst_case(worst),
        None => effect.unbounded(),
    };
    let most = card.worst_case.unwrap_or_default();
    let called = |call: Call| {
        telemetry::tool(&card.name);
        let running = run(call.clone());
        async move {
            // A tool that reports no cost has used at most one call; a report replaces this.
            call.used(Usage::calls(most.calls.min(1)));
            let tried: Tried<Output> = match running.await {
                Ok(output) => Ok(output),
                Err(ToolError::Said(text)) => Ok(Output::error(text)),
                Err(ToolError::Failed(error)) => Err(error),
            };
            tried
        }
    };
    effect.run(called).await
}

impl fmt::Debug for Toolset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.tools.keys()).finish()
    }
}
