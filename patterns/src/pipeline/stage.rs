//! A stage, with the types of what it gets and gives erased: the builder has seen to it that they fit.

use std::any::Any;
use std::marker::PhantomData;
use std::sync::Arc;

use skep_runtime::{AgentError, Message};

use crate::estimate::Estimate;
use crate::failure::Failure;
use crate::work::{AnyWork, Bounds, Work};

/// What goes from stage to stage.
pub(super) type Value = Arc<dyn Any + Send + Sync>;

/// What a stage gave, and how that is kept.
pub(super) struct Given {
    pub(super) value: Value,
    pub(super) kept: serde_json::Value,
}

/// A stage on its input.
pub(super) enum Begun {
    Work(AnyWork<Given>),
    Done(Result<Given, AgentError>),
}

pub(super) trait Stage: Send + Sync {
    fn begin(&self, input: Value) -> Begun;

    /// What it gave, from how that was kept.
    fn read(&self, kept: &serde_json::Value) -> Result<Value, serde_json::Error>;

    /// What it takes, where its input is known and where not.
    fn estimate(&self, input: Option<&(dyn Any + Send + Sync)>, bounds: &Bounds<'_>) -> Estimate;
}

/// A stage by an agent.
pub(super) struct Staged<F, I, W> {
    pub(super) work: F,
    pub(super) types: PhantomData<fn(&I) -> W>,
}

/// A stage by an agent whose output is added to its input.
pub(super) struct Accumulating<F, I, W> {
    pub(super) work: F,
    pub(super) types: PhantomData<fn(&I) -> W>,
}

/// A plain function.
pub(super) struct Function<F, I, P> {
    pub(super) function: F,
    pub(super) types: PhantomData<fn(&I) -> P>,
}

impl<F, I, W> Stage for Staged<F, I, W>
where
    I: Send + Sync + 'static,
    W: Work,
    W::Output: Message,
    F: Fn(&I) -> W + Send + Sync,
{
    fn begin(&self, input: Value) -> Begun {
        Begun::Work(
            (self.work)(&ours::<I>(input)).boxed().made(|output| keep(output).map_err(Failure::Failed)),
        )
    }

    fn read(&self, kept: &serde_json::Value) -> Result<Value, serde_json::Error> {
        read::<W::Output>(kept)
    }

    fn estimate(&self, input: Option<&(dyn Any + Send + Sync)>, bounds: &Bounds<'_>) -> Estimate {
        estimate::<I, W>(&self.work, input, bounds)
    }
}

impl<F, I, W> Stage for Accumulating<F, I, W>
where
    I: Message + Clone,
    W: Work,
    W::Output: Message,
    F: Fn(&I) -> W + Send + Sync,
{
    fn begin(&self, input: Value) -> Begun {
        let input = ours::<I>(input);
        let work = (self.work)(&input).boxed();
        Begun::Work(work.made(move |output| keep(((*input).clone(), output)).map_err(Failure::Failed)))
    }

    fn read(&self, kept: &serde_json::Value) -> Result<Value, serde_json::Error> {
        read::<(I, W::Output)>(kept)
    }

    fn estimate(&self, input: Option<&(dyn Any + Send + Sync)>, bounds: &Bounds<'_>) -> Estimate {
        estimate::<I, W>(&self.work, input, bounds)
    }
}

impl<F, I, P> Stage for Function<F, I, P>
where
    I: Send + Sync + 'static,
    P: Message,
    F: Fn(&I) -> Result<P, AgentError> + Send + Sync,
{
    fn begin(&self, input: Value) -> Begun {
        Begun::Done((self.function)(&ours::<I>(input)).and_then(keep))
    }

    fn read(&self, kept: &serde_json::Value) -> Result<Value, serde_json::Error> {
        read::<P>(kept)
    }

    fn estimate(&self, _: Option<&(dyn Any + Send + Sync)>, _: &Bounds<'_>) -> Estimate {
        Estimate::nothing()
    }
}

/// A value as what the builder has said that it is.
pub(super) fn ours<T: Send + Sync + 'static>(value: Value) -> Arc<T> {
    value.downcast().unwrap_or_else(|_| unreachable!("each stage is added to one that gives what it gets"))
}

fn keep<O: Message>(output: O) -> Result<Given, AgentError> {
    let kept = serde_json::to_value(&output).map_err(AgentError::failed)?;
    Ok(Given { value: Arc::new(output), kept })
}

fn read<O: Message>(kept: &serde_json::Value) -> Result<Value, serde_json::Error> {
    Ok(Arc::new(<O as serde::Deserialize>::deserialize(kept)?))
}

fn estimate<I: Send + Sync + 'static, W: Work>(
    work: &(impl Fn(&I) -> W + Send + Sync),
    input: Option<&(dyn Any + Send + Sync)>,
    bounds: &Bounds<'_>,
) -> Estimate {
    match input.and_then(|input| input.downcast_ref::<I>()) {
        Some(input) => work(input).boxed().estimate(bounds),
        None => W::takes(bounds).unwrap_or_else(|| Estimate::unknown(bounds.name, bounds.costing)),
    }
}
