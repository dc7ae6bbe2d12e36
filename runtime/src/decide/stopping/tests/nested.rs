//! Stops of what is stopping already, above it and below it.

use super::rig::{Abort, Ended, Finished, Hook, Rig, at, fixed, node};
use crate::decide::stopping::TurnEnd;
use crate::words::ends::End;

#[test]
fn stops_of_one_seat_share_one_receipt_and_the_shorter_deadline_holds() {
    let mut rig = Rig::default();
    rig.stop(1, vec![node(1, None), node(2, 1)], 10_000);
    assert_eq!(rig.plan.request_of_root(1), Some(0));
    assert_eq!(rig.plan.request_of_root(2), None);
    assert_eq!(rig.stop(1, vec![], 1_000), []);
    assert_eq!(rig.wake, Some(at(900)));
    rig.stop(1, vec![], 60_000);
    assert_eq!(rig.wake, Some(at(900)), "a limit never loosens");
    rig.tick(900);
    assert_eq!(rig.tick(1_000), [Ended(2), Ended(1), Finished(0), Finished(1), Finished(2)]);
    assert_eq!((rig.named(0), rig.named(1)), (vec![2, 1], vec![2, 1]));
    assert_eq!(rig.plan.request_of_root(1), None);
}

#[test]
fn a_shorter_deadline_is_shared_anew_among_siblings() {
    let mut rig = Rig::default();
    rig.stop(1, vec![node(1, None), fixed(2, 1), fixed(3, 1).busy()], 60_000);
    rig.stop(1, vec![], 2_000);
    rig.tick(810);
    assert_eq!(rig.tick(900), [Ended(3), Hook(2)], "the stuck one had half of it, not all");
}

#[test]
fn a_stop_of_an_ancestor_takes_stopping_ones_in_as_they_stand() {
    let mut rig = Rig::default();
    assert_eq!(rig.stop(3, vec![node(3, 2), node(4, 3), node(5, 3)], 10_000), [Hook(4), Hook(5)]);
    rig.done(4);
    assert_eq!(rig.now(10).stop(1, vec![node(1, None), node(2, 1)], 5_010), []);
    assert_eq!(rig.wake, Some(at(4_510)));
    assert_eq!(rig.done(5), [Ended(5), Hook(3)]);
    assert_eq!(rig.done(3), [Ended(3), Finished(0), Hook(2)]);
    rig.done(2);
    assert_eq!(rig.done(1), [Ended(1), Finished(1)]);
    assert_eq!(rig.named(0), [4, 5, 3]);
    assert_eq!(rig.named(1), [5, 3, 2, 1], "4 had ended before its fence");
    assert_eq!(rig.row(3).took.as_millis(), 10);
}

#[test]
fn the_shorter_deadline_of_an_ancestors_stop_holds_below_what_is_not_open_yet() {
    let mut rig = Rig::default();
    assert_eq!(rig.stop(3, vec![node(3, 2), node(4, 3).busy()], 10_000), []);
    // 2 has to wait for 5, and 3 below it is open already.
    assert_eq!(rig.stop(1, vec![node(1, None), fixed(2, 1), fixed(5, 1)], 1_000), [Hook(5)]);
    rig.done(5);
    assert_eq!(rig.tick(900), [Abort(4)]);
    assert_eq!(rig.tick(1_000), [Ended(4), Ended(3), Finished(0), Ended(2), Ended(1), Finished(1)]);
}

#[test]
fn a_stop_below_opens_that_subtree_at_once_and_tightens_only_it() {
    let mut rig = Rig::default();
    let nodes = vec![node(1, None), fixed(2, 1), node(3, 2), fixed(4, 1)];
    assert_eq!(rig.stop(1, nodes, 10_000), [Hook(4)]);
    assert_eq!(rig.stop(2, vec![], 1_000), [Hook(3)]);
    assert_eq!(rig.tick(900), [Abort(3)]);
    assert_eq!(rig.tick(1_000), [Ended(3), Ended(2), Finished(1)]);
    assert_eq!(rig.done(4), [Ended(4), Hook(1)]);
    rig.done(1);
    assert_eq!((rig.named(1), rig.named(0)), (vec![3, 2], vec![3, 2, 4, 1]));
    assert_eq!((rig.end(4), rig.end(1)), (End::Clean, End::Clean));
}

#[test]
fn a_stop_below_gets_no_more_time_than_the_stop_above() {
    let mut rig = Rig::default();
    rig.stop(1, vec![node(1, None), fixed(2, 1).busy(), fixed(3, 1)], 1_000);
    rig.stop(2, vec![], 60_000);
    rig.done(3);
    assert_eq!(rig.tick(900), [Abort(2)]);
    assert_eq!(rig.tick(1_000), [Ended(2), Finished(1), Ended(1), Finished(0)]);
}

#[test]
fn a_brutal_request_turns_all_of_a_stopping_subtree_brutal() {
    let mut rig = Rig::default();
    let nodes = vec![node(1, None), node(2, 1).busy(), node(3, 2), node(4, 1)];
    assert_eq!(rig.stop(1, nodes, 10_000), [Hook(4), Hook(3)]);
    assert_eq!(rig.stop_brutally(2, vec![], 10_000), [Abort(2), Abort(3)]);
    rig.turn(2, TurnEnd::Dropped);
    rig.done(3);
    assert_eq!(rig.done(4), [Ended(4), Hook(1)], "the rest keeps its time");
    assert!(rig.row(2).brutal && rig.row(3).brutal && !rig.row(4).brutal);
    assert_eq!((rig.end(3), rig.fault(3)), (End::Aborted, None));
}

