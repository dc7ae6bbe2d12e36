//! The runtime under the swarm has ended: nothing of it can run any more, so it is stopped, and says so.
//!
//! Turns, starts and hooks were dropped with the runtime. Their runners say on their way out that they are gone; what is dormant
//! ends without a hook, since no place is left to run one in.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::Engine;
use crate::engine::seat::Seat;
use crate::engine::stop::Purpose;
use crate::words::event::What;
use crate::words::policy::FailureClass;
use crate::words::receipt::StopReceipt;
use crate::words::state::StopReason;

/// How long the end of what the runtime has dropped is waited for: a thread that blocks may not have come back.
const WITHIN: Duration = Duration::from_secs(1);

impl Engine {
    /// Stops the swarm when the runtime that its turns run on has ended.
    pub(crate) fn watch_ground(self: &Arc<Self>) {
        let (engine, ground) = (Arc::downgrade(self), self.env.ground());
        self.env.spawn_control(async move {
            if ground.gone().await
                && let Some(engine) = engine.upgrade()
            {
                engine.lose_ground();
            }
        });
    }

    fn lose_ground(self: &Arc<Self>) {
        let Some(root) = self.root().filter(|_| !self.over.is_raised()) else { return };
        let report = "the tokio runtime under the swarm has ended: the swarm is stopped".to_owned();
        root.note(What::Reported { report, child: None });
        let purpose = Purpose::Ordered { within: WITHIN, receipt: None };
        self.stop(&root, purpose, false, self.env.now() + WITHIN);
    }

    /// Why a stop ends agents now.
    pub(crate) fn why_stopped(&self) -> StopReason {
        if self.env.ground_was_lost() { ground_lost() } else { StopReason::Stopped }
    }

    /// The receipt of a swarm that was stopped because its runtime had ended: for whoever stops it then.
    pub(crate) fn receipt_of_lost_ground(&self, root: &Seat) -> Option<StopReceipt> {
        self.lost.get().filter(|_| root.parent.is_none()).cloned()
    }
}

/// Why agents have ended whose runtime has.
pub(in crate::engine) fn ground_lost() -> StopReason {
    let message = "the tokio runtime under the swarm has ended".to_owned();
    StopReason::Failed { class: FailureClass::Stopped, message }
}
