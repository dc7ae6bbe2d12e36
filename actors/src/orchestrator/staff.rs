//! Which agents an orchestrator may create, and on which terms.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use skep_runtime::ledger::Limits;
use skep_runtime::{AgentSpec, Budget, NanoUsd};

use super::desk::Desk;
use super::tools::{self, CreateAgent};
use crate::agent::persona::{Front, Purse, is_name};
use crate::agent::{Kit, MakeTools, ModelAgent, Order};
use crate::defaults;
use crate::nearest::did_you_mean;
use crate::tool::Toolset;

/// The instructions for its model besides its mission.
const TOLD: &str = "You direct agents and do none of their work yourself. Make an agent for a purpose with create_agent, give it work with \
                    command_agent, and delete it when its purpose is served. An agent knows what you tell it and what it has answered \
                    before, and nothing else: put all that it needs into the task. All agents end when you answer, so answer when the \
                    work is done, with the result itself.";

/// Which agents an orchestrator may create, and on which terms.
#[derive(Clone, Debug)]
pub(crate) struct Staff {
    pub(super) kit: Kit,
    pub(super) may_create: Vec<String>,
    pub(super) models: Vec<String>,
    pub(super) each: Option<Budget>,
    pub(super) alive: u32,
    pub(super) in_all: u32,
    pub(super) within: Duration,
}

impl Staff {
    pub(super) fn new(kit: &Kit) -> Self {
        Self {
            kit: kit.clone(),
            may_create: Vec::new(),
            models: Vec::new(),
            each: None,
            alive: defaults::ORCHESTRATOR_ALIVE,
            in_all: defaults::ORCHESTRATOR_IN_ALL,
            within: defaults::ORCHESTRATOR_COMMAND,
        }
    }

    /// As a persona defines it.
    pub(crate) fn of(kit: &Kit, front: &Front) -> Self {
        let mut staff = Self::new(kit);
        staff.may_create.clone_from(&front.may_create);
        staff.models.clone_from(&front.models);
        staff.each = front.each.as_ref().map(Purse::budget);
        if let Some(children) = front.children {
            (staff.alive, staff.in_all) = (children.alive, children.in_all);
        }
        staff
    }

    /// Makes this agent the leader: it is told about the personas, and gets the tools to manage agents besides its own.
    pub(crate) fn lead(self, mut agent: ModelAgent) -> ModelAgent {
        let told = self.told();
        agent.bounds().max_children = Some(self.alive);
        agent.also_told(&told).with_desk(Arc::new(self))
    }

    fn told(&self) -> String {
        let mut told =
            format!("{TOLD}\n\nYou may have {} agents at once and make {} in all", self.alive, self.in_all);
        if let Some(money) = self.each.as_ref().and_then(|each| each.check().ok()?.money) {
            // Writing to a string cannot fail.
            let _ = write!(told, ", each of which may spend {money}");
        }
        told.push_str(". The personas:");
        for name in &self.may_create {
            let description = self.kit.persona(None, name).map_or("", |persona| persona.description());
            let _ = write!(told, "\n- {name}: {description}");
        }
        told
    }

    /// The spec of an agent that the model asks for.
    ///
    /// # Errors
    /// Which limit is exceeded, as text for the model.
    pub(super) fn spec(&self, asked: &CreateAgent) -> Result<AgentSpec<ModelAgent>, String> {
        let CreateAgent { persona, name, model, budget } = asked;
        if !self.may_create.contains(persona) {
            let known = self.may_create.iter().map(String::as_str);
            return Err(format!("you may not create a {persona:?}; {}", did_you_mean(persona, known)));
        }
        if !is_name(name) {
            return Err(format!("{name:?} is not a name: it has 1 to 64 letters, digits, `_`, `-` and `.`"));
        }
        if let Some(model) = model.as_ref().filter(|model| !self.models.contains(model)) {
            return Err(match &self.models[..] {
                [] => "you may not choose the model: leave it out".to_owned(),
                models => format!("you may not choose the model {model:?}; there is {}", models.join(", ")),
            });
        }
        let order = Order { model: model.clone(), ..Order::new(persona) };
        let mut agent = self.kit.make(&order).map_err(|error| error.to_string())?;
        let bounds = agent.bounds();
        bounds.budget = least(self.each.as_ref(), bounds.budget.as_ref())?;
        if let Some(budget) = budget {
            let asked: NanoUsd = budget.parse().map_err(|error: skep_runtime::NoAmount| error.to_string())?;
            let own = bounds.budget.take().unwrap_or_default();
            let most = own.check().ok().and_then(|limits| limits.money);
            if let Some(most) = most.filter(|most| asked > *most) {
                return Err(format!("it may have a budget of {most} at most, and not {asked}"));
            }
            bounds.budget = Some(own.money(asked));
        }
        Ok(agent.spec(name))
    }
}

