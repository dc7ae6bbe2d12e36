//! A model that behaves like a provider, well or badly: for load tests, services without a key, and fault storms under
//! seeds.

mod content;

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use skep_runtime::{Env, PicoUsd};

use self::content::{Conduct, answer};
use super::traffic::Counter;
use super::{Chunks, Model, Prices, Request, Traffic};

/// The name that it has by default.
const NAME: &str = "sim";

/// A model with latency, pace, prices and faults. All its choices come from the swarm's own randomness and its waits use
/// the swarm's own time, so the same seed gives the same run. Clones are the same model.
///
/// ```
/// use std::time::Duration;
/// use skep_actors::model::{Prices, Simulated};
///
/// let model = Simulated::new()
///     .latency(Duration::from_millis(200)..=Duration::from_millis(900))
///     .tokens_a_second(80)
///     .prices(Prices::per_million("0.25", "1.25")?)
///     .rate_limits(50, Duration::from_secs(2))
///     .cuts(10);
/// # Ok::<(), skep_runtime::NoAmount>(())
/// ```
///
/// The chance of each fault is in thousandths, and zero by default.
#[derive(Clone, Debug)]
pub struct Simulated {
    name: Arc<str>,
    prices: Prices,
    conduct: Conduct,
    counter: Counter,
}

impl Default for Simulated {
    fn default() -> Self {
        Self::new()
    }
}

impl Simulated {
    /// A well-behaved model: 200 to 800 ms to the first token, 60 tokens a second, 40 to 160 tokens, at 0.25 dollars per
    /// million tokens sent and 1.25 per million written, like the smaller models of 2025.
    #[must_use]
    pub fn new() -> Self {
        let prices = Prices::new(PicoUsd(250_000), PicoUsd(1_250_000));
        Self { name: NAME.into(), prices, conduct: Conduct::default(), counter: Counter::default() }
    }

    /// The name that its provider would have for it; `sim` by default.
    #[must_use]
    pub fn named(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = name.into();
        self
    }

    /// What its tokens cost.
    #[must_use]
    pub const fn prices(mut self, prices: Prices) -> Self {
        self.prices = prices;
        self
    }

    /// The time to the first token.
    #[must_use]
    pub fn latency(mut self, from_to: RangeInclusive<Duration>) -> Self {
        self.conduct.latency = from_to;
        self
    }

    /// How fast it writes; 0 is all at once.
    #[must_use]
    pub fn tokens_a_second(mut self, tokens: u32) -> Self {
        self.conduct.pace = Duration::from_secs(1).checked_div(tokens).unwrap_or_default();
        self
    }

    /// How much it writes, if the request allows that; at most 100,000 tokens.
    #[must_use]
    pub fn output_tokens(mut self, from_to: RangeInclusive<u64>) -> Self {
        self.conduct.output = from_to;
        self
    }

    /// How often it calls one of the request's tools instead of writing text.
    #[must_use]
    pub fn calls_tools(mut self, permille: u64) -> Self {
        self.conduct.tool_permille = permille;
        self
    }

    /// How often a tool call's arguments are not JSON.
    #[must_use]
    pub fn garbles(mut self, permille: u64) -> Self {
        self.conduct.garble_permille = permille;
        self
    }

    /// How often it rejects a request, and its retry-after.
    #[must_use]
    pub fn rate_limits(mut self, permille: u64, retry_after: Duration) -> Self {
        (self.conduct.limit_permille, self.conduct.retry_after) = (permille, retry_after);
        self
    }

    /// How often it falls silent in the middle, and for how long.
    #[must_use]
    pub fn stalls(mut self, permille: u64, pause: Duration) -> Self {
        (self.conduct.stall_permille, self.conduct.stall) = (permille, pause);
        self
    }

    /// How often an answer is cut off in the middle.
    #[must_use]
    pub fn cuts(mut self, permille: u64) -> Self {
        self.conduct.cut_permille = permille;
        self
    }

    /// How often it sends no usage.
    #[must_use]
    pub fn withholds_usage(mut self, permille: u64) -> Self {
        self.conduct.withhold_permille = permille;
        self
    }

    /// What became of its answers.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.counter.traffic()
    }
}

impl Model for Simulated {
    fn name(&self) -> Option<&str> {
        Some(&self.name)
    }

    fn prices(&self) -> Option<Prices> {
        Some(self.prices)
    }

    fn stream(&self, request: Arc<Request>, env: &Env) -> Chunks {
        let answer = answer(&self.conduct, &request, &mut |bound| env.random_below(bound));
        answer.play(&request, env, self.counter.begin())
    }
}
