//! What a panic in a user's code leaves behind.

use std::any::Any;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::words::text::{OneLine, at_most};

/// Bytes of a panic's message that are kept. An `assert_eq!` of two large values is found by its beginning.
const MESSAGE: usize = 4 << 10;

/// Bytes of a backtrace that are kept: the frames nearest to the panic come first.
const BACKTRACE: usize = 32 << 10;

/// A panic in an agent's code: its location, its message and, if requested, a backtrace.
///
/// `Display` is one line, such as `panicked at src/triage.rs:12:9: index out of bounds`; [`Panic::message`] has all lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Panic {
    message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    place: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    backtrace: Option<String>,
}

impl Panic {
    /// Of what it was thrown with. A payload that is not text has no message to give.
    pub(crate) fn new(payload: &(dyn Any + Send), place: Option<String>, backtrace: Option<String>) -> Self {
        let backtrace = backtrace.map(|text| at_most(text, BACKTRACE));
        Self { message: Self::message_of(payload), place, backtrace }
    }

    /// What a payload says.
    pub(crate) fn message_of(payload: &(dyn Any + Send)) -> String {
        let text = payload
            .downcast_ref::<&'static str>()
            .map(|text| (*text).to_owned())
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "a panic without a message".to_owned());
        at_most(text, MESSAGE)
    }

    /// Its message: all lines, at most 4 KiB together; an ellipsis marks what was cut.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Its location, as `file:line:column`. `None` if it could not be seen: the process's panic hook was replaced after the
    /// swarm's start and this is the first panic since, or the panic was resumed from elsewhere.
    #[must_use]
    pub fn place(&self) -> Option<&str> {
        self.place.as_deref()
    }

    /// The backtrace, innermost call first, if it was requested by `RUST_BACKTRACE` or
    /// [`SwarmBuilder::backtraces`](crate::SwarmBuilder::backtraces).
    #[must_use]
    pub fn backtrace(&self) -> Option<&str> {
        self.backtrace.as_deref()
    }
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("panicked")?;
        if let Some(place) = &self.place {
            write!(f, " at {}", OneLine(place))?;
        }
        write!(f, ": {}", OneLine(&self.message))
    }
}
