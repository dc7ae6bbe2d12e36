//! Blocks by braces: JavaScript, TypeScript and Go. What stands before a brace says what it opens.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::super::Language;
use super::Kind;

/// A head is read back so far; what is longer was not written by a person.
const HEAD: usize = 600;

/// A brace that was opened.
struct Open {
    start: usize,
    kind: Kind,
    /// Where the head of what comes next in it begins.
    head: usize,
    /// Brackets that are open in it.
    brackets: usize,
}

pub(super) fn blocks(language: Language, code: &str) -> Vec<(Range<usize>, Kind)> {
    let is_go = language == Language::Go;
    let mut found = Vec::new();
    let mut open = vec![Open { start: 0, kind: Kind::Plain, head: 0, brackets: 0 }];
    let bytes = code.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        let Some(last) = open.last_mut() else { break };
        match byte {
            b'(' | b'[' => last.brackets += 1,
            b')' | b']' => last.brackets = last.brackets.saturating_sub(1),
            b';' if last.brackets == 0 => last.head = at + 1,
            b'\n' if is_go && last.brackets == 0 => last.head = at + 1,
            b'{' => {
                let kind = kind(is_go, head(code, last.head, at));
                open.push(Open { start: at, kind, head: at + 1, brackets: 0 });
            }
            // The outermost is no brace's.
            b'}' if open.len() > 1 => {
                let Some(closed) = open.pop() else { break };
                found.push((closed.start..at, closed.kind));
                if let Some(last) = open.last_mut().filter(|last| last.brackets == 0) {
                    last.head = at + 1;
                }
            }
            _ => {}
        }
    }
    found.extend(open.into_iter().map(|open| (open.start..code.len() + 1, open.kind)));
    if !is_go {
        arrows(code, &mut found);
    }
    found
}

fn head(code: &str, start: usize, end: usize) -> &str {
    let mut start = start.max(end.saturating_sub(HEAD));
    while !code.is_char_boundary(start) {
        start += 1;
    }
    code[start..end].trim()
}

fn kind(is_go: bool, head: &str) -> Kind {
    if is_go {
        let first = head.split(|c: char| !c.is_alphanumeric() && c != '_').find(|word| !word.is_empty());
        return match first {
            _ if GO_FUNCTION.is_match(head) => Kind::Function { is_async: false },
            Some("for") => Kind::Loop,
            _ => Kind::Plain,
        };
    }
    let function = |regex: &Regex| {
        regex.captures(head).map(|found| Kind::Function { is_async: found.name("async").is_some() })
    };
    if let Some(function) = function(&FUNCTION).or_else(|| function(&ARROW)) {
        return function;
    }
    if let Some(found) = CONTROL.captures(head) {
        return if found.name("loop").or_else(|| found.name("do")).is_some() {
            Kind::Loop
        } else {
            Kind::Plain
        };
    }
    function(&METHOD).unwrap_or(Kind::Plain)
}

fn constant(text: &str) -> Regex {
    Regex::new(text).expect("it is constant, and a test has seen it")
}

/// Brackets with what is in them, three deep.
const ROUND: &str = r"\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)";

/// What may follow a function's brackets: a type.
const TYPE: &str = r"\s*(?::[^(){};=]*)?";

static FUNCTION: LazyLock<Regex> = LazyLock::new(|| {
    constant(&format!(r"(?P<async>\basync\s+)?\bfunction\b\s*\*?\s*[\w$]*\s*(?:<[^(]*>)?\s*{ROUND}{TYPE}$"))
});
static METHOD: LazyLock<Regex> = LazyLock::new(|| {
    constant(&format!(r"(?P<async>\basync\s+)?\*?\s*[\w$#\]]+\s*(?:<[^(]*>)?\s*{ROUND}{TYPE}$"))
});
static ARROW: LazyLock<Regex> =
    LazyLock::new(|| constant(&format!(r"(?P<async>\basync\s*)?(?:{ROUND}{TYPE}|[\w$]+)\s*=>$")));
static CONTROL: LazyLock<Regex> = LazyLock::new(|| {
    let words = r"\b(?:(?P<loop>for|while)|if|switch|catch|with)\b\s*(?:await\s*)?";
    constant(&format!(r"{words}{ROUND}$|\b(?:(?P<do>do)|else|try|finally)$"))
});
static GO_FUNCTION: LazyLock<Regex> =
    LazyLock::new(|| constant(r"\bfunc\b[^{}]*\)[^(){}]*$|\bfunc\b[^{}]*\)\s*\([^(){}]*\)$"));

/// Arrows without braces: they hold to the end of their argument, bracket or statement.
fn arrows(code: &str, found: &mut Vec<(Range<usize>, Kind)>) {
    let bytes = code.as_bytes();
    for (at, _) in code.match_indices("=>") {
        let body = at + 2;
        if code[body..].trim_start().starts_with('{') {
            continue;
        }
        let mut depth = 0_usize;
        let length = bytes[body..].iter().take(HEAD * 4).position(|byte| match byte {
            b'(' | b'[' | b'{' => {
                depth += 1;
                false
            }
            b')' | b']' | b'}' if depth > 0 => {
                depth -= 1;
                false
            }
            b')' | b']' | b'}' => true,
            b',' | b';' => depth == 0,
            _ => false,
        });
        let Some(length) = length else { continue };
        let before = head(code, 0, body);
        if let Kind::Function { is_async } = kind(false, before) {
            found.push((body..body + length, Kind::Function { is_async }));
        }
    }
}
