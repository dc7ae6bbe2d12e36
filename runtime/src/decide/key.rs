//! Keys: what names a thing that a turn begins, the same in each attempt at its task: pure.
//!
//! A key says in which branch of the turn, of which kind, with which input, and the how many-th of such. A turn that is
//! tried again and begins the same things gives them the same keys, so it finds what became of them.
//!
//! # Invariants
//! 1. No key is given twice in an attempt.
//! 2. A key whose thing came to nothing (it was withdrawn, stopped, late) is never given again: it is an id, and an id
//!    does not change its meaning.
//! 3. An attempt that begins the same things in the same order as the one before gets its keys, but for those.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use crate::decide::kept::{Mirror, Order};

/// The first 128 bits of BLAKE3 over the kind, a zero byte, and the input as JSON with sorted keys; where that cannot say what
/// the input is, another zero byte and its [`Mirror`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Digest([u8; 16]);

/// What a key is about, without its number.
///
/// The digest comes first, since most keys differ there and a look-up compares a dozen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct About {
    pub(crate) digest: Digest,
    pub(crate) kind: &'static str,
    /// The path of branches, scopes and the part; none is the turn's own.
    pub(crate) branch: Option<Arc<str>>,
}

/// The n-th of its kind with this digest in its branch, from 1.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) about: About,
    pub(crate) nth: u32,
}

impl Digest {
    pub(crate) const fn bytes(self) -> [u8; 16] {
        self.0
    }

    /// An input that JSON cannot say, or cannot tell from another, is digested as its own code describes it. None for one
    /// that does not even do that, or nests so deeply that nobody looks at it.
    pub(crate) fn of(kind: &str, input: &impl Serialize) -> Option<Self> {
        let mut text = Vec::with_capacity(128);
        text.extend_from_slice(kind.as_bytes());
        text.push(0);
        let begins = text.len();
        let is_plain = Mirror::of(input, Order::Everywhere).ok()?.is_plain();
        // As it comes it is what the longer way would write.
        let is_written = is_plain && serde_json::to_writer(&mut text, input).is_ok();
        if !is_written {
            text.truncate(begins);
            write_any(input, &mut text)?;
        }
        let hash = blake3::hash(&text);
        let (first, _) = hash.as_bytes().split_first_chunk().expect("a hash has 256 bits");
        Some(Self(*first))
    }
}

/// Any input that describes itself: as sorted JSON, or as its mirror where JSON cannot say what it is.
fn write_any(input: &impl Serialize, text: &mut Vec<u8>) -> Option<()> {
    let mirror = Mirror::of(input, Order::InSequences).ok()?;
    match serde_json::to_value(input) {
        Ok(json) if !mirror.is_odd() => write_sorted(&json, text),
        _ => {
            // No JSON begins with this.
            text.push(0);
            text.extend_from_slice(mirror.as_bytes());
        }
    }
    Some(())
}

/// JSON whose objects have their keys in order, whatever map they were written from.
fn write_sorted(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| *key);
            out.push(b'{');
            for (at, (key, value)) in entries.into_iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write_plain(&Value::from(key.as_str()), out);
                out.push(b':');
                write_sorted(value, out);
            }
            out.push(b'}');
        }
        Value::Array(items) => {
            out.push(b'[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write_sorted(item, out);
            }
            out.push(b']');
        }
        plain => write_plain(plain, out),
    }
}

fn write_plain(value: &Value, out: &mut Vec<u8>) {
    out.extend_from_slice(value.to_string().as_bytes());
}

/// Such as `ask-00112233445566778899aabbccddeeff-1`, with `branch:` before it where it has one.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(branch) = &self.about.branch {
            write!(f, "{branch}:")?;
        }
        f.write_str(self.about.kind)?;
        f.write_char('-')?;
        // Without the machinery of `format!` for each byte, since every ask in a turn has a key.
        let mut digits = [0; 32];
        for (two, byte) in digits.chunks_exact_mut(2).zip(self.about.digest.0) {
            let digit = |half: u8| b"0123456789abcdef"[usize::from(half)];
            two.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
        }
        f.write_str(std::str::from_utf8(&digits).expect("digits are ASCII"))?;
        write!(f, "-{}", self.nth)
    }
}

/// What stands under a key from an earlier attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It goes on, or has its answer: whoever begins it again gets it.
    Holds,
    /// It came to nothing.
    Spent,
}

/// The numbers that have been given in this attempt.
#[derive(Default)]
pub(crate) struct Numbers {
    given: BTreeMap<About, u32>,
}

impl Numbers {
    /// The next key, and whether something holds under it.
    pub(crate) fn next(
        &mut self,
        about: &About,
        mut standing: impl FnMut(&Key) -> Option<Standing>,
    ) -> (Key, bool) {
        let given = self.given.entry(about.clone()).or_default();
        loop {
            *given += 1;
            let key = Key { about: about.clone(), nth: *given };
            match standing(&key) {
                None => return (key, false),
                Some(Standing::Holds) => return (key, true),
                Some(Standing::Spent) => {}
            }
        }
    }

