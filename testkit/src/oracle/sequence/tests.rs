//! Histories that never were: each row of the table lets pass what it is about, and what has no row is found.

use std::collections::BTreeSet;

use skep_runtime::event::{Outcome, Wait, What};
use skep_runtime::{End, StopReason};

use super::super::forged::Forged;
use super::table;

fn wrong(forged: &Forged) -> Vec<String> {
    forged.judged(super::sequence)
}

fn finds(forged: &Forged, what: &str) {
    let wrong = wrong(forged);
    assert!(wrong.len() == 1 && wrong[0].contains(what), "{what}: {wrong:?}");
}

/// A session with an agent that is up.
fn up() -> Forged {
    let began = What::SessionBegan { name: "s".into(), unix_ms: 0 };
    let root = Forged::new().write("s", 0, None, began);
    root.with_agents(&["s", "s.1"]).started("s", 1).started("s.1", 1)
}

fn stopped(forged: Forged, end: Option<End>, spec_stands: bool) -> Forged {
    let reason = StopReason::Stopped;
    forged.write("s.1", 1, None, What::AgentStopped { reason, end, spec_stands })
}

fn over() -> Forged {
    stopped(up().stopping("s.1", 7), Some(End::Clean), false)
}

fn session_over(forged: Forged) -> Forged {
    let ended = What::AgentStopped { reason: StopReason::Stopped, end: None, spec_stands: false };
    forged.write("s", 1, None, ended).session_ended()
}

fn waits(forged: Forged, wait: u64) -> Forged {
    forged.write("s.1", 1, Some(1), What::WaitBegan { wait, on: Wait::Sleep })
}

fn waited(forged: Forged, wait: u64) -> Forged {
    forged.write("s.1", 1, Some(1), What::WaitEnded { wait })
}

fn turn() -> Forged {
    up().accepted("s.1", 1).turn_began("s.1", 1, 1)
}

#[test]
fn a_whole_life_has_nothing_wrong_in_it() {
    let works = waited(waits(turn(), 3), 3).effect("s.1", Some(1), 5, 1).effect_ended("s.1", 5, 1, 1);
    let again = works.redelivered("s.1", 1).turn_ended("s.1", 1).exited("s.1", 1).started("s.1", 2);
    let done = again.turn_began("s.1", 1, 2).ended("s.1", 1, Outcome::Done).turn_ended("s.1", 1);
    let held = done.holds("s.1", 4).releases("s.1", 4);
    let ended = held.stopping("s", 7).stopping("s.1", 7).stop_began("s", 7, 1);
    let ended = stopped(ended, Some(End::Clean), false).stop_ended("s", 7, 1);
    assert_eq!(wrong(&ended), [""; 0]);
}

#[test]
fn nothing_comes_after_an_agents_end_unless_it_is_spawned_again() {
    finds(&over().exited("s.1", 1), "agent_exited, and agent s.1 is over");
    finds(&over().started("s.1", 2), "agent_started, and agent s.1 is over");
    finds(&over().paused("s.1", 1), "agent_paused, and agent s.1 is over");
    finds(&over().effect("s.1", None, 5, 1), "effect_began, and agent s.1 is over");
    finds(&stopped(over(), None, false), "agent_stopped, and agent s.1 is over");
    finds(&over().spawned("s.1"), "agent_spawned, and agent s.1 is over");
    let tasks = over().accepted("s.1", 1);
    finds(&tasks, "task_accepted, and agent s.1 is over");
    let stands = || stopped(up(), None, true);
    assert_eq!(wrong(&stands().spawned("s.1").started("s.1", 2)), [""; 0], "its spec stands");
    finds(&stands().started("s.1", 2), "agent_started, and agent s.1 is over, its spec stands");
    let dropped = stands().write("s.1", 1, None, What::SpecDropped);
    finds(&dropped.spawned("s.1"), "agent_spawned, and agent s.1 is over");
}

#[test]
fn what_ends_late_is_of_an_agent_that_could_not_be_stopped() {
    let open = || waits(turn(), 3).ended("s.1", 1, Outcome::Stopped).turn_ended("s.1", 1).stopping("s.1", 7);
    let late = |end| waited(stopped(open(), Some(end), false), 3);
    assert_eq!(wrong(&late(End::Stuck)), [""; 0]);
    finds(&late(End::Clean), "wait_ended, and agent s.1 is over");
    let beside = up().effect("s.1", None, 5, 1).stopping("s.1", 7);
    let beside = stopped(beside, Some(End::Clean), false).effect_ended("s.1", 5, 1, 1);
    assert_eq!(wrong(&beside), [""; 0], "it answered a question in another's turn");
    let over = |end| waited(session_over(stopped(open(), Some(end), false)), 3);
    assert_eq!(wrong(&over(End::Stuck)), [""; 0]);
    finds(&session_over(up()).stopping("s.1", 7), "agent_stopping, and session itself is over");
}

