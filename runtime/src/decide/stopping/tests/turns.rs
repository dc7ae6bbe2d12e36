//! What becomes of turns and hooks.

use super::rig::{Abort, Ended, Finished, Hook, Rig, at, fixed, node};
use crate::decide::stopping::{HookEnd, TurnEnd};
use crate::words::ends::{End, HookFault};

#[test]
fn a_turn_that_returns_leaves_its_hook_a_whole_self() {
    let mut rig = Rig::default();
    assert_eq!(rig.stop(1, vec![node(1, None).busy()], 1_000), []);
    assert_eq!(rig.turn(1, TurnEnd::Returned), [Hook(1)]);
    assert_eq!(rig.done(1), [Ended(1), Finished(0)]);
    assert_eq!(rig.end(1), End::Clean);
}

#[test]
fn a_parent_waits_for_its_own_turn_and_for_its_children() {
    let mut rig = Rig::default();
    assert_eq!(rig.stop(1, vec![node(1, None).busy(), node(2, 1)], 1_000), [Hook(2)]);
    assert_eq!(rig.done(2), [Ended(2)]);
    assert_eq!(rig.turn(1, TurnEnd::Returned), [Hook(1)]);
}

#[test]
fn no_hook_runs_where_the_turn_was_dropped_or_crashed() {
    for end in [TurnEnd::Dropped, TurnEnd::Crashed] {
        let mut rig = Rig::default();
        rig.stop(1, vec![node(1, None).busy(), node(2, 1)], 1_000);
        assert_eq!(rig.turn(1, end), [], "it waits for its children");
        assert_eq!(rig.done(2), [Ended(2), Ended(1), Finished(0)]);
        assert_eq!((rig.end(1), rig.row(1).brutal), (End::Aborted, false));
    }
}

#[test]
fn what_ends_by_itself_before_its_place_was_already_stopped() {
    let mut rig = Rig::default();
    rig.stop(1, vec![node(1, None), fixed(2, 1), fixed(3, 1).busy(), node(4, 2)], 1_000);
    assert_eq!(rig.turn(2, TurnEnd::Exited), [], "its child has not come to its place");
    assert_eq!(rig.turn(3, TurnEnd::Exited), [Ended(3), Hook(4)]);
    assert_eq!(rig.done(4), [Ended(4), Ended(2), Hook(1)]);
    assert_eq!((rig.end(3), rig.end(2)), (End::AlreadyStopped, End::AlreadyStopped));
}

#[test]
fn a_turn_has_its_own_time_and_is_then_aborted() {
    let mut rig = Rig::default();
    assert_eq!(rig.stop(1, vec![node(1, None).within(200).busy()], 1_000), []);
    assert_eq!(rig.wake, Some(at(200)));
    rig.wake = None;
    assert_eq!(rig.tick(199), []);
    assert_eq!(rig.wake, Some(at(200)), "a timer that rang early is set again");
    assert_eq!(rig.tick(200), [Abort(1)]);
    assert_eq!(rig.now(201).turn(1, TurnEnd::Dropped), [Ended(1), Finished(0)]);
    assert_eq!((rig.end(1), rig.row(1).took.as_millis()), (End::Aborted, 201));
}

#[test]
fn a_turn_that_returned_in_spite_of_its_abort_has_its_hook() {
    let mut rig = Rig::default();
    rig.stop(1, vec![node(1, None).within(200).busy()], 1_000);
    rig.tick(200);
    assert_eq!(rig.turn(1, TurnEnd::Returned), [Hook(1)]);
}

#[test]
fn a_hook_past_its_own_time_is_hung_and_its_row_is_aborted() {
    for end in [HookEnd::Dropped, HookEnd::Done] {
        let mut rig = Rig::default();
        assert_eq!(rig.stop(1, vec![node(1, None).within(200)], 1_000), [Hook(1)]);
        assert_eq!(rig.tick(200), [Abort(1)]);
        assert_eq!(rig.hook(1, end), [Ended(1), Finished(0)]);
        assert_eq!((rig.end(1), rig.fault(1)), (End::Aborted, Some(HookFault::Hung)));
    }
}

#[test]
fn a_hook_that_fails_or_panics_is_a_row_with_one_line() {
    let mut rig = Rig::default();
    rig.stop(1, vec![node(1, None), node(2, 1)], 1_000);
    assert_eq!(rig.hook(2, HookEnd::Failed("disk full\nat 3".into())), [Ended(2), Hook(1)]);
    assert_eq!(rig.hook(1, HookEnd::Panicked("index 3\nat 4".into())), [Ended(1), Finished(0)]);
    assert_eq!((rig.end(2), rig.fault(2)), (End::Clean, Some(HookFault::Failed("disk full\\nat 3".into()))));
    assert_eq!(
        (rig.end(1), rig.fault(1)),
        (End::Aborted, Some(HookFault::Panicked("index 3\\nat 4".into())))
    );
}

