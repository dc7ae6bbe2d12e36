//! Waves over a graph of tasks: each begins as soon as all that it needs is done.
//!
//! ```text
//! lex ──── parse ──┬── check ──┬── link
//!                  └── build ──┘
//! docs
//! ```
//!
//! **When**: tasks of which some need what others give, and it is known which. **When not**: if none does (fan-out), if each needs
//! the one before (pipeline), if what is to be done comes to light on the way (delegate, supervise).
//!
//! **Costs** a call for each node, times the attempts. Nobody waits for a wave to be over: what is ready begins. **A failure**
//! costs its node and all that needs it, directly or not, and nothing else; after three nothing more is begun.

mod graph;
mod needs;
mod report;

use std::collections::VecDeque;
use std::fmt::Display;

use skep_runtime::text::OneLine;
use skep_runtime::{Advice, AgentError, Budget, FailureClass, ScopeOwner};

use self::graph::Node;
pub use self::graph::{Graph, GraphError};
pub use self::needs::Needs;
pub use self::report::Waved;
use crate::defaults;
use crate::estimate::Estimate;
use crate::failure::Failure;
use crate::failures::Failures;
use crate::parts::{Part, Parts};
use crate::pattern::runs;
use crate::run::{Phase, Run, Spot};
use crate::terms::{Terms, terms};
use crate::work::{AnyWork, Bounds, Work};

/// Does the tasks of a graph, all that are ready at once.
///
/// ```
/// # use skep_runtime::{AgentError, Context, Swarm};
/// # use skep_patterns::{agent_fn, waves};
/// # use skep_patterns::waves::{Graph, Needs};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let swarm = Swarm::builder("docs").start().await?;
/// let build = agent_fn("build", |parts: Vec<String>, _: Context| async move { Ok::<_, AgentError>(parts.join("+")) });
/// let tasks = [("app", vec!["ui", "core"]), ("ui", vec!["core"]), ("core", vec![])];
/// let graph = Graph::of(tasks, |(name, _)| (*name).to_owned(), |(_, needs)| needs.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())?;
/// assert_eq!(graph.text(), "core\nui: core\napp: ui, core\n");
/// let waved = waves(&swarm, graph)
///     .node(|(name, _), needs: Needs<'_, String, String>| {
///         let mut parts = vec![(*name).to_owned()];
///         parts.extend(needs.iter().map(|(_, built)| format!("({built})")));
///         (build.clone(), parts)
///     })
///     .await;
/// assert_eq!(waved.rows[2].1.as_deref(), Ok("app+(core)+(ui+(core))"));
/// # Ok(())
/// # }
/// ```
///
/// Nodes are known by their place in the graph. A node that failed keeps those that need it from beginning; each of them says which
/// it was. Unless told otherwise, three failures keep all others from beginning too, and what works goes on to its end.
///
/// All outputs are kept until the end, since a node that was not reached may need them.
#[must_use = "waves do nothing until they are awaited"]
pub fn waves<'a, K, T>(owner: impl Into<ScopeOwner>, graph: Graph<K, T>) -> WavesWithoutNode<'a, K, T> {
    let terms = Terms::new(owner, "waves", Failures::number(defaults::FAILURES, false));
    WavesWithoutNode { terms, graph }
}

/// Waves whose nodes have no agents yet: [`node`](WavesWithoutNode::node) gives them one.
#[must_use = "waves do nothing until they are awaited"]
pub struct WavesWithoutNode<'a, K, T> {
    terms: Terms<'a>,
    graph: Graph<K, T>,
}

/// Waves over a graph of `T` by `K`, each of which gives an `O`: see [`waves`].
#[must_use = "waves do nothing until they are awaited"]
pub struct Waves<'a, K, T, O> {
    terms: Terms<'a>,
    graph: Graph<K, T>,
    node: OfNode<'a, K, T, O>,
    takes: fn(&Bounds<'_>) -> Option<Estimate>,
    costing: Option<Budget>,
}

type OfNode<'a, K, T, O> = Box<dyn Fn(&T, Needs<'_, K, O>) -> AnyWork<O> + Send + Sync + 'a>;

impl<'a, K, T> WavesWithoutNode<'a, K, T> {
    terms!();

    /// The agent and the task of each node, which is lent the outputs of what it needs. The closure names their type,
    /// `|task, needs: Needs<'_, _, Built>|`.
    pub fn node<O, W: Work<Output = O>>(
        self,
        work: impl Fn(&T, Needs<'_, K, O>) -> W + Send + Sync + 'a,
    ) -> Waves<'a, K, T, O> {
        let Self { terms, graph } = self;
        let node = Box::new(move |task: &T, needs: Needs<'_, K, O>| work(task, needs).boxed());
        Waves { terms, graph, node, takes: W::takes, costing: None }
    }
}

impl<'a, K, T, O> Waves<'a, K, T, O> {
    terms!();

