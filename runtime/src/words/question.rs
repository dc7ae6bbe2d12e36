//! A question to the agents above, and its answer.

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::words::error::AgentError;
use crate::words::id::AgentId;

/// A question to the agents above. It has the same type for all agents, so the answering agent need not know the asking
/// one. Its subject is a text that `on_question` can match on; its data is JSON.
#[derive(Clone, Serialize, Deserialize)]
pub struct Question {
    about: String,
    data: serde_json::Value,
    pub(crate) from: Option<AgentId>,
}

impl Question {
    /// A question without data.
    #[must_use]
    pub fn about(about: impl Into<String>) -> Self {
        Self { about: about.into(), data: serde_json::Value::Null, from: None }
    }

    /// The same with data.
    ///
    /// # Errors
    /// [`AgentError`] if they cannot be written as JSON.
    pub fn with(mut self, data: impl Serialize) -> Result<Self, AgentError> {
        self.data = serde_json::to_value(data).map_err(AgentError::failed)?;
        Ok(self)
    }

    /// What it is about.
    #[must_use]
    pub fn topic(&self) -> &str {
        &self.about
    }

    /// Its data.
    ///
    /// # Errors
    /// [`AgentError`] if they are not of this type.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, AgentError> {
        T::deserialize(&self.data).map_err(AgentError::failed)
    }

    /// The asking agent; `None` before the question is asked.
    #[must_use]
    pub const fn from(&self) -> Option<&AgentId> {
        self.from.as_ref()
    }
}

/// Without its content, which may be a prompt.
impl fmt::Debug for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Question").field("from", &self.from).finish_non_exhaustive()
    }
}

/// An answer from above, as JSON.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer(serde_json::Value);

impl Answer {
    /// An answer with this value.
    ///
    /// # Errors
    /// [`AgentError`] if it cannot be written as JSON.
    pub fn of(value: impl Serialize) -> Result<Self, AgentError> {
        Ok(Self(serde_json::to_value(value).map_err(AgentError::failed)?))
    }

    /// Its value.
    ///
    /// # Errors
    /// [`AgentError`] if it is not of this type.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, AgentError> {
        T::deserialize(&self.0).map_err(AgentError::failed)
    }
}

/// Without its content.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answer")
    }
}
