//! S11: reports, as a line and as an object.

use super::*;
use crate::words::child_report::{Context, Report};

fn reports(actions: Vec<Action>) -> Vec<(Context, ChildKey)> {
    let report = |action| match action {
        Action::Report(Report { context, child, .. }) => Some((context, child)),
        _ => None,
    };
    actions.into_iter().filter_map(report).collect()
}

#[test]
fn what_is_restarted_or_has_failed_is_reported_and_an_orderly_end_is_not() {
    let children = [child(Restart::Permanent), child(Restart::Transient), child(Restart::Temporary)];
    let told = |key, exit| {
        let mut desk = Desk::new(Strategy::OneForOne, 1).running(&children);
        reports(desk.exited(key, exit))
    };
    assert_eq!(told(1, Exit::Normal), [(Context::ChildTerminated, 1)]);
    for key in [2, 3] {
        assert_eq!(told(key, Exit::Normal), []);
        assert_eq!(told(key, Exit::Shutdown), []);
        assert_eq!(told(key, crash()), [(Context::ChildTerminated, key)]);
    }
}

#[test]
fn automatic_starts_and_their_failures_are_reported() {
    let mut desk = Desk::new(Strategy::OneForOne, 1).running(&permanent(1));
    desk.exited(1, crash());
    assert_eq!(reports(desk.fails_to_start(1)), [(Context::StartError, 1)]);
    assert_eq!(reports(desk.due(1)), [(Context::Shutdown, 1)], "beyond the intensity");
    let mut desk = Desk::new(Strategy::OneForOne, 1).running(&permanent(1));
    desk.exited(1, crash());
    assert_eq!(reports(desk.started(1, Started::Ok)), [(Context::Progress, 1)]);
}

#[test]
fn an_odd_end_of_a_child_that_is_stopped_is_reported_and_never_fatal() {
    let brutal = ChildPolicy { shutdown: Shutdown::Brutal, ..child(Restart::Permanent) };
    let mut desk = Desk::new(Strategy::OneForOne, 0).running(&[child(Restart::Permanent), brutal]);
    desk.terminate(1, 1);
    assert_eq!(reports(desk.exited(1, crash())), [(Context::ShutdownError, 1)]);
    let late = Some(Exit::failed(FailureClass::Killed, "too late"));
    assert_eq!(reports(desk.hear(Event::Stopped { key: 1, odd: late.clone() })), [], "once");
    desk.restart(1, 3);
    desk.started(1, Started::Ok);
    desk.terminate(1, 4);
    assert_eq!(reports(desk.hear(Event::Stopped { key: 1, odd: late })), [(Context::ShutdownError, 1)]);
    desk.terminate(2, 2);
    let killed = Exit::failed(FailureClass::Killed, "killed");
    assert_eq!(reports(desk.exited(2, killed)), [], "as was ordered");
}

#[test]
fn a_failure_that_a_round_takes_for_its_stop_is_reported_as_one_unless_its_stop_is_brutal() {
    for (shutdown, told) in
        [(Shutdown::default(), vec![(Context::ShutdownError, 2)]), (Shutdown::Brutal, vec![])]
    {
        let second = ChildPolicy { shutdown, ..child(Restart::Permanent) };
        let children = [child(Restart::Permanent), second, child(Restart::Permanent)];
        let mut desk = Desk::new(Strategy::OneForAll, 9).running(&children);
        desk.exited(1, crash());
        assert_eq!(reports(desk.exited(2, crash())), [], "its turn has not come");
        assert_eq!(reports(desk.stopped(3)), told);
    }
}

#[test]
fn a_report_is_one_line_and_an_object() {
    let reason = Some(Exit::failed(FailureClass::Bug, "first\n  second\r\n\nthird"));
    let policy = Box::new(ChildPolicy::default());
    let report = Report { context: Context::ChildTerminated, child: 4, policy: policy.clone(), reason };
    assert_eq!(report.to_string(), "child_terminated: child 4: failed (Bug): first; second; third");
    let object = serde_json::json!({
        "context": "child_terminated",
        "child": 4,
        "policy": policy,
        "reason": { "failed": { "class": "bug", "message": "first\n  second\r\n\nthird" } },
    });
    assert_eq!(serde_json::to_value(&report).unwrap(), object);
    assert_eq!(serde_json::from_value::<Report>(object).unwrap(), report);
    let progress = Report { context: Context::Progress, child: 1, policy, reason: None };
    assert_eq!(progress.to_string(), "progress: child 1");
}

#[test]
fn giving_up_names_the_child_the_reason_and_the_limit() {
    let mut desk = Desk::new(Strategy::OneForOne, 0).running(&permanent(1));
    let Some(Action::GiveUp { exit: Exit::Escalated { message } }) = desk.exited(1, crash()).pop() else {
        panic!("it gives up");
    };
    assert_eq!(message, "child 1 ended: failed (Bug): crash; the limit is 0 restarts in 5s");
}
