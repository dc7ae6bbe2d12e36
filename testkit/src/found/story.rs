//! A failure as a person reads it: what broke, how to have it again, what was done, what happened, who was at what.

use std::path::Path;

use super::folder::shown;
use super::{Found, scene};

/// Rules of a plan that are written out.
const RULES: usize = 6;

/// Lines of what is wrong.
const WRONG: usize = 4;

/// A plan as JSON is written out up to this length.
const JSON: usize = 400;

impl Found {
    /// What a person has to know, in some forty lines. `again` are commands that run it again; `kept` says where all of it is.
    #[must_use]
    pub fn story(&self, again: &[String], kept: Option<&Path>) -> String {
        let mut text = format!("{} fails with seed {}\n\n", self.name, self.seed);
        text.push_str(&self.what_broke());
        // The lab's own words have them already.
        let outside: Vec<_> =
            self.outside.iter().filter(|line| !self.wrong.contains(*line)).cloned().collect();
        if !outside.is_empty() {
            section(&mut text, "the outside world may be the cause", &outside);
        }
        let plan = format!("the plan, {}", self.remark);
        for (head, lines) in [
            ("run it again", again.to_vec()),
            (plan.as_str(), self.what_was_done()),
            ("what happened, at the agents concerned", scene::happened(&self.wrong, &self.events)),
            ("the tree then", scene::tree(&self.wrong, &self.events)),
        ] {
            section(&mut text, head, &lines);
        }
        if let Some(folder) = kept {
            text.push_str(&format!("\nevents, tree and plan: {}\n", shown(folder)));
        }
        text
    }

    fn what_broke(&self) -> String {
        let mut lines: Vec<_> = self.wrong.trim_end().lines().map(|line| format!("  {line}")).collect();
        let more = lines.len().saturating_sub(WRONG);
        lines.truncate(WRONG);
        if more > 0 {
            lines.push(format!("  … and {more} more line{}", if more == 1 { "" } else { "s" }));
        }
        // The lab's own place says nothing: its words name the promise.
        if let Some(place) = self.place.as_ref().filter(|_| !self.wrong.starts_with("- ")) {
            lines.push(format!("  at {place}"));
        }
        lines.join("\n") + "\n"
    }

    fn what_was_done(&self) -> Vec<String> {
        let rules = self.plan.describe();
        let mut lines: Vec<_> = rules.iter().take(RULES).map(|rule| format!("- {rule}")).collect();
        if rules.len() > RULES {
            lines.push(format!("- and {} more", rules.len() - RULES));
        }
        let json = serde_json::to_string(&self.plan).expect("a plan is plain data");
        if rules.is_empty() {
            lines.push("it has no rules".to_owned());
        } else if json.len() <= JSON {
            lines.push(json);
        } else {
            lines.push("as JSON: plan.json".to_owned());
        }
        lines
    }
}

/// A heading with its lines; nothing if there are none.
fn section(text: &mut String, head: &str, lines: &[String]) {
    if !lines.is_empty() {
        text.push_str(&format!("\n{head}:\n"));
    }
    for line in lines {
        text.push_str(&format!("  {line}\n"));
    }
}
