//! Whether a test can fail.

use crate::review::source::Node;

/// Words in a test's body that mean something may fail in it, or that a tool outside of it looks on.
const MAY_FAIL: [&str; 24] = [
    "assert",
    "panic",
    "unwrap",
    "expect",
    "unreachable",
    "?",
    "check",
    "verify",
    "test",
    "must",
    "should",
    "snapshot",
    "prop",
    "compile",
    "ensure",
    "bail",
    "unimplemented",
    "todo",
    "exit",
    "spec",
    "loom",
    "model",
    "miri",
    "matches",
];

/// Whether the function can fail when it is a test. Functions that are no test can, and so does every test that
/// calls a function or macro we cannot see into: the assertion may be in there.
pub(super) fn can_fail(function: &Node<'_>) -> bool {
    let is_test = attributes(function).iter().any(|attribute| {
        let path = attribute.trim_start_matches("#[").split(['(', ']', ' ']).next().unwrap_or("");
        path == "test" || path.ends_with("::test")
    });
    let should_panic = attributes(function).iter().any(|attribute| attribute.contains("should_panic"));
    if !is_test || should_panic {
        return true;
    }
    let Some(body) = function.field("body") else { return true };
    let text = body.text();
    // An empty test stands for "it compiles", often on one platform only.
    let empty = !body.named_children().any(|statement| !statement.kind().ends_with("comment"));
    empty || MAY_FAIL.iter().any(|word| text.contains(word)) || body.dfs().any(|node| hides_something(&node))
}

/// A call that may hold the assertion: a plain function, a macro, an operation that can panic, a returned value,
/// or an item that the compiler checks.
fn hides_something(node: &Node<'_>) -> bool {
    match &*node.kind() {
        "call_expression" => node.field("function").is_some_and(|function| {
            let text = function.text();
            let last = text.rsplit("::").next().unwrap_or(&text);
            let lower = last.starts_with(|first: char| first.is_lowercase() || first == '_');
            function.kind() != "field_expression" && lower && last != "drop"
        }),
        "macro_invocation" => node.field("macro").is_some_and(|name| {
            !matches!(&*name.text(), "println" | "eprintln" | "print" | "vec" | "format" | "dbg")
        }),
        "index_expression" | "unsafe_block" | "type_arguments" | "loop_expression" => true,
        // Items in a body are there to see whether they compile.
        "function_item" | "impl_item" | "enum_item" | "struct_item" | "attribute_item" => true,
        _ => false,
    }
}

fn attributes(item: &Node<'_>) -> Vec<String> {
    // Comments may stand between attributes; anything else ends them.
    item.prev_all()
        .take_while(|node| matches!(&*node.kind(), "attribute_item" | "line_comment" | "block_comment"))
        .filter(|node| node.kind() == "attribute_item")
        .map(|node| node.text().into_owned())
        .collect()
}
