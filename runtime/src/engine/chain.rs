//! The chain's links, which an effect has to pass before it is paid for.

pub(crate) mod allowance;
pub(crate) mod booking;
pub(crate) mod links_now;

use std::any::Any;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::engine::turn::Turn;
use crate::env::Env;
use crate::words::effect::Repeat;
use crate::words::effect::Tier;
use crate::words::error::{Advice, AgentError};
use crate::words::event::What;
use crate::words::id::{AgentId, TaskId};
use crate::words::naming;
use crate::words::policy::FailureClass;
use crate::words::reach::Reach;
use crate::words::usage::Usage;

/// The place of a link in the chain.
///
/// Links that decide about the whole effect (permission, approval, cache) are asked once, and what they hand out is held to the
/// effect's end. All other links are passed for each try, and what they hand out is released with the try.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// Whether this agent may do it.
    Permission,
    /// Somebody has to say yes. Meanwhile the effect's deadline is suspended; that of its turn is not.
    Approval,
    /// The result may be known already.
    Cache,
    /// A broken provider is not called.
    Breaker,
    /// A limit on calls per second.
    RateLimit,
    /// A limit on concurrent calls; the builder's permits come here, after the user's own links of this stage.
    Concurrency,
}

impl Stage {
    /// Whether a link of this stage is asked once for all tries.
    pub(crate) const fn is_for_the_whole(self) -> bool {
        matches!(self, Self::Permission | Self::Approval | Self::Cache)
    }
}

/// An effect that wants to pass.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// Whose.
    pub agent: &'a AgentId,
    /// In which task; none in a start or a stop hook.
    pub task: Option<&'a TaskId>,
    /// Its kind.
    pub kind: &'a str,
    /// What it calls, in one word: the name of a model or a tool; `None` if the effect does not state it.
    pub subject: Option<&'a str>,
    /// What it is done to.
    pub reach: &'a Reach,
    /// How much harm it can do.
    pub tier: Tier,
    /// Whether it changes anything.
    pub modifies: bool,
    /// The most that one try can cost; `None` if unknown.
    pub worst_case: Option<&'a Usage>,
    /// Whether it may happen again.
    pub repeat: Repeat,
    /// The number of the try, from 1; a link that is asked once sees the first.
    pub number: u32,
    /// The first 128 bits of a hash of kind and input. `None` if no link wants it ([`Link::keeps_results`]), or if the input
    /// cannot be serialised.
    pub digest: Option<[u8; 16]>,
    pub(crate) turn: &'a Arc<Turn>,
}

impl Request<'_> {
    /// The environment: time, randomness, and work outside the thread.
    #[must_use]
    pub fn env(&self) -> &Env {
        &self.turn.seat.engine.env
    }

    /// The names of the agents above and of the agent itself, outermost first, separated by `/`. The root has none.
    #[must_use]
    pub fn path(&self) -> String {
        let mut names = Vec::new();
        let mut at = Some(&self.turn.seat);
        while let Some(seat) = at.filter(|seat| seat.parent.is_some()) {
            names.push(&*seat.name);
            at = seat.parent.as_ref();
        }
        names.reverse();
        names.join("/")
    }

    /// Records an event about the effect. The name has at most 256 bytes; a longer one is cut.
    pub fn record(&self, name: impl Into<String>, version: u32, data: Value) {
        let name = naming::shown(&name.into());
        self.turn.note_open(|| What::Custom { name, version, data });
    }
}

/// What lets an effect pass, or answers it.
pub enum Admitted {
    /// It passes.
    Pass(Box<dyn Pass>),
    /// An earlier result, as JSON: nothing is called or paid. If it cannot be read as the effect's type, it is ignored and the
    /// effect passes.
    Answer(Vec<u8>),
}

impl Admitted {
    /// The effect passes; nothing is held.
    #[must_use]
    pub fn free() -> Self {
        Self::Pass(Box::new(Free))
    }

    /// The effect passes. This value is held until the try or the whole effect is over, depending on the link's [`Stage`],
    /// and then dropped.
    pub fn holding(value: impl Send + 'static) -> Self {
        Self::Pass(Box::new(HeldByLink(Box::new(value))))
    }

    /// The effect passes, and this value is told how it ended.
    pub fn hearing(pass: impl Pass) -> Self {
        Self::Pass(Box::new(pass))
    }
}

