//! The embedder's table: which tools of a server are offered, what each of them can do, and the names by which models
//! call them.
//!
//! The server is not asked what its tools can do: it would say what suits it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use skep_runtime::Reach;
use skep_runtime::effect::Tier;
use skep_runtime::text::one_line;

use super::McpError;
use super::listed::{Listed, Offered};
use crate::defaults;
use crate::tool::Card;

/// The most characters in the name by which a model calls a tool.
const NAME: usize = 64;

type Says<A, R> = Arc<dyn Fn(A) -> R + Send + Sync>;
type Reaches = Arc<dyn Fn(&Value) -> Reach + Send + Sync>;

#[derive(Clone, Default)]
pub(super) struct Table {
    pub(super) prefix: String,
    pub(super) only: Vec<String>,
    pub(super) without: Vec<String>,
    pub(super) cards: Vec<(String, Says<Card, Card>)>,
    pub(super) reaches: Vec<(String, Reaches)>,
}

/// A tool as it is offered to models.
#[derive(Clone)]
pub(super) struct Row {
    pub(super) card: Card,
    pub(super) schema: Value,
    /// The server's name for it.
    pub(super) name: String,
    pub(super) reaches: Option<Reaches>,
}

impl Table {
    /// The tools of a server, in its order.
    pub(super) fn rows(&self, server: &str, listed: &Listed) -> Result<Vec<Row>, McpError> {
        let rows = self.cards.iter().map(|(pattern, _)| pattern);
        let rows = rows.chain(self.reaches.iter().map(|(pattern, _)| pattern));
        if let Some(bad) = rows.chain(&self.only).chain(&self.without).find(|pattern| !is_pattern(pattern)) {
            return Err(McpError::Pattern(bad.clone()));
        }
        let names = || listed.tools.iter().map(|tool| &*tool.name);
        if let Some(pattern) = self.only.iter().find(|pattern| !names().any(|name| fits(pattern, name))) {
            let (server, pattern) = (server.to_owned(), pattern.clone());
            return Err(McpError::NoSuchTool { server, pattern, has: few(names()) });
        }
        let any = |patterns: &[String], name: &str| patterns.iter().any(|pattern| fits(pattern, name));
        let wanted = listed.tools.iter().filter(|tool| {
            (self.only.is_empty() || any(&self.only, &tool.name)) && !any(&self.without, &tool.name)
        });
        let wanted: Vec<_> = wanted.take(defaults::MCP_TOOLS + 1).collect();
        if wanted.len() > defaults::MCP_TOOLS || (listed.is_cut && self.only.is_empty()) {
            return Err(McpError::TooMany { server: server.to_owned(), most: defaults::MCP_TOOLS });
        }
        let mut by_name = BTreeMap::new();
        wanted.into_iter().map(|tool| self.row(server, tool, &mut by_name)).collect()
    }

    fn row<'l>(
        &self,
        server: &str,
        tool: &'l Offered,
        by_name: &mut BTreeMap<String, &'l str>,
    ) -> Result<Row, McpError> {
        let name = &tool.name;
        let bad = |why| McpError::Bad { server: server.to_owned(), name: one_line(name), why };
        let schema = tool.schema.clone().map_err(bad)?;
        let mut card = self.strictest(server, tool);
        for (_, says) in self.cards.iter().filter(|(pattern, _)| fits(pattern, name)) {
            card = says(card);
        }
        if let Some(other) = by_name.insert(card.name.clone(), name) {
            let other = if other == name { "another of its name".to_owned() } else { one_line(other) };
            return Err(bad(format!("models would call it {:?}, as they would {other}", card.name)));
        }
        let reaches = self.reaches.iter().rfind(|(pattern, _)| fits(pattern, name));
        Ok(Row { card, schema, name: name.clone(), reaches: reaches.map(|(_, reaches)| Arc::clone(reaches)) })
    }

    /// The card of a tool that the table does not name: it may happen only once, and is dangerous.
    fn strictest(&self, server: &str, tool: &Offered) -> Card {
        let plain = plain_of(&tool.name);
        let named = Card::new(plain_of(&format!("{}{plain}", self.prefix)), &tool.about);
        Card { kind: format!("mcp.{server}.{plain}"), tier: Tier::Dangerous, ..named }
    }
}

/// The name with every character other than a letter, a digit, `_` or `-` replaced.
pub(super) fn plain_of(name: &str) -> String {
    let allowed = |char: char| if char.is_ascii_alphanumeric() || char == '-' { char } else { '_' };
    name.chars().map(allowed).take(NAME).collect()
}

fn is_pattern(pattern: &str) -> bool {
    !pattern.is_empty() && !pattern[..pattern.len() - 1].contains('*')
}

fn fits(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(begin) => name.starts_with(begin),
        None => name == pattern,
    }
}

