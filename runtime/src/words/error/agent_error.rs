//! What an agent's work failed with: a value that travels.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Advice, Panic};
use crate::words::policy::FailureClass;
use crate::words::text::OneLine;

/// What an agent's `handle` failed with: a value that goes to the asker, the journal and the next attempt.
///
/// `Display` is one line. The runtime puts no prompt, key or payload into it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentError {
    class: FailureClass,
    advice: Advice,
    message: String,
    chain: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    panic: Option<Box<Panic>>,
    /// The message is [`NOT_ACCEPTED`] and a reason. A flag, so that results with errors stay small.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_refused: bool,
    #[serde(default)]
    crash: bool,
    #[serde(default)]
    redeliver: bool,
    #[serde(default)]
    ignore: bool,
}

const NOT_ACCEPTED: &str = "the output was not accepted: ";

impl AgentError {
    /// A failure with a message.
    #[must_use]
    pub fn new(class: FailureClass, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            class,
            advice: Advice::Never,
            message,
            chain: Vec::new(),
            panic: None,
            is_refused: false,
            crash: false,
            redeliver: false,
            ignore: false,
        }
    }

    /// Wraps any error as an ordinary failure; its sources are kept as text. The operator `?` alone converts only skep's own
    /// errors, which know their class and advice; for any other error write `.map_err(AgentError::failed)?`.
    #[must_use]
    pub fn failed(error: impl std::error::Error) -> Self {
        let mut chain = Vec::new();
        let mut source = error.source();
        while let Some(cause) = source {
            chain.push(cause.to_string());
            source = cause.source();
        }
        Self { chain, ..Self::new(FailureClass::Failed, error.to_string()) }
    }

    /// An ordinary failure with a message.
    #[must_use]
    pub fn message(text: impl Into<String>) -> Self {
        Self::new(FailureClass::Failed, text)
    }

    /// Returned by `handle`, this is a crash: the incarnation ends, the attempt counts, and the task is redelivered.
    #[must_use]
    pub fn crash(text: impl Into<String>) -> Self {
        Self { crash: true, ..Self::new(FailureClass::Bug, text) }
    }

    /// The asker does not accept the output, for this reason.
    pub(crate) fn not_accepted(reason: &str) -> Self {
        Self { is_refused: true, ..Self::message(format!("{NOT_ACCEPTED}{reason}")) }
    }

    /// A panic of the agent's work on a task, which is a crash.
    pub(crate) fn panicked(panic: Panic) -> Self {
        Self { crash: true, ..Self::of_panic(panic.to_string(), panic) }
    }

    /// A panic in another part of an agent's code, named by its subject. It ends no incarnation.
    pub(crate) fn panicked_in(part: &str, panic: Panic) -> Self {
        Self::of_panic(format!("{part} {panic}"), panic)
    }

    fn of_panic(text: String, panic: Panic) -> Self {
        Self { panic: Some(Box::new(panic)), ..Self::new(FailureClass::Bug, text) }
    }

    /// Returned by `handle`, this redelivers the task to the same incarnation; it counts as an attempt. With the advice
    /// [`Advice::After`] the next attempt begins after that pause.
    #[must_use]
    pub fn redeliver(error: impl Into<Self>) -> Self {
        Self { redeliver: true, ..error.into() }
    }

    /// Returned by `start`, this means that there is nothing to run, which is not a failure: OTP's *ignore*.
    #[must_use]
    pub fn ignore() -> Self {
        Self { ignore: true, ..Self::new(FailureClass::Start, "there is nothing to run") }
    }

    /// The same with advice for the asker.
    #[must_use]
    pub const fn advise(mut self, advice: Advice) -> Self {
        self.advice = advice;
        self
    }

    /// The kind of failure.
    #[must_use]
    pub const fn class(&self) -> FailureClass {
        self.class
    }

    /// Whether to try again.
    #[must_use]
    pub const fn advice(&self) -> Advice {
        self.advice
    }

    /// The causes, outermost first.
    #[must_use]
    pub fn chain(&self) -> &[String] {
        &self.chain
    }

    /// The panic behind this error, with its location and whole message.
    #[must_use]
    pub fn panic(&self) -> Option<&Panic> {
        self.panic.as_deref()
    }

    /// Why the asker did not accept the output, if that is what failed.
    #[must_use]
    pub fn refused(&self) -> Option<&str> {
        self.message.strip_prefix(NOT_ACCEPTED).filter(|_| self.is_refused)
    }

    /// The HTTP status that a service answers with, by the class.
    #[must_use]
    pub const fn http_status(&self) -> u16 {
        match self.class {
            FailureClass::OverBudget | FailureClass::Overloaded => 429,
            FailureClass::Killed | FailureClass::Interrupted | FailureClass::Stopped => 503,
            FailureClass::Deadline => 504,
            FailureClass::Failed
            | FailureClass::Bug
            | FailureClass::Poisoned
            | FailureClass::Stale
            | FailureClass::Start => 500,
        }
    }

    /// The same with the causes that another error has, and its panic.
    pub(super) fn caused_as(mut self, other: Self) -> Self {
        self.chain = other.chain;
        self.panic = other.panic;
        self
    }

    /// Whether the agent has ended with it: it panicked, or said that it crashed.
    #[must_use]
    pub const fn is_crash(&self) -> bool {
        self.crash
    }

    pub(crate) const fn is_ignore(&self) -> bool {
        self.ignore
    }

    pub(crate) const fn wants_redelivery(&self) -> bool {
        self.redeliver
    }

    /// Whether another attempt at the task would only pay again: what failed in a child's last attempt, or for want of money.
    pub(crate) const fn is_final(&self) -> bool {
        matches!(self.class, FailureClass::Poisoned | FailureClass::OverBudget)
    }
}

impl fmt::Display for AgentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", OneLine(&self.message))?;
        for cause in &self.chain {
            write!(f, ": {}", OneLine(cause))?;
        }
        Ok(())
    }
}

impl std::error::Error for AgentError {}
