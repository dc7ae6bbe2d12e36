//! An agent's address.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use crate::agent::Agent;
use crate::agent::ask::Ask;
use crate::engine::seat::Seat;
use crate::engine::turn;
use crate::views::Metrics;
use crate::words::balance::Balance;
use crate::words::budget::Budget;
use crate::words::ceiling::Ceiling;
use crate::words::error::{AskError, GrantError, NarrowError, PauseError, ResumeError};
use crate::words::id::AgentId;
use crate::words::pause::{Pause, PauseReceipt, ResumeReceipt};
use crate::words::receipt::{Stop, StopReceipt};
use crate::words::state::{AgentState, StopReason};
use crate::words::status::{Interrupted, Status};

/// The address of an agent. It stays the same across restarts and is cheap to clone; holding it keeps nothing running.
pub struct AgentRef<A: Agent> {
    seat: Arc<Seat>,
    agent_type: PhantomData<fn() -> A>,
}

impl<A: Agent> Clone for AgentRef<A> {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.seat))
    }
}

impl<A: Agent> fmt::Debug for AgentRef<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AgentRef({} {:?})", self.seat.id, self.seat.name)
    }
}

impl<A: Agent> AgentRef<A> {
    pub(crate) fn new(seat: Arc<Seat>) -> Self {
        Self { seat, agent_type: PhantomData }
    }

    pub(crate) fn seat(&self) -> Arc<Seat> {
        Arc::clone(&self.seat)
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &AgentId {
        &self.seat.id
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.seat.name
    }

    /// Asks the agent to do a task. The task waits for room in the mailbox; the future waits for the answer. Within a turn,
    /// the ask belongs to that turn.
    pub fn ask(&self, task: A::Task) -> Ask<A> {
        Ask::new(self.seat(), task, None)
    }

    /// Asks only if there is room now: when this returns, the task is accepted, even if the ask is never polled. To set
    /// terms first, use [`AgentRef::ask`] and send it with [`Ask::try_send`].
    ///
    /// # Errors
    /// [`AskError::MailboxFull`] and [`AskError::Stopped`], with the task.
    pub fn try_ask(&self, task: A::Task) -> Result<Ask<A>, AskError<A::Task>> {
        Ask::new(self.seat(), task, turn::current()).try_send()
    }

    /// Puts a task into the mailbox without waiting for anything. The task has no asker and no deadline.
    ///
    /// # Errors
    /// [`AskError::MailboxFull`] and [`AskError::Stopped`], with the task; [`AskError::Cancelled`] in a turn that was given up.
    pub fn tell(&self, task: A::Task) -> Result<(), AskError<A::Task>> {
        use crate::agent::mailbox::NotAccepted;
        use crate::agent::task::Terms;
        let teller = turn::current();
        if teller.as_ref().is_some_and(|teller| !teller.is_open()) {
            return Err(AskError::Cancelled(self.id().clone()));
        }
        let terms = Terms::told(teller.as_deref());
        match crate::agent::ask::push::<A>(&self.seat, task, terms, None, crate::agent::ask::Way::Tell) {
            Ok(_) => Ok(()),
            Err(NotAccepted::Full(task)) => Err(AskError::MailboxFull(self.seat.id.clone(), task)),
            Err(NotAccepted::Closed(task, reason)) => {
                Err(AskError::Stopped(self.seat.id.clone(), reason, Some(task)))
            }
        }
    }

    /// What the agent is and is doing right now. This is read from its seat and needs no answer from the agent.
    #[must_use]
    pub fn status(&self) -> Status {
        Status::of(&self.seat)
    }

    /// Its state right now.
    #[must_use]
    pub fn state(&self) -> AgentState {
        self.seat.state()
    }

    /// What it and its subtree have spent and reserved.
    #[must_use]
    pub fn cost(&self) -> Balance {
        self.seat.meter.subtree()
    }

    /// The metrics of the agent and its subtree since it was spawned. When it has ended, they have been added to its parent's,
    /// and these are empty.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        self.seat.engine.metrics(&self.seat.id)
    }