/// The first few names, and how many more there are.
fn few<'n>(names: impl Iterator<Item = &'n str>) -> String {
    const SHOWN: usize = 20;
    let all: Vec<_> = names.collect();
    let shown: Vec<_> = all.iter().take(SHOWN).map(|name| one_line(name)).collect();
    match all.len().saturating_sub(SHOWN) {
        _ if all.is_empty() => "none".to_owned(),
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;
    use skep_runtime::Repeat;

    fn listed(names: &[&str]) -> Listed {
        let tools: Vec<_> = names.iter().map(|name| json!({ "name": name, "inputSchema": {} })).collect();
        let mut listed = Listed::default();
        listed.page(&json!({ "tools": tools })).unwrap();
        listed
    }

    fn text(patterns: &[&str]) -> Vec<String> {
        patterns.iter().map(|pattern| (*pattern).to_owned()).collect()
    }

    #[test]
    fn what_the_table_does_not_name_is_the_strictest_and_its_rows_hold_in_their_order() {
        let mut table = Table::default();
        table.cards.push(("read_*".into(), Arc::new(|card| Card { repeat: Repeat::Pure, ..card })));
        table.cards.push(("read_b".into(), Arc::new(|card| Card { tier: Tier::Reads, ..card })));
        table.reaches.push(("*".into(), Arc::new(|_| Reach::NOTHING)));
        table.reaches.push(("read_b".into(), Arc::new(|_| Reach::host("h"))));
        let rows = table.rows("fs", &listed(&["write", "read_a", "read_b"])).unwrap();
        let said = |at: usize| (rows[at].card.repeat, rows[at].card.tier, rows[at].card.modifies);
        assert_eq!(said(0), (Repeat::Once, Tier::Dangerous, true));
        assert_eq!(said(1), (Repeat::Pure, Tier::Dangerous, true));
        assert_eq!(said(2), (Repeat::Pure, Tier::Reads, true));
        assert_eq!(rows[2].card.kind, "mcp.fs.read_b");
        let reach = |at: usize| rows[at].reaches.as_ref().map(|reaches| reaches(&json!({})));
        assert_eq!((reach(0), reach(2)), (Some(Reach::NOTHING), Some(Reach::host("h"))));
        assert!(Table::default().rows("fs", &listed(&["a"])).unwrap()[0].reaches.is_none());
    }

    #[test]
    fn tools_are_chosen_by_name_and_what_is_wrong_names_the_way_out() {
        let all = listed(&["a.b", "a_b", "c"]);
        let error = Table::default().rows("fs", &all).err().unwrap().to_string();
        assert!(error.contains("\"a_b\"") && error.contains("a.b") && error.contains("without"), "{error}");
        let table = Table { without: text(&["a.*"]), prefix: "fs_".into(), ..Table::default() };
        let names: Vec<_> = table.rows("fs", &all).unwrap().into_iter().map(|row| row.card.name).collect();
        assert_eq!(names, ["fs_a_b", "fs_c"]);
        let table = Table { only: text(&["c", "d*"]), ..Table::default() };
        let error = table.rows("fs", &all).err().unwrap().to_string();
        assert!(error.contains("\"d*\"") && error.contains("a.b, a_b, c"), "{error}");
        for bad in ["", "*a", "a*b", "a**"] {
            let table = Table { without: text(&[bad]), ..Table::default() };
            assert_eq!(table.rows("fs", &all).err(), Some(McpError::Pattern(bad.to_owned())));
        }
        let error = Table::default().rows("fs", &listed(&["c", "c"])).err().unwrap().to_string();
        assert!(error.contains("another of its name"), "{error}");
    }

    #[test]
    fn more_tools_than_a_model_can_be_told_are_an_error_that_says_what_to_do() {
        let names: Vec<_> = (0..10_000).map(|number| format!("t{number}")).collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let all = listed(&names);
        let error = Table::default().rows("fs", &all).err().unwrap();
        assert!(matches!(error, McpError::TooMany { most: defaults::MCP_TOOLS, .. }), "{error}");
        let table = Table { only: text(&["t12*"]), ..Table::default() };
        assert_eq!(table.rows("fs", &all).unwrap().len(), 111);
        let mut cut = listed(&["a"]);
        cut.is_cut = true;
        assert!(Table::default().rows("fs", &cut).is_err());
        let table = Table { only: text(&["a"]), ..Table::default() };
        assert_eq!(table.rows("fs", &cut).unwrap().len(), 1);
    }

    proptest! {
        /// Whatever a server calls a tool, models can use its name, and its kind is below the server's.
        #[test]
        fn every_name_becomes_one_that_models_can_say(name in ".{1,100}", prefix in "[a-z_]{0,70}") {
            let table = Table { prefix, ..Table::default() };
            let rows = table.rows("fs", &listed(&[&name])).unwrap();
            let card = &rows[0].card;
            prop_assert!(card.check().is_ok());
            let below = card.kind.strip_prefix("mcp.fs.").unwrap();
            prop_assert!(!below.is_empty() && below.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte)));
            prop_assert_eq!(&rows[0].name, &name);
        }
    }
}
