//! A till with a planted bug: it does not say that a charge may happen only once, so a turn that crashes behind its charge
//! charges again when its task is redelivered. `Repeat::Once` on the effect would mend it.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use skep_runtime::{Agent, AgentError, AgentSpec, Context};
use skep_testkit::{Lab, TestResult};

/// The orders that a bank outside of the swarm was asked to charge.
type Bank = Arc<Mutex<Vec<u64>>>;

struct Till(Bank);

impl Agent for Till {
    type Task = u64;
    type Output = ();

    async fn handle(&mut self, order: &u64, cx: &Context) -> Result<(), AgentError> {
        let (bank, order) = (Arc::clone(&self.0), *order);
        let charge = cx.effect("charge", order).free().run(move |_| {
            let bank = Arc::clone(&bank);
            async move {
                bank.lock().push(order);
                Ok(())
            }
        });
        charge.await?;
        cx.step("charged").await?;
        cx.effect("print", order).free().run(|_| async { Ok(()) }).await?;
        Ok(())
    }
}

/// Two tills, four orders each: no order may be charged twice.
pub(super) async fn run(lab: Lab) -> TestResult {
    let bank = Bank::default();
    let swarm = lab.start_with(|builder| builder.intensity(20, Duration::from_secs(10))).await;
    let mut receipts = Vec::new();
    for number in 1..=2 {
        let bank = Arc::clone(&bank);
        let till = AgentSpec::new(format!("till-{number}"), move || Till(Arc::clone(&bank)));
        // Under faults a till may not start, and a customer may get no receipt: that is not the question here.
        let Ok(till) = swarm.spawn(till).await else { continue };
        receipts.extend((0..4).filter_map(|order| till.try_ask(number * 100 + order).ok()));
    }
    for receipt in receipts {
        drop(receipt.await);
    }
    lab.end(swarm).await;
    let mut charged = bank.lock().clone();
    charged.sort_unstable();
    for pair in charged.windows(2) {
        assert!(pair[0] != pair[1], "till-{} has charged order {} twice", pair[0] / 100, pair[0]);
    }
    Ok(())
}
