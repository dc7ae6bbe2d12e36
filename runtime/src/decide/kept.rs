//! Values that are kept as text for a later attempt: written as JSON, and only if they come back as what they were.
//!
//! That is tried when they are made, when something can still be done about it: written, read back, and both looked at as
//! their own code describes them. A number that JSON does not have, a map whose keys are no text, a field that is written
//! and not read, a variant that is read as another: all of that differs, or cannot be read.
//!
//! What a type itself leaves out (`#[serde(skip)]`) is no part of the value, and two variants that an untagged enum writes
//! alike are the same to it: whoever wants them to come back writes them.

mod mirror;

use serde::Serialize;
use serde::de::DeserializeOwned;

use self::mirror::NoMirror;
pub(crate) use self::mirror::{Mirror, Order};

/// Why a value cannot be kept, in words that hold nothing of it.
pub(crate) type NotKept = &'static str;

/// The value as text, and as it comes back from that.
pub(crate) fn write<T: Serialize + DeserializeOwned>(value: &T) -> Result<(Vec<u8>, T), NotKept> {
    let not_seen = |blind| match blind {
        NoMirror::Own => "it cannot be written as JSON",
        NoMirror::Deep => "it nests too deeply",
    };
    let was = Mirror::of(value, Order::Everywhere).map_err(not_seen)?;
    let text = serde_json::to_vec(value).map_err(|_| "it cannot be written as JSON")?;
    let back: T = serde_json::from_slice(&text).map_err(|_| "its JSON cannot be read back")?;
    if Mirror::of(&back, Order::Everywhere) == Ok(was) || is_same_but_for_order(value, &back) {
        Ok((text, back))
    } else {
        Err("its JSON reads back as another value")
    }
}

