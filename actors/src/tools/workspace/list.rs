//! `files_list`: the files below a folder.

use std::path::PathBuf;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use skep_runtime::text::one_line;
use skep_runtime::{Call, Reach};

use super::globs::Globs;
use super::page::{Page, count};
use super::{Place, about, aside, reads};
use crate::defaults;
use crate::tool::{Card, PlannedTool, ToolError};
use crate::tools::beneath::{Last, Way};
use crate::tools::files::{Listing, walk_below};

/// The tool's input.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    /// The folder to list, relative to the root; the root itself if none is given.
    folder: Option<String>,
    /// Only files that match, such as `*.rs` in any folder, or `src/**/*.rs`.
    glob: Option<String>,
    /// At most this many; 500 if not given.
    most: Option<usize>,
}

/// What it will do.
pub(super) struct Plan {
    given: String,
    way: Way,
    path: PathBuf,
    globs: Globs,
    most: usize,
}

pub(super) struct List {
    card: Card,
    place: Arc<Place>,
}

impl List {
    pub(super) fn new(place: Arc<Place>) -> Self {
        let about = "Lists the files below a folder, each with its size in bytes. Files that git ignores are left out.";
        Self { card: reads("files_list", "files.list", about), place }
    }
}

impl PlannedTool for List {
    type Input = Input;
    type Plan = Plan;
    type Output = String;

    fn card(&self) -> &Card {
        &self.card
    }

    fn plan(&self, input: Input) -> Result<(Reach, Plan), ToolError> {
        let given = input.folder.unwrap_or_default();
        let way = self.place.way(&given, Last::Followed)?;
        let path = self.place.path(way.names());
        let globs = Globs::read(input.glob.as_deref())?;
        let most = input.most.unwrap_or(defaults::TOOL_LISTED);
        Ok((Reach::tree(&path), Plan { given, way, path, globs, most }))
    }

    async fn carry_out(&self, plan: Arc<Plan>, call: Call) -> Result<String, ToolError> {
        let (place, most_output) = (Arc::clone(&self.place), self.card.most_output);
        aside(&call, move |wanted| {
            let below = place.below(&plan.way).map_err(|error| about(&plan.given, &error))?;
            Ok(told(&walk_below(&below, &plan.path, wanted), &plan, most_output))
        })
        .await
    }
}

fn told(listing: &Listing, plan: &Plan, most_output: usize) -> String {
    let mut page = Page::new(most_output);
    let folder = plan.way.text();
    let slash = if folder.is_empty() { "" } else { "/" };
    let (mut fitting, mut shown) = (0, 0);
    for file in listing.files.iter().filter(|file| plan.globs.take(&file.path)) {
        fitting += 1;
        if shown < plan.most {
            let line = format!("{}{slash}{}\t{}", one_line(&folder), one_line(&file.path), file.bytes);
            shown += usize::from(page.line(&line));
        }
    }
    match (fitting, fitting - shown) {
        (0, _) => page.remark("no file"),
        (_, 0) => {}
        (_, more) => {
            page.remark(&format!("{} more; name a folder below or a glob to see them", count(more, "file")));
        }
    }
    for passed in listing.passed.iter().take(PASSED) {
        page.remark(&format!("not listed: {}: {}", one_line(&passed.path), one_line(&passed.why)));
    }
    if listing.passed.len() > PASSED {
        page.remark(&format!("{} more could not be listed", count(listing.passed.len() - PASSED, "path")));
    }
    if listing.symlinks > 0 {
        page.remark(&format!("not followed: {} symlinks", listing.symlinks));
    }
    page.text()
}

/// How many of the paths that could not be listed are named.
const PASSED: usize = 5;
