//! Guards of blocking locks that live until after an `await`.

use crate::review::source::{Node, Syntax};

/// Endings of a value that is surely a guard of `std::sync`: only those locks return a `Result` at once. A
/// guard of an async lock is awaited, and a `parking_lot` call cannot be told from an async one without types.
const GUARDS: [&str; 3] = [".lock()", ".read()", ".write()"];

/// The name of the guard, when `declaration` binds one inside a future and an `await` follows in its scope.
pub(super) fn guard_across_await(syntax: &Syntax, declaration: &Node<'_>) -> Option<String> {
    let name = declaration
        .field("pattern")
        .filter(|pattern| matches!(&*pattern.kind(), "identifier" | "mut_pattern"))?;
    let name = name.text();
    let name = name.trim_start_matches("mut ").trim();
    let value = declaration.field("value")?;
    if !is_guard(&value.text()) || !syntax.is_async(declaration) {
        return None;
    }
    for statement in declaration.next_all() {
        if is_given_away(&statement.text(), name) {
            return None;
        }
        if awaits(syntax, &statement) {
            return Some(name.to_owned());
        }
    }
    None
}

fn is_guard(value: &str) -> bool {
    let value: String = value.split_whitespace().collect();
    let unwrapped = value.strip_suffix(".unwrap()").or_else(|| {
        let before = value.rfind(".expect(").filter(|_| value.ends_with(')'))?;
        Some(&value[..before])
    });
    unwrapped.is_some_and(|locked| GUARDS.iter().any(|guard| locked.ends_with(guard)))
        || value.ends_with(".unwrap_or_else(PoisonError::into_inner)")
}

/// `drop(guard)`, and calls that take the guard by value, like a condition variable's `wait(guard)`.
fn is_given_away(statement: &str, name: &str) -> bool {
    let statement: String = statement.split_whitespace().collect();
    [format!("({name})"), format!("({name},"), format!(",{name})")]
        .iter()
        .any(|taken| statement.contains(taken.as_str()))
}

/// Whether the statement awaits in its own future. A branch that ends with `drop` inside is rare enough.
fn awaits(syntax: &Syntax, statement: &Node<'_>) -> bool {
    let mut skip_to = 0;
    for node in statement.dfs() {
        let range = node.range();
        if range.start < skip_to {
            continue;
        }
        if syntax.is_boundary(&node) {
            skip_to = range.end;
        } else if node.kind() == "await_expression" {
            return true;
        }
    }
    false
}
