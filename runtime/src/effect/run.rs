//! Takes an effect through its chain.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tracing::{Instrument, Span};

use super::memory::Recalled;
use super::{Admitted, Booking, Call, Effect, Repeat, Request, Tried};
use crate::agent::Message;
use crate::defaults;
use crate::engine::park::Out;
use crate::engine::pause::Held;
use crate::engine::points;
use crate::engine::trace;
use crate::error::{Advice, AgentError, EffectError};
use crate::event::{EffectEnd, Need, Wait, What};
use crate::fault::Phase;
use crate::id::AgentId;
use crate::ledger::OnRefusal;
use crate::naming;
use crate::pause::Doing;
use crate::theirs::Theirs;
use crate::time::Time;

/// What is held from the admission to the end of a try.
type Admission = (Vec<Theirs<Admitted>>, Option<OwnedSemaphorePermit>);

/// What lasts from one try to the next.
#[derive(Default)]
struct Lasting {
    /// What links of the whole effect have given along, by their place in the chain: nobody is asked for an approval twice.
    admitted: BTreeMap<usize, Theirs<Admitted>>,
    /// Of an effect that has begun and not ended: nothing is reserved between two tries.
    begun: Option<Begun>,
    has_begun: bool,
}

/// An effect that has begun, from its first try to its end.
struct Begun {
    booking: Arc<Booking>,
    span: Span,
}

impl Begun {
    fn end(self, end: EffectEnd) {
        self.booking.settle(end);
        trace::effect_ends(&self.span, end);
    }
}

impl Lasting {
    /// Ends what has begun, if anything has.
    fn end(&mut self, end: EffectEnd) {
        if let Some(begun) = self.begun.take() {
            begun.end(end);
        }
    }
}

/// A call may have given a clone of itself away: what the effect has used is booked with its end all the same.
impl Drop for Lasting {
    fn drop(&mut self) {
        self.end(EffectEnd::Cancelled);
    }
}

const fn ended_by(error: &EffectError) -> EffectEnd {
    match error {
        EffectError::Expired { .. } => EffectEnd::Expired,
        EffectError::Cancelled { .. } => EffectEnd::Cancelled,
        _ => EffectEnd::Failed,
    }
}

/// Where an effect stands, over its tries and the pauses that it meets.
#[derive(Clone, Copy)]
struct Round {
    /// The try that is next or on, from 1.
    number: u32,
    deadline: Time,
    /// For how long the seat's clock had stood when it was last out: its deadline does not move while it is.
    stood: Duration,
}

/// How a round through the chain ended.
enum Came<T> {
    Done(T),
    /// A pause came by: it begins again when it may.
    Held,
    /// Its call failed, and there is another try at this moment.
    Again(Time),
}

impl Effect {
    /// Runs the effect: `call` is called once a try.
    ///
    /// # Errors
    /// [`EffectError`]: refused by a budget or a link, expired, cancelled with its turn, or failed in its last try.
    ///
    /// # Cancel safety
    /// Dropping the future drops the call at its await, books what is known to have been used, and frees what was reserved.
    pub async fn run<T, F, Fut>(self, call: F) -> Result<T, EffectError>
    where
        T: Message,
        F: Fn(Call) -> Fut + Send + Sync,
        Fut: Future<Output = Tried<T>> + Send,
    {
        let env = &self.turn.seat.engine.env;
        env.seam().await;
        naming::check(&self.kind).map_err(|why| self.refused("kind", why))?;
        // An effect has a deadline of its own, so its silence is excused.
        let _excused = self.turn.excuse();
        let (key, is_unnamed) = match self.recall().await? {
            Recalled::Result(value) => return Ok(value),
            Recalled::Nothing(key) => (Some(key), false),
            Recalled::Unnamed => (None, true),
            Recalled::Never => (None, false),
        };
        let (deadline, stood) = (self.ends_at(), self.turn.seat.stood());
        let (mut round, mut lasting) = (Round { number: 1, deadline, stood }, Lasting::default());
        let result = loop {
            // Boxed: a `handle` holds as many effects as it names, and an unoptimised build lays each of them on the stack.
            match Box::pin(self.round(&call, &mut round, &mut lasting)).await {
                Ok(Came::Done(value)) => break Ok(value),
                Ok(Came::Held) => {}
                Ok(Came::Again(at)) => match self.pause(at).await {
                    Ok(()) => round.number += 1,
                    Err(error) => break Err(error),
                },
                Err(error) => break Err(error),
            }
        };
        lasting.end(result.as_ref().map_or_else(ended_by, |_| EffectEnd::Done));
        std::mem::take(&mut lasting.admitted).into_values().for_each(Theirs::let_go);
        if is_unnamed && lasting.has_begun {
            self.cannot_keep("its input cannot be written down");
        }
        drop(lasting);
        let result = match (key, result) {
            (Some(key), Ok(value)) => Ok(self.keep(key, value)),
            (_, result) => result,
        };
        // Its result waits for the resume.
        self.turn.parked().await;
        env.seam().await;
        result
    }

