//! `files_write`: writes a whole file.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use skep_runtime::{Call, Reach, Target};

use super::landing::Landing;
use super::page::count;
use super::{Place, about, aside, writes};
use crate::defaults;
use crate::tool::{Card, PlannedTool, ToolError};
use crate::tools::beneath::{Last, Way};
use crate::tools::wanted::Wanted;

/// The tool's input.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    /// The file, relative to the root. An existing file is replaced.
    path: String,
    /// The whole new content.
    content: String,
    /// Whether missing folders above it are created; they are not if not given.
    make_folders: Option<bool>,
}

/// What it will do.
pub(super) struct Plan {
    given: String,
    way: Way,
    content: String,
}

/// It is idempotent: a file that is written twice with the same content is the same file.
pub(super) struct Write {
    card: Card,
    place: Arc<Place>,
}

impl Write {
    pub(super) fn new(place: Arc<Place>) -> Self {
        let about =
            "Writes a text file, whole: what was in it is gone. To change a part of a file, edit it instead.";
        Self { card: writes("files_write", "files.write", about), place }
    }
}

impl PlannedTool for Write {
    type Input = Input;
    type Plan = Plan;
    type Output = String;

    fn card(&self) -> &Card {
        &self.card
    }

    fn plan(&self, input: Input) -> Result<(Reach, Plan), ToolError> {
        let Input { path: given, content, make_folders } = input;
        fits(&content).map_err(|why| about(&given, &why))?;
        let way = self.place.way(&given, Last::Made)?;
        if way.names().is_empty() {
            return Err(about(&given, &"it is the root, and no file"));
        }
        let target =
            |names: &[String]| self.place.path(names).to_str().map(|path| Target::Path(path.to_owned()));
        // The folders that it creates count as written to.
        let made: Option<Vec<_>> = way.missing().map(target).collect();
        if way.missing().next().is_some() && make_folders != Some(true) {
            return Err(about(&given, &"its folder is not there; set `make_folders` if it is to be made"));
        }
        let reach = made.zip(target(way.names())).map_or(Reach::Unknown, |(mut all, file)| {
            all.push(file);
            Reach::Only(all)
        });
        Ok((reach, Plan { given, way, content }))
    }

    async fn carry_out(&self, plan: Arc<Plan>, call: Call) -> Result<String, ToolError> {
        let place = Arc::clone(&self.place);
        aside(&call, move |wanted| write(&place, &plan, wanted).map_err(|error| about(&plan.given, &error)))
            .await
    }
}

/// Whether a text may be written.
pub(super) fn fits(content: &str) -> Result<(), String> {
    if content.len() as u64 > defaults::TOOL_FILE {
        return Err(format!(
            "{} bytes are too many; {} are written at most",
            content.len(),
            defaults::TOOL_FILE
        ));
    }
    // Such a file could not be read again.
    if content.contains('\0') {
        Err("only text is written, and there is a NUL in it".to_owned())
    } else {
        Ok(())
    }
}

fn write(place: &Place, plan: &Plan, wanted: &Wanted) -> std::io::Result<String> {
    let _writing = place.writing.lock();
    if !wanted.still() {
        return Err(std::io::Error::other("nobody waits for it any more, so it was not written"));
    }
    for folder in plan.way.missing() {
        if let Some((name, above)) = folder.split_last() {
            match place.beneath.still_folder(above)?.create_dir(name) {
                Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
        }
    }
    let Some((name, folders)) = plan.way.names().split_last() else { return Ok(String::new()) };
    let dir = place.beneath.still_folder(folders)?;
    let bytes = plan.content.as_bytes();
    let was_there = Landing { dir: &dir, name, bytes }.land(wanted)?;
    let how = if was_there { "replaced" } else { "made" };
    Ok(format!("{how} {} with {}", plan.way.text(), count(bytes.len(), "byte")))
}
