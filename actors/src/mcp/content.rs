//! The content of a server's answer, as the model reads it.

use serde_json::Value;
use skep_runtime::text::one_line;

use crate::tool::{Output, shown};

/// A result as text. Other content is only described: base64 is not readable, and fills a context. What exceeds `most`
/// bytes is cut, and the text says so.
pub(super) fn read(result: &Value, most: usize) -> Output {
    let blocks = result["content"].as_array().map_or(&[][..], Vec::as_slice);
    let mut text = blocks.iter().map(block).collect::<Vec<_>>().join("\n");
    // Servers usually repeat this as text, but not always.
    if text.is_empty()
        && let Some(structured) = result.get("structuredContent").filter(|value| !value.is_null())
    {
        text = structured.to_string();
    }
    if result.get("resultType").is_some_and(|kind| kind != "complete") && text.is_empty() {
        return Output::error("the server asks for something before it answers, and nobody can give it");
    }
    let output = shown(&text, most);
    Output { is_error: result["isError"] == true, ..output }
}

fn block(block: &Value) -> String {
    let field = |name: &str| block[name].as_str().map(one_line);
    match block["type"].as_str() {
        Some("text") => block["text"].as_str().unwrap_or_default().to_owned(),
        Some(kind @ ("image" | "audio")) => not_shown(kind, field("mimeType"), &block["data"]),
        Some("resource") => resource(&block["resource"]),
        Some("resource_link") => {
            let (uri, name) = (field("uri").unwrap_or_default(), field("name").unwrap_or_default());
            format!("[a link to {uri}: {name}]")
        }
        Some(kind) => format!("[{}, which is not shown]", one_line(kind)),
        None => "[something of no kind, which is not shown]".to_owned(),
    }
}

fn resource(resource: &Value) -> String {
    let field = |name: &str| resource[name].as_str().map(one_line);
    let uri = field("uri").unwrap_or_default();
    match resource["text"].as_str() {
        Some(text) => format!("[{uri}]\n{text}"),
        None => not_shown(&uri, field("mimeType"), &resource["blob"]),
    }
}

fn not_shown(what: &str, kind: Option<String>, base64: &Value) -> String {
    let base64 = base64.as_str().unwrap_or_default().trim_end_matches('=');
    let kind = kind.map(|kind| format!(" of type {kind}")).unwrap_or_default();
    // Four characters are three bytes. The padding is cut off, so rounding down gives the exact number.
    format!("[{what}{kind}, {} bytes, which is not shown]", base64.len() * 3 / 4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn texts_are_read_and_all_else_is_told_as_what_it_is() {
        let result = json!({ "content": [
            { "type": "text", "text": "two\nlines" },
            { "type": "image", "data": "AAAAAAA=", "mimeType": "image/png" },
            { "type": "audio", "data": "AA==", "mimeType": "audio/wav" },
            { "type": "resource", "resource": { "uri": "file:///a", "text": "its text" } },
            { "type": "resource", "resource": { "uri": "file:///b", "blob": "AAAA" } },
            { "type": "resource_link", "uri": "file:///c", "name": "c" },
            { "type": "video\n" },
            7,
        ] });
        let output = read(&result, 10_000);
        let lines: Vec<_> = output.text.lines().collect();
        assert_eq!(
            lines,
            [
                "two",
                "lines",
                "[image of type image/png, 5 bytes, which is not shown]",
                "[audio of type audio/wav, 1 bytes, which is not shown]",
                "[file:///a]",
                "its text",
                "[file:///b, 3 bytes, which is not shown]",
                "[a link to file:///c: c]",
                "[video\\n, which is not shown]",
                "[something of no kind, which is not shown]",
            ]
        );
        assert!(!output.is_error);
    }

    #[test]
    fn a_long_text_is_cut_and_says_so_and_an_error_stays_one() {
        let result = json!({ "content": [{ "type": "text", "text": "é".repeat(100) }], "isError": true });
        let output = read(&result, 51);
        assert!(output.is_error && output.cut == 150 && output.text.ends_with("[150 bytes more were cut]"));
    }

    #[test]
    fn whatever_a_server_sends_instead_of_content_is_read_without_harm() {
        for (result, text) in [
            (json!({ "structuredContent": { "a": 1 } }), "{\"a\":1}"),
            (json!({ "content": [], "structuredContent": null }), ""),
            (json!({ "content": "text" }), ""),
            (json!({}), ""),
            (json!(null), ""),
            (json!([1]), ""),
        ] {
            let output = read(&result, 100);
            assert_eq!((&*output.text, output.is_error), (text, false), "{result}");
        }
        assert!(read(&json!({ "resultType": "input_required" }), 100).is_error);
    }
}
