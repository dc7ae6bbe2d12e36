//! One decides, several work.

use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};
use skep::supervise::{Move, Standing, Supervise};
use skep::supervise::{Next, Supervised, Table};
use skep::testkit::{Lab, TestResult};
use skep::{
    Agent, AgentError, AgentSpec, Budget, Context, Failure, Report as _, ScopeOwner, Swarm, Usage, agent_fn,
    race, supervise,
};

use crate::rig::{alive, millis, secs, swarm};
use crate::storm::storm;

/// What a worker does, after so many milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Job {
    Takes(u64),
    Breaks(u64),
}

use Job::*;

type Seen = Table<String, Job, u64>;
type Says = Next<Job, Vec<u64>>;

fn worker() -> AgentSpec<impl Agent<Task = Job, Output = u64>> {
    agent_fn("worker", |job: Job, cx: Context| async move {
        let (Takes(ms) | Breaks(ms)) = job;
        let price = Usage::calls(1);
        let paid = cx.effect("work", "").worst_case(price).run(move |call| async move {
            call.used(price);
            Ok(())
        });
        paid.await?;
        cx.sleep(millis(ms)).await?;
        if job == Takes(ms) { Ok(ms) } else { Err(AgentError::message("out of its depth")) }
    })
}

/// A decider that says what the function says, and takes some time over it.
fn lead(
    takes: u64,
    says: impl Fn(&Seen) -> Says + Send + Sync + 'static,
) -> AgentSpec<impl Agent<Task = Seen, Output = Says>> {
    let says = Arc::new(says);
    agent_fn("lead", move |table: Seen, cx: Context| {
        let says = Arc::clone(&says);
        async move {
            cx.sleep(millis(takes)).await?;
            Ok(says(&table))
        }
    })
}

type Supervision<'a> = Supervise<'a, String, Job, u64, Vec<u64>>;

fn supervision<'a>(
    owner: impl Into<ScopeOwner>,
    takes: u64,
    says: impl Fn(&Seen) -> Says + Clone + Send + Sync + 'static,
) -> Supervision<'a> {
    supervise(owner, "all is well".to_owned())
        .worker(|job: &Job| (worker(), job.clone()))
        .decide(move |table| (lead(takes, says.clone()), table.clone()))
        .retries(0)
}

fn outputs(table: &Seen) -> Vec<u64> {
    table.done().map(|(_, output)| *output).collect()
}

/// Plans these, waits for all of them, and is done.
fn plan(jobs: &[Job]) -> impl Fn(&Seen) -> Says + Clone + Send + Sync + 'static {
    let jobs = jobs.to_vec();
    move |table| match table.round {
        1 => Next::spawn(jobs.clone()),
        _ if table.working().next().is_some() => Next::wait(),
        _ => Next::Done(outputs(table)),
    }
}

/// A letter for each task.
fn standings<R>(report: &Supervised<Job, u64, R>) -> String {
    let letter = |standing: &Standing<u64>| match standing {
        Standing::Working => 'w',
        Standing::Done(_) => 'd',
        Standing::Failed(Failure::Failed(_)) => 'f',
        Standing::Failed(Failure::Stopped(_)) => 's',
        Standing::Failed(Failure::NotNeeded(_)) => 'u',
        Standing::Failed(Failure::NotBegun(_)) => 'n',
        Standing::GivenUp => 'g',
    };
    report.tasks.iter().map(|task| letter(&task.standing)).collect()
}

