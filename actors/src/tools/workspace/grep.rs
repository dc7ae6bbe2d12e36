//! `grep`: the lines below a folder that match.

use std::sync::Arc;

use grep_regex::RegexMatcher;
use schemars::JsonSchema;
use serde::Deserialize;
use skep_runtime::text::one_line;
use skep_runtime::{Call, Reach};

use super::below::Below;
use super::page::{Page, count};
use super::{Place, about, aside, reads};
use crate::defaults;
use crate::tool::{Card, PlannedTool, ToolError};
use crate::tools::grep::{Seen, look, matcher};
use crate::tools::wanted::Wanted;

/// The tool's input.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    /// A regular expression in the syntax of Rust's `regex`.
    pattern: String,
    /// The folder or the file to search, relative to the root; all of the root if none is given.
    path: Option<String>,
    /// Only files that match, such as `*.rs` in any folder, or `src/**/*.rs`.
    glob: Option<String>,
    /// This many lines around each match; none if not given.
    #[schemars(range(max = 20))]
    context: Option<usize>,
    /// Whether upper and lower case are the same; they are not if not given.
    ignore_case: Option<bool>,
    /// At most this many matches; 200 if not given.
    #[schemars(range(min = 1))]
    most: Option<usize>,
}

/// What it will do.
pub(super) struct Plan {
    below: Below,
    matcher: RegexMatcher,
    around: usize,
    most: usize,
}

pub(super) struct Grep {
    card: Card,
    place: Arc<Place>,
}

impl Grep {
    pub(super) fn new(place: Arc<Place>) -> Self {
        let about = "Finds the lines of text files that match a regular expression, in one file or in all below a folder but those that git ignores.";
        Self { card: reads("grep", "grep", about), place }
    }
}

impl PlannedTool for Grep {
    type Input = Input;
    type Plan = Plan;
    type Output = String;

    fn card(&self) -> &Card {
        &self.card
    }

    fn plan(&self, input: Input) -> Result<(Reach, Plan), ToolError> {
        let matcher = matcher(&input.pattern, input.ignore_case.unwrap_or(false))
            .map_err(|why| ToolError::said(format!("the pattern cannot be read: {why}")))?;
        let below = Below::of(&self.place, input.path.as_deref().unwrap_or_default(), input.glob.as_deref())?;
        let reach = below.reach();
        let plan = Plan {
            below,
            matcher,
            around: input.context.unwrap_or(0),
            most: input.most.unwrap_or(defaults::TOOL_MATCHES),
        };
        Ok((reach, plan))
    }

    async fn carry_out(&self, plan: Arc<Plan>, call: Call) -> Result<String, ToolError> {
        let most_output = self.card.most_output;
        aside(&call, move |wanted| {
            let mut found = Found { page: Page::new(most_output), ..Found::default() };
            found.search(&plan, wanted).map_err(|error| about(&plan.below.given, &error))?;
            Ok(found.told(&plan))
        })
        .await
    }
}

/// What has been found so far.
struct Found {
    page: Page,
    matches: usize,
    files: usize,
    /// Files that were searched and are not text, at least not to their end.
    binary: usize,
    unreadable: usize,
    /// Files that were not searched, since there were enough matches.
    skipped: usize,
    /// What could not be listed, including symlinks.
    unlisted: usize,
}

impl Default for Found {
    fn default() -> Self {
        let page = Page::new(0);
        Self { page, matches: 0, files: 0, binary: 0, unreadable: 0, skipped: 0, unlisted: 0 }
    }
}

impl Found {
    fn search(&mut self, plan: &Plan, wanted: &Wanted) -> std::io::Result<()> {
        let below = &plan.below;
        if !below.is_folder {
            let file = below.place.beneath.still_file(&below.way)?;
            let seen = look(&plan.matcher, file, plan.around, plan.most, wanted)?;
            self.take(&below.way.text(), &seen);
            return Ok(());
        }
        let folder = below.place.below(&below.way)?;
        let (files, unlisted) = below.walk(&folder, wanted);
        self.unlisted = unlisted;
        for entry in files {
            if self.is_enough(plan) {
                self.skipped += 1;
                continue;
            }
            let left = plan.most - self.matches;
            let looked = folder
                .file(&entry.path)
                .and_then(|file| look(&plan.matcher, file, plan.around, left, wanted));
            match looked {
                Ok(seen) => self.take(&below.named(&entry.path), &seen),
                Err(_) => self.unreadable += 1,
            }
        }
        Ok(())
    }

    fn is_enough(&self, plan: &Plan) -> bool {
        self.matches >= plan.most || self.page.is_full()
    }

    /// Lines as ripgrep shows them: `12:` for a match, `11-` for a line near one, `--` where lines are left out.
    fn take(&mut self, path: &str, seen: &Seen) {
        self.binary += usize::from(seen.is_binary);
        let Some(first) = seen.lines.first() else { return };
        self.files += 1;
        self.page.line(&one_line(path));
        let mut next = first.number;
        for line in &seen.lines {
            let has_gap = line.number > next && seen.lines.iter().any(|line| !line.is_match);
            if has_gap {
                self.page.line("--");
            }
            next = line.number + 1;
            let mark = if line.is_match { ':' } else { '-' };
            let had_room = self.page.line(&format!("{}{mark} {}", line.number, line.text));
            self.matches += usize::from(line.is_match && had_room);
        }
    }

    fn told(mut self, plan: &Plan) -> String {
        let (matches, files) =
            (count(self.matches, "match").replace("matchs", "matches"), count(self.files, "file"));
        match self.matches {
            0 => self.page.remark("no match"),
            _ if self.is_enough(plan) => {
                self.page
                    .remark(&format!("the first {matches}; there may be more: ask for more, or narrow it"));
            }
            _ => self.page.remark(&format!("{matches} in {files}")),
        }
        let left_out = [
            (self.skipped, "not searched, since these were enough"),
            (self.binary, "no text, or not to the end"),
            (self.unreadable, "could not be read"),
            (self.unlisted, "not searched: symlinks, and what cannot be listed"),
        ];
        for (number, why) in left_out.into_iter().filter(|(number, _)| *number > 0) {
            self.page.remark(&format!("{}: {why}", count(number, "file")));
        }
        self.page.text()
    }
}
