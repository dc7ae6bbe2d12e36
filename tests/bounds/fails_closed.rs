//! Money fails closed: who says nothing of a cost is refused, who says *free* and bills is believed no more, nothing is held
//! through a pause between tries, and a refusal says when to come again only where that helps.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use skep::effect::{Admitted, Admitting, Link, Request, Stage};
use skep::testkit::{Dice, Lab, TestResult};
use skep::{
    Advice, Agent, AgentError, AgentRef, AgentSpec, AskError, Budget, Context, FailureClass, NanoUsd,
    OnRefusal, Pause, Retry, Swarm, Usage, What,
};

use super::forest::ms;

/// What an effect says of its cost.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Says {
    Nothing,
    Unbounded,
    Free,
    AtMost(Usage),
}

/// An effect: what it says, what each of its tries bills and takes, how many of them fail, and what they advise.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Buy {
    says: Says,
    bills: Usage,
    takes: u64,
    fails: u32,
    pause: u64,
}

impl Buy {
    fn of(says: Says, bills: Usage) -> Self {
        Self { says, bills, takes: 1, fails: 0, pause: 0 }
    }

    /// Whose first tries fail, and wait for so long.
    fn failing(self, fails: u32, pause: u64) -> Self {
        Self { fails, pause, ..self }
    }

    fn taking(self, takes: u64) -> Self {
        Self { takes, ..self }
    }
}

struct Buyer;

impl Agent for Buyer {
    type Task = Buy;
    type Output = u32;

    async fn handle(&mut self, buy: &Buy, cx: &Context) -> Result<u32, AgentError> {
        let effect = cx.effect("buy", "").retry(Retry::times(buy.fails + 1)).deadline(ms(100_000));
        let effect = match buy.says {
            Says::Nothing => effect,
            Says::Unbounded => effect.unbounded(),
            Says::Free => effect.free(),
            Says::AtMost(worst) => effect.worst_case(worst),
        };
        let env = cx.env();
        let bought = effect.run(|call| async move {
            env.sleep_until(env.now() + ms(buy.takes)).await;
            call.used(buy.bills);
            if call.number() > buy.fails {
                return Ok(call.number());
            }
            Err(AgentError::message("sold out").advise(Advice::After(ms(buy.pause))))
        });
        Ok(bought.await?)
    }
}

fn buyer(name: &str) -> AgentSpec<Buyer> {
    AgentSpec::new(name, || Buyer)
}

fn dollars(dollars: u64) -> Usage {
    Usage::money(NanoUsd(dollars * 1_000_000_000))
}

fn refused(answer: Result<u32, AskError<Buy>>) -> AgentError {
    match answer {
        Err(AskError::Failed(_, error)) => error,
        other => panic!("it should be refused: {other:?}"),
    }
}

/// A budget on one of three levels, the rest without any.
async fn three_levels(lab: &Lab, dice: &mut Dice, budget: Budget) -> (Swarm, AgentRef<Buyer>) {
    let none = Budget::new;
    let at = dice.below(3);
    let on = |level| if at == level { budget.clone() } else { none() };
    let swarm = lab.start_with(|builder| builder.budget(on(0))).await;
    let top = swarm.spawn(buyer("top").budget(on(1))).await.unwrap();
    let deep = swarm.spawn(buyer("deep").under(&top).budget(on(2))).await.unwrap();
    (swarm, deep)
}

