//! Which rows go to whom.
//!
//! A row is recorded once, at the innermost request of its seat. A request that finishes names those of its rows that ended
//! after its own fence, and hands all of them to the request around it, since that one, or one further out, may be older. So
//! nested stops share rows, and nothing is copied for each level that has no request.

use super::words::{Command, EndRow, RequestId, SeatKey};
use super::{PlannedSeat, Step};

/// An unfinished stop.
#[derive(Debug)]
pub(super) struct Receipt {
    /// All that asked for a stop of this root; at least one.
    ids: Vec<RequestId>,
    /// How many seats had ended, ever, at its fence.
    since: u64,
    /// With the place of each among all rows.
    rows: Vec<(u64, EndRow)>,
}

#[cfg(test)]
impl Receipt {
    pub(super) fn first_id(&self) -> RequestId {
        self.ids[0]
    }
}

impl Step<'_> {
    /// Opens a receipt for a stop of `root`, or joins the one that there is.
    pub(super) fn join(&mut self, root: SeatKey, request: RequestId) {
        let since = self.plan.ended;
        let receipt = self.plan.receipts.entry(root);
        let receipt = receipt.or_insert_with(|| Receipt { ids: Vec::new(), since, rows: Vec::new() });
        if !receipt.ids.contains(&request) {
            receipt.ids.push(request);
        }
        let around = self.plan.seats.get(&root).map(|seat| seat.request);
        if around == Some(root) {
            return;
        }
        self.walk(root, |step, key| {
            let inside = step.plan.seats.get_mut(&key).filter(|seat| Some(seat.request) == around);
            inside.map(|seat| seat.request = root).is_some()
        });
    }

    pub(super) fn record(&mut self, row: EndRow, seat: &PlannedSeat) {
        let key = row.key;
        let place = self.plan.ended;
        self.plan.ended += 1;
        if let Some(receipt) = self.plan.receipts.get_mut(&seat.request) {
            receipt.rows.push((place, row));
        }
        if seat.request == key {
            self.finish(key, seat.parent);
        }
    }

    fn finish(&mut self, root: SeatKey, parent: Option<SeatKey>) {
        let Some(mut receipt) = self.plan.receipts.remove(&root) else { return };
        // Those that an inner request handed over stand behind later ones.
        receipt.rows.sort_by_key(|(place, _)| *place);
        let around = parent.and_then(|parent| self.plan.seats.get(&parent)).map(|parent| parent.request);
        if let Some(around) = around.and_then(|around| self.plan.receipts.get_mut(&around)) {
            around.rows.extend(receipt.rows.iter().cloned());
        }
        let own = receipt.rows.into_iter().filter(|(place, _)| *place >= receipt.since);
        let rows: Vec<EndRow> = own.map(|(_, row)| row).collect();
        let finished = |request: &RequestId| Command::Finished { request: *request, rows: rows.clone() };
        self.out.extend(receipt.ids.iter().map(finished));
    }
}