/// What a link hands out: it is held until the try or the whole effect is over, depending on the link's [`Stage`].
pub trait Pass: Send + 'static {
    /// Called when it is over, with or without a result. A value that is dropped without this call was cancelled with its turn,
    /// cut by a pause, or refused by a later link. The last link is told first.
    fn ended(self: Box<Self>, how: &Ended<'_>);

    /// The try that it was for has not begun: it was refused further on, or a pause came first. Dropped, by default.
    fn unused(self: Box<Self>) {}
}

struct Free;

impl Pass for Free {
    fn ended(self: Box<Self>, _: &Ended<'_>) {}
}

struct HeldByLink(#[expect(dead_code, reason = "it is dropped when its time has come")] Box<dyn Any + Send>);

impl Pass for HeldByLink {
    fn ended(self: Box<Self>, _: &Ended<'_>) {}
}

/// How a try ended, or the whole effect.
#[derive(Clone, Copy, Debug)]
pub struct Ended<'a> {
    /// What it has used.
    pub used: Usage,
    /// Whether that is a guess.
    pub estimated: bool,
    /// What it failed with.
    pub error: Option<&'a AgentError>,
    /// Its result as JSON, for a link that keeps results; none if it failed, or cannot be kept as JSON.
    pub result: Option<&'a [u8]>,
}

/// Why a link refuses an effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    /// Why, in a line.
    pub message: String,
    /// Whether to try again.
    pub advice: Advice,
    /// The kind of failure that this is.
    pub class: FailureClass,
}

impl Denied {
    /// A final refusal: the effect should not be tried again.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), advice: Advice::Never, class: FailureClass::Failed }
    }

    /// A temporary refusal: the other side is overloaded, and the effect may be tried again later.
    pub fn overloaded(message: impl Into<String>, after: std::time::Duration) -> Self {
        Self { message: message.into(), advice: Advice::After(after), class: FailureClass::Overloaded }
    }
}

/// What a link says: see [`Link::admit`].
pub type Admitting<'a> = Pin<Box<dyn Future<Output = Result<Admitted, Denied>> + Send + 'a>>;

/// A link of the chain. It may wait; the turn's cancel and the effect's deadline end the wait.
pub trait Link: Send + Sync + 'static {
    /// Its name, for refusals.
    fn name(&self) -> &str;

    /// Its place; links of one stage are passed in the order in which they were added.
    fn stage(&self) -> Stage;

    /// Lets an effect pass (possibly with something to hold), answers it, or refuses it. Dropping the future gives up the
    /// place. A pause does not drop the future of a link that is asked once; it is not polled until the resume.
    fn admit<'a>(&'a self, request: &'a Request<'a>) -> Admitting<'a>;

    /// Whether it wants the digest of each effect, and results as JSON at the end. By default it does not, since both take
    /// time.
    fn keeps_results(&self) -> bool {
        false
    }

    /// Whether the link is valid; a swarm with an invalid link does not start. By default it is valid.
    ///
    /// # Errors
    /// What is wrong and how to fix it, in one line.
    fn check(&self) -> Result<(), String> {
        Ok(())
    }

    /// How it stands, key by key, for whoever looks at the swarm ([`Swarm::links`](crate::Swarm::links)). Nothing, by default. It must
    /// not wait.
    fn states(&self, env: &Env) -> Vec<LinkState> {
        let _ = env;
        Vec::new()
    }
}

/// How a link stands for one key: numbers by name, such as `waiting` or `open`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkState {
    /// What it counts apart: a host, a model; empty if all is one.
    pub key: String,
    /// The numbers.
    pub numbers: BTreeMap<String, u64>,
}

/// How one link stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkStates {
    /// The link's name; two links may have the same.
    pub name: String,
    /// Key by key.
    pub states: Vec<LinkState>,
}

impl LinkState {
    /// Of a key, without numbers yet.
    #[must_use]
    pub fn new(key: impl Into<String>) -> Self {
        Self { key: key.into(), numbers: BTreeMap::new() }
    }

    /// One more number.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, number: u64) -> Self {
        self.numbers.insert(name.into(), number);
        self
    }
}

/// One that several swarms share.
impl<L: Link + ?Sized> Link for Arc<L> {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn stage(&self) -> Stage {
        (**self).stage()
    }

    fn admit<'a>(&'a self, request: &'a Request<'a>) -> Admitting<'a> {
        (**self).admit(request)
    }

    fn keeps_results(&self) -> bool {
        (**self).keeps_results()
    }

    fn check(&self) -> Result<(), String> {
        (**self).check()
    }

    fn states(&self, env: &Env) -> Vec<LinkState> {
        (**self).states(env)
    }
}
