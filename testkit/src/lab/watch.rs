//! Looks on while a swarm runs: at each event the live view is the folded one, and what a stop has ended is gone.
//!
//! # Invariants
//! 1. In a simulated world a look is one moment: nothing else runs between the reading of the journal and of the seats.
//!    On the real clock two views are compared only if no event came between.
#![allow(clippy::disallowed_methods, reason = "the looker-on is no part of the swarm")]

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use skep_runtime::event::What;
use skep_runtime::fold::{Costs, Fold, States};
use skep_runtime::ledger::Bill;
use skep_runtime::{AgentId, AgentState, Balance, Event, Filter, Witness};

pub(super) struct Watch {
    witness: Witness,
    is_simulated: bool,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    states: States,
    costs: Costs,
    events: usize,
    wrong: Vec<String>,
}

/// More of what is wrong is no help.
const ENOUGH: usize = 20;

impl Watch {
    pub(super) fn begin(witness: Witness, is_simulated: bool) -> Arc<Self> {
        let watch = Arc::new(Self { witness, is_simulated, seen: Mutex::default() });
        let looker = Arc::clone(&watch);
        drop(tokio::spawn(async move {
            let mut events = looker.witness.history(Filter::all());
            while !looker.witness.is_over() && events.next().await.is_some() {
                while events.try_next().is_some() {}
                looker.look();
            }
        }));
        watch
    }

    pub(super) fn wrong(&self) -> Vec<String> {
        self.seen.lock().wrong.clone()
    }

    /// Takes in what has happened since the last look and compares.
    pub(super) fn look(&self) {
        let mut seen = self.seen.lock();
        let events = self.witness.events_so_far();
        let from = seen.events;
        for event in &events[from..] {
            seen.take(event);
        }
        seen.events = events.len();
        for event in &events[from..] {
            if let What::StopEnded { stop, stuck: 0, .. } = event.what {
                let left = left(&self.witness, &event.agent);
                let end =
                    |left| format!("P1: stop {stop} of {} has ended and there lives {left}", event.agent);
                seen.wrong.extend(left.into_iter().map(end));
            }
        }
        let live = self.witness.live_view();
        let is_one_moment = self.is_simulated || self.witness.events_so_far().len() == events.len();
        if is_one_moment && seen.wrong.len() < ENOUGH {
            seen.compare(&live, events.len());
        }
    }
}

impl Seen {
    fn take(&mut self, event: &Event) {
        self.states.apply(event);
        self.costs.apply(event);
    }

    fn compare(&mut self, live: &[(AgentId, AgentState, Balance, Balance)], at: usize) {
        let mut unseen: BTreeMap<&AgentId, &AgentState> =
            self.states.iter().filter(|(_, state)| state.is_live()).collect();
        let mut wrong = Vec::new();
        for (id, state, own, subtree) in live {
            unseen.remove(id);
            let folded = self.states.get(id);
            if folded != Some(state) {
                wrong.push(format!("P7: after {at} events {id} is {state}, and {folded:?} by the journal"));
            }
            let balance = |bill: Option<&Bill>| {
                bill.map_or_else(Balance::default, |bill| Balance {
                    spent: bill.spent,
                    reserved: bill.reserved,
                })
            };
            let (folded_own, folded_all) = (balance(self.costs.own(id)), balance(self.costs.subtree(id)));
            if (&folded_own, &folded_all) != (own, subtree) {
                wrong.push(format!(
                    "P2: after {at} events the meters of {id} say {own:?} and {subtree:?}, the journal {folded_own:?} and {folded_all:?}"
                ));
            }
        }
        let lost = unseen.into_iter().map(|(id, state)| {
            format!("P7: after {at} events {id} is {state} by the journal and has no seat")
        });
        wrong.extend(lost);
        self.wrong.extend(wrong);
    }
}

/// What lives within a subtree by the census.
pub(super) fn left(witness: &Witness, root: &AgentId) -> Vec<String> {
    let living = witness.census(root);
    living.into_iter().map(|(id, what, count)| format!("{count} {what:?} of {id}")).collect()
}