    /// Interrupts the agent's turn: pending calls on the context return an error. If the turn has not returned at the end
    /// of the grace (1 s), it is dropped at its await, and a new behaviour is built. The task ends as interrupted, and
    /// the agent goes on with the next one.
    pub fn interrupt(&self) -> Interrupted {
        self.seat.interrupt_turn()
    }

    /// What it and its subtree have spent and reserved in the current window of its budget; `None` without a window.
    #[must_use]
    pub fn window_cost(&self) -> Option<Balance> {
        self.seat.window_cost()
    }

    /// How many agents are alive in its subtree, including itself, in O(1). Scopes do not count.
    #[must_use]
    pub fn live_agents(&self) -> u32 {
        self.seat.live_agents()
    }

    /// Kills the agent: the incarnation ends at once, its subtree is stopped brutally, and its supervisor decides what
    /// happens next.
    pub fn kill(&self) {
        self.seat.kill();
    }

    /// Stops the agent and its subtree for good.
    ///
    /// The fence is up and all turns are cancelled when this is first polled; dropping the future afterwards takes nothing
    /// back.
    pub async fn stop(&self, stop: Stop) -> StopReceipt {
        self.seat.engine.stop_ordered(&self.seat, stop).await
    }

    /// Pauses the agent and its subtree: nothing begins there until [`AgentRef::resume`], and tasks queue. The receipt
    /// comes when all agents are quiet, or at its deadline. Pauses nest: an agent runs when neither it nor any agent above
    /// it is paused.
    ///
    /// The pause begins when this is first polled; dropping the future afterwards does not undo it.
    ///
    /// # Errors
    /// [`PauseError`] if it has ended or is being stopped.
    pub async fn pause(&self, pause: Pause) -> Result<PauseReceipt, PauseError> {
        self.seat.engine.pause(&self.seat, pause).await
    }

    /// Lifts the agent's own pause. Whatever another pause holds stays held.
    ///
    /// # Errors
    /// [`ResumeError`] if the agent itself is not paused.
    pub fn resume(&self) -> Result<ResumeReceipt, ResumeError> {
        self.seat.engine.resume(&self.seat)
    }

    /// Raises the agent's budget by this much, for each amount that the budget limits. Amounts without a limit stay unlimited,
    /// and what happens at a refusal does not change. A subtree that was paused for lack of budget still waits for
    /// [`AgentRef::resume`].
    ///
    /// # Errors
    /// [`GrantError`] if the agent has ended or has no budget of its own, or if what is granted is not an amount.
    pub fn grant(&self, more: Budget) -> Result<(), GrantError> {
        self.seat.engine.grant(&self.seat, more)
    }

    /// Takes rights away while the agent is alive. From now on its ceiling allows only what both ceilings allow: to the agent, to
    /// all agents below it, and to any agent that works for them. Effects that have begun go on. A ceiling can never be widened
    /// again.
    ///
    /// # Errors
    /// [`NarrowError`] if the agent has ended, if its spec gave it no ceiling (`Ceiling::new()` is enough), or if the new
    /// ceiling is invalid.
    pub fn narrow(&self, ceiling: Ceiling) -> Result<(), NarrowError> {
        self.seat.engine.narrow(&self.seat, ceiling)
    }

    /// Accepts no more tasks, finishes the queued ones, and then stops. Whatever is not finished in time is stopped. Once
    /// polled, the drain goes on even if the future is dropped.
    pub async fn drain(&self, within: Duration) -> StopReceipt {
        self.seat.drain(within).await
    }

    /// Waits until the agent has ended for good, through any restarts, and returns the reason.
    pub async fn ended(&self) -> StopReason {
        self.seat.has_ended().await
    }
}
