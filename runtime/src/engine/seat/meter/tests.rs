//! What a meter admits and counts.

mod race;

use super::*;
use crate::words::budget::Budget;
use crate::words::error::Advice;
use crate::words::event::{EffectEnd, Role};
use crate::words::room::Bound;
use crate::words::state::StopReason;
use crate::words::window::Window;

const WALL: Duration = Duration::ZERO;

fn calls(count: u64) -> What {
    What::EffectBegan { effect: 1, kind: "call".into(), reserved: Usage::calls(count), on: None }
}

fn settled(used: u64, reserved: u64) -> What {
    let (used, reserved) = (Usage::calls(used), Usage::calls(reserved));
    What::EffectEnded { effect: 1, end: EffectEnd::Done, used, reserved, estimated: false, late: false }
}

fn spawned() -> What {
    What::AgentSpawned {
        name: "a".into(),
        agent_type: "A".into(),
        role: Role::Dynamic,
        budget: None,
        grants: None,
        ceiling: None,
    }
}

fn limits(budget: &Budget) -> Limits {
    budget.check().unwrap()
}

#[test]
fn an_effect_is_reserved_and_settled_at_every_ancestor() {
    let root = Meter::root(AgentId::root("s"), limits(&Budget::new().calls(10).warn_at(500)));
    let middle = Meter::child(&root, root.id().child(1), Limits::default());
    let leaf = Meter::child(&middle, middle.id().child(1), Limits::default());

    assert_eq!(leaf.apply(&calls(4), WALL), []);
    assert_eq!(root.subtree().reserved, Usage::calls(4));
    let refusal = middle.admit(Some(&Usage::calls(7)), WALL).unwrap_err();
    assert_eq!((refusal.ancestor, refusal.amount, refusal.left), (root.id().clone(), Amount::Calls, 6));

    let warned = leaf.apply(&settled(5, 4), WALL);
    assert_eq!(warned, [Warning { agent: root.id().clone(), permille: 500 }]);
    assert_eq!(leaf.apply(&settled(1, 0), WALL), [], "a share is passed once");
    for meter in [&leaf, &middle, &root] {
        assert_eq!(meter.subtree(), Balance { spent: Usage::calls(6), reserved: Usage::ZERO });
    }
    assert_eq!((leaf.own().spent, root.own().spent), (Usage::calls(6), Usage::ZERO));
}

#[test]
fn depth_and_living_agents_are_counted_from_the_budget_and_without_scopes() {
    let root = Meter::root(AgentId::root("s"), limits(&Budget::new().depth(2).live_agents(2)));
    let scope = Meter::scope(&root, root.id().child(1), Limits::default());
    let child = Meter::child(&scope, scope.id().child(1), Limits::default());
    let grandchild = Meter::child(&child, child.id().child(1), Limits::default());
    for meter in [&scope, &child] {
        meter.admit_spawn(Crew::ONE).unwrap();
        let _ = meter.apply(&spawned(), WALL);
    }
    assert_eq!((root.live_agents(), scope.live_agents(), child.live_agents()), (Some(1), Some(1), Some(0)));
    let no_room = |bound, limit| Err(NoRoom { ancestor: root.id().clone(), bound, limit });

    assert_eq!(grandchild.admit_spawn(Crew::ONE), no_room(Bound::Depth, 2));
    assert_eq!(scope.admit_spawn(Crew { agents: 1, levels: 3 }), no_room(Bound::Depth, 2));
    assert_eq!(scope.admit_spawn(Crew { agents: 2, levels: 2 }), no_room(Bound::LiveAgents, 2));
    scope.admit_spawn(Crew::ONE).unwrap();

    let _ = grandchild.apply(&spawned(), WALL);
    assert_eq!(child.admit_spawn(Crew::ONE), no_room(Bound::LiveAgents, 2));
    let _ = grandchild
        .apply(&What::AgentStopped { reason: StopReason::Done, end: None, spec_stands: false }, WALL);
    child.admit_spawn(Crew::ONE).unwrap();
    let _ =
        scope.apply(&What::AgentStopped { reason: StopReason::Done, end: None, spec_stands: false }, WALL);
    assert_eq!(root.live_agents(), Some(1), "a scope's own end is nobody's");
}

