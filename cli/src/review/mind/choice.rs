//! Which models the reviewers have, as the command line says it.

use std::fmt;
use std::str::FromStr;

use skep_actors::model::{Model, PriceTable, Prices};
use skep_actors::pool::ProcessPool;
use skep_actors::{Endpoint, Models, NoSecret, Secret};

use super::{FAST, SMART};

/// A model, and what its endpoint speaks: `openai:NAME` or `anthropic:NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    speaks: Speaks,
    name: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Speaks {
    OpenAi,
    Anthropic,
}

impl Speaks {
    const fn word(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
        }
    }

    /// Where it is, unless told.
    const fn base(self) -> &'static str {
        match self {
            Self::OpenAi => "https://api.openai.com/v1",
            Self::Anthropic => "https://api.anthropic.com/v1",
        }
    }

    const fn variable(self) -> &'static str {
        match self {
            Self::OpenAi => "OPENAI_API_KEY",
            Self::Anthropic => "ANTHROPIC_API_KEY",
        }
    }
}

impl FromStr for Choice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let advice = "write it like openai:gpt-5 or anthropic:claude-sonnet-4-5";
        let (speaks, name) =
            text.split_once(':').ok_or_else(|| format!("`{text}` has no provider; {advice}"))?;
        let speaks = match speaks {
            "openai" => Speaks::OpenAi,
            "anthropic" => Speaks::Anthropic,
            other => return Err(format!("`{other}` is not a provider; {advice}")),
        };
        if name.trim().is_empty() {
            return Err(format!("`{text}` names no model; {advice}"));
        }
        Ok(Self { speaks, name: name.trim().to_owned() })
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.speaks.word(), self.name)
    }
}

/// The models of a review.
#[derive(Clone, Debug)]
pub struct Minds {
    models: Models,
    smart: (Choice, Prices),
    fast: (Choice, Prices),
    workers: Option<ProcessPool>,
}

impl Minds {
    /// The smart one and, if it is another, the fast one, at their provider or at another endpoint that speaks the same. `price` is
    /// in dollars for a million tokens sent and written, for models that the table does not know.
    ///
    /// # Errors
    /// What is missing or wrong, with the option or variable that mends it.
    pub fn new(
        smart: &Choice,
        fast: Option<&Choice>,
        base: Option<&str>,
        price: Option<(&str, &str)>,
    ) -> Result<Self, String> {
        let fast = fast.unwrap_or(smart);
        let table = PriceTable::built_in();
        let given = price
            .map(|(input, output)| Prices::per_million(input, output))
            .transpose()
            .map_err(|error| format!("--price: {error}; write it like 1.25/10.00"))?;
        let mut models = Models::new();
        let mut known = Vec::new();
        for (name, choice) in [(SMART, smart), (FAST, fast)] {
            let listed = table.get(&choice.name).map(|listing| listing.prices);
            let prices = given.or(listed).ok_or_else(|| {
                format!(
                    "nobody knows what {choice} costs; say it with --price INPUT/OUTPUT, in dollars for a million tokens (0/0 if it costs nothing)"
                )
            })?;
            let remote = endpoint(choice.speaks, base)?.model(&choice.name).prices(prices);
            known.push(prices);
            models = models.with(name, remote);
        }
        let (smart, fast) = ((smart.clone(), known[0]), (fast.clone(), known[1]));
        Ok(Self { models, smart, fast, workers: None })
    }

    /// Models of the caller's own, for tests: both at these prices.
    #[must_use]
    pub fn of(smart: impl Model, fast: impl Model, prices: Prices) -> Self {
        let choice = |name: &str| Choice { speaks: Speaks::OpenAi, name: name.to_owned() };
        let models = Models::new().with(SMART, smart).with(FAST, fast);
        Self { models, smart: (choice(SMART), prices), fast: (choice(FAST), prices), workers: None }
    }

    /// Lets the models search by shape, in these worker processes: `skep worker`, or a program that does the job
    /// [`structure::JOB`](super::structure::JOB). Without them there is no such tool.
    #[must_use]
    pub fn workers(self, workers: ProcessPool) -> Self {
        Self { workers: Some(workers), ..self }
    }

    /// Where they search by shape.
    #[must_use]
    pub const fn pool(&self) -> Option<&ProcessPool> {
        self.workers.as_ref()
    }

    /// As the swarm has them.
    #[must_use]
    pub fn models(&self) -> Models {
        self.models.clone()
    }

    /// What a tier's tokens cost.
    #[must_use]
    pub fn prices(&self, tier: &str) -> Prices {
        if tier == SMART { self.smart.1 } else { self.fast.1 }
    }

    /// A tier's model in words.
    #[must_use]
    pub fn name(&self, tier: &str) -> String {
        if tier == SMART { self.smart.0.to_string() } else { self.fast.0.to_string() }
    }

    /// Both in words.
    #[must_use]
    pub fn names(&self) -> String {
        let (smart, fast) = (&self.smart.0, &self.fast.0);
        if smart == fast { smart.to_string() } else { format!("{smart} and {fast}") }
    }
}

/// An endpoint of one's own needs no key, and is sent the provider's if there is one.
fn endpoint(speaks: Speaks, base: Option<&str>) -> Result<Endpoint, String> {
    let url = base.unwrap_or(speaks.base());
    let made = match speaks {
        Speaks::OpenAi => Endpoint::openai(url),
        Speaks::Anthropic => Endpoint::anthropic(url),
    };
    let made = made.map_err(|error| format!("--base-url: {error}"))?;
    match Secret::env(speaks.variable()) {
        Ok(key) => Ok(made.key(&key)),
        Err(NoSecret::Unset(_)) if base.is_some() => Ok(made),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_reads_as_it_is_written_and_an_error_says_how_to_write_it() {
        for text in ["openai:gpt-5", "anthropic:claude-sonnet-4-5", "openai:a:b"] {
            assert_eq!(text.parse::<Choice>().unwrap().to_string(), text);
        }
        for text in ["gpt-5", "google:gemini", "openai:", ""] {
            assert!(text.parse::<Choice>().unwrap_err().contains("openai:gpt-5"), "{text}");
        }
    }

    #[test]
    fn a_model_of_unknown_price_is_an_error_that_names_the_option() {
        let local = "openai:sim".parse().unwrap();
        let minds = |price| Minds::new(&local, None, Some("http://127.0.0.1:1/v1"), price);
        assert!(minds(None).unwrap_err().contains("--price"));
        assert!(minds(Some(("a", "b"))).unwrap_err().contains("1.25/10.00"));
        let free = minds(Some(("0", "0"))).unwrap();
        assert_eq!((free.prices(SMART), free.names()), (Prices::FREE, "openai:sim".to_owned()));
    }
}
