//! A workflow that was read and found right: what its run goes by.

use std::collections::BTreeMap;
use std::time::Duration;

use skep_runtime::Budget;

use super::shape::{Field, Shape};

/// The whole.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) name: String,
    pub(super) inputs: BTreeMap<String, Shape>,
    pub(super) within: Option<Duration>,
    pub(super) costing: Option<Budget>,
    pub(super) contracts: BTreeMap<String, Contract>,
    /// Never empty.
    pub(super) phases: Vec<PhasePlan>,
    /// Who gives each value, by phase and step. Inputs are not among them.
    pub(super) givers: BTreeMap<String, (usize, usize)>,
}

/// What a capability takes and gives, as a file says it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Contract {
    pub(super) takes: Shape,
    pub(super) gives: Shape,
}

#[derive(Clone, Debug)]
pub(super) struct PhasePlan {
    pub(super) name: String,
    pub(super) is_parallel: bool,
    pub(super) repeats: Option<Repeats>,
    pub(super) hooks: Vec<String>,
    /// Never empty.
    pub(super) steps: Vec<StepPlan>,
    pub(super) line: usize,
}

#[derive(Clone, Debug)]
pub(super) struct Repeats {
    /// The value, and the fields in it.
    pub(super) until: Vec<String>,
    pub(super) most: u32,
}

#[derive(Clone, Debug)]
pub(super) struct StepPlan {
    pub(super) name: String,
    pub(super) by: By,
    pub(super) needs: Needs,
    pub(super) gives: String,
    pub(super) costing: Option<Budget>,
    pub(super) tier: Option<String>,
    pub(super) within: Option<Duration>,
    pub(super) retries: Option<u32>,
    pub(super) line: usize,
    /// Steps of the same phase that it waits for, which all stand before it.
    pub(super) after: Vec<usize>,
}

/// Who does a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum By {
    Capability(String),
    Person,
    /// A person whose answer is yes or no.
    Approval,
}

#[derive(Clone, Debug)]
pub(super) enum Needs {
    Nothing,
    /// The value itself.
    Whole(Need),
    /// An object of these fields.
    Fields(Vec<(String, Need)>),
}

#[derive(Clone, Debug)]
pub(super) struct Need {
    pub(super) value: String,
    /// It may be missing, because the last round gives it.
    pub(super) is_optional: bool,
}

impl Needs {
    pub(super) fn all(&self) -> impl Iterator<Item = &Need> {
        let (whole, fields) = match self {
            Self::Nothing => (None, &[][..]),
            Self::Whole(need) => (Some(need), &[][..]),
            Self::Fields(fields) => (None, &fields[..]),
        };
        whole.into_iter().chain(fields.iter().map(|(_, need)| need))
    }

    /// What the step is given, where `of` says what a value looks like.
    pub(super) fn shape(&self, of: impl Fn(&str) -> Shape) -> Shape {
        match self {
            Self::Nothing => Shape::Null,
            Self::Whole(need) if need.is_optional => of(&need.value).maybe(),
            Self::Whole(need) => of(&need.value),
            Self::Fields(fields) => {
                let field = |need: &Need| Field { shape: of(&need.value), is_required: !need.is_optional };
                Shape::Object(Some(fields.iter().map(|(name, need)| (name.clone(), field(need))).collect()))
            }
        }
    }
}

impl PhasePlan {
    /// How often its steps are done at most.
    pub(super) fn rounds(&self) -> u32 {
        self.repeats.as_ref().map_or(1, |repeats| repeats.most)
    }

    /// The steps that no other of the phase waits for.
    pub(super) fn last_steps(&self) -> impl Iterator<Item = &StepPlan> {
        let mut is_last = vec![true; self.steps.len()];
        for before in self.steps.iter().flat_map(|step| &step.after) {
            is_last[*before] = false;
        }
        self.steps.iter().zip(is_last).filter(|(_, is_last)| *is_last).map(|(step, _)| step)
    }
}

impl Plan {
    /// Where a step of this name is.
    pub(super) fn step(&self, name: &str) -> Option<(usize, usize)> {
        let mut all = self.phases.iter().enumerate();
        all.find_map(|(at, phase)| Some((at, phase.steps.iter().position(|step| step.name == name)?)))
    }

    /// The contract of whoever does a step.
    pub(super) fn contract(&self, step: &StepPlan) -> Option<&Contract> {
        match &step.by {
            By::Capability(name) => self.contracts.get(name),
            By::Person | By::Approval => None,
        }
    }

    /// What a value looks like: by the type of the program, if `of` knows one of a capability, else by the contract. The type says
    /// more, and has to keep the contract.
    pub(super) fn shape(&self, value: &str, of: impl Fn(&str) -> Shape) -> Shape {
        let Some((phase, step)) = self.givers.get(value) else {
            return self.inputs.get(value).cloned().unwrap_or(Shape::Any);
        };
        match &self.phases[*phase].steps[*step].by {
            By::Person => Shape::Any,
            By::Approval => Shape::Boolean,
            By::Capability(name) => match of(name) {
                vague @ (Shape::Any | Shape::Object(None)) => {
                    self.contracts.get(name).map_or(vague, |contract| contract.gives.clone())
                }
                known => known,
            },
        }
    }

    /// Whether a value comes from the round before: its giver is in the same phase and stands no earlier.
    pub(super) fn is_of_last_round(&self, value: &str, phase: usize, step: usize) -> bool {
        self.givers.get(value).is_some_and(|giver| giver.0 == phase && giver.1 >= step)
    }
}
