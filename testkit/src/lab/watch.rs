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
use skep_runtime::fold::{Costs, Fold, Metered, Metrics, States};
use skep_runtime::ledger::Bill;
use skep_runtime::{AgentId, AgentState, Balance, Bears, Event, Events, Filter, Time, Witness};

use super::late::Late;
use super::own::{Look, Own};
use crate::world::still::{MOST, Standstill};

pub(super) struct Watch {
    witness: Witness,
    own: Own,
    is_simulated: bool,
    seen: Mutex<Seen>,
}

/// What was seen, whole: a journal that is cut is followed faster than it is cut.
struct Seen {
    follows: Events,
    states: States,
    costs: Costs,
    metered: Metered,
    bears: BTreeMap<AgentId, Bears>,
    late: Late,
    events: Vec<Arc<Event>>,
    wrong: Vec<String>,
    /// The moment of the last event, and how many there were at it.
    moment: (Time, u64),
}

/// More of what is wrong is no help.
const ENOUGH: usize = 20;

impl Watch {
    pub(super) fn begin(witness: Witness, is_simulated: bool, own: Own) -> Arc<Self> {
        let (states, costs) = (States::default(), Costs::default());
        let follows = witness.history(Filter::all());
        let metered = Metered::default();
        let seen = Seen {
            follows,
            states,
            costs,
            metered,
            bears: BTreeMap::new(),
            late: Late::default(),
            events: Vec::new(),
            wrong: Vec::new(),
            moment: (Time::ZERO, 0),
        };
        let watch = Arc::new(Self { witness, own, is_simulated, seen: Mutex::new(seen) });
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

    pub(super) const fn own(&self) -> &Own {
        &self.own
    }

    /// How many restarts were borne of each child.
    pub(super) fn bears(&self) -> BTreeMap<AgentId, Bears> {
        self.seen.lock().bears.clone()
    }

    /// All that has happened.
    pub(super) fn events(&self) -> Vec<Arc<Event>> {
        let mut seen = self.seen.lock();
        seen.follow();
        seen.events.clone()
    }

    pub(super) fn wrong(&self) -> Vec<String> {
        self.seen.lock().wrong.clone()
    }

    /// Takes in what has happened since the last look and compares.
    pub(super) fn look(&self) {
        let mut seen = self.seen.lock();
        let news = seen.follow();
        let fresh = news.len();
        if news.iter().any(|event| matches!(event.what, What::AgentSpawned { .. })) {
            // The first look holds: who changes a policy later says so in an event.
            for (child, bears) in self.witness.bears() {
                seen.bears.entry(child).or_insert(bears);
            }
        }
        for event in news {
            if let What::StopEnded { stop, stuck: 0, .. } = event.what {
                let left = left(&self.witness, &event.agent);
                let end =
                    |left| format!("P1: stop {stop} of {} has ended and there lives {left}", event.agent);
                seen.wrong.extend(left.into_iter().map(end));
            }
        }
        if self.is_simulated && seen.wrong.len() < ENOUGH {
            let late = seen.late.look(&self.witness.overdue());
            seen.wrong.extend(late);
        }
        let live = self.witness.live_view();
        let metrics = self.witness.metrics();
        let at = seen.events.len();
        let is_one_moment = self.is_simulated || self.witness.last_seq() == at as u64;
        if is_one_moment && seen.wrong.len() < ENOUGH {
            seen.compare(&live, at);
            seen.compare_metrics(&metrics, at);
        }
        if seen.wrong.len() < ENOUGH {
            let Seen { states, costs, events, wrong, .. } = &mut *seen;
            let fresh = &events[at - fresh..];
            wrong.extend(self.own.look(&Look { events, fresh, states, costs }));
        }
    }
}

impl Seen {
    /// Takes in what has happened since the last look, and gives it.
    fn follow(&mut self) -> Vec<Arc<Event>> {
        let mut fresh = Vec::new();
        while let Some(next) = self.follows.try_next() {
            match next {
                Ok(event) => {
                    self.states.apply(&event);
                    self.costs.apply(&event);
                    self.metered.apply(&event);
                    self.count(event.at);
                    fresh.push(event);
                }
                Err(lagged) => {
                    self.wrong.push(format!("lab: {lagged}: let the swarm keep more of its journal"));
                }
            }
        }
        self.events.extend(fresh.iter().cloned());
        fresh
    }

