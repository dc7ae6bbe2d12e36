//! What an incarnation holds: locks, permits, worktrees, processes. Released when it ends, however it ends.

use std::sync::Arc;

use crate::engine::seat::Seat;
use crate::engine::turn::{Cancel, Turn};
use crate::env::census::{Counted, Living};
use crate::env::theirs::Theirs;
use crate::words::ends::Left;
use crate::words::event::What;

/// The holdings of a seat's incarnation.
#[derive(Default)]
pub(crate) struct Holdings {
    held: Vec<HeldThing>,
    released: Vec<String>,
    /// The generation with which the incarnation began.
    since: u64,
}

struct HeldThing {
    number: u64,
    /// Of whoever had the behaviour then.
    generation: u64,
    name: String,
    value: Theirs<Box<dyn Send>>,
}

/// Something that an agent holds. It is released by [`Holding::release`] or with the incarnation; dropping this handle
/// does nothing.
#[derive(Clone)]
pub struct Holding {
    seat: Arc<Seat>,
    number: u64,
}

impl Holding {
    pub(crate) fn of_nothing(seat: &Arc<Seat>) -> Self {
        Self { seat: Arc::clone(seat), number: 0 }
    }

    /// Releases it now; a second call does nothing.
    pub fn release(&self) {
        let taken = {
            let mut holdings = self.seat.holdings.lock();
            let place = holdings.held.iter().position(|held| held.number == self.number);
            place.map(|place| holdings.held.remove(place))
        };
        if let Some(held) = taken {
            self.seat.note(What::HoldingReleased { holding: held.number });
            held.value.let_go();
        }
    }
}

/// Something that a call of an effect holds: a process, a lock. It is released when this is dropped, but where a stop cuts the call:
/// there the incarnation has it to its end, so that the stop's receipt names it. See [`Call::hold`](crate::Call::hold).
#[must_use = "it is released when this is dropped"]
pub struct CallHolding {
    turn: Arc<Turn>,
    holding: Holding,
}

impl CallHolding {
    pub(crate) fn new(turn: &Arc<Turn>, holding: Holding) -> Self {
        Self { turn: Arc::clone(turn), holding }
    }
}

impl Drop for CallHolding {
    fn drop(&mut self) {
        if self.turn.cancelled() != Some(Cancel::Stop) {
            self.holding.release();
        }
    }
}

impl Holdings {
    /// The generation with which the incarnation began, which no other has.
    pub(crate) const fn since(&self) -> u64 {
        self.since
    }
}

impl Seat {
    /// Enters a holding; its value is dropped when it is released.
    pub(crate) fn hold(self: &Arc<Self>, name: &str, value: Box<dyn Send>) -> Holding {
        let number = self.engine.number();
        let counted = Counted::new(&self.engine.census, &self.id, Living::Holding);
        let value = self.home.keep(value).counted(counted);
        let generation = self.line.lock().place.generation();
        let held = HeldThing { number, generation, name: name.to_owned(), value };
        self.holdings.lock().held.push(held);
        self.note(What::HoldingTaken { holding: number, name: name.to_owned() });
        Holding { seat: Arc::clone(self), number }
    }

    /// Releases all that the incarnation holds, the last taken first: what was taken up to a generation of runners, since one that was
    /// given up may come back when another holds something. Where user code may run.
    pub(crate) fn release_holdings(&self, generation: u64) {
        let its = |held: &HeldThing| held.generation <= generation;
        loop {
            let held = {
                let held = &mut self.holdings.lock().held;
                held.iter().rposition(its).map(|last| held.remove(last))
            };
            let Some(held) = held else { return };
            self.release(held);
        }
    }

    /// The next incarnation begins: what earlier ones had held is no part of what it leaves.
    pub(crate) fn forget_released(&self, generation: u64) {
        let mut holdings = self.holdings.lock();
        holdings.released.clear();
        holdings.since = generation;
    }

    /// The same from anywhere: what is held now is taken at once and dropped where user code may run, so that the next
    /// incarnation's holdings are not among it.
    pub(crate) fn release_holdings_aside(self: &Arc<Self>) {
        let held = std::mem::take(&mut self.holdings.lock().held);
        if held.is_empty() {
            return;
        }
        let held: Vec<_> =
            held.into_iter().map(|held| (self.remains(Left::Holding(held.name.clone())), held)).collect();
        let seat = Arc::clone(self);
        self.engine.env.aside().later(Box::new(move || {
            for (remains, held) in held.into_iter().rev() {
                seat.release(held);
                drop(remains);
            }
        }));
    }

    fn release(&self, held: HeldThing) {
        {
            let mut holdings = self.holdings.lock();
            if held.generation >= holdings.since {
                holdings.released.push(held.name.clone());
            }
        }
        self.note(What::HoldingReleased { holding: held.number });
        held.value.let_go();
    }

    /// Whether something is held.
    pub(crate) fn has_holdings(&self) -> bool {
        !self.holdings.lock().held.is_empty()
    }

    /// The names of what was released at the end of incarnations.
    pub(crate) fn released_holdings(&self) -> Vec<String> {
        self.holdings.lock().released.clone()
    }
}
