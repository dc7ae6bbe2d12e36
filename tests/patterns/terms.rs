//! The terms that all patterns have: progress, stalls, failures, budgets, estimates, and what a report says.

use std::sync::{Arc, Mutex};

use futures_util::{StreamExt as _, stream};
use skep::{
    AgentError, AgentSpec, Budget, Context, Estimate, Failure, NanoUsd, Progress, Report as _, Usage, What,
    agent_fn, fan_out, fan_out_stream, nest, pipeline,
};

use crate::rig::*;

type Heard = Arc<Mutex<Vec<Progress>>>;

fn hear(heard: &Heard) -> impl Fn(&Progress) + Send + Sync + 'static {
    let heard = Arc::clone(heard);
    move |progress| heard.lock().unwrap().push(progress.clone())
}

#[tokio::test(start_paused = true)]
async fn a_tree_of_many_rows_folds_those_that_ended_alike_and_names_patterns_and_milliseconds() {
    let swarm = swarm().await;
    let items: Vec<_> =
        (0..200).map(|item| (item, if item == 120 { Fails(10) } else { Answers(10) })).collect();
    let gathered = fan_out(&swarm, items)
        .each(|item| {
            let spec = if item.0 == 7 { "seven" } else { "w" };
            (AgentSpec::new(spec, || Worker { starts: true }), item)
        })
        .retries(0)
        .at_most(200)
        .await;
    let tree = gathered.parts().tree();
    assert!(tree.lines().count() < 10, "{tree}");
    assert!(tree.contains("no such file") && tree.contains("10ms"), "{tree}");
    let folded: usize = tree
        .lines()
        .filter_map(|line| line.split_once(" parts")?.0.rsplit(' ').next()?.parse::<usize>().ok())
        .sum();
    assert!((195..=199).contains(&folded), "{tree}");
    let nested = fan_out(&swarm, ["x"])
        .each(|_| {
            nest(|owner| {
                let worker = |item| (AgentSpec::new("w", || Worker { starts: true }), item);
                fan_out(owner, [(0, Answers(1))]).each(worker).named("inner")
            })
        })
        .await;
    assert!(nested.parts().tree().contains("1 (inner)"), "{}", nested.parts().tree());
}

#[tokio::test(start_paused = true)]
async fn whoever_listens_hears_how_far_it_is_and_how_long_it_will_take() {
    let swarm = swarm().await;
    let (heard, items) = (Heard::default(), [Answers(1_000), Answers(3_000), Fails(1_000), Answers(1_000)]);
    let gathered = fan(&swarm, &items).at_most(2).on_progress(hear(&heard)).retries(0).await;
    assert_eq!(ends(&gathered), "ddfd");
    let lines: Vec<_> = heard.lock().unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "fan_out: 1 of 4 done, $0.002, about 2s left",
            "fan_out: 2 of 4 done, 1 failed, $0.003, about 1s left",
            "fan_out: 3 of 4 done, 1 failed, $0.004, about 2s left",
            "fan_out: 4 of 4 done, 1 failed, $0.004",
        ]
    );
    assert_eq!(heard.lock().unwrap()[0].working, ["w1"]);
    let said = swarm.events_so_far().into_iter().filter(|event| matches!(event.what, What::Progress { .. }));
    assert_eq!(said.count(), 4, "and its owner says it");
}

