//! Sixty-four agents race for one budget of a dollar, each paying for calls until it is refused.
//!
//! Look at three things: the sum that the agents report equals the ledger's, to the nano-dollar; it never exceeds the dollar,
//! however many agents reserve at once; and every refusal names the ancestor whose budget it is and what is left there.

#![allow(clippy::print_stdout, reason = "an example is there to be read")]

use std::time::Duration;

use skep::{
    Agent, AgentError, AgentSpec, Budget, Context, EffectError, NanoUsd, Stop, Swarm, Usage, fan_out,
};

/// Buys answers until there is no money.
struct Buyer;

impl Agent for Buyer {
    type Task = ();
    /// What it has paid, and the last refusal.
    type Output = (NanoUsd, String);

    async fn handle(&mut self, (): &(), cx: &Context) -> Result<(NanoUsd, String), AgentError> {
        let mut paid = NanoUsd::ZERO;
        loop {
            // An answer costs between one and two cents; the exact price is not known beforehand. So two cents are
            // reserved, at every budgeted ancestor or at none, and the rest is free again when the call has settled.
            let worst = Usage::calls(1).with_money(NanoUsd(20_000_000));
            let price = NanoUsd(10_000_000 + cx.random() % 10_000_000);
            let bought = cx.effect("model", "").worst_case(worst).run(move |call| async move {
                tokio::time::sleep(Duration::from_millis(5)).await;
                call.used(Usage::calls(1).with_money(price));
                Ok(price)
            });
            match bought.await {
                Ok(price) => paid += price,
                Err(EffectError::OverBudget { refusal, .. }) => return Ok((paid, refusal.to_string())),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Has the budget, and sixty-four buyers under it.
struct Purse;

impl Agent for Purse {
    type Task = usize;
    type Output = Vec<(NanoUsd, String)>;

    async fn handle(&mut self, buyers: &usize, cx: &Context) -> Result<Self::Output, AgentError> {
        let bought = fan_out(cx, 1..=*buyers)
            .named("market")
            .agent(|number| AgentSpec::new(format!("buyer{number}"), || Buyer))
            .task(|_| ())
            .at_most(*buyers)
            .await;
        Ok(bought.into_rows().into_iter().filter_map(|row| row.result.ok()).collect())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let swarm = Swarm::builder("fair").start().await?;
    let purse = swarm.spawn(AgentSpec::new("purse", || Purse).budget(Budget::usd("1.00"))).await?;
    let bought = purse.ask(64).await?;

    let said: NanoUsd = bought.iter().map(|(paid, _)| *paid).sum();
    let balance = purse.cost();
    println!("budget                $1.00");
    println!("paid, say {} buyers   {said}", bought.len());
    println!("paid, by the ledger   {}, {} reserved", balance.spent, balance.reserved.money);
    println!("refused               {} times, for example", bought.len());
    for (_, refusal) in bought.iter().take(2) {
        println!("                      {refusal}");
    }
    println!();

    // The bill keeps the agents that have ended.
    let bill = swarm.costs().tree();
    let lines: Vec<_> = bill.lines().collect();
    for line in lines.iter().take(9) {
        println!("{line}");
    }
    println!("    … and {} more\n", lines.len().saturating_sub(9));
    println!("{}", swarm.stop(Stop::within(Duration::from_secs(1))).await);
    Ok(())
}
