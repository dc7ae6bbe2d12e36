//! What is done once for all attempts at a task: a route that has tried one way and then another does not try the first again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use skep::context::Cancelled;
use skep::testkit::{Lab, Point, TestResult};
use skep::{Agent, AgentError, AgentSpec, Call, Context, EffectError, RestartMode, Tried, Usage};

use super::forest::ms;

#[derive(Default)]
struct Bills {
    busy: AtomicU64,
    paid: AtomicU64,
}

/// Asks a provider that is busy, then one that answers; all of that twice, with a step after each.
struct Router(Arc<Bills>);

#[derive(Debug)]
enum Failed {
    Effect(EffectError),
    Cancelled(Cancelled),
}

impl From<Cancelled> for Failed {
    fn from(cancelled: Cancelled) -> Self {
        Self::Cancelled(cancelled)
    }
}

impl From<EffectError> for Failed {
    fn from(error: EffectError) -> Self {
        Self::Effect(error)
    }
}

impl From<Failed> for AgentError {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Effect(error) => error.into(),
            Failed::Cancelled(cancelled) => cancelled.into(),
        }
    }
}

impl Router {
    /// The first call of this kind is turned away.
    async fn call(&self, cx: &Context) -> Result<u64, EffectError> {
        let bills = &self.0;
        let call = |call: Call| async move {
            call.used(Usage::calls(1));
            tokio::time::sleep(ms(10)).await;
            let made: Tried<u64> = Ok(bills.paid.fetch_add(1, Ordering::SeqCst) + 1);
            made
        };
        let effect = || cx.effect("model", "the question").worst_case(Usage::calls(1));
        let busy = |call: Call| async move {
            call.used(Usage::ZERO);
            bills.busy.fetch_add(1, Ordering::SeqCst);
            Tried::<u64>::Err(AgentError::message("busy"))
        };
        match effect().run(busy).await {
            Ok(value) => Ok(value),
            Err(_) => effect().run(call).await,
        }
    }
}

impl Agent for Router {
    type Task = bool;
    type Output = Vec<u64>;

    async fn handle(&mut self, in_memos: &bool, cx: &Context) -> Result<Vec<u64>, AgentError> {
        let (mut had, this) = (Vec::new(), &*self);
        for _ in 0..2 {
            had.push(if *in_memos {
                let route = |cx: Context| async move { Ok::<_, Failed>(this.call(&cx).await?) };
                cx.memo("route", "the question", route).await?
            } else {
                this.call(cx).await?
            });
            cx.step("routed").await?;
        }
        Ok(had)
    }
}

#[skep::swarm_test(seeds = 20)]
async fn a_route_is_gone_once_for_all_attempts(lab: Lab) -> TestResult {
    // Whatever fails, a memo that has its value asks nobody again.
    let crashes = |lab: &Lab| {
        lab.clone().fault(Point::step("routed").nth(1).panics()).fault(Point::step("routed").nth(3).panics())
    };
    for (mode, calls) in [(RestartMode::Resume, (2, 2)), (RestartMode::Anew, (5, 5))] {
        let lab = crashes(&Lab::seed(lab.which_seed()));
        let swarm = lab.start().await;
        let bills = Arc::<Bills>::default();
        let its = Arc::clone(&bills);
        let spec = AgentSpec::new("router", move || Router(Arc::clone(&its))).restart_mode(mode);
        let router = swarm.spawn(spec.intensity(9, ms(1_000))).await?;
        let had = router.ask(true).await?;
        let counts = (bills.busy.load(Ordering::SeqCst), bills.paid.load(Ordering::SeqCst));
        assert_eq!((had.len(), counts), (2, calls), "{mode:?}");
        lab.end(swarm).await;
    }
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn without_a_memo_the_first_of_the_route_is_asked_again(lab: Lab) -> TestResult {
    let lab = lab.fault(Point::step("routed").nth(1).panics());
    let swarm = lab.start().await;
    let bills = Arc::<Bills>::default();
    let its = Arc::clone(&bills);
    let spec = AgentSpec::new("router", move || Router(Arc::clone(&its))).restart_mode(RestartMode::Resume);
    let had = swarm.spawn(spec).await?.ask(false).await?;
    assert_eq!((had.len(), bills.busy.load(Ordering::SeqCst)), (2, 3), "which is what a memo is for");
    lab.end(swarm).await;
    Ok(())
}
