//! A task between its asker and its agent, and its one outcome.
//!
//! # Invariants
//! 1. The state goes Queued → Running → an outcome, or Queued → an outcome; Running → Queued is a redelivery. An outcome
//!    is the last: whoever brings it about under the lock appends the event and answers, and everybody else learns that
//!    they came too late.
//! 2. The payload is with the task while it is queued and with the runner while it runs.

mod left;
mod over;
mod terms;

use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

pub(crate) use self::left::Past;
use self::left::{KeptAnswer, Leftovers};
pub(crate) use self::over::Over;
pub(crate) use self::terms::{Accept, Check, More, Terms};
use crate::agent::Message;
use crate::decide::kept::{self, NotKept};
use crate::decide::key::Standing;
use crate::engine::turn::Turn;
use crate::engine::turn::alarm::Alarm;
use crate::engine::turn::asked::Asked;
use crate::engine::turn::told::{Piece, Told};
use crate::env::quiet::caught;
use crate::env::sync::Mutex;
use crate::env::theirs::{Sleeper, Theirs};
use crate::words::error::{AgentError, AskError};
use crate::words::event::Outcome;
use crate::words::id::{AgentId, Seq, TaskId};
use crate::words::usage::Usage;

pub(crate) struct TaskCell<T, O> {
    pub(crate) id: TaskId,
    /// Its agent has given each task one, in the order in which they came.
    pub(crate) number: u64,
    pub(crate) terms: Terms<O>,
    /// What its own turns have asked.
    asked: OnceLock<Arc<Asked>>,
    slot: Mutex<Slot<T, O>>,
}

struct Slot<T, O> {
    state: SlotState<O>,
    payload: Option<Theirs<T>>,
    asker: Option<Sleeper>,
    /// How many have taken the task up to wait for it; the last of them is its asker.
    claims: u64,
    /// Its asker reads what it is handed.
    streams: bool,
    attempts: u32,
    once_begun: bool,
    accept: Option<Accept<O>>,
    /// An output has passed that check, so that its asker need not look.
    has_passed: bool,
    /// Its deadline. It is the task's own from its acceptance to its outcome, whoever waits for it.
    alarm: Option<Arc<Alarm>>,
    /// Boxed, since most tasks have none of it.
    left: Option<Box<Leftovers>>,
}

impl<T, O> Slot<T, O> {
    fn left(&mut self) -> &mut Leftovers {
        self.left.get_or_insert_default()
    }

    fn errors(&self) -> Vec<AgentError> {
        self.left.as_ref().map_or_else(Vec::new, |left| left.errors.clone())
    }

    fn kept(&self) -> Option<&KeptAnswer> {
        self.left.as_ref()?.kept.as_ref()
    }
}

/// What a task has for whoever asks it once more.
pub(crate) enum Again<T, O> {
    /// It goes on, or its answer has not been taken.
    Open,
    Answer(Result<O, AskError<T>>),
    Nothing,
}

/// What an agent says and nobody reads is dropped, the oldest first.
const SAID: usize = 64;

enum SlotState<O> {
    Queued,
    Running(Arc<Turn>),
    Over(Over<O>),
    /// The asker has taken the answer.
    Taken,
}

/// What an attempt starts with.
pub(crate) struct Attempt<T> {
    pub(crate) payload: Theirs<T>,
    pub(crate) attempt: u32,
    pub(crate) errors: Vec<AgentError>,
    pub(crate) once_begun: bool,
}

impl<T, O> TaskCell<T, O> {
    pub(crate) fn new(id: TaskId, number: u64, mut terms: Terms<O>, payload: Theirs<T>) -> Self {
        let slot = Slot {
            state: SlotState::Queued,
            payload: Some(payload),
            asker: None,
            claims: 0,
            streams: terms.streams(),
            attempts: 0,
            once_begun: false,
            accept: terms.take_accept(),
            has_passed: false,
            alarm: None,
            left: None,
        };
        Self { id, number, terms, asked: OnceLock::new(), slot: Mutex::new(slot) }
    }

    /// Queued → Running; none if the task has its outcome already. `began` appends the event.
    pub(crate) fn begin(&self, turn: &Arc<Turn>, began: impl FnOnce(u32)) -> Option<Attempt<T>> {
        let mut slot = self.slot.lock();
        if !matches!(slot.state, SlotState::Queued) {
            return None;
        }
        let payload = slot.payload.take()?;
        slot.state = SlotState::Running(Arc::clone(turn));
        slot.attempts += 1;
        began(slot.attempts);
        Some(Attempt { payload, attempt: slot.attempts, errors: slot.errors(), once_begun: slot.once_begun })
    }

