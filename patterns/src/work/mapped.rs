//! Work whose answer becomes something else.

use std::fmt::Display;
use std::sync::Arc;

use skep_runtime::AgentError;

use super::{AnyWork, Bounds, Check, Perform, Performance, Place, Work};
use crate::estimate::Estimate;
use crate::failure::Failure;

/// Work whose answer is mapped: see [`Work::map`].
#[must_use = "work is done by a pattern"]
pub struct Mapped<W, F> {
    pub(super) work: W,
    pub(super) into: F,
}

/// Work whose answer is mapped where it can be: see [`Work::try_map`].
#[must_use = "work is done by a pattern"]
pub struct TryMapped<W, F> {
    pub(super) work: W,
    pub(super) into: Arc<F>,
}

/// Work whose output is made into something else where the pattern is awaited, if it can be.
struct Made<O, F> {
    work: AnyWork<O>,
    into: F,
}

impl<O: Send + Sync + 'static> AnyWork<O> {
    /// Takes only outputs that pass. One that does not is a failed attempt.
    pub(crate) fn accepting(self, check: Check<O>) -> Self {
        Self::new(Accepted { work: self, own: check })
    }

    /// What the output is made into; nothing is tried again for it.
    pub(crate) fn made<T: Send + Sync + 'static>(
        self,
        into: impl FnOnce(O) -> Result<T, Failure> + Send + 'static,
    ) -> AnyWork<T> {
        AnyWork::new(Made { work: self, into })
    }
}

impl<W, T, F> Work for Mapped<W, F>
where
    W: Work,
    T: Send + Sync + 'static,
    F: FnOnce(W::Output) -> T + Send + 'static,
{
    type Output = T;

    fn boxed(self) -> AnyWork<T> {
        let into = self.into;
        self.work.boxed().made(move |output| Ok(into(output)))
    }

    fn takes(bounds: &Bounds<'_>) -> Option<Estimate> {
        W::takes(bounds)
    }
}

impl<O, T, F> Perform<T> for Made<O, F>
where
    O: Send + Sync + 'static,
    T: Send + Sync + 'static,
    F: FnOnce(O) -> Result<T, Failure> + Send + 'static,
{
    fn perform(self: Box<Self>, place: Place, check: Option<Check<T>>) -> Performance<T> {
        Box::pin(async move {
            let Self { work, into } = *self;
            // What it maps it takes, so the check can only come after, when there is no other attempt.
            let checked = |value: T| match check.map_or(Ok(()), |check| check(&value)) {
                Ok(()) => Ok(value),
                Err(reason) => Err(not_accepted(&reason)),
            };
            work.perform(place, None).await.with(|output| into(output).and_then(checked))
        })
    }

    fn estimate(&self, bounds: &Bounds<'_>) -> Estimate {
        self.work.estimate(bounds)
    }

    fn agent(&self) -> Option<&str> {
        self.work.agent()
    }
}

/// Work with a check of its own.
struct Accepted<O> {
    work: AnyWork<O>,
    own: Check<O>,
}

impl<O: Send + Sync + 'static> Perform<O> for Accepted<O> {
    fn perform(self: Box<Self>, place: Place, check: Option<Check<O>>) -> Performance<O> {
        let Self { work, own } = *self;
        let both: Check<O> = match check {
            None => own,
            Some(check) => Arc::new(move |output| own(output).and_then(|()| check(output))),
        };
        work.perform(place, Some(both))
    }

    fn estimate(&self, bounds: &Bounds<'_>) -> Estimate {
        self.work.estimate(bounds)
    }

    fn agent(&self) -> Option<&str> {
        self.work.agent()
    }
}

impl<W, T, E, F> Work for TryMapped<W, F>
where
    W: Work,
    T: Send + Sync + 'static,
    E: Display + 'static,
    F: Fn(&W::Output) -> Result<T, E> + Send + Sync + 'static,
{
    type Output = T;

    fn boxed(self) -> AnyWork<T> {
        let into: Try<W::Output, T> = {
            let into = self.into;
            Arc::new(move |output: &W::Output| into(output).map_err(|error| error.to_string()))
        };
        AnyWork::new(Tried { work: self.work.boxed(), into })
    }

    fn takes(bounds: &Bounds<'_>) -> Option<Estimate> {
        W::takes(bounds)
    }
}

type Try<O, T> = Arc<dyn Fn(&O) -> Result<T, String> + Send + Sync>;

struct Tried<O, T> {
    work: AnyWork<O>,
    into: Try<O, T>,
}

impl<O, T> Perform<T> for Tried<O, T>
where
    O: Send + Sync + 'static,
    T: Send + Sync + 'static,
{
    fn perform(self: Box<Self>, place: Place, check: Option<Check<T>>) -> Performance<T> {
        Box::pin(async move {
            let Self { work, into } = *self;
            let whole = move |output: &O| {
                let value = into(output)?;
                check.as_ref().map_or(Ok(()), |check| check(&value)).map(|()| value)
            };
            let whole: Try<O, T> = Arc::new(whole);
            let first = Arc::clone(&whole);
            let check: Check<O> = Arc::new(move |output| first(output).map(drop));
            let done = work.perform(place, Some(check)).await;
            done.with(|output| whole(&output).map_err(|reason| not_accepted(&reason)))
        })
    }

    fn estimate(&self, bounds: &Bounds<'_>) -> Estimate {
        self.work.estimate(bounds)
    }

    fn agent(&self) -> Option<&str> {
        self.work.agent()
    }
}

fn not_accepted(reason: &str) -> Failure {
    Failure::Failed(AgentError::message(format!("the output was not accepted: {reason}")))
}
