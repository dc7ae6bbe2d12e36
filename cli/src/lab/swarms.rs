//! Example swarms for fault injection, each with the oracles that must hold whatever happens.

mod research;
mod till;

use clap::ValueEnum;
use skep_testkit::{Lab, TestResult};

/// An example swarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Example {
    /// Two leads with researchers as children, a critic, simulated models, budgets, a supervisor: every promise holds
    Research,
    /// A till that charges twice if it crashes at the wrong moment: a planted bug, to see what a failure looks like
    Till,
}

impl Example {
    /// Its name, as a recipe has it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Research => "research",
            Self::Till => "till",
        }
    }

    /// The one of this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::value_variants().iter().copied().find(|example| example.name() == name)
    }

    /// One run in a world of the lab.
    pub(super) async fn run(self, lab: Lab) -> TestResult {
        match self {
            Self::Research => research::run(lab).await,
            Self::Till => till::run(lab).await,
        }
    }
}
