//! The two ways in which a rule finds its places: a regex over lines, and a shape of the syntax tree.

use std::cell::OnceCell;
use std::ops::Range;

use ast_grep_core::language::Language as _;
use ast_grep_core::matcher::{MatcherExt as _, Pattern};
use regex::{Regex, RegexBuilder};

use super::calls::{Callee, called};
use super::check::{Check, Fragile};
use super::context::Context;
use super::secret::is_secret;
use crate::review::source::{Grammar, Language, Node, Source, Syntax, View};
use crate::review::touched::Touched;

/// A rule says no more than this about one file: nobody reads on, and a hostile file cannot make it slow.
const MAX_HITS: usize = 200;

/// A regex over a node's text looks at no more than this: chains of calls hold each other's text.
const MAX_NODE_TEXT: usize = 4_096;

/// One place that a rule found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hit {
    /// Bytes of the source.
    pub(crate) range: Range<usize>,
    /// Bytes that brought it about: whoever changes one of them has touched it.
    pub(crate) about: Range<usize>,
    /// Whether a change touches it only if it leaves more lines there than it found.
    pub(crate) grows: bool,
    /// What was measured, for `{detail}` in the description.
    pub(crate) detail: Option<String>,
    /// Bytes that a report must not show.
    pub(crate) secret: Option<Range<usize>>,
}

impl Hit {
    /// A hit that is about no more than its place.
    pub(crate) fn at(range: Range<usize>) -> Self {
        Self { about: range.clone(), range, grows: false, detail: None, secret: None }
    }

    /// Whether a change touches it.
    fn is_touched(&self, look: &Look<'_>) -> bool {
        let line = |at| look.source.place(at).0;
        let (first, last) =
            (line(self.about.start), line(self.about.end.saturating_sub(1).max(self.about.start)));
        if self.grows { look.touched.grow(first, last) } else { look.touched.hold(first, last) }
    }
}

/// One source that rules look at, and what they share.
#[derive(Debug)]
pub(crate) struct Look<'s> {
    pub(crate) source: &'s Source,
    /// The lines that findings are wanted for.
    pub(crate) touched: &'s Touched,
    fragile: OnceCell<Fragile>,
}

impl<'s> Look<'s> {
    pub(crate) const fn at(source: &'s Source, touched: &'s Touched) -> Self {
        Self { source, touched, fragile: OnceCell::new() }
    }

    /// Which functions of the source may fail.
    pub(super) fn fragile(&self, syntax: &Syntax) -> &Fragile {
        self.fragile.get_or_init(|| Fragile::of(&syntax.root()))
    }
}

/// One way to find the places of a rule.
#[derive(Debug)]
pub(crate) enum Matcher {
    Lines(Lines),
    Structure(Structure),
}

/// A regex over a view of the source.
#[derive(Debug)]
pub(crate) struct Lines {
    pub(super) regex: Regex,
    pub(super) view: View,
    pub(super) unless: Option<Regex>,
    pub(super) entropy: Option<f64>,
    pub(super) counted: bool,
    pub(super) file_needs: Option<Regex>,
    pub(super) inside: Vec<Context>,
    pub(super) outside: Vec<Context>,
    pub(super) languages: Vec<Language>,
}

impl Lines {
    /// The places in the source for which `in_scope` holds.
    pub(crate) fn hits(&self, look: &Look<'_>, limit: u32, in_scope: impl Fn(usize) -> bool) -> Vec<Hit> {
        let source = look.source;
        if !self.languages.is_empty() && !self.languages.contains(&source.language()) {
            return Vec::new();
        }
        if self.file_needs.as_ref().is_some_and(|needed| !needed.is_match(source.text())) {
            return Vec::new();
        }
        let Some(view) = source.view(self.view) else { return Vec::new() };
        let places = self.regex.captures_iter(view).filter_map(|found| {
            let about = found.get(0)?.range();
            let at =
                found.name("at").or_else(|| found.name("at2")).map_or_else(|| about.clone(), |at| at.range());
            let lines = source.line_range(at.start).start..source.line_range(about.end.max(at.end)).end;
            let value = found.name("value").map(|value| value.range());
            let unwanted = self.unless.as_ref().is_some_and(|unless| unless.is_match(&view[lines]))
                || !in_scope(at.start)
                || !self.inside.iter().all(|context| context.holds_at(source, at.start))
                || self.outside.iter().any(|context| context.holds_at(source, at.start))
                || self.entropy.is_some_and(|least| {
                    value
                        .clone()
                        .is_none_or(|value| !is_secret(name_of(&at, &value, view), &view[value], least))
                });
            // A line break that the regex begins or ends with is no part of what it found.
            let about = trimmed(view, about);
            (!unwanted).then_some(Hit { about, secret: value, ..Hit::at(at) })
        });
        if !self.counted {
            return places.filter(|hit| hit.is_touched(look)).take(MAX_HITS).collect();
        }
        let (mut count, mut first) = (0_usize, None);
        for hit in places {
            count += 1;
            if first.is_none() && hit.is_touched(look) {
                first = Some(hit);
            }
        }
        let first = first.filter(|_| count > limit as usize);
        first.map(|hit| Hit { detail: Some(count.to_string()), ..hit }).into_iter().collect()
    }
}

