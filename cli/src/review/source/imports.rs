//! Where the names of a Rust file come from.
//!
//! A name holds in the block or module that declares it. A module sees nothing of the one around it but by `use super::*`, and
//! a block sees all that is around it up to its module.

use std::ops::Range;

use super::Node;

/// `use` declarations and items of one file.
#[derive(Debug, Default)]
pub struct Imports {
    names: Vec<Name>,
}

#[derive(Debug)]
struct Name {
    /// Where it holds: the block or module that declares it.
    scope: Range<usize>,
    /// None for `*`.
    name: Option<String>,
    path: String,
}

/// Names that stand for a path by themselves, wherever they are written.
const ROOTS: [&str; 6] = ["std", "core", "alloc", "crate", "self", "super"];

/// How often a name may stand for another that was imported: `use std::fs; use fs::File;`.
const STEPS: usize = 4;

impl Imports {
    /// Reads the declarations of a tree.
    pub(super) fn of(root: &Node<'_>) -> Self {
        let mut imports = Self::default();
        for node in root.dfs() {
            let kind = node.kind();
            if kind == "use_declaration" {
                if let (Some(scope), Some(argument)) = (node.parent(), node.field("argument")) {
                    imports.take(&scope.range(), &argument, "");
                }
            } else if matches!(
                &*kind,
                "mod_item"
                    | "function_item"
                    | "struct_item"
                    | "enum_item"
                    | "type_item"
                    | "trait_item"
                    | "union_item"
            ) && let (Some(scope), Some(name)) = (node.parent(), node.field("name"))
            {
                // A method is not a name of its own.
                let is_method = scope
                    .parent()
                    .is_some_and(|around| matches!(&*around.kind(), "impl_item" | "trait_item"));
                if !is_method {
                    let name = name.text().into_owned();
                    let path = format!("self::{name}");
                    imports.names.push(Name { scope: scope.range(), name: Some(name), path });
                }
            }
        }
        imports
    }

    fn take(&mut self, scope: &Range<usize>, tree: &Node<'_>, prefix: &str) {
        let path_in = |node: &Node<'_>| join(prefix, &path_text(node));
        let mut push = |name: Option<String>, path: String| {
            self.names.push(Name { scope: scope.clone(), name, path });
        };
        match &*tree.kind() {
            "use_as_clause" => {
                if let (Some(path), Some(alias)) = (tree.field("path"), tree.field("alias")) {
                    push(Some(alias.text().into_owned()), path_in(&path));
                }
            }
            "use_list" => {
                for child in tree.named_children() {
                    self.take(scope, &child, prefix);
                }
            }
            "scoped_use_list" => {
                let prefix = tree.field("path").map_or_else(|| prefix.to_owned(), |path| path_in(&path));
                if let Some(list) = tree.field("list") {
                    self.take(scope, &list, &prefix);
                }
            }
            "use_wildcard" => {
                let path =
                    tree.named_children().next().map_or_else(|| prefix.to_owned(), |path| path_in(&path));
                push(None, path);
            }
            kind if kind.ends_with("comment") => {}
            _ => {
                let path = path_in(tree);
                push(path.rsplit("::").next().map(str::to_owned), path);
            }
        }
    }

    /// What a path may stand for where the node is: one path as a rule, more where declarations differ by condition or a `*`
    /// may bring the name in, none where nothing says what its first name is.
    #[must_use]
    pub fn resolve(&self, node: &Node<'_>, path: &str) -> Vec<Meaning> {
        let scopes = scopes(node);
        self.meanings(&scopes, path.trim_start_matches("::"), STEPS)
    }

    fn meanings(&self, scopes: &[Scope], path: &str, steps: usize) -> Vec<Meaning> {
        let (first, rest) = path.split_once("::").map_or((path, ""), |(first, rest)| (first, rest));
        if ROOTS.contains(&first) || steps == 0 {
            return vec![Meaning { path: path.to_owned(), is_sure: true }];
        }
        for (number, scope) in scopes.iter().enumerate() {
            let here = || self.names.iter().filter(|name| name.scope == scope.range);
            let named: Vec<String> = here()
                .filter(|name| name.name.as_deref() == Some(first))
                .map(|name| join(&name.path, rest))
                .collect();
            if !named.is_empty() {
                // An imported path begins with an imported name or with a crate's; a name that stands for itself is the latter.
                let meanings = named.into_iter().flat_map(|found| {
                    let begins_anew = found.split("::").next() != Some(first);
                    let further = if begins_anew {
                        self.meanings(&scopes[number..], &found, steps - 1)
                    } else {
                        Vec::new()
                    };
                    // Where nothing more is said of it, the path that was imported is the one.
                    let is_more = further.iter().any(|meaning| meaning.is_sure);
                    if is_more { further } else { vec![Meaning { path: found, is_sure: true }] }
                });
                return meanings.collect();
            }
            let globs: Vec<&str> =
                here().filter(|name| name.name.is_none()).map(|name| &*name.path).collect();
            let sees_out = globs.contains(&"super");
            if scope.is_module && !sees_out {
                break;
            }
        }
        let globs = scopes.iter().flat_map(|scope| {
            self.names.iter().filter(|name| name.scope == scope.range && name.name.is_none())
        });
        let mut meanings: Vec<Meaning> =
            globs.map(|glob| Meaning { path: join(&glob.path, path), is_sure: false }).collect();
        if !rest.is_empty() {
            // The first name may be a crate's.
            meanings.push(Meaning { path: path.to_owned(), is_sure: false });
        }
        meanings
    }
}

