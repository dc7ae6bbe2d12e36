//! How tasks and workers end.

use skep::{AgentSpec, Budget, FailureClass, agent_fn};

use super::*;

#[tokio::test(start_paused = true)]
async fn all_tasks_are_done_by_workers_that_live_on() {
    let (swarm, log) = (swarm().await, Log::default());
    let drained = two(&swarm, &log, (0..10).map(|_| Does(10))).await;
    assert_eq!(drained.to_string(), "10 of 10 completed");
    let ids: Vec<_> = drained.rows.iter().map(|row| (row.number, row.task.id, row.result.clone())).collect();
    assert_eq!(ids, (1..=10).map(|id| (id, id, Ok(id))).collect::<Vec<_>>());
    assert_eq!(drained.parts.took, millis(50));
    let tasks: Vec<_> = drained.workers.iter().map(|worker| (&*worker.name, worker.tasks)).collect();
    assert!(tasks.len() == 2 && tasks.iter().all(|(_, tasks)| *tasks == 5), "{tasks:?}");
    is_settled(&swarm, &drained);
}

#[tokio::test(start_paused = true)]
async fn nothing_to_do_is_done_at_once_and_no_worker_begins() {
    let (swarm, log) = (swarm().await, Log::default());
    let before = swarm.events_so_far().len();
    let queue = two(&swarm, &log, []);
    assert_eq!(queue.estimate().to_string(), "0 agents, 0 at once, 0 calls, at most $0.00");
    let drained = queue.await;
    assert_eq!((drained.to_string().as_str(), drained.workers.len()), ("0 of 0 completed", 0));
    assert_eq!(swarm.events_so_far().len(), before, "not even a scope was opened");
}

#[tokio::test(start_paused = true)]
async fn an_error_is_tried_again_in_the_same_worker_which_finds_it() {
    let (swarm, log) = (swarm().await, Log::default());
    let drained = two(&swarm, &log, [Fails(2), Fails(3), Does(1)]).gather_all().await;
    assert_eq!(letters(&drained), "dfd");
    let first: Vec<_> = log.all().into_iter().filter(|had| had.id == 1).collect();
    assert!(first.iter().all(|had| had.worker == first[0].worker), "{first:?}");
    let found: Vec<_> = first.iter().map(|had| (had.attempt, had.last_error.as_deref())).collect();
    assert_eq!(found, [(1, None), (2, Some("no such file")), (3, Some("no such file"))]);
    let errors: Vec<_> = drained.rows.iter().map(|row| (row.errors.len(), row.attempts)).collect();
    assert_eq!(errors, [(2, 3), (3, 3), (0, 1)]);
    let dead: Vec<_> = drained.dead_letters().map(|row| (row.task.id, row.errors[2].to_string())).collect();
    assert_eq!(dead, [(2, "no such file".to_owned())]);
    assert!(drained.workers.iter().all(|worker| worker.lost.is_none()));
    is_settled(&swarm, &drained);
}

#[tokio::test(start_paused = true)]
async fn a_task_whose_worker_died_goes_to_another() {
    let (swarm, log) = (swarm().await, Log::default());
    let drained = two(&swarm, &log, [Dies(1), Does(30), Does(10), Does(10)]).await;
    assert_eq!(letters(&drained), "dddd");
    let had = log.workers_of(1);
    assert!(had.len() == 2 && had[0] != had[1], "{had:?}");
    let row = &drained.rows[0];
    assert_eq!((row.attempts, row.errors.len(), row.cost.calls), (2, 1, 2));
    let lost: Vec<_> = drained.workers.iter().filter_map(|worker| worker.lost.as_ref()).collect();
    assert!(lost.len() == 1 && lost[0].is_crash(), "{lost:?}");
    assert_eq!(drained.workers.len(), 3);
    is_settled(&swarm, &drained);
}

#[tokio::test(start_paused = true)]
async fn a_poison_task_is_set_aside_and_the_others_are_done() {
    let (swarm, log) = (swarm().await, Log::default());
    let does = [Does(5), Dies(99), Does(5), Does(5), Does(5)];
    let drained = two(&swarm, &log, does).await;
    assert_eq!(letters(&drained), "dfddd");
    let dead = drained.dead_letters().next().unwrap();
    assert_eq!((dead.attempts, dead.errors.len(), log.workers_of(2).len()), (3, 3, 3));
    let error = dead.result.as_ref().unwrap_err().error();
    assert_eq!(error.class(), FailureClass::Poisoned);
    assert!(error.to_string().starts_with("it ended 3 workers; the last error: panicked at"), "{error}");
    assert_eq!(drained.workers.iter().filter(|worker| worker.lost.is_some()).count(), 3);
    is_settled(&swarm, &drained);
}

