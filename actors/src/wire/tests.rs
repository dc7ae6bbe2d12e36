//! What is sent and read, in both protocols, as their documentation shows it; cut at any point, and corrupted.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use skep_runtime::PicoUsd;

use crate::model::{ContextCache, End, Message, Price, Prices, Tokens, Tool, ToolCall, ToolPiece};

fn request() -> Request {
    let call =
        ToolCall { id: "call-1".into(), name: "weather".into(), arguments: r#"{"city":"Oslo"}"#.into() };
    Request::from("A coat?")
        .system("Be brief.")
        .tool(Tool::new("weather", "The weather.", json!({ "type": "object" })))
        .max_output_tokens(50)
        .setting("temperature", 0.5)
        .message(Message::Assistant { text: String::new(), tool_calls: vec![call.clone()] })
        .message(Message::tool(&call, "rain"))
        .message(Message::user("And now?"))
}

#[test]
fn a_request_is_written_as_each_protocol_has_it() {
    assert_eq!(
        Protocol::OpenAi.body("gpt", &request(), Bound::MaxTokens),
        json!({
            "model": "gpt", "stream": true, "stream_options": { "include_usage": true },
            "max_tokens": 50, "temperature": 0.5,
            "tools": [{ "type": "function", "function":
                { "name": "weather", "description": "The weather.", "parameters": { "type": "object" } } }],
            "messages": [
                { "role": "system", "content": "Be brief." },
                { "role": "user", "content": "A coat?" },
                { "role": "assistant", "content": null, "tool_calls": [{ "id": "call-1", "type": "function",
                    "function": { "name": "weather", "arguments": "{\"city\":\"Oslo\"}" } }] },
                { "role": "tool", "tool_call_id": "call-1", "content": "rain" },
                { "role": "user", "content": "And now?" },
            ],
        })
    );
    assert_eq!(
        Protocol::Anthropic.body("claude", &request(), Bound::MaxTokens),
        json!({
            "model": "claude", "stream": true, "max_tokens": 50, "temperature": 0.5, "system": "Be brief.",
            "tools": [{ "name": "weather", "description": "The weather.", "input_schema": { "type": "object" } }],
            "messages": [
                { "role": "user", "content": [{ "type": "text", "text": "A coat?" }] },
                { "role": "assistant", "content":
                    [{ "type": "tool_use", "id": "call-1", "name": "weather", "input": { "city": "Oslo" } }] },
                { "role": "user", "content": [
                    { "type": "tool_result", "tool_use_id": "call-1", "content": "rain" },
                    { "type": "text", "text": "And now?" },
                ] },
            ],
        })
    );
}

#[test]
fn the_bound_of_an_answer_is_sent_once_under_the_name_that_the_host_wants_or_the_caller_says() {
    let bounds = |host: &str, request: &Request| {
        let body = Protocol::OpenAi.body("m", request, Bound::of(host));
        ["max_tokens", "max_completion_tokens"].map(|name| body.get(name).and_then(Value::as_u64))
    };
    let plain = Request::from("x").max_output_tokens(5);
    assert_eq!(bounds("localhost", &plain), [Some(5), None]);
    assert_eq!(bounds("api.openai.com.example", &plain), [Some(5), None]);
    assert_eq!(bounds("API.openai.com", &plain), [None, Some(5)]);
    for host in ["localhost", "api.openai.com"] {
        assert_eq!(bounds(host, &plain.clone().setting("max_completion_tokens", 4)), [None, Some(4)]);
        assert_eq!(bounds(host, &plain.clone().setting("max_tokens", 4)), [Some(4), None]);
        assert_eq!(bounds(host, &Request::from("x")), [None, None]);
    }
}

/// A stream as a provider sends it: OpenAI's, with several calls, and usage in an event of its own.
const OPENAI: &str = concat!(
    ": OPENROUTER PROCESSING\n\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"é\u{1f41d}\"}}]}\r\n\r\n",
    "data:{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}]}}]}\n\n",
    "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{}\"}}]}}]}\n\n",
    "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n",
    "data: {\"choices\":[],\ndata: \"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2,\"prompt_tokens_details\":{\"cached_tokens\":4}}}\r\r",
    "data: [DONE]\n\n",
);

/// Anthropic's, with reasoning, a ping, and counts that come in two parts.
const ANTHROPIC: &str = concat!(
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":5,\"cache_read_input_tokens\":4,\"cache_creation_input_tokens\":2,\"output_tokens\":1}}}\n\n",
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"thinking\",\"thinking\":\"\"}}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"hm\"}}\n\n",
    "event: ping\ndata: {\"type\": \"ping\"}\n\n",
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"text_delta\",\"text\":\"é\u{1f41d}\"}}\n\n",
    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":1}\n\n",
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":2,\"content_block\":{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"f\",\"input\":{}}}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":2,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{}\"}}\n\n",
    "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\"},\"usage\":{\"output_tokens\":2}}\n\n",
    "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
);

fn read(protocol: Protocol, text: &[u8], cuts: &[usize]) -> (Vec<Chunk>, Option<ModelError>) {
    let (mut reading, mut from, mut chunks) = (Reading::new(protocol), 0, Vec::new());
    let mut error = None;
    for to in cuts.iter().copied().chain([text.len()]) {
        error = error.or(reading.feed(&text[from..to]).err());
        chunks.extend(std::iter::from_fn(|| reading.next()));
        from = to;
    }
    error = error.or(reading.end().err());
    chunks.extend(std::iter::from_fn(|| reading.next()));
    (chunks, error)
}

fn said() -> [Chunk; 3] {
    let piece = |piece| Chunk::ToolCall(piece);
    [
        Chunk::Text("é\u{1f41d}".into()),
        piece(ToolPiece { index: 0, id: Some("a".into()), name: Some("f".into()), arguments: String::new() }),
        piece(ToolPiece { index: 0, id: None, name: None, arguments: "{}".into() }),
    ]
}

#[test]
fn a_stream_gives_the_same_chunks_however_its_bytes_are_cut() {
    let openai =
        [&said()[..], &[Chunk::End(End::ToolCalls), Chunk::Usage(Tokens::inclusive(9, 4, 2))]].concat();
    let anthropic = [
        &[Chunk::Usage(Tokens::exclusive(5, 4, 2, 1))],
        &said()[..],
        &[Chunk::End(End::ToolCalls), Chunk::Usage(Tokens::exclusive(5, 4, 2, 2))],
    ]
    .concat();
    for (protocol, text, chunks) in
        [(Protocol::OpenAi, OPENAI, openai), (Protocol::Anthropic, ANTHROPIC, anthropic)]
    {
        let text = text.as_bytes();
        assert_eq!(read(protocol, text, &[]), (chunks.clone(), None));
        for cut in 0..=text.len() {
            assert_eq!(
                read(protocol, text, &[cut, (cut + 7).min(text.len())]),
                (chunks.clone(), None),
                "{cut}"
            );
        }
    }
}

#[test]
fn what_ends_too_early_has_no_end_and_what_is_no_stream_is_an_error() {
    for (protocol, text) in [(Protocol::OpenAi, OPENAI), (Protocol::Anthropic, ANTHROPIC)] {
        let (chunks, _) = read(protocol, &text.as_bytes()[..text.len() / 2], &[]);
        assert!(!chunks.iter().any(|chunk| matches!(chunk, Chunk::End(_))));
        for odd in ["data: {\n\n", "data: \u{0}\n\n", "data: [\n\n"] {
            assert!(matches!(read(protocol, odd.as_bytes(), &[]).1, Some(ModelError::Failed(_))), "{odd:?}");
        }
        assert_eq!(read(protocol, b"<html>no events at all</html>", &[]), (Vec::new(), None));
    }
    let overloaded = b"event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"x\"}}\n\n";
    let error = read(Protocol::Anthropic, overloaded, &[]).1;
    assert_eq!(error, Some(ModelError::Overloaded { retry_after: None }));
    let quota = b"data: {\"error\":{\"code\":\"insufficient_quota\"}}\n\n";
    assert_eq!(read(Protocol::OpenAi, quota, &[]).1, Some(ModelError::QuotaUsedUp));
}

#[test]
fn servers_that_number_no_calls_or_answer_whole_are_read_too() {
    let call = |name: &str| json!({ "function": { "name": name, "arguments": { "a": 1 } } });
    let message = json!({ "content": "hm", "tool_calls": [call("f"), call("g")] });
    let usage = json!({ "prompt_tokens": 3, "completion_tokens": 1 });
    let answer = json!({ "choices": [{ "message": message, "finish_reason": "stop" }], "usage": usage });
    let mut reading = Reading::new(Protocol::OpenAi);
    reading.whole(answer.to_string().as_bytes()).unwrap();
    let piece = |index, name: &str| {
        Chunk::ToolCall(ToolPiece {
            index,
            id: None,
            name: Some(name.into()),
            arguments: r#"{"a":1}"#.into(),
        })
    };
    let chunks: Vec<_> = std::iter::from_fn(|| reading.next()).collect();
    let end = [Chunk::End(End::Stop), Chunk::Usage(Tokens::inclusive(3, 0, 1))];
    assert_eq!(chunks, [&[Chunk::Text("hm".into()), piece(0, "f"), piece(1, "g")], &end[..]].concat());
    let content = json!([{ "type": "text", "text": "hm" }, { "type": "tool_use", "id": "a", "name": "f", "input": {} }]);
    let usage = json!({ "input_tokens": 3, "output_tokens": 1 });
    let answer = json!({ "content": content, "stop_reason": "end_turn", "usage": usage });
    let mut reading = Reading::new(Protocol::Anthropic);
    reading.whole(answer.to_string().as_bytes()).unwrap();
    assert_eq!(std::iter::from_fn(|| reading.next()).count(), 5);
    for protocol in [Protocol::OpenAi, Protocol::Anthropic] {
        assert!(Reading::new(protocol).whole(b"{}").is_err() && Reading::new(protocol).whole(b"[").is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]
    /// Whatever a server sends, reading it ends, and the result does not depend on where it was cut.
    #[test]
    fn a_spoilt_stream_is_read_to_its_end(
        is_openai: bool,
        spoils in proptest::collection::vec((0_usize..3_000, any::<u8>(), 0_u8..3), 0..8),
        cuts in proptest::collection::vec(0_usize..3_000, 0..4),
    ) {
        let (protocol, text) = if is_openai { (Protocol::OpenAi, OPENAI) } else { (Protocol::Anthropic, ANTHROPIC) };
        let mut bytes = text.as_bytes().to_vec();
        for (at, byte, how) in spoils {
            if bytes.is_empty() {
                break;
            }
            let at = at % bytes.len();
            match how {
                0 => bytes[at] = byte,
                1 => bytes.truncate(at),
                _ => bytes.insert(at, byte),
            }
        }
        let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
        cuts.sort_unstable();
        let (whole, cut) = (read(protocol, &bytes, &[]), read(protocol, &bytes, &cuts));
        // After an error nobody reads on, and how much arrived together with it depends on chance.
        if whole.1.is_none() {
            prop_assert_eq!(whole, cut);
        } else {
            prop_assert_eq!(whole.1, cut.1);
        }
    }
}

#[test]
fn what_is_to_be_kept_is_marked_at_its_two_ends_and_nothing_else_is() {
    let request = Request::from("Why?")
        .system("Be brief.")
        .message(Message::assistant("Because."))
        .message(Message::user("And?"));
    let plain = Protocol::Anthropic.body("m", &request, Bound::MaxTokens);
    let kept =
        Protocol::Anthropic.body("m", &request.clone().context_cache(ContextCache::Hour), Bound::MaxTokens);
    let mark = json!({ "type": "ephemeral", "ttl": "1h" });
    assert_eq!(kept["system"], json!([{ "type": "text", "text": "Be brief.", "cache_control": mark }]));
    assert_eq!(kept["messages"][2]["content"][0]["cache_control"], mark);
    assert_eq!(kept["messages"][0], plain["messages"][0]);
    assert_eq!(plain.to_string().matches("cache_control").count(), 0);
    assert_eq!(kept.to_string().matches("cache_control").count(), 2);
    let price = Price::Known(Prices::per_million("3", "15").unwrap());
    let Price::Known(hour) = price.keeping(Some(ContextCache::Hour)) else { panic!("it is known") };
    assert_eq!(
        (hour.cache_written, price.keeping(Some(ContextCache::FiveMinutes))),
        (PicoUsd(6_000_000), price)
    );
}
