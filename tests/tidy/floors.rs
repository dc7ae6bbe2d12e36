//! The floors of the runtime: each folder of `runtime/src` is one, and imports go down only.
//!
//! `.ci/floors` prints the drawing: the modules of each floor from the top, and beside each who imports it from other floors.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::{SOURCES, Source, is_word, none, numbered};

/// From the ground up.
const FLOORS: &[(&str, &str)] = &[
    ("words", "values: what a thing is called, and what it is"),
    ("decide", "what decides: state, event and moment go in, actions come out"),
    ("views", "folds of events, and their drawings"),
    ("env", "clock, chance, spawning, timers, threads, the outside, signals, the user's values"),
    ("journal", "the log, its cut, its followers"),
    ("engine", "what performs, untyped"),
    ("agent", "what is typed: specs, contexts, runners, tasks, mailboxes, asks, effects"),
    ("swarm", "the handle: builder, run, scopes, children, control"),
];

/// Without the feature `lab` they stand where another file stands with it.
const TWINS: &[&str] = &["no_points.rs", "unmarked.rs", "straight.rs", "sighted.rs"];

/// The core of supervision is public, and speaks in the words of OTP's `supervisor`.
const OTPS: &[&str] = &["Answer", "Context", "Event"];

const FOLDER: &str = "runtime/src/";

#[test]
fn imports_go_down() {
    let mut found = Vec::new();
    for source in shipped() {
        let own = source.floor();
        for (line, path) in paths(source) {
            let there = format!("{}:{line}: crate::{}", source.path, path.join("::"));
            match place(&path[0]) {
                None => found.push(format!("{there}: name the floor, not what the root re-exports")),
                Some(floor) if floor > own => found.push(format!(
                    "{there}: `{}` stands below `{}`: move what is shared down, or the user of it up",
                    FLOORS[own].0, FLOORS[floor].0
                )),
                Some(_) => {}
            }
        }
    }
    none(found);
}

#[test]
fn all_of_the_runtime_stands_on_a_floor() {
    let mut found = Vec::new();
    for source in SOURCES.iter().filter(|source| source.path.starts_with(FOLDER)) {
        let module = source.path[FOLDER.len()..].split(['/', '.']).next().unwrap_or_default();
        if module != "lib" && place(module).is_none() {
            found.push(format!("{}: on no floor of tests/tidy/floors.rs", source.path));
        }
        // From there it would be the root's, by a way that the other test does not see.
        let is_top = source.path == format!("{FOLDER}{module}.rs") && module != "lib";
        for (line, _) in numbered(&source.shipped).filter(|(_, text)| is_top && text.contains("super::")) {
            found.push(format!("{}:{line}: `super` is the root here", source.path));
        }
    }
    none(found);
}

#[test]
fn a_floor_has_no_two_files_of_one_name() {
    let mut found = Vec::new();
    let mut names: BTreeMap<(usize, String), &str> = BTreeMap::new();
    for source in shipped().filter(|source| !source.path.ends_with("tests.rs")) {
        let Some((_, name)) = source.path.rsplit_once('/') else { continue };
        if let Some(first) = names.insert((source.floor(), name.to_owned()), &source.path) {
            found.push(format!("{} and {first}: one word, one thing", source.path));
        }
    }
    none(found);
}

#[test]
fn a_type_has_a_name_of_its_own() {
    let mut found = Vec::new();
    let mut names: BTreeMap<String, &str> = BTreeMap::new();
    for source in shipped().filter(|source| !TWINS.iter().any(|twin| source.path.ends_with(twin))) {
        for (_, text) in numbered(&source.shipped) {
            let words: Vec<_> = text.split(|c: char| !is_word(c)).filter(|word| !word.is_empty()).collect();
            // What stands deeper is a part of an implementation.
            let kinds: &[&str] = if text.starts_with(' ') {
                &["struct", "enum", "trait"]
            } else {
                &["struct", "enum", "trait", "type"]
            };
            for pair in words.windows(2).filter(|pair| kinds.contains(&pair[0])) {
                let is_a_name = pair[1].starts_with(char::is_uppercase) && !OTPS.contains(&pair[1]);
                let first = is_a_name.then(|| names.insert(pair[1].to_owned(), &source.path)).flatten();
                found.extend(first.map(|first| format!("{} and {first}: `{}`", source.path, pair[1])));
            }
        }
    }
    none(found);
}

#[test]
fn the_floors_can_be_drawn() {
    let drawing = draw();
    println!("{drawing}");
    assert!(FLOORS.iter().all(|(name, _)| drawing.contains(name)), "each is there");
    let above = |module: &str| {
        let line = drawing
            .lines()
            .find(|line| line.trim_start().starts_with(&format!("{module} ")))
            .unwrap_or_default();
        line.split_once('◀').map(|(_, above)| above.trim().to_owned()).unwrap_or_default()
    };
    assert!(above("seat").contains("agent"), "who is above is named: {drawing}");
}

/// The floors from the top, each with its modules, and who imports them from above.
fn draw() -> String {
    let mut above: BTreeMap<(usize, String), BTreeSet<usize>> = BTreeMap::new();
    let mut modules: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
    for source in shipped() {
        let own = source.floor();
        let inner = source.path[FOLDER.len()..].trim_end_matches(".rs").split('/').nth(1);
        modules.entry(own).or_default().extend(inner.map(str::to_owned));
        for (_, path) in paths(source) {
            if let (Some(floor), Some(module)) = (place(&path[0]), path.get(1)) {
                above.entry((floor, module.clone())).or_default().insert(own);
            }
        }
    }
    let mut out = String::new();
    for (floor, (name, what)) in FLOORS.iter().enumerate().rev() {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{name}: {what}");
        for module in modules.get(&floor).into_iter().flatten() {
            let users = above.get(&(floor, module.clone())).into_iter().flatten();
            let users: Vec<_> = users.filter(|user| **user != floor).map(|user| FLOORS[*user].0).collect();
            let _ = writeln!(out, "  {module:<16} ◀ {}", users.join(", "));
        }
    }
    out
}

/// What of the runtime is compiled into a user's program.
fn shipped() -> impl Iterator<Item = &'static Source> {
    let is_ours = |source: &&Source| source.path.starts_with(FOLDER) && source.path != "runtime/src/lib.rs";
    SOURCES.iter().filter(is_ours).filter(|source| !source.shipped.is_empty())
}

/// Each path from the crate's root, with its line.
fn paths(source: &Source) -> Vec<(usize, Vec<String>)> {
    let mut found = Vec::new();
    for (line, text) in numbered(&source.shipped) {
        for (at, start) in text.match_indices("crate::") {
            // `$crate` of a macro is whoever uses it.
            if text[..at].ends_with(|c: char| is_word(c) || c == '$') {
                continue;
            }
            let path = text[at + start.len()..].split("::").map_while(|part| {
                let word: String = part.chars().take_while(|c| is_word(*c)).collect();
                (!word.is_empty()).then_some(word)
            });
            found.push((line, path.collect()));
        }
    }
    found.retain(|(_, path): &(usize, Vec<String>)| !path.is_empty());
    found
}

fn place(floor: impl AsRef<str>) -> Option<usize> {
    FLOORS.iter().position(|(name, _)| *name == floor.as_ref())
}

impl Source {
    /// The floor that a file of the runtime stands on.
    fn floor(&self) -> usize {
        let module = self.path[FOLDER.len()..].split(['/', '.']).next().unwrap_or_default();
        place(module).unwrap_or_default()
    }
}
