//! A seat's children: the table, their names, and the core that decides about them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tokio::sync::oneshot;

use super::seat::Seat;
use crate::env::Timer;
use crate::supervision::{Answer, Core, InterfaceError, Policy};

pub(crate) type Reply = oneshot::Sender<Result<Answer, InterfaceError>>;

/// Made with the first child, since most agents have none.
pub(crate) struct Family {
    pub(crate) core: Core,
    /// By number, which is start order.
    pub(crate) seats: BTreeMap<u32, Arc<Seat>>,
    pub(crate) names: HashMap<Box<str>, u32>,
    pub(crate) pauses: HashMap<u32, Timer>,
    pub(crate) replies: BTreeMap<u64, Reply>,
    next: u32,
}

impl Family {
    pub(crate) fn new(policy: Policy) -> Self {
        Self {
            core: Core::new(policy),
            seats: BTreeMap::new(),
            names: HashMap::new(),
            pauses: HashMap::new(),
            replies: BTreeMap::new(),
            next: 0,
        }
    }

    /// The next child's number; a number is never given twice.
    pub(crate) fn next_number(&mut self) -> u32 {
        self.next += 1;
        self.next
    }

    pub(crate) const fn peek_number(&self) -> u32 {
        self.next + 1
    }

    pub(crate) fn enter(&mut self, seat: Arc<Seat>) {
        self.names.insert(seat.name.clone(), seat.number);
        self.seats.insert(seat.number, seat);
    }

    /// Frees the name of a child that has ended and whose spec alone still stands.
    pub(crate) fn let_go_of_ended(&mut self, name: &str) {
        let Some(number) = self.names.get(name).copied() else { return };
        if self.seats[&number].is_stopped() && self.core.remove(number) {
            self.leave(number);
        }
    }

    /// Takes a child out that has ended for good.
    pub(crate) fn leave(&mut self, number: u32) -> Option<Arc<Seat>> {
        self.pauses.remove(&number);
        let seat = self.seats.remove(&number)?;
        if self.names.get(&seat.name) == Some(&number) {
            self.names.remove(&seat.name);
        }
        Some(seat)
    }
}