    /// Running → Queued, with the payload; false if the task has its outcome already. `redelivered` appends the event.
    pub(crate) fn requeue(
        &self,
        payload: Theirs<T>,
        error: AgentError,
        counts: bool,
        once_begun: bool,
        redelivered: impl FnOnce(),
    ) -> bool {
        let mut slot = self.slot.lock();
        slot.payload = Some(payload);
        slot.once_begun |= once_begun;
        if !matches!(slot.state, SlotState::Running(_)) {
            return false;
        }
        slot.state = SlotState::Queued;
        if !counts {
            slot.attempts -= 1;
        }
        slot.left().add_error(error);
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
        let mut ended = Some(ended);
        self.finish_by(over, error, &mut |outcome| {
            if let Some(ended) = ended.take() {
                ended(outcome);
            }
        })
    }

    fn finish_by(&self, over: Over<O>, error: Option<AgentError>, ended: &mut dyn FnMut(Outcome)) -> bool {
        let (asker, alarm) = {
            let mut slot = self.slot.lock();
            if matches!(slot.state, SlotState::Over(_) | SlotState::Taken) {
                return false;
            }
            ended(over.outcome());
            if let Some(error) = error {
                slot.left().add_error(error);
            }
            slot.state = SlotState::Over(over);
            (slot.asker.take(), slot.alarm.take())
        };
        drop(alarm);
        if let Some(asked) = self.asked.get() {
            asked.end();
        }
        Sleeper::wake_all(asker);
        true
    }

    /// Lets go of a task that is over, in its turn's own place: what nobody has taken is dropped here.
    pub(crate) fn let_go(self: Arc<Self>) {
        if let Some(Slot { state, payload, .. }) = Arc::into_inner(self).map(|cell| cell.slot.into_inner()) {
            if let SlotState::Over(Over::Done(output)) = state {
                output.let_go();
            }
            payload.into_iter().for_each(Theirs::let_go);
        }
    }

    /// Gives the payload of a turn back that did not consume it, for the asker to have.
    pub(crate) fn give_back(&self, payload: Theirs<T>) {
        self.slot.lock().payload = Some(payload);
    }

    /// The turn that works on it now.
    pub(crate) fn turn(&self) -> Option<Arc<Turn>> {
        match &self.slot.lock().state {
            SlotState::Running(turn) => Some(Arc::clone(turn)),
            _ => None,
        }
    }

    /// What its turns have asked.
    pub(crate) fn asked(&self) -> &Arc<Asked> {
        self.asked.get_or_init(Arc::default)
    }

    /// Another attempt begins.
    pub(crate) fn begin_again(&self, was_asked_for: bool) {
        if let Some(asked) = self.asked.get() {
            asked.begin_again(was_asked_for);
        }
    }

    /// Why its asker does not accept an output.
    pub(crate) fn check(&self, output: &O) -> Result<(), AgentError> {
        let Some(accept) = self.slot.lock().accept.clone() else { return Ok(()) };
        passes(&accept, output)?;
        let mut slot = self.slot.lock();
        // Another may have come meanwhile.
        slot.has_passed = slot.accept.as_ref().is_some_and(|its| Arc::ptr_eq(its, &accept));
        Ok(())
    }

    /// The asker says late what it accepts: that holds for whatever output it has not taken.
    pub(crate) fn set_accept(&self, accept: Accept<O>) {
        let before = {
            let mut slot = self.slot.lock();
            slot.has_passed = false;
            slot.accept.replace(accept)
        };
        drop(before);
    }

    /// Appends an event of a task that has no outcome yet.
    pub(crate) fn note_open(&self, note: impl FnOnce() -> Seq) {
        let slot = self.slot.lock();
        if matches!(slot.state, SlotState::Queued | SlotState::Running(_)) {
            note();
        }
    }

    /// Sets what ends it at its deadline, in the place of what was to do so before.
    pub(crate) fn keep_alarm(&self, alarm: Option<Arc<Alarm>>) {
        let mut slot = self.slot.lock();
        let is_over = matches!(slot.state, SlotState::Over(_) | SlotState::Taken);
        let old = if is_over { alarm } else { std::mem::replace(&mut slot.alarm, alarm) };
        drop(slot);
        drop(old);
    }

