//! What the finished stages of a pipeline gave, to go on from.

use serde::{Deserialize, Serialize};
use skep_runtime::AgentError;
use skep_runtime::text::OneLine;

use super::stage::{Stage, Value};

/// What the finished stages of a pipeline gave, as JSON, in their order: to be written down, and gone on from by
/// [`Pipeline::resume`](super::Pipeline::resume).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Checkpoint {
    /// The finished stages.
    pub stages: Vec<Finished>,
}

/// A finished stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finished {
    /// The stage's name.
    pub stage: String,
    /// What it gave.
    pub output: serde_json::Value,
}

impl Checkpoint {
    pub(super) fn add(&mut self, stage: &str, output: serde_json::Value) {
        self.stages.push(Finished { stage: stage.to_owned(), output });
    }
}

impl Finished {
    /// The pipeline ends before this stage.
    pub(super) fn has_no_place(&self) -> AgentError {
        let kept = OneLine(&self.stage);
        AgentError::message(format!(
            "the checkpoint has the stage {kept}, and this pipeline has none at its place: resume with the stages that it was made by"
        ))
    }

    /// What the stage gave, if it is this one.
    pub(super) fn read(&self, name: &str, stage: &dyn Stage) -> Result<Value, AgentError> {
        let (name, kept) = (OneLine(name), OneLine(&self.stage));
        if self.stage != name.0 {
            return Err(AgentError::message(format!(
                "the checkpoint has the stage {kept} where this pipeline has {name}: resume with the stages that it was made by"
            )));
        }
        stage.read(&self.output).map_err(|error| {
            AgentError::message(format!(
                "the output of the stage {name} cannot be read from the checkpoint: {error}"
            ))
        })
    }
}
