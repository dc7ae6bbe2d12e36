//! The receipt of a pause: who is quiet when it is due, who is not, and which deadlines will pass.

use std::sync::Arc;

use super::PauseWalk;
use crate::engine::Engine;
use crate::engine::seat::Seat;
use crate::words::event::What;
use crate::words::pause::{PassingDeadline, PauseReceipt, PauseRow, Rest};
use crate::words::time::Time;

/// A pause that stands, and whose receipt is to come.
pub(super) struct StandingPause {
    pub(super) engine: Arc<Engine>,
    pub(super) number: u64,
    pub(super) root: Arc<Seat>,
    pub(super) began: Time,
}

impl StandingPause {
    pub(super) async fn wait(self, walk: PauseWalk, until: Time) -> PauseReceipt {
        let env = &self.engine.env;
        tokio::select! {
            biased;
            () = walk.tally.none_left.raised() => {}
            () = env.sleep_until(until) => {}
        }
        let agents = walk.seats.iter().filter(|seat| seat.body.has_behaviour());
        let rows: Vec<_> = agents
            .clone()
            .map(|seat| PauseRow { id: seat.id.clone(), name: seat.name.to_string(), rest: seat.resting() })
            .collect();
        let mut deadlines: Vec<PassingDeadline> =
            agents.flat_map(|seat| seat.deadlines()).filter(|deadline| deadline.at != Time::NEVER).collect();
        deadlines.sort_by_key(|deadline| deadline.at);
        let receipt =
            PauseReceipt { root: self.root.id.clone(), rows, deadlines, took: env.now().since(self.began) };
        let gate = self.root.gate.lock();
        if self.root.state().is_live() {
            let quiet = receipt.rows.iter().filter(|row| row.rest == Rest::Quiet).count();
            let busy = receipt.busy().count();
            self.root.note(What::PauseStands { pause: self.number, quiet, busy });
        }
        drop(gate);
        receipt
    }
}

impl Seat {
    /// The deadlines of the task that it works on and of those that wait, unless its clock stands.
    fn deadlines(&self) -> Vec<PassingDeadline> {
        let turn = {
            let gate = self.gate.lock();
            if gate.standing().is_some() {
                return Vec::new();
            }
            gate.turn.clone()
        };
        let begun =
            turn.and_then(|turn| Some(PassingDeadline { task: turn.task.clone()?, at: turn.deadline() }));
        let queued = self
            .body
            .deadlines()
            .into_iter()
            .map(|(task, at)| PassingDeadline { task, at: self.off_clock(at) });
        begun.into_iter().chain(queued).collect()
    }
}
