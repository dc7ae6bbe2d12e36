//! What all folds have in common, over generated histories.

mod history;
mod letting_go;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

use self::history::histories;
use super::*;
use crate::engine::seat::meter::Meter;
use crate::words::balance::Balance;
use crate::words::budget::Budget;
use crate::words::event::{Outcome, What};
use crate::words::id::{AgentId, TaskId};
use crate::words::limits::Limits;
use crate::words::state::AgentState;
use crate::words::time::Time;

/// No budget there has a window.
const WALL: Duration = Duration::ZERO;

fn written_and_read<F: Serialize + DeserializeOwned>(fold: &F) -> F {
    serde_json::from_str(&serde_json::to_string(fold).unwrap()).unwrap()
}

/// Whether a snapshot at `cut`, written down and read back, ends where the whole fold does.
fn goes_on_from<F>(events: &[Event], cut: usize) -> bool
where
    F: Fold + Default + PartialEq + Serialize + DeserializeOwned,
{
    let mut fold = written_and_read(&F::of(&events[..cut]));
    for event in &events[cut..] {
        fold.apply(event);
    }
    fold == F::of(events)
}

fn event(seq: u64, agent: &AgentId, task: Option<&TaskId>, what: What) -> Event {
    let task = task.cloned();
    Event { seq, at: Time::ZERO, agent: agent.clone(), incarnation: 1, task, cause: None, what }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_snapshot_and_the_rest_of_the_events_are_the_whole(events in histories(120), cut: prop::sample::Index) {
        let cut = cut.index(events.len());
        prop_assert!(goes_on_from::<Tree>(&events, cut));
        prop_assert!(goes_on_from::<States>(&events, cut));
        prop_assert!(goes_on_from::<Costs>(&events, cut));
        prop_assert!(goes_on_from::<Timeline>(&events, cut));
        prop_assert!(goes_on_from::<Tasks>(&events, cut));
        prop_assert!(goes_on_from::<Metered>(&events, cut));
    }

    #[test]
    fn metrics_count_what_happened_and_an_ended_agents_counts_are_its_parents(events in histories(150)) {
        let (metered, metrics) = (Metered::of(&events), Metered::of(&events).metrics());
        let count = |is: &dyn Fn(&What) -> bool| events.iter().filter(|event| is(&event.what)).count() as u64;
        prop_assert_eq!(metrics.accepted, count(&|what| matches!(what, What::TaskAccepted { .. })));
        prop_assert_eq!(metrics.task.count(), count(&|what| matches!(what, What::TaskEnded { .. })));
        prop_assert_eq!(metrics.tasks.values().sum::<u64>(), metrics.task.count());
        prop_assert_eq!(metrics.redelivered, count(&|what| matches!(what, What::TaskRedelivered { .. })));
        prop_assert_eq!(metrics.overruns, count(&|what| matches!(what, What::Overrun { .. })));
        prop_assert_eq!(metrics.wait.count(), count(&|what| matches!(what, What::TurnBegan { .. })));
        prop_assert_eq!(metrics.stop.count(), count(&|what| matches!(what, What::StopEnded { .. })));
        let began = count(&|what| matches!(what, What::EffectBegan { .. }));
        let ended = metrics.effects.values().map(|effect| effect.time.count()).sum::<u64>();
        prop_assert_eq!(ended + metrics.effects.values().map(|effect| effect.open).sum::<u64>(), began);

        let (costs, states, tasks) = (Costs::of(&events), States::of(&events), Tasks::of(&events));
        let total = costs.total();
        prop_assert_eq!((metrics.spent, metrics.reserved), (total.spent, total.reserved.money));
        let queued = tasks.iter().filter(|task| task.state == TaskState::Queued).count() as u64;
        prop_assert_eq!(metrics.queued, queued);
        // Any living agent's subtree has what its agents did since it was spawned, wherever they are now.
        for agent in states.live() {
            let spawns = |event: &&Event| event.agent == *agent && matches!(event.what, What::AgentSpawned { .. });
            if events.iter().filter(spawns).count() > 1 {
                // What it had counted before is its parent's.
                continue;
            }
            let of = metered.metrics_of(agent);
            let accepted = events.iter().filter(|event| {
                event.agent.is_within(agent) && matches!(event.what, What::TaskAccepted { .. })
            });
            prop_assert_eq!(of.accepted, accepted.count() as u64);
            prop_assert_eq!(of.spent, costs.subtree(agent).unwrap().spent);
        }
    }

    #[test]
    fn events_survive_being_written_down(events in histories(60)) {
        prop_assert_eq!(written_and_read(&events), events);
    }

    #[test]
    fn a_well_formed_history_has_no_missteps(events in histories(200)) {
        let (states, tasks) = (States::of(&events), Tasks::of(&events));
        prop_assert_eq!(states.missteps(), []);
        prop_assert_eq!(tasks.faults(), []);
    }

    #[test]
    fn the_timeline_knows_every_point_of_the_past(events in histories(80)) {
        let timeline = Timeline::of(&events);
        let mut states = States::default();
        for event in &events {
            states.apply(event);
            prop_assert_eq!(timeline.at(event.seq), states.iter().collect::<BTreeMap<_, _>>());
        }
        for (_, spans) in timeline.iter() {
            for pair in spans.windows(2) {
                prop_assert_eq!(pair[0].ended, Some(pair[1].began));
                let comes_back = !pair[0].state.is_live() && pair[1].state == AgentState::Starting;
                prop_assert!(comes_back || pair[0].state.may_become(&pair[1].state));
            }
        }
    }

    #[test]
    fn the_live_meters_are_the_folded_costs_at_every_event(events in histories(120)) {
        let mut meters: BTreeMap<AgentId, Arc<Meter>> = BTreeMap::new();
        let mut costs = Costs::default();
        for event in &events {
            // Spawned again, an agent has the seat that it had.
            let is_new = !meters.contains_key(&event.agent);
            if is_new && matches!(event.what, What::AgentSpawned { .. }) {
                let (id, free) = (event.agent.clone(), Limits::default());
                let meter = match id.parent().map(|parent| Arc::clone(&meters[&parent])) {
                    Some(parent) => Meter::child(&parent, id, free),
                    None => Meter::root(id, free),
                };
                meters.insert(event.agent.clone(), meter);
            }
            let _ = meters[&event.agent].apply(&event.what, WALL);
            costs.apply(event);
            for (id, meter) in &meters {
                let (own, subtree) = (costs.own(id).unwrap(), costs.subtree(id).unwrap());
                prop_assert_eq!(meter.own(), Balance { spent: own.spent, reserved: own.reserved });
                prop_assert_eq!(meter.subtree(), Balance { spent: subtree.spent, reserved: subtree.reserved });
            }
        }
    }

    #[test]
    fn the_live_windows_are_the_folded_ones_at_every_event(mut events in histories(150), span in 1..40_u64) {
        let window = Budget::new().calls(5).every(Duration::from_nanos(span));
        let mut meters: BTreeMap<AgentId, Arc<Meter>> = BTreeMap::new();
        let mut windows = Windows::default();
        for event in &mut events {
            if let What::AgentSpawned { budget, .. } = &mut event.what {
                *budget = event.agent.number().is_multiple_of(2).then(|| Box::new(window.clone()));
                let limits = budget.as_ref().map_or_else(Limits::default, |budget| budget.check().unwrap());
                let id = event.agent.clone();
                if !meters.contains_key(&id) {
                    let meter = match id.parent().map(|parent| Arc::clone(&meters[&parent])) {
                        Some(parent) => Meter::child(&parent, id.clone(), limits),
                        None => Meter::root(id.clone(), limits),
                    };
                    meters.insert(id, meter);
                }
            }
            let _ = meters[&event.agent].apply(&event.what, event.at.since(Time::ZERO));
            windows.apply(event);
            for (id, meter) in &meters {
                prop_assert_eq!(meter.spending(), windows.get(id).cloned());
            }
        }
        prop_assert!(goes_on_from::<Windows>(&events, events.len() / 2));
    }

    #[test]
    fn own_costs_summed_are_the_subtrees_total(events in histories(150)) {
        let (costs, tree) = (Costs::of(&events), Tree::of(&events));
        let spawned = events.iter().filter(|event| matches!(event.what, What::AgentSpawned { .. }));
        for agent in spawned.map(|event| &event.agent) {
            let breakdown = costs.breakdown(agent);
            let mut sum = crate::views::bill::Bill::default();
            for row in &breakdown.rows {
                sum += row.own;
            }
            let top = breakdown.top().unwrap();
            prop_assert_eq!((&top.id, top.subtree, top.agents), (agent, sum, breakdown.rows.len()));
            let places: Vec<_> = breakdown.rows.iter().map(|row| (row.level, &row.id)).collect();
            let in_tree: Vec<_> = tree.subtree(agent).map(|(level, row)| (level, &row.id)).collect();
            prop_assert_eq!(places, in_tree);
            for named in [sum.estimated, sum.late, sum.over] {
                prop_assert!(named.above(&sum.spent).is_zero(), "{named} is part of {}", sum.spent);
            }
        }
    }

    #[test]
    fn the_tree_holds_every_agent_once_below_its_parent(events in histories(150)) {
        let (tree, states) = (Tree::of(&events), States::of(&events));
        let mut path: Vec<&AgentId> = Vec::new();
        for (level, row) in tree.iter() {
            path.truncate(level);
            prop_assert_eq!(row.parent.as_ref(), path.last().copied());
            prop_assert_eq!(Some(row.state()), states.get(&row.id));
            prop_assert!(row.state().is_working() || !row.state().is_live() || row.doing().is_none());
            path.push(&row.id);
        }
        prop_assert_eq!(tree.iter().count(), states.iter().count());
        prop_assert_eq!(tree.tree().lines().count(), states.iter().count() + 1);
    }
}

