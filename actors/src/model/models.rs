//! The models that a swarm has, by name.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use skep_runtime::Env;

use super::route::{Choice, Standing};
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
    models: BTreeMap<String, Vec<Arc<Entry>>>,
    tiers: BTreeMap<String, Vec<String>>,
    prices: PriceTable,
    unknown: Option<UnknownPrice>,
    shows_content: bool,
}

/// A model, and how many calls of it are in progress.
struct Entry {
    model: Arc<dyn Model>,
    open: AtomicUsize,
}

impl Models {
    /// No models yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a model, or replaces the one with this name.
    #[must_use]
    pub fn with(self, name: impl Into<String>, model: impl Model) -> Self {
        self.replicas(name, [model])
    }

    /// Adds a model that several endpoints serve. Of the endpoints that are free, the one with the fewest calls is
    /// called, and another one if that fails.
    #[must_use]
    pub fn replicas(mut self, name: impl Into<String>, models: impl IntoIterator<Item = impl Model>) -> Self {
        let name = name.into();
        let entry = |model| Arc::new(Entry { model: Arc::new(model), open: AtomicUsize::new(0) });
        let entries = models.into_iter().map(entry).collect();
        self.tiers.remove(&name);
        self.models.insert(name, entries);
        self
    }

    /// A name for several models. The first is called; another one if the first fails, or if the other is free sooner.
    /// Agents that ask for a tier say what they need, not which model gives it.
    ///
    /// ```
    /// use skep_actors::model::{Models, Scripted};
    ///
    /// let models = Models::new()
    ///     .with("mini", Scripted::lines(["a draft"]))
    ///     .with("qwen", Scripted::lines(["a draft"]))
    ///     .tier("fast", ["qwen", "mini"]);
    /// ```
    #[must_use]
    pub fn tier(
        mut self,
        name: impl Into<String>,
        models: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        let name = name.into();
        self.models.remove(&name);
        self.tiers.insert(name, models.into_iter().map(Into::into).collect());
        self
    }

    /// Prices for models that have none of their own, by the provider's names. Adds rows if there is a table already.
    #[must_use]
    pub fn prices(mut self, table: PriceTable) -> Self {
        self.prices = self.prices.and(table);
        self
    }

    /// What to do with models whose price is unknown: they are refused by default.
    #[must_use]
    pub const fn unknown_price(mut self, policy: UnknownPrice) -> Self {
        self.unknown = Some(policy);
        self
    }

    /// Includes prompts and answers in the traces of calls. They are left out by default: otherwise anyone who may read a
    /// trace could read every word.
    #[must_use]
    pub const fn content_in_traces(mut self) -> Self {
        self.shows_content = true;
        self
    }

