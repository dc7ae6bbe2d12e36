//! A till has a bug that no ordinary test sees: a crash between charging an order and printing its receipt charges it again.
//! The lab runs the shop under seeded faults until a seed shows the bug, drops the faults that do not matter from that seed's
//! plan, and reports what happened. Then the same seeds run against the fixed till.
//!
//! Look at three things: the remaining plan has one rule of six, and says which effect of which agent was hit; the
//! events around it show how the second attempt charges again; and the fixed till differs in one word.

#![allow(clippy::print_stdout, reason = "an example is there to be read")]

use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use skep::testkit::{Chaos, FaultPlan, Found, Lab, TestResult, examine};
use skep::{Agent, AgentError, AgentSpec, Context, Repeat};

/// The bank is outside the swarm: nothing takes back what it was told. It records the orders that it was asked to charge.
#[derive(Clone, Default)]
struct Bank(Arc<Mutex<Vec<u64>>>);

impl Bank {
    fn charge(&self, order: u64) {
        self.orders().push(order);
    }

    fn orders(&self) -> MutexGuard<'_, Vec<u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Till {
    bank: Bank,
    /// What the till states about its charge: whether it may be repeated when its turn is tried again.
    repeat: Repeat,
}

impl Agent for Till {
    type Task = u64;
    type Output = String;

    async fn handle(&mut self, order: &u64, cx: &Context) -> Result<String, AgentError> {
        let (bank, order) = (self.bank.clone(), *order);
        let charge = cx.effect("charge", order).free().repeat(self.repeat).run(move |_| {
            let bank = bank.clone();
            async move {
                bank.charge(order);
                Ok(())
            }
        });
        charge.await?;
        let print =
            cx.effect("print", order).free().run(move |_| async move { Ok(format!("receipt for {order}")) });
        Ok(print.await?)
    }
}

/// One world: two tills, six orders, and the faults of its seed.
async fn shop(lab: Lab, repeat: Repeat) -> TestResult {
    let plan = FaultPlan::chaos(lab.which_seed(), &Chaos::of(["till-1", "till-2"]));
    let lab = lab.plan(plan);
    let swarm = lab.start_with(|builder| builder.intensity(20, Duration::from_secs(10))).await;
    let bank = Bank::default();
    let mut receipts = Vec::new();
    for number in 1..=2 {
        let bank = bank.clone();
        let till = AgentSpec::new(format!("till-{number}"), move || Till { bank: bank.clone(), repeat });
        let till = swarm.spawn(till.heartbeat(Duration::from_secs(1), Duration::from_secs(2))).await?;
        receipts.extend((0..3).map(|order| till.try_ask(number * 100 + order)));
    }
    for receipt in receipts {
        // Whether a customer gets a receipt under faults is a different question from whether they pay twice.
        drop(receipt?.await);
    }
    // Stops the swarm and checks the run against every promise of skep; the check below is the shop's own.
    lab.end(swarm).await;
    let mut charged = bank.orders().clone();
    charged.sort_unstable();
    for pair in charged.windows(2) {
        assert!(pair[0] != pair[1], "till-{} has charged order {} twice", pair[0] / 100, pair[0]);
    }
    Ok(())
}

/// The first of a hundred seeds that fails, shrunk.
fn hunt(repeat: Repeat) -> Option<Found> {
    (0..100).find_map(|seed| examine("shop", seed, |lab| shop(lab, repeat)).err()).map(|found| *found)
}

fn main() -> ExitCode {
    let Some(found) = hunt(Repeat::Pure) else {
        println!("no seed showed the bug");
        return ExitCode::FAILURE;
    };
    println!("{}", found.story(&["cargo run --example fault_lab".to_owned()], None));
    // Now it states that a charge may happen at most once: a task whose charge has begun is not redelivered automatically.
    match hunt(Repeat::Once) {
        None => {
            println!("fixed with Repeat::Once: a hundred seeds, and no order is charged twice");
            ExitCode::SUCCESS
        }
        Some(found) => {
            println!("the fixed till: {}", found.wrong);
            ExitCode::FAILURE
        }
    }
}
