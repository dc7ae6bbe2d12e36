//! An agent's address.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::agent::Agent;
use crate::ask::Ask;
use crate::ceiling::Ceiling;
use crate::children::Children;
use crate::control::{Control, Interrupted};
use crate::engine::seat::Seat;
use crate::engine::turn;
use crate::error::{AskError, GrantError, NarrowError, PauseError, ResumeError};
use crate::fold::{Metrics, TreeRow};
use crate::id::{AgentId, Incarnation, TaskId};
use crate::ledger::{Balance, Budget};
use crate::lifecycle::{AgentState, StopReason};
use crate::pause::{Pause, PauseReceipt, PausedBy, ResumeReceipt};
use crate::receipt::{Stop, StopReceipt};

/// The address of an agent: the same across its restarts. Cheap to clone; holding it keeps nothing running.
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

/// What an agent is and does right now.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Status {
    /// Its id.
    pub id: AgentId,
    /// Its name.
    pub name: String,
    /// The type of its behaviour; `root` and `scope` have none.
    pub agent_type: String,
    /// Its state.
    pub state: AgentState,
    /// Which life it is in.
    pub incarnation: Incarnation,
    /// The task that it works on.
    pub task: Option<TaskId>,
    /// What it says that it does.
    pub doing: Option<String>,
    /// Tasks that wait.
    pub queued: usize,
    /// Children that it has.
    pub children: usize,
    /// What it and its subtree have spent and reserved.
    pub cost: Balance,
    /// The pause that holds it, if one does.
    pub paused: Option<PausedBy>,
}

impl Status {
    pub(crate) fn of(seat: &Arc<Seat>) -> Self {
        let paused = seat.paused_by();
        let children = seat.gate.lock().family.as_ref().map_or(0, |family| family.seats.len());
        let queued = seat.body.queued();
        let live = seat.live.lock();
        Self {
            id: seat.id.clone(),
            name: seat.name.to_string(),
            agent_type: seat.body.agent_type().to_owned(),
            state: live.lifecycle.state().clone(),
            incarnation: seat.incarnation(),
            task: live.task.clone(),
            doing: live.doing.clone(),
            queued,
            children,
            cost: seat.meter.subtree(),
            paused,
        }
    }

    /// Of one whose seat is free, as the journal has it.
    pub(crate) fn of_ended(row: &TreeRow, cost: Balance) -> Self {
        Self {
            id: row.id.clone(),
            name: row.name.clone(),
            agent_type: row.agent_type.clone(),
            state: row.state().clone(),
            incarnation: row.incarnation,
            task: None,
            doing: None,
            queued: 0,
            children: 0,
            cost,
            paused: None,
        }
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

    /// The same agent without its type.
    #[must_use]
    pub fn control(&self) -> Control {
        Control::of(self.seat())
    }

    /// Its children, which it supervises.
    #[must_use]
    pub fn children(&self) -> Children {
        Children::of(self.seat())
    }

    /// Asks: the task waits for room in the mailbox, the future for the answer. In a turn, it asks in the turn's name.
    pub fn ask(&self, task: A::Task) -> Ask<A> {
        Ask::new(self.seat(), task, None)
    }

    /// Asks if there is room now: the task is accepted when this returns, also if the ask is never polled. Terms that should
    /// hold from then on are given to [`AgentRef::ask`], and [`Ask::try_send`] sends it.
    ///
    /// # Errors
    /// [`AskError::MailboxFull`] and [`AskError::Stopped`], with the task.
    pub fn try_ask(&self, task: A::Task) -> Result<Ask<A>, AskError<A::Task>> {
        Ask::new(self.seat(), task, turn::current()).try_send()
    }

    /// Puts a task into the mailbox and waits for nothing. It has no asker and no deadline.
    ///
    /// # Errors
    /// [`AskError::MailboxFull`] and [`AskError::Stopped`], with the task; [`AskError::Cancelled`] in a turn that was given up.
    pub fn tell(&self, task: A::Task) -> Result<(), AskError<A::Task>> {
        use crate::mailbox::NotAccepted;
        use crate::task::Terms;
        let teller = turn::current();
        if teller.as_ref().is_some_and(|teller| !teller.is_open()) {
            return Err(AskError::Cancelled(self.id().clone()));
        }
        let terms = Terms::told(teller.as_deref());
        match crate::ask::push::<A>(&self.seat, task, terms, None, crate::ask::Way::Tell) {
            Ok(_) => Ok(()),
            Err(NotAccepted::Full(task)) => Err(AskError::MailboxFull(self.seat.id.clone(), task)),
            Err(NotAccepted::Closed(task, reason)) => {
                Err(AskError::Stopped(self.seat.id.clone(), reason, Some(task)))
            }
        }
    }

    /// What it is and does right now. Read from its seat: it needs no answer of the agent's.
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

    /// How it and its subtree are doing in numbers, since it was spawned; once it has ended they are in its parent's, and these
    /// are of nothing.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        self.seat.engine.metrics(&self.seat.id)
    }

