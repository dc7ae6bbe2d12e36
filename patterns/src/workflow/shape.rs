//! What a value looks like, as far as a workflow can know before it runs: pure.
//!
//! A shape comes from a contract in a file, from a type of the program ([`probe`](super::probe)), or from a value. Where nothing
//! is known it is [`Shape::Any`], which fits all: a check says only what is sure to go wrong.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::Value;

use super::error::Quoted;

/// What a value looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Any,
    Null,
    Boolean,
    Number,
    Text,
    Array,
    /// Its fields, if they are known.
    Object(Option<Fields>),
    /// This or null.
    Maybe(Box<Shape>),
}

pub(super) type Fields = BTreeMap<String, Field>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) shape: Shape,
    /// Of what is given: it is always there. Of what is taken: it has to be.
    pub(super) is_required: bool,
}

/// What a contract may say.
const WORDS: &str = "any, null, boolean, number, string, array, object, or a table of fields";

impl Shape {
    pub(super) fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(_) => Self::Boolean,
            Value::Number(_) => Self::Number,
            Value::String(_) => Self::Text,
            Value::Array(_) => Self::Array,
            Value::Object(fields) => {
                let field = |value| Field { shape: Self::of(value), is_required: true };
                Self::Object(Some(fields.iter().map(|(name, value)| (name.clone(), field(value))).collect()))
            }
        }
    }

    pub(super) fn maybe(self) -> Self {
        match self {
            Self::Any | Self::Null | Self::Maybe(_) => self,
            _ => Self::Maybe(Box::new(self)),
        }
    }

    /// The same of a value that is written down, where every field is there.
    pub(super) fn all_there(self) -> Self {
        match self {
            Self::Object(Some(fields)) => {
                let there = |field: Field| Field { shape: field.shape.all_there(), is_required: true };
                Self::Object(Some(fields.into_iter().map(|(name, field)| (name, there(field))).collect()))
            }
            Self::Maybe(inner) => Self::Maybe(Box::new(inner.all_there())),
            _ => self,
        }
    }

    /// Whether what is given fits what is wanted.
    ///
    /// # Errors
    /// What does not: `its "map.files" is a string, and an array is wanted`.
    pub(super) fn fits(&self, wanted: &Self) -> Result<(), String> {
        self.fits_at(wanted, "")
    }

    fn fits_at(&self, wanted: &Self, path: &str) -> Result<(), String> {
        let misfit = || {
            let it = if path.is_empty() { "it".to_owned() } else { format!("its {}", Quoted(path)) };
            Err(format!("{it} is {self}, and {wanted} is wanted"))
        };
        match (self, wanted) {
            (Self::Any, _) | (_, Self::Any) | (Self::Null, Self::Maybe(_)) => Ok(()),
            (Self::Maybe(given), Self::Maybe(wanted)) => given.fits_at(wanted, path),
            (given, Self::Maybe(wanted)) => given.fits_at(wanted, path),
            (Self::Object(given), Self::Object(wanted)) => match (given, wanted) {
                (Some(given), Some(wanted)) => fields_fit(given, wanted, path),
                _ => Ok(()),
            },
            (given, wanted) if given == wanted => Ok(()),
            _ => misfit(),
        }
    }

    /// What is found by this path of fields.
    ///
    /// # Errors
    /// Where the path leads to nothing.
    pub(super) fn at(&self, path: &[String]) -> Result<&Self, String> {
        let mut here = self;
        for name in path {
            here = match here {
                Self::Object(Some(fields)) => match fields.get(name) {
                    Some(field) => &field.shape,
                    None => return Err(format!("has no field {}", Quoted(name))),
                },
                Self::Any | Self::Object(None) => return Ok(&Self::Any),
                other => return Err(format!("is {other}, and has no field {}", Quoted(name))),
            };
        }
        Ok(here)
    }

    fn word(word: &str) -> Option<Self> {
        Some(match word {
            "any" => Self::Any,
            "null" => Self::Null,
            "boolean" => Self::Boolean,
            "number" => Self::Number,
            "string" => Self::Text,
            "array" => Self::Array,
            "object" => Self::Object(None),
            _ => return None,
        })
    }
}

