//! What an asker says of its ask and reads from it: how often it is tried, what it cost, whether an earlier attempt asked it; and
//! the bounds of a scope.

use std::sync::Mutex;
use std::time::Duration;

use skep::{
    Advice, Agent, AgentError, AgentSpec, AskError, Budget, Context, Env, Scope, ScopeOwner, Stop, Swarm,
    Usage, What,
};

use super::forest::ms;

async fn swarm() -> Swarm {
    Swarm::builder("s").env(Env::simulated(7, None)).start().await.unwrap()
}

/// Fails in its first attempts, crashes in the next, and then answers with all errors that it was told.
struct Pupil {
    fails: u32,
    crashes: u32,
    advice: Advice,
    told: Mutex<Vec<String>>,
}

fn pupil(fails: u32, crashes: u32, advice: Advice) -> AgentSpec<Pupil> {
    AgentSpec::new("pupil", move || Pupil { fails, crashes, advice, told: Mutex::default() })
}

async fn pay(cx: &Context) -> Result<(), AgentError> {
    let pay = |call: skep::Call| async move {
        call.used(Usage::calls(1));
        Ok(())
    };
    Ok(cx.effect("pay", cx.attempt()).worst_case(Usage::calls(1)).run(pay).await?)
}

impl Agent for Pupil {
    type Task = ();
    type Output = Vec<String>;

