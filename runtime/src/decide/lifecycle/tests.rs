//! The lifecycle over any events, well-formed or not.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::words::event::{EffectEnd, Outcome, Role, Wait};
use crate::words::policy::Exit;
use crate::words::usage::Usage;

fn spawned(role: Role) -> What {
    What::AgentSpawned {
        name: "a".into(),
        agent_type: "A".into(),
        role,
        budget: None,
        grants: None,
        ceiling: None,
    }
}

fn effect(effect: u64) -> What {
    What::EffectBegan { effect, kind: "model".into(), reserved: Usage::ZERO, on: None }
}

fn effect_ended(effect: u64) -> What {
    let (used, reserved) = (Usage::ZERO, Usage::ZERO);
    What::EffectEnded { effect, end: EffectEnd::Done, used, reserved, estimated: false, late: false }
}

fn retried(effect: u64) -> What {
    What::EffectRetried {
        effect,
        tries: 1,
        error: "cut".into(),
        used: Usage::ZERO,
        freed: Usage::ZERO,
        estimated: false,
    }
}

fn stopped() -> What {
    What::AgentStopped { reason: StopReason::Stopped, end: None, spec_stands: false }
}

/// One of an agent's events, its effects and waits numbered so that they meet, also across turns.
fn events() -> impl Strategy<Value = What> {
    let number = 1..4_u64;
    prop_oneof![
        2 => Just(spawned(Role::Dynamic)),
        6 => Just(What::AgentStarted),
        2 => Just(What::AgentExited { exit: Exit::Normal }),
        1 => Just(What::AgentRestarting { pause: Duration::ZERO }),
        1 => Just(What::AgentStopping { stop: 1 }),
        1 => Just(stopped()),
        8 => Just(What::TurnBegan { attempt: 1 }),
        1 => Just(What::TaskRedelivered { error: "lost".into() }),
        2 => Just(What::TaskEnded { outcome: Outcome::Done }),
        2 => Just(What::TurnEnded),
        8 => number.clone().prop_map(effect),
        4 => number.clone().prop_map(|effect| What::StreamBegan { effect }),
        2 => number.clone().prop_map(retried),
        6 => number.clone().prop_map(effect_ended),
        6 => number.clone().prop_map(|wait| What::WaitBegan { wait, on: Wait::Ask }),
        6 => number.prop_map(|wait| What::WaitEnded { wait }),
        1 => Just(What::CellLost),
        3 => Just(What::AgentPaused),
        3 => Just(What::AgentResumed),
    ]
}

