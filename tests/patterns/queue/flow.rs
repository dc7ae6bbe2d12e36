//! An open queue, and how many work at it.

use std::sync::atomic::{AtomicI64, Ordering};

use futures_util::StreamExt as _;
use skep::queue::{DrainedRow, Push};

use super::*;

fn open(swarm: &Swarm, log: &Log) -> Queue<'static, Job, u64> {
    two(swarm, log, [])
}

async fn all<T, O>(rows: impl futures_util::Stream<Item = DrainedRow<T, O>>) -> Vec<(u64, bool)> {
    rows.map(|row| (row.number, row.result.is_ok())).collect().await
}

async fn push_all(push: Push<Job>, does: impl IntoIterator<Item = What>) {
    for job in jobs(does) {
        push.push(job).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn rows_come_as_they_end_and_in_order_if_that_is_told() {
    let (swarm, log) = (swarm().await, Log::default());
    let does = || [Does(30), Does(10), Fails(9), Does(10)];
    let (push, rows) = open(&swarm, &log).open();
    let (rows, ()) = tokio::join!(all(rows), push_all(push, does()));
    assert_eq!(rows, [(2, true), (3, false), (4, true), (1, true)]);
    let (push, rows) = open(&swarm, &log).in_order().open();
    let (rows, ()) = tokio::join!(all(rows), push_all(push, does()));
    assert_eq!(rows, [(1, true), (2, true), (3, false), (4, true)]);
    tokio::time::sleep(secs(1)).await;
    assert_eq!(alive(&swarm), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn the_tasks_that_it_was_made_with_come_first() {
    let (swarm, log) = (swarm().await, Log::default());
    let (push, rows) = two(&swarm, &log, (0..100).map(|_| Does(1))).in_order().room(1).open();
    let pushing = async {
        push.push(Job { id: 101, does: Does(1) }).await.unwrap();
        assert!(log.ids().len() >= 98, "it waits until all of those were taken");
        push.close();
    };
    let (rows, ()) = tokio::join!(all(rows), pushing);
    assert_eq!(rows, (1..=101).map(|number| (number, true)).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_push_waits_for_room() {
    let (swarm, log) = (swarm().await, Log::default());
    let (push, rows) = open(&swarm, &log).room(3).open();
    let mut rows = std::pin::pin!(rows);
    let pushing = async {
        for id in 1..=5 {
            push.push(Job { id, does: Does(1_000) }).await.unwrap();
        }
        assert_eq!(tokio::time::Instant::now().elapsed(), secs(0));
        let begun = tokio::time::Instant::now();
        push.push(Job { id: 6, does: Does(1_000) }).await.unwrap();
        assert_eq!(begun.elapsed(), secs(1), "two are at work, and three wait");
        push.close();
    };
    let (count, ()) = tokio::join!(rows.by_ref().count(), pushing);
    assert_eq!(count, 6);
}

#[tokio::test(start_paused = true)]
async fn dropping_the_rows_stops_it_and_gives_the_tasks_back() {
    let (swarm, log) = (swarm().await, Log::default());
    let (push, rows) = open(&swarm, &log).room(1).open();
    let pushing = async {
        let mut id = 0;
        loop {
            id += 1;
            if let Err(back) = push.push(Job { id, does: Does(60_000) }).await {
                break (id, back.id);
            }
        }
    };
    let dropping = async {
        let _ = tokio::time::timeout(millis(50), all(rows)).await;
    };
    let ((id, back), ()) = tokio::join!(pushing, dropping);
    assert_eq!((id, back), (4, 4), "two were at work, and one waited");
    assert!(push.push(Job { id: 5, does: Does(1) }).await.is_err());
    tokio::time::sleep(secs(20)).await;
    assert_eq!(alive(&swarm), [""; 0]);
    // Never polled at all.
    let (push, rows) = open(&swarm, &log).open();
    push.push(Job { id: 1, does: Does(1) }).await.unwrap();
    drop(rows);
    assert!(push.push(Job { id: 2, does: Does(1) }).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn it_ends_with_a_close_and_with_the_last_that_could_push() {
    let (swarm, log) = (swarm().await, Log::default());
    let (push, rows) = open(&swarm, &log).open();
    let other = push.clone();
    let ((), rows) = tokio::join!(
        async {
            push.push(Job { id: 1, does: Does(1) }).await.unwrap();
            drop(push);
            tokio::time::sleep(secs(1)).await;
            other.push(Job { id: 2, does: Does(1) }).await.unwrap();
            drop(other);
        },
        all(rows)
    );
    assert_eq!(rows, [(1, true), (2, true)]);
    let (push, rows) = open(&swarm, &log).open();
    let other = push.clone();
    push.close();
    assert!(other.push(Job { id: 1, does: Does(1) }).await.is_err(), "for all clones");
    assert_eq!(all(rows).await, []);
}

#[tokio::test(start_paused = true)]
async fn each_task_that_was_put_in_has_a_row_whatever_ends_it() {
    let (swarm, log) = (swarm().await, Log::default());
    let (push, rows) = open(&swarm, &log).within(secs(1)).room(10).open();
    let pushing = async {
        let mut put = 0;
        while push.push(Job { id: put, does: Does(60_000) }).await.is_ok() {
            put += 1;
        }
        put
    };
    let (rows, put) = tokio::join!(rows.collect::<Vec<_>>(), pushing);
    assert_eq!((put, rows.len()), (12, 12));
    let begun = rows.iter().filter(|row| matches!(row.result, Err(Failure::Stopped(_)))).count();
    let not = rows.iter().filter(|row| matches!(row.result, Err(Failure::NotBegun(_)))).count();
    assert_eq!((begun, not), (2, 10));
    assert_eq!(alive(&swarm), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn too_many_failures_end_its_input() {
    let (swarm, log) = (swarm().await, Log::default());
    let (push, rows) = open(&swarm, &log).retries(0).room(1).open();
    let pushing = async {
        let mut id = 0;
        while push.push(Job { id, does: Fails(9) }).await.is_ok() {
            id += 1;
        }
        id
    };
    let (rows, put) = tokio::join!(all(rows), pushing);
    assert_eq!(rows.len() as u64, put);
    assert!((3..9).contains(&put), "{put}");
}

#[tokio::test(start_paused = true)]
async fn in_order_one_that_is_late_holds_up_no_more_than_there_is_room_for() {
    let (swarm, log) = (swarm().await, Log::default());
    let does = || (0..40).map(|n| if n == 0 { Does(10_000) } else { Does(1) });
    let (push, rows) = open(&swarm, &log).in_order().room(5).open();
    let mut rows = std::pin::pin!(rows);
    let looking = async {
        tokio::time::sleep(secs(9)).await;
        log.all().len()
    };
    let reading = async {
        let mut numbers = Vec::new();
        while let Some(row) = rows.next().await {
            numbers.push(row.number);
        }
        numbers
    };
    let (numbers, (), begun) = tokio::join!(reading, push_all(push, does()), looking);
    assert_eq!(numbers, (1..=40).collect::<Vec<_>>());
    assert_eq!(begun, 1 + 5, "five rows wait for the first");
}

#[tokio::test(start_paused = true)]
async fn in_order_the_late_one_is_taken_however_unimportant_it_is() {
    let (swarm, log) = (swarm().await, Log::default());
    let urgent = queue(&swarm, jobs((0..50).map(|_| Does(10))))
        .workers(1..=1, move |place| worker(&log, place))
        .priority(|job| if job.id == 1 { 0 } else { 9 })
        .in_order()
        .room(4);
    let (push, rows) = urgent.open();
    drop(push);
    assert_eq!(all(rows).await, (1..=50).map(|number| (number, true)).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn an_unimportant_task_is_taken_in_the_end_however_many_urgent_ones_come() {
    let (swarm, log) = (swarm().await, Log::default());
    let of = log.clone();
    let one = queue(&swarm, jobs([Does(1_000)]))
        .workers(1..=1, move |place| worker(&of, place))
        .ageing(secs(10))
        .within(secs(600));
    let (push, rows) = one.open();
    let pushing = async {
        push.push_at(0, Job { id: 7, does: Does(1) }).await.unwrap();
        // One comes each second, and lasts as long.
        for id in 100..200 {
            push.push_at(2, Job { id, does: Does(1_000) }).await.unwrap();
            tokio::time::sleep(secs(1)).await;
        }
        push.close();
    };
    let (rows, ()) = tokio::join!(all(rows), pushing);
    assert_eq!(rows.len(), 102);
    let taken = log.ids().into_iter().position(|id| id == 7).unwrap();
    assert!((20..=23).contains(&taken), "a lead of two steps of ten seconds: after {taken}");
}

/// A task that is counted as long as it lives.
#[derive(Serialize)]
struct Counted(u64);

static LIVING: AtomicI64 = AtomicI64::new(0);
static MOST: AtomicI64 = AtomicI64::new(0);

impl Counted {
    fn new(number: u64) -> Self {
        MOST.fetch_max(LIVING.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        Self(number)
    }
}

impl Clone for Counted {
    fn clone(&self) -> Self {
        Self::new(self.0)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        LIVING.fetch_sub(1, Ordering::SeqCst);
    }
}

impl<'de> Deserialize<'de> for Counted {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        u64::deserialize(from).map(Self::new)
    }
}

#[tokio::test(start_paused = true)]
async fn of_twenty_thousand_tasks_no_more_are_held_than_wait_and_are_at_work() {
    for in_order in [false, true] {
        let swarm = swarm().await;
        let queue = queue(&swarm, [])
            .workers(2..=4, |place| {
                agent_fn(format!("w{place}"), |task: Counted, _: Context| async move { Ok(task.0) })
            })
            .within(secs(3_600));
        let queue = if in_order { queue.in_order() } else { queue };
        let (push, rows) = queue.open();
        MOST.store(0, Ordering::SeqCst);
        let pushing = async {
            for number in 0..20_000 {
                push.push(Counted::new(number)).await.unwrap_or_else(|_| panic!("it takes them all"));
            }
            push.close();
        };
        let reading = rows.fold(0_u64, |sum, row| async move { sum + row.result.unwrap() });
        let (sum, ()) = tokio::join!(reading, pushing);
        assert_eq!(sum, 20_000 * 19_999 / 2);
        // 64 wait, and each of those at work is held by the queue and by its worker, twice at most.
        let most = MOST.load(Ordering::SeqCst);
        assert!(most <= 64 + 4 * 4 + 64, "{most} at once");
        drop(swarm);
    }
}

#[tokio::test(start_paused = true)]
async fn more_come_up_while_many_wait_and_go_when_they_are_idle() {
    let (swarm, log) = (swarm().await, Log::default());
    let of = log.clone();
    let one = queue(&swarm, [])
        .workers(1..=8, move |place| worker(&of, place))
        .idle(secs(5))
        .within(secs(600))
        .room(100);
    let (push, rows) = one.open();
    let living = || swarm.status().iter().filter(|status| status.name.starts_with('w')).count();
    let pushing = async {
        assert_eq!(living(), 0, "nobody is there before there is a task");
        push.push(Job { id: 0, does: Does(10) }).await.unwrap();
        tokio::time::sleep(secs(1)).await;
        assert_eq!(living(), 1);
        for id in 1..40 {
            push.push(Job { id, does: Does(1_000) }).await.unwrap();
        }
        tokio::time::sleep(millis(500)).await;
        assert_eq!(living(), 8);
        tokio::time::sleep(secs(5)).await;
        assert_eq!(living(), 8, "the last were done half a second ago");
        tokio::time::sleep(secs(6)).await;
        assert_eq!(living(), 1, "one is the least");
        push.push(Job { id: 40, does: Does(10) }).await.unwrap();
        push.close();
    };
    let (rows, ()) = tokio::join!(all(rows), pushing);
    assert_eq!(rows.len(), 41);
    assert!(log.all().iter().all(|had| !had.worker.is_empty()));
    tokio::time::sleep(secs(1)).await;
    assert_eq!(alive(&swarm), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn more_come_up_if_what_waits_would_take_too_long() {
    let (swarm, log) = (swarm().await, Log::default());
    let most = |drain_within: Option<u64>| {
        let of = log.clone();
        let queue = queue(&swarm, jobs((0..12).map(|_| Does(10_000))))
            .workers(1..=8, move |place| worker(&of, place))
            .lease(secs(60))
            .within(secs(600));
        match drain_within {
            Some(limit) => queue.drain_within(secs(limit)),
            None => queue,
        }
    };
    // Eleven wait for the first worker, so three more come up, for each of whom two wait then.
    assert_eq!(most(None).await.workers.len(), 4);
    // When it is known that a task takes ten seconds, four still wait, and eight would have them done in five.
    assert_eq!(most(Some(5)).await.workers.len(), 4 + 3);
}
