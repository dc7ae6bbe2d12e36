//! What a stop's rows say of its seats.

use std::sync::Arc;
use std::time::Duration;

use crate::decide::stopping::{ByKey, EndRow};
use crate::engine::seat::Seat;
use crate::words::receipt::{StopReceipt, StopRow};

impl StopReceipt {
    pub(crate) fn new(root: &Seat, rows: &[EndRow], seats: &ByKey<Arc<Seat>>, took: Duration) -> Self {
        // The root and scopes have no behaviour that could be alive; they are places.
        let agent = |row: &EndRow| {
            seats.get(&row.key).filter(|seat| seat.body.has_behaviour()).map(|seat| stop_row(row, seat))
        };
        let rows = rows.iter().filter_map(agent).collect();
        Self { root: root.id.clone(), rows, took, cost: root.meter.subtree().spent }
    }

    /// A stop of what had ended before.
    pub(crate) fn empty(root: &Seat) -> Self {
        Self::new(root, &[], &ByKey::default(), Duration::ZERO)
    }
}

fn stop_row(row: &EndRow, seat: &Seat) -> StopRow {
    StopRow {
        id: seat.id.clone(),
        name: seat.name.to_string(),
        incarnation: seat.incarnation(),
        end: row.end,
        hook: row.hook.clone(),
        brutal: row.brutal,
        took: row.took,
        cost: seat.meter.own().spent,
        holdings: seat.released_holdings(),
        left: row.left.clone(),
    }
}
