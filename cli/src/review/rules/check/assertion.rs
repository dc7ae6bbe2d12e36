//! Whether a test can fail.
//!
//! It can where anything in it may: a macro that is known for nothing else, a `?`, an index, or a call of something that may.
//! What the file defines is looked into, function by function; what it does not define may do anything, so a test that calls
//! it is not spoken of. That leaves the tests of which one can be sure.

mod fragile;

pub(crate) use self::fragile::Fragile;

use crate::review::source::Node;

/// How words begin, in a test's name or comments, by which its author says that running to the end is the point.
const POINTS: [&str; 12] = [
    "panic",
    "compile",
    "compiling",
    "crash",
    "smoke",
    "overflow",
    "leak",
    "miri",
    "hang",
    "deadlock",
    "terminate",
    "builds",
];

/// Whether the function can fail when it is a test. Functions that are no test can.
pub(super) fn can_fail(fragile: &Fragile, function: &Node<'_>) -> bool {
    let attributes = attributes(function);
    let is_test = attributes.iter().any(|attribute| {
        let path = attribute.trim_start_matches("#[").split(['(', ']', ' ']).next().unwrap_or("");
        path == "test" || path.ends_with("::test")
    });
    if !is_test || attributes.iter().any(|attribute| attribute.contains("should_panic")) {
        return true;
    }
    let Some(body) = function.field("body") else { return true };
    // An empty test stands for "it compiles", often on one platform only.
    let is_empty = !body.named_children().any(|statement| !statement.kind().ends_with("comment"));
    // Whoever runs it looks at what it returns.
    let returns = function.field("return_type").is_some_and(|result| result.text() != "()");
    is_empty || returns || says_its_point(function) || fragile.body(&body)
}

fn says_its_point(function: &Node<'_>) -> bool {
    let says = |text: &str| {
        let text = text.to_lowercase();
        let mut words = text.split(|letter: char| !letter.is_alphabetic());
        words.any(|word| POINTS.iter().any(|point| word.starts_with(point)))
    };
    let name = function.field("name");
    let inside = function.dfs().filter(|node| node.kind().ends_with("comment"));
    let above =
        function.prev_all().take_while(|node| is_above(node)).filter(|node| node.kind().ends_with("comment"));
    name.is_some_and(|name| says(&name.text())) || inside.chain(above).any(|comment| says(&comment.text()))
}

fn is_above(node: &Node<'_>) -> bool {
    matches!(&*node.kind(), "attribute_item" | "line_comment" | "block_comment")
}

fn attributes(item: &Node<'_>) -> Vec<String> {
    // Comments may stand between attributes; anything else ends them.
    item.prev_all()
        .take_while(is_above)
        .filter(|node| node.kind() == "attribute_item")
        .map(|node| node.text().into_owned())
        .collect()
}
