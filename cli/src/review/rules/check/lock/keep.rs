//! What keeps a guard, and how far that reaches.

use super::method;
use crate::review::source::Node;

/// What keeps a guard.
pub(super) enum Kept<'r> {
    /// A `let`: until the end of its block, or until what is named is given away.
    Bound { place: Node<'r>, name: Option<String> },
    /// A pattern in front of a body: until the body's end, or until what is named is given away.
    Within { body: Node<'r>, name: Option<String> },
    /// Nothing but the statement that it is a part of.
    Until { scope: Node<'r>, end: usize },
}

/// How much of the guard an expression is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Share {
    /// The guard itself, or a value that it was moved into.
    Whole { named: bool },
    /// A place inside of what it guards.
    Part,
    /// A reference to the guard or to a part.
    Borrow,
}

/// What keeps the guard; none if it is moved to where nobody can see. The lock's `Result` is a guard only where a pattern
/// takes it apart: `is_whole` tells it from the guard itself.
pub(super) fn kept<'r>(guard: &Node<'r>, is_whole: bool) -> Option<Kept<'r>> {
    let (mut node, mut share) = (guard.clone(), Share::Whole { named: true });
    loop {
        let parent = node.parent()?;
        share = match (&*parent.kind(), share) {
            ("parenthesized_expression", share) => share,
            ("let_declaration", share) => return of_let(guard, parent, share, is_whole),
            ("let_condition", Share::Whole { named: true }) => return of_condition(guard, &parent, is_whole),
            ("match_expression", Share::Whole { named: true }) if !is_whole => return of_match(&parent),
            _ if !is_whole => return None,
            (
                "tuple_expression" | "field_initializer" | "field_initializer_list" | "struct_expression",
                Share::Whole { .. },
            ) => Share::Whole { named: false },
            (
                "tuple_expression" | "field_initializer" | "field_initializer_list" | "struct_expression",
                Share::Borrow,
            ) => Share::Borrow,
            ("type_cast_expression", Share::Borrow) => Share::Borrow,
            ("reference_expression", _) => Share::Borrow,
            ("unary_expression", Share::Whole { .. } | Share::Part) if parent.text().starts_with('*') => {
                Share::Part
            }
            ("field_expression", Share::Whole { .. } | Share::Part) if !is_method(&parent) => Share::Part,
            ("index_expression", Share::Whole { .. } | Share::Part) if is_first(&parent, &node) => {
                Share::Part
            }
            ("arguments", Share::Whole { .. }) => {
                // Whoever is called has it, and may have let go of it; but for those that give it back.
                let call = parent.parent().filter(|call| gives_back(call))?;
                node = call;
                share = Share::Whole { named: true };
                continue;
            }
            ("return_expression" | "break_expression", Share::Whole { .. }) => return None,
            _ => return Some(of_statement(guard)),
        };
        node = parent;
    }
}

/// The name in `Ok(name)`, if the pattern is that.
pub(super) fn name_in_ok(pattern: &str) -> Option<&str> {
    let inner = pattern.trim().strip_prefix("Ok(")?.strip_suffix(')')?;
    Some(bare(inner)).filter(|name| is_name(name))
}

fn bare(pattern: &str) -> &str {
    pattern.trim().trim_start_matches("mut ").trim()
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|letter| letter.is_alphanumeric() || letter == '_')
}

fn of_let<'r>(guard: &Node<'r>, place: Node<'r>, share: Share, is_whole: bool) -> Option<Kept<'r>> {
    let pattern = place.field("pattern")?.text().into_owned();
    let pattern = pattern.trim();
    if !is_whole {
        let name = name_in_ok(pattern).map(str::to_owned)?;
        return Some(Kept::Bound { place, name: Some(name) });
    }
    // `let _ = ..` keeps nothing, and what is no part of the guard any more does not keep it either.
    match share {
        Share::Part => Some(of_statement(guard)),
        _ if pattern == "_" => Some(of_statement(guard)),
        Share::Whole { named: true } if is_name(bare(pattern)) => {
            Some(Kept::Bound { place, name: Some(bare(pattern).to_owned()) })
        }
        // A tuple's names may go apart: whether the guard is among what is dropped is not followed.
        Share::Whole { .. } if pattern.starts_with('(') => None,
        Share::Whole { .. } | Share::Borrow => Some(Kept::Bound { place, name: None }),
    }
}

