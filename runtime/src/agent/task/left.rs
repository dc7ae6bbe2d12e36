//! What a task has besides its payload and its outcome.

use std::collections::VecDeque;

use super::Told;
use crate::words::error::AgentError;
use crate::words::usage::Usage;

/// What attempts, and askers that have gone, have left with a task.
#[derive(Default)]
pub(super) struct Leftovers {
    /// The last of them, as many as [`ERRORS`].
    pub(super) errors: Vec<AgentError>,
    pub(super) said: VecDeque<String>,
    pub(super) told: Told,
    /// What its turns have cost, with all that they began.
    pub(super) spent: Usage,
    /// What its asker took, for the asker's next attempt.
    pub(super) kept: Option<KeptAnswer>,
}

impl Leftovers {
    pub(super) fn add_error(&mut self, error: AgentError) {
        if self.errors.len() == ERRORS {
            self.errors.remove(0);
        }
        self.errors.push(error);
    }
}

/// A task keeps so many errors of its attempts, for each of these has them all, and what does not count goes on for ever.
const ERRORS: usize = 64;

/// An answer that can be given once more.
pub(super) enum KeptAnswer {
    /// As JSON, since an output need not be clonable.
    Output(Vec<u8>),
    Failed(AgentError),
    Poisoned,
}

/// What has become of a task: attempts that have begun and count, what they cost, and their errors.
#[derive(Default)]
pub(crate) struct Past {
    pub(crate) attempts: u32,
    pub(crate) spent: Usage,
    pub(crate) errors: Vec<AgentError>,
}
