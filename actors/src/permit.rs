//! What agents may do, decided for each effect: a list, rules, a mode, and somebody who can be asked.
//!
//! They decide in this order:
//!
//! 1. **The list.** An effect that is not listed is denied, whatever the rules say.
//! 2. **Denials.** A matching rule that denies overrides everything below.
//! 3. **Mode read-only** denies what modifies, even if a rule allows it.
//! 4. **Safe internal tools** are allowed, whatever the mode asks for.
//! 5. **The first other rule that matches** allows or asks. A rule that asks does so in every mode.
//! 6. **The mode** decides the rest: everything is allowed, reading is allowed, or somebody is asked.
//!
//! An `allow` must match every target of an effect, a `deny` or `ask` any of them. An effect whose reach is unknown matches every
//! `deny` and `ask` that names targets, and no such `allow`. Ceilings come before all of this: what a ceiling forbids stays
//! forbidden.
//!
//! # Invariants
//! 1. The decision is a function of the permissions, the mode and what the effect states.
//! 2. If somebody should be asked and nobody can be, the answer is no.

mod approval;
mod decide;
mod gate;
mod terminal;

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use serde::{Deserialize, Serialize};
use skep_runtime::effect::Tier;
use skep_runtime::{Ceiling, SwarmBuilder, Targets};

pub use self::approval::{Approval, Approvals, Remembered, Say};
pub use self::decide::{Asking, Then};
use self::gate::{Approves, Permits};

/// What is allowed if no rule decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Reading only: what modifies is denied, even if a rule allows it.
    ReadOnly,
    /// Somebody is asked.
    #[default]
    Ask,
    /// Everything.
    Everything,
}

/// A rule about effects of a kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The kind, or all kinds that begin with the text before a `*`.
    pub kind: String,
    /// The targets to which it applies; `None` matches any.
    #[serde(default)]
    pub on: Option<Targets>,
    /// Only effects of at least this tier; `None` matches any.
    #[serde(default)]
    pub tier: Option<Tier>,
    /// What happens to them.
    pub then: Then,
}

impl Rule {
    /// A rule about effects of this kind, or of all kinds that begin with the text before a `*`. It asks by default.
    #[must_use]
    pub fn kind(kind: impl Into<String>) -> Self {
        Self { kind: kind.into(), on: None, tier: None, then: Then::Ask }
    }

    /// Only for these paths.
    #[must_use]
    pub fn path(mut self, pattern: impl Into<String>) -> Self {
        self.on = Some(Targets::Path(pattern.into()));
        self
    }

    /// Only for these hosts.
    #[must_use]
    pub fn host(mut self, pattern: impl Into<String>) -> Self {
        self.on = Some(Targets::Host(pattern.into()));
        self
    }

    /// Only for these models.
    #[must_use]
    pub fn model(mut self, pattern: impl Into<String>) -> Self {
        self.on = Some(Targets::Model(pattern.into()));
        self
    }

    /// Only for these commands: a pattern for each word, and `**` at the end for any further words.
    #[must_use]
    pub fn argv(mut self, words: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.on = Some(Targets::Command(words.into_iter().map(Into::into).collect()));
        self
    }

    /// Only for effects of at least this tier.
    #[must_use]
    pub const fn tier(mut self, least: Tier) -> Self {
        self.tier = Some(least);
        self
    }

    /// They are allowed.
    #[must_use]
    pub const fn allow(mut self) -> Self {
        self.then = Then::Allow;
        self
    }

    /// They are denied.
    #[must_use]
    pub const fn deny(mut self) -> Self {
        self.then = Then::Deny;
        self
    }

    /// Somebody is asked, in whatever mode.
    #[must_use]
    pub const fn ask(mut self) -> Self {
        self.then = Then::Ask;
        self
    }
}

