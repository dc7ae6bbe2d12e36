//! An agent as a line of text: `new:writer;model:fast;budget:0.25;turns:10;name:intro`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use skep_runtime::text::{breaks_a_line, one_line};
use skep_runtime::{NanoUsd, NoAmount};
use thiserror::Error;

use super::persona::is_name;
use crate::nearest::did_you_mean;

/// An agent to be made: its persona, and what should differ from that persona.
///
/// It is written as fields with `;` between them: `new:PERSONA` first, then in any order `model:NAME`, `budget:DOLLARS`,
/// `turns:NUMBER`, `name:NAME`.
///
/// ```
/// use skep_actors::agent::Order;
///
/// let order: Order = "new:writer; model:fast; budget:0.25".parse()?;
/// assert_eq!((order.persona.as_str(), order.model.as_deref()), ("writer", Some("fast")));
/// assert_eq!(order.to_string(), "new:writer;model:fast;budget:0.25");
/// assert_eq!(
///     "new:writer;modle:fast".parse::<Order>().unwrap_err().to_string(),
///     "there is no field \"modle\": did you mean \"model\"?"
/// );
/// # Ok::<(), skep_actors::agent::OrderError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The persona.
    pub persona: String,
    /// The model, instead of the persona's.
    pub model: Option<String>,
    /// How much money it may spend, instead of the persona's amount.
    pub budget: Option<NanoUsd>,
    /// How often it may call its model for a task, instead of the persona's number.
    pub turns: Option<u32>,
    /// The agent's name; by default the persona's.
    pub name: Option<String>,
}

/// The names of all fields.
const FIELDS: [&str; 5] = ["new", "model", "budget", "turns", "name"];
/// The most bytes of an order, and of a value in it.
const LONGEST: usize = 1_024;
const VALUE: usize = 256;

/// Why a text is not an order.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OrderError {
    /// It does not start like an order.
    #[error("an order begins with `new:` and the name of a persona, such as \"new:writer;model:fast\"")]
    NotNew,
    /// It is too long.
    #[error("it has {0} bytes, and an order has at most {LONGEST}")]
    TooLong(usize),
    /// A part has no colon.
    #[error("{part:?} is no field: write `name:value`")]
    NoField {
        /// The part.
        part: String,
    },
    /// There is no such field.
    #[error("there is no field {field:?}: {hint}")]
    UnknownField {
        /// The field.
        field: String,
        /// The nearest name, or the names that exist.
        hint: String,
    },
    /// A field is there twice.
    #[error("the field {field:?} stands there twice")]
    Twice {
        /// The field.
        field: &'static str,
    },
    /// A value is not valid.
    #[error("{field}: {why}")]
    BadValue {
        /// The field.
        field: &'static str,
        /// What is wrong with it, and what to write instead.
        why: String,
    },
}

impl Order {
    /// An agent of this persona, without changes.
    #[must_use]
    pub fn new(persona: impl Into<String>) -> Self {
        Self { persona: persona.into(), model: None, budget: None, turns: None, name: None }
    }

    /// The name of its agent.
    #[must_use]
    pub fn agent_name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.persona)
    }
}

impl FromStr for Order {
    type Err = OrderError;

    fn from_str(text: &str) -> Result<Self, OrderError> {
        if text.len() > LONGEST {
            return Err(OrderError::TooLong(text.len()));
        }
        let mut values: [Option<&str>; FIELDS.len()] = [None; FIELDS.len()];
        // A `;` at the end is a harmless slip.
        let parts = text.trim().trim_end_matches(';').split(';');
        for (number, part) in parts.enumerate() {
            let Some((field, value)) = part.split_once(':') else {
                let part = one_line(part.trim());
                return Err(if number == 0 { OrderError::NotNew } else { OrderError::NoField { part } });
            };
            let field = field.trim();
            let Some(at) = FIELDS.iter().position(|known| *known == field) else {
                let hint = did_you_mean(field, FIELDS);
                return Err(OrderError::UnknownField { field: one_line(field), hint });
            };
            if (number == 0) != (at == 0) {
                return Err(if number == 0 {
                    OrderError::NotNew
                } else {
                    OrderError::Twice { field: "new" }
                });
            }
            if values[at].replace(value.trim()).is_some() {
                return Err(OrderError::Twice { field: FIELDS[at] });
            }
        }
        let [new, model, budget, turns, name] = values;
        let persona = checked("new", new.ok_or(OrderError::NotNew)?)?;
        if !is_name(&persona) {
            let why = "the name of a persona has letters, digits, `_`, `-` and `.`".to_owned();
            return Err(OrderError::BadValue { field: "new", why });
        }
        let amount = |text: &str| -> Result<NanoUsd, OrderError> {
            let why = |error: NoAmount| OrderError::BadValue { field: "budget", why: error.to_string() };
            text.parse().map_err(why)
        };
        let number = |text: &str| match text.parse::<u32>() {
            Ok(turns) if turns > 0 => Ok(turns),
            _ => {
                let why = format!("{text:?} is not a number of calls: write one of at least 1");
                Err(OrderError::BadValue { field: "turns", why })
            }
        };
        Ok(Self {
            persona,
            model: model.map(|model| checked("model", model)).transpose()?,
            budget: budget.map(amount).transpose()?,
            turns: turns.map(number).transpose()?,
            name: name.map(|name| checked("name", name)).transpose()?,
        })
    }
}

