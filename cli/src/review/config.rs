//! `skep.toml`: what a project does not want to hear, and how loud it wants to hear the rest.
//!
//! ```toml
//! ignore = ["vendor/**", "*.snap"]      # files that are not reviewed
//! fail-on = "high"                      # as --fail-on
//! at-most = 10                          # findings shown of one rule, as --at-most
//!
//! [rules]
//! "style/todo-without-issue" = "off"
//! "tests/sleep" = "high"
//! "style/long-function" = { limit = 200, severity = "medium" }
//!
//! [[paths]]                             # later ones win over earlier ones, and over [rules]
//! glob = "examples/**"
//! rules = { "style/unwrap-density" = "off" }
//! ```

use std::collections::BTreeMap;

use globset::{GlobBuilder, GlobMatcher};
use serde::Deserialize;

use crate::review::finding::Severity;
use crate::review::rules::{Rule, RuleSet};

/// A configuration that cannot be used: where, and what was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("skep.toml: {0}")]
pub struct ConfigError(pub String);

/// The settings of one project. The default reviews everything with every rule.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// The least severity that makes `skep review` end with 1; none: it ends with 0 whatever it finds.
    pub fail_on: Option<Severity>,
    /// How many findings of one rule a text report shows; none: the format's own default.
    pub at_most: Option<usize>,
    ignore: Vec<GlobMatcher>,
    rules: Overrides,
    paths: Vec<(GlobMatcher, Overrides)>,
}

type Overrides = BTreeMap<String, Override>;

/// What holds for one rule in one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// None when the rule is off.
    pub severity: Option<Severity>,
    /// What is still fine, for rules that measure something.
    pub limit: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Override {
    level: Option<Level>,
    limit: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Level {
    Off,
    Low,
    Medium,
    High,
    Critical,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    #[serde(default)]
    ignore: Vec<toml::Spanned<String>>,
    fail_on: Option<Severity>,
    at_most: Option<usize>,
    #[serde(default)]
    rules: BTreeMap<toml::Spanned<String>, Value>,
    #[serde(default)]
    paths: Vec<Path>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Path {
    glob: toml::Spanned<String>,
    rules: BTreeMap<toml::Spanned<String>, Value>,
}

#[derive(Clone, Copy)]
struct Value(Override);

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: serde::Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            severity: Option<Level>,
            limit: Option<u32>,
        }
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Value;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("\"off\", a severity, or a table { severity, limit }")
            }
            fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<Value, E> {
                let level = Level::deserialize(serde::de::value::StrDeserializer::<E>::new(word))?;
                Ok(Value(Override { level: Some(level), limit: None }))
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Value, A::Error> {
                let table = Table::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                Ok(Value(Override { level: table.severity, limit: table.limit }))
            }
        }
        input.deserialize_any(Visitor)
    }
}

impl Config {
    /// Reads the text of a `skep.toml`.
    ///
    /// # Errors
    /// Shows the line with a caret and what was expected there: unknown field, severity or rule, bad glob.
    pub fn from_toml(text: &str, rules: &RuleSet) -> Result<Self, ConfigError> {
        let file: File =
            toml::from_str(text).map_err(|error| ConfigError(error.to_string().trim_end().to_owned()))?;
        let overrides = |written: BTreeMap<toml::Spanned<String>, Value>| -> Result<Overrides, ConfigError> {
            written
                .into_iter()
                .map(|(id, value)| {
                    if rules.get(id.get_ref()).is_none() {
                        return Err(pointed(text, id.span(), &unknown_rule(id.get_ref(), rules)));
                    }
                    Ok((id.into_inner(), value.0))
                })
                .collect()
        };
        let ignore = file.ignore.iter().map(|pattern| glob(text, pattern));
        Ok(Self {
            fail_on: file.fail_on,
            at_most: file.at_most,
            ignore: ignore.collect::<Result<_, _>>()?,
            rules: overrides(file.rules)?,
            paths: file
                .paths
                .into_iter()
                .map(|path| Ok((glob(text, &path.glob)?, overrides(path.rules)?)))
                .collect::<Result<_, _>>()?,
        })
    }

    /// Whether the file, relative to the root, is to be left out.
    #[must_use]
    pub fn ignores(&self, path: &str) -> bool {
        self.ignore.iter().any(|glob| glob.is_match(path))
    }

    /// What holds for `rule` in the file at `path`.
    #[must_use]
    pub fn settings(&self, rule: &Rule, path: &str) -> Settings {
        let mut settings = Settings { severity: Some(rule.severity), limit: rule.limit.unwrap_or(0) };
        let of_paths =
            self.paths.iter().filter(|(glob, _)| glob.is_match(path)).map(|(_, overrides)| overrides);
        for set in
            std::iter::once(&self.rules).chain(of_paths).filter_map(|overrides| overrides.get(&rule.id))
        {
            settings.limit = set.limit.unwrap_or(settings.limit);
            settings.severity = match set.level {
                None => settings.severity.or(Some(rule.severity)),
                Some(Level::Off) => None,
                Some(Level::Low) => Some(Severity::Low),
                Some(Level::Medium) => Some(Severity::Medium),
                Some(Level::High) => Some(Severity::High),
                Some(Level::Critical) => Some(Severity::Critical),
            };
        }
        settings
    }
}