fn fields_fit(given: &Fields, wanted: &Fields, path: &str) -> Result<(), String> {
    for (name, want) in wanted {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        match given.get(name) {
            Some(have) if want.is_required && !have.is_required => {
                return Err(format!("its {} may be missing", Quoted(&path)));
            }
            Some(have) => have.shape.fits_at(&want.shape, &path)?,
            None if want.is_required => return Err(format!("it has no {}", Quoted(&path))),
            None => {}
        }
    }
    Ok(())
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Any => "anything",
            Self::Null => "null",
            Self::Boolean => "a boolean",
            Self::Number => "a number",
            Self::Text => "a string",
            Self::Array => "an array",
            Self::Object(None) => "an object",
            Self::Object(Some(fields)) => {
                let names = super::error::list(fields.keys().map(String::as_str));
                return write!(f, "an object with {names}");
            }
            Self::Maybe(inner) => return write!(f, "{inner} or null"),
        })
    }
}

/// As a contract says it: a word, or a table of fields, of which one whose name ends with `?` may be missing.
impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Said;

        impl<'de> Visitor<'de> for Said {
            type Value = Shape;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{WORDS}")
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<Shape, E> {
                Shape::word(word)
                    .ok_or_else(|| E::custom(format!("{} is no type: write {WORDS}", Quoted(word))))
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Shape, M::Error> {
                let mut fields = Fields::new();
                while let Some((name, shape)) = map.next_entry::<String, Shape>()? {
                    let (name, is_required) = match name.strip_suffix('?') {
                        Some(name) => (name.to_owned(), false),
                        None => (name, true),
                    };
                    fields.insert(name, Field { shape, is_required });
                }
                Ok(Shape::Object(Some(fields)))
            }
        }

        deserializer.deserialize_any(Said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn shape(said: Value) -> Shape {
        serde_json::from_value(said).unwrap()
    }

    #[test]
    fn what_is_sure_not_to_fit_is_named_with_its_path() {
        let wanted = shape(json!({ "map": { "files": "array", "notes?": "string" }, "size": "number" }));
        let fits = |given: Value| Shape::of(&given).fits(&wanted);
        assert_eq!(fits(json!({ "map": { "files": [1] }, "size": 3, "more": null })), Ok(()));
        let words = "its \"map.files\" is a string, and an array is wanted";
        assert_eq!(fits(json!({ "map": { "files": "a" }, "size": 3 })), Err(words.to_owned()));
        assert_eq!(fits(json!({ "map": {}, "size": 3 })), Err("it has no \"map.files\"".to_owned()));
        let words = "its \"map.notes\" is a number, and a string is wanted";
        assert_eq!(fits(json!({ "map": { "files": [], "notes": 1 }, "size": 3 })), Err(words.to_owned()));
        assert_eq!(
            fits(json!("text")),
            Err("it is a string, and an object with map, size is wanted".to_owned())
        );
    }

    #[test]
    fn what_is_not_known_fits_all() {
        for other in ["any", "null", "boolean", "number", "string", "array", "object"] {
            assert_eq!(Shape::Any.fits(&shape(json!(other))), Ok(()));
            assert_eq!(shape(json!(other)).fits(&Shape::Any), Ok(()));
        }
        assert_eq!(shape(json!("object")).fits(&shape(json!({ "a": "number" }))), Ok(()));
    }

    #[test]
    fn what_may_be_null_fits_only_what_takes_null() {
        let maybe = Shape::Text.maybe();
        assert_eq!(maybe.fits(&maybe), Ok(()));
        assert_eq!((Shape::Null.fits(&maybe), Shape::Text.fits(&maybe)), (Ok(()), Ok(())));
        assert_eq!(
            maybe.fits(&Shape::Text),
            Err("it is a string or null, and a string is wanted".to_owned())
        );
        let (may, must) = (shape(json!({ "a?": "any" })), shape(json!({ "a": "any" })));
        assert_eq!(may.fits(&must), Err("its \"a\" may be missing".to_owned()));
        assert_eq!(must.fits(&may), Ok(()));
    }

    #[test]
    fn a_path_leads_to_a_field_or_says_where_it_ends() {
        let shape = shape(json!({ "review": { "approved": "boolean" } }));
        let path = |path: &str| path.split('.').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(shape.at(&path("review.approved")), Ok(&Shape::Boolean));
        assert_eq!(shape.at(&path("review.aproved")), Err("has no field \"aproved\"".to_owned()));
        assert_eq!(
            shape.at(&path("review.approved.by")),
            Err("is a boolean, and has no field \"by\"".to_owned())
        );
    }
}
