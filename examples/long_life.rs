//! The long life of a service, in four seconds: requests arrive without end, and each is an agent that comes and goes.
//!
//! Look at the columns: the number of requests grows, but the living agents, the rows of the bill and the memory do not. One
//! tenant may make forty calls per second; beyond that its clients are told when to try again. And the bill at the end covers
//! every agent that ever lived, with those that are long gone as one sum.

#![allow(clippy::print_stdout, reason = "an example is there to be read")]

use std::time::Duration;

use skep::{
    Advice, Agent, AgentError, AgentSpec, Budget, Context, Keep, NanoUsd, RunError, Stop, Supervisor, Swarm,
    Time, Usage,
};

/// Answers one request, with a helper for half of the work.
struct Clerk;

impl Agent for Clerk {
    /// How much of the work to pass on.
    type Task = u32;
    type Output = u32;

    async fn handle(&mut self, pass_on: &u32, cx: &Context) -> Result<u32, AgentError> {
        let mut done = 0;
        if *pass_on > 0 {
            let helper = cx.spawn(AgentSpec::new("helper", || Self)).await?;
            done += helper.ask(pass_on - 1).await?;
        }
        let price = Usage::calls(1).with_money(NanoUsd(10_000));
        let call = cx.effect("model", pass_on).worst_case(price).run(move |call| async move {
            call.used(price);
            Ok(1)
        });
        Ok(done + call.await?)
    }
}

/// The memory of this process, if the system reports it.
fn resident() -> String {
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    let pages = pages.and_then(|text| text.split_whitespace().nth(1)?.parse::<u64>().ok());
    pages.map_or_else(String::new, |pages| format!("{:.1} MB", pages as f64 * 4_096.0 / 1e6))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A short journal, so that its cut shows within four seconds: the views still cover what it no longer holds.
    let swarm = Swarm::builder("service").keep(Keep::Last(1_000)).start().await?;
    let tenant = |name: &str| Supervisor::dynamic().named(name).max_children(16);
    let large = swarm.spawn(tenant("large")).await?;
    let second = Duration::from_secs(1);
    let small = swarm.spawn(tenant("small").budget(Budget::new().calls(40).every(second))).await?;

    println!("    time  requests  refused  alive  rows  small's second  memory");
    let (mut requests, mut refused) = (0, 0);
    let (mut shown, mut not_before) = (Time::ZERO, Time::ZERO);
    loop {
        let now = swarm.env().now();
        if now.since(shown) >= Duration::from_millis(500) {
            shown = now;
            let (alive, rows) = (swarm.live_agents(), swarm.costs().rows.len());
            let calls = small.window_cost().unwrap_or_default().spent.calls;
            let time = format!("{:.1?}", now.since(Time::ZERO));
            println!(
                "{time:>8}  {requests:>8}  {refused:>7}  {alive:>5}  {rows:>4}  {calls:>8} calls  {}",
                resident()
            );
        }
        if now.since(Time::ZERO) >= 4 * second {
            break;
        }
        let of = if requests % 2 == 0 && now >= not_before { &small } else { &large };
        requests += 1;
        if let Err(RunError::Ask(error)) = swarm.run(AgentSpec::new("clerk", || Clerk).under(of), 1).await {
            refused += 1;
            if refused == 1 {
                println!("          {error}");
            }
            // As a client of the service would: it tries again when it was told to.
            if let Advice::After(wait) = error.advice() {
                not_before = swarm.env().now() + wait;
            }
        }
    }

    println!("\n{}", swarm.costs().tree().lines().take(4).collect::<Vec<_>>().join("\n"));
    println!("\n{}", swarm.stop(Stop::within(Duration::from_secs(1))).await);
    Ok(())
}
