//! The models that a swarm has, by name.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use skep_runtime::Env;

use super::{Chunks, Model, ModelError, Prices, Request};

/// Models by name: a resource of the swarm. Clones share the models, so one set can belong to a process and be given to
/// several swarms.
///
/// ```
/// use skep_actors::model::{Models, Scripted};
///
/// let models = Models::new().with("fast", Scripted::lines(["a draft"]));
/// let builder = skep_runtime::Swarm::builder("review").resource(models);
/// ```
#[derive(Clone, Default)]
pub struct Models(BTreeMap<String, Arc<dyn Model>>);

impl Models {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One more, in the place of another of this name.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, model: impl Model) -> Self {
        self.0.insert(name.into(), Arc::new(model));
        self
    }

    /// The model of a name. One that is not there is a model all the same: it refuses every request and says which there
    /// are.
    #[must_use]
    pub fn get(&self, name: &str) -> Arc<dyn Model> {
        let missing = || Arc::new(Missing { name: name.to_owned(), known: self.names() }) as Arc<dyn Model>;
        self.0.get(name).map_or_else(missing, Arc::clone)
    }

    /// The names, in order.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }
}

impl fmt::Debug for Models {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// What stands for a model that is not there.
struct Missing {
    name: String,
    known: Vec<String>,
}

impl Model for Missing {
    fn prices(&self) -> Prices {
        Prices::FREE
    }

    fn stream(&self, _: Arc<Request>, _: &Env) -> Chunks {
        let error = ModelError::Unknown { name: self.name.clone(), known: self.known.clone() };
        Box::pin(futures_util::stream::iter([Err(error)]))
    }
}