    /// Another attempt begins.
    pub(crate) fn begin_again(&mut self) {
        self.given.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::branch::below;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn about(branch: Option<&str>, input: &impl Serialize) -> About {
        let digest = Digest::of("ask", input).unwrap();
        About { branch: branch.map(|name| below(None, name)), kind: "ask", digest }
    }

    #[test]
    fn keys_are_written_as_they_were_from_the_beginning() {
        let golden = [
            (None, serde_json::json!(null), 1, "ask-af635e370e0772776c5e77e1a916149e-1"),
            (
                None,
                serde_json::json!({ "b": [1, -2.5, "x\n\u{e9}"], "a": { "d": true, "c": null } }),
                2,
                "ask-72e1be9bb993ae81d3bb79c2b99cadc2-2",
            ),
            (
                Some("src/main.rs"),
                serde_json::json!([]),
                10,
                "src%2Fmain.rs:ask-c720ce3c2241944eec2a3c1e85a8eac3-10",
            ),
        ];
        for (branch, input, nth, text) in golden {
            assert_eq!(Key { about: about(branch, &input), nth }.to_string(), text);
        }
        assert_ne!(Digest::of("ask", &1), Digest::of("spawn", &1));
        // The kind's end is marked: it cannot be taken for a part of the input.
        assert_ne!(Digest::of("ask", &1), Digest::of("as", &1));
    }

    #[test]
    fn an_input_that_is_no_json_has_a_digest_of_its_own() {
        let of = |input: &dyn Fn() -> Option<Digest>| input().unwrap();
        let maps = [((1, 2), 3), ((1, 2), 4), ((2, 1), 3)].map(|entry| BTreeMap::from([entry]));
        let floats = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
        let mut all: Vec<_> = maps.iter().map(|map| of(&|| Digest::of("ask", map))).collect();
        all.extend(floats.iter().map(|float| of(&|| Digest::of("ask", &Some(float)))));
        all.push(of(&|| Digest::of("ask", &None::<f64>)));
        all.push(of(&|| Digest::of("ask", &u128::MAX)));
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
        assert_eq!(Digest::of("ask", &maps[0]), Digest::of("ask", &maps[0].clone()));
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map(".{0,4}", inner, 0..5)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    /// What a task may be made of.
    #[derive(Clone, Debug, Serialize)]
    enum Part {
        Nothing,
        Wide(u128),
        Small(i8),
        Float(f32),
        Maybe(Option<Option<bool>>),
        Sorted { a: String, b: u64 },
        Unsorted { b: u64, a: char },
        Pair((), Vec<Part>),
        Map(BTreeMap<String, u8>),
        Whole(Value),
    }

    fn part() -> impl Strategy<Value = Part> {
        let leaf = prop_oneof![
            Just(Part::Nothing),
            any::<u64>().prop_map(|number| Part::Wide(number.into())),
            any::<u128>().prop_map(Part::Wide),
            any::<i8>().prop_map(Part::Small),
            any::<f32>().prop_map(Part::Float),
            any::<Option<Option<bool>>>().prop_map(Part::Maybe),
            (any::<String>(), any::<u64>()).prop_map(|(a, b)| Part::Sorted { a, b }),
            (any::<char>(), any::<u64>()).prop_map(|(a, b)| Part::Unsorted { b, a }),
            prop::collection::btree_map("[a-c]{1,2}", any::<u8>(), 0..3).prop_map(Part::Map),
            json().prop_map(Part::Whole),
        ];
        leaf.prop_recursive(3, 12, 3, |inner| {
            prop::collection::vec(inner, 0..3).prop_map(|parts| Part::Pair((), parts))
        })
    }

    proptest! {
        #[test]
        fn the_short_way_writes_what_the_long_way_does(part in part()) {
            let mut long = b"ask\0".to_vec();
            write_any(&part, &mut long).unwrap();
            let hash = blake3::hash(&long);
            let digest = Digest::of("ask", &part).unwrap();
            prop_assert_eq!(&digest.bytes()[..], &hash.as_bytes()[..16]);
            if Mirror::of(&part, Order::Everywhere).unwrap().is_plain() {
                let mut short = b"ask\0".to_vec();
                serde_json::to_writer(&mut short, &part).unwrap();
                prop_assert_eq!(short, long);
            }
        }

        #[test]
        fn sorted_json_is_the_same_json(value in json()) {
            let mut text = Vec::new();
            write_sorted(&value, &mut text);
            prop_assert_eq!(serde_json::from_slice::<Value>(&text).unwrap(), value);
        }

        /// Attempts that begin the same things, of which some come to nothing, against plain lists.
        #[test]
        fn an_attempt_gets_what_holds_and_never_what_is_spent(
            begun in prop::collection::vec(0_u8..3, 1..12),
            fates in prop::collection::vec(any::<bool>(), 60),
        ) {
            let mut numbers = Numbers::default();
            let mut standing: BTreeMap<Key, Standing> = BTreeMap::new();
            let mut fates = fates.into_iter().cycle();
            for _ in 0..4 {
                numbers.begin_again();
                let mut given = BTreeSet::new();
                let before = standing.clone();
                for input in &begun {
                    let (key, holds) = numbers.next(&about(None, input), |key| standing.get(key).copied());
                    prop_assert!(given.insert(key.clone()), "given twice");
                    prop_assert_eq!(holds, before.get(&key) == Some(&Standing::Holds));
                    prop_assert!(before.get(&key) != Some(&Standing::Spent), "given again");
                    let holds = holds || fates.next() == Some(true);
                    standing.insert(key, if holds { Standing::Holds } else { Standing::Spent });
                }
                let held = before.iter().filter(|(_, standing)| **standing == Standing::Holds);
                prop_assert!(held.into_iter().all(|(key, _)| given.contains(key)), "what holds is found again");
            }
        }
    }
}
