//! `LiteLLM`'s file of prices, `model_prices_and_context_window.json`: thousands of models of a hundred providers.

use std::collections::BTreeMap;
use std::collections::btree_map::Range;

use serde_json::value::RawValue;
use skep_runtime::PicoUsd;
use thiserror::Error;

use super::decimal::dollars;
use super::{Listing, PriceTable};
use crate::model::Prices;

/// What was read from a file of prices.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The models with a known price.
    pub table: PriceTable,
    /// The others, each with the reason, in the order of their names.
    pub skipped: Vec<Skipped>,
}

/// An entry of a file of prices that has no price for calls of a chat model.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{name:?}: {why}")]
pub struct Skipped {
    /// The model.
    pub name: String,
    /// Why there is no price.
    pub why: String,
}

/// A text that is not a file of prices at all.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the file of prices is not a JSON object of models, line {line} column {column}")]
pub struct BadPrices {
    /// The line at which it cannot be read, from 1.
    pub line: usize,
    /// The column in that line, from 1.
    pub column: usize,
}

type Fields<'t> = BTreeMap<String, &'t RawValue>;

/// Fields that make a call cost more than its tokens, so that a bill by tokens would be too low.
const BESIDES: [&str; 4] =
    ["tiered_pricing", "input_cost_per_request", "citation_cost_per_token", "input_cost_per_character"];

/// The modes of models that answer a conversation.
const CHATS: [&str; 3] = ["\"chat\"", "\"responses\"", "\"completion\""];

pub(super) fn load(json: &str) -> Result<Loaded, BadPrices> {
    let entries: BTreeMap<String, &RawValue> = serde_json::from_str(json)
        .map_err(|error| BadPrices { line: error.line(), column: error.column() })?;
    let (mut table, mut skipped) = (BTreeMap::new(), Vec::new());
    for (name, entry) in entries {
        match listing(entry) {
            Ok(listing) => drop(table.insert(name, listing)),
            Err(why) => skipped.push(Skipped { name, why }),
        }
    }
    Ok(Loaded { table: PriceTable::of(table), skipped })
}

fn listing(entry: &RawValue) -> Result<Listing, String> {
    let fields: Fields<'_> = serde_json::from_str(entry.get()).map_err(|_| "it is no object".to_owned())?;
    if let Some(mode) = said(&fields, "mode").filter(|mode| !CHATS.contains(mode)) {
        return Err(format!("it is no chat model, but {}", mode.chars().take(40).collect::<String>()));
    }
    if let Some(besides) = BESIDES.iter().find(|name| said(&fields, name).is_some()) {
        return Err(format!("its price goes by `{besides}` too"));
    }
    let price = |name: &str| match said(&fields, name) {
        Some(text) => dollars(text).map(Some).map_err(|why| format!("`{name}` {why}")),
        None => Ok(None),
    };
    let prices =
        prices(&price, "")?.ok_or("it has no `input_cost_per_token` or no `output_cost_per_token`")?;
    if prices == Prices::FREE {
        // There a zero can mean either, and a model of unknown price must not be treated as free.
        return Err("it costs nothing, or its price is not known: say which".to_owned());
    }
    let prices = match above(&fields)? {
        None => prices,
        Some((suffix, tokens)) => match self::prices(&price, &suffix)? {
            Some(long) => prices.long(tokens, long),
            None => return Err(format!("it has no `output_cost_per_token{suffix}`")),
        },
    };
    let tokens = |name: &str| said(&fields, name).and_then(|text| text.parse().ok());
    Ok(Listing {
        prices,
        max_input_tokens: tokens("max_input_tokens"),
        max_output_tokens: tokens("max_output_tokens"),
    })
}