#[test]
fn an_incarnation_comes_up_once() {
    assert_eq!(wrong(&up().started("s.1", 1)).len(), 2, "neither it nor its agent comes up twice");
    let exits = up().exited("s.1", 1).exited("s.1", 1);
    finds(&exits, "agent_exited, and incarnation 1 of s.1 is over");
    let twice = up().exited("s.1", 1).started("s.1", 1);
    finds(&twice, "agent_started, and incarnation 1 of s.1 is over");
    assert_eq!(wrong(&up().exited("s.1", 1).start_failed("s.1", 2).started("s.1", 3)), [""; 0]);
    // A place that is spawned again and goes down before it comes up is told of the life before.
    let again = || stopped(up().exited("s.1", 1), None, true).spawned("s.1");
    assert_eq!(wrong(&again().exited("s.1", 1)), [""; 0]);
    finds(&again().started("s.1", 1), "agent_started, and incarnation 1 of s.1 is spawned again");
}

#[test]
fn nothing_comes_after_a_turns_end_but_another_attempt() {
    let ended = || turn().ended("s.1", 1, Outcome::Done).turn_ended("s.1", 1);
    finds(&ended().turn_ended("s.1", 1), "turn_ended, and turn s.1 at s.1#1 is over");
    finds(&waits(ended(), 3), "wait_began, and turn s.1 at s.1#1 is over");
    finds(&ended().effect("s.1", Some(1), 5, 1), "effect_began, and turn s.1 at s.1#1 is over");
    finds(&up().accepted("s.1", 1).turn_ended("s.1", 1), "turn_ended, and turn s.1 at s.1#1 is not there");
    finds(&turn().exited("s.1", 1), "agent_exited, and turn s.1 at s.1#1 is open");
    finds(&stopped(turn(), Some(End::Aborted), false), "agent_stopped, and turn s.1 at s.1#1 is open");
    // Also where its thread blocks: whoever gives it up ends its turn.
    finds(&stopped(turn(), Some(End::Stuck), false), "agent_stopped, stuck, and turn s.1 at s.1#1 is open");
}

#[test]
fn a_task_an_effect_and_a_wait_end_once() {
    let task = turn().ended("s.1", 1, Outcome::Done);
    finds(&task.clone().ended("s.1", 1, Outcome::Expired), "task_ended, and task s.1#1 is over");
    finds(&task.redelivered("s.1", 1), "task_redelivered, and task s.1#1 is over");
    finds(&turn().accepted("s.1", 1), "task_accepted, and task s.1#1 is running");
    let effect = up().effect("s.1", None, 5, 1).effect_ended("s.1", 5, 1, 1);
    finds(&effect.effect_ended("s.1", 5, 1, 1), "effect_ended, of no task, and effect 5 of s.1 is over");
    finds(&up().effect_ended("s.1", 5, 1, 1), "effect_ended, of no task, and effect 5 of s.1 is not there");
    finds(&waited(waited(waits(turn(), 3), 3), 3), "wait_ended, and wait 3 of s.1 is over");
    let held = up().holds("s.1", 4).releases("s.1", 4);
    finds(&held.releases("s.1", 4), "holding_released, and holding 4 of s.1 is released");
}

#[test]
fn a_stop_puts_its_fence_up_before_it_begins_and_ends_once() {
    let began = || up().stopping("s.1", 7).stop_began("s.1", 7, 1);
    finds(&began().stop_began("s.1", 7, 1), "stop_began, and stop 7 is on");
    finds(&up().stop_ended("s.1", 7, 1), "stop_ended, and stop 7 is not there");
    let twice = began().stop_ended("s.1", 7, 1).stop_ended("s.1", 7, 1);
    finds(&twice, "stop_ended, and stop 7 is over");
    let late = began().with_agents(&["s.2"]).stopping("s.2", 7);
    finds(&late, "agent_stopping, and stop 7 is on");
}

/// A place that nothing leads to, or that has no name in a row, would be a row that never holds.
#[test]
fn every_place_in_the_table_can_be_reached() {
    let machines = [
        &table::SESSION,
        &table::AGENT,
        &table::LIFE,
        &table::TURN,
        &table::TASK,
        &table::EFFECT,
        &table::STOP,
    ];
    for machine in machines {
        let reached: BTreeSet<_> = machine.rows.iter().map(|(.., then)| *then).chain([table::NEW]).collect();
        let asked: BTreeSet<_> = machine.rows.iter().flat_map(|(at, ..)| at.iter().copied()).collect();
        let never: Vec<_> = asked.difference(&reached).collect();
        assert!(never.is_empty(), "{}: {never:?}", machine.kind);
    }
}
