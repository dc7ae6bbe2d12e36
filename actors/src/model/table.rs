//! Prices by the providers' names for their models.

mod built_in;
mod decimal;
mod litellm;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use self::litellm::{BadPrices, Loaded, Skipped};
use super::Prices;

/// What is known about a model by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// What its tokens cost.
    pub prices: Prices,
    /// The most tokens that it accepts.
    pub max_input_tokens: Option<u64>,
    /// The most tokens that it writes.
    pub max_output_tokens: Option<u64>,
}

impl From<Prices> for Listing {
    fn from(prices: Prices) -> Self {
        Self { prices, max_input_tokens: None, max_output_tokens: None }
    }
}

/// Prices of models, by the provider's name for each. Names are compared exactly: a snapshot of a model may have another
/// price than the model. Clones share their rows.
///
/// ```
/// use skep_actors::model::{Models, PriceTable, Prices};
///
/// let table = PriceTable::new().with("gpt-5-mini", Prices::per_million("0.25", "2.00")?);
/// let models = Models::new().prices(table);
/// # Ok::<(), skep_runtime::NoAmount>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct PriceTable(Arc<BTreeMap<String, Listing>>);

impl PriceTable {
    /// An empty table.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The table that comes with skep: some forty current models of OpenAI, Anthropic, Google, Mistral, `DeepSeek`, xAI
    /// and two hosts of open weights, as of 2026-11-30. Its source is named at the top of `built_in.txt`, beside this
    /// file. Prices change: check yours, or load a later table.
    #[must_use]
    pub fn built_in() -> Self {
        built_in::table()
    }

    /// Reads `LiteLLM`'s `model_prices_and_context_window.json`, which has prices in dollars per token. They are read to
    /// the pico-dollar, and rounded up if they have more digits. Names stay as they are there, such as `gpt-5-mini` and
    /// `mistral/mistral-small-2603`: see [`PriceTable::under`]. Where there are prices for service tiers, those without a
    /// tier are used.
    ///
    /// Skipped entries are listed with the reason: models that do not chat, prices that depend on more than tokens, and
    /// prices of zero, since unknown prices are written that way too.
    ///
    /// # Errors
    /// [`BadPrices`], if the text is not a JSON object.
    pub fn litellm(json: &str) -> Result<Loaded, BadPrices> {
        litellm::load(json)
    }

    /// Also lists names that start with `host/` without that prefix, replacing other rows of the short name: with
    /// `mistral`, `mistral-small-2603` for `mistral/mistral-small-2603`.
    #[must_use]
    pub fn under(mut self, host: &str) -> Self {
        let short = |name: &str| Some(name.strip_prefix(host)?.strip_prefix('/')?.to_owned());
        let rows = self.0.iter().filter_map(|(name, listing)| Some((short(name)?, *listing)));
        let rows: Vec<_> = rows.collect();
        Arc::make_mut(&mut self.0).extend(rows);
        self
    }

    fn of(rows: BTreeMap<String, Listing>) -> Self {
        Self(Arc::new(rows))
    }

    /// Adds a model, or replaces the one with this name: with its prices alone, or with what else is known of it.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, listing: impl Into<Listing>) -> Self {
        Arc::make_mut(&mut self.0).insert(name.into(), listing.into());
        self
    }

    /// This table and another one; the other's rows replace those with the same name.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        if self.0.is_empty() {
            return other;
        }
        let others = other.0.iter().map(|(name, listing)| (name.clone(), *listing));
        Arc::make_mut(&mut self.0).extend(others);
        self
    }

    /// What is known about a model.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Listing> {
        self.0.get(name).copied()
    }

    /// All rows, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Listing)> {
        self.0.iter().map(|(name, listing)| (name.as_str(), listing))
    }

    /// How many models it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Shows only the number of models, which may be thousands.
impl fmt::Debug for PriceTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PriceTable").field("models", &self.len()).finish_non_exhaustive()
    }
}