/// What a path may stand for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meaning {
    /// The path from a crate on, or from `self`.
    pub path: String,
    /// Whether a declaration says so.
    pub is_sure: bool,
}

struct Scope {
    range: Range<usize>,
    is_module: bool,
}

/// Blocks and modules around a node, the innermost first.
fn scopes(node: &Node<'_>) -> Vec<Scope> {
    let scope = |around: Node<'_>| {
        let is_module = match &*around.kind() {
            "source_file" => true,
            "declaration_list" => around.parent().is_some_and(|owner| owner.kind() == "mod_item"),
            "block" => false,
            _ => return None,
        };
        Some(Scope { range: around.range(), is_module })
    };
    node.ancestors().filter_map(scope).collect()
}

/// A path as it is written, without white space, comments and type arguments.
pub(crate) fn path_text(path: &Node<'_>) -> String {
    let text: String = path.text().split_whitespace().collect();
    let mut plain = String::with_capacity(text.len());
    let mut depth = 0_usize;
    for letter in text.chars() {
        match letter {
            '<' => depth += 1,
            '>' => depth = depth.saturating_sub(1),
            _ if depth == 0 => plain.push(letter),
            _ => {}
        }
    }
    plain.replace("::::", "::").trim_end_matches("::").to_owned()
}

/// `a::b` and `c` are `a::b::c`; `self` behind a path is the path.
fn join(prefix: &str, rest: &str) -> String {
    match (prefix, rest) {
        (prefix, "" | "self") if !prefix.is_empty() => prefix.to_owned(),
        ("", rest) => rest.trim_start_matches("::").to_owned(),
        (prefix, rest) => format!("{prefix}::{rest}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Source;

    /// What the path that stands in the last call of a text may mean.
    fn meanings(text: &str) -> Vec<String> {
        let source = Source::new("src/lib.rs", text.as_bytes().to_vec()).unwrap();
        let syntax = source.syntax().unwrap();
        let root = syntax.root();
        let call = root.dfs().filter(|node| node.kind() == "call_expression").last().unwrap();
        let path = super::path_text(&call.field("function").unwrap());
        syntax.imports().resolve(&call, &path).into_iter().map(|meaning| meaning.path).collect()
    }

    #[test]
    fn a_name_is_followed_to_the_declaration_that_holds_where_it_stands() {
        for (text, expected) in [
            ("use std::fs; fn f() { fs::read(p); }", "std::fs::read"),
            ("use std::fs::File; fn f() { File::open(p); }", "std::fs::File::open"),
            ("use std::{fs, thread::{self, sleep as nap}}; fn f() { nap(d); }", "std::thread::sleep"),
            (
                "use std::{fs, thread::{self, sleep as nap}}; fn f() { thread::sleep(d); }",
                "std::thread::sleep",
            ),
            ("use std::fs as files; fn f() { files::read(p); }", "std::fs::read"),
            ("use std::fs; use fs::File; fn f() { File::open(p); }", "std::fs::File::open"),
            ("use tokio::fs; fn f() { use std::fs; fs::read(p); }", "std::fs::read"),
            ("use std::fs; fn g() { use tokio::fs; } fn f() { fs::read(p); }", "std::fs::read"),
            ("use std::fs; mod fs {} fn f() { std::fs::read(p); }", "std::fs::read"),
            ("use std::fs; mod m { use super::*; fn f() { fs::read(p); } }", "std::fs::read"),
            ("use tokio::fs::File; fn f() { File::open(p); }", "tokio::fs::File::open"),
            ("fn sleep() {} fn f() { sleep(); }", "self::sleep"),
            ("fn f() { ::std::fs::read::<P>(p); }", "std::fs::read"),
        ] {
            assert_eq!(meanings(text), [expected], "{text}");
        }
    }

    #[test]
    fn what_nobody_says_stays_open() {
        assert_eq!(meanings("use std::fs; mod m { fn f() { fs::read(p); } }"), ["fs::read"]);
        assert_eq!(meanings("use std::fs::*; fn f() { read(p); }"), ["std::fs::read"]);
        let both = "#[cfg(a)] use tokio::fs; #[cfg(not(a))] use std::fs; fn f() { fs::read(p); }";
        assert_eq!(meanings(both), ["tokio::fs::read", "std::fs::read"]);
    }
}
