//! The two ways in which a rule finds its places: a regex over lines, and a shape of the syntax tree.

use std::ops::Range;

use ast_grep_core::language::Language as _;
use ast_grep_core::matcher::{MatcherExt as _, Pattern};
use regex::{Regex, RegexBuilder};

use super::check::Check;
use super::context::Context;
use super::entropy::looks_random;
use crate::review::source::{Grammar, Language, Node, Source, Syntax, View};

/// A rule says no more than this about one file: nobody reads on, and a hostile file cannot make it slow.
const MAX_HITS: usize = 200;

/// A regex over a node's text looks at no more than this: chains of calls hold each other's text.
const MAX_NODE_TEXT: usize = 4_096;

/// One place that a rule found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hit {
    /// Bytes of the source.
    pub(crate) range: Range<usize>,
    /// What was measured, for `{detail}` in the description.
    pub(crate) detail: Option<String>,
    /// Bytes that a report must not show.
    pub(crate) secret: Option<Range<usize>>,
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
    pub(super) languages: Vec<Language>,
}

impl Lines {
    /// The places in the source for which `in_scope` holds.
    pub(crate) fn hits(&self, source: &Source, limit: u32, in_scope: impl Fn(usize) -> bool) -> Vec<Hit> {
        if !self.languages.is_empty() && !self.languages.contains(&source.language()) {
            return Vec::new();
        }
        let Some(view) = source.view(self.view) else { return Vec::new() };
        let places = self.regex.captures_iter(view).filter_map(|found| {
            let range = found.name("at").or_else(|| found.get(0))?.range();
            let lines = source.line_range(range.start).start..source.line_range(range.end).end;
            let secret = found.name("value").map(|value| value.range());
            let unwanted = self.unless.as_ref().is_some_and(|unless| unless.is_match(&view[lines]))
                || !in_scope(range.start)
                || self.entropy.is_some_and(|least| {
                    secret.clone().is_none_or(|value| !looks_random(&view[value], least))
                });
            (!unwanted).then_some(Hit { range, detail: None, secret })
        });
        if !self.counted {
            return places.take(MAX_HITS).collect();
        }
        let mut places = places.peekable();
        let first = places.peek().cloned();
        let count = places.count();
        let above = count > limit as usize;
        first
            .filter(|_| above)
            .map(|hit| Hit { detail: Some(count.to_string()), ..hit })
            .into_iter()
            .collect()
    }
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
        if self.kinds.is_empty() {
            return Err("a rule about structure names kinds, patterns or a check".to_owned());
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
    pub(crate) fn hit(&self, source: &Source, syntax: &Syntax, node: &Node<'_>, limit: u32) -> Option<Hit> {
        let text = node.text();
        let text = clip(&text);
        let whole = node.range();
        let range = match &self.text {
            None => whole,
            Some(regex) => {
                let found = regex.captures(text)?;
                match found.name("at") {
                    None => whole,
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
        match self.check {
            None => Some(Hit { range, detail: None, secret: None }),
            Some(check) => check.hit(source, syntax, node, limit),
        }
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
