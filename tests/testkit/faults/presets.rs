//! Each preset does what its line says, and every oracle agrees.

use skep::testkit::{History, Lab, Preset, TestResult};
use skep::{AgentSpec, AskError, Budget, Outcome, Restart, Stop, StopReason, Swarm};

use super::works;
use crate::forest::{Act, Imp, ms};

fn under(lab: &Lab, preset: Preset, agents: &str) -> Lab {
    Lab::seed(lab.which_seed()).plan(preset.plan(lab.which_seed(), agents))
}

fn imp(name: &str) -> AgentSpec<Imp> {
    Imp::spec(name).restart(Restart::Permanent)
}

#[skep::swarm_test(seeds = 10)]
async fn under_every_preset_every_promise_holds(lab: Lab) -> TestResult {
    for preset in Preset::ALL {
        let lab = under(&lab, preset, "*");
        let swarm = works(&lab).await?;
        if let Err(failure) = lab.try_end(swarm).await {
            return Err(format!("{preset}: {failure}{}", lab.report()).into());
        }
    }
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn in_a_crash_loop_a_supervisor_gives_up(lab: Lab) -> TestResult {
    let lab = under(&lab, Preset::CrashLoop, "imp");
    let swarm = lab.start_with(|builder| builder.intensity(2, ms(5_000))).await;
    let (agent, other) = (swarm.spawn(imp("imp")).await?, swarm.spawn(imp("other")).await?);
    for _ in 0..3 {
        agent.tell(vec![Act::Step])?;
    }
    let reason = agent.ended().await;
    assert!(matches!(reason, StopReason::Escalated { .. }), "{reason}");
    other.ask(vec![Act::Step]).await?;
    let history = lab.end(swarm).await;
    assert!(history.incarnations("imp") > 2, "it was restarted before");
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn a_poisoned_task_is_a_dead_letter_and_the_next_is_done(lab: Lab) -> TestResult {
    let lab = under(&lab, Preset::PoisonTask, "imp-*");
    let swarm = lab.start().await;
    for name in ["imp-1", "imp-2"] {
        let imp = swarm.spawn(imp(name)).await?;
        let (poison, next) = tokio::join!(imp.ask(vec![Act::Step]), imp.ask(vec![Act::Step]));
        assert!(matches!(poison, Err(AskError::Poisoned { .. })), "{poison:?}");
        next?;
    }
    assert_eq!(swarm.dead_letters().len(), 2);
    let history = lab.end(swarm).await;
    assert_eq!((history.incarnations("imp-1"), history.incarnations("imp-2")), (1, 1));
    Ok(())
}

async fn ten_tasks(lab: &Lab, swarm: Swarm) -> Result<History, Box<dyn std::error::Error + Send + Sync>> {
    let mut agents = Vec::new();
    for number in 0..5 {
        agents.push(swarm.spawn(imp(&format!("imp-{number}")).intensity(9, ms(5_000))).await?);
    }
    let work = || vec![Act::Sleep(50), Act::Step, Act::Sleep(50)];
    for imp in &agents {
        imp.tell(work())?;
    }
    for imp in &agents {
        imp.ask(work()).within(ms(120_000)).await?;
    }
    Ok(lab.end(swarm).await)
}

#[skep::swarm_test(seeds = 20)]
async fn what_is_swizzled_is_done_later_and_no_otherwise(lab: Lab) -> TestResult {
    let lab = under(&lab, Preset::Swizzle, "imp-*");
    let swarm = lab.start().await;
    let history = ten_tasks(&lab, swarm).await?;
    for number in 0..5 {
        assert_eq!(history.outcomes(&format!("imp-{number}")), [Outcome::Done, Outcome::Done]);
    }
    assert!(history.count("agent_paused") > 0);
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn in_a_restart_storm_tasks_are_tried_again(lab: Lab) -> TestResult {
    let lab = under(&lab, Preset::RestartStorm, "imp-*");
    let swarm = lab.start_with(|builder| builder.intensity(50, ms(5_000))).await;
    let mut agents = Vec::new();
    for number in 0..5 {
        agents.push(swarm.spawn(imp(&format!("imp-{number}"))).await?);
    }
    for imp in &agents {
        // Done, or poisoned by three crashes; nothing else.
        let answer = imp.ask(vec![Act::Step, Act::Sleep(50)]).within(ms(120_000)).await;
        assert!(matches!(answer, Ok(_) | Err(AskError::Poisoned { .. })), "{answer:?}");
    }
    let history = lab.end(swarm).await;
    assert!(history.count("agent_exited") > 0 && history.count("task_redelivered") > 0);
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn a_budget_cliff_closes_the_budgets_above_it(lab: Lab) -> TestResult {
    let lab = under(&lab, Preset::BudgetCliff, "imp");
    let swarm = lab.start_with(|builder| builder.budget(Budget::new().calls(1_000))).await;
    let imp = swarm.spawn(imp("imp")).await?;
    let other = swarm.spawn(Imp::spec("other")).await?;
    let spend =
        || vec![Act::Spend { kind: 0, worst: 1, used: 1, takes: 10, tries: 1, says: true, once: false }];
    imp.ask(spend()).await?;
    let refused = other.ask(spend()).await;
    assert!(matches!(&refused, Err(AskError::Failed(_, error)) if error.http_status() == 429), "{refused:?}");
    let history = lab.end(swarm).await;
    assert_eq!((history.count("overrun"), history.count("effect_refused")), (1, 1));
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_late_child_is_refused_and_the_receipt_is_whole(lab: Lab) -> TestResult {
    let lab = under(&lab, Preset::LateChild, "*");
    let swarm = lab.start().await;
    let lead = swarm.spawn(imp("lead").child(imp("kid"))).await?;
    lead.tell(vec![Act::Step, Act::Sleep(60_000)])?;
    tokio::time::sleep(ms(100)).await;
    let receipt = lead.stop(Stop::default()).await;
    lab.saw(&receipt);
    let history = lab.end(swarm).await;
    let first = history.events().iter().position(|event| event.what.name() == "agent_stopping").unwrap();
    let after = history.events()[first..].iter().filter(|event| event.what.name() == "agent_spawned");
    assert_eq!(after.count(), 0);
    assert!(history.fired()[0] > 0);
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn what_has_lost_its_supervisor_is_found_and_dealt_with(lab: Lab) -> TestResult {
    let lab = under(&lab, Preset::SupervisorLost, "lead");
    let swarm = lab.start_with(|builder| builder.sweep(Some(ms(500)))).await;
    let lead = swarm.spawn(imp("lead").child(imp("kid"))).await?;
    let kid = swarm.agent::<Imp>("kid")?;
    lead.tell(vec![Act::Step])?;
    assert_eq!(kid.ended().await, StopReason::Stopped, "a sweep has found it");
    assert!(swarm.agent::<Imp>("lead").is_err(), "nobody was told");
    let history = lab.end(swarm).await;
    assert_eq!(history.count("orphan_found"), 1);
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_stop_that_comes_before_a_sweep_finds_it_too(lab: Lab) -> TestResult {
    let lab = under(&lab, Preset::SupervisorLost, "lead");
    let swarm = lab.start().await;
    let lead = swarm.spawn(imp("lead").child(imp("kid").child(imp("below")))).await?;
    lead.tell(vec![Act::Step])?;
    tokio::time::sleep(ms(100)).await;
    let history = lab.end(swarm).await;
    assert_eq!(history.count("orphan_found"), 1);
    assert_eq!(history.receipt().rows().len(), 2, "{}", history.receipt());
    Ok(())
}
