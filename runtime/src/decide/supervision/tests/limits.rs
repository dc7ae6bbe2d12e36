//! S4 and S9: when a supervisor ends by itself.

use super::*;
use crate::decide::supervision::ChildState;
use crate::words::child::{BadChild, Decision};
use crate::words::defaults;
use crate::words::policy::Backoff;

fn gives_up(actions: &[Action]) -> bool {
    matches!(actions.last(), Some(Action::GiveUp { exit: Exit::Escalated { .. } }))
}

#[test]
fn with_intensity_0_the_first_failure_is_fatal() {
    let mut desk = Desk::new(Strategy::OneForOne, 0).running(&permanent(2));
    assert!(gives_up(&desk.exited(1, Exit::Normal)));
    assert_eq!(desk.core.stop_order().one_by_one, [2]);
}

#[test]
fn a_restart_as_old_as_the_period_still_counts_and_an_older_one_does_not() {
    let mut desk = Desk::new(Strategy::OneForOne, 1).running(&permanent(2));
    desk.exited(1, crash());
    desk.pass(5);
    assert!(gives_up(&desk.exited(2, crash())));

    let mut desk = Desk::new(Strategy::OneForOne, 1).running(&permanent(2));
    desk.exited(1, crash());
    desk.now = desk.now + Duration::from_nanos(5_000_000_001);
    assert!(!gives_up(&desk.exited(2, crash())));
}

#[test]
fn each_failed_attempt_counts_one_more() {
    let mut desk = Desk::new(Strategy::OneForOne, 2).running(&permanent(1));
    desk.exited(1, crash());
    desk.fails_to_start(1);
    assert!(!gives_up(&desk.due(1)));
    desk.fails_to_start(1);
    assert!(gives_up(&desk.due(1)));
}

#[test]
fn a_restart_of_many_siblings_counts_one() {
    let mut desk = Desk::new(Strategy::OneForAll, 1).running(&permanent(3));
    desk.exited(2, crash());
    for key in [3, 1] {
        desk.stopped(key);
    }
    for key in 1..=3 {
        desk.started(key, Started::Ok);
    }
    assert!(gives_up(&desk.exited(1, crash())));
}

#[test]
fn a_start_through_the_interface_does_not_count() {
    let mut desk = Desk::new(Strategy::OneForOne, 1).running(&permanent(1));
    for ticket in 0..9 {
        desk.terminate(1, ticket);
        desk.stopped(1);
        desk.restart(1, ticket);
        desk.started(1, Started::Ok);
    }
    assert!(!gives_up(&desk.exited(1, crash())));
}

#[test]
fn crashes_of_one_task_count_once() {
    let mut desk = Desk::new(Strategy::OneForOne, 1).running(&permanent(1));
    for counted in [true, false, false] {
        let actions = desk.hear(Event::Exited { key: 1, exit: crash(), counted });
        assert_eq!(deeds(actions), [start(1, Some(crash()))]);
        desk.started(1, Started::Ok);
    }
    assert!(gives_up(&desk.exited(1, crash())));
}

#[test]
fn a_childs_restarts_that_do_not_count_are_bounded_by_failed_starts_in_a_row() {
    let at_once = Backoff { min: Duration::ZERO, max: Duration::ZERO, ..Backoff::default() };
    for backoff in [None, Some(at_once)] {
        let policy = ChildPolicy { counted: false, backoff, ..dynamic(Restart::Transient) };
        let mut desk = Desk::new(Strategy::OneForOne, 0).running(&[policy, child(Restart::Permanent)]);
        for _ in 0..9 {
            desk.exited(1, crash());
            desk.due(1);
            desk.fails_to_start(1);
            desk.due(1);
            desk.started(1, Started::Ok);
        }
        desk.exited(1, crash());
        desk.due(1);
        for _ in 1..defaults::ATTEMPTS {
            assert_eq!(deeds(desk.fails_to_start(1)), [wait(1)]);
            desk.due(1);
        }
        assert_eq!(deeds(desk.fails_to_start(1)), [Action::Forget { key: 1, exit: refused() }]);
        assert_eq!(desk.core.state(2), Some(ChildState::Running), "given up alone");
    }
}

