//! Where in the code a node stands.

use serde::Deserialize;

use crate::review::source::{Node, Source, Syntax};

/// Where in the code a node stands, as rule files name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Context {
    /// In an async function, block or closure, and not in a plain closure inside it.
    Async,
    /// In the repeated part of a loop of the same function.
    Loop,
    /// In an arm of an `if` or `match` of the same function: something was asked first.
    Branch,
}

impl Context {
    /// The same of a place in a language without a grammar, told by its blocks.
    pub(super) fn holds_at(self, source: &Source, at: usize) -> bool {
        match self {
            Self::Async => source.blocks().is_async(at),
            Self::Loop => source.blocks().is_repeated(at),
            Self::Branch => false,
        }
    }

    pub(super) fn holds(self, syntax: &Syntax, node: &Node<'_>) -> bool {
        match self {
            Self::Async => syntax.is_async(node),
            Self::Loop => syntax.is_repeated(node),
            Self::Branch => syntax.is_conditional(node),
        }
    }
}
