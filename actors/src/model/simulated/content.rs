//! What a simulated model does with a request: a function of its conduct, the request and random draws.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::model::{Answer, Request, Tokens, Tool};

/// Draws a number below a bound.
pub(super) type Chance<'a> = &'a mut dyn FnMut(u64) -> u64;

/// How a simulated model behaves.
#[derive(Clone, Debug)]
pub(super) struct Conduct {
    pub(super) latency: RangeInclusive<Duration>,
    pub(super) pace: Duration,
    pub(super) output: RangeInclusive<u64>,
    pub(super) tool_permille: u64,
    pub(super) garble_permille: u64,
    pub(super) limit_permille: u64,
    pub(super) retry_after: Duration,
    pub(super) stall_permille: u64,
    pub(super) stall: Duration,
    pub(super) cut_permille: u64,
    pub(super) withhold_permille: u64,
}

impl Default for Conduct {
    fn default() -> Self {
        Self {
            latency: Duration::from_millis(200)..=Duration::from_millis(800),
            pace: Duration::from_secs(1) / 60,
            output: 40..=160,
            tool_permille: 500,
            garble_permille: 0,
            limit_permille: 0,
            retry_after: Duration::from_secs(1),
            stall_permille: 0,
            stall: Duration::ZERO,
            cut_permille: 0,
            withhold_permille: 0,
        }
    }
}

/// What the model does with this request.
pub(super) fn answer(conduct: &Conduct, request: &Request, chance: Chance<'_>) -> Answer {
    let mut happens = |permille: u64| chance(1_000) < permille;
    let is_limited = happens(conduct.limit_permille);
    let calls_tool = happens(conduct.tool_permille) && !request.tools.is_empty();
    let is_garbled = happens(conduct.garble_permille);
    let is_stalled = happens(conduct.stall_permille);
    let is_cut = happens(conduct.cut_permille);
    let is_silent = happens(conduct.withhold_permille);
    if is_limited {
        return Answer::rate_limited(conduct.retry_after);
    }
    let latency = between(chance, nanos(*conduct.latency.start()), nanos(*conduct.latency.end()));
    let begun = Answer::new().slowly(conduct.pace).waits(Duration::from_nanos(latency));
    let mut answer = if calls_tool {
        calls(begun, request, is_garbled, chance)
    } else {
        writes(begun, conduct, request, chance)
    };
    // The first beat is a wait, the second is the first chunk.
    let middle = |chance: Chance<'_>, answer: &Answer| 2 + below(chance, answer.len().saturating_sub(2));
    if is_stalled {
        let at = middle(chance, &answer);
        answer = answer.stalls_at(at, conduct.stall);
    }
    if is_cut {
        let at = middle(chance, &answer);
        answer = answer.cut_after(at);
    }
    if is_silent { answer.without_usage() } else { answer }
}

/// The most tokens an answer can have, whatever was asked for: it is built before it is sent.
const TOKENS_MOST: u64 = 100_000;

/// Text, one word per token.
fn writes(begun: Answer, conduct: &Conduct, request: &Request, chance: Chance<'_>) -> Answer {
    let wanted = between(chance, *conduct.output.start(), *conduct.output.end());
    let most = request.max_output_tokens.unwrap_or(u64::MAX).min(TOKENS_MOST);
    let count = wanted.min(most);
    let mut text = String::new();
    for number in 0..count {
        text.push_str(WORDS[below(chance, WORDS.len())]);
        text.push_str(if number + 1 == count { "." } else { " " });
    }
    let answer = begun.text(text).using(Tokens::inclusive(request.tokens_about(), 0, count));
    if wanted > most { answer.at_length() } else { answer }
}

/// A call of one of the request's tools, with arguments that fit its schema.
fn calls(begun: Answer, request: &Request, is_garbled: bool, chance: Chance<'_>) -> Answer {
    let tool = &request.tools[below(chance, request.tools.len())];
    let arguments = arguments(tool, chance).to_string();
    // Whatever is cut off an object's end, the rest is not valid JSON.
    let kept = if is_garbled { below(chance, arguments.len()) } else { arguments.len() };
    begun.calls_with(&tool.name, &arguments[..kept])
}