#[test]
fn a_tasks_child_counts_for_what_uses_no_attempt_of_its_task_up() {
    let killed = || Exit::failed(FailureClass::Killed, "killed");
    for (exit, counts) in [(killed(), true), (crash(), false)] {
        let policy = ChildPolicy { counted: false, ..dynamic(Restart::Transient) };
        let mut desk = Desk::new(Strategy::OneForOne, 1).running(&[policy, child(Restart::Permanent)]);
        assert_eq!(deeds(desk.exited(1, exit.clone())), [start(1, Some(exit.clone()))]);
        desk.started(1, Started::Ok);
        let is_given_up = |action: &Action| matches!(action, Action::Forget { key: 1, .. });
        assert_eq!(deeds(desk.exited(1, exit)).iter().any(is_given_up), counts);
        assert_eq!(desk.core.state(2), Some(ChildState::Running), "given up alone");
    }
}

#[test]
fn what_has_waited_for_its_pause_has_nothing_to_be_cancelled_when_the_supervisor_gives_up() {
    let slow = ChildPolicy { backoff: Some(Backoff::default()), ..child(Restart::Permanent) };
    let fatal = vec![(FailureClass::Start, Decision::Escalate)];
    let fatal = ChildPolicy { on_failure: fatal, ..child(Restart::Permanent) };
    let mut desk = Desk::new(Strategy::RestForOne, 9).running(&[slow, fatal, child(Restart::Permanent)]);
    let waits = deeds(desk.exited(1, crash()));
    assert!(matches!(waits.as_slice(), [Action::Wait { key: 1, .. }]), "{waits:?}");
    assert_eq!(deeds(desk.exited(2, crash())), [stop(3)]);
    assert_eq!(desk.due(1), [], "it is behind the round");
    assert_eq!(deeds(desk.stopped(3)), [start(2, Some(crash()))]);
    let last = deeds(desk.fails_to_start(2));
    let cancels = last.iter().any(|action| matches!(action, Action::CancelWait { .. }));
    assert!(gives_up(&last) && !cancels, "{last:?}");
}

#[test]
fn where_each_child_counts_alone_the_others_stay() {
    let each = Policy { each_child_alone: true, ..policy(Strategy::OneForOne, 1, AutoShutdown::Never) };
    let mut desk = Desk::with(each).running(&[child(Restart::Permanent), child(Restart::Permanent)]);
    for key in [1, 2] {
        assert_eq!(deeds(desk.exited(key, crash())), [start(key, Some(crash()))], "a window each");
        desk.started(key, Started::Ok);
    }
    let actions = deeds(desk.exited(1, crash()));
    assert!(
        matches!(actions.as_slice(), [Action::Ended { key: 1, exit: Exit::Escalated { .. } }]),
        "{actions:?}"
    );
    assert_eq!(desk.core.state(2), Some(ChildState::Running));
}

#[test]
fn a_child_with_a_limit_of_its_own_counts_alone_and_is_given_up_alone() {
    for strategy in [Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne] {
        let own = Intensity { restarts: 2, period: Duration::from_secs(5) };
        let limited = ChildPolicy { limit: Some(own), ..child(Restart::Permanent) };
        let mut desk = Desk::new(strategy, 0).running(&[child(Restart::Permanent), limited]);
        for _ in 0..2 {
            assert!(!gives_up(&desk.exited(2, crash())), "none of the supervisor's own window is used");
            desk.stopped(1);
            desk.started(1, Started::Ok);
            desk.started(2, Started::Ok);
            assert_eq!(desk.core.counts().active, 2);
        }
        let actions = deeds(desk.exited(2, crash()));
        assert!(
            matches!(actions.as_slice(), [Action::Ended { key: 2, exit: Exit::Escalated { .. } }]),
            "{actions:?}"
        );
        assert_eq!(desk.core.state(1), Some(ChildState::Running));
        assert!(gives_up(&desk.exited(1, crash())), "the supervisor bears none");
    }
    let zero = Intensity { restarts: 2, period: Duration::ZERO };
    let bad = ChildPolicy { limit: Some(zero), ..child(Restart::Permanent) };
    assert_eq!(bad.check(AutoShutdown::Never), Err(BadChild::Limit));
}

