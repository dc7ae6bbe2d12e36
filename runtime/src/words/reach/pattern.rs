//! Patterns over what is written: `*` for any run of characters within a segment, `**` for any run at all.

use serde::{Deserialize, Serialize};

use super::Target;

/// A pattern of targets of one sort. `*` is any run of characters, in paths within one folder, and `**` any run at all; `/repo/**` is
/// `/repo` too.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Targets {
    /// Files and folders, by an absolute pattern.
    Path(String),
    /// Hosts.
    Host(String),
    /// Models.
    Model(String),
    /// Commands, by a pattern for each word; `**` as the last stands for whatever words follow.
    Command(Vec<String>),
}

impl Targets {
    /// Whether a target is one of them; a folder and all below it, if all of that is. One that is not written canonically is of no
    /// pattern.
    #[must_use]
    pub fn covers(&self, target: &Target) -> bool {
        let named = |pattern: &str, name: &str| Pattern::of_names(pattern).covers(name.as_bytes());
        target.is_canonical()
            && match (self, target) {
                (Self::Path(pattern), Target::Path(path)) => {
                    Pattern::of_paths(pattern).covers(path.as_bytes())
                }
                (Self::Path(pattern), Target::Tree(folder)) => Pattern::of_paths(pattern).covers_tree(folder),
                (Self::Host(pattern), Target::Host(name)) | (Self::Model(pattern), Target::Model(name)) => {
                    named(pattern, name)
                }
                (Self::Command(patterns), Target::Command(words)) => covers_words(patterns, words),
                _ => false,
            }
    }

    /// Whether a target has a part that is one of them: a folder and all below it, if any of that may be. For the others this is
    /// [`Targets::covers`].
    #[must_use]
    pub fn touches(&self, target: &Target) -> bool {
        match (self, target) {
            (Self::Path(pattern), Target::Tree(folder)) => {
                target.is_canonical() && Pattern::of_paths(pattern).touches_tree(folder)
            }
            _ => self.covers(target),
        }
    }

    /// Whether it can match something.
    ///
    /// # Errors
    /// What is wrong with it, in one line. A ceiling says the same of its patterns.
    pub fn check(&self) -> Result<(), String> {
        match self {
            Self::Path(pattern) => check_path(pattern),
            Self::Host(pattern) => check_host(pattern),
            Self::Model(pattern) => check_model(pattern),
            Self::Command(words) => check_command(words),
        }
    }
}

pub(crate) fn check_path(pattern: &str) -> Result<(), String> {
    if !pattern.starts_with('/') {
        return Err(format!("{pattern:?} is not absolute; begin it with `/`"));
    }
    if pattern.split('/').any(|name| name == "." || name == "..") {
        return Err(format!("{pattern:?} contains `.` or `..`; write the path without them"));
    }
    if pattern.contains("//") || (pattern.len() > 1 && pattern.ends_with('/')) {
        return Err(format!(
            "{pattern:?} contains an empty name; write `/repo` for a folder, and `/repo/**` for everything in it"
        ));
    }
    Ok(())
}

pub(crate) fn check_host(pattern: &str) -> Result<(), String> {
    let is_odd = |c: char| c.is_uppercase() || c.is_whitespace() || c == '/';
    if pattern.is_empty() || pattern.contains(is_odd) {
        return Err(format!("{pattern:?} is not a host; write it in lower case, such as `example.com`"));
    }
    Ok(())
}

pub(crate) fn check_model(pattern: &str) -> Result<(), String> {
    if pattern.is_empty() {
        return Err("a pattern is empty; give a model's name, or `*` for any".to_owned());
    }
    Ok(())
}

pub(crate) fn check_command(words: &[String]) -> Result<(), String> {
    if words.first().is_none_or(String::is_empty) {
        return Err("a pattern has no program; give at least its first word".to_owned());
    }
    Ok(())
}

/// A pattern that has been read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Pattern<'p> {
    text: &'p str,
    /// What ends a segment, if there are segments.
    separator: Option<u8>,
}

#[derive(Clone, Copy, Debug)]
enum PatternPart {
    Byte(u8),
    Segment,
    All,
}

impl<'p> Pattern<'p> {
    /// Of paths: a `/` ends a segment, and `/**` at the end is the folder itself, too.
    pub(crate) const fn of_paths(text: &'p str) -> Self {
        Self { text, separator: Some(b'/') }
    }

    /// Of names without segments: `*` is any run.
    pub(crate) const fn of_names(text: &'p str) -> Self {
        Self { text, separator: None }
    }

