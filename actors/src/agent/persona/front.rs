//! The front matter of a persona: TOML between two lines of `+++`.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use skep_runtime::{Budget, Ceiling};

use super::PersonaError;
use crate::nearest::did_you_mean;

/// The line before and after the fields.
const MARK: &str = "+++";

/// The fields of a persona.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Front {
    pub(crate) description: String,
    pub(crate) model: Option<String>,
    pub(crate) tools: Vec<String>,
    pub(crate) budget: Option<Purse>,
    pub(crate) ceiling: Option<Ceiling>,
    pub(crate) grants: Option<Ceiling>,
    pub(crate) max_turns: Option<u32>,
    pub(crate) max_output_tokens: Option<u64>,
    pub(crate) repairs: Option<u32>,
    pub(crate) result_tag: bool,
    pub(crate) settings: BTreeMap<String, Value>,
    pub(crate) may_create: Vec<String>,
    pub(crate) models: Vec<String>,
    pub(crate) each: Option<Purse>,
    pub(crate) children: Option<Children>,
}

/// How many agents an orchestrator may create.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Children {
    pub(crate) alive: u32,
    pub(crate) in_all: u32,
}

/// A budget as people write it: an amount of dollars, or a table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Purse(Amounts);

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Amounts {
    usd: Option<String>,
    tokens: Option<u64>,
    calls: Option<u64>,
    depth: Option<u32>,
    live_agents: Option<u32>,
}

impl Purse {
    pub(crate) fn budget(&self) -> Budget {
        let Amounts { usd, tokens, calls, depth, live_agents } = &self.0;
        let mut budget = usd.as_ref().map_or_else(Budget::new, Budget::usd);
        budget = tokens.iter().fold(budget, |budget, most| budget.tokens(*most));
        budget = calls.iter().fold(budget, |budget, most| budget.calls(*most));
        budget = depth.iter().fold(budget, |budget, most| budget.depth(*most));
        live_agents.iter().fold(budget, |budget, most| budget.live_agents(*most))
    }
}

impl<'de> Deserialize<'de> for Purse {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reads;

        impl<'de> Visitor<'de> for Reads {
            type Value = Purse;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "dollars as a text such as \"0.25\", or a table such as { usd = \"0.25\", calls = 40 }",
                )
            }

            fn visit_str<E>(self, dollars: &str) -> Result<Purse, E> {
                Ok(Purse(Amounts { usd: Some(dollars.to_owned()), ..Amounts::default() }))
            }

            fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<Purse, M::Error> {
                Amounts::deserialize(MapAccessDeserializer::new(map)).map(Purse)
            }
        }

        deserializer.deserialize_any(Reads)
    }
}

/// The parts of a persona's text.
#[derive(Debug)]
pub(super) struct Parts<'t> {
    pub(super) front: &'t str,
    pub(super) body: &'t str,
    /// The line at which the body starts, from 1.
    pub(super) line: usize,
}

/// The line at which the fields start.
const FIRST: usize = 2;

/// Splits a text at its marks.
pub(super) fn split<'t>(text: &'t str, place: &str) -> Result<Parts<'t>, PersonaError> {
    let missing = || PersonaError::NoFront { place: place.to_owned() };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (first, rest) = text.split_once('\n').ok_or_else(missing)?;
    if first.trim_end() != MARK {
        return Err(missing());
    }
    let mut at = 0;
    for (number, line) in rest.split_inclusive('\n').enumerate() {
        if line.trim_end() == MARK {
            let (front, body) = (&rest[..at], &rest[at + line.len()..]);
            return Ok(Parts { front, body, line: FIRST + number + 1 });
        }
        at += line.len();
    }
    Err(missing())
}

impl Front {
    /// Reads the fields.
    pub(super) fn read(text: &str, place: &str) -> Result<Self, PersonaError> {
        toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(FIRST, |span| line_at(text, span.start));
            let (place, message) = (place.to_owned(), error.message());
            match unknown_field(message) {
                Some((field, known)) => {
                    let (hint, field) = (did_you_mean(field, known), field.to_owned());
                    PersonaError::UnknownField { place, line, field, hint }
                }
                None => PersonaError::NotRead { place, line, message: message.to_owned() },
            }
        })
    }

    /// Checks what the types do not.
    pub(super) fn check(&self, text: &str, place: &str) -> Result<(), PersonaError> {
        let bad = |field: &str, message: String| PersonaError::Bad {
            place: place.to_owned(),
            line: line_of(text, field),
            field: field.to_owned(),
            message,
        };
        for (field, budget) in [("budget", &self.budget), ("each", &self.each)] {
            if let Some(Err(error)) = budget.as_ref().map(|budget| budget.budget().check()) {
                return Err(bad(field, error.message));
            }
        }
        for (field, ceiling) in [("ceiling", &self.ceiling), ("grants", &self.grants)] {
            if let Some(Err(error)) = ceiling.as_ref().map(Ceiling::check) {
                return Err(bad(field, format!("{}: {}", error.field, error.message)));
            }
        }
        let children = self.children.map(|children| children.alive.min(children.in_all));
        for (field, number) in [("max_turns", self.max_turns), ("children", children)] {
            if number == Some(0) {
                return Err(bad(field, "it is 0; give at least 1".to_owned()));
            }
        }
        if self.max_output_tokens == Some(0) {
            return Err(bad("max_output_tokens", "it is 0; give at least 1".to_owned()));
        }
        let is_orchestrators = [
            ("each", self.each.is_some()),
            ("children", self.children.is_some()),
            ("models", !self.models.is_empty()),
        ];
        match is_orchestrators.iter().find(|(_, is_there)| *is_there && self.may_create.is_empty()) {
            Some((field, _)) => {
                Err(bad(field, "it is for agents that it makes; say in `may_create` which".to_owned()))
            }
            None => Ok(()),
        }
    }
}

/// Takes serde's message about an unknown field apart: the field's name, and the names that exist.
fn unknown_field(message: &str) -> Option<(&str, Vec<&str>)> {
    let rest = message.strip_prefix("unknown field `")?;
    let (field, rest) = rest.split_once('`')?;
    Some((field, rest.split('`').skip(1).step_by(2).collect()))
}

fn line_at(text: &str, byte: usize) -> usize {
    FIRST + text.bytes().take(byte).filter(|byte| *byte == b'\n').count()
}

/// The line in which a field is written, by its name.
pub(super) fn line_of(text: &str, field: &str) -> usize {
    let says = |line: &str| {
        let line = line.trim_start().trim_start_matches('[');
        line.strip_prefix(field).is_some_and(|rest| rest.trim_start().starts_with(['=', '.', ']']))
    };
    FIRST + text.lines().position(says).unwrap_or(0)
}
