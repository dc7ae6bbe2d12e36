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

/// The file of a crate's defaults, if it has any.
fn defaults_of(folder: &str) -> Option<String> {
    let paths = ["src/defaults.rs", "src/words/defaults.rs"].map(|file| format!("{folder}/{file}"));
    paths.into_iter().find(|path| Path::new(env!("CARGO_MANIFEST_DIR")).join(path).exists())
}

/// The constants of a crate's defaults: the name with the crate's, and the value as the table writes it.
fn constants(folder: &str) -> Vec<(String, String)> {
    let Some(path) = defaults_of(folder) else { return Vec::new() };
    let mut found = Vec::new();
    let mut doc = false;
    for line in text(&path).lines() {
        let declared = line.split_once("const ").and_then(|(_, rest)| rest.strip_suffix(';'));
        if let Some((name, rest)) = declared.and_then(|rest| rest.split_once(": ")) {
            let value = rest.split_once(" = ").map(|(_, value)| written(value));
            let value = value.unwrap_or_else(|| panic!("{path}: {name}: write the value on the same line"));
            assert!(doc, "{path}: {name}: say why it is {value} in a comment above it");
            found.push((format!("`{folder}::{name}`"), value));
        }
        doc = line.starts_with("///");
    }
    found
}

/// A constant's value as the table writes it.
fn written(value: &str) -> String {
    let within =
        |name: &str| value.strip_prefix(name)?.strip_suffix(')').map(|number| number.replace('_', ""));
    if let Some(seconds) = within("Duration::from_secs(") {
        format!("{seconds} s")
    } else if let Some(millis) = within("Duration::from_millis(") {
        format!("{millis} ms")
    } else {
        let plain = value.replace('_', "");
        assert!(plain.parse::<u64>().is_ok(), "a default is a number or a Duration from one: {value}");
        plain
    }
}

#[test]
fn every_default_stands_in_the_table_with_its_value() {
    let folders = ["runtime", "actors", "patterns", "cli", "testkit"].into_iter();
    let real: BTreeSet<_> = folders.flat_map(constants).collect();
    let rows = rows("docs/defaults.md", 4);
    for row in &rows {
        assert!(!row[2].is_empty() && !row[3].is_empty(), "a reason, and how to change it: {row:?}");
    }
    let documented: BTreeSet<_> = rows.into_iter().map(|row| (row[0].clone(), row[1].clone())).collect();
    assert_equal("docs/defaults.md", &documented, &real);
}

#[test]
fn the_guide_has_the_lines_that_skep_which_answers_with() {
    let guide = text("docs/patterns.md");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cli/src/which/starters");
    let mut starters = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().and_then(|name| name.to_str()).unwrap();
        if name == "inline" {
            continue;
        }
        let lines = std::fs::read_to_string(&path).unwrap();
        let page = guide.split("\n## ").find(|page| page.lines().next() == Some(&*format!("`{name}`")));
        let page = page.unwrap_or_else(|| panic!("docs/patterns.md has no page for {name}"));
        assert!(
            page.contains(lines.trim()),
            "the page {name} begins with other lines than {}",
            path.display()
        );
        starters += 1;
    }
    assert_eq!(
        starters,
        guide.lines().filter(|line| line.starts_with("| [`")).count(),
        "a page for each row"
    );
}
