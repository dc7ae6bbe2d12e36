//! The policies of an agent, whatever its type, and whether they can be.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::words::budget::Budget;
use crate::words::ceiling::Ceiling;
use crate::words::defaults;
use crate::words::error::SpawnError;
use crate::words::limits::Limits;
use crate::words::naming;
use crate::words::policy::{
    AutoShutdown, Backoff, Intensity, Orphans, Restart, RestartMode, Shutdown, Strategy,
};
use crate::words::supervisor::{BadPolicy, Policy};
use crate::words::usage::Usage;

/// The policies of an agent. Two specs of the same name are the same agent if their policies and types are equal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Policies {
    /// When the agent is restarted. The default depends on its place: permanent, or transient for children of tasks and
    /// scopes.
    pub restart: Option<Restart>,
    /// What an attempt at a task keeps from the one before it.
    #[serde(default)]
    pub restart_mode: RestartMode,
    /// How much time its turn and stop hook get when it is stopped.
    pub shutdown: Shutdown,
    /// A pause before each restart; `None` restarts at once.
    pub backoff: Option<Backoff>,
    /// Its own limit of restarts; by default its restarts count in its supervisor's window.
    #[serde(default)]
    pub limit: Option<Intensity>,
    /// Whether its end may end its supervisor.
    pub significant: bool,
    /// How long a start may take.
    pub start_within: Duration,
    /// Attempts that a task has in all.
    pub attempts: u32,
    /// Tasks that its mailbox holds.
    pub mailbox: usize,
    /// How often a turn is checked for progress.
    pub heartbeat: Duration,
    /// A turn without progress for this long is stale.
    pub stale_after: Duration,
    /// Whether a stale turn is ended, or only reported.
    pub on_stale: OnStale,
    /// What happens to it when its supervisor has ended without a stop.
    #[serde(default)]
    pub orphans: Orphans,
    /// What it may spend, together with its subtree.
    pub budget: Option<Budget>,
    /// What it and its subtree may do at most.
    #[serde(default)]
    pub ceiling: Option<Ceiling>,
    /// What it may do itself.
    #[serde(default)]
    pub grants: Option<Ceiling>,
    /// A digest of what its behaviour is made of.
    #[serde(default)]
    pub(crate) fingerprint: Option<Fingerprint>,
    /// What is reserved at the spawn for effects of its stop hook.
    #[serde(default)]
    pub stop_allowance: Usage,
    /// As a supervisor of its children: which siblings a restart affects.
    pub strategy: Strategy,
    /// As a supervisor: how many restarts it allows.
    pub intensity: Intensity,
    /// As a supervisor: whether it ends together with its significant children.
    pub auto_shutdown: AutoShutdown,
    /// As a supervisor: whether what is spawned later has no spec of its own.
    pub dynamic: bool,
    /// Whether it is counted as a supervisor.
    pub is_supervisor: bool,
    /// How many living children it may have; unlimited with `None`.
    #[serde(default)]
    pub max_children: Option<u32>,
}

/// What is done about a stale turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnStale {
    /// It is reported and ended, as an exit of class stale. This counts as an attempt at its task, which is redelivered.
    #[default]
    End,
    /// It is reported and goes on.
    Report,
}

impl Default for Policies {
    fn default() -> Self {
        Self {
            restart: None,
            restart_mode: RestartMode::default(),
            shutdown: Shutdown::default(),
            backoff: None,
            limit: None,
            significant: false,
            start_within: defaults::START,
            attempts: defaults::ATTEMPTS,
            mailbox: defaults::MAILBOX,
            heartbeat: defaults::HEARTBEAT,
            stale_after: defaults::STALE,
            on_stale: OnStale::End,
            orphans: Orphans::default(),
            budget: None,
            ceiling: None,
            grants: None,
            fingerprint: None,
            stop_allowance: Usage::ZERO,
            strategy: Strategy::OneForOne,
            intensity: Intensity::default(),
            auto_shutdown: AutoShutdown::Never,
            dynamic: false,
            is_supervisor: false,
            max_children: None,
        }
    }
}

impl Policies {
    /// The limits of the budget, if all of the policies can be.
    pub(crate) fn check(&self, name: &str) -> Result<Limits, SpawnError> {
        let bad = |field: &str, message: String| SpawnError::BadSpec {
            name: naming::shown(name),
            field: field.to_owned(),
            message,
        };
        naming::check(name).map_err(|why| bad("name", why))?;
        let positive = [
            ("attempts", self.attempts > 0),
            ("mailbox", self.mailbox > 0),
            ("heartbeat", !self.heartbeat.is_zero()),
            ("stale_after", !self.stale_after.is_zero()),
            ("start_within", !self.start_within.is_zero()),
        ];
        if let Some((field, _)) = positive.iter().find(|(_, is_positive)| !is_positive) {
            return Err(bad(field, "it is 0; give at least 1".to_owned()));
        }
        self.supervision().check().map_err(|error| bad("intensity", error.to_string()))?;
        if let Some(ceiling) = &self.ceiling {
            ceiling
                .check()
                .map_err(|error| bad(&format!("ceiling.{}", error.field), error.message.clone()))?;
        }
        if let Some(grants) = &self.grants {
            grants.check().map_err(|error| bad(&format!("grants.{}", error.field), error.message.clone()))?;
        }
        if self.fingerprint == Some(Fingerprint::Unknown) {
            return Err(bad("fingerprint", "it cannot be serialised; give a value that can".to_owned()));
        }
        if self.dynamic && self.auto_shutdown != AutoShutdown::Never {
            return Err(bad("auto_shutdown", BadPolicy::AutoShutdownDynamic.to_string()));
        }
        let limits = match &self.budget {
            None => Limits::default(),
            Some(budget) => budget
                .check()
                .map_err(|error| bad(&format!("budget.{}", error.field), error.message.clone()))?,
        };
        Ok(Limits { max_children: self.max_children, ..limits })
    }

    /// The policy of the agent as a supervisor.
    pub(crate) const fn supervision(&self) -> Policy {
        Policy {
            strategy: self.strategy,
            intensity: self.intensity,
            auto_shutdown: self.auto_shutdown,
            each_child_alone: false,
        }
    }
}

/// What a behaviour is made of, in a digest: two factories cannot be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Fingerprint {
    Of([u8; 16]),
    /// What it was to be of cannot be written down. No spec with it passes its check.
    Unknown,
}
