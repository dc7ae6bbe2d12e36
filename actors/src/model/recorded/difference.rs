//! Which recorded request is nearest to one that was not recorded, and the first difference between them: on one line,
//! quoting only a few words of any text.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;
use skep_runtime::text::one_line;

/// The number of characters shown of a text: a few words.
const SHOWN: usize = 24;

/// A place in a request.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    At(usize),
    Of(String),
}

/// The values of a request by their place: everything that is not a list or an object with something in it.
type Leaves<'v> = BTreeMap<Vec<Step>, &'v Value>;

/// The recorded request that has most in common with the asked one; if several are equal in this, the first.
pub(super) fn nearest<'r>(asked: &Value, recorded: impl Iterator<Item = &'r Value>) -> Option<usize> {
    let asked = leaves(asked);
    let likeness = |recorded: &Value| -> u64 {
        leaves(recorded).iter().filter_map(|(place, value)| Some(alike(asked.get(place)?, value))).sum()
    };
    let all = recorded.enumerate().map(|(at, recorded)| (at, likeness(recorded)));
    all.reduce(|best, next| if next.1 > best.1 { next } else { best }).map(|(at, _)| at)
}

/// How much two values at the same place have in common, in thousandths. For texts, what counts is how much of their
/// beginnings and ends is equal.
fn alike(one: &Value, other: &Value) -> u64 {
    if one == other {
        return 1_000;
    }
    let (Value::String(one), Value::String(other)) = (one, other) else { return 0 };
    let count =
        |pairs: &mut dyn Iterator<Item = (u8, u8)>| pairs.take_while(|(one, other)| one == other).count();
    let begin = count(&mut one.bytes().zip(other.bytes()));
    let (one_rest, other_rest) = (&one.as_bytes()[begin..], &other.as_bytes()[begin..]);
    let end = count(&mut one_rest.iter().rev().copied().zip(other_rest.iter().rev().copied()));
    let (same, longest) = ((begin + end) as u64, one.len().max(other.len()).max(1) as u64);
    // A text that differs never scores as high as one that is equal.
    (same * 1_000 / longest).min(999)
}

/// The first thing in which a request differs from a recorded one; none if they are equal.
pub(super) fn first(asked: &Value, recorded: &Value) -> Option<String> {
    let (asked, recorded) = (leaves(asked), leaves(recorded));
    let other = |(place, value): (&Vec<Step>, &&Value), others: &Leaves<'_>| {
        (others.get(place) != Some(value)).then(|| place.clone())
    };
    let here = asked.iter().find_map(|leaf| other(leaf, &recorded));
    let there = recorded.iter().find_map(|leaf| other(leaf, &asked));
    let place = here.into_iter().chain(there).min()?;
    let name = named(&place);
    Some(match (asked.get(&place), recorded.get(&place)) {
        (Some(asked), Some(recorded)) => {
            let (asked, recorded) = shown(asked, recorded);
            format!("{name} is {asked}, and was {recorded}")
        }
        (Some(_), None) => format!("{name} was not there"),
        (None, _) => format!("{name} was there"),
    })
}

fn leaves(value: &Value) -> Leaves<'_> {
    let mut all = Leaves::new();
    gather(value, &mut Vec::new(), &mut all);
    all
}

fn gather<'v>(value: &'v Value, place: &mut Vec<Step>, all: &mut Leaves<'v>) {
    let mut below = |step, value| {
        place.push(step);
        gather(value, place, all);
        place.pop();
    };
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            fields.iter().for_each(|(name, value)| below(Step::Of(name.clone()), value));
        }
        Value::Array(values) if !values.is_empty() => {
            values.iter().enumerate().for_each(|(at, value)| below(Step::At(at), value));
        }
        leaf => drop(all.insert(place.clone(), leaf)),
    }
}

/// Such as `messages[2].text`. A long field name is shortened, since it may be somebody's text.
fn named(place: &[Step]) -> String {
    let mut name = String::new();
    for step in place {
        let written = match step {
            Step::At(at) => write!(name, "[{at}]"),
            Step::Of(field) if name.is_empty() => write!(name, "{}", cut(field)),
            Step::Of(field) => write!(name, ".{}", cut(field)),
        };
        written.ok();
    }
    one_line(&name)
}

/// Both, starting at the word in which they differ.
fn shown(one: &Value, other: &Value) -> (String, String) {
    let (Value::String(one), Value::String(other)) = (one, other) else {
        return (cut(&one.to_string()), cut(&other.to_string()));
    };
    let same = one.chars().zip(other.chars()).take_while(|(one, other)| one == other);
    let same: String = same.map(|(one, _)| one).collect();
    // The start of the word, if that is near.
    let word = same.rfind(char::is_whitespace).map_or(0, |at| at + 1);
    let word = (word..=same.len()).find(|at| same.is_char_boundary(*at)).unwrap_or(same.len());
    let from = if same[word..].chars().count() < SHOWN / 2 { word } else { same.len() };
    let quoted = |text: &str| {
        let begins = if from > 0 { "…" } else { "" };
        format!("\"{begins}{}\"", one_line(&cut(&text[from..])))
    };
    (quoted(one), quoted(other))
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn request(text: &str, most: u64) -> Value {
        json!({ "max_output_tokens": most, "messages": [{ "role": "user", "text": text }], "tools": [] })
    }

    #[test]
    fn the_nearest_is_named_with_the_first_difference_in_a_few_words() {
        let recorded =
            [request("A coat in Oslo?", 9), request("Is a hat needed in Rome, or are the evenings warm?", 9)];
        let asked = request("Is a hat needed in Paris, where my secret is kept?", 9);
        assert_eq!(nearest(&asked, recorded.iter()), Some(1), "the texts begin alike");
        let neither = request("Why?", 9);
        assert_eq!(
            nearest(&neither, [&recorded[1], &recorded[1]].into_iter()),
            Some(0),
            "of equals the first"
        );
        let other = json!({ "max_output_tokens": 1, "messages": [], "tools": [] });
        assert_eq!(nearest(&asked, [&other, &recorded[1]].into_iter()), Some(1));
        let difference = first(&asked, &recorded[1]).unwrap();
        assert_eq!(
            difference,
            r#"messages[0].text is "…Paris, where my secret i…", and was "…Rome, or are the evening…""#
        );
        assert_eq!(first(&request("a", 9), &request("a", 8)).unwrap(), "max_output_tokens is 9, and was 8");
        let more = json!({ "messages": [{ "role": "user", "text": "a" }, { "role": "user", "text": "b" }], "tools": [] });
        let fewer = json!({ "messages": [{ "role": "user", "text": "a" }], "tools": [] });
        assert_eq!(first(&more, &fewer).unwrap(), "messages[1].role was not there");
        assert_eq!(first(&fewer, &more).unwrap(), "messages[1].role was there");
        assert_eq!(first(&more, &more), None);
        assert_eq!(nearest(&more, std::iter::empty()), None);
    }

    proptest! {
        #[test]
        fn whatever_differs_is_said_on_one_line_and_shortly(one in "(é|a|b| |\n|\"){0,80}", other in "(é|a|b| |\n|\"){0,80}") {
            let said = first(&request(&one, 1), &request(&other, 1));
            prop_assert_eq!(said.is_none(), one == other);
            let said = said.unwrap_or_default();
            prop_assert_eq!(said.lines().count() <= 1, true, "{}", said);
            // Two texts of 24 characters each, all of them escaped at worst, and our own words.
            prop_assert!(said.chars().count() <= 2 * (2 * SHOWN + 4) + 40, "{}", said);
        }
    }
}