#[test]
fn a_brutal_request_above_reaches_what_was_stopping_below() {
    let mut rig = Rig::default();
    assert_eq!(rig.stop(2, vec![node(2, 1)], 10_000), [Hook(2)]);
    assert_eq!(rig.stop_brutally(1, vec![node(1, None)], 10_000), [Abort(2)]);
    rig.done(2);
    assert!(rig.row(1).brutal && rig.row(2).brutal && rig.plan.is_empty());
}

#[test]
fn nothing_is_kept_when_all_has_finished() {
    let mut rig = Rig::default();
    rig.stop(3, vec![node(3, 2)], 1_000);
    rig.stop(5, vec![node(5, 2)], 1_000);
    rig.done(5);
    rig.done(3);
    assert_eq!(format!("{:?}", rig.plan.loose), "{}");
    assert!(rig.plan.receipts.is_empty() && rig.plan.due.is_empty() && rig.plan.is_empty());
}

#[test]
fn a_hook_that_begins_below_what_is_not_open_yet_knows_the_shorter_deadline() {
    let mut rig = Rig::default();
    rig.stop(3, vec![node(3, 2), node(4, 3)], 10_000);
    rig.stop(1, vec![node(1, None), fixed(2, 1), fixed(5, 1)], 1_000);
    rig.done(4);
    assert_eq!(rig.until(3), at(900));
}

#[test]
fn a_hook_of_a_stop_below_knows_the_shorter_deadline_above() {
    let mut rig = Rig::default();
    rig.stop(1, vec![node(1, None), fixed(2, 1), fixed(3, 1)], 1_000);
    rig.stop(2, vec![], 60_000);
    assert_eq!(rig.until(2), at(900));
}

#[test]
fn one_that_was_stopping_before_has_no_more_than_its_share_when_its_place_comes() {
    let mut rig = Rig::default();
    rig.stop(3, vec![fixed(3, 1).busy()], 60_000);
    rig.stop(1, vec![node(1, None), fixed(2, 1)], 2_000);
    assert_eq!(rig.tick(810), [Abort(3)]);
    assert_eq!(rig.tick(900), [Ended(3), Finished(0), Hook(2)]);
}

#[test]
fn a_seat_named_late_comes_to_its_place_too() {
    let mut rig = Rig::default();
    assert_eq!(rig.stop(1, vec![node(1, None), fixed(2, 1)], 1_000), [Hook(2)]);
    assert_eq!(rig.stop(1, vec![node(3, 1)], 1_000), [Hook(3)]);
    rig.done(2);
    assert_eq!(rig.done(3), [Ended(3), Hook(1)]);
}

#[test]
fn a_seat_named_late_where_no_time_is_left_is_aborted_at_once() {
    let mut rig = Rig::default();
    rig.stop_brutally(1, vec![node(1, None).busy()], 1_000);
    assert_eq!(rig.stop(1, vec![node(2, 1).busy(), node(3, 1)], 1_000), [Abort(2), Ended(3)]);
}

#[test]
fn a_seat_whose_parent_was_not_named_is_in_the_receipt_all_the_same() {
    let mut rig = Rig::default();
    assert_eq!(rig.stop(1, vec![node(1, None), node(3, 2)], 1_000), [Hook(3)]);
    rig.done(3);
    rig.done(1);
    assert_eq!(rig.named(0), [3, 1]);
}

#[test]
fn a_seat_named_late_below_an_inner_stop_is_in_the_receipts_of_both() {
    let mut rig = Rig::default();
    rig.stop(2, vec![node(2, 1), node(3, 2).busy()], 10_000);
    rig.stop(1, vec![node(1, None), node(4, 3).busy()], 10_000);
    assert_eq!(rig.turn(4, TurnEnd::Crashed), [Ended(4)]);
    rig.turn(3, TurnEnd::Crashed);
    rig.done(2);
    rig.done(1);
    assert_eq!((rig.named(0), rig.named(1)), (vec![4, 3, 2], vec![4, 3, 2, 1]));
}

#[test]
fn what_stops_below_a_place_that_is_gone_comes_under_who_supervises_it_now() {
    let mut rig = Rig::default();
    assert_eq!(rig.stop(4, vec![node(4, 3).busy()], 10_000), []);
    assert_eq!(rig.stop(1, vec![node(1, None), node(2, 1), node(4, 2)], 1_000), []);
    assert_eq!(rig.tick(900), [Abort(4)], "the shorter deadline is its own now");
    assert_eq!(rig.turn(4, TurnEnd::Dropped), [Ended(4), Finished(0), Ended(2), Ended(1), Finished(1)]);
    assert_eq!((rig.named(0), rig.named(1)), (vec![4], vec![4, 2, 1]));
    assert!(rig.plan.is_empty());
}

#[test]
fn what_is_taken_in_under_a_condemned_seat_is_condemned_too() {
    let mut rig = Rig::default();
    // It was adopted: it stops below a parent that is no part of a stop.
    assert_eq!(rig.stop(3, vec![node(3, 2).busy()], 10_000), []);
    assert_eq!(rig.stop_brutally(1, vec![node(1, None).busy()], 5_000), [Abort(1)]);
    assert_eq!(rig.stop(1, vec![node(3, 1)], 5_000), [Abort(3)]);
}
