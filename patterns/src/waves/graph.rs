//! A graph of tasks: what needs what. Pure.
//!
//! # Invariants
//! 1. Each node stands behind all that it needs, so a graph that there is has no cycle.
//! 2. What is done here takes time in proportion to nodes and needs (keys are looked up in a tree), and no recursion.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt::{self, Display, Write as _};

use skep_runtime::text::OneLine;

use crate::parts::escaped;

/// Tasks, each with a key and the keys of those that it needs: checked, and in an order in which they could be done one by one.
#[derive(Clone, Debug)]
pub struct Graph<K, T> {
    pub(super) nodes: Vec<Node<K, T>>,
    /// For each node those that need it.
    pub(super) needed_by: Vec<Vec<usize>>,
}

#[derive(Clone, Debug)]
pub(super) struct Node<K, T> {
    pub(super) key: K,
    pub(super) task: T,
    /// What it needs, by position: each once, in the order in which it was named.
    pub(super) needs: Vec<usize>,
}

/// Why tasks are no graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GraphError<K> {
    /// Each of these needs the next one, and the last is the first.
    Cycle(Vec<K>),
    /// A task needs what is not there.
    Unknown {
        /// The task's key.
        node: K,
        /// What it needs.
        needs: K,
    },
    /// Two tasks have this key.
    Twice(K),
}

impl<K: Ord + Clone, T> Graph<K, T> {
    /// The graph of these tasks, by the key of each and the keys of what it needs. A need that is named twice counts once.
    ///
    /// # Errors
    /// [`GraphError`] names a key that two tasks have, a need that is not there, or a whole cycle.
    pub fn of<N: IntoIterator<Item = K>>(
        tasks: impl IntoIterator<Item = T>,
        key: impl Fn(&T) -> K,
        needs: impl Fn(&T) -> N,
    ) -> Result<Self, GraphError<K>> {
        let mut places = BTreeMap::new();
        let mut all = Vec::new();
        for task in tasks {
            let key = key(&task);
            if places.insert(key.clone(), all.len()).is_some() {
                return Err(GraphError::Twice(key));
            }
            all.push((key, task));
        }
        let mut needed = Vec::with_capacity(all.len());
        for (key, task) in &all {
            let (mut own, mut seen) = (Vec::new(), BTreeSet::new());
            for need in needs(task) {
                match places.get(&need) {
                    Some(at) if seen.insert(*at) => own.push(*at),
                    Some(_) => {}
                    None => return Err(GraphError::Unknown { node: key.clone(), needs: need }),
                }
            }
            needed.push(own);
        }
        let order = order(&needed)
            .map_err(|cycle| GraphError::Cycle(cycle.into_iter().map(|at| all[at].0.clone()).collect()))?;
        Ok(Self::sorted(all, &needed, &order))
    }

    /// With the nodes in this order.
    fn sorted(all: Vec<(K, T)>, needed: &[Vec<usize>], order: &[usize]) -> Self {
        let mut places = vec![0; order.len()];
        for (place, at) in order.iter().enumerate() {
            places[*at] = place;
        }
        let mut all: Vec<_> = all.into_iter().map(Some).collect();
        let mut needed_by = vec![Vec::new(); order.len()];
        let mut nodes = Vec::with_capacity(order.len());
        for at in order {
            let Some((key, task)) = all[*at].take() else { continue };
            let needs: Vec<_> = needed[*at].iter().map(|need| places[*need]).collect();
            for need in &needs {
                needed_by[*need].push(nodes.len());
            }
            nodes.push(Node { key, task, needs });
        }
        Self { nodes, needed_by }
    }
}

/// All places, each behind those that it needs, and else as they were; or the places of a cycle, from one back to itself.
fn order(needs: &[Vec<usize>]) -> Result<Vec<usize>, Vec<usize>> {
    #[derive(Clone, Copy)]
    enum Seen {
        Not,
        /// At this place of the path.
        OnPath(usize),
        Done,
    }
    let mut seen = vec![Seen::Not; needs.len()];
    let mut order = Vec::with_capacity(needs.len());
    // From one that is to be placed down its needs, each with how many of its own are placed.
    let mut path: Vec<(usize, usize)> = Vec::new();
    for first in 0..needs.len() {
        let mut next = Some(first);
        loop {
            match next.map(|at| (at, seen[at])) {
                Some((at, Seen::Not)) => {
                    seen[at] = Seen::OnPath(path.len());
                    path.push((at, 0));
                }
                Some((at, Seen::OnPath(begin))) => {
                    return Err(path[begin..].iter().map(|(on, _)| *on).chain([at]).collect());
                }
                Some((_, Seen::Done)) | None => {}
            }
            let Some((at, placed)) = path.last_mut() else { break };
            next = needs[*at].get(*placed).copied();
            *placed += 1;
            if next.is_none() {
                seen[*at] = Seen::Done;
                order.push(*at);
                path.pop();
            }
        }
    }
    Ok(order)
}

impl<K: Display, T> Graph<K, T> {
    /// How many tasks there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// A line for each task, behind what it needs: `link: parse, check`.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::new();
        for node in &self.nodes {
            let _ = write!(out, "{}", line(&node.key));
            for (at, need) in node.needs.iter().enumerate() {
                let _ = write!(out, "{}{}", if at == 0 { ": " } else { ", " }, line(&self.nodes[*need].key));
            }
            out.push('\n');
        }
        out
    }

    /// A Mermaid flow chart: an arrow from each task to those that need it.
    #[must_use]
    pub fn mermaid(&self) -> String {
        let mut out = "flowchart LR\n".to_owned();
        for (at, node) in self.nodes.iter().enumerate() {
            // Writing to a string cannot fail.
            let _ = writeln!(out, "  n{at}[\"{}\"]", escaped(&node.key.to_string(), "#quot;"));
            for need in &node.needs {
                let _ = writeln!(out, "  n{need} --> n{at}");
            }
        }
        out
    }

    /// A Graphviz graph in the DOT language.
    #[must_use]
    pub fn dot(&self) -> String {
        let mut out = "digraph {\n  rankdir=LR;\n".to_owned();
        for (at, node) in self.nodes.iter().enumerate() {
            let _ = writeln!(out, "  n{at} [label=\"{}\"];", escaped(&node.key.to_string(), "\\\""));
            for need in &node.needs {
                let _ = writeln!(out, "  n{need} -> n{at};");
            }
        }
        out.push_str("}\n");
        out
    }
}

fn line(key: &impl Display) -> String {
    OneLine(&key.to_string()).to_string()
}

impl<K: Display> Display for GraphError<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cycle(keys) => {
                f.write_str("tasks need each other in a circle: ")?;
                for (at, key) in keys.iter().enumerate() {
                    write!(f, "{}{}", if at == 0 { "" } else { " -> " }, line(key))?;
                }
                Ok(())
            }
            Self::Unknown { node, needs } => {
                write!(f, "the task {} needs {}, and there is no such task", line(node), line(needs))
            }
            Self::Twice(key) => write!(f, "two tasks have the key {}", line(key)),
        }
    }
}

impl<K: Display + fmt::Debug> Error for GraphError<K> {}