    /// Takes it through its chain once, for one try. Nothing of it is held afterwards, but what is the whole effect's.
    async fn round<T, F, Fut>(
        &self,
        call: &F,
        round: &mut Round,
        lasting: &mut Lasting,
    ) -> Result<Came<T>, EffectError>
    where
        F: Fn(Call) -> Fut + Send + Sync,
        Fut: Future<Output = Tried<T>> + Send,
    {
        // Given up after the booking is settled: what is quiet has its bill.
        let out = self.go_out(round).await?;
        self.turn.show_progress();
        let links = self.pass_links(&mut lasting.admitted);
        let passed = self.until(round.deadline, Held::AtNextAwait, links).await;
        let came = match passed.and_then(Option::transpose) {
            Ok(Some(held)) => self.one_try(call, *round, held, lasting).await,
            Ok(None) => Ok(Came::Held),
            Err(error) => Err(error),
        };
        round.stood = self.turn.seat.stood();
        drop(out);
        came
    }

    /// Reserves, calls, and books. What ends the effect is settled before what was held for the try is let go.
    async fn one_try<T, F, Fut>(
        &self,
        call: &F,
        round: Round,
        held: Admission,
        lasting: &mut Lasting,
    ) -> Result<Came<T>, EffectError>
    where
        F: Fn(Call) -> Fut + Send + Sync,
        Fut: Future<Output = Tried<T>> + Send,
    {
        if !self.begin(round.number, &mut lasting.begun)? {
            return Ok(Came::Held);
        }
        lasting.has_begun = true;
        let Some(Begun { booking, span }) = &lasting.begun else { return Ok(Came::Held) };
        let (booking, span) = (Arc::clone(booking), span.clone());
        let cut = if self.repeat == Repeat::Once { Held::Never } else { Held::Now };
        let Round { number, deadline, .. } = round;
        let called = self.until(deadline, cut, self.call(call, &booking, number, deadline));
        let tried = called.instrument(span).await;
        let came = tried.and_then(|tried| self.judge(tried, &booking, round));
        match &came {
            Ok(Came::Again(_)) => {}
            Ok(Came::Held) => lasting.end(EffectEnd::Paused),
            Ok(Came::Done(_)) => lasting.end(EffectEnd::Done),
            Err(error) => lasting.end(ended_by(error)),
        }
        held.0.into_iter().for_each(Theirs::let_go);
        came
    }

    /// What follows from a try, of which there is nothing if a pause has cut it short.
    fn judge<T>(
        &self,
        tried: Option<Tried<T>>,
        booking: &Booking,
        round: Round,
    ) -> Result<Came<T>, EffectError> {
        let error = match tried {
            Some(Ok(value)) => return Ok(Came::Done(value)),
            Some(Err(error)) => error,
            None => return Ok(Came::Held),
        };
        let may = round.number < self.tries_in_all() && self.retry.is_for(&error);
        let next = may.then(|| self.turn.seat.engine.env.now() + self.backoff(round.number, &error));
        let Some(next) = next.filter(|next| *next < round.deadline) else {
            return Err(EffectError::Failed { agent: self.agent(), kind: self.kind.clone(), error });
        };
        booking.retried(round.number, error.to_string());
        Ok(Came::Again(next))
    }

    /// Goes out as soon as no pause holds the turn. Its deadline moves by as long as the seat's clock has stood since it was
    /// out: a call that is out is not held, and neither is its deadline.
    async fn go_out(&self, round: &mut Round) -> Result<Out, EffectError> {
        loop {
            self.turn.parked().await;
            self.may_begin()?;
            let seat = &self.turn.seat;
            let deadline = round.deadline + seat.stood().saturating_sub(round.stood);
            if seat.engine.env.now() >= deadline {
                return Err(self.expired());
            }
            let doing = Doing::Call { kind: self.kind.clone(), once: self.repeat == Repeat::Once };
            if let Some(out) = self.turn.go_out(doing) {
                round.deadline = deadline;
                return Ok(out);
            }
        }
    }

