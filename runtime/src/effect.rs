//! Effects: the one primitive for all that touches the world.
//!
//! An effect passes a chain before its call: its result from an earlier attempt, the fence, the ceilings and grants, the links
//! (whatever the swarm has, sorted by [`Stage`]), the concurrency permit of its kind, the budget of every ancestor with the fence and
//! the ceilings once more, the fault point; then the call runs under the turn's cancel and the effect's deadline, and settles. The
//! budget comes after the waits, or it would be held for as long as they take.
//!
//! A try that fails gives all of that back before the pause that follows it, and the next one passes the chain anew: nothing
//! is held through a pause but what links have given along that are asked once, for the whole effect.

mod allowance;
mod begin;
mod booking;
mod chain;
mod links;
mod memory;
mod run;

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub(crate) use self::allowance::{Allowance, refused_allowance};
pub(crate) use self::booking::Booking;
pub use self::chain::{Admitted, Admitting, Denied, Ended, Link, Pass, Request, Stage, Tier};
pub(crate) use self::memory::Memory;
use self::memory::Place;
use crate::engine::turn::Turn;
use crate::error::{Advice, AgentError};
use crate::event::What;
use crate::id::AgentId;
use crate::money::NanoUsd;
use crate::naming;
use crate::reach::Reach;
use crate::time::Time;
use crate::usage::Usage;

/// What an effect says of its cost before it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cost {
    /// Nothing, or that there is no telling.
    Open,
    Free,
    AtMost(Usage),
    /// So many tokens and calls, and there is no telling what they cost.
    Unpriced(Usage),
}

impl Cost {
    /// The worst case of one try, if there is one.
    const fn worst(&self) -> Option<Usage> {
        match self {
            Self::Open => None,
            Self::Free => Some(Usage::ZERO),
            Self::AtMost(usage) | Self::Unpriced(usage) => Some(*usage),
        }
    }
}

/// Whether an effect may happen again when its turn is tried again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Repeat {
    /// It changes nothing: as often as need be.
    #[default]
    Pure,
    /// Twice is as good as once.
    Idempotent,
    /// At most once: it has no second try, and its task is not redelivered by itself once it has begun.
    Once,
}

/// How failed tries of an effect are followed by others.
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

    /// So many tries in all, at least one, with a pause that doubles from 100 ms to 10 s and a random quarter on top. An error's advice
    /// of a longer pause is heeded. What failed for want of money or in a child's last attempt is not tried again, nor is
    /// what advises a pause beyond the effect's deadline.
    #[must_use]
    pub const fn times(tries: u32) -> Self {
        let (pause, most) = (Duration::from_millis(100), Duration::from_secs(10));
        Self { tries, pause, most, is_advised: false }
    }

    /// Another try only where the error advises one; without this, whatever is not final has one.
    #[must_use]
    pub const fn if_advised(mut self) -> Self {
        self.is_advised = true;
        self
    }

    /// The first and the longest pause. None is shorter than a millisecond.
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
#[must_use = "an effect does nothing until it runs"]
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
    place: Place,
}

