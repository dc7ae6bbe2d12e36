//! Random pauses of random subtrees: the final result is that of the undisturbed run.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};
use skep::testkit::{Dice, Lab, TestResult};
use skep::{Agent, AgentError, AgentRef, AgentSpec, Context, Pause, Repeat};

use super::sleep;
use crate::forest::{amount, ms};

/// Work whose result is known beforehand: each agent adds up its effects and its children's.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Sum {
    seed: u64,
    depth: u32,
}

#[derive(Clone, Default)]
struct Adder {
    /// Calls of effects that may happen only once.
    once: Arc<AtomicU64>,
}

impl Adder {
    fn spec(&self, name: impl Into<String>) -> AgentSpec<Self> {
        let adder = self.clone();
        AgentSpec::new(name, move || adder.clone())
    }

    async fn pay(&self, cx: &Context, seed: u64) -> Result<u64, AgentError> {
        let mut dice = Dice::seeded(seed);
        let (takes, value, is_once) = (ms(dice.below(60)), dice.below(1_000), dice.chance(200));
        let repeat = if is_once { Repeat::Once } else { Repeat::Idempotent };
        let effect = cx.effect("add", seed).worst_case(amount(2)).repeat(repeat).deadline(ms(600_000));
        let env = cx.env();
        let paid = effect.run(|call| async move {
            if is_once {
                self.once.fetch_add(1, Ordering::Relaxed);
            }
            env.sleep_until(env.now() + takes).await;
            call.used(amount(1));
            Ok(value)
        });
        Ok(paid.await?)
    }

    async fn delegate(&self, cx: &Context, task: &Sum, number: u64) -> Result<u64, AgentError> {
        let below = Sum { seed: task.seed.wrapping_mul(31).wrapping_add(number + 1), depth: task.depth - 1 };
        let name = format!("adder-{number}");
        let child = cx.spawn(self.spec(name)).await?;
        Ok(child.ask(below).within(ms(3_600_000)).await?)
    }
}

impl Agent for Adder {
    type Task = Sum;
    type Output = u64;
    async fn handle(&mut self, task: &Sum, cx: &Context) -> Result<u64, AgentError> {
        let mut dice = Dice::seeded(task.seed);
        let mut sum = 0;
        for number in 0..dice.between(1, 3) {
            let seed = task.seed.wrapping_add(number * 7);
            match dice.below(6) {
                0 => cx.sleep(ms(dice.below(80))).await?,
                1 => cx.step("adding").await?,
                2 => {
                    let (one, other) = tokio::join!(self.pay(cx, seed), self.pay(cx, seed + 1));
                    sum += one? + other?;
                }
                3 => sum += cx.blocking(move || seed % 100).await?,
                _ => sum += self.pay(cx, seed).await?,
            }
        }
        if task.depth > 0 {
            let mut children = Vec::new();
            for number in 0..dice.between(1, 3) {
                children.push(self.delegate(cx, task, number));
            }
            for child in all_of(children).await {
                sum += child?;
            }
        }
        Ok(sum)
    }
}

/// All at once, in one future.
async fn all_of<T>(futures: Vec<impl Future<Output = T>>) -> Vec<T> {
    let mut open: Vec<_> = futures.into_iter().map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|cx| {
        for (future, output) in open.iter_mut().filter(|(_, output)| output.is_none()) {
            if let std::task::Poll::Ready(ready) = future.as_mut().poll(cx) {
                *output = Some(ready);
            }
        }
        let is_done = open.iter().all(|(_, output)| output.is_some());
        if is_done { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    open.into_iter().filter_map(|(_, output)| output).collect()
}

async fn undisturbed(seed: u64, task: &Sum) -> (u64, u64) {
    let lab = Lab::seed(seed);
    let adder = Adder::default();
    let swarm = lab.start().await;
    let top = swarm.spawn(adder.spec("top")).await.unwrap();
    let sum = top.ask(task.clone()).within(ms(3_600_000)).await.unwrap();
    lab.end(swarm).await;
    (sum, adder.once.load(Ordering::Relaxed))
}

#[skep::swarm_test(seeds = 300)]
async fn random_pauses_of_random_subtrees_do_not_change_the_result(lab: Lab) -> TestResult {
    let mut dice = lab.dice();
    let task = Sum { seed: dice.below(1 << 32), depth: dice.between(1, 3) as u32 };
    let wanted = undisturbed(lab.which_seed(), &task).await;

    let adder = Adder::default();
    let swarm = lab.start().await;
    let top = swarm.spawn(adder.spec("top")).await?;
    let answer = tokio::spawn(top.ask(task).within(ms(3_600_000)));
    let mut paused: Vec<AgentRef<Adder>> = Vec::new();
    for _ in 0..dice.between(1, 25) {
        let names: Vec<_> =
            swarm.status().into_iter().map(|status| status.name).filter(|name| name != "lab").collect();
        let Ok(agent) = swarm.agent::<Adder>(&dice.pick(&names).clone()) else { continue };
        match dice.below(5) {
            0 | 1 => {
                let way = if dice.chance(500) { Pause::now() } else { Pause::at_next_await() };
                drop(agent.pause(way.within(ms(dice.below(100)))).await);
                paused.push(agent);
            }
            2 if !paused.is_empty() => drop(dice.pick(&paused).resume()),
            3 => drop(swarm.pause(Pause::now().within(ms(30))).await),
            _ => drop(swarm.resume()),
        }
        sleep(dice.below(60)).await;
    }
    drop(swarm.resume());
    paused.iter().for_each(|agent| drop(agent.resume()));
    assert_eq!((answer.await??, adder.once.load(Ordering::Relaxed)), wanted);
    lab.end(swarm).await;
    Ok(())
}
