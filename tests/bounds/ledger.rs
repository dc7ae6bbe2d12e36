//! P2: the bill is exact and the budget is hard.

use skep::testkit::{Dice, Lab, Point, TestResult};
use skep::{AgentRef, Budget, NanoUsd, OnRefusal, Outcome, Restart, Swarm, Usage};

use super::forest::{Act, Forest, Imp, Soil, amount, ms, spend};

/// Spends of every kind in every place: at the agent, at children of tasks and agents, in scopes, and beside.
fn spends(dice: &mut Dice, depth: u64) -> Vec<Act> {
    let count = dice.between(1, 4);
    let mut acts: Vec<Act> = (0..count).map(|_| spend(dice)).collect();
    let name = format!("child-{}", dice.below(3));
    match dice.below(8) {
        0 if depth > 0 => acts.push(Act::Child(name, spends(dice, depth - 1))),
        1 if depth > 0 => acts.push(Act::OwnChild(name, spends(dice, depth - 1))),
        2 if depth > 0 => acts.push(Act::Scope(name, spends(dice, depth - 1), dice.chance(500))),
        3 => acts.push(Act::PanicOnce),
        _ => {}
    }
    dice.shuffle(&mut acts);
    acts
}

#[skep::swarm_test(seeds = 300)]
async fn the_bill_is_exact_and_the_budget_hard_whatever_happens(lab: Lab) -> TestResult {
    let mut dice = lab.dice();
    let overruns = dice.chance(500);
    let lab = lab
        .fault(Point::effect("*").chance(if overruns { 60 } else { 0 }).costs(amount(2)).may_rest())
        .fault(Point::effect("*").chance(40).panics().may_rest())
        .fault(Point::effect("*").chance(40).kills().may_rest())
        .fault(Point::effect("*").chance(20).loses_cell().may_rest())
        .fault(Point::effect("*").chance(20).hangs_deaf().may_rest());
    let whole = Budget::new().calls(dice.between(5, 200)).depth(6);
    let swarm =
        lab.start_with(|builder| builder.budget(whole).intensity(5, ms(5_000)).permits("call-1", 3)).await;
    let mut forest = Forest::new(dice.clone(), Soil::TAME, None);
    for _ in 0..dice.between(1, 3) {
        drop(swarm.spawn(forest.tree()).await);
    }
    for _ in 0..dice.between(5, 40) {
        let name = dice.pick(&forest.names).clone();
        let Ok(agent) = swarm.agent::<Imp>(&name) else { continue };
        blow(&mut dice, &swarm, agent).await;
    }
    let wait = dice.below(2_000);
    tokio::time::sleep(ms(wait)).await;
    lab.end(swarm).await;
    Ok(())
}

async fn blow(dice: &mut Dice, swarm: &Swarm, agent: AgentRef<Imp>) {
    let acts = spends(dice, 2);
    let patience = ms(dice.between(1, 700));
    match dice.below(10) {
        0 => agent.kill(),
        1 => drop(agent.interrupt()),
        2 => drop(tokio::time::timeout(patience, agent.ask(acts)).await),
        3 => {
            use std::future::IntoFuture;
            let run = swarm.run(Imp::spec("run").under(&agent), acts);
            drop(tokio::time::timeout(patience, run.into_future()).await);
        }
        4 => drop(agent.stop(skep::Stop::within(patience)).await),
        _ => drop(agent.tell(acts)),
    }
}

fn pays(worst: u64, used: u64, takes: u64) -> Act {
    Act::Spend { kind: 0, worst, used, takes, tries: 1, says: true, once: false }
}