impl Effect {
    /// One of a turn, in a branch of it.
    pub(crate) fn new(
        turn: Arc<Turn>,
        branch: Option<&Arc<str>>,
        kind: String,
        input: &impl Serialize,
    ) -> Self {
        let place = Place::of(&turn, branch, &kind, input, turn.seat.engine.keeps_results);
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
        }
    }

    /// What it is done to, as ceilings and permissions see it; unknown unless told. A ceiling that bounds targets lets nothing
    /// pass whose reach is unknown: what touches none of them says [`Reach::NOTHING`]. What is not written canonically, is very long
    /// or very much at once is unknown too.
    pub fn on(mut self, reach: Reach) -> Self {
        self.reach = reach.or_unknown();
        self
    }

    /// What it calls, in a word: a model's name, a tool's. It stands in the event that begins the effect, put on one line and cut after 256
    /// bytes, and links see it.
    pub fn subject(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(naming::shown(&subject.into()));
        self
    }

    /// How much harm it can do, for permissions to go by; [`Tier::Writes`] unless told.
    pub const fn tier(mut self, tier: Tier) -> Self {
        self.tier = tier;
        self
    }

    /// Whether it changes anything, for permissions to go by. It does unless told: a mode in which nothing is changed refuses it.
    pub const fn modifies(mut self, modifies: bool) -> Self {
        self.modifies = modifies;
        self
    }

    /// The most that one try can cost. It is reserved at every budget above, for all tries that may follow, before a call
    /// begins, and given back in the pause after it. What a call bills beyond what is reserved is booked in full and is an
    /// `Overrun`.
    ///
    /// An effect says this or [`Effect::free`]; one that says neither is refused under a budget of money or tokens. A budget
    /// of calls alone lets it pass, with nothing reserved: each call that it bills there is an `Overrun`.
    pub const fn worst_case(mut self, usage: Usage) -> Self {
        self.cost = Cost::AtMost(usage);
        self
    }

    /// The most tokens and calls that one try can use, where there is no telling what they cost: refused under a budget of money,
    /// and reserved at every other as [`Effect::worst_case`] is. Money in `usage` is not looked at.
    pub const fn unpriced(mut self, mut usage: Usage) -> Self {
        usage.money = NanoUsd::ZERO;
        self.cost = Cost::Unpriced(usage);
        self
    }

    /// It costs nothing, neither money nor tokens nor calls. Whoever says so and bills all the same is believed no more: what
    /// is billed is booked in full, is an `Overrun`, and closes every budget above that bounds it to all effects, until its
    /// window turns or somebody grants it more.
    pub const fn free(mut self) -> Self {
        self.cost = Cost::Free;
        self
    }

    /// There is no telling what it costs at most: as one that says nothing of its cost, it is refused under a budget of money
    /// or tokens.
    pub const fn unbounded(mut self) -> Self {
        self.cost = Cost::Open;
        self
    }

    /// Whether it may happen again; as a pure one may, by default.
    pub const fn repeat(mut self, repeat: Repeat) -> Self {
        self.repeat = repeat;
        self
    }

    /// Its deadline, counted from when it begins: 30 s or what is left of the turn's, whichever is less, by default.
    pub const fn deadline(mut self, limit: Duration) -> Self {
        self.within = Some(limit);
        self
    }

    /// More tries if one fails. One that may happen only once has no second.
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
    /// What the call has used so far. What was said last is the settlement; a call that says nothing settles at its worst
    /// case, marked as estimated.
    pub fn used(&self, usage: Usage) {
        self.booking.say(self.number, usage, false);
        self.booking.turn().show_progress();
    }

    /// The same where the other side has not said what it bills: it is booked, and marked as estimated. What is said
    /// afterwards takes its place.
    pub fn estimated(&self, usage: Usage) {
        self.booking.say(self.number, usage, true);
        self.booking.turn().show_progress();
    }

    /// The answer has begun to arrive: the agent is *streaming* until the effect ends or is tried again.
    pub fn streaming(&self) {
        self.booking.turn().note(What::StreamBegan { effect: self.booking.effect() });
        self.booking.turn().show_progress();
    }

    /// Which try this is, from 1.
    #[must_use]
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// When the effect has to be over.
    #[must_use]
    pub const fn deadline(&self) -> Time {
        self.deadline
    }

    /// Whose effect it is.
    #[must_use]
    pub fn agent(&self) -> &AgentId {
        &self.booking.turn().seat.id
    }

    /// Runs blocking work on a thread for such work. When the effect is cancelled the work runs to its end unseen.
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

    /// Awaits something that takes real time, holding a simulated clock meanwhile.
    pub async fn outside<F>(&self, future: F) -> F::Output
    where
        F: std::future::Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.booking.turn().seat.engine.env.outside(future).await
    }
}

/// What one try of an effect gives.
pub type Tried<T> = Result<T, AgentError>;
