//! A function as a tool.

use std::future::Future;
use std::marker::PhantomData;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use skep_runtime::effect::Tier;
use skep_runtime::{Call, Reach, Repeat, Retry, Usage};

use super::{Card, Tool, ToolError};

type Reaches<I> = Box<dyn Fn(&I) -> Reach + Send + Sync>;

/// A function as a tool: [`tool`] makes it.
pub struct FnTool<I, F> {
    card: Card,
    work: F,
    reach: Option<Reaches<I>>,
    takes: PhantomData<fn(I)>,
}

/// A tool with this name that calls a function. By default it may happen only once and changes something, and its reach
/// is unknown.
pub fn tool<I, O, F, Fut>(name: impl Into<String>, about: impl Into<String>, work: F) -> FnTool<I, F>
where
    I: DeserializeOwned + JsonSchema + Send + 'static,
    O: Serialize + Send,
    F: Fn(I, Call) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<O, ToolError>> + Send + 'static,
{
    FnTool { card: Card::new(name, about), work, reach: None, takes: PhantomData }
}

impl<I, F> FnTool<I, F> {
    /// It changes nothing and reaches nothing: it may happen any number of times, and has three tries.
    #[must_use]
    pub fn pure(mut self) -> Self
    where
        I: 'static,
    {
        self.card.repeat = Repeat::Pure;
        self.card.tier = Tier::Safe;
        self.card.modifies = false;
        self.card.retry = Retry::times(3).if_advised();
        self.reach.get_or_insert_with(|| Box::new(|_| Reach::NOTHING));
        self
    }

    /// Twice is as good as once: it has three tries.
    #[must_use]
    pub fn idempotent(mut self) -> Self {
        self.card.repeat = Repeat::Idempotent;
        self.card.retry = Retry::times(3).if_advised();
        self
    }

    /// How much harm it can do. A tool that only reads changes nothing.
    #[must_use]
    pub fn tier(mut self, tier: Tier) -> Self {
        self.card.tier = tier;
        self.card.modifies = tier >= Tier::Writes;
        self
    }

    /// What a call acts on, by its input.
    #[must_use]
    pub fn reaches(mut self, reach: impl Fn(&I) -> Reach + Send + Sync + 'static) -> Self {
        self.reach = Some(Box::new(reach));
        self
    }

    /// The most that one try can cost.
    #[must_use]
    pub fn costs(mut self, worst_case: Usage) -> Self {
        self.card.worst_case = Some(worst_case);
        self
    }

    /// How long it may take with all its tries.
    #[must_use]
    pub fn within(mut self, limit: Duration) -> Self {
        self.card.within = limit;
        self
    }

    /// Changes anything else on its card.
    #[must_use]
    pub fn card(mut self, change: impl FnOnce(&mut Card)) -> Self {
        change(&mut self.card);
        self
    }
}

impl<I, O, F, Fut> Tool for FnTool<I, F>
where
    I: DeserializeOwned + JsonSchema + Send + 'static,
    O: Serialize + Send,
    F: Fn(I, Call) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<O, ToolError>> + Send + 'static,
{
    type Input = I;
    type Output = O;

    fn card(&self) -> &Card {
        &self.card
    }

    fn reach(&self, input: &I) -> Result<Reach, ToolError> {
        Ok(self.reach.as_ref().map_or(Reach::Unknown, |reach| reach(input)))
    }

    fn call(&self, input: I, call: Call) -> impl Future<Output = Result<O, ToolError>> + Send {
        (self.work)(input, call)
    }
}
