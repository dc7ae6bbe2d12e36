//! Every pattern is somebody's answer, and whatever is answered has one.

use std::collections::BTreeSet;

use super::choose::{Pattern, choose};
use super::questions::{Work, complete};
use super::{Which, answer};
use crate::args::{Goal, Order, Who};

fn all() -> impl Iterator<Item = Work> {
    let orders = [Order::None, Order::Chain, Order::Some, Order::Found];
    let goals = [Goal::Rows, Goal::One, Goal::Choice, Goal::Opinions, Goal::Draft];
    let who = [Who::Same, Who::Roles, Who::Ways, Who::Hands, Who::People];
    let sizes = [0, 1, 2, 8, 9, 500, 501, u64::MAX / 4];
    let works = orders.into_iter().flat_map(move |order| goals.into_iter().map(move |goal| (order, goal)));
    let works = works.flat_map(move |work| who.into_iter().map(move |who| (work, who)));
    let works = works.flat_map(move |work| sizes.into_iter().map(move |pieces| (work, pieces)));
    let works = works.flat_map(|work| [false, true].into_iter().map(move |splits| (work, splits)));
    works.flat_map(|((((order, goal), who), pieces), splits)| {
        [0, 4, 5].into_iter().map(move |minutes| Work { minutes, pieces, order, goal, who, splits })
    })
}

#[test]
fn every_pattern_is_an_answer_and_every_question_has_one() {
    let chosen: BTreeSet<_> = all().map(|work| choose(&work).pattern).collect();
    assert_eq!(chosen.into_iter().collect::<Vec<_>>(), Pattern::ALL);
}

#[test]
fn the_tree_of_the_guide_is_the_tree_of_the_command() {
    let work =
        Work { minutes: 60, pieces: 20, order: Order::None, goal: Goal::Rows, who: Who::Same, splits: false };
    for (work, pattern) in [
        (Work { minutes: 4, pieces: 1, ..work }, Pattern::Inline),
        (work, Pattern::FanOut),
        (Work { pieces: 10_000, ..work }, Pattern::Queue),
        (Work { order: Order::Chain, ..work }, Pattern::Pipeline),
        (Work { order: Order::Some, ..work }, Pattern::Waves),
        (Work { order: Order::Found, ..work }, Pattern::Supervise),
        (Work { goal: Goal::One, ..work }, Pattern::MapReduce),
        (Work { goal: Goal::Opinions, ..work }, Pattern::Council),
        (Work { goal: Goal::Opinions, who: Who::Roles, ..work }, Pattern::Panel),
        (Work { splits: true, ..work }, Pattern::Delegate),
    ] {
        assert_eq!(choose(&work).pattern, pattern, "{work:?}");
    }
}

#[test]
fn the_answer_has_its_reason_its_cost_and_the_lines_to_start_from() {
    let work =
        Work { minutes: 60, pieces: 50, order: Order::None, goal: Goal::One, who: Who::Same, splits: false };
    let text = answer(&choose(&work));
    let (first, rest) = text.split_once('\n').unwrap();
    assert_eq!(
        first,
        "map_reduce: the pieces are independent, and their results are too many for one agent to read together"
    );
    assert!(
        rest.contains("Cost: 50 calls for the pieces on a cheap model, and 7 calls to put eight together"),
        "{rest}"
    );
    assert!(rest.contains("map_reduce(swarm"), "{rest}");
    for pattern in Pattern::ALL.into_iter().skip(1) {
        assert!(pattern.starter().contains(&format!("{}(", pattern.name())), "{pattern:?}");
    }
}

#[test]
fn what_is_not_answered_and_cannot_be_asked_is_named() {
    let options = Which {
        minutes: Some(3),
        pieces: None,
        order: None,
        goal: Some(Goal::Rows),
        who: None,
        splits: None,
    };
    let error = complete(options, None).unwrap_err();
    assert!(error.starts_with("not answered: --pieces, --order, --who, --splits;"), "{error}");
}
