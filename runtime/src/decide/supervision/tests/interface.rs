//! S10: what others ask.

use super::*;
use crate::decide::supervision::{ChildState, Counts};
use crate::words::child_interface::{Answer, InterfaceError};

fn reply(ticket: u64, answer: Result<Answer, InterfaceError>) -> Action {
    Action::Reply { ticket, answer }
}

#[test]
fn terminating_stops_and_keeps_the_spec_and_twice_is_fine() {
    let mut desk = Desk::new(Strategy::OneForOne, 1).running(&permanent(1));
    assert_eq!(desk.terminate(1, 1), [stop(1)]);
    assert_eq!(desk.terminate(1, 2), [], "it waits for the same stop");
    let ended = Action::Ended { key: 1, exit: Exit::Shutdown };
    assert_eq!(desk.stopped(1), [ended, reply(1, Ok(Answer::Terminated)), reply(2, Ok(Answer::Terminated))]);
    assert_eq!(desk.terminate(1, 3), [reply(3, Ok(Answer::Terminated))]);
}

#[test]
fn a_core_says_how_many_children_it_has_and_by_which_policy() {
    let policy = Policy { strategy: Strategy::RestForOne, ..Policy::default() };
    let empty = Core::new(policy);
    assert_eq!((empty.is_empty(), empty.len()), (true, 0));
    let desk = Desk::new(Strategy::RestForOne, 3).running(&permanent(2));
    assert_eq!((desk.core.is_empty(), desk.core.len()), (false, 2));
    assert_eq!((empty.supervisor(), desk.core.supervisor().strategy), (policy, Strategy::RestForOne));
}

#[test]
fn terminating_a_temporary_child_deletes_it() {
    let mut desk = Desk::new(Strategy::OneForAll, 1).running(&[child(Restart::Temporary)]);
    desk.terminate(1, 1);
    assert_eq!(desk.stopped(1)[0], Action::Forget { key: 1, exit: Exit::Shutdown });
    assert_eq!(desk.restart(1, 2), [reply(2, Err(InterfaceError::NotFound))]);
}

#[test]
fn a_child_can_be_started_again_and_deleted_only_when_nothing_runs() {
    let mut desk = Desk::new(Strategy::OneForOne, 1).running(&permanent(1));
    assert_eq!(desk.restart(1, 1), [reply(1, Err(InterfaceError::Running))]);
    assert_eq!(desk.delete(1, 2), [reply(2, Err(InterfaceError::Running))]);
    desk.terminate(1, 3);
    desk.stopped(1);
    assert_eq!(desk.restart(1, 4), [Action::Start { key: 1, after: None, automatic: false }]);
    assert_eq!(desk.started(1, Started::Ok), [reply(4, Ok(Answer::Started))]);
    desk.terminate(1, 5);
    desk.stopped(1);
    let gone = [Action::Forget { key: 1, exit: Exit::Shutdown }, reply(6, Ok(Answer::Deleted))];
    assert_eq!(desk.delete(1, 6), gone);
    assert_eq!(desk.delete(1, 7), [reply(7, Err(InterfaceError::NotFound))]);
}

#[test]
fn a_start_that_fails_for_the_interface_keeps_the_spec_and_is_not_tried_again() {
    let mut desk = Desk::new(Strategy::OneForAll, 0).running(&permanent(2));
    desk.terminate(1, 1);
    desk.stopped(1);
    desk.restart(1, 2);
    let failed = reply(2, Err(InterfaceError::StartFailed("no".to_owned())));
    assert_eq!(desk.fails_to_start(1), [failed, Action::Ended { key: 1, exit: refused() }]);
    desk.restart(1, 3);
    assert_eq!(desk.started(1, Started::Ignored)[0], reply(3, Ok(Answer::Ignored)));
    assert_eq!(desk.core.state(1), Some(ChildState::Nothing));
}

#[test]
fn terminating_a_restarting_child_cancels_the_attempt() {
    for strategy in [Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne] {
        let mut desk = Desk::new(strategy, 9).running(&permanent(1));
        desk.exited(1, crash());
        desk.fails_to_start(1);
        assert_eq!(desk.restart(1, 1), [reply(1, Err(InterfaceError::Restarting))]);
        assert_eq!(desk.delete(1, 2), [reply(2, Err(InterfaceError::Restarting))]);
        let ended = Action::Ended { key: 1, exit: Exit::Shutdown };
        let expected = [Action::CancelWait { key: 1 }, ended, reply(3, Ok(Answer::Terminated))];
        assert_eq!(desk.terminate(1, 3), expected);
        assert_eq!(desk.due(1), [], "a pause that was over all the same");
    }
}