#[tokio::test(start_paused = true)]
async fn it_decides_at_each_end_while_the_others_go_on() {
    let swarm = swarm().await;
    let report = supervision(&swarm, 1, plan(&[Takes(10), Takes(30), Takes(20)])).await;
    assert_eq!(report.value.as_deref(), Some(&[10, 30, 20][..]));
    assert_eq!(report.rounds, 4, "one to plan, and one for each end");
    assert_eq!(report.parts.took, millis(1 + 30 + 1));
    let path: Vec<_> = report.parts.critical_path().iter().map(|part| part.name.clone()).collect();
    assert_eq!(path, ["decide-1", "worker", "decide-4"]);
    assert_eq!(report.to_string(), "reached in 4 rounds with 3 of 3 tasks done, $0.00, 3 calls in all");
    assert_eq!(alive(&swarm), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_ends_while_it_thinks_is_one_question() {
    let swarm = swarm().await;
    let report = supervision(&swarm, 25, plan(&[Takes(10), Takes(20), Takes(30), Takes(40)])).await;
    // The second is asked at 35 and knows of one; the third, at 60, of all others but the last, which ended at 65.
    assert_eq!(report.rounds, 4);
    assert_eq!(standings(&report), "dddd");
}

#[tokio::test(start_paused = true)]
async fn in_rounds_it_decides_when_all_have_ended() {
    let swarm = swarm().await;
    let report = supervision(&swarm, 1, plan(&[Takes(10), Takes(30), Takes(20)])).in_rounds().await;
    assert_eq!((report.rounds, report.parts.took), (2, millis(1 + 30 + 1)));
}

#[tokio::test(start_paused = true)]
async fn as_many_work_as_may_and_the_decider_beside_them() {
    let swarm = swarm().await;
    let jobs = vec![Takes(10); 5];
    let report = supervision(&swarm, 0, plan(&jobs)).at_most(2).await;
    assert_eq!(report.parts.took, millis(30));
    assert_eq!(standings(&report), "ddddd");
    let report = supervision(&swarm, 0, plan(&jobs)).at_most(0).await;
    assert_eq!(report.parts.took, millis(50), "at least one");
}

#[tokio::test(start_paused = true)]
async fn it_tries_again_reassigns_and_gives_up() {
    let swarm = swarm().await;
    let report = supervision(&swarm, 0, |table| match table.round {
        1 => Next::spawn([Breaks(10), Breaks(20), Takes(9_000), Takes(8_000)]),
        2 => {
            let failed: Vec<_> = table.failed().map(|(task, why)| (task.number, why.to_string())).collect();
            assert_eq!(failed, [(1, "out of its depth".to_owned())]);
            Next::Go(vec![Move::Reassign(1, Takes(5)), Move::GiveUp(3), Move::Reassign(4, Takes(100))])
        }
        3 => Next::wait(),
        4 => Next::Go(vec![Move::Retry(2), Move::Spawn(Takes(1))]),
        _ if table.working().next().is_some() => Next::wait(),
        _ => Next::Done(outputs(table)),
    })
    .gather_all()
    .await;
    assert_eq!(report.value.as_deref(), Some(&[5, 100, 1][..]), "{}", report.parts.tree());
    assert_eq!(standings(&report), "dfgdd");
    let tries: Vec<_> = report.tasks.iter().map(|task| task.tries).collect();
    assert_eq!(tries, [2, 2, 1, 2, 1]);
    assert!(report.parts.took < millis(500), "nobody waited for those that were stopped");
    let lines = report.parts.tree();
    assert!(lines.contains("stopped: it was given up") && lines.contains("stopped: it was given to another"));
    assert_eq!(report.parts.cost(), swarm.cost().spent, "what was stopped is billed");
    assert_eq!(report.parts.cost().calls, 8);
}

#[tokio::test(start_paused = true)]
async fn done_stops_the_rest() {
    let swarm = swarm().await;
    let report = supervision(&swarm, 1, |table| match outputs(table) {
        none if none.is_empty() && table.tasks.is_empty() => Next::spawn([Takes(10), Takes(9_000), Takes(1)]),
        some => Next::Done(some),
    })
    .at_most(1)
    .await;
    assert_eq!((report.value.as_deref(), standings(&report).as_str()), (Some(&[10][..]), "duu"));
    let said = report.parts.tree();
    assert!(said.contains("not needed: the supervisor was done"), "{said}");
    assert_eq!(report.parts.took, millis(1 + 10 + 1));
}

#[tokio::test(start_paused = true)]
async fn three_failures_begin_no_more_and_it_asks_and_goes_on_with_an_answer() {
    let swarm = swarm().await;
    let says = |table: &Seen| match table.answers.last() {
        None if table.tasks.is_empty() => {
            Next::spawn([Breaks(10), Breaks(20), Breaks(30), Takes(100), Takes(7)])
        }
        None => Next::wait(),
        Some(answered) if table.working().next().is_some() => {
            assert_eq!(answered.answer, "without the broken ones");
            Next::wait()
        }
        Some(_) => Next::Done(outputs(table)),
    };
    let supervision = supervision(&swarm, 0, says).at_most(4);
    // The fifth began with the first failure, so that it was done.
    let report = supervision.run().await;
    assert_eq!((standings(&report).as_str(), &report.value), ("fffdd", &None));
    let question = report.asks.clone().unwrap();
    assert_eq!(question, "3 tries have failed, task 3 with: out of its depth. Shall it go on, and how?");
    assert!(report.to_string().ends_with(&format!("and it asks: {question}")), "{report}");
    let text = serde_json::to_string(&report).unwrap();
    let mut back: Supervised<Job, u64, Vec<u64>> = serde_json::from_str(&text).unwrap();
    assert_eq!(back, report);
    supervision.answer(&mut back, "without the broken ones").await;
    assert_eq!((back.value.as_deref(), back.answers[0].question.clone()), (Some(&[100, 7][..]), question));
    assert_eq!(back.parts.cost(), swarm.cost().spent, "the parts of both runs");
    assert!(report.into_result().unwrap_err().to_string().contains("it asks: 3 tries"));
}

#[tokio::test(start_paused = true)]
async fn it_may_ask_itself_and_what_works_goes_to_its_end() {
    let swarm = swarm().await;
    let says = |table: &Seen| match (table.tasks.len(), table.answers.last()) {
        (0, _) => Next::spawn([Takes(10), Takes(50), Takes(3)]),
        (_, None) => Next::Ask("which one?\nsay".to_owned()),
        (_, Some(_)) if table.working().next().is_some() => Next::wait(),
        (_, Some(answered)) => Next::Done(vec![answered.answer.len() as u64, table.tasks.len() as u64]),
    };
    let supervision = supervision(&swarm, 0, says).at_most(1);
    let mut report = supervision.run().await;
    assert_eq!(report.asks.as_deref(), Some("which one?\nsay"));
    assert_eq!(standings(&report), "ddn", "the second had begun");
    assert_eq!(report.to_string().lines().count(), 1);
    supervision.answer(&mut report, "the best").await;
    assert_eq!((report.value.as_deref(), standings(&report).as_str()), (Some(&[8, 3][..]), "ddd"));
    assert_eq!(report.tasks[2].tries, 1, "it had not begun before");
}

/// What the decider found in `last_error`, attempt by attempt.
type Errors = Arc<Mutex<Vec<String>>>;

fn stubborn(
    errors: &Errors,
    says: impl Fn(&Seen) -> Says + Send + Sync + 'static,
) -> AgentSpec<impl Agent<Task = Seen, Output = Says>> {
    let (errors, says) = (Arc::clone(errors), Arc::new(says));
    agent_fn("lead", move |table: Seen, cx: Context| {
        let (errors, says) = (Arc::clone(&errors), Arc::clone(&says));
        async move {
            errors.lock().unwrap().extend(cx.last_error().map(ToString::to_string));
            Ok(says(&table))
        }
    })
}

#[tokio::test(start_paused = true)]
async fn a_decider_that_waits_for_nothing_is_told_so_and_fails() {
    let swarm = swarm().await;
    let errors = Errors::default();
    let report = supervise(&swarm, String::new())
        .worker(|job: &Job| (worker(), job.clone()))
        .decide(|table| (stubborn(&errors, |_| Next::wait()), table.clone()))
        .await;
    assert_eq!((report.value.clone(), report.rounds, report.asks.clone()), (None, 1, None));
    assert_eq!(errors.lock().unwrap().len(), 2, "tried again twice, with the reason");
    assert!(report.to_string().contains("nothing works then, so there is nothing to wait for"), "{report}");
    assert!(report.into_result().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_decision_about_what_is_not_there_is_a_failed_attempt() {
    let swarm = swarm().await;
    for (bad, why) in [
        (Next::Go(vec![Move::Retry(4)]), "there is no task 4"),
        (Next::Go(vec![Move::GiveUp(1), Move::GiveUp(1)]), "nobody works on task 1"),
        (Next::spawn([Takes(1), Takes(1), Takes(1)]), "no worker may be given a task any more"),
    ] {
        let errors = Errors::default();
        let report = supervise(&swarm, String::new())
            .worker(|job: &Job| (worker(), job.clone()))
            .decide(|table| {
                let bad: Says = bad.clone();
                let says = move |table: &Seen| match table.tasks.len() {
                    0 => Next::spawn([Takes(10), Takes(20)]),
                    _ => bad.clone(),
                };
                (stubborn(&errors, says), table.clone())
            })
            .tasks(4)
            .await;
        assert_eq!((report.value.clone(), standings(&report).as_str()), (None, "dd"), "{report}");
        assert!(errors.lock().unwrap().iter().all(|error| error.contains(why)), "{errors:?}");
        assert!(report.to_string().contains(why), "{report}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_round_has_to_end_it() {
    let swarm = swarm().await;
    let patient = plan(&[Takes(10), Takes(20), Takes(30)]);
    let mut report = supervision(&swarm, 0, patient.clone()).rounds(2).run().await;
    assert_eq!((report.rounds, standings(&report).as_str(), &report.value), (2, "ddd", &None));
    assert!(report.to_string().contains("this is the last round"), "{report}");
    supervision(&swarm, 0, patient).retry_failed(&mut report).await;
    assert_eq!((report.value.as_deref(), report.rounds), (Some(&[10, 20, 30][..]), 3), "with fresh limits");
}

#[tokio::test(start_paused = true)]
async fn what_the_deadline_has_stopped_is_taken_up_by_another_run() {
    let swarm = swarm().await;
    let jobs = plan(&[Takes(400), Takes(1_500), Takes(1)]);
    let within = |limit| supervision(&swarm, 0, jobs.clone()).at_most(2).within(limit);
    let mut report = within(millis(300)).run().await;
    assert_eq!(standings(&report), "ssn");
    assert_eq!(report.asks, None, "nobody has to be asked");
    within(secs(5)).retry_failed(&mut report).await;
    assert_eq!((report.value.as_deref(), report.tasks[0].tries), (Some(&[400, 1_500, 1][..]), 2));
    assert_eq!(alive(&swarm), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn it_says_before_what_it_takes_and_who_has_no_bound() {
    let swarm = swarm().await;
    let open = supervision(&swarm, 0, plan(&[])).rounds(3).tasks(4);
    assert_eq!(open.estimate().unbounded, ["worker", "decide"]);
    let bounded = supervise(&swarm, String::new())
        .worker(|job: &Job| (worker(), job.clone()))
        .costing(Budget::usd("0.10"))
        .decide(|table| (lead(0, plan(&[])), table.clone()))
        .costing(Budget::usd("1"))
        .rounds(3)
        .tasks(4)
        .at_most(2);
    assert_eq!(bounded.estimate().to_string(), "7 agents, 3 at once, 21 calls, at most $3.40");
}

/// Supervises in its turn, and crashes in its first attempt.
struct Crashing;

impl Agent for Crashing {
    type Task = ();
    type Output = String;

    async fn handle(&mut self, (): &(), cx: &Context) -> Result<String, AgentError> {
        let chain = |table: &Seen| match table.tasks.len() {
            0 => Next::spawn([Takes(150), Takes(100), Takes(1_000)]),
            // What is planned depends on who was first.
            3 => Next::spawn([Takes(outputs(table).iter().sum::<u64>() + 1)]),
            _ if table.working().next().is_some() => Next::wait(),
            _ => Next::Done(outputs(table)),
        };
        tokio::select! {
            report = supervision(cx, 10, chain).into_future() => Ok(format!("{:?}", report.value)),
            () = tokio::time::sleep(millis(500)), if cx.attempt() == 1 => panic!("in the middle of it"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_owner_that_is_tried_again_sees_the_ends_in_the_same_portions_and_pays_nothing_twice() {
    let swarm = swarm().await;
    let lead = swarm.spawn(AgentSpec::new("owner", || Crashing)).await.unwrap();
    assert_eq!(lead.ask(()).await.unwrap(), "Some([150, 100, 1000, 101])");
    assert_eq!(swarm.cost().spent.calls, 4 + 1, "each task once, and again the one that was at work");
}

/// Lives on from task to task.
struct Living;

impl Agent for Living {
    type Task = Job;
    type Output = u64;
    async fn handle(&mut self, job: &Job, cx: &Context) -> Result<u64, AgentError> {
        let (Takes(ms) | Breaks(ms)) = *job;
        cx.sleep(millis(ms)).await?;
        Ok(ms)
    }
}

async fn living(swarm: &Swarm, name: &str) -> skep::AgentRef<Living> {
    swarm.spawn(AgentSpec::new(name, || Living)).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_lives_on_is_free_again_when_its_task_is_given_up() {
    let swarm = swarm().await;
    let (slow, fast) = (living(&swarm, "slow").await, living(&swarm, "fast").await);
    let report = supervise(&swarm, String::new())
        .worker(|job: &Job| (if *job == Takes(9_000) { slow.clone() } else { fast.clone() }, job.clone()))
        .decide(|table| {
            let says = |table: &Seen| match table.round {
                1 => Next::spawn([Takes(9_000), Takes(10)]),
                2 => Next::Go(vec![Move::GiveUp(1), Move::Spawn(Takes(5))]),
                _ => Next::Done(outputs(table)),
            };
            (lead(0, says), table.clone())
        })
        .await;
    assert_eq!((report.value.as_deref(), report.parts.took), (Some(&[10, 5][..]), millis(15)));
    assert_eq!(slow.ask(Takes(1)).within(secs(1)).await.unwrap(), 1, "its task was withdrawn");
}

#[tokio::test(start_paused = true)]
async fn a_race_does_not_wait_for_a_loser_that_lives_elsewhere() {
    let swarm = swarm().await;
    let (slow, fast) = (living(&swarm, "slow").await, living(&swarm, "fast").await);
    let raced = race(&swarm, ())
        .runner("slow", |()| (slow.clone(), Takes(20_000)))
        .runner("fast", |()| (fast.clone(), Takes(10)))
        .await;
    assert_eq!((raced.winner.as_ref().map(|(_, ms)| *ms), raced.parts.took), (Some(10), millis(10)));
    assert_eq!(slow.ask(Takes(1)).within(secs(1)).await.unwrap(), 1, "its task was withdrawn");
}

/// Plans more for each second one that is done, tries again what has failed, and gives some up.
fn storming(table: &Table<(u64, bool), u64, u64>) -> Next<u64, u64> {
    let ((first, gives_up), planned, done) =
        (table.goal, table.tasks.len() as u64, table.done().count() as u64);
    let mut left = table.tasks_left;
    let mut assign = || {
        left = left.saturating_sub(1);
        left > 0
    };
    let wanted = if planned == 0 { first } else { first + done / 2 };
    let mut moves: Vec<_> = (planned..wanted).filter(|_| assign()).map(Move::Spawn).collect();
    for (task, _) in table.failed().filter(|(task, _)| task.tries < 3) {
        if assign() {
            let number = task.number;
            moves.push(if number % 2 == 0 {
                Move::Retry(number)
            } else {
                Move::Reassign(number, task.task + 100)
            });
        }
    }
    let working = table.working().count();
    if gives_up && working + moves.len() > 1 {
        moves.extend(
            table.working().filter(|task| task.number % 3 == 0).map(|task| Move::GiveUp(task.number)).take(1),
        );
    }
    let sum = || table.done().map(|(_, n)| *n).sum();
    if table.rounds_left == 0 || working + moves.len() == 0 {
        return Next::Done(sum());
    }
    Next::Go(moves)
}

async fn storm_over(lab: Lab, gives_up: bool) -> TestResult {
    storm(lab, gives_up, |dice, hands| {
        let (first, at_most) = (dice.between(1, 5), dice.between(1, 4) as usize);
        let in_rounds = dice.chance(250);
        Arc::new(move |owner: ScopeOwner| {
            let (one, two) = (hands.clone(), hands.clone());
            let supervise = supervise(owner, (first, gives_up))
                .within(secs(600))
                .worker(move |task: &u64| (one.hand(&format!("{task}"), |task: &u64| Ok(task % 100)), *task))
                .costing(Budget::usd("0.003"))
                .decide(move |table| (two.hand("lead", |table| Ok(storming(table))), table.clone()))
                .costing(Budget::usd("0.003"))
                .at_most(at_most)
                .rounds(16)
                .tasks(12);
            if in_rounds { supervise.in_rounds() } else { supervise }
        })
    })
    .await
}

#[skep::swarm_test(seeds = 500)]
async fn a_supervision_in_trouble_leaves_nothing_and_does_nothing_twice(lab: Lab) -> TestResult {
    storm_over(lab, false).await
}

#[skep::swarm_test(seeds = 500)]
async fn a_supervision_that_gives_up_in_trouble_leaves_nothing_and_bills_what_it_cost(
    lab: Lab,
) -> TestResult {
    storm_over(lab, true).await
}
