//! What is wrong with a workflow, and where.

use std::fmt;

use skep_runtime::text::OneLine;

/// What is wrong with a workflow, where, and how to mend it. Nothing was run and nothing was spent.
///
/// `Display` is one line: `line 9: phase "build": step "patch" needs "plan", which no earlier step gives; given so far: map`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadWorkflow {
    /// The line of the file, from 1, if it is a matter of one.
    pub line: Option<usize>,
    /// The phase that it is about.
    pub phase: Option<String>,
    /// The step that it is about.
    pub step: Option<String>,
    /// The field of the file that it is about.
    pub field: Option<String>,
    /// What is wrong and how to mend it, said of the step, else of the phase, else of the file.
    pub problem: String,
}

impl BadWorkflow {
    /// About the workflow as a whole.
    pub(super) fn new(problem: impl Into<String>) -> Self {
        Self { line: None, phase: None, step: None, field: None, problem: problem.into() }
    }

    pub(super) fn line(self, line: usize) -> Self {
        Self { line: Some(line), ..self }
    }

    pub(super) fn phase(self, phase: &str) -> Self {
        Self { phase: Some(phase.to_owned()), ..self }
    }

    pub(super) fn step(self, step: &str) -> Self {
        Self { step: Some(step.to_owned()), ..self }
    }

    pub(super) fn field(self, field: &str) -> Self {
        Self { field: Some(field.to_owned()), ..self }
    }
}

impl fmt::Display for BadWorkflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        match (&self.phase, &self.step) {
            (Some(phase), Some(step)) => write!(f, "phase {}: step {} ", Quoted(phase), Quoted(step))?,
            (Some(phase), None) => write!(f, "phase {} ", Quoted(phase))?,
            (None, Some(step)) => write!(f, "step {} ", Quoted(step))?,
            (None, None) => {}
        }
        write!(f, "{}", OneLine(&self.problem))
    }
}

impl std::error::Error for BadWorkflow {}

/// A name as it stands in a message.
pub(super) struct Quoted<'n>(pub(super) &'n str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", OneLine(self.0))
    }
}

/// Names in a message: what a person reads on a line.
const LISTED: usize = 12;

/// Several names, the rest of them counted; `nothing` if there are none.
pub(super) fn list<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    let all: Vec<_> = names.into_iter().collect();
    let named: Vec<_> = all.iter().take(LISTED).map(|name| OneLine(name).to_string()).collect();
    match all.len() {
        0 => "nothing".to_owned(),
        count if count > LISTED => format!("{} and {} more", named.join(", "), count - LISTED),
        _ => named.join(", "),
    }
}
