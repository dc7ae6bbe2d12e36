//! Blocks by indentation: Python.

use std::ops::Range;

use super::Kind;

/// A line that begins a statement.
struct Line<'c> {
    start: usize,
    indent: usize,
    text: &'c str,
}

/// A block that goes on until a line is indented no deeper than its head.
struct Open {
    start: usize,
    indent: usize,
    kind: Kind,
}

pub(super) fn blocks(code: &str) -> Vec<(Range<usize>, Kind)> {
    let mut found = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    for line in lines(code) {
        while let Some(last) = open.pop_if(|last| line.indent <= last.indent) {
            found.push((last.start..line.start, last.kind));
        }
        lambdas(&line, &mut found);
        let kind = kind(line.text);
        if kind != Kind::Plain
            && let Some(colon) = head_end(line.text)
        {
            open.push(Open { start: line.start + colon, indent: line.indent, kind });
        }
    }
    // The last line's own place behind its last letter is in its blocks too.
    found.extend(open.into_iter().map(|open| (open.start..code.len() + 1, open.kind)));
    found
}

/// The lines that begin statements, each with the lines that its brackets join to it.
fn lines(code: &str) -> Vec<Line<'_>> {
    let mut lines: Vec<Line<'_>> = Vec::new();
    let (mut depth, mut start, mut in_text) = (0_usize, 0, false);
    for line in code.split_inclusive('\n') {
        let indent = line.len() - line.trim_start().len();
        if depth > 0 || in_text {
            // It goes on: the statement's text now ends here.
            if let Some(last) = lines.last_mut() {
                last.text = &code[last.start + last.indent..start + line.len()];
            }
        } else if !line.trim().is_empty() {
            lines.push(Line { start, indent, text: &line[indent..] });
        }
        // The insides of strings are blank here, so what is left of a long one are its quotes.
        let quotes = line.matches("\"\"\"").count() + line.matches("'''").count();
        in_text ^= quotes % 2 == 1;
        for byte in line.bytes() {
            match byte {
                b'(' | b'[' | b'{' => depth += 1,
                b')' | b']' | b'}' => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        start += line.len();
    }
    lines
}

fn kind(text: &str) -> Kind {
    let mut words = text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
    match (words.next(), words.next()) {
        (Some("def" | "class"), _) => Kind::Function { is_async: false },
        (Some("async"), Some("def")) => Kind::Function { is_async: true },
        (Some("for" | "while"), _) | (Some("async"), Some("for")) => Kind::Loop,
        _ => Kind::Plain,
    }
}

/// Where the colon stands that ends a statement's head.
fn head_end(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    text.bytes().position(|byte| {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        byte == b':' && depth == 0
    })
}

/// What a `lambda` holds runs when it is called: to the end of the bracket or of the argument.
fn lambdas(line: &Line<'_>, found: &mut Vec<(Range<usize>, Kind)>) {
    let text_start = line.start + line.indent;
    for (at, _) in line.text.match_indices("lambda") {
        let rest = &line.text[at..];
        let Some(colon) = head_end(rest) else { continue };
        let mut depth = 0_usize;
        let end = rest.bytes().enumerate().skip(colon).find(|(_, byte)| match byte {
            b'(' | b'[' | b'{' => {
                depth += 1;
                false
            }
            b')' | b']' | b'}' if depth > 0 => {
                depth -= 1;
                false
            }
            b')' | b']' | b'}' => true,
            b',' => depth == 0,
            _ => false,
        });
        let end = end.map_or(rest.len(), |(end, _)| end);
        found.push((text_start + at + colon..text_start + at + end, Kind::Function { is_async: false }));
    }
}
