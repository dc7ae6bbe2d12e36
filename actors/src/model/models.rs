//! The models that a swarm has, by name.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use skep_runtime::Env;

use super::{Chunks, Listing, Model, ModelError, Price, PriceTable, Prices, Request, UnknownPrice};

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
pub struct Models {
    by_name: BTreeMap<String, Arc<dyn Model>>,
    prices: PriceTable,
    unknown: Option<UnknownPrice>,
}

impl Models {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One more, in the place of another of this name.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, model: impl Model) -> Self {
        self.by_name.insert(name.into(), Arc::new(model));
        self
    }

    /// Prices of models that were given none, by the names that their providers have for them. More rows, if it has some already.
    #[must_use]
    pub fn prices(mut self, table: PriceTable) -> Self {
        self.prices = self.prices.and(table);
        self
    }

    /// What is to become of models whose price nobody has said: they are refused, unless told.
    #[must_use]
    pub const fn unknown_price(mut self, policy: UnknownPrice) -> Self {
        self.unknown = Some(policy);
        self
    }

    /// These and others: what the others say holds where both say something.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.by_name.extend(other.by_name);
        self.prices = self.prices.and(other.prices);
        self.unknown = other.unknown.or(self.unknown);
        self
    }

    /// Each with another in its place, which is made of its name and of itself: one that counts, fails at will, or writes down what it
    /// does. It should go by the name that the model in it has at its provider ([`Model::name`]).
    #[must_use]
    pub fn wrapped<M: Model>(mut self, wrap: impl Fn(&str, Arc<dyn Model>) -> M) -> Self {
        for (name, model) in &mut self.by_name {
            *model = Arc::new(wrap(name, Arc::clone(model)));
        }
        self
    }

    /// The model of a name. One that is not there is a model all the same: it refuses every request and says which there
    /// are.
    #[must_use]
    pub fn get(&self, name: &str) -> Arc<dyn Model> {
        let missing = || Arc::new(Missing { name: name.to_owned(), known: self.names() }) as Arc<dyn Model>;
        self.by_name.get(name).map_or_else(missing, Arc::clone)
    }

    /// What a call of a model is reckoned with: its own prices, else those of the table, else as the policy says.
    #[must_use]
    pub fn price(&self, model: &dyn Model) -> Price {
        let listed = || self.listing(model).map(|listing| listing.prices);
        let policy = self.unknown.unwrap_or_default();
        model.prices().or_else(listed).map_or_else(|| policy.price(), Price::Known)
    }

    /// What the table says of a model.
    #[must_use]
    pub fn listing(&self, model: &dyn Model) -> Option<Listing> {
        self.prices.get(model.name()?)
    }

    /// The names, in order.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.by_name.keys().cloned().collect()
    }
}

impl fmt::Debug for Models {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.by_name.keys()).finish()
    }
}

/// What stands for a model that is not there.
struct Missing {
    name: String,
    known: Vec<String>,
}

impl Model for Missing {
    fn prices(&self) -> Option<Prices> {
        Some(Prices::FREE)
    }

    fn stream(&self, _: Arc<Request>, _: &Env) -> Chunks {
        let error = ModelError::Unknown { name: self.name.clone(), known: self.known.clone() };
        Box::pin(futures_util::stream::iter([Err(error)]))
    }
}
