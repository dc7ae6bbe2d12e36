//! Limits, and what happens when they pass.

use super::rig::{Abort, Ended, Finished, Hook, Rig, at, fixed, node};
use crate::decide::stopping::{Command, Notice, StopPlan, TurnEnd};
use crate::words::ends::{End, HookFault};
use crate::words::policy::Shutdown;

#[test]
fn when_a_tenth_is_left_all_that_remains_is_aborted_together() {
    let mut rig = Rig::default();
    let nodes = vec![node(1, None), fixed(2, 1).busy(), node(3, 1).busy(), node(4, 1)];
    assert_eq!(rig.stop(1, nodes, 1_000), [Hook(4)]);
    assert_eq!(rig.wake, Some(at(900)));
    assert_eq!(rig.tick(900), [Abort(2), Abort(4), Abort(3)]);
    assert_eq!(rig.turn(2, TurnEnd::Dropped), [Ended(2)], "it has no place to wait for any more");
    assert_eq!(rig.turn(3, TurnEnd::Returned), [Ended(3)], "no hook begins after the limit");
    assert_eq!(rig.done(4), [Ended(4), Ended(1), Finished(0)]);
    assert!(rig.rows.iter().all(|row| row.end == End::Aborted && !row.brutal));
    assert_eq!((rig.fault(4), rig.fault(1)), (Some(HookFault::Hung), None));
}

#[test]
fn what_does_not_confirm_its_abort_by_the_deadline_is_stuck() {
    let mut rig = Rig::default();
    rig.stop(1, vec![node(1, None), node(2, 1).busy(), node(3, 1)], 1_000);
    assert_eq!(rig.tick(900), [Abort(3), Abort(2)]);
    assert_eq!(rig.wake, Some(at(1_000)));
    assert_eq!(rig.tick(1_000), [Ended(2), Ended(3), Ended(1), Finished(0)]);
    assert_eq!((rig.end(2), rig.fault(2)), (End::Stuck, None));
    assert_eq!((rig.end(3), rig.fault(3)), (End::Stuck, Some(HookFault::Hung)));
    assert_eq!(rig.end(1), End::Aborted);
    assert_eq!(rig.turn(2, TurnEnd::Returned), [], "late ends are the engine's to mark");
}

#[test]
fn zero_and_past_deadlines_wait_for_nothing() {
    for deadline in [0, 500] {
        let mut rig = Rig::default();
        let nodes = vec![node(1, None), node(2, 1).busy(), fixed(3, 1), fixed(4, 1).without_hook()];
        let did = rig.now(500).stop(1, nodes, deadline);
        assert_eq!(did, [Abort(2), Ended(4), Ended(3), Ended(2), Ended(1), Finished(0)]);
        let ends = [1, 2, 3, 4].map(|key| rig.end(key));
        assert_eq!(ends, [End::Aborted, End::Stuck, End::Aborted, End::Clean]);
    }
}

#[test]
fn a_late_tick_gives_no_more_time_than_the_deadline() {
    let mut rig = Rig::default();
    rig.stop(1, vec![node(1, None), node(2, 1).within(100).busy()], 1_000);
    assert_eq!(rig.tick(5_000), [Abort(2), Ended(2), Ended(1), Finished(0)]);
}

#[test]
fn a_stuck_sibling_does_not_take_the_others_chance() {
    let mut rig = Rig::default();
    let nodes = vec![node(1, None), fixed(2, 1), fixed(3, 1), fixed(4, 1).busy()];
    rig.stop(1, nodes, 10_000);
    // A third of 9 s is the last one's, and a tenth of that is for its abort.
    assert_eq!(rig.wake, Some(at(2_700)));
    assert_eq!(rig.tick(2_700), [Abort(4)]);
    assert_eq!(rig.tick(2_750), [Ended(4), Hook(3)]);
    assert_eq!(rig.end(4), End::Stuck);
    // Half of what is left, less a tenth of that.
    assert_eq!(rig.wake, Some(at(2_750) + std::time::Duration::from_micros(2_812_500)));
    assert_eq!(rig.now(3_100).done(3), [Ended(3), Hook(2)]);
    assert_eq!(rig.wake, Some(at(9_000)), "what one leaves over is the next one's");
    assert_eq!(rig.done(2), [Ended(2), Hook(1)]);
    assert_eq!(rig.done(1), [Ended(1), Finished(0)]);
    assert!([1, 2, 3].iter().all(|key| rig.end(*key) == End::Clean));
}

