//! A workflow as it stands in a file: the rows, and what TOML itself can find wrong with them.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use toml::Spanned;

use super::error::BadWorkflow;
use super::shape::Shape;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) name: Spanned<String>,
    #[serde(default)]
    pub(super) inputs: Option<Spanned<Inputs>>,
    pub(super) within: Option<Spanned<i64>>,
    pub(super) costing: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) capability: Vec<Spanned<ContractRow>>,
    #[serde(default)]
    pub(super) phase: Vec<Spanned<PhaseRow>>,
}

/// A file of contracts alone.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ContractFile {
    #[serde(default)]
    pub(super) capability: Vec<Spanned<ContractRow>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ContractRow {
    pub(super) name: Spanned<String>,
    pub(super) takes: Option<Shape>,
    pub(super) gives: Option<Shape>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PhaseRow {
    pub(super) name: Spanned<String>,
    #[serde(default)]
    pub(super) parallel: bool,
    #[serde(rename = "loop")]
    pub(super) repeats: Option<Spanned<LoopRow>>,
    #[serde(default)]
    pub(super) after: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) steps: Vec<Spanned<StepRow>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LoopRow {
    pub(super) until: Option<Spanned<String>>,
    pub(super) most: Option<Spanned<i64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StepRow {
    pub(super) name: Spanned<String>,
    pub(super) by: Option<Spanned<String>>,
    pub(super) needs: Option<Spanned<NeedsRow>>,
    pub(super) gives: Option<Spanned<String>>,
    pub(super) costing: Option<Spanned<String>>,
    pub(super) tier: Option<Spanned<String>>,
    pub(super) within: Option<Spanned<i64>>,
    pub(super) retries: Option<Spanned<i64>>,
}

/// Names, or names with what they look like.
pub(super) struct Inputs(pub(super) Vec<(String, Shape)>);

/// A value that is the whole input, or the fields of the input with the values that they get.
pub(super) enum NeedsRow {
    Whole(String),
    Fields(Vec<(Option<String>, String)>),
}

impl<'de> Deserialize<'de> for Inputs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Said;

        impl<'de> Visitor<'de> for Said {
            type Value = Inputs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("names, as in [\"brief\"], or names with types, as in { brief = \"string\" }")
            }

            fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<Inputs, S::Error> {
                let mut all = Vec::new();
                while let Some(name) = seq.next_element()? {
                    all.push((name, Shape::Any));
                }
                Ok(Inputs(all))
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Inputs, M::Error> {
                let mut all = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    all.push(entry);
                }
                Ok(Inputs(all))
            }
        }

        deserializer.deserialize_any(Said)
    }
}

impl<'de> Deserialize<'de> for NeedsRow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Said;

        impl<'de> Visitor<'de> for Said {
            type Value = NeedsRow;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a value as in \"map\", an object of values as in [\"map\", \"plan\"], \
                     or one with other names as in { draft = \"plan\" }",
                )
            }

            fn visit_str<E>(self, value: &str) -> Result<NeedsRow, E> {
                Ok(NeedsRow::Whole(value.to_owned()))
            }

            fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<NeedsRow, S::Error> {
                let mut all = Vec::new();
                while let Some(value) = seq.next_element()? {
                    all.push((None, value));
                }
                Ok(NeedsRow::Fields(all))
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<NeedsRow, M::Error> {
                let mut all = Vec::new();
                while let Some((field, value)) = map.next_entry::<String, String>()? {
                    all.push((Some(field), value));
                }
                Ok(NeedsRow::Fields(all))
            }
        }

        deserializer.deserialize_any(Said)
    }
}

/// The lines of a text, by what stands where.
pub(super) struct Lines(Vec<usize>);

impl Lines {
    pub(super) fn of(text: &str) -> Self {
        Self(text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at).collect())
    }

    /// The line of a place, from 1.
    pub(super) fn at(&self, span: &Range<usize>) -> usize {
        self.0.partition_point(|end| *end < span.start) + 1
    }
}

/// Reads a text as rows of the file.
pub(super) fn parse<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, BadWorkflow> {
    toml::from_str(text).map_err(|error| bad_toml(text, error))
}

/// What TOML says, with the phase and the step that it is about.
fn bad_toml(text: &str, mut error: toml::de::Error) -> BadWorkflow {
    let span = error.span();
    // With its input it would draw the place over several lines.
    error.set_input(None);
    let problem = error.to_string();
    let problem: Vec<_> = problem.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let mut bad = BadWorkflow::new(problem.join(" "));
    let Some(span) = span else { return bad };
    bad = bad.line(Lines::of(text).at(&span));
    let Ok(rough) = toml::from_str::<Rough>(text) else { return bad };
    let Some(phase) = rough.phase.iter().rfind(|phase| phase.span().start <= span.start) else { return bad };
    let steps = &phase.get_ref().steps;
    let step = steps.iter().find(|step| step.span().contains(&span.start));
    if let Some(name) = &phase.get_ref().name {
        bad = bad.phase(name);
    }
    if let Some(name) = step.and_then(|step| step.get_ref().name.as_deref()) {
        bad = bad.step(name);
    }
    BadWorkflow { problem: format!("cannot be read: {}", bad.problem), ..bad }
}

/// Where phases and steps stand in a file that has a mistake somewhere.
#[derive(Deserialize)]
struct Rough {
    #[serde(default)]
    phase: Vec<Spanned<RoughPhase>>,
}

#[derive(Deserialize)]
struct RoughPhase {
    name: Option<String>,
    #[serde(default)]
    steps: Vec<Spanned<RoughStep>>,
}

#[derive(Deserialize)]
struct RoughStep {
    name: Option<String>,
}

/// Names that files give more than once, each with where it stood first.
#[derive(Default)]
pub(super) struct Names<'n>(BTreeMap<&'n str, usize>);

impl<'n> Names<'n> {
    /// Takes a name of this line.
    ///
    /// # Errors
    /// The line where it stands already.
    pub(super) fn take(&mut self, name: &'n str, line: usize) -> Result<(), usize> {
        match self.0.insert(name, line) {
            None => Ok(()),
            Some(before) => Err(before),
        }
    }
}