/// A glob over whole paths, where `*` stays inside a folder. A bare name matches in every folder.
fn glob(text: &str, pattern: &toml::Spanned<String>) -> Result<GlobMatcher, ConfigError> {
    let written = pattern.get_ref();
    let anywhere = if written.contains('/') { written.clone() } else { format!("**/{written}") };
    let glob = GlobBuilder::new(&anywhere).literal_separator(true).build();
    glob.map(|glob| glob.compile_matcher())
        .map_err(|error| pointed(text, pattern.span(), &error.kind().to_string()))
}

fn unknown_rule(id: &str, rules: &RuleSet) -> String {
    let near = rules.all().iter().map(|rule| (distance(id, &rule.id), &rule.id)).min();
    match near {
        Some((distance, near)) if distance <= 1 + id.len() / 4 => {
            format!("unknown rule `{id}`; did you mean `{near}`?")
        }
        _ => format!("unknown rule `{id}`; an id looks like `tests/sleep`"),
    }
}

/// How many letters must change to make one word of the other (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let changed = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// An error in the form in which the TOML reader shows its own: line, caret, reason.
fn pointed(text: &str, span: std::ops::Range<usize>, why: &str) -> ConfigError {
    let start = text[..span.start].rfind('\n').map_or(0, |at| at + 1);
    let line = text[start..].lines().next().unwrap_or("");
    let number = text[..start].matches('\n').count() + 1;
    let column = text[start..span.start].chars().count();
    let carets = "^".repeat(text[span].chars().count().max(1));
    let margin = " ".repeat(number.to_string().len());
    ConfigError(format!(
        "TOML error at line {number}, column {}\n{margin} |\n{number} | {line}\n{margin} | {}{carets}\n{why}",
        column + 1,
        " ".repeat(column)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Result<Config, String> {
        Config::from_toml(text, RuleSet::embedded()).map_err(|error| error.to_string())
    }

    fn severity(config: &Config, rule: &str, path: &str) -> Option<Severity> {
        config.settings(RuleSet::embedded().get(rule).unwrap(), path).severity
    }

    #[test]
    fn the_last_matching_path_wins_over_the_rules() {
        let config = config(
            "[rules]\n\"tests/sleep\" = \"high\"\n\"style/long-function\" = { limit = 7 }\n\
             [[paths]]\nglob = \"a/**\"\nrules = { \"tests/sleep\" = \"off\" }\n\
             [[paths]]\nglob = \"a/b/*\"\nrules = { \"tests/sleep\" = \"critical\" }\n",
        )
        .unwrap();
        assert_eq!(severity(&config, "tests/sleep", "c.rs"), Some(Severity::High));
        assert_eq!(severity(&config, "tests/sleep", "a/c.rs"), None);
        assert_eq!(severity(&config, "tests/sleep", "a/b/c.rs"), Some(Severity::Critical));
        let long = RuleSet::embedded().get("style/long-function").unwrap();
        assert_eq!(config.settings(long, "c.rs"), Settings { severity: Some(long.severity), limit: 7 });
    }

    #[test]
    fn ignore_globs_are_about_paths_and_bare_names_about_every_folder() {
        let config = config("ignore = [\"gen/**\", \"*.snap\"]").unwrap();
        assert!(config.ignores("gen/a/b.rs") && config.ignores("x/y.snap") && config.ignores("y.snap"));
        assert!(!config.ignores("src/gen/a.rs") && !config.ignores("snap.rs"));
    }

    #[test]
    fn an_error_shows_the_line_the_place_and_what_was_expected() {
        let unknown = config("at-most = 3\nfail_on = \"high\"\n").unwrap_err();
        for part in ["line 2", "fail_on", "^^^^^^^", "unknown field", "fail-on"] {
            assert!(unknown.contains(part), "{part}: {unknown}");
        }
        let severity = config("fail-on = \"urgent\"").unwrap_err();
        assert!(severity.contains("`critical`") && severity.contains("line 1"), "{severity}");
        let rule = config("[rules]\n\"tests/slep\" = \"off\"\n").unwrap_err();
        assert!(
            rule.contains("line 2") && rule.contains("^^^^") && rule.contains("`tests/sleep`?"),
            "{rule}"
        );
        let glob = config("ignore = [\n  \"a/{b\",\n]").unwrap_err();
        assert!(glob.contains("line 2, column 3"), "{glob}");
        let level = config("[rules]\n\"tests/sleep\" = 3\n").unwrap_err();
        assert!(level.contains("\"off\", a severity, or a table"), "{level}");
    }
}
