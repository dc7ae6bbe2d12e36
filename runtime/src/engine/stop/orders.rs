//! Stops that somebody orders, and the look from the engine at all that happened.

use std::sync::Arc;

use tokio::sync::oneshot;

use crate::engine::Engine;
use crate::engine::seat::Seat;
use crate::engine::stop::Purpose;
use crate::env::known;
use crate::env::theirs::Reply;
use crate::journal::{Entry, Events, Filter};
use crate::views::bill::Breakdown;
use crate::views::{Costs, Metered, Metrics};
use crate::words::budget::Budget;
use crate::words::ceiling::Ceiling;
use crate::words::defaults;
use crate::words::error::{GrantError, NarrowError};
use crate::words::event::What;
use crate::words::id::{AgentId, TaskId};
use crate::words::policy::Exit;
use crate::words::receipt::{Stop, StopReceipt};

impl Engine {
    /// Stops a subtree for good and waits for the receipt. The fence goes up at the first poll.
    pub(crate) async fn stop_ordered(self: &Arc<Self>, root: &Arc<Seat>, stop: Stop) -> StopReceipt {
        // A simulation has no thread beside that runtime, so nothing of it would ever be over.
        if root.parent.is_none() && self.env.ground_was_lost() && !self.env.is_simulated() {
            // It is being stopped already, for that.
            self.over.raised().await;
            return self.receipt_of_lost_ground(root).unwrap_or_else(|| StopReceipt::empty(root));
        }
        let apart = self.living_below_ended(root);
        if !apart.is_empty() {
            return self.stop_apart(root, &apart, stop).await;
        }
        match known(self.order_stop(root, stop)).await {
            Ok(receipt) => receipt,
            // The control thread is gone, so the swarm is.
            Err(_) => self.receipt_of_lost_ground(root).unwrap_or_else(|| StopReceipt::empty(root)),
        }
    }

    /// What lives below an agent that has itself ended: a stop of the agent takes it.
    fn living_below_ended(&self, root: &Arc<Seat>) -> Vec<Arc<Seat>> {
        if !root.is_stopped() {
            return Vec::new();
        }
        let is_lost = |seat: &Arc<Seat>| seat.parent.as_ref().is_some_and(|parent| parent.is_stopped());
        let own = root.subtree().into_iter().skip(1).filter(is_lost);
        own.chain(self.adopted_below(root)).filter(|seat| !seat.is_stopped()).collect()
    }

    /// Stops each of them, all at once, and gives one receipt for all.
    async fn stop_apart(self: &Arc<Self>, root: &Seat, apart: &[Arc<Seat>], stop: Stop) -> StopReceipt {
        let stops: Vec<_> = apart.iter().map(|seat| self.order_stop(seat, stop)).collect();
        let mut all = StopReceipt::empty(root);
        for stopped in stops {
            if let Ok(receipt) = known(stopped).await {
                all.take_in(receipt);
            }
        }
        all
    }

    fn order_stop(self: &Arc<Self>, root: &Arc<Seat>, stop: Stop) -> oneshot::Receiver<StopReceipt> {
        let (tell, told) = Reply::new();
        self.order_stop_for(tell, root, stop);
        told
    }

    fn order_stop_for(self: &Arc<Self>, tell: Reply<StopReceipt>, root: &Arc<Seat>, stop: Stop) {
        if self.over.is_raised() || (root.vacant.is_raised() && self.nobody_leaves_within(root)) {
            let before = self.receipt_of_lost_ground(root);
            tell.send(before.unwrap_or_else(|| StopReceipt::empty(root)));
            return;
        }
        let deadline = self.env.now() + stop.within;
        let purpose = Purpose::Ordered { within: stop.within, receipt: Some(tell) };
        self.stop(root, purpose, stop.brutal, deadline);
    }

    /// Fences a subtree now and stops it without anybody waiting.
    pub(crate) fn stop_in_background(self: &Arc<Self>, root: &Arc<Seat>) {
        drop(self.order_stop(root, Stop::within(self.stop_within)));
    }

    /// The root's own end is the swarm's.
    pub(crate) fn stop_swarm_because(self: &Arc<Self>, exit: &Exit) {
        let Some(root) = self.root() else { return };
        let report = format!("the swarm ends: {exit:?}");
        root.note(What::Reported { report, child: None });
        self.stop_in_background(&root);
    }

