//! Personas: what an agent is, in a file that people write. It has TOML between two lines of `+++`, and a template of its
//! instructions.
//!
//! ```text
//! +++
//! description = "Reviews code for security."
//! model = "smart"
//! tools = ["read", "grep"]
//! max_turns = 12
//! budget = { usd = "0.40", calls = 60 }
//! ceiling = { paths = ["/repo/**"] }
//! settings = { temperature = 0.2 }
//! +++
//! You review {{ language }} for security.
//! ```
//!
//! | field | what it is | if it is missing |
//! |---|---|---|
//! | `description` | a sentence for whoever chooses among personas | empty |
//! | `model` | the model's name among the swarm's | has to be given elsewhere |
//! | `tools` | names of tools | none |
//! | `budget` | `usd` (also as the whole value: `budget = "0.40"`), `tokens`, `calls`, `depth`, `live_agents` | none of its own |
//! | `ceiling` | `only`, `never`, `paths`, `hosts`, `models`, `commands` | none of its own |
//! | `grants` | the same fields, for what it may do itself | to call models, and the kinds of its tools |
//! | `max_turns`, `max_output_tokens`, `repairs`, `result_tag`, `settings` | like the methods of [`ModelAgent`] | as there |
//! | `may_create` | names of personas: it can create agents of these, besides its tools | creates no agents |
//! | `each`, `children`, `models` | methods of [`Orchestrator`](crate::Orchestrator), `children = { alive = 4, in_all = 12 }` | as there |
//!
//! # Invariants
//! 1. An unknown field, variable or name is an error with its file and line, and the nearest name that exists.
//! 2. A template reads no file and always ends: its work and its output are bounded.
//!
//! A persona is part of the program, trusted like the code beside it.

mod error;
mod folder;
mod front;
mod template;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

use serde::Serialize;
use serde_json::Value;
use skep_runtime::Ceiling;

pub use self::error::PersonaError;
pub use self::folder::Personas;
pub(crate) use self::front::{Front, Purse};
use self::front::{Parts, line_of};
use super::{Bounds, ModelAgent};
use crate::defaults;
use crate::nearest::did_you_mean;
use crate::tool::Toolset;

/// What an agent is: a model, tools, limits, and a template of its instructions.
///
/// ```
/// use skep_actors::agent::Persona;
/// use skep_actors::tool::Toolset;
///
/// let text = "+++\nmodel = \"fast\"\nbudget = \"0.40\"\n+++\nYou write {{ language }}.\n";
/// let agent = Persona::parse("writer", text)?.with("language", "Norwegian")?.agent(&Toolset::new())?;
/// let spec = agent.spec("writer");
/// assert!(spec.policies().budget.is_some());
/// # Ok::<(), skep_actors::agent::PersonaError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Persona {
    name: String,
    /// Where it comes from, for errors.
    place: String,
    front: Front,
    /// The front matter as it was written, to find the lines for errors.
    written: String,
    body: String,
    /// The line at which the body starts, from 1.
    line: usize,
    variables: BTreeSet<String>,
    values: BTreeMap<String, Value>,
}