/// The prices of the fields with this ending. If a cache price is missing, it is the price of tokens sent. If reasoning
/// tokens cost more than others, all written tokens are priced like them, since the number of reasoning tokens is
/// unknown.
fn prices(
    price: &impl Fn(&str) -> Result<Option<PicoUsd>, String>,
    suffix: &str,
) -> Result<Option<Prices>, String> {
    let of = |name: &str| price(&format!("{name}{suffix}"));
    let (Some(input), Some(output)) = (of("input_cost_per_token")?, of("output_cost_per_token")?) else {
        return Ok(None);
    };
    let thoughts = of("output_cost_per_reasoning_token")?.unwrap_or_default();
    let cached = of("cache_read_input_token_cost")?.unwrap_or(input);
    let cache_written = of("cache_creation_input_token_cost")?.unwrap_or(input);
    Ok(Some(Prices::new(input, output.max(thoughts)).cached(cached).cache_written(cache_written)))
}

/// The number of tokens above which a call costs more, with the ending of the fields that say so: `_above_200k_tokens`.
fn above(fields: &Fields<'_>) -> Result<Option<(String, u64)>, String> {
    const BEGINS: &str = "input_cost_per_token_above_";
    let named: Range<'_, String, &RawValue> = fields.range(BEGINS.to_owned()..);
    let bounds = named.take_while(|(name, _)| name.starts_with(BEGINS)).filter_map(|(name, value)| {
        let thousands: u64 = name.strip_prefix(BEGINS)?.strip_suffix("k_tokens")?.parse().ok()?;
        let suffix = format!("_above_{thousands}k_tokens");
        (value.get() != "null").then_some((suffix, thousands.saturating_mul(1_000)))
    });
    match bounds.collect::<Vec<_>>().as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(one.clone())),
        _ => Err("its price goes by several lengths".to_owned()),
    }
}

