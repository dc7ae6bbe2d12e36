//! A pattern as a part of another.

use futures_util::future::{Either, select};
use skep_runtime::{AgentError, FailureClass, Scope, ScopeOwner};

use super::{AnyWork, Bounds, Check, Done, Perform, Performance, Place, Work};
use crate::cut::Cut;
use crate::estimate::Estimate;
use crate::failure::Failure;
use crate::parts::stuck_in;
use crate::pattern::{Pattern, Report};

/// A pattern as a part of another: it is built in the part's own scope, which is the owner that `build` is given, and its
/// value is the part's output. Built once to be run, and once more for each estimate.
///
/// The inner pattern has its own terms, and ends with the outer one at the latest. It tries its own parts again, so the part as a
/// whole is not.
pub const fn nest<P, F>(build: F) -> Nested<F>
where
    P: Pattern + 'static,
    F: Fn(ScopeOwner) -> P + Send + 'static,
{
    Nested(build)
}

/// A pattern as work: see [`nest`].
#[must_use = "work is done by a pattern"]
pub struct Nested<F>(F);

impl<P, F> Work for Nested<F>
where
    P: Pattern + 'static,
    <P::Report as Report>::Value: Send + Sync + 'static,
    F: Fn(ScopeOwner) -> P + Send + 'static,
{
    type Output = <P::Report as Report>::Value;

    fn boxed(self) -> AnyWork<Self::Output> {
        AnyWork::new(self)
    }
}

impl<P, F> Perform<<P::Report as Report>::Value> for Nested<F>
where
    P: Pattern + 'static,
    <P::Report as Report>::Value: Send + Sync + 'static,
    F: Fn(ScopeOwner) -> P + Send + 'static,
{
    fn perform(
        self: Box<Self>,
        place: Place,
        check: Option<Check<<P::Report as Report>::Value>>,
    ) -> Performance<<P::Report as Report>::Value> {
        Box::pin(async move {
            let scope = match Scope::open(&place.owner(), &place.name) {
                Ok(scope) => scope,
                Err(error) => return Done::not_done(Failure::not_spawned(error)),
            };
            let pattern = (self.0)(ScopeOwner::from(&scope));
            let began = place.env.now();
            let late = std::pin::pin!(place.env.sleep_until(place.until));
            let halted = std::pin::pin!(place.halt.raised());
            let over = select(late, halted);
            let run = std::pin::pin!(pattern.run());
            let (report, is_late) = match select(run, over).await {
                Either::Left((report, _)) => (report, false),
                // It is not dropped: its parts end with the scope, and each says what it cost.
                Either::Right((over, run)) => {
                    let is_late = matches!(over, Either::Left(_));
                    futures_util::join!(async { (run.await, is_late) }, scope.stop(place.stop)).0
                }
            };
            let took = place.env.now().since(began);
            let stuck = stuck_in(&scope.stop(place.stop).await).collect();
            let parts = report.parts().into_owned();
            let (cost, cut) = (parts.cost(), parts.is_cut_by_owner.then_some(Cut::Owner));
            let result = report.into_result().map_err(|error| {
                if is_late {
                    let text = format!("not over in {took:.1?}: {error}");
                    return Failure::Failed(
                        AgentError::new(FailureClass::Deadline, text).advise(error.advice()),
                    );
                }
                Failure::Failed(error)
            });
            let done = Done {
                result,
                agent: None,
                id: Some(scope.id().clone()),
                attempts: 1,
                errors: Vec::new(),
                cost: Some(cost),
                took,
                is_recalled: false,
                stuck,
                cut,
                inner: Some(Box::new(parts)),
            };
            done.with(|value| match check.map_or(Ok(()), |check| check(&value)) {
                Ok(()) => Ok(value),
                Err(reason) => Err(Failure::Failed(AgentError::message(reason))),
            })
        })
    }

    fn estimate(&self, bounds: &Bounds<'_>) -> Estimate {
        (self.0)(bounds.owner.clone()).estimate().within(bounds.costing)
    }

    fn agent(&self) -> Option<&str> {
        None
    }
}
