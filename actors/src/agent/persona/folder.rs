//! Personas by name: those of a folder, and others.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Serialize;

use super::{Persona, PersonaError};
use crate::defaults;
use crate::nearest::did_you_mean;

/// Personas by name, in the order of their names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Personas(BTreeMap<String, Persona>);

impl Personas {
    /// No personas yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// All personas of a folder: its files that end in `.md`, without those of folders below it.
    ///
    /// # Errors
    /// The [`PersonaError`] of the first file that cannot be used, in the order of their names.
    pub fn dir(path: impl AsRef<Path>) -> Result<Self, PersonaError> {
        let path = path.as_ref();
        let place = path.display().to_string();
        let cannot =
            |error: std::io::Error| PersonaError::CannotRead { place: place.clone(), why: error.to_string() };
        let mut files = Vec::new();
        for entry in fs::read_dir(path).map_err(cannot)? {
            let file = entry.map_err(cannot)?.path();
            if file.extension().is_some_and(|ending| ending == "md") {
                files.push(file);
            }
            if files.len() > defaults::PERSONAS {
                return Err(PersonaError::TooMany { place, most: defaults::PERSONAS });
            }
        }
        files.sort();
        files.into_iter().try_fold(Self::new(), |personas, file| personas.and(Persona::load(file)?))
    }

    /// Adds a persona.
    ///
    /// # Errors
    /// [`PersonaError::Twice`] if there is another persona of this name.
    pub fn and(mut self, persona: Persona) -> Result<Self, PersonaError> {
        if self.0.contains_key(&persona.name) {
            return Err(PersonaError::Twice { place: persona.place, name: persona.name });
        }
        self.0.insert(persona.name.clone(), persona);
        Ok(self)
    }

    /// Sets a variable in each template that has it.
    ///
    /// # Errors
    /// [`PersonaError::NoVariable`] if no template has it, [`PersonaError::BadValue`].
    pub fn with(self, name: &str, value: impl Serialize) -> Result<Self, PersonaError> {
        if !self.0.values().any(|persona| persona.has_variable(name)) {
            let known: Vec<_> = self.0.values().flat_map(Persona::wants).collect();
            let (place, hint) = ("the personas".to_owned(), did_you_mean(name, known));
            return Err(PersonaError::NoVariable { place, variable: name.to_owned(), hint });
        }
        let with = |(key, persona): (String, Persona)| {
            let persona = if persona.has_variable(name) { persona.with(name, &value)? } else { persona };
            Ok((key, persona))
        };
        self.0.into_iter().map(with).collect::<Result<_, _>>().map(Self)
    }

    /// The persona with this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Persona> {
        self.0.get(name)
    }

    /// All of them, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Persona> + Clone {
        self.0.values()
    }

    /// Their names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.0.keys().map(String::as_str)
    }
}
