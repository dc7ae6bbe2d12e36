//! The children that a spec declares, and theirs.
//!
//! # Invariants
//! 1. Nothing here recurses: a spec may be nested as deep as somebody cares to write, and is looked at, planted and dropped
//!    without a stack that is as deep.
//! 2. `levels` and `agents` are those of what is declared, so that a spec which is too deep or too many is refused before
//!    anything of it is made. Both end at the largest number instead of wrapping.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::agent::Agent;
use crate::agent::plant::{Plant, Planted};
use crate::agent::spec::AgentSpec;
use crate::words::error::SpawnError;
use crate::words::limits::Limits;
use crate::words::naming;
use crate::words::policies::Policies;
use crate::words::room::{Bound, Crew};

/// More agents than this are not declared in one spec: a spec is shared where it is cloned, and a few lines that nest clones in
/// clones make more of them than there is memory.
const AGENTS_MOST: u32 = 1_000_000;

/// Declared children, in their order.
#[derive(Clone, Default)]
pub(crate) struct Below {
    children: Vec<Arc<dyn Plant>>,
    levels: u32,
    agents: u32,
}

impl Below {
    /// Adds a child after the others.
    pub(super) fn add<C: Agent>(&mut self, spec: AgentSpec<C>) {
        self.levels = self.levels.max(spec.below.levels.saturating_add(1));
        self.agents = self.agents.saturating_add(spec.below.agents).saturating_add(1);
        self.children.push(Arc::new(Planted(spec)));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.children.is_empty()
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Arc<dyn Plant>> {
        self.children.iter()
    }

    /// All that is declared, and so many levels of it.
    pub(crate) const fn crew(&self) -> Crew {
        Crew { agents: self.agents, levels: self.levels }
    }

    /// Whether all of it can be, under an agent with these policies; without looking whether there is room.
    pub(super) fn check(&self, name: &str, policies: &Policies) -> Result<(), SpawnError> {
        if self.agents > AGENTS_MOST {
            let message =
                format!("{} agents are declared below it; declare at most {AGENTS_MOST}", self.agents);
            return Err(bad(name, "child", message));
        }
        if self.levels > crate::words::defaults::DEPTH_MOST {
            let most = crate::words::defaults::DEPTH_MOST;
            let message = format!("{} levels are declared below it; declare at most {most}", self.levels);
            return Err(bad(name, "child", message));
        }
        self.each(policies, |below, above| {
            let mut names = BTreeSet::new();
            for child in below.iter() {
                child.check(false, above.auto_shutdown)?;
                if !names.insert(child.name()) {
                    let message = "a sibling already has it; give each child its own".to_owned();
                    return Err(bad(child.name(), "name", message));
                }
            }
            Ok(())
        })
    }

    /// Whether the agents that declare have room for what they declare.
    pub(super) fn check_room(
        &self,
        name: &str,
        policies: &Policies,
        limits: Limits,
    ) -> Result<(), SpawnError> {
        self.fits(name, policies, limits)?;
        self.each(policies, |below, _| {
            let mut parents = below.iter().filter(|child| !child.below().is_empty());
            parents.try_for_each(|child| {
                let limits = child.policies().check(child.name())?;
                child.below().fits(child.name(), child.policies(), limits)
            })
        })
    }

    fn fits(&self, name: &str, policies: &Policies, limits: Limits) -> Result<(), SpawnError> {
        let children = u32::try_from(self.children.len()).unwrap_or(u32::MAX);
        let limits = Limits { max_children: policies.max_children, ..limits };
        limits.room(self.levels, self.agents, children).map_err(|(bound, limit)| {
            let (field, declared, what) = match bound {
                Bound::Children => ("max_children", children, "child"),
                Bound::Depth => ("budget.depth", self.levels, "level"),
                Bound::LiveAgents => ("budget.live_agents", self.agents, "agent"),
            };
            let plural = match (what, declared) {
                (_, 1) => "",
                ("child", _) => "ren",
                _ => "s",
            };
            bad(
                name,
                field,
                format!("it is {limit}, but its spec declares more below it: {declared} {what}{plural}"),
            )
        })
    }

    /// Visits these children and those below them, level by level, each list with the policies of whoever declares it.
    fn each(
        &self,
        policies: &Policies,
        mut visit: impl FnMut(&Self, &Policies) -> Result<(), SpawnError>,
    ) -> Result<(), SpawnError> {
        let mut open = vec![(self, policies)];
        while let Some((below, policies)) = open.pop() {
            visit(below, policies)?;
            open.extend(
                below
                    .iter()
                    .filter(|child| !child.below().is_empty())
                    .map(|child| (child.below(), child.policies())),
            );
        }
        Ok(())
    }
}

impl Drop for Below {
    fn drop(&mut self) {
        let mut open = std::mem::take(&mut self.children);
        while let Some(mut child) = open.pop() {
            // What another spec shares stays as it is.
            if let Some(child) = Arc::get_mut(&mut child) {
                open.append(&mut child.below_mut().children);
            }
        }
    }
}

fn bad(name: &str, field: &str, message: String) -> SpawnError {
    SpawnError::BadSpec { name: naming::shown(name), field: field.to_owned(), message }
}
