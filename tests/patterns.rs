//! Fan-out over real agents under virtual time: every end is a row, every cost is in a row, and nothing is left.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use skep::{
    Agent, AgentError, AgentSpec, Budget, Context, Env, Failure, FailureClass, FanOut, Gathered, GatheredRow,
    ScopeOwner, Specs, Stop, Swarm, Tasks, Usage, fan_out,
};

/// What an item's agent does, after so many milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Does {
    Answers(u64),
    Fails(u64),
    /// Crashes in its first attempts, each as long.
    Crashes(u32, u64),
    /// Waits for what never comes, and hears no cancel.
    Hangs,
    /// Does not come up.
    FailsToStart,
    /// Answers if the same item failed before.
    AnswersInTheSecondTry,
}

use Does::*;

/// Agents at work now, and the most there ever were; tries by item.
#[derive(Default)]
struct Gauge {
    now: AtomicUsize,
    most: AtomicUsize,
    begun: Mutex<Vec<usize>>,
}

struct AtWork<'a>(&'a Gauge);

impl<'a> AtWork<'a> {
    fn begin(gauge: &'a Gauge, item: usize) -> Self {
        let now = gauge.now.fetch_add(1, Ordering::SeqCst) + 1;
        gauge.most.fetch_max(now, Ordering::SeqCst);
        gauge.begun.lock().unwrap().push(item);
        Self(gauge)
    }
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::SeqCst);
    }
}

type Item = (usize, Does);

struct Worker {
    starts: bool,
}

impl Agent for Worker {
    type Task = Item;
    type Output = usize;

    async fn start(&mut self, cx: &Context) -> Result<(), AgentError> {
        if self.starts {
            return Ok(());
        }
        pay(cx).await?;
        Err(AgentError::message("no key"))
    }

    async fn handle(&mut self, (item, does): &Item, cx: &Context) -> Result<usize, AgentError> {
        let gauge = cx.get::<Gauge>().unwrap();
        let _at_work = AtWork::begin(&gauge, *item);
        pay(cx).await?;
        let (Answers(ms) | Fails(ms) | Crashes(_, ms)) = *does else {
            if *does == Hangs {
                std::future::pending::<()>().await;
            }
            let tries = gauge.begun.lock().unwrap().iter().filter(|begun| *begun == item).count();
            return if tries > 1 { Ok(*item) } else { Err(AgentError::message("the first try")) };
        };
        cx.sleep(Duration::from_millis(ms)).await?;
        match *does {
            Fails(_) => Err(AgentError::message("no such file")),
            Crashes(times, _) if cx.attempt() <= times => panic!("out of its depth"),
            _ => Ok(*item),
        }
    }
}

/// One call, at a tenth of a cent.
async fn pay(cx: &Context) -> Result<(), AgentError> {
    let price = Usage::calls(1).with_money(skep::NanoUsd(1_000_000));
    let paid = cx.effect("work", "").worst_case(price).run(move |call| async move {
        call.used(price);
        Ok(())
    });
    Ok(paid.await?)
}

type Fan = FanOut<Item, Specs<'static, Item, Worker>, Tasks<'static, Item, Worker>>;

fn fan(owner: impl Into<ScopeOwner>, items: &[Does]) -> Fan {
    fan_out(owner, items.iter().cloned().enumerate())
        .agent(|(item, does)| {
            let starts = does != FailsToStart;
            AgentSpec::new(format!("w{item}"), move || Worker { starts })
        })
        .task(|item| item)
}

async fn swarm() -> Swarm {
    swarm_in(Env::simulated(7, None)).await
}

async fn swarm_in(env: Env) -> Swarm {
    let builder = Swarm::builder("s").resource(Gauge::default()).resource(Seen::default());
    builder.env(env).start().await.unwrap()
}

/// Whoever lives but the root, its scopes included.
fn alive(swarm: &Swarm) -> Vec<String> {
    let all = swarm.status().into_iter().filter(|status| status.id != *swarm.id());
    all.map(|status| format!("{} {}: {}", status.id, status.name, status.state)).collect()
}

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A letter for each row: done, failed, stopped, not begun.
fn ends<I, T>(gathered: &Gathered<I, T>) -> String {
    let letter = |row: &GatheredRow<I, T>| match row.result {
        Ok(_) => 'd',
        Err(Failure::Failed(_)) => 'f',
        Err(Failure::Stopped(_)) => 's',
        Err(Failure::NotBegun(_)) => 'n',
    };
    gathered.rows().iter().map(letter).collect()
}

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
    assert_eq!(
        gathered.to_string(),
        "2 of 5 completed, failed: w1 (no such file), w2 (failed to start: no key), \
         w3 (crashed in every attempt, at last: out of its depth)"
    );
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
    assert!(gathered.to_string().ends_with("w4 (not begun: 2 others had failed)"), "{gathered}");
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

/// The most that were ever at work, and in which order they began.
async fn gauge(swarm: &Swarm) -> (usize, Vec<usize>) {
    swarm.run(AgentSpec::new("reader", || ReadsGauge), ()).await.unwrap()
}

struct ReadsGauge;

