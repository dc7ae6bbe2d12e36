//! A fan-out belongs to a task, an agent or the swarm, and ends with it.

use skep::context::Cancelled;
use skep::{Agent, AgentError, AgentSpec, Context, Gathered, ScopeOwner, Stop};

use crate::rig::*;

/// Fans out in its turn, as its task says.
struct Lead;

impl Agent for Lead {
    type Task = Vec<Does>;
    type Output = String;

    async fn handle(&mut self, items: &Vec<Does>, cx: &Context) -> Result<String, AgentError> {
        let gathered = fan(cx, items).at_most(2).within(secs(3_600)).await;
        let line = gathered.to_string();
        *cx.get::<Seen>().unwrap().0.lock().unwrap() = Some(gathered);
        Ok(line)
    }
}

struct ReadsSeen;

impl Agent for ReadsSeen {
    type Task = ();
    type Output = Gathered<Item, usize>;
    async fn handle(&mut self, (): &(), cx: &Context) -> Result<Self::Output, AgentError> {
        cx.get::<Seen>()
            .unwrap()
            .0
            .lock()
            .unwrap()
            .take()
            .ok_or_else(|| AgentError::message("nothing was gathered"))
    }
}

#[tokio::test(start_paused = true)]
async fn when_the_owners_turn_is_cancelled_the_rest_is_stopped_and_its_rows_are_there() {
    let swarm = swarm().await;
    let lead = swarm.spawn(AgentSpec::new("lead", || Lead)).await.unwrap();
    let items = vec![Answers(10), Answers(60_000), Answers(60_000), Answers(1)];
    let asked = lead.ask(items).within(secs(2)).await;
    assert!(asked.is_err());
    tokio::time::sleep(secs(5)).await;

    let gathered = swarm.run(AgentSpec::new("reader", || ReadsSeen), ()).await.unwrap();
    assert_eq!(ends(&gathered), "dssn");
    assert!(
        gathered.to_string().contains("w1 (stopped: the turn that it belongs to was cancelled)"),
        "{gathered}"
    );
    assert_eq!(alive(&swarm).len(), 1, "the lead alone: {:?}", alive(&swarm));
}

#[tokio::test(start_paused = true)]
async fn what_an_agent_fans_out_in_its_turn_is_billed_to_it() {
    let swarm = swarm().await;
    let lead = swarm.spawn(AgentSpec::new("lead", || Lead)).await.unwrap();
    assert_eq!(
        lead.ask(vec![Answers(1), Fails(1)]).await.unwrap(),
        "1 of 2 completed, failed: w1 (no such file)"
    );
    assert_eq!(lead.cost().spent.calls, 1 + 3, "what failed was tried again");
}

#[tokio::test(start_paused = true)]
async fn when_the_owner_is_stopped_its_rows_end_and_no_more_begin() {
    let swarm = swarm().await;
    let lead = swarm.spawn(AgentSpec::new("lead", || Lead)).await.unwrap();
    let stopped = async {
        tokio::time::sleep(secs(1)).await;
        lead.stop(Stop::within(secs(1))).await
    };
    let items = [Answers(10), Answers(60_000), Hangs, Answers(1)];
    let (gathered, receipt) = tokio::join!(fan(&lead, &items).at_most(2).into_future(), stopped);
    assert!(receipt.nothing_left());
    assert_eq!(ends(&gathered), "dssn");
    assert_eq!(alive(&swarm), [""; 0]);

    let gathered = fan(&lead, &items).await;
    assert_eq!(ends(&gathered), "nnnn", "nothing begins under an owner that has ended");
}

/// Crashes in its first attempt, in the middle of its fan-out.
struct CrashingLead;

impl Agent for CrashingLead {
    type Task = Vec<Does>;
    type Output = String;

    async fn handle(&mut self, items: &Vec<Does>, cx: &Context) -> Result<String, AgentError> {
        tokio::select! {
            gathered = fan(cx, items).into_future() => Ok(gathered.to_string()),
            () = tokio::time::sleep(secs(1)), if cx.attempt() == 1 => panic!("in the middle of it"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_owner_that_crashes_leaves_nothing_of_its_first_attempt() {
    let swarm = swarm().await;
    let lead = swarm.spawn(AgentSpec::new("lead", || CrashingLead)).await.unwrap();
    let asked = lead.ask(vec![Answers(2_000), Answers(2_000)]);
    let look = async {
        tokio::time::sleep(millis(2_500)).await;
        alive(&swarm).len()
    };
    let (answer, alive_in_the_second) = tokio::join!(asked, look);
    assert_eq!(answer.unwrap(), "2 of 2 completed");
    assert_eq!(alive_in_the_second, 1 + 1 + 2, "the lead, its second scope, and two agents");
    assert_eq!(alive(&swarm).len(), 1);
    assert_eq!(lead.cost().spent.calls, 2 + 2, "what the first attempt paid stays paid");
}

/// Does something once for all attempts, and crashes in the first.
struct Remembers;

impl Agent for Remembers {
    type Task = ();
    type Output = (u32, u32);

    async fn handle(&mut self, (): &(), cx: &Context) -> Result<(u32, u32), AgentError> {
        let (owner, attempt) = (ScopeOwner::from(cx), cx.attempt());
        let first = owner.memo("first", 1, || async { Ok::<_, Cancelled>(attempt) }).await?;
        let other = owner.branch("other");
        if attempt == 1 {
            let failed = other.memo("first", 1, || async { Err::<u32, _>(AgentError::message("not yet")) });
            assert!(failed.await.is_err());
            panic!("in the middle of it");
        }
        let second = other.memo("first", 1, || async { Ok::<_, Cancelled>(attempt) }).await?;
        Ok((first, second))
    }
}

#[tokio::test(start_paused = true)]
async fn an_owner_that_is_tried_again_has_what_was_done_once_for_all_attempts() {
    let swarm = swarm().await;
    let both = swarm.run(AgentSpec::new("remembers", || Remembers), ()).await.unwrap();
    assert_eq!(both, (1, 2), "and an error is not kept");
    let owner = ScopeOwner::from(&swarm);
    for time in [1, 2] {
        let done = owner.memo("first", 1, || async { Ok::<_, Cancelled>(time) }).await.unwrap();
        assert_eq!(done, time, "a swarm has no attempts");
    }
}
