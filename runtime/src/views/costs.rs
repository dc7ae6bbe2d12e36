//! What each agent cost, and everything below it.

mod sums;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use self::sums::Booked;
use super::Fold;
use super::rows::Rows;
use crate::views::bill::{Bill, Breakdown, CostRow};
use crate::words::event::{Event, Settled, What};
use crate::words::id::AgentId;

/// The bill of every agent, ended ones too until they are let go: then it stays in their parent's row as [`Freed`](crate::views::bill::Freed).
///
/// A cost of an agent that was never spawned makes a row under the id alone, and so do its ancestors: no money is lost from
/// the sums. What an agent settles after it was let go is booked where its bill has gone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Costs {
    rows: Rows<Account>,
    roots: Vec<AgentId>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Account {
    name: String,
    ended: bool,
    parent: Option<AgentId>,
    /// By number, which is the order of their spawns.
    children: BTreeMap<u32, AgentId>,
    agents: usize,
    booked: Booked,
}

impl Costs {
    /// What an agent cost itself, if it is known.
    #[must_use]
    pub fn own(&self, agent: &AgentId) -> Option<&Bill> {
        self.rows.get(agent).map(|row| &row.booked.sums().own)
    }

    /// What an agent and everything below it cost, if it is known.
    #[must_use]
    pub fn subtree(&self, agent: &AgentId) -> Option<&Bill> {
        self.rows.get(agent).map(|row| &row.booked.sums().subtree)
    }

    /// How many agents have a row.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What all of it cost.
    #[must_use]
    pub fn total(&self) -> Bill {
        let mut total = Bill::default();
        for root in self.roots.iter().filter_map(|root| self.subtree(root)) {
            total += *root;
        }
        total
    }

    /// The costs of an agent's subtree, agent by agent; empty if it is not known.
    #[must_use]
    pub fn breakdown(&self, agent: &AgentId) -> Breakdown {
        Breakdown { rows: self.rows_of([agent]) }
    }

    /// All costs as text, as [`Breakdown::tree`] draws them.
    #[must_use]
    pub fn tree(&self) -> String {
        Breakdown { rows: self.rows_of(&self.roots) }.tree()
    }

    fn rows_of<'a>(&'a self, tops: impl IntoIterator<Item = &'a AgentId>) -> Vec<CostRow> {
        let mut rows = Vec::new();
        let mut ahead: Vec<_> = tops.into_iter().map(|top| (0, top)).collect();
        ahead.reverse();
        while let Some((level, id)) = ahead.pop() {
            let Some(row) = self.rows.get(id) else { continue };
            let sums = row.booked.sums();
            rows.push(CostRow {
                id: id.clone(),
                name: row.name.clone(),
                level,
                ended: row.ended,
                agents: row.agents,
                own: sums.own,
                subtree: sums.subtree,
                freed: sums.freed,
            });
            ahead.extend(row.children.values().rev().map(|child| (level + 1, child)));
        }
        rows
    }

    /// The agent's row, made with those of its ancestors if they are not there.
    fn row(&mut self, agent: &AgentId) -> &mut Account {
        let mut missing = Vec::new();
        let mut at = Some(agent.clone());
        while let Some(id) = at.take_if(|id| !self.rows.contains(id)) {
            at = id.parent();
            missing.push(id);
        }
        while let Some(id) = missing.pop() {
            let parent = id.parent();
            match parent.as_ref().and_then(|parent| self.rows.get_mut(parent)) {
                Some(parent) => {
                    parent.children.insert(id.number(), id.clone());
                }
                None => self.roots.push(id.clone()),
            }
            let row = Account { name: id.to_string(), parent, ..Account::default() };
            self.rows.insert(id.clone(), row);
            self.each_up(&id, |row| row.agents += 1);
        }
        self.rows.get_mut(agent).expect("its row has just been made")
    }

    fn book(&mut self, agent: &AgentId, change: impl Fn(&mut Bill)) {
        let heir = self.heir(agent);
        match &heir {
            Some(heir) => change(&mut self.row(heir).booked.sums_mut().freed.bill),
            None => change(&mut self.row(agent).booked.sums_mut().own),
        }
        self.each_up(heir.as_ref().unwrap_or(agent), |row| change(&mut row.booked.sums_mut().subtree));
    }

    /// Where the bill of an agent has gone that was let go; none for any other.
    fn heir(&self, agent: &AgentId) -> Option<AgentId> {
        let mut at = agent.clone();
        let mut is_known = self.rows.contains(&at);
        if is_known {
            return None;
        }
        while !is_known {
            at = at.parent()?;
            is_known = self.rows.contains(&at);
        }
        self.rows.get(&at).is_some_and(|row| row.booked.sums().freed.agents > 0).then_some(at)
    }

    fn each_up(&mut self, agent: &AgentId, change: impl Fn(&mut Account)) {
        let mut at = Some(agent.clone());
        while let Some(row) = at.as_ref().and_then(|id| self.rows.get_mut(id)) {
            change(row);
            at.clone_from(&row.parent);
        }
    }
}

impl Fold for Costs {
    fn apply(&mut self, event: &Event) {
        let agent = &event.agent;
        match &event.what {
            What::AgentSpawned { name, .. } => {
                let row = self.row(agent);
                row.name.clone_from(name);
                row.ended = false;
            }
            What::AgentStopped { .. } if self.heir(agent).is_none() => self.row(agent).ended = true,
            What::Overrun { over, .. } => self.book(agent, |bill| bill.over += *over),
            _ => {}
        }
        if let Some((_, reserved)) = event.what.reserves() {
            self.book(agent, |bill| bill.reserved += reserved);
        }
        if let Some(Settled { used, freed, estimated, late, .. }) = event.what.settles() {
            self.book(agent, |bill| {
                bill.reserved = bill.reserved.above(&freed);
                bill.spent += used;
                if estimated {
                    bill.estimated += used;
                }
                if late {
                    bill.late += used;
                }
            });
        }
    }

    fn forget(&mut self, agent: &AgentId) {
        let Some(row) = self.rows.get(agent) else { return };
        let Some(parent) = row.parent.clone() else { return };
        let (agents, bill) = (row.agents, row.booked.sums().subtree);
        let mut below = vec![agent.clone()];
        while let Some(row) = below.pop().and_then(|id| self.rows.remove(&id)) {
            below.extend(row.children.into_values());
        }
        let parent = self.row(&parent);
        parent.children.remove(&agent.number());
        let freed = &mut parent.booked.sums_mut().freed;
        freed.agents += agents;
        freed.bill += bill;
    }
}
