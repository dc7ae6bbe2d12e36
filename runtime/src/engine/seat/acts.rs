//! What can be done to any agent from outside besides stopping and pausing it, and what can be read of its seat.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::seat::Seat;
use crate::engine::turn::Cancel;
use crate::env::fault::Phase;
use crate::env::known;
use crate::env::theirs::{Reply, Sleeper};
use crate::views::TreeRow;
use crate::words::balance::Balance;
use crate::words::receipt::{Stop, StopReceipt};
use crate::words::state::{AgentState, StopReason};
use crate::words::status::{Interrupted, Status};

/// What a stop gets at least when a drain has used up its time.
const LAST: Duration = Duration::from_millis(100);

impl Seat {
    /// Interrupts the turn of a task, if one is on.
    pub(crate) fn interrupt_turn(&self) -> Interrupted {
        let turn = self.gate.lock().turn.as_ref().map(Arc::clone);
        match turn.filter(|turn| turn.phase == Phase::Turn) {
            Some(turn) => {
                self.interrupt(&turn, Cancel::Interrupt);
                Interrupted::Turn
            }
            None => Interrupted::Nothing,
        }
    }

    /// Takes no more tasks, finishes those that are queued, and stops; what is not finished within the time is stopped.
    /// Once it has begun it goes on, whoever waits for it: one that takes no tasks must not live on.
    pub(crate) async fn drain(self: &Arc<Self>, within: Duration) -> StopReceipt {
        let deadline = self.engine.env.now() + within;
        Sleeper::wake_all(self.body.close(StopReason::Stopped));
        let (tell, told) = Reply::new();
        let seat = Arc::clone(self);
        self.engine.env.spawn_control(async move {
            let env = &seat.engine.env;
            let watch = seat.engine.journal.watch(&seat.id);
            tokio::select! {
                biased;
                _ = watch.until(|| seat.is_at_rest().then_some(())) => {}
                () = env.sleep_until(deadline) => {}
            }
            let stop = Stop::within(deadline.since(env.now()).max(LAST));
            tell.send(seat.engine.stop_ordered(&seat, stop).await);
        });
        match known(told).await {
            Ok(receipt) => receipt,
            // The control thread is gone, and the swarm with it.
            Err(_) => self.engine.stop_ordered(self, Stop::within(LAST)).await,
        }
    }

    fn is_at_rest(self: &Arc<Self>) -> bool {
        let status = Status::of(self);
        let is_idle = match status.state {
            AgentState::Idle | AgentState::Stopped(_) => true,
            AgentState::Paused => status.task.is_none(),
            _ => false,
        };
        status.queued == 0 && is_idle
    }

    /// Waits until it has ended, and says why.
    pub(crate) async fn has_ended(&self) -> StopReason {
        let watch = self.engine.journal.watch(&self.id);
        // Nothing is found where the swarm is gone.
        watch.until(|| self.reason()).await.unwrap_or(StopReason::Stopped)
    }

    /// What it and its subtree have spent and reserved in its budget's current window; none without a window.
    pub(crate) fn window_cost(&self) -> Option<Balance> {
        let env = &self.engine.env;
        self.meter.spending().map(|spending| spending.at(env.wall(env.now())))
    }

    /// How many agents live in its subtree, itself included.
    pub(crate) fn live_agents(self: &Arc<Self>) -> u32 {
        let itself = self.body.has_behaviour() && !self.is_stopped();
        self.live_below().saturating_add(u32::from(itself))
    }
}

impl Status {
    pub(crate) fn of(seat: &Arc<Seat>) -> Self {
        let paused = seat.paused_by();
        let children = seat.gate.lock().family.as_ref().map_or(0, |family| family.seats.len());
        let queued = seat.body.queued();
        let live = seat.live.lock();
        Self {
            id: seat.id.clone(),
            name: seat.name.to_string(),
            agent_type: seat.body.agent_type().to_owned(),
            state: live.lifecycle.state().clone(),
            incarnation: seat.incarnation(),
            task: live.task.clone(),
            doing: live.doing.clone(),
            queued,
            children,
            cost: seat.meter.subtree(),
            paused,
        }
    }

    /// Of one whose seat is free, as the journal has it.
    pub(crate) fn of_ended(row: &TreeRow, cost: Balance) -> Self {
        Self {
            id: row.id.clone(),
            name: row.name.clone(),
            agent_type: row.agent_type.clone(),
            state: row.state().clone(),
            incarnation: row.incarnation,
            task: None,
            doing: None,
            queued: 0,
            children: 0,
            cost,
            paused: None,
        }
    }
}
