//! What a seat does that depends on its agent's type, for those who need not know the type.

use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::decide::stopping::HookEnd;
use crate::engine::seat::Seat;
use crate::engine::turn::Turn;
use crate::env::theirs::Sleeper;
use crate::words::error::AgentError;
use crate::words::id::TaskId;
use crate::words::question::{Answer, Question};
use crate::words::state::StopReason;
use crate::words::time::Time;

pub(crate) type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What a seat does that depends on the agent's type.
pub(crate) trait Body: Any + Send + Sync {
    fn as_any(&self) -> &dyn Any;

    /// The agent type's name.
    fn agent_type(&self) -> &'static str;

    /// Whether there is a behaviour at all; a scope and the root have none.
    fn has_behaviour(&self) -> bool;

    /// Tasks that wait.
    fn queued(&self) -> usize;

    /// Those tasks with their deadlines.
    fn deadlines(&self) -> Vec<(TaskId, Time)>;

    /// Takes no more tasks, for a reason. Gives those who wait for room, to be woken where no lock is held.
    #[must_use]
    fn close(&self, reason: StopReason) -> Vec<Sleeper>;

    /// Takes tasks again.
    fn reopen(&self);

    /// A message that a fault plan has delayed arrives.
    #[cfg(feature = "lab")]
    fn arrive(&self, _number: u64) {}

    /// A mailbox that a fault plan has filled has room again.
    #[cfg(feature = "lab")]
    fn make_room(&self) {}

    /// The queued tasks that are past their deadlines, and by how much.
    #[cfg(feature = "lab")]
    fn overdue(&self, _seat: &Seat) -> Vec<(TaskId, std::time::Duration)> {
        Vec::new()
    }

    /// Ends all that is queued as stopped, each payload going back to its asker.
    fn end_queued(&self, seat: &Seat, reason: &StopReason);

    /// The runner that builds the behaviour anew and starts it.
    fn runner(&self, seat: Arc<Seat>, generation: u64) -> BoxFuture<()>;

    /// The runner that goes on with the behaviour that was started in place.
    fn runner_of_dormant(&self, seat: Arc<Seat>, generation: u64) -> BoxFuture<()>;

    /// The stop hook of the behaviour that was started in place; none if there is none. It owns the behaviour.
    fn dormant_hook(&self, seat: Arc<Seat>) -> Option<BoxFuture<HookEnd>>;

    /// Drops the behaviour that was started in place, where code of a user's may run.
    fn drop_dormant(&self);

    /// A fault plan begins a child of the turn, in whatever state its seat is.
    #[cfg(feature = "lab")]
    fn begin_late(&self, turn: Arc<Turn>) -> BoxFuture<()>;

    /// Answers a question from below in this turn, or says with nothing that it goes up.
    fn on_question(&self, question: Question, turn: Arc<Turn>) -> BoxFuture<Answered>;
}

/// What an agent says to a question from below.
pub(crate) type Answered = Result<Option<Answer>, AgentError>;

/// The body of a seat that only holds children: the root, and scopes.
pub(crate) struct Bare {
    pub(crate) agent_type: &'static str,
}

impl Body for Bare {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn agent_type(&self) -> &'static str {
        self.agent_type
    }

    fn has_behaviour(&self) -> bool {
        false
    }

    fn queued(&self) -> usize {
        0
    }

    fn deadlines(&self) -> Vec<(TaskId, Time)> {
        Vec::new()
    }

    fn close(&self, _: StopReason) -> Vec<Sleeper> {
        Vec::new()
    }

    fn reopen(&self) {}

    fn end_queued(&self, _: &Seat, _: &StopReason) {}

    fn runner(&self, _: Arc<Seat>, _: u64) -> BoxFuture<()> {
        Box::pin(std::future::ready(()))
    }

    fn runner_of_dormant(&self, _: Arc<Seat>, _: u64) -> BoxFuture<()> {
        Box::pin(std::future::ready(()))
    }

    fn dormant_hook(&self, _: Arc<Seat>) -> Option<BoxFuture<HookEnd>> {
        None
    }

    fn drop_dormant(&self) {}

    #[cfg(feature = "lab")]
    fn begin_late(&self, _: Arc<Turn>) -> BoxFuture<()> {
        Box::pin(std::future::ready(()))
    }

    fn on_question(&self, _: Question, _: Arc<Turn>) -> BoxFuture<Answered> {
        Box::pin(std::future::ready(Ok(None)))
    }
}