    /// Interrupts its turn: pending calls on the context return, and what has not come back by the grace (1 s) is dropped
    /// at its await and the behaviour built anew. The task ends as interrupted; the agent goes on with the next.
    pub fn interrupt(&self) -> Interrupted {
        self.seat.interrupt_turn()
    }

    /// What it and its subtree have spent and reserved in its budget's current window; none without a window.
    #[must_use]
    pub fn window_cost(&self) -> Option<Balance> {
        self.seat.window_cost()
    }

    /// How many agents live in its subtree, itself included, in O(1); scopes are none.
    #[must_use]
    pub fn live_agents(&self) -> u32 {
        self.seat.live_agents()
    }

    /// Kills it: the incarnation ends at once, its subtree is stopped brutally, and its supervisor decides what comes next.
    pub fn kill(&self) {
        self.seat.kill();
    }

    /// Stops it with its subtree, for good.
    ///
    /// The fence is up and all turns are cancelled when this is first polled; dropping the future afterwards takes nothing
    /// back.
    pub async fn stop(&self, stop: Stop) -> StopReceipt {
        self.seat.engine.stop_ordered(&self.seat, stop).await
    }

    /// Pauses it with its subtree: nothing begins there until [`AgentRef::resume`], tasks queue. The receipt comes when all
    /// are quiet, or when it is due. Pauses nest: an agent runs when none stands at it or above it.
    ///
    /// The subtree is held when this is first polled; dropping the future afterwards takes nothing back.
    ///
    /// # Errors
    /// [`PauseError`] if it has ended or is being stopped.
    pub async fn pause(&self, pause: Pause) -> Result<PauseReceipt, PauseError> {
        self.seat.engine.pause(&self.seat, pause).await
    }

    /// Lifts the pause that stands at it. What another pause holds stays held.
    ///
    /// # Errors
    /// [`ResumeError`] if none stands at it.
    pub fn resume(&self) -> Result<ResumeReceipt, ResumeError> {
        self.seat.engine.resume(&self.seat)
    }

    /// Raises its budget by so much of each amount that it bounds; what it does not bound stays unbounded, and what happens at
    /// a refusal stays as it is. A subtree that was paused for want of it waits for [`AgentRef::resume`].
    ///
    /// # Errors
    /// [`GrantError`] if it has ended, has no budget of its own, or what is granted is no amount.
    pub fn grant(&self, more: Budget) -> Result<(), GrantError> {
        self.seat.engine.grant(&self.seat, more)
    }

    /// Takes rights away while it lives: from now on its ceiling allows what both allow, to the agent, to all below it and to whatever
    /// works for them. What has begun goes on. A ceiling is never widened again.
    ///
    /// # Errors
    /// [`NarrowError`] if it has ended, its spec gave it no ceiling (`Ceiling::new()` is one), or this one cannot be used.
    pub fn narrow(&self, ceiling: Ceiling) -> Result<(), NarrowError> {
        self.seat.engine.narrow(&self.seat, ceiling)
    }

    /// Takes no more tasks, finishes those that are queued, and stops. What is not finished within the time is stopped. Dropping
    /// the future takes nothing back: once polled, it goes on.
    pub async fn drain(&self, within: Duration) -> StopReceipt {
        self.seat.drain(within).await
    }

    /// Waits until it has ended for good, and says why. Restarts are waited through.
    pub async fn ended(&self) -> StopReason {
        self.seat.has_ended().await
    }
}
