//! S1, S3 and S5 where several children are concerned.

use super::*;
use crate::decide::supervision::ChildState;
use crate::words::child::Decision;

#[test]
fn children_start_in_order_each_after_the_one_before() {
    let mut desk = Desk::new(Strategy::OneForOne, 1).declared(&permanent(3));
    assert_eq!(desk.hear(Event::StartAll), [start(1, None)]);
    assert_eq!(deeds(desk.started(1, Started::Ok)), [start(2, None)]);
    assert_eq!(
        deeds(desk.started(2, Started::Ignored)),
        [Action::Ended { key: 2, exit: Exit::Normal }, start(3, None)]
    );
    assert_eq!(deeds(desk.started(3, Started::Ok)), [Action::StartedAll]);
}

#[test]
fn a_supervisor_without_children_has_started_at_once() {
    assert_eq!(Desk::new(Strategy::OneForAll, 1).hear(Event::StartAll), [Action::StartedAll]);
}

#[test]
fn the_first_failed_start_stops_those_before_in_reverse_order() {
    let mut desk = Desk::new(Strategy::OneForOne, 9).declared(&permanent(4));
    desk.hear(Event::StartAll);
    desk.started(1, Started::Ok);
    desk.started(2, Started::Ok);
    assert_eq!(deeds(desk.fails_to_start(3)), [stop(2)]);
    assert_eq!(desk.stopped(2), [stop(1)]);
    assert_eq!(desk.stopped(1), [Action::StartFailed { key: 3, reason: "no".to_owned() }]);
    assert_eq!(desk.core.keys(), [1, 2, 3, 4], "the specs stay for the next life");
}

#[test]
fn an_exit_while_all_are_started_is_dealt_with_afterwards() {
    let mut desk = Desk::new(Strategy::OneForOne, 9).declared(&permanent(2));
    desk.hear(Event::StartAll);
    desk.started(1, Started::Ok);
    assert_eq!(desk.exited(1, crash()), []);
    assert_eq!(deeds(desk.started(2, Started::Ok)), [Action::StartedAll, start(1, Some(crash()))]);
}

#[test]
fn one_for_all_stops_all_others_in_reverse_order_and_starts_all_in_order() {
    let mut desk = Desk::new(Strategy::OneForAll, 1).running(&permanent(3));
    assert_eq!(deeds(desk.exited(2, crash())), [stop(3)]);
    assert_eq!(desk.stopped(3), [stop(1)]);
    assert_eq!(desk.stopped(1), [start(1, None)]);
    assert_eq!(deeds(desk.started(1, Started::Ok)), [start(2, Some(crash()))]);
    assert_eq!(deeds(desk.started(2, Started::Ok)), [start(3, None)]);
    assert_eq!(deeds(desk.started(3, Started::Ok)), []);
}

#[test]
fn rest_for_one_concerns_those_later_in_the_list() {
    let mut desk = Desk::new(Strategy::RestForOne, 1).running(&permanent(3));
    assert_eq!(deeds(desk.exited(2, crash())), [stop(3)]);
    assert_eq!(desk.stopped(3), [start(2, Some(crash()))]);
    assert_eq!(deeds(desk.started(2, Started::Ok)), [start(3, None)]);
}

#[test]
fn a_temporary_sibling_stopped_on_the_way_is_deleted() {
    let children = [child(Restart::Permanent), child(Restart::Temporary)];
    let mut desk = Desk::new(Strategy::OneForAll, 1).running(&children);
    desk.exited(1, crash());
    let expected = [Action::Forget { key: 2, exit: Exit::Shutdown }, start(1, Some(crash()))];
    assert_eq!(desk.stopped(2), expected);
    assert_eq!(deeds(desk.started(1, Started::Ok)), []);
}

#[test]
fn siblings_that_had_nothing_running_are_started_too() {
    let children = [child(Restart::Transient), child(Restart::Permanent)];
    let mut desk = Desk::new(Strategy::OneForAll, 1).running(&children);
    desk.exited(1, Exit::Normal);
    assert_eq!(deeds(desk.exited(2, crash())), [start(1, None)]);
}

