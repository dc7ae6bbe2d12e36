//! A tool that manages agents: an effect of its own kind, which is admitted before anything is done.

use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use skep_runtime::effect::Tier;
use skep_runtime::{Context, EffectError, Reach, Repeat, Retry};

use super::desk::Desk;
use crate::tool::{AnyTool, Card, Output, Prepared, ToolError, read_input, schema_of};
use crate::{defaults, telemetry};

/// One of the tools that manage agents.
pub(super) struct Managed<I, F> {
    card: Card,
    schema: Value,
    desk: Arc<Desk>,
    act: F,
    takes: PhantomData<fn(I)>,
}

/// A tool with this name. If it only looks, it is safe. None of these tools changes anything outside the swarm, so a
/// read-only mode lets them pass; what the agents do is checked separately.
pub(super) fn managed<I, F, Fut>(
    desk: &Arc<Desk>,
    name: &str,
    about: &str,
    tier: Tier,
    act: F,
) -> Managed<I, F>
where
    I: JsonSchema,
    F: Fn(Arc<Desk>, Gate, I) -> Fut,
{
    let mut card = Card::new(name, about);
    card.kind = format!("manage.{name}");
    card.repeat = Repeat::Idempotent;
    card.retry = Retry::times(defaults::TOOL_TRIES).if_advised();
    (card.tier, card.modifies) = (tier, false);
    Managed { card, schema: schema_of::<I>(), desk: Arc::clone(desk), act, takes: PhantomData }
}

impl<I, F> Managed<I, F> {
    /// Sets the values that a field may have.
    pub(super) fn one_of(mut self, field: &str, values: &[String]) -> Self {
        self.schema["properties"][field]["enum"] = values.into();
        self
    }

    /// Removes a field.
    pub(super) fn without(mut self, field: &str) -> Self {
        if let Some(fields) = self.schema["properties"].as_object_mut() {
            fields.remove(field);
        }
        self
    }
}

impl<I, F, Fut> AnyTool for Managed<I, F>
where
    I: DeserializeOwned + Serialize + Send + 'static,
    F: Fn(Arc<Desk>, Gate, I) -> Fut + Send + Sync + Copy + 'static,
    Fut: Future<Output = Result<Output, EffectError>> + Send + 'static,
{
    fn card(&self) -> &Card {
        &self.card
    }

    fn schema(&self) -> Value {
        self.schema.clone()
    }

    fn prepare(self: Arc<Self>, arguments: &str) -> Result<Prepared, ToolError> {
        let input: I = read_input(arguments, &self.schema)?;
        Ok(Prepared::in_turn(move |cx| {
            let written = serde_json::to_value(&input).unwrap_or_default();
            let gate = Gate { cx, card: self.card.clone(), input: written };
            (self.act)(Arc::clone(&self.desk), gate, input)
        }))
    }
}

/// The place where a call of such a tool is admitted.
pub(super) struct Gate {
    pub(super) cx: Context,
    card: Card,
    input: Value,
}

impl Gate {
    /// Asks whether the call is allowed, with the agent's name if there is one.
    ///
    /// # Errors
    /// [`EffectError`] if it is not.
    pub(super) async fn pass(&self, name: &str) -> Result<(), EffectError> {
        self.run(name, || ()).await
    }

    /// Makes the call if it is allowed, and returns its text. An attempt after a crash gets the same text.
    ///
    /// # Errors
    /// [`EffectError`] if it is not allowed.
    pub(super) async fn says(
        &self,
        name: &str,
        say: impl Fn() -> String + Send + Sync,
    ) -> Result<Output, EffectError> {
        let text = self.run(name, say).await?;
        Ok(crate::tool::shown(&text, self.card.most_output))
    }

    /// The turn has ended.
    pub(super) fn cancelled(&self) -> EffectError {
        EffectError::Cancelled { agent: self.cx.id().clone(), kind: self.card.kind.clone() }
    }

    async fn run<T: skep_runtime::Message>(
        &self,
        name: &str,
        act: impl Fn() -> T + Send + Sync,
    ) -> Result<T, EffectError> {
        let Card { kind, tier, modifies, repeat, within, retry, .. } = &self.card;
        let effect = self
            .cx
            .effect(kind.as_str(), &self.input)
            .on(Reach::NOTHING)
            .tier(*tier)
            .modifies(*modifies)
            .repeat(*repeat)
            .free()
            .deadline(*within)
            .retry(*retry);
        let effect = if name.is_empty() { effect } else { effect.subject(name) };
        effect
            .run(|_| {
                telemetry::tool(&self.card.name);
                let said = act();
                async move { Ok(said) }
            })
            .await
    }
}
