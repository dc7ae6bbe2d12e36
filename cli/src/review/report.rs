//! What a review found and what it took, as one value, and the four forms in which it is written down.

mod cost;
pub mod json;
pub mod markdown;
#[cfg(test)]
pub(super) mod sample;
pub mod sarif;
pub mod text;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::review::coverage::Judged;
use crate::review::finding::{Category, Finding, Severity};
use crate::review::rules::NeedsModel;
use crate::review::source::Note;

pub use cost::Cost;

/// The whole outcome of a review. It holds no clock and no path of its own: equal reviews are equal values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// What was reviewed, as the caller named it.
    pub root: String,
    /// Which files: "whole tree", "changed since REV", or why it is the whole tree.
    pub scope: String,
    /// Number of files that were read.
    pub files: u64,
    /// Whether every reviewer came to its end, and every file that is to be reviewed could be read. A report that was cut
    /// short says so.
    pub complete: bool,
    /// Files and folders that are to be reviewed and could not be read; the notes name them.
    #[serde(default)]
    pub unread: u64,
    /// Findings, merged and in order: see [`crate::review::merge`].
    pub findings: Vec<Finding>,
    /// Findings that the baseline knew, left out above.
    #[serde(default)]
    pub known: u64,
    /// Entries of the baseline for which nothing was found any more.
    #[serde(default)]
    pub stale: u64,
    /// The specialists, in the order of [`Category::ALL`].
    pub reviewers: Vec<Reviewer>,
    /// What was judged of each language, and what was not.
    #[serde(default)]
    pub languages: Vec<Judged>,
    /// Files that were not reviewed and why, and other lines for the reader.
    pub notes: Vec<Note>,
    /// What no rule can judge.
    pub needs_model: Vec<NeedsModel>,
    /// What it took, as a tree of agents.
    pub cost: Cost,
    /// Where the prices come from, as one sentence; it says so when they are simulated.
    pub prices: String,
    /// What was injected into the swarm on purpose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chaos: Option<Chaos>,
    /// The stop receipt in one line.
    pub receipt: String,
    /// Wall time in milliseconds.
    pub elapsed_ms: u64,
}

/// How one specialist fared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reviewer {
    /// What it is a specialist of.
    pub category: Category,
    /// Files it looked at.
    pub files: u64,
    /// Batches it was given.
    pub batches: u64,
    /// Findings it reported, before merging.
    pub findings: u64,
    /// How often a batch was begun, repetitions after crashes included.
    pub attempts: u64,
    /// Why it failed; none when it came to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
}

/// What was injected into the swarm on purpose, and what it did about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chaos {
    /// The seed that repeats it.
    pub seed: u64,
    /// What was done, a line each, in order.
    pub faults: Vec<String>,
    /// What the swarm did about it, a line each.
    pub answers: Vec<String>,
}

impl Report {
    /// How many findings have this severity.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }

    /// Whether a finding is at least this severe: what `--fail-on` asks.
    #[must_use]
    pub fn fails(&self, least: Severity) -> bool {
        self.findings.iter().any(|finding| finding.severity >= least)
    }

    /// What keeps the report from being the whole truth, as sentences; none if it is complete.
    #[must_use]
    pub fn caveats(&self) -> Vec<String> {
        let mut caveats = Vec::new();
        if self.unread > 0 {
            let paths = counted(self.unread, "path");
            caveats
                .push(format!("The review is incomplete: {paths} could not be read and may have problems."));
        }
        if !self.complete
            && (self.unread == 0 || self.reviewers.iter().any(|reviewer| reviewer.failed.is_some()))
        {
            caveats.push("The review was cut short, so this report may miss problems.".to_owned());
        }
        caveats
    }

    /// Wall time as a person reads it: `870 ms`, `4.2 s`, `2 min 3 s`.
    #[must_use]
    pub fn elapsed(&self) -> String {
        let time = Duration::from_millis(self.elapsed_ms);
        match time.as_secs() {
            0 => format!("{} ms", time.as_millis()),
            seconds @ 1..=59 => format!("{seconds}.{} s", time.subsec_millis() / 100),
            seconds => format!("{} min {} s", seconds / 60, seconds % 60),
        }
    }

    /// "3 critical, 1 low", or "no findings".
    #[must_use]
    pub fn tally(&self) -> String {
        let counts = Severity::WORST_FIRST.iter().map(|severity| (self.count(*severity), severity));
        let words: Vec<String> = counts
            .filter(|(count, _)| *count > 0)
            .map(|(count, severity)| format!("{count} {severity}"))
            .collect();
        if words.is_empty() { "no findings".to_owned() } else { words.join(", ") }
    }
}

/// The number with its noun: "1 file", "2 files".
fn counted(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {}", plural(noun)) }
}

fn plural(noun: &str) -> String {
    match noun.strip_suffix("ch") {
        Some(stem) => format!("{stem}ches"),
        None => format!("{noun}s"),
    }
}
