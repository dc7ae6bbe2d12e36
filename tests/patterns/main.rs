//! Fan-out over real agents under virtual time: every end is a row, every cost is in a row, and nothing is left.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::type_complexity, reason = "an agent made of a closure has the type of that closure")]
#![allow(clippy::disallowed_methods, reason = "a test stands outside every swarm")]

mod council;
mod delegate;
mod handoff;
mod map_reduce;
mod model;
mod models;
mod nested;
mod owners;
mod panel;
mod pipeline;
mod queue;
mod race;
mod retried;
mod review_loop;
mod rig;
mod storm;
mod storms;
mod supervise;
mod terms;
mod voices;
mod vote;
mod waves;
mod workflow;

use skep::{AgentSpec, Budget, Env, FailureClass, Gathered, Stop, Usage, fan_out};

use crate::rig::*;

#[tokio::test(start_paused = true)]
async fn all_rows_are_gathered_and_a_failure_is_a_row() {
    let swarm = swarm().await;
    let gathered = fan(&swarm, &[Answers(30), Fails(10), FailsToStart, Crashes(3, 5), Answers(0)]).await;

    assert_eq!(ends(&gathered), "dfffd");
    assert_eq!(
        gathered.ok().map(|((item, _), output)| (*item, *output)).collect::<Vec<_>>(),
        [(0, 0), (4, 4)]
    );
    let classes: Vec<_> =
        gathered.failed().filter_map(|row| Some(row.result.as_ref().err()?.class())).collect();
    assert_eq!(classes, [FailureClass::Failed, FailureClass::Start, FailureClass::Poisoned]);
    let told = gathered.to_string();
    let (begin, at_last) = told.split_once("the last error: ").unwrap();
    assert_eq!(
        begin,
        "2 of 5 completed, failed: w1 (no such file), w2 (failed to start: no key), \
         w3 (failed in 3 attempts; "
    );
    // With the place of the panic, wherever that stands.
    assert!(at_last.starts_with("panicked at ") && at_last.ends_with(": out of its depth)"), "{told}");
    assert_eq!(alive(&swarm), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn rows_stand_in_the_order_of_their_items_whoever_ends_first() {
    let swarm = swarm().await;
    let gathered = fan(&swarm, &[Answers(90), Answers(10), Answers(50)]).await;
    let items: Vec<_> = gathered.rows().iter().map(|row| (row.item.0, row.agent.as_str())).collect();
    assert_eq!(items, [(0, "w0"), (1, "w1"), (2, "w2")]);
    let took: Vec<_> = gathered.rows().iter().map(|row| row.took).collect();
    assert_eq!(took, [millis(90), millis(10), millis(50)]);
    assert_eq!(gathered.took(), millis(90));
}

#[tokio::test(start_paused = true)]
async fn nothing_to_do_is_done_at_once() {
    let swarm = swarm().await;
    let before = swarm.events_so_far().len();
    let gathered = fan(&swarm, &[]).await;
    assert_eq!((gathered.to_string().as_str(), gathered.is_complete()), ("0 of 0 completed", true));
    assert_eq!(swarm.events_so_far().len(), before, "not even a scope was opened");
}

#[tokio::test(start_paused = true)]
async fn the_first_failure_stops_the_rest_when_failing_fast() {
    let swarm = swarm().await;
    let gathered =
        fan(&swarm, &[Answers(5), Answers(500), Fails(10), Hangs, Answers(1)]).at_most(4).fail_fast().await;
    // The fifth began when the first had its answer, and had its own before the third failed.
    assert_eq!(ends(&gathered), "dsfsd");
    assert!(gathered.to_string().contains("w1 (stopped: another had failed)"), "{gathered}");
    assert_eq!(alive(&swarm), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn it_gives_up_after_as_many_failures_as_it_was_told() {
    let swarm = swarm().await;
    let items = [Fails(1), Answers(1), Fails(1), Answers(1), Answers(1)];
    let gathered = fan(&swarm, &items).at_most(1).give_up_after(2).await;
    assert_eq!(ends(&gathered), "fdfnn");
    assert!(gathered.to_string().ends_with("w4 (not started: 2 others had failed)"), "{gathered}");
    let gathered = fan(&swarm, &items).at_most(1).give_up_after(3).await;
    assert_eq!(ends(&gathered), "fdfdd");
}

#[tokio::test(start_paused = true)]
async fn six_agents_live_at_once_unless_told() {
    for (at_most, most) in [(None, 6), (Some(2), 2), (Some(0), 1)] {
        let swarm = swarm().await;
        let fan = fan(&swarm, &vec![Answers(10); 20]);
        let gathered = match at_most {
            None => fan.await,
            Some(agents) => fan.at_most(agents).await,
        };
        assert!(gathered.is_complete());
        assert_eq!(gauge(&swarm).await.0, most);
    }
}

#[tokio::test(start_paused = true)]
async fn an_agent_ends_with_its_answer_and_does_not_wait_for_the_others() {
    let swarm = swarm().await;
    let look = async {
        tokio::time::sleep(millis(50)).await;
        alive(&swarm).len()
    };
    let (gathered, at_fifty) = tokio::join!(fan(&swarm, &[Answers(10), Answers(100)]).into_future(), look);
    assert!(gathered.is_complete());
    assert_eq!(at_fifty, 1 + 1, "the scope and the agent that works");
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_is_deaf_holds_its_place_for_no_longer_than_its_stop() {
    let swarm = swarm().await;
    let items = [Hangs, Answers(10)];
    let fan = fan(&swarm, &items).at_most(1).each_within(secs(1)).stop(Stop::within(millis(500)));
    let gathered = fan.await;
    assert_eq!(ends(&gathered), "fd");
    assert!(gathered.took() <= millis(1_000 + 500 + 10), "{:?}", gathered.took());
}

#[tokio::test(start_paused = true)]
async fn a_batch_begins_when_the_one_before_is_over() {
    let swarm = swarm().await;
    let items = [Answers(10), Answers(100), Answers(10), Answers(10), Answers(10)];
    let gathered = fan(&swarm, &items).batches_of(2).await;
    assert_eq!(gathered.took(), millis(100 + 10 + 10));
    let (most, mut begun) = gauge(&swarm).await;
    begun.chunks_mut(2).for_each(<[_]>::sort);
    assert_eq!((most, begun), (2, vec![0, 1, 2, 3, 4]));
}

#[tokio::test(start_paused = true)]
async fn each_agent_has_its_deadline_and_the_others_go_on() {
    let swarm = swarm().await;
    let gathered = fan(&swarm, &[Answers(900), Hangs, Answers(2_000)]).each_within(secs(1)).await;
    assert_eq!(ends(&gathered), "dff");
    assert!(gathered.to_string().contains("w1 (no answer in 1.0s)"), "{gathered}");
    assert_eq!(gathered.rows()[2].took, secs(1));
    assert_eq!(alive(&swarm), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_over_by_the_deadline_of_the_whole_is_stopped_or_not_begun() {
    let swarm = swarm().await;
    let items = [Answers(900), Answers(1_500), Hangs, Answers(1)];
    let gathered = fan(&swarm, &items).at_most(2).within(secs(1)).await;
    assert_eq!(ends(&gathered), "dssn");
    assert!(
        gathered.to_string().contains("w3 (not started: the limit of 1s for all of them was reached)"),
        "{gathered}"
    );
    assert_eq!(gathered.failed().filter(|row| row.id.is_none()).count(), 1);
    assert_eq!(alive(&swarm), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn the_whole_has_thirty_seconds_unless_told() {
    let swarm = swarm().await;
    let gathered = fan(&swarm, &[Answers(29_000), Answers(31_000)]).await;
    assert_eq!(ends(&gathered), "ds");
    assert_eq!(gathered.took(), secs(30));
}

#[tokio::test(start_paused = true)]
async fn a_crash_that_was_recovered_from_is_an_attempt_in_its_row() {
    let swarm = swarm().await;
    let gathered = fan(&swarm, &[Crashes(2, 1), Answers(1), Crashes(3, 1)]).await;
    assert_eq!(ends(&gathered), "ddf");
    let rows = gathered.rows().iter().map(|row| (row.attempts, row.cost.calls));
    assert_eq!(rows.collect::<Vec<_>>(), [(3, 3), (1, 1), (3, 3)]);
}

#[tokio::test(start_paused = true)]
async fn dropping_it_leaves_nothing_alive() {
    let swarm = swarm().await;
    for at in [0, 1, 10, 11, 50] {
        let items = [Answers(10), Answers(100), Hangs, Answers(100)];
        let gathering = fan(&swarm, &items).at_most(2).stop(Stop::within(secs(1)));
        tokio::select! {
            biased;
            () = tokio::time::sleep(millis(at)) => {}
            gathered = gathering.into_future() => panic!("it hangs: {gathered}"),
        }
        tokio::time::sleep(secs(20)).await;
        assert_eq!(alive(&swarm), [""; 0], "dropped after {at} ms");
        assert_eq!(swarm.cost().reserved, Usage::ZERO);
    }
}

#[tokio::test(start_paused = true)]
async fn only_failed_rows_are_run_again() {
    let swarm = swarm().await;
    let items = [Answers(1), AnswersInTheSecondTry, Fails(1), FailsToStart];
    let fan = fan(&swarm, &items).at_most(1).retries(0);
    let mut gathered = fan.gather().await;
    assert_eq!(ends(&gathered), "dfff");
    fan.retry_failed(&mut gathered).await;
    assert_eq!(ends(&gathered), "ddff");
    assert_eq!(gauge(&swarm).await.1, [0, 1, 2, 1, 2], "the first was not run again");
    let attempts: Vec<_> = gathered.rows().iter().map(|row| row.attempts).collect();
    assert_eq!(attempts, [1, 2, 2, 0]);
    assert_eq!(gathered.cost(), swarm.cost().spent, "tries that failed are in the bill");
    assert_eq!(gathered.cost().calls, 1 + 2 + 2 + 2);
}

#[tokio::test(start_paused = true)]
async fn rows_that_were_not_begun_are_run_again_too() {
    let swarm = swarm().await;
    let fan = fan(&swarm, &[AnswersInTheSecondTry, Answers(1), Answers(1)]).at_most(1).retries(0).fail_fast();
    let mut gathered = fan.gather().await;
    assert_eq!(ends(&gathered), "fnn");
    fan.retry_failed(&mut gathered).await;
    assert_eq!(gathered.to_string(), "3 of 3 completed");
}

#[tokio::test(start_paused = true)]
async fn a_budget_that_refuses_an_item_is_that_items_row() {
    let swarm = swarm().await;
    let gathered = fan_out(&swarm, [(0, Answers(1)), (1, Answers(1))])
        .agent(|(item, _)| {
            let budget = Budget::new().calls(if item == 0 { 0 } else { 1 });
            AgentSpec::new(format!("w{item}"), || Worker { starts: true }).budget(budget)
        })
        .task(|item| item)
        .await;
    assert_eq!(ends(&gathered), "fd");
    let failure = gathered.rows()[0].result.as_ref().unwrap_err();
    assert_eq!(failure.class(), FailureClass::OverBudget);
    assert!(failure.to_string().contains("0 calls left"), "{failure}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_holds_on_threads_and_the_real_clock_too() {
    let swarm = swarm_in(Env::real()).await;
    let does =
        [Answers(1), Fails(0), Crashes(1, 1), FailsToStart, Answers(0), Crashes(3, 0), Hangs, Answers(2)];
    let items: Vec<_> = does.iter().cycle().take(200).cloned().collect();
    let stop = Stop::within(secs(1));
    let fan = fan(&swarm, &items).at_most(64).each_within(secs(3)).stop(stop).within(secs(60));
    let gathered = fan.gather().await;
    assert_eq!(ends(&gathered), "dfdfdffd".repeat(25), "{gathered}");
    assert_eq!(gathered.cost(), swarm.cost().spent);

    let all = fan.gather();
    assert!(tokio::time::timeout(millis(10), all).await.is_err(), "the hanging ones last three seconds");
    let receipt = swarm.stop(stop).await;
    assert!(receipt.nothing_left(), "{receipt}");
    // By a count that knows nothing of seats.
    let left = swarm.census(swarm.id());
    let of_left =
        swarm.events_so_far().into_iter().filter(|event| left.iter().any(|(id, ..)| *id == event.agent));
    assert_eq!(left, [], "{:#?}", of_left.map(|event| event.what.clone()).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn what_was_gathered_is_data_that_can_be_written_down() {
    let swarm = swarm().await;
    let gathered =
        fan(&swarm, &[Answers(1), Fails(1), Hangs, Answers(1)]).at_most(3).within(secs(1)).fail_fast().await;
    let json = serde_json::to_value(&gathered).unwrap();
    assert_eq!(json["rows"][0]["result"]["Ok"], 0);
    assert_eq!(json["rows"][1]["result"]["Err"]["failed"]["message"], "no such file");
    assert_eq!(json["rows"][1]["agent"], "w1");
    assert_eq!(serde_json::from_value::<Gathered<Item, usize>>(json).unwrap(), gathered);
}

#[tokio::test(start_paused = true)]
async fn a_line_names_ten_failures_and_counts_the_rest() {
    let swarm = swarm().await;
    let gathered = fan(&swarm, &vec![Fails(0); 12]).await;
    let line = gathered.to_string();
    assert!(line.ends_with("w9 (no such file) and 2 more"), "{line}");
}
