//! The cell: the actor that serves a seat's control queue. It owns nothing and runs no user code.
//!
//! It is opened by the first thing that is to be served, so an agent that never had a child has none. Opened with the
//! runner it cost such an agent two thirds of its spawn and first task, and as much of its stop, on a thread that all share.
//!
//! Its message is a bare byte, which only rings; what it is about lies in the seat's queue. It is linked to nobody. Its
//! state counts itself in and out, so a cell that is lost is noticed by the drop of its state, however it ended: that
//! reaches the seat even where a monitor's notice would find its actor dead already.

use std::collections::VecDeque;
use std::sync::Arc;

use ractor::{Actor, ActorProcessingErr, ActorRef};

use crate::decide::delivery::Dropped;
use crate::decide::supervision::Event;
use crate::engine::seat::Seat;
use crate::engine::seat::family::InterfaceReply;
use crate::env::census::{Counted, Living};
use crate::env::hush::apart;
use crate::words::event::What;
use crate::words::policy::Exit;

/// A seat's control queue, and the cell that serves it.
#[derive(Default)]
pub(crate) struct ControlQueue {
    items: VecDeque<Item>,
    cell: CellState,
    /// No cell is opened any more.
    closed: bool,
}

#[derive(Default)]
enum CellState {
    #[default]
    None,
    Opening,
    Open(ActorRef<u8>),
    Closing,
}

/// What a cell is to see to.
pub(crate) enum Item {
    StartChildren,
    ChildExited {
        number: u32,
        life: u32,
        exit: Exit,
        counted: bool,
    },
    ChildStopped {
        number: u32,
        odd: Option<Exit>,
    },
    Due {
        number: u32,
    },
    /// The interface asks for something; the reply is dropped where nobody is there to give it.
    Asked {
        ticket: u64,
        event: Event,
        reply: InterfaceReply,
    },
    /// A child has been ended by a stop while an answer of its was outstanding.
    Gone {
        number: u32,
    },
}

impl ControlQueue {
    pub(crate) const fn is_gone(&self) -> bool {
        matches!(self.cell, CellState::None)
    }

    /// Whether something waits to be served and no cell is there or coming.
    pub(crate) fn lacks_cell(&self) -> bool {
        !self.closed && !self.items.is_empty() && self.is_gone()
    }

    fn ring(&self) {
        if let CellState::Open(cell) = &self.cell {
            // A cell that is gone leaves a notice of its own.
            cell.cast(0).ok();
        }
    }
}

struct Serving;

struct Served {
    seat: Arc<Seat>,
    _counted: Counted,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.seat.cell_gone();
    }
}

impl Actor for Serving {
    type Msg = u8;
    type State = Served;
    type Arguments = Served;

    async fn pre_start(&self, myself: ActorRef<u8>, served: Served) -> Result<Served, ActorProcessingErr> {
        let mut control = served.seat.control.lock();
        if matches!(control.cell, CellState::Opening) {
            // Rings once for what came while it was being opened.
            myself.cast(0).ok();
            control.cell = CellState::Open(myself);
        } else {
            myself.stop(None);
        }
        drop(control);
        Ok(served)
    }

    async fn handle(&self, _: ActorRef<u8>, _: u8, served: &mut Served) -> Result<(), ActorProcessingErr> {
        let mut done = 0_u32;
        while let Some(item) = served.seat.next_item() {
            apart(|| served.seat.engine.env.aside().ours(|| served.seat.serve(item)));
            done += 1;
            if done.is_multiple_of(64) {
                tokio::task::yield_now().await;
            }
        }
        Ok(())
    }
}

impl Seat {
    fn next_item(&self) -> Option<Item> {
        self.control.lock().items.pop_front()
    }

    /// Puts something into the control queue and sees that a cell serves it.
    pub(crate) fn push(self: &Arc<Self>, item: Item) {
        {
            let mut control = self.control.lock();
            if control.closed {
                return;
            }
            control.items.push_back(item);
            if control.items.len() == 1 {
                control.ring();
            }
        }
        self.open_cell();
    }

    /// Opens a cell where there is none.
    pub(crate) fn open_cell(self: &Arc<Self>) {
        {
            let mut control = self.control.lock();
            if control.closed || !matches!(control.cell, CellState::None) {
                return;
            }
            control.cell = CellState::Opening;
        }
        let counted = Counted::new(&self.engine.census, &self.id, Living::Cell);
        let served = Served { seat: Arc::clone(self), _counted: counted };
        self.engine.env.spawn_control(async move {
            // Dropped with the error, its state says that it is gone.
            drop(Actor::spawn(None, Serving, served).await);
        });
    }

    /// A seat that had ended is used again.
    pub(crate) fn reopen_cell(&self) {
        self.control.lock().closed = false;
    }

    /// Lets the cell go for good.
    pub(crate) fn close_cell(&self) {
        let mut control = self.control.lock();
        control.closed = true;
        let left = std::mem::take(&mut control.items);
        match std::mem::take(&mut control.cell) {
            CellState::Open(cell) => {
                control.cell = CellState::Closing;
                cell.stop(None);
            }
            CellState::Opening => control.cell = CellState::Closing,
            other => control.cell = other,
        }
        drop(control);
        // Whoever waits for a reply is woken by its drop.
        drop(left);
    }

    /// Kills the cell, as a bug or a fault plan would; one that is still opening, or is opened for this, does not come up.
    #[cfg(feature = "lab")]
    pub(crate) fn lose_cell(self: &Arc<Self>) {
        self.open_cell();
        let mut control = self.control.lock();
        match &control.cell {
            CellState::Open(cell) => cell.kill(),
            CellState::Opening => control.cell = CellState::Closing,
            CellState::None | CellState::Closing => {}
        }
    }

    /// Loses the cell with nobody noticing: what waits for it waits until a sweep.
    #[cfg(feature = "lab")]
    pub(crate) fn mislay_cell(self: &Arc<Self>) {
        let mut control = self.control.lock();
        if !matches!(control.cell, CellState::None) {
            return;
        }
        control.items.push_back(Item::Due { number: u32::MAX });
    }

    /// The cell's state was dropped. Unless it was let go, that is an internal fault and not an exit: the turn is dropped,
    /// the task comes again, and another cell takes the seat over.
    fn cell_gone(self: &Arc<Self>) {
        let lost = {
            let mut control = self.control.lock();
            let lost = !control.closed;
            // One that was never polled was refused by a runtime that is going down: another would fare no better.
            let refused = matches!(control.cell, CellState::Opening);
            control.cell = CellState::None;
            if lost && refused {
                return;
            }
            lost
        };
        if !lost {
            self.check_vacant();
            return;
        }
        if self.engine.over.is_raised() || self.is_stopped() {
            return;
        }
        self.note(What::CellLost);
        let turn = self.gate.lock().turn.as_ref().map(|turn| turn.number);
        if let Some(number) = turn {
            self.order(|orders| orders.drop_turn = Some((number, Dropped::CellLost)));
        }
        self.open_cell();
    }
}
