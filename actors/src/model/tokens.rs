//! What an answer used, normalised, and what that costs.

use serde::{Deserialize, Serialize};
use skep_runtime::{NanoUsd, NoAmount, PicoUsd, Usage, cost_of};

/// The tokens of one answer, each counted once. Providers disagree on whether the tokens sent include the cached ones;
/// [`Tokens::inclusive`] and [`Tokens::exclusive`] settle that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tokens {
    /// All tokens sent, including those read from the cache or written to it.
    pub input: u64,
    /// Of those sent, the ones that the provider had in its cache.
    pub cached: u64,
    /// Of those sent, the ones that the provider put into its cache and bills as such.
    pub cache_written: u64,
    /// All tokens that the model wrote, including its reasoning.
    pub output: u64,
}

impl Tokens {
    /// As OpenAI and OpenTelemetry count: `input` includes what was cached.
    #[must_use]
    pub const fn inclusive(input: u64, cached: u64, output: u64) -> Self {
        let cached = if cached < input { cached } else { input };
        Self { input, cached, cache_written: 0, output }
    }

    /// As Anthropic counts: `fresh` leaves out what was read from the cache and what was written to it.
    #[must_use]
    pub const fn exclusive(fresh: u64, cached: u64, cache_written: u64, output: u64) -> Self {
        let input = fresh.saturating_add(cached).saturating_add(cache_written);
        Self { input, cached, cache_written, output }
    }

    /// What one call with these tokens has used.
    #[must_use]
    pub fn usage(&self, prices: &Prices) -> Usage {
        let fresh = self.input.saturating_sub(self.cached).saturating_sub(self.cache_written);
        let rates = prices.rates(self.input);
        let money = cost_of(&[
            (fresh, rates.input),
            (self.cached, rates.cached),
            (self.cache_written, rates.cache_written),
            (self.output, rates.output),
        ]);
        let usage = Usage::calls(1).with_money(money).with_tokens(self.input, self.output);
        Usage { cached_tokens: self.cached, ..usage }
    }
}

/// What a model's tokens cost, in pico-dollars each: three dollars per million are 3,000,000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prices {
    /// A token sent.
    pub input: PicoUsd,
    /// A token sent that the provider had cached.
    pub cached: PicoUsd,
    /// A token sent that the provider put into its cache.
    pub cache_written: PicoUsd,
    /// A token written.
    pub output: PicoUsd,
    /// The prices of a call that sends very many tokens, if those are higher.
    pub long: Option<LongPrices>,
}

/// The prices of a call that sends more tokens than a threshold: they apply to all its tokens, not only to those above
/// it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LongPrices {
    /// They apply if more tokens than this are sent, cached ones included.
    pub above: u64,
    /// A token sent.
    pub input: PicoUsd,
    /// A token sent that the provider had cached.
    pub cached: PicoUsd,
    /// A token sent that the provider put into its cache.
    pub cache_written: PicoUsd,
    /// A token written.
    pub output: PicoUsd,
}

impl Prices {
    /// Nothing costs anything: a model on your own machine.
    pub const FREE: Self = Self::new(PicoUsd(0), PicoUsd(0));

    /// Prices for tokens sent and written, whether cached or not.
    #[must_use]
    pub const fn new(input: PicoUsd, output: PicoUsd) -> Self {
        Self { input, cached: input, cache_written: input, output, long: None }
    }

    /// Prices as in price lists: dollars per million tokens sent and written, such as `("3.00", "15.00")`. Fractions of a
    /// pico-dollar per token are rounded up.
    ///
    /// # Errors
    /// [`NoAmount`] if a text is not an amount of dollars.
    pub fn per_million(input: &str, output: &str) -> Result<Self, NoAmount> {
        Ok(Self::new(a_token(input)?, a_token(output)?))
    }

    /// The same with another price for tokens read from the provider's cache.
    #[must_use]
    pub const fn cached(mut self, price: PicoUsd) -> Self {
        self.cached = price;
        self
    }

    /// The same with another price for tokens written to the provider's cache.
    #[must_use]
    pub const fn cache_written(mut self, price: PicoUsd) -> Self {
        self.cache_written = price;
        self
    }

