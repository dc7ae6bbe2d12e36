//! Which outputs are reduced together, and when: pure.
//!
//! # Invariants
//! 1. What is reduced together depends on the places of the items, on which of them have failed, and on the weights of the
//!    outputs; never on what ended first.
//! 2. The order of the items is kept.
//! 3. A step has at least two inputs, and at most as many as the fan-in. So n outputs take at most n - 1 steps; without a bound
//!    of weight they take at most (n - 1) / (fan-in - 1), rounded up, which is the least that there can be.

use std::collections::VecDeque;

/// An output with its weight.
pub(super) type Weighed<N> = (u64, N);

/// A tree over the places of all items, whose steps come up as soon as their inputs are there.
pub(super) struct Tree<N> {
    fan_in: usize,
    /// What the inputs of a step may weigh together.
    most: Option<u64>,
    /// Each after those below it, so that the last is the root.
    groups: Vec<Group<N>>,
    /// Where the output of each item goes.
    leaves: Vec<Slot>,
    ready: VecDeque<Step<N>>,
    value: Option<Weighed<N>>,
}

/// A place among the inputs of a group.
#[derive(Clone, Copy, Default)]
struct Slot {
    group: usize,
    at: usize,
}

struct Group<N> {
    /// Where its outputs go; nowhere from the root.
    above: Option<Slot>,
    /// What there is, by place: more than one only from a group in which not all fitted together.
    inputs: Vec<Vec<Weighed<N>>>,
    /// Places whose outputs are still to come.
    missing: usize,
    passes: usize,
}

/// Outputs to be reduced to one.
#[derive(Debug, PartialEq)]
pub(super) struct Step<N> {
    pub(super) id: StepId,
    pub(super) inputs: Vec<Weighed<N>>,
}

/// What a step is in its tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StepId {
    group: usize,
    pass: usize,
    at: usize,
}

impl StepId {
    /// A name that no other step of the tree has.
    pub(super) fn name(self) -> String {
        let Self { group, pass, at } = self;
        match (pass, at) {
            (0, 0) => format!("reduce-{}", group + 1),
            _ => format!("reduce-{}.{}.{}", group + 1, pass + 1, at + 1),
        }
    }
}

/// How many steps that many outputs take at most.
pub(super) const fn steps(items: usize, fan_in: usize, is_packed: bool) -> usize {
    let pairs = items.saturating_sub(1);
    if is_packed { pairs } else { pairs.div_ceil(fan_in - 1) }
}

/// How many neighbours go together on a level of so many: as few groups as can be, so that the levels above are full.
fn sizes(level: usize, fan_in: usize) -> Vec<usize> {
    let mut above = 1;
    while above * fan_in < level {
        above *= fan_in;
    }
    // Each group takes the place of one above and brings others down: all but the last as many as it can.
    let mut over = level.saturating_sub(above);
    (0..above)
        .map(|_| {
            let more = over.min(fan_in - 1);
            over -= more;
            1 + more
        })
        .collect()
}

impl<N> Tree<N> {
    /// Over so many items. The fan-in is at least 2.
    pub(super) fn new(items: usize, fan_in: usize, most: Option<u64>) -> Self {
        let fan_in = fan_in.max(2);
        let mut tree = Self {
            fan_in,
            most,
            groups: Vec::new(),
            leaves: vec![Slot::default(); items],
            ready: VecDeque::new(),
            value: None,
        };
        enum Child {
            Leaf(usize),
            Group(usize),
        }
        let mut level: Vec<Child> = (0..items).map(Child::Leaf).collect();
        while level.len() > 1 || (tree.groups.is_empty() && items == 1) {
            let sizes = sizes(level.len(), fan_in);
            let (mut children, is_root) = (level.into_iter(), sizes.len() == 1);
            level = Vec::with_capacity(sizes.len());
            for size in sizes {
                if size == 1 && !is_root {
                    level.extend(children.next());
                    continue;
                }
                let group = tree.groups.len();
                for (at, child) in children.by_ref().take(size).enumerate() {
                    let slot = Slot { group, at };
                    match child {
                        Child::Leaf(leaf) => tree.leaves[leaf] = slot,
                        Child::Group(below) => tree.groups[below].above = Some(slot),
                    }
                }
                let inputs = (0..size).map(|_| Vec::new()).collect();
                tree.groups.push(Group { above: None, inputs, missing: size, passes: 0 });
                level.push(Child::Group(group));
            }
        }
        tree
    }