/// The name that a value is given to; none where the value is the place itself.
fn name_of<'v>(at: &Range<usize>, value: &Range<usize>, view: &'v str) -> &'v str {
    if at.start >= value.start { "" } else { &view[at.clone()] }
}

fn trimmed(view: &str, range: Range<usize>) -> Range<usize> {
    let text = &view[range.clone()];
    let start = range.start + (text.len() - text.trim_start().len());
    start..(range.start + text.trim_end().len()).max(start)
}

/// A shape of the syntax tree.
#[derive(Debug)]
pub(crate) struct Structure {
    grammar: Grammar,
    /// Nodes of these kinds are looked at; the kinds of the patterns are among them.
    kinds: Vec<u16>,
    /// One of these must match, when there are any.
    patterns: Vec<Pattern>,
    pub(super) text: Option<Regex>,
    pub(super) unless: Option<Regex>,
    pub(super) inside: Vec<Context>,
    pub(super) outside: Vec<Context>,
    pub(super) calls: Vec<Callee>,
    pub(super) check: Option<Check>,
}

impl Structure {
    pub(super) fn new(grammar: Grammar, kinds: &[String], patterns: &[String]) -> Result<Self, String> {
        let number = |kind: &String| match grammar.kind_to_id(kind) {
            0 => Err(format!("the grammar has no node of kind `{kind}`")),
            id => Ok(id),
        };
        let pattern =
            |code: &String| Pattern::try_new(code, grammar).map_err(|why| format!("`{code}`: {why}"));
        Ok(Self {
            grammar,
            kinds: kinds.iter().map(number).collect::<Result<_, _>>()?,
            patterns: patterns.iter().map(pattern).collect::<Result<_, _>>()?,
            text: None,
            unless: None,
            inside: Vec::new(),
            outside: Vec::new(),
            calls: Vec::new(),
            check: None,
        })
    }

    /// Adds the kinds of the patterns and sees to it that there is something to look at.
    pub(super) fn complete(mut self) -> Result<Self, String> {
        use ast_grep_core::Matcher as _;
        for pattern in &self.patterns {
            let kinds = pattern.potential_kinds().ok_or("a pattern must say what kind of code it matches")?;
            self.kinds.extend(kinds.iter().filter_map(|kind| u16::try_from(kind).ok()));
        }
        self.kinds
            .extend(self.check.into_iter().flat_map(Check::kinds).map(|kind| self.grammar.kind_to_id(kind)));
        if !self.calls.is_empty() {
            self.kinds.push(self.grammar.kind_to_id("call_expression"));
        }
        if self.kinds.is_empty() {
            return Err("a rule about structure names kinds, patterns, calls or a check".to_owned());
        }
        self.kinds.sort_unstable();
        self.kinds.dedup();
        Ok(self)
    }

    /// The kinds of nodes to call [`Structure::hit`] for.
    pub(crate) fn kinds(&self) -> &[u16] {
        &self.kinds
    }

    /// The hit at this node. The cheap questions come first.
    pub(crate) fn hit(&self, look: &Look<'_>, syntax: &Syntax, node: &Node<'_>, limit: u32) -> Option<Hit> {
        let text = node.text();
        let text = clip(&text);
        let whole = node.range();
        let mut range = match &self.text {
            None => whole.clone(),
            Some(regex) => {
                let found = regex.captures(text)?;
                match found.name("at") {
                    None => whole.clone(),
                    Some(at) => whole.start + at.start()..whole.start + at.end(),
                }
            }
        };
        let unwanted = self.unless.as_ref().is_some_and(|unless| unless.is_match(text))
            || (!self.patterns.is_empty()
                && !self.patterns.iter().any(|p| p.match_node(node.clone()).is_some()))
            || !self.inside.iter().all(|context| context.holds(syntax, node))
            || self.outside.iter().any(|context| context.holds(syntax, node));
        if unwanted {
            return None;
        }
        if !self.calls.is_empty() {
            range = called(syntax, node, &self.calls)?;
        }
        let hit = match self.check {
            None => Some(Hit { about: whole, ..Hit::at(range) }),
            Some(check) => check.hit(look, syntax, node, limit),
        };
        hit.filter(|hit| hit.is_touched(look))
    }
}

/// A full bag for one rule and one file.
pub(crate) fn is_full(hits: usize) -> bool {
    hits >= MAX_HITS
}

fn clip(text: &str) -> &str {
    let mut end = text.len().min(MAX_NODE_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Compiles a regex in which `^` and `$` stand for lines and `\r` before a line break is no matter.
pub(super) fn regex(text: &str) -> Result<Regex, String> {
    RegexBuilder::new(text).multi_line(true).crlf(true).build().map_err(|error| error.to_string())
}
