//! Rows by agent: found by hash, seen and written in the order of the ids.
//!
//! Every event that a journal cuts looks a few rows up. Of a hundred thousand agents an ordered map compares seventeen ids
//! for each, all of which begin alike. Ids are ours, so the hash need not be one that nobody can foresee. And an agent's events
//! mostly come a few at a time, so the row that was found last is looked at first.

use std::collections::{BTreeMap, HashMap};

use foldhash::fast::FixedState;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::words::id::AgentId;

/// # Invariants
/// 1. `places` has the place of each row, under its id, and no other; a place that is free is in `free`, once.
#[derive(Clone, Debug)]
pub(super) struct Rows<V> {
    places: HashMap<AgentId, u32, FixedState>,
    /// Boxed, so that a growing list moves pointers.
    rows: Vec<Option<Box<(AgentId, V)>>>,
    free: Vec<u32>,
    /// Where a row was found last.
    last: u32,
}

impl<V> Default for Rows<V> {
    fn default() -> Self {
        Self { places: HashMap::default(), rows: Vec::new(), free: Vec::new(), last: 0 }
    }
}

impl<V> Rows<V> {
    /// The row at a place, if it is this agent's, by the look of its id.
    fn is_at(&self, place: u32, agent: &AgentId) -> bool {
        self.rows.get(place as usize).and_then(Option::as_ref).is_some_and(|row| row.0.is_same(agent))
    }

    fn place(&self, agent: &AgentId) -> Option<u32> {
        if self.is_at(self.last, agent) { Some(self.last) } else { self.places.get(agent).copied() }
    }

    pub(super) fn get(&self, agent: &AgentId) -> Option<&V> {
        self.rows[self.place(agent)? as usize].as_ref().map(|row| &row.1)
    }

    pub(super) fn get_mut(&mut self, agent: &AgentId) -> Option<&mut V> {
        self.last = self.place(agent)?;
        self.rows[self.last as usize].as_mut().map(|row| &mut row.1)
    }

    pub(super) fn get_or_default(&mut self, agent: &AgentId) -> &mut V
    where
        V: Default,
    {
        let place = self.place(agent).unwrap_or_else(|| self.put(agent.clone(), V::default()));
        self.last = place;
        let row = self.rows[place as usize].as_mut().expect("a place that is known has a row");
        &mut row.1
    }

    /// All of them, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&AgentId, &V)> {
        self.rows.iter().flatten().map(|row| (&row.0, &row.1))
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = &AgentId> {
        self.places.keys()
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    pub(super) fn contains(&self, agent: &AgentId) -> bool {
        self.place(agent).is_some()
    }

    pub(super) fn insert(&mut self, agent: AgentId, row: V) {
        match self.get_mut(&agent) {
            Some(there) => *there = row,
            None => {
                self.put(agent, row);
            }
        }
    }

    /// Has a row of an agent that has none, and says where.
    fn put(&mut self, agent: AgentId, row: V) -> u32 {
        let place = self.free.pop().unwrap_or_else(|| {
            self.rows.push(None);
            u32::try_from(self.rows.len() - 1).expect("fewer agents live than a u32 counts")
        });
        self.places.insert(agent.clone(), place);
        self.rows[place as usize] = Some(Box::new((agent, row)));
        place
    }

    pub(super) fn remove(&mut self, agent: &AgentId) -> Option<V> {
        let place = self.places.remove(agent)?;
        self.free.push(place);
        self.rows[place as usize].take().map(|row| row.1)
    }

    /// All of them, in the order of the ids as text.
    pub(super) fn in_order(&self) -> BTreeMap<&AgentId, &V> {
        self.iter().collect()
    }
}

/// The rows alone: where they lie is chance.
impl<V: PartialEq> PartialEq for Rows<V> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().all(|(agent, row)| other.get(agent) == Some(row))
    }
}

impl<V: Eq> Eq for Rows<V> {}

impl<V: Serialize> Serialize for Rows<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.in_order().serialize(serializer)
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Rows<V> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut rows = Self::default();
        for (agent, row) in BTreeMap::deserialize(from)? {
            rows.insert(agent, row);
        }
        Ok(rows)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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

    proptest! {
        #[test]
        fn rows_are_a_map_whatever_was_found_last(
            steps in proptest::collection::vec((0..4_u8, 0..6_u32, any::<bool>()), 0..80),
        ) {
            let root = AgentId::root("s");
            let ids: Vec<_> = (0..6).map(|number| root.child(number)).collect();
            let (mut rows, mut map) = (Rows::default(), BTreeMap::new());
            for (at, (step, number, is_same)) in steps.into_iter().enumerate() {
                // The same id may be another text in memory.
                let id = if is_same { ids[number as usize].clone() } else { root.child(number) };
                match step {
                    0 => {
                        rows.insert(id.clone(), at);
                        map.insert(id, at);
                    }
                    1 => prop_assert_eq!(rows.remove(&id), map.remove(&id)),
                    2 => prop_assert_eq!(rows.get_mut(&id), map.get_mut(&id)),
                    _ => prop_assert_eq!(rows.get_or_default(&id), map.entry(id).or_default()),
                }
                prop_assert_eq!(rows.len(), map.len());
                for id in &ids {
                    prop_assert_eq!(rows.get(id), map.get(id));
                }
                prop_assert_eq!(rows.in_order(), map.iter().collect::<BTreeMap<_, _>>());
            }
        }
    }
}
