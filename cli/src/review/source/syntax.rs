//! The syntax tree of a source and what one walk over it tells every rule.

use std::ops::Range;
use std::sync::OnceLock;

use ast_grep_core::tree_sitter::StrDoc;

use super::{Grammar, Imports, Tree};

/// A node of a source's syntax tree.
pub type Node<'r> = ast_grep_core::Node<'r, StrDoc<Grammar>>;

/// Text with more open brackets than this is not parsed. Walking up from a node costs its depth, so depth is
/// what makes a hostile file slow; people stay below 50 and code generators below 500.
pub const MAX_NESTING: usize = 2_000;

/// The syntax tree of a source.
pub struct Syntax {
    tree: Tree,
    grammar: Grammar,
    /// Comments, sorted by their start.
    pub(super) comments: Vec<Range<usize>>,
    /// The insides of string and character literals, sorted by their start.
    pub(super) strings: Vec<Range<usize>>,
    /// Items that only tests compile, sorted, none inside another.
    tests: Vec<Range<usize>>,
    imports: OnceLock<Imports>,
}

impl std::fmt::Debug for Syntax {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Syntax")
            .field("grammar", &self.grammar)
            .field("tests", &self.tests)
            .finish_non_exhaustive()
    }
}

impl Syntax {
    /// Parses a text; none when it nests deeper than [`MAX_NESTING`].
    pub(super) fn parse(grammar: Grammar, text: &str) -> Option<Self> {
        if Self::is_too_deep(text) {
            return None;
        }
        let tree = Tree::doc(StrDoc::try_new(text, grammar).ok()?);
        let mut syntax = Self {
            tree,
            grammar,
            comments: Vec::new(),
            strings: Vec::new(),
            tests: Vec::new(),
            imports: OnceLock::new(),
        };
        let (mut comments, mut strings, mut tests) = (Vec::new(), Vec::new(), Vec::new());
        let words = grammar.words();
        let is = Kinds::new(grammar);
        let mut covered = 0;
        for node in syntax.tree.root().dfs() {
            let kind = node.kind_id();
            if is.any(words.comments, kind) {
                comments.push(node.range());
            } else if is.any(words.strings, kind) {
                strings.push(between_quotes(&node));
            } else if node.range().start < covered {
                // What lies in a test item is test code whatever it says; asking again would only cost time.
            } else if is.any(words.attributes, kind) && is_test_attribute(&node.text()) {
                let item = node.next_all().find(|next| {
                    let kind = next.kind_id();
                    !is.any(words.attributes, kind) && !is.any(words.comments, kind)
                });
                // Attributes at the end of a block, before any item, are about nothing.
                let end = item.or_else(|| node.parent()).map(|around| around.range().end);
                covered = end.unwrap_or(text.len());
                tests.push(node.range().start..covered);
            } else if is.any(words.inner_attributes, kind) && is_test_attribute(&node.text()) {
                let parent = node.parent().map_or(0..text.len(), |parent| parent.range());
                covered = parent.end;
                tests.push(parent);
            }
        }
        tests.sort_by_key(|range| range.start);
        (syntax.comments, syntax.strings, syntax.tests) = (comments, strings, tests);
        Some(syntax)
    }

    /// Whether the text nests deeper than [`MAX_NESTING`].
    pub(crate) fn is_too_deep(text: &str) -> bool {
        deepest(text) > MAX_NESTING
    }

