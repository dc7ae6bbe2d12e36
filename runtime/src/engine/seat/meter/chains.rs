//! Meters of long chains: who lives is counted where it can matter, in a time that grows with the chain.

use super::*;
use crate::words::budget::Budget;
use crate::words::event::Role;
use crate::words::room::Bound;
use crate::words::state::StopReason;

const WALL: Duration = Duration::ZERO;

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

thread_local! {
    static STEPS: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// A meter was looked at on the way up.
pub(super) fn step() {
    STEPS.set(STEPS.get() + 1);
}

#[test]
fn a_chain_of_agents_comes_and_goes_in_a_time_that_grows_with_it_and_not_with_its_square() {
    let stopped = What::AgentStopped { reason: StopReason::Done, end: None, spec_stands: false };
    let steps = |length: u32| {
        STEPS.set(0);
        let root = Meter::root(AgentId::root("s"), Limits { max_depth: Some(5_000), ..Limits::default() });
        let mut chain = vec![Arc::clone(&root)];
        let crew = Crew { agents: 1, levels: 1 };
        for _ in 0..length {
            let parent = &chain[chain.len() - 1];
            parent.admit_spawn(crew).unwrap();
            // The id is that of another: here its length is not what is counted.
            let meter = Meter::child(parent, root.id().child(1), Limits::default());
            assert_eq!(meter.apply(&spawned(), WALL), []);
            chain.push(meter);
        }
        assert_eq!((root.live_agents(), chain[16].live_agents()), (Some(length), Some(length - 16)));
        assert_eq!((chain[17].live_agents(), chain[17].children.load(Relaxed)), (None, 1));
        while chain.len() > 1 {
            let meter = chain.pop().unwrap();
            meter.admit(None, WALL).unwrap();
            assert_eq!(meter.apply(&stopped, WALL), []);
        }
        assert_eq!((root.live_agents(), root.children.load(Relaxed)), (Some(0), 0));
        STEPS.get()
    };
    let (short, long) = (steps(1_000), steps(4_000));
    assert!(long <= short * 5, "{short} steps for a thousand, {long} for four");
}

#[test]
fn bounds_hold_deep_down_in_a_chain_too() {
    let root = Meter::root(AgentId::root("s"), Limits { max_depth: Some(100), ..Limits::default() });
    let mut chain = vec![root];
    for level in 1..=60_u32 {
        let parent = &chain[chain.len() - 1];
        let own = if level == 40 {
            Budget::new().live_agents(20).depth(20).calls(3).check().unwrap()
        } else {
            Limits::default()
        };
        let meter = Meter::child(parent, parent.id().child(1), own);
        assert_eq!(meter.apply(&spawned(), WALL), []);
        chain.push(meter);
    }
    let crew = Crew { agents: 1, levels: 1 };
    assert_eq!(chain[60].admit_spawn(crew).unwrap_err().ancestor, *chain[40].id());
    assert_eq!(chain[50].admit_spawn(crew).unwrap_err().bound, Bound::LiveAgents);
    assert_eq!(chain[30].admit_spawn(crew), Ok(()));
    assert!(
        chain[60].admit(Some(&Usage::calls(4)), WALL).is_err()
            && chain[39].admit(Some(&Usage::calls(4)), WALL).is_ok()
    );
    assert_eq!(
        (chain[40].live_agents(), chain[39].live_agents(), chain[0].live_agents()),
        (Some(20), None, Some(60))
    );
    let top = chain.swap_remove(0);
    drop(chain);
    drop(top);
}