#[test]
fn brutal_specs_get_no_time_and_no_hook() {
    let mut rig = Rig::default();
    let nodes = vec![node(1, None), node(2, 1).brutal().busy(), node(3, 1).brutal()];
    assert_eq!(rig.stop(1, nodes, 1_000), [Abort(2), Ended(3)]);
    assert_eq!(rig.turn(2, TurnEnd::Dropped), [Ended(2), Hook(1)]);
    assert_eq!((rig.end(2), rig.row(2).brutal), (End::Aborted, true));
    assert_eq!((rig.end(3), rig.row(3).brutal), (End::Aborted, true));
}

#[test]
fn a_brutal_turn_that_returned_all_the_same_has_no_hook() {
    let mut rig = Rig::default();
    rig.stop(1, vec![node(1, None).brutal().busy()], 1_000);
    assert_eq!(rig.turn(1, TurnEnd::Returned), [Ended(1), Finished(0)]);
    assert_eq!((rig.end(1), rig.row(1).brutal), (End::Aborted, true));
}

#[test]
fn a_brutal_request_aborts_all_turns_at_once_and_runs_no_hook() {
    let mut rig = Rig::default();
    let nodes = vec![node(1, None).busy(), fixed(2, 1), fixed(3, 1).busy(), fixed(4, 1)];
    assert_eq!(rig.stop_brutally(1, nodes, 1_000), [Abort(1), Abort(3), Ended(4), Ended(2)]);
    assert_eq!(rig.turn(1, TurnEnd::Dropped), []);
    assert_eq!(rig.turn(3, TurnEnd::Dropped), [Ended(3), Ended(1), Finished(0)]);
    assert!(rig.rows.iter().all(|row| row.end == End::Aborted && row.brutal));
}

#[test]
fn reports_about_unknown_seats_change_nothing() {
    let mut rig = Rig::default();
    assert_eq!(rig.turn(1, TurnEnd::Returned), []);
    assert_eq!(rig.done(1), []);
    rig.stop(1, vec![node(1, None).busy()], 1_000);
    assert_eq!(rig.done(1), [], "no hook of its has begun");
    assert_eq!(rig.turn(1, TurnEnd::Returned), [Hook(1)]);
    assert_eq!(rig.turn(1, TurnEnd::Dropped), [], "its turn has ended before");
    assert_eq!(rig.done(1), [Ended(1), Finished(0)]);
    assert_eq!(rig.done(1), []);
}

#[test]
fn a_brutal_stop_waits_for_its_aborts_until_its_deadline() {
    let mut rig = Rig::default();
    let nodes = vec![node(1, None), fixed(2, 1).busy(), fixed(3, 1).busy()];
    assert_eq!(rig.stop_brutally(1, nodes, 1_000), [Abort(2), Abort(3)]);
    assert_eq!(rig.tick(999), [], "no share of the time is kept for hooks that will not run");
    assert_eq!(rig.now(999).turn(2, TurnEnd::Dropped), [Ended(2)]);
    assert_eq!(rig.tick(1_000), [Ended(3), Ended(1), Finished(0)]);
    assert_eq!((rig.end(3), rig.row(3).brutal), (End::Stuck, true));
}

#[test]
fn the_first_word_about_a_turns_end_holds() {
    let mut rig = Rig::default();
    rig.stop(1, vec![node(1, None).busy(), node(2, 1).busy()], 1_000);
    assert_eq!(rig.turn(1, TurnEnd::Crashed), []);
    assert_eq!(rig.turn(1, TurnEnd::Returned), []);
    rig.turn(2, TurnEnd::Returned);
    assert_eq!(rig.done(2), [Ended(2), Ended(1), Finished(0)], "no hook of what has crashed");
    assert_eq!(rig.end(1), End::Aborted);
}

#[test]
fn a_hook_that_was_dropped_holds_nobody_up() {
    let mut rig = Rig::default();
    assert_eq!(rig.stop(1, vec![node(1, None), node(2, 1)], 10_000), [Hook(2)]);
    assert_eq!(rig.hook(2, HookEnd::Dropped), [Ended(2), Hook(1)]);
    assert_eq!((rig.end(2), rig.fault(2)), (End::Aborted, None));
}