#[test]
fn a_start_that_hangs_can_be_terminated_also_within_a_round() {
    let mut desk = Desk::new(Strategy::OneForAll, 9).running(&permanent(2));
    desk.exited(1, crash());
    desk.stopped(2);
    assert_eq!(desk.terminate(1, 1), [stop(1)]);
    let ended = Action::Ended { key: 1, exit: Exit::Shutdown };
    let let_go = Action::Ended { key: 2, exit: Exit::Shutdown };
    assert_eq!(desk.stopped(1), [ended, reply(1, Ok(Answer::Terminated)), let_go]);
}

#[test]
fn a_call_during_a_round_is_answered_after_it() {
    let mut desk = Desk::new(Strategy::OneForAll, 9).running(&permanent(2));
    desk.exited(1, crash());
    assert_eq!(desk.terminate(1, 1), []);
    desk.stopped(2);
    desk.started(1, Started::Ok);
    assert_eq!(deeds(desk.started(2, Started::Ok)), [stop(1)]);
    assert_eq!(desk.stopped(1)[1], reply(1, Ok(Answer::Terminated)));
}

#[test]
fn calls_on_a_child_that_is_being_stopped_are_served_in_order() {
    let mut desk = Desk::new(Strategy::OneForOne, 9).running(&permanent(1));
    desk.terminate(1, 1);
    desk.restart(1, 2);
    desk.terminate(1, 3);
    let actions = desk.stopped(1);
    assert_eq!(actions[1], reply(1, Ok(Answer::Terminated)));
    assert_eq!(actions[2..], [Action::Start { key: 1, after: None, automatic: false }, stop(1)]);
    let cut = InterfaceError::StartFailed("terminated during its start".to_owned());
    assert_eq!(desk.stopped(1)[1..], [reply(2, Err(cut)), reply(3, Ok(Answer::Terminated))]);
}

#[test]
fn a_call_while_a_late_life_is_being_stopped_is_served_after_it() {
    let mut desk = Desk::new(Strategy::OneForOne, 9).running(&permanent(1));
    desk.terminate(1, 1);
    desk.stopped(1);
    desk.started(1, Started::Ok);
    assert_eq!(desk.restart(1, 2), []);
    assert_eq!(desk.stopped(1), [Action::Start { key: 1, after: None, automatic: false }]);
    assert_eq!(desk.started(1, Started::Ok), [reply(2, Ok(Answer::Started))]);
}

#[test]
fn a_supervisor_that_ends_says_so_to_all_who_wait() {
    let mut desk = Desk::new(Strategy::OneForOne, 0).running(&permanent(2));
    desk.terminate(1, 1);
    let actions = desk.exited(2, crash());
    assert!(actions.contains(&reply(1, Err(InterfaceError::Ending))), "{actions:?}");
    assert_eq!(desk.restart(1, 2), [reply(2, Err(InterfaceError::Ending))]);
}

#[test]
fn counts_are_of_all_children_and_active_of_those_that_run() {
    let supervisor = ChildPolicy { supervisor: true, ..child(Restart::Transient) };
    let children = [child(Restart::Permanent), supervisor, dynamic(Restart::Permanent)];
    let mut desk = Desk::new(Strategy::OneForOne, 9).running(&children);
    assert_eq!(desk.core.counts(), Counts { specs: 2, active: 3, supervisors: 1, workers: 2 });
    desk.exited(1, crash());
    desk.fails_to_start(1);
    desk.exited(2, Exit::Normal);
    assert_eq!(desk.core.counts(), Counts { specs: 2, active: 1, supervisors: 1, workers: 2 });
    let seen = [(3, ChildState::Running), (2, ChildState::Nothing), (1, ChildState::Restarting)];
    assert_eq!(desk.core.which_children(), seen, "the newest first");
}

#[test]
fn a_child_is_taken_out_only_while_nothing_is_owed_for_it() {
    let mut desk =
        Desk::new(Strategy::OneForAll, 9).running(&[child(Restart::Permanent), dynamic(Restart::Permanent)]);
    assert!(!desk.core.remove(1));
    assert!(desk.core.remove(2));
    desk.terminate(1, 1);
    assert!(!desk.core.remove(1));
    desk.stopped(1);
    assert!(desk.core.remove(1));
    assert_eq!(desk.core.counts(), Counts::default());
}
