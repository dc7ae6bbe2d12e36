//! What a plan does to a message on its way into a mailbox.

use std::cell::Cell;
use std::sync::Arc;

use super::{Spoil, decide};
use crate::engine::seat::Seat;
use crate::fault::{Fault, Phase};
use crate::mailbox::Delivery;

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
            spoil.set(Spoil::of(seat, &fault));
            Delivery::Straight
        }
    }
}
