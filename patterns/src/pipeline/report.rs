//! What a pipeline gives.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use skep_runtime::{AgentError, Message};

use super::Checkpoint;
use crate::parts::Parts;
use crate::pattern::Report;

/// What a pipeline gives: the last stage's output if all went well, and what each finished stage gave, to go on from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[must_use = "a failure is a row in it"]
pub struct Piped<O> {
    /// The output of the last stage.
    pub value: Option<O>,
    /// The outputs of all stages that are finished.
    pub checkpoint: Checkpoint,
    /// The stages, in their order.
    pub parts: Parts,
}

impl<O> Piped<O> {
    pub(super) fn new(checkpoint: Checkpoint) -> Self {
        Self { value: None, checkpoint, parts: Parts::default() }
    }

    /// What a finished stage gave. None if it is not finished, or gives no `T`.
    #[must_use]
    pub fn of<T: Message>(&self, stage: &str) -> Option<T> {
        let finished = self.checkpoint.stages.iter().find(|finished| finished.stage == stage)?;
        T::deserialize(&finished.output).ok()
    }
}

impl<O> fmt::Display for Piped<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts.fmt(f)
    }
}

impl<O: Send> Report for Piped<O> {
    type Value = O;

    fn parts(&self) -> Cow<'_, Parts> {
        Cow::Borrowed(&self.parts)
    }

    fn into_result(self) -> Result<O, AgentError> {
        self.value.ok_or_else(|| self.parts.error())
    }
}
