//! Map-reduce: the same work on each item, and one answer made of all by a tree in which nobody gets everything.
//!
//! ```text
//! chunk 1 ── map ──┐
//! chunk 2 ── map ──┼── reduce ──┐
//! chunk 3 ── map ──┘            ├── reduce ── value
//! chunk 4 ── map ──┬── reduce ──┘
//! chunk 5 ── map ──┘
//! ```
//!
//! **When**: one answer is made of more than one agent can read at once: a cheap model maps, and a dear one reduces. **When
//! not**: if each item's answer is wanted (fan-out), if opinions are weighed (panel, council).
//!
//! **Costs** a call for each of n items and for each of the reduce steps, which are (n - 1) / (fan-in - 1), rounded up, or n - 1 at
//! most where outputs are packed by weight; times the attempts. **A failure** of a map costs its item: it is left out and
//! reported, and there is a value if enough were mapped. A failure of a reduce step costs the value; what was mapped is kept.

mod report;
mod store;
mod tree;

use std::collections::BTreeMap;

use skep_runtime::{Budget, ScopeOwner};

pub use self::report::{Kept, Reduced, Unmapped};
use self::store::Store;
use self::tree::{Step, StepId, Tree, steps};
use crate::defaults;
use crate::estimate::Estimate;
use crate::failures::Failures;
use crate::parts::Part;
use crate::pattern::runs;
use crate::run::{Phase, Run, Spot};
use crate::terms::{Terms, terms};
use crate::work::{AnyWork, Bounds, Work};

/// Maps each item and reduces what comes of them to one value, by a tree.
///
/// ```
/// # use skep_runtime::{AgentError, Context, Swarm};
/// # use skep_patterns::{agent_fn, map_reduce, split};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let swarm = Swarm::builder("docs").start().await?;
/// let count = agent_fn("count", |words: Vec<String>, _: Context| async move { Ok::<_, AgentError>(words.len()) });
/// let sum = agent_fn("sum", |counts: Vec<usize>, _: Context| async move { Ok::<_, AgentError>(counts.iter().sum()) });
/// let words = "to be or not to be that is the question".split(' ').map(str::to_owned);
/// let reduced = map_reduce(&swarm, split::even(words, 4))
///     .map(|words| (count.clone(), words))
///     .reduce(|counts: &[usize]| (sum.clone(), counts.to_vec()))
///     .fan_in(2)
///     .await;
/// assert_eq!(reduced.value, Some(10));
/// assert_eq!(reduced.parts.parts.len(), 4 + 3, "four maps, and three steps of two each");
/// # Ok(())
/// # }
/// ```
///
/// Which outputs are reduced together goes by the places of their items, whatever ends first, and their order is kept: an item
/// that failed leaves a gap that nothing moves into. A step begins as soon as its inputs are there, before maps that wait. One
/// output alone is the value, and needs no step; no items give no value.
///
/// An item is cloned for its map, and into its row if it fails; one that is large goes into an `Arc`.
#[must_use = "a map-reduce does nothing until it is awaited"]
pub fn map_reduce<'a, I>(
    owner: impl Into<ScopeOwner>,
    items: impl IntoIterator<Item = I>,
) -> MapReduceWithoutMap<'a, I> {
    let terms = Terms::new(owner, "map_reduce", Failures::GATHER);
    MapReduceWithoutMap { terms, items: items.into_iter().collect() }
}

/// A map-reduce whose items have no agents yet: [`map`](MapReduceWithoutMap::map) gives them one.
#[must_use = "a map-reduce does nothing until it is awaited"]
pub struct MapReduceWithoutMap<'a, I> {
    terms: Terms<'a>,
    items: Vec<I>,
}

/// A map-reduce that lacks its reduce step: [`reduce`](MapReduceWithoutReduce::reduce) says it.
#[must_use = "a map-reduce does nothing until it is awaited"]
pub struct MapReduceWithoutReduce<'a, I, M> {
    terms: Terms<'a>,
    items: Vec<I>,
    map: Map<'a, I, M>,
    map_costing: Option<Budget>,
}

/// A map-reduce from many `I` to one `M`: see [`map_reduce`].
#[must_use = "a map-reduce does nothing until it is awaited"]
pub struct MapReduce<'a, I, M> {
    terms: Terms<'a>,
    items: Vec<I>,
    map: Map<'a, I, M>,
    map_costing: Option<Budget>,
    reduce: Reduce<'a, M>,
    takes: Takes,
    costing: Option<Budget>,
    fan_in: usize,
    pack: Option<(u64, Weigh<'a, M>)>,
    need: f64,
}

type Map<'a, I, M> = Box<dyn Fn(I) -> AnyWork<M> + Send + Sync + 'a>;
type Reduce<'a, M> = Box<dyn Fn(&[M]) -> AnyWork<M> + Send + Sync + 'a>;
type Weigh<'a, M> = Box<dyn Fn(&M) -> u64 + Send + Sync + 'a>;
type Takes = fn(&Bounds<'_>) -> Option<Estimate>;

impl<'a, I> MapReduceWithoutMap<'a, I> {
    terms!();

    /// The agent and the task of each item: a cheap one, since there are many.
    pub fn map<W: Work>(
        self,
        map: impl Fn(I) -> W + Send + Sync + 'a,
    ) -> MapReduceWithoutReduce<'a, I, W::Output> {
        let Self { terms, items } = self;
        let map = Box::new(move |item| map(item).boxed());
        MapReduceWithoutReduce { terms, items, map, map_costing: None }
    }
}

