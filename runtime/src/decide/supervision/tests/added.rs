//! Children that came after the declared ones, when their supervisor starts again.

use super::*;
use crate::decide::supervision::ChildState;
use crate::words::child::Decision;
use crate::words::child_report::{Context, Report};
use crate::words::defaults::ATTEMPTS;
use crate::words::policy::Backoff;

const ALL: [Strategy; 3] = [Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne];

/// A supervisor that has come back: child 1 is declared, 2 was added, 3 was added after it. 2 is being started.
fn back(policy: Policy, second: ChildPolicy) -> Desk {
    let mut desk = Desk::with(policy).declared(&permanent(1));
    desk.hear(Event::StartAll);
    desk.started(1, Started::Ok);
    for (key, child) in [(2, second), (3, child(Restart::Permanent))] {
        desk.core.insert(key, child).unwrap();
        desk.started(key, Started::Ok);
    }
    desk.core.reset();
    assert_eq!(desk.hear(Event::StartAll), [start(1, None)]);
    assert_eq!(deeds(desk.started(1, Started::Ok)), [start(2, None)]);
    desk
}

fn strict(strategy: Strategy) -> Policy {
    policy(strategy, 0, AutoShutdown::Never)
}

#[test]
fn an_added_child_whose_start_fails_for_good_is_given_up_alone_and_reported() {
    for strategy in ALL {
        let mut desk = back(strict(strategy), child(Restart::Permanent));
        assert_eq!(deeds(desk.fails_to_start(2)), [wait(2), start(3, None)], "the others come up");
        assert_eq!(desk.due(2), [], "it waits for them");
        let actions = deeds(desk.started(3, Started::Ok));
        assert_eq!(actions, [Action::StartedAll, start(2, Some(refused()))]);
        for _ in 2..ATTEMPTS {
            assert_eq!(deeds(desk.fails_to_start(2)), [wait(2)]);
            assert_eq!(deeds(desk.due(2)), [start(2, Some(refused()))], "alone, and counted nowhere");
        }
        let policy = Box::new(child(Restart::Permanent));
        let report = Report { context: Context::StartError, child: 2, policy, reason: Some(refused()) };
        let ended = Action::Ended { key: 2, exit: refused() };
        assert_eq!(desk.fails_to_start(2), [Action::Report(report), ended]);
        assert_eq!(desk.core.state(2), Some(ChildState::Nothing), "its spec stays");
        assert_eq!([1, 3].map(|key| desk.core.state(key)), [Some(ChildState::Running); 2]);
        assert_eq!(desk.restart(2, 1), [Action::Start { key: 2, after: None, automatic: false }]);
    }
}

#[test]
fn an_added_child_that_comes_up_at_last_is_a_sibling_like_the_others() {
    let mut desk = back(policy(Strategy::OneForAll, 1, AutoShutdown::Never), child(Restart::Permanent));
    desk.fails_to_start(2);
    desk.started(3, Started::Ok);
    desk.due(2);
    assert_eq!(deeds(desk.started(2, Started::Ok)), []);
    assert_eq!(deeds(desk.exited(2, crash())), [stop(3)]);
    desk.stopped(3);
    assert_eq!(deeds(desk.stopped(1)), [start(1, None)]);
    desk.started(1, Started::Ok);
    assert_eq!(deeds(desk.fails_to_start(2)), [wait(2)]);
    let last = desk.due(2).pop();
    assert!(matches!(last, Some(Action::GiveUp { .. })), "a restart of a life counts: {last:?}");
}

#[test]
fn an_added_child_that_is_tried_again_takes_part_in_its_siblings_restarts() {
    let mut desk = back(policy(Strategy::OneForAll, 9, AutoShutdown::Never), child(Restart::Permanent));
    desk.fails_to_start(2);
    desk.started(3, Started::Ok);
    desk.exited(3, crash());
    assert_eq!(deeds(desk.stopped(1)), [start(1, None)]);
    assert_eq!(deeds(desk.started(1, Started::Ok)), [start(2, None)]);
    assert_eq!(deeds(desk.fails_to_start(2)), [wait(2)]);
    assert_eq!(deeds(desk.due(2)), [stop(1)], "as one of them, for child 3 waits behind it");
}

#[test]
fn an_added_child_keeps_its_pauses_and_its_decisions() {
    let backoff = Backoff { jitter_permille: 0, ..Backoff::default() };
    let paused = ChildPolicy { backoff: Some(backoff), ..child(Restart::Permanent) };
    let actions = deeds(back(strict(Strategy::OneForOne), paused).fails_to_start(2));
    assert_eq!(actions[0], Action::Wait { key: 2, pause: backoff.min });
    let decides = |decision| {
        let on_failure = vec![(FailureClass::Start, decision)];
        let decided = ChildPolicy { on_failure, ..child(Restart::Permanent) };
        deeds(back(strict(Strategy::OneForOne), decided).fails_to_start(2))
    };
    let ended = Action::Ended { key: 2, exit: refused() };
    assert_eq!(decides(Decision::Stop), [ended, start(3, None)]);
    let last = decides(Decision::Escalate).pop();
    assert!(matches!(last, Some(Action::GiveUp { .. })), "{last:?}");
    let gone = deeds(back(strict(Strategy::OneForOne), child(Restart::Temporary)).fails_to_start(2));
    assert_eq!(gone[0], Action::Forget { key: 2, exit: refused() });
}

#[test]
fn an_added_child_that_never_came_up_ends_nobody_by_its_significance() {
    let significant = ChildPolicy { significant: true, ..child(Restart::Transient) };
    let any = policy(Strategy::OneForOne, 9, AutoShutdown::AnySignificant);
    let mut desk = back(any, significant);
    desk.fails_to_start(2);
    desk.started(3, Started::Ok);
    for _ in 2..ATTEMPTS {
        desk.due(2);
        desk.fails_to_start(2);
    }
    desk.due(2);
    assert_eq!(deeds(desk.fails_to_start(2)), [Action::Ended { key: 2, exit: refused() }]);
}

#[test]
fn an_attempt_of_an_added_child_can_be_terminated() {
    let mut desk = back(strict(Strategy::RestForOne), child(Restart::Permanent));
    desk.fails_to_start(2);
    desk.started(3, Started::Ok);
    desk.due(2);
    assert_eq!(deeds(desk.terminate(2, 1)), [stop(2)]);
    assert_eq!(desk.stopped(2)[0], Action::Ended { key: 2, exit: Exit::Shutdown });
    assert_eq!(desk.core.state(3), Some(ChildState::Running));
}

#[test]
fn a_declared_child_whose_start_fails_takes_its_supervisor_along_as_before() {
    let mut desk = Desk::with(strict(Strategy::OneForOne)).declared(&permanent(1));
    desk.core.insert(2, child(Restart::Permanent)).unwrap();
    desk.started(2, Started::Ok);
    desk.core.reset();
    desk.hear(Event::StartAll);
    assert_eq!(deeds(desk.fails_to_start(1)), [Action::StartFailed { key: 1, reason: "no".to_owned() }]);
}
