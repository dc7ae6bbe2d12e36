//! Who is where in the swarm, in which state, doing what.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::draw::{Column, DrawnLine, draw, freed_label};
use super::rows::Rows;
use super::{Fold, States};
use crate::decide::lifecycle::Lifecycle;
use crate::words::event::{Event, Role, Wait, What};
use crate::words::id::{AgentId, Incarnation, Seq};
use crate::words::state::AgentState;

/// The tree of all agents, ended ones too until they are let go. What happens to an agent that was never spawned is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tree {
    rows: Rows<TreeRow>,
    /// Agents whose parent is not known: the session's root, usually.
    roots: Vec<AgentId>,
}

/// An agent in the [`Tree`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreeRow {
    /// The agent.
    pub id: AgentId,
    /// Its name.
    pub name: String,
    /// The type of its behaviour.
    pub agent_type: String,
    /// What it is to its parent.
    pub role: Role,
    /// Its parent; none for the session's root.
    pub parent: Option<AgentId>,
    /// Its latest life; 0 before the first.
    pub incarnation: Incarnation,
    /// The turn in which it was spawned, by the event that began it; none if it was spawned from outside.
    pub begun_by: Option<Seq>,
    /// Who supervises it, if its parent no longer does: the one, and the event that says so.
    pub adopted: Option<(AgentId, Seq)>,
    /// How many agents below it have ended and been let go.
    pub freed: usize,
    /// By number, which is the order of their spawns.
    children: BTreeMap<u32, AgentId>,
    life: Lifecycle,
    says: Option<String>,
    /// By number, in the order of their begins: lists, since they are short and keep their room.
    effects: Vec<(u64, String)>,
    waits: Vec<(u64, Wait)>,
}

impl TreeRow {
    /// Its state.
    #[must_use]
    pub const fn state(&self) -> &AgentState {
        self.life.state()
    }

    /// Its children in the order of their spawns.
    pub fn children(&self) -> impl DoubleEndedIterator<Item = &AgentId> {
        self.children.values()
    }

    /// What it does in its turn: its own words, else the kind of its latest open effect, else what it waits for. Why it
    /// has ended, if it has.
    #[must_use]
    pub fn doing(&self) -> Option<String> {
        if let AgentState::Stopped(reason) = self.state() {
            return Some(reason.to_string());
        }
        let effect = || self.effects.last().map(|(_, kind)| kind.clone());
        let wait = || self.waits.last().map(|(_, on)| on.to_string());
        self.says.clone().or_else(effect).or_else(wait)
    }

    fn apply(&mut self, event: &Event) {
        // An event that cannot follow is `States`' to report.
        let _ = self.life.apply(&event.what);
        self.incarnation = self.incarnation.max(event.incarnation);
        match &event.what {
            What::AgentSpawned { name, agent_type, role, .. } => {
                self.name.clone_from(name);
                self.agent_type.clone_from(agent_type);
                self.role.clone_from(role);
            }
            What::AgentAdopted { by } => self.adopted = Some((by.clone(), event.seq)),
            What::Progress { text } => self.says = Some(text.clone()),
            What::EffectBegan { effect, kind, .. } => {
                self.effects.push((*effect, kind.clone()));
            }
            What::EffectEnded { effect, .. } => {
                self.effects.retain(|(open, _)| open != effect);
            }
            What::WaitBegan { wait, on } => {
                self.waits.push((*wait, *on));
            }
            What::WaitEnded { wait } => {
                self.waits.retain(|(open, _)| open != wait);
            }
            _ => {}
        }
        let begins_anew = matches!(event.what, What::TurnBegan { .. });
        if begins_anew || !self.life.has_turn() {
            self.says = None;
            self.effects.clear();
            self.waits.clear();
        }
    }
}

impl Tree {
    /// An agent's row, if it is known.
    #[must_use]
    pub fn get(&self, agent: &AgentId) -> Option<&TreeRow> {
        self.rows.get(agent)
    }

