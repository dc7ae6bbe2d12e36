//! What has ended is dropped before anybody starts the next in its place.
//!
//! What was killed while it was dormant, and what an incarnation held, is dropped where a user's code may run, which is
//! elsewhere. As in OTP, a supervisor hears of an end when nothing is left of it: a port or a lock is free when the next one
//! wants it, also that of a sibling. A drop that takes too long is left beside the next, and a stop names it.

use std::sync::Arc;

use crate::engine::seat::Seat;
use crate::env::signal::Signal;
use crate::words::defaults;

impl Seat {
    /// Does something once all that has ended here and below is dropped, at most [`defaults::LET_GO`] from now; at once if nothing
    /// is being dropped.
    pub(crate) fn once_dropped(self: &Arc<Self>, then: impl FnOnce() + Send + 'static) {
        let dropping = self.dropping();
        if dropping.is_empty() {
            then();
            return;
        }
        let env = self.engine.env.clone();
        let until = env.now() + defaults::LET_GO;
        self.engine.env.spawn_control(async move {
            let all = async {
                for dropped in dropping {
                    dropped.raised().await;
                }
            };
            tokio::select! {
                biased;
                () = all => {}
                () = env.sleep_until(until) => {}
            }
            then();
        });
    }

    fn dropping(self: &Arc<Self>) -> Vec<Arc<Signal>> {
        let mut seats = vec![Arc::clone(self)];
        // Most have had no children.
        if self.gate.lock().family.is_some() {
            seats.extend(self.subtree().into_iter().skip(1));
            // Those that have ended for good are not in the tree any more.
            let leaving = self.engine.leaving.lock();
            seats.extend(leaving.values().filter(|seat| seat.id.is_within(&self.id)).cloned());
        }
        seats.iter().flat_map(|seat| seat.line.lock().dropping.clone()).collect()
    }
}
