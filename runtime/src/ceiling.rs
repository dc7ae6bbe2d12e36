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
//!
//! # Invariants
//! 1. Rights are made when a seat, a task or a turn is, and never lose a limit. Whatever is made from them has all of them.
//! 2. So nothing that a bounded turn begins through skep is bounded by less than the turn is.
//! 3. A limit is looked at under the journal's lock when an effect begins, and narrowed under it: no effect begins after the event
//!    that would forbid it.

use std::sync::Arc;

use parking_lot::RwLock;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::effect::Tier;
use crate::id::AgentId;
use crate::reach::{
    Pattern, Reach, Target, check_command, check_host, check_model, check_path, covers_words,
};
use crate::text::OneLine;

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

/// The limit that one agent's ceiling is to itself and to whatever is below it or works for it.
#[derive(Debug)]
struct Limit {
    of: AgentId,
    /// That of its spec, and those that it was narrowed by since.
    ceilings: RwLock<Vec<Ceiling>>,
}

/// What a seat, a task or a turn may do: what every one of these limits allows. Most have none, and cost a word.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rights(Option<Arc<Vec<Arc<Limit>>>>);

impl Rights {
    /// Those of whoever nothing bounds.
    pub(crate) const ALL: Self = Self(None);

    /// These, and no more than an agent's ceiling allows.
    #[must_use]
    pub(crate) fn under(&self, of: &AgentId, ceiling: Option<&Ceiling>) -> Self {
        let Some(ceiling) = ceiling else { return self.clone() };
        let limit = Arc::new(Limit { of: of.clone(), ceilings: RwLock::new(vec![ceiling.clone()]) });
        Self(Some(Arc::new(self.limits().iter().cloned().chain([limit]).collect())))
    }

    /// What both allow.
    #[must_use]
    pub(crate) fn and(&self, other: &Self) -> Self {
        let is_ours = |limit: &Arc<Limit>| self.limits().iter().any(|ours| Arc::ptr_eq(ours, limit));
        let more: Vec<_> = other.limits().iter().filter(|limit| !is_ours(limit)).cloned().collect();
        match (more.len(), self.limits().len()) {
            (0, _) => self.clone(),
            (_, 0) => other.clone(),
            _ => Self(Some(Arc::new(self.limits().iter().cloned().chain(more).collect()))),
        }
    }

    /// What forbids an effect; the first limit in the order in which they came to be.
    pub(crate) fn forbids(&self, kind: &str, reach: &Reach, tier: Tier) -> Option<(&AgentId, Beyond)> {
        self.limits().iter().find_map(|limit| {
            let ceilings = limit.ceilings.read();
            let forbids =
                |ceiling: &Ceiling| ceiling.covers(kind, reach).and(ceiling.covers_tier(tier)).err();
            let beyond = ceilings.iter().find_map(forbids);
            beyond.map(|beyond| (&limit.of, beyond))
        })
    }

    /// Bounds whatever has the limit of this agent by one more ceiling. False if none of these limits is that agent's.
    pub(crate) fn narrow(&self, of: &AgentId, ceiling: &Ceiling) -> bool {
        let own = self.limits().iter().find(|limit| limit.of == *of);
        own.is_some_and(|limit| {
            let mut ceilings = limit.ceilings.write();
            // Said twice it bounds no more, and a list that grows would be looked at for each effect.
            if !ceilings.contains(ceiling) {
                ceilings.push(ceiling.clone());
            }
            true
        })
    }

    /// Whether nothing bounds them.
    #[must_use]
    pub(crate) const fn are_all(&self) -> bool {
        self.0.is_none()
    }

