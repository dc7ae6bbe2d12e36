//! Asking an agent: a future that is the task's life line.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::agent::Agent;
use crate::defaults;
use crate::engine::body::Typed;
use crate::engine::park::Parking;
use crate::engine::seat::Seat;
use crate::engine::turn::{self, Cancel, Turn, Waiting};
use crate::env::Timer;
use crate::error::AskError;
use crate::event::{Wait, What};
use crate::id::TaskId;
use crate::mailbox::NotAccepted;
use crate::task::{Over, TaskCell};
use crate::time::Time;

type Cell<A> = Arc<TaskCell<<A as Agent>::Task, <A as Agent>::Output>>;

/// A question that is sent at its first poll and answered once.
///
/// It has a deadline, 30 s unless told otherwise and never beyond that of the turn that asks. Polled in a turn, it belongs
/// to that turn and ends with it.
///
/// # Cancel safety
/// Dropping it withdraws the task: queued, it is taken out; running, its turn is interrupted, and so are the asks that
/// turn made.
#[must_use = "an ask is sent when it is polled"]
pub struct Ask<A: Agent> {
    seat: Arc<Seat>,
    state: State<A>,
    within: Duration,
    deadline: Time,
    asker: Option<Arc<Turn>>,
    /// Places among those who wait: for room, and for the asker's cancel.
    room: Option<u64>,
    cancel: Option<u64>,
    timer: Option<Timer>,
    waiting: Option<Waiting>,
    parking: Parking,
    /// Kept when the task is let go.
    attempts: u32,
}

enum State<A: Agent> {
    /// Not accepted yet, and whether it was tried.
    Unsent(Option<A::Task>, bool),
    Sent(Cell<A>),
    Over,
}

impl<A: Agent> Unpin for Ask<A> {}

impl<A: Agent> Ask<A> {
    pub(crate) fn new(seat: Arc<Seat>, task: A::Task, asker: Option<Arc<Turn>>) -> Self {
        Self {
            seat,
            state: State::Unsent(Some(task), false),
            within: defaults::ASK,
            deadline: Time::NEVER,
            asker,
            room: None,
            cancel: None,
            timer: None,
            waiting: None,
            parking: Parking::default(),
            attempts: 0,
        }
    }

    /// Its deadline, counted from the first poll; 30 s unless told.
    pub fn within(mut self, limit: Duration) -> Self {
        self.within = limit;
        self
    }

    /// Sends it now if there is room; for `try_ask`.
    pub(crate) fn try_send(mut self) -> Result<Self, AskError<A::Task>> {
        self.begin();
        let State::Unsent(task, _) = &mut self.state else { return Ok(self) };
        let Some(task) = task.take() else { return Ok(self) };
        match push::<A>(&self.seat, task, self.asker.as_deref(), self.deadline) {
            Ok(cell) => {
                self.state = State::Sent(cell);
                Ok(self)
            }
            Err(NotAccepted::Full(task)) => {
                self.state = State::Over;
                Err(AskError::MailboxFull(self.seat.id.clone(), task))
            }
            Err(NotAccepted::Closed(task, reason)) => {
                self.state = State::Over;
                Err(AskError::Stopped(self.seat.id.clone(), reason, Some(task)))
            }
        }
    }

    /// The task's id, once it is accepted.
    #[must_use]
    pub fn task(&self) -> Option<&TaskId> {
        match &self.state {
            State::Sent(cell) => Some(&cell.id),
            _ => None,
        }
    }

