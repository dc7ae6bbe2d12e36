//! A task between its asker and its agent, and its one outcome.
//!
//! # Invariants
//! 1. The state goes Queued → Running → an outcome, or Queued → an outcome; Running → Queued is a redelivery. An outcome
//!    is the last: whoever brings it about under the lock appends the event and answers, and everybody else learns that
//!    they came too late.
//! 2. The payload is with the task while it is queued and with the runner while it runs.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;

use crate::engine::turn::Turn;
use crate::error::{AgentError, AskError};
use crate::event::Outcome;
use crate::id::{AgentId, TaskId};
use crate::lifecycle::StopReason;
use crate::time::Time;

pub(crate) struct TaskCell<T, O> {
    pub(crate) id: TaskId,
    pub(crate) deadline: Time,
    slot: Mutex<Slot<T, O>>,
}

struct Slot<T, O> {
    state: State<O>,
    payload: Option<T>,
    waker: Option<Waker>,
    attempts: u32,
    errors: Vec<AgentError>,
    said: VecDeque<String>,
    once_begun: bool,
}

/// What an agent says and nobody reads is dropped, the oldest first.
const SAID: usize = 64;

enum State<O> {
    Queued,
    Running(Arc<Turn>),
    Over(Over<O>),
    /// The asker has taken the answer.
    Taken,
}

/// An outcome with what belongs to it.
pub(crate) enum Over<O> {
    Done(O),
    Failed(AgentError),
    Poisoned,
    Interrupted,
    Withdrawn,
    Expired,
    Stopped(StopReason),
}

impl<O> Over<O> {
    pub(crate) const fn outcome(&self) -> Outcome {
        match self {
            Self::Done(_) => Outcome::Done,
            Self::Failed(_) => Outcome::Failed,
            Self::Poisoned => Outcome::Poisoned,
            Self::Interrupted => Outcome::Interrupted,
            Self::Withdrawn => Outcome::Withdrawn,
            Self::Expired => Outcome::Expired,
            Self::Stopped(_) => Outcome::Stopped,
        }
    }
}

/// What an attempt starts with.
pub(crate) struct Attempt<T> {
    pub(crate) payload: T,
    pub(crate) attempt: u32,
    pub(crate) errors: Vec<AgentError>,
    pub(crate) once_begun: bool,
}

impl<T, O> TaskCell<T, O> {
    pub(crate) fn new(id: TaskId, deadline: Time, payload: T) -> Self {
        let slot = Slot {
            state: State::Queued,
            payload: Some(payload),
            waker: None,
            attempts: 0,
            errors: Vec::new(),
            said: VecDeque::new(),
            once_begun: false,
        };
        Self { id, deadline, slot: Mutex::new(slot) }
    }

    /// Queued → Running; none if the task has its outcome already. `began` appends the event.
    pub(crate) fn begin(&self, turn: &Arc<Turn>, began: impl FnOnce(u32)) -> Option<Attempt<T>> {
        let mut slot = self.slot.lock();
        if !matches!(slot.state, State::Queued) {
            return None;
        }
        let payload = slot.payload.take()?;
        slot.state = State::Running(Arc::clone(turn));
        slot.attempts += 1;
        began(slot.attempts);
        Some(Attempt {
            payload,
            attempt: slot.attempts,
            errors: slot.errors.clone(),
            once_begun: slot.once_begun,
        })
    }

    /// Running → Queued, with the payload; false if the task has its outcome already. `redelivered` appends the event.
    pub(crate) fn requeue(
        &self,
        payload: T,
        error: AgentError,
        counts: bool,
        once_begun: bool,
        redelivered: impl FnOnce(),
    ) -> bool {
        let mut slot = self.slot.lock();
        slot.payload = Some(payload);
        slot.once_begun |= once_begun;
        if !matches!(slot.state, State::Running(_)) {
            return false;
        }
        slot.state = State::Queued;
        if !counts {
            slot.attempts -= 1;
        }
        slot.errors.push(error);
        redelivered();
        true
    }