    pub(crate) fn covers(&self, text: &[u8]) -> bool {
        let folder = self.separator.and_then(|_| self.text.strip_suffix("/**"));
        let is_folder = folder.is_some_and(|folder| {
            covers(parts(if folder.is_empty() { "/" } else { folder }), self.separator, text)
        });
        is_folder || covers(parts(self.text), self.separator, text)
    }

    /// Whether it covers a folder and whatever may be below it. It says no where it takes more than one look to see that it does.
    pub(crate) fn covers_tree(&self, folder: &str) -> bool {
        let parts: Vec<_> = parts(self.text).collect();
        let Some((PatternPart::All, head)) = parts.split_last() else { return false };
        // What begins so is covered by the last `**`, however it goes on.
        let begins = any_after(head.iter().copied(), self.separator, below(folder).as_bytes(), |covered| {
            covered.contains(&true)
        });
        begins.last && self.covers(folder.as_bytes())
    }

    /// Whether it may cover a folder or something below it.
    pub(crate) fn touches_tree(&self, folder: &str) -> bool {
        let goes_on = any_after(parts(self.text), self.separator, below(folder).as_bytes(), |covered| {
            covered.last() == Some(&true)
        });
        goes_on.ever || self.covers(folder.as_bytes())
    }
}

/// Words against a pattern for each; `**` as the last stands for any more of them.
pub(crate) fn covers_words(patterns: &[String], words: &[String]) -> bool {
    let (patterns, is_open) = match patterns.split_last() {
        Some((last, first)) if last == "**" => (first, true),
        _ => (patterns, false),
    };
    let fits = if is_open { words.len() >= patterns.len() } else { words.len() == patterns.len() };
    fits && patterns
        .iter()
        .zip(words)
        .all(|(pattern, word)| Pattern::of_names(pattern).covers(word.as_bytes()))
}

fn parts(text: &str) -> impl Iterator<Item = PatternPart> + '_ {
    let mut bytes = text.bytes().peekable();
    std::iter::from_fn(move || {
        let byte = bytes.next()?;
        if byte != b'*' {
            return Some(PatternPart::Byte(byte));
        }
        let mut part = PatternPart::Segment;
        while bytes.next_if_eq(&b'*').is_some() {
            part = PatternPart::All;
        }
        Some(part)
    })
}

/// A folder's path with what every path below it goes on with.
fn below(folder: &str) -> String {
    if folder.ends_with('/') { folder.to_owned() } else { format!("{folder}/") }
}

fn covers(parts: impl Iterator<Item = PatternPart>, separator: Option<u8>, text: &[u8]) -> bool {
    any_after(parts, separator, text, |covered| covered.last() == Some(&true)).last
}

/// Whether something holds after some part of the pattern, and whether after its last.
struct HoldsSoFar {
    ever: bool,
    last: bool,
}

