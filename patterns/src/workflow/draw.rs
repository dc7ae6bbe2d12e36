//! A workflow as a picture, before it runs.

use std::fmt::Write as _;

use super::Workflow;
use super::error::list;
use super::plan::{By, Need, Needs, PhasePlan, StepPlan};

impl Workflow {
    /// A text tree: the phases, and in each its steps with who does them on what.
    ///
    /// ```
    /// # use skep_patterns::workflow::Workflow;
    /// let tree = Workflow::scout_plan_build_review().tree();
    /// assert!(tree.contains("└── build, until review.approved, at most 3 times"), "{tree}");
    /// assert!(tree.contains("├── patch: code(brief, plan, review?)"), "{tree}");
    /// ```
    #[must_use]
    pub fn tree(&self) -> String {
        let inputs = list(self.plan.inputs.keys().map(String::as_str));
        let mut out = format!("{} ({inputs})\n", self.plan.name);
        let last = |at: usize, count: usize| at + 1 == count;
        for (at, phase) in self.plan.phases.iter().enumerate() {
            let is_last = last(at, self.plan.phases.len());
            // Writing to a string cannot fail.
            let _ = writeln!(out, "{}{}", if is_last { "└── " } else { "├── " }, phase.line());
            let before = if is_last { "    " } else { "│   " };
            for (place, step) in phase.steps.iter().enumerate() {
                let branch = if last(place, phase.steps.len()) { "└── " } else { "├── " };
                let _ = writeln!(out, "{before}{branch}{}", step.line());
            }
        }
        out.truncate(out.trim_end().len());
        out
    }

    /// A Mermaid flow chart: a box for each phase with its steps, an arrow for each value that a step needs, and the gates.
    #[must_use]
    pub fn mermaid(&self) -> String {
        let mut out = String::from("flowchart LR\n");
        for (at, input) in self.plan.inputs.keys().enumerate() {
            let _ = writeln!(out, "  i{at}([\"{input}\"])");
        }
        for (at, phase) in self.plan.phases.iter().enumerate() {
            let _ = writeln!(out, "  subgraph p{at} [\"{}\"]", phase.line());
            for (place, step) in phase.steps.iter().enumerate() {
                let (open, close) =
                    if matches!(step.by, By::Capability(_)) { ("[", "]") } else { ("[/", "/]") };
                let _ = writeln!(out, "    s{at}_{place}{open}\"{}: {}\"{close}", step.name, step.by.name());
            }
            let _ = writeln!(out, "  end");
            for (hook, name) in phase.hooks.iter().enumerate() {
                let _ = writeln!(out, "  h{at}_{hook}{{{{\"{name}\"}}}}");
            }
        }
        self.arrows(&mut out);
        out
    }

    fn arrows(&self, out: &mut String) {
        for (at, phase) in self.plan.phases.iter().enumerate() {
            for (place, step) in phase.steps.iter().enumerate() {
                for need in step.needs.all() {
                    let from = match self.plan.givers.get(&need.value) {
                        Some((phase, step)) => format!("s{phase}_{step}"),
                        None => format!(
                            "i{}",
                            self.plan.inputs.keys().position(|name| *name == need.value).unwrap_or(0)
                        ),
                    };
                    let line = if need.is_optional { "-.->" } else { "-->" };
                    let _ = writeln!(out, "  {from} {line}|\"{}\"| s{at}_{place}", need.value);
                }
            }
            let hooks = (0..phase.hooks.len()).map(|hook| format!("h{at}_{hook}"));
            let next = (at + 1 < self.plan.phases.len()).then(|| format!("p{}", at + 1));
            let chain: Vec<_> = std::iter::once(format!("p{at}")).chain(hooks).chain(next).collect();
            for pair in chain.windows(2) {
                let _ = writeln!(out, "  {} ==> {}", pair[0], pair[1]);
            }
        }
    }
}

impl PhasePlan {
    /// One line of it, such as `build, side by side, until review.approved, at most 3 times, then checks`.
    fn line(&self) -> String {
        let mut line = self.name.clone();
        if self.is_parallel {
            line += ", side by side";
        }
        if let Some(repeats) = &self.repeats {
            let _ = write!(line, ", until {}, at most {} times", repeats.until.join("."), repeats.most);
        }
        if !self.hooks.is_empty() {
            let _ = write!(line, ", then {}", self.hooks.join(", "));
        }
        line
    }
}

impl StepPlan {
    fn line(&self) -> String {
        let need = |need: &Need| format!("{}{}", need.value, if need.is_optional { "?" } else { "" });
        let needs: Vec<_> = match &self.needs {
            Needs::Nothing => Vec::new(),
            Needs::Whole(whole) => vec![need(whole)],
            Needs::Fields(fields) => {
                let field = |(name, of): &(String, Need)| {
                    if *name == of.value { need(of) } else { format!("{name}: {}", need(of)) }
                };
                fields.iter().map(field).collect()
            }
        };
        let mut line = format!("{}: {}({})", self.name, self.by.name(), needs.join(", "));
        if self.gives != self.name {
            let _ = write!(line, " gives {}", self.gives);
        }
        if let Some(tier) = &self.tier {
            let _ = write!(line, " on {tier}");
        }
        line
    }
}

impl By {
    fn name(&self) -> &str {
        match self {
            Self::Capability(name) => name,
            Self::Person => "person",
            Self::Approval => "approval",
        }
    }
}
