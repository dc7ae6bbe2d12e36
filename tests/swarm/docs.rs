//! Tables of the documentation, to be held against the code.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::path::Path;

/// A file of the repository as text.
pub(crate) fn text(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        .replace("\r\n", "\n")
}

/// The rows of a file's tables that have so many columns, without their heads.
pub(crate) fn rows(path: &str, columns: usize) -> Vec<Vec<String>> {
    let text = text(path);
    let lines: Vec<_> = text.lines().filter(|line| line.starts_with('|')).collect();
    let cells = |line: &str| -> Vec<String> {
        line.trim().trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
    };
    let is_rule = |line: &str| line.chars().all(|c| matches!(c, '|' | '-' | ':' | ' '));
    let is_head = |at: usize| lines.get(at + 1).is_some_and(|next| is_rule(next));
    let body = lines.iter().enumerate().filter(|(at, line)| !is_rule(line) && !is_head(*at));
    body.map(|(_, line)| cells(line)).filter(|cells| cells.len() == columns).collect()
}

/// Fails with what a table has too much and what it lacks.
pub(crate) fn assert_equal<T: Ord + Debug>(path: &str, documented: &BTreeSet<T>, real: &BTreeSet<T>) {
    let gone = documented.difference(real).map(|row| format!("{path} has, and the code has not: {row:?}"));
    let missing = real.difference(documented).map(|row| format!("{path} lacks: {row:?}"));
    let wrong: Vec<_> = gone.chain(missing).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