#[test]
fn what_is_stuck_past_its_own_time_costs_the_others_no_hook() {
    let mut rig = Rig::default();
    let nodes =
        vec![node(1, None), node(2, 1), fixed(3, 2), node(4, 2).within(500).busy(), node(5, 4).busy()];
    assert_eq!(rig.stop(1, nodes, 10_000), []);
    assert_eq!(rig.tick(500), [Abort(4)]);
    assert_eq!(rig.tick(1_499), []);
    assert_eq!(rig.tick(1_500), [], "it waits for its child");
    assert_eq!(rig.turn(5, TurnEnd::Dropped), [Ended(5), Ended(4), Hook(3)]);
    assert_eq!(rig.done(3), [Ended(3), Hook(2)]);
    assert_eq!(rig.done(2), [Ended(2), Hook(1)]);
    assert_eq!(rig.done(1), [Ended(1), Finished(0)]);
    assert_eq!([1, 2, 3, 4].map(|key| rig.end(key)), [End::Clean, End::Clean, End::Clean, End::Stuck]);
}

#[test]
fn what_comes_back_while_its_children_end_is_not_stuck() {
    for (end, then) in [(TurnEnd::Returned, Hook(1)), (TurnEnd::Dropped, Ended(1))] {
        let mut rig = Rig::default();
        rig.stop(1, vec![node(1, None).within(100).busy(), node(2, 1).busy()], 10_000);
        rig.tick(100);
        assert_eq!(rig.tick(1_100), []);
        assert_eq!(rig.turn(1, end), []);
        assert_eq!(rig.turn(2, TurnEnd::Dropped)[..2], [Ended(2), then]);
    }
}

#[test]
fn what_a_brutal_spec_cuts_is_not_waited_for_until_the_deadline() {
    let mut rig = Rig::default();
    let nodes = vec![node(1, None).brutal().busy(), node(2, 1).brutal().busy()];
    assert_eq!(rig.stop(1, nodes, 10_000), [Abort(1), Abort(2)]);
    assert_eq!(rig.tick(1_000), [Ended(2), Ended(1), Finished(0)]);
}

#[test]
fn a_part_that_is_cut_late_has_time_to_confirm_it() {
    let mut rig = Rig::default();
    let nodes = vec![node(1, None), fixed(2, 1), fixed(3, 1).busy(), node(4, 3).busy()];
    rig.stop(1, nodes, 10_000);
    assert_eq!(rig.tick(5_000), [Abort(3), Abort(4)], "its part ended at 4,500");
    assert_eq!(rig.wake, Some(at(5_050)));
    assert_eq!(rig.turn(4, TurnEnd::Dropped), [Ended(4)]);
    assert_eq!(rig.tick(5_050), [Ended(3), Hook(2)]);
    assert_eq!((rig.end(4), rig.end(3)), (End::Aborted, End::Stuck));
}

#[test]
fn a_subtree_has_the_limits_of_its_ordered_root() {
    let mut rig = Rig::default();
    let nodes = vec![node(1, None), fixed(2, 1), fixed(3, 1), node(4, 3), node(5, 4)];
    assert_eq!(rig.stop(1, nodes, 2_000), [Hook(5)]);
    assert_eq!(rig.tick(810), [Abort(5)]);
    assert_eq!(rig.tick(860), [Ended(5), Hook(4)]);
    // They are late: who is not done at once is cut.
    assert_eq!(rig.done(4), [Ended(4), Hook(3)]);
    assert_eq!(rig.tick(861), [Abort(3)]);
    assert_eq!(rig.hook(3, crate::decide::stopping::HookEnd::Dropped), [Ended(3), Hook(2)]);
    assert_eq!(rig.wake, Some(at(1_800)), "the next has the time of the whole");
    assert_eq!([5, 4, 3].map(|key| rig.end(key)), [End::Stuck, End::Clean, End::Aborted]);
}

#[test]
fn nobody_is_cut_for_want_of_a_thread_before_the_stop_is_over() {
    let mut rig = Rig::default();
    let nodes = vec![node(1, None), fixed(2, 1).within(100), fixed(3, 1).within(100), node(4, 3).within(100)];
    rig.waiting.extend([1, 2, 3, 4]);
    assert_eq!(rig.stop(1, nodes, 10_000), [Hook(4)]);
    assert_eq!(rig.tick(1_000), [], "its own time has not begun");
    assert_eq!(rig.tick(5_000), [], "the part of both is over, and neither was at work");
    assert_eq!(rig.done(4), [Ended(4), Hook(3)]);
    assert_eq!(rig.tick(5_500), []);
    assert_eq!(rig.done(3), [Ended(3), Hook(2)]);
    assert_eq!(rig.tick(8_999), []);
    assert_eq!(rig.done(2), [Ended(2), Hook(1)]);
    assert_eq!(rig.tick(9_000), [Abort(1)], "the stop's own limit");
    assert_eq!(rig.tick(9_999), []);
    assert_eq!(rig.tick(10_000), [Ended(1), Finished(0)]);
    assert_eq!([4, 3, 2, 1].map(|key| rig.end(key)), [End::Clean, End::Clean, End::Clean, End::Stuck]);
}

