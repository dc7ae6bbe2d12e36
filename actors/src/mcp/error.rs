//! Why a server's tools are not available.

use thiserror::Error;

/// Why a server's tools are not available.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum McpError {
    /// It was not spawned.
    #[error("the server has not been started; spawn its `spec` first")]
    NotStarted,
    /// A pattern of the table cannot be read.
    #[error("{0:?} is not a pattern; give a tool's name, or a prefix followed by `*`")]
    Pattern(String),
    /// A pattern of `only` matches none of its tools.
    #[error("the server {server} has no tool {pattern:?}; it has {has}")]
    NoSuchTool {
        /// The server's name.
        server: String,
        /// The pattern.
        pattern: String,
        /// A few of the tools that it has.
        has: String,
    },
    /// There are more tools than a model can be given.
    #[error("the server {server} lists more than {most} tools; name those that you want with `only`")]
    TooMany {
        /// The server's name.
        server: String,
        /// How many there may be.
        most: usize,
    },
    /// A tool cannot be offered to a model.
    #[error("the tool {name:?} of the server {server} cannot be offered: {why}; leave it out with `without`")]
    Bad {
        /// The server's name.
        server: String,
        /// The tool's.
        name: String,
        /// What is wrong with it.
        why: String,
    },
}