impl<'a, I, M: Send + Sync + 'static> MapReduceWithoutReduce<'a, I, M> {
    terms!();

    /// What each map may cost at most, with everything below it.
    pub fn costing(mut self, most: Budget) -> Self {
        self.map_costing = Some(most);
        self
    }

    /// The agent and the task that make one of several outputs, in the order of their items. It gets what maps gave, and what
    /// other steps gave.
    pub fn reduce<W: Work<Output = M>>(
        self,
        reduce: impl Fn(&[M]) -> W + Send + Sync + 'a,
    ) -> MapReduce<'a, I, M> {
        let Self { terms, items, map, map_costing } = self;
        MapReduce {
            terms,
            items,
            map,
            map_costing,
            reduce: Box::new(move |outputs| reduce(outputs).boxed()),
            takes: W::takes,
            costing: None,
            fan_in: defaults::FAN_IN,
            pack: None,
            need: 1.0,
        }
    }
}

impl<'a, I, M> MapReduce<'a, I, M> {
    terms!();

    /// How many outputs a step gets at most; 8 by default, and at least 2.
    pub fn fan_in(mut self, most: usize) -> Self {
        self.fan_in = most.max(2);
        self
    }

    /// Neighbours are reduced together only while their weights come to `most` at most, such as tokens for a model's window. An
    /// output that is heavier stands alone; when no two fit together, they are reduced in pairs, which is as little too much as can
    /// be. `weigh` is called once for each output, where the map-reduce is awaited.
    ///
    /// There may then be more steps, up to one less than there are items.
    pub fn pack(mut self, most: u64, weigh: impl Fn(&M) -> u64 + Send + Sync + 'a) -> Self {
        self.pack = Some((most, Box::new(weigh)));
        self
    }

    /// The share of the items, from 0 to 1, that must have been mapped for a value; all of them by default, since an answer that
    /// lacks a part and does not say so is a wrong one: whoever can do without says with how much. Once it cannot be reached no
    /// step begins; the maps go on, and what they give is in [`Reduced::kept`].
    pub const fn need(mut self, share: f64) -> Self {
        // What is no number asks for all: a limit that is told nothing closes.
        self.need = if share.is_nan() { 1.0 } else { share.clamp(0.0, 1.0) };
        self
    }

    /// What each reduce step may cost at most, with everything below it.
    pub fn costing(mut self, most: Budget) -> Self {
        self.costing = Some(most);
        self
    }
}

/// What a part does. What is reduced is known by the place of its first item.
enum Doing {
    Map { leaf: usize, item: usize },
    Reduce(StepId, Vec<usize>),
}

impl<I: Clone + Send + Sync, M: Send + Sync + 'static> MapReduce<'_, I, M> {
    /// What it takes at most. [`Estimate::if_each_cost`] says what it would cost with one model for all.
    pub fn estimate(&self) -> Estimate {
        let each = |(at, item): (usize, &I)| {
            let work = (self.map)(item.clone());
            let name = map_name(at);
            work.estimate(&self.terms.bounds(work.agent().unwrap_or(&name), self.map_costing.as_ref()))
        };
        let reduce = || {
            let bounds = self.terms.bounds("reduce", self.costing.as_ref());
            (self.takes)(&bounds).unwrap_or_else(|| Estimate::unknown("reduce", self.costing.as_ref()))
        };
        let items = self.items.len();
        let all = self.items.iter().enumerate().map(each);
        let all = all.chain((0..steps(items, self.fan_in, self.pack.is_some())).map(|_| reduce()));
        // Each step has two outputs of others at least, so no more parts work at once than there are items.
        Estimate::side_by_side(all, self.terms.at_most.min(items)).within(self.terms.budget.as_ref())
    }

    /// Runs it. It never fails.
    ///
    /// # Cancel safety
    /// Dropping it stops everything that it has begun, in the background.
    pub async fn run(&self) -> Reduced<I, M> {
        let mut reduced = Reduced::open();
        self.go_on(&mut reduced).await;
        reduced
    }

    /// Maps the items that were not mapped again, and reduces what they give with what there is; also with a report that was read
    /// back from JSON. Attempts, cost and time add up. All limits start fresh. A value that there was is reduced further if
    /// anything more is mapped: an item comes after what was reduced without it. If that fails, it is in [`Reduced::kept`]. A report of
    /// another number of items is left as it is.
    ///
    /// # Cancel safety
    /// Dropping it stops what it has begun, in the background. What there was and what was mapped and reduced by then is in
    /// [`Reduced::kept`].
    pub async fn retry_failed(&self, reduced: &mut Reduced<I, M>) {
        let is_whole = reduced.value.is_some() && reduced.failed.is_empty();
        if !is_whole && reduced.is_of(self.items.len()) {
            self.go_on(reduced).await;
        }
    }

