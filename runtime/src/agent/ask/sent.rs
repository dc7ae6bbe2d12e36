//! A task on its way: put into a mailbox, ended from outside, found again by the next attempt of its asker.

use std::any::Any;
use std::sync::Arc;

use serde::Serialize;

use super::{AskAnswer, At, CellOf};
use crate::agent::Agent;
use crate::agent::mailbox::NotAccepted;
use crate::agent::task::{Again, Over, TaskCell, Terms};
use crate::agent::typed::Typed;
use crate::decide::branch;
use crate::decide::kept::NotKept;
use crate::decide::key::{About, Digest, Key, Standing};
use crate::engine::lab::points;
use crate::engine::seat::Seat;
use crate::engine::turn::alarm::{Alarm, AlarmDue, Deadline};
use crate::engine::turn::asked::Remembered;
use crate::engine::turn::{Cancel, Turn};
use crate::env::quiet::caught;
use crate::words::event::What;
use crate::words::id::TaskId;
use crate::words::time::Time;
use crate::words::usage::Usage;

/// How somebody turns to an agent.
#[derive(Clone, Copy)]
pub(crate) enum Way {
    Ask,
    Tell,
}

impl Way {
    const fn name(self) -> &'static str {
        match self {
            Self::Ask => "ask",
            Self::Tell => "tell",
        }
    }
}

/// Puts a task into the mailbox and rings. From its acceptance on it has its deadline, if it is to have one.
pub(crate) fn push<A: Agent>(
    seat: &Arc<Seat>,
    task: A::Task,
    terms: Terms<A::Output>,
    deadline: Option<Deadline>,
    way: Way,
) -> Result<CellOf<A>, NotAccepted<A::Task>> {
    let typed: &Typed<A> = seat.typed();
    let spoil = std::cell::Cell::default();
    let deliver = || points::deliver(seat, way.name(), &spoil);
    let cell = typed.mailbox.push(task, deliver, |number, task| {
        let (asker, replay_of) = (terms.asker().cloned(), terms.replay_of().cloned());
        let id = match (&asker, terms.key()) {
            (Some(asker), Some(key)) => TaskId::inside(asker, key),
            _ => TaskId::outside(seat.id.clone(), number),
        };
        seat.note_in(Some(id.clone()), What::TaskAccepted { asker, replay_of });
        let mut task = seat.home.keep(task);
        seat.home.spoil(&mut task, spoil.take());
        Arc::new(TaskCell::new(id, number, terms, task))
    })?;
    if let Some(letter) = cell.terms.replay_of() {
        seat.engine.dead_letters.replayed(letter, cell.id.clone());
    }
    limit::<A>(seat, &cell, deadline);
    seat.ring();
    Ok(cell)
}

/// Ends a task at its deadline, whoever waits for it then, if anybody does; at this one and no other.
fn limit<A: Agent>(seat: &Arc<Seat>, cell: &CellOf<A>, deadline: Option<Deadline>) {
    let (its, task) = (Arc::clone(seat), Arc::downgrade(cell));
    let due = move |due| {
        let Some(cell) = task.upgrade() else { return };
        match due {
            AlarmDue::Passed => end::<A>(&its, &cell, Over::Expired, Cancel::Expired),
            AlarmDue::Moved(at) => set_deadline::<A>(&its, &cell, at),
        }
    };
    cell.keep_alarm(deadline.map(|deadline| Alarm::set(seat, deadline, due)));
}

/// Says to the task, and to the turn that works on it, when it has to be over.
fn set_deadline<A: Agent>(seat: &Seat, cell: &CellOf<A>, at: Time) {
    let at = seat.on_clock(at);
    cell.terms.set_deadline(at);
    // One that begins now finds it there.
    if let Some(turn) = cell.turn() {
        turn.set_deadline(at);
    }
}

/// Moves the deadline of a task that is accepted.
pub(super) fn move_deadline<A: Agent>(seat: &Arc<Seat>, cell: &CellOf<A>, deadline: Option<Deadline>) {
    set_deadline::<A>(seat, cell, deadline.as_ref().map_or(Time::NEVER, Deadline::at));
    limit::<A>(seat, cell, deadline);
}

