//! Stops that are asked for, on anything: fresh seats, stopping ones, above and below other stops.

use super::closing::Visit;
use super::seat::Sentence;
use super::shares::Deadlines;
use super::words::{Command, Node, RequestId, SeatKey};
use super::{PlannedSeat, Step};
use crate::words::policy::Shutdown;
use crate::words::time::Time;

impl Step<'_> {
    pub(super) fn request(
        &mut self,
        request: RequestId,
        root: SeatKey,
        nodes: Vec<Node>,
        deadline: Time,
        brutal: bool,
    ) {
        for node in nodes {
            self.admit(root, &node);
        }
        let Some(seat) = self.plan.seats.get(&root) else {
            self.out.push(Command::Finished { request, rows: Vec::new() });
            return;
        };
        if !seat.opened {
            let limits = self.limits_around(root);
            self.change(root, |seat| {
                seat.opened = true;
                seat.limits = limits;
            });
            self.open_unordered(root);
        }
        self.join(root, request);
        self.change(root, |seat| seat.watched = true);
        let now = self.now;
        let asked = Deadlines::of_stop(deadline, now);
        self.change(root, |seat| seat.asked = seat.asked.tightened(asked));
        self.tighten(root, asked);
        self.change(root, |seat| seat.await_cut(now));
        if brutal {
            self.condemn(root, Sentence::Brutal);
        }
    }

    /// Takes a seat in, and what was stopping below it already, as it stands.
    fn admit(&mut self, root: SeatKey, node: &Node) {
        let known = |key| self.plan.seats.contains_key(&key);
        if known(node.key) {
            self.take_under(node);
            return;
        }
        let parent = match node.parent {
            _ if node.key == root => node.parent,
            Some(parent) if known(parent) => Some(parent),
            // A seat whose parent was not named still belongs to this stop, and must be named in its receipt.
            _ if known(root) => Some(root),
            _ => return,
        };
        let above = parent.and_then(|parent| self.plan.seats.get(&parent));
        let sentence = above.map_or(Sentence::None, |above| above.sentence);
        let request = above.filter(|_| node.key != root).map_or(root, |above| above.request);
        self.plan.seats.insert(node.key, PlannedSeat::new(node, parent, request, self.now));
        // A turn's own time is due from here on.
        let due = self.plan.seats[&node.key].next_due();
        if due != Time::NEVER {
            self.plan.due.insert((due, node.key));
        }
        self.link(node.key);
        for child in self.plan.loose.remove(&node.key).unwrap_or_default() {
            self.link(child);
        }
        self.sentence(node.key, sentence);
        if node.shutdown == Shutdown::Brutal {
            self.cut(node.key);
        }
    }

    /// A stop from above has come to a seat that was stopping below none: what it was below has ended, or was no part of a stop.
    fn take_under(&mut self, node: &Node) {
        let Some(above) = node.parent.and_then(|parent| self.plan.seats.get(&parent)) else { return };
        let sentence = above.sentence;
        let is_loose =
            |seat: &PlannedSeat| seat.parent.is_some_and(|parent| !self.plan.seats.contains_key(&parent));
        if !self.plan.seats.get(&node.key).is_some_and(is_loose) {
            return;
        }
        if let Some(mut seat) = self.plan.seats.remove(&node.key) {
            self.unlink(node.key, &seat);
            seat.parent = node.parent;
            self.plan.seats.insert(node.key, seat);
        }
        self.link(node.key);
        self.sentence(node.key, sentence);
    }

    /// Enters a seat in its parent's table, or keeps it for the day on which its parent is stopped.
    fn link(&mut self, key: SeatKey) {
        let Some(seat) = self.plan.seats.get(&key) else { return };
        let Some(parent_key) = seat.parent else { return };
        let (ordered, order) = (seat.ordered, seat.order);
        let Some(parent) = self.plan.seats.get_mut(&parent_key) else {
            self.plan.loose.entry(parent_key).or_default().insert(key);
            return;
        };
        parent.siblings_of(ordered).insert((order, key));
        if parent.opened {
            self.work.push_back(if ordered { Visit::Settle(parent_key) } else { Visit::Open(key) });
        }
    }

    /// The limits that hold where a seat stands that is not opened itself.
    pub(super) fn limits_around(&self, key: SeatKey) -> Deadlines {
        let mut key = Some(key);
        while let Some(seat) = key.and_then(|key| self.plan.seats.get(&key)) {
            if seat.opened {
                return seat.limits;
            }
            key = seat.parent;
        }
        Deadlines::NONE
    }
}
