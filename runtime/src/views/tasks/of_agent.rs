//! The tasks of one agent.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::TaskRow;
use crate::words::id::TaskId;

/// By id. Most agents have one task at a time, so the first that comes where there is none needs no tree; one that no task asked is
/// found by its number alone.
#[derive(Clone, Debug, Default)]
pub(super) struct AgentTasks {
    one: Option<Box<TaskRow>>,
    outside: BTreeMap<u64, Box<TaskRow>>,
    inside: BTreeMap<TaskId, Box<TaskRow>>,
}

impl AgentTasks {
    pub(super) fn get(&self, task: &TaskId) -> Option<&TaskRow> {
        if let Some(one) = self.one.as_deref().filter(|one| one.id == *task) {
            return Some(one);
        }
        let row = match task.number() {
            Some(number) => self.outside.get(&number),
            None => self.inside.get(task),
        };
        // Two agents' ids may have one number, and only one of them is this agent's.
        row.map(|row| &**row).filter(|row| row.id == *task)
    }

    /// The task's row, made now if it is not there.
    pub(super) fn row(&mut self, task: &TaskId) -> &mut TaskRow {
        let is_empty = self.one.is_none() && self.outside.is_empty() && self.inside.is_empty();
        if is_empty {
            return self.one.insert(Box::new(TaskRow::new(task)));
        }
        if self.one.as_ref().is_some_and(|one| one.id == *task) {
            return self.one.as_mut().expect("it is this one");
        }
        match task.number() {
            Some(number) => self.outside.entry(number).or_insert_with(|| Box::new(TaskRow::new(task))),
            None => self.inside.entry(task.clone()).or_insert_with(|| Box::new(TaskRow::new(task))),
        }
    }

    pub(super) fn remove(&mut self, task: &TaskId) {
        if self.one.take_if(|one| one.id == *task).is_some() {
            return;
        }
        match task.number() {
            Some(number) => drop(self.outside.remove(&number)),
            None => drop(self.inside.remove(task)),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.one.is_none() && self.outside.is_empty() && self.inside.is_empty()
    }

    /// All of them, in the order of their ids.
    pub(super) fn in_order(&self) -> impl Iterator<Item = &TaskRow> {
        let mut rows: Vec<&TaskRow> = self.one.as_deref().into_iter().collect();
        rows.extend(self.outside.values().chain(self.inside.values()).map(|row| &**row));
        rows.sort_by(|one, other| one.id.cmp(&other.id));
        rows.into_iter()
    }
}

impl PartialEq for AgentTasks {
    fn eq(&self, other: &Self) -> bool {
        self.in_order().eq(other.in_order())
    }
}

impl Eq for AgentTasks {}

impl Serialize for AgentTasks {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.in_order().map(|row| (&row.id, row)))
    }
}

impl<'de> Deserialize<'de> for AgentTasks {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut tasks = Self::default();
        for (id, row) in BTreeMap::<TaskId, TaskRow>::deserialize(from)? {
            *tasks.row(&id) = row;
        }
        Ok(tasks)
    }
}
