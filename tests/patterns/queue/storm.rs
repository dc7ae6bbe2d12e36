//! The queue in trouble.

use std::time::Duration;

use skep::testkit::{Lab, Point, TestResult};
use skep::{Budget, Stop};

use super::*;
use crate::storm::storm;

#[skep::swarm_test(seeds = 500)]
async fn a_queue_in_trouble_leaves_nothing_and_bills_what_it_cost(lab: Lab) -> TestResult {
    storm(lab, false, |dice, hands| {
        let (tasks, least, more) = (dice.between(1, 14), dice.below(4) as usize, dice.below(5) as usize);
        // No task takes so long that is not slowed down.
        let lease = Duration::from_millis(dice.between(500, 2_000));
        let (has_priority, is_quick, all) = (dice.chance(500), dice.chance(500), dice.chance(500));
        Arc::new(move |owner: ScopeOwner| {
            let hands = hands.clone();
            let queue = queue(owner, 0..tasks)
                .workers(least..=least + more, move |place| {
                    hands.hand(&place.to_string(), |task: &u64| Ok(*task)).budget(Budget::usd("0.10"))
                })
                .lease(lease)
                .idle(if is_quick { Duration::ZERO } else { secs(10) })
                .within(secs(600));
            let queue = if has_priority { queue.priority(|task| (task % 3) as u8) } else { queue };
            if all { queue.gather_all() } else { queue }
        })
    })
    .await
}

/// Dying, hanging and failing workers under an open queue whose rows may be dropped.
#[skep::swarm_test(seeds = 500)]
async fn an_open_queue_in_trouble_has_a_row_for_each_task_and_leaves_nothing(lab: Lab) -> TestResult {
    let mut dice = lab.dice();
    let mut lab = lab;
    let at = |chance| Point::turn().of("w*").chance(chance);
    for _ in 0..dice.below(4) {
        let chance = dice.between(50, 300);
        let rule = match dice.below(5) {
            0 => at(chance).panics(),
            1 => at(chance).kills(),
            2 => at(chance).hangs(),
            3 => at(chance).loses_cell(),
            _ => at(chance).fails(AgentError::message("the tool broke")),
        };
        lab = lab.fault(rule.may_rest());
    }
    if dice.chance(200) {
        lab = lab.fault(Point::start().of("w*").chance(200).fails(AgentError::message("no key")).may_rest());
    }
    let swarm = lab.start().await;
    let log = Log::default();
    let (least, most, room) =
        (dice.below(3) as usize, dice.between(1, 5) as usize, dice.between(1, 8) as usize);
    let (count, first) = (dice.between(0, 40), dice.below(5));
    let in_order = dice.chance(500);
    let of = log.clone();
    let queue = queue(&swarm, jobs((0..first).map(|_| Does(20))))
        .workers(least..=most, move |place| worker(&of, place))
        .lease(secs(2))
        .stop(Stop::within(secs(1)))
        .idle(millis(dice.between(0, 500)))
        .within(if dice.chance(200) { millis(dice.between(1, 3_000)) } else { secs(600) })
        .room(room)
        .gather_all();
    let queue = if in_order { queue.in_order() } else { queue };
    let (push, mut rows) = queue.open();
    let pauses: Vec<_> = (0..count).map(|_| if dice.chance(300) { dice.below(300) } else { 0 }).collect();
    let pushing = async {
        let mut put = 0;
        for (id, pause) in (100..).zip(pauses) {
            tokio::time::sleep(millis(pause)).await;
            let job = Job { id, does: Does(pause / 2) };
            let pushed = if id % 2 == 0 { push.push(job).await } else { push.push_at(id as u8, job).await };
            if pushed.is_err() {
                break;
            }
            put += 1;
        }
        push.close();
        put
    };
    let drop_after = if dice.chance(250) { Some(dice.below(20) as usize) } else { None };
    let reading = async {
        let mut read = Vec::new();
        while drop_after.is_none_or(|most| read.len() < most) {
            let Some(row) = rows.next().await else { break };
            assert!(row.attempts <= 3, "{row:?}");
            read.push(row.number);
        }
        drop(rows);
        read
    };
    let (put, read): (u64, Vec<u64>) = tokio::join!(pushing, reading);
    if drop_after.is_none() {
        let mut all = read.clone();
        all.sort_unstable();
        assert_eq!(all, (1..=first + put).collect::<Vec<_>>(), "a row for each");
    }
    assert!(!in_order || read.is_sorted(), "{read:?}");
    for id in log.ids() {
        // A cell that is lost is no attempt, so there is no bound for those.
        assert!(log.workers_of(id).len() <= 60, "{id}");
    }
    tokio::time::sleep(secs(30)).await;
    assert_eq!(alive(&swarm), [""; 0]);
    assert_eq!(swarm.cost().reserved, Usage::ZERO);
    lab.end(swarm).await;
    Ok(())
}