#[tokio::test(start_paused = true)]
async fn a_stall_is_reported_once_and_nothing_is_stopped_for_it() {
    let swarm = swarm().await;
    let heard = Heard::default();
    let gathered = fan(&swarm, &[Answers(1_000), Answers(9_000)]).at_most(2).on_progress(hear(&heard)).await;
    assert_eq!(ends(&gathered), "dd");
    assert_eq!(gathered.parts().stalls, 1);
    let stalled: Vec<_> = heard.lock().unwrap().iter().filter_map(|progress| progress.stalled).collect();
    assert_eq!(stalled, [secs(2)], "twice what the first took");
    let recorded = |name: &str| {
        let events = swarm.events_so_far();
        events
            .iter()
            .filter(|event| matches!(&event.what, What::Custom { name: its, .. } if its == name))
            .count()
    };
    let names = ["pattern_began", "pattern_stalled", "pattern_ended", "pattern_cut"];
    assert_eq!(names.map(recorded), [1, 1, 1, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_stall_can_be_told_before_anything_has_ended() {
    let swarm = swarm().await;
    let gathered = fan(&swarm, &[Answers(9_000)]).expecting(secs(3)).await;
    assert_eq!((ends(&gathered).as_str(), gathered.parts().stalls), ("d", 1));
}

#[tokio::test(start_paused = true)]
async fn failures_can_end_what_begins_and_let_what_works_go_on() {
    let items = [Fails(10), Fails(20), Answers(500), Answers(15), Answers(1)];
    let swarm = swarm().await;
    let held = fan(&swarm, &items).retries(0).at_most(3).begin_none_after(2).await;
    assert_eq!(ends(&held), "ffddn", "the fourth had begun by then");
    assert!(held.to_string().ends_with("w4 (not started: 2 others had failed)"), "{held}");
    let cut = fan(&swarm, &items).retries(0).at_most(3).give_up_after(2).await;
    assert_eq!(ends(&cut), "ffssn");
    let share = [Fails(1), Fails(2), Fails(3), Answers(4), Answers(5), Answers(6), Answers(7)];
    assert_eq!(ends(&fan(&swarm, &share).retries(0).at_most(1).begin_none_at(0.6).await), "fffnnnn");
    assert_eq!(ends(&fan(&swarm, &share).retries(0).at_most(1).gather_all().await), "fffdddd");
}

#[tokio::test(start_paused = true)]
async fn the_budget_of_the_whole_is_shared_by_all_parts() {
    let swarm = swarm().await;
    let fan = fan(&swarm, &[Answers(1), Answers(1), Answers(1)]).at_most(1).budget(Budget::usd("0.002"));
    assert_eq!(fan.estimate().to_string(), "3 agents, 1 at once, 9 calls, at most $0.002");
    let gathered = fan.await;
    assert_eq!(ends(&gathered), "ddf");
    assert_eq!(gathered.cost().money, NanoUsd(2_000_000));
}

#[tokio::test(start_paused = true)]
async fn what_a_part_may_cost_is_held_over_all_its_attempts() {
    let swarm = swarm().await;
    let pipe = pipeline(&swarm, (0, Fails(1)))
        .stage("work", |item| (AgentSpec::new("w", || Worker { starts: true }), item.clone()))
        .costing(Budget::usd("0.002"));
    let estimate = pipe.estimate();
    assert_eq!((estimate.calls, estimate.cost), (3, Some(Usage::money(NanoUsd(2_000_000)))));
    let piped = pipe.await;
    let failure = piped.parts.parts[0].failure.clone().unwrap();
    assert!(failure.to_string().contains("left"), "the third attempt was refused: {failure}");
    assert_eq!((piped.parts.parts[0].attempts, piped.cost().money), (3, NanoUsd(2_000_000)));
}

#[tokio::test(start_paused = true)]
async fn what_an_earlier_attempt_has_paid_for_is_in_the_report_and_marked() {
    let swarm = swarm().await;
    let lead = agent_fn("lead", |(): (), cx: Context| async move {
        let one = agent_fn("one", |n: u64, cx: Context| async move {
            pay(&cx).await?;
            Ok::<_, AgentError>(n)
        });
        let gathered = fan_out(&cx, [1_u64, 2]).each(move |n| (one.clone(), n)).await;
        if cx.attempt() == 1 {
            panic!("with all of it");
        }
        let parts = gathered.parts();
        let recalled = parts.parts.iter().filter(|part| part.is_recalled).count();
        Ok::<_, AgentError>((recalled, parts.cost().calls))
    });
    let lead = swarm.spawn(lead).await.unwrap();
    assert_eq!(lead.ask(()).await.unwrap(), (2, 2), "both were paid for once, by the first attempt");
    assert_eq!(lead.cost().spent.calls, 2);
}

#[tokio::test(start_paused = true)]
async fn an_endless_stream_of_items_is_worked_off_as_its_rows_are_read() {
    let swarm = swarm().await;
    let taken = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&taken);
    let items = stream::iter(0..).inspect(move |_| *counted.lock().unwrap() += 1);
    let rows = fan_out_stream(&swarm, items)
        .within(secs(3_600))
        .at_most(3)
        .retries(0)
        .each(|n: usize| {
            let does = if n % 5 == 4 { Fails(10) } else { Answers(10) };
            (AgentSpec::new(format!("w{n}"), || Worker { starts: true }), (n, does))
        })
        .rows();
    let first: Vec<_> = rows.take(100).collect().await;
    let mut items: Vec<_> = first.iter().map(|row| row.item).collect();
    items.sort_unstable();
    assert_eq!(items, (0..100).collect::<Vec<_>>());
    assert_eq!(first.iter().filter(|row| row.result.is_err()).count(), 20);
    assert!(first.iter().all(|row| row.agent == format!("w{}", row.item) && row.cost.calls == 1));
    assert!(*taken.lock().unwrap() <= 103, "no more are taken than there is room for");
    tokio::time::sleep(secs(20)).await;
    assert_eq!(alive(&swarm), [""; 0], "dropped, it leaves nothing");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_ends_or_is_cut_gives_a_row_for_each_item_that_was_taken() {
    let swarm = swarm().await;
    let worker = |n: usize| (AgentSpec::new(format!("w{n}"), || Worker { starts: true }), (n, Answers(400)));
    let rows = fan_out_stream(&swarm, stream::iter(0..7)).each(worker).rows();
    assert_eq!(rows.collect::<Vec<_>>().await.len(), 7);
    let rows = fan_out_stream(&swarm, stream::iter(0..)).within(secs(1)).at_most(2).each(worker).rows();
    let rows: Vec<_> = rows.collect().await;
    let stopped = rows.iter().filter(|row| matches!(row.result, Err(Failure::Stopped(_)))).count();
    assert_eq!((rows.len(), stopped), (6, 2));
    let waits = fan_out_stream(&swarm, stream::pending::<usize>()).within(secs(1)).each(worker).rows();
    assert_eq!(waits.collect::<Vec<_>>().await.len(), 0, "the deadline holds while no item comes");
}

#[tokio::test(start_paused = true)]
async fn a_pattern_in_another_is_estimated_where_what_it_gets_is_known() {
    let swarm = swarm().await;
    let inner = |budget: &'static str| {
        move |item: (usize, Does)| {
            nest(move |owner| {
                pipeline(owner, item.clone()).stage("work", move |item| {
                    (
                        AgentSpec::new("w", || Worker { starts: true }).budget(Budget::usd(budget)),
                        item.clone(),
                    )
                })
            })
        }
    };
    let items = [Answers(1), Answers(2)].into_iter().enumerate();
    let estimate = fan_out(&swarm, items).each(inner("0.50")).estimate();
    assert_eq!(estimate.to_string(), "2 agents, 2 at once, 6 calls, at most $1.00");
    assert_eq!(estimate.if_each_cost(Usage::money(NanoUsd(2))).money, NanoUsd(12));
    let later: Estimate = pipeline(&swarm, 1_usize)
        .then("more", |n| Ok((*n, Answers(1))))
        .stage("inner", |item| {
            nest({
                let item = item.clone();
                move |owner| {
                    fan_out(owner, [item.clone()])
                        .each(|item| (AgentSpec::new("w", || Worker { starts: true }), item))
                }
            })
        })
        .costing(Budget::usd("2"))
        .estimate();
    assert_eq!(
        later.to_string(),
        "0 agents, 0 at once, 0 calls, at most $2.00, and besides what comes of inner"
    );
}

#[tokio::test(start_paused = true)]
async fn a_report_draws_itself_with_cost_time_and_the_critical_path() {
    let swarm = swarm().await;
    let piped = pipeline(&swarm, 3_usize)
        .named("launch")
        .then("split", |n| Ok((0..*n).collect::<Vec<_>>()))
        .stage("each \"one\"", |all| {
            nest({
                let all = all.clone();
                move |owner| {
                    fan_out(owner, all.clone()).each(|n| {
                        let does = if n == 1 { Answers(2_000) } else { Answers(500) };
                        (AgentSpec::new(format!("w{n}"), || Worker { starts: true }), (n, does))
                    })
                }
            })
        })
        .stage("fails", |_| (AgentSpec::new("w", || Worker { starts: true }), (9, Fails(1_000))))
        .await;
    assert_eq!(
        piped.parts.tree(),
        "launch            $0.006, 6 calls  5.0s  2 of 3 completed, failed: fails (no such file)\n\
         ├── split *                 $0.00  0.0s  done\n\
         ├── each \"one\" *  $0.003, 3 calls  2.0s  done\n\
         │   ├── w0         $0.001, 1 call  0.5s  done\n\
         │   ├── w1 *       $0.001, 1 call  2.0s  done\n\
         │   └── w2         $0.001, 1 call  0.5s  done\n\
         └── fails *       $0.003, 3 calls  3.0s  no such file"
    );
    let mermaid = piped.parts.mermaid();
    assert!(mermaid.contains("p_1[\"each #quot;one#quot;: done, $0.003, 3 calls, 2.0s\"]"), "{mermaid}");
    assert!(mermaid.contains("p_1 --> p_1_0") && mermaid.contains("p_1 --> p_2"), "{mermaid}");
    let dot = piped.parts.dot();
    assert!(dot.contains("p_2 [label=\"fails: no such file, $0.003, 3 calls, 3.0s\", color=red];"), "{dot}");
    let path: Vec<_> = piped.parts.critical_path().iter().map(|part| part.name.as_str()).collect();
    assert_eq!(path, ["split", "each \"one\"", "fails"]);
}
