//! The table that comes with skep: some current models. The date and the source are at its top.

use std::iter::Peekable;
use std::str::{Lines, SplitWhitespace};

use super::{Listing, PriceTable};
use crate::model::Prices;

const TEXT: &str = include_str!("built_in.txt");

/// Reads the table. A line that cannot be read would be left out; a test ensures that there is none.
pub(super) fn table() -> PriceTable {
    let mut lines = TEXT.lines().peekable();
    let mut table = PriceTable::new();
    while let Some(line) = lines.next() {
        if let Some((name, listing)) = row(line, &mut lines) {
            table = table.with(name, listing);
        }
    }
    table
}

/// A model's row, together with the row below it that gives the prices of long calls, if there is one.
fn row<'t>(line: &'t str, rest: &mut Peekable<Lines<'t>>) -> Option<(&'t str, Listing)> {
    let mut words = line.split_whitespace();
    let name = words.next().filter(|name| !name.starts_with('#') && *name != "above")?;
    let mut prices = four(&mut words)?;
    let mut tokens = || words.next()?.parse().ok();
    let (max_input_tokens, max_output_tokens) = (Some(tokens()?), Some(tokens()?));
    if let Some((above, long)) = rest.peek().and_then(|line| long(line)) {
        rest.next();
        prices = prices.long(above, long);
    }
    Some((name, Listing { prices, max_input_tokens, max_output_tokens }))
}

fn long(line: &str) -> Option<(u64, Prices)> {
    let mut words = line.strip_prefix("above ")?.split_whitespace();
    Some((words.next()?.parse().ok()?, four(&mut words)?))
}

fn four(words: &mut SplitWhitespace<'_>) -> Option<Prices> {
    let [sent, cached, into_cache, written] = [words.next()?, words.next()?, words.next()?, words.next()?];
    let a_token = |price: &str| Some(Prices::per_million(price, "0").ok()?.input);
    let prices = Prices::per_million(sent, written).ok()?;
    Some(prices.cached(a_token(cached)?).cache_written(a_token(into_cache)?))
}

#[cfg(test)]
mod tests {
    use super::super::litellm::Loaded;
    use super::*;

    #[test]
    fn every_line_of_the_table_is_read() {
        let is_row = |line: &&str| !line.trim().is_empty() && !line.starts_with('#');
        let (long, rows): (Vec<_>, Vec<_>) =
            TEXT.lines().filter(is_row).partition(|line| line.starts_with("above"));
        let table = table();
        assert_eq!(table.len(), rows.len(), "a row that cannot be read, or a model that stands there twice");
        assert!((25..=60).contains(&table.len()), "small enough to be kept by hand: {}", table.len());
        let longs = table.iter().filter(|(_, listing)| listing.prices.long.is_some()).count();
        assert_eq!(longs, long.len());
        for (name, Listing { prices, max_input_tokens, max_output_tokens }) in table.iter() {
            assert!(
                prices.input.0 > 0 && prices.output >= prices.input && prices.cached <= prices.input,
                "{name}"
            );
            assert!(
                prices
                    .long
                    .is_none_or(|long| long.input > prices.input && Some(long.above) < *max_input_tokens),
                "{name}"
            );
            assert!(max_input_tokens >= &Some(100_000) && max_output_tokens >= &Some(8_000), "{name}");
        }
        let mini = Prices::per_million("0.25", "2.00").unwrap().cached(skep_runtime::PicoUsd(25_000));
        assert_eq!(table.get("gpt-5-mini").unwrap().prices, mini);
        assert!(
            TEXT.contains("2026-11-30") && TEXT.contains("LiteLLM"),
            "its head says when and where it was read"
        );
    }

    /// Compares with the file named at the table's top, if you have it: `SKEP_LITELLM_PRICES=FILE`.
    #[test]
    #[ignore = "it wants LiteLLM's file of prices"]
    #[allow(clippy::disallowed_methods, reason = "the file is named by whoever runs the test")]
    fn the_table_says_what_its_source_says() {
        let file = std::env::var("SKEP_LITELLM_PRICES").expect("SKEP_LITELLM_PRICES names the file");
        let Loaded { table: theirs, skipped } =
            PriceTable::litellm(&std::fs::read_to_string(file).unwrap()).unwrap();
        let names = ["gemini", "mistral", "xai", "dashscope", "groq", "deepseek"];
        let theirs = names.iter().fold(theirs, |table, host| table.under(host));
        for (name, ours) in table().iter() {
            let mut listing = theirs.get(name).unwrap_or_else(|| panic!("{name} is not in it: {skipped:?}"));
            // For DeepSeek that file bills nothing for cache writes, and we never write to its cache; and one row states
            // no limit.
            if name.starts_with("deepseek") {
                listing.prices.cache_written = listing.prices.input;
            }
            listing.max_output_tokens = listing.max_output_tokens.or(ours.max_output_tokens);
            assert_eq!(*ours, listing, "{name}");
        }
    }
}
