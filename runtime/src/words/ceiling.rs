//! Ceilings: what a subtree can never do, whichever of its agents tries and by whatever route.
//!
//! A right allows effects of a kind on some targets ([`Reach`]). An agent's ceiling limits the agent and all agents below it,
//! however deep. It follows ids, as budgets do, so an adoption does not change it. It also limits what others do *for* the
//! subtree; otherwise a limited agent could simply ask an unlimited one.
//!
//! | way | what bounds it |
//! |---|---|
//! | an effect of a turn, a start, a stop hook | the ceilings of the agent and of all above it |
//! | a child, with whatever ceiling of its own | those of its parent, and of the turn that spawned it, wherever it was put |
//! | a task that another agent is asked or told | those of the turn that asks, besides the agent's own; and so on from there |
//! | a question that is answered further up | those of the turn that asks, besides the agent's own |
//! | a dead letter that is replayed | those that the task had |
//!
//! A ceiling can be narrowed while its agents live ([`Control::narrow`](crate::Control::narrow)), but never widened.
//!
//! An agent's grants are what it may do itself, within its ceiling: an orchestrator may be granted only the spawning of agents,
//! and its workers more, up to the ceiling. Grants limit the agent and, unless their own specs say otherwise, the agents that it
//! spawns; they do not limit the agents that it asks.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::words::effect::Tier;
use crate::words::reach::{
    Pattern, Reach, Target, check_command, check_host, check_model, check_path, covers_words,
};
use crate::words::text::OneLine;

/// The kinds of effects that an agent and everything below it may make, and their targets, such as
/// `Ceiling::only(["model", "files.*"]).never(["files.write"]).paths(["/repo/**"])`.
///
/// A pattern for kinds is a kind, or ends in `*` for all kinds with that beginning; `*` alone is every kind. In patterns for
/// targets, `*` matches any characters (in paths: within one folder), and `**` matches anything; `/repo/**` matches `/repo` too.
///
/// A ceiling that limits any targets lets no effect pass that does not state its reach ([`Effect::on`](crate::Effect::on)), and no
/// command that it does not list: a program can open any path and call any host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ceiling {
    #[serde(skip_serializing_if = "Option::is_none")]
    only: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    never: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    paths: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hosts: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    models: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    commands: Option<Vec<Vec<String>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tier: Option<Tier>,
}

/// Why an effect is beyond a ceiling.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum Beyond {
    /// It can do more harm than is allowed.
    #[error("its tier, {}, is not allowed", .0.name())]
    Tier(Tier),
    /// Effects of its kind are not allowed.
    #[error("its kind is not allowed")]
    Kind,
    /// The first target that is not allowed.
    #[error("{0} is not allowed")]
    Target(Target),
    /// Targets are limited, and the effect does not state its reach.
    #[error("its targets are unknown, and only some targets are allowed")]
    Unknown,
}

/// A ceiling that is not valid as written.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("ceiling.{field}: {}", OneLine(.message))]
pub struct BadCeiling {
    /// The method of [`Ceiling`] that was given it.
    pub field: &'static str,
    /// What is wrong, in one line.
    pub message: String,
}

impl Ceiling {
    /// A ceiling that forbids nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Only effects of these kinds; none at all, if no kind is given.
    #[must_use]
    pub fn only(kinds: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { only: Some(strings(kinds)), ..Self::default() }
    }

    /// No effects of these kinds, whatever else is allowed.
    #[must_use]
    pub fn never(mut self, kinds: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.never.extend(strings(kinds));
        self
    }

    /// Only on these files and folders, as absolute patterns such as `/repo/src/**`.
    #[must_use]
    pub fn paths(mut self, patterns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.paths = Some(strings(patterns));
        self
    }

    /// Only on these hosts, such as `*.example.com` or `localhost:8080`.
    #[must_use]
    pub fn hosts(mut self, patterns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.hosts = Some(strings(patterns));
        self
    }

    /// Only these models, such as `gpt-5*`, by their providers' names for them, whatever a swarm calls them.
    #[must_use]
    pub fn models(mut self, patterns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.models = Some(strings(patterns));
        self
    }

    /// Only these commands: a pattern for each word, and `**` at the end for any further words, such as
    /// `[["git", "log", "**"], ["cargo", "test"]]`.
    #[must_use]
    pub fn commands<W: Into<String>>(
        mut self,
        patterns: impl IntoIterator<Item = impl IntoIterator<Item = W>>,
    ) -> Self {
        self.commands = Some(patterns.into_iter().map(strings).collect());
        self
    }

