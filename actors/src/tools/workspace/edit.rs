//! `files_edit`: replaces a piece of text in a file by another.

mod replace;

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use skep_runtime::{Call, Reach};

use self::replace::Replacement;
use super::landing::Landing;
use super::page::count;
use super::read::text;
use super::{Place, about, aside, writes};
use crate::defaults;
use crate::tool::{Card, PlannedTool, ToolError};
use crate::tools::beneath::{Last, Way, file_in};
use crate::tools::wanted::Wanted;

/// The tool's input.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    /// The file, relative to the root.
    path: String,
    /// The text to replace, exactly as it is in the file, without line numbers. It must occur only once: include enough
    /// of the text around it.
    old: String,
    /// The new text.
    new: String,
    /// Whether to replace every occurrence; only a single one if not given.
    all: Option<bool>,
}

/// What it will do.
pub(super) struct Plan {
    given: String,
    way: Way,
    replacement: Replacement,
}

/// It is idempotent: it refuses to repeat an edit on its own result ([`Replacement`]).
pub(super) struct Edit {
    card: Card,
    place: Arc<Place>,
}

impl Edit {
    pub(super) fn new(place: Arc<Place>) -> Self {
        let about =
            "Replaces a piece of text in a file. The text to replace has to stand there exactly, and once.";
        Self { card: writes("files_edit", "files.edit", about), place }
    }
}

impl PlannedTool for Edit {
    type Input = Input;
    type Plan = Plan;
    type Output = String;

    fn card(&self) -> &Card {
        &self.card
    }

    fn plan(&self, input: Input) -> Result<(Reach, Plan), ToolError> {
        let Input { path: given, old, new, all } = input;
        let way = self.place.way(&given, Last::Made)?;
        if !way.is_there() {
            return Err(about(&given, &"there is no such file"));
        }
        let reach = Reach::path(self.place.path(way.names()));
        let replacement = Replacement { old, new, all: all.unwrap_or(false) };
        Ok((reach, Plan { given, way, replacement }))
    }

    async fn carry_out(&self, plan: Arc<Plan>, call: Call) -> Result<String, ToolError> {
        let place = Arc::clone(&self.place);
        aside(&call, move |wanted| edit(&place, &plan, wanted).map_err(|why| about(&plan.given, &why))).await
    }
}

fn edit(place: &Place, plan: &Plan, wanted: &Wanted) -> Result<String, String> {
    // No other call of this workspace may write between reading the file and writing it.
    let _writing = place.writing.lock();
    let words = |error: std::io::Error| error.to_string();
    let Some((name, folders)) = plan.way.names().split_last() else {
        return Err("it is a folder".to_owned());
    };
    let dir = place.beneath.still_folder(folders).map_err(words)?;
    let file = file_in(&dir, name).map_err(words)?;
    let before = text(file, defaults::TOOL_FILE, wanted)?;
    let replaced = plan.replacement.of(&before).map_err(|why| why.to_string())?;
    super::write::fits(&replaced.text)?;
    Landing { dir: &dir, name, bytes: replaced.text.as_bytes() }.land(wanted).map_err(words)?;
    let places = count(replaced.places, "place");
    Ok(format!("edited {} in {places}, the first on line {}", plan.way.text(), replaced.line))
}