    /// Brings the outcome about, if there is none yet; `ended` appends the event. Says whether it did.
    pub(crate) fn finish(
        &self,
        over: Over<O>,
        error: Option<AgentError>,
        ended: impl FnOnce(Outcome),
    ) -> bool {
        let waker = {
            let mut slot = self.slot.lock();
            if matches!(slot.state, State::Over(_) | State::Taken) {
                return false;
            }
            ended(over.outcome());
            slot.errors.extend(error);
            slot.state = State::Over(over);
            slot.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
        true
    }

    /// Gives the payload of a turn back that did not consume it, for the asker to have.
    pub(crate) fn give_back(&self, payload: T) {
        self.slot.lock().payload = Some(payload);
    }

    /// The turn that works on it now.
    pub(crate) fn turn(&self) -> Option<Arc<Turn>> {
        match &self.slot.lock().state {
            State::Running(turn) => Some(Arc::clone(turn)),
            _ => None,
        }
    }

    /// Attempts that have begun and count.
    pub(crate) fn attempts(&self) -> u32 {
        self.slot.lock().attempts
    }

    /// The errors of all attempts.
    pub(crate) fn errors(&self) -> Vec<AgentError> {
        self.slot.lock().errors.clone()
    }

    /// Passes what the agent says on to the asker.
    pub(crate) fn say(&self, text: &str) {
        let mut slot = self.slot.lock();
        if slot.said.len() == SAID {
            slot.said.pop_front();
        }
        slot.said.push_back(text.to_owned());
        if let Some(waker) = slot.waker.take() {
            waker.wake();
        }
    }

    /// What the agent has said since the last call.
    pub(crate) fn take_said(&self) -> Vec<String> {
        self.slot.lock().said.drain(..).collect()
    }

    /// The answer, once; pending until there is an outcome.
    pub(crate) fn poll_answer(&self, agent: &AgentId, cx: &mut Context<'_>) -> Poll<Result<O, AskError<T>>> {
        let mut slot = self.slot.lock();
        if !matches!(slot.state, State::Over(_)) {
            match &mut slot.waker {
                Some(waker) => waker.clone_from(cx.waker()),
                None => slot.waker = Some(cx.waker().clone()),
            }
            return Poll::Pending;
        }
        let State::Over(over) = std::mem::replace(&mut slot.state, State::Taken) else {
            return Poll::Pending;
        };
        let agent = agent.clone();
        Poll::Ready(match over {
            Over::Done(output) => Ok(output),
            Over::Failed(error) => Err(AskError::Failed(agent, error)),
            Over::Poisoned => Err(AskError::Poisoned { agent, errors: std::mem::take(&mut slot.errors) }),
            Over::Interrupted => Err(AskError::Interrupted(agent)),
            Over::Withdrawn => Err(AskError::Cancelled(agent)),
            Over::Expired => Err(AskError::Expired(agent)),
            Over::Stopped(reason) => Err(AskError::Stopped(agent, reason, slot.payload.take())),
        })
    }
}

/// A task that crashed its agent in every attempt, kept to be read and replayed.
#[derive(Clone)]
pub struct DeadLetter {
    /// The task.
    pub task: TaskId,
    /// The agent's name.
    pub agent: String,
    /// The payload as JSON; none if it could not be written.
    pub payload: Option<serde_json::Value>,
    /// What each attempt failed with, in order.
    pub errors: Vec<AgentError>,
}

/// Without the payload, whose content is nobody's business.
impl fmt::Debug for DeadLetter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { task, agent, payload: _, errors } = self;
        f.debug_struct("DeadLetter")
            .field("task", task)
            .field("agent", agent)
            .field("errors", errors)
            .finish_non_exhaustive()
    }
}

impl DeadLetter {
    pub(crate) fn new(
        task: TaskId,
        agent: String,
        payload: &impl serde::Serialize,
        earlier: &[AgentError],
        last: &AgentError,
    ) -> Self {
        let mut errors = earlier.to_vec();
        errors.push(last.clone());
        Self { task, agent, payload: serde_json::to_value(payload).ok(), errors }
    }
}

/// The dead letters of a swarm, the newest last; of more than this many the oldest are dropped.
#[derive(Default)]
pub(crate) struct DeadLetters(Mutex<VecDeque<DeadLetter>>);

const DEAD_LETTERS: usize = 1_000;

impl DeadLetters {
    pub(crate) fn push(&self, letter: DeadLetter) {
        let mut letters = self.0.lock();
        if letters.len() == DEAD_LETTERS {
            letters.pop_front();
        }
        letters.push_back(letter);
    }

    pub(crate) fn all(&self) -> Vec<DeadLetter> {
        self.0.lock().iter().cloned().collect()
    }
}