#[tokio::test(start_paused = true)]
async fn errors_and_deaths_share_the_attempts_of_a_task() {
    let (swarm, log) = (swarm().await, Log::default());
    let calls = log.clone();
    // Fails, dies, fails.
    let drained = queue(&swarm, [1])
        .workers(1..=1, move |place| {
            let calls = calls.clone();
            agent_fn(format!("w{place}"), move |id: u64, cx: Context| {
                let calls = calls.clone();
                async move {
                    let had =
                        Had { id, worker: cx.id().to_string(), attempt: cx.attempt(), last_error: None };
                    let begun = {
                        let mut calls = calls.0.lock().unwrap();
                        calls.push(had);
                        calls.len()
                    };
                    if begun == 2 {
                        Err(AgentError::crash("dead"))
                    } else {
                        Err::<u64, _>(AgentError::message("no"))
                    }
                }
            })
        })
        .await;
    assert_eq!(letters(&drained), "f");
    let attempts: Vec<_> = log.all().iter().map(|had| had.attempt).collect();
    assert_eq!(attempts, [1, 2, 1], "the second worker has one attempt left");
    let errors: Vec<_> = drained.rows[0].errors.iter().map(ToString::to_string).collect();
    assert_eq!((errors.join(", ").as_str(), drained.rows[0].attempts), ("no, dead, no", 3));
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_hangs_loses_its_task_when_the_lease_is_over() {
    let (swarm, log) = (swarm().await, Log::default());
    let drained = two(&swarm, &log, [Hangs(1), Does(1), Does(1)]).lease(secs(2)).await;
    assert_eq!(letters(&drained), "ddd");
    let had = log.workers_of(1);
    assert!(had.len() == 2 && had[0] != had[1], "{had:?}");
    assert_eq!(
        drained.rows[0].errors.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["no answer in 2.0s"]
    );
    assert_eq!(drained.rows[0].took, secs(2), "the other worker was idle, and had it at once");
    is_settled(&swarm, &drained);
    // Each worker that it hangs in is one attempt.
    let drained = two(&swarm, &log, [Hangs(99), Does(1)]).lease(secs(2)).await;
    assert_eq!(letters(&drained), "fd");
    assert_eq!(drained.rows[0].attempts, 3);
}

#[tokio::test(start_paused = true)]
async fn a_stale_worker_loses_its_task() {
    let (swarm, log) = (swarm().await, Log::default());
    let of = log.clone();
    let drained = queue(&swarm, jobs([Stale, Does(1)]))
        .workers(2..=2, move |place| worker(&of, place).heartbeat(secs(1), secs(3)))
        .await;
    assert_eq!(letters(&drained), "dd");
    assert_eq!(drained.rows[0].errors[0].class(), FailureClass::Stale);
    is_settled(&swarm, &drained);
}

#[tokio::test(start_paused = true)]
async fn a_task_has_its_own_deadline_over_all_workers() {
    let (swarm, log) = (swarm().await, Log::default());
    let drained = two(&swarm, &log, [Hangs(99), Does(1)]).lease(secs(2)).each_within(secs(3)).await;
    assert_eq!(letters(&drained), "fd");
    assert_eq!((drained.rows[0].attempts, drained.rows[0].took), (2, secs(3)));
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_somebody_kills_or_stops_is_replaced() {
    for kills in [true, false] {
        let (swarm, log) = (swarm().await, Log::default());
        let meddling = async {
            tokio::time::sleep(millis(15)).await;
            let at = swarm.status().into_iter().find(|status| status.name == "w1").unwrap();
            let control = swarm.control(&at.id).unwrap();
            if kills {
                let _ = control.kill();
            } else {
                let _ = control.stop(skep::Stop::default()).await;
            }
        };
        let queue = two(&swarm, &log, (0..6).map(|_| Does(10)));
        let (drained, ()) = tokio::join!(queue.run(), meddling);
        assert_eq!(letters(&drained), "dddddd");
        assert_eq!(drained.workers.len(), 3);
        let errors: Vec<_> =
            drained.rows.iter().flat_map(|row| &row.errors).map(ToString::to_string).collect();
        assert!(errors.len() == 1 && (errors[0] == "killed") == kills, "{errors:?}");
        is_settled(&swarm, &drained);
    }
}

#[tokio::test(start_paused = true)]
async fn half_of_the_tasks_failing_begins_no_more() {
    let (swarm, log) = (swarm().await, Log::default());
    let does = [Fails(9), Does(5), Fails(9), Fails(9), Does(5), Does(5), Does(5), Does(5)];
    let drained = two(&swarm, &log, does.clone()).await;
    assert_eq!(letters(&drained), "fdffnnnn");
    assert!(drained.to_string().contains("task 5 (not started: 3 others had failed)"), "{drained}");
    is_settled(&swarm, &drained);
    assert_eq!(letters(&two(&swarm, &log, does.clone()).gather_all().await), "fdffdddd");
    let first = two(&swarm, &log, does).fail_fast().await;
    assert_eq!(letters(&first), "fsnnnnnn");
}

#[tokio::test(start_paused = true)]
async fn what_is_not_over_by_the_deadline_of_the_whole_is_stopped_or_not_begun() {
    let (swarm, log) = (swarm().await, Log::default());
    let drained = two(&swarm, &log, [Does(400), Does(1_500), Does(5_000), Does(1)]).within(secs(1)).await;
    assert_eq!(letters(&drained), "dssn");
    assert_eq!(alive(&swarm), [""; 0]);
    assert_eq!(drained.parts.cost(), swarm.cost().spent);
}

#[tokio::test(start_paused = true)]
async fn a_budget_that_refuses_is_a_failure_and_a_worker_that_has_used_up_its_own_is_replaced() {
    let (swarm, log) = (swarm().await, Log::default());
    let of = log.clone();
    let drained = queue(&swarm, jobs((0..9).map(|_| Does(1))))
        .workers(1..=1, move |place| worker(&of, place).budget(Budget::new().calls(2)))
        .gather_all()
        .await;
    assert_eq!(letters(&drained), "ddfddfddf");
    let dead = drained.dead_letters().next().unwrap();
    assert_eq!((dead.attempts, dead.result.as_ref().unwrap_err().class()), (1, FailureClass::OverBudget));
    is_settled(&swarm, &drained);
    // Without a budget of its own it was not the worker's.
    let drained = two(&swarm, &log, [OverBudget, Does(1), Does(1), Does(1)]).await;
    assert_eq!((letters(&drained).as_str(), drained.workers.len()), ("fddd", 2));
}

/// Comes up if its place is even, and pays for trying.
fn picky(place: usize) -> AgentSpec<impl Agent<Task = u64, Output = u64>> {
    struct Picky(bool);
    impl Agent for Picky {
        type Task = u64;
        type Output = u64;
        async fn start(&mut self, cx: &Context) -> Result<(), AgentError> {
            if self.0 {
                return Ok(());
            }
            let price = Usage::calls(1);
            let paid = cx.effect("work", "").worst_case(price).run(move |call| async move {
                call.used(price);
                Ok(())
            });
            paid.await?;
            Err(AgentError::message("no key"))
        }
        async fn handle(&mut self, id: &u64, cx: &Context) -> Result<u64, AgentError> {
            cx.sleep(millis(100)).await?;
            Ok(*id)
        }
    }
    AgentSpec::new(format!("w{place}"), move || Picky(place.is_multiple_of(2)))
}

#[tokio::test(start_paused = true)]
async fn workers_that_do_not_come_up_are_told_of_and_the_others_go_on() {
    let swarm = swarm().await;
    let drained = queue(&swarm, 0..6).workers(2..=2, picky).await;
    assert_eq!(letters(&drained), "dddddd");
    let down: Vec<_> = drained.workers.iter().filter(|worker| worker.tasks == 0).collect();
    assert!(!down.is_empty() && down.iter().all(|worker| worker.name == "w1" && worker.cost.calls == 1));
    assert_eq!(down[0].lost.as_ref().unwrap().to_string(), "failed to start: no key");
    is_settled(&swarm, &drained);
}

/// Pays when it starts, and answers.
struct Dear;

impl Agent for Dear {
    type Task = u64;
    type Output = u64;

    async fn start(&mut self, cx: &Context) -> Result<(), AgentError> {
        let price = Usage::calls(7);
        let paid = cx.effect("work", "").worst_case(price).run(move |call| async move {
            call.used(price);
            Ok(())
        });
        Ok(paid.await?)
    }

    async fn handle(&mut self, id: &u64, cx: &Context) -> Result<u64, AgentError> {
        cx.sleep(millis(*id)).await?;
        Ok(*id)
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_worker_costs_besides_its_tasks_is_in_the_task_that_it_had_last() {
    let swarm = swarm().await;
    let dear = |place| AgentSpec::new(format!("w{place}"), || Dear);
    let drained = queue(&swarm, [5, 50, 5, 5]).workers(2..=2, dear).await;
    let calls: Vec<_> = drained.rows.iter().map(|row| row.cost.calls).collect();
    assert_eq!(calls, [0, 7, 0, 7]);
    is_settled(&swarm, &drained);
}

#[tokio::test(start_paused = true)]
async fn if_none_comes_up_it_ends_after_three() {
    let swarm = swarm().await;
    let drained = queue(&swarm, 0..6).workers(1..=1, picky).await;
    assert_eq!((letters(&drained).as_str(), drained.workers.len()), ("nnnnnn", 3));
    assert!(drained.to_string().contains("task 1 (not started: failed to start: no key)"), "{drained}");
    is_settled(&swarm, &drained);
}

#[tokio::test(start_paused = true)]
async fn only_tasks_without_an_output_are_run_again() {
    let (swarm, log) = (swarm().await, Log::default());
    let queue = two(&swarm, &log, [Fails(4), Does(1), Dies(4), Fails(9), Does(1)]).gather_all();
    let mut drained = queue.run().await;
    assert_eq!(letters(&drained), "fdffd");
    let text = serde_json::to_string(&drained).unwrap();
    assert_eq!(serde_json::from_str::<Drained<Job, u64>>(&text).unwrap(), drained);
    queue.retry_failed(&mut drained).await;
    assert_eq!(letters(&drained), "dddfd");
    let rows: Vec<_> =
        drained.rows.iter().map(|row| (row.attempts, row.errors.len(), row.cost.calls)).collect();
    assert_eq!(rows, [(5, 4, 5), (1, 0, 1), (5, 4, 5), (6, 6, 6), (1, 0, 1)]);
    is_settled(&swarm, &drained);
}

#[tokio::test(start_paused = true)]
async fn the_estimate_counts_a_worker_for_each_attempt_that_may_cost_one() {
    let (swarm, log) = (swarm().await, Log::default());
    let of = log.clone();
    let queue = queue(&swarm, jobs((0..10).map(|_| Dies(9))))
        .workers(1..=4, move |place| worker(&of, place).budget(Budget::usd("0.01")))
        .gather_all();
    assert_eq!(queue.estimate().to_string(), "34 agents, 4 at once, 30 calls, at most $0.34");
    let drained = queue.await;
    assert_eq!((letters(&drained).as_str(), log.all().len()), ("ffffffffff", 30));
    assert!(drained.workers.len() <= 34, "{}", drained.workers.len());
}

#[tokio::test(start_paused = true)]
async fn a_closure_that_panics_does_so_where_the_queue_is_awaited_and_nothing_is_left() {
    let swarm = swarm().await;
    let running = {
        let swarm = swarm.clone();
        tokio::spawn(async move {
            queue(&swarm, 0..6_u64)
                .workers(2..=2, |place| if place == 2 { panic!("no such worker") } else { picky(2) })
                .await
                .rows
                .len()
        })
    };
    assert!(running.await.unwrap_err().is_panic());
    tokio::time::sleep(secs(20)).await;
    assert_eq!(alive(&swarm), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn starts_that_failed_once_do_not_end_it_when_the_last_worker_dies_later() {
    let (swarm, log) = (swarm().await, Log::default());
    let (of, starts) = (log.clone(), Arc::new(Mutex::new(0)));
    // The first comes up; the next three do not; then all do.
    let spec = move |place| {
        let nth = {
            let mut starts = starts.lock().unwrap();
            *starts += 1;
            *starts
        };
        let spec = worker(&of, place);
        if (2..=4).contains(&nth) {
            spec.budget(Budget::new().calls(1).every(std::time::Duration::ZERO))
        } else {
            spec
        }
    };
    let does = (0..9).map(|n| if n == 8 { Dies(1) } else { Does(3_000) });
    let drained = queue(&swarm, jobs(does)).workers(1..=2, spec).within(secs(600)).await;
    assert_eq!(letters(&drained), "ddddddddd");
    assert_eq!(drained.workers.iter().filter(|worker| worker.id.is_none()).count(), 3);
    is_settled(&swarm, &drained);
}

/// Runs a queue in its turn, and crashes in the middle of its first attempts.
struct Lead(Log, Vec<u64>);

impl Agent for Lead {
    type Task = ();
    type Output = String;
    async fn handle(&mut self, (): &(), cx: &Context) -> Result<String, AgentError> {
        let log = self.0.clone();
        let queue = queue(cx, jobs((0..12).map(|n| if n == 3 { Dies(1) } else { Does(10 + n) })))
            .workers(1..=3, move |place| worker(&log, place));
        let crash = self.1.get(cx.attempt() as usize - 1);
        tokio::select! {
            drained = queue.run() => Ok(drained.to_string()),
            () = tokio::time::sleep(millis(crash.copied().unwrap_or(0))), if crash.is_some() => panic!("middle"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_owner_that_crashes_takes_up_the_answers_whichever_worker_is_asked() {
    for at in [1, 15, 25, 40, 55] {
        let (swarm, log) = (swarm().await, Log::default());
        let of = log.clone();
        let lead = swarm.spawn(AgentSpec::new("lead", move || Lead(of.clone(), vec![at]))).await.unwrap();
        assert_eq!(lead.ask(()).await.unwrap(), "12 of 12 completed");
        // Three were in the middle of it, and one died.
        let made = log.all().len();
        assert!(made <= 12 + 3 + 1, "{made} after a crash at {at} ms");
        assert_eq!(alive(&swarm).len(), 1, "the lead alone");
    }
}
