//! Pauses over random trees, held against their definition.

use proptest::prelude::*;

use super::*;

/// A tree: each agent but the first with its parent, which stands before it.
#[derive(Debug, Default)]
struct Tree {
    parents: Vec<Option<usize>>,
    holds: Vec<Holds>,
    /// The definition: the pauses that stand at each.
    stand: Vec<Option<Grip>>,
    visits: usize,
}

impl Tree {
    fn grow(&mut self, parent: Option<usize>) {
        let mut holds = Holds::default();
        holds.change(Change::Above(parent.and_then(|parent| self.holds[parent].grip())));
        self.holds.push(holds);
        self.parents.push(parent);
        self.stand.push(None);
    }

    /// The walk as it is performed: it turns back where nothing changes.
    fn walk(&mut self, at: usize, change: Change) {
        self.visits += 1;
        let before = self.holds[at].grip();
        self.holds[at].change(change);
        let after = self.holds[at].grip();
        if before != after {
            let children: Vec<_> =
                (0..self.parents.len()).filter(|child| self.parents[*child] == Some(at)).collect();
            for child in children {
                self.walk(child, Change::Above(after));
            }
        }
    }

    fn by_definition(&self, at: usize) -> Option<Grip> {
        let mut held = None;
        let mut here = Some(at);
        while let Some(agent) = here {
            held = match (held, self.stand[agent]) {
                (Some(one), Some(other)) => Some(one | other),
                (one, other) => one.or(other),
            };
            here = self.parents[agent];
        }
        held
    }
}

#[derive(Clone, Debug)]
enum Deed {
    Grow(usize),
    Pause(usize, Grip),
    Resume(usize),
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let grip = any::<(bool, bool)>().prop_map(|(now, clocks)| Grip { now, clocks });
    let deed = prop_oneof![
        2 => (0_usize..64).prop_map(Deed::Grow),
        3 => (0_usize..64, grip).prop_map(|(at, grip)| Deed::Pause(at, grip)),
        3 => (0_usize..64).prop_map(Deed::Resume),
    ];
    prop::collection::vec(deed, 0..80)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn an_agent_is_held_exactly_if_a_pause_stands_at_it_or_above(deeds in deeds()) {
        let mut tree = Tree::default();
        tree.grow(None);
        for deed in deeds {
            let count = tree.parents.len();
            match deed {
                Deed::Grow(at) => tree.grow(Some(at % count)),
                Deed::Pause(at, grip) => {
                    let at = at % count;
                    tree.stand[at] = Some(tree.stand[at].unwrap_or_default() | grip);
                    tree.walk(at, Change::Pause(grip));
                }
                Deed::Resume(at) => {
                    let at = at % count;
                    tree.stand[at] = None;
                    tree.walk(at, Change::Resume);
                }
            }
            for at in 0..tree.parents.len() {
                prop_assert_eq!(tree.holds[at].grip(), tree.by_definition(at), "agent {}", at);
                prop_assert_eq!(tree.holds[at].has_own(), tree.stand[at].is_some());
            }
        }
    }
}

#[test]
fn a_walk_turns_back_where_another_pause_still_holds() {
    let mut tree = Tree::default();
    tree.grow(None);
    for at in 0..9 {
        tree.grow(Some(at));
    }
    tree.walk(0, Change::Pause(Grip { now: true, clocks: false }));
    tree.visits = 0;
    tree.walk(3, Change::Pause(Grip::default()));
    tree.walk(3, Change::Resume);
    assert_eq!(tree.visits, 2, "what is below was held as firmly before");
}
