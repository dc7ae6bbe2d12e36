//! The chain's links: what an effect has to pass before it is paid for.

use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Repeat;
use crate::engine::turn::Turn;
use crate::env::Env;
use crate::error::{Advice, AgentError};
use crate::event::What;
use crate::id::{AgentId, TaskId};
use crate::naming;
use crate::policy::FailureClass;
use crate::reach::Reach;
use crate::usage::Usage;

/// Where in the chain a link stands.
///
/// What is decided about the whole effect is asked once: a permission, an approval, a cache. What its link gives along is held to
/// the effect's end. All other links are passed for each try, and let go of with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// What this agent may do.
    Permission,
    /// Somebody has to say yes. The effect's deadline stands meanwhile; that of its turn does not.
    Approval,
    /// It may be known already.
    Cache,
    /// A broken provider is not called.
    Breaker,
    /// So many a second.
    RateLimit,
    /// So many at once; the permits of the builder stand here, after a user's links of this stage.
    Concurrency,
}

impl Stage {
    /// Whether a link of this stage is asked once for all tries.
    pub(super) const fn is_for_the_whole(self) -> bool {
        matches!(self, Self::Permission | Self::Approval | Self::Cache)
    }
}

/// How much harm an effect can do, for permissions to go by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// None: it computes.
    Safe,
    /// It reads what may be confidential.
    Reads,
    /// It changes something that can be changed back.
    #[default]
    Writes,
    /// What it does cannot be undone, or can be anything.
    Dangerous,
}

/// An effect that asks to pass.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// Whose.
    pub agent: &'a AgentId,
    /// In which task; none in a start or a stop hook.
    pub task: Option<&'a TaskId>,
    /// Its kind.
    pub kind: &'a str,
    /// What it calls, in a word: a model's name, a tool's. It is seen in events and by links; none if it says nothing.
    pub subject: Option<&'a str>,
    /// What it is done to.
    pub reach: &'a Reach,
    /// How much harm it can do.
    pub tier: Tier,
    /// Whether it changes anything.
    pub modifies: bool,
    /// The most that one try can cost; none if there is no telling.
    pub worst_case: Option<&'a Usage>,
    /// Whether it may happen again.
    pub repeat: Repeat,
    /// Which try asks, from 1; a link that is asked once hears of the first.
    pub number: u32,
    /// The first 128 bits of a hash over kind and input. None where no link wants it ([`Link::keeps_results`]), or the input
    /// cannot be written down.
    pub digest: Option<[u8; 16]>,
    pub(super) turn: &'a Arc<Turn>,
}

impl Request<'_> {
    /// The environment: time, chance, what leaves the thread.
    #[must_use]
    pub fn env(&self) -> &Env {
        &self.turn.seat.engine.env
    }

    /// The names of the agents above and of the agent itself, the outermost first, with `/` between them. The root has none.
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

    /// Records an event about the effect, under a name of at most 256 bytes: a longer one is cut.
    pub fn record(&self, name: impl Into<String>, version: u32, data: Value) {
        let name = naming::shown(&name.into());
        self.turn.note_open(|| What::Custom { name, version, data });
    }
}

/// What lets an effect pass, or is its result.
pub enum Admitted {
    /// It passes.
    Pass(Box<dyn Pass>),
    /// This is its result, as JSON, from before: nothing is called or paid. What cannot be read as the effect's type is no result,
    /// and the effect passes.
    Answer(Vec<u8>),
}

impl Admitted {
    /// It passes, with nothing to hold.
    #[must_use]
    pub fn free() -> Self {
        Self::Pass(Box::new(Free))
    }

    /// It passes, and this is held until the try is over, or the effect, as the link's [`Stage`] says; then it is dropped.
    pub fn holding(value: impl Send + 'static) -> Self {
        Self::Pass(Box::new(Held(Box::new(value))))
    }

    /// It passes, and this hears how it ended.
    pub fn hearing(pass: impl Pass) -> Self {
        Self::Pass(Box::new(pass))
    }
}

/// What a link gives along: held until the try is over, or the effect, as its [`Stage`] says.
pub trait Pass: Send + 'static {
    /// It is over, with or without a result. What is dropped without hearing this was cancelled with its turn, cut by a pause, or
    /// refused further on. Those that were let pass last hear it first.
    fn ended(self: Box<Self>, how: &Ended<'_>);
}

struct Free;

impl Pass for Free {
    fn ended(self: Box<Self>, _: &Ended<'_>) {}
}

struct Held(#[expect(dead_code, reason = "it is dropped when its time has come")] Box<dyn Any + Send>);

impl Pass for Held {
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

/// Why a link lets an effect not pass.
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
    /// For good: it is not to be tried again.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), advice: Advice::Never, class: FailureClass::Failed }
    }

    /// For now: the other side is overloaded, and it may be tried again after a while.
    pub fn overloaded(message: impl Into<String>, after: std::time::Duration) -> Self {
        Self { message: message.into(), advice: Advice::After(after), class: FailureClass::Overloaded }
    }
}

/// What a link says: see [`Link::admit`].
pub type Admitting<'a> = Pin<Box<dyn Future<Output = Result<Admitted, Denied>> + Send + 'a>>;

/// A link of the chain. It may wait; the turn's cancel and the effect's deadline end its waiting.
pub trait Link: Send + Sync + 'static {
    /// Its name, for refusals.
    fn name(&self) -> &str;

    /// Where it stands; links of one stage are passed in the order in which they were added.
    fn stage(&self) -> Stage;

    /// Lets an effect pass, with something to hold meanwhile, or answers it, or does neither. Dropping the future gives the
    /// place up. A pause that comes does not drop the future of a link that is asked once: it is not polled until the resume.
    fn admit<'a>(&'a self, request: &'a Request<'a>) -> Admitting<'a>;

    /// Whether it wants the digest of what it lets pass, and results as JSON at the end. Not by default: both take time.
    fn keeps_results(&self) -> bool {
        false
    }

    /// Whether it can be used as it was made; a swarm whose link cannot does not start. It can, by default.
    ///
    /// # Errors
    /// What is wrong and how to mend it, in one line.
    fn check(&self) -> Result<(), String> {
        Ok(())
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
}
