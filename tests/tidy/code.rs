//! Rust without what is no code: a copy in which comments and literals are blanked keeps its lines.

use super::is_word;

/// The text with comments and literals blanked, line for line.
pub(crate) fn without_literals(text: &str) -> String {
    let (mut code, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(next) = rest.chars().next() {
        // Inside a word no literal begins: the `r` of `for` is no prefix.
        let inside = is_word(next) && code.ends_with(is_word);
        let length = if inside { 0 } else { literal(rest) };
        code.push_str(&blank(&rest[..length]));
        if length == 0 {
            code.push(next);
        }
        rest = &rest[length.max(next.len_utf8())..];
    }
    code
}

/// The code with each item blanked that compiles only under test.
pub(crate) fn without_tests(code: &str) -> String {
    let mut shipped = code.to_owned();
    while let Some(start) = shipped.find("#[cfg(test)]").or(shipped.find("#[cfg(all(test")) {
        let (mut depth, mut end) = (0, shipped.len());
        for (at, c) in shipped[start..].char_indices() {
            depth += i32::from("{[(".contains(c)) - i32::from("}])".contains(c));
            if depth == 0 && (c == '}' || c == ';') {
                end = start + at + 1;
                break;
            }
        }
        let gone = blank(&shipped[start..end]);
        shipped.replace_range(start..end, &gone);
    }
    shipped
}

/// The length of the comment or literal that begins here, or 0.
fn literal(rest: &str) -> usize {
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        let (mut depth, mut end) = (1, 2);
        while depth > 0 {
            let Some(at) = rest[end..].find(['/', '*']) else { return rest.len() };
            end += at;
            let change = i32::from(rest[end..].starts_with("/*")) - i32::from(rest[end..].starts_with("*/"));
            depth += change;
            end += if change == 0 { 1 } else { 2 };
        }
        return end;
    }
    let open = rest.trim_start_matches(['b', 'r', 'c']);
    let prefix = rest.len() - open.len();
    let raw = open.trim_start_matches('#');
    if rest[..prefix].contains('r') && raw.starts_with('"') {
        let close = format!("\"{}", "#".repeat(open.len() - raw.len()));
        let end = raw[1..].find(&close).map_or(raw.len(), |at| 1 + at + close.len());
        return rest.len() - raw.len() + end;
    }
    let mut inner = open.chars();
    let Some(quote @ ('"' | '\'')) = inner.next() else { return 0 };
    // A lifetime has no quote after its first character.
    if quote == '\'' && inner.next() != Some('\\') && inner.next() != Some(quote) {
        return 0;
    }
    let mut escaped = false;
    let close = open.char_indices().skip(1).find(|(_, c)| {
        let here = !escaped && *c == quote;
        escaped = !escaped && *c == '\\';
        here
    });
    close.map_or(rest.len(), |(at, _)| prefix + at + 1)
}

/// Spaces for all but the ends of lines.
fn blank(text: &str) -> String {
    text.chars().map(|c| if c == '\n' { c } else { ' ' }).collect()
}
