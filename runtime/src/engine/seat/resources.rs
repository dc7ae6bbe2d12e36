//! Typed things that agents share: a database pool, a client, a table of prices. The swarm has some, and a subtree may have its own.

use std::any::{Any, TypeId};
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::env::theirs::{Home, Theirs};

type Shared = Arc<dyn Any + Send + Sync>;

/// One value for each type.
#[derive(Clone, Default)]
pub(crate) struct Resources {
    values: BTreeMap<TypeId, Shared>,
    /// The same, each once more, so that the last to let go of one does it where that may be.
    _kept: Arc<Vec<Theirs<Shared>>>,
}

impl Resources {
    pub(crate) fn insert<T: Send + Sync + 'static>(&mut self, value: Arc<T>) {
        self.values.insert(TypeId::of::<T>(), value);
    }

    pub(crate) fn get<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        Arc::clone(self.values.get(&TypeId::of::<T>())?).downcast().ok()
    }

    /// The same values, which are a swarm's or an agent's from now on.
    pub(crate) fn kept_at(&self, home: &Arc<Home>) -> Self {
        let kept = self.values.values().map(|value| home.keep(Arc::clone(value))).collect();
        Self { values: self.values.clone(), _kept: Arc::new(kept) }
    }
}
