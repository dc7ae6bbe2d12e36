//! Random trees with random budgets, and everything that can happen to a reservation, in any order.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;

use crate::decide::ledger::overrun;
use crate::engine::seat::meter::Meter;
use crate::words::balance::Balance;
use crate::words::budget::OnRefusal;
use crate::words::event::{EffectEnd, What};
use crate::words::id::AgentId;
use crate::words::limits::Limits;
use crate::words::money::NanoUsd;
use crate::words::usage::Usage;

fn began(effect: u64, reserved: Usage) -> What {
    What::EffectBegan { effect, kind: "call".into(), reserved, on: None }
}

fn ended(effect: u64, used: Usage, reserved: Usage) -> What {
    What::EffectEnded { effect, end: EffectEnd::Done, used, reserved, estimated: false, late: false }
}

fn usage(most: u64) -> impl Strategy<Value = Usage> {
    (0..=most, 0..=most, 0..=most, 0..3_u64).prop_map(|(money, input, output, calls)| {
        Usage::money(NanoUsd(money)).with_tokens(input, output) + Usage::calls(calls)
    })
}

fn limits() -> impl Strategy<Value = Limits> {
    let cap = |most: u64| prop::option::weighted(0.4, 0..=most);
    (cap(100), cap(200), cap(20), prop::option::of(1..=1000_u32), prop::bool::ANY).prop_map(
        |(money, tokens, calls, warn_permille, stops)| Limits {
            money: money.map(NanoUsd),
            tokens,
            calls,
            warn_permille,
            on_refusal: if stops { OnRefusal::Stop } else { OnRefusal::Fail },
            ..Limits::default()
        },
    )
}

/// A seat of the tree: its place among the seats before it is its parent.
fn trees() -> impl Strategy<Value = Vec<(prop::sample::Index, Limits)>> {
    prop::collection::vec((any::<prop::sample::Index>(), limits()), 1..12)
}

#[derive(Clone, Debug)]
enum Step {
    /// An effect wants to begin at a seat; without a worst case it may still be free of budgets.
    Begin(prop::sample::Index, Option<Usage>),
    /// One in flight ends: with part of its worst case, or beyond it.
    End(prop::sample::Index, Usage),
    /// One in flight is dropped and books what is known: nothing.
    Drop(prop::sample::Index),
    /// The seat at the end of the tree is let go; its meter must not be missed.
    Forget,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let index = any::<prop::sample::Index>;
    let step = prop_oneof![
        10 => (index(), prop::option::weighted(0.95, usage(30))).prop_map(|(at, worst)| Step::Begin(at, worst)),
        6 => (index(), usage(15)).prop_map(|(at, used)| Step::End(at, used)),
        2 => (index(), usage(60)).prop_map(|(at, used)| Step::End(at, used)),
        2 => index().prop_map(Step::Drop),
        1 => Just(Step::Forget),
    ];
    prop::collection::vec(step, 0..120)
}

/// No budget here has a window.
const WALL: std::time::Duration = std::time::Duration::ZERO;

struct World {
    /// None: the seat has been freed. What stands in `kept` must be the whole of it.
    seats: Vec<Option<Arc<Meter>>>,
    parents: Vec<usize>,
    limits: Vec<Limits>,
    /// What each seat itself has spent, reserved and overrun, counted by hand.
    own: Vec<(Usage, Usage, Usage)>,
    flying: Vec<(Arc<Meter>, usize, Usage)>,
    warned: BTreeMap<(AgentId, u32), usize>,
}

impl World {
    fn new(tree: &[(prop::sample::Index, Limits)]) -> Self {
        let mut seats: Vec<Option<Arc<Meter>>> = Vec::new();
        let mut parents = Vec::new();
        for (at, (parent, limits)) in tree.iter().enumerate() {
            let parent = if at == 0 { 0 } else { parent.index(at) };
            let meter = match seats.get(parent) {
                Some(Some(above)) => {
                    Meter::child(above, above.id().child(u32::try_from(at).unwrap()), *limits)
                }
                _ => Meter::root(AgentId::root("s"), *limits),
            };
            parents.push(parent);
            seats.push(Some(meter));
        }
        let limits = tree.iter().map(|(_, limits)| *limits).collect();
        let own = vec![Default::default(); seats.len()];
        Self { seats, parents, limits, own, flying: Vec::new(), warned: BTreeMap::new() }
    }

    fn apply(&mut self, meter: &Meter, what: &What) {
        for warning in meter.apply(what, WALL) {
            *self.warned.entry((warning.agent, warning.permille)).or_default() += 1;
        }
    }

    fn balances(&self) -> Vec<Balance> {
        self.seats.iter().flatten().flat_map(|meter| [meter.own(), meter.subtree()]).collect()
    }

    fn begin(&mut self, at: usize, worst: Option<Usage>) {
        let Some(meter) = self.seats[at].clone() else { return };
        let before = self.balances();
        let admitted = meter.admit(worst.as_ref(), WALL);
        assert_eq!(self.balances(), before, "admission changes nothing");
        let expected = self.above(at).all(|seat| self.has_room(seat, worst.as_ref()));
        assert_eq!(admitted.is_ok(), expected, "{admitted:?}");
        if let Err(refusal) = admitted {
            let named = self.above(at).find(|seat| !self.has_room(*seat, worst.as_ref()));
            let named = named.and_then(|seat| self.seats[seat].clone()).unwrap();
            assert_eq!(&refusal.ancestor, named.id(), "the nearest that refuses");
            return;
        }
        let reserved = worst.unwrap_or_default();
        self.apply(&meter, &began(1, reserved));
        self.own[at].1 += reserved;
        self.flying.push((meter, at, reserved));
    }