/// What agents may do. Give them to a swarm with [`Equip::permissions`]; several swarms can share one value, and its mode.
///
/// ```
/// use skep_actors::permit::{Equip as _, Mode, Permissions, Rule};
///
/// let permissions = Permissions::only(["model", "files.*", "command"])
///     .rule(Rule::kind("command").argv(["git", "push", "**"]).deny())
///     .rule(Rule::kind("command").argv(["cargo", "test", "**"]).allow())
///     .rule(Rule::kind("files.write").path("/repo/src/**").allow())
///     .rule(Rule::kind("model").allow())
///     .mode(Mode::ReadOnly);
/// let switch = permissions.switch();
/// let builder = skep_runtime::Swarm::builder("desk").permissions(permissions);
/// switch.set(Mode::Ask); // holds for what begins after it
/// ```
#[derive(Clone, Debug)]
pub struct Permissions {
    listed: Vec<String>,
    safe: Vec<String>,
    rules: Vec<Rule>,
    switch: Switch,
    approvals: Option<Approvals>,
}

/// Changes the mode while swarms run.
#[derive(Clone, Debug, Default)]
pub struct Switch(Arc<AtomicU8>);

impl Switch {
    /// Sets the mode from now on.
    pub fn set(&self, mode: Mode) {
        self.0.store(mode as u8, Ordering::Release);
    }

    /// The current mode.
    #[must_use]
    pub fn mode(&self) -> Mode {
        match self.0.load(Ordering::Acquire) {
            0 => Mode::ReadOnly,
            2 => Mode::Everything,
            _ => Mode::Ask,
        }
    }
}

impl Permissions {
    /// Only effects of these kinds; `"*"` is every kind. Each of them needs an approval unless a rule or the mode says otherwise.
    #[must_use]
    pub fn only(kinds: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let listed = kinds.into_iter().map(Into::into).collect();
        let switch = Switch::default();
        switch.set(Mode::default());
        Self { listed, safe: Vec::new(), rules: Vec::new(), switch, approvals: None }
    }

    /// Marks effects of these kinds as safe: they touch only the agent itself.
    #[must_use]
    pub fn safe(mut self, kinds: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.safe.extend(kinds.into_iter().map(Into::into));
        self
    }

    /// Adds a rule after the existing ones.
    #[must_use]
    pub fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// Sets the mode; by default it is to ask.
    #[must_use]
    pub fn mode(self, mode: Mode) -> Self {
        self.switch.set(mode);
        self
    }

    /// Sets who is asked. Without this, an effect that needs an approval is denied.
    #[must_use]
    pub fn approvals(mut self, approvals: Approvals) -> Self {
        self.approvals = Some(approvals);
        self
    }

    /// A switch that changes the mode while swarms run.
    #[must_use]
    pub fn switch(&self) -> Switch {
        self.switch.clone()
    }

    /// Whether every pattern can match something: a denial that cannot match would deny nothing. A swarm with invalid permissions
    /// does not start.
    ///
    /// # Errors
    /// The first pattern that cannot match, by its position, and how to fix it.
    pub fn check(&self) -> Result<(), String> {
        let kinds = |kinds: &[String]| Ceiling::only(kinds).check().map_err(|bad| bad.message);
        kinds(&self.listed).map_err(|why| format!("the list: {why}"))?;
        kinds(&self.safe).map_err(|why| format!("safe: {why}"))?;
        self.rules.iter().enumerate().try_for_each(|(at, rule)| {
            let targets = rule.on.as_ref().map_or(Ok(()), Targets::check);
            kinds(std::slice::from_ref(&rule.kind))
                .and(targets)
                .map_err(|why| format!("rule {} on {:?}: {why}", at + 1, rule.kind))
        })
    }

    /// What should happen to an effect.
    #[must_use]
    pub fn decide(&self, asking: &Asking<'_>) -> Then {
        decide::decide(self, self.switch.mode(), asking)
    }
}

/// Gives a swarm its permissions.
pub trait Equip {
    /// What its agents may do. If given more than once, all of them must agree. The swarm does not start if a pattern can match
    /// nothing ([`Permissions::check`]).
    #[must_use]
    fn permissions(self, permissions: Permissions) -> Self;
}

impl Equip for SwarmBuilder {
    fn permissions(self, permissions: Permissions) -> Self {
        let permissions = Arc::new(permissions);
        self.link(Permits(Arc::clone(&permissions))).link(Approves(permissions))
    }
}
