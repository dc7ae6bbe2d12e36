//! The shape of a rule file, and the way from its words to something that matches.

use memchr::memmem::Finder;
use regex::Regex;
use serde::{Deserialize, Serialize};

use super::Rule;
use super::calls::Callee;
use super::check::Check;
use super::context::Context;
use super::matcher::{Lines, Matcher, Structure, regex};
use crate::review::finding::{Category, Severity};
use crate::review::source::{Language, View};

/// Which code a rule is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// What users run: libraries and programs without their tests, examples and benches.
    #[default]
    Shipped,
    /// Libraries only: a program may end itself where a library must return an error.
    Library,
    /// Test files and test items only.
    Tests,
    /// Every file.
    Anywhere,
}

/// An item that rules cannot judge; the report names it so that silence is not taken for approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NeedsModel {
    /// The specialist it belongs to.
    pub category: Category,
    /// What was not judged.
    pub item: String,
    /// Why rules cannot judge it.
    pub why: String,
}

/// A rule that cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("rule {rule}: {why}")]
pub struct RuleError {
    /// Id of the rule, or the category when the whole file cannot be read.
    pub rule: String,
    /// What is wrong with it.
    pub why: String,
}

/// One file of rules.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RuleFile {
    pub(super) rule: Vec<RuleData>,
    #[serde(default)]
    pub(super) needs_model: Vec<NeedsModelData>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NeedsModelData {
    item: String,
    why: String,
}

impl NeedsModelData {
    pub(super) fn of(self, category: Category) -> NeedsModel {
        NeedsModel { category, item: self.item, why: self.why }
    }
}

/// One rule as it is written down.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RuleData {
    pub(super) id: String,
    severity: Severity,
    description: String,
    suggestion: String,
    concern: Option<String>,
    /// None: every text file.
    #[serde(default)]
    languages: Vec<Language>,
    #[serde(default)]
    scope: Scope,
    /// One of these stands in every file with a hit; looked for before anything else.
    #[serde(default)]
    literals: Vec<String>,
    file_needs: Option<String>,
    file_lacks: Option<String>,
    limit: Option<u32>,
    #[serde(default)]
    once_per_file: bool,
    #[serde(rename = "match", default)]
    matchers: Vec<MatcherData>,
    #[serde(rename = "example", default)]
    #[cfg_attr(not(test), expect(dead_code, reason = "examples are the tests of a rule"))]
    pub(super) examples: Vec<ExampleData>,
}

/// A hit and a near miss: the first must be found by the rule, the second must not.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[cfg_attr(not(test), expect(dead_code, reason = "examples are the tests of a rule"))]
pub(super) struct ExampleData {
    pub(super) path: String,
    pub(super) hit: String,
    pub(super) near_miss: String,
}

/// Either a regex over lines or a shape of the syntax tree.
#[derive(Deserialize)]
#[serde(untagged)]
enum MatcherData {
    Lines(LinesData),
    Structure(StructureData),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct LinesData {
    /// Regex over the view, with `^` and `$` at lines. The group `at`, where there is one, is the place of the
    /// finding, as is `at2`, which another alternative may need; the group `value` is a secret that the report must not show.
    lines: String,
    #[serde(default = "code")]
    view: View,
    /// Regex over the same view of the lines of the match: no finding when it matches.
    unless: Option<String>,
    /// Fewest bits a character that the group `value` must carry to be a secret.
    entropy: Option<f64>,
    /// Whether the file must hold more hits than the rule's limit; then they are one finding.
    #[serde(default)]
    counted: bool,
    /// Regex over the whole text, without which the matcher says nothing about a file.
    file_needs: Option<String>,
    /// Told by the blocks around the place, for languages without a grammar.
    #[serde(default)]
    inside: Vec<Context>,
    #[serde(default)]
    outside: Vec<Context>,
    #[serde(default)]
    languages: Vec<Language>,
}

const fn code() -> View {
    View::Code
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct StructureData {
    /// Kinds of nodes that are looked at.
    #[serde(default)]
    kinds: Vec<String>,
    /// Code with `$NAME` for one node and `$$$` for any number.
    #[serde(default)]
    patterns: Vec<String>,
    /// Regex over the node's text, see the group `at` above.
    text: Option<String>,
    unless: Option<String>,
    #[serde(default)]
    inside: Vec<Context>,
    #[serde(default)]
    outside: Vec<Context>,
    /// Functions by their whole path, whatever the file calls them: see [`super::calls`].
    #[serde(default)]
    calls: Vec<String>,
    check: Option<Check>,
}

impl RuleData {
    pub(super) fn compile(self, category: Category) -> Result<Rule, RuleError> {
        let id = self.id.clone();
        self.try_compile(category).map_err(|why| RuleError { rule: id, why })
    }

    fn try_compile(self, category: Category) -> Result<Rule, String> {
        if self.id.split_once('/').is_none_or(|(prefix, name)| prefix != category.word() || name.is_empty()) {
            return Err(format!("an id of this file begins with `{}/`", category.word()));
        }
        let matchers = self.matchers.into_iter().map(|matcher| match matcher {
            MatcherData::Lines(data) => data.compile().map(Matcher::Lines),
            MatcherData::Structure(data) => data.compile(&self.languages).map(Matcher::Structure),
        });
        Ok(Rule {
            category,
            severity: self.severity,
            description: self.description,
            suggestion: self.suggestion,
            concern: self.concern.unwrap_or_else(|| self.id.clone()),
            id: self.id,
            scope: self.scope,
            limit: self.limit,
            once_per_file: self.once_per_file,
            literals: self.literals.iter().map(|literal| Finder::new(literal).into_owned()).collect(),
            file_needs: self.file_needs.as_deref().map(regex).transpose()?,
            file_lacks: self.file_lacks.as_deref().map(regex).transpose()?,
            matchers: matchers.collect::<Result<_, _>>()?,
            languages: self.languages,
        })
    }
}

impl LinesData {
    fn compile(self) -> Result<Lines, String> {
        Ok(Lines {
            regex: regex(&self.lines)?,
            view: self.view,
            unless: self.unless.as_deref().map(regex).transpose()?,
            entropy: self.entropy,
            counted: self.counted,
            file_needs: self.file_needs.as_deref().map(regex).transpose()?,
            inside: self.inside,
            outside: self.outside,
            languages: self.languages,
        })
    }
}

impl StructureData {
    fn compile(self, languages: &[Language]) -> Result<Structure, String> {
        let regexes = |text: Option<&str>| -> Result<Option<Regex>, String> { text.map(regex).transpose() };
        let [language] = languages else {
            return Err("a rule about structure names one language".to_owned());
        };
        let grammar = language.grammar().ok_or("there is no grammar for this language")?;
        let mut structure = Structure::new(grammar, &self.kinds, &self.patterns)?;
        structure.text = regexes(self.text.as_deref())?;
        structure.unless = regexes(self.unless.as_deref())?;
        (structure.inside, structure.outside, structure.check) = (self.inside, self.outside, self.check);
        structure.calls = self.calls.iter().map(|call| Callee::parse(call)).collect::<Result<_, _>>()?;
        structure.complete()
    }
}