    /// An item was mapped, or was not.
    pub(super) fn mapped(&mut self, item: usize, output: Option<Weighed<N>>) {
        self.fill(self.leaves[item], output.into_iter().collect());
    }

    /// A step has given its output.
    pub(super) fn reduced(&mut self, StepId { group, at, .. }: StepId, output: Weighed<N>) {
        self.fill(Slot { group, at }, vec![output]);
    }

    /// The next step whose inputs are there.
    pub(super) fn next_step(&mut self) -> Option<Step<N>> {
        self.ready.pop_front()
    }

    /// What all of it came to, once it has.
    pub(super) fn take_value(&mut self) -> Option<N> {
        self.value.take().map(|(_, value)| value)
    }

    fn fill(&mut self, mut slot: Slot, mut outputs: Vec<Weighed<N>>) {
        loop {
            let group = &mut self.groups[slot.group];
            group.inputs[slot.at] = outputs;
            group.missing -= 1;
            if group.missing > 0 {
                return;
            }
            outputs = std::mem::take(&mut group.inputs).into_iter().flatten().collect();
            match group.above {
                // One pass is enough where others follow above.
                Some(above) if outputs.len() <= 1 || group.passes > 0 => slot = above,
                Some(above) => match self.pass(slot.group, outputs, false) {
                    None => return,
                    Some(together) => (slot, outputs) = (above, together),
                },
                None if outputs.len() <= 1 => {
                    self.value = outputs.pop();
                    return;
                }
                None => {
                    if let Some(alone) = self.pass(slot.group, outputs, false) {
                        self.pass(slot.group, alone, true);
                    }
                    return;
                }
            }
        }
    }