impl Persona {
    /// Reads a file; the persona's name is the file's without its ending.
    ///
    /// # Errors
    /// [`PersonaError`] with file and line.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, PersonaError> {
        let path = path.as_ref();
        let place = path.display().to_string();
        let cannot =
            |error: io::Error| PersonaError::CannotRead { place: place.clone(), why: error.to_string() };
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        // A pipe would never end, and neither would some devices.
        if !fs::metadata(path).map_err(cannot)?.is_file() {
            return Err(PersonaError::CannotRead { place, why: "it is not a file".to_owned() });
        }
        let mut text = String::new();
        let most = defaults::PERSONA_BYTES as u64 + 1;
        File::open(path).and_then(|file| file.take(most).read_to_string(&mut text)).map_err(cannot)?;
        Self::read(name, place, &text)
    }

    /// Reads a text.
    ///
    /// # Errors
    /// [`PersonaError`] with name and line.
    pub fn parse(name: impl Into<String>, text: &str) -> Result<Self, PersonaError> {
        let name = name.into();
        Self::read(name.clone(), name, text)
    }

    fn read(name: String, place: String, text: &str) -> Result<Self, PersonaError> {
        if text.len() > defaults::PERSONA_BYTES {
            return Err(PersonaError::TooLong { place, most: defaults::PERSONA_BYTES });
        }
        if !is_name(&name) {
            return Err(PersonaError::BadName { place, name });
        }
        let Parts { front: written, body, line } = front::split(text, &place)?;
        let front = Front::read(written, &place)?;
        front.check(written, &place)?;
        let variables = template::variables(body).map_err(|fault| fault.at(&place, line))?;
        let (written, body, values) = (written.to_owned(), body.to_owned(), BTreeMap::new());
        Ok(Self { name, place, front, written, body, line, variables, values })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its description, for whoever chooses among personas.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.front.description
    }

    /// The variables of its template that have no values yet.
    pub fn wants(&self) -> impl Iterator<Item = &str> {
        let wants = self.variables.iter().filter(|variable| !self.values.contains_key(*variable));
        wants.map(String::as_str)
    }

    pub(crate) fn front(&self) -> &Front {
        &self.front
    }

    pub(crate) fn has_variable(&self, name: &str) -> bool {
        self.variables.contains(name)
    }

    /// Sets a variable of its template: to a text, a number, a list, or anything else that can be written as JSON.
    ///
    /// # Errors
    /// [`PersonaError::NoVariable`] if the template has no variable of this name, [`PersonaError::BadValue`].
    pub fn with(mut self, name: &str, value: impl Serialize) -> Result<Self, PersonaError> {
        if !self.variables.contains(name) {
            let known = self.variables.iter().map(String::as_str);
            let hint = did_you_mean(name, known);
            return Err(PersonaError::NoVariable { place: self.place, variable: name.to_owned(), hint });
        }
        let value = serde_json::to_value(value).map_err(|error| PersonaError::BadValue {
            place: self.place.clone(),
            variable: name.to_owned(),
            why: error.to_string(),
        })?;
        self.values.insert(name.to_owned(), value);
        Ok(self)
    }

    /// Its agent's instructions, with all variables filled in.
    ///
    /// # Errors
    /// [`PersonaError`]: a variable without a value, a template that fails or does not end.
    pub fn system(&self) -> Result<String, PersonaError> {
        template::render(&self.body, &self.values)
            .map(|text| text.trim().to_owned())
            .map_err(|fault| fault.at(&self.place, self.line))
    }

    /// The agent, with its tools taken from these. Its spec has the persona's budget, ceiling and grants.
    ///
    /// # Errors
    /// [`PersonaError`]: a variable without a value, a missing tool, no model; a persona that creates agents needs a
    /// [`Kit`](crate::Kit).
    pub fn agent(&self, tools: &Toolset) -> Result<ModelAgent, PersonaError> {
        if !self.front.may_create.is_empty() {
            return Err(
                self.bad("may_create", "it makes agents, so a `Kit` has to make it: it knows the others")
            );
        }
        match &self.front.model {
            Some(model) => self.agent_by(model, tools),
            None => {
                Err(self.bad("model", "it is missing, and nobody else says it: write `model = \"fast\"`"))
            }
        }
    }

    /// The agent with the model of this name, without the tools of an orchestrator.
    pub(crate) fn agent_by(&self, model: &str, tools: &Toolset) -> Result<ModelAgent, PersonaError> {
        let front = &self.front;
        let own = tools.only(front.tools.iter().map(String::as_str)).map_err(|tool| {
            let hint = did_you_mean(tool, tools.names().collect::<Vec<_>>());
            self.bad("tools", format!("there is no tool {tool:?}; {hint}"))
        })?;
        let mut agent = ModelAgent::new(model).role(&self.name);
        let plan = agent.plan();
        plan.system = Some(self.system()?).filter(|text| !text.is_empty());
        plan.bounds = Bounds {
            budget: front.budget.as_ref().map(Purse::budget),
            ceiling: front.ceiling.clone(),
            grants: Some(front.grants.clone().unwrap_or_else(|| self.own_rights(&own))),
            max_children: None,
        };
        plan.tools = own;
        plan.max_turns = front.max_turns.unwrap_or(plan.max_turns);
        plan.max_output_tokens = front.max_output_tokens.unwrap_or(plan.max_output_tokens);
        plan.repairs = front.repairs.unwrap_or(plan.repairs);
        plan.result_tag = front.result_tag;
        plan.settings = front.settings.clone().into_iter().collect();
        Ok(agent)
    }

    /// The rights that it needs for what it declares, and nothing else.
    fn own_rights(&self, tools: &Toolset) -> Ceiling {
        let manages = (!self.front.may_create.is_empty()).then(|| "manage.*".to_owned());
        Ceiling::only(tools.kinds().into_iter().chain(["model".to_owned()]).chain(manages))
    }

    fn bad(&self, field: &str, message: impl Into<String>) -> PersonaError {
        let (place, line) = (self.place.clone(), line_of(&self.written, field));
        PersonaError::Bad { place, line, field: field.to_owned(), message: message.into() }
    }
}

/// Letters, digits, `_`, `-` and `.`, at most 64: names appear in specs, where `;` and `:` have a meaning, and models
/// write them.
pub(crate) fn is_name(name: &str) -> bool {
    const LONGEST: usize = 64;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    !name.is_empty() && name.len() <= LONGEST && name.bytes().all(is_plain)
}

#[cfg(test)]
mod tests;
