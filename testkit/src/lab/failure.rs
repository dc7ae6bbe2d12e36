//! What is wrong with a run, for a person to read.

use std::fmt;
use std::sync::Arc;

use skep_runtime::Event;

use crate::plan::FaultPlan;
use crate::vars;

/// The promises that a run broke.
#[derive(Clone)]
pub struct Failure {
    wrong: Vec<String>,
    blind: Vec<String>,
    report: String,
}

impl Failure {
    pub(super) fn new(wrong: Vec<String>, blind: Vec<String>, report: String) -> Self {
        Self { wrong, blind, report }
    }

    pub(super) fn of(wrong: String) -> Self {
        Self::new(vec![wrong], Vec::new(), String::new())
    }

    /// Each thing that is wrong, one line; the promise or the oracle comes first.
    #[must_use]
    pub fn wrong(&self) -> &[String] {
        &self.wrong
    }

    /// Where the clock may have jumped over something real, one line each: no fault, but what may be behind one.
    #[must_use]
    pub fn outside(&self) -> &[String] {
        &self.blind
    }

    /// Seed, plan and last events.
    #[must_use]
    pub fn report(&self) -> &str {
        &self.report
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 12;
        for what in self.wrong.iter().take(SHOWN) {
            writeln!(f, "- {what}")?;
        }
        if let more @ 1.. = self.wrong.len().saturating_sub(SHOWN) {
            writeln!(f, "- and {more} more")?;
        }
        self.blind.iter().try_for_each(|line| writeln!(f, "  ({line})"))
    }
}

/// As in words, since that is what a test shows that returns it.
impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Failure {}

pub(super) fn report(seed: u64, plan: &FaultPlan, events: &[Arc<Event>]) -> String {
    let plan = serde_json::to_string(plan).expect("a plan is plain data");
    let first = events.len().saturating_sub(vars::events_shown());
    let mut text =
        format!("seed {seed}, plan {plan}\nthe last {} of {} events:\n", events.len() - first, events.len());
    for event in &events[first..] {
        text.push_str(&line(event));
        text.push('\n');
    }
    text
}

/// An event in a line: `  12 0.500s lab.1 inc 2 lab.1#3 turn_began {"attempt":1}`.
pub(crate) fn line(event: &Event) -> String {
    let task = event.task.as_ref().map(|task| format!(" {task}")).unwrap_or_default();
    let what = serde_json::to_value(&event.what).unwrap_or_default();
    let data = what.get("data").map(|data| format!(" {data}")).unwrap_or_default();
    let name = event.what.name();
    format!("{:5} {} {} inc {}{task} {name}{data}", event.seq, event.at, event.agent, event.incarnation)
}