#[test]
fn a_second_outcome_is_a_fault_and_the_first_stays() {
    let agent = AgentId::root("s");
    let task = TaskId::outside(agent.clone(), 1);
    let ended = |outcome| What::TaskEnded { outcome };
    let whats = [
        What::TaskAccepted { asker: None, replay_of: None },
        What::TurnBegan { attempt: 1 },
        ended(Outcome::Done),
        ended(Outcome::Stopped),
        What::TaskRedelivered { error: "again".into() },
    ];
    let events: Vec<_> = (1..).zip(whats).map(|(seq, what)| event(seq, &agent, Some(&task), what)).collect();
    let tasks = Tasks::of(&events);

    let row = tasks.get(&task).unwrap();
    assert_eq!((row.attempts, row.state, row.ended.unwrap().seq), (1, TaskState::Ended(Outcome::Done), 3));
    let faults: Vec<_> = tasks.faults().iter().map(|fault| (fault.seq, fault.had, fault.then)).collect();
    assert_eq!(
        faults,
        [(4, Outcome::Done, TaskState::Ended(Outcome::Stopped)), (5, Outcome::Done, TaskState::Queued)]
    );
}

#[test]
fn an_unknown_agents_events_lose_no_money_and_make_no_agent() {
    let agent = AgentId::root("s").child(1).child(2);
    let used = crate::words::usage::Usage::calls(3);
    let what = What::EffectEnded {
        effect: 1,
        end: crate::words::event::EffectEnd::Done,
        used,
        reserved: crate::words::usage::Usage::ZERO,
        estimated: false,
        late: true,
    };
    let events = [event(1, &agent, None, what), event(2, &agent, None, What::AgentStarted)];

    let costs = Costs::of(&events);
    assert_eq!(costs.subtree(&AgentId::root("s")).unwrap().late, used);
    assert_eq!(costs.total().spent, used);
    assert_eq!(Tree::of(&events).iter().count(), 0);
    assert_eq!(States::of(&events), States::default());
    assert_eq!(Timeline::of(&events), Timeline::default());
}

