//! How large a function is.

use std::ops::Range;

use crate::review::source::{Node, Source, View};

/// What nests: each of these costs the reader one more condition to keep in mind.
const LEVELS: [&str; 7] = [
    "if_expression",
    "match_expression",
    "for_expression",
    "while_expression",
    "loop_expression",
    "closure_expression",
    "async_block",
];

/// Lines of the body with code on them; none when there is no body. A big `match` reads like a table, so its
/// arms cost nothing for their first line.
pub(super) fn code_lines(source: &Source, function: &Node<'_>) -> Option<u32> {
    let body = function.field("body")?;
    let code = source.view(View::Code)?;
    let lines = code[body.range()].lines().filter(|line| !line.trim().is_empty()).count();
    let table: usize = body
        .dfs()
        .filter(|node| node.kind() == "match_block")
        .map(|block| block.named_children().count())
        .max()
        .unwrap_or(0);
    u32::try_from(lines.saturating_sub(table)).ok()
}

/// The deepest nesting of branches, loops and closures in the body, and where it is. An `else if` is no level of its own.
pub(super) fn nesting(function: &Node<'_>) -> Option<(u32, Range<usize>)> {
    let body = function.field("body")?;
    let mut open: Vec<usize> = Vec::new();
    let mut deepest = (0, body.range());
    let mut last_else = usize::MAX;
    for node in body.dfs() {
        let range = node.range();
        while open.last().is_some_and(|end| *end <= range.start) {
            open.pop();
        }
        let kind = node.kind();
        if kind == "else_clause" {
            last_else = node.child(1).map_or(usize::MAX, |next| next.range().start);
        } else if LEVELS.contains(&&*kind) && !(kind == "if_expression" && range.start == last_else) {
            open.push(range.end);
            if open.len() > deepest.0 {
                deepest = (open.len(), range);
            }
        } else if kind == "function_item" {
            // A function inside is measured on its own; its levels are no levels of this one.
            open.clear();
        }
    }
    let (levels, place) = deepest;
    Some((u32::try_from(levels).unwrap_or(u32::MAX), place))
}

/// Number of parameters, without `self`.
pub(super) fn parameters(function: &Node<'_>) -> u32 {
    let count = function
        .field("parameters")
        .map_or(0, |list| list.named_children().filter(|child| child.kind() == "parameter").count());
    u32::try_from(count).unwrap_or(u32::MAX)
}
