//! The runtime under a swarm is missing, lacks its clock, or ends while the swarm lives.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use skep::{
    Agent, AgentError, AgentRef, AgentSpec, AskError, Context, End, StartError, Stop, StopContext, Swarm,
};
use tokio::runtime::{Builder, Runtime};

use super::until;

/// With how many stop hooks have run to their end.
#[derive(Clone, Default)]
struct Worker(Arc<AtomicUsize>);

impl Agent for Worker {
    type Task = bool;
    type Output = ();

    async fn handle(&mut self, hangs: &bool, _: &Context) -> Result<(), AgentError> {
        if *hangs {
            std::future::pending::<()>().await;
        }
        Ok(())
    }

    async fn stop(&mut self, cx: &StopContext) -> Result<(), AgentError> {
        cx.effect("close", ()).run(|_| async { Ok(()) }).await?;
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// How many threads of this process are control threads.
fn control_threads() -> usize {
    let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let names = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("comm")).ok());
    names.filter(|name| name.trim() == "skep-control").count()
}

#[test]
fn a_swarm_without_a_runtime_or_without_timers_is_an_error_that_says_so() {
    let start = || block_on_nothing(Swarm::builder("s").start());
    assert_eq!(start().map(drop), Err(StartError::NoRuntime));
    let runtime = Builder::new_multi_thread().worker_threads(1).build().unwrap();
    assert_eq!(runtime.block_on(Swarm::builder("s").start()).map(drop), Err(StartError::NoTimers));
    for error in [StartError::NoRuntime, StartError::NoTimers] {
        assert!(error.to_string().contains("runtime"), "{error}");
    }
}

/// Polls on a thread without any runtime.
fn block_on_nothing<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    loop {
        if let std::task::Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
    }
}

/// A swarm with an idle agent, one that has worked, and one that is in a turn with another task behind it.
fn on_ground(hooks: &Arc<AtomicUsize>) -> (Runtime, Swarm, Vec<AgentRef<Worker>>) {
    let ground = runtime();
    let (swarm, agents) = ground.block_on(async {
        let swarm = Swarm::builder("s").start().await.unwrap();
        let mut agents = Vec::new();
        for name in ["idle", "worked", "busy"] {
            let worker = Worker(Arc::clone(hooks));
            agents.push(swarm.spawn(AgentSpec::new(name, move || worker.clone())).await.unwrap());
        }
        agents[1].ask(false).await.unwrap();
        (swarm, agents)
    });
    (ground, swarm, agents)
}

#[test]
fn when_the_runtime_ends_asks_fail_at_once_and_the_receipt_is_true_and_prompt() {
    let elsewhere = runtime();
    for shut_down in
        [(|ground| drop::<Runtime>(ground)) as fn(Runtime), Runtime::shutdown_background, |ground| {
            ground.shutdown_timeout(Duration::from_secs(1));
        }]
    {
        let hooks = Arc::default();
        let (ground, swarm, agents) = on_ground(&hooks);
        let (busy, long) = (agents[2].clone(), Duration::from_secs(60));
        let running = elsewhere.spawn(busy.ask(true).within(long));
        until("it works", || busy.state().is_working());
        let queued = elsewhere.spawn(busy.ask(true).within(long));
        until("one waits", || busy.status().queued == 1);
        let began = Instant::now();
        shut_down(ground);
        for asked in [running, queued] {
            let told = elsewhere.block_on(asked).unwrap().expect_err("nobody can answer");
            assert!(matches!(&told, AskError::Stopped(..)), "{told}");
            assert!(told.to_string().contains("runtime"), "it says why: {told}");
        }
        let receipt = elsewhere.block_on(swarm.stop(Stop::within(Duration::from_secs(30))));
        let told = elsewhere.block_on(agents[0].ask(false).within(long)).unwrap_err();
        assert!(told.to_string().contains("runtime"), "it says why: {told}");
        assert!(began.elapsed() < Duration::from_secs(20), "prompt");
        let ends: Vec<_> = receipt.rows().iter().map(|row| row.end).collect();
        assert_eq!((ends.len(), ends[2]), (3, End::Aborted), "{receipt}");
        // One that ends in the background may still run a hook; a row says Clean where one has run.
        let clean = ends.iter().filter(|end| **end == End::Clean).count();
        assert_eq!(clean, hooks.load(Ordering::SeqCst), "{receipt:#?}");
        assert!(receipt.nothing_left() && !receipt.is_clean(), "{receipt}");
        assert!(agents.iter().all(|agent| !agent.state().is_live()));
    }
    until("no control thread is left, though handles live", || control_threads() == 0);
}

#[test]
fn work_for_the_environment_comes_back_also_where_its_runtime_has_ended() {
    let (ground, swarm, _agents) = on_ground(&Arc::default());
    let env = swarm.env().clone();
    drop(ground);
    let elsewhere = runtime();
    assert_eq!(elsewhere.block_on(env.blocking(|| 7)), 7);
    let panics = elsewhere.spawn(async move { env.blocking(|| panic!("its own")).await });
    assert!(elsewhere.block_on(panics).is_err_and(|error| error.is_panic()));
    assert!(elsewhere.block_on(swarm.stop(Stop::within(Duration::from_secs(5)))).nothing_left());
}

#[tokio::test]
async fn an_environment_is_that_of_one_swarm() {
    let env = skep::Env::real();
    let swarm = Swarm::builder("first").env(env.clone()).start().await.unwrap();
    for _ in 0..2 {
        let second = Swarm::builder("second").env(env.clone()).start().await.map(drop);
        let error = second.expect_err("it would end with the first").to_string();
        assert!(error.contains("env") && error.contains("another swarm"), "{error}");
        drop(swarm.stop(Stop::within(Duration::from_secs(5))).await);
    }
}

#[test]
fn a_stopped_swarm_keeps_no_thread_because_a_handle_lives() {
    let ground = runtime();
    let swarm = ground.block_on(async {
        let swarm = Swarm::builder("s").start().await.unwrap();
        swarm.spawn(AgentSpec::new("a", Worker::default)).await.unwrap().ask(false).await.unwrap();
        assert!(swarm.stop(Stop::within(Duration::from_secs(5))).await.is_clean());
        swarm
    });
    until("its control thread ends", || control_threads() == 0);
    let again = ground.block_on(swarm.stop(Stop::within(Duration::from_secs(5))));
    assert!(again.rows().is_empty() && again.nothing_left());
}
