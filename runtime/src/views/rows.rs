//! Rows by agent: found by hash, seen and written in the order of the ids.
//!
//! Every event that a journal cuts looks a few rows up. Of a hundred thousand agents an ordered map compares seventeen ids
//! for each, all of which begin alike. Ids are ours, so the hash need not be one that nobody can foresee.

use std::collections::{BTreeMap, HashMap};

use foldhash::fast::FixedState;
use serde::{Deserialize, Serialize, Serializer};

use crate::words::id::AgentId;

/// Boxed, so that a growing table moves pointers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(super) struct Rows<V>(HashMap<AgentId, Box<V>, FixedState>);

impl<V> Default for Rows<V> {
    fn default() -> Self {
        Self(HashMap::default())
    }
}

impl<V> Rows<V> {
    pub(super) fn get(&self, agent: &AgentId) -> Option<&V> {
        self.0.get(agent).map(|row| &**row)
    }

    pub(super) fn get_mut(&mut self, agent: &AgentId) -> Option<&mut V> {
        self.0.get_mut(agent).map(|row| &mut **row)
    }

    pub(super) fn get_or_default(&mut self, agent: &AgentId) -> &mut V
    where
        V: Default,
    {
        // Two look-ups for what is new are less than an id that is cloned for each that is known.
        if !self.0.contains_key(agent) {
            self.0.insert(agent.clone(), Box::default());
        }
        self.get_mut(agent).expect("it is there now")
    }

    /// All of them, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&AgentId, &V)> {
        self.0.iter().map(|(agent, row)| (agent, &**row))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn contains(&self, agent: &AgentId) -> bool {
        self.0.contains_key(agent)
    }

    pub(super) fn insert(&mut self, agent: AgentId, row: V) {
        self.0.insert(agent, Box::new(row));
    }

    pub(super) fn remove(&mut self, agent: &AgentId) -> Option<V> {
        self.0.remove(agent).map(|row| *row)
    }

    /// All of them, in the order of the ids as text.
    pub(super) fn in_order(&self) -> BTreeMap<&AgentId, &V> {
        self.0.iter().map(|(agent, row)| (agent, &**row)).collect()
    }
}

impl<V: Serialize> Serialize for Rows<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.in_order().serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_written_in_the_order_of_their_ids_and_read_back() {
        let root = AgentId::root("s");
        let mut rows = Rows::default();
        for number in (1..50).rev() {
            rows.insert(root.child(number), number);
        }
        let written = serde_json::to_string(&rows).unwrap();
        let mut ids: Vec<AgentId> = (1..50).map(|number| root.child(number)).collect();
        ids.sort();
        assert_eq!(rows.in_order().into_keys().cloned().collect::<Vec<_>>(), ids);
        let places: Vec<_> = ids.iter().map(|id| written.find(&format!("\"{id}\"")).unwrap()).collect();
        assert!(places.is_sorted(), "{written}");
        assert_eq!(serde_json::from_str::<Rows<u32>>(&written).unwrap(), rows);
    }
}
