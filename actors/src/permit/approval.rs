//! Approvals: who is asked, what about, and how long an answer is valid.

use std::collections::HashSet;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use skep_runtime::effect::{Request, Tier};
use skep_runtime::{AgentId, Env, Reach};

use super::terminal;
use crate::defaults;

/// What somebody is asked to approve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Whose effect it is.
    pub agent: AgentId,
    /// The names of the agents above it and its own, outermost first, separated by `/`.
    pub path: String,
    /// The effect's kind.
    pub kind: String,
    /// What it calls, in one word, if it states that.
    pub subject: Option<String>,
    /// What it acts on.
    pub reach: Reach,
    /// How much harm it can do.
    pub tier: Tier,
    /// Whether it changes anything.
    pub modifies: bool,
}

/// An answer, and how long it is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Say {
    /// No.
    No,
    /// Yes, to this one effect.
    Once,
    /// Yes, to all effects of the same kind on the same targets in this swarm.
    Swarm,
    /// Yes, to all effects of the same kind on the same targets in any swarm, for as long as these approvals are kept.
    Always,
}

/// What a lasting yes was given for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Remembered {
    /// The swarm's session; `None` if it is valid in all swarms.
    pub session: Option<String>,
    /// The effect's kind.
    pub kind: String,
    /// What it calls.
    pub subject: Option<String>,
    /// What it acts on.
    pub reach: Reach,
}

type Answering = Pin<Box<dyn Future<Output = Say> + Send>>;

/// Who is asked. Clones share their memory, and may serve several swarms.
#[derive(Clone)]
pub struct Approvals {
    ask: Arc<dyn Fn(Approval, Env) -> Answering + Send + Sync>,
    within: Duration,
    otherwise: Say,
    remembered: Arc<Mutex<HashSet<Remembered>>>,
}

impl Approvals {
    /// Asks with a function: a callback, a prompt, a message to the person on duty. Its future is dropped when the effect
    /// is cancelled with its turn. If it panics, the turn panics, and the effect does not start.
    pub fn by<F, Fut>(ask: F) -> Self
    where
        F: Fn(Approval) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Say> + Send + 'static,
    {
        Self::with(move |approval, _| Box::pin(ask(approval)))
    }

    /// Asks the person at the terminal, one question after another: the question goes to standard error, and the answer
    /// is read from standard input on a thread for blocking work. If no terminal is attached, the answer is no. A
    /// question whose effect was cancelled stays there until it is answered, to no effect; then the next one is asked.
    #[must_use]
    pub fn at_terminal() -> Self {
        let turn = Arc::new(tokio::sync::Mutex::new(()));
        Self::with(move |approval, env| {
            let turn = Arc::clone(&turn);
            Box::pin(async move {
                let turn = turn.lock_owned().await;
                // The reading thread holds the turn, so that a line typed late does not answer another question.
                let ask = move || {
                    let say = terminal::ask(&approval);
                    drop(turn);
                    say
                };
                env.blocking(ask).await
            })
        })
    }

    fn with(ask: impl Fn(Approval, Env) -> Answering + Send + Sync + 'static) -> Self {
        let ask = Arc::new(ask);
        Self { ask, within: defaults::APPROVAL, otherwise: Say::No, remembered: Arc::default() }
    }

    /// How long to wait for an answer; an hour by default. The turn's own deadline applies as well.
    #[must_use]
    pub const fn within(mut self, limit: Duration) -> Self {
        self.within = limit;
        self
    }

    /// The answer if none comes in time; no by default.
    #[must_use]
    pub const fn otherwise(mut self, say: Say) -> Self {
        self.otherwise = say;
        self
    }

    /// Everything that has a lasting yes, to keep it beyond the process.
    #[must_use]
    pub fn remembered(&self) -> Vec<Remembered> {
        self.remembered.lock().iter().cloned().collect()
    }

    /// Restores earlier lasting answers.
    #[must_use]
    pub fn remember(self, all: impl IntoIterator<Item = Remembered>) -> Self {
        self.remembered.lock().extend(all);
        self
    }

    /// Whether a lasting yes covers it.
    pub(super) fn knows(&self, request: &Request<'_>) -> bool {
        let remembered = self.remembered.lock();
        !remembered.is_empty()
            && [Some(session(request)), None]
                .into_iter()
                .any(|session| remembered.contains(&key(request, session)))
    }

    /// Asks, and remembers lasting answers. Also returns whether the answer came in time.
    pub(super) async fn ask(&self, request: &Request<'_>) -> (Say, bool) {
        let approval = Approval {
            agent: request.agent.clone(),
            path: request.path(),
            kind: request.kind.to_owned(),
            subject: request.subject.map(str::to_owned),
            reach: request.reach.clone(),
            tier: request.tier,
            modifies: request.modifies,
        };
        let env = request.env();
        let until = env.now() + self.within;
        let (say, in_time) = tokio::select! {
            biased;
            say = (self.ask)(approval, env.clone()) => (say, true),
            () = env.sleep_until(until) => (self.otherwise, false),
        };
        // Two unknown targets cannot be known to be the same.
        if request.reach.targets().is_some() {
            match say {
                Say::Swarm => drop(self.remembered.lock().insert(key(request, Some(session(request))))),
                Say::Always => drop(self.remembered.lock().insert(key(request, None))),
                Say::Once | Say::No => {}
            }
        }
        (say, in_time)
    }
}

fn session(request: &Request<'_>) -> String {
    let id = request.agent.as_str();
    id.split_once('.').map_or(id, |(session, _)| session).to_owned()
}

fn key(request: &Request<'_>, session: Option<String>) -> Remembered {
    Remembered {
        session,
        kind: request.kind.to_owned(),
        subject: request.subject.map(str::to_owned),
        reach: request.reach.clone(),
    }
}

impl fmt::Debug for Approvals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Approvals")
            .field("within", &self.within)
            .field("otherwise", &self.otherwise)
            .finish_non_exhaustive()
    }
}