/// Looks at which prefixes of the text are covered, before the first part of the pattern and after each: as many steps as both are
/// long, whatever is in them.
fn any_after(
    parts: impl Iterator<Item = PatternPart>,
    separator: Option<u8>,
    text: &[u8],
    holds: impl Fn(&[bool]) -> bool,
) -> HoldsSoFar {
    let mut covered = vec![false; text.len() + 1];
    covered[0] = true;
    let mut last = holds(&covered);
    let mut ever = last;
    for part in parts {
        match part {
            PatternPart::Byte(wanted) => {
                for at in (0..text.len()).rev() {
                    covered[at + 1] = covered[at] && text[at] == wanted;
                }
                covered[0] = false;
            }
            PatternPart::Segment | PatternPart::All => {
                for (at, byte) in text.iter().enumerate() {
                    let goes_on = matches!(part, PatternPart::All) || Some(*byte) != separator;
                    covered[at + 1] |= covered[at] && goes_on;
                }
            }
        }
        last = holds(&covered);
        ever |= last;
    }
    HoldsSoFar { ever, last }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn path(pattern: &str, text: &str) -> bool {
        Pattern::of_paths(pattern).covers(text.as_bytes())
    }

    #[test]
    fn a_star_stays_in_its_segment_and_two_do_not() {
        for (pattern, text) in [
            ("/repo/**", "/repo"),
            ("/repo/**", "/repo/a/b"),
            ("/**", "/"),
            ("/**", "/a"),
            ("/repo/*", "/repo/a"),
            ("/repo/*.rs", "/repo/a.rs"),
            ("/repo/**/*.rs", "/repo/a/b/c.rs"),
            ("/a*b", "/ab"),
            ("/a", "/a"),
        ] {
            assert!(path(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("/repo/**", "/repository"),
            ("/repo/**", "/rep"),
            ("/repo/*", "/repo/a/b"),
            ("/repo/*", "/repo"),
            ("/repo", "/repo/a"),
            ("/a*b", "/a/b"),
            ("", "/"),
            ("/repo/**/*.rs", "/repo/a.py"),
        ] {
            assert!(!path(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn words_are_covered_one_by_one_and_only_the_last_may_be_many() {
        let covers = |patterns: &[&str], words: &[&str]| {
            let owned = |all: &[&str]| all.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
            covers_words(&owned(patterns), &owned(words))
        };
        assert!(covers(&["git", "log", "**"], &["git", "log"]));
        assert!(covers(&["git", "log", "**"], &["git", "log", "-p", "--all"]));
        assert!(covers(&["cargo", "t*"], &["cargo", "test"]));
        assert!(!covers(&["git", "log"], &["git", "log", "--output=x"]));
        assert!(!covers(&["git", "log", "**"], &["git"]));
        assert!(
            !covers(&["git", "**", "log"], &["git", "a", "b", "log"]),
            "`**` is a word's pattern elsewhere"
        );
    }

    /// The same by trying every split.
    fn by_trying(pattern: &[PatternPart], separator: Option<u8>, text: &[u8]) -> bool {
        let Some((first, rest)) = pattern.split_first() else { return text.is_empty() };
        match first {
            PatternPart::Byte(byte) => text.first() == Some(byte) && by_trying(rest, separator, &text[1..]),
            PatternPart::Segment | PatternPart::All => (0..=text.len()).any(|at| {
                let run = &text[..at];
                let stays =
                    matches!(first, PatternPart::All) || !run.iter().any(|byte| Some(*byte) == separator);
                stays && by_trying(rest, separator, &text[at..])
            }),
        }
    }

    #[test]
    fn a_folder_with_all_below_it_is_covered_whole_or_touched_in_part() {
        let tree = |pattern: &str, folder: &str| {
            let (on, target) = (Targets::Path(pattern.into()), Target::Tree(folder.into()));
            (on.covers(&target), on.touches(&target))
        };
        for (pattern, folder) in
            [("/repo/**", "/repo"), ("/repo/**", "/repo/src"), ("/**", "/"), ("/r**", "/repo")]
        {
            assert_eq!(tree(pattern, folder), (true, true), "{pattern} {folder}");
        }
        for (pattern, folder) in [
            ("/repo", "/repo"),
            ("/repo/*", "/repo"),
            ("/repo/*", "/repo/a"),
            ("/repo/src/**", "/repo"),
            ("/repo/a.rs", "/repo"),
            ("/repo/**/*.rs", "/repo/src"),
            ("/repo/s*/x", "/repo/src"),
            ("/a", "/"),
        ] {
            assert_eq!(tree(pattern, folder), (false, true), "{pattern} {folder}");
        }
        for (pattern, folder) in [("/repo/src/**", "/repo/s"), ("/repo/*", "/repository"), ("/a/*", "/a/b/c")]
        {
            assert_eq!(tree(pattern, folder), (false, false), "{pattern} {folder}");
        }
        assert!(!Targets::Host("*".into()).touches(&Target::Tree("/".into())));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]
        #[test]
        fn what_covers_a_folder_covers_each_path_in_it_and_what_covers_one_touches_it(
            pattern in "(/[ab*]{1,2}){1,3}(/\\*\\*)?",
            folder in "(/[ab]{1,2}){0,2}",
            rest in proptest::collection::vec("[ab]{1,2}", 0..3),
        ) {
            let folder = if folder.is_empty() { "/".to_owned() } else { folder };
            let inside = rest.iter().fold(folder.clone(), |path, name| format!("{}{name}", below(&path)));
            let (on, tree) = (Targets::Path(pattern.clone()), Target::Tree(folder.clone()));
            if on.covers(&tree) {
                prop_assert!(path(&pattern, &inside), "{pattern} {folder} {inside}");
                prop_assert!(on.touches(&tree));
            }
            if path(&pattern, &inside) {
                prop_assert!(on.touches(&tree), "{pattern} {folder} {inside}");
            }
        }

        #[test]
        fn a_pattern_covers_what_some_split_of_the_text_fits(pattern in "[ab/*]{0,8}", text in "[ab/]{0,8}") {
            for separator in [None, Some(b'/')] {
                let all: Vec<_> = parts(&pattern).collect();
                prop_assert_eq!(
                    covers(parts(&pattern), separator, text.as_bytes()),
                    by_trying(&all, separator, text.as_bytes())
                );
            }
        }
    }
}