    /// Of this tier at most: what can do more harm is not allowed, whatever its kind.
    #[must_use]
    pub const fn at_most(mut self, tier: Tier) -> Self {
        self.tier = Some(tier);
        self
    }

    /// Whether it allows effects that can do so much harm.
    ///
    /// # Errors
    /// [`Beyond::Tier`].
    pub fn covers_tier(&self, tier: Tier) -> Result<(), Beyond> {
        if self.tier.is_none_or(|most| tier <= most) { Ok(()) } else { Err(Beyond::Tier(tier)) }
    }

    /// Whether it allows effects of this kind on these targets.
    ///
    /// # Errors
    /// [`Beyond`] says what it does not allow.
    pub fn covers(&self, kind: &str, reach: &Reach) -> Result<(), Beyond> {
        if !self.allows(kind) {
            return Err(Beyond::Kind);
        }
        let bounds_targets =
            [&self.paths, &self.hosts, &self.models].iter().any(|patterns| patterns.is_some())
                || self.commands.is_some();
        if !bounds_targets {
            return Ok(());
        }
        let targets = reach.targets().ok_or(Beyond::Unknown)?;
        targets
            .iter()
            .find(|target| !self.allows_target(target))
            .map_or(Ok(()), |target| Err(Beyond::Target(target.clone())))
    }

    fn allows_target(&self, target: &Target) -> bool {
        let named = |patterns: &Option<Vec<String>>, name: &str| {
            let covers = |pattern: &String| Pattern::of_names(pattern).covers(name.as_bytes());
            patterns.as_ref().is_none_or(|patterns| patterns.iter().any(covers))
        };
        match target {
            Target::Path(path) => self.paths.as_ref().is_none_or(|patterns| {
                patterns.iter().any(|pattern| Pattern::of_paths(pattern).covers(path.as_bytes()))
            }),
            Target::Tree(folder) => self.paths.as_ref().is_none_or(|patterns| {
                patterns.iter().any(|pattern| Pattern::of_paths(pattern).covers_tree(folder))
            }),
            Target::Host(host) => named(&self.hosts, host),
            Target::Model(name) => named(&self.models, name),
            // Some of the rest is bounded, and a program keeps to none of it.
            Target::Command(words) => self
                .commands
                .as_ref()
                .is_some_and(|patterns| patterns.iter().any(|pattern| covers_words(pattern, words))),
        }
    }

    /// Whether it allows effects of this kind, on any targets.
    #[must_use]
    pub fn allows(&self, kind: &str) -> bool {
        let named = |patterns: &[String]| patterns.iter().any(|pattern| covers(pattern, kind));
        self.only.as_deref().is_none_or(named) && !named(&self.never)
    }

    /// Whether each of its patterns can match something.
    ///
    /// # Errors
    /// The first that cannot; a spawn says the same.
    pub fn check(&self) -> Result<(), BadCeiling> {
        let patterns =
            |field, patterns: &[String]| patterns.iter().try_for_each(|pattern| check(field, pattern));
        patterns("only", self.only.as_deref().unwrap_or_default())?;
        patterns("never", &self.never)?;
        let on =
            |field, checked: Result<(), String>| checked.map_err(|message| BadCeiling { field, message });
        self.paths.iter().flatten().try_for_each(|path| on("paths", check_path(path)))?;
        self.hosts.iter().flatten().try_for_each(|host| on("hosts", check_host(host)))?;
        self.models.iter().flatten().try_for_each(|model| on("models", check_model(model)))?;
        self.commands.iter().flatten().try_for_each(|words| on("commands", check_command(words)))?;
        Ok(())
    }
}

fn strings(all: impl IntoIterator<Item = impl Into<String>>) -> Vec<String> {
    all.into_iter().map(Into::into).collect()
}

fn covers(pattern: &str, kind: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == kind, |begin| kind.starts_with(begin))
}