    async fn go_on(&self, reduced: &mut Reduced<I, M>) {
        let Self { terms, items, .. } = self;
        let Reduced { value, failed, kept, parts } = reduced;
        let mut store = Store::of(value, failed, kept, parts, items.len());
        let leaves = store.leaves(items.len());
        let open: Vec<_> = leaves.iter().enumerate().filter(|(_, leaf)| !store.has(**leaf)).collect();
        // How many steps there will be is not known where the weights decide.
        let total = open.len() + steps(leaves.len(), self.fan_in, self.pack.is_some());
        let mut run = Run::going_on(terms, Some(total).filter(|_| self.pack.is_none()), parts);
        let mut phase = Phase::new(&mut run);
        let mut tree = Tree::new(leaves.len(), self.fan_in, self.pack.as_ref().map(|(most, _)| *most));
        for (at, leaf) in leaves.iter().enumerate().filter(|(_, leaf)| store.has(**leaf)) {
            tree.mapped(at, Some((self.weight(store.get(*leaf)), *leaf)));
        }
        let mut doing = BTreeMap::new();
        let mut failures = BTreeMap::new();
        let mut next = open.iter();
        // Whether no value can come any more.
        let mut is_futile = false;
        loop {
            while phase.has_room() {
                if !is_futile && let Some(step) = tree.next_step() {
                    let (at, reduce) = self.begin(&mut phase, &mut store, step);
                    doing.insert(at, reduce);
                } else if let Some((leaf, item)) = next.next() {
                    let work = (self.map)(items[**item].clone());
                    let spot = Spot::named(map_name(**item)).costing(self.map_costing.as_ref());
                    doing.insert(phase.add(spot, work), Doing::Map { leaf: *leaf, item: **item });
                } else {
                    break;
                }
            }
            let Some((at, result)) = phase.next().await else { break };
            match (doing.remove(&at), result) {
                (Some(Doing::Map { leaf, item }), Ok(output)) => {
                    store.put(Kept { items: vec![item], part: at, output });
                    tree.mapped(leaf, Some((self.weight(store.get(item)), item)));
                }
                (Some(Doing::Map { leaf, item }), Err(failure)) => {
                    failures.insert(item, failure);
                    is_futile |= !self.is_enough(items.len() - failures.len());
                    tree.mapped(leaf, None);
                }
                (Some(Doing::Reduce(id, inputs)), Ok(output)) => {
                    let first = inputs.first().copied().unwrap_or_default();
                    store.reduced(&inputs, at, output);
                    tree.reduced(id, (self.weight(store.get(first)), first));
                }
                (Some(Doing::Reduce(..)), Err(_)) => is_futile = true,
                (None, _) => {}
            }
        }
        while !is_futile && let Some(Step { id, inputs }) = tree.next_step() {
            let failure = Some(run.not_begun());
            let after = inputs.iter().filter_map(|(_, input)| store.part_of(*input)).collect();
            run.add_ended(Part { failure, ..Part::new(id.name(), after) });
        }
        for (_, item) in next {
            let failure = run.not_begun();
            run.add_ended(Part { failure: Some(failure.clone()), ..Part::new(map_name(**item), Vec::new()) });
            failures.insert(**item, failure);
        }
        if !is_futile {
            *value = tree.take_value().and_then(|value| store.take(value));
        }
        drop(store);
        if value.is_some() {
            run.waive_open("what it had to reduce was reduced in other steps");
        }
        let unmapped = |(at, failure)| Some(Unmapped { at, item: items.get(at)?.clone(), failure });
        *failed = failures.into_iter().filter_map(unmapped).collect();
        let ended = run.close().await;
        *parts = ended;
    }

    /// Begins a step.
    fn begin(
        &self,
        phase: &mut Phase<'_, '_, M>,
        store: &mut Store<'_, M>,
        Step { id, inputs }: Step<usize>,
    ) -> (usize, Doing) {
        let inputs: Vec<_> = inputs.into_iter().map(|(_, input)| input).collect();
        let after: Vec<_> = inputs.iter().filter_map(|input| store.part_of(*input)).collect();
        let work = store.lend(&inputs, |outputs| (self.reduce)(outputs));
        let spot = Spot::named(id.name()).after(after).costing(self.costing.as_ref());
        (phase.add(spot, work), Doing::Reduce(id, inputs))
    }

    fn weight(&self, output: Option<&M>) -> u64 {
        self.pack.as_ref().zip(output).map_or(0, |((_, weigh), output)| weigh(output))
    }

    /// Whether so many are enough for a value.
    #[allow(clippy::cast_precision_loss, reason = "a share of more than 2^53 items need not be exact")]
    fn is_enough(&self, mapped: usize) -> bool {
        mapped > 0 && mapped as f64 / self.items.len() as f64 >= self.need
    }
}

fn map_name(item: usize) -> String {
    format!("map-{}", item + 1)
}

runs!([I: Clone + Send + Sync + 'a, M: Send + Sync + 'static] MapReduce<'a, I, M> => Reduced<I, M>);
