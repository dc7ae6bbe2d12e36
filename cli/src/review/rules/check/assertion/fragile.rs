//! Which functions of a file may fail.

use std::collections::{HashMap, HashSet};

use crate::review::source::Node;

/// Macros that fail for nobody.
const CALM_MACROS: [&str; 20] = [
    "println",
    "eprintln",
    "print",
    "eprint",
    "vec",
    "format",
    "dbg",
    "format_args",
    "concat",
    "stringify",
    "line",
    "file",
    "column",
    "cfg",
    "matches",
    "info",
    "debug",
    "trace",
    "warn",
    "include_str",
];

/// Functions that fail for nobody.
const CALM_FUNCTIONS: [&str; 22] = [
    "drop",
    "size_of",
    "size_of_val",
    "align_of",
    "align_of_val",
    "type_name",
    "type_name_of_val",
    "black_box",
    "identity",
    "default",
    "Vec::new",
    "String::new",
    "HashMap::new",
    "BTreeMap::new",
    "HashSet::new",
    "BTreeSet::new",
    "String::from",
    "Vec::from",
    "Box::new",
    "Rc::new",
    "Arc::new",
    "Default::default",
];

/// Methods that fail for nobody, whoever has them.
const CALM_METHODS: [&str; 52] = [
    "clone",
    "to_string",
    "to_owned",
    "into",
    "as_ref",
    "as_mut",
    "as_str",
    "as_bytes",
    "as_slice",
    "len",
    "is_empty",
    "iter",
    "iter_mut",
    "into_iter",
    "map",
    "filter",
    "enumerate",
    "zip",
    "rev",
    "chain",
    "skip",
    "take",
    "collect",
    "cloned",
    "copied",
    "count",
    "sum",
    "min",
    "max",
    "push",
    "push_str",
    "extend",
    "clear",
    "contains",
    "get",
    "chars",
    "bytes",
    "lines",
    "trim",
    "split",
    "join",
    "eq",
    "ne",
    "cmp",
    "is_some",
    "is_none",
    "is_ok",
    "is_err",
    "unwrap_or",
    "unwrap_or_default",
    "ok",
    "err",
];

/// What a function of this name does is to fail if something does not hold, whether its body shows it or not.
const ASSERTING: [&str; 9] =
    ["assert", "check", "expect", "verify", "ensure", "require", "must", "should", "validate"];

/// Names of functions and methods of one file, and which of them may fail.
#[derive(Debug, Default)]
pub(crate) struct Fragile {
    defined: HashSet<String>,
    may_fail: HashSet<String>,
}

impl Fragile {
    /// Looks into every function of a file. Functions of one name are one, whoever has them.
    pub(crate) fn of(root: &Node<'_>) -> Self {
        let functions: Vec<(String, Node<'_>)> = root
            .dfs()
            .filter(|node| node.kind() == "function_item")
            .filter_map(|function| Some((function.field("name")?.text().into_owned(), function)))
            .collect();
        let mut fragile = Self {
            defined: functions.iter().map(|(name, _)| name.clone()).collect(),
            may_fail: HashSet::new(),
        };
        let mut callers: HashMap<String, Vec<String>> = HashMap::new();
        let mut spread: Vec<String> = Vec::new();
        for (name, function) in &functions {
            let Some(body) = function.field("body") else { continue };
            // One without a body is there for its bounds, and those the compiler looks at.
            let is_empty = !body.named_children().any(|child| !child.kind().ends_with("comment"));
            if is_empty
                || is_asserting(name)
                || fragile.holds(&body, |called| {
                    callers.entry(called.to_owned()).or_default().push(name.clone());
                    false
                })
            {
                spread.push(name.clone());
            }
        }
        while let Some(name) = spread.pop() {
            if fragile.may_fail.insert(name.clone()) {
                spread.extend(callers.remove(&name).unwrap_or_default());
            }
        }
        fragile
    }

    /// Whether anything in a body may fail.
    pub(super) fn body(&self, body: &Node<'_>) -> bool {
        self.holds(body, |called| self.may_fail.contains(called))
    }

    /// Whether anything in a body may fail; `own` says so of a function of this file.
    fn holds(&self, body: &Node<'_>, mut own: impl FnMut(&str) -> bool) -> bool {
        let mut found = false;
        for node in body.dfs() {
            // It goes on after a find, so that every call of an own function is heard of.
            found |= match &*node.kind() {
                "call_expression" => {
                    node.field("function").is_none_or(|function| self.call(&function, &mut own))
                }
                "macro_invocation" => self.macro_call(&node, &mut own),
                // What can panic, and what is there to see whether it compiles.
                "try_expression" | "index_expression" | "unsafe_block" | "loop_expression" => true,
                "function_item" | "impl_item" | "enum_item" | "struct_item" | "attribute_item" => true,
                "generic_function" => node.parent().is_some_and(|call| call.kind() == "call_expression"),
                _ => false,
            };
        }
        found
    }

    fn call(&self, function: &Node<'_>, own: &mut impl FnMut(&str) -> bool) -> bool {
        match &*function.kind() {
            "field_expression" => {
                function.field("field").is_none_or(|name| self.name(&name.text(), &CALM_METHODS, own))
            }
            "identifier" | "scoped_identifier" => self.name(&function.text(), &CALM_FUNCTIONS, own),
            "generic_function" => function.field("function").is_none_or(|function| self.call(&function, own)),
            _ => true,
        }
    }

    fn name(&self, path: &str, calm: &[&str], own: &mut impl FnMut(&str) -> bool) -> bool {
        let last = path.rsplit("::").next().unwrap_or(path);
        if is_asserting(last) {
            return true;
        }
        if self.defined.contains(last) {
            return own(last);
        }
        let is_calm_sum = ["wrapping_", "saturating_", "checked_", "overflowing_"]
            .iter()
            .any(|kind| last.starts_with(kind));
        let is_value = last.starts_with(char::is_uppercase);
        let is_calm = calm.iter().any(|name| *name == last || (name.contains("::") && path.ends_with(name)));
        !is_value && !is_calm && !is_calm_sum
    }

    /// A macro's arguments are tokens, so what is called in them is told by its bracket.
    fn macro_call(&self, node: &Node<'_>, own: &mut impl FnMut(&str) -> bool) -> bool {
        let Some(name) = node.field("macro") else { return true };
        let name = name.text();
        if !CALM_MACROS.contains(&name.rsplit("::").next().unwrap_or(&name)) {
            return true;
        }
        let Some(tokens) = node.children().find(|child| child.kind() == "token_tree") else { return true };
        let (mut before, mut is_method, mut found) = (None, false, false);
        for token in tokens.dfs() {
            match &*token.kind() {
                "identifier" => before = Some(token.text().into_owned()),
                "." => is_method = true,
                "!" if before.is_some() => return true,
                "?" => return true,
                "token_tree" if token.text().starts_with('(') => {
                    let calm: &[&str] = if is_method { &CALM_METHODS } else { &CALM_FUNCTIONS };
                    found |= before.take().is_some_and(|called: String| self.name(&called, calm, own));
                    is_method = false;
                }
                "token_tree" | "," | ";" => (before, is_method) = (None, false),
                _ => {}
            }
        }
        found
    }
}

fn is_asserting(name: &str) -> bool {
    let name = name.trim_start_matches('_');
    ASSERTING.iter().any(|word| name.starts_with(word) || name.contains(&format!("_{word}")))
}
