//! What a type of the program takes: found by giving it samples, before anything is run.
//!
//! A type that is read by serde says what it expects before it is given anything. So a sample is made of whatever it asks for, and
//! what it asked is written down. A field that it reports as missing when only that is left out is one that it needs. Where a type
//! takes no sample, as one that parses its text may not, what was learned until then holds, and nothing is made of the rest.

mod sample;

use serde::de::DeserializeOwned;

use self::sample::{NoSample, Sample};
use super::shape::{Field, Fields, Shape};

/// Fields of which it is found out whether they must be there: each takes a sample of the whole.
const FIELDS: usize = 64;

/// What a `T` is read from.
pub(super) fn taken_by<T: DeserializeOwned>() -> Shape {
    let mut shape = Shape::Any;
    // What it comes to does not matter: what it asked for does.
    let _ = T::deserialize(Sample { asked: &mut shape, left_out: &[], depth: 0 });
    let mut paths = Vec::new();
    collect(&shape, &mut Vec::new(), &mut paths);
    for path in paths.into_iter().take(FIELDS) {
        let is_missed = matches!(
            T::deserialize(Sample { asked: &mut Shape::Any, left_out: &path, depth: 0 }),
            Err(NoSample::Missing(field)) if path.last().is_some_and(|last| last == field)
        );
        if is_missed && let Some(field) = field_mut(&mut shape, &path) {
            field.is_required = true;
        }
    }
    shape
}

/// What a `T` is written down as.
pub(super) fn given_by<T: DeserializeOwned>() -> Shape {
    taken_by::<T>().all_there()
}

fn fields(shape: &Shape) -> Option<&Fields> {
    match shape {
        Shape::Object(fields) => fields.as_ref(),
        Shape::Maybe(inner) => fields(inner),
        _ => None,
    }
}

fn collect(shape: &Shape, here: &mut Vec<String>, paths: &mut Vec<Vec<String>>) {
    for (name, field) in fields(shape).into_iter().flatten() {
        here.push(name.clone());
        paths.push(here.clone());
        collect(&field.shape, here, paths);
        here.pop();
    }
}

fn field_mut<'s>(shape: &'s mut Shape, path: &[String]) -> Option<&'s mut Field> {
    let (name, rest) = path.split_first()?;
    let fields = match shape {
        Shape::Object(fields) => fields.as_mut()?,
        Shape::Maybe(inner) => return field_mut(inner, path),
        _ => return None,
    };
    let field = fields.get_mut(name)?;
    if rest.is_empty() { Some(field) } else { field_mut(&mut field.shape, rest) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::num::NonZeroU32;
    use std::time::Duration;

    use serde::Deserialize;
    use serde_json::{Value, json};

    use super::*;

    #[derive(Deserialize)]
    #[allow(dead_code, reason = "it is looked at and never made")]
    struct Brief {
        text: String,
        #[serde(rename = "how-many")]
        count: NonZeroU32,
        kind: Kind,
        map: Map,
        notes: Option<Vec<String>>,
        #[serde(default)]
        tags: BTreeMap<String, u8>,
        pair: (u8, bool),
        next: Option<Box<Brief>>,
    }

    #[derive(Deserialize)]
    #[allow(dead_code, reason = "it is looked at and never made")]
    enum Kind {
        Bug(Map),
        Feature { size: f64 },
        Other,
    }

    #[derive(Deserialize)]
    #[allow(dead_code, reason = "it is looked at and never made")]
    struct Map {
        files: Vec<String>,
        took: Option<Duration>,
    }

    fn shape(said: Value) -> Shape {
        serde_json::from_value(said).unwrap()
    }

    #[test]
    fn a_type_says_what_it_takes_and_what_it_needs() {
        let given = json!({
            "text": "", "how-many": 1, "kind": "Other", "map": { "files": [] }, "pair": [1, true]
        });
        let wanted = taken_by::<Brief>();
        assert_eq!(Shape::of(&given).fits(&wanted), Ok(()));
        assert!(serde_json::from_value::<Brief>(given.clone()).is_ok());
        for name in ["text", "how-many", "kind", "map", "pair"] {
            let mut given = given.clone();
            given.as_object_mut().unwrap().remove(name);
            let missing = format!("it has no \"{name}\"");
            assert_eq!(Shape::of(&given).fits(&wanted), Err(missing));
        }
        let wrong = json!({ "files": "a" });
        let mut given = given;
        given["map"] = wrong;
        let words = "its \"map.files\" is a string, and an array is wanted".to_owned();
        assert_eq!(Shape::of(&given).fits(&wanted), Err(words));
        given["map"] = json!({});
        assert_eq!(Shape::of(&given).fits(&wanted), Err("it has no \"map.files\"".to_owned()));
    }

    #[test]
    fn plain_types_are_their_json() {
        assert_eq!(taken_by::<String>(), Shape::Text);
        assert_eq!(taken_by::<Vec<Brief>>(), Shape::Array);
        assert_eq!(taken_by::<()>(), Shape::Null);
        assert_eq!(taken_by::<Value>(), Shape::Any);
        assert_eq!(taken_by::<Kind>(), Shape::Any);
        assert_eq!(taken_by::<Option<bool>>(), Shape::Boolean.maybe());
        assert_eq!(taken_by::<serde_json::Map<String, Value>>(), Shape::Object(None));
    }

    #[test]
    fn what_is_given_has_all_of_its_fields() {
        let given = given_by::<Map>();
        assert_eq!(given.fits(&shape(json!({ "files": "array", "took": "any" }))), Ok(()));
        assert_eq!(given.fits(&shape(json!({ "size": "number" }))), Err("it has no \"size\"".to_owned()));
    }
}
