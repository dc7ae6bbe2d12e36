//! When two failures are taken for one: the same promise is broken first, or the same line of a test gives way.

use crate::world::Wrong;

/// What kind of failure it is. A smaller plan has to fail in the same way, not in any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The first promise or oracle that the lab names.
    Promise(String),
    /// The first line, with its numbers left out, and the place of the panic.
    Words(String, Option<String>),
}

impl Kind {
    /// Whether the test has shown nothing: no plan has to do with that.
    pub(crate) fn is_of_the_test(&self) -> bool {
        *self == Self::Promise("test".to_owned())
    }

    pub(crate) fn of(wrong: &Wrong) -> Self {
        let promises: Vec<_> = wrong.text.lines().filter_map(promise).collect();
        // A rule that no longer fires is what a smaller plan often brings along.
        let first = promises.iter().find(|name| **name != "plan").or(promises.first());
        match first {
            Some(name) => Self::Promise((*name).to_owned()),
            None => {
                let line = wrong.text.lines().next().unwrap_or_default();
                Self::Words(without_numbers(line), wrong.place.clone())
            }
        }
    }
}

/// The name at the begin of a line of a lab's failure: `- P1 stops: …`.
fn promise(line: &str) -> Option<&str> {
    line.strip_prefix("- ")?.split_once(": ").map(|(name, _)| name)
}

fn without_numbers(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    for c in line.chars() {
        match c.is_ascii_digit() {
            true if text.ends_with('#') => {}
            true => text.push('#'),
            false => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str, place: Option<&str>) -> Kind {
        Kind::of(&Wrong { text: text.to_owned(), place: place.map(str::to_owned), trace: None })
    }

    #[test]
    fn failures_are_one_if_their_first_promise_or_their_line_is_one() {
        let plan = "- plan: never fired: panic in each turn";
        let stops = "- P1 stops: stop 3 of lab.1 began and never ended";
        assert_eq!(
            kind(stops, None),
            kind(&format!("{plan}\n{}", stops.replace('3', "14")), Some("lab.rs:1"))
        );
        assert_ne!(kind(stops, None), kind("- P1 order: lab.1 has outlived the session", None));
        assert_eq!(kind(plan, None), Kind::Promise("plan".to_owned()));
        assert_eq!(kind("charged 3 times", Some("a.rs:9")), kind("charged 12 times\nmore", Some("a.rs:9")));
        assert_ne!(kind("charged 3 times", Some("a.rs:9")), kind("charged 3 times", Some("a.rs:7")));
        assert_ne!(kind("charged 3 times", None), kind("lost 3 times", None));
    }
}
