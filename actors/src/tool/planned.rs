//! A tool that looks up once what its input means, states it, and does only that.

use std::future::Future;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use skep_runtime::{Call, Reach};

use super::{AnyTool, Card, Prepared, ToolError, read_input, schema_of, shown};

/// Something that a model can call, whose reach has to be looked up: a path may contain symlinks, a name may have moved.
/// It plans first, and every try carries out that plan: nothing can change between what was permitted and what is done.
///
/// [`Toolset::planned`](super::Toolset::planned) takes it. The built-in tools for files are of this kind.
pub trait PlannedTool: Send + Sync + 'static {
    /// What it takes; the model is given its schema.
    type Input: DeserializeOwned + JsonSchema + Send + 'static;
    /// What it will do, with everything looked up.
    type Plan: Send + Sync + 'static;
    /// What it returns.
    type Output: Serialize + Send;

    /// Its name, its description, and the terms of its calls.
    fn card(&self) -> &Card;

    /// What a call with this input acts on, and how. It must change nothing and wait for nothing: the call is not
    /// permitted yet.
    ///
    /// # Errors
    /// [`ToolError::Said`] if the target does not exist.
    fn plan(&self, input: Self::Input) -> Result<(Reach, Self::Plan), ToolError>;

    /// Does the work, once for each try.
    ///
    /// # Errors
    /// [`ToolError`]: its variant decides whether the model is told, or the call is tried again.
    fn carry_out(
        &self,
        plan: Arc<Self::Plan>,
        call: Call,
    ) -> impl Future<Output = Result<Self::Output, ToolError>> + Send;
}

/// A planned tool with its types erased.
pub(super) struct Planned<T> {
    tool: Arc<T>,
    schema: Value,
}

impl<T: PlannedTool> Planned<T> {
    pub(super) fn new(tool: T) -> Self {
        Self { tool: Arc::new(tool), schema: schema_of::<T::Input>() }
    }
}

impl<T: PlannedTool> AnyTool for Planned<T> {
    fn card(&self) -> &Card {
        self.tool.card()
    }

    fn schema(&self) -> Value {
        self.schema.clone()
    }

    fn prepare(self: Arc<Self>, arguments: &str) -> Result<Prepared, ToolError> {
        let (reach, plan) = self.tool.plan(read_input(arguments, &self.schema)?)?;
        let (tool, plan) = (Arc::clone(&self.tool), Arc::new(plan));
        Ok(Prepared::new(reach, move |call| {
            let (tool, plan) = (Arc::clone(&tool), Arc::clone(&plan));
            async move {
                let output = tool.carry_out(plan, call).await?;
                Ok(shown(&output, tool.card().most_output))
            }
        }))
    }
}
