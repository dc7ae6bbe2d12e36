//! skep: agents under a dynamic supervisor, journal and all.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use skep_runtime::{
    Agent, AgentError, AgentRef, AgentSpec, Context, Shutdown, Stop, StopContext, Supervisor, Swarm,
};

use super::{Side, Starts};

pub(crate) struct OnSkep {
    pub(crate) swarm: Swarm,
    pub(crate) parent: AgentRef<Supervisor>,
    agents: usize,
}

#[derive(Default)]
pub(crate) struct One(u64);

#[derive(Serialize, Deserialize)]
pub(crate) enum Task {
    Ask(u64),
    Tell(u64),
    /// Writes so many events of its own.
    Note(u64),
}

impl Agent for One {
    type Task = Task;
    type Output = u64;

    async fn handle(&mut self, task: &Task, cx: &Context) -> Result<u64, AgentError> {
        match task {
            Task::Ask(number) => Ok(number + 1),
            Task::Tell(number) => {
                self.0 = self.0.wrapping_add(*number);
                Ok(self.0)
            }
            Task::Note(events) => {
                for _ in 0..*events {
                    cx.record("row", 1, serde_json::Value::Null);
                }
                Ok(0)
            }
        }
    }
}

/// A mailbox that takes what the others' unbounded ones take.
const MAILBOX: usize = 1 << 21;
/// Ordered siblings share a stop's time level by level, and the least part of it is to be seconds on a busy machine too.
const AGES: Duration = Duration::from_secs(10 * 24 * 3600);
/// As deep as the deepest tree of a row, above which five levels are the default.
const DEPTH: u32 = 6;

impl Side for OnSkep {
    type One = AgentRef<One>;

    async fn start() -> Self {
        let swarm = Swarm::builder("bench").max_depth(DEPTH).start().await.unwrap();
        let parent = swarm.spawn(Supervisor::dynamic().named("parent")).await.unwrap();
        Self { swarm, parent, agents: 0 }
    }

    async fn spawn(&mut self) -> Self::One {
        self.agents += 1;
        let spec = AgentSpec::new(self.agents.to_string(), One::default)
            .under(&self.parent)
            .mailbox(MAILBOX)
            .shutdown(Shutdown::UntilDeadline);
        self.swarm.spawn(spec).await.unwrap()
    }

    async fn spawn_below(&mut self, _: usize, above: &Self::One) -> Self::One {
        self.agents += 1;
        let spec = AgentSpec::new(self.agents.to_string(), One::default).under(above);
        // Those below are ordered siblings and end one by one: they share what is left, and not five seconds.
        let spec = spec.shutdown(Shutdown::UntilDeadline);
        self.swarm.spawn(spec).await.unwrap()
    }

    async fn ask(one: &Self::One, number: u64) -> u64 {
        one.ask(Task::Ask(number)).await.ok().unwrap()
    }

    fn tell(one: &Self::One, number: u64) {
        one.tell(Task::Tell(number)).ok().unwrap();
    }

    async fn ask_inside(&mut self, one: &Self::One, times: u64) -> Duration {
        let (name, one) = (format!("asker-{}", self.agents), one.clone());
        let spec = AgentSpec::new(name, move || Asker(one.clone())).under(&self.parent);
        let asker = self.swarm.spawn(spec).await.unwrap();
        asker.ask(times).within(AGES).await.ok().unwrap()
    }

    async fn stop(self) -> usize {
        let receipt = self.parent.stop(Stop::within(AGES)).await;
        assert!(receipt.nothing_left() && receipt.is_clean(), "{receipt}");
        receipt.rows().len() - 1
    }

    async fn restarts(children: usize, each: usize) -> Duration {
        let swarm = Swarm::builder("bench").start().await.unwrap();
        let parent = Supervisor::dynamic().named("parent").intensity(u32::MAX, Duration::from_secs(1));
        let parent = swarm.spawn(parent).await.unwrap();
        let starts = Starts::new(children * (each + 1));
        let mut agents = Vec::new();
        for child in 0..children {
            let starts = Arc::clone(&starts);
            let crashing = move || Crashing(Arc::clone(&starts));
            let spec = AgentSpec::new(child.to_string(), crashing).under(&parent).attempts(1).mailbox(each);
            agents.push(swarm.spawn(spec).await.unwrap());
        }
        let began = Instant::now();
        for agent in &agents {
            for _ in 0..each {
                agent.tell(()).ok().unwrap();
            }
        }
        starts.all().await;
        let took = began.elapsed();
        drop(swarm.stop(Stop::brutally()).await);
        took
    }
}

/// Asks the same agent again and again in each of its tasks.
struct Asker(AgentRef<One>);

impl Agent for Asker {
    type Task = u64;
    type Output = Duration;

    async fn handle(&mut self, times: &u64, cx: &Context) -> Result<Duration, AgentError> {
        let began = Instant::now();
        for number in 0..*times {
            cx.ask(&self.0, Task::Ask(number)).await?;
        }
        Ok(began.elapsed())
    }
}

/// Crashes at each task.
pub(crate) struct Crashing(pub(crate) Arc<Starts>);

impl Agent for Crashing {
    type Task = ();
    type Output = ();

    async fn start(&mut self, _: &Context) -> Result<(), AgentError> {
        self.0.one();
        Ok(())
    }

    async fn handle(&mut self, (): &(), _: &Context) -> Result<(), AgentError> {
        panic!("again")
    }
}

/// An agent with a stop hook of its own, and a task that goes on until it is stopped.
pub(crate) struct Ends;

impl Agent for Ends {
    type Task = ();
    type Output = ();

    async fn handle(&mut self, (): &(), cx: &Context) -> Result<(), AgentError> {
        Ok(cx.sleep(Duration::from_secs(3600)).await?)
    }

    async fn stop(&mut self, _: &StopContext) -> Result<(), AgentError> {
        Ok(())
    }
}
