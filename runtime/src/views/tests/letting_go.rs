//! What a snapshot lets go of, and that all the rest stays as it was.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::history::histories;
use super::written_and_read;
use crate::views::bill::Bill;
use crate::views::{Costs, Fold, Metered, Snapshot, States, TaskState, Tasks, Tree};
use crate::words::event::Event;
use crate::words::id::AgentId;

/// The snapshot at a cut, gone on from with the rest.
fn cut_and_on(events: &[Event], cut: usize) -> Snapshot {
    let mut snapshot = Snapshot::default();
    for event in &events[..cut] {
        snapshot.cut(event);
    }
    let mut snapshot = written_and_read(&snapshot);
    for event in &events[cut..] {
        snapshot.apply(event);
    }
    snapshot
}

/// Agents that had not ended for good by a cut.
fn standing(events: &[Event], cut: usize) -> BTreeSet<AgentId> {
    let freed: Vec<_> =
        events[..cut].iter().filter(|event| event.what.frees()).map(|event| &event.agent).collect();
    let stands = |id: &AgentId| id.parent().is_none() || !freed.iter().any(|freed| id.is_within(freed));
    events.iter().map(|event| event.agent.clone()).filter(stands).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn all_that_stands_is_as_if_nothing_had_been_let_go(
        events in histories(200),
        cut in prop::sample::Index::arbitrary(),
    ) {
        let cut = cut.index(events.len());
        let snapshot = cut_and_on(&events, cut);
        let (tree, costs, states) = (Tree::of(&events), Costs::of(&events), States::of(&events));
        let rows: BTreeSet<_> = snapshot.tree.iter().map(|(_, row)| row.id.clone()).collect();
        let root = AgentId::root("s");
        // The root's own row stays, whatever has become of it.
        let (stands, folded) = (standing(&events, cut), snapshot.states());
        prop_assert_eq!(&rows, &stands);
        for id in &rows {
            let (had, has) = (tree.get(id).unwrap(), snapshot.tree.get(id).unwrap());
            prop_assert_eq!((had.state(), had.doing(), had.incarnation), (has.state(), has.doing(), has.incarnation));
            prop_assert_eq!(folded.get(id), states.get(id));
            prop_assert_eq!(snapshot.costs.own(id), costs.own(id));
            prop_assert_eq!(snapshot.costs.subtree(id), costs.subtree(id));
        }
        let breakdown = snapshot.costs.breakdown(&root);
        let (mut bill, mut agents) = (Bill::default(), 0);
        for row in &breakdown.rows {
            bill += row.own;
            bill += row.freed.bill;
            agents += 1 + row.freed.agents;
        }
        let top = breakdown.top().unwrap();
        prop_assert_eq!((top.subtree, top.agents), (bill, agents));
        prop_assert_eq!(snapshot.costs.total(), costs.total());
        prop_assert_eq!(agents, tree.iter().count());
        prop_assert_eq!(snapshot.tree.iter().map(|(_, row)| 1 + row.freed).sum::<usize>(), agents);
    }

    #[test]
    fn tasks_without_an_outcome_are_kept_and_no_others(
        events in histories(200),
        cut in prop::sample::Index::arbitrary(),
    ) {
        let cut = cut.index(events.len());
        let kept = cut_and_on(&events, cut).tasks;
        let (then, now) = (Tasks::of(&events[..cut]), Tasks::of(&events));
        for row in now.iter() {
            let was_over = then.get(&row.id).is_some_and(|row| matches!(row.state, TaskState::Ended(_)));
            prop_assert_eq!(kept.get(&row.id), (!was_over).then_some(row));
        }
        prop_assert_eq!(kept.iter().count() + then.iter().filter(|row| row.ended.is_some()).count(), now.iter().count());
        prop_assert_eq!(kept.faults(), []);
    }

    #[test]
    fn a_view_of_now_lets_go_later_of_the_same(events in histories(200), cut in prop::sample::Index::arbitrary()) {
        let cut = cut.index(events.len());
        let (mut tree, mut costs, metered) = (Tree::of(&events), Costs::of(&events), Metered::of(&events));
        let mut snapshot = Snapshot::default();
        for event in &events[..cut] {
            if snapshot.cut(event) {
                tree.forget(&event.agent);
                costs.forget(&event.agent);
            }
        }
        let snapshot = cut_and_on(&events, cut);
        prop_assert_eq!((tree, costs, metered), (snapshot.tree, snapshot.costs, snapshot.metered));
    }

    #[test]
    fn every_fold_lets_go_of_a_whole_subtree(events in histories(120), which in prop::sample::Index::arbitrary()) {
        let id = events[which.index(events.len())].agent.clone();
        let (mut states, mut timeline) = (States::of(&events), crate::views::Timeline::of(&events));
        states.forget(&id);
        timeline.forget(&id);
        let left: BTreeSet<_> = states.iter().map(|(id, _)| id.clone()).collect();
        let stay: BTreeSet<_> = events.iter().map(|event| event.agent.clone())
            .filter(|other| id.parent().is_none() || !other.is_within(&id)).collect();
        prop_assert_eq!(&left, &stay);
        prop_assert_eq!(timeline.iter().map(|(id, _)| id.clone()).collect::<BTreeSet<_>>(), stay);
    }
}
