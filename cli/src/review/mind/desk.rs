//! What lies before a mind: the sources of its part, for the tool that applies rules to them.

use std::sync::Arc;

use parking_lot::Mutex;
use schemars::JsonSchema;
use serde::Deserialize;
use skep_actors::tool::{FnTool, Tool, ToolError, tool};

use super::Part;
use crate::review::{Category, Config, RuleSet, Source, apply};

/// The sources of the part that is looked at.
#[derive(Clone, Debug, Default)]
pub struct Desk(Arc<Mutex<Vec<Arc<Source>>>>);

/// Which rules, on which file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// The file, as it was named.
    file: String,
    /// The field of the rules.
    field: Field,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Field {
    Security,
    Performance,
    Style,
    Tests,
}

impl Desk {
    /// Another part lies there.
    pub fn put(&self, part: &Part) {
        *self.0.lock() = part.sources.clone();
    }

    /// The embedded rules as a tool.
    #[must_use]
    pub fn rules(&self, config: &Arc<Config>) -> impl Tool {
        let (desk, config) = (self.clone(), Arc::clone(config));
        let about = "What the embedded rules of a field find in one of the sources that you were given.";
        let rules: FnTool<Wanted, _> = tool("rules", about, move |wanted: Wanted, call| {
            let (desk, config) = (desk.clone(), Arc::clone(&config));
            async move { call.blocking(move || desk.apply(&wanted, &config)).await }
        });
        rules.pure()
    }

    fn apply(&self, wanted: &Wanted, config: &Config) -> Result<String, ToolError> {
        let source = self.0.lock().iter().find(|source| source.path() == wanted.file).cloned();
        let source = source.ok_or_else(|| {
            ToolError::said(format!("{:?} is not one of the sources that you were given", wanted.file))
        })?;
        let category = match wanted.field {
            Field::Security => Category::Security,
            Field::Performance => Category::Performance,
            Field::Style => Category::Style,
            Field::Tests => Category::Tests,
        };
        let found = apply(category, RuleSet::embedded(), config, &source);
        let lines: Vec<String> = found
            .iter()
            .map(|finding| format!("line {}, {}: {}", finding.line, finding.rule, finding.description))
            .collect();
        Ok(if lines.is_empty() { "nothing".to_owned() } else { lines.join("\n") })
    }
}
