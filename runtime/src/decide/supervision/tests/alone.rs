//! One child at a time: S2, S5 and what comes late.

use super::*;
use crate::decide::supervision::ChildState;
use crate::words::child::{BadChild, Decision};
use crate::words::policy::Backoff;

#[test]
fn a_permanent_child_is_restarted_after_each_end() {
    for exit in [Exit::Normal, Exit::Shutdown, crash()] {
        let mut desk = Desk::new(Strategy::OneForOne, 1).running(&permanent(2));
        assert_eq!(deeds(desk.exited(1, exit.clone())), [start(1, Some(exit))]);
    }
}

#[test]
fn a_transient_child_is_restarted_after_a_failure_only() {
    let mut desk = Desk::new(Strategy::OneForOne, 1).running(&[child(Restart::Transient)]);
    assert_eq!(deeds(desk.exited(1, crash())), [start(1, Some(crash()))]);
    desk.started(1, Started::Ok);
    assert_eq!(desk.exited(1, Exit::Normal), [Action::Ended { key: 1, exit: Exit::Normal }]);
    assert_eq!(desk.core.state(1), Some(ChildState::Nothing));
}

#[test]
fn a_temporary_child_is_never_restarted_and_its_spec_goes() {
    let mut desk = Desk::new(Strategy::OneForOne, 1).running(&[child(Restart::Temporary)]);
    assert_eq!(deeds(desk.exited(1, crash())), [Action::Forget { key: 1, exit: crash() }]);
    assert_eq!(desk.core.state(1), None);
}

#[test]
fn a_dynamic_child_is_gone_when_it_ends_without_a_restart() {
    let mut desk = Desk::new(Strategy::OneForAll, 1).running(&[dynamic(Restart::Transient)]);
    assert_eq!(desk.exited(1, Exit::Normal), [Action::Forget { key: 1, exit: Exit::Normal }]);
    assert!(desk.core.is_empty());
}

#[test]
fn a_dynamic_child_is_restarted_alone_under_any_strategy() {
    for strategy in [Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne] {
        let children = [child(Restart::Permanent), dynamic(Restart::Permanent), child(Restart::Permanent)];
        let mut desk = Desk::new(strategy, 1).running(&children);
        assert_eq!(deeds(desk.exited(2, crash())), [start(2, Some(crash()))]);
    }
}

#[test]
fn a_dynamic_child_waits_for_no_round_of_the_others() {
    let children = [child(Restart::Permanent), child(Restart::Permanent), dynamic(Restart::Permanent)];
    let mut desk = Desk::new(Strategy::OneForAll, 9).running(&children);
    assert_eq!(deeds(desk.exited(1, crash())), [stop(2)]);
    assert_eq!(deeds(desk.exited(3, crash())), [start(3, Some(crash()))]);
}

#[test]
fn a_slow_start_delays_nobody_else() {
    let mut desk = Desk::new(Strategy::OneForOne, 9).running(&permanent(2));
    desk.exited(1, crash());
    assert_eq!(deeds(desk.exited(2, crash())), [start(2, Some(crash()))]);
    assert_eq!(desk.core.state(1), Some(ChildState::Starting));
}

#[test]
fn a_failed_restart_is_tried_again_by_an_event_of_its_own() {
    let mut desk = Desk::new(Strategy::OneForOne, 9).running(&permanent(1));
    desk.exited(1, crash());
    assert_eq!(deeds(desk.fails_to_start(1)), [wait(1)]);
    assert_eq!(desk.core.state(1), Some(ChildState::Restarting));
    assert_eq!(deeds(desk.due(1)), [start(1, Some(refused()))]);
}

#[test]
fn an_ignored_restart_is_no_failure() {
    let mut desk =
        Desk::new(Strategy::OneForOne, 1).running(&[child(Restart::Permanent), dynamic(Restart::Permanent)]);
    desk.exited(1, crash());
    assert_eq!(desk.started(1, Started::Ignored), [Action::Ended { key: 1, exit: Exit::Normal }]);
    assert_eq!(desk.core.state(1), Some(ChildState::Nothing));
    desk.pass(60);
    desk.exited(2, crash());
    assert_eq!(desk.started(2, Started::Ignored), [Action::Forget { key: 2, exit: Exit::Normal }]);
}

#[test]
fn a_spawn_whose_start_fails_leaves_no_spec() {
    let mut desk = Desk::new(Strategy::OneForOne, 1);
    desk.core.insert(1, child(Restart::Permanent)).unwrap();
    assert_eq!(desk.fails_to_start(1), [Action::Forget { key: 1, exit: refused() }]);
    assert_eq!(desk.core.counts(), Default::default());
}

#[test]
fn a_spawn_that_ignores_keeps_its_spec_unless_temporary_or_dynamic() {
    let mut desk = Desk::new(Strategy::OneForOne, 1);
    for (key, policy) in [child(Restart::Permanent), child(Restart::Temporary), dynamic(Restart::Permanent)]
        .into_iter()
        .enumerate()
    {
        desk.core.insert(key as ChildKey, policy).unwrap();
        desk.started(key as ChildKey, Started::Ignored);
    }
    assert_eq!(desk.core.keys(), [0]);
}