    fn limits(&self) -> &[Arc<Limit>] {
        self.0.as_ref().map_or(&[], |limits| limits)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

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

    /// One step in the making of rights from others.
    #[derive(Clone, Debug)]
    enum Step {
        Under(Ceiling),
        And(usize),
        Narrow(Ceiling),
    }

    fn kinds() -> impl Strategy<Value = Vec<String>> {
        proptest::collection::vec("[ab]{1,2}\\*?", 0..3)
    }

    fn ceiling() -> impl Strategy<Value = Ceiling> {
        (proptest::option::of(kinds()), kinds()).prop_map(|(only, never)| Ceiling {
            only,
            never,
            ..Ceiling::default()
        })
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            ceiling().prop_map(Step::Under),
            (0_usize..100).prop_map(Step::And),
            ceiling().prop_map(Step::Narrow)
        ]
    }

    proptest! {
        #[test]
        fn whatever_is_made_of_rights_allows_what_all_of_them_allow_and_nothing_else(
            steps in proptest::collection::vec((0_usize..100, step()), 1..24),
        ) {
            let all: Vec<String> = ["", "a", "b"].iter().flat_map(|x| ["a", "b", "ab"].map(|y| format!("{x}{y}"))).collect();
            // Beside each, whose ceilings bound it, by sets alone; and what each of these allows.
            let mut made: Vec<(Rights, BTreeSet<u32>)> = vec![(Rights::default(), BTreeSet::new())];
            let mut allowed: BTreeMap<u32, Vec<String>> = BTreeMap::new();
            let left = |of: &[String], ceiling: &Ceiling| -> Vec<String> {
                of.iter().filter(|kind| ceiling.allows(kind)).cloned().collect()
            };
            for (number, (from, step)) in (1_u32..).zip(steps) {
                let (rights, whose) = &made[from % made.len()];
                let next = match step {
                    Step::Under(ceiling) => {
                        allowed.insert(number, left(&all, &ceiling));
                        let whose = whose.iter().copied().chain([number]).collect();
                        (rights.under(&AgentId::root("s").child(number), Some(&ceiling)), whose)
                    }
                    Step::And(other) => {
                        let (others, theirs) = &made[other % made.len()];
                        (rights.and(others), whose | theirs)
                    }
                    Step::Narrow(ceiling) => {
                        let Some(last) = whose.last() else { continue };
                        prop_assert!(rights.narrow(&AgentId::root("s").child(*last), &ceiling));
                        let kinds = left(&allowed[last], &ceiling);
                        allowed.insert(*last, kinds);
                        continue;
                    }
                };
                made.push(next);
            }
            for (rights, whose) in &made {
                for kind in &all {
                    let may = whose.iter().all(|limit| allowed[limit].contains(kind));
                    let may_now = rights.forbids(kind, &Reach::Unknown, Tier::Safe).is_none();
                    prop_assert_eq!(may_now, may, "{} {:?}", kind, rights);
                }
                prop_assert_eq!(rights.limits().len(), whose.len());
                prop_assert!(!rights.narrow(&AgentId::root("s"), &Ceiling::new()), "nobody's limit");
            }
        }
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
    fn what_can_do_more_harm_than_a_tier_is_beyond_it_whatever_its_kind() {
        let ceiling = Ceiling::only(["files.*"]).at_most(Tier::Reads);
        let rights = Rights::default().under(&AgentId::root("s"), Some(&ceiling));
        let why = |kind, tier| rights.forbids(kind, &Reach::NOTHING, tier).map(|(_, why)| why);
        assert_eq!(why("files.read", Tier::Reads), None);
        assert_eq!(why("files.write", Tier::Writes), Some(Beyond::Tier(Tier::Writes)));
        assert_eq!(why("command", Tier::Dangerous), Some(Beyond::Kind));
        let text = serde_json::to_string(&ceiling).unwrap();
        assert_eq!(text, r#"{"only":["files.*"],"tier":"reads"}"#);
        assert_eq!(serde_json::from_str::<Ceiling>(&text).unwrap(), ceiling);
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

    #[test]
    fn rights_without_a_ceiling_cost_a_word() {
        let none = Rights::default();
        assert!(none.and(&none).are_all() && none.under(&AgentId::root("s"), None).are_all());
        assert!(!none.under(&AgentId::root("s"), Some(&Ceiling::new())).are_all());
        assert_eq!(size_of::<Rights>(), size_of::<usize>());
    }
}
