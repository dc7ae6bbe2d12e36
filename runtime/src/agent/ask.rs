//! Asking an agent: a future that keeps the task alive.

mod options;
mod sent;
mod stream;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use parking_lot::Mutex;

use self::sent::{Claimed, LeftBefore, end};
pub(crate) use self::sent::{Way, push};
pub use self::stream::AskStream;
use crate::agent::Agent;
use crate::agent::mailbox::NotAccepted;
use crate::agent::task::{Accept, More, Over, Past, TaskCell, Terms};
use crate::decide::key::Key;
use crate::engine::seat::Seat;
use crate::engine::seat::rights::Rights;
use crate::engine::turn::alarm::{Alarm, AlarmDue, Deadline};
use crate::engine::turn::parking::Parking;
use crate::engine::turn::told::Told;
use crate::engine::turn::trace;
use crate::engine::turn::waits::{Awaited, EnteredWait};
use crate::engine::turn::{self, Cancel, Listener, ShownWait, Turn};
use crate::env::is_known;
use crate::env::theirs::Sleeper;
use crate::words::defaults;
use crate::words::error::{AgentError, AskError};
use crate::words::event::{Wait, What};
use crate::words::id::TaskId;
use crate::words::time::Time;
use crate::words::usage::Usage;

type CellOf<A> = Arc<TaskCell<<A as Agent>::Task, <A as Agent>::Output>>;
type AskAnswer<A> = Result<<A as Agent>::Output, AskError<<A as Agent>::Task>>;

/// A request to an agent, sent at its first poll and answered once.
///
/// Its deadline is 30 s by default, and never later than that of the turn that asks. Polled in a turn, it belongs to that
/// turn and ends with it.
///
/// # After a crash
/// If a turn is tried again and asks the same agent the same thing, it takes up the ask of the previous attempt: it gets the
/// answer if there was one, or else the task as it stands, with its old deadline. An agent that the turn itself spawned is the
/// same if it was spawned in the same branch or scope, at the same position among agents of the same name. The position among
/// equal asks in the branch counts too. An ask that was stopped, withdrawn, interrupted or late is asked anew, and so is one
/// that failed if the agent itself wanted to try again ([`AgentError::redeliver`](crate::AgentError::redeliver)).
///
/// # Cancel safety
/// Dropping it withdraws the task: queued, it is taken out; running, its turn is interrupted, and so are the asks that
/// turn made. Only a live asker withdraws: where the turn that asks crashes or is cut short, the task goes on until the
/// next attempt takes it up, or the asker's task has its outcome.
#[must_use = "an ask is sent when it is polled"]
pub struct Ask<A: Agent> {
    seat: Arc<Seat>,
    state: AskState<A>,
    within: Duration,
    /// The moment at which it began, by the clocks that its deadline goes by.
    begun: Option<Deadline>,
    asker: Option<Arc<Turn>>,
    /// By which it lets go of the task that it has.
    claim: u64,
    at: At,
    /// Once it was looked for among what earlier attempts have asked.
    key: Option<Key>,
    /// Places among those who wait: for room, and for the asker's cancel.
    room: Option<u64>,
    cancel: Option<u64>,
    /// Wakes it at its deadline while it waits for room. A task that is accepted has its deadline itself.
    alarm: Option<Arc<Alarm>>,
    waiting: Option<ShownWait>,
    parking: Parking,
    /// Its place in what the asker waits for.
    entered: Option<EnteredWait>,
    replay_of: Option<TaskId>,
    accept: Option<Accept<A::Output>>,
    retries: Option<u32>,
    /// What bounds it besides the rights of its asker.
    bound: Rights,
    /// Kept when the task is let go.
    past: Past,
    /// An earlier attempt of its asker has asked it.
    is_recalled: bool,
    /// What was left to be read of a task that is let go, if that is read at all.
    told: Option<Box<Told>>,
}

/// Where in its turn something is asked, which is the same in each attempt.
#[derive(Clone)]
pub(crate) enum At {
    Turn,
    /// In a branch, by its path.
    Branch(Arc<str>),
    /// In a part that says all of who is asked, by its path.
    Part(Arc<str>),
}