/// The lesser of two budgets, amount by amount; the first one's other settings are kept.
fn least(a: Option<&Budget>, b: Option<&Budget>) -> Result<Option<Budget>, String> {
    let (Some(a), Some(b)) = (a, b) else { return Ok(a.or(b).cloned()) };
    let limits = |budget: &Budget| budget.check().map_err(|error| error.to_string());
    let (x, y): (Limits, Limits) = (limits(a)?, limits(b)?);
    fn less<T: Ord + Copy>(a: Option<T>, b: Option<T>) -> Option<T> {
        a.into_iter().chain(b).min()
    }
    let mut budget = a.clone();
    budget = less(x.money, y.money).into_iter().fold(budget, Budget::money);
    budget = less(x.tokens, y.tokens).into_iter().fold(budget, Budget::tokens);
    budget = less(x.calls, y.calls).into_iter().fold(budget, Budget::calls);
    budget = less(x.depth, y.depth).into_iter().fold(budget, Budget::depth);
    budget = less(x.live_agents, y.live_agents).into_iter().fold(budget, Budget::live_agents);
    Ok(Some(budget))
}

impl MakeTools for Staff {
    fn tools(&self) -> Toolset {
        tools::of(&Arc::new(Desk::new(self.clone())))
    }

    fn check(&self) -> Result<(), String> {
        if self.may_create.is_empty() {
            return Err(
                "an orchestrator has to be told whom it may make: `.may_create([\"writer\"])`".to_owned()
            );
        }
        if self.alive == 0 || self.in_all == 0 {
            return Err("`children` is 0; give at least 1".to_owned());
        }
        for persona in &self.may_create {
            self.kit.persona(None, persona).map_err(|error| error.to_string())?;
        }
        for model in &self.models {
            self.kit.check_model(None, model).map_err(|error| error.to_string())?;
        }
        self.each.as_ref().map_or(Ok(()), |each| each.check().map(drop).map_err(|error| error.to_string()))
    }

    fn made_of(&self) -> Value {
        let personas: Vec<_> = self
            .may_create
            .iter()
            .filter_map(|name| self.kit.persona(None, name).ok())
            .map(|persona| json!([persona.name(), persona.front(), persona.system().ok()]))
            .collect();
        json!([personas, self.models, self.each, self.alive, self.in_all, self.within])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_of_two_budgets_holds_in_each_amount() {
        let limits = |a: Option<Budget>, b: Option<Budget>| {
            least(a.as_ref(), b.as_ref()).unwrap().map(|budget| budget.check().unwrap())
        };
        assert_eq!(limits(None, None), None);
        let one = Budget::usd("1").calls(9);
        assert_eq!(limits(Some(one.clone()), None), Some(one.check().unwrap()));
        assert_eq!(limits(None, Some(one.clone())), Some(one.check().unwrap()));
        let both = limits(Some(one), Some(Budget::usd("0.5").tokens(70))).unwrap();
        assert_eq!(
            (both.money.unwrap().to_string().as_str(), both.calls, both.tokens),
            ("$0.50", Some(9), Some(70))
        );
        assert!(least(Some(&Budget::usd("x")), Some(&Budget::new())).is_err());
    }
}
