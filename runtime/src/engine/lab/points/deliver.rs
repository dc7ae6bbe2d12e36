//! What a plan does to a message on its way into a mailbox.

use std::cell::Cell;
use std::sync::Arc;

use super::decide;
use crate::engine::seat::Seat;
use crate::env::Timer;
use crate::env::fault::{Fault, Phase};
use crate::env::marks::Spoil;

/// How a task gets into the queue.
pub(crate) enum Delivery {
    Straight,
    /// Before all that waits.
    First,
    Twice,
    /// Not before the timer is due, under a number; or never.
    Astray(Late),
    /// There is no room until the timer is due.
    Full(Timer),
}

/// A late message's number, and what brings it.
pub(crate) type Late = Option<(u64, Timer)>;

/// Decides how a task gets into its agent's mailbox, which has room for it. Under the mailbox's lock.
pub(crate) fn deliver(seat: &Arc<Seat>, kind: &'static str, spoil: &Cell<Spoil>) -> Delivery {
    let Some(fault) = decide(seat, Phase::Deliver, kind, |what| seat.note(what)) else {
        return Delivery::Straight;
    };
    let env = &seat.engine.env;
    let late = Arc::downgrade(seat);
    match fault {
        Fault::Drop => Delivery::Astray(None),
        Fault::Delay(pause) => {
            let number = seat.engine.number();
            let timer = env.after(pause, move || {
                if let Some(seat) = late.upgrade() {
                    seat.body.arrive(number);
                    seat.ring();
                }
            });
            Delivery::Astray(Some((number, timer)))
        }
        Fault::Duplicate => Delivery::Twice,
        Fault::Reorder => Delivery::First,
        Fault::FillMailbox(span) => Delivery::Full(env.after(span, move || {
            if let Some(seat) = late.upgrade() {
                seat.body.make_room();
            }
        })),
        fault => {
            spoil.set(seat.spoil(&fault));
            Delivery::Straight
        }
    }
}
