//! Budgets with a window: hard in each, open again when it turns, and the same through every restart.

use std::time::Duration;

use skep::testkit::{Lab, TestResult};
use skep::{
    Advice, Agent, AgentError, AgentSpec, AskError, Budget, Context, FailureClass, Retry, Stop, StopContext,
    Time, Usage,
};

use super::forest::{Act, Imp, amount, ms};

const SPAN: Duration = Duration::from_secs(10);

fn calls(worst: u64, takes: u64) -> Vec<Act> {
    vec![Act::Spend { kind: 0, worst, used: worst, takes, tries: 1, says: true, once: false }]
}

#[skep::swarm_test(seeds = 20)]
async fn a_window_is_hard_until_it_turns_and_a_restart_opens_it_no_earlier(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let spec = Imp::spec("tenant").intensity(9, ms(1)).budget(Budget::new().calls(4).every(SPAN));
    let tenant = swarm.spawn(spec).await?;
    // A helper of the tenant's spends from the same window.
    tenant.ask(vec![Act::Child("helper".into(), calls(3, 10))]).await?;
    tenant.ask(calls(1, 10)).await?;
    assert_eq!(tenant.window_cost().map(|cost| cost.spent), Some(amount(4)));

    tenant.kill();
    let refused = tenant.ask(calls(1, 0)).await;
    assert_eq!(tenant.status().incarnation, 2);
    let Err(AskError::Failed(_, error)) = refused else { panic!("{refused:?}") };
    let Advice::After(wait) = error.advice() else { panic!("{error}") };
    assert_eq!(error.class(), FailureClass::OverBudget);
    assert!(
        error.to_string().contains("0 calls left of its budget, and 1 call is wanted; its window turns in"),
        "{error}"
    );
    // The simulated session began at the epoch, so its windows turn at multiples of their span.
    let now = swarm.env().now().since(Time::ZERO);
    assert!(wait >= SPAN - now && wait < SPAN - now + ms(50), "{wait:?} from {now:?}");

    // What would not fit an empty window has nothing to wait for.
    let never = tenant.ask(calls(5, 0)).await.unwrap_err();
    assert!(!never.to_string().contains("window"), "{never}");

    tokio::time::sleep(wait).await;
    tenant.ask(calls(4, 0)).await?;
    tenant.ask(calls(1, 0)).await.unwrap_err();
    assert_eq!(tenant.cost().spent, amount(8), "the bill is that of its whole life");
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn what_straddles_a_turn_counts_where_it_was_reserved(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let spec = |name: &str| Imp::spec(name);
    let tenant = swarm.spawn(spec("tenant").budget(Budget::new().calls(4).every(SPAN))).await?;
    let hand = swarm.spawn(spec("hand").under(&tenant)).await?;
    tokio::time::sleep(SPAN - ms(500)).await;
    // In flight over the turn, with the whole of the window.
    let slow = tokio::spawn(hand.ask(calls(4, 800)));
    tokio::time::sleep(ms(400)).await;
    tenant.ask(calls(1, 0)).await.unwrap_err();
    tokio::time::sleep(ms(200)).await;
    assert_eq!(tenant.window_cost().unwrap_or_default(), skep::Balance::default());
    tenant.ask(calls(4, 0)).await?;
    slow.await??;
    let cost = tenant.window_cost().unwrap_or_default();
    assert_eq!((cost.spent, cost.reserved), (amount(4), Usage::ZERO));
    assert_eq!(tenant.cost().spent, amount(8));
    lab.end(swarm).await;
    Ok(())
}

/// Pays for calls in its stop hook: in tries that fail until it has no more time, or at once.
struct Last {
    fails: bool,
}

impl Agent for Last {
    type Task = ();
    type Output = ();

    async fn handle(&mut self, (): &(), _: &Context) -> Result<(), AgentError> {
        Ok(())
    }

    async fn stop(&mut self, cx: &StopContext) -> Result<(), AgentError> {
        let (fails, price, tries) = if self.fails { (true, amount(1), 4) } else { (false, amount(4), 1) };
        let last =
            cx.effect("last", ()).worst_case(price).retry(Retry::times(tries).backoff(ms(500), ms(500)));
        let paid = last.run(move |call| async move {
            call.used(price);
            if fails { Err(AgentError::message("not now")) } else { Ok(()) }
        });
        tokio::select! {
            paid = paid => Ok(paid?),
            _ = cx.sleep(ms(100)) => Ok(()),
        }
    }
}

#[skep::swarm_test(seeds = 10)]
async fn a_hook_that_is_let_go_of_between_two_tries_keeps_nothing_of_the_window(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let tenant = swarm.spawn(Imp::spec("tenant").budget(Budget::new().calls(4).every(SPAN))).await?;
    let last = swarm.spawn(AgentSpec::new("last", || Last { fails: true }).under(&tenant)).await?;
    lab.saw(&last.stop(Stop::within(ms(1_000))).await);
    let cost = tenant.window_cost().unwrap();
    assert_eq!((cost.spent, cost.reserved), (amount(1), Usage::ZERO));
    tenant.ask(calls(3, 0)).await?;
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn what_is_kept_back_for_a_hook_is_kept_back_in_each_window(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let tenant = swarm.spawn(Imp::spec("tenant").budget(Budget::new().calls(5).every(SPAN))).await?;
    let last = AgentSpec::new("last", || Last { fails: false }).stop_allowance(amount(4)).under(&tenant);
    let last = swarm.spawn(last).await?;
    for _ in 0..2 {
        tenant.ask(calls(2, 0)).await.unwrap_err();
        tokio::time::sleep(SPAN).await;
    }
    tenant.ask(calls(1, 0)).await?;
    let receipt = last.stop(Stop::within(ms(1_000))).await;
    assert!(receipt.is_clean(), "{receipt}");
    lab.saw(&receipt);
    assert_eq!(
        tenant.window_cost().map(|cost| cost.spent),
        Some(amount(5)),
        "no more than the window lets in"
    );
    lab.end(swarm).await;
    Ok(())
}
