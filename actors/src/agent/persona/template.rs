//! The template of a persona: strict, without files, and bounded.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior};
use serde_json::Value;

use super::PersonaError;
use crate::defaults;

/// What is wrong with a template, and in which of its lines, from 1.
#[derive(Debug)]
pub(super) struct Fault {
    line: usize,
    message: String,
    undefined: Vec<String>,
}

impl Fault {
    fn of(error: &Error) -> Self {
        let kind = error.kind();
        let message = match (kind, error.detail()) {
            (ErrorKind::OutOfFuel, _) => "the template takes too long: it loops too often".to_owned(),
            (ErrorKind::WriteFailure, _) => {
                format!("what comes of the template is longer than {} bytes", defaults::PERSONA_TOLD)
            }
            (_, Some(detail)) => format!("{kind}: {detail}"),
            (_, None) => kind.to_string(),
        };
        Self { line: error.line().unwrap_or(1), message, undefined: Vec::new() }
    }

    /// The error, for a template that starts at this line of its file.
    pub(super) fn at(self, place: &str, first: usize) -> PersonaError {
        let (place, line) = (place.to_owned(), first + self.line.saturating_sub(1));
        match self.undefined {
            variables if !variables.is_empty() => PersonaError::Undefined { place, line, variables },
            _ => PersonaError::Template { place, line, message: self.message },
        }
    }
}

fn environment<'t>() -> Environment<'t> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_fuel(Some(defaults::PERSONA_FUEL));
    // A value that is kept from one round of a loop to the next could double each time.
    environment.remove_global("namespace");
    environment.remove_global("debug");
    environment
}

/// The variables that a template uses.
pub(super) fn variables(text: &str) -> Result<BTreeSet<String>, Fault> {
    let environment = environment();
    let template = environment.template_from_str(text).map_err(|error| Fault::of(&error))?;
    let mut variables: BTreeSet<String> = template.undeclared_variables(false).into_iter().collect();
    for (known, _) in environment.globals() {
        variables.remove(known);
    }
    Ok(variables)
}

/// The template with its values filled in.
pub(super) fn render(text: &str, values: &BTreeMap<String, Value>) -> Result<String, Fault> {
    let environment = environment();
    let mut told = Bounded::default();
    let rendered = environment
        .template_from_str(text)
        .and_then(|template| template.render_captured_to(values, &mut told).map(drop));
    match rendered {
        Ok(()) => String::from_utf8(told.bytes).map_err(|error| Fault {
            line: 1,
            message: error.to_string(),
            undefined: Vec::new(),
        }),
        Err(error) => {
            let mut fault = Fault::of(&error);
            if error.kind() == ErrorKind::UndefinedError {
                let wanted = variables(text)?;
                fault.undefined = wanted.into_iter().filter(|name| !values.contains_key(name)).collect();
            }
            Err(fault)
        }
    }
}

/// A buffer that does not grow beyond the longest text that an agent may be told.
#[derive(Default)]
struct Bounded {
    bytes: Vec<u8>,
}

impl Write for Bounded {
    fn write(&mut self, more: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + more.len() > defaults::PERSONA_TOLD {
            return Err(io::Error::other("too long"));
        }
        self.bytes.extend_from_slice(more);
        Ok(more.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
