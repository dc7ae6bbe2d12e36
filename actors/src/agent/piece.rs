//! What the asker reads while a model agent works.

/// A piece of an answer as it comes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Piece {
    /// More of what the model says.
    Text(String),
    /// A tool is called; its answer goes to the model.
    Tool {
        /// The tool's name.
        name: String,
    },
    /// Discard what was said since the last tool call: the model starts over.
    Again,
}
