//! What is done to an example swarm: presets, a file's plan, or nothing.

use std::path::Path;

use skep_testkit::{FaultPlan, Preset, Recipe};

use crate::args::Run;

/// A row of the field: plans of one kind, one for each seed.
pub(super) enum Done {
    Preset(Preset),
    /// The plan of a file, the same under every seed.
    File(FaultPlan),
}

impl Done {
    /// All that the options ask for: every preset, unless some are named or a file is given.
    pub(super) fn wanted(options: &Run) -> Result<Vec<Self>, String> {
        if let Some(path) = &options.plan {
            return Ok(vec![Self::File(read(path)?)]);
        }
        let named = if options.preset.is_empty() { Preset::ALL.to_vec() } else { options.preset.clone() };
        Ok(named.into_iter().map(Self::Preset).collect())
    }

    pub(super) fn name(&self) -> String {
        match self {
            Self::Preset(preset) => preset.to_string(),
            Self::File(_) => "plan".to_owned(),
        }
    }

    pub(super) fn plan(&self, seed: u64) -> FaultPlan {
        match self {
            // What a preset is made of has to be met in every run of every swarm; here some swarms have none of it.
            Self::Preset(preset) => resting(preset.plan(seed, "*")),
            Self::File(plan) => plan.clone(),
        }
    }
}

fn resting(mut plan: FaultPlan) -> FaultPlan {
    for rule in &mut plan.rules {
        rule.may_rest = true;
    }
    plan
}

/// A plan, by itself or in a recipe.
fn read(path: &Path) -> Result<FaultPlan, String> {
    if let Ok(recipe) = Recipe::read(path) {
        return Ok(recipe.plan);
    }
    let text =
        std::fs::read_to_string(path).map_err(|error| format!("--plan {}: {error}", path.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("--plan {}: {error}", path.display()))
}