impl Agent for ReadsGauge {
    type Task = ();
    type Output = (usize, Vec<usize>);
    async fn handle(&mut self, (): &(), cx: &Context) -> Result<Self::Output, AgentError> {
        let gauge = cx.get::<Gauge>().unwrap();
        let begun = gauge.begun.lock().unwrap().clone();
        Ok((gauge.most.load(Ordering::SeqCst), begun))
    }
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
    assert!(gathered.to_string().contains("w3 (not begun: the 1s for all were over)"), "{gathered}");
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
    let fan = fan(&swarm, &items).at_most(1);
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
    let fan = fan(&swarm, &[AnswersInTheSecondTry, Answers(1), Answers(1)]).at_most(1).fail_fast();
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

/// What leads have gathered, for tests to see after the turn is gone.
#[derive(Default)]
struct Seen(Mutex<Option<Gathered<Item, usize>>>);

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
        gathered.to_string().contains("w1 (stopped: the turn that gathered was cancelled)"),
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
    assert_eq!(lead.cost().spent.calls, 2);
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

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_holds_on_threads_and_the_real_clock_too() {
    let swarm = swarm_in(Env::real()).await;
    let does =
        [Answers(1), Fails(0), Crashes(1, 1), FailsToStart, Answers(0), Crashes(3, 0), Hangs, Answers(2)];
    let items: Vec<_> = does.iter().cycle().take(200).cloned().collect();
    let stop = Stop::within(secs(1));
    let fan = fan(&swarm, &items).at_most(64).each_within(millis(200)).stop(stop).within(secs(60));
    let gathered = fan.gather().await;
    assert_eq!(ends(&gathered), "dfdfdffd".repeat(25), "{gathered}");
    assert_eq!(gathered.cost(), swarm.cost().spent);

    let all = fan.gather();
    assert!(tokio::time::timeout(millis(10), all).await.is_err(), "the hanging ones last 200 ms");
    let receipt = swarm.stop(stop).await;
    assert!(receipt.nothing_left(), "{receipt}");
    assert_eq!(swarm.census(swarm.id()), [], "by a count that knows nothing of seats");
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

/// What a plain model says of the rows: letters as in `ends`, and the attempts of each.
fn model(items: &[Does], at_most: usize, batch: usize, give_up: usize, within: u64) -> (String, Vec<u32>) {
    let mut ends = vec!['n'; items.len()];
    let mut attempts = vec![0; items.len()];
    let (mut working, mut now, mut begun, mut failed) = (BTreeMap::new(), 0, 0, 0);
    loop {
        while begun < items.len()
            && failed < give_up
            && working.len() < at_most
            && (working.is_empty() || begun % batch != 0)
        {
            let lasts = match items[begun] {
                Answers(ms) | Fails(ms) => ms,
                Crashes(times, ms) => ms * u64::from(times + 1).min(3),
                _ => u64::MAX,
            };
            working.insert(now + lasts, begun);
            begun += 1;
        }
        let Some((at, item)) = working.pop_first() else { break };
        if at >= within || failed >= give_up {
            let until = if failed >= give_up { now } else { within };
            for (item, at) in working.into_iter().map(|(at, item)| (item, at)).chain([(item, at)]) {
                ends[item] = 's';
                attempts[item] = match items[item] {
                    Crashes(times, ms) => {
                        let began = at - ms * u64::from(times + 1).min(3);
                        u32::try_from((until - began) / ms + 1).unwrap()
                    }
                    _ => 1,
                };
            }
            break;
        }
        now = at;
        let (end, tries) = match items[item] {
            Answers(_) => ('d', 1),
            Crashes(times, _) if times < 3 => ('d', times + 1),
            Crashes(..) => ('f', 3),
            _ => ('f', 1),
        };
        (ends[item], attempts[item]) = (end, tries);
        failed += usize::from(end == 'f');
    }
    (ends.into_iter().collect(), attempts)
}

/// Times that never fall together: whole multiples of a large prime, told apart by a few milliseconds of the item's own.
fn items() -> impl Strategy<Value = Vec<Does>> {
    let does = (0..8_u32, 1..40_u64);
    prop::collection::vec(does, 0..14).prop_map(|all| {
        let time = |at: usize, units: u64| units * 7_919 + (1 << at);
        let does = |(at, (kind, units)): (usize, (u32, u64))| match kind {
            0..4 => Answers(time(at, units)),
            4 | 5 => Fails(time(at, units)),
            _ => Crashes(1 + at as u32 % 3, time(at, units)),
        };
        all.into_iter().enumerate().map(does).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]
    #[test]
    fn any_items_end_as_a_plain_model_says(
        items in items(),
        at_most in 1..5_usize,
        batch in prop_oneof![Just(usize::MAX), 1..5_usize],
        give_up in prop_oneof![Just(usize::MAX), 1..4_usize],
        within in prop_oneof![Just(100_000_000), 7_919 * 3..7_919 * 60_u64],
        seed: u64,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let swarm = swarm_in(Env::simulated(seed, None)).await;
            let fan = fan(&swarm, &items).at_most(at_most).batches_of(batch).give_up_after(give_up);
            let gathered = fan.within(millis(within)).await;
            let attempts: Vec<_> = gathered.rows().iter().map(|row| row.attempts).collect();
            prop_assert_eq!((ends(&gathered), attempts), model(&items, at_most, batch, give_up, within));
            for row in gathered.rows() {
                prop_assert_eq!(row.cost.calls, u64::from(row.attempts), "each attempt is one call: {:?}", row);
            }
            prop_assert_eq!(gathered.cost(), swarm.cost().spent);
            prop_assert!(gauge(&swarm).await.0 <= at_most);
            prop_assert_eq!(alive(&swarm), Vec::<String>::new());
            Ok(())
        })?;
    }
}