/// A value that can be written in an order, on one line.
fn checked(field: &'static str, value: &str) -> Result<String, OrderError> {
    let bad = |why: &str| Err(OrderError::BadValue { field, why: why.to_owned() });
    match value {
        "" => bad("it is empty"),
        value if value.len() > VALUE => bad("it is longer than 256 bytes"),
        value if value.contains(breaks_a_line) => bad("it has a character that has no place on a line"),
        value => Ok(value.to_owned()),
    }
}

/// As it is parsed. A model or a name that contains a `;`, or has blanks around it, cannot be written.
impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { persona, model, budget, turns, name } = self;
        write!(f, "new:{persona}")?;
        if let Some(model) = model {
            write!(f, ";model:{model}")?;
        }
        if let Some(budget) = budget {
            write!(f, ";budget:{}", budget.to_string().trim_start_matches('$'))?;
        }
        if let Some(turns) = turns {
            write!(f, ";turns:{turns}")?;
        }
        if let Some(name) = name {
            write!(f, ";name:{name}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_wrong_is_named_with_what_to_write_instead() {
        let said = |text: &str| text.parse::<Order>().unwrap_err().to_string();
        for text in ["", ";", "writer", "model:fast;new:writer", "old:writer;new:x"] {
            assert!(
                said(text).contains("`new:`") || said(text).contains("no field"),
                "{text}: {}",
                said(text)
            );
        }
        assert_eq!(said("new:writer;fast"), "\"fast\" is no field: write `name:value`");
        assert_eq!(said("new:writer;buget:1"), "there is no field \"buget\": did you mean \"budget\"?");
        assert_eq!(
            said("new:writer;colour:red"),
            "there is no field \"colour\": there is new, model, budget, turns, name"
        );
        assert_eq!(said("new:a;model:x;model:y"), "the field \"model\" stands there twice");
        assert_eq!(said("new:a;new:b"), "the field \"new\" stands there twice");
        assert!(said("new:a;budget:cheap").starts_with("budget: \"cheap\" is not an amount of dollars"));
        assert!(said("new:a;budget:-1").starts_with("budget: "));
        for turns in ["0", "many", "-1", "4294967296"] {
            assert!(said(&format!("new:a;turns:{turns}")).starts_with("turns: "), "{turns}");
        }
        assert_eq!(said("new:;model:x"), "new: it is empty");
        assert!(said("new:two words").starts_with("new: the name of a persona"));
        assert!(said("new:a;name:b\nc").starts_with("name: it has a character"));
        assert!(said(&"x".repeat(2_000)).contains("2000 bytes"));
    }

    #[test]
    fn a_model_may_have_colons_in_its_name_and_blanks_do_no_harm() {
        let order: Order = " new: writer ; model: openai:gpt-5 ;turns:3; ".trim().parse().unwrap();
        assert_eq!(order.model.as_deref(), Some("openai:gpt-5"));
        assert_eq!(order.to_string(), "new:writer;model:openai:gpt-5;turns:3");
        assert_eq!((order.agent_name(), order.turns), ("writer", Some(3)));
    }

    fn order() -> impl Strategy<Value = Order> {
        let name = || prop::option::of("[a-zA-Z0-9:./é-]([a-zA-Z0-9:./é -]{0,20}[a-zA-Z0-9])?");
        let money = prop::option::of(any::<u64>().prop_map(NanoUsd));
        ("[a-zA-Z0-9_.-]{1,64}", name(), money, prop::option::of(1_u32..), name())
            .prop_map(|(persona, model, budget, turns, name)| Order { persona, model, budget, turns, name })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(order in order()) {
            prop_assert_eq!(order.to_string().parse::<Order>(), Ok(order));
        }

        #[test]
        fn no_text_panics_and_what_is_read_reads_back(
            text in "(new:)?[a-z]{0,3}(;(model|budget|turns|name|x)?:?[ 0-9a-z.;:\u{0}-\u{20}]{0,9}){0,6}|.{0,60}",
        ) {
            if let Ok(order) = text.parse::<Order>() {
                prop_assert_eq!(order.to_string().parse::<Order>(), Ok(order));
            }
        }
    }
}
