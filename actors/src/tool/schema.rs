//! Schemas of what tools take and agents return: in the form that providers accept, and checked for the keywords used
//! here.

use std::fmt;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;
use skep_runtime::text::one_line;

/// The JSON schema of a type in the form that providers accept: without references, `$schema` and title.
#[must_use]
pub fn schema_of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    if let Some(schema) = schema.as_object_mut() {
        schema.remove("title");
        if schema.get("type").is_some_and(|kind| kind == "object") {
            schema.entry("properties").or_insert_with(|| Value::Object(serde_json::Map::new()));
        }
    }
    schema
}

/// Where a value does not match its schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// Where in the value, such as `/items/0/name`; empty for the whole value.
    pub at: String,
    /// What the schema requires.
    pub wants: String,
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at.as_str() {
            "" => write!(f, "it {}", self.wants),
            at => write!(f, "{} {}", one_line(at), self.wants),
        }
    }
}

impl std::error::Error for Misfit {}

/// Whether a value fits a schema, by the keywords that Rust types produce: kinds, fields, items, choices, bounds of
/// numbers, lengths. Other keywords are not checked: the type itself parses the value afterwards.
///
/// # Errors
/// The first [`Misfit`].
pub fn fits(value: &Value, schema: &Value) -> Result<(), Misfit> {
    fit(value, schema, &mut String::new())
}