fn check(field: &'static str, pattern: &str) -> Result<(), BadCeiling> {
    let message = if pattern.is_empty() {
        "a pattern is empty; give a kind of effect, or `*` for every kind".to_owned()
    } else if pattern.strip_suffix('*').unwrap_or(pattern).contains('*') {
        format!(
            "{pattern:?} has a `*` before its end; a `*` may only stand at the end, for every kind with that beginning"
        )
    } else {
        return Ok(());
    };
    Err(BadCeiling { field, message })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_a_kind_or_a_beginning() {
        let ceiling = Ceiling::only(["model", "files.*"]).never(["files.write"]);
        let allowed = ["model", "files.read", "files."].map(|kind| ceiling.allows(kind));
        let forbidden =
            ["models", "file", "files", "files.write", "git.log"].map(|kind| ceiling.allows(kind));
        assert_eq!((allowed, forbidden), ([true; 3], [false; 5]));
        assert!(Ceiling::new().allows("anything") && !Ceiling::only([""; 0]).allows("anything"));
        assert!(!Ceiling::only(["*"]).never(["*"]).allows("anything"));
    }

    #[test]
    fn a_pattern_that_can_match_nothing_is_an_error_that_names_its_field() {
        assert_eq!(Ceiling::only(["model", "*"]).never(["git.*"]).check(), Ok(()));
        let said = |ceiling: Ceiling| ceiling.check().unwrap_err().to_string();
        assert!(said(Ceiling::only(["a", ""])).starts_with("ceiling.only: a pattern is empty"));
        assert!(said(Ceiling::new().never(["*.write"])).starts_with("ceiling.never: \"*.write\" has a `*`"));
    }

    #[test]
    fn what_is_written_reads_back() {
        let ceiling = Ceiling::only(["model"]).never(["git.*"]);
        let text = serde_json::to_string(&ceiling).unwrap();
        assert_eq!(text, r#"{"only":["model"],"never":["git.*"]}"#);
        assert_eq!(serde_json::from_str::<Ceiling>(&text).unwrap(), ceiling);
        assert_eq!(serde_json::from_str::<Ceiling>("{}").unwrap(), Ceiling::new());
        assert!(serde_json::from_str::<Ceiling>(r#"{"nevr":[]}"#).is_err());
    }

    #[test]
    fn targets_are_bounded_by_sort_and_what_is_unknown_passes_no_such_ceiling() {
        let ceiling = Ceiling::new().paths(["/repo/**"]).commands([vec!["git", "log", "**"]]);
        let beyond = |reach: Reach| ceiling.covers("any", &reach).err();
        assert_eq!(beyond(Reach::path("/repo/src/lib.rs")), None);
        assert_eq!(
            beyond(Reach::path("/etc/passwd")),
            Some(Beyond::Target(Target::Path("/etc/passwd".into())))
        );
        assert_eq!(beyond(Reach::path("/repo/../etc/passwd")), Some(Beyond::Unknown));
        assert_eq!(beyond(Reach::Unknown), Some(Beyond::Unknown));
        assert_eq!(beyond(Reach::host("example.com")), None, "hosts are not bounded");
        assert_eq!(beyond(Reach::command(["git", "log", "-p"])), None);
        assert!(matches!(beyond(Reach::command(["git", "push"])), Some(Beyond::Target(_))));
        assert_eq!(beyond(Reach::NOTHING), None);
        assert_eq!(Ceiling::new().covers("any", &Reach::Unknown), Ok(()));
        let paths = Ceiling::new().paths(["/**"]);
        assert!(
            paths.covers("any", &Reach::command(["cat", "/etc/passwd"])).is_err(),
            "commands keep to no path"
        );
        assert!(ceiling.covers("any", &Reach::tree("/repo/src")).is_ok());
        assert!(Ceiling::new().paths(["/repo", "/repo/*"]).covers("any", &Reach::tree("/repo")).is_err());
        let none = Ceiling::new().models([""; 0]);
        assert!(none.covers("model", &Reach::model("gpt")).is_err(), "none at all");
        assert_eq!(Ceiling::new().never(["any"]).covers("any", &Reach::NOTHING), Err(Beyond::Kind));
    }

    #[test]
    fn a_pattern_of_targets_that_can_match_nothing_is_an_error_that_names_its_field() {
        let said = |ceiling: Ceiling| ceiling.check().unwrap_err().to_string();
        assert!(
            said(Ceiling::new().paths(["repo/**"])).starts_with("ceiling.paths: \"repo/**\" is not absolute")
        );
        for path in ["/a/../b", "/a/", "/a//b", ""] {
            assert!(said(Ceiling::new().paths([path])).starts_with("ceiling.paths"), "{path}");
        }
        assert_eq!(Ceiling::new().paths(["/"]).check(), Ok(()));
        assert!(said(Ceiling::new().hosts(["Example.com"])).starts_with("ceiling.hosts"));
        assert!(said(Ceiling::new().models([""])).starts_with("ceiling.models"));
        assert!(said(Ceiling::new().commands([[""; 0]])).starts_with("ceiling.commands"));
        let all = Ceiling::new().paths(["/**"]).hosts(["*.a.b", "localhost:8080"]).models(["*"]);
        assert_eq!(all.commands([["git"]]).check(), Ok(()));
    }
}