    /// By how much it is open past its deadline; none while the clocks that this goes by stand.
    #[cfg(feature = "lab")]
    pub(crate) fn late_by(&self, seat: &crate::engine::seat::Seat) -> Option<std::time::Duration> {
        let alarm = {
            let slot = self.slot.lock();
            if matches!(slot.state, SlotState::Over(_) | SlotState::Taken) {
                return None;
            }
            slot.alarm.clone()
        };
        let own = || seat.off_clock(self.terms.deadline());
        seat.late_by(alarm.map_or_else(|| Some(own()), |alarm| alarm.due_at())?)
    }

    pub(crate) fn standing(&self) -> Standing {
        let slot = self.slot.lock();
        let holds = match &slot.state {
            SlotState::Queued | SlotState::Running(_) => true,
            SlotState::Over(over) => matches!(over, Over::Done(_) | Over::Failed(_) | Over::Poisoned),
            SlotState::Taken => slot.kept().is_some(),
        };
        if holds { Standing::Holds } else { Standing::Spent }
    }

    pub(crate) fn has_failed(&self) -> bool {
        let slot = self.slot.lock();
        match &slot.state {
            SlotState::Over(over) => matches!(over, Over::Failed(_)),
            SlotState::Taken => matches!(slot.kept(), Some(KeptAnswer::Failed(_))),
            SlotState::Queued | SlotState::Running(_) => false,
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        matches!(self.slot.lock().state, SlotState::Over(_) | SlotState::Taken)
    }

    /// One more of its errors, where an attempt has more than one.
    pub(crate) fn add_error(&self, error: AgentError) {
        self.slot.lock().left().add_error(error);
    }

    /// Attempts that have begun and count.
    pub(crate) fn attempts(&self) -> u32 {
        self.slot.lock().attempts
    }

    /// It has cost so much more.
    pub(crate) fn spend(&self, used: &Usage) {
        self.slot.lock().left().spent += *used;
    }

    /// What has become of it so far.
    pub(crate) fn past(&self) -> Past {
        let slot = self.slot.lock();
        let spent = slot.left.as_ref().map_or(Usage::ZERO, |left| left.spent);
        Past { attempts: slot.attempts, spent, errors: slot.errors() }
    }

    /// What it has cost so far.
    pub(crate) fn spent(&self) -> Usage {
        self.slot.lock().left.as_ref().map_or(Usage::ZERO, |left| left.spent)
    }

    /// The errors of its attempts, the last of very many.
    pub(crate) fn errors(&self) -> Vec<AgentError> {
        self.slot.lock().errors()
    }

    /// Passes what the agent says on to the asker.
    pub(crate) fn say(&self, text: &str) {
        let mut slot = self.slot.lock();
        let said = &mut slot.left().said;
        if said.len() == SAID {
            said.pop_front();
        }
        said.push_back(text.to_owned());
        let asker = slot.asker.take();
        drop(slot);
        Sleeper::wake_all(asker);
    }

    /// Hands something on to the asker, while there is one that reads it.
    pub(crate) fn tell(&self, piece: Piece) {
        let (dropped, asker) = {
            let mut slot = self.slot.lock();
            if slot.streams && matches!(slot.state, SlotState::Running(_)) {
                (slot.left().told.push(piece), slot.asker.take())
            } else {
                (Some(piece), None)
            }
        };
        Sleeper::wake_all(asker);
        dropped.into_iter().for_each(Theirs::let_go);
    }

    /// What was handed on and not taken yet.
    pub(crate) fn take_told(&self) -> Told {
        self.slot.lock().left.as_mut().map_or_else(Told::default, |left| std::mem::take(&mut left.told))
    }

    /// Somebody takes it up to wait for it. Gives the number by which they let it go.
    pub(crate) fn claim(&self, streams: bool) -> u64 {
        let mut slot = self.slot.lock();
        slot.streams = streams;
        slot.claims += 1;
        slot.claims
    }

    /// Its asker is gone: nobody is woken any more. One of an earlier attempt, that another has followed, was gone before.
    pub(crate) fn forget_asker(&self, claim: u64) {
        let (asker, told) = {
            let mut slot = self.slot.lock();
            if slot.claims != claim {
                return;
            }
            slot.streams = false;
            (slot.asker.take(), slot.left.as_mut().map(|left| std::mem::take(&mut left.told)))
        };
        drop((asker, told));
    }

    /// What the agent has said since the last call.
    pub(crate) fn take_said(&self) -> Vec<String> {
        self.slot.lock().left.as_mut().map_or_else(Vec::new, |left| left.said.drain(..).collect())
    }
}

impl<T: Message, O: Message> TaskCell<T, O> {
    /// The answer, once; pending until there is an outcome. What a turn asked is kept for the turn's next attempt.
    /// What cannot be is for `not_kept` to say.
    pub(crate) fn poll_answer(
        &self,
        agent: &AgentId,
        cx: &mut Context<'_>,
        not_kept: impl FnOnce(NotKept),
    ) -> Poll<Result<O, AskError<T>>> {
        let sleeper = Sleeper::new(cx);
        let mut slot = self.slot.lock();
        if !matches!(slot.state, SlotState::Over(_)) {
            let former = sleeper.replace(&mut slot.asker);
            drop(slot);
            drop(former);
            return Poll::Pending;
        }
        let SlotState::Over(over) = std::mem::replace(&mut slot.state, SlotState::Taken) else {
            return Poll::Pending;
        };
        let is_kept = self.terms.key().is_some() && !matches!(over, Over::Cut(_));
        match &over {
            Over::Failed(error) if is_kept => slot.left().kept = Some(KeptAnswer::Failed(error.clone())),
            Over::Poisoned if is_kept => slot.left().kept = Some(KeptAnswer::Poisoned),
            _ => {}
        }
        let agent = agent.clone();
        Poll::Ready(match over {
            Over::Done(output) | Over::Cut(output) => {
                let unseen = slot.accept.take().filter(|_| !slot.has_passed);
                drop(slot);
                if let Some(Err(error)) = unseen.map(|accept| passes(&accept, &output)) {
                    // It came before the check did.
                    output.let_go();
                    if is_kept {
                        self.slot.lock().left().kept = Some(KeptAnswer::Failed(error.clone()));
                    }
                    return Poll::Ready(Err(AskError::Failed(agent, error)));
                }
                if is_kept {
                    // A user's code writes it, under no lock. One that panics leaves nothing to be had again.
                    let text = caught(|| kept::write(&*output).map(|(text, _)| text));
                    match text.unwrap_or(Err("its own code panicked during serialisation")) {
                        Ok(text) => self.slot.lock().left().kept = Some(KeptAnswer::Output(text)),
                        Err(why) => not_kept(why),
                    }
                }
                Ok(output.into_inner())
            }
            Over::Failed(error) => Err(AskError::Failed(agent, error)),
            Over::Poisoned => Err(AskError::Poisoned { agent, errors: slot.errors() }),
            Over::Interrupted => Err(AskError::Interrupted(agent)),
            Over::Withdrawn => Err(AskError::Cancelled(agent)),
            Over::Expired => Err(AskError::Expired(agent)),
            Over::Stopped(reason) => {
                Err(AskError::Stopped(agent, reason, slot.payload.take().map(Theirs::into_inner)))
            }
        })
    }