    /// The root of the tree.
    #[must_use]
    pub fn root(&self) -> Node<'_> {
        self.tree.root()
    }

    /// Where the names of the file come from; read once, and only when a rule asks.
    #[must_use]
    pub fn imports(&self) -> &Imports {
        self.imports.get_or_init(|| Imports::of(&self.root()))
    }

    /// Whether the place lies in an item that only tests compile.
    #[must_use]
    pub fn is_test(&self, at: usize) -> bool {
        let next = self.tests.partition_point(|range| range.start <= at);
        next.checked_sub(1).is_some_and(|last| self.tests[last].contains(&at))
    }

    /// Whether the node runs inside a future: the nearest function, closure or block around it is async.
    #[must_use]
    pub fn is_async(&self, node: &Node<'_>) -> bool {
        let words = self.grammar.words();
        for around in node.ancestors() {
            let kind = around.kind();
            if words.async_blocks.contains(&&*kind) {
                return true;
            }
            if words.closures.contains(&&*kind) {
                return around.text().trim_start_matches("move ").starts_with("async ");
            }
            if words.functions.contains(&&*kind) {
                return is_async_function(&around);
            }
        }
        false
    }

    /// Whether the node is repeated by a loop of its own function; a loop's head is not repeated.
    #[must_use]
    pub fn is_repeated(&self, node: &Node<'_>) -> bool {
        let words = self.grammar.words();
        let at = node.range().start;
        for around in node.ancestors() {
            let kind = around.kind();
            if words.loops.contains(&&*kind) {
                let repeats = around.field("body").is_some_and(|body| body.range().contains(&at))
                    // The condition of a `while` is evaluated each time round.
                    || around.field("condition").is_some_and(|head| head.range().contains(&at));
                if repeats {
                    return true;
                }
            }
            if self.is_boundary(&around) {
                return false;
            }
        }
        false
    }

    /// Whether the node runs only when a condition of its own function holds.
    #[must_use]
    pub fn is_conditional(&self, node: &Node<'_>) -> bool {
        let branches = self.grammar.words().branches;
        let mut around = node.ancestors().take_while(|around| !self.is_boundary(around));
        around.any(|around| branches.contains(&&*around.kind()))
    }

    /// Whether code inside the node runs at another time than the code around it.
    #[must_use]
    pub fn is_boundary(&self, node: &Node<'_>) -> bool {
        let words = self.grammar.words();
        let kind = node.kind();
        [words.functions, words.closures, words.async_blocks].iter().any(|kinds| kinds.contains(&&*kind))
    }
}

fn is_async_function(function: &Node<'_>) -> bool {
    function
        .children()
        .find(|child| child.kind() == "function_modifiers")
        .is_some_and(|modifiers| modifiers.text().split_whitespace().any(|word| word == "async"))
}

/// `#[test]`, `#[tokio::test(..)]`, `#[cfg(test)]`, `#[cfg(all(test, ..))]`, and the attributes of test crates.
fn is_test_attribute(attribute: &str) -> bool {
    let inside = attribute.trim_start_matches(['#', '!', '[', ' ']).trim_end_matches([']', ' ']);
    let end = inside.find(['(', '=', ' ']).unwrap_or(inside.len());
    let (path, rest) = inside.split_at(end);
    match path.rsplit("::").next().unwrap_or(path) {
        "cfg" => has_word(rest, "test") && !rest.replace(' ', "").contains("not(test"),
        "test" | "rstest" | "test_case" | "quickcheck" | "bench" | "wasm_bindgen_test" | "swarm_test" => true,
        _ => false,
    }
}

fn has_word(text: &str, word: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|part| part == word)
}

/// The inside of a literal: what stands between its first and its last quote.
fn between_quotes(literal: &Node<'_>) -> Range<usize> {
    let range = literal.range();
    let text = literal.text();
    match (text.find(['"', '\'']), text.rfind(['"', '\''])) {
        (Some(first), Some(last)) if first < last => range.start + first + 1..range.start + last,
        _ => range,
    }
}

/// The largest number of brackets that are open at once, counted without regard to strings. Angle brackets may
/// be comparisons and shifts, so a statement's end forgets them.
fn deepest(text: &str) -> usize {
    let (mut open, mut angles, mut deepest) = (0_usize, 0_usize, 0);
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' | b'{' => open += 1,
            b')' | b']' | b'}' => open = open.saturating_sub(1),
            b'<' => angles += 1,
            b'>' => angles = angles.saturating_sub(1),
            _ => continue,
        }
        if matches!(byte, b'{' | b'}') {
            angles = 0;
        }
        deepest = deepest.max(open + angles);
    }
    deepest
}

/// Names of kinds become numbers once a walk, because a walk compares them at every node.
struct Kinds(Vec<(&'static str, u16)>);

impl Kinds {
    fn new(grammar: Grammar) -> Self {
        use ast_grep_core::language::Language as _;
        let words = grammar.words();
        let all = [words.comments, words.strings, words.attributes, words.inner_attributes];
        Self(all.into_iter().flatten().map(|name| (*name, grammar.kind_to_id(name))).collect())
    }

    fn any(&self, names: &[&str], kind: u16) -> bool {
        self.0.iter().any(|(name, id)| *id == kind && names.contains(name))
    }
}