#[skep::swarm_test(seeds = 64)]
async fn children_that_race_for_one_budget_never_overshoot_it(lab: Lab) -> TestResult {
    let swarm = lab.start_with(|builder| builder.budget(Budget::new().calls(100))).await;
    let mut asks = Vec::new();
    for number in 0..64 {
        let child = swarm.spawn(Imp::spec(format!("child-{number}"))).await?;
        asks.push(tokio::spawn(child.ask(vec![pays(3, 3, number % 7)])));
    }
    let mut done = 0;
    for ask in asks {
        done += usize::from(ask.await?.is_ok());
    }
    assert_eq!(done, 33, "33 fit into 100, and all that fits runs");
    assert_eq!(swarm.cost().spent.calls, 99);
    let history = lab.end(swarm).await;
    assert_eq!(history.count("effect_refused"), 31);
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_killed_agents_costs_stay_at_every_ancestor(lab: Lab) -> TestResult {
    let lab = lab.fault(Point::effect("call-0").of("deep").nth(2).kills());
    let swarm = lab.start().await;
    swarm.spawn(Imp::spec("top").child(Imp::spec("deep"))).await?;
    let deep = swarm.agent::<Imp>("deep")?;
    deep.ask(vec![pays(5, 4, 1), pays(5, 4, 1)]).await?;
    // The first attempt's first effect and its killed second, which had not said a word; then both again.
    assert_eq!(deep.cost().spent.calls, 4 + 8);
    let top = swarm.agent::<Imp>("top")?;
    assert_eq!((top.cost().spent, swarm.cost().spent), (deep.cost().spent, deep.cost().spent));
    let history = lab.end(swarm).await;
    assert_eq!(history.incarnations("deep"), 2);
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_call_that_is_cut_short_books_what_it_said_or_its_worst_case(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let imp = swarm.spawn(Imp::spec("imp")).await?;
    let silent = Act::Spend { kind: 0, worst: 7, used: 1, takes: 500, tries: 1, says: false, once: false };
    drop(tokio::time::timeout(ms(100), imp.ask(vec![silent])).await);
    tokio::time::sleep(ms(2_000)).await;
    let history = lab.end(swarm).await;
    let bill = *history.costs().own(&history.agents("imp")[0]).unwrap();
    assert_eq!((bill.spent, bill.estimated, bill.reserved), (amount(7), amount(7), Usage::ZERO));
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn an_overrun_is_booked_in_full_and_closes_the_budget(lab: Lab) -> TestResult {
    let lab = lab.fault(Point::effect("call-0").nth(1).costs(Usage::calls(50)));
    let swarm = lab.start().await;
    let imp = swarm.spawn(Imp::spec("imp").budget(Budget::new().calls(10))).await?;
    imp.ask(vec![pays(2, 2, 1)]).await?;
    assert_eq!(imp.cost().spent.calls, 52);
    let refused = imp.ask(vec![pays(0, 0, 1)]).await.unwrap_err();
    assert_eq!(refused.http_status(), 429, "{refused}");
    let history = lab.end(swarm).await;
    assert_eq!(history.count("overrun"), 1);
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_refusal_names_the_ancestor_and_what_is_left(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let top = swarm
        .spawn(Imp::spec("top").budget(Budget::new().money(NanoUsd(10_000))).child(Imp::spec("deep")))
        .await?;
    let deep = swarm.agent::<Imp>("deep")?;
    deep.ask(vec![pays(4, 4, 1)]).await?;
    let refused = deep.ask(vec![pays(7, 7, 1)]).await.unwrap_err().to_string();
    assert!(refused.contains(top.id().as_str()) && refused.contains("0.000006"), "{refused}");
    assert_eq!(deep.ask(vec![pays(6, 6, 1)]).await?, 6);
    let history = lab.end(swarm).await;
    assert_eq!(history.outcomes("deep"), [Outcome::Done, Outcome::Failed, Outcome::Done]);
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_budget_may_stop_its_subtree_or_only_warn(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let strict = Budget::new().calls(5).on_refusal(OnRefusal::Stop);
    let stops = swarm.spawn(Imp::spec("stops").budget(strict).child(Imp::spec("below"))).await?;
    let warns =
        swarm.spawn(Imp::spec("warns").budget(Budget::new().calls(5).on_refusal(OnRefusal::Warn))).await?;
    warns.ask(vec![pays(9, 9, 1)]).await?;
    assert!(swarm.agent::<Imp>("below")?.ask(vec![pays(9, 9, 1)]).await.is_err());
    stops.ended().await;
    let history = lab.end(swarm).await;
    assert_eq!(history.count("budget_warned"), 1);
    assert!(matches!(history.state("below"), Some(skep::AgentState::Stopped(_))));
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn costs_of_agents_that_have_ended_stay_in_the_breakdown(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let imp = swarm.spawn(Imp::spec("imp").restart(Restart::Temporary)).await?;
    imp.ask(vec![pays(2, 2, 1), Act::Child("child".into(), vec![pays(3, 3, 1)])]).await?;
    let breakdown = swarm.costs();
    let row = |name: &str| breakdown.rows.iter().find(|row| row.name == name).unwrap().clone();
    assert_eq!((row("child").own.spent.calls, row("child").ended), (3, true));
    assert_eq!((row("imp").own.spent.calls, row("imp").subtree.spent.calls), (2, 5));
    lab.end(swarm).await;
    Ok(())
}
