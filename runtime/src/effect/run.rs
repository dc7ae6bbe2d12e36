//! Takes an effect through its chain.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tracing::Instrument;

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
use crate::usage::Usage;

/// What is held from the admission to the end of the effect.
type Admission = (Vec<Theirs<Admitted>>, Option<OwnedSemaphorePermit>);

/// Where an effect stands in its chain, over the pauses that it meets.
#[derive(Clone, Copy)]
struct Round {
    /// The try that is next or on, from 1.
    number: u32,
    deadline: Time,
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
        let key = match self.recall().await? {
            Recalled::Result(value) => return Ok(value),
            Recalled::Nothing(key) => Some(key),
            Recalled::Never => None,
        };
        let mut round = Round { number: 1, deadline: self.ends_at() };
        let result = loop {
            // Boxed: a `handle` holds as many effects as it names, and an unoptimised build lays each of them on the stack.
            match Box::pin(self.round(&call, &mut round)).await {
                Ok(Some(value)) => break Ok(value),
                // Held on its way, or cut short: it begins again when it may.
                Ok(None) => {}
                Err(error) => break Err(error),
            }
        };
        if let (Some(key), Ok(value)) = (key, &result) {
            self.keep(key, value);
        }
        // Its result waits for the resume.
        self.turn.parked().await;
        env.seam().await;
        result
    }

    /// Takes it through its chain once; nothing if a pause came by.
    async fn round<T, F, Fut>(&self, call: &F, round: &mut Round) -> Result<Option<T>, EffectError>
    where
        F: Fn(Call) -> Fut + Send + Sync,
        Fut: Future<Output = Tried<T>> + Send,
    {
        // Given up after the booking is settled: what is quiet has its bill.
        let mut out = Some(self.go_out(round, self.turn.seat.stood()).await?);
        self.turn.show_progress();
        let passed = self.until(round.deadline, Held::AtNextAwait, self.pass_links()).await?;
        let Some(held) = passed.transpose()? else { return Ok(None) };
        let Some(booking) = self.begin(round.number)?.map(Arc::new) else { return Ok(None) };
        let span = trace::of_effect(&self.turn, &self.kind);
        let result = self.tries(call, &booking, round, &mut out).instrument(span.clone()).await;
        let end = match &result {
            Ok(Some(_)) => EffectEnd::Done,
            Ok(None) => EffectEnd::Paused,
            Err(EffectError::Expired { .. }) => EffectEnd::Expired,
            Err(EffectError::Cancelled { .. }) => EffectEnd::Cancelled,
            Err(_) => EffectEnd::Failed,
        };
        booking.settle(end);
        trace::effect_ends(&span, end);
        held.0.into_iter().for_each(Theirs::let_go);
        result
    }

    /// Goes out as soon as no pause holds the turn. Its deadline moves by as long as the seat's clock has stood since it was
    /// out: a call that is out is not held, and neither is its deadline.
    async fn go_out(&self, round: &mut Round, stood: Duration) -> Result<Out, EffectError> {
        loop {
            self.turn.parked().await;
            self.may_begin()?;
            let seat = &self.turn.seat;
            let deadline = round.deadline + seat.stood().saturating_sub(stood);
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

    /// Passes the ceilings and the links, and takes a permit of the effect's kind.
    async fn pass_links(&self) -> Result<Admission, EffectError> {
        self.pass_ceilings()?;
        let engine = &self.turn.seat.engine;
        let permits = engine.permits.get(&self.kind);
        if engine.links.is_empty() && permits.is_none() {
            return Ok((Vec::new(), None));
        }
        let _waiting = self.turn.wait(Wait::Admission);
        let request = Request {
            agent: &self.turn.seat.id,
            task: self.turn.task.as_ref(),
            kind: &self.kind,
            worst_case: self.worst.as_ref(),
            repeat: self.repeat,
        };
        let mut held = Vec::new();
        for link in &engine.links {
            match link.admit(&request).await {
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

    /// The budget of every ancestor, the fence and the pauses, and the event that begins the effect, in one critical
    /// section. Nothing if a pause holds it. `number` is that of its first try.
    fn begin(&self, number: u32) -> Result<Option<Booking>, EffectError> {
        let seat = &self.turn.seat;
        let engine = &seat.engine;
        let tries = self.tries_in_all().saturating_sub(number.saturating_sub(1)).max(1);
        let reserved = self.worst.map_or(Usage::ZERO, |worst| worst.times(tries));
        let effect = engine.number();
        let began = {
            let gate = seat.gate.lock();
            if !self.turn.is_open() || (!seat.is_up() && self.turn.phase != Phase::Stop) {
                return Err(self.cancelled());
            }
            if gate.hold.is_some() && self.turn.phase != Phase::Stop {
                return Ok(None);
            }
            let what = What::EffectBegan { effect, kind: self.kind.clone(), reserved };
            let worst = self.worst.map(|_| reserved);
            match (self.turn.phase, worst) {
                (Phase::Stop, Some(worst)) => self.turn.draw_allowance(what, worst),
                _ => engine
                    .journal
                    .append_if(&self.turn.entry(), [what], |wall| seat.meter.admit(worst.as_ref(), wall)),
            }
        };
        if let Err(refusal) = began {
            let (kind, message) = (self.kind.clone(), refusal.to_string());
            self.turn.note(What::EffectRefused { kind: kind.clone(), link: "budget".to_owned(), message });
            if refusal.policy == OnRefusal::Pause
                && self.turn.phase != Phase::Stop
                && refusal.wanted.is_some()
            {
                let need = Need { agent: seat.id.clone(), kind: kind.clone(), refusal: refusal.clone() };
                if engine.pause_refusing(seat, need) {
                    return Ok(None);
                }
            }
            if refusal.policy == OnRefusal::Stop {
                engine.stop_refusing(&refusal.ancestor);
            }
            return Err(EffectError::OverBudget { agent: self.agent(), kind, refusal });
        }
        if self.repeat == Repeat::Once {
            self.turn.set_once_begun();
        }
        Ok(Some(Booking::new(Arc::clone(&self.turn), effect, self.worst, reserved)))
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

    /// Tries until one succeeds or no more are left; nothing if a pause has cut one short.
    async fn tries<T, F, Fut>(
        &self,
        call: &F,
        booking: &Arc<Booking>,
        round: &mut Round,
        out: &mut Option<Out>,
    ) -> Result<Option<T>, EffectError>
    where
        F: Fn(Call) -> Fut + Send + Sync,
        Fut: Future<Output = Tried<T>> + Send,
    {
        let cut = if self.repeat == Repeat::Once { Held::Never } else { Held::Now };
        loop {
            let Round { number, deadline } = *round;
            let tried = self.until(deadline, cut, self.one_try(call, booking, number, deadline)).await?;
            let error = match tried {
                Some(Ok(value)) => return Ok(Some(value)),
                Some(Err(error)) => error,
                None => return Ok(None),
            };
            let env = &self.turn.seat.engine.env;
            let may = number < self.tries_in_all() && self.retry.is_for(&error);
            let next = may.then(|| env.now() + self.pause(number, &error));
            let Some(next) = next.filter(|next| *next < deadline) else {
                return Err(EffectError::Failed { agent: self.agent(), kind: self.kind.clone(), error });
            };
            self.turn.note(What::EffectRetried {
                effect: booking.effect(),
                tries: number,
                error: error.to_string(),
            });
            // Between two calls it may be held, with what is reserved for it.
            *out = None;
            let stood = self.turn.seat.stood();
            self.sleep(next).await?;
            *out = Some(self.go_out(round, stood).await?);
            round.number += 1;
        }
    }

    /// Sleeps under the turn's cancel.
    async fn sleep(&self, until: Time) -> Result<(), EffectError> {
        tokio::select! {
            biased;
            () = self.turn.cancel.raised() => Err(self.cancelled()),
            () = self.turn.seat.engine.env.sleep_until(until) => Ok(()),
        }
    }

    async fn one_try<T, F, Fut>(
        &self,
        call: &F,
        booking: &Arc<Booking>,
        number: u32,
        deadline: Time,
    ) -> Tried<T>
    where
        F: Fn(Call) -> Fut + Send + Sync,
        Fut: Future<Output = Tried<T>> + Send,
    {
        let passed = points::pass(&self.turn, Phase::Effect, &self.kind).await?;
        if !passed.spike.is_zero() {
            booking.add(passed.spike);
        }
        booking.begin_try();
        let call = call(Call { booking: Arc::clone(booking), number, deadline });
        points::seeing(&self.turn, Phase::Effect, &self.kind, call).await
    }

    /// The pause after the n-th try: doubling, with a random quarter on top, and no less than the error advises. It is never
    /// none: tries that fail at once come to an await, at which others run and the effect's deadline passes.
    fn pause(&self, number: u32, error: &AgentError) -> Duration {
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
