//! What a tool is, before it is called.

use std::time::Duration;

use skep_runtime::effect::Tier;
use skep_runtime::{Repeat, Retry, Usage};

use crate::defaults;

/// What a tool is. The defaults are the strictest: it may happen once, changes something, and reaches anything.
#[derive(Clone, Debug, PartialEq)]
pub struct Card {
    /// Its name, as models write it: letters, digits, `_` and `-`, at most 64.
    pub name: String,
    /// What it is for, for the model to read.
    pub about: String,
    /// The kind of its effects; by default `tool.` followed by its name.
    pub kind: String,
    /// Whether it may happen again; by default it may happen only once.
    pub repeat: Repeat,
    /// How much harm it can do; by default that of a tool that writes.
    pub tier: Tier,
    /// Whether it changes anything; by default it does.
    pub modifies: bool,
    /// The most that one try can cost; one call by default. None if the cost has no bound.
    pub worst_case: Option<Usage>,
    /// How long it may take with all its tries; 30 s by default.
    pub within: Duration,
    /// How it is tried again; by default it is not.
    pub retry: Retry,
    /// How many bytes of its output the model reads; 64 KiB by default.
    pub most_output: usize,
}

impl Card {
    /// The card of a tool with a name, and what it is for.
    #[must_use]
    pub fn new(name: impl Into<String>, about: impl Into<String>) -> Self {
        let name = name.into();
        Self {
            kind: format!("tool.{name}"),
            name,
            about: about.into(),
            repeat: Repeat::Once,
            tier: Tier::Writes,
            modifies: true,
            worst_case: Some(Usage::calls(1)),
            within: defaults::TOOL_WITHIN,
            retry: Retry::NEVER,
            most_output: defaults::TOOL_OUTPUT,
        }
    }

    /// What is wrong with it.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        const LONGEST: usize = 64;
        let is_named = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
        if self.name.is_empty() || self.name.len() > LONGEST || !self.name.bytes().all(is_named) {
            return Err("a name has 1 to 64 letters, digits, `_` and `-`");
        }
        if self.kind.is_empty() { Err("its kind is empty") } else { Ok(()) }
    }
}
