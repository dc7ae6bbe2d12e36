//! What the decider sees, and what it says.

use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// All that is known when a decision is due. It has what ended before, and nothing of what ends while the decider thinks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table<G, T, O> {
    /// What all of it is for.
    pub goal: G,
    /// Which decision this is, from 1.
    pub round: u32,
    /// How many may follow; with none left this one has to be [`Next::Done`] or [`Next::Ask`].
    pub rounds_left: u32,
    /// How often a worker may still be given a task.
    pub tasks_left: usize,
    /// Tries that failed so far, of all tasks.
    pub failures: usize,
    /// All tasks so far; the first has the number 1.
    pub tasks: Vec<Assigned<T, O>>,
    /// What a person has answered.
    pub answers: Vec<Answered>,
}

/// A task, and how it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assigned<T, O> {
    /// Its number, from 1, in the order of planning.
    pub number: usize,
    /// What is to be done.
    pub task: T,
    /// To how many workers it was given, one after the other.
    pub tries: u32,
    /// What has become of it.
    pub standing: Standing<O>,
}

/// What has become of a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing<O> {
    /// Somebody works on it, or will when there is room.
    Working,
    /// It is done, with this result.
    Done(O),
    /// Its last worker failed, or was stopped with the rest.
    Failed(Failure),
    /// The decider gave it up.
    GivenUp,
}

/// A question that a person has answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// The question; empty if there was none.
    pub question: String,
    /// The answer.
    pub answer: String,
}

/// What is done next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Next<T, R> {
    /// It goes on with these moves, in their order; with none of them it waits for the next end.
    Go(Vec<Move<T>>),
    /// The goal is reached, or as good as can be. What still works is stopped.
    Done(R),
    /// A person has to say something first. What works goes on to its end, and nothing more is begun.
    Ask(String),
}

/// A change of who does what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Move<T> {
    /// A new task.
    Spawn(T),
    /// The task of this number is given to another worker, as it is. One that works on it is stopped.
    Retry(usize),
    /// The same, with another wording of the task.
    Reassign(usize, T),
    /// The task of this number is not needed any more: its worker is stopped.
    GiveUp(usize),
}

impl<T, R> Next<T, R> {
    /// New tasks.
    pub fn spawn(tasks: impl IntoIterator<Item = T>) -> Self {
        Self::Go(tasks.into_iter().map(Move::Spawn).collect())
    }

    /// The next end is waited for.
    #[must_use]
    pub const fn wait() -> Self {
        Self::Go(Vec::new())
    }
}

impl<G, T, O> Table<G, T, O> {
    /// The tasks that somebody works on.
    pub fn working(&self) -> impl Iterator<Item = &Assigned<T, O>> {
        self.tasks.iter().filter(|task| matches!(task.standing, Standing::Working))
    }

    /// The tasks that are done, with their results.
    pub fn done(&self) -> impl Iterator<Item = (&Assigned<T, O>, &O)> {
        self.tasks.iter().filter_map(|task| Some((task, task.done()?)))
    }

    /// The tasks whose last worker failed, with the reasons.
    pub fn failed(&self) -> impl Iterator<Item = (&Assigned<T, O>, &Failure)> {
        self.tasks.iter().filter_map(|task| match &task.standing {
            Standing::Failed(failure) => Some((task, failure)),
            _ => None,
        })
    }
}

impl<T, O> Assigned<T, O> {
    /// Its result, if it is done.
    #[must_use]
    pub const fn done(&self) -> Option<&O> {
        match &self.standing {
            Standing::Done(output) => Some(output),
            _ => None,
        }
    }
}
