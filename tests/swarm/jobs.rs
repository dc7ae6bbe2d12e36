//! An agent for one task: it is done when the task has its outcome, whatever that is.

use skep::testkit::{Lab, TestResult};
use skep::{
    AgentRef, AgentSpec, AgentState, AskError, FailureClass, Outcome, Restart, Scope, ScopeOwner, Stop,
    StopReason, Supervisor,
};

use super::forest::{Act, Imp, ms};

fn job(name: &str) -> AgentSpec<Imp> {
    Imp::spec(name).once()
}

async fn end_of(job: &AgentRef<Imp>) -> StopReason {
    tokio::time::timeout(ms(20_000), job.ended()).await.expect("it ends")
}

#[skep::swarm_test(seeds = 20)]
async fn a_job_at_the_root_is_done_after_its_task_and_its_name_is_free(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let mut ids = Vec::new();
    for _ in 0..4 {
        let job = swarm.spawn(job("job")).await?;
        job.ask(vec![Act::Step]).await?;
        assert_eq!(end_of(&job).await, StopReason::Done);
        assert_eq!(job.status().incarnation, 1, "nobody starts it again");
        ids.push(job.id().clone());
    }
    ids.dedup();
    assert_eq!(ids.len(), 4);
    let history = lab.end(swarm).await;
    assert_eq!(history.count("supervisor_report"), 0, "and nothing is amiss");
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_job_is_done_after_its_task_wherever_it_was_put(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let lead = swarm.spawn(Imp::spec("lead")).await?;
    let dynamic = swarm.spawn(Supervisor::dynamic().named("dynamic")).await?;
    let static_ones = swarm.spawn(Supervisor::one_for_one().child(job("declared"))).await?;
    let scope = Scope::open(&ScopeOwner::from(&swarm), "scope")?;
    let jobs = [
        swarm.spawn(job("at-root")).await?,
        swarm.spawn(job("under").under(&lead)).await?,
        dynamic.children().start_child(job("dynamic-child")).await?,
        static_ones.children().start_child(job("added")).await?,
        swarm.agent("declared")?,
        scope.spawn(job("in-scope")).await?,
    ];
    for job in &jobs {
        assert_eq!(job.ask(vec![Act::PanicOnce]).await?, 0, "the next attempt is a life of its own");
        assert_eq!(end_of(job).await, StopReason::Done, "{}", job.name());
        assert_eq!(job.status().incarnation, 2, "{}", job.name());
    }
    assert_eq!(lead.state(), AgentState::Idle);
    lab.saw(&scope.close(Stop::within(ms(500))).await);
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_job_ends_whatever_the_outcome_of_its_task_is(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let works = async |name: &str, acts: Vec<Act>, is_interrupted: bool| {
        let job = swarm.spawn(job(name).restart(Restart::Transient)).await?;
        let ask = tokio::spawn(job.ask(acts).within(ms(5_000)));
        tokio::time::sleep(ms(50)).await;
        if is_interrupted {
            job.interrupt();
        }
        drop(ask.await);
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>((end_of(&job).await, job.status().incarnation))
    };
    assert_eq!(works("fails", vec![Act::Fail], false).await?, (StopReason::Done, 1));
    assert_eq!(works("unwinds", vec![Act::Sleep(60_000)], true).await?, (StopReason::Done, 1));
    assert_eq!(works("is-dropped", vec![Act::SleepDeaf(60_000)], true).await?, (StopReason::Done, 1));
    assert_eq!(works("expires", vec![Act::SleepDeaf(60_000)], false).await?, (StopReason::Done, 1));
    assert_eq!(works("exits", vec![Act::Exit], false).await?, (StopReason::Done, 1));
    let (reason, lives) = works("crashes", vec![Act::Panic], false).await?;
    assert!(matches!(&reason, StopReason::Failed { class: FailureClass::Bug, .. }), "{reason:?}");
    assert_eq!(lives, 3, "an attempt each, and no life without a task");
    let history = lab.end(swarm).await;
    assert_eq!(history.outcomes("crashes"), [Outcome::Poisoned]);
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn what_else_waits_at_a_job_comes_back(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let job = swarm.spawn(job("job")).await?;
    let (first, second) = tokio::join!(job.ask(vec![Act::Sleep(100)]), job.ask(vec![Act::Step]));
    assert_eq!(first?, 0);
    assert!(matches!(second, Err(AskError::Stopped(_, StopReason::Done, Some(_)))), "{second:?}");
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn crashes_of_jobs_take_no_supervisor_down(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let sup = swarm.spawn(Supervisor::one_for_one().intensity(0, ms(60_000))).await?;
    for number in 0..5 {
        let job = sup.children().start_child(job(&format!("job-{number}"))).await?;
        job.ask(vec![Act::PanicOnce]).await?;
    }
    assert_eq!(sup.state(), AgentState::Idle);
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_job_that_is_said_to_be_permanent_begins_anew_after_each_task(lab: Lab) -> TestResult {
    let swarm = lab.start_with(|builder| builder.intensity(9, ms(5_000))).await;
    let job = swarm.spawn(job("job").restart(Restart::Permanent)).await?;
    for life in 1..=3 {
        assert_eq!(job.status().incarnation, life);
        job.ask(vec![Act::Step]).await?;
        tokio::time::sleep(ms(10)).await;
    }
    lab.end(swarm).await;
    Ok(())
}
