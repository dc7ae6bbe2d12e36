//! Generated trees, behaviours and requests, under the oracles of `performer`.

use std::time::Duration;

use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::Index;

use super::performer::{Agent, Run, Stop, World};
use crate::decide::stopping::{HookEnd, TurnEnd};
use crate::words::ends::{End, HookFault};
use crate::words::policy::Shutdown;

fn run<E: Clone + std::fmt::Debug>(end: impl Strategy<Value = E>) -> impl Strategy<Value = Run<E>> {
    let span = || prop_oneof![0u64..20, 0u64..2_000];
    (weighted(0.8, span()), end, weighted(0.8, span())).prop_map(|(takes, end, confirms)| Run {
        takes,
        end,
        confirms,
    })
}

fn shutdown() -> impl Strategy<Value = Shutdown> {
    let within = |millis| Shutdown::within(Duration::from_millis(millis));
    prop_oneof![
        1 => Just(Shutdown::Brutal),
        5 => prop_oneof![0u64..20, 0u64..2_000].prop_map(within),
        3 => Just(Shutdown::UntilDeadline),
    ]
}

fn tree(largest: usize) -> impl Strategy<Value = Vec<Agent>> {
    let turn_end = prop_oneof![
        4 => Just(TurnEnd::Returned),
        1 => Just(TurnEnd::Crashed),
        1 => Just(TurnEnd::Exited),
    ];
    let hook_end = prop_oneof![
        4 => Just(HookEnd::Done),
        1 => Just(HookEnd::Failed("oh\nno".into())),
        1 => Just(HookEnd::Panicked("ah\nno".into())),
    ];
    let agent = (
        any::<Index>(),
        any::<bool>(),
        shutdown(),
        weighted(0.4, run(turn_end)),
        weighted(0.8, run(hook_end)),
        weighted(0.1, 0u64..1_000),
    );
    // Some trees are wide and some are deep.
    (vec(agent, 1..largest), 1usize..largest).prop_map(|(drawn, reach)| {
        let place = |(own, drawn): (usize, (Index, bool, _, _, _, _))| {
            let (above, ordered, shutdown, turn, hook, exits) = drawn;
            let parent = (own > 0).then(|| own - 1 - above.index(own.min(reach)));
            Agent { parent, ordered, shutdown, turn, hook, exits }
        };
        drawn.into_iter().enumerate().map(place).collect()
    })
}

/// The first is of the whole swarm in half of the cases.
fn stops(most: usize) -> impl Strategy<Value = Vec<(u64, Index, u64, bool)>> {
    let within = prop_oneof![Just(0u64), 0u64..200, 0u64..10_000];
    vec(
        (0u64..3_000, any::<Index>(), within, weighted(0.1, Just(())).prop_map(|brutal| brutal.is_some())),
        1..=most,
    )
}

fn of(agents: &[Agent], stops: &[(u64, Index, u64, bool)]) -> Vec<Stop> {
    let stop = |(at, root, within, brutal): &(u64, Index, u64, bool)| {
        // Low ones have subtrees.
        let root = root.index(agents.len()) * root.index(7) / 6;
        Stop { at: *at, root, within: *within, brutal: *brutal }
    };
    stops.iter().map(stop).collect()
}

/// Everything returns in a few milliseconds and nothing is wrong with it.
fn well_behaved(mut agents: Vec<Agent>) -> Vec<Agent> {
    for agent in &mut agents {
        agent.exits = None;
        agent.shutdown = match agent.shutdown {
            Shutdown::Within(_) => Shutdown::within(Duration::from_millis(100)),
            _ => Shutdown::UntilDeadline,
        };
        if let Some(turn) = &mut agent.turn {
            (turn.takes, turn.end) = (Some(turn.takes.unwrap_or(5) % 10), TurnEnd::Returned);
        }
        if let Some(hook) = &mut agent.hook {
            (hook.takes, hook.end) = (Some(hook.takes.unwrap_or(5) % 10), HookEnd::Done);
        }
    }
    agents
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_stop_of_any_tree_keeps_every_rule(agents in tree(30), asked in stops(1)) {
        let asked = Stop { root: 0, ..of(&agents, &asked).remove(0) };
        let world = World::play(&agents, &[asked]);
        prop_assert!((0..agents.len()).all(|agent| world.row(agent).is_some()));
    }

    #[test]
    fn any_stops_of_any_tree_keep_every_rule_and_run_twice_the_same(agents in tree(30), asked in stops(6)) {
        let asked = of(&agents, &asked);
        let world = World::play(&agents, &asked);
        prop_assert_eq!(world.log, World::play(&agents, &asked).log);
    }

    #[test]
    fn with_good_agents_and_enough_time_all_is_clean(agents in tree(30), asked in stops(4)) {
        let agents = well_behaved(agents);
        let enough = |stop: Stop| Stop { within: 1_000_000_000_000, brutal: false, at: stop.at % 100, ..stop };
        let asked: Vec<Stop> = of(&agents, &asked).into_iter().map(enough).collect();
        let world = World::play(&agents, &asked);
        for agent in 0..agents.len() {
            let row = world.row(agent);
            prop_assert!(row.is_none_or(|row| row.end == End::Clean && row.hook.is_none()), "{:?} {:?}", row, world.log);
        }
    }

    #[test]
    fn bad_siblings_do_not_take_the_others_chance(bad in vec(weighted(0.4, 0u8..3), 2..12), need in 0.0..0.85f64) {
        let count = bad.len();
        let need = (9_000.0 / count as f64 * need) as u64;
        let root = Agent {
            parent: None,
            ordered: false,
            shutdown: Shutdown::UntilDeadline,
            turn: None,
            hook: None,
            exits: None,
        };
        let mut agents = vec![root.clone()];
        for kind in &bad {
            let turn = Run { takes: None, end: TurnEnd::Returned, confirms: None };
            let hook = Run { takes: Some(need), end: HookEnd::Done, confirms: None };
            let hangs = Run { takes: None, confirms: (*kind == Some(1)).then_some(20), ..hook.clone() };
            agents.push(Agent {
                parent: Some(0),
                ordered: true,
                turn: (*kind == Some(0)).then_some(turn),
                hook: Some(if matches!(kind, Some(1 | 2)) { hangs } else { hook }),
                ..root.clone()
            });
        }
        let world = World::play(&agents, &[Stop { at: 0, root: 0, within: 10_000, brutal: false }]);
        for (kind, agent) in bad.iter().zip(1..) {
            let row = world.row(agent).unwrap();
            let expected = match kind {
                None => (End::Clean, None),
                Some(0) => (End::Stuck, None),
                Some(1) => (End::Aborted, Some(HookFault::Hung)),
                Some(_) => (End::Stuck, Some(HookFault::Hung)),
            };
            prop_assert_eq!((row.end, row.hook.clone()), expected);
        }
    }
}