#[test]
fn levels_are_counted_from_whoever_bounds_them() {
    let root = Meter::root(AgentId::root("s"), Limits::default());
    let middle = Meter::child(&root, root.id().child(1), Limits::default());
    let bounded = Meter::child(&middle, middle.id().child(1), limits(&Budget::new().depth(1)));
    assert_eq!((root.depth(), middle.depth(), bounded.depth()), (0, 1, 2));
    bounded.admit_spawn(Crew::ONE).unwrap();
    assert!(bounded.admit_spawn(Crew { agents: 2, levels: 2 }).is_err());
}

#[test]
fn what_is_granted_is_there_for_the_next_effect() {
    let root = Meter::root(AgentId::root("s"), limits(&Budget::new().calls(1)));
    root.admit(Some(&Usage::calls(3)), WALL).unwrap_err();
    let _ = root.apply(&What::BudgetGranted { more: Box::new(Budget::new().calls(2)) }, WALL);
    root.admit(Some(&Usage::calls(3)), WALL).unwrap();
    assert_eq!(root.spending(), None, "it has no window");
}

#[test]
fn children_are_those_of_its_scopes_too_and_nobody_elses() {
    let most = Limits { max_children: Some(2), on_refusal: OnRefusal::Warn, ..Limits::default() };
    let root = Meter::root(AgentId::root("s"), Limits::default());
    let parent = Meter::child(&root, root.id().child(1), most);
    let scope = Meter::scope(&parent, parent.id().child(1), Limits::default());
    let inner = Meter::scope(&scope, scope.id().child(1), Limits::default());
    let first = Meter::child(&parent, parent.id().child(2), Limits::default());
    let second = Meter::child(&inner, inner.id().child(1), Limits::default());
    let below = Meter::child(&first, first.id().child(1), Limits::default());
    for meter in [&parent, &scope, &inner, &first, &below] {
        let _ = meter.apply(&spawned(), WALL);
    }
    inner.admit_spawn(Crew { agents: 9, levels: 3 }).unwrap();
    let _ = second.apply(&spawned(), WALL);
    for place in [&parent, &scope, &inner] {
        let no_room = NoRoom { ancestor: parent.id().clone(), bound: Bound::Children, limit: 2 };
        assert_eq!(place.admit_spawn(Crew::ONE), Err(no_room));
    }
    first.admit_spawn(Crew::ONE).unwrap();
    let _ =
        second.apply(&What::AgentStopped { reason: StopReason::Done, end: None, spec_stands: false }, WALL);
    scope.admit_spawn(Crew::ONE).unwrap();
    assert!(parent.admit_declared(Crew { agents: 3, levels: 1 }, 3).is_err());
    parent.admit_declared(Crew { agents: 3, levels: 2 }, 2).unwrap();
}

#[test]
fn a_mark_refuses_nothing_and_warns_when_it_is_reached() {
    let root = Meter::root(AgentId::root("s"), limits(&Budget::new().calls(2).on_refusal(OnRefusal::Warn)));
    assert_eq!(root.admit(Some(&Usage::calls(3)), WALL), Ok(()));
    let _ = root.apply(&calls(3), WALL);
    assert_eq!(root.apply(&settled(3, 3), WALL), [Warning { agent: root.id().clone(), permille: 1000 }]);
    assert_eq!(root.admit(None, WALL), Ok(()));
}

