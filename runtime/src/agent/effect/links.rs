//! Takes an effect through the links of its chain, and tells them how it ended.
//!
//! Those that are asked once are asked before the effect goes out: a pause finds its turn quiet while somebody is asked for an
//! approval, and asks nobody twice.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use tokio::sync::OwnedSemaphorePermit;

use super::run::Tries;
use super::{Admitted, Denied, Effect, Ended, Link, Pass, Request, Stage};
use crate::agent::Message;
use crate::engine::pause::HeldNow;
use crate::env::quiet::caught;
use crate::env::theirs::Theirs;
use crate::words::error::EffectError;
use crate::words::event::{Wait, What};
use crate::words::naming;
use crate::words::time::Time;

/// What links have given along, in their order. Dropped, they have heard nothing.
#[derive(Default)]
pub(super) struct Passes(Vec<Theirs<Box<dyn Pass>>>);

/// What is held from the admission to the end of a try.
pub(super) type Admission = (Passes, Option<OwnedSemaphorePermit>);

impl Effect {
    fn request(&self, number: u32) -> Request<'_> {
        let worst = match &self.cost {
            crate::words::effect::Cost::AtMost(worst) | crate::words::effect::Cost::Unpriced(worst) => {
                Some(worst)
            }
            crate::words::effect::Cost::Free => Some(&crate::words::usage::Usage::ZERO),
            crate::words::effect::Cost::Open => None,
        };
        Request {
            agent: &self.turn.seat.id,
            task: self.turn.task.as_ref(),
            kind: &self.kind,
            subject: self.subject.as_deref(),
            reach: &self.reach,
            tier: self.tier,
            modifies: self.modifies,
            worst_case: worst,
            repeat: self.repeat,
            number: number.saturating_add(self.tried_before),
            digest: self.place.digest().map(crate::decide::key::Digest::bytes),
            turn: &self.turn,
        }
    }

    /// Passes the links that are asked once, up to one that has the result.
    pub(super) async fn pass_once<T: Message>(
        &self,
        round: &mut Tries,
        passes: &mut Passes,
    ) -> Result<Option<T>, EffectError> {
        let engine = &self.turn.seat.engine;
        if engine.links.is_empty() {
            return Ok(None);
        }
        self.turn.parked().await;
        self.may_begin()?;
        self.pass_ceilings()?;
        let request = self.request(1);
        for link in engine.links.iter().filter(|link| link.stage().is_for_the_whole()) {
            match self.ask_once(&***link, &request, round).await? {
                Admitted::Pass(pass) => passes.0.push(self.turn.seat.home.keep(pass)),
                Admitted::Answer(text) => {
                    // A user's code reads it.
                    if let Ok(Ok(value)) = caught(|| serde_json::from_slice(&text)) {
                        let (kind, link) = (self.kind.clone(), link.name().to_owned());
                        self.turn.note(What::EffectAnswered { kind, subject: self.subject.clone(), link });
                        return Ok(Some(value));
                    }
                }
            }
        }
        Ok(None)
    }

    /// Asks one link, for which the effect's deadline stands if it is to be approved.
    async fn ask_once(
        &self,
        link: &dyn Link,
        request: &Request<'_>,
        round: &mut Tries,
    ) -> Result<Admitted, EffectError> {
        let is_approval = link.stage() == Stage::Approval;
        let now = || self.turn.seat.engine.env.now();
        let (began, stood) = (now(), self.turn.seat.stood());
        let limit = if is_approval { self.turn.deadline() } else { round.deadline };
        let wait = if is_approval { Wait::Approval } else { Wait::Admission };
        let admitted = self.turn.through(self.waits(wait, limit, link.admit(request))).await?;
        if is_approval {
            let waited = now().since(began).saturating_sub(self.turn.seat.stood().saturating_sub(stood));
            round.deadline = (round.deadline + waited).min(self.turn.deadline());
        }
        admitted.map_err(|denied| self.refused(link.name(), denied))
    }

    /// Awaits a link under the turn's cancel, until a moment. It shows as a wait as soon as it is one.
    async fn waits<R>(&self, on: Wait, limit: Time, link: impl Future<Output = R>) -> Result<R, EffectError> {
        tokio::select! {
            biased;
            () = self.turn.cancel.raised() => Err(self.cancelled()),
            passed = self.shown(on, link) => Ok(passed),
            () = self.turn.seat.engine.env.sleep_until(limit) => Err(self.expired()),
        }
    }

    async fn shown<R>(&self, on: Wait, link: impl Future<Output = R>) -> R {
        let mut link = pin!(link);
        let first = std::future::poll_fn(|cx| Poll::Ready(link.as_mut().poll(cx)));
        if let Poll::Ready(passed) = first.await {
            return passed;
        }
        let _waiting = self.turn.wait(on);
        link.await
    }

    /// Passes the links that are for the try, and takes a permit of the effect's kind. None if a pause has come by.
    pub(super) async fn pass_for_try(&self, round: Tries) -> Result<Option<Admission>, EffectError> {
        let engine = &self.turn.seat.engine;
        let permits = engine.permits.get(&self.kind);
        let links = self.links_of_a_try();
        if links.is_empty() && permits.is_none() {
            return Ok(Some(Admission::default()));
        }
        let passing = async {
            let request = self.request(round.number);
            let mut passes = Unused(Passes::default());
            for link in &self.brought {
                link.check().map_err(|why| self.refused(link.name(), Denied::new(why)))?;
            }
            for link in links {
                match link.admit(&request).await.map_err(|denied| self.refused(link.name(), denied))? {
                    Admitted::Pass(pass) => passes.0.0.push(self.turn.seat.home.keep(pass)),
                    // Only those that are asked once can know it.
                    Admitted::Answer(_) => {}
                }
            }
            let permit = match permits {
                Some(permits) => {
                    Some(Arc::clone(permits).acquire_owned().await.map_err(|_| self.cancelled())?)
                }
                None => None,
            };
            Ok((passes.into_inner(), permit))
        };
        let passed =
            self.until(round.deadline, HeldNow::AtNextAwait, self.shown(Wait::Admission, passing)).await?;
        passed.transpose()
    }

    /// Those of the swarm and those that it has brought, by their stages; the swarm's come first.
    fn links_of_a_try(&self) -> Vec<&dyn Link> {
        let ours = self.turn.seat.engine.links.iter().map(|link| &***link);
        let ours = ours.filter(|link| !link.stage().is_for_the_whole());
        if !self.brought.is_empty() {
            self.turn.seat.engine.brings(&self.brought);
        }
        let brought = self.brought.iter().map(|link| &**link);
        let mut links: Vec<&dyn Link> = ours.chain(brought).collect();
        links.sort_by_key(|link| link.stage());
        links
    }

    /// Tells those that let it pass how it ended, the last of them first. Where they run, a user's code may.
    pub(super) fn tell(&self, passes: Passes, how: &Ended<'_>) {
        for pass in passes.0.into_iter().rev() {
            let pass = pass.into_inner();
            if let Err(panic) = caught(|| pass.ended(how)) {
                self.turn.note_panic("link", &panic);
            }
        }
    }

    pub(super) fn refused(&self, link: &str, denied: Denied) -> EffectError {
        let Denied { message, advice, class } = denied;
        let (kind, link) = (naming::shown(&self.kind), link.to_owned());
        self.turn.note(What::EffectRefused {
            kind: kind.clone(),
            link: link.clone(),
            message: message.clone(),
        });
        EffectError::Refused { agent: self.agent(), kind, link, message, advice, class }
    }
}

impl Passes {
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Lets go of them here, unheard, for a try that came to nothing.
    pub(super) fn let_go(self) {
        self.0.into_iter().for_each(Theirs::let_go);
    }

    /// The same for a try that has not begun.
    pub(super) fn unused(self) {
        for pass in self.0.into_iter().rev() {
            let pass = pass.into_inner();
            // What it does is a user's; a panic there changes nothing about this effect.
            drop(caught(|| pass.unused()));
        }
    }
}

/// Passes on the way to a try: what becomes of it, they were for nothing unless it is there.
struct Unused(Passes);

impl Unused {
    fn into_inner(mut self) -> Passes {
        std::mem::take(&mut self.0)
    }
}

impl Drop for Unused {
    fn drop(&mut self) {
        std::mem::take(&mut self.0).unused();
    }
}