/// Ends a task from outside: queued, it is taken out; running, its turn is interrupted.
pub(super) fn end<A: Agent>(seat: &Arc<Seat>, cell: &CellOf<A>, over: Over<A::Output>, why: Cancel) {
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

/// What the turn is given cannot be kept for its next attempt, which therefore does not follow by itself.
pub(super) fn note_not_kept(asker: Option<&Turn>, task: &TaskId, why: NotKept) {
    if let Some(asker) = asker {
        asker.set_once_begun();
        if !asker.is_open() {
            return;
        }
        asker.note(What::AnswerNotKept { task: task.clone(), why: why.to_owned() });
    }
}

/// A task that a turn has asked, for the turn's next attempt.
pub(super) struct Claimed<A: Agent> {
    pub(super) seat: Arc<Seat>,
    pub(super) cell: CellOf<A>,
}

impl<A: Agent> Remembered for Claimed<A> {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn standing(&self) -> Standing {
        self.cell.standing()
    }

    fn has_failed(&self) -> bool {
        self.cell.has_failed()
    }

    fn withdraw(&self) {
        end::<A>(&self.seat, &self.cell, Over::Withdrawn, Cancel::Withdrawn);
    }
}

/// What an earlier attempt has left.
pub(super) enum LeftBefore<A: Agent> {
    Nothing,
    Open(Claimed<A>),
    /// With what it has cost.
    Answer(AskAnswer<A>, Usage),
}

/// What an ask is about, for its digest. A part says who is asked; nothing else need.
#[derive(Serialize)]
struct AskInput<'a, T> {
    agent: Option<&'a str>,
    task: &'a T,
}

/// Who is asked, as every attempt at the asker's task would say it: an agent that the task's turns have begun has another id
/// in each, and is the part that it is to them; so is what stands below it, by name. Any other is its id.
fn whom(seat: &Arc<Seat>, asker: &TaskId) -> String {
    let (mut at, mut below) = (seat, Vec::new());
    loop {
        if let Some(part) = at.part.get().filter(|part| part.task == *asker) {
            let path =
                below.iter().rev().fold(None, |outer, name: &&str| Some(branch::below(outer.as_ref(), name)));
            return format!("{}:{}", part.path, path.unwrap_or_default());
        }
        below.push(&*at.name);
        match &at.parent {
            Some(parent) => at = parent,
            None => return seat.id.to_string(),
        }
    }
}

/// The key of an ask in a turn of a task, and what stands under it. None where the task cannot be written down.
pub(super) fn find<A: Agent>(
    seat: &Arc<Seat>,
    task: &A::Task,
    asker: &Arc<Turn>,
    at: &At,
) -> Option<(Key, LeftBefore<A>)> {
    const KIND: &str = "ask";
    let (asked, own) = (asker.asked()?, asker.task.as_ref()?);
    let (branch, agent) = match at {
        At::Turn => (None, Some(whom(seat, own))),
        At::Branch(path) => (Some(Arc::clone(path)), Some(whom(seat, own))),
        At::Part(path) => (Some(Arc::clone(path)), None),
    };
    // A task that cannot be written down, or panics when it is, is asked without a key.
    let digest = caught(|| Digest::of(KIND, &AskInput { agent: agent.as_deref(), task })).ok().flatten()?;
    let about = About { branch, kind: KIND, digest };
    // Another living agent of that name is not the one that was asked; one that has ended may have come again.
    let is_it = |claimed: &Claimed<A>| Arc::ptr_eq(&claimed.seat, seat) || claimed.seat.is_stopped();
    loop {
        let (key, held) = asked.next(&about, |task| task.as_any().downcast_ref().is_some_and(is_it));
        let held = held.as_ref().and_then(|held| held.as_any().downcast_ref::<Claimed<A>>());
        let Some(Claimed { seat: its, cell }) = held else { return Some((key, LeftBefore::Nothing)) };
        let found = match cell.again(&its.id) {
            Again::Open => LeftBefore::Open(Claimed { seat: Arc::clone(its), cell: Arc::clone(cell) }),
            Again::Answer(answer) => LeftBefore::Answer(answer, cell.spent()),
            Again::Nothing => {
                asked.spend(&key);
                continue;
            }
        };
        asker.note(What::TaskClaimed { task: cell.id.clone() });
        return Some((key, found));
    }
}
