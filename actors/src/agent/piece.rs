//! What an asker reads while a model agent works.

/// A piece of an answer on its way.
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
    /// What was said since the last call of a tool is void: the model begins once more.
    Again,
}
