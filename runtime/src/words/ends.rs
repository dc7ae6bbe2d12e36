//! How an agent ended in a stop, and what may be left of it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How an agent that was alive at the fence ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// Its turn returned and its hook ran to its end, or it had none.
    Clean,
    /// Its turn or hook was dropped or crashed, or no time was left for the hook.
    Aborted,
    /// It could not be aborted by its limit, and still runs.
    Stuck,
    /// It ended by itself between the fence and its place in the stop.
    AlreadyStopped,
}

/// What went wrong in a stop hook.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HookFault {
    /// It was not done in its time.
    Hung,
    /// It returned an error; one line about it.
    Failed(String),
    /// It panicked; one line with the panic's place and what it said.
    Panicked(String),
}

/// What is left of an agent that has ended, and that a stop could not wait for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Left {
    /// Its turn, start or hook: it blocks a thread, or no thread came to drop it.
    Runner,
    /// Its behaviour, whose drop is not over.
    Behaviour,
    /// Something that it held, whose drop is not over.
    Holding(String),
    /// Work on a thread for blocking work, which goes on when its turn was cut.
    Blocking,
}

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Runner => f.write_str("its work"),
            Self::Behaviour => f.write_str("its behaviour"),
            Self::Holding(name) => write!(f, "its holding {name:?}"),
            Self::Blocking => f.write_str("blocking work"),
        }
    }
}