    /// How many attempts at the task have begun and count; of an ask that is over, how many there were.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        match &self.state {
            State::Sent(cell) => cell.attempts(),
            _ => self.attempts,
        }
    }

    /// What the agent has said about its progress since the last call.
    #[must_use]
    pub fn said(&self) -> Vec<String> {
        match &self.state {
            State::Sent(cell) => cell.take_said(),
            _ => Vec::new(),
        }
    }

    /// Lets the task go on without an asker; its outcome is an event. Sends it if it was not sent.
    ///
    /// # Errors
    /// As [`AgentRef::try_ask`](crate::AgentRef::try_ask), if it was not sent yet.
    pub fn detach(self) -> Result<(), AskError<A::Task>> {
        let mut sent = self.try_send()?;
        sent.state = State::Over;
        Ok(())
    }

    /// Who asks, and until when, is settled when it is sent.
    fn begin(&mut self) {
        if let State::Unsent(_, began @ false) = &mut self.state {
            *began = true;
            if self.asker.is_none() {
                self.asker = turn::current();
            }
            let limit = self.asker.as_ref().map_or(Time::NEVER, |asker| asker.deadline);
            self.deadline = (self.seat.engine.env.now() + self.within).min(limit);
        }
    }

    /// Puts it into the mailbox, or waits for room.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<Result<Cell<A>, AskError<A::Task>>> {
        let env = &self.seat.engine.env;
        let State::Unsent(task, _) = &mut self.state else { return Poll::Pending };
        let Some(payload) = task.take() else { return Poll::Pending };
        match push::<A>(&self.seat, payload, self.asker.as_deref(), self.deadline) {
            Ok(cell) => {
                self.timer = None;
                Poll::Ready(Ok(cell))
            }
            Err(NotAccepted::Closed(payload, reason)) => {
                Poll::Ready(Err(AskError::Stopped(self.seat.id.clone(), reason, Some(payload))))
            }
            Err(NotAccepted::Full(payload)) => {
                *task = Some(payload);
                if env.now() >= self.deadline {
                    return Poll::Ready(Err(AskError::Expired(self.seat.id.clone())));
                }
                let waker = cx.waker().clone();
                self.timer = Some(env.at(self.deadline, move || waker.wake()));
                self.seat.typed::<A>().mailbox.wait_for_room(&mut self.room, cx);
                Poll::Pending
            }
        }
    }

    fn is_asker_cancelled(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(asker) = &self.asker else { return false };
        asker.cancel.poll_raised(&mut self.cancel, cx).is_ready()
    }

    /// Gives up places and timers.
    fn leave(&mut self) {
        self.seat.typed::<A>().mailbox.leave(&mut self.room);
        if let Some(asker) = &self.asker {
            asker.cancel.leave(&mut self.cancel);
            self.parking.leave(asker);
        }
        self.timer = None;
        self.waiting = None;
    }

    fn withdraw(&mut self) {
        if let State::Sent(cell) = std::mem::replace(&mut self.state, State::Over) {
            self.attempts = cell.attempts();
            end::<A>(&self.seat, &cell, Over::Withdrawn, Cancel::Withdrawn);
        }
    }
}

impl<A: Agent> Future for Ask<A> {
    type Output = Result<A::Output, AskError<A::Task>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let ask = self.get_mut();
        if let Some(asker) = &ask.asker
            && ask.parking.poll(asker, cx).is_pending()
        {
            // Held, it is neither sent nor answered.
            return Poll::Pending;
        }
        ask.begin();
        if ask.is_asker_cancelled(cx) {
            let agent = ask.seat.id.clone();
            ask.withdraw();
            ask.leave();
            return Poll::Ready(Err(AskError::Cancelled(agent)));
        }
        if let State::Unsent(..) = ask.state {
            match ask.poll_send(cx) {
                Poll::Ready(Ok(cell)) => ask.state = State::Sent(cell),
                Poll::Ready(Err(error)) => {
                    ask.state = State::Over;
                    ask.leave();
                    return Poll::Ready(Err(error));
                }
                Poll::Pending => {
                    ask.wait();
                    return Poll::Pending;
                }
            }
        }
        let State::Sent(cell) = &ask.state else { return Poll::Pending };
        let answer = cell.poll_answer(&ask.seat.id, cx);
        if answer.is_ready() {
            ask.attempts = cell.attempts();
            ask.state = State::Over;
            ask.leave();
        } else {
            if ask.timer.is_none() && ask.deadline != Time::NEVER {
                let (seat, cell) = (Arc::clone(&ask.seat), Arc::clone(cell));
                ask.timer = Some(ask.seat.engine.env.at(ask.deadline, move || {
                    end::<A>(&seat, &cell, Over::Expired, Cancel::Expired);
                }));
            }
            ask.wait();
        }
        answer
    }
}

impl<A: Agent> Ask<A> {
    fn wait(&mut self) {
        if self.waiting.is_none() {
            self.waiting = self.asker.as_ref().map(|asker| asker.wait(Wait::Ask));
        }
    }
}

impl<A: Agent> Drop for Ask<A> {
    fn drop(&mut self) {
        self.withdraw();
        self.leave();
    }
}

/// Puts a task into the mailbox and rings.
pub(crate) fn push<A: Agent>(
    seat: &Arc<Seat>,
    task: A::Task,
    asker: Option<&Turn>,
    deadline: Time,
) -> Result<Cell<A>, NotAccepted<A::Task>> {
    let typed: &Typed<A> = seat.typed();
    let asker = asker.and_then(|asker| asker.task.clone());
    let cell = typed.mailbox.push(task, |number, task| {
        let id = TaskId::new(seat.id.clone(), number);
        seat.note_in(Some(id.clone()), What::TaskAccepted { asker });
        Arc::new(TaskCell::new(id, deadline, task))
    })?;
    seat.ring();
    Ok(cell)
}

/// Ends a task from outside: queued, it is taken out; running, its turn is interrupted.
fn end<A: Agent>(seat: &Arc<Seat>, cell: &Cell<A>, over: Over<A::Output>, why: Cancel) {
    let turn = cell.turn();
    let id = cell.id.clone();
    let ended = cell.finish(over, None, |outcome| {
        seat.note_in(Some(id), What::TaskEnded { outcome });
    });
    if !ended {
        return;
    }
    match turn {
        Some(turn) => seat.interrupt(&turn, why),
        None => seat.typed::<A>().mailbox.remove(cell),
    }
}