#[test]
fn an_answer_for_a_child_that_is_no_longer_to_run_stops_it() {
    let mut desk = Desk::new(Strategy::OneForOne, 1).running(&permanent(1));
    desk.exited(1, crash());
    assert_eq!(deeds(desk.terminate(1, 7)), [stop(1)]);
    assert_eq!(desk.started(1, Started::Ok), [], "the stop takes it along");
    desk.stopped(1);
    assert_eq!(desk.started(1, Started::Ok), [stop(1)], "a late one is stopped by itself");
    assert_eq!(desk.stopped(1), []);
    desk.delete(1, 8);
    assert_eq!(desk.started(1, Started::Ok), [stop(1)], "also one that is forgotten");
}

#[test]
fn events_about_unknown_children_are_dropped() {
    let mut desk = Desk::new(Strategy::OneForAll, 1).running(&permanent(1));
    assert_eq!(desk.exited(9, crash()), []);
    assert_eq!(desk.stopped(9), []);
    assert_eq!(desk.due(9), []);
    assert_eq!(desk.fails_to_start(9), []);
}

#[test]
fn pauses_double_up_to_the_longest_and_begin_anew_after_a_quiet_time() {
    let backoff = Backoff {
        min: Duration::from_secs(1),
        max: Duration::from_secs(3),
        jitter_permille: 500,
        reset_after: Duration::from_secs(60),
    };
    let policy = ChildPolicy { backoff: Some(backoff), ..child(Restart::Permanent) };
    let mut desk = Desk::new(Strategy::OneForOne, 99).running(&[policy]);
    let paused = |actions| match deeds(actions).as_slice() {
        [Action::Wait { key: 1, pause }] => pause.as_millis(),
        other => panic!("{other:?}"),
    };
    assert_eq!(paused(desk.exited(1, crash())), 1000);
    desk.due(1);
    assert_eq!(paused(desk.fails_to_start(1)), 2000, "a failed start counts as well");
    desk.due(1);
    desk.noise = u32::MAX;
    assert_eq!(paused(desk.fails_to_start(1)), 4500, "the longest, and all of the jitter");
    desk.due(1);
    desk.noise = 0;
    desk.started(1, Started::Ok);
    desk.pass(59);
    assert_eq!(paused(desk.exited(1, crash())), 3000);
    desk.due(1);
    desk.started(1, Started::Ok);
    desk.pass(60);
    assert_eq!(paused(desk.exited(1, crash())), 1000);
    desk.pass(99);
    desk.due(1);
    assert_eq!(paused(desk.fails_to_start(1)), 2000, "time that was not a life is no quiet time");
}

#[test]
fn a_class_of_failure_overrides_when_a_child_is_restarted() {
    let on_failure = vec![
        (FailureClass::Overloaded, Decision::Restart),
        (FailureClass::Poisoned, Decision::Stop),
        (FailureClass::OverBudget, Decision::Escalate),
    ];
    let ends = |restart, class| {
        let policy = ChildPolicy { on_failure: on_failure.clone(), ..child(restart) };
        let mut desk = Desk::new(Strategy::OneForOne, 1).running(&[policy]);
        deeds(desk.exited(1, Exit::failed(class, "x")))
    };
    let over = Exit::failed(FailureClass::Overloaded, "x");
    assert_eq!(ends(Restart::Temporary, FailureClass::Overloaded), [start(1, Some(over))]);
    let poisoned = Exit::failed(FailureClass::Poisoned, "x");
    let stays = [Action::Ended { key: 1, exit: poisoned }];
    assert_eq!(ends(Restart::Permanent, FailureClass::Poisoned), stays);
    let last = ends(Restart::Permanent, FailureClass::OverBudget).pop();
    assert!(matches!(last, Some(Action::GiveUp { exit: Exit::Escalated { .. } })), "{last:?}");
    let forgotten = [Action::Forget { key: 1, exit: Exit::failed(FailureClass::Bug, "x") }];
    assert_eq!(ends(Restart::Temporary, FailureClass::Bug), forgotten);
}

#[test]
fn a_bad_child_is_refused_by_field_and_changes_nothing() {
    let mut desk = Desk::with(policy(Strategy::OneForOne, 1, AutoShutdown::AnySignificant));
    let significant = |restart| ChildPolicy { significant: true, ..child(restart) };
    assert_eq!(desk.core.insert(1, significant(Restart::Permanent)), Err(BadChild::SignificantPermanent));
    let instance = ChildPolicy { dynamic: true, ..significant(Restart::Transient) };
    assert_eq!(desk.core.insert(1, instance), Err(BadChild::SignificantDynamic));
    assert_eq!(desk.core.declare(1, dynamic(Restart::Permanent)), Err(BadChild::DynamicDeclared));
    let backoff = Backoff { min: Duration::from_secs(9), max: Duration::from_secs(8), ..Backoff::default() };
    let paused = ChildPolicy { backoff: Some(backoff), ..ChildPolicy::default() };
    assert_eq!(desk.core.insert(1, paused), Err(BadChild::Backoff));
    let twice = vec![(FailureClass::Bug, Decision::Stop), (FailureClass::Bug, Decision::Restart)];
    let unclear = ChildPolicy { on_failure: twice, ..ChildPolicy::default() };
    assert_eq!(desk.core.insert(1, unclear), Err(BadChild::OnFailure(FailureClass::Bug)));
    assert!(desk.core.is_empty());
    desk.core.insert(1, significant(Restart::Transient)).unwrap();
    assert_eq!(desk.core.insert(1, child(Restart::Permanent)), Err(BadChild::Taken(1)));
    let mut never = Desk::new(Strategy::OneForOne, 1);
    assert_eq!(never.core.insert(1, significant(Restart::Transient)), Err(BadChild::SignificantNever));
}