#[test]
fn after_giving_up_nothing_is_decided_until_the_reset() {
    let mut desk = Desk::new(Strategy::OneForOne, 0).running(&permanent(3));
    desk.exited(3, crash());
    assert_eq!(desk.exited(2, crash()), []);
    assert_eq!(desk.core.stop_order().one_by_one, [1]);
    assert!(desk.core.reset().is_empty());
    assert_eq!(desk.hear(Event::StartAll), [start(1, None)]);
}

#[test]
fn a_start_that_answers_after_giving_up_is_what_it_was() {
    for (answer, state) in [
        (Started::Ok, ChildState::Running),
        (Started::Ignored, ChildState::Nothing),
        (Started::Failed("no".to_owned()), ChildState::Nothing),
    ] {
        let mut desk = Desk::new(Strategy::OneForOne, 1).running(&permanent(2));
        desk.exited(1, crash());
        assert!(gives_up(&desk.exited(2, crash())));
        assert_eq!(desk.started(1, answer), []);
        assert_eq!(desk.core.state(1), Some(state));
    }
}

#[test]
fn the_supervisor_ends_with_its_first_significant_child_or_with_the_last() {
    let significant = |restart| ChildPolicy { significant: true, ..child(restart) };
    let children =
        [significant(Restart::Transient), significant(Restart::Temporary), child(Restart::Temporary)];
    let desk = |auto| Desk::with(policy(Strategy::OneForOne, 9, auto)).running(&children);
    let ends = |actions: Vec<Action>| actions.contains(&Action::AutoShutdown);

    let mut any = desk(AutoShutdown::AnySignificant);
    assert!(!ends(any.exited(3, crash())), "not significant");
    assert!(!ends(any.exited(1, crash())), "restarted");
    assert!(ends(any.exited(2, crash())));

    let mut all = desk(AutoShutdown::AllSignificant);
    assert!(!ends(all.exited(2, crash())), "the other runs");
    all.exited(1, crash());
    all.started(1, Started::Ok);
    assert!(ends(all.exited(1, Exit::Normal)));

    let mut restarting = desk(AutoShutdown::AllSignificant);
    restarting.exited(1, crash());
    restarting.fails_to_start(1);
    assert!(!ends(restarting.exited(2, Exit::Normal)), "the other restarts");

    let mut stopping = desk(AutoShutdown::AllSignificant);
    stopping.terminate(2, 0);
    assert!(ends(stopping.exited(1, Exit::Normal)), "the other is as good as stopped");

    let mut asked = desk(AutoShutdown::AllSignificant);
    asked.terminate(2, 0);
    assert!(!ends(asked.stopped(2)), "by the interface");
    assert!(ends(asked.exited(1, Exit::Normal)), "how the others came to their end does not matter");
}

#[test]
fn a_changed_policy_holds_from_then_on_and_a_bad_one_changes_nothing() {
    let mut desk = Desk::new(Strategy::OneForOne, 1).running(&permanent(2));
    let mut next = policy(Strategy::OneForAll, 2, AutoShutdown::Never);
    desk.core.change(next).unwrap();
    assert_eq!(deeds(desk.exited(1, crash())), [stop(2)]);
    next.intensity.period = Duration::ZERO;
    assert!(desk.core.change(next).is_err());
    desk.core.change_child(1, dynamic(Restart::Permanent)).unwrap_err();
    assert_eq!(desk.core.change_child(2, child(Restart::Temporary)), Ok(true));
    assert_eq!(desk.stopped(2)[0], Action::Forget { key: 2, exit: Exit::Shutdown });
}