/// The working state by its definition: whatever began in the turn and has not ended, looked up in the turn's events.
fn working(turn: &[What]) -> AgentState {
    let is_open = |begun: usize, ends: &dyn Fn(&What) -> bool| !turn[begun..].iter().any(ends);
    let (mut streams, mut effects, mut waits) = (false, false, false);
    for (at, what) in turn.iter().enumerate() {
        match what {
            What::EffectBegan { effect, .. } => {
                let is_end =
                    |what: &What| matches!(what, What::EffectEnded { effect: it, .. } if it == effect);
                let is_retry =
                    |what: &What| matches!(what, What::EffectRetried { effect: it, .. } if it == effect);
                let is_stream =
                    |what: &What| matches!(what, What::StreamBegan { effect: it } if it == effect);
                if is_open(at, &is_end) {
                    effects = true;
                    let last_try = turn[at..].iter().rposition(is_retry).map_or(at, |retry| at + retry);
                    streams |= turn[last_try..].iter().any(is_stream);
                }
            }
            What::WaitBegan { wait, .. } => {
                waits |= is_open(at, &|what| matches!(what, What::WaitEnded { wait: it } if it == wait));
            }
            _ => {}
        }
    }
    match (streams, effects, waits) {
        (true, ..) => AgentState::Streaming,
        (_, true, _) => AgentState::ToolExecution,
        (.., true) => AgentState::Waiting,
        _ => AgentState::Thinking,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn every_change_is_in_the_table_and_a_refused_event_changes_nothing(whats in prop::collection::vec(events(), 0..60)) {
        let mut life = Lifecycle::default();
        for what in &whats {
            let before = life.clone();
            match life.apply(what) {
                Ok(()) => prop_assert!(
                    life.state() == before.state()
                        || before.state().may_become(life.state())
                        || (!before.state.is_live() && matches!(what, What::AgentSpawned { .. })),
                    "{} to {} by {}", before.state(), life.state(), what.name()
                ),
                Err(bad) => {
                    prop_assert_eq!(&life, &before);
                    prop_assert_eq!(&bad.from, &before.state);
                    prop_assert!(!bad.from.may_become(&bad.to), "{bad}");
                }
            }
            prop_assert!(life.open.is_empty() || life.state.is_working(), "invariant 1");
        }
    }

    #[test]
    fn the_working_state_is_what_is_open_in_the_turn(whats in prop::collection::vec(events(), 0..60)) {
        let mut life = Lifecycle::default();
        let mut turn = Vec::new();
        for what in whats {
            if life.apply(&what).is_err() {
                continue;
            }
            if matches!(what, What::TurnBegan { .. }) {
                turn.clear();
            }
            turn.push(what);
            if life.state.is_working() {
                prop_assert_eq!(&life.state, &working(&turn));
            }
        }
    }

    #[test]
    fn nothing_follows_stopped_but_to_be_spawned_again(
        before in prop::collection::vec(events(), 0..20),
        what in events(),
    ) {
        let mut life = Lifecycle::default();
        for what in before.iter().chain([&stopped()]) {
            let _ = life.apply(what);
        }
        let end = life.clone();
        if matches!(what, What::AgentSpawned { .. }) {
            prop_assert_eq!(life.apply(&what), Ok(()));
            prop_assert_eq!(life, Lifecycle::default());
            return Ok(());
        }
        let begins = matches!(
            what,
            What::AgentStarted
                | What::AgentExited { .. }
                | What::AgentRestarting { .. }
                | What::AgentStopping { .. }
                | What::AgentStopped { .. }
                | What::TurnBegan { .. }
                | What::EffectBegan { .. }
                | What::WaitBegan { .. }
                | What::AgentPaused
        );
        prop_assert_eq!(life.apply(&what).is_err(), begins, "{}", what.name());
        prop_assert_eq!(life, end);
    }
}

fn states_after(whats: &[What]) -> Vec<&'static str> {
    let mut life = Lifecycle::default();
    whats
        .iter()
        .map(|what| {
            life.apply(what).unwrap();
            life.state().name()
        })
        .collect()
}

#[test]
fn a_stream_shows_before_an_effect_and_an_effect_before_a_wait() {
    let whats = [
        What::AgentStarted,
        What::TurnBegan { attempt: 1 },
        What::WaitBegan { wait: 1, on: Wait::Child },
        effect(2),
        effect(3),
        What::StreamBegan { effect: 3 },
        effect_ended(3),
        effect_ended(2),
        What::WaitEnded { wait: 1 },
        What::TaskEnded { outcome: Outcome::Done },
        What::TurnEnded,
    ];
    assert_eq!(
        states_after(&whats),
        [
            "idle",
            "thinking",
            "waiting",
            "tool_execution",
            "tool_execution",
            "streaming",
            "tool_execution",
            "waiting",
            "thinking",
            "thinking",
            "idle"
        ]
    );
}

#[test]
fn a_stream_that_is_tried_again_is_an_effect_in_its_call() {
    let began = || What::StreamBegan { effect: 1 };
    let whats = [
        What::AgentStarted,
        What::TurnBegan { attempt: 1 },
        effect(1),
        began(),
        retried(1),
        began(),
        effect_ended(1),
    ];
    assert_eq!(
        states_after(&whats)[2..],
        ["tool_execution", "streaming", "tool_execution", "streaming", "thinking"]
    );
}

