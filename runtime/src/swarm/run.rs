//! Spawn, ask and stop in one.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::Swarm;
use crate::agent::Agent;
use crate::agent::ask::Ask;
use crate::agent::spawn::{Naming, SpawnPlace, begin};
use crate::agent::spec::AgentSpec;
use crate::engine::seat::Seat;
use crate::engine::seat::body::BoxFuture;
use crate::engine::turn::{self, Turn};
use crate::env::known;
use crate::words::defaults;
use crate::words::error::{AskError, RunError};
use crate::words::event::Role;
use crate::words::receipt::Stop;
use crate::words::state::StopReason;

/// A run, to be awaited. The agent is transient unless its spec says otherwise.
#[must_use = "a run begins when it is awaited"]
pub struct Run<A: Agent> {
    swarm: Swarm,
    spec: AgentSpec<A>,
    task: A::Task,
    within: Duration,
    stop: Stop,
    on_drop: OnDrop,
}

impl<A: Agent> Run<A> {
    pub(super) fn new(swarm: Swarm, spec: AgentSpec<A>, task: A::Task) -> Self {
        Self { swarm, spec, task, within: defaults::ASK, stop: Stop::default(), on_drop: OnDrop::Stop }
    }

    /// The deadline of the ask; 30 s by default.
    pub fn within(mut self, limit: Duration) -> Self {
        self.within = limit;
        self
    }

    /// How the subtree is stopped at the end; by default in order, within 10 s.
    pub fn stop(mut self, stop: Stop) -> Self {
        self.stop = stop;
        self
    }

    /// What dropping the run does; [`OnDrop::Stop`] by default.
    pub fn on_drop(mut self, then: OnDrop) -> Self {
        self.on_drop = then;
        self
    }

    async fn run(self) -> Result<A::Output, RunError<A::Task>> {
        let Self { swarm, mut spec, task, within, stop, on_drop } = self;
        let parent = match spec.take_parent(&swarm.0.engine) {
            Ok(parent) => parent.unwrap_or_else(|| swarm.root_seat()),
            Err(error) => return Err(RunError::Spawn(error, Box::new(task))),
        };
        // Wherever it is polled later, it is this turn's.
        let by = turn::current();
        let work = work(Arc::clone(&parent), by, spec, task, within, stop);
        if on_drop == OnDrop::Stop {
            return work.await;
        }
        // It goes on wherever this is dropped, and is no handle of the swarm.
        let (tell, told) = oneshot::channel();
        // Boxed, so that tokio's task is not compiled for each type of agent.
        let goes_on: BoxFuture<()> = Box::pin(async move {
            tell.send(work.await).ok();
        });
        parent.engine.env.spawn_work(goes_on);
        let over = |_| Err(RunError::Ask(AskError::Stopped(parent.id.clone(), StopReason::Stopped, None)));
        known(told).await.unwrap_or_else(over)
    }
}

/// What dropping a run does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnDrop {
    /// The subtree is fenced at once and stopped in the background, so that nothing is paid for without a reader.
    #[default]
    Stop,
    /// The task goes on, within its deadline, and the subtree is stopped when the task has its outcome. The outcome and
    /// the stop are events. The end of the swarm still ends it.
    Continue,
}

async fn work<A: Agent>(
    parent: Arc<Seat>,
    by: Option<Arc<Turn>>,
    spec: AgentSpec<A>,
    task: A::Task,
    within: Duration,
    stop: Stop,
) -> Result<A::Output, RunError<A::Task>> {
    let rights = turn::rights(by.as_deref());
    let place = SpawnPlace::under(&parent, Role::Scope, Naming::New).by(by);
    let spawning = match begin(place, spec).await {
        Ok(spawning) => spawning,
        Err(error) => return Err(RunError::Spawn(error, Box::new(task))),
    };
    let guard = StopOnDrop(Some(Arc::clone(spawning.seat())));
    let started = spawning.started().await;
    let seat = match started {
        Ok(seat) => seat,
        Err(error) => {
            guard.disarm();
            return Err(RunError::Spawn(error, Box::new(task)));
        }
    };
    let output = Ask::<A>::new(Arc::clone(&seat), task, None).bounded(rights).within(within).await;
    guard.disarm();
    // The receipt is an event; the answer is what was asked for.
    drop(seat.engine.stop_ordered(&seat, stop).await);
    output.map_err(RunError::Ask)
}

impl<A: Agent> IntoFuture for Run<A> {
    type Output = Result<A::Output, RunError<A::Task>>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

/// Stops the subtree of a run that nobody waits for any more.
struct StopOnDrop(Option<Arc<Seat>>);

impl StopOnDrop {
    fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        if let Some(seat) = self.0.take() {
            seat.engine.stop_in_background(&seat);
        }
    }
}
