//! Who has a place in the swarm, by id and by name: found without a walk, however many there are.
//!
//! It is kept by events, as all that can be seen is. Who was spawned is in it until the event that says that the agent has ended
//! with no spec left that could start it again. Names are those of agents: the root and scopes are found by their ids.
//!
//! # Invariants
//! 1. The lock is a leaf below the journal's: nothing is locked, dropped or called while it is held.
//! 2. A seat's name is under the seat's key, and its id leads to it, or it is in neither.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Weak};

use foldhash::fast::FixedState;
use foldhash::quality::RandomState;
use parking_lot::Mutex;

use super::body::Body;
use crate::decide::stopping::SeatKey;
use crate::engine::seat::Seat;
use crate::words::id::AgentId;

/// So many names of agents that have ended are remembered, with the latest agent of each.
const REMEMBERED: usize = 4_096;

#[derive(Default)]
pub(crate) struct Registry(Mutex<Places>);

#[derive(Default)]
struct Places {
    by_id: HashMap<AgentId, Weak<Seat>, FixedState>,
    /// Names are what people and their clients say, so nobody foresees this hash.
    /// Names are given by users, perhaps by theirs: the hash is one that nobody foresees.
    by_name: HashMap<Arc<str>, SameName, RandomState>,
    ended: EndedNames,
}

/// Those of one name: mostly one.
enum SameName {
    One(SeatKey, Weak<Seat>),
    /// By key, which is the order of their spawns.
    Many(BTreeMap<SeatKey, Weak<Seat>>),
}

/// Names that nobody has any more, and who had them last.
#[derive(Default)]
struct EndedNames {
    by_name: HashMap<Arc<str>, (u64, AgentId), RandomState>,
    /// In the order in which they ended, by its number; one that has ended again since is here twice.
    order: VecDeque<(Arc<str>, u64)>,
    ends: u64,
}

impl Registry {
    /// A seat was given its place.
    pub(crate) fn enter(&self, seat: &Arc<Seat>) {
        let mut places = self.0.lock();
        places.by_id.insert(seat.id.clone(), Arc::downgrade(seat));
        if seat.body.has_behaviour() {
            places.enter_name(seat);
        }
    }

    /// An agent has ended, and nothing starts it again. Called while its event is applied.
    pub(crate) fn leave<B: Body + ?Sized>(&self, seat: &Seat<B>) {
        let mut places = self.0.lock();
        let left = places.by_id.remove(&seat.id);
        let named = places.leave_name(&seat.name, seat.key);
        if named.is_some() {
            places.ended.remember(&seat.name, &seat.id);
        }
        drop(places);
        // Outside the lock: the last of a weak handle frees what it has pointed to.
        drop((left, named));
    }

    /// Who has this id.
    pub(crate) fn by_id(&self, id: &AgentId) -> Option<Arc<Seat>> {
        self.0.lock().by_id.get(id).and_then(Weak::upgrade)
    }

    /// The agents of a name, in the order of their spawns.
    pub(crate) fn by_name(&self, name: &str) -> Vec<Arc<Seat>> {
        match self.0.lock().by_name.get(name) {
            None => Vec::new(),
            Some(SameName::One(_, seat)) => seat.upgrade().into_iter().collect(),
            Some(SameName::Many(seats)) => seats.values().filter_map(Weak::upgrade).collect(),
        }
    }

    /// Who had a name last that nobody has any more, if that is not long ago.
    pub(crate) fn ended(&self, name: &str) -> Option<AgentId> {
        self.0.lock().ended.by_name.get(name).map(|(_, id)| id.clone())
    }

    /// How many have a place, and how many names they have.
    #[cfg(feature = "lab")]
    pub(crate) fn entries(&self) -> [(&'static str, usize); 2] {
        let places = self.0.lock();
        [("ids", places.by_id.len()), ("names in the swarm", places.by_name.len())]
    }
}

impl Places {
    fn enter_name(&mut self, seat: &Arc<Seat>) {
        let (key, weak) = (seat.key, Arc::downgrade(seat));
        match self.by_name.get_mut(&*seat.name) {
            None => {
                self.by_name.insert(Arc::clone(&seat.name), SameName::One(key, weak));
            }
            Some(SameName::Many(seats)) => {
                seats.insert(key, weak);
            }
            Some(named @ SameName::One(..)) => {
                let SameName::One(first, only) = std::mem::replace(named, SameName::Many(BTreeMap::new()))
                else {
                    return;
                };
                *named = SameName::Many(BTreeMap::from([(first, only), (key, weak)]));
            }
        }
    }

    fn leave_name(&mut self, name: &str, key: SeatKey) -> Option<Weak<Seat>> {
        let named = self.by_name.get_mut(name)?;
        let (left, is_last) = match named {
            SameName::One(only, _) if *only != key => return None,
            SameName::One(..) => (None, true),
            SameName::Many(seats) => (Some(seats.remove(&key)?), seats.is_empty()),
        };
        match (left, is_last) {
            (left, false) => left,
            (left, true) => match self.by_name.remove(name) {
                Some(SameName::One(_, seat)) => Some(seat),
                Some(SameName::Many(_)) | None => left,
            },
        }
    }
}

impl EndedNames {
    fn remember(&mut self, name: &Arc<str>, id: &AgentId) {
        self.ends += 1;
        self.by_name.insert(Arc::clone(name), (self.ends, id.clone()));
        self.order.push_back((Arc::clone(name), self.ends));
        if self.order.len() > REMEMBERED
            && let Some((name, end)) = self.order.pop_front()
            && self.by_name.get(&name).is_some_and(|(last, _)| *last == end)
        {
            self.by_name.remove(&name);
        }
    }
}
