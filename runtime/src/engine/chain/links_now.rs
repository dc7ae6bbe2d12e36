//! The links of the chain, as whoever looks at the swarm sees them.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use crate::engine::Engine;
use crate::engine::chain::{Link, LinkStates};
use crate::env::quiet::caught;

impl Engine {
    /// Remembers links that an effect has brought. They are few: one of each limit of each endpoint.
    pub(crate) fn brings(&self, links: &[Arc<dyn Link>]) {
        let mut brought = self.brought.lock();
        for link in links {
            let link = Arc::downgrade(link);
            if !brought.iter().any(|known| Weak::ptr_eq(known, &link)) {
                brought.retain(|known| known.strong_count() > 0);
                brought.push(link);
            }
        }
    }

    /// How the links stand that have something to say, the swarm's own first.
    pub(crate) fn links(&self) -> Vec<LinkStates> {
        let brought: Vec<_> = self.brought.lock().iter().filter_map(Weak::upgrade).collect();
        let ours = self.links.iter().map(|link| &***link);
        let all = ours.chain(brought.iter().map(|link| &**link));
        let states = all.filter_map(|link| {
            // What they say is a user's: one that panics says nothing.
            let (name, states) = caught(|| (link.name().to_owned(), link.states(&self.env))).ok()?;
            (!states.is_empty()).then_some(LinkStates { name, states })
        });
        states.collect()
    }

    /// The same as sums by link and number, without keys.
    pub(crate) fn limits(&self) -> BTreeMap<String, BTreeMap<String, u64>> {
        let mut sums: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
        for LinkStates { name, states } in self.links() {
            let sums = sums.entry(name).or_default();
            for (number, count) in states.into_iter().flat_map(|state| state.numbers) {
                let sum: &mut u64 = sums.entry(number).or_default();
                *sum = sum.saturating_add(count);
            }
        }
        sums
    }
}