    /// All agents with the levels above them: each before its children, and these in the order of their spawns.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &TreeRow)> {
        self.walk(&self.roots)
    }

    /// Whether something below an agent has not ended.
    pub(super) fn has_life_below(&self, agent: &AgentId) -> bool {
        self.subtree(agent).skip(1).any(|(_, row)| row.state().is_live())
    }

    /// An agent with everything below it, in the same order, from level 0; nothing if it is not known.
    pub fn subtree<'a>(&'a self, agent: &'a AgentId) -> impl Iterator<Item = (usize, &'a TreeRow)> {
        self.walk([agent])
    }

    /// The tree as text: a line for each agent with its type, state, incarnation from the second on, and what it does, and
    /// one for those below an agent that were let go.
    #[must_use]
    pub fn tree(&self) -> String {
        const COLUMNS: [Column; 5] = [
            Column::Left("agent"),
            Column::Left("type"),
            Column::Left("state"),
            Column::Right("life"),
            Column::Left(""),
        ];
        let cells = |row: &TreeRow| {
            let life = if row.incarnation > 1 { row.incarnation.to_string() } else { String::new() };
            let doing = row.doing().unwrap_or_default();
            vec![row.name.clone(), row.agent_type.clone(), row.state().to_string(), life, doing]
        };
        let mut lines = Vec::new();
        for (level, row) in self.iter() {
            lines.push(DrawnLine { level, cells: cells(row) });
            if row.freed > 0 {
                let mut freed = vec![String::new(); COLUMNS.len()];
                freed[0] = freed_label(row.freed);
                lines.push(DrawnLine { level: level + 1, cells: freed });
            }
        }
        draw(&COLUMNS, &lines)
    }

    /// The lifecycle of each agent.
    pub(super) fn states(&self) -> States {
        let rows = self.rows.in_order();
        States::from_lives(rows.into_iter().map(|(id, row)| (id.clone(), row.life.clone())))
    }

    fn walk<'a>(
        &'a self,
        tops: impl IntoIterator<Item = &'a AgentId>,
    ) -> impl Iterator<Item = (usize, &'a TreeRow)> {
        let mut ahead: Vec<_> = tops.into_iter().map(|top| (0, top)).collect();
        ahead.reverse();
        std::iter::from_fn(move || {
            let (level, id) = ahead.pop()?;
            let row = self.rows.get(id)?;
            ahead.extend(row.children().rev().map(|child| (level + 1, child)));
            Some((level, row))
        })
    }

    fn insert(&mut self, event: &Event, role: &Role) {
        let id = &event.agent;
        let mut parent = id.parent();
        match parent.as_ref().and_then(|parent| self.rows.get_mut(parent)) {
            Some(row) => {
                row.children.insert(id.number(), id.clone());
                // One text for all of its children.
                parent = Some(row.id.clone());
            }
            None => self.roots.push(id.clone()),
        }
        let row = TreeRow {
            id: id.clone(),
            name: String::new(),
            agent_type: String::new(),
            role: role.clone(),
            parent,
            incarnation: 0,
            begun_by: event.cause,
            adopted: None,
            freed: 0,
            children: BTreeMap::new(),
            life: Lifecycle::default(),
            says: None,
            effects: Vec::new(),
            waits: Vec::new(),
        };
        self.rows.insert(id.clone(), row);
    }
}

impl Fold for Tree {
    fn apply(&mut self, event: &Event) {
        if matches!(event.what, What::TaskAccepted { .. } | What::TaskEnded { .. }) {
            // Two in four of a busy swarm's events: they are about the task, and looking its agent up is what a fold costs.
            return;
        }
        if let What::AgentSpawned { role, .. } = &event.what
            && !self.rows.contains(&event.agent)
        {
            self.insert(event, role);
        }
        if let Some(row) = self.rows.get_mut(&event.agent) {
            row.apply(event);
        }
    }

    fn forget(&mut self, agent: &AgentId) {
        self.let_go(agent);
    }
}

impl Tree {
    /// Lets go of an agent and of all below it, and says of whom.
    pub(super) fn let_go(&mut self, agent: &AgentId) -> Vec<AgentId> {
        let mut gone = Vec::new();
        let Some(parent) = self.rows.get(agent).and_then(|row| row.parent.clone()) else { return gone };
        if !self.rows.contains(&parent) {
            return gone;
        }
        let (mut freed, mut below) = (0, vec![agent.clone()]);
        while let Some(row) = below.pop().and_then(|id| self.rows.remove(&id)) {
            freed += 1 + row.freed;
            below.extend(row.children.into_values());
            gone.push(row.id);
        }
        if let Some(parent) = self.rows.get_mut(&parent) {
            parent.children.remove(&agent.number());
            parent.freed += freed;
        }
        gone
    }
}