#[test]
fn one_for_alls_next_attempt_does_all_again() {
    let mut desk = Desk::new(Strategy::OneForAll, 9).running(&permanent(3));
    desk.exited(1, crash());
    desk.stopped(3);
    desk.stopped(2);
    desk.started(1, Started::Ok);
    assert_eq!(deeds(desk.fails_to_start(2)), [wait(2)]);
    assert_eq!(deeds(desk.due(2)), [stop(1)]);
    assert_eq!(desk.stopped(1), [start(1, None)]);
    assert_eq!(deeds(desk.started(1, Started::Ok)), [start(2, Some(refused()))]);
}

#[test]
fn rest_for_ones_next_attempt_keeps_those_before_the_failing_one() {
    let mut desk = Desk::new(Strategy::RestForOne, 9).running(&permanent(3));
    desk.exited(1, crash());
    desk.stopped(3);
    desk.stopped(2);
    desk.started(1, Started::Ok);
    desk.fails_to_start(2);
    assert_eq!(deeds(desk.due(2)), [start(2, Some(refused()))]);
    assert_eq!(desk.core.state(1), Some(ChildState::Running));
}

#[test]
fn an_exit_of_a_sibling_that_is_being_stopped_is_consumed() {
    let mut desk = Desk::new(Strategy::OneForAll, 1).running(&permanent(2));
    desk.exited(1, crash());
    assert_eq!(deeds(desk.exited(2, crash())), []);
    assert_eq!(desk.stopped(2), [start(1, Some(crash()))]);
    desk.started(1, Started::Ok);
    assert_eq!(deeds(desk.started(2, Started::Ok)), [], "one restart, of which intensity 1 bears one");
}

#[test]
fn an_exit_of_a_sibling_that_is_still_to_be_stopped_is_consumed() {
    let mut desk = Desk::new(Strategy::OneForAll, 1).running(&permanent(3));
    desk.exited(2, crash());
    assert_eq!(desk.exited(1, crash()), []);
    assert_eq!(deeds(desk.stopped(3)), [start(1, None)]);
}

#[test]
fn an_exit_of_a_sibling_that_has_been_started_again_is_the_next_restart() {
    let mut desk = Desk::new(Strategy::RestForOne, 2).running(&permanent(2));
    desk.exited(1, crash());
    desk.stopped(2);
    desk.started(1, Started::Ok);
    assert_eq!(desk.exited(1, crash()), [], "it waits for the round");
    assert_eq!(deeds(desk.started(2, Started::Ok)), [stop(2)]);
}

#[test]
fn exits_that_waited_are_served_in_their_order_and_a_consumed_one_not_at_all() {
    let mut desk = Desk::new(Strategy::OneForAll, 9).running(&permanent(3));
    desk.exited(2, crash());
    desk.exited(1, crash());
    desk.stopped(3);
    desk.started(1, Started::Ok);
    desk.started(2, Started::Ok);
    desk.exited(2, Exit::Normal);
    desk.exited(1, crash());
    assert_eq!(deeds(desk.started(3, Started::Ok)), [stop(3)]);
    assert_eq!(deeds(desk.stopped(3)), [start(1, None)], "child 1 is taken along");
    assert_eq!(deeds(desk.started(1, Started::Ok)), [start(2, Some(Exit::Normal))]);
}

#[test]
fn a_round_waits_until_a_late_life_of_a_sibling_has_been_stopped() {
    let mut desk = Desk::new(Strategy::OneForAll, 9).running(&permanent(2));
    desk.terminate(2, 1);
    desk.stopped(2);
    desk.exited(1, crash());
    assert_eq!(desk.started(2, Started::Ok), [stop(2)], "late, while 1 is being started");
    assert_eq!(deeds(desk.started(1, Started::Ok)), []);
    assert_eq!(desk.stopped(2), [start(2, None)]);
}

