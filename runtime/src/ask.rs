//! Asking an agent: a future that is the task's life line.

mod sent;

use std::fmt::Display;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use parking_lot::Mutex;

use self::sent::{Claimed, Found, end};
pub(crate) use self::sent::{Way, push};
use crate::agent::Agent;
use crate::ceiling::Rights;
use crate::defaults;
use crate::engine::alarm::{Alarm, Deadline};
use crate::engine::park::Parking;
use crate::engine::seat::Seat;
use crate::engine::turn::{self, Cancel, Listener, Turn, Waiting};
use crate::engine::waits::{Awaited, Entered};
use crate::error::AskError;
use crate::event::{Wait, What};
use crate::id::TaskId;
use crate::key::Key;
use crate::mailbox::NotAccepted;
use crate::task::{Accept, Check, More, Over, TaskCell, Terms};
use crate::theirs::Sleeper;
use crate::time::Time;

type Cell<A> = Arc<TaskCell<<A as Agent>::Task, <A as Agent>::Output>>;
type Answer<A> = Result<<A as Agent>::Output, AskError<<A as Agent>::Task>>;

/// A question that is sent at its first poll and answered once.
///
/// It has a deadline, 30 s unless told otherwise and never beyond that of the turn that asks. Polled in a turn, it belongs
/// to that turn and ends with it.
///
/// # After a crash
/// A turn that is tried again and asks an agent of the same name the same gets what the attempt before it had asked: the
/// answer, if there was one, or the task as it stands, with the deadline that it had. The how-many-th of such it is counts
/// too, in its branch. What came to nothing (it was stopped, withdrawn, interrupted, late) is asked anew, and so is what
/// failed if the agent itself wanted to try again ([`AgentError::redeliver`](crate::AgentError::redeliver)).
///
/// # Cancel safety
/// Dropping it withdraws the task: queued, it is taken out; running, its turn is interrupted, and so are the asks that
/// turn made. Only a live asker withdraws: where the turn that asks crashes or is cut short, the task goes on until the
/// next attempt takes it up, or the asker's task has its outcome.
#[must_use = "an ask is sent when it is polled"]
pub struct Ask<A: Agent> {
    seat: Arc<Seat>,
    state: State<A>,
    within: Duration,
    /// Settled when it begins.
    deadline: Option<Deadline>,
    asker: Option<Arc<Turn>>,
    branch: Option<Arc<str>>,
    /// Once it was looked for among what earlier attempts have asked.
    key: Option<Key>,
    /// Places among those who wait: for room, and for the asker's cancel.
    room: Option<u64>,
    cancel: Option<u64>,
    alarm: Option<Arc<Alarm>>,
    waiting: Option<Waiting>,
    parking: Parking,
    /// Its place in what the asker waits for.
    entered: Option<Entered>,
    replay_of: Option<TaskId>,
    accept: Option<Accept<A::Output>>,
    /// What bounds it besides the rights of its asker.
    bound: Rights,
    /// Kept when the task is let go.
    attempts: u32,
}

enum State<A: Agent> {
    /// Not accepted yet, and whether it was tried.
    Unsent(Option<A::Task>, bool),
    Sent(Cell<A>),
    /// An earlier attempt has had this answer.
    Answered(Box<Answer<A>>),
    Over,
}

impl<A: Agent> Unpin for Ask<A> {}

impl<A: Agent> Ask<A> {
    pub(crate) fn new(seat: Arc<Seat>, task: A::Task, asker: Option<Arc<Turn>>) -> Self {
        Self {
            seat,
            state: State::Unsent(Some(task), false),
            within: defaults::ASK,
            deadline: None,
            asker,
            branch: None,
            key: None,
            room: None,
            cancel: None,
            alarm: None,
            waiting: None,
            parking: Parking::default(),
            entered: None,
            replay_of: None,
            accept: None,
            bound: Rights::ALL,
            attempts: 0,
        }
    }

    /// Its deadline, counted from the first poll; 30 s unless told.
    pub fn within(mut self, limit: Duration) -> Self {
        self.within = limit;
        self
    }

    /// Takes only an output that passes `check`. One that does not is a failed attempt, whose reason the next attempt finds
    /// in [`Context::last_error`](crate::Context::last_error); the agent lives on. After the last attempt the task is
    /// poisoned. The check runs where the agent works; one that panics passes nothing.
    pub fn accept<E: Display>(
        mut self,
        check: impl Fn(&A::Output) -> Result<(), E> + Send + Sync + 'static,
    ) -> Self {
        let check: Check<A::Output> =
            Box::new(move |output| check(output).map_err(|reason| reason.to_string()));
        self.accept = Some(Arc::new(self.seat.home.keep(check)));
        self
    }

    /// Says which dead letter its task was.
    pub(crate) fn replaying(mut self, letter: TaskId) -> Self {
        self.replay_of = Some(letter);
        self
    }

