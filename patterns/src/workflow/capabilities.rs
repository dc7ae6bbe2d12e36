//! What a program can do for a workflow: agents by capability, and hooks.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use skep_runtime::{AgentError, Message};

use super::probe::{given_by, taken_by};
use super::shape::Shape;
use crate::estimate::Estimate;
use crate::failure::Failure;
use crate::parts::Part;
use crate::work::{AnyWork, Bounds, Work};

/// What a program can do for workflows: who does the steps that files route to a capability, and the hooks after phases.
///
/// A capability takes what a step needs, read into the type of its closure, and gives what its agent answers, which is kept as
/// JSON. Both types are looked at when a workflow is checked.
#[derive(Clone, Default)]
#[must_use = "a workflow needs it"]
pub struct Capabilities<'a> {
    pub(super) can: BTreeMap<String, Arc<dyn Offer + 'a>>,
    pub(super) hooks: BTreeMap<String, Arc<dyn Hook + 'a>>,
    /// Names that were offered more than once.
    pub(super) twice: Vec<String>,
}

impl<'a> Capabilities<'a> {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Offers a capability: what is needed is read as an `I`, and the work for it is made.
    pub fn can<I, W>(self, name: impl Into<String>, work: impl Fn(I) -> W + Send + Sync + 'a) -> Self
    where
        I: DeserializeOwned + 'a,
        W: Work,
        W::Output: Message,
    {
        self.offer(name, Vec::new(), move |_, input| work(input))
    }

    /// Offers a capability on several tiers, which are names of models as a rule. A step's `tier` has to be one of them; a step
    /// without one gets the first.
    pub fn can_on<I, W, T>(
        self,
        name: impl Into<String>,
        tiers: impl IntoIterator<Item = T>,
        work: impl Fn(&str, I) -> W + Send + Sync + 'a,
    ) -> Self
    where
        I: DeserializeOwned + 'a,
        W: Work,
        W::Output: Message,
        T: Into<String>,
    {
        self.offer(name, tiers.into_iter().map(Into::into).collect(), work)
    }

    fn offer<I, W>(
        mut self,
        name: impl Into<String>,
        tiers: Vec<String>,
        work: impl Fn(&str, I) -> W + Send + Sync + 'a,
    ) -> Self
    where
        I: DeserializeOwned + 'a,
        W: Work,
        W::Output: Message,
    {
        let name = name.into();
        let offered = Offered { work, tiers, types: PhantomData::<fn(I) -> W> };
        if self.can.insert(name.clone(), Arc::new(offered)).is_some() {
            self.twice.push(name);
        }
        self
    }

    /// A hook that lets a phase pass or blocks it: what comes after is not begun. A gate that fails blocks too.
    pub fn gate<W>(self, name: impl Into<String>, look: impl Fn(&PhaseEnd) -> W + Send + Sync + 'a) -> Self
    where
        W: Work<Output = Gate>,
    {
        self.hook(name, HookKind::Gate, look, |gate| {
            Ok(match gate {
                Gate::Pass => Said::Pass,
                Gate::Block(reason) => Said::Block(reason),
            })
        })
    }

    /// A hook that looks back at a phase that is done. What it gives is kept in [`Worked::notes`](super::Worked::notes), and
    /// nothing is blocked, also if it fails.
    pub fn reflect<W>(self, name: impl Into<String>, look: impl Fn(&PhaseEnd) -> W + Send + Sync + 'a) -> Self
    where
        W: Work,
        W::Output: Message,
    {
        self.hook(name, HookKind::Reflect, look, |note| Ok(Said::Note(kept(&note)?)))
    }

    /// The same, and it is told of a phase that has failed or is blocked too.
    pub fn health<W>(self, name: impl Into<String>, look: impl Fn(&PhaseEnd) -> W + Send + Sync + 'a) -> Self
    where
        W: Work,
        W::Output: Message,
    {
        self.hook(name, HookKind::Health, look, |note| Ok(Said::Note(kept(&note)?)))
    }

    fn hook<W: Work>(
        mut self,
        name: impl Into<String>,
        kind: HookKind,
        look: impl Fn(&PhaseEnd) -> W + Send + Sync + 'a,
        says: fn(W::Output) -> Result<Said, AgentError>,
    ) -> Self {
        let name = name.into();
        if self.hooks.insert(name.clone(), Arc::new(Hooked { kind, look, says })).is_some() {
            self.twice.push(name);
        }
        self
    }
}

/// What a hook looks at: a phase that has come to an end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PhaseEnd {
    /// The phase's name.
    pub phase: String,
    /// Whether all of its steps are done. If not, only a health hook hears of it.
    pub is_done: bool,
    /// What blocks it already, if something does: a gate before this, or its loop. Only a health hook hears of that.
    pub blocked: Option<String>,
    /// How often its steps were done.
    pub rounds: u32,
    /// What all finished steps gave so far, and the inputs.
    pub values: serde_json::Map<String, Value>,
    /// The parts of the phase so far, each with its cost, time and failure.
    pub parts: Vec<Part>,
}

/// What a gate says of a phase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// What comes after may begin.
    Pass,
    /// It may not, for this reason.
    Block(String),
}

/// What a hook is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HookKind {
    Gate,
    Reflect,
    Health,
}

/// What a hook came to.
pub(super) enum Said {
    Pass,
    Block(String),
    Note(Value),
}

/// A capability with its types erased.
pub(super) trait Offer: Send + Sync {
    /// The work for this input. Outputs have to fit `gives`.
    fn begin(&self, tier: Option<&str>, input: &Value, gives: Shape) -> Result<AnyWork<Value>, String>;

