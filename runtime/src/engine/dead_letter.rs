//! Dead letters: tasks that failed in every attempt, kept to be read and replayed.

use std::collections::VecDeque;
use std::fmt;

use parking_lot::Mutex;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::engine::seat::rights::Rights;
use crate::env::quiet::caught;
use crate::words::error::{AgentError, ReplayError};
use crate::words::event::Outcome;
use crate::words::id::{AgentId, TaskId};
use crate::words::time::Time;

/// A task that failed in every attempt.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// The task.
    pub task: TaskId,
    /// Its agent.
    pub agent: AgentId,
    /// The agent's name.
    pub name: String,
    /// The type of the agent's behaviour.
    pub agent_type: String,
    /// How it ended.
    pub outcome: Outcome,
    /// What each attempt failed with, in order.
    pub errors: Vec<AgentError>,
    /// When it ended.
    pub at: Time,
    /// The payload as JSON; none if it could not be written down, or would come back as something else.
    pub payload: Option<serde_json::Value>,
    /// The dead letter that this was a replay of.
    pub replay_of: Option<TaskId>,
    /// The tasks as which it has been replayed, in order.
    pub replayed_as: Vec<TaskId>,
}

/// Without its payload, which is nobody's business.
impl fmt::Debug for DeadLetter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (attempts, plural) = (self.errors.len(), if self.errors.len() == 1 { "" } else { "s" });
        write!(f, "DeadLetter({} of {}, {attempts} attempt{plural})", self.task, self.name)
    }
}

/// The dead letters of a swarm, the oldest first.
pub(crate) struct DeadLetters {
    most: usize,
    kept: Mutex<KeptLetter>,
}

#[derive(Default)]
struct KeptLetter {
    /// Each with the rights that its task had.
    letters: VecDeque<(DeadLetter, Rights)>,
    dropped: u64,
}

impl DeadLetters {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, kept: Mutex::default() }
    }

    /// Lays one aside; of more than the swarm keeps the oldest is dropped, and counted.
    pub(crate) fn push(&self, letter: DeadLetter, rights: Rights) {
        let mut kept = self.kept.lock();
        kept.letters.push_back((letter, rights));
        if kept.letters.len() > self.most {
            kept.letters.pop_front();
            kept.dropped += 1;
        }
    }

    pub(crate) fn all(&self) -> Vec<DeadLetter> {
        self.kept.lock().letters.iter().map(|(letter, _)| letter.clone()).collect()
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.kept.lock().dropped
    }

    /// A letter's payload as a task of an agent, and the rights that it had.
    pub(crate) fn task<T: DeserializeOwned>(
        &self,
        of: &TaskId,
        agent: &AgentId,
    ) -> Result<(T, Rights), ReplayError> {
        let kept = self.kept.lock();
        let found = kept.letters.iter().find(|(letter, _)| letter.task == *of);
        let (payload, rights) = match found.map(|(letter, rights)| (&letter.payload, rights)) {
            None => return Err(ReplayError::Unknown(of.clone())),
            Some((None, _)) => return Err(ReplayError::NotKept(of.clone())),
            Some((Some(payload), rights)) => (payload.clone(), rights.clone()),
        };
        // A user's code reads it, under no lock.
        drop(kept);
        let read = match caught(|| T::deserialize(payload)) {
            Ok(read) => read.map_err(|error| error.to_string()),
            Err(panic) => Err(format!("its reading {panic}")),
        };
        let (letter, agent) = (of.clone(), agent.clone());
        let task = read.map_err(|message| ReplayError::OtherTask { letter, agent, message })?;
        Ok((task, rights))
    }

    pub(crate) fn replayed(&self, of: &TaskId, task: TaskId) {
        if let Some((letter, _)) = self.kept.lock().letters.iter_mut().find(|(letter, _)| letter.task == *of)
        {
            letter.replayed_as.push(task);
        }
    }
}
