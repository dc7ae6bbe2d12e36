//! An agent may hold much across its awaits: that lies on the heap, and not on a worker's stack once for each layer above it.

use std::cell::Cell;
use std::hint::black_box;
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};
use skep::testkit::TestResult;
use skep::{Agent, AgentError, AgentSpec, Call, Context, Stop, StopContext, Swarm, Tried};

/// What the agent holds in each of its futures.
const HELD: usize = 64 << 10;

thread_local! {
    /// Where the stack of a worker begins.
    static BEGIN: Cell<usize> = const { Cell::new(0) };
}

fn here() -> usize {
    let mark = 0_u8;
    std::ptr::from_ref(black_box(&mark)).addr()
}

/// How deep the stack was in each part of an agent's code.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Depths(#[serde(skip)] Arc<Mutex<Vec<(String, usize)>>>);

impl Depths {
    /// A future that holds `N` bytes across an await, and writes down how deep it is polled.
    async fn hold<const N: usize>(self, part: &'static str) -> usize {
        let held = black_box([1_u8; N]);
        tokio::task::yield_now().await;
        self.0.lock().unwrap().push((part.to_owned(), BEGIN.get().abs_diff(here())));
        black_box(&held).len()
    }

    /// Holds it in an effect's call.
    async fn call<const N: usize>(self, cx: &Context) -> Result<usize, AgentError> {
        let call = |_| async { Tried::Ok(self.clone().hold::<N>("call").await) };
        Ok(cx.effect("carry", N).free().run(call).await?)
    }

    /// Holds it in what a call does outside.
    async fn outside<const N: usize>(self, cx: &Context) -> Result<usize, AgentError> {
        let call = |call: Call| {
            let depths = self.clone();
            async move { Tried::Ok(call.outside(depths.hold::<N>("outside")).await) }
        };
        Ok(cx.effect("carry outside", N).free().run(call).await?)
    }

    fn of(&self, part: &str) -> usize {
        let depths = self.0.lock().unwrap();
        let found = depths.iter().filter(|(name, _)| *name == part).map(|(_, depth)| *depth);
        found.max().unwrap_or_else(|| panic!("{part} was not polled"))
    }
}

struct Porter<const N: usize>(Depths);

impl<const N: usize> Agent for Porter<N> {
    type Task = Depths;
    type Output = ();

    async fn start(&mut self, _: &Context) -> Result<(), AgentError> {
        self.0.clone().hold::<N>("start").await;
        Ok(())
    }

    async fn handle(&mut self, _: &Depths, cx: &Context) -> Result<(), AgentError> {
        let depths = &self.0;
        // What follows is boxed, so that it adds nothing to what is held here.
        depths.clone().hold::<N>("handle").await;
        Box::pin(depths.clone().call::<N>(cx)).await?;
        Box::pin(depths.clone().outside::<N>(cx)).await?;
        Err(AgentError::redeliver(AgentError::message("it wants help")))
    }

    async fn on_help(depths: &Depths, _: &[AgentError], _: &Context) -> Result<Option<()>, AgentError> {
        depths.clone().hold::<N>("on_help").await;
        Ok(Some(()))
    }

    async fn stop(&mut self, _: &StopContext) -> Result<(), AgentError> {
        self.0.clone().hold::<N>("stop").await;
        Ok(())
    }
}

/// Begins an agent that holds `N` bytes in each of its futures, and says how deep each was polled.
fn depths<const N: usize>() -> Depths {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.worker_threads(1).on_thread_start(|| BEGIN.set(here())).enable_all();
    let runtime = runtime.build().unwrap();
    let depths = Depths::default();
    let its = depths.clone();
    let work = async move {
        let swarm = Swarm::builder("large").start().await?;
        let made = its.clone();
        let porter = swarm.spawn(AgentSpec::new("porter", move || Porter::<N>(made.clone()))).await?;
        porter.ask(its).await?;
        let receipt = swarm.stop(Stop::default()).await;
        assert!(receipt.is_clean(), "{receipt}");
        TestResult::Ok(())
    };
    runtime.block_on(async { tokio::spawn(work).await.unwrap().unwrap() });
    depths
}

#[test]
fn what_an_agent_holds_across_its_awaits_does_not_add_up_on_the_stack() {
    let (small, large) = (depths::<1>(), depths::<HELD>());
    for part in ["start", "handle", "call", "outside", "on_help", "stop"] {
        // The frames of an unoptimised build have it three to five times, most of them this file's own. With those of our layers
        // it was up to 160 times.
        let more = large.of(part).saturating_sub(small.of(part));
        assert!(more <= 6 * HELD, "{part}: {more} bytes for {HELD}");
    }
}