#[skep::swarm_test(seeds = 60)]
async fn an_effect_that_says_nothing_of_its_cost_is_refused_and_told_the_fix(lab: Lab) -> TestResult {
    let mut dice = lab.dice();
    let budget = match dice.below(4) {
        0 => Budget::usd("0.01"),
        1 => Budget::usd("1000").calls(1_000),
        2 => Budget::new().tokens(1_000_000),
        _ => Budget::usd("1").every(ms(dice.between(5, 50))),
    };
    let says = *dice.pick(&[Says::Nothing, Says::Unbounded]);
    let (swarm, deep) = three_levels(&lab, &mut dice, budget).await;
    for _ in 0..20 {
        let error = refused(deep.ask(Buy::of(says, dollars(5))).await);
        assert_eq!(
            (error.class(), error.advice(), error.http_status()),
            (FailureClass::OverBudget, Advice::Never, 429)
        );
        let text = error.to_string();
        assert!(text.contains(".worst_case(..)") && text.contains(".free()"), "{text}");
    }
    assert_eq!(swarm.cost().spent, Usage::ZERO, "nothing was called");
    deep.ask(Buy::of(Says::Free, Usage::ZERO)).await?;
    let history = lab.end(swarm).await;
    assert_eq!((history.count("effect_began"), history.count("effect_refused")), (1, 20));
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn without_money_or_tokens_in_the_budget_nothing_need_be_said(lab: Lab) -> TestResult {
    let mut dice = lab.dice();
    let mark = Budget::usd("0.01").on_refusal(OnRefusal::Warn);
    let budget = dice.pick(&[Budget::new(), Budget::new().depth(9), mark]).clone();
    let (swarm, deep) = three_levels(&lab, &mut dice, budget).await;
    for _ in 0..3 {
        deep.ask(Buy::of(Says::Nothing, dollars(5))).await?;
    }
    assert_eq!(swarm.cost().spent, dollars(15));
    let history = lab.end(swarm).await;
    assert_eq!(history.count("overrun"), 0, "nothing was said that it could be more than");
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn under_a_budget_of_calls_alone_what_was_not_stated_is_an_overrun(lab: Lab) -> TestResult {
    let mut dice = lab.dice();
    let (swarm, deep) = three_levels(&lab, &mut dice, Budget::new().calls(5)).await;
    for _ in 0..3 {
        deep.ask(Buy::of(Says::Nothing, Usage::calls(2))).await?;
    }
    let error = refused(deep.ask(Buy::of(Says::Nothing, Usage::calls(2))).await);
    assert!(error.to_string().contains("is overrun (calls) and closed"), "{error}");
    assert_eq!(error.advice(), Advice::Never);
    let history = lab.end(swarm).await;
    assert_eq!(history.count("overrun"), 3);
    Ok(())
}

#[skep::swarm_test(seeds = 60)]
async fn who_said_free_and_bills_is_booked_in_full_and_closes_the_budget(lab: Lab) -> TestResult {
    let mut dice = lab.dice();
    let cap = *dice.pick(&["0.01", "5", "1000"]);
    let is_windowed = dice.chance(500);
    let budget = if is_windowed { Budget::usd(cap).every(ms(10_000)) } else { Budget::usd(cap) };
    let (swarm, deep) = three_levels(&lab, &mut dice, budget).await;
    let other = swarm.spawn(buyer("other").under(&deep)).await?;
    // What costs nothing goes on for as long as nobody lies.
    for _ in 0..3 {
        deep.ask(Buy::of(Says::Free, Usage::ZERO)).await?;
    }
    deep.ask(Buy::of(Says::Free, dollars(5))).await?;
    assert_eq!(swarm.cost().spent, dollars(5), "booked in full");
    for says in [Says::Free, Says::AtMost(Usage::ZERO), Says::AtMost(Usage::money(NanoUsd(1)))] {
        let error = refused(other.ask(Buy::of(says, Usage::ZERO)).await);
        assert!(error.to_string().contains("is overrun (money) and closed to all effects"), "{error}");
        assert_eq!(matches!(error.advice(), Advice::After(_)), is_windowed, "{error}");
    }
    if is_windowed {
        tokio::time::sleep(ms(10_000)).await;
        other.ask(Buy::of(Says::Free, Usage::ZERO)).await?;
    }
    let history = lab.end(swarm).await;
    let free: Vec<_> = history
        .events()
        .iter()
        .filter_map(|event| match event.what {
            What::Overrun { over, free, .. } => Some((over, free)),
            _ => None,
        })
        .collect();
    assert_eq!(free, [(dollars(5), true)]);
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn a_budget_that_was_closed_by_a_lie_is_opened_by_a_grant(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let payer = swarm.spawn(buyer("payer").budget(Budget::usd("10"))).await?;
    payer.ask(Buy::of(Says::Free, dollars(2))).await?;
    refused(payer.ask(Buy::of(Says::AtMost(dollars(1)), dollars(1))).await);
    payer.grant(Budget::usd("0"))?;
    payer.ask(Buy::of(Says::AtMost(dollars(8)), dollars(8))).await?;
    // Calls are not bounded here: an overrun of them closes nothing.
    payer.grant(Budget::usd("1"))?;
    payer.ask(Buy::of(Says::Free, Usage::calls(1))).await?;
    payer.ask(Buy::of(Says::Free, Usage::ZERO)).await?;
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 40)]
async fn nothing_is_held_through_the_pause_between_tries(lab: Lab) -> TestResult {
    let mut dice = lab.dice();
    let (fails, pause) = (dice.between(1, 3), dice.between(2_000, 9_000));
    let worst = Says::AtMost(dollars(6));
    // Room for all tries of one of them, and not for one of the other beside.
    let budget = Budget::usd((6 * (fails + 1) + 3).to_string());
    let swarm = lab.start_with(|builder| builder.budget(budget).permits("buy", 1)).await;
    let (first, second) = (swarm.spawn(buyer("first")).await?, swarm.spawn(buyer("second")).await?);
    let slow = Buy::of(worst, Usage::ZERO).failing(u32::try_from(fails)?, pause).taking(50);
    let slow = tokio::spawn(first.ask(slow).within(ms(100_000)));
    tokio::time::sleep(ms(60)).await;
    // The first waits for its second try: its permit and its six dollars are free.
    assert_eq!(swarm.cost().reserved, Usage::ZERO);
    assert_eq!(first.state(), skep::AgentState::ToolExecution);
    let began = swarm.env().now();
    assert_eq!(second.ask(Buy::of(worst, dollars(1)).taking(20)).await?, 1);
    assert!(swarm.env().now().since(began) <= ms(22), "it went through at once");
    assert_eq!(u64::from(slow.await??), fails + 1);
    assert!(swarm.env().now().since(began) >= ms(fails * pause - 60));
    let history = lab.end(swarm).await;
    assert_eq!(history.count("effect_retried") as u64, fails);
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn a_try_that_finds_no_room_any_more_is_refused(lab: Lab) -> TestResult {
    let swarm = lab.start_with(|builder| builder.budget(Budget::usd("10"))).await;
    let (first, second) = (swarm.spawn(buyer("first")).await?, swarm.spawn(buyer("second")).await?);
    let again = Buy::of(Says::AtMost(dollars(4)), dollars(1)).failing(1, 2_000);
    let again = tokio::spawn(first.ask(again));
    tokio::time::sleep(ms(100)).await;
    second.ask(Buy::of(Says::AtMost(dollars(9)), dollars(9))).await?;
    let error = refused(again.await?);
    assert_eq!((error.class(), error.advice()), (FailureClass::OverBudget, Advice::Never), "{error}");
    assert_eq!(swarm.cost().spent, dollars(10));
    lab.end(swarm).await;
    Ok(())
}

/// Counts who passes it, and who is between the admission and its end.
struct Gate {
    stage: Stage,
    asked: Arc<AtomicUsize>,
    inside: Arc<AtomicUsize>,
}

struct Inside(Arc<AtomicUsize>);

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Link for Gate {
    fn name(&self) -> &str {
        "gate"
    }

    fn stage(&self) -> Stage {
        self.stage
    }

    fn admit<'a>(&'a self, _: &'a Request<'a>) -> Admitting<'a> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.inside.fetch_add(1, Ordering::SeqCst);
        let inside = Inside(Arc::clone(&self.inside));
        Box::pin(std::future::ready(Ok(Admitted::holding(inside))))
    }
}

#[skep::swarm_test(seeds = 20)]
async fn an_approval_is_asked_for_once_and_a_limit_for_each_try(lab: Lab) -> TestResult {
    let (fails, stages) =
        (2, [Stage::Permission, Stage::Approval, Stage::Cache, Stage::Breaker, Stage::RateLimit]);
    let counts = || Arc::<AtomicUsize>::default();
    let gates = stages.map(|stage| (stage, counts(), counts()));
    let swarm = lab
        .start_with(|builder| {
            gates.iter().fold(builder, |builder, (stage, asked, inside)| {
                let (asked, inside) = (Arc::clone(asked), Arc::clone(inside));
                builder.link(Gate { stage: *stage, asked, inside })
            })
        })
        .await;
    let one = swarm.spawn(buyer("buyer")).await?;
    let bought = tokio::spawn(one.ask(Buy::of(Says::Free, Usage::ZERO).failing(fails, 1_000).taking(400)));
    tokio::time::sleep(ms(600)).await;
    let now = |count: &AtomicUsize| count.load(Ordering::SeqCst);
    let held: Vec<_> = gates.iter().map(|(.., inside)| now(inside)).collect();
    assert_eq!(held, [1, 1, 1, 0, 0], "in the pause only what is for the whole effect is held");
    // A pause that cuts a call short asks nobody twice for an approval either.
    tokio::time::sleep(ms(1_000)).await;
    drop(one.pause(Pause::now()).await);
    one.resume()?;
    bought.await??;
    let asked: Vec<_> = gates.iter().map(|(_, asked, _)| now(asked)).collect();
    assert_eq!(asked, [1, 1, 1, 4, 4]);
    assert!(gates.iter().all(|(.., inside)| now(inside) == 0));
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn tries_without_a_pause_are_no_loop_in_one_poll(lab: Lab) -> TestResult {
    struct Stubborn;
    impl Agent for Stubborn {
        type Task = ();
        type Output = ();
        async fn handle(&mut self, (): &(), cx: &Context) -> Result<(), AgentError> {
            let effect = cx.effect("call", "").free().deadline(ms(10));
            let retry = Retry::times(u32::MAX).backoff(Duration::ZERO, Duration::ZERO);
            let ends = cx.now() + ms(5);
            let call = |call: skep::Call| async move {
                // Each takes no time at all, but now and then.
                if call.number().is_multiple_of(64) {
                    cx.env().sleep_until(cx.now() + ms(1)).await;
                }
                if cx.now() < ends { Err(AgentError::message("no")) } else { Ok(()) }
            };
            Ok(effect.retry(retry).run(call).await?)
        }
    }
    let swarm = lab.start().await;
    swarm.spawn(AgentSpec::new("stubborn", || Stubborn)).await?.ask(()).await?;
    let history = lab.end(swarm).await;
    assert!(history.count("effect_retried") > 0, "it was tried again, and the clock went on meanwhile");
    Ok(())
}

/// Whatever is refused: who comes again when told is let through if nobody else spends, and who is told *never* is not let
/// through at any later time.
#[skep::swarm_test(seeds = 300)]
async fn advice_to_come_again_is_true(lab: Lab) -> TestResult {
    let mut dice = lab.dice();
    let mut level = |name: &str| {
        let cap = dice.below(9);
        let budget = match dice.below(3) {
            0 => Budget::new(),
            1 => Budget::new().calls(cap),
            _ => Budget::new().money(NanoUsd(cap * 1_000)).calls(dice.below(12)),
        };
        let budget = if dice.chance(500) { budget.every(ms(dice.between(100, 4_000))) } else { budget };
        buyer(name).budget(budget)
    };
    let (top, middle, deep) = (level("top"), level("middle"), level("deep"));
    let swarm = lab.start().await;
    let top = swarm.spawn(top).await?;
    let middle = swarm.spawn(middle.under(&top)).await?;
    let deep = swarm.spawn(deep.under(&middle)).await?;
    let all = [top, middle, deep];
    let amount = |calls: u64| Usage::calls(calls).with_money(NanoUsd(calls * 1_000));
    for _ in 0..dice.between(1, 8) {
        // What others have in flight, or have spent.
        let (worst, used) = (dice.below(5), dice.below(5));
        let (says, bills) = (Says::AtMost(amount(worst)), amount(used.min(worst)));
        drop(dice.pick(&all).tell(Buy::of(says, bills).taking(dice.below(400))));
    }
    tokio::time::sleep(ms(dice.below(700))).await;
    let buy = Buy::of(Says::AtMost(amount(dice.below(6))), Usage::ZERO);
    let buyer = swarm.spawn(buyer("buyer").under(dice.pick(&all))).await?;
    let mut answer = buyer.ask(buy.clone()).await;
    // Effects in flight may take their time, and then a window's turn may be what is waited for.
    for _ in 0..12 {
        let Err(AskError::Failed(_, error)) = &answer else { break };
        match error.advice() {
            Advice::After(pause) => tokio::time::sleep(pause).await,
            Advice::Never => {
                tokio::time::sleep(ms(dice.between(1, 20_000))).await;
                assert!(buyer.ask(buy).await.is_err(), "told never, and let through later: {error}");
                lab.end(swarm).await;
                return Ok(());
            }
            Advice::Now => panic!("a refusal is not to be tried at once: {error}"),
        }
        answer = buyer.ask(buy.clone()).await;
    }
    answer?;
    lab.end(swarm).await;
    Ok(())
}

/// Keeps the call of its first try, which speaks again in the second.
struct Late;

impl Agent for Late {
    type Task = ();
    type Output = ();

    async fn handle(&mut self, (): &(), cx: &Context) -> Result<(), AgentError> {
        let kept: std::sync::Mutex<Option<skep::Call>> = std::sync::Mutex::default();
        let effect = cx.effect("late", ()).worst_case(Usage::calls(10)).retry(Retry::times(2));
        let tried = effect.run(|call| {
            let mut kept = kept.lock().unwrap();
            let earlier = kept.take();
            if let Some(earlier) = &earlier {
                earlier.used(Usage::ZERO);
            } else {
                call.used(Usage::calls(10));
                *kept = Some(call);
            }
            async move { if earlier.is_some() { Ok(()) } else { Err(AgentError::message("once more")) } }
        });
        Ok(tried.await?)
    }
}

#[skep::swarm_test(seeds = 5)]
async fn what_the_call_of_an_earlier_try_says_is_too_late(lab: Lab) -> TestResult {
    let swarm = lab.start_with(|builder| builder.budget(Budget::new().calls(100))).await;
    swarm.spawn(AgentSpec::new("late", || Late)).await?.ask(()).await?;
    assert_eq!(
        swarm.cost().spent,
        Usage::calls(20),
        "the second said nothing of itself: it is settled at its worst"
    );
    lab.end(swarm).await;
    Ok(())
}