    /// What there is for an asker whose earlier attempt has asked it.
    pub(crate) fn again(&self, agent: &AgentId) -> Again<T, O> {
        let text = {
            let slot = self.slot.lock();
            match (&slot.state, slot.kept()) {
                (SlotState::Taken, Some(KeptAnswer::Output(text))) => text.clone(),
                (SlotState::Taken, Some(KeptAnswer::Failed(error))) => {
                    return Again::Answer(Err(AskError::Failed(agent.clone(), error.clone())));
                }
                (SlotState::Taken, Some(KeptAnswer::Poisoned)) => {
                    let (agent, errors) = (agent.clone(), slot.errors());
                    return Again::Answer(Err(AskError::Poisoned { agent, errors }));
                }
                (SlotState::Taken, None) | (SlotState::Over(Over::Cut(_)), _) => return Again::Nothing,
                _ => return Again::Open,
            }
        };
        let output = caught(|| serde_json::from_slice(&text).ok()).ok().flatten();
        output.map_or(Again::Nothing, |output| Again::Answer(Ok(output)))
    }
}

/// Whether an output is accepted; if not, why.
fn passes<O>(accept: &Accept<O>, output: &O) -> Result<(), AgentError> {
    match caught(|| accept(output)) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(reason)) => Err(AgentError::not_accepted(&reason)),
        Err(panic) => Err(AgentError::panicked_in("the output's check", panic)),
    }
}
