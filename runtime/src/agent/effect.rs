//! Effects: the one primitive for everything that touches the world.
//!
//! An effect passes a chain before its call: its result from an earlier attempt, the fence, the ceilings and grants, the swarm's
//! links (sorted by [`Stage`]), the concurrency permit of its kind, the budget of every ancestor together with the fence and the
//! ceilings once more, and the fault point. Then the call runs under the turn's cancel and the effect's deadline, and settles.
//! The budget comes after the waits; otherwise it would be held while waiting.
//!
//! A failed try gives everything back before the pause that follows, and the next try passes the chain again. Only links
//! that are asked once, for the whole effect, hold something during the pause.

mod begin;
mod links;
mod memory;
mod run;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use self::memory::EffectPlace;
pub(crate) use self::memory::Memory;
pub(crate) use crate::engine::chain::booking::Booking;
pub use crate::engine::chain::{
    Admitted, Admitting, Denied, Ended, Link, LinkState, LinkStates, Pass, Request, Stage,
};
pub use crate::engine::seat::holding::CallHolding;
use serde::Serialize;

use crate::engine::seat::holding::Holding;
use crate::engine::turn::Turn;
use crate::env::Env;
use crate::words::effect::Cost;
pub use crate::words::effect::Repeat;
pub use crate::words::effect::Tier;
use crate::words::error::{Advice, AgentError};
use crate::words::event::What;
use crate::words::id::AgentId;
use crate::words::money::NanoUsd;
use crate::words::naming;
use crate::words::reach::Reach;
use crate::words::time::Time;
use crate::words::usage::Usage;

/// Whether and how failed tries of an effect are followed by others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    tries: u32,
    pause: Duration,
    most: Duration,
    is_advised: bool,
}

impl Retry {
    /// No second try; the default.
    pub const NEVER: Self = Self { tries: 1, pause: Duration::ZERO, most: Duration::ZERO, is_advised: false };

    /// This many tries in all (at least one), with a pause that doubles from 100 ms to 10 s plus up to a random quarter. If an
    /// error advises a longer pause, that is used. There is no further try if the budget refused, if a child's last attempt
    /// failed, or if the advised pause goes beyond the effect's deadline.
    #[must_use]
    pub const fn times(tries: u32) -> Self {
        let (pause, most) = (Duration::from_millis(100), Duration::from_secs(10));
        Self { tries, pause, most, is_advised: false }
    }

    /// Tries again only if the error advises it; without this, every error that is not final is retried.
    #[must_use]
    pub const fn if_advised(mut self) -> Self {
        self.is_advised = true;
        self
    }

    /// The first and the longest pause. No pause is shorter than a millisecond.
    #[must_use]
    pub const fn backoff(mut self, first: Duration, most: Duration) -> Self {
        self.pause = first;
        self.most = most;
        self
    }

    /// Whether this error may be followed by another try.
    fn is_for(&self, error: &AgentError) -> bool {
        let is_advised_against = self.is_advised && error.advice() == Advice::Never;
        !error.is_final() && !is_advised_against
    }
}

/// An effect before it runs.
#[must_use = "an effect does nothing until it is run"]
pub struct Effect {
    turn: Arc<Turn>,
    kind: String,
    subject: Option<String>,
    reach: Reach,
    tier: Tier,
    modifies: bool,
    cost: Cost,
    repeat: Repeat,
    within: Option<Duration>,
    retry: Retry,
    place: EffectPlace,
    brought: Vec<Arc<dyn Link>>,
    tried_before: u32,
}

impl Effect {
    /// One of a turn, in a branch of it.
    pub(crate) fn new(
        turn: Arc<Turn>,
        branch: Option<&Arc<str>>,
        kind: String,
        input: &impl Serialize,
    ) -> Self {
        let place = EffectPlace::of(&turn, branch, &kind, input, turn.seat.engine.keeps_results);
        Self {
            turn,
            kind,
            subject: None,
            reach: Reach::Unknown,
            tier: Tier::default(),
            modifies: true,
            cost: Cost::Open,
            repeat: Repeat::Pure,
            within: None,
            retry: Retry::NEVER,
            place,
            brought: Vec::new(),
            tried_before: 0,
        }
    }

    /// Links that it passes besides the swarm's, for each try and in the order of their stages: the limits of what it calls, which
    /// belong to that and not to the swarm. One of a stage that is asked once for all tries is asked for each of them here.
    pub fn through(mut self, links: impl IntoIterator<Item = Arc<dyn Link>>) -> Self {
        self.brought.extend(links);
        self
    }

    /// So many tries there were before its first, of other effects for the same end: links count them together.
    pub const fn tried_before(mut self, tries: u32) -> Self {
        self.tried_before = tries;
        self
    }

    /// It is one of several with the same kind and input in its branch of which one result will do, such as calls of one model after
    /// another until one answers: what an earlier attempt at the task had from any of them, this has.
    pub const fn alternative(mut self) -> Self {
        self.place.is_alternative = true;
        self
    }

    /// The targets of the effect, for ceilings and permissions; unknown by default. A ceiling on targets lets no effect pass
    /// whose reach is unknown; an effect without targets states [`Reach::NOTHING`]. A reach also counts as unknown if it is not
    /// written canonically, or is too long, or has too many targets.
    pub fn on(mut self, reach: Reach) -> Self {
        self.reach = reach.or_unknown();
        self
    }

