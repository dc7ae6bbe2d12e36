//! The end of an ordered stop: what was told to go is waited for, then the receipt is handed over.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::decide::stopping::{ByKey, EndRow, RequestId};
use crate::engine::Engine;
use crate::engine::seat::Seat;
use crate::env::theirs::Reply;
use crate::words::ends::End;
use crate::words::ends::Left;
use crate::words::event::What;
use crate::words::receipt::StopReceipt;
use crate::words::time::Time;

/// An ordered stop whose plan has finished.
pub(super) struct Finished {
    pub(super) engine: Arc<Engine>,
    pub(super) number: RequestId,
    pub(super) rows: Vec<EndRow>,
    pub(super) receipt: Option<Reply<StopReceipt>>,
}

/// What has been told to go may take so long to be gone, even past the deadline.
const GOING: Duration = Duration::from_millis(50);

impl Finished {
    /// Waits until cells and runners are gone as the plan has it, and hands the receipt over.
    pub(super) async fn deliver(
        mut self,
        root: Arc<Seat>,
        mut seats: ByKey<Arc<Seat>>,
        began: Time,
        deadline: Time,
    ) {
        let env = &self.engine.env;
        let until = deadline.max(env.now() + GOING);
        // Joined to a stop that its supervision had begun, it hears of seats that had ended there and then ended again.
        let mut last = HashSet::new();
        self.rows.reverse();
        self.rows.retain(|row| seats.contains_key(&row.key) && last.insert(row.key));
        self.rows.reverse();
        let leaving = self.engine.leaving_within(&root, &seats);
        for row in &mut self.rows {
            if let Some(seat) = seats.get(&row.key)
                && (row.end == End::Stuck || !self.engine.is_vacant_by(seat, until).await)
            {
                (row.end, row.left) = what_is_left(seat, row.end);
            }
        }
        for seat in leaving.iter().filter(|seat| !seat.is_stuck()) {
            self.engine.is_vacant_by(seat, until).await;
        }
        let took = env.now().since(began);
        for seat in leaving.into_iter().filter(|seat| seat.is_leaving()) {
            let (end, left) = what_is_left(&seat, End::AlreadyStopped);
            self.rows.insert(0, EndRow { key: seat.key, end, hook: None, brutal: false, took, left });
            seats.insert(seat.key, seat);
        }
        let receipt = StopReceipt::new(&root, &self.rows, &seats, took);
        root.leave_family(false);
        root.note(What::StopEnded {
            stop: self.number,
            agents: receipt.rows().len(),
            stuck: receipt.stuck(),
            clean: receipt.is_clean(),
        });
        self.engine.delivering.fetch_sub(1, Ordering::AcqRel);
        if root.parent.is_none() {
            if self.engine.env.ground_was_lost() {
                self.engine.lost.set(receipt.clone()).ok();
            }
            // Those who still wait for a part of it are answered before all is over.
            self.engine.closing.raise();
            while !self.engine.closes_to_stops() {
                tokio::task::yield_now().await;
            }
            self.engine.end_session(&root);
        }
        if let Some(asker) = self.receipt {
            asker.send(receipt);
        }
    }
}

/// How an agent has ended of which something is left, and what.
fn what_is_left(seat: &Seat, end: End) -> (End, Vec<Left>) {
    let left = seat.left();
    // Where only its cell is left, nothing has a name for that.
    let is_stuck = end == End::Stuck || left.is_empty() || left.contains(&Left::Runner);
    (if is_stuck { End::Stuck } else { end }, left)
}

impl Engine {
    /// Whether all that has ended in a subtree is gone.
    pub(in crate::engine) fn nobody_leaves_within(&self, root: &Seat) -> bool {
        !self.leaving.lock().values().any(|seat| seat.id.is_within(&root.id))
    }

    /// What is left of earlier lives in a subtree, but for those that are being stopped now; parents before children.
    fn leaving_within(&self, root: &Seat, but: &ByKey<Arc<Seat>>) -> Vec<Arc<Seat>> {
        let leaving = self.leaving.lock();
        let here = |seat: &&Arc<Seat>| seat.id.is_within(&root.id) && !but.contains_key(&seat.key);
        let mut here: Vec<_> = leaving.values().filter(here).cloned().collect();
        here.sort_by_key(|seat| seat.id.depth());
        here
    }

    /// Waits until a seat's cell and runner are gone, at most until then.
    async fn is_vacant_by(&self, seat: &Seat, until: Time) -> bool {
        if seat.vacant.is_raised() {
            return true;
        }
        tokio::select! {
            biased;
            () = seat.vacant.raised() => true,
            // The swarm's own stop has waited as long as it may.
            () = self.closing.raised() => false,
            () = self.env.sleep_until(until) => false,
        }
    }
}
