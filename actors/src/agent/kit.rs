//! What agents are made of: the available models, tools and personas, checked against each other at the start.

use std::fmt;
use std::sync::Arc;

use skep_runtime::{AgentSpec, Budget};
use thiserror::Error;

use super::{ModelAgent, Order, OrderError, Persona, PersonaError, Personas};
use crate::model::Models;
use crate::nearest::did_you_mean;
use crate::orchestrator::Staff;
use crate::tool::{BadTool, Toolset};

/// Makes agents from personas. Cheap to clone.
///
/// ```
/// use skep_actors::agent::Persona;
/// use skep_actors::tool::Toolset;
/// use skep_actors::{Kit, Models, Personas, Scripted};
///
/// let models = Models::new().with("fast", Scripted::lines(["Once upon a time."]));
/// let writer = Persona::parse("writer", "+++\nmodel = \"fast\"\n+++\nYou write.")?;
/// let kit = Kit::new(&models, &Toolset::new(), &Personas::new().and(writer)?)?;
/// let intro = kit.agent("new:writer;budget:0.25")?.spec("intro");
/// assert_eq!(intro.name(), "intro");
/// assert_eq!(
///     kit.agent("new:writr").map(drop).unwrap_err().to_string(),
///     "there is no persona \"writr\": did you mean \"writer\"?"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Kit(Arc<Parts>);

struct Parts {
    models: Vec<String>,
    tools: Toolset,
    personas: Personas,
}

/// Why a kit cannot be made, or cannot make an agent.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KitError {
    /// The text is not an order.
    #[error(transparent)]
    Order(#[from] OrderError),
    /// A persona cannot be used.
    #[error(transparent)]
    Persona(#[from] PersonaError),
    /// A tool cannot be offered.
    #[error(transparent)]
    Tool(#[from] BadTool),
    /// There is no such persona.
    #[error("{}there is no persona {name:?}: {hint}", whose(.of))]
    UnknownPersona {
        /// The persona that names it, if a persona does.
        of: Option<String>,
        /// The name.
        name: String,
        /// The nearest name, or the names that exist.
        hint: String,
    },
    /// There is no such model.
    #[error("{}there is no model {name:?}: {hint}", whose(.of))]
    UnknownModel {
        /// The persona that names it, if a persona does.
        of: Option<String>,
        /// The name.
        name: String,
        /// The nearest name, or the names that exist.
        hint: String,
    },
    /// Neither the persona nor the order names a model.
    #[error(
        "the persona {persona:?} has no model: write `model = \"NAME\"` there, or `;model:NAME` in the order"
    )]
    NoModel {
        /// The persona.
        persona: String,
    },
}

fn whose(of: &Option<String>) -> String {
    of.as_ref().map(|of| format!("{of}: ")).unwrap_or_default()
}

impl Kit {
    /// A kit of these models, tools and personas. Every name in a persona is looked up, and every template needs all its
    /// values.
    ///
    /// # Errors
    /// The first [`KitError`]: it names the persona, the unknown name in it, and the nearest name that exists.
    pub fn new(models: &Models, tools: &Toolset, personas: &Personas) -> Result<Self, KitError> {
        tools.check()?;
        let parts = Parts { models: models.names(), tools: tools.clone(), personas: personas.clone() };
        let kit = Self(Arc::new(parts));
        for persona in personas.iter() {
            let of = Some(persona.name());
            let front = persona.front();
            for model in front.model.iter().chain(&front.models) {
                kit.check_model(of, model)?;
            }
            for other in &front.may_create {
                kit.persona(of, other)?;
            }
            persona.agent_by(front.model.as_deref().unwrap_or_default(), tools)?;
        }
        Ok(kit)
    }

    /// The agent that a line of text describes: see [`Order`].
    ///
    /// # Errors
    /// [`KitError`]: what is wrong in the text, or the unknown name and the nearest one.
    pub fn agent(&self, order: &str) -> Result<ModelAgent, KitError> {
        self.make(&order.parse()?)
    }

    /// The spec of the agent that a line of text describes, under the name given there, or else under its persona's name.
    ///
    /// # Errors
    /// As [`Kit::agent`].
    pub fn spec(&self, order: &str) -> Result<AgentSpec<ModelAgent>, KitError> {
        let order: Order = order.parse()?;
        Ok(self.make(&order)?.spec(order.agent_name()))
    }

    /// The agent that an order describes.
    ///
    /// # Errors
    /// As [`Kit::agent`].
    pub fn make(&self, order: &Order) -> Result<ModelAgent, KitError> {
        let persona = self.persona(None, &order.persona)?;
        let front = persona.front();
        let no_model = || KitError::NoModel { persona: order.persona.clone() };
        let model = order.model.as_ref().or(front.model.as_ref()).ok_or_else(no_model)?;
        self.check_model(None, model)?;
        let mut agent = persona.agent_by(model, &self.0.tools)?;
        if let Some(turns) = order.turns {
            agent = agent.max_turns(turns);
        }
        if let Some(money) = order.budget {
            let budget = &mut agent.bounds().budget;
            *budget = Some(budget.take().unwrap_or_else(Budget::new).money(money));
        }
        if front.may_create.is_empty() {
            return Ok(agent);
        }
        Ok(Staff::of(self, front).lead(agent))
    }

