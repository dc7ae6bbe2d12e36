//! A failure as a file: which test, which seed, which plan.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::plan::FaultPlan;

/// Enough to have a failure again: `SKEP_PLAN=plan.json cargo test <test>`, or `skep lab replay plan.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// The test's whole name, or the example swarm's.
    pub test: String,
    /// The seed.
    pub seed: u64,
    /// The plan, in place of the one that the test asks for.
    pub plan: FaultPlan,
}

/// Why a file is no recipe.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecipeError {
    /// It cannot be read.
    #[error("{0}: {1}")]
    Unreadable(String, std::io::Error),
    /// It is something else.
    #[error("{0}: {1}; a recipe is the plan.json that a failing run wrote")]
    Malformed(String, serde_json::Error),
}

impl Recipe {
    /// Reads one.
    ///
    /// # Errors
    /// [`RecipeError`] names the file and what is wrong with it.
    pub fn read(path: &Path) -> Result<Self, RecipeError> {
        let name = || path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| RecipeError::Unreadable(name(), error))?;
        serde_json::from_str(&text).map_err(|error| RecipeError::Malformed(name(), error))
    }

    /// It as text, for a file.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a recipe is plain data");
        text.push('\n');
        text
    }
}