fn fit(value: &Value, schema: &Value, at: &mut String) -> Result<(), Misfit> {
    let misfit = |wants: String, at: &String| Err(Misfit { at: at.clone(), wants });
    match schema {
        Value::Bool(false) => return misfit("must not be there".to_owned(), at),
        Value::Object(_) => {}
        _ => return Ok(()),
    }
    if !is_of(value, &schema["type"]) {
        return misfit(format!("must be {}", kinds(&schema["type"])), at);
    }
    if let Some(all) = schema["enum"].as_array()
        && !all.contains(value)
    {
        let all: Vec<_> = all.iter().map(ToString::to_string).collect();
        return misfit(format!("must be one of {}", all.join(", ")), at);
    }
    if let Some(only) = schema.get("const").filter(|only| *only != value) {
        return misfit(format!("must be {only}"), at);
    }
    for all in schema["allOf"].as_array().into_iter().flatten() {
        fit(value, all, at)?;
    }
    for choices in ["anyOf", "oneOf"] {
        if let Some(choices) = schema[choices].as_array() {
            let mut first = None;
            let fits = choices.iter().any(|choice| {
                fit(value, choice, at).map_err(|misfit| first = first.take().or(Some(misfit))).is_ok()
            });
            if !fits {
                // If there is only one choice, its own message says more.
                return match first.filter(|_| choices.len() == 1) {
                    Some(misfit) => Err(misfit),
                    None => misfit(format!("is not one of the {} allowed values", choices.len()), at),
                };
            }
        }
    }
    bounds(value, schema).map_or(Ok(()), |wants| misfit(wants, at))?;
    match value {
        Value::Object(fields) => {
            let known = &schema["properties"];
            for required in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                if !fields.contains_key(required) {
                    return misfit(format!("lacks {required:?}"), at);
                }
            }
            for (name, field) in fields {
                let schema = match known.get(name) {
                    Some(schema) => schema,
                    None if schema["additionalProperties"] == false => {
                        return misfit(format!("has no {name:?}"), at);
                    }
                    None => &schema["additionalProperties"],
                };
                within(at, name, |at| fit(field, schema, at))?;
            }
            Ok(())
        }
        Value::Array(items) => {
            let first = schema["prefixItems"].as_array().map_or(&[][..], |first| first);
            for (number, item) in items.iter().enumerate() {
                let schema = first.get(number).unwrap_or(&schema["items"]);
                within(at, &number.to_string(), |at| fit(item, schema, at))?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn within(
    at: &mut String,
    part: &str,
    look: impl FnOnce(&mut String) -> Result<(), Misfit>,
) -> Result<(), Misfit> {
    let length = at.len();
    at.push('/');
    at.push_str(part);
    let looked = look(at);
    at.truncate(length);
    looked
}

fn is_of(value: &Value, kind: &Value) -> bool {
    match kind {
        Value::String(kind) => match kind.as_str() {
            "null" => value.is_null(),
            "boolean" => value.is_boolean(),
            "integer" => {
                value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|number| number.fract() == 0.0)
            }
            "number" => value.is_number(),
            "string" => value.is_string(),
            "array" => value.is_array(),
            "object" => value.is_object(),
            _ => true,
        },
        Value::Array(kinds) => kinds.iter().any(|kind| is_of(value, kind)),
        _ => true,
    }
}

fn kinds(kind: &Value) -> String {
    match kind {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        kind => kind.as_str().unwrap_or_default().to_owned(),
    }
}

/// Which bound the value violates, if it does.
fn bounds(value: &Value, schema: &Value) -> Option<String> {
    let bound = |name: &str| schema[name].as_f64();
    if let Some(number) = value.as_f64() {
        let is_below = |name| bound(name).filter(|least| number < *least);
        let is_above = |name| bound(name).filter(|most| number > *most);
        return is_below("minimum")
            .map(|least| format!("must be at least {least}"))
            .or_else(|| is_above("maximum").map(|most| format!("must be at most {most}")))
            .or_else(|| {
                bound("exclusiveMinimum")
                    .filter(|least| number <= *least)
                    .map(|least| format!("must be more than {least}"))
            })
            .or_else(|| {
                bound("exclusiveMaximum")
                    .filter(|most| number >= *most)
                    .map(|most| format!("must be less than {most}"))
            });
    }
    let (size, least, most, what) = match value {
        Value::String(text) => (text.chars().count(), "minLength", "maxLength", "characters"),
        Value::Array(items) => (items.len(), "minItems", "maxItems", "items"),
        _ => return None,
    };
    let size = size as u64;
    let is_short = schema[least].as_u64().filter(|least| size < *least);
    let is_long = schema[most].as_u64().filter(|most| size > *most);
    is_short
        .map(|least| format!("must have at least {least} {what}"))
        .or_else(|| is_long.map(|most| format!("must have at most {most} {what}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemars::JsonSchema;
    use serde::{Deserialize, Serialize};
    use serde_json::json;

    #[derive(Debug, Serialize, Deserialize, JsonSchema)]
    struct Finding {
        /// Where.
        file: String,
        #[schemars(range(min = 1, max = 100_000))]
        line: u32,
        severity: Severity,
        note: Option<String>,
        #[schemars(length(max = 2))]
        tags: Vec<String>,
    }

    #[derive(Debug, Serialize, Deserialize, JsonSchema)]
    #[serde(rename_all = "snake_case")]
    enum Severity {
        /// At once.
        High,
        /// One day.
        Low,
    }

    fn finding() -> Value {
        json!({ "file": "a.rs", "line": 3, "severity": "high", "tags": [] })
    }

    #[test]
    fn a_value_of_the_type_fits_and_each_change_that_spoils_it_is_named_with_its_place() {
        let schema = schema_of::<Finding>();
        assert_eq!(fits(&finding(), &schema), Ok(()), "{schema:#}");
        let spoilt = |pointer: &str, value: Value| {
            let mut spoilt = finding();
            spoilt[pointer] = value;
            fits(&spoilt, &schema).expect_err(pointer).to_string()
        };
        assert_eq!(spoilt("line", json!("3")), "/line must be integer");
        assert_eq!(spoilt("line", json!(0)), "/line must be at least 1");
        assert_eq!(spoilt("line", json!(2.5)), "/line must be integer");
        assert!(spoilt("severity", json!("medium")).starts_with("/severity "));
        assert_eq!(spoilt("tags", json!(["a", "b", "c"])), "/tags must have at most 2 items");
        assert_eq!(spoilt("tags", json!([1])), "/tags/0 must be string");
        assert_eq!(spoilt("note", json!(7)), "/note must be string or null");
        let mut lacks = finding();
        lacks.as_object_mut().unwrap().remove("file");
        assert_eq!(fits(&lacks, &schema).unwrap_err().to_string(), "it lacks \"file\"");
        assert_eq!(fits(&json!([]), &schema).unwrap_err().to_string(), "it must be object");
    }

    #[test]
    fn a_schema_is_whole_without_references_and_says_nothing_of_itself() {
        let schema = schema_of::<Vec<Finding>>();
        let text = schema.to_string();
        assert!(!text.contains("$ref") && !text.contains("$schema"), "{text}");
        assert_eq!(schema_of::<()>().get("title"), None);
    }
}