    /// Makes steps of those that fit together. Gives them back if no two do, unless they have to go in pairs whatever they weigh.
    fn pass(&mut self, at: usize, outputs: Vec<Weighed<N>>, in_pairs: bool) -> Option<Vec<Weighed<N>>> {
        let mut together: Vec<Vec<Weighed<N>>> = Vec::new();
        let (most, fan_in) = if in_pairs { (None, 2) } else { (self.most, self.fan_in) };
        let mut sum = 0_u64;
        for output in outputs {
            let with = sum.saturating_add(output.0);
            let fits = |last: &&mut Vec<_>| last.len() < fan_in && most.is_none_or(|most| with <= most);
            match together.last_mut().filter(fits) {
                Some(last) => {
                    last.push(output);
                    sum = with;
                }
                None => {
                    sum = output.0;
                    together.push(vec![output]);
                }
            }
        }
        if together.iter().all(|outputs| outputs.len() == 1) {
            return Some(together.into_iter().flatten().collect());
        }
        let group = &mut self.groups[at];
        let pass = group.passes;
        group.passes += 1;
        group.inputs = Vec::with_capacity(together.len());
        for (place, inputs) in together.into_iter().enumerate() {
            if inputs.len() == 1 {
                group.inputs.push(inputs);
                continue;
            }
            group.inputs.push(Vec::new());
            group.missing += 1;
            let id = StepId { group: at, pass, at: place };
            self.ready.push_back(Step { id, inputs });
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Numbers below a bound, the same ones for a seed.
    fn chance(seed: u64) -> impl FnMut(usize) -> usize {
        let mut state = seed;
        move |bound| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap() % bound.max(1)
        }
    }

    /// The name and the inputs of each step.
    type Steps = Vec<(String, Vec<Vec<usize>>)>;

    /// Reduces lists of places, which weigh `weight` of their first and their number; in an order of chance. Gives what it came
    /// to, and the name and inputs of each step.
    fn reduce(
        items: usize,
        fan_in: usize,
        most: Option<u64>,
        failed: &BTreeSet<usize>,
        seed: u64,
    ) -> (Option<Vec<usize>>, Steps) {
        let mut chance = chance(seed);
        let weigh = |places: &Vec<usize>| (places[0] as u64 * 7 + places.len() as u64) % 10;
        let mut tree = Tree::new(items, fan_in, most);
        let mut maps: Vec<_> = (0..items).collect();
        let (mut doing, mut steps) = (Vec::new(), Vec::new());
        while !maps.is_empty() || !doing.is_empty() {
            if !maps.is_empty() && (doing.is_empty() || chance(2) == 0) {
                let item = maps.swap_remove(chance(maps.len()));
                tree.mapped(item, Some((weigh(&vec![item]), vec![item])).filter(|_| !failed.contains(&item)));
            } else {
                let Step { id, inputs } = doing.swap_remove(chance(doing.len()));
                let inputs: Vec<Vec<usize>> = inputs.into_iter().map(|(_, places)| places).collect();
                let output = inputs.concat();
                steps.push((id.name(), inputs));
                tree.reduced(id, (weigh(&output), output));
            }
            doing.extend(std::iter::from_fn(|| tree.next_step()));
        }
        let value = tree.take_value();
        assert!(tree.next_step().is_none(), "nothing is left out");
        steps.sort();
        (value, steps)
    }

    #[test]
    fn grouping_depends_on_no_order_and_keeps_the_items_order() {
        for seed in 0..3_000 {
            let mut chance = chance(seed);
            let (items, fan_in) = (chance(40), 2 + chance(8));
            let most = Some(chance(20) as u64).filter(|_| chance(2) == 0);
            let failing = chance(4);
            let failed: BTreeSet<_> = (0..items).filter(|_| chance(4) < failing).collect();
            let (value, all) = reduce(items, fan_in, most, &failed, seed);
            let otherwise = reduce(items, fan_in, most, &failed, seed + 1);
            assert_eq!((value.clone(), all.clone()), otherwise, "in another order");
            let mapped: Vec<_> = (0..items).filter(|item| !failed.contains(item)).collect();
            assert_eq!(value.unwrap_or_default(), mapped);
            let names: BTreeSet<_> = all.iter().map(|(name, _)| name).collect();
            assert_eq!(names.len(), all.len(), "no two steps have one name");
            assert!(all.iter().all(|(_, inputs)| (2..=fan_in).contains(&inputs.len())));
            assert!(all.len() <= steps(items, fan_in, most.is_some()), "{items} by {fan_in}: {all:?}");
            if failed.is_empty() && most.is_none() {
                assert_eq!(all.len(), steps(items, fan_in, false), "{items} by {fan_in}");
            }
        }
    }

    #[test]
    fn a_step_comes_up_as_soon_as_its_inputs_are_there() {
        let mut tree = Tree::new(16, 4, None);
        for item in [5, 4, 7] {
            tree.mapped(item, Some((1, item)));
        }
        assert_eq!(tree.next_step(), None);
        tree.mapped(6, Some((1, 6)));
        let step = tree.next_step().unwrap();
        assert_eq!(
            (step.id.name().as_str(), step.inputs),
            ("reduce-2", vec![(1, 4), (1, 5), (1, 6), (1, 7)])
        );
    }

    #[test]
    fn one_alone_is_the_value_and_none_is_none() {
        assert_eq!(reduce(1, 8, None, &BTreeSet::new(), 1), (Some(vec![0]), Vec::new()));
        assert_eq!(reduce(0, 8, None, &BTreeSet::new(), 1), (None, Vec::new()));
        assert_eq!(
            reduce(9, 8, None, &(1..9).collect(), 1),
            (Some(vec![0]), Vec::new()),
            "gaps take no step"
        );
    }

    #[test]
    fn what_fits_goes_together_and_where_nothing_fits_it_goes_in_pairs() {
        let mut tree = Tree::new(5, 8, Some(10));
        for (item, weight) in [4, 5, 50, 6, 4].into_iter().enumerate() {
            tree.mapped(item, Some((weight, item)));
        }
        let next = |tree: &mut Tree<usize>| {
            let Step { id, inputs } = tree.next_step()?;
            Some((id, inputs.into_iter().map(|(_, item)| item).collect::<Vec<_>>()))
        };
        let (one, two) = (next(&mut tree).unwrap(), next(&mut tree).unwrap());
        assert_eq!((one.1, two.1), (vec![0, 1], vec![3, 4]), "the heavy one stands alone");
        tree.reduced(two.0, (9, 34));
        tree.reduced(one.0, (9, 10));
        let pair = next(&mut tree).unwrap();
        assert_eq!(pair.1, [10, 2], "no two fit");
        tree.reduced(pair.0, (1, 102));
        let last = next(&mut tree).unwrap();
        assert_eq!(last.1, [102, 34]);
        tree.reduced(last.0, (1, 7));
        assert_eq!(tree.take_value(), Some(7));
    }

    #[test]
    fn the_tree_of_many_is_made_in_linear_time() {
        let mut tree = Tree::new(1_000_000, 2, None);
        assert_eq!(tree.groups.len(), 999_999);
        for item in 0..1_000_000 {
            tree.mapped(item, (item == 999_999).then_some((1, item)));
        }
        assert_eq!(tree.take_value(), Some(999_999));
    }
}
