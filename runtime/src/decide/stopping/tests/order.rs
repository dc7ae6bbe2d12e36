//! Who comes when.

use super::rig::{Ended, Finished, Hook, Rig, at, fixed, node};
use crate::decide::stopping::{Command, Node, Notice, StopPlan, TurnEnd};
use crate::words::ends::End;
use crate::words::time::Time;

#[test]
fn children_stop_before_their_parent() {
    let mut rig = Rig::default();
    assert_eq!(rig.stop(1, vec![node(1, None), node(2, 1), node(3, 2)], 1_000), [Hook(3)]);
    assert_eq!(rig.done(3), [Ended(3), Hook(2)]);
    assert_eq!(rig.done(2), [Ended(2), Hook(1)]);
    assert_eq!(rig.done(1), [Ended(1), Finished(0)]);
    assert!(rig.plan.is_empty() && rig.rows.iter().all(|row| row.end == End::Clean));
}

#[test]
fn static_children_stop_one_by_one_in_reverse_start_order() {
    let mut rig = Rig::default();
    let nodes = vec![node(1, None), fixed(2, 1), fixed(3, 1), node(4, 3), fixed(5, 1)];
    assert_eq!(rig.stop(1, nodes, 1_000), [Hook(5)]);
    assert_eq!(
        rig.done(5),
        [Ended(5), Hook(4)],
        "a sibling's whole subtree opens when the later one has ended"
    );
    assert_eq!(rig.done(4), [Ended(4), Hook(3)]);
    assert_eq!(rig.done(3), [Ended(3), Hook(2)]);
}

#[test]
fn dynamic_children_stop_all_at_once_and_before_static_ones() {
    let mut rig = Rig::default();
    let nodes = vec![node(1, None), fixed(2, 1), node(3, 1), node(4, 1)];
    assert_eq!(rig.stop(1, nodes, 1_000), [Hook(3), Hook(4)]);
    assert_eq!(rig.done(4), [Ended(4)]);
    assert_eq!(rig.done(3), [Ended(3), Hook(2)]);
}

#[test]
fn what_has_no_hook_ends_as_soon_as_its_children_have() {
    let mut rig = Rig::default();
    let nodes = vec![node(1, None).without_hook(), node(2, 1), fixed(3, 1).without_hook()];
    assert_eq!(rig.stop(1, nodes, 1_000), [Hook(2)]);
    assert_eq!(rig.done(2), [Ended(2), Ended(3), Ended(1), Finished(0)]);
    assert_eq!(rig.end(1), End::Clean);
}

#[test]
fn a_stop_of_what_has_ended_already_finishes_with_no_rows() {
    let mut rig = Rig::default();
    assert_eq!(rig.stop(7, vec![], 1_000), [Finished(0)]);
    assert!(rig.named(0).is_empty() && rig.wake.is_none());
}

/// Stops a tree whose hooks are done at once; gives how many ended.
fn stop_all(nodes: Vec<Node>) -> usize {
    let mut plan = StopPlan::new();
    let mut ended = 0;
    let request = Notice::Request { request: 0, root: 1, nodes, deadline: Time::NEVER, brutal: false };
    let mut inputs = vec![request];
    let mut out = Vec::new();
    while let Some(input) = inputs.pop() {
        plan.step(input, Time::ZERO, &mut out);
        for action in out.drain(..) {
            match action {
                Command::Hook { key, .. } => inputs.push(Notice::TurnEnded { key, end: TurnEnd::Exited }),
                Command::Ended(_) => ended += 1,
                _ => {}
            }
        }
    }
    assert!(plan.is_empty());
    ended
}

#[test]
fn a_chain_of_10_000_levels_does_not_overflow_the_stack() {
    let chain = |ordered| {
        (1..=10_000).map(move |key| Node { ordered, ..node(key, (key > 1).then(|| key - 1)) }).collect()
    };
    let on_a_small_stack = move || (stop_all(chain(true)), stop_all(chain(false)));
    let thread = std::thread::Builder::new().stack_size(128 << 10).spawn(on_a_small_stack).unwrap();
    assert_eq!(thread.join().unwrap(), (10_000, 10_000));
}

#[test]
fn a_deep_tree_that_hangs_is_given_up_without_delay() {
    // At each level a leaf, and after it in start order the way down; all hang.
    let level = |key: u64| match key {
        1 => node(1, None),
        _ => fixed(key, (key - 2) | 1).busy(),
    };
    let mut plan = StopPlan::new();
    let mut out = Vec::new();
    let nodes = (1..=20_000).map(level).collect();
    let deadline = at(10_000);
    plan.step(Notice::Request { request: 0, root: 1, nodes, deadline, brutal: false }, Time::ZERO, &mut out);
    while let Some(wake) = plan.next_wake() {
        assert!(wake <= deadline);
        plan.step(Notice::Tick, wake, &mut out);
    }
    let stuck = |action: &&Command| matches!(action, Command::Ended(row) if row.end == End::Stuck);
    assert_eq!(out.iter().filter(stuck).count(), 19_999);
    assert!(plan.is_empty());
}

#[test]
fn a_hundred_thousand_children_are_no_worse_than_a_thousand_each() {
    let flat = |count: u64, ordered| {
        let nodes = (1..=count).map(|key| Node { ordered, ..node(key, (key > 1).then_some(1)) }).collect();
        assert_eq!(stop_all(nodes) as u64, count);
    };
    // Work per child grows with the logarithm. A quadratic plan would take minutes here.
    flat(100_000, true);
    flat(100_000, false);
}