    fn count(&mut self, at: Time) {
        let (moment, events) = &mut self.moment;
        if *moment != at {
            self.moment = (at, 1);
            return;
        }
        *events += 1;
        if *events == MOST
            && let Some(world) = Standstill::here()
        {
            world.raise(format!("it loops: there were {MOST} events at {at}, and the clock stands still"));
        }
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

    fn compare_metrics(&mut self, counted: &Metrics, at: usize) {
        let folded = self.metered.metrics();
        if *counted != folded {
            let wrong =
                format!("P7: after {at} events the metrics are {counted:?}, by the journal {folded:?}");
            self.wrong.push(wrong);
        }
    }
}

/// What lives within a subtree by the census.
pub(super) fn left(witness: &Witness, root: &AgentId) -> Vec<String> {
    let living = witness.census(root);
    living.into_iter().map(|(id, what, count)| format!("{count} {what:?} of {id}")).collect()
}

#[cfg(test)]
mod tests {
    use skep_runtime::{Agent, AgentError, AgentSpec, Context, Stop, Supervisor, Usage};

    use super::*;
    use crate::Lab;
    use crate::world::in_a_world;

    type Live = Vec<(AgentId, AgentState, Balance, Balance)>;

    fn supervisor() -> AgentSpec<Supervisor> {
        Supervisor::one_for_one().named("supervisor")
    }

    struct Restless;

    impl Agent for Restless {
        type Task = ();
        type Output = ();

        async fn handle(&mut self, (): &(), cx: &Context) -> Result<(), AgentError> {
            loop {
                cx.effect("look", ()).free().run(|_| async { Ok(()) }).await?;
            }
        }
    }

    #[test]
    fn a_swarm_that_goes_round_while_time_stands_still_is_ended() {
        let round = in_a_world(|| async {
            let swarm = Lab::seed(1).start().await;
            let restless = swarm.spawn(AgentSpec::new("restless", || Restless)).await.unwrap();
            drop(restless.ask(()).await);
        });
        assert!(round.unwrap_err().text.starts_with("it loops"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_live_view_that_is_not_the_folded_one_is_found() {
        let lab = Lab::seed(1);
        let swarm = lab.start().await;
        swarm.spawn(supervisor()).await.unwrap();
        let watch = Watch::begin(swarm.witness(), true, Own::default());
        let at = watch.events().len();
        let compared = |plant: fn(&mut Live)| {
            let mut live = swarm.live_view();
            plant(&mut live);
            let mut seen = watch.seen.lock();
            seen.compare(&live, at);
            std::mem::take(&mut seen.wrong)
        };
        assert!(compared(|_| {}).is_empty());
        let other = compared(|live| live[1].1 = AgentState::Thinking);
        assert!(
            other.len() == 1 && other[0].starts_with("P7") && other[0].contains("lab.1 is thinking"),
            "{other:?}"
        );
        let billed = compared(|live| live[1].2.spent = Usage::calls(1));
        assert!(billed.len() == 1 && billed[0].starts_with("P2"), "{billed:?}");
        let gone = compared(|live| drop(live.pop()));
        assert!(
            gone.len() == 1 && gone[0].contains("lab.1 is idle by the journal and has no seat"),
            "{gone:?}"
        );
        lab.end(swarm).await;
    }

    #[tokio::test(start_paused = true)]
    async fn what_survives_a_receipt_is_found() {
        let (lab, other) = (Lab::seed(1), Lab::seed(2));
        let (swarm, gone) = (lab.start().await, other.start().await);
        let lives = swarm.spawn(supervisor()).await.unwrap();
        lives.kill();
        let receipt = gone.stop(Stop::default()).await;
        assert!(receipt.nothing_left());
        other.conclude(receipt.clone()).await.unwrap();
        let failure = lab.conclude(receipt).await.unwrap_err();
        let survives = |wrong: &String| wrong.starts_with("P1: after the last receipt there lives");
        assert!(failure.wrong().iter().any(survives), "{failure}");
    }
}
