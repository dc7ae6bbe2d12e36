//! What a model's answer becomes: text, or a value that its schema describes.

use schemars::JsonSchema;
use serde_json::Value;
use skep_runtime::Message;
use skep_runtime::text::one_line;

use super::tag;
use crate::tool::{fits, schema_of};

/// What a model's answer can become. Every type with a JSON schema can: if the schema is a string, the value is the text
/// itself; any other is read as JSON.
pub trait Structured: Message + Sized {
    /// Its schema; none for text.
    #[must_use]
    fn schema() -> Option<Value>;

    /// Reads an answer.
    ///
    /// # Errors
    /// What is wrong with it, as text for the model.
    fn read(text: &str) -> Result<Self, String>;
}

impl<T: JsonSchema + Message> Structured for T {
    fn schema() -> Option<Value> {
        let schema = schema_of::<T>();
        (schema["type"] != "string" || schema.get("enum").is_some()).then_some(schema)
    }

    fn read(text: &str) -> Result<Self, String> {
        let Some(schema) = Self::schema() else {
            return serde_json::from_value(text.into()).map_err(|error| error.to_string());
        };
        let value: Value = serde_json::from_str(json_in(text))
            .map_err(|error| format!("it is not JSON: {}", one_line(&error.to_string())))?;
        fits(&value, &schema).map_err(|misfit| misfit.to_string())?;
        serde_json::from_value(value).map_err(|error| error.to_string())
    }
}

/// The JSON in an answer: models put fences around it, and a sentence before it.
fn json_in(text: &str) -> &str {
    let text = text.trim();
    let fenced = text.find("```").map(|at| &text[at + 3..]).and_then(|rest| {
        let (first, body) = rest.split_once('\n')?;
        let is_name = first.trim().chars().all(char::is_alphanumeric);
        is_name.then(|| body.rsplit_once("```").map_or(body, |(inner, _)| inner))
    });
    fenced.unwrap_or(text).trim()
}

/// The model's instructions: its own text, and how to answer.
pub(super) fn told(system: Option<&str>, schema: Option<&Value>, is_tagged: bool) -> Option<String> {
    let form = schema.map(|schema| {
        let alone = if is_tagged { "The answer is JSON alone" } else { "Answer with JSON alone" };
        format!("{alone}, without any other words, that fits this JSON schema:\n{schema}")
    });
    let tagged = is_tagged.then(|| tag::TOLD.to_owned());
    let parts: Vec<String> = system.map(str::to_owned).into_iter().chain(tagged).chain(form).collect();
    (!parts.is_empty()).then(|| parts.join("\n\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::{Deserialize, Serialize};

    #[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
    struct Answer {
        count: u32,
    }

    #[test]
    fn json_is_read_with_fences_and_sentences_around_it_and_what_is_wrong_is_said() {
        let read = |text: &str| <Answer as Structured>::read(text);
        for text in [
            "{\"count\":3}",
            " {\"count\": 3}\n",
            "```json\n{\"count\":3}\n```",
            "Here it is:\n```\n{\"count\":3}\n```\nAnything else?",
        ] {
            assert_eq!(read(text), Ok(Answer { count: 3 }), "{text}");
        }
        assert!(read("three").unwrap_err().starts_with("it is not JSON"));
        assert_eq!(read("{\"count\":-3}").unwrap_err(), "/count must be at least 0");
        assert_eq!(read("{}").unwrap_err(), "it lacks \"count\"");
    }

    #[test]
    fn a_text_is_itself_whatever_is_in_it() {
        assert_eq!(<String as Structured>::schema(), None);
        assert_eq!(<String as Structured>::read("```json\n{}\n```"), Ok("```json\n{}\n```".to_owned()));
        assert_eq!(told(Some("Be brief."), None, false).as_deref(), Some("Be brief."));
        assert!(
            told(Some("Be brief."), Some(&schema_of::<Answer>()), true)
                .is_some_and(|told| told.contains("\"count\"") && told.contains("</result>"))
        );
    }
}