    /// A budget refused whose policy is to stop its subtree.
    pub(crate) fn stop_refusing(self: &Arc<Self>, ancestor: &AgentId) {
        if let Some(seat) = self.registry.by_id(ancestor) {
            self.stop_in_background(&seat);
        }
    }

    /// Raises a seat's budget.
    pub(crate) fn grant(&self, seat: &Seat, more: Budget) -> Result<(), GrantError> {
        let agent = seat.id.clone();
        if let Err(bad) = more.check() {
            return Err(GrantError::Bad { agent, bad });
        }
        if seat.policies.budget.is_none() {
            return Err(GrantError::NoBudget { agent });
        }
        let gate = seat.gate.lock();
        if seat.is_stopped() {
            return Err(GrantError::Ended { agent });
        }
        seat.note(What::BudgetGranted { more: Box::new(more) });
        drop(gate);
        Ok(())
    }

    /// Narrows a seat's ceiling, in one step with its event: no effect begins after it that it forbids.
    pub(crate) fn narrow(&self, seat: &Seat, ceiling: Ceiling) -> Result<(), NarrowError> {
        let agent = seat.id.clone();
        if let Err(bad) = ceiling.check() {
            return Err(NarrowError::Bad { agent, bad });
        }
        if seat.policies.ceiling.is_none() {
            return Err(NarrowError::NoCeiling { agent });
        }
        let _gate = seat.gate.lock();
        if seat.is_stopped() {
            return Err(NarrowError::Ended { agent });
        }
        let entry = Entry { seat, incarnation: seat.incarnation(), task: None, cause: None };
        let by = Box::new(ceiling);
        let narrowed = What::CeilingNarrowed { by: by.clone() };
        let narrows = |_| {
            if seat.rights.narrow(&seat.id, &by) { Ok(()) } else { Err(NarrowError::NoCeiling { agent }) }
        };
        self.journal.append_if(&entry, [narrowed], narrows).map(drop)
    }

    pub(crate) fn events(&self, filter: Filter) -> Events {
        let next = self.journal.last() + 1;
        Events::new(&self.journal, filter, next)
    }

    /// The bill of a subtree.
    pub(crate) fn breakdown(&self, root: &AgentId) -> Breakdown {
        self.journal.view(|now: &Costs| now.breakdown(root))
    }

    /// The metrics of a subtree.
    pub(crate) fn metrics(&self, top: &AgentId) -> Metrics {
        self.journal.view(|now: &Metered| now.metrics_of(top))
    }
}

impl Seat {
    /// Ends the children of one of its tasks, and waits until they are gone: the next task may use their names.
    pub(crate) async fn end_children_of(self: &Arc<Self>, task: &TaskId) {
        let children = self.gate.lock().family.as_ref().map(|family| family.of_task(task));
        let children = children.unwrap_or_default();
        let stop = Stop::within(defaults::STOP.min(self.engine.stop_within));
        let order = |child| {
            // It is this seat's runner that waits.
            let (tell, told) = Reply::ours();
            self.engine.order_stop_for(tell, child, stop);
            told
        };
        let stops: Vec<_> = children.iter().map(order).collect();
        for stopped in stops {
            // An error says that the swarm is gone.
            known(stopped).await.ok();
        }
    }

    /// All live agents at it and below, parents before children.
    pub(crate) fn subtree(self: &Arc<Self>) -> Vec<Arc<Self>> {
        let mut all = Vec::new();
        let mut open = vec![Arc::clone(self)];
        while let Some(seat) = open.pop() {
            open.extend(seat.children().into_iter().rev());
            all.push(seat);
        }
        all
    }

    /// How many agents below it live, by their ids: those included that others have adopted. Scopes are none.
    pub(crate) fn live_below(self: &Arc<Self>) -> u32 {
        self.meter.live_agents().unwrap_or_else(|| {
            let adopted = self.engine.adopted_below(self);
            let below = self.subtree().into_iter().skip(1).chain(adopted.iter().flat_map(Self::subtree));
            let lives = |seat: &Arc<Self>| {
                seat.body.has_behaviour() && !seat.is_stopped() && seat.id.is_within(&self.id)
            };
            u32::try_from(below.filter(lives).count()).unwrap_or(u32::MAX)
        })
    }

    /// Whether anybody below it lives, however deep: where agents were lost, also below others that have ended.
    pub(crate) fn lives_below(self: &Arc<Self>) -> bool {
        self.subtree().iter().skip(1).any(|seat| !seat.is_stopped())
    }
}
