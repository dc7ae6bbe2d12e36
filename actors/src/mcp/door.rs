//! Where calls find the current incarnation: the server's agent puts its connection here, and removes it when it ends.
//!
//! # Invariants
//! 1. An incarnation removes only its own connection, however late it does so.
//! 2. The last list stays known while the server is down: making tools from it needs no wait.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rmcp::service::{Peer, RoleClient};
use skep_runtime::{Advice, AgentError, Call, FailureClass};
use tokio::sync::watch;

use super::calls::Calls;
use super::listed::Listed;

/// How long a caller is advised to wait before it tries again.
pub(super) const AFTER: Duration = Duration::from_secs(1);

/// The connection of a running server.
#[derive(Clone)]
pub(super) struct Up {
    pub(super) peer: Peer<RoleClient>,
    life: u64,
}

#[derive(Clone, Default)]
struct Now {
    up: Option<Up>,
    listed: Option<Arc<Listed>>,
    /// How many lives there have been.
    lives: u64,
    /// Why the last one ended.
    why: Option<Arc<str>>,
    /// How many specs can still start another one.
    specs: u32,
}

/// The single door to a server.
pub(super) struct Door {
    name: OnceLock<String>,
    now: watch::Sender<Now>,
    pub(super) calls: Arc<Calls>,
}

impl Default for Door {
    fn default() -> Self {
        Self { name: OnceLock::new(), now: watch::Sender::new(Now::default()), calls: Arc::default() }
    }
}

impl Door {
    /// The server's name: the first that it was given.
    pub(super) fn named(&self, name: &str) -> &str {
        self.name.get_or_init(|| name.to_owned())
    }

    pub(super) fn name(&self) -> Option<&str> {
        self.name.get().map(String::as_str)
    }

    /// A life starts: it has a connection.
    pub(super) fn open(self: &Arc<Self>, peer: Peer<RoleClient>, listed: Listed) -> Opened {
        let mut life = 0;
        self.now.send_modify(|now| {
            now.lives += 1;
            life = now.lives;
            now.up = Some(Up { peer, life });
            now.listed = Some(Arc::new(listed));
        });
        Opened { door: Arc::clone(self), life, why: "its agent has ended".into() }
    }

    /// There is one more spec that can start the server.
    pub(super) fn spec(self: &Arc<Self>) -> Spec {
        self.now.send_modify(|now| now.specs += 1);
        Spec(Arc::clone(self))
    }

    /// The latest list; none before the first life.
    pub(super) fn listed(&self) -> Option<Arc<Listed>> {
        self.now.borrow().listed.clone()
    }

    /// Waits until the list differs from this one.
    pub(super) async fn relisted(&self, known: Option<&Arc<Listed>>) {
        let is_other = |now: &Now| match (&now.listed, known) {
            (Some(listed), Some(known)) => listed != known,
            (listed, known) => listed.is_some() != known.is_some(),
        };
        self.now.subscribe().wait_for(is_other).await.ok();
    }

    /// The current connection. If there is none, waits for one for most of the call's time; the rest is left for
    /// reporting that the call was never made.
    pub(super) async fn up(&self, call: &Call) -> Result<Up, AgentError> {
        let env = call.env();
        let now = env.now();
        let until = now + call.deadline().since(now).mul_f64(0.9);
        let mut door = self.now.subscribe();
        let is_decided = |now: &Now| now.up.is_some() || now.specs == 0 || now.lives == 0;
        let decided = tokio::select! {
            biased;
            now = door.wait_for(is_decided) => now.ok().and_then(|now| now.up.clone()),
            () = env.sleep_until(until) => None,
        };
        decided.ok_or_else(|| self.down("is not running, so the call was not made"))
    }

    /// Waits for the end of a life.
    pub(super) async fn left(&self, up: &Up) {
        let is_over = |now: &Now| now.up.as_ref().is_none_or(|now| now.life != up.life);
        self.now.subscribe().wait_for(is_over).await.ok();
    }

    /// The error for a caller.
    pub(super) fn down(&self, what: &str) -> AgentError {
        let name = self.name().unwrap_or_default();
        let why = self.now.borrow().why.clone().map(|why| format!(": {why}")).unwrap_or_default();
        let error = AgentError::new(FailureClass::Failed, format!("the server {name} {what}{why}"));
        error.advise(Advice::After(AFTER))
    }
}

/// Belongs to a spec and its agent: after the last of them is dropped, nobody can start the server again.
pub(super) struct Spec(pub(super) Arc<Door>);

impl Drop for Spec {
    fn drop(&mut self) {
        self.0.now.send_modify(|now| now.specs -= 1);
    }
}

/// A life's connection, which is removed when this is dropped.
pub(super) struct Opened {
    door: Arc<Door>,
    life: u64,
    why: Arc<str>,
}

impl Opened {
    /// The list has changed.
    pub(super) fn relist(&self, listed: Listed) {
        self.door.now.send_if_modified(|now| {
            let is_new = now.listed.as_deref() != Some(&listed);
            if is_new {
                now.listed = Some(Arc::new(listed));
            }
            is_new
        });
    }

    /// Sets the reason for the end of this life.
    pub(super) fn because(&mut self, why: &str) {
        self.why = why.into();
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        let why = Arc::clone(&self.why);
        self.door.now.send_if_modified(|now| {
            let is_ours = now.up.as_ref().is_some_and(|up| up.life == self.life);
            if is_ours {
                now.up = None;
                now.why = Some(why);
            }
            is_ours
        });
    }
}
