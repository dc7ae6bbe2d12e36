//! A service's weeks in short: agents come and go by the thousand, and the process stays as large as it was.
//!
//! The long variant takes ten million agents through the same life and prints a line for each tenth of it:
//! `cargo test --release --test long_life -- --ignored --nocapture`
#![allow(clippy::unwrap_used, reason = "a test may fail")]
#![allow(clippy::print_stdout, reason = "the long variant is there to be read")]
#![allow(clippy::disallowed_methods, reason = "what stands around a swarm in a test is no part of it")]

use skep::{
    Agent, AgentError, AgentRef, AgentSpec, Budget, Context, NanoUsd, Restart, Stop, Supervisor, Swarm, Usage,
};

/// Agents that one request brings about, itself included; its scope is a place.
const AGENTS: u64 = 6;

/// Answers one request with the help of others: of its task, of itself, of a scope.
struct Lead;

impl Agent for Lead {
    type Task = u64;
    type Output = u64;

    async fn handle(&mut self, number: &u64, cx: &Context) -> Result<u64, AgentError> {
        let first = cx.spawn(AgentSpec::new("first", || Hand)).await?;
        let second = cx.spawn(AgentSpec::new("second", || Hand)).await?;
        let own = cx.agent().spawn(AgentSpec::new("own", || Hand).once().restart(Restart::Temporary)).await?;
        let scope = cx.scope("aside")?;
        let third = scope.spawn(AgentSpec::new("third", || Hand)).await?;
        let fourth = scope.spawn(AgentSpec::new("fourth", || Hand)).await?;
        let mut sum = 0;
        for hand in [&first, &second, &own, &third, &fourth] {
            sum += cx.ask(hand, *number).await?;
        }
        // One request in eight closes its scope itself.
        if number.is_multiple_of(8) {
            drop(scope.close(Stop::default()).await);
        }
        Ok(sum)
    }
}

/// Pays for a call. One in thirty-two crashes at first, and one in a thousand in every attempt.
struct Hand;

impl Agent for Hand {
    type Task = u64;
    type Output = u64;

    async fn handle(&mut self, number: &u64, cx: &Context) -> Result<u64, AgentError> {
        if number % 1_000 == 999 || (number % 32 == 7 && cx.attempt() == 1) {
            return Err(AgentError::crash("told to"));
        }
        let price = Usage::calls(1).with_money(NanoUsd(10));
        let call = cx.effect("call", number).worst_case(price);
        let paid = call.run(move |call| async move {
            call.used(price);
            Ok(1)
        });
        Ok(paid.await?)
    }
}

/// Bytes of this process that are in memory; none where the system does not say.
fn resident() -> Option<u64> {
    let pages = std::fs::read_to_string("/proc/self/statm").ok()?;
    Some(pages.split_whitespace().nth(1)?.parse::<u64>().ok()? * 4_096)
}

async fn serve(swarm: &Swarm, tenant: &AgentRef<Supervisor>, requests: std::ops::Range<u64>) {
    let mut open = tokio::task::JoinSet::new();
    for number in requests {
        if open.len() == 16 {
            open.join_next().await;
        }
        let (swarm, spec) = (swarm.clone(), AgentSpec::new("lead", || Lead).under(tenant));
        open.spawn(async move { drop(swarm.run(spec, number).await) });
        if number.is_multiple_of(4_096) {
            // Somebody looks now and then.
            assert!(swarm_is_small(&tenant.status()));
        }
    }
    while open.join_next().await.is_some() {}
}

fn swarm_is_small(tenant: &skep::Status) -> bool {
    tenant.children <= 64
}

/// Lets so many agents come and go, and gives the resident bytes after each tenth of them.
async fn live(agents: u64) -> Vec<u64> {
    let swarm = Swarm::builder("service").permits("call", 64).start().await.unwrap();
    let tenant =
        swarm.spawn(Supervisor::dynamic().named("tenant").budget(Budget::usd("1000000"))).await.unwrap();
    let tenth = agents / AGENTS / 10;
    let mut sizes = Vec::new();
    for part in 0..10 {
        serve(&swarm, &tenant, part * tenth..(part + 1) * tenth).await;
        let bill = swarm.costs();
        assert!(bill.rows.len() < 100_000, "rows of what has ended are not kept");
        println!(
            "{:>12} agents  {:>12} bytes  {}",
            bill.top().unwrap().agents,
            resident().unwrap_or(0),
            swarm.cost().spent
        );
        sizes.extend(resident());
    }
    let receipt = swarm.stop(Stop::default()).await;
    assert!(receipt.nothing_left(), "{receipt}");
    sizes
}

/// What an agent that has ended may leave behind: not even its id.
fn is_flat(sizes: &[u64], agents: u64) {
    let (Some(first), Some(last)) = (sizes.first(), sizes.last()) else { return };
    let grown = last.saturating_sub(*first);
    assert!(grown < 8 * (1 << 20) + agents, "{agents} ended agents left {grown} bytes: {sizes:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_ended_agents_leave_memory_flat() {
    is_flat(&live(100_000).await, 100_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it takes many minutes: see the head of this file"]
async fn ten_million_ended_agents_leave_memory_flat() {
    is_flat(&live(10_000_000).await, 10_000_000);
}