    /// What each node may cost at most, with everything below it.
    pub fn costing(mut self, most: Budget) -> Self {
        self.costing = Some(most);
        self
    }
}

impl<K, T, O> Waves<'_, K, T, O>
where
    K: Ord + Clone + Display + Send + Sync,
    T: Send + Sync,
    O: Send + Sync + 'static,
{
    /// What it takes at most.
    pub fn estimate(&self) -> Estimate {
        let each = self.graph.nodes.iter().map(|node| {
            let name = node.key.to_string();
            let bounds = self.terms.bounds(&name, self.costing.as_ref());
            if node.needs.is_empty() {
                return (self.node)(&node.task, Needs::new(std::iter::empty())).estimate(&bounds);
            }
            (self.takes)(&bounds).unwrap_or_else(|| Estimate::unknown(&name, self.costing.as_ref()))
        });
        Estimate::side_by_side(each, self.terms.at_most).within(self.terms.budget.as_ref())
    }

    /// Runs it. It never fails.
    ///
    /// # Cancel safety
    /// Dropping it stops everything that it has begun, in the background.
    pub async fn run(&self) -> Waved<K, O> {
        let none = || Err(Failure::NotBegun(AgentError::message("its turn has not come")));
        let rows = self.graph.nodes.iter().map(|node| (node.key.clone(), none())).collect();
        let mut waved = Waved { rows, parts: Parts::default() };
        self.go_on(&mut waved).await;
        waved
    }

    /// Runs the nodes without an output again, and those that they kept from beginning, also with a report that was read back
    /// from JSON. Attempts, cost and time add up. All limits start fresh. A report of another graph is left as it is.
    ///
    /// # Cancel safety
    /// Dropping it stops what it has begun, in the background; the report has the outputs that there were by then, and its parts
    /// are lost.
    pub async fn retry_failed(&self, waved: &mut Waved<K, O>) {
        let is_ours = waved.rows.iter().map(|(key, _)| key).eq(self.graph.nodes.iter().map(|node| &node.key));
        if is_ours && waved.failed().next().is_some() {
            self.go_on(waved).await;
        }
    }

    /// Runs all nodes whose rows have no output.
    async fn go_on(&self, Waved { rows, parts }: &mut Waved<K, O>) {
        let nodes = &self.graph.nodes;
        let before = std::mem::take(parts);
        let mut is_open: Vec<_> = rows.iter().map(|(_, result)| result.is_err()).collect();
        let total = is_open.iter().filter(|open| **open).count();
        let mut run = Run::new(&self.terms, Some(total)).behind(before.took);
        for (at, node) in nodes.iter().enumerate() {
            let part = Part::new(node.key.to_string(), node.needs.clone());
            run.lay(part.again(before.parts.get(at)));
        }
        let open_needs = |node: &Node<K, T>| node.needs.iter().filter(|need| is_open[**need]).count();
        let mut missing: Vec<_> = nodes.iter().map(open_needs).collect();
        let mut ready: VecDeque<_> =
            (0..nodes.len()).filter(|at| is_open[*at] && missing[*at] == 0).collect();
        let mut phase = Phase::new(&mut run);
        loop {
            while phase.has_room()
                && let Some(at) = ready.pop_front()
            {
                let (spot, work) = self.work(at, rows);
                phase.add_again(at, spot, work);
            }
            let Some((at, result)) = phase.next().await else { break };
            is_open[at] = false;
            if result.is_ok() {
                for after in &self.graph.needed_by[at] {
                    missing[*after] -= 1;
                    if missing[*after] == 0 {
                        ready.push_back(*after);
                    }
                }
            } else if phase.run.cut().is_none() {
                self.block(at, &result, &mut is_open, |at, failure| {
                    phase.run.skip(at, failure.clone());
                    rows[at].1 = Err(failure);
                });
            }
            rows[at].1 = result;
        }
        for at in (0..nodes.len()).filter(|at| is_open[*at]) {
            let failure = run.not_begun();
            run.skip(at, failure.clone());
            rows[at].1 = Err(failure);
        }
        *parts = run.close().await;
    }

    /// The work of a node whose needs are done.
    fn work(&self, at: usize, rows: &[(K, Result<O, Failure>)]) -> (Spot, AnyWork<O>) {
        let node = &self.graph.nodes[at];
        let needs = node.needs.iter().filter_map(|need| {
            let (key, result) = &rows[*need];
            Some((key, result.as_ref().ok()?))
        });
        let name = node.key.to_string();
        let spot = Spot::named(&name).keyed(format!("{at}:{name}")).costing(self.costing.as_ref());
        (spot, (self.node)(&node.task, Needs::new(needs)))
    }

    /// Ends all that needs a node that has failed, directly or not.
    fn block(
        &self,
        failed: usize,
        result: &Result<O, Failure>,
        is_open: &mut [bool],
        mut end: impl FnMut(usize, Failure),
    ) {
        let advice = result.as_ref().err().map_or(Advice::Never, Failure::advice);
        let text =
            format!("{} has failed, which it needs", OneLine(&self.graph.nodes[failed].key.to_string()));
        let failure = Failure::NotBegun(AgentError::new(FailureClass::Stopped, text).advise(advice));
        let mut next = vec![failed];
        while let Some(at) = next.pop() {
            for after in self.graph.needed_by[at].iter().filter(|after| std::mem::take(&mut is_open[**after]))
            {
                end(*after, failure.clone());
                next.push(*after);
            }
        }
    }
}

runs!([K: Ord + Clone + Display + Send + Sync + 'a, T: Send + Sync + 'a, O: Send + Sync + 'static] Waves<'a, K, T, O> => Waved<K, O>);