enum AskState<A: Agent> {
    /// Not accepted yet, and whether it was tried.
    Unsent(Option<A::Task>, bool),
    Sent(CellOf<A>),
    /// An earlier attempt has had this answer.
    Answered(Box<AskAnswer<A>>),
    Over,
}

impl<A: Agent> Unpin for Ask<A> {}

impl<A: Agent> Ask<A> {
    pub(crate) fn new(seat: Arc<Seat>, task: A::Task, asker: Option<Arc<Turn>>) -> Self {
        Self {
            seat,
            state: AskState::Unsent(Some(task), false),
            within: defaults::ASK,
            begun: None,
            asker,
            claim: 0,
            at: At::Turn,
            key: None,
            room: None,
            cancel: None,
            alarm: None,
            waiting: None,
            parking: Parking::default(),
            entered: None,
            replay_of: None,
            accept: None,
            retries: None,
            bound: Rights::ALL,
            past: Past::default(),
            is_recalled: false,
            told: None,
        }
    }

    /// Sends it now if there is room: when this returns, the task is accepted, even if the ask is never polled.
    ///
    /// # Errors
    /// [`AskError::MailboxFull`] and [`AskError::Stopped`], with the task.
    pub fn try_send(mut self) -> Result<Self, AskError<A::Task>> {
        self.begin();
        if self.asker.as_ref().is_some_and(|asker| !asker.is_open()) {
            self.state = AskState::Over;
            return Err(AskError::Cancelled(self.seat.id.clone()));
        }
        match self.send() {
            Ok(()) => Ok(self),
            Err(NotAccepted::Full(task)) => {
                self.state = AskState::Over;
                Err(AskError::MailboxFull(self.seat.id.clone(), task))
            }
            Err(NotAccepted::Closed(task, reason)) => {
                self.state = AskState::Over;
                Err(AskError::Stopped(self.seat.id.clone(), reason, Some(task)))
            }
        }
    }

    /// The task's id, once it is accepted.
    #[must_use]
    pub fn task(&self) -> Option<&TaskId> {
        match &self.state {
            AskState::Sent(cell) => Some(&cell.id),
            _ => None,
        }
    }