fn arguments(tool: &Tool, chance: Chance<'_>) -> Value {
    let Some(properties) = tool.schema.get("properties").and_then(Value::as_object) else { return json!({}) };
    let mut arguments = Map::new();
    for (name, schema) in properties {
        let value = match schema.get("type").and_then(Value::as_str) {
            Some("integer" | "number") => json!(chance(100)),
            Some("boolean") => json!(chance(2) == 1),
            Some("array") => json!([]),
            Some("object") => json!({}),
            _ => json!(WORDS[below(chance, WORDS.len())]),
        };
        arguments.insert(name.clone(), value);
    }
    Value::Object(arguments)
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

fn between(chance: Chance<'_>, from: u64, to: u64) -> u64 {
    from + chance(to.saturating_sub(from).saturating_add(1))
}

fn below(chance: Chance<'_>, bound: usize) -> usize {
    usize::try_from(chance(bound as u64)).unwrap_or(0)
}

/// ASCII, so that a tool's arguments made of these words can be cut at any byte.
const WORDS: [&str; 24] = [
    "the", "agent", "waits", "for", "its", "child", "and", "then", "writes", "a", "short", "review", "of",
    "each", "file", "that", "was", "changed", "since", "last", "week", "without", "any", "fault",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::End;
    use proptest::prelude::*;

    /// A small generator with 64 bits of state (Steele, Lea and Flood, 2014).
    fn chance(mut state: u64) -> impl FnMut(u64) -> u64 {
        move |bound| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            (mixed ^ (mixed >> 31)) % bound.max(1)
        }
    }

    fn tool() -> Tool {
        let schema = json!({"type": "object", "properties": {"pattern": {"type": "string"}, "most": {"type": "integer"}}});
        Tool::new("grep", "searches", schema)
    }

    proptest! {
        #[test]
        fn the_same_chance_gives_the_same_answer(seed: u64) {
            let conduct = Conduct { cut_permille: 300, stall_permille: 300, ..Conduct::default() };
            let request = Request::from("hello").tool(tool());
            let once = answer(&conduct, &request, &mut chance(seed));
            prop_assert_eq!(once, answer(&conduct, &request, &mut chance(seed)));
        }

        #[test]
        fn it_writes_no_more_than_the_request_allows(seed: u64, most in 1..200_u64) {
            let conduct = Conduct::default();
            let request = Request::from("hello").max_output_tokens(most);
            let wanted = answer(&conduct, &request, &mut chance(seed));
            let (end, tokens) = wanted.is_whole().unwrap();
            prop_assert!(tokens.unwrap().output <= most);
            prop_assert!(end == End::Stop || (end == End::Length && tokens.unwrap().output == most));
        }

        #[test]
        fn arguments_are_json_unless_they_are_garbled(seed: u64, is_garbled: bool) {
            let permille = if is_garbled { 1_000 } else { 0 };
            let conduct = Conduct { tool_permille: 1_000, garble_permille: permille, ..Conduct::default() };
            let request = Request::from("hello").tool(tool());
            let arguments = answer(&conduct, &request, &mut chance(seed)).arguments();
            prop_assert_eq!(serde_json::from_str::<Value>(&arguments).is_err(), is_garbled, "{}", arguments);
        }
    }

    #[test]
    fn each_fault_comes_as_often_as_it_is_told() {
        let conduct = Conduct { limit_permille: 250, cut_permille: 500, ..Conduct::default() };
        let request = Request::from("hello");
        let answers: Vec<_> = (0..2_000).map(|seed| answer(&conduct, &request, &mut chance(seed))).collect();
        let limited =
            answers.iter().filter(|answer| **answer == Answer::rate_limited(conduct.retry_after)).count();
        let whole = answers.iter().filter(|answer| answer.is_whole().is_some()).count();
        assert!((400..600).contains(&limited), "{limited} of 2,000 at a quarter");
        assert!((650..850).contains(&whole), "{whole} of 2,000 at three eighths");
    }
}