    /// Says for whom it is asked, besides the turn that asks.
    pub(crate) fn bounded(mut self, rights: Rights) -> Self {
        self.bound = rights;
        self
    }

    /// Says in which branch of its turn it is asked.
    pub(crate) fn in_branch(mut self, branch: Option<Arc<str>>) -> Self {
        self.branch = branch;
        self
    }

    /// Sends it now if there is room; for `try_ask`.
    pub(crate) fn try_send(mut self) -> Result<Self, AskError<A::Task>> {
        self.begin();
        match self.send() {
            Ok(()) => Ok(self),
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

    /// Lets the task go on without an asker, also after the asker's own end; its outcome is an event. It keeps its
    /// deadline. Sends it if it was not sent. A turn that is tried again and detaches the same again sends it once.
    ///
    /// # Errors
    /// As [`AgentRef::try_ask`](crate::AgentRef::try_ask), if it was not sent yet.
    pub fn detach(self) -> Result<(), AskError<A::Task>> {
        let mut sent = self.try_send()?;
        sent.arm();
        if let State::Sent(cell) = std::mem::replace(&mut sent.state, State::Over) {
            if let (Some(asked), Some(key)) = (sent.asker.as_ref().and_then(|asker| asker.asked()), &sent.key)
            {
                asked.detach(key);
            }
            cell.forget_asker();
            cell.note_open(|| sent.seat.note_in(Some(cell.id.clone()), What::TaskDetached));
            cell.keep_alarm(sent.alarm.take());
        }
        Ok(())
    }

    /// Who asks, and until when, is settled when it is sent.
    fn begin(&mut self) {
        if let State::Unsent(_, began @ false) = &mut self.state {
            *began = true;
            if self.asker.is_none() {
                self.asker = turn::current();
            }
            let limit = self.asker.as_ref().map_or(Time::NEVER, |asker| asker.deadline());
            let at = (self.seat.engine.env.now() + self.within).min(limit);
            let asker = self.asker.as_ref().map(|turn| &turn.seat);
            self.deadline = Some(Deadline::new(at, &self.seat, asker));
        }
    }

    /// Takes up what an earlier attempt has asked, or puts the task into the mailbox.
    fn send(&mut self) -> Result<(), NotAccepted<A::Task>> {
        let State::Unsent(Some(task), _) = &self.state else { return Ok(()) };
        let asker = self.asker.as_ref().filter(|_| self.key.is_none());
        if let Some((key, found)) =
            asker.and_then(|asker| sent::find::<A>(&self.seat, task, asker, &self.branch))
        {
            self.key = Some(key);
            match found {
                Found::Nothing => {}
                Found::Open(Claimed { seat, cell }) => {
                    // It keeps the deadline that it had.
                    self.alarm = cell.take_alarm();
                    let at = seat.off_clock(cell.terms.deadline);
                    self.deadline = Some(Deadline::new(at, &seat, None));
                    self.seat = seat;
                    self.state = State::Sent(cell);
                    return Ok(());
                }
                Found::Answer(answer) => {
                    self.state = State::Answered(Box::new(answer));
                    return Ok(());
                }
            }
        }
        let State::Unsent(task, _) = &mut self.state else { return Ok(()) };
        let Some(payload) = task.take() else { return Ok(()) };
        let more = More {
            asker: self.asker.as_ref().and_then(|asker| asker.task.clone()),
            key: self.key.clone(),
            replay_of: self.replay_of.clone(),
            accept: self.accept.clone(),
            rights: turn::rights(self.asker.as_deref()).and(&self.bound),
        };
        let deadline = self.seat.on_clock(self.deadline.as_ref().map_or(Time::NEVER, Deadline::at));
        let cell = push::<A>(&self.seat, payload, Terms::new(deadline, more), Way::Ask)?;
        if let (Some(asked), Some(key)) = (self.asker.as_ref().and_then(|asker| asker.asked()), &self.key) {
            let claimed = Claimed::<A> { seat: Arc::clone(&self.seat), cell: Arc::clone(&cell) };
            if !asked.enter(key.clone(), Arc::new(claimed)) {
                end::<A>(&self.seat, &cell, Over::Withdrawn, Cancel::Withdrawn);
            }
        }
        self.state = State::Sent(cell);
        Ok(())
    }

    /// Sends it, or waits for room.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), AskError<A::Task>>> {
        loop {
            match self.send() {
                Ok(()) => {
                    if !matches!(self.state, State::Sent(_)) || self.room.is_some() {
                        self.alarm = None;
                    }
                    return Poll::Ready(Ok(()));
                }
                Err(NotAccepted::Closed(payload, reason)) => {
                    return Poll::Ready(Err(AskError::Stopped(self.seat.id.clone(), reason, Some(payload))));
                }
                Err(NotAccepted::Full(payload)) => {
                    self.state = State::Unsent(Some(payload), true);
                    let Some(deadline) = &mut self.deadline else { return Poll::Pending };
                    if deadline.is_over(self.seat.engine.env.now()) {
                        return Poll::Ready(Err(AskError::Expired(self.seat.id.clone())));
                    }
                    let sleeper = Mutex::new(Some(Sleeper::new(cx)));
                    self.alarm = Some(Alarm::set(&self.seat, deadline.clone(), move || {
                        let sleeper = sleeper.lock().take();
                        Sleeper::wake_all(sleeper);
                    }));
                    if self.seat.typed::<A>().mailbox.poll_room(&mut self.room, cx).is_pending() {
                        return Poll::Pending;
                    }
                }
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
        self.alarm = None;
        self.waiting = None;
        self.entered = None;
    }

    /// Enters what the asker waits for, unless that would close a circle of turns that wait for each other.
    fn enter(&mut self) -> Result<(), AskError<A::Task>> {
        let Some(asker) = self.asker.as_ref().filter(|_| self.entered.is_none()) else { return Ok(()) };
        match asker.waits_for(Awaited::Agent(Arc::clone(&self.seat))).circle(&self.seat) {
            Ok(entered) => {
                self.entered = Some(entered);
                self.show_accepted();
                Ok(())
            }
            Err(path) => {
                let task = if let State::Unsent(task, _) = &mut self.state { task.take() } else { None };
                Err(AskError::Cycle { path, task })
            }
        }
    }

    fn show_accepted(&self) {
        if let (Some(entered), State::Sent(cell)) = (&self.entered, &self.state) {
            entered.accepted(Arc::clone(cell) as Arc<dyn Listener>);
        }
    }

    /// Sets its deadline, if it has one and it is not set.
    fn arm(&mut self) {
        let State::Sent(cell) = &self.state else { return };
        if self.alarm.is_none()
            && let Some(deadline) = self.deadline.take_if(|deadline| deadline.at() != Time::NEVER)
        {
            let (seat, cell) = (Arc::clone(&self.seat), Arc::clone(cell));
            self.alarm = Some(Alarm::set(&self.seat, deadline, move || {
                end::<A>(&seat, &cell, Over::Expired, Cancel::Expired);
            }));
        }
    }

    /// Lets the task go: withdrawn, unless the turn that asked has crashed and another attempt may come for it.
    fn let_go(&mut self) {
        if matches!(self.state, State::Sent(_)) && self.is_left() {
            self.arm();
        }
        let is_left = self.is_left();
        let State::Sent(cell) = std::mem::replace(&mut self.state, State::Over) else { return };
        self.attempts = cell.attempts();
        cell.forget_asker();
        if is_left {
            cell.keep_alarm(self.alarm.take());
        } else {
            end::<A>(&self.seat, &cell, Over::Withdrawn, Cancel::Withdrawn);
        }
    }

    fn is_left(&self) -> bool {
        self.key.is_some() && self.asker.as_ref().is_some_and(|asker| asker.leaves_asks())
    }

    fn wait(&mut self) {
        if self.waiting.is_none() {
            self.waiting = self.asker.as_ref().map(|asker| asker.wait(Wait::Ask));
        }
    }

    fn ready(&mut self, answer: Answer<A>) -> Poll<Answer<A>> {
        self.state = State::Over;
        self.leave();
        Poll::Ready(answer)
    }
}

impl<A: Agent> Future for Ask<A> {
    type Output = Answer<A>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let ask = self.get_mut();
        ask.begin();
        if let Some(asker) = &ask.asker
            && ask.parking.poll(asker, cx).is_pending()
        {
            // Held, it is neither sent nor answered.
            return Poll::Pending;
        }
        if ask.is_asker_cancelled(cx) {
            let agent = ask.seat.id.clone();
            ask.let_go();
            return ask.ready(Err(AskError::Cancelled(agent)));
        }
        if let Err(circle) = ask.enter() {
            ask.let_go();
            return ask.ready(Err(circle));
        }
        if let State::Unsent(..) = ask.state {
            match ask.poll_send(cx) {
                Poll::Ready(Ok(())) => ask.show_accepted(),
                Poll::Ready(Err(error)) => return ask.ready(Err(error)),
                Poll::Pending => {
                    ask.wait();
                    return Poll::Pending;
                }
            }
        }
        if let State::Answered(_) = ask.state
            && let State::Answered(answer) = std::mem::replace(&mut ask.state, State::Over)
        {
            return ask.ready(*answer);
        }
        let State::Sent(cell) = &ask.state else { return Poll::Pending };
        match cell.poll_answer(&ask.seat.id, cx) {
            Poll::Ready(answer) => {
                ask.attempts = cell.attempts();
                ask.ready(answer)
            }
            Poll::Pending => {
                ask.arm();
                ask.wait();
                Poll::Pending
            }
        }
    }
}

impl<A: Agent> Drop for Ask<A> {
    fn drop(&mut self) {
        self.let_go();
        self.leave();
    }
}