    /// What it calls, in one word: the name of a model or a tool. The event that begins the effect contains it, on one line and
    /// cut after 256 bytes, and links see it.
    pub fn subject(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(naming::shown(&subject.into()));
        self
    }

    /// How much harm it can do, for permissions; [`Tier::Writes`] by default.
    pub const fn tier(mut self, tier: Tier) -> Self {
        self.tier = tier;
        self
    }

    /// Whether it changes anything, for permissions; it does by default, and a read-only mode refuses it.
    pub const fn modifies(mut self, modifies: bool) -> Self {
        self.modifies = modifies;
        self
    }

    /// The most that one try can cost. Before a call begins, it is reserved at every budget above, for all tries that may
    /// follow; it is given back in the pause after a try. What a call bills beyond the reservation is booked in full and
    /// is an `Overrun`.
    ///
    /// An effect states this or [`Effect::free`]; an effect that states neither is refused under a budget of money or
    /// tokens. A budget of calls alone lets it pass with nothing reserved, so that each call that it bills is an `Overrun`.
    pub const fn worst_case(mut self, usage: Usage) -> Self {
        self.cost = Cost::AtMost(usage);
        self
    }

    /// The most tokens and calls that one try can use, if its price is unknown: it is refused under a budget of money, and reserved at
    /// every other budget as [`Effect::worst_case`] is. Money in `usage` is ignored.
    pub const fn unpriced(mut self, mut usage: Usage) -> Self {
        usage.money = NanoUsd::ZERO;
        self.cost = Cost::Unpriced(usage);
        self
    }

    /// It costs no money, no tokens and no calls. If it bills anyway, the amount is booked in full as an `Overrun`, and every
    /// budget above that limits this amount is closed to all effects, until its window turns or somebody grants more.
    pub const fn free(mut self) -> Self {
        self.cost = Cost::Free;
        self
    }

    /// Its worst case is unknown: like an effect that states no cost, it is refused under a budget of money or tokens.
    pub const fn unbounded(mut self) -> Self {
        self.cost = Cost::Open;
        self
    }

    /// Whether it may be repeated; [`Repeat::Pure`] by default.
    pub const fn repeat(mut self, repeat: Repeat) -> Self {
        self.repeat = repeat;
        self
    }

    /// Its deadline, counted from its beginning. The default is 30 s, or the rest of the turn's deadline if that is shorter.
    pub const fn deadline(mut self, limit: Duration) -> Self {
        self.within = Some(limit);
        self
    }

    /// Further tries after a failed one. An effect that may happen only once has no second try.
    pub const fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }
}

/// One try of an effect, as its call sees it.
#[derive(Clone)]
pub struct Call {
    booking: Arc<Booking>,
    number: u32,
    deadline: Time,
}

impl Call {
    /// Reports what the call has used so far. The last report is the settlement; a call that reports nothing settles at
    /// its worst case, marked as estimated.
    pub fn used(&self, usage: Usage) {
        self.booking.say(self.number, usage, false);
        self.booking.turn().show_progress();
    }

    /// Reports an estimate, if the other side has not said what it bills: it is booked and marked as estimated. A
    /// later report replaces it.
    pub fn estimated(&self, usage: Usage) {
        self.booking.say(self.number, usage, true);
        self.booking.turn().show_progress();
    }

    /// Reports that the answer has begun to arrive: the agent is *streaming* until the effect ends or is tried again.
    pub fn streaming(&self) {
        self.booking.turn().note(What::StreamBegan { effect: self.booking.effect() });
        self.booking.turn().show_progress();
    }

    /// Which try this is, from 1.
    #[must_use]
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// The deadline of the effect.
    #[must_use]
    pub const fn deadline(&self) -> Time {
        self.deadline
    }

    /// The agent whose effect it is.
    #[must_use]
    pub fn agent(&self) -> &AgentId {
        &self.booking.turn().seat.id
    }

    /// The environment: time and chance, for a call that waits for something of its own.
    #[must_use]
    pub fn env(&self) -> &Env {
        &self.booking.turn().seat.engine.env
    }

    /// Keeps a value, such as a process or a lock file, until the returned guard is dropped, or until the incarnation ends, however it
    /// ends. So the value is dropped even where the call's own future cannot be. If a stop cuts the call, its receipt names the
    /// holding. Once the turn is over nothing is kept: the value is dropped at once.
    pub fn hold(&self, name: &str, value: impl Send + 'static) -> CallHolding {
        let turn = self.booking.turn();
        let gate = turn.seat.gate.lock();
        if turn.is_open() {
            return CallHolding::new(turn, turn.seat.hold(&naming::shown(name), Box::new(value)));
        }
        drop(gate);
        drop(value);
        CallHolding::new(turn, Holding::of_nothing(&turn.seat))
    }

    /// Runs blocking work on a separate thread. If the effect is cancelled, the work still runs to its end, unobserved.
    ///
    /// # Panics
    /// With the work's own panic.
    pub async fn blocking<T, F>(&self, work: F) -> T
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.booking.turn().blocking(work).await
    }

    /// Awaits something that takes real time, and holds a simulated clock meanwhile.
    pub fn outside<F>(&self, future: F) -> impl Future<Output = F::Output> + Send
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.booking.turn().seat.engine.env.outside(future)
    }
}

/// What one try of an effect gives.
pub type Tried<T> = Result<T, AgentError>;
