//! Takes an effect through its chain.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tracing::Instrument;

use super::begin::BegunEffect;
use super::links::{Admission, Passes};
use super::memory::Recalled;
use super::{Booking, Call, Denied, Effect, Ended, Tried};
use crate::agent::Message;
use crate::decide::kept;
use crate::engine::lab::points;
use crate::engine::pause::HeldNow;
use crate::engine::turn::park::Out;
use crate::env::fault::Phase;
use crate::env::laid::laid;
use crate::env::quiet::caught;
use crate::words::defaults;
use crate::words::effect::Repeat;
use crate::words::error::{Advice, AgentError, EffectError, SkepError as _};
use crate::words::event::EffectEnd;
use crate::words::id::AgentId;
use crate::words::naming;
use crate::words::pause::Doing;
use crate::words::time::Time;
use crate::words::usage::Usage;

/// What lasts from one try to the next.
#[derive(Default)]
struct Lasting {
    /// Of an effect that has begun and not ended: nothing is reserved between two tries.
    begun: Option<BegunEffect>,
    /// Of one that has begun, also when it has ended.
    booking: Option<Arc<Booking>>,
}

impl Lasting {
    /// Ends what has begun, if anything has.
    fn end(&mut self, end: EffectEnd) {
        if let Some(begun) = self.begun.take() {
            begun.end(end);
        }
    }