    /// These models and others; where both define something, the other's definition wins.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        for (name, entries) in other.models {
            self.tiers.remove(&name);
            self.models.insert(name, entries);
        }
        for (name, tier) in other.tiers {
            self.models.remove(&name);
            self.tiers.insert(name, tier);
        }
        self.prices = self.prices.and(other.prices);
        self.unknown = other.unknown.or(self.unknown);
        self.shows_content |= other.shows_content;
        self
    }

    /// Replaces each model with a wrapper, made from its name and the model: one that counts, fails on purpose, or writes
    /// down what it does. The wrapper should report the inner model's name at the provider ([`Model::name`]).
    #[must_use]
    pub fn wrapped<M: Model>(mut self, wrap: impl Fn(&str, Arc<dyn Model>) -> M) -> Self {
        for (name, entries) in &mut self.models {
            for entry in entries {
                let model = Arc::new(wrap(name, Arc::clone(&entry.model)));
                *entry = Arc::new(Entry { model, open: AtomicUsize::new(0) });
            }
        }
        self
    }

    /// The model with this name; for a tier, its first. An unknown name gives a model too: it refuses every request and lists
    /// the names that exist.
    #[must_use]
    pub fn get(&self, name: &str) -> Arc<dyn Model> {
        let route = self.route(name);
        route
            .into_iter()
            .next()
            .map_or_else(|| self.missing(name).entry.model.clone(), |candidate| candidate.entry.model.clone())
    }

    /// The price that a call of a model is computed with: its own prices, else those of the table, else what the policy
    /// says.
    #[must_use]
    pub fn price(&self, model: &dyn Model) -> Price {
        let listed = || self.listing(model).map(|listing| listing.prices);
        let policy = self.unknown.unwrap_or_default();
        model.prices().or_else(listed).map_or_else(|| policy.price(), Price::Known)
    }

    /// What the table says about a model.
    #[must_use]
    pub fn listing(&self, model: &dyn Model) -> Option<Listing> {
        self.prices.get(model.name()?)
    }

    /// Whether traces include what was asked and answered.
    pub(super) const fn shows_content(&self) -> bool {
        self.shows_content
    }

    /// The names of models and tiers, in order.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.models.keys().chain(self.tiers.keys()).cloned().collect();
        names.sort_unstable();
        names
    }

    /// All that can be called for a name, the first choice first; at least one.
    pub(super) fn route(&self, name: &str) -> Vec<Candidate> {
        let (mut candidates, mut number) = (Vec::new(), 0);
        self.add_route(name, &mut BTreeSet::new(), &mut number, &mut candidates);
        if candidates.is_empty() {
            candidates.push(self.missing(name));
        }
        candidates
    }

    /// A name that comes a second time, for example in a tier that contains itself, adds nothing.
    fn add_route<'m>(
        &'m self,
        name: &'m str,
        met: &mut BTreeSet<&'m str>,
        number: &mut usize,
        candidates: &mut Vec<Candidate>,
    ) {
        if !met.insert(name) {
            return;
        }
        if let Some(tier) = self.tiers.get(name) {
            tier.iter().for_each(|name| self.add_route(name, met, number, candidates));
            return;
        }
        match self.models.get(name) {
            Some(entries) => {
                let candidate = |entry| self.candidate(name, *number, entry);
                candidates.extend(entries.iter().map(candidate));
            }
            None => candidates.push({
                let mut missing = self.missing(name);
                missing.choice.model = *number;
                missing
            }),
        }
        *number += 1;
    }

    fn missing(&self, name: &str) -> Candidate {
        let missing = Missing { name: name.to_owned(), known: self.names() };
        let entry = Entry { model: Arc::new(missing), open: AtomicUsize::new(0) };
        self.candidate(name, 0, &Arc::new(entry))
    }

    fn candidate(&self, name: &str, number: usize, entry: &Arc<Entry>) -> Candidate {
        let model = &*entry.model;
        let window = model.window().or_else(|| self.listing(model)?.max_input_tokens);
        let name = model.name().unwrap_or(name).to_owned();
        Candidate {
            name,
            choice: Choice { model: number, window },
            price: self.price(model),
            entry: Arc::clone(entry),
        }
    }
}

/// A model that can be called for a name.
pub(super) struct Candidate {
    /// The provider's name for it; if there is none, its name in the swarm.
    pub(super) name: String,
    pub(super) price: Price,
    choice: Choice,
    entry: Arc<Entry>,
}

impl Candidate {
    pub(super) fn model(&self) -> &Arc<dyn Model> {
        &self.entry.model
    }

    pub(super) const fn choice(&self) -> Choice {
        self.choice
    }

    pub(super) fn standing(&self, tokens: u64, env: &Env) -> Standing {
        let open = self.entry.open.load(Ordering::Relaxed);
        Standing { open, shut: self.entry.model.shut_for(tokens, env) }
    }

    /// A call of it is in progress until the returned value is dropped.
    pub(super) fn enter(&self) -> Open {
        self.entry.open.fetch_add(1, Ordering::Relaxed);
        Open(Arc::clone(&self.entry))
    }
}

pub(super) struct Open(Arc<Entry>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for Models {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Models")
            .field("models", &self.models.keys().collect::<Vec<_>>())
            .field("tiers", &self.tiers)
            .finish()
    }
}

/// What replaces a model that does not exist.
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