/// What a field says, if it is there.
fn said<'t>(fields: &Fields<'t>, name: &str) -> Option<&'t str> {
    fields.get(name).map(|value| value.get()).filter(|text| *text != "null")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A few entries in the formats that the file has.
    const FILE: &str = r#"{
        "sample_spec": { "mode": "one of: chat, embedding", "input_cost_per_token": 0.0, "output_cost_per_token": 0.0 },
        "gpt-5-mini": { "mode": "chat", "litellm_provider": "openai", "input_cost_per_token": 2.5e-07,
            "output_cost_per_token": 2e-06, "cache_read_input_token_cost": 2.5e-08, "max_input_tokens": 272000,
            "max_output_tokens": 128000, "max_tokens": 128000, "input_cost_per_token_priority": 4.5e-07 },
        "claude-haiku-5-5": { "mode": "chat", "input_cost_per_token": 1e-07, "output_cost_per_token": 5e-07,
            "cache_creation_input_token_cost": 1.25e-07, "cache_read_input_token_cost": 1e-08,
            "input_cost_per_token_above_100k_tokens": 5e-07, "output_cost_per_token_above_100k_tokens": 2.5e-06,
            "cache_creation_input_token_cost_above_100k_tokens": 6.25e-07,
            "input_cost_per_token_above_100k_tokens_batches": 2e-07, "max_input_tokens": 1000000 },
        "host/thinks": { "mode": "chat", "input_cost_per_token": 1e-6, "output_cost_per_token": 0.000002,
            "output_cost_per_reasoning_token": 4e-06, "max_input_tokens": null },
        "host/gone": { "mode": "chat", "input_cost_per_token": 1e-6 },
        "host/free": { "mode": "chat", "input_cost_per_token": 0.0, "output_cost_per_token": 0 },
        "host/steps": { "mode": "chat", "tiered_pricing": [{ "range": [0, 256000.0] }] },
        "host/two": { "input_cost_per_token": 1, "output_cost_per_token": 1,
            "input_cost_per_token_above_128k_tokens": 2, "input_cost_per_token_above_200k_tokens": 3 },
        "host/less": { "mode": "chat", "input_cost_per_token": -1e-6, "output_cost_per_token": 1e-6 },
        "host/text": { "mode": "chat", "input_cost_per_token": "1e-6", "output_cost_per_token": 1e-6 },
        "host/list": [1],
        "picture": { "mode": "image_generation", "output_cost_per_image": 0.04 }
    }"#;

    #[test]
    fn what_the_file_says_is_read_to_the_pico_dollar_and_what_it_does_not_say_is_listed() {
        let Loaded { table, skipped } = load(FILE).unwrap();
        let names: Vec<_> = table.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["claude-haiku-5-5", "gpt-5-mini", "host/thinks"]);
        let mini = table.get("gpt-5-mini").unwrap();
        assert_eq!(mini.prices, Prices::new(PicoUsd(250_000), PicoUsd(2_000_000)).cached(PicoUsd(25_000)));
        assert_eq!((mini.max_input_tokens, mini.max_output_tokens), (Some(272_000), Some(128_000)));
        let long = Prices::new(PicoUsd(500_000), PicoUsd(2_500_000)).cache_written(PicoUsd(625_000));
        let haiku = Prices::new(PicoUsd(100_000), PicoUsd(500_000)).cached(PicoUsd(10_000));
        assert_eq!(
            table.get("claude-haiku-5-5").unwrap().prices,
            haiku.cache_written(PicoUsd(125_000)).long(100_000, long)
        );
        let thinks = table.get("host/thinks").unwrap();
        assert_eq!((thinks.prices.output, thinks.max_input_tokens), (PicoUsd(4_000_000), None));
        let why: Vec<_> =
            skipped.iter().map(|skipped| (skipped.name.as_str(), skipped.why.as_str())).collect();
        assert_eq!(
            why,
            [
                ("host/free", "it costs nothing, or its price is not known: say which"),
                ("host/gone", "it has no `input_cost_per_token` or no `output_cost_per_token`"),
                ("host/less", "`input_cost_per_token` is less than nothing"),
                ("host/list", "it is no object"),
                ("host/steps", "its price goes by `tiered_pricing` too"),
                ("host/text", "`input_cost_per_token` is not a number"),
                ("host/two", "its price goes by several lengths"),
                ("picture", "it is no chat model, but \"image_generation\""),
                ("sample_spec", "it is no chat model, but \"one of: chat, embedding\""),
            ]
        );
        assert!(table.get("thinks").is_none() && table.under("host").get("thinks").is_some());
    }

    #[test]
    fn a_text_that_is_no_file_of_prices_says_where() {
        for text in ["", "[]", "{\"a\": 1", "null", "{\"a\": {}} x", &"[".repeat(9_999)] {
            assert!(load(text).is_err(), "{text:.20}");
        }
        assert_eq!(load("{\n  \"a\": oh }").unwrap_err().line, 2);
        assert_eq!(load("{}").unwrap().table.len(), 0);
    }

    proptest! {
        /// Each entry gives a price or a reason, whatever it contains.
        #[test]
        fn every_entry_is_read_or_listed(
            values in prop::collection::btree_map("[a-z/]{1,6}", value(), 0..5),
            prices in prop::collection::vec((field(), value()), 0..6),
        ) {
            let fields: Vec<_> = prices.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
            let entry = format!("{{{}}}", fields.join(","));
            let mut entries: Vec<_> = values.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
            entries.push(format!("\"MODEL\":{entry}"));
            let loaded = load(&format!("{{{}}}", entries.join(","))).unwrap();
            prop_assert_eq!(loaded.table.len() + loaded.skipped.len(), values.len() + 1);
        }

        #[test]
        fn garbage_is_an_error_and_never_a_panic(cut in 0..FILE.len(), byte in any::<char>()) {
            let cut = (cut..).find(|at| FILE.is_char_boundary(*at)).unwrap();
            drop(load(&FILE[..cut]));
            drop(load(&format!("{}{byte}{}", &FILE[..cut], &FILE[cut..])));
        }
    }

    fn field() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec![
            "mode",
            "input_cost_per_token",
            "output_cost_per_token",
            "cache_read_input_token_cost",
            "input_cost_per_token_above_200k_tokens",
            "input_cost_per_token_above_99999999999999999999k_tokens",
            "max_input_tokens",
            "tiered_pricing",
        ])
    }

    fn value() -> impl Strategy<Value = String> {
        prop_oneof![
            "-?(0|[1-9][0-9]{0,25})(\\.[0-9]{1,25})?(e[-+]?[0-9]{1,25})?",
            Just("null".to_owned()),
            Just("\"chat\"".to_owned()),
            Just("[{\"a\": [1]}]".to_owned()),
        ]
    }
}