    fn agent(&self) -> AgentId {
        self.turn.seat.id.clone()
    }

    fn expired(&self) -> EffectError {
        EffectError::Expired { agent: self.agent(), kind: self.kind.clone() }
    }

    fn cancelled(&self) -> EffectError {
        EffectError::Cancelled { agent: self.agent(), kind: self.kind.clone() }
    }

    /// The fence, the epoch and the cancel.
    pub(super) fn may_begin(&self) -> Result<(), EffectError> {
        let may = self.turn.is_open() && !self.turn.cancel.is_raised();
        if may { Ok(()) } else { Err(self.cancelled()) }
    }

    fn ends_at(&self) -> Time {
        let within = self.within.unwrap_or(defaults::EFFECT);
        (self.turn.seat.engine.env.now() + within).min(self.turn.deadline())
    }

    /// Awaits under the turn's cancel and the effect's deadline, until a pause holds the turn so firmly.
    async fn until<R>(
        &self,
        deadline: Time,
        held: Held,
        future: impl Future<Output = R>,
    ) -> Result<Option<R>, EffectError> {
        tokio::select! {
            biased;
            () = self.turn.cancel.raised() => Err(self.cancelled()),
            () = self.turn.braked(held) => Ok(None),
            output = future => Ok(Some(output)),
            () = self.turn.seat.engine.env.sleep_until(deadline) => Err(self.expired()),
        }
    }

    /// Every ceiling that bounds the turn.
    fn pass_ceilings(&self) -> Result<(), EffectError> {
        let Some(of) = self.turn.rights.forbids(&self.kind) else { return Ok(()) };
        let error =
            EffectError::BeyondCeiling { agent: self.agent(), kind: self.kind.clone(), of: of.clone() };
        let (kind, link) = (self.kind.clone(), "ceiling".to_owned());
        self.turn.note(What::EffectRefused { kind, link, message: error.to_string() });
        Err(error)
    }

    /// Passes the ceilings and the links, and takes a permit of the effect's kind. Whoever lets the whole effect pass is asked
    /// once; the others are for the try.
    async fn pass_links(
        &self,
        lasting: &mut BTreeMap<usize, Theirs<Admitted>>,
    ) -> Result<Admission, EffectError> {
        self.pass_ceilings()?;
        let engine = &self.turn.seat.engine;
        let permits = engine.permits.get(&self.kind);
        if engine.links.is_empty() && permits.is_none() {
            return Ok((Vec::new(), None));
        }
        let _waiting = self.turn.wait(Wait::Admission);
        let worst = self.cost.worst();
        let request = Request {
            agent: &self.turn.seat.id,
            task: self.turn.task.as_ref(),
            kind: &self.kind,
            worst_case: worst.as_ref(),
            repeat: self.repeat,
        };
        let mut held = Vec::new();
        for (place, link) in engine.links.iter().enumerate() {
            let lasts = link.stage().is_for_the_whole();
            if lasts && lasting.contains_key(&place) {
                continue;
            }
            match link.admit(&request).await {
                Ok(admitted) if lasts => drop(lasting.insert(place, self.turn.seat.home.keep(admitted))),
                Ok(admitted) => held.push(self.turn.seat.home.keep(admitted)),
                Err(denied) => return Err(self.refused(link.name(), denied.0)),
            }
        }
        let permit = match permits {
            Some(permits) => Some(Arc::clone(permits).acquire_owned().await.map_err(|_| self.cancelled())?),
            None => None,
        };
        Ok((held, permit))
    }

    fn refused(&self, link: &str, message: String) -> EffectError {
        let (kind, link) = (naming::shown(&self.kind), link.to_owned());
        self.turn.note(What::EffectRefused {
            kind: kind.clone(),
            link: link.clone(),
            message: message.clone(),
        });
        EffectError::Refused { agent: self.agent(), kind, link, message }
    }

