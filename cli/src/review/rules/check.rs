//! Shapes that need more than a pattern: each is one question about one node.

mod assertion;
mod function;
mod lock;
mod reason;

use serde::Deserialize;

use super::matcher::Hit;
use crate::review::source::{Node, Source, Syntax};

/// A question about one node, as rule files name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Check {
    /// A function with more lines of code than the limit.
    LongFunction,
    /// A function whose branches and loops nest deeper than the limit.
    DeepNesting,
    /// A function with more parameters than the limit.
    ManyParameters,
    /// An `unsafe` block that nobody says is sound.
    UnsafeReason,
    /// An `#[ignore]` that nobody gives a reason for.
    IgnoreReason,
    /// A guard of a blocking lock that lives until after an `await`.
    LockAcrossAwait,
    /// A test in which nothing can fail.
    NoAssertion,
}

impl Check {
    /// The kinds of nodes that the question is about.
    pub(super) const fn kinds(self) -> &'static [&'static str] {
        match self {
            Self::LongFunction | Self::DeepNesting | Self::ManyParameters | Self::NoAssertion => {
                &["function_item"]
            }
            Self::UnsafeReason => &["unsafe_block"],
            Self::IgnoreReason => &["attribute_item"],
            Self::LockAcrossAwait => &["let_declaration"],
        }
    }

    pub(super) fn hit(self, source: &Source, syntax: &Syntax, node: &Node<'_>, limit: u32) -> Option<Hit> {
        let found =
            |detail: String| Some(Hit { range: name_or_start(node), detail: Some(detail), secret: None });
        match self {
            Self::LongFunction => function::code_lines(source, node).filter(|lines| *lines > limit),
            Self::DeepNesting => Some(function::nesting(node)).filter(|levels| *levels > limit),
            Self::ManyParameters => Some(function::parameters(node)).filter(|parameters| *parameters > limit),
            Self::UnsafeReason => return (!reason::is_unsafe_justified(source, node)).then(|| plain(node)),
            Self::IgnoreReason => return (!reason::is_ignore_justified(source, node)).then(|| plain(node)),
            Self::LockAcrossAwait => return lock::guard_across_await(syntax, node).and_then(found),
            Self::NoAssertion => return (!assertion::can_fail(node)).then(|| plain_name(node)),
        }
        .and_then(|number| found(number.to_string()))
    }
}

fn plain(node: &Node<'_>) -> Hit {
    Hit { range: node.range(), detail: None, secret: None }
}

fn plain_name(node: &Node<'_>) -> Hit {
    Hit { range: name_or_start(node), detail: None, secret: None }
}

/// A finding about a function points at its name: the reader knows the rest.
fn name_or_start(node: &Node<'_>) -> std::ops::Range<usize> {
    node.field("name").map_or_else(|| node.range(), |name| name.range())
}
