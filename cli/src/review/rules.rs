//! The rules, kept as data: one file a category, and one for languages without a grammar. Each rule has hits and near misses,
//! which are its tests.

mod calls;
mod check;
mod context;
mod data;
#[cfg(test)]
mod examples;
mod matcher;
mod secret;

use std::sync::LazyLock;

use memchr::memmem::Finder;
use regex::Regex;

use crate::review::finding::{Category, Severity};
use crate::review::source::{Language, Part, Source};

pub use data::{NeedsModel, RuleError, Scope};
pub(crate) use matcher::{Hit, Look, Matcher, Structure, is_full};

/// One rule, ready to be applied.
#[derive(Debug)]
pub struct Rule {
    /// `category/name`.
    pub id: String,
    /// The specialist it belongs to.
    pub category: Category,
    /// How much harm a finding may do, unless `skep.toml` says otherwise.
    pub severity: Severity,
    /// What is wrong; `{detail}` stands for what the matcher measured.
    pub description: String,
    /// What to do instead.
    pub suggestion: String,
    /// Findings of one line with the same concern are one finding. The id, unless the rule says otherwise.
    pub concern: String,
    /// Which code it is about.
    pub scope: Scope,
    /// What is still fine, for rules that measure something.
    pub limit: Option<u32>,
    /// Whether a file gets one finding, with the number of further places.
    pub once_per_file: bool,
    languages: Vec<Language>,
    literals: Vec<Finder<'static>>,
    file_needs: Option<Regex>,
    file_lacks: Option<Regex>,
    pub(crate) matchers: Vec<Matcher>,
}

impl Rule {
    /// The words one of which stands in every file with a hit; none where there is no such word.
    pub fn literals(&self) -> impl Iterator<Item = String> + '_ {
        self.literals.iter().map(|literal| String::from_utf8_lossy(literal.needle()).into_owned())
    }

    /// Whether the rule is about this language, and not about any text.
    #[must_use]
    pub fn is_about(&self, language: Language) -> bool {
        self.languages.contains(&language)
    }

    /// Whether the rule may have something to say about the source. It is cheap, and never wrong when it says no.
    pub(crate) fn may_match(&self, source: &Source) -> bool {
        let text = source.text();
        (self.languages.is_empty() || self.languages.contains(&source.language()))
            && self.scope.may_hold(source)
            && (self.literals.is_empty()
                || self.literals.iter().any(|literal| literal.find(text.as_bytes()).is_some()))
            && self.file_needs.as_ref().is_none_or(|needed| needed.is_match(text))
            && self.file_lacks.as_ref().is_none_or(|unwanted| !unwanted.is_match(text))
    }
}

impl Scope {
    /// Whether any place of the source can be in scope.
    fn may_hold(self, source: &Source) -> bool {
        match self {
            Self::Anywhere | Self::Tests => true,
            Self::Shipped => matches!(source.part(), Part::Library | Part::Program),
            Self::Library => source.part() == Part::Library,
        }
    }

    /// Whether this place of the source is in scope.
    pub(crate) fn holds(self, source: &Source, at: usize) -> bool {
        match self {
            Self::Anywhere => true,
            Self::Tests => source.is_test(at),
            Self::Shipped | Self::Library => !source.is_test(at),
        }
    }
}

/// All rules, and what no rule can judge.
#[derive(Debug)]
pub struct RuleSet {
    rules: Vec<Rule>,
    needs_model: Vec<NeedsModel>,
}

/// The data of the rules that come with skep.
const EMBEDDED: [(Category, &str); 8] = [
    (Category::Security, include_str!("rules/security.toml")),
    (Category::Performance, include_str!("rules/performance.toml")),
    (Category::Style, include_str!("rules/style.toml")),
    (Category::Tests, include_str!("rules/tests.toml")),
    (Category::Security, include_str!("rules/lines/security.toml")),
    (Category::Performance, include_str!("rules/lines/performance.toml")),
    (Category::Style, include_str!("rules/lines/style.toml")),
    (Category::Tests, include_str!("rules/lines/tests.toml")),
];

impl RuleSet {
    /// The rules that come with skep, compiled on first use.
    #[must_use]
    pub fn embedded() -> &'static Self {
        static RULES: LazyLock<RuleSet> = LazyLock::new(|| {
            RuleSet::from_toml(&EMBEDDED).expect("the embedded rules are compiled by a test of every build")
        });
        &RULES
    }

    /// Compiles rules from TOML, each text of one category.
    ///
    /// # Errors
    /// Names the rule and what is wrong with it: unknown field, bad regex or pattern, id of another category.
    pub fn from_toml(texts: &[(Category, &str)]) -> Result<Self, RuleError> {
        let mut set = Self { rules: Vec::new(), needs_model: Vec::new() };
        for (category, text) in texts {
            let file: data::RuleFile = toml::from_str(text)
                .map_err(|error| RuleError { rule: category.word().to_owned(), why: error.to_string() })?;
            for rule in file.rule {
                set.rules.push(rule.compile(*category)?);
            }
            set.needs_model.extend(file.needs_model.into_iter().map(|item| item.of(*category)));
        }
        Ok(set)
    }

    /// Every rule, in the order of the data.
    #[must_use]
    pub fn all(&self) -> &[Rule] {
        &self.rules
    }

    /// The rules of one specialist.
    pub fn of(&self, category: Category) -> impl Iterator<Item = &Rule> {
        self.rules.iter().filter(move |rule| rule.category == category)
    }

    /// The rule with this id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.id == id)
    }

    /// What the specialists cannot judge by rules.
    #[must_use]
    pub fn needs_model(&self) -> &[NeedsModel] {
        &self.needs_model
    }
}
