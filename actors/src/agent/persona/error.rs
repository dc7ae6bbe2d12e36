//! Why a persona cannot be used: with its file and line, and what to write instead.

use skep_runtime::text::OneLine;
use thiserror::Error;

/// Why a persona cannot be used. `place` is the file, or the name if there is no file.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PersonaError {
    /// It cannot be read.
    #[error("{}: {}", OneLine(.place), OneLine(.why))]
    CannotRead {
        /// The file or folder.
        place: String,
        /// Why.
        why: String,
    },
    /// The file is longer than a persona may be.
    #[error("{}: it is longer than {most} bytes", OneLine(.place))]
    TooLong {
        /// The file.
        place: String,
        /// How many bytes it may have.
        most: usize,
    },
    /// A folder has more personas than are read.
    #[error("{}: it has more than {most} personas", OneLine(.place))]
    TooMany {
        /// The folder.
        place: String,
        /// How many it may have.
        most: usize,
    },
    /// The name of the file is not a valid name of a persona.
    #[error("{}: {:?} is not a name of a persona: it has 1 to 64 letters, digits, `_`, `-` and `.`", OneLine(.place), .name)]
    BadName {
        /// The file.
        place: String,
        /// The name.
        name: String,
    },
    /// There is no front matter.
    #[error("{}:1: a persona begins with a line `+++`, and another `+++` ends its fields", OneLine(.place))]
    NoFront {
        /// The file.
        place: String,
    },
    /// The front matter is not TOML, or a field has a value of the wrong type.
    #[error("{}:{line}: {}", OneLine(.place), OneLine(.message))]
    NotRead {
        /// The file.
        place: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// There is no such field.
    #[error("{}:{line}: there is no field `{field}`; {hint}", OneLine(.place))]
    UnknownField {
        /// The file.
        place: String,
        /// The line, from 1.
        line: usize,
        /// The field.
        field: String,
        /// The nearest name, or the names that exist.
        hint: String,
    },
    /// A field has a value that it cannot have.
    #[error("{}:{line}: {field}: {}", OneLine(.place), OneLine(.message))]
    Bad {
        /// The file.
        place: String,
        /// The line, from 1.
        line: usize,
        /// The field.
        field: String,
        /// What is wrong, and what to write instead.
        message: String,
    },
    /// The template cannot be read, or fails.
    #[error("{}:{line}: {}", OneLine(.place), OneLine(.message))]
    Template {
        /// The file.
        place: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// Variables of the template have no value.
    #[error("{}:{line}: the template wants {}: give each with `.with(name, value)`", OneLine(.place), .variables.join(", "))]
    Undefined {
        /// The file.
        place: String,
        /// The line of the first one, from 1.
        line: usize,
        /// The names of all of them.
        variables: Vec<String>,
    },
    /// The template has no such variable.
    #[error("{}: the template has no variable `{}`; {hint}", OneLine(.place), OneLine(.variable))]
    NoVariable {
        /// The file.
        place: String,
        /// The variable.
        variable: String,
        /// The nearest name, or the names that exist.
        hint: String,
    },
    /// A value cannot be written as JSON.
    #[error("{}: the value of `{variable}` cannot be written as JSON: {}", OneLine(.place), OneLine(.why))]
    BadValue {
        /// The file.
        place: String,
        /// The variable.
        variable: String,
        /// Why.
        why: String,
    },
    /// There is another persona with this name.
    #[error("{}: there is another persona named {name:?}", OneLine(.place))]
    Twice {
        /// The file, or the name.
        place: String,
        /// The name.
        name: String,
    },
}