    /// How many attempts at the task have begun and count; for a finished ask, how many there were.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        match &self.state {
            AskState::Sent(cell) => cell.attempts(),
            _ => self.past.attempts,
        }
    }

    /// What the task has cost: the effects of its turns, and all that agents have cost which those turns began. An agent that
    /// they asked has its own tasks. For a finished ask, what was booked by its end.
    #[must_use]
    pub fn spent(&self) -> Usage {
        match &self.state {
            AskState::Sent(cell) => cell.spent(),
            _ => self.past.spent,
        }
    }

    /// What the attempts at the task have failed with so far, in order, at most the last 64; for a finished ask, all of them.
    #[must_use]
    pub fn errors(&self) -> Vec<AgentError> {
        match &self.state {
            AskState::Sent(cell) => cell.errors(),
            _ => self.past.errors.clone(),
        }
    }

    /// Whether an earlier attempt of the asking turn's task had asked this already, and this one took it up.
    #[must_use]
    pub const fn is_recalled(&self) -> bool {
        self.is_recalled
    }

    fn take_told(&mut self) -> Told {
        match &self.state {
            AskState::Sent(cell) => cell.take_told(),
            _ => self.told.as_mut().map(|told| std::mem::take(&mut **told)).unwrap_or_default(),
        }
    }

    /// What the agent has reported as progress since the last call.
    #[must_use]
    pub fn said(&self) -> Vec<String> {
        match &self.state {
            AskState::Sent(cell) => cell.take_said(),
            _ => Vec::new(),
        }
    }

    /// Lets the task go on without an asker, even after the asker's own end. Its outcome is an event, and it keeps
    /// its deadline. If it was not sent yet, it is sent now. A turn that is tried again and detaches the same ask
    /// sends it only once.
    ///
    /// # Errors
    /// As [`AgentRef::try_ask`](crate::AgentRef::try_ask), if it was not sent yet.
    pub fn detach(self) -> Result<(), AskError<A::Task>> {
        let mut sent = self.try_send()?;
        if let AskState::Sent(cell) = std::mem::replace(&mut sent.state, AskState::Over) {
            if let (Some(asked), Some(key)) = (sent.asker.as_ref().and_then(|asker| asker.asked()), &sent.key)
            {
                asked.detach(key);
            }
            cell.forget_asker(sent.claim);
            cell.note_open(|| sent.seat.note_in(Some(cell.id.clone()), What::TaskDetached));
        }
        Ok(())
    }

    /// Who asks, and until when, is settled when it is sent.
    fn begin(&mut self) {
        if let AskState::Unsent(_, began @ false) = &mut self.state {
            *began = true;
            if self.asker.is_none() {
                self.asker = turn::current();
            }
            self.begun = Some(self.moment(self.seat.engine.env.now()));
        }
    }

    /// A moment by the clocks of the agent and of the one that asks.
    fn moment(&self, at: Time) -> Deadline {
        Deadline::new(at, &self.seat, self.asker.as_ref().map(|turn| &turn.seat))
    }

    /// Its deadline, once it has begun; none if it has none.
    fn deadline(&self) -> Option<Deadline> {
        let limit = self.asker.as_ref().map_or(Time::NEVER, |asker| asker.deadline());
        let at = (self.begun.as_ref()?.at() + self.within).min(limit);
        (at != Time::NEVER).then(|| self.moment(at))
    }

    /// Takes up what an earlier attempt has asked, or puts the task into the mailbox.
    fn send(&mut self) -> Result<(), NotAccepted<A::Task>> {
        let AskState::Unsent(Some(task), _) = &self.state else { return Ok(()) };
        let asker = self.asker.as_ref().filter(|_| self.key.is_none());
        if let Some((key, found)) = asker.and_then(|asker| sent::find::<A>(&self.seat, task, asker, &self.at))
        {
            self.key = Some(key);
            self.is_recalled = !matches!(found, LeftBefore::Nothing);
            match found {
                LeftBefore::Nothing => {}
                LeftBefore::Open(Claimed { seat, cell }) => {
                    // It keeps the deadline that it had.
                    self.seat = seat;
                    self.claim = cell.claim(self.told.is_some());
                    self.state = AskState::Sent(cell);
                    return Ok(());
                }
                LeftBefore::Answer(answer, spent) => {
                    self.past.spent = spent;
                    self.state = AskState::Answered(Box::new(answer));
                    return Ok(());
                }
            }
        }
        let AskState::Unsent(task, _) = &mut self.state else { return Ok(()) };
        let Some(payload) = task.take() else { return Ok(()) };
        let more = More {
            asker: self.asker.as_ref().and_then(|asker| asker.task.clone()),
            key: self.key.clone(),
            replay_of: self.replay_of.clone(),
            accept: self.accept.clone(),
            retries: self.retries,
            streams: self.told.is_some(),
            rights: turn::rights(self.asker.as_deref()).and(&self.bound),
            span: trace::here(self.asker.as_deref()),
        };
        let deadline = self.deadline();
        let at = self.seat.on_clock(deadline.as_ref().map_or(Time::NEVER, Deadline::at));
        let cell = push::<A>(&self.seat, payload, Terms::new(at, more), deadline, Way::Ask)?;
        if self.asker.as_ref().is_some_and(|asker| asker.asked().is_some()) && self.key.is_none() {
            sent::note_not_kept(self.asker.as_deref(), &cell.id, "its task cannot be serialised");
        }
        if let (Some(asked), Some(key)) = (self.asker.as_ref().and_then(|asker| asker.asked()), &self.key) {
            let claimed = Claimed::<A> { seat: Arc::clone(&self.seat), cell: Arc::clone(&cell) };
            if !asked.enter(key.clone(), Arc::new(claimed)) {
                end::<A>(&self.seat, &cell, Over::Withdrawn, Cancel::Withdrawn);
            }
        }
        self.claim = cell.claim(self.told.is_some());
        self.state = AskState::Sent(cell);
        Ok(())
    }

    /// Sends it, or waits for room.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), AskError<A::Task>>> {
        loop {
            match self.send() {
                Ok(()) => {
                    self.alarm = None;
                    // Polled by chance, it may have been sent before its turn: nobody has to make room for it any more.
                    self.seat.typed::<A>().mailbox.leave(&mut self.room);
                    return Poll::Ready(Ok(()));
                }
                Err(NotAccepted::Closed(payload, reason)) => {
                    return Poll::Ready(Err(AskError::Stopped(self.seat.id.clone(), reason, Some(payload))));
                }
                Err(NotAccepted::Full(payload)) => {
                    self.state = AskState::Unsent(Some(payload), true);
                    let mut deadline = self.deadline();
                    let now = self.seat.engine.env.now();
                    if deadline.as_mut().is_some_and(|deadline| deadline.is_over(now)) {
                        return Poll::Ready(Err(AskError::Expired(self.seat.id.clone())));
                    }
                    let sleeper = Mutex::new(Some(Sleeper::new(cx)));
                    let look = move |due| {
                        if let AlarmDue::Passed = due {
                            let sleeper = sleeper.lock().take();
                            Sleeper::wake_all(sleeper);
                        }
                    };
                    self.alarm = deadline.map(|deadline| Alarm::set(&self.seat, deadline, look));
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
                let task = if let AskState::Unsent(task, _) = &mut self.state { task.take() } else { None };
                Err(AskError::Cycle { path, task })
            }
        }
    }

    fn show_accepted(&self) {
        if let (Some(entered), AskState::Sent(cell)) = (&self.entered, &self.state) {
            entered.accepted(Arc::clone(cell) as Arc<dyn Listener>);
        }
    }

    /// Lets the task go: withdrawn, unless the turn that asked has crashed and another attempt may come for it.
    fn let_go(&mut self) {
        let is_left = self.is_left();
        let AskState::Sent(cell) = std::mem::replace(&mut self.state, AskState::Over) else { return };
        self.past = cell.past();
        cell.forget_asker(self.claim);
        if !is_left {
            end::<A>(&self.seat, &cell, Over::Withdrawn, Cancel::Withdrawn);
        }
    }

    fn is_left(&self) -> bool {
        self.key.is_some() && self.asker.as_ref().is_some_and(|asker| asker.leaves_asks())
    }

    fn wait(&mut self) {
        is_known();
        if self.waiting.is_none() {
            self.waiting = self.asker.as_ref().map(|asker| asker.wait(Wait::Ask));
        }
    }

    fn ready(&mut self, answer: AskAnswer<A>) -> Poll<AskAnswer<A>> {
        self.state = AskState::Over;
        self.leave();
        Poll::Ready(answer)
    }
}

impl<A: Agent> Future for Ask<A> {
    type Output = AskAnswer<A>;

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
        if let AskState::Unsent(..) = ask.state {
            match ask.poll_send(cx) {
                Poll::Ready(Ok(())) => ask.show_accepted(),
                Poll::Ready(Err(error)) => return ask.ready(Err(error)),
                Poll::Pending => {
                    ask.wait();
                    return Poll::Pending;
                }
            }
        }
        if let AskState::Answered(_) = ask.state
            && let AskState::Answered(answer) = std::mem::replace(&mut ask.state, AskState::Over)
        {
            return ask.ready(*answer);
        }
        let AskState::Sent(cell) = &ask.state else { return Poll::Pending };
        let asker = ask.asker.as_deref();
        let not_kept = |why| sent::note_not_kept(asker, &cell.id, why);
        match cell.poll_answer(&ask.seat.id, cx, not_kept) {
            Poll::Ready(answer) => {
                ask.past = cell.past();
                if let Some(told) = &mut ask.told {
                    told.extend(cell.take_told());
                }
                ask.ready(answer)
            }
            Poll::Pending => {
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