    /// What it takes at most, where the input is known and where not.
    fn estimate(&self, tier: Option<&str>, input: Option<&Value>, bounds: &Bounds<'_>) -> Estimate;

    /// Whether the input can be read.
    fn reads(&self, input: &Value) -> Result<(), String>;

    fn takes(&self) -> Shape;

    fn gives(&self) -> Shape;

    fn tiers(&self) -> &[String];
}

/// A hook with its types erased.
pub(super) trait Hook: Send + Sync {
    fn kind(&self) -> HookKind;

    fn begin(&self, end: &PhaseEnd) -> AnyWork<Said>;

    fn estimate(&self, bounds: &Bounds<'_>) -> Estimate;
}

struct Offered<F, I, W> {
    work: F,
    tiers: Vec<String>,
    types: PhantomData<fn(I) -> W>,
}

impl<F, I, W> Offered<F, I, W>
where
    F: Fn(&str, I) -> W,
    I: DeserializeOwned,
{
    fn work(&self, tier: Option<&str>, input: I) -> W {
        let first = self.tiers.first().map_or("", String::as_str);
        (self.work)(tier.unwrap_or(first), input)
    }

    /// An input that cannot be read says where, as far as its shape tells.
    fn read(input: &Value) -> Result<I, String> {
        I::deserialize(input).map_err(|error| match Shape::of(input).fits(&taken_by::<I>()) {
            Err(misfit) => misfit,
            Ok(()) => error.to_string(),
        })
    }
}

impl<F, I, W> Offer for Offered<F, I, W>
where
    F: Fn(&str, I) -> W + Send + Sync,
    I: DeserializeOwned,
    W: Work,
    W::Output: Message,
{
    fn begin(&self, tier: Option<&str>, input: &Value, gives: Shape) -> Result<AnyWork<Value>, String> {
        let work = self.work(tier, Self::read(input)?);
        if gives == Shape::Any {
            return Ok(work.boxed().made(|output| kept(&output).map_err(Failure::Failed)));
        }
        let checked = move |output: &W::Output| {
            let value = kept(output).map_err(|error| error.to_string())?;
            match Shape::of(&value).fits(&gives) {
                Ok(()) => Ok(value),
                Err(misfit) => Err(format!("it does not keep its contract: {misfit}")),
            }
        };
        Ok(work.try_map(checked).boxed())
    }

    fn estimate(&self, tier: Option<&str>, input: Option<&Value>, bounds: &Bounds<'_>) -> Estimate {
        match input.and_then(|input| Self::read(input).ok()) {
            Some(input) => self.work(tier, input).boxed().estimate(bounds),
            None => W::takes(bounds).unwrap_or_else(|| Estimate::unknown(bounds.name, bounds.costing)),
        }
    }

    fn reads(&self, input: &Value) -> Result<(), String> {
        Self::read(input).map(drop)
    }

    fn takes(&self) -> Shape {
        taken_by::<I>()
    }

    fn gives(&self) -> Shape {
        given_by::<W::Output>()
    }

    fn tiers(&self) -> &[String] {
        &self.tiers
    }
}

struct Hooked<F, O> {
    kind: HookKind,
    look: F,
    says: fn(O) -> Result<Said, AgentError>,
}

impl<F, W> Hook for Hooked<F, W::Output>
where
    F: Fn(&PhaseEnd) -> W + Send + Sync,
    W: Work,
{
    fn kind(&self) -> HookKind {
        self.kind
    }

    fn begin(&self, end: &PhaseEnd) -> AnyWork<Said> {
        let says = self.says;
        (self.look)(end).boxed().made(move |output| says(output).map_err(Failure::Failed))
    }

    fn estimate(&self, bounds: &Bounds<'_>) -> Estimate {
        W::takes(bounds).unwrap_or_else(|| Estimate::unknown(bounds.name, bounds.costing))
    }
}

/// An output as it is kept.
fn kept<O: Serialize>(output: &O) -> Result<Value, AgentError> {
    serde_json::to_value(output).map_err(AgentError::failed)
}