#[test]
fn a_runner_without_a_turn_is_waited_for_unless_it_blocks_its_thread() {
    for waits in [true, false] {
        let mut rig = Rig::default();
        rig.waiting.extend(waits.then_some(3));
        let nodes = vec![node(1, None), fixed(2, 1), fixed(3, 1).within(100).open()];
        assert_eq!(rig.stop(1, nodes, 10_000), []);
        let did = rig.tick(100);
        if waits {
            assert_eq!(did, []);
            assert_eq!(rig.tick(8_000), [], "its part is over, and it was not at work");
            assert_eq!(rig.turn(3, TurnEnd::Returned), [Hook(3)]);
        } else {
            assert_eq!(did, [Abort(3)]);
            assert_eq!(rig.turn(3, TurnEnd::Dropped), [Ended(3), Hook(2)]);
        }
    }
}

#[test]
fn what_no_thread_has_come_to_drop_is_not_stuck_while_there_is_time() {
    let mut rig = Rig::default();
    rig.waiting.insert(1);
    rig.stop(1, vec![node(1, None).within(100).busy()], 10_000);
    assert_eq!(rig.tick(100), [Abort(1)]);
    for later in [1_100, 2_000, 8_000] {
        assert_eq!(rig.tick(later), []);
    }
    assert_eq!(rig.turn(1, TurnEnd::Dropped), [Ended(1), Finished(0)]);
    assert_eq!(rig.end(1), End::Aborted);
}

#[test]
fn a_hook_gets_the_smaller_of_its_own_time_and_what_is_left() {
    let until = |shutdown| {
        let mut out = Vec::new();
        let nodes = vec![crate::decide::stopping::Node { shutdown, ..node(1, None) }];
        let request = Notice::Request { request: 0, root: 1, nodes, deadline: at(1_000), brutal: false };
        StopPlan::new().step(request, at(0), &mut out);
        match out.first() {
            Some(Command::Hook { until, .. }) => Some(*until),
            _ => None,
        }
    };
    let within = |millis| until(Shutdown::within(std::time::Duration::from_millis(millis)));
    assert_eq!(within(300), Some(at(300)));
    assert_eq!(within(5_000), Some(at(900)));
    assert_eq!(until(Shutdown::UntilDeadline), Some(at(900)));
    assert_eq!(within(0), None, "a hook without time is not begun");
    assert_eq!(until(Shutdown::Brutal), None);
}

#[test]
fn a_chain_of_only_children_loses_no_time_at_its_levels() {
    let mut rig = Rig::default();
    let nodes = (1..=1_000).map(|key| if key == 1 { node(1, None) } else { fixed(key, key - 1) });
    assert_eq!(rig.stop(1, nodes.collect(), 1_000), [Hook(1_000)]);
    assert_eq!(rig.wake, Some(at(900)));
}

#[test]
fn when_it_wants_to_be_woken_is_said_when_that_changes_and_no_more() {
    let (mut plan, mut out) = (StopPlan::new(), Vec::new());
    let nodes = vec![node(1, None).busy()];
    plan.step(
        Notice::Request { request: 0, root: 1, nodes, deadline: at(1_000), brutal: false },
        at(0),
        &mut out,
    );
    assert_eq!(out, [Command::WakeAt(at(900))]);
    out.clear();
    plan.step(Notice::TurnEnded { key: 7, end: TurnEnd::Returned }, at(1), &mut out);
    assert_eq!(out, []);
}

#[test]
fn a_hook_has_its_own_time_to_confirm_after_a_turn_that_had_its() {
    let mut rig = Rig::default();
    rig.stop(1, vec![node(1, None).within(500).busy()], 10_000);
    assert_eq!(rig.tick(500), [Abort(1)]);
    assert_eq!(rig.now(600).turn(1, TurnEnd::Returned), [Hook(1)]);
    assert_eq!(rig.tick(1_100), [Abort(1)]);
    assert_eq!(rig.tick(1_600), [], "the turn's would have been over");
    assert_eq!(rig.tick(2_100), [Ended(1), Finished(0)]);
    assert_eq!((rig.end(1), rig.fault(1)), (End::Stuck, Some(HookFault::Hung)));
}