    /// The same with other prices for a call that sends more than `above` tokens: for all its tokens, as providers bill
    /// it.
    #[must_use]
    pub const fn long(mut self, above: u64, prices: Self) -> Self {
        let Self { input, cached, cache_written, output, long: _ } = prices;
        self.long = Some(LongPrices { above, input, cached, cache_written, output });
        self
    }

    /// The most that a call can use that sends at most `input` tokens and gets at most `output`.
    #[must_use]
    pub fn worst_case(&self, input: u64, output: u64) -> Usage {
        let (few, many) = (self.rates(0), self.rates(input));
        let sent = |rates: &Self| rates.input.max(rates.cached).max(rates.cache_written);
        let dearest = Self::new(sent(&few).max(sent(&many)), few.output.max(many.output));
        Tokens::inclusive(input, 0, output).usage(&dearest)
    }

    /// The prices of a call that sends this many tokens.
    const fn rates(&self, sent: u64) -> Self {
        match self.long {
            Some(LongPrices { above, input, cached, cache_written, output }) if sent > above => {
                Self { input, cached, cache_written, output, long: None }
            }
            _ => Self { long: None, ..*self },
        }
    }
}

/// Dollars per million tokens as pico-dollars per token: a thousandth of the nano-dollars.
fn a_token(a_million: &str) -> Result<PicoUsd, NoAmount> {
    let NanoUsd(nanos) = a_million.parse()?;
    Ok(PicoUsd(nanos.div_ceil(1_000)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_two_ways_to_count_cached_tokens_give_one_bill() {
        let prices = Prices::per_million("3.00", "15.00").unwrap().cached(PicoUsd(300_000));
        let (inclusive, exclusive) =
            (Tokens::inclusive(1_000, 800, 100), Tokens::exclusive(200, 800, 0, 100));
        assert_eq!(inclusive, exclusive);
        // 200 × $3 + 800 × $0.30 + 100 × $15, per million.
        let usage = inclusive.usage(&prices);
        assert_eq!(usage.money, NanoUsd(600_000 + 240_000 + 1_500_000));
        assert_eq!((usage.input_tokens, usage.cached_tokens, usage.output_tokens), (1_000, 800, 100));
    }

    #[test]
    fn a_price_list_is_read_as_it_is_printed() {
        let prices = Prices::per_million("0.15", "$0.60").unwrap();
        assert_eq!(prices, Prices::new(PicoUsd(150_000), PicoUsd(600_000)));
        assert!(Prices::per_million("cheap", "1").is_err());
    }

    #[test]
    fn a_call_that_sends_more_than_the_bound_costs_the_other_prices_for_all_its_tokens() {
        let long = Prices::per_million("4", "15").unwrap().cached(PicoUsd(400_000));
        let prices = Prices::per_million("2", "10").unwrap().cached(PicoUsd(200_000)).long(1_000, long);
        let bill = |input, cached| Tokens::inclusive(input, cached, 10).usage(&prices).money;
        assert_eq!(bill(1_000, 100), NanoUsd(900 * 2_000 + 100 * 200 + 10 * 10_000));
        assert_eq!(bill(1_001, 100), NanoUsd(901 * 4_000 + 100 * 400 + 10 * 15_000));
    }

    proptest! {
        #[test]
        fn no_way_to_bill_is_dearer_than_the_worst_case(
            parts: [u16; 4],
            prices: [[u32; 4]; 2],
            above: u16,
            more: u16,
        ) {
            let [fresh, cached, cache_written, output] = parts.map(u64::from);
            let [prices, long] = prices.map(|prices| {
                let [input, read, written, out] = prices.map(|price| PicoUsd(price.into()));
                Prices::new(input, out).cached(read).cache_written(written)
            });
            let prices = prices.long(above.into(), long);
            let tokens = Tokens::exclusive(fresh, cached, cache_written, output);
            let worst = prices.worst_case(tokens.input + u64::from(more), output + u64::from(more));
            prop_assert!(skep_runtime::ledger::overrun(&tokens.usage(&prices), &worst).is_none());
        }
    }
}