/// `if let Ok(guard) = m.lock() { .. }`
fn of_condition<'r>(guard: &Node<'r>, condition: &Node<'r>, is_whole: bool) -> Option<Kept<'r>> {
    let pattern = condition.field("pattern")?.text().into_owned();
    let name =
        if is_whole { Some(bare(&pattern)).filter(|name| is_name(name)) } else { name_in_ok(&pattern) };
    match (name, body_of(condition)) {
        (Some(name), Some(body)) => Some(Kept::Within { body, name: Some(name.to_owned()) }),
        _ if is_whole => Some(of_statement(guard)),
        _ => None,
    }
}

/// `match m.lock() { Ok(guard) => { .. } .. }`
fn of_match<'r>(matched: &Node<'r>) -> Option<Kept<'r>> {
    let arms =
        matched.field("body")?.named_children().filter(|arm| arm.kind() == "match_arm").collect::<Vec<_>>();
    arms.into_iter().find_map(|arm| {
        let name = name_in_ok(&arm.field("pattern")?.text())?.to_owned();
        Some(Kept::Within { body: arm.field("value")?, name: Some(name) })
    })
}

/// The block that runs when a condition's pattern fits.
fn body_of<'r>(condition: &Node<'r>) -> Option<Node<'r>> {
    let around =
        condition.ancestors().find(|node| matches!(&*node.kind(), "if_expression" | "while_expression"))?;
    around.field("consequence").or_else(|| around.field("body"))
}

/// Where a value that nobody keeps is dropped: the scope of temporaries around it.
fn of_statement<'r>(guard: &Node<'r>) -> Kept<'r> {
    let mut node = guard.clone();
    while let Some(parent) = node.parent() {
        let is = |field: &str| parent.field(field).is_some_and(|at| at.range() == node.range());
        match &*parent.kind() {
            "let_condition" if is("value") => {
                if let Some(body) = body_of(&parent) {
                    let end = body.range().end;
                    let scope = body.parent().unwrap_or(body);
                    return Kept::Until { scope, end };
                }
            }
            "if_expression" | "while_expression" if is("condition") => break,
            "binary_expression" if is("right") && is_lazy(&parent) => break,
            "match_arm" | "block" | "match_pattern" | "closure_expression" | "function_item" => break,
            "let_declaration" => {
                // What stands behind `else` runs without the guard.
                let end = parent.field("alternative").map_or(parent.range().end, |other| other.range().start);
                return Kept::Until { scope: parent, end };
            }
            "expression_statement" => {
                let end = parent.range().end;
                return Kept::Until { scope: parent, end };
            }
            _ => {}
        }
        node = parent;
    }
    let end = node.range().end;
    Kept::Until { scope: node, end }
}

fn is_lazy(binary: &Node<'_>) -> bool {
    binary.field("operator").is_some_and(|operator| matches!(&*operator.text(), "&&" | "||"))
}

fn is_method(field: &Node<'_>) -> bool {
    field.parent().is_some_and(|call| {
        call.kind() == "call_expression"
            && call.field("function").is_some_and(|function| function.range() == field.range())
    })
}

fn is_first(index: &Node<'_>, node: &Node<'_>) -> bool {
    index.child(0).is_some_and(|first| first.range() == node.range())
}

/// What is called with a guard and gives it back in another dress.
fn gives_back(call: &Node<'_>) -> bool {
    if method(call).is_some() {
        return false;
    }
    let Some(function) = call.field("function") else { return false };
    let function = function.text();
    matches!(&*function, "Some" | "Ok" | "Box::new") || function.ends_with("Guard::map")
}
