//! A tree of 1,000 agents is stopped within two seconds, though some of them misbehave: they are deaf to cancels, are slow or
//! panic in their stop hook, or block their thread.
//!
//! Look at the receipt: a stop cannot fail; it says how each agent that was alive at the fence ended. Nothing can stop an
//! agent that blocks a thread; it is named as stuck, is refused everything from then on, and delays nobody else.

#![allow(clippy::print_stdout, reason = "an example is there to be read")]

use std::time::Duration;

use serde::{Deserialize, Serialize};
use skep::{Agent, AgentError, AgentSpec, Context, End, Shutdown, Stop, StopContext, Supervisor, Swarm};

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Manners {
    Good,
    /// Awaits something that never comes, and ignores cancels.
    Deaf,
    /// Takes its time in the stop hook.
    Slow,
    PanicsInItsHook,
    /// Keeps the thread to itself.
    Blocks,
}

struct Bee(Manners);

impl Agent for Bee {
    type Task = ();
    type Output = ();

    async fn handle(&mut self, (): &(), cx: &Context) -> Result<(), AgentError> {
        match self.0 {
            Manners::Deaf => std::future::pending().await,
            Manners::Blocks => std::thread::sleep(Duration::from_secs(3)),
            // Returns as soon as it is cancelled, with an error that says so.
            _ => cx.sleep(Duration::from_secs(3_600)).await?,
        }
        Ok(())
    }

    async fn stop(&mut self, cx: &StopContext) -> Result<(), AgentError> {
        match self.0 {
            Manners::Slow => Ok(cx.sleep(Duration::from_millis(300)).await?),
            Manners::PanicsInItsHook => panic!("forgot where the honey is"),
            _ => Ok(()),
        }
    }
}

/// Nine in ten agents of the tree are idle, as in practice; those that misbehave are all at work.
fn manners(number: usize) -> (Manners, bool) {
    match number {
        111 | 333 | 555 => (Manners::Deaf, true),
        222 | 444 => (Manners::Slow, true),
        666 => (Manners::PanicsInItsHook, true),
        777 => (Manners::Blocks, true),
        _ => (Manners::Good, number.is_multiple_of(10)),
    }
}

#[tokio::main(worker_threads = 4)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let swarm = Swarm::builder("hive").start().await?;
    // Children of a dynamic supervisor stop all at once under one timer; static ones would stop one by one and share it.
    let queen = swarm.spawn(Supervisor::dynamic().named("queen")).await?;
    let mut number = 0;
    for comb in 1..=9 {
        let comb = Supervisor::dynamic().named(format!("comb{comb}")).under(&queen);
        let comb = swarm.spawn(comb).await?;
        for _ in 0..110 {
            number += 1;
            let (manners, works) = manners(number);
            let spec = AgentSpec::new(format!("bee{number}"), move || Bee(manners)).under(&comb);
            // After this time, a turn or a hook is dropped at its await.
            let bee = swarm.spawn(spec.shutdown(Shutdown::within(Duration::from_millis(500)))).await?;
            if works {
                bee.tell(())?;
            }
        }
    }
    // A blocked thread delays others that wait for it, but not for long with four threads.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let agents = swarm.status();
    let idle = agents.iter().filter(|agent| agent.task.is_none()).count() - 1;
    println!("{} agents, {idle} of them idle\n", agents.len() - 1);

    let receipt = swarm.stop(Stop::within(Duration::from_secs(2))).await;

    println!("{receipt}");
    println!("clean: {}, nothing left: {}\n", receipt.is_clean(), receipt.nothing_left());
    println!("{:<10} {:<8} {:<8} {:>8}   its stop hook", "agent", "name", "end", "after");
    for row in receipt.rows() {
        let is_slow = row.name.starts_with("bee") && row.took > Duration::from_millis(200);
        if row.end != End::Clean || row.hook.is_some() || is_slow {
            let hook = row.hook.as_ref().map_or_else(|| "-".to_owned(), |fault| format!("{fault:?}"));
            let end = format!("{:?}", row.end);
            println!("{:<10} {:<8} {end:<8} {:>6}ms   {hook}", row.id, row.name, row.took.as_millis());
        }
    }
    Ok(())
}