#[test]
fn a_window_that_has_turned_has_room_again_and_says_when_it_does() {
    let every = Budget::new().calls(10).warn_at(500).every(Duration::from_secs(60));
    let root = Meter::root(AgentId::root("s"), limits(&every));
    let leaf = Meter::child(&root, root.id().child(1), Limits::default());
    let at = |seconds: u64| Duration::from_secs(600 + seconds);
    let numbered = |effect, what: What| match what {
        What::EffectBegan { kind, reserved, .. } => What::EffectBegan { effect, kind, reserved, on: None },
        What::EffectEnded { end, used, reserved, estimated, late, .. } => {
            What::EffectEnded { effect, end, used, reserved, estimated, late }
        }
        other => other,
    };
    let _ = leaf.apply(&numbered(1, calls(6)), at(10));
    assert_eq!(root.spending().unwrap().at(at(10)).reserved, Usage::calls(6));
    let _ = leaf.apply(&numbered(2, calls(4)), at(50));
    let refusal = leaf.admit(Some(&Usage::calls(1)), at(55)).unwrap_err();
    assert_eq!((refusal.left, refusal.turns_in), (0, None));
    assert_eq!(
        refusal.advice(),
        Advice::After(Duration::from_secs(1)),
        "what is reserved may come back before"
    );
    let refusal = leaf.admit(Some(&Usage::calls(11)), at(55)).unwrap_err();
    assert_eq!((refusal.turns_in, refusal.advice()), (None, Advice::Never), "that would never fit");

    let warned = leaf.apply(&numbered(1, settled(6, 6)), at(56));
    assert_eq!(warned.len(), 1);
    leaf.admit(Some(&Usage::calls(10)), at(60)).unwrap();
    // What began before the turn is settled there, whatever it comes to.
    let _ = leaf.apply(&numbered(3, calls(3)), at(61));
    assert_eq!(leaf.apply(&numbered(2, settled(40, 4)), at(62)), []);
    leaf.admit(Some(&Usage::calls(7)), at(63)).unwrap();
    leaf.admit(Some(&Usage::calls(8)), at(63)).unwrap_err();
    assert_eq!(root.subtree(), Balance { spent: Usage::calls(46), reserved: Usage::calls(3) });
    assert_eq!(leaf.apply(&numbered(3, settled(5, 3)), at(64)).len(), 1, "a share is passed once a window");
}

#[test]
fn who_said_free_and_bills_shuts_every_budget_of_that_until_a_grant_or_the_next_window() {
    let root = Meter::root(AgentId::root("s"), limits(&Budget::usd("100")));
    let daily = Meter::child(&root, root.id().child(1), limits(&Budget::usd("100").per(Window::Day)));
    let calls = Meter::child(&daily, daily.id().child(1), limits(&Budget::new().calls(9)));
    let over = Usage::money(crate::words::money::NanoUsd(1));
    let _ = calls.apply(&What::Overrun { effect: 1, over, free: false }, WALL);
    calls.admit(Some(&Usage::ZERO), WALL).unwrap();
    let _ = calls.apply(&What::Overrun { effect: 1, over, free: true }, WALL);
    let refused = |wall| calls.admit(Some(&Usage::ZERO), wall).unwrap_err();
    let day = Duration::from_secs(24 * 3_600);
    assert!(refused(WALL).is_closed() && refused(WALL).ancestor == *daily.id());
    assert_eq!((refused(WALL).advice(), refused(day).advice()), (Advice::Never, Advice::Never));
    let _ = root.apply(&What::BudgetGranted { more: Box::default() }, WALL);
    assert_eq!(refused(WALL).advice(), Advice::After(day));
    calls.admit(Some(&Usage::ZERO), day).unwrap();
}

#[test]
fn the_nearest_budget_refuses_and_the_slowest_says_when_to_come_again() {
    let root =
        Meter::root(AgentId::root("s"), limits(&Budget::new().calls(5).every(Duration::from_secs(60))));
    let leaf = Meter::child(&root, root.id().child(1), limits(&Budget::new().calls(4)));
    let _ = leaf.apply(&calls(3), WALL);
    let refused = |worst| leaf.admit(Some(&Usage::calls(worst)), WALL).unwrap_err();
    assert_eq!(
        (&refused(2).ancestor, refused(2).advice()),
        (leaf.id(), Advice::After(Duration::from_secs(1)))
    );
    let _ = root.apply(&settled(4, 0), WALL);
    assert_eq!(
        (&refused(2).ancestor, refused(2).advice()),
        (leaf.id(), Advice::After(Duration::from_secs(60)))
    );
    assert_eq!(refused(5).advice(), Advice::Never, "it is more than the leaf may ever have");
}

#[test]
fn an_idle_agents_meter_is_small() {
    assert!(size_of::<Meter>() <= 64, "{} bytes", size_of::<Meter>());
}

#[test]
fn a_very_deep_chain_is_let_go_without_recursion() {
    let mut meter = Meter::root(AgentId::root("s"), Limits::default());
    for _ in 0..200_000 {
        meter = Meter::child(&meter, AgentId::root("s"), Limits::default());
    }
    drop(meter);
}
