//! The order in which tasks are taken, against a plain simulation.

use std::collections::BTreeMap;

use skep::testkit::{Dice, Lab, TestResult};

use super::*;

#[tokio::test(start_paused = true)]
async fn the_important_are_taken_first_and_equals_in_the_order_of_submission() {
    let (swarm, log) = (swarm().await, Log::default());
    let of = log.clone();
    let drained = queue(&swarm, jobs((0..8).map(|_| Does(10))))
        .workers(1..=1, move |place| worker(&of, place))
        .priority(|job| u8::try_from(job.id % 3).unwrap())
        .await;
    assert_eq!(log.ids(), [2, 5, 8, 1, 4, 7, 3, 6]);
    let numbers: Vec<_> = drained.rows.iter().map(|row| row.number).collect();
    assert_eq!(numbers, (1..=8).collect::<Vec<_>>(), "the rows are in the order of submission");
}

#[tokio::test(start_paused = true)]
async fn one_that_was_given_back_goes_before_those_that_came_after_it() {
    let (swarm, log) = (swarm().await, Log::default());
    let of = log.clone();
    let does = [Dies(1), Does(10), Does(10), Does(10)];
    let drained = queue(&swarm, jobs(does))
        .workers(1..=1, move |place| worker(&of, place))
        .priority(|job| if job.id == 1 { 5 } else { 3 })
        .await;
    assert!(drained.parts.is_complete());
    assert_eq!(log.ids(), [1, 1, 2, 3, 4]);
}

/// When each task begins, with workers that are there at once and never fail.
fn simulated(tasks: &[(u8, u64)], workers: usize) -> Vec<u64> {
    let mut waiting: Vec<usize> = (0..tasks.len()).collect();
    waiting.sort_by_key(|at| (std::cmp::Reverse(tasks[*at].0), *at));
    let mut waiting = waiting.into_iter();
    let mut free = BTreeMap::from([(0, workers)]);
    let mut begins = vec![0; tasks.len()];
    while let Some((now, count)) = free.pop_first() {
        for task in waiting.by_ref().take(count) {
            begins[task] = now;
            *free.entry(now + tasks[task].1).or_insert(0) += 1;
        }
    }
    begins
}

fn tasks(dice: &mut Dice) -> Vec<(u8, u64)> {
    (0..dice.between(1, 40)).map(|_| (dice.below(4) as u8, dice.between(1, 50))).collect()
}

#[skep::swarm_test(seeds = 200)]
async fn any_tasks_begin_when_a_plain_simulation_says(lab: Lab) -> TestResult {
    let mut dice = lab.dice();
    let (tasks, workers) = (tasks(&mut dice), dice.between(1, 6) as usize);
    let (log, priorities) = (Log::default(), tasks.clone());
    let swarm = lab.start().await;
    let drained = queue(&swarm, jobs(tasks.iter().map(|(_, ms)| Does(*ms))))
        .workers(workers..=workers, move |place| worker(&log, place))
        .priority(move |job| priorities[job.id as usize - 1].0)
        .within(secs(600))
        .await;
    assert!(drained.parts.is_complete(), "{drained}");
    let begins: Vec<_> = drained.parts.parts.iter().map(|part| part.began.as_millis() as u64).collect();
    assert_eq!(begins, simulated(&tasks, workers), "{tasks:?}, {workers} workers");
    lab.end(swarm).await;
    Ok(())
}