    fn end(&mut self, flight: usize, used: Usage) {
        let (meter, at, reserved) = self.flying.swap_remove(flight);
        self.apply(&meter, &ended(1, used, reserved));
        let (spent, held, over) = &mut self.own[at];
        *spent += used;
        *held = held.above(&reserved);
        *over += overrun(&used, &reserved).unwrap_or_default();
    }

    fn above(&self, at: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(Some(at), |at| (*at > 0).then(|| self.parents[*at]))
    }

    fn sums(&self, top: usize) -> (Usage, Usage, Usage) {
        let mut sums: (Usage, Usage, Usage) = Default::default();
        for at in (0..self.own.len()).filter(|at| self.above(*at).any(|seat| seat == top)) {
            let (spent, reserved, over) = self.own[at];
            sums = (sums.0 + spent, sums.1 + reserved, sums.2 + over);
        }
        sums
    }

    /// A budget by its definition, from the costs counted by hand.
    fn has_room(&self, seat: usize, worst: Option<&Usage>) -> bool {
        let (spent, reserved, _) = self.sums(seat);
        let Limits { money, tokens, calls, .. } = self.limits[seat];
        let taken = spent + reserved;
        let fits = |cap: Option<u64>, taken: u64, wanted: Option<u64>| {
            cap.is_none_or(|cap| taken <= cap && wanted.is_some_and(|wanted| taken + wanted <= cap))
        };
        fits(money.map(|most| most.0), taken.money.0, worst.map(|worst| worst.money.0))
            && fits(tokens, taken.tokens(), worst.map(Usage::tokens))
            && fits(calls, taken.calls, Some(worst.map_or(0, |worst| worst.calls)))
    }

    fn check(&self) {
        for (at, meter) in self.seats.iter().enumerate() {
            let Some(meter) = meter else { continue };
            let (spent, reserved, over) = self.sums(at);
            assert_eq!(meter.own(), Balance { spent: self.own[at].0, reserved: self.own[at].1 });
            assert_eq!(meter.subtree(), Balance { spent, reserved });

            // Invariant 2. What came without a worst case counts as beyond it from its first unit on.
            let Limits { money, tokens, calls, .. } = self.limits[at];
            let committed = spent + reserved;
            assert!(money.is_none_or(|most| committed.money.0 <= most.0 + over.money.0));
            assert!(tokens.is_none_or(|most| committed.tokens() <= most + over.tokens()));
            assert!(calls.is_none_or(|most| committed.calls <= most + over.calls));
        }
        assert!(self.warned.values().all(|times| *times == 1), "a share is passed once: {:?}", self.warned);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn no_order_of_events_breaks_a_budget_or_a_sum(tree in trees(), steps in steps()) {
        let mut world = World::new(&tree);
        for step in steps {
            match step {
                Step::Begin(seat, worst) => {
                    let at = seat.index(world.seats.len());
                    world.begin(at, worst);
                }
                Step::End(flight, used) if !world.flying.is_empty() => {
                    world.end(flight.index(world.flying.len()), used);
                }
                Step::Drop(flight) if !world.flying.is_empty() => {
                    world.end(flight.index(world.flying.len()), Usage::ZERO);
                }
                Step::Forget => {
                    let last = world.seats.iter().rposition(Option::is_some).filter(|at| *at > 0);
                    last.map(|at| world.seats[at].take());
                }
                Step::End(..) | Step::Drop(_) => {}
            }
            world.check();
        }
        while !world.flying.is_empty() {
            world.end(0, Usage::ZERO);
        }
        world.check();
        prop_assert!(world.seats.iter().flatten().all(|meter| meter.subtree().reserved.is_zero()));
    }
}

#[test]
fn many_threads_that_spend_at_once_stay_within_one_budget() {
    let cap = 1_000;
    let root = Meter::root(AgentId::root("s"), Limits { calls: Some(cap), ..Limits::default() });
    let journal = Mutex::new(());
    std::thread::scope(|threads| {
        for number in 1..=8 {
            let meter = Meter::child(&root, root.id().child(number), Limits::default());
            let (journal, root) = (&journal, &root);
            threads.spawn(move || {
                for effect in 0..500 {
                    let worst = Usage::calls(u64::from(number));
                    let lock = journal.lock().unwrap();
                    let admitted = meter.admit(Some(&worst), WALL).is_ok();
                    if admitted {
                        let _ = meter.apply(&began(effect, worst), WALL);
                    }
                    drop(lock);
                    assert!(root.subtree().reserved.calls <= cap && root.subtree().spent.calls <= cap);
                    if admitted {
                        let _lock = journal.lock().unwrap();
                        let _ = meter.apply(&ended(effect, worst, worst), WALL);
                    }
                }
            });
        }
    });
    let balance = root.subtree();
    assert_eq!(balance.reserved, Usage::ZERO);
    let left = cap - balance.spent.calls;
    assert!(left < 2, "{left} left, though effects of two calls wanted all of it: what fits is not refused");
}
