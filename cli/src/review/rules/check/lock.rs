//! Guards of blocking locks that live while a future waits.
//!
//! A lock is a call whose `Result` is looked at at once: only the locks of `std::sync` give one. A guard of an async lock is
//! awaited, and one of `parking_lot` cannot be told from it without types. How long the guard lives is the language's rule:
//!
//! ```text
//! let guard = m.lock().unwrap();              to the end of the block, or until it is given away
//! let n = m.lock().unwrap().len();            gone at the end of the statement
//! let all = &m.lock().unwrap().list;          a reference to a part keeps it to the end of the block
//! match m.lock().unwrap().next() { .. }       to the end of the `match`; likewise `if let`, `while let` and `for`
//! if m.lock().unwrap().is_empty() { .. }      gone before the block
//! send(m.lock().unwrap().clone()).await       held: the statement ends behind its `await`
//! ```
//!
//! Where the editions of the language differ, the shorter life counts.

mod keep;
mod life;

use std::ops::Range;

use self::keep::{Kept, kept};
use crate::review::source::{Node, Syntax};

/// A guard that is held across an `await`.
pub(super) struct Held {
    /// What the report calls it.
    pub(super) name: String,
    /// Bytes from the lock to the end of the `await`.
    pub(super) about: Range<usize>,
}

/// Methods that lock.
const LOCKS: [&str; 3] = ["lock", "read", "write"];

/// The guard that `call` takes, if it is one of a blocking lock and an `await` follows while it lives.
pub(super) fn guard_across_await(syntax: &Syntax, call: &Node<'_>) -> Option<Held> {
    let (method, _) = method(call)?;
    if !LOCKS.contains(&&*method) || has_arguments(call) || !syntax.is_async(call) {
        return None;
    }
    let (guard, is_whole) = unwrapped(call.clone());
    let (name, end) = match kept(&guard, is_whole)? {
        Kept::Bound { place, name } => {
            let end = life::behind(syntax, &place, name.as_deref())?;
            (name.map_or_else(temporary, |name| format!("`{name}`")), end)
        }
        Kept::Within { body, name } => {
            let end = life::within(syntax, &body, name.as_deref())?;
            (name.map_or_else(temporary, |name| format!("`{name}`")), end)
        }
        Kept::Until { scope, end } => (temporary(), life::awaited(syntax, &scope, guard.range().end..end)?),
    };
    Some(Held { name, about: call.range().start..end })
}

fn temporary() -> String {
    "The lock that is taken here, in the middle of a statement,".to_owned()
}

/// The name and the receiver of a method call.
fn method<'r>(call: &Node<'r>) -> Option<(String, Node<'r>)> {
    let function = call.field("function").filter(|function| function.kind() == "field_expression")?;
    Some((function.field("field")?.text().into_owned(), function.field("value")?))
}

fn has_arguments(call: &Node<'_>) -> bool {
    call.field("arguments")
        .is_some_and(|list| list.named_children().any(|child| !child.kind().ends_with("comment")))
}

/// Climbs over what takes the guard out of the lock's `Result`, and says whether anything did.
fn unwrapped(lock: Node<'_>) -> (Node<'_>, bool) {
    let (mut node, mut result) = (lock, true);
    while let Some(parent) = node.parent() {
        let kind = parent.kind();
        if kind == "parenthesized_expression" {
            node = parent;
            continue;
        }
        if kind == "match_expression" && result && gives_guard(&parent, &node) {
            return (parent, true);
        }
        // `?` alone may be of any lock that can fail; behind `map_err` and `ok` it is of one that gives a `Result` at once.
        if kind == "try_expression" && result && method(&node).is_some_and(|(name, _)| is_halfway(&name)) {
            return (parent, true);
        }
        let call =
            parent.parent().filter(|call| kind == "field_expression" && call.kind() == "call_expression");
        let Some((call, (name, _))) = call.and_then(|call| Some((call.clone(), method(&call)?))) else {
            break;
        };
        match &*name {
            _ if !result => break,
            name if is_halfway(name) => {}
            "unwrap" | "expect" | "unwrap_or_else" | "unwrap_unchecked" => result = false,
            _ => break,
        }
        node = call;
    }
    (node, !result)
}

/// Methods that make another `Result` or `Option` of the guard.
fn is_halfway(name: &str) -> bool {
    matches!(name, "map_err" | "ok" | "or_else")
}

/// `match m.lock() { Ok(guard) => guard, .. }` is another way to write `unwrap_or_else`.
fn gives_guard(matched: &Node<'_>, lock: &Node<'_>) -> bool {
    let is_value = matched.field("value").is_some_and(|value| value.range() == lock.range());
    let arms = matched.field("body").into_iter().flat_map(|body| body.named_children().collect::<Vec<_>>());
    is_value
        && arms.filter(|arm| arm.kind() == "match_arm").any(|arm| {
            let (Some(pattern), Some(value)) = (arm.field("pattern"), arm.field("value")) else {
                return false;
            };
            keep::name_in_ok(&pattern.text()).is_some_and(|name| name == value.text())
        })
}