    pub(crate) fn persona(&self, of: Option<&str>, name: &str) -> Result<&Persona, KitError> {
        self.0.personas.get(name).ok_or_else(|| KitError::UnknownPersona {
            of: of.map(str::to_owned),
            name: name.to_owned(),
            hint: did_you_mean(name, self.0.personas.names()),
        })
    }

    pub(crate) fn check_model(&self, of: Option<&str>, name: &str) -> Result<(), KitError> {
        let known = self.0.models.iter().map(String::as_str);
        if known.clone().any(|known| known == name) {
            return Ok(());
        }
        let (of, hint) = (of.map(str::to_owned), did_you_mean(name, known));
        Err(KitError::UnknownModel { of, name: name.to_owned(), hint })
    }
}

impl fmt::Debug for Kit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Parts { models, tools, personas } = &*self.0;
        f.debug_struct("Kit")
            .field("models", models)
            .field("tools", tools)
            .field("personas", &personas.names().collect::<Vec<_>>())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Scripted;
    use crate::tool::tool;
    use schemars::JsonSchema;
    use serde::Deserialize;

    #[derive(Deserialize, JsonSchema)]
    struct Nothing {}

    fn kit(fields: &str) -> Result<Kit, KitError> {
        let models = ["fast", "smart"]
            .into_iter()
            .fold(Models::new(), |models, name| models.with(name, Scripted::new()));
        let tools = Toolset::new().with(tool("read", "Reads.", |_: Nothing, _| async { Ok("") }));
        let text = format!("+++\n{fields}\n+++\nYou write.");
        let personas = Personas::new().and(Persona::parse("writer", &text)?)?;
        Kit::new(&models, &tools, &personas)
    }

    #[test]
    fn every_name_is_looked_up_at_once_and_the_nearest_is_said() {
        let said = |fields: &str| kit(fields).map(drop).unwrap_err().to_string();
        assert_eq!(said("model = \"fats\""), "writer: there is no model \"fats\": did you mean \"fast\"?");
        assert_eq!(
            said("tools = [\"raed\"]"),
            "writer:2: tools: there is no tool \"raed\"; did you mean \"read\"?"
        );
        assert_eq!(
            said("may_create = [\"painter\"]"),
            "writer: there is no persona \"painter\": there is writer"
        );
        assert_eq!(
            said("may_create = [\"writer\"]\nmodels = [\"slow\"]"),
            "writer: there is no model \"slow\": there is fast, smart"
        );
    }

    #[test]
    fn an_order_takes_the_place_of_what_the_persona_says_and_nothing_else() {
        let kit =
            kit("model = \"fast\"\nbudget = { usd = \"1\", calls = 7 }\ngrants = { only = [\"model\"] }")
                .unwrap();
        let budget = |order: &str| {
            let spec = kit.spec(order).unwrap();
            (spec.name().to_owned(), spec.policies().budget.clone().unwrap().check().unwrap())
        };
        let (name, limits) = budget("new:writer");
        assert_eq!(
            (name.as_str(), limits.calls, limits.money.unwrap().to_string().as_str()),
            ("writer", Some(7), "$1.00")
        );
        let (name, limits) = budget("new:writer;budget:0.25;name:intro");
        assert_eq!(
            (name.as_str(), limits.calls, limits.money.unwrap().to_string().as_str()),
            ("intro", Some(7), "$0.25")
        );
        let said = |order: &str| kit.agent(order).map(drop).unwrap_err().to_string();
        assert_eq!(said("new:writer;model:smrat"), "there is no model \"smrat\": did you mean \"smart\"?");
        assert_eq!(said("new:wirter"), "there is no persona \"wirter\": did you mean \"writer\"?");
        let no_model = self::kit("description = \"Writes.\"").unwrap();
        assert!(no_model.agent("new:writer;model:fast").is_ok());
        assert!(no_model.agent("new:writer").map(drop).unwrap_err().to_string().contains("has no model"));
    }

    #[test]
    fn it_may_do_what_its_tools_do_unless_its_persona_says_otherwise() {
        let grants = |fields: &str| {
            kit(fields).unwrap().spec("new:writer;model:fast").unwrap().policies().grants.clone().unwrap()
        };
        let own = grants("tools = [\"read\"]");
        assert!(own.allows("model") && own.allows("tool.read"));
        assert!(!own.allows("tool.write") && !own.allows("manage.create_agent"));
        assert!(grants("may_create = [\"writer\"]").allows("manage.create_agent"));
        let said = grants("tools = [\"read\"]\ngrants = { only = [\"model\"] }");
        assert!(said.allows("model") && !said.allows("tool.read"));
    }
}
