//! The canonical form of a request, by which its recorded answers are found: pure.

use std::collections::HashMap;

use serde_json::Value;

use crate::model::{Message, Request};

/// The request with its tool calls numbered by their position in the conversation, since providers choose their ids at
/// random. A tool's result gets the number of the last call before it that has its id.
pub(super) fn numbered(request: &Request) -> Request {
    let mut request = request.clone();
    let (mut places, mut count) = (HashMap::<String, String>::new(), 0_usize);
    for message in &mut request.messages {
        match message {
            Message::Assistant { tool_calls, .. } => {
                for call in tool_calls {
                    count += 1;
                    let place = format!("#{count}");
                    let id = std::mem::replace(&mut call.id, place.clone());
                    places.insert(id, place);
                }
            }
            Message::Tool { call, .. } => {
                if let Some(place) = places.get(call) {
                    call.clone_from(place);
                }
            }
            Message::User { .. } => {}
        }
    }
    request
}

/// A value as text, with the fields of its objects sorted.
pub(super) fn text(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

fn write(value: &Value, text: &mut String) {
    let mut list = |open, close, parts: &mut dyn Iterator<Item = (Option<&String>, &Value)>| {
        text.push(open);
        for (at, (name, value)) in parts.enumerate() {
            if at > 0 {
                text.push(',');
            }
            if let Some(name) = name {
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push(':');
            }
            write(value, text);
        }
        text.push(close);
    };
    match value {
        Value::Object(fields) => {
            // Whether serde_json sorts its maps depends on features that another crate in the build may enable.
            let mut fields: Vec<_> = fields.iter().map(|(name, value)| (Some(name), value)).collect();
            fields.sort_by_key(|(name, _)| *name);
            list('{', '}', &mut fields.into_iter());
        }
        Value::Array(values) => list('[', ']', &mut values.iter().map(|value| (None, value))),
        scalar => text.push_str(&scalar.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Tool, ToolCall};
    use proptest::prelude::*;

    fn key(request: &Request) -> String {
        text(&serde_json::to_value(numbered(request)).unwrap())
    }

    /// A conversation in which tools are called: the `calls` of each answer, and which call each result belongs to.
    fn conversation(
        words: &[String],
        calls: &[Vec<String>],
        results: &[prop::sample::Index],
        ids: &[String],
    ) -> Request {
        let mut request =
            Request::from("begin").system("be brief").max_output_tokens(99).setting("top_p", 0.5);
        request = request.tool(Tool::new(
            "grep",
            "searches",
            serde_json::json!({"type": "object", "required": ["a"]}),
        ));
        let mut made = Vec::new();
        for (number, arguments) in calls.iter().enumerate() {
            let text = words.get(number).cloned().unwrap_or_default();
            let call = |(at, arguments): (usize, &String)| ToolCall {
                id: ids[made.len() + at].clone(),
                name: "grep".into(),
                arguments: arguments.clone(),
            };
            let tool_calls: Vec<_> = arguments.iter().enumerate().map(call).collect();
            made.extend(tool_calls.clone());
            request = request.message(Message::Assistant { text, tool_calls });
        }
        for (at, result) in results.iter().enumerate().filter(|_| !made.is_empty()) {
            request = request.message(Message::tool(result.get(&made), format!("found {at}")));
        }
        request
    }

    fn changed(request: &Request, how: usize) -> Request {
        let mut other = request.clone();
        match how {
            0 => other.system = None,
            1 => other.max_output_tokens = other.max_output_tokens.map(|most| most + 1),
            2 => other = other.setting("top_p", 0.25),
            3 => other = other.setting("seed", 1),
            4 => other.tools[0].name.push('x'),
            5 => other.tools[0].schema["required"][0] = "b".into(),
            6 => other = other.message(Message::user("and more")),
            7 => drop(other.messages.remove(0)),
            _ => {
                let text = other.messages[0].text().to_owned();
                other.messages[0] = Message::assistant(text);
            }
        }
        other
    }

    proptest! {
        #[test]
        fn ids_drawn_anew_make_the_same_request_and_any_other_change_another(
            words in prop::collection::vec("[a-z ]{0,8}", 3),
            calls in prop::collection::vec(prop::collection::vec("[a-z{}]{0,6}", 0..3), 0..4),
            results in prop::collection::vec(any::<prop::sample::Index>(), 0..5),
            one in prop::collection::hash_set("[a-z0-9#]{1,6}", 12),
            other in prop::collection::hash_set("[a-z0-9#]{1,6}", 12),
            how in 0_usize..9,
        ) {
            let [one, other]: [Vec<String>; 2] = [one, other].map(|ids| ids.into_iter().collect());
            let request = conversation(&words, &calls, &results, &one);
            prop_assert_eq!(key(&request), key(&conversation(&words, &calls, &results, &other)));
            prop_assert_eq!(key(&request), key(&numbered(&request)), "what was written down is known again");
            prop_assert_ne!(key(&request), key(&changed(&request, how)));
        }

        #[test]
        fn the_order_of_fields_makes_no_difference(names in prop::collection::hash_set("[a-z\"é]{1,4}", 1..6), seed: u64) {
            let mut fields: Vec<_> = names.iter().enumerate().map(|(at, name)| format!("{}:{at}", Value::from(name.as_str()))).collect();
            let parsed = |fields: &[String]| serde_json::from_str::<Value>(&format!("{{{}}}", fields.join(","))).unwrap();
            let before = text(&parsed(&fields));
            let count = fields.len();
            fields.rotate_left(usize::try_from(seed % 7).unwrap() % count);
            fields.swap(0, count - 1);
            prop_assert_eq!(text(&parsed(&fields)), before.clone());
            prop_assert_eq!(serde_json::from_str::<Value>(&before).unwrap(), parsed(&fields), "and it is JSON");
        }
    }

    #[test]
    fn a_result_of_another_call_is_another_request() {
        let call = |id: &str| ToolCall { id: id.into(), name: "grep".into(), arguments: "{}".into() };
        let asked = |of: &str| {
            let calls = Message::Assistant { text: String::new(), tool_calls: vec![call("a"), call("b")] };
            Request::from("go").message(calls).message(Message::tool(&call(of), "found"))
        };
        assert_ne!(key(&asked("a")), key(&asked("b")));
        assert_ne!(key(&asked("a")), key(&asked("of nothing")));
        // Some servers number the calls of each answer from one.
        let again = |id: &str| {
            let calls = |id: &str| Message::Assistant { text: String::new(), tool_calls: vec![call(id)] };
            let result = |id: &str| Message::tool(&call(id), "found");
            Request::new().message(calls("1")).message(result("1")).message(calls(id)).message(result(id))
        };
        assert_eq!(key(&again("1")), key(&again("2")));
    }
}