#[test]
fn a_round_waits_for_a_spawn_that_is_still_starting() {
    let mut desk = Desk::new(Strategy::OneForAll, 1).running(&permanent(1));
    desk.core.insert(2, child(Restart::Permanent)).unwrap();
    assert_eq!(desk.exited(1, crash()), []);
    assert_eq!(deeds(desk.started(2, Started::Ok)), [stop(2)]);
}

#[test]
fn dynamic_children_are_not_in_a_rounds_scope() {
    let children = [child(Restart::Permanent), dynamic(Restart::Permanent)];
    let mut desk = Desk::new(Strategy::OneForAll, 1).running(&children);
    assert_eq!(deeds(desk.exited(1, crash())), [start(1, Some(crash()))]);
    assert_eq!(desk.core.state(2), Some(ChildState::Running));
}

#[test]
fn siblings_are_let_go_when_the_attempt_that_would_start_them_is_terminated() {
    let mut desk = Desk::new(Strategy::RestForOne, 9).running(&permanent(3));
    desk.exited(1, crash());
    desk.stopped(3);
    desk.stopped(2);
    desk.fails_to_start(1);
    let ended = |key| Action::Ended { key, exit: Exit::Shutdown };
    let actions = desk.terminate(1, 5);
    assert_eq!(actions[..2], [Action::CancelWait { key: 1 }, ended(1)]);
    assert_eq!(actions[3..], [ended(2), ended(3)]);
}

#[test]
fn siblings_stay_down_when_a_child_is_terminated_within_an_attempt_too() {
    let ended = |key| Action::Ended { key, exit: Exit::Shutdown };
    for strategy in [Strategy::RestForOne, Strategy::OneForAll] {
        let mut desk = Desk::new(strategy, 9).running(&permanent(4));
        desk.exited(2, crash());
        for key in [4, 3, 1] {
            desk.stopped(key);
        }
        // One for all starts the first anew, and it goes on.
        desk.started(1, Started::Ok);
        assert_eq!(desk.core.state(2), Some(ChildState::Starting));
        assert_eq!(deeds(desk.terminate(2, 5)), [stop(2)]);
        assert_eq!(desk.restart(3, 6), [], "it waits for the attempt");
        let actions = desk.stopped(2);
        assert_eq!(actions[0], ended(2));
        assert!(!actions.contains(&start(3, None)) && !actions.contains(&start(4, None)), "{actions:?}");
        assert!(actions.contains(&Action::Start { key: 3, after: None, automatic: false }), "{actions:?}");
        assert_eq!(actions.last(), Some(&ended(4)));
        assert_eq!(desk.core.state(1), Some(ChildState::Running));
        assert_eq!(deeds(desk.started(2, Started::Ok)), [stop(2)], "what comes late is stopped");
    }
}

#[test]
fn an_end_that_waits_for_a_terminated_attempt_is_dealt_with_after_it() {
    let mut desk = Desk::new(Strategy::OneForAll, 9).running(&permanent(3));
    desk.exited(2, crash());
    desk.stopped(3);
    desk.stopped(1);
    desk.started(1, Started::Ok);
    desk.exited(1, crash());
    desk.terminate(2, 5);
    let actions = deeds(desk.stopped(2));
    assert!(actions.contains(&start(1, Some(crash()))), "its own attempt has all in scope: {actions:?}");
    assert_eq!(deeds(desk.started(1, Started::Ok)), [start(2, None)]);
}

#[test]
fn a_supervisors_own_start_goes_on_when_one_of_its_children_is_terminated() {
    let mut desk = Desk::new(Strategy::RestForOne, 9).declared(&permanent(2));
    desk.hear(Event::StartAll);
    desk.terminate(1, 5);
    assert_eq!(desk.stopped(1).last(), Some(&start(2, None)));
    assert_eq!(deeds(desk.started(2, Started::Ok)), [Action::StartedAll]);
}