/// A hash map, and a hash set, comes back in another order; its text keeps it all the same.
fn is_same_but_for_order<T: Serialize>(value: &T, back: &T) -> bool {
    let was = Mirror::of(value, Order::InTuples);
    was.is_ok() && was == Mirror::of(back, Order::InTuples)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::Deserialize;
    use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

    #[derive(Serialize, Deserialize)]
    struct Row<T> {
        value: T,
    }

    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    enum Loose {
        Float(f64),
        Whole(u64),
    }

    #[derive(Serialize, Deserialize)]
    #[serde(tag = "kind")]
    enum Tagged {
        Unit,
        Row { at: Option<u32> },
    }

    #[derive(Serialize, Deserialize)]
    struct WrittenAnew {
        #[serde(skip_serializing)]
        _secret: u64,
    }

    #[derive(Serialize, Deserialize)]
    struct Renamed {
        #[serde(rename(serialize = "one", deserialize = "other"), default)]
        value: u64,
    }

    #[derive(Serialize, Deserialize)]
    struct Bounded {
        #[serde(deserialize_with = "at_most_nine")]
        value: u64,
    }

    fn at_most_nine<'de, D: serde::Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
        u64::deserialize(from).map(|value| value.min(9))
    }

    fn is_kept<T: Serialize + DeserializeOwned>(value: T) -> bool {
        write(&Row { value }).is_ok()
    }

    #[test]
    fn what_json_does_not_have_is_noticed() {
        for odd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(!is_kept(odd) && !is_kept(vec![1.0, odd]), "{odd}");
            assert!(!is_kept(Some(odd)), "it would come back as none");
            assert!(!is_kept(
                BTreeMap::from([("a", odd)])
                    .into_iter()
                    .map(|(k, v)| (k.to_owned(), v))
                    .collect::<BTreeMap<_, _>>()
            ));
        }
        assert!(!is_kept(f32::NAN) && !is_kept(Some(f32::INFINITY)));
        assert!(!is_kept(BTreeMap::from([((1, 2), 3)])), "a key that is not text");
        assert!(!is_kept(HashMap::from([(vec![1_u8], 3)])));
        assert!(!is_kept(Some(Some(()))), "an option in an option");
        assert!(!is_kept(Some(None::<u8>)));
    }

    #[test]
    fn what_a_type_reads_otherwise_than_it_writes_is_noticed() {
        assert!(write(&Loose::Whole(3)).is_err(), "it would come back as a float");
        assert!(write(&Loose::Float(3.5)).is_ok());
        assert!(write(&WrittenAnew { _secret: 3 }).is_err());
        assert!(write(&Renamed { value: 3 }).is_err());
        assert!(write(&Bounded { value: 10 }).is_err() && write(&Bounded { value: 9 }).is_ok());
    }

    #[test]
    fn what_is_odd_and_comes_back_is_kept() {
        assert!(
            is_kept(BTreeMap::from([(1_u64, 'a'), (u64::MAX, 'b')])),
            "numbers as keys are written as text"
        );
        assert!(is_kept(HashMap::from([(true, ())])));
        assert!(is_kept(BTreeMap::from([(Some(1), 3)])));
        assert!(is_kept(HashSet::from([1, 2, 3, 4, 5, 6, 7])), "in whatever order it is written");
        assert!(is_kept((0..100).map(|at| (at.to_string(), at)).collect::<HashMap<_, _>>()));
        assert!(is_kept(BTreeSet::from([(-0.0_f32).to_bits()])));
        assert!(is_kept(-0.0_f64) && is_kept(f64::MIN_POSITIVE) && is_kept(f64::MAX));
        assert!(is_kept((i128::from(i64::MIN), u128::from(u64::MAX))));
        assert!(is_kept(("a\u{0}\n\u{1F41D}".to_owned(), 'x', [(); 3])));
        assert!(is_kept(vec![Tagged::Unit, Tagged::Row { at: None }, Tagged::Row { at: Some(3) }]));
        assert!(is_kept(Ok::<u8, String>(3)) && is_kept(Err::<u8, _>("no".to_owned())));
        assert!(is_kept(serde_json::json!({ "b": [1, -2.5, null], "a": { "d": true } })));
        assert!(is_kept(std::time::Duration::from_nanos(1_234_567_890_123)));
    }

    /// A list, as deep as it is long.
    #[derive(Default, Serialize, Deserialize)]
    struct Nested {
        next: Option<Box<Nested>>,
    }

    fn nested(levels: usize) -> Nested {
        (0..levels).fold(Nested::default(), |next, _| Nested { next: Some(Box::new(next)) })
    }

    #[test]
    fn what_nests_too_deeply_is_said_before_a_stack_ends() {
        assert!(write(&nested(100)).is_ok());
        assert_eq!(write(&nested(5_000)).err(), Some("it nests too deeply"));
    }

    #[test]
    fn what_a_value_is_compared_by_is_about_as_large_as_it_is() {
        let mirror = |order| Mirror::of(&vec![7_u8; 100_000], order).unwrap();
        assert!(mirror(Order::Everywhere).as_bytes().len() < 200_100);
        assert_eq!(mirror(Order::Everywhere), mirror(Order::InTuples));
    }

    #[test]
    fn the_largest_numbers_are_kept_or_said_not_to_be() {
        for value in [i128::MIN, i128::MAX, 0, -1] {
            if let Ok((text, _)) = write(&value) {
                assert_eq!(serde_json::from_slice::<i128>(&text).unwrap(), value);
            }
        }
        if let Ok((text, _)) = write(&u128::MAX) {
            assert_eq!(serde_json::from_slice::<u128>(&text).unwrap(), u128::MAX);
        }
    }

    proptest! {
        #[test]
        fn what_is_kept_comes_back_to_its_last_bit(floats: Vec<f64>, small: Vec<f32>) {
            let is_finite = floats.iter().all(|float| float.is_finite()) && small.iter().all(|float| float.is_finite());
            let kept = write(&(floats.clone(), small.clone()));
            prop_assert_eq!(kept.is_ok(), is_finite);
            if let Ok((text, _)) = kept {
                let (back, small_back): (Vec<f64>, Vec<f32>) = serde_json::from_slice(&text).unwrap();
                prop_assert!(back.iter().map(|f| f.to_bits()).eq(floats.iter().map(|f| f.to_bits())));
                prop_assert!(small_back.iter().map(|f| f.to_bits()).eq(small.iter().map(|f| f.to_bits())));
            }
        }
    }
}