#[test]
fn what_ends_late_disturbs_neither_the_next_turn_nor_the_end() {
    let whats = [
        What::AgentStarted,
        What::TurnBegan { attempt: 1 },
        effect(1),
        What::WaitBegan { wait: 1, on: Wait::Ask },
        What::TurnEnded,
        What::TurnBegan { attempt: 1 },
        effect(2),
        effect_ended(1),
        What::StreamBegan { effect: 1 },
        What::WaitEnded { wait: 1 },
        What::AgentStopping { stop: 1 },
        What::AgentExited { exit: Exit::Shutdown },
        stopped(),
        effect_ended(2),
        What::TurnEnded,
    ];
    assert_eq!(
        states_after(&whats)[5..10],
        ["thinking", "tool_execution", "tool_execution", "tool_execution", "tool_execution"]
    );
    assert_eq!(states_after(&whats)[10..], ["stopping", "stopping", "stopped", "stopped", "stopped"]);
}

#[test]
fn an_effect_of_a_hook_is_no_turn() {
    let whats = [
        effect(1),
        effect_ended(1),
        What::AgentStarted,
        effect(2),
        effect_ended(2),
        What::AgentStopping { stop: 1 },
        effect(3),
    ];
    assert_eq!(
        states_after(&whats),
        ["starting", "starting", "idle", "idle", "idle", "stopping", "stopping"]
    );
}

#[test]
fn the_root_and_scopes_live_without_a_turn() {
    for role in [Role::Root, Role::Scope] {
        let whats = [spawned(role), What::AgentStarted, What::AgentStopping { stop: 1 }, stopped()];
        assert_eq!(states_after(&whats), ["starting", "idle", "stopping", "stopped"]);
    }
}

#[test]
fn a_crash_is_followed_by_the_next_life() {
    let whats = [
        What::AgentStarted,
        What::TurnBegan { attempt: 1 },
        What::AgentExited { exit: Exit::Normal },
        What::TaskRedelivered { error: "it panicked".into() },
        What::AgentRestarting { pause: Duration::ZERO },
        What::AgentStarted,
        What::TurnBegan { attempt: 2 },
        What::TaskRedelivered { error: "its cell was lost".into() },
    ];
    assert_eq!(
        states_after(&whats),
        ["idle", "thinking", "restarting", "restarting", "restarting", "idle", "thinking", "idle"]
    );
}

#[test]
fn a_paused_agent_comes_back_to_what_has_become_of_it() {
    let mut life = Lifecycle::default();
    let mut take = |whats: &[What]| {
        whats.iter().for_each(|what| life.apply(what).unwrap());
        life.state().clone()
    };
    assert_eq!(take(&[What::AgentPaused]), AgentState::Paused);
    assert_eq!(take(&[What::AgentResumed]), AgentState::Starting);
    let working = [What::AgentStarted, What::TurnBegan { attempt: 1 }, effect(1)];
    assert_eq!(take(&working), AgentState::ToolExecution);
    assert_eq!(take(&[What::AgentPaused, effect_ended(1)]), AgentState::Paused);
    assert_eq!(take(&[What::AgentResumed]), AgentState::Thinking);
    let interrupted = [What::AgentPaused, What::TurnEnded, What::AgentResumed];
    assert_eq!(take(&interrupted), AgentState::Idle);
    let killed = [What::AgentPaused, What::AgentExited { exit: Exit::Normal }];
    assert_eq!(take(&killed), AgentState::Paused);
    assert_eq!(take(&[What::AgentResumed]), AgentState::Restarting);
    assert_eq!(take(&[What::AgentPaused, What::AgentStopping { stop: 1 }]), AgentState::Stopping);
    assert!(life.apply(&What::AgentPaused).is_err(), "what is being stopped is not paused");
}
