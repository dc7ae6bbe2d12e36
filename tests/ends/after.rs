//! Of what has ended nothing more is said, whatever is asked of it.

use std::time::Duration;

use skep::testkit::{Lab, TestResult};
use skep::{
    Agent, AgentError, AgentRef, AgentSpec, Context, Exit, Outcome, Pause, Restart, Shutdown, Stop,
    StopReason, Supervisor, What,
};

struct Idle;

impl Agent for Idle {
    type Task = ();
    type Output = ();

    async fn handle(&mut self, (): &(), _: &Context) -> Result<(), AgentError> {
        Ok(())
    }
}

/// Everything that a handle offers, of an agent that has ended.
async fn harass(agent: &AgentRef<Idle>) {
    agent.kill();
    agent.interrupt();
    assert!(agent.stop(Stop::brutally()).await.rows().is_empty(), "nobody was alive");
    agent.kill();
    assert!(agent.stop(Stop::within(Duration::ZERO)).await.nothing_left());
    assert!(agent.drain(Duration::ZERO).await.rows().is_empty());
    assert!(agent.pause(Pause::at_next_await()).await.is_err());
    assert!(agent.resume().is_err());
    assert!(agent.ask(()).await.is_err());
    agent.kill();
}

#[skep::swarm_test(seeds = 50)]
async fn an_agent_that_has_ended_can_be_killed_and_stopped_and_nothing_happens(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let mut ended = Vec::new();
    for (name, brutal, works) in
        [("idle", false, false), ("worked", false, true), ("cut", true, false), ("worked-cut", true, true)]
    {
        let agent = swarm.spawn(AgentSpec::new(name, || Idle)).await?;
        if works {
            agent.ask(()).await?;
        }
        let stop = if brutal { Stop::brutally() } else { Stop::within(Duration::from_secs(1)) };
        assert!(agent.stop(stop).await.is_clean());
        ended.push(agent);
    }
    let desk =
        swarm.spawn(Supervisor::one_for_one().named("desk").child(AgentSpec::new("clerk", || Idle))).await?;
    let clerk = swarm.agent::<Idle>("clerk")?;
    desk.children().terminate_child("clerk").await?;
    let told = swarm.events_so_far().len();
    for agent in &ended {
        harass(agent).await;
    }
    // Its spec stands, so that a stop still has something to end; a kill has not.
    clerk.kill();
    ended.push(clerk);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let after: Vec<_> = swarm.events_so_far().split_off(told);
    let said: Vec<_> = after
        .iter()
        .filter(|event| ended.iter().any(|agent| agent.id() == &event.agent))
        .map(|event| &event.what)
        .collect();
    assert!(said.is_empty(), "{said:?}");
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 50)]
async fn a_temporary_child_that_was_killed_is_killed_once(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let spec = AgentSpec::new("once", || Idle).restart(Restart::Temporary).shutdown(Shutdown::Brutal);
    let agent = swarm.spawn(spec).await?;
    agent.kill();
    agent.kill();
    agent.ended().await;
    harass(&agent).await;
    let history = lab.end(swarm).await;
    let exits = history.events().iter().filter(|event| {
        &event.agent == agent.id() && matches!(&event.what, What::AgentExited { exit: Exit::Failed { .. } })
    });
    assert_eq!(exits.count(), 1);
    Ok(())
}

#[test]
fn a_stop_that_comes_with_the_end_of_the_session_is_answered_and_begins_nothing_after_it() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(3).enable_all().build().unwrap();
    runtime.block_on(async {
        for seed in 0..60 {
            let lab = Lab::real_io().seeded(seed);
            let swarm = lab.start().await;
            let mut stops = Vec::new();
            for number in 0..3 {
                let idle = swarm.spawn(AgentSpec::new(format!("idle-{number}"), || Idle)).await.unwrap();
                // A runner on its way out keeps the agent's place for a moment.
                idle.ask(()).await.unwrap();
                stops.push(tokio::spawn(async move {
                    for _ in 0..60 {
                        drop(idle.stop(Stop::within(Duration::from_secs(5))).await);
                    }
                }));
            }
            let receipt = swarm.stop(Stop::within(Duration::from_secs(5))).await;
            for stops in stops {
                tokio::time::timeout(Duration::from_secs(20), stops)
                    .await
                    .expect("each is answered")
                    .unwrap();
            }
            lab.conclude(receipt).await.unwrap();
        }
    });
}

#[test]
fn agents_that_end_by_themselves_while_a_stop_walks_over_them_are_told_nothing_after_their_end() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(3).enable_all().build().unwrap();
    runtime.block_on(async {
        for seed in 0..40 {
            let lab = Lab::real_io().seeded(seed);
            let swarm = lab.start().await;
            let desk = swarm.spawn(Supervisor::dynamic().named("desk")).await.unwrap();
            for number in 0..100 {
                let idle =
                    AgentSpec::new(format!("idle-{number}"), || Idle).once().restart(Restart::Temporary);
                let idle = swarm.spawn(idle.under(&desk)).await.unwrap();
                idle.ask(()).detach().unwrap();
            }
            drop(desk.stop(Stop::within(Duration::from_secs(5))).await);
            lab.end(swarm).await;
        }
    });
}

/// Takes a while.
struct Slow;

impl Agent for Slow {
    type Task = ();
    type Output = ();

    async fn handle(&mut self, (): &(), cx: &Context) -> Result<(), AgentError> {
        Ok(cx.sleep(Duration::from_millis(200)).await?)
    }
}

#[skep::swarm_test(seeds = 20)]
async fn a_drain_that_nobody_waits_for_any_more_goes_on(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let slow = swarm.spawn(AgentSpec::new("slow", || Slow)).await?;
    slow.tell(())?;
    slow.tell(())?;
    drop(tokio::time::timeout(Duration::from_millis(10), slow.drain(Duration::from_secs(5))).await);
    assert_eq!(slow.ended().await, StopReason::Stopped, "one that takes no tasks does not live on");
    let history = lab.end(swarm).await;
    assert_eq!(history.outcomes("slow"), [Outcome::Done, Outcome::Done]);
    Ok(())
}
