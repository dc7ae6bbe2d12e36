//! Whether an `await` comes while a guard lives.

use std::ops::Range;

use crate::review::source::{Node, Syntax};

/// What a piece of code does to a guard that lives when it begins. In the order in which two ways through it weigh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    /// It lives on.
    Alive,
    /// It was given away, or may have been.
    Gone,
    /// It lives, but this way leads out: by a `return`, `break` or `continue`.
    Left,
    /// It lived while something was awaited; the end of that.
    Held(usize),
}

/// Where the `await` ends that follows a `let` in its block while the guard lives.
pub(super) fn behind(syntax: &Syntax, place: &Node<'_>, name: Option<&str>) -> Option<usize> {
    for statement in place.next_all() {
        match Scan::new(syntax, name).flow(&statement) {
            Flow::Alive => {}
            Flow::Held(end) => return Some(end),
            Flow::Gone | Flow::Left => return None,
        }
    }
    None
}

/// Where the `await` in a body ends that comes while the guard lives.
pub(super) fn within(syntax: &Syntax, body: &Node<'_>, name: Option<&str>) -> Option<usize> {
    match Scan::new(syntax, name).flow(body) {
        Flow::Held(end) => Some(end),
        _ => None,
    }
}

/// Where the first `await` of the scope's own future ends that is over within these bytes.
pub(super) fn awaited(syntax: &Syntax, scope: &Node<'_>, bytes: Range<usize>) -> Option<usize> {
    let mut skip_to = 0;
    for node in scope.dfs() {
        let range = node.range();
        if range.start < skip_to {
            continue;
        }
        if syntax.is_boundary(&node) && range != scope.range() {
            skip_to = range.end;
        } else if node.kind() == "await_expression" && range.end > bytes.start && range.end <= bytes.end {
            return Some(range.end);
        }
    }
    None
}

/// Expressions that nest deeper than this are not looked into: nobody writes them, and each level is one of the stack.
const DEPTH: usize = 250;

struct Scan<'s> {
    syntax: &'s Syntax,
    name: Option<&'s str>,
    depth: usize,
}

impl<'s> Scan<'s> {
    const fn new(syntax: &'s Syntax, name: Option<&'s str>) -> Self {
        Self { syntax, name, depth: 0 }
    }

    fn flow(&mut self, node: &Node<'_>) -> Flow {
        if self.depth >= DEPTH {
            return Flow::Alive;
        }
        self.depth += 1;
        let flow = self.flow_of(node);
        self.depth -= 1;
        flow
    }

    fn flow_of(&mut self, node: &Node<'_>) -> Flow {
        if self.syntax.is_boundary(node) {
            // Who moves the guard into a closure or another future has given it away.
            let text = node.text();
            let moves = text.starts_with("move") || text.starts_with("async move");
            return if moves && self.mentions(node) { Flow::Gone } else { Flow::Alive };
        }
        match &*node.kind() {
            "if_expression" => self.branches(node),
            "match_expression" => self.arms(node),
            "while_expression" | "for_expression" | "loop_expression" => match self.in_order(node) {
                held @ Flow::Held(_) => held,
                // A `break` leads out of the loop, and whether it came before or behind the drop is not followed.
                _ if node.dfs().any(|inner| self.gives_away(&inner)) => Flow::Gone,
                _ => Flow::Alive,
            },
            kind => match (kind, self.in_order(node)) {
                (
                    "return_expression" | "break_expression" | "continue_expression",
                    Flow::Alive | Flow::Gone,
                ) => Flow::Left,
                ("await_expression", Flow::Alive) => Flow::Held(node.range().end),
                (_, Flow::Alive) if self.gives_away(node) => Flow::Gone,
                (_, flow) => flow,
            },
        }
    }

    /// Children one after the other, which is near enough to the order in which they run.
    fn in_order(&mut self, node: &Node<'_>) -> Flow {
        let mut so_far = Flow::Alive;
        for child in node.children() {
            match (so_far, self.flow(&child)) {
                (_, Flow::Left) => return Flow::Left,
                (Flow::Alive, held @ Flow::Held(_)) => return held,
                (Flow::Alive, flow) => so_far = flow,
                _ => {}
            }
        }
        so_far
    }

    fn branches(&mut self, node: &Node<'_>) -> Flow {
        match node.field("condition").map_or(Flow::Alive, |condition| self.flow(&condition)) {
            Flow::Alive => {}
            other => return other,
        }
        let mut way = |field| node.field(field).map_or(Flow::Alive, |way| self.flow(&way));
        joined(&[way("consequence"), way("alternative")])
    }

    fn arms(&mut self, node: &Node<'_>) -> Flow {
        match node.field("value").map_or(Flow::Alive, |value| self.flow(&value)) {
            Flow::Alive => {}
            other => return other,
        }
        let Some(body) = node.field("body") else { return Flow::Alive };
        let ways: Vec<Flow> = body.named_children().map(|arm| self.flow(&arm)).collect();
        joined(&ways)
    }

    /// Whether this gives the guard itself, no reference to it, to somebody else.
    fn gives_away(&self, node: &Node<'_>) -> bool {
        match &*node.kind() {
            "call_expression" => self.takes(node.field("arguments")),
            "struct_expression" => self.takes(node.field("body")),
            "let_declaration" => self.is_it(node.field("value")),
            "assignment_expression" => self.is_it(node.field("left")) || self.is_it(node.field("right")),
            _ => false,
        }
    }

    /// Whether the guard itself is among the arguments or fields.
    fn takes(&self, list: Option<Node<'_>>) -> bool {
        let Some(list) = list else { return false };
        list.named_children().any(|child| match &*child.kind() {
            "field_initializer" => self.is_it(child.field("value")),
            "shorthand_field_initializer" => self.is_it(child.child(0)),
            "tuple_expression" | "array_expression" => {
                child.named_children().any(|part| self.is_it(Some(part)))
            }
            _ => self.is_it(Some(child)),
        })
    }

    fn is_it(&self, node: Option<Node<'_>>) -> bool {
        node.is_some_and(|node| {
            node.kind() == "identifier" && self.name.is_some_and(|name| node.text() == name)
        })
    }

    fn mentions(&self, node: &Node<'_>) -> bool {
        node.dfs().any(|inner| self.is_it(Some(inner)))
    }
}

/// One of several ways is gone. Who awaits on one of them is found; where the guard may be gone behind them, nothing is said.
fn joined(ways: &[Flow]) -> Flow {
    if let Some(held) = ways.iter().find(|way| matches!(way, Flow::Held(_))) {
        return *held;
    }
    if ways.contains(&Flow::Gone) {
        return Flow::Gone;
    }
    if !ways.is_empty() && ways.iter().all(|way| *way == Flow::Left) { Flow::Left } else { Flow::Alive }
}
