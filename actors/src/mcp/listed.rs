//! What a server lists, as far as it can be trusted: page by page, and up to a limit.

use serde_json::{Map, Value};
use skep_runtime::text::one_line;

use crate::defaults;

/// How many pages are read: a server may go on forever.
const PAGES: usize = 200;

/// A tool that a server lists.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Offered {
    /// The name that the server uses.
    pub(super) name: String,
    pub(super) about: String,
    /// An object's schema, or why the tool cannot be offered.
    pub(super) schema: Result<Value, String>,
}

/// Everything that it lists.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Listed {
    pub(super) tools: Vec<Offered>,
    /// There was more than is read.
    pub(super) is_cut: bool,
    bytes: usize,
    pages: usize,
}

impl Listed {
    /// Adds a page, and returns the cursor of the next one, if there is one.
    pub(super) fn page(&mut self, page: &Value) -> Result<Option<String>, String> {
        let Some(tools) = page["tools"].as_array() else {
            return Err("it lists tools in no way that can be read".to_owned());
        };
        self.pages += 1;
        for tool in tools {
            let tool = offered(tool);
            self.bytes += tool.bytes();
            if self.bytes > defaults::MCP_LIST {
                self.is_cut = true;
                return Ok(None);
            }
            self.tools.push(tool);
        }
        let next = page["nextCursor"].as_str().filter(|cursor| !cursor.is_empty());
        if next.is_some() && self.pages >= PAGES {
            self.is_cut = true;
            return Ok(None);
        }
        Ok(next.map(str::to_owned))
    }
}

impl Offered {
    fn bytes(&self) -> usize {
        // Everything besides the text takes room too.
        let schema = self.schema.as_ref().map_or(0, |schema| schema.to_string().len());
        256 + self.name.len() + self.about.len() + schema
    }
}

fn offered(tool: &Value) -> Offered {
    let name = tool["name"].as_str().unwrap_or_default();
    let about = tool["description"].as_str().or_else(|| tool["title"].as_str()).unwrap_or_default();
    let bytes = name.len() + about.len() + tool["inputSchema"].to_string().len();
    if bytes > defaults::MCP_TOOL {
        let why =
            format!("its name, description and schema have {bytes} bytes, more than {}", defaults::MCP_TOOL);
        let name = name.chars().take(64).collect();
        return Offered { name, about: String::new(), schema: Err(why) };
    }
    let schema = match &tool["inputSchema"] {
        _ if name.is_empty() => Err("it has no name".to_owned()),
        Value::Object(schema) => object(schema.clone()),
        _ => Err("its schema is no object".to_owned()),
    };
    Offered { name: name.to_owned(), about: about.to_owned(), schema }
}

/// In the form that providers accept: an object's, with properties, and without the dialect.
fn object(mut schema: Map<String, Value>) -> Result<Value, String> {
    schema.remove("$schema");
    let kind = schema.entry("type").or_insert_with(|| "object".into());
    if kind != "object" {
        return Err(format!("its schema is of type {}, not of an object", one_line(&kind.to_string())));
    }
    schema.entry("properties").or_insert_with(|| Value::Object(Map::new()));
    Ok(Value::Object(schema))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_tool_is_read_and_one_that_cannot_be_offered_says_why() {
        let mut listed = Listed::default();
        let page = json!({ "tools": [
            { "name": "a", "description": "does", "inputSchema": { "$schema": "x", "type": "object" } },
            { "name": "b", "title": "is", "inputSchema": {} },
            { "name": "c", "inputSchema": "object" },
            { "name": "d", "inputSchema": { "type": "string" } },
            { "name": "e" },
            { "name": "f", "description": "x".repeat(defaults::MCP_TOOL), "inputSchema": {} },
            { "inputSchema": {} },
            7,
        ], "nextCursor": "2" });
        assert_eq!(listed.page(&page), Ok(Some("2".to_owned())));
        let plain = json!({ "type": "object", "properties": {} });
        let seen: Vec<_> =
            listed.tools.iter().map(|tool| (&*tool.name, &*tool.about, tool.schema.clone())).collect();
        assert_eq!(seen[0], ("a", "does", Ok(plain.clone())));
        assert_eq!(seen[1], ("b", "is", Ok(plain)));
        let why = |at: usize| seen[at].2.clone().unwrap_err();
        assert_eq!(why(2), "its schema is no object");
        assert!(why(3).contains("\"string\"") && why(4) == why(2) && why(5).contains("bytes"));
        assert_eq!((why(6), why(7)), ("it has no name".to_owned(), "it has no name".to_owned()));
    }

    #[test]
    fn a_list_without_end_is_cut() {
        let mut listed = Listed::default();
        let page = json!({ "tools": [], "nextCursor": "again" });
        let mut pages = 0;
        while listed.page(&page) == Ok(Some("again".to_owned())) {
            pages += 1;
        }
        assert!(listed.is_cut && pages < PAGES);
        let big = json!({ "name": "a", "inputSchema": { "x": "y".repeat(defaults::MCP_TOOL - 100) } });
        let page = json!({ "tools": vec![big; 10], "nextCursor": "again" });
        let mut listed = Listed::default();
        while listed.page(&page) == Ok(Some("again".to_owned())) {}
        assert!(listed.is_cut && listed.tools.len() * (defaults::MCP_TOOL - 100) <= defaults::MCP_LIST);
        for odd in [json!({}), json!({ "tools": {} }), json!(null), json!([])] {
            assert!(Listed::default().page(&odd).is_err(), "{odd}");
        }
    }
}