    /// What its tries have used, and whether some of that is a guess.
    fn used(&self) -> (Usage, bool) {
        self.booking.as_ref().map_or((Usage::ZERO, false), |booking| booking.used())
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
pub(super) struct Tries {
    /// The try that is next or on, from 1.
    pub(super) number: u32,
    pub(super) deadline: Time,
    /// For how long the seat's clock had stood when it was last out: its deadline does not move while it is.
    stood: Duration,
}

/// One call of an effect, and what makes one for each try. Without its type, what takes an effect through its tries is compiled once for
/// each type of result, and not again for each place that runs an effect.
type Calling<'c, T> = Pin<Box<dyn Future<Output = Tried<T>> + Send + 'c>>;
type Calls<'c, T> = &'c (dyn Fn(Call) -> Calling<'c, T> + Send + Sync);

/// How a round through the chain ended.
enum Came<T> {
    Done(T),
    /// A pause came by: it begins again when it may.
    Held,
    /// Its call failed, and there is another try at this moment.
    Again(Time),
}

impl Effect {
    /// Runs the effect: `call` is called once for each try.
    ///
    /// # Errors
    /// [`EffectError`]: the effect was refused by a budget or a link, expired, was cancelled with its turn, or failed in its
    /// last try.
    ///
    /// # Cancel safety
    /// Dropping the future drops the call at its await, books what is known to have been used, and frees the reservation.
    pub async fn run<T, F, Fut>(self, call: F) -> Result<T, EffectError>
    where
        T: Message,
        F: Fn(Call) -> Fut + Send + Sync,
        Fut: Future<Output = Tried<T>> + Send,
    {
        let env = &self.turn.seat.engine.env;
        env.seam().await;
        naming::check(&self.kind).map_err(|why| self.refused("kind", Denied::new(why)))?;
        // An effect has a deadline of its own, so its silence is excused.
        let _excused = self.turn.excuse();
        let (key, is_unnamed) = match self.recall().await? {
            Recalled::Result(value) => return Ok(value),
            Recalled::Nothing(key) => (Some(key), false),
            Recalled::Unnamed => (None, true),
            Recalled::Never => (None, false),
        };
        let (deadline, stood) = (self.ends_at(), self.turn.seat.stood());
        let (mut round, mut lasting) = (Tries { number: 1, deadline, stood }, Lasting::default());
        let mut passes = Passes::default();
        let result = match self.pass_once(&mut round, &mut passes).await {
            Ok(Some(value)) => Ok(value),
            Ok(None) => {
                let call = |one| -> Calling<'_, T> { laid(|| call(one)) };
                self.tries(&call, &mut round, &mut lasting).await
            }
            Err(error) => Err(error),
        };
        lasting.end(result.as_ref().map_or_else(ended_by, |_| EffectEnd::Done));
        let (used, estimated) = lasting.used();
        self.tell_of_the_whole(passes, &result, used, estimated);
        if is_unnamed && lasting.booking.is_some() {
            self.cannot_keep("its input cannot be serialised");
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

    async fn tries<T>(
        &self,
        call: Calls<'_, T>,
        round: &mut Tries,
        lasting: &mut Lasting,
    ) -> Result<T, EffectError> {
        loop {
            // Boxed: a `handle` holds as many effects as it names, and an unoptimised build lays each of them on the stack.
            match Box::pin(self.round(call, round, lasting)).await? {
                Came::Done(value) => return Ok(value),
                Came::Held => {}
                Came::Again(at) => {
                    self.pause(at).await?;
                    round.number += 1;
                }
            }
        }
    }

    /// Tells the links that were asked once. What they keep of a result is what the effect's type makes of it as JSON.
    fn tell_of_the_whole<T: Message>(
        &self,
        passes: Passes,
        result: &Result<T, EffectError>,
        used: Usage,
        estimated: bool,
    ) {
        if passes.is_empty() || matches!(result, Err(EffectError::Cancelled { .. })) {
            return passes.let_go();
        }
        let text = match result {
            Ok(value) if self.turn.seat.engine.keeps_results => {
                // A user's code writes it.
                caught(|| kept::write(value).ok()).ok().flatten().map(|(text, _)| text)
            }
            _ => None,
        };
        let error = result.as_ref().err().map(|error| error.clone().into_agent_error());
        self.tell(passes, &Ended { used, estimated, error: error.as_ref(), result: text.as_deref() });
    }

    /// Takes it through its chain once, for one try. Nothing of it is held afterwards, but what is the whole effect's.
    async fn round<T>(
        &self,
        call: Calls<'_, T>,
        round: &mut Tries,
        lasting: &mut Lasting,
    ) -> Result<Came<T>, EffectError> {
        // Given up after the booking is settled: what is quiet has its bill.
        let out = self.go_out(round).await?;
        self.turn.show_progress();
        let passed = match self.pass_ceilings() {
            Ok(()) => self.pass_for_try(*round).await,
            Err(error) => Err(error),
        };
        let came = match passed {
            Ok(Some(held)) => self.one_try(call, *round, held, lasting).await,
            Ok(None) => Ok(Came::Held),
            Err(error) => Err(error),
        };
        round.stood = self.turn.seat.stood();
        drop(out);
        came
    }

    /// Reserves, calls, and books. What ends the effect is settled before what was held for the try is let go.
    async fn one_try<T>(
        &self,
        call: Calls<'_, T>,
        round: Tries,
        held: Admission,
        lasting: &mut Lasting,
    ) -> Result<Came<T>, EffectError> {
        match self.begin(round.number, &mut lasting.begun) {
            Ok(true) => {}
            not_begun => {
                held.0.unused();
                return not_begun.map(|_| Came::Held);
            }
        }
        let Some(BegunEffect { booking, span }) = &lasting.begun else { return Ok(Came::Held) };
        let (booking, span) = (Arc::clone(booking), span.clone());
        lasting.booking = Some(Arc::clone(&booking));
        let cut = if self.repeat == Repeat::Once { HeldNow::Never } else { HeldNow::Now };
        let Tries { number, deadline, .. } = round;
        let called = self.until(deadline, cut, self.call(call, &booking, number, deadline));
        let tried = called.instrument(span).await;
        let (passes, permit) = held;
        // What was cut, by its turn or by a pause, is over unheard.
        let (is_heard, error) = match &tried {
            Ok(Some(tried)) => (true, tried.as_ref().err().cloned()),
            Err(expired @ EffectError::Expired { .. }) => (true, Some(expired.clone().into_agent_error())),
            Ok(None) | Err(_) => (false, None),
        };
        let came = tried.and_then(|tried| self.judge(tried, &booking, round));
        match &came {
            Ok(Came::Again(_)) => {}
            Ok(Came::Held) => lasting.end(EffectEnd::Paused),
            Ok(Came::Done(_)) => lasting.end(EffectEnd::Done),
            Err(error) => lasting.end(ended_by(error)),
        }
        if is_heard {
            let (used, estimated) = booking.used_by_a_try();
            self.tell(passes, &Ended { used, estimated, error: error.as_ref(), result: None });
        } else {
            passes.let_go();
        }
        drop(permit);
        came
    }

    /// What follows from a try, of which there is nothing if a pause has cut it short.
    fn judge<T>(
        &self,
        tried: Option<Tried<T>>,
        booking: &Booking,
        round: Tries,
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
    async fn go_out(&self, round: &mut Tries) -> Result<Out, EffectError> {
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

    pub(super) fn agent(&self) -> AgentId {
        self.turn.seat.id.clone()
    }

    pub(super) fn expired(&self) -> EffectError {
        EffectError::Expired { agent: self.agent(), kind: self.kind.clone() }
    }

    pub(super) fn cancelled(&self) -> EffectError {
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
    pub(super) async fn until<R>(
        &self,
        deadline: Time,
        held: HeldNow,
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

    pub(super) const fn tries_in_all(&self) -> u32 {
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

    async fn call<T>(
        &self,
        call: Calls<'_, T>,
        booking: &Arc<Booking>,
        number: u32,
        deadline: Time,
    ) -> Tried<T> {
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