    /// The budget of every ancestor, the fence and the pauses, and the event that begins the effect or its next try, in one
    /// critical section. False if a pause holds it.
    fn begin(&self, number: u32, begun: &mut Option<Begun>) -> Result<bool, EffectError> {
        let seat = &self.turn.seat;
        let engine = &seat.engine;
        let is_hook = self.turn.phase == Phase::Stop;
        // All tries that may follow; a hook has kept what was reserved for them.
        let tries = if is_hook && begun.is_some() {
            0
        } else {
            self.tries_in_all().saturating_sub(number.saturating_sub(1)).max(1)
        };
        let worst = self.cost.worst().map(|worst| worst.times(tries));
        let reserved = worst.unwrap_or_default();
        let effect = begun.as_ref().map_or_else(|| engine.number(), |begun| begun.booking.effect());
        let began = {
            let gate = seat.gate.lock();
            if !self.turn.is_open() || (!seat.is_up() && !is_hook) {
                return Err(self.cancelled());
            }
            if gate.hold.is_some() && !is_hook {
                return Ok(false);
            }
            let what = match begun {
                None => What::EffectBegan { effect, kind: self.kind.clone(), reserved },
                Some(_) => What::TryBegan { effect, reserved },
            };
            match worst.filter(|_| is_hook && begun.is_none()) {
                Some(worst) => self.turn.draw_allowance(what, worst),
                None => engine
                    .journal
                    .append_if(&self.turn.entry(), [what], |wall| seat.meter.admit(worst.as_ref(), wall)),
            }
        };
        if let Err(refusal) = began {
            let (kind, message) = (self.kind.clone(), refusal.to_string());
            self.turn.note(What::EffectRefused { kind: kind.clone(), link: "budget".to_owned(), message });
            if refusal.policy == OnRefusal::Pause && !is_hook && refusal.wanted.is_some() {
                let need = Need { agent: seat.id.clone(), kind: kind.clone(), refusal: refusal.clone() };
                if engine.pause_refusing(seat, need) {
                    return Ok(false);
                }
            }
            if refusal.policy == OnRefusal::Stop {
                engine.stop_refusing(&refusal.ancestor);
            }
            let refusal = Box::new(refusal);
            return Err(EffectError::OverBudget { agent: self.agent(), kind, refusal });
        }
        if self.repeat == Repeat::Once {
            self.turn.set_once_begun();
        }
        match begun {
            Some(begun) => begun.booking.try_began(reserved),
            None => {
                let booking = Arc::new(Booking::new(Arc::clone(&self.turn), effect, self.cost, reserved));
                *begun = Some(Begun { booking, span: trace::of_effect(&self.turn, &self.kind) });
            }
        }
        Ok(true)
    }

    const fn tries_in_all(&self) -> u32 {
        match self.repeat {
            Repeat::Once => 1,
            Repeat::Pure | Repeat::Idempotent => {
                if self.retry.tries == 0 {
                    1
                } else {
                    self.retry.tries
                }
            }
        }
    }

    /// Waits for the next try, under the turn's cancel, with nothing held.
    async fn pause(&self, until: Time) -> Result<(), EffectError> {
        tokio::select! {
            biased;
            () = self.turn.cancel.raised() => Err(self.cancelled()),
            // Others come first even where there is no pause: tries without end are no loop in one poll.
            () = async {
                tokio::task::yield_now().await;
                self.turn.seat.engine.env.sleep_until(until).await;
            } => Ok(()),
        }
    }

    async fn call<T, F, Fut>(&self, call: &F, booking: &Arc<Booking>, number: u32, deadline: Time) -> Tried<T>
    where
        F: Fn(Call) -> Fut + Send + Sync,
        Fut: Future<Output = Tried<T>> + Send,
    {
        let passed = points::pass(&self.turn, Phase::Effect, &self.kind).await?;
        if !passed.spike.is_zero() {
            booking.add(passed.spike);
        }
        booking.begin_call(number);
        let call = call(Call { booking: Arc::clone(booking), number, deadline });
        points::seeing(&self.turn, Phase::Effect, &self.kind, call).await
    }

    /// The pause after the n-th try: doubling, with a random quarter on top, and no less than the error advises. It is never
    /// none: tries that fail at once come to an await, at which others run and the effect's deadline passes.
    fn backoff(&self, number: u32, error: &AgentError) -> Duration {
        let doubled =
            self.retry.pause.saturating_mul(1 << number.saturating_sub(1).min(20)).min(self.retry.most);
        let quarter = u64::try_from(doubled.as_nanos() / 4).unwrap_or(u64::MAX);
        let jitter = Duration::from_nanos(self.turn.seat.engine.env.random_below(quarter));
        let own = doubled.saturating_add(jitter).max(defaults::RETRY_MIN);
        match error.advice() {
            Advice::After(pause) => pause.max(own),
            Advice::Now | Advice::Never => own,
        }
    }
}
