//! Calls one after another until one answers.

use std::sync::Arc;
use std::time::Duration;

use skep_runtime::context::Cancelled;
use skep_runtime::{Context, EffectError};

use super::{Choices, Reaction};
use crate::defaults;
use crate::model::Reply;
use crate::model::call::{KIND, Plan};
use crate::model::models::Candidate;
use crate::model::streaming::Hand;

/// Why a route came to no answer.
enum NoAnswer {
    Cancelled,
    Effect(EffectError),
}

impl From<Cancelled> for NoAnswer {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

/// Calls whoever is to be called first, and others as long as that fails.
///
/// # Errors
/// The last call's.
pub(crate) async fn run(cx: Context, plan: Plan, hand: Option<Arc<Hand>>) -> Result<Reply, EffectError> {
    let plan = Arc::new(plan);
    let answered = cx.memo(KIND, plan.input(), |cx| go(cx, Arc::clone(&plan), hand)).await;
    answered.map_err(|error| match error {
        NoAnswer::Effect(error) => error,
        NoAnswer::Cancelled => EffectError::Cancelled { agent: cx.id().clone(), kind: KIND.to_owned() },
    })
}

async fn go(cx: Context, plan: Arc<Plan>, hand: Option<Arc<Hand>>) -> Result<Reply, NoAnswer> {
    let until = cx.now() + plan.within;
    let mut choices =
        Choices::new(plan.candidates.iter().map(Candidate::choice), plan.tries, defaults::MODEL_RETRY_AFTER);
    let mut last = None;
    loop {
        let now = cx.now();
        let standing = |at: usize| {
            let one = &plan.candidates[at];
            let (input, output) = plan.tokens_at_most(&**one.model());
            one.standing(input.saturating_add(output), cx.env())
        };
        let next = choices.next(now, standing).filter(|(_, wait)| now + *wait < until);
        let Some((at, wait)) = next else {
            let expired = || EffectError::Expired { agent: cx.id().clone(), kind: KIND.to_owned() };
            return Err(NoAnswer::Effect(last.unwrap_or_else(expired)));
        };
        if !wait.is_zero() {
            // Whoever is free by then may be another.
            cx.sleep(wait).await?;
            continue;
        }
        let error = match call(&cx, &plan, at, until.since(now), choices.calls(), hand.clone()).await {
            Ok(reply) => return Ok(reply),
            Err((error, _)) if hand.as_ref().is_some_and(|hand| hand.has_given()) => {
                return Err(NoAnswer::Effect(error));
            }
            Err((error, Reaction::Larger)) if !plan.larger => return Err(NoAnswer::Effect(error)),
            Err((error, reaction)) => {
                let jitter = u16::try_from(cx.env().random_below(65_536)).unwrap_or(0);
                choices.failed(at, reaction, jitter, cx.now());
                error
            }
        };
        last = Some(error);
    }
}

/// One call, and what follows from its error.
async fn call(
    cx: &Context,
    plan: &Plan,
    at: usize,
    within: Duration,
    before: u32,
    hand: Option<Arc<Hand>>,
) -> Result<Reply, (EffectError, Reaction)> {
    let candidate = &plan.candidates[at];
    let (effect, asked) = plan.effect(cx, candidate, within);
    let _open = candidate.enter();
    let called = Arc::clone(&asked);
    let effect = effect.alternative().tried_before(before);
    let answered = effect.run(move |call| Arc::clone(&called).once(call, hand.clone())).await;
    answered.map_err(|error| {
        let reaction = Reaction::to(&error, asked.said().as_ref());
        (error, reaction)
    })
}
