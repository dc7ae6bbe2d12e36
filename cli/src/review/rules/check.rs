//! Shapes that need more than a pattern: each is one question about one node.

mod assertion;
mod function;
mod lock;
mod reason;

use std::ops::Range;

use serde::Deserialize;

use super::matcher::{Hit, Look};
use crate::review::source::{Node, Syntax};

pub(crate) use self::assertion::Fragile;

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
            Self::LockAcrossAwait => &["call_expression"],
        }
    }

    pub(super) fn hit(self, look: &Look<'_>, syntax: &Syntax, node: &Node<'_>, limit: u32) -> Option<Hit> {
        let source = look.source;
        let measured = |number: u32, about: Range<usize>| {
            (number > limit).then(|| Hit { detail: Some(number.to_string()), about, ..named(node) })
        };
        match self {
            Self::LongFunction => {
                let lines = function::code_lines(source, node)?;
                // Whoever changes a line of a long function has not made it so; whoever adds one has.
                measured(lines, node.range()).map(|hit| Hit { grows: true, ..hit })
            }
            Self::DeepNesting => {
                let (levels, deepest) = function::nesting(node)?;
                measured(levels, deepest)
            }
            Self::ManyParameters => measured(function::parameters(node), node.field("parameters")?.range()),
            Self::UnsafeReason => (!reason::is_unsafe_justified(source, node)).then(|| Hit::at(node.range())),
            Self::IgnoreReason => (!reason::is_ignore_justified(source, node)).then(|| Hit::at(node.range())),
            Self::LockAcrossAwait => {
                let held = lock::guard_across_await(syntax, node)?;
                Some(Hit { detail: Some(held.name), about: held.about, ..Hit::at(node.range()) })
            }
            Self::NoAssertion => (!assertion::can_fail(look.fragile(syntax), node)).then(|| named(node)),
        }
    }
}

/// A hit at the name that is about the whole item.
fn named(node: &Node<'_>) -> Hit {
    Hit { about: node.range(), ..Hit::at(name_or_start(node)) }
}

/// A finding about a function points at its name: the reader knows the rest.
fn name_or_start(node: &Node<'_>) -> Range<usize> {
    node.field("name").map_or_else(|| node.range(), |name| name.range())
}