#[test]
fn siblings_of_a_child_that_is_given_up_alone_are_started_again() {
    let own = Intensity { restarts: 1, period: Duration::from_secs(5) };
    let limited = ChildPolicy { limit: Some(own), ..child(Restart::Permanent) };
    let children = [child(Restart::Permanent), limited, child(Restart::Permanent), child(Restart::Transient)];
    let mut desk = Desk::new(Strategy::OneForAll, 0).running(&children);
    desk.exited(4, Exit::Normal);
    desk.exited(2, crash());
    desk.stopped(3);
    desk.stopped(1);
    desk.started(1, Started::Ok);
    assert_eq!(deeds(desk.fails_to_start(2)), [wait(2)]);
    let actions = deeds(desk.due(2));
    assert!(matches!(actions[0], Action::Ended { key: 2, exit: Exit::Escalated { .. } }), "{actions:?}");
    assert_eq!(actions[1..], [start(3, None)], "not the one that had ended by itself, nor the one given up");
    assert_eq!(deeds(desk.fails_to_start(3)), [wait(3)], "a failed start is tried again as any other");
    assert_eq!(deeds(desk.due(3)).len(), 2, "under the supervisor's own limit, which is none here");
}

#[test]
fn the_child_that_began_a_round_is_let_go_with_its_siblings() {
    let mut desk = Desk::new(Strategy::OneForAll, 9).running(&permanent(2));
    desk.exited(2, crash());
    desk.stopped(1);
    desk.fails_to_start(1);
    assert_eq!(desk.terminate(1, 5).last(), Some(&Action::Ended { key: 2, exit: Exit::Shutdown }));
}

#[test]
fn siblings_are_let_go_only_when_no_attempt_is_left() {
    let mut desk = Desk::new(Strategy::RestForOne, 9).running(&permanent(4));
    desk.exited(1, crash());
    for key in [4, 3, 2] {
        desk.stopped(key);
    }
    desk.fails_to_start(1);
    desk.restart(3, 1);
    desk.started(3, Started::Ok);
    desk.exited(3, crash());
    desk.fails_to_start(3);
    let ended = |key| Action::Ended { key, exit: Exit::Shutdown };
    assert!(!desk.terminate(1, 2).contains(&ended(4)), "child 3 would start child 4");
    let actions = desk.terminate(3, 3);
    assert!(actions.ends_with(&[ended(2), ended(4)]), "{actions:?}");
}

#[test]
fn all_stop_in_reverse_order_and_dynamic_ones_together() {
    let children = [
        child(Restart::Permanent),
        dynamic(Restart::Permanent),
        child(Restart::Permanent),
        dynamic(Restart::Permanent),
    ];
    let desk = Desk::new(Strategy::OneForOne, 1).running(&children);
    let order = desk.core.stop_order();
    assert_eq!((order.together, order.one_by_one), (vec![2, 4], vec![3, 1]));
}

#[test]
fn after_a_reset_specs_start_again_in_order_and_dynamic_ones_are_gone() {
    let children = [child(Restart::Permanent), dynamic(Restart::Permanent), child(Restart::Transient)];
    let mut desk = Desk::new(Strategy::OneForAll, 1).running(&children);
    desk.exited(1, crash());
    desk.terminate(3, 9);
    assert_eq!(desk.core.reset(), [9]);
    assert_eq!(desk.core.keys(), [1, 3]);
    assert_eq!(desk.hear(Event::StartAll), [start(1, None)]);
    assert_eq!(deeds(desk.started(1, Started::Ok)), [start(3, None)]);
    desk.started(3, Started::Ok);
    assert_eq!(deeds(desk.exited(1, crash())), [stop(3)], "the window is empty");
}

#[test]
fn a_temporary_child_that_its_class_restarts_is_not_deleted_by_its_own_round() {
    let on_failure = vec![(FailureClass::Bug, Decision::Restart)];
    let again = ChildPolicy { on_failure, ..child(Restart::Temporary) };
    let mut desk = Desk::new(Strategy::OneForAll, 9).running(&[child(Restart::Permanent), again]);
    assert_eq!(deeds(desk.exited(2, crash())), [stop(1)]);
    assert_eq!(deeds(desk.stopped(1)), [start(1, None)]);
    assert_eq!(deeds(desk.started(1, Started::Ok)), [start(2, Some(crash()))]);
}