    async fn handle(&mut self, (): &(), cx: &Context) -> Result<Vec<String>, AgentError> {
        pay(cx).await?;
        self.told.lock().unwrap().extend(cx.last_error().map(ToString::to_string));
        if cx.attempt() <= self.fails {
            return Err(AgentError::message(format!("wrong {}", cx.attempt())).advise(self.advice));
        }
        if cx.attempt() <= self.fails + self.crashes {
            return Err(AgentError::crash("torn"));
        }
        Ok(std::mem::take(&mut self.told.lock().unwrap()))
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_is_tried_again_in_the_same_agent_which_is_told_it() {
    let swarm = swarm().await;
    let agent = swarm.spawn(pupil(2, 0, Advice::Never)).await.unwrap();
    let mut ask = agent.ask(()).retries(2);
    assert_eq!((&mut ask).await.unwrap(), ["wrong 1", "wrong 2"], "one behaviour heard both");
    assert_eq!((ask.attempts(), ask.spent(), ask.is_recalled()), (3, Usage::calls(3), false));

    let error = agent.ask(()).retries(1).await.unwrap_err();
    assert_eq!(error.to_string(), "s.1 failed: wrong 2", "the last error is the answer, and no dead letter");
    assert_eq!(swarm.dead_letters().len(), 0);
    let error = agent.ask(()).await.unwrap_err();
    assert_eq!(error.to_string(), "s.1 failed: wrong 1", "unless told an error is the answer");
}

#[tokio::test(start_paused = true)]
async fn retries_bound_the_attempts_after_a_crash_too_and_the_spec_bounds_both() {
    let swarm = swarm().await;
    for (retries, attempts) in [(0, 1), (1, 2), (2, 3), (u32::MAX, 3)] {
        let agent = swarm.spawn(pupil(0, 9, Advice::Never).named(format!("p{retries}"))).await.unwrap();
        let mut ask = agent.ask(()).retries(retries);
        assert!(matches!((&mut ask).await, Err(AskError::Poisoned { .. })));
        assert_eq!((ask.attempts(), ask.spent().calls), (attempts, u64::from(attempts)));
        let _ = agent.stop(Stop::default()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn another_attempt_begins_when_the_error_says_that_it_makes_sense() {
    let swarm = swarm().await;
    let agent = swarm.spawn(pupil(2, 0, Advice::After(Duration::from_secs(4)))).await.unwrap();
    let began = tokio::time::Instant::now();
    assert!(agent.ask(()).retries(2).await.is_ok());
    assert_eq!(began.elapsed(), Duration::from_secs(8));
    let late = agent.ask(()).retries(2).within(Duration::from_secs(6)).await.unwrap_err();
    assert!(matches!(late, AskError::Expired(_)), "{late}");
}

/// Pays itself, by a child and by a scope's child; asks another agent, who pays for itself.
struct Buyer;

impl Agent for Buyer {
    type Task = bool;
    type Output = u64;

    async fn handle(&mut self, crashes: &bool, cx: &Context) -> Result<u64, AgentError> {
        pay(cx).await?;
        cx.spawn(pupil(0, 0, Advice::Never)).await?.ask(()).await?;
        let scope = cx.scope("inner")?;
        let helper = scope.spawn(pupil(0, 0, Advice::Never)).await?;
        let mut ask = scope.ask("help", &helper, ());
        (&mut ask).await?;
        let own = (ask.is_recalled(), ask.spent());
        assert_eq!(own, (cx.attempt() > 1, Usage::calls(1)), "what was paid before is known");
        let _ = scope.close(Stop::default()).await;
        if *crashes && cx.attempt() == 1 {
            return Err(AgentError::crash("torn"));
        }
        Ok(cx.spent().calls)
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_knows_what_it_cost_with_all_that_its_turns_began() {
    let swarm = swarm().await;
    let agent = swarm.spawn(AgentSpec::new("buyer", || Buyer)).await.unwrap();
    for (crashes, calls) in [(false, 3), (true, 4)] {
        let before = agent.cost().spent;
        let mut ask = agent.ask(crashes);
        (&mut ask).await.unwrap();
        assert_eq!(ask.spent(), Usage::calls(calls), "of a crash the second attempt pays its own call again");
        assert_eq!(
            agent.cost().spent,
            before + ask.spent(),
            "the task's cost is what the agent's has grown by"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_scope_has_a_budget_which_all_that_is_begun_in_it_shares() {
    let swarm = swarm().await;
    let owner = ScopeOwner::from(&swarm).budget(Budget::new().calls(2));
    let scope = Scope::open(&owner, "pair").unwrap();
    let mut answers = Vec::new();
    for _ in 0..3 {
        let agent = scope.spawn(pupil(0, 0, Advice::Never)).await.unwrap();
        answers.push(agent.ask(()).await);
    }
    let refused = answers.pop().unwrap().unwrap_err();
    assert!(answers.iter().all(Result::is_ok) && refused.to_string().contains("calls"), "{refused}");
    assert_eq!((scope.cost().spent, swarm.cost().spent), (Usage::calls(2), Usage::calls(2)));
    let bad = Scope::open(&ScopeOwner::from(&swarm).budget(Budget::usd("two")), "bad").err().unwrap();
    assert!(bad.to_string().contains("budget.usd"), "{bad}");
}

/// Opens scopes of one name at once, in branches.
struct Opener;

impl Agent for Opener {
    type Task = ();
    type Output = bool;

    async fn handle(&mut self, (): &(), cx: &Context) -> Result<bool, AgentError> {
        let owner = ScopeOwner::from(cx);
        let _first = Scope::open(&owner.branch("a"), "same")?;
        let _second = Scope::open(&owner.branch("b"), "same")?;
        let is_taken = Scope::open(&owner.branch("b"), "same").is_err();
        owner.progress("halfway");
        Ok(is_taken)
    }
}

#[tokio::test(start_paused = true)]
async fn owners_have_branches_and_say_how_far_they_are_while_they_live() {
    let swarm = swarm().await;
    let agent = swarm.spawn(AgentSpec::new("opener", || Opener)).await.unwrap();
    let mut ask = agent.ask(());
    assert!((&mut ask).await.unwrap());
    let (by_agent, by_swarm) = (ScopeOwner::from(&agent), ScopeOwner::from(&swarm));
    by_agent.record("seen", 1, serde_json::json!(1));
    by_swarm.progress("all is well\nor not");
    let _ = agent.stop(Stop::default()).await;
    by_agent.record("seen", 1, serde_json::json!(2));
    by_agent.progress("gone");
    tokio::time::sleep(ms(1)).await;
    let events = swarm.events_so_far();
    let said: Vec<_> = events
        .iter()
        .filter_map(|event| match &event.what {
            What::Progress { text } => Some(format!("{} {text}", event.agent)),
            What::Custom { name, data, .. } => Some(format!("{} {name} {data}", event.agent)),
            _ => None,
        })
        .collect();
    assert_eq!(
        said,
        ["s.1 halfway", "s.1 seen 1", "s all is well\\nor not"],
        "one line each, none after an end"
    );
}
