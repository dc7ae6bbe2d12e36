//! Calls of functions that a rule names by their whole path, whatever the file calls them.
//!
//! ```text
//! std::thread::sleep              the function
//! std::fs::*                      every function right below
//! std::process::Command::new().output    a method of what the function gave, further calls between them or not
//! ```

use crate::review::source::{Node, Syntax, path_text};

/// A function, or a method of what it gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Callee {
    path: String,
    /// The last method of a chain that begins with the function.
    method: Option<String>,
}

/// A chain of more calls than this is not followed to its begin.
const CHAIN: usize = 40;

impl Callee {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (path, method) = match text.split_once("().") {
            Some((path, method)) => (path, Some(method.to_owned())),
            None => (text, None),
        };
        if path.contains("::") {
            Ok(Self { path: path.to_owned(), method })
        } else {
            Err(format!("`{text}` is not the path of a function"))
        }
    }

    fn is(&self, path: &str) -> bool {
        match self.path.strip_suffix('*') {
            Some(module) => path.strip_prefix(module).is_some_and(|name| !name.contains("::")),
            None => path == self.path,
        }
    }
}

/// The bytes of the name that is called, if the call is one of these.
pub(super) fn called(syntax: &Syntax, call: &Node<'_>, callees: &[Callee]) -> Option<std::ops::Range<usize>> {
    let function = call.field("function")?;
    if let Some(path) = path_of(&function) {
        let plain: Vec<&Callee> = callees.iter().filter(|callee| callee.method.is_none()).collect();
        return means(syntax, call, &path, &plain).then(|| function.range());
    }
    let field = function.field("field")?;
    let method = field.text();
    let callees: Vec<&Callee> =
        callees.iter().filter(|callee| callee.method.as_deref() == Some(&*method)).collect();
    if callees.is_empty() {
        return None;
    }
    let path = begin_of(&function.field("value")?)?;
    means(syntax, call, &path, &callees).then(|| field.range())
}

/// Whether a path means one of these, and nothing says that it may mean something else.
fn means(syntax: &Syntax, call: &Node<'_>, path: &str, callees: &[&Callee]) -> bool {
    if callees.is_empty() {
        return false;
    }
    let meanings = syntax.imports().resolve(call, path);
    let fits = |path: &str| callees.iter().any(|callee| callee.is(path));
    meanings.iter().any(|meaning| fits(&meaning.path))
        && meanings.iter().all(|meaning| !meaning.is_sure || fits(&meaning.path))
}

fn path_of(function: &Node<'_>) -> Option<String> {
    match &*function.kind() {
        "identifier" | "scoped_identifier" => Some(path_text(function)),
        "generic_function" => path_of(&function.field("function")?),
        _ => None,
    }
}

/// The path of the function that a chain of calls begins with, also where the chain goes on from a variable.
fn begin_of(receiver: &Node<'_>) -> Option<String> {
    let mut node = receiver.clone();
    for _ in 0..CHAIN {
        node = match &*node.kind() {
            "call_expression" => {
                let function = node.field("function")?;
                if let Some(path) = path_of(&function) {
                    return Some(path);
                }
                function.field("value")?
            }
            "parenthesized_expression" | "try_expression" => node.named_children().next()?,
            "reference_expression" => node.field("value")?,
            "identifier" => value_of(&node)?,
            _ => return None,
        };
    }
    None
}

/// The value that the nearest `let` above gives a variable.
fn value_of<'r>(variable: &Node<'r>) -> Option<Node<'r>> {
    let name = variable.text();
    for around in variable.ancestors() {
        if around.kind() == "function_item" {
            return None;
        }
        let declared = around.prev_all().find(|before| {
            let pattern = (before.kind() == "let_declaration").then(|| before.field("pattern")).flatten();
            pattern.is_some_and(|pattern| pattern.text().trim_start_matches("mut ").trim() == name)
        });
        if let Some(declared) = declared {
            return declared.field("value").filter(|value| value.kind() != "identifier");
        }
    }
    None
}
