//! Agents of the patterns that gather opinions: each takes its time, makes one call that costs, and says what it was told to say.

use std::pin::Pin;

use skep::work::AgentFn;
use skep::{AgentError, AgentSpec, Context, Message, NanoUsd, Usage, agent_fn};

use crate::rig::millis;

type Saying<O> = Pin<Box<dyn Future<Output = Result<O, AgentError>> + Send>>;

/// Says this after so many milliseconds, to every task.
pub(crate) fn says<T: Message + Clone, O: Message + Clone>(
    name: &str,
    ms: u64,
    what: Result<O, &'static str>,
) -> AgentSpec<AgentFn<T, O, impl Fn(T, Context) -> Saying<O> + Clone + Send + Sync + 'static + use<T, O>>> {
    thinks(name, ms, move |_: &T| what.clone())
}

/// Says what comes of the task, after so many milliseconds.
pub(crate) fn thinks<T, O, F>(
    name: &str,
    ms: u64,
    what: F,
) -> AgentSpec<AgentFn<T, O, impl Fn(T, Context) -> Saying<O> + Clone + Send + Sync + 'static + use<T, O, F>>>
where
    T: Message + Clone,
    O: Message,
    F: Fn(&T) -> Result<O, &'static str> + Clone + Send + Sync + 'static,
{
    agent_fn(name, move |task: T, cx: Context| {
        let what = what.clone();
        let saying: Saying<O> = Box::pin(async move {
            let price = Usage::calls(1).with_money(NanoUsd(1_000_000));
            let paid = cx.effect("work", cx.attempt()).worst_case(price).run(move |call| async move {
                call.used(price);
                Ok(())
            });
            paid.await?;
            cx.sleep(millis(ms)).await?;
            what(&task).map_err(AgentError::message)
        });
        saying
    })
}

/// Why each part has no output; a dot where it has one.
pub(crate) fn whys(parts: &skep::Parts) -> Vec<String> {
    let why = |part: &skep::Part| part.failure.as_ref().map_or(".".to_owned(), ToString::to_string);
    parts.parts.iter().map(why).collect()
}