#[test]
fn a_step_that_cannot_follow_is_kept_to_be_seen() {
    let agent = AgentId::root("s");
    let spawned = What::AgentSpawned {
        name: "s".into(),
        agent_type: "Root".into(),
        role: crate::words::event::Role::Root,
        budget: None,
        grants: None,
        ceiling: None,
    };
    let whats = [spawned, What::TurnBegan { attempt: 1 }, What::AgentStarted];
    let events: Vec<_> = (1..).zip(whats).map(|(seq, what)| event(seq, &agent, None, what)).collect();
    let states = States::of(&events);

    assert_eq!(states.get(&agent), Some(&AgentState::Idle));
    assert_eq!(states.missteps().len(), 1);
    assert_eq!(states.missteps()[0].bad.to_string(), "an agent that is starting cannot become thinking");
    assert_eq!(states.counts(), BTreeMap::from([("idle", 1)]));
}

#[test]
fn the_tree_says_what_each_agent_does() {
    let root = AgentId::root("s");
    let (first, second) = (root.child(1), root.child(2));
    let spawned = |name: &str, agent_type: &str| What::AgentSpawned {
        name: name.into(),
        agent_type: agent_type.into(),
        role: crate::words::event::Role::Dynamic,
        budget: None,
        grants: None,
        ceiling: None,
    };
    let began = What::EffectBegan {
        effect: 1,
        kind: "grep".into(),
        reserved: crate::words::usage::Usage::ZERO,
        on: None,
    };
    let steps = [
        (&root, spawned("review", "Lead")),
        (&root, What::AgentStarted),
        (&first, spawned("security", "Reviewer")),
        (&first, What::AgentStarted),
        (&first, What::TurnBegan { attempt: 1 }),
        (&first, began),
        (&second, spawned("style", "Reviewer")),
        (
            &second,
            What::AgentStopped {
                reason: crate::words::state::StopReason::Done,
                end: None,
                spec_stands: false,
            },
        ),
    ];
    let mut events: Vec<_> =
        (1..).zip(steps).map(|(seq, (agent, what))| event(seq, agent, None, what)).collect();
    events[5].incarnation = 2;
    assert_eq!(
        Tree::of(&events).tree(),
        "\
agent         type      state           life
review        Lead      idle
├── security  Reviewer  tool_execution     2  grep
└── style     Reviewer  stopped               done"
    );
    let progress = event(9, &first, None, What::Progress { text: "reads src".into() });
    events.push(progress);
    assert_eq!(Tree::of(&events).get(&first).unwrap().doing().as_deref(), Some("reads src"));
}
