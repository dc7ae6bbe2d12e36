//! What agents may do, decided effect by effect: lists, rules, a mode, and somebody who may be asked.
//!
//! Four layers, in this order:
//!
//! 1. **The list.** What is not listed is denied, whatever else is said.
//! 2. **Denials.** A rule that denies holds against everything below.
//! 3. **The mode, where it forbids.** Read-only denies what modifies, whatever rule allows it.
//! 4. **Safe internal tools** are allowed, whatever the mode asks for.
//! 5. **The first rule that fits**: allow, or ask. A rule that asks does so in every mode.
//! 6. **The mode**: everything is allowed; what reads is; or somebody is asked.
//!
//! An `allow` has to fit every target of an effect, a `deny` or `ask` any of them, and an effect whose reach is unknown fits each `deny`
//! and `ask` and no `allow` that speaks of targets. What a ceiling forbids is forbidden before any of this is looked at.
//!
//! # Invariants
//! 1. The decision is a function of the permissions, the mode and what the effect says of itself.
//! 2. Where somebody has to be asked and nobody can be, the answer is no.

mod approval;
mod decide;
mod gate;

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use serde::{Deserialize, Serialize};
use skep_runtime::effect::Tier;
use skep_runtime::{Ceiling, SwarmBuilder, Targets};

pub use self::approval::{Approval, Approvals, Remembered, Say};
pub use self::decide::{Asking, Then};
use self::gate::{Approves, Permits};

/// What is allowed where no rule says otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// What reads; what modifies is denied, whatever rule allows it.
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
    /// The kinds: one, or all that begin with what stands before a `*`.
    pub kind: String,
    /// The targets; any, if none are named.
    #[serde(default)]
    pub on: Option<Targets>,
    /// Effects of at least this tier alone.
    #[serde(default)]
    pub tier: Option<Tier>,
    /// What follows.
    pub then: Then,
}

impl Rule {
    /// About effects of a kind, or of all kinds that begin with what stands before a `*`. It asks, until told otherwise.
    #[must_use]
    pub fn kind(kind: impl Into<String>) -> Self {
        Self { kind: kind.into(), on: None, tier: None, then: Then::Ask }
    }

    /// On these paths.
    #[must_use]
    pub fn path(mut self, pattern: impl Into<String>) -> Self {
        self.on = Some(Targets::Path(pattern.into()));
        self
    }

    /// On these hosts.
    #[must_use]
    pub fn host(mut self, pattern: impl Into<String>) -> Self {
        self.on = Some(Targets::Host(pattern.into()));
        self
    }

    /// By these models.
    #[must_use]
    pub fn model(mut self, pattern: impl Into<String>) -> Self {
        self.on = Some(Targets::Model(pattern.into()));
        self
    }

    /// By these commands: a pattern for each word, `**` as the last for whatever words follow.
    #[must_use]
    pub fn argv(mut self, words: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.on = Some(Targets::Command(words.into_iter().map(Into::into).collect()));
        self
    }

    /// Of at least this tier.
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

/// What agents may do. A swarm has them with [`Equip::permissions`]; several may share one, and its mode.
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
    /// From now on.
    pub fn set(&self, mode: Mode) {
        self.0.store(mode as u8, Ordering::Release);
    }

    /// The mode now.
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
    /// Effects of these kinds and no others; `"*"` is every kind. Somebody is asked for each of them until a rule or the mode says
    /// otherwise.
    #[must_use]
    pub fn only(kinds: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let listed = kinds.into_iter().map(Into::into).collect();
        let switch = Switch::default();
        switch.set(Mode::default());
        Self { listed, safe: Vec::new(), rules: Vec::new(), switch, approvals: None }
    }

    /// Effects of these kinds are safe: they touch nothing but the agent itself.
    #[must_use]
    pub fn safe(mut self, kinds: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.safe.extend(kinds.into_iter().map(Into::into));
        self
    }

    /// One more rule, after those before.
    #[must_use]
    pub fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// The mode; to ask, by default.
    #[must_use]
    pub fn mode(self, mode: Mode) -> Self {
        self.switch.set(mode);
        self
    }

    /// Who is asked. Without anybody, what would be asked for is denied.
    #[must_use]
    pub fn approvals(mut self, approvals: Approvals) -> Self {
        self.approvals = Some(approvals);
        self
    }

    /// What changes the mode while swarms run.
    #[must_use]
    pub fn switch(&self) -> Switch {
        self.switch.clone()
    }

    /// Whether every pattern can match something: a denial that cannot would deny nothing. A swarm that is given other permissions does
    /// not start.
    ///
    /// # Errors
    /// The first pattern that cannot, by its place, and how to mend it.
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

    /// What is to become of an effect.
    #[must_use]
    pub fn decide(&self, asking: &Asking<'_>) -> Then {
        decide::decide(self, self.switch.mode(), asking)
    }
}

/// Gives a swarm its permissions.
pub trait Equip {
    /// What its agents may do. Given more than once, each has to agree. The swarm does not start if a pattern can match nothing
    /// ([`Permissions::check`]).
    #[must_use]
    fn permissions(self, permissions: Permissions) -> Self;
}

impl Equip for SwarmBuilder {
    fn permissions(self, permissions: Permissions) -> Self {
        let permissions = Arc::new(permissions);
        self.link(Permits(Arc::clone(&permissions))).link(Approves(permissions))
    }
}
